"""The casebook of what networks and accounts say: TXT001, TXT005, TXT006, SUP, and CON, which credentials tell."""
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

import publishers
from flows.edges.settings import Settings
from flows.foresee import foresee
from flows.planning.preparing import Prepared

Files = Mapping[str, str | None]
Prepare = Callable[..., Prepared]
Lines = Callable[..., list[str]]
Said = Callable[[Files], list[str]]
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
X = 'channels:\n  - {id: x, network: x, handle: "@us"}\n'
BLUESKY = "channels:\n  - {id: two, network: bluesky, handle: us.example}\n"
POLL = "poll: {options: [Yes, No], for: 1d}\n"
MISTYPED = "channels:\n  - {id: one, network: mastodn, handle: us}\n"


def post(body: str = "Hello.", front: str = "", at: str = "2027-02-02 09:30") -> str:
    return f"---\nat: {at}\n{front}---\n{body}\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param(
            {"posts/a.md": post("x" * 501)},
            ["posts/a.md:4:1: TXT001 error: 501/500 on mastodon. Add '## on mastodon' with a shorter text. "
             "channel=mastodon"],
            marks=pytest.mark.rule("TXT001", "fires")),
        pytest.param(
            {"networks/channels.yaml": X, "posts/a.md": post("Our readme.md is new.")},
            ["posts/a.md:4:1: TXT005 warning: X makes a link of readme.md on x: it counts 23, and the post costs 0.20 "
             "USD, not 0.015. Put a word joiner (U+2060) or a space before the dot of readme.md, or write https:// if "
             "it is meant. channel=x"],
            marks=pytest.mark.rule("TXT005", "fires")),
        pytest.param(
            {"networks/channels.yaml": X, "posts/a.md": post("Buy $ABC and $DEF now.")},
            ["posts/a.md:4:1: TXT006 error: X takes one cashtag on x, not $ABC, $DEF. Keep $ABC and write the others "
             "without the dollar sign. channel=x"],
            marks=pytest.mark.rule("TXT006", "fires")),
        pytest.param(
            {"networks/channels.yaml": MISTYPED},
            ["networks/channels.yaml:2:15: SUP001 warning: mastodn is not supported yet: posts for one wait. Did you "
             f"mean mastodon? Otherwise nothing to do; supported so far: {', '.join(publishers.available())}."],
            marks=pytest.mark.rule("SUP001", "fires")),
        pytest.param(
            {"networks/channels.yaml": BLUESKY, "posts/a.md": post(front=POLL)},
            ["posts/a.md:3:1: SUP002 warning: two has no polls: the post goes out without it there. Ask in the text "
             "under '## on two', or leave the channel out. channel=two"],
            marks=pytest.mark.rule("SUP002", "fires")),
        pytest.param(
            {"posts/a.md": post(front="options: {mastodn: {visibility: unlisted}}\n"),
             "posts/b.md": post(front="options: {mastodon: {visibility: loud}}\n")},
            ["posts/a.md:3:11: SUP003 error: options: no channel and no network 'mastodn'. Did you mean mastodon?",
             "posts/b.md:3:22: SUP003 error: 'visibility' cannot be loud on mastodon. It may be: public, unlisted, "
             "private. channel=mastodon"],
            marks=pytest.mark.rule("SUP003", "fires")),
    ],
)
def test_it_is_told(files: Files, told: list[str], said: Said) -> None:
    """Where the rule fires it says where, what is wrong, and what to do."""
    assert said(files) == told


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"posts/a.md": post("x" * 500)},
                     id="the last character that fits",
                     marks=pytest.mark.rule("TXT001", "near")),
        pytest.param({"networks/channels.yaml": X, "posts/a.md": post("Our readme .md: https://example.org/a.md")},
                     id="a space before the dot, and a link that is one",
                     marks=pytest.mark.rule("TXT005", "near")),
        pytest.param({"networks/channels.yaml": X, "posts/a.md": post("Buy $ABC for $100 now.")},
                     id="one cashtag and a price",
                     marks=pytest.mark.rule("TXT006", "near")),
        pytest.param({"networks/channels.yaml": MISTYPED.replace("handle", "status: retired, handle")},
                     id="a channel that takes no posts any more",
                     marks=pytest.mark.rule("SUP001", "near")),
        pytest.param({"posts/a.md": post(front=POLL)},
                     id="a poll where there are polls",
                     marks=pytest.mark.rule("SUP002", "near")),
        pytest.param({"posts/a.md": post(front="options: {mastodon: {visibility: unlisted}}\n")},
                     id="an option that the network has",
                     marks=pytest.mark.rule("SUP003", "near")),
    ],
)
def test_nearly_is_not_told(files: Files, said: Said) -> None:
    """One character or field away from it, the rule says nothing."""
    assert said(files) == []


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"networks/channels.yaml": MISTYPED, "posts/a.md": post("x" * 501)},
                     id="what a network counts that nobody knows is not judged",
                     marks=pytest.mark.rule("TXT001", "missing")),
        pytest.param({"posts/a.md": post("Our readme.md is new.")},
                     id="without a channel on X the dot is no matter",
                     marks=pytest.mark.rule("TXT005", "missing")),
        pytest.param({"networks/channels.yaml": None, "posts/a.md": post("Buy $ABC and $DEF now.")},
                     id="without channels there is no network to refuse it",
                     marks=pytest.mark.rule("TXT006", "missing")),
        pytest.param({"networks/channels.yaml": None},
                     id="without channels nothing waits for a network",
                     marks=pytest.mark.rule("SUP001", "missing")),
        pytest.param({"networks/channels.yaml": BLUESKY, "posts/a.md": post()},
                     id="without a poll the network lacks nothing",
                     marks=pytest.mark.rule("SUP002", "missing")),
        pytest.param({"posts/a.md": post(front="options: {}\n"), "posts/b.md": post()},
                     id="without options every network does as usual",
                     marks=pytest.mark.rule("SUP003", "missing")),
    ],
)
def test_what_is_not_there_is_not_judged(files: Files, said: Said) -> None:
    """Where what the rule looks at is absent, it says nothing: the row says what is right then."""
    assert said(files) == []


