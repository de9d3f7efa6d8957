"""Working hours are read, and only what lies in them counts, through clock changes too."""
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.working import ALWAYS, Worked, WorkingHours, working_hours

HOUR = 60
DAY = 24 * HOUR
OFFICE = WorkingHours(tuple((day * DAY + 9 * HOUR, day * DAY + 18 * HOUR) for day in range(6)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("mon-sat 09:00-18:00", OFFICE),
        (" Mon-Sat  09:00 - 18:00 ", OFFICE),
        ("mon–sat 9:00–18:00", OFFICE),
        ("mon-tue, wed, thu-sat 09:00-18:00", OFFICE),
        ("mon-wed 09:00-18:00; thu-sat 09:00-18:00", OFFICE),
        ("mon-sat 09:00-15:00, mon-sat 12:00-18:00", OFFICE),
        ("sun 10:00-11:00", WorkingHours(((6 * DAY + 10 * HOUR, 6 * DAY + 11 * HOUR),))),
        ("sun 22:00-02:00", WorkingHours(((0, 2 * HOUR), (6 * DAY + 22 * HOUR, 7 * DAY)))),
        ("sat-mon 00:00-24:00", WorkingHours(((0, DAY), (5 * DAY, 7 * DAY)))),
        ("mon-sun 00:00-24:00", ALWAYS),
        ("mon-sun 06:00-06:00", ALWAYS),
    ],
)
def test_hours_are_read(text: str, hours: WorkingHours) -> None:
    """Days and hours, lists and ranges of them, round midnight and the end of the week; nothing counts twice."""
    assert working_hours(text) == hours


@pytest.mark.parametrize(
    "text",
    ["", "always", "mon-sat", "09:00-18:00", "mon-sat 9-18", "mon-sat 09:00-25:00", "mon-sat 24:00-25:00",
     "mon-sat 09:60-18:00", "mon-sat 09:00", "mon-sat 09:00-18:00,", "mon-sat 09:00-18:00 sun", "foo 09:00-18:00"],
)
def test_what_is_no_hours_is_nothing(text: str) -> None:
    """Anything else is none, and never a guess."""
    assert working_hours(text) is None


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2027-03-15 09:00", "2027-03-15 18:00", 9),                 # a Monday
        ("2027-03-15 08:00", "2027-03-15 09:00", 0),
        ("2027-03-15 08:00", "2027-03-15 10:00", 1),
        ("2027-03-15 17:00", "2027-03-16 10:00", 2),                 # over the night
        ("2027-03-20 17:30", "2027-03-22 09:30", 1),                 # Saturday evening to Monday
        ("2027-03-21 00:00", "2027-03-22 00:00", 0),                 # a Sunday
        ("2027-03-15 00:00", "2027-03-29 00:00", 108),               # two weeks
        ("2027-03-16 10:00", "2027-03-15 10:00", 0),                 # the wrong way round
    ],
)
def test_only_working_time_counts(start: str, end: str, hours: float) -> None:
    """Nights and days off are left out."""
    worked = Worked(OFFICE, "UTC", at("2027-03-01 00:00"), at("2027-04-01 00:00"))

    assert worked.between(at(start), at(end)) == timedelta(hours=hours)


@pytest.mark.parametrize(("day", "hours"), [("2027-03-28", 23), ("2027-10-31", 25), ("2027-03-27", 24)])
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    """Hours are those of the wall: a whole Sunday has 23 or 25 of them when clocks change."""
    midnight = at(f"{day} 00:00") - (timedelta(hours=1) if day == "2027-10-31" else timedelta(0))
    worked = Worked(ALWAYS, "Europe/Dublin", midnight - timedelta(days=9), midnight + timedelta(days=9))

    assert worked.between(midnight, midnight + timedelta(hours=hours)) == timedelta(hours=hours)
    sunday = working_hours("sat-sun 00:00-24:00")
    assert sunday is not None
    assert Worked(sunday, "Europe/Dublin", midnight - timedelta(days=2), midnight + timedelta(days=9)).between(
        midnight, midnight + timedelta(hours=hours)) == timedelta(hours=hours)


HOURS = st.lists(st.integers(0, 7 * DAY), min_size=2, max_size=8, unique=True).map(
    lambda marks: WorkingHours(tuple(zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False))))
ZONES = st.sampled_from(["UTC", "Europe/Dublin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
TIMES = st.integers(0, 30 * DAY).map(lambda minutes: at("2027-03-10 00:00") + timedelta(minutes=minutes))


@given(HOURS, ZONES, TIMES, TIMES, TIMES)
def test_parts_always_add_up(hours: WorkingHours, zone: str, one: datetime, two: datetime, three: datetime) -> None:
    """From first to last is always first to middle and middle to last, and never longer than the clock says."""
    first, middle, last = sorted((one, two, three))
    worked = Worked(hours, zone, first, last)

    assert worked.between(first, middle) + worked.between(middle, last) == worked.between(first, last)
    assert timedelta(0) <= worked.between(first, last) <= last - first


@given(HOURS, TIMES, st.integers(0, 4 * DAY))
def test_minutes_counted_one_by_one_are_as_many(hours: WorkingHours, start: datetime, minutes: int) -> None:
    """In a zone without clock changes every minute counts that lies in the hours, and no other, in any week."""
    monday = at("2027-03-08 00:00")
    counted = sum(any(begins <= minute < ends for begins, ends in hours.spans)
                  for minute in ((start - monday) // timedelta(minutes=1) % (7 * DAY) + n for n in range(minutes))
                  for minute in [minute % (7 * DAY)])

    end = start + timedelta(minutes=minutes)
    assert Worked(hours, "UTC", start, end).between(start, end) == timedelta(minutes=counted)


@given(HOURS, ZONES, TIMES, TIMES, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_wider_view_never_changes_the_count(hours: WorkingHours, zone: str, one: datetime, two: datetime,
                                              more: timedelta) -> None:
    """What lies around the two instants never counts."""
    first, last = sorted((one, two))

    assert Worked(hours, zone, first, last).between(first, last) == Worked(
        hours, zone, first - more, last + more).between(first, last)
