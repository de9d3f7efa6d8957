"""CMP001 to CMP005: a campaign comes from a strategy, late enough to have a base, and with an end that is planned."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.planning.rules import campaigns
from flows.planning.rules.ruling import Facts
from schemas.history import History
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
STRATEGY = (
    "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"
    "social_goals:\n"
    "  - {id: members, text: More members, audience: renters, insights: [fixers/shy]}\n"
    "tactics: [{id: tips, goals: [members], channels: [mastodon]}]\n"
)
KEPT = "maintenance: {owner: wren, until: 2027-10-31, cadence: 1/4w, hours: 20}\n"
FROM_STRATEGY = "goals: [{goal: members}]\naudiences: [renters]\nchannels: [mastodon]\n"
DAYS = "start: 2027-03-02\nend: 2027-04-12\n"
FILE = "campaigns/spring/campaign.yaml"


def folder(text: str, **more: str | bytes | None) -> dict[str, Any]:
    return {"strategy.yaml": STRATEGY, FILE: text, **more}


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=UTC)


def test_the_sample_has_a_sound_frame(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample campaign starts six months and a day after its strategy, and is planned beyond its end."""
    assert of_sample(campaigns.RULES) == []


# --- CMP001 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("CMP001", "fires")
@pytest.mark.parametrize(("start", "early"), [("2027-02-28", "1 day"), ("2027-01-01", "59 days")])
def test_a_start_within_six_months_is_too_early(start: str, early: str, judged: Judged, lines: Lines) -> None:
    """CMP001: the message has the days that are missing, and the first day that would do."""
    assert lines(judged([campaigns.TOO_SOON], folder(f"campaign: spring\nstart: {start}\n"))) == [
        f"campaigns/spring/campaign.yaml:2:1: CMP001 error: Starts {early} too early: the base needs 6 months from "
        "2026-09-01 on. Start on 2027-03-01 or later, or have the sponsor sign a waiver for CMP001 in rules.yaml."
    ]


@pytest.mark.rule("CMP001", "near")
def test_six_months_to_the_day_are_enough(judged: Judged) -> None:
    """CMP001: the very day is not too early; months are calendar months, and the 31st is a short month's last."""
    late = {"strategy.yaml": "strategy: mend\nstart: 2026-08-31\ntimezone: UTC\n"}

    assert judged([campaigns.TOO_SOON], folder("start: 2027-03-01\n")) == []
    assert judged([campaigns.TOO_SOON], folder("start: 2027-02-28\n", **late)) == []


@pytest.mark.rule("CMP001", "missing")
@pytest.mark.parametrize(
    "files",
    [
        folder("campaign: spring\n"),
        folder("start: 2026-09-02\n", **{"strategy.yaml": None}),
        folder("start: 2026-09-02\nstrategy: other\n"),
        folder("start: 2026-09-02\n", **{"strategy.yaml": "strategy: [\n"}),
        {"strategy.yaml": STRATEGY},
    ],
)
def test_without_both_starts_nothing_can_be_too_early(files: dict[str, Any], judged: Judged) -> None:
    """CMP001: no start, no strategy, one that is not there or not readable, no campaign: others say that."""
    assert judged([campaigns.TOO_SOON], files) == []


@pytest.mark.parametrize(
    ("lead", "said"),
    [
        ("8w", "8 weeks from 2026-09-01 on. Start on 2026-10-27"),
        ("1mo", "1 month from 2026-09-01 on. Start on 2026-10-01"),
        ("25h", "25 hours from 2026-09-01 on. Start on 2026-09-03"),
        ("long", "6 months from 2026-09-01 on. Start on 2027-03-01"),
        ("180", "6 months from 2026-09-01 on. Start on 2027-03-01"),
        ("[6mo]", "6 months from 2026-09-01 on. Start on 2027-03-01"),
    ],
)
def test_the_lead_is_a_knob(lead: str, said: str, judged: Judged, lines: Lines) -> None:
    """CMP001: rules.yaml sets another lead; what is no duration leaves it at six months."""
    files = folder("start: 2026-09-02\n", **{"rules.yaml": f"knobs: {{lead: {lead}}}\n"})
    found = lines(judged([campaigns.TOO_SOON], files, now=at("2026-09-01")))

    assert [said in line for line in found] == [True]


