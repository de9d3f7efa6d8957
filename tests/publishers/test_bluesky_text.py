"""What Bluesky counts, refuses and shows, without a network: limits, marks by bytes, cards, keys, drafts."""
import re
from typing import Any

import pytest
from bluesky_case import FAMILY, heavy, subtitles
from contract_case import OURS, POST, film, message, part, picture
from hypothesis import example, given
from hypothesis import strategies as some

from publishers._bluesky_facets import marked
from publishers._bluesky_once import COLLECTION, Reference, Settled, is_record_key, record_key
from publishers.base import Connection, OutgoingPart
from publishers.bluesky import Bluesky
from schemas.content import Probe
from schemas.ledger import Slot
from schemas.message import Message
from schemas.place import Place
from schemas.problem import Problem, Severity

ADAPTER = Bluesky(Connection(OURS))
ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
slots = some.builds(Slot, some.from_regex(r"[a-z0-9/-]{1,40}", fullmatch=True),
                    some.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True), some.from_regex(r"[1-9]", fullmatch=True))


def of(*parts: Any, **more: Any) -> Message:
    return message("bluesky", *parts, **more)


def only(made: Message) -> OutgoingPart:
    (part,) = ADAPTER.compose(made).parts
    return part


def record(made: Message) -> dict[str, Any]:
    found: dict[str, Any] = only(made).request["record"]
    return found


def said(made: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in ADAPTER.check(made) if problem.severity == severity]


def clickable(text: str, short: bool = False) -> list[tuple[str, str]]:
    """What each mark covers, cut out of the text by its bytes, and what it says."""
    made = marked(text, short)
    raw, found = made.text.encode(), []
    for facet in made.facets():
        (feature,) = facet["features"]
        covered = raw[facet["index"]["byteStart"]:facet["index"]["byteEnd"]].decode()
        found.append((covered, next(value for name, value in feature.items() if name != "$type")))
    return found


# --- keys ------------------------------------------------------------------------------------------------------------

def moment_and_clock(key: str) -> tuple[int, int]:
    """A TID taken apart as its specification says: 64 bits, of which 53 are microseconds and 10 a clock's number."""
    number = 0
    for letter in key:
        number = number * 32 + ALPHABET.index(letter)
    assert number < 2 ** 63
    return number >> 10, number & 1023


@given(slots, some.integers(0, 500))
def test_a_key_is_always_a_tid_and_parts_are_in_order(slot, number):
    """Thirteen letters that the reference server takes; a later part sorts behind an earlier one, and is apart."""
    key, later = record_key(slot, number), record_key(slot, number + 1)
    assert re.fullmatch("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", key)
    assert is_record_key(key)
    assert key < later
    (moment, clock), (next_moment, next_clock) = moment_and_clock(key), moment_and_clock(later)
    assert (next_moment, next_clock) == (moment + 1, clock)
    assert 1_672_531_200_000_000 <= moment < 1_735_689_600_000_000 + 501       # 2023-01-01 to 2025-01-01
    assert clock >= 32                                                       # 0 to 31 are the reference code's


@given(some.lists(slots, unique=True, min_size=2, max_size=30))
def test_two_slots_never_share_a_key(many):
    """Different posts, channels and runs stand apart; the same slot stands where it stood."""
    keys = [record_key(slot, 0) for slot in many]
    assert len(set(keys)) == len(many)
    assert keys == [record_key(Slot(*slot), 0) for slot in many]


def test_the_number_zero_is_the_key_of_the_specification():
    """The worked examples of atproto.com/specs/tid: what may begin a key, and what may not."""
    assert is_record_key("3jzfcijpj2z2a")
    assert is_record_key("2222222222222")
    others = ("zzzzzzzzzzzzz", "3jzfcijpj2z2", "3jzfcijpj2z2aa", "3JZFCIJPJ2Z2A", "0000000000000")
    assert not any(map(is_record_key, others))


@given(some.dictionaries(some.text(max_size=20), some.text(max_size=20), max_size=3), some.booleans(),
       some.lists(some.text(max_size=20), max_size=4).map(tuple))
def test_a_draft_reads_back_as_it_was_written(mentions, answers, files):
    root = Reference("at://did:plc:x/app.bsky.feed.post/3jzfcijpj2z2a", "bafy") if answers else None
    settled = Settled("did:plc:x", "2026-11-22T12:00:00.000Z", mentions, root, root, files)
    assert Settled.of(settled.handle()) == settled


