"""Every local time is one instant, in every time zone, through every clock change of three years: judged by others.

The judges, none of which shares code with Python's zoneinfo, on which `instant` stands:

- The C library (tzset(3), localtime(3)), told to live by the very file of the tzdata package that zoneinfo reads. It
  only ever says what a wall shows at an instant; what a local time means follows from looking at every minute. It is
  the judge of all zones and of all years.
- python-dateutil, which has rules of its own for what does not exist and what happens twice. It reads the old half of a
  zone file only (dateutil 2.9.0, `tz/tz.py`: the first block, up to 2037), which tzdata leaves empty; pytz brings whole
  files of the same release.
- pytz, a third reader of those files, where dateutil errs.

pendulum is no judge: its Timezone is a subclass of ZoneInfo (pendulum 3.3.0).

dateutil errs where winter is the "daylight saving" time and not summer (Ireland, Morocco): it takes the doubled hour to
be an hour later than it is. Known: github.com/dateutil/dateutil/issues/1048 (open; read 2026-11-22).
"""
import importlib.util
import os
import time
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import pytz
import tzdata
from dateutil import tz
from hypothesis import example, given, settings
from hypothesis import strategies as st

Instant = Callable[[datetime, str], tuple[datetime, str]]
PACKAGE = Path(tzdata.__file__).parent
ZONES = tuple(sorted((PACKAGE / "zones").read_text(encoding="ascii").split()))
FILES: dict[bytes, list[str]] = {}
"""The names of each zone, by what its file holds."""
for _zone in ZONES:
    FILES.setdefault((PACKAGE / "zoneinfo" / _zone).read_bytes(), []).append(_zone)
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2026, 2029))
MINUTE = timedelta(minutes=1)
AROUND = 120                                                      # minutes
SEVENTIES = datetime.fromisoformat("1970-01-01")
ALL_MINUTES = (datetime.fromisoformat("3000-01-01") - SEVENTIES) // MINUTE
OFTEN = settings(deadline=None, max_examples=200)


class Change(NamedTuple):
    """A clock is set to another offset. `saving`: from then on the zone calls its time daylight saving."""

    at: datetime
    before: timedelta
    after: timedelta
    saving: bool

    def locals(self) -> list[datetime]:
        """Every minute of the wall clock from two hours before the change to two hours after it."""
        walls = sorted(self.at.replace(tzinfo=None) + offset for offset in (self.before, self.after))
        count = (walls[1] - walls[0]) // MINUTE + 2 * AROUND
        return [walls[0] + (minute - AROUND) * MINUTE for minute in range(count + 1)]


class Meaning(NamedTuple):
    """What a local time is: how often it happens, and the instant that is meant by it."""

    times: int
    at: datetime

    def agrees(self, found: tuple[datetime, str]) -> bool:
        """Whether `instant` says the same; it gives a reason exactly when the time does not happen once."""
        return found[0] == self.at and bool(found[1]) == (self.times != 1)


@pytest.fixture(scope="module", autouse=True)
def instant() -> Iterator[Instant]:
    """`instant` of a fresh timing module over the data of the tzdata package, whatever the system has."""
    paths, environment = zoneinfo.TZPATH, os.environ.pop("TZ", None)
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    spec = importlib.util.find_spec("flows.planning.timing")
    assert spec is not None
    assert spec.loader is not None
    timing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(timing)
    yield timing.instant
    os.environ.pop("TZ", None)
    if environment is not None:
        os.environ["TZ"] = environment
    time.tzset()
    zoneinfo.reset_tzpath(to=paths)
    zoneinfo.ZoneInfo.clear_cache()


# --- the judges ----------------------------------------------------------------------------------------------------


def live_in(zone: str) -> None:
    """From now on the C library tells the time of `zone`, by the tzdata package's file."""
    os.environ["TZ"] = f":{PACKAGE / 'zoneinfo' / zone}"
    time.tzset()


@cache
def changes(zone: str) -> tuple[Change, ...]:
    """Every clock change of the three years in `zone`, as the C library tells it from then on.

    It is asked for every sixth hour: two changes in between that undo each other would be missed.
    """
    live_in(zone)
    found, after = [], time.localtime(FIRST)
    for low in range(FIRST, LAST, 6 * 3600):
        high, before_that = low + 6 * 3600, after
        after = time.localtime(high)
        if before_that.tm_gmtoff == after.tm_gmtoff:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if time.localtime(middle).tm_gmtoff == after.tm_gmtoff else (middle, high)
        before = timedelta(seconds=time.localtime(low).tm_gmtoff)
        found.append(Change(datetime.fromtimestamp(high, UTC), before, timedelta(seconds=after.tm_gmtoff),
                            bool(after.tm_isdst)))
    return tuple(found)


def meanings(first: datetime, minutes: int) -> Callable[[datetime], Meaning]:
    """What local times mean where the C library lives: it is asked for the wall clock throughout so many minutes.

    Once a minute, or twice where a wall is half a minute off the others (Monrovia's was, until 1972-01-07).
    """
    shown: Counter[datetime] = Counter()
    earliest: dict[datetime, datetime] = {}
    begin = int(first.timestamp())
    end = begin + 60 * minutes
    step = 30 if any(time.localtime(at).tm_sec for at in (begin, end)) else 60
    for at in range(begin, end, step):
        wall = time.localtime(at)
        if wall.tm_sec == 0:
            local = datetime(*wall[:6], tzinfo=UTC).replace(tzinfo=None)
            shown[local] += 1
            earliest.setdefault(local, datetime.fromtimestamp(at, UTC))
    last = max(earliest)

    def meaning(local: datetime) -> Meaning:
        valid = local
        while valid not in earliest:
            assert valid < last, f"{local} is not in the minutes that were looked at"
            valid += MINUTE
        return Meaning(shown[local], earliest[valid])

    return meaning


