"""The body of a post falls into sections, and everything that must not be published is found at its own line and
column.
"""

import time
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
    found = [p for p in divide(body, "f.md", 5, "posts/p", channels).problems if p.severity.value != "advice"]
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
            ["f.md:6:2: HTML is not published: <img src='x'>. [SYN008] Write it as Markdown, or remove it."],
        ),
        ("A<br/>", ["f.md:5:2: HTML is not published: <br/>. [SYN008] Write it as Markdown, or remove it."]),
        (
            "A\n\n  <details open\nhidden from reviewers",
            ["f.md:7:3: HTML is not published: <details. [SYN008] Write it as Markdown, or remove it."],
        ),
        (
            "A\n</div\nhidden",
            ["f.md:6:1: HTML is not published: </div. [SYN008] Write it as Markdown, or remove it."],
        ),
        (
            "A <!DOCTYPE x> <?php y ?> <![CDATA[z]]>",
            [
                "f.md:5:3: HTML is not published: <!DOCTYPE x>. [SYN008] Write it as Markdown, or remove it.",
                "f.md:5:16: HTML is not published: <?php y ?>. [SYN008] Write it as Markdown, or remove it.",
                "f.md:5:27: HTML is not published: <![CDATA[z]]>. [SYN008] Write it as Markdown, or remove it.",
            ],
        ),
        ("A\n<!x hid", ["f.md:6:1: HTML is not published: <!x hid. [SYN008] Write it as Markdown, or remove it."]),
        ("<<!-- -->b>A", ["f.md:5:1: HTML is not published: <b>. [SYN008] Write it as Markdown, or remove it."]),
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
    "text", ["I <3 you", "3 < 4 and 5 > 2", "a<b", "<https://x.example/a>", "<who@x.example>", "<- this", "a <b\n\nc>",
             "A\n<https://x.example>", "A\n<3", "A\n<-", "what <! and <?"]
)
def test_near_misses_of_html(text: str) -> None:
    """Hearts, sums, arrows and addresses in angle brackets are no HTML."""
    assert problems(text) == []


@pytest.mark.parametrize("line", [
    "[x]: https://evil.example", '[//]: # (pay him)', "[//]: # 'pay him'", "  [x]:<https://evil.example> \"pay\"  ",
    "[^1]: pay him on Friday",
])
def test_what_markdown_does_not_show_is_an_error(line: str) -> None:
    """SYN008 names the definition of a link or a footnote: reviewers see nothing of it, readers would (threats, B6)."""
    start, shown = line.index("[") + 1, line.strip()

    [problem] = divide(f"A\n\n{line}\n", "f.md", 5, "posts/p", CHANNELS).problems

    assert (str(problem.place), problem.code) == (f"f.md:7:{start}", "SYN008")
    assert problem.message.startswith("Markdown does not show this line: [")
    assert shown.startswith(problem.message.removeprefix("Markdown does not show this line: ").removesuffix("…"))


@pytest.mark.parametrize("text", [
    "[Update]: we open at nine", "\\[x]: https://x.example", "see [x]: https://x.example", "[x] : y", "[]: x",
    "[x](y):", "    [x]: https://x.example",
])
def test_near_misses_of_definitions(text: str) -> None:
    """What Markdown shows as it stands is text."""
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello @everyone!", (7, "@everyone")),
        ("@here look", (1, "@here")),
        ("(@channel)", (2, "@channel")),
        ("@Everyone", (1, "@Everyone")),
        ("＠everyone", (1, "＠everyone")),
        ("@**everyone**", (1, "@**everyone")),
        ("@_here_", (1, "@_here")),
        ("@[everyone](https://x.example)", (1, "@[everyone")),
        ("@<!-- quietly -->everyone", (1, "@everyone")),
        ("Hello @here.", (7, "@here")),
        ("a,@here,b", (3, "@here")),
    ],
)
def test_calling_everybody_is_an_error(text: str, found: tuple[int, str]) -> None:
    """SYN011 names what calls everybody at once, however it is dressed (threats, B9)."""
    assert problems(text) == [
        f"f.md:5:{found[0]}: This calls everybody at once: {found[1]}. [SYN011] Name the accounts that are meant."]


@pytest.mark.parametrize("text", [
    "everyone is here", "@everyoneelse", "@here_too", "@channel4", "@here@social.example", "@here.example", "@here-now",
    "wren@here.example", "https://x.example/@here", "@wren and @mill@social.example", "@ everyone", "the @ channel",
])
def test_near_misses_of_calling_everybody(text: str) -> None:
    """Accounts, addresses and words that only look like it are fine, and so are mentions of somebody."""
    assert problems(text) == []


