"""MNT001, MNT002, MNT004: no channel falls silent after the big day, and what was promised is kept."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.planning.rules import upkeep
from flows.planning.rules.ruling import Facts
from schemas.inbox import InboxItem
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
NOON = datetime(2027, 4, 15, 12, 0, tzinfo=UTC)
TWO = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
    '  - {id: two, network: mastodon, handle: "@two@social.example"}\n'
)


def post(at: str, channels: str = "one, two", front: str = "") -> str:
    return f"---\nat: {at}\nchannels: [{channels}]\n{front}---\nHello.\n"


# --- MNT001 -----------------------------------------------------------------------------------------------------------

RETIRE = "Plan a post for it soon; or retire it: status: retired, and a closing_notice that says where you are."


def sent(days: float, channel: str = "one", name: str = "posts/a") -> dict[Slot, datetime | None]:
    return {Slot(name, channel): NOON - timedelta(days=days)}


@pytest.mark.rule("MNT001", "fires")
def test_a_channel_that_has_gone_quiet_is_told(judged: Judged, lines: Lines) -> None:
    """MNT001: after 15 days a warning, after 31 an error; the newest post of a channel counts."""
    known = {**sent(60), **sent(15, name="posts/b"), **sent(31, "two")}

    assert lines(judged([upkeep.QUIET], {"networks/channels.yaml": TWO}, now=NOON, sent=known)) == [
        f"networks/channels.yaml:2:6: MNT001 warning: Quiet on one since 2027-03-31: 15 days without a post. {RETIRE} "
        "channel=one",
        f"networks/channels.yaml:3:6: MNT001 error: Quiet on two since 2027-03-15: 31 days without a post. {RETIRE} "
        "channel=two",
    ]


@pytest.mark.rule("MNT001", "near")
def test_a_channel_may_be_quiet_for_two_weeks(judged: Judged) -> None:
    """MNT001: 14 days by the calendar are no silence yet, and 30 are no error."""
    files = {"networks/channels.yaml": TWO}

    assert judged([upkeep.QUIET], files, now=NOON, sent=sent(14)) == []
    assert [p.severity for p in judged([upkeep.QUIET], files, now=NOON, sent=sent(30))] == ["warning"]


@pytest.mark.parametrize("knobs", ["gap_days: -1", "gap_days: .nan", "gap_max: .nan", "gap_max: -5", "gap_max: long"])
def test_a_gap_that_is_none_leaves_the_default(knobs: str, judged: Judged) -> None:
    """MNT001: a number of days that nobody can count with is not taken."""
    files = {"networks/channels.yaml": TWO, "rules.yaml": f"knobs: {{{knobs}}}\n"}

    assert judged([upkeep.QUIET], files, now=NOON, sent=sent(14)) == []
    assert [p.severity for p in judged([upkeep.QUIET], files, now=NOON, sent=sent(31))] == ["error"]


@pytest.mark.rule("MNT001", "missing")
def test_silence_is_not_judged_without_the_archive(facts: Callable[..., Facts], judged: Judged) -> None:
    """MNT001: what was published only the archive knows; where nobody looked, nothing is said and nothing passes."""
    files = {"networks/channels.yaml": TWO, "posts/a.md": post("2027-01-04 09:30")}

    assert facts(files, now=NOON).lacks(upkeep.QUIET) == ("ledger",)
    assert judged([upkeep.QUIET], files, now=NOON) == []


@pytest.mark.parametrize(
    ("status", "known"),
    [
        ("active", {}),                                           # never spoke
        ("active", sent(60, "gone")),
        ("listening", sent(60)),
        ("retired", sent(60)),
    ],
)
def test_who_has_nothing_to_say_is_not_told(status: str, known: dict[Slot, datetime | None], judged: Judged) -> None:
    """MNT001: a channel that never spoke, or has been closed, keeps nobody waiting."""
    files = {"networks/channels.yaml": TWO.replace("{id: one,", f"{{id: one, status: {status},")}

    assert judged([upkeep.QUIET], files, now=NOON, sent=known) == []


def test_a_folder_without_channels_is_not_told(judged: Judged) -> None:
    """MNT001: without channels.yaml there is no channel that could be quiet."""
    assert judged([upkeep.QUIET], {"networks/channels.yaml": None}, now=NOON, sent=sent(60)) == []


@pytest.mark.parametrize(("at", "many"), [("2027-04-01 09:30", 0), ("2027-03-31 09:30", 1), ("2027-05-01 09:30", 0)])
def test_a_time_nobody_noted_is_the_planned_one(at: str, many: int, judged: Judged) -> None:
    """MNT001: a post that is out, nobody knows when, went out when it was planned; a time to come tells nothing."""
    files = {"networks/channels.yaml": TWO, "posts/a.md": post(at, "one")}

    assert len(judged([upkeep.QUIET], files, now=NOON, sent={Slot("posts/a", "one"): None})) == many


def test_a_time_to_come_is_no_sign_of_life(judged: Judged) -> None:
    """MNT001: a post that is out, and planned for later, does not hide how long ago the others were."""
    files = {"networks/channels.yaml": TWO, "posts/a.md": post("2027-05-01 09:30", "one")}

    assert len(judged([upkeep.QUIET], files, now=NOON, sent={Slot("posts/a", "one"): None, **sent(20, name="b")})) == 1


@pytest.mark.parametrize(
    ("channel", "answered", "many"),
    [("one", 3, 0), ("one", 15, 1), ("one", None, 1), ("one", -1, 1), ("two", 3, 1)],
)
def test_answers_count_where_the_inbox_is_known(
    channel: str, answered: int | None, many: int, judged: Judged, lines: Lines
) -> None:
    """MNT001: an answer is a sign of life on its channel, when it was given."""
    at = None if answered is None else NOON - timedelta(days=answered)
    inbox = (InboxItem("item-1", channel, "question", NOON - timedelta(days=40), answered_at=at),)
    found = judged([upkeep.QUIET], {"networks/channels.yaml": TWO}, now=NOON, sent=sent(20), world=World(inbox=inbox))

    assert [line.partition(": ")[2].partition(". ")[0] for line in lines(found)] == [
        f"MNT001 warning: Quiet on one since {'2027-03-31: 15' if answered == 15 else '2027-03-26: 20'} days without a "
        "post or an answer"][:many]


@pytest.mark.parametrize(
    ("knobs", "severities"),
    [("gap_days: 20", []), ("gap_days: 19", ["warning"]), ("gap_max: 19", ["error"]), ("gap_max: 20", ["warning"]),
     ("gap_days: 90, gap_max: 10", ["error"]), ("gap_days: long", ["warning"])],
)
def test_how_long_is_a_knob(knobs: str, severities: list[str], judged: Judged) -> None:
    """MNT001: rules.yaml says how many days are too many; a word leaves them at 14 and 30."""
    files = {"networks/channels.yaml": TWO, "rules.yaml": f"knobs: {{{knobs}}}\n"}

    assert [p.severity for p in judged([upkeep.QUIET], files, now=NOON, sent=sent(20))] == severities


def test_days_change_at_home(judged: Judged) -> None:
    """MNT001: days are counted by the strategy's clock; just after its midnight it is a day later."""
    files = {"networks/channels.yaml": TWO}
    known: dict[Slot, datetime | None] = {Slot("posts/a", "one"): datetime(2027, 4, 1, 9, 0, tzinfo=UTC)}
    before, after = datetime(2027, 4, 15, 22, 59, tzinfo=UTC), datetime(2027, 4, 15, 23, 1, tzinfo=UTC)   # Dublin: +1

    assert judged([upkeep.QUIET], files, now=before, sent=known) == []
    assert len(judged([upkeep.QUIET], files, now=after, sent=known)) == 1


