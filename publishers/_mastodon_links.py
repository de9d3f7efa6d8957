"""What Mastodon shortens when it counts: links, and the servers of mentions.

Links are read by the rules of twitter-text with expressions of Mastodon's own for what follows a host; a name without a
scheme is none. Source: mastodon/mastodon, app/validators/status_length_validator.rb, app/lib/extractor.rb,
app/models/account.rb (MENTION_RE), config/initializers/twitter_regex.rb, read 2026-11-22.
"""
import re
import unicodedata
from functools import cache
from typing import NamedTuple

from publishers._host_names import can_exist
from publishers._link_rules import IN_BRACKETS, Reading
from publishers._links import find_links

_SCHEMES = ("http://", "https://", "dat://", "dweb://", "ipfs://", "ipns://", "ssb://", "gopher://", "gemini://")
_NOT_AT_END_OF_PATH = "!*\"'「」;:=,.$%[]~&|@"
_NOT_AT_END_OF_QUERY = "!?*'();:+$%[].,~|@^"
_LONGEST_SERVER = 253
_MENTION = r"(?<![=/\w])(@[A-Za-z0-9_]++(?:[.-]++[A-Za-z0-9_]++)*+)@(\w++(?:[.-]++\w++)*+)(?![@＠]|://)"


class _Shortened(NamedTuple):
    start: int
    end: int
    counted_as: str


def countable(text: str, link_length: int | None) -> str:
    """The text that is counted: links as `link_length` letters (None: as they are), `@user@server` as `@user`."""
    links = () if link_length is None else (
        _Shortened(link.start, link.end, "x" * link_length) for link in find_links(text, READING))
    pieces, done = [], 0
    for short in sorted((*links, *_mentions(text))):
        if short.start >= done:          # a mention within a link is part of it
            pieces += [text[done:short.start], short.counted_as]
            done = short.end
    return "".join([*pieces, text[done:]])


def without_servers(text: str) -> str:
    """The text with `@user@server` as `@user`, which is how a server shows it."""
    return countable(text, None)


def _mentions(text: str) -> list[_Shortened]:
    found = _mention(text.isascii()).finditer(text) if "@" in text else ()
    return [_Shortened(*match.span(), match[1]) for match in found if len(match[2]) <= _LONGEST_SERVER]


@cache
def _mention(is_ascii: bool) -> re.Pattern[str]:
    """The expression for a mention. Outside ASCII a word may hold marks, which only `regex` takes for part of one."""
    if is_ascii:
        return re.compile(_MENTION)
    import regex

    return regex.compile(_MENTION)       # type: ignore[no-any-return]


@cache
def _expressions() -> tuple[re.Pattern[str], ...]:
    """A path's stretch, brackets within it, brackets at its end, a query."""
    inside = r"[^\x09-\x0D\x20\x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000<>()?]"
    planes = (0xE1000 if plane == 0xE0000 else plane for plane in range(0x10000, 0x110000, 0x10000))
    beyond_ascii = r"\xA0-\uD7FF\uE000-\uFDCF\uFDF0-\uFFEF" + "".join(
        f"{chr(first)}-{chr(first | 0xFFFD)}" for first in planes)
    return (re.compile(f"{inside}+"), re.compile(rf"\((?:{inside}+|{inside}*\({inside}+\){inside}*)\)"),
            re.compile(IN_BRACKETS, re.IGNORECASE),
            re.compile(rf"[A-Za-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^{beyond_ascii}]*"))


def _path_end(text: str, slash: int) -> int:
    """Where a path ends: with anything but punctuation, or with brackets that X would take too."""
    run, in_brackets, last_brackets, _ = _expressions()
    end = at = slash + 1
    while True:
        if stretch := run.match(text, at):
            kept = stretch.group().rstrip(_NOT_AT_END_OF_PATH)
            end = at + len(kept) if kept else end
            at = stretch.end()
        if text[at:at + 1] != "(" or not (brackets := in_brackets.match(text, at)):
            return end
        end = brackets.end() if last_brackets.match(text, at) else end
        at = brackets.end()


def _query_end(text: str, mark: int) -> int:
    run = _expressions()[3].match(text, mark + 1)
    kept = run.group().rstrip(_NOT_AT_END_OF_QUERY) if run else ""
    return mark + 1 + len(kept) if kept else mark


def _name_can_exist(name: str) -> bool:
    """As IDNA 2003 without `AllowUnassigned`: libidn refuses what Unicode 3.2 does not know, emoji among it."""
    return can_exist(name) and "" not in map(unicodedata.ucd_3_2_0.bidirectional, name)


READING = Reading(_SCHEMES, False, _path_end, _query_end, _name_can_exist)
