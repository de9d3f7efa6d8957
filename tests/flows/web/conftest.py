"""The web app as it runs: on a socket of its own, over a content folder and an archive of the test."""
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows.edges.nudge import nudged_at
from flows.edges.settings import find
from flows.web.listening import Web
from flows.web.looking import Looker

PATIENCE_S = 20.0


class Hosted(NamedTuple):
    """A web app that answers at `url`."""

    web: Web
    url: str
    home: Path

    def nudged(self) -> int:
        """When the publisher was nudged last; 0: never."""
        return nudged_at(self.home)


@pytest.fixture
def hosted(content_folder, tmp_path, monkeypatch) -> Iterator[Callable[..., Hosted]]:
    """Starts the web app over the folder of the test; whatever was started ends with the test."""
    for name in [name for name in os.environ if name.startswith(("DRUMBEAT_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    with ExitStack() as ends:
        def start(home: Path | None = None, archive: str | None = None, *, now: datetime | None = None,
                  rehearsal: bool = False, hook_only: bool = False, **environment: str) -> Hosted:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            if home is None:
                folder = content_folder()
                folder.post("hello", "Hello.")
                folder.commit()
                home = folder.home
            settings = find(str(home / "content"))
            looker = Looker(settings, archive or f"dir:{tmp_path / 'archive'}",
                            lambda: now if now is not None else datetime.now(UTC), rehearsal=rehearsal)
            web, up = Web(settings, looker, port=0, hook_only=hook_only), threading.Event()
            thread = threading.Thread(target=web.run, args=(lambda _: up.set(),), daemon=True)
            thread.start()
            ends.callback(lambda: (web.end(), thread.join(PATIENCE_S)))
            assert up.wait(PATIENCE_S)
            return Hosted(web, web.url, home)

        yield start


class APrefect(NamedTuple):
    """Something that takes events as Prefect's server does, and keeps them."""

    url: str
    kept: list[dict[str, Any]]
    headers: list[dict[str, str]]
    more: threading.Condition

    def events(self, number: int) -> list[dict[str, Any]]:
        """What was told, once there are so many; without what differs from call to call."""
        with self.more:
            assert self.more.wait_for(lambda: len(self.kept) >= number, PATIENCE_S), self.kept
            return [{name: one[name] for name in ("event", "resource", "related", "payload")} for one in self.kept]


@pytest.fixture
def a_prefect() -> Iterator[APrefect]:
    """Takes what is posted to /api/events."""
    made = APrefect("", [], [], threading.Condition())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with made.more:
                assert self.path == "/api/events"
                made.kept.extend(said)
                made.headers.append(dict(self.headers))
                made.more.notify_all()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made._replace(url=f"http://127.0.0.1:{server.server_port}/api")
    server.shutdown()
    thread.join()
    server.server_close()
