"""Bytes become values with places, and nothing an author writes is expanded, guessed at, or raised."""
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.parsing import (
    DEPTH,
    FRONT_MATTER_BYTES,
    Unreadable,
    commented_out,
    parse_by_events,
    parse_document,
    parse_yaml,
    text_of,
)
from schemas.place import Place


def value_of(text: str) -> Any:
    return parse_yaml(text, "f.yaml").value


def refused(data: bytes) -> str:
    """The problem that stops `data`, in one line."""
    with pytest.raises(Unreadable) as stop:
        parse_yaml(text_of(data, "f.yaml"), "f.yaml")
    problem = stop.value.problem
    assert (problem.code, problem.severity.value, problem.post) == ("SYN001", "error", None)
    return f"{problem.place}: {problem.message} {problem.remedy}"


def test_words_mean_what_yaml_1_2_says() -> None:
    """Only true and false are booleans, only digits are numbers, and times, dates and weekdays' clocks stay text."""
    text = (
        "a: yes\nb: no\nc: on\nd: Off\ne: 10:30\nf: 12:30:00\ng: 2027-03-04\nh: 2027-03-04 09:30\ni: True\nj: "
        "true\nk: 'true'\n"
        "l: 007\nm: 0o14\nn: 0x1f\no: 1_000\np: -3\nq: 1.50\nr: 1e3\ns: .5\nt: .inf\nu: 1e999\nv: "
        "1234567890123456789012\n"
        "w: ~\nx: null\ny:\nz: '5'\n"
    )

    assert value_of(text) == {
        "a": "yes",
        "b": "no",
        "c": "on",
        "d": "Off",
        "e": "10:30",
        "f": "12:30:00",
        "g": "2027-03-04",
        "h": "2027-03-04 09:30",
        "i": "True",
        "j": True,
        "k": "true",
        "l": 7,
        "m": "0o14",
        "n": "0x1f",
        "o": "1_000",
        "p": -3,
        "q": 1.5,
        "r": 1000.0,
        "s": 0.5,
        "t": ".inf",
        "u": "1e999",
        "v": "1234567890123456789012",
        "w": None,
        "x": None,
        "y": None,
        "z": "5",
    }


def test_numbers_remember_how_they_were_written() -> None:
    """A number that Python would write otherwise keeps its own spelling, for the remedy that quotes it."""
    text = "a: 007\nb: [1.50, 2]\nc: 3\nd: true\n"

    assert parse_yaml(text, "f.yaml").written == {"a": "007", "b.0": "1.50"}
    assert [parse(text, "f.yaml").text for parse in (parse_yaml, parse_by_events)] == [text, text]


