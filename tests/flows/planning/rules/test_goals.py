"""GOL: goals that can be measured, reached and looked back at."""
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from flows.planning.rules import goals
from flows.planning.rules.ambitions import AMBITIOUS, PROJECTION, TOO_FAR
from flows.planning.rules.ruling import Facts
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
FRAME = "strategy: mend\nstart: 2026-09-01\nend: 2027-10-31\ntimezone: Europe/Dublin\n"
BASE = "{value: 100, from: 2026-09-01, to: 2026-09-30, source: CRM}"
GOAL = {"text": "x", "metric": "clicks", "baseline": BASE, "target": 140, "due": "2027-06-30", "owner": "wren"}
HEADER = "date,metric,channel,value,source\n"
HERE = "strategy.yaml:6"


def strategy(*goals: dict[str, Any], frame: str = FRAME, **more: str) -> dict[str, str]:
    """A folder whose strategy has these goals, called one, two and so on; None takes a field away.

    The first goal stands in line 6, from column 6 on.
    """
    made = []
    for name, changed in zip(("one", "two", "three"), goals, strict=False):
        fields = {name: held for name, held in {**GOAL, **changed}.items() if held is not None}
        made.append(f"  - {{id: {name}, {', '.join(f'{key}: {held}' for key, held in fields.items())}}}\n")
    return {"strategy.yaml": f"{frame}social_goals:\n{''.join(made)}", **more}


def column(goal: dict[str, Any], key: str) -> int:
    """Where a key of the first goal stands in its line."""
    return strategy(goal)["strategy.yaml"].splitlines()[5].index(f" {key}: ") + 2


# --- GOL001 -----------------------------------------------------------------------------------------------------------

CANNOT = "GOL001 error: one cannot be measured:"


@pytest.mark.rule("GOL001", "fires")
@pytest.mark.parametrize(
    ("goal", "key", "said"),
    [
        ({"metric": "clix"}, "metric", "no metric is called 'clix'. Did you mean clicks?"),
        ({"metric": "hats"}, "metric", "no metric is called 'hats'. Use a name of the vocabulary, for example "
         "response_rate or conversions.<event>."),
        ({"metric": "conversions"}, "metric", "no metric is called 'conversions'. Did you mean conversions.<event>?"),
        ({"target": 100}, "target", "it starts at 100, and that is its target too. Write the value to reach."),
        ({"metric": "response_rate", "baseline": "{value: 0.55}", "target": 90}, "target", "response_rate is a share "
         "from 0 to 1, and its target is 90. Write 0.9, if that is meant."),
        ({"metric": "keyword_position", "baseline": "{value: 5}", "target": 0}, "target", "keyword_position is a rank, "
         "and 1 is first, and its target is 0. Write a value that it can have."),
        ({"metric": "response_rate", "baseline": "{value: 55}", "target": 0.9}, "baseline", "response_rate is a share "
         "from 0 to 1, and its baseline is 55. Write 0.55, if that is meant."),
        ({"metric": "page_indexed", "baseline": None, "target": 5}, "target", "page_indexed is 1 or 0, and its target "
         "is 5. Write a value that it can have."),
    ],
)  # fmt: skip
def test_a_goal_that_cannot_be_measured(goal: dict[str, Any], key: str, said: str, judged: Judged, lines: Lines
                                        ) -> None:
    """GOL001: a metric that nobody knows, or a way of no length."""
    at = column(goal, key) + (len("baseline: {") if key == "baseline" else 0)

    assert lines(judged([goals.UNMEASURABLE, TOO_FAR, AMBITIOUS], strategy(goal))) == [f"{HERE}:{at}: {CANNOT} {said}"]


@pytest.mark.rule("GOL001", "missing")
@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({"metric": None}, "it names no metric. Add metric: with what is counted, for example response_rate or "
         "conversions.<event>."),
        ({"target": None}, "it has no target. Add target: with the value to reach."),
    ],
)  # fmt: skip
def test_a_goal_without_metric_or_target(goal: dict[str, Any], said: str, judged: Judged, lines: Lines) -> None:
    """GOL001: both are needed; a strategy without goals has nothing to say here."""
    assert lines(judged([goals.UNMEASURABLE], strategy(goal))) == [f"{HERE}:5: {CANNOT} {said}"]
    assert judged([goals.UNMEASURABLE], {}) == []


@pytest.mark.rule("GOL001", "near")
@pytest.mark.parametrize(
    "goal",
    [{}, {"target": 100.5}, {"metric": "conversions.member_signup"}, {"baseline": None, "target": 0},
     {"baseline": "{from: 2026-09-01}"}, {"metric": "response_rate", "baseline": "{value: 0}", "target": 1},
     {"metric": "net_sentiment", "baseline": "{value: -1}", "target": -0.5}],
)  # fmt: skip
def test_a_goal_that_can_be_measured(goal: dict[str, Any], judged: Judged) -> None:
    """GOL001: a known metric and a target that is elsewhere, or nobody knows where the goal starts."""
    assert judged([goals.UNMEASURABLE], strategy(goal)) == []


