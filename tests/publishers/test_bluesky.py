"""The Bluesky adapter against its twin, and its calls and answers on the wire, over real loopback HTTP."""
import base64
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, NamedTuple

import httpx
import pytest
from bluesky_case import CASE, DID, KEY, subtitles
from contract_case import FILES, OURS, film, message, part, picture
from pydantic import SecretStr

from publishers import base
from publishers.base import DRAFT, Connection, Found, Sent
from publishers.bluesky import Bluesky
from publishers.rehearsal._twin import Rehearsal, Twin
from publishers.rehearsal.bluesky_twin import BlueskyTwin
from schemas.errors import (
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from schemas.ledger import PartReceipt
from schemas.message import Message

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STAMP = "2026-11-22T12:00:00.000Z"
DATE = {"Date": "Sun, 22 Nov 2026 12:00:00 GMT"}
ROOT_CID, BLOB_CID = "bafyreigx2gprinfvicegelk5kosd6y2f", "bafkreigx2gprinfvicegelk5kosd6y2f"


class Call(NamedTuple):
    """One request as it arrived; `body` is parsed where it is JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Listener:
    """A server that answers each method as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, list[tuple[int, Any, dict[str, str]]]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply()

            def do_POST(self) -> None:
                self.reply()

            def reply(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                is_json = self.headers.get("content-type") == "application/json"
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.calls.append(Call(self.command, self.path, headers, json.loads(raw) if is_json else raw))
                name = self.path.partition("?")[0].rpartition("/")[2].rpartition(".")[2]
                waiting = outer.answers[name]
                status, body, more = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                said = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(said)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Nothing is written."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, method: str, status: int, body: Any, headers: dict[str, str] = DATE) -> None:
        self.answers.setdefault(method, []).append((status, body, headers))


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def networks(clock) -> Iterator[Rehearsal]:
    with Rehearsal([BlueskyTwin(clock)]) as running:
        yield running


@pytest.fixture
def twin(networks) -> Twin:
    return networks.twin("bluesky")


@pytest.fixture
def adapter(networks) -> Bluesky:
    return at(networks.address("bluesky"))


def at(address: str | None, **credentials: str) -> Bluesky:
    secrets = {name: SecretStr(value) for name, value in {**CASE.credentials, **credentials}.items()}
    return Bluesky(Connection(OURS, secrets, address, 2.0, 5.0))


def of(*parts: Any, **more: Any) -> Message:
    return message("bluesky", *parts, **more)


def readied(adapter: Bluesky, plan: base.Outgoing, number: int = 0, parts: tuple[PartReceipt, ...] = ()) -> Sent:
    handles = adapter.prepare(plan, number, FILES.__getitem__) if plan.parts[number].media else {}
    return Sent(parts, {**handles, DRAFT: adapter.draft(plan, number, Sent(parts, handles))})


def send(adapter: Bluesky, made: Message) -> tuple[PartReceipt, ...]:
    plan, parts = adapter.compose(made), tuple[PartReceipt, ...]()
    for number in range(len(plan.parts)):
        parts += (adapter.publish(plan, number, readied(adapter, plan, number, parts)),)
    return parts


def records(twin: Twin) -> list[dict[str, Any]]:
    return [dict(post.extra["record"]) for post in twin.posts]


def test_it_keeps_the_contract(adapter):
    """It publishes, prepares files, drafts, withdraws, verifies, renews, and tells whose credentials these are."""
    for power in (base.Publisher, base.Prepares, base.Drafts, base.Withdraws, base.Verifies, base.Refreshes,
                  base.Identifies):
        assert isinstance(adapter, power)


# --- the calls, whole ------------------------------------------------------------------------------------------------

def test_the_create_call_is_put_record_where_nothing_stands(listener):
    """The body as it is documented, with `swapRecord` as null and not left out."""
    listener.says("getSession", 200, {"did": DID, "handle": "us.test"})
    listener.says("putRecord", 200, {"uri": f"at://{DID}/app.bsky.feed.post/{KEY}", "cid": ROOT_CID})
    adapter = at(listener.url, access_token="access")
    plan = adapter.compose(of("Mended: https://a.example/", language="en"))
    receipt = adapter.publish(plan, 0, readied(adapter, plan))

    asked, put = listener.calls
    assert (asked.method, asked.path, asked.body) == ("GET", "/xrpc/com.atproto.server.getSession", b"")
    assert (put.method, put.path) == ("POST", "/xrpc/com.atproto.repo.putRecord")
    assert (put.headers["authorization"], put.headers["content-type"]) == ("Bearer access", "application/json")
    assert put.body == {
        "repo": DID, "collection": "app.bsky.feed.post", "rkey": KEY, "swapRecord": None,
        "record": {"$type": "app.bsky.feed.post", "text": "Mended: https://a.example/", "langs": ["en"],
                   "createdAt": STAMP,
                   "facets": [{"index": {"byteStart": 8, "byteEnd": 26}, "features": [
                       {"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example/"}]}]}}
    assert receipt == PartReceipt(id=KEY, url=f"{listener.url}/#bluesky-{KEY}")


def test_a_file_goes_up_as_it_is(listener):
    """The bytes alone, under their own type; the handle is what a record will say of them."""
    blob = {"$type": "blob", "ref": {"$link": BLOB_CID}, "mimeType": "image/jpeg", "size": 9}
    listener.says("uploadBlob", 200, {"blob": blob})
    adapter = at(listener.url, access_token="access")
    plan = adapter.compose(of(part("A", picture(), film(captions=subtitles("a.vtt"), blob="film"))))
    handles = adapter.prepare(plan, 0, lambda name: name.encode())

    assert [(call.path, call.headers["content-type"], call.body) for call in listener.calls] == [
        ("/xrpc/com.atproto.repo.uploadBlob", "image/jpeg", b"kettle.jpg-600x600"),
        ("/xrpc/com.atproto.repo.uploadBlob", "video/mp4", b"film"),
        ("/xrpc/com.atproto.repo.uploadBlob", "text/vtt", b"a.vtt-40")]
    assert {name: json.loads(handle) for name, handle in handles.items()} == dict.fromkeys(plan.parts[0].media, blob)


@pytest.mark.parametrize("answer", [
    {}, {"blob": None}, {"blob": {"$type": "blob", "ref": BLOB_CID, "mimeType": "a/b", "size": 1}},
    {"blob": {"$type": "blob", "ref": {"$link": "a b"}, "mimeType": "a/b", "size": 1}},
    {"blob": {"cid": BLOB_CID, "mimeType": "a/b"}},
    {"blob": {"$type": "blob", "ref": {"$link": BLOB_CID}, "mimeType": "<b>", "size": 1}},
    {"blob": {"$type": "blob", "ref": {"$link": BLOB_CID}, "mimeType": "a/b", "size": "1"}},
])
def test_an_upload_that_is_not_named_as_a_file_can_be_made_again(listener, answer):
    listener.says("uploadBlob", 200, answer)
    adapter = at(listener.url)
    with pytest.raises(Unavailable, match="what it calls it"):
        adapter.prepare(adapter.compose(of(part("A", picture()))), 0, FILES.__getitem__)


def test_an_answer_names_what_it_answers(listener):
    """The first post of the thread and the last, each with its hash, which is asked for without a token."""
    listener.says("getSession", 200, {"did": DID})
    first, second, third = Bluesky(Connection(OURS)).compose(of("One", "Two", "Three")).parts
    for key, cid in ((first.request["rkey"], ROOT_CID), (second.request["rkey"], BLOB_CID)):
        listener.says("getRecord", 200, {"uri": f"at://{DID}/app.bsky.feed.post/{key}", "cid": cid, "value": {}})
    listener.says("putRecord", 200, {"uri": f"at://{DID}/app.bsky.feed.post/{third.request['rkey']}", "cid": ROOT_CID})
    adapter = at(listener.url)
    plan = adapter.compose(of("One", "Two", "Three"))
    parts = (PartReceipt(id=first.request["rkey"]), PartReceipt(id=second.request["rkey"]))
    adapter.publish(plan, 2, readied(adapter, plan, 2, parts))

    _, root, parent, put = listener.calls
    assert [call.path for call in (root, parent)] == [
        f"/xrpc/com.atproto.repo.getRecord?repo={DID.replace(':', '%3A')}&collection=app.bsky.feed.post&rkey={one.id}"
        for one in parts]
    assert "authorization" not in root.headers
    assert put.body["record"]["reply"] == {
        "root": {"uri": f"at://{DID}/app.bsky.feed.post/{parts[0].id}", "cid": ROOT_CID},
        "parent": {"uri": f"at://{DID}/app.bsky.feed.post/{parts[1].id}", "cid": BLOB_CID}}
    assert put.body["record"]["createdAt"] == "2026-11-22T12:00:00.002Z"


def test_taking_back_is_one_delete_of_that_record(listener):
    listener.says("getSession", 200, {"did": DID})
    listener.says("deleteRecord", 200, {})
    at(listener.url).withdraw(PartReceipt(id=KEY))
    assert listener.calls[1].path == "/xrpc/com.atproto.repo.deleteRecord"
    assert listener.calls[1].body == {"repo": DID, "collection": "app.bsky.feed.post", "rkey": KEY}


# --- the draft -------------------------------------------------------------------------------------------------------

def test_every_attempt_with_one_draft_says_the_same(networks, adapter, twin, clock):
    """Hours later, by another worker: the same bytes, so the same post, whatever the clock says by then."""
    plan = adapter.compose(of(part("By @alice.test", picture()), "And more"))
    sent = readied(adapter, plan)
    first = adapter.publish(plan, 0, sent)
    clock.now += timedelta(days=2)

    assert at(networks.address("bluesky")).publish(plan, 0, sent) == first
    assert len(twin.posts) == 1
    assert records(twin)[0]["createdAt"] == STAMP


def test_a_draft_made_anew_cannot_make_a_second_post(adapter, twin, clock):
    """Another moment is another record, and the key is taken: refused, in doubt, and the look names the first."""
    plan = adapter.compose(of("Only once"))
    receipt = adapter.publish(plan, 0, readied(adapter, plan))
    clock.now += timedelta(hours=1)
    again = readied(adapter, plan)

    with pytest.raises(Unconfirmed, match="InvalidSwap"):
        adapter.publish(plan, 0, again)
    assert adapter.find(plan, 0, NOON, again) == Found((receipt,), complete=True)
    assert len(twin.posts) == 1


@pytest.mark.parametrize("fault", ["429", "500 before effect", "500 after effect"])
def test_a_later_attempt_needs_the_draft_and_nothing_else(networks, adapter, twin, fault):
    """Whoever tries again is given the draft that is on record, not the uploads: one post, with its pictures."""
    plan = adapter.compose(of(part("By @alice.test", picture("one.png", "One"), picture("two.png", "Two"))))
    sent = readied(adapter, plan)
    httpx.put(f"{networks.url}/_rehearsal/faults", json=[{"network": "bluesky", "fault": fault}]).raise_for_status()
    with pytest.raises(PublishError):
        adapter.publish(plan, 0, sent)

    later = Sent(handles={DRAFT: sent.handles[DRAFT]})
    receipt = at(networks.address("bluesky")).publish(plan, 0, later)
    assert [post.id for post in twin.posts] == [receipt.id]
    assert [twin.media[id].alt for id in twin.posts[0].media] == ["One", "Two"]
    assert adapter.find(plan, 0, NOON, later) == Found((receipt,), complete=True)


def test_a_draft_leaves_nothing_behind(adapter, twin):
    """Not a post, not a file, not a create call."""
    plan = adapter.compose(of("One", "Two"))
    readied(adapter, plan)
    assert (twin.posts, dict(twin.media), twin.calls) == ([], {}, {})


def test_parts_made_within_a_second_are_in_order(adapter, twin):
    send(adapter, of("One", "Two", part("Three", kind="comment")))
    assert [one["createdAt"] for one in records(twin)] == [f"2026-11-22T12:00:00.00{n}Z" for n in range(3)]
    assert [post.parent for post in twin.posts] == [None, twin.posts[0].id, twin.posts[1].id]


def test_who_is_mentioned_is_named_by_what_lasts(adapter, twin):
    """A name that nobody has stays plain text, as the app does it; what else can be clicked stays."""
    send(adapter, of("@alice.test, @nobody.example.org, @ALICE.test #mill"))
    features = [facet["features"][0] for facet in records(twin)[0]["facets"]]
    assert [feature["$type"].partition("#")[2] for feature in features] == ["mention", "mention", "tag"]
    assert features[0]["did"] == features[1]["did"]
    assert features[0]["did"].startswith("did:plc:")


def test_a_name_that_cannot_be_looked_up_now_is_looked_up_later(listener):
    """A server that fails says nothing of the name: nothing is posted."""
    listener.says("getSession", 200, {"did": DID})
    listener.says("resolveHandle", 502, {"error": "UpstreamFailure", "message": "No"})
    adapter = at(listener.url)
    with pytest.raises(Unavailable):
        adapter.draft(adapter.compose(of("@alice.test")), 0, Sent())


@pytest.mark.parametrize(("session", "headers", "error", "words"), [
    ({"did": DID, "active": False, "status": "deactivated"}, DATE, Unauthorized, "deactivated"),
    ({"did": DID}, {}, Unavailable, "what time it is"),
    ({"did": DID}, {"Date": "soon"}, Unavailable, "what time it is"),
    ({"did": "us.test"}, DATE, Unavailable, "named no account"),
    ({}, DATE, Unavailable, "named no account"),
])
def test_what_a_draft_needs_the_server_must_say(listener, session, headers, error, words):
    listener.says("getSession", 200, session, headers)
    adapter = at(listener.url)
    with pytest.raises(error, match=words):
        adapter.draft(adapter.compose(of("A")), 0, Sent())


def test_an_answer_to_what_is_gone_is_refused(adapter, twin):
    """The thread ends there, and nothing more goes out."""
    plan = adapter.compose(of("One", "Two"))
    receipt = adapter.publish(plan, 0, readied(adapter, plan))
    adapter.withdraw(receipt)
    with pytest.raises(Rejected, match="not there any more"):
        adapter.draft(plan, 1, Sent((receipt,)))
    assert twin.posts == []


# --- answers ---------------------------------------------------------------------------------------------------------

NO = {"error": "InvalidRequest", "message": "No"}


def error(name: str, words: str = "Because") -> dict[str, str]:
    return {"error": name, "message": words}


@pytest.mark.parametrize(("status", "body", "meant", "dead"), [
    (400, error("InvalidRequest"), Rejected, None), (400, error("InvalidMimeType"), Rejected, None),
    (400, error("InvalidSwap"), Unconfirmed, None), (400, error("BlobNotFound"), Unavailable, None),
    (400, error("ExpiredToken"), Unauthorized, True), (400, error("InvalidToken"), Unauthorized, True),
    (401, error("AuthMissing"), Unauthorized, True), (401, error("AccountTakedown"), Unauthorized, True),
    (403, error("AccountNotFound"), Unauthorized, False), (400, error("AccountDeactivated"), Unauthorized, False),
    (403, error("Forbidden"), Rejected, None), (404, error("XRPCNotSupported"), Rejected, None),
    (413, error("PayloadTooLarge"), Rejected, None), (413, b"<html>", Rejected, None),
    (429, error("RateLimitExceeded"), RateLimited, None),
    (400, b"<html>", Unconfirmed, None), (404, {"message": "No"}, Unconfirmed, None),
    (400, {"error": "a b <c>"}, Unconfirmed, None), (400, {"error": ["x"]}, Unconfirmed, None),
    (500, error("InternalServerError"), Unconfirmed, None), (502, error("UpstreamFailure"), Unconfirmed, None),
    (503, error("NotEnoughResources"), Unconfirmed, None), (307, b"", Unconfirmed, None),
    (200, {"uri": f"at://{DID}/app.bsky.feed.post/2222222222222", "cid": ROOT_CID}, Unconfirmed, None),
    (200, {"cid": ROOT_CID}, Unconfirmed, None), (200, [], Unconfirmed, None), (200, b"", Unconfirmed, None),
])
def test_each_answer_to_the_create_call_means_what_it_says(listener, status, body, meant, dead):
    """By the server's own word and its documents; what proves nothing leaves doubt."""
    listener.says("putRecord", status, body)
    adapter = at(listener.url)
    plan = adapter.compose(CASE.goes["plain"])
    with pytest.raises(PublishError) as caught:
        adapter.publish(plan, 0, Sent(handles=CASE.handles))
    assert type(caught.value) is meant
    assert getattr(caught.value, "dead", None) is dead
    assert len(listener.calls) == 1


@pytest.mark.parametrize(("headers", "until"), [
    ({**DATE, "RateLimit-Reset": str(int(NOON.timestamp()) + 90)}, NOON + timedelta(seconds=90)),
    ({**DATE, "RateLimit-Reset": str(int(NOON.timestamp()) - 90)}, None),
    ({**DATE, "RateLimit-Reset": "90"}, None), ({**DATE, "RateLimit-Reset": "9999999999"}, None),
    ({**DATE, "RateLimit-Reset": "soon"}, None), ({"RateLimit-Reset": str(int(NOON.timestamp()) + 90)}, None),
    ({**DATE, "Retry-After": "30", "RateLimit-Reset": str(int(NOON.timestamp()) + 90)}, NOON + timedelta(seconds=30)),
])
def test_until_when_it_asks_to_wait(listener, headers, until):
    """`RateLimit-Reset` is a moment in seconds since 1970, and believed where the server's own clock agrees."""
    listener.says("getSession", 429, error("RateLimitExceeded"), headers)
    with pytest.raises(RateLimited) as caught:
        at(listener.url).account_id()
    assert caught.value.until == until


def test_no_error_repeats_what_it_was_shown(listener):
    """A server that says the token back does not get it into a report."""
    listener.says("getSession", 400, error("InvalidRequest", "bad token access-8f1c\x1b[31m and password pass-8f1c"))
    with pytest.raises(Rejected) as caught:
        at(listener.url, access_token="access-8f1c", app_password="pass-8f1c").account_id()
    assert caught.value.why == "the server answered 400: InvalidRequest, bad token … [31m and password …"


# --- looking ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("standing", "found"), [
    ({"text": "A kettle"}, True), ({"text": "Another kettle"}, False),
    ({"text": "A kettle", "reply": {"parent": {"uri": "at://x"}}}, False),
    ({"text": "A kettle", "embed": {"$type": "app.bsky.embed.images", "images": [{}]}}, False),
    ({"text": "A kettle", "reply": "odd", "embed": "odd"}, True), ({}, False),
])
def test_only_what_was_to_be_said_is_taken_for_it(listener, standing, found):
    """Anything else under the key makes the look incomplete: it cannot be sent there, and was not sent."""
    listener.says("getRecord", 200, {"uri": "at://x", "cid": ROOT_CID, "value": standing})
    adapter = at(listener.url)
    look = adapter.find(adapter.compose(of("A kettle")), 0, NOON, Sent(handles=CASE.handles))
    assert look == (Found((PartReceipt(id=KEY, url=f"{listener.url}/#bluesky-{KEY}"),), True) if found
                    else Found((), False))


