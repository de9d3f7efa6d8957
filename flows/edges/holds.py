"""Holds and resumes in the archive: every publisher asks for them just before it sends."""
import threading
from collections.abc import Callable

from pydantic import ValidationError

from flows.edges.clock import elapsed_s
from flows.edges.store import Store
from flows.planning.pausing import Paused, paused
from schemas.errors import StoreError
from schemas.hold import Hold
from schemas.ledger import canonical

_FOLDER = "v1/hold/"
FRESH_S = 1.0
"""So old an answer of the archive may be when something is sent: a hold acts within it, and a call's own time."""


class Holds:
    """What people have stopped. Safe for many threads: they share one look at the archive a second."""

    def __init__(self, store: Store, *, elapsed_s: Callable[[], float] = elapsed_s) -> None:
        self._store, self._elapsed_s = store, elapsed_s
        self._records: dict[str, Hold] = {}
        self._said: Paused | None = None
        self._looked_at = 0.0
        self._looking = threading.Lock()

    def now(self, within_s: float = FRESH_S) -> Paused:
        """What is stopped, as the archive had it at most so long ago. Raises StoreError: then nobody may send."""
        with self._looking:
            asked_at = self._elapsed_s()
            if self._said is None or asked_at - self._looked_at >= within_s:
                new = [key for key in self._store.list(_FOLDER) if key not in self._records]
                for key in new:
                    self._records[key] = _read(key, self._store.get(key))
                if new or self._said is None:
                    self._said = paused(self._records.values())
                self._looked_at = asked_at
            return self._said

    def active(self) -> tuple[Hold, ...]:
        """The holds in force, the oldest first, as the archive has them now. Raises StoreError."""
        return self.now(within_s=0.0).holds

    def add(self, record: Hold) -> Hold:
        """`record` under the next free number, kept. Raises StoreError."""
        self.now(within_s=0.0)
        number = max((one.number for one in self._records.values()), default=0)
        while True:
            number += 1
            record = record.model_copy(update={"number": number})
            if self._store.create(f"{_FOLDER}{number:06d}.json", canonical(record)):
                self._said = None                                 # the next look sees it, however soon it is
                return record


def _read(key: str, body: bytes | None) -> Hold:
    try:
        return Hold.model_validate_json(body or b"")
    except ValidationError:
        raise StoreError(f"{key} cannot be read, so nobody knows what is held; nothing is sent.",
                         "Restore it from a copy: it says who stopped what.") from None
