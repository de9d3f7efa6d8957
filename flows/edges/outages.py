"""Outages of the remote in the archive: each clone that gets nothing notes it, so that whoever looks elsewhere is told.

An outage counts after a quarter of an hour; while it lasts, it is noted again every three hours, and once when it is
over. What nobody has noted again for six hours counts no more: that publisher is gone.
"""
import json
import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from flows.edges.store import Store
from schemas.outage import Outage
from schemas.report import rfc3339

log = logging.getLogger(__name__)
LONG = timedelta(minutes=15)
"""What is shorter is nobody's business: it mends itself."""
AGAIN, COUNTS = timedelta(hours=3), timedelta(hours=6)
OVER_FOR = timedelta(hours=1)
"""So long it is told that an outage is over: Prefect looks every quarter of an hour."""
_FOLDER = "v1/plan/unreachable/"
_MOST = 500


class Clone(NamedTuple):
    """Whose outage it is. `id`: of this machine and folder; `machine`: its name, for people."""

    id: str
    machine: str
    branch: str


def clone_of(machine: str, home: Path, branch: str) -> Clone:
    """The clone that the publisher of `home` fetches into."""
    name = re.sub(r"[^a-z0-9-]", "-", machine.lower())[:40] or "-"
    return Clone(f"{name}-{sha256(str(home).encode()).hexdigest()[:8]}", machine, branch)


class Sign(NamedTuple):
    """What a clone noted. `goes_by`: the newest plan in force that it has, by its commit; "": none."""

    clone: Clone
    since: datetime
    at: datetime
    why: str
    remedy: str
    goes_by: str
    is_over: bool = False


class Absence:
    """How long one clone has not reached its remote. Tells the archive once that is long, and when it is over."""

    def __init__(self, store: Store, clone: Clone, now: Callable[[], datetime],
                 elapsed_s: Callable[[], float]) -> None:
        self._store, self._clone, self._now, self._elapsed_s = store, clone, now, elapsed_s
        self._failing: tuple[float, datetime] | None = None      # since when, by both clocks
        self._why = self._remedy = ""
        self._told: Sign | None = None                            # the newest sign of this outage that we know of
        self._ended = False                                       # the archive was asked whether there is one to end

    def failed(self, why: str, remedy: str) -> None:
        """The remote did not answer."""
        self._failing = self._failing or (self._elapsed_s(), self._now())
        self._why, self._remedy = why[:_MOST], remedy

    def reached(self) -> None:
        """The remote answered."""
        self._failing = None

    def tell(self, goes_by: str) -> None:
        """Notes what is due to be noted. Other processes of the clone may have done so. Raises StoreError."""
        now = self._now()
        if self._failing is None:
            if self._told is not None or not self._ended:         # an earlier shift may have begun it
                before = self._newest(now)
                if before is not None and not before.is_over:
                    note(self._store, before._replace(at=now, goes_by=goes_by, is_over=True))
                self._told, self._ended = None, True
            return
        failing_s, since = self._failing
        if self._elapsed_s() - failing_s < LONG.total_seconds() or (
                self._told is not None and now - self._told.at < AGAIN):
            return
        before = self._newest(now)
        if before is not None and not before.is_over:
            self._told, since = before, before.since
            if now - before.at < AGAIN:
                return
        self._told = Sign(self._clone, since, now, self._why, self._remedy, goes_by)
        note(self._store, self._told)

    def _newest(self, now: datetime) -> Sign | None:
        found = signs(self._store, now, clone=self._clone.id)
        return found[-1] if found else None


def note(store: Store, sign: Sign) -> None:
    """Keeps the sign. What another process of the clone noted in the same second stands for both."""
    said = {"v": 1, **sign._asdict(), "clone": sign.clone.id, "machine": sign.clone.machine,
            "branch": sign.clone.branch, "since": rfc3339(sign.since), "at": rfc3339(sign.at)}
    store.create(f"{_FOLDER}{sign.at:%Y-%m-%d}/{sign.at:%H%M%S}~{sign.clone.id}~{'over' if sign.is_over else 'away'}",
                 json.dumps(said, sort_keys=True).encode())


def signs(store: Store, now: datetime, *, clone: str | None = None) -> list[Sign]:
    """The newest sign of each clone, or of one, that still counts; the newest last. Raises StoreError.

    What cannot be read says nothing: it is for people, and must keep nobody from the rest.
    """
    newest: dict[str, str] = {}
    for day in sorted({(now - COUNTS).date(), now.date()}):
        for key in store.list(f"{_FOLDER}{day}/"):
            if len(parts := key.split("~")) == 3:
                newest[parts[1]] = key
    found = [_read(key, store.get(key) or b"") for id, key in newest.items() if clone in (None, id)]
    return sorted((one for one in found if one is not None and now - one.at <= COUNTS), key=lambda one: one.at)


def outage(store: Store, now: datetime, force: str | None) -> Outage | None:
    """What does not arrive now, or does again since a while ago; None: nobody said that anything is amiss.

    Outages of several clones at a time are one. `force`: the commit in force. Raises StoreError.
    """
    known = signs(store, now)
    away = [one for one in known if not one.is_over]
    told = away or [one for one in known if now - one.at <= OVER_FOR]
    if not told:
        return None
    last, since = told[-1], min(one.since for one in told)
    for one in reversed([one for one in known if one.is_over]):   # who was first to be hit may be the first to be out
        if one.at >= since:
            since = min(since, one.since)
    return Outage(last.clone.branch, since, last.at, last.why, last.remedy, _machines(told),
                  _machines(one for one in away if force is not None and one.goes_by != force), is_over=not away)


def _machines(told: Iterable[Sign]) -> tuple[str, ...]:
    return tuple(sorted({one.clone.machine for one in told}))


def _read(key: str, body: bytes) -> Sign | None:
    try:
        kept = json.loads(body)
        since, at = (datetime.fromisoformat(kept[name]).astimezone(UTC) for name in ("since", "at"))
        clone = Clone(str(kept["clone"]), str(kept["machine"]), str(kept["branch"]))
        return Sign(clone, since, at, str(kept["why"]), str(kept["remedy"]), str(kept["goes_by"]),
                    bool(kept["is_over"]))
    except (ValueError, KeyError, TypeError):
        log.warning("outage not read key=%s", key)
        return None
