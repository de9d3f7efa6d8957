"""What may be done with a slot now, and what to record after a call or a look. Pure: the caller walks the answer.

Sources: exactly-once, sections 6 to 8; design, section 10 (too late is `missed`).
"""
from collections.abc import Container, Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from flows.planning.folding import MISSED
from schemas.errors import PaymentRequired, PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from schemas.ledger import Doubt, Evidence, Found, Kind, Lookup, PartReceipt, Repeat, Standing

LEASE_S = 120.0                             # by the store's clock, from the last claim; renewed by nothing
LONGEST_WAIT = timedelta(minutes=15)        # a longer wait is not held on to: the slot is released
UNAVAILABLE_WAIT = timedelta(seconds=15)    # after the first attempt; doubles with every further one
RATE_LIMITED_WAIT = timedelta(seconds=1)    # the same, where the network's own `until` is sooner
MOST_ATTEMPTS = 16                          # of one part, all proven unsent: 15 s doubling to 15 min makes 2.5 hours
MOST_REPEATS = 2                            # of one part, where a repeat is a second post: three attempts in all
LOOK_FOR_S = 86_400.0                       # so long an account is asked for a lost post, if it does not answer
LOOK_BACK = timedelta(minutes=5)            # a network's clock may be behind ours

WITHDRAWN = "withdrawn"                     # the class of a `skipped` that comes back with its post

OnUnknown = Literal["hold", "retry"]


class Timing(NamedTuple):
    """How long a worker trusts what, in seconds. Tests of whole processes make it shorter; nothing else does."""

    lease_s: float = LEASE_S
    send_window_s: float = 10.0         # a `sending` record promises that the call leaves within this time
    request_timeout_s: float | None = None      # None: as every adapter's connection has it
    quiet_s: float | None = None        # None: as the network's own `Lookup` says


TIMING = Timing()


class Step(NamedTuple):
    """A record to write: its kind and its detail. It speaks of the part under way."""

    kind: Kind
    detail: dict[str, Any]


class Do(StrEnum):
    """What a worker may do with a slot."""

    claim = "claim"             # write a claim, then ask again
    go_on = "go on"             # our claim is in force: send the next part
    wait = "wait"               # ask again at `until`
    leave = "leave"             # another call or worker is at it; ask again at `until`
    reconcile = "reconcile"     # a part is in doubt: `by_evidence`; from `until` on a claim if `claim_first`, then look
    missed = "missed"           # too late: write a claim if `claim_first`, then `step`
    record = "record"           # write `step`: nothing is left to send
    nothing = "nothing"         # over, or a person's turn


class Turn(NamedTuple):
    """What to do, and what it needs. `until` is UTC."""

    do: Do
    until: datetime | None = None
    step: Step | None = None
    claim_first: bool = False


def records_after(answer: PartReceipt | PublishError, standing: Standing, *, total: int, now: datetime,
                  renewable: bool = False) -> tuple[Step, ...]:
    """The records to write, in order, once the create call has ended. `standing` has that call's `sending` last.

    `total` is the number of parts of the message. `renewable`: a refused credential was not read anew yet. An error
    that is none of the known kinds counts as doubt.
    """
    match answer:
        case PartReceipt(id=""):
            return (Step(Kind.unknown, {"reason": "the network answered without an id"}),)
        case PartReceipt():
            return (_one_more(standing, answer, total, "answer"),)
        case RateLimited():
            return _later(answer, "rate-limited", answer.until, standing, now)
        case Unavailable():
            return _later(answer, "unavailable", None, standing, now)
        case Unauthorized() if renewable:                        # once with the credential read anew
            return (Step(Kind.notsent, {"reason": answer.why, "class": "unauthorized"}),)
        case Unauthorized() if standing.parts:                   # half a thread is out: the rest waits for a credential
            return _later(answer, "unauthorized", now + LONGEST_WAIT, standing, now)
        case Unauthorized() | PaymentRequired() | Rejected() if standing.repeats:
            # it says nothing about the earlier call, whose answer was lost
            return (_held("refused", f"{answer.why}; {_EARLIER}"),)
        case Unauthorized():
            return (_failed(answer.why, "unauthorized", standing),)
        case PaymentRequired():
            return (_failed(answer.why, "payment-required", standing),)
        case Rejected():
            return (_failed(answer.why, "rejected", standing),)
        case _:
            return (Step(Kind.unknown, {"reason": answer.why}),)


def record_of_upload(error: PublishError, standing: Standing, *, tries: int, now: datetime) -> Step:
    """The record to write when media of the next part could not be uploaded, after `tries` tries: nothing exists."""
    kinds = {Rejected: "rejected", Unauthorized: "unauthorized", PaymentRequired: "payment-required"}
    if (kind := kinds.get(type(error))) is not None:
        return _failed(error.why, kind, standing)
    limited = isinstance(error, RateLimited)
    kind, first = ("rate-limited", RATE_LIMITED_WAIT) if limited else ("unavailable", UNAVAILABLE_WAIT)
    if tries >= MOST_ATTEMPTS:
        return _failed(f"{error.why} (gave up after {tries} tries)", kind, standing)
    until = now + wait_after(tries, first)
    if isinstance(error, RateLimited) and error.until is not None:
        until = max(until, error.until)
    return Step(Kind.released, {"reason": error.why, "class": kind, "retry_at": _text(until)})


