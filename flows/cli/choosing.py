"""Which slots a command is about: options for a time, a channel, a campaign, and what they mean."""

from collections.abc import Callable
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import click

from flows.cli.telling import When
from flows.planning.comparing import Change
from schemas.content import Content
from schemas.errors import UsageError
from schemas.plan import Item, Waiting

F = TypeVar("F", bound=Callable[..., Any])


class Chosen(NamedTuple):
    """Slots from `first` on, before `last` (None: no bound), of a channel, of a campaign's folder (None: of all)."""

    first: datetime | None
    last: datetime | None
    channel: str | None
    campaign: str | None

    @property
    def is_timed(self) -> bool:
        return self.first is not None or self.last is not None

    def holds(self, one: Item | Waiting) -> bool:
        return self._holds(one.channel.id, one.post.post.campaign, one.at)

    def holds_change(self, change: Change) -> bool:
        """Whether the slot is meant, and goes out in that time before or after the change."""
        moments = [moment.at for moment in (change.before, change.after) if moment is not None]
        return any(self._holds(change.slot.channel, change.campaign, at) for at in moments or (None,))

    def _holds(self, channel: str, campaign: str | None, at: datetime | None) -> bool:
        if self.channel not in (None, channel) or self.campaign not in (None, campaign):
            return False
        if at is None:
            return not self.is_timed
        return (self.first is None or at >= self.first) and (self.last is None or at < self.last)


def choosing(function: F) -> F:
    """Adds --from, --to, --channel, --campaign; `chosen` makes one value of them."""
    for option in (
        click.option("--campaign", metavar="ID", help="Only posts of this campaign."),
        click.option("--channel", metavar="ID", help="Only this channel."),
        click.option("--to", "end", type=When(), help="Up to this time, or to the end of this day."),
        click.option("--from", "start", type=When(), help="From this day or time on, in the strategy's time zone."),
    ):
        function = option(function)
    return function


def chosen(
    content: Content, start: datetime | None, end: datetime | None, channel: str | None, campaign: str | None
) -> Chosen:
    """What the options mean in `content`. Raises UsageError for a channel or a campaign that it does not have."""
    first, last = _local(start, content.timezone), _local(end, content.timezone)
    if last is not None and (last.hour, last.minute) == (0, 0):
        last += timedelta(days=1)                                 # a day means all of it
    folders = {name: entry.folder for entry in content.entries if entry.kind == "campaign"
               for name in (entry.id, entry.folder)}
    _judge("channel", channel, [one.id for one in content.channels.channels])
    _judge("campaign", campaign, list(folders))
    return Chosen(first, last, channel, folders[campaign] if campaign is not None else None)


def _judge(kind: str, name: str | None, known: list[str]) -> None:
    if name is None or name in known:
        return
    close = get_close_matches(name, known, 1, 0.6)
    raise UsageError(f"There is no {kind} '{name}'.", f"Did you mean {close[0]}?" if close else
                     f"There is {', '.join(sorted(known)) or 'none'}.")


def _local(written: datetime | None, zone: str) -> datetime | None:
    """A time of the command line, which is read as UTC, as the same reading of the clock in `zone`."""
    return written.replace(tzinfo=ZoneInfo(zone)) if written is not None else None
