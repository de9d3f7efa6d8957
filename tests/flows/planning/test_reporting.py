"""What people read of plan and ledger: a row for each slot, the counts, and one slot's whole story."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.planning.folding import advance
from flows.planning.narrating import story
from flows.planning.preparing import Prepared
from flows.planning.reporting import arrives_again, counts, cut_off, is_overdue, row_of_ledger, rows, when
from flows.planning.reporting import row as report_row
from schemas.ledger import Entry, Evidence, Kind, Pin, Record, Slot, Standing, State, canonical
from schemas.outage import Outage
from schemas.plan import Waiting
from schemas.report import Row

Make = Callable[..., Prepared]
DUE = datetime(2027, 7, 1, 8, 30, tzinfo=UTC)
SLOT, LATER = Slot("posts/a", "mastodon"), Slot("posts/b", "mastodon")
URL = "https://social.example/7"
PIN = Pin(commit="c0ffee0123456789", blob="b10b", payload="f" * 64, account="@us")
FILES = {"posts/a.md": "---\nintent: give\nat: 2027-07-01 09:30\n---\nHi\n", "posts/b.md": "---\nevery: 4w\n---\nHi\n"}

WAIT = ("Wait: some minutes after the call a running publisher looks at the account by itself, and so does 'drumbeat "
        "reconcile'. Nothing is sent before it is known.")
NOT_TRIED = ("Either no publisher runs (drumbeat up), or one runs and keeps it back: credentials, or the wrong "
             "account. What it prints says which.")


def ledger(*steps: tuple[Kind, dict[str, Any]]) -> tuple[Standing, list[Entry]]:
    """What `steps` make of SLOT, one second after another from the time it is due."""
    standing, entries = Standing(SLOT), []
    for number, (kind, fields) in enumerate(steps):
        filled: dict[str, Any] = {
            "seq": number + 1,
            "kind": kind,
            "nonce": f"{number:032x}",
            "epoch": 1,
            "worker": "w1",
            "prev": standing.seal,
            "at": DUE + timedelta(seconds=number),
            "pin": PIN if kind is Kind.claim else None,
        }
        record = Record(**{**filled, **fields})
        entry = Entry(record, canonical(record))
        standing = advance(standing, entry)
        entries.append(entry)
    return standing, entries


CLAIM: tuple[Kind, dict[str, Any]] = (Kind.claim, {})
SENDING: tuple[Kind, dict[str, Any]] = (
    Kind.sending,
    {"part": 0, "attempt": 1, "send_window_s": 10.0, "request_timeout_s": 60.0},
)
SENT: tuple[Kind, dict[str, Any]] = (Kind.sent, {"part": 0, "detail": {"id": "7", "url": URL, "how": "answer"}})
PUBLISHED: tuple[Kind, dict[str, Any]] = (Kind.published, {"detail": {"parts": [{"id": "7", "url": URL}]}})
UNKNOWN: tuple[Kind, dict[str, Any]] = (Kind.unknown, {"part": 0, "detail": {"reason": "no answer within 60 s"}})
MISSED: tuple[Kind, dict[str, Any]] = (Kind.skipped, {"detail": {"reason": "missed"}})


def row_of(prepared: Make, standing: Standing | None, now: datetime) -> Row:
    found = rows(prepared(FILES).plan, {SLOT: standing} if standing else {}, now=now)
    return next(row for row in found if row.slot == str(SLOT))


@pytest.mark.parametrize(
    ("steps", "late", "row"),
    [
        ([], timedelta(), (State.planned, DUE, None, None, None, None)),
        ([], timedelta(minutes=2), (State.planned, DUE, None, None, None, None)),
        ([], timedelta(hours=2), (State.planned, DUE, None, None, "it is due, and nothing was tried yet", NOT_TRIED)),
        (
            [],
            timedelta(hours=2, seconds=1),
            (
                State.planned,
                DUE,
                None,
                None,
                "its time has passed and nothing was sent",
                "Start the publisher: it will be marked missed, never sent late. Give it a new time to send it.",
            ),
        ),
        ([CLAIM, SENDING], timedelta(), (State.publishing, DUE, None, None, None, None)),
        ([CLAIM, SENDING, PUBLISHED], timedelta(), (State.published, DUE, DUE + timedelta(seconds=2), URL, None, None)),
        (
            [CLAIM, SENDING, UNKNOWN],
            timedelta(),
            (
                State.unknown,
                DUE,
                None,
                None,
                "nobody knows whether it arrived: no answer within 60 s",
                WAIT,
            ),
        ),
        (
            [CLAIM, MISSED],
            timedelta(),
            (
                State.missed,
                DUE,
                None,
                None,
                "it was more than 2 h past its time before it could go out; nothing is sent late by itself",
                "Give the post a new time and commit, if it should still go out.",
            ),
        ),
    ],
)
def test_a_row_says_state_times_address_reason_and_what_to_do(
        steps: list[tuple[Kind, dict[str, Any]]], late: timedelta, row: tuple[Any, ...], prepared: Make) -> None:
    """Each state has its own row, with the line of the file that gives the time."""
    standing = ledger(*steps)[0] if steps else None

    assert row_of(prepared, standing, DUE + late) == Row(
        str(SLOT), *row[:5], "content/posts/a.md:3:1", row[5], "Europe/Dublin"
    )


def test_what_was_missed_says_so_wherever_its_post_stands_now(prepared: Make) -> None:
    """Held since, or its file gone: in words, never `missed` again, with what had kept it back."""
    kept = (Kind.skipped, {"detail": {"reason": "missed", "last_reason": "the account has no credit"}})
    why = "past its time before it could go out; nothing is sent late by itself"
    plan = prepared(FILES).plan
    (item,) = (one for one in plan.items if one.slot == SLOT)
    held = Waiting(item.slot, item.post, item.channel, "Ilse holds everything", item.zone, item.at)

    for steps, more in (((CLAIM, MISSED), ""), ((CLAIM, kept), "; before that: the account has no credit")):
        standing = ledger(*steps)[0]
        told = [report_row(item, standing, now=DUE), report_row(held, standing, now=DUE), row_of_ledger(SLOT, standing)]
        assert [one.reason for one in told] == [f"it was {late} {why}{more}"
                                                for late in ("more than 2 h", "too far", "too far")]


def test_rows_are_by_time_and_nothing_is_left_out(prepared: Make) -> None:
    """Planned slots first by time, then what waits, then what the ledger alone knows; no time comes last."""
    gone = Standing(Slot("posts/zz", "mastodon"), last=ledger(CLAIM, SENDING, PUBLISHED)[1][-1], state=State.published)

    found = rows(
        prepared(FILES).plan, {gone.slot: gone, Slot("posts/never", "x"): Standing(Slot("posts/never", "x"))}, now=DUE
    )

    assert [(r.slot, r.state, r.reason, r.file) for r in found] == [
        ("posts/a@mastodon#1", State.planned, None, "content/posts/a.md:3:1"),
        ("posts/b@mastodon#1", State.waiting, "nothing says when it begins (from)", "content/posts/b.md:2:1"),
        ("posts/zz@mastodon#1", State.published, "its file is gone from the content", None)]
    assert counts(found) == {"planned": 1, "waiting": 1, "published": 1}


def test_rows_as_json_are_utc() -> None:
    """The object of status --json has the keys of the page and RFC 3339 times."""
    row = Row("posts/a@x#1", State.published, DUE, DUE, URL, None, "f.md:2:1", None, "Europe/Dublin")

    assert row.as_dict() == {
        "slot": "posts/a@x#1",
        "state": "published",
        "at": "2027-07-01T08:30:00Z",
        "sent_at": "2027-07-01T08:30:00Z",
        "url": URL,
        "reason": None,
        "file": "f.md:2:1",
        "next": None,
    }


def test_a_story_is_told_from_the_beginning(prepared: Make) -> None:
    """File, destination, due time, each record in words and in the post's own time, the state, and what to do."""
    standing, entries = ledger(CLAIM, SENDING, UNKNOWN)
    [item] = prepared(FILES).plan.items

    assert story(SLOT, item, standing, entries, now=DUE) == [
        "content/posts/a.md:3:1 says so; it goes to mastodon (mastodon, @us@social.example).",
        "Due Thu 2027-07-01 09:30 (Europe/Dublin).",
        "Thu 2027-07-01 09:30:00  taken by w1, as commit c0ffee0123 has it, payload ffffffffff",
        "Thu 2027-07-01 09:30:01  sending, try 1",
        "Thu 2027-07-01 09:30:02  nobody knows whether it arrived: no answer within 60 s",
        "State: unknown.",
        "Next: Wait. The call may still take effect until about Thu 2027-07-01 09:33:11 (Europe/Dublin); after that a "
        "running publisher looks at the account by itself, and so does 'drumbeat reconcile'. Nothing is sent before it "
        "is known."]


