"""The outside of every trial, each in a process of its own that outlives the killed: networks, and an S3 server."""
import ctypes
import http.client
import json
import os
import re
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

PREFIX = "archive"
_HANG_S = 5.0
HEADERS = {"Content-Type": "application/json",        # moto reads whose key it is, and wants no true signature
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/s3/aws4_request, "
                             "SignedHeaders=host, Signature=none"}
_CONFLICT = b"<Error><Code>ConditionalRequestConflict</Code><Message>Again, please</Message></Error>"
_EXISTS = b"<Error><Code>PreconditionFailed</Code><Message>It is there</Message></Error>"
_BROKEN = b"<Error><Code>InternalError</Code><Message>We are sorry</Message></Error>"
_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>"


def end_with_parent() -> None:
    """The kernel kills this process when the one that forked it is gone."""
    with suppress(AttributeError):                      # elsewhere than on Linux, closed pipes must do
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG


def fork_server(serve: Callable[[], list[str]]) -> list[str]:
    """What `serve` returns in a new process, which then goes on with its threads until this one ends."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        status = 1
        try:
            end_with_parent()
            os.close(reader)
            os.write(writer, json.dumps(serve()).encode())
            os.close(writer)
            threading.Event().wait()
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as said:
        answer: list[str] = json.loads(said.read())
    return answer


def networks(lanes: int) -> list[str]:
    """The addresses of one set of rehearsal networks for each lane: a script of faults is a whole set's."""
    from flows.edges.clock import RealClock
    from publishers.rehearsal import twins
    from publishers.rehearsal._twin import Rehearsal

    sets = [Rehearsal([twin(RealClock().now) for twin in twins().values()]) for _ in range(lanes)]
    for one in sets:
        one.__enter__()
    return [one.url for one in sets]


def s3() -> list[str]:
    """The address of moto's S3, and faults for each bucket: `PUT /_faults/<bucket>`."""
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log(self, *_: Any) -> None:
            """A thousand trials are a hundred thousand requests."""

    meddler = _Meddler(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, meddler, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return [f"http://127.0.0.1:{server.server_port}"]


class _Meddler:
    """Stands before the S3 server. A fault is `[kind, what, times]`; `what` as `what_is_written` says."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._faults: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = unquote(environ["PATH_INFO"]).strip("/")
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        first, _, rest = path.partition("/")
        if first == "_faults":
            with self._lock:
                if environ["REQUEST_METHOD"] == "PUT":
                    self._faults[rest] = json.loads(body)
                left = self._faults.get(rest)
            return _say(start, "200 OK", json.dumps(left).encode())
        key = rest.removeprefix(f"{PREFIX}/")
        kind = self._strike(first, key, body) if environ["REQUEST_METHOD"] == "PUT" and key else None
        return self._play(kind, environ, body, start)

    def _strike(self, bucket: str, key: str, body: bytes) -> str | None:
        with self._lock:
            fault = self._faults.get(bucket)
            if not fault or fault[2] < 1 or what_is_written(key, body) != fault[1]:
                return None
            fault[2] -= 1
            return str(fault[0])

    def _play(self, kind: str | None, environ: dict[str, Any], body: bytes, start: Any) -> Any:
        match kind:
            case "409":
                return _say(start, "409 Conflict", _CONFLICT)
            case "503":
                return _say(start, "503 Service Unavailable", _SLOW_DOWN)
            case "hang before":
                return self._hung(environ)
        if kind is None:
            return self._done(environ, body, start)
        list(self._done(environ, body, lambda *_: None))
        match kind:
            case "412 after write":
                return _say(start, "412 Precondition Failed", _EXISTS)
            case "500 after write":
                return _say(start, "500 Internal Server Error", _BROKEN)
            case "hang after write":
                return self._hung(environ)
        environ["werkzeug.socket"].shutdown(2)
        raise ConnectionAbortedError

    def _done(self, environ: dict[str, Any], body: bytes, start: Any) -> Any:
        import io
        return self._inner({**environ, "wsgi.input": io.BytesIO(body)}, start)

    def _hung(self, environ: dict[str, Any]) -> Any:
        select.select([environ["werkzeug.socket"]], [], [], _HANG_S)         # readable once the client has left
        raise ConnectionAbortedError


def _say(start: Any, status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def what_is_written(key: str, body: bytes) -> str:
    """`claim`, `sending`, … for a record of a ledger, else the first word of the key."""
    words = key.removeprefix("v1/").split("/")
    return str(json.loads(body)["kind"]) if words[0] == "ledger" else words[0]


def ask(url: str, method: str = "GET", body: object = None) -> bytes:
    """The answer's body. Raises OSError when there is none, or a bad one."""
    to = urlsplit(url)
    line = http.client.HTTPConnection(to.hostname or "", to.port, timeout=30)
    try:
        line.request(method, to.path + (f"?{to.query}" if to.query else ""),
                     None if body is None else json.dumps(body), HEADERS)
        answer = line.getresponse()
        said = answer.read()
        if answer.status >= 400:
            raise OSError(f"{method} {url}: {answer.status} {said[:200]!r}")
        return said
    finally:
        line.close()


class Archive(NamedTuple):
    """Where a trial's records lie, and how the judge reads them: raw, through nothing of ours."""

    folder: Path
    s3_url: str | None

    @property
    def bucket(self) -> str:
        """One for each trial: moto looks at every key of a bucket to list some."""
        return f"trial-{self.folder.parent.name.lower()}"

    def make(self) -> None:
        """The bucket is there; a folder comes with its first object."""
        if self.s3_url:
            ask(f"{self.s3_url}/{self.bucket}", "PUT")

    def records(self) -> list[bytes]:
        """The one slot's ledger, in order of the keys."""
        return [body for _, body in self._under("v1/ledger/")]

    def evidence(self) -> list[bytes]:
        return [body for _, body in self._under("v1/evidence/")]

    def _under(self, begins: str) -> Iterator[tuple[str, bytes]]:
        if self.s3_url is None:
            for path in sorted((self.folder / begins).rglob("*.json")):
                yield path.as_posix(), path.read_bytes()
            return
        listing = ask(f"{self.s3_url}/{self.bucket}?list-type=2&prefix={PREFIX}/{begins}").decode()
        for key in sorted(re.findall("<Key>(.*?)</Key>", listing)):
            yield key, ask(f"{self.s3_url}/{self.bucket}/{key}")
