"""Plain front matter is read line by line, and means exactly what libyaml says it means, or is left to libyaml."""
from pathlib import Path
from string import ascii_letters

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning.parsing import divide_document, parse_by_events, parse_yaml
from flows.planning.skimming import Places, skim
from flows.planning.spotting import hidden
from schemas.place import Place

CONTENT = Path(__file__).parents[3] / "content"


def agrees(text: str) -> bool:
    """Whether `text` was plain enough; then value, types, order, places and spellings are those of libyaml."""
    value = skim(text)
    if value is None:
        return False
    exact = parse_by_events(text, "f.md", 2)
    assert (repr(value), {}) == (repr(exact.value), exact.written)
    assert list(Places(text, "f.md", 2).items()) == list(exact.places.items())
    return True


@pytest.mark.parametrize(
    "text",
    [
        "at: 2027-03-04 09:30\nchannels: [mastodon, x]\nintent: give\n",
        "at: 2027-03-04 09:30",
        "\n\nslot: next after 2027-04-19\n\nlink: https://a.example/b?c=1&d=%20\n",
        "media:\n  - file: a.jpg\n    alt: A drill on a bench, seen from above\n  - b.jpg\n",
        "media:\n- a.jpg\n-   b.jpg\n-  file: c.jpg\n   alt: it's\nhashtags: []\n",
        "at:\n  default: 2027-03-04 09:30\n  x: 2027-03-04 10:00\nx-note: [ a , b ]   \n",
        'creator: "@nell.mends"   \nempty: ""\nsaid: "a: b # c, [d]"\n',
        "a: ~\nb: null\nc: true\nd: false\ne: 12\nf: 1.5\ng: [1, 2.5, ~, true, yes]\nh: 007a\n",
        "alt: „Bänke“, 木 – 👩\u200d🔧\nlanguage: ga\n",
        f"alt: {'a long text, ' * 200}end\nmedia: [{'b.jpg, ' * 300}c.jpg]\n",
        f"{'k' * 61}: v\n",
    ],
)
def test_plain_texts_are_skimmed(text: str) -> None:
    """What most posts have above their text needs no parser, and means what the parser says."""
    assert agrees(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "# c\n", "a\n", "a:\n", "a:\nb: c\n", "a: b\na: c\n", "a: b\n  c\n", "a: b\n  c: d\n", "  a: b\n",
        "- a\n", "a: b: c\n", "a: b #c\n", "a: #c\n", "a: b:\n", "a: 'b'\n", 'a: "b\\n"\n', 'a: "b" c\n', 'a: "b"c\n',
        "a: {b: c}\n", "a: [b\n", "a: [b: c]\n", "a: ['b']\n", "a: [[b]]\n", "a: [b,]\n", "a: [b,,c]\n", "a: [b] c\n",
        "a: [b?]\n", "a: |\n  b\n", "a: >\n  b\n", "a: &b c\n", "a: *b\n", "a: !b c\n", "a: @b\n", "a: `b`\n",
        "a: %b\n", "a: - b\n", "a: ? b\n", "<<: {a: b}\n", "'a': b\n", "a b: c\n", "? a\n", "---\na: b\n",
        "a: b\n---\nc: d\n", "...\n", "%YAML 1.2\n", "a: 007\n", "a: 1.50\n", "a: 1e3\n", "a: +1\n",
        "a: [1, 1.0, 2.00]\n", "a: -1\n", "a:\tb\n", "a: b\tc\n", "a:\n\tb: c\n", "a: b\x85c: d\n",
        "a: b\u2028c: d\n", "a: b\u202ec\n", "a: \ufeffb\n", "a: b\x07\n", "a:\n  - b\n - c\n", "a:\n  - b\n  c: d\n",
        "a:\n  b: c\n  - d\n", "a:\n  b: c\n d: e\n", "a:\n  b: c\n  b: d\n", "a:\n  - b: c\n   d: e\n",
        "a:\n  - b: c\n    b: d\n", "a:\n  - b\n    c: d\n", "a:\n  b:\n    c: d\n", "a:\n  - - b\n", "a:\n  - b:\n",
        "a:\n  b\n", "a:\n\n", f"{'k' * 62}: v\n",
    ],
)  # fmt: skip
def test_everything_else_is_left_to_the_parser(text: str) -> None:
    """Quotes with escapes, comments, deeper nesting, signs of YAML and what is odd are declined, never guessed at."""
    assert skim(text) is None