def by_dateutil(judge: tz.tzfile, local: datetime) -> Meaning:
    valid = local
    while not tz.datetime_exists(valid, judge):
        valid += MINUTE
    times = 2 if tz.datetime_ambiguous(local, judge) else int(valid == local)
    return Meaning(times, valid.replace(tzinfo=judge, fold=0).astimezone(UTC))


def by_pytz(judge: pytz.tzinfo.BaseTzInfo, local: datetime) -> Meaning:
    try:
        return Meaning(1, judge.localize(local, is_dst=None).astimezone(UTC))
    except pytz.NonExistentTimeError:
        return by_pytz(judge, local + MINUTE)._replace(times=0)
    except pytz.AmbiguousTimeError:
        return Meaning(2, min(judge.localize(local, is_dst=saving).astimezone(UTC) for saving in (True, False)))


def whole_files() -> Path:
    """The zone files of pytz, which hold every change up to 2037 in the block that old readers know."""
    if tzdata.IANA_VERSION != pytz.OLSON_VERSION:
        pytest.skip(f"pytz judges by the zones of {pytz.OLSON_VERSION}, and tzdata has those of {tzdata.IANA_VERSION}")
    return Path(pytz.__file__).parent / "zoneinfo"


# --- the proof -----------------------------------------------------------------------------------------------------


def test_these_are_all_zones() -> None:
    """No zone of the list that authors may write is left out."""
    assert set(ZONES) == zoneinfo.available_timezones()


def test_every_minute_around_every_change_is_one_instant(instant) -> None:
    """In each zone, around each clock change of three years: the first instant that shows the minute or a later one.

    Never an earlier instant than that of the minute before.
    """
    wrong, count = [], 0
    for names in FILES.values():
        for change in changes(names[0]):
            live_in(names[0])
            margin = AROUND + abs(change.after - change.before) // MINUTE + 1
            meaning = meanings(change.at - margin * MINUTE, 2 * margin)
            judged = {local: meaning(local) for local in change.locals()}
            for name in names:
                # Other names of a zone have the same file; it is enough to see that they are read like it.
                chosen = judged if name == names[0] else dict.fromkeys([*judged][AROUND - 5::15])
                found = {local: instant(local, name) for local in chosen}
                wrong += [(name, local, found[local], judged[local])
                          for local in found if not judged[local].agrees(found[local])]
                wrong += [(name, local, found[local], before) for before, local in pairwise(found)
                          if found[before][0] > found[local][0]]
                count += len(found)

    assert wrong == []
    assert count > 100_000


def test_dateutil_agrees_around_every_change(instant) -> None:
    """For each way in which clocks change, dateutil says the same, minute by minute; pytz does where dateutil errs."""
    files = whole_files()
    wrong, erring = [], set()
    ways = {change: names[0] for names in FILES.values() for change in changes(names[0])}
    for change, zone in ways.items():
        judge, third = tz.tzfile(str(files / zone)), pytz.timezone(zone)
        for local in change.locals():
            found = instant(local, zone)
            if not by_dateutil(judge, local).agrees(found):
                erring.add((zone, change))
                if not by_pytz(third, local).agrees(found):
                    wrong.append((zone, local, found))

    assert wrong == []
    assert all(change.saving and change.after < change.before for _, change in erring), erring
    assert len(erring) < len(ways) / 5


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and a whole minute there: any from 1970 to 2999, or one within three days of a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    near = [change.at.replace(tzinfo=None) + change.before for change in changes(zone)]
    if near and draw(st.booleans()):
        return zone, draw(st.sampled_from(near)) + draw(st.integers(-4320, 4320)) * MINUTE
    return zone, draw(st.integers(0, ALL_MINUTES - 1)) * MINUTE + SEVENTIES


@OFTEN
@given(moment=moments())
@example(moment=("Africa/Monrovia", datetime.fromisoformat("1970-03-09T22:35")))
@example(moment=("Africa/Monrovia", datetime.fromisoformat("1972-01-07T00:00")))
@example(moment=("Africa/Monrovia", datetime.fromisoformat("1972-01-07T00:44")))
@example(moment=("Africa/Monrovia", datetime.fromisoformat("1972-01-07T00:45")))
def test_any_time_is_one_instant(instant, moment) -> None:
    """Any time from 1970 to 2999, in any zone, is the first instant at which a wall shows it or a later minute."""
    zone, local = moment
    live_in(zone)

    judged = meanings(local.replace(tzinfo=UTC) - timedelta(hours=26), 52 * 60)(local)

    assert judged.agrees(instant(local, zone))


@OFTEN
@given(moment=moments(), minutes=st.integers(1, 4320))
def test_later_is_never_earlier(instant, moment, minutes) -> None:
    """A later local time never gives an earlier instant, and two that exist never the same one."""
    zone, local = moment

    sooner, later = instant(local, zone), instant(local + minutes * MINUTE, zone)

    assert sooner[0] <= later[0]
    assert sooner[0] < later[0] or sooner[1] or later[1]


@OFTEN
@given(moment=moments())
def test_no_time_is_refused(instant, moment) -> None:
    """From 1970 to 2999 there is an instant (UTC) for each local time, a day away at most; asked again, the same."""
    zone, local = moment

    found = instant(local, zone)

    assert found == instant(local, zone)
    assert found[0].tzinfo is UTC
    assert abs(found[0] - local.replace(tzinfo=UTC)) <= timedelta(hours=26)
