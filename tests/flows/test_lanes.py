"""Accounts: one call each, opened ahead of their first post, and none waits for another."""
import threading
from collections.abc import Iterator

import pytest

from flows.lanes import GETTING_READY, Lanes
from publishers import load
from publishers.base import Connection, Publisher
from schemas.channel import Channel
from schemas.errors import SettingsError

PATIENCE_S = 10.0


def channel(name: str, handle: str = "@mill") -> Channel:
    return Channel(id=name, network="mastodon", handle=handle)


class Desk:
    """Opens channels, and remembers which; those named in `hangs` only once they are let."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.hangs: dict[str, threading.Event] = {}
        self.begun = {name: threading.Event() for name in ("a", "b", "c")}
        self.woken = threading.Event()

    def connect(self, wanted: Channel) -> Publisher:
        self.opened.append(wanted.id)
        if wanted.id in self.begun:
            self.begun[wanted.id].set()
        if wanted.id in self.hangs:
            assert self.hangs[wanted.id].wait(PATIENCE_S)
        if wanted.handle == "gone":
            raise SettingsError("There is no credential.", "Connect it.")
        return load("mastodon")(Connection(wanted.handle or "", {"access_token": "t"}, "http://127.0.0.1:1"))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def lanes(desk: Desk) -> Iterator[Lanes[str, str]]:
    with Lanes[str, str](desk.connect, desk.connect, desk.woken.set) as made:
        yield made
        for hanging in desk.hangs.values():
            hanging.set()


def until_free(lanes: Lanes[str, str], desk: Desk, name: str) -> None:
    while not lanes.is_free(name):
        assert desk.woken.wait(PATIENCE_S)
        desk.woken.clear()


def test_what_is_ready_is_not_opened_again(lanes: Lanes[str, str], desk: Desk) -> None:
    """Opened ahead and asked whose it is, once; the job finds it so, until all are closed, or the channel changed."""
    asked: list[Publisher] = []
    lanes.get_ready(channel("a"), asked.append)
    assert desk.begun["a"].wait(PATIENCE_S)
    until_free(lanes, desk, "a")
    lanes.get_ready(channel("a"), asked.append)

    assert [lanes.open(channel("a"))] == asked
    assert desk.opened == ["a"]
    assert lanes.open(channel("a", "@other")) is not asked[0]
    lanes.close_all()
    assert lanes.open(channel("a", "@other")) is not asked[0]
    assert desk.opened == ["a", "a", "a"]


def test_nobody_talks_to_an_account_while_it_is_opened(lanes: Lanes[str, str], desk: Desk) -> None:
    """An adapter is for one thread; and a job wakes whoever hands them out when it ends."""
    desk.hangs["a"] = threading.Event()
    lanes.get_ready(channel("a"), lambda _: None)
    assert desk.begun["a"].wait(PATIENCE_S)
    assert not lanes.is_free("a")
    assert not lanes.is_busy
    desk.hangs["a"].set()
    until_free(lanes, desk, "a")

    lanes.hand_out(channel("a"), "job", lambda: lanes.open(channel("a")).network)
    assert lanes.jobs == ["job"]
    assert not lanes.is_free("a")
    ended: list[tuple[str, str]] = []
    while not ended:
        assert desk.woken.wait(PATIENCE_S)
        desk.woken.clear()
        ended += [(job, future.result()) for job, future in lanes.ended()]
    assert ended == [("job", "mastodon")]
    assert lanes.is_free("a")
    assert list(lanes.ended()) == []


def test_accounts_that_hang_hold_up_no_other(lanes: Lanes[str, str], desk: Desk) -> None:
    """Where all places are taken by a network that hangs, an account that waits to be opened ahead is simply free."""
    for number in range(GETTING_READY):
        desk.hangs[f"hanging-{number}"] = threading.Event()
        lanes.get_ready(channel(f"hanging-{number}"), lambda _: None)
    lanes.get_ready(channel("b"), lambda _: None)

    assert lanes.is_free("b")
    lanes.hand_out(channel("b"), "job", lambda: lanes.open(channel("b")).network)
    assert desk.begun["b"].wait(PATIENCE_S)
    assert desk.opened.count("b") == 1


def test_what_cannot_be_opened_is_left_to_its_job(lanes: Lanes[str, str], desk: Desk) -> None:
    """Getting ready says nothing: the job tries again, and its error is the one that people see."""
    lanes.get_ready(channel("c", "gone"), lambda _: None)
    assert desk.begun["c"].wait(PATIENCE_S)
    until_free(lanes, desk, "c")

    with pytest.raises(SettingsError, match="no credential"):
        lanes.open(channel("c", "gone"))
    assert desk.opened == ["c", "c"]


def test_an_account_that_nobody_may_call_is_not_opened(lanes: Lanes[str, str], desk: Desk) -> None:
    """It is asked in the account's own turn; and what is stopped while it is opened is not asked whose it is."""
    asked: list[Publisher] = []
    stopped = threading.Event()
    desk.hangs["b"] = threading.Event()
    lanes.get_ready(channel("a"), asked.append, unless=lambda: True)
    lanes.get_ready(channel("b"), asked.append, unless=stopped.is_set)
    assert desk.begun["b"].wait(PATIENCE_S)
    stopped.set()
    desk.hangs["b"].set()
    until_free(lanes, desk, "a")
    until_free(lanes, desk, "b")

    assert desk.opened == ["b"]
    assert asked == []


def test_the_end_waits_for_what_is_opened_and_for_no_question(desk: Desk) -> None:
    """A credential that is being renewed would be lost; a network that never says whose account it is holds up nobody.
    """
    asking, never = threading.Event(), threading.Event()
    desk.hangs["b"] = threading.Event()

    def ask(_: Publisher) -> None:
        asking.set()
        never.wait(PATIENCE_S)

    lanes = Lanes[str, str](desk.connect, desk.connect, desk.woken.set)
    with lanes:
        lanes.get_ready(channel("a"), ask)
        lanes.get_ready(channel("b"), ask)
        for number in range(GETTING_READY):
            lanes.get_ready(channel(f"more-{number}"), ask)
        assert asking.wait(PATIENCE_S)
        assert desk.begun["b"].wait(PATIENCE_S)
        threading.Timer(0.2, desk.hangs["b"].set).start()      # by then an end that does not wait is over

    assert not lanes.is_free("a")
    lanes.open(channel("b"))
    assert desk.opened.count("b") == 1
    never.set()
