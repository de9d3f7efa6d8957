"""Names that are taken for others: hosts by people, since their letters look alike, and files by some computers."""
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

# The name behind https://, and a bare one as networks make links of: not inside an address, a mail or a path.
_HOST = re.compile(
    r"https?://(?:[^\s/?#@]*@)?(?P<named>[^\s/?#:@<>\"'()\[\]]+)"
    r"|(?<![\w./@:?&=#%+~-])(?P<bare>(?:[^\W_]|-)+(?:\.(?:[^\W_]|-)+)+)(?![\w@])"
)
_LONGEST = 253
"""A host name has no more characters (RFC 1035, section 2.3.4)."""
# Alphabets that mix with no other (UTS 39, section 5.2, "highly restrictive": Latin mixes with Chinese, Japanese and
# Korean only), of those that have letters which look like another's; and the Cyrillic letters that Chromium takes for
# Latin ones when a name holds no other (idn_spoof_checker.cc; both read 2026-11-22).
_ALONE = ("Latin", "Cyrillic", "Greek", "Armenian", "Cherokee", "Coptic", "Georgian", "Lisu")
_BESIDE_LATIN = r"\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Hangul}"
_LOOKS_LATIN = frozenset("асԁеһіјӏорԛѕԝхуъЬҽпгѵѡ")


def resembling(text: str) -> Iterator[tuple[int, str, str]]:
    """Where `text` has a host name that people may take for another: its place, the name, how machines write it."""
    if text.isascii() and "xn--" not in text:
        return
    for match in _HOST.finditer(text):
        group = match.lastgroup or ""
        if (shown := confusable(match[group])) is not None:
            yield match.start(group), match[group], shown


def confusable(host: str) -> str | None:
    """`host` as machines write it (punycode) when people may take it for another; None when they will not."""
    if (host.isascii() and "xn--" not in host.lower()) or len(host) > _LONGEST:
        return None
    labels = [_read(label) for label in unicodedata.normalize("NFKC", host).lower().rstrip(".").split(".")]
    if not any(_mixes(label) or (labels[-1].isascii() and _is_disguised(label)) for label in labels):
        return None
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def twins(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each file or folder that some computers cannot tell from one that came before it, and that one.

    They differ only in capitals, or in how accents are written (one character, or a letter and a sign): macOS and
    Windows keep one of the two. What lies in such a folder is not named again.
    """
    first: dict[str, str] = {}
    seen: set[str] = set()
    for path in paths:
        while path and path not in seen:
            seen.add(path)
            folded = path.casefold()
            other = first.setdefault(folded if folded.isascii() else unicodedata.normalize("NFC", folded), path)
            folder = path.rpartition("/")[0]
            if other != path and other.rpartition("/")[0] == folder:
                yield path, other
            path = folder


def _read(label: str) -> str:
    """A label as people read it."""
    try:
        return label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label


def _mixes(label: str) -> bool:
    return not label.isascii() and any(has.search(label) and others.search(label) for has, others in _patterns())


def _is_disguised(label: str) -> bool:
    letters = {letter for letter in label if letter.isalpha()}
    return bool(letters) and letters <= _LOOKS_LATIN


@cache
def _patterns() -> tuple[tuple[Any, Any], ...]:
    """For each alphabet: what finds a letter of it, and what finds one that does not go with it."""
    import regex  # knows the alphabets; needed for few texts, and takes as long to load as a hundred posts to read

    return tuple(
        (regex.compile(rf"\p{{Script={name}}}"),
         regex.compile(rf"[^\p{{scx={name}}}\p{{scx=Common}}\p{{scx=Inherited}}"
                       rf"{_BESIDE_LATIN if name == 'Latin' else ''}]"))
        for name in _ALONE)
