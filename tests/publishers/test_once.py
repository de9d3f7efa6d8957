"""A create call leaves once, whatever comes back: every adapter against raw sockets, one table for all of them.

A network is in the table when `cases/<network>_case.py` says what its yes looks like.
"""
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec

import pytest
from contract_case import OURS, Case
from pydantic import SecretStr

import publishers
from publishers.base import Connection, Identifies, Publisher, Sent
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Repeat

CASES = [import_module(f"{name}_case").CASE for name in publishers.available() if find_spec(f"{name}_case")]
NETWORKS: list[Case] = [case for case in CASES if case.yes is not None]

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATE = "Date: Sun, 22 Nov 2026 12:00:00 GMT"
SECRET = "".join(("planted-", "8f1c"))          # put together, so that no source line in a traceback holds it
SHORT_S = 0.3
Play = Callable[[socket.socket, Case], None]


class Wire:
    """One loopback port: how many connections came, and what was said on each."""

    def __init__(self, play: Play, network: Case, hears: bool) -> None:
        self.play, self.network, self.hears = play, network, hears
        self.connections = 0
        self.heard: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while True:
            line, _ = self.listener.accept()
            with line:
                if self.over.is_set():
                    return
                self.connections += 1
                if self.hears:
                    self.heard.append(hear(line))
                with suppress(OSError):  # the client left, which is what some rows are about
                    self.play(line, self.network)

    def end(self) -> None:
        """Every connection that was made until now is counted: they are accepted in the order of their coming."""
        self.over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.listener.close()


@contextmanager
def wire(play: Play, network: Case, hears: bool = True) -> Iterator[Wire]:
    made = Wire(play, network, hears)
    made.thread.start()
    try:
        yield made
    finally:
        made.end()


def hear(line: socket.socket) -> bytes:
    """One request, whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := line.recv(65536)):
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    sizes = [int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length")]
    while sizes and len(body) < sizes[0]:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


def adapter(case: Case, address: str, seconds: float = 20.0) -> Publisher:
    secrets = {field: SecretStr(case.public.get(field, SECRET)) for field in case.credentials}
    return publishers.load(case.network)(Connection(OURS, secrets, address, connect_timeout_s=SHORT_S,
                                                    request_timeout_s=seconds))


def publish(case: Case, address: str, seconds: float = 20.0) -> None:
    publisher = adapter(case, address, seconds)
    publisher.publish(publisher.compose(case.goes["plain"]), 0, Sent(handles=case.handles))


def told_nothing(error: BaseException) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    return SECRET not in story


# --- what the other end does ----------------------------------------------------------------------------------------

def reset(line: socket.socket) -> None:
    """Closes with a reset instead of an end."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def until_gone(line: socket.socket) -> None:
    """Waits for the client to close the connection; only its deadline makes it."""
    while line.recv(65536):
        pass


