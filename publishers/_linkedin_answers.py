"""What LinkedIn's answers mean. Thinking only: answers come in as values.

Sources: learn.microsoft.com/linkedin, pages posts-api, comments-api, error-handling, versioning, read 2026-11-22; the
words of a refused repeat: github.com/Arisamiga/Linkedin-RSS/issues/5.
"""
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from publishers._answers import object_in
from publishers._http import Answer, moment, retry_after
from publishers._linkedin_addresses import COMMENT_URN, POST_URN
from publishers._linkedin_text import plain, seen
from publishers.base import OutgoingPart
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

QUOTED = 300                             # characters of LinkedIn's own words in an error
_REFUSALS = (400, 403, 404, 413, 422)
_DUPLICATE = re.compile(r"DUPLICATE_POST|is a duplicate of|Duplicate post", re.IGNORECASE)
_NO_ACCESS = re.compile(r"ACCESS_DENIED|permission|unpermitted|scope|not authorized|EXPIRED|REVOKED", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,20}")
_DAY = re.compile(r"\bDAY\b")            # "… APPLICATION_AND_MEMBER DAY limit …"; other throttles end sooner
_NOT_OUT = ("DRAFT", "PUBLISH_FAILED")


def refusal(answer: Answer, secrets: tuple[str, ...], version: str, in_doubt: type[PublishError]) -> PublishError:
    """What an answer that is no 2xx means. Only LinkedIn's own JSON is a refusal of the content."""
    body = object_in(answer.body)
    why = f"LinkedIn answered {answer.status}{_said(body, secrets)}"
    match answer.status:
        case 426:
            return Unauthorized(f"LinkedIn does not know version {version} of its API, any more or yet; nothing was "
                                "posted. Set the credential field 'version' to a month of the last year, such as "
                                "202607, from learn.microsoft.com/linkedin/marketing/versioning")
        case 429:
            return RateLimited(f"{why}; its daily quotas begin anew at midnight UTC",
                               retry_after(answer.headers) or (_midnight(answer) if _DAY.search(why) else None))
        case 401:
            return Unauthorized(f"{why}; the access token has expired or was withdrawn", dead=True)
        case 422 if body is not None and _DUPLICATE.search(answer.body[:10_000]):
            return _duplicate(answer.body)
        case 403 if body is not None and _NO_ACCESS.search(why):
            return Unauthorized(f"{why}; the token lacks a permission, or the member no role on the page")
        case status if status == 413 or (body is not None and status in _REFUSALS):
            return Rejected(why)
    return in_doubt(why)


def _duplicate(body: str) -> Unconfirmed:
    """LinkedIn says that it has this already. It may be our own earlier call, or last week's post of a person.

    Never taken for a receipt: the id that it names is not always that of a post which exists
    (github.com/ComposioHQ/composio/issues/2710: a new one at each repeat, and 404 for all of them).
    """
    named = POST_URN.search(body[:10_000])
    return Unconfirmed("LinkedIn refuses it as a repeat" + (f" of {named[0]}" if named else "")
                       + ": that may be this very post, or an older one with the same words")


def made_id(answer: Answer) -> str:
    """The id of a post that a 2xx brought: in a header, beside an empty body. Raises Unconfirmed."""
    id = answer.headers.get("x-restli-id") or answer.headers.get("x-linkedin-id") or ""
    if POST_URN.fullmatch(id) and (not answer.body.strip() or object_in(answer.body) is not None):
        return id
    raise Unconfirmed(f"LinkedIn answered {answer.status}, but did not name the post")


def made_comment(answer: Answer, post: str) -> str:
    """The URN of a comment that a 2xx brought. Raises Unconfirmed."""
    body = object_in(answer.body) or {}
    if isinstance(urn := body.get("commentUrn"), str) and COMMENT_URN.fullmatch(urn):
        return urn
    for said in (body.get("id"), answer.headers.get("x-restli-id")):
        if _NUMBER.fullmatch(id := str(said or "")) and (body or not answer.body.strip()):
            return f"urn:li:comment:({post},{id})"
    raise Unconfirmed(f"LinkedIn answered {answer.status}, but did not name the comment")


