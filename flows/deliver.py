"""One slot goes as far as it may now: claimed, its media uploaded, each part sent once, every step recorded.

The protocol is exactly-once's; what to do next is decided in `planning.deciding`, this file only carries it out.
"""
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from flows.edges.clock import Clock
from flows.edges.ledger import Ledger, is_gone
from flows.edges.repository import Repository
from flows.planning.deciding import LEASE_S, Do, Step, Turn, may_send, record_of_upload, records_after
from flows.planning.folding import advance, fold
from publishers.base import REQUEST_TIMEOUT_S, Outgoing, Prepares, Publisher, Sent
from schemas.errors import PublishError, RateLimited, StoreError, Unavailable, Unconfirmed
from schemas.ledger import Entry, Kind, PartReceipt, Pin, Slot, Standing, State
from schemas.message import Message
from schemas.plan import Item

log = logging.getLogger(__name__)
_OVER = (Kind.published, Kind.failed, Kind.skipped, Kind.held)
Upload = tuple[Slot, int, str, tuple[str, ...], tuple[str, ...]]    # slot, part, account, files, their alt texts
SEND_WINDOW_S = 10.0
"""A `sending` record promises that the call leaves within this time; later it is not made."""


class Ended(NamedTuple):
    """Where the slot stands after a delivery, and when to look at it again (UTC); None: not by itself.

    `news`: something was recorded, or waits to be; False: it was over before, and nothing about it has changed.
    """

    standing: Standing
    again: datetime | None
    news: bool = True


class Courier:
    """Delivers slots for one worker. Safe to call from several threads, one slot and one account each."""

    def __init__(self, repository: Repository, ledger: Ledger, clock: Clock, stopping: threading.Event) -> None:
        self.repository, self.ledger, self.clock, self.stopping = repository, ledger, clock, stopping
        self.handles: dict[Upload, dict[str, str]] = {}           # of media uploaded for parts that are not sent yet
        self.upload_tries: dict[Slot, int] = {}

    def deliver(self, item: Item, message: Message, publisher: Publisher, commit: str,
                still: Callable[[Item, Message], bool]) -> Ended:
        """Takes one slot as far as it goes now. `still`: whether the plan in force still wants exactly this.

        Raises StoreError when the archive does not answer before anything was sent; after a call it keeps trying.
        """
        return _Delivery(self, item, message, publisher, commit, still).run()

    # --- the archive after a call ---------------------------------------------------------------------------------

    def keep(self, slot: Slot, standing: Standing, step: Step, part: int | None, **more: Any) -> Standing | None:
        """The standing after `step` is stored; None when fenced. Tries until the archive answers, or we must stop."""
        entry = self.ledger.draft(slot, standing.last, step.kind, part=part, detail=step.detail, **more)
        moved = advance(standing, entry)                          # what no reader would accept is never written
        tries = 0
        while True:
            try:
                return moved if self.ledger.write(slot, entry) else None
            except StoreError as error:
                tries += 1
                log.error("archive does not answer, the outcome is kept in memory slot=%s kind=%s why=%s",
                          slot, step.kind, error.what)
                if self.stopping.wait(min(2.0 ** tries, 30.0)):
                    raise


