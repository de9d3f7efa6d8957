"""What Git remembers is told as it was: who wrote, who agreed, what came first; and no cache changes a word of it."""
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.edges import history as module
from flows.edges.history import Histories
from flows.edges.repository import Repository
from schemas.errors import DrumbeatError
from schemas.history import Edit, FileHistory, History

TEAM = frozenset({"Wren@ours.example", "ilse@ours.example"})
WREN, ILSE, PIP = "wren@ours.example", "ilse@ours.example", "pip@ours.example"
POST = "posts/a.md"
STRATEGY = """strategy: ours
mission: Mend it.
business_goals: [{id: more, text: More members}]
social_goals:
  - {id: answers, text: Nine of ten, target: 0.9}
tactics: [{id: tips, goals: [answers]}]
"""


class Club:
    """A repository with a content folder, whose commits are made by whom and when the test says."""

    def __init__(self, home: Path, folder: str = "content", *words: str) -> None:
        self.home, self.folder = home, home / folder
        self.folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", *words)

    def git(self, *words: str, who: str = WREN, committer: str | None = None, day: str = "2027-01-01",
            stdin: bytes | None = None) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        environment |= {
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "A", "GIT_COMMITTER_NAME":
            "C", "GIT_AUTHOR_EMAIL": who, "GIT_COMMITTER_EMAIL": committer or who,
            "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z", "GIT_COMMITTER_DATE": f"{day}T12:00:00Z"}
        done = subprocess.run(["git", "-c", "protocol.file.allow=always", *words], cwd=self.home, env=environment,
                              input=stdin, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def commit(self, day: str, files: dict[str, str | bytes | None], who: str = WREN,
               committer: str | None = None) -> str:
        for name, text in files.items():
            file = self.folder / name
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text.encode() if isinstance(text, str) else text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "more", who=who, committer=committer, day=day)
        return self.git("rev-parse", "HEAD")

    def merge(self, day: str, branch: str, *words: str, who: str = WREN, committer: str | None = None) -> str:
        self.git("merge", "-q", "--no-ff", "-m", "merged", *words, branch, who=who, committer=committer, day=day)
        return self.git("rev-parse", "HEAD")

    def told(self, commit: str = "HEAD", home: Path | None = None) -> History:
        repository = Repository(self.folder)
        found = Histories(repository, home).at(self.git("rev-parse", commit), TEAM)
        assert isinstance(found, History), found
        return found

    def why(self, commit: str = "HEAD", team: frozenset[str] = TEAM) -> str:
        found = Histories(Repository(self.folder), None).at(self.git("rev-parse", commit), team)
        assert isinstance(found, str)
        return found


@pytest.fixture
def club(tmp_path: Path) -> Club:
    return Club(tmp_path / "club")


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00").astimezone(UTC)


def edit(commit: str, day: str, author: str = WREN) -> Edit:
    return Edit(commit, noon(day), author)


def a_post(text: str = "Oil the hinge.", *names: str, more: str = "") -> str:
    approved = f"approved_by: [{', '.join(names)}]\n" if names else ""
    return f"---\nslot: next\n{approved}{more}---\n{text}\n"


def everything(history: History) -> tuple[dict[str, FileHistory], dict[tuple[str, str], datetime], dict[str, Edit]]:
    return dict(history.files), dict(history.entities), dict(history.material)


# --- one file ---------------------------------------------------------------------------------------------------------


def test_a_file_tells_who_brought_it_and_who_changed_it_last(club: Club) -> None:
    """First and last commit with its committer's time in UTC and its author's address in small letters."""
    first = club.commit("2027-01-05", {"pillars.yaml": "a: 1\n"}, who="Wren@Ours.example")
    club.commit("2027-01-06", {"pillars.yaml": "a: 2\n", POST: a_post()})
    last = club.commit("2027-01-07", {"pillars.yaml": "a: 3\n"}, who=ILSE)
    club.commit("2027-01-08", {"rules.yaml": "x: 1\n"})

    files = club.told().files

    assert files["pillars.yaml"] == FileHistory(edit(first, "2027-01-05"), edit(last, "2027-01-07", ILSE))
    assert list(files) == ["pillars.yaml", POST, "rules.yaml"]
    assert (len(files), POST in files, "posts/b.md" in files, files.get("posts/b.md")) == (3, True, False, None)


def test_an_older_commit_is_told_as_it_was(club: Club) -> None:
    """What came later is not known of it, whichever of the two was asked first."""
    first = club.commit("2027-01-05", {POST: a_post()})
    second = club.commit("2027-01-06", {POST: a_post("Mended."), "posts/b.md": a_post()})
    histories = Histories(Repository(club.folder), None)

    new, old = histories.at(second, TEAM), histories.at(first, TEAM)

    assert isinstance(new, History)
    assert isinstance(old, History)
    assert dict(old.files) == {POST: FileHistory(edit(first, "2027-01-05"), edit(first, "2027-01-05"))}
    assert new.files[POST].last.commit == second
    assert list(new.files) == [POST, "posts/b.md"]


@pytest.mark.parametrize(("steps", "last", "approved"), [
    ([a_post()], 0, None),
    ([a_post("One.", "ilse")], 0, 0),
    ([a_post("One."), a_post("One.", "ilse")], 0, 1),
    ([a_post("One."), a_post("Two."), a_post("Two.", "ilse")], 1, 2),
    ([a_post("One.", "ilse"), a_post("Two.", "ilse")], 1, 0),
    ([a_post("One."), a_post("Two.", "ilse")], 1, 1),
    ([a_post("One.", "ilse"), a_post("One.")], 0, None),
    ([a_post("One.", "ilse"), a_post("One."), a_post("One.", "ilse")], 0, 2),
    ([a_post("One.", "ilse"), a_post("One.", "ilse", "odile")], 0, 1),
    ([a_post("One.", "ilse", "odile"), a_post("One.", "odile", "ilse")], 0, 0),
    ([a_post("One."), "---\nslot: next\napproved_by:\n  - ilse\n---\nOne.\n"], 0, 1),
    ([a_post("One.", "ilse"), "---\napproved_by:   [ ilse ] # yes\n\nslot: 'next'\n---\nOne.\n"], 0, 0),
    ([a_post("One.", "ilse"), a_post("One.", "ilse").replace("\n", "\r\n")], 0, 0),
    ([a_post("One.", "ilse"), a_post("One.", "ilse", more="intent: ask\n")], 1, 0),
    ([a_post("One.", "ilse"), a_post("One. ", "ilse")], 1, 0),
    ([a_post("One.", "ilse"), "---\nslot: [\n---\nTwo.\n", a_post("Two.", "ilse")], 2, 0),
    ([a_post("One.", "ilse"), "no front matter", a_post("One.", "ilse")], 0, 0),
    ([a_post("One.", "ilse"), b"---\nslot: next\n---\n\xe9\n", a_post("Two.", "ilse")], 2, 0),
    ([a_post("One.", "ilse"), "---\n[\n---\n"], 1, None),
    ([a_post("One.", "ilse"), a_post("One.", "ilse", more="author: wren\ndraft: true\nhold: wait\nx-note: 1\n")], 0, 0),
    ([a_post("One.", "ilse"), a_post("One.", "ilse").replace("slot: next", "at: 2027-03-04 09:30")], 0, 0),
    ([a_post("One.", "ilse"), a_post("One.", "ilse", more="tactic: tips\npillar: how-to\nidea: kettle\n")], 0, 0),
    ([a_post("One.", "ilse"), a_post("One.\n## notes\nAsk Maren.\n", "ilse")], 0, 0),
    ([a_post("One.\n## notes\nAsk her.", "ilse"), a_post("One.\n## notes\nAsk.\n## on x\nX.", "ilse")], 1, 0),
    ([a_post("One.", "ilse"), a_post("One.\n### notes\nNo.", "ilse")], 1, 0),
    ([a_post("One.", "ilse"), a_post("One.", "ilse", more="channels: [x]\n")], 1, 0),
    ([a_post("One.", "ilse"), a_post("One.", "ilse", more="link: https://mill.example\n")], 1, 0),
])
def test_what_counts_as_a_change_and_as_an_approval(
        club: Club, steps: list[str | bytes], last: int, approved: int | None) -> None:
    """`last` is the last change of what readers get, `approved` when the names became these. How the file is written
    counts for neither, nor does a version that nobody can read; nor when it goes out, or what it serves.
    """
    commits = [club.commit(f"2027-01-{day:02}", {POST: text}) for day, text in enumerate(steps, 5)]

    found = club.told().files[POST]

    assert (found.first.commit, found.last.commit) == (commits[0], commits[last])
    assert (found.approved and found.approved.commit) == (None if approved is None else commits[approved])
    assert found.merged_by == ()