def test_a_campaign_that_is_over_is_prepared_no_more(judged: Judged) -> None:
    """CMP001: told on the last day, and not on the day after."""
    files = folder("start: 2027-01-10\nend: 2027-01-20\n")

    assert len(judged([campaigns.TOO_SOON], files, now=at("2027-01-20"))) == 1
    assert judged([campaigns.TOO_SOON], files, now=at("2027-01-21")) == []


def test_each_campaign_is_judged_by_its_own_strategy(judged: Judged) -> None:
    """CMP001: of two strategies the one it names counts."""
    files = folder("start: 2027-03-02\nstrategy: sell\n", **{
        "strategies/sell.yaml": "strategy: sell\nstart: 2026-12-01\ntimezone: UTC\n"})

    assert [problem.code for problem in judged([campaigns.TOO_SOON], files)] == ["CMP001"]
    assert judged([campaigns.TOO_SOON], {**files, FILE: "start: 2027-03-02\nstrategy: mend\n"}) == []


# --- CMP002 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("CMP002", "fires")
def test_what_the_strategy_does_not_have_is_named(judged: Judged, lines: Lines) -> None:
    """CMP002: each goal, audience and channel that is none of the strategy's, at its place."""
    text = "goals: [{goal: members}, {goal: fame}]\naudiences: [renters, crowds]\nchannels: [mastodon, radio]\n"

    assert lines(judged([campaigns.ESTRANGED], folder(text))) == [
        "campaigns/spring/campaign.yaml:1:27: CMP002 error: The goal fame is not in the strategy (mend). Write it "
        "under social_goals: of the strategy first, and agree on it, or take it out here.",
        "campaigns/spring/campaign.yaml:2:22: CMP002 error: The audience crowds is not in the strategy (mend). Name it "
        "in a social goal of the strategy, or in a channel (audiences:), or take it out here.",
        "campaigns/spring/campaign.yaml:3:22: CMP002 error: The channel radio is not in the strategy (mend). Name it "
        "in a tactic of the strategy, or take it out here.",
    ]


@pytest.mark.rule("CMP002", "near")
def test_what_the_strategy_has_in_any_way_is_its_own(judged: Judged) -> None:
    """CMP002: an audience of a goal, of its insight or of a channel; a channel of a tactic, or of no tactic at all."""
    channels = (
        "channels:\n"
        '  - {id: mastodon, network: mastodon, handle: "@us@social.example", audiences: [neighbours]}\n'
        "  - {id: linkedin, network: linkedin}\n"
    )
    text = "goals: [{goal: members}]\naudiences: [renters, fixers, neighbours]\nchannels: [mastodon, linkedin]\n"

    assert judged([campaigns.ESTRANGED], folder(text, **{"networks/channels.yaml": channels})) == []


@pytest.mark.rule("CMP002", "missing")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The campaign takes no goals, audiences or channels from the strategy. Add goals:, audiences: and "
         "channels: with those of mend that it works for."),
        ("goals: [{goal: members}]\nchannels: [mastodon]\n", "The campaign takes no audiences from the strategy. Add "
         "audiences: with those of mend that it works for."),
    ],
)
def test_a_campaign_that_takes_nothing_is_told(text: str, said: str, judged: Judged, lines: Lines) -> None:
    """CMP002: what is missing is named once, at the top of the file."""
    assert lines(judged([campaigns.ESTRANGED], folder(f"campaign: spring\n{text}"))) == [
        f"campaigns/spring/campaign.yaml:1:1: CMP002 error: {said}"
    ]


def test_a_campaign_without_a_strategy_is_told(judged: Judged, lines: Lines) -> None:
    """CMP002: whether it names one or not; where the strategy cannot be read, that is told elsewhere."""
    none = folder("strategy: mend\n", **{"strategy.yaml": None})
    said = ("CMP002 error: There is no strategy that the campaign could come from. Write strategy.yaml first: what a "
            "campaign wants, from whom and where, comes from there.")

    assert lines(judged([campaigns.ESTRANGED], none)) == [f"campaigns/spring/campaign.yaml:1:1: {said}"]
    assert lines(judged([campaigns.ESTRANGED], {**none, FILE: DAYS})) == [f"campaigns/spring/campaign.yaml:1:1: {said}"]
    assert judged([campaigns.ESTRANGED], {**none, "strategy.yaml": "strategy: [\n"}) == []


