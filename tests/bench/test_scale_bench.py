"""How the program grows: checks, plans and pushes of 100,000 posts, beside the least that anything must do for them.

DRUMBEAT_BENCH_POSTS lowers that number, DRUMBEAT_BENCH_RUNS (3) is how often each row is measured. Every measurement is
a process of its own (`scale.py`), in turn, so that a slow minute is slow for all. Prints a table; never fails for being
slow.
"""
import json
import os
import selectors
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

POSTS = int(os.environ.get("DRUMBEAT_BENCH_POSTS", "100000"))
RUNS = int(os.environ.get("DRUMBEAT_BENCH_RUNS", "3"))
SCALE = Path(__file__).with_name("scale.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
BOUND_S = 60.0
"""So long one hostile post may take before its process is ended."""
SLOW_S = 0.5
BASELINE = "read, yaml-rs, pydantic (one process)"
ROWS = {
    BASELINE: "baseline",
    "check, cold, one process (bar: 2 of these)": "cold",
    "check, cold, two processes (bar: 1.6 times as fast)": "cold_by_two",
    "check, the second one in its process": "warm",
    "check of the commit, read from Git": "commit",
}


def measured(row: str, folder: Path, *numbers: int) -> dict[str, Any]:
    """What `scale.py` tells of a row: seconds and megabytes, or why it is absent; or how it died."""
    words = [sys.executable, str(SCALE), row, str(folder), *map(str, numbers)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        return {"absent": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:160]}
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def line(name: str, took: list[dict[str, Any]], against: float | None) -> str:
    """The medians of a row, and its ratio to `against` seconds."""
    if absent := next((one["absent"] for one in took if "absent" in one), None):
        return f"{name:<58} skipped: {absent}"
    seconds = statistics.median(one["seconds"] for one in took)
    memory = statistics.median(one["megabytes"] for one in took)
    ratio = f"{seconds / against:8.2f}" if against else " " * 8
    return f"{name:<58} {seconds:9.3f} {ratio} {memory:8.0f}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The folder with all posts, committed."""
    made = tmp_path_factory.mktemp("all") / "content"
    print(f"\n{line(f'(writing and committing {POSTS} posts)', [measured('written', made, POSTS)], None)}")
    return made


@pytest.mark.bench
def test_checks(folder) -> None:
    """Prints seconds, the ratio to the baseline, and the peak of memory, for checks of all posts."""
    took: dict[str, list[dict[str, Any]]] = {name: [] for name in ROWS}
    again: dict[str, list[float]] = {"drumbeat check, nothing remembered": [], "drumbeat check, again": []}
    for _ in range(RUNS):
        for name, row in ROWS.items():
            took[name].append(measured(row, folder))
        shutil.rmtree(folder.parent / ".drumbeat", ignore_errors=True)
        for runs in again.values():
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", "flows.cli", "check", "--now", "2027-01-04 12:00"], cwd=folder.parent,
                           check=False, capture_output=True, env=ENVIRONMENT)
            runs.append(time.perf_counter() - begun)
    least = statistics.median(one["seconds"] for one in took[BASELINE])

    print(f"\n{f'{POSTS} posts, median of {RUNS}':<58} {'seconds':>9} {'ratio':>8} {'peak MB':>8}")
    for name, runs in took.items():
        print(line(name, runs, least))
    for name, whole in again.items():
        seconds = statistics.median(whole)
        print(f"{f'{name} (whole process)':<58} {seconds:9.3f} {seconds / least:8.2f}")
    stages = measured("stages", folder)
    for name, seconds in stages.get("seconds", {}).items():
        print(f"{f'  of it: {name}':<58} {seconds:9.3f} {seconds / least:8.2f}")


@pytest.mark.bench
def test_planning_grows(tmp_path) -> None:
    """Prints the seconds and microseconds a post of planning, for a hundredth, a tenth and all of the posts."""
    print(f"\n{'planning only':<58} {'seconds':>9} {'ratio':>8} {'peak MB':>8}  us a post (ratio: to the smallest's)")
    first: float | None = None
    for count in (POSTS // 100, POSTS // 10, POSTS):
        home = tmp_path / str(count) / "content"
        measured("written", home, count)
        took = [measured("planning", home) for _ in range(RUNS)]
        seconds = [one["seconds"] for one in took if "seconds" in one]
        each = statistics.median(seconds) / count if seconds else 0.0
        first = first or each
        print(f"{line(f'{count} posts', took, first * count)}  {each * 1e6:9.1f}")


@pytest.mark.bench
def test_replanning_after_a_push(folder) -> None:
    """Prints how long a new plan takes after a push that changes ten posts."""
    print(f"\n{f'after a push of 10 of {POSTS} posts':<58} {'seconds':>9} {'':>8} {'peak MB':>8}")
    took: dict[str, list[dict[str, Any]]] = {"nothing kept": [measured("planned", folder)]}
    for run in range(RUNS):
        measured("pushed", folder, run + 1)
        for name, row in (("everything anew", "commit"), ("re-plan in a fresh process (bar: 0.5 s)", "replan"),
                          ("re-plan in a resident process (bar: 0.1 s)", "replan_resident")):
            took.setdefault(name, []).append(measured(row, folder))
    for name, runs in took.items():
        print(line(name, runs, None))


@pytest.mark.bench
def test_hostile_posts() -> None:
    """Prints the posts, made to be slow, that take longer than half a second, and how long the slowest others take."""
    took = sorted(fights(), key=lambda one: -max(one["reading"], one["all"]))
    slow = [one for one in took if max(one["reading"], one["all"]) > SLOW_S]

    print(f"\n{len(took)} hostile posts, {len(slow)} of them over {SLOW_S} s\n  reading       all")
    for one in took[:max(len(slow), 12)]:
        print(f"{one['reading']:9.3f} {one['all']:9.3f}  {one['name']}")


def fights() -> Iterator[dict[str, Any]]:
    """What each hostile post took; one that takes longer than the bound is ended, and the others go on."""
    number = 0
    while True:
        words = [sys.executable, str(SCALE), "fight", ".", str(number)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0, env=ENVIRONMENT) as child, \
                selectors.DefaultSelector() as waiting:
            assert child.stdout is not None
            waiting.register(child.stdout, selectors.EVENT_READ)
            while waiting.select(BOUND_S):
                told = child.stdout.readline()                    # unbuffered: what is left is seen by `select`
                if not told:
                    assert child.wait() == 0
                    return
                yield json.loads(told)
                number += 1
            child.kill()
        yield {"name": f"number {number} of scale.hostile()", "reading": BOUND_S, "all": BOUND_S}
        number += 1
