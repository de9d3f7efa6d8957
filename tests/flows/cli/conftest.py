"""Whole commands as processes of their own, on copies of the sample content or on a folder of a few lines."""
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows.edges.clock import RealClock
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal

PROJECT = Path(__file__).parents[3]
DRUMBEAT = str(Path(sys.executable).with_name("drumbeat"))
PATIENCE_S = 120.0
_OURS = ("DRUMBEAT_", "PREFECT_", "AWS_")
_WHO = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c", "commit.gpgsign=false")


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Running:
    """A command that goes on. What it says on stderr can be waited for."""

    def __init__(self, words: tuple[str, ...], cwd: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen([DRUMBEAT, *words], cwd=cwd, env=env, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._more:
                self.lines.append(line)
                self._more.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line of talk that `pattern` is found in, once it is there."""
        def found() -> re.Match[str] | None:
            return next((match for line in self.lines if (match := re.search(pattern, line))), None)
        with self._more:
            match = self._more.wait_for(found, PATIENCE_S)
            assert match, self.lines
            return match

    def end(self, how: signal.Signals = signal.SIGINT, patience_s: float = PATIENCE_S) -> Done:
        """Signalled, and gone; fails when that takes longer than `patience_s`."""
        self.process.send_signal(how)
        self.process.wait(patience_s)
        out = self._close()
        return Done(self.process.returncode, out, "".join(self.lines))

    def kill(self) -> None:
        """What a test that failed left: gone, with its children."""
        for pid in (*descendants(self.process.pid), self.process.pid):
            if self.process.poll() is None:
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._close()

    def _close(self) -> str:
        """The rest of what it printed; its pipes are closed."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if self.process.stdout.closed:
            return ""
        self._reader.join()
        with self.process.stdout, self.process.stderr:
            return self.process.stdout.read()


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """This process's, without what would set Drumbeat, Prefect or AWS up."""
    return {k: v for k, v in os.environ.items() if not k.startswith(_OURS)} | (more or {})


def _run(*words: str, cwd: Path, env: dict[str, str] | None = None, stdin: str | None = None) -> Done:
    done = subprocess.run([DRUMBEAT, *words], cwd=cwd, env=environment(env), capture_output=True, text=True,
                          timeout=PATIENCE_S, input=stdin, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def _copy(home: Path) -> Path:
    """The sample content in a repository of its own at `home`; the same commit id every time."""
    shutil.copytree(PROJECT / "content", home / "content")
    day = {"GIT_AUTHOR_DATE": "2026-11-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-11-01T12:00:00Z"}
    for words in (("init", "--quiet", "--initial-branch=main"), ("add", "content"),
                  ("commit", "--quiet", "--message", "The season")):
        subprocess.run(["git", *_WHO, *words], cwd=home, check=True, env={**environment(), **day})
    return home


@pytest.fixture(scope="session")
def drumbeat() -> Callable[..., Done]:
    """Runs a command to its end."""
    return _run


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Starts a command; what still runs after the test is killed, with its children."""
    started: list[Running] = []

    def begin(*words: str, cwd: Path, env: dict[str, str] | None = None) -> Running:
        started.append(Running(words, cwd, environment(env)))
        return started[-1]

    yield begin
    for running in started:
        running.kill()


@pytest.fixture
def sample(tmp_path) -> Path:
    """A copy of the sample content, nothing published."""
    return _copy(tmp_path / "club")


@pytest.fixture(scope="session")
def sample_copy() -> Callable[[Path], Path]:
    return _copy


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue                                          # it ended while we looked
            parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


@pytest.fixture
def children() -> Callable[[int], list[int]]:
    return descendants


@pytest.fixture
def ended() -> Callable[[list[int], float], list[int]]:
    """Waits for processes, ours or not, to end; gives those that still run after so many seconds."""
    def wait(pids: list[int], seconds: float) -> list[int]:
        deadline, left = time.monotonic() + seconds, []
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            poller = select.poll()
            poller.register(handle, select.POLLIN)
            if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
                left.append(pid)
            os.close(handle)
        return left
    return wait


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    """Rehearsal networks in this process, by the real clock."""
    with Rehearsal([twin(RealClock().now) for twin in twins().values()]) as running:
        yield running


class Season(NamedTuple):
    """The sample season, played once to its end by `drumbeat up`."""

    home: Path
    done: Done

    def journal(self) -> list[dict[str, Any]]:
        """What the rehearsal networks hold, network after network, in the order of posting."""
        return journal_of(self.home)


def journal_of(home: Path) -> list[dict[str, Any]]:
    """What the rehearsal networks of `home` kept on disk: posts, each with its media."""
    folder, found = home / ".drumbeat/rehearsal/networks", list[dict[str, Any]]()
    for name, made in sorted(twins().items()):
        if (folder / name / "journal.jsonl").exists():
            twin = made(RealClock().now, folder)
            found += [{"network": name, "id": post.id, "account": post.account, "text": post.text,
                       "created_at": post.created_at.isoformat(), "parent": post.parent,
                       "media": [{"sha256": twin.media[id].sha256, "alt": twin.media[id].alt} for id in post.media]}
                      for post in twin.posts]
    return found


@pytest.fixture(scope="session")
def journal() -> Callable[[Path], list[dict[str, Any]]]:
    return journal_of


SEASON = ("up", "--rehearse", "--until", "2027-04-20 00:00")


@pytest.fixture(scope="session")
def season_words() -> tuple[str, ...]:
    """The example of `drumbeat up --help`, which every run of the season uses."""
    return SEASON


@pytest.fixture(scope="session")
def season(tmp_path_factory, free_port) -> Season:
    """One run for all tests that look at what a season leaves behind."""
    home = _copy(tmp_path_factory.mktemp("season") / "club")
    done = _run(*SEASON, "--speed", "2000000", "--port", str(free_port()), cwd=home)
    return Season(home, done)
