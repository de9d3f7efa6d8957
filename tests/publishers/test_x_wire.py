"""What X is sent, byte for byte in meaning: recorded on loopback, and held against X's own OpenAPI description.

`DRUMBEAT_X_OPENAPI=openapi.json pytest tests/publishers/test_x_wire.py` does the second; X publishes the file at
api.x.com/2/openapi.json and at github.com/xdevplatform/docs. Without it only the first is done.
"""
import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from contract_case import FILES, OURS, POST, film, message, part, picture
from described import Request
from openapi_reader import openapi
from pydantic import SecretStr

from publishers.base import Connection, Sent
from publishers.x import X
from schemas.ledger import PartReceipt
from schemas.message import Media, Message, Poll
from schemas.place import Place

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKENS = {"consumer_key": "key-1f", "consumer_secret": "secret-2e", "access_token": "token-4c",
          "access_token_secret": "secret-3d"}
DESCRIPTION = os.environ.get("DRUMBEAT_X_OPENAPI")


class Call(NamedTuple):
    """A request as it was heard. `body` None: there was none."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None


class Recorder(ThreadingHTTPServer):
    """Says yes to everything, with an id of its own for each upload, and keeps what it heard."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ear)
        self.heard: list[Call] = []

    def answer(self, call: Call) -> dict[str, Any] | None:
        """None: a yes without a body."""
        self.heard.append(call)
        if call.path.endswith("/append"):
            return None
        if call.method == "DELETE":
            return {"data": {"deleted": False}}
        if call.path == "/2/tweets/17" and call.method == "GET":
            return {"errors": [{"type": "https://api.x.com/2/problems/resource-not-found"}]}
        if call.path.endswith("/tweets") and call.method == "GET":
            edited = {"id": "31", "text": "Now", "created_at": NOON.isoformat(), "edit_history_post_ids": ["30", "31"]}
            return {"data": [edited], "meta": {} if "pagination_token" in call.query else {"next_token": "next"}}
        if call.path == "/2/tweets/30":
            return {"data": {"id": "30", "text": "Then", "created_at": NOON.isoformat()}}
        uploads = sum(heard.path in ("/2/media/upload", "/2/media/upload/initialize") and heard.method == "POST"
                      for heard in self.heard)
        return {"data": {"id": f"{100 + uploads}" if call.path.startswith("/2/media") else "17", "text": "",
                         "processing_info": {"state": "in_progress" if "finalize" in call.path else "succeeded"}}}


