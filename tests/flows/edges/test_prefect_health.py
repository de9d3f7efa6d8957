"""Prefect's server seen from outside: open doors, wrong logins, other versions and silence are told, with a fix."""
import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.edges.prefect_health import is_loopback, listening, login_of, server
from schemas.finding import Finding

LOGIN = "admin:" + "s3cret-pass"


class Door(ThreadingHTTPServer):
    """The three words of Prefect's API that are asked for; with a `login`, all but /health ask for it."""

    daemon_threads = True

    def __init__(self, host: str, login: str | None, version: str, health: int) -> None:
        super().__init__((host, 0), _Handler)
        self.login, self.version, self.health = login, version, health


class _Handler(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        said = self.headers.get("Authorization", "")
        right = f"Basic {base64.b64encode((self.server.login or '').encode()).decode()}"
        if self.path == "/api/health":
            return self.answer(self.server.health, "true")
        if self.server.login is not None and said != right:
            return self.answer(401, '{"exception_message":"Unauthorized"}')
        is_version = self.path == "/api/admin/version"
        return self.answer(200, f'"{self.server.version}"') if is_version else self.answer(404, "")

    def answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@contextmanager
def a_door(host: str = "127.0.0.1", login: str | None = None, version: str = "3.8.8",
           health: int = 200) -> Iterator[int]:
    door = Door(host, login, version, health)
    thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield int(door.server_port)
    door.shutdown()
    thread.join()
    door.server_close()


def told(environment: dict[str, str], ours: str | None = "3.8.8") -> list[tuple[str, str]]:
    every: list[Finding] = list(server(environment, ours, listening()))
    assert all(one.remedy for one in every if one.state in ("error", "warning", "advice"))
    assert LOGIN.split(":")[1] not in str(every)
    return [(one.state, one.what) for one in every]


def test_a_server_of_ours_on_loopback_is_well() -> None:
    """It answers, it is of our version, and nobody else reaches it."""
    with a_door() as port:
        address = f"http://127.0.0.1:{port}/api"
        assert told({"PREFECT_API_URL": address + "/"}) == [("ok", f"3.8.8 answers at {address}")]


def test_a_server_that_listens_everywhere_without_a_login_is_an_error() -> None:
    """Though it is asked at loopback: who listens is looked up on this machine (threats, D3)."""
    with a_door("0.0.0.0") as port:
        address = f"http://127.0.0.1:{port}/api"
        assert told({"PREFECT_API_URL": address})[0] == (
            "error", f"Prefect ({address}) listens on every address of this machine and asks for no login.")
    with a_door("0.0.0.0", LOGIN) as port:
        address = f"http://127.0.0.1:{port}/api"
        assert told({"PREFECT_API_URL": address, "PREFECT_API_AUTH_STRING": LOGIN}) == [
            ("ok", f"3.8.8 answers at {address}")]


def test_an_address_that_is_not_loopback_without_login_and_https_is_an_error() -> None:
    """Whoever reaches it can start flows; with a login in clear text it is a warning."""
    with a_door("0.0.0.0") as port:
        address = f"http://0.0.0.0:{port}/api"
        assert told({"PREFECT_API_URL": address})[0] == (
            "error", f"Prefect at {address} asks for no login: whoever reaches it can start and stop flows.")
    with a_door("0.0.0.0", LOGIN) as port:
        address = f"http://0.0.0.0:{port}/api"
        assert told({"PREFECT_API_URL": address, "PREFECT_API_AUTH_STRING": LOGIN})[0] == (
            "warning", f"The login goes to {address} in the clear.")


@pytest.mark.parametrize(("host", "login", "states"), [
    ("0.0.0.0", "", ["error", "ok"]), ("192.0.2.7", "", ["error", "ok"]), ("0.0.0.0", LOGIN, ["ok"]),
    ("127.0.0.1", "", ["ok"]), ("localhost", "", ["ok"])])
def test_where_a_server_of_this_machine_would_listen_is_looked_at(
        host: str, login: str, states: list[str], free_port: Callable[[], int]) -> None:
    """PREFECT_SERVER_API_HOST says it before the server runs."""
    with a_door() as port:
        assert [state for state, _ in told({
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "PREFECT_SERVER_API_HOST": host,
            "PREFECT_SERVER_API_AUTH_STRING": login})] == states


@pytest.mark.parametrize(("login", "said"), [
    ({}, "none is set"), ({"PREFECT_API_AUTH_STRING": "admin:wrong"}, "refuses the one that is set"),
    ({"PREFECT_API_KEY": "pnu_x"}, "refuses the one that is set")])
def test_a_login_that_does_not_fit_is_told(login: dict[str, str], said: str) -> None:
    """A missing one and a wrong one are told apart."""
    with a_door(login=LOGIN) as port:
        ((state, what),) = told({"PREFECT_API_URL": f"http://127.0.0.1:{port}/api", **login})
    assert state == "error"
    assert said in what


@pytest.mark.parametrize(("theirs", "ours", "state"), [
    ("3.8.12", "3.8.8", "ok"), ("3.7.9", "3.8.8", "error"), ("3.9.1", "3.8.8", "warning"), ("soon", "3.8.8", "advice"),
    ("3.8.8", None, "advice")])
def test_versions_are_compared_in_their_first_two_numbers(theirs: str, ours: str | None, state: str) -> None:
    """An older server may not know what a newer client asks for; the other way round is a warning."""
    with a_door(version=theirs) as port:
        assert [one for one, _ in told({"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}, ours)] == [state]


def test_silence_and_nonsense_are_told_without_the_login_in_the_address(free_port: Callable[[], int]) -> None:
    """Nobody there, a server that is unwell, and an address that is none."""
    port = free_port()
    assert told({"PREFECT_API_URL": f"http://{LOGIN}@127.0.0.1:{port}/api"}) == [
        ("error", f"Prefect at http://127.0.0.1:{port}/api does not answer: ConnectError.")]
    with a_door(health=503) as port:
        assert told({"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}) == [
            ("error", f"Prefect at http://127.0.0.1:{port}/api does not answer: HTTP 503.")]
    assert told({"PREFECT_API_URL": "localhost:4200"})[0][0] == "error"


def test_without_an_address_nobody_is_called() -> None:
    """`up` starts a server of its own then; one that is open to all on its port would be told."""
    assert [one.what for one in server({}, "3.8.8", "")] == ["none is named: drumbeat up starts one for this machine "
                                                             "alone"]


def test_what_is_loopback() -> None:
    """Names and both families; an address of a network is none."""
    assert [is_loopback(one) for one in ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "a.localhost")] == [
        True] * 6
    assert [is_loopback(one) for one in ("0.0.0.0", "::", "10.0.0.1", "prefect", "localhost.example")] == [False] * 5


def test_the_auth_string_goes_before_the_key() -> None:
    """As Prefect's own client has it."""
    basic = {"Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}"}
    assert login_of({"PREFECT_API_AUTH_STRING": LOGIN, "PREFECT_API_KEY": "k"}) == basic
    assert login_of({"PREFECT_API_KEY": "k"}) == {"Authorization": "Bearer k"}
    assert login_of({}) == {}