@pytest.mark.parametrize(("steps", "changed"), [
    ([a_post("One.")], None),
    ([a_post("One.", "ilse")], None),
    ([a_post("One."), a_post("One.", "ilse")], None),
    ([a_post("One.", "ilse"), a_post("Two.", "ilse")], 1),
    ([a_post("One.", "ilse"), a_post("Two.", "ilse"), a_post("Three.", "ilse")], 2),
    ([a_post("One.", "ilse"), a_post("Two.", "ilse"), a_post("Two.", "ilse", "odile")], None),
    ([a_post("One.", "ilse"), a_post("Two."), a_post("Two.", "ilse")], None),
    ([a_post("One.", "ilse"), a_post("Two.", "ilse"), a_post("One.", "ilse")], None),
    ([a_post("One.", "ilse"), a_post("One.", "ilse", more="draft: true\n")], None),
])
@pytest.mark.parametrize("clock", ["forwards", "backwards", "still"])
def test_a_text_other_than_the_one_that_was_approved(
        club: Club, steps: list[str], changed: int | None, clock: str) -> None:
    """`changed` tells the last change when the names were put under another text; whatever the clocks of those say who
    committed, and not when the text was put back as it was.
    """
    days = {"forwards": range(5, 9), "backwards": range(9, 5, -1), "still": [5] * 4}[clock]
    commits = [club.commit(f"2027-01-{day:02}", {POST: text}) for day, text in zip(days, steps, strict=False)]

    found = club.told().files[POST]

    assert (found.changed and found.changed.commit) == (None if changed is None else commits[changed])
    assert found.changed in (None, found.last)


def test_only_a_post_has_approvals(club: Club) -> None:
    """In any other file the names are text like everything else."""
    club.commit("2027-01-05", {"ideas/kettle.md": a_post()})
    last = club.commit("2027-01-06", {"ideas/kettle.md": a_post("Oil the hinge.", "ilse")})

    assert club.told().files["ideas/kettle.md"][1:4] == (edit(last, "2027-01-06"), None, ())


def test_a_file_that_comes_back_begins_anew(club: Club) -> None:
    """What it was before it was removed is not its past; while it is gone, it is not told of."""
    club.commit("2027-01-05", {POST: a_post("One.", "ilse"), "rules.yaml": "x: 1\n"})
    gone = club.commit("2027-01-06", {POST: None})
    again = club.commit("2027-01-07", {POST: a_post("One.", "ilse")}, who=ILSE)

    assert POST not in club.told(gone).files
    assert club.told().files[POST] == FileHistory(*[edit(again, "2027-01-07", ILSE)] * 3)


def test_a_change_of_mode_is_no_change(club: Club) -> None:
    """A file may be executed, or not: its text is what it was. A link in its place is no file."""
    first = club.commit("2027-01-05", {POST: a_post(), "posts/b.md": a_post("B.")})
    (club.folder / POST).chmod(0o755)
    club.commit("2027-01-06", {})
    (club.folder / "posts/b.md").unlink()
    (club.folder / "posts/b.md").symlink_to("a.md")
    club.commit("2027-01-07", {})

    files = club.told().files

    assert dict(files) == {POST: FileHistory(edit(first, "2027-01-05"), edit(first, "2027-01-05"))}


# --- moved ------------------------------------------------------------------------------------------------------------


def test_a_file_moved_as_it_was_keeps_its_past(club: Club) -> None:
    """Also over several moves and an approval between them; the move itself changes nothing."""
    first = club.commit("2027-01-05", {POST: a_post()})
    club.commit("2027-01-06", {POST: None, "posts/b.md": a_post()})
    approved = club.commit("2027-01-07", {"posts/b.md": a_post("Oil the hinge.", "ilse")}, who=ILSE)
    club.commit("2027-01-08", {"posts/b.md": None, "campaigns/x/posts/c.md": a_post("Oil the hinge.", "ilse")})

    assert club.told().files["campaigns/x/posts/c.md"] == FileHistory(
        edit(first, "2027-01-05"), edit(first, "2027-01-05"), edit(approved, "2027-01-07", ILSE))


def test_a_file_changed_as_it_was_moved_begins_anew(club: Club) -> None:
    club.commit("2027-01-05", {POST: a_post()})
    moved = club.commit("2027-01-06", {POST: None, "posts/b.md": a_post("Oil it.")})

    assert club.told().files["posts/b.md"] == FileHistory(*[edit(moved, "2027-01-06")] * 2)


def test_a_copy_begins_anew(club: Club) -> None:
    club.commit("2027-01-05", {POST: a_post()})
    copied = club.commit("2027-01-06", {"posts/b.md": a_post()})

    assert club.told().files["posts/b.md"].first == edit(copied, "2027-01-06")


def test_files_alike_are_told_apart_by_their_names(club: Club) -> None:
    """When a folder is moved, each file has the past of its own name, though another has the same text."""
    one = club.commit("2027-01-05", {"posts/x/a.md": a_post()})
    two = club.commit("2027-01-06", {"posts/x/b.md": a_post()})
    club.commit("2027-01-07", {"posts/x/a.md": None, "posts/x/b.md": None, "posts/y/b.md": a_post(),
                               "posts/y/a.md": a_post()})

    files = club.told().files

    assert (files["posts/y/a.md"].first.commit, files["posts/y/b.md"].first.commit) == (one, two)


