"""What is gathered when much happens at once, what is kept when Prefect is away, and which events are told."""
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.edges.prefect_server import settings
from flows.gather import MOST_ALONE, MOST_GROUPS, WRONG, Backlog, Bell, Ends, Many, Together
from flows.quote import plain
from schemas.report import Note

PATIENCE_S = 20.0


def line(slot: str, state: str = "published", at: str | None = "2027-03-01T12:30:00Z", **more: Any) -> dict[str, Any]:
    """One outcome as the sender tells it."""
    return {"slot": slot, "state": state, "at": at, "sent_at": None, "url": None, "reason": None,
            "file": "content/posts/hello.md:2:1", "next": None, "zone": "UTC", "network": "mastodon",
            "channel": slot.partition("@")[2].partition("#")[0], "campaign": None, "unable": False, **more}


def all_of(backlog: Backlog, now: float) -> list[dict[str, Any] | Together]:
    found = []
    while (one := backlog.take(now, at_once=True)) is not None:
        found.append(one)
    return found


def names(shown: list[dict[str, Any] | Together]) -> list[str]:
    return [one.name if isinstance(one, Together) else one["slot"] for one in shown]


# --- what is gathered -------------------------------------------------------------------------------------------------


def test_few_are_shown_one_by_one():
    """As long as no more come than the knob says, each slot stands alone, in its order."""
    backlog = Backlog(most_per_minute=3)
    for number in range(3):
        backlog.add(line(f"posts/{number}@mastodon#1"), now=float(number))

    assert names(all_of(backlog, 3.0)) == [f"posts/{number}@mastodon#1" for number in range(3)]


def test_many_are_gathered_by_channel_and_minute():
    """Above the knob, good outcomes of one channel and minute are one task run that names how many."""
    backlog = Backlog(most_per_minute=2)
    for number in range(39):
        backlog.add(line(f"posts/{number}@mastodon#1"), now=0.0)
    for number in range(2):
        backlog.add(line(f"posts/{number}@x#1", at="2027-03-01T12:31:00Z"), now=0.0)

    assert names(all_of(backlog, 0.0)) == ["posts/0@mastodon#1", "posts/1@mastodon#1", "mastodon 12:30: 37 slots",
                                           "x 12:31: 2 slots"]


def test_what_went_wrong_always_stands_alone():
    """However much comes, each slot that failed, is held, missed or unknown is shown by itself, and first."""
    backlog = Backlog(most_per_minute=1)
    for number in range(50):
        backlog.add(line(f"posts/good-{number}@x#1"), now=0.0)
    for state in sorted(WRONG):
        backlog.add(line(f"posts/{state}@x#1", state), now=0.0)

    assert names(all_of(backlog, 0.0))[:4] == [f"posts/{state}@x#1" for state in sorted(WRONG)]


def test_a_group_waits_until_its_burst_is_over():
    """A minute's slots are not split over several task runs while they still come."""
    backlog = Backlog(most_per_minute=0)
    backlog.add(line("posts/a@x#1"), now=0.0)
    assert backlog.take(0.1) is None
    backlog.add(line("posts/b@x#1"), now=1.0)
    assert backlog.take(2.5) is None

    shown = backlog.take(3.1)

    assert isinstance(shown, Together)
    assert shown.name == "x 12:30: 2 slots"


def test_a_group_of_one_is_a_slot():
    """What would be a group of one is shown as the slot it is."""
    backlog = Backlog(most_per_minute=0)
    backlog.add(line("posts/a@x#1"), now=0.0)

    assert names(all_of(backlog, 0.0)) == ["posts/a@x#1"]


def test_a_minute_later_slots_stand_alone_again():
    """After a quiet minute nothing is gathered any more."""
    backlog = Backlog(most_per_minute=2)
    for number in range(5):
        backlog.add(line(f"posts/{number}@x#1"), now=0.0)
    all_of(backlog, 0.0)
    backlog.add(line("posts/late@x#1"), now=61.0)

    assert names(all_of(backlog, 61.0)) == ["posts/late@x#1"]


@given(states=st.lists(st.sampled_from(["published", "waiting", "failed", "held"]), max_size=200),
       knob=st.integers(0, 5), room=st.integers(1, 20))
def test_nothing_is_ever_lost_or_kept_beyond_the_room(states, knob, room):
    """Whatever comes, every line is shown or counted exactly once, and no more lines are kept than there is room."""
    backlog = Backlog(most_per_minute=knob, most_kept=room)
    for number, state in enumerate(states):
        backlog.add(line(f"posts/{number}@x#1", state), now=number / 10)

    assert len(backlog) == len(states)
    shown = all_of(backlog, 1e6)
    kept = [told for one in shown for told in (one.lines if isinstance(one, Together) else [one])]
    assert len(kept) + sum(one.more for one in shown if isinstance(one, Together)) == len(states)
    assert len(kept) <= room + knob
    assert len({told["slot"] for told in kept}) == len(kept)


# --- whom people are told of ------------------------------------------------------------------------------------------


