"""Every way to say when: days, weekly times, posts that follow, repeats, series; and what closes a day or an hour."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.planning.phrasing import recurrence
from flows.planning.preparing import Prepared
from flows.planning.timing import days_on, runs
from schemas.ledger import Slot

Make = Callable[..., Prepared]
Tell = Callable[..., list[str]]
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
WEEK = 'slots: ["tue 08:45", "thu 12:30", "thu 18:00"]'


def channels(*more: str, **common: str) -> str:
    """channels.yaml with channels a, b, c… of Mastodon; `more` are their further fields."""
    top = "".join(f"{key}: {value}\n" for key, value in common.items())
    return f"{top}channels:\n" + "".join(
        f'  - {{id: {id}, network: mastodon, handle: "@{id}@social.example"{", " if own else ""}{own}}}\n'
        for id, own in zip("abcdef", more, strict=False)
    )


_said = count(1)


def post(front: str, body: str | None = None) -> str:
    """A post; none says what another has said already."""
    return f"---\n{front}---\n{body or f'Hello number {next(_said)}.'}\n"


def times(made: Prepared) -> dict[str, str]:
    return {str(item.slot): f"{item.at:%Y-%m-%d %H:%MZ}" for item in made.plan.items}


def whys(made: Prepared) -> dict[str, str]:
    return {str(waiting.slot): waiting.why for waiting in made.plan.waiting}


# --- a day, a weekly time, a day to wait for ------------------------------------------------------------------------


def test_a_day_alone_takes_its_first_free_slots(prepared: Make) -> None:
    """Each channel gives the first free slot of that day; who has the smaller id chooses first."""
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK, 'slots: ["thu 09:00"]'),
            "posts/p.md": post("at: 2027-01-07\n"),
            "posts/q.md": post("at: 2027-01-07\nchannels: [a]\n"),
        }
    )

    assert times(made) == {
        "posts/p@b#1": "2027-01-07 09:00Z",
        "posts/p@a#1": "2027-01-07 12:30Z",
        "posts/q@a#1": "2027-01-07 18:00Z",
    }
    assert made.problems == ()


def test_a_day_without_a_free_slot_says_when_there_is_one(prepared: Make, told: Tell) -> None:
    """SCH001: the day has no slot, or all are taken; the remedy names the next free one."""
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK),
            "posts/p.md": post("at: 2027-01-06\n"),
            "posts/q.md": post("at: 2027-01-05 08:00\n"),
            "posts/r.md": post("at: 2027-01-05\n"),
        }
    )

    assert told(made.problems) == [
        "content/posts/p.md:2:1: error: No slot of a is free before the end of 2027-01-06. [SCH001] "
        "Next free slot: 2027-01-07 12:30.",
        "content/posts/r.md:2:1: error: No slot of a is free before the end of 2027-01-05. [SCH001] "
        "Next free slot: 2027-01-07 12:30.",
    ]


def test_a_day_that_is_gone_keeps_its_time(prepared: Make) -> None:
    """Tomorrow's plan is today's: a day that has passed has the slot it had."""
    files = {"networks/channels.yaml": channels(WEEK), "posts/p.md": post("at: 2027-01-07\n")}

    assert [times(prepared(files, now=datetime(2027, 1, day, 13, tzinfo=UTC))) for day in (4, 7, 20)] == [
        {"posts/p@a#1": "2027-01-07 12:30Z"},
        {"posts/p@a#1": "2027-01-07 18:00Z"},
        {"posts/p@a#1": "2027-01-07 12:30Z"},
    ]
    kept = {Slot("posts/p", "a"): datetime(2027, 1, 7, 12, 30, tzinfo=UTC)}
    assert times(prepared(files, kept=kept, now=datetime(2027, 1, 7, 13, tzinfo=UTC))) == {
        "posts/p@a#1": "2027-01-07 12:30Z"
    }


@pytest.mark.parametrize(
    ("slot", "placed"),
    [
        ("thu 12:30", {"a": "2027-01-07 12:30Z", "b": "2027-01-07 12:50Z"}),
        ("Thursday 12:30", {"a": "2027-01-07 12:30Z", "b": "2027-01-07 12:50Z"}),
        ("mon 12:00", {"a": "2027-01-11 12:00Z", "b": "2027-01-04 12:20Z"}),
        ("mon 13:00", {"a": "2027-01-04 13:00Z", "b": "2027-01-04 13:20Z"}),
        ("next after 2027-01-07", {"a": "2027-01-12 08:45Z", "b": "2027-01-08 09:00Z"}),
        ("next after 2027-01-06", {"a": "2027-01-07 12:30Z", "b": "2027-01-08 09:00Z"}),
    ],
)
def test_the_next_such_time(slot: str, placed: dict[str, str], prepared: Make) -> None:
    """A weekly time is the next one after now, staggered; `next after` a day begins with the day after it."""
    made = prepared(
        {"networks/channels.yaml": channels(WEEK, 'slots: ["fri 09:00"]'), "posts/p.md": post(f"slot: {slot}\n")}
    )

    assert times(made) == {f"posts/p@{channel}#1": at for channel, at in placed.items()}


def test_a_taken_weekly_time_is_that_of_the_week_after(prepared: Make) -> None:
    """Two posts for Thursday at 12:30 go out a week apart, the first id first."""
    made = prepared(
        {
            "networks/channels.yaml": channels(""),
            "posts/p.md": post("slot: thu 12:30\n"),
            "posts/o.md": post("slot: thu 12:30\n"),
        }
    )

    assert times(made) == {"posts/o@a#1": "2027-01-07 12:30Z", "posts/p@a#1": "2027-01-14 12:30Z"}


# --- after -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "a", "b"),
    [
        ("first + 2d", "2027-03-29 11:30Z", "2027-03-29 11:50Z"),
        ("first + 48h", "2027-03-29 12:30Z", "2027-03-29 12:50Z"),
        ("posts/first+90m", "2027-03-27 14:00Z", "2027-03-27 14:20Z"),
        ("first + 1w", "2027-04-03 11:30Z", "2027-04-03 11:50Z"),
        ("first + 1mo", "2027-04-27 11:30Z", "2027-04-27 11:50Z"),
        ("first + 2d at 09:00", "2027-03-29 08:00Z", "2027-03-29 08:20Z"),
        ("first + 4h at 09:00", "2027-03-28 08:00Z", "2027-03-28 08:20Z"),
    ],
)
def test_a_post_follows_another(after: str, a: str, b: str, prepared: Make) -> None:
    """So long after the other's time on the same channel: days by the wall, hours by the world."""
    made = prepared(
        {
            "networks/channels.yaml": channels("", ""),
            "posts/first.md": post("at: 2027-03-27 12:30\n"),
            "posts/then.md": post(f"after: {after}\n"),
        }
    )

    assert times(made) == {
        "posts/first@a#1": "2027-03-27 12:30Z",
        "posts/first@b#1": "2027-03-27 12:50Z",
        "posts/then@a#1": a,
        "posts/then@b#1": b,
    }


