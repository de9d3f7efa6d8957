"""Threads: what it counts and refuses, what is said on the wire, and its containers from draft to post at the twin."""
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from contract_case import FILES, OURS, THEIRS, film, message, part, picture
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from threads_case import poll

from publishers._threads_text import length, pieces
from publishers.base import (
    DRAFT,
    Authorizes,
    Connection,
    Drafts,
    Fetches,
    Publisher,
    Refreshes,
    Sent,
    Verifies,
    Withdraws,
)
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.threads_twin import ThreadsTwin, counted
from publishers.threads import Threads
from schemas.content import Probe
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Found, PartReceipt
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SINCE = NOON - timedelta(minutes=5)
TOKEN = "".join(("THAA", "planted8f1c"))
USER, CONTAINER, MEDIA = "7755555555", "17889455560051444", "18055555555555555"
HANDLE = f"{CONTAINER}@{int(NOON.timestamp())}"


def found(message: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in Threads(Connection(OURS)).check(message) if problem.severity == severity]


def post(text: str = "A kettle", *media: Any, **more: Any) -> Message:
    return message("threads", part(text, *media), **more)


def body(message: Message, number: int = 0) -> dict[str, Any]:
    return Threads(Connection(OURS)).compose(message).parts[number].request


# --- counting --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "counts"), [
    ("", 0), ("kettle", 6), ("Küche", 5), ("漢字", 2), ("e\u0301", 2), ("😀", 4), ("a😀b", 6), ("👩‍💻", 11), ("🇩🇪", 8),
    ("🇩🇪🇫🇷", 16), ("🇩", 4), ("1\ufe0f\u20e3", 7), ("👍🏽", 8), ("❤\ufe0f", 6), ("👨‍👩‍👧‍👦", 25), ("©", 2), ("1#*", 3),
    ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", 28), ("a\r\nb", 4), ("\u200d", 1),
])
def test_an_emoji_counts_its_bytes(text, counts) -> None:
    """Any other character counts one; joiners and skin tones are part of their emoji."""
    assert length(text) == counts


@given(st.text(alphabet=st.sampled_from("aé漢😀🇩🇪\u200d\ufe0f🏽©1\u20e3\n"), max_size=24))
def test_the_count_is_that_of_the_networks_rule(text) -> None:
    """Never another number than cluster by cluster, and never less than the characters."""
    assert length(text) == counted(text)
    assert length(text) >= len(text)


@pytest.mark.parametrize(("text", "counts"), [
    ("🇩" * 16_384, 65_536), ("🇩" * 16_383, 65_532), ("😀\u200d" * 9_000, 63_000), ("a" + "\u0301" * 65_536, 65_537),
    ("\u200d" * 65_536, 65_536),
])
def test_hostile_text_is_counted_all_the_same(text, counts) -> None:
    """Rows of flags, of joiners and of marks, sixty-four kilobytes of each."""
    assert length(text) == counts


@pytest.mark.parametrize("text", ["#" * 65_536, "www." * 16_384, "https://" * 8_192, "#1" * 32_768, ".&" * 32_768])
def test_hostile_text_is_judged_all_the_same(text) -> None:
    """It is too long, and that is found in a moment."""
    assert found(post(text))


# --- thinking --------------------------------------------------------------------------------------------------------

def test_it_has_the_powers_of_its_api() -> None:
    """Files are fetched, posts drafted and taken back, tokens renewed and bought."""
    made = Threads(Connection(OURS))
    assert all(isinstance(made, power)
               for power in (Publisher, Fetches, Drafts, Refreshes, Authorizes, Verifies, Withdraws))


