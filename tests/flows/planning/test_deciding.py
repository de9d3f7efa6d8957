"""What may be done with a slot, and what an answer means: one table each."""
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning.deciding import (
    LEASE_S,
    LONGEST_WAIT,
    LOOK_FOR_S,
    MOST_ATTEMPTS,
    MOST_REPEATS,
    TIMING,
    UNAVAILABLE_WAIT,
    Do,
    Step,
    Timing,
    Turn,
    after_look,
    by_evidence,
    may_send,
    record_of_upload,
    records_after,
    wait_after,
    wait_before_look_s,
)
from flows.planning.folding import advance, allowed
from schemas.errors import (
    PaymentRequired,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from schemas.ledger import (
    Entry,
    Evidence,
    Found,
    Kind,
    Lookup,
    PartReceipt,
    Pin,
    Record,
    Repeat,
    Slot,
    Standing,
    State,
    canonical,
)

SLOT = Slot("spring-mend/launch", "mastodon")
DUE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GRACE = timedelta(hours=2)
PIN = Pin(commit="c0ffee", blob="b10b", payload="f" * 64, account="@club")
ONE, TWO = PartReceipt(id="7", url="https://social.example/7"), PartReceipt(id="8")


def recorded(standing: Standing, *steps: Step | Kind) -> Standing:
    """The standing after the steps were written by its holder."""
    for step in steps:
        kind, detail = step if isinstance(step, tuple) else (step, {})
        fields: dict[str, Any] = {}
        if kind is Kind.claim:
            fields = {"pin": standing.pin or PIN}
        if kind is Kind.sending:
            part = len(standing.parts)
            fields = {"part": part, "attempt": standing.attempts.get(part, 0) + 1, "send_window_s": 10.0,
                      "request_timeout_s": 60.0}
        record = Record(seq=standing.seq + 1, kind=kind, nonce="0", worker="w1", prev=standing.seal, at=DUE,
                        epoch=standing.epoch + (kind is Kind.claim), detail=detail, **fields)
        standing = advance(standing, Entry(record, canonical(record)))
    return standing


def after(*steps: Step | Kind) -> Standing:
    return recorded(Standing(SLOT), *steps)


CLAIMED = (Kind.claim,)
IN_FLIGHT = (Kind.claim, Kind.sending)
SENT = Step(Kind.sent, {"id": "7", "url": "https://social.example/7"})
ONE_OUT = (*IN_FLIGHT, SENT)
IN_DOUBT = (*IN_FLIGHT, Kind.unknown, Kind.claim)
AGAIN = Step(Kind.sending, {"looked": "absent"})
BY_EVIDENCE = Step(Kind.sending, {"looked": "evidence"})
HELD = (*IN_DOUBT, Kind.held)
KEYED, REFUSED = Lookup(Repeat.keyed, key_lives_s=2_700.0), Lookup(Repeat.refused)
PLAIN, BLIND = Lookup(Repeat.plain), Lookup(Repeat.blind)
OVER_S = 190.0                              # window, time-out and quiet time of a `sending` in these tests


@pytest.mark.parametrize(("answer", "steps", "state"), [
    (ONE, [Step(Kind.published, {"parts": [{"id": "7", "url": "https://social.example/7"}], "how": "answer"})],
     State.published),
    (PartReceipt(id=""), [Step(Kind.unknown, {"reason": "the network answered without an id"})], State.unknown),
    (Rejected("422 too long"), [Step(Kind.failed, {"reason": "422 too long", "class": "rejected", "parts_live": []})],
     State.failed),
    (Unauthorized("401"), [Step(Kind.failed, {"reason": "401", "class": "unauthorized", "parts_live": []})],
     State.failed),
    (PaymentRequired("402"), [Step(Kind.failed, {"reason": "402", "class": "payment-required", "parts_live": []})],
     State.failed),
    (Unconfirmed("no reply in 60 s"), [Step(Kind.unknown, {"reason": "no reply in 60 s"})], State.unknown),
    (PublishError("odd"), [Step(Kind.unknown, {"reason": "odd"})], State.unknown),
    (Unavailable("refused"), [Step(Kind.notsent, {"reason": "refused", "class": "unavailable",
                                                  "retry_at": "2026-11-22T12:00:15Z"})], State.waiting),
    (RateLimited("429"), [Step(Kind.notsent, {"reason": "429", "class": "rate-limited",
                                              "retry_at": "2026-11-22T12:00:15Z"})], State.waiting),
    (RateLimited("429", DUE + timedelta(minutes=15)),
     [Step(Kind.notsent, {"reason": "429", "class": "rate-limited", "retry_at": "2026-11-22T12:15:00Z"})],
     State.waiting),
    (RateLimited("429", DUE - timedelta(minutes=1)),
     [Step(Kind.notsent, {"reason": "429", "class": "rate-limited", "retry_at": "2026-11-22T12:00:01Z"})],
     State.waiting),
    (RateLimited("429", DUE + timedelta(minutes=16)),
     [Step(Kind.notsent, {"reason": "429", "class": "rate-limited", "retry_at": "2026-11-22T12:16:00Z"}),
      Step(Kind.released, {"reason": "429", "class": "rate-limited", "retry_at": "2026-11-22T12:16:00Z"})],
     State.waiting),
])
def test_what_an_answer_means(answer, steps, state):
    """Each answer to the only part of a post has its records, which the ledger takes, and one word for people."""
    sending = after(*IN_FLIGHT)

    assert list(records_after(answer, sending, total=1, now=DUE)) == steps
    assert recorded(sending, *steps).state is state


def test_part_in_the_middle_is_sent_and_the_last_one_publishes():
    """Only the last part's answer ends the slot, and its record lists every id in order."""
    first = after(*IN_FLIGHT)
    (sent,) = records_after(ONE, first, total=2, now=DUE)
    second = recorded(first, sent, Kind.sending)
    (published,) = records_after(TWO, second, total=2, now=DUE)

    assert sent == Step(Kind.sent, {"id": "7", "url": "https://social.example/7", "how": "answer"})
    assert recorded(second, published).parts == (ONE, TWO)


def test_refused_later_part_lists_what_is_live():
    """A thread that fails half-way says which parts people can see."""
    (failed,) = records_after(Rejected("403"), after(*ONE_OUT, Kind.sending), total=2, now=DUE)

    assert failed.detail["parts_live"] == [{"id": "7", "url": "https://social.example/7"}]


@pytest.mark.parametrize(("answer", "renewable", "steps", "state"), [
    (Unauthorized("401"), True, [Step(Kind.notsent, {"reason": "401", "class": "unauthorized"})], State.waiting),
    (Unauthorized("401"), False, [
        Step(Kind.notsent, {"reason": "401", "class": "unauthorized", "retry_at": "2026-11-22T12:15:00Z"}),
        Step(Kind.released, {"reason": "401", "class": "unauthorized", "retry_at": "2026-11-22T12:15:00Z"}),
    ], State.waiting),
    (PaymentRequired("402"), False, [Step(Kind.failed, {
        "reason": "402", "class": "payment-required", "parts_live": [{"id": "7", "url": "https://social.example/7"}],
    })], State.failed),
])
def test_refused_credential_half_way_through_a_thread(answer, renewable, steps, state):
    """A thread half out waits for a new credential: what is live would never get its rest if it failed."""
    sending = after(*ONE_OUT, Kind.sending)

    assert list(records_after(answer, sending, total=2, now=DUE, renewable=renewable)) == steps
    assert recorded(sending, *steps).state is state


@pytest.mark.parametrize("answer", [Rejected("422"), Unauthorized("401"), PaymentRequired("402")])
@pytest.mark.parametrize("steps", [
    (AGAIN,), (AGAIN, Kind.notsent, Kind.claim, AGAIN), (AGAIN, Kind.claim, BY_EVIDENCE)])
def test_refused_repeat_proves_nothing_about_the_first_call(answer, steps):
    """After an unanswered try, "refused" ends with a person's look: the first call may still be on its way."""
    sending = after(*IN_DOUBT, *steps)
    (step,) = records_after(answer, sending, total=1, now=DUE)

    assert step == Step(Kind.held, {
        "reason": f"{answer.why}; an earlier try got no answer, and the account did not show it", "class": "refused",
        "candidates": []})
    assert recorded(sending, step).state is State.held


def test_refused_credential_is_read_anew_before_anything_fails():
    """The first refusal of a credential that may have changed leads to another try, at once."""
    sending = after(*IN_FLIGHT)
    (notsent,) = records_after(Unauthorized("401"), sending, total=1, now=DUE, renewable=True)

    assert notsent == Step(Kind.notsent, {"reason": "401", "class": "unauthorized"})
    assert may(recorded(sending, notsent), mine=True) == Turn(Do.go_on)


def test_credential_that_is_never_renewed_ends_a_thread():
    """A thread half out does not wait for a credential for ever, and fails with what is live."""
    standing = after(*ONE_OUT)
    for _ in range(MOST_ATTEMPTS - 1):
        standing = recorded(standing, Kind.sending)
        standing = recorded(standing, *records_after(Unauthorized("401"), standing, total=2, now=DUE), Kind.claim)
    standing = recorded(standing, Kind.sending)
    standing = recorded(standing, *records_after(Unauthorized("401"), standing, total=2, now=DUE))

    assert (standing.state, standing.parts) == (State.failed, (ONE,))


@pytest.mark.parametrize(("error", "tries", "step"), [
    (Rejected("413"), 1, Step(Kind.failed, {"reason": "413", "class": "rejected", "parts_live": []})),
    (Unauthorized("401"), 1, Step(Kind.failed, {"reason": "401", "class": "unauthorized", "parts_live": []})),
    (PaymentRequired("402"), 1, Step(Kind.failed, {"reason": "402", "class": "payment-required", "parts_live": []})),
    (Unavailable("away"), 2, Step(Kind.released, {"reason": "away", "class": "unavailable",
                                                  "retry_at": "2026-11-22T12:00:30Z"})),
    (Unconfirmed("no reply"), 1, Step(Kind.released, {"reason": "no reply", "class": "unavailable",
                                                      "retry_at": "2026-11-22T12:00:15Z"})),
    (RateLimited("429"), 1, Step(Kind.released, {"reason": "429", "class": "rate-limited",
                                                 "retry_at": "2026-11-22T12:00:01Z"})),
    (RateLimited("429", DUE + timedelta(hours=1)), 1, Step(Kind.released, {
        "reason": "429", "class": "rate-limited", "retry_at": "2026-11-22T13:00:00Z"})),
    (Unavailable("away"), MOST_ATTEMPTS, Step(Kind.failed, {
        "reason": "away (gave up after 16 tries)", "class": "unavailable", "parts_live": []})),
])
def test_what_a_failed_upload_means(error, tries, step):
    """Media that could not be uploaded leave nothing in doubt: the slot waits or fails, and the ledger takes it."""
    assert record_of_upload(error, after(*CLAIMED), tries=tries, now=DUE) == step
    recorded(after(*CLAIMED), step)


def test_waits_double_up_to_a_quarter_of_an_hour():
    """A network that is away is asked less and less often, but at least four times an hour."""
    waits = [wait_after(attempts).total_seconds() for attempts in (1, 2, 3, 6, 7, 8, 100)]

    assert waits == [15, 30, 60, 480, 900, 900, 900]


@pytest.mark.parametrize("error", [Unavailable("away"), RateLimited("429"), RateLimited("429", DUE)])
def test_trying_ends(error):
    """A network that never lets a part in is given up after a known number of attempts, not before."""
    standing = after(*CLAIMED)
    for _ in range(MOST_ATTEMPTS - 1):
        standing = recorded(standing, Kind.sending)
        standing = recorded(standing, *records_after(error, standing, total=1, now=DUE))
        assert standing.state is State.waiting
    standing = recorded(standing, Kind.sending)
    standing = recorded(standing, *records_after(error, standing, total=1, now=DUE))

    assert standing.state is State.failed
    assert standing.reason == f"{error.why} (gave up after {MOST_ATTEMPTS} attempts)"


def may(standing: Standing, *, now: datetime = DUE, due: datetime = DUE, mine: bool = False, age: float | None = 1.0,
        doubt_age: float | None = OVER_S, total: int = 1, lookup: Lookup = PLAIN, timing: Timing = TIMING,
        withdrawn: bool = False) -> Turn:
    return may_send(standing, total=total, now=now, due=due, grace=GRACE, mine=mine, claim_age_s=age,
                    doubt_age_s=doubt_age, lookup=lookup, timing=timing, withdrawn=withdrawn)


def turn(*steps: Step | Kind, **seen: Any) -> Turn:
    return may(after(*steps), **seen)


def in_minutes(minutes: float) -> datetime:
    return DUE + timedelta(minutes=minutes)


NOT_BEFORE = Step(Kind.notsent, {"retry_at": "2026-11-22T12:10:00Z"})
LIVE = Step(Kind.resolved, {"verdict": "live", "id": "7", "url": "https://social.example/7"})
ABSENT = Step(Kind.resolved, {"verdict": "absent"})
LOOK = Turn(Do.reconcile, claim_first=True)
MOVED = Turn(Do.record, DUE, Step(Kind.released, {"reason": "it was moved to a later time"}))
LEASE_OVER = in_minutes(2) - timedelta(seconds=1)      # the claim is a second old


@pytest.mark.parametrize(("given", "expected"), [
    # nobody has it
    (turn(age=None), Turn(Do.claim)),
    (turn(age=None, now=in_minutes(-1)), Turn(Do.wait, DUE)),
    (turn(age=None, now=in_minutes(120)), Turn(Do.claim)),      # exactly the grace is not too late
    (turn(Kind.claim, Kind.released), Turn(Do.claim)),
    (turn(*IN_FLIGHT, NOT_BEFORE, Kind.released), Turn(Do.wait, in_minutes(10))),
    (turn(*IN_FLIGHT, NOT_BEFORE, Kind.released, now=in_minutes(10)), Turn(Do.claim)),
    (turn(*HELD, ABSENT), Turn(Do.claim)),
    (turn(*IN_FLIGHT, Kind.failed, Kind.reopened), Turn(Do.claim)),
    # another worker has it
    (turn(*CLAIMED), Turn(Do.leave, LEASE_OVER)),
    (turn(*IN_FLIGHT), Turn(Do.leave, LEASE_OVER)),
    (turn(*IN_FLIGHT, NOT_BEFORE), Turn(Do.leave, LEASE_OVER)),
    (turn(*IN_FLIGHT, Kind.unknown), Turn(Do.leave, LEASE_OVER)),
    (turn(*IN_DOUBT), Turn(Do.leave, LEASE_OVER)),
    (turn(*ONE_OUT, total=2), Turn(Do.leave, LEASE_OVER)),
    (turn(*CLAIMED, now=in_minutes(600)), Turn(Do.leave, in_minutes(602) - timedelta(seconds=1))),
    (turn(*CLAIMED, age=LEASE_S), Turn(Do.claim)),
    (turn(*ONE_OUT, total=2, age=LEASE_S), Turn(Do.claim)),
    (turn(*IN_FLIGHT, NOT_BEFORE, age=LEASE_S), Turn(Do.wait, in_minutes(10))),
    # we have it
    (turn(*CLAIMED, mine=True), Turn(Do.go_on)),
    # it was moved to a later time: what has it lets go
    (turn(*CLAIMED, mine=True, now=in_minutes(-1)), MOVED),
    (turn(*IN_FLIGHT, NOT_BEFORE, mine=True, now=in_minutes(-1)), MOVED),
    (turn(*CLAIMED, mine=True, now=in_minutes(-1), age=LEASE_S), MOVED._replace(claim_first=True)),
    (turn(*CLAIMED, now=in_minutes(-1), age=LEASE_S), MOVED._replace(claim_first=True)),
    (turn(*CLAIMED, now=in_minutes(-1)), Turn(Do.leave, in_minutes(1) - timedelta(seconds=1))),
    (turn(Kind.claim, Kind.released, now=in_minutes(-1)), Turn(Do.wait, DUE)),
    (turn(*HELD, ABSENT, now=in_minutes(-1)), Turn(Do.wait, DUE)),
    (turn(*CLAIMED, mine=True, age=LEASE_S), Turn(Do.claim)),
    (turn(*IN_FLIGHT, mine=True), Turn(Do.leave, LEASE_OVER)),
    (turn(*IN_FLIGHT, NOT_BEFORE, mine=True), Turn(Do.wait, in_minutes(10))),
    (turn(*IN_FLIGHT, Kind.notsent, mine=True), Turn(Do.go_on)),
    (turn(*ONE_OUT, mine=True, total=2), Turn(Do.go_on)),
    (turn(*ONE_OUT, mine=True, total=2, age=LEASE_S), Turn(Do.claim)),
    # a part is in doubt: never sent, however late it is and whoever asks
    (turn(*IN_FLIGHT, age=LEASE_S), LOOK),
    (turn(*IN_FLIGHT, age=LEASE_S, now=in_minutes(600)), LOOK),
    (turn(*IN_FLIGHT, mine=True, age=LEASE_S), LOOK),
    (turn(*IN_FLIGHT, Kind.unknown, mine=True), LOOK),
    (turn(*IN_DOUBT, mine=True), Turn(Do.reconcile)),
    (turn(*IN_DOUBT, mine=True, age=LEASE_S), LOOK),
    (turn(*IN_DOUBT, age=LEASE_S), LOOK),
    (turn(*IN_DOUBT, Kind.released), LOOK),
    (turn(*IN_DOUBT, Step(Kind.released, {"retry_at": "2026-11-22T12:10:00Z"})),
     Turn(Do.reconcile, DUE + timedelta(minutes=10), claim_first=True)),
    (turn(*IN_DOUBT, Kind.released, total=3, now=in_minutes(-60)), LOOK),
    (turn(*ONE_OUT, Kind.sending, total=2, age=LEASE_S), LOOK),
    # and before its call is over, nobody looks
    (turn(*IN_DOUBT, mine=True, doubt_age=0.0), Turn(Do.reconcile, DUE + timedelta(seconds=OVER_S))),
    (turn(*IN_DOUBT, mine=True, doubt_age=None), Turn(Do.reconcile, DUE + timedelta(seconds=OVER_S))),
    (turn(*IN_FLIGHT, Kind.unknown, mine=True, doubt_age=1.0),
     Turn(Do.reconcile, DUE + timedelta(seconds=OVER_S - 1.0), claim_first=True)),
    (turn(*IN_FLIGHT, age=LEASE_S, doubt_age=OVER_S - 1.0),
     Turn(Do.reconcile, DUE + timedelta(seconds=1), claim_first=True)),
    (turn(*IN_FLIGHT, mine=True, doubt_age=OVER_S), Turn(Do.leave, LEASE_OVER)),
    # a thread half out goes on, late or early
    (turn(*ONE_OUT, total=2, age=LEASE_S, now=in_minutes(600)), Turn(Do.claim)),
    (turn(*ONE_OUT, total=2, age=LEASE_S, now=in_minutes(-60)), Turn(Do.claim)),
    # it is over, or a person's turn
    (turn(*IN_FLIGHT, Kind.failed), Turn(Do.nothing)),
    (turn(*CLAIMED, Kind.skipped), Turn(Do.nothing)),
    (turn(*IN_FLIGHT, Step(Kind.published, {"parts": [{"id": "7"}]})), Turn(Do.nothing)),
    (turn(*HELD), Turn(Do.nothing)),
    (turn(*HELD, now=in_minutes(600)), Turn(Do.nothing)),
])
def test_what_a_worker_may_do(given, expected):
    """One answer for every standing, seen by the holder and by others, before, at and after the due time."""
    assert given == expected


def test_wait_ends_when_it_will_be_too_late():
    """A network that asks to wait beyond the grace makes the slot missed at the grace's end, not hours later."""
    tomorrow = Step(Kind.notsent, {"retry_at": "2026-11-23T12:00:00Z"})

    waiting = turn(*IN_FLIGHT, tomorrow, Kind.released)

    assert waiting == Turn(Do.wait, DUE + GRACE + timedelta(seconds=1))
    assert turn(*IN_FLIGHT, tomorrow, Kind.released, now=waiting.until).do is Do.missed


@pytest.mark.parametrize(("steps", "mine", "claim_first"), [
    ((), False, True),
    (CLAIMED, True, False),
    ((*IN_FLIGHT, NOT_BEFORE), True, False),
    ((Kind.claim, Kind.released), True, True),
    ((*HELD, ABSENT), False, True),
])
def test_too_late_and_nothing_sent_is_missed(steps, mine, claim_first):
    """Later than the grace, with every call proven undone: the ledger takes the step, after a claim if need be."""
    late = turn(*steps, mine=mine, now=in_minutes(121))

    assert (late.do, late.step.kind, late.claim_first) == (Do.missed, Kind.skipped, claim_first)
    ended = recorded(after(*steps), *[Kind.claim] * claim_first, late.step)
    assert (ended.state, ended.reason) == (State.missed, "missed")


def test_a_repeat_that_was_not_sent_leaves_the_first_call_in_doubt():
    """That a repeat did nothing says nothing about the call before it: the account is looked at again, then asked."""
    steps = (*IN_DOUBT, AGAIN, Kind.notsent)

    assert after(*steps).state is State.unknown
    assert turn(*steps, mine=True, now=in_minutes(121)).do is Do.reconcile


def test_moved_slot_is_released_and_comes_back():
    """What was moved to a later time is let go by its holder, and claimed again at that time."""
    let_go = recorded(after(*CLAIMED), turn(*CLAIMED, mine=True, now=in_minutes(-1)).step)

    assert let_go.state is State.waiting
    assert may(let_go, now=in_minutes(-1)) == Turn(Do.wait, DUE)
    assert may(let_go) == Turn(Do.claim)


@pytest.mark.parametrize(("steps", "mine", "kind", "state"), [
    (CLAIMED, True, Kind.skipped, State.skipped),
    ((*IN_FLIGHT, NOT_BEFORE), True, Kind.skipped, State.skipped),
    ((*IN_FLIGHT, NOT_BEFORE, Kind.released), False, Kind.skipped, State.skipped),
    ((*IN_FLIGHT, NOT_BEFORE, Kind.released, Kind.claim), True, Kind.skipped, State.skipped),
    ((*HELD, ABSENT), False, Kind.skipped, State.skipped),
    ((*IN_DOUBT, BY_EVIDENCE, Kind.notsent), True, Kind.skipped, State.skipped),
])
@pytest.mark.parametrize("minutes", [-60, 0, 600])
def test_what_the_plan_no_longer_holds_ends(minutes, steps, mine, kind, state):
    """Withdrawn before anything is live: one claim if it is not ours, then the end, at any time and whatever wait was
    asked for."""
    standing = after(*steps)
    told = may(standing, mine=mine, now=in_minutes(minutes), withdrawn=True)
    if told.claim_first:
        standing = recorded(standing, Kind.claim)
        told = may(standing, mine=True, now=in_minutes(minutes), withdrawn=True)

    assert (told.do, told.claim_first, told.step.kind) == (Do.missed, False, kind)
    assert told.step.detail["reason"].startswith("withdrawn")
    assert recorded(standing, told.step).state is state


@pytest.mark.parametrize(("given", "expected"), [
    (turn(*CLAIMED, withdrawn=True), Turn(Do.leave, LEASE_OVER)),
    (turn(*IN_DOUBT, mine=True, withdrawn=True), Turn(Do.reconcile)),
    (turn(*ONE_OUT, mine=True, total=2, withdrawn=True), Turn(Do.go_on)),
    (turn(*HELD, withdrawn=True), Turn(Do.nothing)),
])
def test_what_has_begun_is_finished_though_the_plan_no_longer_holds_it(given, expected):
    """Another's lease, a part in doubt, a thread half out and a person's decision come before a withdrawal."""
    assert given == expected


@pytest.mark.parametrize(("lookup", "timing", "seconds"), [
    (PLAIN, TIMING, OVER_S),
    (PLAIN._replace(quiet_s=30.0), TIMING, 100.0),
    (PLAIN, Timing(quiet_s=0.5), 70.5),
    (PLAIN, Timing(send_window_s=1.0, request_timeout_s=2.0), OVER_S),      # the record's own promise counts
])
def test_how_old_a_lost_call_must_be(lookup, timing, seconds):
    """A look says something once the send window, the time-out and the network's quiet time are over."""
    doubt = after(*IN_DOUBT).doubt

    assert wait_before_look_s(doubt, lookup, timing) == seconds


# --- a lost answer: the sender's own word -----------------------------------------------------------------------------


def word(receipt: PartReceipt | None, *, epoch: int = 1, attempt: int = 1, part: int = 0) -> Evidence:
    return Evidence(nonce="0", worker="w1", epoch=epoch, at=DUE, part=part, attempt=attempt, receipt=receipt)


BOTH = [{"id": "7", "url": "https://social.example/7"}, {"id": "8", "url": None}]
PUBLISHED_BY_EVIDENCE = Turn(Do.record, step=Step(Kind.published, {"parts": BOTH[:1], "how": "evidence"}))
TWICE = Turn(Do.record, step=Step(Kind.held, {
    "reason": "it is there more than once: nothing is deleted by itself", "class": "several", "candidates": BOTH}))
RESEND = Turn(Do.go_on, step=BY_EVIDENCE)
REPEATED = (*IN_DOUBT, AGAIN, Kind.claim)


@pytest.mark.parametrize(("steps", "evidence", "total", "expected"), [
    (IN_DOUBT, [], 1, None),
    # it is live
    (IN_DOUBT, [word(ONE)], 1, PUBLISHED_BY_EVIDENCE),
    (IN_DOUBT, [word(ONE), word(ONE, attempt=2)], 1, PUBLISHED_BY_EVIDENCE),    # the network knew its key
    (IN_DOUBT, [word(ONE, epoch=7)], 1, PUBLISHED_BY_EVIDENCE),                 # whoever sent it, it is there
    (IN_DOUBT, [word(None), word(ONE)], 1, PUBLISHED_BY_EVIDENCE),
    (REPEATED, [word(ONE)], 1, PUBLISHED_BY_EVIDENCE),
    (IN_DOUBT, [word(ONE)], 2, Turn(Do.record, step=Step(Kind.sent, {**BOTH[0], "how": "evidence"}))),
    ((*ONE_OUT, Kind.sending, Kind.claim), [word(ONE), word(TWO, part=1)], 2,
     Turn(Do.record, step=Step(Kind.published, {"parts": BOTH, "how": "evidence"}))),
    (IN_DOUBT, [word(ONE), word(TWO)], 1, TWICE),
    # another part's word says nothing
    (IN_DOUBT, [word(ONE, part=1)], 2, None),
    ((*ONE_OUT, Kind.sending, Kind.claim), [word(ONE)], 2, None),
    # it is not there: only the sender in doubt knows
    (IN_DOUBT, [word(None)], 1, RESEND),
    (IN_DOUBT, [word(None, epoch=2)], 1, None),
    (IN_DOUBT, [word(None, attempt=2)], 1, None),
    (IN_DOUBT, [word(None, part=1)], 1, None),
    (REPEATED, [word(None)], 1, None),                                          # the first one's word, not the second's
    (REPEATED, [word(None, epoch=2, attempt=2)], 1, None),                      # the first one never said a word
    ((*IN_DOUBT, BY_EVIDENCE, Kind.claim), [word(None)], 1, None),
    ((*IN_DOUBT, BY_EVIDENCE, Kind.claim), [word(None), word(None, epoch=2, attempt=2)], 1, RESEND),
    # a person was asked already
    (HELD, [], 1, None),
    (HELD, [word(None)], 1, None),
    (HELD, [word(ONE), word(TWO)], 1, None),
    (HELD, [word(ONE)], 1, Turn(Do.record, step=Step(Kind.resolved, {
        "verdict": "live", **BOTH[0], "by": "the answer itself, which its sender kept"}))),
    (HELD, [word(ONE)], 2, Turn(Do.record, step=Step(Kind.resolved, {
        "verdict": "live", **BOTH[0], "by": "the answer itself, which its sender kept"}))),
    # nothing is in doubt
    (CLAIMED, [word(ONE)], 1, None),
    ((*IN_FLIGHT, Kind.notsent), [word(None)], 1, None),
    ((*HELD, ABSENT), [word(ONE)], 1, None),
])
def test_what_a_fenced_sender_s_word_settles(steps, evidence, total, expected):
    """A live part is taken from whoever names it; "it did nothing" counts from the sender in doubt, and only if no
    earlier call is in doubt. Whatever is to be recorded, the ledger takes."""
    told = by_evidence(after(*steps), evidence, total=total)

    assert told == expected
    if told is not None:
        recorded(after(*steps), told.step)


# --- a lost answer: a look at the account -----------------------------------------------------------------------------


NONE, SEEN = Found((), complete=True), Found((ONE,), complete=True)
SEEN_TWICE, HALF = Found((ONE, TWO), complete=True), Found((ONE,), complete=False)
THIRD = (*REPEATED, AGAIN, Kind.claim)


def looked(found: Found | None, *steps: Step | Kind, lookup: Lookup = PLAIN, retry: bool = False, total: int = 1,
           age: float = OVER_S, first: float = OVER_S, taken: Any = (), why: str = "") -> Turn:
    return after_look(after(*steps or IN_DOUBT), found, taken, total=total, lookup=lookup,
                      on_unknown="retry" if retry else "hold", doubt_age_s=age, first_age_s=first, now=DUE, why=why)


def held(kind: str, reason: str, *candidates: dict[str, Any]) -> Turn:
    return Turn(Do.record, step=Step(Kind.held, {"reason": reason, "class": kind, "candidates": list(candidates)}))


UNSEEN = held("absent", "the answer was lost, and the account does not show the post; it is not sent again unless you "
                        "say that it is not there")
CANNOT_SEE = held("blind", "the answer was lost, and this network cannot be read back")
SEND_AGAIN = Turn(Do.go_on, step=AGAIN)
READ_BACK = Turn(Do.record, step=Step(Kind.published, {"parts": BOTH[:1], "how": "readback"}))
LATER = Turn(Do.wait, DUE + timedelta(seconds=OVER_S))
UNREAD = "the answer was lost, and for a day the account could not be read: "
SIGHTED = {"K": KEYED, "D": REFUSED, "R": PLAIN}


@pytest.mark.parametrize("retry", [False, True], ids=["hold", "retry"])
@pytest.mark.parametrize("network", [*SIGHTED, "Z"])
@pytest.mark.parametrize(("found", "expected"), [
    (SEEN, READ_BACK),
    (SEEN_TWICE, TWICE),
    (HALF, LATER),
    (Found((), complete=False), LATER),
    (None, LATER),
])
def test_what_a_look_shows_counts_alike_everywhere(network, retry, found, expected):
    """Found is adopted, found twice is a person's, half a look is none; a network that shows nothing is a person's."""
    assert looked(found, lookup=SIGHTED.get(network, BLIND), retry=retry) == (
        CANNOT_SEE if network == "Z" else expected)


@pytest.mark.parametrize(("network", "retry", "steps", "first", "expected"), [
    (KEYED, False, IN_DOUBT, OVER_S, SEND_AGAIN),
    (KEYED, False, IN_DOUBT, 2_699.0, SEND_AGAIN),
    (KEYED, False, IN_DOUBT, 2_700.0, UNSEEN),
    (KEYED, True, IN_DOUBT, 2_700.0, SEND_AGAIN),
    (KEYED, False, REPEATED, OVER_S, SEND_AGAIN),
    (KEYED, False, REPEATED, 2_700.0, UNSEEN),
    (KEYED, False, THIRD, OVER_S, SEND_AGAIN),
    (KEYED, False, THIRD, 2_700.0, UNSEEN),
    (KEYED, True, REPEATED, 2_700.0, SEND_AGAIN),
    (KEYED, True, THIRD, 2_700.0, UNSEEN),
    (REFUSED, False, IN_DOUBT, OVER_S, UNSEEN),
    (REFUSED, True, IN_DOUBT, OVER_S, SEND_AGAIN),
    (REFUSED, True, REPEATED, 90_000.0, SEND_AGAIN),
    (REFUSED, True, THIRD, OVER_S, UNSEEN),
    (PLAIN, False, IN_DOUBT, OVER_S, UNSEEN),
    (PLAIN, False, IN_DOUBT, 0.0, UNSEEN),
    (PLAIN, True, IN_DOUBT, OVER_S, SEND_AGAIN),
    (PLAIN, True, REPEATED, OVER_S, SEND_AGAIN),
    (PLAIN, True, THIRD, OVER_S, UNSEEN),
    (PLAIN, True, (*IN_DOUBT, BY_EVIDENCE, Kind.claim), OVER_S, SEND_AGAIN),
    (BLIND, False, IN_DOUBT, OVER_S, CANNOT_SEE),
    (BLIND, True, IN_DOUBT, OVER_S, CANNOT_SEE),
])
def test_absent_is_sent_again_where_that_is_safe(network, retry, steps, first, expected):
    """A part that a full look did not find goes out again while its key lives, or where `retry` asks for it, then in
    three attempts at most; else a person is asked. Whatever is to be recorded, the ledger takes."""
    told = looked(NONE, *steps, lookup=network, retry=retry, first=first)

    assert told == expected
    recorded(after(*steps), told.step)


def test_three_attempts_in_all():
    """Two repeats after the first attempt: the constant that the table above counts on."""
    assert (MOST_REPEATS, after(*THIRD).repeats, after(*THIRD).attempts) == (2, 2, {0: 3})


@pytest.mark.parametrize(("found", "taken", "steps", "total", "expected"), [
    (SEEN, {"7"}, IN_DOUBT, 1, UNSEEN),                                         # another slot's post
    (SEEN_TWICE, {"8": SLOT}, IN_DOUBT, 1, READ_BACK),
    (SEEN_TWICE, {"7", "8"}, IN_DOUBT, 1, UNSEEN),
    (SEEN, (), (*ONE_OUT, Kind.sending, Kind.claim), 2, UNSEEN),                # the first part, which says the same
    (SEEN_TWICE, (), (*ONE_OUT, Kind.sending, Kind.claim), 2,
     Turn(Do.record, step=Step(Kind.published, {"parts": BOTH, "how": "readback"}))),
    (SEEN, (), IN_DOUBT, 2, Turn(Do.record, step=Step(Kind.sent, {**BOTH[0], "how": "readback"}))),
])
def test_only_what_is_nobody_s_is_adopted(found, taken, steps, total, expected):
    """A post that another slot's receipt names, or an earlier part's, is not the one that is missing."""
    told = looked(found, *steps, taken=taken, total=total)

    assert told == expected
    recorded(after(*steps), told.step)


@pytest.mark.parametrize(("age", "again"), [
    (0.0, UNAVAILABLE_WAIT),
    (OVER_S, timedelta(seconds=OVER_S)),
    (899.0, timedelta(seconds=899)),
    (7_200.0, LONGEST_WAIT),
    (LOOK_FOR_S - 1.0, LONGEST_WAIT),
])
def test_account_that_cannot_be_read_is_asked_again(age, again):
    """As long again as it has been going on, at least 15 s and at most a quarter of an hour, for a day."""
    assert looked(None, age=age) == looked(HALF, age=age) == Turn(Do.wait, DUE + again)


@pytest.mark.parametrize(("found", "why", "expected"), [
    (None, "503", held("unreadable", f"{UNREAD}503")),
    (None, "", held("unreadable", f"{UNREAD}too long")),
    (HALF, "", held("unreadable", f"{UNREAD}too long", BOTH[0])),
])
@pytest.mark.parametrize("retry", [False, True], ids=["hold", "retry"])
@pytest.mark.parametrize("network", SIGHTED)
def test_account_that_could_not_be_read_for_a_day_is_a_person_s(network, retry, found, why, expected):
    """After a day without a full look a person is asked, and told what half a look showed; nothing is sent again."""
    told = looked(found, lookup=SIGHTED[network], retry=retry, age=LOOK_FOR_S, first=LOOK_FOR_S, why=why)

    assert told == expected
    assert recorded(after(*IN_DOUBT), told.step).state is State.held


def test_person_finding_the_last_part_live_ends_it():
    """When a person has found the last part, all that is left is the receipt."""
    found = turn(*HELD, LIVE, now=in_minutes(600))

    assert (found.do, recorded(after(*HELD, LIVE), found.step).state) == (Do.record, State.published)


def test_person_finding_a_part_in_the_middle_live_goes_on():
    """When more parts are to come, the thread goes on after it."""
    assert turn(*HELD, LIVE, total=2) == Turn(Do.claim)


def test_thread_cut_shorter_than_what_is_out_fails():
    """A failed thread whose text was cut to what is out already has nothing left to send, and says so."""
    steps = (*ONE_OUT, Kind.sending, Kind.failed, Kind.reopened)

    assert turn(*steps, total=1) == Turn(Do.claim)
    cut = turn(*steps, Kind.claim, total=1, mine=True)
    assert (cut.do, recorded(after(*steps, Kind.claim), cut.step).state) == (Do.record, State.failed)


ANSWERS = st.one_of(
    st.builds(lambda number: PartReceipt(id=f"id-{number}"), st.integers(0, 9)),
    st.just(PartReceipt(id="")),
    st.sampled_from([Rejected, Unauthorized, PaymentRequired, Unavailable, Unconfirmed]).map(lambda kind: kind("why")),
    st.builds(lambda minutes: RateLimited("429", in_minutes(minutes)), st.integers(-5, 300)),
)


FOUNDS = st.one_of(st.none(), st.builds(
    lambda ids, complete: Found(tuple(PartReceipt(id=f"id-{number}") for number in sorted(ids)), complete),
    st.sets(st.integers(0, 9), max_size=2), st.booleans()))
WORDS = st.lists(st.builds(
    lambda receipt, epoch, attempt, part: word(receipt, epoch=epoch, attempt=attempt, part=part),
    st.none() | st.sampled_from([ONE, TWO]), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)), max_size=3)
