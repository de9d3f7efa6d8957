"""Closed months: every receipt of a month in one file, and a manifest that vouches for it and for the month before.

A manifest cannot be replaced, so a later closing has the next number, and the highest number is in force.
"""
import gzip
import hashlib
import json
import logging
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import ValidationError

from flows.edges._chain import Finding
from flows.edges._index import parsed
from flows.edges.store import Store
from schemas.ledger import Receipt, canonical
from schemas.model import Value

log = logging.getLogger(__name__)
MONTHS = "v1/month/"
SETTLED = timedelta(days=3)         # so long after its last day a month is left open: for what ends late
_KEY = re.compile(rf"{MONTHS}(?P<month>[0-9]{{4}}-[0-9]{{2}})/(?P<n>[0-9]{{6}})\.(?P<what>jsonl\.gz|manifest\.json)")
_FIND_OUT = "find out who put it there, then move it out of the archive"
_RESTORE = "restore it from a copy or an older object version; the ledgers hold the same receipts meanwhile"


class Manifest(Value):
    """What one closing of a month holds. `files`: key -> sha256 of its bytes. `at` is UTC."""

    v: Literal[1] = 1
    month: str                  # 2026-11
    n: int                      # counts the closings of this month
    slots: int
    files: dict[str, str]
    prev: str | None            # sha256 of the manifest before: of this month, else the newest of an earlier month
    at: datetime
    seal: str                   # sha256 of this manifest written with an empty seal


class Closing(NamedTuple):
    """A manifest as the archive holds it."""

    key: str
    raw: bytes
    manifest: Manifest

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


class Looked(NamedTuple):
    """All closed months. `sealed`: file key and line of every receipt. `broken`: months that have a finding."""

    manifests: int
    sealed: tuple[tuple[str, bytes], ...]
    findings: tuple[Finding, ...]
    broken: frozenset[str]


def month_of(moment: date) -> str:
    """`2026-11`."""
    return f"{moment:%Y-%m}"


def is_over(month: str, now: datetime) -> bool:
    """Whether the month may be closed: its last day (UTC) and three more have passed."""
    year, number = int(month[:4]), int(month[5:])
    first_after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return now >= first_after + SETTLED


def close_month(store: Store, month: str, receipts: Iterable[Receipt], *, now: datetime) -> str | None:
    """The key of a new manifest for `receipts`, those of all slots due in that month, in any order.

    None: the month is not over, has no receipt, was closed by a rival just now, or the newest manifest says the same.
    """
    lines = sorted(canonical(receipt) for receipt in receipts)
    if not lines or not is_over(month, now):
        return None
    numbers = _numbers(store.list(MONTHS))
    number = max(numbers.get(month, ()), default=0)
    if number and _lines_in_force(store, month, number) == lines:
        return None
    number += 1
    body = gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)
    at = number                 # a closing that was cut off leaves its file behind; the same one again finds it
    while not store.create(_file_key(month, at), body):
        at += 1
    files = {_file_key(month, at): hashlib.sha256(body).hexdigest()}
    manifest = Manifest(month=month, n=number, slots=len(lines), files=files, at=now, seal="",
                        prev=_before(store, numbers, month))
    key = _manifest_key(month, number)
    return key if store.create(key, _encoded(manifest)) else None


def closed_receipts(store: Store, month: str) -> tuple[Receipt, ...] | None:
    """The receipts of a closed month: one listing, its manifest and the file. None: not closed, or not to be trusted.

    What ended after the closing is not among them.
    """
    numbers = _numbers(store.list(f"{MONTHS}{month}/")).get(month, ())
    return _receipts_in_force(store, month, max(numbers)) if numbers else None


def all_closed_receipts(store: Store) -> dict[str, tuple[Receipt, ...]]:
    """The same for every closed month, from one listing."""
    found = {}
    for month, numbers in _numbers(store.list(MONTHS)).items():
        receipts = _receipts_in_force(store, month, max(numbers))
        if receipts is not None:
            found[month] = receipts
    return found


def look(store: Store) -> Looked:
    """Every manifest and month file, each held against its hash and the manifest before it."""
    return _Look(store).whole()


