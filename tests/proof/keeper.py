"""Ends everything that a run started and removes its folder, whatever becomes of the run: SIGKILL too.

A process of its own that outlives the run: it makes the folder, says where, and waits until its input closes. What it
ends is known by a mark in the environment, which whatever the run starts inherits.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from lineage import below, pids, words

MARK = "SCALE_RUN"
_KEEP = "keep"
_PREFIX = "drumbeat-scale-"
_ENDS_S = 15.0
_CLUSTER = ("setpriv", "initdb", "postgres")


class Keeper:
    """What a run holds of it. `home`: the run's folder, which others may pass through; also the mark's value.

    From now on what this process starts is marked.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, start_new_session=True)
        assert self._process.stdout is not None
        self.home = Path(self._process.stdout.readline().strip())
        os.environ[MARK] = str(self.home)                         # the kernel shows what we were started with: not us

    def end(self, *, keep: bool = False) -> int:
        """Everything has ended, and the folder is gone unless it is to be kept. 1: something does not end."""
        self._process.communicate(_KEEP if keep else "")
        return self._process.returncode


def marked(home: Path) -> list[int]:
    """Every process that comes from the run, as far as we may see: another user's environment may be hidden."""
    wanted, found = f"{MARK}={home}".encode(), []
    for pid in pids():
        with suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def of_cluster(home: Path) -> list[int]:
    """The processes that make or serve the cluster below `home`, its servers' children excepted."""
    cluster = f"{home}/postgres"
    return [pid for pid in pids() if (said := words(pid)) and Path(said[0]).name in _CLUSTER
            and any(word.startswith(cluster) for word in said[1:])]


def end(find: Callable[[], Collection[int]], how: signal.Signals, within_s: float = _ENDS_S) -> bool:
    """Sends `how` to whatever `find` finds, until it finds nothing any more: what began meanwhile, too."""
    told, until, pause = set[int](), time.monotonic() + within_s, threading.Event()
    while left := find():
        if time.monotonic() > until:
            return False
        for pid in left:
            if pid not in told:
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
        told.update(left)
        pause.wait(0.05)
    return True


def _others(home: Path) -> set[int]:
    """Those of the run that are not of the cluster, and those below them, whose environment may be another."""
    cluster = set(of_cluster(home))
    found = set(marked(home)) - cluster.union(*map(below, cluster))
    return found.union(*map(below, found))


def main() -> int:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    home = Path(tempfile.mkdtemp(prefix=_PREFIX))
    home.chmod(0o711)                           # PostgreSQL runs as another user
    with suppress(BrokenPipeError):             # the run is gone already
        sys.stdout.write(f"{home}\n")
        sys.stdout.flush()
    asked = sys.stdin.read()
    over = end(lambda: _others(home), signal.SIGKILL)
    # PostgreSQL comes last: one that is killed leaves shared memory behind
    over &= any(end(lambda: of_cluster(home), how) for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL))
    if asked != _KEEP:
        shutil.rmtree(home, ignore_errors=True)
        over &= not home.exists()
    if not over:
        sys.stderr.write(f"something of {home} is left\n")
    return 0 if over else 1


if __name__ == "__main__":
    sys.exit(main())
