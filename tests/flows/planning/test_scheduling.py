"""Every slot gets exactly one instant or a reason why not; clock changes, staggers and free slots fall where the
page says.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.planning.preparing import Prepared
from flows.planning.scheduling import schedule
from flows.planning.timing import instant
from schemas.hold import Moved
from schemas.ledger import Slot
from schemas.plan import Plan

Make = Callable[..., Prepared]
Tell = Callable[..., list[str]]
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def channels(*more: str, **common: str) -> str:
    """channels.yaml: `more` are the fields of each channel a, b, c… beside its id, network and handle. None quiet."""
    common = {"quiet_hours": '"03:00-03:00"', **common}
    top = "".join(f"{key}: {value}\n" for key, value in common.items())
    return f"{top}channels:\n" + "".join(
        f'  - {{id: {id}, network: mastodon, handle: "@{id}@social.example"{", " if own else ""}{own}}}\n'
        for id, own in zip("abcdef", more, strict=False)
    )


_said = count(1)


SLOT_FORMS = "slot: thu 12:30', 'slot: next' or 'slot: next after 2027-04-19"


def post(front: str, body: str | None = None) -> str:
    """A post; none says what another has said already."""
    return f"---\n{front}---\n{body or f'Hello number {next(_said)}.'}\n"


def times(made: Prepared | Plan) -> dict[str, str]:
    """Every slot of the plan with its instant, in the order in which they go out."""
    plan = made.plan if isinstance(made, Prepared) else made
    return {str(item.slot): f"{item.at:%Y-%m-%d %H:%MZ}" for item in plan.items}


def whys(made: Prepared) -> dict[str, str]:
    return {str(waiting.slot): waiting.why for waiting in made.plan.waiting}


# --- clock changes ------------------------------------------------------------------------------------------


def first_minute_not_before(local: datetime, zone: str) -> datetime:
    """The first UTC minute at which a clock on the wall shows `local` or later, found by looking at every minute."""
    wall, minute = ZoneInfo(zone), local.replace(tzinfo=UTC) - timedelta(hours=30)
    while minute.astimezone(wall).replace(tzinfo=None) < local:
        minute += timedelta(minutes=1)
    return minute


@pytest.mark.parametrize(("zone", "local", "at", "shifted"), [
    ("Europe/Dublin", "2027-03-28 00:59", "2027-03-28 00:59", ""),
    ("Europe/Dublin", "2027-03-28 01:00", "2027-03-28 01:00", "does not exist that day; 02:00 is used"),
    ("Europe/Dublin", "2027-03-28 01:59", "2027-03-28 01:00", "does not exist that day; 02:00 is used"),
    ("Europe/Dublin", "2027-03-28 02:00", "2027-03-28 01:00", ""),
    ("Europe/Dublin", "2027-10-31 01:30", "2027-10-31 00:30", "happens twice that day; the first is used"),
    ("America/New_York", "2027-03-14 02:30", "2027-03-14 07:00", "does not exist that day; 03:00 is used"),
    ("Australia/Lord_Howe", "2027-10-03 02:15", "2027-10-02 15:30", "does not exist that day; 02:30 is used"),
    ("Australia/Lord_Howe", "2027-04-04 01:45", "2027-04-03 14:45", "happens twice that day; the first is used"),
    ("Antarctica/Troll", "2027-03-28 02:30", "2027-03-28 01:00", "does not exist that day; 03:00 is used"),
    ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00", "does not exist that day; 00:00 is used"),
    ("America/Scoresbysund", "2027-03-27 23:30", "2027-03-28 01:00", "does not exist that day; 00:00 is used"),
    ("UTC", "2027-03-28 01:30", "2027-03-28 01:30", ""),
])
def test_clock_changes_are_kept_to(zone: str, local: str, at: str, shifted: str) -> None:
    """A time that does not exist moves to the first that does, a doubled one takes the first, at each side of the
    change.
    """
    wanted = datetime.fromisoformat(local)

    found = instant(wanted, zone)

    assert (f"{found.at:%Y-%m-%d %H:%M}", found.shifted) == (at, shifted)
    assert found.at == first_minute_not_before(wanted, zone)


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(
        [
            "Europe/Dublin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Antarctica/Troll",
            "Africa/Casablanca",
            "Asia/Kathmandu",
            "America/St_Johns",
            "Pacific/Chatham",
            "Asia/Gaza",
            "Africa/El_Aaiun",
            "America/Sao_Paulo",
            "Asia/Tehran",
        ]
    ),
    day=st.dates(min_value=date(1980, 1, 1), max_value=date(2036, 12, 31)),
    minute=st.integers(0, 24 * 60 - 1),
)
def test_any_local_time_is_the_first_minute_that_shows_it_or_later(zone: str, day: Any, minute: int) -> None:
    """In any zone, any local time happens at the first minute at which the wall shows it, or has passed it."""
    local = datetime.combine(day, time(minute // 60, minute % 60))

    assert instant(local, zone).at == first_minute_not_before(local, zone)


def test_every_minute_around_every_change_of_a_year() -> None:
    """Each minute of the six hours around both changes of 2027 in three zones falls where looking at every minute
    says.
    """
    for zone, days in (
        ("Europe/Dublin", ("2027-03-28", "2027-10-31")),
        ("Australia/Lord_Howe", ("2027-04-04", "2027-10-03")),
        ("America/New_York", ("2027-03-14", "2027-11-07")),
    ):
        for day in days:
            start, wall = datetime.fromisoformat(f"{day} 00:00"), ZoneInfo(zone)
            shown = [(m, m.astimezone(wall).replace(tzinfo=None)) for m in
                     (start.replace(tzinfo=UTC) + timedelta(minutes=n) for n in range(-26 * 60, 32 * 60))]
            for number in range(6 * 60):
                local = start + timedelta(minutes=number)
                assert instant(local, zone).at == next(m for m, on_wall in shown if on_wall >= local)


def test_a_shifted_time_is_told(prepared: Make, told: Tell) -> None:
    """SCH006 warns where the time stands, names what is used, and the post goes out then; an hour later there is
    nothing to tell.
    """
    made = prepared({"networks/channels.yaml": channels(""), "posts/a.md": post("at: 2027-03-28 01:30\n"),
                     "posts/b.md": post("at: 2027-03-28 03:30\n")})

    assert told(made.problems) == [
        "content/posts/a.md:2:1: warning: 2027-03-28 01:30 does not exist that day; 02:00 is used (Europe/Dublin). "
        "[SCH006] "
        "Choose a time outside the clock change if that is not what you want."
    ]
    assert times(made) == {"posts/a@a#1": "2027-03-28 01:00Z", "posts/b@a#1": "2027-03-28 02:30Z"}


# --- fixed times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "placed"),
    [
        ("2027-07-01 09:30", {"a": "2027-07-01 08:30Z", "b": "2027-07-01 08:50Z", "c": "2027-07-01 09:10Z"}),
        ("2027-07-01T09:30", {"a": "2027-07-01 08:30Z", "b": "2027-07-01 08:50Z", "c": "2027-07-01 09:10Z"}),
        ("2027-07-01 09:30Z", {"a": "2027-07-01 09:30Z", "b": "2027-07-01 09:50Z", "c": "2027-07-01 10:10Z"}),
        ("2027-07-01 09:30+05:30", {"a": "2027-07-01 04:00Z", "b": "2027-07-01 04:20Z", "c": "2027-07-01 04:40Z"}),
        ("2027-07-01 00:30 -01:00", {"a": "2027-07-01 01:30Z", "b": "2027-07-01 01:50Z", "c": "2027-07-01 02:10Z"}),
        (
            "{default: 2027-07-01 09:30, b: 2027-07-02 18:00}",
            {"a": "2027-07-01 08:30Z", "c": "2027-07-01 09:10Z", "b": "2027-07-02 17:00Z"},
        ),
        (
            "{a: 2027-07-01 09:30, b: 2027-07-01 09:30, c: 2027-07-01 09:30}",
            {"a": "2027-07-01 08:30Z", "b": "2027-07-01 08:30Z", "c": "2027-07-01 08:30Z"},
        ),
    ],
)
def test_fixed_times_are_staggered_unless_a_channel_has_its_own(
    at: str, placed: dict[str, str], prepared: Make
) -> None:
    """Channel k goes out k staggers after the time, in the order of channels.yaml; its own time is taken as it is."""
    made = prepared(
        {"networks/channels.yaml": channels("", "", ""), "posts/p.md": post(f"at: {at}\nchannels: [c, b, a]\n")}
    )

    assert times(made) == {f"posts/p@{channel}#1": moment for channel, moment in placed.items()}
    assert [p.code for p in made.problems] == (["SCH003"] if len(set(placed.values())) == 1 else [])


def test_the_stagger_is_the_teams(prepared: Make) -> None:
    """stagger: in channels.yaml is what lies between two channels, on the clock of the world and not of the wall."""
    made = prepared(
        {"networks/channels.yaml": channels("", "", stagger="90m"), "posts/p.md": post("at: 2027-03-28 00:30\n")}
    )

    assert times(made) == {"posts/p@a#1": "2027-03-28 00:30Z", "posts/p@b#1": "2027-03-28 02:00Z"}


@pytest.mark.parametrize(("front", "own", "frame", "zone"), [
    ("timezone: Asia/Tokyo\n", "timezone: America/New_York", "Europe/Dublin", "Asia/Tokyo"),
    ("", "timezone: America/New_York", "Europe/Dublin", "America/New_York"),
    ("", "", "Europe/Dublin", "Europe/Dublin"),
    ("", "", None, "UTC"),
])
def test_zones_are_inherited(front: str, own: str, frame: str | None, zone: str, prepared: Make) -> None:
    """Post before channel before strategy before UTC; the item says which."""
    made = prepared({"networks/channels.yaml": channels(own), "posts/p.md": post(f"at: 2027-07-01 09:30\n{front}"),
                     "strategy.yaml": f"strategy: m\nstart: 2026-09-01\ntimezone: {frame}\n" if frame else None})

    [item] = made.plan.items
    assert (item.zone, item.at) == (zone, datetime(2027, 7, 1, 9, 30, tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("at", "said", "why"),
    [
        (
            "tomorrow",
            "2:1: error: at: 'tomorrow' is not a time. [SYN002] Write it as YYYY-MM-DD HH:MM.",
            "'tomorrow' is not a time",
        ),
        (
            "2027-03-04 9:30",
            "2:1: error: at: '2027-03-04 9:30' is not a time. [SYN002] Write it as YYYY-MM-DD HH:MM.",
            "'2027-03-04 9:30' is not a time",
        ),
        (
            "2027-03-04 09:30:30",
            "2:1: error: at: '2027-03-04 09:30:30' is not a time. [SYN002] Write it as YYYY-MM-DD HH:MM.",
            "'2027-03-04 09:30:30' is not a time",
        ),
        ("''", "2:1: error: at: '' is not a time. [SYN002] Write it as YYYY-MM-DD HH:MM.", "'' is not a time"),
        (
            "2027-02-30 09:30",
            "2:1: error: at: there is no 2027-02-30 09:30. [SYN002] Write a day and a time that exist.",
            "there is no 2027-02-30 09:30",
        ),
        (
            "2027-03-04 24:00",
            "2:1: error: at: there is no 2027-03-04 24:00. [SYN002] Write a day and a time that exist.",
            "there is no 2027-03-04 24:00",
        ),
        (
            "2027-03-04 09:30+25:00",
            "2:1: error: at: there is no 2027-03-04 09:30+25:00. [SYN002] Write a day and a time that exist.",
            "there is no 2027-03-04 09:30+25:00",
        ),
        (
            "0001-01-01 00:00",
            "2:1: error: at: there is no 0001-01-01 00:00. [SYN002] Write a day and a time that exist.",
            "there is no 0001-01-01 00:00",
        ),
        (
            "9999-12-31 23:59-12:00",
            "2:1: error: at: there is no 9999-12-31 23:59-12:00. [SYN002] Write a day and a time that exist.",
            "there is no 9999-12-31 23:59-12:00",
        ),
        (
            "{mastodon: soon}",
            "2:6: error: at: 'soon' is not a time. [SYN002] Write it as YYYY-MM-DD HH:MM.",
            "'soon' is not a time",
        ),
        (
            "{}",
            "2:1: error: at: no time for mastodon. [SYN002] Add 'default:' or a time for it.",
            "it has no time for this channel",
        ),
    ],
)
def test_what_is_no_time_waits_and_says_so(at: str, said: str, why: str, prepared: Make, told: Tell) -> None:
    """What is no time at all is an error, and is never guessed at."""
    made = prepared({"posts/p.md": post(f"at: {at}\n")})

    assert told(made.problems) == [f"content/posts/p.md:{said}"]
    assert (times(made), whys(made)) == ({}, {"posts/p@mastodon#1": why})


def test_a_wrong_time_of_one_channel_stops_only_that_channel(prepared: Make) -> None:
    """The other channels of the post have a time, and keep it."""
    made = prepared(
        {"networks/channels.yaml": channels("", ""), "posts/p.md": post("at: {a: 2027-07-01 09:30, b: soon}\n")}
    )

    assert (times(made), whys(made)) == ({"posts/p@a#1": "2027-07-01 08:30Z"}, {"posts/p@b#1": "'soon' is not a time"})


def test_a_time_for_a_channel_the_post_does_not_go_to_is_an_error(prepared: Make, told: Tell) -> None:
    """REF001 at the line of the time, with the channels there are."""
    made = prepared({"posts/p.md": post("at:\n  default: 2027-07-01 09:30\n  linkdin: 2027-07-01 10:30\n")})

    assert told(made.problems) == [
        "content/posts/p.md:4:3: error: at: the post does not go to a channel 'linkdin'. [REF001] Its channels: "
        "mastodon."
    ]


@pytest.mark.parametrize(
    ("key", "value", "example"),
    [
        ("slot", "nxet", SLOT_FORMS),
        ("slot", "next week", SLOT_FORMS),
        ("slot", "tue 25:00", SLOT_FORMS),
        ("slot", "next after 2027-02-30", SLOT_FORMS),
        ("after", "hello", "after: first-post + 2d"),
        ("after", "hello + 2 days", "after: first-post + 2d"),
        ("every", "friday", "every: 4w on friday at 17:15"),
        ("every", "4w on freitag", "every: 4w on friday at 17:15"),
        ("every", "2h", "every: 4w on friday at 17:15"),
    ],
)
def test_what_is_no_form_of_time_is_an_error(key: str, value: str, example: str, prepared: Make, told: Tell) -> None:
    """SYN002: a slip in slot, after or every is an error with an example."""
    made = prepared({"posts/p.md": post(f"{key}: {value}\n"), "posts/hello.md": post("at: 2027-07-01 09:30\n")})

    assert told(made.problems) == [
        f"content/posts/p.md:2:1: error: {key}: '{value}' is not a time. [SYN002] Write it like '{example}'."
    ]
    assert whys(made) == {"posts/p@mastodon#1": f"'{key}: {value}' is not a time"}


@pytest.mark.parametrize(
    ("front", "said"),
    [
        (
            "not_after: 2027-07-01 09:45\n",
            "3:1: error: on b it would go out after its not_after. [SCH001] Move the time earlier, or not_after later.",
        ),
        (
            "not_before: 2027-07-01 09:45\n",
            "3:1: error: on a it would go out before its not_before. [SCH001] Move the time later, or not_before "
            "earlier.",
        ),
        (
            "not_after: 2027-07-01 08:45Z\n",
            "3:1: error: on b it would go out after its not_after. [SCH001] Move the time earlier, or not_after later.",
        ),
        ("not_after: 2027-07-01 09:50\n", None),
        ("not_before: 2027-07-01 09:30\n", None),
    ],
)
def test_a_time_outside_the_window_is_an_error(front: str, said: str | None, prepared: Make, told: Tell) -> None:
    """SCH001 stops the channel whose staggered time leaves the window, and no other; the very minute is inside."""
    made = prepared({"networks/channels.yaml": channels("", ""), "posts/p.md": post(f"at: 2027-07-01 09:30\n{front}")})

    assert told(made.problems) == ([f"content/posts/p.md:{said}"] if said else [])
    assert len(times(made)) == (1 if said else 2)
    assert {item.not_after for item in made.plan.items} == (
        {datetime(2027, 7, 1, 8, 45 if said else 50, tzinfo=UTC)} if "after" in front else {None})


@pytest.mark.parametrize(
    ("front", "why"),
    [
        ("hold: waiting for the photo\n", "held by its author: waiting for the photo"),
        ("withdraw: true\n", "its file says withdraw: true"),
    ],
)
def test_a_held_post_waits_with_its_time(front: str, why: str, prepared: Make) -> None:
    """What its author holds keeps its time and does not go out."""
    made = prepared({"posts/p.md": post(f"at: 2027-07-01 09:30\n{front}")})

    assert [(w.why, w.at) for w in made.plan.waiting] == [(why, datetime(2027, 7, 1, 8, 30, tzinfo=UTC))]
    assert made.problems == ()


@pytest.mark.parametrize(
    ("front", "own", "grace"), [("", "", 7200.0), ("", "grace: 30m", 1800.0), ("grace: 1d\n", "grace: 30m", 86400.0)]
)
def test_grace_is_inherited(front: str, own: str, grace: float, prepared: Make) -> None:
    """How late a post may be: its own word, its channel's, or two hours."""
    made = prepared({"networks/channels.yaml": channels(own), "posts/p.md": post(f"at: 2027-07-01 09:30\n{front}")})

    assert [item.grace_s for item in made.plan.items] == [grace]


