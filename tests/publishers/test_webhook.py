"""A receiver of one's own: what is sent and signed, where nothing is sent, what its answers mean."""
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from chat_peer import Peer, Told
from contract_case import film, message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from publishers._webhook_receiver import Receiver, is_signed
from publishers._webhook_wire import is_public, post, resolved
from publishers.base import Connection, Sent
from publishers.webhook import Webhook
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt, Slot, idempotency_key
from schemas.message import Poll
from schemas.place import Place

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET, URL = "planted-8f1c-planted-8f1c", "https://toolshed.example/hooks/planted-9d2e"
HIDDEN = URL.rpartition("/")[2]          # in no source line that a traceback shows
KEY = idempotency_key(Slot("posts/kettle", "us"), 0)
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")


def adapter(address: str | None = None, **more: str) -> Webhook:
    fields = {"url": URL, "secret": SECRET, **more}
    return Webhook(Connection("@us", {k: SecretStr(v) for k, v in fields.items()}, address, connect_timeout_s=2.0,
                              request_timeout_s=5.0))


def say_hi(publisher: Webhook) -> PartReceipt:
    return publisher.publish(publisher.compose(message("webhook", "Hi")), 0, Sent())


# --- what is sent -----------------------------------------------------------------------------------------------------

def test_the_whole_post_is_one_event() -> None:
    """Every field is there; files by their addresses, a thread joined and listed, a poll with its span."""
    made = message("webhook", part("One", picture(), film(ai="none"), markdown="**One**"), "Two", title="Kettles",
                   link="https://example.org/k", hashtags=("Kettle",), language="en", warning="Steam",
                   disclosure="gifted", poll=Poll(options=("a", "b"), lasts_s=60, place=Place("p.md", 1)))
    with Peer(Told(200, {"id": "17", "url": "https://toolshed.example/17"})) as peer:
        publisher = adapter(peer.address)
        outgoing = publisher.compose(made)
        handles = publisher.fetch(outgoing, 0, lambda blob: f"https://files.example/{blob}")
        receipt = publisher.publish(outgoing, 0, Sent(handles=handles))
    (heard,) = peer.heard
    assert receipt == PartReceipt(id="17", url="https://toolshed.example/17")
    assert heard.json == {
        "schema": "drumbeat/post/1", "event": KEY, "kind": "post", "slot": "posts/kettle@us#1", "account": "@us",
        "title": "Kettles", "warning": "Steam", "link": "https://example.org/k", "card": None, "language": "en",
        "hashtags": ["Kettle"], "disclosure": "gifted", "poll": {"options": ["a", "b"], "lasts_s": 60},
        "text": "One\n\nTwo", "markdown": "**One**\n\nTwo", "parts": ["One", "Two"], "media": [
            {"id": "kettle.jpg-600x600", "name": "kettle.jpg", "alt": "A kettle", "ai": None, "type": "image/jpeg",
             "url": "https://files.example/kettle.jpg-600x600"},
            {"id": "film", "name": "kettle.mp4", "alt": "A kettle boils", "ai": "none", "type": "video/mp4",
             "url": "https://files.example/film"}]}


def test_a_first_comment_is_an_event_behind_it() -> None:
    """It says whose comment it is."""
    with Peer(Told(200, {"id": "18"})) as peer:
        publisher = adapter(peer.address)
        outgoing = publisher.compose(message("webhook", "One", part("Below", kind="comment")))
        publisher.publish(outgoing, 1, Sent((PartReceipt(id="17"),)))
    assert {name: peer.heard[0].json[name] for name in ("kind", "text", "in_reply_to", "parts", "media")} == {
        "kind": "comment", "text": "Below", "in_reply_to": "17", "parts": [], "media": []}


