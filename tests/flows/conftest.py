"""What tests of the flows stand on: a content repository, rehearsal networks, an archive, and shifts over all three."""
import json
import logging
import os
import select
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import httpx
import pytest
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from flows.cli.telling import hide
from flows.connect import Connector
from flows.edges.clock import Clock, PretendClock, RealClock
from flows.edges.ledger import Ledger, verify
from flows.edges.prefect_server import settings as prefect_settings
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.sharing import shared_at
from flows.edges.store import Store, open_store
from flows.planning.folding import fold
from flows.replan import Know
from flows.send import Shift
from flows.tell import Told
from publishers.base import Publisher
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal
from schemas.channel import Channel
from schemas.ledger import Entry, Slot, Standing
from tests.proof.ports import free_port as port_and_those_above

PROJECT = Path(__file__).parents[2]
NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
PATIENCE_S = 30.0
CHANNELS = """\
stagger: 1m
channels:
  - {id: mastodon, network: mastodon, handle: "@mill"}
  - {id: x, network: x, handle: mill}
  - {id: facebook, network: facebook_page, handle: mill}
"""
STRATEGY = "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n"


class ContentFolder:
    """A Git repository with a content folder: three channels and whatever is written into it."""

    def __init__(self, home: Path, channels: str = CHANNELS) -> None:
        self.home, self.path = home, home / "content"
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("networks/channels.yaml", channels)
        self.write("strategy.yaml", STRATEGY)

    def git(self, *words: str) -> str:
        self.home.mkdir(parents=True, exist_ok=True)
        who = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *who, *words], cwd=self.home, check=True, capture_output=True, text=True).stdout

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def post(self, name: str, text: str, *, at: datetime = NOON, channels: str = "mastodon", more: str = "") -> Path:
        """`posts/<name>.md`, due at `at`."""
        head = f"at: {at:%Y-%m-%d %H:%M}\nchannels: [{channels}]\n{more}"
        return self.write(f"posts/{name}.md", f"---\n{head}---\n{text}\n")

    def commit(self) -> str:
        """Everything that lies there, committed; the commit's id."""
        self.git("add", "--all", "content")
        self.git("commit", "--quiet", "--message", "Change")
        return self.git("rev-parse", "HEAD").strip()


class Stage:
    """A content folder, its archive, a clock, the rehearsal networks. The clock is pretend and fast unless told."""

    def __init__(self, home: Path, networks: Rehearsal, clock: Clock, archive: str) -> None:
        self.home, self.networks, self.clock, self.archive = home, networks, clock, archive
        self.folder = ContentFolder(home)

    def shift(self, worker: str = "one", *, store: Store | None = None, tell: Callable[[Told], None] = lambda _: None,
              connect: Any = None, only: Slot | None = None, public: bool = False, know: Know | None = None) -> Shift:
        """A publisher of its own: another repository object, another store object, a worker id of no living process.

        `public`: networks fetch files from the archive's own addresses, not from the rehearsal. `know`: what is known
        beyond the folder; None: nobody asks, so no gate keeps anything back.
        """
        store = store or open_store(self.archive)
        ledger = Ledger(store, worker=f"{worker}/1/boot/test", now=self.clock.now)
        return Shift(Repository(self.folder.path), store, ledger, self.clock, connect=connect or self.opened(),
                     tell=tell, only=only, share=None if public else shared_at(self.networks.url), know=know)

    def opened(self, clock: Clock | None = None, *, real: bool = False) -> Callable[[Channel], Publisher]:
        """How channels are opened: at the rehearsal, or with the credentials of the environment."""
        return Connector(Settings(self.folder.path, self.home), clock or self.clock, open_store(self.archive),
                         None if real else self.networks.url, hide=hide).connect

    def run(self, worker: str = "one", *, until: datetime | None = None, tell: Callable[[Told], None] = lambda _: None,
            **more: Any) -> list[Told]:
        """What a whole shift tells; until a day after noon unless told."""
        told: list[Told] = []
        self.running = self.shift(worker, tell=lambda one: (told.append(one), tell(one))[0], **more)
        self.running.run(until or NOON + timedelta(days=1))
        return told

    def commit_under_way(self) -> str:
        """A commit that the running shift looks at now, and not only when it looks for one."""
        commit = self.folder.commit()
        self.running.commit_moved.set()
        self.running.woken.set()
        return commit

    def script(self, *faults: dict[str, Any]) -> None:
        httpx.put(f"{self.networks.url}/_rehearsal/faults", json=list(faults)).raise_for_status()

    def posts(self) -> list[dict[str, Any]]:
        """What the networks hold, network after network, each in the order of posting."""
        made: list[dict[str, Any]] = httpx.get(f"{self.networks.url}/_rehearsal/posts").json()
        return made

    def texts(self) -> list[str]:
        return [post["text"] for post in self.posts()]

    def standing(self, slot: str) -> Standing:
        return fold(Slot.parse(slot), self.entries(slot))

    def entries(self, slot: str) -> tuple[Entry, ...]:
        return Ledger(open_store(self.archive), worker="reader", now=self.clock.now).read(Slot.parse(slot))

    def kinds(self, slot: str) -> list[str]:
        """The kinds of the slot's records, in order."""
        return [entry.record.kind.value for entry in self.entries(slot)]

    def is_sound(self) -> bool:
        return not verify(open_store(self.archive)).findings