@pytest.mark.parametrize(("text", "column", "host", "read"), [
    ("See https://раypal.example/x now", 13, "раypal.example", "xn--ypal-43d9g.example"),
    ("See https://user@раypal.example", 18, "раypal.example", "xn--ypal-43d9g.example"),
    ("[us](https://gοοgle.example)", 14, "gοοgle.example", "xn--ggle-0nda.example"),
    ("See аррӏе.com now", 5, "аррӏе.com", "xn--80ak6aa92e.com"),
    ("See https://xn--80ak6aa92e.com", 13, "xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),
    ("So раypal.example.", 4, "раypal.example", "xn--ypal-43d9g.example"),
])
def test_a_host_that_looks_like_another_is_a_warning(text: str, column: int, host: str, read: str) -> None:
    """SYN012 warns of a name that mixes alphabets, or is all Cyrillic that looks Latin, and says how machines read it
    (threats, B5).
    """
    [problem] = divide(text, "f.md", 5, "posts/p", CHANNELS).problems

    assert (str(problem.place), problem.code, problem.severity.value) == (f"f.md:5:{column}", "SYN012", "warning")
    assert problem.message == f"The host name {host} looks like another: machines read {read}."


@pytest.mark.parametrize("text", [
    "https://münchen.example", "https://пример.рф/путь", "https://例え.jp", "https://abc例え.jp", "https://bücher.de/аррӏе",
    "https://straße.de", "имя@пример.рф", "Смотри.Потом", "file_имя.html", "https://xn--mnchen-3ya.example", "кто.com",
    "https://сор.рф", "a.b.c", "https://" + "а" * 300 + ".com", "https://xn--zzzzzz--.com", "ｐaypal.com", "💩.la",
])
def test_near_misses_of_hosts_that_look_like_others(text: str) -> None:
    """Names of one alphabet, Latin beside Japanese, paths, mails and words of other alphabets are fine."""
    assert divide(text, "f.md", 5, "posts/p", CHANNELS).problems == ()


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


def test_comments_join_what_stands_around_them() -> None:
    """A comment inside a word hides nothing from the rules: what is published is what is judged, at its own place."""
    assert problems("A TO<!-- x\n-->DO, T<!-- -->ODO {{<!-- -->a}}") == [
        "f.md:6:8: A placeholder is left: TODO. [SYN004] Write what it stands for.",
        "f.md:6:21: A placeholder is left: {{a}}. [SYN004] Write what it stands for.",
    ]
    [section] = divide("Ho<!-- -->me <!--> and <!---> away", "f.md", 5, "posts/p", CHANNELS).sections
    assert section.parts == ("Home  and  away",)


def test_comments_in_notes_and_of_posts_without_text_are_not_told() -> None:
    """That something is left out is said where something is published."""
    body = "A\n<!-- x -->\n## notes\n<!-- y -->\n## on x\nB <!-- z -->"
    assert [p.place.line for p in divide(body, "f.md", 5, "posts/p", CHANNELS).problems] == [6, 10]
    assert divide("<!-- x -->\n## notes\nA", "f.md", 5, "posts/p", CHANNELS).problems == ()


def test_a_flood_of_errors_is_cut_off() -> None:
    """Of thousands of errors the first hundred are told; warnings and advice never take their place."""
    body = "<!-- x -->" * 200 + "https://раypal.example " * 200 + "## no\n" * 5000 + "XX " * 5000

    found = divide(body, "f.md", 5, "posts/p", CHANNELS).problems

    assert [sum(p.severity.value == kind for p in found) for kind in ("error", "warning", "advice")] == [100] * 3


def test_comments_go_and_lines_and_columns_stay() -> None:
    """HTML comments, also over several lines and with headings in them, leave every line and column where it was."""
    body = "A <!-- x -->TODO\n<!--\n## on x\nTODO\n-->\nB\n"
    divided = divide(body, "f.md", 5, "posts/p", CHANNELS)

    assert [(p.place.line, p.place.column, p.severity.value, p.message) for p in divided.problems] == [
        (5, 13, "error", "A placeholder is left: TODO."),
        (5, 3, "advice", "This comment is left out of what is published."),
        (6, 1, "advice", "This comment is left out of what is published."),
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
        "![" * 120_000,
        "![](" * 60_000,
        "## a" + " " * 250_000 + "b",
        "## on " + "a, " * 80_000,
        "".join(f"## q{n}\n" for n in range(30_000)),
        "[a]: x" + " " * 250_000 + "y",
        "[a]:" * 60_000,
        "[" * 250_000,
        ">" * 250_000,
        "> " * 120_000,
        "@*" * 120_000,
        "@here " * 40_000,
        "а." * 120_000,
        "раy.com " * 30_000,
        "https://" * 30_000 + "а",
        "https://а@" * 25_000,
        "xn--" * 60_000 + "é",
        "https://" + "é" * 240_000,
        "a<!---->" * 30_000,
        "a<!---->\n## on x\n" * 14_000,
        "<a\n" + " \t" * 120_000,
        "{{" * 120_000 + "é",
    ],
)
def test_hostile_bodies_end(body: str) -> None:
    """A body made to be slow is divided in seconds (many of these took minutes where a pattern went back and forth;
    threats, B4).
    """
    begun = time.process_time()
    divided = divide(body, "f.md", 5, "posts/p", CHANNELS)

    assert time.process_time() - begun < 2
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
