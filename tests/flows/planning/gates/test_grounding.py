"""Lines of LAUNCH that only the world can answer, and when a campaign may start by the calendar."""
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from schemas.gate import Gate
from schemas.history import History
from schemas.ledger import Slot
from schemas.world import Trial, World

Sample = Callable[..., dict[str, Gate]]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
Edits = Mapping[str, tuple[str, str] | list[tuple[str, str]] | str | None]
LAUNCH = "LAUNCH of spring-mend"
NOW = datetime(2027, 3, 17, 9, 0, tzinfo=UTC)
NAMES = ("mastodon", "bluesky", "linkedin", "archive", "CRM")


def trials(**changed: Trial) -> World:
    """Everything passed an hour ago, but for what is named."""
    passed = {name: Trial(NOW - timedelta(hours=1)) for name in NAMES}
    return World(trials={**passed, **changed})


# --- connections and dry run ------------------------------------------------------------------------------------------

TRIALS = (
    (World(), "amber", "no connection test is recorded", "Run 'drumbeat connect mastodon --test'.", "wren"),
    (trials(), "green", "passed: mastodon, bluesky, linkedin, archive and 1 more", "", "wren"),
    (trials(linkedin=Trial(NOW - timedelta(hours=24))), "green",
     "passed: mastodon, bluesky, linkedin, archive and 1 more", "", "wren"),
    (trials(linkedin=Trial(NOW - timedelta(hours=24, seconds=1))), "amber",
     "older than a day: linkedin; passed: mastodon, bluesky, archive and CRM",
     "Run 'drumbeat connect linkedin --test'.", "odile"),
    (trials(bluesky=Trial(NOW, "the app password is wrong.")), "red",
     "failed: bluesky (the app password is wrong); passed: mastodon, linkedin, archive and CRM",
     "Run 'drumbeat connect bluesky --test'.", "wren"),
    (World(trials={}), "amber", "never tested: mastodon, bluesky, linkedin, archive and 1 more",
     "Run 'drumbeat connect mastodon --test'.", "wren"),
    (trials(CRM=Trial(NOW - timedelta(days=2))), "amber",
     "older than a day: CRM; passed: mastodon, bluesky, linkedin and archive",
     "Set DRUMBEAT_CRM_URL to an address of membership-db that answers, then run 'drumbeat doctor'.",
     "wren"),
    (World(why={"trials": "tests are not kept here"}), "amber", "tests are not kept here",
     "Run 'drumbeat connect mastodon --test'.", "wren"),
)


@pytest.mark.parametrize(("world", "state", "evidence", "remedy", "owner"), TRIALS)
def test_connections(sample_gates: Sample, told_line: Told, world: World, state: str, evidence: str, remedy: str,
                     owner: str) -> None:
    """Every channel, archive and CRM passed within 24 hours; what failed is red, what is old or unknown amber."""
    gate = sample_gates(world=world)[LAUNCH]

    assert told_line(gate, "LAUNCH-connections") == (state, evidence, remedy, owner)


def test_of_two_channels_on_a_network_the_one_is_named(sample_gates: Sample, told_line: Told) -> None:
    """The command tests the channel that is meant."""
    second = ("  - id: bluesky\n", "  - {id: second, network: mastodon, handle: two}\n\n  - id: bluesky\n")

    gate = sample_gates(edits={"networks/channels.yaml": second})[LAUNCH]

    assert told_line(gate, "LAUNCH-connections")[2] == "Run 'drumbeat connect mastodon --channel mastodon --test'."


RUNS = (
    (World(), "amber", "no rehearsal is recorded"),
    (World(dry_runs={}), "amber", "nobody has rehearsed it yet"),
    (World(dry_runs={"spring-mend": datetime(2027, 2, 20, 23, 30, tzinfo=UTC)}), "green", "rehearsed on 2027-02-20"),
)


@pytest.mark.parametrize(("world", "state", "evidence"), RUNS)
def test_dry_run(sample_gates: Sample, told_line: Told, world: World, state: str, evidence: str) -> None:
    """A rehearsal that played the whole campaign; without one nobody can tell whether it works."""
    told = told_line(sample_gates(world=world)[LAUNCH], "LAUNCH-rehearsal")

    assert told[:2] == (state, evidence)
    assert told[2] == ("" if state == "green" else "Run 'drumbeat up --rehearse --until \"2027-04-13 00:00\"'.")