class Watched:
    """A store as it is, except that `before` hears each request first: it may wait, or refuse."""

    def __init__(self, inner: Store, before: Callable[[str, str], None]) -> None:
        self.inner, self.before = inner, before
        self.address = inner.address

    def create(self, key: str, body: bytes) -> bool:
        self.before("create", key)
        return self.inner.create(key, body)

    def get(self, key: str) -> bytes | None:
        self.before("get", key)
        return self.inner.get(key)

    def list(self, prefix: str) -> Iterator[str]:
        self.before("list", prefix)
        return self.inner.list(prefix)

    def age(self, key: str) -> float | None:
        self.before("age", key)
        return self.inner.age(key)

    def now(self) -> datetime:
        return self.inner.now()

    def probe(self) -> None:
        self.inner.probe()


class Heard(logging.Handler):
    """What was logged, and a way to wait for words."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._more = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._more:
            self.lines.append(record.getMessage())
            self._more.notify_all()

    def wait_for(self, words: str) -> str:
        """The first line with `words` in it, once it is there."""
        with self._more:
            assert self._more.wait_for(lambda: any(words in line for line in self.lines), PATIENCE_S), self.lines
            return next(line for line in self.lines if words in line)


class S3(NamedTuple):
    """Moto's S3 on loopback. `requests` are (method, path) as they came over the wire."""

    url: str
    requests: list[tuple[str, str]]

    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull}

    def bucket(self) -> str:
        """A new bucket's name."""
        name = f"archive-{uuid.uuid4().hex}"
        session = boto3.Session("test", "test", region_name="us-east-1")
        session.client("s3", endpoint_url=self.url).create_bucket(Bucket=name)
        return name


def a_picture(shade: int = 0) -> bytes:
    """A PNG of one pixel."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = zlib.compress(b"\0" + bytes([shade, 120, 90]))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


@pytest.fixture
def picture() -> Callable[[int], bytes]:
    return a_picture


@pytest.fixture
def content_folder(tmp_path) -> Callable[..., ContentFolder]:
    """Makes a content repository below tmp_path."""
    return lambda name="club", channels=CHANNELS: ContentFolder(tmp_path / name, channels)


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    """It is noon, on a pretend clock that runs a million times as fast whenever something waits."""
    clock = PretendClock.begin(tmp_path / "clock.json", NOON - timedelta(hours=1), 1e6)
    with Rehearsal([twin(clock.now) for twin in twins().values()]) as networks:
        yield Stage(tmp_path / "club", networks, clock, f"dir:{tmp_path / 'archive'}")


@pytest.fixture
def live(tmp_path) -> Iterator[Stage]:
    """The same by the real clock."""
    clock = RealClock()
    with Rehearsal([twin(clock.now) for twin in twins().values()]) as networks:
        yield Stage(tmp_path / "club", networks, clock, f"dir:{tmp_path / 'archive'}")


@pytest.fixture
def just_now() -> datetime:
    """Ten minutes ago: due on every channel, and well within grace."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)


@pytest.fixture
def watched() -> type[Watched]:
    return Watched


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What `flows` logs."""
    handler, logger = Heard(), logging.getLogger("flows")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 server that counts requests on the wire."""
    application, requests = DomainDispatcherApplication(create_backend_app), []

    def counting(environ: Any, start_response: Any) -> Any:
        requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"] + "?" + environ.get("QUERY_STRING", "")))
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, counting, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield S3(f"http://127.0.0.1:{server.server_port}", requests)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    return a_free_port


def a_free_port() -> int:
    """A port of loopback that nobody has, nor those 80 and 81 above it: what `up --port` takes."""
    return port_and_those_above(80, 81)


class PrefectServer(NamedTuple):
    """Our embedded server in a process of its own. `environment` is for who talks to it, `database` its SQLite file."""

    environment: dict[str, str]
    database: Path

    def task_runs(self, like: str, number: int) -> list[tuple[str, str, str]]:
        """(name, type, state) of task runs with a name like `like`: the server writes them in batches, so wait."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with closing(sqlite3.connect(self.database)) as database:
                asked = "select name, state_type, state_name from task_run where name like ? order by name"
                found = database.execute(asked, (like,)).fetchall()
            if len(found) >= number:
                return found
            assert time.monotonic() < deadline, found
            select.select([], [], [], 0.1)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory) -> Iterator[PrefectServer]:
    """One Prefect server for every test that needs some server; started when the first one asks for it."""
    home, port = tmp_path_factory.mktemp("prefect"), a_free_port()
    environment = prefect_settings(home, port)
    with (home / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-P", "-m", "flows.edges.prefect_server"], stdin=subprocess.PIPE,
                                  stdout=log, stderr=log, cwd=home, env={**os.environ, **environment})
    yield PrefectServer(environment, home / "prefect.db")
    assert server.stdin is not None
    server.stdin.close()
    server.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def records_of() -> Callable[[str], dict[str, list[dict[str, Any]]]]:
    """The records of every slot of an archive, without what differs from run to run: who, when, and the chain."""
    def read(url: str) -> dict[str, list[dict[str, Any]]]:
        store, found = open_store(url), {}
        for key in store.list("v1/ledger/"):
            record = json.loads(store.get(key) or b"")
            for name in ("nonce", "worker", "at", "prev"):
                record.pop(name)
            found.setdefault(key.rpartition("/")[0], []).append(record)
        return found
    return read