def test_without_a_draft_the_account_is_asked_for(adapter, twin):
    """A post of an archive that lost its draft is found all the same: its key is made of the slot."""
    plan = adapter.compose(of("Lost"))
    (receipt,) = send(adapter, of("Lost"))
    assert adapter.find(plan, 0, NOON, Sent()) == Found((receipt,), complete=True)


@pytest.mark.parametrize("body", [{}, {"value": "x"}, [], b"x", {"value": None}])
def test_a_look_at_something_odd_is_no_look(listener, body):
    listener.says("getRecord", 200, body)
    adapter = at(listener.url)
    with pytest.raises(Unavailable):
        adapter.find(adapter.compose(of("A")), 0, NOON, Sent(handles=CASE.handles))


# --- sessions --------------------------------------------------------------------------------------------------------

def token(**said: Any) -> str:
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in ({}, said, ""))


END = NOON + timedelta(hours=2)
FRESH = {"did": DID, "handle": "us.test", "refreshJwt": "fresh",
         "accessJwt": token(exp=int(END.timestamp()), scope="com.atproto.appPass")}


def test_a_session_begins_with_the_app_password(listener):
    """The name without its @, the password in the body; the end is what the token says."""
    listener.says("createSession", 200, FRESH)
    fields = at(listener.url, identifier="@us.test", app_password="abcd", refresh_token="").refresh()

    (call,) = listener.calls
    assert (call.path, call.body) == ("/xrpc/com.atproto.server.createSession",
                                      {"identifier": "us.test", "password": "abcd"})
    assert "authorization" not in call.headers
    assert fields == {"access_token": FRESH["accessJwt"], "refresh_token": "fresh",
                      "expires_at": "2026-11-22T14:00:00Z"}


