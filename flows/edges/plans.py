"""Accepted plans in the archive: the highest number is the last good one, and times once given stay given."""
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from flows.edges.store import Store
from schemas.ledger import Slot
from schemas.report import rfc3339

_GOOD = "v1/plan/good/"


def last_good(store: Store) -> dict[Slot, datetime]:
    """The times that the last good plan found, also for what waits; nothing if none was accepted. Raises StoreError.

    Times that are written in the content are not among them: they are what the content says.
    """
    body = _newest(store)
    if body is None:
        return {}
    kept = json.loads(body)
    times = {**kept.get("waiting", {}), **kept["items"]}
    return {Slot.parse(slot): datetime.fromisoformat(at).astimezone(UTC) for slot, at in times.items()}


def good_commit(store: Store) -> str | None:
    """The commit of the last good plan; None if no plan was accepted yet. Raises StoreError."""
    body = _newest(store)
    return None if body is None else str(json.loads(body)["commit"])


def accept(store: Store, commit: str, found: Mapping[Slot, datetime], *, now: datetime) -> None:
    """Keeps the plan of `commit` as the last good one, unless it is so already: the times it `found` for its slots.

    Rivals may both write: the higher number wins.
    """
    items = {str(slot): rfc3339(at) for slot, at in sorted(found.items())}
    names = [key.removeprefix(_GOOD) for key in store.list(_GOOD)]
    number = max((int(name.split(".")[0]) for name in names), default=0)
    if number:
        newest = store.get(f"{_GOOD}{number:06d}.json")
        if newest is not None and (kept := json.loads(newest))["commit"] == commit and kept["items"] == items:
            return
    plan_kept = {"v": 1, "commit": commit, "at": rfc3339(now), "items": items}
    body = json.dumps(plan_kept, sort_keys=True, separators=(",", ":")).encode()
    while not store.create(f"{_GOOD}{(number := number + 1):06d}.json", body):
        pass                                                      # a rival took the number; the next one is free


def _newest(store: Store) -> bytes | None:
    newest = max(store.list(_GOOD), default=None)
    return store.get(newest) if newest is not None else None
