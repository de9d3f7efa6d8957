"""The state machine: what a ledger means, and what no ledger may say."""
import contextlib
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning.folding import Contradiction, advance, allowed, fold
from schemas.ledger import Doubt, Entry, Kind, PartReceipt, Pin, Record, Slot, Standing, State, canonical

SLOT = Slot("spring-mend/launch", "mastodon")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PIN = Pin(commit="c0ffee", blob="b10b", payload="f" * 64, account="@club")
NEW_PIN = PIN.model_copy(update={"commit": "decade", "payload": "e" * 64})
ONE, TWO = {"id": "7", "url": "https://social.example/7"}, {"id": "8", "url": None}


def next_entry(standing: Standing, kind: Kind, **fields: Any) -> Entry:
    """The record that the holder would write next, a second after the last one."""
    claiming = kind is Kind.claim
    filled: dict[str, Any] = {
        "seq": standing.seq + 1, "kind": kind, "nonce": f"{standing.seq:032x}", "epoch": standing.epoch + claiming,
        "worker": standing.worker or "w1", "prev": standing.seal, "at": NOON + timedelta(seconds=standing.seq),
        "pin": (standing.pin or PIN) if claiming else None,
    }
    if kind is Kind.sending:
        part = len(standing.parts)
        filled |= {"part": part, "attempt": standing.attempts.get(part, 0) + 1, "send_window_s": 10.0,
                   "request_timeout_s": 60.0, "detail": {"looked": "absent"} if standing.doubt else {}}
    record = Record(**(filled | fields))
    return Entry(record, canonical(record))


def ledger(*steps: Kind | tuple[Kind, dict[str, Any]]) -> Standing:
    """The standing after `steps`: kinds, or kinds with fields of the record."""
    standing = Standing(SLOT)
    for step in steps:
        kind, fields = step if isinstance(step, tuple) else (step, {})
        standing = advance(standing, next_entry(standing, kind, **fields))
    return standing


def said(kind: Kind, **detail: Any) -> tuple[Kind, dict[str, Any]]:
    return kind, {"detail": detail}


SENT = said(Kind.sent, **ONE, how="answer")
PUBLISHED = said(Kind.published, parts=[ONE])
PUBLISHED_BOTH = said(Kind.published, parts=[ONE, TWO])
IN_FLIGHT = (Kind.claim, Kind.sending)
IN_DOUBT = (*IN_FLIGHT, Kind.unknown, Kind.claim)
BY_EVIDENCE = said(Kind.sending, looked="evidence")


def test_nothing_recorded_is_planned():
    """A slot without a ledger is planned and may only be claimed."""
    standing = fold(SLOT, [])

    assert standing == Standing(SLOT)
    assert standing.state is State.planned
    assert [kind for kind in Kind if allowed(standing, kind)] == [Kind.claim]


def test_thread_of_two_parts_without_trouble():
    """The standing of a published thread tells everything a person or a manifest asks for."""
    standing = ledger(*IN_FLIGHT, SENT, Kind.sending, PUBLISHED_BOTH)

    assert standing.state is State.published
    assert standing.parts == (PartReceipt(id="7", url="https://social.example/7"), PartReceipt(id="8"))
    assert standing.urls == ("https://social.example/7",)
    assert (standing.seq, standing.epoch, standing.attempts, standing.doubt) == (5, 1, {0: 1, 1: 1}, None)
    assert standing.claimed_at == NOON
    assert standing.published_at == standing.changed_at == NOON + timedelta(seconds=4)
    assert standing.seal == hashlib.sha256(standing.last.raw).hexdigest()


@pytest.mark.parametrize(("steps", "state"), [
    ((Kind.claim,), State.publishing),
    ((Kind.claim, Kind.released), State.waiting),
    (IN_FLIGHT, State.publishing),
    ((*IN_FLIGHT, Kind.notsent), State.waiting),
    ((*IN_FLIGHT, Kind.unknown), State.unknown),
    (IN_DOUBT, State.unknown),
    ((*IN_DOUBT, Kind.released), State.unknown),
    ((*IN_DOUBT, Kind.sending), State.publishing),
    ((*IN_FLIGHT, Kind.claim), State.unknown),
    ((*IN_FLIGHT, SENT), State.publishing),
    ((*IN_FLIGHT, PUBLISHED), State.published),
    ((*IN_FLIGHT, Kind.failed), State.failed),
    ((Kind.claim, said(Kind.skipped, reason="missed")), State.missed),
    ((Kind.claim, said(Kind.skipped, reason="withdrawn")), State.skipped),
    ((*IN_FLIGHT, Kind.held), State.held),
    ((*IN_DOUBT, Kind.held, said(Kind.resolved, verdict="absent")), State.waiting),
    ((*IN_DOUBT, Kind.held, said(Kind.resolved, verdict="live", **ONE)), State.waiting),
    ((Kind.claim, Kind.failed, Kind.reopened), State.planned),
])
def test_state_that_people_see(steps, state):
    """Each last record has one word for people; a claim over a part in doubt is still unknown to them."""
    assert ledger(*steps).state is state


