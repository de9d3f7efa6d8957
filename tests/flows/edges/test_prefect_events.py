"""Events reach Prefect's server, without Prefect in this process; a server that is away holds nobody up."""
import base64
import json
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from flows.edges.prefect_events import PATIENCE_S, emit

SLOT = {"prefect.resource.id": "drumbeat.slot.posts/hello@mastodon#1", "prefect.resource.name": "posts/hello"}
CHANNEL = {"prefect.resource.id": "drumbeat.channel.mastodon", "prefect.resource.role": "channel"}


class Server:
    """Answers every event with `status`, and keeps what it got."""

    def __init__(self, status: int) -> None:
        got: list[tuple[str, dict[str, str], Any]] = []
        self.got = got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def answering():
    """Starts servers that answer with a status."""
    made: list[Server] = []

    def start(status: int = 204) -> Server:
        made.append(Server(status))
        return made[-1]

    yield start
    for one in made:
        one.end()


def test_an_event_is_posted_as_prefect_reads_it(answering):
    """One POST to /events with a list of one event: id, time, resource, related resources and payload."""
    server, before = answering(), datetime.now(UTC)

    assert emit("drumbeat.post.failed", SLOT, {"reason": "refused", "at": datetime(2027, 3, 1, tzinfo=UTC)}, [CHANNEL],
                {"PREFECT_API_URL": f"{server.url}/"})

    ((path, headers, (event,)),) = server.got
    assert path == "/api/events"
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    assert len(event.pop("id")) == 36
    assert before <= datetime.fromisoformat(event.pop("occurred")) <= datetime.now(UTC)
    assert event == {"event": "drumbeat.post.failed", "resource": SLOT, "related": [CHANNEL],
                     "payload": {"reason": "refused", "at": "2027-03-01 00:00:00+00:00"}}


def test_the_login_of_the_server_is_sent_as_prefect_sends_it(answering):
    """The auth string goes as Basic, a key as Bearer; the auth string goes before the key."""
    server = answering()

    for login in ({"PREFECT_API_AUTH_STRING": "admin:pass"}, {"PREFECT_API_KEY": "pnu_1"},
                  {"PREFECT_API_AUTH_STRING": "admin:pass", "PREFECT_API_KEY": "pnu_1"}):
        assert emit("drumbeat.test", SLOT, {}, (), {"PREFECT_API_URL": server.url, **login})

    basic = f"Basic {base64.b64encode(b'admin:pass').decode()}"
    assert [headers["Authorization"] for _, headers, _ in server.got] == [basic, "Bearer pnu_1", basic]


def test_without_a_server_there_is_nobody_to_tell():
    """No PREFECT_API_URL: nothing is sent, nothing is logged, False."""
    assert emit("drumbeat.test", SLOT, {}, (), {}) is False


@pytest.mark.parametrize("status", [401, 403, 422, 500, 302])
def test_a_server_that_does_not_take_it_is_said_in_the_log(answering, heard, status):
    """An answer other than success is False and a line with the status; nothing is raised."""
    server = answering(status)

    assert emit("drumbeat.test", SLOT, {}, (), {"PREFECT_API_URL": server.url}) is False
    assert f"status={status}" in heard.wait_for("Prefect did not take event=drumbeat.test")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/api", "http://admin:hunter2@127.0.0.1:1/api", "no address",
                                     "http://admin:hunter2@[::1", "ftp://127.0.0.1/api", "http://host\x01name/api"])
def test_a_server_that_is_not_there_is_said_in_the_log(heard, address):
    """Nobody there, or no address: False and a line, without the password that may stand in the address."""
    assert emit("drumbeat.test", SLOT, {}, (), {"PREFECT_API_URL": address}) is False
    assert "hunter2" not in heard.wait_for("Prefect was not told event=drumbeat.test")


def test_a_payload_that_cannot_be_written_is_said_in_the_log(heard, answering):
    """What is no JSON is False and a line, like a server that is away."""
    server = answering()

    for payload in ({"number": float("nan")}, {("a", "b"): 1}):
        assert emit("drumbeat.test", SLOT, payload, (), {"PREFECT_API_URL": server.url}) is False  # type: ignore[arg-type]
    assert "ValueError" in heard.wait_for("Prefect was not told")
    assert server.got == []


def test_a_server_that_never_answers_holds_nobody_up(heard):
    """After three seconds it is given up, and the log says so."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        assert emit("drumbeat.test", SLOT, {}, (), {
            "PREFECT_API_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/api"}) is False
        assert time.monotonic() - before < PATIENCE_S + 5
    assert "Timeout" in heard.wait_for("Prefect was not told")


def test_no_prefect_and_no_http_is_loaded_for_nobody():
    """Importing it, and having nobody to tell, loads neither Prefect nor an HTTP library."""
    script = ("import sys\nfrom flows.edges.prefect_events import emit\nemit('x', {}, {}, (), {})\n"
              "print([name for name in ('prefect', 'httpx') if name in sys.modules])")

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_prefects_server_keeps_the_event(prefect_server):
    """A real server stores the event, and finds it again by its name, with resource and payload."""
    environment = {"PREFECT_API_URL": prefect_server.environment["PREFECT_API_URL"]}
    deadline, name = time.monotonic() + 120, f"drumbeat.test.{time.time_ns()}"
    while not emit(name, SLOT, {"commit": "a1b2"}, [CHANNEL], environment):
        assert time.monotonic() < deadline, "Prefect's server does not answer"
        select.select([], [], [], 0.2)

    now, found = datetime.now(UTC), list[dict[str, Any]]()
    asked = {"filter": {"event": {"name": [name]}, "occurred": {
        "since": (now - timedelta(minutes=5)).isoformat(), "until": (now + timedelta(minutes=5)).isoformat()}}}
    while not found:
        assert time.monotonic() < deadline, "the event is not there"
        with suppress(httpx.HTTPError):
            found = httpx.post(f"{environment['PREFECT_API_URL']}/events/filter", json=asked).json()["events"]
        select.select([], [], [], 0.1)

    (event,) = found
    assert (event["event"], event["payload"]) == (name, {"commit": "a1b2"})
    assert event["resource"] == SLOT
    assert event["related"] == [CHANNEL]
