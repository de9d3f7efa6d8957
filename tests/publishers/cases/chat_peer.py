"""A peer on loopback that answers what it is told, in order, and keeps every request: for tests of a wire format."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """One request. Header names are lower case."""

    method: str
    path: str                            # with its query
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Told(NamedTuple):
    """One answer; a body that is no text is written as JSON."""

    status: int
    body: Any = ""
    headers: tuple[tuple[str, str], ...] = ()


class Peer:
    """`with Peer(Told(200, {...})) as peer: … peer.address … peer.heard`. The last answer is given again."""

    def __init__(self, *answers: Told) -> None:
        self.heard: list[Heard] = []
        self._left = list(answers)
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                peer.heard.append(Heard(self.command, self.path, {k.lower(): v for k, v in self.headers.items()},
                                        self.rfile.read(size)))
                answer = peer._left.pop(0) if len(peer._left) > 1 else peer._left[0]
                body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                self.send_response_only(answer.status)
                names = {name.lower() for name, _ in answer.headers}
                for name, value in answer.headers:
                    self.send_header(name, value)
                if "content-type" not in names:
                    self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_DELETE = do_PUT = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> "Peer":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
