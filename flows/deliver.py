"""One slot goes as far as it may now: claimed, its media uploaded, each part sent once, every step recorded.

The protocol is exactly-once's; what to do next is decided in `planning.deciding`, this file only carries it out.
"""
import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from flows.carry import OVER, Carried
from flows.courier import Ended
from flows.edges.clock import elapsed_s
from flows.edges.ledger import is_gone
from flows.edges.store import Unanswered
from flows.planning.deciding import (
    LOOK_BACK,
    WITHDRAWN,
    Do,
    Step,
    Turn,
    after_look,
    by_evidence,
    may_send,
    record_of_upload,
    records_after,
    wait_after,
)
from flows.planning.folding import advance
from flows.planning.pausing import LEFT_OUT
from flows.planning.reporting import when
from flows.upload import Files, Job
from publishers.base import DRAFT, REQUEST_TIMEOUT_S, Locates, Sent
from schemas.errors import PublishError, RateLimited, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Found, Kind, PartReceipt, Slot

log = logging.getLogger(__name__)
KEPT_BACK, UNREACHED, STOPPED = "kept-back", "unreached", "stopped"


class Delivery(Carried):
    """One slot, one go."""

    def run(self) -> Ended:
        """Takes the slot as far as it goes now.

        Raises StoreError when the archive does not answer before anything was sent; after a call it keeps trying.
        Raises SettingsError when the credentials open another account than before.
        """
        if self.standing.kind in OVER:
            if self.courier.settle_only or not self._is_asked_for_anew():
                return self._ended(None)
            detail = {"reason": "the plan entry changed", "commit": self.order.commit}
            fenced = self._append(Kind.reopened, detail=detail)
            if fenced is not None:
                return fenced
            self.files = Files(self.courier.repository, self.ledger, self.entries)
            self.outgoing = self._promised()
        while True:
            turn = self._turn()
            if self.courier.settle_only and turn.do in (Do.claim, Do.go_on, Do.missed):
                return self._ended(None)
            match turn.do:
                case Do.nothing:
                    going = self._evidence_on_held()
                case Do.reconcile:
                    going = self._settle(turn)
                case Do.wait | Do.leave:
                    going = self._ended(turn.until)
                case Do.claim:
                    going = self._held() or self._kept_back() or self._claim()
                case Do.go_on:
                    going = self._held() or self._kept_back() or self._send({})
                case Do.missed:
                    going = self._held() or self._end(turn)       # who is held is not late
                case Do.record:
                    going = self._end(turn)
            if going is not None:
                return going

    # --- what is asked ------------------------------------------------------------------------------------------------

    def _is_asked_for_anew(self) -> bool:
        """Rule R7: what failed or was skipped reopens if the plan entry changed in what is not live yet."""
        standing, live, item = self.standing, len(self.standing.parts), self.order.item
        if live and self.ledger.withdrawals(self.slot):
            return False                                          # a person took back what was out: nothing follows it
        if standing.kind is Kind.published or item is None or standing.pin is None or standing.doubt:
            return False
        if not live and self.clock.now() > item.at + timedelta(seconds=item.grace_s):
            return False                                          # it would only be missed again
        asked = self._composed()
        claim = next((e.record.detail for e in reversed(self.entries) if e.record.kind is Kind.claim), {})
        as_due = claim.get("due") == item.at.isoformat()
        came_back = standing.last is not None and standing.last.record.detail.get("class") == WITHDRAWN
        same = as_due and not came_back
        if same and hashlib.sha256(asked.canonical()).hexdigest() == standing.pin.payload:
            return False
        if live and (asked.account != self.pinned.account or len(asked.parts) <= live or (
                same and asked.parts[live:] == self.pinned.parts[live:])):
            return False
        # A publisher that is behind on Git would otherwise bring back what was replaced.
        descends = self.courier.repository.descends(self.order.commit, standing.pin.commit)
        if not descends:
            log.warning("not opened again slot=%s: its commit %s is no ancestor of %s here (history rewritten, or a "
                        "shallow clone)", self.slot, standing.pin.commit[:10], self.order.commit[:10])
        return descends

    def _turn(self) -> Turn:
        now, terms = self.clock.now(), self._terms()
        due = datetime.fromisoformat(terms["due"]) if terms.get("due") else now
        begun = bool(self.standing.parts or self.standing.doubt)
        turn = may_send(self.standing, total=len(self.outgoing.parts), now=now, due=due,
                        grace=timedelta(seconds=float(terms.get("grace_s", 0.0))),
                        mine=self.standing.worker == self.ledger.worker, claim_age_s=self._claim_age(),
                        doubt_age_s=self._age(self.standing.doubt.seq) if self.standing.doubt else None,
                        lookup=self.publisher.lookup, timing=self.courier.timing, withdrawn=self.order.withdrawn)
        if begun or turn.do in (Do.nothing, Do.leave):
            return turn
        if self.order.item is None:
            return turn if self.order.withdrawn else Turn(Do.wait)     # then the plan says why it waits
        if turn.do is Do.go_on and not self._is_what_was_promised():
            return Turn(Do.claim)                                 # edited since: a new claim pins the new text
        if turn.do in (Do.claim, Do.go_on, Do.missed) and self.standing.nothing_sent and (
                self.desk.is_left_out(self.slot)):
            return Turn(Do.missed, step=Step(Kind.skipped, {"reason": LEFT_OUT}),
                        claim_first=turn.claim_first or turn.do is Do.claim)
        latest = self.order.item.not_after
        if turn.do in (Do.claim, Do.go_on) and latest is not None and now > latest and self.standing.nothing_sent:
            return Turn(Do.missed, step=Step(Kind.skipped, {"reason": "expired: its not_after has passed"}),
                        claim_first=turn.do is Do.claim)
        return turn

    def _claim_age(self) -> float | None:
        if self.standing.claim_seq is None or self.standing.kind in (*OVER, Kind.held):
            return None                                           # nobody will ask: one request less
        if self.claimed_at is not None and self.standing.worker == self.ledger.worker:
            return elapsed_s() - self.claimed_at                  # at least its age by the store's clock
        if is_gone(self.standing.worker or ""):
            return self.courier.timing.lease_s                    # its process is dead: nobody to wait for
        return self.ledger.age(self.slot, self.standing.claim_seq)

    # --- claim and end ------------------------------------------------------------------------------------------------

    def _claim(self, more: Mapping[str, str] = MappingProxyType({}), *, ending: bool = False) -> Ended | None:
        going_on = bool(self.standing.parts or self.standing.doubt) and self.standing.kind is not Kind.reopened
        if not ending and not going_on and not self.desk.still(self.order):
            return self._ended(self.clock.now())                  # the plan changed meanwhile: look again
        if not ending and (unknown := self._unidentified()) is not None:
            return unknown
        pin = self.standing.pin
        if pin is None or not (going_on or self.order.item is None):
            pin = self._pin()
        self.claimed_at = elapsed_s()
        return self._append(Kind.claim, pin=pin, detail={**self._terms(), **self._signed(), **self.files.promise(),
                                                         **more})

    def _signed(self) -> dict[str, str]:
        """Who signed the post's file; what Git calls its author is free text (threats, A1)."""
        item = self.order.item
        if item is None:
            return {}
        path = item.post.post.file.removeprefix(f"{self.courier.repository.folder.name}/")
        return {"who": self.courier.witness.who(self.order.commit, path, now=self.clock.now())}

    def _held(self) -> Ended | None:
        """A person has stopped it: nothing is sent until a person lets it go on.

        Nothing is written either, unless it was claimed just before: then it says that it waits, and why.
        """
        stopped = self.desk.held(self.order)
        if stopped is None:
            return None
        mine = self.standing.kind is Kind.claim and self.standing.worker == self.ledger.worker
        if stopped.why and mine and not (self.standing.parts or self.standing.doubt):
            return self._stepped(Step(Kind.released, {"reason": stopped.why, "class": STOPPED}), None,
                                 again=stopped.until)
        return self._ended(stopped.until)._replace(why=stopped.why or None)

    def _kept_back(self) -> Ended | None:
        """A gate is shut, the flood fuse has blown, or others go first: said in the ledger, so whoever asks is told."""
        item = self.order.item
        if self.let_go or self.standing.parts or item is None:
            return None
        if not self.standing.doubt and (bar := self.desk.barred(self.slot)) is not None:
            return self._put_off(bar.why, KEPT_BACK, bar.until)
        if (unknown := self._unidentified()) is not None:
            return unknown
        brake = self.desk.brake(item, self.publisher)
        if brake is None:
            self.let_go = True
            return None
        reason = f"{brake.why}; its turn is at about {when(brake.until, item.zone)}"
        return self._put_off(reason, KEPT_BACK, brake.until)

    def _put_off(self, reason: str, kind: str, again: datetime) -> Ended | None:
        """Before anything is sent: the reason goes into the ledger, once, so that whoever asks is told."""
        said = self.standing.last.record if self.standing.last is not None else None
        noted = said is not None and said.kind is Kind.released and said.detail.get("class") == kind
        if noted or self.standing.parts or self.standing.doubt or self.order.item is None:
            return self._ended(again)._replace(why=reason)
        log.warning("put off slot=%s why=%s", self.slot, reason)
        if self.claimed_at is None and (fenced := self._claim(ending=True)) is not None:
            return fenced
        # no `retry_at`: what is put right meanwhile counts at once
        return self._stepped(Step(Kind.released, {"reason": reason, "class": kind}), None, again=again)

    def _end(self, turn: Turn) -> Ended | None:
        assert turn.step is not None
        if turn.claim_first:                                      # an end is written by who holds the slot
            if self.standing.kind in (Kind.released, Kind.notsent):
                self.kept_by = self.standing.reason               # our claim says no reason, and people ask for it
            return self._claim(ending=True)
        step = turn.step
        if "last_reason" in step.detail:
            step = step._replace(detail={**step.detail, "last_reason": step.detail["last_reason"] or self.kept_by})
        return self._stepped(step, None, again=turn.until)

    def _unidentified(self) -> Ended | None:
        """None: the credentials open the account that this channel always had. Raises SettingsError when they do not.

        A network that takes them for nothing may say so to the call itself, which is recorded; no other is risked.
        """
        try:
            self.courier.identify(self.order.channel, self.outgoing.account, self.publisher)
        except PublishError as error:
            if isinstance(error, Unauthorized) and error.dead:
                return None                                       # nothing at all can be done with it: the call says so
            away = isinstance(error, Unavailable | RateLimited)
            what = "the network cannot be reached" if away else "the network does not say whose account this is"
            kind = "unauthorized" if isinstance(error, Unauthorized) else UNREACHED
            return self._put_off(f"{what}: {error.why}", kind, self.clock.now() + wait_after(1))
        return None

    # --- a lost answer ------------------------------------------------------------------------------------------------

    def _evidence_on_held(self) -> Ended | None:
        """A person's turn, unless the sender's own word has arrived since."""
        if self.standing.kind is not Kind.held:
            return self._ended(None)
        turn = by_evidence(self.standing, self.ledger.evidence(self.slot), total=len(self.outgoing.parts))
        if turn is None or turn.step is None:
            return self._ended(None)
        return self._stepped(turn.step, len(self.standing.parts))

    def _settle(self, turn: Turn) -> Ended | None:
        """Says what became of a call whose answer was lost: by its sender's own word, else by a look at the account."""
        total = len(self.outgoing.parts)
        settled = by_evidence(self.standing, self.ledger.evidence(self.slot), total=total)
        if turn.claim_first and (settled is not None or turn.until is None or self.standing.kind is Kind.sending):
            gone = "its publisher ended or hangs during the call, so nobody knows whether it arrived"
            return self._claim({"reason": gone} if self.standing.kind is Kind.sending else {})
        if settled is None and turn.until is not None:
            zone = self.order.item.zone if self.order.item else "UTC"
            why = f"the call may still take effect; the account is looked at from {when(turn.until, zone)} on"
            return self._ended(turn.until)._replace(why=why)
        settled = settled or self._looked()
        match settled.do:
            case Do.wait:
                return self._ended(settled.until)._replace(why=self.look_failed)
            case Do.go_on if self.courier.settle_only:
                return Ended(self.standing, None, why="it is not there; the publisher sends it again")
            case Do.go_on:
                assert settled.step is not None
                return self._send(settled.step.detail)
            case _:
                assert settled.step is not None
                about = None if settled.step.kind is Kind.published else len(self.standing.parts)
                return self._stepped(settled.step, about)

    def _looked(self) -> Turn:
        doubt = self.standing.doubt
        assert doubt is not None
        since, found, why = doubt.since - LOOK_BACK, None, ""
        try:
            found = self.publisher.find(self.outgoing, doubt.part, since, Sent(self.standing.parts, self._drafted()))
        except PublishError as error:
            if isinstance(error, Unauthorized) and not self.renewed:
                self.renewed = True
                self.publisher = self.desk.renewed(self.order.channel)
                return self._looked()
            why = error.why
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK: nothing was learned
            why = f"the adapter broke off with {type(error).__name__}"
        log.info("looked slot=%s part=%d found=%s %s", self.slot, doubt.part + 1,
                 "nothing readable" if found is None else [one.id for one in found.matches], why)
        if why:
            self.look_failed = f"the account could not be read: {why}"
        taken, item, now = self._taken(found, since), self.order.item, self.clock.now()
        wanted = bool(self.standing.parts) or (
            item is not None and now <= item.at + timedelta(seconds=item.grace_s)
            and (item.not_after is None or now <= item.not_after))
        turn = after_look(
            self.standing, found, taken, total=len(self.outgoing.parts), lookup=self.publisher.lookup,
            on_unknown=self.order.channel.on_unknown, doubt_age_s=self._age(doubt.seq),
            first_age_s=self._age(doubt.first_seq), now=now, why=why, wanted=wanted)
        if turn.do is Do.go_on and item is not None and item.at > now and not self.standing.parts:
            return Turn(Do.wait, until=item.at)                   # moved to a later time since
        return turn

    def _taken(self, found: Found | None, since: datetime) -> Mapping[str, Slot]:
        """Ids that other slots of the channel hold: asked only when there is something to compare."""
        if found is None or not found.matches:
            return {}
        also = [slot for slot in self.desk.neighbours(self.slot) if slot != self.slot]
        ids = self.ledger.receipts_of(self.slot.channel, since, self.clock.now(), also=also)
        return {id: slot for id, slot in ids.items() if slot != self.slot}

    # --- the call -----------------------------------------------------------------------------------------------------

    def _send(self, looked: dict[str, Any]) -> Ended | None:
        part = len(self.standing.parts)
        if (unknown := self._unidentified()) is not None:
            return unknown
        job = self._job(part)
        handles = self.courier.uploads.handles(self.publisher, job)
        if isinstance(handles, PublishError):
            return self._not_prepared(handles)
        self.courier.upload_tries.pop(self.slot, None)
        if (held := self._held()) is not None:                    # asked again: uploads may have taken their time
            return held
        if not (self.standing.parts or self.standing.doubt) and (
                self.desk.is_left_out(self.slot) or not self.desk.still(self.order)):
            return self._stepped(Step(Kind.released, {"reason": "the plan changed"}), None, again=self.clock.now())
        attempt, timing = self.standing.attempts.get(part, 0) + 1, self.courier.timing
        draft = {DRAFT: handles[DRAFT]} if DRAFT in handles else {}
        began = elapsed_s()             # before the record can exist: others count from when the archive took it
        sending = self.ledger.draft(self.slot, self.standing.last, Kind.sending, part=part, attempt=attempt,
                                    detail={**looked, **draft}, send_window_s=timing.send_window_s,
                                    request_timeout_s=timing.request_timeout_s or REQUEST_TIMEOUT_S)
        advance(self.standing, sending)
        if not self.courier.until_stored(self.slot, lambda: self.ledger.write(self.slot, sending), only=Unanswered):
            return self._fenced()
        self._moved(sending)
        answer = self._call(part, handles, began)
        if not isinstance(answer, RateLimited | Unavailable | Unauthorized):
            self.courier.uploads.forget(self.publisher, job, used=isinstance(answer, PartReceipt))
        renewable = isinstance(answer, Unauthorized) and not self.renewed
        steps = records_after(answer, self.standing, total=len(self.outgoing.parts), now=self.clock.now(),
                              renewable=renewable)
        for number, step in enumerate(steps):
            about = None if step.kind in (Kind.published, Kind.released) else part
            entry = self.courier.keep(self.slot, self.standing, step, about)
            if entry is None:
                if number == 0:
                    self._evidence(part, attempt, answer)
                return self._fenced()
            self._moved(entry)
        self._index()
        if renewable:
            self.renewed = True
            self.publisher = self.desk.renewed(self.order.channel)
        return None

    def _call(self, part: int, handles: Mapping[str, str], began: float) -> PartReceipt | PublishError:
        if elapsed_s() - began > self.courier.timing.send_window_s:
            return Unavailable("our own window passed before the call")
        answer: PublishError
        try:
            receipt = self.publisher.publish(self.outgoing, part, Sent(self.standing.parts, handles))
        except PublishError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK: the call may have arrived
            answer = Unconfirmed(f"the adapter broke off with {type(error).__name__}")
        else:
            receipt = self._located(receipt)
            log.info("sent slot=%s part=%d id=%s url=%s", self.slot, part + 1, receipt.id, receipt.url)
            return receipt
        log.warning("not published slot=%s part=%d class=%s why=%s", self.slot, part + 1, type(answer).__name__,
                    answer.why)
        return answer

    def _located(self, receipt: PartReceipt) -> PartReceipt:
        """With the post's address, where the network tells it only when asked; without one it is out all the same."""
        if receipt.url is not None or not isinstance(self.publisher, Locates):
            return receipt
        try:
            return receipt.model_copy(update={"url": self.publisher.locate(receipt)})
        except PublishError as error:
            log.info("address not known slot=%s id=%s why=%s", self.slot, receipt.id, error.why)
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK, after the post is out
            log.warning("address not known slot=%s id=%s class=%s", self.slot, receipt.id, type(error).__name__)
        return receipt

    # --- media --------------------------------------------------------------------------------------------------------

    def _job(self, part: int) -> Job:
        reopened = max((e.record.at for e in self.entries if e.record.kind is Kind.reopened), default=None)
        return Job(self.order.channel.id, self.outgoing, part, self.files.read, reopened, self.standing.parts,
                   self._drafted().get(DRAFT))

    def _not_prepared(self, error: PublishError) -> Ended | None:
        tries = self.courier.upload_tries[self.slot] = self.courier.upload_tries.get(self.slot, 0) + 1
        if isinstance(error, Unauthorized) and not self.renewed:
            self.renewed = True
            self.publisher = self.desk.renewed(self.order.channel)
            return None
        step = record_of_upload(error, self.standing, tries=tries, now=self.clock.now())
        if self.standing.doubt:                                   # nothing but a look may follow; it comes again
            return Ended(self.standing, self.clock.now() + wait_after(tries), why=error.why)
        if step.kind is Kind.failed:
            return self._stepped(step, None)
        until = datetime.fromisoformat(step.detail["retry_at"])
        if self.standing.kind is Kind.sent:                       # a thread half out stays claimed
            return Ended(self.standing, until)
        return self._stepped(step, None, again=until)
