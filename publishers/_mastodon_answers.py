"""What stands in the answers of a Mastodon server. Thinking only: answers come in as values."""
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from publishers._http import retry_after
from schemas.errors import Unavailable
from schemas.ledger import PartReceipt


def is_object(body: str) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def id_in(value: Mapping[str, Any]) -> str:
    if not isinstance(id := value.get("id"), str | int) or isinstance(id, bool) or id == "":
        raise Unavailable("the server gave no id")
    return str(id)


def receipt_in(status: Mapping[str, Any]) -> PartReceipt:
    """Raises KeyError, TypeError or ValueError for what is no post. An address that is not http(s) is not kept."""
    id, url = status["id"], status.get("url")
    if not isinstance(id, str | int) or isinstance(id, bool) or id == "":
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
