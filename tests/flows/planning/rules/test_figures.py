"""MEA: figures that grow old, a tone that sours, people who leave, and posts that only money carries."""
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.planning.rules import figures
from flows.planning.rules.figures import ADVERT, UNHEARD
from flows.planning.rules.ruling import Facts
from schemas.ledger import Slot
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
HEADER = "date,metric,channel,value,source\n"
TODAY = datetime(2027, 3, 17, 9, 0, tzinfo=UTC)
FRAME = "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"
GOAL = "social_goals:\n  - {id: one, text: x, metric: clicks, due: 2027-06-30}\n"
EXECUTION = "phases: {execution: [2027-02-01, 2027-04-12]}\n"


def folder(rows: str, goal: str = GOAL, phases: str = EXECUTION, **more: Any) -> dict[str, Any]:
    return {"strategy.yaml": FRAME + goal + phases, "measures/m.csv": HEADER + rows, **more}


# --- MEA001: figures that are missing ---------------------------------------------------------------------------------


@pytest.mark.rule("MEA001", "fires")
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("2027-03-02,clicks,mastodon,1,p\n", "since 2027-03-02"),
        ("2026-12-01,clicks,all,1,p\n", "since 2026-12-01"),
        ("2027-03-18,clicks,all,1,p\n", "so far"),
        ("2027-03-16,sessions,all,1,p\n", "so far"),
        ("2027-03-16,clicks,all,1,posts/a@mastodon#1\n", "so far"),
        ("", "so far"),
    ],
)
def test_a_goal_that_nobody_counts(rows: str, said: str, judged: Judged, lines: Lines) -> None:
    """MEA001: on any channel; figures of other metrics, of single posts and of days to come do not help."""
    assert lines(judged([UNHEARD], folder(rows), now=TODAY)) == [
        f"strategy.yaml:5:24: MEA001 warning: clicks: no figure {said}, and one is judged by it. Write one into "
        "measures/2027.csv, as 2027-03-17,clicks,all,<value>,<who counted>."]


@pytest.mark.rule("MEA001", "near")
@pytest.mark.parametrize(
    ("rows", "goal", "phases"),
    [
        ("2027-03-03,clicks,mastodon,1,p\n", GOAL, EXECUTION),
        ("", GOAL, EXECUTION.replace("2027-02-01", "2027-03-03")),
        ("2026-12-01,clicks,all,1,p\n", GOAL, EXECUTION.replace("2027-02-01", "2027-03-03")),
        ("", GOAL, EXECUTION.replace("2027-04-12", "2027-03-16")),
        ("", GOAL, EXECUTION.replace("2027-02-01", "2027-03-18")),
        ("", GOAL.replace("due: 2027-06-30", "due: 2027-03-16"), EXECUTION),
        ("", GOAL.replace("due:", "result: 0, due:"), EXECUTION),
        ("", GOAL.replace("clicks", "hats"), EXECUTION),
        ("", GOAL, "phases: {maintenance: [2027-02-01, null]}\n"),
    ],
)
def test_a_goal_whose_figures_are_fresh_enough(rows: str, goal: str, phases: str, judged: Judged) -> None:
    """MEA001: 14 days are counted from the beginning of the phase on; what is over, has its result or is measured by
    nothing that is known needs no figure.
    """
    assert judged([UNHEARD], folder(rows, goal, phases), now=TODAY) == []


@pytest.mark.rule("MEA001", "missing")
def test_without_any_figures_it_is_not_evaluated(judged: Judged, facts: Callable[..., Facts]) -> None:
    """MEA001: nobody can tell without a file; one that cannot be read may hold the figure."""
    none = folder("", **{"measures/m.csv": None})

    assert facts(none, now=TODAY).lacks(UNHEARD) == ("measures",)
    assert judged([UNHEARD], none, now=TODAY) == []
    assert judged([UNHEARD], folder("", **{"measures/n.csv": b"\xff"}), now=TODAY) == []
    assert len(judged([UNHEARD], folder("", **{"measures/n.csv": HEADER}), now=TODAY)) == 1
    assert judged([UNHEARD], folder("", GOAL.replace("metric: clicks, ", "")), now=TODAY) == []


