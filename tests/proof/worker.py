"""One publisher process: a real shift over real places, with a hand on every request that can end it right there."""
import errno
import logging
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from places import PREFIX, Archive, ask, end_with_parent, what_is_written
from pydantic import SecretStr
from trials import ANY, Strike, Trial

import flows.edges
import flows.planning
import publishers
from flows.edges._directory import DirectoryStore, sync_folder
from flows.edges._s3 import S3Store
from flows.edges.clock import FAR
from flows.edges.ledger import Ledger, worker_id
from flows.edges.repository import Repository
from flows.edges.store import Store
from flows.planning.deciding import Timing
from flows.send import Shift
from publishers.base import Connection, Found, Publisher
from schemas.channel import Channel
from schemas.errors import DrumbeatError, StoreError, Unavailable, Unconfirmed
from schemas.ledger import Entry, Kind, Slot

SLOT = Slot("posts/night", "ours")
LEASE_S, WINDOW_S, TIMEOUT_S, QUIET_S = 1.0, 0.5, 1.0, 0.5
S3_QUIET_S = 1.5                    # S3 tells the age of an object in whole seconds
STAYS_S = 7.0                       # a worker goes home after that, at rest or not
_FAR_OFF_S = 5.0                    # a wait longer than any by the store's clock: passes at once
_MOST_AHEAD_S = 240.0
_PAUSES = 0.2                       # of those that an S3 store makes between tries


class Setting(NamedTuple):
    """What a worker is given: where everything is, and what to do to itself."""

    home: Path
    archive: Archive
    networks: str
    strike: Strike | None
    number: int                     # counts the trial's workers
    first: bool                     # brings the directory's fault along


