"""Where a network sees a link.

The rules are those of twitter-text 3.1.0 (github.com/twitter/twitter-text, Apache-2.0, read 2026-11-22), which
Mastodon uses too; they are written anew as one walk over the labels between dots: its expressions take quadratic time
and worse on hostile text, and building them costs more than a whole check. The tests hold the two against each other.
"""
import re
from functools import cache
from string import ascii_letters, digits
from typing import NamedTuple

from publishers._link_rules import LATIN, LONGEST_LINK, Reading, X

_LONGEST_SHORT_CODE = 40                 # of a t.co link
_LONGEST_LABEL = 63                      # of a name over the wire
_BEHIND_NAME = frozenset(":/?")          # what goes on with a link
_GOES_ON = frozenset(ascii_letters + digits + "@+-")     # behind a top-level domain: it is none
_NONCHARACTERS = r"\uFFFE\uFEFF\uFFFF"
_DIRECTIONAL = r"\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"
_SPACES = r"\x09-\x0D\x20\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"


class Link(NamedTuple):
    """A link as the network sees it: positions in the text, `start` up to but not including `end`."""

    text: str
    start: int
    end: int
    has_scheme: bool
    has_path: bool


def find_links(text: str, reading: Reading = X) -> tuple[Link, ...]:
    """Every link of a text, from left to right. X looks at the text in NFC, Mastodon at the text as it is."""
    tops = _tops(text) if "." in text else {}
    links: list[Link] = []
    done = 0                             # what was matched before, as a link or as none, is not looked at again
    for start, dot, end, underscore in _labels(text, tops) if tops else ():
        if dot <= done:
            continue
        scheme = ""
        if underscore < start and text.startswith("://", start - 3):
            scheme = _scheme(text, start, done, reading.schemes)
        at = start if scheme else _start(text, start, dot, underscore, done)
        if at is None:
            continue
        done, has_path = _tail(text, end, reading) if text[end:end + 1] in _BEHIND_NAME else (end, False)
        if scheme:
            if _is_sound(text[at:end], 2 * len(scheme) + done - at, reading):
                links += _with_scheme(text, scheme, at, done, has_path)
        elif reading.takes_bare_names and (at == 0 or text[at - 1] not in "-_./"):
            found = _ascii_domains(text, at, end, tops)
            if found and _is_sound(text[at:end], len("https://") + done - at, reading):
                links += _bare(text, found, done if has_path else None)
    return tuple(links)


def _labels(text: str, tops: dict[int, int]) -> list[tuple[int, int, int, int]]:
    """Every stretch of name characters with a dot behind it that a domain goes through.

    Each as its start, its dot, the end of the domain, and its last underscore where a domain that begins in this label
    may hold none (else -1); only subdomains hold one. Found from the back, so that each is looked at once in any chain.
    """
    found: list[tuple[int, int, int, int]] = []
    chain: dict[int, int] = {}           # a label's first character → end of the domain that begins right there
    for start, stop in reversed([match.span() for match in _expression("labels").finditer(text)]):
        dot = stop - 1
        end = chain.get(stop)
        underscore = -1
        if end is None:
            end = tops.get(dot)
            if end is None:
                continue
            underscore = text.rfind("_", start, dot)
        if text[dot - 1] in "_-":
            continue
        found.append((start, dot, end, underscore))
        if text[start] not in "_-" and underscore < start:
            chain[start] = end
    return found[::-1]


def _tops(text: str) -> dict[int, int]:
    """Every dot before a top-level domain, and where that ends."""
    ascii_names, others = _domains()
    tops: dict[int, int] = {}
    for match in _expression("tops").finditer(text):
        dot, end = match.start(), match.end()
        if match[2] or (match[1] and match[1].lower() in ascii_names):
            tops[dot] = end
        else:
            for name in others.get(text[dot + 1:dot + 3].lower(), ()):
                end = dot + 1 + len(name)
                if text[dot + 1:end].lower() == name and text[end:end + 1] not in _GOES_ON:
                    tops[dot] = end
                    break
    return tops


@cache
def _domains() -> tuple[frozenset[str], dict[str, list[str]]]:
    """Top-level domains in ASCII, and the others by their first two letters, longest first."""
    from publishers._twitter_text import ASCII_TLDS, OTHER_TLDS

    others: dict[str, list[str]] = {}
    for name in sorted(OTHER_TLDS.split(), key=len, reverse=True):
        others.setdefault(name[:2], []).append(name)
    return frozenset(ASCII_TLDS.split()), others


