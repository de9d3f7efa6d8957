"""What may be done with a slot, and what an answer means: one table each."""
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning.deciding import LEASE_S, MOST_ATTEMPTS, Do, Step, Turn, may_send, records_after, wait_after
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
from schemas.ledger import Entry, Kind, PartReceipt, Pin, Record, Slot, Standing, State, canonical

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
            fields = {"part": part, "attempt": standing.attempts.get(part, 0) + 1}
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
HELD = (*IN_DOUBT, Kind.held)


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


def turn(*steps: Step | Kind, now: datetime = DUE, mine: bool = False, age: float | None = 1.0, total: int = 1) -> Turn:
    return may_send(after(*steps), total=total, now=now, due=DUE, grace=GRACE, mine=mine, claim_age_s=age)


def in_minutes(minutes: float) -> datetime:
    return DUE + timedelta(minutes=minutes)


NOT_BEFORE = Step(Kind.notsent, {"retry_at": "2026-11-22T12:10:00Z"})
LIVE = Step(Kind.resolved, {"verdict": "live", "id": "7", "url": "https://social.example/7"})
ABSENT = Step(Kind.resolved, {"verdict": "absent"})
LOOK = Turn(Do.reconcile, claim_first=True)
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
    (turn(*CLAIMED, mine=True, now=in_minutes(-1)), Turn(Do.wait, DUE)),
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
    (turn(*IN_DOUBT, Kind.released), LOOK),
    (turn(*IN_DOUBT, Step(Kind.released, {"retry_at": "2026-11-22T12:10:00Z"})), Turn(Do.wait, in_minutes(10))),
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


def test_too_late_after_an_unproven_try_is_failed():
    """If some try was never proven absent, the end is not "nothing was sent" but a failure that says so."""
    late = turn(*IN_DOUBT, Kind.sending, Kind.notsent, mine=True, now=in_minutes(121))

    assert (late.do, late.step.kind) == (Do.missed, Kind.failed)
    assert recorded(after(*IN_DOUBT, Kind.sending, Kind.notsent), late.step).state is State.failed


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


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(ANSWERS, st.integers(0, 40), st.booleans()), max_size=30), st.integers(1, 4))
def test_a_worker_that_obeys_never_breaks_a_rule(answers, total):
    """Whatever the network answers and however time passes, obeying the turns leads to a ledger that makes sense:
    a part in doubt is never sent again, and only all parts live is published."""
    standing, now = Standing(SLOT), DUE
    for answer, minutes, mine in answers:
        now += timedelta(minutes=minutes)
        told = may_send(standing, total=total, now=now, due=DUE, grace=GRACE, mine=mine,
                        claim_age_s=1.0 if mine else 500)
        if told.do is Do.claim or told.claim_first:
            standing = recorded(standing, Kind.claim)
        if told.step:
            standing = recorded(standing, told.step)
        if told.do is Do.go_on:
            assert standing.doubt is None
            standing = recorded(standing, Kind.sending)
            standing = recorded(standing, *records_after(answer, standing, total=total, now=now))
        if told.do is Do.reconcile:
            assert standing.doubt is not None
            assert allowed(standing, Kind.held)
        if told.until is not None:
            assert told.until > now
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
