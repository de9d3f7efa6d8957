"""What Git's memory costs: read for the first time, after one commit, and when ten posts are asked about."""
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.edges.history import Histories
from flows.edges.repository import Repository
from schemas.history import History

POSTS = 20_000
COMMITS = 2_000
TEAM = frozenset({"wren@ours.example"})
GIT = ("git", "-c", "user.name=Wren", "-c", "user.email=wren@ours.example")


def a_post(number: int, approved: bool = False, more: str = "") -> bytes:
    names = "approved_by: [ilse]\n" if approved else ""
    return (f"---\nat: 2027-03-{number % 28 + 1:02} 12:30\nintent: give\nchannels: [mastodon, bluesky]\n{names}---\n"
            f"Thing number {number} squeals when you turn it. Oil the hinge, then wait a day.{more}\n").encode()


def path_of(number: int) -> str:
    return f"content/posts/{2020 + number % 7}/{number % 12 + 1:02}/post-{number}.md"


def stream() -> Iterator[bytes]:
    """A history for `git fast-import`: posts come ten a commit, every third is approved or mended later on."""
    def file(path: str, data: bytes) -> bytes:
        return b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)

    for commit in range(COMMITS):
        who = b"Wren <wren@ours.example> %d +0000" % (1_700_000_000 + commit * 3600)
        yield b"commit refs/heads/main\nauthor %s\ncommitter %s\ndata 4\nmore\n" % (who, who)
        for number in range(commit * POSTS // COMMITS, (commit + 1) * POSTS // COMMITS):
            yield file(path_of(number), a_post(number))
        if commit:
            for number in range((commit - 1) * POSTS // COMMITS, commit * POSTS // COMMITS, 3):
                yield file(path_of(number), a_post(number, approved=True, more=" Again." * (number % 2)))
        if commit % 50 == 0:
            yield file("content/strategy.yaml", b"strategy: ours\nstart: 2027-01-01\ntimezone: UTC\nmission: Mend %d\n"
                       % (commit // 200))
        yield b"\n"


@pytest.mark.bench
def test_history_of_a_large_folder(tmp_path: Path) -> None:
    """Prints medians, and what they are to `git log` of the same."""
    top = tmp_path / "club"
    top.mkdir()
    subprocess.run([*GIT, "init", "-q", "-b", "main"], cwd=top, check=True)
    subprocess.run([*GIT, "fast-import", "--quiet"], cwd=top, input=b"".join(stream()), check=True)
    subprocess.run([*GIT, "reset", "-q", "--hard"], cwd=top, check=True)
    repository = Repository(top / "content")
    head = repository.head()
    ten = [path_of(number).removeprefix("content/") for number in range(0, POSTS, POSTS // 10)]
    everything = [path_of(number).removeprefix("content/") for number in range(POSTS)]
    cache = tmp_path / ".drumbeat/cache"

    def log() -> None:
        words = ["git", "log", "--raw", "--no-renames", "--no-abbrev", "-z", "--format=%H"]
        subprocess.run(words, cwd=top, check=True, stdout=subprocess.DEVNULL)

    def forget() -> None:
        for file in cache.glob("*"):
            file.unlink()

    def read(asked: list[str]) -> None:
        told = Histories(repository, tmp_path).at(repository.head(), TEAM, asked)
        assert isinstance(told, History)
        for path in asked:
            assert told.files[path].last

    def strategy() -> None:
        told = Histories(repository, tmp_path).at(head, TEAM)
        assert isinstance(told, History)
        assert len(told.material) == 1
        assert not told.entities

    def one_more() -> None:
        (top / "content" / ten[0]).write_bytes(a_post(0, more=str(time.time_ns())))
        subprocess.run([*GIT, "commit", "-q", "-a", "-m", "one"], cwd=top, check=True,
                       env={**os.environ, "GIT_COMMITTER_DATE": "2027-03-01T12:00:00Z"})

    def nothing() -> None:
        pass

    cases: list[tuple[str, Callable[[], None], Callable[[], None], int]] = [
        ("git log --raw", nothing, log, 3),
        ("cold", forget, lambda: read([]), 3),
        ("ten posts, for the first time", nothing, lambda: read(ten), 1),
        ("again, and ten posts", nothing, lambda: read(ten), 7),
        ("one commit more, and ten posts", one_more, lambda: read(ten), 7),
        ("material and ids", nothing, strategy, 3),
        ("every post, for the first time", nothing, lambda: read(everything), 1),
        ("every post again", nothing, lambda: read(everything), 1)]
    print(f"\n{POSTS:,} posts, {COMMITS:,} commits\n{'median ms':>10} {'to log':>7}")
    bare = 0.0
    for name, before, work, times in cases:
        taken = []
        for _ in range(times):
            before()
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
        median = sorted(taken)[len(taken) // 2]
        bare = bare or median
        print(f"{median * 1000:10.0f} {median / bare:7.2f}  {name}")
    [file] = cache.glob("*.sqlite")
    print(f"{file.stat().st_size / 1e6:10.1f}          MB kept")