# --- GOL002 -----------------------------------------------------------------------------------------------------------

WRITE = "Write baseline: {value: …, from: YYYY-MM-DD, to: YYYY-MM-DD, source: who counted}."


@pytest.mark.rule("GOL002", "fires")
@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("{from: 2026-09-01, to: 2026-09-30, source: CRM}", "its baseline has no value"),
        ("{value: 1, to: 2026-09-30, source: CRM}", "its baseline has no from"),
        ("{value: 1, from: 2026-09-01, source: CRM}", "its baseline has no to"),
        ("{value: 1, from: 2026-09-01, to: 2026-09-30}", "its baseline has no source"),
        ("{value: 1, from: 2026-09-01, to: 2026-09-30, source: ''}", "its baseline has no source"),
        ("{value: 1, from: 2026-09-01, to: 2026-09-30, source: ' '}", "its baseline has no source"),
        ("{value: 1, from: 2026-09-01, to: 2027-06-30, source: CRM}", "its baseline lasts until 2027-06-30, and the "
         "goal is due on 2027-06-30"),
        ("{}", "its baseline has no value and no from and no to and no source"),
        ("{value: 1, from: 2026-09-02, to: 2026-09-01, source: CRM}", "its baseline ends on 2026-09-01, before it "
         "begins"),
    ],
)  # fmt: skip
def test_a_starting_point_that_nobody_measured(base: str, said: str, judged: Judged, lines: Lines) -> None:
    """GOL002: value, period and source, and a period that is one."""
    goal = {"baseline": base}

    assert lines(judged([goals.NO_BASELINE], strategy(goal))) == [
        f"{HERE}:{column(goal, 'baseline')}: GOL002 error: Measure the starting point of one: {said}. {WRITE}"]


@pytest.mark.rule("GOL002", "near")
@pytest.mark.parametrize(
    "base", [BASE, "{value: 0, from: 2026-09-01, to: 2026-09-01, source: CRM}",
             "{value: 1, from: 2026-09-01, to: 2027-06-29, source: CRM}"])
def test_a_starting_point_of_one_day_and_of_nothing(base: str, judged: Judged) -> None:
    """GOL002: 0 is a value, a day is a period, and it may go on until the goal is due."""
    assert judged([goals.NO_BASELINE], strategy({"baseline": base})) == []


@pytest.mark.rule("GOL002", "missing")
def test_a_goal_without_a_starting_point(judged: Judged, lines: Lines) -> None:
    """GOL002: no baseline at all is told at the goal; no goals, nothing."""
    assert lines(judged([goals.NO_BASELINE], strategy({"baseline": None}))) == [
        f"{HERE}:5: GOL002 error: Measure the starting point of one: nothing says where it is now. {WRITE}"]
    assert judged([goals.NO_BASELINE], {"strategy.yaml": None}) == []


# --- GOL003 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("GOL003", "fires")
@pytest.mark.parametrize(
    ("goal", "key", "said"),
    [
        ({"due": "2027-11-01"}, "due", "one needs another date: 2027-11-01 is after the strategy ends, on 2027-10-31. "
         "Write a day up to 2027-10-31, or give the strategy more time."),
        ({"due": "2026-08-31"}, "due", "one needs another date: 2026-08-31 is before the strategy starts, on "
         "2026-09-01. Write a day from 2026-09-01 on."),
    ],
)  # fmt: skip
def test_a_day_outside_the_strategy(goal: dict[str, Any], key: str, said: str, judged: Judged, lines: Lines) -> None:
    """GOL003: a goal is due while its strategy lasts."""
    assert lines(judged([goals.NO_DATE], strategy(goal))) == [
        f"{HERE}:{column(goal, key)}: GOL003 error: {said}"]


@pytest.mark.rule("GOL003", "near")
@pytest.mark.parametrize("due", ["2027-10-31", "2026-09-01"])
def test_the_first_and_the_last_day_of_the_strategy(due: str, judged: Judged) -> None:
    """GOL003: both days are inside; a strategy without an end takes any later day."""
    assert judged([goals.NO_DATE], strategy({"due": due})) == []
    assert judged([goals.NO_DATE], strategy({"due": "2099-01-01"}, frame=FRAME.replace("end: 2027-10-31", "x-e: 1"))
                  ) == []


@pytest.mark.rule("GOL003", "missing")
def test_a_goal_without_date_or_owner(judged: Judged, lines: Lines) -> None:
    """GOL003: each of them is told; a strategy without goals has nothing to say here."""
    assert lines(judged([goals.NO_DATE], strategy({"due": None, "owner": None}))) == [
        f"{HERE}:5: GOL003 error: one needs a date: nothing says by when. Add due: YYYY-MM-DD.",
        f"{HERE}:5: GOL003 error: one needs one owner: nobody is named. Add owner: with the id of the person who "
        "answers for it."]
    assert judged([goals.NO_DATE], {}) == []