@pytest.mark.parametrize(("inside", "outside"), [
    (post("x" * 500), post("x" * 501)),
    (post("x" * 496 + "😀"), post("x" * 497 + "😀")),
    (post(" ".join(f"https://a.example/{n}" for n in range(5))),
     post(" ".join(f"https://a.example/{n}" for n in range(6)))),
    (post("https://a.example/1 " * 6), post(" ".join(f"www.a{n}.example" for n in range(6)))),
    (post(" ".join(f"https://a.example/{n}" for n in range(5)), card="https://a.example/4"),
     post(" ".join(f"https://a.example/{n}" for n in range(5)), card="https://a.example/5")),
    (post("a", *(picture(f"{n}.jpg") for n in range(20))), post("a", *(picture(f"{n}.jpg") for n in range(21)))),
    (post("a", *(picture(f"{n}.jpg") for n in range(19)), film()),
     post("a", *(picture(f"{n}.jpg") for n in range(20)), film())),
    (post("a", picture(alt="x" * 1_000)), post("a", picture(alt="x" * 1_001))),
    (post("a", picture(size=8_000_000)), post("a", picture(size=8_000_001))),
    (post("a", picture(probe=Probe("jpeg", 1_000, 100))), post("a", picture(probe=Probe("jpeg", 1_001, 100)))),
    (post("a", picture(probe=Probe("jpeg", 100, 1_000))), post("a", picture(probe=Probe("jpeg", 100, 1_001)))),
    (post("a", picture("a.png")), post("a", picture("a.webp"))),
    (post("a", film(probe=Probe("mp4", 9, 16, 300.0))), post("a", film(probe=Probe("mp4", 9, 16, 300.1)))),
    (post("a", film(size=1_000_000_000)), post("a", film(size=1_000_000_001))),
    (post("a", poll=poll("a", "b", "c", "d")), post("a", poll=poll("a", "b", "c", "d", "e"))),
    (post("a", poll=poll("a", "b" * 25)), post("a", poll=poll("a", "b" * 26))),
    (post("a", poll=poll("a", "b")), post("a", picture(), poll=poll("a", "b"))),
    (post("a", options={"topic_tag": "x" * 50}), post("a", options={"topic_tag": "x" * 51})),
    (post("a", options={"topic_tag": "#Tea and pots"}), post("a", options={"topic_tag": "Tea & pots"})),
    (post("a", options={"topic_tag": "Tea"}), post("a", options={"topic_tag": "v1.2"})),
    (post("a", options={"reply_control": "everyone"}), post("a", options={"reply_control": "nobody"})),
    (message("threads", "One", "Two"), message("threads", "One", " ")),
    (message("threads", "One", "x" * 500), message("threads", "One", "x" * 501)),
    (message("threads", "One", part("x" * 500, kind="comment")),
     message("threads", "One", part("x" * 501, kind="comment"))),
    (post("x" * 490, warning="12345678"), post("x" * 491, warning="12345678")),
])
def test_each_limit_holds_on_its_side(inside, outside) -> None:
    """The last that goes has no error, the first that does not has exactly one."""
    assert found(inside) == []
    assert len(found(outside)) == 1


@pytest.mark.parametrize("message", [
    post("#tea #pots"), post("#tea", options={"topic_tag": "pots"}), post("a", poll=poll("a", "b", lasts_s=3_600)),
    post("It ends 😀", warning="The end"),
])
def test_what_readers_would_not_get_is_a_warning(message) -> None:
    """It goes out, and the author is told what is lost: no error, one warning."""
    assert found(message) == []
    assert len(found(message, Severity.warning)) == 1


def test_one_topic_is_no_warning() -> None:
    """The same hashtag twice, a number with a sign before it, and one hashtag alone are as Threads has them."""
    for text in ("#tea", "#tea and #tea", "we are #1 in #tea"):
        assert found(post(text), Severity.warning) == []


def test_what_the_container_says() -> None:
    """Each thing in the field that is documented for it, and only where it may stand."""
    chosen = {"topic_tag": "#Tea", "reply_control": "mentioned_only"}
    assert body(post("a", card="https://a.example", options=chosen)) == {
        "media_type": "TEXT", "text": "a", "link_attachment": "https://a.example", "topic_tag": "Tea",
        "reply_control": "mentioned_only"}
    assert body(post("a", picture(), card="https://a.example")) == {
        "media_type": "IMAGE", "text": "a\n\nhttps://a.example", "alt_text": "A kettle"}
    assert body(post("a", card="https://a.example", poll=poll("Yes", "No"))) == {
        "media_type": "TEXT", "text": "a\n\nhttps://a.example",
        "poll_attachment": {"option_a": "Yes", "option_b": "No"}}
    assert body(post("", film(alt=None))) == {"media_type": "VIDEO"}
    assert body(post("a", picture(), film())) == {"media_type": "CAROUSEL", "text": "a"}
    assert body(message("threads", "a", part("b", picture()), options={"reply_control": "everyone"}), 1) == {
        "media_type": "IMAGE", "text": "b", "alt_text": "A kettle"}