# --- MNT002 -----------------------------------------------------------------------------------------------------------

MEND = "campaign: mend\nstart: 2027-03-02\nend: 2027-04-12\nchannels: [one, two]\n"
DAYS = "Plan a post for it in those days, in posts/ or evergreen/."


def folder(*times: str, campaign: str = MEND, **more: str) -> dict[str, Any]:
    posts = {f"posts/p{number}.md": post(*time.split(" on ")) for number, time in enumerate(times)}
    return {"networks/channels.yaml": TWO, "campaigns/mend/campaign.yaml": campaign, **posts, **more}


@pytest.mark.rule("MNT002", "fires")
def test_a_campaign_that_would_end_in_silence_is_told(judged: Judged, lines: Lines) -> None:
    """MNT002: of each channel of the campaign for which nothing is planned; what goes out on the last day is too early.
    """
    files = folder("2027-04-12 17:15", "2027-04-22 17:15 on two", "2027-04-23 08:00 on one")

    assert lines(judged([upkeep.SILENT_END], files)) == [
        "campaigns/mend/campaign.yaml:4:12: MNT002 error: mend would end in silence on one: nothing is planned from "
        f"2027-04-13 to 2027-04-22. {DAYS} channel=one"
    ]


@pytest.mark.parametrize("at", ["2027-04-13 00:00", "2027-04-22 23:30"])
@pytest.mark.rule("MNT002", "near")
def test_the_tenth_day_is_in_time(at: str, judged: Judged) -> None:
    """MNT002: from the first minute of the day after the end to the last one of the tenth day."""
    assert judged([upkeep.SILENT_END], folder(f"{at} on one", f"{at} on two", **{
        "networks/channels.yaml": f"stagger: 1m\n{TWO}"})) == []


