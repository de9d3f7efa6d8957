"""TXT: one text for all networks is told, what was said before is told, and so is what reads like a notice."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.planning.rules import texts
from flows.planning.rules.ruling import Facts
from schemas.ledger import Slot
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
FIVE = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
    "  - {id: two, network: bluesky}\n"
    "  - {id: three, network: linkedin, link_placement: first_comment}\n"
    '  - {id: four, network: mastodon, handle: "@four@social.example"}\n'
    '  - {id: five, network: x, handle: "@five"}\n'
)


def post(body: str, front: str = "", at: str = "2027-03-04 09:30") -> str:
    return f"---\nat: {at}\n{front}---\n{body}\n"


def folder(posts: Mapping[str, str], **more: str) -> dict[str, str]:
    return {"networks/channels.yaml": FIVE, **{f"posts/{name}.md": text for name, text in posts.items()}, **more}


# --- TXT002 -----------------------------------------------------------------------------------------------------------

ALL_THREE = (
    "One message for all: one, two and three get the same text. Write for three: add '## on three' with words "
    "for the people there."
)


@pytest.mark.parametrize(
    ("front", "body", "said"),
    [
        (
            "channels: [one, two, three]\n",
            "Hello.",
            [f"posts/a.md:5:1: TXT002 advice: {ALL_THREE}"],
        ),
        (
            "channels: [one, two, three]\nintent: ask\n",
            "Hello.",
            [f"posts/a.md:6:1: TXT002 warning: {ALL_THREE}"],
        ),
        ("channels: [one, two, four]\n", "Hello.", []),  # two networks
        ("channels: [one, two, three]\n", "Hello.\n## on three\nDear all.", []),
        (
            "channels: [one, two, three]\n",
            "Hello.\n## on three\nHello.",
            [f"posts/a.md:5:1: TXT002 advice: {ALL_THREE}"],
        ),
        (
            "channels: [one, two, three, five]\n",
            "Hello.\n## on two, three, five\nDear all.",
            [
                "posts/a.md:7:1: TXT002 advice: One message for all: two, three and five get the same text. Write for "
                "five: add '## on five' with words for the people there."
            ],
        ),
        ("channels: [one, two, three]\n", "## on one\nHello.\n## first comment\nMore.", []),
    ],
)
def test_one_text_for_three_networks_is_told(
    front: str, body: str, said: list[str], judged: Judged, lines: Lines
) -> None:
    """TXT002: once for a post, at the text, and harder for an ask; two accounts of a network are one network."""
    assert lines(judged([texts.ONE_FOR_ALL], folder({"a": post(body, front)}))) == said


@pytest.mark.rule("TXT002", "fires")
def test_one_text_for_all_is_told(judged: Judged, lines: Lines) -> None:
    """TXT002: advice for a post, a warning for an ask."""
    files = folder({"a": post("Hello.", "channels: [one, two, three]\n"),
                    "b": post("Hello.", "channels: [one, two, three]\nintent: ask\n")})

    assert lines(judged([texts.ONE_FOR_ALL], files)) == [
        f"posts/a.md:5:1: TXT002 advice: {ALL_THREE}",
        f"posts/b.md:6:1: TXT002 warning: {ALL_THREE}",
    ]


@pytest.mark.parametrize("body", ["Hello.\n## on three\nHello!", "## on one, two\nHello.\n## on three\nDear all."])
@pytest.mark.rule("TXT002", "near")
def test_one_text_for_two_networks_is_not_told(body: str, judged: Judged) -> None:
    """TXT002: the third network has words of its own, be it by a single sign; a second account is no network more."""
    assert judged([texts.ONE_FOR_ALL], folder({"a": post(body, "channels: [one, two, three, four]\n")})) == []


@pytest.mark.rule("TXT002", "missing")
def test_no_text_is_nobodys(judged: Judged) -> None:
    """TXT002: a picture without words is one message for all, and that is right; so is a post that goes nowhere."""
    assert judged([texts.ONE_FOR_ALL], folder({"a": post("", "channels: [one, two, three]\n")})) == []
    assert judged([texts.ONE_FOR_ALL], folder({"a": post("Hello.")}) | {"networks/channels.yaml": ""}) == []


@pytest.mark.parametrize(("knob", "many"), [("same_text: 2", 1), ("same_text: 4", 0), ("same_text: few", 1)])
def test_how_many_networks_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """TXT002: rules.yaml says how many networks are too many; a word that is no number leaves it at three."""
    files = folder({"a": post("Hello.", "channels: [one, two, three]\n")}, **{"rules.yaml": f"knobs: {{{knob}}}\n"})

    assert len(judged([texts.ONE_FOR_ALL], files)) == many


# --- TXT004 -----------------------------------------------------------------------------------------------------------

LINK = "link: https://ours.example/a\n"
FEW = "Speak to people, do not post a notice: say what they find there, and why."
OFFICE = "Speak to people, do not post a notice: say it as you would to a neighbour."


@pytest.mark.parametrize(
    ("front", "body", "said"),
    [
        (LINK, "One two three four five six seven eight", f"posts/a.md:5:1: TXT004 warning: A link and 8 words. {FEW}"),
        (LINK, "One two three four five six seven eight nine", None),
        ("", "One two three", None),
        ("", "Look: https://ours.example/a/b-c-d/e", f"posts/a.md:4:1: TXT004 warning: A link and 1 word. {FEW}"),
        ("", "https://ours.example/a #SpringMend", f"posts/a.md:4:1: TXT004 warning: A link and no word. {FEW}"),
        ("", "[Our shop opens](https://ours.example)", f"posts/a.md:4:1: TXT004 warning: A link and 3 words. {FEW}"),
        (LINK, "One two three four five\n***\nsix seven eight nine", None),
        (
            "",
            "Hello.\n\nThis is a Press\nRelease of ours.",
            f"posts/a.md:6:11: TXT004 warning: 'Press Release' reads like a notice. {OFFICE}",
        ),
        (
            "",
            "Hello.\n***\nFOR IMMEDIATE RELEASE",
            f"posts/a.md:6:1: TXT004 warning: 'FOR IMMEDIATE RELEASE' reads like a notice. {OFFICE}",
        ),
        (
            "",
            "An official statement.",
            f"posts/a.md:4:4: TXT004 warning: 'official statement' reads like a notice. {OFFICE}",
        ),
        ("", "The press releases the lever; our official stated it.", None),
        (LINK, "One two three four five six seven eight nine\n## first comment\nDates:", None),
        (
            LINK,
            "One two three four five six seven eight nine\n## on five\nCome.",
            f"posts/a.md:7:1: TXT004 warning: A link and 1 word. {FEW} channel=five",
        ),
        (LINK, "One two three four five six seven eight nine\n## or\nCome.", None),  # an alternative of no repeat
    ],
)
def test_what_reads_like_a_notice_is_told(
    front: str, body: str, said: str | None, judged: Judged, lines: Lines
) -> None:
    """TXT004: a link with eight words or fewer, and the words of offices; links and hashtags are no words."""
    assert lines(judged([texts.NOTICE], folder({"a": post(body, front)}))) == ([said] if said else [])


@pytest.mark.rule("TXT004", "fires")
def test_alternatives_of_a_repeat_are_read_too(judged: Judged, lines: Lines) -> None:
    """TXT004: what goes out another time is judged like the first."""
    front = "---\nevery: 4w at 09:30\nfrom: 2027-02-01\nruns: 2\nlink: https://ours.example\n---\n"
    body = front + "word " * 9 + "\n## or\nCome.\n"

    assert lines(judged([texts.NOTICE], folder({"a": body}))) == [
        f"posts/a.md:9:1: TXT004 warning: A link and 1 word. {FEW}"
    ]


@pytest.mark.rule("TXT004", "near")
def test_nine_words_and_ordinary_ones_are_not_told(judged: Judged) -> None:
    """TXT004: a ninth word beside the link; words of an office that stand apart."""
    files = folder({"a": post("One two three four five six seven eight nine", LINK),
                    "b": post("The press will release it, our statement is official, for release at once.")})

    assert judged([texts.NOTICE], files) == []


@pytest.mark.rule("TXT004", "missing")
def test_few_words_without_a_link_are_not_told(judged: Judged) -> None:
    """TXT004: without a link a post may be short; without words it is a picture's matter."""
    assert judged([texts.NOTICE], folder({"a": post("Hello."), "b": post("", LINK)})) == []


