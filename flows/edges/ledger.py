"""What was tried, written so that nobody can write it twice: records, payloads, media, evidence over a store.

Keys: exactly-once, section 3. Nothing here is ever overwritten or deleted.
"""
import hashlib
import logging
import os
import secrets
import socket
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.edges import months
from flows.edges._chain import LEDGERS, Finding, load, record_key, split_key
from flows.edges._index import DONE, Done, done_key, lines, parsed, with_bodies
from flows.edges._verify import Seen, Verified, verify
from flows.edges.store import Store
from flows.planning.folding import fold
from flows.planning.sealing import ENDS, newest
from schemas.errors import StoreError
from schemas.ledger import (
    Entry,
    Evidence,
    Kind,
    PartReceipt,
    Pin,
    Receipt,
    Record,
    Slot,
    State,
    Upload,
    Withdrawal,
    canonical,
    idempotency_key,
)

__all__ = ["Done", "Finding", "Ledger", "Seen", "Verified", "is_gone", "new_nonce", "rebuild_line", "verify",
           "worker_id"]

log = logging.getLogger(__name__)
_WITHDRAWN = "v1/withdrawn/"
_RUN = secrets.token_hex(4)


def new_nonce() -> str:
    """16 random bytes as hex: tells two records apart that say the same."""
    return secrets.token_hex(16)


def worker_id(name: str = "send") -> str:
    """This process: `host/pid/boot/run`. `run` is `name` and what is random for each process: a pid comes again."""
    return "/".join((socket.gethostname(), str(os.getpid()), _boot(), f"{name}-{_RUN}"))