LOOKUPS = st.sampled_from([KEYED, REFUSED, PLAIN, BLIND])
LEDGERS = st.lists(st.tuples(st.integers(0, 59), st.booleans()), max_size=25)


def any_ledger(choices: list[tuple[int, bool]]) -> Standing:
    """A standing that the fold accepts: at each step one of the kinds that may follow, with what it needs."""
    standing = Standing(SLOT)
    for number, (choice, other) in enumerate(choices):
        possible = [kind for kind in Kind if allowed(standing, kind)]
        if not possible:
            break
        kind, new = possible[choice % len(possible)], {"id": f"n{number}", "url": None}
        known = [{"id": one.id, "url": one.url} for one in standing.parts]
        detail: dict[str, Any] = {}
        if kind is Kind.sending and standing.doubt:
            detail = {"looked": "absent" if other else "evidence"}
        elif kind in (Kind.sent, Kind.resolved):
            detail = {**new, "verdict": "live" if other else "absent"}
        elif kind is Kind.published:
            detail = {"parts": [*known, new] if standing.doubt else known}
            if not detail["parts"]:
                continue
        standing = recorded(standing, Step(kind, detail))
    return standing


@settings(max_examples=500, deadline=None)
@given(LEDGERS, st.integers(1, 4), st.integers(-200, 200), st.booleans(), st.booleans(), st.booleans(), st.booleans(),
       LOOKUPS)
