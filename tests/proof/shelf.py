"""Where all workers keep their records, a folder or a bucket of an S3 server; what the judge reads there is raw."""
import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

from places import HEADERS
from ports import free_port

BUCKET = "archive"
PAGE = 1_000
_PATIENCE_S = 60.0
_LINE = re.compile(rf"(GET|PUT|HEAD|POST|DELETE) /{BUCKET}(/\S+)?[ ?]")


class Shelf(Protocol):
    """`address`: what follows `--archive`. `environment`: what everybody needs who opens it."""

    kind: str
    address: str
    environment: Mapping[str, str]

    def start(self) -> None:
        """It can be used."""
        ...

    def keys(self, begins: str) -> list[str]:
        """Every key of an object that begins so, in order."""
        ...

    def read(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The bytes of each, as they lie there."""
        ...

    def reap(self) -> None:
        """Its server has been ended, and is no child of ours any more."""
        ...

    def requests(self) -> Counter[str]:
        """What others than the judge asked for so far, by kind; empty where nothing is asked over a network."""
        ...


class Folder:
    """A directory that all share."""

    kind = "directory"
    environment: Mapping[str, str] = {}

    def __init__(self, home: Path) -> None:
        self.folder = home / "archive"
        self.address = f"dir:{self.folder}"

    def start(self) -> None:
        self.folder.mkdir()

    def keys(self, begins: str) -> list[str]:
        above = self.folder / begins.rpartition("/")[0]
        found = (path.relative_to(self.folder).as_posix() for path in above.rglob("*.json"))
        return sorted(key for key in found if key.startswith(begins))

    def read(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {key: (self.folder / key).read_bytes() for key in keys}

    def reap(self) -> None:
        """There is none."""

    def requests(self) -> Counter[str]:
        return Counter()


class Bucket:
    """A bucket of an S3 server on loopback: ministack where DRUMBEAT_REALSERVERS names its start script, else moto."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        scripts = os.environ.get("DRUMBEAT_REALSERVERS")
        self._script = Path(scripts) / "s3.sh" if scripts else None
        self._port, self._home, self._started_with = free_port(), home, environment
        self._log = home / ("realservers/run/s3-scale/ministack.log" if scripts else "s3.log")
        self._asked = Counter[str]()
        self._server: subprocess.Popen[bytes] | None = None
        self.kind = "S3 (ministack)" if scripts else "S3 (moto)"
        self.address = f"s3://{BUCKET}/club"
        self.environment: Mapping[str, str] = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}", "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

    def start(self) -> None:
        """The server answers and has the bucket. It writes a line for each request."""
        if self._script is not None:
            self._start_ministack(self._script)
        else:
            with (self._home / "s3.log").open("wb") as log:
                self._server = subprocess.Popen(
                    [sys.executable, "-P", "-m", "moto.server", "-p", str(self._port)], cwd=self._home,
                    env=self._started_with, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until, pause = time.monotonic() + _PATIENCE_S, threading.Event()
        while True:
            try:
                self._ask("PUT", f"/{BUCKET}")
                return
            except OSError:
                if time.monotonic() > until:
                    raise
            pause.wait(0.1)

    def _start_ministack(self, script: Path) -> None:
        """What is installed is everybody's; what it writes lies in the run's own folder."""
        everybodys = Path(os.environ.get("REALSERVERS_HOME") or Path(tempfile.gettempdir()) / "realservers-home")
        (everybodys / "opt").mkdir(parents=True, exist_ok=True)
        own = self._home / "realservers"
        own.mkdir()
        (own / "opt").symlink_to(everybodys / "opt")
        asked = {"REALSERVERS_HOME": str(own), "PORT": str(self._port), "INSTANCE": "scale", "LOG_LEVEL": "DEBUG"}
        with (self._home / "s3.log").open("wb") as log:
            subprocess.run([script], env={**self._started_with, **asked}, stdin=subprocess.DEVNULL, stdout=log,
                           stderr=log, cwd=self._home, check=True)

    def keys(self, begins: str) -> list[str]:
        found, last = list[str](), ""
        while True:
            page = self._ask("GET", f"/{BUCKET}?list-type=2&max-keys={PAGE}&prefix={quote(f'club/{begins}')}"
                                    f"&start-after={quote(last)}")
            some = re.findall("<Key>(.*?)</Key>", page.decode())
            found += some
            if b"<IsTruncated>true</IsTruncated>" not in page:
                return sorted(key.removeprefix("club/") for key in found if key.endswith(".json"))
            last = max(some)

    def read(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {key: self._ask("GET", f"/{BUCKET}/club/{quote(key)}") for key in keys}

    def reap(self) -> None:
        if self._server is not None:
            self._server.wait(_PATIENCE_S)

    def requests(self) -> Counter[str]:
        asked = Counter[str]()
        for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines():
            if (told := _LINE.search(line)) is not None:
                asked[_kind(told[1], told[2])] += 1
        return asked - self._asked

    def _ask(self, method: str, path: str) -> bytes:
        to = urlsplit(self.environment["AWS_ENDPOINT_URL"])
        line = http.client.HTTPConnection(to.hostname or "", to.port, timeout=30)
        try:
            line.request(method, path, headers=HEADERS)
            answer = line.getresponse()
            said = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"{method} {path}: {error!r}") from None
        finally:
            line.close()
        self._asked[_kind(method, path.partition("?")[0].removeprefix(f"/{BUCKET}"))] += 1
        if answer.status >= 400:
            raise OSError(f"{method} {path}: {answer.status} {said[:200]!r}")
        return said


def _kind(method: str, key: str | None) -> str:
    return "LIST" if method == "GET" and not key else method