@pytest.mark.parametrize(
    ("at", "stage"),
    [
        ("2027-03-01 23:59", "groundwork"),
        ("2027-03-02 00:00", "campaign"),
        ("2027-04-12 23:59", "campaign"),
        ("2027-04-13 00:00", "maintenance"),
    ],
)
def test_the_stage_is_that_of_the_local_day(at: str, stage: str, prepared: Make) -> None:
    """A campaign's days are whole days of the strategy's zone, first and last included; its own posts keep to them."""
    made = prepared(
        {
            "campaigns/c/campaign.yaml": "campaign: spring\nstart: 2027-03-02\nend: 2027-04-12\n",
            "campaigns/c/posts/p.md": post(f"at: {at}\n"),
            "posts/q.md": post("at: 2027-03-20 10:00\n"),
        }
    )

    own = {"c/p": stage} if stage == "campaign" else {}
    assert {item.post.id: item.stage for item in made.plan.items} == {**own, "posts/q": "groundwork"}
    assert [p.code for p in made.problems if p.severity == "error"] == ([] if own else ["SCH004"])


@pytest.mark.parametrize("stagger", ["99999w", "20m"])
def test_times_that_leave_the_calendar_are_errors(stagger: str, prepared: Make) -> None:
    """A stagger of two thousand years stops the channels it pushes out of the calendar, and nothing is raised."""
    made = prepared(
        {
            "networks/channels.yaml": channels(*[""] * 6, stagger=stagger, min_gap="99999w"),
            "posts/p.md": post("at: 2027-07-01 09:30\n"),
            "posts/q.md": post("slot: next\ngrace: 99999w\n"),
        }
    )

    assert len([slot for slot in times(made) if "posts/p" in slot]) == (1 if stagger == "99999w" else 6)
    assert [p.message for p in made.problems if p.code == "SYN002"] == [
        f"at: with its stagger, {c} would get it after the year 2999." for c in ("bcdef" if stagger == "99999w" else "")
    ]


