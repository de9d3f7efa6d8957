"""RUL001: an exception to a rule is dated, reasoned, signed by somebody who may, and goes when nobody needs it."""
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.edges.repository import working_tree
from flows.planning.rules import RULES, times, waivers
from flows.planning.rules.book import BOOK
from flows.planning.rules.ruling import Facts
from schemas.place import Place
from schemas.problem import Problem, Severity
from schemas.rulebook import Waiver

Of = Callable[..., Facts]
Lines = Callable[..., list[str]]
SAMPLE = Path(__file__).parents[4] / "content"
TEAM = ("people:\n  - {id: ilse, roles: [sponsor]}\n  - {id: odile, roles: [approver, author]}\n"
        "  - {id: wren, roles: [social_manager]}\n")
EVERY = (*RULES, *BOOK)
SIGNED = "until: 2027-01-04, by: odile, reason: rest"
FIRED = Problem("SCH007", Severity.warning, Place("content/networks/channels.yaml", 2, 5), "one is empty.", "Plan.",
                channel="one")


@pytest.fixture
def idle(facts: Of) -> Callable[..., list[Problem]]:
    """What is said of one waiver on 2027-01-04, where SCH007 fired for channel one."""

    def of(waiver: str, raw: Iterable[Problem] = (FIRED,), lacking: Collection[str] = (),
           team: str = TEAM) -> list[Problem]:
        known = facts({"rules.yaml": f"waivers:\n  - {{{waiver}}}\n", "people/team.yaml": team})
        return list(waivers.idle_waivers(known.content, tuple(raw), known.today(), lacking, EVERY))

    return of


Idle = Callable[..., list[Problem]]


@pytest.mark.rule("RUL001", "fires")
def test_a_waiver_that_ended(idle: Idle, lines: Lines) -> None:
    """RUL001: the day after its last one."""
    assert lines(idle("rule: SCH007, where: one, until: 2027-01-03, by: odile, reason: rest")) == [
        "rules.yaml:2:32: RUL001 warning: Waiver for SCH007 can go: it ended on 2027-01-03. Remove it, or have it "
        "signed again with a later until:."
    ]


def test_a_waiver_that_nobody_needs(idle: Idle, lines: Lines) -> None:
    """RUL001: its rule does not fire, or not where it excuses."""
    assert lines(idle(f"rule: TXT002, where: two, {SIGNED}")) == [
        "rules.yaml:2:5: RUL001 warning: Waiver for TXT002 can go: TXT002 says nothing about two today. Remove it."
    ]
    assert lines(idle(f"rule: SCH005, {SIGNED}")) == [
        "rules.yaml:2:5: RUL001 warning: Waiver for SCH005 can go: SCH005 says nothing today. Remove it."
    ]


@pytest.mark.rule("RUL001", "near")
def test_a_waiver_that_is_needed(idle: Idle) -> None:
    """RUL001: on its last day, where its rule fires, and everywhere."""
    assert idle(f"rule: SCH007, where: one, {SIGNED}") == []
    assert idle(f"rule: SCH007, {SIGNED}") == []


@pytest.mark.rule("RUL001", "missing")
def test_what_nobody_judged_may_be_needed(idle: Idle, facts: Of) -> None:
    """RUL001: a waiver for a rule that is not evaluated today, that asks the clock and may speak again tomorrow, for a
    line of a gate, or for what is found elsewhere, only ends; without rules.yaml there is none.
    """
    assert len(idle(f"rule: TXT002, where: one, {SIGNED}", ())) == 1
    assert idle(f"rule: TXT002, where: one, {SIGNED}", (), {"TXT002"}) == []
    for rule in ("SCH007", "LAUNCH-base", "REF003", "CMP006", "CON001"):
        assert idle(f"rule: {rule}, {SIGNED}", ()) == []
    assert [one.message for one in idle("rule: LAUNCH-base, until: 2027-01-03, by: ilse, reason: rest", ())] == [
        "Waiver for LAUNCH-base can go: it ended on 2027-01-03."]
    for files in ({}, {"rules.yaml": "waivers: ]"}, {"rules.yaml": "profile: strict\n"}):
        known = facts(files)
        assert waivers.idle_waivers(known.content, (FIRED,), known.today(), (), EVERY) == ()


