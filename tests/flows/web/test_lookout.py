"""One snapshot serves all who look; nobody looking costs nothing."""
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.observe import News
from flows.web.looking import Snapshot
from flows.web.lookout import EVERY_S, IDLE_S, Lookout
from schemas.errors import StoreError

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def a_snapshot(**more: Any) -> Snapshot:
    empty = Snapshot(NOON, NOON, "UTC", "Posts", "c" * 40, (), News(), None, (), 0, b"", False)
    return empty._replace(**more)


class Place:
    """What is looked at, by a clock that the test moves. `wrong`: what a look raises; `shut`: a look waits."""

    def __init__(self) -> None:
        self.at_s, self.looks = 1000.0, 0
        self.wrong: Exception | None = None
        self.open = threading.Event()
        self.open.set()
        self.began = threading.Event()

    def look(self) -> Snapshot:
        self.began.set()
        self.open.wait(20)
        self.looks += 1
        if self.wrong is not None:
            raise self.wrong
        return a_snapshot(title=f"look {self.looks}")

    def pass_s(self, seconds: float) -> None:
        self.at_s += seconds


@pytest.fixture
def start() -> Iterator[Callable[[Place], Lookout]]:
    made: list[Lookout] = []

    def begin(place: Place) -> Lookout:
        made.append(Lookout(place.look, elapsed_s=lambda: place.at_s))
        made[-1].start()
        return made[-1]

    yield begin
    for one in made:
        one.end()


def test_nobody_looks_before_somebody_asks(start):
    """A page that nobody opens asks the archive nothing, however long it is there."""
    place = Place()
    start(place)
    place.pass_s(10_000)

    assert not place.began.wait(0.2)


def test_many_who_ask_at_once_share_one_look(start):
    """A hundred readers in the same ten seconds cost one look."""
    place = Place()
    lookout = start(place)
    readers = [threading.Thread(target=lookout.seen) for _ in range(100)]

    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert place.looks == 1
    assert lookout.seen().snapshot == a_snapshot(title="look 1")


def test_what_is_older_than_ten_seconds_is_looked_at_anew(start):
    """Who asks later sees a newer look, also after a long silence."""
    place = Place()
    lookout = start(place)
    for number, pause_s in enumerate((0, EVERY_S + 1, IDLE_S * 100), start=1):
        place.pass_s(pause_s)
        seen = lookout.seen()
        assert seen.snapshot is not None
        assert (seen.snapshot.title, seen.is_stale) == (f"look {number}", False)


def test_monitors_that_always_ask_do_not_keep_it_busy(start):
    """Asked every five seconds for what is at most a minute old, it looks about once a minute."""
    place = Place()
    lookout = start(place)
    for _ in range(24):
        assert lookout.seen(within_s=60).snapshot is not None
        place.began.clear()
        place.pass_s(5)
        assert lookout.seen(within_s=60).snapshot is not None
        place.began.wait(0.02)                                    # time for a look that nobody needs

    assert 2 <= place.looks <= 3


def test_an_archive_that_does_not_answer_leaves_the_old_snapshot_and_says_so(start):
    """What was seen last stays, with its age and the trouble; when the archive is back the trouble is gone."""
    place = Place()
    lookout = start(place)
    lookout.seen()
    place.wrong = StoreError("the archive does not answer", "wait")
    place.pass_s(EVERY_S + 1)

    stale = lookout.seen()
    place.wrong = None
    place.pass_s(EVERY_S + 1)
    back = lookout.seen()

    assert stale.snapshot is not None
    assert isinstance(stale.trouble, StoreError)
    assert (stale.snapshot.title, stale.is_stale) == ("look 1", True)
    assert (back.trouble, back.is_stale) == (None, False)


def test_a_fault_of_ours_is_told_without_its_details(start, heard):
    """An error that nobody thought of is in the log; the page says where to look, and the lookout goes on."""
    place = Place()
    lookout = start(place)
    place.wrong = RuntimeError("password=hunter2-hunter2")
    broken = lookout.seen()
    place.wrong = None
    place.pass_s(EVERY_S + 1)

    heard.wait_for("by a fault of ours")
    assert broken.trouble is not None
    assert "hunter2" not in f"{broken.trouble.what} {broken.trouble.remedy}"
    assert lookout.seen().snapshot is not None


def test_who_asks_while_a_look_takes_long_gets_what_there_is(start):
    """A look that hangs holds no reader up for longer than its patience."""
    place = Place()
    lookout = start(place)
    lookout.seen()
    place.open.clear()
    place.began.clear()
    place.pass_s(EVERY_S + 1)

    seen = lookout.seen(patience_s=0.05)
    assert place.began.wait(5)
    place.pass_s(40)
    later = lookout.seen(patience_s=0.05)
    place.open.set()

    assert seen.snapshot is not None
    assert seen.snapshot.title == "look 1"
    assert (later.is_stale, later.looking_s) == (True, 40.0)