# --- merges -----------------------------------------------------------------------------------------------------------


def test_who_merged_is_told(club: Club) -> None:
    """Author and committer of the merge, each once; whoever wrote the change is not among them."""
    club.commit("2027-01-05", {POST: a_post(), "posts/b.md": a_post("B."), "posts/c.md": a_post("C.")})
    club.git("checkout", "-q", "-b", "spring")
    written = club.commit("2027-01-06", {POST: a_post("Mended.")})
    others = club.commit("2027-01-07", {"posts/b.md": a_post("B, mended.")}, who=ILSE)
    club.git("checkout", "-q", "main")
    own = club.commit("2027-01-08", {"posts/c.md": a_post("C, mended.")}, who=PIP)
    club.merge("2027-01-09", "spring", who=ILSE, committer="noreply@forge.example")
    club.commit("2027-01-10", {"rules.yaml": "x: 1\n"})

    files = club.told().files

    assert files[POST][1:4] == (edit(written, "2027-01-06"), None, (ILSE, "noreply@forge.example"))
    assert files["posts/b.md"][1:4] == (edit(others, "2027-01-07", ILSE), None, ("noreply@forge.example",))
    assert files["posts/c.md"][1:4] == (edit(own, "2027-01-08", PIP), None, ())


def test_the_merge_that_counts_is_the_one_into_the_line_asked_about(club: Club) -> None:
    """A branch of a branch: of main its own merge is told, of the branch its own."""
    club.commit("2027-01-05", {POST: a_post()})
    club.git("checkout", "-q", "-b", "spring")
    club.commit("2027-01-06", {"rules.yaml": "x: 1\n"})
    club.git("checkout", "-q", "-b", "fix")
    club.commit("2027-01-07", {POST: a_post("Mended.")})
    club.git("checkout", "-q", "spring")
    inner = club.merge("2027-01-08", "fix", who=PIP)
    club.git("checkout", "-q", "main")
    club.merge("2027-01-09", "spring", who=ILSE)

    assert club.told().files[POST].merged_by == (ILSE,)
    assert club.told(inner).files[POST].merged_by == (PIP,)
    assert club.told("fix").files[POST].merged_by == ()


@pytest.mark.parametrize(("message", "counts"), [
    ("Merge branch 'spring'", True),
    ("Merge pull request #7 from mill/spring", True),
    ("Merge branch 'spring' into 'main'", True),
    ("Merge branch 'main' into 'main'", True),
    ("Merge branch 'spring' of github.com:mill/club", True),
    ("Merge remote-tracking branch 'origin/spring'", True),
    ("Merge branch 'main' of github.com:mill/club", False),
    ("Merge branch 'master' of https://forge.example/mill/club into work", False),
    ("Merge remote-tracking branch 'origin/main'", False),
    ("Merge branch 'main' into work", False),
    ("Merge branch 'content' of forge.example:mill/club into content", False),
])
def test_who_pulls_merges_nothing(club: Club, message: str, counts: bool) -> None:
    """`git pull` makes a merge of what others committed; whoever ran it has looked at nothing."""
    club.commit("2027-01-05", {POST: a_post()})
    club.git("checkout", "-q", "-b", "spring")
    club.commit("2027-01-06", {POST: a_post("Mended.")})
    club.git("checkout", "-q", "main")
    club.commit("2027-01-07", {"rules.yaml": "x: 1\n"})
    club.git("merge", "-q", "--no-ff", "-m", message, "spring", who=ILSE, day="2027-01-08")

    assert club.told().files[POST].merged_by == ((ILSE,) if counts else ())


def test_a_merge_before_a_pull_is_told(club: Club) -> None:
    """What was merged by a person, and pulled by another one later, was merged by the first."""
    club.commit("2027-01-05", {POST: a_post()})
    club.git("checkout", "-q", "-b", "spring")
    club.commit("2027-01-06", {POST: a_post("Mended.")})
    club.git("checkout", "-q", "-b", "origin", "main")
    club.merge("2027-01-07", "spring", who=ILSE)
    club.git("checkout", "-q", "main")
    club.commit("2027-01-08", {"rules.yaml": "x: 1\n"}, who=PIP)
    club.git("merge", "-q", "--no-ff", "-m", "Merge branch 'main' of forge.example:mill/club", "origin", who=PIP,
             day="2027-01-09")

    assert club.told().files[POST].merged_by == (ILSE,)


def test_an_approval_that_a_merge_brings_is_whose_it_is(club: Club) -> None:
    """The names came with their own commit on the branch; the text was there before."""
    text = club.commit("2027-01-05", {POST: a_post()})
    club.git("checkout", "-q", "-b", "spring")
    approved = club.commit("2027-01-06", {POST: a_post("Oil the hinge.", "ilse")}, who=ILSE)
    club.git("checkout", "-q", "main")
    club.commit("2027-01-07", {"rules.yaml": "x: 1\n"})
    club.merge("2027-01-08", "spring")

    assert club.told().files[POST] == FileHistory(
        edit(text, "2027-01-05"), edit(text, "2027-01-05"), edit(approved, "2027-01-06", ILSE))


@pytest.mark.parametrize("text_first", [True, False])
def test_names_and_text_that_only_a_merge_joined(club: Club, text_first: bool) -> None:
    """Approved on one line, mended on the other: nobody approved what the merge made, whichever was committed first."""
    days = ("2027-01-06", "2027-01-07") if text_first else ("2027-01-07", "2027-01-06")
    long = "\n".join(["Take the old hinge."] * 9)
    club.commit("2027-01-05", {POST: a_post(long)})
    club.git("checkout", "-q", "-b", "spring")
    approved = club.commit(days[1], {POST: a_post(long, "ilse")}, who=ILSE)
    club.git("checkout", "-q", "main")
    club.commit(days[0], {POST: a_post(f"{long}\nOil it.")})
    merged = club.merge("2027-01-08", "spring", who=PIP)

    found = club.told().files[POST]

    assert (found.approved, found.last, found.merged_by) == (
        edit(approved, days[1], ILSE), edit(merged, "2027-01-08", PIP), ())
    assert found.changed == found.last


def test_what_a_merge_threw_away_is_no_past(club: Club) -> None:
    """The other line's text was not taken: its commit is not told of."""
    club.commit("2027-01-05", {POST: a_post("One.")})
    club.git("checkout", "-q", "-b", "spring")
    club.commit("2027-01-06", {POST: a_post("Theirs.")})
    club.git("checkout", "-q", "main")
    ours = club.commit("2027-01-07", {POST: a_post("Ours.")})
    club.merge("2027-01-08", "spring", "-s", "ours")

    assert club.told().files[POST].last == edit(ours, "2027-01-07")


def test_two_histories_without_a_common_beginning(club: Club) -> None:
    """What came from another repository keeps the past that it had there."""
    club.commit("2027-01-05", {POST: a_post()})
    club.git("checkout", "-q", "--orphan", "theirs")
    club.git("rm", "-q", "-rf", ".")
    theirs = club.commit("2026-01-05", {"posts/b.md": a_post("B.")}, who=PIP)
    club.git("checkout", "-q", "main")
    club.merge("2027-01-06", "theirs", "--allow-unrelated-histories", who=ILSE)

    assert club.told().files["posts/b.md"][:2] == (edit(theirs, "2026-01-05", PIP),) * 2
    assert club.told().files["posts/b.md"].merged_by == (ILSE,)


