"""A post that is out is taken back: each part, the last first; who did it and what became of it is kept."""
from datetime import datetime

from flows.edges.ledger import Ledger
from flows.planning.folding import advance
from flows.planning.sealing import receipt_of
from publishers.base import Publisher, Withdraws
from schemas.errors import PublishError, UsageError
from schemas.ledger import Entry, Kind, PartReceipt, Standing, Withdrawal


def stopped(ledger: Ledger, entries: tuple[Entry, ...], standing: Standing, *, by: str) -> Standing:
    """What is half out goes no further: its ledger has an end, and whoever was about to send the rest is fenced.

    Raises UsageError when a publisher was faster, StoreError.
    """
    if standing.kind in (Kind.published, Kind.failed):
        return standing
    terms = next((e.record.detail for e in reversed(entries) if e.record.kind is Kind.claim), {})
    for kind, pin, detail in ((Kind.claim, standing.pin, terms), (Kind.failed, None, {
            "reason": f"{by} takes back what is out; the rest is not sent", "class": "taken-back"})):
        entry = ledger.draft(standing.slot, standing.last, kind, pin=pin, detail=detail)
        standing = advance(standing, entry)
        if not ledger.write(standing.slot, entry):
            raise UsageError(f"{standing.slot} is under way.", "Try again in a minute: 'drumbeat status' tells.")
        entries = (*entries, entry)
    ledger.mark_done(receipt_of(standing, entries))
    return standing


def able(publisher: Publisher, standing: Standing) -> Withdraws:
    """The same publisher, if posts can be taken back there: asked before anything is changed. Raises UsageError."""
    if not isinstance(publisher, Withdraws):
        where = next((url for url in standing.urls if url.startswith("http")), None)
        raise UsageError(f"Drumbeat cannot take a post back from {publisher.network}.",
                         f"Delete it there by hand: {where}." if where else "Look there whether it can be deleted.")
    return publisher


def withdraw(publisher: Withdraws, ledger: Ledger, standing: Standing, *, kinds: tuple[str, ...], by: str, reason: str,
             now: datetime) -> Withdrawal:
    """What was taken back. Asking again is safe: what is not there any more counts as gone.

    `kinds`: of each part, "post" or "comment"; a comment that cannot be taken back goes with its post. Raises
    StoreError.
    """
    gone: list[PartReceipt] = []
    left: list[PartReceipt] = []
    why = None
    for number in reversed(range(len(standing.parts))):
        receipt = standing.parts[number]
        try:
            publisher.withdraw(receipt)
            gone.append(receipt)
        except PublishError as error:
            left.append(receipt)
            why = why or error.why
    if standing.parts and standing.parts[0] in gone:
        with_it = [one for one in left if kinds[standing.parts.index(one)] == "comment"]
        left = [one for one in left if one not in with_it]
        gone += with_it
    made = Withdrawal(slot=str(standing.slot), by=by, reason=reason, at=now, gone=tuple(gone), left=tuple(left),
                      why=why if left else None)
    ledger.put_withdrawal(standing.slot, made)
    return made
