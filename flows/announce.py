"""Events of ours from flow runs: what automations hear. They carry slots, states and short reasons, never texts."""
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from prefect.events import emit_event

from flows.gather import WRONG, Line, Many
from flows.quote import plain

LABEL = "drumbeat.reason"
TOLD = "drumbeat.told"
ALONE, TOGETHER, NOBODY = "alone", "together", "nobody"
"""What the label says: whether people hear of this event by itself, of many like it in one message, or, in a rehearsal,
not at all."""
_TOLD = WRONG | {"published"}
_HELD_BACK = ("'drumbeat gates'", "'drumbeat resume")


def announce(name: str, kind: str, id: str, payload: Mapping[str, Any], *, reason: str = "",
             related: Mapping[str, str | None] | None = None, alone: bool = True) -> None:
    """Emits `drumbeat.<name>` about `drumbeat.<kind>.<id>`; never waits for the server.

    `reason`: what makes it another event of the same thing; automations tell once for each. `related`: ids by kind.
    `alone` False: people hear of it by `announce_many`.
    """
    digest = hashlib.sha256(reason.encode()).hexdigest()[:12] if reason else ""
    emit_event(
        f"drumbeat.{name}",
        resource={"prefect.resource.id": f"drumbeat.{kind}.{id}", "prefect.resource.name": id, LABEL: digest,
                  TOLD: NOBODY if os.environ.get("DRUMBEAT_REHEARSAL") else ALONE if alone else TOGETHER},
        related=[{"prefect.resource.id": f"drumbeat.{role}.{what}", "prefect.resource.role": role,
                  "prefect.resource.name": what} for role, what in (related or {}).items() if what],
        payload={key: plain(value) if isinstance(value, str) else value for key, value in payload.items()})


def announce_many(many: Many) -> None:
    """One event for all the bad ends that people were not told of by themselves."""
    announce("post.many", "slots", "many", reason=many.name, payload={
        "count": str(many.count), "states": dict(many.states), "reason": many.words})


def announce_slot(line: Line, *, alone: bool = True) -> None:
    """What became of one slot. What waits is told only when a gate or a person keeps it: nothing else is news."""
    state, reason = line["state"], line["reason"] or ""
    if state not in _TOLD and not (state == "waiting" and any(words in reason for words in _HELD_BACK)):
        return
    about = {name: line[name] for name in ("slot", "state", "reason", "url", "at", "sent_at", "next")}
    announce(f"post.{state}", "slot", line["slot"], about, reason=f"{state} {reason}",
             related={"channel": line["channel"], "campaign": line["campaign"]}, alone=alone)
