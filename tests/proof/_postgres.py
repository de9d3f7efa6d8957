"""A PostgreSQL of our own: made in a folder that goes with the run, on a free port of loopback and a socket."""
import os
import pwd
import secrets
import shutil
import subprocess
import threading
import time
from pathlib import Path

from ports import free_port

USER = "prefect"
_PROGRAMS = ("initdb", "postgres", "pg_isready", "createdb")
_PATIENCE_S = 60.0
_NONE = "there is no PostgreSQL (initdb) in PATH or /usr/lib/postgresql"
_USERS = ("postgres", "nobody")         # whom it runs as where we are root: it refuses to run as root


class Postgres:
    """Runs from `start` until its keeper ends it. Raises RuntimeError where `why_not` says why there can be none.

    `home` need not be there; its user must be able to reach it.
    """

    def __init__(self, home: Path) -> None:
        programs = _folder()
        if programs is None or (reason := why_not()) is not None:
            raise RuntimeError(reason if programs is not None else _NONE)
        self._bin, self._user = programs, _unprivileged()
        self._password = secrets.token_hex(16)
        self.home = home
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Makes the cluster, and returns when it answers."""
        self.home.mkdir(mode=0o700)
        secret = self.home / "password"
        secret.write_text(self._password)
        if self._user is not None:
            for path in (self.home, secret):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "--pgdata", str(self._data), "--username", USER, "--pwfile", str(secret), "--auth",
                  "scram-sha-256", "--encoding", "UTF8", "--no-locale")
        with (self.home / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [*self._as_user(), str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.home}",
                 "-c", "max_connections=200"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home, start_new_session=True)
        deadline, wait = time.monotonic() + _PATIENCE_S, threading.Event()
        while subprocess.run([self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER],
                             check=False).returncode:
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.home / 'log').read_text()[-2_000:]}")
            wait.wait(0.1)

    def make(self, database: str, like: str | None = None) -> None:
        """A database; with everything that another has, to which nobody may be connected meanwhile."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER,
                  *(["--template", like] if like else []), database)

    def url(self, database: str) -> str:
        """How Prefect names the database."""
        return f"postgresql+asyncpg://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def pids(self) -> list[int]:
        """Its processes."""
        if self._server is None:
            return []
        said = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text()
        return [self._server.pid, *map(int, said.split())]

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _as_user(self) -> list[str]:
        """What makes a command run as the other user, and end with us."""
        ends = ["--pdeathsig", "INT"] if self._user is None else [
            "--reuid", self._user.pw_name, "--regid", str(self._user.pw_gid), "--clear-groups", "--pdeathsig", "INT"]
        return ["setpriv", *ends] if shutil.which("setpriv") else []

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run([*self._as_user(), str(self._bin / program), *words], cwd=self.home, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                              env={**os.environ, "PGPASSWORD": self._password})
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr[-1_000:]}")


def why_not() -> str | None:
    """Why there can be no PostgreSQL here; None: there can."""
    if _folder() is None:
        return _NONE
    if os.geteuid() == 0 and _unprivileged() is None:
        return f"PostgreSQL does not run as root, and there is no user {' or '.join(_USERS)}"
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "PostgreSQL does not run as root, and there is no setpriv (util-linux) to run it as another user"
    return None


def _folder() -> Path | None:
    """Where the programs lie, the newest version first; a link in PATH is followed, for they look beside themselves."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    in_path = shutil.which("initdb")
    found = [*packaged, *([Path(in_path).resolve().parent] if in_path else [])]
    return next((path for path in found if all((path / program).exists() for program in _PROGRAMS)), None)


def _unprivileged() -> pwd.struct_passwd | None:
    """Another user; None where we are not root and need none, or there is none."""
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next((known[name] for name in _USERS if name in known), None) if os.geteuid() == 0 else None
