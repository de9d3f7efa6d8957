"""A shift over a real repository, a real archive and rehearsal networks: what goes out, when, and what does not."""
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from flows.edges.clock import ShiftedClock
from flows.edges.holds import Holds
from flows.edges.plans import good_commit
from flows.edges.store import open_store
from flows.send import CALM
from flows.tell import Told
from publishers.base import Publisher
from schemas.channel import Channel
from schemas.errors import ContentError, StoreError, UsageError
from schemas.hold import Hold
from schemas.ledger import Slot, State
from schemas.world import World

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def states(told: list[Told]) -> list[tuple[str, str]]:
    return [(one.row.slot, one.row.state.value) for one in told]


def test_everything_due_goes_out_in_order(stage):
    """Each post of the plan goes out once, by time, at its own minute."""
    for hour, name in enumerate(("breakfast", "lunch", "dinner")):
        stage.folder.post(name, f"It is time for {name}.", at=NOON + hour * HOUR, channels="mastodon, x")
    stage.folder.commit()

    told = stage.run()

    assert states(told) == [(f"posts/{name}@{channel}#1", "published") for name in ("breakfast", "lunch", "dinner")
                            for channel in ("mastodon", "x")]
    assert [(post["network"], post["text"], post["created_at"][:16], post["calls"]) for post in stage.posts()] == [
        (network, f"It is time for {name}.", f"2027-03-01T{12 + hour}:0{minute}", 1)
        for minute, network in enumerate(("mastodon", "x"))
        for hour, name in enumerate(("breakfast", "lunch", "dinner"))]
    assert stage.is_sound()