# --- free slots ---------------------------------------------------------------------------------------------

WEEK = 'slots: ["tue 08:45", "thu 12:30"]'


def test_posts_without_a_time_take_the_next_free_slots(prepared: Make) -> None:
    """slot: next, and no time at all, take free slots in order: campaign posts first, then always-on posts, then
    series.
    """
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK),
            "posts/b.md": post(""),
            "posts/a.md": post("slot: next\n"),
            "campaigns/z/posts/c.md": post("slot: next\n"),
            "evergreen/s/a.md": post(""),
        }
    )

    assert times(made) == {
        "z/c@a#1": "2027-01-05 08:45Z",
        "posts/a@a#1": "2027-01-07 12:30Z",
        "posts/b@a#1": "2027-01-12 08:45Z",
        "evergreen/a@a#1": "2027-01-14 12:30Z",
    }


def test_each_channel_has_its_own_free_slots(prepared: Make) -> None:
    """A post takes the next free slot of each of its channels, in the channel's own zone; no stagger is added."""
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK, 'slots: ["tue 08:45"], timezone: America/New_York'),
            "posts/p.md": post(""),
        }
    )

    assert times(made) == {"posts/p@a#1": "2027-01-05 08:45Z", "posts/p@b#1": "2027-01-05 13:45Z"}


