"""What only Tumblr has: blocks and their ranges, drafts that get another id, pictures inside drafts, signing in."""
import hashlib
import json
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from chat_peer import Heard, Peer, Told
from contract_case import FILES, OURS, film, message, part, picture
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from tumblr_case import signed

from publishers._tumblr_text import BLOCK, Range, Text, blocks_of, cut
from publishers.base import DRAFT, Connection, Sent
from publishers.rehearsal._twin import Refusal, Rehearsal
from publishers.rehearsal.tumblr_twin import TumblrTwin, _check_block
from publishers.tumblr import MOST_PAGES, Tumblr
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(minutes=5)
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")
TOKEN = "".join(("bearer-", "planted8f1c"))              # so that no source line in a traceback holds it
SECRET = "".join(("app-", "planted77aa"))
DRAFTED, OUT = "731234567890123000", "731234567890123456"
PLAIN = message("tumblr", "A kettle", title="Mended")
CONTENT = [{"type": "text", "text": "Mended", "subtype": "heading1"}, {"type": "text", "text": "A kettle"}]


def at(address: str | None, **fields: str) -> Tumblr:
    given = {"client_id": "k3ttle", "client_secret": SECRET, "access_token": TOKEN, "blog": "kettles", **fields}
    secrets = {name: SecretStr(value) for name, value in given.items() if value}
    return Tumblr(Connection(OURS, secrets, address, 5.0, 20.0))


def yes(status: int = 200, **response: Any) -> Told:
    return Told(status, {"meta": {"status": status, "msg": "OK"}, "response": response})


def no(status: int, code: int = 8001, title: str = "No", *headers: tuple[str, str]) -> Told:
    return Told(status, {"meta": {"status": status, "msg": "No"}, "errors": [{"title": title, "code": code}]}, headers)


GONE = no(404, 0, "Not Found")


def told(said: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in at(None).check(said) if problem.severity == severity]


def publish(made: Tumblr, said: Message = PLAIN) -> PartReceipt:
    return made.publish(made.compose(said), 0, Sent(handles={DRAFT: DRAFTED}))


def form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def pieces(heard: Heard) -> dict[str, tuple[str, bytes]]:
    """The parts of a multipart request: name to head and body, in order."""
    edge = b"--" + heard.headers["content-type"].partition("boundary=")[2].encode()
    made = {}
    for piece in heard.body.split(edge)[1:-1]:
        head, _, body = piece.strip(b"\r\n").partition(b"\r\n\r\n")
        made[re.findall(r' name="([^"]*)"', head.decode())[0]] = (head.decode(), body)
    return made


def tells_nothing(error: BaseException) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    return TOKEN not in story and SECRET not in story


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([TumblrTwin(lambda: NOON)]) as running:
        yield running


@pytest.fixture
def adapter(networks) -> Tumblr:
    secrets = {name: SecretStr(value) for name, value in signed(OURS).items()}
    return Tumblr(Connection(OURS, secrets, networks.address("tumblr"), 5.0, 20.0))


