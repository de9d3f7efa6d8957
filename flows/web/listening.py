"""The web app on a port: until it is told to end."""
import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from flows.edges.settings import Settings
from flows.web.app import app
from flows.web.doors import keys_of, refuse_open_door
from flows.web.herald import Herald
from flows.web.hook import Hook
from flows.web.looking import Looker
from flows.web.lookout import Lookout
from schemas.errors import SettingsError

log = logging.getLogger(__name__)
WEB_PORT = 4281
HOST = "127.0.0.1"
GRACE_S = 2.0
"""For the answers that are under way when it ends."""
HEAD_S = 10.0
"""For the head of a request: who sends it byte by byte would keep a connection for ever, and enough of them everybody
else out.
"""


class Web:
    """The app with its lookout and herald; it has its port from the moment it is made, or raises SettingsError."""

    def __init__(self, settings: Settings, looker: Looker, *, host: str = HOST, port: int = WEB_PORT,
                 hook_only: bool = False) -> None:
        keys = keys_of(settings)
        refuse_open_door(host, keys, hook_only=hook_only)
        self._lookout, self._herald = Lookout(looker.look), Herald(settings.branch)
        self.hook = Hook(settings.home, settings.branch, keys.hook, self._herald.tell)
        self._listener = _listen(host, port)
        self.url = _url(self._listener)
        self._server = _Server(app(self._lookout, self.hook, keys, hook_only=hook_only))

    def run(self, ready: Callable[[str], None] = lambda _: None) -> None:
        """Serves until `end`, SIGINT or SIGTERM; `ready` hears the address once calls are answered."""
        self._server.ready = lambda: ready(self.url)
        self._lookout.start()
        self._herald.start()
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._lookout.end()
            self._herald.end()
            self._listener.close()

    def end(self) -> None:
        """From any thread."""
        self._server.end()


class _Impatient(H11Protocol):
    """One connection. It is closed when the head of the next request has not come in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect_head()

    def _expect_head(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(HEAD_S, self._hang_up, self.cycle)

    def _hang_up(self, before: RequestResponseCycle | None) -> None:
        if self.cycle is before:
            self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn, that ends at once when it is told to: alone it looks ten times a second, twice."""

    def __init__(self, app: Starlette) -> None:
        # No log of requests: their addresses may hold the token. Names of callers are believed from this computer only.
        super().__init__(uvicorn.Config(app, http=_Impatient, loop="asyncio", ws="none", lifespan="off",
                                        log_config=None, access_log=False, server_header=False, timeout_keep_alive=5,
                                        forwarded_allow_ips=HOST))
        self.ready: Callable[[], None] = lambda: None
        self._over: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._starting = threading.Lock()

    def end(self) -> None:
        self.should_exit = True
        with self._starting:
            if self._over is not None:
                loop, over = self._over
                with suppress(RuntimeError):                      # the loop has ended by itself
                    loop.call_soon_threadsafe(over.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        with self._starting:
            self._over = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self.ready()

    async def main_loop(self) -> None:
        assert self._over is not None
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over[1].wait(), 0.1)     # a signal only sets `should_exit`

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in tuple(self.server_state.connections):       # idle ones close, the others after their answer
            connection.shutdown()
        if tasks := tuple(self.server_state.tasks):
            await asyncio.wait(tasks, timeout=GRACE_S)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(f"The web app cannot listen on port {port} of {host}: {error.strerror}.",
                            f"Stop what listens there, or choose another: --port {port + 1}.") from None
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
