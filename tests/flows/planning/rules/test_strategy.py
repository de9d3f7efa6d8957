"""STR001–003, STR010–012: a strategy is an executive's word, has a mission and a budget, and is looked at."""
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from flows.planning.rules import strategy
from flows.planning.rules.ruling import Facts
from schemas.history import Edit, History
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
FRAME = "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"
SPONSOR = "sponsor: {person: ilse, approved: 2026-10-30}\n"
GOALS = "mission: Everybody mends.\nbusiness_goals: [{id: more, text: More members}]\n"
ILSE = "people:\n  - {id: ilse, roles: [sponsor], executive: true}\n  - {id: wren}\n"


def folder(lines: str, team: str | None = ILSE) -> dict[str, str | bytes | None]:
    return {"strategy.yaml": FRAME + lines, "people/team.yaml": team}


def test_the_sample_keeps_them_all(of_sample: Callable[..., list[Problem]]) -> None:
    """Nothing is said of the sample content on its day, not even advice."""
    assert of_sample(strategy.RULES) == []


def test_the_family_is_complete_and_in_order() -> None:
    """STR001 to STR014, each once; those that guard asks and launches know their gate."""
    assert [rule.code for rule in strategy.RULES] == [f"STR{number:03}" for number in range(1, 15)]
    assert {rule.code: rule.gate for rule in strategy.RULES if rule.gate != "STRATEGY"} == {
        "STR012": "MAINTENANCE", "STR013": ""}


def test_the_smallest_folder_is_told_once_for_each_rule(judged: Judged) -> None:
    """A strategy of three lines misses what it misses, and no rule falls over it."""
    found = judged(strategy.RULES, {}, world=World(history=History({}, {}, {})))

    assert [problem.code for problem in found] == [
        "STR001", "STR003", "STR003", "STR004", "STR010", "STR011", "STR012"]
    assert {problem.gate for problem in found} == {"STRATEGY", "MAINTENANCE"}
    assert all(problem.post is None for problem in found)


# --- STR001 -----------------------------------------------------------------------------------------------------------

@pytest.mark.rule("STR001", "fires")
@pytest.mark.parametrize(("lines_", "place"), [("", "1:1"), ("sponsor: {}\n", "4:1"), (
    "sponsor: {approved: 2026-10-30}\n", "4:1")])
def test_a_strategy_needs_a_sponsor(lines_: str, place: str, judged: Judged, lines: Lines) -> None:
    """STR001: nobody is named."""
    assert lines(judged([strategy.SPONSORED], folder(lines_))) == [
        f"strategy.yaml:{place}: STR001 error: Nobody answers for mend: it has no executive sponsor. Name one under "
        "sponsor: {person: …, approved: YYYY-MM-DD}, somebody with the role sponsor and executive: true in "
        "people/team.yaml."]


@pytest.mark.parametrize(("person", "lacks"), [
    ("{id: ilse, executive: true}", "the role sponsor"),
    ("{id: ilse, roles: [sponsor]}", "executive: true"),
    ("{id: ilse, roles: [approver], executive: false}", "the role sponsor and executive: true"),
])
def test_a_sponsor_is_an_executive(person: str, lacks: str, judged: Judged, lines: Lines) -> None:
    """STR001: the person lacks the role, the rank, or both."""
    assert lines(judged([strategy.SPONSORED], folder(SPONSOR, f"people: [{person}]\n"))) == [
        f"strategy.yaml:4:11: STR001 error: The sponsor ilse lacks {lacks}. Add it to ilse in people/team.yaml if it "
        "is so, or name an executive sponsor."]


def test_a_sponsor_who_has_left_decides_nothing(judged: Judged, lines: Lines) -> None:
    """STR001: active: false."""
    team = "people: [{id: ilse, roles: [sponsor], executive: true, active: false}]\n"

    assert lines(judged([strategy.SPONSORED], folder(SPONSOR, team))) == [
        "strategy.yaml:4:11: STR001 error: The sponsor ilse is not active any more. Name another executive sponsor."]