def is_gone(worker: str) -> bool:
    """Whether `worker` was a process of this machine and namespace since its last start, and runs no more."""
    host, pid, boot, *_ = *worker.split("/"), "", "", ""
    here = _boot()
    if host != socket.gethostname() or boot != here or here == "unknown" or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _boot() -> str:
    """Tells a process from one of the same pid before a restart, or in another namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return "unknown"            # not Linux: host, pid and run must do


def rebuild_line(store: Store, receipt: Receipt) -> bool:
    """True: the line of this receipt is in the index. False: an older one stands there, and stays."""
    return store.create(done_key(receipt), canonical(receipt))


class Ledger:
    """The ledgers in one store, read and written by one worker. Every method may raise StoreError."""

    def __init__(self, store: Store, *, worker: str, now: Callable[[], datetime],
                 nonce: Callable[[], str] = new_nonce) -> None:
        self._store = store
        self._worker = worker
        self._now = now
        self._nonce = nonce
        self._kept: set[str] = set()

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

    def media_link(self, sha256: str, kind: str, lives_s: float) -> str | None:
        """An address at which anybody may read a file for so long; None: this archive has none. Raises StoreError."""
        return self._store.link(f"v1/media/{sha256}", kind, lives_s)

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

    # --- what ended ---------------------------------------------------------------------------------------------------

    def mark_done(self, receipt: Receipt) -> None:
        """Adds the slot to the index of what ended. Coped with if the store refuses: the index can be rebuilt."""
        if receipt.state not in ENDS:
            raise ValueError(f"{receipt.state} is no end")
        try:
            self._store.create(done_key(receipt), canonical(receipt))
        except StoreError as error:
            log.warning("left the index without a line slot=%s state=%s why=%s", receipt.slot, receipt.state,
                        error.what)

    def terminal_slots(self, day: date | None = None) -> Iterator[Done]:
        """What ended, by the day it was due; of one day if given. Cheap: reads the keys of the index, nothing else."""
        for _, done in lines(self._store, f"{DONE}{day:%Y/%m/%d}/" if day else DONE):
            yield done

    def receipts(self, on: date | str) -> dict[Slot, Receipt]:
        """The slots due on a day, or in a month (`2026-11`), that have ended; a slot that was reopened is left out.

        A closed month comes from its file, as it was when it was closed. Else: a listing, and one read for each slot,
        two where the slot could have been reopened. A line that cannot be read is passed over: its ledger tells.
        """
        closed = months.closed_receipts(self._store, on if isinstance(on, str) else months.month_of(on))
        if closed is not None:
            return newest(one for one in closed if isinstance(on, str) or one.due.date() == on)
        day = on.replace("-", "/") if isinstance(on, str) else f"{on:%Y/%m/%d}"
        found = newest(self._read_lines(lines(self._store, f"{DONE}{day}/")))
        return {slot: receipt for slot, receipt in found.items() if self._is_last(slot, receipt)}

    def all_receipts(self) -> dict[Slot, Receipt]:
        """How every slot ended, closed months from their files. What was reopened is among them: `open_slots` tells."""
        closed = months.all_closed_receipts(self._store)
        known = {(Slot.parse(one.slot), month) for month, found in closed.items() for one in found}
        rest = (line for line in lines(self._store) if (line[1].slot, months.month_of(line[1].due)) not in known)
        return newest((*(one for found in closed.values() for one in found), *self._read_lines(rest)))

    def receipts_of(self, channel: str, since: datetime, until: datetime,
                    also: Iterable[Slot] = ()) -> dict[str, Slot]:
        """The network's ids that slots of a channel hold, with the slot: of what was due around `since` to `until`.

        Ended slots come from the index, two days before to one after; those in `also` from their ledgers. Raises
        StoreError for a damaged ledger, since a stranger's post must never be taken for ours.
        """
        day, last = since.astimezone(UTC).date() - timedelta(days=2), until.astimezone(UTC).date() + timedelta(days=1)
        ids: dict[str, Slot] = {}
        asked = set(also)
        while day <= last:
            ours = ((key, done) for key, done in lines(self._store, f"{DONE}{day:%Y/%m/%d}/")
                    if done.slot.channel == channel)
            for _, done, raw in with_bodies(self._store, ours):
                receipt = parsed(raw)
                if receipt is None or not self._is_last(done.slot, receipt):
                    asked.add(done.slot)
                else:
                    ids.update((part.id, done.slot) for part in receipt.parts)
            day += timedelta(days=1)
        for slot in asked:
            ids.update((part.id, slot) for part in fold(slot, self.read(slot)).parts)
        return ids

    def _read_lines(self, found: Iterator[tuple[str, Done]]) -> Iterator[Receipt]:
        for key, _, raw in with_bodies(self._store, found):
            receipt = parsed(raw)
            if receipt is None:
                log.warning("a line of the index cannot be read key=%s", key)
            else:
                yield receipt

    def _is_last(self, slot: Slot, receipt: Receipt) -> bool:
        """Whether nothing was recorded after the receipt; nothing can be after `published`."""
        if receipt.state is State.published:
            return True
        return self._store.get(record_key(slot, receipt.records + 1)) is None

    # --- what there is ------------------------------------------------------------------------------------------------

    def open_slots(self, ended: Collection[Slot] = ()) -> Iterator[tuple[Slot, int]]:
        """Every slot with a ledger that is not in `ended`, and how many records it has; from one listing."""
        owned = (split for key in self._store.list(LEDGERS) if (split := split_key(key)) is not None)
        for slot, group in groupby(owned, key=lambda split: split[0]):
            if slot not in ended:
                yield slot, sum(1 for _ in group)

    def all_slots(self) -> Iterator[Slot]:
        """Every slot that has a ledger, each once, in the order of their keys."""
        for slot, _ in self.open_slots():
            yield slot

    # --- media on the network -----------------------------------------------------------------------------------------

    def put_handle(self, account: str, media_sha256: str, upload: Upload) -> int:
        """Kept: what a network calls a file that was uploaded for `account` (a channel's id). The number it got."""
        folder = f"v1/upload/{account}/{media_sha256}/"
        number = max((int(name) for name in self._handle_names(folder)), default=0) + 1
        while not self._store.create(f"{folder}{number:06d}.json", canonical(upload)):
            number += 1
        return number

    def handles(self, account: str, media_sha256: str) -> tuple[Upload, ...]:
        """All that were kept, newest first, expired ones too. What cannot be read is passed over: upload it again."""
        folder = f"v1/upload/{account}/{media_sha256}/"
        found = []
        for name in sorted(self._handle_names(folder), reverse=True):
            try:
                found.append(Upload.model_validate_json(self._store.get(f"{folder}{name}.json") or b""))
            except ValidationError:
                log.warning("a kept upload cannot be read key=%s%s.json", folder, name)
        return tuple(found)

    def _handle_names(self, folder: str) -> list[str]:
        names = [key.removeprefix(folder).removesuffix(".json") for key in self._store.list(folder)]
        return [name for name in names if name.isdigit()]

    # --- what was taken back ----------------------------------------------------------------------------------------

    def put_withdrawal(self, slot: Slot, withdrawal: Withdrawal) -> None:
        """Kept beside the slot's ledger, which never changes."""
        folder = f"{_WITHDRAWN}{slot.folder}/"
        number = max((int(name) for name in self._handle_names(folder)), default=0) + 1
        while not self._store.create(f"{folder}{number:06d}.json", canonical(withdrawal)):
            number += 1

    def withdrawals(self, slot: Slot | None = None) -> dict[Slot, Withdrawal]:
        """The last withdrawal of each slot that has one, or of `slot` alone. Raises StoreError for a damaged one."""
        found: dict[Slot, Withdrawal] = {}
        for key in self._store.list(f"{_WITHDRAWN}{slot.folder}/" if slot else _WITHDRAWN):
            try:
                found[Slot.from_folder(key.removeprefix(_WITHDRAWN).rpartition("/")[0])] = (
                    Withdrawal.model_validate_json(self._store.get(key) or b""))
            except ValidationError as error:
                raise StoreError(f"{key} cannot be read", remedy="restore it from a copy, or move it away") from error
        return found

    # --- objects by their hash ----------------------------------------------------------------------------------------

    def _put(self, body: bytes, pattern: str) -> str:
        sha256 = hashlib.sha256(body).hexdigest()
        key = pattern.format(sha256)
        if key not in self._kept:                       # an image for three channels is written once
            if not self._store.create(key, body):
                raise StoreError(f"{key} holds other bytes than its name says", remedy="run: drumbeat archive verify")
            self._kept.add(key)
        return sha256

    def _get(self, sha256: str, pattern: str) -> bytes:
        key = pattern.format(sha256)
        body = self._store.get(key)
        if body is None:
            raise StoreError(f"{key} is not in the archive", remedy="restore it from a copy or an older version")
        if hashlib.sha256(body).hexdigest() != sha256:
            raise StoreError(f"{key} holds other bytes than its name says", remedy="run: drumbeat archive verify")
        return body
