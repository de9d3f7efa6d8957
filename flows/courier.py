"""What a delivery is asked for, whom it asks, and what it has to hand: one worker's orders, desk and courier."""
import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from weakref import WeakKeyDictionary

from flows.edges.accounts import Bound
from flows.edges.clock import Clock
from flows.edges.ledger import Ledger
from flows.edges.repository import Repository
from flows.edges.signatures import Witness
from flows.planning.deciding import TIMING, Step, Timing
from flows.planning.folding import advance
from flows.planning.pacing import Brake
from flows.upload import Share, Uploads
from publishers.base import Identifies, Publisher
from schemas.channel import Channel
from schemas.errors import SettingsError, StoreError
from schemas.ledger import Entry, Slot, Standing
from schemas.message import Message
from schemas.plan import Item

log = logging.getLogger(__name__)
Kept = TypeVar("Kept")


class Order(NamedTuple):
    """One slot to take care of, as the plan in force has it. Times are UTC.

    `item` and `message` None: the plan holds no such item any more, but the ledger has begun. Then what was promised
    is finished if a part is live or in doubt; else it ends as withdrawn, if `withdrawn`, or waits for the plan.
    """

    slot: Slot
    channel: Channel
    commit: str
    item: Item | None
    message: Message | None
    withdrawn: bool = False


class Ended(NamedTuple):
    """Where the slot stands after a delivery, and when to look at it again (UTC); None: not by itself.

    `news`: something was recorded, or waits to be; False: nothing about it has changed. `why`: what keeps it, when
    that is no matter of the ledger.
    """

    standing: Standing
    again: datetime | None
    news: bool = True
    why: str | None = None


class Desk(Protocol):
    """Whoever hands out orders: knows the plan in force, and opens channels."""

    def still(self, order: Order) -> bool:
        """Whether the plan in force wants exactly this: the same message, at the same time."""
        ...

    def neighbours(self, slot: Slot) -> Iterable[Slot]:
        """Slots on the same channel that may be under way."""
        ...

    def brake(self, item: Item, publisher: Publisher) -> Brake | None:
        """Why the item may not go yet; None: it may, and counts as gone until the delivery has ended."""
        ...

    def barred(self, slot: Slot) -> Brake | None:
        """Why a gate of the strategy keeps the slot back just now; None: nothing does."""
        ...

    def held(self, order: Order) -> Brake | None:
        """Who stopped it, as the archive knows it within a second; None: nobody. Raises StoreError.

        With no `why`: somebody has just let things go on, and the times that this gave are not in force yet.
        """
        ...

    def is_left_out(self, slot: Slot) -> bool:
        """Whether somebody who let things go on again left this slot out."""
        ...

    def renewed(self, channel: Channel) -> Publisher:
        """The channel, opened again with the credentials as they are now. Raises SettingsError."""
        ...


class Courier:
    """What all deliveries of one worker share. Safe to use from several threads, one slot and one account each.

    `settle_only`: looks up what is in doubt, and sends nothing.
    """

    def __init__(self, repository: Repository, ledger: Ledger, clock: Clock, stopping: threading.Event, *,
                 bind: Callable[[str, Bound], Bound], timing: Timing = TIMING, settle_only: bool = False,
                 share: Share | None = None) -> None:
        self.repository, self.ledger, self.clock, self.stopping = repository, ledger, clock, stopping
        self.bind = bind
        self.timing, self.settle_only = timing, settle_only
        self.uploads = Uploads(ledger, clock, share)
        self.upload_tries: dict[Slot, int] = {}
        self.identified: WeakKeyDictionary[Publisher, str] = WeakKeyDictionary()     # the network's id of its account
        self.witness = Witness(repository)

    def identify(self, channel: Channel, handle: str, publisher: Publisher) -> None:
        """Asks a network whose credentials these are, once, where it tells. Not safe beside a call of the same adapter.

        Raises PublishError when it does not say, SettingsError when it is another account than the channel always had.
        """
        if publisher in self.identified or not isinstance(publisher, Identifies):
            return
        account_id = publisher.account_id()
        bound = self.bind(channel.id, Bound(network=channel.network, handle=handle, account_id=account_id))
        if bound.account_id != account_id:
            raise SettingsError(
                f"{channel.id} was {bound.handle} until now (account {bound.account_id} of {channel.network}), and "
                f"these credentials open another account ({account_id}); nothing is sent.",
                "Put the right credentials back; a new account gets a channel of its own in networks/channels.yaml.")
        self.identified[publisher] = account_id

    def keep(self, slot: Slot, standing: Standing, step: Step, part: int | None, **more: Any) -> Entry | None:
        """The stored record of `step`; None when fenced. Tries until the archive answers, or we must stop."""
        entry = self.ledger.draft(slot, standing.last, step.kind, part=part, detail=step.detail, **more)
        advance(standing, entry)                                  # what no reader would accept is never written
        return entry if self.until_stored(slot, lambda: self.ledger.write(slot, entry)) else None

    def until_stored(self, slot: Slot, write: Callable[[], Kept], only: type[StoreError] = StoreError) -> Kept:
        """What `write` answers. Tries until the archive answers, or we must stop: then it raises StoreError.

        `only`: any other StoreError is raised at once.
        """
        tries = 0
        while True:
            try:
                return write()
            except only as error:
                tries += 1
                log.error("archive does not answer, the outcome is kept in memory slot=%s why=%s", slot, error.what)
                if self.stopping.wait(min(2.0 ** tries, 30.0)):
                    raise
