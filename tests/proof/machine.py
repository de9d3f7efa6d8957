"""One machine's worker and everything below it: what it says, who sends, how it dies."""
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lineage import below, kill_tree
from lineage import words as words_of


class Worker:
    """By the process that was started and the log of all that came from it."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self.name, self.process, self.log = name, process, log

    @property
    def shifts(self) -> int:
        """How many shifts of it took the plan so far."""
        return self.said("plan accepted")

    def said(self, words: str) -> int:
        return self.log.read_text(encoding="utf-8", errors="replace").count(words)

    def senders(self) -> dict[int, str]:
        """The processes that send, each with its share of the accounts."""
        found = {}
        for pid in below(self.process.pid):
            words = words_of(pid)
            if "publish" in words and "flows.cli" in words:
                found[pid] = words[words.index("--shard") + 1] if "--shard" in words else "1/1"
        return found

    def kill(self, first: Iterable[int] = ()) -> None:
        """kill -9 for the whole tree, as when a machine loses its power; these processes of it before all others."""
        for pid in first:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        kill_tree(self.process.pid)
        self.process.wait()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


def can_be_apart() -> bool:
    """Whether a process may be given a host name of its own here."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "--uts", "sh", "-c", "hostname elsewhere"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