@pytest.mark.parametrize("handle", ["", "{}", "null", "[]", '"x"', "[" * 9000, '{"did": 1}'])
def test_a_draft_that_was_not_made_here_is_refused(handle):
    with pytest.raises(ValueError):
        Settled.of(handle)


# --- limits ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "counted"), [
    ("", 0), ("hello", 5), ("é", 1), (FAMILY, 1), ("🇩🇪🇫🇷", 2), ("日本", 2), ("see https://example.org/abc", 27),
])
def test_it_counts_graphemes(text, counted):
    """A link counts as long as it is shown."""
    assert ADAPTER.length(text) == counted


def problem(code: str, what: str, remedy: str, place: Place | None = None) -> Problem:
    return Problem(code, Severity.error, place or Place(POST, 7), what, remedy, "posts/kettle", "us")


@pytest.mark.parametrize(("inside", "outside", "what"), [
    (of("x" * 300), of("x" * 301), "301/300 on us."),
    (of("x" * 400, limits={"text": 400}), of("x" * 401, limits={"text": 400}), "401/400 on us."),
    (of(FAMILY * 120), of(FAMILY * 121), "3,025/3,000 bytes on us."),
    (of(part("4", *(picture(f"{n}.jpg") for n in range(4)))), of(part("5", *(picture(f"{n}.jpg") for n in range(5)))),
     "5/4 images on us."),
    (of(part("A", heavy("a.png", 2_000_000))), of(part("A", heavy("a.png", 2_000_001))),
     "2,000,001/2,000,000 bytes on us: content/media/a.png."),
    (of(part("A", picture(alt="x" * 2_000))), of(part("A", picture(alt="x" * 2_001))),
     "2001/2000 characters of alt text on us: content/media/kettle.jpg."),
    (of(part("A", film(size=50_000_000))), of(part("A", film(size=50_000_001))),
     "50,000,001/50,000,000 bytes on us: content/media/kettle.mp4."),
    (of(part("A", film(probe=Probe("mp4", 1, 1, 180.0)))), of(part("A", film(probe=Probe("mp4", 1, 1, 180.1)))),
     "180.1 s of video, 180 s at most on us: content/media/kettle.mp4."),
    (of(part("A", film(alt="x" * 1_000))), of(part("A", film(alt="x" * 1_001))),
     "1001/1000 characters of alt text for a video on us: content/media/kettle.mp4."),
    (of(part("A", film())), of(part("A", film(), film("other.mp4", blob="other"))), "2/1 videos on us."),
    (of(part("A", film())), of(part("A", film(), picture())), "us takes images or a video, not both in one post."),
    (of(part("A", picture())), of(part("A", picture("kettle.png", file="content/media/kettle.heic"))),
     "us does not take .heic files: content/media/kettle.heic."),
    (of(part("A", film(captions=subtitles("a.vtt", 20_000))), language="en"),
     of(part("A", film(captions=subtitles("a.vtt", 20_001))), language="en"),
     "20,001/20,000 bytes of subtitles on us: content/media/a.vtt."),
    (of(part("A", film(captions=subtitles("a.vtt"))), language="en"),
     of(part("A", film(captions=subtitles("a.srt"))), language="en"),
     "us takes subtitles as WebVTT (.vtt) only: content/media/a.srt."),
    (of(part("A", heavy("c.png", 1_000_000)), card="https://a.example/", options={"card_image": True}),
     of(part("A", heavy("c.png", 1_000_001)), card="https://a.example/", options={"card_image": True}),
     "1,000,001/1,000,000 bytes of a link card's picture on us: content/media/c.png."),
    (of(part("A", picture()), card="https://a.example/", options={"card_image": True}),
     of(part("A", picture(), picture("b.png")), card="https://a.example/", options={"card_image": True}),
     "2/1 pictures on the link card on us."),
    (of(part("A", film()), card="https://a.example/"),
     of(part("A", film()), card="https://a.example/", options={"card_image": True}),
     "A link card on us shows no video: content/media/kettle.mp4."),
    (of("A", language="en", options={"languages": ("de", "pt-BR")}),
     of("A", language="en", options={"languages": ("de", "pt-BR", "fr")}), "4/3 languages on us."),
    (of("A", options={"languages": "zh-Hant-TW"}), of("A", options={"languages": "deutsch!"}),
     "'deutsch!' is no language on us."),
    (of("A", options={"labels": ("nudity", "graphic-media")}), of("A", options={"labels": ("spiders",)}),
     "'labels' cannot be spiders on us."),
    (of("A", options={"links": "short"}), of("A", options={"links": "none"}), "'links' cannot be none on us."),
    (of("A", part("B")), of("A", part(" ")), "One post of the thread on us would be empty."),
    (of(part("", picture())), of(" "), "There is nothing to post on us."),
])
def test_each_limit_once_inside_and_once_outside(inside, outside, what):
    """What is allowed says nothing; one more says what is too much, and where."""
    assert said(inside) == []
    assert said(outside) == [what]