NEXT = [
    ((), {"claim"}),
    ((Kind.claim,), {"sending", "claim", "released", "skipped", "failed"}),
    ((Kind.claim, Kind.released), {"claim"}),
    (IN_FLIGHT, {"sent", "published", "notsent", "unknown", "failed", "claim", "held"}),
    ((*IN_FLIGHT, Kind.notsent), {"sending", "released", "failed", "claim", "skipped"}),
    ((*IN_FLIGHT, Kind.unknown), {"claim"}),
    (IN_DOUBT, {"sent", "published", "sending", "held", "claim", "released"}),
    ((*IN_FLIGHT, Kind.claim), {"sent", "published", "sending", "held", "claim", "released"}),
    ((*IN_DOUBT, Kind.sending, Kind.notsent), {"claim", "released"}),
    ((*IN_FLIGHT, SENT), {"sending", "claim", "held", "failed"}),
    ((*IN_FLIGHT, SENT, Kind.claim), {"sending", "claim", "released", "failed"}),
    ((*IN_FLIGHT, SENT, Kind.sending, Kind.notsent), {"sending", "released", "failed", "claim"}),
    ((*IN_FLIGHT, PUBLISHED), set()),
    ((*IN_FLIGHT, Kind.failed), {"reopened"}),
    ((Kind.claim, Kind.skipped), {"reopened"}),
    ((*IN_FLIGHT, Kind.held), {"resolved"}),
    ((*IN_FLIGHT, Kind.held, said(Kind.resolved, verdict="absent")), {"published", "claim"}),
    ((Kind.claim, Kind.skipped, Kind.reopened), {"claim"}),
]


@pytest.mark.parametrize(("steps", "kinds"), NEXT)
def test_what_may_follow(steps, kinds):
    """Exactly the transitions of the specification's table; skipped only while every call is proven undone."""
    standing = ledger(*steps)

    assert {str(kind) for kind in Kind if allowed(standing, kind)} == kinds


@pytest.mark.parametrize(("steps", "kinds"), NEXT)
def test_what_may_not_follow_is_a_contradiction(steps, kinds):
    """A record of any other kind is refused, with its seq."""
    standing = ledger(*steps)
    for kind in Kind:
        if kind not in kinds:
            with pytest.raises(Contradiction) as refused:
                advance(standing, next_entry(standing, kind))
            assert refused.value.seq == standing.seq + 1
            assert refused.value.remedy


def test_open_sending_is_doubt_over_any_take_over():
    """However often the slot changes hands, the part stays in doubt, with its times and its first try."""
    standing = ledger(*IN_FLIGHT, Kind.claim, Kind.claim, Kind.released, Kind.claim)

    assert standing.doubt == Doubt(part=0, attempt=1, seq=2, epoch=1, first_seq=2, since=NOON + timedelta(seconds=1),
                                   send_window_s=10, request_timeout_s=60)


def test_second_try_remembers_the_first():
    """After a look that found nothing, the new try is the doubt; since when to look, and the first try, are kept."""
    standing = ledger(*IN_DOUBT, Kind.sending)

    assert standing.doubt == Doubt(part=0, attempt=2, seq=5, epoch=2, first_seq=2, since=NOON + timedelta(seconds=1),
                                   send_window_s=10, request_timeout_s=60)
    assert (standing.attempts, standing.repeats) == ({0: 2}, 1)


def test_try_after_proof_stands_alone():
    """After its sender's word that the first try did nothing, the new try is the only doubt, and repeats nothing."""
    standing = ledger(*IN_DOUBT, BY_EVIDENCE)

    assert standing.doubt == Doubt(part=0, attempt=2, seq=5, epoch=2, first_seq=2, since=NOON + timedelta(seconds=4),
                                   send_window_s=10, request_timeout_s=60)
    assert (standing.attempts, standing.repeats) == ({0: 2}, 0)


def test_proof_of_one_try_is_no_proof_of_the_one_before():
    """A try that nobody answered stays in doubt, whatever its successors turn out to have done."""
    again = (*IN_DOUBT, Kind.sending, Kind.unknown, Kind.claim, BY_EVIDENCE)

    assert (ledger(*again).repeats, ledger(*again).nothing_sent) == (1, False)
    later = ledger(*again, Kind.notsent)
    assert (later.repeats, later.nothing_sent, later.state) == (1, False, State.unknown)
    assert [kind for kind in Kind if allowed(later, kind)] == [Kind.claim, Kind.released]