@cache
def _expression(name: str) -> re.Pattern[str]:
    """The compiled expression of that name; compiled when a text first needs it, since most commands count nothing."""
    first = "".join({letters[0] for letters in _domains()[1]})
    no_name = rf"!'#%&()*+,\\./:;<=>?@\[\]^{{|}}~${_SPACES}{_NONCHARACTERS}{_DIRECTIONAL}"
    return re.compile({
        "labels": rf"(?<![^{no_name}])[^{no_name}]++\.",
        "tops": rf"\.(?:([0-9A-Za-z]{{2,}}+)(?![@+-])|([Xx][Nn]--[-0-9A-Za-z]+)|(?=[{first}{first.upper()}]))",
        "start": rf"(?<![0-9A-Za-z@＠$#＃{_NONCHARACTERS}])[^_-]",
        "port": r":[0-9]+",
        "short code": r"[0-9A-Za-z]+",
        "Latin name": rf"(?i:[-.a-z0-9{LATIN}]+)",
        "Latin labels": rf"(?i:(?<![-a-z0-9{LATIN}])(?:[-a-z0-9{LATIN}]++\.)+)",
    }[name])


def _scheme(text: str, start: int, done: int, schemes: tuple[str, ...]) -> str:
    """The scheme right in front of a label as it is written; empty when there is none, or none that may stand there."""
    if text[start] in "_-":
        return ""
    for scheme in schemes:
        before = start - len(scheme)
        if before >= done and text[before:start].lower() == scheme and (
                before == 0 or (before > done and _may_follow(text[before - 1]))):
            return text[before:start]
    return ""


def _may_follow(character: str) -> bool:
    return not (character.isascii() and character.isalnum()) and character not in "@＠$#＃\uFFFE\uFEFF\uFFFF"


def _start(text: str, start: int, dot: int, underscore: int, done: int) -> int | None:
    """Where the leftmost domain that begins in a label begins. None when none does.

    The character in front belongs to the match, so that a text's first character is skipped where its second will do.
    """
    first = start if done < start or not done else done + 1
    if underscore >= first:
        first = underscore + 1
    if first == 0:
        if dot > 1 and text[1] not in "_-" and _may_follow(text[0]):
            return 1
        if text[0] not in "_-":
            return 0
        first = 2
    elif text[first - 1] == " " and text[first] not in "_-":
        return first                     # the usual case
    begin = _expression("start").search(text, first, dot)
    return begin.start() if begin else None


def _tail(text: str, end: int, reading: Reading) -> tuple[int, bool]:
    """Where port, path and query behind a host end, and whether there is a path."""
    if text[end:end + 1] == ":" and (port := _expression("port").match(text, end)):
        end = port.end()
    has_path = text[end:end + 1] == "/"
    if has_path:
        end = reading.path_end(text, end)
    return reading.query_end(text, end) if text[end:end + 1] == "?" else end, has_path


def _is_sound(name: str, length: int, reading: Reading) -> bool:
    """Whether the name can be looked up at all: its labels are not empty and not too long, and neither is the link."""
    if length > LONGEST_LINK:
        return False
    if name.isascii():
        return len(name) <= _LONGEST_LABEL or all(len(label) <= _LONGEST_LABEL for label in name.split("."))
    return reading.can_exist(name)


def _with_scheme(text: str, scheme: str, at: int, whole: int, has_path: bool) -> list[Link]:
    if text[at:at + 5].lower() == "t.co/" and (short := _expression("short code").match(text, at + 5, whole)):
        if len(short[0]) > _LONGEST_SHORT_CODE:
            return []
        if not text.startswith("?", short.end()):
            whole = short.end()
    start = at - len(scheme)
    return [Link(text[start:whole], start, whole, True, has_path)]


def _bare(text: str, found: list[tuple[int, int]], whole: int | None) -> list[Link]:
    """The ASCII domains found in a name without a scheme; a path, up to `whole`, belongs to the last of them."""
    start, end = found[-1]
    end = end if whole is None else whole
    last = Link(text[start:end], start, end, False, whole is not None)
    return [*(Link(text[start:end], start, end, False, False) for start, end in found[:-1]), last]


def _ascii_domains(text: str, at: int, end: int, tops: dict[int, int]) -> list[tuple[int, int]]:
    """Start and end of each domain of Latin letters within a name, from label to the last top-level domain it has."""
    if _expression("Latin name").fullmatch(text, at, text.rfind(".", at, end)):
        return [(at, end)]               # the usual case
    found: list[tuple[int, int]] = []
    for chain in _expression("Latin labels").finditer(text[at:end]):
        start, dot = at + chain.start(), at + chain.end() - 1
        while dot > start and dot not in tops:
            dot = text.rfind(".", start, dot)
        if dot > start:
            found.append((start, tops[dot]))
    return found
