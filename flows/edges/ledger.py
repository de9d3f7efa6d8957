"""What was tried, written so that nobody can write it twice: records, payloads, media, evidence over a store.

Keys: exactly-once, section 3. Nothing here is ever overwritten or deleted.
"""
import hashlib
import logging
import os
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from flows.edges._chain import LEDGERS, Finding, load, record_key, split_key
from flows.edges._verify import Verified, verify
from flows.edges.store import Store
from schemas.errors import StoreError
from schemas.ledger import (
    Entry,
    Evidence,
    Kind,
    PartReceipt,
    Pin,
    Record,
    Slot,
    State,
    canonical,
    idempotency_key,
)

__all__ = ["Done", "Finding", "Ledger", "Verified", "is_gone", "new_nonce", "verify", "worker_id"]

log = logging.getLogger(__name__)
_DONE = "v1/done/"
_ENDS = (State.published, State.failed, State.skipped, State.missed)
_DONE_KEY = re.compile(rf"{_DONE}(?P<day>[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}})/(?P<state>{'|'.join(_ENDS)})/"
                       r"(?P<name>[^/~]+~[^/~]+~[^/~]+)")


class Done(NamedTuple):
    """One line of the index of what ended. An index only: a reopened slot keeps its older line."""

    slot: Slot
    state: State
    due: date


def new_nonce() -> str:
    """16 random bytes as hex: tells two records apart that say the same."""
    return secrets.token_hex(16)