PATHS = ("rules.yaml", "pillars.yaml", "media/library.yaml")


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[list[int], dict[str, int | None]]]:
    """Commits: their parents by number, and which version of each file they hold; None: it is not there."""
    made: list[tuple[list[int], dict[str, int | None]]] = [([], dict.fromkeys(PATHS, 0))]
    for number in range(1, draw(st.integers(2, 9))):
        parents = draw(st.lists(st.integers(max(0, number - 4), number - 1), min_size=1, max_size=3, unique=True))
        held = {path: draw(st.sampled_from([*(made[parent][1][path] for parent in parents),
                                            *draw(st.lists(st.sampled_from([0, 1, 2, None]), max_size=1))]))
                for path in PATHS}
        made.append((parents, held))
    return made


def built(top: Path, graph: list[tuple[list[int], dict[str, int | None]]]) -> list[str]:
    """The commits of the graph, made by `git fast-import`; their names."""
    (top / "content").mkdir(parents=True)
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=top, check=True)
    stream = []
    for number, (parents, held) in enumerate(graph):
        stream.append(f"commit refs/heads/c{number}\nmark :{number + 1}\ncommitter W <{WREN}> {10**9 + number} +0000\n"
                      "data 1\nm\n")
        stream += [f"{'merge' if at else 'from'} :{parent + 1}\n" for at, parent in enumerate(parents)]
        stream.append("deleteall\n")
        stream += [f"M 100644 inline content/{path}\ndata {len(path) + 1}\n{path}{version}\n"
                   for path, version in held.items() if version is not None]
    subprocess.run([*git, "fast-import", "--quiet"], cwd=top, input="".join(stream).encode(), check=True)
    names = subprocess.run([*git, "rev-parse", *(f"c{n}" for n in range(len(graph)))], cwd=top, check=True,
                           capture_output=True)
    return names.stdout.decode().split()


@settings(max_examples=40, deadline=None)
@given(graph=graphs())
def test_any_history_is_told_as_git_tells_it(graph: list[tuple[list[int], dict[str, int | None]]]) -> None:
    """In any graph of commits the last change of a file is the one that `git log -1 -- file` names."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        names = built(top, graph)
        histories = Histories(Repository(top / "content"), top)
        for name, (_, held) in zip(names, graph, strict=True):
            told = histories.at(name, TEAM)
            assert isinstance(told, History)
            assert set(told.files) == {path for path, version in held.items() if version is not None}
            for path, found in told.files.items():
                log = subprocess.run(["git", "log", "-1", "--format=%H", name, "--", f"content/{path}"], cwd=top,
                                     check=True, capture_output=True)
                assert found.last.commit == log.stdout.decode().strip()


@settings(max_examples=25, deadline=None)
@given(graph=graphs(), order=st.randoms(use_true_random=False))
def test_the_order_of_reading_never_changes_what_is_told(
        graph: list[tuple[list[int], dict[str, int | None]]], order: st.DataObject) -> None:
    """Read bit by bit in any order, by one process or by several one after the other: the same as read at once."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        names = built(top, graph)
        repository = Repository(top / "content")
        asked = list(names)
        order.shuffle(asked)                                      # type: ignore[attr-defined]
        for name in asked:
            kept, fresh = (Histories(repository, home).at(name, TEAM) for home in (top, None))
            assert isinstance(kept, History)
            assert isinstance(fresh, History)
            assert everything(kept) == everything(fresh)


# --- ids and what a sponsor agrees to ---------------------------------------------------------------------------------


def test_ids_are_told_from_the_first_commit_that_had_them(club: Club) -> None:
    """Goals, tactics and channels by their ids, campaigns by their folders; also those that are gone again."""
    club.commit("2027-01-05", {"strategy.yaml": "tactics: [{id: tips}]\n", "networks/channels.yaml":
                               "channels:\n  - {id: mastodon, network: mastodon}\n"})
    club.commit("2027-01-06", {"strategy.yaml": STRATEGY, "campaigns/spring/campaign.yaml": "campaign: other\n"})
    club.commit("2027-01-07", {"strategy.yaml": "tactics: []\n", "networks/channels.yaml":
                               "channels:\n  - {id: bluesky, network: bluesky}\n"})
    club.commit("2027-01-08", {"strategy.yaml": "social_goals: [\n", "campaigns/spring/posts/a.md": a_post()})
    club.commit("2027-01-09", {"strategy.yaml": STRATEGY, "campaigns/spring/campaign.yaml": "title: Spring\n",
                               "strategies/winter.yaml": "social_goals: [{id: warm}, {text: no id}, odd]\n"})

    assert dict(club.told().entities) == {
        ("tactic", "tips"): noon("2027-01-05"), ("channel", "mastodon"): noon("2027-01-05"),
        ("social_goal", "answers"): noon("2027-01-06"), ("campaign", "spring"): noon("2027-01-06"),
        ("channel", "bluesky"): noon("2027-01-07"), ("social_goal", "warm"): noon("2027-01-09")}


def test_ids_of_a_branch_count_once_it_is_merged(club: Club) -> None:
    """From their own commit on, not from the merge; before the merge nothing is known of them."""
    club.commit("2027-01-05", {"strategy.yaml": "tactics: [{id: tips}]\n"})
    club.git("checkout", "-q", "-b", "spring")
    club.commit("2027-01-06", {"strategy.yaml": "tactics: [{id: tips}, {id: asks}]\n"})
    club.git("checkout", "-q", "main")
    before = club.commit("2027-01-07", {POST: a_post()})
    club.merge("2027-01-08", "spring")
    histories = Histories(Repository(club.folder), None)

    after, earlier = histories.at(club.git("rev-parse", "HEAD"), TEAM), histories.at(before, TEAM)

    assert isinstance(after, History)
    assert isinstance(earlier, History)
    assert after.entities["tactic", "asks"] == noon("2027-01-06")
    assert dict(earlier.entities) == {("tactic", "tips"): noon("2027-01-05")}


@pytest.mark.parametrize(("old", "new", "is_material"), [
    ("Mend it.", "Mend  it.", False),
    ("mission: Mend it.", "mission: >\n  Mend\n  it.", False),
    ("mission: Mend it.", "# ours\nmission:   'Mend it.'   # as agreed", False),
    ("target: 0.9", "target: 0.90, due: null", False),
    ("target: 0.9", "target: 0.9, result: 0.91", False),
    ("tactics: [{id: tips", "tactics: [{id: advice", False),
    ("strategy: ours", "strategy: ours\nreviewed: 2027-02-01", False),
    ("Mend it.", "Mend that.", True),
    ("More members", "Many more members", True),
    ("target: 0.9", "target: 0.8", True),
    ("Nine of ten", "Nine in ten", True),
])
def test_what_a_sponsor_agrees_to(club: Club, old: str, new: str, is_material: bool) -> None:
    """Mission, business goals and social goals, as they are meant; not how they are written, nor a goal's result."""
    first = club.commit("2027-01-05", {"strategy.yaml": STRATEGY})
    second = club.commit("2027-01-06", {"strategy.yaml": STRATEGY.replace(old, new)}, who=ILSE)

    assert dict(club.told().material) == {
        "ours": edit(second, "2027-01-06", ILSE) if is_material else edit(first, "2027-01-05")}