class _Look:
    """One look at all closed months; goes on after every finding."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.closings: list[Closing] = []
        self.sealed: list[tuple[str, bytes]] = []
        self.findings: list[Finding] = []
        self.bad: set[tuple[str, int]] = set()                    # manifests that are named already
        self.broken: set[str] = set()

    def whole(self) -> Looked:
        files = self._manifests()
        for closing in self.closings:
            self._chain(closing)
            files -= closing.manifest.files.keys()
            self._contents(closing)
        for key in sorted(files):                                 # no month is broken by it: a closing takes it up
            if key.split("/")[2] not in self.broken:
                self.findings.append(Finding(
                    key, "is named by no manifest: a closing was cut off, or somebody put it there",
                    f"run: drumbeat audit; if it is still named after that, {_FIND_OUT}"))
        return Looked(len(self.closings), tuple(self.sealed), tuple(self.findings), frozenset(self.broken))

    def _manifests(self) -> set[str]:
        """Reads all manifests; the keys of the month files that lie beside them."""
        files, numbers = set(), dict[str, list[int]]()
        for key in self.store.list(MONTHS):
            match = _KEY.fullmatch(key)
            if match is None:
                self.findings.append(Finding(key, "belongs to no closed month", _FIND_OUT))
            elif match["what"] == "jsonl.gz":
                files.add(key)
            else:
                month, number = match["month"], int(match["n"])
                numbers.setdefault(month, []).append(number)
                closing = _closing(key, self.store.get(key))
                if closing is None or _misplaced(closing.manifest, month, number):
                    self._name(month, number, key, "is not the manifest that was written there")
                else:
                    self.closings.append(closing)
        for month, known in numbers.items():
            for number in sorted(set(range(1, max(known))) - set(known)):
                self._name(month, number, _manifest_key(month, number), "is missing, though later ones exist")
        return files

    def _chain(self, closing: Closing) -> None:
        mine = closing.manifest
        before = [c for c in self.closings if _comes_before(c.manifest, mine)]
        if mine.prev in {c.sha256 for c in before} or any(_comes_before_at(*bad, mine) for bad in self.bad):
            return                                                # the one that it follows may be named already
        if mine.prev is not None:
            self._name(mine.month, mine.n, closing.key, "follows a manifest that is not there: one of the two was "
                       "altered, or that one was removed")
        elif any(c.manifest.at <= mine.at for c in before):
            self._name(mine.month, mine.n, closing.key, "names no manifest before it, though there was one")

    def _contents(self, closing: Closing) -> None:
        lines: list[tuple[str, bytes]] = []
        for key, sha256 in closing.manifest.files.items():
            raw = self.store.get(key)
            if raw is None:
                return self._name_file(closing, key, f"is missing; {closing.key} vouches for it")
            if hashlib.sha256(raw).hexdigest() != sha256:
                return self._name_file(closing, key, f"holds other bytes than {closing.key} vouches for")
            lines += ((key, line) for line in _unpacked(raw) or ())
        self.sealed += lines
        if len(lines) != closing.manifest.slots:
            self._name_file(closing, closing.key, f"counts {closing.manifest.slots} slots; its files have {len(lines)}")
        return None

    def _name(self, month: str, number: int, key: str, what: str) -> None:
        self.bad.add((month, number))
        self.broken.add(month)
        self.findings.append(Finding(key, what, _RESTORE))

    def _name_file(self, closing: Closing, key: str, what: str) -> None:
        self.broken.add(closing.manifest.month)
        self.findings.append(Finding(key, what, _RESTORE))


def _comes_before(one: Manifest, other: Manifest) -> bool:
    return _comes_before_at(one.month, one.n, other)


def _comes_before_at(month: str, number: int, other: Manifest) -> bool:
    """Whether `prev` of the other may name the manifest of that month and number."""
    return (month, number) == (other.month, other.n - 1) if other.n > 1 else month < other.month


def _misplaced(manifest: Manifest, month: str, number: int) -> bool:
    return (manifest.month, manifest.n) != (month, number)


def _before(store: Store, numbers: Mapping[str, list[int]], month: str) -> str | None:
    """sha256 of the manifest that the next one of `month` follows."""
    earlier = [m for m in numbers if m <= month]
    if not earlier:
        return None
    raw = store.get(_manifest_key(max(earlier), max(numbers[max(earlier)])))
    return None if raw is None else hashlib.sha256(raw).hexdigest()


def _receipts_in_force(store: Store, month: str, number: int) -> tuple[Receipt, ...] | None:
    receipts = [parsed(line) for line in _lines_in_force(store, month, number) or ()]
    good = tuple(receipt for receipt in receipts if receipt is not None)
    if not receipts or len(good) < len(receipts):
        log.warning("closed month cannot be relied on, its days are read instead month=%s", month)
        return None
    return good


def _lines_in_force(store: Store, month: str, number: int) -> list[bytes] | None:
    """The lines that manifest `number` vouches for; None if they are not whole."""
    key = _manifest_key(month, number)
    closing = _closing(key, store.get(key))
    if closing is None or _misplaced(closing.manifest, month, number):
        return None
    found: list[bytes] = []
    for file, sha256 in closing.manifest.files.items():
        raw = store.get(file)
        lines = _unpacked(raw) if raw is not None and hashlib.sha256(raw).hexdigest() == sha256 else None
        if lines is None:
            return None
        found += lines
    return found


def _closing(key: str, raw: bytes | None) -> Closing | None:
    """The manifest in `raw`, if not one byte of it differs from what was written."""
    try:
        manifest = Manifest.model_validate_json(raw or b"")
    except ValidationError:
        return None
    return Closing(key, raw or b"", manifest) if _encoded(manifest) == raw else None


def _encoded(manifest: Manifest) -> bytes:
    """Its bytes, sealed anew."""
    seal = hashlib.sha256(_json(manifest.model_copy(update={"seal": ""}))).hexdigest()
    return _json(manifest.model_copy(update={"seal": seal}))


def _json(manifest: Manifest) -> bytes:
    return json.dumps(manifest.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()


def _unpacked(raw: bytes) -> list[bytes] | None:
    try:
        return gzip.decompress(raw).splitlines()
    except (OSError, EOFError, zlib.error):
        return None


def _numbers(keys: Iterator[str]) -> dict[str, list[int]]:
    """The numbers of the manifests of each month."""
    found: dict[str, list[int]] = {}
    for key in keys:
        match = _KEY.fullmatch(key)
        if match and match["what"] == "manifest.json":
            found.setdefault(match["month"], []).append(int(match["n"]))
    return found


def _file_key(month: str, number: int) -> str:
    return f"{MONTHS}{month}/{number:06d}.jsonl.gz"


def _manifest_key(month: str, number: int) -> str:
    return f"{MONTHS}{month}/{number:06d}.manifest.json"