def test_a_rehearsal_leaves_out_what_only_the_world_knows(sample_gates: Sample) -> None:
    """A rehearsal is the dry run, so nobody waits for connections, followers or regulars in one."""
    real, rehearsed = (sample_gates(world=World(rehearsal=rehearsal))[LAUNCH] for rehearsal in (False, True))

    assert {line.key for line in real.lines} - {line.key for line in rehearsed.lines} == {
        "LAUNCH-connections", "LAUNCH-rehearsal", "LAUNCH-followers", "LAUNCH-regulars"}
    assert rehearsed.state == "green"


# --- what groundwork built --------------------------------------------------------------------------------------------

FOLLOWERS = (
    ("2026-09-01,followers,mastodon,600,p\n2027-03-17,followers,mastodon,601,p\n", "mastodon from 600 to 601"),
    ("2026-08-01,followers,mastodon,500,p\n2026-08-31,followers,mastodon,600,p\n2027-03-17,followers,mastodon,601,p\n",
     "mastodon from 600 to 601"),
    ("2026-10-01,followers,mastodon,590,p\n2026-11-01,followers,mastodon,700,p\n2027-03-18,followers,mastodon,1,p\n",
     "mastodon from 590 to 700"),
)


@pytest.mark.parametrize(("lines", "evidence"), FOLLOWERS)
def test_followers_grew_since_groundwork_began(sample_gates: Sample, told_line: Told, lines: str,
                                               evidence: str) -> None:
    """Compared are the newest count and the last one up to the strategy's first day, else the first one after it."""
    edits = {"measures/2027.csv": f"date,metric,channel,value,source\n{lines}",
             "campaigns/spring-mend/campaign.yaml": ("channels: [mastodon, bluesky, linkedin]", "channels: [mastodon]")}

    gate = sample_gates(edits=edits)[LAUNCH]

    assert told_line(gate, "LAUNCH-followers")[:2] == ("green", evidence)


def test_one_count_is_none(sample_gates: Sample, told_line: Told) -> None:
    """With a single figure a channel has nothing to compare: nobody can tell."""
    edits = {"measures/2027.csv": "date,metric,channel,value,source\n2027-03-01,followers,mastodon,5,p\n"}

    assert told_line(sample_gates(edits=edits)[LAUNCH], "LAUNCH-followers") == (
        "amber", "counted less than twice: mastodon, bluesky and linkedin",
        "Write the figures into measures/<year>.csv: followers of mastodon, bluesky and linkedin, when groundwork "
        "began and today.", "wren")


GIVES = ("2026-12-17", "2026-12-24", "2026-12-31", "2027-01-07", "2027-01-14", "2027-01-21")
QUIET: Edits = dict.fromkeys((
    "posts/sharpen-a-chisel.md", "posts/what-is-broken-at-home.md", "posts/meet-the-fixers.md",
    "posts/spring-list-thread.md", "posts/what-was-wrong-with-the-kettle.md", "evergreen/loose-screw.md"))


def given(*days: str) -> Edits:
    """A sample with one give at noon on each of these days, and the posts of its campaign."""
    posts = {f"posts/give-{day}.md": f"---\nat: {day} 12:00\nchannels: [mastodon]\n---\nOn {day}.\n" for day in days}
    return {**QUIET, **posts, "campaigns/spring-mend/campaign.yaml": ("start: 2027-03-02", "start: 2027-05-02")}


BASES = (
    ("2027-03-17", GIVES, "green", "6 gives since 2026-12-17, 90 days, by the plan alone", ""),
    ("2027-03-16", GIVES, "red", "6 of 6 gives, 89 of 90 days since the first, on 2026-12-17, by the plan alone",
     "Wait for 1 more day. By the plan, that is so on 2027-03-17."),
    ("2027-03-17", (*GIVES[:5], "2027-03-30"), "red",
     "5 of 6 gives, 90 of 90 days since the first, on 2026-12-17, by the plan alone",
     "Wait for 1 more give. By the plan, that is so on 2027-03-30."),
    ("2027-03-17", (), "red", "nothing was given there yet, by the plan alone",
     "Wait for 6 more gives and 90 more days. By the plan, that is not in sight: plan more gives."),
)


