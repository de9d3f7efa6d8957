"""One send, one deadline, and the truth about what may have left: checked against sockets that misbehave."""
import datetime
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from publishers._http import LARGEST_ANSWER, Answer, converse
from publishers.base import Connection
from schemas.errors import PublishError, Rejected, Unavailable, Unconfirmed

SECRET, PLAN, QUERY = ("".join(pieces) for pieces in (("s3cr3t", "-token"), ("secret", " plan"), ("hidden=", "query")))
"""Put together here, so that the source lines of a traceback do not hold them."""


class Line:
    """What arrived on one loopback port: requests whole, in order."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.url = ""


@contextmanager
def server(play: Callable[[socket.socket], None]) -> Iterator[Line]:
    """A port where each connection's request is read whole, then `play` does with the socket what it likes."""
    line = Line()
    listener = socket.create_server(("127.0.0.1", 0))
    line.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                line.requests.append(read_request(peer))
                with suppress(OSError):         # the client may leave first, some tests want that
                    play(peer)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def read_request(peer: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        if not (more := peer.recv(65536)):
            return got
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    sizes = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while sizes and len(body) < int(sizes[0]):
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def saying(text: bytes) -> Callable[[socket.socket], None]:
    return lambda peer: peer.sendall(text)


def connection(total_s: float = 5.0) -> Connection:
    return Connection("@us", {"access_token": SecretStr(SECRET)}, connect_timeout_s=2.0, request_timeout_s=total_s)


def post(url: str, *, total_s: float = 5.0, repeatable: bool = False) -> Answer:
    return converse(connection(total_s), "POST", f"{url}/p?{QUERY}", json={"status": PLAN},
                    headers={"Authorization": f"Bearer {SECRET}"}, repeatable=repeatable)


def says_nothing_private(error: BaseException) -> bool:
    story = "".join(traceback.format_exception(error))
    deeper: BaseException | None = error
    while deeper is not None:           # what `from None` hides from a traceback too
        story += f"{deeper!r}"
        deeper = deeper.__cause__ or deeper.__context__
    return not any(word in story for word in (SECRET, PLAN, QUERY))


def test_an_answer_comes_back_with_lower_case_headers():
    """Status, headers and body arrive, and the request was written as asked."""
    with server(saying(b"HTTP/1.1 200 OK\r\nX-RateLimit-Reset: 5\r\nContent-Length: 4\r\n\r\n\xc3\xa4ok")) as line:
        answer = post(line.url)

    assert answer == Answer(200, {"x-ratelimit-reset": "5", "content-length": "4"}, "äok")
    head, _, body = line.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"status":"secret plan"}'
    assert b"POST /p?hidden=query HTTP/1.1" in head
    assert b"authorization: bearer s3cr3t-token" in head.lower()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status):
    """A redirected create call is sent once and not again elsewhere."""
    text = f"HTTP/1.1 {status} Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with server(saying(text.encode())) as line:
        assert post(line.url).status == status

    assert len(line.requests) == 1


def test_nobody_listening_means_nothing_was_sent():
    """A refused connection is Unavailable."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(Unavailable) as caught:
        post(f"http://127.0.0.1:{port}")

    assert says_nothing_private(caught.value)


def test_an_unknown_name_means_nothing_was_sent():
    """A host that has no address is Unavailable."""
    with pytest.raises(Unavailable, match=r"^nowhere\.invalid: "):
        post("http://nowhere.invalid")


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "127.0.0.1", "http://[::1"])
def test_an_address_that_is_none_sends_nothing(address):
    """An address that cannot be asked is refused before anything is sent."""
    with pytest.raises(Rejected):
        post(address)


def test_text_that_is_not_unicode_is_rejected():
    """Half a surrogate pair can never be sent, so trying again is no use."""
    with pytest.raises(Rejected):
        converse(connection(), "POST", "http://127.0.0.1:1", json={"status": "\ud83d"})


@pytest.mark.parametrize("end", ["\n", " ", "\x00"])
def test_a_token_with_a_line_break_is_rejected(end):
    """A credential that was pasted with a line break or a space never reaches the wire, nor the message."""
    with pytest.raises(Rejected) as caught:
        converse(connection(), "GET", "http://127.0.0.1:1", headers={"Authorization": f"Bearer {SECRET}{end}"})

    assert says_nothing_private(caught.value)


def test_an_untrusted_certificate_means_nothing_was_sent(tmp_path):
    """The request does not leave before the certificate is accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate(tmp_path))
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[str] = []

    def shake() -> None:
        peer, _ = listener.accept()
        try:
            with context.wrap_socket(peer, server_side=True) as line:
                seen.append(f"request {line.recv(10)!r}")
        except (ssl.SSLError, ConnectionError):
            seen.append("refused")

    thread = threading.Thread(target=shake)
    thread.start()
    with listener, pytest.raises(Unavailable, match="certificate"):
        post(f"https://127.0.0.1:{listener.getsockname()[1]}")
    thread.join()
    assert seen in (["refused"], ["request b''"])