def test_a_problem_names_its_place_and_what_to_do():
    assert ADAPTER.check(of(FAMILY * 121)) == [problem(
        "TXT001", "3,025/3,000 bytes on us.", "Take out some emoji: one made of several can have 25 bytes and more.")]


@pytest.mark.parametrize(("made", "what"), [
    (of("A", warning="Spiders"),
     "us has no content warnings in words: the post goes out without it there."),
    (of(f"A #{'x' * 65}"), f"#{'x' * 20}… is no hashtag on us: one has at most 64 characters."),
    (of(part("A", picture("k.gif", probe=Probe("gif", 6, 6, frames=3)))),
     "content/media/k.gif moves, and us may show it as a still."),
    (of(part("A", film(captions=subtitles("a.vtt")))),
     "us will say that the subtitles are English: the post names no language."),
])
def test_what_readers_would_not_see_as_meant_is_a_warning(made, what):
    assert (said(made), said(made, Severity.warning)) == ([], [what])


def test_a_hashtag_of_64_characters_is_one():
    assert said(of(f"A #{'x' * 64}"), Severity.warning) == []
    assert clickable(f"#{'x' * 64} #{'x' * 65}") == [(f"#{'x' * 64}", "x" * 64)]


# --- marks -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "marks"), [
    ("", []), ("plain words", []),
    ("see https://example.org/a.", [("https://example.org/a", "https://example.org/a")]),
    ("Grüße 👩‍🏭 https://example.org/ä?b=c&d=e#f!", [("https://example.org/ä?b=c&d=e#f",) * 2]),
    ("(https://example.org/a)", [("https://example.org/a",) * 2]),
    ("https://en.wikipedia.org/wiki/Kettle_(pot).", [("https://en.wikipedia.org/wiki/Kettle_(pot)",) * 2]),
    ("“https://example.org/a”", [("https://example.org/a",) * 2]),
    ("HTTP://EXAMPLE.ORG", [("HTTP://EXAMPLE.ORG",) * 2]),
    ("https://ja.example/日本 x", [("https://ja.example/日本",) * 2]),
    ("https:// http://) xhttp://a.example ftp://a.example", []),
    ("go to example.org/a, now", [("example.org/a", "https://example.org/a")]),
    ("read README.md, then setup.py at the end.Next", []),
    ("mail ana@example.org", []),
    ("hi @alice.bsky.social!", [("@alice.bsky.social", "alice.bsky.social")]),
    ("(@alice.test) and @ALICE.test.", [("@alice.test", "alice.test"), ("@ALICE.test", "ALICE.test")]),
    ("@alice @-a.test @a..test @a.nosuchdomain x@a.test @a.test@b.example @a.test_", []),
    ("@" + "a" * 64 + ".test @" + "a." * 125 + "test", []),
    ("#mill #Mühle, #日本 #1st #2026 #_ # #️⃣ a#b",
     [("#mill", "mill"), ("#Mühle", "Mühle"), ("#日本", "日本"), ("#1st", "1st")]),
    ("＃mill #two-words! #c++", [("＃mill", "mill"), ("#two-words", "two-words"), ("#c++", "c++")]),
    ("$mill ($A1), $TOOLONG $5 US$BTC $BTC.", [("$mill", "$MILL"), ("$A1", "$A1"), ("$BTC", "$BTC")]),
    ("https://example.org/#kettle #kettle", [("https://example.org/#kettle",) * 2, ("#kettle", "kettle")]),
    ("https://example.org/@alice.test", [("https://example.org/@alice.test",) * 2]),
])
def test_what_can_be_clicked(text, marks):
    """As the network's own app sees it, cut out by bytes."""
    assert clickable(text) == marks


PIECES = ("https://a.example/", "(", ")", " ", "@a.test", "#b", "ß", "👩‍🏭", "$C", ".", "x.org", "\n", "日", "[",
          ",", "-", "_")


@given(some.lists(some.sampled_from(PIECES), max_size=30).map("".join))
def test_marks_never_overlap_and_always_cut_the_text_between_characters(text):
    """From left to right, one behind the other, each the words that were marked."""
    made, done = marked(text), 0
    for mark, facet in zip(made.marks, made.facets(), strict=True):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert done <= start < end <= len(text.encode())
        assert text.encode()[start:end].decode() == text[mark.start:mark.end]
        done = end
    assert made.text == text


