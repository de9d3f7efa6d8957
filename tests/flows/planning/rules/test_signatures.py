"""PPL001 and PPL003 over real histories: how teams and forges really commit holds no post that nobody else wrote."""
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.check import check
from schemas.problem import Problem

NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
WREN, ILSE, FORGE = "wren@mill.example", "ilse@mill.example", "noreply@github.com"
TEAM = ("people:\n  - {id: ilse, roles: [sponsor, approver], git: [ilse@mill.example]}\n"
        "  - {id: wren, roles: [author], git: [wren@mill.example]}\n")
POST = "campaigns/mend/posts/a.md"
SIGNED = "approved_by: [ilse]\n"


def a_post(text: str = "Oil the hinge.", front: str = "") -> str:
    return f"---\nat: 2027-03-04 09:30\n{front}---\n{text}\n"


class Club:
    """A team of two, whose campaign asks for one approval."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        (home / ".drumbeat").mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit({
            "strategy.yaml": "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n", "people/team.yaml": TEAM,
            "networks/channels.yaml": "channels:\n  - {id: one, network: mastodon, handle: us}\n",
            "campaigns/mend/campaign.yaml": "title: Mend\nstart: 2027-03-01\nend: 2027-04-01\n"
                                            "approval: {need: 1, from: [ilse]}\n"})

    def git(self, *words: str, by: str = WREN, committer: str = "", at: str = "12:00") -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A", "GIT_COMMITTER_NAME":
            "C", "GIT_AUTHOR_EMAIL": by, "GIT_COMMITTER_EMAIL": committer or by,
            "GIT_AUTHOR_DATE": f"2027-01-03T{at}:00Z", "GIT_COMMITTER_DATE": f"2027-01-03T{at}:00Z"}
        done = subprocess.run(["git", *words], cwd=self.home, env=environment, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            file = self.home / "content" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def commit(self, files: dict[str, str], by: str = WREN, committer: str = "", at: str = "12:00") -> None:
        self.write(files)
        self.git("add", "-A", "content")
        self.git("commit", "-q", "--allow-empty", "-m", "more", by=by, committer=committer, at=at)

    def branch(self, text: str, by: str = WREN) -> None:
        """A post on a branch of its own; main goes on meanwhile."""
        self.git("checkout", "-q", "-b", "spring")
        self.commit({POST: text}, by)
        self.git("checkout", "-q", "main")
        self.commit({"pillars.yaml": "pillars: []\n"})

    def said(self) -> list[Problem]:
        """What both rules say of the working tree."""
        done = check(self.home / "content", now=NOON, home=self.home)
        return [one for one in done.problems if one.code in ("PPL001", "PPL003")]


@pytest.fixture
def club(tmp_path: Path) -> Club:
    return Club(tmp_path / "club")


def short(problems: list[Problem]) -> list[str]:
    return [f"{one.code} {one.severity.value}: {one.message}" for one in problems]


NONE = "PPL003 error: Needs 1 approval from ilse; it has none."


def squashed_by_a_forge(club: Club) -> None:
    """The whole branch becomes one commit by who opened it; the forge commits it."""
    club.commit({POST: a_post(front=SIGNED)}, by=WREN, committer=FORGE)


def merged_by_a_forge(club: Club) -> None:
    """The button: a merge by who pressed it, committed by the forge."""
    club.branch(a_post())
    club.git("merge", "-q", "--no-ff", "-m", "Merge pull request #3 from mill/spring", "spring", by=ILSE,
             committer=FORGE)


def approved_on_the_branch(club: Club) -> None:
    club.branch(a_post())
    club.git("checkout", "-q", "spring")
    club.commit({POST: a_post(front=SIGNED)}, by=ILSE, at="12:01")
    club.git("checkout", "-q", "main")
    club.git("merge", "-q", "--no-ff", "-m", "Merge branch 'spring'", "spring")


def approved_by_an_early_clock(club: Club) -> None:
    club.commit({POST: a_post()}, at="12:00")
    club.commit({POST: a_post(front=SIGNED)}, by=ILSE, at="11:00")


def scheduled_after_it_was_approved(club: Club) -> None:
    """The approver's word is about the text, and not about its hour, its draft: or a note."""
    club.commit({POST: a_post(front=f"draft: true\n{SIGNED}")})
    ready = a_post("Oil the hinge.\n## notes\nAsk Maren.", f"author: wren\n{SIGNED}")
    club.commit({POST: ready.replace("09:30", "10:30")}, by=ILSE)