# --- TXT003 -----------------------------------------------------------------------------------------------------------

CHISEL = (
    "A blunt chisel is more dangerous than a sharp one, so flatten its back first. Which tool of yours has gone blunt?"
)
NEARLY = CHISEL.replace("yours", "theirs")
AGAIN = "Say it in other words, or let more time pass."


def said_twice(first: str, second: str, at: str, front: str = "channels: [one]\n") -> dict[str, str]:
    return folder({"a": post(first, front, "2027-03-01 12:00"), "b": post(second, front, at)})


@pytest.mark.parametrize(
    "second", [CHISEL, NEARLY, CHISEL.upper(), f"{CHISEL} https://ours.example #Tools", f"**{CHISEL}**"]
)
@pytest.mark.rule("TXT003", "fires")
def test_what_a_channel_said_before_is_told(second: str, judged: Judged, lines: Lines) -> None:
    """TXT003: the same words on the same channel within 60 days are told of the later post."""
    assert lines(judged([texts.SAID_BEFORE], said_twice(CHISEL, second, "2027-04-30 12:00"))) == [
        f"posts/b.md:5:1: TXT003 warning: Said on 2027-03-01 on one in posts/a. {AGAIN} channel=one"
    ]


@pytest.mark.parametrize(
    ("second", "at", "front"),
    [
        (CHISEL, "2027-05-01 12:01", "channels: [one]\n"),  # 61 days
        (
            CHISEL.replace("sharp", "dull").replace("yours", "hers").replace("flatten", "grind"),
            "2027-03-02 12:00",
            "channels: [one]\n",
        ),
    ],
)
@pytest.mark.rule("TXT003", "near")
def test_other_words_or_other_times_are_not_told(second: str, at: str, front: str, judged: Judged) -> None:
    """TXT003: after 60 days, or in other words, a channel may come back to a thing."""
    assert judged([texts.SAID_BEFORE], said_twice(CHISEL, second, at, front)) == []


