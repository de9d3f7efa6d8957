"""What the Bot API's answers mean. Thinking only: answers come in as values.

Sources: core.telegram.org/bots/api#making-requests and #responseparameters, read 2026-11-22; what the descriptions say
is the server's own word (github.com/tdlib/telegram-bot-api), not documented.
"""
import re
from datetime import datetime, timedelta
from typing import Any

from publishers._answers import object_in
from publishers._http import LONGEST_WAIT, Answer, moment, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

QUOTED = 300                             # characters of the network's own words in an error
_LOCKED_OUT = re.compile(r"chat not found|rights|CHAT_WRITE_FORBIDDEN|CHAT_ADMIN_REQUIRED|upgraded to a supergroup|"
                         r"bot is not a member|kicked", re.IGNORECASE)
_NOT_FETCHED = re.compile(r"failed to get HTTP URL content|WEBPAGE_CURL_FAILED", re.IGNORECASE)
GONE = re.compile(r"message to delete not found|MESSAGE_ID_INVALID", re.IGNORECASE)
STAYS = re.compile(r"message can't be deleted", re.IGNORECASE)


def understood(answer: Answer, token: str, *, creating: bool) -> Any:
    """The result of a yes. Raises what a no means; whatever may have left a message is Unconfirmed if `creating`."""
    in_doubt = Unconfirmed if creating else Unavailable
    body = object_in(answer.body)
    if body is not None and body.get("ok") is True and 200 <= answer.status < 300 and body.get("result") is not None:
        return body["result"]
    if answer.status == 429:
        raise RateLimited("Telegram asks to wait", until(answer, body or {}))
    if answer.status == 401:
        raise Unauthorized("Telegram does not know the bot's token (HTTP 401); get the current one from @BotFather",
                           dead=True)
    if body is not None and body.get("ok") is not True:
        raise _refusal(answer.status, body, token, in_doubt)
    if answer.status == 413:
        raise Rejected("Telegram answered 413: the request is too large")
    raise in_doubt(f"Telegram answered {answer.status} with nothing that can be understood")


def until(answer: Answer, body: dict[str, Any]) -> datetime | None:
    """When the wait ends, by Telegram's clock; None if that is not said."""
    parameters, base = body.get("parameters"), moment(answer.headers.get("date", ""))
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if (base is not None and isinstance(seconds, int) and not isinstance(seconds, bool)
            and 0 < seconds <= LONGEST_WAIT.total_seconds()):
        return base + timedelta(seconds=seconds)
    return retry_after(answer.headers)


def ids_in(result: Any) -> tuple[str, ...]:
    """The numbers of the message, or of each message of an album. Raises ValueError for anything else."""
    messages = result if isinstance(result, list) else [result]
    ids = [message.get("message_id") if isinstance(message, dict) else None for message in messages]
    if not ids or not all(isinstance(id, int) and not isinstance(id, bool) and id > 0 for id in ids):
        raise ValueError
    return tuple(str(id) for id in ids)


def address_in_result(result: Any) -> str | None:
    """Where people see it: by the chat's name, else by its number; a group that is no supergroup has no addresses."""
    first = result[0] if isinstance(result, list) else result
    chat = first.get("chat") if isinstance(first, dict) else None
    if not isinstance(chat, dict):
        return None
    if isinstance(name := chat.get("username"), str) and re.fullmatch(r"\w{4,32}", name, re.ASCII):
        return f"https://t.me/{name}/{first['message_id']}"
    if (number := str(chat.get("id", ""))).startswith("-100") and number[4:].isdecimal():
        return f"https://t.me/c/{number[4:]}/{first['message_id']}"
    return None


def _refusal(status: int, body: dict[str, Any], token: str, in_doubt: type[PublishError]) -> PublishError:
    said = " ".join(str(body.get("description") or "no reason given").replace(token, "…").split())[:QUOTED]
    why = f"Telegram answered {status}: {said}"
    match status:
        case 404:                        # the path holds the token: a path that is not there is a token that is none
            return Unauthorized(f"{why} (the token is not one of Telegram's)", dead=True)
        case 403:
            return Unauthorized(f"{why} (make the bot an administrator who may post)")
        case 400 if "migrate_to_chat_id" in (body.get("parameters") or {}) or _LOCKED_OUT.search(said):
            return Unauthorized(f"{why} (is chat_id right, and is the bot an administrator there?)")
        case 400 if _NOT_FETCHED.search(said):
            return Unavailable(f"{why} (Telegram could not fetch a file; nothing was posted)")
        case 400 | 413 | 422:
            return Rejected(why)
    return in_doubt(why)