@pytest.mark.rule("STR001", "near")
def test_an_executive_with_the_role_is_a_sponsor(judged: Judged) -> None:
    """STR001: both the role and the rank; other roles do no harm."""
    team = "people: [{id: ilse, roles: [approver, sponsor], executive: true}]\n"

    assert judged([strategy.SPONSORED], folder(SPONSOR, team)) == []


@pytest.mark.rule("STR001", "missing")
def test_without_a_strategy_nobody_answers(judged: Judged, lines: Lines) -> None:
    """STR001: no strategy at all is said once; a team without the sponsor too; a file that cannot be read is not."""
    assert lines(judged([strategy.SPONSORED], {"strategy.yaml": None})) == [
        "strategy.yaml:1:1: STR001 error: There is no strategy, so nobody answers for what is said here. Write "
        "strategy.yaml, and name an executive sponsor in it."]
    for team in ("people: [{id: wren}]\n", None):
        assert lines(judged([strategy.SPONSORED], folder(SPONSOR, team))) == [
            "strategy.yaml:4:11: STR001 error: The sponsor ilse is not in the team. Add ilse to people/team.yaml with "
            "roles: [sponsor] and executive: true, or name an executive sponsor."]
    assert judged([strategy.SPONSORED], folder(SPONSOR, "people: [\n")) == []
    assert judged([strategy.SPONSORED], {"strategy.yaml": "strategy: [\n"}) == []


def test_each_strategy_has_a_sponsor_of_its_own(judged: Judged) -> None:
    """STR001: of two strategies the one without is named."""
    files = {**folder(SPONSOR), "strategies/north.yaml": FRAME.replace("mend", "north")}

    (found,) = judged([strategy.SPONSORED], files)
    assert str(found.place) == "content/strategies/north.yaml:1:1"


# --- STR002 -----------------------------------------------------------------------------------------------------------

def changed(year: int, month: int, day: int, hour: int = 12) -> World:
    """The text of the strategy `mend` changed then."""
    edit = Edit("c1", datetime(year, month, day, hour, tzinfo=UTC), "wren@ours.example")
    return World(history=History({}, {}, {"mend": edit}))


@pytest.mark.rule("STR002", "fires")
def test_an_approval_does_not_cover_what_came_later(judged: Judged, lines: Lines) -> None:
    """STR002: the text changed on the day after."""
    assert lines(judged([strategy.APPROVED], folder(SPONSOR), world=changed(2026, 10, 31))) == [
        "strategy.yaml:4:25: STR002 error: ilse approved an older text on 2026-10-30: mission, business goals or "
        "social goals changed on 2026-10-31. Ask ilse again, then write the day under sponsor: approved."]


@pytest.mark.rule("STR002", "near")
def test_an_approval_covers_the_day_it_was_given(judged: Judged) -> None:
    """STR002: the same day counts, by the strategy's clock: 23:30 UTC is the next day in Dublin's summer."""
    assert judged([strategy.APPROVED], folder(SPONSOR), world=changed(2026, 10, 30, 23)) == []
    late = folder("sponsor: {person: ilse, approved: 2026-09-30}\n")
    assert judged([strategy.APPROVED], late, world=changed(2026, 9, 30, 22)) == []
    assert len(judged([strategy.APPROVED], late, world=changed(2026, 9, 30, 23))) == 1


@pytest.mark.rule("STR002", "missing")
def test_without_git_no_approval_is_judged(judged: Judged, facts: Callable[..., Facts]) -> None:
    """STR002: not evaluated without the history; nothing to approve where Git knows of no text, or nobody is named."""
    assert facts(folder(SPONSOR)).lacks(strategy.APPROVED) == ("history",)
    assert judged([strategy.APPROVED], folder(SPONSOR)) == []
    assert judged([strategy.APPROVED], folder(SPONSOR), world=World(history=History({}, {}, {}))) == []
    assert judged([strategy.APPROVED], folder(""), world=changed(2026, 10, 31)) == []


