"""What stands in the answers of a Ghost site. Thinking only: answers come in as values.

Sources: docs.ghost.org/admin-api; the words and codes are those of Ghost 6.65, seen 2026-11-22.
"""
import re
from collections.abc import Mapping
from typing import Any

from publishers._blogs import is_web, object_in, refusal, said
from publishers._http import Answer
from schemas.errors import PaymentRequired, PublishError
from schemas.ledger import PartReceipt

OUT = ("published", "sent", "scheduled")     # somebody gave it away already: nothing about it is ours to change
_ID = re.compile(r"[0-9a-f]{24}")
_LOCKED_OUT = ("UnauthorizedError", "NoPermissionError")
_NO_KEY = ("INVALID_JWT", "INVALID_AUTH_HEADER", "MISSING_ADMIN_API_KID", "UNKNOWN_ADMIN_API_KEY",
           "INVALID_API_KEY_TYPE")


def error_in(answer: Answer) -> dict[str, Any]:
    """Ghost's first reason; empty when it is not Ghost that speaks."""
    try:
        errors = object_in(answer).get("errors")
    except ValueError:
        return {}
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}


def meant(answer: Answer, in_doubt: type[PublishError], *secrets: str) -> PublishError:
    """What an answer that is no 2xx means."""
    error = error_in(answer)
    kind, code = str(error.get("type") or ""), str(error.get("code") or "")
    context = error.get("context") if error.get("context") != error.get("message") else None
    why = (f"Ghost answered {answer.status}{said(kind, *secrets)}{said(error.get('message'), *secrets)}"
           f"{said(context, *secrets)}")
    if kind == "HostLimitError":
        return PaymentRequired(why)
    return refusal(answer, why, in_doubt, is_own=bool(error),
                   locked_out=kind in _LOCKED_OUT or code in _NO_KEY)


def is_collision(answer: Answer) -> bool:
    """Whether Ghost refused because the post is not as it was when we last saw it."""
    return answer.status == 409 and error_in(answer).get("type") == "UpdateCollisionError"


def is_missing(answer: Answer) -> bool:
    return answer.status == 404 and error_in(answer).get("type") == "NotFoundError"


def many_in(answer: Answer, name: str) -> list[dict[str, Any]]:
    """The things of a kind that an answer lists. Raises ValueError."""
    listed = object_in(answer).get(name)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError
    return listed


def posts_in(answer: Answer) -> list[dict[str, Any]]:
    """Posts that have an id, a status and a moment of their last change. Raises ValueError."""
    for post in (posts := many_in(answer, "posts")):
        id_in(post)
        if not isinstance(post.get("status"), str) or not isinstance(post.get("updated_at"), str):
            raise ValueError
    return posts


def id_in(value: Mapping[str, Any]) -> str:
    """Raises ValueError."""
    id = value.get("id")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise ValueError
    return id


def file_in(answer: Answer) -> str:
    """The address of an uploaded picture. Raises ValueError."""
    (file,) = many_in(answer, "images")
    if not isinstance(address := file.get("url"), str) or not is_web(address):
        raise ValueError
    return address


def receipt_in(post: Mapping[str, Any]) -> PartReceipt:
    url = post.get("url")
    return PartReceipt(id=id_in(post), url=url if isinstance(url, str) and is_web(url) else None)
