"""POST /hook: a forge tells of a push. Signed with a secret of ours it is a hint to fetch, whatever its body holds."""
import asyncio
import hashlib
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from flows.edges.clock import elapsed_s
from flows.edges.nudge import nudge
from flows.web.floods import Bucket, Seen
from flows.web.forges import Claim, claim, is_proven, push

log = logging.getLogger(__name__)
LARGEST = 1_000_000
"""Bytes of a body. A push that is told in more is found by the look a minute later."""
PATIENCE_S = 10.0
"""For a whole body."""
PUSHES = (60.0, 1.0)
FORGED = (20.0, 1.0)
"""So many at once, and so many a second from then on. What is forged is counted apart: it keeps no true call out."""
_CLOSE = {"Connection": "close"}
"""With an answer that does not wait for the body: what is left of it is not read."""


class Hook:
    """The endpoint. Every answer says in one word what became of the call; `outcomes` counts them."""

    def __init__(self, home: Path, branch: str, secrets: tuple[str, ...], tell: Callable[[Mapping[str, Any]], None], *,
                 elapsed_s: Callable[[], float] = elapsed_s, now_s: Callable[[], float] = time.time) -> None:
        self._home, self._branch, self._ref = home, branch, f"refs/heads/{branch}"
        self._secrets, self._tell, self._now_s = secrets, tell, now_s
        self._seen = Seen()
        self._pushes, self._forged = Bucket(*PUSHES, elapsed_s), Bucket(*FORGED, elapsed_s)
        self.outcomes = Counter[str]()

    async def __call__(self, request: Request) -> Response:
        if not self._secrets:
            if not self.outcomes["no secret"]:
                log.error("hook called, and no secret is set remedy=%s", _NO_SECRET)
            return self._answer(503, "no secret", "This hook is not set up yet; its log says what to do.", **_CLOSE)
        claimed = claim(request.headers, self._secrets)
        if claimed is None:
            return self._refuse("unsigned")
        try:
            async with asyncio.timeout(PATIENCE_S):
                body = await _read(request)
        except TimeoutError:
            return self._answer(408, "too slow", f"The body took longer than {PATIENCE_S:.0f} s.", **_CLOSE)
        except ClientDisconnect:
            return self._answer(400, "hung up", "The body never ended.")
        if body is None:
            return self._answer(413, "too large", f"A push has at most {LARGEST:,} bytes.", **_CLOSE)
        if not is_proven(claimed, body, self._secrets, now_s=self._now_s()):
            return self._refuse("forged", claimed)
        return self._take(claimed, body, request.headers.get("content-type", ""))

    def _take(self, claimed: Claim, body: bytes, kind: str) -> Response:
        """Of a call that is proven."""
        if claimed.event == "ping":
            return self._answer(200, "ping", "The hook is set up.")
        try:
            pushed = push(claimed, body, kind)
        except ValueError:
            return self._answer(400, "unreadable", "The call is signed, but its body is no push.")
        if pushed is None:
            return self._answer(202, "other event", "Only pushes count.")
        if pushed.ref != self._ref:
            return self._answer(202, "other branch", f"Not our branch: only {self._ref} counts.")
        if pushed.is_deleted:
            log.warning("branch deleted at the forge branch=%s forge=%s; the last good plan stays in force",
                        self._branch, claimed.forge)
            return self._answer(202, "deleted", "The branch was deleted; the last good plan stays in force.")
        names = _names(claimed, body)
        if not self._seen.take(*names):
            return self._answer(200, "seen already", "This delivery was taken before.")
        if wait_s := self._pushes.take():
            self._seen.give_back(*names)
            return self._too_many("too many", wait_s)
        try:
            nudge(self._home)
        except OSError as error:
            self._seen.give_back(*names)
            log.error("push not passed on why=%s remedy=make room or rights for %s", error.strerror, self._home)
            return self._answer(500, "failed", "The push could not be passed on; the log says why.")
        log.info("push heard forge=%s branch=%s commit=%s delivery=%s", claimed.forge, self._branch,
                 (pushed.commit or "unknown")[:10], claimed.name)
        self._tell({"branch": self._branch, "commit": pushed.commit, "forge": claimed.forge, "delivery": claimed.name})
        return self._answer(202, "accepted", "The branch will be fetched.")

    def _refuse(self, outcome: str, claimed: Claim | None = None) -> Response:
        if wait_s := self._forged.take():
            return self._too_many(f"{outcome}, too many", wait_s)
        log.warning("hook call refused why=%s forge=%s", outcome, claimed.forge if claimed else "unknown")
        return self._answer(401, outcome, "The signature is missing or wrong.", **({} if claimed else _CLOSE))

    def _too_many(self, outcome: str, wait_s: float) -> Response:
        return self._answer(429, outcome, "Too many calls.", **_CLOSE, **{"Retry-After": f"{math.ceil(wait_s)}"})

    def _answer(self, status: int, outcome: str, why: str, **headers: str) -> Response:
        self.outcomes[outcome] += 1
        return JSONResponse({"state": outcome, "why": why}, status, headers)


_NO_SECRET = ("set DRUMBEAT_HOOK_SECRET (make one: openssl rand -hex 32), or [HOOK] secret in the credentials' file, "
              "and the same at the forge")


async def _read(request: Request) -> bytes | None:
    """The raw body; None: it is too large, and the rest of it is not read."""
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or len(told) > len(str(LARGEST)) or int(told) > LARGEST:
        return None
    pieces, size = list[bytes](), 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _names(claimed: Claim, body: bytes) -> list[str]:
    """What the delivery is known by: its body too, where its name is not signed and a replay could carry another."""
    names = [f"{claimed.forge} {claimed.name}"] if claimed.name is not None else []
    if claimed.way == "body" or not names:
        names.append(hashlib.sha256(body).hexdigest())
    return names