@pytest.mark.parametrize(("steps", "repeats"), [
    (IN_FLIGHT, 0),
    (IN_DOUBT, 0),
    ((*IN_DOUBT, Kind.sending), 1),
    ((*IN_DOUBT, Kind.sending, Kind.unknown, Kind.claim, Kind.sending), 2),
    ((*IN_DOUBT, Kind.sending, Kind.notsent, Kind.claim, Kind.sending), 2),
    ((*IN_DOUBT, Kind.sending, SENT), 0),                                       # the next part begins anew
    ((*IN_DOUBT, Kind.sending, Kind.unknown, Kind.claim, Kind.held, said(Kind.resolved, verdict="absent")), 0),
    ((*IN_DOUBT, Kind.sending, Kind.unknown, Kind.claim, Kind.held, said(Kind.resolved, verdict="live", **ONE)), 0),
])
def test_repeats_of_the_part_under_way(steps, repeats):
    """Every `sending` in doubt is counted, until the part is live or a person has spoken."""
    assert ledger(*steps).repeats == repeats


def test_nothing_sent_needs_proof_of_every_try():
    """A try that was followed by another without proof keeps the slot from ever counting as "nothing sent"."""
    assert ledger(*IN_FLIGHT, Kind.notsent).nothing_sent
    assert not ledger(*IN_FLIGHT).nothing_sent
    assert not ledger(*IN_DOUBT, Kind.sending, Kind.notsent).nothing_sent
    assert ledger(*IN_DOUBT, BY_EVIDENCE, Kind.notsent).nothing_sent
    assert not ledger(*IN_FLIGHT, SENT).nothing_sent


def test_person_saying_absent_settles_the_doubt():
    """A person's "absent" ends the doubt and starts the count of attempts anew."""
    standing = ledger(*IN_DOUBT, Kind.sending, Kind.unknown, Kind.claim, Kind.held,
                      said(Kind.resolved, verdict="absent"))

    assert (standing.doubt, standing.attempts, standing.nothing_sent) == (None, {}, True)


def test_person_saying_live_gives_the_part_its_receipt():
    """A person's "live" makes the part live, and publishing then lists what is live."""
    standing = ledger(*IN_DOUBT, Kind.held, said(Kind.resolved, verdict="live", by="Ada", **ONE), PUBLISHED)

    assert (standing.state, standing.parts) == (State.published, (PartReceipt(**ONE),))


def test_reconciler_adopts_what_it_found():
    """A part found by looking counts as sent, and the next part may go out."""
    standing = ledger(*IN_DOUBT, said(Kind.sent, **ONE, how="readback"), Kind.sending, PUBLISHED_BOTH)

    assert standing.parts == (PartReceipt(**ONE), PartReceipt(**TWO))


def test_not_before_holds_until_the_next_try():
    """The moment a network asked for survives release and take-over, and ends with the next try."""
    later = (NOON + timedelta(hours=1)).isoformat()
    waiting = (*IN_FLIGHT, said(Kind.notsent, retry_at=later, reason="429"))

    assert ledger(*waiting).retry_at == NOON + timedelta(hours=1)
    assert ledger(*waiting, Kind.released, Kind.claim).retry_at == NOON + timedelta(hours=1)
    assert ledger(*waiting, Kind.released, Kind.claim, Kind.sending).retry_at is None
    assert ledger(*waiting, said(Kind.released, retry_at=NOON.isoformat())).retry_at == NOON


def test_reason_is_the_last_record_s():
    """A person reads why the slot is where it is now, not why it once was."""
    assert ledger(*IN_FLIGHT, said(Kind.notsent, reason="503")).reason == "503"
    assert ledger(*IN_FLIGHT, said(Kind.notsent, reason="503"), Kind.sending).reason is None


def test_take_over_does_not_forget_why_a_part_is_in_doubt():
    """A claim answers nothing: what made the part doubtful stays the reason."""
    lost = (*IN_FLIGHT, said(Kind.unknown, reason="no reply in 60 s"))

    assert ledger(*lost, Kind.claim, Kind.claim).reason == "no reply in 60 s"
    assert ledger(*IN_FLIGHT, said(Kind.notsent, reason="503"), Kind.claim).reason is None


def test_pin_may_change_while_nothing_is_out():
    """Edited before anything was sent: the new claim promises the new text."""
    assert ledger(*IN_FLIGHT, Kind.notsent, (Kind.claim, {"pin": NEW_PIN})).pin == NEW_PIN