@pytest.mark.parametrize(("sponsor", "said", "remedy"), [
    ("{person: ilse}", "ilse has not approved the text of 2026-10-31.", "Ask ilse to read it"),
    ("{person: ilse, approved: 2027-01-05}",
     "ilse has not approved the text of 2026-10-31: 2027-01-05 is still to come.", "Ask ilse again"),
])
def test_what_was_not_approved_yet(sponsor: str, said: str, remedy: str, judged: Judged) -> None:
    """STR002: no day, or a day to come, is no approval."""
    (found,) = judged([strategy.APPROVED], folder(f"sponsor: {sponsor}\n"), world=changed(2026, 10, 31))

    assert (found.message, found.remedy) == (said, f"{remedy}, then write the day under sponsor: approved.")


def test_an_approval_of_today_counts(judged: Judged) -> None:
    """STR002: 2027-01-04 is today."""
    files = folder("sponsor: {person: ilse, approved: 2027-01-04}\n")

    assert judged([strategy.APPROVED], files, world=changed(2027, 1, 4, 9)) == []


# --- STR003 -----------------------------------------------------------------------------------------------------------

DEPARTMENTS = "departments: [{id: desk, head: wren}, {id: workshop, head: ilse}]\n" + ILSE
DESK = "department_goals: [{id: signups, text: Sixty sign up, department: desk}]\n"


@pytest.mark.rule("STR003", "fires")
def test_a_strategy_starts_from_goals(judged: Judged, lines: Lines) -> None:
    """STR003: no mission, no business goal, a department without a goal."""
    assert lines(judged([strategy.ROOTED], folder('mission: " "\nbusiness_goals: []\n' + DESK, DEPARTMENTS))) == [
        "people/team.yaml:1:40: STR003 error: workshop has no goal. Ask ilse, and write it under department_goals of "
        "the strategy.",
        "strategy.yaml:4:1: STR003 error: mend has no mission. Write under mission:, in a sentence, what gets better "
        "for whom.",
        "strategy.yaml:5:1: STR003 error: mend has no business goal. Ask the sponsor what the whole house wants to "
        "reach, and write it under business_goals."]


@pytest.mark.rule("STR003", "near")
def test_a_goal_for_each_department_is_enough(judged: Judged) -> None:
    """STR003: one each; in several strategies, in one of them."""
    both = GOALS + DESK.replace("]", ", {id: bench, text: A fuller bench, department: workshop}]")
    assert judged([strategy.ROOTED], folder(both, DEPARTMENTS)) == []
    north = FRAME.replace("mend", "north") + GOALS.replace("more", "north-more")
    other = north + DESK.replace("desk", "workshop").replace("signups", "bench")
    assert judged([strategy.ROOTED], {**folder(GOALS + DESK, DEPARTMENTS), "strategies/north.yaml": other}) == []


@pytest.mark.rule("STR003", "missing")
def test_without_departments_none_lacks_a_goal(judged: Judged) -> None:
    """STR003: no team, no strategy, or one that cannot be read."""
    assert judged([strategy.ROOTED], folder(GOALS, None)) == []
    assert judged([strategy.ROOTED], {**folder("", DEPARTMENTS), "strategy.yaml": None}) == []
    assert judged([strategy.ROOTED], {**folder("", DEPARTMENTS), "strategy.yaml": "strategy: [\n"}) == []
    unread = {**folder(GOALS, DEPARTMENTS), "strategies/north.yaml": "strategy: [\n"}
    assert judged([strategy.ROOTED], unread) == []


@pytest.mark.parametrize(("exempt", "left"), [("[]", ["desk", "workshop"]), ("[workshop]", ["desk"]), (
    "desk", ["workshop"]), ("[desk, workshop]", []), ("7", ["desk", "workshop"])])
def test_departments_may_be_exempt(exempt: str, left: list[str], judged: Judged) -> None:
    """STR003: those in departments_exempt need no goal."""
    files = {**folder(GOALS, DEPARTMENTS), "rules.yaml": f"knobs: {{departments_exempt: {exempt}}}\n"}

    assert [problem.message for problem in judged([strategy.ROOTED], files)] == [f"{id} has no goal." for id in left]


def test_a_department_without_a_head_is_asked_all_the_same(judged: Judged) -> None:
    """STR003: nobody is named."""
    (found,) = judged([strategy.ROOTED], folder(GOALS, "departments: [{id: desk}]\n"))

    assert found.remedy == "Ask its head, and write it under department_goals of the strategy."


