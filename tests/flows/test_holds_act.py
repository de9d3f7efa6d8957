"""People stop what goes out, and let it go on: inside the send step, on every publisher."""
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from datetime import timedelta
from typing import Any

import pytest

from flows.edges.holds import Holds
from flows.edges.store import open_store
from flows.planning.pausing import LEFT_OUT
from schemas.hold import Hold
from schemas.ledger import State

from .conftest import NOON, Stage, Watched

A, B, C = (f"posts/{name}@mastodon#1" for name in "abc")


def said(stage: Stage, kind: str, scope: str = "all", name: str | None = None, **more: Any) -> Hold:
    return Holds(open_store(stage.archive)).add(Hold(
        number=0, kind=kind, scope=scope, name=name, by="Ilse", reason="an injury at the bench",
        at=more.pop("at", stage.clock.now()), **more))


def three(stage: Stage) -> None:
    """Three posts, ten minutes apart from noon on."""
    for number, name in enumerate("abc"):
        stage.folder.post(name, f"Text {name}", at=NOON + timedelta(minutes=10 * number))
    stage.folder.commit()


def test_a_hold_in_the_middle_stops_the_rest(stage: Stage) -> None:
    """What is out is out; the rest waits, says who stopped it and why, and has no record: nothing was tried."""
    three(stage)
    told = stage.run(tell=lambda one: said(stage, "hold") if one.row.slot == A else None)

    assert stage.texts() == ["Text a"]
    waiting = [one.row for one in told if one.row.state is State.waiting]
    assert [row.slot for row in waiting] == [B, C]
    assert waiting[0].reason == ("Ilse holds everything since Mon 2027-03-01 12:00 (UTC): an injury at the bench. "
                                 "'drumbeat resume --all --by NAME' lets it go on")
    assert stage.kinds(B) == []


def test_what_is_held_past_its_grace_is_not_missed(stage: Stage) -> None:
    three(stage)
    said(stage, "hold")
    stage.run(until=NOON + timedelta(days=2))

    assert stage.posts() == []
    assert [stage.kinds(slot) for slot in (A, B, C)] == [[], [], []]


@pytest.mark.parametrize(("late", "texts"), [("send", ["Text a", "Text b", "Text c"]), ("skip", [])])
def test_a_resume_says_what_becomes_of_what_was_due(stage: Stage, late: str, texts: list[str]) -> None:
    three(stage)
    said(stage, "hold")
    end = NOON + timedelta(hours=6)
    stage.run(until=end)
    slots = {slot: {"was": NOON + timedelta(minutes=10 * number), "at": end if late == "send" else None}
             for number, slot in enumerate((A, B, C))}
    said(stage, "resume", late=late, slots=slots, at=end)
    stage.run(until=end + timedelta(hours=1))

    assert stage.texts() == texts
    if late == "skip":
        standing = stage.standing(A)
        assert (standing.state, standing.reason) == (State.skipped, LEFT_OUT)


def test_a_running_shift_hears_of_a_resume(live: Stage, just_now: Any, heard: Any) -> None:
    """Real time: stopped by one hand, let go by another, while the shift runs."""
    live.folder.post("a", "Text a", at=just_now)
    live.folder.commit()
    said(live, "hold", "channel", "mastodon")

    def let_go(one: Any) -> None:
        if one.row.state is State.waiting:
            said(live, "resume", "channel", "mastodon", late="send",
                 slots={A: {"was": just_now, "at": live.clock.now()}})
        else:
            live.running.stop()

    told = live.run(until=live.clock.now() + timedelta(seconds=60), tell=let_go)
    assert [one.row.state for one in told] == [State.waiting, State.published]
    assert live.texts() == ["Text a"]


def test_a_hold_stops_what_it_names_and_nothing_else(stage: Stage) -> None:
    stage.folder.post("a", "Text a", channels="mastodon, x")
    stage.folder.commit()
    said(stage, "hold", "channel", "x")
    stage.run()

    assert [post["network"] for post in stage.posts()] == ["mastodon"]


def test_two_holds_need_two_resumes(stage: Stage) -> None:
    three(stage)
    said(stage, "hold")
    said(stage, "hold", "channel", "mastodon")
    said(stage, "resume")
    stage.run()

    assert stage.posts() == []


def test_a_thread_stops_between_its_parts_and_goes_on(stage: Stage, watched: type[Watched]) -> None:
    stage.folder.post("a", "Part one\n\n***\n\nPart two")
    stage.folder.commit()

    def before(what: str, key: str) -> None:
        if what == "create" and key.endswith("/000003.json"):     # `sent`: part one is out
            said(stage, "hold")

    stage.run(store=watched(open_store(stage.archive), before))
    assert stage.texts() == ["Part one"]

    said(stage, "resume")
    stage.run()
    assert stage.texts() == ["Part one", "Part two"]
    assert stage.standing(A).state is State.published


def test_an_unreadable_hold_stops_everything(stage: Stage) -> None:
    three(stage)
    assert open_store(stage.archive).create("v1/hold/000001.json", b"{")
    with pytest.raises(Exception, match=r"v1/hold/000001\.json cannot be read, so nobody knows what is held"):
        stage.run()
    assert stage.posts() == []