@pytest.mark.parametrize(
    ("campaign", "many"),
    [
        ("start: 2027-03-02\nend: 2027-04-12\n", 1),
        ("start: 2027-03-03\nend: 2027-04-12\n", 0),
        ("start: 2027-02-01\nend: 2027-03-17\n", 1),
        ("start: 2027-02-01\nend: 2027-03-16\n", 0),
        ("start: 2027-02-01\n", 1),
        ("end: 2027-04-12\n", 0),
        ("strategy: another\nstart: 2027-02-01\nend: 2027-04-12\n", 0),
        ("strategy: mend\nstart: 2027-02-01\nend: 2027-04-12\n", 1),
    ],
)
def test_a_campaign_that_runs_wants_figures_too(campaign: str, many: int, judged: Judged) -> None:
    """MEA001: from its first day to its last, for the strategy it belongs to, whatever the phases say."""
    files = folder("", phases="", **{"campaigns/spring/campaign.yaml": campaign})

    assert len(judged([UNHEARD], files, now=TODAY)) == many


def test_on_its_last_day_a_goal_still_wants_a_figure(judged: Judged) -> None:
    """MEA001: a goal is over on the day after it is due."""
    goal = GOAL.replace("due: 2027-06-30", "due: 2027-03-17")

    assert len(judged([UNHEARD], folder("", goal), now=TODAY)) == 1


def test_a_phase_without_an_end_lasts(judged: Judged) -> None:
    """MEA001: execution from a day on, its end left open."""
    assert len(judged([UNHEARD], folder("", phases="phases: {execution: [2027-02-01, null]}\n"), now=TODAY)) == 1


@pytest.mark.parametrize(("knob", "many"), [("15", 0), ("14", 1), ("soon", 1)])
def test_how_old_a_figure_may_be_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """MEA001: rules.yaml says how many days; a word changes nothing."""
    files = folder("2027-03-02,clicks,all,1,p\n", **{"rules.yaml": f"knobs: {{stale_days: {knob}}}\n"})

    assert len(judged([UNHEARD], files, now=TODAY)) == many


# --- MEA001: a tone that sours ----------------------------------------------------------------------------------------

DISCOVERY = {"discovery.yaml": "people:\n  reputation: {positive: 50, neutral: 40, negative: 10}\n"}


def tone(rows: Iterable[tuple[str, str, float]], **more: Any) -> dict[str, Any]:
    """A folder without goals, with these figures of net_sentiment; discovery counted 0.40."""
    return folder("".join(f"{day},net_sentiment,{channel},{value},p\n" for day, channel, value in rows), "", "",
                  **DISCOVERY, **more)


@pytest.mark.rule("MEA001", "fires")
def test_a_tone_that_soured(judged: Judged, lines: Lines) -> None:
    """MEA001: the mean of the last seven days, held against what discovery counted; told at the newest figure."""
    files = tone([("2027-03-10", "all", 0.9), ("2027-03-11", "all", 0.3), ("2027-03-17", "all", 0.1)])

    assert lines(judged([UNHEARD], files, now=TODAY)) == [
        "measures/m.csv:4:1: MEA001 warning: net_sentiment: 0.20 over the last 7 days, and 0.40 when discovery counted "
        "it. Read what people object to, answer it, and ask for nothing until you know."]


@pytest.mark.rule("MEA001", "near")
@pytest.mark.parametrize(
    "rows",
    [
        [("2027-03-17", "all", 0.25)],
        [("2027-03-10", "all", -1)],
        [("2027-03-18", "all", -1)],
        [("2027-03-17", "mastodon", -1), ("2027-03-15", "all", 0.4)],
        [("2027-03-17", "mastodon", 0.2), ("2027-03-15", "mastodon", 0.3)],
    ],
)
def test_a_tone_that_holds(rows: list[tuple[str, str, float]], judged: Judged) -> None:
    """MEA001: 0.15 less is no fall; older figures and days to come are not of these seven days; all goes before one."""
    assert judged([UNHEARD], tone(rows), now=TODAY) == []


def test_the_tone_of_single_channels_counts_where_nobody_counted_all(judged: Judged) -> None:
    """MEA001: the mean of what there is."""
    assert len(judged([UNHEARD], tone([("2027-03-17", "mastodon", 0.2)]), now=TODAY)) == 1


