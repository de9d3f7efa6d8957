"""Whether the archive still says what was written: for `drumbeat archive verify` and `drumbeat audit` (threats, E1)."""
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from pydantic import ValidationError

from flows.edges import months
from flows.edges._chain import LEDGERS, RESTORE, Chain, Finding, alike, load, record_key, split_key
from flows.edges._index import DONE, done_key, parsed, split_done
from flows.edges.store import Store, ahead
from flows.planning.folding import Contradiction, advance, fold
from flows.planning.sealing import ENDS, due_of, receipt_of
from schemas.ledger import Entry, Evidence, Kind, Receipt, Slot, Standing, State, canonical, idempotency_key

_PAYLOADS, _MEDIA, _EVIDENCE = "v1/payload/", "v1/media/", "v1/evidence/"
_PUT_BACK = "put it back from a copy; if it was erased on purpose, keep a note of who asked and when"
_MOVE = "find out who put it there, move it away"
_REBUILD = "move it away, then run: drumbeat archive rebuild-index"


class Seen(NamedTuple):
    """One slot of the archive. `receipt`: made from its ledger if it has ended and nothing is wrong with it."""

    state: State
    sound: bool
    due: datetime | None            # UTC; None: no record that can be relied on tells
    receipt: Receipt | None
    indexed: bool                   # its receipt has its line, or an older line stands there


class Verified(NamedTuple):
    """What was looked at, and what is wrong with it; nothing if `findings` is empty."""

    slots: int
    records: int
    objects: int                    # payloads and media
    lines: int                      # of the index of what ended
    manifests: int                  # of closed months
    erased: int                     # payloads and media that were erased; their hashes stand
    findings: tuple[Finding, ...]
    seen: Mapping[Slot, Seen]
    broken_months: frozenset[str]   # closed months with a finding of their own


class _Sealed(NamedTuple):
    """A receipt as `source` has it: a line of the index, or one of a month file."""

    source: str
    raw: bytes
    receipt: Receipt


class _Wants(NamedTuple):
    """What the ledgers rely on: object key -> a record that still needs it, or None once its slot has ended.

    And payload key -> published records with the number of their ids.
    """

    objects: dict[str, str | None]
    published: dict[str, list[tuple[str, int]]]


def verify(store: Store, *, objects: bool = True) -> Verified:
    """Reads all ledgers, index lines, closed months, payloads and media once; goes on after every finding.

    `objects` False: payloads and media are left out. Raises StoreError only if the store does not answer.
    """
    return _Look(store).whole(objects)


