"""Whether the archive still says what was written: for `drumbeat archive verify` (threats, E1)."""
import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from flows.edges._chain import LEDGERS, Finding, load, record_key, split_key
from flows.edges.store import Store
from flows.planning.folding import Contradiction, advance
from schemas.ledger import Entry, Kind, Slot, Standing, idempotency_key

_OBJECTS = (("v1/payload/", ".json"), ("v1/media/", ""))
_PUT_BACK = "put it back from a copy; if it was erased on purpose, keep a note of who asked and when"


class Verified(NamedTuple):
    """What was looked at, and what is wrong with it; nothing if `findings` is empty."""

    slots: int
    records: int
    objects: int                # payloads and media
    findings: tuple[Finding, ...]


class _Wants(NamedTuple):
    """What the ledgers rely on: object key -> a record that names it; and payload key -> published records' ids."""

    objects: dict[str, str]
    published: dict[str, list[tuple[str, int]]]


def verify(store: Store) -> Verified:
    """Reads every ledger, payload and media file once. Raises StoreError only if the store does not answer.

    The last record of a ledger has no successor that vouches for its bytes: only its place in the state machine
    is checked here.
    """
    wants = _Wants({}, {})
    findings: list[Finding] = []
    slots = records = 0
    for slot, names in _ledgers(store, findings):
        chain = load(store, slot, names)
        slots, records = slots + 1, records + chain.found
        findings += chain.findings
        findings += _contradictions(slot, chain.entries, wants)
    objects = _check_objects(store, wants, findings)
    return Verified(slots, records, objects, tuple(findings))


def _ledgers(store: Store, findings: list[Finding]) -> Iterator[tuple[Slot, list[str]]]:
    """Each slot with the names in its folder; what fits nowhere goes to `findings`."""
    def owned() -> Iterator[tuple[Slot, str]]:
        for key in store.list(LEDGERS):
            split = split_key(key)
            if split:
                yield split
            else:
                findings.append(Finding(key, "belongs to no slot", remedy="find out who put it there, move it away"))

    for slot, group in groupby(owned(), key=lambda split: split[0]):
        yield slot, [name for _, name in group]


def _contradictions(slot: Slot, entries: tuple[Entry, ...], wants: _Wants) -> Iterator[Finding]:
    standing = Standing(slot)
    for entry in entries:
        record, key = entry.record, record_key(slot, entry.record.seq)
        try:
            standing = advance(standing, entry)
        except Contradiction as error:
            yield Finding(key, error.why, remedy="find out who wrote it; nothing more is sent for the slot")
            return
        if record.part is not None and record.key != idempotency_key(slot, record.part):
            yield Finding(key, "its idempotency key belongs to another slot or part",
                          remedy="find out who wrote it; it may have been copied from another ledger")
        if record.pin:
            wants.objects.setdefault(f"v1/payload/{record.pin.payload}.json", key)
            for media in record.pin.media:
                wants.objects.setdefault(f"v1/media/{media}", key)
        if record.kind is Kind.published and standing.pin:
            payload = f"v1/payload/{standing.pin.payload}.json"
            wants.published.setdefault(payload, []).append((key, len(standing.parts)))


def _check_objects(store: Store, wants: _Wants, findings: list[Finding]) -> int:
    """The number of payloads and media files, each held against its name."""
    seen: set[str] = set()
    for prefix, ending in _OBJECTS:
        for key in store.list(prefix):
            body = store.get(key)
            if body is None:
                continue                # erased since it was listed: reported below if anything needs it
            seen.add(key)
            if key != f"{prefix}{hashlib.sha256(body).hexdigest()}{ending}":
                findings.append(Finding(key, "holds other bytes than its name says", remedy=_PUT_BACK))
            elif key in wants.published:
                findings += _short_receipts(key, body, wants.published[key])
    findings += (Finding(key, f"is missing; {record} needs it", remedy=_PUT_BACK)
                 for key, record in wants.objects.items() if key not in seen)
    return len(seen)


def _short_receipts(payload: str, body: bytes, published: list[tuple[str, int]]) -> Iterator[Finding]:
    try:
        total = len(json.loads(body)["parts"])
    except (ValueError, KeyError, TypeError):
        yield Finding(payload, "is no payload: it has no list of parts", remedy=_PUT_BACK)
        return
    for key, ids in published:
        if ids != total:
            yield Finding(key, f"published with {ids} ids; its payload has {total} parts",
                          remedy="look at the account; nothing more is sent for the slot")