def test_another_channel_is_not_told(judged: Judged) -> None:
    """TXT003: what one channel said is new on another."""
    files = folder({"a": post(CHISEL, "channels: [one]\n"), "b": post(CHISEL, "channels: [four]\n")})

    assert judged([texts.SAID_BEFORE], files) == []


@pytest.mark.parametrize(("knob", "many"), [("7d", 0), ("30d", 1), ("4w", 1), ("2mo", 1), ("12", 1)])
def test_the_window_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """TXT003: rules.yaml says how long a channel remembers; what has no fixed length leaves it at 60 days."""
    files = said_twice(CHISEL, CHISEL, "2027-03-25 12:00") | {"rules.yaml": f"knobs: {{repeat_window: {knob}}}\n"}

    assert len(judged([texts.SAID_BEFORE], files)) == many


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (
            "2027-03-01 23:59",
            "error: Said on 2027-03-01 on five in posts/a. Write it anew: X refuses a text that it has just had.",
        ),
        ("2027-03-02 00:00", f"warning: Said on 2027-03-01 on five in posts/a. {AGAIN}"),
    ],
)
def test_x_refuses_what_it_has_just_had(at: str, said: str, judged: Judged, lines: Lines) -> None:
    """TXT003: within twelve hours a repeat on X is an error, for X would refuse it."""
    assert lines(judged([texts.SAID_BEFORE], said_twice(CHISEL, NEARLY, at, "channels: [five]\n"))) == [
        f"posts/b.md:5:1: TXT003 {said} channel=five"
    ]


def test_runs_of_one_post_are_meant(judged: Judged, lines: Lines) -> None:
    """TXT003 says nothing of a post that comes round again: SCH005 judges how often it may, and in how many words."""
    alone = f"---\nevery: 4w at 09:30\nfrom: 2027-02-01\nruns: 4\nchannels: [one]\n---\n{CHISEL}\n"
    every = f"{alone}## or\nAnother text.\n"

    assert lines(judged([texts.SAID_BEFORE], folder({"a": every}))) == []
    assert lines(judged([texts.SAID_BEFORE], folder({"a": alone}))) == []


