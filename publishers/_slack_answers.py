"""What Slack's answers mean: HTTP 200 for nearly everything, and the rest is in the body. Thinking only.

Sources: docs.slack.dev/reference/methods/chat.postMessage (errors), /apis/web-api/rate-limits, read 2026-11-22.
"""
import re
from typing import Any

from publishers._answers import object_in
from publishers._http import Answer, retry_after
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

QUOTED = 300                             # characters of the network's own words in an error
TS = re.compile(r"[0-9]{10}\.[0-9]{6}")
_DEAD = frozenset(("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"))
_LOCKED_OUT = frozenset((
    "missing_scope", "not_in_channel", "channel_not_found", "is_archived", "no_permission", "access_denied",
    "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
    "restricted_action_non_threadable_channel", "restricted_action_thread_locked", "not_allowed_token_type",
    "ekm_access_denied", "enterprise_is_restricted", "org_login_required", "team_access_not_granted",
    "two_factor_setup_required", "as_user_not_supported", "channel_type_not_supported", "user_not_in_channel"))
_WAIT = frozenset(("ratelimited", "rate_limited", "message_limit_exceeded"))
# "The server could not complete your operation(s)"; "it's possible some aspect of the operation succeeded"
_FAILED_INSIDE = frozenset(("fatal_error", "internal_error", "request_timeout", "service_unavailable",
                            "team_added_to_org", "external_channel_migrating", "accesslimited"))
_REFUSALS = frozenset((400, 403, 404, 413, 422))


def understood(answer: Answer, token: str, *, creating: bool) -> dict[str, Any]:
    """The object of a yes. Raises what a no means; whatever may have left a message is Unconfirmed if `creating`."""
    in_doubt = Unconfirmed if creating else Unavailable
    body = object_in(answer.body)
    if body is not None and body.get("ok") is True and 200 <= answer.status < 300:
        return body
    if answer.status == 429:
        raise RateLimited("Slack asks to wait", retry_after(answer.headers))
    if answer.status == 401:
        raise _unauthorized("HTTP 401", dead=True)
    is_own = body is not None and body.get("ok") is False and isinstance(body.get("error"), str)
    if body is not None and is_own and (200 <= answer.status < 300 or answer.status in _REFUSALS):
        raise _refusal(answer, body, token, in_doubt)
    if answer.status == 413:
        raise Rejected("Slack answered 413: the request is too large")
    raise in_doubt(f"Slack answered {answer.status} with nothing that can be understood")


def error_in(answer: Answer) -> str | None:
    """Slack's own word for what is wrong, if this answer holds one."""
    body = object_in(answer.body)
    return body["error"] if body is not None and isinstance(body.get("error"), str) else None


def ts_in(value: Any) -> str:
    """A message's `ts`, which is its id in its channel. Raises ValueError for anything else."""
    ts = value.get("ts") if isinstance(value, dict) else None
    if not isinstance(ts, str) or not TS.fullmatch(ts):
        raise ValueError
    return ts


def _refusal(answer: Answer, body: dict[str, Any], token: str, in_doubt: type[PublishError]) -> PublishError:
    error = body["error"].replace(token, "…")[:QUOTED]
    if error in _DEAD:
        return _unauthorized(error, dead=True)
    if error in _WAIT:
        return RateLimited(f"Slack asks to wait ({error})", retry_after(answer.headers))
    if error in _LOCKED_OUT:
        return _unauthorized(error, dead=False)
    why = f"Slack refused it: {error}{_details(body, token)}"
    if error in _FAILED_INSIDE:
        return in_doubt(f"Slack failed inside: {error}")
    if error == "invalid_blocks" and "slack file" in why.lower():
        # some seconds after its upload a file is not there yet: slackapi/python-slack-sdk issue 1521, 2024-06-28
        return Unavailable(f"{why} (the picture is not ready there; nothing was posted)")
    return Rejected(why)


def _unauthorized(error: str, *, dead: bool) -> Unauthorized:
    remedy = {"not_in_channel": "write /invite and the app's name in the channel",
              "channel_not_found": "is channel_id right? For a private channel write /invite and the app's name there",
              "is_archived": "the channel is archived", "missing_scope": "add the scope under OAuth & Permissions and "
              "install the app again"}.get(error, "see the app's page, OAuth & Permissions")
    return Unauthorized(f"Slack does not let the app do this ({error}): {remedy}", dead=dead)


def _details(body: dict[str, Any], token: str) -> str:
    """The first lines of what Slack says is wrong with the blocks."""
    several = body.get("errors")
    lines = [str(line) for line in several if isinstance(line, str)] if isinstance(several, list) else []
    said = " ".join("; ".join(lines[:3]).replace(token, "…").split())
    return f" ({said[:QUOTED]})" if said else ""