def mended_by_the_approver(club: Club) -> None:
    club.commit({POST: a_post("Oil the hnige.")})
    club.commit({POST: a_post(front=f"author: wren\n{SIGNED}")}, by=ILSE)


def known_by_a_mailmap(club: Club) -> None:
    club.commit({POST: a_post(front=SIGNED)}, by="12345+wren@users.noreply.github.com")
    (club.home / ".mailmap").write_text("Wren <wren@mill.example> <12345+wren@users.noreply.github.com>\n")


def changed_and_not_committed(club: Club) -> None:
    """Nobody has signed what lies there; who does so is known when it is committed."""
    club.commit({POST: a_post(front=SIGNED)}, by=WREN)
    club.write({POST: a_post("Oil it.", SIGNED)})


@pytest.mark.parametrize("done", [
    squashed_by_a_forge, merged_by_a_forge, approved_on_the_branch, approved_by_an_early_clock,
    scheduled_after_it_was_approved, mended_by_the_approver, known_by_a_mailmap, changed_and_not_committed])
def test_how_teams_really_work(club: Club, done: Callable[[Club], None]) -> None:
    """Somebody of the team wrote it, somebody else agreed: nothing is said."""
    done(club)

    assert short(club.said()) == []


def merged_by_the_author(club: Club) -> None:
    club.branch(a_post())
    club.git("merge", "-q", "--no-ff", "-m", "Merge branch 'spring'", "spring")


def pulled_by_the_approver(club: Club) -> None:
    club.branch(a_post())
    club.git("merge", "-q", "--no-ff", "-m", "Merge branch 'main' of github.com:mill/club", "spring", by=ILSE)


@pytest.mark.parametrize("done", [merged_by_the_author, pulled_by_the_approver])
def test_what_is_no_approval(club: Club, done: Callable[[Club], None]) -> None:
    """PPL003: one's own merge, or one that git pull made."""
    done(club)

    assert short(club.said()) == [NONE]


def test_a_text_changed_under_a_slow_clock(club: Club) -> None:
    """PPL003: a change that came after the approval is seen, whatever its clock says; put back, it is approved."""
    club.commit({POST: a_post(front=SIGNED)}, at="12:00")
    club.commit({POST: a_post("Sell the hinge.", SIGNED)}, at="11:00")

    assert short(club.said()) == [
        "PPL003 error: The text was changed on 2027-01-03 11:00, after it was approved. Needs 1 approval from ilse."]
    club.commit({POST: a_post("Sell the hinge.")}, at="12:30")
    club.commit({POST: a_post("Sell the hinge.", SIGNED)}, by=ILSE, at="12:40")
    assert short(club.said()) == []


def test_who_is_not_in_the_team(club: Club) -> None:
    """PPL001: an error for an address of nobody; a warning where the forge hides it or the file names who answers."""
    others = "posts/b.md", "posts/c.md", "posts/d.md"
    club.commit({others[0]: a_post("B.")}, by="mallory@else.example")
    club.commit({others[1]: a_post("C.").replace("09:30", "10:30")}, by="9+m@users.noreply.github.com", committer=FORGE)
    club.commit({others[2]: a_post("D.", "author: wren\n").replace("09:30", "11:30")}, by="cms@forge.example")

    assert [(one.post, one.severity.value) for one in club.said()] == [
        ("posts/b", "error"), ("posts/c", "warning"), ("posts/d", "warning")]