def test_a_warning_stands_above_what_it_hides() -> None:
    """Files are hidden, words below the warning too where all ways to count agree; a first comment stays as it is."""
    hidden = message("threads", part("It boils.", picture()), part("Ah 😀", kind="post"), part("c", kind="comment"),
                     warning="The end")
    assert body(hidden) == {"media_type": "IMAGE", "text": "The end\n\nIt boils.", "alt_text": "A kettle",
                            "is_spoiler_media": "true",
                            "text_entities": [{"entity_type": "SPOILER", "offset": 9, "length": 9}]}
    assert body(hidden, 1) == {"media_type": "TEXT", "text": "The end\n\nAh 😀"}
    assert body(hidden, 2) == {"media_type": "TEXT", "text": "c"}
    assert body(post("", picture(alt=None), warning="The end")) == {"media_type": "IMAGE", "is_spoiler_media": "true"}


@given(text=st.text(min_size=1, max_size=40), warning=st.text(min_size=1, max_size=10))
def test_what_is_hidden_is_the_text_and_nothing_else(text, warning) -> None:
    """Wherever something is hidden, it is exactly what stands below the warning."""
    (made,) = pieces(post(text, warning=warning))
    for entity in body(post(text, warning=warning)).get("text_entities", ()):
        assert made.text[entity["offset"]:entity["offset"] + entity["length"]] == text


def test_an_address_tells_no_id() -> None:
    """A permalink is refused with what to give instead; a bare id is taken."""
    made = Threads(Connection(OURS))
    for address in ("https://www.threads.com/@us/post/DRx1abc", "threads.net/@us/post/DRx1abc",
                    "https://threads.net/t/DRx"):
        with pytest.raises(ValueError, match="does not tell its id"):
            made.receipt_of(address)
    for other in ("https://x.com/us/status/17", "kettle", "https://www.threads.com/@us"):
        with pytest.raises(ValueError, match="GET /me/threads"):
            made.receipt_of(other)
    assert made.receipt_of(f" {MEDIA} ") == PartReceipt(id=MEDIA)


# --- on the wire -----------------------------------------------------------------------------------------------------