def test_fixed_times_claim_before_free_slots(prepared: Make) -> None:
    """A fixed time near a slot takes it: the gap is kept, and nobody shares."""
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK),
            "posts/a.md": post(""),
            "posts/z.md": post("at: 2027-01-05 09:44\n"),
            "posts/y.md": post("at: 2027-01-07 13:30\n"),
        }
    )

    assert times(made) == {
        "posts/z@a#1": "2027-01-05 09:44Z",
        "posts/a@a#1": "2027-01-07 12:30Z",
        "posts/y@a#1": "2027-01-07 13:30Z",
    }


def test_a_full_day_takes_no_more(prepared: Make) -> None:
    """max_per_day counts what is there on the wall's day, whatever put it there."""
    day = 'slots: ["tue 00:05", "tue 08:00", "tue 12:00", "tue 23:55"], max_per_day: 2'
    made = prepared({"networks/channels.yaml": channels(day), "posts/fixed.md": post("at: 2027-01-05 15:00\n"),
                     **{f"posts/p{n}.md": post("") for n in range(4)}})

    assert times(made) == {
        "posts/p0@a#1": "2027-01-05 00:05Z",
        "posts/fixed@a#1": "2027-01-05 15:00Z",
        "posts/p1@a#1": "2027-01-12 00:05Z",
        "posts/p2@a#1": "2027-01-12 08:00Z",
        "posts/p3@a#1": "2027-01-19 00:05Z",
    }