class Hooks:
    """Knows what the worker is about to do or has done, writes it down, and strikes when it is time."""

    def __init__(self, setting: Setting, trial: Trial, tell: Callable[[str], None]) -> None:
        self._strike, self._tell = setting.strike, tell
        self._later = (setting.networks, trial.faults) if trial.faults and trial.fault_later else None
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._log = os.open(setting.home / f"worker-{setting.number}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def passed(self, point: str) -> None:
        with self._lock:
            for seen in (point, ANY):
                self._seen[seen] += 1
            strikes = self._strike and self._seen[self._strike.point] == self._strike.nth and (
                self._strike.point in (point, ANY))
        self.note(point)
        if self._later and point == "after create sent":
            (url, faults), self._later = self._later, None
            ask(f"{url}/_rehearsal/faults", "PUT", faults)
        if strikes and (strike := self._strike):
            self._strike = strike.then
            self._tell(f"{strike.how} {point}")
            signal.pthread_kill(threading.get_ident(), signal.SIGKILL if strike.how == "kill" else signal.SIGSTOP)

    def note(self, line: str) -> None:
        with suppress(OSError):     # the disk may be full, on purpose
            os.write(self._log, f"{datetime.now(UTC):%H:%M:%S.%f} {line}\n".encode())

    def struck(self, fault: str) -> None:
        self.note(f"fault: {fault}")
        self._tell(f"fault {fault}")

    @contextmanager
    def around(self, what: str) -> Iterator[None]:
        self.passed(f"before {what}")
        yield
        self.passed(f"after {what}")


class Hooked:
    """A store as it is, with the hooks around each request."""

    def __init__(self, inner: Store, hooks: Hooks) -> None:
        self._inner, self._hooks = inner, hooks
        self.address = inner.address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create(self, key: str, body: bytes) -> bool:
        with self._hooks.around(f"create {what_is_written(key, body)}"):
            return self._inner.create(key, body)

    def get(self, key: str) -> bytes | None:
        with self._hooks.around(f"get {_family(key)}"):
            return self._inner.get(key)

    def list(self, prefix: str) -> Iterator[str]:
        with self._hooks.around(f"list {_family(prefix)}"):
            return iter(list(self._inner.list(prefix)))

    def age(self, key: str) -> float | None:
        with self._hooks.around(f"age {_family(key)}"):
            return self._inner.age(key)

    def now(self) -> datetime:
        with self._hooks.around("now"):
            return self._inner.now()

    def probe(self) -> None:
        with self._hooks.around("probe"):
            self._inner.probe()


def _family(key: str) -> str:
    return key.removeprefix("v1/").split("/")[0]


class BadDisk(DirectoryStore):
    """A directory whose disk misbehaves at one kind of object, some times."""

    def __init__(self, path: str, fault: tuple[str, str, int], hooks: Hooks) -> None:
        super().__init__(path, link=self._linking, sync=self._syncing)
        self._fault, self._what, self._left = fault
        self._hooks, self._linked = hooks, False

    def create(self, key: str, body: bytes) -> bool:
        if not self._left or what_is_written(key, body) != self._what:
            return super().create(key, body)
        self._left -= 1
        self._hooks.struck(self._fault)
        match self._fault:
            case "refused":
                raise StoreError("refused, as planned", "go on")
            case "disk full":
                limit = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
                try:
                    return super().create(key, body)
                finally:
                    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        self._linked = True
        try:
            return super().create(key, body)
        finally:
            self._linked = False

    def _linking(self, temp: Path, final: Path) -> None:
        os.link(temp, final)
        if self._linked:
            self._linked = False
            raise OSError(errno.EIO, "written, and yet")

    def _syncing(self, folder: Path) -> None:
        sync_folder(folder)


class Overwriting(DirectoryStore):
    """The mutant that renames instead of linking: whoever comes last wins."""

    def __init__(self, path: str) -> None:
        super().__init__(path, link=lambda temp, final: (temp.replace(final), None)[1])

    def probe(self) -> None:
        """Says nothing, of course."""


class Forgetful:
    """The mutant that keeps a `sending` record to itself until it has the answer."""

    def __init__(self, inner: Store) -> None:
        self._inner, self._kept = inner, dict[str, bytes]()
        self.address = inner.address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create(self, key: str, body: bytes) -> bool:
        if key.startswith("v1/ledger/"):
            if what_is_written(key, body) == "sending":
                self._kept[key] = body
                return True
            for kept in list(self._kept):
                self._inner.create(kept, self._kept.pop(kept))
        return self._inner.create(key, body)


class Hasty(Ledger):
    """The mutant for which a call is over as soon as it has no answer."""

    def draft(self, slot: Slot, last: Entry | None, kind: Kind, **more: Any) -> Entry:
        if kind is Kind.sending:
            more |= {"send_window_s": 0.0, "request_timeout_s": 0.0}
        return super().draft(slot, last, kind, **more)


class HurriedClock:
    """The wall clock, except that a long wait passes at once; and when nothing is left to wait for, `idle` is told."""

    pretend = False

    def __init__(self) -> None:
        self._ahead, self._ends = timedelta(), time.monotonic() + STAYS_S
        self.shift: Shift | None = None

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def wait_until(self, moment: datetime, woken: threading.Event) -> bool:
        assert self.shift is not None
        busy = self.shift.lanes.is_busy
        if (moment >= FAR and not busy) or time.monotonic() > self._ends:
            self.shift.stop()
            return False
        left = moment - self.now()
        if not busy and moment < FAR and left.total_seconds() > _FAR_OFF_S:
            if (self._ahead + left).total_seconds() > _MOST_AHEAD_S:
                self.shift.stop()
            else:
                self._ahead += left
            return True
        while (left_s := (moment - self.now()).total_seconds()) > 0:
            if woken.wait(min(left_s, 0.5)) or time.monotonic() > self._ends:
                return False
        return True


def work(trial: Trial, setting: Setting, events: int, go: int) -> int:
    """The life of a worker in a process just forked; the answer is its exit code. Waits for the end of `go` first."""
    end_with_parent()
    hooks = Hooks(setting, trial, lambda line: (os.write(events, f"{line}\n".encode()), None)[1])
    _keep_a_log(hooks)
    try:
        shift = _shift(trial, setting, hooks)
        os.read(go, 1)
        shift.run(FAR)
    except DrumbeatError as error:
        hooks.note(f"gave up: {error.what}")
        return 3
    except Exception:  # noqa: BLE001 — told to the judge
        hooks.note(traceback.format_exc())
        os.write(events, f"crash {sys.exc_info()[1]!r}\n".encode())
        return 70
    return 0


def _keep_a_log(hooks: Hooks) -> None:
    class Noted(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            hooks.note(self.format(record))

    logger = logging.getLogger("flows")
    logger.handlers, logger.propagate = [Noted()], False
    logger.setLevel(logging.INFO)


def _shift(trial: Trial, setting: Setting, hooks: Hooks) -> Shift:
    clock = HurriedClock()
    store = _store(trial, setting, hooks)
    worker = f"elsewhere/{setting.number}/boot/kill" if trial.foreign else worker_id("kill")
    hasty = trial.mutant == "no quiet time"
    ledger = (Hasty if hasty else Ledger)(store, worker=worker, now=clock.now)
    quiet_s = 0.0 if hasty else S3_QUIET_S if setting.archive.s3_url else QUIET_S
    shift = Shift(Repository(setting.home / "content"), store, ledger, clock,
                  connect=lambda channel: _connect(channel, setting.networks, hooks, trial.mutant),
                  tell=lambda told: hooks.note(f"told: {told.row.state.value} {told.row.reason or ''}"), only=SLOT,
                  timing=Timing(lease_s=LEASE_S, send_window_s=WINDOW_S, request_timeout_s=TIMEOUT_S, quiet_s=quiet_s))
    clock.shift = shift
    return shift


def _store(trial: Trial, setting: Setting, hooks: Hooks) -> Any:
    archive, inner = setting.archive, None
    if archive.s3_url:
        inner = S3Store(archive.bucket, PREFIX, wait=lambda s: time.sleep(s * _PAUSES), read_timeout_s=0.5)
    elif trial.mutant == "overwriting store":
        inner = Overwriting(str(archive.folder))
    elif trial.store_fault and setting.first:
        inner = BadDisk(str(archive.folder), trial.store_fault, hooks)
    else:
        inner = DirectoryStore(str(archive.folder))
    if trial.mutant == "no sending record":
        inner = Forgetful(inner)
    return Hooked(inner, hooks)


def _connect(channel: Channel, networks: str, hooks: Hooks, mutant: str | None) -> Publisher:
    network: Any = publishers.load(channel.network)
    account = channel.handle or channel.id
    pretend = {field: SecretStr(account if field.endswith("_id") else f"rehearsal:{account}")
               for field in network.needs}
    return _wired(network, hooks, mutant)(Connection(account, pretend, f"{networks}/{channel.network}",
                                                    request_timeout_s=TIMEOUT_S))


def _wired(network: Any, hooks: Hooks, mutant: str | None) -> Any:
    """The adapter with the hooks around each call."""
    class Wired(network):
        def account_id(self) -> Any:
            with hooks.around("account_id"):
                return super().account_id()

        def prepare(self, *what: Any) -> Any:
            with hooks.around("prepare"):
                return super().prepare(*what)

        def publish(self, *what: Any) -> Any:
            hooks.passed("before publish")
            try:
                return super().publish(*what)
            except Unconfirmed as error:
                if mutant == "doubt is absence":
                    raise Unavailable(error.why) from None
                raise
            finally:
                hooks.passed("after publish")

        def find(self, *what: Any) -> Any:
            with hooks.around("find"):
                return Found((), True) if mutant == "no read-back" else super().find(*what)

    return Wired


def warm_up(home: Path, networks: str, s3_url: str | None) -> None:
    """Everything that a worker needs was imported, read and built once, so that a fork has it."""
    import pkgutil
    from importlib import import_module

    from flows.check import check_commit
    from publishers._http import trust

    ours = (f"{package.__name__}.{module.name}" for package in (publishers, flows.edges, flows.planning)
            for module in pkgutil.iter_modules(package.__path__) if module.name != "prefect_server")
    for name in (*ours, "facebook", "httpcore", "httpx", "requests", "tweepy"):
        import_module(name)
    trust()
    repository = Repository(home / "content")
    check_commit(repository, repository.head(), now=datetime.now(UTC))
    store = DirectoryStore(str(home / "archive"))
    ledger = Ledger(store, worker="warm/1/boot/up", now=lambda: datetime.now(UTC))
    ledger.append(SLOT, None, Kind.released)
    ledger.read(SLOT)
    ask(f"{networks}/_rehearsal/posts")
    if s3_url:
        import botocore.session

        loader = botocore.session.create_loader()           # reads what S3 is from large files, each time anew
        botocore.session.create_loader = lambda *_: loader
        S3Store("warm", PREFIX, wait=time.sleep)


__all__ = ["LEASE_S", "SLOT", "STAYS_S", "Setting", "warm_up", "work"]