@pytest.mark.rule("MNT002", "missing")
def test_a_campaign_without_an_end_is_not_judged(judged: Judged) -> None:
    """MNT002: nobody knows what comes after a day that is not written; a campaign without channels has no silent one.
    """
    assert judged([upkeep.SILENT_END], folder(campaign=MEND.replace("end:", "x-end:"))) == []
    assert judged([upkeep.SILENT_END], folder(campaign=MEND.replace("channels:", "x-channels:"))) == []
    assert judged([upkeep.SILENT_END], folder(campaign=MEND.replace("[one, two]", "[]"))) == []


def test_no_campaign_ends_in_a_small_folder(judged: Judged) -> None:
    """MNT002: without a campaign there is nothing to say."""
    assert judged([upkeep.SILENT_END], {}) == []


@pytest.mark.parametrize(("day", "many"), [(12, 1), (13, 1), (22, 1), (23, 0)])
def test_what_is_over_is_not_told(day: int, many: int, judged: Judged) -> None:
    """MNT002: until the tenth day somebody can still speak; after that the silence is over or another rule's matter."""
    files = folder("2027-04-14 09:30 on two", "2027-04-11 09:30 on one")

    assert len(judged([upkeep.SILENT_END], files, now=datetime(2027, 4, day, 12, 0, tzinfo=UTC))) == many


@pytest.mark.parametrize(
    ("known", "silent"),
    [
        (None, []),
        ({}, ["one", "two"]),                                     # the archive knows that nothing went out
        ({("posts/p0", "one"): None}, ["two"]),
        ({("posts/p0", "one"): NOON, ("posts/old", "two"): NOON}, []),      # the file is gone; the post was read
    ],
)
def test_what_was_due_counts_when_it_went_out(
    known: dict[tuple[str, str], datetime | None] | None, silent: list[str], judged: Judged
) -> None:
    """MNT002: of the past the archive is believed, where somebody looked."""
    went = None if known is None else {Slot(*slot): at for slot, at in known.items()}
    found = judged([upkeep.SILENT_END], folder("2027-04-14 09:30"), now=datetime(2027, 4, 18, tzinfo=UTC), sent=went)

    assert [problem.channel for problem in found] == silent


@pytest.mark.parametrize(
    ("knob", "many"),
    [("3d", 1), ("4d", 0), ("1w", 0), ("1mo", 0), ("0d", 0), ("2", 0), ("soon", 0), ("48h", 0), ("99999mo", 0)],
)
def test_how_soon_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """MNT002: rules.yaml says how long the first silence may last, in days, weeks or months; else it is ten days."""
    files = folder("2027-04-16 09:30", **{"rules.yaml": f"knobs: {{after_first: {knob}}}\n"})

    assert len({problem.message for problem in judged([upkeep.SILENT_END], files)}) == 2 * many


def test_channels_that_its_posts_use_are_the_campaigns(judged: Judged, lines: Lines) -> None:
    """MNT002: a campaign that names no channels has those of its posts; it is told at its end."""
    files = folder(campaign=MEND.replace("channels:", "x-channels:"), **{
        "campaigns/mend/posts/launch.md": post("2027-03-02 09:30", "two")})

    assert lines(judged([upkeep.SILENT_END], files)) == [
        "campaigns/mend/campaign.yaml:3:1: MNT002 error: mend would end in silence on two: nothing is planned from "
        f"2027-04-13 to 2027-04-22. {DAYS} channel=two"
    ]


