"""MNT003: once a campaign has begun there is a check-in each week, with those who decide, and actions are done."""
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.planning.rules import meetings
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
NOON = datetime(2027, 3, 31, 12, 0, tzinfo=UTC)                   # a Wednesday, in week 13
BOTH = ("people:\n  - {id: ilse, roles: [sponsor]}\n  - {id: wren, roles: [social_manager]}\n"
        "  - {id: pip, roles: [author]}\n")
LEADS = "Neither sponsor nor social manager (ilse and wren) was at a check-in from 2027-W09 to 2027-W12."
COME = "Choose an hour when one of them can come, and write under present: who was there."


def folder(start: str = "2027-03-01", team: str = BOTH, **weeks: str) -> dict[str, Any]:
    """`w12` is the front matter of checkins/2027-W12.md."""
    held = {f"checkins/2027-{name.upper()}.md": f"---\n{front}\n---\n" for name, front in weeks.items()}
    return {"people/team.yaml": team, "campaigns/mend/campaign.yaml": f"campaign: mend\nstart: {start}\n", **held}


@pytest.mark.rule("MNT003", "fires")
def test_weeks_without_a_check_in_are_told(judged: Judged, lines: Lines) -> None:
    """MNT003: the last whole week is a warning, the last two are an error."""
    hold = "Hold the weekly check-in, and write it down in checkins/2027-W12.md."

    assert lines(judged(meetings.RULES, folder(w11="present: [wren]"), now=NOON)) == [
        f"campaigns/mend/campaign.yaml:2:1: MNT003 warning: No check-in in week 2027-W12. {hold}"]
    assert lines(judged(meetings.RULES, folder(w10="present: [wren]"), now=NOON)) == [
        "campaigns/mend/campaign.yaml:2:1: MNT003 error: No check-in in two weeks, 2027-W11 and 2027-W12. " + hold]


@pytest.mark.parametrize(("status", "told"), [("retired", 0), ("listening", 1), ("active", 1)])
def test_where_every_channel_is_retired_nobody_has_to_meet(status: str, told: int, judged: Judged) -> None:
    """MNT003: a programme that was closed needs no check-ins; what was agreed is still overdue."""
    channels = {"networks/channels.yaml": f'channels: [{{id: a, network: mastodon, handle: "@a@b.example", '
                                          f'status: {status}}}]\n'}
    overdue = folder(w08="actions: [{text: Close the account, due: 2027-03-01}]")

    assert len(judged(meetings.RULES, {**folder(), **channels}, now=NOON)) == told
    assert len(judged(meetings.RULES, {**overdue, **channels}, now=NOON)) == told + 1


@pytest.mark.rule("MNT003", "fires")
def test_four_weeks_without_those_who_decide_are_told(judged: Judged, lines: Lines) -> None:
    """MNT003: at the newest check-in, when neither came to any of four weeks; who is not written down was not there."""
    files = folder(w09="present: [pip]", w12="date: 2027-03-26\npresent: [pip]")

    assert lines(judged(meetings.RULES, files, now=NOON)) == [
        f"checkins/2027-W12.md:3:1: MNT003 warning: {LEADS} {COME}"]
    assert lines(judged(meetings.RULES, folder(w12="date: 2027-03-26"), now=NOON)) == [
        f"checkins/2027-W12.md:1:1: MNT003 warning: {LEADS} {COME}"]


@pytest.mark.rule("MNT003", "fires")
def test_an_overdue_action_is_told(judged: Judged, lines: Lines) -> None:
    """MNT003: what was agreed, by whom, and for how long it has been due."""
    files = folder(w12="present: [wren]\nactions:\n  - {text: Photograph the kettle, owner: pip, due: 2027-03-23}\n"
                       "  - {text: Thank the shop, due: 2027-03-01, done: 2027-04-01}")

    assert lines(judged(meetings.RULES, files, now=NOON)) == [
        "checkins/2027-W12.md:4:47: MNT003 warning: Overdue for 8 days: 'Photograph the kettle' by pip. Do it and "
        "write done: with the day, or agree on another due:.",
        "checkins/2027-W12.md:5:28: MNT003 warning: Overdue for 30 days: 'Thank the shop'. Do it and write done: with "
        "the day, or agree on another due:.",
    ]


@pytest.mark.rule("MNT003", "near")
def test_one_check_in_and_one_of_them_are_enough(judged: Judged) -> None:
    """MNT003: last week's check-in, one of the two once in four weeks, and an action seven days late."""
    files = folder(w09="present: [ilse]", w12="present: [pip]\nactions: [{text: A, due: 2027-03-24}, {text: B, due: "
                                              "2027-03-01, done: 2027-03-31}]")

    assert judged(meetings.RULES, files, now=NOON) == []


@pytest.mark.parametrize(
    "campaign", ["campaign: mend\n", "campaign: mend\nstart: 2027-04-01\n", None])
@pytest.mark.rule("MNT003", "missing")
def test_before_a_campaign_begins_nobody_has_to_meet(campaign: str | None, judged: Judged) -> None:
    """MNT003: without a campaign, without its first day, and before it, check-ins are not judged."""
    files = {**folder(w09="actions: [{text: A, due: 2026-01-01}]"), "campaigns/mend/campaign.yaml": campaign}

    assert judged(meetings.RULES, files, now=NOON) == []


