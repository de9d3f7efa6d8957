"""Where a slot stands, from its ledger alone. The state machine of exactly-once, section 6, is the table below."""
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from schemas.errors import StoreError
from schemas.ledger import Doubt, Entry, Kind, PartReceipt, Record, Slot, Standing, State

# What may follow the last record. None: nothing recorded yet.
_NEXT: Mapping[Kind | None, frozenset[Kind]] = {
    None: frozenset({Kind.claim}),
    Kind.claim: frozenset({Kind.sending, Kind.claim, Kind.released, Kind.skipped, Kind.failed}),
    Kind.released: frozenset({Kind.claim}),
    Kind.sending: frozenset({Kind.sent, Kind.published, Kind.notsent, Kind.unknown, Kind.failed, Kind.claim,
                             Kind.held}),
    Kind.notsent: frozenset({Kind.sending, Kind.released, Kind.failed, Kind.claim, Kind.skipped}),
    Kind.unknown: frozenset({Kind.claim}),
    Kind.sent: frozenset({Kind.sending, Kind.claim, Kind.held, Kind.failed}),
    Kind.published: frozenset(),
    Kind.failed: frozenset({Kind.reopened}),
    Kind.skipped: frozenset({Kind.reopened}),
    Kind.held: frozenset({Kind.resolved}),
    Kind.resolved: frozenset({Kind.published, Kind.claim}),
    Kind.reopened: frozenset({Kind.claim}),
}
# While a part is in doubt: `sending` only once the part was looked for and is absent (section 8).
_NEXT_IN_DOUBT: Mapping[Kind | None, frozenset[Kind]] = {
    Kind.claim: frozenset({Kind.sending, Kind.sent, Kind.published, Kind.held, Kind.claim, Kind.released}),
    Kind.notsent: frozenset({Kind.claim, Kind.released}),
}

_STATES: Mapping[Kind, State] = {
    Kind.claim: State.publishing,
    Kind.released: State.waiting,
    Kind.sending: State.publishing,
    Kind.notsent: State.waiting,
    Kind.unknown: State.unknown,
    Kind.sent: State.publishing,
    Kind.published: State.published,
    Kind.failed: State.failed,
    Kind.skipped: State.skipped,
    Kind.held: State.held,
    Kind.resolved: State.waiting,
    Kind.reopened: State.planned,
}
LOOKED = ("absent", "evidence")
"""What a `sending` in doubt must say in `looked`: the account was looked at in full, or its sender proved it unsent."""
MISSED = "missed"       # the reason of a `skipped` that people see as the state `missed`


class Contradiction(StoreError):
    """A ledger says what no rule-abiding writer could have written. `seq` is the first record that does."""

    def __init__(self, slot: Slot, seq: int, what: str) -> None:
        super().__init__(f"{slot}, record {seq}: {what}", remedy="nothing is sent for it; run: drumbeat archive verify")
        self.slot = slot
        self.seq = seq
        self.why = what


def fold(slot: Slot, entries: Iterable[Entry]) -> Standing:
    """Where `slot` stands after `entries`, all of them, in the order of seq. Raises Contradiction."""
    standing = Standing(slot)
    for entry in entries:
        standing = advance(standing, entry)
    return standing


def allowed(standing: Standing, kind: Kind) -> bool:
    """Whether a record of this kind may follow, whoever writes it."""
    if standing.doubt and standing.kind in _NEXT_IN_DOUBT:
        return kind in _NEXT_IN_DOUBT[standing.kind]
    if kind is Kind.skipped and not standing.nothing_sent:
        return False
    return kind in _NEXT[standing.kind]


def advance(standing: Standing, entry: Entry) -> Standing:
    """Where the slot stands after one more record. Raises Contradiction."""
    record = entry.record
    _check(standing, record)
    moved = _MOVES[record.kind](standing, record) if record.kind in _MOVES else standing
    state = _STATES[record.kind]
    if moved.doubt and record.kind in (Kind.claim, Kind.released, Kind.notsent):
        state = State.unknown
    reason = _text(standing, record, "reason")
    if moved.doubt and record.kind is Kind.claim:           # a take-over does not answer what is asked
        reason = reason or standing.reason
    if record.kind is Kind.skipped and reason == MISSED:
        state = State.missed
    return moved._replace(last=entry, state=state, reason=reason)


def _check(standing: Standing, record: Record) -> None:
    if record.seq != standing.seq + 1:
        raise Contradiction(standing.slot, record.seq, f"it stands where record {standing.seq + 1} should")
    if not allowed(standing, record.kind):
        doubt = " with a part in doubt" if standing.doubt else ""
        raise Contradiction(standing.slot, record.seq,
                            f"{record.kind} after {standing.kind or 'nothing'}{doubt}")
    epoch = standing.epoch + (record.kind is Kind.claim)
    if record.epoch != epoch:
        raise Contradiction(standing.slot, record.seq, f"epoch {record.epoch}, not {epoch}")


def _claim(standing: Standing, record: Record) -> Standing:
    if record.pin is None:
        raise Contradiction(standing.slot, record.seq, "a claim that promises nothing (no pin)")
    repinned = standing.pin is not None and record.pin != standing.pin
    if repinned and standing.kind is not Kind.reopened and (standing.parts or standing.doubt):
        raise Contradiction(standing.slot, record.seq, "another pin while a part is live or in doubt")
    return standing._replace(epoch=record.epoch, worker=record.worker, claim_seq=record.seq, pin=record.pin,
                             claimed_at=standing.claimed_at or record.at)


