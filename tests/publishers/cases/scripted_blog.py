"""A loopback server that says what it is told to, and remembers what it heard: for the exact form of requests."""
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Heard(NamedTuple):
    """One request. `body`: what the JSON in it says; its bytes where it is none."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]           # names in lower case
    body: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


class Answer(NamedTuple):
    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


Plan = Callable[[Heard], Answer]


class ScriptedBlog:
    """`with ScriptedBlog(plan) as blog:` — `plan` gives the answer to each request."""

    def __init__(self, plan: Plan | list[Answer]) -> None:
        answers = iter(plan) if isinstance(plan, list) else None
        self.heard: list[Heard] = []
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def handle_one(handler) -> None:
                raw = handler.rfile.read(int(handler.headers.get("content-length") or 0))
                parts = urlsplit(handler.path)
                try:
                    body = json.loads(raw)
                except ValueError:
                    body = raw
                heard = Heard(handler.command, parts.path, dict(parse_qsl(parts.query)),
                              {name.lower(): value for name, value in handler.headers.items()}, body)
                with lock:
                    self.heard.append(heard)
                    answer = next(answers) if answers is not None else plan(heard)  # type: ignore[operator]
                said = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                data = b"" if answer.body is None else said.encode()
                handler.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)),
                                    **answer.headers}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

            def log_message(handler, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "ScriptedBlog":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def lines(self) -> list[str]:
        return [heard.line for heard in self.heard]
