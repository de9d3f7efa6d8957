"""Several machines on one: PostgreSQL, a Prefect server on it, rehearsal networks, a Git remote, and workers."""
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from _postgres import Postgres
from keeper import Keeper, marked
from lineage import kill_tree
from lineage import words as words_of
from machine import Worker
from ports import free_port
from shelf import Bucket, Folder, Shelf

from flows.edges.prefect_server import settings as prefect_settings

DRUMBEAT = (sys.executable, "-P", "-m", "flows.cli")
PATIENCE_S = 240.0
_OURS = ("DRUMBEAT_", "PREFECT_", "AWS_")
_ANSWER_S = 0.05
_KINDS = (("flows.cli publish", "senders"), ("postgres", "postgresql"), ("prefect_server", "prefect server"),
          ("rehearsal", "networks"), ("moto.server", "s3"), ("ministack", "s3"), ("worker", "workers"))
_OPTION = '''\
"""A shift that Prefect starts is not asked for its archive, and a rehearsal takes it from the option alone."""
import os
import sys

if "flows.cli" in sys.orig_argv and sys.argv[1:2] == ["publish"]:
    sys.argv += ["--archive", os.environ["SCALE_ARCHIVE"]]
'''
_WHO = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c", "commit.gpgsign=false")


class Fleet:
    """Everything that runs. Its keeper ends it all, whatever has become of it: by the mark that every process carries.

    `s3`: the archive is a bucket of an S3 server of its own, not a folder.
    """

    def __init__(self, *, s3: bool = False) -> None:
        self._keeper = Keeper()
        self.home = self._keeper.home
        self.remote = self.home / "content.git"
        self.shelf: Shelf = Bucket(self.home, self._plain()) if s3 else Folder(self.home)
        self.networks_url = ""
        self.workers: dict[str, Worker] = {}
        self._postgres = Postgres(self.home / "postgres")
        self._port = free_port()
        self._running: dict[str, subprocess.Popen[str]] = {}

    def start(self) -> None:
        """The archive, PostgreSQL, the networks, and a Prefect server that answers."""
        self.shelf.start()
        (self._place("option") / "sitecustomize.py").write_text(_OPTION)        # Python reads it when it starts
        self._postgres.start()
        self._postgres.make("prefect")
        self.start_server()
        self._start_networks()
        self.wait_for_server()

    def end(self, *, keep: bool = False) -> int:
        """Every process that carries the mark has ended, and PostgreSQL; the folder is gone, unless it is to be kept.

        1: something is left, which was said.
        """
        code = self._keeper.end(keep=keep)
        for child in (*self._running.values(), *(worker.process for worker in self.workers.values())):
            child.poll()
        self.shelf.reap()
        return code

    # --- Prefect's server -----------------------------------------------------------------------------------------

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self._port}/api"

    def start_server(self) -> None:
        """As `drumbeat up` starts its own, but on PostgreSQL."""
        home = self.home / "server"
        home.mkdir(exist_ok=True)
        environment = prefect_settings(home, self._port) | {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": self._postgres.url("prefect")}
        self._running["server"] = self._popen("server", ["-m", "flows.edges.prefect_server"], environment, home)

    def wait_for_server(self) -> None:
        self.wait(self._answers, "Prefect's server does not answer", every_s=0.25)

    def kill_server(self) -> None:
        """kill -9, with whatever it has started."""
        kill_tree(self._running["server"].pid)
        self._running["server"].wait()

    def ask(self, path: str, body: object = None) -> Any:
        """What Prefect's server answers: GET, or POST where there is a body. Raises OSError."""
        return json.loads(talk(f"{self.api}{path}", "GET" if body is None else "POST", body))

    def _answers(self) -> bool:
        if (code := self._running["server"].poll()) is not None:
            raise RuntimeError(f"Prefect's server ended with {code}: {self.log('server')[-2_000:]}")
        try:
            return bool(self.ask("/health"))
        except OSError:
            return False

    # --- what is published --------------------------------------------------------------------------------------------

    def push(self, files: Mapping[str, str]) -> str:
        """Writes, commits and pushes the content; the commit."""
        home = self.home / "author"
        if not self.remote.exists():
            _git(self.home, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
            _git(self.home, "clone", "--quiet", str(self.remote), str(home))
        for path, text in files.items():
            file = home / "content" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        _git(home, "add", "--all")
        _git(home, "commit", "--quiet", "--message", "Content")
        _git(home, "push", "--quiet", "origin", "HEAD:main")
        desk = self._place("desk")
        _git(desk, "init", "--quiet", "--initial-branch=main")
        _git(desk, "pull", "--quiet", str(self.remote), "main")
        return _git(home, "rev-parse", "HEAD").strip()

    def drumbeat(self, *words: str, shards: int = 1) -> subprocess.CompletedProcess[str]:
        """One command as a person at another desk gives it, with a clone of their own. Raises where it fails."""
        environment = self._client("desk") | {"DRUMBEAT_SHARDS": str(shards)}
        done = subprocess.run([*DRUMBEAT, *words], cwd=self._place("desk"), env=environment, text=True, check=False,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
        if done.returncode:
            raise RuntimeError(f"drumbeat {' '.join(words)}: exit {done.returncode}: {done.stdout[-500:]} "
                               f"{done.stderr[-2_000:]}")
        return done

    # --- networks -----------------------------------------------------------------------------------------------------

    def _start_networks(self) -> None:
        """In a process of their own; each create call has taken effect when it arrives, and is answered 50 ms later."""
        port, home = free_port(), self._place("networks")
        script = home / "faults.json"
        script.write_text(json.dumps([{"fault": "slow", "seconds": _ANSWER_S, "times": 1_000_000}]))
        words = ["-m", "flows.cli", "rehearsal", "--with-parent", "--port", str(port), "--faults", str(script)]
        self._running["networks"] = self._popen("networks", words, {"DRUMBEAT_CONTENT": str(home / "content")}, home)
        self.networks_url = f"http://127.0.0.1:{port}"
        self.wait(self._networks_answer, "the networks do not answer")

    def _networks_answer(self) -> bool:
        try:
            return bool(talk(f"{self.networks_url}/_rehearsal/posts"))
        except OSError:
            return False

    def posts(self) -> list[dict[str, Any]]:
        """What the networks hold."""
        made: list[dict[str, Any]] = json.loads(talk(f"{self.networks_url}/_rehearsal/posts"))
        return made

    # --- workers ------------------------------------------------------------------------------------------------------

    def start_worker(self, name: str, *, limit: int = 1, apart: bool = False) -> Worker:
        """A machine's worker as its container starts it. `limit`: runs at a time.

        `apart`: under a host name of its own, so that nobody can tell whether a process of it lives, as on real ones.
        """
        home = self._place(name)
        environment = self._client(name) | {
            "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1", "PREFECT_WORKER_WEBSERVER_PORT": str(free_port())}
        words = ["-m", "infra.worker", "--name", name, "--limit", str(limit)]
        before = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name] if apart else []
        process = self._popen(name, words, environment, home, before=before)
        worker = self.workers[name] = Worker(name, process, self.home / f"{name}.log")
        return worker

    def wait_for_workers(self, number: int) -> None:
        """The work pool has so many workers that poll it."""
        def online() -> bool:
            try:
                found = self.ask("/work_pools/drumbeat/workers/filter", {"limit": 50})
            except OSError:                                       # the first worker makes the pool
                return False
            return len([one for one in found if one.get("status") == "ONLINE"]) >= number
        self.wait(online, f"not {number} workers online", every_s=0.5)

    def wait_for_shifts(self, number: int, deadline: float | None = None) -> list[Worker]:
        """So many shifts have a plan: their workers."""
        def ready() -> bool:
            return sum(worker.shifts for worker in self.workers.values()) >= number
        self.wait(ready, f"not {number} shifts have a plan", every_s=0.25, deadline=deadline)
        return [worker for worker in self.workers.values() if worker.shifts]

    def _client(self, name: str) -> dict[str, str]:
        """The environment of who talks to Prefect, to the archive and to the networks."""
        home = self._place(name)
        return self._plain() | {
            "PREFECT_API_URL": self.api, "PREFECT_HOME": str(home / "prefect"), "DO_NOT_TRACK": "1",
            "PREFECT_CLIENT_ENABLE_LIFECYCLE_TELEMETRY": "false", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "60",
            "DRUMBEAT_CONTENT": str(home / "content"), "DRUMBEAT_REMOTE": str(self.remote),
            "DRUMBEAT_ARCHIVE": self.shelf.address, "DRUMBEAT_MOST_PER_HOUR": "100000",
            "DRUMBEAT_REHEARSE_AT": self.networks_url, "SCALE_ARCHIVE": self.shelf.address,
            "PYTHONPATH": str(self.home / "option")} | dict(self.shelf.environment)

    def _place(self, name: str) -> Path:
        """A machine's folder."""
        home = self.home / name
        home.mkdir(exist_ok=True)
        return home

    # --- processes ----------------------------------------------------------------------------------------------------

    def _plain(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return kept | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": "", "TERM": "dumb"}

    def _popen(self, name: str, words: Sequence[str], environment: Mapping[str, str], cwd: Path, *,
               before: Sequence[str] = ()) -> subprocess.Popen[str]:
        with (self.home / f"{name}.log").open("a") as log:
            return subprocess.Popen([*before, sys.executable, "-P", *words], stdin=subprocess.PIPE, stdout=log,
                                    stderr=log, cwd=cwd, env=self._plain() | dict(environment), text=True,
                                    start_new_session=True)

    def cpu_s(self) -> dict[str, float]:
        """Seconds of CPU that each kind of process has taken so far, with children that have ended."""
        taken = defaultdict[str, float](float)
        for pid in {*marked(self.home), *self._postgres.pids()}:
            words = " ".join(words_of(pid))
            kind = next((kind for word, kind in _KINDS if word in words), "followers")
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
                taken[kind] += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        return {**taken, "judge": sum(os.times()[:2])}

    def log(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def wait(self, is_so: Callable[[], bool], otherwise: str, *, every_s: float = 0.1,
             deadline: float | None = None) -> None:
        """Until it is so. Raises TimeoutError with what the logs said last."""
        until, pause = deadline or time.monotonic() + PATIENCE_S, threading.Event()
        while not is_so():
            if time.monotonic() > until:
                logs = "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-1_500:]}"
                                 for path in sorted(self.home.glob("*.log")))
                raise TimeoutError(f"{otherwise}\n{logs}")
            pause.wait(every_s)


def talk(url: str, method: str = "GET", body: object = None) -> bytes:
    """The answer's body. Raises OSError when there is none, or a bad one."""
    to = urlsplit(url)
    line = http.client.HTTPConnection(to.hostname or "", to.port, timeout=30)
    try:
        line.request(method, to.path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = line.getresponse()
        said = answer.read()
        if answer.status >= 400:
            raise OSError(f"{method} {url}: {answer.status} {said[:300]!r}")
        return said
    except http.client.HTTPException as error:
        raise OSError(f"{method} {url}: {error!r}") from None
    finally:
        line.close()


def _git(home: Path, *words: str) -> str:
    return subprocess.run(["git", *_WHO, *words], cwd=home, check=True, capture_output=True, text=True).stdout
