"""The Mastodon adapter against its twin, over real loopback HTTP."""
import json
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers import base, load
from publishers._html import visible_text
from publishers._mastodon_text import length, plain
from publishers.mastodon import Mastodon
from publishers.rehearsal._mastodon_rules import content
from publishers.rehearsal._twin import Refusal, Rehearsal, Twin
from publishers.rehearsal.mastodon_twin import MastodonTwin
from schemas.errors import (
    PaymentRequired,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from schemas.ledger import PartReceipt, Slot
from schemas.message import Media, Message, Part
from schemas.place import Place
from schemas.problem import Problem, Severity

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
TOKEN = "".join(("rehearsal", ":", "@mill-", "tools"))       # so that no source line in a traceback holds it
SLOT = Slot("spring-mend/launch", "mastodon")
PLACE, PICTURE_PLACE = Place("content/posts/launch.md", 7), Place("content/posts/launch.md", 3)
LONG_LINK = "https://www.example.org/" + "a" * 50
PNG = b"\x89PNG\r\n\x1a\n and so on"


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
    with Rehearsal([MastodonTwin(clock)]) as running:
        yield running


@pytest.fixture
def twin(networks) -> Twin:
    return networks.twin("mastodon")


@pytest.fixture
def adapter(networks) -> Mastodon:
    return at(networks.address("mastodon"))


def at(address: str | None, token: str = TOKEN, base_url: str = "https://tools.social.example") -> Mastodon:
    secrets = {"access_token": SecretStr(token), "base_url": SecretStr(base_url)}
    return Mastodon(base.Connection("@mill-tools", secrets, address, 2.0, 1.0))


def part(text: str, *media: Media, kind: Any = "post") -> Part:
    return Part(kind=kind, text=text, media=media, place=PLACE)


def picture(name: str = "dawn.png", alt: str | None = "A mill", size: int = 100, blob: str = "b1") -> Media:
    return Media(file=f"media/{name}", blob=blob, size=size, alt=alt, place=Place("content/posts/launch.md", 3))


def message(*parts: Part, **more: Any) -> Message:
    return Message(slot=SLOT, network="mastodon", account="@mill-tools", parts=parts, **more)


def outgoing(adapter: Mastodon, *texts: str, **more: Any) -> base.Outgoing:
    return adapter.compose(message(*(part(text) for text in texts), **more))


def faults(networks: Rehearsal, *script: dict[str, Any]) -> None:
    httpx.put(networks.url + "/_rehearsal/faults", json=list(script)).raise_for_status()


def says_no_token(error: BaseException) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += repr(deeper)
        deeper = deeper.__cause__ or deeper.__context__
    return TOKEN not in story


# --- thinking --------------------------------------------------------------------------------------------------------

def test_it_is_found_by_its_name_and_keeps_the_contract(adapter):
    """The file's name leads to an adapter that publishes and prepares."""
    assert load("mastodon") is Mastodon
    assert isinstance(adapter, base.Publisher)
    assert isinstance(adapter, base.Prepares)


@pytest.mark.parametrize(("text", "counted"), [
    ("", 0), ("hello", 5), ("e\u0301", 1), ("👩‍👩‍👧‍👦!", 2), ("日本", 2),
    ("see https://example.org/a/very/long/path/indeed?x=1#y.", 4 + 23 + 1),
    ("(http://a.io)", 25), ("https://localhost/abc", 21), ("example.org", 11),
    ("hi @ana@tools.social.example!", 3 + 4 + 1), ("mail ana@example.org", 20), ("@ana", 4),
])
def test_it_counts_as_mastodon_does(text, counted):
    """Graphemes, with a link as 23 and a mention without its server."""
    assert length(text, 23) == counted


def problem(code: str, place: Place, what: str, remedy: str) -> Problem:
    return Problem(code, Severity.error, place, what, remedy, "spring-mend/launch", "mastodon")


@pytest.mark.parametrize(("given", "expected"), [
    (message(part("x" * 500)), []),
    (message(part("x" * 501)),
     [problem("TXT001", PLACE, "501/500 on mastodon.", "Add '## on mastodon' with a shorter text.")]),
    (message(part("x" * 501), limits={"text": 1000}), []),
    (message(part("x" * 480), card="https://example.org/"),
     [problem("TXT001", PLACE, "505/500 on mastodon.", "Add '## on mastodon' with a shorter text.")]),
    (message(part(" ")), [problem("TXT006", PLACE, "There is nothing to post on mastodon.",
                                  "Write a text, or add a picture.")]),
    (message(part("", picture())), []),
    (message(part("a", *[picture()] * 5)), []),
    (message(part("a", *(picture(blob=f"b{n}") for n in range(5)))),
     [problem("TXT001", PICTURE_PLACE, "5/4 images on mastodon.", "Take 1 out, or name other channels for them.")]),
    (message(part("a", picture("scan.tiff"))),
     [problem("TXT006", PICTURE_PLACE, "mastodon does not take .tiff files: media/scan.tiff.",
              "Save it as one of: jpg, jpeg, png, gif, webp, avif, heic, heif.")]),
    (message(part("a", picture(size=16_777_216))), []),
    (message(part("a", picture(size=16_777_217))),
     [problem("TXT001", PICTURE_PLACE, "16,777,217/16,777,216 bytes on mastodon: media/dawn.png.",
              "Make the image smaller than 16.7772 MB.")]),
    (message(part("a", picture(alt="x" * 1501))),
     [problem("TXT001", PICTURE_PLACE, "1501/1500 characters of alt text on mastodon: media/dawn.png.",
              "Say the same in 1500 characters.")]),
    (message(part("ok"), part("y" * 501), part("z" * 501, kind="comment")),
     [problem("TXT001", PLACE, "501/500 on mastodon.", "Add '## on mastodon' with a shorter text."),
      problem("TXT001", PLACE, "501/500 on mastodon.", "Add '## first comment on mastodon' with a shorter text.")]),
    (message(part("ok"), part(" ")),
     [problem("TXT006", PLACE, "A part of the thread on mastodon says nothing.",
              "Write its text, or take the '***' above it out.")]),
], ids=range(14))
def test_what_the_server_would_refuse_is_said_days_before(adapter, given, expected):
    """Each limit has its problem, with its place and a remedy; a channel's own limits win."""
    assert adapter.check(given) == expected


def test_what_is_composed_is_what_is_sent(adapter):
    """The request of each part as data, with a key that does not depend on the text."""
    made = adapter.compose(message(part("Come!", picture()), part("More", kind="comment"),
                                   card="https://example.org/", language="en-GB"))

    assert [(p.kind, p.request, p.media, p.alts, p.names) for p in made.parts] == [
        ("post", {"status": "Come!\n\nhttps://example.org/", "visibility": "public", "language": "en"}, ("b1",),
         ("A mill",), ("dawn.png",)),
        ("comment", {"status": "More", "visibility": "public", "language": "en"}, (), (), ())]
    assert made.parts[0].text == "Come!\n\nhttps://example.org/"
    assert [p.key for p in made.parts] == [p.key for p in outgoing(adapter, "Other", "text").parts]


@given(words=some.text(some.characters(exclude_categories=["Cs"])), link=some.sampled_from(["", LONG_LINK]))
def test_what_a_server_shows_reads_as_what_was_sent(words, link):
    """Any text, made into a server's HTML and read back, is the text that was sent."""
    text = f"{words} {link} @ana@tools.example #tag"

    assert plain(visible_text(content(text))) == plain(text)


@pytest.mark.parametrize(("html", "text"), [
    ("<p>a &amp; b<br />c</p><p>d</p>", "a & b\nc\n\nd"),
    ('<p><a href="https://example.org/long"><span class="invisible">https://</span><span class="ellipsis">example.org/l'
     '</span><span class="invisible">ong</span></a></p>', "https://example.org/long"),
    ('<p><a href="https://example.org/long">example.org/l…</a></p>', "https://example.org/long"),
    ('<p class="quote-inline">RE: <a href="https://x.y/1">https://x.y/1</a></p><p>mine</p>', "mine"),
    ('<p><span class="h-card"><a href="https://s/@ana" class="u-url mention">@<span>ana</span></a></span></p>', "@ana"),
    ("plain", "plain"), ("", ""), ("<p>un<b>closed", "unclosed"),
])
def test_html_is_read_as_people_see_it(html, text):
    """Links are whole, breaks are breaks, what the server added is left out."""
    assert visible_text(html) == text


# --- talking ---------------------------------------------------------------------------------------------------------

def test_a_post_arrives_with_its_picture_and_alt_text(adapter, networks, twin):
    """Text, picture, alt text, language; the receipt is the server's own id and address."""
    plan = adapter.compose(message(part("Come!", picture()), language="en"))
    handles = adapter.prepare(plan, 0, {"b1": PNG}.__getitem__)

    receipt = adapter.publish(plan, 0, base.Sent(handles=handles))

    (post,) = twin.posts
    assert receipt == PartReceipt(id=post.id, url=f"{networks.url}/mastodon/#mastodon-{post.id}")
    assert (post.account, post.text, post.extra["language"], post.extra["visibility"]) == \
        ("@mill-tools", "Come!", "en", "public")
    assert [(twin.media[id].alt, twin.bytes_of(twin.media[id].sha256)) for id in post.media] == [("A mill", PNG)]


def test_a_thread_and_its_first_comment_hang_together(adapter, twin):
    """Each part answers the one before; the comment answers the last part."""
    plan = adapter.compose(message(part("one"), part("two"), part("three", kind="comment")))
    sent: tuple[PartReceipt, ...] = ()
    for number in range(3):
        sent += (adapter.publish(plan, number, base.Sent(sent)),)

    assert [(post.text, post.parent) for post in twin.posts] == [
        ("one", None), ("two", sent[0].id), ("three", sent[1].id)]
    assert [adapter.find(plan, n, NOON, base.Sent(sent[:n])).matches for n in range(3)] == [(r,) for r in sent]


def test_the_same_key_never_makes_a_second_post_within_the_hour(adapter, twin, clock):
    """A repeated send gets the first post again; after an hour the server has forgotten the key."""
    plan = outgoing(adapter, "once")
    first = adapter.publish(plan, 0, base.Sent())
    clock.now += timedelta(minutes=59)
    again = adapter.publish(plan, 0, base.Sent())
    assert (again, len(twin.posts)) == (first, 1)

    clock.now += timedelta(minutes=2)
    assert adapter.publish(plan, 0, base.Sent()) != first


def test_a_file_still_being_processed_is_waited_for_and_uploaded_once(adapter, twin):
    """A slow server holds the post up, not the upload."""
    plan = adapter.compose(message(part("moving", picture("mill.gif"))))
    handles = adapter.prepare(plan, 0, lambda _: b"GIF89a")
    with pytest.raises(Unavailable, match="still processing"):
        adapter.publish(plan, 0, base.Sent(handles=handles))

    receipt = adapter.publish(plan, 0, base.Sent(handles=handles))

    assert ([post.id for post in twin.posts], len(twin.media)) == ([receipt.id], 1)
    assert sum(twin.calls.values()) == 1


FAULTS = [
    ("401", Unauthorized, 0), ("429", RateLimited, 0), ("503", Unconfirmed, 0),
    ("500 before effect", Unconfirmed, 0), ("500 after effect", Unconfirmed, 1),
    ("hang up before", Unconfirmed, 0), ("hang up after effect", Unconfirmed, 1), ("stall", Unconfirmed, 0),
    ("stall after effect", Unconfirmed, 1), ("truncate", Unconfirmed, 1), ("not JSON", Unconfirmed, 1),
    ("slow", Unconfirmed, 1),
]


@pytest.mark.parametrize(("fault", "error", "posts"), FAULTS, ids=[row[0] for row in FAULTS])
def test_every_fault_is_one_call_and_the_truth_afterwards(adapter, networks, twin, fault, error, posts):
    """One create call on the wire, the right class of error without the token, and `find` knows what happened."""
    faults(networks, {"fault": fault, "seconds": 30} if fault == "slow" else {"fault": fault})
    plan = outgoing(adapter, "Mend it, see https://example.org/a/long/way/to/go/today #mend")

    with pytest.raises(error) as caught:
        adapter.publish(plan, 0, base.Sent())

    assert type(caught.value) is error
    assert says_no_token(caught.value)
    assert twin.calls == {plan.parts[0].key: 1}
    found = adapter.find(plan, 0, NOON - timedelta(minutes=5), base.Sent())
    assert ([match.id for match in found.matches], found.complete) == ([post.id for post in twin.posts], True)
    assert len(twin.posts) == posts


def test_a_late_effect_is_found_when_it_has_come():
    """A post that appears after the connection broke is absent first and found later."""
    arrived = threading.Event()

    class Late(MastodonTwin):
        def keep(self, **what: Any) -> Any:
            post = super().keep(**what)
            arrived.set()
            return post

    with Rehearsal([Late(Clock())]) as networks:
        faults(networks, {"fault": "late effect", "seconds": 0.5})
        adapter = at(networks.address("mastodon"))
        plan = outgoing(adapter, "late")
        with pytest.raises(Unconfirmed):
            adapter.publish(plan, 0, base.Sent())
        at_once = adapter.find(plan, 0, NOON, base.Sent())
        assert arrived.wait(10)
        later = adapter.find(plan, 0, NOON, base.Sent())

    assert (at_once.matches, len(later.matches)) == ((), 1)


def test_a_server_that_is_not_there_was_sent_nothing(adapter, networks):
    """A refused connection is Unavailable, for every call."""
    networks.stop()
    plan = outgoing(adapter, "hello")

    for call in (lambda: adapter.publish(plan, 0, base.Sent()), lambda: adapter.find(plan, 0, NOON, base.Sent())):
        with pytest.raises(Unavailable) as caught:
            call()
        assert says_no_token(caught.value)


@pytest.mark.parametrize("fault", [row[0] for row in FAULTS if row[1] is Unconfirmed])
@pytest.mark.parametrize("path", ["POST /api/v2/media", "GET /api/v1/accounts/.*"])
def test_what_readers_never_see_can_only_be_unavailable(adapter, networks, twin, fault, path):
    """Trouble with an upload or a look never casts doubt on a post."""
    faults(networks, {"fault": fault, "match": path, "seconds": 30} if fault == "slow"
           else {"fault": fault, "match": path})
    plan = adapter.compose(message(part("hello", picture())))

    prepares = path.startswith("POST")
    with pytest.raises(Unavailable) as caught:
        adapter.prepare(plan, 0, lambda _: PNG) if prepares else adapter.find(plan, 0, NOON, base.Sent())

    assert says_no_token(caught.value)
    assert not twin.calls


def test_a_rate_limit_says_until_when(adapter, networks):
    """The time is the server's own, which under rehearsal is the pretend one."""
    faults(networks, {"fault": "429", "retry_after": 90})

    with pytest.raises(RateLimited) as caught:
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())

    assert caught.value.until == NOON + timedelta(seconds=90)


