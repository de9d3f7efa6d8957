"""The plan in force: followers move with what really happened, repeats and series go out run by run, and a start from a
kept plan sends what a start from nothing sends.
"""
from datetime import UTC, datetime, timedelta

import pytest

from flows.arrange import Agenda
from flows.edges.repository import Repository
from flows.edges.store import open_store
from flows.replan import Planner
from schemas.ledger import Slot, State

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
NIGHT = datetime(2027, 4, 30, 12, tzinfo=UTC)


def due(stage, slot: str) -> datetime:
    """When the plan in force has the slot go out."""
    agenda: Agenda = stage.running.agenda
    return agenda.entries[Slot.parse(slot)].at


def test_a_follower_moves_with_what_it_follows(stage) -> None:
    """The network took no post for 20 minutes; who goes out an hour after it does so an hour after it went."""
    stage.folder.post("first", "First of two.")
    stage.folder.write("posts/then.md", "---\nafter: first + 1h\nchannels: [mastodon]\n---\nThen the second.\n")
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 1200})

    stage.run(until=NOON + timedelta(hours=3))

    first, then = stage.standing("posts/first@mastodon#1"), stage.standing("posts/then@mastodon#1")
    assert first.published_at is not None
    assert first.published_at >= NOON + timedelta(minutes=20)
    assert then.published_at is not None
    assert then.published_at - first.published_at.replace(second=0, microsecond=0) < timedelta(hours=1, minutes=1)
    assert then.published_at - first.published_at > timedelta(minutes=59)


def test_a_new_start_counts_from_what_went_out(stage) -> None:
    """Another shift, another day: the follower's time still counts from when the leader really went out."""
    stage.folder.post("first", "First of two.")
    stage.folder.write("posts/then.md", "---\nafter: first + 2d\nchannels: [mastodon]\n---\nThen the second.\n")
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 1200})
    stage.run(until=NOON + timedelta(hours=3))
    went = stage.standing("posts/first@mastodon#1").published_at
    assert went is not None

    stage.run("two", until=NOON + timedelta(hours=4))

    assert due(stage, "posts/then@mastodon#1") == went.replace(second=0, microsecond=0) + timedelta(days=2)


def test_a_repeat_goes_out_run_by_run(stage) -> None:
    """Each run is a slot of its own, with the next wording; a later start sends none of them again."""
    stage.folder.write("posts/loose.md", "---\nevery: 4w on monday at 13:00\nfrom: 2027-03-01\nruns: 3\n"
                                         "channels: [mastodon]\n---\nA screw is loose.\n\n## or\n\nHinges, again.\n")
    stage.folder.commit()

    stage.run(until=NOON + timedelta(days=30))
    stage.run("two", until=NIGHT)

    assert stage.texts() == ["A screw is loose.", "Hinges, again.", "A screw is loose."]
    assert [stage.standing(f"posts/loose@mastodon#{run}").state for run in ("20270301", "20270329", "20270426")] == [
        State.published] * 3


def test_a_free_slot_is_kept_while_others_come(stage) -> None:
    """A post that was given a slot keeps it when another comes that would sort before it."""
    stage.folder.write("networks/channels.yaml", "channels:\n  - {id: mastodon, network: mastodon, handle: '@mill', "
                                                 "slots: ['tue 09:00', 'thu 09:00']}\n")
    stage.folder.write("posts/b.md", "---\nchannels: [mastodon]\n---\nThe one that was first.\n")
    stage.folder.commit()
    stage.run(until=NOON + timedelta(hours=1))
    stage.folder.write("posts/a.md", "---\nchannels: [mastodon]\n---\nAnother that came later.\n")
    stage.folder.commit()

    stage.run("two", until=NOON + timedelta(days=5))

    assert stage.texts() == ["The one that was first.", "Another that came later."]


@pytest.mark.parametrize("kept", [True, False])
def test_a_start_from_a_kept_plan_is_a_start(stage, tmp_path, kept) -> None:
    """Orders opened from the plan in short are those of the whole, message for message."""
    for n in range(5):
        stage.folder.post(f"p{n}", f"Post number {n}.", at=NOON + timedelta(days=n), channels="mastodon, x")
    commit = stage.folder.commit()
    home = tmp_path / "cache"
    repository, store = Repository(stage.folder.path), open_store(stage.archive)
    if kept:
        planner = Planner(repository, home, store.address)
        planner.take(commit, now=NOON)
        planner.keep()
    agenda = Agenda(Planner(repository, home, store.address), store)

    agenda.take(commit, now=NOON, sent={})
    orders = [agenda.order(slot, now=NOON, sent={}, wants=lambda _: True) for slot in sorted(agenda.entries)]

    whole = Planner(repository, None).take(commit, now=NOON).prepared
    assert {order.slot: (order.item, order.message) for order in orders if order} == {
        item.slot: (item, whole.messages[item.slot]) for item in whole.plan.items}


def test_a_missed_slot_opens_again_when_its_post_moves(stage) -> None:
    """What was missed goes out at the new time that a commit gives it, and only then."""
    stage.folder.post("late", "Better late.", at=NOON - timedelta(days=1))
    stage.folder.commit()
    stage.run(until=NOON + timedelta(hours=1))
    assert stage.standing("posts/late@mastodon#1").state is State.missed

    stage.folder.post("late", "Better late.", at=NOON + timedelta(hours=2))
    stage.folder.commit()
    stage.run("two", until=NOON + timedelta(hours=4))

    assert stage.texts() == ["Better late."]


def test_a_renamed_post_does_not_go_out_again(stage) -> None:
    """Under another name without an id it waits and says which line keeps it; with the line nothing is sent again."""
    stage.folder.write("networks/channels.yaml", "channels:\n  - {id: mastodon, network: mastodon, handle: '@mill', "
                                                 "slots: ['mon 13:00', 'tue 09:00', 'thu 09:00']}\n")
    text = "---\nchannels: [mastodon]\n---\nA blunt chisel is more dangerous than a sharp one. Which is yours?\n"
    stage.folder.write("posts/chisel.md", text)
    stage.folder.commit()
    stage.run(until=NOON + timedelta(hours=2))
    assert len(stage.texts()) == 1
    stage.folder.git("mv", "content/posts/chisel.md", "content/posts/sharp-chisel.md")
    stage.folder.commit()

    told = stage.run("two", until=NOON + timedelta(days=4))

    assert len(stage.texts()) == 1
    assert [one.row.reason for one in told if one.row.slot.startswith("posts/sharp-chisel")] == [
        "it looks like posts/chisel, which is published and has no file any more, and would go out again. Add the line "
        "'id: chisel' to the front matter of content/posts/sharp-chisel.md. Commit; or put the file of posts/chisel "
        "back, if this is another post."]
    stage.folder.write("posts/sharp-chisel.md", text.replace("channels:", "id: chisel\nchannels:"))
    stage.folder.commit()
    assert stage.run("three", until=NOON + timedelta(days=8)) == []
    assert len(stage.texts()) == 1


def test_a_follower_never_goes_before_its_leader(stage) -> None:
    """While the leader cannot go out, whoever follows it waits and says for whom; it never goes alone."""
    stage.folder.post("first", "First of two.")
    stage.folder.write("posts/then.md", "---\nafter: first + 30m\nchannels: [mastodon]\n---\nThen the second.\n")
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 30_000})

    told = stage.run(until=NOON + timedelta(hours=9))

    assert stage.texts() == []
    assert "it waits for posts/first@mastodon#1, which is not out yet" in [one.row.reason for one in told]