@pytest.mark.parametrize(("last", "end"), [
    (PUBLISHED, [f"Thu 2027-07-01 08:30:02  published: {URL}", "State: published."]),
    (SENT, [f"Thu 2027-07-01 08:30:02  part 1 is live: {URL}", "State: publishing.",
            "Next: Nothing to do: a publisher has it. If none runs, start one (drumbeat up): it finds out first what "
            "became of the last call."]),
])
def test_a_story_ends_with_the_address(last: tuple[Kind, dict[str, Any]], end: list[str]) -> None:
    """The story of what is live says where it can be seen."""
    standing, entries = ledger(CLAIM, SENDING, last)

    assert story(SLOT, None, standing, entries, now=DUE)[-len(end):] == end


def test_what_was_given_back_for_long_is_told_once() -> None:
    """A wait of more than a quarter of an hour makes two records and one line."""
    told = {"reason": "429", "class": "rate-limited", "retry_at": "2027-07-01T09:00:00Z"}
    standing, entries = ledger(CLAIM, SENDING, (Kind.notsent, {"part": 0, "detail": told}),
                               (Kind.released, {"detail": told}))

    assert story(SLOT, None, standing, entries, now=DUE)[3:] == [
        "Thu 2027-07-01 08:30:02  not sent: 429; it is tried again at Thu 2027-07-01 09:00 (UTC)", "State: waiting.",
        "Next: Nothing to do: it is tried again at Thu 2027-07-01 09:00 (UTC)."]


