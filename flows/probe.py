"""Connections that a launch needs are tried before it, by a call that changes nothing; a gate asks for the result."""
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from flows.planning.timing import wall
from publishers.base import Identifies, Publisher, Verifies
from schemas.campaign import Campaign
from schemas.channel import Channel
from schemas.content import Content
from schemas.errors import DrumbeatError, PublishError
from schemas.world import Trial

log = logging.getLogger(__name__)
EVERY = timedelta(hours=6)
"""So old a test may be before it is made again: a LAUNCH gate asks for one of the last day."""
AHEAD = timedelta(days=1)


def to_probe(content: Content, trials: Mapping[str, Trial], now: datetime) -> list[Channel]:
    """The channels of campaigns that begin within a day or run, and were not tried lately; days by the strategy's zone.

    A campaign without an end runs on; of one that names no channels every active one is tried.
    """
    zone, active = wall(content.timezone), [one for one in content.channels.channels if one.status == "active"]
    today, soon = now.astimezone(zone).date(), (now + AHEAD).astimezone(zone).date()
    needed: set[str] = set()
    for entry in content.entries:
        campaign = entry.value
        if isinstance(campaign, Campaign) and campaign.start is not None and campaign.start <= soon and (
                campaign.end is None or today <= campaign.end):
            needed |= set(campaign.channels) if campaign.channels is not None else {one.id for one in active}
    return [channel for channel in active if channel.id in needed and channel.network in content.networks
            and not _is_fresh(trials.get(channel.id), now)]


def _is_fresh(trial: Trial | None, now: datetime) -> bool:
    """Whether a test is young enough; one of a time to come was made by a wrong clock."""
    return trial is not None and timedelta() <= now - trial.at < EVERY


def probe(channels: Iterable[Channel], connect: Callable[[Channel], Publisher], now: Callable[[], datetime],
          record: Callable[[str, Trial], None]) -> None:
    """Tries each channel and has the result recorded. Sends nothing; whatever breaks is a test that failed."""
    for channel in channels:
        why: str | None = None
        try:
            if not _is_asked(connect(channel)):
                continue
        except DrumbeatError as error:
            why = error.what
        except PublishError as error:
            why = error.why
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK must not stop the others
            why = f"the adapter broke off with {type(error).__name__}"
        if why is not None:
            log.warning("connection test failed channel=%s why=%s", channel.id, why)
        record(channel.id, Trial(now(), why))


def _is_asked(publisher: Publisher) -> bool:
    """Whether it answered; False: nothing can be asked there without posting."""
    if isinstance(publisher, Verifies):
        publisher.verify()
    elif isinstance(publisher, Identifies):
        publisher.account_id()
    else:
        return False
    return True