def test_every_key_and_entry_has_its_place() -> None:
    """Places count lines and columns from 1, below the line on which the text begins."""
    parsed = parse_yaml("at:\n  default: x\nmedia:\n  - file: a.jpg\n    alt: b\n  - c.jpg\n", "f.md", first_line=2)

    assert parsed.places == {
        "": Place("f.md", 2, 1),
        "at": Place("f.md", 2, 1),
        "at.default": Place("f.md", 3, 3),
        "media": Place("f.md", 4, 1),
        "media.0": Place("f.md", 5, 5),
        "media.0.file": Place("f.md", 5, 5),
        "media.0.alt": Place("f.md", 6, 5),
        "media.1": Place("f.md", 7, 5),
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: 1\na: 2\n", "f.yaml:2:1: cannot be read: the key 'a' stands twice. Keep one of them."),
        (b"a: {b: {c: 1, c: 2}}\n", "f.yaml:1:15: cannot be read: the key 'c' stands twice. Keep one of them."),
        (b"'a': 1\na: 2\n", "f.yaml:2:1: cannot be read: the key 'a' stands twice. Keep one of them."),
        (
            b"a: &x 1\n",
            "f.yaml:1:4: cannot be read: anchors and aliases (& and *) are not allowed. "
            "Write the value out, or put text that begins with & or * in quotes.",
        ),
        (
            b"a: *x\n",
            "f.yaml:1:4: cannot be read: anchors and aliases (& and *) are not allowed. "
            "Write the value out, or put text that begins with & or * in quotes.",
        ),
        (
            b"&x a: 1\n",
            "f.yaml:1:1: cannot be read: anchors and aliases (& and *) are not allowed. Write the value out.",
        ),
        (
            b"a: !!python/object:os.system x\n",
            "f.yaml:1:4: cannot be read: tags (!) are not allowed. Put text that begins with ! in quotes.",
        ),
        (
            b"a: !x [1]\n",
            "f.yaml:1:4: cannot be read: tags (!) are not allowed. Put text that begins with ! in quotes.",
        ),
        (
            b"!!str a: 1\n",
            "f.yaml:1:1: cannot be read: tags (!) are not allowed. Put text that begins with ! in quotes.",
        ),
        (b"<<: {a: 1}\n", "f.yaml:1:1: cannot be read: merge keys (<<) are not allowed. Write the values out."),
        (
            b"a: 1\n---\nb: 2\n",
            "f.yaml:2:1: cannot be read: it holds a second document. Keep one, and remove the line ---.",
        ),
        (
            b"[a]: 1\n",
            "f.yaml:1:1: cannot be read: a key must be one word. Put text that begins with [ or { in quotes.",
        ),
        (
            b"a: b: c\n",
            "f.yaml:1:5: cannot be read: mapping values are not allowed in this context. Quote text that contains "
            "': '.",
        ),
        (
            b"a:\n\tb: 1\n",
            "f.yaml:2:1: cannot be read: text cannot begin with '\\t'. Indent with spaces, never with tabs.",
        ),
        (b"a: @wren\n", "f.yaml:1:4: cannot be read: text cannot begin with '@'. Put the text in quotes."),
        (
            b"b: 1\na: 'x\n",
            "f.yaml:2:4: cannot be read: found unexpected end of stream. Close the quote that was opened here.",
        ),
        (
            b"a: [1, 2\n",
            "f.yaml:1:4: cannot be read: did not find expected ',' or ']'. "
            "Close the bracket that was opened here, and put a comma between its entries.",
        ),
        (
            b'a: "C:\\media"\n',
            "f.yaml:1:7: cannot be read: found unknown escape character. "
            "Write the text without quotes, or write \\\\ for each backslash.",
        ),
        (
            "é: ü\nb: x\x01\n".encode(),
            "f.yaml:2:5: cannot be read: unacceptable character #x0001: control characters are not allowed. "
            "Remove the character.",
        ),
        (b"a: \xc3\xa9\xff\n", "f.yaml:1:5: cannot be read: it is not UTF-8 (byte 0xff). Save the file as UTF-8."),
        (
            b"\xef\xbb\xbfa: 1\r\nb: \xff\n",
            "f.yaml:2:4: cannot be read: it is not UTF-8 (byte 0xff). Save the file as UTF-8.",
        ),
        ("a: ü".encode("utf-16"), "f.yaml:1:1: cannot be read: it is not UTF-8 (byte 0xff). Save the file as UTF-8."),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_do(data: bytes, said: str) -> None:
    """Each surprise of YAML is refused at its own line and column, with its own remedy."""
    assert refused(data) == said


@pytest.mark.parametrize(
    "text", ["a: '&x'\n", "a: x & y\n", "a: '*x'\n", "a: '!x'\n", "'<<<': 1\n", "a: x:y\n", "a: http://x\n", "a:\tb\n"]
)
def test_near_misses_are_read(text: str) -> None:
    """Quoted signs, signs inside a text, and a tab behind a colon are no surprise."""
    assert list(value_of(text)) == [text.split(":")[0].strip("'")]


def test_nothing_is_an_empty_value() -> None:
    """A file that holds nothing, or only a comment, holds no value and raises nothing."""
    assert [value_of(text) for text in ("", "# c\n", "\n\n", "---\n")] == [None, None, None, None]


def test_nesting_stops_at_its_limit() -> None:
    """12 levels are read, 13 are not, and 3,000 or 250,000 are refused as soon as the limit is passed."""
    deepest = f"a: {'[' * (DEPTH - 1)}{']' * (DEPTH - 1)}"

    assert value_of(deepest) is not None
    assert {refused(f"a: {'[' * depth}{']' * depth}".encode()) for depth in (DEPTH + 1, 3_000)} == {
        "f.yaml:1:16: cannot be read: it is nested deeper than 12. Write it flatter."}
    assert refused(b"[" * 250_000) == "f.yaml:1:14: cannot be read: it is nested deeper than 12. Write it flatter."
    assert refused(b"- " * 120_000) == "f.yaml:1:27: cannot be read: it is nested deeper than 12. Write it flatter."


def test_alias_bomb_is_refused_at_its_first_anchor() -> None:
    """The billion laughs are refused where the first anchor stands, before anything grows."""
    bomb = "a: &a [x, x, x]\n" + "".join(
        f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert refused(bomb.encode()).startswith("f.yaml:1:4: cannot be read: anchors and aliases")


def test_line_ends_and_the_byte_order_mark_are_no_content() -> None:
    """Windows line ends, old Mac line ends and a byte order mark change neither values nor places."""
    plain = parse_document(b"---\nat: x\n---\nOne\nTwo\n", "f.md")

    for data in (b"\xef\xbb\xbf---\r\nat: x\r\n---\r\nOne\r\nTwo\r\n", b"---\rat: x\r---\rOne\rTwo\r"):
        assert parse_document(data, "f.md") == plain
    assert (plain.head.value, plain.body, plain.first_line) == ({"at": "x"}, "One\nTwo\n", 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "",
            "f.md:1:1: cannot be read: it does not begin with front matter. "
            "Begin with a line ---, then for example 'slot: next', then a line ---.",
        ),
        (
            "Hello\n",
            "f.md:1:1: cannot be read: it does not begin with front matter. "
            "Begin with a line ---, then for example 'slot: next', then a line ---.",
        ),
        (
            "---\nat: x\nHello\n",
            "f.md:1:1: cannot be read: the front matter is not closed. "
            "Put a line --- between the front matter and the text.",
        ),
        (
            "---\nat: x\n --- \nHello\n",
            "f.md:1:1: cannot be read: the front matter is not closed. "
            "Put a line --- between the front matter and the text.",
        ),
        (
            f"---\nx-note: {'é' * (FRONT_MATTER_BYTES // 2)}\n---\n",
            "f.md:1:1: cannot be read: the front matter is larger than 16000 bytes. "
            "Move the text below the second ---.",
        ),
    ],
)
def test_front_matter_is_wanted_whole(text: str, said: str) -> None:
    """A post without front matter, with an open one, or with a huge one, is refused."""
    with pytest.raises(Unreadable) as stop:
        parse_document(text.encode(), "f.md")

    assert f"{stop.value.problem.place}: {stop.value.problem.message} {stop.value.problem.remedy}" == said


