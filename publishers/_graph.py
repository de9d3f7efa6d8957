"""What the Graph API's answers mean. Meta's networks share its error objects, its lists and its rate headers.

Thinking only: answers come in as values. Sources: Graph API "Handle Errors", "Rate Limits", "Paginated Results" and
the references of Post and Comment, read 2026-11-22.
"""
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from publishers._answers import object_in
from publishers._http import LONGEST_WAIT, Answer, moment, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

QUOTED = 200                     # characters of the network's own words in an error

_REFUSALS = frozenset({400, 401, 403, 404, 413, 422})    # any other status proves nothing, whatever its body says
_RATE = frozenset({4, 17, 32, 341, 613, 80001, 80002})
_NOT_ALLOWED = frozenset({3, 10, 102, 104, 190, *range(200, 300)})
_DEAD = frozenset({102, 190})    # the token itself: expired or withdrawn
_FAILED_INSIDE = frozenset({1, 2})
_NO_OBJECT = (100, 33)           # deleted, or out of the token's sight
_DUPLICATE = 506                 # only a post identical to the one just before it


class _Told(BaseModel):
    """Part of an answer; fields we did not ask for are left alone."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Attachment(_Told):
    media_type: str = ""
    subattachments: "Attachments | None" = None


class Attachments(_Told):
    data: tuple[Attachment, ...] = ()


class Author(_Told):
    id: str


class Entry(_Told):
    """A post or a comment in a list. `author` is None when the token may not see it."""

    id: str = Field(min_length=1)
    message: str = ""
    created_time: AwareDatetime              # whole seconds
    permalink_url: str | None = None
    author: Author | None = Field(default=None, alias="from")
    attachments: Attachments | None = None

    @property
    def photos(self) -> int:
        """How many photos it shows: an album lists them below its one attachment, a single photo is the attachment."""
        top = self.attachments.data if self.attachments else ()
        below = [item for one in top if one.subattachments for item in one.subattachments.data]
        return sum(item.media_type == "photo" for item in below or top)


class _Cursors(_Told):
    after: str | None = None


class _Paging(_Told):
    next: str | None = None                  # a whole address with the token in it: read as "there is more", never used
    cursors: _Cursors = _Cursors()


class Listing(_Told):
    """One page of a list."""

    data: tuple[Entry, ...]
    paging: _Paging = _Paging()


def understood(answer: Answer | None, token: str, *, creating: bool, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON object of a yes. Raises what a no means; whatever may have left a post is Unconfirmed if `creating`.

    What the network said is quoted in part, on one line, without the token and other `secrets`, and not at all when it
    is about the token.
    """
    in_doubt = Unconfirmed if creating else Unavailable
    if answer is None:
        raise in_doubt("the network gave no answer")
    body = object_in(answer.body)
    fault = body.get("error") if body else None
    if isinstance(fault, dict):
        raise _refusal(answer, fault, (token, *secrets), in_doubt)
    if answer.status == 429:
        raise RateLimited("the network asks to wait (HTTP 429)", wait_until(answer.headers))
    if answer.status == 401:
        raise _unauthorized("HTTP 401", dead=True)
    if not body or fault is not None or not 200 <= answer.status < 300:
        raise in_doubt(f"the network answered HTTP {answer.status} with nothing that can be understood")
    return body


def is_gone(answer: Answer | None) -> bool:
    """Whether the network says that there is no such object, or none that the token may see: it tells no difference."""
    body = object_in(answer.body) if answer is not None and answer.status in _REFUSALS else None
    fault = body.get("error") if body else None
    return isinstance(fault, dict) and (fault.get("code"), fault.get("error_subcode")) == _NO_OBJECT


def listing(body: Mapping[str, Any]) -> Listing:
    """One page of a list. Raises Unavailable when it is not one: a look may be repeated."""
    try:
        return Listing.model_validate(body)
    except ValidationError as error:
        places = ", ".join(".".join(str(step) for step in fault["loc"])
                           for fault in error.errors(include_url=False, include_context=False, include_input=False)[:3])
    raise Unavailable(f"the network's list cannot be read: {places}")


def wait_until(headers: Mapping[str, str]) -> datetime | None:
    """When the network will listen again, by its own clock: the longest wait that it names; None if none is."""
    base, longest_m = moment(headers.get("date", "")), LONGEST_WAIT.total_seconds() / 60
    ends = [retry_after(headers)]
    for uses in (object_in(headers.get("x-business-use-case-usage", "")) or {}).values():
        for use in uses if isinstance(uses, list) else ():
            minutes = use.get("estimated_time_to_regain_access") if isinstance(use, dict) else None
            if base is not None and isinstance(minutes, int | float) and 0 < minutes <= longest_m:
                ends.append(base + timedelta(minutes=minutes))
    return max((end for end in ends if end is not None), default=None)


def _refusal(answer: Answer, fault: Mapping[str, Any], secrets: Iterable[str],
             in_doubt: type[PublishError]) -> PublishError:
    code, subcode = fault.get("code"), fault.get("error_subcode")
    code = code if isinstance(code, int) else 0
    name = f"code {code}" + (f", subcode {subcode}" if isinstance(subcode, int) else "")
    # A code counts only with the status of a refusal: an error out of a 5xx, or of a 200, proves nothing.
    refused = answer.status in _REFUSALS
    if answer.status == 429 or (refused and code in _RATE):
        return RateLimited(f"the network asks to wait ({name})", wait_until(answer.headers))
    if answer.status == 401 or (refused and code in _NOT_ALLOWED):
        return _unauthorized(name, dead=answer.status == 401 or code in _DEAD)
    if code == _DUPLICATE and in_doubt is Unconfirmed:
        return Unconfirmed(f"the network says that the latest post is identical ({name}): it may be this one")
    said = " ".join(str(fault.get("error_user_msg") or fault.get("message") or "no reason given").split())
    for secret in filter(None, secrets):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            said = said.replace(form, "[token]")
    if not refused or code in _FAILED_INSIDE or fault.get("is_transient") is True:
        return in_doubt(f"the network failed inside ({name}, HTTP {answer.status}): {said[:QUOTED]}")
    return Rejected(f"the network refused it ({name}): {said[:QUOTED]}")


def _unauthorized(name: str, *, dead: bool) -> Unauthorized:
    return Unauthorized(f"the network does not accept the access token for this ({name}); it has expired, "
                        "was withdrawn, or lacks a permission", dead=dead)
