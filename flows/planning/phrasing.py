"""The words in which people say when, as values: `slot:`, `after:` and `every:` of a post, `slot:` of a series."""
import re
from datetime import date, time
from typing import Literal, NamedTuple

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAME = r"mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_NEXT_AFTER = re.compile(r"next after (?P<day>\d{4}-\d{2}-\d{2})", re.ASCII)
_WEEKLY = re.compile(rf"(?P<weekday>{_NAME}) (?P<clock>{_CLOCK})", re.ASCII | re.IGNORECASE)
_AFTER = re.compile(
    rf"(?P<post>[a-z0-9/-]+) ?\+ ?(?P<count>[1-9]\d{{0,4}})(?P<unit>m|h|d|w|mo)(?: at (?P<clock>{_CLOCK}))?", re.ASCII
)
_EVERY = re.compile(
    rf"(?P<count>[1-9]\d{{0,4}})(?P<unit>d|w|mo)(?: on (?P<weekday>{_NAME}))?(?: at (?P<clock>{_CLOCK}))?",
    re.ASCII | re.IGNORECASE,
)
EXAMPLES = {"slot": "thu 12:30", "after": "first-post + 2d", "every": "4w on friday at 17:15"}
"""One of each form, for messages."""


class Next(NamedTuple):
    """The next free slot of each channel; `after`: the first day that is too early."""

    after: date | None = None


class Weekly(NamedTuple):
    """A time in the week: weekday 0 is Monday."""

    weekday: int
    clock: time

    def __str__(self) -> str:
        return f"{DAYS[self.weekday]} {self.clock:%H:%M}"


class Relation(NamedTuple):
    """So long (`number` of `unit`) after another post; `clock`: at that time of the day."""

    post: str
    number: int
    unit: Literal["m", "h", "d", "w", "mo"]
    clock: time | None


class Recurrence(NamedTuple):
    """Again and again: every `number` days, weeks or months, on a weekday, at a time."""

    number: int
    unit: Literal["d", "w", "mo"]
    weekday: int | None
    clock: time | None


def slot_form(text: str) -> Next | Weekly | None:
    """What `slot: text` says; None: nothing. Raises ValueError for a day that does not exist."""
    if text == "next":
        return Next()
    if (match := _NEXT_AFTER.fullmatch(text)) is not None:
        return Next(date.fromisoformat(match["day"]))
    return weekly(text)


def weekly(text: str) -> Weekly | None:
    """`tue 08:45` or `Tuesday 08:45`; None for anything else."""
    match = _WEEKLY.fullmatch(text)
    return Weekly(_weekday(match["weekday"]), time.fromisoformat(match["clock"])) if match else None


def relation(text: str) -> Relation | None:
    """What `after: text` says; None: nothing."""
    match = _AFTER.fullmatch(text)
    if match is None:
        return None
    return Relation(match["post"], int(match["count"]), match["unit"], _clock(match["clock"]))  # type: ignore[arg-type]


def recurrence(text: str) -> Recurrence | None:
    """What `every: text` says; None: nothing."""
    match = _EVERY.fullmatch(text)
    if match is None:
        return None
    weekday = _weekday(match["weekday"]) if match["weekday"] else None
    return Recurrence(int(match["count"]), match["unit"].lower(), weekday, _clock(match["clock"]))  # type: ignore[arg-type]


def _weekday(name: str) -> int:
    return DAYS.index(name[:3].lower())


def _clock(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None