class Peer:
    """A port that gives the scripted answers in order, each with the moment NOON, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.heard: list[tuple[str, str, dict[str, str]]] = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                said = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                where = urlsplit(self.path)
                peer.heard.append((self.command, where.path, dict(parse_qsl(where.query) + parse_qsl(said))))
                status, answer = peer.answers.pop(0)
                data = json.dumps(answer).encode()
                self.send_response_only(status)
                self.send_header("Date", "Sun, 22 Nov 2026 12:00:00 GMT")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = do

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def at(peer: Peer | None, **more: str) -> Threads:
    given = {"access_token": TOKEN, "user_id": USER, **more}
    return Threads(Connection(OURS, {name: SecretStr(value) for name, value in given.items()},
                              peer.url if peer else None, request_timeout_s=10.0))


QUOTA = (200, {"data": [{"quota_usage": 3, "config": {"quota_total": 250}, "reply_quota_usage": 0,
                         "reply_config": {"quota_total": 1_000}}]})
MADE, FINISHED = (200, {"id": CONTAINER}), (200, {"id": CONTAINER, "status": "FINISHED"})
PUBLISHED = (200, {"id": CONTAINER, "status": "PUBLISHED"})
REPLIED = {"id": MEDIA, "text": "Two", "timestamp": "2026-11-22T12:00:00+0000", "media_type": "TEXT_POST",
           "replied_to": {"id": "17"}}


def no(code: int | str, subcode: int | None = None, status: int = 400) -> tuple[int, Any]:
    return status, {"error": {"message": "No", "code": code, **({"error_subcode": subcode} if subcode else {})}}


def test_a_reply_is_a_container_that_names_what_it_answers(peer) -> None:
    """The quota of replies first; lists and objects as JSON; then one call that names the container alone."""
    outgoing = at(peer).compose(message("threads", "One", "Two", poll=poll("Yes", "Né")))
    peer.answers = [QUOTA, MADE, FINISHED, QUOTA, MADE, FINISHED, (200, {"id": MEDIA})]
    so_far = Sent((PartReceipt(id="17"),))
    at(peer).draft(outgoing, 0, Sent())
    handle = at(peer).draft(outgoing, 1, so_far)

    receipt = at(peer).publish(outgoing, 1, so_far._replace(handles={DRAFT: handle}))

    asked = {"access_token": TOKEN}
    assert (handle, receipt) == (HANDLE, PartReceipt(id=MEDIA))
    assert peer.heard == [
        ("GET", f"/v1.0/{USER}/threads_publishing_limit", {"fields": "quota_usage,config", **asked}),
        ("POST", f"/v1.0/{USER}/threads", {"media_type": "TEXT", "text": "One", **asked,
                                           "poll_attachment": '{"option_a": "Yes", "option_b": "Né"}'}),
        ("GET", f"/v1.0/{CONTAINER}", {"fields": "status,error_message", **asked}),
        ("GET", f"/v1.0/{USER}/threads_publishing_limit", {"fields": "reply_quota_usage,reply_config", **asked}),
        ("POST", f"/v1.0/{USER}/threads", {"media_type": "TEXT", "text": "Two", "reply_to_id": "17", **asked}),
        ("GET", f"/v1.0/{CONTAINER}", {"fields": "status,error_message", **asked}),
        ("POST", f"/v1.0/{USER}/threads_publish", {"creation_id": CONTAINER, **asked})]


def test_a_full_day_makes_nothing(peer) -> None:
    """Posts and replies are counted apart; with those of a day used up no container is made, and it asks again soon."""
    plan = at(peer).compose(message("threads", "One", "Two"))
    for number, used in ((0, {"quota_usage": 250}), (1, {"reply_quota_usage": 1_000})):
        peer.answers, peer.heard = [(200, {"data": [{**QUOTA[1]["data"][0], **used}]})], []
        with pytest.raises(RateLimited) as caught:
            at(peer).draft(plan, number, Sent((PartReceipt(id="17"),) * number))
        assert caught.value.until == datetime(2026, 11, 22, 13, tzinfo=UTC)
        assert [method for method, *_ in peer.heard] == ["GET"]


def test_a_reply_is_looked_for_among_replies(peer) -> None:
    """Under the same post, with the same words; another post's reply is none."""
    outgoing, sent = at(peer).compose(message("threads", "One", "Two")), Sent((PartReceipt(id="17"),), {DRAFT: HANDLE})
    peer.answers = [PUBLISHED, (200, {"data": [{**REPLIED, "id": "9", "replied_to": {"id": "18"}}, REPLIED]})]

    assert at(peer).find(outgoing, 1, SINCE, sent) == Found((PartReceipt(id=MEDIA),), True)
    assert peer.heard[1][1:] == (f"/v1.0/{USER}/replies", {
        "fields": "id,text,timestamp,permalink,media_type,children{id},replied_to", "limit": "50",
        "access_token": TOKEN})


@pytest.mark.parametrize("other", [
    {"text": "Three"}, {"media_type": "IMAGE"}, {"replied_to": {"id": "18"}}, {"replied_to": None},
    {"media_type": "CAROUSEL_ALBUM", "children": {"data": [{"id": "1"}, {"id": "2"}]}},
    {"timestamp": "2026-11-22T11:00:00+0000"},
])
def test_a_reply_that_differs_in_one_thing_is_another(peer, other) -> None:
    """Other words, files, another post above it, an earlier hour: none of them is the part."""
    outgoing, sent = at(peer).compose(message("threads", "One", "Two")), Sent((PartReceipt(id="17"),), {DRAFT: HANDLE})
    peer.answers = [PUBLISHED, (200, {"data": [{**REPLIED, **other}]})]
    assert at(peer).find(outgoing, 1, SINCE, sent) == Found((), False)