def test_a_second_shift_has_nothing_to_do(stage):
    """What went out once is not even looked at again."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.run()

    assert stage.run("two") == []
    assert [post["calls"] for post in stage.posts()] == [1]


def test_two_publishers_race(live, just_now):
    """Any number of publishers on one archive: each slot goes out once, by whoever is first."""
    names = [f"post-{number}" for number in range(8)]
    for name in names:
        live.folder.post(name, f"This is {name}.", at=just_now, channels="mastodon, x, facebook")
    live.folder.commit()
    told: list[Told] = []
    start = threading.Barrier(3)

    def run(worker: str) -> None:
        shift = live.shift(worker, tell=told.append)
        start.wait()
        shift.run(datetime.now(UTC))

    publishers = [threading.Thread(target=run, args=(worker,)) for worker in ("one", "two", "three")]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()

    assert sorted((post["network"], post["text"], post["calls"]) for post in live.posts()) == [
        (network, f"This is {name}.", 1) for network in ("facebook_page", "mastodon", "x") for name in names]
    assert {one.row.slot for one in told if one.row.state is State.published} == {
        f"posts/{name}@{channel}#1" for name in names for channel in ("mastodon", "x", "facebook")}
    assert live.is_sound()


def test_an_edit_is_picked_up_by_a_running_shift(stage, heard, watched):
    """A commit made while a shift runs is in force within seconds: other texts, other times, posts added and gone."""
    for hour, name in enumerate(("first", "second", "third", "fourth")):
        stage.folder.post(name, f"The {name}.", at=NOON + hour * HOUR)
    stage.folder.commit()
    edited = []

    def edit(what: str, key: str) -> None:
        if key.startswith("v1/ledger/posts.first/") and not edited:
            edited.append(key)
            stage.folder.post("second", "The second, mended.", at=NOON + HOUR)
            (stage.folder.path / "posts/third.md").unlink()
            stage.folder.post("fourth", "The fourth.", at=NOON + 5 * HOUR)
            stage.folder.post("fifth", "The fifth.", at=NOON + 4 * HOUR)
            heard.wait_for(f"plan accepted commit={stage.folder.commit()[:10]}")

    stage.run(store=watched(open_store(stage.archive), edit))

    assert [(post["text"], post["created_at"][11:16]) for post in stage.posts()] == [
        ("The first.", "12:00"), ("The second, mended.", "13:00"), ("The fifth.", "16:00"), ("The fourth.", "17:00")]


BROKEN = {
    "channels that are no YAML": lambda folder: folder.write("networks/channels.yaml", "channels: [\n"),
    "channels that are no channels": lambda folder: folder.write("networks/channels.yaml", "channels: all of them\n"),
    "the folder gone": lambda folder: [folder.git("rm", "-r", "--quiet", "content"), folder.path.mkdir(exist_ok=True)],
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plan_leaves_the_last_good_one(stage, heard, how):
    """A commit that is no plan is rejected and reported; what was planned before goes out as it was."""
    stage.folder.post("first", "The first.")
    stage.folder.post("second", "The second.", at=NOON + HOUR)
    good = stage.folder.commit()
    shift = stage.shift(tell=lambda told: told.row.slot.startswith("posts/first") and spoil())

    def spoil() -> None:
        BROKEN[how](stage.folder)
        stage.folder.git("commit", "--all", "--allow-empty", "--quiet", "--message", "Spoil it")
        shift.commit_moved.set()
        shift.woken.set()

    shift.run(NOON + 24 * HOUR)

    assert stage.texts() == ["The first.", "The second."]
    assert "stays in force" in heard.wait_for("plan rejected")
    assert good_commit(open_store(stage.archive)) == good


@pytest.mark.parametrize("how", BROKEN)
def test_a_shift_that_begins_at_a_broken_commit_takes_the_last_good_plan(stage, how):
    """The next shift, too, goes on with the last plan that was one."""
    stage.folder.post("first", "The first.")
    stage.folder.post("second", "The second.", at=NOON + HOUR)
    stage.folder.commit()
    stage.run(until=NOON)
    BROKEN[how](stage.folder)
    stage.folder.git("commit", "--all", "--allow-empty", "--quiet", "--message", "Spoil it")

    stage.run("two")

    assert stage.texts() == ["The first.", "The second."]


def test_without_any_good_plan_nothing_is_sent(stage):
    """A first commit that is no plan stops the shift with its file and line."""
    stage.folder.post("first", "The first.")
    stage.folder.write("networks/channels.yaml", "channels: [\n")
    stage.folder.commit()

    with pytest.raises(ContentError, match=r"content/networks/channels\.yaml:\d+:\d+"):
        stage.run()
    assert stage.posts() == []


def test_later_than_grace_is_missed(stage):
    """What nobody could send in time is marked missed, and never sent by itself."""
    stage.folder.post("early", "Good morning.", at=NOON - 4 * HOUR)
    stage.folder.post("short", "Soup is ready.", at=NOON - HOUR - timedelta(minutes=20), more="grace: 15m\n")
    stage.folder.post("late", "Good day.", at=NOON - 2 * HOUR)
    stage.folder.commit()

    told = stage.run()

    assert states(told) == [("posts/early@mastodon#1", "missed"), ("posts/late@mastodon#1", "published"),
                            ("posts/short@mastodon#1", "missed")]
    assert stage.texts() == ["Good day."]
    assert stage.run("two") == []


def test_a_post_that_has_expired_is_skipped(stage):
    """After its `not_after` a post is not sent, however much grace it has."""
    stage.folder.post("tonight", "Tonight at eight!", at=NOON - 2 * HOUR, more="not_after: 2027-03-01 10:30\n")
    stage.folder.commit()

    assert states(stage.run()) == [("posts/tonight@mastodon#1", "skipped")]
    assert stage.posts() == []
    assert "not_after" in stage.standing("posts/tonight@mastodon#1").reason


def test_one_channel_without_credentials_stops_no_other(live, just_now, monkeypatch):
    """A channel that cannot be used is reported by the names of what is missing; the others go out."""
    live.folder.post("hello", "Hello!", at=just_now, channels="mastodon, x, facebook")
    live.folder.commit()
    monkeypatch.setenv("DRUMBEAT_MASTODON_ACCESS_TOKEN", "rehearsal:@mill")
    monkeypatch.setenv("DRUMBEAT_MASTODON_BASE_URL", live.networks.address("mastodon"))
    real = live.opened(real=True)

    told = live.run(until=datetime.now(UTC), connect=real)

    assert [(post["network"], post["text"]) for post in live.posts()] == [("mastodon", "Hello!")]
    assert {one.row.slot: (one.row.state.value, one.unable) for one in told} == {
        "posts/hello@mastodon#1": ("published", False), "posts/hello@x#1": ("waiting", True),
        "posts/hello@facebook#1": ("waiting", True)}
    assert next(one.row.reason for one in told if one.row.slot == "posts/hello@facebook#1") == (
        "facebook has no credentials: DRUMBEAT_FACEBOOK_PAGE_ID, DRUMBEAT_FACEBOOK_PAGE_ACCESS_TOKEN are not set. "
        "Run 'drumbeat connect facebook_page', set them, or try it without any account: add --rehearse.")


def test_credentials_that_arrive_are_used(live, just_now, monkeypatch):
    """A channel whose credentials were missing is tried again with the next commit."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()

    def help_out(told: Told) -> None:
        if told.unable:
            monkeypatch.setenv("DRUMBEAT_MASTODON_ACCESS_TOKEN", "rehearsal:@mill")
            monkeypatch.setenv("DRUMBEAT_MASTODON_BASE_URL", live.networks.address("mastodon"))
            live.folder.post("later", "Later.", at=just_now + 2 * HOUR)
            live.folder.commit()
            shift.commit_moved.set()
            shift.woken.set()
        else:
            shift.stop()

    shift = live.shift(tell=help_out, connect=live.opened(real=True))
    shift.run(datetime.now(UTC) + HOUR)

    assert live.texts() == ["Hello!"]


