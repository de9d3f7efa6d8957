"""What a Bluesky server's answers mean.

Sources: the reference server (@atproto/pds 0.4.217: auth-verifier.ts, createSession.ts, refreshSession.ts,
putRecord.ts, blob/transactor.ts), atproto.com/specs/xrpc, docs.bsky.app/docs/advanced-guides/rate-limits; read
2026-11-22.
"""
import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from publishers._answers import value_in
from publishers._http import LONGEST_WAIT, Answer, moment, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

MAIN_PASSWORD = "com.atproto.access"     # scope of a session that the account's own password began
_DEAD = ("ExpiredToken", "InvalidToken")        # with status 400, which is what the server says of a dead session
_LOCKED_OUT = ("AccountTakedown", "AccountDeactivated", "AccountSuspended", "AccountNotFound")
_REFUSALS = (400, 403, 404, 413, 422)
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,2000}")
_CID = re.compile(r"[A-Za-z0-9+/=]{8,256}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}")


class Pass(NamedTuple):
    """What a session's token says of itself. None: it does not say."""

    scope: str | None = None
    expires_at: datetime | None = None


def refusal(answer: Answer, in_doubt: type[PublishError], *hidden: str) -> PublishError:
    """What an answer that is no 2xx means. `hidden`: what must not stand in the error.

    Only the server's own word, as JSON, is a refusal of the content: a page of HTML comes from something in between,
    which may have stopped the answer and not the post.
    """
    name, said = _own_words(answer, hidden)
    why = f"the server answered {answer.status}{f': {name}' if name else ''}{f', {said}' if said else ''}"
    match answer.status:
        case 429:
            return RateLimited(why, until(answer.headers))
        case 401:
            return Unauthorized(why, dead=True)
        case 400 | 403 if name in _DEAD:
            return Unauthorized(why, dead=True)
        case 400 | 403 if name in _LOCKED_OUT:
            return Unauthorized(why)
        case 400 if name == "InvalidSwap":
            return Unconfirmed(f"{why}: another post stands under the key of this one")
        case 400 if name == "BlobNotFound":
            return Unavailable(f"{why}: an uploaded file was kept no longer and must go up again; nothing was posted")
        case status if status == 413 or (name and status in _REFUSALS):
            return Rejected(why)
    return in_doubt(why)


def is_absent(answer: Answer) -> bool:
    """Whether the server says that there is no such record."""
    return answer.status == 400 and _own_words(answer)[0] == "RecordNotFound"


def until(headers: Mapping[str, str]) -> datetime | None:
    """When the server listens again: `Retry-After`, else `RateLimit-Reset`, which is in seconds since 1970."""
    if (said := retry_after(headers)) is not None:
        return said
    reset, now = headers.get("ratelimit-reset", ""), moment(headers.get("date", ""))
    if not (reset.isascii() and reset.isdigit() and len(reset) <= 10):
        return None
    at = datetime.fromtimestamp(int(reset), UTC)
    return None if now is None or not now < at <= now + LONGEST_WAIT else at


def object_in(answer: Answer, what: str = "the server") -> dict[str, Any]:
    """The JSON object of a 2xx. Raises Unavailable for anything else, so it is for calls that may be repeated."""
    value = value_in(answer.body)
    if not 200 <= answer.status < 300 or not isinstance(value, dict):
        raise Unavailable(f"{what} answered {answer.status}, but not with what was asked for")
    return value


def did_in(value: Mapping[str, Any]) -> str:
    """The account's lasting id. Raises Unavailable when there is none."""
    did = value.get("did")
    if not isinstance(did, str) or not _DID.fullmatch(did):
        raise Unavailable("the server named no account")
    return did


def cid_in(value: Mapping[str, Any]) -> str:
    """The hash of a record. Raises Unavailable when there is none."""
    cid = value.get("cid")
    if not isinstance(cid, str) or not _CID.fullmatch(cid):
        raise Unavailable("the server named a post without its hash")
    return cid


def blob_in(value: Mapping[str, Any]) -> str:
    """An uploaded file as a record names it, in JSON: its handle. Raises Unavailable when there is none."""
    match value.get("blob"):
        case {"$type": "blob", "ref": {"$link": str(link)}, "mimeType": str(kind), "size": int(size)} if (
                _CID.fullmatch(link) and _MEDIA_TYPE.fullmatch(kind)):
            blob = {"$type": "blob", "ref": {"$link": link}, "mimeType": kind, "size": size}
            return json.dumps(blob, separators=(",", ":"))
    raise Unavailable("the server took a file, but did not say what it calls it")


def home_in(value: Mapping[str, Any]) -> str | None:
    """Where the account lives, by its own document; None when that is not said."""
    match value.get("didDoc"):
        case {"service": list(services)}:
            for service in services:
                match service:
                    case {"id": str(id), "serviceEndpoint": str(address)} if id.endswith("#atproto_pds"):
                        return address.rstrip("/")
    return None


def pass_in(token: str) -> Pass:
    """What a session's token says of itself, unproven: it is the server who proves it."""
    try:
        body = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        scope, expires = said.get("scope"), said.get("exp")
        at = datetime.fromtimestamp(expires, UTC) if isinstance(expires, int) else None
        return Pass(scope if isinstance(scope, str) else None, at)
    except (ValueError, IndexError, AttributeError, OverflowError, OSError, RecursionError):
        return Pass()


def _own_words(answer: Answer, hidden: tuple[str, ...] = ()) -> tuple[str, str]:
    """The name of the server's error and its message, without what is hidden; empty when it gave none."""
    try:
        value = json.loads(answer.body)
        name, said = value["error"], value.get("message", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]{1,60}", name):
        return "", ""
    words = said if isinstance(said, str) else ""
    for secret in filter(None, hidden):
        words = words.replace(secret, "…")
        name = name.replace(secret, "…")
    return name, "".join(letter if letter.isprintable() else " " for letter in words)[:300]
