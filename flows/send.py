"""A shift: sleeps until something is due, and has it delivered at its own second. Sending waits for nobody."""
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import NamedTuple

from flows.check import check_commit
from flows.deliver import Courier, Ended
from flows.edges.clock import FAR, Clock
from flows.edges.ledger import Ledger
from flows.edges.plans import accept, good_commit, last_good
from flows.edges.repository import Repository
from flows.edges.store import Store
from flows.planning.deciding import TIMING, Timing, wait_after
from flows.planning.preparing import Prepared, reason
from flows.planning.reporting import row
from publishers.base import Publisher
from schemas.channel import Channel
from schemas.errors import ContentError, DrumbeatError, SettingsError, StoreError, UsageError
from schemas.ledger import Slot, Standing, State
from schemas.message import Message
from schemas.plan import Item, Waiting
from schemas.report import Row

log = logging.getLogger(__name__)
SHIFT = timedelta(hours=1)
LOOK_EVERY_S = 2.0
"""How often a shift asks Git whether there is a new commit (real seconds)."""
SKEW_S = 30.0
THREADS = 64
_WITHOUT_THESE_NOTHING_HOLDS = ("networks/channels.yaml", "strategy.yaml")


class Told(NamedTuple):
    """One outcome, for whoever watches. `unable`: a setting, a credential or the archive has to be put right first."""

    row: Row
    network: str
    channel: str
    campaign: str | None
    unable: bool = False