class Saying(Twin):
    """A server with one answer to everything."""

    network = "mastodon"
    creates = ("POST /api/v1/statuses",)
    reply: Refusal

    def routes(self) -> list[Route]:
        async def say(request: Request) -> Response:
            raise self.reply
        return [Route("/{path:path}", say, methods=["GET", "POST"])]


@pytest.fixture
def saying() -> Iterator[Any]:
    twin = Saying(Clock())
    with Rehearsal([twin]) as running:
        def answer(status: int, body: Any, **headers: str) -> Mastodon:
            twin.reply = Refusal(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return at(running.address("mastodon"))
        yield answer


@pytest.mark.parametrize(("headers", "until"), [
    ({"X_RateLimit_Reset": "2026-04-14T12:05:00.000000Z"}, NOON + timedelta(minutes=5)),
    ({"X_RateLimit_Reset": "1776168300"}, NOON + timedelta(minutes=5)),
    ({"Retry_After": "60"}, NOON + timedelta(minutes=1)),
    ({"Retry_After": "Tue, 14 Apr 2026 12:01:00 GMT"}, NOON + timedelta(minutes=1)),
    ({"X_RateLimit_Reset": "soon"}, None), ({}, None),
], ids=["ISO", "epoch", "seconds", "date", "nonsense", "nothing"])
def test_every_way_to_say_until_when(saying, headers, until):
    """ISO times, seconds since 1970, and waits relative to the server's own clock are understood."""
    adapter = saying(429, {"error": "slow down"}, **headers)
    with pytest.raises(RateLimited) as caught:
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())

    assert (caught.value.until, caught.value.why) == (until, "the server answered 429: slow down")


