"""How people write ids, times, durations and references in the content folder."""
import re
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::00)?")
_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::00)?\s?(Z|[+-]\d{2}:\d{2})")
_DURATION = re.compile(r"([1-9]\d{0,4})(m|h|d|w|mo)")
_CADENCE = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,4})(m|h|d|w|mo)")


class Ref(NamedTuple):
    """Marks a text field as the id of something else: `Annotated[str, Ref("person")]`."""

    kind: str


def _id(text: str) -> str:
    if not 2 <= len(text) <= 60 or not _ID.fullmatch(text):
        raise ValueError("an id has 2 to 60 characters: small letters, digits, single hyphens between them")
    return text


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ValueError("a duration looks like 30m, 4h, 2d, 3w or 6mo")
    return text


def _cadence(text: str) -> str:
    if not _CADENCE.fullmatch(text):
        raise ValueError("a cadence looks like 1/4w: how often, then in how long")
    return text


def _local_or_fixed(text: object) -> object:
    if not isinstance(text, str):
        return text
    if match := _OFFSET.fullmatch(text):
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{'+00:00' if match[3] == 'Z' else match[3]}")
    if match := _LOCAL.fullmatch(text):
        return datetime.fromisoformat(f"{match[1]}T{match[2]}")
    raise ValueError('a time looks like 2027-03-04 09:30, with an offset when it needs one: 2027-03-04 09:30+01:00')


Id = Annotated[str, AfterValidator(_id)]
"""`[a-z0-9]+(-[a-z0-9]+)*`, 2 to 60 characters."""
Duration = Annotated[str, AfterValidator(_duration)]
"""`30m` `4h` `2d` `3w` `6mo`; months are calendar months."""
Cadence = Annotated[str, AfterValidator(_cadence)]
"""`n/duration`: n times in each duration."""
LocalTime = Annotated[datetime, BeforeValidator(_local_or_fixed)]
"""`YYYY-MM-DD HH:MM`: naive, in the zone of whoever it is for; aware when an offset was written."""


def span(duration: str) -> timedelta:
    """The length of a duration that has no calendar months. Raises ValueError for one that has."""
    match = _DURATION.fullmatch(duration)
    if match is None or match[2] == "mo":
        raise ValueError(f"{duration} has no fixed length")
    return int(match[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1),
                            "d": timedelta(days=1), "w": timedelta(weeks=1)}[match[2]]
