"""What a text asks of its readers, or boasts of: phrases heard by ear, each with the place where it stands.

A phrase taken for an ask that is none costs more trust than one that is missed: in doubt nothing is heard. So a verb of
many meanings counts only with what it asks for ("join us", never "join the two halves"), and where a sentence or a
clause begins, since there it is an imperative. The words of each language are in `tongues`.
"""
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple
from unicodedata import combining

from flows.planning.tongues import BOOK
from flows.planning.tongues.tongue import Tongue

_ATTACHED = frozenset("/@#&=-.~%+$\\'’")
"""Before a word, without a space: it is part of an address, a tag or another word."""
_WRAPS = frozenset("\"“”„‘«»([{>_")
_SENTENCE = re.compile(r"[.!?\n]")
_CLAUSE_ENDS = re.compile(r"[.!?\n:;–—]")
_WORD = re.compile(r"\w+")
_GAP = r"\s{1,3}"
_FAR = 80
"""Characters before a phrase, and after it, that say whether it is an imperative; no sentence needs more."""


class Heard(NamedTuple):
    """A phrase as it is written, and where it begins in the text."""

    at: int
    phrase: str


class _Call(NamedTuple):
    """`head`: a text without it cannot have the phrase, which costs next to nothing to see; the pattern is only made
    for a text that has it. `begins`: only at the beginning of a clause."""

    head: str
    phrase: str
    begins: bool

    @property
    def pattern(self) -> re.Pattern[str]:
        return _whole(self.phrase)


def asks(text: str, languages: Iterable[str], own: Sequence[str] | None = None) -> Heard | None:
    """The first phrase of `text` that asks for something.

    `languages`: two letters or a tag such as en-IE, each; of one that we do not know nothing is heard. `own`: phrases
    that count instead of ours, wherever they stand.
    """
    if own is not None:
        return _first(text, ((_calls_for(tuple(own)), BOOK["en"]),))
    return _first(text, ((_calls(name, ("asks", "shares")), BOOK[name]) for name in _known(languages)))


def asks_to_share(text: str, languages: Iterable[str]) -> Heard | None:
    """The first phrase of `text` that asks to pass it on."""
    return _first(text, ((_calls(name, ("shares",)), BOOK[name]) for name in _known(languages)))


def boasts(text: str, languages: Iterable[str]) -> Heard | None:
    """The first phrase of `text` that tells of an award or a milestone of our own."""
    return _first(text, ((_calls(name, ("boasts",)), BOOK[name]) for name in _known(languages)))


def _known(languages: Iterable[str]) -> list[str]:
    names = (language.replace("_", "-").partition("-")[0].lower() for language in languages)
    return [name for name in dict.fromkeys(names) if name in BOOK]


def _first(text: str, by_tongue: Iterable[tuple[tuple[_Call, ...], Tongue]]) -> Heard | None:
    small = _small(text)
    found = [span for calls, tongue in by_tongue for call in calls if call.head in small
             and (span := _span(small, call, tongue)) is not None]
    if not found:
        return None
    start, end = min(found)
    return Heard(start, " ".join(text[start:end].replace("*", " ").split()))


def _small(text: str) -> str:
    """`text` in small letters without the signs of bold type; each character stays where it is."""
    for sign, plain in (("*", " "), ("`", " "), ("İ", "I")):      # the only letter that is two when it is small
        if sign in text:
            text = text.replace(sign, plain)
    return text.lower()


def _span(small: str, call: _Call, tongue: Tongue) -> tuple[int, int] | None:
    """From where to where the first such phrase goes that is meant as one."""
    for match in call.pattern.finditer(small):
        at = match.start()
        if not _is_attached(small, at) and (not call.begins or _begins(small, match, tongue)):
            return match.span()
    return None


def _is_attached(small: str, at: int) -> bool:
    """Whether the word goes on before `at`; a look-behind would keep patterns from being searched by their letters."""
    return at > 0 and (small[at - 1] in _ATTACHED or _is_of_a_word(small[at - 1]))


def _begins(small: str, match: re.Match[str], tongue: Tongue) -> bool:
    """Whether a clause begins with `match`: a sentence, a line, or what a word such as "please" or "and" leads to.

    After the likes of "and" nothing begins where the sentence tells of somebody: "they meet and vote for a film". A
    sentence that begins so and ends as a question tells of what follows: "Donate blood? What happens on the day".
    """
    at = match.start()
    floor = max(0, at - _FAR)
    here = _back_to_a_word(small, at, floor)
    if here is None:
        return not _is_question(small, match.end())
    word = _word_before(small, here, floor)
    if word in tongue.invites:
        return True
    start = here - len(word)
    if word in tongue.leads:
        return not _narrates(small[floor:start], tongue) and not _is_question(small, match.end())
    if word in tongue.infinitives:
        earlier = _back_to_a_word(small, start, floor)
        return earlier is None or (_word_before(small, earlier, floor) in tongue.before_infinitives
                                   and not _narrates(small[floor:start], tongue))
    return False


def _is_question(small: str, end: int) -> bool:
    """Whether the clause of a phrase that ends at `end` is a question."""
    sign = _CLAUSE_ENDS.search(small, end, end + _FAR)
    return sign is not None and sign[0] == "?"


def _narrates(before: str, tongue: Tongue) -> bool:
    """Whether the sentence that ends `before` tells of somebody."""
    return not tongue.narrates.isdisjoint(_WORD.findall(_SENTENCE.split(before)[-1]))


def _back_to_a_word(small: str, at: int, floor: int) -> int | None:
    """Where the word before `at` ends; None: a sign that ends a clause, or nothing, is in between."""
    for here in range(at, floor, -1):
        sign = small[here - 1]
        if _is_of_a_word(sign):
            return here
        if sign == "\n" or not (sign.isspace() or sign in _WRAPS):
            return None
    return None


def _word_before(small: str, end: int, floor: int) -> str:
    start = end
    while start > floor and (_is_of_a_word(small[start - 1]) or small[start - 1] in "'’"):
        start -= 1
    return small[start:end]


def _is_of_a_word(sign: str) -> bool:
    return sign.isalnum() or combining(sign) > 0


@lru_cache(maxsize=32)
def _calls(name: str, kinds: tuple[Literal["asks", "shares", "boasts"], ...]) -> tuple[_Call, ...]:
    """The phrases of a language, ready to be looked for."""
    return tuple(_Call(max(head.split(), key=len), phrase.removeprefix("^"), phrase.startswith("^"))
                 for kind in kinds for head, phrase in getattr(BOOK[name], kind).items())


@lru_cache(maxsize=8)
def _calls_for(phrases: tuple[str, ...]) -> tuple[_Call, ...]:
    words = [str(phrase).lower().split() for phrase in phrases]
    return tuple(_Call(of[0], " ".join(re.escape(word) for word in of), False) for of in words if of)


@lru_cache(maxsize=1024)
def _whole(phrase: str) -> re.Pattern[str]:
    """`phrase` as words of their own, with any three spaces for each; nothing in it goes back and forth for long."""
    return re.compile(rf"(?:{phrase.replace(' ', _GAP)})(?![\w-]|[.'’]\w)")