def test_a_session_is_renewed_by_its_refresh_token(listener):
    """Without a body, under the refresh token; the password stays at home."""
    listener.says("refreshSession", 200, {**FRESH, "accessJwt": "opaque"})
    fields = at(listener.url, refresh_token="old").refresh()

    (call,) = listener.calls
    assert (call.method, call.path, call.body) == ("POST", "/xrpc/com.atproto.server.refreshSession", b"")
    assert call.headers["authorization"] == "Bearer old"
    assert fields == {"access_token": "opaque", "refresh_token": "fresh"}       # nobody knows when it ends


@pytest.mark.parametrize(("status", "name"), [(400, "ExpiredToken"), (401, "AuthMissing"), (400, "InvalidToken")])
def test_where_the_refresh_token_is_spent_the_password_begins_another(listener, status, name):
    listener.says("refreshSession", status, error(name))
    listener.says("createSession", 200, FRESH)
    assert at(listener.url).refresh()["refresh_token"] == "fresh"


@pytest.mark.parametrize(("status", "body", "meant"), [
    (429, error("RateLimitExceeded"), RateLimited), (500, error("InternalServerError"), Unavailable),
    (502, b"<html>", Unavailable), (400, NO, Rejected),
])
def test_a_server_that_fails_gets_no_password(listener, status, body, meant):
    """Only a refusal of the token leads to the password; logins are few a day."""
    listener.says("refreshSession", status, body)
    with pytest.raises(meant):
        at(listener.url).refresh()
    assert len(listener.calls) == 1