def test_followers_follow_through_a_chain_and_to_other_channels(prepared: Make) -> None:
    """A chain is placed from its head, also from a free slot; where the other does not go, its first time counts,
    staggered.
    """
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK, ""),
            "posts/c.md": post("after: b + 1d\nchannels: [a]\n"),
            "posts/b.md": post("after: head + 1d\n"),
            "posts/head.md": post("slot: next\nchannels: [a]\n"),
        }
    )

    assert times(made) == {
        "posts/head@a#1": "2027-01-05 08:45Z",
        "posts/b@a#1": "2027-01-06 08:45Z",
        "posts/b@b#1": "2027-01-06 09:05Z",
        "posts/c@a#1": "2027-01-07 08:45Z",
    }


def test_what_really_happened_counts(prepared: Make) -> None:
    """Once the other is out, its real minute counts on that channel; nothing else moves."""
    files = {
        "networks/channels.yaml": channels("", ""),
        "posts/first.md": post("at: 2027-01-05 12:30\n"),
        "posts/then.md": post("after: first + 2d\n"),
        "posts/else.md": post("at: 2027-01-08 09:00\n"),
    }
    before = times(prepared(files))

    after = times(prepared(files, sent={Slot("posts/first", "a"): datetime(2027, 1, 5, 13, 7, 44, tzinfo=UTC)}))

    assert after == {**before, "posts/then@a#1": "2027-01-07 13:07Z"}


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("at: 2027-01-05 12:30\nhold: no photo yet\n", "posts/first waits: held by its author: no photo yet"),
        ("at: 2027-01-05 12:30\nnot_after: 2027-01-04 12:00\n", "posts/first waits: its time is after its not_after"),
        ("at: soon\n", "posts/first has no time: 'soon' is not a time"),
        ("at: 2027-01-05 12:30\ndraft: true\n", "first is a draft"),
        (
            "every: 4w at 12:30\nfrom: 2027-01-05\nruns: 3\n",
            "posts/first goes out again and again; name a post that goes out once",
        ),
        ("at: 2999-12-31 12:00\n", "its time would be after the year 2999"),
    ],
)
def test_what_follows_a_waiting_post_waits(first: str, why: str, prepared: Make) -> None:
    """SCH004 says on which post it waits, and why that one does."""
    made = prepared(
        {
            "networks/channels.yaml": channels(""),
            "posts/first.md": post(first, "One.\n## or\nTwo."),
            "posts/then.md": post("after: first + 2d\n"),
        }
    )

    name = "first" if "draft" in why else "posts/first"
    assert whys(made)["posts/then@a#1"] == f"it waits for {name}: {why}"
    assert [(p.code, p.message) for p in made.problems if p.post == "posts/then"] == [
        ("SCH004", f"posts/then waits on a for {name}: {why}.")
    ]