def test_a_written_time_wins_over_a_resume(stage: Stage) -> None:
    """The post got another time in Git after it was rescheduled: that one counts."""
    three(stage)
    said(stage, "hold")
    said(stage, "resume", late="reschedule", slots={A: {"was": NOON, "at": NOON + timedelta(hours=5)}})
    stage.folder.post("a", "Text a", at=NOON + timedelta(hours=2))
    stage.folder.commit()
    stage.run()

    assert stage.standing(A).published_at == NOON + timedelta(hours=2)


class BusyLoop(logging.Handler):
    """The loop of a shift comes to what people let go on only when every delivery that is out has ended."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("goes on"):
            wait([call.future for call in self.stage.running.lanes._calls.values()], 30)


@pytest.fixture
def busy_loop(stage: Stage, heard: Any) -> Iterator[None]:
    handler, logger = BusyLoop(stage), logging.getLogger("flows.send")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.mark.usefixtures("busy_loop")
@pytest.mark.parametrize(("late", "at"), [("skip", None), ("reschedule", NOON + timedelta(hours=5))])
def test_a_send_that_hears_of_a_resume_first_does_not_go_by_the_time_of_before(
        stage: Stage, watched: type[Watched], late: str, at: Any) -> None:
    """The hold is gone, and the loop has not arranged the new times yet: nothing goes out by the old ones."""
    stage.folder.post("a", "Text a")
    stage.folder.commit()
    said(stage, "hold")
    asked: list[str] = []

    def before(what: str, key: str) -> None:
        if key == "v1/hold/" and threading.current_thread().name.startswith("send") and not asked:
            asked.append(what)
            said(stage, "resume", late=late, slots={A: {"was": NOON, "at": at}})

    stage.run(store=watched(open_store(stage.archive), before))

    assert asked
    assert stage.standing(A).published_at == at
    assert stage.texts() == (["Text a"] if at is not None else [])


@pytest.mark.parametrize("both", [False, True])
def test_who_follows_counts_from_when_a_resume_sent_its_leader(stage: Stage, both: bool) -> None:
    """Two days after the leader went out, not after it was meant to; also where both were due meanwhile."""
    stage.folder.post("first", "First of two.")
    stage.folder.write("posts/then.md", "---\nafter: first + 2d\nchannels: [mastodon]\n---\nThen the second.\n")
    stage.folder.commit()
    said(stage, "hold", at=NOON - timedelta(hours=1))
    stage.run(until=NOON + timedelta(hours=1))
    new = NOON + timedelta(days=5)
    slots = {"posts/first@mastodon#1": {"was": NOON, "at": new}}
    if both:
        slots["posts/then@mastodon#1"] = {"was": NOON + timedelta(days=2), "at": new}
    said(stage, "resume", late="send", slots=slots)
    stage.run("two", until=NOON + timedelta(days=9))

    assert stage.standing("posts/first@mastodon#1").published_at == new
    assert stage.standing("posts/then@mastodon#1").published_at == new + timedelta(days=2)


def test_what_a_resume_sends_at_once_goes_out_in_the_order_it_was_planned(stage: Stage) -> None:
    stage.folder.post("b", "Part 1", at=NOON)
    stage.folder.post("a", "Part 2", at=NOON + timedelta(minutes=10))
    stage.folder.commit()
    said(stage, "hold")
    end = NOON + timedelta(hours=1)
    said(stage, "resume", late="send", slots={A: {"was": NOON + timedelta(minutes=10), "at": end},
                                              B: {"was": NOON, "at": end}})
    stage.run()

    assert stage.texts() == ["Part 1", "Part 2"]


def test_the_rest_of_a_campaigns_thread_is_held_though_its_file_is_gone(stage: Stage, watched: type[Watched]) -> None:
    stage.folder.write("campaigns/spring/campaign.yaml",
                       "campaign: spring\ntitle: Spring\nowner: wren\nstart: 2027-02-01\nend: 2027-04-01\n")
    file = stage.folder.write("campaigns/spring/posts/a.md", "---\nat: 2027-03-01 12:00\nchannels: [mastodon]\n---\n"
                                                             "Part one\n\n***\n\nPart two\n")
    stage.folder.post("b", "Text b", at=NOON + timedelta(hours=2))
    stage.folder.commit()

    def before(what: str, key: str) -> None:
        if what == "create" and "spring" in key and key.endswith("/000003.json"):     # `sent`: part one is out
            said(stage, "hold", "campaign", "spring")

    stage.run(store=watched(open_store(stage.archive), before), until=NOON + timedelta(minutes=5))
    assert stage.texts() == ["Part one"]

    file.unlink()
    stage.folder.commit()
    stage.run(until=NOON + timedelta(hours=1))
    assert stage.texts() == ["Part one"]


def test_what_was_claimed_when_the_hold_came_waits_and_says_so(stage: Stage, watched: type[Watched]) -> None:
    """It is under way nowhere, for as long as the hold lasts; then it goes out."""
    stage.folder.post("a", "Text a")
    stage.folder.commit()

    def before(what: str, key: str) -> None:
        if what == "create" and "ledger" in key and key.endswith("/000001.json"):
            said(stage, "hold")

    stage.run(store=watched(open_store(stage.archive), before), until=NOON + timedelta(hours=1))
    standing = stage.standing(A)
    assert (standing.state, (standing.reason or "")[:21]) == (State.waiting, "Ilse holds everything")

    said(stage, "resume")
    stage.run(until=NOON + timedelta(hours=1, minutes=1))
    assert stage.texts() == ["Text a"]
