"""Processes and what came from them, as the kernel tells it."""
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def kill_tree(root: int) -> None:
    """Nothing of the tree runs on, not even to see that something above it died."""
    tree: list[int] = []
    while new := [pid for pid in (root, *below(root)) if pid not in tree]:
        for pid in new:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        tree += new
    for pid in reversed(tree):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def below(root: int) -> list[int]:
    """Every process that `root` is above of."""
    parents = {}
    for pid in pids():
        with suppress(OSError):
            parents[pid] = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    found, line = [], [root]
    while line:
        above = line.pop()
        children = [pid for pid, parent in parents.items() if parent == above]
        found += children
        line += children
    return found


def pids() -> Iterable[int]:
    """All that we can see."""
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def words(pid: int) -> list[str]:
    """What it was started with; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []
