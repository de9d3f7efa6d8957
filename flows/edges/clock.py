"""The only place that reads the time. A pretend clock is a small file, so that every process tells the same time."""
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

FAR = datetime(9999, 1, 1, tzinfo=UTC)


def elapsed_s() -> float:
    """Seconds since some fixed moment, for differences only; goes on while the computer sleeps, where it can."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Clock(Protocol):
    """Tells the time and waits for it. `pretend`: it is no real time, and real networks refuse to work by it."""

    pretend: bool

    def now(self) -> datetime:
        """Now, UTC, aware."""
        ...

    def wait_until(self, moment: datetime, woken: threading.Event) -> bool:
        """Returns when it is `moment` (True), or sooner when `woken` is set (False)."""
        ...


class RealClock:
    """The wall clock."""

    pretend = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait_until(self, moment: datetime, woken: threading.Event) -> bool:
        while (left := (moment - self.now()).total_seconds()) > 0:
            if woken.wait(min(left, 60.0)):  # at most a minute: the wall clock may be set meanwhile
                return False
        return True


class FixedClock:
    """A clock that stands still: `--now` for commands that only think."""

    pretend = True

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def wait_until(self, moment: datetime, woken: threading.Event) -> bool:
        return moment <= self.at or not woken.wait()


class ShiftedClock(RealClock):
    """A clock that goes as fast as the real one, from another time: rehearsal networks beside commands with `--now`."""

    pretend = True

    def __init__(self, start: datetime) -> None:
        self._ahead = start - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


class PretendClock:
    """A clock that runs `speed` times as fast from `start`, and never past `barrier`.

    The publisher sets the barrier to the next thing it has to do and moves it on when that is done: so a fast clock
    never outruns the work, and what is due at 12:30 goes out at 12:30. The state is one small file that is replaced
    whole; other processes (rehearsal networks, the follower) read it and tell the same time.
    """

    pretend = True

    def __init__(self, file: Path) -> None:
        """Reads a clock that `begin` wrote."""
        self.file = file

    @classmethod
    def begin(cls, file: Path, start: datetime, speed: float) -> "PretendClock":
        """Starts a clock at `start`, standing still until `allow` lets it go on."""
        clock = cls(file)
        clock._write({"pretend": start.timestamp(), "real": time.time(), "speed": speed, "barrier": start.timestamp()})
        return clock

    def now(self) -> datetime:
        state = self._read()
        reached = state["pretend"] + (time.time() - state["real"]) * state["speed"]
        return datetime.fromtimestamp(min(reached, max(state["barrier"], state["pretend"])), UTC)

    def allow(self, barrier: datetime) -> None:
        """Lets the clock run on from where it stands, up to `barrier`."""
        now = self.now().timestamp()
        self._write({**self._read(), "pretend": now, "real": time.time(), "barrier": min(barrier, FAR).timestamp()})

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It stands still, until the publisher hears of what is done meanwhile; after a failure it goes on as before.
        """
        barrier = datetime.fromtimestamp(self._read()["barrier"], UTC)
        self.allow(self.now())
        try:
            yield
        except BaseException:
            self.allow(barrier)
            raise

    def wait_until(self, moment: datetime, woken: threading.Event) -> bool:
        self.allow(moment)
        while (left := (moment - self.now()) / timedelta(seconds=1)) > 0:
            if woken.wait(min(max(left / self._read()["speed"], 0.001), 1.0)):
                self.allow(self.now())
                return False
        return True

    def _read(self) -> dict[str, float]:
        state: dict[str, float] = json.loads(
            self.file.read_bytes()
        )  # each time: two writes can share an inode and a tick
        return state

    def _write(self, state: dict[str, float]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_name(f"{self.file.name}.{os.getpid()}.{threading.get_ident()}")
        draft.write_text(json.dumps(state))
        draft.replace(self.file)
