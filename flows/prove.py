"""Whether all that was due has an end, and whether the archive still says so: what `drumbeat audit` looks at, daily."""
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from flows.edges import months
from flows.edges.ledger import Finding, Seen, Verified, rebuild_line
from flows.edges.store import Store
from flows.planning.reporting import row, when
from flows.planning.sealing import ENDS
from schemas.errors import StoreError
from schemas.ledger import Receipt, Slot, State
from schemas.plan import Item, Plan

SILENT = timedelta(minutes=15)
"""So long after its grace a slot must have an end, or be held for a person."""
FORGOTTEN = timedelta(days=1)
"""So long after it was due a slot must have an end that the content does not name any more."""
_WAITS = frozenset({State.held, State.unknown})


class Proof(NamedTuple):
    """What is wrong with the archive, what is silent though it should have ended, and which slots need a person."""

    verified: Verified
    silent: tuple[Finding, ...]         # `key` is the slot
    waits: tuple[Slot, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, the archive's first."""
        return (*self.verified.findings, *self.silent)


class Mended(NamedTuple):
    """What was written: so many lines of the index, and the manifests of months that are over. `why`: it stopped."""

    lines: int
    manifests: tuple[str, ...]
    why: str | None = None


def prove(verified: Verified, plan: Plan, *, now: datetime) -> Proof:
    """The plan held against the archive. Order of the findings: by time, then slots that no file names any more."""
    silent = [finding for item in plan.items if (finding := _silent(item, verified.seen.get(item.slot), now))]
    known = {one.slot for one in plan.everything()}
    silent += _forgotten(verified, known, now)
    return Proof(verified, tuple(silent), tuple(sorted(s for s, seen in verified.seen.items() if seen.state in _WAITS)))


def mend(store: Store, verified: Verified, *, now: datetime) -> Mended:
    """Writes the lines that the index lacks, and closes the months that are over.

    A slot with a finding gets no line, and its month is not closed: nothing damaged is ever vouched for. What an
    auditor may not write is told in `why`.
    """
    lines, closed = 0, list[str]()
    try:
        for seen in verified.seen.values():
            if seen.receipt is not None and not seen.indexed:
                lines += rebuild_line(store, seen.receipt)
        for month, receipts in _by_month(verified):
            if (key := months.close_month(store, month, receipts, now=now)) is not None:
                closed.append(key)
    except StoreError as error:
        return Mended(lines, tuple(closed), f"{error.what}; {error.remedy}")
    return Mended(lines, tuple(closed))


def _by_month(verified: Verified) -> Iterator[tuple[str, list[Receipt]]]:
    """The receipts of each month that nothing is wrong with, earliest month first."""
    unsound = [seen.due for seen in verified.seen.values() if not seen.sound]
    if None in unsound:
        return                                                    # it may belong to any month
    broken = verified.broken_months | {months.month_of(due) for due in unsound if due is not None}
    found: dict[str, list[Receipt]] = {}
    for seen in verified.seen.values():
        if seen.receipt is not None:
            found.setdefault(months.month_of(seen.receipt.due), []).append(seen.receipt)
    for month in sorted(found.keys() - broken):
        yield month, found[month]


def _silent(item: Item, seen: Seen | None, now: datetime) -> Finding | None:
    """None: it has an end, is held, is not due yet, or its ledger has findings of its own."""
    if now <= item.at + timedelta(seconds=item.grace_s) + SILENT:
        return None
    if seen is not None and (not seen.sound or seen.state in ENDS or seen.state is State.held):
        return None
    how, remedy = _why(item.slot, seen)
    said = row(item, None, now=now).file
    return Finding(str(item.slot), f"{said}: it was due {when(item.at, item.zone)} and has no end: {how}", remedy)


def _forgotten(verified: Verified, known: set[Slot], now: datetime) -> Iterator[Finding]:
    for slot, seen in sorted(verified.seen.items()):
        over = not seen.sound or seen.state in ENDS or seen.state is State.held
        if slot not in known and not over and seen.due is not None and now > seen.due + FORGOTTEN:
            how, remedy = _why(slot, seen)
            yield Finding(str(slot), f"no file of the content has it any more, and it has no end: {how}", remedy)


def _why(slot: Slot, seen: Seen | None) -> tuple[str, str]:
    """What is known of a slot that should have ended, and what to do."""
    if seen is not None and seen.state is State.unknown:
        return ("nobody knows whether it arrived",
                f"look at the account on {slot.channel}: is it there? 'drumbeat why {slot}' tells what was tried")
    how = "nothing was recorded for it" if seen is None else f"its last state is {seen.state}"
    return how, "see that the publisher runs (drumbeat up); what is too late to send it then marks as missed"
