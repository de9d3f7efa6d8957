"""The X adapter, against its twin and against peers that answer badly, over real loopback HTTP."""
import json
import struct
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

import publishers
from publishers.base import Connection, Found, Outgoing, Prepares, Publisher, Sent
from publishers.rehearsal._twin import Fault, Kept, Rehearsal
from publishers.rehearsal.x_twin import XTwin
from publishers.x import X
from schemas.errors import (
    PaymentRequired,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from schemas.ledger import PartReceipt, Slot, idempotency_key
from schemas.message import Media, Message, Part
from schemas.place import Place
from schemas.problem import Problem, Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SINCE = NOON - timedelta(minutes=5)
SECRETS = {"consumer_key": "plantedCK-1f", "consumer_secret": "plantedCS/2e", "access_token": "4711-plantedAT",
           "access_token_secret": "plantedATS+3d"}
SLOT = Slot("posts/hello", "x")
TOP = Place("content/posts/hello.md", 6)
TEXT = "Saturday: drill day & tea <free>. https://example.org/drill?a=1&b=2, or example.org"


def png(shade: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes([0, shade]))) + chunk(
        b"IEND", b"")


FILES = {f"blob{n}": png(n) for n in range(8)}


def photo(n: int, alt: str | None = "", name: str | None = None, size: int = 70) -> Media:
    return Media(file=f"media/{name or f'drill-{n}.png'}", blob=f"blob{n}", size=size, alt=alt,
                 place=Place(TOP.file, 2))


def post(text: str = TEXT, *media: Media) -> Part:
    return Part(text=text, media=media, place=TOP)


def comment(text: str = "Book here: https://example.org/book") -> Part:
    return Part(kind="comment", text=text, place=Place(TOP.file, 20))


def a_message(*parts: Part, card: str | None = None, limits: dict[str, int] | None = None) -> Message:
    return Message(slot=SLOT, network="x", account="@millrace", parts=parts, card=card, limits=limits or {})


def adapter(address: str | None = None, seconds: float = 20.0, **credentials: str) -> X:
    secrets = {name: SecretStr(value) for name, value in (SECRETS | credentials).items()}
    return X(Connection("@millrace", secrets, address, connect_timeout_s=2.0, request_timeout_s=seconds))


def composed(*parts: Part, card: str | None = None) -> Outgoing:
    return adapter().compose(a_message(*(parts or (post(),)), card=card))


def sent(*ids: str, **handles: str) -> Sent:
    return Sent(tuple(PartReceipt(id=post) for post in ids), handles)


def codes(message: Message) -> list[tuple[str, Severity, str]]:
    return [(problem.code, problem.severity, problem.message) for problem in adapter().check(message)]


# --- thinking -------------------------------------------------------------------------------------------------------

def test_it_is_a_publisher() -> None:
    """The class is found by its network's name and keeps both promises."""
    made = adapter()

    assert publishers.load("x") is X
    assert isinstance(made, Publisher)
    assert isinstance(made, Prepares)


def test_compose_is_the_exact_body() -> None:
    """A thread with images and a comment becomes one body for each part, without ids that nobody knows yet."""
    made = composed(post("One", photo(1, "A drill."), photo(2, None), photo(1)), post("Two"), comment())

    assert [(p.kind, p.text, p.request, p.media, p.alts, p.names) for p in made.parts] == [
        ("post", "One", {"text": "One"}, ("blob1", "blob2"), ("A drill.", ""), ("drill-1.png", "drill-2.png")),
        ("post", "Two", {"text": "Two"}, (), (), ()),
        ("comment", comment().text, {"text": comment().text}, (), (), ())]
    assert [p.key for p in made.parts] == [idempotency_key(SLOT, n) for n in range(3)]


@pytest.mark.parametrize(("text", "becomes"), [
    ("Read this", "Read this\n\nhttps://a.org/x"), ("", "https://a.org/x"), ("In https://a.org/x", "In https://a.org/x"),
])
def test_a_card_is_a_link_behind_the_first_text(text: str, becomes: str) -> None:
    """X makes the card itself, of a link in the text; a link that is there already is not repeated."""
    made = composed(post(text), post("Two"), card="https://a.org/x")

    assert [part.text for part in made.parts] == [becomes, "Two"]


def test_media_without_text_has_no_text_key() -> None:
    """A post of images alone is sent without an empty text."""
    assert composed(post("", photo(1))).parts[0].request == {}


