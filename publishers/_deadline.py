"""A connection that ends at its deadline, and knows whether anything left.

httpx has a time-out for each read and each write, none for the whole call: a server that drips a byte a second keeps
such a client for ever. Here every wait is cut to what is left of the call. httpcore 1.0.9, read 2026-11-22.
"""
import ssl
import time
from collections.abc import Iterable
from typing import Any, cast

import httpcore
import httpx

from publishers._http import trust

_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


class WireError(Exception):
    """The exchange came to nothing. The message is safe to print."""


class Wire:
    """One exchange. `began`: the first byte of the request may have left. Looking a name up is not cut short."""

    def __init__(self, connect_timeout_s: float, total_s: float) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._total_s = total_s
        self._ends = time.monotonic() + total_s
        self.began = False

    def exchange(self, request: httpx.Request, largest: int) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, body. Raises WireError; in any case the connection is closed."""
        url = httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
                           target=request.url.raw_path)
        outgoing = httpcore.Request(request.method, url, headers=request.headers.raw,
                                    content=cast("httpx.SyncByteStream", request.stream),
                                    extensions={"timeout": {"connect": self._connect_timeout_s}})
        try:
            # not a pool: one connection for one request cannot send it again
            with httpcore.HTTPConnection(url.origin, trust(), retries=0, network_backend=_Backend(self)) as line:
                answer = line.handle_request(outgoing)
                try:
                    body = _take(answer.iter_stream(), largest)
                finally:
                    answer.close()
        except _FAILURES as error:
            raise WireError(self._what(error)) from error
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        if headers.get("content-encoding", "identity") != "identity":
            raise WireError("the answer was compressed, which was not asked for")
        return answer.status, headers, body

    def left_s(self, most: float | None = None) -> float:
        """What a wait may take now. Raises httpcore.ReadTimeout when the call is over."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if most is None else min(most, left)

    def _what(self, error: Exception) -> str:
        match error:
            case httpcore.ConnectTimeout():
                return f"no connection within {self._connect_timeout_s:g} s"
            case httpcore.ConnectError():
                return "no connection (name, port or certificate)"
            case httpcore.TimeoutException():
                return f"no complete answer within {self._total_s:g} s"
            case httpcore.ProtocolError():
                return "the connection was closed before the answer was complete, or it was no HTTP"
        return "the connection broke"


class _Stream(httpcore.NetworkStream):
    """A socket that waits no longer than its wire allows."""

    def __init__(self, wire: Wire, inner: httpcore.NetworkStream) -> None:
        self._wire = wire
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._wire.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest, line = memoryview(buffer), self._inner.get_extra_info("socket")
        try:
            while rest:
                line.settimeout(self._wire.left_s(timeout))
                self._wire.began = True
                rest = rest[line.send(rest):]
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:        # httpcore looks for an answer all the same: a refusal may have come first
            raise httpcore.WriteError from error

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        return _Stream(self._wire, self._inner.start_tls(ssl_context, server_hostname, self._wire.left_s(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None) -> httpcore.NetworkStream:
        inner = httpcore.SyncBackend().connect_tcp(host, port, self._wire.left_s(timeout), local_address,
                                                   socket_options)
        return _Stream(self._wire, inner)


def _take(pieces: Iterable[bytes], largest: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > largest:
            raise WireError(f"the answer is longer than {largest:,} bytes")
    return bytes(body)
