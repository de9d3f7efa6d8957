"""Events reach Prefect by one request each, without importing it: what sends must start fast and wait for nobody."""
import base64
import json
import logging
import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from flows.edges.prefect_server import without_login

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
PATIENCE_S = 3.0


def emit(name: str, resource: Mapping[str, str], payload: Mapping[str, Any],
         related: Iterable[Mapping[str, str]] = (), environment: Mapping[str, str] = os.environ) -> bool:
    """Whether Prefect's server has taken the event `name`. Never raises: what it could not be told stands in the log.

    `resource` has a label `prefect.resource.id`, each of `related` that and `prefect.resource.role`. Without
    PREFECT_API_URL there is nobody to tell. Source: prefect 3.8.8, server/api/events.py and events/schemas/events.py.
    """
    address = environment.get("PREFECT_API_URL", "").rstrip("/")
    if not address:
        return False
    import httpx  # not at the top: who has nobody to tell starts without it

    event = {"id": str(uuid.uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": name,
             "resource": dict(resource), "related": [dict(one) for one in related], "payload": dict(payload)}
    try:
        body = json.dumps([event], default=str, allow_nan=False)
        answer = _client().post(f"{address}/events", content=body,
                                headers={"Content-Type": "application/json", **_login(environment)})
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
        log.warning("Prefect was not told event=%s address=%s why=%s", name, _shown(address), type(error).__name__)
        return False
    if answer.status_code // 100 != 2:
        log.warning("Prefect did not take event=%s address=%s status=%d", name, _shown(address), answer.status_code)
        return False
    return True


@cache
def _client() -> "httpx.Client":
    """One for all events, for reading certificates takes long; each has a connection of its own: none is ever stale."""
    import httpx

    return httpx.Client(timeout=PATIENCE_S, limits=httpx.Limits(max_keepalive_connections=0))


def _shown(address: str) -> str:
    """The address without a login; what is no address is not shown, for nobody knows where a password stands in it."""
    try:
        return without_login(address)
    except ValueError:
        return "unreadable"


def _login(environment: Mapping[str, str]) -> dict[str, str]:
    """As Prefect's own client has it: the auth string goes before the key (client/orchestration/__init__.py)."""
    if login := environment.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    key = environment.get("PREFECT_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}