def test_the_signature_covers_key_and_body() -> None:
    """Counted here by hand, as the set-up text says; and two attempts are the same request, byte by byte."""
    with Peer(Told(204)) as peer:
        say_hi(adapter(peer.address))
        say_hi(adapter(peer.address))
    first, second = peer.heard
    wanted = hmac.new(SECRET.encode(), KEY.encode() + b"." + first.body, hashlib.sha256).hexdigest()
    assert {name: first.headers[name] for name in ("x-signature", "idempotency-key", "x-event-id", "content-type")} == {
        "x-signature": f"sha256={wanted}", "idempotency-key": KEY, "x-event-id": KEY,
        "content-type": "application/json"}
    assert (first.body, first.headers | {"host": ""}) == (second.body, second.headers | {"host": ""})
    assert (first.method, first.path) == ("POST", "/hook")


@given(st.text(max_size=60), st.text(min_size=1, max_size=40))
@settings(deadline=None)
def test_a_changed_word_never_passes(text: str, other: str) -> None:
    """The receiver's own check takes what was signed, and nothing with another body, key or secret."""
    body, key = json.dumps({"text": text}).encode(), "k" * 24
    signature = "sha256=" + hmac.new(SECRET.encode(), key.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert is_signed(SECRET, key, signature, body)
    assert not is_signed(SECRET, key, signature, body + b" ")
    assert not is_signed(SECRET, key[1:], signature, body)
    assert not is_signed(SECRET + "x", key, signature, body)
    assert not is_signed(SECRET, key, other, body)


# --- where nothing is sent --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("address", [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "192.88.99.1", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1", "::ffff:169.254.169.254", "::ffff:127.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::808:808", "2002:a9fe:a9fe::", "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::127.0.0.1", "::10.0.0.1",
    "::ffff:0:169.254.169.254", "100:0:0:1::1", "5f00::1", "3fff::1", "4000::1", "", "nowhere", "127.1", "0x7f.1"])
def test_an_address_inside_is_no_receivers(address: str) -> None:
    """Private, local, shared, reserved, or one of those inside an address that looks open."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8",
                                     "64:ff9b::808:808", "2002:808:808::1"])
def test_an_address_of_the_internet_is_one(address: str) -> None:
    """And one that holds such an address inside."""
    assert is_public(address)


def no_request(call: Callable[[str], object]) -> int:
    """How many connections a loopback port gets while `call` runs with its number."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        call(str(port))
        listener.settimeout(0)
        try:
            listener.accept()
        except BlockingIOError:
            return 0
        return 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "[::ffff:127.0.0.1]",
                                  "0.0.0.0", "[::1]"])
def test_no_connection_is_made_inside(host: str) -> None:
    """Every way to write this machine is refused before a connection, and the message holds no path."""
    def call(port: str) -> None:
        with pytest.raises(PublishError) as caught:
            say_hi(adapter(url=f"https://{host}:{port}/hooks/{HIDDEN}"))
        assert type(caught.value) in (Unauthorized, Unavailable)     # a system may not know such a spelling at all
        assert HIDDEN not in "".join(traceback.format_exception(caught.value))

    assert no_request(call) == 0


def connection() -> Connection:
    return Connection("@us", {}, None, connect_timeout_s=2.0, request_timeout_s=5.0)


def test_a_name_is_judged_by_each_of_its_addresses() -> None:
    """One that leads inside is enough to refuse, wherever it stands; the world's own are not tried then."""
    def call(port: str) -> None:
        for found in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["::ffff:127.0.0.1"], []):
            with pytest.raises(Unauthorized, match="not open to the world"):
                post(connection(), f"http://toolshed.example:{port}/x", {}, b"{}",
                     resolve=lambda host, port, found=found: found)

    assert no_request(call) == 0


def test_the_judged_address_is_the_one_that_is_called() -> None:
    """The name is looked up once: a second look, which could say something else, never comes."""
    looks: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looks.append(host)
        return ["127.0.0.1"] if len(looks) == 1 else ["169.254.169.254"]

    with Peer(Told(302, "", (("Location", "http://127.0.0.1/"),))) as peer:
        answer = post(connection(), f"http://rebound.example:{peer.port}/x", {"X-Signature": "s"}, b"{}",
                      resolve=resolve, may_reach=lambda address: address == "127.0.0.1")
    assert (answer.status, looks, len(peer.heard)) == (302, ["rebound.example"], 1)
    assert peer.heard[0].headers["host"] == f"rebound.example:{peer.port}"
    assert (peer.heard[0].body, peer.heard[0].headers["x-signature"]) == (b"{}", "s")