def test_a_strategy_that_ends_before_it_starts_is_told_once(judged: Judged, lines: Lines) -> None:
    """GOL003: no day is inside such a strategy, so its days are what has to be mended."""
    files = strategy({"due": "2026-08-01"}, {"due": "2026-10-01"}, frame=FRAME.replace("2027-10-31", "2026-08-31"))

    assert lines(judged([goals.NO_DATE], files)) == [
        "strategy.yaml:3:1: GOL003 error: mend ends on 2026-08-31, before it starts on 2026-09-01, so no goal can be "
        "due. Mend start or end."]


def test_every_strategy_is_judged(judged: Judged) -> None:
    """GOL: several strategies, each with its own days."""
    second = strategy({"due": "2026-12-31"}, frame=FRAME.replace("mend", "other"))["strategy.yaml"]
    files = {"strategy.yaml": None, "strategies/a.yaml": strategy({"due": "2028-01-01"})["strategy.yaml"],
             "strategies/b.yaml": second.replace("end: 2027-10-31", "end: 2026-12-30")}

    assert [problem.place.file for problem in judged([goals.NO_DATE], files)] == [
        "content/strategies/a.yaml", "content/strategies/b.yaml"]


# --- GOL004, GOL005 ---------------------------------------------------------------------------------------------------


def base(value: float) -> str:
    return f"{{value: {value}, from: 2026-09-01, to: 2026-09-30, source: CRM}}"


def goal(metric: str, start: float, target: float, **more: Any) -> dict[str, Any]:
    return {"metric": metric, "baseline": base(start), "target": target, **more}


@pytest.mark.rule("GOL004", "fires")
@pytest.mark.parametrize(
    ("one", "said"),
    [
        (goal("clicks", 100, 301), "3.01 times the base (100 to 301). Lower the target to 300 at most, or take it in "
         "steps."),
        (goal("conversions.x", 3, 9.5), "3.17 times the base (3 to 9.5). Lower the target to 9 at most, or take it in "
         "steps."),
        (goal("amplification_rate", 0.8, 2.5), "3.12 times the base (0.8 to 2.5). Lower the target to 2.4 at most, or "
         "take it in steps."),
        (goal("response_rate", 0.5, 0.976), "95.2% of the way from 0.5 to 1, which nobody can better. Lower the "
         "target to 0.97 at most, or take it in steps."),
        (goal("net_sentiment", -0.5, 0.95), "96.7% of the way from -0.5 to 1, which nobody can better. Lower the "
         "target to 0.92 at most, or take it in steps."),
        (goal("amplification_rate", 0.2, 0.7), "3.5 times the base (0.2 to 0.7). Lower the target to 0.6 at most, or "
         "take it in steps."),
        (goal("first_response_time", 40.1, 1.9), "95.3% of the way from 40.1 to 0, which nobody can better. Raise the "
         "target to 2.01 at least, or take it in steps."),
        (goal("keyword_position", 31, 1), "100% of the way from 31 to 1, which nobody can better. Raise the target to "
         "3 at least, or take it in steps."),
        (goal("followers", 100, 251, due="2026-12-31"), "35.6% more followers each month (100 to 251). Lower the "
         "target to 196 at most, or take it in steps, or give it more time."),
        (goal("followers", 1_000_000, 3_000_001, due="2029-12-31"), "3 times the base (1000000 to 3000001). Lower the "
         "target to 3000000 at most, or take it in steps."),
        (goal("clicks", 34, 60_000), "1760 times the base (34 to 60000). Lower the target to 102 at most, or take it "
         "in steps."),
        (goal("impressions", 12_345_678_901, 99_345_678_901), "8.05 times the base (12345678901 to 99345678901). Lower "
         "the target to 37037036703 at most, or take it in steps."),
        (goal("amplification_rate", 0.001, 1), "1000 times the base (0.001 to 1). Lower the target to 0.003 at most, "
         "or take it in steps."),
        (goal("response_rate", 0.99, 1), "100% of the way from 0.99 to 1, which nobody can better. Lower the target to "
         "0.9995 at most, or take it in steps."),
        (goal("keyword_position", 4, 1), "100% of the way from 4 to 1, which nobody can better. Raise the target to 2 "
         "at least, or take it in steps."),
        (goal("followers", 3, 5, due="2026-10-31"), "65.1% more followers each month (3 to 5). Lower the target to 4 "
         "at most, or take it in steps, or give it more time."),
        (goal("followers", 100, 400, due="2026-10-31"), "290% more followers each month (100 to 400). Lower the target "
         "to 125 at most, or take it in steps, or give it more time."),
        (goal("follower_growth", 2, 25), "25.4% more followers each month (2 to 25). Lower the target to 24 at "
         "most, or take it in steps, or give it more time."),
    ],
)  # fmt: skip
def test_a_goal_that_nobody_reaches(one: dict[str, Any], said: str, judged: Judged, lines: Lines) -> None:
    """GOL004: counts by the base, followers by the month, rates by the gap, downwards where less is better.

    A reason changes nothing, and nobody is told twice.
    """
    one = {**one, "why_reachable": "we try"}

    assert lines(judged([TOO_FAR, AMBITIOUS], strategy(one))) == [
        f"{HERE}:{column(one, 'target')}: GOL004 error: one asks for {said}"]


