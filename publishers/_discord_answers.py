"""What Discord's answers mean. Thinking only: answers come in as values.

Sources: docs.discord.com/developers/topics/opcodes-and-status-codes, /topics/rate-limits, /resources/message,
read 2026-11-22.
"""
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from publishers._answers import value_in
from publishers._http import LONGEST_WAIT, Answer, moment, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

QUOTED = 300                             # characters of the network's own words in an error
UNKNOWN_MESSAGE = 10_008
# unknown channel, not allowed on this channel, missing access or permission, no history to reply from, a locked account
_LOCKED_OUT = frozenset({10_003, 20_001, 20_022, 40_001, 40_002, 50_001, 50_013, 160_002})
_SLOWMODE = 20_016
_REFUSALS = frozenset({400, 403, 404, 413, 422})
ID = re.compile(r"[1-9][0-9]{14,19}")


def understood(answer: Answer, token: str, *, creating: bool) -> Any:
    """The JSON of a yes. Raises what a no means; whatever may have left a message is Unconfirmed if `creating`."""
    in_doubt = Unconfirmed if creating else Unavailable
    body = value_in(answer.body)
    own = body if isinstance(body, dict) else None
    if 200 <= answer.status < 300:
        if body is None:
            raise in_doubt(f"Discord answered {answer.status}, but not with JSON")
        return body
    if answer.status == 401:
        raise Unauthorized("Discord does not know the bot's token (HTTP 401); reset it in the developer portal",
                           dead=True)
    if answer.status == 429 or (own and answer.status in _REFUSALS and own.get("code") == _SLOWMODE):
        raise RateLimited("Discord asks to wait", until(answer, own or {}))
    if answer.status == 413 or (own is not None and answer.status in _REFUSALS):
        raise _refusal(answer.status, own or {}, token)
    raise in_doubt(f"Discord answered {answer.status}{_words(own or {}, token)}")


def until(answer: Answer, body: dict[str, Any]) -> datetime | None:
    """When the wait ends, by Discord's clock; None if that is not said."""
    base, ends = moment(answer.headers.get("date", "")), [retry_after(answer.headers)]
    seconds = body.get("retry_after")
    if (base is not None and isinstance(seconds, int | float) and not isinstance(seconds, bool)
            and 0 < seconds <= LONGEST_WAIT.total_seconds()):
        ends.append(base + timedelta(seconds=float(seconds)))
    return max((end for end in ends if end is not None), default=None)


def id_in(value: Any) -> str:
    """Raises ValueError for what has no id of Discord's."""
    id = value.get("id") if isinstance(value, dict) else None
    if not isinstance(id, str) or not id.isdecimal() or not id.isascii():
        raise ValueError
    return id


def made_at(message: dict[str, Any]) -> datetime:
    """Raises KeyError, TypeError or ValueError for a message without a moment."""
    at = datetime.fromisoformat(message["timestamp"])
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def replied_to(message: dict[str, Any]) -> str | None:
    """The message that this one answers. A forwarded one answers nothing."""
    reference = message.get("message_reference")
    if not isinstance(reference, dict) or reference.get("type", 0) != 0:
        return None
    return str(reference.get("message_id"))


def _refusal(status: int, body: dict[str, Any], token: str) -> PublishError:
    why = f"Discord answered {status}{_words(body, token)}"
    if body.get("code") in _LOCKED_OUT:
        return Unauthorized(f"{why} (is channel_id right, and may the bot see the channel and send messages there?)")
    return Rejected(why)


def _words(body: dict[str, Any], token: str) -> str:
    """Discord's own reason, with what it says of single fields; never the token, never the whole body."""
    said = [str(body.get("message") or ""), *_faults(body.get("errors"), ())]
    words = " ".join(" ".join(said).replace(token, "…").split())[:QUOTED]
    code = f" ({body['code']})" if isinstance(body.get("code"), int) else ""
    return f"{code}: {words}" if words else code


def _faults(errors: Any, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(errors, dict) or len(path) > 8:
        return
    for name, value in errors.items():
        if name == "_errors" and isinstance(value, list):
            yield from (f"{'.'.join(path)}: {one.get('message')}" for one in value if isinstance(one, dict))
        else:
            yield from _faults(value, (*path, str(name)))
