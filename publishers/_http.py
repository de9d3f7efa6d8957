"""One HTTP conversation, with the discipline a create call needs: one send, no redirect, one deadline.

Each call has a connection of its own: a pooled one that died would make every failure doubtful. No environment
variable is read, certificates are always verified, answers are never decompressed.
"""
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from publishers.base import Connection
from schemas.errors import Rejected, Unavailable, Unconfirmed

if TYPE_CHECKING:
    import ssl

LARGEST_ANSWER = 5_000_000               # bytes
LONGEST_WAIT = timedelta(days=7)         # a wait that claims more is a wrong number
_FIRST_EPOCH = 1_000_000_000             # as a wait this were 31 years: it is a moment, in seconds since 1970


class Answer(NamedTuple):
    """What a network answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


def converse(connection: Connection, method: str, url: str, *, headers: Mapping[str, str] | None = None,
             params: Mapping[str, str] | None = None, json: Any = None, data: Mapping[str, Any] | None = None,
             files: Mapping[str, tuple[str, bytes, str]] | None = None, content: bytes | None = None,
             repeatable: bool = False) -> Answer:
    """Send one request, once; the answer is whatever came, redirects included. `files`: field to (name, bytes, type).

    After `connection.request_timeout_s` in all no byte leaves or is waited for. Raises Rejected for a request that
    cannot be written down, Unavailable when certainly nothing left, Unconfirmed for any other failure. A `repeatable`
    call (a read, an upload nobody sees yet) raises Unavailable for those too. Messages name the host, nothing else.
    """
    # not at the top: `drumbeat check` loads adapters, and must not wait for these
    import httpx

    from publishers._deadline import Wire, WireError

    try:
        host = urlsplit(url).hostname or "the network"
        if not all(value.isprintable() and value == value.strip() for value in (headers or {}).values()):
            raise ValueError
        request = httpx.Request(method, url, params=params, json=json, data=data, files=files, content=content,
                                headers={"Accept": "application/json", "Accept-Encoding": "identity",
                                         "User-Agent": "drumbeat", **(headers or {}), "Connection": "close"})
    except (httpx.InvalidURL, ValueError):      # UnicodeEncodeError is a ValueError
        raise Rejected("the request cannot be written down: a text that is not Unicode, a bad address, or a credential "
                       "with a line break or a space at its end") from None
    if request.url.scheme not in ("http", "https"):
        raise Rejected(f"{host}: this is no http(s) address")
    wire = Wire(connection.connect_timeout_s, connection.request_timeout_s)
    try:
        status, got, body = wire.exchange(request, LARGEST_ANSWER)
        return Answer(status, got, body.decode("utf-8", "replace"))
    except WireError as error:
        why = f"{host}: {error}"
    # raised out here, where no chain of causes comes along: those may quote what was sent
    if repeatable or not wire.began:
        raise Unavailable(why)
    raise Unconfirmed(why)


def moment(text: str) -> datetime | None:
    """An HTTP date, in UTC; None for anything else."""
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def retry_after(headers: Mapping[str, str]) -> datetime | None:
    """When `Retry-After` ends, UTC: a date, or seconds after the answer's own `Date`; None if that is not said.

    Source: RFC 9110, 10.2.3, read 2026-11-22. Seconds since 1970, which some servers write, are understood too.
    """
    said, base = headers.get("retry-after", "").strip(), moment(headers.get("date", ""))
    if not (said.isascii() and said.isdigit() and len(said) <= 10):
        until = moment(said)
    elif int(said) >= _FIRST_EPOCH:
        until = datetime.fromtimestamp(int(said), UTC)
    else:
        until = base + timedelta(seconds=int(said)) if base is not None and int(said) else None
    if until is not None and base is not None and until - base > LONGEST_WAIT:
        return None
    return until


@cache
def trust() -> "ssl.SSLContext":
    """The authorities that are trusted, made once: it takes 20 ms. Nothing from the environment changes it."""
    import ssl

    import certifi

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)    # not `create_default_context`: that reads SSLKEYLOGFILE
    context.load_verify_locations(certifi.where())
    return context