TWO = {
    "networks/channels.yaml": (
        "channels:\n"
        '  - {id: mastodon, network: mastodon, handle: "@us@social.example"}\n'
        "  - {id: linkedin, network: linkedin}\n"
        "  - {id: instagram, network: instagram, goals: [members]}\n"
    ),
    "strategies/sell.yaml": (
        "strategy: sell\nstart: 2026-09-01\ntimezone: UTC\nsocial_goals: [{id: sales, text: Sales, audience: buyers}]\n"
        "tactics: [{id: sell-it, goals: [sales], channels: [mastodon, linkedin, instagram]}]\n"
    ),
}


def test_one_of_several_strategies_has_to_be_named(judged: Judged, lines: Lines) -> None:
    """CMP002: without a name nobody knows which; a name that leads nowhere is REF001's."""
    assert lines(judged([campaigns.ESTRANGED], folder(FROM_STRATEGY, **TWO))) == [
        "campaigns/spring/campaign.yaml:1:1: CMP002 error: There are 2 strategies, and the campaign does not say which "
        "one it comes from. Add strategy: with one of mend or sell."
    ]
    assert judged([campaigns.ESTRANGED], folder(f"strategy: ours\n{FROM_STRATEGY}", **TWO)) == []


def test_what_belongs_to_another_strategy_is_a_stranger(judged: Judged) -> None:
    """CMP002: a channel that only another strategy's tactics name, unless it works for a goal of this one."""
    text = "strategy: mend\ngoals: [{goal: sales}]\naudiences: [buyers]\nchannels: [mastodon, linkedin, instagram]\n"
    found = judged([campaigns.ESTRANGED], folder(text, **TWO))

    assert [problem.message for problem in found] == [
        "The goal sales is not in the strategy (mend).",
        "The audience buyers is not in the strategy (mend).",
        "The channel linkedin is not in the strategy (mend).",
    ]


def test_unreadable_channels_make_no_strangers(judged: Judged) -> None:
    """CMP002: whom channels are for is not known then; goals still are."""
    text = "goals: [{goal: fame}]\naudiences: [crowds]\nchannels: [mastodon]\n"
    found = judged([campaigns.ESTRANGED], folder(text, **{"networks/channels.yaml": "channels: [\n"}))

    assert [problem.message for problem in found] == ["The goal fame is not in the strategy (mend)."]


# --- CMP003 -----------------------------------------------------------------------------------------------------------


def history(first: str | None, id: str = "spring") -> World:
    entities = {("campaign", id): at(first)} if first else {}
    return World(history=History({}, entities, {}))


@pytest.mark.rule("CMP003", "fires")
@pytest.mark.parametrize(
    ("first", "start", "ahead"),
    [
        ("2027-02-01", "2027-03-02", "29 days before it starts"),
        ("2027-03-01", "2027-03-02", "1 day before it starts"),
        ("2027-03-02", "2027-03-02", "on the day it starts"),
        ("2027-03-04", "2027-03-02", "2 days after its start"),
    ],
)
def test_a_campaign_written_down_late_is_a_rush(
    first: str, start: str, ahead: str, judged: Judged, lines: Lines
) -> None:
    """CMP003: the day of its first commit, and the first start that would leave time."""
    earliest = {"2027-02-01": "2027-03-03", "2027-03-01": "2027-03-31", "2027-03-02": "2027-04-01"}
    found = judged([campaigns.RUSHED], folder(f"start: {start}\n"), world=history(first), now=at("2027-03-05"))

    assert lines(found) == [
        f"campaigns/spring/campaign.yaml:1:1: CMP003 warning: A rush: it was written down on {first}, {ahead}. "
        f"Consider groundwork only, or start on {earliest.get(first, '2027-04-03')} or later."
    ]