@pytest.mark.parametrize(("answer", "error"), [
    (no("THREADS_API__LINK_LIMIT_EXCEEDED"), Rejected), (no(100), Rejected), (no(190), Unauthorized),
    (no(200), Unauthorized), (no(1, 4279013), Unauthorized), (no(4, 2207051), Unauthorized), (no(613), RateLimited),
    (no(32), RateLimited), (no(9, 2207042), RateLimited), (no(2), Unconfirmed), (no(1, status=500), Unconfirmed),
    ((200, {"id": ""}), Unconfirmed), ((200, [1]), Unconfirmed),
])
def test_each_answer_to_the_publication_means_one_thing(peer, answer, error) -> None:
    """A refusal in the network's own words is certain, whatever else came back is in doubt."""
    peer.answers = [answer]
    with pytest.raises(PublishError) as caught:
        at(peer).publish(at(peer).compose(post()), 0, Sent(handles={DRAFT: HANDLE}))
    assert type(caught.value) is error
    assert len(peer.heard) == 1


@pytest.mark.parametrize(("rest", "error"), [
    ([FINISHED], Unavailable), ([(200, {"status": "IN_PROGRESS"})], Unconfirmed),
    ([(200, {"status": "EXPIRED"})], Unavailable),
    ([(200, {"status": "ERROR", "error_message": "INVALID_DURATION"})], Rejected),
    ([(200, {"status": "ERROR", "error_message": "FAILED_DOWNLOADING_VIDEO"})], Unavailable),
    ([no(24, 4279009)], Unconfirmed), ([PUBLISHED, (200, {"data": []})], Unconfirmed),
])
def test_a_container_that_is_not_found_is_asked_after(peer, rest, error) -> None:
    """4279009 is said of a container that is not ready, and perhaps of one that is out: only its status tells."""
    peer.answers = [no(24, 4279009), *rest]
    with pytest.raises(PublishError) as caught:
        at(peer).publish(at(peer).compose(post()), 0, Sent(handles={DRAFT: HANDLE}))
    assert type(caught.value) is error


@pytest.mark.parametrize(("word", "error"), [
    ("FAILED_DOWNLOADING_VIDEO", Unavailable), ("UNKNOWN", Unavailable), ("INVALID_DURATION", Rejected),
    ("INVALID_ASPEC_RATIO", Rejected), ("FAILED_PROCESSING_AUDIO", Rejected),
])
def test_a_film_that_fails_is_told_by_its_word(peer, word, error) -> None:
    """Fetched badly: another container may do. Made badly: the film must change."""
    peer.answers = [QUOTA, MADE, (200, {"status": "ERROR", "error_message": word})]
    with pytest.raises(PublishError, match=word) as caught:
        at(peer).draft(at(peer).compose(post("a", film())), 0, Sent(handles={"film": "https://f.example"}))
    assert type(caught.value) is error


def test_taking_back_is_one_call_and_what_is_gone_is_gone(peer) -> None:
    """No answer to it is in doubt; one that does not say that it worked is no success."""
    receipt = PartReceipt(id=MEDIA)
    peer.answers = [(200, {"success": True, "deleted_id": MEDIA}), no(24, 4279009), no(100, 33)]
    for _ in range(3):
        at(peer).withdraw(receipt)
    assert peer.heard[0] == ("DELETE", f"/v1.0/{MEDIA}", {"access_token": TOKEN})

    for answer, error in (((200, {"success": False}), Rejected), (no(4), RateLimited), (no(10), Unauthorized),
                          ((500, {}), Unavailable), (no(100), Rejected)):
        peer.answers = [answer]
        with pytest.raises(PublishError) as caught:
            at(peer).withdraw(receipt)
        assert type(caught.value) is error


