"""People stop what goes out, and let it go on: inside the send step, on every publisher."""
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
                                 "'drumbeat resume --all' lets it go on")
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