@pytest.mark.rule("CMP003", "near")
def test_thirty_days_are_no_rush(judged: Judged) -> None:
    """CMP003: exactly thirty days; an own id is known as well as the folder's name."""
    assert judged([campaigns.RUSHED], folder("start: 2027-03-03\n"), world=history("2027-02-01")) == []
    named = folder("campaign: mending\nstart: 2027-03-03\n")
    assert judged([campaigns.RUSHED], named, world=history("2027-02-01", "mending"), now=at("2027-02-20")) == []


@pytest.mark.rule("CMP003", "missing")
def test_without_history_a_rush_is_not_evaluated(facts: Callable[..., Facts], judged: Judged) -> None:
    """CMP003: nobody looked into Git; without a start there is nothing to compare."""
    files = folder("start: 2027-01-05\n")

    assert facts(files).lacks(campaigns.RUSHED) == ("history",)
    assert judged([campaigns.RUSHED], files) == []
    assert judged([campaigns.RUSHED], folder(KEPT), world=history("2027-01-04")) == []


def test_what_was_never_committed_is_written_down_today(judged: Judged) -> None:
    """CMP003: it can be told before the first commit; the notice is a knob; nothing is told when it is over."""
    files = folder("start: 2027-02-02\nend: 2027-02-20\n")
    shorter = {**files, "rules.yaml": "knobs: {notice_days: 29}\n"}

    assert [one.message for one in judged([campaigns.RUSHED], files, world=history(None))] == [
        "A rush: it was written down on 2027-01-04, 29 days before it starts."
    ]
    assert judged([campaigns.RUSHED], shorter, world=history(None)) == []
    assert judged([campaigns.RUSHED], files, world=history("2027-02-01"), now=at("2027-02-21")) == []
    assert len(judged([campaigns.RUSHED], files, world=history("2027-02-01"), now=at("2027-02-20"))) == 1


# --- CMP004 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("CMP004", "fires")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start: 2027-03-02\nend: 2027-03-01\n", "2:1: CMP004 error: The campaign ends on 2027-03-01, before it starts "
         "on 2027-03-02. Turn the two days round, or correct one."),
        ("start: 2027-03-01\nend: 2027-05-24\n", "2:1: CMP004 warning: The campaign lasts 85 days; more than 84 tire "
         "people. End it on 2027-05-23, or make two of it with a pause between them."),
    ],
)
def test_a_campaign_ends_in_time(text: str, said: str, judged: Judged, lines: Lines) -> None:
    """CMP004: after its start, and within twelve weeks."""
    assert lines(judged([campaigns.ENDLESS], folder(text))) == [f"campaigns/spring/campaign.yaml:{said}"]


@pytest.mark.rule("CMP004", "near")
@pytest.mark.parametrize("end", ["2027-03-01", "2027-05-23"])
def test_one_day_is_a_campaign_and_twelve_weeks_are(end: str, judged: Judged) -> None:
    """CMP004: the first and the last length that will do."""
    assert judged([campaigns.ENDLESS], folder(f"start: 2027-03-01\nend: {end}\n")) == []


@pytest.mark.rule("CMP004", "missing")
def test_a_campaign_without_days_is_told(judged: Judged, lines: Lines) -> None:
    """CMP004: no end, and no start either; no campaign, nothing to tell."""
    end = ("campaigns/spring/campaign.yaml:1:1: CMP004 error: The campaign has no end. Add end: YYYY-MM-DD. What has "
           "no end is no campaign; its posts belong to posts/.")
    start = ("campaigns/spring/campaign.yaml:1:1: CMP004 error: The campaign has no first day. "
             "Add start: YYYY-MM-DD.")

    assert lines(judged([campaigns.ENDLESS], folder("start: 2020-03-02\n"))) == [end]
    assert lines(judged([campaigns.ENDLESS], folder("title: Spring\n"))) == [end, start]
    assert judged([campaigns.ENDLESS], {}) == []


@pytest.mark.parametrize(("knob", "many"), [("85", 0), ("84", 1), ("-3", 1), ("9999999999", 1), ("'90'", 1)])
def test_the_longest_campaign_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """CMP004: rules.yaml may allow more; what is no number of days leaves it at 84."""
    files = folder("start: 2027-03-01\nend: 2027-05-24\n", **{"rules.yaml": f"knobs: {{max_days: {knob}}}\n"})

    assert len(judged([campaigns.ENDLESS], files)) == many