@pytest.mark.parametrize(("parts", "found"), [
    ((post("a" * 280),), []),
    ((post("é" * 257 + " https://example.org/" + "x" * 90),), [("TXT001", Severity.error, "281/280 on x.")]),
    ((post("Fine"), post("日" * 141)), [("TXT001", Severity.error, "282/280 on x.")]),
    ((post("Fine"), comment("a" * 281)), [("TXT001", Severity.error, "281/280 on x.")]),
    ((post(" "),), [("TXT006", Severity.error, "X takes no empty post on x.")]),
    ((post("", photo(1)),), []),
    ((comment(),), [("TXT006", Severity.error, "There is nothing to post on x.")]),
    ((), [("TXT006", Severity.error, "There is nothing to post on x.")]),
    ((post("Up: $ABC and $DEF.A"),),
     [("TXT006", Severity.error, "X takes one cashtag on x, not $ABC, $DEF.A.")]),
    ((post("It was $5 and a US$ABC note, $ABC"),), []),
    ((post("Odd\uFEFF"),), [("TXT006", Severity.error, "X takes no U+FEFF on x.")]),
    ((post("See README.md"),), [("TXT005", Severity.warning, "X makes a link of README.md on x: it counts 23, and the "
                                 "post costs 0.20 USD, not 0.015.")]),
    ((post("See README.md and https://a.org"),),
     [("TXT005", Severity.warning, "X makes a link of README.md on x: it counts 23.")]),
    ((post("See https://a.org/README.md, example.org and a.org/x.py"),), []),
    ((post("#one #two"),), []),
    ((post("#one #two #three, &#39; https://a.org/#x #4"),), [("TXT001", Severity.advice, "3/2 hashtags on x.")]),
    ((post("Hi", *(photo(n) for n in range(5))),), [("TXT001", Severity.error, "5/4 images on x.")]),
    ((post("Hi", photo(1, "a" * 1001)),),
     [("TXT001", Severity.error, "1001/1000 characters of alt text on x: media/drill-1.png.")]),
    ((post("Hi", photo(1, size=5_000_001)),),
     [("TXT001", Severity.error, "5,000,001/5,000,000 bytes on x: media/drill-1.png.")]),
    ((post("Hi", photo(1, name="talk.tiff")),),
     [("TXT006", Severity.error, "x does not take .tiff files: media/talk.tiff.")]),
    ((post("Hi", photo(1, name="talk.avi")),),
     [("TXT006", Severity.error, "x does not take .avi files: media/talk.avi.")]),
    ((post("Hi", photo(1, name="talk.pdf")),),
     [("TXT006", Severity.error, "x takes no documents: media/talk.pdf.")]),
])
def test_check(parts: tuple[Part, ...], found: list[tuple[str, Severity, str]]) -> None:
    """Everything X would refuse is said, and nothing that it takes."""
    assert codes(a_message(*parts)) == found


def test_a_problem_names_place_post_and_way_out() -> None:
    """What is over the limit points at the part, and says what a writer can do."""
    second = Part(text="a" * 281, place=Place(TOP.file, 14))

    assert adapter().check(a_message(post("Fine"), second)) == [Problem(
        "TXT001", Severity.error, Place(TOP.file, 14), "281/280 on x.", "Add '## on x' with a shorter text.",
        "posts/hello", "x")]


def test_the_card_counts() -> None:
    """A card's link is part of what X counts."""
    assert codes(a_message(post("a" * 256), card="https://example.org")) == [
        ("TXT001", Severity.error, "281/280 on x.")]


def test_an_account_with_longer_posts_sets_its_limits() -> None:
    """A channel's own limit wins: 25,000 for a premium account."""
    assert codes(a_message(post("a" * 300), limits={"text": 25_000})) == []


# --- talking --------------------------------------------------------------------------------------------------------

class Stage:
    """The twin on a port of its own, and the adapter that talks to it."""

    def __init__(self, rehearsal: Rehearsal, twin: XTwin) -> None:
        self.url, self.twin = rehearsal.url, twin
        self.address = rehearsal.address("x")

    def x(self, seconds: float = 20.0, **credentials: str) -> X:
        return adapter(self.address, seconds, **credentials)

    def script(self, **fault: Any) -> None:
        httpx.put(f"{self.url}/_rehearsal/faults", json=[fault]).raise_for_status()

    def call(self, method: str, path: str, token: str = "4711-plantedAT", **more: Any) -> httpx.Response:
        return httpx.request(method, self.address + path, headers={"Authorization": oauth(token)}, **more)


def oauth(token: str, signature: str = "c2lnbmF0dXJlc2lnbmF0dXJlc2k%3D") -> str:
    return (f'OAuth oauth_consumer_key="ck", oauth_nonce="n", oauth_signature="{signature}", oauth_timestamp="1", '
            f'oauth_signature_method="HMAC-SHA1", oauth_token="{token}", oauth_version="1.0"')


@pytest.fixture
def stage() -> Iterator[Stage]:
    twin = XTwin(lambda: NOON)
    with Rehearsal([twin]) as rehearsal:
        yield Stage(rehearsal, twin)


def test_a_thread_with_images_and_a_comment(stage: Stage) -> None:
    """Parts hang on each other, the comment on the last post; images carry their alt text; each is sent once."""
    outgoing = composed(post(TEXT, photo(1, "A drill."), photo(2)), post("Two"), comment())
    x, so_far = stage.x(), Sent()
    for part in range(3):
        handles = x.prepare(outgoing, part, FILES.__getitem__)
        so_far = Sent(so_far.parts, handles)
        so_far = Sent((*so_far.parts, x.publish(outgoing, part, so_far)))

    ids = [kept.id for kept in stage.twin.posts]
    assert [(kept.text, kept.parent) for kept in stage.twin.posts] == [
        (TEXT, None), ("Two", ids[0]), (comment().text, ids[1])]
    assert [receipt.id for receipt in so_far.parts] == ids
    assert [stage.twin.media[id].alt for id in stage.twin.posts[0].media] == ["A drill.", None]
    assert [stage.twin.bytes_of(stage.twin.media[id].sha256) for id in stage.twin.posts[0].media] == [
        FILES["blob1"], FILES["blob2"]]
    assert set(stage.twin.calls.values()) == {1}
    url = so_far.parts[0].url
    assert url == f"{stage.address}/i/status/{ids[0]}"
    assert httpx.get(url, follow_redirects=True).status_code == 200


def test_second_comment_hangs_on_the_post_too(stage: Stage) -> None:
    """Comments answer the last post, not each other."""
    outgoing = composed(post("One"), comment("First"), comment("Second"))
    so_far = Sent()
    for part in range(3):
        so_far = Sent((*so_far.parts, stage.x().publish(outgoing, part, so_far)))

    assert [kept.parent for kept in stage.twin.posts] == [None, stage.twin.posts[0].id, stage.twin.posts[0].id]


def test_real_addresses_without_rehearsal() -> None:
    """A post's address is X's own when nothing replaces the network."""
    assert adapter()._receipt("17").url == "https://x.com/i/status/17"


