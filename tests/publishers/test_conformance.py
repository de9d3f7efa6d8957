"""Counting and the detection of links held against public conformance data; conformance/SOURCES.md says whose.

A case that we do not meet stands in a table with what we say instead and why. It fails here when it starts to pass, and
so does a case that fails and stands in no table.
"""
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import regex
import yaml

from publishers import x
from publishers._links import find_links
from publishers._mastodon_links import countable
from publishers._mastodon_text import length
from publishers._text import graphemes, graphemes_apart, links, utf8_bytes, weighted_length

DATA = Path(__file__).parent / "conformance"
TWITTER_TEXT = os.environ.get("DRUMBEAT_TWITTER_TEXT")
FAMILY = "👨\u200d👩\u200d👧\u200d👧"

UNCHANGED = {                            # SHA-256 of what we did not copy by hand
    "unicode/GraphemeBreakTest-15.0.0.txt": "0d2080d0def294a4b7660801cc03ddfe5866ff300c789c2cc1b50fd7802b2d97",
    "unicode/GraphemeBreakTest-18.0.0.txt": "b0cf047ee94485bbdc846de2b902f5f8a815f6b674f9d04223cddadd91c9df31",
}

# What we say instead, and why.
OLD_LIMIT = "the section is of the time when a post held 140 characters; it holds 280"
OLD_EMOJI = "the section counts by configuration 2, each part of a joined emoji for itself; X counts by configuration 3"
TWEETS = {
    "Invalid Tweet: 141 characters": (True, OLD_LIMIT),
    "Invalid Tweet: 141 characters (due to newline)": (True, OLD_LIMIT),
}
WEIGHTS_OF_VERSION_2 = {
    "Count a mix of single byte single word, and double word unicode characters": (7, OLD_EMOJI),
    "Count unicode emoji chars outside the basic multilingual plane with skin tone modifiers": (4, OLD_EMOJI),
}
LINKS: dict[str, tuple[Any, str]] = {
    "Extract a hyphenated TLD (usually a typo)":
        ([], "version 3.1.0 takes no hyphen behind a top-level domain, and its npm package finds no link here either"),
}
HASHTAGS: dict[str, tuple[Any, str]] = {}
CASHTAGS: dict[str, tuple[Any, str]] = {}
CLUSTERS_15 = {
    "÷ 2701 × 200D × 2701 ÷": (2, "the scissors are no longer among the pictures that a joiner joins; we count more "
                                  "than a server of then, not less"),
}


def test_the_data_is_what_was_published() -> None:
    """The files that were copied byte for byte are still what their publishers gave out."""
    assert {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in UNCHANGED} == UNCHANGED


def cases(file: str, *sections: str) -> list[dict[str, Any]]:
    if TWITTER_TEXT is None:
        pytest.skip("DRUMBEAT_TWITTER_TEXT does not name the conformance/ folder of a checkout of twitter-text 3.1.0")
    tests = yaml.safe_load((Path(TWITTER_TEXT) / file).read_text(encoding="utf-8"))["tests"]
    return [case for section in sections for case in tests[section]]


def hold(rows: list[dict[str, Any]], ours: Callable[[str], Any], expected: Callable[[Any], Any],
         known: dict[str, tuple[Any, str]], how_many: int) -> None:
    """Every case gives what is expected of it, but for those known, which give what is known of them."""
    said = {row["description"]: (ours(row["text"]), expected(row["expected"])) for row in rows}
    failing = {description: said for description, (said, wanted) in said.items() if said != wanted}

    assert len(rows) == how_many
    assert failing == {description: said for description, (said, _) in known.items()}


@pytest.mark.parametrize(("section", "known", "how_many"), [
    ("WeightedTweetsWithDiscountedEmojiCounterTest", {}, 22), ("UnicodeDirectionalMarkerCounterTest", {}, 2),
    ("WeightedTweetsCounterTest", WEIGHTS_OF_VERSION_2, 20),
])
def test_weights_of_twitter_text(section: str, known: dict[str, tuple[Any, str]], how_many: int) -> None:
    """Every text weighs what X's own cases say it weighs."""
    hold(cases("validate.yml", section), weighted_length, lambda expected: expected["weightedLength"], known, how_many)