# --- STR010 -----------------------------------------------------------------------------------------------------------

PERCEPTION = {"current": "A shed", "desired": "The first place", "experience": "An answer", "promise": "We show you",
              "difference": "We share the method"}


def perceived(fields: Mapping[str, str]) -> dict[str, str | bytes | None]:
    return folder("perception:\n" + "".join(f"  {field}: {said}\n" for field, said in fields.items()))


@pytest.mark.rule("STR010", "fires")
def test_a_perception_says_where_from_and_where_to(judged: Judged, lines: Lines) -> None:
    """STR010: what is missing or blank is named in words."""
    files = perceived({**PERCEPTION, "current": '" "', "difference": '""'})

    assert lines(judged([strategy.PERCEIVED], files)) == [
        "strategy.yaml:5:3: STR010 warning: Nobody has said how people see you now and what is different from others. "
        "Write current and difference under perception."]


@pytest.mark.rule("STR010", "near")
def test_five_sentences_make_a_perception(judged: Judged) -> None:
    """STR010: each of the five is needed, and no more."""
    assert judged([strategy.PERCEIVED], perceived(PERCEPTION)) == []
    for field in PERCEPTION:
        rest = {name: said for name, said in PERCEPTION.items() if name != field}
        (found,) = judged([strategy.PERCEIVED], perceived(rest))
        assert found.remedy == f"Write {field} under perception."


@pytest.mark.rule("STR010", "missing")
def test_without_a_perception_all_of_it_is_asked_for(judged: Judged, lines: Lines) -> None:
    """STR010: one message for everything."""
    assert lines(judged([strategy.PERCEIVED], folder(""))) == [
        "strategy.yaml:1:1: STR010 warning: Nobody has said how people see you now, how they should see you, what they "
        "will live through, what you promise them and what is different from others. Write current, desired, "
        "experience, promise and difference under perception."]


# --- STR011 -----------------------------------------------------------------------------------------------------------

NOTHING = ("Social work is not free, and the budget has no money and no hours. Enter money or hours under budget; "
           "hours of volunteers count.")


@pytest.mark.rule("STR011", "fires")
def test_social_work_is_not_free(judged: Judged, lines: Lines) -> None:
    """STR011: nothing in the budget; a split that leaves something over."""
    files = folder("budget: {currency: EUR, money: 0, hours: 0,\n"
                   "  split: {groundwork: 0.5, campaign: 0.25, maintenance: 0.248}}\n")

    assert lines(judged([strategy.PAID_FOR], files)) == [
        f"strategy.yaml:4:25: STR011 error: {NOTHING}",
        "strategy.yaml:5:3: STR011 error: The split of the budget adds up to 0.998, not to 1. Change groundwork, "
        "campaign or maintenance until they add up to 1."]


@pytest.mark.rule("STR011", "near")
@pytest.mark.parametrize("budget", [
    "{money: 0.01, hours: 0}", "{hours: 1}", "{money: 1, split: {groundwork: 0.45, campaign: 0.3, maintenance: 0.25}}",
    "{money: 1, split: {groundwork: 0.333, campaign: 0.333, maintenance: 0.333}}",
    "{money: 1, split: {groundwork: 0.334, campaign: 0.334, maintenance: 0.333}}",
    "{money: 1, split: {groundwork: 1}}",
])
def test_a_little_money_or_an_hour_is_a_budget(budget: str, judged: Judged) -> None:
    """STR011: money or hours; a split may be off by a thousandth."""
    assert judged([strategy.PAID_FOR], folder(f"budget: {budget}\n")) == []


@pytest.mark.parametrize(("split", "said"), [
    ("{groundwork: 0.334, campaign: 0.334, maintenance: 0.334}", "1.002"), ("{campaign: 0.5}", "0.5"), ("{}", "0")])
def test_a_split_is_of_the_whole(split: str, said: str, judged: Judged) -> None:
    """STR011: too much, too little, nothing."""
    (found,) = judged([strategy.PAID_FOR], folder(f"budget: {{hours: 5, split: {split}}}\n"))

    assert found.message == f"The split of the budget adds up to {said}, not to 1."