def test_a_waiver_for_no_rule(idle: Idle, lines: Lines) -> None:
    """RUL001: a slip in the code waives nothing; nor does a waiver for what nobody waives."""
    assert lines(idle(f"rule: SHC007, {SIGNED}")) == [
        "rules.yaml:2:6: RUL001 warning: There is no rule SHC007, so this waives nothing. Did you mean SCH007?"
    ]
    assert lines(idle(f"rule: everything, {SIGNED}")) == [
        "rules.yaml:2:6: RUL001 warning: There is no rule everything, so this waives nothing. 'drumbeat explain --all' "
        "lists the rules."
    ]
    assert lines(idle(f"rule: SYN007, {SIGNED}")) == [
        "rules.yaml:2:6: RUL001 warning: Waiver for SYN007 can go: nobody waives this rule. Remove it."
    ]


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        ("by: odile, reason: rest", "Waiver for SCH007 has no until. Add until: to it."),
        ("until: 2027-01-04, by: odile", "Waiver for SCH007 has no reason. Add reason: to it."),
        ("until: 2027-01-04, reason: rest",
         "Waiver for SCH007 has no by, and does not count. Add by: to it; ilse or odile may sign."),
        ("where: one", "Waiver for SCH007 has no until, by and reason, and does not count. Add until:, by: and reason: "
         "to it; ilse or odile may sign."),
    ],
)
def test_a_waiver_is_dated_signed_and_reasoned(waiver: str, said: str, idle: Idle) -> None:
    """RUL001: what is missing is said."""
    assert [f"{one.message} {one.remedy}" for one in idle(f"rule: SCH007, {waiver}")] == [said]


def test_who_may_sign(idle: Idle, lines: Lines) -> None:
    """RUL001: somebody who is neither sponsor nor approver waives nothing, and nothing more is said of it then."""
    signed = "until: 2027-01-04, by: wren, reason: rest"

    assert lines(idle(f"rule: SCH007, {signed}", ())) == [
        "rules.yaml:2:39: RUL001 warning: Waiver for SCH007 does not count: wren is neither sponsor nor approver. Have "
        "ilse or odile sign it, under by:."
    ]
    assert idle(f"rule: SCH007, {signed}", team="people:\n  - {id: wren}\n") == []


@pytest.mark.parametrize(
    ("by", "team", "counts"),
    [
        ("ilse", TEAM, True),
        ("odile", TEAM, True),
        ("wren", TEAM, False),
        ("nobody", TEAM, False),
        (None, TEAM, False),
        ("wren", "people:\n  - {id: wren, roles: [author]}\n", True),
        (None, "people:\n  - {id: wren, roles: [author]}\n", False),
        ("wren", "people: ]", True),
    ],
)
def test_whose_waiver_counts(by: str | None, team: str, counts: bool, facts: Of) -> None:
    """The sponsor's or an approver's; anybody's where nobody has these roles."""
    content = facts({"people/team.yaml": team}).content

    assert waivers.is_valid(Waiver(rule="SCH007", by=by), content) is counts


def test_the_waiver_of_the_sample_is_needed(sample: Facts) -> None:
    """Instagram is empty for a while on the day of the sample, as its waiver says."""
    raw = tuple(times.SILENT.all(sample)) if times.SILENT.all is not None else ()

    assert [one.channel for one in raw] == ["instagram"]
    assert waivers.idle_waivers(sample.content, raw, sample.today(), (), EVERY) == ()
    assert all(waivers.is_valid(one, sample.content) for one in sample.content.rulebook().waivers)


def test_the_waiver_of_the_sample_ends(facts: Of) -> None:
    """The day after, it can go."""
    known = facts({file.path: file for file in working_tree(SAMPLE)}, now=datetime(2027, 4, 13, 9, 0, tzinfo=UTC))

    assert [one.message for one in waivers.idle_waivers(known.content, (), known.today(), (), EVERY)] == [
        "Waiver for SCH007 can go: it ended on 2027-04-12."]
