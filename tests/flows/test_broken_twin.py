"""The sample's evil twin: a campaign after three weeks, and everything that follows. The report is one to sign."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ASK = "Join now and your first month is free. Buy a card, tell a friend!"
TWIN_POST = """\
---
at: {at}
intent: ask
channels: [mastodon, bluesky, linkedin, instagram]
link: https://millracetools.example/spring-mend
media: [tool-wall.jpg]
---
{text}
"""
TIMES = ("2026-09-22 12:30", "2026-09-25 12:30", "2026-09-29 12:30", "2026-10-02 12:30", "2026-10-06 12:30")


class Twin:
    """A repository with the broken content. Commits are by the team's own people."""

    def __init__(self, home: Path) -> None:
        self.home, self.content = home, home / "content"
        shutil.copytree(PROJECT / "content", self.content)
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=home, check=True)

    def change(self, path: str, *swaps: tuple[str, str]) -> None:
        """Every swap, a pattern and its replacement, must find something."""
        file = self.content / path
        text = file.read_text(encoding="utf-8")
        for pattern, replacement in swaps:
            text, found = re.subn(pattern, replacement, text, flags=re.MULTILINE | re.DOTALL)
            assert found, (path, pattern)
        file.write_text(text, encoding="utf-8")

    def commit(self, on: str) -> None:
        who = ("-c", "user.name=Wren", "-c", "user.email=wren@millracetools.example", "-c", "commit.gpgsign=false")
        when = f"{on}T10:00:00+00:00"
        subprocess.run(["git", "add", "--all", "content"], cwd=self.home, check=True)
        subprocess.run(["git", *who, "commit", "--quiet", "--message", "Go"], cwd=self.home, check=True,
                       env={"PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when,
                            "HOME": str(self.home)})


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    """Tactics first, then goals; no sponsor, no crisis plan, no maintenance; asks only, one text for all, then silence.
    """
    twin = Twin(tmp_path)
    whole = (twin.content / "strategy.yaml").read_text(encoding="utf-8")
    twin.change("strategy.yaml", (r"^sponsor:.*?\n\n", ""), (r"^social_goals:.*?(?=^tactics:)", ""),
                (r"^    goals: \[[a-z-]+\]\n    pillar", "    goals: []\n    pillar"))
    for name in ("posts", "evergreen", "campaigns/spring-mend/posts", "campaigns/spring-mend/reviews", "crisis"):
        shutil.rmtree(twin.content / name)
    twin.change("ideas/kettle-post-mortem.md", (r"^became:.*?\n", ""))
    twin.change("networks/channels.yaml", (r"^    goals: \[[^\]]*\]\n", ""))
    twin.change("people/team.yaml", (r"^  crisis-plan@1:.*?(?=^\S)", ""))
    twin.change("campaigns/spring-mend/campaign.yaml", (r"^start: .*?$", "start: 2026-09-22"),
                (r"^end: .*?$", "end: 2026-10-12"), (r"^maintenance:.*?(?=^approval)", ""),
                (r"^goals:.*?\n\n", ""), (r"^approval:.*\Z", ""))
    twin.commit("2026-09-10")
    goals = re.search(r"^social_goals:.*?(?=^tactics:)", whole, re.MULTILINE | re.DOTALL)
    assert goals is not None
    strategy = twin.content / "strategy.yaml"
    strategy.write_text(strategy.read_text(encoding="utf-8").replace("tactics:\n", f"{goals[0]}tactics:\n", 1),
                        encoding="utf-8")
    for number, at in enumerate(TIMES):
        file = twin.content / f"campaigns/spring-mend/posts/buy-{number}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(TWIN_POST.format(at=at, text=ASK), encoding="utf-8")
    twin.commit("2026-09-14")
    return twin
