"""What is free on each channel: its week, its quiet hours, its blackouts, and what has been taken already."""
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

from flows.planning.phrasing import DAYS, Weekly
from flows.planning.timing import instant, wall
from schemas.channel import Channel, ChannelsFile
from schemas.engagement import Blackout
from schemas.notation import span

HORIZON_DAYS = 366
_FAR = timedelta(days=366 * 20)
"""How far ahead a free slot is looked for."""
_MONDAY = date(1970, 1, 5)


class Week(NamedTuple):
    """Times that come back every week: a channel's slots, or one time of a post's own, so much later (`stagger`)."""

    channel: str
    zone: str
    times: tuple[tuple[int, time], ...]               # weekday and clock, in order
    stagger: timedelta = timedelta()

    def at(self, number: int) -> tuple[datetime, date]:
        """The instant and the local day of time `number`, counted on from a Monday in 1970."""
        weeks, place = divmod(number, len(self.times))
        weekday, clock = self.times[place]
        day = _MONDAY + timedelta(days=7 * weeks + weekday)
        return instant(datetime.combine(day, clock), self.zone).at + self.stagger, day

    def first(self, day: date) -> int:
        """The number of the first time on `day` or later."""
        weeks, weekday = divmod((day - _MONDAY).days, 7)
        return weeks * len(self.times) + sum(1 for other, _ in self.times if other < weekday)


class Free:
    """What is free. `zones`: the zone of each channel's own wall, by channel id.

    `taken`: times that are taken from the beginning, sorted, by channel, in seconds since 1970.
    """

    def __init__(self, channels: ChannelsFile, zones: Mapping[str, str], blackouts: Iterable[Blackout],
                 taken: Mapping[str, Sequence[int]]) -> None:
        self._gap_s = round(span(channels.min_gap).total_seconds())
        self._quiet = _hours(channels.quiet_hours)
        self._zones = zones
        self._cap = {channel.id: channel.max_per_day for channel in channels.channels}
        self._taken: dict[str, list[int]] = {}
        self._before = taken
        self._spared: dict[str, list[int]] = {}                   # new times of slots that were held
        self._of_other_days: dict[str, list[int]] = {}            # those of them that came from another day
        self._blackouts = _by_channel(blackouts, self._cap)
        self._next: dict[tuple[Week, bool], dict[int, int]] = {}    # where to look on from a time never to be had

    # --- what is taken --------------------------------------------------------------------------------------------

    def fill(self, channel: str, times: Iterable[datetime]) -> None:
        """Takes many times at once; faster than one by one."""
        self._taken[channel] = sorted([*self._of(channel), *(_seconds(at) for at in times)])

    def take(self, channel: str, at: datetime) -> None:
        """From now on, `at` is taken on `channel`."""
        insort(self._of(channel), _seconds(at))

    def spare(self, channel: str, at: datetime, was: datetime) -> None:
        """From now on `at` is taken for whoever has no time yet; what was given a time near it may stay.

        `was`: where the plan has the post that goes out then. It counts there, so on the same day it counts once.
        """
        insort(self._spared.setdefault(channel, []), _seconds(at))
        zone = wall(self._zones[channel])
        if at.astimezone(zone).date() != was.astimezone(zone).date():
            insort(self._of_other_days.setdefault(channel, []), _seconds(at))

    def _of(self, channel: str) -> list[int]:
        """What is taken on a channel; copied when it is first asked for."""
        if (taken := self._taken.get(channel)) is None:
            taken = self._taken[channel] = list(self._before.get(channel, ()))
        return taken

    # --- what is closed -------------------------------------------------------------------------------------------

    def blackout(self, channel: str, at: datetime, *, asks: bool) -> Blackout | None:
        """The blackout that closes the channel to such a post on the local day of `at`."""
        closed = self._blackouts.get(channel)
        if not closed:
            return None
        day = at.astimezone(wall(self._zones[channel])).date()
        for one in closed:
            if one.from_ and one.to and one.from_ <= day <= one.to and (asks or one.effect == "hold"):
                return one
        return None

    def is_quiet(self, channel: str, at: datetime) -> bool:
        """Whether `at` lies in the quiet hours of the channel's wall: the first minute does, the last does not."""
        start, end = self._quiet
        clock = at.astimezone(wall(self._zones[channel])).time()
        return start <= clock < end if start <= end else clock >= start or clock < end

    def why_full(self, channel: str, at: datetime, zone: str, *, given: bool = False) -> str | None:
        """Why no other post fits in at `at` on `channel`; None: one does. `zone` tells the day that may be full.

        `given`: the post was given the time before.
        """
        taken, moment = self._of(channel), _seconds(at)
        near = _beside(taken, moment) if given else [*_beside(taken, moment),
                                                     *_beside(self._spared.get(channel, ()), moment)]
        if any(abs(moment - other) < self._gap_s for other in near):
            return f"another post goes out within {round(self._gap_s / 60)} minutes of it"
        day = _day(at.astimezone(wall(zone)).date(), zone)
        more = 0 if given else _within(self._of_other_days.get(channel, ()), day)
        if _within(taken, day) + more >= self._cap[channel]:
            return f"{self._cap[channel]} a day is all that {channel} takes"
        return None

    # --- what is free ---------------------------------------------------------------------------------------------

    def fits(self, channel: str, at: datetime, zone: str, *, asks: bool, given: bool = False) -> bool:
        """Whether a post may be placed at `at`, or stay there if it was `given` it: not quiet, not closed, not crowded.
        """
        return (not self.is_quiet(channel, at) and self.blackout(channel, at, asks=asks) is None
                and self.why_full(channel, at, zone, given=given) is None)

    def find(self, week: Week, earliest: datetime, *, asks: bool = False,
             latest: datetime | None = None) -> datetime | None:
        """The first free time of `week` after `earliest`, within the horizon and up to `latest`."""
        if not week.times:
            return None
        skip = self._next.setdefault((week, asks), {})
        end = earliest + timedelta(days=HORIZON_DAYS)
        if latest is not None:
            end = min(end, latest)
        number = week.first((earliest - min(week.stagger, _FAR)).astimezone(wall(week.zone)).date())
        while True:
            number = _root(skip, number)
            at, _ = week.at(number)
            if at > end:
                return None
            if at <= earliest:
                number += 1
            elif not self.fits(week.channel, at, week.zone, asks=asks):
                skip[number] = number = number + 1                # what is taken or closed stays so
            else:
                return at

    def holds(self, week: Week, at: datetime) -> bool:
        """Whether `at` is a time of `week`."""
        if not week.times:
            return False
        day = (at - week.stagger).astimezone(wall(week.zone)).date()
        return any(week.at(week.first(day) + n)[0] == at for n in range(-1, len(week.times)))