def test_a_flood_is_a_few_messages():
    """Of a thousand that fail at once people hear of ten by themselves, and of the others in one message."""
    bell = Bell()

    alone = [number for number in range(1_000) if bell.rings(f"posts/{number}@x#1", "failed", "no token", now=0.0)]

    assert alone == list(range(MOST_ALONE))
    assert bell.many(1.0) is None
    told = bell.many(2.0)
    assert isinstance(told, Many)
    assert (told.count, told.words) == (990, "990 failed. The most frequent reason: no token")
    assert not bell.is_waiting


def test_the_rest_of_a_flood_is_told_every_ten_minutes():
    """What fails on and on is told once in ten minutes, as another message; at the end at once."""
    bell = Bell(most_alone=1)
    bell.rings("posts/0@x#1", "failed", "", 0.0)
    bell.rings("posts/1@x#1", "held", "", 1.0)
    first = bell.many(5.0)
    bell.rings("posts/2@x#1", "failed", "", 6.0)

    assert bell.many(100.0) is None
    second = bell.many(605.0)
    assert first is not None
    assert second is not None
    assert (first.words, second.words) == ("1 held.", "1 failed.")
    assert first.name != second.name
    bell.rings("posts/3@x#1", "failed", "", 606.0)
    assert not bell.rings("posts/4@x#1", "failed", "", 606.0)
    assert bell.many(606.0, at_once=True) is not None


@given(numbers=st.permutations(range(30)))
def test_the_same_flood_has_the_same_name_in_any_order(numbers):
    """A shift that meets the same held posts again tells nothing new, whatever their order."""
    def name(order: list[int]) -> str:
        bell = Bell()
        for number in order:
            bell.rings(f"posts/{number}@x#1", "held", "look", 0.0)
        told = bell.many(0.0, at_once=True)
        assert told is not None
        return told.name

    assert name(list(numbers)) == name(list(range(30)))


def test_very_many_minutes_are_gathered_too():
    """A backlog over more minutes than there are groups for is counted by channel."""
    backlog = Backlog(most_per_minute=0)
    for number in range(MOST_GROUPS + 500):
        day, minute = divmod(number, 1440)
        backlog.add(line(f"posts/{number}@x#1", at=f"2027-03-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:00Z"), 0.0)

    shown = all_of(backlog, 0.0)

    assert len(shown) == MOST_GROUPS + 1
    assert names(shown)[-1] == "x later: 500 slots"


def test_the_table_keeps_what_went_wrong():
    """Of a million good slots some stand in the table and all are counted; none that went wrong is left out."""
    ends = Ends(most=10)
    for number in range(5_000):
        ends.add(line(f"posts/{number}@x#1", "failed" if number % 1_000 == 999 else "published"))
    ends.add(line("posts/999@x#1", "published"))

    assert (ends.count, ends.wrong) == (5_000, 4)
    assert [row["slot"] for row in ends.rows if row["state"] == "failed"] == [
        f"posts/{number}@x#1" for number in (1_999, 2_999, 3_999, 4_999)]
    assert len(ends.rows) <= 15


@pytest.mark.parametrize(("said", "shown"), [
    ("a\nb\x1b]0;c", "a ⏎ b⟦U+001B⟧]0;c"), ("[link](http://x)", "[link] (http://x)"), ("<b>`code`", "‹b›'code'"),
    ("![pixel](http://x)", "! [pixel] (http://x)"), (None, ""), (12, "12"), ("x" * 600, "x" * 499 + "…")])
def test_words_of_strangers_are_plain(said, shown):
    """No control, tag, code, link or picture is left in what Prefect shows (threats, F2 and F5)."""
    assert plain(said) == shown


# --- with a real server -----------------------------------------------------------------------------------------------


class Server:
    """Our embedded server, to be stopped and started again on the same port and database."""

    def __init__(self, home: Path, port: int) -> None:
        self.environment = settings(home, port)
        self.database = home / "prefect.db"
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._home / "log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.edges.prefect_server"], stdin=subprocess.PIPE, stdout=log,
                stderr=log, cwd=self._home, env={**os.environ, **self.environment})
        eventually(lambda: self._is_healthy())

    def _is_healthy(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.environment['PREFECT_API_URL']}/health").is_success
        return False

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()

    def rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as database:
            return database.execute(sql, values).fetchall()


def eventually(is_so: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """What `is_so` gives, once that is something."""
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it never came to be"
        pause.wait(0.1)
    return found


@pytest.fixture
def server(tmp_path, free_port) -> Iterator[Server]:
    one = Server(tmp_path, free_port())
    one.start()
    yield one
    one.kill()


@pytest.fixture
def follower(server) -> Iterator[subprocess.Popen[str]]:
    """A follower that groups above 5 a minute; lines are written to its input."""
    with (server.database.parent / "follower.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.publish"], stdin=subprocess.PIPE, text=True, stdout=log, stderr=log,
            cwd=server.database.parent, env={**os.environ, **server.environment, "DRUMBEAT_TASK_RUNS_PER_MINUTE": "5",
                                             "DRUMBEAT_PARENT": str(os.getpid()),
                                             "DRUMBEAT_UNTIL": "2027-03-01T13:00:00Z"})
    yield process
    process.kill()
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


