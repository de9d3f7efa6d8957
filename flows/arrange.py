"""The plan in force, as a shift needs it: when to look at each slot, and, when its time comes, all about it."""
import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from flows.courier import Order
from flows.edges.holds import Holds
from flows.edges.plans import accept, last_good
from flows.edges.store import Store
from flows.planning.condensing import Card, digest
from flows.planning.holding import has_incidents, is_guarded
from flows.planning.pausing import NOTHING_PAUSED, Paused
from flows.planning.tallying import Said
from flows.pull import approve
from flows.replan import Planner
from schemas.campaign import Campaign
from schemas.content import Content
from schemas.ledger import Slot
from schemas.plan import Waiting

log = logging.getLogger(__name__)
AHEAD = timedelta(hours=1)
"""What is due so soon is looked up together with what is due now."""
AT_ONCE = 500
JUDGED_FOR = timedelta(minutes=1)
"""So long what gates and the balance of gives and asks decided holds: many asks of one minute are judged together."""


class Entry(NamedTuple):
    """One slot that goes out: when (UTC), how late it may be, a digest of what it says, and what it wants of readers.
    """

    at: datetime
    grace: timedelta
    digest: str
    intent: str = "give"


class _Judged(NamedTuple):
    """What the hour decided of some slots: who is kept back, and why."""

    commit: str | None
    at: datetime
    slots: Collection[Slot]
    why: Mapping[Slot, str]