def _sending(standing: Standing, record: Record) -> Standing:
    part, attempt = len(standing.parts), standing.attempts.get(len(standing.parts), 0) + 1
    if record.part != part:
        raise Contradiction(standing.slot, record.seq, f"sends part {record.part}; part {part} is next")
    if record.attempt != attempt:
        raise Contradiction(standing.slot, record.seq, f"attempt {record.attempt} of part {part}, not {attempt}")
    if record.worker != standing.worker:
        raise Contradiction(standing.slot, record.seq, "sent by a worker who did not claim it")
    before, looked = standing.doubt, record.detail.get("looked")
    if before and looked not in LOOKED:
        raise Contradiction(standing.slot, record.seq, "sends again what may be live, and nobody looked for it")
    blind = before is not None and looked != "evidence"
    first = {**standing.first_sending}
    first.setdefault(part, record.seq)
    doubt = Doubt(part, attempt, record.seq, record.epoch, first[part], before.since if before and blind else record.at,
                  record.send_window_s or 0.0, record.request_timeout_s or 0.0)
    return standing._replace(doubt=doubt, first_sending=first, attempts={**standing.attempts, part: attempt},
                             repeats=standing.repeats + blind, retry_at=None)


def _absent(standing: Standing, record: Record) -> Standing:
    doubt = standing.doubt if standing.repeats else None        # of a repeat it says nothing about the earlier call
    return _same_part(standing, record)._replace(doubt=doubt, retry_at=_moment(standing, record, "retry_at"))


def _released(standing: Standing, record: Record) -> Standing:
    return standing._replace(retry_at=_moment(standing, record, "retry_at") or standing.retry_at)


def _sent(standing: Standing, record: Record) -> Standing:
    live = (*standing.parts, _receipt(standing, record, record.detail))
    return _same_part(standing, record)._replace(doubt=None, parts=live, repeats=0, retry_at=None)


def _published(standing: Standing, record: Record) -> Standing:
    listed = record.detail.get("parts")
    if not isinstance(listed, list) or not listed:
        raise Contradiction(standing.slot, record.seq, "published without the network's ids")
    parts = tuple(_receipt(standing, record, one) for one in listed)
    known = [part.id for part in standing.parts]
    expected = len(known) + (standing.doubt is not None)
    if len(parts) != expected or [part.id for part in parts[:len(known)]] != known:
        raise Contradiction(standing.slot, record.seq,
                            f"published lists {len(parts)} ids; {expected} parts went out, {len(known)} of them known")
    return standing._replace(doubt=None, parts=parts, retry_at=None, published_at=record.at)


def _ended(standing: Standing, record: Record) -> Standing:
    return _same_part(standing, record)._replace(doubt=None, retry_at=None)


def _resolved(standing: Standing, record: Record) -> Standing:
    verdict, part = record.detail.get("verdict"), len(standing.parts)
    if verdict == "live":
        parts = (*standing.parts, _receipt(standing, record, record.detail))
        return _same_part(standing, record)._replace(doubt=None, parts=parts, repeats=0)
    if verdict != "absent":
        raise Contradiction(standing.slot, record.seq, "resolved with neither live nor absent")
    attempts = {known: count for known, count in standing.attempts.items() if known != part}
    return _same_part(standing, record)._replace(doubt=None, attempts=attempts, repeats=0)


def _reopened(standing: Standing, _record: Record) -> Standing:
    attempts = {part: count for part, count in standing.attempts.items() if part < len(standing.parts)}
    return standing._replace(attempts=attempts)


def _same_part(standing: Standing, record: Record) -> Standing:
    part = len(standing.parts)
    if record.part is not None and record.part != part:
        raise Contradiction(standing.slot, record.seq, f"speaks of part {record.part}; part {part} is under way")
    return standing


def _receipt(standing: Standing, record: Record, said: Any) -> PartReceipt:
    try:
        receipt = PartReceipt(id=said["id"], url=said.get("url"))
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise Contradiction(standing.slot, record.seq, f"{record.kind} without the network's id") from error
    if not receipt.id:
        raise Contradiction(standing.slot, record.seq, f"{record.kind} with an empty id")
    return receipt


def _moment(standing: Standing, record: Record, name: str) -> datetime | None:
    said = record.detail.get(name)
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except (TypeError, ValueError) as error:
        raise Contradiction(standing.slot, record.seq, f"{name} is no time") from error
    if moment.tzinfo is None:
        raise Contradiction(standing.slot, record.seq, f"{name} names no zone")
    return moment


def _text(standing: Standing, record: Record, name: str) -> str | None:
    said = record.detail.get(name)
    if said is not None and not isinstance(said, str):
        raise Contradiction(standing.slot, record.seq, f"{name} is no text")
    return said


_MOVES = {
    Kind.claim: _claim,
    Kind.released: _released,
    Kind.sending: _sending,
    Kind.notsent: _absent,
    Kind.unknown: _same_part,
    Kind.sent: _sent,
    Kind.published: _published,
    Kind.failed: _ended,
    Kind.skipped: _ended,
    Kind.resolved: _resolved,
    Kind.reopened: _reopened,
}