def test_a_late_word_stands_after_the_publisher_that_took_over() -> None:
    """What came too late is told where it was learned: after the other publisher had the slot."""
    absent = Evidence(nonce="e" * 32, worker="w1", epoch=1, at=DUE + timedelta(seconds=2), part=0, attempt=1,
                      receipt=None, detail={"reason": "429"})
    standing, entries = ledger(CLAIM, SENDING, (Kind.claim, {"epoch": 2, "worker": "w2"}))

    assert story(SLOT, None, standing, entries, now=DUE, evidence=[absent])[1:5] == [
        "Thu 2027-07-01 08:30:00  taken by w1, as commit c0ffee0123 has it, payload ffffffffff",
        "Thu 2027-07-01 08:30:01  sending, try 1",
        "Thu 2027-07-01 08:30:02  looked for by w2",
        "Thu 2027-07-01 08:30:02  the answer came late to w1: nothing was sent (429)"]


@pytest.mark.parametrize(
    ("late", "end"),
    [
        (timedelta(), ["State: planned. Nothing was tried yet."]),
        (timedelta(hours=1), ["State: planned. Nothing was tried yet.", f"Next: {NOT_TRIED}"]),
        (
            timedelta(hours=3),
            ["State: planned. Nothing was tried yet.", "Its time has passed: is the publisher running? (drumbeat up)"],
        ),
    ],
)
def test_a_story_without_records_says_so(late: timedelta, end: list[str], prepared: Make) -> None:
    """Nothing tried is told apart from nothing running."""
    [item] = prepared(FILES).plan.items

    assert story(SLOT, item, None, [], now=DUE + late)[2:] == end


def test_a_story_of_what_waits_says_why(prepared: Make) -> None:
    """A slot without a time tells its reason."""
    [waiting] = prepared(FILES).plan.waiting

    assert story(LATER, waiting, None, [], now=DUE) == [
        "content/posts/b.md:2:1 says so; it goes to mastodon (mastodon, @us@social.example).", "It has no time yet.",
        "It waits: nothing says when it begins (from)"]


def test_times_are_told_on_the_wall() -> None:
    """Weekday, date, time, seconds only when there are some, and the zone."""
    assert (when(DUE, "Europe/Dublin"), when(DUE + timedelta(seconds=5), "UTC")) == (
        "Thu 2027-07-01 09:30 (Europe/Dublin)", "Thu 2027-07-01 08:30:05 (UTC)")


@pytest.mark.parametrize(("state", "minutes", "said"), [
    ("planned", 14.9, False), ("planned", 15, True), ("planned", 9_000, True), ("planned", -5, False),
    ("planned", None, False), ("publishing", 59, False), ("publishing", 60, True),
    *((state, 600, False) for state in ("waiting", "held", "unknown", "published", "failed", "missed", "skipped"))])
def test_overdue_is_what_nothing_holds(state: str, minutes: float | None, said: bool) -> None:
    """Due a quarter of an hour ago, no end, no reason to wait; a thread under way has an hour."""
    at = None if minutes is None else DUE - timedelta(minutes=minutes)

    assert is_overdue(State(state), at, DUE) is said


def test_an_outage_is_told_by_whom_it_hits_and_by_the_plan_that_goes_on() -> None:
    """Who gets nothing, since when by the wall clock, why, what to do, and which plan is sent by meanwhile."""
    one = Outage("main", DUE, DUE, "https://git.example cannot be fetched: no route.", "Look.", ("pub-1",))

    assert cut_off(one, "c" * 40, "Europe/Dublin") == [
        "pub-1 gets nothing of what is pushed to main since Thu 2027-07-01 09:30 (Europe/Dublin): "
        "https://git.example cannot be fetched: no route.", "Look.", "The plan of commit cccccccccc stays in force."]
    assert cut_off(one._replace(machines=("a", "b", "c")), None, "UTC")[0].startswith("a, b and c get nothing of ")
    assert cut_off(one._replace(behind=("pub-1",)), "d" * 40, "UTC")[2].startswith(
        "pub-1 goes on by an older plan than that of commit dddddddddd, which another publisher took meanwhile")
    assert arrives_again(one._replace(at=DUE + timedelta(hours=1), is_over=True), "UTC") == (
        "pub-1 gets what is pushed to main again; nothing came from Thu 2027-07-01 08:30 (UTC) to Thu 2027-07-01 09:30 "
        "(UTC).")