@pytest.mark.parametrize(("status", "error", "kind"), [
    (401, "The access token is invalid", Unauthorized), (402, "Pay", PaymentRequired),
    (403, "This action is outside the authorized scopes", Unauthorized), (403, "This action is not allowed", Rejected),
    (403, "Your login is currently disabled", Unauthorized), (404, "Record not found", Rejected),
    (413, "Too large", Rejected), (422, "Validation failed", Rejected), (301, "Moved", Unconfirmed),
    (408, "Timeout", Unconfirmed), (425, "Too early", Unconfirmed), (418, "Teapot", Unconfirmed),
    (500, "Oops", Unconfirmed), (502, "Bad gateway", Unconfirmed),
    (503, "Maintenance", Unconfirmed),
])
def test_what_an_answer_means(saying, status, error, kind):
    """Refusals are certain; a server's own failure leaves it open. The reason is the server's."""
    adapter = saying(status, {"error": error})
    with pytest.raises(PublishError) as caught:
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())

    assert type(caught.value) is kind
    assert caught.value.why.startswith(f"the server answered {status}: {error}")


@pytest.mark.parametrize("body", ["", "<html>", "[]", "null", "{}", '{"id": null}', '{"id": ""}', '{"id": true}',
                                  '"x"'])
def test_a_success_without_a_post_leaves_the_outcome_open(saying, body):
    """A 2xx that holds no post is never taken for a post, nor for a failure."""
    adapter = saying(200, body)
    with pytest.raises(Unconfirmed):
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())