def raw(text: str, then: Callable[[socket.socket], None] = lambda line: None) -> Play:
    """Says just that; `YES` and `NO` stand for the network's own bodies, `LONG` and `SHORT` for wrong sizes of YES."""
    def play(line: socket.socket, network: Case) -> None:
        assert network.yes is not None
        yes, size = network.yes.body, len(network.yes.body)
        words = {"HEADERS": "".join(f"{line}\n" for line in network.yes.headers), "YES": yes, "NO": network.no,
                 "SIZE": str(size), "LONG": str(size + 9), "SHORT": str(size - 1), "HEX": f"{size:x}",
                 "HALF": yes[:size // 2]}
        said = text
        for word, meaning in words.items():
            said = said.replace(f"<{word}>", meaning)
        line.sendall(said.replace("\n", "\r\n").encode())
        then(line)
    return play


def status(code: int, body: str = "<NO>", *headers: str) -> Play:
    head = "".join(f"{header}\n" for header in headers)
    return raw(f"HTTP/1.1 {code} Whatever\n{head}Content-Type: application/json\nConnection: close\n\n{body}")


def drip(start: str) -> Play:
    """A byte now and then, each long before any time-out between two bytes."""
    def play(line: socket.socket, _: Case) -> None:
        line.sendall(start.replace("\n", "\r\n").encode())
        line.settimeout(SHORT_S / 10)
        while True:
            line.sendall(b"x")
            try:
                if not line.recv(65536):
                    return
            except TimeoutError:
                continue
    return play


HTML = "<html>Just a moment</html>"
OK = "HTTP/1.1 200 OK\n<HEADERS>Content-Type: application/json\n"
MOVED = {f"{code}": status(code, "", "Location: /elsewhere") for code in (301, 302, 303, 307, 308)}
OWN = {code: status(code) for code in (400, 401, 403, 404, 408, 409, 410, 413, 418, 422, 425, 451, 500, 502, 504)}
GATE = {f"{code} page": status(code, HTML) for code in (400, 403, 404, 405, 408, 422, 425, 500, 502, 503, 504)}

REFUSED: dict[str, tuple[Play, type[PublishError]]] = {
    **{f"{code}": (OWN[code], Rejected) for code in (400, 403, 404, 413, 422)},
    "401": (OWN[401], Unauthorized),
    "401 page": (status(401, HTML), Unauthorized),
    "429": (status(429), RateLimited),
    "429 page": (status(429, HTML), RateLimited),
    "429 and when": (status(429, "<NO>", "Retry-After: 60"), RateLimited),
}
DOUBTFUL: dict[str, Play] = {
    "reset before any answer": raw("", reset),
    "reset in the head": raw("HTTP/1.1 200 OK\nContent-Le", reset),
    "reset in the body": raw(f"{OK}Content-Length: <SIZE>\n\n<HALF>", reset),
    "closed without an answer": raw(""),
    **MOVED,
    **{f"{code}": OWN[code] for code in (408, 409, 410, 418, 425, 451, 500, 502, 504)},
    **GATE,
    "503 and when": status(503, "<NO>", "Retry-After: 60"),
    "body without an end": raw(f"{OK}\n<HALF>"),
    "shorter than said": raw(f"{OK}Content-Length: <LONG>\n\n<YES>"),
    "longer than said": raw(f"{OK}Content-Length: <SHORT>\n\n<YES>"),
    "chunk cut off": raw(f"{OK}Transfer-Encoding: chunked\n\n<HEX>\n<HALF>"),
    "last chunk missing": raw(f"{OK}Transfer-Encoding: chunked\n\n<HEX>\n<YES>\n"),
    "chunk of no size": raw(f"{OK}Transfer-Encoding: chunked\n\nmany\n<YES>\n0\n\n"),
    "not JSON": status(200, HTML),
    "a yes of nothing": raw(f"{OK}Content-Length: 0\n\n"),
    "204": raw("HTTP/1.1 204 No Content\n\n"),
    "JSON of nothing": status(200, "null"),
    "JSON of another kind": status(201, '["17"]'),
    "a yes without an id": status(201, '{"data": {}, "ok": true}'),
    "nested too deep": status(200, "[" * 100_000),
    "compressed unasked": status(200, "\x1f\x8b\x08", "Content-Encoding: gzip"),
    "not HTTP": raw("220 mail.example ESMTP\n"),
}
SLOW: dict[str, Play] = {
    "silence": raw("", until_gone),
    "100 and silence": raw("HTTP/1.1 100 Continue\n\n", until_gone),
    "half an answer and silence": raw(f"{OK}Content-Length: <SIZE>\n\n<HALF>", until_gone),
    "a yes that never ends": raw(f"{OK}\n<YES>", until_gone),
    "a head that drips": drip("HTTP/1.1 200 OK\nX-Slow: "),
    "a body that drips": drip(f"{OK}Content-Length: 100000\n\n"),
}
each_network = pytest.mark.parametrize("network", NETWORKS, ids=[network.network for network in NETWORKS])


@each_network
def test_a_yes_is_one_request_on_a_connection_of_its_own(network: Case) -> None:
    """Two posts are two connections with one request each, though the server would have kept the first."""
    keeps = raw(f"HTTP/1.1 100 Continue\n\n{OK}Content-Length: <SIZE>\nConnection: keep-alive\n\n<YES>", until_gone)
    with wire(keeps, network) as server:
        for _ in range(2):
            publish(network, f"http://127.0.0.1:{server.port}")

    assert (server.connections, [said[:5] for said in server.heard]) == (2, [_verb(network)] * 2)


@each_network
@pytest.mark.parametrize("row", REFUSED)
def test_a_refusal_is_certain_after_one_request(network: Case, row: str) -> None:
    """What section 7 of the protocol takes for a refusal is one, and the request left once."""
    play, error = REFUSED[row]
    _meets(network, row, play, error)


@each_network
@pytest.mark.parametrize("row", DOUBTFUL)
def test_an_answer_that_proves_nothing_leaves_doubt_after_one_request(network: Case, row: str) -> None:
    """No answer, half of one, an odd one, a redirect: Unconfirmed, and nothing is sent a second time."""
    _meets(network, row, DOUBTFUL[row], Unconfirmed)


@each_network
@pytest.mark.parametrize("row", SLOW)
def test_the_deadline_closes_the_connection_after_one_request(network: Case, row: str) -> None:
    """However an answer is dragged out, the call ends at its one deadline, in doubt, and hangs up."""
    _meets(network, row, SLOW[row], Unconfirmed, SHORT_S)


def _meets(network: Case, row: str, play: Play, usual: type[PublishError], seconds: float = 20.0) -> None:
    """One request of the create call's method left; what came back means what the row says, or the network's papers."""
    meant = network.rows.get(row, usual)
    with wire(play, network) as server:
        if meant is None:
            publish(network, f"http://127.0.0.1:{server.port}", seconds)
        else:
            with pytest.raises(PublishError) as caught:
                publish(network, f"http://127.0.0.1:{server.port}", seconds)
            assert type(caught.value) is meant
            assert told_nothing(caught.value)

    assert (server.connections, [said[:5] for said in server.heard]) == (1, [_verb(network)])


def _verb(network: Case) -> bytes:
    return f"{network.method} /"[:5].encode()


@each_network
def test_a_connection_that_is_closed_at_once_is_not_made_again(network: Case) -> None:
    """Accepted and closed: nobody knows what was read, so it is Unconfirmed, after one connection."""
    with wire(lambda *_: None, network, hears=False) as server, pytest.raises(PublishError) as caught:
        publish(network, f"http://127.0.0.1:{server.port}")

    assert type(caught.value) is Unconfirmed
    assert server.connections == 1


@each_network
def test_a_connection_that_is_reset_at_once_is_not_made_again(network: Case) -> None:
    """Accepted and reset: Unavailable if that came before our first byte left, else Unconfirmed; one connection."""
    with wire(lambda line, _: reset(line), network, hears=False) as server, pytest.raises(PublishError) as caught:
        publish(network, f"http://127.0.0.1:{server.port}")

    assert type(caught.value) in (Unavailable, Unconfirmed)
    assert server.connections == 1


@each_network
@pytest.mark.parametrize("row", [*REFUSED, *DOUBTFUL])
def test_a_read_never_casts_doubt(network: Case, row: str) -> None:
    """Whatever comes back, asking for the account or looking for a post raises, once asked, and never Unconfirmed."""
    play = REFUSED[row][0] if row in REFUSED else DOUBTFUL[row]
    with wire(play, network) as server:
        publisher = adapter(network, f"http://127.0.0.1:{server.port}")
        outgoing = publisher.compose(network.goes["plain"])
        calls: list[Callable[[], object]] = [publisher.account_id] if isinstance(publisher, Identifies) else []
        if publisher.lookup.repeat is not Repeat.blind:
            calls.append(lambda: publisher.find(outgoing, 0, NOON, Sent(handles=network.handles)))
        for call in calls:
            with pytest.raises(PublishError) as caught:
                call()
            assert not isinstance(caught.value, Unconfirmed)
            assert told_nothing(caught.value)

    assert (server.connections, [said[:4] for said in server.heard]) == (len(calls), [b"GET "] * len(calls))


# --- what was certainly never sent ----------------------------------------------------------------------------------

@contextmanager
def nobody(_: Case) -> Iterator[str]:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def no_name(_: Case) -> Iterator[str]:
    yield "https://nowhere.invalid"


@contextmanager
def no_tls(network: Case) -> Iterator[str]:
    """A port that speaks, but not TLS."""
    with wire(raw("HTTP/1.1 400 Bad Request\n\n"), network, hears=False) as server:
        yield f"https://127.0.0.1:{server.port}"


@contextmanager
def no_room(_: Case) -> Iterator[str]:
    """A port whose queue of connections is full: a connection is neither made nor refused."""
    with ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        while True:
            caller = held.enter_context(socket.socket())
            caller.settimeout(SHORT_S / 3)
            try:
                caller.connect(address)
            except TimeoutError:
                break
        yield f"http://127.0.0.1:{address[1]}"


@each_network
@pytest.mark.parametrize("place", [nobody, no_name, no_tls, no_room])
def test_what_never_arrived_is_unavailable(network: Case, place: Callable[[Case], "Iterator[str]"]) -> None:
    """No name, a refused connection, no TLS, no connection in time: certainly not sent, and said so."""
    with place(network) as address, pytest.raises(PublishError) as caught:  # type: ignore[attr-defined]
        publish(network, address)

    assert type(caught.value) is Unavailable
    assert told_nothing(caught.value)


# --- until when ------------------------------------------------------------------------------------------------------

@each_network
@pytest.mark.parametrize(("headers", "until"), [
    ((DATE, "Retry-After: 90"), NOON + timedelta(seconds=90)),
    ((DATE, "Retry-After: Sun, 22 Nov 2026 12:05:00 GMT"), NOON + timedelta(minutes=5)),
    (("Retry-After: Sun, 22 Nov 2026 12:05:00 GMT",), NOON + timedelta(minutes=5)),
    ((f"Retry-After: {int(NOON.timestamp()) + 30}",), NOON + timedelta(seconds=30)),
    (("Retry-After: 90",), None),
    ((DATE, "Retry-After: 0"), None),
    ((DATE, "Retry-After: 700000"), None),
    ((DATE, "Retry-After: Sun, 22 Nov 2099 12:05:00 GMT"), None),
    ((DATE, "Retry-After: ٩"), None),
    ((DATE, "Retry-After: -5"), None),
    ((DATE, "Retry-After: soon"), None),
    ((), None),
], ids=["seconds", "date", "date alone", "epoch", "seconds without a clock", "nothing to wait", "more than a week",
        "a far date", "odd digits", "negative", "a word", "unsaid"])
def test_every_network_understands_until_when(network: Case, headers: tuple[str, ...],
                                              until: datetime | None) -> None:
    """`Retry-After` as seconds, as a date and as an epoch is the moment of the next try, by the network's own clock."""
    with wire(status(429, "<NO>", *headers), network) as server, pytest.raises(RateLimited) as caught:
        publish(network, f"http://127.0.0.1:{server.port}")

    assert caught.value.until == until


def test_every_network_is_in_the_table() -> None:
    """No adapter is published with that has not been through all this."""
    assert sorted(case.network for case in CASES) == list(publishers.available())