# --- CON: what credentials and prices tell ----------------------------------------------------------------------------

WORK = "channels:\n  - {id: work, network: linkedin, handle: company/us, connection: WORK}\n"
TWICE = {"networks/channels.yaml": WORK, "posts/a.md": post(at="2027-02-02 09:30"),
         "posts/b.md": post("Hi there.", at="2027-02-09 09:30")}
PAID = 'channels:\n  - {id: x, network: x, handle: "@us", monthly_budget: 1.0}\n'


@pytest.fixture
def foreseen(prepared: Prepare, lines: Lines, tmp_path: Path) -> Callable[..., list[str]]:
    """What is foreseen for a folder, a line each; credentials stand in variables."""
    settings = Settings(tmp_path / "content", tmp_path)
    return lambda files, **variables: lines(foresee(prepared(files), settings, NOON, variables))


@pytest.mark.rule("CON001", "fires")
def test_a_credential_that_ends_before_a_post_is_told(foreseen: Callable[..., list[str]]) -> None:
    """CON001: from the very second on, with the day in local time, how many posts, and the first of them."""
    assert foreseen(TWICE, DRUMBEAT_WORK_ACCESS_TOKEN="a", DRUMBEAT_WORK_EXPIRES_AT="2027-02-09T09:30:00Z") == [
        "networks/channels.yaml:2:6: CON001 warning: The credential of work ends on 9 February 2027 09:30, and one "
        "post is planned after it, the first on 9 February 2027 09:30: posts/b. Run 'drumbeat connect linkedin "
        "--channel work' before that."]


@pytest.mark.rule("CON001", "near")
def test_a_credential_that_outlives_the_last_post_is_not(foreseen: Callable[..., list[str]]) -> None:
    """CON001: by one second."""
    assert foreseen(TWICE, DRUMBEAT_WORK_ACCESS_TOKEN="a", DRUMBEAT_WORK_EXPIRES_AT="2027-02-09T09:30:01Z") == []


@pytest.mark.parametrize("variables", [{}, {"DRUMBEAT_WORK_ACCESS_TOKEN": "a"}])
@pytest.mark.rule("CON001", "missing")
def test_an_end_that_nobody_knows_is_not_told(variables: dict[str, str], foreseen: Callable[..., list[str]]) -> None:
    """CON001: without credentials, as on a writer's machine, and without an end of theirs, nothing is known."""
    assert foreseen(TWICE, **variables) == []


def costly(posts: int, channels: str = PAID) -> Files:
    """Posts with a link, of 0.20 USD each, on as many days of February."""
    return {"networks/channels.yaml": channels, **{
        f"posts/p{number}.md": post(f"See https://example.org/{number}", at=f"2027-02-{number + 1:02} 09:30")
        for number in range(posts)}}


@pytest.mark.rule("CON002", "fires")
def test_a_month_beyond_its_budget_is_told(foreseen: Callable[..., list[str]]) -> None:
    """CON002: what it costs by the network's prices, and what it may."""
    assert foreseen(costly(6)) == [
        "networks/channels.yaml:2:6: CON002 warning: 6 posts cost 1.20 USD on x in 2027-02; the budget is 1 USD. Leave "
        "links out, name fewer posts for the channel, or raise its monthly_budget."]


@pytest.mark.rule("CON002", "near")
def test_a_month_that_spends_all_of_its_budget_is_not(foreseen: Callable[..., list[str]]) -> None:
    """CON002: to the cent."""
    assert foreseen(costly(5)) == []


@pytest.mark.parametrize(
    "channels", [PAID.replace(", monthly_budget: 1.0", ""), PAID.replace("network: x", "network: mastodon")])
@pytest.mark.rule("CON002", "missing")
def test_without_a_budget_or_a_price_nothing_costs_too_much(
    channels: str, foreseen: Callable[..., list[str]]
) -> None:
    """CON002: nobody said how much is too much, or the network takes no money."""
    assert foreseen(costly(20, channels)) == []
