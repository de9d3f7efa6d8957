"""Child processes: started in sessions of their own, ended in order, none left behind whatever becomes of us."""
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import IO

Child = subprocess.Popen[str]
_SECRETS = ("DRUMBEAT_", "AWS_")


def when_parent_ends(end: Callable[[], object]) -> None:
    """Calls `end` in a thread when our input closes: the process that started us closed it, or is gone."""

    def wait() -> None:
        sys.stdin.read()
        end()

    threading.Thread(target=wait, name="parent", daemon=True).start()


class Children:
    """The processes of one command. `folder` keeps what they say on stderr, one file a name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._nowhere = TemporaryDirectory(prefix="drumbeat-")    # no settings of anybody lie there
        self._running: list[Child] = []

    def start(self, name: str, words: list[str], *, apart: bool = False, listen: bool = False,
              environment: Mapping[str, str] = MappingProxyType({})) -> Child:
        """Python with `words`; Ctrl-C does not reach it, and its input closes when we end.

        `apart`: one of Prefect's. It gets no credential, and reads no settings that lie where we were started.
        `listen`: its output is a pipe that we read; else it is thrown away.
        """
        inherited = {k: v for k, v in os.environ.items() if not (apart and k.startswith(_SECRETS))}
        log: IO[str] = self.log(name).open("a", encoding="utf-8")
        with log:
            child = subprocess.Popen(                             # -P: a module in the current folder is none of ours
                [sys.executable, "-P", *words], stdin=subprocess.PIPE, text=True, stderr=log, start_new_session=True,
                stdout=subprocess.PIPE if listen else subprocess.DEVNULL, cwd=self._nowhere.name if apart else None,
                env={**inherited, **environment, "PYTHONUNBUFFERED": "1"})
        self._running = [*(c for c in self._running if c.poll() is None), child]
        return child

    def log(self, name: str) -> Path:
        """Where the child of that name keeps what it says."""
        return self.folder / f"{name}.log"

    def last_words(self, name: str) -> str:
        """The last two lines that the child of that name said on stderr."""
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " ".join(lines[-2:]) or "it gave no reason"

    def stop(self, which: Iterable[Child] | None = None, *, within_s: float) -> None:
        """Ends these children, or all that are left; what does not end in time is killed."""
        deadline = time.monotonic() + within_s
        ending = [child for child in (self._running if which is None else which) if child.poll() is None]
        for child in ending:
            child.terminate()
        for child in ending:
            _wait(child, deadline)


def _wait(child: Child, deadline: float) -> None:
    try:
        child.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