def own_certificate(folder) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2120))
                   .sign(key, hashes.SHA256()))
    path = folder / "own.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM)
                     + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
    return str(path)


DOUBTFUL = {
    "closed without an answer": b"",
    "no HTTP": b"220 smtp.example ESMTP\r\n",
    "head cut off": b"HTTP/1.1 200 OK\r\nContent-Le",
    "body cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"id\":",
    "chunk cut off": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "compressed unasked": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
}


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_a_lost_answer_leaves_the_outcome_open(text):
    """Whatever goes wrong after the request left is Unconfirmed, and the request was sent once."""
    with server(saying(text)) as line, pytest.raises(Unconfirmed) as caught:
        post(line.url)

    assert len(line.requests) == 1
    assert says_nothing_private(caught.value)


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_a_repeatable_call_is_only_unavailable(text):
    """A lost answer to a call that changes nothing for readers leaves nothing open."""
    with server(saying(text)) as line, pytest.raises(Unavailable):
        post(line.url, repeatable=True)


def test_an_endless_answer_is_cut_off():
    """No more than the largest answer is ever kept."""
    def flood(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.sendall(b"x" * 65536)

    with server(flood) as line, pytest.raises(Unconfirmed, match=f"{LARGEST_ANSWER:,} bytes"):
        post(line.url)


def test_a_dripping_answer_ends_at_the_deadline():
    """A server that sends a byte now and then cannot hold a call beyond its one deadline."""
    gone = threading.Event()

    def drip(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                peer.sendall(b"X-Wait: 1\r\n")
                gone.wait(0.05)
        finally:
            gone.set()              # the client has closed the connection

    with server(drip) as line:
        began = time.monotonic()
        with pytest.raises(Unconfirmed, match=r"within 0\.4 s"):
            post(line.url, total_s=0.4)
        took = time.monotonic() - began
        assert gone.wait(10)

    assert took >= 0.4


def test_a_server_that_does_not_read_ends_at_the_deadline():
    """An upload that the other side never takes is given up, and nothing leaves afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, pytest.raises(Unconfirmed):
        converse(connection(0.3), "POST", f"http://127.0.0.1:{listener.getsockname()[1]}", content=b"x" * 50_000_000)


def test_a_refusal_before_the_upload_is_done_is_heard():
    """A server that says no and hangs up in the middle of an upload has said no."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard = threading.Event()

    def refuse() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536) and not heard.is_set():
                pass

    thread = threading.Thread(target=refuse)
    thread.start()
    with listener:
        answer = converse(connection(), "POST", f"http://127.0.0.1:{listener.getsockname()[1]}",
                          content=b"x" * 3_000_000)
        heard.set()
    thread.join()
    assert answer[0::2] == (413, "no")


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    """Where requests go is not for the environment to say."""
    with server(saying(b"HTTP/1.1 204 No\r\n\r\n")) as trap, server(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as line:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, trap.url)
        assert post(line.url).status == 200

    assert (len(trap.requests), len(line.requests)) == (0, 1)


def test_every_call_has_a_connection_of_its_own():
    """A connection that the server would keep open is not used for the next call."""
    ends: list[int] = []

    def answer(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        ends.append(len(peer.recv(1)))          # 0: the client closed it

    with server(answer) as line:
        post(line.url)
        post(line.url)

    assert ends == [0, 0]
    assert len(line.requests) == 2


def test_a_failure_names_the_host_only():
    """What is kept of a failure holds no token, no text, no query."""
    with server(saying(b"")) as line, pytest.raises(PublishError) as caught:
        post(line.url)

    assert caught.value.why == "127.0.0.1: the connection was closed before the answer was complete, or it was no HTTP"
    assert says_nothing_private(caught.value)