def worker_id(run: str) -> str:
    """This process: `host/pid/boot/run`. `boot` tells a process from one of the same pid before a restart."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        boot += f".{Path('/proc/self/ns/pid').stat().st_ino}"       # a pid means something only in its namespace
    except OSError:
        boot = "unknown"            # not Linux: host, pid and run must do
    return "/".join((socket.gethostname(), str(os.getpid()), boot, run))


def is_gone(worker: str) -> bool:
    """Whether `worker` was a process of this machine and namespace since its last start, and runs no more."""
    host, pid, boot, *_ = *worker.split("/"), "", "", ""
    here = worker_id("").split("/")[2]
    if host != socket.gethostname() or boot != here or here == "unknown" or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Ledger:
    """The ledgers in one store, read and written by one worker. Every method may raise StoreError."""

    def __init__(self, store: Store, *, worker: str, now: Callable[[], datetime],
                 nonce: Callable[[], str] = new_nonce) -> None:
        self._store = store
        self._worker = worker
        self._now = now
        self._nonce = nonce

    @property
    def worker(self) -> str:
        return self._worker

    def read(self, slot: Slot) -> tuple[Entry, ...]:
        """Every record of `slot`, in order; none if nothing was tried. Raises StoreError for a broken chain."""
        folder = f"{LEDGERS}{slot.folder}/"
        names = [key.removeprefix(folder) for key in self._store.list(folder)]
        chain = load(self._store, slot, names)
        if chain.findings:
            first = chain.findings[0]
            raise StoreError(f"the ledger of {slot} cannot be relied on: {first.key}: {first.what}", first.remedy)
        return chain.entries

    def append(self, slot: Slot, last: Entry | None, kind: Kind, *, pin: Pin | None = None, part: int | None = None,
               attempt: int | None = None, send_window_s: float | None = None,
               request_timeout_s: float | None = None, detail: dict[str, Any] | None = None) -> Entry | None:
        """The record after `last`, now stored; None: fenced, another worker wrote that one, so reload and never send.

        Raises Unanswered if nobody knows whether it was stored: `draft` and `write` let the caller try again.
        """
        entry = self.draft(slot, last, kind, pin=pin, part=part, attempt=attempt, send_window_s=send_window_s,
                           request_timeout_s=request_timeout_s, detail=detail)
        return entry if self.write(slot, entry) else None

    def draft(self, slot: Slot, last: Entry | None, kind: Kind, *, pin: Pin | None = None, part: int | None = None,
              attempt: int | None = None, send_window_s: float | None = None,
              request_timeout_s: float | None = None, detail: dict[str, Any] | None = None) -> Entry:
        """The record that would follow `last`, with a nonce of its own; nothing is stored yet."""
        epoch = last.record.epoch if last else 0
        record = Record(
            seq=last.record.seq + 1 if last else 1, kind=kind, nonce=self._nonce(), worker=self._worker,
            epoch=epoch + 1 if kind is Kind.claim else epoch, prev=last.seal if last else None, at=self._now(),
            pin=pin, part=part, attempt=attempt, send_window_s=send_window_s, request_timeout_s=request_timeout_s,
            key=None if part is None else idempotency_key(slot, part), detail=detail or {},
        )
        raw = canonical(record)
        return Entry(Record.model_validate_json(raw), raw)      # what nobody could read back is never written

    def write(self, slot: Slot, entry: Entry) -> bool:
        """True: stored, by us. False: fenced. May be repeated with the same entry for as long as it is Unanswered."""
        return self._store.create(record_key(slot, entry.record.seq), entry.raw)

    def age(self, slot: Slot, seq: int) -> float | None:
        """Seconds since record `seq` was written, by the store's clock; None if there is none."""
        return self._store.age(record_key(slot, seq))

    def put_payload(self, payload: bytes) -> str:
        """Its sha256, under which it is now kept."""
        return self._put(payload, "v1/payload/{}.json")

    def put_media(self, media: bytes) -> str:
        """Its sha256, under which it is now kept."""
        return self._put(media, "v1/media/{}")

    def get_payload(self, sha256: str) -> bytes:
        """Raises StoreError if it is not there or not what its name says."""
        return self._get(sha256, "v1/payload/{}.json")

    def get_media(self, sha256: str) -> bytes:
        """Raises StoreError if it is not there or not what its name says."""
        return self._get(sha256, "v1/media/{}")

    def write_evidence(self, slot: Slot, *, epoch: int, part: int, attempt: int, receipt: PartReceipt | None,
                       detail: dict[str, Any] | None = None) -> Evidence:
        """Kept: what this worker learned about its call after another one had taken the slot over (rule R6)."""
        evidence = Evidence(nonce=self._nonce(), worker=self._worker, epoch=epoch, at=self._now(), part=part,
                            attempt=attempt, receipt=receipt, detail=detail or {})
        self._store.create(f"v1/evidence/{slot.folder}/{evidence.nonce}.json", canonical(evidence))
        return evidence

    def evidence(self, slot: Slot) -> tuple[Evidence, ...]:
        """All evidence about `slot`, oldest first by its writers' clocks."""
        found = []
        for key in self._store.list(f"v1/evidence/{slot.folder}/"):
            raw = self._store.get(key)
            try:
                found.append(Evidence.model_validate_json(raw or b""))
            except ValidationError as error:
                raise StoreError(f"{key} cannot be read", remedy="restore it from a copy, or move it away") from error
        return tuple(sorted(found, key=lambda one: (one.at, one.nonce)))

    def mark_done(self, slot: Slot, state: State, due: date) -> None:
        """Adds the slot to the index of what ended. Coped with if the store refuses: the index can be rebuilt."""
        if state not in _ENDS:
            raise ValueError(f"{state} is no end")
        name = "~".join((slot.post.replace("/", "."), slot.channel, slot.run))
        try:
            self._store.create(f"{_DONE}{due:%Y/%m/%d}/{state}/{name}", b"")
        except StoreError as error:
            log.warning("left the index without a line slot=%s state=%s why=%s", slot, state, error.what)

    def terminal_slots(self, day: date | None = None) -> Iterator[Done]:
        """What ended, by the day it was due; of one day if given. Cheap: reads the index, not the ledgers."""
        for key in self._store.list(f"{_DONE}{day:%Y/%m/%d}/" if day else _DONE):
            match = _DONE_KEY.fullmatch(key)
            if match:                   # what else lies there says nothing, and audit will rebuild the index
                slot = Slot.from_folder(match["name"].replace("~", "/"))
                yield Done(slot, State(match["state"]), date.fromisoformat(match["day"].replace("/", "-")))

    def all_slots(self) -> Iterator[Slot]:
        """Every slot that has a ledger, each once, in the order of their keys."""
        before = None
        for key in self._store.list(LEDGERS):
            split = split_key(key)
            if split and split[0] != before:
                before = split[0]
                yield before

    def _put(self, body: bytes, pattern: str) -> str:
        sha256 = hashlib.sha256(body).hexdigest()
        key = pattern.format(sha256)
        if not self._store.create(key, body):
            raise StoreError(f"{key} holds other bytes than its name says", remedy="run: drumbeat archive verify")
        return sha256

    def _get(self, sha256: str, pattern: str) -> bytes:
        key = pattern.format(sha256)
        body = self._store.get(key)
        if body is None:
            raise StoreError(f"{key} is not in the archive", remedy="restore it from a copy or an older version")
        if hashlib.sha256(body).hexdigest() != sha256:
            raise StoreError(f"{key} holds other bytes than its name says", remedy="run: drumbeat archive verify")
        return body