class _Ear(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        asked, raw = urlsplit(self.path), self.rfile.read(int(self.headers.get("content-length", 0)))
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        told = self.server.answer(Call(self.command, asked.path, query, json.loads(raw) if raw else None))
        data = b"" if told is None else json.dumps(told).encode()
        self.send_response(201 if self.path == "/2/tweets" else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_DELETE = do_POST

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def recording() -> Iterator[tuple[Recorder, X]]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            secrets = {name: SecretStr(value) for name, value in TOKENS.items()}
            address = f"http://127.0.0.1:{server.server_address[1]}"
            yield server, X(Connection(OURS, secrets, address, request_timeout_s=20.0))
        finally:
            server.shutdown()
            thread.join()


def sent(made: Message) -> list[Call]:
    """All that goes out for a message."""
    with recording() as (server, x):
        outgoing, parts = x.compose(made), tuple[PartReceipt, ...]()
        for number in range(len(outgoing.parts)):
            handles = x.prepare(outgoing, number, FILES.__getitem__) if outgoing.parts[number].media else {}
            parts += (x.publish(outgoing, number, Sent(parts, handles)),)
        return server.heard


WORDS = Media(file="content/media/kettle.srt", blob="kettle-words", size=5, alt=None, place=Place(POST, 4))
FILES["kettle-words"] = b"1\n..."
POLL = Poll(options=("Copper", "Enamel"), lasts_s=86_400, place=Place(POST, 5))


def messages() -> dict[str, Message]:
    return {
        "words": message("x", "A kettle is mended."),
        "thread": message("x", "One", part("Two", picture("two.png", alt="Two")), part("Three", kind="comment")),
        "pictures alone": message("x", part("", picture("1.jpg", alt=""), picture("2.webp", alt=None))),
        "video": message("x", part("A kettle boils", film(captions=WORDS)), language="en"),
        "poll": message("x", "Which kettle next?", poll=POLL),
        "labels": message("x", part("Mended", picture("3.jpg", alt="", ai="generated")), disclosure="ad",
                          options={"reply_settings": "subscribers"}),
    }


def encoded(blob: str) -> str:
    return base64.b64encode(FILES[blob]).decode()


# --- as recorded -----------------------------------------------------------------------------------------------------

def test_a_thread_on_the_wire() -> None:
    """Each picture in one call, described, and named by its post; each post answers the one before."""
    two = picture("two.png", alt="Two")

    assert sent(messages()["thread"]) == [
        Call("POST", "/2/tweets", {}, {"text": "One"}),
        Call("POST", "/2/media/upload", {}, {"media": encoded(two.blob), "media_category": "tweet_image"}),
        Call("POST", "/2/media/metadata", {}, {"id": "101", "metadata": {"alt_text": {"text": "Two"}}}),
        Call("POST", "/2/tweets", {}, {"text": "Two", "media": {"media_ids": ["101"]},
                                       "reply": {"in_reply_to_tweet_id": "17"}}),
        Call("POST", "/2/tweets", {}, {"text": "Three", "reply": {"in_reply_to_tweet_id": "17"}})]


def test_a_video_on_the_wire() -> None:
    """Announced, sent, closed, asked after; then its subtitles, which hang on it; the post names it alone.

    A piece of a file may be taken with a yes and nothing else.
    """
    assert sent(messages()["video"]) == [
        Call("POST", "/2/media/upload/initialize", {}, {
            "media_category": "tweet_video", "media_type": "video/mp4", "total_bytes": len(FILES["film"])}),
        Call("POST", "/2/media/upload/101/append", {}, {"media": encoded("film"), "segment_index": 0}),
        Call("POST", "/2/media/upload/101/finalize", {}),
        Call("GET", "/2/media/upload", {"command": "STATUS", "media_id": "101"}),
        Call("POST", "/2/media/upload/initialize", {}, {
            "media_category": "subtitles", "media_type": "text/srt", "total_bytes": 5}),
        Call("POST", "/2/media/upload/102/append", {}, {"media": encoded("kettle-words"), "segment_index": 0}),
        Call("POST", "/2/media/upload/102/finalize", {}),
        Call("GET", "/2/media/upload", {"command": "STATUS", "media_id": "102"}),
        Call("POST", "/2/media/subtitles", {}, {
            "id": "101", "media_category": "TweetVideo",
            "subtitles": {"id": "102", "language_code": "EN", "display_name": "English"}}),
        Call("POST", "/2/tweets", {}, {"text": "A kettle boils", "media": {"media_ids": ["101"]}})]


def test_polls_and_labels_on_the_wire() -> None:
    """Under the names of X's description."""
    assert [call.body for name in ("poll", "labels") for call in sent(messages()[name])[-1:]] == [
        {"text": "Which kettle next?", "poll": {"options": ["Copper", "Enamel"], "duration_minutes": 1440}},
        {"text": "Mended", "media": {"media_ids": ["101"]}, "made_with_ai": True, "paid_partnership": True,
         "reply_settings": "subscribers"}]


def looks() -> list[Call]:
    """All reads, and a deletion."""
    with recording() as (server, x):
        outgoing = x.compose(message("x", "Then"))
        x.find(outgoing, 0, NOON, Sent())
        x.verify()
        x.withdraw(PartReceipt(id="17"))
        return server.heard


def test_reads_and_a_deletion_on_the_wire() -> None:
    """A list is read by pages, an edited post in its first version; "not deleted" is looked at."""
    fields = {"post.fields": "created_at,note_post,entities,attachments", "expansions": "referenced_posts"}
    page = {"max_results": "100", "start_time": "2026-11-22T12:00:00Z", "exclude": "retweets", **fields}

    assert looks() == [
        Call("GET", "/2/users/me", {}), Call("GET", "/2/users/17/tweets", page), Call("GET", "/2/tweets/30", fields),
        Call("GET", "/2/users/17/tweets", {**page, "pagination_token": "next"}), Call("GET", "/2/tweets/30", fields),
        Call("GET", "/2/users/me", {}), Call("DELETE", "/2/tweets/17", {}), Call("GET", "/2/tweets/17", {})]


# --- as X describes it -----------------------------------------------------------------------------------------------

described = pytest.mark.skipif(not DESCRIPTION, reason="DRUMBEAT_X_OPENAPI names no description of X's API")


def faults(calls: list[Call]) -> list[str]:
    """What X's description has against them."""
    description = openapi(json.loads(Path(DESCRIPTION or "").read_text("utf-8")))
    return [fault for call in calls for fault in description.faults(
        Request.of_json(call.method, call.path, urlencode(call.query), call.body))]


@described
@pytest.mark.parametrize("name", messages())
def test_every_request_is_as_x_describes_it(name: str) -> None:
    """Creating, replying, uploading, describing, polls and labels: nothing that X's own description refuses."""
    assert faults(sent(messages()[name])) == []


@described
def test_every_read_is_as_x_describes_it() -> None:
    """Reading back and deleting: no field that X does not know, which it would pass over in silence."""
    assert faults(looks()) == []


@described
@pytest.mark.parametrize("call", [
    Call("POST", "/2/tweets", {}, {"text": "Hi", "colour": "red"}),
    Call("POST", "/2/tweets", {}, {"text": "Hi", "media": {"media_ids": ["a"]}}),
    Call("POST", "/2/tweets", {}, {"text": "Hi", "poll": {"options": ["a"], "duration_minutes": 5}}),
    Call("POST", "/2/tweets", {}, {"text": "Hi", "reply_settings": "everybody"}),
    Call("POST", "/2/tweets", {}),
    Call("POST", "/2/media/upload/7/append", {}, {"media": "AAAA", "segment_index": 1000}),
    Call("POST", "/2/media/upload/seven/finalize", {}),
    Call("GET", "/2/users/17/tweets", {"max_results": "4"}),
    Call("GET", "/2/users/17/tweets", {"post.fields": "note_tweet"}),
    Call("GET", "/2/users/17/tweets", {"colour": "red"}),
    Call("GET", "/2/media/upload", {"command": "STATUS"}),
    Call("PUT", "/2/tweets/17", {}),
])
def test_the_description_is_really_asked(call: Call) -> None:
    """What X would refuse is refused here: otherwise the two tests above say nothing."""
    assert faults([call])
