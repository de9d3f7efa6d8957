"""The body of a post falls into sections, and everything that must not be published is found at its own line and
column.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.dividing import divide

CHANNELS = ("mastodon", "linkedin", "x")


def sections(
    body: str, channels: tuple[str, ...] | None = CHANNELS
) -> list[tuple[str, tuple[str, ...], tuple[str, ...], list[int]]]:
    """(kind, channels, parts, first line of each part), of a body without problems that begins on line 5."""
    divided = divide(body, "f.md", 5, "posts/p", channels)
    assert divided.problems == ()
    return [(s.kind, s.channels, s.parts, [place.line for place in s.places]) for s in divided.sections]


def problems(body: str, channels: tuple[str, ...] | None = CHANNELS) -> list[str]:
    found = divide(body, "f.md", 5, "posts/p", channels).problems
    assert {(p.severity.value, p.post, p.channel) for p in found} <= {("error", "posts/p", None)}
    return [f"{p.place}: {p.message} [{p.code}] {p.remedy}" for p in found]


def test_a_body_falls_into_its_sections() -> None:
    """Default text, variants for one and for two channels, alternatives and first comments keep their lines; notes
    are gone.
    """
    body = (
        "Default.\n\nMore.\n\n## on linkedin\n\nFor work.\n## on mastodon, x\nFor two.\n## or\nAnother wording.\n"
        "## first comment\nFirst.\n## first comment on x\nFirst on x.\n## notes\nTODO ask {{who}} <b> about ## on "
        "nobody\n"
    )

    assert sections(body) == [
        ("text", (), ("Default.\n\nMore.",), [5]),
        ("text", ("linkedin",), ("For work.",), [11]),
        ("text", ("mastodon", "x"), ("For two.",), [13]),
        ("or", (), ("Another wording.",), [15]),
        ("comment", (), ("First.",), [17]),
        ("comment", ("x",), ("First on x.",), [19]),
    ]


@pytest.mark.parametrize("heading", ["## on x", "### on x", "# on x", "  ## on x", "##on x", "## on  x ", "##\ton x"])
def test_headings_are_known_however_they_are_typed(heading: str) -> None:
    """A space too few or too many makes no heading into text that is published."""
    assert sections(f"A\n{heading}\nB") == [("text", (), ("A",), [5]), ("text", ("x",), ("B",), [7])]


@pytest.mark.parametrize("line", ["#SpringMend is here", "We are #1", "a ## on x", "\\## on x", "    ## on x"])
def test_what_is_no_heading_is_text(line: str) -> None:
    """A hashtag at the beginning of a line, and a sign inside one, stay text."""
    assert sections(line) == [("text", (), (line,), [5])]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("A\n## on linkdin\nB", ["f.md:6:7: No section 'on linkdin'. [SYN006] Use '## on linkedin'."]),
        ("A\n## on x, nobody, linkedin\nB", ["f.md:6:10: No section 'on nobody'. [SYN006] Use '## on mastodon'."]),
        ("A\n## On LinkedIn\nB", ["f.md:6:4: No section 'On LinkedIn'. [SYN006] Use '## on linkedin'."]),
        ("A\n## Notes\nB", ["f.md:6:4: No section 'Notes'. [SYN006] Use '## notes'."]),
        ("A\n## first coment on x\nB", ["f.md:6:4: No section 'first coment on x'. [SYN006] Use '## first comment'."]),
        ("A\n## first comment on xx\nB", ["f.md:6:21: No section 'on xx'. [SYN006] Use '## on x'."]),
        ("A\n### Why we mend\nB", ["f.md:6:5: No section 'Why we mend'. [SYN006] Use '## on mastodon'."]),
        ("A\n##\nB", ["f.md:6:3: No section ''. [SYN006] Use '## on mastodon'."]),
        (
            "A\n## on x\nB\n## on x, linkedin\nC",
            ["f.md:8:1: The section 'on x' stands twice. [SYN006] Keep one, or join them."],
        ),
        (
            "A\n## first comment\nB\n## first comment\nC",
            ["f.md:8:1: The section 'first comment' stands twice. [SYN006] Keep one, or join them."],
        ),
    ],
)
def test_a_heading_that_names_no_section_is_an_error(body: str, said: list[str]) -> None:
    """SYN006 points at the words that are wrong and names the section that was meant."""
    assert problems(body) == said


def test_an_unknown_section_is_looked_through_too() -> None:
    """What stands below a heading that is wrong has its problems told at the same time."""
    assert problems("A\n## for x\nTODO\n") == [
        "f.md:6:4: No section 'for x'. [SYN006] Use '## on x'.",
        "f.md:7:1: A placeholder is left: TODO. [SYN004] Write what it stands for.",
    ]


def test_near_misses_of_unknown_sections() -> None:
    """Two alternatives, two comments for different channels, and any channel while the channels are not known, are
    fine.
    """
    assert problems("A\n## or\nB\n## or\nC\n## first comment on x\nD\n## first comment on linkedin\nE") == []
    assert problems("A\n## on whatever\nB", channels=None) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "A\n## on x\n\n## or\nB",
            ["f.md:6:1: Nothing to publish under this heading. [SYN004] Write its text, or remove the heading."],
        ),
        (
            "A\n## first comment\n<!-- later -->\n",
            ["f.md:6:1: Nothing to publish under this heading. [SYN004] Write its text, or remove the heading."],
        ),
        (
            "A\n***\n\n***\nC",
            ["f.md:6:1: Nothing to publish in this part of the thread. [SYN004] Write its text, or remove a line ***."],
        ),
        (
            "***\nB",
            ["f.md:5:1: Nothing to publish in this part of the thread. [SYN004] Write its text, or remove a line ***."],
        ),
        (
            "A\n***\n",
            ["f.md:6:1: Nothing to publish in this part of the thread. [SYN004] Write its text, or remove a line ***."],
        ),
        (
            "A\n  Ask [name] about {{what}}, XX, and TODO.",
            [
                "f.md:6:7: A placeholder is left: [name]. [SYN004] Write what it stands for.",
                "f.md:6:20: A placeholder is left: {{what}}. [SYN004] Write what it stands for.",
                "f.md:6:30: A placeholder is left: XX. [SYN004] Write what it stands for.",
                "f.md:6:38: A placeholder is left: TODO. [SYN004] Write what it stands for.",
            ],
        ),
    ],
)
def test_what_is_not_written_yet_is_an_error(body: str, said: list[str]) -> None:
    """SYN004 names every empty part and every placeholder at once, each where it stands."""
    assert problems(body) == said


@pytest.mark.parametrize(
    "text", ["TODOS los días", "todo bien", "XXL", "[name](https://x.example)", "{name}", "{ {x} }", "0.__class__"]
)
def test_near_misses_of_placeholders(text: str) -> None:
    """Words that only look like placeholders are text."""
    assert problems(text) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "A <b>bold</b> word",
            [
                "f.md:5:3: HTML is not published: <b>. [SYN008] Write it as Markdown, or remove it.",
                "f.md:5:10: HTML is not published: </b>. [SYN008] Write it as Markdown, or remove it.",
            ],
        ),
        (
            "A\n<details>\nB",
            ["f.md:6:1: HTML is not published: <details>. [SYN008] Write it as Markdown, or remove it."],
        ),
        (
            "A\n <img\n src='x'>",
            ["f.md:6:2: HTML is not published: <img\n src='x'>. [SYN008] Write it as Markdown, or remove it."],
        ),
        ("A<br/>", ["f.md:5:2: HTML is not published: <br/>. [SYN008] Write it as Markdown, or remove it."]),
        (
            "A\nB <!-- C\n## on x\nD",
            ["f.md:6:3: This comment is not closed: the text after it would be lost. [SYN008] Write --> at its end."],
        ),
    ],
)
def test_html_is_an_error(body: str, said: list[str]) -> None:
    """SYN008 names each tag where it begins, and a comment that would swallow the rest of the post."""
    assert problems(body) == said


@pytest.mark.parametrize(
    "text", ["I <3 you", "3 < 4 and 5 > 2", "a<b", "<https://x.example/a>", "<who@x.example>", "<- this", "a <b\n\nc>"]
)
def test_near_misses_of_html(text: str) -> None:
    """Hearts, sums, arrows and addresses in angle brackets are no HTML."""
    assert problems(text) == []


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u202e", "U+202E"),
        ("\u2066", "U+2066"),
        ("\u200b", "U+200B"),
        ("\u2060", "U+2060"),
        ("\ufeff", "U+FEFF"),
        ("\x00", "U+0000"),
        ("\x1b", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x85", "U+0085"),
        ("\u2028", "U+2028"),
        ("\U000e0041", "U+E0041"),
        ("\U0001f3f4\U000e0041\U000e0042\U000e007f", "U+E0041"),
        ("\U0001f3f4" + "\U000e0061" * 7 + "\U000e007f", "U+E0061"),
    ],
)
def test_invisible_characters_are_errors(character: str, name: str) -> None:
    """SYN009 names the code point of what nobody sees, also of letters that hide behind a flag."""
    column = 6 if len(character) > 1 else 5

    assert problems(f"A\npay {character} now") == [
        f"f.md:6:{column}: An invisible character is here: {name}. [SYN009] Delete it and type the text again."]


@pytest.mark.parametrize("text", [
    "👩‍💻", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️", "می‌خواهم", "שלום\u200f", "a\tb", "ﬁ", "🏴",
])
def test_near_misses_of_invisible_characters(text: str) -> None:
    """Joined emoji, the flag of Scotland, Persian and Hebrew pass."""
    assert problems(text) == []


def test_a_run_of_hidden_characters_is_one_problem() -> None:
    """A hidden message of 500 characters is told once."""
    assert len(problems("A" + "\U000e0041" * 500)) == 1


def test_comments_go_and_lines_and_columns_stay() -> None:
    """HTML comments, also over several lines and with headings in them, leave every line and column where it was."""
    body = "A <!-- x -->TODO\n<!--\n## on x\nTODO\n-->\nB\n"
    divided = divide(body, "f.md", 5, "posts/p", CHANNELS)

    assert [(p.place.line, p.place.column, p.message) for p in divided.problems] == [
        (5, 13, "A placeholder is left: TODO.")
    ]
    assert [s.parts for s in divided.sections] == [("A TODO\n\n\n\n\nB",)]


def test_threads_are_split_and_their_parts_have_places() -> None:
    """A line of three stars splits, with or without spaces; stars inside a line do not."""
    assert sections("A\n***\n\nB ***\n * * * \nC\n****\nD") == [("text", (), ("A", "B ***", "C\n****\nD"), [5, 8, 10])]
    assert sections("A\n## on x\nB\n***\nC") == [("text", (), ("A",), [5]), ("text", ("x",), ("B", "C"), [7, 9])]


@pytest.mark.parametrize(
    "body",
    [
        "{" * 250_000,
        "<a " * 80_000,
        "<!--" * 60_000,
        "## on x\n" * 20_000,
        "\u202e\n" * 60_000,
        "[name" * 40_000,
        "***\n" * 40_000,
        "<a\n" * 80_000,
        "\U0001f3f4" * 60_000,
    ],
)
def test_hostile_bodies_end(body: str) -> None:
    """A body made to be slow is divided all the same (each of these would take minutes if a pattern went back and
    forth).
    """
    divided = divide(body, "f.md", 5, "posts/p", CHANNELS)

    assert all(p.place.line >= 5 for p in divided.problems)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("#*<>!-{}[]\n \t")), max_size=200))
def test_any_body_is_divided(body: str) -> None:
    """Whatever the body, every place lies inside the file, and every part holds text."""
    divided: Any = divide(body, "f.md", 5, "posts/p", CHANNELS)

    lines = body.count("\n") + 5
    assert all(5 <= p.place.line <= lines and p.place.column >= 1 for p in divided.problems)
    for section in divided.sections:
        assert len(section.parts) == len(section.places)
        assert all(part.strip() for part in section.parts)
        assert all(5 <= place.line <= lines for place in section.places)