def test_a_ring_of_followers_waits(prepared: Make) -> None:
    """REF002 names the ring; every post in it waits, and a post that follows one of them."""
    made = prepared(
        {
            "networks/channels.yaml": channels(""),
            "posts/p.md": post("after: q + 1d\n"),
            "posts/q.md": post("after: p + 1d\n"),
            "posts/r.md": post("after: q + 1d\n"),
        }
    )

    assert [p.code for p in made.problems] == ["REF002"]
    assert sorted(whys(made)) == ["posts/p@a#1", "posts/q@a#1", "posts/r@a#1"]


# --- every -----------------------------------------------------------------------------------------------------------

LOOSE = "every: 4w on friday at 17:15\nfrom: 2027-02-10\nuntil: 2027-05-31\n"


def test_a_repeat_goes_out_on_its_days_with_its_texts_in_turn(prepared: Make) -> None:
    """Runs are named by their day, keep the wall's time through a clock change, are staggered, and say the next
    wording each time.
    """
    made = prepared(
        {
            "networks/channels.yaml": channels("", ""),
            "evergreen/loose.md": post(LOOSE, "One.\n\n## or\n\nTwo.\n\n## on b\n\nOne for b.\n\n## or\n\nThree."),
        }
    )

    assert times(made) == {
        "evergreen/loose@a#20270212": "2027-02-12 17:15Z",
        "evergreen/loose@b#20270212": "2027-02-12 17:35Z",
        "evergreen/loose@a#20270312": "2027-03-12 17:15Z",
        "evergreen/loose@b#20270312": "2027-03-12 17:35Z",
        "evergreen/loose@a#20270409": "2027-04-09 16:15Z",
        "evergreen/loose@b#20270409": "2027-04-09 16:35Z",
        "evergreen/loose@a#20270507": "2027-05-07 16:15Z",
        "evergreen/loose@b#20270507": "2027-05-07 16:35Z",
    }
    texts = {(i.slot.channel, i.slot.run): made.messages[i.slot].parts[0].text for i in made.plan.items}
    assert [texts["a", run] for run in ("20270212", "20270312", "20270409", "20270507")] == [
        "One.",
        "Two.",
        "Three.",
        "One.",
    ]
    assert [texts["b", run] for run in ("20270212", "20270312", "20270409", "20270507")] == [
        "One for b.",
        "Two.",
        "Three.",
        "One for b.",
    ]
    assert all(made.messages[i.slot].slot == i.slot for i in made.plan.items)
    assert made.problems == ()


@pytest.mark.parametrize(
    ("words", "start", "until", "most", "days"),
    [
        ("4w on friday", "2026-11-20", "2027-03-01", None, ["2026-11-20", "2026-12-18", "2027-01-15", "2027-02-12"]),
        ("4w on friday", "2026-11-18", "2027-01-16", None, ["2026-11-20", "2026-12-18", "2027-01-15"]),
        ("1mo", "2027-01-31", None, 4, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        ("1mo on mon", "2027-01-31", None, 3, ["2027-02-01", "2027-03-01", "2027-04-05"]),
        ("2d on fri", "2027-01-01", None, 3, ["2027-01-01", "2027-01-08", "2027-01-15"]),
        ("1d", "2028-02-28", None, 3, ["2028-02-28", "2028-02-29", "2028-03-01"]),
        ("1w", "2999-12-20", None, 9, ["2999-12-20", "2999-12-27"]),
    ],
)
def test_runs_fall_on_these_days(words: str, start: str, until: str | None, most: int | None, days: list[str]) -> None:
    """Days, weeks and months are counted from the first day; a weekday is the first such day on or after each."""
    every = recurrence(words)
    assert every is not None

    found = runs(every, date.fromisoformat(start), date.fromisoformat(until) if until else None, most)

    assert [str(day) for day in found] == days


@given(day=st.dates(date(1970, 1, 1), date(2900, 1, 1)), months=st.integers(1, 500))
def test_months_keep_the_day_or_take_the_last(day: date, months: int) -> None:
    """So many months on is the same day of its month, or its last one when the month is shorter."""
    found = days_on(day, months, "mo")

    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)


@pytest.mark.parametrize(
    ("front", "said"),
    [
        (
            "every: 4w\nuntil: 2027-05-31\n",
            "error: every: nothing says when it begins. [SYN002] Add 'from: YYYY-MM-DD', its first day.",
        ),
        (
            "every: 4w at 12:00\nfrom: 2027-02-10\n",
            "error: It would go on for ever. [SCH005] Add 'until: YYYY-MM-DD', or 'runs:' with how many times.",
        ),
        (
            "every: 1d at 12:00\nfrom: 2027-02-10\nuntil: 2030-02-10\n",
            "error: It would go out more than 1000 times. [SCH005] Give it an earlier 'until', or fewer 'runs'.",
        ),
    ],
)
def test_a_repeat_has_a_beginning_and_an_end(front: str, said: str, prepared: Make, told: Tell) -> None:
    """Without them it waits, and says what to add."""
    made = prepared({"networks/channels.yaml": channels(WEEK), "posts/p.md": post(front, "One.\n## or\nTwo.")})

    assert [line for line in told(made.problems) if ": error: " in line] == [f"content/posts/p.md:2:1: {said}"]
    assert len(whys(made)) == 1
    assert times(made) == {}


