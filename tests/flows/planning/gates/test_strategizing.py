"""STRATEGY, line by line: what one change of the sample content makes of it."""
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from schemas.gate import Gate
from schemas.history import Edit, History
from schemas.world import World

Look = Callable[..., Any]
Sample = Callable[..., dict[str, Gate]]
Edits = Mapping[str, tuple[str, str] | str | None]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
CASES = (
    ("STRATEGY-mission", "2027-03-17",
     {"strategy.yaml": ("mission: Every household in Ellery Bay can borrow or mend before it buys.\n", "")},
     "red", "no mission is written",
     "Write in a sentence what gets better for whom (mission), and what the house wants to reach (business_goals).",
     "ilse"),
    ("STR003", "2027-03-17",
     {"strategy.yaml": ("department: workshop", "department: lending-desk")},
     "red", "2 of 3 departments with a goal; none yet: workshop",
     "Ask maren, and write it under department_goals in strategy.yaml.", "maren"),
    ("STR010", "2027-03-17",
     {"strategy.yaml": ("  promise: We would rather show you how than sell you new.\n", "")},
     "red", "not yet said: promise",
     "Write a sentence for each under perception in strategy.yaml.", "ilse"),
    ("STR011", "2027-03-17",
     {"strategy.yaml": ("money: 4200\n  hours: 420", "money: 0\n  hours: 0")},
     "red", "neither money nor hours",
     "Write money and hours under budget in strategy.yaml, and how they split.", "ilse"),
    ("STR011", "2027-03-17",
     {"strategy.yaml": ("money: 4200\n  hours: 420", "money: 0\n  hours: 1")},
     "green", "1 hour",
     "", "ilse"),
)
"""A line, a day, what is changed in the sample content, then the line's state, evidence, remedy and owner."""


@pytest.mark.parametrize(("key", "day", "edits", "state", "evidence", "remedy", "owner"), CASES)
def test_a_line_of_strategy(
        sample_gates: Sample, told_line: Told, key: str, day: str, edits: Edits, state: str, evidence: str, remedy: str,
        owner: str | None) -> None:
    """A line says what the rule behind it found, and asks whoever owns it."""
    gate = sample_gates(day, edits)["STRATEGY"]

    assert told_line(gate, key) == (state, evidence, remedy, owner)


FOUND = (
    ("STR001", {"people/team.yaml": ("    executive: true\n", "")}, "ilse"),
    ("GOL001", {"strategy.yaml": ("metric: amplification_rate", "metric: happiness")}, "wren"),
    ("GOL002", {"strategy.yaml": ("      source: CRM, field lead_source\n", "")}, "wren"),
    ("GOL003", {"strategy.yaml": ("due: 2027-04-30", "due: 2027-11-01")}, "wren"),
    ("GOL004", {"strategy.yaml": ("target: 60", "target: 103")}, "wren"),
    ("STR004", {"strategy.yaml": ("findings: [how-to-gap]", "findings: []")}, "wren"),
    ("STR008", {"strategy.yaml": ("agreed_by: [ilse, tobin, odile]", "agreed_by: [tobin, odile]")}, "ilse"),
    ("STR005", {"strategy.yaml": ("goals: [tips-get-shared]\n    pillar", "goals: []\n    pillar")}, "wren"),
    ("NET001", {"networks/channels.yaml": ("    evidence: Quay Business Park employers share our posts\n", "")},
     "odile"),
)
"""A rule, what is changed in the sample content so that it fires once, and who owns what it is about."""


@pytest.mark.parametrize(("code", "edits", "owner"), FOUND)
def test_what_a_rule_found_is_the_evidence(sample_look: Look, told_line: Told, code: str, edits: Edits,
                                           owner: str) -> None:
    """The rule's own words stand in the line, its remedy under it, and whoever owns the goal or channel is asked."""
    gates, asked = sample_look("2027-03-17", edits)

    (problem,) = asked.found[code]
    assert told_line(gates["STRATEGY"], code) == ("red", problem.message.rstrip("."), problem.remedy, owner)


def test_more_of_the_same_is_counted(sample_look: Look, told_line: Told) -> None:
    """Of several problems of one rule the first is told, and how many there are."""
    gates, asked = sample_look("2027-03-17", {"strategy.yaml": ("target: ", "x-target: ")})

    first, _, _ = asked.found["GOL001"]
    assert told_line(gates["STRATEGY"], "GOL001")[1] == f"{first.message.rstrip('.')}; 2 more like it"


APPROVED = (
    ("2026-10-30", "green", "approved on 2026-10-30; mission and goals last changed on 2026-10-30"),
    ("2026-10-31", "red", None),
)


@pytest.mark.parametrize(("changed", "state", "evidence"), APPROVED)
def test_the_sponsor_approved_the_text_as_it_stands(sample_look: Look, told_line: Told, changed: str, state: str,
                                                    evidence: str | None) -> None:
    """What Git knows of the last change decides; the day itself still counts."""
    edit = Edit("c0ffee", datetime.fromisoformat(f"{changed} 12:00+00:00"), "wren@millracetools.example")
    world = World(history=History({}, {}, {"millrace-2027": edit}))

    gates, asked = sample_look("2027-03-17", world=world)

    told = evidence or f"approved on 2026-10-30; mission and goals last changed on {changed}"
    assert told_line(gates["STRATEGY"], "STR002")[:2] == (state, told)
    assert bool(asked.found.get("STR002")) is (state == "red")


def test_without_history_nobody_can_tell(sample_look: Look, told_line: Told) -> None:
    """A rule that could not be judged makes its line amber, with the reason and a way to know."""
    gates, _ = sample_look()

    assert told_line(gates["STRATEGY"], "STR002") == (
        "amber", "approved on 2026-10-30; nobody looked into Git",
        "Commit the content folder with Git, and run this where its history is.", "ilse")


def test_a_department_may_be_exempt(sample_gates: Sample, told_line: Told) -> None:
    """A department of the knob departments_exempt needs no goal."""
    edits = {"strategy.yaml": ("department: workshop", "department: lending-desk")}
    exempt = {"rules.yaml": ("  unlock_days: 90\n", "  unlock_days: 90\n  departments_exempt: [workshop]\n")}

    assert told_line(sample_gates("2027-03-17", edits)["STRATEGY"], "STR003")[:2] == (
        "red", "2 of 3 departments with a goal; none yet: workshop")
    assert told_line(sample_gates("2027-03-17", {**edits, **exempt})["STRATEGY"], "STR003")[:2] == (
        "green", "2 departments with a goal: lending-desk and communications")
