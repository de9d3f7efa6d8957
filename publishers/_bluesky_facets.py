"""What of a Bluesky text can be clicked: links, mentions, hashtags and cashtags, by their UTF-8 bytes.

The server makes no link of anything: what is not named here is plain text. What counts as which follows the network's
own library, so that a post looks as if it were written in the app: bluesky-social/atproto packages/api/src/rich-text,
docs.bsky.app/docs/advanced-guides/post-richtext, cashtags by pull request 4539; read 2026-11-22.
"""
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from publishers._links import find_links
from publishers._text import accidental_links, graphemes, utf8_bytes

FACET = "app.bsky.richtext.facet"
TAG_GRAPHEMES, TAG_BYTES = 64, 640       # lexicon app.bsky.richtext.facet#tag
_LONGEST_HANDLE, _LONGEST_LABEL = 253, 63       # atproto.com/specs/handle
_SHOWN_PATH, _KEPT_PATH = 15, 13         # what the app leaves of a long address
_LINK = re.compile(r"(?<![\w/])https?://[\w\[][^\s<>\"“”«»„]*", re.IGNORECASE)
_BEHIND_LINK = ".,;:!?'’…*_~`|"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_MENTION = re.compile(r"(?<![^\s(])@([A-Za-z0-9.-]++)(?![@_])")
_TAG = re.compile("(?<!\\S)[#＃](?!\ufe0f)([^\\s\u00ad\u2060\u200a\u200b\u200c\u200d\u20e2]+)")
_CASHTAG = re.compile(r"(?<![^\s(])\$([A-Za-z][A-Za-z0-9]{0,4})(?=[\s.,;:!?)\"'’]|$)")


class Mark(NamedTuple):
    """A stretch of a text and what it is: positions count characters, `end` is the first one behind."""

    start: int
    end: int
    feature: dict[str, str]


class Marked(NamedTuple):
    """A text as readers see it, with all that can be clicked, from left to right, nothing over another."""

    text: str
    marks: tuple[Mark, ...]

    def facets(self) -> list[dict[str, Any]]:
        """The marks as a record has them. A mention's `did` is the name that the text says, to be looked up yet."""
        places = sorted({place for mark in self.marks for place in (mark.start, mark.end)})
        bytes_before, done = {0: 0}, 0
        for before, place in pairwise([0, *places]):
            done += utf8_bytes(self.text[before:place])
            bytes_before[place] = done
        return [{"index": {"byteStart": bytes_before[mark.start], "byteEnd": bytes_before[mark.end]},
                 "features": [mark.feature]} for mark in self.marks]


def marked(text: str, short_links: bool = False) -> Marked:
    """The text with its marks. With `short_links` the end of a long address is not shown; it leads there all the same.

    The name of a place is always shown whole: nobody is led elsewhere than they think.
    """
    pieces, marks, done, length = [], list[Mark](), 0, 0
    for link in _links(text):
        shown = _shortened(text[link.start:link.end]) if short_links else text[link.start:link.end]
        pieces += [text[done:link.start], shown]
        length += link.start - done + len(shown)
        marks.append(Mark(length - len(shown), length, link.feature))
        done = link.end
    text = "".join([*pieces, text[done:]])
    return Marked(text, _apart([*marks, *_mentions(text), *_tags(text), *_cashtags(text)]))


def long_tags(text: str) -> tuple[str, ...]:
    """Hashtags that are too long to be one: they stay plain text."""
    return tuple(tag for _, tag in _hashtags(text) if not _fits(tag))


def _links(text: str) -> tuple[Mark, ...]:
    found = []
    for match in _LINK.finditer(text):
        address = _without_end(match.group())
        found.append(Mark(match.start(), match.start() + len(address), _link(address)))
    bare = [link for link in find_links(text) if not link.has_scheme and _stands_alone(text, link.start)]
    unmeant = set(accidental_links(text)) if bare else set()
    found += [Mark(link.start, link.end, _link(f"https://{link.text}")) for link in bare if link.text not in unmeant]
    return _apart(found)


def _stands_alone(text: str, start: int) -> bool:
    return start == 0 or text[start - 1] == "(" or text[start - 1].isspace()


def _link(address: str) -> dict[str, str]:
    return {"$type": f"{FACET}#link", "uri": address}


def _without_end(address: str) -> str:
    """An address without the punctuation of its sentence. A bracket that was opened in it belongs to it."""
    surplus = {close: address.count(close) - address.count(open) for close, open in _BRACKETS.items()}
    end = len(address)
    while (last := address[end - 1]) in _BEHIND_LINK or surplus.get(last, 0) > 0:
        if last in surplus:
            surplus[last] -= 1
        end -= 1
    return address[:end]


def _shortened(address: str) -> str:
    """As the app shows an address: without its scheme, and with no more than the beginning of its path."""
    place = address.partition("://")[2] or address
    cut = min((at for mark in "/?#" if (at := place.find(mark)) >= 0), default=len(place))
    host, path = place[:cut], place[cut:]
    if path == "/":
        return host
    if len(path) <= _SHOWN_PATH:
        return place
    return f"{host}{path[:_KEPT_PATH]}..." if path.isascii() else f"{host}/..."


def _mentions(text: str) -> Iterator[Mark]:
    for match in _MENTION.finditer(text):
        name = match[1].rstrip(".-")
        if _can_be_a_handle(name):
            yield Mark(match.start(), match.start() + 1 + len(name), {"$type": f"{FACET}#mention", "did": name})


def _can_be_a_handle(name: str) -> bool:
    """Whether an account can be called so: a host name under a top-level domain that exists; `.test` is for trying."""
    labels = name.split(".")
    return (len(labels) > 1 and len(name) <= _LONGEST_HANDLE
            and all(0 < len(label) <= _LONGEST_LABEL and label[0] != "-" != label[-1] for label in labels)
            and (labels[-1].lower() in _domains() or labels[-1].lower().startswith("xn--")))


@cache
def _domains() -> frozenset[str]:
    from publishers._twitter_text import ASCII_TLDS

    return frozenset((*ASCII_TLDS.split(), "test"))


def _hashtags(text: str) -> Iterator[tuple[int, str]]:
    """Where each `#` stands, and the tag behind it, however long."""
    for match in _TAG.finditer(text):
        tag, end = match[1], len(match[1])
        while end and unicodedata.category(tag[end - 1])[0] == "P":
            end -= 1
        tag = tag[:end]
        if any(not (sign.isascii() and sign.isdigit()) and unicodedata.category(sign)[0] != "P" for sign in tag):
            yield match.start(), tag


def _fits(tag: str) -> bool:
    return utf8_bytes(tag) <= TAG_BYTES and graphemes(tag) <= TAG_GRAPHEMES


def _tags(text: str) -> Iterator[Mark]:
    for start, tag in _hashtags(text):
        if _fits(tag):
            yield Mark(start, start + 1 + len(tag), {"$type": f"{FACET}#tag", "tag": tag})


def _cashtags(text: str) -> Iterator[Mark]:
    for match in _CASHTAG.finditer(text):
        yield Mark(*match.span(), {"$type": f"{FACET}#tag", "tag": f"${match[1].upper()}"})


def _apart(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """From left to right; one that begins within another is left out. Of two at one place the first given stays."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.start):
        if not kept or mark.start >= kept[-1].end:
            kept.append(mark)
    return tuple(kept)
