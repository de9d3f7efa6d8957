"""A lane: one process that runs trials one after the other. It has one thread, so it can fork workers ready-made."""
import gc
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from judging import Verdict, at_rest, judge
from places import Archive, ask, end_with_parent
from trials import LATE_S, Strike, Trial, planned
from worker import STAYS_S, Setting, warm_up, work

MOST_STARTS = 8
MOST_S = 60.0                       # from the first start; a slot that is not at rest by then is lost
_GONE_S = STAYS_S + 30.0            # it goes home later while its archive hangs; one that lives so long hangs itself


class Outcome(NamedTuple):
    """What a trial came to, as it goes over the pipe."""

    name: str
    network: str
    end: str
    violations: tuple[str, ...]
    reason: str = ""
    kills: tuple[str, ...] = ()     # the points where workers were killed
    stops: int = 0
    faults: tuple[str, ...] = ()    # those that really struck
    starts: int = 0
    workers: int = 0
    seconds: float = 0.0


class Worker:
    """A forked publisher, as its lane sees it."""

    def __init__(self, trial: Trial, setting: Setting, go: int, not_for_it: int) -> None:
        self.events, writer = os.pipe()
        self.lines: list[str] = []
        self.code: int | None = None
        self.started = time.monotonic()
        self.stopped = False
        self._rest = b""
        self.pid = os.fork()
        if self.pid == 0:
            code = 71
            try:
                os.close(not_for_it)
                code = work(trial, setting, writer, go)
            finally:
                os._exit(code)
        os.close(writer)

    def hear(self) -> None:
        """Reads what it said; at the end of all words it is reaped."""
        said = os.read(self.events, 65_536)
        *lines, self._rest = (self._rest + said).split(b"\n")
        self.lines += [line.decode() for line in lines]
        if not said:
            os.close(self.events)
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)

    def signal(self, what: signal.Signals) -> None:
        """Sent and, for a stop, waited for: after that not one of its threads runs."""
        if self.code is not None:
            return
        os.kill(self.pid, what)
        if what == signal.SIGSTOP:
            self.wait_for_stop()
        elif what == signal.SIGCONT:
            self.stopped = False

    def wait_for_stop(self) -> None:
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        self.stopped = os.WIFSTOPPED(status)
        if not self.stopped:
            os.close(self.events)
            self.code = os.waitstatus_to_exitcode(status)