def test_any_turn_can_be_taken(choices, total, minutes, mine, young, over, withdrawn, lookup):
    """For any ledger that makes sense, at any time and for anybody, what may be done is something that the ledger
    takes next, and a time to come back is in the future. What is over or a person's is left alone."""
    standing = any_ledger(choices)
    now = in_minutes(minutes)
    told = may(standing, now=now, mine=mine, total=total, lookup=lookup, withdrawn=withdrawn,
               age=None if standing.claim_seq is None else 1.0 if young else LEASE_S, doubt_age=OVER_S if over else 0.0)

    if told.until is not None:
        assert told.until > now
    if told.claim_first or told.do is Do.claim:
        standing = recorded(standing, Kind.claim)
    if told.step is not None:
        recorded(standing, told.step)
    if told.do is Do.go_on:
        assert standing.doubt is None
        recorded(standing, Kind.sending)
    if told.do is Do.reconcile:
        assert standing.doubt is not None
        assert (told.until is None) == over
    resting = standing.kind in (Kind.published, Kind.failed, Kind.skipped, Kind.held)
    assert (told.do is Do.nothing) == (resting and told.step is None)


@settings(max_examples=500, deadline=None)
@given(LEDGERS, WORDS, FOUNDS, st.sets(st.integers(0, 9)), st.integers(1, 4), LOOKUPS, st.booleans(),
       st.sampled_from([0.0, OVER_S, 3_000.0, LOOK_FOR_S]), st.sampled_from([0.0, OVER_S, 3_000.0, LOOK_FOR_S]))
