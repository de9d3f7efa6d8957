"""What Prefect costs when much goes out in one second: the server's CPU, and how far behind the follower is."""
import json
import os
import select
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from flows.edges.prefect_server import settings

pytestmark = [pytest.mark.bench, pytest.mark.slow]
LINES, CHANNELS = 1_000, 50
ROUNDS = int(os.environ.get("DRUMBEAT_BENCH_ROUNDS", "3"))
PATIENCE_S = 600.0
ALONE, GATHERED = "999999", "60"


class Cost(NamedTuple):
    """Seconds: until the follower had told it all, until Prefect showed it all; CPU of the server; rows it got."""

    follower_s: float
    shown_s: float
    server_cpu_s: float
    task_runs: int
    events: int


def eventually(is_so: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it never came to be"
        select.select([], [], [], 0.05)
    return found


@pytest.fixture
def server(tmp_path, unused_port) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str], Path]]:
    environment = settings(tmp_path, unused_port)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-P", "-m", "flows.edges.prefect_server"], stdin=subprocess.PIPE,
                                   stdout=log, stderr=log, cwd=tmp_path, env={**os.environ, **environment})

    def healthy() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{environment['PREFECT_API_URL']}/health").is_success
        return False

    eventually(healthy)
    yield process, environment, tmp_path / "prefect.db"
    assert process.stdin is not None
    process.stdin.close()
    process.wait(60)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lines(name: str) -> str:
    row = {"state": "published", "at": "2027-03-01T12:30:00Z", "sent_at": "2027-03-01T12:30:00Z", "url": None,
           "reason": None, "file": None, "next": None, "zone": "UTC", "network": "mastodon", "campaign": None,
           "unable": False}
    return "".join(json.dumps({**row, "slot": f"posts/{name}-{number}@c{number % CHANNELS}#1",
                               "channel": f"c{number % CHANNELS}"}) + "\n" for number in range(LINES))


def burst(server: Any, name: str, knob: str) -> Cost:
    """1,000 outcomes in one write, as a sender's burst."""
    process, environment, database = server

    def count() -> tuple[int, int]:
        with closing(sqlite3.connect(database, timeout=30)) as reading:
            runs, = reading.execute("select count(*) from task_run where state_type = 'COMPLETED'").fetchone()
            told, = reading.execute("select count(*) from events where event like 'drumbeat.post.%'").fetchone()
        return int(runs), int(told)

    limits = {"DRUMBEAT_TASK_RUNS_PER_MINUTE": knob, "DRUMBEAT_PARENT": str(os.getpid()),
              "DRUMBEAT_UNTIL": f"2027-03-01T13:{name}:00Z"}
    with (database.parent / f"follower-{name}.log").open("w") as log, subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.publish"], stdin=subprocess.PIPE, text=True, stdout=log, stderr=log,
            cwd=database.parent, env={**os.environ, **environment, **limits}) as follower:
        def follows() -> bool:
            with closing(sqlite3.connect(database, timeout=30)) as reading:
                return bool(reading.execute("select 1 from flow_run where name like ? and state_name = 'Running'",
                                            (f"%13:{name}:00Z",)).fetchall())

        eventually(follows)
        before, cpu, begun = count(), cpu_s(process.pid), time.monotonic()
        assert follower.stdin is not None
        follower.stdin.write(lines(name))
        follower.stdin.close()
        assert follower.wait(PATIENCE_S) == 0
        told = time.monotonic() - begun
    eventually(lambda: count()[1] - before[1] >= LINES)
    eventually(lambda: (count()[0] - before[0]) >= (LINES if knob == ALONE else 60 + CHANNELS))
    shown, after = time.monotonic() - begun, count()
    return Cost(told, shown, cpu_s(process.pid) - cpu, after[0] - before[0], after[1] - before[1])


def test_a_burst_costs_less_when_it_is_gathered(server, capsys):
    """1,000 outcomes on 50 channels in one second: medians of three rounds, slot by slot against gathered."""
    found: dict[str, list[Cost]] = {ALONE: [], GATHERED: []}
    for number in range(ROUNDS):
        for place, knob in enumerate(found):
            found[knob].append(burst(server, f"{number}{place}", knob))

    with capsys.disabled():
        print(f"\n{LINES} outcomes at once on {CHANNELS} channels, medians of {ROUNDS}")
        print(f"{'':<14}{'follower s':>12}{'all shown s':>13}{'server CPU s':>14}{'task runs':>11}{'events':>8}")
        for name, knob in (("slot by slot", ALONE), ("gathered", GATHERED)):
            row = [statistics.median(values) for values in zip(*found[knob], strict=True)]
            print(f"{name:<14}{row[0]:>12.1f}{row[1]:>13.1f}{row[2]:>14.1f}{row[3]:>11.0f}{row[4]:>8.0f}")
        slow, fast = (statistics.median(one.server_cpu_s for one in found[knob]) for knob in (ALONE, GATHERED))
        print(f"server CPU: {slow / fast:.1f} times less when gathered")
    assert all(one.events == LINES for costs in found.values() for one in costs)
