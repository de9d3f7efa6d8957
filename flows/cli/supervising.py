"""What `drumbeat up` starts, watches and stops: Prefect's server, the rehearsal, the sender, the follower."""
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.check import check_commit
from flows.cli.options import PREFECT, REHEARSAL, exists
from flows.cli.outcomes import exit_code, outcome_table
from flows.cli.relaying import Relay
from flows.cli.telling import many, say, tell, tell_json
from flows.cli.watching import rows_of
from flows.edges.children import Child, Children
from flows.edges.clock import FAR, PretendClock
from flows.edges.holds import Holds
from flows.edges.ledger import Ledger
from flows.edges.plans import good_commit
from flows.edges.prefect_server import HOST, is_free, without_login
from flows.edges.prefect_server import settings as prefect_settings
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.observe import news
from flows.planning.noting import accepted, rejected, stopped
from flows.planning.pausing import Paused
from flows.planning.preparing import Prepared
from flows.planning.reporting import counts
from flows.pull import approve, repository_of, source_of
from flows.send import SHIFT
from schemas.errors import ContentError, DrumbeatError, SettingsError, StoreError
from schemas.problem import Severity
from schemas.report import rfc3339

PORTS = (0, 80, 81)
"""What `up --port` listens on, counted from there: Prefect, the rehearsal, the calendar page."""
STOP_S = 4.0
FOLLOW_S = 60.0
CRASHED_AT_ONCE_S = 60.0
AGAIN_S = 10.0
_MANY = "DRUMBEAT_TASK_RUNS_PER_MINUTE"
_FOR_SERVE = frozenset(f"DRUMBEAT_{name}" for name in (
    "NOTIFY", "REMOTE", "BRANCH", "REQUIRE_SIGNED", "CREDENTIALS", "GIT_TOKEN", "GIT_USER", "TASK_RUNS_PER_MINUTE"))