@pytest.mark.parametrize(("day", "gives", "state", "evidence", "remedy"), BASES)
def test_base_of_a_channel(sample_gates: Sample, told_line: Told, day: str, gives: tuple[str, ...], state: str,
                           evidence: str, remedy: str) -> None:
    """Six gives and ninety days, to the day; what is missing, and when the plan has it."""
    edits = {**given(*gives), **{f"campaigns/spring-mend/posts/{name}.md": None for name in
             ("launch", "first-ask", "answered-your-questions", "drill-day", "last-call", "thanks")}}

    gate = sample_gates(day, edits)[LAUNCH]

    assert told_line(gate, "base on mastodon") == (state, evidence, remedy, "wren")


def test_the_archive_says_what_is_out(sample_gates: Sample, told_line: Told) -> None:
    """Where the archive was asked, only what is in it counts."""
    out = {Slot("posts/sharpen-a-chisel", "mastodon"): datetime(2026, 11, 5, 12, 30, tzinfo=UTC)}

    gate = sample_gates(sent=out)[LAUNCH]

    assert told_line(gate, "base on mastodon")[:2] == (
        "red", "1 of 6 gives, 132 of 90 days since the first, on 2026-11-05")
    assert told_line(gate, "base on bluesky")[:2] == ("red", "nothing was given there yet")


def test_knobs_of_the_base(sample_gates: Sample, told_line: Told) -> None:
    """unlock_gives and unlock_days of rules.yaml are what is asked for."""
    knobs = {"rules.yaml": ("unlock_gives: 6\n  unlock_days: 90", "unlock_gives: 11\n  unlock_days: 132")}

    assert told_line(sample_gates(edits=knobs)[LAUNCH], "base on mastodon")[1] == (
        "10 of 11 gives, 132 of 132 days since the first, on 2026-11-05, by the plan alone")


# --- when it may start ------------------------------------------------------------------------------------------------

CAMPAIGN = "campaigns/spring-mend/campaign.yaml"
EARLIEST: tuple[tuple[Edits, World, date], ...] = (
    ({}, World(), date(2027, 3, 1)),
    ({"strategy.yaml": ("start: 2026-09-01", "start: 2026-10-31")}, World(), date(2027, 4, 30)),
    ({CAMPAIGN: ("live: 2027-01-18", "live: 2027-03-10")}, World(), date(2027, 4, 7)),
    ({"rules.yaml": ("unlock_days: 90", "unlock_days: 200")}, World(), date(2027, 5, 24)),
    ({"rules.yaml": ("unlock_gives: 6", "unlock_gives: 600")}, World(), date(2027, 3, 1)),
    ({}, World(history=History({}, {("campaign", "spring-mend"): datetime(2027, 2, 20, tzinfo=UTC)}, {})),
     date(2027, 3, 22)),
    ({}, World(history=History({}, {}, {})), date(2027, 4, 16)),
)


@pytest.mark.parametrize(("edits", "world", "day"), EARLIEST)
def test_earliest_start(sample_gates: Sample, edits: Edits, world: World, day: date) -> None:
    """The latest of lead, base, landing page and notice; what the plan does not tell is left out."""
    assert sample_gates(edits=edits, world=world)[LAUNCH].earliest == day


def test_without_a_strategy_there_is_no_earliest_start(sample_gates: Sample) -> None:
    """Nobody can count from nothing."""
    assert sample_gates(edits={"strategy.yaml": None})[LAUNCH].earliest is None


def test_what_waiting_adds(sample_gates: Sample) -> None:
    """Four weeks from the first day on: gives that are planned anyway, asks that unlock, pages that can be found."""
    days = [f"2027-05-{day:02}" for day in (2, 9, 16, 23, 29, 30)]
    edits = {**given(*GIVES[:5], *days), "rules.yaml": ("unlock_gives: 6", "unlock_gives: 7"),
             CAMPAIGN: [("start: 2027-03-02", "start: 2027-05-02"), ("live: 2027-01-18", "live: 2027-04-10")]}

    gate = sample_gates("2027-03-17", edits)[LAUNCH]

    assert gate.waiting_adds == (
        "5 more gives on mastodon.", "Asks unlock on mastodon on 2027-05-09.",
        "https://millracetools.example/spring-mend can be found by 2027-05-08.")


def test_its_own_posts_are_not_what_waiting_adds(sample_gates: Sample) -> None:
    """The posts of a campaign move with it, so they are no groundwork."""
    gate = sample_gates("2027-03-17", given(*GIVES[:5]))[LAUNCH]

    assert gate.waiting_adds == ()


def test_a_green_launch_waits_for_nothing(sample_gates: Sample) -> None:
    """What waiting would bring is told only where somebody waits."""
    assert sample_gates(world=World(rehearsal=True))[LAUNCH].waiting_adds == ()