def test_reopened_thread_may_change_its_rest():
    """A failed thread that was edited goes on under a new pin, its live parts kept; later claims keep that pin."""
    standing = ledger(*IN_FLIGHT, SENT, Kind.sending, Kind.failed, Kind.reopened, (Kind.claim, {"pin": NEW_PIN}),
                      Kind.claim, Kind.sending)

    assert (standing.pin, len(standing.parts), standing.attempts[1]) == (NEW_PIN, 1, 1)


@pytest.mark.parametrize(("steps", "why"), [
    ((*IN_FLIGHT, (Kind.claim, {"pin": NEW_PIN})), "another pin"),
    ((*IN_FLIGHT, SENT, (Kind.claim, {"pin": NEW_PIN})), "another pin"),
    (((Kind.claim, {"pin": None}),), "no pin"),
    (((Kind.claim, {"epoch": 2}),), "epoch 2, not 1"),
    (((Kind.claim, {"seq": 2}),), "record 1 should"),
    ((Kind.claim, (Kind.sending, {"epoch": 2})), "epoch 2, not 1"),
    ((Kind.claim, (Kind.sending, {"part": 1})), "part 0 is next"),
    ((Kind.claim, (Kind.sending, {"part": None})), "part 0 is next"),
    ((Kind.claim, (Kind.sending, {"attempt": 2})), "attempt 2"),
    ((Kind.claim, (Kind.sending, {"worker": "w2"})), "did not claim"),
    ((*IN_DOUBT, said(Kind.sending)), "nobody looked"),
    ((*IN_DOUBT, said(Kind.sending, looked="yes")), "nobody looked"),
    ((*IN_DOUBT, said(Kind.sending, looked=["absent"])), "nobody looked"),
    ((*IN_FLIGHT, (Kind.notsent, {"part": 1})), "part 0 is under way"),
    ((*IN_FLIGHT, SENT, (Kind.sending, {"part": 0})), "part 1 is next"),
    ((*IN_FLIGHT, Kind.sent), "without the network's id"),
    ((*IN_FLIGHT, said(Kind.sent, id="")), "empty id"),
    ((*IN_FLIGHT, said(Kind.sent, id=7)), "without the network's id"),
    ((*IN_FLIGHT, Kind.published), "without the network's ids"),
    ((*IN_FLIGHT, said(Kind.published, parts=[])), "without the network's ids"),
    ((*IN_FLIGHT, said(Kind.published, parts=["7"])), "without the network's id"),
    ((*IN_FLIGHT, SENT, Kind.sending, PUBLISHED), "1 ids; 2 parts went out"),
    ((*IN_FLIGHT, said(Kind.published, parts=[ONE, TWO])), "2 ids; 1 parts went out"),
    ((*IN_FLIGHT, SENT, Kind.sending, said(Kind.published, parts=[TWO, ONE])), "1 of them known"),
    ((*IN_FLIGHT, Kind.held, Kind.resolved), "neither live nor absent"),
    ((*IN_FLIGHT, Kind.held, said(Kind.resolved, verdict="live")), "without the network's id"),
    ((*IN_FLIGHT, said(Kind.notsent, retry_at="soon")), "no time"),
    ((*IN_FLIGHT, said(Kind.notsent, retry_at="2026-11-22T12:00:00")), "no zone"),
    ((*IN_FLIGHT, said(Kind.notsent, reason=["429"])), "no text"),
])
def test_what_no_honest_writer_says(steps, why):
    """A record that breaks a rule is a contradiction that says which one."""
    *before, last = steps
    standing = ledger(*before)
    kind, fields = last if isinstance(last, tuple) else (last, {})

    with pytest.raises(Contradiction) as refused:
        advance(standing, next_entry(standing, kind, **fields))

    assert why in refused.value.why


WORKERS = ("w1", "w2", "w3")


def races() -> st.SearchStrategy[list[tuple[str, bool, int]]]:
    """Turns of three workers: who, whether it reads the archive first, and which of the allowed records it writes."""
    return st.lists(st.tuples(st.sampled_from(WORKERS), st.booleans(), st.integers(0, 59)), max_size=60)


