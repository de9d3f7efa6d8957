"""The session for SDKs, against raw sockets that behave badly."""
import json
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from pydantic import SecretStr

from publishers import _sdk
from publishers.base import Connection
from schemas.errors import Unavailable, Unconfirmed

TOKEN = "planted-token-8f1c"
URL = f"https://api.network.example/v1/posts?access_token={TOKEN}"


class Peer:
    """A loopback server that runs one script per connection and keeps what it was sent."""

    def __init__(self, script: Callable[[socket.socket, "Peer"], None], listens: bool) -> None:
        self.script = script
        self.listens = listens           # False: speaks first, like a server that expects another protocol
        self.heard: list[bytes] = []
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            with line:
                if self.listens:
                    self.heard.append(self.hear(line))
                try:
                    self.script(line, self)
                except OSError:
                    continue             # the client left, which is what some tests are about

    def hear(self, line: socket.socket) -> bytes:
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


@contextmanager
def peer(script: Callable[[socket.socket, Peer], None], listens: bool = True) -> Iterator[Peer]:
    made = Peer(script, listens)
    made.thread.start()
    try:
        yield made
    finally:
        made.stop.set()
        made.listener.shutdown(socket.SHUT_RDWR)
        made.listener.close()
        made.thread.join(5)
        assert not made.thread.is_alive()


def answering(raw: bytes) -> Callable[[socket.socket, Peer], None]:
    def script(line: socket.socket, _: Peer) -> None:
        line.sendall(raw)
    return script


def connection(address: str | None, seconds: float = 5.0) -> Connection:
    return Connection("@us", {"access_token": SecretStr(TOKEN)}, address, request_timeout_s=seconds)


def call(made: requests.Session, method: str = "POST", **more: object) -> requests.Response:
    with _sdk.told(made):
        return made.request(method, URL, headers={"Authorization": f"Bearer {TOKEN}"}, **more)  # type: ignore[arg-type]


def whole_story(error: BaseException) -> str:
    """Everything any printer could show of an error: text, chain and all."""
    shown, seen = [repr(error), "".join(traceback.format_exception(error))], error
    while (seen := seen.__cause__ or seen.__context__) is not None:  # type: ignore[assignment]
        shown.append(repr(seen))
    return "\n".join(shown)


def test_an_answer_is_handed_over_whole() -> None:
    """Status, lower-case headers and body arrive, for the SDK and for us alike."""
    raw = b"HTTP/1.1 201 Created\r\nX-Rate-Limit-Reset: 17\r\nContent-Length: 12\r\n\r\n{\"id\":\"\xc3\xa9\"}"
    with peer(answering(raw.replace(b"12", b"11"))) as server:
        made = _sdk.session(connection(server.address))
        assert _sdk.last_answer(made) is None
        response = call(made, json={"text": "hi"})

    answer = _sdk.last_answer(made)
    assert answer is not None
    assert (answer.status, answer.headers["x-rate-limit-reset"], json.loads(answer.body)) == (201, "17", {"id": "é"})
    assert (response.status_code, response.json(), response.headers["X-Rate-Limit-Reset"]) == (201, {"id": "é"}, "17")
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/posts?access_token=")
    assert b"\r\nAuthorization: Bearer " in head
    assert body == b'{"text": "hi"}'


