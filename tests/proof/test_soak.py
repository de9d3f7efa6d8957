"""The short run of the soak (see `soak`): six days in seconds, and a publisher that leaks, which must be caught."""
import importlib.util
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
HARNESS = Path(__file__).with_name("soak.py")
PATIENCE_S = 120.0
LEAKS = ("memory", "descriptors", "threads")
SHORT = ("--days", "6", "--posts-per-day", "6", "--warm-up", "2", "--shift-hours", "0", "--day-seconds", "1.6",
         "--no-stalls", "--json")


@pytest.fixture(scope="module")
def reports() -> dict[str, dict[str, Any]]:
    """What a publisher as it is, and one that leaks whatever it can, came to; both at the same time."""
    words = {"whole": SHORT, "leaking": (*SHORT, "--leak", ",".join(LEAKS))}
    begun = {name: subprocess.Popen([sys.executable, str(HARNESS), *more], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for name, more in words.items()}
    told = {}
    for name, one in begun.items():
        out, err = one.communicate(timeout=PATIENCE_S)
        assert out, err
        told[name] = json.loads(out)
    return told


def test_nothing_is_twice_and_nothing_lost(reports):
    """While people edit, remove, break and hold, and networks fail: each slot ends once, as its ledger says."""
    assert reports["whole"]["wrong"] == []


def test_the_season_was_played(reports):
    """Posts went out each day, faults of several kinds struck, commits were made, one publisher lived through it."""
    whole = reports["whole"]
    out = [day["out"] for day in whole["days"]]
    assert len(out) == 6
    assert all(later > earlier for earlier, later in pairwise(out))
    assert len(whole["faults"]) >= 3
    assert (whole["commits"], whole["starts"]) == (7, 1)


def test_a_publisher_stays_flat(reports):
    """At night it holds as many files, threads and children as some nights before, and hardly more memory."""
    assert reports["whole"]["grows"] == []


@pytest.mark.parametrize("leak", LEAKS)
def test_a_publisher_that_leaks_is_caught(reports, leak):
    """The harness sees each thing that is kept and should not be."""
    assert [what for what in reports["leaking"]["grows"] if what.startswith(leak)]


def test_slope_is_the_growth_a_day():
    """By least squares: what wanders does not count, what grows does."""
    gauges = _module("gauges")

    assert gauges.slope([3.0, 5.0, 7.0, 9.0]) == 2.0
    assert gauges.slope([4.0, 6.0, 6.0, 4.0]) == 0.0


def _module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"drumbeat_{name}", HARNESS.with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