class Run:
    """One trial under way."""

    def __init__(self, trial: Trial, home: Path, networks: str, s3_url: str | None, picture: bytes) -> None:
        self.trial, self.home, self.networks = trial, home, networks
        self.archive = Archive(home / "archive", s3_url if trial.store == "s3" else None)
        self.all: list[Worker] = []
        self.kills: list[str] = []
        self.stops = 0
        self.crashes: list[str] = []
        self._lay_out(picture)

    def outcome(self) -> Outcome:
        """Runs the trial to its end and judges it."""
        began, starts = time.monotonic(), 0
        while starts < MOST_STARTS and time.monotonic() - began < MOST_S:
            self._start(starts)
            starts += 1
            if at_rest(self.archive.records()):
                break
        self._let_late_effects_land()
        verdict = self._judged()
        if verdict.end == "held" and self._evidence_came():
            self._start(starts)
            starts, verdict = starts + 1, self._judged()
        crashes = [f"a worker broke off: {line}" for line in dict.fromkeys(self.crashes)]
        return Outcome(self.trial.name, self.trial.network, verdict.end, (*verdict.violations, *crashes),
                       verdict.reason, tuple(self.kills), self.stops, self._struck(), starts, len(self.all),
                       time.monotonic() - began)

    # --- one start of workers ---------------------------------------------------------------------------------------

    def _start(self, number: int) -> None:
        """The workers of one start, from the first instruction to the last death."""
        trial = self.trial
        workers = self._fork(trial.strikes_of(number))
        first = number == 0
        if first and trial.kill_after_s is not None:
            self._attend(workers, until=lambda: False, within_s=trial.kill_after_s)
            self._kill(workers[0])
        if first and trial.stop_on_effect:
            self._attend(workers, until=self._has_effect, within_s=STAYS_S, every_s=0.01)
            workers[0].signal(signal.SIGSTOP)
            if workers[0].stopped:
                workers[0].lines.append("stop after the effect")
        if any(line.startswith("stop") for worker in workers for line in worker.lines) or (first and trial.stops):
            self._attend(workers, until=lambda: any(line.startswith("stop") for w in workers for line in w.lines),
                         within_s=STAYS_S)
            self._take_over(workers)
        self._attend(workers, until=lambda: False, within_s=_GONE_S)
        for worker in workers:
            if worker.code is None:
                self.crashes.append("it hangs")
                self._kill(worker)
            self.kills += [line.removeprefix("kill ") for line in worker.lines if line.startswith("kill ")]
            self.crashes += [line for line in worker.lines if line.startswith("crash")]

    def _take_over(self, workers: list[Worker]) -> None:
        """While one worker stands still inside its call, another takes the slot as far as it goes; then it wakes."""
        sleeping = [worker for worker in workers if any(line.startswith("stop") for line in worker.lines)]
        for worker in sleeping:
            if worker.code is None and not worker.stopped:
                worker.wait_for_stop()
            self.stops += worker.stopped
        for _ in range(MOST_STARTS):
            others = self._fork((None,))
            self._attend([*workers, *others], until=lambda o=others: all(one.code is not None for one in o),
                         within_s=_GONE_S)
            if at_rest(self.archive.records()):
                break
        for worker in sleeping:
            worker.signal(signal.SIGCONT)

    def _fork(self, strikes: Sequence[Strike | None]) -> list[Worker]:
        go, gate = os.pipe()
        forked = []
        for strike in strikes:
            number = len(self.all)
            setting = Setting(self.home, self.archive, self.networks, strike, number, first=number == 0)
            forked.append(Worker(self.trial, setting, go, gate))
            self.all.append(forked[-1])
        os.close(go)
        os.close(gate)                      # all at once
        return forked

    def _attend(self, workers: Sequence[Worker], until: Callable[[], bool], within_s: float,
                every_s: float = 1.0) -> None:
        """Listens until `until`, or the end of time or of all workers that are awake."""
        ends = time.monotonic() + within_s
        while not until():
            awake = {worker.events: worker for worker in workers if worker.code is None}
            left = ends - time.monotonic()
            if left <= 0 or not any(not worker.stopped for worker in awake.values()):
                return
            for heard in select.select(awake, (), (), min(left, every_s))[0]:
                awake[heard].hear()

    def _kill(self, worker: Worker) -> None:
        if worker.code is None:
            worker.lines.append("kill at any moment")
            os.kill(worker.pid, signal.SIGKILL)
            while worker.code is None:
                worker.hear()

    # --- what came of it ----------------------------------------------------------------------------------------------

    def _evidence_came(self) -> bool:
        return bool(self.archive.evidence())

    def _judged(self) -> Verdict:
        return judge(self.trial, self.archive.records(), self._posts())

    def _posts(self) -> list[dict[str, Any]]:
        posts: list[dict[str, Any]] = json.loads(ask(f"{self.networks}/_rehearsal/posts"))
        return posts

    def _has_effect(self) -> bool:
        return any(post["account"] == self.trial.handle for post in self._posts())

    def _struck(self) -> tuple[str, ...]:
        """Each fault that met a request, once."""
        trial, struck = self.trial, []
        if trial.faults and (not trial.fault_later or any(
                "after create sent" in self._log(number) for number in range(len(self.all)))):
            left = {(line["fault"], line.get("match")): line.get("times", 1)
                    for line in json.loads(ask(f"{self.networks}/_rehearsal/faults"))}
            struck += [line["fault"] for line in trial.faults
                       if left.get((line["fault"], line.get("match")), 0) < line.get("times", 1)]
        if trial.store_fault and trial.store == "s3":
            left = json.loads(ask(f"{self.archive.s3_url}/_faults/{self.archive.bucket}"))
            struck += [f"store: {trial.store_fault[0]}"] if left[2] < trial.store_fault[2] else []
        words = {line for worker in self.all for line in worker.lines if line.startswith("fault ")}
        return (*struck, *(word.replace("fault ", "store: ", 1) for word in words))

    def _log(self, number: int) -> str:
        path = self.home / f"worker-{number}.log"
        return path.read_text() if path.exists() else ""

    def _let_late_effects_land(self) -> None:
        if all(line["fault"] != "late effect" for line in self.trial.faults):
            return
        sent = [json.loads(one)["at"] for one in self.archive.records() if b'"kind":"sending"' in one]
        lands = max((datetime.fromisoformat(at) for at in sent), default=datetime.now(UTC)) + timedelta(seconds=LATE_S)
        last = time.monotonic() + min(LATE_S + 0.5, (lands - datetime.now(UTC)).total_seconds() + 0.5)
        while (left := last - time.monotonic()) > 0:
            select.select((), (), (), left)

    def _lay_out(self, picture: bytes) -> None:
        """The content repository, the fault scripts."""
        trial, due = self.trial, datetime.now(UTC) - timedelta(minutes=10)
        git = self.home / ".git"
        for folder in ("objects", "refs", "../content"):
            (git / folder).mkdir(parents=True)
        (git / "HEAD").write_text("ref: refs/heads/main\n")
        (git / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")
        stream = b"commit refs/heads/main\ncommitter Wren <wren@millrace.example> 1772000000 +0000\ndata 4\nPost\n"
        for path, data in trial.files(f"{due:%Y-%m-%d %H:%M}", picture).items():
            stream += f"M 100644 inline content/{path}\ndata {len(data)}\n".encode() + data + b"\n"
        subprocess.run(["git", "fast-import", "--quiet"], cwd=self.home, input=stream, check=True)
        self.archive.make()
        ask(f"{self.networks}/_rehearsal", "DELETE")
        if trial.faults and not trial.fault_later:
            ask(f"{self.networks}/_rehearsal/faults", "PUT", trial.faults)
        if trial.store_fault and self.archive.s3_url:
            ask(f"{self.archive.s3_url}/_faults/{self.archive.bucket}", "PUT", trial.store_fault)

    def story(self) -> str:
        """Everything that is known about the trial, for who looks into it."""
        trial = self.trial
        logs = "".join(f"--- worker {number}\n{self._log(number)}" for number in range(len(self.all)))
        records = "".join(f"{one.decode()}\n" for one in self.archive.records())
        posts = "".join(f"{post}\n" for post in self._posts() if post["account"] == trial.handle)
        evidence = "".join(f"{one.decode()}\n" for one in self.archive.evidence())
        return f"{trial}\n{logs}--- records\n{records}--- evidence\n{evidence}--- network\n{posts}"


def serve(orders: int, answers: int, home: Path, networks: str, s3_url: str | None, store: str, *,
          tells: bool = False) -> None:
    """A lane: reads names of trials, a line each, and writes outcomes, until an empty one."""
    home.mkdir(parents=True)
    picture = _picture()
    warm = Run(Trial("warm"), home / "warm", networks, None, picture)
    warm_up(warm.home, networks, s3_url)
    gc.freeze()                         # a collection in a worker would copy every page it touches
    say = partial(_write, answers)
    say({"ready": True})
    with os.fdopen(orders) as lines:
        for line in lines:
            if not line.strip():
                break
            trial = planned(line.strip(), store)
            run = None
            try:
                run = Run(trial, home / trial.token, networks, s3_url, picture)
                outcome = run.outcome()
            except Exception:  # noqa: BLE001 — the other trials go on
                outcome = Outcome(trial.name, trial.network, "harness", (traceback.format_exc(),))
            story = run.story() if run and (tells or outcome.violations) else ""
            say({**outcome._asdict(), "story": story})
            shutil.rmtree(home / trial.token, ignore_errors=True)


def fork(*what: Any, **more: Any) -> tuple[int, int]:
    """A lane in a process of its own: where it takes orders, where it answers."""
    orders, to_lane = os.pipe()
    from_lane, answers = os.pipe()
    if os.fork() == 0:
        code = 1
        try:
            end_with_parent()
            os.close(to_lane)
            os.close(from_lane)
            serve(orders, answers, *what, **more)
            code = 0
        except BaseException:  # noqa: BLE001 — a forked process must not run on into its parent's code
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)
    os.close(orders)
    os.close(answers)
    return to_lane, from_lane


def _write(to: int, value: object) -> None:
    rest = json.dumps(value).encode() + b"\n"
    while rest:
        rest = rest[os.write(to, rest):]


def _picture() -> bytes:
    """A PNG of one pixel."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0\x28\x78\x5a")) + chunk(b"IEND", b""))