@pytest.mark.parametrize(("text", "shown", "uri"), [
    ("x https://www.example.org/a/rather/long/path?utm=b y", "x www.example.org/a/rather/lon... y",
     "https://www.example.org/a/rather/long/path?utm=b"),
    ("https://example.org/", "example.org", "https://example.org/"),
    ("https://example.org/short", "example.org/short", "https://example.org/short"),
    ("https://example.org?utm_source=bluesky.", "example.org?utm_source=b....", "https://example.org?utm_source=bluesky"),
    ("https://ja.example/日本日本日本日本日本日本日本日本", "ja.example/...", "https://ja.example/日本日本日本日本日本日本日本日本"),
])
def test_a_short_link_is_shown_short_and_leads_there_all_the_same(text, shown, uri):
    """The name of the place is always whole; the words around keep their place; what is counted is what is shown."""
    made = marked(text, True)
    assert (made.text, made.marks[0].feature["uri"]) == (shown, uri)
    part = only(of(text, options={"links": "short"}))
    assert (part.text, part.request["record"]["text"]) == (shown, shown)


@given(some.text(max_size=200))
@example("https://example.org/x" * 5)
def test_short_links_never_change_the_other_words(text):
    """Without an address in it, the text stays as it is; with one, marks still cut between characters."""
    made = marked(text, True)
    for facet in made.facets():
        made.text.encode("utf-8", "surrogatepass")[facet["index"]["byteStart"]:facet["index"]["byteEnd"]].decode()
    if not any("uri" in mark.feature for mark in marked(text).marks):
        assert made.text == text


@pytest.mark.parametrize(("text", "marks"), [
    ("#" + "!" * 65_000, 0), ("https://a" + ")" * 65_000, 1), ("https://a" + "(" * 65_000, 1), ("@" + "a." * 32_000, 0),
    ("@a" * 32_000, 0), ("$A" * 32_000, 0), ("# " * 32_000, 0), ("#a " * 21_000, 21_000), ("https://a " * 6_500, 6_500),
    ("a." * 32_000, 0), ("(" * 65_000, 0), ("@a.test " * 8_000, 8_000), ("https://a.example/#" * 3_400, 1),
    ("https://" * 8_000, 1), ("#" + "\u0301" * 65_000, 0),
])
def test_a_hostile_text_is_read_whole(text, marks):
    """64 kB written to be slow keep their words, and have no more marks than a reader would find."""
    made = marked(text)
    assert made.text == text
    assert len(made.facets()) == marks


# --- what is sent ----------------------------------------------------------------------------------------------------

