"""One slot's records in one delivery: read, folded, written on, and what they promise."""
import hashlib
import logging
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from flows.courier import Courier, Desk, Ended, Order
from flows.planning.deciding import Step, records_after
from flows.planning.folding import advance, fold
from flows.planning.sealing import receipt_of
from flows.upload import Files
from publishers.base import DRAFT, Drafts, Outgoing, Publisher
from schemas.errors import PublishError
from schemas.ledger import Entry, Kind, PartReceipt, Pin, State

log = logging.getLogger(__name__)
OVER = (Kind.published, Kind.failed, Kind.skipped)


class Carried:
    """A slot on its way. `standing`, `entries`: as its ledger has it now; `outgoing`: what goes out."""

    def __init__(self, courier: Courier, order: Order, publisher: Publisher, desk: Desk) -> None:
        self.courier, self.ledger, self.clock = courier, courier.ledger, courier.clock
        self.order, self.slot, self.publisher, self.desk = order, order.slot, publisher, desk
        self.entries = list(self.ledger.read(order.slot))
        self.standing = fold(order.slot, self.entries)
        self.known = len(self.entries)
        self.claimed_at: float | None = None                      # by `elapsed_s`, just before our own claim was stored
        self.renewed = self.let_go = False
        self.look_failed: str | None = None
        self.kept_by: str | None = None                           # what had kept it when its end was claimed
        self.files = Files(courier.repository, courier.ledger, self.entries)
        self.outgoing = self._promised()

    def _append(self, kind: Kind, **what: Any) -> Ended | None:
        """None: the record is ours, go on. Else the slot was taken over: nothing is sent."""
        entry = self.ledger.draft(self.slot, self.standing.last, kind, **what)
        advance(self.standing, entry)                             # what no reader would accept is never written
        if not self.ledger.write(self.slot, entry):
            return self._fenced()
        self._moved(entry)
        return None

    def _moved(self, entry: Entry) -> None:
        self.standing = advance(self.standing, entry)
        self.entries.append(entry)

    def _fenced(self) -> Ended:
        log.warning("taken over slot=%s: another publisher has it", self.slot)
        self.entries = list(self.ledger.read(self.slot))
        again = self.clock.now() + timedelta(seconds=self.courier.timing.lease_s)
        return Ended(fold(self.slot, self.entries), again)

    def _ended(self, again: datetime | None) -> Ended:
        return Ended(self.standing, again, news=len(self.entries) > self.known)

    def _stepped(self, step: Step, part: int | None, again: datetime | None = None) -> Ended | None:
        entry = self.courier.keep(self.slot, self.standing, step, part)
        if entry is None:
            return self._fenced()
        self._moved(entry)
        self._index()
        return self._ended(again) if again is not None or step.kind is Kind.released else None

    def _index(self) -> None:
        if self.standing.state in (State.published, State.failed, State.skipped, State.missed):
            self.ledger.mark_done(receipt_of(self.standing, self.entries))

    def _evidence(self, part: int, attempt: int, answer: PartReceipt | PublishError) -> None:
        """What we know and may not record: for whoever has the slot now. In doubt we know nothing."""
        steps = records_after(answer, self.standing, total=len(self.outgoing.parts), now=self.clock.now())
        if steps[0].kind is Kind.unknown:
            return
        receipt = answer if isinstance(answer, PartReceipt) else None
        self.courier.until_stored(self.slot, lambda: self.ledger.write_evidence(
            self.slot, epoch=self.standing.epoch, part=part, attempt=attempt, receipt=receipt,
            detail={} if receipt else {"reason": str(answer)}))

    # --- what is promised ---------------------------------------------------------------------------------------------

    @cached_property
    def pinned(self) -> Outgoing:
        """What the last claim promised, as the archive keeps it."""
        assert self.standing.pin is not None
        return Outgoing.model_validate_json(self.ledger.get_payload(self.standing.pin.payload))

    def _promised(self) -> Outgoing:
        """What goes out: as pinned once a part is live or in doubt, else as the plan has it now.

        A thread that was reopened keeps what is live and gets the rest from the plan.
        """
        live, reopened = len(self.standing.parts), self.standing.kind is Kind.reopened
        begun = bool(live or self.standing.doubt) and self.standing.kind not in (Kind.reopened, *OVER)
        if self.order.item is None or begun:
            return self.pinned
        asked = self._composed()
        if live and reopened:
            return asked.model_copy(update={"parts": (*self.pinned.parts[:live], *asked.parts[live:])})
        return asked

    def _composed(self) -> Outgoing:
        assert self.order.message is not None
        return self.publisher.compose(self.files.named(self.order.message))

    def _is_what_was_promised(self) -> bool:
        """Whether what would go out now is, byte for byte, what the claim in force pinned."""
        pin = self.standing.pin
        return pin is not None and pin.payload == hashlib.sha256(self.outgoing.canonical()).hexdigest()

    def _terms(self) -> dict[str, Any]:
        """What the plan says of the slot's time, as a claim keeps it; without a plan, as the last claim has it."""
        item = self.order.item
        if item is None:
            claims = (e.record.detail for e in reversed(self.entries) if e.record.kind is Kind.claim)
            return next((detail for detail in claims if "due" in detail), {})
        return {"due": item.at.isoformat(), "grace_s": item.grace_s,
                "not_after": item.not_after.isoformat() if item.not_after is not None else None}

    def _pin(self) -> Pin:
        """What is promised now; its payload and media are in the archive before anybody promises them."""
        assert self.order.item is not None
        media = self.files.keep(self.outgoing.media())
        payload = self.ledger.put_payload(self.outgoing.canonical())
        return Pin(commit=self.order.commit, blob=self.order.item.post.post.blob, media=media,
                   payload=payload, account=self.outgoing.account,
                   account_id=self.courier.identified.get(self.publisher))

    def _drafted(self) -> dict[str, str]:
        """The draft that an earlier attempt at this part was about: the network may know it, or still work on it.

        None any more once something else is promised, or the slot was opened again; nor one that has grown old, unless
        its call is in doubt: a network forgets drafts, and a post is dated by them.
        """
        if not isinstance(self.publisher, Drafts):
            return {}
        payload, drafts, first = None, dict[str, str](), dict[str, datetime]()
        lives = timedelta(seconds=self.publisher.handles_live_s)
        for entry in self.entries:
            record = entry.record
            promised = record.pin.payload if record.pin else None
            if record.kind is Kind.reopened or (record.kind is Kind.claim and promised != payload):
                payload, drafts = promised, {}
            elif record.kind is Kind.sending and record.part == len(self.standing.parts) and DRAFT in record.detail:
                made = first.setdefault(record.detail[DRAFT], record.at)         # each attempt names it anew
                is_old = self.standing.doubt is None and self.clock.now() - made > lives
                drafts = {} if is_old else {DRAFT: record.detail[DRAFT]}
        return drafts

    def _age(self, seq: int) -> float:
        """Seconds since record `seq` was written, by the store's clock. In a rehearsal by the pretend one."""
        if self.clock.pretend:
            return max((self.clock.now() - self.entries[seq - 1].record.at).total_seconds(), 0.0)
        return self.ledger.age(self.slot, seq) or 0.0
