"""Working hours: how much of a stretch of time somebody was there to answer."""
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import NamedTuple

from flows.planning.timing import instant, wall

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAME = "|".join(_NAMES)
_PART = re.compile(rf"({_NAME})(?:\s*[-–]\s*({_NAME}))?(?:\s+(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d))?", re.ASCII)
_DAY, _WEEK = 1440, 7 * 1440                                     # minutes


class WorkingHours(NamedTuple):
    """From which to which minute of the week people work, in order and apart; minute 0 is Monday's midnight."""

    spans: tuple[tuple[int, int], ...]


ALWAYS = WorkingHours(((0, _WEEK),))


def working_hours(text: str) -> WorkingHours | None:
    """`mon-sat 09:00-18:00`, or several: `mon-thu 09:00-18:00, fri, sat 10:00-14:00`. None: it is something else.

    Days and hours go round: `fri-mon`, and `22:00-02:00` ends on the next day.
    """
    spans: list[tuple[int, int]] = []
    days: list[int] = []
    for part in re.split("[,;]", text.strip().lower()):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return None
        first, last = _NAMES.index(match[1]), _NAMES.index(match[2] or match[1])
        days += [(first + number) % 7 for number in range((last - first) % 7 + 1)]
        if match[3] is not None:
            hours = _hours(*(int(match[number]) for number in range(3, 7)))
            if hours is None:
                return None
            spans += [(day * _DAY + hours[0], day * _DAY + hours[1]) for day in days]
            days = []
    return None if days or not spans else WorkingHours(tuple(_apart(spans)))


def _hours(hour: int, minute: int, to_hour: int, to_minute: int) -> tuple[int, int] | None:
    begins, ends = hour * 60 + minute, to_hour * 60 + to_minute
    if begins >= _DAY or ends > _DAY or minute > 59 or to_minute > 59:
        return None
    return begins, ends if ends > begins else ends + _DAY


def _apart(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same minutes, none of them twice; what goes over Sunday's midnight begins the week."""
    within = [(begins, min(ends, _WEEK)) for begins, ends in spans]
    within += [(0, ends - _WEEK) for _, ends in spans if ends > _WEEK]
    last: tuple[int, int] | None = None
    for begins, ends in sorted(within):
        if last is None or begins > last[1]:
            if last is not None:
                yield last
            last = begins, ends
        else:
            last = last[0], max(last[1], ends)
    if last is not None:
        yield last


class Worked:
    """The time worked between two instants that lie between `first` and `last`; what lies outside is not counted.

    Hours are local to `zone`, so the day on which clocks change is shorter or longer.
    """

    def __init__(self, hours: WorkingHours, zone: str, first: datetime, last: datetime) -> None:
        spans = [(begins, ends) for begins, ends in _instants(hours, zone, first, last) if ends > begins]
        self._begins = [begins for begins, _ in spans]
        self._ends = [ends for _, ends in spans]
        self._before = [timedelta(0), *accumulate(ends - begins for begins, ends in spans)]

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time from `start` to `end` was worked; nothing when `end` comes first."""
        return max(timedelta(0), self._until(end) - self._until(start))

    def _until(self, at: datetime) -> timedelta:
        number = bisect_right(self._begins, at)
        if not number:
            return timedelta(0)
        return self._before[number - 1] + min(at, self._ends[number - 1]) - self._begins[number - 1]


def _instants(hours: WorkingHours, zone: str, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When work begins and ends, from `first` to `last`."""
    today = first.astimezone(wall(zone)).date()
    monday = today - timedelta(days=today.weekday() + 7)           # hours of a week may end in the next one
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    while _at(monday, 0, zone) <= last:
        for begins, ends in hours.spans:
            yield max(first, _at(monday, begins, zone)), min(last, _at(monday, ends, zone))
        monday += timedelta(days=7)


def _at(monday: date, minute: int, zone: str) -> datetime:
    return instant(datetime.combine(monday, time()) + timedelta(minutes=minute), zone).at
