"""What judging costs: each rule of the book over a generated organisation, and whether it grows faster than the posts.

DRUMBEAT_BENCH_RULES (10000) is the smaller number of posts; the larger is twice that. Times are of the processor, so
that a busy machine changes them little. Prints tables; never fails for being slow.
"""
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.planning.likening import Told, bag, repeats

POSTS = int(os.environ.get("DRUMBEAT_BENCH_RULES", "10000"))
SCALE = Path(__file__).with_name("scale.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
RUNS, SHOWN = 3, 10
PATTERNS = {"20 words shared": (20, 0), "18 words shared, 2 own": (18, 2), "15 words shared, 5 own": (15, 5),
            "20 words own": (0, 20)}


def measured(row: str, folder: Path, *numbers: int) -> Any:
    """What `scale.py` tells of a row."""
    words = [sys.executable, str(SCALE), row, str(folder), *map(str, numbers)]
    return json.loads(subprocess.run(words, capture_output=True, check=True, env=ENVIRONMENT).stdout)["seconds"]


def line(name: str, small: float, large: float) -> str:
    """Milliseconds per 10,000 posts for the smaller and the larger number, and how often the time it took."""
    a_post = 10_000_000 / POSTS
    return f"{name:<36} {small * a_post:9.1f} {large * a_post / 2:9.1f} {large / max(small, 1e-6):9.1f}"


@pytest.mark.bench
def test_what_each_rule_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the ten dearest rules, all of them once, and a whole check beside the least that anything must do."""
    took = []
    for count in (POSTS, 2 * POSTS):
        folder = tmp_path / str(count) / "content"
        measured("written", folder, count)
        took.append(measured("rules", folder))
    small, large = took
    named = sorted(small["rules"], key=lambda code: -float(small["rules"][code]))[:SHOWN]
    with capsys.disabled():
        print(f"\n{'ms of CPU per 10,000 posts':<36} {POSTS:>9} {2 * POSTS:>9}  whole: grows by (2: as the posts)")
        for code in named:
            print(line(f"  {code}", small["rules"][code], large["rules"][code]))
        print(line("all rules, once", sum(small["rules"].values()), sum(large["rules"].values())))
        for name in ("check", "baseline"):
            print(line(name, small[name], large[name]))
        ratios = [one["check"] / one["baseline"] for one in took]
        print(f"{'ratio to the baseline (bar: 2)':<36} {ratios[0]:9.1f} {ratios[1]:9.1f}")


@pytest.mark.bench
def test_posts_of_one_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints how long it takes to find what repeats among posts of one channel that are made from one pattern."""
    with capsys.disabled():
        print(f"\n{'ms of CPU, which posts repeat others':<36} {POSTS:>9} {2 * POSTS:>9}  grows by")
        for name, (shared, own) in PATTERNS.items():
            small, large = (median(patterned(count, shared, own)) for count in (POSTS, 2 * POSTS))
            print(f"{name:<36} {small:9.0f} {large:9.0f} {large / small:9.1f}")


def patterned(count: int, shared: int, own: int) -> list[Told]:
    start, pattern = datetime(2027, 1, 4, tzinfo=UTC), [f"shared{word}" for word in range(shared)]
    return [Told(start + number * timedelta(minutes=1),
                 bag(" ".join([*pattern, *(f"own{number}x{word}" for word in range(own))])))
            for number in range(count)]


def median(texts: list[Told]) -> float:
    took = []
    for _ in range(RUNS):
        begun = time.process_time()
        list(repeats(texts, timedelta(days=60)))
        took.append((time.process_time() - begun) * 1000)
    return statistics.median(took)