# --- blocks ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("markdown", "blocks"), [
    ("One\n\nTwo", [Text("One"), Text("Two")]),
    ("One\nmore", [Text("One more")]),
    ("One  \nmore", [Text("One\nmore")]),
    ("# Top\n\n### Low", [Text("Top", subtype="heading1"), Text("Low", subtype="heading2")]),
    ("A **b *c* d** e", [Text("A b c d e", (Range(2, 7, "bold"), Range(4, 5, "italic")))]),
    ("🫖 ~~👩‍💻~~ *é*", [Text("🫖 👩‍💻 é", (Range(2, 5, "strikethrough"), Range(6, 7, "italic")))]),
    ("[a *b*](https://e.org) c", [Text("a b c", (Range(0, 3, "link", "https://e.org"), Range(2, 3, "italic")))]),
    ("See https://e.org/a_(b). Now", [Text("See https://e.org/a_(b). Now",
                                           (Range(4, 23, "link", "https://e.org/a_(b)"),))]),
    ("<https://e.org>", [Text("https://e.org", (Range(0, 13, "link", "https://e.org"),))]),
    ("[](https://e.org)", [Text("https://e.org", (Range(0, 13, "link", "https://e.org"),))]),
    ("[mail](mailto:us@e.org)", [Text("mail")]),
    ("`a*b*`", [Text("a*b*")]),
    ("![a lid](https://e.org/l.png)", [Text("a lid", (Range(0, 5, "link", "https://e.org/l.png"),))]),
    ("- a\n- b\n  1. c\n\n  d", [
        Text("a", subtype="unordered-list-item"), Text("b", subtype="unordered-list-item"),
        Text("c", subtype="ordered-list-item", indent=1), Text("d")]),
    ("> a\n>\n> > b\n> > - c", [Text("a", subtype="indented"), Text("b", subtype="indented", indent=1),
                                Text("c", subtype="unordered-list-item", indent=2)]),
    ("```\na\n  b\n```", [Text("a\n  b", subtype="chat")]),
    ("a\n\n---\n\nb", [Text("a"), Text("b")]),
    ("<b>x</b>", [Text("<b>x</b>")]),
    ("**a** **b**", [Text("a b", (Range(0, 1, "bold"), Range(2, 3, "bold")))]),
    ("  \n", []), ("", []),
])
def test_markdown_becomes_blocks(markdown, blocks) -> None:
    """Each sign of Markdown is a range, a subtype or an indent; ranges count code points."""
    assert list(blocks_of(markdown)) == blocks


def test_a_block_is_written_as_specified() -> None:
    """Only what there is: text, subtype, indent and formatting."""
    assert Text("a").as_json() == {"type": "text", "text": "a"}
    assert Text("ab", (Range(0, 1, "link", "https://e.org"), Range(1, 2, "bold")), "chat", 2).as_json() == {
        "type": "text", "text": "ab", "subtype": "chat", "indent_level": 2, "formatting": [
            {"start": 0, "end": 1, "type": "link", "url": "https://e.org"}, {"start": 1, "end": 2, "type": "bold"}]}


MARKDOWN = some.lists(some.one_of(
    some.text(max_size=40), some.sampled_from(["**", "*", "~~", "_", "`", "[a](https://e.org/x)", "https://e.org/y ",
                                               "\n", "\n\n", "> ", "- ", "1. ", "# ", "🫖", "é", "  \n", "<",
                                               "![i](u)"])), max_size=30).map("".join)


@given(MARKDOWN)
def test_ranges_always_lie_in_their_text_and_never_overlap(markdown) -> None:
    """Whatever the text, the network's own rules for a block hold, as its twin has them."""
    for block in blocks_of(markdown):
        made = block.as_json()
        assert made["text"].strip()
        try:
            _check_block(made)
        except Refusal as refusal:
            pytest.fail(str(refusal.body))
        for one in block.ranges:
            assert block.text[one.start:one.end]
            assert bool(one.url) == (one.type == "link")


@given(some.lists(some.tuples(some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
                              some.sampled_from(["", "**", "*", "~~"])), min_size=1, max_size=20))
def test_a_styled_word_is_always_found_at_its_range(words) -> None:
    """What stands between two signs is exactly what its range covers, whatever its letters weigh elsewhere."""
    clean = [("".join(letter for letter in word if letter.isalnum()) or "x", sign) for word, sign in words]
    (block,) = blocks_of("w " + " ".join(f"{sign}{word}{sign}" for word, sign in clean))
    assert block.text == "w " + " ".join(word for word, _ in clean)
    names = {"**": "bold", "*": "italic", "~~": "strikethrough"}
    expected = [(word, names[sign]) for word, sign in clean if sign]
    assert [(block.text[one.start:one.end], one.type) for one in block.ranges] == expected


@given(some.text(some.sampled_from("ab🫖 \n"), max_size=300), some.integers(0, 200), some.integers(1, 200))
def test_a_long_paragraph_always_keeps_its_letters_and_styles(text, start, long) -> None:
    """In pieces that fit it says the same, and a style covers the same letters, spaces at the cuts apart."""
    text = (text + "x") * 60
    end = min(start + long, len(text))
    made = cut(Text(text, (Range(start, end, "bold"),) if end > start else ()))
    assert all(len(piece.text) <= BLOCK for piece in made)
    assert "".join("".join(piece.text for piece in made).split()) == "".join(text.split())
    bold = "".join(piece.text[one.start:one.end] for piece in made for one in piece.ranges)
    assert "".join(bold.split()) == "".join(text[start:end].split())