WORDS = st.sampled_from(
    [
        "a", "b c", "it's", 'a"b', "1", "1.5", "1.0", "007", "1e3", "+1", "-1", "~", "null", "Null", "true", "True",
        "yes", "=", "2027-03-04 09:30", "http://x.example/y?z=1", "a: b", "a:b", "a::b", "a:", ":a", "a #b", "a#b",
        "#a", "a,b", "a, b", "[a, b]", "[ a ,b ]", "[]", "[a,]", "[a b: c]", '["a"]', "[[a]]", "a]", "{a: b}", '"a"',
        '"a # b: c"', '"a" b', "'a'", "|", ">", "&a", "*a", "!a", "@a", "%a", "`a", "? a", "- a", "-", "..", "---",
        "...", "<<", "(a)", "/a", "\\", "$", "a\tb", "é–木🔧", "a\u2028b", "a\u00a0", "\ufeff", "a\x85b", "x" * 1100,
    ]
)  # fmt: skip
KEYS = st.builds("{}{}".format, st.sampled_from("abcdefgh"), st.sampled_from([": ", ": ", ":", ":  ", " : "]))
LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "", " ", "  ", "    "]),
    st.sampled_from(["", "", "- ", "-  ", "-"]),
    KEYS | st.just(""),
    WORDS | st.just(""),
    st.sampled_from(["", "", " "]),
)
BLOCKS = st.one_of(
    st.builds("a: {}".format, WORDS),
    st.builds("b:\n  - {}\n  - {}".format, WORDS, WORDS),
    st.builds("c:\n- d: {}\n  e: {}\n- {}".format, WORDS, WORDS, WORDS),
    st.builds("f:\n  a: {}\n  b: {}".format, WORDS, WORDS),
    LINES,
)


@settings(max_examples=500)
@given(st.lists(BLOCKS, min_size=1, max_size=4).map("\n".join) | st.lists(LINES, max_size=5).map("\n".join))
def test_nearly_plain_texts_never_change_their_meaning(text: str) -> None:
    """Whatever is nearly plain is declined, or means what libyaml says: the same values, types, places, spellings."""
    agrees(text)
    agrees(f"{text}\n")


@settings(max_examples=300)
@given(st.text(alphabet="ab:- \n[],\"'#~1.{}&*!|>%@?\\\t", max_size=40),
       st.sampled_from(["", "a: ", "a:\n", "a:\n - b: ", "a: [", 'a: "']))
def test_any_text_is_declined_or_means_the_same(text: str, before: str) -> None:
    """No text at all has another meaning when it is skimmed."""
    agrees(before + text)


@pytest.mark.parametrize("form", ["b{}c", "{}c", "b{}", "[b{}c]", "[{}c]", '"{}"'])
def test_no_character_is_odd(form: str) -> None:
    """Every character that is taken, wherever it stands, is one that libyaml takes and that people see."""
    spans = ((0, 0x2100), (0xD7F0, 0xF000), (0xFE00, 0x10010), (0xDFFF0, 0xE0200))
    tried = [chr(number) for span in spans for number in range(*span)]
    taken = [sign for sign in tried if skim(f"a: {form.format(sign)}\n") is not None]

    assert set(ascii_letters) < set(taken)
    assert list(hidden("a".join(taken))) == []
    for at in range(0, len(taken), 100):
        lines = [f"k{number}: {form.format(sign)}\n" for number, sign in enumerate(taken[at:at + 100])]
        assert agrees("".join(lines))


def test_the_sample_is_skimmed() -> None:
    """The posts that people copy from have plain front matter, and every one means the same either way."""
    files = [path for path in sorted(CONTENT.rglob("*.md")) if path.read_text(encoding="utf-8").startswith("---")]
    fronts = [divide_document(path.read_text(encoding="utf-8"), path.name).head.text for path in files]

    assert sum(agrees(front) for front in fronts) >= 12


def test_places_are_found_when_asked_for() -> None:
    """A skimmed text gives its places like any mapping, and equal texts equal places."""
    places = parse_yaml("a: [b, c]\nd:\n  - e: f\n", "f.md", first_line=2).places

    assert isinstance(places, Places)
    assert places == {
        "": Place("f.md", 2, 1), "a": Place("f.md", 2, 1), "a.0": Place("f.md", 2, 5), "a.1": Place("f.md", 2, 8),
        "d": Place("f.md", 3, 1), "d.0": Place("f.md", 4, 5), "d.0.e": Place("f.md", 4, 5),
    }
    assert (places["a.1"].column, places.get("x"), "d.0" in places, len(places)) == (8, None, True, 7)
    assert places == parse_yaml("a: [b, c]\nd:\n  - e: f\n", "f.md", first_line=2).places
    assert repr(places) == repr(dict(places))