def test_any_settlement_can_be_recorded(choices, words, found, taken, total, lookup, retry, age, first):
    """For any ledger with a part in doubt, whatever evidence and a look say, the ledger takes what follows; nothing
    is sent again without proof or a full look that found nothing, and what is held is never sent again."""
    standing = any_ledger(choices)
    settled = by_evidence(standing, words, total=total)
    if standing.doubt is None:
        assert settled is None
        return
    if standing.kind is Kind.held:
        assert settled is None or settled.step.kind is Kind.resolved
        if settled is not None:
            recorded(standing, settled.step)
        return
    standing = recorded(standing, Kind.claim)
    settled = by_evidence(standing, words, total=total)
    if settled is not None:
        assert settled.do is not Do.go_on or not standing.repeats
        recorded(standing, settled.step)
    told = after_look(standing, found, {f"id-{number}" for number in taken}, total=total, lookup=lookup,
                      on_unknown="retry" if retry else "hold", doubt_age_s=age, first_age_s=first, now=DUE)
    if told.do is Do.wait:
        assert told.until > DUE
        return
    recorded(standing, told.step)
    if told.do is Do.go_on:
        assert found is not None
        assert found.complete
        assert not {one.id for one in found.matches} - {f"id-{number}" for number in taken} - {
            one.id for one in standing.parts}
        assert lookup is not BLIND
        assert retry or lookup is KEYED


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(ANSWERS, FOUNDS, st.integers(0, 40), st.booleans()), max_size=30), st.integers(1, 4), LOOKUPS,
       st.booleans())
