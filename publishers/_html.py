"""The text a reader sees in the HTML a network gives back, to compare it with what was sent."""
import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

_UNSEEN = "quote-inline"                 # a paragraph the server adds for readers of old software; we never sent it
_TAG = re.compile(r"(/?)([a-z][a-z0-9]*)(.*)", re.IGNORECASE | re.DOTALL)
_CLASS = re.compile(r"\bclass\s*=\s*[\"']([^\"']*)")
_HREF = re.compile(r"\bhref\s*=\s*[\"']([^\"']*)")


class _Tag(NamedTuple):
    name: str
    closes: bool
    rest: str


def visible_text(html: str) -> str:
    """Tags gone, entities decoded, `<br>` a line break, `</p>` an empty line, links whole.

    Mastodon hides the beginning and the end of a link in `<span class="invisible">`: they are part of it here. A link
    that a server cut with "…" is taken from its `href`. Servers clean their HTML, so a `>` ends a tag wherever it
    stands; time is linear in the length (html.parser takes seconds for 64 kB of broken tags).
    Source: mastodon/app/lib/text_formatter.rb, read 2026-11-22.
    """
    text: list[str] = []
    unseen, depth = "", 0                # the tag that hides what it holds, and how often it is open
    href, link = "", 0                   # of the open link: where it leads, and where its text begins
    for piece in _pieces(html):
        if isinstance(piece, str):
            if not depth:
                text.append(unescape(piece))
        elif depth:
            depth += (-1 if piece.closes else 1) if piece.name == unseen else 0
        elif piece.name == "br":
            text.append("\n")
        elif piece.name == "p" and piece.closes:
            text.append("\n\n")
        elif piece.name == "a" and piece.closes:
            if href and "".join(text[link:]).endswith("…"):
                text[link:] = [href]
            href = ""
        elif _UNSEEN in _first(_CLASS, piece.rest).split():
            unseen, depth = piece.name, 1
        elif piece.name == "a":
            href, link = unescape(_first(_HREF, piece.rest)), len(text)
    return "".join(text).strip()


def _pieces(html: str) -> Iterator[str | _Tag]:
    """Stretches of text and tags between them, in order. A `<` that nothing closes is text."""
    at = 0
    while (start := html.find("<", at)) >= 0 and (end := html.find(">", start)) >= 0:
        yield html[at:start]
        if match := _TAG.fullmatch(html, start + 1, end):
            yield _Tag(match[2].lower(), bool(match[1]), match[3])
        at = end + 1
    yield html[at:]


def _first(pattern: re.Pattern[str], attributes: str) -> str:
    match = pattern.search(attributes)
    return match[1] if match else ""
