"""What stands in the answers of DEV. Thinking only: answers come in as values.

Sources: developers.forem.com/api/v1 and forem/forem app/views/api/v1/articles, read 2026-11-22.
"""
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from publishers._blogs import is_web, object_in, refusal, said, value_in
from publishers._http import Answer
from schemas.errors import PublishError, Unavailable
from schemas.ledger import PartReceipt

_TOO_SOON = "already been used in the last five minutes"


def error_in(answer: Answer) -> str:
    """DEV's own reason; "" when it is not DEV that speaks."""
    try:
        body = object_in(answer)
    except ValueError:
        return ""
    error = body.get("error") or body.get("message")
    return error if isinstance(error, str) else ""


def meant(answer: Answer, in_doubt: type[PublishError], *secrets: str) -> PublishError:
    """What an answer that is no 2xx means."""
    error = error_in(answer)
    why = f"DEV answered {answer.status}{said(error, *secrets)}"
    if answer.status == 422 and _TOO_SOON in error:
        return Unavailable(f"{why}; in five minutes it can be tried again")
    return refusal(answer, why, in_doubt, is_own=bool(error), locked_out=answer.status == 403)


def is_missing(answer: Answer) -> bool:
    return answer.status == 404 and bool(error_in(answer))


def id_in(value: Mapping[str, Any]) -> str:
    """Raises ValueError."""
    id = value.get("id")
    if not isinstance(id, int) or isinstance(id, bool) or id < 1:
        raise ValueError
    return str(id)


def articles_in(answer: Answer) -> list[dict[str, Any]]:
    """The articles of a list. Raises ValueError for anything else."""
    listed = value_in(answer)
    if not isinstance(listed, list) or not all(isinstance(one, dict) and id_in(one) for one in listed):
        raise ValueError
    return listed


def published_at(article: Mapping[str, Any]) -> datetime:
    """Raises ValueError for an article without that moment."""
    said_at = article.get("published_at")
    at = datetime.fromisoformat(said_at) if isinstance(said_at, str) else None
    if at is None or at.tzinfo is None:
        raise ValueError
    return at


def receipt_in(article: Mapping[str, Any]) -> PartReceipt:
    """Raises ValueError."""
    url = article.get("url")
    return PartReceipt(id=id_in(article), url=url if isinstance(url, str) and is_web(url) else None)