def test_a_paragraph_is_cut_where_a_word_ends() -> None:
    """4,096 code points fit into one block, one more makes two; a word without an end is cut in its middle."""
    assert [len(block.text) for block in blocks_of("🫖" * BLOCK)] == [BLOCK]
    assert [len(block.text) for block in blocks_of("🫖" * (BLOCK + 1))] == [BLOCK, 1]
    assert [len(block.text) for block in blocks_of("word " * 1_000)] == [4_094, 904]


def test_hostile_texts_are_read_in_steps_that_grow_with_them() -> None:
    """64 kB of signs are checked and composed; nothing is quadratic, so this ends."""
    for text in ("[" * 65_536, "*a " * 21_845, "https://" * 8_192, "> " * 32_768, "_*" * 32_768, "(" * 65_536,
                 "https://e.org/" + ")" * 60_000, "- " * 32_768, "`" * 65_536, "~~a" * 21_845):
        said = message("tumblr", text)
        content = at(None).compose(said).parts[0].request["content"]
        assert (told(said) == ["There is nothing to post on us."]) == (content == [])


# --- thinking --------------------------------------------------------------------------------------------------------

def test_a_post_is_composed_whole() -> None:
    """Title, text, pictures, card, tags, source: the request as the network documents it."""
    said = message("tumblr", part("A *kettle*\n\n#mill", picture("k.png", "A kettle"), markdown="A *kettle*"),
                   part("And below", kind="comment"), title=" Mended\nagain ", hashtags=("mill", "a,b"),
                   card="https://example.org/card", link="https://example.org/post",
                   options={"slug": "mended", "reblogs": "noone"})
    (made,) = at(None).compose(said).parts
    assert made.request == {
        "content": [{"type": "text", "text": "Mended again", "subtype": "heading1"},
                    {"type": "text", "text": "A kettle", "formatting": [{"start": 2, "end": 8, "type": "italic"}]},
                    {"type": "text", "text": "And below"},
                    {"type": "image", "alt_text": "A kettle", "media": [
                        {"type": "image/png", "identifier": "image-0", "width": 600, "height": 600}]},
                    {"type": "link", "url": "https://example.org/card"}],
        "state": "published", "tags": "mill,a b", "source_url": "https://example.org/post", "slug": "mended",
        "interactability_reblog": "noone"}
    assert (made.media, made.alts, made.names) == (("k.png-600x600",), ("A kettle",), ("k.png",))


def test_limits_once_inside_and_once_outside() -> None:
    """1,000 blocks, 100 links, 30 pictures, 4,096 letters of alt text, 10 MB, 900 kB of text, 30 tags of 140."""
    def blocks(many: int) -> Message:
        return message("tumblr", "\n\n".join("x" * many))

    def links(many: int) -> Message:
        return message("tumblr", "\n\n".join(f"https://e.org/{n}" for n in range(many)))

    def pictures(many: int) -> Message:
        return message("tumblr", part("x", *(picture(f"k{n}.png") for n in range(many))))

    def large(size: int) -> Message:
        return message("tumblr", part("x", picture("big.jpg", size=size, blob="kettle.jpg-600x600")))

    for inside, outside in (
            (blocks(1_000), blocks(1_001)), (links(100), links(101)), (pictures(30), pictures(31)),
            (message("tumblr", part("x", picture(alt="a" * 4_096))),
             message("tumblr", part("x", picture(alt="a" * 4_097)))),
            (large(10_000_000), large(10_000_001)),
            (message("tumblr", "word " * 170_000), message("tumblr", "word " * 180_000)),
            (message("tumblr", "x", hashtags=("t",) * 30), message("tumblr", "x", hashtags=("t",) * 31)),
            (message("tumblr", "x", hashtags=("t" * 140,)), message("tumblr", "x", hashtags=("t" * 141,)))):
        assert told(inside) == []
        assert len(told(outside)) == 1


