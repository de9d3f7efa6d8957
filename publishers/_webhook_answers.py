"""What a receiver's answer means: our own agreement, since the receiver is somebody's own program.

A 2xx is a yes, whatever it says, unless a page of HTML or broken JSON says that something in between spoke. Thinking
only: answers come in as values.
"""
import json
import re
from typing import Any
from urllib.parse import urlsplit

from publishers._http import Answer, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unconfirmed
from schemas.ledger import PartReceipt

_SECRET = 6                              # characters; a shorter piece of an address guards nothing
QUOTED = 200                             # characters of the receiver's own words in an error
ID = re.compile(r"[A-Za-z0-9_.:@+=-]{1,200}")
_REFUSALS = frozenset((400, 403, 404, 405, 413, 415, 422))


def receipt_in(answer: Answer, key: str, secret: str, address: str) -> PartReceipt:
    """The receiver's own id and address; our key where it gave no id. Raises what anything but a yes means.

    Nothing of `secret`, nor of the receiver's own `address`, which is one too, is repeated.
    """
    value, is_json = _json(answer.body)
    own = value if isinstance(value, dict) else None
    if 200 <= answer.status < 300:
        if not is_json and _is_from_between(answer):
            raise Unconfirmed(f"the receiver's address answered {answer.status} with a page, and not as a receiver")
        return _receipt(own or {}, key, secret, address)
    if answer.status == 409 and own is not None and ID.fullmatch(_id(own)):
        return _receipt(own, key, secret, address)       # it has this one already, and says which
    raise _refusal(answer, own, (secret, *_pieces(address)))


def _refusal(answer: Answer, own: dict[str, Any] | None, secrets: tuple[str, ...]) -> PublishError:
    why = f"the receiver answered {answer.status}{_said(own, secrets)}"
    match answer.status:
        case 401:
            return Unauthorized(f"{why}; is the secret the same at both ends?", dead=True)
        case 410 if own is not None:
            return Unauthorized(f"{why}: it wants no more posts")
        case 429:
            return RateLimited(why, retry_after(answer.headers))
        case 503 if own is not None and "retry-after" in answer.headers:
            return RateLimited(why, retry_after(answer.headers))
        case status if status == 413 or (own is not None and status in _REFUSALS):
            return Rejected(why)
    return Unconfirmed(why)


def _receipt(own: dict[str, Any], key: str, secret: str, address: str) -> PartReceipt:
    id, url = _id(own), own.get("url")
    is_web = isinstance(url, str) and len(url) <= 2_000 and url.isprintable() and _is_web(url)
    repeats = is_web and (secret in str(url) or _is_echo(str(url), address))
    return PartReceipt(id=id if ID.fullmatch(id) and secret not in id else key,
                       url=str(url) if is_web and not repeats else None)


def _is_echo(url: str, address: str) -> bool:
    """Whether it is the address that the request went to: receivers that answer with the request give it back."""
    theirs, ours = urlsplit(url), urlsplit(address)
    return theirs.path.rstrip("/") == ours.path.rstrip("/") != "" or (len(ours.query) >= _SECRET and ours.query in url)


def _pieces(address: str) -> list[str]:
    """Whatever of an address may be its secret, the longest first: a server names a path that it does not know."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return [address]
    said = [address, f"{parts.path}?{parts.query}", parts.path, *parts.path.split("/"), parts.query,
            *re.split("[&=]", parts.query)]
    return sorted((one for one in said if len(one) >= _SECRET), key=len, reverse=True)


def _id(own: dict[str, Any]) -> str:
    id = own.get("id")
    return str(id) if isinstance(id, str | int) and not isinstance(id, bool) else ""


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _json(body: str) -> tuple[Any, bool]:
    """What the body says, and whether it could be read; a body of nothing says nothing, readably."""
    if not body.strip():
        return None, True
    try:
        return json.loads(body), True
    except (ValueError, RecursionError):
        return None, False


def _is_from_between(answer: Answer) -> bool:
    kind = answer.headers.get("content-type", "").lower()
    return "html" in kind or "json" in kind or answer.body.lstrip().startswith(("<", "{", "["))


def _said(own: dict[str, Any] | None, secrets: tuple[str, ...]) -> str:
    """`: ` and the receiver's own reason, on one line, without what is secret."""
    words = str((own or {}).get("error") or (own or {}).get("message") or "")
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    return f": {words[:QUOTED]}" if words else ""
