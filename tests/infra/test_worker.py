"""What a publisher's container runs: told to stop, it lets the shift below it end in order; nothing is left open."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal

PATIENCE_S = 40.0
# Prefect's worker in short: it starts a run in a session of its own, and SIGTERM ends it at once, whoever still runs.
WORKER = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[1] + "/told", "a").write("told\\n"), os._exit(7)))
subprocess.Popen([sys.executable, "-P", "-c", sys.argv[2], *sys.argv[3:]], start_new_session=True)
while True:
    signal.pause()
"""
# A run, as the flow `publish` follows its shift.
RUN = """
import asyncio, sys
from flows.ask import Command
async def follow():
    command = Command("publish", "--lines", *sys.argv[1:])
    async for line in command.lines():
        pass
    print("stopped" if command.was_stopped else "ended", flush=True)
asyncio.run(follow())
"""
SLEEPER = "import signal; signal.pause()"


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([twin(lambda: datetime.now(UTC)) for twin in twins().values()]) as made:
        yield made


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `infra.worker` over the worker in short, whose run is `run` with `words`."""
    started: list[subprocess.Popen[str]] = []

    def start(run: str, *words: str, patience_s: float = 75.0) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-c", WORKER, str(tmp_path), run, *words]
        ours = (f"import sys; from infra.worker import run\n"
                f"sys.exit(run({command!r}, patience_s={patience_s}, again_s=0.1))")
        # what a shell does to what it puts aside: SIGINT is ignored, and Prefect's worker would never hear it
        started.append(subprocess.Popen([sys.executable, "-P", "-c", ours], stdout=subprocess.PIPE, text=True,
                                        start_new_session=True, cwd=tmp_path))
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.wait()
        assert one.stdout is not None
        one.stdout.close()


def _soon(is_so: Callable[[], Any]) -> Any:
    """What `is_so` says, once it is true."""
    deadline, wait = time.monotonic() + PATIENCE_S, threading.Event()
    while not (said := is_so()):
        assert time.monotonic() < deadline, "it never came to be"
        wait.wait(0.05)
    return said


def _children(process: int) -> list[int]:
    try:
        told = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(one) for one in told.split()]


def _below(process: int) -> dict[int, str]:
    """Every process below, with what it was started with."""
    found: dict[int, str] = {}
    for child in _children(process):
        with suppress(OSError):
            found[child] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        found |= _below(child)
    return found


@pytest.mark.slow
def test_a_call_in_flight_ends_before_the_worker_does(publisher: Any, networks: Rehearsal, club: Path,
                                                       tmp_path: Path) -> None:
    """Stopped while a network answers slowly: the post has its receipt, the run ended, and only then the worker."""
    due = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%d %H:%M")
    (club / "posts/hello.md").write_text(f"---\nat: {due}\nchannels: [mastodon]\n---\nHello!\n", encoding="utf-8")
    subprocess.run(["git", "-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c",
                    "commit.gpgsign=false", "commit", "--quiet", "--all", "--message", "Now"], cwd=club, check=True)
    httpx.put(f"{networks.url}/_rehearsal/faults", json=[{"fault": "slow", "seconds": 2.0}]).raise_for_status()
    archive = f"dir:{tmp_path / 'archive'}"

    ours = publisher(RUN, "--rehearse-at", networks.url, "--content", str(club), "--archive", archive)
    _soon(lambda: httpx.get(f"{networks.url}/_rehearsal/posts").json())        # it is there, and unanswered
    ours.send_signal(signal.SIGTERM)
    printed, _ = ours.communicate(timeout=PATIENCE_S)

    assert printed == "stopped\n"
    assert ours.returncode == 7                                                # the worker's own code
    assert (tmp_path / "told").read_text(encoding="utf-8") == "told\n"         # once: twice would kill it
    (post,) = httpx.get(f"{networks.url}/_rehearsal/posts").json()
    assert post["calls"] == 1
    said = subprocess.run([sys.executable, "-P", "-m", "flows.cli", "status", "--json", "--content", str(club),
                           "--archive", archive], capture_output=True, text=True, check=True)
    assert [slot["state"] for slot in json.loads(said.stdout)["slots"]] == ["published"]


@pytest.mark.slow
def test_a_shift_outlives_its_worker_which_is_started_again(publisher: Any, networks: Rehearsal, club: Path,
                                                            tmp_path: Path) -> None:
    """The worker is killed: its shift goes on and another worker comes; told to stop, all of it ends in order."""
    ours = publisher(RUN, "--rehearse-at", networks.url, "--content", str(club), "--archive",
                     f"dir:{tmp_path / 'archive'}")
    _soon((tmp_path / "archive").exists)                                       # its shift looks around
    below = _below(ours.pid)
    assert any("flows.cli publish" in words for words in below.values())

    first, (shift, *_) = _children(ours.pid)[0], [pid for pid, words in below.items() if "flows.cli publish" in words]
    os.kill(first, signal.SIGKILL)
    second = _soon(lambda: [pid for pid, words in _below(ours.pid).items() if "signal.pause" in words and pid != first])
    assert Path(f"/proc/{shift}").exists()
    ours.send_signal(signal.SIGTERM)
    printed, _ = ours.communicate(timeout=PATIENCE_S)

    assert set(printed.split()) == {"stopped"}
    assert ours.returncode == 7                                                # the second worker's own code
    assert not [pid for pid in (*below, *second) if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_a_run_that_is_no_shift_does_not_keep_it_for_ever(publisher: Any, tmp_path: Path) -> None:
    """After its patience the worker is told all the same: what it does with its other runs is its own affair."""
    ours = publisher(SLEEPER, patience_s=1.0)
    sleeper = _soon(lambda: [pid for worker in _children(ours.pid) for pid in _children(worker)])[0]

    ours.send_signal(signal.SIGTERM)
    _soon((tmp_path / "told").exists)
    os.kill(sleeper, signal.SIGKILL)                                           # as a container's end does

    assert ours.wait(PATIENCE_S) == 7