def test_verifying_names_what_the_token_lacks(peer) -> None:
    """Scopes and end where the app's testers are told; without them the rest; another account's number is told too."""
    who = (200, {"id": USER, "username": "kettles"})
    granted = {"scopes": ["threads_basic", "threads_content_publish"], "expires_at": 1_800_000_000, "is_valid": True}
    peer.answers = [who, QUOTA, (200, {"data": granted}), (200, {"id": "8"}), QUOTA, no(10), who, QUOTA,
                    (200, {"data": 7}), who, QUOTA, no(190)]

    told = at(peer).verify()
    assert (told.account, told.account_id, told.scopes, told.expires_at) == (
        "kettles", USER, ("threads_basic", "threads_content_publish"), datetime(2027, 1, 15, 8, tzinfo=UTC))
    assert len(told.warnings) == 1
    assert "threads_manage_replies, threads_read_replies, threads_delete" in told.warnings[0]

    other = at(peer).verify()
    assert (other.account, other.scopes, other.expires_at, len(other.warnings)) == ("8", None, None, 2)
    assert "to testers of the app" in other.warnings[1]
    assert at(peer).verify().warnings == other.warnings[1:]
    with pytest.raises(Unauthorized, match="190"):                # it died meanwhile
        at(peer).verify()


def test_tokens_are_asked_for_without_a_version(peer) -> None:
    """Renewed by their own words, bought with a code, and told whose they are."""
    peer.answers = [(200, {"access_token": "THnew", "expires_in": 5_184_000}),
                    (200, {"access_token": "TH1", "user_id": 7}), (200, {"access_token": "TH60", "expires_in": 60}),
                    (200, {"id": 7_755, "username": "k"})]
    assert at(peer).refresh() == {"access_token": "THnew", "expires_at": "2027-01-21T12:00:00Z"}
    fields = at(peer, app_id="9", app_secret="s").exchange("AQ#_", "https://us.example/back", "v")
    assert fields == {"access_token": "TH60", "expires_at": "2026-11-22T12:01:00Z", "user_id": "7755"}
    assert [(path, said.get("grant_type"), said.get("code")) for _, path, said in peer.heard] == [
        ("/refresh_access_token", "th_refresh_token", None), ("/oauth/access_token", "authorization_code", "AQ"),
        ("/access_token", "th_exchange_token", None), ("/v1.0/me", None, None)]


def test_the_host_is_one_of_two() -> None:
    """A token goes to no host that a setting makes up; files come from https only."""
    for host in ("graph.threads.example", "graph.threads.net.evil.example", "graph.threads.net@evil.example"):
        with pytest.raises(Unauthorized):
            at(None, api_host=host).account_id()
    where = urlsplit(at(None, app_id="9").authorization("https://us.example/back", "s", "v"))
    assert (where.scheme, where.netloc, where.path) == ("https", "threads.net", "/oauth/authorize")
    with pytest.raises(Unavailable):
        at(None).fetch(at(None).compose(post("a", picture())), 0, lambda blob: f"http://files.example/{blob}")


# --- against the twin ------------------------------------------------------------------------------------------------

class Scene:
    """The twin on a port, with a clock to turn, and the adapter of a profile."""

    def __init__(self) -> None:
        self.now = NOON
        self.twin = ThreadsTwin(lambda: self.now)
        self.running = Rehearsal([self.twin])

    def adapter(self, account: str = OURS, **more: str) -> Threads:
        given = {"access_token": f"rehearsal:{account}", "user_id": account, **more}
        return Threads(Connection(account, {name: SecretStr(value) for name, value in given.items()},
                                  self.running.address("threads"), request_timeout_s=20.0))

    def address(self, blob: str) -> str:
        there = f"{self.running.url}/_rehearsal/shared/{hashlib.sha256(FILES[blob]).hexdigest()}"
        httpx.put(there, content=FILES[blob]).raise_for_status()
        return there

    def send(self, message: Message, account: str = OURS) -> tuple[PartReceipt, ...]:
        adapter, parts = self.adapter(account), tuple[PartReceipt, ...]()
        outgoing = adapter.compose(message)
        for number in range(len(outgoing.parts)):
            handles = adapter.fetch(outgoing, number, self.address)
            handles = {**handles, DRAFT: adapter.draft(outgoing, number, Sent(parts, handles))}
            parts += (adapter.publish(outgoing, number, Sent(parts, handles)),)
        return parts


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    with made.running:
        yield made


