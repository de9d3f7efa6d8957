"""Which host names outside ASCII can be looked up: those that IDNA 2003 turns into labels of 63 letters at most.

Networks ask a library (libidn, java.net.IDN, Python's codec `idna`); the codec needs up to 5 µs a letter, which 64 kB
of hostile names turn into a fifth of a second. This asks the same questions and is held against the codec by the tests.
Sources: RFC 3490 section 4.1, RFC 3491, RFC 3454 appendix B to D, RFC 3492 section 6, read 2026-11-22.
"""
import re
import unicodedata
from functools import cache, lru_cache

_LONGEST_LABEL = 63
_SURELY_FITS = 9                         # "xn--", a hyphen, and six digits for each letter at most
_OTHER_DOTS = frozenset("\u3002\uFF0E\uFF61")
_LEFT_OUT = frozenset("\u00AD\u034F\u1806\u180B\u180C\u180D\u200B\u200C\u200D\u2060\uFEFF"      # RFC 3454, table B.1
                      "\uFE00\uFE01\uFE02\uFE03\uFE04\uFE05\uFE06\uFE07"
                      "\uFE08\uFE09\uFE0A\uFE0B\uFE0C\uFE0D\uFE0E\uFE0F")
_RIGHT_TO_LEFT = frozenset(("R", "AL"))


@lru_cache(maxsize=1_000)                # a line of the shortest names says few of them over and over
def can_exist(name: str) -> bool:
    """Whether every label of a name has 1 to 63 letters over the wire and none that no name may hold."""
    label_can_exist = _fits if _plain().fullmatch(name) else _prepared_fits
    return all(map(label_can_exist, name.split(".")))


@cache
def _plain() -> re.Pattern[str]:
    """Letters that preparing (RFC 3491) leaves as they are, known to Unicode 3.2 and all written from left to right."""
    return re.compile("[-.0-9A-Za-z\u00E0-\u00F6\u00F8-\u00FF\u0430-\u045F\u3041-\u3094\u30A1-\u30FA\u30FC"
                      "\u4E00-\u9FA5\uAC00-\uD7A3]+")


def _fits(label: str) -> bool:
    if label.isascii():
        return 0 < len(label) <= _LONGEST_LABEL
    if len(label) > _LONGEST_LABEL or label[:4].lower() == "xn--":
        return False
    return len(label) <= _SURELY_FITS or 4 + punycode_length(label) <= _LONGEST_LABEL


def _prepared_fits(labels: str) -> bool:
    """Whether labels between two full stops can exist; the dots of other scripts part them (RFC 3490, section 3.1)."""
    if labels.isascii() or len(labels) > _LONGEST_LABEL:
        return _fits(labels)
    if _OTHER_DOTS.isdisjoint(labels):
        return _odd_fits(labels)
    parts = labels.replace("\u3002", ".").replace("\uFF0E", ".").replace("\uFF61", ".").split(".")
    return all((_fits if part.isascii() else _odd_fits)(part) for part in parts)


def _odd_fits(label: str) -> bool:
    if not _LEFT_OUT.isdisjoint(label):
        label = "".join(character for character in label if character not in _LEFT_OUT)
    label = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    if not label.isascii():
        if _prohibited().search(label):
            return False
        directions = list(map(unicodedata.ucd_3_2_0.bidirectional, label))
        if not _RIGHT_TO_LEFT.isdisjoint(directions) and (
                "L" in directions or not _RIGHT_TO_LEFT.issuperset((directions[0], directions[-1]))):
            return False
    return _fits(label)


@cache
def _prohibited() -> re.Pattern[str]:
    """What makes a label none (RFC 3454, tables C.1.2 to C.9)."""
    planes = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    return re.compile("[\u0080-\u00A0\u0340\u0341\u06DD\u070F\u1680\u180E\u2000-\u200F\u2028-\u202F\u205F-\u2063"
                      "\u206A-\u206F\u2FF0-\u2FFB\u3000\uD800-\uF8FF\uFDD0-\uFDEF\uFFF9-\uFFFD"
                      f"\U0001D173-\U0001D17A\U000E0001\U000E0020-\U000E007F\U000F0000-\U0010FFFF{planes}]")


def punycode_length(label: str) -> int:
    """How long a label is in Punycode (RFC 3492, section 6.3); for one that is too long for a name, at least 64.

    Steps grow with the label: each letter's distance is counted on a number with a bit for each letter written so far,
    where the RFC, and the codec, walk the whole label once for each different letter. The arithmetic stands in line
    because hostile text is tens of thousands of letters.
    """
    basic = sum(map(str.isascii, label))
    rest = sorted((ord(character), at) for at, character in enumerate(label) if not character.isascii())
    length = basic + (basic > 0)
    written = sum(character.isascii() << at for at, character in enumerate(label)) if basic else 0
    bias, code, passed, damp = 72, 128, 0, 700
    for count, (character, at) in enumerate(rest, basic + 1):
        before = (written & ((1 << at) - 1)).bit_count()
        delta = (character - code) * count + before - passed
        written |= 1 << at
        code, passed = character, before + 1
        digits, step = delta, 36 - bias
        while digits >= (threshold := 1 if step < 1 else 26 if step > 26 else step):
            digits = (digits - threshold) // (36 - threshold)
            step += 36
            length += 1
        length += 1
        if length > _LONGEST_LABEL:
            break
        delta //= damp
        delta += delta // count
        bias, damp = 0, 2
        while delta > 455:
            delta //= 35
            bias += 36
        bias += 36 * delta // (delta + 38)
    return length