def test_a_repeat_that_comes_too_often_or_says_the_same_is_warned_of(prepared: Make, told: Tell) -> None:
    """SCH005, twice, as a warning: it goes out all the same."""
    made = prepared(
        {"networks/channels.yaml": channels(""), "posts/p.md": post("every: 3w at 12:00\nfrom: 2027-02-10\nruns: 2\n")}
    )

    assert told(p for p in made.problems if p.code == "SCH005") == [
        "content/posts/p.md:2:1: warning: It comes back after 21 days. [SCH005] Let 28 days pass, or write posts of "
        "their own.",
        "content/posts/p.md:2:1: warning: It says the same each time. [SCH005] Give it a second wording under '## or'.",
    ]
    assert len(times(made)) == 2


def test_a_repeat_without_a_time_takes_a_free_slot_of_each_day(prepared: Make) -> None:
    """`every: 4w on thursday`: the first free slot of each such day."""
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK),
            "posts/x.md": post("at: 2027-02-11 12:00\n"),
            "posts/p.md": post("every: 4w on thu\nfrom: 2027-02-10\nruns: 2\n", "One.\n## or\nTwo."),
        }
    )

    assert times(made) == {
        "posts/x@a#1": "2027-02-11 12:00Z",
        "posts/p@a#20270211": "2027-02-11 18:00Z",
        "posts/p@a#20270311": "2027-03-11 12:30Z",
    }


# --- series ----------------------------------------------------------------------------------------------------------

SERIES = {
    "networks/channels.yaml": channels("", ""),
    "evergreen/fix/series.yaml": "slot: fri 17:15\nchannels: [a, b]\nmin_repeat: 3w\n",
    **{f"evergreen/fix/{name}.md": post("") for name in ("lamp", "chair")},
}


def turns(made: Prepared, channel: str = "a") -> list[str]:
    return [f"{item.at:%m-%d} {item.post.post.stem}" for item in made.plan.items if item.channel.id == channel]


def test_a_series_takes_turns(prepared: Make) -> None:
    """Who was longest unseen is next, nobody comes back before min_repeat, on every channel, staggered."""
    made = prepared(SERIES)

    assert turns(made)[:6] == ["01-08 chair", "01-15 lamp", "01-29 chair", "02-05 lamp", "02-19 chair", "02-26 lamp"]
    assert turns(made) == turns(made, "b")
    assert times(made)["evergreen/chair@b#20270108"] == "2027-01-08 17:35Z"


def test_a_series_goes_on_where_it_was(prepared: Make) -> None:
    """With the turns of an earlier plan kept, another day gives the same turns, and past ones stay where they were."""
    first = prepared(SERIES)
    kept = {item.slot: item.at for item in first.plan.items if item.found}

    later = prepared(SERIES, kept=kept, now=datetime(2027, 2, 10, 12, tzinfo=UTC))

    assert turns(later)[: len(turns(first))] == turns(first)


def test_a_new_member_gets_a_turn_after_those_of_the_next_weeks(prepared: Make) -> None:
    """Turns of the next four weeks stay; then the newcomer, who was never seen, is first."""
    kept = {item.slot: item.at for item in prepared(SERIES).plan.items if item.found}

    made = prepared({**SERIES, "evergreen/fix/bike.md": post("")}, kept=kept)

    assert turns(made)[:6] == ["01-08 chair", "01-15 lamp", "01-22 bike", "01-29 chair", "02-05 lamp", "02-12 bike"]


def test_a_turn_that_is_closed_or_crowded_is_left_out(prepared: Make) -> None:
    """Where a fixed post or a blackout has the time, that channel goes without; held members wait."""
    made = prepared(
        {
            **SERIES,
            "posts/x.md": post("at: 2027-01-08 17:00\nchannels: [a]\n"),
            "evergreen/fix/lamp.md": post("hold: no photo\n"),
            "calendar/blackouts.yaml": "blackouts: [{id: b, from: 2027-01-29, to: 2027-01-29, reason: shut}]\n",
        }
    )

    assert turns(made)[:2] == ["01-08 x", "02-05 chair"]
    assert turns(made, "b")[:2] == ["01-08 chair", "02-05 chair"]
    assert whys(made) == {f"evergreen/lamp@{c}#1": "held by its author: no photo" for c in "ab"}