def test_lengths_that_twitter_text_allows() -> None:
    """What X's own cases call a valid post fits, and what they call too long or empty does not."""
    hold(cases("validate.yml", "tweets"), lambda text: 0 < weighted_length(text) <= 280, bool, TWEETS, 8)


def test_links_of_twitter_text() -> None:
    """Every text has the links that X's own cases say it has."""
    hold(cases("extract.yml", "urls", "tco_urls_with_params"), lambda text: list(links(text)), list, LINKS, 94)


def test_places_of_links_of_twitter_text() -> None:
    """Links start and end where X's own cases say, between marks of direction too."""
    hold(cases("extract.yml", "urls_with_indices", "urls_with_directional_markers"),
         lambda text: [(link.text, [link.start, link.end]) for link in find_links(text)],
         lambda expected: [(link["url"], link["indices"]) for link in expected], {}, 12)


def test_hashtags_of_twitter_text() -> None:
    """As many hashtags are counted as X's own cases say there are."""
    hold(cases("extract.yml", "hashtags", "hashtags_from_astral", "hashtags_with_indices"),
         lambda text: len(x._HASHTAG.findall(text)), len, HASHTAGS, 76)


def test_cashtags_of_twitter_text() -> None:
    """As many cashtags are counted as X's own cases say there are."""
    hold(cases("extract.yml", "cashtags"), lambda text: len(x._CASHTAG.findall(text)), len, CASHTAGS, 8)


def clusters(version: str) -> Iterator[tuple[str, list[str]]]:
    """Each line of Unicode's own cases, and the clusters that it says its text has."""
    for line in (DATA / "unicode" / f"GraphemeBreakTest-{version}.txt").read_text(encoding="utf-8").splitlines():
        if case := line.partition("#")[0].strip():
            parts = [part.replace("×", " ").split() for part in case.strip("÷ ").split("÷")]
            yield case, ["".join(chr(int(code, 16)) for code in part) for part in parts]


def test_clusters_of_the_newest_unicode() -> None:
    """All 853 cases of Unicode 18 have the clusters that they say, and as many are counted."""
    lines = list(clusters("18.0.0"))
    failing = {case for case, parts in lines
               if regex.findall(r"\X", "".join(parts)) != parts or graphemes("".join(parts)) != len(parts)}

    assert (len(lines), failing) == (853, set())


def test_clusters_of_unicode_before_conjuncts() -> None:
    """Where conjuncts count apart, Unicode 15.0's own cases are met, which knew no rule for them."""
    lines = list(clusters("15.0.0"))
    failing = {case: graphemes_apart("".join(parts)) for case, parts in lines
               if graphemes_apart("".join(parts)) != len(parts)}

    assert (len(lines), failing) == (602, {case: said for case, (said, _) in CLUSTERS_15.items()})


@pytest.mark.parametrize(("text", "apart", "joined"), [
    ("नमस्ते", 4, 3), ("क्षत्रिय", 5, 3), ("ខ្មែរ", 3, 2), ("\u1019\u1039\u1018\u102C\u1037", 3, 2), ("தமிழ்", 3, 3),
])
def test_conjuncts_count_apart_or_joined(text: str, apart: int, joined: int) -> None:
    """Words in some scripts have more characters for older servers (the first: bluesky-social/atproto issue 4321)."""
    assert (graphemes_apart(text), graphemes(text)) == (apart, joined)


