"""Counting as X, Mastodon and readers count, held against twitter-text, the Unicode rules and the standard library."""
import json
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import regex
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from publishers import _host_names, _link_rules, _links, _mastodon_links, _text
from publishers._host_names import can_exist, punycode_length
from publishers._mastodon_text import length
from publishers._text import accidental_links, graphemes, graphemes_apart, links, utf8_bytes, weighted_length

with warnings.catch_warnings():
    warnings.simplefilter("ignore")      # it asks pkg_resources for its emoji list
    from twitter_text import parse_tweet
    from twitter_text.extract_urls import extract_urls_with_indices
    from twitter_text.regexp.emoji import emoji_list
    from twitter_text.regexp.valid_cctld import valid_cctld
    from twitter_text.regexp.valid_gtld import valid_gtld

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
ENGLAND = "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F"

# Where we differ from the package twitter-text-parser 3.0.0 on purpose: ours, then theirs.
DIFFERENCES = {
    "🐦\u200d🔥": (2, 5),                # joined emoji of Unicode 13 to 17; its list ends at 12
    "🙂\u200d↔\uFE0F": (2, 5),
    "👩🏻\u200d❤\uFE0F\u200d👨🏿": (2, 8),
    "🫱🏻\u200d🫲🏿": (2, 9),
    "İexample.com": (24, 23),            # Python takes İ for a letter of [a-z]; X's expressions do not
    " яяa.com/яяa.com": (26, 28),          # it replaces the name in the path too, and so loses two characters
}


def theirs(text: str) -> int:
    return int(parse_tweet(text).weightedLength)


@pytest.mark.parametrize(("text", "weight"), [
    ("", 0), ("hello", 5), ("a" * 280, 280), ("line\nbreak", 10), ("line\r\nbreak", 10), ("é", 1), ("e\u0301", 1),
    ("Привет", 6), ("שלום", 4), ("नमस्ते", 6), ("ไทย", 3), ("ᄀ", 2), ("ა", 1), ("日本語", 6), ("한국", 4), ("ﾊﾝｶｸ", 8),
    ("\u2014 \u201cquoted\u201d", 10), ("…", 2), ("•", 2), ("→", 2), ("€", 2), ("™", 2), ("©", 2), ("\u200b", 1),
    ("😀", 2), ("👍🏽", 2), (FAMILY, 2), ("🇩🇪", 2), ("🇦🇦", 4), (ENGLAND, 2), ("1️⃣", 2), ("#⃣", 2), ("❤️", 2), ("❤", 2),
    ("😀\uFE0F", 4), ("🏳️\u200d🌈", 2), ("😀\u200d😀", 5), ("🇩🇪🇫🇷", 4),
    ("https://example.com", 23), ("http://example.com/" + "a" * 500, 23), ("HTTPS://EXAMPLE.COM", 23),
    ("example.com", 23), ("see example.com.", 28), ("(example.com)", 25), ("README.md", 23), ("setup.py", 23),
    ("main.rs", 23), ("a.zip", 23), ("end.Next", 23), ("asp.net", 23), ("node.js", 7), ("v1.2", 4), ("localhost", 9),
    ("user@example.com", 16), ("ftp://example.com", 17), ("a_b.com", 7), ("sub_x.example.com", 27), ("a.zzz", 5),
    ("-a.com", 6), ("@a.com", 6), ("#a.com", 6), ("$a.com", 6), ("日本語example.com", 29), ("例.中国", 7),
    ("https://例.中国", 23), ("example.com中国語", 29), ("https://example.com/a_(b)_c", 23),
    ("https://a.com/x.(y)", 27),
    ("https://example.com:8080/x?y=z#w", 23), ("example.com:80", 26), ("example.com?x=1", 27), ("a.com/?x=!", 24),
    ("https://t.co/abc.def", 27), ("https://t.co/" + "a" * 41, 54), ("a.com,b.com b.de", 71),
    ("x" * 64 + ".com", 68),
    ("https://example.com/äö", 23), ("https://пример.рф/путь", 23), ("https://a.com/x,", 24),
    ("xn--80ak6aa92e.com", 23),
    ("a.xn--p1ai", 23), ("https://https://a.com", 31), ("a.com" + "/x" * 3000, 6005), ("。example.com", 25),
    ("http://a.com/日", 25), ("a..com", 6), (".com", 4), ("a.com@b", 7), ("example.comcom", 14), ("a.co.uk", 23),
])
def test_weights(text: str, weight: int) -> None:
    """Each of these weighs what X says, and what twitter-text makes of it."""
    assert (weighted_length(text), theirs(text)) == (weight, DIFFERENCES.get(text, (0, weight))[1])


