"""What the YouTube Data API's answers mean. Thinking only: answers come in as values.

Sources: developers.google.com/youtube/v3/docs/errors, videos/insert, videos/update, determine_quota_cost;
developers.google.com/identity/protocols/oauth2/native-app, read 2026-11-22.
"""
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from publishers._answers import object_in
from publishers._http import Answer, moment, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

QUOTED = 300                             # characters of YouTube's own words in an error
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_REFUSALS = (400, 403, 404, 413, 422)
_DAY_IS_OVER = ("quotaExceeded", "dailyLimitExceeded")
_SLOW_DOWN = ("rateLimitExceeded", "userRateLimitExceeded")
_NO_ACCESS = ("authError", "forbidden", "insufficientPermissions", "youtubeSignupRequired", "channelClosed",
              "channelSuspended", "accessNotConfigured", "authenticatedUserAccountClosed",
              "authenticatedUserAccountSuspended")


def refusal(answer: Answer, secrets: tuple[str, ...], in_doubt: type[PublishError]) -> PublishError:
    """What an answer that is no 2xx means. Only Google's own JSON is a refusal of the content."""
    body = object_in(answer.body)
    reasons, why = _reasons(body), f"YouTube answered {answer.status}{_said(body, secrets)}"
    if answer.status == 401:
        return Unauthorized(f"{why}; the access token has expired or was withdrawn", dead=True)
    if answer.status == 429:
        return RateLimited(why, retry_after(answer.headers))
    if body is None or answer.status not in _REFUSALS:
        return Rejected(why) if answer.status == 413 else in_doubt(why)
    if any(reason in _DAY_IS_OVER for reason in reasons):
        return RateLimited(f"{why}; the project's quota begins anew at midnight in California",
                           retry_after(answer.headers) or _midnight_in_california(answer))
    if "uploadLimitExceeded" in reasons:
        now = moment(answer.headers.get("date", ""))
        return RateLimited(f"{why}; a channel may upload only so many videos a day",
                           now + timedelta(days=1) if now else None)
    if any(reason in _SLOW_DOWN for reason in reasons):
        return RateLimited(why, retry_after(answer.headers))
    if any(reason in _NO_ACCESS for reason in reasons):
        return Unauthorized(why)
    return Rejected(why)


def login_refusal(answer: Answer, secrets: tuple[str, ...]) -> PublishError:
    """What Google's answer means when it gives no token."""
    body = object_in(answer.body) or {}
    why = f"Google answered {answer.status}{_said(body, secrets)}"
    if answer.status == 429:
        return RateLimited(why, retry_after(answer.headers))
    if answer.status in (400, 401, 403) and isinstance(body.get("error"), str):
        return Unauthorized(f"{why}; someone has to sign in again (an app in testing is signed out after 7 days)",
                            dead=body["error"] == "invalid_grant")
    return Unavailable(why)


def published(answer: Answer, id: str, wanted: str) -> None:
    """The 2xx says that video `id` can now be seen as `wanted`.

    Raises Rejected when YouTube keeps it private all the same, Unconfirmed when nobody can tell, or people can see it
    in another way than asked: it is out, so nothing says that it is not.
    """
    video = object_in(answer.body) or {}
    status = video.get("status")
    privacy = status.get("privacyStatus") if isinstance(status, dict) else None
    if video.get("id") != id or not isinstance(privacy, str):
        raise Unconfirmed(f"YouTube answered {answer.status}, but not with the video")
    if privacy != wanted and privacy != "private":
        raise Unconfirmed("YouTube said yes, but shows the video to others than was asked")
    if privacy != wanted:
        raise Rejected("YouTube keeps the video private: it does so with uploads of API projects that it has not "
                       "audited; publish it in YouTube Studio if that lets you, and ask for the audit")


def items(answer: Answer) -> list[dict[str, Any]]:
    """The entries of a list. Raises Unavailable when it is none."""
    body = object_in(answer.body)
    if body is None or not str(body.get("kind", "")).startswith("youtube#"):
        raise Unavailable(f"YouTube answered {answer.status}, but not with a list")
    found = body.get("items", [])        # a list without entries has no `items` at all
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unavailable(f"YouTube answered {answer.status}, but not with a list")
    return found


def id_in(answer: Answer) -> str:
    """The id of a video that was uploaded. Raises Unavailable without one."""
    id = (object_in(answer.body) or {}).get("id")
    if not isinstance(id, str) or not VIDEO_ID.fullmatch(id):
        raise Unavailable(f"YouTube answered {answer.status} to an upload, but did not name the video")
    return id


def at(text: object) -> datetime:
    """A moment as YouTube writes it. Raises ValueError for anything else."""
    made = datetime.fromisoformat(text) if isinstance(text, str) else None
    if made is None or made.tzinfo is None:
        raise ValueError
    return made.astimezone(UTC)


def _midnight_in_california(answer: Answer) -> datetime | None:
    """The next one, by the answer's own clock; None if it tells no time."""
    from zoneinfo import ZoneInfo

    if (now := moment(answer.headers.get("date", ""))) is None:
        return None
    there = now.astimezone(ZoneInfo("America/Los_Angeles"))
    return datetime.combine(there.date() + timedelta(days=1), datetime.min.time(), there.tzinfo).astimezone(UTC)


def _reasons(body: dict[str, Any] | None) -> tuple[str, ...]:
    error = (body or {}).get("error")
    listed = error.get("errors") if isinstance(error, dict) else None
    return tuple(str(one.get("reason")) for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _said(body: dict[str, Any] | None, secrets: tuple[str, ...]) -> str:
    """`: ` and Google's own reason, if it gave one; never a credential, never a whole body."""
    error = (body or {}).get("error")
    message = error.get("message") if isinstance(error, dict) else (body or {}).get("error_description")
    words = " ".join((*_reasons(body), *((error,) if isinstance(error, str) else ()), str(message or ""))).strip()
    for secret in secrets:
        words = words.replace(secret, "…") if secret else words
    return f": {''.join(letter if letter.isprintable() else ' ' for letter in words)[:QUOTED]}" if words else ""