def test_an_archive_that_refuses_before_the_call_costs_no_post(stage, watched):
    """While the archive takes no record nothing is sent; when it does again, the post goes out, once."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    refusals = []

    def refuse(what: str, key: str) -> None:
        if what == "create" and key.startswith("v1/ledger/") and len(refusals) < 3:
            refusals.append(stage.texts())
            raise StoreError("the bucket is away", remedy="bring it back")

    told = stage.run(store=watched(open_store(stage.archive), refuse))

    assert refusals == [[], [], []]
    assert [(one.row.state.value, one.unable) for one in told] == [("waiting", True), ("published", False)]
    assert told[0].row.reason == "the bucket is away bring it back"
    assert [(post["text"], post["calls"]) for post in stage.posts()] == [("Hello!", 1)]
    assert stage.is_sound()


def test_an_archive_that_refuses_at_the_start_stops_the_shift(stage, tmp_path):
    """Without an archive nothing is looked at, let alone sent."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    (tmp_path / "archive").write_text("in the way")

    with pytest.raises(StoreError):
        stage.run()
    assert stage.posts() == []


def test_one_damaged_ledger_stops_no_other_slot(stage, tmp_path, heard):
    """A ledger that somebody altered stops its own slot only, and the log names the record."""
    for name in ("broken", "whole"):
        stage.folder.post(name, f"I am {name}.", at=NOON if name == "broken" else NOON + HOUR)
    stage.folder.commit()
    record = tmp_path / "archive/v1/ledger/posts.broken/mastodon/1/000001.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")

    told = stage.run(until=NOON + 2 * HOUR)

    assert stage.texts() == ["I am whole."]
    assert ("posts/whole@mastodon#1", "published") in states(told)
    assert {one.row.state.value for one in told if one.row.slot == "posts/broken@mastodon#1"} == {"waiting"}
    assert "v1/ledger/posts.broken/mastodon/1/000001.json" in heard.wait_for("slot cannot go on")


def test_only_one_slot(stage):
    """A shift asked for one slot sends that one and leaves the rest alone."""
    for name in ("one", "two"):
        stage.folder.post(name, f"Number {name}.")
    stage.folder.commit()

    told = stage.run(only=Slot("posts/two", "mastodon"))

    assert states(told) == [("posts/two@mastodon#1", "published")]
    assert stage.texts() == ["Number two."]