def test_the_next_address_is_tried_when_none_listens() -> None:
    """Before anything left, another of the judged addresses may be called."""
    with Peer(Told(204)) as peer:
        assert post(connection(), f"http://two.example:{peer.port}/x", {}, b"{}",
                    resolve=lambda *_: ["127.0.0.2", "127.0.0.1"], may_reach=lambda _: True).status == 204


def test_what_comes_of_a_line_that_breaks() -> None:
    """No name and nobody there: certainly not sent. An answer that is none: nobody knows. No cause comes along."""
    for resolve, error in ((fail, Unavailable), (lambda *_: ["127.0.0.2"], Unavailable)):
        with pytest.raises(error) as caught:
            post(connection(), "http://toolshed.example:1/planted", {}, b"{}", resolve=resolve,
                 may_reach=lambda _: True)
        assert (caught.value.__cause__, "planted" in str(caught.value)) == (None, False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        with pytest.raises(Unconfirmed):
            post(connection(), f"http://toolshed.example:{listener.getsockname()[1]}/", {}, b"{}",
                 resolve=lambda *_: ["127.0.0.1"], may_reach=lambda _: True)
    with pytest.raises(Rejected):
        post(connection(), "http://toolshed.example/", {"X-Signature": "a\nb"}, b"{}")
    assert resolved("127.0.0.1", 80) == ["127.0.0.1"]


def fail(host: str, port: int) -> list[str]:
    raise socket.gaierror


@pytest.mark.parametrize("url", ["http://toolshed.example/x", "ftp://toolshed.example/x", "toolshed.example", "",
                                 "https://", "https://a:b@toolshed.example/x", "https://[::1", "https://x:99999/"])
def test_an_address_that_is_none_gets_nothing(url: str) -> None:
    """Without TLS, with a password in it, or no address at all."""
    with pytest.raises(Unauthorized, match="https address"):
        say_hi(adapter(url=url))


def test_a_secret_that_can_be_guessed_signs_nothing() -> None:
    """Sixteen characters at least."""
    with pytest.raises(Unauthorized, match="16 characters"):
        say_hi(adapter(secret="short"))


# --- what the answers mean --------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("answer", "id", "url"), [
    (Told(200, {"id": "17", "url": "https://e.org/17"}), "17", "https://e.org/17"), (Told(201, {"id": 17}), "17", None),
    (Told(204), KEY, None), (Told(200, "ok", (("Content-Type", "text/plain"),)), KEY, None),
    (Told(202, "Accepted", (("Content-Type", "text/plain"),)), KEY, None), (Told(200, ["x"]), KEY, None),
    (Told(200, {"id": "a b\n"}), KEY, None), (Told(200, {"id": "x" * 201}), KEY, None),
    (Told(200, {"id": True}), KEY, None),
    (Told(200, {"id": "17", "url": "javascript:x"}), "17", None),
    (Told(200, {"id": "17", "url": "https://["}), "17", None),
    (Told(200, {"id": "17", "url": "https://e.org/\x1b[2J"}), "17", None), (Told(409, {"id": "17"}), "17", None),
])
def test_what_each_yes_means(answer: Told, id: str, url: str | None) -> None:
    """The receiver's id and address where they are ones, our key where it gave none; one that it had already."""
    with Peer(answer) as peer:
        assert say_hi(adapter(peer.address)) == PartReceipt(id=id, url=url)


@pytest.mark.parametrize("said", [URL, f"https://other.example{URL[24:]}", f"https://e.org/?to={SECRET}"])
def test_an_echo_of_what_is_secret_is_in_no_receipt(said: str) -> None:
    """Many receivers answer with the request, its own address among it: who knows that may post to it."""
    with Peer(Told(200, {"id": "17", "url": said})) as peer:
        assert say_hi(adapter(peer.address)) == PartReceipt(id="17")
    with Peer(Told(200, {"id": SECRET})) as peer:
        assert say_hi(adapter(peer.address)) == PartReceipt(id=KEY)