@pytest.mark.parametrize(("more", "words"), [
    ({"options": {"slug": "Not a slug"}}, "'slug' cannot be"),
    ({"options": {"source": "example.org"}}, "'source' cannot be"),
    ({"options": {"reblogs": "friends"}}, "'reblogs' cannot be")])
def test_what_an_author_can_get_wrong_is_said(more, words) -> None:
    """Options that Tumblr would not take."""
    (said,) = told(message("tumblr", "x", **more))
    assert words in said


def test_films_are_refused() -> None:
    """No film goes up, and that is said before anything is sent."""
    assert "takes no videos" in told(message("tumblr", part("It boils", film())))[0]


@pytest.mark.parametrize(("said", "id"), [
    (f"https://www.tumblr.com/kettles/{OUT}/mended-again", OUT), (f"https://kettles.tumblr.com/post/{OUT}/mended", OUT),
    (f"https://kettles.tumblr.com/{OUT}", OUT), (f"tumblr.com/kettles/{OUT}?source=share", OUT),
    (f"https://www.tumblr.com/blog/view/kettles/{OUT}", OUT), (f" {OUT} ", OUT)])
def test_addresses_that_people_paste(said, id) -> None:
    """Each usual address gives the post's id."""
    assert at(None).receipt_of(said).id == id


def test_a_blog_on_its_own_domain_is_known_by_it() -> None:
    """An address of the account's own domain is taken, one of another's is not; receipts lead there too."""
    made = at(None, blog="blog.example")
    assert made.receipt_of(f"https://blog.example/post/{OUT}/x") == PartReceipt(
        id=OUT, url=f"https://blog.example/post/{OUT}")
    with pytest.raises(ValueError, match="looks like"):
        at(None).receipt_of(f"https://blog.example/post/{OUT}/x")


@pytest.mark.parametrize("said", ["https://www.tumblr.com/kettles", "https://kettles.tumblr.com/", "post", "", "0",
                                  f"https://tumblr.com.evil.example/kettles/{OUT}", f"https://x.com/a/status/{OUT}",
                                  f"https://www.tumblr.com:8443/kettles/{OUT}"])
def test_other_addresses_are_refused(said) -> None:
    """What names no post is said to be none, with an example."""
    with pytest.raises(ValueError, match="looks like"):
        at(None).receipt_of(said)


# --- the wire --------------------------------------------------------------------------------------------------------

def test_a_text_is_a_draft_and_then_published() -> None:
    """Two documented calls: the draft, and the same content once more with the state that makes it seen."""
    with Peer(yes(201, id=DRAFTED), yes(id=OUT, state="published")) as peer:
        made = at(peer.address)
        outgoing = made.compose(PLAIN)
        draft = made.draft(outgoing, 0, Sent())
        receipt = made.publish(outgoing, 0, Sent(handles={DRAFT: draft}))
    first, second = peer.heard
    assert (draft, receipt.id) == (DRAFTED, OUT)
    assert (first.method, first.path, first.headers["authorization"]) == ("POST", "/v2/blog/kettles/posts",
                                                                          f"Bearer {TOKEN}")
    assert first.json == {"content": CONTENT, "state": "draft", "tags": ""}
    assert (second.method, second.path) == ("PUT", f"/v2/blog/kettles/posts/{DRAFTED}")
    assert second.json == {"content": CONTENT, "state": "published", "tags": ""}