def may_send(standing: Standing, *, total: int, now: datetime, due: datetime, grace: timedelta, mine: bool,
             claim_age_s: float | None, doubt_age_s: float | None, lookup: Lookup, timing: Timing = TIMING,
             withdrawn: bool = False) -> Turn:
    """What a worker may do now. `mine`: the last claim is this worker's. `withdrawn`: the plan does not hold it now.

    `now`, `due` are UTC by the wall clock; `total` is the number of parts. The ages of the last claim and of the
    `sending` in doubt are by the store's clock, in seconds; None: there is no such record.
    """
    if standing.kind in (Kind.published, Kind.failed, Kind.skipped, Kind.held):
        return Turn(Do.nothing)
    in_force = claim_age_s is not None and claim_age_s < timing.lease_s
    if in_force and standing.kind in _LEASED and not (mine and standing.kind is not Kind.sending):
        # another's lease, or our own call that is still out
        return Turn(Do.leave, until=now + timedelta(seconds=timing.lease_s - (claim_age_s or 0.0)))
    if standing.doubt:
        rest_s = wait_before_look_s(standing.doubt, lookup, timing) - (doubt_age_s or 0.0)
        look = max(now + timedelta(seconds=rest_s), standing.retry_at or now)
        return Turn(Do.reconcile, until=look if look > now else None,
                    claim_first=not (mine and in_force and standing.kind is Kind.claim))
    claimed = mine and in_force and standing.kind in (Kind.claim, Kind.notsent, Kind.sent)
    if len(standing.parts) >= total:
        return _all_live(standing, claimed)
    if withdrawn and not standing.parts:
        return Turn(Do.missed, step=_withdrawn(), claim_first=not claimed)
    if standing.parts:                      # a thread half out goes on, however late
        early = _at(standing.retry_at, now)
    elif now > due + grace:
        return Turn(Do.missed, step=_missed(standing, due, grace), claim_first=not claimed)
    elif due > now and standing.kind in (Kind.claim, Kind.notsent):
        moved = Step(Kind.released, {"reason": "it was moved to a later time"})
        return Turn(Do.record, until=due, step=moved, claim_first=not claimed)
    else:
        early = _at(due, now) or _at(standing.retry_at, now, no_later=due + grace + timedelta(seconds=1))
    return early or Turn(Do.go_on if claimed else Do.claim)


def wait_before_look_s(doubt: Doubt, lookup: Lookup, timing: Timing = TIMING) -> float:
    """How old the `sending` in doubt must be before a look at the account says anything: its call is then over."""
    quiet_s = lookup.quiet_s if timing.quiet_s is None else timing.quiet_s
    return doubt.send_window_s + doubt.request_timeout_s + quiet_s


def by_evidence(standing: Standing, evidence: Iterable[Evidence], *, total: int) -> Turn | None:
    """What a fenced sender's own word settles about the part in doubt: a record, or that it may be sent; None: nothing.

    A slot that is `held` is resolved by it, and only if the part is live.
    """
    if (doubt := standing.doubt) is None:
        return None
    about = [one for one in evidence if one.part == doubt.part]
    live = {one.receipt.id: one.receipt for one in about if one.receipt is not None}
    if len(live) == 1:
        (receipt,) = live.values()
        if standing.kind is Kind.held:
            return Turn(Do.record, step=Step(Kind.resolved, {
                "verdict": "live", **_named(receipt), "by": "the answer itself, which its sender kept"}))
        return Turn(Do.record, step=_one_more(standing, receipt, total, "evidence"))
    if live:
        return None if standing.kind is Kind.held else Turn(Do.record, step=_held(
            "several", "it is there more than once: nothing is deleted by itself", tuple(live.values())))
    proven = any(one.epoch == doubt.epoch and one.attempt == doubt.attempt for one in about)
    if proven and standing.kind is not Kind.held and not standing.repeats:
        return Turn(Do.go_on, step=Step(Kind.sending, {"looked": "evidence"}))
    return None


