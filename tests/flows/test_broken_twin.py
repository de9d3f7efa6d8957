"""The sample's evil twin: a campaign after three weeks, and everything that follows. The report is one to sign."""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
REPORTS = Path(__file__).parent / "cli/reports"
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
    later = strategy.read_text(encoding="utf-8").replace("tactics:\n", f"{goals[0]}tactics:\n", 1)
    strategy.write_text(later.replace("    goals: []\n", "    goals: [tips-get-shared]\n", 1), encoding="utf-8")
    for number, at in enumerate(TIMES):
        file = twin.content / f"campaigns/spring-mend/posts/buy-{number}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(TWIN_POST.format(at=at, text=ASK), encoding="utf-8")
    twin.commit("2026-09-14")
    return twin



FLAWS = {
    "a campaign after three weeks": {"CMP001", "CMP003", "CMP012"},
    "no sponsor": {"STR001"},
    "tactics first": {"STR005", "STR006", "NET002"},
    "posts that only ask": {"INT002", "INT003", "INT005"},
    "no maintenance": {"CMP005"},
    "no crisis plan": {"CRI001"},
    "one text for all": {"TXT002", "TXT003"},
    "silence afterwards": {"MNT002"},
}


def check(twin: Twin, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("drumbeat")), *words]
    return subprocess.run(command, cwd=twin.home, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("flaw", FLAWS)
def test_every_flaw_is_told(twin: Twin, flaw: str) -> None:
    """Two weeks in, each of the twin's flaws has its problem, with what to do."""
    told = json.loads(check(twin, "check", "--json", "--now", "2026-09-16").stdout)

    found = {problem["code"]: problem for problem in told["problems"]}
    assert FLAWS[flaw] - found.keys() == set()
    assert all(problem["remedy"] for problem in told["problems"])


def test_the_report_of_the_twin(twin: Twin) -> None:
    """The whole report: errors first, then warnings, what is alike on several channels said once."""
    done = check(twin, "check", "--now", "2026-09-16")

    assert done.returncode == 1
    assert f"{done.stdout}---\n{done.stderr}" == (REPORTS / "twin.txt").read_text(encoding="utf-8")
    severities = re.findall(r"^content/\S+ (error|warning): ", done.stdout, re.MULTILINE)
    assert severities == sorted(severities)


def test_nothing_of_the_twin_goes_out(twin: Twin) -> None:
    """Every post waits, before the campaign and in it, and says why."""
    for now in ("2026-09-16", "2026-09-22 11:00"):
        told = json.loads(check(twin, "plan", "--json", "--now", now).stdout)
        assert {item["state"] for item in told["items"]} == {"waiting"}
        assert all(item["why"] for item in told["items"])


def test_silence_after_the_campaign(twin: Twin) -> None:
    """Two weeks after the end: nobody has closed the campaign, nobody meets, and the channels are empty."""
    told = json.loads(check(twin, "check", "--json", "--now", "2026-10-27").stdout)

    codes = {problem["code"] for problem in told["problems"] if problem["severity"] != "advice"}
    assert codes >= {"CMP016", "MNT003", "SCH007"}
    gates = check(twin, "gates", "--now", "2026-10-27").stdout
    assert re.search(r"^EXECUTION of spring-mend +red", gates, re.MULTILINE)
    assert re.search(r"^MAINTENANCE +red", gates, re.MULTILINE)