def test_a_channel_that_takes_no_posts_is_not_told(judged: Judged) -> None:
    """MNT002: a retired channel and one that does not exist have rules of their own."""
    files = folder("2027-04-13 09:30 on one", campaign=MEND.replace("[one, two]", "[one, two, three]"),
                   **{"networks/channels.yaml": TWO.replace("{id: two,", "{id: two, status: retired,")})

    assert judged([upkeep.SILENT_END], files) == []


def test_what_waits_for_its_network_is_planned(judged: Judged) -> None:
    """MNT002: a channel whose network is not supported yet has its posts all the same; one on hold says nothing."""
    other = TWO.replace("id: two, network: mastodon", "id: two, network: hashnode")
    held = post("2027-04-13 09:30", "one", "hold: not yet\n")

    found = judged([upkeep.SILENT_END], folder("2027-04-14 09:30 on two", **{
        "networks/channels.yaml": other, "posts/held.md": held}))

    assert [problem.channel for problem in found] == ["one"]


# --- MNT004 -----------------------------------------------------------------------------------------------------------

AFTER = "end: 2027-04-12\nchannels: [one, two]\nmaintenance: {owner: wren, until: 2027-10-31, cadence: 1/4w}\n"


def upheld(*times: str, cadence: str = "1/4w", day: str = "2027-05-11", more: str = "") -> dict[str, Any]:
    campaign = f"campaign: mend\nstart: 2027-03-02\n{AFTER.replace('1/4w', cadence)}{more}"
    return {"now": datetime.fromisoformat(f"{day}T12:00+00:00"), "files": folder(*times, campaign=campaign)}


@pytest.mark.rule("MNT004", "fires")
def test_a_cadence_that_is_not_kept_is_told(judged: Judged, lines: Lines) -> None:
    """MNT004: how often was promised, how often it was, and since when; a post counts once on all channels together."""
    assert lines(judged([upkeep.PROMISED], **upheld("2027-05-04 09:30", "2027-04-12 09:30", cadence="1/2w"))) == [
        "campaigns/mend/campaign.yaml:5:47: MNT004 warning: Promised 1/2w after mend: 1 of 2 posts went out since "
        "2027-04-13. Plan the next one for one and two, or promise less under maintenance: cadence."
    ]


@pytest.mark.rule("MNT004", "fires")
def test_a_commitment_past_its_day_is_told(judged: Judged, lines: Lines) -> None:
    """MNT004: what was promised in public, by whom, and for when."""
    files = folder(campaign=f"{MEND}commitments:\n  - {{text: Publish the count, due: 2027-03-19, owner: wren}}\n"
                            "  - {text: Thank all, due: 2027-03-19, done: 2027-04-01}\n")

    assert lines(judged([upkeep.PROMISED], files, now=datetime(2027, 3, 20, 12, 0, tzinfo=UTC))) == [
        "campaigns/mend/campaign.yaml:6:31: MNT004 warning: Promised by wren for 2027-03-19, and not done: 'Publish "
        "the count'. Keep it, tell people, and write done: with the day.",
        "campaigns/mend/campaign.yaml:7:23: MNT004 warning: Promised for 2027-03-19, and not done: 'Thank all'. Keep "
        "it, tell people, and write done: with the day.",
    ]


@pytest.mark.rule("MNT004", "near")
def test_a_promise_that_is_kept_is_not_told(judged: Judged) -> None:
    """MNT004: the first whole minute of 28 days is inside; on its day a commitment is not past, and done is done."""
    commitments = "commitments: [{text: A, due: 2027-05-11}, {text: B, due: 2027-05-10, done: 2027-05-11}]\n"

    assert judged([upkeep.PROMISED], **upheld("2027-04-13 00:00 on one", more=commitments)) == []
    assert judged([upkeep.PROMISED], **upheld("2027-05-11 13:00 on two", "2027-04-14 09:30 on one")) == []