# bluesky-social/atproto (MIT or Apache-2.0), packages/common-web/tests/strings.test.ts, and its limits of 2 to 4 in
# packages/lexicon/tests/general.test.ts; read 2026-11-22
@pytest.mark.parametrize(("text", "size", "characters"), [
    ("a", 1, 1), ("~", 1, 1), ("ö", 2, 1), ("ñ", 2, 1), ("©", 2, 1), ("⽘", 3, 1), ("☎", 3, 1), ("𓋓", 4, 1),
    ("😀", 4, 1), (FAMILY, 25, 1), ("a~öñ©⽘☎𓋓😀" + FAMILY, 47, 10), ("12" + FAMILY, 27, 3), ("12345", 5, 5),
    ("", 0, 0),
])
def test_lengths_of_bluesky(text: str, size: int, characters: int) -> None:
    """Bytes and graphemes are those of Bluesky's own cases, however conjuncts count."""
    assert (utf8_bytes(text), graphemes(text), graphemes_apart(text)) == (size, characters, characters)


B30 = "b" * 30
LONG = f"http://example.com/valid?{'#foo?' * 1000}"


# mastodon/mastodon (AGPL-3.0; its cases in words of ours), spec/validators/status_length_validator_spec.rb and
# spec/lib/extractor_spec.rb; read 2026-11-22. A warning in front counts as it is; we send none.
@pytest.mark.parametrize(("text", "counted"), [
    ("a" * 476 + f" http://{B30}.com/example", 500), ("a" * 476 + f"http://{B30}.com/example", 476 + 49),
    (LONG, len(LONG)), ("a" * 475 + f" @alice@{B30}.com", 482), ("@alice@" + "b" * 500 + ".com", 511),
    ("@alice@" + "b" * 253, 6), ("@alice@" + "b" * 254, 261), ("✨" * 500, 500), ("🏳️\u200d⚧️" * 100, 100),
    ("@screen_name@", 13), ("@screen_name", 12), ("a string without at signs", 25),
])
def test_lengths_of_mastodon(text: str, counted: int) -> None:
    """A link counts 23 where it is one, a mention without its server, everything else as clusters."""
    assert length(text, 23) == counted


# the same, spec/lib/text_formatter_spec.rb: what becomes a link, in a text; the first of them, since each has one
@pytest.mark.parametrize(("text", "link"), [
    ("https://hackernoon.com/the-power-to-build-communities-3f2cac9148a4", None), ("http://google.com", None),
    ("http://example.gay", None), ("https://nic.みんな/", None), ("(http://google.com/)", "http://google.com/"),
    ("http://www.mcmansionhell.com/post/1/50-states-of-mcmansion-hell. ",
     "http://www.mcmansionhell.com/post/1/50-states-of-mcmansion-hell"),
    ("http://www.google.com!", "http://www.google.com"), ("http://www.google.com'", "http://www.google.com"),
    ("http://www.google.com>", "http://www.google.com"),
    ("https://www.ruby-toolbox.com/search?utf8=%E2%9C%93&q=autolink", None),
    ("https://www.ruby-toolbox.com/search?utf8=✓&q=autolink", None),
    ("https://www.ruby-toolbox.com/search?utf8=✓", None),
    ("https://en.wikipedia.org/wiki/Diaspora_(software)", None),
    ('"https://example.com/"', "https://example.com/"), ("<https://example.com/>", "https://example.com/"),
    ("https://ja.wikipedia.org/wiki/日本", None), ("https://ko.wikipedia.org/wiki/대한민국", None),
    ("https://example.com/\u3000abc123", "https://example.com/"), ("「[https://example.org/」", "https://example.org/"),
    ("https://baike.baidu.com/item/中华人民共和国", None), ("https://zh.wikipedia.org/wiki/臺灣", None),
    ("http://example.com/b<del>b</del>", "http://example.com/b"), (r"http://www\.google\.com", ""),
    ("xmpp:user@instance.com", ""), ("example.com", ""), ("http://localhost/x", ""),
    # of issues 36081 and 40040 there: names younger than the list of 2020 are none
    ("https://link.amazon/whatever", ""), ("https://a.music/x", ""), ("https://a.kids/x", ""),
])
def test_links_of_mastodon(text: str, link: str | None) -> None:
    """What Mastodon makes a link of counts 23, no more and no less of it. None: all of the text; empty: nothing."""
    link = text if link is None else link

    assert countable(text, 23) == (text.replace(link, "x" * 23) if link else text)