def test_pictures_go_up_with_the_draft_and_stay_in_it() -> None:
    """The first part is the JSON, each picture a part of its block's name; publishing names them as Tumblr does."""
    said = message("tumblr", part("Two", picture("a.png", "A"), picture("b.gif", None)))
    kept = [[{"media_key": f"key-{n}", "type": "image/png", "url": f"https://64.media.tumblr.com/{n}"}] for n in "ab"]
    shown = yes(id=DRAFTED, state="draft", content=[
        {"type": "text", "text": "Two"}, {"type": "image", "media": kept[0]}, {"type": "image", "media": kept[1]}])
    with Peer(yes(201, id=DRAFTED), shown, shown, yes(id=OUT)) as peer:
        made = at(peer.address)
        outgoing = made.compose(said)
        handles = made.prepare(outgoing, 0, FILES.__getitem__)
        draft = made.draft(outgoing, 0, Sent(handles=handles))
        made.publish(outgoing, 0, Sent(handles={**handles, DRAFT: draft}))
    upload, look, again, put = peer.heard
    assert handles == {"a.png-600x600": f"{DRAFTED}/0", "b.gif-600x600": f"{DRAFTED}/1"}
    assert draft == f"{DRAFTED}/0,1"
    assert (upload.method, upload.path) == ("POST", "/v2/blog/kettles/posts")
    assert list(pieces(upload)) == ["json", "image-0", "image-1"]
    head, body = pieces(upload)["json"]
    assert ("filename" in head, "Content-Type: application/json" in head) == (False, True)
    assert json.loads(body) == {**outgoing.parts[0].request, "state": "draft"}
    head, body = pieces(upload)["image-1"]
    assert ('filename="b.gif"' in head, "Content-Type: image/gif" in head, body) == (True, True,
                                                                                   FILES["b.gif-600x600"])
    assert [(one.method, one.path) for one in (look, again)] == [("GET", f"/v2/blog/kettles/posts/{DRAFTED}")] * 2
    assert put.json["content"] == [
        {"type": "text", "text": "Two"}, {"type": "image", "media": kept[0], "alt_text": "A"},
        {"type": "image", "media": kept[1]}]


def test_pictures_keep_their_words_when_a_later_version_of_the_post_has_another_order(adapter, networks) -> None:
    """A draft of an earlier version is used again: each picture goes where the post has it now, none that left."""
    first, second, third = (picture(name, f"This is {name}") for name in ("a.png", "b.gif", "c.jpg"))
    earlier = adapter.compose(message("tumblr", part("As it was", first, second, third)))
    handles = adapter.prepare(earlier, 0, FILES.__getitem__)
    later = adapter.compose(message("tumblr", part("As it is", third, first), hashtags=("new",)))
    draft = adapter.draft(later, 0, Sent(handles=handles))
    assert draft.endswith("/2,0")
    adapter.publish(later, 0, Sent(handles={DRAFT: draft}))
    (made,) = httpx.get(f"{networks.url}/_rehearsal/posts").json()
    assert made["text"] == "As it is"
    assert [(media["alt"], media["sha256"]) for media in made["media"]] == [
        (one.alt, hashlib.sha256(FILES[one.blob]).hexdigest()) for one in (third, first)]


def test_a_draft_that_is_gone_is_made_anew_and_not_published() -> None:
    """Somebody deleted the draft with the pictures: nothing is posted, and it is said."""
    said = message("tumblr", part("Two", picture("a.png"), picture("b.png")))
    outgoing = at(None).compose(said)
    first, second = outgoing.parts[0].media
    with Peer(GONE) as peer, pytest.raises(Unavailable):
        at(peer.address).draft(outgoing, 0, Sent(handles={first: f"{DRAFTED}/0", second: f"{DRAFTED}/1"}))
    with Peer(GONE) as peer, pytest.raises(Unavailable):
        at(peer.address).draft(outgoing, 0, Sent(handles={first: "1/0", second: "2/1"}))
    assert peer.heard == []


@pytest.mark.parametrize("content", [[], [{"type": "image"}], [{"type": "image", "media": []}], None, ["image"]])
def test_a_draft_without_its_pictures_is_not_published(content) -> None:
    """A picture that Tumblr still works on, or lost, stops the post before its call."""
    said = message("tumblr", part("One", picture("a.png")))
    made = at(None).compose(said)
    with Peer(yes(id=DRAFTED, content=content)) as peer, pytest.raises(Unavailable):
        at(peer.address).publish(made, 0, Sent(handles={DRAFT: f"{DRAFTED}/0"}))
    assert [heard.method for heard in peer.heard] == ["GET"]


