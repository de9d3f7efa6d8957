"""Plumbing under the faults: whole request bodies, answers caught on their way out, connections cut."""
import asyncio
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publishers.rehearsal._double import Refusal

ABORT = "rehearsal.abort"                # scope key: cuts the TCP connection at once; set by the server's protocol
_LARGEST_BODY = 128 * 1024 * 1024


class Heard(NamedTuple):
    """An answer caught before it left."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def instead(self, body: bytes, kind: bytes) -> "Heard":
        """The same status with another body of another content type."""
        kept = tuple(pair for pair in self.headers if pair[0] not in (b"content-type", b"content-length"))
        size = str(len(body)).encode()
        return Heard(self.status, (*kept, (b"content-type", kind), (b"content-length", size)), body)


async def take_body(receive: Receive) -> bytes | None:
    """The whole body of a request; None when the client left before it was complete, or it was far too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > _LARGEST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, then whatever the client does next."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def collect(inner: ASGIApp, scope: Scope, body: bytes) -> Heard:
    """Let the network do what it is asked, and keep its answer back."""
    heard = Heard(500, (), b"")
    parts = bytearray()

    async def never() -> Message:
        return {"type": "http.disconnect"}

    async def catch(message: Message) -> None:
        nonlocal heard
        if message["type"] == "http.response.start":
            heard = Heard(message["status"], tuple(message.get("headers", ())), b"")
        else:
            parts.extend(message.get("body", b""))

    await inner(scope, replay(body, never), catch)
    return heard._replace(body=bytes(parts))


def refusal_body(refusal: Refusal) -> tuple[bytes, bytes]:
    """Body and content type of a refusal."""
    if isinstance(refusal.body, str):
        return refusal.body.encode(), b"text/plain; charset=utf-8"
    return json.dumps(dict(refusal.body)).encode(), b"application/json; charset=utf-8"


async def refuse(send: Send, refusal: Refusal) -> None:
    body, kind = refusal_body(refusal)
    headers = tuple((name.lower().encode(), value.encode()) for name, value in refusal.headers.items())
    await say(send, Heard(refusal.status, headers, b"").instead(body, kind))


async def say(send: Send, heard: Heard) -> None:
    await send({"type": "http.response.start", "status": heard.status, "headers": list(heard.headers)})
    await send({"type": "http.response.body", "body": heard.body})


async def say_half(send: Send, heard: Heard) -> None:
    """Promise the whole answer and give half of it; the caller cuts the connection."""
    await send({"type": "http.response.start", "status": heard.status, "headers": list(heard.headers)})
    await send({"type": "http.response.body", "body": heard.body[:len(heard.body) // 2], "more_body": True})


async def say_slowly(send: Send, receive: Receive, heard: Heard, pieces: Iterable[bytes], pause_s: float) -> None:
    """The whole answer in small pieces: no single wait is long, the sum is. Ends early when the client leaves."""
    gone = asyncio.create_task(until_gone(receive))
    try:
        await send({"type": "http.response.start", "status": heard.status, "headers": list(heard.headers)})
        for piece in pieces:
            await asyncio.wait({gone}, timeout=pause_s)
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def until_gone(receive: Receive) -> None:
    """Ends when the client, or the server for it, has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def hang_up(scope: dict[str, Any] | Scope, receive: Receive) -> None:
    """Close the TCP connection without another byte."""
    scope[ABORT]()
    await until_gone(receive)
