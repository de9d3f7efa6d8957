"""STR004–006, STR008, STR009: goals come from departments, tactics from goals, and those whom it is for agree."""
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from flows.planning.rules import funnel
from flows.planning.rules.ruling import Facts
from schemas.history import Edit, FileHistory, History
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
Files = dict[str, str | bytes | None]
FRAME = "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"


def folder(text: str, team: str | None = None, **more: str | bytes | None) -> Files:
    return {"strategy.yaml": FRAME + text, "people/team.yaml": team, **more}


# --- STR004 -----------------------------------------------------------------------------------------------------------

ROOTED = "serves: [signups], insights: [renters/no-room], findings: [gap]"


@pytest.mark.rule("STR004", "fires")
def test_a_goal_comes_from_somewhere(judged: Judged, lines: Lines) -> None:
    """STR004: what it lacks is named; the place is the first of it that is written, else the goal."""
    text = ("social_goals:\n  - {id: a, text: A, serves: [signups]}\n  - {id: b, text: B, findings: []}\n"
            "  - {id: c, text: C, serves: [signups], insights: [], findings: [gap]}\n")

    assert lines(judged([funnel.DERIVED], folder(text))) == [
        "strategy.yaml:5:5: STR004 error: a comes from no insight and no finding. Write what it comes from under its "
        "insights and findings, or drop the goal.",
        "strategy.yaml:6:5: STR004 error: b comes from no department goal, no insight and no finding. Write what it "
        "comes from under its serves, insights and findings, or drop the goal.",
        "strategy.yaml:7:41: STR004 error: c comes from no insight. Write what it comes from under its insights, or "
        "drop the goal."]


@pytest.mark.rule("STR004", "near")
def test_a_department_goal_an_insight_and_a_finding_are_enough(judged: Judged) -> None:
    """STR004: one of each; that they exist is REF001's."""
    assert judged([funnel.DERIVED], folder(f"social_goals: [{{id: a, text: A, {ROOTED}}}]\n")) == []


@pytest.mark.rule("STR004", "missing")
def test_a_strategy_without_social_goals_is_told_once(judged: Judged, lines: Lines) -> None:
    """STR004: none at all; without a strategy there is nothing to tell."""
    assert lines(judged([funnel.DERIVED], folder(""))) == [
        "strategy.yaml:1:1: STR004 error: mend has no social goal. Take a department goal, an insight and a finding; "
        "write what follows under social_goals."]
    assert judged([funnel.DERIVED], {"strategy.yaml": None}) == []
    assert judged([funnel.DERIVED], {"strategy.yaml": "strategy: [\n"}) == []


# --- STR005 -----------------------------------------------------------------------------------------------------------

@pytest.mark.rule("STR005", "fires")
def test_a_tactic_serves_a_goal(judged: Judged, lines: Lines) -> None:
    """STR005: none, or an empty list."""
    text = "tactics:\n  - {id: tips}\n  - {id: asks, goals: []}\n"

    assert lines(judged([funnel.PURPOSEFUL], folder(text))) == [
        "strategy.yaml:5:5: STR005 error: tips serves no goal. Start from the goal: write it under the tactic's goals, "
        "or drop the tactic.",
        "strategy.yaml:6:16: STR005 error: asks serves no goal. Start from the goal: write it under the tactic's "
        "goals, or drop the tactic."]


@pytest.mark.rule("STR005", "near")
def test_one_goal_is_enough_for_a_tactic(judged: Judged) -> None:
    """STR005: that it exists is REF001's."""
    assert judged([funnel.PURPOSEFUL], folder("tactics: [{id: tips, goals: [shares]}]\n")) == []


@pytest.mark.rule("STR005", "missing")
def test_without_tactics_none_is_aimless(judged: Judged) -> None:
    """STR005: tactics come last."""
    assert judged([funnel.PURPOSEFUL], folder("tactics: []\n")) == []
    assert judged([funnel.PURPOSEFUL], {"strategy.yaml": None}) == []


# --- STR006 -----------------------------------------------------------------------------------------------------------

GOAL_DAY = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)
TIPS = "social_goals: [{id: shares, text: S}, {id: likes, text: L}]\ntactics:\n  - {id: tips, goals: [shares]}\n"
SECOND = timedelta(seconds=1)


def since(entities: Mapping[tuple[str, str], datetime], **files: datetime) -> World:
    """When Git had these first; posts by their stems."""
    edits = {f"posts/{stem}.md": Edit("c1", at, "wren@ours.example") for stem, at in files.items()}
    return World(history=History({path: FileHistory(edit, edit) for path, edit in edits.items()}, entities, {}))