def week_of(channel: Channel, zone: str) -> Week:
    """The slots of a channel, told by `zone`."""
    times = sorted((DAYS.index(slot[:3]), time.fromisoformat(slot[4:])) for slot in channel.slots)
    return Week(channel.id, zone, tuple(times))


def week_with(channel: Channel, zone: str, weekly: Weekly, stagger: timedelta) -> Week:
    """One time of the week, staggered for a channel."""
    return Week(channel.id, zone, ((weekly.weekday, weekly.clock),), stagger)


def _by_channel(blackouts: Iterable[Blackout], channels: Iterable[str]) -> dict[str, list[Blackout]]:
    found: dict[str, list[Blackout]] = {}
    for one in blackouts:
        for channel in channels if one.channels is None else one.channels:
            found.setdefault(channel, []).append(one)
    return found


def _beside(times: Sequence[int], moment: int) -> Sequence[int]:
    """The one before `moment` and the one from it on; `times` are sorted."""
    after = bisect_left(times, moment)
    return times[max(after - 1, 0):after + 1]


def _within(times: Sequence[int], day: tuple[int, int]) -> int:
    """How many lie in a day."""
    return bisect_left(times, day[1]) - bisect_left(times, day[0])


def _root(skip: dict[int, int], number: int) -> int:
    """Where to look on from `number`; the way there is made short for the next who asks."""
    root = number
    while root in skip:
        root = skip[root]
    while number in skip and skip[number] != root:
        skip[number], number = root, skip[number]
    return root


@cache
def _day(day: date, zone: str) -> tuple[int, int]:
    """When a local day begins, and when the next one does, in seconds since 1970."""
    return (_seconds(instant(datetime.combine(day, time()), zone).at),
            _seconds(instant(datetime.combine(day + timedelta(days=1), time()), zone).at))


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


@cache
def _hours(written: str) -> tuple[time, time]:
    start, _, end = written.partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)
