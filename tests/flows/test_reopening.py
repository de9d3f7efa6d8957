"""What failed or was missed is tried again only when its post changes (exactly-once, rule R7)."""
from datetime import UTC, datetime, timedelta

from flows.edges.ledger import Ledger
from flows.edges.store import open_store
from publishers.base import Outgoing
from schemas.ledger import State

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WRONG_LIMIT = "channels: [{id: mastodon, network: mastodon, limits: {text: 1000}}]\n"    # the network takes 500
HELLO = "posts/hello@mastodon#1"


def test_a_missed_post_with_a_new_time_goes_out_once(stage) -> None:
    """A post that nobody sent in time is missed; given a later time, it goes out then, and only once."""
    stage.folder.post("hello", "Hello", at=NOON - 5 * HOUR)
    stage.folder.commit()
    assert [one.row.state for one in stage.run(until=NOON)] == [State.missed]

    stage.folder.post("hello", "Hello", at=NOON + HOUR)
    stage.folder.commit()
    told = stage.run("two")

    assert [one.row.state for one in told] == [State.published]
    assert stage.texts() == ["Hello"]
    assert stage.kinds(HELLO) == ["claim", "skipped", "reopened", "claim", "sending", "published"]
    assert stage.is_sound()


def test_what_is_missed_is_said_once_and_stays_missed(stage) -> None:
    """A second shift over the same plan records nothing and tells nothing."""
    stage.folder.post("hello", "Hello", at=NOON - 5 * HOUR)
    stage.folder.commit()
    stage.run(until=NOON)

    assert stage.run("two") == []
    assert stage.kinds(HELLO) == ["claim", "skipped"]
    assert stage.texts() == []


def test_a_refused_post_is_tried_again_with_another_text(stage) -> None:
    """A post that the network refused goes out when its text has changed, and not before."""
    stage.folder.write("networks/channels.yaml", WRONG_LIMIT)
    stage.folder.post("hello", "long " * 150)
    stage.folder.commit()
    assert [one.row.state for one in stage.run(until=NOON + HOUR)] == [State.failed]
    assert stage.run("two", until=NOON + HOUR) == []

    stage.folder.post("hello", "Hello after all")
    stage.folder.commit()
    told = stage.run("three", until=NOON + HOUR)

    assert [one.row.state for one in told] == [State.published]
    assert stage.texts() == ["Hello after all"]
    assert stage.kinds(HELLO)[-5:] == ["failed", "reopened", "claim", "sending", "published"]


def test_a_running_shift_takes_the_new_time_of_what_it_missed(stage) -> None:
    """The commit that moves a missed post is noticed by the shift that missed it."""
    stage.folder.post("hello", "Hello", at=NOON - 5 * HOUR)
    stage.folder.post("later", "Later", at=NOON + 5 * HOUR)
    stage.folder.commit()

    def move(told) -> None:
        if told.row.state is State.missed:
            stage.folder.post("hello", "Hello", at=NOON + HOUR)
            stage.commit_under_way()

    told = stage.run(tell=move)

    assert [(one.row.slot, one.row.state) for one in told] == [
        (HELLO, State.missed), (HELLO, State.published), ("posts/later@mastodon#1", State.published)]


def test_nothing_reopens_what_is_published(stage) -> None:
    """Another text and another time for a published post change nothing."""
    stage.folder.post("hello", "Hello")
    stage.folder.commit()
    stage.run(until=NOON + HOUR)

    stage.folder.post("hello", "Hello, once more", at=NOON + 2 * HOUR)
    stage.folder.commit()

    assert stage.run("two") == []
    assert stage.texts() == ["Hello"]


def test_a_text_mended_between_two_tries_is_pinned_anew(stage) -> None:
    """What goes out after a refusal to work is the text of the plan in force, and the receipt names that text."""
    post = stage.folder.post("hello", "Old words")
    stage.folder.commit()
    stage.script({"network": "mastodon", "fault": "429", "times": 1, "retry_after": 60})

    def mend(told) -> None:
        if told.row.state is State.waiting and "New words" not in post.read_text():
            stage.folder.post("hello", "New words")
            stage.commit_under_way()

    stage.run(tell=mend)

    assert stage.texts() == ["New words"]
    assert pinned_text(stage) == "New words"


def test_a_text_mended_during_its_call_is_tried_in_the_same_shift(stage) -> None:
    """A commit that arrives while the old text is being refused is not forgotten."""
    stage.folder.write("networks/channels.yaml", WRONG_LIMIT)
    stage.folder.post("hello", "long " * 150)
    stage.folder.commit()
    seen = []

    def connect(channel):
        adapter = stage.opened()(channel)
        publish = adapter.publish

        def and_commit(*words):
            if not seen:
                seen.append(True)
                stage.folder.post("hello", "Short")
                stage.commit_under_way()
            return publish(*words)

        adapter.publish = and_commit
        return adapter

    stage.run(connect=connect)

    assert stage.texts() == ["Short"]


def test_a_publisher_that_is_behind_does_not_bring_back_what_was_replaced(stage, tmp_path) -> None:
    """A failed slot reopens for a later commit, never for one that came before what was pinned."""
    stage.folder.post("hello", "Retracted")
    old = stage.folder.commit()
    stage.folder.write("networks/channels.yaml", WRONG_LIMIT)
    stage.folder.post("hello", "long " * 150)
    stage.folder.commit()
    assert [one.row.state for one in stage.run(until=NOON + HOUR)] == [State.failed]

    stage.folder.git("checkout", "--quiet", old)
    stage.run("behind", until=NOON + HOUR)

    assert stage.texts() == []
    assert stage.kinds(HELLO)[-1] == "failed"


def pinned_text(stage) -> str:
    """The text that the slot's last claim promised."""
    ledger = Ledger(open_store(stage.archive), worker="reader", now=stage.clock.now)
    pin = stage.standing(HELLO).pin
    return Outgoing.model_validate_json(ledger.get_payload(pin.payload)).parts[0].text