@pytest.mark.parametrize("body", ["<html>", "null", '{"id": null}', '[{"id": "1"}]', '{"id": "1"}'])
def test_a_look_that_makes_no_sense_is_unavailable(saying, body):
    """A read-back that cannot be understood is not taken for "nothing there"."""
    adapter = saying(200, body)
    with pytest.raises(Unavailable):
        adapter.find(outgoing(adapter, "x"), 0, NOON, base.Sent())


def test_a_server_that_repeats_the_token_does_not_get_it_into_the_error(saying):
    """The server's reason is cut to size, freed of the token and of control characters."""
    adapter = saying(401, {"error": f"\x1b[31mbad token {TOKEN}\n" + "x" * 5000})
    with pytest.raises(Unauthorized) as caught:
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())

    assert caught.value.why.startswith("the server answered 401:  [31mbad token … xxx")
    assert len(caught.value.why) < 400
    assert says_no_token(caught.value)


def test_an_address_of_the_post_that_is_no_web_address_is_not_kept(saying):
    """A server cannot put a script into our pages by way of a post's address."""
    adapter = saying(200, json.dumps({"id": "7", "url": "javascript:alert(1)"}))

    assert adapter.publish(outgoing(adapter, "x"), 0, base.Sent()) == PartReceipt(id="7", url=None)