@pytest.mark.parametrize("body", [
    {}, {"did": DID}, {**FRESH, "accessJwt": ""}, {**FRESH, "refreshJwt": None}, {**FRESH, "did": "x"}, [], b"<html>"])
def test_a_session_without_tokens_is_none(listener, body):
    listener.says("createSession", 200, body)
    with pytest.raises(Unavailable):
        at(listener.url, refresh_token="").refresh()


def test_a_wrong_password_is_known_for_one(listener):
    listener.says("createSession", 401, error("AuthenticationRequired", "Invalid identifier or password"))
    with pytest.raises(Unauthorized, match="Invalid identifier or password"):
        at(listener.url, refresh_token="").refresh()


def test_without_a_session_or_a_password_nothing_leaves():
    """Said before anything is sent."""
    bare = Bluesky(Connection(OURS, {}, "http://127.0.0.1:9"))
    for call in (bare.refresh, bare.account_id):
        with pytest.raises(Unauthorized) as caught:
            call()
        assert caught.value.dead


@pytest.mark.parametrize(("document", "home"), [
    ({"service": [{"id": "#atproto_pds", "serviceEndpoint": "https://a.example/"}]}, "https://a.example"),
    ({"service": [{"id": "#other", "serviceEndpoint": "https://a.example"},
                  {"id": f"{DID}#atproto_pds", "serviceEndpoint": "https://b.example"}]}, "https://b.example"),
    ({"service": [{"id": "#atproto_pds", "serviceEndpoint": "http://morel.host.example"}]}, None),
    ({"service": [{"id": "#atproto_pds", "serviceEndpoint": "file:///etc/passwd"}]}, None),
    ({"service": [{"id": "#atproto_pds", "serviceEndpoint": 7}, "odd"]}, None),
    ({"service": "odd"}, None), (None, None),
])
def test_the_account_is_followed_to_where_it_lives(listener, document, home):
    """By its own document, over TLS only; an address that stands in for the network stays."""
    listener.says("createSession", 200, {**FRESH, "didDoc": document})
    moved = at(None, refresh_token="", pds_url=listener.url).refresh()
    assert moved.get("pds_url") == home
    assert "pds_url" not in at(listener.url, refresh_token="").refresh()