# --- answers ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("answer", "error", "until"), [
    (no(400, 8001, "'content' must be an array"), Rejected, None),
    (no(400, 8005, "media"), Rejected, None),
    (no(403, 8004), RateLimited, None), (no(403, 8011), RateLimited, None), (no(403, 8022), RateLimited, None),
    (no(403, 8023, "daily limit", DATE, ("Retry-After", "60")), RateLimited, timedelta(seconds=60)),
    (no(403, 8010), Unavailable, None),
    (no(403, 0, "You are not authorized to post to this blog"), Unauthorized, None),
    (no(401, 1016, "Unauthorized"), Unauthorized, None),
    (no(404, 0, "Not Found"), Unconfirmed, None),
    (no(429, 0, "Limit Exceeded", DATE, ("X-Ratelimit-Perhour-Remaining", "0"), ("X-Ratelimit-Perhour-Reset", "90"),
        ("X-Ratelimit-Perday-Remaining", "7"), ("X-Ratelimit-Perday-Reset", "9000")), RateLimited,
     timedelta(seconds=90)),
    (no(429, 0, "Limit Exceeded", DATE, ("X-Ratelimit-Perday-Remaining", "0"), ("X-Ratelimit-Perday-Reset", "soon")),
     RateLimited, None),
    (no(500, 8006), Unconfirmed, None), (no(500, 8009), Unconfirmed, None), (no(503, 0), Unconfirmed, None),
    (yes(), Unconfirmed, None), (yes(id="../1"), Unconfirmed, None), (yes(id=OUT, state="draft"), Unconfirmed, None),
    (yes(id=OUT, state="queued"), Unconfirmed, None),
], ids=str)
def test_each_answer_means_one_thing(answer, error, until) -> None:
    """Tumblr's own subcodes, each as what it proves; one create call in each case."""
    with Peer(answer) as peer, pytest.raises(PublishError) as caught:
        publish(at(peer.address))
    assert type(caught.value) is error
    assert [heard.method for heard in peer.heard].count("PUT") == 1
    assert tells_nothing(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.until == (NOON + until if until else None)


def test_a_draft_is_published_once_whoever_asks(adapter, networks) -> None:
    """The draft gets another id; asked again, the adapter names the post that it became, and no second one is there."""
    for said in (PLAIN, message("tumblr", part("Look", picture()), post="posts/look")):
        outgoing = adapter.compose(said)
        handles = adapter.prepare(outgoing, 0, FILES.__getitem__) if outgoing.parts[0].media else {}
        draft = adapter.draft(outgoing, 0, Sent(handles=handles))
        before = len(networks.twin("tumblr").posts)
        assert adapter.find(outgoing, 0, BEFORE, Sent(handles={DRAFT: draft})) == ((), True)
        sent = Sent(handles={**handles, DRAFT: draft})
        first = adapter.publish(outgoing, 0, sent)
        assert first.id != draft
        assert adapter.publish(outgoing, 0, sent) == first
        assert adapter.find(outgoing, 0, BEFORE, sent) == ((first,), True)
        assert len(networks.twin("tumblr").posts) == before + 1


def test_a_draft_that_somebody_deleted_is_no_post(adapter) -> None:
    """Neither there nor published: the look says so, and publishing it again leaves the doubt to people."""
    outgoing = adapter.compose(PLAIN)
    draft = adapter.draft(outgoing, 0, Sent())
    adapter.withdraw(PartReceipt(id=draft))
    sent = Sent(handles={DRAFT: draft})
    assert adapter.find(outgoing, 0, BEFORE, sent) == ((), True)
    with pytest.raises(Unconfirmed):
        adapter.publish(outgoing, 0, sent)


def row(**more: Any) -> dict[str, Any]:
    return {"id": int(OUT), "id_string": OUT, "timestamp": int(NOON.timestamp()), "content": CONTENT, **more}


@pytest.mark.parametrize(("rows", "ids"), [
    ([row(genesis_post_id=DRAFTED)], [OUT]),
    ([row(genesis_post_id=DRAFTED, content=[])], [OUT]),            # edited since: it is the one all the same
    ([row(genesis_post_id="99")], []),                               # the same words, but another draft's
    ([row()], [OUT]),
    ([row(timestamp=int(BEFORE.timestamp()) - 1)], []),
    ([row(content=[{"type": "text", "text": "Else"}])], []),
    ([row(content=[*CONTENT, {"type": "image", "media": []}])], []),
    ([row(parent_post_url="https://x.tumblr.com/1")], []),
    ([row(id_string=None)], [OUT]),
])
def test_a_look_knows_the_post_by_its_genesis_else_by_its_words(rows, ids) -> None:
    """A post that names the draft it was is certain; where Tumblr does not tell, words and pictures are compared."""
    with Peer(GONE, yes(posts=rows), yes(posts=[])) as peer:
        found = at(peer.address).find(at(None).compose(PLAIN), 0, BEFORE, Sent(handles={DRAFT: DRAFTED}))
    assert ([match.id for match in found.matches], found.complete) == (ids, True)
    assert peer.heard[1].path == "/v2/blog/kettles/posts?npf=true&limit=20&offset=0"


def test_a_look_without_an_end_is_not_complete() -> None:
    """More posts than are read since then: nobody can say that it is not among them."""
    with Peer(yes(posts=[row(content=[])])) as peer:
        found = at(peer.address).find(at(None).compose(PLAIN), 0, BEFORE, Sent())
    assert found == ((), False)
    assert len(peer.heard) == MOST_PAGES


@pytest.mark.parametrize("odd", [yes(posts=[row(timestamp="x")]), yes(posts=[row(content=3)]), yes(posts=[3]), yes(),
                                 yes(posts=[row(id=0, id_string="")])])
def test_a_list_in_another_form_is_no_answer(odd) -> None:
    """What is not documented proves nothing."""
    outgoing = at(None).compose(PLAIN)
    with Peer(odd) as peer, pytest.raises(Unavailable):
        at(peer.address).find(outgoing, 0, BEFORE, Sent())


def test_a_draft_that_became_seen_under_its_own_id_is_found() -> None:
    """Should Tumblr keep the id after all, its own word for the state decides."""
    for state, ids in (("published", [DRAFTED]), ("draft", []), (None, [])):
        with Peer(yes(id=DRAFTED, state=state)) as peer:
            found = at(peer.address).find(at(None).compose(PLAIN), 0, BEFORE, Sent(handles={DRAFT: DRAFTED}))
        assert ([match.id for match in found.matches], found.complete) == (ids, True)


def test_withdrawing_finds_the_post_by_the_draft_that_it_was() -> None:
    """A receipt that names the draft leads to the post all the same; what is nowhere is gone."""
    with Peer(GONE, yes(posts=[row(genesis_post_id=DRAFTED)]), yes(id=OUT)) as peer:
        at(peer.address).withdraw(PartReceipt(id=DRAFTED))
    assert [heard.json["id"] for heard in peer.heard if heard.method == "POST"] == [DRAFTED, OUT]
    with Peer(GONE, yes(posts=[])) as peer:
        at(peer.address).withdraw(PartReceipt(id=DRAFTED))
    assert len(peer.heard) == 2


# --- accounts --------------------------------------------------------------------------------------------------------

def test_a_refresh_token_is_good_once_and_replaced(adapter, networks) -> None:
    """Both tokens are new each time; the old refresh token buys nothing."""
    fresh = adapter.refresh()
    assert set(fresh) == {"access_token", "refresh_token", "expires_at"}
    assert fresh["expires_at"] == "2026-11-22T12:42:00Z"
    with pytest.raises(Unauthorized):
        adapter.refresh()
    secrets = {name: SecretStr(value) for name, value in {**signed(OURS), **fresh}.items()}
    assert Tumblr(Connection(OURS, secrets, networks.address("tumblr"))).refresh()["refresh_token"] != fresh[
        "refresh_token"]


def test_tokens_are_bought_with_one_documented_form() -> None:
    """Form, path and end; nothing of it is told when it is refused."""
    bought = {"access_token": "new", "refresh_token": "newer", "expires_in": 2_520, "scope": "write", "id_token": False}
    with Peer(Told(200, bought, (DATE,))) as peer:
        assert at(peer.address, refresh_token="old").refresh() == {
            "access_token": "new", "refresh_token": "newer", "expires_at": "2026-11-22T12:42:00Z"}
    assert (peer.heard[0].path, form(peer.heard[0].body)) == ("/v2/oauth2/token", {
        "grant_type": "refresh_token", "refresh_token": "old", "client_id": "k3ttle", "client_secret": SECRET})
    with Peer(Told(401, {"error": "invalid_grant", "error_description": f"no {TOKEN}"})) as peer, pytest.raises(
            Unauthorized) as caught:
        at(peer.address, refresh_token=TOKEN).refresh()
    assert tells_nothing(caught.value)


def test_a_person_says_yes_in_a_browser_and_the_blog_is_named(networks) -> None:
    """'me' becomes the name of the account's first blog; a blog that was named stays."""
    for blog, named in (("me", {"blog": OURS}), (f"rehearsal:{OURS}", {})):
        secrets = {"client_id": SecretStr(OURS), "client_secret": SecretStr("rehearsal:x"), "blog": SecretStr(blog)}
        made = Tumblr(Connection(OURS, secrets, networks.address("tumblr")))
        seen = made.authorization("http://127.0.0.1:8976/", "st4te", "verifier")
        assert dict(parse_qsl(urlsplit(seen).query)) == {
            "client_id": OURS, "response_type": "code", "scope": "basic write offline_access", "state": "st4te",
            "redirect_uri": "http://127.0.0.1:8976/"}
        back = dict(parse_qsl(urlsplit(httpx.get(seen).headers["location"]).query))
        networks.twin("tumblr").spent.clear()  # type: ignore[attr-defined]
        fields = made.exchange(back["code"], "http://127.0.0.1:8976/", "verifier")
        assert {name: value for name, value in fields.items() if name == "blog"} == named
    assert at(None).authorization("http://127.0.0.1/", "s", "v").startswith("https://www.tumblr.com/oauth2/authorize?")


@pytest.mark.parametrize("blog", ["me", "a b", "kettles/../x", "", "-x", "https://kettles.tumblr.com"])
def test_a_blog_that_is_none_is_told_before_anything_is_sent(blog) -> None:
    """The field is a name, a host or Tumblr's own id."""
    with pytest.raises(Unauthorized, match="'blog'"):
        at(None, blog=blog).withdraw(PartReceipt(id=OUT))


def test_verify_says_whose_blog_it_is(adapter) -> None:
    """The blog, its account and its id; a blog of somebody else is refused."""
    verified = adapter.verify()
    assert verified.account == "@us (@us)"
    assert (verified.account_id or "").startswith("t:")
    user = {"name": "us", "blogs": [{"name": "lids", "url": "https://lids.tumblr.com/", "uuid": "t:1", "admin": False}]}
    with Peer(yes(user=user)) as peer:
        assert at(peer.address, blog="lids.tumblr.com").verify().warnings != ()
        assert at(peer.address, blog="t:1").account_id() == "t:1"
        with pytest.raises(Unauthorized, match="no blog 'kettles'"):
            at(peer.address).account_id()


def test_a_rehearsal_outlives_a_restart(tmp_path) -> None:
    """Drafts are there after a restart, and those that were published are not."""
    secrets = {name: SecretStr(value) for name, value in signed(OURS).items()}
    with Rehearsal([TumblrTwin(lambda: NOON, tmp_path)]) as networks:
        made = Tumblr(Connection(OURS, secrets, networks.address("tumblr"), 5.0, 20.0))
        outgoing = made.compose(PLAIN)
        drafts = [made.draft(outgoing, 0, Sent()) for _ in range(2)]
        first = made.publish(outgoing, 0, Sent(handles={DRAFT: drafts[0]}))
    with Rehearsal([TumblrTwin(lambda: NOON, tmp_path)]) as networks:
        made = Tumblr(Connection(OURS, secrets, networks.address("tumblr"), 5.0, 20.0))
        assert made.publish(outgoing, 0, Sent(handles={DRAFT: drafts[0]})).id == first.id
        second = made.publish(outgoing, 0, Sent(handles={DRAFT: drafts[1]}))
        assert len({*drafts, first.id, second.id}) == 4