def test_front_matter_may_be_as_large_as_the_limit() -> None:
    """Exactly 16,000 bytes are read."""
    key = "x-note: "
    front = key + "a" * (FRONT_MATTER_BYTES - len(key) - 1) + "\n"

    assert parse_document(f"---\n{front}---\nHi".encode(), "f.md").body == "Hi"


def test_rules_in_the_body_are_no_front_matter() -> None:
    """A line --- in the text stays in the text."""
    document = parse_document(b"---\nat: x\n--- \nOne\n---\nTwo\n", "f.md")

    assert (document.body, document.first_line) == ("One\n---\nTwo\n", 4)


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("hashtags: #SpringMend", True),
        ("  hashtags:  # SpringMend", True),
        ("- #SpringMend", True),
        ("  - - #A", True),
        ("hashtags: '#SpringMend'", False),
        ("hashtags:", False),
        ("# a comment", False),
        ("hashtags: a #b", False),
        ("note: #", False),
    ],
)
def test_values_lost_behind_a_hash_are_seen(line: str, lost: bool) -> None:
    """A key or an entry whose only text stands behind a # is told apart from a comment and from a quoted text."""
    assert commented_out(line) is lost


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode),
                 st.text(alphabet=" \n-:[]{}#&*!|>'\"%@`,?~abc019.\t\r\x85\u2028", max_size=120).map(str.encode)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever a file holds, it is read, or refused with a place inside it; nothing else is ever raised."""
    for parse in (lambda: parse_document(data, "f.md"), lambda: parse_document(b"---\n" + data + b"\n---\n", "f.md"),
                  lambda: parse_yaml(text_of(data, "f.md"), "f.md")):
        problem = None
        try:
            parse()
        except Unreadable as stop:
            problem = stop.problem
        if problem is not None:
            assert (problem.code, problem.message[:16], bool(problem.remedy)) == ("SYN001", "cannot be read: ", True)
            assert 1 <= problem.place.line <= data.count(b"\n") + data.count(b"\r") + 3
            assert problem.place.column >= 1