def test_a_post_is_composed_whole():
    """The body of the call as it is documented, but for what only the network knows."""
    made = of("Mended: https://example.org/kettle #mill by @alice.test", language="en",
              options={"languages": ("de", "en"), "labels": ("nudity",)})
    assert only(made).request == {
        "collection": COLLECTION, "rkey": record_key(made.slot, 0), "swapRecord": None,
        "record": {
            "$type": "app.bsky.feed.post", "text": "Mended: https://example.org/kettle #mill by @alice.test",
            "langs": ["en", "de"],
            "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]},
            "facets": [
                {"index": {"byteStart": 8, "byteEnd": 34},
                 "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://example.org/kettle"}]},
                {"index": {"byteStart": 35, "byteEnd": 40},
                 "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "mill"}]},
                {"index": {"byteStart": 44, "byteEnd": 55},
                 "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "alice.test"}]}]}}


def test_a_plain_post_says_no_more_than_it_must():
    assert record(of("Hi")) == {"$type": "app.bsky.feed.post", "text": "Hi"}


def test_pictures_go_with_their_words_and_sizes():
    """A picture that nobody described has empty words, and one that nobody measured no size."""
    made = only(of(part("A", picture(width=60, height=40), picture("b.png", None, probe=None))))
    assert made.request["record"]["embed"] == {"$type": "app.bsky.embed.images", "images": [
        {"alt": "A kettle", "aspectRatio": {"width": 60, "height": 40}}, {"alt": ""}]}
    assert (made.alts, made.names) == (("A kettle", ""), ("kettle.jpg", "b.png"))


def test_a_video_goes_with_its_subtitles():
    """They go up as a file of their own, in the post's language."""
    made = only(of(part("A", film(captions=subtitles("a.vtt"))), language="de"))
    assert made.request["record"]["embed"] == {
        "$type": "app.bsky.embed.video", "alt": "A kettle boils", "aspectRatio": {"width": 1280, "height": 720},
        "captions": [{"lang": "de"}]}
    assert (made.media, made.alts) == (("film", "a.vtt-40"), ("A kettle boils", ""))
    assert made.names == ("kettle.mp4", "a.vtt")


@pytest.mark.parametrize(("more", "external"), [
    ({}, {"title": "a.example", "description": ""}),
    ({"title": "Kettles"}, {"title": "Kettles", "description": ""}),
    ({"title": "Kettles", "options": {"card_title": "Pots", "card_text": "All of them"}},
     {"title": "Pots", "description": "All of them"}),
])
def test_a_link_card_says_what_the_post_says(more, external):
    """Nothing is fetched: without a title it is called by its site."""
    made = record(of("Look", card="https://a.example/?b=c", **more))
    assert made["text"] == "Look"
    assert made["embed"] == {"$type": "app.bsky.embed.external",
                             "external": {"uri": "https://a.example/?b=c", **external}}


def test_a_card_beside_pictures_goes_into_the_text():
    """A post holds one or the other, and the link is not lost; it is there once, and counted."""
    made = of(part("Look", picture()), card="https://a.example/")
    assert record(made)["text"] == "Look\n\nhttps://a.example/"
    assert record(made)["embed"]["$type"] == "app.bsky.embed.images"
    twice = of(part("At https://a.example/", picture()), card="https://a.example/")
    assert record(twice)["text"] == "At https://a.example/"
    assert said(of(part("x" * 290, picture()), card="https://a.example/")) == ["310/300 on us."]


def test_the_picture_of_a_card_stands_on_it_alone():
    """It has no words of its own there; a card is for the first post of a thread."""
    made = ADAPTER.compose(of(part("Look", picture()), "And more", card="https://a.example/",
                              options={"card_image": True}))
    first, second = made.parts
    assert first.request["record"]["embed"]["$type"] == "app.bsky.embed.external"
    assert (first.media, first.alts) == (("kettle.jpg-600x600",), ("",))
    assert "embed" not in second.request["record"]


@given(some.text(max_size=400), some.text(max_size=30))
def test_what_is_checked_is_what_is_sent(text, title):
    """The text that was counted is the text of the call, whatever it holds; and the payload is always JSON."""
    made = of(text, title=title, card="https://a.example/")
    part = only(made)
    too_long = ADAPTER.length(part.text) > 300
    assert any("/300 on us." in one for one in said(made)) == too_long
    assert part.text == part.request["record"]["text"]
    assert ADAPTER.compose(made).canonical()


# --- addresses -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("address", "url"), [
    ("3jzfcijpj2z2a", None),
    (" https://bsky.app/profile/alice.test/post/3jzfcijpj2z2a ", "https://bsky.app/profile/alice.test/post/3jzfcijpj2z2a"),
    ("bsky.app/profile/did:plc:abc/post/3jzfcijpj2z2a?x=y", "https://bsky.app/profile/did:plc:abc/post/3jzfcijpj2z2a"),
    ("https://bsky.app/profile/did%3Aplc%3Aabc/post/3jzfcijpj2z2a",
     "https://bsky.app/profile/did:plc:abc/post/3jzfcijpj2z2a"),
    ("at://did:plc:abc/app.bsky.feed.post/3jzfcijpj2z2a", "https://bsky.app/profile/did:plc:abc/post/3jzfcijpj2z2a"),
])
def test_a_pasted_address_is_understood(address, url):
    """By name, by lasting id, the at:// name, the bare key: the id is always the key."""
    receipt = ADAPTER.receipt_of(address)
    assert (receipt.id, receipt.url) == ("3jzfcijpj2z2a", url)


@pytest.mark.parametrize("address", [
    "", "alice.test", "https://bsky.app/profile/alice.test", "https://bsky.app/profile/alice.test/post/notakey",
    "https://bsky.app.example/profile/alice.test/post/3jzfcijpj2z2a", "at://did:plc:abc/app.bsky.feed.like/3jzfcijpj2z2a",
    "https://bsky.app/profile/alice.test/post/3jzfcijpj2z2a/quotes", "http://bsky.app:8080/profile/a.test/post/3jzfcijpj2z2a",
    "https://example.org/3jzfcijpj2z2a", "https://bsky.app/profile/a<b/post/3jzfcijpj2z2a",
])
def test_anything_else_is_not(address):
    with pytest.raises(ValueError, match="looks like https://bsky"):
        ADAPTER.receipt_of(address)