def test_a_series_without_a_slot_waits(prepared: Make, told: Tell) -> None:
    """SYN002 at the series' file; its posts wait and say so."""
    made = prepared({**SERIES, "evergreen/fix/series.yaml": "slot: sometimes\nchannels: [a]\n"})

    assert told(made.problems) == [
        "content/evergreen/fix/series.yaml:1:1: error: slot: 'sometimes' is no time in the week, so its posts have no "
        "turn. [SYN002] Write it like 'slot: fri 17:15'."
    ]
    assert set(whys(made).values()) == {"slot: 'sometimes' is no time in the week"}


# --- blackouts, quiet hours -----------------------------------------------------------------------------------------

SHUT = (
    "blackouts:\n  - {id: easter, from: 2027-03-26, to: 2027-03-29, reason: Office closed}\n"
    "  - {id: quiet-day, from: 2027-03-30, to: 2027-03-30, effect: hold-asks}\n"
    "  - {id: only-b, from: 2027-04-01, to: 2027-04-01, channels: [b]}\n"
)


def test_a_blackout_holds_what_is_fixed_and_is_stepped_over_by_the_rest(prepared: Make, told: Tell) -> None:
    """Both days are inside, by the channel's wall; asks wait where only they are held; a channel may be shut alone."""
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK, WEEK),
            "calendar/blackouts.yaml": SHUT,
            "posts/p.md": post("at: 2027-03-26 09:00\nchannels: [a]\n"),
            "posts/q.md": post("slot: next\nintent: ask\ngoal: g\nchannels: [a]\n"),
            "posts/r.md": post("slot: next\nchannels: [a]\n"),
            "posts/s.md": post("at: 2027-04-01 09:00\n"),
            "strategy.yaml": "strategy: m\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"
            "social_goals: [{id: g, text: G}]\n",
        },
        now=datetime(2027, 3, 25, 19, tzinfo=UTC),
    )

    assert times(made) == {
        "posts/r@a#1": "2027-03-30 07:45Z",
        "posts/q@a#1": "2027-04-01 11:30Z",
        "posts/s@a#1": "2027-04-01 08:00Z",
    }
    assert whys(made) == {
        "posts/p@a#1": "nothing goes out in the blackout easter (Office closed)",
        "posts/s@b#1": "nothing goes out in the blackout only-b",
    }
    assert [line for line in told(made.problems) if "SCH001" in line] == [
        "content/posts/p.md:2:1: error: 2027-03-26 09:00 on a: nothing goes out in the blackout easter (Office "
        "closed). "
        "[SCH001] Next free slot: 2027-04-01 18:00.",
        "content/posts/s.md:2:1: error: 2027-04-01 09:20 on b: nothing goes out in the blackout only-b. [SCH001] "
        "Next free slot: 2027-04-06 08:45.",
    ]


def test_a_blackout_holds_one_run_of_many(prepared: Make) -> None:
    """The other runs of a repeating post go out."""
    made = prepared(
        {
            "networks/channels.yaml": channels(""),
            "calendar/blackouts.yaml": SHUT,
            "posts/p.md": post("every: 4w on fri at 12:00\nfrom: 2027-02-26\nruns: 3\n", "A.\n## or\nB."),
        }
    )

    assert times(made) == {"posts/p@a#20270226": "2027-02-26 12:00Z", "posts/p@a#20270423": "2027-04-23 11:00Z"}
    assert whys(made) == {"posts/p@a#20270326": "nothing goes out in the blackout easter (Office closed)"}


def test_a_time_at_night_is_warned_of_and_goes_out(prepared: Make, told: Tell) -> None:
    """SCH001, a warning, with a note on the item; the last minute of the quiet hours is not quiet; the wall is the
    channel's.
    """
    made = prepared(
        {
            "networks/channels.yaml": channels(WEEK, "timezone: Asia/Tokyo"),
            "posts/p.md": post("at: {a: 2027-01-05 06:30Z, b: 2027-01-05 06:30Z}\n"),
            "posts/q.md": post("at: {a: 2027-01-06 07:30, b: 2027-01-06 21:00}\n"),
        }
    )

    assert {str(item.slot): item.note for item in made.plan.items} == {
        "posts/p@a#1": "in the quiet hours (21:00-07:30)",
        "posts/p@b#1": "",
        "posts/q@a#1": "",
        "posts/q@b#1": "in the quiet hours (21:00-07:30)",
    }
    assert told(made.problems) == [
        "content/posts/p.md:2:6: warning: 2027-01-05 06:30 on a is in the quiet hours (21:00-07:30). [SCH001] "
        "Next free slot: 2027-01-05 08:45.".replace("2:6", "2:1"),
        "content/posts/q.md:2:1: warning: 2027-01-06 21:00 on b is in the quiet hours (21:00-07:30). [SCH001] "
        "Choose a time outside them.",
    ]