def test_kept_times_count_once(prepared: Make) -> None:
    """A post that keeps its time takes one place of the day, not two."""
    files = {
        "networks/channels.yaml": channels('slots: ["tue 08:00", "tue 12:00"], max_per_day: 2'),
        "posts/p0.md": post(""),
        "posts/p1.md": post(""),
    }

    made = prepared(files, kept={Slot("posts/p0", "a"): datetime(2027, 1, 5, 8, 0, tzinfo=UTC)})

    assert times(made) == {"posts/p0@a#1": "2027-01-05 08:00Z", "posts/p1@a#1": "2027-01-05 12:00Z"}


def test_a_moved_post_gives_its_old_slot_back(prepared: Make) -> None:
    """When a post is given a fixed time, the slot that an earlier plan gave it is free again."""
    files = {
        "networks/channels.yaml": channels(WEEK),
        "posts/a.md": post("at: 2027-02-01 10:00\n"),
        "posts/b.md": post(""),
    }

    made = prepared(files, kept={Slot("posts/a", "a"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC)})

    assert times(made) == {"posts/b@a#1": "2027-01-05 08:45Z", "posts/a@a#1": "2027-02-01 10:00Z"}


def moved(was: datetime, hour: int, minute: int = 0) -> dict[Slot, Moved]:
    """What a resume said of posts/late: from `was` to that time of Tuesday."""
    return {Slot("posts/late", "a"): Moved(was=was, at=datetime(2027, 1, 5, hour, minute, tzinfo=UTC))}


