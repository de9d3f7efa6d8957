"""Two texts are alike when nine tenths of their words are the same, and the newest like text before each one is found
without comparing all with all.
"""
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning.likening import Told, are_alike, bag, few_words, repeats, words

START = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mend it, then MEND it again!", ["mend", "it", "then", "mend", "it", "again"]),
        ("See https://x.example/a?b=c#d and #SpringMend, #Frühling", ["see", "and"]),
        ("**bold** _slanted_ • 25 °C", ["bold", "slanted", "25", "c"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("cafe\u0301 caf\u00e9", ["café", "café"]),
        ("𝗙𝗿𝗲𝗲 Ｆｒｅｅ", ["free", "free"]),
        ("漢字かな mix", ["漢字", "字か", "かな", "mix"]),
        ("漢 木", ["漢", "木"]),
        ("한국어 글", ["한국어", "글"]),
        ("🎉 … !", []),
        ("", []),
    ],
)
def test_words_are_what_is_said(text: str, found: list[str]) -> None:
    """Case, signs, links, hashtags, styles and forms of Unicode are no words; unspaced scripts go in pairs."""
    assert words(text) == found


@given(st.text(st.characters(codec="ascii"), max_size=80), st.integers(0, 12))
def test_few_words_counts_as_words_does(text: str, most: int) -> None:
    """Up to `most` the count is that of the words, and above it there is none."""
    many = len(words(text))

    assert few_words(text, most) == (many if many <= most else None)


def test_few_words_counts_pairs_of_unspaced_signs() -> None:
    """Eight pairs of Chinese signs are as few as eight words."""
    assert (few_words("漢字かな mix 木 #tag", 8), few_words("漢" * 9, 8), few_words("漢" * 10, 8)) == (5, 8, None)


def test_a_word_said_twice_is_there_twice() -> None:
    """A bag knows how often each word stands in the text."""
    assert bag("no no yes no") == {"no", "no 2", "no 3", "yes"}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a b c d e f g h i j", "A, b! c d e f g h i j", True),
        ("a b c d e f g h i", "a b c d e f g h i j", True),                 # 9 of 10
        ("a b c d e f g h", "a b c d e f g h j", False),                    # 8 of 9
        ("a b c d e f g h i j", "a b c d e f g h i x", False),              # 9 of 11
        ("j i h g f e d c b a", "a b c d e f g h i j", True),
        ("no", "no no", False),
        ("", "", False),
        ("🎉", "🎉", False),
    ],
)
def test_nine_tenths_are_alike(one: str, other: str, alike: bool) -> None:
    """From exactly nine tenths on, texts are alike; what has no words is like nothing."""
    assert are_alike(bag(one), bag(other)) is alike


VOCABULARY = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.lists(VOCABULARY, max_size=40), st.lists(VOCABULARY, max_size=40))
def test_alike_is_jaccard_over_words_as_often_as_they_stand(one: list[str], other: list[str]) -> None:
    """What is alike is exactly what the fraction of common words says."""
    mine, yours = Counter(one), Counter(other)
    common, every = (mine & yours).total(), (mine | yours).total()
    expected = every > 0 and Fraction(common, every) >= Fraction(9, 10)

    assert are_alike(bag(" ".join(one)), bag(" ".join(other))) is expected


def by_comparing_all(texts: Sequence[Told], window: timedelta) -> list[tuple[int, int]]:
    found = []
    for number, text in enumerate(texts):
        for earlier in range(number - 1, -1, -1):
            other = texts[earlier]
            if text.asked and other.counts and text.at - other.at <= window and are_alike(text.bag, other.bag):
                found.append((number, earlier))
                break
    return found


@st.composite
def tellings(draw: st.DrawFn) -> list[Told]:
    """Texts in order of time, many of them made from one before by taking out, adding or changing a word or two."""
    texts: list[list[str]] = []
    made = []
    at = START
    for _ in range(draw(st.integers(0, 25))):
        at += draw(st.integers(0, 6)) * DAY / 2
        if texts and draw(st.booleans()):
            text = list(draw(st.sampled_from(texts)))
            for _ in range(draw(st.integers(0, 3))):
                where = draw(st.integers(0, len(text)))
                text[where:where + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from("abcdefghij"), max_size=1))
        else:
            text = draw(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=30))
        texts.append(text)
        made.append(Told(at, bag(" ".join(text)), draw(st.integers(0, 4)) > 0, draw(st.integers(0, 4)) > 0))
    return made


@settings(max_examples=400, deadline=None)
@given(tellings(), st.integers(0, 12))
def test_the_search_finds_what_comparing_all_finds(texts: list[Told], days: int) -> None:
    """Whatever the texts, times and window, the short way names the same pairs as comparing each with each."""
    assert list(repeats(texts, days * DAY)) == by_comparing_all(texts, days * DAY)


def test_the_newest_one_is_named() -> None:
    """Of several texts that said it, the last before is the one."""
    same = bag("one text for ever")

    assert list(repeats([Told(START + n * DAY, same) for n in range(4)], 2 * DAY)) == [(1, 0), (2, 1), (3, 2)]


@pytest.mark.parametrize(
    "text",
    ["a" * 64_000, "a " * 32_000, "\u0315\u0300" * 16_000, "x" + "\u0300\u0315" * 16_000, "漢" * 21_000, "#" * 64_000,
     "# " * 32_000, "http://" * 9_000, "\U0001f1e6" * 16_000, "\ufdfa" * 21_000],
)
def test_hostile_texts_end(text: str) -> None:
    """64 kB made to be slow are taken apart all the same (putting marks in order alone would take minutes)."""
    assert len(list(repeats([Told(START, bag(text))] * 3, DAY))) in (0, 2)


def test_thousands_of_the_same_end() -> None:
    """Twenty thousand posts that say one thing are told one by one, each with the one before it."""
    texts = [Told(START + n * timedelta(minutes=1), bag(f"Tip {n % 7} of the day: bring the broken thing and mend it "
                                                      "with us on Thursday evening, tea is there and so are we"))
             for n in range(20_000)]

    assert len(list(repeats(texts, 60 * DAY))) == 20_000 - 1


@pytest.mark.parametrize("unique", [2, 3, 5])
def test_thousands_of_one_pattern_end(unique: int) -> None:
    """Twenty thousand posts with a few words of their own each in the same twenty are told apart one by one."""
    pattern = " ".join(f"shared{number}" for number in range(20 - unique))
    texts = [Told(START + n * timedelta(minutes=1), bag(" ".join([pattern, *(f"own{n}x{m}" for m in range(unique))])))
             for n in range(20_000)]

    assert list(repeats(texts, 60 * DAY)) == []


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=2_000))
def test_short_texts_are_normalised_as_long_ones_are(text: str) -> None:
    """The words of a text are the same, whether it is normalised whole or word by word."""
    assert words(text) == words(f"{text} {' ' * 1_100}")
