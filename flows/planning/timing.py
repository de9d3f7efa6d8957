"""When a time on a wall happens: local times become instants, through clock changes too; days and months are added."""
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.phrasing import Recurrence

MOST_RUNS = 1000
"""A repeating post goes out so often at most: more is a slip, or wants a new post."""


class Moment(NamedTuple):
    """An instant (UTC) and, when a clock change moved or doubled it, what was written."""

    at: datetime
    shifted: str = ""


def instant(local: datetime, zone: str) -> Moment:
    """When `local` (naive) happens in `zone`. In a gap: the next valid minute. In a fold: the first of the two.

    Raises zoneinfo.ZoneInfoNotFoundError for a zone that does not exist.
    """
    tz = wall(zone)
    early = local.replace(tzinfo=tz, fold=0)
    late = local.replace(tzinfo=tz, fold=1)
    if early.utcoffset() == late.utcoffset():
        return Moment(early.astimezone(UTC))
    back = early.astimezone(UTC).astimezone(tz).replace(tzinfo=None)
    if back == local:
        return Moment(early.astimezone(UTC), "happens twice that day; the first is used")
    # In a gap the two readings lie on either side of the change: the first valid minute is the change itself.
    low, high = sorted((early.astimezone(UTC), late.astimezone(UTC)))
    before = low.astimezone(tz).utcoffset()
    while high - low > timedelta(seconds=1):                      # offsets of old have seconds
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == before else (low, middle)
    valid = high.astimezone(tz)
    valid += timedelta(seconds=-valid.second % 60)
    return Moment(valid.astimezone(UTC), f"does not exist that day; {valid:%H:%M} is used")


def days_on(day: date, count: int, unit: str) -> date:
    """`day` so many days (`d`), weeks (`w`) or calendar months (`mo`) later; the 31st becomes a month's last day.

    Raises ValueError or OverflowError for a day that no calendar has.
    """
    if unit != "mo":
        return day + timedelta(days=count * (7 if unit == "w" else 1))
    months = day.year * 12 + day.month - 1 + count
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def runs(every: Recurrence, start: date, until: date | None, most: int | None) -> list[date]:
    """The days of a repeating post, in order: from `start` to `until` (included), `most` of them at most.

    Never more than MOST_RUNS + 1, so that one too many can be seen.
    """
    last = min(most or MOST_RUNS + 1, MOST_RUNS + 1)
    found: list[date] = []
    for day in _run_days(every, start):
        if len(found) == last or (until is not None and day > until):
            break
        if not found or day > found[-1]:                          # `every: 2d on friday` names some Fridays twice
            found.append(day)
    return found


def _run_days(every: Recurrence, start: date) -> Iterator[date]:
    number = 0
    while True:
        try:
            day = days_on(start, number * every.number, every.unit)
            if every.weekday is not None:
                day += timedelta(days=(every.weekday - day.weekday()) % 7)
        except (ValueError, OverflowError):
            return
        if day.year > 2999:
            return
        yield day
        number += 1


@cache
def wall(zone: str) -> ZoneInfo:
    """The zone of that name. Raises zoneinfo.ZoneInfoNotFoundError."""
    return ZoneInfo(zone)
