"""A remote that is away is noted in the archive once it is for long, by each clone, and not for ever."""
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, integers, lists, tuples

from flows.edges.outages import AGAIN, COUNTS, LONG, OVER_FOR, Absence, clone_of, outage
from flows.edges.store import Store, open_store
from schemas.outage import Outage

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
WHY, REMEDY = "https://git.example/content.git cannot be fetched: no route to host.", "Look at it."
FOLDER = "v1/plan/unreachable/"


class Fleet:
    """Publishers of one archive, each with a clone of its own, and one time for all."""

    def __init__(self, store: Store) -> None:
        self.store, self.now = store, NOON

    def process(self, machine: str = "pub-1") -> Absence:
        """A process that fetches into the machine's clone."""
        return Absence(self.store, clone_of(machine, Path("/srv/content"), "main"), lambda: self.now,
                       lambda: self.now.timestamp())

    def later(self, time: timedelta, *failing: Absence, goes_by: str = "c1") -> None:
        """So much later, and these do not reach the remote."""
        self.now += time
        for one in failing:
            one.failed(WHY, REMEDY)
            one.tell(goes_by)

    def back(self, *reaching: Absence, goes_by: str = "c1") -> None:
        for one in reaching:
            one.reached()
            one.tell(goes_by)

    def outage(self, force: str | None = "c1") -> Outage | None:
        return outage(self.store, self.now, force)

    def notes(self) -> list[str]:
        """What was noted, without the day and whose it is."""
        return [f"{key.split('/')[-1].split('~')[0]} {key.split('~')[-1]}" for key in self.store.list(FOLDER)]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(open_store(f"dir:{tmp_path / 'archive'}"))


def test_an_outage_is_told_after_a_quarter_of_an_hour_and_when_it_is_over(fleet: Fleet) -> None:
    """Since it began, with git's own words; then that it is over, for an hour."""
    one = fleet.process()
    fleet.later(timedelta(0), one)
    fleet.later(LONG - timedelta(seconds=1), one)
    assert fleet.outage() is None
    fleet.later(timedelta(seconds=1), one)
    told = Outage("main", NOON, fleet.now, WHY, REMEDY, ("pub-1",))
    assert fleet.outage() == told
    fleet.later(timedelta(minutes=30), one)
    assert fleet.outage() == told

    fleet.back(one)

    assert fleet.outage() == told._replace(at=fleet.now, is_over=True)
    assert fleet.notes() == ["121500 away", "124500 over"]
    fleet.now += OVER_FOR + timedelta(seconds=1)
    assert fleet.outage() is None


def test_processes_of_one_clone_tell_one_outage(fleet: Fleet) -> None:
    """The next shift goes on with what the one before it began, and ends it; nobody says anything twice."""
    first = fleet.process()
    fleet.later(timedelta(0), first)
    second = fleet.process()
    fleet.later(LONG, first, second)
    fleet.later(LONG, first, second)
    third = fleet.process()
    fleet.later(timedelta(minutes=20), third)
    fleet.back(third)
    fleet.back(first, second, third)

    assert fleet.notes() == ["121500 away", "125000 over"]


def test_many_publishers_that_are_cut_off_are_one_outage(fleet: Fleet) -> None:
    """It began when the first was hit, also when that one is the first to be out again."""
    first, second, third = (fleet.process(f"pub-{number}") for number in (1, 2, 3))
    fleet.back(third)
    fleet.later(timedelta(0), first)
    fleet.later(timedelta(minutes=1), first, second)
    fleet.later(LONG, first, second)
    both = fleet.outage()
    fleet.now += timedelta(minutes=5)
    fleet.back(first)

    assert both == Outage("main", NOON, NOON + timedelta(minutes=16), WHY, REMEDY, ("pub-1", "pub-2"))
    assert fleet.outage() == both._replace(machines=("pub-2",))


def test_a_clone_that_lags_behind_another_is_told_apart(fleet: Fleet) -> None:
    """Its publisher sends by the plan it has; another one has taken a newer plan meanwhile."""
    one = fleet.process()
    fleet.later(timedelta(0), one)
    fleet.later(LONG, one)
    found = fleet.outage("c2")
    assert found is not None
    assert found.behind == ("pub-1",)


def test_a_publisher_that_is_gone_for_good_is_not_told_of_for_ever(fleet: Fleet) -> None:
    """What lasts is noted again, some times a day; what nobody notes again ends."""
    one = fleet.process()
    fleet.later(timedelta(0), one)
    for _ in range(24 * 4):
        fleet.later(LONG, one)
    found = fleet.outage()
    assert found is not None
    assert found.since == NOON
    assert len(fleet.notes()) == timedelta(days=1) / AGAIN
    fleet.now += COUNTS + timedelta(seconds=1)
    assert fleet.outage() is None


@given(lists(tuples(integers(1, 120), booleans()), max_size=60))
def test_a_remote_that_comes_and_goes_fills_no_archive(tmp_path_factory: pytest.TempPathFactory,
                                                       looks: list[tuple[int, bool]]) -> None:
    """However it flaps, an archive gets at most two notes for each quarter of an hour without an answer."""
    fleet = Fleet(open_store(f"dir:{tmp_path_factory.mktemp('archive')}"))
    one, away = fleet.process(), timedelta(0)
    for minutes, answers in looks:
        if answers:
            fleet.now += timedelta(minutes=minutes)
            fleet.back(one)
        else:
            away += timedelta(minutes=minutes)
            fleet.later(timedelta(minutes=minutes), one)

    assert len(fleet.notes()) <= 2 * (away // LONG)


def test_a_damaged_note_is_no_news_and_stops_nobody(fleet: Fleet) -> None:
    """Notes of an outage are for people: one that cannot be read keeps no publisher from telling, nor `status`."""
    one = fleet.process()
    fleet.later(timedelta(0), one)
    for number, body in enumerate((b"", b"{", b"[]", b"{}", b'{"v": 1, "at": "noon"}', b"\xff")):
        fleet.store.create(f"{FOLDER}2027-03-01/12000{number}~pub-1-12345678~away", body)
        fleet.store.create(f"{FOLDER}2027-03-01/12000{number}~other-{number}~away", body)
    fleet.store.create(f"{FOLDER}2027-03-01/notes.txt", b"who put this here?")

    assert fleet.outage() is None
    fleet.later(LONG, one)
    assert fleet.outage() == Outage("main", NOON, fleet.now, WHY, REMEDY, ("pub-1",))
