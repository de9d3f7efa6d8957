"""What goes where and when, in order, and why not."""
from datetime import datetime
from typing import NamedTuple

from schemas.channel import Channel
from schemas.content import Resolved
from schemas.ledger import Slot
from schemas.problem import Problem


class Item(NamedTuple):
    """One slot with its time (UTC); `zone` is that of the wall whose clock people read it by.

    `turn`: which of its texts goes out, 0 the first, n the n-th `## or`. `note`: what people should know of its time.
    `found`: the time is a free slot that was found for it, and stays once a plan was accepted; else it is written.
    """

    slot: Slot
    post: Resolved
    channel: Channel
    at: datetime
    zone: str
    stage: str
    grace_s: float
    not_after: datetime | None = None
    turn: int = 0
    note: str = ""
    found: bool = False

    @property
    def key(self) -> tuple[datetime, str, str]:
        """The order in which items go out: by time, then channel, then post."""
        return (self.at, self.channel.id, self.post.id)


class Waiting(NamedTuple):
    """A slot that does not go out, and why. `at`: the time it has all the same; `found` as for items."""

    slot: Slot
    post: Resolved
    channel: Channel
    why: str
    zone: str
    at: datetime | None = None
    found: bool = False
    turn: int = 0
    stopped: bool = False        # an error in the post keeps it back; nobody else is given its time


class Plan(NamedTuple):
    """Items in the order in which they go out; `waiting` by slot; problems found while placing."""

    source: str
    items: tuple[Item, ...]
    waiting: tuple[Waiting, ...]
    problems: tuple[Problem, ...]

    def everything(self) -> tuple[Item | Waiting, ...]:
        """The items, then what waits."""
        return (*self.items, *self.waiting)
