"""The fault script: what goes wrong between a publisher and a rehearsal network, told beforehand.

A fault strikes a request after it arrived whole. "401", "429", "503", "before" and "stall": nothing was created.
"after effect", "truncate", "not JSON", "slow": the network did what it was asked, and only its answer suffers.
"""
import asyncio
import math
import re
import time
from collections.abc import Iterable
from datetime import UTC
from email.utils import format_datetime
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from publishers.rehearsal._double import CALL, Twin
from publishers.rehearsal._wire import (
    Heard,
    collect,
    hang_up,
    refuse,
    replay,
    say,
    say_half,
    say_slowly,
    take_body,
    until_gone,
)
from schemas.model import Value

Kind = Literal["401", "429", "503", "500 before effect", "500 after effect", "hang up before", "hang up after effect",
               "stall", "stall after effect", "truncate", "not JSON", "slow", "late effect"]
_DELAYED = ("slow", "late effect")      # for these, `seconds` is how long it takes, not how long it lasts
_PIECES = 20
_GATE_PAGE = b"<!doctype html><title>Just a moment</title><p>Please wait while we check your browser."


class Fault(Value):
    """One line of the script: strikes `times` requests, or all of them for `seconds` (real ones) from the first.

    `after` lets so many of the requests pass that it would meet, before it strikes one.
    """

    fault: Kind
    network: str | None = None          # None: any
    match: str | None = None            # pattern for the whole of "METHOD path"; None: the create calls of the network
    times: int | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0)
    retry_after: float | None = Field(default=None, gt=0)      # "429" and "503": seconds by the network's clock
    after: int = Field(default=0, ge=0)

    def meets(self, twin: Twin, request: str) -> bool:
        patterns = (self.match,) if self.match is not None else twin.creates
        return self.network in (None, twin.network) and any(re.fullmatch(p, request) for p in patterns)

    @property
    def lasts_s(self) -> float | None:
        return None if self.fault in _DELAYED else self.seconds


def parse_faults(text: str | bytes) -> tuple[Fault, ...]:
    """The script as written: a JSON list. Raises ValueError with what is wrong, for people."""
    try:
        script = TypeAdapter(tuple[Fault, ...]).validate_json(text)
        for fault in script:
            re.compile(fault.match or "")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the script"
        raise ValueError(f"{where}: {first['msg']}") from None
    except re.error as error:
        raise ValueError(f"match: {error}") from None
    return script


class Script:
    """A fault script and how much of it was played."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.set(faults)

    def set(self, faults: Iterable[Fault]) -> None:
        self._left: list[tuple[Fault, int]] = []
        self._to_pass: dict[int, int] = {}
        self._ends: dict[int, float] = {}
        for fault in faults:
            endless = fault.lasts_s is not None and fault.times is None
            self._left.append((fault, -1 if endless else 1 if fault.times is None else fault.times))

    def strike(self, twin: Twin, request: str) -> tuple[Fault, float] | None:
        """The fault that meets this request, and for how many seconds more it lasts; used up by being asked for."""
        now = time.monotonic()
        for place, (fault, left) in enumerate(self._left):
            if left == 0 or not fault.meets(twin, request):
                continue
            if (to_pass := self._to_pass.get(place, fault.after)) > 0:
                self._to_pass[place] = to_pass - 1
                continue
            lasts_s = fault.lasts_s or 0.0
            ends = self._ends.setdefault(place, now + lasts_s)
            if fault.lasts_s is not None and now >= ends:
                continue
            self._left[place] = (fault, left - 1 if left > 0 else left)
            return fault, ends - now
        return None

    def to_come(self) -> list[dict[str, Any]]:
        """The script that is left, as JSON objects."""
        now = time.monotonic()
        return [fault.model_copy(update={"after": self._to_pass.get(place, fault.after)} | (
                    {"times": left} if left > 0 else {})).model_dump(exclude_none=True, exclude_defaults=True)
                for place, (fault, left) in enumerate(self._left)
                if left != 0 and not (fault.lasts_s is not None and self._ends.get(place, math.inf) <= now)]


class Stage:
    """The ASGI app in front of one twin: counts its create calls, tells its time, plays the faults."""

    def __init__(self, twin: Twin, inner: ASGIApp, script: Script) -> None:
        self._twin = twin
        self._inner = inner
        self._script = script
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await take_body(receive)
        if body is None:
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        request = f"{scope['method']} {path}"
        key = ""
        if any(re.fullmatch(pattern, request) for pattern in self._twin.creates):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            key = self._twin.key_of(path, headers, body)
            self._twin.called(key)
        CALL.set(key)
        struck = self._script.strike(self._twin, request)
        if struck is None:
            await self._inner(scope, replay(body, receive), self._dated(send))
        else:
            await self._play(*struck, scope, body, receive, self._dated(send))

    async def _play(self, fault: Fault, lasts_s: float, scope: Scope, body: bytes, receive: Receive,
                    send: Send) -> None:
        match fault.fault:
            case "401":
                await refuse(send, self._twin.unauthorized())
            case "503":
                until = None if fault.retry_after is None else self._twin.wait_until(fault.retry_after)
                await refuse(send, self._twin.overloaded(until))
            case "429":
                wait_s = fault.retry_after or math.ceil(lasts_s) or 30
                await refuse(send, self._twin.rate_limited(self._twin.wait_until(wait_s)))
            case "500 before effect":
                await refuse(send, self._twin.broken())
            case "500 after effect":
                await self._effect(scope, body)
                await refuse(send, self._twin.broken())
            case "hang up before":
                await hang_up(scope, receive)
            case "hang up after effect":
                await self._effect(scope, body)
                await hang_up(scope, receive)
            case "stall":
                await until_gone(receive)
            case "stall after effect":
                await self._effect(scope, body)
                await until_gone(receive)
            case "truncate":
                await say_half(send, await self._effect(scope, body))
                await hang_up(scope, receive)
            case "not JSON":
                await say(send, (await self._effect(scope, body)).instead(_GATE_PAGE, b"text/html; charset=utf-8"))
            case "slow":
                heard = await self._effect(scope, body)
                step = max(1, math.ceil(len(heard.body) / _PIECES))
                pieces = [heard.body[at:at + step] for at in range(0, len(heard.body), step)]
                pause_s = (fault.seconds or 5.0) / max(1, len(pieces))
                await say_slowly(send, receive, heard, pieces, pause_s)
            case "late effect":
                task = asyncio.create_task(self._later(fault.seconds or 2.0, scope, body))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                await hang_up(scope, receive)

    async def _effect(self, scope: Scope, body: bytes) -> Heard:
        return await collect(self._inner, scope, body)

    async def _later(self, seconds: float, scope: Scope, body: bytes) -> None:
        await asyncio.sleep(seconds)
        await self._effect(scope, body)

    def _dated(self, send: Send) -> Send:
        """Answers carry the twin's time, so that a publisher on a pretend clock reads pretend times."""
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                stamp = format_datetime(self._twin.now().astimezone(UTC), usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", []), (b"date", stamp)]}
            await send(message)
        return dated