@pytest.mark.rule("GOL004", "near")
@pytest.mark.parametrize(
    "one",
    [
        goal("clicks", 100, 300),
        goal("amplification_rate", 0.7, 2.1),
        goal("response_rate", 0.5, 0.975),
        goal("response_rate", 0, 0.95),
        goal("first_response_time", 40, 2),
        goal("followers", 100, 196, due="2026-12-31"),
        goal("follower_growth", 2, 24.59),
        goal("clicks", 100, 1),
        goal("first_response_time", 2, 40),
        goal("keyword_position", 2, 1),
        goal("followers", 2, 3, due="2026-10-31"),
        goal("silent_gap", 1, 0),
    ],
)
def test_a_goal_at_the_edge(one: dict[str, Any], judged: Judged) -> None:
    """GOL004: three times, 25% a month and 95% of the gap can be planned; so can less than there is, and one more."""
    assert judged([TOO_FAR], strategy(one)) == []


@pytest.mark.rule("GOL004", "missing")
@pytest.mark.rule("GOL005", "missing")
@pytest.mark.parametrize(
    "one",
    [
        goal("clicks", 0, 5000),
        goal("hats", 1, 5000),
        {**goal("clicks", 1, 5000), "baseline": None},
        {**goal("clicks", 1, 5000), "baseline": "{source: CRM}"},
        {**goal("clicks", 1, 5000), "target": None},
        {**goal("clicks", 1, 5000), "metric": None},
        goal("response_rate", 1, 0.5),
        goal("roi", 1, 5000),
        goal("page_indexed", 0, 1),
        {**goal("followers", 100, 149), "due": None},
        {**goal("follower_growth", 1, 90), "baseline": "{value: 1, to: 2026-09-30}"},
        goal("follower_growth", 1, -100),
        goal("followers", 100, 149, due="2026-09-30"),
    ],
)
def test_a_goal_that_cannot_be_held_against_anything(one: dict[str, Any], judged: Judged) -> None:
    """GOL004, GOL005: without metric, base, target, best value or time there is no measure; others say what is missing.
    """
    assert judged([TOO_FAR, AMBITIOUS], strategy(one)) == []


@pytest.mark.parametrize("target", ["1.0e+308", "-1.0e+308", "1.0e-308"])
@pytest.mark.parametrize("start", [1e-300, 1e300])
@pytest.mark.parametrize("metric", ["followers", "follower_growth", "response_rate", "clicks"])
def test_huge_numbers_break_nothing(metric: str, start: float, target: str, judged: Judged) -> None:
    """GOL004: whatever is written can be judged, and is told once at most."""
    one = {"metric": metric, "baseline": base(start), "target": target, "due": "2027-10-31"}

    found = judged([goals.UNMEASURABLE, goals.NO_BASELINE, goals.NO_DATE, TOO_FAR, AMBITIOUS], strategy(one))

    assert {problem.code for problem in found} in (set(), {"GOL001"}, {"GOL004"})


@pytest.mark.rule("GOL005", "fires")
@pytest.mark.parametrize(
    ("one", "said"),
    [
        (goal("clicks", 100, 151), "1.51 times the base (100 to 151). Say in why_reachable what makes it reachable. "
         "Or: Lower the target to 150 at most."),
        (goal("clicks", 100, 300), "3 times the base (100 to 300). Say in why_reachable what makes it reachable. Or: "
         "Lower the target to 150 at most."),
        (goal("response_rate", 0.55, 0.92), "82.2% of the way from 0.55 to 1, which nobody can better. Say in "
         "why_reachable what makes it reachable. Or: Lower the target to 0.91 at most."),
        (goal("followers", 100, 120, due="2026-10-31"), "19.6% more followers each month (100 to 120). Say in "
         "why_reachable what makes it reachable. Or: Lower the target to 110 at most."),
        (goal("clicks", 100, 200, why_reachable="' '"), "2 times the base (100 to 200). Say in why_reachable what "
         "makes it reachable. Or: Lower the target to 150 at most."),
    ],
)  # fmt: skip
def test_a_goal_that_wants_a_reason(one: dict[str, Any], said: str, judged: Judged, lines: Lines) -> None:
    """GOL005: what may be reached, if there is a reason."""
    assert lines(judged([TOO_FAR, AMBITIOUS], strategy(one))) == [
        f"{HERE}:{column(one, 'target')}: GOL005 warning: one is ambitious: it asks for {said}"]