@pytest.mark.parametrize("text", DIFFERENCES)
def test_deliberate_differences(text: str) -> None:
    """Where we leave twitter-text-parser, we know it and by how much."""
    assert (weighted_length(text), theirs(text)) == DIFFERENCES[text]


def test_every_emoji_of_its_list_weighs_two() -> None:
    """All 3,827 emoji of Unicode 12, joined ones, flags, tones and keycaps among them, weigh 2 each."""
    drawn = ["".join(chr(int(code, 16)) for code in emoji.codepoint.split()) for emoji in emoji_list]

    assert {emoji: weighted_length(emoji) for emoji in drawn} == dict.fromkeys(drawn, 2)


def test_every_top_level_domain_of_its_list_is_known() -> None:
    """The names behind a dot that make a link are exactly twitter-text's."""
    patterns = [p.pattern.partition(")(?=")[0].removeprefix("(?:(?:") for p in (valid_gtld, valid_cctld)]
    names = {name for pattern in patterns for name in pattern.split("|")}

    ascii_names, others = _links._domains()

    assert ascii_names.union(*others.values()) == names
    assert {name for name in names if weighted_length(f"https://a.{name}/x") != 23} == {
        name for name in names if theirs(f"https://a.{name}/x") != 23}


PIECES = [
    "a", "b", "foo", "Bar", "com", "co", "net", "md", "README", "zzz", "1", "23", ".", "..", "-", "_", "@", "#", "$",
    "/", "//", "http://", "https://", "HTTP://", ":", ":80", "?", "=", "&", "(", ")", "()", "(x)", "(a(b)c)", ".(", "[",
    " ", "\n", "\r\n", "日", "本", "한국", "中国", "例", "рф", "Я", "é", "e\u0301", "“", "”", '"', "…", "—", "–",
    "`", "~", "!", "'", "*", ",", ";", "+", "%", "|", "<", ">", "{", "t.co/", "t.co/abc", "xn--abc", "xn--",
    "example.com", "example.com/x", "www.example.co.uk", "com/", "localhost:8000", "ftp://",
    "😀", FAMILY, "👍🏽", "🇩🇪", "🇩", "🇪", "1️⃣",
    "©", "®", "™", "\uFE0F", "\u200D", "🏽", "\u2066", "\u200E", "\uFFFE", "\uFEFF", "＠", "＃", "。", "\u00AD", ".com",
    ".com.", ".한국", "com日", "x" * 64, "\u3000", "node.js", "v1.2", "user@example.com", "♂", "👩", "❤", ENGLAND, "#️⃣",
]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=40))
@example("https://example.com/(a).(b)")
@example("日本.example.com日b.com")
def test_any_mixture_weighs_as_in_twitter_text(text: str) -> None:
    """Any mixture of words, links, emoji and scripts weighs the same here and there."""
    whole = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    assume(not set(text) & {"İ", "ſ", "K"})
    assume(all(len(url["url"]) == url["indices"][1] - url["indices"][0] for url in extract_urls_with_indices(whole)))

    assert weighted_length(text) == theirs(text)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("a🇦🇧e\u0301\r\n👨\u200d👧🏽한\u094Dक"), max_size=300))
@example("🇦🇧" * 70 + "\u0301" + "🇦")
@example("🇦" * 129)
def test_graphemes_are_the_clusters_of_unicode(text: str) -> None:
    """The short ways (ASCII, long rows of flags) count what `\\X` counts."""
    assert graphemes(text) == len(regex.findall(r"\X", text))


def test_graphemes_of_known_texts() -> None:
    """A family, a flag, a letter with its accent and a line end are one character each."""
    texts = ("", "abc", "a\r\nb", FAMILY, "🇩🇪", "e\u0301", "é\r\n")

    assert [graphemes(text) for text in texts] == [0, 3, 3, 1, 1, 1, 2]


def test_links_are_named_in_order() -> None:
    """Links come as written, without what follows them."""
    text = "Read https://a.example.com/x?y=1, then README.md (not user@b.com), 日本語c.org/d."

    assert links(text) == ("https://a.example.com/x?y=1", "README.md", "c.org/d")


@pytest.mark.parametrize(("text", "found"), [
    ("Read README.md and setup.py.", ("README.md", "setup.py")), ("It ends.Next one starts.", ("ends.Next",)),
    ("See example.com or notion.so/page", ()), ("https://example.org/README.md", ()), ("https://get.sh", ()),
    ("get.sh/install", ()), ("Asp.Net", ("Asp.Net",)), ("EXAMPLE.COM", ()), ("README\u2060.md", ()),
])
def test_accidental_links(text: str, found: tuple[str, ...]) -> None:
    """File names and missing spaces are found; links that were meant are not, nor is a name with a word joiner."""
    assert accidental_links(text) == found