FAULTS: list[tuple[dict[str, Any], type[PublishError], bool]] = [
    ({"fault": "401"}, Unauthorized, False),
    ({"fault": "429", "retry_after": 90}, RateLimited, False),
    ({"fault": "503", "retry_after": 90}, Unconfirmed, False),
    ({"fault": "500 before effect"}, Unconfirmed, False),
    ({"fault": "500 after effect"}, Unconfirmed, True),
    ({"fault": "hang up before"}, Unconfirmed, False),
    ({"fault": "hang up after effect"}, Unconfirmed, True),
    ({"fault": "stall"}, Unconfirmed, False),
    ({"fault": "stall after effect"}, Unconfirmed, True),
    ({"fault": "truncate"}, Unconfirmed, True),
    ({"fault": "not JSON"}, Unconfirmed, True),
    ({"fault": "slow", "seconds": 30}, Unconfirmed, True),
]


@pytest.mark.parametrize(("fault", "error", "exists"), FAULTS, ids=[fault["fault"] for fault, *_ in FAULTS])
def test_a_fault_is_one_call_and_the_truth_is_found(stage: Stage, fault: dict[str, Any], error: type[PublishError],
                                                    exists: bool) -> None:
    """Whatever goes wrong, one create call was made; its error says what is known; a look afterwards says what is."""
    outgoing = composed(post(TEXT, photo(1)))
    x = stage.x(seconds=0.5 if fault["fault"] in ("stall", "stall after effect", "slow") else 20.0)
    so_far = Sent((), x.prepare(outgoing, 0, FILES.__getitem__))
    stage.script(**fault)

    with pytest.raises(error) as caught:
        x.publish(outgoing, 0, so_far)

    assert type(caught.value) is error
    assert dict(stage.twin.calls) == {TEXT: 1}
    receipts = tuple(PartReceipt(id=kept.id, url=f"{stage.address}/i/status/{kept.id}") for kept in stage.twin.posts)
    assert len(receipts) == exists
    assert stage.x().find(outgoing, 0, SINCE, so_far) == Found(receipts, complete=True)
    assert told_nothing(caught.value)


def test_rate_limit_says_until_when(stage: Stage) -> None:
    """A 429 carries X's own reset time."""
    stage.script(fault="429", retry_after=90)

    with pytest.raises(RateLimited) as caught:
        stage.x().publish(composed(), 0, Sent())

    assert caught.value.until == NOON + timedelta(seconds=90)


class Watched(XTwin):
    """Says when a post came to be."""

    def __init__(self) -> None:
        super().__init__(lambda: NOON)
        self.came = threading.Event()

    def keep(self, **given: Any) -> Kept:
        kept = super().keep(**given)
        self.came.set()
        return kept


def test_late_effect_is_found_later() -> None:
    """A post that appears after the connection broke is in doubt at once, and found once it is there."""
    twin, outgoing = Watched(), composed()
    with Rehearsal([twin]) as rehearsal:
        stage = Stage(rehearsal, twin)
        stage.script(fault="late effect", seconds=0.2)
        with pytest.raises(Unconfirmed):
            stage.x().publish(outgoing, 0, Sent())
        assert twin.came.wait(20)
        found = stage.x().find(outgoing, 0, SINCE, Sent())

    assert [match.id for match in found.matches] == [kept.id for kept in twin.posts]
    assert dict(twin.calls) == {TEXT: 1}


def test_repeated_text_must_be_looked_up(stage: Stage) -> None:
    """X refuses a text it has and names no post: in doubt, and the look finds the one that is there."""
    outgoing = composed()
    first = stage.x().publish(outgoing, 0, Sent())

    with pytest.raises(Unconfirmed, match="already has this text"):
        stage.x().publish(outgoing, 0, Sent())

    assert stage.x().find(outgoing, 0, SINCE, Sent()) == Found((first,), complete=True)


@pytest.mark.parametrize(("credentials", "error", "why"), [
    ({"access_token": "expired"}, Unauthorized, "does not accept"),
    ({"access_token": "read-only"}, Unauthorized, "oauth1 app permissions"),
    ({"access_token": "no-credit"}, PaymentRequired, "does not have any credits"),
])
def test_credentials_that_may_not(stage: Stage, credentials: dict[str, str], error: type[PublishError],
                                  why: str) -> None:
    """A bad, a weak and an unpaid credential are told apart; nothing exists."""
    with pytest.raises(error, match=why):
        stage.x(**credentials).publish(composed(), 0, Sent())

    assert stage.twin.posts == []