@pytest.mark.rule("GOL005", "near")
@pytest.mark.parametrize(
    "one",
    [
        goal("clicks", 100, 150),
        goal("response_rate", 0.55, 0.91),
        goal("followers", 100, 110, due="2026-10-31"),
        goal("clicks", 100, 300, why_reachable="we have three times the people now"),
    ],
)
def test_a_goal_that_wants_no_reason(one: dict[str, Any], judged: Judged) -> None:
    """GOL005: exactly 1.5 times, 80% of the gap, 10% a month; or a reason is there."""
    assert judged([TOO_FAR, AMBITIOUS], strategy(one)) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(start=some.integers(1, 999) | some.integers(1, 9_000_000), target=some.integers(0, 999) | some.integers(1, 9**8),
       metric=some.sampled_from(("clicks", "followers", "response_rate", "amplification_rate", "keyword_position")))
def test_who_does_what_the_remedy_says_is_never_told_again(start: int, target: int, metric: str, judged: Judged
                                                           ) -> None:
    """GOL004, GOL005: the value that a remedy names always keeps the limit that was passed, and leads somewhere."""
    parts = {"response_rate": 1000, "amplification_rate": 1000}.get(metric, 1)

    def told(value: float) -> list[Problem]:
        one = goal(metric, start / parts, value, due="2026-12-31")
        return judged([goals.UNMEASURABLE, TOO_FAR, AMBITIOUS], strategy(one))

    found = told(target / parts)
    if [problem.code for problem in found] in (["GOL004"], ["GOL005"]):
        (written,) = re.findall(r"the target to ([\d.]+) at", found[0].remedy)
        assert [problem.code for problem in told(float(written))] in ([], ["GOL005"][:found[0].code == "GOL004"])


def test_how_far_is_too_far_is_a_knob(judged: Judged) -> None:
    """GOL004, GOL005: rules.yaml says how many times the base; words change nothing."""
    files = strategy(goal("clicks", 100, 201))

    def found(knobs: str) -> list[str]:
        return [p.code for p in judged([TOO_FAR, AMBITIOUS], {**files, "rules.yaml": f"knobs: {{{knobs}}}\n"})]

    assert found("growth_max: 2") == ["GOL004"]
    assert found("growth_max: 2.01, growth_warn: 2") == ["GOL005"]
    assert found("growth_warn: 2.01") == []
    assert found("growth_max: many") == ["GOL005"]


# --- GOL006 -----------------------------------------------------------------------------------------------------------

MARCH = datetime(2027, 3, 17, 9, 0, tzinfo=UTC)
ASK = "---\nat: 2027-03-{day} 12:30\nintent: ask\n---\nJoin us?\n"
FIGURES = ("2027-03-01,reach,mastodon,900,p\n2027-03-08,reach,mastodon,1000,p\n2027-03-15,reach,mastodon,4000,p\n"
           "2027-03-01,ctr,all,4,p\n2027-03-01,conversion_rate,mastodon,20,p\n")
"""1000 people, two asks, 4% of them click, 20% of those join: 16."""


def campaign(target: str = "33", figures: str = FIGURES, more: str = "", asks: int = 2, **files: Any) -> dict[str, Any]:
    made = {f"campaigns/spring/posts/ask-{day}.md": ASK.format(day=day) for day in range(20, 20 + asks)}
    return {**strategy({"metric": "conversions.x"}),
            "campaigns/spring/campaign.yaml": "start: 2027-03-02\nend: 2027-04-12\nchannels: [mastodon]\n"
            f"goals: [{{goal: one, target: {target}}}]\n{more}",
            "campaigns/spring/posts/tip.md": "---\nat: 2027-03-25 12:30\n---\nA tip.\n",
            "measures/m.csv": HEADER + figures, **made, **files}


@pytest.mark.rule("GOL006", "fires")
def test_a_campaign_that_wants_more_than_its_base_gives(judged: Judged, lines: Lines) -> None:
    """GOL006: the median of reach, the asks planned, who clicks and who converts."""
    place = "campaigns/spring/campaign.yaml:4:21: GOL006 warning:"

    assert lines(judged([PROJECTION], campaign(), now=MARCH)) == [
        f"{place} The base projects 16 for one from 2 planned asks; the target is 33. Lower the target to 32 at most, "
        "plan more asks, or let reach and clicks grow first."]
    assert lines(judged([PROJECTION], campaign(asks=1), now=MARCH)) == [
        f"{place} The base projects 8 for one from 1 planned ask; the target is 33. Lower the target to 16 at most, "
        "plan more asks, or let reach and clicks grow first."]
    assert lines(judged([PROJECTION], campaign(asks=0), now=MARCH)) == [
        f"{place} No ask is planned, so the base projects nothing for one; the target is 33. Plan asks in the "
        "campaign, or drop its target."]