class Supervisor:
    """One run of `up`. Children end when their input closes, so none of them outlives this process."""

    def __init__(self, settings: Settings, archive: str, port: int, *, rehearse: bool, start: datetime | None,
                 speed: float, until: datetime | None, quiet: bool) -> None:
        self.settings, self.archive, self.port, self.rehearse = settings, archive, port, rehearse
        self.start, self.speed, self.until, self.quiet = start, speed, until, quiet
        self.home = settings.home / (REHEARSAL if rehearse else Path(".drumbeat"))
        self.prefect = os.environ.get("PREFECT_API_URL")          # a server of the team's own: none is started
        self.children = Children(self.home)
        self.sender: Child | None = None
        self.follower: Child | None = None
        self.passing: queue.Queue[str | None] = queue.Queue()
        self.heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.relay = Relay(self._say, by_month=rehearse)
        self.handover = Handover(archive, self.relay)
        self.season_end = FAR
        self.stopping = threading.Event()

    def run(self, as_json: bool) -> int:
        """Until the time asked for, or Ctrl-C. Returns the exit code."""
        repository = repository_of(self.settings)
        prepared = self._prepared(repository)
        self._refuse_taken_ports()
        self._say_what(prepared, repository)
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{self.home} cannot be made: {error.strerror}.",
                                "Drumbeat keeps its state there: move what is in the way.") from None
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, _interrupt)
        stopped = False
        try:
            address = self._begin(prepared)
            code = self._play(address)
        except KeyboardInterrupt:
            stopped, code = True, 0
            say("Stopping.")
        finally:
            _ignore_signals()
            self._stop()
        return self._close(as_json, stopped, code)

    # --- start ------------------------------------------------------------------------------------------------------

    def _prepared(self, repository: Repository) -> Prepared:
        """What the plan to begin with means, before anything is started. Raises DrumbeatError.

        That of the newest commit, or the last good one, as the sender takes it: without either it would only end.
        """
        now, commit = self.start or datetime.now(UTC), None
        store = open_store(self.archive)
        about: dict[str, Any] = {"now": now, "home": self.settings.home, "rehearsal": self.rehearse}
        try:
            commit = source_of(self.settings, repository, store, lambda: now).commit()
            prepared = check_commit(repository, commit, **about)
            approve(prepared.content)
        except ContentError as error:
            force = good_commit(store)
            if force is None or force == commit or not repository.has(force):
                raise
            note = rejected(error, commit, force)
            self._say(note.text)
            self._say(f"  remedy: {note.remedy}")
            self.relay.learn(note)
            prepared = check_commit(repository, force, **about)
        return prepared

    def _say_what(self, prepared: Prepared, repository: Repository) -> None:
        errors = [p for p in prepared.problems if p.severity == Severity.error]
        posts = many(len(prepared.content.posts), "post")
        self._say(f"{self.settings.content.name}/ at commit {prepared.content.source[:10]}: {posts}, "
                  f"{many(len(prepared.plan.items), 'slot')} with a time "
                  f"(a slot is one post on one channel), {len(prepared.plan.waiting)} waiting.")
        self.relay.learn(accepted(prepared.content.source, len(prepared.content.posts)))
        if errors:
            stop = "problem stops" if len(errors) == 1 else "problems stop"
            self._say(f"{len(errors)} {stop} some of them; 'drumbeat check' lists them.")
        if self.settings.remote is None and (changed := repository.uncommitted()):
            self._say(f"Not committed, so it will not go out: {changed[0]}"
                      f"{f' and {len(changed) - 1} more' if len(changed) > 1 else ''}.")

    def _refuse_taken_ports(self) -> None:
        """Raises SettingsError when somebody else listens where we would."""
        wanted = [(self.port + 80, "the rehearsal")] if self.rehearse else []
        if self.prefect is None:
            wanted.append((self.port, "Prefect"))
        wanted.append((self.port + 81, "the calendar page"))
        for number, what in wanted:
            if not is_free(number):
                raise SettingsError(f"Port {number}, where {what} would listen, is taken by another program.",
                                    f"Stop it, or choose another: --port {self._another_port()}.")

    def _another_port(self) -> str:
        """One that is free with all that `up` takes above it; by hundreds, so that two of them never meet."""
        ports = range(self.port + 100, 65_536 - max(PORTS), 100)
        return next((f"{port}" for port in ports if all(is_free(port + more) for more in PORTS)), "NUMBER")

    def _begin(self, prepared: Prepared) -> str | None:
        if not exists(self.archive):
            self._say(f"{self.archive} is a new archive: nothing counts as published in it yet.")
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
            networks = self.children.start("rehearsal", words, listen=True)
            addresses = self._first_json(networks)
            address = addresses["url"]
        if self.prefect is None:
            # a rehearsal has its own: real automations would tell people of its failures
            environment = prefect_settings(self.home.absolute() / "prefect", self.port)
            Path(environment["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
            os.environ.update(environment)
            if not self.rehearse:
                (self.settings.home / PREFECT).write_text(environment["PREFECT_API_URL"], encoding="utf-8")
            self.children.start("prefect", ["-m", "flows.edges.prefect_server"], apart=True)
        self._say(f"Prefect          http://{HOST}:{self.port}  (shows every run; ready in about 20 s)"
                  if self.prefect is None else f"Prefect          {without_login(self.prefect)}")
        self._say(f"Calendar page    http://{HOST}:{self.port + 81}/")
        self._begin_pages(clock_file)
        if address is not None:
            self._say(f"All timelines    {address}/")
            for network in sorted({channel.network for channel in prepared.content.channels.channels} & set(addresses)):
                self._say(f"  {network:<14} {addresses[network]}")
            self._say(f"The clock starts at {self.start:%Y-%m-%d %H:%M} UTC and runs {self.speed:,.0f} times as fast"
                      f"{f' until {self.until:%Y-%m-%d %H:%M} UTC' if self.until else ''}. Ctrl-C stops everything.")
        return address

    def _begin_pages(self, clock_file: Path) -> None:
        """The pages and the hook; and what Prefect runs for us, which a rehearsal does without."""
        content, clock = str(self.settings.content), ["--rehearsal-clock", str(clock_file)] if self.rehearse else []
        words = ["-m", "flows.web", "--with-parent", "--content", content, "--archive", self.archive,
                 "--port", str(self.port + 81), *clock]
        self._keep("web", lambda: self.children.start("web", words))
        if not self.rehearse:
            # it runs audits, which read the archive, and fetches commits; no credential of a channel
            known = {k: v for k, v in os.environ.items() if k.startswith("AWS_") or k in _FOR_SERVE}
            known |= {"DRUMBEAT_CONTENT": str(self.settings.content.absolute()), "DRUMBEAT_ARCHIVE": self.archive}
            self._keep("serve", lambda: self.children.start("serve", ["-m", "flows.serve", "--no-publish"], apart=True,
                                                            environment=known))

    def _keep(self, name: str, start: Callable[[], Child]) -> None:
        """Has a child that ends started again; publishing never waits for it."""

        def keep() -> None:
            told = ""
            while not self.stopping.is_set():
                start().wait()
                if self.stopping.is_set():
                    return
                if (why := self.children.last_words(name)) != told:
                    told = why
                    self._say(f"{name} ended ({why}); it is started again every {AGAIN_S:.0f} s. Publishing goes on.")
                self.stopping.wait(AGAIN_S)

        threading.Thread(target=keep, name=name, daemon=True).start()

    def _first_day(self, prepared: Prepared, done: set[Any]) -> datetime:
        """The morning of the first post that is still to come, so that something happens soon."""
        left = [item.at for item in prepared.plan.items if item.slot not in done]
        if not left:
            self._say("Nothing is left to play: it went out in an earlier rehearsal, or its time was missed there. "
                      f"To play again from the start, remove {self.home}.")
            return self.until or datetime.now(UTC)
        return min(left).replace(hour=0, minute=0, second=0, microsecond=0)

    # --- play -------------------------------------------------------------------------------------------------------

    def _play(self, address: str | None) -> int:
        """Shift after shift, until the time asked for or Ctrl-C. Returns the exit code of the last sender."""
        if self.rehearse:
            while (code := self._shift(address, self.until or self.season_end)) < 0:
                self._say(f"The publisher was killed (signal {-code}); it is started again.")
            if self.until is None and code == 0:
                self._say(f"The season is over on {self.season_end:%Y-%m-%d}. The pages stay open until Ctrl-C.")
                threading.Event().wait()
            return code
        while True:
            began = time.monotonic()
            end = datetime.now(UTC) + SHIFT
            code = self._shift(address, min(end, self.until) if self.until else end)
            if self.until is not None and datetime.now(UTC) >= self.until:
                return code
            if code != 0 and time.monotonic() - began < CRASHED_AT_ONCE_S:
                return code                                       # it cannot start: a person has to put something right
            if code != 0:
                self._say(f"The publisher ended ({self.children.last_words('sender')}); it is started again.")

    def _shift(self, address: str | None, end: datetime) -> int:
        words = ["-m", "flows.cli", "publish", "--lines", "--content", str(self.settings.content),
                 "--archive", self.archive, "--until", end.isoformat()]
        if address is not None:
            words += ["--rehearse-at", address, "--clock-file", str(self.home / "clock.json")]
        self.sender = sender = self.children.start("sender", words, listen=True)
        self.follower = follower = self.children.start(
            "follower", ["-m", "flows.publish"], apart=True,
            environment={"DRUMBEAT_PARENT": str(os.getpid()), "DRUMBEAT_UNTIL": rfc3339(end) or "",
                         _MANY: os.environ.get(_MANY, ""), "DRUMBEAT_REHEARSAL": "yes" if self.rehearse else ""})
        threading.Thread(target=self._hear, args=(sender,), daemon=True).start()
        passing: queue.Queue[str | None] = queue.Queue()
        self.passing = passing
        threading.Thread(target=_pass_on, args=(passing, follower), daemon=True).start()
        is_new = True
        while (line := self.heard.get()) is not None:
            self.relay.hear(line)
            if is_new:                                            # the sender has looked what is held, and watches it
                self.handover.tell()
                is_new = False
            if "slot" in line:                                    # of plans and holds Prefect hears elsewhere
                passing.put(json.dumps(line))
        passing.put(None)
        code = sender.wait()
        waiting = threading.Thread(target=self._let_go, args=(follower,), daemon=True)
        waiting.start()
        if self.until is not None:                                # else the next shift begins, and need not wait
            self._say("The shift is over; Prefect is shown the rest.")
            waiting.join()
        return code

    def _let_go(self, follower: Child) -> None:
        """Gives the follower of a shift that is over some time to show what it has heard, and no more."""
        try:
            follower.wait(FOLLOW_S)
        except subprocess.TimeoutExpired:
            follower.terminate()
            self._say("Prefect was not ready in time to show it all; the archive has it.")

    def _stop(self) -> None:
        """Ends the sender before the networks it talks to, lets the follower close its flow run, then ends the rest."""
        self.stopping.set()
        if self.prefect is None and not self.rehearse:
            (self.settings.home / PREFECT).unlink(missing_ok=True)
        if self.sender is not None:
            self.children.stop([self.sender], within_s=STOP_S)
        self.passing.put(None)
        if self.follower is not None:
            with suppress(subprocess.TimeoutExpired):
                self.follower.wait(STOP_S / 2)
        self.children.stop(within_s=STOP_S)

    def _hear(self, sender: Child) -> None:
        assert sender.stdout is not None
        for line in sender.stdout:
            if line.endswith("\n"):                               # else the sender was killed in the middle of it
                self.heard.put(json.loads(line))
        self.heard.put(None)

    def _first_json(self, child: Child) -> dict[str, str]:
        """The object that a child prints when it is ready. Raises SettingsError with its last words when it is not."""
        assert child.stdout is not None
        text = ""
        for line in child.stdout:
            text += line
            if line == "}\n":
                made: dict[str, str] = json.loads(text)
                return made
        child.wait()
        raise SettingsError(f"the rehearsal networks did not start: {self.children.last_words('rehearsal')}",
                            f"See {self.children.log('rehearsal')}.")

    # --- end ----------------------------------------------------------------------------------------------------------

    def _close(self, as_json: bool, stopped: bool, code: int) -> int:
        """The table of slots, and the exit code."""
        if code != 0:
            raise DrumbeatError(f"the publisher ended: {self.children.last_words('sender')}",
                                f"See {self.children.log('sender')}.")
        now = self.now() if stopped else self.until or self.now()
        made = rows_of(self.settings, self.archive, now=now, rehearsal=self.rehearse)
        if as_json:
            about = news(self.settings, open_store(self.archive), now)
            tell_json({"slots": [row.as_dict() for row in made], "counts": counts(made), **about.as_dict()})
        else:
            for line in outcome_table(made):
                tell(line)
            say(", ".join(f"{number} {state}" for state, number in counts(made).items()) + ".")
        return 0 if stopped else exit_code(made, unable=bool(self.relay.unable))

    def now(self) -> datetime:
        """By the rehearsal's clock once there is one."""
        clock = self.home / "clock.json"
        return PretendClock(clock).now() if self.rehearse and clock.exists() else datetime.now(UTC)

    def _say(self, text: str) -> None:
        if not self.quiet:
            say(text)


class Handover:
    """Between two shifts nobody looks what people stop: what ends then is told once the next one has begun."""

    def __init__(self, archive: str, relay: Relay) -> None:
        self._archive, self._relay = archive, relay
        self._said: Paused | None = None                          # as it was when the shift before began

    def tell(self) -> None:
        """Says what was stopped or let go on since it was called last, where no sender said it."""
        try:
            said = Holds(open_store(self._archive)).now()
        except StoreError:                                        # the sender says so; the next shift asks again
            return
        for note in stopped(self._said or said, said):
            self._relay.hear(note.as_dict())
        self._said = said


def _pass_on(lines: "queue.Queue[str | None]", follower: Child) -> None:
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
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    """A second Ctrl-C, or the one that `make` passes on, does not tear the stop apart."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