def test_a_strategy_that_nobody_could_read_for_a_while(club: Club) -> None:
    """A broken version is passed over; what was changed under its cover counts from the version that can be read."""
    first = club.commit("2027-01-05", {"strategy.yaml": STRATEGY})
    broken = club.commit("2027-01-06", {"strategy.yaml": f"{STRATEGY}\t["})
    club.commit("2027-01-07", {"strategy.yaml": STRATEGY})
    club.commit("2027-01-08", {"strategy.yaml": "{"})
    changed = club.commit("2027-01-09", {"strategy.yaml": STRATEGY.replace("Mend it.", "Sell it.")})

    assert club.told(broken).material["ours"] == edit(first, "2027-01-05")
    assert club.told("HEAD~2").material["ours"] == edit(first, "2027-01-05")
    assert club.told().material["ours"] == edit(changed, "2027-01-09")


def test_each_strategy_has_its_own_last_change(club: Club) -> None:
    """By the id that stands in the file, else its name; also after it was moved, and none that is gone."""
    first = club.commit("2027-01-05", {"strategy.yaml": STRATEGY, "strategies/winter.yaml": "mission: Warm.\n"})
    club.commit("2027-01-06", {"strategy.yaml": None, "strategies/main.yaml": STRATEGY,
                               "strategies/gone.yaml": "mission: x\n"})
    last = club.commit("2027-01-07", {"strategies/winter.yaml": "mission: Warmer.\n", "strategies/gone.yaml": None})

    assert dict(club.told().material) == {"ours": edit(first, "2027-01-05"), "winter": edit(last, "2027-01-07")}


# --- nobody can tell --------------------------------------------------------------------------------------------------


def test_a_shallow_clone_tells_nothing(club: Club, tmp_path: Path) -> None:
    """Its oldest commit would look like the one that brought everything. Made whole, it tells."""
    club.commit("2027-01-05", {POST: a_post()})
    head = club.commit("2027-01-06", {POST: a_post("Mended.")})
    club.git("clone", "-q", "--depth=1", f"file://{club.home}", str(tmp_path / "clone"))
    histories = Histories(Repository(tmp_path / "clone/content"), tmp_path)

    assert histories.at(head, TEAM) == (
        "this is a shallow clone, which leaves out the past; 'git fetch --unshallow' brings it")
    subprocess.run(["git", "-c", "protocol.file.allow=always", "fetch", "-q", "--unshallow"], cwd=tmp_path / "clone",
                   check=True)
    told = histories.at(head, TEAM)
    assert isinstance(told, History)
    assert told.files[POST].first.at == noon("2027-01-05")


def test_content_of_strangers_says_nothing_of_the_team(club: Club) -> None:
    """Copied content was committed by others, and a team without addresses by nobody; other files do not count."""
    club.commit("2027-01-05", {POST: a_post()}, who="bot@forge.example")
    (club.home / "README").write_text("ours")
    club.commit("2027-01-06", {})

    assert club.why() == "no commit of content/ is by an address of people/team.yaml (git:)"
    assert club.why(team=frozenset()) == "people/team.yaml names no address that anybody commits with (git:)"
    club.commit("2027-01-07", {POST: a_post("Mended.")}, who="ILSE@ours.example")
    assert POST in club.told().files
    assert club.why("HEAD~1") == "no commit of content/ is by an address of people/team.yaml (git:)"


def test_a_team_member_on_another_branch_does_not_count(club: Club) -> None:
    """Only commits that led to the one asked about are looked at, though others are kept."""
    first = club.commit("2027-01-05", {POST: a_post()}, who=PIP)
    second = club.commit("2027-01-06", {POST: a_post("Mended.")})
    histories = Histories(Repository(club.folder), None)

    assert isinstance(histories.at(second, TEAM), History)
    assert histories.at(first, TEAM) == "no commit of content/ is by an address of people/team.yaml (git:)"


def test_what_is_read_later_is_not_told_of_before(club: Club, tmp_path: Path) -> None:
    """Another process reads on while a history is looked into: nothing of what it adds led to this commit."""
    first = club.commit("2027-01-05", {"strategy.yaml": STRATEGY}, who=ILSE)
    told = club.told(first, tmp_path)
    club.commit("2027-01-06", {"strategy.yaml": STRATEGY.replace("{id: tips,", "{id: more}, {id: tips,"),
                               "strategies/north.yaml": "mission: North.\n"})
    assert ("tactic", "more") in club.told(home=tmp_path).entities

    assert set(told.entities) == {("social_goal", "answers"), ("tactic", "tips")}
    assert set(told.material) == {"ours"}


def test_no_commit_of_the_folder(club: Club) -> None:
    """The repository has commits, the folder has none; and a word that is no commit is told as such."""
    (club.home / "README").write_text("ours")
    club.commit("2027-01-05", {})
    histories = Histories(Repository(club.folder), None)

    assert club.why() == "nothing of content/ is committed"
    assert histories.at("0" * 40, TEAM) == "Git cannot list what led to commit 000000000000"
    assert histories.at("--output=ran", TEAM) == "'--output=ran' is no commit"


def test_a_mailmap_says_who_somebody_is(club: Club, tmp_path: Path) -> None:
    """As `git log` has it, from the moment it is there, also for what was read before."""
    club.commit("2027-01-05", {POST: a_post()}, who="wren@old.example")
    head = club.commit("2027-01-06", {"rules.yaml": "x: 1\n"})
    before = club.told(head, tmp_path).files[POST]
    (club.home / ".mailmap").write_text("Wren <wren@ours.example> <wren@old.example>\n")

    after = club.told(head, tmp_path).files[POST]

    assert (before.first.author, after.first.author) == ("wren@old.example", WREN)
    assert len(list((tmp_path / ".drumbeat/cache").glob("*.sqlite"))) == 1


def test_a_mailmap_that_changes_under_way(club: Club, tmp_path: Path) -> None:
    """A publisher runs for weeks: the next time it asks, it knows people as a new process would."""
    head = club.commit("2027-01-05", {POST: a_post(), "rules.yaml": "x: 1\n"}, who="wren@old.example")
    head = club.commit("2027-01-06", {"rules.yaml": "x: 2\n"})
    histories = Histories(Repository(club.folder), tmp_path)
    before = histories.at(head, TEAM)
    assert isinstance(before, History)
    assert before.files[POST].last.author == "wren@old.example"
    (club.home / ".mailmap").write_text("Wren <wren@ours.example> <wren@old.example>\n")

    after = histories.at(head, TEAM)

    assert isinstance(after, History)
    assert after.files[POST].last.author == WREN
    assert before.files["rules.yaml"].last.author == WREN