@pytest.mark.rule("GOL006", "near")
@pytest.mark.parametrize(
    "files",
    [
        campaign("32"),
        campaign(asks=3),
        campaign(**{"rules.yaml": "knobs: {projection_factor: 2.1}\n"}),
        campaign(**strategy({"metric": "clicks"})),
        campaign(more="", **{"campaigns/spring/campaign.yaml": "start: 2027-03-02\nend: 2027-03-16\n"
                             "channels: [mastodon]\ngoals: [{goal: one, target: 33}]\n"}),
        campaign("null"),
    ],
)  # fmt: skip
def test_a_campaign_that_its_base_can_carry(files: dict[str, Any], judged: Judged) -> None:
    """GOL006: twice the projection, or the factor that rules.yaml has; goals that count no conversions, campaigns that
    are over and goals without a target of the campaign are not meant.
    """
    assert judged([PROJECTION], files, now=MARCH) == []


def test_a_campaign_counts_to_its_last_day(judged: Judged) -> None:
    """GOL006: on its last day a campaign is still judged."""
    files = campaign(**{"campaigns/spring/campaign.yaml": "end: 2027-03-17\nchannels: [mastodon]\n"
                        "goals: [{goal: one, target: 33}]\n"})

    assert len(judged([PROJECTION], files, now=MARCH)) == 1


@pytest.mark.rule("GOL006", "missing")
@pytest.mark.parametrize("metric", ["reach", "ctr", "conversion_rate"])
def test_without_figures_nothing_is_projected(metric: str, judged: Judged, facts: Callable[..., Facts]) -> None:
    """GOL006: without a file of figures it is not evaluated; without one of the three the campaign is left out."""
    kept = "".join(f"{line}\n" for line in FIGURES.splitlines() if f",{metric}," not in line)
    none = campaign(**{"measures/m.csv": None})

    assert facts(none, now=MARCH).lacks(PROJECTION) == ("measures",)
    assert judged([PROJECTION], none, now=MARCH) == []
    assert judged([PROJECTION], campaign(figures=kept), now=MARCH) == []


@pytest.mark.parametrize(("day", "many"), [("2026-12-17", 0), ("2026-12-18", 1), ("2027-03-17", 1), ("2027-03-18", 0)])
def test_reach_is_of_ninety_days(day: str, many: int, judged: Judged) -> None:
    """GOL006: older figures, and those of days to come, say nothing of the base."""
    rates = "2027-03-01,ctr,all,4,p\n2027-03-01,conversion_rate,all,20,p\n"

    assert len(judged([PROJECTION], campaign(figures=f"{day},reach,mastodon,1,p\n{rates}"), now=MARCH)) == many


def test_channels_add_up(judged: Judged) -> None:
    """GOL006: each channel has its own reach, else an equal part of the reach of all; its own rates go before all's."""
    files = campaign(
        "33", figures=FIGURES + "2027-03-01,reach,all,3000,p\n2027-03-01,conversion_rate,all,10,p\n",
        **{"networks/channels.yaml": "channels:\n  - {id: mastodon, network: mastodon}\n"
           "  - {id: other, network: mastodon}\n  - {id: old, network: mastodon, status: retired}\n",
           "campaigns/spring/campaign.yaml": "channels: [mastodon, other]\ngoals: [{goal: one, target: 57}]\n"})

    (found,) = judged([PROJECTION], files, now=MARCH)

    # mastodon: 1000 x 2 x 4% x 20% = 16; other: 3000 / 2 x 2 x 4% x 10% = 12
    assert found.message == "The base projects 28 for one from 4 planned asks; the target is 57."


def test_only_channels_that_ask_need_figures(judged: Judged) -> None:
    """GOL006: nobody asks on the second channel, so nobody needs to know its reach."""
    files = campaign(**{"networks/channels.yaml": "channels:\n  - {id: mastodon, network: mastodon}\n"
                        "  - {id: other, network: mastodon}\n"})
    files["campaigns/spring/campaign.yaml"] = files["campaigns/spring/campaign.yaml"].replace("[mastodon]",
                                                                                            "[mastodon, other]")
    files |= {path: text.replace("intent: ask", "intent: ask\nchannels: [mastodon]") for path, text in files.items()
              if "/ask-" in path}

    (found,) = judged([PROJECTION], files, now=MARCH)
    assert found.message == "The base projects 16 for one from 2 planned asks; the target is 33."