def test_a_thread_hangs_together(scene) -> None:
    """Each part answers the one before, in the order written, files and all."""
    receipts = scene.send(message("threads", "One", part("Two", picture(), film()), part("Three", kind="comment")))
    assert [(made.id, made.parent) for made in scene.twin.posts] == [
        (receipts[0].id, None), (receipts[1].id, receipts[0].id), (receipts[2].id, receipts[1].id)]
    assert [len(made.media) for made in scene.twin.posts] == [0, 2, 0]


def test_what_was_said_is_kept(scene) -> None:
    """Topic, answers, card and spoiler arrive as the network reads them."""
    scene.send(post("Mend it?", poll=poll("Yes", "No"),
                    options={"topic_tag": "Tea", "reply_control": "followers_only"}))
    scene.send(post("It boils.", picture(), warning="The end"))
    scene.send(post("See", card="https://example.org"))
    asked, hidden, card = (made.extra for made in scene.twin.posts)
    assert (asked["topic_tag"], asked["reply_control"], json.loads(asked["poll_attachment"])) == (
        "Tea", "followers_only", {"option_a": "Yes", "option_b": "No"})
    assert (hidden["is_spoiler_media"], json.loads(hidden["text_entities"])) == (
        "true", [{"entity_type": "SPOILER", "offset": 9, "length": 9}])
    assert card["link_attachment"] == "https://example.org"


def test_posts_and_replies_have_days_of_their_own(scene) -> None:
    """A full day of posts stops posts and no replies; tomorrow is another day."""
    scene.twin.quota, scene.twin.reply_quota = 1, 2
    scene.send(message("threads", "One", "Two", "Three"))
    with pytest.raises(RateLimited):
        scene.send(post("More"))
    scene.send(post("Theirs"), THEIRS)
    scene.now += timedelta(hours=24)
    scene.send(post("More"))


def test_an_answer_to_what_is_not_found_makes_nothing(scene) -> None:
    """Threads says the same of a post that was deleted and of one that has just come out: so it is tried again."""
    adapter = scene.adapter()
    (first,) = scene.send(post("One"))
    adapter.withdraw(first)
    with pytest.raises(PublishError) as caught:
        adapter.draft(adapter.compose(message("threads", "One", "Two")), 1, Sent((first,)))
    assert (type(caught.value), scene.twin.posts) == (Unavailable, [])


def test_only_so_many_are_taken_back_in_a_day(scene) -> None:
    """Beyond them the network asks to wait, and the post stays; a stranger's post counts as gone and stays too."""
    scene.twin.delete_quota = 1
    (first,), (second,), (theirs,) = scene.send(post("a")), scene.send(post("b")), scene.send(post("c"), THEIRS)
    scene.adapter().withdraw(first)
    with pytest.raises(RateLimited):
        scene.adapter().withdraw(second)
    scene.adapter().withdraw(theirs)
    assert [made.id for made in scene.twin.posts] == [second.id, theirs.id]


def test_the_browsers_way_ends_with_a_token_that_works(scene) -> None:
    """The page, the code in the address it leads back to, the token: it is of the profile that said yes."""
    app = scene.adapter(app_id=OURS, app_secret="rehearsal:@us")
    back = urlsplit(httpx.get(app.authorization("http://127.0.0.1:9/back", "our state", "v")).headers["location"])
    code, state = (parse_qs(back.query)[name][0] for name in ("code", "state"))
    fields = app.exchange(code, "http://127.0.0.1:9/back", "v")
    assert (state, fields["expires_at"]) == ("our state", "2027-01-21T12:00:00Z")
    told = scene.adapter(access_token=fields["access_token"], user_id=fields["user_id"]).verify()
    assert (told.account, told.warnings) == ("us", ())


def test_a_picture_is_judged_by_its_bytes(scene) -> None:
    """Whatever its name says: no container of what is neither JPEG nor PNG."""
    FILES["odd"] = b"GIF89a" + bytes(40)
    with pytest.raises(Rejected, match="2207005"):
        scene.send(post("a", picture("a.png", blob="odd")))