@pytest.mark.rule("MEA001", "missing")
@pytest.mark.parametrize(
    "discovery",
    [None, "checked: 2026-10-01\n", "people: {}\n", "people: {reputation: {positive: 50, neutral: 40}}\n",
     "people: {reputation: {positive: 0, neutral: 0, negative: 0}}\n", "people: ["],
)  # fmt: skip
def test_without_a_reputation_no_tone_has_soured(discovery: str | None, judged: Judged) -> None:
    """MEA001: what nobody counted before cannot be worse now."""
    files = {**tone([("2027-03-17", "all", -1)]), "discovery.yaml": discovery}

    assert judged([UNHEARD], files, now=TODAY) == []


# --- MEA001: people who leave -----------------------------------------------------------------------------------------

BEFORE = [("2027-02-14", 1.0), ("2027-02-28", 2.0)]


def leaving(rows: Iterable[tuple[str, float]], channel: str = "mastodon") -> dict[str, Any]:
    return folder("".join(f"{day},unfollow_rate,{channel},{value},p\n" for day, value in rows), "", "")


@pytest.mark.rule("MEA001", "fires")
def test_people_who_leave(judged: Judged, lines: Lines) -> None:
    """MEA001: more than twice the mean of the 28 days before, channel by channel."""
    said = "in the week to 2027-03-14, and 1.5% a week in the 28 days before. Look at what you said that week; give " \
           "more and ask less."

    assert lines(judged([UNHEARD], leaving([*BEFORE, ("2027-03-14", 3.1)]), now=TODAY)) == [
        f"measures/m.csv:4:1: MEA001 warning: unfollow_rate: 3.1% on mastodon {said} channel=mastodon"]
    assert lines(judged([UNHEARD], leaving([*BEFORE, ("2027-03-14", 3.1)], "all"), now=TODAY)) == [
        f"measures/m.csv:4:1: MEA001 warning: unfollow_rate: 3.1% on all channels {said}"]


@pytest.mark.rule("MEA001", "near")
@pytest.mark.parametrize(
    "rows",
    [
        [*BEFORE, ("2027-03-14", 3.0)],
        [*BEFORE, ("2027-03-10", 9.0)],
        [*BEFORE, ("2027-03-18", 9.0)],
        [("2027-02-13", 1.0), ("2027-03-14", 9.0)],
        [("2027-03-14", 9.0)],
        [("2027-03-13", 0), ("2027-03-14", 0)],
    ],
)
def test_people_who_stay(rows: list[tuple[str, float]], judged: Judged) -> None:
    """MEA001: exactly twice is not more; a week that is over, days to come and a channel without a past say nothing."""
    assert judged([UNHEARD], leaving(rows), now=TODAY) == []


@pytest.mark.parametrize(("rows", "many"), [([("2027-02-14", 0), ("2027-03-14", 0.1)], 1),
                                            ([("2027-02-14", 1.0), ("2027-03-11", 2.1)], 1)])
def test_the_edges_of_leaving(rows: list[tuple[str, float]], many: int, judged: Judged) -> None:
    """MEA001: after none, anybody is more; the 28th day before and the 7th day from today still count."""
    assert len(judged([UNHEARD], leaving(rows), now=TODAY)) == many


@pytest.mark.parametrize(("followers", "many"), [("2027-03-01,followers,mastodon,50,p\n", 0),
                                                 ("2027-03-01,followers,mastodon,100,p\n", 1),
                                                 ("2027-03-15,followers,mastodon,50,p\n", 1),
                                                 ("2027-03-01,followers,all,50,p\n", 1), ("", 1)])
def test_one_person_who_leaves_is_no_alarm(followers: str, many: int, judged: Judged) -> None:
    """MEA001: 2% of 50 is one person, of 100 two; where nobody counted followers before, the rate is all there is."""
    files = leaving([("2027-02-28", 0), ("2027-03-14", 2.0)])
    files["measures/m.csv"] += followers

    assert len(judged([UNHEARD], files, now=TODAY)) == many


# --- MEA002 -----------------------------------------------------------------------------------------------------------

A = Slot("posts/a", "mastodon")
OUT: Mapping[Slot, datetime | None] = {A: datetime(2027, 3, 4, 9, 30, tzinfo=UTC)}
POST = "---\nat: 2027-03-04 09:30\npromoted: {money: 20, from: 2027-03-04, until: 2027-03-11}\n---\nHello.\n"


def advert(rows: Iterable[tuple[str, str, float]], source: str = str(A), post: str = POST) -> dict[str, Any]:
    text = "".join(f"{day},{metric},mastodon,{value},{source}\n" for day, metric, value in rows)
    return folder(text, "", "", **{"posts/a.md": post})