# --- odd repositories -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a 'b' \"c\".md", "two\nlines.md", "tab\t.md", "über.md", ":100644 x.md", "*?[a].md"])
def test_names_may_hold_anything(club: Club, name: str) -> None:
    """Quotes, line ends, letters of any alphabet, signs that mean something to Git or to SQLite."""
    club.commit("2027-01-05", {f"posts/{name}": a_post(), "posts/other.md": a_post("B.")})
    last = club.commit("2027-01-06", {f"posts/{name}": a_post("Mended.")})

    files = club.told().files

    assert set(files) == {f"posts/{name}", "posts/other.md"}
    assert files[f"posts/{name}"].last.commit == last


def test_a_name_in_another_encoding(club: Club) -> None:
    """It is told with its bytes, as the list of files has it."""
    os.makedirs(os.fsencode(club.folder) + b"/posts")             # noqa: PTH103 — a Path takes no bytes
    Path(os.fsdecode(os.fsencode(club.folder) + b"/posts/\xe9t\xe9.md")).write_text(a_post())
    head = club.commit("2027-01-05", {})

    assert list(club.told().files) == [file.path for file in Repository(club.folder).listing(head)]


@pytest.mark.parametrize("folder", [".", "in/ner", "über", "a'b"])
def test_the_folder_may_lie_anywhere(tmp_path: Path, folder: str) -> None:
    """It is the whole repository, or far below its top; files beside it are not its."""
    club = Club(tmp_path / "club", folder)
    (club.home / "in").mkdir(exist_ok=True)
    first = club.commit("2027-01-05", {POST: a_post()})
    if folder != ".":
        (club.home / "README").write_text("beside")
        club.commit("2027-01-06", {})

    assert dict(club.told().files) == {POST: FileHistory(*[edit(first, "2027-01-05")] * 2)}


def test_a_repository_of_long_names(tmp_path: Path) -> None:
    """SHA-256 instead of SHA-1."""
    club = Club(tmp_path / "club", "content", "--object-format=sha256")
    first = club.commit("2027-01-05", {POST: a_post()})
    last = club.commit("2027-01-06", {POST: a_post("Mended.", "ilse")})

    assert (len(last), club.told().files[POST]) == (64, FileHistory(
        edit(first, "2027-01-05"), *[edit(last, "2027-01-06")] * 2))


def test_hidden_files_are_no_content(club: Club) -> None:
    club.commit("2027-01-05", {POST: a_post(), ".drafts/b.md": a_post(), "posts/.c.md": a_post()})

    assert list(club.told().files) == [POST]


def test_a_commit_without_a_time_is_of_the_beginning(club: Club) -> None:
    """A hand-made commit whose lines say nothing breaks nothing."""
    club.commit("2027-01-05", {POST: a_post()})
    raw = f"tree {club.git('rev-parse', 'HEAD^{tree}')}\nauthor\ncommitter W <{WREN}> 99999999999999999999 +0000\n\nm\n"
    odd = club.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode())
    club.git("reset", "-q", "--hard", odd)
    club.commit("2027-01-06", {"rules.yaml": "x: 1\n"})

    assert (club.told().files[POST].first.commit, club.told().files[POST].first.author) == (odd, "")


def test_a_version_that_is_too_large_is_not_read(club: Club) -> None:
    """It counts as one that nobody can read; nothing of it reaches the memory of this process."""
    first = club.commit("2027-01-05", {POST: a_post("One.", "ilse")})
    club.commit("2027-01-06", {POST: a_post("x" * 300_000, "ilse")})
    club.commit("2027-01-07", {POST: a_post("One.", "ilse")})

    assert club.told().files[POST].last.commit == first


def test_a_version_that_is_lost_is_passed_over(club: Club) -> None:
    """As in a clone without blobs: what can be told is told."""
    club.commit("2027-01-05", {POST: a_post("One.", "ilse")})
    second = club.commit("2027-01-06", {POST: a_post("Two.", "ilse")})
    blob = club.git("rev-parse", f"HEAD~1:content/{POST}")
    (club.home / ".git/objects" / blob[:2] / blob[2:]).unlink()

    found = club.told().files[POST]

    assert (found.last.commit, found.approved and found.approved.commit) == (second, second)


