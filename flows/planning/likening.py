"""How alike two texts are, and which of many texts repeat one before them, without comparing each with each.

Alike are texts whose bags of words overlap to nine tenths: `|a ∩ b| / |a ∪ b|` (Jaccard), each word as often as it
stands there. Shingles of several words were rejected: one word changed in a post of twenty spoils three of them.
"""
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from typing import NamedTuple

Bag = frozenset[str]
"""The words of a text. One that stands twice is in it as `word` and as `word 2`."""

_NINE, _TENTHS = 9, 10                   # whole numbers: 0.9 × 30 is not 27 for a computer
_FEW = 100                               # numbers that are sooner sorted than merged
_PIECE = 256                             # characters normalised at once: putting n combining marks in order takes n²
_SHORT = 1024                            # characters that are sooner normalised than taken apart
_LEFT_OUT = re.compile(r"https?://\S+|[#＃]\w+", re.IGNORECASE)
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han. There, each pair of neighbours is a word.
_UNSPACED = ("\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
             "\U00020000-\U0003ffff")
_RUN = re.compile(f"[{_UNSPACED}]+")
_PLAIN_WORD = re.compile("[A-Za-z0-9]+")
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")


def essence(text: str) -> str:
    """`text` without its links and hashtags, which differ where the words are the same."""
    return _LEFT_OUT.sub(" ", text) if "://" in text or "#" in text or "＃" in text else text


def words(text: str) -> list[str]:
    """The words of `text` in order, in small letters and one form of Unicode (NFKC); no links, hashtags, signs."""
    text = essence(text)
    if text.isascii():
        return _PLAIN_WORD.findall(text.lower())
    found = []
    for word in _WORD.findall(_one_form(text)):
        if len(word) > 2 and _RUN.match(word):
            found += [word[at:at + 2] for at in range(len(word) - 1)]
        else:
            found.append(word)
    return found


def few_words(text: str, most: int) -> int | None:
    """How many words `text` has, when they are no more than `most`; None: there are more."""
    text = essence(text)
    many = 0
    for match in (_PLAIN_WORD if text.isascii() else _WORD).finditer(text):
        many += max(1, len(match[0]) - 1) if _RUN.match(match[0]) else 1
        if many > most:
            return None
    return many


def bag(text: str) -> Bag:
    """What `text` says, whatever the order, the case, the signs, the links and the hashtags."""
    every = words(text)
    found = set(every)
    if len(found) < len(every):
        for word, often in Counter(every).items():
            if often > 1:
                found.update(f"{word} {number}" for number in range(2, often + 1))
    return frozenset(found)


def are_alike(one: Bag, other: Bag) -> bool:
    """Whether nine tenths of all their words are in both. Texts without words are like nothing."""
    here, there = len(one), len(other)
    if not here or here * _TENTHS < there * _NINE or there * _TENTHS < here * _NINE:
        return False
    common = len(one & other)
    return common * _TENTHS >= (here + there - common) * _NINE


class Told(NamedTuple):
    """A text and its time. `counts`: later ones may repeat it; `asked`: whether it repeats another is to be known."""

    at: datetime
    bag: Bag
    counts: bool = True
    asked: bool = True


_Holders = dict[int, dict[int, list[int]]]
"""A rare word → how many rarer ones a text has → the texts that have it so, in order of time."""


def repeats(texts: Sequence[Told], window: timedelta) -> Iterator[tuple[int, int]]:
    """For each text that repeats one of the `window` before it: its number, and that of the newest one it is like.

    `texts` in order of time. Exact: what `are_alike` says of every pair. Two bags that are alike share a word among
    the rarest tenth of each, plus one (prefix filter: Xiao et al., "Efficient Similarity Joins for Near Duplicate
    Detection", ACM TODS 36(3), 2011), so only texts that share such a word are compared, the newest first; and of those
    only where enough words follow it in both (positional filter of the same paper, see `_near`).
    """
    rank = _rarest_first(text.bag for text in texts)
    rare: dict[Bag, list[int]] = {}
    holders: _Holders = {}
    for number, (at, held, counts, asked) in enumerate(texts):
        if (mine := rare.get(held)) is None:
            must_share = -(-len(held) * _NINE // _TENTHS)
            mine = rare[held] = sorted(map(rank.__getitem__, held))[:len(held) - must_share + 1]
        if asked:
            compared = None
            for earlier in _newest_first(list(_near(mine, len(held), holders))):
                if at - texts[earlier].at > window:
                    break
                if earlier == compared:
                    continue
                compared = earlier
                if are_alike(held, texts[earlier].bag):
                    yield number, earlier
                    break
        if counts:
            for before, word in enumerate(mine):
                holders.setdefault(word, {}).setdefault(before, []).append(number)


def _near(mine: Sequence[int], here: int, holders: _Holders) -> Iterator[list[int]]:
    """The texts that may be like one of `here` words, for a rare word that is the first of those they share.

    With `at` and `before` rarer words ahead of it they share no more than `here - at` and `there - before` words; of
    which `19 × shared ≥ 9 × (here + there)` leaves `10 × at + 9 × before ≤ here`.
    """
    for at, word in enumerate(mine):
        most = (here - _TENTHS * at) // _NINE
        for before, numbers in holders.get(word, {}).items():
            if before <= most:
                yield numbers


def _rarest_first(bags: Iterable[Bag]) -> dict[str, int]:
    """A number for each word: the fewer texts have it, the lower. Any order would be right; this one compares least."""
    common: Counter[str] = Counter()
    for held in bags:
        common.update(held)
    return {word: number for number, word in enumerate(sorted(common, key=common.__getitem__))}


def _newest_first(lists: list[list[int]]) -> Iterable[int]:
    """All the numbers of rising lists, falling. Of many numbers none is made before it is asked for."""
    if sum(map(len, lists)) <= _FEW:
        return sorted({number for numbers in lists for number in numbers}, reverse=True)
    return merge(*map(reversed, lists), reverse=True)


def _one_form(text: str) -> str:
    """`text` in NFKC and without case."""
    normal = unicodedata.normalize
    if len(text) <= _SHORT:
        return normal("NFKC", text).casefold()
    return " ".join(
        normal("NFKC", word) if len(word) <= _PIECE
        else "".join(normal("NFKC", word[at:at + _PIECE]) for at in range(0, len(word), _PIECE))
        for word in text.split()
    ).casefold()