class Agenda:
    """The plan that is in force. It may be read by many threads; one takes new commits and opens orders."""

    def __init__(self, planner: Planner, store: Store) -> None:
        self.planner, self._store, self._holds = planner, store, Holds(store)
        self.content: Content | None = None                       # frame and channels; of posts only those looked at
        self.entries: dict[Slot, Entry] = {}
        self._opened: dict[Slot, Order] = {}
        self._by_time: list[tuple[datetime, Slot]] = []
        self._by_channel: dict[str, list[tuple[datetime, Slot]]] = {}
        self._found: dict[Slot, datetime] = {}
        self._judged: _Judged | None = None
        self.commit: str | None = None                            # whose plan is in force; None: none was taken yet
        self._planned: dict[Slot, Entry] = {}                     # as the content has it, before resumes moved some
        self._paused = NOTHING_PAUSED

    def take(self, commit: str, *, now: datetime, sent: Mapping[Slot, datetime | None],
             moved: Collection[str] = ()) -> None:
        """Puts the plan of `commit` in force. Raises ContentError when it is no plan, StoreError; then all stays."""
        kept = last_good(self._store) | self._found
        resumed = self._holds.now(within_s=0.0).moved             # looked up: a resume and a push may come together
        before = self.planner.almanac.commit if self.planner.almanac is not None else None
        taken = self.planner.take(commit, now=now, kept=kept, sent=sent, moved=moved, resumed=resumed, approve=approve)
        if taken.before is None or self.commit is None or before != self.commit:
            found, entries = _read(self._everything())
        else:
            found, entries = dict(self._found), dict(self._planned)
            for card in taken.before.values():
                for line in card.lines if card is not None else ():
                    for known in (found, entries):
                        known.pop(card.slot(line), None)          # type: ignore[union-attr]
            more_found, more = _read(card for card in taken.cards.values() if card is not None)
            found, entries = found | more_found, entries | more
        accept(self._store, commit, found, now=now)
        self.content, self.commit, self._planned, self._found = taken.prepared.content, commit, entries, found
        self.pause(self._paused)
        self.planner.keep()

    def pause(self, said: Paused) -> None:
        """Gives slots the times that resumes gave them."""
        moved = {slot: entry._replace(at=at) for slot in said.moved if (entry := self._planned.get(slot)) is not None
                 and (at := said.time(slot, entry.at)) is not None}
        self._opened = {}                                         # first: an order that is opened is one in force
        self.entries = {**self._planned, **moved} if moved else self._planned
        by_time = sorted((entry.at, slot) for slot, entry in self.entries.items())
        by_channel: dict[str, list[tuple[datetime, Slot]]] = {}
        for at, slot in by_time:
            by_channel.setdefault(slot.channel, []).append((at, slot))
        self._by_time, self._by_channel = by_time, by_channel
        self._paused = said                                       # last: whoever sees it sees the times, too

    def has_taken(self, said: Paused) -> bool:
        """Whether the times are those that `said` gives."""
        return self._paused is said

    def planned_at(self, slot: Slot) -> datetime | None:
        """The time that the content gives the slot, whatever resumes made of it; None: none."""
        entry = self._planned.get(slot)
        return entry.at if entry is not None else None

    def is_left_out(self, slot: Slot) -> bool:
        """Whether a resume left the slot out, at the time that the content gives it."""
        entry = self._planned.get(slot)
        return entry is not None and self._paused.time(slot, entry.at) is None

    def held_back(self, now: datetime) -> list[tuple[Slot, str]]:
        """What was due within the last day and may not go out as the plan stands, each with its reason."""
        until = int(now.timestamp())
        return [(card.slot(line), line.why) for card in self._everything() if card is not None for line in card.lines
                if not line.goes and line.at is not None and until - 86_400 <= line.at <= until]

    def is_at(self, commit: str) -> bool:
        """Whether the plan in force, and the plan in short that its details come from, are those of `commit`."""
        return self.commit == commit and self.planner.almanac is not None and self.planner.almanac.commit == commit

    def _everything(self) -> Iterator[Card]:
        assert self.planner.almanac is not None
        yield from self.planner.almanac.cards.values()
        self.planner.forget()

    # --- one slot -----------------------------------------------------------------------------------------------------

    def waits(self, slot: Slot) -> bool:
        """Whether the content has the slot, and keeps it back."""
        assert self.planner.almanac is not None
        almanac = self.planner.almanac
        return any(not line.goes for path in almanac.paths.get(slot.post, ()) for line in almanac.cards[path].lines
                   if (line.channel, line.run) == (slot.channel, slot.run))

    def leaders(self, slot: Slot) -> list[Slot]:
        """The slots of the post that this one goes out after: on the same channel, or else all of them."""
        assert self.planner.almanac is not None
        almanac = self.planner.almanac
        names = {almanac.cards[path].follows for path in almanac.paths.get(slot.post, ())} - {""}
        cards = [almanac.cards[path] for name in names for path in almanac.meant_by(name)]
        slots = sorted(card.slot(line) for card in cards for line in card.lines)
        return [leader for leader in slots if leader.channel == slot.channel] or slots

    def gone(self, slots: Collection[Slot]) -> frozenset[str]:
        """Ids of these slots' posts that no file has."""
        assert self.planner.almanac is not None
        return frozenset(slot.post for slot in slots if slot.post not in self.planner.almanac.paths)

    def is_readable(self) -> bool:
        """Whether every post file can be read: else one of them may be a post that seems to be gone."""
        return self.planner.almanac is not None and not self.planner.almanac.unreadable

    def is_followed(self, post: str) -> bool:
        """Whether some post goes out after this one."""
        assert self.planner.almanac is not None
        followers = self.planner.almanac.followers
        return post in followers or post.rpartition("/")[2] in followers

    def followed(self, sent: Collection[Slot]) -> list[Slot]:
        """Which of `sent` others go out after that are not out themselves."""
        assert self.planner.almanac is not None
        almanac = self.planner.almanac
        ids = set[str]()
        for name, followers in almanac.followers.items():
            cards = [almanac.cards[path] for path in followers]
            if any(card.slot(line) not in sent for card in cards for line in card.lines):
                ids |= {almanac.cards[path].id for path in almanac.meant_by(name)}
        return sorted(slot for slot in sent if slot.post in ids)

    def still(self, order: Order) -> bool:
        """Whether the plan in force wants exactly this: the same message, at the same time."""
        if self._opened.get(order.slot) is order:
            return True
        entry = self.entries.get(order.slot)
        if entry is None or order.item is None:
            return entry is None and order.item is None
        return entry.at == order.item.at and entry.digest == digest(order.message)

    def neighbours(self, slot: Slot, now: datetime) -> list[Slot]:
        """What is due within a day on the same channel."""
        line, day = self._by_channel.get(slot.channel, []), timedelta(days=1)
        begin, end = bisect_right(line, (now - day, _LAST)), bisect_left(line, (now + day, _FIRST))
        return [other for _, other in line[begin:end]]

    def due(self, after: datetime, until: datetime) -> list[Slot]:
        """What goes out later than `after`, and by `until`, in its order."""
        line = self._by_time
        return [slot for _, slot in line[bisect_right(line, (after, _LAST)):bisect_right(line, (until, _LAST))]]

    def order(self, slot: Slot, *, now: datetime, sent: Mapping[Slot, datetime | None],
              wants: Callable[[Slot], bool]) -> Order | None:
        """All about a slot that goes out; None: it does not. Raises ContentError.

        What is due soon, and wanted, is opened along with it.
        """
        entry = self.entries.get(slot)
        if entry is None:
            return None
        if slot not in self._opened:
            line, until = self._by_time, max(now, entry.at) + AHEAD
            soon = line[bisect_left(line, (now - AHEAD, _FIRST)):bisect_right(line, (until, _LAST))]
            wanted = [slot, *(other for _, other in soon if other not in self._opened and wants(other))][:AT_ONCE]
            self._open(wanted, now, sent)
        return self._opened.get(slot)

    def why_not_yet(self, order: Order, *, now: datetime, sent: Mapping[Slot, datetime | None]) -> str | None:
        """Why a gate, or the balance of gives and asks, keeps an order back just now; None: nothing does.

        Raises ContentError.
        """
        item, content = order.item, self.content
        if item is None or content is None or not is_guarded(item, content):
            return None
        if not (self.planner.asks or has_incidents(content)):
            return None
        judged = self._judged
        if judged is None or judged.commit != self.commit or order.slot not in judged.slots or not (
                timedelta() <= now - judged.at < JUDGED_FOR):
            judged = self._judged = self._judge(order.slot, content, now, sent)
        return judged.why.get(order.slot)

    def _judge(self, slot: Slot, content: Content, now: datetime, sent: Mapping[Slot, datetime | None]) -> "_Judged":
        """What the hour decides of a slot, and of whatever else is guarded and due by the time this holds."""
        line = self._by_time
        soon = [other for at, other in line[bisect_left(line, (now - AHEAD, _FIRST)):
                                            bisect_right(line, (now + JUDGED_FOR, _LAST))]
                if other not in sent and (self.entries[other].intent == "ask"
                                          or self._path(other).startswith("campaigns/"))]
        slots = {slot, *soon[:AT_ONCE]}
        folders = {self._path(one).split("/")[1] for one in slots if self._path(one).startswith("campaigns/")}
        channels = {one.channel for one in slots}
        for entry in content.entries:
            if isinstance(entry.value, Campaign) and entry.folder in folders:
                channels.update(entry.value.channels or ())
        said = {channel: [Said(sent.get(other) or at, other, known.intent, other in sent,
                               missed=other not in sent and at + known.grace < now)
                          for at, other in self._by_channel.get(channel, ()) for known in (self.entries[other],)]
                for channel in channels}
        return _Judged(self.commit, now, slots, self.planner.kept_back(slots, said, now=now, sent=sent))

    def _path(self, slot: Slot) -> str:
        """The file of a slot's post; "" where nobody has it any more."""
        assert self.planner.almanac is not None
        return next(iter(self.planner.almanac.paths.get(slot.post, ())), "")

    def waiting(self, slot: Slot, *, now: datetime) -> Waiting | None:
        """Why a slot of the content does not go out; None: it does, or is unknown."""
        prepared = self.planner.details([slot], now=now)
        return next((one for one in prepared.plan.waiting if one.slot == slot), None)

    def _open(self, slots: list[Slot], now: datetime, sent: Mapping[Slot, datetime | None]) -> None:
        prepared = self.planner.details(slots, now=now, sent=sent)
        wanted, commit = set(slots), self.commit
        assert commit is not None
        for item in prepared.plan.items:
            if item.slot in wanted:
                if (at := self._paused.time(item.slot, item.at)) is not None:
                    item = item._replace(at=at)
                order = Order(item.slot, item.channel, commit, item, prepared.messages[item.slot])
                if self.still(order):
                    self._opened[item.slot] = order
        for slot in wanted - self._opened.keys():                 # cannot be: the plan in short says that it goes out
            log.error("slot not opened, it waits slot=%s commit=%s", slot, commit[:10])


_FIRST, _LAST = Slot("", "", ""), Slot("\U0010ffff", "", "")


def _read(cards: Iterable[Card]) -> tuple[dict[Slot, datetime], dict[Slot, Entry]]:
    """The times that were found, and what goes out."""
    found, entries = dict[Slot, datetime](), dict[Slot, Entry]()
    for card in cards:
        for line in card.lines:
            if line.at is None:
                continue
            at, slot = datetime.fromtimestamp(line.at, UTC), card.slot(line)
            if line.found:
                found[slot] = at
            if line.goes:
                entries[slot] = Entry(at, timedelta(seconds=line.grace_s), line.digest, card.intent)
    return found, entries
