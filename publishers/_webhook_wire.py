"""A request to an address that somebody wrote into a setting: it leaves this network, or it does not leave at all.

Without this, a receiver's name could lead to a machine behind our own walls (a cloud's metadata, a database). Every
address that the name has is judged, and the connection goes to one of those very addresses: a name that changes its
mind between the look and the call changes nothing. Addresses that hold another one inside are judged by that.
Sources: IANA special-purpose address registries and "IPv6 Global Unicast Address Assignments", RFC 6052 (NAT64),
RFC 3056 (6to4), read 2026-11-22.
"""
import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from publishers._http import LARGEST_ANSWER, Answer, trust
from publishers.base import Connection
from schemas.errors import Rejected, Unauthorized, Unavailable, Unconfirmed

if TYPE_CHECKING:
    import httpcore
    import httpx

    from publishers._deadline import Wire

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NO_PLACE = tuple(map(ipaddress.ip_network, (
    "2001::/32", "3fff::/20", "192.88.99.0/24", "240.0.0.0/4")))
_OPEN = ipaddress.IPv6Network("2000::/3")       # all that IANA gave out; beyond it translators look inside addresses
_COMPATIBLE = ipaddress.IPv6Network("::/96")

Resolve = Callable[[str, int], Iterable[str]]


class NotPublic(Exception):
    """The name leads, or may lead, to an address that is not open to the world."""


def is_public(address: str) -> bool:
    """Whether an address, and whatever address is written inside it, is one of the open Internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    while isinstance(ip, ipaddress.IPv6Address):
        if (inner := _inside(ip)) is None:
            break
        ip = inner
    if ip.version == 6 and ip not in _OPEN:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NO_PLACE
                                                            if network.version == ip.version)


def _inside(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 0xFFFF):
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


def resolved(host: str, port: int) -> list[str]:
    """Every address of a name, in the system's order. Raises OSError for a name without one."""
    return list(dict.fromkeys(str(found[4][0]) for found in
                              socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def post(connection: Connection, url: str, headers: Mapping[str, str], body: bytes, *,
         resolve: Resolve = resolved, may_reach: Callable[[str], bool] = is_public) -> Answer:
    """One POST, once, to a public address; the answer is whatever came. No redirect is followed.

    Raises Unauthorized for an address that is not public, Unavailable when certainly nothing left, Unconfirmed for any
    other failure. Messages name the host, nothing else.
    """
    # not at the top: `drumbeat check` loads adapters, and must not wait for these
    import httpx

    from publishers._deadline import Wire, WireError

    try:
        host = urlsplit(url).hostname or "the receiver"
        if not all(value.isprintable() and value == value.strip() for value in headers.values()):
            raise ValueError
        request = httpx.Request("POST", url, content=body, headers={
            "Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "drumbeat", **headers,
            "Connection": "close"})
    except (httpx.InvalidURL, ValueError):
        raise Rejected("the request cannot be written down: a bad address, or a secret with a line break") from None
    wire = Wire(connection.connect_timeout_s, connection.request_timeout_s)
    try:
        return _exchange(wire, request, connection.connect_timeout_s, resolve, may_reach)
    except NotPublic:
        refusal: Exception = Unauthorized(f"{host} leads to an address that is not open to the world: a receiver must "
                                          "stand on the Internet; nothing was sent")
    except WireError as error:
        refusal = (Unconfirmed if wire.began else Unavailable)(f"{host}: {error}")
    raise refusal                        # out here, where no chain of causes comes along


def _exchange(wire: "Wire", request: "httpx.Request", connect_timeout_s: float, resolve: Resolve,
              may_reach: Callable[[str], bool]) -> Answer:
    """As `Wire.exchange`, over a connection to a judged address. The certificate is the name's all the same."""
    import httpcore

    from publishers import _deadline

    target = httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
                          target=request.url.raw_path)
    outgoing = httpcore.Request("POST", target, headers=request.headers.raw,
                                content=cast("Iterable[bytes]", request.stream),
                                extensions={"timeout": {"connect": connect_timeout_s}})
    try:
        with httpcore.HTTPConnection(target.origin, trust(), retries=0,
                                     network_backend=_judging_backend(wire, resolve, may_reach)) as line:
            answer = line.handle_request(outgoing)
            try:
                body = _deadline._take(answer.iter_stream(), LARGEST_ANSWER)
            finally:
                answer.close()
    except _deadline._FAILURES as error:
        raise _deadline.WireError(wire._what(error)) from error
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    if headers.get("content-encoding", "identity") != "identity":
        raise _deadline.WireError("the answer was compressed, which was not asked for")
    return Answer(answer.status, headers, body.decode("utf-8", "replace"))


def _judging_backend(wire: "Wire", resolve: Resolve, may_reach: Callable[[str], bool]) -> "httpcore.NetworkBackend":
    import httpcore

    from publishers import _deadline

    class Judging(httpcore.NetworkBackend):
        """Connects to the addresses that were judged, and never looks the name up again."""

        def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None) -> httpcore.NetworkStream:
            try:
                addresses = list(resolve(host, port))
            except (OSError, UnicodeError):
                raise httpcore.ConnectError("no such name") from None
            if not addresses or not all(map(may_reach, addresses)):
                raise NotPublic
            plain, last = _deadline._Backend(wire), len(addresses) - 1
            for place, address in enumerate(addresses):
                try:
                    return plain.connect_tcp(address, port, timeout, local_address, socket_options)
                except httpcore.ConnectError:
                    if place == last:
                        raise
            raise AssertionError("the last address returned or raised")

    return Judging()
