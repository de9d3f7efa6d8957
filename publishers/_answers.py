"""What answers of several networks have in common: a JSON object, and the token that an OAuth endpoint sells."""
import json
from datetime import timedelta
from typing import Any

from publishers._http import Answer, moment
from schemas.errors import Unauthorized, Unavailable

_LONGEST_LIFE_S = 10 ** 9                # thirty years: what claims more is a wrong number


def value_in(body: str) -> Any:
    """The JSON value of an answer; None for what is no JSON, too."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def object_in(body: str) -> dict[str, Any] | None:
    """The JSON object of an answer; None for anything else."""
    value = value_in(body)
    return value if isinstance(value, dict) else None


def credentials_in(answer: Answer, network: str) -> dict[str, str]:
    """The fields that a token answer brings, with their end by the network's own clock.

    RFC 6749, sections 5.1 and 5.2: access_token, refresh_token if there is another one now, expires_in in seconds; or
    an error, which Reddit gives with status 200. Raises Unauthorized for that, Unavailable for anything else.
    """
    body = object_in(answer.body) or {}
    if isinstance(error := body.get("error"), str):
        raise Unauthorized(f"{network} gave no token: {error[:60]}", dead=error == "invalid_grant")
    if not isinstance(token := body.get("access_token"), str) or not token.strip():
        raise Unavailable(f"{network} answered {answer.status}, but not with a token")
    fields = {"access_token": token}
    if isinstance(renewal := body.get("refresh_token"), str) and renewal.strip():
        fields["refresh_token"] = renewal
    now, lives_s = moment(answer.headers.get("date", "")), body.get("expires_in")
    if now is not None and isinstance(lives_s, int) and 0 < lives_s < _LONGEST_LIFE_S:
        fields["expires_at"] = (now + timedelta(seconds=lives_s)).isoformat().replace("+00:00", "Z")
    return fields
