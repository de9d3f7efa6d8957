"""Events of ours from flow runs: what automations hear. They carry slots, states and short reasons, never texts."""
import hashlib
from collections.abc import Mapping
from typing import Any

from prefect.events import emit_event

from flows.gather import WRONG, Line
from flows.quote import plain

LABEL = "drumbeat.reason"
_TOLD = WRONG | {"published"}
_HELD_BACK = ("'drumbeat gates'", "'drumbeat resume")


def announce(name: str, kind: str, id: str, payload: Mapping[str, Any], *, reason: str = "",
             related: Mapping[str, str | None] | None = None) -> None:
    """Emits `drumbeat.<name>` about `drumbeat.<kind>.<id>`; never waits for the server.

    `reason`: what makes it another event of the same thing; automations tell once for each. `related`: ids by kind.
    """
    digest = hashlib.sha256(reason.encode()).hexdigest()[:12] if reason else ""
    emit_event(
        f"drumbeat.{name}",
        resource={"prefect.resource.id": f"drumbeat.{kind}.{id}", "prefect.resource.name": id, LABEL: digest},
        related=[{"prefect.resource.id": f"drumbeat.{role}.{what}", "prefect.resource.role": role,
                  "prefect.resource.name": what} for role, what in (related or {}).items() if what],
        payload={key: plain(value) if isinstance(value, str) else value for key, value in payload.items()})


def announce_slot(line: Line) -> None:
    """What became of one slot. What waits is told only when a gate or a person keeps it: nothing else is news."""
    state, reason = line["state"], line["reason"] or ""
    if state not in _TOLD and not (state == "waiting" and any(words in reason for words in _HELD_BACK)):
        return
    about = {name: line[name] for name in ("slot", "state", "reason", "url", "at", "sent_at", "next")}
    announce(f"post.{state}", "slot", line["slot"], about, reason=f"{state} {reason}",
             related={"channel": line["channel"], "campaign": line["campaign"]})
