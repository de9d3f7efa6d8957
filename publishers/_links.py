"""Where X sees a link.

The rules are those of twitter-text 3.0 (github.com/twitter/twitter-text, Apache-2.0, read 2026-11-22), written anew as
one walk over the labels between dots: its expressions take quadratic time and worse on hostile text, and building them
costs more than a whole check. The tests hold the two against each other.
"""
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

_LONGEST_LINK = 4096
_LONGEST_SHORT_CODE = 40                 # of a t.co link
_LONGEST_LABEL = 63

_LATIN = (r"\xC0-\xD6\xD8-\xF6\xF8-\xFF\u0100-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272"
          r"\u0289\u028B\u02BB\u0300-\u036F\u1E00-\u1EFF")
_CYRILLIC = r"\u0400-\u04FF"
_NONCHARACTERS = r"\uFFFE\uFEFF\uFFFF"
_DIRECTIONAL = r"\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"
_SPACES = r"\x09-\x0D\x20\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_NOT_AT_END_OF_PATH = "!*';:,.$%[]\u2013~@|&"
_NOT_AT_END_OF_QUERY = "!?*'@();:+$%[].,~|"


class Link(NamedTuple):
    """A link as X sees it: positions in the NFC text, `start` up to but not including `end`."""

    text: str
    start: int
    end: int
    has_scheme: bool
    has_path: bool


def find_links(text: str) -> Iterator[Link]:
    """Every link of an NFC text, from left to right."""
    if "." not in text:
        return
    done = 0                             # what was matched before, as a link or as none, is not looked at again
    for label in _labels(text):
        while (start := _start(text, label, done)) is not None:
            scheme, at, end = start
            port = _port_end(text, end)
            path = _path_end(text, port)
            done = whole = _query_end(text, path or port)
            if _is_sound(text, at, end, scheme, whole):
                yield from _with_scheme(text, scheme, at, whole) if scheme else _bare(text, at, end, path and whole)


@cache
def _domains() -> tuple[frozenset[str], frozenset[str], int, int]:
    """Top-level domains in ASCII, the others, and the length of the longest of each."""
    from publishers._twitter_text import ASCII_TLDS, OTHER_TLDS

    ascii_names, others = frozenset(ASCII_TLDS.split()), frozenset(OTHER_TLDS.split())
    return ascii_names, others, max(map(len, ascii_names)), max(map(len, others))


