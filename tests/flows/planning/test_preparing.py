"""The whole thought at once: problems of every kind come together, and stop exactly what they are about."""
from collections.abc import Callable
from datetime import UTC, datetime

from flows.planning.preparing import Prepared
from schemas.message import Message
from schemas.problem import Problem, Severity

Make = Callable[..., Prepared]
Tell = Callable[..., list[str]]
TWO = (
    'channels:\n  - {id: one, network: mastodon, handle: "@one@social.example"}\n  - {id: two, network: x, handle: '
    '"@two"}\n'
    "  - {id: three, network: hashnode}\n"
)


def post(front: str = "", body: str = "Hello.") -> str:
    return f"---\nat: 2027-07-01 09:30\n{front}---\n{body}\n"


def test_a_refusal_of_one_network_stops_one_channel(prepared: Make, told: Tell) -> None:
    """A text too long for X waits on X with place, reason and remedy, and goes out on Mastodon; what is not
    supported waits too.
    """
    made = prepared({"networks/channels.yaml": TWO, "posts/a.md": post(body="Hello " * 60)})

    [problem] = [p for p in made.problems if p.severity == Severity.error]
    assert (problem.post, problem.channel, problem.severity) == ("posts/a", "two", Severity.error)
    assert [str(item.slot) for item in made.plan.items] == ["posts/a@one#1"]
    assert {(str(w.slot), w.why, w.at) for w in made.plan.waiting} == {
        (
            "posts/a@two#1",
            f"{problem.place}: {problem.message} {problem.remedy}",
            datetime(2027, 7, 1, 8, 50, tzinfo=UTC),
        ),
        ("posts/a@three#1", "hashnode is not supported yet", datetime(2027, 7, 1, 9, 10, tzinfo=UTC)),
    }
    assert sorted(slot.channel for slot in made.messages) == ["one", "two"]


def test_a_channel_without_words_is_told(prepared: Make, told: Tell) -> None:
    """SYN004: a post with words for one channel only says so for the others, and goes out where it has words."""
    made = prepared({"networks/channels.yaml": TWO, "posts/a.md": post("channels: [one, two]\n", "## on one\nHi.")})

    assert [line for line in told(made.problems) if "SUP001" not in line] == [
        "content/posts/a.md:3:1: error: Nothing to publish on two. [SYN004] Write a text for all channels, or add "
        "'## on two'."
    ]
    assert [str(item.slot) for item in made.plan.items] == ["posts/a@one#1"]


def test_a_comment_without_a_post_is_told(prepared: Make, told: Tell) -> None:
    """SYN004: a first comment needs something to stand under."""
    made = prepared({"posts/a.md": post(body="## first comment\nHi.")})

    assert told(made.problems) == [
        "content/posts/a.md:1:1: error: Nothing to publish on mastodon. [SYN004] Write a text for all channels, or "
        "add '## on mastodon'."
    ]


def test_warnings_stop_nothing(prepared: Make) -> None:
    """What a network only warns of is told and goes out."""
    def warns(message: Message) -> list[Problem]:
        return [
            Problem(
                "TXT009",
                Severity.warning,
                message.parts[0].place,
                "Long.",
                "Shorten.",
                message.slot.post,
                message.slot.channel,
            )
        ]

    made = prepared({"posts/a.md": post()}, judge=warns)

    assert ([p.code for p in made.problems], len(made.plan.items), made.plan.waiting) == (["TXT009"], 1, ())


def test_problems_are_in_the_order_of_files_and_told_once(prepared: Make) -> None:
    """By file, line, column and code, each problem once, whoever found it."""
    made = prepared(
        {
            "posts/b.md": post("pilar: x\n"),
            "posts/a.md": post("author: zoe\nlink: x\n", "TODO"),
            "pillars.yaml": "pillars: 1\n",
        }
    )

    assert [(p.place.file, p.place.line, p.code) for p in made.problems] == sorted(
        {(p.place.file, p.place.line, p.code) for p in made.problems}
    )
    assert len(set(made.problems)) == len(made.problems) == 4


def test_drafts_are_read_and_not_planned(prepared: Make, told: Tell) -> None:
    """A draft has its mistakes told and takes no slot."""
    made = prepared({"posts/a.md": post("draft: true\n", "TODO")})

    assert told(made.problems) == [
        "content/posts/a.md:5:1: error: A placeholder is left: TODO. [SYN004] Write what it stands for."
    ]
    assert (made.plan.everything(), made.messages, [p.id for p in made.content.drafts]) == ((), {}, ["posts/a"])


def test_an_empty_folder_is_no_error(prepared: Make, told: Tell) -> None:
    """No files, or nothing but figures: nothing to plan, nothing to report, nothing raised."""
    nothing = {"strategy.yaml": None, "people/team.yaml": None, "networks/channels.yaml": None}

    made = prepared(nothing)

    assert (told(made.problems), made.plan.everything()) == ([], ())