def test_many_conversions_are_told_in_plain_numbers(judged: Judged) -> None:
    """GOL006: thousands are digits, not powers of ten."""
    (found,) = judged([PROJECTION], campaign("5000", FIGURES.replace("000,p", "00000,p")), now=MARCH)

    assert found.message == "The base projects 1600 for one from 2 planned asks; the target is 5000."
    assert found.remedy.startswith("Lower the target to 3200 at most")


def test_a_target_of_nothing_is_no_advice(judged: Judged) -> None:
    """GOL006: where not even one conversion is in sight, more asks and reach are what is left."""
    (found,) = judged([PROJECTION], campaign("3", FIGURES.replace("00,p", ",p")), now=MARCH)

    assert found.message == "The base projects 0.16 for one from 2 planned asks; the target is 3."
    assert found.remedy == "Plan more asks, or let reach and clicks grow first."


# --- GOL007 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("GOL007", "fires")
def test_figures_that_only_flatter(judged: Judged, lines: Lines) -> None:
    """GOL007: followers, reach, impressions and applause, and nothing that changes for anybody."""
    files = strategy({"metric": "reach"}, {"metric": "followers"}, {"metric": "applause_rate"})

    assert lines(judged([goals.VANITY], files)) == [
        "strategy.yaml:5:1: GOL007 warning: Only vanity figures: applause_rate, followers, reach. Add a goal with an "
        "outcome, for example conversions.<event> or response_rate."]


@pytest.mark.rule("GOL007", "near")
def test_one_outcome_is_enough(judged: Judged) -> None:
    """GOL007: among all that flatters one goal that does not."""
    assert judged([goals.VANITY], strategy({"metric": "reach"}, {"metric": "impressions"}, {"metric": "clicks"})) == []


@pytest.mark.rule("GOL007", "missing")
def test_goals_without_metrics_do_not_flatter(judged: Judged) -> None:
    """GOL007: no metrics, no goals, no strategy: others say so."""
    assert judged([goals.VANITY], strategy({"metric": None})) == []
    assert judged([goals.VANITY], {}) == []
    assert judged([goals.VANITY], {"strategy.yaml": None}) == []


# --- GOL008 -----------------------------------------------------------------------------------------------------------

POSTS = {f"posts/{name}.md": f"---\nat: 2027-02-0{day} 12:30\n{front}---\nHello.\n" for day, (name, front) in enumerate(
    [("news", "intent: inform\n"), ("tip", ""), ("doubts", "funnel: consideration\n")], 1)}
LOYAL = "audience: regulars\nname: People who come often\nexisting: true\n"
NOTHING = "GOL008 advice: Nothing carries people through"


@pytest.mark.rule("GOL008", "fires")
def test_stages_that_nothing_carries_people_through(judged: Judged, lines: Lines) -> None:
    """GOL008: one message for a stage; and people who are here already, forgotten."""
    files = strategy({}, **{"audiences/regulars.yaml": LOYAL})

    assert lines(judged([goals.FUNNEL], files)) == [
        f"audiences/regulars.yaml:3:1: {NOTHING} loyalty: regulars know us, and no goal is to keep them. Add a goal "
        "with funnel: loyalty and audience: regulars.",
        f"strategy.yaml:5:1: {NOTHING} awareness. Plan a post with intent: inform.",
        f"strategy.yaml:5:1: {NOTHING} consideration. Plan a post with funnel: consideration, one that answers doubts.",
        f"strategy.yaml:5:1: {NOTHING} conversion. Plan a goal with funnel: conversion, and an ask in a campaign "
        "for it.",
        f"strategy.yaml:5:1: {NOTHING} knowledge. Plan a post with intent: give."]


@pytest.mark.rule("GOL008", "near")
@pytest.mark.parametrize(
    ("funnels", "existing", "many"),
    [
        (("conversion", "loyalty"), "true", 0),
        (("purchase", "loyalty"), "true", 0),
        (("purchase", "advocacy"), "false", 0),
        (("purchase", "advocacy"), "true", 1),
        (("advocacy", "loyalty"), "true", 1),
    ],
)
def test_posts_and_goals_carry_people(funnels: tuple[str, str], existing: str, many: int, judged: Judged) -> None:
    """GOL008: a post or a goal for each stage, purchase being conversion, and a goal of loyalty for who is here."""
    files = strategy(*({"funnel": funnel, "audience": "regulars"} for funnel in funnels), **POSTS,
                     **{"audiences/regulars.yaml": LOYAL.replace("true", existing)})

    assert len(judged([goals.FUNNEL], files)) == many


def test_loyalty_is_to_somebody(judged: Judged) -> None:
    """GOL008: a goal of loyalty that names no audience is for all; one that names another is not."""
    def many(audience: str | None) -> int:
        files = strategy({"funnel": "loyalty", "audience": audience}, {"funnel": "conversion"}, **POSTS,
                         **{"audiences/regulars.yaml": LOYAL})
        return len(judged([goals.FUNNEL], files))

    assert (many("regulars"), many(None), many("strangers")) == (0, 0, 1)