GOAL = {("social_goal", "shares"): GOAL_DAY}


def post(front: str, at: str = "2027-03-04 09:30") -> str:
    return f"---\nat: {at}\n{front}---\nHello.\n"


@pytest.mark.rule("STR006", "fires")
def test_goals_come_before_tactics_and_posts(judged: Judged, lines: Lines) -> None:
    """STR006: a tactic from the day before, posts that serve the goal themselves or by their tactic."""
    world = since({**GOAL, ("tactic", "tips"): datetime(2026, 10, 14, 12, 0, tzinfo=UTC)},
                  a=datetime(2026, 9, 3, 12, 0, tzinfo=UTC), b=datetime(2026, 10, 15, 11, 59, tzinfo=UTC))
    files = folder(TIPS, **{"posts/a.md": post("goal: shares\n"), "posts/b.md": post("tactic: tips\n")})

    assert lines(judged([funnel.IN_ORDER], files, world=world)) == [
        "posts/a.md:3:1: STR006 warning: posts/a was there (2026-09-03) before its goal shares (2026-10-15). Check "
        "that it still fits, or write the goal it serves under goal.",
        "posts/b.md:3:1: STR006 warning: posts/b was there (2026-10-15 12:59) before its goal shares (2026-10-15 "
        "13:00). Check that it still fits, or write the goal it serves under goal.",
        "strategy.yaml:6:16: STR006 warning: tips was there (2026-10-14) before its goal shares (2026-10-15). Check "
        "that tips still fits, or drop it."]


@pytest.mark.rule("STR006", "near")
def test_one_commit_may_bring_all_of_it(judged: Judged) -> None:
    """STR006: together is not earlier; a second earlier is."""
    files = folder(TIPS, **{"posts/a.md": post("tactic: tips\n")})

    def told(first: datetime) -> list[str]:
        world = since({**GOAL, ("tactic", "tips"): first}, a=first)
        return [problem.place.file for problem in judged([funnel.IN_ORDER], files, world=world)]

    assert told(GOAL_DAY) == []
    assert told(GOAL_DAY - SECOND) == ["content/posts/a.md", "content/strategy.yaml"]


@pytest.mark.rule("STR006", "missing")
def test_without_git_nobody_knows_what_came_first(judged: Judged, facts: Callable[..., Facts]) -> None:
    """STR006: not evaluated without the history; what Git does not know of, and what serves nothing, is left out."""
    files = folder(TIPS, **{"posts/a.md": post("goal: shares\n"), "posts/b.md": post("")})
    early = GOAL_DAY - SECOND

    assert facts(files).lacks(funnel.IN_ORDER) == ("history",)
    assert judged([funnel.IN_ORDER], files) == []
    assert judged([funnel.IN_ORDER], files, world=since({("tactic", "tips"): early}, a=early, b=early)) == []
    assert judged([funnel.IN_ORDER], files, world=since(GOAL, b=early)) == []


def test_a_tactic_is_judged_by_the_oldest_of_its_goals(judged: Judged) -> None:
    """STR006: a goal that joined later is no fault; with one that Git does not know, nobody can tell."""
    files = folder(TIPS.replace("[shares]", "[likes, shares]"))
    tactic = {("tactic", "tips"): GOAL_DAY + SECOND}
    later = {("social_goal", "likes"): GOAL_DAY + 2 * SECOND}

    assert judged([funnel.IN_ORDER], files, world=since({**tactic, **GOAL, **later})) == []
    assert judged([funnel.IN_ORDER], files, world=since({**tactic, **later})) == []
    (found,) = judged([funnel.IN_ORDER], files, world=since({("tactic", "tips"): GOAL_DAY - SECOND, **GOAL, **later}))
    assert "before its goal shares" in found.message


def test_what_is_out_needs_no_check(judged: Judged) -> None:
    """STR006: nobody can change a post that went out; one that is still to go out is told by its id."""
    files = folder(TIPS, **{"posts/a.md": post("goal: shares\n", "2026-12-01 09:30"),
                            "posts/b.md": post("goal: shares\n")})
    early = since(GOAL, a=GOAL_DAY - SECOND, b=GOAL_DAY - SECOND)

    sent = {Slot("posts/a", "mastodon"): None}
    assert [problem.post for problem in judged([funnel.IN_ORDER], files, world=early, sent=sent)] == ["posts/b"]
    sent[Slot("posts/b", "mastodon")] = None
    assert judged([funnel.IN_ORDER], files, world=early, sent=sent) == []