def test_free_slots_are_never_at_night(prepared: Make) -> None:
    """A channel's own slot in the quiet hours is never used."""
    made = prepared(
        {"networks/channels.yaml": channels('slots: ["mon 22:00", "tue 07:29", "wed 07:30"]'), "posts/p.md": post("")}
    )

    assert times(made) == {"posts/p@a#1": "2027-01-06 07:30Z"}


# --- what the whole calendar shows ----------------------------------------------------------------------------------


def test_crowds_and_big_bangs_are_warned_of(prepared: Make, told: Tell) -> None:
    """SCH002 for posts too near and too many in a day, on the later ones; SCH003 for one post everywhere at once."""
    made = prepared(
        {
            "networks/channels.yaml": channels("max_per_day: 2", "", ""),
            "posts/p.md": post("at: {default: 2027-01-05 09:00, b: 2027-01-05 09:03, c: 2027-01-05 09:05}\n"),
            "posts/q.md": post("at: 2027-01-05 09:30\nchannels: [a]\n"),
            "posts/r.md": post("at: 2027-01-05 12:30\nchannels: [a]\n"),
        }
    )

    assert told(made.problems) == [
        "content/posts/p.md:2:1: warning: Big bang: it goes out on a, b, c within 5 minutes. [SCH003] Give it one "
        "time and let stagger work, or fewer channels.",
        "content/posts/q.md:2:1: warning: Crowded on a: posts/p goes out at 09:00, less than 60 minutes before. "
        "[SCH002] Move one of them, or let 'slot: next' find room.",
        "content/posts/r.md:2:1: warning: Crowded on a: the third post on 2027-01-05, and 2 a day is its limit. "
        "[SCH002] Move it to another day, or raise max_per_day.",
    ]


def test_a_channel_that_falls_silent_is_warned_of(prepared: Make, told: Tell) -> None:
    """SCH007 for a channel that has spoken and has nothing for two weeks; not for one that never began, nor when it is
    waived.
    """
    files = {
        "networks/channels.yaml": channels("", "", ""),
        "posts/p.md": post("at: 2027-01-01 09:00\nchannels: [a, b]\n"),
        "posts/q.md": post("at: 2027-01-19 09:00\nchannels: [a]\n"),
        "posts/s.md": post("at: 2027-01-18 09:00\nchannels: [b]\n"),
        "ideas/kettle.md": "---\ntitle: Kettles\nfrom: crowd\nstatus: new\nfiled: 2026-12-01\n---\nWhy?\n",
    }

    assert told(prepared(files).problems) == [
        "content/networks/channels.yaml:2:6: warning: a is empty until 2027-01-19. [SCH007] Plan a post for it. "
        "Ideas: kettle."
    ]
    waiver = "waivers: [{rule: SCH007, where: a, until: 2027-01-04, by: wren, reason: rest}]\n"
    assert told(prepared({**files, "rules.yaml": waiver}).problems) == []
    assert told(prepared({**files, "rules.yaml": waiver.replace("01-04", "01-03")}).problems) != []
    assert told(prepared({**files, "rules.yaml": "knobs: {horizon_days: 15}\n"}).problems) == []
    assert "error" in told(prepared({**files, "rules.yaml": "severity: {SCH007: error}\n"}).problems)[0]
    assert told(prepared({**files, "rules.yaml": "severity: {SCH007: 'off'}\n"}).problems) == []


# --- what is always true --------------------------------------------------------------------------------------------

spring = st.datetimes(datetime.fromisoformat("2027-01-05"), datetime.fromisoformat("2027-04-30"))
fronts = st.one_of(
    st.just("slot: next\n"),
    st.just("slot: thu 12:30\n"),
    st.just("slot: fri 20:45\n"),
    spring.map(lambda m: f"at: {m:%Y-%m-%d %H:%M}\n"),
    spring.map(lambda m: f"at: {m:%Y-%m-%d}\n"),
    spring.map(lambda m: f"slot: next after {m:%Y-%m-%d}\n"),
    spring.map(lambda m: f"slot: next\nnot_after: {m:%Y-%m-%d %H:%M}\n"),
    st.tuples(st.integers(0, 9), st.sampled_from(["1d", "90m", "1w at 09:30", "3h at 08:00", "1mo"])).map(
        lambda pair: f"after: p{pair[0]} + {pair[1]}\n"
    ),
    spring.map(lambda m: f"every: 2w on thu at 13:00\nfrom: {m:%Y-%m-%d}\nruns: 3\n"),
    spring.map(lambda m: f"every: 3w on tue\nfrom: {m:%Y-%m-%d}\nruns: 3\n"),
)
seasons = st.lists(
    st.tuples(fronts, st.sampled_from(["", "channels: [b]\n", "intent: ask\n", "hold: wait\n"])),
    min_size=1,
    max_size=10,
)


