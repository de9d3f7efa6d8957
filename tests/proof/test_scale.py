"""Workers on a Prefect server with PostgreSQL (see `scale`): never twice, never lost, and how late.

Each takes three to ten minutes: `pytest -m scale -s tests/proof/test_scale.py`. How late depends on what else the
machine does: it is printed beside its bar, and judged only where the report says that others left the machine alone.
"""
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.scale
HARNESS = Path(__file__).with_name("scale.py")
PATIENCE_S = 1_500.0
NO_POSTGRES = 77
P99_S, HOLD_S, GRACE_S = 1.0, 2.0, 7_200.0
TELLS = ("duplicates", "lost", "wrong")
GOOD: dict[str, list[str]] = {name: [] for name in TELLS}


@pytest.fixture
def played() -> Callable[..., dict[str, Any]]:
    """What one scenario came to; its table is printed. Skips where there is no PostgreSQL."""

    def play(*words: str) -> dict[str, Any]:
        done = subprocess.run([sys.executable, str(HARNESS), *words, "--json"], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        if done.returncode == NO_POSTGRES:
            pytest.skip(done.stderr.strip())
        assert done.stdout, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        sys.stdout.write("\n" + done.stderr + "\n".join(told["table"]) + "\n")
        return told

    return play


def in_time(report: dict[str, Any], *bars: bool) -> bool:
    """Whether every bar was met; on a machine that others were busy on, none can say."""
    return not report["idle"] or all(bars)


@pytest.mark.parametrize("archive", ["dir", "s3"])
def test_two_workers_send_a_thousand_posts_of_one_minute(played, archive):
    """Each once, none lost, none early; where the machine is idle, 99 of 100 within a second of their time."""
    report = played("quiet", "--workers", "2", "--archive", archive)
    assert {name: report[name] for name in TELLS} == GOOD
    assert report["ends"] == {"published": 1000}
    assert report["lateness"]["min"] >= 0.0
    assert report["bare_failed"] == []
    assert in_time(report, report["lateness"]["p99"] <= P99_S)


def test_two_workers_send_a_thousand_posts_of_one_second(played):
    """However late, each once, none lost, none early."""
    report = played("burst")
    assert {name: report[name] for name in TELLS} == GOOD
    assert report["ends"] == {"published": 1000}
    assert report["lateness"]["min"] >= 0.0
    assert report["lateness"]["max"] < GRACE_S


def test_a_worker_of_three_killed_in_the_middle(played):
    """Each once, none lost; the others' accounts notice nothing, its own go out about a minute late."""
    report = played("kill", "--workers", "3")
    assert {name: report[name] for name in TELLS} == GOOD
    assert report["ends"] == {"published": 1000}
    assert report["of_the_dead_after"]["count"] > 50
    assert report["of_the_dead_after"]["p50"] >= 59.0
    assert report["lateness"]["max"] < GRACE_S
    assert report["of_the_dead_after"]["p50"] <= 90.0
    assert in_time(report, report["of_others"]["p99"] <= P99_S)


def test_prefects_server_killed_when_the_first_is_due(played):
    """Nothing is lost or late by more than the grace; all go out while it is away, and it shows them afterwards.

    The shifts go on, though the server that is back knows nothing of what it kept in memory.
    """
    report = played("server")
    assert {name: report[name] for name in TELLS} == GOOD
    assert report["ends"] == {"published": 1000}
    assert report["lateness"]["max"] < GRACE_S
    assert in_time(report, report["lateness"]["p99"] <= P99_S)
    assert report["out_without_server"] == 1000
    assert report["prefect"]["shifts"] == {"1/2 Running": 1, "2/2 Running": 1}
    assert report["prefect"]["task_runs"] >= 50         # what came while it was away is shown account by account
    assert (report["workers_alive"], report["shifts_ended"]) == (2, 0)


def test_a_hold_in_the_middle_and_a_resume_with_new_times(played):
    """Sends stop within two seconds; nothing shows as sent that was not; the rest keeps its distances."""
    report = played("hold")
    assert {name: report[name] for name in TELLS} == GOOD
    assert report["last_call_after_return_s"] <= HOLD_S
    assert report["closest_arrivals_after_s"] >= 45.0
    assert report["false_sent"] == []
    assert (report["left"], report["not_moved"]) == (report["moved"], [])
    assert report["left"] + report["sent_before"] == 1000
    assert report["left"] > 100
    assert report["closest_s"] >= 60.0
    assert report["ends"] == {"published": report["judged"]}


def test_every_worker_replaced_within_the_minute(played):
    """Told to end one after the other, they end by themselves and in order: nothing is doubled or missed."""
    report = played("roll")
    assert {name: report[name] for name in TELLS} == GOOD
    assert report["ends"] == {"published": 1000}
    assert report["lateness"]["max"] < GRACE_S
    assert in_time(report, report["all_ended_at_s"] < 75.0)
    assert report["new_shifts"] >= 2
