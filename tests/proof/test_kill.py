"""The short run of the kill harness (see `kill`): sixty slots, and what a harness must catch to be believed."""
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
HARNESS = Path(__file__).with_name("kill.py")
PATIENCE_S = 300.0
MUTANTS = ("no quiet time", "no read-back", "no sending record", "overwriting store", "doubt is absence",
           "retry and a sleeper")


@pytest.fixture(scope="session")
def report() -> dict[str, Any]:
    """What sixty trials and three of each mutant came to; the same ones every time."""
    words = [sys.executable, str(HARNESS), "--trials", "60", "--mutants", "3", "--seed", "7", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_killed_publishers_leave_nothing_twice_nothing_lost_and_no_false_receipt(report):
    """Whoever is killed or stopped wherever, and whatever fails meanwhile: a slot ends, once, as its ledger says."""
    assert not report["violations"], "\n".join(report["stories"].values())


def test_publishers_really_died(report):
    """Half of the trials lose a publisher to SIGKILL, at many different points; some stop past their lease."""
    assert sum(report["kills"].values()) >= 30
    assert len(report["kills"]) >= 20
    assert report["stops"] >= 5


def test_faults_really_struck(report):
    """Networks and archives failed in most of their ways."""
    assert sum(not fault.startswith("store: ") for fault in report["faults"]) >= 8
    assert sum(fault.startswith("store: ") for fault in report["faults"]) >= 5


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_publisher_without_the_rule_is_caught(report, mutant):
    """The harness sees what goes wrong when one rule of the protocol is taken out."""
    caught, trials = report["mutants"][mutant]
    assert (caught > 0, trials) == (True, 3)