def folder(season: list[tuple[str, str]]) -> dict[str, str]:
    return {
        "networks/channels.yaml": channels(f"{WEEK}, max_per_day: 2", 'slots: ["wed 09:00"], timezone: Asia/Tokyo'),
        "calendar/blackouts.yaml": SHUT,
        "evergreen/s/series.yaml": "slot: sat 10:00\nmin_repeat: 4w\n",
        "evergreen/s/one.md": post("", "One."),
        "evergreen/s/two.md": post("", "Two."),
        **{f"posts/p{n}.md": post("".join(front), f"Text {n}.") for n, front in enumerate(season)},
    }


@QUIET
@given(season=seasons, seed=st.integers())
def test_file_order_never_changes_the_plan(season: list[tuple[str, str]], seed: int, prepared: Make) -> None:
    """The files in any order give the same plan and the same problems, to the last word."""
    files = list(folder(season).items())
    Random(seed).shuffle(files)

    shuffled, straight = prepared(dict(files)), prepared(folder(season))

    assert (shuffled.plan, shuffled.problems) == (straight.plan, straight.problems)


@QUIET
@given(season=seasons)
def test_what_is_placed_by_us_keeps_every_rule(season: list[tuple[str, str]], prepared: Make) -> None:
    """A time that was found lies in no quiet hour and no blackout, keeps the gap to what was there before it, and fills
    no day; a written one that breaks a rule is spoken of, or waits.
    """
    made = prepared(folder(season))
    zones = {"a": ZoneInfo("Europe/Dublin"), "b": ZoneInfo("Asia/Tokyo")}

    for item in made.plan.items:
        local = item.at.astimezone(zones[item.channel.id])
        quiet = not (7 * 60 + 30 <= local.hour * 60 + local.minute < 21 * 60)
        shut = (
            date(2027, 3, 26) <= local.date() <= date(2027, 3, 29)
            or (local.date() == date(2027, 4, 1) and item.channel.id == "b")
            or (local.date() == date(2027, 3, 30) and item.post.intent == "ask")
        )
        near = [
            o
            for o in made.plan.items
            if o.channel == item.channel and o.slot != item.slot and abs(o.at - item.at) < timedelta(hours=1)
        ]
        assert not shut
        spoken = {p.code for p in made.problems if p.post in {item.post.id, *(o.post.id for o in near)}}
        assert not quiet or (item.note and "SCH001" in spoken and not item.found)
        assert not near or "SCH002" in spoken
        assert not item.found or not [o for o in near if o.found]


@QUIET
@given(season=seasons, later=st.integers(0, 40))
def test_planning_again_moves_nothing(season: list[tuple[str, str]], later: int, prepared: Make) -> None:
    """With the times of the last plan kept, another day gives what is planned by then the same times."""
    first = prepared(folder(season)).plan
    kept = {one.slot: one.at for one in first.everything() if one.found and one.at is not None}

    again = prepared(folder(season), kept=kept, now=datetime(2027, 1, 4, 12, tzinfo=UTC) + timedelta(days=later)).plan

    then = {one.slot: one.at for one in again.everything()}
    assert {one.slot: then.get(one.slot) for one in first.everything() if one.at} == {
        one.slot: one.at for one in first.everything() if one.at
    }


@QUIET
@given(season=seasons, number=st.integers(0, 99))
def test_a_receipt_moves_nothing_but_what_follows(season: list[tuple[str, str]], number: int, prepared: Make) -> None:
    """What is out stays where it was and holds its place; only posts that follow it may move."""
    first = prepared(folder(season)).plan
    kept = {one.slot: one.at for one in first.everything() if one.found and one.at is not None}
    out = first.items[number % len(first.items)]

    then = prepared(folder(season), kept=kept, sent={out.slot: out.at}).plan

    assert {i.slot: i.at for i in then.items} == {i.slot: i.at for i in first.items}
    late = prepared(folder(season), kept=kept, sent={out.slot: out.at + timedelta(minutes=30)}).plan
    before = {i.slot: (i.at, i.post.post.head.after) for i in first.items}
    for item in late.items:
        assert item.at == before[item.slot][0] or item.post.post.head.after or item.found


def test_the_order_of_claims(prepared: Make) -> None:
    """Fixed, then relative, then campaign, then always-on, then series: each takes what those before it left."""
    week = 'slots: ["mon 09:00", "tue 09:00", "wed 09:00", "thu 09:00", "fri 09:00"]'
    made = prepared(
        {
            "networks/channels.yaml": channels(week),
            "campaigns/c/campaign.yaml": "start: 2027-01-01\nend: 2027-02-01\n",
            "posts/a-next.md": post(""),
            "campaigns/c/posts/z-next.md": post(""),
            "posts/fixed.md": post("at: 2027-01-05 09:00\n"),
            "posts/follows.md": post("after: fixed + 1d\n"),
            "evergreen/s/series.yaml": "slot: fri 09:00\n",
            "evergreen/s/turn.md": post(""),
            "posts/b-next.md": post(""),
        }
    )

    assert [f"{i.at:%a} {i.post.id}" for i in made.plan.items][:6] == [
        "Tue posts/fixed",
        "Wed posts/follows",
        "Thu c/z-next",
        "Fri posts/a-next",
        "Mon posts/b-next",
        "Fri evergreen/turn",
    ]