@pytest.mark.parametrize("base_url", ["http://tools.social.example", "tools.social.example", ""])
def test_the_token_only_leaves_encrypted(base_url):
    """A server address without https is refused before anything is sent."""
    adapter = at(None, base_url=base_url)

    with pytest.raises(Unauthorized, match="https"):
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())


def test_a_look_reads_to_the_asked_moment_and_no_further(adapter, twin, clock):
    """Older posts, other accounts' posts, other media and other parents are no match; pages are read to the end."""
    plan = outgoing(adapter, "the same")
    extra = {"key": None, "language": None, "visibility": "public"}
    twin.keep(account="@mill-tools", text="the same", extra=extra)
    clock.now += timedelta(hours=1)
    wanted = twin.keep(account="@mill-tools", text="the  same\n", extra=extra)
    twin.keep(account="@other", text="the same", extra=extra)
    twin.keep(account="@mill-tools", text="the same", parent=wanted.id, extra=extra)
    file = twin.keep_media(PNG, name="a.png", mime="image/png")
    twin.keep(account="@mill-tools", text="the same", media=[file], extra=extra)
    for number in range(100):
        twin.keep(account="@mill-tools", text=f"number {number}", extra=extra)

    found = adapter.find(plan, 0, NOON + timedelta(minutes=30), base.Sent())

    assert ([match.id for match in found.matches], found.complete) == ([wanted.id], True)


def test_a_look_that_ends_too_early_says_so(adapter, twin):
    """More posts than are read: what was found stands, but it is not said to be all."""
    for number in range(2001):
        twin.keep(account="@mill-tools", text=f"{number}", extra={"language": None, "visibility": "public"})

    found = adapter.find(outgoing(adapter, "absent"), 0, NOON, base.Sent())

    assert found == base.Found((), complete=False)


class Listing(MastodonTwin):
    """A server that lists whatever it is given, a page for each look; an edited post's history is `history`."""

    pages: list[Any]
    history: Any = None

    async def _statuses(self, request: Request) -> Response:
        return JSONResponse(self.pages.pop(0) if self.pages else [])

    async def _history(self, request: Request) -> Response:
        if self.history is None:
            raise Refusal(404, {"error": "Record not found"})
        return JSONResponse(self.history)


def listed(id: str, text: str = "<p>Hi</p>", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"id": id, "created_at": at.isoformat(), "content": text, "in_reply_to_id": None, "media_attachments": [],
            "reblog": None, "edited_at": None, "url": f"https://tools.social.example/@mill/{id}", **more}


def looked(*pages: Any, history: Any = None, text: str = "Hi") -> base.Found:
    twin = Listing(Clock())
    twin.pages, twin.history = list(pages), history
    with Rehearsal([twin]) as running:
        adapter = at(running.address("mastodon"))
        return adapter.find(outgoing(adapter, text), 0, NOON, base.Sent())


def test_boosts_replies_and_older_posts_do_not_match():
    """A boost that a server lists all the same, a reply, a post from before, one with a picture: none is ours."""
    found = looked([listed("9", reblog=listed("3")), listed("8", in_reply_to_id="3"), listed("7"),
                    listed("6", media_attachments=[{"id": "1"}]), listed("5", at=NOON - timedelta(seconds=1))])

    assert ([match.id for match in found.matches], found.complete) == (["7"], True)


def test_one_post_out_of_order_hides_no_other():
    """An old post among the new ones, a pinned one say, does not end the look."""
    old = listed("5", at=NOON - timedelta(days=9))

    assert [match.id for match in looked([old, listed("8", "<p>Ho</p>")], [listed("7"), old], [old]).matches] == ["7"]