@pytest.mark.parametrize("gone", ["cadence: 1/4w", "end: 2027-04-12"])
@pytest.mark.rule("MNT004", "missing")
def test_what_was_not_promised_is_not_judged(gone: str, judged: Judged) -> None:
    """MNT004: without a cadence, an end, or a day by which something is due, nothing was promised in time."""
    files = folder(campaign=f"campaign: mend\n{AFTER.replace(gone, f'x-{gone}')}commitments: [{{text: Some day}}]\n")

    assert judged([upkeep.PROMISED], files, now=datetime(2027, 6, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("day", "many"), [("2027-05-10", 0), ("2027-05-11", 1), ("2027-10-31", 1), ("2027-11-01", 0)])
def test_the_cadence_holds_from_28_days_after_the_end_to_its_own(day: str, many: int, judged: Judged) -> None:
    """MNT004: before 28 days have passed nobody knows; after `until` nothing is promised."""
    assert len(judged([upkeep.PROMISED], **upheld(day=day))) == many


@pytest.mark.parametrize(
    ("cadence", "day", "times", "said"),
    [
        ("2/3w", "2027-06-01", ["2027-05-20 09:30"], "1 of 2 posts went out since 2027-05-04"),       # 2.67 in 28 days
        ("2/3w", "2027-06-01", ["2027-05-20 09:30", "2027-05-04 09:30"], None),
        ("1/1mo", "2027-05-12", [], None),                                     # a month after the end is not over
        ("1/1mo", "2027-05-13", [], "0 of 1 post went out since 2027-04-13"),
        ("2/6w", "2027-05-24", [], None),
        ("2/6w", "2027-05-25", ["2027-04-13 09:30"], "1 of 2 posts went out since 2027-04-13"),
        ("1/12h", "2027-05-11", ["2027-05-01 09:30"], "1 of 56 posts went out since 2027-04-13"),
        ("1/99999w", "2027-05-11", [], None),
        ("1/99999mo", "2027-05-11", [], None),
        ("1/30m", "2027-05-11", [], "0 of 1344 posts went out since 2027-04-13"),
    ],
)
def test_any_cadence_is_counted(
    cadence: str, day: str, times: list[str], said: str | None, judged: Judged
) -> None:
    """MNT004: within 28 days as many as fit whole; what is promised for a longer time is judged over that time."""
    found = judged([upkeep.PROMISED], **upheld(*times, cadence=cadence, day=day))

    assert [problem.message for problem in found] == ([f"Promised {cadence} after mend: {said}."] if said else [])


@pytest.mark.parametrize(
    ("known", "many"),
    [(None, 0), ({}, 1), ({("posts/p0", "one"): None}, 0), ({("posts/old", "two"): NOON}, 0)],
)
def test_the_archive_knows_what_went_out(
    known: dict[tuple[str, str], datetime | None] | None, many: int, judged: Judged
) -> None:
    """MNT004: what is planned counts until somebody looks into the archive; a post whose file is gone was said."""
    went = None if known is None else {Slot(*slot): at for slot, at in known.items()}

    assert len(judged([upkeep.PROMISED], **upheld("2027-05-01 09:30"), sent=went)) == many


def test_what_is_still_to_come_was_not_said(judged: Judged) -> None:
    """MNT004: a post of tomorrow keeps no promise of the last weeks."""
    assert len(judged([upkeep.PROMISED], **upheld("2027-05-12 09:30"))) == 1


def test_a_campaign_whose_channels_are_gone_is_not_told(judged: Judged) -> None:
    """MNT004: where nothing can go out no cadence can be kept."""
    made = upheld()
    made["files"]["networks/channels.yaml"] = TWO.replace("network:", "status: retired, network:")

    assert judged([upkeep.PROMISED], **made) == []


def test_runs_of_a_repeat_count_each(judged: Judged) -> None:
    """MNT004: a post that comes round is a post each time."""
    made = upheld(cadence="2/4w")
    made["files"]["posts/again.md"] = "---\nevery: 2w at 09:30\nfrom: 2027-04-13\nruns: 9\n---\nHello.\n"

    assert judged([upkeep.PROMISED], **made) == []


def test_done_on_a_later_day_is_not_done(judged: Judged) -> None:
    """MNT004: a day to come has not come."""
    files = folder(campaign=f"{MEND}commitments: [{{text: A, due: 2027-03-19, done: 2027-03-21}}]\n")

    assert len(judged([upkeep.PROMISED], files, now=datetime(2027, 3, 20, 12, 0, tzinfo=UTC))) == 1
    assert judged([upkeep.PROMISED], files, now=datetime(2027, 3, 21, 12, 0, tzinfo=UTC)) == []


# --- the sample -------------------------------------------------------------------------------------------------------


def test_the_sample_goes_on_after_its_campaign(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here: the kettle comes within ten days on each of its channels."""
    assert of_sample(upkeep.RULES) == []
