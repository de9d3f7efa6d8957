"""When a time on a wall happens: local times become instants, through clock changes too."""
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_WEEKDAY = r"(mon(day)?|tue(sday)?|wed(nesday)?|thu(rsday)?|fri(day)?|sat(urday)?|sun(day)?)"
_AT = r"([01]\d|2[0-3]):[0-5]\d"
FORMS = {
    "slot": (re.compile(rf"next after \d{{4}}-\d{{2}}-\d{{2}}|{_WEEKDAY} {_AT}", re.ASCII), "next"),
    "after": (re.compile(rf"[a-z0-9/-]+ ?\+ ?[1-9]\d{{0,4}}(m|h|d|w|mo)( at {_AT})?", re.ASCII), "first-post + 2d"),
    "every": (re.compile(rf"[1-9]\d{{0,4}}(d|w|mo)( on {_WEEKDAY})?( at {_AT})?", re.ASCII), "4w on friday at 17:15"),
}
"""What these keys may hold beside `slot: next`, and an example of each."""


class Moment(NamedTuple):
    """An instant (UTC) and, when a clock change moved or doubled it, what was written."""

    at: datetime
    shifted: str = ""


def instant(local: datetime, zone: str) -> Moment:
    """When `local` (naive) happens in `zone`. In a gap: the next valid minute. In a fold: the first of the two.

    Raises zoneinfo.ZoneInfoNotFoundError for a zone that does not exist.
    """
    tz = ZoneInfo(zone)
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
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == before else (low, middle)
    change = high.replace(second=0, microsecond=0)
    return Moment(change, f"does not exist that day; {change.astimezone(tz):%H:%M} is used")