def test_a_slot_that_is_in_no_plan_is_refused(stage):
    """Whoever names a slot sends what the plan says, and nothing else: a foreign key is refused."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()

    with pytest.raises(UsageError, match=r"posts/goodbye@mastodon#1 is not in the plan"):
        stage.run(only=Slot("posts/goodbye", "mastodon"))
    assert stage.posts() == []


def test_a_slot_that_waits_says_why(stage):
    """A slot with a time and an error is told with its place, and is not sent."""
    stage.folder.post("hello", "Hello!", more="media: [gone.png]\n")
    stage.folder.commit()

    (told,) = stage.run(only=Slot("posts/hello", "mastodon"))

    assert (told.row.state, told.row.reason.split(" ")[0]) == (State.waiting, "content/posts/hello.md:4:9:")
    assert stage.posts() == []


def test_a_shift_that_only_looks_sends_nothing(stage):
    """Asked to settle and not to send, a shift finds the lost post, and leaves alone what is due and what is absent."""
    stage.folder.post("found", "It arrived.", channels="x")
    stage.folder.post("lost", "It did not.", channels="mastodon")
    stage.folder.post("due", "Due meanwhile.", at=NOON + timedelta(minutes=5))
    stage.folder.commit()
    stage.script({"fault": "hang up after effect", "network": "x"}, {"fault": "hang up before", "network": "mastodon"})
    stage.run(until=NOON)

    shift = stage.shift(tell=(told := []).append)
    shift.settle_only = shift.courier.settle_only = True
    shift.run(NOON + HOUR)

    assert [(post["text"], post["calls"]) for post in stage.posts()] == [("It arrived.", 1)]
    assert stage.kinds("posts/found@x#1")[-1] == "published"
    assert stage.kinds("posts/lost@mastodon#1")[-2:] == ["unknown", "claim"]
    assert stage.kinds("posts/due@mastodon#1") == []
    assert ("posts/found@x#1", "published") in states(told)


def test_a_clock_that_is_wrong_sends_nothing(live, just_now, tmp_path, monkeypatch):
    """A computer whose clock differs from the archive's by more than half a minute refuses to publish."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    shift = live.shift()
    shift.clock = Slow()

    with pytest.raises(Exception, match="differ by more than 30 s"):
        shift.run(datetime.now(UTC))
    assert httpx.get(f"{live.networks.url}/_rehearsal/posts").json() == []


class Slow:
    """A wall clock that is a minute behind."""

    pretend = False

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(minutes=1)

    def wait_until(self, moment: datetime, woken: threading.Event) -> bool:
        return True


class _Another(ShiftedClock):
    """Another time, that real networks would work by."""

    pretend = False

    def jump(self, time: timedelta) -> None:
        self._ahead += time


def test_an_account_is_opened_before_its_post_is_due(live, monkeypatch):
    """Imports, credentials and the question whose account it is are over when the minute comes; nothing is asked twice.
    """
    monkeypatch.setattr("flows.send.SKEW_S", 1e12)
    live.clock = _Another(NOON - CALM - timedelta(seconds=1))
    live.folder.post("hello", "Hello!")
    live.folder.commit()
    opened: list[datetime] = []
    asked: list[datetime] = []
    connect = live.opened()

    def watched(channel: Channel) -> Publisher:
        opened.append(live.clock.now())
        publisher = connect(channel)
        ask = publisher.account_id
        monkeypatch.setattr(publisher, "account_id", lambda: asked.append(live.clock.now()) or ask())
        return publisher

    told = live.run(connect=watched, until=NOON + timedelta(seconds=1))

    assert states(told) == [("posts/hello@mastodon#1", "published")]
    assert [moment < NOON - timedelta(seconds=1) for moment in (*opened, *asked)] == [True, True]


