"""What a shift keeps an eye on for as long as it runs, and what it costs."""
import threading
from datetime import timedelta
from pathlib import Path

from flows.edges.clock import FixedClock
from flows.edges.holds import Holds
from flows.edges.ledger import Done, Ledger
from flows.edges.store import Counted, open_store
from flows.pace import Traffic
from flows.watch import Watch
from schemas.hold import Hold
from schemas.ledger import Slot, State

from .conftest import NOON, PATIENCE_S


class Breaks:
    """A source of commits whose first answer is an error of the system."""

    tip = None

    def __init__(self) -> None:
        self.asked = 0

    def commit(self) -> str:
        return ""

    def fetch(self) -> bool:
        return True

    def has_moved(self) -> bool:
        self.asked += 1
        if self.asked == 1:
            raise OSError(12, "Cannot allocate memory")
        return True


def test_a_look_that_breaks_off_is_not_the_last_one(tmp_path: Path) -> None:
    """No memory for a moment: the shift takes the next commit all the same."""
    stopping, moved = threading.Event(), threading.Event()
    watch = Watch(Breaks(), Holds(open_store(f"dir:{tmp_path}")), stopping, commit_moved=moved.set,
                  holds_moved=lambda: None)
    watch.begin()
    try:
        assert moved.wait(PATIENCE_S)
    finally:
        stopping.set()


class Hangs(Breaks):
    """A source whose remote takes the call and never answers, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs, self.let_go = threading.Event(), threading.Event()

    def has_moved(self) -> bool:
        self.hangs.set()
        self.let_go.wait()
        return False


def test_what_the_archive_says_does_not_wait_for_a_remote_that_hangs(tmp_path: Path) -> None:
    """While a fetch hangs, a resume is heard of, and a plan that the archive did not take is tried again."""
    store, source = open_store(f"dir:{tmp_path}"), Hangs()
    stopping, commit_moved, holds_moved = (threading.Event() for _ in range(3))
    watch = Watch(source, Holds(store), stopping, commit_moved=commit_moved.set, holds_moved=holds_moved.set)
    hold = Hold(number=0, kind="hold", scope="all", by="Wren", reason="the shop burns", at=NOON)
    Holds(store).add(hold)
    watch.held(0.0)
    watch.begin()
    try:
        assert source.hangs.wait(PATIENCE_S)
        Holds(store).add(hold.model_copy(update={"kind": "resume", "reason": "it is out"}))
        watch.look_again()
        assert commit_moved.wait(PATIENCE_S)
        assert holds_moved.wait(PATIENCE_S)
    finally:
        stopping.set()
        source.let_go.set()


def test_a_new_hold_is_noticed_within_seconds_and_costs_a_look_each_time(tmp_path: Path) -> None:
    """Nothing is due and nothing was held: five seconds later it is heard of, and the archive was asked once."""
    store, moved = Counted(open_store(f"dir:{tmp_path}")), threading.Event()
    elapsed = 0.0
    watch = Watch(Breaks(), Holds(store, elapsed_s=lambda: elapsed), threading.Event(), commit_moved=lambda: None,
                  holds_moved=moved.set, elapsed_s=lambda: elapsed)
    watch.held(0.0)
    Holds(open_store(f"dir:{tmp_path}")).add(Hold(number=0, kind="hold", scope="all", by="Wren", reason="it burns",
                                                  at=NOON))
    before = store.lists
    for second in range(1, 6):
        elapsed = float(second)
        watch._look_at_the_archive()

    assert moved.is_set()
    assert store.lists == before + 1


def test_the_fuse_does_not_ask_again_for_what_is_long_gone(tmp_path: Path) -> None:
    """A shift of days: posts of its first day, whose minute was never asked for, cost each later post nothing."""
    store, clock = Counted(open_store(f"dir:{tmp_path}")), FixedClock(NOON)
    traffic = Traffic(Ledger(store, worker="one", now=clock.now), clock, 2)
    traffic.begin([Done(Slot(f"posts/{name}", "mastodon"), State.published, NOON.date()) for name in "abc"])
    clock.at = NOON + timedelta(days=3)
    traffic._times(None, 2)
    before = store.lists + store.reads
    traffic._times(None, 2)
    assert store.lists + store.reads == before