@pytest.mark.parametrize("place", ["http://pds.example", "ftp://pds.example", "pds.example", "https://", "http://[::1"])
def test_a_token_never_goes_in_the_clear(place):
    with pytest.raises(Unauthorized, match="nothing was sent"):
        at(None, pds_url=place).account_id()


@pytest.mark.parametrize(("session", "scope", "warnings"), [
    ({}, "com.atproto.appPass", []), ({}, "com.atproto.access", ["own password"]),
    ({"emailConfirmed": False}, "com.atproto.appPass", ["not confirmed"]),
    ({"active": False}, "com.atproto.appPass", ["not active"]),
])
def test_it_tells_what_the_credentials_are_good_for(listener, session, scope, warnings):
    listener.says("getSession", 200, {"did": DID, "handle": "us.test", **session})
    verified = at(listener.url, access_token=token(exp=int(END.timestamp()), scope=scope)).verify()
    assert verified[:4] == ("us.test", DID, (scope,), END)
    for words, warning in zip(warnings, verified.warnings, strict=True):
        assert words in warning


@pytest.mark.parametrize("given", ["opaque", "a.b.c", "a.bm8.c", token(exp="soon", scope=7), token(exp=10 ** 30), ".."])
def test_a_token_that_says_nothing_is_a_token_all_the_same(listener, given):
    """What cannot be read is not known: no end, no scope, and no failure."""
    listener.says("getSession", 200, {"did": DID})
    verified = at(listener.url, access_token=given).verify()
    assert (verified.account, verified.scopes, verified.expires_at) == (DID, None, None)