def _domain_end(text: str, start: int) -> int | None:
    """Where the top-level domain that begins at `start` ends; None when none does."""
    ascii_names, others, ascii_longest, longest = _domains()
    head = text[start:start + ascii_longest + 1]
    if head[:1].isascii():
        length = len(head) - len(head.lstrip("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        if head[:length].lower() in ascii_names and text[start + length:start + length + 1] not in ("@", "+", "-"):
            return start + length
        if punycode := _pattern(r"xn--[-0-9a-z]+").match(text, start):
            return punycode.end()
    if head.isascii():
        return None
    for end in range(min(start + longest, len(text)), start, -1):
        if text[start:end].lower() in others:
            after = text[end:end + 1]
            if not (after.isascii() and (after.isalnum() or after in ("@", "+", "-"))):
                return end
    return None


class _Label(NamedTuple):
    """A stretch of name characters with a dot after it, and where a domain that goes through that dot ends."""

    start: int
    dot: int
    deeper: int | None                   # end of a domain whose next label is a label again
    top: int | None                      # end of the top-level domain right after the dot
    last_underscore: int                 # -1: none. Only a subdomain may hold one

    def domain_end(self, start: int) -> int | None:
        if self.deeper is not None:
            return self.deeper
        return self.top if self.last_underscore < start else None


def _labels(text: str) -> list[_Label]:
    """Every label, from the back, so that each is looked at once however long the chain of labels is."""
    names = _pattern(rf"[^!'#%&()*+,\\./:;<=>?@\[\]^{{|}}~${_SPACES}{_NONCHARACTERS}{_DIRECTIONAL}]+")
    found: list[_Label] = []
    chain: dict[int, int | None] = {}    # end of the domain that begins right at a label's first character
    spans = [m.span() for m in names.finditer(text) if text[m.end():m.end() + 1] == "."]
    for start, dot in reversed(spans):
        if text[dot - 1] in "_-":
            continue
        deeper = chain.get(dot + 1)
        label = _Label(start, dot, deeper, None if deeper is not None else _domain_end(text, dot + 1),
                       text.rfind("_", start, dot))
        if text[start] not in "_-":
            chain[start] = label.domain_end(start)
        if label.deeper is not None or label.top is not None:
            found.append(label)
    return found[::-1]


def _start(text: str, label: _Label, done: int) -> tuple[str, int, int] | None:
    """The leftmost domain that starts in a label: its scheme, its start and its end. None when none does."""
    if done >= label.dot:
        return None
    if (end := label.domain_end(label.start)) is not None and text[label.start] not in "_-":
        for scheme in ("http://", "https://"):
            before = label.start - len(scheme)
            if before >= done and text[before:label.start].lower() == scheme and (
                    before == 0 or (before > done and _may_precede(text[before - 1]))):
                return text[before:label.start], label.start, end
    first = max(label.start, done + 1) if done else label.start
    order = [1, 0, *range(2, label.dot)] if first == 0 else range(first, label.dot)
    for at in order:
        if at < label.dot and text[at] not in "_-" and (at == 0 or _may_precede(text[at - 1])):
            end = label.domain_end(at)
            if end is not None:
                return "", at, end
    return None


def _may_precede(character: str) -> bool:
    return not (character.isascii() and character.isalnum()) and character not in "@＠$#＃\uFFFE\uFEFF\uFFFF"


def _port_end(text: str, at: int) -> int:
    port = _pattern(r":[0-9]+").match(text, at)
    return port.end() if port else at


def _path_end(text: str, at: int) -> int | None:
    """Where a path that begins at `at` ends; None when there is none. A last full stop is not part of it.

    Brackets at the end belong to it only right behind a letter, a digit or other brackets: the expression that X uses
    says so, by an alternative that was left without its own group.
    """
    if text[at:at + 1] != "/":
        return None
    inside = rf"[a-z{_CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN}]"
    run = _pattern(f"{inside}+")
    in_brackets = _pattern(rf"\((?:{inside}+|{inside}*\({inside}+\){inside}*)\)")
    end = at = at + 1
    while True:
        if stretch := run.match(text, at):
            kept = stretch.group().rstrip(_NOT_AT_END_OF_PATH)
            end = at + len(kept) if kept else end
            at = stretch.end()
        if (brackets := in_brackets.match(text, at)) is None:
            return end
        end = brackets.end() if end == at else end
        at = brackets.end()


def _query_end(text: str, at: int) -> int:
    if text[at:at + 1] != "?":
        return at
    run = _pattern(r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*").match(text, at + 1)
    kept = run.group().rstrip(_NOT_AT_END_OF_QUERY) if run else ""
    return at + 1 + len(kept) if kept else at


def _is_sound(text: str, at: int, end: int, scheme: str, whole: int) -> bool:
    """Whether the name can be looked up at all: its labels are not empty and not too long, and neither is the link."""
    domain = text[at:end]
    if end - at > _LONGEST_LINK or any(len(part) > _LONGEST_LABEL for part in domain.split(".")):
        return False
    try:
        wire_length = len(domain.encode("idna"))
    except UnicodeError:
        return False
    written = len(scheme) + whole - end + wire_length
    return len(scheme or "https://") + written <= _LONGEST_LINK


def _with_scheme(text: str, scheme: str, at: int, whole: int) -> Iterator[Link]:
    start = at - len(scheme)
    short = _pattern(r"https?://t\.co/([a-z0-9]+)").match(text, start, whole)
    if short:
        if len(short[1]) > _LONGEST_SHORT_CODE:
            return
        whole = start + _query_end(text[start:whole], short.end() - start)
    yield Link(text[start:whole], start, whole, True, text.find("/", at, whole) >= 0)


def _bare(text: str, at: int, end: int, whole: int | None) -> Iterator[Link]:
    """The ASCII domains within a match without a scheme; a path belongs to the last of them."""
    if at and text[at - 1] in "-_./":
        return
    found = list(_ascii_domains(text[at:end]))
    for number, (start, stop) in enumerate(found, 1):
        has_path = whole is not None and number == len(found)
        start, stop = at + start, whole if whole is not None and has_path else at + stop
        yield Link(text[start:stop], start, stop, False, has_path)


def _ascii_domains(domain: str) -> Iterator[tuple[int, int]]:
    name = _pattern(rf"[-a-z0-9{_LATIN}]+")
    at = 0
    while label := name.search(domain, at):
        start, dots = label.start(), []
        while label and domain[label.end():label.end() + 1] == ".":
            dots.append(label.end())
            label = name.match(domain, label.end() + 1)
        ends = (_domain_end(domain, dot + 1) for dot in reversed(dots))
        stop = next((e for e in ends if e is not None), None)
        if stop is not None:
            yield start, stop
        at = stop or (label.end() if label else dots[-1] + 1 if dots else at)


@cache
def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)