def test_a_post_listed_twice_is_one_match():
    """Pages that shift while they are read do not make two posts of one; a number for an id is an id."""
    found = looked([listed("8"), listed("7", "<p>Ho</p>")], [listed("8"), {**listed("6", "<p>Ho</p>"), "id": 6}])

    assert [match.id for match in found.matches] == ["8"]


def test_an_edited_post_counts_as_it_was_created(adapter, networks, twin):
    """Ours is found after somebody edited it; one that was edited into ours is not ours."""
    plan = outgoing(adapter, "Hi")
    ours = adapter.publish(plan, 0, base.Sent())
    theirs = twin.keep(account="@mill-tools", text="Ho", extra={"language": None, "visibility": "public"}).id
    for id, text in ((ours.id, "Hi, mended"), (theirs, "Hi")):
        httpx.put(f"{networks.address('mastodon')}/api/v1/statuses/{id}", json={"status": text},
                  headers={"Authorization": f"Bearer {TOKEN}"}).raise_for_status()

    assert adapter.find(plan, 0, NOON, base.Sent()) == base.Found((ours,), complete=True)


@pytest.mark.parametrize("history", [None, [], {}, "none", [None]])
def test_an_edited_post_without_its_history_leaves_the_look_incomplete(history):
    """What a post said at first cannot be guessed; other servers keep no history."""
    edited = listed("7", edited_at=NOON.isoformat())

    assert looked([edited, listed("6", "<p>Ho</p>")], history=history) == base.Found((), complete=False)


@pytest.mark.parametrize("page", [None, {}, "", 0, [None], [{}], [listed("6", at=NOON) | {"created_at": "today"}]])
def test_a_page_that_is_no_list_of_posts_is_unavailable(page):
    """A second page in another form is not the end of the list."""
    with pytest.raises(Unavailable):
        looked([listed("7")], page)


def test_a_second_page_that_fails_is_no_answer(adapter, networks, twin):
    """A look that breaks off half-way is not taken for what it read until then."""
    for number in range(41):
        twin.keep(account="@mill-tools", text=f"{number}", extra={"language": None, "visibility": "public"})
    faults(networks, {"fault": "truncate", "match": "GET /api/v1/accounts/[0-9]+/statuses", "after": 1})

    with pytest.raises(Unavailable):
        adapter.find(outgoing(adapter, "40"), 0, NOON, base.Sent())


def test_what_was_deleted_is_not_found(adapter, networks):
    """A post that a person took down is absent, and the look is complete."""
    plan = outgoing(adapter, "gone")
    gone = adapter.publish(plan, 0, base.Sent())
    httpx.delete(f"{networks.address('mastodon')}/api/v1/statuses/{gone.id}",
                 headers={"Authorization": f"Bearer {TOKEN}"}).raise_for_status()

    assert adapter.find(plan, 0, NOON, base.Sent()) == base.Found((), complete=True)


@pytest.mark.parametrize("text", [
    "e\u0301tude", "a  b\n\n\nc ", "&amp; <b> \"q\" 'a' a<b>c", "https://example.org", "see www.example.org/x?a=1&b=2.",
    "https://www.example.org/" + "a/" * 60 + "?q=(x)", "👩\u200d🚀 日本 https://example.org/日本",
    "#tag @ana@tools.example!", ":blobcat: 5 > 3 & 2 < 4", "line\r\nbreak\u00a0hard", "\u00e9\u0323",
])
def test_what_was_sent_is_found_again(adapter, text):
    """Whatever a server does to a text on its way (HTML, entities, links cut), the look recognises it."""
    plan = outgoing(adapter, text)
    receipt = adapter.publish(plan, 0, base.Sent())

    assert adapter.find(plan, 0, NOON, base.Sent()) == base.Found((receipt,), complete=True)


def test_each_account_has_its_own_id(networks):
    """The id is the server's, of the account that the token is of; a bad token has none."""
    ids = [at(networks.address("mastodon"), f"rehearsal:@{name}").account_id() for name in ("mill", "mill", "lathe")]

    assert ids[0] == ids[1] != ids[2]
    with pytest.raises(Unauthorized):
        at(networks.address("mastodon"), "expired").account_id()


# --- what a person pastes ---------------------------------------------------------------------------------------------

ID = "115000000000000001"
SHOWN = f"https://tools.social.example/@mill/{ID}"