def elements(answer: Answer) -> list[dict[str, Any]]:
    """The entries of a list. Raises Unavailable when it is none."""
    body = object_in(answer.body)
    found = body.get("elements") if body is not None else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unavailable(f"LinkedIn answered {answer.status}, but not with a list")
    return found


def value_in(answer: Answer) -> dict[str, Any]:
    """`value` of the answer to an action. Raises Unavailable without one."""
    value = (object_in(answer.body) or {}).get("value")
    if not isinstance(value, dict):
        raise Unavailable(f"LinkedIn answered {answer.status}, but not with what was asked for")
    return value


def at(milliseconds: object) -> datetime:
    """A moment as LinkedIn writes it. Raises ValueError for anything else."""
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool) or not 0 < milliseconds < 10 ** 14:
        raise ValueError
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


class Judged(NamedTuple):
    """What one entry of a list is. `urn`: it says what the part says; None: it does not, or nobody `can_tell`."""

    urn: str | None
    can_tell: bool = True


def judged_post(entry: Mapping[str, Any], what: OutgoingPart, author: str, earliest: datetime) -> Judged:
    """Whether an entry of an author's posts is the part. One that was edited since may have been it.

    Raises AttributeError, KeyError, TypeError or ValueError for what is no entry.
    """
    made = at(entry.get("createdAt") or entry["publishedAt"])
    if entry["author"] != author or made < earliest or entry.get("lifecycleState") in _NOT_OUT:
        return Judged(None)
    if not POST_URN.fullmatch(entry["id"]):
        raise ValueError
    if plain(seen(entry.get("commentary") or "")) == plain(what.text) and _files(entry) == len(what.media):
        return Judged(entry["id"])
    return Judged(None, can_tell=not (entry.get("lifecycleStateInfo") or {}).get("isEditedByAuthor"))


def judged_comment(entry: Mapping[str, Any], what: OutgoingPart, author: str, earliest: datetime) -> Judged:
    """Whether an entry of a post's comments is the part. Raises as `judged_post` does."""
    made = entry["created"]["time"]
    if entry["actor"] != author or at(made) < earliest:
        return Judged(None)
    urn = entry.get("commentUrn") or f"urn:li:comment:({entry['object']},{entry['id']})"
    if not COMMENT_URN.fullmatch(urn):
        raise ValueError
    if plain(entry["message"]["text"]) == plain(what.text):
        return Judged(urn)
    return Judged(None, can_tell=(entry.get("lastModified") or entry["created"])["time"] == made)


def last_changed(entry: Mapping[str, Any]) -> datetime:
    return at(entry.get("lastModifiedAt") or entry["createdAt"])


def _midnight(answer: Answer) -> datetime | None:
    """The next one in UTC, by the answer's own clock; None if it tells no time."""
    now = moment(answer.headers.get("date", ""))
    return None if now is None else now.replace(hour=0, minute=0, second=0) + timedelta(days=1)


def _files(post: Mapping[str, Any]) -> int:
    """How many uploaded files a post shows, a card's picture too."""
    content = post.get("content") or {}
    if "multiImage" in content:
        return len(content["multiImage"]["images"])
    return int("media" in content or "thumbnail" in (content.get("article") or {}))


def _said(body: Mapping[str, Any] | None, secrets: tuple[str, ...]) -> str:
    """`: ` and LinkedIn's own reason, if it gave one; never a credential, never a whole body."""
    told = body or {}
    words = " ".join(str(told[name]) for name in ("code", "error", "message", "error_description")
                     if isinstance(told.get(name), str))
    for secret in secrets:
        words = words.replace(secret, "…") if secret else words
    return f": {''.join(letter if letter.isprintable() else ' ' for letter in words)[:QUOTED]}" if words else ""