def test_more_changes_than_people_make(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that hold each other can list more files than there are: the reading ends, and says so."""
    monkeypatch.setattr("flows.edges._log.MOST_CHANGES", 2)
    club.commit("2027-01-05", {f"posts/{n}.md": a_post() for n in range(3)})

    assert club.why() == "more files of content/ were changed than people can change"


def test_nothing_in_the_repository_runs(club: Club, tmp_path: Path) -> None:
    """Programs that its settings name for signatures, texts and mail are never started."""
    proof, evil = tmp_path / "ran", tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    evil.chmod(0o755)
    club.commit("2027-01-05", {POST: a_post("One.", "ilse"), ".gitattributes": "*.md filter=evil diff=evil\n"})
    raw = club.git("cat-file", "commit", "HEAD").replace("\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n "
                                                         "-----END PGP SIGNATURE-----\n\n", 1)
    signed = club.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode())
    for key in ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.x509.program", "diff.evil.textconv",
                "filter.evil.smudge", "diff.external", "core.pager", "core.fsmonitor"):
        club.git("config", key, str(evil))
    for key, value in (("log.showSignature", "true"), ("i18n.logOutputEncoding", "UTF-16"), ("log.date", "human")):
        club.git("config", key, value)
    histories = Histories(Repository(club.folder), None)

    told = histories.at(signed, TEAM)

    assert isinstance(told, History)
    assert told.files[POST].first == edit(signed, "2027-01-05")
    assert histories.signer(signed) is None
    assert not proof.exists()


def test_a_signature_is_told_by_the_key_that_made_it(club: Club, tmp_path: Path) -> None:
    """The name beside it in the file of allowed signers; none for an unsigned commit, an unknown key, no commit."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    plain = club.commit("2027-01-05", {POST: a_post()})
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", f"{key}.pub"), ("commit.gpgSign", "true")):
        club.git("config", name, value)
    signed = club.commit("2027-01-06", {POST: a_post("Mended.")})
    histories = Histories(Repository(club.folder), tmp_path)

    unknown = histories.signer(signed)
    (tmp_path / "allowed").write_text(f"{ILSE} {Path(f'{key}.pub').read_text()}")
    club.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    known = histories.signer(signed)
    (tmp_path / "allowed").unlink()                               # it was asked, and is remembered

    assert (unknown, known, histories.signer(signed)) == (None, ILSE, ILSE)
    assert (histories.signer(plain), histories.signer("HEAD")) == (None, None)
    assert club.told(signed).files[POST].last.signer is None


# --- what is kept -----------------------------------------------------------------------------------------------------


READER = """
import sys
from pathlib import Path
from flows.edges.history import Histories
from flows.edges.repository import Repository
repository = Repository(Path(sys.argv[1]))
for commit in sys.argv[3:]:
    told = Histories(repository, Path(sys.argv[2])).at(commit, frozenset({"wren@ours.example"}))
    print(sorted((path, file.first.commit, file.last.commit) for path, file in told.files.items()))
"""
AS_NOBODY = """
if os.geteuid() == 0:
    os.seteuid(65534)       # root may write anywhere
repository ="""


@pytest.fixture
def kept(club: Club, tmp_path: Path) -> Path:
    """A club whose history was read and kept; the file that it is kept in."""
    club.commit("2027-01-05", {POST: a_post(), "strategy.yaml": STRATEGY})
    club.commit("2027-01-06", {POST: a_post("Oil the hinge.", "ilse")}, who=ILSE)
    everything(club.told(home=tmp_path))
    [file] = (tmp_path / ".drumbeat/cache").glob("history-*.sqlite")
    return file


def test_what_is_known_is_not_asked_again(club: Club, kept: Path, tmp_path: Path) -> None:
    """A second process asks Git nothing: it answers though every object is gone. Git keeps nothing of the file."""
    before = everything(club.told(home=tmp_path))
    repository, head = Repository(club.folder), club.git("rev-parse", "HEAD")
    (club.home / ".git/objects").rename(tmp_path / "objects")

    told = Histories(repository, tmp_path).at(head, TEAM)

    assert isinstance(told, History)
    assert everything(told) == before
    assert (tmp_path / ".drumbeat/.gitignore").read_text() == "*\n"


def test_only_what_is_new_is_read(club: Club, kept: Path, tmp_path: Path) -> None:
    """After one more commit the older ones need not be there: what was kept of them is enough."""
    repository = Repository(club.folder)
    first = club.git("rev-parse", "HEAD~1")
    third = club.commit("2027-01-07", {"posts/b.md": a_post("B.")})
    (club.home / ".git/objects" / first[:2] / first[2:]).unlink()

    told = Histories(repository, tmp_path).at(third, TEAM)

    assert isinstance(told, History)
    assert told.files[POST].first.commit == first
    assert told.files["posts/b.md"].first.commit == third


def test_what_is_asked_about_is_read_together(club: Club) -> None:
    """When the first of the posts is looked up, Git is asked about all of them, and then no more."""
    first = club.commit("2027-01-05", {f"posts/{name}.md": a_post(f"{name}.", "ilse") for name in "abc"})
    second = club.commit("2027-01-06", {f"posts/{name}.md": a_post(f"{name}!", "ilse") for name in "abc"})
    told = Histories(Repository(club.folder), None).at(second, TEAM, ["posts/a.md", "posts/b.md", "posts/new.md"])
    assert isinstance(told, History)

    one = told.files["posts/a.md"]
    (club.home / ".git/objects").rename(club.home / "objects")
    other = told.files["posts/b.md"]

    last = edit(second, "2027-01-06")
    assert one == other == FileHistory(edit(first, "2027-01-05"), last, edit(first, "2027-01-05"), (), last)


def test_the_main_line_stays_in_one_piece(club: Club, tmp_path: Path) -> None:
    """However often a branch was read before it was merged: a look back along it takes few steps."""
    first = club.commit("2027-01-05", {POST: a_post()})
    for day in range(6, 12):
        club.git("checkout", "-q", "-b", f"b{day}")
        club.commit(f"2027-01-{day:02}", {f"posts/{day}.md": a_post(f"{day}.")})
        club.git("checkout", "-q", "main")
        club.commit(f"2027-01-{day:02}", {"rules.yaml": f"x: {day}\n"})
        club.merge(f"2027-01-{day:02}", f"b{day}", who=ILSE)
        told = club.told(home=tmp_path)
        assert told.files[POST].first.commit == first
        assert told.files[f"posts/{day}.md"].merged_by == (ILSE,)

    [file] = (tmp_path / ".drumbeat/cache").glob("*.sqlite")
    line = club.git("rev-list", "--first-parent", "HEAD").split()
    lanes = sqlite3.connect(file).execute(
        f"SELECT DISTINCT lane FROM commits WHERE name IN ({', '.join('?' * len(line))})", line).fetchall()
    assert len(lanes) == 1


def garbage(file: Path) -> None:
    file.write_bytes(b"no database" * 999)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def holed(file: Path) -> None:
    """Every page but the first is overwritten."""
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


def of_others(file: Path) -> None:
    file.unlink()
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE about (key TEXT, value TEXT)")
    database.commit()
    database.close()


def without_rows(file: Path) -> None:
    """The tables are ours, and commits are missing that others were built on."""
    database = sqlite3.connect(file)
    database.execute("DELETE FROM commits WHERE n = 1")
    database.commit()
    database.close()


def without_lanes(file: Path) -> None:
    database = sqlite3.connect(file)
    database.execute("DELETE FROM lanes")
    database.commit()
    database.close()


def with_other_facts(file: Path) -> None:
    database = sqlite3.connect(file)
    database.execute("UPDATE texts SET facts = '{'")
    database.commit()
    database.close()


def in_the_way(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [garbage, empty, cut, holed, of_others, without_rows, without_lanes,
                                    with_other_facts, in_the_way])
def test_any_damage_is_made_good_in_silence(
        club: Club, kept: Path, tmp_path: Path, damage: Callable[[Path], None],
        caplog: pytest.LogCaptureFixture) -> None:
    """What is told is what was told before; and the next one finds it kept again."""
    before = everything(club.told())
    damage(kept)

    assert everything(club.told(home=tmp_path)) == before
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
    if damage is not in_the_way:
        assert everything(club.told(home=tmp_path)) == before
        assert sqlite3.connect(kept).execute("SELECT count(*) FROM commits").fetchall() == [(2,)]


@pytest.mark.parametrize("damage", [garbage, holed])
def test_damage_while_somebody_reads(
        club: Club, kept: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A history that was opened before, and is asked after, tells the same."""
    before, told = everything(club.told()), club.told(home=tmp_path)
    damage(kept)

    assert everything(told) == before


def test_another_version_of_us_reads_anew(
        club: Club, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version kept is not looked at, and not left lying about."""
    before = everything(club.told())
    sqlite3.connect(kept).executescript("UPDATE commits SET author = 'nobody'")
    monkeypatch.setattr(module, "VERSION", 999)

    assert everything(club.told(home=tmp_path)) == before
    assert not kept.exists()


def test_a_rewritten_history(club: Club, kept: Path, tmp_path: Path) -> None:
    """After a commit was amended, nothing is told of what it was; a forced push cannot bring it back."""
    old = club.git("rev-parse", "HEAD")
    (club.folder / POST).write_text(a_post("Otherwise.", "ilse"))
    club.git("commit", "-q", "-a", "--amend", "-m", "again", day="2027-01-09", who=PIP)
    new = club.git("rev-parse", "HEAD")
    club.git("reflog", "expire", "--expire=now", "--all")
    club.git("gc", "-q", "--prune=now")

    found = club.told(home=tmp_path).files[POST]

    assert (found.last.commit, found.approved and found.approved.commit) == (new, new)
    assert found.last.at == noon("2027-01-09")
    assert old not in {entry.commit for entry in (found.first, found.last)}
    assert everything(club.told(home=tmp_path)) == everything(club.told())


def test_a_history_rewritten_every_day(club: Club, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rubble is cleared away: no more dead ends are kept than are worth it."""
    monkeypatch.setattr(module, "MOST_TIPS", 3)
    for day in range(7, 20):
        club.git("reset", "-q", "--hard", "HEAD~1")
        club.commit(f"2027-01-{day:02}", {POST: a_post(f"Day {day}.")})
        assert club.told(home=tmp_path).files[POST].last.at == noon(f"2027-01-{day:02}")

    [(commits,)] = sqlite3.connect(kept).execute("SELECT count(*) FROM commits").fetchall()
    assert commits <= 6


@pytest.mark.parametrize("in_place", [".drumbeat", ".drumbeat/cache"])
def test_a_place_where_nothing_can_be_kept(club: Club, tmp_path: Path, in_place: str) -> None:
    """Everything is told from memory; nothing is said of it."""
    club.commit("2027-01-05", {POST: a_post()})
    (tmp_path / "home" / in_place).parent.mkdir(parents=True)
    (tmp_path / "home" / in_place).write_text("a file")

    assert everything(club.told(home=tmp_path / "home")) == everything(club.told())


def test_a_home_that_is_read_only() -> None:
    """What is kept there is used, what is new stays in memory, and the file stays as it was."""
    with tempfile.TemporaryDirectory() as folder:                 # tmp_path itself is closed to other users
        home = Path(folder)
        club = Club(home / "club")
        club.commit("2027-01-05", {POST: a_post()})
        club.told(home=home)
        [file] = (home / ".drumbeat/cache").glob("*.sqlite")
        before = file.read_bytes()
        new = club.commit("2027-01-06", {POST: a_post("Mended.")})
        for path, mode in ((file, 0o444), (file.parent, 0o555), (home, 0o755)):
            path.chmod(mode)

        said = subprocess.run([sys.executable, "-c", f"import os\n{READER.replace('repository =', AS_NOBODY, 1)}",
                               str(club.folder), str(home), new], check=True, capture_output=True, text=True)

        assert (said.stdout.count(new), said.stderr) == (1, "")
        assert file.read_bytes() == before
        file.parent.chmod(0o755)


@pytest.fixture
def a_full_disk() -> Iterator[None]:
    """No file grows beyond its first bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk(club: Club, kept: Path, tmp_path: Path, a_full_disk: None) -> None:
    """Where nothing more can be kept, everything is told all the same."""
    head = club.git("commit-tree", "-m", "more", "-p", "HEAD", "-p", "HEAD~1", "HEAD^{tree}")
    told = Histories(Repository(club.folder), tmp_path).at(head, TEAM)
    anew = Histories(Repository(club.folder), tmp_path / "other").at(head, TEAM)

    assert isinstance(told, History)
    assert isinstance(anew, History)
    assert everything(told) == everything(anew)


def test_several_processes_at_once(club: Club, tmp_path: Path) -> None:
    """Each tells the same, whoever of them keeps what was read; and one file comes out of it that holds everything."""
    commits = [club.commit(f"2027-01-{day:02}", {f"posts/{day}.md": a_post(f"Day {day}."), POST: a_post(f"{day}")})
               for day in range(5, 25)]
    words = [sys.executable, "-c", READER, str(club.folder), str(tmp_path)]
    readers = [subprocess.Popen([*words, *order], stdout=subprocess.PIPE, text=True)
               for order in (commits, commits[::-1], commits[10:], commits)]

    said = [reader.communicate(timeout=120)[0].splitlines() for reader in readers]

    assert [reader.returncode for reader in readers] == [0, 0, 0, 0]
    assert said[0] == said[1][::-1] == said[3]
    assert said[2] == said[0][10:]
    [file] = (tmp_path / ".drumbeat/cache").glob("*.sqlite")
    assert sqlite3.connect(file).execute("SELECT count(*) FROM commits").fetchall() == [(20,)]


def test_a_file_that_somebody_else_threw_away(club: Club, kept: Path, tmp_path: Path) -> None:
    """Another process found it damaged and made it anew: this one goes on with the new file, and both keep in it."""
    histories = Histories(Repository(club.folder), tmp_path)
    assert isinstance(histories.at(club.git("rev-parse", "HEAD"), TEAM), History)
    kept.unlink()
    third = club.commit("2027-01-07", {"posts/b.md": a_post("B.")})
    everything(club.told(third, tmp_path))
    fourth = club.commit("2027-01-08", {"posts/c.md": a_post("C.")})

    told = histories.at(fourth, TEAM)

    assert isinstance(told, History)
    assert everything(told) == everything(club.told())
    assert sqlite3.connect(kept).execute("SELECT count(*) FROM commits").fetchall() == [(4,)]


WRITER = """
import sys
from pathlib import Path
from flows.edges.history import Histories
from flows.edges.repository import Repository
histories = Histories(Repository(Path(sys.argv[1])), Path(sys.argv[2]))
print("ready", flush=True)
for line in sys.stdin:
    told = histories.at(line.strip(), frozenset({"wren@ours.example"}))
    print(sorted((path, file.first.commit, file.last.commit) for path, file in told.files.items()), flush=True)
"""


def test_a_publisher_that_runs_while_others_check(club: Club, tmp_path: Path) -> None:
    """One process stays, others come, read and throw away: what each is told is what Git says, at every commit."""
    words = [sys.executable, "-c", WRITER, str(club.folder), str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as publisher:
        assert publisher.stdin is not None
        assert publisher.stdout is not None
        assert publisher.stdout.readline() == "ready\n"
        for day in range(5, 13):
            head = club.commit(f"2027-01-{day:02}", {f"posts/{day}.md": a_post(f"{day}."), POST: a_post(f"{day}!")})
            if day % 3 == 0:
                for file in (tmp_path / ".drumbeat/cache").glob("*.sqlite"):
                    garbage(file)
            check = club.told(head, tmp_path) if day % 2 else None
            publisher.stdin.write(f"{head}\n")
            publisher.stdin.flush()
            said = publisher.stdout.readline()
            for told in (check or club.told(head, tmp_path), club.told(head)):
                files = sorted((path, file.first.commit, file.last.commit) for path, file in told.files.items())
                assert said == f"{files}\n"
        publisher.stdin.close()
        assert publisher.wait(60) == 0


def test_what_is_lost_twice_is_an_error_in_words(club: Club, tmp_path: Path) -> None:
    """The kept file is damaged and Git has lost the commit since: whoever asks on is told so."""
    club.commit("2027-01-05", {POST: a_post()})
    told = club.told(home=tmp_path)
    for file in (tmp_path / ".drumbeat/cache").glob("*.sqlite"):
        garbage(file)
    (club.home / ".git/objects").rename(tmp_path / "objects")
    (club.home / ".git/objects").mkdir()

    with pytest.raises(DrumbeatError, match="Git does not tell any more"):
        told.files[POST]