class Shift:
    """One publisher. `connect` opens the adapter of a channel; `tell` hears each outcome and must return at once.

    `only`: the one slot to send, if it is due; None: all.
    """

    def __init__(self, repository: Repository, store: Store, ledger: Ledger, clock: Clock, *,
                 connect: Callable[[Channel], Publisher], tell: Callable[[Told], None],
                 only: Slot | None = None, timing: Timing = TIMING) -> None:
        self.repository, self.store, self.ledger, self.clock = repository, store, ledger, clock
        self.connect, self.tell, self.only, self.timing = connect, tell, only, timing
        self.stopping, self.woken, self.commit_moved = threading.Event(), threading.Event(), threading.Event()
        self.courier = Courier(repository, ledger, clock, self.stopping)
        self.prepared: Prepared | None = None
        self._items: dict[Slot, Item] = {}
        self._due: list[tuple[datetime, str, str, Slot]] = []
        self._tries: dict[Slot, int] = {}                         # looks in vain since the archive last answered
        self._lines: dict[str, list[tuple[datetime, str, str, Slot]]] = {}
        self._busy: dict[str, Future[Ended]] = {}
        self._sending: dict[str, Item] = {}
        self._publishers: dict[str, Publisher | SettingsError] = {}
        self._looked_at: str | None = None                        # the commit that the watcher last pointed out
        self._published: set[Slot] = set()                        # for good
        self._over: set[Slot] = set()                             # as the plan in force has it; another may reopen it

    def stop(self) -> None:
        """Ends the shift after the calls that are out."""
        self.stopping.set()
        self.woken.set()

    def run(self, until: datetime) -> None:
        """Sends what is due up to `until` (UTC), then returns. Raises DrumbeatError when nothing can be sent at all."""
        self._start()
        watcher = threading.Thread(target=self._watch, name="git", daemon=True)
        watcher.start()
        with ThreadPoolExecutor(THREADS, thread_name_prefix="send") as pool:
            try:
                self._go_on(pool, until)
            finally:
                self.stopping.set()                               # before the pool waits for calls that wait for us
        self._collect()

    def _go_on(self, pool: ThreadPoolExecutor, until: datetime) -> None:
        while True:
            self.woken.clear()                                    # first, so that no call to `stop` is lost
            if self.stopping.is_set():
                return
            self._collect()
            if self.commit_moved.is_set():
                self.commit_moved.clear()
                self._load()
            now = self.clock.now()
            self._dispatch(pool, min(now, until))
            if self._busy and (self.clock.pretend or now >= until):
                self.woken.wait()                                 # a pretend clock stands still during a call
                continue
            moment = self._next_moment()
            if now >= until and moment > until:
                return
            self.clock.wait_until(min(moment, until), self.woken)

    # --- the plan -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.store.probe()
        if not self.clock.pretend and abs((self.store.now() - self.clock.now()).total_seconds()) > SKEW_S:
            raise SettingsError(f"this computer's clock and the archive's differ by more than {SKEW_S:.0f} s.",
                                "Set the clock (for example with NTP), then start again.")
        self._published = {done.slot for done in self.ledger.terminal_slots() if done.state is State.published}
        rejected = self._load()
        if rejected is not None:
            self._take_last_good(rejected)
        assert self.prepared is not None
        if self.only is not None and self.only not in self._items:
            waiting = next((w for w in self.prepared.plan.waiting if w.slot == self.only), None)
            if waiting is None:
                raise UsageError(f"{self.only} is not in the plan.", "'drumbeat plan --json' lists all slots.")
            self._tell(waiting)

    def _load(self) -> ContentError | None:
        """Takes the plan of HEAD, or keeps the last good one and says why."""
        try:
            self._take(self.repository.head())
        except ContentError as error:
            log.error("plan rejected why=%s %s; the last good plan stays in force", error.what, error.remedy)
            return error
        except StoreError as error:
            if self.prepared is None:
                raise
            log.error("plan not taken yet, the archive does not answer why=%s", error.what)
            self._looked_at = None                                # so that the next look sees a new commit again
        return None

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
        if self.prepared is not None and self.prepared.content.source == commit:
            return
        root = self.repository.folder.name
        kept = last_good(self.store) | ({i.slot: i.at for i in self.prepared.plan.items} if self.prepared else {})
        prepared = check_commit(self.repository, commit, now=self.clock.now(), kept=kept)
        for path in _WITHOUT_THESE_NOTHING_HOLDS:
            if path in prepared.content.unreadable:
                errors = [p for p in prepared.content.broken().get(None, []) if p.place.file == f"{root}/{path}"]
                raise ContentError(reason(errors[0]) if errors else f"{root}/{path} cannot be read.",
                                   "Run 'drumbeat check', mend it and commit.")
        accept(self.store, prepared.plan, now=self.clock.now())
        self.prepared = prepared
        self._items = {item.slot: item for item in prepared.plan.items}
        self._publishers = {}                                     # a channel may have got another account
        self._due = []
        self._lines = {}
        self._over = set()
        under_way = {item.slot for item in self._sending.values()}
        for item in prepared.plan.items:
            if item.slot not in self._published | under_way and self.only in (None, item.slot):
                self._await(item, item.at)
        log.info("plan accepted commit=%s items=%d waiting=%d", commit[:10], len(prepared.plan.items),
                 len(prepared.plan.waiting))

    def _watch(self) -> None:
        """Wakes the shift when HEAD names another commit."""
        assert self.prepared is not None
        self._looked_at = self.prepared.content.source
        while not self.stopping.wait(LOOK_EVERY_S):
            try:
                commit = self.repository.head()
            except ContentError:
                continue                                          # a branch being rewritten; the plan in force stays
            if commit != self._looked_at:
                self._looked_at = commit
                self.commit_moved.set()
                self.woken.set()

    def still(self, item: Item, message: Message) -> bool:
        """Whether the plan in force wants exactly this: the same message, at the same time."""
        current = self._items.get(item.slot)
        return (current is not None and current.at == item.at and self.prepared is not None
                and self.prepared.messages.get(item.slot) == message)

    # --- what is due --------------------------------------------------------------------------------------------------

    def _next_moment(self) -> datetime:
        """When something becomes due; what waits for its account is woken by the call that is out."""
        return self._due[0][0] if self._due else FAR

    def _dispatch(self, pool: ThreadPoolExecutor, now: datetime) -> None:
        """Hands the next due item of every idle account to a thread: one call in flight per account."""
        while self._due and self._due[0][0] <= now:
            entry = heappop(self._due)
            self._lines.setdefault(entry[1], []).append(entry)
        for channel, line in self._lines.items():
            while line and channel not in self._busy:
                item = self._items.get(line.pop(0)[3])
                if item is None or item.slot in self._published | self._over:
                    continue
                publisher = self._publisher(item.channel)
                if isinstance(publisher, SettingsError):
                    self._tell_unable(item, publisher)
                    continue
                assert self.prepared is not None
                future = pool.submit(self.courier.deliver, item, self.prepared.messages[item.slot], publisher,
                                     self.prepared.content.source, self.still)
                self._busy[channel], self._sending[channel] = future, item
                future.add_done_callback(lambda _: self.woken.set())

    def _collect(self) -> None:
        """Takes in what the threads brought back. What one slot cannot do now is tried again; the others go on."""
        for channel, future in list(self._busy.items()):
            if not future.done():
                continue
            item = self._sending.pop(channel)
            del self._busy[channel]
            try:
                ended = future.result()
            except (StoreError, ContentError) as error:           # nothing was sent, or its `sending` record says so
                log.error("slot cannot go on slot=%s why=%s", item.slot, error.what)
                self._tries[item.slot] = tries = self._tries.get(item.slot, 0) + 1
                self._await(item, self.clock.now() + wait_after(tries))
                self._tell_unable(item, error)
                continue
            except Exception as error:  # one slot's fault must not stop the others
                log.exception("slot broke off slot=%s", item.slot)
                self._over.add(item.slot)
                why = f"{type(error).__name__} in our own code."
                self._tell_unable(item, SettingsError(why, "See the log, and report it."))
                continue
            self._tries.pop(item.slot, None)
            if (current := self._items.get(item.slot)) is not None and current != item:
                self._await(current, current.at)                  # its post changed during the call
            elif ended.again is not None:
                self._await(item, ended.again)
            elif ended.standing.state is State.published:
                self._published.add(item.slot)
            elif ended.standing.state in (State.failed, State.skipped, State.missed):
                self._over.add(item.slot)
            if ended.news:
                self._tell(item, ended.standing)

    def _await(self, item: Item, at: datetime) -> None:
        """Has the slot looked at from `at` on, and not before."""
        heappush(self._due, (at, item.channel.id, item.post.id, item.slot))

    def _publisher(self, channel: Channel) -> Publisher | SettingsError:
        if channel.id not in self._publishers:
            try:
                self._publishers[channel.id] = self.connect(channel)
            except SettingsError as error:
                log.error("channel cannot be used channel=%s why=%s", channel.id, error.what)
                self._publishers[channel.id] = error
        return self._publishers[channel.id]

    def _tell_unable(self, item: Item, error: DrumbeatError) -> None:
        why = f"{error.what} {error.remedy}"
        self._tell(Waiting(item.slot, item.post, item.channel, why, item.zone, item.at), unable=True)

    def _tell(self, one: Item | Waiting, standing: Standing | None = None, *, unable: bool = False) -> None:
        self.tell(Told(row(one, standing, now=self.clock.now()), one.channel.network, one.channel.id,
                       one.post.post.campaign, unable))