# --- the twin --------------------------------------------------------------------------------------------------------

def test_it_works_where_every_credential_is_a_rehearsal(networks, twin):
    """`rehearsal:<handle>` in every field is enough, and the session it renews belongs to the same account."""
    made = dict.fromkeys((*Bluesky.needs, *Bluesky.wants), "rehearsal:@us")
    adapter = at(networks.address("bluesky"), **made)
    send(adapter, of("One", post="posts/one"))
    send(at(networks.address("bluesky"), **{**made, **adapter.refresh()}), of("Two", post="posts/two"))
    assert [(post.account, post.text) for post in twin.posts] == [("@us", "One"), ("@us", "Two")]


def test_many_mentions_are_settled(adapter, twin):
    """As many as a text can hold, each looked up once."""
    names = [f"@{chr(97 + n // 26)}{chr(97 + n % 26)}.test" for n in range(33)]
    send(adapter, of(" ".join(names)))
    assert len(records(twin)[0]["facets"]) == 33


def test_a_session_of_the_twin_lives_two_hours(adapter, networks, clock):
    """Then it is dead, and renewing brings another."""
    fresh = adapter.refresh()
    renewed = at(networks.address("bluesky"), **fresh)
    assert renewed.account_id() == adapter.account_id()
    assert fresh["expires_at"] == "2026-11-22T14:00:00Z"
    clock.now += timedelta(hours=2)
    with pytest.raises(Unauthorized) as caught:
        renewed.account_id()
    assert caught.value.dead
    assert at(networks.address("bluesky"), **renewed.refresh()).account_id() == adapter.account_id()


