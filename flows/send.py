"""A shift: sleeps until something is due, and has it delivered at its own second. Sending waits for nobody."""
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from pathlib import Path

from flows.arrange import Agenda, Entry
from flows.connect import unconnected
from flows.courier import Courier, Ended, Order
from flows.deliver import Delivery
from flows.edges.accounts import bind
from flows.edges.clock import FAR, Clock
from flows.edges.holds import FRESH_S, Holds
from flows.edges.ledger import Done, Ledger, is_gone
from flows.edges.plans import good_commit
from flows.edges.repository import Repository
from flows.edges.store import Store
from flows.lanes import Lanes
from flows.pace import Traffic
from flows.planning.deciding import TIMING, Timing, wait_after
from flows.planning.folding import fold
from flows.planning.noting import accepted, in_force, rejected, stopped
from flows.planning.pacing import MOST_PER_HOUR, Brake
from flows.planning.pausing import NOTHING_PAUSED, Paused
from flows.planning.pausing import why as why_held
from flows.planning.renaming import Former, advice, renamed
from flows.pull import Head, Source, keep_rejected
from flows.recall import formers
from flows.replan import Know, Planner
from flows.tell import Teller, Told
from flows.upload import Share
from flows.watch import Trials, Watch, keep_probing
from publishers.base import Publisher
from schemas.channel import Channel
from schemas.errors import ContentError, SettingsError, StoreError, UsageError
from schemas.hold import Hold
from schemas.ledger import Slot, State
from schemas.plan import Item, Waiting
from schemas.report import Note
from schemas.shard import Shard

log = logging.getLogger(__name__)
SHIFT = timedelta(hours=1)
SKEW_S = 30.0
MOST_FORMERS = 100
"""Of so many slots whose posts have no file any more it is known what they said."""
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
HELD_WAIT_S = (30.0, 300.0)
"""A held slot is looked at again after so long, and so long at most: a person may have decided."""

STAND_IN = timedelta(minutes=1)
"""So long after its time a slot of another publisher's accounts is looked at: that one may be gone."""
LEFT_ALONE = timedelta(minutes=5)
"""So long after somebody last wrote about such a slot nobody else takes it up: it is not gone, it has a reason."""
ELSEWHERE_S = 15.0
"""How often it is asked what other publishers sent, while something of theirs is looked at."""
LOOKS_IN_GRACE = 4
"""How often a pretend clock looks at what a gate keeps back, before its grace is over."""
READY, CALM = timedelta(minutes=1), timedelta(seconds=2)
"""So long before its time a post is opened, and its account; but not while something else is due so soon."""