@pytest.mark.parametrize(("late", "kept"), [
    ("at: 2027-01-04 11:00\n", False), ("slot: next\n", True), ("after: lead + 1h\n", False)])
@pytest.mark.parametrize(("said", "at"), [
    (moved(NOON - timedelta(hours=1), 8, 45), "2027-01-07 12:30Z"),         # the very minute
    (moved(NOON - timedelta(hours=1), 9, 30), "2027-01-07 12:30Z"),         # nearer than min_gap
    (moved(NOON - timedelta(hours=1), 9, 45), "2027-01-05 08:45Z"),
    (moved(NOON - timedelta(hours=2), 8, 45), "2027-01-05 08:45Z"),         # its time is another by now: that one wins
    ({Slot("posts/late", "a"): Moved(was=NOON - timedelta(hours=1), at=None)}, "2027-01-05 08:45Z"),
])
def test_the_new_time_of_a_resume_is_taken(late: str, kept: bool, said: dict[Slot, Moved], at: str,
                                           prepared: Make) -> None:
    """Whatever gave the post its first time: `slot: next` keeps its distance from where a resume put it."""
    content = prepared({
        "networks/channels.yaml": channels(f"{WEEK}, max_per_day: 9", min_gap="1h"), "posts/late.md": post(late),
        "posts/lead.md": post("at: 2027-01-04 10:00\n"), "posts/new.md": post("slot: next\n")}).content
    before = {Slot("posts/late", "a"): NOON - timedelta(hours=1)} if kept else {}

    plan = schedule(content, before, now=NOON, resumed=said)

    assert times(plan)["posts/new@a#1"] == at
    assert times(plan)["posts/late@a#1"] == "2027-01-04 11:00Z"              # the plan has it where it was


@pytest.mark.parametrize(("was", "most", "at"), [
    ("2027-01-04 11:00", 2, "2027-01-07 12:30Z"),                 # from yesterday: Tuesday is full with it
    ("2027-01-05 06:00", 3, "2027-01-05 12:00Z"),                 # of the same day: it counts there already
])
def test_the_new_time_of_a_resume_counts_once_a_day(was: str, most: int, at: str, prepared: Make) -> None:
    """max_per_day counts it on the day that it goes out on."""
    slots = f'slots: ["tue 12:00", "thu 12:30"], max_per_day: {most}'
    content = prepared({
        "networks/channels.yaml": channels(slots), "posts/late.md": post(f"at: {was}\n"),
        "posts/other.md": post("at: 2027-01-05 15:00\n"), "posts/new.md": post("slot: next\n")}).content

    plan = schedule(content, {}, now=datetime(2027, 1, 5, 7, tzinfo=UTC),
                    resumed=moved(datetime.fromisoformat(was).replace(tzinfo=UTC), 18))

    assert times(plan)["posts/new@a#1"] == at


def test_a_time_that_was_given_stays_beside_one_of_a_resume(prepared: Make) -> None:
    """A resume that did not know of it yet, on another machine, does not move what is in force."""
    content = prepared({"networks/channels.yaml": channels(WEEK), "posts/late.md": post("at: 2027-01-04 11:00\n"),
                        "posts/new.md": post("slot: next\n")}).content

    plan = schedule(content, {Slot("posts/new", "a"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC)}, now=NOON,
                    resumed=moved(NOON - timedelta(hours=1), 8, 45))

    assert times(plan)["posts/new@a#1"] == "2027-01-05 08:45Z"


def test_a_turn_of_a_series_leaves_the_time_of_a_resume_alone(prepared: Make) -> None:
    """Its day goes without."""
    content = prepared({
        "networks/channels.yaml": channels(""), "posts/late.md": post("at: 2027-01-04 11:00\n"),
        "evergreen/s/series.yaml": "slot: tue 09:00\nmin_repeat: 1w\n", "evergreen/s/one.md": post("")}).content

    plan = schedule(content, {}, now=NOON, resumed=moved(NOON - timedelta(hours=1), 9))

    assert next(at for slot, at in times(plan).items() if "evergreen" in slot) == "2027-01-12 09:00Z"