class _Look:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.findings: list[Finding] = []
        self.wants = _Wants({}, {})
        self.sealed: dict[Slot, list[_Sealed]] = {}
        self.indexed: set[str] = set()
        self.seen: dict[Slot, Seen] = {}
        self.records = 0

    def whole(self, objects: bool) -> Verified:
        closed = months.look(self.store)
        for source, raw in closed.sealed:
            receipt = parsed(raw)
            if receipt is None or canonical(receipt) != raw:
                self._name(source, "holds a line that is no receipt", RESTORE)
            else:
                self._expect(source, raw, receipt)
        self._index()
        ledgers = ahead(lambda one: (one[0], load(self.store, *one)), self._ledgers())
        for slot, chain in ledgers:
            self._slot(slot, chain)
        for slot, gone in self.sealed.items():                    # what is left has no ledger
            longest = max(gone, key=lambda one: one.receipt.records)
            self._name(record_key(slot, 1), f"the whole ledger is gone, {longest.receipt.records} records; "
                       f"{longest.source} was made from it", RESTORE)
            self.seen[slot] = Seen(longest.receipt.state, False, longest.receipt.due, None, True)
        self._evidence()
        checked, erased = self._objects() if objects else (0, 0)
        # an altered record can be noticed from two sides
        findings = tuple({(f.key, f.what): f for f in (*closed.findings, *self.findings)}.values())
        return Verified(len(self.seen), self.records, checked, len(self.indexed), closed.manifests, erased, findings,
                        self.seen, closed.broken)

    # --- what was sealed ----------------------------------------------------------------------------------------------

    def _index(self) -> None:
        """Reads every line of the index; those that say what they should are held against the ledgers later."""
        for key, raw in ahead(self._body, self.store.list(DONE)):
            done, receipt = split_done(key), parsed(raw)
            if done is None:
                self._name(key, "is no line of the index", _MOVE)
            elif receipt is None or canonical(receipt) != raw:
                self.indexed.add(key)
                self._name(key, "is not the receipt that was written there", _REBUILD)
            elif done_key(receipt) != key:
                self._name(key, f"is a receipt of {receipt.slot}, {receipt.state}, due {receipt.due:%Y-%m-%d}; "
                           "it stands at the wrong place", _REBUILD)
            else:
                self.indexed.add(key)
                self._expect(key, raw, receipt)

    def _expect(self, source: str, raw: bytes, receipt: Receipt) -> None:
        self.sealed.setdefault(Slot.parse(receipt.slot), []).append(_Sealed(source, raw, receipt))

    # --- ledgers ------------------------------------------------------------------------------------------------------

    def _ledgers(self) -> Iterator[tuple[Slot, list[str]]]:
        """Each slot with the names in its folder; what fits nowhere is named."""
        def owned() -> Iterator[tuple[Slot, str]]:
            for key in self.store.list(LEDGERS):
                split = split_key(key)
                if split:
                    yield split
                else:
                    self._name(key, "belongs to no slot", _MOVE)

        for slot, group in groupby(owned(), key=lambda split: split[0]):
            yield slot, [name for _, name in group]

    def _slot(self, slot: Slot, chain: Chain) -> None:
        before = len(self.findings)
        self.records += chain.found
        self.findings += chain.findings
        standing = self._standing(slot, chain.entries)
        named = {finding.key for finding in self.findings[before:]}
        for sealed in self.sealed.pop(slot, ()):
            finding = _compared(slot, chain, sealed)
            if finding is not None and finding.key not in named:
                named.add(finding.key)
                self.findings.append(finding)
        ended, sound = standing.state in ENDS, len(self.findings) == before
        receipt = receipt_of(standing, chain.entries) if ended and sound else None
        for entry in chain.entries:
            needed = sound and not ended and entry.record.pin == standing.pin
            self._need(entry, record_key(slot, entry.record.seq) if needed else None)
        self.seen[slot] = Seen(standing.state, sound, due_of(chain.entries) if chain.entries else None, receipt,
                               receipt is not None and done_key(receipt) in self.indexed)

    def _standing(self, slot: Slot, entries: tuple[Entry, ...]) -> Standing:
        """Where the slot stands, as far as its records agree with each other."""
        standing = Standing(slot)
        for entry in entries:
            record, key = entry.record, record_key(slot, entry.record.seq)
            try:
                standing = advance(standing, entry)
            except Contradiction as error:
                self._name(key, error.why, "find out who wrote it; nothing more is sent for the slot")
                break
            if record.part is not None and record.key != idempotency_key(slot, record.part):
                self._name(key, "its idempotency key belongs to another slot or part",
                           "find out who wrote it; it may have been copied from another ledger")
            if record.kind is Kind.published and standing.pin:
                payload = f"{_PAYLOADS}{standing.pin.payload}.json"
                self.wants.published.setdefault(payload, []).append((key, len(standing.parts)))
        return standing

    def _evidence(self) -> None:
        """Nothing vouches for evidence; but what cannot be read stops the look-up of a lost answer."""
        for key, raw in ahead(self._body, self.store.list(_EVIDENCE)):
            try:
                Evidence.model_validate_json(raw or b"")
            except ValidationError:
                self._name(key, "is no evidence that can be read", RESTORE)

    # --- payloads and media -------------------------------------------------------------------------------------------

    def _need(self, entry: Entry, by: str | None) -> None:
        if entry.record.pin is not None:
            for key in (f"{_PAYLOADS}{entry.record.pin.payload}.json",
                        *(f"{_MEDIA}{media}" for media in entry.record.pin.media)):
                self.wants.objects[key] = self.wants.objects.get(key) or by

    def _objects(self) -> tuple[int, int]:
        """How many payloads and media files there are, each held against its name, and how many were erased."""
        there: set[str] = set()
        for key, body in ahead(self._body, self.store.list(_PAYLOADS)):
            if body is None:
                continue                                          # erased since it was listed
            there.add(key)
            if key != f"{_PAYLOADS}{hashlib.sha256(body).hexdigest()}.json":
                self._name(key, "holds other bytes than its name says", _PUT_BACK)
            elif key in self.wants.published:
                self.findings += _short_receipts(key, body, self.wants.published[key])
        for key, sha256 in ahead(self._media, self.store.list(_MEDIA), at_once=4):     # files may be large
            if sha256 is not None:
                there.add(key)
                if key != f"{_MEDIA}{sha256}":
                    self._name(key, "holds other bytes than its name says", _PUT_BACK)
        absent = self.wants.objects.keys() - there
        for key in sorted(absent):
            if (needed_by := self.wants.objects[key]) is not None:
                self._name(key, f"is missing; {needed_by} has not ended and needs it", _PUT_BACK)
        return len(there), sum(self.wants.objects[key] is None for key in absent)

    def _body(self, key: str) -> tuple[str, bytes | None]:
        return key, self.store.get(key)

    def _media(self, key: str) -> tuple[str, str | None]:
        body = self.store.get(key)
        return key, None if body is None else hashlib.sha256(body).hexdigest()

    def _name(self, key: str, what: str, remedy: str) -> None:
        self.findings.append(Finding(key, what, remedy))


def _compared(slot: Slot, chain: Chain, sealed: _Sealed) -> Finding | None:
    """What is wrong between a ledger and a receipt that was made from it. Later records do not matter to it."""
    number, key = sealed.receipt.records, record_key(slot, sealed.receipt.records)
    seal = chain.seals.get(number)
    if seal != sealed.receipt.seal and any(alike(one, sealed.receipt.seal) for one in chain.seals.values()):
        return Finding(sealed.source, f"does not fit {key} any more: the line was altered", _REBUILD)
    if seal is None:
        return Finding(key, f"record {number} is missing; {sealed.source} was made when it was there", RESTORE)
    if seal != sealed.receipt.seal:
        return Finding(key, f"record {number} is not the one that {sealed.source} was made from: "
                       "one of the two was altered", RESTORE)
    entries = chain.entries[:number]
    if len(entries) < number:
        return None                                               # an earlier record is named already
    try:
        standing = fold(slot, entries)
        same = standing.state in ENDS and canonical(receipt_of(standing, entries)) == sealed.raw
    except Contradiction:
        return None                                               # named already
    return None if same else Finding(sealed.source, f"says other things of {slot} than its ledger", _REBUILD)


def _short_receipts(payload: str, body: bytes, published: list[tuple[str, int]]) -> Iterator[Finding]:
    try:
        total = len(json.loads(body)["parts"])
    except (ValueError, KeyError, TypeError):
        yield Finding(payload, "is no payload: it has no list of parts", _PUT_BACK)
        return
    for key, ids in published:
        if ids != total:
            yield Finding(key, f"published with {ids} ids; its payload has {total} parts",
                          remedy="look at the account; nothing more is sent for the slot")