def test_the_path_of_the_address_is_in_no_error() -> None:
    """What a web framework says of a place that it does not know."""
    with Peer(Told(404, {"message": f"Cannot POST /hooks/{HIDDEN}"})) as peer, pytest.raises(Rejected) as caught:
        say_hi(adapter(peer.address))
    assert HIDDEN not in caught.value.why
    assert "Cannot POST" in caught.value.why


@pytest.mark.parametrize(("answer", "error", "word"), [
    (Told(400, {"error": "No room"}), Rejected, "No room"), (Told(422, {"message": "No"}), Rejected, "No"),
    (Told(404, {"error": "No"}), Rejected, "404"), (Told(413, "<html>"), Rejected, "413"),
    (Told(401, "x"), Unauthorized, "secret"), (Told(410, {"error": "Gone"}), Unauthorized, "no more"),
    (Told(429, ""), RateLimited, "429"), (Told(503, {}, (("Retry-After", "9"),)), RateLimited, "503"),
    (Told(503, "<html>", (("Retry-After", "9"),)), Unconfirmed, "503"), (Told(503, {"error": "x"}), Unconfirmed, "503"),
    (Told(409, {"error": "again"}), Unconfirmed, "409"), (Told(404, "<html>"), Unconfirmed, "404"),
    (Told(200, "<html>", (("Content-Type", "text/html"),)), Unconfirmed, "page"),
    (Told(200, " <!doctype html>", (("Content-Type", "text/plain"),)), Unconfirmed, "page"),
    (Told(200, '{"id": '), Unconfirmed, "page"), (Told(302, "", (("Location", "/x"),)), Unconfirmed, "302"),
    (Told(500, {"error": f"{SECRET} {URL}\x1b"}), Unconfirmed, "… …"),
])
def test_what_each_no_means(answer: Told, error: type[PublishError], word: str) -> None:
    """By the agreement; what something in between may have said proves nothing; never a word of what is secret."""
    with Peer(answer) as peer, pytest.raises(PublishError) as caught:
        say_hi(adapter(peer.address))
    assert type(caught.value) is error
    assert word in caught.value.why
    assert not any(secret in "".join(traceback.format_exception(caught.value)) for secret in (SECRET, URL, "\x1b"))
    assert len(peer.heard) == 1


def test_how_long_to_wait() -> None:
    """503 with Retry-After is "later" when the receiver itself says so."""
    with Peer(Told(503, {"error": "later"}, (DATE, ("Retry-After", "90")))) as peer, \
            pytest.raises(RateLimited) as caught:
        say_hi(adapter(peer.address))
    assert caught.value.until == NOON + timedelta(seconds=90)


def test_an_id_that_a_person_pastes() -> None:
    """An id is taken, an address is not: nobody knows what a receiver's addresses look like."""
    assert adapter().receipt_of(" 17 ") == PartReceipt(id="17")
    for other in ("https://toolshed.example/17", "a b", ""):
        with pytest.raises(ValueError, match="named by its id"):
            adapter().receipt_of(other)


# --- the receiver to begin with ---------------------------------------------------------------------------------------

def test_the_receiver_takes_each_post_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The adapter's own request, twice: one line printed, one id; a forged one and an empty one are refused."""
    class Ours(Receiver):
        secret, memory = SECRET, str(tmp_path / "received.sqlite")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ours) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            assert say_hi(adapter(address)) == say_hi(adapter(address)) == PartReceipt(id=KEY)
            with pytest.raises(Unauthorized):
                say_hi(adapter(address, secret="another secret of us"))
            assert httpx.post(address).status_code == 413
        finally:
            server.shutdown()
            thread.join()
    assert capsys.readouterr().out == "@us: Hi\n"


def test_the_receiver_needs_python_alone() -> None:
    """Nothing of the project and nothing installed is imported by the file that people copy."""
    file = Path(is_signed.__code__.co_filename)
    program = f"import runpy; runpy.run_path({str(file)!r})"
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, env={"PATH": os.environ["PATH"]})