@pytest.mark.parametrize(("front", "at"), [
    ("not_before: 2027-01-06 00:00\n", "2027-01-07 12:30Z"), ("not_before: 2027-01-07 12:30\n", "2027-01-07 12:30Z"),
    ("not_before: 2026-01-01 00:00\n", "2027-01-05 08:45Z"), ("not_before: 2027-01-05 08:44Z\n", "2027-01-05 08:45Z")])
def test_a_free_slot_lies_after_not_before(front: str, at: str, prepared: Make) -> None:
    """The first free slot later than now and no earlier than not_before: its very minute is inside."""
    made = prepared({"networks/channels.yaml": channels(WEEK), "posts/p.md": post(f"slot: next\n{front}")})

    assert times(made) == {"posts/p@a#1": at}


def test_a_later_window_frees_a_kept_time(prepared: Make, told: Tell) -> None:
    """When the author asks for a later time than the one kept, the post takes another; a time already passed stays."""
    files = {"networks/channels.yaml": channels(WEEK), "posts/p.md": post("slot: next\nnot_before: 2027-01-06 00:00\n")}

    made = prepared(files, kept={Slot("posts/p", "a"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC)})

    assert (times(made), told(made.problems)) == ({"posts/p@a#1": "2027-01-07 12:30Z"}, [])


def test_a_free_slot_after_not_after_is_an_error(prepared: Make, told: Tell) -> None:
    """SCH001 for slot: next names the channel that has nothing free in time."""
    made = prepared(
        {"networks/channels.yaml": channels(WEEK), "posts/p.md": post("slot: next\nnot_after: 2027-01-05 08:00\n")}
    )

    assert told(made.problems) == ["content/posts/p.md:2:1: error: No slot of a is free before its not_after. [SCH001] "
                                   "Give it a time of its own, or a later end."]
    assert whys(made) == {"posts/p@a#1": "no slot of a is free before its not_after"}


def test_a_channel_without_slots_cannot_be_next(prepared: Make, told: Tell) -> None:
    """SCH008 names the channel; the post still goes out where there are slots."""
    made = prepared({"networks/channels.yaml": channels(WEEK, ""), "posts/p.md": post("slot: next\n")})

    assert told(made.problems) == [
        "content/posts/p.md:2:1: error: b has no slots, so 'slot: next' has no time there. [SCH008] "
        "Give the post a time ('at: YYYY-MM-DD HH:MM'), or the channel slots: [\"tue 09:30\"]."
    ]
    assert (times(made), whys(made)) == ({"posts/p@a#1": "2027-01-05 08:45Z"}, {"posts/p@b#1": "b has no slots"})


def test_a_year_of_slots_can_be_full(prepared: Make) -> None:
    """What finds nothing free within a year waits and says so; the rest have all there is, one each."""
    made = prepared(
        {
            "networks/channels.yaml": channels('slots: ["tue 08:45"]'),
            **{f"posts/p{n:02}.md": post("") for n in range(55)},
        }
    )

    assert (len(set(times(made).values())), set(whys(made).values())) == (
        53,
        {"no free slot on a in the next 366 days"},
    )


def test_a_broken_post_takes_no_slot(prepared: Make) -> None:
    """A post that cannot go out leaves its slot to the next one, and takes a free one when it is mended."""
    made = prepared({"networks/channels.yaml": channels(WEEK), "posts/a.md": post("", "TODO"), "posts/b.md": post("")})

    assert times(made) == {"posts/b@a#1": "2027-01-05 08:45Z"}


# --- what is always true ------------------------------------------------------------------------------------

quarter = st.datetimes(datetime.fromisoformat("2027-01-04"), datetime.fromisoformat("2027-03-30"))
fronts = st.one_of(
    st.just("slot: next\n"),
    st.just(""),
    quarter.map(lambda m: f"at: {m:%Y-%m-%d %H:%M}\n"),
    quarter.map(
        lambda m: f"at: {{default: {m:%Y-%m-%d %H:%M}, b: 2027-02-01 10:00}}\n"
    ),
    quarter.map(
        lambda m: f"slot: next\nnot_before: {m:%Y-%m-%d %H:%M}\n"
    ),
    st.just("at: soon\n"),
    quarter.map(lambda m: f"at: {m:%Y-%m-%d}\n"),
    quarter.map(lambda m: f"slot: next after {m:%Y-%m-%d}\n"),
    st.just("slot: fri 10:00\n"),
    st.just("hold: x\nslot: next\n"),
)
seasons = st.lists(fronts, min_size=1, max_size=12)
TWO = channels(
    'slots: ["tue 08:45", "wed 12:00", "sun 01:30"], max_per_day: 2',
    'slots: ["mon 09:00"], timezone: America/New_York',
    min_gap="45m",
)