class Shift:
    """One publisher. `connect` opens the adapter of a channel; `tell` hears each outcome and must return at once.

    `only`: the one slot to send, if it is due; None: all. `settle_only`: look up what is in doubt, send nothing.
    `home`: where the plan is kept in short for the next start; None: nowhere. `know`: what Git, the archive and the
    networks tell of the content at a commit; None: nobody asks, and rules that need it are not evaluated.
    `trials`: where tests of connections are kept; None: none are made. `source`: where commits come from; None: HEAD.
    `shard`: which accounts are this publisher's own; None: all. `note` hears of plans and holds; it returns at once.
    """

    def __init__(self, repository: Repository, store: Store, ledger: Ledger, clock: Clock, *,
                 connect: Callable[[Channel], Publisher], tell: Callable[[Told], None],
                 only: Slot | None = None, settle_only: bool = False, most_per_hour: int = MOST_PER_HOUR,
                 timing: Timing = TIMING, home: Path | None = None, share: Share | None = None,
                 renew: Callable[[Channel], Publisher] | None = None,
                 know: Know | None = None, trials: Trials | None = None, source: Source | None = None,
                 shard: Shard | None = None, note: Callable[[Note], None] = lambda _: None) -> None:
        self.repository, self.store, self.ledger, self.clock = repository, store, ledger, clock
        self.connect, self.only = connect, only
        self.teller = Teller(tell, clock.now)
        self.settle_only, self.traffic = settle_only, Traffic(ledger, clock, most_per_hour)
        self.stopping, self.woken = threading.Event(), threading.Event()
        self.commit_moved, self.holds_moved, self.others_moved = (threading.Event() for _ in range(3))
        self.lanes = Lanes[Order, Ended](connect, renew or connect, self.woken.set)
        self.source = source or Head(repository)
        self.watch = Watch(self.source, Holds(store), self.stopping, commit_moved=lambda: self._wake(self.commit_moved),
                           holds_moved=lambda: self._wake(self.holds_moved))
        self.courier = Courier(repository, ledger, clock, self.stopping, timing=timing, settle_only=settle_only,
                               bind=lambda channel, wanted: bind(store, channel, wanted), share=share)
        self.trials, self.shard, self.note = trials, shard, note
        self._heard = NOTHING_PAUSED                              # what people stopped, as `note` was told of it last
        self.agenda = Agenda(Planner(repository, home, store.address, know), store)
        self._extra: dict[Slot, Order] = {}                       # what has a ledger and no place in the plan
        self._due: list[tuple[datetime, datetime, str, Slot]] = []   # when, its time in the content, channel, slot
        self._tries: dict[Slot, int] = {}                         # looks in vain since something last became of it
        self._lines: dict[str, list[Slot]] = {}
        self._ready_until = AT_ONCE                               # what is due by then was opened
        self._moved: set[str] = set()                             # posts that others follow, out at another minute
        self._published: set[Slot] = set()                        # for good
        self._went: dict[Slot, datetime | None] = {}              # the same, with the time where that was asked
        self._gone: frozenset[str] = frozenset()                  # published posts that no file has any more
        self._formers: dict[str, Former] | None = None            # what is known of them; None: not asked yet
        self._over: set[Slot] = set()                             # as the plan in force has it; another may reopen it
        self._begun: set[Slot] = set()                            # have a ledger, and no end that we know of
        self._late: set[Slot] = set()                             # missed or skipped in an earlier shift
        self._barred: dict[Slot, Brake] = {}                      # kept back by a gate when it was last looked at
        self._arranged: tuple[str, Mapping[Slot, Entry]] | None = None   # the plan that everything is awaited by
        self._elsewhere: frozenset[Done] = frozenset()            # what others brought to an end lately
        self._noted: set[Done] = set()                            # what of it was taken in

    def stop(self) -> None:
        """Ends the shift after the calls that are out."""
        self._wake(self.stopping)

    def _wake(self, why: threading.Event) -> None:
        why.set()
        self.woken.set()

    def run(self, until: datetime) -> None:
        """Sends what is due up to `until` (UTC), then returns. Raises DrumbeatError when nothing can be sent at all."""
        self._start()
        self.watch.begin()
        if self.shard is not None and self.shard.of > 1:
            threading.Thread(target=self._keep_noting, name="others", daemon=True).start()
        if self.trials is not None:
            about = (self.trials, self.store, self.connect, self.clock, lambda: self.agenda.content, self.stopping)
            threading.Thread(target=keep_probing, args=about, name="probe", daemon=True).start()
        with self.lanes:
            try:
                self._go_on(until)
            finally:
                self.stopping.set()                               # before the lanes wait for calls that wait for us
        self._collect()

    def _go_on(self, until: datetime) -> None:
        while True:
            self.woken.clear()                                    # first, so that no call to `stop` is lost
            if self.stopping.is_set():
                return
            self._collect()
            if self.others_moved.is_set():
                self.others_moved.clear()
                self._note()
            if self.commit_moved.is_set():                        # after all that may have moved a leader
                self.commit_moved.clear()
                self._load()
            if self.holds_moved.is_set():
                self.holds_moved.clear()
                self._pause()
            now = self.clock.now()
            self._dispatch(min(now, until))
            # what is due and left in a line waits for its account, which may be on its way to be opened
            if (self.lanes.is_busy or any(self._lines.values())) and (self.clock.pretend or now >= until):
                self.woken.wait()                                 # a pretend clock stands still during a call
                continue
            moment = self._next_moment()
            if now >= until and moment > until:
                return
            self.clock.wait_until(min(moment, until, self._get_ready(now, moment, until)), self.woken)

    # --- the plan -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.store.probe()
        if not self.clock.pretend and abs((self.store.now() - self.clock.now()).total_seconds()) > SKEW_S:
            raise SettingsError(f"this computer's clock and the archive's differ by more than {SKEW_S:.0f} s.",
                                "Set the clock (for example with NTP), then start again.")
        ended = list(self.ledger.terminal_slots())
        self._published = {done.slot for done in ended if done.state is State.published}
        self._went = dict.fromkeys(self._published)
        self.traffic.begin(ended)
        self._begun = {slot for slot, _ in self.ledger.open_slots({done.slot for done in ended})}
        self._late = {done.slot for done in ended if done.state in (State.missed, State.skipped)}
        self._heard = self.watch.held(0.0)
        self.agenda.pause(self._heard)
        for one in in_force(self._heard):
            self._tell_note(one)
        rejected = self._load()
        if rejected is not None:
            self._take_last_good(rejected)
        if self.only is not None and self.only not in self._extra and self.only not in self.agenda.entries:
            waiting = self.agenda.waiting(self.only, now=self.clock.now()) if self.agenda.waits(self.only) else None
            if waiting is None:
                raise UsageError(f"{self.only} is not in the plan.", "'drumbeat plan --json' lists all slots.")
            self.teller.waiting(waiting)

    def _load(self) -> ContentError | None:
        """Takes the newest plan, or keeps the last good one and says why."""
        commit = None
        try:
            commit = self.source.commit()
            self._take(commit)
        except ContentError as error:
            force = self._arranged[0] if self._arranged is not None else good_commit(self.store)
            note = rejected(error, commit, force if force != commit else None)
            log.error("%s %s", note.text, note.remedy)
            if commit is not None:
                keep_rejected(self.store, commit, error, self.clock.now())
            self.note(note)
            if self._arranged is not None:
                self._stay()
            return error
        except StoreError as error:
            if self._arranged is None:
                raise
            log.error("plan not taken yet, the archive does not answer why=%s", error.what)
            self.watch.look_again()
        return None

    def _stay(self) -> None:
        """The plan in force stays: that which another publisher accepted meanwhile, too; and followers move in it."""
        assert self._arranged is not None
        try:
            force, arranged = good_commit(self.store), self._arranged[0]
            if force is None or not self.repository.has(force) or not self._is_taken(force):
                self._take(arranged)
        except (ContentError, StoreError) as error:
            log.error("the plan in force not looked at again yet why=%s", error.what)
            self.watch.look_again()

    def _is_taken(self, force: str) -> bool:
        try:
            self._take(force)
        except ContentError as error:
            log.error("plan in force not taken commit=%s why=%s", force[:10], error.what)
            return False
        return True

    def _pause(self) -> None:
        """What people stopped or let go on: everything is looked at again, with the times that it has now."""
        said = self.watch.said
        for one in stopped(self._heard, said):
            self._tell_note(one)
        self._heard = said
        self.teller.held_by({one.number for one in said.holds})
        before = self.agenda.entries
        self.agenda.pause(said)
        self._arrange(before, self.clock.now())

    def _take_last_good(self, rejected: ContentError) -> None:
        """Begins with the plan that an earlier shift took. Raises `rejected` when there is none any more."""
        commit = good_commit(self.store)
        if commit is None:
            raise rejected
        try:
            self._take(commit)
        except ContentError:
            raise rejected from None                              # the commit is gone, or read otherwise by now

    def _take(self, commit: str) -> None:
        """Puts the plan of `commit` in force. Raises ContentError when it is no plan."""
        arranged, before = self._arranged or (None, {})
        if arranged == commit and self.agenda.is_at(commit) and not self._moved:
            return
        now = self.clock.now()
        if not self.agenda.is_at(commit):
            self.agenda.take(commit, now=now, sent=self._went)
        if arranged != commit:                                    # asked again when the archive did not answer
            unknown = [slot for slot in self.agenda.followed(self._went) if self._went[slot] is None]
            late = {slot.post for slot in unknown if self._when_it_went(slot) is not None}
            self._moved |= late
        if self._moved:
            self.agenda.take(commit, now=now, sent=self._went, moved=self._moved)
            self._moved = set()
        self._arrange(before, now)
        if arranged != commit:
            self.note(accepted(commit, len({slot.post for slot in self.agenda.entries})))

    def _tell_note(self, note: Note) -> None:
        log.info("%s", note.text)
        self.note(note)

    def _arrange(self, before: Mapping[Slot, Entry], now: datetime) -> None:
        """Has everything of the plan in force looked at in its time."""
        self.lanes.close_all()                                    # a channel may have got another account
        self._ready_until = AT_ONCE
        self._due = []
        self._lines = {}
        entries = self.agenda.entries
        if (gone := self.agenda.gone(self._published)) != self._gone:
            self._gone, self._formers = gone, None
        self._extra = {order.slot: order for order in self._left_over() if order.slot not in entries}
        self._over = {slot for slot in self._over if slot in before and before[slot] == entries.get(slot)}
        # what was missed and is too late still: not worth a request each
        self._over |= {slot for slot in self._late if (entry := entries.get(slot)) and entry.at + entry.grace < now}
        done = self._published | self._over | {order.slot for order in self.lanes.jobs}
        for slot, entry in entries.items():
            if slot not in done and self.only in (None, slot):
                self._await(slot, entry.at if slot not in self._begun else AT_ONCE)
        for slot in self._extra.keys() - done:
            if self.only in (None, slot):
                self._await(slot, AT_ONCE)
        self._arranged = (self.agenda.commit or "", entries)
        log.info("plan accepted commit=%s slots=%d", (self.agenda.commit or "")[:10], len(entries))

    def _when_it_went(self, slot: Slot) -> datetime | None:
        """When a published slot went out, from its ledger. Raises StoreError."""
        self._went[slot] = fold(slot, self.ledger.read(slot)).published_at
        return self._went[slot]

    def _left_over(self) -> Iterator[Order]:
        """What has a ledger, no end, and no place in the plan: a thread half out, a lost answer, a withdrawn post."""
        content, commit = self.agenda.content, self.agenda.commit
        assert content is not None
        assert commit is not None
        channels = {channel.id: channel for channel in content.channels.channels}
        # a file that cannot be read may be the post that seems to be gone: nothing is withdrawn meanwhile
        readable = self.agenda.is_readable()
        for slot in sorted(self._begun - self._published):
            if (channel := channels.get(slot.channel)) is None:
                self.teller.homeless(fold(slot, self.ledger.read(slot)))
            elif channel.network in content.networks:
                yield Order(slot, channel, commit, None, None, withdrawn=readable and not self.agenda.waits(slot))

    def still(self, order: Order) -> bool:
        """Whether the plan in force wants exactly this: the same message, at the same time."""
        return self.agenda.still(order)

    def neighbours(self, slot: Slot) -> Iterable[Slot]:
        """What is due within a day on the same channel, and has no end that the index knows of."""
        near = self.agenda.neighbours(slot, self.clock.now())
        extra = [other for other in list(self._extra) if other.channel == slot.channel]
        return [other for other in (*near, *extra) if other not in self._published]

    def renewed(self, channel: Channel) -> Publisher:
        """The channel with other credentials than were refused, if there are any. Raises SettingsError."""
        return self.lanes.open_anew(channel)

    # --- what is due --------------------------------------------------------------------------------------------------

    def _next_moment(self) -> datetime:
        """When something becomes due; what waits for its account is woken by the call that is out."""
        first = self._due[:1]                                     # at once: another thread asks, too
        return first[0][0] if first else FAR

    def _dispatch(self, now: datetime) -> None:
        """Hands the next due item of every idle account to a thread: one call in flight per account."""
        while self._due and self._due[0][0] <= now:
            _, _, channel, slot = heappop(self._due)
            self._lines.setdefault(channel, []).append(slot)
        for channel, line in self._lines.items():
            while line and self.lanes.is_free(channel):
                slot = line.pop(0)
                order = self._order(slot) if slot not in self._published and slot not in self._over else None
                if order is not None:
                    self.lanes.hand_out(order.channel, order, partial(self._deliver, order))

    def _get_ready(self, now: datetime, first: datetime, until: datetime) -> datetime:
        """Opens what is due soon, and its accounts, unless there is no time before `first`. Gives when to look again.

        What is due after `until` is left to the next shift: an account that hangs would make that wait for this one.
        """
        if self.clock.pretend or self.settle_only or first - now < CALM:
            return FAR
        try:
            for slot in self.agenda.due(max(now, self._ready_until), min(now + READY, until)):
                if first - self.clock.now() < CALM:
                    break                                         # many take their time: what is due goes first
                if self._wants(slot) and slot not in self._over and self.only in (None, slot):
                    order = self._opened(slot, now)
                    if order is not None and order.message is not None:
                        identify = partial(self.courier.identify, order.channel, order.message.account)
                        self.lanes.get_ready(order.channel, identify, unless=partial(self._is_stopped, order))
        except ContentError as error:                             # asked again, and said, when it is due
            log.info("not opened ahead why=%s", error.what)
        self._ready_until = now + READY
        return first - READY if first - READY > now else FAR

    def _is_stopped(self, order: Order) -> bool:
        """Whether nobody is to be called for it: a person said so, or the shift ends. Raises StoreError."""
        return self.stopping.is_set() or self._hold(order)[1] is not None

    def _opened(self, slot: Slot, now: datetime) -> Order | None:
        """The slot as the plan has it; None: it has none. Raises ContentError."""
        return self.agenda.order(slot, now=now, sent=self._went, wants=self._wants)

    def _wants(self, slot: Slot) -> bool:
        return slot not in self._published and self._is_own(slot)

    def _order(self, slot: Slot) -> Order | None:
        """All about a slot; None: nothing is to be done about it now."""
        if (left := self._extra.get(slot)) is not None:
            return left
        try:
            order = self._opened(slot, self.clock.now())
            if order is not None and (self._was_renamed(order) or not self._is_led(order)):
                return None
            if order is not None:
                self._ask_the_gates(order)
            if order is not None or slot not in self.agenda.entries:
                return order
            why = "the plan of all posts sends it, and that of its own does not"
        except ContentError as error:                             # Git does not answer
            why = error.what
        log.error("slot cannot be looked up, later again slot=%s why=%s", slot, why)
        self._put_off(slot)
        return None

    def _put_off(self, slot: Slot) -> None:
        """Has the slot looked at again a little later, and later each time."""
        self._tries[slot] = tries = self._tries.get(slot, 0) + 1
        self._await(slot, self.clock.now() + wait_after(tries))

    def _is_led(self, order: Order) -> bool:
        """Whether the post that it goes out after is out; else it waits, and says so."""
        item = order.item
        if item is None or item.post.post.head.after is None or order.slot in self._begun:
            return True
        leaders = self.agenda.leaders(order.slot)
        if any(leader in self._published for leader in leaders):
            return True
        self._put_off(order.slot)
        why = f"it waits for {' or '.join(map(str, leaders)) or 'a post that is gone'}, which is not out yet"
        self.teller.waits(Waiting(item.slot, item.post, item.channel, why, item.zone, item.at))
        return False

    def _ask_the_gates(self, order: Order) -> None:
        """Notes whether a gate, or the balance of gives and asks, keeps the slot back at this hour."""
        now, item = self.clock.now(), order.item
        self._barred.pop(order.slot, None)
        if item is None or self.settle_only or item.at + timedelta(seconds=item.grace_s) < now:
            return
        why = self.agenda.why_not_yet(order, now=now, sent=self._went)
        if why is not None:
            self._tries[order.slot] = tries = self._tries.get(order.slot, 0) + 1
            # what goes out meanwhile may open it: a pretend clock looks some times, too, before it is too late
            wait = timedelta(seconds=item.grace_s / LOOKS_IN_GRACE) if self.clock.pretend else self._held_wait(tries)
            self._barred[order.slot] = Brake(now + wait, why)

    def barred(self, slot: Slot) -> Brake | None:
        """Why a gate keeps the slot back just now; None: nothing does."""
        return self._barred.get(slot)

    def held(self, order: Order) -> Brake | None:
        """Who stopped it, as the archive knows it within a second; None: nobody. Raises StoreError."""
        item = order.item
        said, hold = self._hold(order)
        if hold is None:
            # whoever hears first that things go on does not go by the times of before
            return None if self.agenda.has_taken(said) else Brake(self.clock.now(), "")
        self.teller.held(order.slot, hold.number)
        # whoever lets it go on wakes us; this is for the case that nobody heard
        return Brake(self.clock.now() + self._held_wait(1), why_held(hold, item.zone if item is not None else "UTC"))

    def _hold(self, order: Order) -> tuple[Paused, Hold | None]:
        """What people stopped, and the hold among it that stops this order. Raises StoreError."""
        item = order.item
        # a post that no file has any more is still its campaign's
        campaign = item.post.post.campaign if item is not None else order.slot.post.partition("/")[0]
        # on a fast clock a second is a day
        said = self.watch.held(0.0 if self.clock.pretend else FRESH_S)
        return said, said.by(order.channel.id, campaign)

    def is_left_out(self, slot: Slot) -> bool:
        """Whether somebody who let things go on again left this slot out."""
        return self.agenda.is_left_out(slot)

    def _was_renamed(self, order: Order) -> bool:
        """Whether the post went out under another id, which no file has any more: then it waits, and says so."""
        item = order.item
        if item is None or not self._gone or order.slot in self._begun or order.slot.run != "1":
            return False
        if self._formers is None:
            slots = sorted(slot for slot in self._published if slot.post in self._gone)
            self._formers = formers(self.ledger, self.repository, slots[:MOST_FORMERS])
        found = renamed(self._formers, [item.post.post])
        for id in found:
            why = (f"it looks like {id}, which is published and has no file any more, and would go out again. "
                   f"{advice(id, item.post.post)} Commit; or put the file of {id} back, if this is another post.")
            waiting = Waiting(item.slot, item.post, item.channel, why, item.zone, item.at)
            if self.teller.waits(waiting):
                log.warning("slot waits, its post was renamed slot=%s was=%s", order.slot, id)
        return bool(found)

    def brake(self, item: Item, publisher: Publisher) -> Brake | None:
        """Why the item may not go yet; None: it may, and counts."""
        assert self.agenda.content is not None
        return self.traffic.let_go(item, publisher, self.agenda.content.channels.min_gap)

    def _collect(self) -> None:
        """Takes in what the threads brought back. What one slot cannot do now is tried again; the others go on."""
        for order, future in self.lanes.ended():
            slot = order.slot
            if future.exception() is not None:
                self.traffic.ended(slot, None)
            try:
                ended = future.result()
            except (StoreError, ContentError, SettingsError) as error:      # nothing was sent, or a record says so
                log.error("slot cannot go on slot=%s why=%s", slot, error.what)
                self._try_later(order, error)
                continue
            except Exception as error:  # one slot's fault must not stop the others
                log.exception("slot broke off slot=%s", slot)
                self._over.add(slot)
                why = f"{type(error).__name__} in our own code."
                self.teller.unable(order, SettingsError(why, "See the log, and report it."))
                continue
            standing = ended.standing
            is_over = standing.state in (State.published, State.failed, State.skipped, State.missed)
            if standing.seq and not is_over:
                self._begun.add(slot)
            else:
                self._begun.discard(slot)
            if ended.news:
                self._tries.pop(slot, None)
            if standing.last is not None and standing.last.record.detail.get("class") == "unauthorized":
                self.lanes.close(order.channel)                   # what a person puts right meanwhile counts at once
            if slot not in self._published:
                went = bool(standing.parts or standing.doubt)
                self.traffic.ended(slot, standing.changed_at if went else None)
            current = self._extra.get(slot)
            if slot not in self.agenda.entries and current is None and slot in self._begun:       # withdrawn meanwhile
                self._extra |= {left.slot: left for left in self._left_over() if left.slot == slot}
                current = self._extra.get(slot)
            changed = current != order if current is not None else (
                slot in self.agenda.entries and not self.agenda.still(order))
            if changed:                                           # during the call
                entry = self.agenda.entries.get(slot)
                self._await(slot, entry.at if entry is not None and current is None else self.clock.now())
            elif ended.again is not None and ended.why is not None and not ended.news and (
                    standing.state not in (State.unknown, State.held)):
                self._tries[slot] = tries = self._tries.get(slot, 0) + 1
                self._await(slot, max(ended.again, self.clock.now() + wait_after(tries)))
            elif ended.again is not None:
                self._await(slot, ended.again)
            elif standing.state is State.published:
                self._published.add(slot)
                self._lead(slot, standing.published_at)
            elif standing.state in (State.failed, State.skipped, State.missed):
                self._over.add(slot)
            elif standing.state is State.held:
                self._tries[slot] = tries = self._tries.get(slot, 0) + 1
                self._await(slot, self.clock.now() + self._held_wait(tries))
            self.teller.ended(order, ended)

    def _lead(self, slot: Slot, went: datetime | None) -> None:
        """Has those planned anew that follow a slot which went out at another minute than the content has it."""
        self._went[slot], planned = went, self.agenda.planned_at(slot)
        late = went is not None and planned is not None and went - planned >= timedelta(minutes=1)
        if late and self.agenda.is_followed(slot.post):
            self._moved.add(slot.post)
            self.commit_moved.set()

    def _held_wait(self, tries: int) -> timedelta:
        """A pretend clock would spend its time on looking: there a day."""
        first, most = HELD_WAIT_S
        return timedelta(days=1) if self.clock.pretend else timedelta(seconds=min(first * 2 ** (tries - 1), most))

    def _await(self, slot: Slot, at: datetime) -> None:
        """Has the slot looked at from `at` on, and not before; one of another publisher's accounts a little later."""
        if not self._is_own(slot):
            entry = self.agenda.entries.get(slot)
            at = max(at, (self.clock.now() if entry is None else entry.at) + STAND_IN)
        # what a resume sends at one moment goes out in the order in which it was planned
        heappush(self._due, (at, self.agenda.planned_at(slot) or at, slot.channel, slot))

    # --- other publishers ---------------------------------------------------------------------------------------------

    def _is_own(self, slot: Slot) -> bool:
        return self.shard is None or self.shard.has(slot.channel)

    def _deliver(self, order: Order) -> Ended:
        """One delivery; of another publisher's slot only if that one seems to be gone. Raises DrumbeatError."""
        if not self._is_own(order.slot):
            now, standing = self.clock.now(), fold(order.slot, self.ledger.read(order.slot))
            if standing.changed_at is not None and now - standing.changed_at < LEFT_ALONE and not (
                    is_gone(standing.worker or "")):
                over = standing.state in (State.published, State.failed, State.skipped, State.missed)
                return Ended(standing, None if over else now + STAND_IN, news=False)
            log.warning("standing in for the publisher of channel=%s slot=%s", order.slot.channel, order.slot)
        try:
            publisher = self.lanes.open(order.channel)
        except SettingsError as error:
            if not self._is_too_late(order):
                raise
            too_late = Delivery(self.courier, order, unconnected(order.channel), self)
            too_late.kept_by = error.what
            return too_late.run()
        return Delivery(self.courier, order, publisher, self).run()

    def _is_too_late(self, order: Order) -> bool:
        """Whether the slot can only be missed any more: no account is needed to say so."""
        item = order.item
        return item is not None and self.clock.now() > item.at + timedelta(seconds=item.grace_s) and (
            fold(order.slot, self.ledger.read(order.slot)).nothing_sent)

    def _keep_noting(self) -> None:
        """Notes what others sent of what we would stand in for, so that nobody looks at each of it."""
        while not self.stopping.wait(ELSEWHERE_S):
            if (next_one := self._next_moment()) > self.clock.now() + timedelta(seconds=ELSEWHERE_S):
                continue
            try:
                days = {next_one.date(), self.clock.now().date()}
                self._elsewhere = frozenset(one for day in days for one in self.ledger.terminal_slots(day))
            except StoreError as error:
                log.error("others not looked at why=%s", error.what)
                continue
            self._wake(self.others_moved)

    def _note(self) -> None:
        """Takes in what `_keep_noting` found: each end once, for its post may get another time and open again."""
        theirs = [done for done in self._elsewhere - self._noted if not self._is_own(done.slot)]
        self._noted.update(theirs)
        self.traffic.begin(theirs)
        for done in theirs:
            if done.state is not State.published:
                self._over.add(done.slot)
            elif done.slot not in self._published:
                self._published.add(done.slot)
                self._went.setdefault(done.slot, None)
                self._note_leader(done.slot)

    def _note_leader(self, slot: Slot) -> None:
        """What goes out after a slot of another publisher counts from when that one really went."""
        if not self.agenda.is_followed(slot.post):
            return
        try:
            self._lead(slot, self._when_it_went(slot))
        except StoreError as error:                               # asked again with the next commit
            log.error("not known when it went slot=%s why=%s", slot, error.what)

    def _try_later(self, order: Order, error: ContentError | SettingsError | StoreError) -> None:
        """What one slot cannot do now; the channel is opened anew then, with the credentials of that time."""
        self._tries[order.slot] = tries = self._tries.get(order.slot, 0) + 1
        self._await(order.slot, self.clock.now() + wait_after(tries))
        if isinstance(error, SettingsError):
            self.lanes.close(order.channel)
        self.teller.unable(order, error)
