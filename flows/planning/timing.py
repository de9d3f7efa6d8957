"""When a time on a wall happens: local times become instants, through clock changes too."""
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


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
