"""The Facebook Page adapter, against its twin and against peers that answer badly, over real loopback HTTP."""
import json
import socket
import struct
import subprocess
import sys
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from pydantic import SecretStr

import publishers
from publishers._facebook_addresses import places_of
from publishers._facebook_text import plain
from publishers.base import Connection, Found, Outgoing, Prepares, Publisher, Sent
from publishers.facebook_page import FacebookPage
from publishers.rehearsal._twin import Fault, Rehearsal
from publishers.rehearsal.facebook_page_twin import FacebookPageTwin
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt, Slot, idempotency_key
from schemas.message import Media, Message, Part, Poll
from schemas.place import Place
from schemas.problem import Problem, Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SINCE = NOON - timedelta(minutes=5)
TOKEN = "EAAplantedTOKEN8f1c"
PAGE = "104729"
SLOT = Slot("posts/hello", "facebook")
TOP = Place("content/posts/hello.md", 6)


def png(shade: int, padding: int = 0) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, shade]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + bytes(padding)


FILES = {f"blob{n}": png(n) for n in range(12)}


def photo(n: int, alt: str | None = "", name: str | None = None, size: int = 70) -> Media:
    file = f"media/{name or f'drill-{n}.png'}"
    return Media(file=file, blob=f"blob{n}", size=size, alt=alt, place=Place(TOP.file, 2))


def a_message(*parts: Part, **more: Any) -> Message:
    return Message(slot=SLOT, network="facebook_page", account="@millrace", parts=parts, **more)


def post(text: str = "Saturday: drill day.", *media: Media) -> Part:
    return Part(text=text, media=media, place=TOP)


def comment(text: str = "Book here: https://example.org/drill") -> Part:
    return Part(kind="comment", text=text, place=Place(TOP.file, 20))


def adapter(address: str | None = None, seconds: float = 20.0, **credentials: str) -> FacebookPage:
    secrets = {"page_id": PAGE, "page_access_token": TOKEN} | credentials
    return FacebookPage(Connection("@millrace", {name: SecretStr(value) for name, value in secrets.items()}, address,
                                   connect_timeout_s=2.0, request_timeout_s=seconds))


def composed(*parts: Part, card: str | None = None) -> Outgoing:
    return adapter().compose(a_message(*parts, card=card))


class Pages:
    """The twin on a port of its own, and the adapter that talks to it."""

    def __init__(self, rehearsal: Rehearsal, twin: FacebookPageTwin) -> None:
        self.rehearsal = rehearsal
        self.twin = twin
        self.address = rehearsal.address("facebook_page")
        self.adapter = adapter(self.address)

    def script(self, fault: Fault) -> None:
        body = json.dumps([fault.model_dump(exclude_none=True)])
        httpx.put(f"{self.rehearsal.url}/_rehearsal/faults", content=body).raise_for_status()

    def creates(self) -> int:
        return sum(self.twin.calls.values())

    def publish_all(self, outgoing: Outgoing) -> Sent:
        so_far = Sent()
        for part in range(len(outgoing.parts)):
            handles = self.adapter.prepare(outgoing, part, FILES.__getitem__)
            so_far = Sent(so_far.parts, {**so_far.handles, **handles})
            so_far = Sent((*so_far.parts, self.adapter.publish(outgoing, part, so_far)), so_far.handles)
        return so_far


@pytest.fixture
def pages() -> Iterator[Pages]:
    twin = FacebookPageTwin(lambda: NOON)
    with Rehearsal([twin]) as rehearsal:
        yield Pages(rehearsal, twin)


def told_nothing(error: BaseException) -> None:
    """The error, everything it hangs on, and what Python prints of it hold no token."""
    assert TOKEN not in "".join(traceback.format_exception(error))
    below: BaseException | None = error
    while below is not None:
        assert TOKEN not in f"{below!r} {below.args} {vars(below)}"
        below = below.__cause__ or below.__context__


# Thinking

def test_it_is_a_publisher_that_prepares() -> None:
    """The registry gives the adapter, and it keeps the promises of both protocols."""
    made = publishers.load("facebook_page")(Connection("@millrace"))

    assert isinstance(made, Publisher)
    assert isinstance(made, Prepares)


