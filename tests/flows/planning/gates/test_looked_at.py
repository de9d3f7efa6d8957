"""What is judged ahead for campaigns to come is all that their gates look at, and nothing else."""
from datetime import timedelta

import pytest

from flows.planning.preparing import FOR_LAUNCH
from flows.planning.rules import RULES
from flows.planning.tallying import as_of, tally
from schemas.place import Place
from schemas.problem import Problem, Severity
from tests.flows.planning.gates.conftest import Asked, edited, facts_of, gates_of

AHEAD = ("DISCOVERY", "STRATEGY", "SKILLS", "LAUNCH")


@pytest.mark.parametrize("code", sorted({rule.code for rule in RULES}))
def test_a_launch_looks_at_the_rules_that_are_judged_ahead(code: str) -> None:
    """A problem of a rule changes a gate that a campaign starts through if, and only if, the rule is among them."""
    facts = facts_of(edited({}), "2027-04-06")
    found = Problem(code, Severity.error, Place("content/strategy.yaml"), "Made up.", "Made up.")

    plain, told = gates_of(facts), gates_of(facts, Asked({code: [found]}, {}))

    changed = [name for name in plain if name.startswith(AHEAD) and plain[name] != told[name]]
    assert bool(changed) is (code in FOR_LAUNCH)


@pytest.mark.parametrize("days", [0, 1, 20, 400])
def test_a_tally_of_today_becomes_that_of_a_later_day(days: int) -> None:
    """What is counted once is, on any later day, what would be counted then."""
    facts = facts_of(edited({}), "2027-03-17")
    then = facts.now + timedelta(days=days)

    assert as_of(tally(facts.plan, None, facts.now), then) == tally(facts.plan, None, then)
