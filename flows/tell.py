"""What whoever watches a shift hears: each outcome once, and what waits only when something about it is new."""
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from flows.courier import Ended, Order
from flows.planning.reporting import row, row_of_ledger
from schemas.errors import DrumbeatError
from schemas.ledger import Slot, Standing, State
from schemas.plan import Waiting
from schemas.report import Row


class Told(NamedTuple):
    """One outcome, for whoever watches. `unable`: a setting, a credential or the archive has to be put right first."""

    row: Row
    network: str
    channel: str
    campaign: str | None
    unable: bool = False


class Teller:
    """Each shift says everything once: nothing stays silent. `hear` must return at once."""

    def __init__(self, hear: Callable[[Told], None], now: Callable[[], datetime]) -> None:
        self._hear, self._now = hear, now
        self._reminded: set[Slot] = set()                         # told that they are in doubt or wait for a person
        self._kept_by: dict[Slot, str] = {}                       # what a setting or the archive was told to keep back
        self._held_by: dict[Slot, int] = {}                       # a person stopped them, by which hold

    def ended(self, order: Order, ended: Ended) -> None:
        """What a delivery came to."""
        standing, slot = ended.standing, order.slot
        is_open = standing.state in (State.unknown, State.held)
        if ended.news:
            self._kept_by.pop(slot, None)
        if ended.news or ((is_open or ended.why is not None) and slot not in self._reminded):
            self._outcome(order, standing, ended.why)
        if ended.news or is_open or ended.why is not None:
            self._reminded.add(slot)

    def waits(self, waiting: Waiting) -> bool:
        """A slot waits for something; said once, and then True."""
        if waiting.slot in self._reminded:
            return False
        self._reminded.add(waiting.slot)
        self.waiting(waiting)
        return True

    def waiting(self, waiting: Waiting) -> None:
        """The same, said whenever it is asked."""
        made = row(waiting, None, now=self._now())
        self._hear(Told(made, waiting.channel.network, waiting.channel.id, waiting.post.post.campaign))

    def unable(self, order: Order, error: DrumbeatError) -> None:
        """A setting, a credential or the archive keeps it back: said again only when that is another one."""
        item, why = order.item, f"{error.what} {error.remedy}"
        if self._kept_by.get(order.slot) == why:
            return
        self._kept_by[order.slot] = why
        if item is not None:
            made = row(Waiting(item.slot, item.post, item.channel, why, item.zone, item.at), None, now=self._now())
        else:
            made = row_of_ledger(order.slot, Standing(order.slot, state=State.waiting, reason=why))
        self._hear(Told(made, order.channel.network, order.channel.id, item.post.post.campaign if item else None, True))

    def homeless(self, standing: Standing) -> None:
        """Nobody can look for it, or send the rest of it: its channel is not in the content any more."""
        slot = standing.slot
        if slot in self._reminded or not (standing.parts or standing.doubt):
            return
        self._reminded.add(slot)
        made = row_of_ledger(slot, standing)
        why = f"its channel {slot.channel} is gone from networks/channels.yaml, so nobody can look or go on"
        todo = (f"Put the channel back and commit; or look at the account and say what you saw: "
                f"drumbeat resolve {slot} --live ADDRESS or --absent, --by \"YOUR NAME\"")
        self._hear(Told(made._replace(state=State.held, reason=why, next=todo), "unknown", slot.channel, None))

    def held(self, slot: Slot, number: int) -> None:
        """A person stopped it with the hold of this number; the delivery says so when it ends."""
        self._held_by[slot] = number

    def held_by(self, in_force: set[int]) -> None:
        """Only these holds are in force: the next one that stops a slot is told of anew."""
        for slot, number in self._held_by.copy().items():
            if number not in in_force:
                self._reminded.discard(slot)
                del self._held_by[slot]

    def _outcome(self, order: Order, standing: Standing, why: str | None) -> None:
        item = order.item
        made = row(item, standing, now=self._now()) if item is not None else row_of_ledger(order.slot, standing)
        if why is not None:
            made = made._replace(reason=why)
            if standing.state is State.planned:
                made = made._replace(state=State.waiting, next=None)
        self._hear(Told(made, order.channel.network, order.channel.id, item.post.post.campaign if item else None))
