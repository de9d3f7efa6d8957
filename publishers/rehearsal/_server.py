"""The rehearsal networks on loopback: one app for all of them, in a thread for tests, or in the foreground."""
import asyncio
import hashlib
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from publishers.rehearsal._double import Refusal, Twin
from publishers.rehearsal._faults import Fault, Script, Stage, parse_faults
from publishers.rehearsal._timeline import image, page
from publishers.rehearsal._wire import ABORT, refusal_body
from schemas.errors import SettingsError

_PATIENCE_S = 5.0
"""For what is being done when the networks end; a request whose connection is cut ends at once."""


def app(twins: Sequence[Twin], faults: Iterable[Fault] = ()) -> Starlette:
    """Every twin at `/<network>`, timelines at `/` and `/<network>/`, and `/_rehearsal/…` to look and to meddle."""
    script = Script(faults)
    shared: dict[str, bytes] = {}

    async def posts(_: Request) -> Response:
        return JSONResponse([_as_json(twin, place) for twin in twins for place in range(len(twin.posts))])

    async def meddle(request: Request) -> Response:
        if request.method == "PUT":
            try:
                script.set(parse_faults(await request.body()))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 422)
        return JSONResponse(script.to_come())

    async def forget(_: Request) -> Response:
        for twin in twins:
            twin.forget()
        script.set(())
        return Response(status_code=204)

    async def share(request: Request) -> Response:
        """A file at an address open to this machine, for networks that fetch media themselves."""
        sha256 = request.path_params["sha256"]
        if request.method == "PUT":
            body = await request.body()
            if hashlib.sha256(body).hexdigest() != sha256:
                return JSONResponse({"error": "these are other bytes"}, 422)
            shared[sha256] = body
            return Response(status_code=201)
        if sha256 not in shared:
            return JSONResponse({"error": "no such file"}, 404)
        return Response(shared[sha256], media_type="application/octet-stream")

    async def timeline(request: Request) -> Response:
        name = request.path_params.get("network")
        shown = [twin for twin in twins if name in (None, twin.network)]
        return page(shown, twins) if shown else JSONResponse({"error": "no such network"}, 404)

    async def media(request: Request) -> Response:
        return image(twins, request.path_params["network"], request.path_params["sha256"])

    return Starlette(routes=[
        Route("/", timeline),
        Route("/_rehearsal/posts", posts),
        Route("/_rehearsal/faults", meddle, methods=["GET", "PUT"]),
        Route("/_rehearsal", forget, methods=["DELETE"]),
        Route("/_rehearsal/shared/{sha256}", share, methods=["GET", "PUT"]),
        Route("/_rehearsal/media/{network}/{sha256}", media),
        Route("/{network}/", timeline),
        *(Mount(f"/{twin.network}", Stage(twin, _network(twin), script)) for twin in twins),
    ])


def serve(twins: Sequence[Twin], host: str, port: int, ready: Callable[[str], None],
          faults: Iterable[Fault] = ()) -> None:
    """Run in the foreground until interrupted; `ready` hears the address. Raises SettingsError for a taken port."""
    with _listen(host, port) as listener:
        url = _url(listener)
        _Server(app(twins, faults), lambda: ready(url)).run(sockets=[listener])


class Rehearsal:
    """The networks on a port of their own, in a thread: `with Rehearsal([MastodonTwin(now)]) as networks: …`."""

    def __init__(self, twins: Sequence[Twin], port: int = 0, host: str = "127.0.0.1",
                 faults: Iterable[Fault] = ()) -> None:
        self._twins = {twin.network: twin for twin in twins}
        self._listener = _listen(host, port)
        self.url = _url(self._listener)
        self._up = threading.Event()
        self._server = _Server(app(twins, faults), self._up.set)
        self._thread = threading.Thread(target=self._run, name="rehearsal", daemon=True)

    def twin(self, network: str) -> Twin:
        return self._twins[network]

    def address(self, network: str) -> str:
        """What `Connection.address` is for this network."""
        return f"{self.url}/{self._twins[network].network}"

    def __enter__(self) -> "Rehearsal":
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._up.set()               # nobody waits for a server that could not start

    def stop(self) -> None:
        """Cut every connection and end the thread. What was kept in a folder stays there."""
        self._server.end()
        self._thread.join()
        self._listener.close()


class _Protocol(H11Protocol):
    """HTTP/1.1 whose requests carry a way to cut their connection."""

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any],
                 _loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        inner: Any = self.app

        async def with_abort(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, ABORT: self.transport.abort}, receive, send)

        self.app = with_abort


class _Server(uvicorn.Server):
    def __init__(self, app: Starlette, ready: Callable[[], None]) -> None:
        super().__init__(uvicorn.Config(app, http=_Protocol, loop="asyncio", ws="none", lifespan="off", log_config=None,
                                        access_log=False, proxy_headers=False, server_header=False, date_header=False))
        self._ready = ready
        self._over: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def end(self) -> None:
        """From another thread: cut every connection now. uvicorn alone looks every tenth of a second, twice."""
        self.should_exit = True
        if self._over is not None:
            loop, over = self._over
            with suppress(RuntimeError):                          # the loop has ended by itself
                loop.call_soon_threadsafe(over.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._over = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        assert self._over is not None
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over[1].wait(), 0.1)     # a signal only sets `should_exit`

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in tuple(self.server_state.connections):      # a stalled request would never end by itself
            if connection.transport is not None:
                connection.transport.abort()
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        await asyncio.sleep(0)
        if tasks := tuple(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=_PATIENCE_S)
        for server in self.servers:
            await server.wait_closed()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(f"port {port} on {host} cannot be used: {error.strerror}",
                            "choose another one with --port, or 0 for any that is free") from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _network(twin: Twin) -> Starlette:
    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        body, kind = refusal_body(error)
        return Response(body, error.status, error.headers, kind.decode())

    async def unknown(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse({"error": error.detail}, error.status_code)

    return Starlette(routes=twin.routes(), exception_handlers={Refusal: refused, HTTPException: unknown})


def _as_json(twin: Twin, place: int) -> dict[str, Any]:
    kept = twin.posts[place]
    media = [twin.media[id] for id in kept.media]
    return {"network": kept.network, "account": kept.account, "id": kept.id, "parent": kept.parent, "text": kept.text,
            "media": [{"alt": file.alt, "sha256": file.sha256} for file in media],
            "created_at": kept.created_at.isoformat().replace("+00:00", "Z"), "calls": twin.calls[kept.call]}