def test_the_forms_are_read_with_care(prepared: Make) -> None:
    """What only looks like a form is none."""
    odd: dict[str, Any] = {
        f"posts/p{n}.md": post(front)
        for n, front in enumerate(
            [
                "slot: next after 2027-13-01\n",
                "slot: tue 24:00\n",
                "after: p0 + 0d\n",
                "after: p0 - 2d\n",
                "every: 0w\nfrom: 2027-01-05\nruns: 2\n",
                "every: 4y\nfrom: 2027-01-05\nruns: 2\n",
                "slot: 2027-01-05\n",
            ]
        )
    }

    made = prepared({"networks/channels.yaml": channels(WEEK), **odd})

    assert times(made) == {}
    assert [p.code for p in made.problems if p.severity == "error"] == ["SYN002"] * len(odd)


def test_a_channel_may_be_called_like_a_note(prepared: Make) -> None:
    """Keys that begin with x- are notes, but in `at:` they name channels."""
    channel = 'channels: [{id: x-delhi, network: mastodon, handle: "@d@social.example"}]\n'
    made = prepared({"networks/channels.yaml": channel,
                     "posts/p.md": post("at: {default: 2027-01-05 09:00, x-delhi: 2027-01-06 10:00}\nx-note: 1\n")})

    assert times(made) == {"posts/p@x-delhi#1": "2027-01-06 10:00Z"}


def test_a_mapping_of_kept_times_may_hold_anything(prepared: Make) -> None:
    """Times of slots that are gone, of other channels or runs change nothing."""
    kept: Mapping[Slot, datetime] = {
        Slot("posts/gone", "a"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC),
        Slot("posts/p", "zzz"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC),
        Slot("evergreen/lamp", "a", "20269999"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC),
    }

    made = prepared(
        {**SERIES, "networks/channels.yaml": channels(WEEK, ""), "posts/p.md": post("channels: [a]\n")}, kept=kept
    )

    assert times(made)["posts/p@a#1"] == "2027-01-05 08:45Z"


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ("from: 2027-06-03, to: 2027-06-01", "2027-06-01 is before 2027-06-03. [SCH009] Turn the days round."),
        ("from: 2027-06-03", "it has no 'to'. [SCH009] Add 'to: YYYY-MM-DD'; both days are inside."),
        ("to: 2027-06-03", "it has no 'from'. [SCH009] Add 'from: YYYY-MM-DD'; both days are inside."),
        (
            "from: 2027-06-03, to: 2027-06-03, channels: []",
            "it names no channel. [SCH009] Name some, or remove 'channels': without it it is for all.",
        ),
    ],
)
def test_a_blackout_that_closes_nothing_is_an_error(days: str, why: str, prepared: Make, told: Tell) -> None:
    """Nobody writes a blackout for nothing."""
    made = prepared({"calendar/blackouts.yaml": f"blackouts:\n  - {{id: shut, {days}}}\n"})

    assert told(made.problems) == [
        f"content/calendar/blackouts.yaml:2:5: error: The blackout shut closes nothing: {why}"
    ]


@pytest.mark.parametrize("key", ["hold", "at", "not_after", "every", "withdraw"])
def test_a_key_that_was_left_empty_stops_the_post(key: str, prepared: Make) -> None:
    """Whoever writes `hold:` and no reason does not want the post to go out."""
    made = prepared({"posts/p.md": post(f"slot: next\n{key}:\n")})

    assert times(made) == {}
    assert [p.message for p in made.problems] == [f"{key} is empty."]


def test_what_follows_a_post_with_an_error_waits(prepared: Make) -> None:
    """An error that only its network sees keeps the leader back on that channel, and its followers there, and no other.
    """
    made = prepared(
        {
            "networks/channels.yaml": channels("", "limits: {text: 40}"),
            "posts/first.md": post("at: 2027-01-05 12:30\n", "A text longer than the forty signs of one channel."),
            "posts/then.md": post("after: first + 2d\n", "Short."),
            "posts/last.md": post("after: then + 2d\n", "Shorter."),
        }
    )

    assert sorted(times(made)) == ["posts/first@a#1", "posts/last@a#1", "posts/then@a#1"]
    assert whys(made)["posts/then@b#1"] == "it waits for posts/first: posts/first is kept back by an error"
    assert whys(made)["posts/last@b#1"] == "it waits for posts/then: posts/then is kept back by an error"
    assert sorted((p.code, p.post, p.channel) for p in made.problems if p.severity == "error") == [
        ("SCH004", "posts/last", "b"),
        ("SCH004", "posts/then", "b"),
        ("TXT001", "posts/first", "b"),
    ]
