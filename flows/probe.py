"""Connections that a launch needs are tried before it, by a call that changes nothing; a gate asks for the result."""
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from publishers.base import Identifies, Publisher, Verifies
from schemas.campaign import Campaign
from schemas.channel import Channel
from schemas.content import Content
from schemas.errors import PublishError, SettingsError
from schemas.world import Trial

log = logging.getLogger(__name__)
EVERY = timedelta(hours=6)
"""So old a test may be before it is made again: a LAUNCH gate asks for one of the last day."""
AHEAD = timedelta(days=1)


def to_probe(content: Content, trials: Mapping[str, Trial], now: datetime) -> list[Channel]:
    """The channels of campaigns that begin within a day or run, and were not tried lately."""
    needed: set[str] = set()
    for entry in content.entries:
        campaign = entry.value
        if isinstance(campaign, Campaign) and campaign.start is not None and campaign.end is not None and (
                campaign.start <= (now + AHEAD).date() and now.date() <= campaign.end):
            needed |= set(campaign.channels or ())
    return [channel for channel in content.channels.channels
            if channel.id in needed and channel.status == "active" and channel.network in content.networks
            and ((last := trials.get(channel.id)) is None or now - last.at >= EVERY)]


def probe(channels: Iterable[Channel], connect: Callable[[Channel], Publisher], now: Callable[[], datetime],
          record: Callable[[str, Trial], None]) -> None:
    """Tries each channel and has the result recorded. Sends nothing, and raises nothing of a network's."""
    for channel in channels:
        why: str | None = None
        try:
            publisher = connect(channel)
            if isinstance(publisher, Verifies):
                publisher.verify()
            elif isinstance(publisher, Identifies):
                publisher.account_id()
            else:
                continue                                          # nothing can be asked without posting
        except SettingsError as error:
            why = error.what
        except PublishError as error:
            why = str(error)
        if why is not None:
            log.warning("connection test failed channel=%s why=%s", channel.id, why)
        record(channel.id, Trial(now(), why))