def after_look(standing: Standing, found: Found | None, taken: Container[str], *, total: int, lookup: Lookup,
               on_unknown: OnUnknown, doubt_age_s: float, first_age_s: float, now: datetime, why: str = "",
               wanted: bool = True) -> Turn:
    """What follows when a lost answer was looked up (exactly-once, section 8).

    `found` None: the look failed, `why` says how. `taken`: ids that other slots' receipts name. `wanted`: the plan
    still wants it sent. Ages by the store's clock, in seconds: of the `sending` in doubt, and of the part's first one.
    The answer is a record, a later look (`wait`), or `go_on`: send again, with the step's detail in the new `sending`.
    """
    if lookup.repeat is Repeat.blind:
        return Turn(Do.record, step=_held("blind", "the answer was lost, and this network cannot be read back"))
    own = {part.id for part in standing.parts}
    matches = tuple(one for one in found.matches if one.id not in taken and one.id not in own) if found else ()
    if found is None or not found.complete:
        if doubt_age_s >= LOOK_FOR_S:
            return Turn(Do.record, step=_held(
                "unreadable", f"the answer was lost, and for a day the account could not be read: {why or 'too long'}",
                matches))
        # as long again as it has been going on, so that few looks cover the day
        return Turn(Do.wait, until=now + min(max(timedelta(seconds=doubt_age_s), UNAVAILABLE_WAIT), LONGEST_WAIT))
    if len(matches) == 1:
        return Turn(Do.record, step=_one_more(standing, matches[0], total, "readback"))
    if matches:
        return Turn(Do.record, step=_held("several", "it is there more than once: nothing is deleted by itself",
                                          matches))
    keyed = lookup.repeat is Repeat.keyed and first_age_s < lookup.key_lives_s
    if not wanted:
        return Turn(Do.record, step=_held("unwanted", "the answer was lost, and the account does not show the post; it "
                                          "is not sent again, since it was withdrawn or is too late by now"))
    if keyed or (on_unknown == "retry" and standing.repeats < MOST_REPEATS):
        return Turn(Do.go_on, step=Step(Kind.sending, {"looked": "absent"}))
    return Turn(Do.record, step=_held("absent", "the answer was lost, and the account does not show the post; it is "
                                      "not sent again unless you say that it is not there"))


def wait_after(attempts: int, first: timedelta = UNAVAILABLE_WAIT) -> timedelta:
    """How long to wait after the given number of attempts, at least one, that are proven to have done nothing."""
    doublings = min(attempts - 1, 10)       # beyond that the cap holds anyway
    return min(first * (1 << doublings), LONGEST_WAIT)


_EARLIER = "an earlier try got no answer, and the account did not show it"
_LEASED = (Kind.claim, Kind.sending, Kind.notsent, Kind.unknown, Kind.sent)


def _at(moment: datetime | None, now: datetime, no_later: datetime | None = None) -> Turn | None:
    if moment is None or moment <= now:
        return None
    return Turn(Do.wait, until=min(moment, no_later) if no_later else moment)


def _all_live(standing: Standing, claimed: bool) -> Turn:
    """A person found the last part live; or a reopened thread became shorter than what is out."""
    if standing.kind is Kind.resolved:
        return Turn(Do.record, step=_receipt(standing.parts, "resolved"))
    if not claimed:
        return Turn(Do.claim)
    return Turn(Do.record, step=_failed("every part is live already, and the text is now shorter than what is out",
                                        "shortened", standing))


def _missed(standing: Standing, due: datetime, grace: timedelta) -> Step:
    """The end of what is too late, and of which nothing is live."""
    return Step(Kind.skipped, {"reason": MISSED, "due": _text(due), "grace_s": grace.total_seconds(),
                               "last_reason": standing.reason})


def _withdrawn() -> Step:
    """The end of what the plan no longer holds, before anything of it was sent."""
    return Step(Kind.skipped, {"reason": "withdrawn: its post is a draft now, names another channel, or is gone",
                               "class": WITHDRAWN})


def _later(error: PublishError, kind: str, until: datetime | None, standing: Standing,
           now: datetime) -> tuple[Step, ...]:
    """Not sent, and when to try again; released as well if that is more than a quarter of an hour away."""
    attempts = standing.attempts.get(len(standing.parts), 1)
    detail = {"reason": error.why, "class": kind}
    if attempts >= MOST_ATTEMPTS and standing.repeats:
        return (_held("refused", f"{error.why} (gave up after {attempts} attempts); {_EARLIER}"),)
    if attempts >= MOST_ATTEMPTS:
        return (_failed(f"{error.why} (gave up after {attempts} attempts)", kind, standing),)
    retry_at = max(until, now + wait_after(attempts, RATE_LIMITED_WAIT)) if until else now + wait_after(attempts)
    notsent = Step(Kind.notsent, {**detail, "retry_at": _text(retry_at)})
    if retry_at - now <= LONGEST_WAIT and kind != "unauthorized":
        return (notsent,)
    return notsent, Step(Kind.released, {**detail, "retry_at": _text(retry_at)})


def _failed(why: str, kind: str, standing: Standing) -> Step:
    return Step(Kind.failed, {"reason": why, "class": kind, "parts_live": [_named(part) for part in standing.parts]})


def _held(kind: str, why: str, candidates: tuple[PartReceipt, ...] = ()) -> Step:
    return Step(Kind.held, {"reason": why, "class": kind, "candidates": [_named(one) for one in candidates]})


def _one_more(standing: Standing, receipt: PartReceipt, total: int, how: str) -> Step:
    """The record that says that the part under way is live."""
    if len(standing.parts) + 1 >= total:
        return _receipt((*standing.parts, receipt), how)
    return Step(Kind.sent, {**_named(receipt), "how": how})


def _receipt(parts: tuple[PartReceipt, ...], how: str) -> Step:
    return Step(Kind.published, {"parts": [_named(part) for part in parts], "how": how})


def _named(receipt: PartReceipt) -> dict[str, str | None]:
    return {"id": receipt.id, "url": receipt.url}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