def test_an_upload_that_no_post_took_is_gone_after_an_hour(adapter, twin, clock):
    """Then it must go up again, and the post goes out; a file that a post shows stays."""
    plan = adapter.compose(of(part("A", picture())))
    sent = readied(adapter, plan)
    clock.now += timedelta(hours=1)
    with pytest.raises(Unavailable, match="must go up again"):
        adapter.publish(plan, 0, sent)
    assert twin.posts == []
    adapter.publish(plan, 0, Sent((), {**adapter.prepare(plan, 0, FILES.__getitem__), DRAFT: sent.handles[DRAFT]}))
    clock.now += timedelta(days=3)
    other = adapter.compose(of(part("B", picture()), post="posts/other"))
    adapter.publish(other, 0, Sent((), {DRAFT: adapter.draft(other, 0, sent)}))
    assert [post.text for post in twin.posts] == ["A", "B"]


def test_a_stranger_cannot_write_into_an_account(networks, adapter, twin):
    """The server refuses a record for another's repository."""
    plan = adapter.compose(of("Mine"))
    sent = readied(adapter, plan)
    stranger = at(networks.address("bluesky"), access_token="rehearsal:@them")
    with pytest.raises(Unauthorized):
        stranger.publish(plan, 0, sent)
    assert twin.posts == []


