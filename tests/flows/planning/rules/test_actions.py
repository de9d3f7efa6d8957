"""STR007, STR014: each goal has a tactic, each tactic has posts while it can have some, and posts serve goals."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flows.planning.rules import actions
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
Files = dict[str, str | bytes | None]
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)          # in Dublin too
FRAME = "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"
PLAN = "social_goals:\n  - {id: shares, text: S}\ntactics:\n  - {id: tips, goals: [shares]}\n"
TIPS_IDLE = ("tips does nothing for shares: no post in the last 56 days, and none planned in the next 56. Plan a post "
             "with tactic: tips, or drop the tactic.")


def post(at: str, front: str = "tactic: tips\n") -> str:
    return f"---\nat: {at}\n{front}---\nHello.\n"


def folder(plan: str = PLAN, **more: str | bytes | None) -> Files:
    return {"strategy.yaml": FRAME + plan, **more}


def idle(judged: Judged, files: Files, **more: object) -> list[str]:
    """The ids that STR007 is about."""
    return [problem.message.split()[0] for problem in judged([actions.ACTED_ON], files, **more)]


# --- STR007 -----------------------------------------------------------------------------------------------------------

@pytest.mark.rule("STR007", "fires")
def test_goals_and_tactics_lead_to_posts(judged: Judged, lines: Lines) -> None:
    """STR007: a goal that no tactic serves; a tactic with posts a minute too far away on both sides."""
    plan = PLAN.replace("text: S}", "text: S}\n  - {id: likes, text: L}")
    files = folder(plan, **{"posts/a.md": post("2026-11-09 11:59"), "posts/b.md": post("2027-03-01 12:01")})

    assert lines(judged([actions.ACTED_ON], files)) == [
        "strategy.yaml:6:6: STR007 warning: likes has no action: no tactic serves it. Add a tactic with goals: "
        "[likes], or drop the goal.",
        f"strategy.yaml:8:6: STR007 warning: {TIPS_IDLE}"]


@pytest.mark.rule("STR007", "near")
@pytest.mark.parametrize("at", ["2026-11-09 12:00", "2027-03-01 12:00", "2027-01-04 12:00"])
def test_a_post_within_eight_weeks_is_action(at: str, judged: Judged) -> None:
    """STR007: the 56th day counts, behind and ahead, whether or not anybody looked into the archive."""
    files = folder(**{"posts/a.md": post(at)})

    assert idle(judged, files) == []
    assert idle(judged, files, sent={Slot("posts/a", "mastodon"): None}) == []


@pytest.mark.rule("STR007", "missing")
def test_without_posts_a_tactic_is_idle(judged: Judged) -> None:
    """STR007: none at all; without goals and tactics there is nothing to act on."""
    assert idle(judged, folder()) == ["tips"]
    assert idle(judged, folder("")) == []
    assert idle(judged, folder("tactics: [{id: tips}]\n")) == []
    assert idle(judged, {"strategy.yaml": None}) == []


def test_only_what_went_out_counts_behind(judged: Judged) -> None:
    """STR007: what the archive does not have was missed, but for its grace; what went out counts from when it did."""
    missed, due = folder(**{"posts/a.md": post("2026-12-03 12:00")}), folder(**{"posts/a.md": post("2027-01-04 10:00")})
    old = folder(**{"posts/a.md": post("2026-10-01 12:00")})

    assert idle(judged, missed, sent={}) == ["tips"]
    assert idle(judged, missed, sent={}, world=World(rehearsal=True)) == []
    assert idle(judged, due, sent={}) == []
    assert idle(judged, due, sent={}, now=NOON + timedelta(seconds=1)) == ["tips"]
    assert idle(judged, old, sent={Slot("posts/a", "mastodon"): NOON - timedelta(days=56)}) == []
    assert idle(judged, old, sent={Slot("posts/a", "mastodon"): NOON - timedelta(days=56, seconds=1)}) == ["tips"]


def test_held_posts_are_no_action_and_unsupported_networks_are(judged: Judged) -> None:
    """STR007: what its author holds back says nothing; what waits for a network to be supported will."""
    channels = "channels:\n  - {id: one, network: mastodon}\n  - {id: two, network: myspace}\n"
    held = {"posts/a.md": post("2027-02-01 12:00", "tactic: tips\nchannels: [one]\nhold: later\n")}
    there = {"posts/a.md": post("2027-02-01 12:00", "tactic: tips\nchannels: [two]\n")}

    assert idle(judged, folder(PLAN, **held, **{"networks/channels.yaml": channels})) == ["tips"]
    assert idle(judged, folder(PLAN, **there, **{"networks/channels.yaml": channels})) == []


def test_a_post_that_an_error_keeps_back_is_planned_all_the_same(judged: Judged) -> None:
    """STR007: the error is told, and it is nothing that a second post would mend."""
    front = "tactic: tips\npillar: lost\n"

    assert idle(judged, folder(**{"posts/a.md": post("2027-01-05 12:00", front)})) == []
    assert idle(judged, folder(**{"posts/a.md": post("2027-03-01 12:01", front)})) == ["tips"]
    assert idle(judged, folder(**{"posts/a.md": post("2027-01-05 12:00", f"{front}hold: later\n")})) == ["tips"]


@pytest.mark.parametrize(("frame", "now", "fires"), [
    ("phases: {execution: [2027-01-05, 2027-06-01]}\n", NOON, False),
    ("phases: {execution: [2027-01-04, 2027-06-01]}\n", NOON, True),
    ("phases: {execution: [2026-11-01, 2026-12-01], maintenance: [2026-12-02, null]}\n", NOON, True),
    ("phases: {discovery: [2026-09-01, null]}\n", NOON, False),
    ("", datetime(2026, 8, 31, 12, 0, tzinfo=UTC), False),
    ("", datetime(2026, 9, 1, 12, 0, tzinfo=UTC), True),
    ("end: 2027-01-04\n", NOON, True),
    ("end: 2027-01-03\n", NOON, False),
])
def test_nothing_is_expected_before_execution_and_after_the_end(frame: str, now: datetime, fires: bool,
                                                                judged: Judged) -> None:
    """STR007: on the first day of execution, or of a strategy without phases, and no more after the last one."""
    assert idle(judged, folder(frame + PLAN), now=now) == (["tips"] if fires else [])


@pytest.mark.parametrize(("goal", "left"), [
    ("due: 2027-01-04", ["likes", "tips"]), ("due: 2027-01-03", []), ("result: 0", [])])
def test_a_goal_that_is_over_wants_no_action(goal: str, left: list[str], judged: Judged) -> None:
    """STR007: due yesterday, or with a result, be it nothing."""
    plan = PLAN.replace("text: S}", f"text: S, {goal}}}\n  - {{id: likes, text: L, {goal}}}")

    assert idle(judged, folder(plan)) == left


def test_one_goal_alive_keeps_a_tactic_at_work(judged: Judged) -> None:
    """STR007: only a tactic all of whose goals are over may rest."""
    plan = PLAN.replace("text: S}", "text: S, result: 3}\n  - {id: likes, text: L}")
    plan = plan.replace("[shares]", "[shares, likes]")

    assert idle(judged, folder(plan)) == ["tips"]


def test_a_goal_of_another_strategy_may_be_over_too(judged: Judged) -> None:
    """STR007: a tactic rests with its goals, wherever they stand."""
    north = FRAME.replace("mend", "north") + "social_goals: [{id: visits, text: V, result: 5}]\n"
    files = folder(PLAN.replace("[shares]", "[visits]").replace("text: S}", "text: S, result: 1}"),
                   **{"strategies/north.yaml": north})

    assert idle(judged, files) == []


def campaign(start: str, end: str) -> Files:
    return {"campaigns/spring/campaign.yaml": f"start: {start}\nend: {end}\ngoals: [{{goal: shares}}]\n"}


@pytest.mark.parametrize(("start", "end", "fires"), [
    ("2026-10-01", "2027-01-03", False), ("2026-10-01", "2027-01-04", True), ("2027-01-04", "2027-03-31", True),
    ("2027-01-05", "2027-03-31", False),
])
@pytest.mark.parametrize("kind", ["asks", "stands there"])
def test_what_belongs_to_a_campaign_rests_with_it(start: str, end: str, fires: bool, kind: str, judged: Judged) -> None:
    """STR007: a tactic that asks, or whose posts all stand in campaigns, is idle only while one of them runs."""
    plan, more = PLAN, campaign(start, end)
    if kind == "asks":
        plan = PLAN.replace("[shares]}", "[shares], intent: ask}")
    else:
        more["campaigns/spring/posts/a.md"] = post("2027-03-31 12:00")

    assert idle(judged, folder(plan, **more)) == (["tips"] if fires else [])


def test_a_tactic_that_also_stands_outside_of_campaigns_never_rests(judged: Judged) -> None:
    """STR007: one post elsewhere, however old, makes it always-on."""
    more = {**campaign("2026-10-01", "2026-11-01"), "campaigns/spring/posts/a.md": post("2026-10-02 12:00")}

    assert idle(judged, folder(PLAN, **more)) == []
    assert idle(judged, folder(PLAN, **more, **{"posts/b.md": post("2026-09-02 12:00")})) == ["tips"]


def test_what_cannot_be_read_may_be_its_action(judged: Judged) -> None:
    """STR007: while a post or a campaign cannot be read, no tactic is called idle; goals are judged all the same."""
    plan = PLAN.replace("text: S}", "text: S}\n  - {id: likes, text: L}")

    assert idle(judged, folder(plan, **{"posts/a.md": "---\nat: [\n---\nHello.\n"})) == ["likes"]
    assert idle(judged, folder(plan, **{"campaigns/spring/campaign.yaml": "start: [\n"})) == ["likes"]
    assert idle(judged, folder(plan, **{"posts/a.md": post("2027-01-05 12:00", "goal: lost\n")})) == ["likes", "tips"]
    assert idle(judged, folder(plan, **{"campaigns/spring/reviews/mid.md": "---\nkind: [\n"})) == ["likes", "tips"]


@pytest.mark.parametrize(("knob", "fires"), [("10", False), ("9", True), ("often", False), (".inf", False)])
def test_how_long_is_a_knob(knob: str, fires: bool, judged: Judged) -> None:
    """STR007: tactic_idle_days."""
    files = folder(**{"posts/a.md": post("2027-01-14 12:00"), "rules.yaml": f"knobs: {{tactic_idle_days: {knob}}}\n"})

    assert idle(judged, files) == (["tips"] if fires else [])


def test_each_strategy_has_its_own_goals_and_campaigns(judged: Judged) -> None:
    """STR007: a campaign belongs to the strategy it names."""
    asks = PLAN.replace("[shares]}", "[shares], intent: ask}")
    north = FRAME.replace("mend", "north") + asks.replace("shares", "visits").replace("tips", "calls")
    spring = "strategy: north\nstart: 2027-01-01\nend: 2027-02-01\ngoals: [{goal: visits}, {goal: shares}]\n"
    files = folder(asks, **{"strategies/north.yaml": north, "campaigns/spring/campaign.yaml": spring})

    assert idle(judged, files) == ["calls"]


# --- STR014 -----------------------------------------------------------------------------------------------------------

def calendar(with_goal: int, without: int, day: str = "2027-01-05", **more: str | bytes | None) -> Files:
    """So many posts of one day, an hour apart."""
    fronts = ["goal: shares\n"] * with_goal + [""] * without
    return folder(PLAN, **{f"posts/p{number}.md": post(f"{day} {number + 8:02}:00", front)
                     for number, front in enumerate(fronts)}, **more)


@pytest.mark.rule("STR014", "fires")
def test_posts_serve_goals(judged: Judged, lines: Lines) -> None:
    """STR014: more than a fifth serve none; the first three are named."""
    assert lines(judged([actions.ON_TARGET], calendar(3, 1))) == [
        "posts/p3.md:1:1: STR014 warning: 1 of 4 posts in the next 28 days serves no goal: posts/p3. Write goal or "
        "tactic in them, or leave them out."]
    assert lines(judged([actions.ON_TARGET], calendar(5, 5))) == [
        "posts/p5.md:1:1: STR014 warning: 5 of 10 posts in the next 28 days serve no goal: posts/p5, posts/p6, "
        "posts/p7 and 2 more. Write goal or tactic in them, or leave them out."]


@pytest.mark.rule("STR014", "near")
def test_a_fifth_may_be_free(judged: Judged) -> None:
    """STR014: exactly a fifth; a tactic gives a goal too."""
    assert judged([actions.ON_TARGET], calendar(4, 1)) == []
    assert judged([actions.ON_TARGET], calendar(8, 2)) == []
    assert judged([actions.ON_TARGET], calendar(3, 0, **{"posts/t.md": post("2027-01-05 20:00")})) == []


@pytest.mark.rule("STR014", "missing")
def test_without_goals_or_posts_nothing_is_goalless(judged: Judged) -> None:
    """STR014: a folder that has no social goals is STR004's; one without posts has nothing to judge."""
    assert judged([actions.ON_TARGET], calendar(0, 3) | {"strategy.yaml": FRAME}) == []
    assert judged([actions.ON_TARGET], calendar(0, 3) | {"strategy.yaml": None}) == []
    assert judged([actions.ON_TARGET], calendar(0, 3, **{"strategies/north.yaml": "strategy: [\n"})) == []
    assert judged([actions.ON_TARGET], calendar(0, 0)) == []


