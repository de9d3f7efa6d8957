"""What failed or was missed is tried again only when its post changes (exactly-once, rule R7)."""
from datetime import UTC, datetime, timedelta

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
