"""Accepted plans in the archive: the highest number is the last good one, and times once given stay given.

What was rejected while a plan was in force is kept beside it, and so is who let a rewritten history in.
"""
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flows.edges.store import Store
from schemas.errors import StoreError
from schemas.ledger import Slot
from schemas.report import rfc3339

_GOOD = "v1/plan/good/"
_REJECTED = "v1/plan/rejected/"
_REWRITTEN = "v1/plan/rewritten/"


class Good(NamedTuple):
    """The plan in force, and since when (UTC)."""

    number: int
    commit: str
    at: datetime


class Rejection(NamedTuple):
    """A commit whose plan did not come into force, and why. `problems` are objects as `check --json` has them."""

    commit: str
    at: datetime
    why: str
    remedy: str
    problems: tuple[Mapping[str, Any], ...] = ()


def last_good(store: Store) -> dict[Slot, datetime]:
    """The times that the last good plan found, also for what waits; nothing if none was accepted. Raises StoreError.

    Times that are written in the content are not among them: they are what the content says.
    """
    newest = max(store.list(_GOOD), default=None)
    if newest is None:
        return {}
    with _readable(newest):
        kept = json.loads(store.get(newest) or b"")
        times = {**kept.get("waiting", {}), **kept["items"]}
        return {Slot.parse(slot): datetime.fromisoformat(at).astimezone(UTC) for slot, at in times.items()}


def good_commit(store: Store) -> str | None:
    """The commit of the last good plan; None if no plan was accepted yet. Raises StoreError."""
    force = good(store)
    return force.commit if force is not None else None


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


def good(store: Store, after: int | None = None) -> Good | None:
    """The last good plan; None: there is none, or none after number `after`, which is asked cheaply."""
    if after is None:
        newest = max(store.list(_GOOD), default=None)
        return _good(newest, store.get(newest) or b"") if newest is not None else None
    found = None
    while (body := store.get(key := f"{_GOOD}{after + 1:06d}.json")) is not None:
        found, after = _good(key, body), after + 1
    return found


def _good(key: str, body: bytes) -> Good:
    with _readable(key):
        kept = json.loads(body)
        return Good(int(key.removeprefix(_GOOD).split(".")[0]), str(kept["commit"]), datetime.fromisoformat(kept["at"]))


def reject(store: Store, rejection: Rejection) -> bool:
    """Keeps that a commit was rejected while the last good plan stays in force. False: it is kept already."""
    body = json.dumps({"v": 1, **rejection._asdict(), "at": rfc3339(rejection.at)}, sort_keys=True).encode()
    key = f"{_rejected(good(store))}{rejection.commit}.json"
    return store.get(key) is None and store.create(key, body)


def rejections(store: Store, force: Good | None = None) -> list[Rejection]:
    """What was rejected since the plan in force was accepted, the newest last. `force`: that plan, if it is known.

    Raises StoreError.
    """
    made = []
    for key in store.list(_rejected(force or good(store))):
        with _readable(key):
            kept = json.loads(store.get(key) or b"")
            made.append(Rejection(kept["commit"], datetime.fromisoformat(kept["at"]), kept["why"], kept["remedy"],
                                  tuple(kept["problems"])))
    return sorted(made, key=lambda one: one.at)


def _rejected(force: Good | None) -> str:
    # by the commit: its plan gets another number whenever it finds new times
    return f"{_REJECTED}{force.commit if force else 'none'}/"


def allow_rewrite(store: Store, commit: str, *, by: str, reason: str, now: datetime) -> None:
    """Keeps that a person takes `commit` for good although it does not follow from the plan in force."""
    force = good(store)
    said = {"v": 1, "commit": commit, "instead_of": force.commit if force else None, "by": by, "reason": reason,
            "at": rfc3339(now)}
    store.create(f"{_REWRITTEN}{force.number if force else 0:06d}-{commit}.json",
                 json.dumps(said, sort_keys=True).encode())


def allowed_rewrites(store: Store, force: str) -> Iterable[str]:
    """The commits that persons took for good in this way while the plan of commit `force` was in force.

    Once one of them is in force itself, it excuses nothing any more: the next rewriting needs a word of its own.
    """
    found = []
    for key in store.list(_REWRITTEN):
        with _readable(key):
            said = json.loads(store.get(key) or b"")
            if said["instead_of"] == force:
                found.append(str(said["commit"]))
    return found


@contextmanager
def _readable(key: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{key} cannot be read", remedy="restore it from a copy, or move it away") from error