@pytest.mark.rule("MNT003", "missing")
def test_what_cannot_be_known_is_not_told(judged: Judged) -> None:
    """MNT003: a check-in that cannot be read was held, by whom nobody knows; without names nobody is missed; an action
    without a day is never late.
    """
    torn = {**folder(w11="present: [pip]"), "checkins/2027-W12.md": "---\npresent: [\n---\n"}
    nobody = folder(team="people:\n  - {id: pip}\n", w12="present: [pip]\nactions: [{text: A}]")

    assert judged(meetings.RULES, torn, now=NOON) == []
    assert judged(meetings.RULES, nobody, now=NOON) == []


@pytest.mark.parametrize(
    ("start", "day", "severities"),
    [
        ("2027-03-23", 28, []),                                   # W12 began the day before the campaign
        ("2027-03-22", 28, []),                                   # its first week is not over
        ("2027-03-22", 29, ["warning"]),
        ("2027-03-16", 29, ["warning"]),                          # W11 is no whole week of it
        ("2027-03-15", 29, ["error"]),
    ],
)
def test_only_whole_weeks_since_the_first_day_count(
    start: str, day: int, severities: list[str], judged: Judged
) -> None:
    """MNT003: weeks run from Monday to Sunday; the one in which the campaign began late is not asked for."""
    now = datetime(2027, 3, day, 12, 0, tzinfo=UTC)

    assert [problem.severity for problem in judged(meetings.RULES, folder(start), now=now)] == severities


def test_actions_are_asked_for_from_the_first_day(judged: Judged) -> None:
    """MNT003: on the day on which the first campaign begins, what was agreed before it is judged already."""
    files = folder("2027-03-31", w05="actions: [{text: A, due: 2027-02-05}]")

    (found,) = judged(meetings.RULES, files, now=NOON)
    assert found.place.file == "content/checkins/2027-W05.md"


def test_who_came_before_that_does_not_count(judged: Judged) -> None:
    """MNT003: five weeks ago is too long."""
    files = folder("2027-02-01", w08="present: [wren]", w12="present: [pip]")

    assert len(judged(meetings.RULES, files, now=NOON)) == 1


def test_the_first_campaign_counts(judged: Judged) -> None:
    """MNT003: weeks are counted from the earliest campaign that has begun, and told there."""
    files = {**folder("2027-03-30"), "campaigns/early/campaign.yaml": "campaign: early\nstart: 2027-03-01\n",
             "campaigns/later/campaign.yaml": "campaign: later\nstart: 2028-03-01\n"}

    (found,) = judged(meetings.RULES, files, now=NOON)
    assert (found.place.file, found.severity) == ("content/campaigns/early/campaign.yaml", "error")


@pytest.mark.parametrize(
    ("name", "front", "many"),
    [
        ("2027-W12", "", 0),
        ("2027-W12", "date: 2027-03-29", 0),                      # held on Monday for the week before
        ("2027-W12", "date: 2027-03-31", 0),
        ("2027-W12", "date: 2027-04-01", 1),                      # tomorrow
        ("monday", "date: 2027-03-22", 0),
        ("sunday", "date: 2027-03-28", 0),
        ("monday", "date: 2027-03-29", 1),
        ("2027-W99", "date: 2027-03-26", 0),
        ("2027-W99", "", 1),
        ("0000-W01", "date: 2027-03-26", 0),
        ("2027-W13", "date: 2027-03-26", 1),
    ],
)
def test_a_check_in_is_for_the_week_of_its_name(name: str, front: str, many: int, judged: Judged) -> None:
    """MNT003: the name of the file says the week, else its date does; what lies in the future was not held."""
    files = {**folder(w11="present: [wren]"), f"checkins/{name}.md": f"---\n{front}\n---\nNotes.\n"}

    assert len(judged(meetings.RULES, files, now=NOON)) == many


def test_weeks_run_over_the_new_year(judged: Judged) -> None:
    """MNT003: 2026 has a week 53, and the last week of a year may lie in the next."""
    files = {"people/team.yaml": BOTH, "campaigns/mend/campaign.yaml": "campaign: mend\nstart: 2026-12-01\n",
             "checkins/2026-W53.md": "---\npresent: [wren]\n---\n"}

    assert judged(meetings.RULES, files, now=datetime(2027, 1, 5, 12, 0, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("team", "strategy", "many"),
    [
        (BOTH, "", 1),
        ("people:\n  - {id: pip, roles: [sponsor]}\n  - {id: wren, roles: [social_manager]}\n", "", 0),
        ("people:\n  - {id: pip, roles: [sponsor], active: false}\n  - {id: wren, roles: [social_manager]}\n", "", 1),
        ("people:\n  - {id: pip}\n  - {id: ilse}\n", "sponsor: {person: ilse}\n", 1),
        ("people:\n  - {id: pip}\n", "sponsor: {person: pip}\n", 0),
        ("people:\n  - {id: pip}\n", "sponsor: {approved: 2026-10-01}\n", 0),
    ],
)
def test_who_decides_stands_in_team_and_strategy(team: str, strategy: str, many: int, judged: Judged) -> None:
    """MNT003: those with the role who are still there, and the strategy's sponsor."""
    files = folder(team=team, w12="present: [pip]")
    files["strategy.yaml"] = f"strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n{strategy}"

    assert len(judged(meetings.RULES, files, now=NOON)) == many


def test_three_weeks_are_too_few_to_miss_somebody(judged: Judged) -> None:
    """MNT003: four whole weeks since the first day have to be over."""
    assert judged(meetings.RULES, folder("2027-03-02", w12="present: [pip]"), now=NOON) == []


def test_the_sample_meets_every_week(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here."""
    assert of_sample(meetings.RULES) == []
