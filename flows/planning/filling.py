"""Free slots: the next time of a channel's week that nothing has taken."""
from bisect import bisect_left, insort
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flows.planning.timing import instant
from schemas.channel import Channel
from schemas.ledger import Slot

HORIZON_DAYS = 366
"""How far ahead a free slot is looked for."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class FreeSlots:
    """What is free on each channel. `taken`: the time of every slot that has one; `gap`: the least between two."""

    def __init__(self, taken: Mapping[Slot, datetime], gap: timedelta) -> None:
        self.gap = gap
        self._taken: dict[str, list[datetime]] = {}
        for slot, at in sorted(taken.items(), key=lambda pair: pair[1]):
            self._taken.setdefault(slot.channel, []).append(at)
        self._searched: dict[tuple[str, str, datetime], int] = {}

    def next(self, channel: Channel, zone: str, earliest: datetime) -> datetime | None:
        """The first free slot of `channel` after `earliest`, its week told by `zone`; None within the horizon."""
        today = earliest.astimezone(ZoneInfo(zone)).date()
        week = sorted((_DAYS.index(slot[:3]), time.fromisoformat(slot[4:])) for slot in channel.slots)
        search = (channel.id, zone, earliest)
        for ahead in range(self._searched.get(search, 0), HORIZON_DAYS):
            self._searched[search] = ahead                        # the days before are full, and stay so
            day = today + timedelta(days=ahead)
            for weekday, clock in week:
                if day.weekday() == weekday:
                    at = instant(datetime.combine(day, clock), zone).at
                    if at > earliest and self._is_free(at, day, channel, zone):
                        return at
        self._searched[search] = HORIZON_DAYS
        return None

    def take(self, channel: Channel, at: datetime) -> None:
        """From now on, `at` is taken on `channel`."""
        insort(self._taken.setdefault(channel.id, []), at)

    def _is_free(self, at: datetime, day: date, channel: Channel, zone: str) -> bool:
        """Whether `at` keeps the gap to every other time of `channel`, on a day that is not full."""
        taken = self._taken.get(channel.id, [])
        after = bisect_left(taken, at)
        midnight, next_midnight = (instant(datetime.combine(day + timedelta(days=n), time()), zone).at for n in (0, 1))
        same_day = bisect_left(taken, next_midnight) - bisect_left(taken, midnight)
        near = taken[max(after - 1, 0):after + 1]
        return same_day < channel.max_per_day and all(abs(at - other) >= self.gap for other in near)