def test_a_path_in_the_address_comes_before_the_networks_path() -> None:
    """`http://host:port/x` puts `/x` in front of the path the SDK signed."""
    with peer(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        call(_sdk.session(connection(server.address + "/x")))

    assert server.heard[0].startswith(b"POST /x/v1/posts?")


def test_every_call_has_a_connection_of_its_own() -> None:
    """A kept-alive connection that died would make every failure doubtful; none is kept."""
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as server:
        made = _sdk.session(connection(server.address))
        call(made)
        call(made)

    assert len(server.heard) == 2


def test_refused_connection_is_unavailable() -> None:
    """Nothing listens: certainly not sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(Unavailable, match="refused; nothing was sent") as caught:
        call(_sdk.session(connection(address)))

    assert TOKEN not in whole_story(caught.value)


def test_unknown_name_is_unavailable() -> None:
    """A host name that no one knows: certainly not sent."""
    with pytest.raises(Unavailable, match=r"not be looked up|no connection"):
        call(_sdk.session(connection("http://no-such-host.invalid")))


def test_plain_http_on_a_tls_port_is_unavailable() -> None:
    """TLS that fails: nothing of the request left."""
    plain = peer(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), listens=False)
    with plain as server, pytest.raises(Unavailable, match="TLS"):
        call(_sdk.session(connection(server.address.replace("http:", "https:"))))


def test_an_address_without_tls_is_never_used() -> None:
    """An SDK that asks for http:// gets an error, not a token in plain text."""
    made = _sdk.session(connection(None))

    with pytest.raises(Unavailable, match="InvalidSchema") as caught, _sdk.told(made):
        made.get(f"http://api.network.example/?access_token={TOKEN}")

    assert TOKEN not in whole_story(caught.value)


def test_a_token_that_is_no_header_is_unavailable_and_unsaid() -> None:
    """A credential with a line break is refused before the wire, and no error quotes it."""
    made = _sdk.session(connection(None))

    with pytest.raises(Unavailable) as caught, _sdk.told(made):
        made.get("https://api.network.example/", headers={"Authorization": f"Bearer {TOKEN}\n"})

    assert TOKEN not in whole_story(caught.value)


def hang_up(line: socket.socket, _: Peer) -> None:
    """Reads the request and closes."""


def stall(_: socket.socket, server: Peer) -> None:
    server.stop.wait(30)


def drip_body(line: socket.socket, server: Peer) -> None:
    line.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
    while not server.stop.wait(0.02):    # always sooner than any time-out between two bytes
        line.sendall(b"x")


def drip_head(line: socket.socket, server: Peer) -> None:
    line.sendall(b"HTTP/1.1 201 Created\r\nX-Slow: ")
    while not server.stop.wait(0.02):
        line.sendall(b"x")


def endless(line: socket.socket, server: Peer) -> None:
    line.sendall(b"HTTP/1.1 201 Created\r\n\r\n")
    while not server.stop.is_set():
        line.sendall(b"x" * 65536)


BAD = {
    "hang up": (hang_up, 5.0, "connection broke"),
    "stall": (stall, 0.3, "within 0.3 s"),
    "slow body": (drip_body, 0.3, "within 0.3 s"),
    "slow head": (drip_head, 0.3, "within 0.3 s"),
    "truncated": (answering(b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{\"id\":"), 5.0, "cut short"),
    "truncated chunk": (answering(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"id\":"), 5.0,
                        "IncompleteRead"),
    "endless": (endless, 5.0, "longer than 5 MB"),
    "not HTTP": (answering(b"220 mail.example ESMTP\r\n"), 5.0, "not proper HTTP"),
}


@pytest.mark.parametrize("fault", BAD)
def test_no_whole_answer_is_unconfirmed(fault: str) -> None:
    """Once bytes left, whatever goes wrong leaves doubt; one request was sent; no token is told."""
    script, seconds, why = BAD[fault]
    with peer(script) as server:
        made = _sdk.session(connection(server.address, seconds))
        with pytest.raises(Unconfirmed, match=why) as caught:
            call(made, data={"message": "hi", "access_token": TOKEN})

    assert len(server.heard) == 1
    assert _sdk.last_answer(made) is None
    assert TOKEN not in whole_story(caught.value)


def test_slow_reader_does_not_outlast_the_deadline() -> None:
    """A peer that never takes the body ends in Unconfirmed too: part of it left."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        made = _sdk.session(connection(f"http://127.0.0.1:{deaf.getsockname()[1]}", 0.3))
        with pytest.raises(Unconfirmed, match=r"within 0.3 s"):
            call(made, data=b"x" * 30_000_000)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_not_followed(method: str) -> None:
    """A redirect is an answer like any other; what it points at never hears from us."""
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as other:
        raw = f"HTTP/1.1 307 Moved\r\nLocation: {other.address}/\r\nContent-Length: 0\r\n\r\n".encode()
        with peer(answering(raw)) as server:
            made = _sdk.session(connection(server.address))
            response = call(made, method)

    answer = _sdk.last_answer(made)
    assert response.status_code == 307
    assert answer is not None
    assert answer.headers["location"] == other.address + "/"
    assert (len(server.heard), other.heard) == (1, [])


def test_environment_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY in the environment does not lead a token elsewhere."""
    with (peer(hang_up) as proxy, peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as server):
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        call(_sdk.session(connection(server.address)))

    assert proxy.heard == []


def test_an_answer_the_sdk_cannot_read_is_unconfirmed() -> None:
    """`response.json()` inside an SDK fails after the post may exist; the answer stays readable for us."""
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")) as server:
        made = _sdk.session(connection(server.address))
        with pytest.raises(Unconfirmed, match="not usable"), _sdk.told(made):
            made.post(URL).json()

    answer = _sdk.last_answer(made)
    assert answer is not None
    assert answer.body == "<html>"


def test_a_new_request_forgets_the_answer_before() -> None:
    """`last_answer` is of the most recent request only: an old 201 cannot vouch for a lost call."""
    turns = iter([answering(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"), hang_up])
    with peer(lambda line, server: next(turns)(line, server)) as server:
        made = _sdk.session(connection(server.address))
        call(made)
        with pytest.raises(Unconfirmed):
            call(made)

    assert _sdk.last_answer(made) is None