class _Delivery:
    """One slot, one go."""

    def __init__(self, courier: Courier, item: Item, message: Message, publisher: Publisher, commit: str,
                 still: Callable[[Item, Message], bool]) -> None:
        self.courier, self.ledger, self.clock = courier, courier.ledger, courier.clock
        self.item, self.slot, self.publisher, self.commit = item, item.slot, publisher, commit
        self.still_wanted = partial(still, item, message)
        self.entries = self.ledger.read(item.slot)
        self.standing = fold(item.slot, self.entries)
        self.media = self._media(message)
        self.digests = {blob: hashlib.sha256(data).hexdigest() for blob, data in self.media.items()}
        self.files = {self.digests[blob]: data for blob, data in self.media.items()}
        self.outgoing = self._promised(message)

    def run(self) -> Ended:
        if self.standing.kind in (Kind.published, Kind.failed, Kind.skipped):
            if not self._is_asked_for_anew():
                return Ended(self.standing, None, news=False)
            detail = {"reason": "the plan entry changed", "commit": self.commit}
            reopened = self.ledger.append(self.slot, self.standing.last, Kind.reopened, detail=detail)
            if (fenced := self._moved(reopened)) is not None:
                return fenced
        while True:
            turn = self._turn()
            match turn.do:
                case Do.nothing:
                    return Ended(self.standing, None)
                case Do.reconcile:
                    going = self._doubt()
                case Do.wait | Do.leave:
                    return Ended(self.standing, turn.until)
                case Do.claim:
                    going = self._claim()
                case Do.go_on:
                    going = self._send()
                case Do.missed | Do.record:
                    going = self._end(turn)
            if going is not None:
                return going

    def _is_asked_for_anew(self) -> bool:
        """Rule R7: what failed or was skipped reopens if text, media or time changed and nothing of it is live."""
        if self.standing.kind is Kind.published or not self.standing.nothing_sent or self.standing.pin is None:
            return False
        claim = next((e.record.detail for e in reversed(self.entries) if e.record.kind is Kind.claim), {})
        if claim == self._terms() and self._is_what_was_promised():
            return False
        # A publisher that is behind on Git would otherwise bring back what was replaced.
        return self.courier.repository.descends(self.commit, self.standing.pin.commit)

    def _is_what_was_promised(self) -> bool:
        """Whether what would go out now is, byte for byte, what the claim in force pinned."""
        pin = self.standing.pin
        return pin is not None and pin.payload == hashlib.sha256(self.outgoing.canonical()).hexdigest()

    def _terms(self) -> dict[str, Any]:
        """What the plan says of the slot's time, as a claim keeps it."""
        latest = self.item.not_after
        return {"due": self.item.at.isoformat(), "grace_s": self.item.grace_s,
                "not_after": latest.isoformat() if latest is not None else None}

    def _turn(self) -> Turn:
        now = self.clock.now()
        turn = may_send(self.standing, total=len(self.outgoing.parts), now=now, due=self.item.at,
                        grace=timedelta(seconds=self.item.grace_s), mine=self.standing.worker == self.ledger.worker,
                        claim_age_s=self._claim_age())
        if turn.do is Do.go_on and not self.standing.parts and not self._is_what_was_promised():
            return Turn(Do.claim)                                 # edited since: a new claim pins the new text
        latest = self.item.not_after
        if turn.do in (Do.claim, Do.go_on) and latest is not None and now > latest and self.standing.nothing_sent:
            return Turn(Do.missed, step=Step(Kind.skipped, {"reason": "expired: its not_after has passed"}),
                        claim_first=turn.do is Do.claim)
        return turn

    def _claim_age(self) -> float | None:
        if self.standing.claim_seq is None or self.standing.kind in _OVER:
            return None                                           # nobody will ask: one request less
        if is_gone(self.standing.worker or ""):
            return LEASE_S                                        # its process is dead: nobody to wait for
        return self.ledger.age(self.slot, self.standing.claim_seq)

    def _claim(self, *, ending: bool = False) -> Ended | None:
        if not ending and not self.standing.parts and not self.still_wanted():
            return Ended(self.standing, self.clock.now())         # the plan changed meanwhile: look again
        if not self.standing.parts:
            for data in self.media.values():
                self.ledger.put_media(data)
        payload = self.ledger.put_payload(self.outgoing.canonical())
        pin = self.standing.pin if self.standing.parts and self.standing.pin else Pin(
            commit=self.commit, blob=self.item.post.post.blob, media=self.outgoing.media(), payload=payload,
            account=self.outgoing.account)
        return self._moved(self.ledger.append(self.slot, self.standing.last, Kind.claim, pin=pin,
                                              detail=self._terms()))

    def _doubt(self) -> Ended | None:
        """Says, once, that a call has no end that anybody knows: its publisher is gone. Nothing is sent any more."""
        if self.standing.state is State.unknown:
            return Ended(self.standing, None)
        detail = {"reason": "its publisher ended during the call, so nobody knows whether it arrived"}
        return self._moved(self.ledger.append(self.slot, self.standing.last, Kind.claim, pin=self.standing.pin,
                                              detail=detail))

    def _end(self, turn: Turn) -> Ended | None:
        assert turn.step is not None
        if turn.claim_first:                                      # an end is written by who holds the slot
            return self._claim(ending=True)
        return self._stepped(turn.step, None)

    def _send(self) -> Ended | None:
        part = len(self.standing.parts)
        handles = self._prepared(part)
        if isinstance(handles, PublishError):
            return self._not_prepared(handles)
        if not self.standing.parts and not self.still_wanted():
            return self._stepped(Step(Kind.released, {"reason": "the plan changed"}), None, again=self.clock.now())
        attempt = self.standing.attempts.get(part, 0) + 1
        sending = self.ledger.append(self.slot, self.standing.last, Kind.sending, part=part, attempt=attempt,
                                     send_window_s=SEND_WINDOW_S, request_timeout_s=REQUEST_TIMEOUT_S)
        confirmed = time.monotonic()
        fenced = self._moved(sending)
        if fenced is not None:
            return fenced
        answer = self._call(part, handles, confirmed)
        if not isinstance(answer, RateLimited | Unavailable):
            self.courier.handles.pop(self._upload(part), None)
        if isinstance(answer, Step):
            return self._stepped(answer, part)
        steps = records_after(answer, self.standing, total=len(self.outgoing.parts), now=self.clock.now())
        for number, step in enumerate(steps):
            about = None if step.kind in (Kind.published, Kind.released) else part
            moved = self.courier.keep(self.slot, self.standing, step, about)
            if moved is None:
                if number == 0:
                    self._evidence(part, attempt, answer)
                return Ended(fold(self.slot, self.ledger.read(self.slot)), None)
            self.standing = moved
        self._index()
        return None

    def _call(self, part: int, handles: Mapping[str, str], confirmed: float) -> PartReceipt | PublishError | Step:
        if time.monotonic() - confirmed > SEND_WINDOW_S:
            return Step(Kind.notsent, {"reason": "our own window passed before the call", "class": "unavailable"})
        answer: PublishError
        try:
            receipt = self.publisher.publish(self.outgoing, part, Sent(self.standing.parts, handles))
        except PublishError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK: the call may have arrived
            answer = Unconfirmed(f"the adapter broke off with {type(error).__name__}")
        else:
            log.info("sent slot=%s part=%d id=%s url=%s", self.slot, part + 1, receipt.id, receipt.url)
            return receipt
        log.warning("not published slot=%s part=%d class=%s why=%s", self.slot, part + 1, type(answer).__name__,
                    answer.why)
        return answer

    def _prepared(self, part: int) -> dict[str, str] | PublishError:
        """Handles for the part's media. An upload nobody refers to is invisible, so it may be repeated freely."""
        if not self.outgoing.parts[part].media or not isinstance(self.publisher, Prepares):
            return {}
        if (known := self.courier.handles.get(self._upload(part))) is not None:
            return known
        try:
            handles = self.publisher.prepare(self.outgoing, part, self._bytes)
        except PublishError as error:
            log.warning("media not uploaded slot=%s class=%s why=%s", self.slot, type(error).__name__, error.why)
            return error
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK; an upload alone shows nothing
            log.warning("media not uploaded slot=%s class=%s", self.slot, type(error).__name__)
            return Unavailable(f"the upload broke off with {type(error).__name__}")
        self.courier.handles[self._upload(part)] = handles
        self.courier.upload_tries.pop(self.slot, None)
        return handles

    def _upload(self, part: int) -> Upload:
        piece = self.outgoing.parts[part]
        return (self.slot, part, self.outgoing.account, piece.media, piece.alts)

    def _not_prepared(self, error: PublishError) -> Ended | None:
        tries = self.courier.upload_tries[self.slot] = self.courier.upload_tries.get(self.slot, 0) + 1
        step = record_of_upload(error, self.standing, tries=tries, now=self.clock.now())
        if step.kind is Kind.failed:
            return self._stepped(step, None)
        until = datetime.fromisoformat(step.detail["retry_at"])
        if self.standing.kind is Kind.sent:                       # a thread half out stays claimed
            return Ended(self.standing, until)
        return self._stepped(step, None, again=until)

    # --- small steps ------------------------------------------------------------------------------------------------

    def _moved(self, entry: Entry | None) -> Ended | None:
        """None: the record is ours, go on. Else the slot was taken over: nothing is sent."""
        if entry is None:
            log.warning("fenced slot=%s: another worker has it", self.slot)
            return Ended(fold(self.slot, self.ledger.read(self.slot)), self.clock.now() + timedelta(seconds=LEASE_S))
        self.standing = advance(self.standing, entry)
        return None

    def _stepped(self, step: Step, part: int | None, again: datetime | None = None) -> Ended | None:
        moved = self.courier.keep(self.slot, self.standing, step, part)
        if moved is None:
            return Ended(fold(self.slot, self.ledger.read(self.slot)), self.clock.now() + timedelta(seconds=LEASE_S))
        self.standing = moved
        self._index()
        return Ended(moved, again) if again is not None or step.kind is Kind.released else None

    def _index(self) -> None:
        if self.standing.state in (State.published, State.failed, State.skipped, State.missed):
            self.ledger.mark_done(self.slot, self.standing.state, self.item.at.date())

    def _evidence(self, part: int, attempt: int, answer: PartReceipt | PublishError) -> None:
        receipt = answer if isinstance(answer, PartReceipt) else None
        self.ledger.write_evidence(self.slot, epoch=self.standing.epoch, part=part, attempt=attempt, receipt=receipt,
                                   detail={} if receipt else {"reason": str(answer)})

    def _promised(self, message: Message) -> Outgoing:
        """What goes out: the pinned payload once a part is live or in doubt, else what the plan says now."""
        if (self.standing.parts or self.standing.doubt) and self.standing.pin is not None:
            return Outgoing.model_validate_json(self.ledger.get_payload(self.standing.pin.payload))
        return self.publisher.compose(self._with_digests(message))

    def _media(self, message: Message) -> dict[str, bytes]:
        """The bytes of the message's files by Git's name for them."""
        return self.courier.repository.blobs([m.blob for part in message.parts for m in part.media])

    def _with_digests(self, message: Message) -> Message:
        """`message` with each file named by the sha256 of its bytes, as the archive keeps it."""
        parts = []
        for part in message.parts:
            media = tuple(m.model_copy(update={"blob": self.digests[m.blob]}) for m in part.media)
            parts.append(part.model_copy(update={"media": media}))
        return message.model_copy(update={"parts": tuple(parts)})

    def _bytes(self, sha256: str) -> bytes:
        """From Git if it is still the same file, else as the archive kept it when the slot was claimed."""
        return self.files[sha256] if sha256 in self.files else self.ledger.get_media(sha256)