# --- STR008 -----------------------------------------------------------------------------------------------------------

TEAM = ("departments: [{id: desk, head: tobin}, {id: workshop, head: maren}]\n"
        "people: [{id: ilse}, {id: tobin}, {id: maren}, {id: wren, roles: [social_manager]}]\n")
AIMS = ("sponsor: {person: ilse}\ndepartment_goals:\n  - {id: signups, text: S, department: desk}\n"
        "  - {id: bench, text: B, department: workshop}\nsocial_goals:\n")


def agreed(serves: str, by: str, team: str | None = TEAM) -> Files:
    return folder(f"{AIMS}  - {{id: more, text: M, serves: {serves}, agreed_by: {by}}}\n", team)


@pytest.mark.rule("STR008", "fires")
def test_those_whom_a_goal_is_for_agree_to_it(judged: Judged, lines: Lines) -> None:
    """STR008: the sponsor and each head that is missing, once."""
    def line(names: str) -> str:
        return (f"strategy.yaml:9:51: STR008 error: more needs the agreement of {names}. Talk it over with them, and "
                "write who agrees under agreed_by.")

    assert lines(judged([funnel.AGREED], agreed("[signups, bench]", "[]"))) == [line("ilse, tobin and maren")]
    assert lines(judged([funnel.AGREED], agreed("[bench, signups]", "[maren]"))) == [line("ilse and tobin")]
    assert lines(judged([funnel.AGREED], agreed("[bench, signups]", "[ilse, wren, maren]"))) == [line("tobin")]


@pytest.mark.rule("STR008", "near")
def test_sponsor_and_served_heads_are_enough(judged: Judged) -> None:
    """STR008: the head of a department that is not served need not agree."""
    assert judged([funnel.AGREED], agreed("[signups]", "[tobin, ilse]")) == []
    assert judged([funnel.AGREED], agreed("[signups, bench]", "[tobin, maren, ilse]")) == []


@pytest.mark.rule("STR008", "missing")
def test_who_must_agree_is_known_from_the_team(judged: Judged) -> None:
    """STR008: without agreed_by nobody agreed; without a sponsor, a team or a department, others tell."""
    (found,) = judged([funnel.AGREED], folder(f"{AIMS}  - {{id: more, text: M, serves: [signups]}}\n", TEAM))
    assert str(found.place) == "content/strategy.yaml:9:5"
    assert found.message == "more needs the agreement of ilse and tobin."
    assert judged([funnel.AGREED], agreed("[signups]", "[ilse]", None)) == []
    assert judged([funnel.AGREED], agreed("[lost]", "[ilse]")) == []
    assert judged([funnel.AGREED], agreed("[signups]", "[]", "people: [\n")) == []
    assert judged([funnel.AGREED], folder("social_goals: [{id: more, text: M}]\n", TEAM)) == []


@pytest.mark.parametrize(("team", "by", "names"), [
    (TEAM.replace(", head: tobin", ""), "[ilse]", "the head of desk (nobody is named)"),
    (TEAM.replace("{id: tobin}", "{id: tobin, active: false}"), "[ilse]",
     "the head of desk (tobin is not active any more)"),
    (TEAM.replace("{id: tobin}", "{id: tobin, active: false}"), "[ilse, tobin]", None),
    (TEAM.replace("head: tobin", "head: ilse"), "[]", "ilse"),
])
def test_a_head_who_cannot_be_asked(team: str, by: str, names: str | None, judged: Judged) -> None:
    """STR008: no head, one who left (what one agreed to before counts), and one who is the sponsor too."""
    assert [problem.message for problem in judged([funnel.AGREED], agreed("[signups]", by, team))] == (
        [f"more needs the agreement of {names}."] if names else [])


def test_a_sponsor_who_left_is_not_asked(judged: Judged) -> None:
    """STR008: whoever is the sponsor next is; what one agreed to before counts."""
    team = TEAM.replace("{id: ilse}", "{id: ilse, active: false}")

    assert [problem.message for problem in judged([funnel.AGREED], agreed("[signups]", "[tobin]", team))] == [
        "more needs the agreement of the sponsor (ilse is not active any more)."]
    assert judged([funnel.AGREED], agreed("[signups]", "[tobin, ilse]", team)) == []


