"""How a slot ended, as one value that anybody can make again from its ledger: the same bytes every time."""
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from schemas.ledger import Entry, Kind, Receipt, Record, Slot, Standing, State

ENDS = (State.published, State.failed, State.skipped, State.missed)
_KINDS = {State.published: Kind.published, State.failed: Kind.failed}


def receipt_of(standing: Standing, entries: Sequence[Entry]) -> Receipt:
    """The receipt of a slot that has ended. `entries`: its whole ledger, of which `standing` is the fold.

    Raises ValueError for a slot that has not ended.
    """
    if standing.state not in ENDS or standing.last is None:
        raise ValueError(f"{standing.slot} is {standing.state}, which is no end")
    return Receipt(slot=str(standing.slot), state=standing.state, due=due_of(entries), at=standing.last.record.at,
                   parts=standing.parts, reason=_reason(standing), failure=_failure(standing.last.record),
                   records=standing.seq, seal=standing.last.seal)


def due_of(entries: Sequence[Entry]) -> datetime:
    """When the slot was due (UTC), as the last claim that names a time has it; else when its last record was made."""
    for entry in reversed(entries):
        if entry.record.kind is Kind.claim and (due := _moment(entry.record.detail.get("due"))) is not None:
            return due
    return entries[-1].record.at


def newest(receipts: Iterable[Receipt]) -> dict[Slot, Receipt]:
    """The receipt in force for each slot: what failed and ended again has several, and its longest ledger counts."""
    found: dict[Slot, Receipt] = {}
    for receipt in receipts:
        slot = Slot.parse(receipt.slot)
        if slot not in found or found[slot].records < receipt.records:
            found[slot] = receipt
    return found


def standing_of(receipt: Receipt) -> Standing:
    """Where the slot stands, as far as its receipt tells: enough to show it, never to send by it.

    Its last record is a stand-in with no bytes.
    """
    record = Record.model_construct(
        seq=receipt.records, kind=_KINDS.get(receipt.state, Kind.skipped), nonce="", worker="", epoch=0, prev=None,
        at=receipt.at, detail={"class": receipt.failure})
    return Standing(Slot.parse(receipt.slot), last=Entry(record, b""), state=receipt.state, parts=receipt.parts,
                    reason=receipt.reason,
                    published_at=receipt.at if receipt.state is State.published else None)


def _reason(standing: Standing) -> str | None:
    """Of what was missed, what had kept it."""
    last = standing.last.record.detail.get("last_reason") if standing.last else None
    return last if standing.state is State.missed and isinstance(last, str) else standing.reason


def _failure(record: Record) -> str | None:
    kind = record.detail.get("class")
    return kind if isinstance(kind, str) else None


def _moment(said: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said) if isinstance(said, str) else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