def test_checking_and_composing_load_no_sdk() -> None:
    """`check` and `compose` work without a credential and import neither facebook-sdk nor requests nor httpx."""
    code = ("import sys; from publishers.base import Connection\n"
            "from publishers.facebook_page import FacebookPage as F\n"
            "from schemas.message import Message, Part\n"
            "from schemas.ledger import Slot; from schemas.place import Place\n"
            "m = Message(slot=Slot('posts/a', 'fb'), network='facebook_page', account='a', parts=(Part(text='x', "
            "place=Place('a.md')),))\n"
            "f = F(Connection('a')); f.check(m); f.compose(m)\n"
            "print(sorted({'facebook', 'requests', 'httpx', 'starlette', 'PIL'} & set(sys.modules)))")

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_sdk_loads_where_warnings_are_errors(tmp_path: Path) -> None:
    """facebook-sdk's invalid escape stops no program that runs with -W error, and no other warning is silenced."""
    code = "from publishers._facebook_calls import sdk; import warnings; sdk()\n" \
           "print(('ignore', None, Warning, None, 0) in warnings.filters)"

    done = subprocess.run([sys.executable, "-W", "error", "-X", f"pycache_prefix={tmp_path}", "-c", code],
                          capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("False\n", "")


def problem(code: str, what: str, remedy: str, place: Place = TOP, severity: Severity = Severity.error) -> Problem:
    return Problem(code, severity, place, what, remedy, "posts/hello", "facebook")


SHORTER = "Add '## on facebook' with a shorter text."
PHOTO_PLACE = Place(TOP.file, 2)
COMMENT_PLACE = Place(TOP.file, 20)


@pytest.mark.parametrize(("message", "problems"), [
    (a_message(post("x" * 5_000)), []),
    (a_message(post("é" * 5_001)), [problem("TXT001", "5001/5000 on facebook.", SHORTER, severity=Severity.warning)]),
    (a_message(post("x" * 60_000)), [problem("TXT001", "60000/5000 on facebook.", SHORTER, severity=Severity.warning)]),
    (a_message(post("x" * 60_001)), [problem("TXT001", "60001/60000 on facebook.", SHORTER)]),
    (a_message(post("x" * 29_999), post("x" * 30_000)), [problem("TXT001", "60001/60000 on facebook.", SHORTER)]),
    (a_message(post("x" * 11), limits={"text": 10}), [problem("TXT001", "11/10 on facebook.", SHORTER)]),
    (a_message(post("", *(photo(n) for n in range(10)))), []),
    (a_message(post("", photo(0)), post("", photo(0))), []),
    (a_message(post("", *(photo(n) for n in range(6))), post("", *(photo(n) for n in range(6, 12)))),
     [problem("TXT001", "12/10 images on facebook.", "Take 2 out, or name other channels for them.", PHOTO_PLACE)]),
    (a_message(post("", photo(0, name="a.WebP"))),
     [problem("TXT006", "facebook does not take .webp files: media/a.WebP.",
              "Save it as one of: jpg, jpeg, bmp, png, gif, tif, tiff.", PHOTO_PLACE)]),
    (a_message(post("", photo(0, size=10_000_000))), []),
    (a_message(post("", photo(0, size=10_000_001))),
     [problem("TXT001", "10,000,001/10,000,000 bytes on facebook: media/drill-0.png.",
              "Make the image smaller than 10 MB.", PHOTO_PLACE)]),
    (a_message(post("", photo(0, alt="x" * 1_000))), []),
    (a_message(post("", photo(0, alt="x" * 1_003))),
     [problem("TXT001", "1003/1000 characters of alt text on facebook: media/drill-0.png.",
              "Say the same in 1000 characters.", PHOTO_PLACE)]),
    (a_message(post(" \n")),
     [problem("TXT006", "There is nothing to post on facebook.", "Write a text, or add a picture.")]),
    (a_message(post(""), card="https://example.org"), []),
    (a_message(post(), comment("x" * 8_000)), []),
    (a_message(post(), comment("x" * 8_001)),
     [problem("TXT001", "8001/8000 on facebook.", "Add '## first comment on facebook' with a shorter text.",
              COMMENT_PLACE)]),
    (a_message(post(), comment(" ")),
     [problem("TXT006", "A first comment on facebook is text and nothing else.",
              "Write its text, and move images into the post.", COMMENT_PLACE)]),
    (a_message(post("It turns", photo(0, name="mill.mp4"))),
     [problem("TXT006", "No video goes to facebook: Facebook says yes to one before there is a post, and nobody can "
              "look whether it ever came: media/mill.mp4.", "Post it there by hand, or link to it; and name the "
              "channels that it is for: {file: mill.mp4, channels: […]}.", PHOTO_PLACE)]),
    (a_message(post("Which?"), warning="Fire", poll=Poll(options=("a", "b"), lasts_s=300, place=TOP)),
     [problem("SUP002", "facebook has no polls: the post goes out without it there.",
              "Ask in the text under '## on facebook', or leave the channel out.", severity=Severity.warning),
      problem("SUP002", "facebook has no content warnings: the post goes out without it there.",
              "Begin '## on facebook' with it, or leave the channel out.", severity=Severity.warning)]),
    (a_message(post(), options={"visibility": "public"}),
     [problem("SUP003", "facebook_page has no option 'visibility' (facebook).",
              "It has: none. See 'drumbeat networks facebook_page'.")]),
], ids=lambda value: None if isinstance(value, Message) else str([p.message for p in value])[:50])
def test_check_says_what_facebook_would_refuse(message: Message, problems: list[Problem]) -> None:
    """Each limit and each refusal has its problem, at its place, with a remedy; what fits has none."""
    assert adapter().check(message) == problems


def test_a_thread_becomes_one_post_and_its_comment() -> None:
    """The parts of a thread are one text with blank lines between; the same photo twice is one; a comment follows."""
    outgoing = composed(post("One.", photo(0, "A drill")), post("Two.", photo(1, None), photo(0, "A drill")),
                        comment("C"))

    assert [part.model_dump() for part in outgoing.parts] == [
        {"kind": "post", "text": "One.\n\nTwo.", "request": {"message": "One.\n\nTwo."}, "media": ("blob0", "blob1"),
         "alts": ("A drill", ""), "names": ("drill-0.png", "drill-1.png"), "key": idempotency_key(SLOT, 0)},
        {"kind": "comment", "text": "C", "request": {"message": "C"}, "media": (), "alts": (), "names": (),
         "key": idempotency_key(SLOT, 1)}]


def test_a_link_is_a_card_or_in_the_text() -> None:
    """A card is sent as `link`; beside photos, where Facebook shows no card, it ends the text; no card, no `link`."""
    card = "https://example.org/drill"

    assert composed(post("Hi."), card=card).parts[0].request == {"message": "Hi.", "link": card}
    assert composed(post("Hi.", photo(0)), card=card).parts[0].request == {"message": f"Hi.\n\n{card}"}
    assert composed(post(f"See {card}")).parts[0].request == {"message": f"See {card}"}


# Talking, when all goes well

@pytest.mark.parametrize("many", [0, 1, 3])
def test_a_post_with_photos_and_a_first_comment_is_published(pages: Pages, many: int) -> None:
    """Text, photos in order with alt text, and the comment below: each with one create call and a working link."""
    photos = [photo(n, f"Drill number {n}") for n in range(many)]
    outgoing = composed(post("Saturday: ärill day ⚙ & co.", *photos), comment())

    so_far = pages.publish_all(outgoing)

    made, below = httpx.get(f"{pages.rehearsal.url}/_rehearsal/posts").json()
    assert (made["account"], made["text"], made["parent"]) == (PAGE, "Saturday: ärill day ⚙ & co.", None)
    assert [file["alt"] for file in made["media"]] == [f"Drill number {n}" for n in range(many)]
    assert [pages.twin.bytes_of(file["sha256"]) for file in made["media"]] == [FILES[f"blob{n}"] for n in range(many)]
    assert (below["text"], below["parent"]) == (comment().text, made["id"])
    assert [part.id for part in so_far.parts] == [made["id"], below["id"]]
    assert [made["calls"], below["calls"]] == [1, 1]
    for part in so_far.parts:
        shown = httpx.get(part.url or "", follow_redirects=True)
        assert (shown.status_code, shown.url.fragment) == (200, f"facebook_page-{part.id}")
        assert f'id="{shown.url.fragment}"' in shown.text
    for part, receipt in enumerate(so_far.parts):
        assert pages.adapter.find(outgoing, part, SINCE, so_far) == Found((receipt,), complete=True)


def test_a_card_goes_out_as_a_link(pages: Pages) -> None:
    """The card's link reaches the network, and the post is found as one without photos."""
    outgoing = composed(post("Read this."), card="https://example.org/a?b=c&d=e")

    so_far = pages.publish_all(outgoing)

    assert pages.twin.posts[0].extra == {"link": "https://example.org/a?b=c&d=e"}
    assert pages.adapter.find(outgoing, 0, SINCE, Sent()).matches == so_far.parts


def test_prepared_photos_show_nowhere(pages: Pages) -> None:
    """Preparing twice leaves no post: an unpublished photo is invisible until a post takes it."""
    outgoing = composed(post("Hi.", photo(0), photo(1)))

    first = pages.adapter.prepare(outgoing, 0, FILES.__getitem__)
    second = pages.adapter.prepare(outgoing, 0, FILES.__getitem__)

    assert list(first) == list(second) == ["blob0", "blob1"]
    assert pages.twin.posts == []
    assert pages.creates() == 0


def test_two_threads_publish_at_once(pages: Pages) -> None:
    """One adapter in two threads publishes every post once, and none gets another's receipt."""
    messages = [composed(post(f"Number {n}.", photo(n % 3))) for n in range(12)]

    with ThreadPoolExecutor(2) as pool:
        receipts = [sent.parts[0].id for sent in pool.map(pages.publish_all, messages)]

    assert {kept.id: kept.text for kept in pages.twin.posts} == {
        receipt: f"Number {n}." for n, receipt in enumerate(receipts)}
    assert pages.creates() == 12


def test_the_graph_version_is_a_setting(pages: Pages) -> None:
    """`graph_version` of the connection is in the path; a version that is gone is refused, an odd one is not sent."""
    outgoing = composed(post())

    with pytest.raises(Rejected):
        adapter(pages.address, graph_version="v3.1").publish(outgoing, 0, Sent())
    with pytest.raises(Unauthorized):
        adapter(pages.address, graph_version="v25.0/../v3").publish(outgoing, 0, Sent())
    assert pages.creates() == 1
    assert adapter(pages.address, graph_version="v26.0").publish(outgoing, 0, Sent()).id == pages.twin.posts[0].id


def test_real_addresses_are_facebooks_own() -> None:
    """Without a rehearsal address a receipt points at www.facebook.com."""
    with Peer(200, AS_JSON, '{"id": "104729_22"}') as peer:
        made = adapter(peer.address).publish(composed(post()), 0, Sent())
    places = places_of(Connection("@millrace", {"page_id": SecretStr(PAGE)}), "facebook_page")

    assert made.url == f"{peer.address}/104729/posts/22"
    assert places.url("104729_22") == "https://www.facebook.com/104729/posts/22"
    assert places.url("22_33", "104729_22") == "https://www.facebook.com/104729/posts/22?comment_id=33"


# Talking, when it does not

def patient(pages: Pages, kind: str) -> FacebookPage:
    """An adapter that waits long, but not for a fault that is a wait."""
    return adapter(pages.address, seconds=0.7 if kind.startswith(("stall", "slow")) else 20.0)


@pytest.mark.parametrize(("kind", "error", "exists"), [
    ("401", Unauthorized, False), ("429", RateLimited, False), ("503", Unconfirmed, False),
    ("500 before effect", Unconfirmed, False), ("500 after effect", Unconfirmed, True),
    ("hang up before", Unconfirmed, False), ("hang up after effect", Unconfirmed, True), ("stall", Unconfirmed, False),
    ("stall after effect", Unconfirmed, True), ("truncate", Unconfirmed, True), ("not JSON", Unconfirmed, True),
    ("slow", Unconfirmed, True),
])
@pytest.mark.parametrize("part", [0, 1], ids=["post", "comment"])
def test_a_faulty_create_call_is_sent_once_and_can_be_looked_up(
        pages: Pages, part: int, kind: str, error: type[PublishError], exists: bool) -> None:
    """Under every fault one create call leaves, its outcome is named rightly, and `find` tells the truth."""
    outgoing = composed(post("Hi.", photo(0, "A drill")), comment())
    handles = pages.adapter.prepare(outgoing, 0, FILES.__getitem__)
    so_far = Sent((pages.adapter.publish(outgoing, 0, Sent((), handles)),) if part else (), handles)
    before = pages.creates()
    pages.script(Fault(fault=kind, seconds=30 if kind == "slow" else None))     # type: ignore[arg-type]

    with pytest.raises(PublishError) as caught:
        patient(pages, kind).publish(outgoing, part, so_far)

    assert type(caught.value) is error
    told_nothing(caught.value)
    assert pages.creates() - before == 1
    live = [PartReceipt(id=kept.id, url=kept.url) for kept in pages.twin.posts[part:]]
    assert len(live) == exists
    assert pages.adapter.find(outgoing, part, SINCE, so_far) == Found(tuple(live), complete=True)


def test_a_late_post_is_found_when_it_is_there(pages: Pages) -> None:
    """A connection that drops before the post appears is Unconfirmed; a later look finds the one post."""
    outgoing = composed(post())
    pages.script(Fault(fault="late effect", seconds=0.2))

    with pytest.raises(Unconfirmed):
        pages.adapter.publish(outgoing, 0, Sent())
    looks = (pages.adapter.find(outgoing, 0, SINCE, Sent()) for _ in range(5_000))
    found = next(found for found in looks if found.matches)

    assert [match.id for match in found.matches] == [kept.id for kept in pages.twin.posts]
    assert pages.creates() == 1


def test_a_rate_limit_ends_by_the_networks_clock(pages: Pages) -> None:
    """The wait of a refused create call is the answer's time plus the minutes Facebook names."""
    pages.script(Fault(fault="429", retry_after=600))

    with pytest.raises(RateLimited) as caught:
        pages.adapter.publish(composed(post()), 0, Sent())

    assert caught.value.until == NOON + timedelta(minutes=10)


@pytest.mark.parametrize("kind", ["500 before effect", "500 after effect", "hang up before", "hang up after effect",
                                  "stall", "truncate", "not JSON"])
def test_a_failed_upload_may_be_repeated(pages: Pages, kind: str) -> None:
    """An upload that fails is Unavailable, leaves nothing to see, and works when repeated."""
    outgoing = composed(post("Hi.", photo(0)))
    pages.script(Fault(fault=kind, match="POST .*/photos"))     # type: ignore[arg-type]

    with pytest.raises(Unavailable) as caught:
        patient(pages, kind).prepare(outgoing, 0, FILES.__getitem__)

    told_nothing(caught.value)
    pages.publish_all(outgoing)
    assert len(pages.twin.posts) == 1


@pytest.mark.parametrize("kind", ["500 before effect", "hang up before", "stall", "truncate", "not JSON"])
@pytest.mark.parametrize("part", [0, 1], ids=["post", "comment"])
def test_a_failed_look_is_never_an_empty_one(pages: Pages, part: int, kind: str) -> None:
    """A look that fails raises Unavailable, and its error does not hold the token that its address held."""
    outgoing = composed(post(), comment())
    so_far = pages.publish_all(outgoing)
    pages.script(Fault(fault=kind, match="GET .*"))     # type: ignore[arg-type]

    with pytest.raises(Unavailable) as caught:
        patient(pages, kind).find(outgoing, part, SINCE, so_far)

    told_nothing(caught.value)


@pytest.mark.parametrize("call", [
    lambda one: one.publish(composed(post()), 0, Sent()),
    lambda one: one.prepare(composed(post("", photo(0))), 0, FILES.__getitem__),
    lambda one: one.find(composed(post()), 0, SINCE, Sent()),
], ids=["publish", "prepare", "find"])
def test_a_network_that_is_not_there_is_unavailable(call: Callable[[FacebookPage], object]) -> None:
    """A refused connection is Unavailable for every call, and no error holds the token."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(Unavailable) as caught:
        call(adapter(f"http://127.0.0.1:{port}"))

    told_nothing(caught.value)


# Refusals

@pytest.mark.parametrize(("bad", "why"), [
    ("expired", "the network does not accept the access token for this (code 190, subcode 463); it has expired, "
                "was withdrawn, or lacks a permission"),
    ("revoked", "the network does not accept the access token for this (code 190, subcode 460); it has expired, "
                "was withdrawn, or lacks a permission"),
])
def test_a_bad_token_is_unauthorized(pages: Pages, bad: str, why: str) -> None:
    """A token that expired or was revoked stops every call as Unauthorized, with nothing created."""
    stranger = adapter(pages.address, page_access_token=bad)
    outgoing = composed(post("Hi.", photo(0)))

    for call in (lambda: stranger.publish(composed(post()), 0, Sent()),
                 lambda: stranger.prepare(outgoing, 0, FILES.__getitem__),
                 lambda: stranger.find(outgoing, 0, SINCE, Sent())):
        with pytest.raises(Unauthorized) as caught:
            call()
        assert caught.value.why == why
    assert pages.twin.posts == []


@pytest.mark.parametrize(("parts", "handles", "said"), [
    ((post("x" * 63_207),), {}, "at most 63206 characters"),
    ((post("Hi.", photo(0)),), {"blob0": "999"}, "a photo that does not exist"),
])
def test_refused_content_is_rejected(pages: Pages, parts: tuple[Part, ...], handles: dict[str, str], said: str) -> None:
    """What Facebook refuses for good is Rejected in its own words, and does not exist."""
    with pytest.raises(Rejected, match=said):
        pages.adapter.publish(composed(*parts), 0, Sent((), handles))

    assert pages.twin.posts == []


def test_an_empty_post_is_rejected(pages: Pages) -> None:
    """A post without text, link and photo is refused by the network too."""
    empty = composed(post(""))
    empty = empty.model_copy(update={"parts": (empty.parts[0].model_copy(update={"request": {"message": ""}}),)})

    with pytest.raises(Rejected, match="must provide a message"):
        pages.adapter.publish(empty, 0, Sent())


@pytest.mark.parametrize(("data", "said"), [(b"RIFF\0\0\0\0WEBPVP8 ", "invalid image file"),
                                            (png(1, padding=10_000_000), "smaller than 10 MB")])
def test_a_refused_photo_is_rejected(pages: Pages, data: bytes, said: str) -> None:
    """A file that Facebook does not take as a photo is Rejected while it is uploaded."""
    with pytest.raises(Rejected, match=said):
        pages.adapter.prepare(composed(post("", photo(0))), 0, {"blob0": data}.__getitem__)

    assert pages.twin.media == {}


def test_the_same_text_again_is_looked_up(pages: Pages) -> None:
    """A second, identical post in a row is refused as a duplicate: Unconfirmed, and the look finds the one."""
    outgoing = composed(post("Hi."))
    receipt = pages.adapter.publish(outgoing, 0, Sent())

    with pytest.raises(Unconfirmed, match="code 506"):
        pages.adapter.publish(outgoing, 0, Sent())

    assert pages.adapter.find(outgoing, 0, SINCE, Sent()) == Found((receipt,), complete=True)


def test_a_comment_under_a_deleted_post_is_rejected(pages: Pages) -> None:
    """When the post is gone, its comment is Rejected and its list cannot be looked at."""
    outgoing = composed(post(), comment())
    so_far = Sent((pages.adapter.publish(outgoing, 0, Sent()),))
    httpx.delete(f"{pages.address}/v25.0/{so_far.parts[0].id}?access_token=any").raise_for_status()

    with pytest.raises(Rejected, match="subcode 33"):
        pages.adapter.publish(outgoing, 1, so_far)
    with pytest.raises(Rejected, match="subcode 33"):
        pages.adapter.find(outgoing, 1, SINCE, so_far)


# Looking

def test_a_look_reads_every_page(pages: Pages) -> None:
    """A post below sixty newer ones, and a comment above sixty others, are found."""
    outgoing = composed(post("The one."), comment("The other."))
    so_far = Sent((pages.adapter.publish(outgoing, 0, Sent()),))
    for n in range(60):
        pages.adapter.publish(composed(post(f"Number {n}.")), 0, Sent())
        pages.twin.keep(account=f"reader{n}", text="Nice!", parent=so_far.parts[0].id)
    so_far = Sent((*so_far.parts, pages.adapter.publish(outgoing, 1, so_far)))

    assert pages.adapter.find(outgoing, 0, SINCE, so_far).matches == so_far.parts[:1]
    assert pages.adapter.find(outgoing, 1, SINCE, so_far) == Found(so_far.parts[1:], complete=True)


def test_a_look_compares_as_facebook_keeps(pages: Pages) -> None:
    """White space and composed letters may differ; age, page, author, text and number of photos may not."""
    outgoing = composed(post("Caf\u00e9,  now\n\nopen."), comment("Yes."))
    match = pages.twin.keep(account=PAGE, text="Cafe\u0301, now open. ", id=f"{PAGE}_1", url="https://example.org/1")
    pages.twin.keep(account=PAGE, text="Caf\u00e9, now closed.", id=f"{PAGE}_2")
    pages.twin.keep(account="other", text=match.text, id="other_3")
    drill = pages.twin.keep_media(png(1), name="a.png", mime="image/png")
    pages.twin.keep(account=PAGE, text=match.text, id=f"{PAGE}_4", media=[drill])
    pages.twin.keep(account="a reader", text="Yes.", parent=match.id)
    receipt = PartReceipt(id=match.id, url=match.url)

    assert pages.adapter.find(outgoing, 0, SINCE, Sent()).matches == (receipt,)
    assert pages.adapter.find(outgoing, 0, NOON + timedelta(seconds=2), Sent()) == Found((), complete=True)
    assert pages.adapter.find(outgoing, 1, SINCE, Sent((receipt,))) == Found((), complete=True)


def test_an_older_comment_is_not_the_one(pages: Pages) -> None:
    """A comment from before the asked moment is no match; one from within its second is, for Facebook tells seconds."""
    outgoing = composed(post(), comment())
    so_far = pages.publish_all(outgoing)

    assert pages.adapter.find(outgoing, 1, NOON + timedelta(seconds=1), so_far) == Found((), complete=True)
    assert pages.adapter.find(outgoing, 1, NOON + timedelta(seconds=0.9), so_far).matches == so_far.parts[1:]


@pytest.mark.parametrize("text", ["e\u0301tude", "a  b\n\n\nc ", "&amp; <b> \"q\"", "https://example.org/?a=1&b=2, so.",
                                  "👩\u200d🚀 日本 example.org", "\u00e9\u0323", "line\r\nbreak"])
def test_what_was_sent_is_found_again(pages: Pages, text: str) -> None:
    """Links, emoji, entities, letters in pieces: what comes back is recognised, in a post and in a comment."""
    outgoing = composed(post(text), comment(text))
    so_far = pages.publish_all(outgoing)

    assert [pages.adapter.find(outgoing, part, SINCE, so_far) for part in (0, 1)] == [
        Found((receipt,), complete=True) for receipt in so_far.parts]


def test_what_was_deleted_or_edited_is_not_found(pages: Pages) -> None:
    """A deleted post is absent; Facebook tells no edits, so an edited one is too."""
    outgoing = composed(post("Hi."))
    gone = pages.adapter.publish(outgoing, 0, Sent())
    httpx.delete(f"{pages.address}/v25.0/{gone.id}?access_token=any").raise_for_status()
    pages.twin.keep(account=PAGE, text="Hi, mended.", id=f"{PAGE}_2")

    assert pages.adapter.find(outgoing, 0, SINCE, Sent()) == Found((), complete=True)


@pytest.mark.parametrize("part", [0, 1], ids=["post", "comment"])
def test_a_second_page_that_fails_is_no_answer(pages: Pages, part: int) -> None:
    """A look that breaks off half-way is not taken for what it read until then."""
    outgoing = composed(post("The one."), comment("The other."))
    so_far = pages.publish_all(outgoing)
    parent = so_far.parts[0].id if part else None
    for n in range(30):
        pages.twin.keep(account=PAGE, text=f"Number {n}.", id=f"{PAGE}_{n}", parent=parent)
    pages.script(Fault(fault="truncate", match="GET .*", after=1))

    with pytest.raises(Unavailable) as caught:
        pages.adapter.find(outgoing, part, SINCE, so_far)

    told_nothing(caught.value)


def comments(*authors: str | None) -> Found:
    """What a look under post 104729_22 makes of the same comment by these authors; None: not shown."""
    entries = [{"id": f"22_{n}", "message": "Yes.", "created_time": "2026-11-22T12:00:00+0000"} | (
        {"from": {"id": author, "name": "Somebody"}} if author else {}) for n, author in enumerate(authors, start=1)]
    outgoing = composed(post(), comment("Yes."))
    with Peer(200, AS_JSON, json.dumps({"data": entries})) as peer:
        return adapter(peer.address).find(outgoing, 1, SINCE, Sent((PartReceipt(id=f"{PAGE}_22"),)))


def test_a_readers_comment_is_not_ours() -> None:
    """The same words by somebody else do not count; by nobody knows whom, the look is not complete."""
    assert [match.id for match in comments("77", PAGE).matches] == ["22_2"]
    assert comments("77") == Found((), complete=True)
    assert comments(None) == Found((), complete=False)


def test_each_page_has_its_own_id(pages: Pages) -> None:
    """The id is the number of the page that the token is of, the one in its posts' ids; a bad token has none."""
    ids = [adapter(pages.address, page_id=name, page_access_token=f"rehearsal:{name}").account_id()
           for name in ("mill", "mill", "lathe")]
    mill = adapter(pages.address, page_id="mill", page_access_token="rehearsal:mill")
    made = mill.publish(composed(post()), 0, Sent())

    assert ids[0] == ids[1] == made.id.partition("_")[0] != ids[2]
    with pytest.raises(Unauthorized):
        adapter(pages.address, page_access_token="expired").account_id()


# What a person pastes

NUMBERED = Connection("@millrace", {"page_id": SecretStr(PAGE)})
POST = PartReceipt(id="104729_22", url="https://www.facebook.com/104729/posts/22")
COMMENT = PartReceipt(id="22_33", url="https://www.facebook.com/104729/posts/22?comment_id=33")


@pytest.mark.parametrize("connection", [NUMBERED, Connection("@millrace")], ids=["page known", "no credentials"])
@pytest.mark.parametrize(("address", "receipt"), [
    ("https://www.facebook.com/104729/posts/22", POST), ("facebook.com/104729/posts/22/?__cft__[0]=a&b=c#x", POST),
    ("https://m.facebook.com/story.php?story_fbid=22&id=104729", POST), ("https://www.facebook.com/104729_22", POST),
    ("https://de-de.facebook.com/permalink.php?story_fbid=22&id=104729&refid=17", POST),
    ("http://mobile.facebook.com/104729/posts/drill-day-is-near/22/", POST),
    ("https://www.facebook.com/104729/posts/22?comment_id=33", COMMENT),
])
def test_every_address_with_numbers_gives_its_receipt(
        connection: Connection, address: str, receipt: PartReceipt) -> None:
    """However Facebook writes a post's numbers, the receipt is the one that publishing would have given."""
    assert FacebookPage(connection).receipt_of(address) == receipt


def test_what_the_page_number_adds() -> None:
    """With the page's number a name, a bare number and a comment's id are understood; without it an id is an id."""
    known, unknown = FacebookPage(NUMBERED), FacebookPage(Connection("@millrace"))

    assert [known.receipt_of(given) for given in ("https://www.facebook.com/millrace/posts/22", "22", " 104729_22 ",
                                                  "22_33")] == [POST, POST, POST, COMMENT]
    assert unknown.receipt_of("104729_22") == PartReceipt(id="104729_22")
    for given in ("https://www.facebook.com/millrace/posts/22", "22"):
        with pytest.raises(ValueError, match="PAGE_POST"):
            unknown.receipt_of(given)
    with pytest.raises(ValueError, match="of page 999; the connection's page is 104729"):
        known.receipt_of("https://www.facebook.com/999/posts/22")


@pytest.mark.parametrize("address", [
    "", "hello", "https://www.facebook.com/104729", "https://www.facebook.com/photo/?fbid=22&set=a.1",
    "https://www.facebook.com/104729/posts/pfbid02abc", "https://www.facebook.com/104729/photos/a.1/22",
    "https://www.facebook.com/permalink.php?story_fbid=pfbid02abc&id=104729", "https://www.facebook.com/share/p/1AbC/",
    "https://www.facebook.com/104729/posts/22?comment_id=33&reply_comment_id=44", "https://fb.me/104729/posts/22",
    "https://www.facebook.com@evil.example/104729/posts/22", "https://facebook.com.evil.example/104729/posts/22",
    "https://developers.facebook.com/104729/posts/22", "https://x.com/a/status/22", "https://tools.example/@a/22",
    "http://127.0.0.1:4280/facebook_page/104729/posts/22", "104729_22_33",
])
def test_what_is_no_address_of_a_post_is_refused(address: str) -> None:
    """Photo and pfbid addresses, other pages of Facebook and other hosts are refused, with where the number stands."""
    for connection in (NUMBERED, Connection("@millrace")):
        with pytest.raises(ValueError, match=r"looks like https://www\.facebook\.com/PAGE/posts/.*published_posts"):
            FacebookPage(connection).receipt_of(address)


@pytest.mark.parametrize("page", [PAGE, "mill"])
def test_a_rehearsed_post_has_the_receipt_of_its_address(pages: Pages, page: str) -> None:
    """Under rehearsal the twin's addresses are taken, also of a page called by name, and Facebook's own are not."""
    one = adapter(pages.address, page_id=page, page_access_token=f"rehearsal:{page}")
    outgoing = composed(post(), comment())
    made = one.publish(outgoing, 0, Sent())
    below = one.publish(outgoing, 1, Sent((made,)))
    shown = [str(httpx.get(receipt.url or "", follow_redirects=True).url) for receipt in (made, below)]

    assert [one.receipt_of(receipt.url or "") for receipt in (made, below)] == [made, below]
    assert [one.receipt_of(given).id for given in (*shown, made.id)] == [made.id, below.id, made.id]
    with pytest.raises(ValueError, match=pages.address):
        one.receipt_of("https://www.facebook.com/104729/posts/22")


# Peers that are no Graph API

class Peer:
    """A server with one answer for everything; it keeps what it was asked."""

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                peer.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                peer.asked.append(f"{self.command} {self.path}")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = answer

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Peer":
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


AS_JSON = {"Content-Type": "application/json; charset=UTF-8"}
LEAKY = json.dumps({"error": {"message": f"Malformed access token {TOKEN}", "type": "OAuthException", "code": 190}})


@pytest.mark.parametrize(("status", "headers", "body", "error"), [
    (400, AS_JSON, LEAKY, Unauthorized),
    (400, AS_JSON, LEAKY.replace("190", "100"), Rejected),
    (500, AS_JSON, LEAKY.replace("190", "2"), Unconfirmed),
    (429, AS_JSON, '{"oops": "no error object"}', RateLimited),
    (500, AS_JSON, '{"oops": "no error object"}', Unconfirmed),
    (200, AS_JSON, '{"success": true}', Unconfirmed),
    (200, AS_JSON, '{"id": ""}', Unconfirmed),
    (200, AS_JSON, '{"id": 7}', Unconfirmed),
    (200, AS_JSON, "", Unconfirmed),
    (200, AS_JSON, "[" * 100_000, Unconfirmed),
    (200, {"Content-Type": "text/html"}, f"<html>{TOKEN}</html>", Unconfirmed),
    (200, {}, f'{{"secret": "{TOKEN}"}}', Unconfirmed),
    (502, {"Content-Type": "text/html"}, "<html>Bad gateway</html>", Unconfirmed),
    (302, {"Location": "/login", "Content-Type": "text/html"}, "", Unconfirmed),
    (200, {"Content-Type": "text/plain"}, f"access_token={TOKEN}", Unconfirmed),
    (200, {"Content-Type": "image/png"}, TOKEN, Unconfirmed),
], ids=lambda value: str(value)[:40] if isinstance(value, int | str) else None)
def test_odd_answers_have_one_meaning_and_tell_no_token(
        status: int, headers: dict[str, str], body: str, error: type[PublishError]) -> None:
    """Whatever the SDK makes of an answer, one call leaves, has its right outcome, and no error holds the token."""
    repeatable = Unavailable if error is Unconfirmed else error
    outgoing = composed(post("Hi.", photo(0)))
    with Peer(status, headers, body) as peer:
        one = adapter(peer.address)
        calls: list[tuple[Callable[[], object], type[PublishError]]] = [
            (lambda: one.publish(outgoing, 0, Sent((), {"blob0": "1"})), error),
            (lambda: one.prepare(outgoing, 0, FILES.__getitem__), repeatable),
            (lambda: one.find(outgoing, 0, SINCE, Sent()), repeatable)]
        for number, (call, expected) in enumerate(calls, start=1):
            with pytest.raises(PublishError) as caught:
                call()
            assert type(caught.value) is expected
            told_nothing(caught.value)
            assert len(peer.asked) == number


def test_the_whole_requests_on_the_wire() -> None:
    """A form for the post and one for the comment, each field as documented, the token in the body and not in the path.

    A photo is one file with two words about it.
    """
    outgoing = composed(post("Hi & so.", photo(0, "A drill"), photo(1)), comment("C"))
    made = PartReceipt(id="104729_22")
    with Peer(200, AS_JSON, '{"id": "104729_22"}') as peer:
        one = adapter(peer.address)
        one.prepare(composed(post("", photo(0, "A drill"))), 0, FILES.__getitem__)
        one.publish(outgoing, 0, Sent((), {"blob0": "7", "blob1": "8"}))
        one.publish(outgoing, 1, Sent((made,)))
        one.publish(composed(post("Hi."), card="https://example.org/a?b=c&d"), 0, Sent())

    assert peer.asked == ["POST /v25.0/104729/photos", "POST /v25.0/104729/feed", "POST /v25.0/104729_22/comments",
                          "POST /v25.0/104729/feed"]
    assert [dict(parse_qsl(body.decode(), keep_blank_values=True)) for body in peer.bodies[1:]] == [
        {"message": "Hi & so.", "attached_media[0]": '{"media_fbid": "7"}', "attached_media[1]": '{"media_fbid": "8"}',
         "access_token": TOKEN},
        {"message": "C", "access_token": TOKEN},
        {"message": "Hi.", "link": "https://example.org/a?b=c&d", "access_token": TOKEN}]
    fields = {name.encode() for name in ("published", "alt_text_custom", "access_token", "source")}
    assert {piece.split(b'"')[1] for piece in peer.bodies[0].split(b"form-data; name=")[1:]} == fields
    assert b'filename="drill-0.png"\r\nContent-Type: image/png' in peer.bodies[0]


HOSTILE = ("https://", "\u0300", "é", "<p>", "#", "@", "\n", "{", "👩\u200d")


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_hostile_text_is_judged_in_one_walk(piece: str) -> None:
    """64 kB of anything is counted, joined and compared; a look that starts over at each letter would take hours."""
    words = piece * (64_000 // len(piece))
    message = a_message(post(words), post(words), comment(words), card="https://example.org", warning=words)

    made = adapter().compose(message)

    assert [part.text for part in made.parts] == [f"{words}\n\n{words}" if words.strip() else "", words]
    assert {found.code for found in adapter().check(message)} >= {"SUP002"}
    assert plain(words) == plain(f" {words}\n")


def test_an_id_without_a_content_type_is_an_id() -> None:
    """The answer is read, not the SDK's opinion of it: a yes whose header got lost is a yes."""
    with Peer(200, {}, '{"id": "104729_22"}') as peer:
        assert adapter(peer.address).publish(composed(post()), 0, Sent()).id == "104729_22"


def test_a_match_without_an_address_gets_one() -> None:
    """A post that is listed without `permalink_url` has the address that publishing would have given it."""
    entry = {"id": "104729_22", "message": "Hi.", "created_time": "2026-11-22T12:00:00+0000"}

    with Peer(200, AS_JSON, json.dumps({"data": [entry]})) as peer:
        assert adapter(peer.address).find(composed(post("Hi.")), 0, SINCE, Sent()).matches == (
            PartReceipt(id="104729_22", url=f"{peer.address}/104729/posts/22"),)


def test_the_next_address_is_never_followed() -> None:
    """A list that says "more" without a cursor, or with the same one again, is reported as not read to its end."""
    def page(cursors: dict[str, str]) -> str:
        return json.dumps({"data": [], "paging": {"next": f"https://graph.facebook.com/?access_token={TOKEN}",
                                                  "cursors": cursors}})

    with Peer(200, AS_JSON, page({})) as peer:
        assert adapter(peer.address).find(composed(post()), 0, SINCE, Sent()) == Found((), complete=False)
        assert len(peer.asked) == 1
    with Peer(200, AS_JSON, page({"after": "again"})) as peer:
        assert adapter(peer.address).find(composed(post()), 0, SINCE, Sent()) == Found((), complete=False)
        assert len(peer.asked) == 2


# The twin

def test_the_twin_remembers_what_it_held(tmp_path: Path) -> None:
    """A twin with a folder has its posts, photos and deletions again after a restart."""
    with Rehearsal([FacebookPageTwin(lambda: NOON, tmp_path)]) as rehearsal:
        address = rehearsal.address("facebook_page")
        one = adapter(address)
        outgoing = composed(post("Stays.", photo(0, "A drill")))
        handles = one.prepare(outgoing, 0, FILES.__getitem__)
        stays = one.publish(outgoing, 0, Sent((), handles))
        goes = one.publish(composed(post("Goes.")), 0, Sent())
        httpx.delete(f"{address}/v25.0/{goes.id}?access_token=any").raise_for_status()

    twin = FacebookPageTwin(lambda: NOON, tmp_path)

    assert [kept.id for kept in twin.posts] == [stays.id]
    assert [twin.media[id].alt for id in twin.posts[0].media] == ["A drill"]
    assert int(twin.new_id()) > int(goes.id.rpartition("_")[2])


def test_the_twin_keeps_a_photo_for_its_page_and_a_day(pages: Pages) -> None:
    """An unpublished photo is gone when the adapter's handles are over, and never another page's."""
    now = [NOON]
    pages.twin.now = lambda: now[0]
    outgoing = composed(post("Hi.", photo(0)))
    handles = pages.adapter.prepare(outgoing, 0, FILES.__getitem__)

    with pytest.raises(Rejected, match="does not exist"):
        adapter(pages.address, page_id="999").publish(outgoing, 0, Sent((), handles))
    now[0] += timedelta(seconds=FacebookPage.handles_live_s)
    with pytest.raises(Rejected, match="does not exist"):
        pages.adapter.publish(outgoing, 0, Sent((), handles))


def test_a_photo_that_is_not_unpublished_shows_at_once(pages: Pages) -> None:
    """Only `published=false`, as that very word, keeps a photo off the timeline."""
    answer = httpx.post(f"{pages.address}/v25.0/{PAGE}/photos", files={"source": ("a.png", png(1), "image/png")},
                        data={"access_token": "any", "published": "False", "message": "Seen.", "alt_text_custom": "A"})

    assert [kept.id for kept in pages.twin.posts] == [answer.json()["post_id"]]


def test_the_twin_tells_the_asked_fields(pages: Pages) -> None:
    """A post is told with the fields asked for and no other; a request without a token is refused."""
    made = pages.publish_all(composed(post("Hi.", photo(0)))).parts[0]

    told = httpx.get(f"{pages.address}/v25.0/{made.id}?access_token=any&fields=id,message,permalink_url")
    refused = httpx.get(f"{pages.address}/v25.0/{made.id}")

    assert told.json() == {"id": made.id, "message": "Hi.", "permalink_url": made.url}
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 104)