def test_an_account_that_takes_long_to_open_holds_up_no_other(live, just_now):
    """A credential that is renewed while the network hangs: the posts of other accounts go out meanwhile."""
    live.folder.post("hello", "Hello!", at=just_now, channels="mastodon, x")
    live.folder.commit()
    connect, out = live.opened(), threading.Event()
    told: list[Told] = []

    def slowly(channel: Channel) -> Publisher:
        assert channel.id != "mastodon" or out.wait(30.0)
        return connect(channel)

    def hear(one: Told) -> None:
        told.append(one)
        out.set()

    live.run(connect=slowly, tell=hear, until=datetime.now(UTC))

    assert states(told) == [("posts/hello@x#1", "published"), ("posts/hello@mastodon#1", "published")]


def watching(live, calls: list[tuple[str, bool]], then: Callable[[], object] = lambda: None,
             ) -> Callable[[Channel], Publisher]:
    """Opens channels, and notes which, and whether that was before noon; `then` happens in between."""
    connect = live.opened()

    def watched(channel: Channel) -> Publisher:
        calls.append((channel.id, live.clock.now() < NOON))
        then()
        return connect(channel)

    return watched


def test_a_held_account_is_not_opened_ahead(live, monkeypatch):
    """Who stops a channel stops every call to its network, also that which only asks whose account it is (A3)."""
    monkeypatch.setattr("flows.send.SKEW_S", 1e12)
    live.clock = _Another(NOON - CALM - timedelta(seconds=1))
    live.folder.post("hello", "Hello!")
    live.folder.commit()
    store = open_store(live.archive)
    Holds(store).add(Hold(number=0, kind="hold", scope="channel", name="mastodon", by="Ada", at=live.clock.now(),
                          reason="who is that?"))
    calls: list[tuple[str, bool]] = []

    told = live.run(connect=watching(live, calls), until=NOON)

    assert states(told) == [("posts/hello@mastodon#1", "waiting")]
    assert ("mastodon", True) not in calls
    assert list(store.list("v1/account/")) == []


def test_what_the_next_shift_sends_it_opens_itself(live, monkeypatch):
    """A shift does not begin to talk to a network that its last second would have to wait for."""
    monkeypatch.setattr("flows.send.SKEW_S", 1e12)
    live.clock = _Another(NOON - CALM - timedelta(seconds=1))
    live.folder.post("hello", "Hello!")
    live.folder.commit()
    calls: list[tuple[str, bool]] = []

    assert live.run(connect=watching(live, calls), until=NOON - timedelta(seconds=1)) == []
    assert calls == []


def test_a_post_of_the_last_moment_waits_for_its_account(live, monkeypatch):
    """An account that is still being opened when the shift is over: what is due by then goes out all the same."""
    monkeypatch.setattr("flows.send.SKEW_S", 1e12)
    live.clock = _Another(NOON - CALM - timedelta(seconds=1))
    live.folder.post("hello", "Hello!")
    live.folder.commit()
    over = threading.Event()

    def until_over() -> None:
        live.clock.wait_until(NOON + timedelta(milliseconds=200), over)

    told = live.run(connect=watching(live, [], until_over), until=NOON)

    assert states(told) == [("posts/hello@mastodon#1", "published")]


def test_what_is_due_does_not_wait_for_what_is_opened_ahead(live, monkeypatch):
    """Where Git takes long, the rest is left to be opened in its own minute."""
    monkeypatch.setattr("flows.send.SKEW_S", 1e12)
    live.clock = clock = _Another(NOON - timedelta(seconds=30))
    live.folder.post("hello", "Hello!")
    live.folder.post("world", "World!", channels="x")
    live.folder.commit()
    calls: list[tuple[str, bool]] = []
    looks: list[str] = []

    def know(_: object, commit: str, __: bool) -> World:
        looks.append(commit)
        if len(looks) == 2:                                       # the plan was taken, and now its posts are opened
            clock.jump(timedelta(seconds=29))
        return World()

    told = live.run(connect=watching(live, calls), know=know, until=NOON + timedelta(seconds=1))

    assert sorted(states(told)) == [("posts/hello@mastodon#1", "published"), ("posts/world@x#1", "published")]
    assert calls == [("mastodon", True), ("x", False)]
