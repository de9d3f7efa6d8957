"""Clocks tell the time and wait for it: the real one, one that stands still, and one that runs fast but never past
its work.
"""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.edges.clock import FAR, Clock, FixedClock, PretendClock, RealClock

START = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE_S = 30.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep/clock.json"


def waiting(clock: Clock, moment: datetime) -> tuple[threading.Thread, threading.Event, list[bool]]:
    """A thread that waits for `moment`, the event that wakes it, and where its answer appears."""
    woken, answers = threading.Event(), list[bool]()
    thread = threading.Thread(target=lambda: answers.append(clock.wait_until(moment, woken)), daemon=True)
    thread.start()
    return thread, woken, answers


def test_a_pretend_clock_begins_standing_still(file: Path) -> None:
    """Until it is allowed to go on, a pretend clock shows its start."""
    clock = PretendClock.begin(file, START, speed=1e9)

    assert (clock.now(), clock.now(), clock.pretend) == (START, START, True)


def test_a_pretend_clock_never_passes_its_barrier(file: Path) -> None:
    """However fast it runs, it stops at the barrier, and goes on from there when that moves."""
    clock = PretendClock.begin(file, START, speed=1e12)

    shown = []
    for hours in (1, 2, 5):
        assert clock.wait_until(START + hours * HOUR, threading.Event())
        shown.append(clock.now())

    assert shown == [START + HOUR, START + 2 * HOUR, START + 5 * HOUR]


def test_a_barrier_behind_does_not_turn_the_clock_back(file: Path) -> None:
    """Waiting for what has passed returns at once and leaves the time as it is."""
    clock = PretendClock.begin(file, START, speed=1e12)
    clock.wait_until(START + HOUR, threading.Event())

    assert clock.wait_until(START - HOUR, threading.Event())
    assert clock.now() == START + HOUR


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(barriers=st.lists(st.integers(-1000, 10**6), max_size=8), speed=st.floats(1, 1e9))
def test_time_never_runs_backwards_nor_past_any_barrier(barriers: list[int], speed: float, tmp_path: Path) -> None:
    """Whatever barriers are set in whatever order, each look shows the same time as before or a later one, within
    the barrier.
    """
    clock = PretendClock.begin(tmp_path / "clock.json", START, speed)
    last = START
    for seconds in barriers:
        barrier = START + timedelta(seconds=seconds)
        clock.allow(barrier)
        shown = [clock.now() for _ in range(3)]
        assert [last - timedelta(microseconds=2), *shown] == sorted([last - timedelta(microseconds=2), *shown])
        assert shown[-1] <= barrier + timedelta(microseconds=2) or shown == [shown[0]] * 3  # past it already: it stands
        last = shown[-1]


def test_a_pretend_clock_keeps_its_speed(file: Path) -> None:
    """Between two looks at the real time, it moves that much times its speed."""
    clock = PretendClock.begin(file, START, speed=1000.0)
    before = time.time()
    clock.allow(FAR)
    allowed = time.time()

    earliest = time.time()
    shown = (clock.now() - START).total_seconds()
    latest = time.time()

    assert (earliest - allowed) * 1000 - 0.01 <= shown <= (latest - before) * 1000 + 0.01


def test_two_processes_tell_the_same_time(file: Path) -> None:
    """Another process that reads the file shows what this one shows, and sees each move of the barrier."""
    clock = PretendClock.begin(file, START, speed=1e12)
    program = (
        "import sys, pathlib\nfrom flows.edges.clock import PretendClock\nclock = "
        "PretendClock(pathlib.Path(sys.argv[1]))\n"
        "for line in sys.stdin:\n    print(clock.now().isoformat(), flush=True)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        for hours in range(20):                                   # many within one tick of the file system
            clock.wait_until(START + hours * HOUR, threading.Event())
            other.stdin.write("\n")
            other.stdin.flush()
            assert other.stdout.readline().strip() == clock.now().isoformat() == (START + hours * HOUR).isoformat()
    finally:
        other.stdin.close()
        other.stdout.close()
        other.wait(PATIENCE_S)


def test_every_write_is_seen_at_once(file: Path) -> None:
    """A thousand moves in a row by one clock are each seen by another that looks at the same file."""
    writer, reader = PretendClock.begin(file, START, speed=1e12), PretendClock(file)

    for minutes in range(1000):
        writer.wait_until(START + timedelta(minutes=minutes), threading.Event())
        assert reader.now() == START + timedelta(minutes=minutes)


@pytest.mark.parametrize("kind", ["real", "fixed", "pretend"])
def test_who_waits_is_woken(kind: str, file: Path) -> None:
    """A wait ends at once, with False, when its event is set."""
    clock: Clock = {
        "real": RealClock,
        "fixed": lambda: FixedClock(START),
        "pretend": lambda: PretendClock.begin(file, START, speed=0.001),
    }[kind]()
    thread, woken, answers = waiting(clock, clock.now() + timedelta(days=365))

    woken.set()
    thread.join(PATIENCE_S)

    assert answers == [False]


def test_a_woken_pretend_clock_stands_still(file: Path) -> None:
    """After a wait that was ended early the clock does not run on under the work that is done now."""
    clock = PretendClock.begin(file, START, speed=1e6)
    woken = threading.Event()
    woken.set()

    assert clock.wait_until(START + timedelta(days=3650), woken) is False

    shown = clock.now()
    assert START <= shown < START + timedelta(days=3650)
    assert [clock.now() for _ in range(100)] == [shown] * 100


@pytest.mark.parametrize("clock", [RealClock(), FixedClock(START)])
def test_what_has_passed_needs_no_waiting(clock: Clock) -> None:
    """Waiting for a moment that is over returns True, also when somebody wakes the waiter."""
    woken = threading.Event()

    assert clock.wait_until(clock.now() - HOUR, woken)
    woken.set()
    assert clock.wait_until(clock.now() - HOUR, woken)


def test_the_real_clock_is_the_worlds() -> None:
    """Aware, UTC, between two looks at the system's time."""
    before, shown, after = datetime.now(UTC), RealClock().now(), datetime.now(UTC)

    assert before <= shown <= after
    assert (shown.tzinfo, RealClock.pretend) == (UTC, False)


def test_a_fixed_clock_stands() -> None:
    """`--now` is one moment, however often it is looked at."""
    clock = FixedClock(START)

    assert (clock.now(), clock.now(), clock.pretend) == (START, START, True)