@pytest.mark.parametrize("known", [True, False], ids=["server known", "no credentials"])
@pytest.mark.parametrize(("address", "url"), [
    (ID, None), (f" {ID}\n", None), (SHOWN, SHOWN), (f"{SHOWN}/?s=1#top", SHOWN), (f"{SHOWN}/embed", SHOWN),
    (f"https://tools.social.example/users/mill/statuses/{ID}", SHOWN), (SHOWN.removeprefix("https://"), SHOWN),
    (f"https://TOOLS.social.example:443/web/@mill/{ID}", SHOWN), (f"{SHOWN[:28]}/web/statuses/{ID}", None),
    ("https://tools.social.example/@mill/statuses/01HZXK4P2M8YV3T6Q9R5W7B1CD",
     "https://tools.social.example/@mill/01HZXK4P2M8YV3T6Q9R5W7B1CD"),
])
def test_every_address_of_a_post_gives_its_receipt(known, address, url):
    """However a server writes the address of a post, its id is the one that publishing would have given."""
    adapter = at(None) if known else Mastodon(base.Connection("@mill-tools"))
    id = ID if ID in address else "01HZXK4P2M8YV3T6Q9R5W7B1CD"

    assert adapter.receipt_of(address) == PartReceipt(id=id, url=url)


NOT_ADDRESSES = [
    "", "hello", "https://tools.social.example/@mill", "https://tools.social.example/@mill/followers",
    "https://tools.social.example/@mill/with_replies", f"https://tools.social.example/@ana@other.example/{ID}",
    f"https://tools.social.example/{ID}", "https://x.com/mill/status/17", "https://www.facebook.com/104729/posts/22",
    f"https://tools.social.example@evil.example:99999/@mill/{ID}", "ftp://tools.social.example/@mill/17",
]


@pytest.mark.parametrize("address", NOT_ADDRESSES)
def test_what_is_no_address_of_a_post_is_refused(address):
    """Other pages and other networks are refused with what an address looks like, server known or not."""
    for adapter in (at(None), Mastodon(base.Connection("@mill-tools"))):
        with pytest.raises(ValueError, match="an address of Mastodon looks like https://"):
            adapter.receipt_of(address)


@pytest.mark.parametrize("address", [f"https://other.example/@mill/{ID}", f"http://127.0.0.1:4280/@mill/{ID}",
                                     f"https://tools.social.example:8443/@mill/{ID}"])
def test_the_address_of_another_server_is_refused_when_ours_is_known(address):
    """The same post has another id on every server."""
    with pytest.raises(ValueError, match="on the account's own server"):
        at(None).receipt_of(address)


def test_a_rehearsed_post_has_the_receipt_of_its_address(adapter, networks, twin):
    """Under rehearsal the twin's addresses are taken, and a real server's are not."""
    receipt = adapter.publish(outgoing(adapter, "Hi"), 0, base.Sent())

    assert [adapter.receipt_of(given) for given in (receipt.url, receipt.id)] == [receipt] * 2
    with pytest.raises(ValueError, match=networks.url):
        adapter.receipt_of(SHOWN)


# --- the twin refuses what a server refuses --------------------------------------------------------------------------

REFUSED = {
    "too long": ({"status": "x" * 501}, 422, "Validation failed: Text character limit of 500 exceeded"),
    "empty": ({"status": " "}, 422, "Validation failed: Text can't be blank"),
    "nothing": ({}, 422, "Validation failed: Text can't be blank"),
    "five files": ({"status": "x", "media_ids": ["1"] * 5}, 422, "Validation failed: Cannot attach more than 4 files"),
    "unknown file": ({"status": "x", "media_ids": ["1"]}, 422, "Media 1 not found or already attached to another post"),
    "unknown parent": ({"status": "x", "in_reply_to_id": "1"}, 404,
                       "The post you are trying to reply to does not appear to exist."),
}


