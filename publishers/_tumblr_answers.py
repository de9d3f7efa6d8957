"""What Tumblr's answers mean. Thinking only: answers come in as values.

Source: github.com/tumblr/docs, api.md ("Response Format", "Rate Limits", the error subcodes of POST /posts, "genesis"
ids, OAuth2), read 2026-11-22. The headers that tell when a limit ends: github.com/tumblr/docs issues.
"""
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from publishers._answers import object_in
from publishers._http import LONGEST_WAIT, Answer, moment, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

POST_ID = re.compile(r"[1-9][0-9]{0,19}")
_QUOTED = 300                            # characters of Tumblr's own words in an error
_REFUSALS = (400, 403, 404, 413, 422)
_DAY_IS_OVER = (8004, 8011, 8022, 8023)
_STILL_AT_WORK = 8010
_NO_ACCESS = re.compile(r"scope|not authorized|unauthorized|permission", re.IGNORECASE)
_RESET = re.compile(r"[0-9]{1,6}")


class Gone(Rejected):
    """Tumblr's own word that there is no post of this id: a draft that was published has another one."""


def refusal(answer: Answer, in_doubt: type[PublishError], secrets: tuple[str, ...]) -> PublishError:
    """What an answer that is no 2xx means. Only Tumblr's own JSON is a refusal of the content."""
    body = object_in(answer.body)
    codes, words = _errors(body)
    why = f"Tumblr answered {answer.status}{_said(words, secrets)}"
    match answer.status:
        case 401:
            return Unauthorized(f"{why}; the access token has expired or was withdrawn", dead=True)
        case 429:
            return RateLimited(why, retry_after(answer.headers) or _window_ends(answer.headers))
        case 403 if any(code in _DAY_IS_OVER for code in codes):
            return RateLimited(f"{why}; the limits of a day begin anew with the next one", retry_after(answer.headers))
        case 403 if _STILL_AT_WORK in codes:
            return Unavailable(why)
        case 403 if body is not None and _NO_ACCESS.search(words):
            return Unauthorized(why)
        case 404 if _status_in(body) == 404:
            return Gone(why)
        case status if status == 413 or (body is not None and status in _REFUSALS):
            return Rejected(why)
    return in_doubt(why)


def made_id(answer: Answer, in_doubt: type[Unavailable] | type[Unconfirmed]) -> str:
    """The id of a post that a 2xx brought; raises `in_doubt` without one."""
    response = response_in(answer)
    id = str(response.get("id_string") or response.get("id") or "")
    if not POST_ID.fullmatch(id):
        raise in_doubt(f"Tumblr answered {answer.status}, but did not name the post")
    return id


def response_in(answer: Answer) -> dict[str, Any]:
    """`response` of an answer; nothing when there is none."""
    response = (object_in(answer.body) or {}).get("response")
    return response if isinstance(response, dict) else {}


def posts_in(answer: Answer) -> list[dict[str, Any]]:
    """The posts of a list. Raises Unavailable when it is none."""
    posts = response_in(answer).get("posts")
    if not isinstance(posts, list) or not all(isinstance(post, dict) for post in posts):
        raise Unavailable(f"Tumblr answered {answer.status}, but not with a list")
    return posts


def made_at(post: Mapping[str, Any]) -> datetime:
    """Raises KeyError, TypeError or ValueError for a post without a moment."""
    at = post["timestamp"]
    if isinstance(at, bool) or not isinstance(at, int) or not 0 < at < 10 ** 11:
        raise ValueError
    return datetime.fromtimestamp(at, UTC)


def id_of(post: Mapping[str, Any]) -> str:
    """Raises ValueError for a post without an id."""
    id = str(post.get("id_string") or post.get("id") or "")
    if not POST_ID.fullmatch(id):
        raise ValueError
    return id


def pictures_in(answer: Answer, places: str) -> list[Any]:
    """What Tumblr says of the pictures of a post that are at those places, such as "2,0". Raises Unavailable."""
    content = response_in(answer).get("content")
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise Unavailable(f"Tumblr answered {answer.status}, but not with a post")
    images = [block.get("media") for block in content if block.get("type") == "image"]
    if not all(isinstance(media, list) and media for media in images):
        raise Unavailable("Tumblr is still processing an uploaded picture; nothing was posted")
    if not all(place.isdecimal() and int(place) < len(images) for place in places.split(",")):
        raise Unavailable("the draft holds other pictures than the post; nothing was posted")
    return [images[int(place)] for place in places.split(",")]


def _status_in(body: Mapping[str, Any] | None) -> object:
    meta = (body or {}).get("meta")
    return meta.get("status") if isinstance(meta, dict) else None


def _errors(body: Mapping[str, Any] | None) -> tuple[list[object], str]:
    """The codes and the words of a refusal."""
    listed = (body or {}).get("errors")
    errors = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    words = [str(one[name]) for one in errors for name in ("title", "detail") if isinstance(one.get(name), str)]
    words += [str((body or {})[name]) for name in ("error", "error_description") if isinstance((body or {}).get(name),
                                                                                              str)]
    return [one.get("code") for one in errors], " ".join(words)


def _window_ends(headers: Mapping[str, str]) -> datetime | None:
    """The end of the hour or the day in which no call is left; told in seconds, the longer one if both are over."""
    now = moment(headers.get("date", ""))
    waits = [int(said) for window in ("perhour", "perday")
             if headers.get(f"x-ratelimit-{window}-remaining", "").strip() == "0"
             and _RESET.fullmatch(said := headers.get(f"x-ratelimit-{window}-reset", "").strip()) and said.isascii()]
    longest = max(waits, default=0)
    return now + timedelta(seconds=longest) if now and 0 < longest <= LONGEST_WAIT.total_seconds() else None


def _said(words: str, secrets: tuple[str, ...]) -> str:
    """`: ` and Tumblr's own reason, if it gave one; never a credential, never a whole body."""
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    return f": {''.join(letter if letter.isprintable() else ' ' for letter in words)[:_QUOTED]}" if words else ""