def honest_fields(view: Standing, kind: Kind, worker: str, choice: int) -> dict[str, Any] | None:
    """What an honest worker would write on top of what it has read; None if it would not write this."""
    if kind is Kind.sending and (view.worker != worker or len(view.parts) == 3):
        return None
    fields: dict[str, Any] = {"worker": worker}
    listed = [{"id": part.id, "url": part.url} for part in view.parts]
    new = {"id": f"id-{len(listed)}", "url": None}
    if kind is Kind.claim and (view.kind is Kind.reopened or not (view.parts or view.doubt)):
        fields["pin"] = NEW_PIN if choice % 2 else PIN
    if kind is Kind.sending and view.doubt:
        fields["detail"] = {"looked": "evidence" if choice % 2 else "absent"}
    if kind in (Kind.sent, Kind.resolved):
        fields["detail"] = {**new, "verdict": "live" if choice % 3 else "absent"}
    if kind is Kind.published:
        parts = [*listed, new] if view.doubt else listed
        if not parts:
            return None
        fields["detail"] = {"parts": parts}
    return fields


def play(turns: Iterable[tuple[str, bool, int]]) -> list[Entry]:
    """The one ledger that create-once leaves of all turns: who has not read the last record is fenced."""
    stored: list[Entry] = []
    views = {worker: Standing(SLOT) for worker in WORKERS}
    for worker, reads, choice in turns:
        if reads:
            views[worker] = fold(SLOT, stored)
        view = views[worker]
        possible = [kind for kind in Kind if allowed(view, kind)]
        kind = possible[choice % len(possible)] if possible else None
        fields = honest_fields(view, kind, worker, choice) if kind else None
        if kind is None or fields is None:
            continue
        entry = next_entry(view, kind, **fields)
        if entry.record.seq == len(stored) + 1:         # create-once: the key is still free
            stored.append(entry)
            views[worker] = advance(view, entry)
    return stored


@settings(max_examples=300, deadline=None)
@given(races())
def test_any_race_folds_without_contradiction(turns):
    """Whatever honest workers write, in any order and however stale their view: the ledger that stands makes sense."""
    stored = play(turns)
    standing = fold(SLOT, stored)

    assert standing.seq == len(stored)
    assert standing.epoch == sum(entry.record.kind is Kind.claim for entry in stored)
    assert [entry.record.prev for entry in stored] == [None, *(entry.seal for entry in stored[:-1])][:len(stored)]


@settings(max_examples=300, deadline=None)
@given(races())
def test_published_is_never_left(turns):
    """In any race, `published` is the last record there ever is."""
    kinds = [entry.record.kind for entry in play(turns)]

    assert Kind.published not in kinds[:-1]


@settings(max_examples=300, deadline=None)
@given(races())
def test_no_part_is_sent_again_without_a_claim_or_proof(turns):
    """In any race, two `sending` of one part have between them a claim, a `notsent`, or a person's verdict."""
    open_part = None
    for entry in play(turns):
        if entry.record.kind is Kind.sending:
            assert entry.record.part != open_part
            open_part = entry.record.part
        elif entry.record.kind in (Kind.claim, Kind.notsent, Kind.resolved):
            open_part = None


@settings(max_examples=300, deadline=None)
@given(races())
def test_a_doubt_is_never_forgotten_by_itself(turns):
    """In any race, once a part was sent again on the strength of a look, it is in doubt until it is live or a person
    says that it is not there."""
    standing = Standing(SLOT)
    for entry in play(turns):
        after = advance(standing, entry)
        if standing.repeats and standing.doubt and not after.doubt:
            live = len(after.parts) > len(standing.parts)
            assert live or entry.record.kind is Kind.failed or entry.record.detail.get("verdict") == "absent"
        standing = after


@settings(max_examples=300, deadline=None)
@given(races())
def test_live_parts_are_never_lost(turns):
    """In any race, what was once known to be live stays known, in the same order."""
    standing = Standing(SLOT)
    for entry in play(turns):
        after = advance(standing, entry)
        assert after.parts[:len(standing.parts)] == standing.parts
        standing = after


@settings(max_examples=300, deadline=None)
@given(races())
def test_no_slot_is_stuck(turns):
    """In any race, a slot that has not ended has an allowed next record."""
    standing = fold(SLOT, play(turns))

    assert standing.state is State.published or any(allowed(standing, kind) for kind in Kind)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(list(Kind)), max_size=12), st.data())
def test_any_nonsense_is_a_contradiction_not_a_crash(kinds, data):
    """Records in any order with any small content either fold or are refused as a contradiction."""
    values = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("2026-11-22T12:00:00Z")
    details = st.dictionaries(st.sampled_from(["id", "url", "parts", "verdict", "retry_at", "reason", "looked"]),
                              values | st.lists(values | st.dictionaries(st.just("id"), values), max_size=2))
    standing = Standing(SLOT)
    with contextlib.suppress(Contradiction):
        for kind in kinds:
            standing = advance(standing, next_entry(standing, kind, detail=data.draw(details)))