@pytest.mark.rule("MEA002", "fires")
@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([("2027-03-11", "engagements", 0)], "nobody answered it"),
        ([("2027-03-11", "amplification_rate", 0)], "nobody shared it"),
        ([("2027-03-11", "engagements", 4), ("2027-03-12", "amplification_rate", 0)], "nobody shared it"),
        ([("2027-03-11", "engagements", 0), ("2027-03-11", "amplification_rate", 0)], "nobody answered it"),
        ([("2027-03-11", "amplification_rate", 1), ("2027-03-17", "amplification_rate", 0)], "nobody shared it"),
    ],
)
def test_a_post_that_only_money_carries(rows: list[tuple[str, str, float]], what: str, judged: Judged, lines: Lines
                                        ) -> None:
    """MEA002: a week after it went out, by the newest figures of its slot."""
    assert lines(judged([ADVERT], advert(rows), now=TODAY, sent=OUT)) == [
        f"posts/a.md:3:1: MEA002 warning: An advert, not social: {what} on mastodon in the week after 2027-03-04. Stop "
        "promoting it; pay for a post that people share by themselves. channel=mastodon"]


@pytest.mark.rule("MEA002", "near")
@pytest.mark.parametrize(
    "files",
    [
        advert([("2027-03-10", "engagements", 0)]),
        advert([("2027-03-18", "engagements", 0)]),
        advert([("2027-03-11", "engagements", 1), ("2027-03-11", "amplification_rate", 0.1)]),
        advert([("2027-03-11", "engagements", 0), ("2027-03-12", "engagements", 1)]),
        advert([("2027-03-11", "clicks", 0)]),
        advert([("2027-03-11", "engagements", 0)], post=POST.replace("promoted: {", "x-promoted: {")),
    ],
)
def test_a_post_that_people_carry(files: dict[str, Any], judged: Judged) -> None:
    """MEA002: before its week is over, with an answer and a share, or without money behind it."""
    assert judged([ADVERT], files, now=TODAY, sent=OUT) == []


@pytest.mark.rule("MEA002", "missing")
def test_without_archive_or_figures_no_post_is_judged(judged: Judged, facts: Callable[..., Facts]) -> None:
    """MEA002: it needs both; a slot without figures of its own is left out, and so is one that is not out."""
    told = [("2027-03-11", "engagements", 0.0)]

    assert facts(advert(told), now=TODAY).lacks(ADVERT) == ("ledger",)
    assert facts({**advert(told), "measures/m.csv": None}, now=TODAY, sent=OUT).lacks(ADVERT) == ("measures",)
    assert judged([ADVERT], advert(told), now=TODAY) == []
    assert judged([ADVERT], advert(told, "platform"), now=TODAY, sent=OUT) == []
    assert judged([ADVERT], advert(told, "posts/b@mastodon#1"), now=TODAY, sent=OUT) == []
    assert judged([ADVERT], advert(told), now=TODAY, sent={}) == []


def test_only_posts_that_are_paid_for_are_judged(judged: Judged) -> None:
    """MEA002: figures of other posts say nothing here."""
    files = advert([("2027-03-11", "engagements", 0)])
    other = Slot("posts/b", "mastodon")
    files["posts/b.md"] = POST.replace("promoted: {", "x-promoted: {").replace("Hello", "Bye")
    files["measures/m.csv"] += f"2027-03-11,engagements,mastodon,0,{other}\n"

    assert [problem.post for problem in judged([ADVERT], files, now=TODAY, sent={**OUT, other: OUT[A]})] == ["posts/a"]


def test_a_post_whose_hour_nobody_noted_went_out_when_it_was_planned(judged: Judged) -> None:
    """MEA002: the archive knows that it is out, the plan knows when."""
    assert len(judged([ADVERT], advert([("2027-03-11", "engagements", 0)]), now=TODAY, sent={A: None})) == 1
    assert judged([ADVERT], advert([("2027-03-10", "engagements", 0)]), now=TODAY, sent={A: None}) == []


def test_the_sample_is_counted(of_sample: Callable[..., list[Problem]], sample: Facts) -> None:
    """The sample content gives nothing to say here; the rule of the archive is not evaluated."""
    assert of_sample(figures.RULES) == []
    assert sample.lacks(UNHEARD) == ()
    assert sample.lacks(ADVERT) == ("ledger",)