def test_a_worker_that_obeys_never_breaks_a_rule(answers, total, lookup, retry):
    """Whatever the network answers and shows and however time passes, obeying the turns leads to a ledger that makes
    sense: only all parts live is published, and where no key is known a lost part is repeated twice at most."""
    standing, now = Standing(SLOT), DUE
    for answer, found, minutes, mine in answers:
        now += timedelta(minutes=minutes)
        told = may(standing, total=total, now=now, mine=mine, age=1.0 if mine else 500.0, lookup=lookup)
        if told.do is Do.claim or told.claim_first:
            standing = recorded(standing, Kind.claim)
        if told.do is Do.reconcile:
            told = after_look(standing, found, {one.id for one in standing.parts}, total=total, lookup=lookup,
                              on_unknown="retry" if retry else "hold", doubt_age_s=OVER_S, first_age_s=OVER_S, now=now)
        if told.step:
            standing = recorded(standing, told.step)
        elif told.do is Do.go_on:
            assert standing.doubt is None
            standing = recorded(standing, Kind.sending)
        if told.do is Do.go_on:
            standing = recorded(standing, *records_after(answer, standing, total=total, now=now))
        assert standing.repeats <= MOST_REPEATS or lookup is KEYED
    assert (standing.state is State.published) == (len(standing.parts) == total)


@settings(max_examples=300, deadline=None)
@given(ANSWERS, st.integers(1, 3), st.integers(1, 4))
def test_every_answer_has_a_record_the_ledger_takes(answer, attempts, total):
    """No answer leaves a call without an allowed next record, and only a refusal or an id ends the slot."""
    standing = after(*CLAIMED)
    for _ in range(attempts - 1):
        standing = recorded(standing, Kind.sending, Kind.notsent)
    standing = recorded(standing, Kind.sending)

    ended = recorded(standing, *records_after(answer, standing, total=total, now=DUE))

    assert ended.seq > standing.seq
    if isinstance(answer, Unconfirmed) or answer == PartReceipt(id=""):
        assert ended.doubt is not None
    else:
        assert ended.doubt is None