@pytest.mark.parametrize(("body", "status", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_the_twin_refuses_a_post(networks, twin, body, status, error):
    """What a real server would not take, the rehearsal does not take either, in the same words."""
    answer = httpx.post(networks.address("mastodon") + "/api/v1/statuses", json=body,
                        headers={"Authorization": f"Bearer {TOKEN}"})

    assert (answer.status_code, answer.json(), twin.posts) == (status, {"error": error}, [])


def test_the_twin_takes_500_characters_with_long_links(adapter, twin):
    """The length rule of the twin is the documented one."""
    text = "x" * 476 + " https://example.org/" + "y" * 300
    assert adapter.check(message(part(text))) == []

    adapter.publish(outgoing(adapter, text), 0, base.Sent())

    assert [post.text for post in twin.posts] == [text]


def test_the_twin_attaches_a_file_once(adapter):
    """A file that is on a post already cannot go on another."""
    plan = adapter.compose(message(part("a", picture()), part("b", picture())))
    handles = adapter.prepare(plan, 0, lambda _: PNG)
    first = adapter.publish(plan, 0, base.Sent(handles=handles))

    with pytest.raises(Rejected, match="already attached"):
        adapter.publish(plan, 1, base.Sent((first,), handles))


@pytest.mark.parametrize(("media", "why"), [
    (picture(alt="x" * 1501), "Description is too long"), (picture("notes.txt"), "content type is invalid")])
def test_the_twin_refuses_an_upload(adapter, media, why):
    """Alt texts and files have the limits of a real server."""
    plan = adapter.compose(message(part("a", media)))

    with pytest.raises(Rejected, match=why):
        adapter.prepare(plan, 0, lambda _: PNG)


def test_the_twin_knows_an_expired_token(networks):
    """The word "expired" is a bad token; none at all is one too."""
    adapter = at(networks.address("mastodon"), "expired")

    with pytest.raises(Unauthorized, match="The access token is invalid"):
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())
    assert httpx.post(networks.address("mastodon") + "/api/v1/statuses", json={"status": "x"}).status_code == 401


def test_the_twin_keeps_an_upload_for_its_account_and_a_day(networks, clock):
    """What nobody attached is gone when the adapter's handles are over, and never another account's."""
    mine, other = at(networks.address("mastodon")), at(networks.address("mastodon"), "rehearsal:@other")
    plan = mine.compose(message(part("a", picture())))
    handles = mine.prepare(plan, 0, lambda _: PNG)

    with pytest.raises(Rejected, match="not found"):
        other.publish(plan, 0, base.Sent(handles=handles))
    clock.now += timedelta(seconds=Mastodon.handles_live_s)
    with pytest.raises(Rejected, match="not found"):
        mine.publish(plan, 0, base.Sent(handles=handles))


def test_the_twin_remembers_edits_and_deletions(clock, tmp_path):
    """After a restart a post says what it said last, and what was deleted stays away."""
    as_us = {"Authorization": f"Bearer {TOKEN}"}
    with Rehearsal([MastodonTwin(clock, tmp_path)]) as running:
        adapter, path = at(running.address("mastodon")), running.address("mastodon") + "/api/v1/statuses/"
        kept, gone = (adapter.publish(outgoing(adapter, text), 0, base.Sent()).id for text in ("one", "one"))
        assert kept == gone                                                     # the same slot, the same key
        other = httpx.post(path[:-1], json={"status": "two"}, headers=as_us).json()["id"]
        httpx.put(path + kept, json={"status": "one, mended"}, headers=as_us).raise_for_status()
        refused = [httpx.put(path + kept, json={"status": ""}, headers=as_us).status_code,
                   httpx.delete(path + kept, headers={"Authorization": "Bearer other"}).status_code]
        httpx.delete(path + other, headers=as_us).raise_for_status()

    twin = MastodonTwin(clock, tmp_path)
    assert [(post.text, post.extra["before"]) for post in twin.posts] == [
        ("one, mended", [{"text": "one", "at": None}])]
    assert refused == [422, 404]


def test_the_twin_says_its_limits(networks):
    """Both versions of the instance document hold the numbers the adapter goes by."""
    for version in ("v1", "v2"):
        says = httpx.get(f"{networks.address('mastodon')}/api/{version}/instance").json()["configuration"]
        assert says["statuses"] == {"max_characters": 500, "max_media_attachments": 4,
                                    "characters_reserved_per_url": 23}
        assert says["media_attachments"]["description_limit"] == 1500


def test_the_twin_never_keeps_a_token(networks, twin, tmp_path, clock):
    """A credential leaves no trace in what the twin shows or writes."""
    secret = "hunter2-hunter2"
    with Rehearsal([MastodonTwin(clock, tmp_path)]) as running:
        adapter = at(running.address("mastodon"), secret)
        adapter.publish(outgoing(adapter, "x"), 0, base.Sent())
        shown = httpx.get(running.url).text + httpx.get(running.url + "/_rehearsal/posts").text

    assert secret not in shown + "".join(p.read_text() for p in tmp_path.rglob("*.jsonl"))


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_that_is_no_json_comes_from_something_in_between(saying, status):
    """A page of a gate may have stopped the answer only: in doubt for a post, to be repeated for an upload."""
    adapter = saying(status, "<h1>no</h1>")
    plan = adapter.compose(message(part("x", picture())))
    with pytest.raises(Unconfirmed) as caught:
        adapter.publish(plan, 0, base.Sent(handles={"b1": "7"}))
    with pytest.raises(Unavailable):
        adapter.prepare(plan, 0, lambda _: PNG)

    assert caught.value.why == f"the server answered {status}"


HOSTILE = ["<a href='", "<!--", "&", "<", "<p class='quote-inline'>", "<a href='x'>…", "<![CDATA[", "<p class='"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_broken_html_is_read_in_one_walk(piece):
    """Whatever a server sends as HTML ends in a text no longer than it; 1 MB would take hours were it quadratic."""
    html = piece * (1_000_000 // len(piece))

    assert len(visible_text(html)) <= len(html)