def test_days_the_wrong_way_round_are_told_until_both_are_over(judged: Judged) -> None:
    """CMP004: an end in the past does not hide a start to come."""
    files = folder("start: 2027-03-02\nend: 2026-04-12\n")

    assert len(judged([campaigns.ENDLESS], files, now=at("2027-03-02"))) == 1
    assert judged([campaigns.ENDLESS], files, now=at("2027-03-03")) == []


# --- CMP005 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("CMP005", "fires")
@pytest.mark.parametrize(
    ("maintenance", "said"),
    [
        (
            "{owner: wren, until: 2027-07-10, cadence: 1/4w, hours: 20}",
            "3:28: CMP005 error: Maintenance goes on until 2027-07-10, less than 90 days after the end (2027-04-12). "
            "Set until: to 2027-07-11 or later.",
        ),
        (
            "{owner: wren, until: 2027-10-31, cadence: 1/4w, hours: 0}",
            "3:62: CMP005 error: Nobody has an hour for what happens after the end. Write how many hours it takes; "
            "answering and one post every four weeks take some.",
        ),
        (
            "{until: 2027-10-31, hours: 0.5}",
            "3:1: CMP005 error: What happens after the end has no owner or cadence. Add owner: and cadence: under "
            "maintenance:.",
        ),
        (
            "{owner: wren, until: 2027-10-31, cadence: 1/4w}",
            "3:1: CMP005 error: What happens after the end has no hours. Add hours: under maintenance:.",
        ),
    ],
)
def test_the_time_after_the_end_is_planned(maintenance: str, said: str, judged: Judged, lines: Lines) -> None:
    """CMP005: long enough, with somebody, some hours and a cadence."""
    files = folder(f"{DAYS}maintenance: {maintenance}\n")

    assert lines(judged([campaigns.DROPPED], files)) == [f"campaigns/spring/campaign.yaml:{said}"]


@pytest.mark.rule("CMP005", "near")
def test_ninety_days_and_some_hours_are_enough(judged: Judged) -> None:
    """CMP005: exactly ninety days; half an hour is more than none."""
    kept = "maintenance: {owner: wren, until: 2027-07-11, cadence: 1/4w, hours: 0.5}\n"

    assert judged([campaigns.DROPPED], folder(DAYS + kept)) == []


@pytest.mark.rule("CMP005", "missing")
def test_no_maintenance_at_all_is_told(judged: Judged, lines: Lines) -> None:
    """CMP005: with the day after the end, where there is one."""
    remedy = "Add maintenance: with owner, until, cadence and hours."

    assert lines(judged([campaigns.DROPPED], folder(DAYS))) == [
        "campaigns/spring/campaign.yaml:1:1: CMP005 error: Nobody has planned what happens on 2027-04-13, the day "
        f"after the end. {remedy}"
    ]
    assert lines(judged([campaigns.DROPPED], folder("title: Spring\n"))) == [
        "campaigns/spring/campaign.yaml:1:1: CMP005 error: Nobody has planned what happens after its last day. "
        f"{remedy}"
    ]
    assert judged([campaigns.DROPPED], folder(f"start: 2027-03-02\n{KEPT}")) == []
    assert judged([campaigns.DROPPED], folder("start: [\n")) == []


def test_maintenance_is_judged_for_a_year(judged: Judged) -> None:
    """CMP005: it goes on after the end, so it is told then too; after a year the campaign is history."""
    assert len(judged([campaigns.DROPPED], folder(DAYS), now=at("2028-04-11"))) == 1
    assert judged([campaigns.DROPPED], folder(DAYS), now=at("2028-04-12")) == []


@pytest.mark.parametrize(("knob", "many"), [("202", 0), ("203", 1), ("x", 0)])
def test_the_days_after_are_a_knob(knob: str, many: int, judged: Judged) -> None:
    """CMP005: rules.yaml may ask for more; what is no number leaves it at ninety."""
    files = folder(DAYS + KEPT, **{"rules.yaml": f"knobs: {{after_days: {knob}}}\n"})

    assert len(judged([campaigns.DROPPED], files)) == many
