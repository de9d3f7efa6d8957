"""What must not stand in a text that is published, wherever it stands: found by its place in the text."""
import re
from collections.abc import Iterator
from typing import NamedTuple

from flows.planning.resembling import resembling
from schemas.problem import Severity

_PLACEHOLDER = re.compile(r"\bTODO\b|\{\{[^{}\n]*\}\}|\[name\](?!\()|\bXX\b")
# Markdown as CommonMark 0.31 has it (spec.commonmark.org, sections 4.6, 4.7 and 6.6, read 2026-11-22): what it hides
# from a reviewer must not be published. A line that begins with a tag hides everything up to a blank line, whether the
# tag is closed or not; the definition of a link is not shown, nor is that of a footnote nobody refers to.
_HTML = re.compile(
    r"</?[A-Za-z][A-Za-z0-9-]*((?=\s)([^<>\n]|\n(?![ \t]*\n))*)?/?>|<(?:[!?][A-Za-z]|!\[CDATA\[)[^<>\n]*>?"
)
_HTML_LINE = re.compile(r"^ {0,3}(?P<tag><(?:/?[A-Za-z][A-Za-z0-9-]*(?=[\s/]|$)|\?))", re.MULTILINE)
_DEFINITION = re.compile(
    r"^ {0,3}(?P<label>\[(?:\^[^\[\]\n]+\]:|[^\[\]\n]+\]:[ \t]*[^\s]+"
    r"(?=(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*$)))", re.MULTILINE
)
# Everybody at once (Discord: @everyone and @here, Slack: @channel, @here and @everyone), also with signs of Markdown in
# between, which are gone when it is published. `@here@social.example` and `@here.example` are accounts.
_MASS_MENTION = re.compile(
    r"(?<![\w@＠./-])[@＠][*_\[\\]*(?:everyone|here|channel)(?!_*[^\W_]|[.-]\w|[@＠]\w)", re.IGNORECASE
)
# Characters that readers and reviewers do not see, or that turn text around (Unicode TR 36, TR 39): bidi controls,
# zero-width space, word joiner, byte order mark, line separators, controls, and tag characters outside the flags
# that Unicode makes of them (UTS 51, annex C: England, Scotland, Wales and other regions).
_HIDDEN = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f|(?P<hidden>"
                     "[\u202a-\u202e\u2066-\u2069\u200b\u2028\u2029\u2060\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f\U000e0000-\U000e007f]+)")


class Spot(NamedTuple):
    """One thing to put right, `at` characters into the text."""

    at: int
    code: str
    message: str
    remedy: str
    severity: Severity = Severity.error


def spotted(text: str) -> Iterator[Spot]:
    """Everything that must not be published as it stands, kind after kind, in time that grows as the text does."""
    if any(sign in text for sign in ("TODO", "{{", "[name]", "XX")):
        for match in _PLACEHOLDER.finditer(text):
            yield Spot(match.start(), "SYN004", f"A placeholder is left: {match[0]}.", "Write what it stands for.")
    if "![" in text:
        for at in _images(text):
            yield Spot(at, "SYN008", "An image in the text is not published.",
                       "Name the file in the front matter: media: [file.jpg].")
    if "<" in text:
        for at, tag in _html(text):
            shown = " ".join(tag[:60].split())[:40]
            yield Spot(at, "SYN008", f"HTML is not published: {shown}.", "Write it as Markdown, or remove it.")
    if "]:" in text:
        for match in _DEFINITION.finditer(text):
            yield Spot(match.start("label"), "SYN008", f"Markdown does not show this line: {match['label'][:40]}…",
                       "Write the address where it is meant, [text](https://…), or a \\ before the bracket.")
    if not text.replace("\n", "").isprintable():
        for at, name in hidden(text):
            yield Spot(at, "SYN009", f"An invisible character is here: {name}.", "Delete it and type the text again.")
    for at, name in mass_mentions(text):
        yield Spot(at, "SYN011", f"This calls everybody at once: {name}.", "Name the accounts that are meant.")
    for at, host, read in resembling(text):
        yield Spot(at, "SYN012", f"The host name {host[:60]} looks like another: machines read {read}.",
                   f"Write the name that is meant, or {read} if it is this one.", Severity.warning)


def hidden(text: str) -> Iterator[tuple[int, str]]:
    """Where `text` holds characters that nobody sees, and the name of the first of each run: `(3, "U+202E")`."""
    for match in _HIDDEN.finditer(text):
        if match["hidden"]:
            yield match.start(), f"U+{ord(match[0][0]):04X}"


def placeholder(text: str) -> str | None:
    """The first thing in `text` that stands for what was still to be written, or None."""
    match = _PLACEHOLDER.search(text)
    return match[0] if match else None


def mass_mentions(text: str) -> Iterator[tuple[int, str]]:
    """Where `text` calls everybody at once, and how: `(3, "@everyone")`."""
    if "@" in text or "＠" in text:
        for match in _MASS_MENTION.finditer(text):
            yield match.start(), match[0]


def _images(text: str) -> Iterator[int]:
    """Where each `![alt](file)` begins; found from sign to sign, since a pattern would go back and forth."""
    at = text.find("![")
    while at >= 0:
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        middle = text.find("](", at, line_end)
        end = text.find(")", middle, line_end) if middle >= 0 else -1
        if end >= 0:
            yield at
        at = text.find("![", end if end >= 0 else line_end)


def _html(text: str) -> Iterator[tuple[int, str]]:
    found = {match.start(): match[0] for match in _HTML.finditer(text)}
    for match in _HTML_LINE.finditer(text):
        found.setdefault(match.start("tag"), match["tag"])
    yield from sorted(found.items())