REFUSED: dict[str, tuple[Outgoing, str]] = {
    "too long": (composed(post("a" * 281)), "Text too long"),
    "two cashtags": (composed(post("$ABC $DEF")), "no more than one cashtag"),
    "empty": (composed(post(" ")), "text: is missing"),
    "five images": (composed(post("Hi", *(photo(n) for n in range(5)))), "must have 1 to 4 items"),
    "unknown image": (composed(post("Hi", photo(7))), "media IDs are invalid"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_x_refuses_is_rejected_in_its_words(stage: Stage, case: str) -> None:
    """A refusal of the content is Rejected, quotes X, and left nothing behind."""
    outgoing, words = REFUSED[case]
    handles = stage.x().prepare(composed(post("", *(photo(n) for n in range(5)))), 0, FILES.__getitem__)

    with pytest.raises(Rejected, match=words):
        stage.x().publish(outgoing, 0, Sent((), handles | {"blob7": "99"}))

    assert stage.twin.posts == []


def test_a_reply_to_someone_else_is_rejected(stage: Stage) -> None:
    """X lets nobody reply to a post of others uninvited: a thread stops there."""
    foreign = stage.x(access_token="other").publish(composed(post("Theirs")), 0, Sent())

    with pytest.raises(Rejected, match="Reply to this conversation is not allowed"):
        stage.x().publish(composed(post("One"), post("Two")), 1, sent(foreign.id))


def test_unknown_keys_are_refused_by_the_twin(stage: Stage) -> None:
    """The twin takes no key that X does not document, at any depth."""
    bodies: list[dict[str, Any]] = [{"text": "Hi", "colour": "red"}, {"text": "Hi", "reply": {"to": "1"}},
                                    {"text": "Hi", "media": {"media_ids": ["1"], "alt": "x"}}]

    answers = [stage.call("POST", "/2/tweets", json=body) for body in bodies]

    assert [answer.status_code for answer in answers] == [400] * 3
    assert all("does not allow additional properties" in answer.json()["errors"][0]["message"] for answer in answers)


@pytest.mark.parametrize("header", [None, "Bearer abc", 'OAuth oauth_token="a"', oauth("a", "short"),
                                    oauth("expired")])
def test_the_twin_wants_a_whole_oauth_header(stage: Stage, header: str | None) -> None:
    """Without OAuth 1.0a in form, the twin answers 401 as X does."""
    headers = {"Authorization": header} if header else {}

    answer = httpx.post(stage.address + "/2/tweets", json={"text": "Hi"}, headers=headers)

    assert (answer.status_code, answer.json()) == (401, {
        "detail": "Unauthorized", "type": "about:blank", "title": "Unauthorized", "status": 401})


def test_the_twins_refusal_of_a_repeat_is_the_known_one(stage: Stage) -> None:
    """Exactly the body that was seen from X."""
    stage.call("POST", "/2/tweets", json={"text": "Hi"}).raise_for_status()

    answer = stage.call("POST", "/2/tweets", json={"text": "Hi"})

    assert (answer.status_code, answer.json()) == (403, {
        "detail": "You are not allowed to create a Tweet with duplicate content.", "type": "about:blank",
        "title": "Forbidden", "status": 403})


def test_the_twin_deletes_for_good(stage: Stage, tmp_path: Any) -> None:
    """A deleted post is gone, from lists and after a restart too; one that never was is not deleted."""
    twin = XTwin(lambda: NOON, tmp_path)
    with Rehearsal([twin]) as rehearsal:
        there = Stage(rehearsal, twin)
        id = there.call("POST", "/2/tweets", json={"text": "Hi"}).json()["data"]["id"]
        kept = there.call("POST", "/2/tweets", json={"text": "Ho"}).json()["data"]["id"]
        refused = there.call("DELETE", f"/2/tweets/{id}", token="other")
        answers = [there.call("DELETE", f"/2/tweets/{id}").json() for _ in range(2)]
        gone = there.call("GET", f"/2/tweets/{id}").json()

    assert refused.status_code == 403
    assert answers == [{"data": {"deleted": True}}, {"data": {"deleted": False}}]
    assert gone["errors"][0]["title"] == "Not Found Error"
    assert [post.id for post in XTwin(lambda: NOON, tmp_path).posts] == [kept]


def test_the_twin_counts_as_twitter_text_does(stage: Stage) -> None:
    """The twin shares our counter, so its border is held against another's: 280 passes, 281 does not."""
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from twitter_text import parse_tweet
    full = "日本 https://example.org/" + "y" * 200 + " 👩\u200d🚀 "
    rows = [full + "z" * (280 - parse_tweet(full).weightedLength + more) for more in (0, 1)]

    answers = [stage.call("POST", "/2/tweets", json={"text": row}).status_code for row in rows]

    assert [parse_tweet(row).weightedLength for row in rows] == [280, 281]
    assert answers == [201, 403]


def test_media_that_x_refuses(stage: Stage) -> None:
    """An image too large, no image at all, or an alt text too long: Rejected before any post."""
    cases = [(photo(1), png(1) + bytes(5 * 1024 * 1024), "larger than 5 MB"), (photo(1), b"<svg>", "no JPG"),
             (photo(1, "a" * 1001), png(1), "at most 1000 characters")]

    for image, data, words in cases:
        with pytest.raises(Rejected, match=words):
            stage.x().prepare(composed(post("Hi", image)), 0, {"blob1": data}.__getitem__)


@pytest.mark.parametrize("fault", ["500 before effect", "500 after effect", "hang up after effect", "truncate",
                                   "not JSON", "stall"])
@pytest.mark.parametrize("path", ["/2/media/upload", "/2/media/metadata"])
def test_a_fault_while_preparing_is_unavailable(stage: Stage, fault: str, path: str) -> None:
    """Nobody sees an upload: whatever goes wrong with one may be tried again."""
    stage.script(fault=fault, match=f"POST {path}")
    outgoing = composed(post("Hi", photo(1, "A drill.")))

    with pytest.raises(Unavailable):
        stage.x(seconds=0.5 if fault == "stall" else 20.0).prepare(outgoing, 0, FILES.__getitem__)

    assert list(stage.x().prepare(outgoing, 0, FILES.__getitem__)) == ["blob1"]


@pytest.mark.parametrize("fault", ["500 before effect", "hang up before", "truncate", "not JSON", "stall"])
@pytest.mark.parametrize("path", ["/2/users/me", "/2/users/[0-9]+/tweets"])
def test_a_look_that_fails_is_unavailable(stage: Stage, fault: str, path: str) -> None:
    """A failed look says nothing about the post, and says so."""
    stage.script(fault=fault, match=f"GET {path}")

    with pytest.raises(Unavailable):
        stage.x(seconds=0.5 if fault == "stall" else 20.0).find(composed(), 0, SINCE, Sent())


def test_nobody_listens() -> None:
    """A refused connection: certainly not sent."""
    with pytest.raises(Unavailable, match="nothing was sent"):
        adapter("http://127.0.0.1:9/x").publish(composed(), 0, Sent())


def test_find_tells_alike_from_same(stage: Stage) -> None:
    """Only the same text, with as many images, under the same parent, since the moment, by this account is a match."""
    outgoing = composed(post("One"), post(TEXT, photo(1)))
    me = stage.twin.account_of(SECRETS["access_token"])
    image = stage.twin.keep_media(png(1), name="a.png", mime="image/png")
    root = stage.twin.keep(account=me, text="One").id
    right = stage.twin.keep(account=me, text=TEXT.replace("example.org", "EXAMPLE.org", 1), parent=root, media=[image])
    stage.twin.keep(account=me, text=TEXT, parent=root)
    stage.twin.keep(account=me, text=TEXT, media=[image])
    stage.twin.keep(account=me, text=TEXT + "!", parent=root, media=[image])
    stage.twin.keep(account=me, text=TEXT.replace("a=1", "a=2"), parent=root, media=[image])
    stage.twin.keep(account="other", text=TEXT, parent=root, media=[image])

    found = stage.x().find(outgoing, 1, SINCE, sent(root))

    assert [match.id for match in found.matches] == [right.id]
    assert stage.x().find(outgoing, 1, NOON + timedelta(minutes=1), sent(root)) == Found((), complete=True)


@pytest.mark.parametrize("text", [
    "e\u0301tude", "a  b\n\n\nc ", "&amp; <b> \"q\" 'a'", "https://example.org", "Example.org/ and README.md",
    "日本example.com日", "https://例.中国/x(y)", "👩\u200d🚀 https://t.co/abc", "(https://example.org/a_(b)).", "",
])
def test_what_was_sent_is_found_again(stage: Stage, text: str) -> None:
    """Whatever X does to a text on its way (t.co, entities, letters composed anew), the look recognises it."""
    outgoing = composed(post(text, photo(1)))
    so_far = Sent((), stage.x().prepare(outgoing, 0, FILES.__getitem__))
    receipt = stage.x().publish(outgoing, 0, so_far)

    assert stage.x().find(outgoing, 0, SINCE, so_far) == Found((receipt,), complete=True)


def test_find_pages_to_the_end(stage: Stage) -> None:
    """A match far down the account's list is found, and two matches are two."""
    me = stage.twin.account_of(SECRETS["access_token"])
    first = stage.twin.keep(account=me, text=TEXT).id
    for number in range(250):
        stage.twin.keep(account=me, text=f"Post {number}")
    last = stage.twin.keep(account=me, text=TEXT).id

    found = stage.x().find(composed(), 0, SINCE, Sent())

    assert ([match.id for match in found.matches], found.complete) == ([last, first], True)


def test_two_threads_at_once(stage: Stage) -> None:
    """Adapters share nothing: many at once post each once, each with its own image and its own account."""
    def one(number: int) -> str:
        x = stage.x(access_token=f"rehearsal:@account{number % 4}")
        outgoing = composed(post(f"Post {number}", photo(number % 8, f"Image {number}")))
        return x.publish(outgoing, 0, Sent((), x.prepare(outgoing, 0, FILES.__getitem__))).id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(one, range(24)))

    assert sorted(ids) == sorted(kept.id for kept in stage.twin.posts)
    assert {kept.text: (kept.account, stage.twin.media[kept.media[0]].alt) for kept in stage.twin.posts} == {
        f"Post {n}": (f"@account{n % 4}", f"Image {n}") for n in range(24)}
    assert set(stage.twin.calls.values()) == {1}


def test_what_was_deleted_is_not_found(stage: Stage) -> None:
    """A post that a person took down is absent, and the look is complete."""
    receipt = stage.x().publish(composed(), 0, Sent())
    stage.call("DELETE", f"/2/tweets/{receipt.id}").raise_for_status()

    assert stage.x().find(composed(), 0, SINCE, Sent()) == Found((), complete=True)


def test_a_second_page_that_fails_is_no_answer(stage: Stage) -> None:
    """A look that breaks off half-way is not taken for what it read until then."""
    me = stage.twin.account_of(SECRETS["access_token"])
    for number in range(101):
        stage.twin.keep(account=me, text=f"Post {number}")
    stage.script(fault="truncate", match="GET /2/users/[0-9]+/tweets", after=1)

    with pytest.raises(Unavailable):
        stage.x().find(composed(), 0, SINCE, Sent())


def test_each_account_has_its_own_id(stage: Stage) -> None:
    """The id is X's number of the account that the token is of; a bad token has none."""
    ids = [stage.x(access_token=f"rehearsal:@{name}").account_id() for name in ("mill", "mill", "lathe")]

    assert ids[0] == ids[1] != ids[2]
    assert all(id.isdecimal() for id in ids)
    with pytest.raises(Unauthorized):
        stage.x(access_token="expired").account_id()


def test_media_of_others_and_of_yesterday_are_refused(stage: Stage) -> None:
    """An upload serves several posts of its account for a day: as long as the adapter says, and for no one else."""
    now = [NOON]
    stage.twin.now = lambda: now[0]
    outgoing = composed(post("One", photo(1)), post("Two", photo(1)))
    handles = stage.x().prepare(outgoing, 0, FILES.__getitem__)
    first = stage.x().publish(outgoing, 0, Sent((), handles))
    now[0] += timedelta(seconds=X.handles_live_s - 1)
    stage.x().publish(outgoing, 1, Sent((first,), handles))

    with pytest.raises(Rejected, match="media IDs are invalid"):
        stage.x(access_token="other").publish(composed(post("Three", photo(1))), 0, Sent((), handles))
    now[0] += timedelta(seconds=1)
    with pytest.raises(Rejected, match="media IDs are invalid"):
        stage.x().publish(composed(post("Four", photo(1))), 0, Sent((), handles))


# --- what a person pastes ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("address", [
    "1234567890123456789", " 1234567890123456789\n", "https://x.com/i/status/1234567890123456789",
    "https://x.com/mill_race/status/1234567890123456789?s=20&t=abc", "http://twitter.com/a/status/1234567890123456789/",
    "https://mobile.twitter.com/a/statuses/1234567890123456789/photo/1", "x.com/a/status/1234567890123456789#m",
    "https://www.x.com/i/web/status/1234567890123456789", "HTTPS://X.COM:443/a/status/1234567890123456789",
])
def test_every_address_of_a_post_gives_its_receipt(address: str) -> None:
    """However X writes the address of a post, the receipt is the one that publishing would have given; no secret."""
    assert X(Connection("@millrace")).receipt_of(address) == PartReceipt(
        id="1234567890123456789", url="https://x.com/i/status/1234567890123456789")