def test_what_the_twin_keeps_outlives_a_restart(tmp_path, clock):
    """Posts, files with their words, and what was taken back."""
    with Rehearsal([BlueskyTwin(clock, tmp_path)]) as running:
        adapter = at(running.address("bluesky"))
        (gone,) = send(adapter, of("Gone", post="posts/gone"))
        send(adapter, of(part("Kept", picture())))
        adapter.withdraw(gone)
    again = BlueskyTwin(clock, tmp_path)
    assert [(post.text, [again.media[id].alt for id in post.media]) for post in again.posts] == [("Kept", ["A kettle"])]


@pytest.mark.parametrize(("record", "words"), [
    ({"text": 7}, "text must be a string"), ({"createdAt": "today"}, "createdAt must be a datetime"),
    ({"langs": ["en", "de", "fr", "it"]}, "more than 3"), ({"tags": ["x"] * 9}, "more than 8"),
    ({"facets": [{"index": {"byteStart": 2, "byteEnd": 1}, "features": []}]}, "an index and features"),
    ({"facets": [{"index": {"byteStart": 0, "byteEnd": 1}, "features": [
        {"$type": "app.bsky.richtext.facet#mention", "did": "us.test"}]}]}, "none of the known ones"),
    ({"facets": [{"index": {"byteStart": 0, "byteEnd": 1}, "features": [
        {"$type": "app.bsky.richtext.facet#tag", "tag": "x" * 65}]}]}, "64 graphemes"),
    ({"embed": {"$type": "app.bsky.embed.images", "images": [{"image": {}}]}}, "alt must be a string"),
    ({"embed": {"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example"}}}, "title must be"),
    ({"embed": {"$type": "app.bsky.embed.gif"}}, "no known type"), ({"labels": {}}, "no known type"),
    ({"reply": {"root": {"uri": "at://x"}}}, "strong reference"), ({"$type": "app.bsky.feed.like"}, r"Invalid \$type"),
])
def test_the_twin_refuses_what_the_lexicons_refuse(networks, adapter, record, words):
    """In the words of a server, whoever asks: it does not lean on the adapter."""
    body = {"repo": adapter.account_id(), "collection": "app.bsky.feed.post", "rkey": KEY,
            "record": {"$type": "app.bsky.feed.post", "text": "A", "createdAt": STAMP, **record}}
    answer = httpx.post(f"{networks.address('bluesky')}/xrpc/com.atproto.repo.putRecord", json=body,
                        headers={"Authorization": "Bearer rehearsal:@us"})
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
    assert re.search(words, answer.json()["message"])


def test_the_twin_lists_the_newest_key_first(networks, adapter):
    """`listRecords`, in pages, of one account alone."""
    keys = [send(adapter, of("A", post=f"posts/{n}"))[0].id for n in range(3)]
    send(at(networks.address("bluesky"), access_token="rehearsal:@them"), of("B", post="posts/9"))
    where, seen, cursor = f"{networks.address('bluesky')}/xrpc/com.atproto.repo.listRecords", [], {}
    asked = {"repo": "us.test", "collection": "app.bsky.feed.post", "limit": "2"}
    for _ in range(2):
        page = httpx.get(where, params={**asked, **cursor}).json()
        seen += [one["uri"].rpartition("/")[2] for one in page["records"]]
        cursor = {"cursor": page["cursor"]}
    assert seen == sorted(keys, reverse=True)
