"""The sample organisation's content is clean, its season falls where it was meant to, and looking at it starts
nothing heavy.
"""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from flows.check import check
from flows.edges.repository import Repository, working_tree
from flows.planning.preparing import Prepared, prepare
from schemas.errors import ContentError
from schemas.problem import Severity

PROJECT = Path(__file__).parents[2]
BEFORE = datetime(2026, 9, 1, tzinfo=UTC)
HEAVY = frozenset(
    {
        "prefect",
        "httpx",
        "requests",
        "tweepy",
        "facebook",
        "boto3",
        "botocore",
        "PIL",
        "fastapi",
        "starlette",
        "sqlalchemy",
    }
)


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """The sample content, checked from the folder in which it lies, as an author would."""
    shutil.copytree(PROJECT / "content", tmp_path / "content")
    monkeypatch.chdir(tmp_path)
    return check(Path("content"), now=BEFORE)


def test_the_sample_has_neither_errors_nor_warnings(sample: Prepared) -> None:
    """Nothing is wrong with the example to copy, on any of its six networks."""
    assert [p for p in sample.problems if p.severity != Severity.advice] == []


def test_the_sample_on_its_day_gives_seven_pieces_of_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 2027-03-17 nothing is wrong and nothing to warn of; one text goes to three networks or more in seven posts."""
    shutil.copytree(PROJECT / "content", tmp_path / "content")
    monkeypatch.chdir(tmp_path)

    made = check(Path("content"), now=datetime(2027, 3, 17, 9, tzinfo=UTC))

    assert [(p.code, p.severity) for p in made.problems] == [("TXT002", Severity.advice)] * 7
    assert sorted(p.post or "" for p in made.problems if p.code == "TXT002") == [
        "evergreen/loose-screw", "posts/meet-the-fixers", "posts/sharpen-a-chisel",
        "posts/what-was-wrong-with-the-kettle", "spring-mend/answered-your-questions", "spring-mend/drill-day",
        "spring-mend/thanks"]


def test_the_season_with_every_network(tmp_path: Path) -> None:
    """All channels of the sample, from 2026-11-01 to 2027-10-31: every slot has its time, by the wall through both
    clock changes, channels 20 minutes apart; and what an ask may count on: 8 gives, then 4.5, for each.
    """
    made = prepare(working_tree(PROJECT / "content"), "content", "season", judge=lambda message: [],
                   networks=("mastodon", "bluesky", "linkedin", "instagram", "x", "facebook_page"),
                   now=datetime(2026, 11, 1, tzinfo=UTC))

    assert made.plan.waiting == ()
    assert len(made.plan.items) == 88
    assert made.plan.items[0].at.date() >= date(2026, 11, 1)
    assert made.plan.items[-1].at.date() <= date(2027, 10, 31)
    walls = {(i.channel.id, i.slot.run, i.at.astimezone(ZoneInfo(i.zone)).strftime("%a %H:%M"))
             for i in made.plan.items if i.post.id == "evergreen/loose-screw"}
    assert {(channel, wall) for channel, _, wall in walls} == {
        ("mastodon", "Fri 17:15"), ("bluesky", "Fri 17:35"), ("linkedin", "Fri 17:55")}
    assert len(walls) == 39
    for channel, first in (("mastodon", 8), ("bluesky", 8), ("linkedin", 7)):   # the thread went to two of them
        intents = [i.post.intent for i in made.plan.items if i.channel.id == channel]
        asks = [number for number, intent in enumerate(intents) if intent == "ask"]
        ratios = []
        for ask in asks:
            window = intents[max(ask - 11, 0):ask + 1]
            ratios.append((window.count("give") + window.count("respond")) / window.count("ask"))
        assert ratios == [first, 4.5]


def test_the_samples_season_falls_where_it_was_meant_to(sample: Prepared) -> None:
    """Every slot of three channels, with its instant: winter and summer time, and a stagger of 20 minutes for each
    channel before it.
    """
    assert {str(item.slot): f"{item.at:%Y-%m-%d %H:%M}Z {item.stage}" for item in sample.plan.items
            if item.channel.id in ("mastodon", "x", "facebook")} == {
        "posts/sharpen-a-chisel@mastodon#1": "2026-11-05 12:30Z groundwork",
        "posts/sharpen-a-chisel@x#1": "2026-11-05 13:30Z groundwork",
        "posts/sharpen-a-chisel@facebook#1": "2026-11-05 13:50Z groundwork",
        "evergreen/loose-screw@mastodon#20261120": "2026-11-20 17:15Z groundwork",
        "posts/what-is-broken-at-home@mastodon#1": "2026-12-03 12:30Z groundwork",
        "posts/what-is-broken-at-home@x#1": "2026-12-03 13:30Z groundwork",
        "posts/what-is-broken-at-home@facebook#1": "2026-12-03 13:50Z groundwork",
        "evergreen/loose-screw@mastodon#20261218": "2026-12-18 17:15Z groundwork",
        "evergreen/loose-screw@mastodon#20270115": "2027-01-15 17:15Z groundwork",
        "posts/meet-the-fixers@mastodon#1": "2027-02-11 12:30Z groundwork",
        "posts/meet-the-fixers@x#1": "2027-02-11 13:50Z groundwork",
        "posts/meet-the-fixers@facebook#1": "2027-02-11 14:10Z groundwork",
        "evergreen/loose-screw@mastodon#20270212": "2027-02-12 17:15Z groundwork",
        "posts/spring-list-thread@mastodon#1": "2027-02-18 12:30Z groundwork",
        "posts/spring-list-thread@x#1": "2027-02-18 13:10Z groundwork",
        "posts/spring-list-thread@facebook#1": "2027-02-18 13:30Z groundwork",
        "spring-mend/launch@mastodon#1": "2027-03-02 08:45Z campaign",
        "spring-mend/launch@x#1": "2027-03-02 09:45Z campaign",
        "spring-mend/launch@facebook#1": "2027-03-02 10:05Z campaign",
        "spring-mend/first-ask@mastodon#1": "2027-03-09 12:30Z campaign",
        "spring-mend/answered-your-questions@mastodon#1": "2027-03-11 12:30Z campaign",
        "evergreen/loose-screw@mastodon#20270312": "2027-03-12 17:15Z groundwork",
        "spring-mend/drill-day@mastodon#1": "2027-03-18 12:30Z campaign",
        "spring-mend/drill-day@x#1": "2027-03-18 13:30Z campaign",
        "spring-mend/drill-day@facebook#1": "2027-03-18 13:50Z campaign",
        "spring-mend/last-call@mastodon#1": "2027-04-06 07:45Z campaign",
        "evergreen/loose-screw@mastodon#20270409": "2027-04-09 16:15Z groundwork",
        "spring-mend/thanks@mastodon#1": "2027-04-12 16:15Z campaign",
        "spring-mend/thanks@x#1": "2027-04-12 17:35Z campaign",
        "spring-mend/thanks@facebook#1": "2027-04-12 17:55Z campaign",
        "posts/what-was-wrong-with-the-kettle@mastodon#1": "2027-04-20 07:45Z maintenance",
        "evergreen/loose-screw@mastodon#20270507": "2027-05-07 16:15Z maintenance",
        "evergreen/loose-screw@mastodon#20270604": "2027-06-04 16:15Z maintenance",
        "evergreen/loose-screw@mastodon#20270702": "2027-07-02 16:15Z maintenance",
        "evergreen/loose-screw@mastodon#20270730": "2027-07-30 16:15Z maintenance",
        "evergreen/loose-screw@mastodon#20270827": "2027-08-27 16:15Z maintenance",
        "evergreen/loose-screw@mastodon#20270924": "2027-09-24 16:15Z maintenance",
        "evergreen/loose-screw@mastodon#20271022": "2027-10-22 16:15Z maintenance",
    }


def test_a_new_post_that_comes_too_late_is_warned_of(sample: Prepared, tmp_path: Path) -> None:
    """SCH001 for a file that was never committed, until it is; of what is committed only the archive knows."""
    def git(*words: str) -> None:
        who = ("-c", "user.name=W", "-c", "user.email=w@millrace.example", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    def late() -> list[str]:
        made = check(Path("content"), now=datetime(2027, 3, 17, 9, tzinfo=UTC))
        return [f"{p.place}: {p.message}" for p in made.problems if p.code == "SCH001"]

    assert late() == []                                           # no repository: nobody knows
    git("init", "--quiet")
    assert late() == []
    git("add", "--all")
    git("commit", "--quiet", "-m", "Season")
    (tmp_path / "content/posts/slip.md").write_text("---\nat: 2026-03-20 12:30\nchannels: [x]\n---\nA slip.\n")
    assert late() == ["content/posts/slip.md:2:1: 2026-03-20 12:30 on x has passed; nothing is sent late."]
    git("add", "--all")
    assert len(late()) == 1
    git("commit", "--quiet", "-m", "Slip")
    assert late() == []


def test_nothing_of_the_sample_waits(sample: Prepared) -> None:
    """Every slot of the season has its time: the posts on each of their channels, and 13 runs of one on three."""
    assert sample.plan.waiting == ()
    once = [post for post in sample.content.posts if post.post.head.every is None]
    assert len(sample.plan.items) == sum(len(post.channels) for post in once) + 3 * 13 == 88


def test_the_samples_words_are_rendered(sample: Prepared) -> None:
    """One ask with its tagged link and tag, and the thread that X gets in its own words."""
    by_slot = {str(slot): [part.text for part in message.parts] for slot, message in sample.messages.items()}

    assert by_slot["spring-mend/first-ask@mastodon#1"] == [
        "Mend one thing with us this month and your first month of membership is free. Which evening suits you?\n\n"
        "https://millracetools.example/spring-mend?utm_source=mastodon&utm_medium=social&utm_campaign=spring-mend&utm_content=first-ask\n\n"
        "#SpringMend"]
    assert by_slot["posts/spring-list-thread@x#1"] == [
        "Spring is when mowers, bikes and gutters give up. The first thing to check on each:",
        "Mower will not start? Old fuel. Empty the tank, fill it fresh, try again before you take anything apart.",
        "Bike brake rubbing? Loosen the cable bolt, squeeze the lever, tighten. Two minutes.",
        "Gutter dripping at a seam? More often it is leaves than the seam. Scoop first, seal later.",
        "Which of these should we film first?\n\n#SpringMend"]


def test_what_is_checked_is_what_is_published(sample: Prepared, tmp_path: Path) -> None:
    """The working tree and the commit made of it mean the same: problems, times and words."""
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=W", "-c", "user.email=w@x.example", "commit", "-q", "-m", "all"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    repository = Repository(tmp_path / "content")
    import publishers

    committed = prepare(
        repository.files(repository.head()),
        "content",
        "commit",
        networks=publishers.available(),
        judge=publishers.judge,
        now=BEFORE,
    )

    def words(made: Prepared) -> object:
        return {
            slot: [(part.kind, part.text, [m.file for m in part.media]) for part in message.parts]
            for slot, message in made.messages.items()
        }

    assert (committed.problems, words(committed)) == (sample.problems, words(sample))
    assert {i.slot: i.at for i in committed.plan.items} == {i.slot: i.at for i in sample.plan.items}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Checking nothing is an error with a remedy."""
    with pytest.raises(ContentError) as stop:
        check(tmp_path / "none", now=BEFORE)

    assert (stop.value.what, stop.value.remedy) == (
        f"There is no folder {tmp_path / 'none'}.", "Run 'drumbeat init' to make one, or name yours with --content.")


