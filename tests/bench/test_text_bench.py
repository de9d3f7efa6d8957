"""How long counting takes: ordinary posts beside other counters, and 64 kB of what would make it slow if anything does.

Bars: any 64 kB in 50 ms per network; X at most twice the npm package `twitter-text`. For that comparison Node must find
the package: `npm install --prefix DIR twitter-text@3.1.0`, then `NODE_PATH=DIR/node_modules` for the benchmark.
All times are of the processor, medians in milliseconds, so that a busy machine changes them little.
"""
import json
import shutil
import statistics
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import publishers
from publishers._mastodon_text import length
from publishers._text import accidental_links, graphemes, graphemes_apart, utf8_bytes, weighted_length
from publishers.base import Connection

SIZE = 65_536                            # bytes of UTF-8
LINES = json.loads((Path(__file__).parents[1] / "publishers" / "conformance" / "hostile-lines.json").read_text())
POSTS = {
    "a post": "Which bit for a wall? Masonry bits have wide tips 🔧 https://example.org/drill?a=1 — see README.md",
    "a Japanese post": "工具図書館は今週も開いています。壁に合うドリルの刃は？ example.com/道具 をどうぞ 🔧👩‍🔧",
    "plain English": "The library of things is open on Saturday from ten to four, and everyone is welcome to borrow.",
    "a long post": "Tools are better shared. See https://example.org/tools and ask #library @ana@tools.example. " * 270,
}
COUNTERS: dict[str, Callable[[str], object]] = {
    "X": weighted_length, "X, links nobody meant": accidental_links, "Mastodon": lambda text: length(text, 23),
    "Bluesky, graphemes": graphemes, "Bluesky, apart": graphemes_apart, "Bluesky, bytes": utf8_bytes,
}
REFERENCE = """
const {parseTweet} = require('twitter-text');
const texts = JSON.parse(require('fs').readFileSync(0)), took = {};
for (const [name, text] of Object.entries(texts)) {
  const often = Math.max(1, Math.floor(20000 / (text.length + 1))), runs = [];
  for (let run = 0; run < 12; run++) {
    const start = process.cpuUsage();
    for (let n = 0; n < often; n++) parseTweet(text);
    const used = process.cpuUsage(start);
    if (run > 2) runs.push((used.user + used.system) / 1000 / often);
  }
  took[name] = runs.sort((a, b) => a - b)[runs.length >> 1];
}
console.log(JSON.stringify(took));
"""


@pytest.mark.bench
def test_hostile_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints for each shape the time of each counter for 64 kB, and how often the time of half of it that is."""
    rows, worst = [], dict.fromkeys(COUNTERS, (0.0, ""))
    for name, shape in LINES.items():
        whole, half = filled(shape, SIZE), filled(shape, SIZE // 2)
        cells = []
        for network, count in COUNTERS.items():
            took = median(count, whole)
            worst[network] = max(worst[network], (took, name))
            cells.append(f"{took:8.2f} {took / median(count, half):5.1f}")
        rows.append(f"  {name:32}" + "".join(f"{cell:>18}" for cell in cells))
    with capsys.disabled():
        print("\n64 kB: ms, and how often that of 32 kB")
        print(f"  {'':32}" + "".join(f"{network[:17]:>18}" for network in COUNTERS))
        print("\n".join(rows))
        for network, (took, name) in worst.items():
            print(f"  worst for {network}: {took:.1f} ms, {name} (bar 50)")


@pytest.mark.bench
def test_every_network_counts_hostile_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints for each network the shape of 64 kB that takes it longest to count."""
    with capsys.disabled():
        print("\n64 kB: the longest that each network takes to count, ms (bar 50)")
        for network in publishers.available():
            adapter = publishers.load(network)(Connection("@us"))
            took, name = max((median(adapter.length, filled(shape, SIZE)), name) for name, shape in LINES.items())
            print(f"  {network:16}{took:8.2f}  {name}")


@pytest.mark.bench
def test_posts_beside_other_counters(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the time of ordinary posts for X, and of twitter-text in Python and in Node where it is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from twitter_text import parse_tweet

    with_lines = POSTS | {f"8 kB of {name}": filled(LINES[name], 8_192) for name in
                          ("bare links", "CJK", "families", "mixed labels", "percent encodings in links")}
    npm = reference(with_lines)
    with capsys.disabled():
        print(f"\nX: ms, beside twitter-text in Python and in Node{'' if npm else ', which is not here'}")
        for name, text in with_lines.items():
            ours, python = median(weighted_length, text), median(parse_tweet, text, runs=1)
            row = f"  {name:36} {ours:9.3f} {python:10.3f} ({python / ours:6.1f} x ours)"
            print(row + (f" {npm[name]:10.3f} (ours is {ours / npm[name]:5.2f} x it, bar 2)" if npm else ""))


def filled(shape: str, size: int) -> str:
    return shape * (size // len(shape.encode()))


def median(count: Callable[[str], object], text: str, runs: int = 9) -> float:
    """Milliseconds of the middle run; a short text is counted often in each."""
    often = max(1, 20_000 // (len(text) + 1))
    count(text)
    took = []
    for _ in range(runs):
        start = time.process_time()
        for _ in range(often):
            count(text)
        took.append((time.process_time() - start) * 1000 / often)
    return statistics.median(took)


def reference(texts: dict[str, str]) -> dict[str, float]:
    """The same in Node, by the package that X gave out; empty where it cannot run."""
    if (node := shutil.which("node")) is None:
        return {}
    ran = subprocess.run([node, "-e", REFERENCE], input=json.dumps(texts), capture_output=True, text=True)
    took: dict[str, float] = json.loads(ran.stdout) if ran.returncode == 0 else {}
    return took