def tell(follower: subprocess.Popen[str], *lines: dict[str, Any]) -> None:
    assert follower.stdin is not None
    follower.stdin.write("".join(json.dumps(one) + "\n" for one in lines))
    follower.stdin.flush()


@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back(server, follower):
    """The follower reads on while Prefect is away, says so once, then shows what went wrong and gathers the rest.

    It passes over notes for the terminal. Every slot has its event; what waits has one only if a gate or a person
    keeps it.
    """
    def states() -> dict[str, str]:
        return dict(server.rows("select name, state_name from task_run"))

    tell(follower, Note("held", "held: everything").as_dict(), line("posts/before@x#1"))
    eventually(lambda: "posts/before@x#1" in states())
    server.kill()
    tell(follower, *(line(f"posts/{number}@x#1") for number in range(100)))
    tell(follower, line("posts/bad@x#1", "failed", reason="<b>no</b>", campaign="spring"),
         line("posts/gated@x#1", "waiting", reason="LAUNCH is not green: …; 'drumbeat gates' says what each needs"),
         line("posts/slow@x#1", "waiting", reason="not sent; the next try is at noon"))
    log = server.database.parent / "follower.log"
    eventually(lambda: "does not answer" in log.read_text())
    server.start()
    assert follower.stdin is not None
    follower.stdin.close()

    assert follower.wait(PATIENCE_S) == 0, log.read_text()
    few = {f"posts/{number}@x#1": "Published" for number in ("before", 0, 1, 2, 3)}
    wanted = {**few, "posts/bad@x#1": "Failed", "x 12:30: 96 slots": "Published", "x 12:30: 2 slots waiting": "Waiting"}
    eventually(lambda: states() == wanted)
    assert log.read_text().count("does not answer") == 1
    (run,) = server.rows("select state_type, name from flow_run")
    assert run == ("COMPLETED", "shift until 2027-03-01T13:00:00Z")

    events = eventually(lambda: (found := server.rows(
        "select event, resource_id, payload, related from events where event like 'drumbeat.%'"))[102:] and found)
    assert len({resource for _, resource, *_ in events}) == len(events) == 103
    told = {resource: (event, json.loads(payload), json.loads(related)) for event, resource, payload, related in events}
    event, payload, related = told["drumbeat.slot.posts/bad@x#1"]
    assert (event, payload["reason"]) == ("drumbeat.post.failed", "‹b›no‹/b›")
    assert {"drumbeat.channel.x", "drumbeat.campaign.spring"} <= {one["prefect.resource.id"] for one in related}
    assert told["drumbeat.slot.posts/gated@x#1"][0] == "drumbeat.post.waiting"
    assert "drumbeat.slot.posts/slow@x#1" not in told
    logged = [message for (message,) in server.rows("select message from log where name = 'prefect.task_runs'")]
    assert {f"published posts/{number}@x#1" for number in range(4, 100)} <= set(logged)


class Refusing(BaseHTTPRequestHandler):
    """A server that is healthy and answers everything else with one status."""

    status: int
    asked: list[str]

    def do_GET(self) -> None:
        is_health = self.path == "/api/health"
        if not is_health:
            self.asked.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200 if is_health else self.status)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"true")

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def refused(tmp_path) -> Iterator[Callable[[int], tuple[subprocess.Popen[str], list[str]]]]:
    """Starts a follower beside a server that refuses with a status; what that was asked."""
    with ExitStack() as ends:
        def start(status: int) -> tuple[subprocess.Popen[str], list[str]]:
            asked: list[str] = []
            listening = ends.enter_context(ThreadingHTTPServer(
                ("127.0.0.1", 0), type("Ours", (Refusing,), {"status": status, "asked": asked})))
            threading.Thread(target=listening.serve_forever, daemon=True).start()
            ends.callback(listening.shutdown)
            process = ends.enter_context(subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.publish"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                cwd=tmp_path, env={**os.environ, **settings(tmp_path, listening.server_port),
                                   "PREFECT_CLIENT_MAX_RETRIES": "0", "DRUMBEAT_PARENT": str(os.getpid())}))
            ends.callback(process.kill)
            return process, asked

        yield start


@pytest.mark.slow
def test_a_server_that_is_too_busy_is_asked_again(refused):
    """A follower that cannot begin its flow run yet tries on: the shift is shown once the server can take it."""
    follower, asked = refused(503)

    eventually(lambda: len(asked) >= 3)

    assert follower.poll() is None


@pytest.mark.slow
def test_a_login_that_is_refused_is_said(refused):
    """A wrong login ends the follower with words, and no traceback."""
    follower, _ = refused(401)

    assert follower.wait(PATIENCE_S) == 1
    said = follower.stderr.read()
    assert said.splitlines()[-2:] == [
        "error: Prefect's server answered 401: nothing of this shift is shown there.",
        "  remedy: Set PREFECT_API_AUTH_STRING or PREFECT_API_KEY as the server asks for them, or look into its log."]
    assert "Traceback" not in said