def test_a_department_goal_without_a_department_leaves_a_question(judged: Judged) -> None:
    """STR008: nobody can tell whose agreement it needs."""
    files = agreed("[signups]", "[ilse]")
    files["strategy.yaml"] = str(files["strategy.yaml"]).replace(", department: desk", "")

    assert [problem.message for problem in judged([funnel.AGREED], files)] == [
        "more needs the agreement of the department of signups (nobody has said which it is)."]


# --- STR009 -----------------------------------------------------------------------------------------------------------

MANY = ("departments: [{id: desk, head: tobin}, {id: workshop, head: maren}, {id: news, head: wren}, {id: shop}]\n"
        "people: [{id: ilse}, {id: tobin}, {id: maren}, {id: wren, roles: [social_manager]}]\n")


def goals(*agreed_by: str, team: str | None = MANY) -> Files:
    return folder("social_goals:\n" + "".join(
        f"  - {{id: goal-{number}, text: G, agreed_by: {by}}}\n" for number, by in enumerate(agreed_by)), team)


@pytest.mark.rule("STR009", "fires")
def test_a_strategy_is_more_than_one_departments_work(judged: Judged, lines: Lines) -> None:
    """STR009: one other head, or none; the social manager heads a department that does not count."""
    assert lines(judged([funnel.SHARED], goals("[ilse, tobin, wren]", "[tobin]"))) == [
        "strategy.yaml:4:1: STR009 warning: mend is one department's work: of the heads of other departments only "
        "tobin agrees to a goal, and 2 should. Bring in maren and the head of shop: ask what would help them, and "
        "write who agrees under agreed_by."]
    assert lines(judged([funnel.SHARED], goals("[ilse, wren]"))) == [
        "strategy.yaml:4:1: STR009 warning: mend is one department's work: of the heads of other departments none "
        "agrees to a goal, and 2 should. Bring in tobin, maren and the head of shop: ask what would help them, and "
        "write who agrees under agreed_by."]


@pytest.mark.rule("STR009", "near")
def test_two_other_heads_are_enough(judged: Judged) -> None:
    """STR009: to one goal, or each to another."""
    assert judged([funnel.SHARED], goals("[tobin, maren]")) == []
    assert judged([funnel.SHARED], goals("[tobin]", "[maren]", "[]")) == []


@pytest.mark.rule("STR009", "missing")
def test_without_departments_nobody_can_tell(judged: Judged, lines: Lines) -> None:
    """STR009: no departments is told; no goals is STR004's; a team that cannot be read has a problem of its own."""
    for team in ("people: [{id: wren}]\n", None):
        assert lines(judged([funnel.SHARED], goals("[wren]", team=team))) == [
            "strategy.yaml:4:1: STR009 warning: Nobody can tell whether mend is one department's work: the team has no "
            "departments. List them with their heads in people/team.yaml, and ask the heads."]
    assert judged([funnel.SHARED], goals()) == []
    assert judged([funnel.SHARED], goals("[wren]", team="people: [\n")) == []


@pytest.mark.parametrize(("departments", "by", "fires"), [
    ("[{id: desk, head: tobin}]", "[wren]", True), ("[{id: desk, head: tobin}]", "[tobin]", False),
    ("[{id: news, head: wren}]", "[wren]", False),
    ("[{id: desk, head: tobin}, {id: hall, head: tobin}]", "[tobin]", False),
])
def test_a_small_house_brings_in_all_it_has(departments: str, by: str, fires: bool, judged: Judged) -> None:
    """STR009: where fewer other departments exist than are asked for, all of them are enough."""
    team = f"departments: {departments}\npeople: [{{id: tobin}}, {{id: wren, roles: [social_manager]}}]\n"

    assert bool(judged([funnel.SHARED], goals(by, team=team))) is fires


@pytest.mark.parametrize(("knob", "fires"), [("1", False), ("2", True)])
def test_how_many_departments_is_a_knob(knob: str, fires: bool, judged: Judged) -> None:
    """STR009: min_departments."""
    files = {**goals("[tobin]"), "rules.yaml": f"knobs: {{min_departments: {knob}}}\n"}

    assert bool(judged([funnel.SHARED], files)) is fires


def test_a_head_who_left_is_not_brought_in(judged: Judged) -> None:
    """STR009: whoever heads the department now is."""
    team = MANY.replace("{id: maren}", "{id: maren, active: false}")

    (found,) = judged([funnel.SHARED], goals("[tobin]", team=team))
    assert found.remedy.startswith("Bring in the head of workshop and the head of shop:")