@pytest.mark.parametrize("address", [
    "", "hello", "0", "12345678901234567890", "１２３", "https://x.com/a", "https://x.com/a/status/", "x.com",
    "https://x.com/a/status/12x", "https://x.com@evil.example/a/status/1", "https://x.com.evil.example/a/status/1",
    "https://evil.example/x.com/a/status/1", "https://x.com:8443/a/status/1", "https://x.com:no/a/status/1",
    "ftp://x.com/a/status/1", "https://mastodon.example/@a/1", "https://www.facebook.com/1/posts/2", "https://[x/1",
    "http://127.0.0.1:4280/x/i/status/1", "https://x.com/a/lists/1", "104729_22",
])
def test_what_is_no_address_of_a_post_is_refused(address: str) -> None:
    """Other pages, other networks, other hosts are refused with what an address of X looks like."""
    with pytest.raises(ValueError, match=r"an address of X looks like https://x\.com/NAME/status/1234567890"):
        X(Connection("@millrace")).receipt_of(address)


def test_a_rehearsed_post_has_the_receipt_of_its_address(stage: Stage) -> None:
    """Under rehearsal the twin's addresses are taken, the timeline's too, and X's own are not."""
    x = stage.x()
    receipt = x.publish(composed(), 0, Sent())
    shown = str(httpx.get(receipt.url or "", follow_redirects=True).url)

    assert [x.receipt_of(given) for given in (receipt.url or "", shown, receipt.id)] == [receipt] * 3
    with pytest.raises(ValueError, match=stage.address):
        x.receipt_of(f"https://x.com/i/status/{receipt.id}")