@pytest.mark.rule("STR011", "missing")
@pytest.mark.parametrize("budget", ["", "budget: {}\n", "budget: {currency: EUR, hour_rate: 30}\n"])
def test_no_budget_is_a_budget_of_nothing(budget: str, judged: Judged) -> None:
    """STR011: what nobody has written is not there."""
    (found,) = judged([strategy.PAID_FOR], folder(budget))
    assert f"{found.message} {found.remedy}" == NOTHING


# --- STR012 -----------------------------------------------------------------------------------------------------------

DAY_91 = datetime(2027, 5, 3, 9, 0, tzinfo=UTC)


@pytest.mark.rule("STR012", "fires")
def test_a_strategy_is_reviewed_every_quarter(judged: Judged, lines: Lines) -> None:
    """STR012: 91 days ago."""
    assert lines(judged([strategy.REVIEWED], folder("reviewed: 2027-02-01\n"), now=DAY_91)) == [
        "strategy.yaml:4:1: STR012 warning: mend was last reviewed on 2027-02-01, 91 days ago. Review the strategy: "
        "change what no longer holds, then write reviewed: 2027-05-03."]


@pytest.mark.rule("STR012", "near")
def test_ninety_days_are_a_quarter(judged: Judged) -> None:
    """STR012: the ninetieth day is in time, until midnight in Dublin."""
    files = folder("reviewed: 2027-02-01\n")

    assert judged([strategy.REVIEWED], files, now=datetime(2027, 5, 2, 22, 59, tzinfo=UTC)) == []
    assert len(judged([strategy.REVIEWED], files, now=datetime(2027, 5, 2, 23, 0, tzinfo=UTC))) == 1


@pytest.mark.rule("STR012", "missing")
@pytest.mark.parametrize("reviewed", ["", "reviewed: 2027-05-04\n"])
def test_without_a_review_its_start_counts(reviewed: str, judged: Judged) -> None:
    """STR012: no day, or one still to come, is no review; before its start nothing is late."""
    (found,) = judged([strategy.REVIEWED], folder(reviewed), now=DAY_91)

    assert found.message == "mend was not reviewed since it began on 2026-09-01, 244 days ago."
    assert judged([strategy.REVIEWED], folder(reviewed), now=datetime(2026, 11, 30, 9, 0, tzinfo=UTC)) == []
    assert judged([strategy.REVIEWED], folder(reviewed), now=datetime(2026, 8, 1, 9, 0, tzinfo=UTC)) == []


@pytest.mark.parametrize(("now", "fires"), [
    (datetime(2026, 8, 31, 9, 0, tzinfo=UTC), False), (datetime(2026, 11, 30, 9, 0, tzinfo=UTC), False),
    (datetime(2026, 12, 1, 9, 0, tzinfo=UTC), True)])
def test_a_review_before_the_start_is_part_of_writing_it(now: datetime, fires: bool, judged: Judged) -> None:
    """STR012: whoever reviewed it early is told no sooner than who never did."""
    found = judged([strategy.REVIEWED], folder("reviewed: 2026-03-01\n"), now=now)

    assert [problem.message for problem in found] == (
        ["mend was not reviewed since it began on 2026-09-01, 91 days ago."] if fires else [])


def test_after_its_end_a_strategy_rests(judged: Judged) -> None:
    """STR012: on its last day it is still judged, on the next no more."""
    assert len(judged([strategy.REVIEWED], folder("end: 2027-05-03\n"), now=DAY_91)) == 1
    assert judged([strategy.REVIEWED], folder("end: 2027-05-02\n"), now=DAY_91) == []


@pytest.mark.parametrize(("knob", "fires"), [("90", True), ("91", False), ("often", True)])
def test_how_often_is_a_knob(knob: str, fires: bool, judged: Judged) -> None:
    """STR012: review_days; what is no number leaves it at its default."""
    files = {**folder("reviewed: 2027-02-01\n"), "rules.yaml": f"knobs: {{review_days: {knob}}}\n"}

    assert bool(judged([strategy.REVIEWED], files, now=DAY_91)) is fires
