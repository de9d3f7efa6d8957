"""What stands in the answers of a Mastodon server. Thinking only: answers come in as values."""
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from publishers._answers import value_in
from publishers._http import Answer, retry_after
from schemas.errors import (
    PaymentRequired,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from schemas.ledger import PartReceipt

_REFUSALS = (400, 403, 404, 413, 422)
_LOCKED_OUT = ("scope", "login", "disabled", "suspended", "approv", "confirm")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUOTED = 300                            # letters of the server's own words in an error


def refusal(answer: Answer, in_doubt: type[PublishError], secrets: tuple[str, ...]) -> PublishError:
    """What an answer that is no 2xx means. The server's words are quoted without the `secrets`.

    Only the server's own word, as JSON, is a refusal of the content: a page of HTML comes from something in between,
    which may have stopped the answer and not the post.
    """
    why = f"the server answered {answer.status}{_said(answer, secrets)}"
    is_own = isinstance(value_in(answer.body), dict)
    match answer.status:
        case 429:
            return RateLimited(why, until(answer.headers))
        case 402:
            return PaymentRequired(why)
        case 401:
            return Unauthorized(why, dead=True)
        case 403 if is_own and any(word in why.lower() for word in _LOCKED_OUT):
            return Unauthorized(why)
        case status if status == 413 or (is_own and status in _REFUSALS):
            return Rejected(why)
        case status if 300 <= status < 400:
            return in_doubt(f"{why}, which is no answer to a post; is base_url the server's own address?")
    return in_doubt(why)


def _said(answer: Answer, secrets: tuple[str, ...]) -> str:
    """`: ` and the server's own reason, if it gave one; never a secret, never a whole body."""
    told = value_in(answer.body)
    error = told.get("error_description") or told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, str):
        return ""
    for secret in filter(None, secrets):
        error = error.replace(secret, "…")
    return ": " + "".join(letter if letter.isprintable() else " " for letter in error)[:_QUOTED]


def object_in(answer: Answer) -> dict[str, Any]:
    """Raises Unavailable for anything but a JSON object."""
    if not isinstance(value := value_in(answer.body), dict):
        raise Unavailable(f"the server answered {answer.status}, but not with what was asked for")
    return value


def _is_id(id: object) -> bool:
    """A number; other servers than Mastodon's have letters and digits. Anything else is no id, and is kept nowhere."""
    return isinstance(id, str | int) and not isinstance(id, bool) and _ID.fullmatch(str(id)) is not None


def id_in(value: Mapping[str, Any]) -> str:
    if not _is_id(id := value.get("id")):
        raise Unavailable("the server gave no id")
    return str(id)


def receipt_in(status: Mapping[str, Any]) -> PartReceipt:
    """Raises KeyError, TypeError or ValueError for what is no post. An address that is not http(s) is not kept."""
    id, url = status["id"], status.get("url")
    if not _is_id(id):
        raise ValueError
    is_web = isinstance(url, str) and urlsplit(url).scheme in ("http", "https")
    return PartReceipt(id=str(id), url=url if is_web else None)


def made_at(status: Mapping[str, Any]) -> datetime:
    """Raises KeyError, TypeError or ValueError for a post without a moment."""
    return datetime.fromisoformat(status["created_at"])


def text_or_none(id: object) -> str | None:
    return None if id is None else str(id)


def until(headers: Mapping[str, str]) -> datetime | None:
    """When a limit ends. Mastodon writes an ISO time, GoToSocial seconds since 1970; a proxy only says how long."""
    reset, ends = headers.get("x-ratelimit-reset", ""), [retry_after(headers)]
    try:
        if reset.replace(".", "", 1).isdecimal():
            ends.append(datetime.fromtimestamp(float(reset), UTC))
        elif reset:
            at = datetime.fromisoformat(reset)
            ends.append(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError):
        pass                             # a limit whose end cannot be read
    return max((end for end in ends if end is not None), default=None)
