"""A `requests` session for SDKs built on it, with the discipline a create call needs.

One send on a fresh connection, no redirect, one deadline for the whole call, a bounded answer; environment and
proxies are not read. Where the SDK fixes its own host, a rehearsal address takes that host's place after signing.
The SDK's errors quote URLs, and URLs hold tokens: what leaves here is a PublishError in our own words.
"""
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from publishers._http import Answer, trust
from publishers.base import Connection
from schemas.errors import PublishError, Unavailable, Unconfirmed

if TYPE_CHECKING:
    import socket
    from http.client import HTTPConnection

    import requests

BODY_CAP = 5_000_000                     # bytes of an answer; the longest page of posts is a hundredth of it
_SLICE = 65_536                          # bytes sent between two looks at the clock


def session(connection: Connection) -> "requests.Session":
    """A session for the calls of one thread. Its calls raise Unavailable or Unconfirmed when no whole answer came."""
    import requests

    made = requests.Session()
    made.trust_env = False               # no proxy, no .netrc: a token goes to the network's host and nowhere else
    made.adapters.clear()                # an address that is not https is an error, not a plain-text send
    made.mount("https://", cast("requests.adapters.BaseAdapter", _Wire(connection)))
    return made


def last_answer(session: "requests.Session") -> Answer | None:
    """The answer to the session's most recent request; None before the first, and when none arrived whole."""
    return _wire(session).answer


@contextmanager
def told(session: "requests.Session") -> Iterator[None]:
    """Errors of `requests` itself, before or after the wire, leave as Unavailable or Unconfirmed."""
    import requests

    try:
        yield
    except requests.RequestException as error:
        wire = _wire(session)
        what = "its answer" if wire.answer else "the request"
        failure = wire.failure(f"{what} is not usable ({type(error).__name__})")
        error.args = ()                  # Python hangs the old error on the new one; its text may hold a header
        raise failure from None


def _wire(session: "requests.Session") -> "_Wire":
    wire: object = session.get_adapter("https://")
    if not isinstance(wire, _Wire):
        raise TypeError("the session was not made by publishers._sdk.session")
    return wire


class _Wire:
    """The transport adapter of a session: each `send` is one whole HTTP conversation."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._host = "the network"
        self._line: _Line | None = None
        self.answer: Answer | None = None

    def send(self, request: "requests.PreparedRequest", **_ignored: object) -> "requests.Response":
        """The answer, whatever its status. Raises Unavailable or Unconfirmed when none arrived whole."""
        from http.client import HTTPException

        self.answer, self._line = None, None
        try:
            return self._converse(request)
        except (OSError, HTTPException, ValueError) as error:
            failure = self.failure(self._reason(error))
        raise failure                    # not inside `except`: the old error must not hang on it (tokens in URLs)

    def close(self) -> None:
        """Nothing to do: no connection outlives its call."""

    def failure(self, reason: str) -> PublishError:
        """What a broken conversation means: Unconfirmed from the first byte that left, Unavailable before it."""
        if self._line is None or not self._line.used:
            return Unavailable(f"{self._host} was not reached: {reason}; nothing was sent.")
        return Unconfirmed(f"{self._host} may have taken the request: {reason}.")

    def _converse(self, request: "requests.PreparedRequest") -> "requests.Response":
        import requests
        from requests.utils import get_encoding_from_headers

        scheme, host, port, target = self._target(request.url or "")
        self._host = host if port is None else f"{host}:{port}"
        deadline = time.monotonic() + self._connection.request_timeout_s
        line = _dial(scheme, host, port, self._connection)
        try:
            self._line = _Line(line.sock, deadline)
            line.sock = cast("socket.socket", self._line)
            headers = {k: v for k, v in request.headers.items() if k.lower() != "accept-encoding"} | {
                "Connection": "close"}
            body = request.body.encode() if isinstance(request.body, str) else request.body
            line.request(request.method or "GET", target, body=body, headers=headers)
            raw = line.getresponse()
            content = raw.read(BODY_CAP + 1)
            if len(content) > BODY_CAP:
                raise _Odd(f"its answer is longer than {BODY_CAP // 1_000_000} MB")
            if raw.length:               # with a size given, http.client leaves a short answer unsaid
                raise _Odd("its answer was cut short")
        finally:
            line.close()
        response = requests.Response()
        response.status_code, response.reason = raw.status, raw.reason
        response.headers.update(raw.headers.items())
        response.url, response.request = request.url or "", request
        response.encoding = get_encoding_from_headers(response.headers)
        response.raw = io.BytesIO(content)
        self.answer = Answer(raw.status, {k.lower(): v for k, v in raw.headers.items()},
                             content.decode("utf-8", "replace"))
        response.headers.pop("location", None)      # `requests` follows what it can see; an SDK cannot forbid it
        return response

    def _target(self, url: str) -> tuple[str, str, int | None, str]:
        asked = urlsplit(url)
        to = urlsplit(self._connection.address) if self._connection.address else asked
        prefix = to.path.rstrip("/") if self._connection.address else ""
        path = prefix + (asked.path or "/") + (f"?{asked.query}" if asked.query else "")
        return to.scheme, to.hostname or "", to.port, path

    def _reason(self, error: Exception) -> str:
        import socket
        import ssl

        if isinstance(error, _Odd):
            return str(error)
        if isinstance(error, TimeoutError):
            seconds = self._connection.connect_timeout_s if self._line is None else self._connection.request_timeout_s
            return f"no {'connection' if self._line is None else 'whole answer'} within {seconds:g} s"
        if isinstance(error, socket.gaierror):
            return "its name could not be looked up"
        if isinstance(error, ssl.SSLError) and self._line is None:
            return "its certificate or TLS was not accepted"
        if isinstance(error, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(error, OSError):
            return "the connection broke before a whole answer" if self._line else "no connection could be made"
        return f"it or the request is not proper HTTP ({type(error).__name__})"


class _Odd(ValueError):
    """An answer that cannot be read; its text is ours and safe to keep."""


class _Line:
    """A connected socket with one deadline for everything; the three methods that http.client calls on one."""

    def __init__(self, sock: "socket.socket", deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self.used = False                # True from just before the first byte leaves

    def arm(self) -> None:
        """The next operation gets the time that is left. A time-out per operation never ends for a slow drip."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)

    def sendall(self, data: Any) -> None:
        view = memoryview(data)
        for start in range(0, len(view), _SLICE):
            self.arm()
            self.used = True
            self._sock.sendall(view[start:start + _SLICE])

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Ear(self, self._sock.makefile("rb", buffering=0)))

    def close(self) -> None:
        self._sock.close()


class _Ear(io.RawIOBase):
    """The reading end of a line."""

    def __init__(self, line: _Line, raw: "socket.SocketIO") -> None:
        self._armed_by = line
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._armed_by.arm()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _dial(scheme: str, host: str, port: int | None, connection: Connection) -> "HTTPConnection":
    """A connected line, TLS verified. Nothing of the request has left. Raises OSError."""
    from http.client import HTTPConnection, HTTPSConnection

    patience = min(connection.connect_timeout_s, connection.request_timeout_s)
    line: HTTPConnection
    if scheme == "https":
        line = HTTPSConnection(host, port, timeout=patience, context=trust())
    else:
        line = HTTPConnection(host, port, timeout=patience)
    try:
        line.connect()
    except OSError:
        line.close()
        raise
    return line
