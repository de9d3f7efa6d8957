"""How long a writer waits: `drumbeat check` against the bare cost of the libraries it stands on."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RUNS = 15
BARE = [sys.executable, "-c", "import pydantic, yaml, click"]
MODELS = [
    sys.executable,
    "-c",
    "from pydantic import BaseModel; import yaml, click\nclass A(BaseModel):\n  a: int\nA(a=1)",
]
CHECK = [sys.executable, "-m", "flows.cli", "check"]


@pytest.mark.bench
def test_check_of_the_sample(tmp_path: Path) -> None:
    """Prints medians and ratios for: nothing remembered, one file changed, nothing changed."""
    shutil.copytree(ROOT / "content", tmp_path / "content")
    cache = tmp_path / ".drumbeat"
    post = tmp_path / "content/posts/sharpen-a-chisel.md"

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    def change() -> None:
        post.write_text(post.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    cases = (
        ("the three imports alone (the bar is 2 of these)", BARE, None),
        ("the same and one pydantic model", MODELS, None),
        ("check, nothing remembered", CHECK, forget),
        ("check, one file changed", CHECK, change),
        ("check again", CHECK, None),
    )
    seconds: dict[str, list[float]] = {name: [] for name, *_ in cases}
    for _ in range(RUNS):  # in turn, so that a slow minute is slow for all
        for name, command, before in cases:
            if before is not None:
                before()
            start = time.perf_counter()
            subprocess.run(
                command, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )
            seconds[name].append(time.perf_counter() - start)
    bare = statistics.median(seconds[cases[0][0]])
    print(f"\n{'median ms':>10} {'ratio':>6}")
    for name, taken in seconds.items():
        print(f"{statistics.median(taken) * 1000:10.0f} {statistics.median(taken) / bare:6.2f}  {name}")
