"""The content that benchmarks measure with is content that could go out."""
import importlib.util
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.check import check, check_commit
from flows.edges.repository import Repository
from schemas.problem import Problem

NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
_SPEC = importlib.util.spec_from_file_location("drumbeat_posts", Path(__file__).parents[1] / "bench" / "posts.py")
assert _SPEC is not None
assert _SPEC.loader is not None
posts: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(posts)


def errors(problems: tuple[Problem, ...]) -> list[Problem]:
    """Those that keep a post back, or a file from being read; the strategy of this organisation is made up in haste."""
    return [problem for problem in problems if problem.severity == "error"
            and (problem.post is not None or problem.code[:3] in ("SYN", "REF"))]


def test_generated_posts_check_without_errors(tmp_path: Path) -> None:
    """Three hundred generated posts hold no error and few warnings, and nearly all of them go out."""
    posts.written(tmp_path / "content", 300)

    prepared = check(tmp_path / "content", now=NOON)

    warnings = [problem for problem in prepared.problems if problem.severity == "warning" and problem.post is not None]
    assert errors(prepared.problems) == []
    assert len(warnings) < 30
    assert len(prepared.content.posts) + len(prepared.content.drafts) == 300
    assert len(prepared.plan.waiting) < 30
    assert {item.channel.id for item in prepared.plan.items} == {c.id for c in prepared.content.channels.channels}


def test_pushes_change_so_many_posts_and_break_none(tmp_path: Path) -> None:
    """A push after a generated commit touches ten posts, makes the same commit from the same seed, and has no error."""
    commits = []
    for home in (tmp_path / "one", tmp_path / "two"):
        home.mkdir()
        posts.written(home / "content", 300, commit=True)
        repository = Repository(home / "content")
        before = {file.path: file.blob for file in repository.files(repository.head())}
        commits.append(posts.push(home, 10, seed=2))
        after = {file.path: file.blob for file in repository.files(repository.head())}
        assert len(set(before.items()) ^ set(after.items())) in range(10, 20)      # an edited post counts twice
        assert repository.uncommitted() == []

    assert repository.head() == commits[0] == commits[1]
    assert errors(check_commit(repository, commits[1], now=NOON).problems) == []