def test_a_post_counts_for_the_strategy_it_serves(judged: Judged) -> None:
    """GOL008: of two strategies each needs its own; a post that serves none counts for both."""
    def many(front: str, campaign: str = "") -> list[str]:
        folder = "campaigns/spring/posts" if campaign else "posts"
        files = {"strategy.yaml": None, "strategies/a.yaml": strategy({"funnel": "conversion"})["strategy.yaml"],
                 "strategies/b.yaml": strategy({"funnel": "conversion"}, frame=FRAME.replace("mend", "other"))[
                     "strategy.yaml"].replace("id: one", "id: two"),
                 f"{folder}/a.md": f"---\nat: 2027-02-01 12:30\nfunnel: awareness\n{front}---\nHello.\n"}
        if campaign:
            files["campaigns/spring/campaign.yaml"] = campaign
        return [p.place.file[-6] for p in judged([goals.FUNNEL], files) if "awareness" in p.message]

    assert many("") == []
    assert many("goal: one\n") == ["b"]
    assert many("goal: two\n") == ["a"]
    assert many("goal: one\n", "strategy: other\n") == ["a"]


@pytest.mark.rule("GOL008", "missing")
def test_without_a_strategy_nobody_is_carried_anywhere(judged: Judged) -> None:
    """GOL008: no strategy, nothing to say; one that cannot be read may have the goal of loyalty."""
    audience = {"audiences/regulars.yaml": LOYAL}
    half = {"strategies/a.yaml": strategy({})["strategy.yaml"], "strategies/b.yaml": "strategy: [", **audience}

    assert judged([goals.FUNNEL], {"strategy.yaml": None, **audience}) == []
    assert judged([goals.FUNNEL], {"strategy.yaml": "strategy: [", **audience}) == []
    assert [p for p in judged([goals.FUNNEL], {"strategy.yaml": None, **half}) if "loyalty" in p.message] == []


@pytest.mark.parametrize("path", ["posts/a.md", "campaigns/spring/campaign.yaml", "evergreen/tips/series.yaml"])
def test_what_cannot_be_read_may_carry_people(path: str, judged: Judged) -> None:
    """GOL008: while a post, or what posts inherit from, cannot be read, no stage is called empty; audiences are judged.
    """
    files = strategy({}, **{path: "---\nat: [\n---\nHello.\n", "audiences/regulars.yaml": LOYAL})

    assert ["loyalty" in problem.message for problem in judged([goals.FUNNEL], files)] == [True]


# --- GOL009 -----------------------------------------------------------------------------------------------------------

JULY = datetime(2027, 7, 1, 9, 0, tzinfo=UTC)


@pytest.mark.rule("GOL009", "fires")
def test_a_result_that_nobody_wrote_down(judged: Judged, lines: Lines) -> None:
    """GOL009: from the day after it was due; what figures say is told."""
    place = f"{HERE}:{column({}, 'due')}: GOL009 warning: Record the result of one: it was due on 2027-06-30."
    figures = {"measures/m.csv": f"{HEADER}2027-06-30,clicks,all,1234,p\n2027-07-02,clicks,all,9,p\n"}

    assert lines(judged([goals.NO_RESULT], strategy({}), now=JULY)) == [
        f"{place} Add result: with the value that was reached."]
    assert lines(judged([goals.NO_RESULT], strategy({}, **figures), now=JULY)) == [
        f"{place} Add result: with the value that was reached; measures/ says 1234 on 2027-06-30."]


@pytest.mark.rule("GOL009", "near")
@pytest.mark.parametrize("changed", [{"due": "2027-07-01"}, {"result": 0}, {"result": 140}])
def test_the_day_itself_and_a_result_of_nothing(changed: dict[str, Any], judged: Judged) -> None:
    """GOL009: the day it is due is not over; 0 is a result."""
    assert judged([goals.NO_RESULT], strategy(changed), now=JULY) == []


@pytest.mark.rule("GOL009", "missing")
def test_a_goal_that_is_never_due_has_no_result_to_record(judged: Judged) -> None:
    """GOL009: without a day it is GOL003's matter."""
    assert judged([goals.NO_RESULT], strategy({"due": None}), now=JULY) == []


# ----------------------------------------------------------------------------------------------------------------------


def test_the_family_is_in_order() -> None:
    """Nine rules, each once; all are steps of a gate but the one about campaigns."""
    assert [rule.code for rule in goals.RULES] == [f"GOL00{number}" for number in range(1, 10)]
    assert [rule.code for rule in goals.RULES if not rule.gate] == ["GOL006"]


def test_the_goals_of_the_sample_are_sound(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here: two ambitious goals have their reasons."""
    assert of_sample(goals.RULES) == []