# --- answers nobody documents ---------------------------------------------------------------------------------------

class Peer(ThreadingHTTPServer):
    """Answers every request with what it is told to, and keeps the requests."""

    def __init__(self, answer: Callable[[str, str], tuple[int, dict[str, str], str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.heard: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Peer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.heard.append((self.command, self.path))
        status, headers, body = self.server.answer(self.path, str(self.headers))
        data = body.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def peer(answer: Callable[[str, str], tuple[int, dict[str, str], str]]) -> Iterator[Peer]:
    with Peer(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def url(server: Peer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def told_nothing(error: BaseException) -> bool:
    """No credential, and nothing of the signed header, in anything a printer could show of an error."""
    shown, seen = "", error
    while seen is not None:
        shown += repr(seen) + "".join(traceback.format_exception(seen)) + repr(seen.args)
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
    secrets = [*SECRETS.values(), "plantedCS%2F2e", "plantedATS%2B3d", "oauth_signature="]
    return not any(secret in shown for secret in secrets)


def j(value: object) -> str:
    return json.dumps(value)


ANSWERS: dict[str, tuple[int, dict[str, str], str, type[PublishError], type[PublishError]]] = {
    "no id": (201, {}, j({"data": {}}), Unconfirmed, Unavailable),
    "no data": (201, {}, j({}), Unconfirmed, Unavailable),
    "id is a number": (201, {}, j({"data": {"id": 17}}), Unconfirmed, Unavailable),
    "id is a path": (201, {}, j({"data": {"id": "../17"}}), Unconfirmed, Unavailable),
    "id with a line end": (201, {}, j({"data": {"id": "17\n"}}), Unconfirmed, Unavailable),
    "list": (201, {}, "[1]", Unconfirmed, Unavailable),
    "nested too deep": (201, {}, "[" * 100_000, Unconfirmed, Unavailable),
    "empty": (200, {}, "", Unconfirmed, Unavailable),
    "errors without data": (200, {}, j({"errors": [{"detail": "Not for you"}]}), Rejected, Rejected),
    "moved": (308, {"Location": "https://evil.example/"}, "", Unconfirmed, Unavailable),
    "page of a gate": (403, {}, "<html>Just a moment</html>", Unconfirmed, Unavailable),
    "forbidden": (403, {}, j({"detail": "User video duration exceeded"}), Rejected, Rejected),
    "client forbidden": (403, {}, j({"type": "https://api.twitter.com/2/problems/client-forbidden"}), Unauthorized,
                         Unauthorized),
    "odd errors": (400, {}, j({"errors": [7, None], "error": {}}), Rejected, Rejected),
    "errors is a word": (400, {}, j({"errors": "no"}), Rejected, Rejected),
    "list as refusal": (400, {}, "[]", Unconfirmed, Unavailable),
    "not processable": (422, {}, j({"title": "Unprocessable"}), Rejected, Rejected),
    "too large": (413, {}, "<html>nginx</html>", Rejected, Rejected),
    "time-out at a gate": (408, {}, j({"title": "Request Timeout"}), Unconfirmed, Unavailable),
    "teapot": (418, {}, "{}", Unconfirmed, Unavailable),
    "unpaid": (402, {}, j({"title": "CreditsDepleted"}), PaymentRequired, PaymentRequired),
    "unauthorised page": (401, {}, "<html>", Unauthorized, Unauthorized),
    "slow down, oddly": (429, {"x-rate-limit-reset": "soon"}, "<html>", RateLimited, RateLimited),
    "over capacity": (503, {}, j({"title": "Service Unavailable"}), Unconfirmed, Unavailable),
    "gate 502": (502, {}, "<html>", Unconfirmed, Unavailable),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_odd_answers(case: str) -> None:
    """Each odd answer has one meaning when creating and one when uploading, after one call, without a token told."""
    status, headers, body, creating, preparing = ANSWERS[case]
    with peer(lambda *_: (status, headers, body)) as server:
        with pytest.raises(PublishError) as made:
            adapter(url(server)).publish(composed(), 0, Sent())
        heard = list(server.heard)
        with pytest.raises(PublishError) as uploaded:
            adapter(url(server)).prepare(composed(post("Hi", photo(1))), 0, FILES.__getitem__)

    assert (type(made.value), type(uploaded.value)) == (creating, preparing)
    assert heard == [("POST", "/2/tweets")]
    assert told_nothing(made.value)
    assert told_nothing(uploaded.value)


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 402, 403, 404, 413, 422, 429, 500, 503])
def test_a_network_that_echoes_our_header_does_not_leak_it(status: int) -> None:
    """Whatever X would quote of a credential is taken out of every error, when creating, uploading and looking."""
    def echo(_: str, headers: str) -> tuple[int, dict[str, str], str]:
        said = f"{headers} {' '.join(SECRETS.values())}".replace("oauth_signature=", "")
        return status, {}, j({"detail": f"{' '.join(SECRETS.values())} {said}", "title": said,
                              "errors": [{"message": said.replace("Authorization", "")[-180:]}]})

    calls = [lambda x: x.publish(composed(), 0, Sent()),
             lambda x: x.prepare(composed(post("Hi", photo(1))), 0, FILES.__getitem__),
             lambda x: x.find(composed(), 0, SINCE, Sent())]
    with peer(echo) as server:
        for call in calls:
            with pytest.raises(PublishError) as caught:
                call(adapter(url(server)))
            assert told_nothing(caught.value)


@pytest.mark.parametrize(("headers", "until"), [
    ({"x-rate-limit-reset": "1795435290", "x-rate-limit-remaining": "0"}, NOON + timedelta(days=1, seconds=90)),
    ({"x-rate-limit-reset": "1795435290"}, NOON + timedelta(days=1, seconds=90)),
    ({"x-rate-limit-reset": "1795435290", "x-rate-limit-remaining": "40"}, None),
    ({"x-rate-limit-reset": "99999999999999"}, None), ({"x-rate-limit-reset": "-1"}, None), ({}, None),
    ({"Retry-After": "Mon, 23 Nov 2026 12:00:00 GMT"}, NOON + timedelta(days=1)),
    ({"x-rate-limit-reset": "1795435290", "Retry-After": "Mon, 23 Nov 2026 12:00:00 GMT"},
     NOON + timedelta(days=1, seconds=90)),
    ({"x-rate-limit-reset": "1795435290", "x-rate-limit-remaining": "3",
      "Retry-After": "Sun, 22 Nov 2026 13:00:00 GMT"},
     NOON + timedelta(hours=1)),
])
def test_how_long_to_wait(headers: dict[str, str], until: datetime | None) -> None:
    """The reset time counts when no call remains; a cap that no header dates is a wait unsaid."""
    with peer(lambda *_: (429, headers, j({"title": "Too Many Requests"}))) as server, \
            pytest.raises(RateLimited, match="Too Many Requests") as caught:
        adapter(url(server)).publish(composed(), 0, Sent())

    assert caught.value.until == until


def looking(answer: Callable[[dict[str, list[str]]], object], text: str = "Hi https://a.org") -> Found:
    def reply(path: str, _: str) -> tuple[int, dict[str, str], str]:
        asked = urlsplit(path)
        body = {"data": {"id": "7"}} if asked.path == "/2/users/me" else answer(parse_qs(asked.query))
        return 200, {}, j(body)

    with peer(reply) as server:
        return adapter(url(server)).find(composed(post(text)), 0, SINCE, Sent())


def test_find_asks_for_what_it_needs() -> None:
    """The look names its first moment, its page size and every field that it compares."""
    asked: list[dict[str, list[str]]] = []

    looking(lambda query: asked.append(query) or {"meta": {"result_count": 0}})

    assert asked == [{"max_results": ["100"], "start_time": ["2026-11-22T11:55:00Z"], "exclude": ["retweets"],
                      "post.fields": ["created_at,note_post,entities,attachments"], "expansions": ["referenced_posts"]}]


def test_a_list_without_end_is_not_complete() -> None:
    """An account that X shows no further, a page that repeats itself, a page with gaps: not complete."""
    count = iter(range(1_000_000))
    endless = looking(lambda _: {"data": [], "meta": {"next_token": f"t{next(count)}"}})
    repeating = looking(lambda _: {"data": [], "meta": {"next_token": "same"}})
    gaps = looking(lambda _: {"errors": [{"title": "Not Found Error"}], "meta": {}})

    assert [found.complete for found in (endless, repeating, gaps)] == [False, False, False]
    assert next(count) == 32


@pytest.mark.parametrize("name", ["note_post", "note_tweet"])
def test_a_long_text_is_read_whole(name: str) -> None:
    """The text of a premium account's long post stands in its note, in either dialect; the cut one does not count."""
    long = "word " * 100 + "https://a.org"
    note = {"text": "word " * 100 + "https://t.co/1234567890",
            "entities": {"urls": [{"url": "https://t.co/1234567890", "expanded_url": "https://a.org"}]}}

    found = looking(lambda _: {"data": [{"id": "8", "text": "word word…", name: note}]}, long)

    assert [match.id for match in found.matches] == ["8"]


def test_a_short_link_without_its_meaning_matches_any() -> None:
    """Where X does not say what a t.co link stands for, the text around it decides; another link does not match."""
    entries = [{"id": "8", "text": "Hi https://t.co/1234567890"}, {"id": "9", "text": "Hi https://b.org"},
               {"id": "10", "text": "Hi"}]

    assert [match.id for match in looking(lambda _: {"data": entries}).matches] == ["8"]


def listed(*entries: dict[str, Any], versions: dict[str, Any] | None = None) -> Found:
    """What a look makes of a list with these posts; `versions` are told when asked for by id."""
    def reply(path: str, _: str) -> tuple[int, dict[str, str], str]:
        asked = urlsplit(path).path
        if asked == "/2/users/me":
            return 200, {}, j({"data": {"id": "7"}})
        if asked.startswith("/2/tweets/"):
            return 200, {}, j((versions or {}).get(asked.rpartition("/")[2], {"errors": [{"title": "Not Found"}]}))
        return 200, {}, j({"data": entries})

    with peer(reply) as server:
        return adapter(url(server)).find(composed(post("Hi")), 0, SINCE, Sent())


def told(id: str, text: str = "Hi", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"id": id, "text": text, "created_at": at.isoformat(), **more}


def test_reposts_and_older_posts_do_not_match() -> None:
    """A repost, a reply, a quote of something that our text holds no link to, a post from before: none is ours."""
    reposted = told("8", referenced_tweets=[{"type": "retweeted", "id": "3"}])
    reply = told("9", referenced_tweets=[{"type": "replied_to", "id": "3"}])
    quote = told("10", referenced_tweets=[{"type": "quoted", "id": "3"}])

    found = listed(reposted, reply, quote, told("11", at=SINCE - timedelta(seconds=1)), told("12", at=SINCE))

    assert ([match.id for match in found.matches], found.complete) == (["12"], True)


def test_a_list_without_what_was_asked_for_is_not_complete() -> None:
    """X answers 200 and leaves out fields that it does not know: a post without its time may miss its parent too."""
    bare = listed({"id": "8", "text": "Ho"})
    with_time = listed(told("8", "Ho"))

    assert (bare, with_time) == (Found((), complete=False), Found((), complete=True))


@pytest.mark.parametrize("name", ["referenced_posts", "referenced_tweets"])
def test_a_reply_is_known_by_its_parent(name: str) -> None:
    """In either dialect; what says the same and answers another post, or none, is not ours."""
    def found(*entries: dict[str, Any]) -> Found:
        def reply(path: str, _: str) -> tuple[int, dict[str, str], str]:
            return 200, {}, j({"data": {"id": "7"}} if urlsplit(path).path == "/2/users/me" else {"data": entries})

        with peer(reply) as server:
            return adapter(url(server)).find(composed(post("One"), post("Hi")), 1, SINCE, sent("5"))

    def answers(id: str, parent: str) -> dict[str, Any]:
        return told(id, **{name: [{"type": "replied_to", "id": parent}]})

    ours, other, lone = answers("8", "5"), answers("9", "6"), told("10")
    assert [([match.id for match in look.matches], look.complete) for look in (
        found(ours, other), found(other), found(lone), found(ours, lone))] == [
        (["8"], True), ([], True), ([], True), (["8"], True)]


def test_a_link_that_became_a_quote_is_found() -> None:
    """X makes a quote of a link to a post: that does not hide ours."""
    entry = {"id": "8", "text": "Hi https://t.co/1234567890", "referenced_tweets": [{"type": "quoted", "id": "3"}],
             "entities": {"urls": [{"url": "https://t.co/1234567890", "expanded_url": "https://x.com/a/status/3"}]}}

    found = looking(lambda _: {"data": [entry]}, "Hi https://x.com/a/status/3")

    assert [match.id for match in found.matches] == ["8"]


def test_a_post_listed_twice_is_one_match() -> None:
    """Pages that shift while they are read do not make two posts of one."""
    assert [match.id for match in listed(told("8"), told("8")).matches] == ["8"]


def test_an_edited_post_counts_as_it_was_created() -> None:
    """Ours is found after somebody edited it, by the id it was created with; one edited into ours is not ours."""
    history = {"edit_history_post_ids": ["20", "21"]}
    ours = listed(told("21", "Hi, mended", **history), versions={"20": {"data": told("20", "Hi", **history)}})
    theirs = listed(told("21", "Hi", **history), versions={"20": {"data": told("20", "Ho", **history)}})

    assert [(match.id, match.url.rpartition("/")[2]) for match in ours.matches if match.url] == [("20", "20")]
    assert (ours.complete, theirs) == (True, Found((), complete=True))


def test_an_edited_post_without_its_first_version_leaves_the_look_incomplete() -> None:
    """What a post said at first cannot be guessed."""
    assert listed(told("21", "Hi", edit_history_tweet_ids=["20", "21"])) == Found((), complete=False)


@pytest.mark.parametrize("body", [{"data": {"id": "7"}}, {"data": [{"id": 8}]}, {"data": [{"text": "Hi"}]},
                                  {"data": [None]}, {"data": [{"id": "8", "created_at": "yesterday"}]}])
def test_a_list_that_cannot_be_read_is_unavailable(body: object) -> None:
    """A list in another form is no list without matches."""
    with pytest.raises(Unavailable, match="cannot be read"):
        looking(lambda _: body)


def test_fault_names_are_the_twins() -> None:
    """The faults tried here are all that the script knows for a create call, but the late one."""
    kinds = set(Fault.model_fields["fault"].annotation.__args__)  # type: ignore[union-attr]

    assert kinds - {fault["fault"] for fault, *_ in FAULTS} == {"late effect"}
