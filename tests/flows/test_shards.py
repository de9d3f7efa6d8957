"""Publishers that share the accounts: each sends its own at once, and another's when that one is gone."""
from datetime import timedelta

import pytest

from flows.edges.ledger import Done, Ledger
from flows.edges.store import open_store
from schemas.ledger import Kind, Slot, State
from schemas.shard import Shard

from .conftest import NOON, Stage


def test_every_channel_is_in_one_share() -> None:
    names = [f"account-{number}" for number in range(1000)]
    shares = [sum(1 for name in names if Shard(number, 3).has(name)) for number in (1, 2, 3)]
    assert sum(shares) == 1000
    assert all(270 < share < 400 for share in shares)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "1/3 "])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="is no share; write 1/3"):
        Shard.parse(text)


def shared(stage: Stage, number: int) -> None:
    """One publisher of two."""
    shift = stage.shift(f"worker{number}")
    shift.shard = Shard(number, 2)
    stage.running = shift
    shift.run(NOON + timedelta(hours=1))


def test_another_publishers_slot_goes_out_a_minute_later(stage: Stage) -> None:
    """Nobody else is there: own accounts at their second, the others a minute late, each once."""
    stage.folder.post("a", "Text", channels="mastodon, x, facebook")
    stage.folder.commit()
    shared(stage, 1)

    late = {}
    for channel in ("mastodon", "x", "facebook"):
        slot = f"posts/a@{channel}#1"
        claim = next(e.record for e in stage.entries(slot) if e.record.kind is Kind.claim)
        went = stage.standing(slot).published_at
        assert went is not None
        late[channel] = (went - type(went).fromisoformat(claim.detail["due"])).total_seconds()
    assert late == {channel: 0.0 if Shard(1, 2).has(channel) else 60.0 for channel in late}
    assert {late[channel] for channel in late} == {0.0, 60.0}
    assert len(stage.posts()) == 3


def test_what_its_own_publisher_wrote_about_is_left_to_it(stage: Stage) -> None:
    """It keeps the slot back for a reason that only it knows: a stand-in waits some minutes, then takes it up."""
    theirs = next(channel for channel in ("mastodon", "x", "facebook") if not Shard(1, 2).has(channel))
    stage.folder.post("a", "Text", channels=theirs)
    commit = stage.folder.commit()
    slot = Slot("posts/a", theirs)
    ledger = Ledger(open_store(stage.archive), worker="other/1/boot/run", now=lambda: NOON)
    payload = ledger.put_payload(b'{"account":"@mill","parts":[{"text":"Text"}]}')
    claim = ledger.append(slot, None, Kind.claim, detail={"due": NOON.isoformat(), "grace_s": 7200.0}, pin={
        "commit": commit, "blob": "b", "payload": payload, "account": "@mill"})  # type: ignore[arg-type]
    ledger.append(slot, claim, Kind.released, detail={"reason": "the flood fuse", "class": "kept-back"})
    shared(stage, 1)

    went = stage.standing(str(slot))
    assert went.state is State.published
    assert went.published_at is not None
    assert went.published_at - NOON >= timedelta(minutes=5)


def test_two_publishers_of_one_archive_send_each_post_once(stage: Stage) -> None:
    for number in range(6):
        stage.folder.post(f"p{number}", f"Text {number}", at=NOON + timedelta(minutes=number),
                          channels="mastodon, x")
    stage.folder.commit()
    shared(stage, 1)
    shared(stage, 2)
    assert sorted((post["network"], post["text"]) for post in stage.posts()) == sorted(
        (network, f"Text {number}") for number in range(6) for network in ("mastodon", "x"))


def test_an_end_of_another_publishers_slot_counts_once(stage: Stage) -> None:
    """What it missed goes out when it gets another time, although the index goes on naming the old end."""
    theirs = next(channel for channel in ("mastodon", "x", "facebook") if not Shard(1, 2).has(channel))
    stage.folder.post("a", "Text", channels=theirs)
    stage.folder.commit()
    shift = stage.shift()
    shift.shard = Shard(1, 2)
    shift._start()
    ended = Done(Slot("posts/a", theirs), State.missed, NOON.date())
    shift._elsewhere = frozenset({ended})
    shift._note()
    assert ended.slot in shift._over

    stage.folder.post("a", "Text", channels=theirs, at=NOON + timedelta(hours=3))
    stage.folder.commit()
    shift._load()
    shift._note()
    assert ended.slot not in shift._over


def test_who_follows_another_publishers_post_counts_from_when_it_went(stage: Stage) -> None:
    stage.folder.post("first", "First", channels="mastodon")
    stage.folder.write("posts/then.md", "---\nafter: first + 1h\nchannels: [x]\n---\nThen\n")
    stage.folder.commit()
    shift = stage.shift()
    shift.shard = next(Shard(number, 2) for number in (1, 2) if not Shard(number, 2).has("mastodon"))
    shift._start()
    stage.script({"fault": "429", "retry_after": 1200})
    stage.run("other", until=NOON + timedelta(minutes=30))
    went = stage.standing("posts/first@mastodon#1").published_at
    assert went is not None
    shift._elsewhere = frozenset(shift.ledger.terminal_slots())
    shift._note()
    shift._load()
    entry = shift.agenda.entries[Slot("posts/then", "x")]
    assert entry.at >= went.replace(second=0, microsecond=0) + timedelta(hours=1)