@pytest.mark.parametrize(("at", "fires"), [
    ("2027-02-01 12:00", True), ("2027-02-01 12:01", False), ("2027-01-04 12:00", False), ("2027-01-04 12:01", True)])
def test_the_next_28_days_are_looked_at(at: str, fires: bool, judged: Judged) -> None:
    """STR014: from now on, up to the 28th day."""
    assert bool(judged([actions.ON_TARGET], folder(**{"posts/a.md": post(at, "")}))) is fires


def test_a_post_that_comes_round_counts_once(judged: Judged) -> None:
    """STR014: five posts with a goal, and one that is repeated every day."""
    daily = "---\nevery: 1d at 07:45\nfrom: 2027-01-01\nuntil: 2027-02-28\n---\nHello.\n## or\nHi.\n"

    assert judged([actions.ON_TARGET], calendar(4, 0, **{"evergreen/daily.md": daily})) == []


@pytest.mark.parametrize(("knob", "fires"), [("0.25", False), ("0.24", True), ("0", True), ("1", False)])
def test_how_many_is_a_knob(knob: str, fires: bool, judged: Judged) -> None:
    """STR014: goalless_max."""
    files = calendar(3, 1, **{"rules.yaml": f"knobs: {{goalless_max: {knob}}}\n"})

    assert bool(judged([actions.ON_TARGET], files)) is fires