def folder(season: list[str]) -> dict[str, str]:
    return {"networks/channels.yaml": TWO, **{f"posts/p{n:02}.md": post(front) for n, front in enumerate(season)}}


def fixed(made: Prepared) -> Mapping[Slot, datetime]:
    return {item.slot: item.at for item in made.plan.items if item.post.post.head.at is not None}


@QUIET
@given(season=seasons, seed=st.integers())
def test_file_order_never_changes_the_plan(season: list[str], seed: int, prepared: Make) -> None:
    """The files in any order give the same plan, to the last word."""
    files = folder(season)
    shuffled = list(files.items())
    Random(seed).shuffle(shuffled)

    assert prepared(dict(shuffled)).plan == prepared(files).plan


@QUIET
@given(season=seasons)
def test_every_slot_has_one_instant_or_one_reason(season: list[str], prepared: Make) -> None:
    """Each post on each of its channels is in the plan exactly once; every time is UTC, after its window's
    beginning.
    """
    plan = prepared(folder(season)).plan

    slots = [one.slot for one in plan.everything()]
    assert sorted(slots) == sorted(Slot(f"posts/p{n:02}", channel) for n in range(len(season)) for channel in "ab")
    assert all(item.at.tzinfo is UTC for item in plan.items)
    assert all(waiting.why for waiting in plan.waiting)
    assert [item.key for item in plan.items] == sorted(item.key for item in plan.items)


@QUIET
@given(season=seasons)
def test_free_slots_are_never_shared_nor_crowded(season: list[str], prepared: Make) -> None:
    """What was placed into a free slot keeps the gap to everything on its channel, on a slot of the week, within
    the day's number.
    """
    plan = prepared(folder(season)).plan

    for item in plan.items:
        if item.post.post.head.at is None:
            others = [other for other in plan.items if other.channel == item.channel and other.slot != item.slot]
            local = item.at.astimezone(ZoneInfo(item.zone))
            assert all(abs(other.at - item.at) >= timedelta(minutes=45) for other in others)
            own = {"fri 10:00", "fri 10:20"} if "fri" in (item.post.post.head.slot or "") else item.channel.slots
            assert f"{local:%a %H:%M}".lower() in own or local.day == 28
            assert sum(other.at.astimezone(ZoneInfo(item.zone)).date() == local.date() for other in others
                       if other.post.post.head.at is None) < item.channel.max_per_day


@QUIET
@given(season=seasons, later=st.integers(0, 20))
def test_planning_again_changes_nothing(season: list[str], later: int, prepared: Make) -> None:
    """With the times of the last plan kept, the same files give the same plan, today and on another day."""
    first = prepared(folder(season)).plan
    kept = {item.slot: item.at for item in first.items}

    again = prepared(folder(season), kept=kept, now=NOON + timedelta(days=later)).plan

    assert {i.slot: i.at for i in again.items} == kept


@QUIET
@given(season=seasons, front=fronts)
@example(season=["at: 2027-02-02 00:00\n", "at: 2027-02-02\n"], front="at: 2027-02-02 00:00\n")
def test_another_post_moves_only_what_cannot_stay(season: list[str], front: str, prepared: Make) -> None:
    """A post that is added moves nothing that is written, and a free slot once given only where it comes too near or
    fills the day; one that may only go that day then waits.
    """
    first = prepared(folder(season)).plan
    kept = {item.slot: item.at for item in first.items if item.found}

    then = {i.slot: i for i in prepared({**folder(season), "posts/aaa.md": post(front)}, kept=kept).plan.items}

    for item in first.items:
        if item.slot not in then or then[item.slot].at != item.at:
            written = [i for i in then.values() if i.channel == item.channel and not i.found]
            wall = ZoneInfo(item.zone)
            same_day = [i for i in written if i.at.astimezone(wall).date() == item.at.astimezone(wall).date()]
            assert item.found
            assert len(same_day) >= item.channel.max_per_day or any(
                abs(i.at - item.at) < timedelta(minutes=45) for i in written)


@QUIET
@given(season=seasons, days=st.integers(90, 300))
def test_a_far_away_post_never_moves_a_nearer_one(season: list[str], days: int, prepared: Make) -> None:
    """Even with nothing kept, a fixed post far away leaves all nearer times as they were."""
    far = post(f"at: {date(2027, 4, 1) + timedelta(days=days)} 00:00\n")
    files = folder(season)

    before, after = prepared(files), prepared({**files, "posts/aaa.md": far})

    assert {i.slot: i.at for i in after.plan.items if i.post.id != "posts/aaa"} == {
        i.slot: i.at for i in before.plan.items
    }
    assert fixed(before).items() <= fixed(after).items()
