"""What holds and resumes together say, and where what was due goes."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.planning.pausing import LEFT_OUT, paused, settle, was_due, why, with_holds
from flows.planning.preparing import Prepared
from schemas.hold import Hold, Moved
from schemas.ledger import Slot

TEN = datetime(2027, 1, 5, 10, 0, tzinfo=UTC)
CHANNELS = ("min_gap: 30m\nquiet_hours: \"21:00-07:30\"\nchannels:\n"
            "  - {id: mastodon, network: mastodon, handle: '@us', max_per_day: 20}\n"
            "  - {id: x, network: x, handle: us, max_per_day: 20}\n")


def record(number: int, kind: str, scope: str = "all", name: str | None = None, at: datetime = TEN,
           **more: Any) -> Hold:
    return Hold(number=number, kind=kind, scope=scope, name=name, by="Ilse", reason="a storm.", at=at, **more)


def slot(name: str, channel: str = "mastodon") -> Slot:
    return Slot(f"posts/{name}", channel)


@pytest.fixture
def morning(prepared: Callable[..., Prepared]) -> Prepared:
    """Four posts at ten, a quarter past, half past and at noon; one of them on x, too."""
    posts = {f"posts/{name}.md": f"---\nat: 2027-01-05 {at}\nchannels: [{channels}]\n---\nText {name}\n"
             for name, at, channels in (("a", "10:00", "mastodon"), ("b", "10:15", "mastodon"),
                                        ("c", "10:30", "mastodon, x"), ("d", "12:00", "mastodon"))}
    return prepared({**posts, "networks/channels.yaml": CHANNELS})


def test_the_last_word_on_each_scope_counts() -> None:
    said = paused([record(3, "resume"), record(1, "hold"), record(2, "hold", "channel", "x"), record(4, "hold")])
    assert [(one.number, one.what) for one in said.holds] == [(2, "the channel x"), (4, "everything")]


def test_who_is_stopped(morning: Prepared) -> None:
    said = paused([record(1, "hold", "channel", "x"), record(2, "hold", "campaign", "spring")])
    assert said.by("x", None) is not None
    assert said.by("mastodon", "spring") is not None
    assert said.by("mastodon", None) is None
    assert said.by("mastodon", "autumn") is None


def test_what_is_said_of_a_hold() -> None:
    assert why(record(1, "hold", "channel", "x"), "Europe/Dublin") == (
        "Ilse holds the channel x since Tue 2027-01-05 10:00 (Europe/Dublin): a storm. "
        "'drumbeat resume --channel x --by NAME' lets it go on")


def test_a_plan_with_a_hold(morning: Prepared) -> None:
    plan = with_holds(morning.plan, paused([record(1, "hold", "channel", "mastodon")]), over={slot("a")})
    assert [item.slot for item in plan.items] == [slot("a"), slot("c", "x")]
    assert {one.slot for one in plan.waiting} == {slot("b"), slot("c"), slot("d")}


def test_what_was_due(morning: Prepared) -> None:
    """From the hold on until now; what was late before the hold by more than its grace is no matter of it."""
    held = record(1, "hold", at=TEN + timedelta(minutes=5))
    said = paused([held])
    due = was_due(morning.plan, said, said.holds, {slot("b")}, now=TEN + timedelta(minutes=60))
    assert [item.slot for item in due] == [slot("a"), slot("c"), slot("c", "x")]
    later = paused([record(1, "hold", at=TEN + timedelta(hours=3))])
    assert was_due(morning.plan, later, later.holds, (), now=TEN + timedelta(hours=4)) == [
        item for item in morning.plan.items if item.slot == slot("d")]


def test_what_another_hold_still_stops_is_not_asked_about(morning: Prepared) -> None:
    said = paused([record(1, "hold"), record(2, "hold", "channel", "x")])
    due = was_due(morning.plan, said, said.holds[:1], (), now=TEN + timedelta(hours=1))
    assert slot("c", "x") not in {item.slot for item in due}


@pytest.mark.parametrize(("late", "at"), [("send", TEN + timedelta(hours=1)), ("skip", None)])
def test_send_and_skip(morning: Prepared, late: Any, at: datetime | None) -> None:
    now = TEN + timedelta(hours=1)
    due = [item for item in morning.plan.items if item.at <= now]
    assert settle(late, due, morning.plan, morning.content, now=now) == {
        item.slot: Moved(was=item.at, at=at) for item in due}


def test_new_times_keep_their_distance_from_each_other_and_from_what_is_planned(morning: Prepared) -> None:
    now = TEN + timedelta(minutes=61, seconds=5)
    due = [item for item in morning.plan.items if item.at <= now]
    made = settle("reschedule", due, morning.plan, morning.content, now=now)
    assert {str(one): moved.at.strftime("%H:%M") if moved.at else None for one, moved in made.items()} == {
        "posts/a@mastodon#1": "11:02", "posts/b@mastodon#1": "12:30",      # noon is taken, and keeps half an hour
        "posts/c@mastodon#1": "13:00", "posts/c@x#1": "11:02"}


def test_new_times_are_not_at_night(morning: Prepared) -> None:
    now = datetime(2027, 1, 5, 20, 45, tzinfo=UTC)
    due = [item for item in morning.plan.items if item.channel.id == "mastodon"]
    made = settle("reschedule", due, morning.plan, morning.content, now=now)
    assert [moved.at for moved in made.values()] == [
        datetime(2027, 1, 5, 20, 45, tzinfo=UTC), datetime(2027, 1, 6, 7, 30, tzinfo=UTC),
        datetime(2027, 1, 6, 8, 0, tzinfo=UTC), datetime(2027, 1, 6, 8, 30, tzinfo=UTC)]


def test_a_new_time_leaves_alone_what_was_found_for_a_post_that_waits(prepared: Callable[..., Prepared]) -> None:
    """Mended, it goes out at the time that it has."""
    made = prepared({
        "networks/channels.yaml": CHANNELS.replace("handle: '@us'", "handle: '@us', slots: ['tue 11:20']"),
        "posts/a.md": "---\nat: 2027-01-05 10:00\nchannels: [mastodon]\n---\nText a\n",
        "posts/b.md": "---\nhold: not yet\nchannels: [mastodon]\n---\nText b\n"})
    assert [(one.slot, one.found) for one in made.plan.waiting] == [(slot("b"), True)]

    settled = settle("reschedule", list(made.plan.items), made.plan, made.content, now=TEN + timedelta(hours=1))

    assert settled[slot("a")].at == TEN + timedelta(hours=1, minutes=50)


def test_a_plan_after_a_resume(morning: Prepared) -> None:
    new = TEN + timedelta(hours=5)
    said = paused([record(1, "hold"), record(2, "resume", late="reschedule", slots={
        str(slot("a")): Moved(was=TEN, at=new), str(slot("b")): Moved(was=TEN + timedelta(minutes=15), at=None),
        str(slot("d")): Moved(was=TEN, at=new)})])                # d: its time in the plan is another by now
    plan = with_holds(morning.plan, said)
    at = {item.slot: item.at for item in plan.items}
    assert at[slot("a")] == new
    assert at[slot("d")] == TEN + timedelta(hours=2)
    assert [(one.slot, one.why) for one in plan.waiting] == [(slot("b"), LEFT_OUT)]
    assert [item.at for item in plan.items] == sorted(item.at for item in plan.items)


def test_what_is_said_of_a_time_goes_with_that_time(morning: Prepared) -> None:
    """Due at night, moved to the morning: nothing is left of the night; what is true of the post stays."""
    waived = "LAUNCH is not green; a waiver lets it through, by wren"
    night = TEN.replace(hour=3, minute=13)
    items = tuple(item._replace(at=night, note=f"in the quiet hours (21:00-07:30){more}")
                  for item, more in zip(morning.plan.items, ("", f"; {waived}"), strict=False))
    said = paused([record(1, "resume", slots={str(item.slot): Moved(was=night, at=TEN) for item in items})])

    plan = with_holds(morning.plan._replace(items=items), said)

    moved = "moved from Tue 2027-01-05 03:13 (Europe/Dublin) when it was resumed"
    assert {item.note for item in plan.items} == {moved, f"{waived}; {moved}"}


def test_the_calendar_says_of_the_night_what_is_dropped_here(prepared: Callable[..., Prepared]) -> None:
    """A post at 03:13 that is moved to the morning: its row has one reason, and that is the true one."""
    made = prepared({"posts/a.md": "---\nat: 2027-01-05 03:13\nchannels: [mastodon]\n---\nText\n",
                     "networks/channels.yaml": CHANNELS})
    (item,) = made.plan.items
    assert item.note.startswith("in the quiet hours")
    said = paused([record(1, "resume", slots={str(item.slot): Moved(was=item.at, at=TEN)})])
    assert [one.note for one in with_holds(made.plan, said).items] == [
        "moved from Tue 2027-01-05 03:13 (Europe/Dublin) when it was resumed"]


def test_what_is_moved_twice_is_where_it_was_moved_last() -> None:
    first, second = TEN + timedelta(hours=1), TEN + timedelta(hours=2)
    said = paused([record(1, "resume", slots={str(slot("a")): Moved(was=TEN, at=first)}),
                   record(2, "resume", slots={str(slot("a")): Moved(was=first, at=second)})])
    assert said.time(slot("a"), TEN) == second


def test_what_one_hold_after_another_stopped_is_asked_about(morning: Prepared) -> None:
    """Due under the first, which ended while the second was in force: it was never free to go, and is not missed."""
    said = paused([record(1, "hold", at=TEN - timedelta(hours=1)),
                   record(2, "hold", "channel", "x", at=TEN + timedelta(hours=4)),
                   record(3, "resume", at=TEN + timedelta(hours=5))])
    now = TEN + timedelta(hours=6)
    assert [item.slot for item in was_due(morning.plan, said, said.holds, (), now=now)] == [slot("c", "x")]
    apart = paused([record(1, "hold", at=TEN - timedelta(hours=1)), record(2, "resume", at=TEN - timedelta(minutes=5)),
                    record(3, "hold", "channel", "x", at=TEN + timedelta(hours=4))])
    assert was_due(morning.plan, apart, apart.holds, (), now=now) == []


@pytest.mark.parametrize("late", ["send", "reschedule"])
def test_of_the_runs_of_a_post_only_the_last_goes_out(prepared: Callable[..., Prepared], late: Any) -> None:
    """Four weeks were held: nobody wants to read it four times in an hour."""
    weekly = ("---\nevery: 1w on tuesday at 10:00\nfrom: 2027-01-05\nruns: 5\nchannels: [mastodon]\n---\n"
              "Open.\n\n## or\n\nCome.\n")
    made = prepared({"posts/w.md": weekly, "networks/channels.yaml": CHANNELS})
    now = TEN + timedelta(days=21, hours=1)
    due = [item for item in made.plan.items if item.at <= now]
    assert len(due) == 4
    settled = settle(late, due, made.plan, made.content, now=now)
    assert [moved.at for moved in settled.values()] == [None, None, None, now]


@pytest.mark.parametrize(("late", "hours"), [("send", 2), ("reschedule", 2)])
def test_what_its_not_after_forbids_is_left_out(prepared: Callable[..., Prepared], late: Any, hours: int) -> None:
    posts = {f"posts/{name}.md": f"---\nat: 2027-01-05 10:00\nnot_after: 2027-01-05 {latest}\nchannels: [mastodon]\n"
                                 f"---\nText {name}\n" for name, latest in (("a", "11:00"), ("b", "18:00"))}
    made = prepared({**posts, "networks/channels.yaml": CHANNELS})
    now = TEN + timedelta(hours=hours)
    settled = settle(late, list(made.plan.items), made.plan, made.content, now=now)
    assert {str(one): moved.at for one, moved in settled.items()} == {
        "posts/a@mastodon#1": None, "posts/b@mastodon#1": now}
