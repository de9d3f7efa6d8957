"""What `drumbeat up` starts, watches and stops: Prefect's server, the rehearsal, the sender, the follower."""
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from flows.cli.options import REHEARSAL
from flows.cli.outcomes import exit_code, outcome_table
from flows.cli.telling import say, tell, tell_json
from flows.cli.watching import rows_of
from flows.edges.clock import FAR, PretendClock
from flows.edges.ledger import Ledger
from flows.edges.prefect_server import HOST, is_free
from flows.edges.prefect_server import settings as prefect_settings
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.planning.preparing import Prepared, prepare
from flows.planning.reporting import counts, when
from flows.send import SHIFT
from schemas.errors import DrumbeatError, SettingsError
from schemas.problem import Severity
from schemas.report import rfc3339

STOP_S = 8.0
FOLLOW_S = 60.0


class Supervisor:
    """One run of `up`. Children end when their input closes, so none of them outlives this process."""

    def __init__(self, settings: Settings, archive: str, port: int, *, rehearse: bool, start: datetime | None,
                 speed: float, until: datetime | None, quiet: bool) -> None:
        self.settings, self.archive, self.port, self.rehearse = settings, archive, port, rehearse
        self.start, self.speed, self.until, self.quiet = start, speed, until, quiet
        self.home = settings.home / (REHEARSAL if rehearse else Path(".drumbeat"))
        self.prefect = os.environ.get("PREFECT_API_URL")          # a server of the team's own: none is started
        self.children: dict[str, subprocess.Popen[str]] = {}
        self.heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.unable: set[str] = set()                             # slots kept back by a setting or the archive
        self.month = ""
        self.season_end = FAR

    def run(self, as_json: bool) -> int:
        """Until the time asked for, or Ctrl-C. Returns the exit code."""
        prepared = self._prepared()
        self._refuse_taken_ports()
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{self.home} cannot be made: {error.strerror}.",
                                "Drumbeat keeps its state there: move what is in the way.") from None
        signal.signal(signal.SIGTERM, _interrupt)
        stopped = False
        try:
            address = self._begin(prepared)
            code = self._play(address)
        except KeyboardInterrupt:
            stopped, code = True, 0
            say("Stopping.")
        finally:
            for name in (signal.SIGINT, signal.SIGTERM):          # a second Ctrl-C does not tear the stop apart
                signal.signal(name, signal.SIG_IGN)
            self._stop()
        return self._close(as_json, stopped, code)

    # --- start ------------------------------------------------------------------------------------------------------

    def _prepared(self) -> Prepared:
        """What the committed content means, before anything is started. Raises DrumbeatError."""
        import publishers

        repository = Repository(self.settings.content)
        commit = repository.head()
        prepared = prepare(repository.files(commit), self.settings.content.name, commit,
                           networks=publishers.available(), judge=publishers.judge, now=self.start or datetime.now(UTC))
        errors = [p for p in prepared.problems if p.severity == Severity.error]
        self._say(f"{self.settings.content.name}/ at commit {commit[:10]}: {len(prepared.content.posts)} posts, "
                  f"{len(prepared.plan.items)} slots with a time, {len(prepared.plan.waiting)} waiting.")
        if errors:
            self._say(f"{len(errors)} problems stop some of them; 'drumbeat check' lists them.")
        if changed := repository.uncommitted():
            self._say(f"Not committed, so it will not go out: {changed[0]}"
                      f"{f' and {len(changed) - 1} more' if len(changed) > 1 else ''}.")
        return prepared

    def _refuse_taken_ports(self) -> None:
        """Raises SettingsError when somebody else listens where we would."""
        wanted = [(self.port + 80, "the rehearsal")] if self.rehearse else []
        if self.prefect is None:
            wanted.append((self.port, "Prefect"))
        for number, what in wanted:
            if not is_free(number):
                raise SettingsError(f"Port {number}, where {what} would listen, is taken by another program.",
                                    f"Stop it, or choose another: --port {self.port + 1}.")

    def _begin(self, prepared: Prepared) -> str | None:
        store = open_store(self.archive)
        store.probe()
        clock_file = self.home / "clock.json"
        address = None
        if self.rehearse:
            done = {d.slot for d in Ledger(store, worker="up", now=lambda: datetime.now(UTC)).terminal_slots()}
            self.start = self.start or self._first_day(prepared, done)
            self.season_end = max([self.start, *(item.at for item in prepared.plan.items)]) + timedelta(days=1)
            PretendClock.begin(clock_file, self.start, self.speed)
            words = ["-m", "flows.cli", "rehearsal", "--port", str(self.port + 80), "--with-parent", "--json",
                     "--clock-file", str(clock_file), "--content", str(self.settings.content)]
            networks = self._spawn("rehearsal", words)
            addresses = self._first_json(networks)
            address = addresses["url"]
        if self.prefect is None:
            environment = prefect_settings(self.settings.home.absolute() / ".drumbeat/prefect", self.port)
            Path(environment["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
            os.environ.update(environment)
            self._spawn("prefect", ["-m", "flows.edges.prefect_server"], apart=True)
        self._say(f"Prefect          http://{HOST}:{self.port}  (ready in about 20 s; publishing does not wait for it)"
                  if self.prefect is None else f"Prefect          {self.prefect}")
        if address is not None:
            self._say(f"All timelines    {address}/")
            for network, place in addresses.items():
                if network != "url":
                    self._say(f"  {network:<14} {place}")
            self._say(f"The clock starts at {self.start:%Y-%m-%d %H:%M} UTC and runs {self.speed:g} times as fast"
                      f"{f' until {self.until:%Y-%m-%d %H:%M} UTC' if self.until else ''}. Ctrl-C stops everything.")
        return address

    def _first_day(self, prepared: Prepared, done: set[Any]) -> datetime:
        """The morning of the first post that is still to come, so that something happens soon."""
        left = [item.at for item in prepared.plan.items if item.slot not in done]
        if not left:
            self._say("Everything in the plan went out in an earlier rehearsal, and nothing goes out twice. "
                      f"To play again from the start, remove {self.home}.")
            return self.until or datetime.now(UTC)
        return min(left).replace(hour=0, minute=0, second=0, microsecond=0)

    # --- play -------------------------------------------------------------------------------------------------------

    def _play(self, address: str | None) -> int:
        """Shift after shift, until the time asked for or Ctrl-C. Returns the exit code of the last sender."""
        if self.rehearse:
            code = self._shift(address, self.until or self.season_end)
            if self.until is None and code in (0, 4, 5):
                self._say(f"The season is over on {self.season_end:%Y-%m-%d}. The pages stay open until Ctrl-C.")
                threading.Event().wait()
            return code
        while True:
            end = datetime.now(UTC) + SHIFT
            code = self._shift(address, min(end, self.until) if self.until else end)
            if code not in (0, 4, 5) or (self.until is not None and datetime.now(UTC) >= self.until):
                return code

    def _shift(self, address: str | None, end: datetime) -> int:
        words = ["-m", "flows.cli", "publish", "--lines", "--content", str(self.settings.content),
                 "--archive", self.archive, "--until", end.isoformat()]
        if address is not None:
            words += ["--rehearse-at", address, "--clock-file", str(self.home / "clock.json")]
        sender = self._spawn("sender", words)
        follower = self._spawn("follower", ["-m", "flows.publish"], apart=True, DRUMBEAT_PARENT=str(os.getpid()),
                               DRUMBEAT_UNTIL=rfc3339(min(end, FAR)) or "")
        threading.Thread(target=self._hear, args=(sender,), daemon=True).start()
        passing: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_pass_on, args=(passing, follower), daemon=True).start()
        while (line := self.heard.get()) is not None:
            self._tell_outcome(line)
            passing.put(json.dumps(line))
        passing.put(None)
        code = sender.wait()
        if self.until is not None:
            self._say("The shift is over; Prefect is shown the rest.")
            try:
                follower.wait(FOLLOW_S)
            except subprocess.TimeoutExpired:
                self._say("Prefect was not ready in time to show it all; the archive has it.")
        return code

    def _hear(self, sender: subprocess.Popen[str]) -> None:
        assert sender.stdout is not None
        for line in sender.stdout:
            if line.endswith("\n"):                               # else the sender was killed in the middle of it
                self.heard.put(json.loads(line))
        self.heard.put(None)

    def _tell_outcome(self, line: dict[str, Any]) -> None:
        (self.unable.add if line["unable"] else self.unable.discard)(line["slot"])
        at = datetime.fromisoformat(line["at"]) if line["at"] else None
        if at is not None and self.rehearse and (month := f"{at:%B %Y}") != self.month:
            self.month = month
            self._say(f"── {month}")
        due = when(at, line["zone"]) if at else "no time"
        self._say(f"  {due}  {line['state']:<9} {line['slot']}  {line['url'] or line['reason'] or ''}")

    # --- children -----------------------------------------------------------------------------------------------------

    def _spawn(self, name: str, words: list[str], *, apart: bool = False, **environment: str) -> subprocess.Popen[str]:
        """A child with its own session: Ctrl-C reaches only us, and we stop them in order.

        `apart`: one of Prefect's. It gets no credential, and reads no settings that lie where we were started.
        """
        inherited = {k: v for k, v in os.environ.items() if not (apart and k.startswith("DRUMBEAT_"))}
        log: IO[str] = (self.home / f"{name}.log").open("a", encoding="utf-8")
        with log:
            child = subprocess.Popen(                             # -P: a module in the current folder is none of ours
                [sys.executable, "-P", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                start_new_session=True, cwd=self.home if apart else None,
                env={**inherited, **environment, "PYTHONUNBUFFERED": "1"})
        self.children[name] = child
        return child

    def _first_json(self, child: subprocess.Popen[str]) -> dict[str, str]:
        """The object that a child prints when it is ready. Raises SettingsError with its last words when it is not."""
        assert child.stdout is not None
        text = ""
        for line in child.stdout:
            text += line
            if line == "}\n":
                made: dict[str, str] = json.loads(text)
                return made
        child.wait()
        words = (self.home / "rehearsal.log").read_text(encoding="utf-8").strip().splitlines()
        raise SettingsError(f"the rehearsal networks did not start: {words[-1] if words else 'no reason given'}",
                            f"See {self.home / 'rehearsal.log'}.")

    def _stop(self) -> None:
        """Closes every child's input, last started first, and waits; what does not end in time is killed."""
        deadline = time.monotonic() + STOP_S
        for child in reversed(self.children.values()):
            if child.stdin is not None and not child.stdin.closed:
                with suppress(BrokenPipeError):                   # it is gone already
                    child.stdin.close()
            if child.poll() is None:
                child.terminate()
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    # --- end ----------------------------------------------------------------------------------------------------------

    def _close(self, as_json: bool, stopped: bool, code: int) -> int:
        """The table of slots, and the exit code."""
        if code not in (0, 4, 5):
            words = (self.home / "sender.log").read_text(encoding="utf-8").strip().splitlines()
            raise DrumbeatError(f"the publisher ended: {' '.join(words[-2:])}", f"See {self.home / 'sender.log'}.")
        now = self.until or (PretendClock(self.home / "clock.json").now() if self.rehearse else datetime.now(UTC))
        made = rows_of(self.settings, self.archive, now=now)
        if as_json:
            tell_json({"slots": [row.as_dict() for row in made], "counts": counts(made)})
        else:
            for line in outcome_table(made):
                tell(line)
            say(", ".join(f"{number} {state}" for state, number in counts(made).items()) + ".")
        return 0 if stopped else exit_code(made, unable=bool(self.unable))

    def _say(self, text: str) -> None:
        if not self.quiet:
            say(text)


def _pass_on(lines: "queue.Queue[str | None]", follower: subprocess.Popen[str]) -> None:
    """Hands lines to the follower, however slow it is; a follower that is gone is no reason to stop sending."""
    assert follower.stdin is not None
    try:
        while (line := lines.get()) is not None:
            follower.stdin.write(line + "\n")
            follower.stdin.flush()
        follower.stdin.close()
    except (BrokenPipeError, ValueError):
        say("The follower ended: Prefect shows nothing more of this shift. Publishing goes on; the archive has it all.")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
