"""What Pinterest's answers mean. Thinking only: answers come in as values.

Sources: github.com/pinterest/api-description, v5/openapi.yaml 5.28 (`Error`, POST /pins, POST /oauth/token, GET
/boards/{board_id}/pins); code 29: github.com/gitroomhq/postiz-app issue 1084; read 2026-11-22.
"""
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from publishers._answers import object_in
from publishers._http import LONGEST_WAIT, Answer, moment, retry_after
from publishers._pinterest_text import plain
from publishers.base import OutgoingPart
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

NUMBER = re.compile(r"[0-9]{1,30}")
_QUOTED = 300                            # characters of Pinterest's own words in an error
_REFUSALS = (400, 403, 404, 413, 422)
_TRIAL = 29                              # "Apps with Trial access may not create Pins in production"
_NO_ACCESS = re.compile(r"scope|authorization failed|consumer|suspended|deactivated", re.IGNORECASE)
_RESET = re.compile(r"[0-9]{1,6}")


def refusal(answer: Answer, in_doubt: type[PublishError], secrets: tuple[str, ...]) -> PublishError:
    """What an answer that is no 2xx means. Only Pinterest's own JSON is a refusal of the content."""
    body = object_in(answer.body)
    why = f"Pinterest answered {answer.status}{_said(body, secrets)}"
    match answer.status:
        case 401:
            return Unauthorized(f"{why}; the access token has expired or was withdrawn", dead=True)
        case 429:
            return RateLimited(why, retry_after(answer.headers) or _window_ends(answer.headers))
        case 400 | 403 if body is not None and body.get("code") == _TRIAL:
            return Unauthorized(f"{why}; the app has Trial access: ask for Standard access, or set the credential "
                                "field 'api_host' to api-sandbox.pinterest.com for trials that nobody else sees")
        case 403 if body is not None and _NO_ACCESS.search(str(body.get("message", ""))):
            return Unauthorized(why)
        case status if status == 413 or (body is not None and status in _REFUSALS):
            return Rejected(why)
    return in_doubt(why)


def made_id(answer: Answer) -> str:
    """The number of a pin that a 2xx brought. Raises Unconfirmed."""
    id = (object_in(answer.body) or {}).get("id")
    if not isinstance(id, str) or not NUMBER.fullmatch(id):
        raise Unconfirmed(f"Pinterest answered {answer.status}, but did not name the pin")
    return id


class Judged(NamedTuple):
    """What an entry of a list is. `id`: it says what the part says; None: it does not, or nobody `can_tell`."""

    id: str | None
    can_tell: bool = True


def judged(entry: Mapping[str, Any], what: OutgoingPart, earliest: datetime) -> Judged:
    """Whether a pin of the board is the part. Raises KeyError, TypeError or ValueError.

    Pins can be edited, and Pinterest does not say that one was: a new one with the same title, or the same text, may
    have been it. The same link says nothing: several pins lead to one page.
    """
    if made_at(entry) < earliest:
        return Judged(None)
    same = [plain(entry.get(name)) == plain(what.request.get(name)) for name in ("title", "description", "link")]
    if all(same) and _pictures(entry) in (None, len(what.media)):
        if not isinstance(id := entry["id"], str) or not NUMBER.fullmatch(id):
            raise ValueError
        return Judged(id)
    words = [plain(what.request.get(name)) for name in ("title", "description")]
    return Judged(None, can_tell=not any(is_same and said for is_same, said in zip(same, words, strict=False)))


def _pictures(entry: Mapping[str, Any]) -> int | None:
    """How many pictures a pin shows; None when that is not told."""
    media = entry.get("media")
    if not isinstance(media, dict):
        return None
    if isinstance(items := media.get("items"), list):
        return len(items)
    return 1 if media.get("media_type") == "image" else None


def made_at(entry: Mapping[str, Any]) -> datetime:
    """Raises KeyError, TypeError or ValueError for an entry without a moment. Without a zone it is UTC."""
    at = datetime.fromisoformat(entry["created_at"])
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def page_in(answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
    """The entries of a list, and where the next page begins. Raises Unavailable for what is none."""
    body = object_in(answer.body) or {}
    items, bookmark = body.get("items"), body.get("bookmark")
    if (not isinstance(items, list) or not all(isinstance(one, dict) for one in items)
            or not isinstance(bookmark, str | None)):
        raise Unavailable(f"Pinterest answered {answer.status}, but not with a list")
    return items, bookmark or None


def _window_ends(headers: Mapping[str, str]) -> datetime | None:
    """The end of the window in which no call is left; it is told in seconds."""
    now, said = moment(headers.get("date", "")), headers.get("x-ratelimit-reset", "")
    if now is None or not said.isascii() or not _RESET.fullmatch(said) or int(said) > LONGEST_WAIT.total_seconds():
        return None
    return now + timedelta(seconds=int(said)) if int(said) else None


def _said(body: Mapping[str, Any] | None, secrets: tuple[str, ...]) -> str:
    """`: ` and Pinterest's own reason, if it gave one; never a credential, never a whole body."""
    words = (body or {}).get("message")
    if not isinstance(words, str) or not words:
        return ""
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    return f": {''.join(letter if letter.isprintable() else ' ' for letter in words)[:_QUOTED]}"
