"""A Prefect worker that can be stopped within a minute: what a publisher's container runs.

Prefect's worker, when it is told to stop, kills the runs that it has; a shift would leave calls whose outcome nobody
knows, and a run that Prefect shows as running for ever. Here the runs that follow a shift are told first: the shift
begins no more calls, lets those in flight end, and its run says that it was stopped, so that another worker goes on.
Only then the worker is told.
"""
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path

WORKER = (sys.executable, "-P", "-m", "infra.sharing", "worker", "start", "--pool", "drumbeat", "--type", "process",
          "--with-healthcheck", "--install-policy", "never")
AGAIN_S = 15.0
PATIENCE_S = 75.0                           # a call leaves within 10 s of its record, and is cut after 60 s
_SHIFT = (b"flows.cli", b"publish")
_HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_LOOK_EVERY_S = 0.5
_PR_SET_CHILD_SUBREAPER = 36                # linux/prctl.h


def run(command: Sequence[str], patience_s: float = PATIENCE_S, again_s: float = AGAIN_S) -> int:
    """The exit code of `command`, once it and every process below it has ended.

    SIGTERM and SIGINT end the shifts, then `command`, once no run is left or `patience_s` have passed.
    When `command` dies by itself while a shift runs, as Prefect's worker does where its server is away for long, the
    shift goes on and `command` is started again after `again_s`; without one, that is the end.
    """
    _adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    worker = _start(command)
    code: int | None = None
    again_at: float | None = None           # by the same clock: when the worker is started again
    told_at: float | None = None            # by the clock of this computer: when we were told to stop
    is_told = False                         # whether the worker was; told twice, Prefect kills itself
    shifts: set[int] = set()                # whose runs were told
    while True:
        heard = signal.sigtimedwait(_HEARD, _LOOK_EVERY_S)
        if heard is not None and heard.si_signo != signal.SIGCHLD:
            told_at = told_at or time.monotonic()
        for child, status in _ended():
            if child == worker:
                code = os.waitstatus_to_exitcode(status)
                if told_at is None and any(_is_shift(_words(process)) for process in _below()):
                    again_at = time.monotonic() + again_s
                else:
                    told_at = told_at or time.monotonic()
            if child == 0:                  # nobody is left
                return code if code is not None and code >= 0 else 1
        if told_at is None:
            if again_at is not None and time.monotonic() >= again_at:
                worker, code, again_at = _start(command), None, None
            continue
        below = _below()
        shifts |= _stop_shifts(below, but=shifts)
        if code is None and not is_told and (set(below) <= {worker} or time.monotonic() - told_at > patience_s):
            is_told = True
            os.kill(worker, signal.SIGTERM)


def _start(command: Sequence[str]) -> int:
    # Prefect's worker hears SIGINT only where nobody told it to ignore it: shells do so for what they put aside
    return os.posix_spawn(command[0], list(command), os.environ, setsigmask=(), setsigdef=_HEARD)


def _adopt_orphans() -> None:
    """Processes whose parent ends become children of ours, as they do of the first process of a container."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no prctl")


def _ended() -> Iterator[tuple[int, int]]:
    """Each child that has ended, with its status; (0, 0) when no child is left."""
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            yield 0, 0
            return
        if child == 0:
            return
        yield child, status


def _stop_shifts(below: Mapping[int, int], but: Set[int]) -> set[int]:
    """The shifts whose runs were told to stop now. A shift whose run is gone stops by itself: its input is closed."""
    shifts = {process for process in below if process not in but and _is_shift(_words(process))}
    for run in {below[shift] for shift in shifts} & below.keys():
        with contextlib.suppress(ProcessLookupError):
            os.kill(run, signal.SIGTERM)
    return shifts


def _is_shift(words: Sequence[bytes]) -> bool:
    return any(tuple(words[at:at + 2]) == _SHIFT for at in range(len(words)))


def _below() -> dict[int, int]:
    """Every process that we are above of, with its parent."""
    parents = dict(_parents())
    return {process: parent for process, parent in parents.items() if _is_ours(process, parents)}


def _parents() -> Iterator[tuple[int, int]]:
    """Every process that runs, as far as we can see, with its parent."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                told = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:                           # it is gone
                continue
            state, parent = told.rpartition(")")[2].split()[:2]
            if state not in "ZX":                     # it has ended, and its parent has not heard of it
                yield int(folder.name), int(parent)


def _is_ours(process: int, parents: dict[int, int]) -> bool:
    """Whether we are above it."""
    while (process := parents.get(process, 0)) > 0:
        if process == os.getpid():
            return True
    return False


def _words(process: int) -> tuple[bytes, ...]:
    """What it was started with; empty when it has ended."""
    try:
        return tuple(Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"))
    except OSError:
        return ()


if __name__ == "__main__":
    sys.exit(run((*WORKER, *sys.argv[1:])))
