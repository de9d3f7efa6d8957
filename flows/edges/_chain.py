"""One slot's records as the archive holds them: read in order, each checked against the one before."""
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import ValidationError

from flows.edges.store import Store
from schemas.ledger import Entry, Record, Slot

LEDGERS = "v1/ledger/"
_RECORD_NAME = re.compile(r"[0-9]{6}\.json")
_LEDGER_KEY = re.compile(rf"{LEDGERS}(?P<folder>[^/]+/[^/]+/[^/]+)/(?P<name>[^/]+)")
RESTORE = "restore it from a copy or an older object version; nothing is sent for this slot meanwhile"


class Finding(NamedTuple):
    """Something in the archive that should not be so. `key` is the object it is about."""

    key: str
    what: str
    remedy: str


class Chain(NamedTuple):
    """A ledger. `entries`: those before the first finding; they can be relied on. `seals`: of every record found."""

    entries: tuple[Entry, ...]
    seals: Mapping[int, str]        # seq -> sha256 of the record's bytes, whatever they are
    findings: tuple[Finding, ...]

    @property
    def found(self) -> int:
        """The number of records that exist."""
        return len(self.seals)


def record_key(slot: Slot, seq: int) -> str:
    return f"{LEDGERS}{slot.folder}/{seq:06d}.json"


def split_key(key: str) -> tuple[Slot, str] | None:
    """The slot and the record's name of a key below `v1/ledger/`, or None if it is no such key."""
    match = _LEDGER_KEY.fullmatch(key)
    if match is None:
        return None
    slot = Slot.from_folder(match["folder"])
    return (slot, match["name"]) if slot.folder == match["folder"] else None


def alike(one: str, other: str) -> bool:
    """Whether one hash is the other, perhaps with a few letters touched: by chance they agree in 4 of 64 letters."""
    return sum(a == b for a, b in zip(one, other, strict=False)) > 32


def load(store: Store, slot: Slot, names: Iterable[str]) -> Chain:
    """The ledger of `slot`; `names` are those listed in its folder. Raises StoreError if the store does not answer."""
    folder = f"{LEDGERS}{slot.folder}/"
    listed, findings = [], []
    for name in names:
        if _RECORD_NAME.fullmatch(name) and name != "000000.json":
            listed.append(int(name[:6]))
        else:
            findings.append(Finding(folder + name, "is no record: a ledger holds 000001.json and so on",
                                    remedy="find out who put it there, then move it out of the ledger"))
    entries: list[Entry] = []
    seals: dict[int, str] = {}
    whole, seal = True, None
    for seq in range(1, max(listed, default=0) + 1):
        key = record_key(slot, seq)
        raw = store.get(key)        # also where the listing had a gap: it may have run while two were written
        if raw is None:
            findings.append(Finding(key, f"record {seq} is missing, though later ones exist", remedy=RESTORE))
            whole, seal = False, None
            continue
        record = _parsed(raw)
        wrong = _compared(slot, seq, record, seal, chained=seq == 1 or seal is not None)
        findings += wrong
        whole = whole and not wrong
        if whole and record is not None:
            entries.append(Entry(record, raw))
        seal = seals[seq] = hashlib.sha256(raw).hexdigest()
    return Chain(tuple(entries), seals, tuple(findings))


def _parsed(raw: bytes) -> Record | None:
    try:
        return Record.model_validate_json(raw)
    except ValidationError:
        return None


def _compared(slot: Slot, seq: int, record: Record | None, seal: str | None, *, chained: bool) -> list[Finding]:
    key = record_key(slot, seq)
    if record is None:
        return [Finding(key, f"record {seq} cannot be read", remedy=RESTORE)]
    if record.seq != seq:
        return [Finding(key, f"says it is record {record.seq}; it stands at {seq}", remedy=RESTORE)]
    if chained and record.prev != seal:
        if seq == 1:
            return [Finding(key, "record 1 claims that another came before it", remedy=RESTORE)]
        if alike(record.prev or "", seal or ""):
            return [Finding(key, f"record {seq} does not name record {seq - 1} any more: it was altered", RESTORE)]
        return [Finding(record_key(slot, seq - 1), f"record {seq - 1} is not the one that record {seq} was chained to: "
                        "one of the two was altered", remedy=RESTORE)]
    return []
