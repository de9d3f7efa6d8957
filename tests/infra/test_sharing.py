"""Which shift a publisher's worker takes, and when; that workers do so on a real server stands in test_serve.py."""
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis.strategies import floats, integers

from flows.close import SHIFT
from infra.sharing import PATIENCE_S, in_turn, lasting
from infra.worker import WORKER

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
FIRST, SECOND = UUID(int=1), UUID(int=2)


def test_who_has_no_shift_takes_one_at_once() -> None:
    """The first that waits, and not both: another worker may have none as well."""
    assert in_turn({FIRST: 100.0, SECOND: 100.0}, have=0, now_s=100.0) == FIRST


def test_who_has_a_shift_looks_on_for_a_while_first() -> None:
    """Longer for each that it has; then nobody with fewer is there, and it takes what waits."""
    assert in_turn({FIRST: 100.0}, have=1, now_s=100.0 + PATIENCE_S - 1) is None
    assert in_turn({FIRST: 100.0}, have=1, now_s=100.0 + PATIENCE_S) == FIRST
    assert in_turn({FIRST: 100.0}, have=2, now_s=100.0 + PATIENCE_S) is None
    assert in_turn({FIRST: 110.0, SECOND: 100.0}, have=1, now_s=100.0 + PATIENCE_S) == SECOND


def test_a_publisher_runs_this_worker() -> None:
    """What a container starts is Prefect's command with our worker in the place of Prefect's own."""
    words = ("-c", "import infra.sharing as ours; from prefect.cli._worker_utils import _load_worker_class as load; "
             "print(load('process') is ours.SharingWorker)")
    done = subprocess.run([sys.executable, "-P", *words], capture_output=True, text=True, check=False)

    assert WORKER[1:6] == ("-P", "-m", "infra.sharing", "worker", "start")
    assert "process" in WORKER
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_shift_that_hands_over_does_not_count() -> None:
    """At the hour each worker's old shift still runs for two minutes, and none of them waits for that."""
    hourly = NOON + SHIFT - timedelta(hours=1)                    # when the shift of eleven o'clock ends

    assert lasting([hourly], NOON - timedelta(seconds=10)) == 0   # Prefect shows what is due ten seconds before
    assert lasting([hourly, NOON + SHIFT], NOON) == 1
    assert lasting([NOON + SHIFT], NOON + timedelta(minutes=50)) == 1


@given(workers=integers(1, 8), shifts=integers(0, 24), pace_s=floats(1.0, 13.0))
def test_shifts_always_spread_evenly(workers: int, shifts: int, pace_s: float) -> None:
    """However many there are, and however quick workers look: all are taken, and nobody has two more than another."""
    waiting, has, seen = {UUID(int=number): 0.0 for number in range(shifts)}, [0] * workers, dict[UUID, float]()
    step = 0
    while waiting and step < 10_000:
        now_s, who = step * pace_s / workers, step % workers      # they look one after the other
        seen = {id: seen.get(id, now_s) for id in waiting}
        taken = in_turn(seen, has[who], now_s)
        if taken is not None:
            del waiting[taken]
            has[who] += 1
        step += 1

    assert not waiting
    assert max(has) - min(has) <= 1