@pytest.mark.parametrize(
    ("now", "sent", "many"),
    [
        (datetime(2027, 3, 1, 0, 0, tzinfo=UTC), None, 1),
        (datetime(2027, 3, 10, 0, 0, tzinfo=UTC), None, 1),  # the first is out, as far as files tell
        (datetime(2027, 3, 10, 0, 0, tzinfo=UTC), {}, 0),  # the archive knows that it never went out
        (datetime(2027, 3, 10, 0, 0, tzinfo=UTC), {"a": None}, 1),
        (datetime(2027, 3, 10, 0, 0, tzinfo=UTC), {"a": datetime(2026, 12, 1, tzinfo=UTC)}, 0),
        (datetime(2027, 3, 21, 0, 0, tzinfo=UTC), None, 0),  # nobody can change it any more
        (datetime(2027, 3, 20, 12, 30, tzinfo=UTC), None, 1),  # due, within its grace
        (datetime(2027, 3, 1, 0, 0, tzinfo=UTC), {"a": None, "b": None}, 0),
    ],
)
def test_only_what_goes_out_is_told(now: datetime, sent: dict[str, Any] | None, many: int, judged: Judged) -> None:
    """TXT003: what never went out was not said, what is out needs no word; the archive knows more than the files."""
    files = said_twice(CHISEL, CHISEL, "2027-03-20 12:00")
    known = None if sent is None else {Slot(f"posts/{name}", "one"): at for name, at in sent.items()}

    assert len(judged([texts.SAID_BEFORE], files, now=now, sent=known)) == many


@pytest.mark.rule("TXT003", "missing")
def test_without_the_archive_the_plan_is_believed(judged: Judged) -> None:
    """TXT003: where nobody looked, what should be out by now was said; an archive without it knows better."""
    files, now = said_twice(CHISEL, CHISEL, "2027-03-20 12:00"), datetime(2027, 3, 10, 0, 0, tzinfo=UTC)

    assert [problem.post for problem in judged([texts.SAID_BEFORE], files, now=now, sent=None)] == ["posts/b"]
    assert judged([texts.SAID_BEFORE], files, now=now, sent={}) == []


def test_what_waits_or_was_taken_back_says_nothing(judged: Judged) -> None:
    """TXT003: a post on hold has said nothing yet, one to be withdrawn is not told, pictures alone say nothing."""
    held = said_twice(CHISEL, CHISEL, "2027-03-20 12:00") | {
        "posts/a.md": post(CHISEL, "channels: [one]\nhold: not yet\n", "2027-03-01 12:00")
    }
    taken_back = said_twice(CHISEL, CHISEL, "2027-03-20 12:00") | {
        "posts/b.md": post(CHISEL, "channels: [one]\nwithdraw: true\n", "2027-03-20 12:00")
    }

    assert judged([texts.SAID_BEFORE], held) == []
    assert judged([texts.SAID_BEFORE], taken_back) == []
    assert judged([texts.SAID_BEFORE], said_twice("🎉", "🎉", "2027-03-20 12:00")) == []


# --- the sample -------------------------------------------------------------------------------------------------------


def test_the_sample_has_one_text_for_all_in_seven_posts(of_sample: Callable[..., list[Problem]], sample: Facts) -> None:
    """The sample content gives no error and no warning, and advice on exactly the posts whose one text goes to three
    networks or more.
    """
    found = of_sample(texts.RULES)

    assert {(problem.code, problem.severity) for problem in found} == {("TXT002", "advice")}
    assert sorted(problem.post or "" for problem in found) == [
        "evergreen/loose-screw",
        "posts/meet-the-fixers",
        "posts/sharpen-a-chisel",
        "posts/what-was-wrong-with-the-kettle",
        "spring-mend/answered-your-questions",
        "spring-mend/drill-day",
        "spring-mend/thanks",
    ]
