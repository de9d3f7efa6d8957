"""What may be done with a slot now, and what to record after a call. Pure: the caller walks the answer.

Sources: exactly-once, sections 6 and 7; design, section 10 (too late is `missed`).
"""
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from flows.planning.folding import MISSED
from schemas.errors import PaymentRequired, PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from schemas.ledger import Kind, PartReceipt, Standing

LEASE_S = 120.0                             # by the store's clock, from the last claim; renewed by nothing
LONGEST_WAIT = timedelta(minutes=15)        # a longer wait is not held on to: the slot is released
UNAVAILABLE_WAIT = timedelta(seconds=15)    # after the first attempt; doubles with every further one
RATE_LIMITED_WAIT = timedelta(seconds=1)    # the same, where the network's own `until` is sooner
MOST_ATTEMPTS = 16                          # of one part, all proven unsent: 15 s doubling to 15 min makes 2.5 hours


class Timing(NamedTuple):
    """How long a worker trusts what, in seconds. Tests of whole processes make it shorter; nothing else does."""

    lease_s: float = LEASE_S
    send_window_s: float = 10.0         # a `sending` record promises that the call leaves within this time
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
    reconcile = "reconcile"     # a part is in doubt: write a claim if `claim_first`, then look for it, never send
    missed = "missed"           # too late: write a claim if `claim_first`, then `step`
    record = "record"           # write `step`: nothing is left to send
    nothing = "nothing"         # over, or a person's turn


class Turn(NamedTuple):
    """What to do, and what it needs. `until` is UTC."""

    do: Do
    until: datetime | None = None
    step: Step | None = None
    claim_first: bool = False


def records_after(answer: PartReceipt | PublishError, standing: Standing, *, total: int,
                  now: datetime) -> tuple[Step, ...]:
    """The records to write, in order, once the create call has ended. `standing` has that call's `sending` last.

    `total` is the number of parts of the message. An error that is none of the known kinds counts as doubt.
    """
    part = len(standing.parts)
    match answer:
        case PartReceipt(id=""):
            return (Step(Kind.unknown, {"reason": "the network answered without an id"}),)
        case PartReceipt() if part + 1 == total:
            return (_receipt((*standing.parts, answer), "answer"),)
        case PartReceipt():
            return (Step(Kind.sent, {**_named(answer), "how": "answer"}),)
        case RateLimited():
            return _later(answer, "rate-limited", answer.until, standing, now)
        case Unavailable():
            return _later(answer, "unavailable", None, standing, now)
        case Unauthorized() if standing.parts:                   # half a thread is out: the rest waits for a credential
            return _later(answer, "unauthorized", None, standing, now)
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
             claim_age_s: float | None) -> Turn:
    """What a worker may do now. `mine`: the last claim is this worker's. `claim_age_s`: by the store's clock.

    `now`, `due` are UTC by the wall clock; `total` is the number of parts. `claim_age_s` None: nothing was claimed.
    """
    if standing.kind in (Kind.published, Kind.failed, Kind.skipped, Kind.held):
        return Turn(Do.nothing)
    held_on = _held_on(standing, now, mine, claim_age_s)
    if held_on:
        return held_on
    if standing.doubt:
        ours = mine and _in_force(claim_age_s) and standing.kind is Kind.claim
        return _at(standing.retry_at, now) or Turn(Do.reconcile, claim_first=not ours)
    claimed = mine and _in_force(claim_age_s) and standing.kind in (Kind.claim, Kind.notsent, Kind.sent)
    if len(standing.parts) >= total:
        return _all_live(standing, claimed)
    if not standing.parts:                  # a thread half out goes on, however late
        if now > due + grace:
            return Turn(Do.missed, step=_missed(standing, due, grace), claim_first=not claimed)
        early = _at(due, now) or _at(standing.retry_at, now, no_later=due + grace + timedelta(seconds=1))
    else:
        early = _at(standing.retry_at, now)
    return early or Turn(Do.go_on if claimed else Do.claim)


def wait_after(attempts: int, first: timedelta = UNAVAILABLE_WAIT) -> timedelta:
    """How long to wait after the given number of attempts, at least one, that are proven to have done nothing."""
    doublings = min(attempts - 1, 10)       # beyond that the cap holds anyway
    return min(first * (1 << doublings), LONGEST_WAIT)


def _in_force(claim_age_s: float | None) -> bool:
    return claim_age_s is not None and claim_age_s < LEASE_S


def _held_on(standing: Standing, now: datetime, mine: bool, claim_age_s: float | None) -> Turn | None:
    """Leave it to the holder of the lease, or to our own call that is still out."""
    if standing.kind not in (Kind.claim, Kind.sending, Kind.notsent, Kind.unknown, Kind.sent):
        return None
    if claim_age_s is None or claim_age_s >= LEASE_S or (mine and standing.kind is not Kind.sending):
        return None
    return Turn(Do.leave, until=now + timedelta(seconds=LEASE_S - claim_age_s))


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
    """The end of what is too late. `skipped` says that no call was made in vain; else it is `failed`."""
    if standing.nothing_sent:
        return Step(Kind.skipped, {"reason": MISSED, "due": _text(due), "grace_s": grace.total_seconds(),
                                   "last_reason": standing.reason})
    return _failed(f"too late: due {_text(due)}, and an earlier try was never proven absent", MISSED, standing)


def _later(error: PublishError, kind: str, until: datetime | None, standing: Standing,
           now: datetime) -> tuple[Step, ...]:
    """Not sent, and when to try again; released as well if that is more than a quarter of an hour away."""
    attempts = standing.attempts.get(len(standing.parts), 1)
    detail = {"reason": error.why, "class": kind}
    if attempts >= MOST_ATTEMPTS:
        return (_failed(f"{error.why} (gave up after {attempts} attempts)", kind, standing),)
    retry_at = max(until, now + wait_after(attempts, RATE_LIMITED_WAIT)) if until else now + wait_after(attempts)
    notsent = Step(Kind.notsent, {**detail, "retry_at": _text(retry_at)})
    if retry_at - now <= LONGEST_WAIT:
        return (notsent,)
    return notsent, Step(Kind.released, {**detail, "retry_at": _text(retry_at)})


def _failed(why: str, kind: str, standing: Standing) -> Step:
    return Step(Kind.failed, {"reason": why, "class": kind, "parts_live": [_named(part) for part in standing.parts]})


def _receipt(parts: tuple[PartReceipt, ...], how: str) -> Step:
    return Step(Kind.published, {"parts": [_named(part) for part in parts], "how": how})


def _named(receipt: PartReceipt) -> dict[str, str | None]:
    return {"id": receipt.id, "url": receipt.url}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