def test_the_remedy_takes_the_link_away() -> None:
    """With a word joiner before its dot a file name is no link for twitter-text either."""
    assert weighted_length("README\u2060.md") == theirs("README\u2060.md") < 23


NAMES = st.text(st.sampled_from("abXY09-_日本語한äßÉпЖשעα\u00AD\u0301\u200D。．😀Ａ①ﬁ"), min_size=1, max_size=40)


@settings(max_examples=400, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=3))
@example(["xn--ä"])
@example(["日" * 59])
@example(["ä" * 56])
@example(["ä" * 57])
@example(["aש"])
def test_names_that_can_exist_are_those_of_the_codec(labels: list[str]) -> None:
    """A name can exist exactly when Python's codec for such names takes it."""
    name = ".".join([*labels, "com"])
    assume(all(len(label) <= 63 for label in labels))
    try:
        name.encode("idna")
        takes = True
    except UnicodeError:
        takes = False

    assert can_exist(name) == takes


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_punycode_is_as_long_as_that_of_the_codec(label: str) -> None:
    """The length that is reckoned is the length that the codec writes, up to what a name may have."""
    assume(not label.isascii())

    assert min(punycode_length(label), 64) == min(len(label.encode("punycode")), 64)


@settings(deadline=None)
@given(st.text())
def test_clusters_apart_are_never_fewer(text: str) -> None:
    """Counting conjuncts apart never gives fewer characters, nor more than there are code points."""
    assert graphemes(text) <= graphemes_apart(text) <= len(text)


@given(st.text())
def test_bytes_are_those_of_the_encoded_text(text: str) -> None:
    """Bytes are counted as the text is sent, and no text is too odd to be counted."""
    assert utf8_bytes(text) == len(text.encode())
    assert utf8_bytes(text + "\uD800") == len(text.encode()) + 3


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, "@ana@b.example", "@ana", "gopher://a.com", "a.com/(日)", "@a@b@c.d"])))
def test_mastodon_counts_an_address_alike_wherever_it_stands(pieces: list[str]) -> None:
    """Between two line ends any text counts as it does alone: nothing before or after reaches into it."""
    text = "".join(pieces).strip()
    assume(text and unicodedata.category(text[0])[0] != "M" and text[0] not in "\u200D🏽")

    assert length(f"x\n\n{text}\n\ny", 23) == length(text, 23) + 6


HOSTILE = [*json.loads((Path(__file__).parent / "conformance" / "hostile-lines.json").read_text()).values(),
           "a.com日", "a-", "a.com/x.zz!", "é.", "1.", "日_", "_."]
COUNTERS = [weighted_length, accidental_links, graphemes, graphemes_apart, utf8_bytes, lambda text: length(text, 23)]


@pytest.mark.parametrize("shape", HOSTILE)
@pytest.mark.parametrize("count", COUNTERS)
def test_work_grows_with_the_text_not_with_its_square(shape: str, count: Any) -> None:
    """Twice the text is at most about twice the work, whatever the text; an ending that matches changes nothing."""
    for ending in ("", ".com", "_.com"):
        small, large = (steps(count, shape * (n // len(shape)) + ending) for n in (2_000, 4_000))
        assert large <= 2.3 * small + 200


def steps(count: Any, text: str) -> int:
    """How many lines of our own code run for one count."""
    ours, seen = {m.__file__ for m in (_text, _links, _link_rules, _host_names, _mastodon_links)}, 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal seen
        if frame.f_code.co_filename not in ours:
            return None
        seen += event == "line"
        return trace

    count(text)                          # tables and expressions are built once
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        count(text)
    finally:
        sys.settrace(before)
    return seen


GUARDED = """
import faulthandler, sys
from publishers._mastodon_text import length
from publishers._text import weighted_length
for number, shape in enumerate(eval(sys.argv[1])):
    for count in (weighted_length, lambda text: length(text, 23)):
        print(number, count.__name__, flush=True)
        faulthandler.dump_traceback_later(5, exit=True)
        count(shape * (131_072 // len(shape)) + "\\u0391a.com")
        faulthandler.cancel_dump_traceback_later()
print("done")
"""


def test_no_text_hangs_a_counter() -> None:
    """128 kB of anything hostile is counted in 5 s each, where 0.1 s is usual: expressions are bounded too."""
    ran = subprocess.run([sys.executable, "-c", GUARDED, ascii(HOSTILE)], capture_output=True, text=True)

    assert ran.stdout.splitlines()[-1:] == ["done"], ran.stderr


def test_counting_imports_nothing_heavy() -> None:
    """`drumbeat check` counts without waiting for a client library or a C extension."""
    code = ("import sys; from publishers import _text, x; _text.weighted_length('a.com é'); _text.graphemes('plain');"
            "print(sorted({'regex', 'requests', 'tweepy', 'httpx', 'twitter_text'} & set(sys.modules)))")

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