def test_places_are_named_as_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem's file can be opened from the folder in which the command was called."""
    (tmp_path / "site/content/posts").mkdir(parents=True)
    (tmp_path / "site/content/posts/a.md").write_text("no front matter")
    (tmp_path / "site/tools").mkdir()
    monkeypatch.chdir(tmp_path / "site/tools")

    [problem] = [one for one in check(tmp_path / "site/content", now=BEFORE).problems if one.severity != "advice"]

    assert problem.place.file == "../content/posts/a.md"
    assert Path(problem.place.file).read_text() == "no front matter"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "--json", "content/posts"],
        ["preview"],
        ["preview", "launch", "--channel", "mastodon"],
        ["plan"],
        ["plan", "--json"],
        ["calendar", "--ics", "-"],
        ["explain", "launch"],
        ["explain", "SYN001"],
        ["status"],
        ["why", "spring-mend/launch@mastodon#1"],
    ],
    ids=" ".join,
)
def test_looking_starts_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    """In a process of their own, the commands that only look import neither Prefect nor anything that talks to a
    network.
    """
    shutil.copytree(PROJECT / "content", tmp_path / "content")
    for command in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=W", "-c", "user.email=w@x.example", "commit", "-q", "-m", "all"),
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DRUMBEAT_")}

    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from flows.cli import main; main()", *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    imported = {name.split(".")[0] for name in re.findall(r"^import time:.*\|\s+([\w.]+)$", done.stderr, re.MULTILINE)}
    assert done.returncode == 0, done.stderr[-2000:]
    assert {"flows", "click", "pydantic"} <= imported
    assert imported & HEAVY == set()
