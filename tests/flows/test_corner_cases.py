"""Rare roads that once led to a second post, a lost slot or a false word; each stays closed."""
import threading
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

import publishers
from flows.edges.store import Unanswered, open_store
from publishers.base import Connection, Publisher
from schemas.channel import Channel
from schemas.errors import SettingsError, Unauthorized, Unavailable
from schemas.ledger import State

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HELLO = "posts/hello@mastodon#1"


def test_a_repeat_that_was_not_sent_leaves_the_first_call_in_doubt(stage):
    """A keyed repeat that the network puts off past the key's life is looked for again, not sent blindly: the first
    call may have arrived meanwhile."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.script({"fault": "hang up before"}, {"fault": "429", "retry_after": 4000})

    stage.run(until=NOON + 6 * HOUR)

    assert stage.kinds(HELLO) == ["claim", "sending", "unknown", "claim", "sending", "notsent", "released", "claim",
                                  "held"]
    assert stage.posts() == []


def test_a_repeat_with_a_refused_token_is_looked_for_too(stage):
    """The token read anew, the account is looked at again before the next repeat."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.script({"fault": "hang up before"}, {"fault": "401"})

    stage.run(until=NOON + HOUR)

    assert stage.kinds(HELLO) == ["claim", "sending", "unknown", "claim", "sending", "notsent", "claim", "sending",
                                  "published"]
    assert stage.texts() == ["Hello!"]


def test_two_channels_are_never_one_account(stage):
    """Each could take the other's post for its own: the second is refused before anything is sent."""
    stage.folder.write("networks/channels.yaml", "channels:\n  - {id: x, network: x, handle: mill}\n"
                       "  - {id: x-two, network: x, handle: mill}\n")
    stage.folder.post("hello", "Hello!", channels="x, x-two")
    stage.folder.commit()

    told = stage.run(until=NOON + HOUR)

    assert stage.texts() == ["Hello!"]
    (kept,) = (one.row for one in told if one.unable)
    assert (kept.slot, kept.reason[:83]) == (
        "posts/hello@x-two#1", "x-two opens account 649075526244976203 of x, which is channel x (mill) in this arch")


def test_an_account_that_nobody_names_is_not_posted_to(stage):
    """Credentials that may post and not say whose they are prove nothing: nothing is sent with them."""
    stage.folder.post("first", "First!", at=NOON - HOUR)
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.run("one", until=NOON - HOUR)
    network = publishers.load("mastodon")

    class Mute(network):
        def account_id(self):
            raise Unauthorized("403: This action is outside the authorized scopes")

    token = {field: SecretStr("rehearsal:@other") for field in network.needs}
    told = stage.run("two", connect=lambda _: Mute(Connection("@mill", token, stage.networks.address("mastodon"))))

    assert stage.texts() == ["First!"]
    assert [one.row.state for one in told] == [State.waiting, State.missed]
    assert told[0].row.reason.startswith("the network does not say whose account this is: 403")


def test_a_network_that_names_no_account_is_asked_ever_less(stage):
    """While nobody can say whose account it is, each slot is told once, and tried less and less."""
    for number in range(3):
        stage.folder.post(f"hello-{number}", f"Hello {number}!", channels="x", at=NOON + timedelta(minutes=number))
    stage.folder.commit()
    network, asked = publishers.load("x"), []

    class Away(network):
        def account_id(self):
            asked.append(None)
            raise Unavailable("x was not reached")

    token = {field: SecretStr("rehearsal:mill") for field in network.needs}
    told = stage.run(connect=lambda _: Away(Connection("mill", token, stage.networks.address("x"))))

    assert [one.row.state for one in told].count(State.waiting) == 3
    assert (len(told), len(asked) < 60, stage.posts()) == (6, True, [])


def test_another_grace_brings_nothing_old_back(stage):
    """A thread that failed half-way stays as it is when only a channel's grace changes."""
    stage.folder.post("hello", "One.\n\n***\n\nTwo.", channels="x")
    stage.folder.commit()
    stage.script({"fault": "401", "times": 40, "after": 1})
    stage.run(until=NOON + 5 * HOUR)
    assert stage.standing("posts/hello@x#1").state is State.failed
    stage.script()
    stage.folder.write("networks/channels.yaml",
                       "stagger: 1m\nchannels:\n  - {id: x, network: x, handle: mill, grace: 3h}\n")
    stage.folder.commit()

    stage.run("two", until=NOON + 48 * HOUR)

    assert (stage.texts(), stage.standing("posts/hello@x#1").state) == (["One."], State.failed)


def test_a_file_that_cannot_be_read_is_no_withdrawal(stage):
    """A slip in the front matter of a post with an id of its own does not end its slot, and it goes out when mended."""
    stage.folder.post("hello", "Hello!", more="id: greeting\n")
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 3000})
    stage.run(until=NOON + timedelta(minutes=10))
    stage.folder.write("posts/hello.md", "---\nat: [2027\nid: greeting\n---\nHello!\n")
    stage.folder.commit()
    stage.run("two", until=NOON + timedelta(minutes=20))
    stage.folder.post("hello", "Hello!", more="id: greeting\n")
    stage.folder.commit()

    stage.run("three", until=NOON + 2 * HOUR)

    assert stage.texts() == ["Hello!"]


def test_a_post_that_was_taken_out_by_mistake_comes_back(stage):
    """Deleted and put back as it was, within its time, a post goes out."""
    file = stage.folder.post("hello", "Hello!")
    stage.folder.post("other", "Other!", at=NOON + 9 * HOUR)
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 1200})
    stage.run(until=NOON + timedelta(minutes=5))
    file.unlink()
    stage.folder.commit()
    stage.run("two", until=NOON + timedelta(minutes=10))
    assert stage.kinds(HELLO)[-1] == "skipped"
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()

    stage.run("three", until=NOON + HOUR)

    assert stage.texts() == ["Hello!"]
    assert stage.is_sound()


def test_a_post_taken_out_before_anything_was_tried_leaves_nothing(stage):
    """Withdrawn while another one of its channel is under way, a slot without a ledger is simply gone."""
    stage.folder.post("a", "A!", channels="x")
    gone = stage.folder.post("b", "B!", channels="x", at=NOON + timedelta(minutes=1))
    stage.folder.commit()

    def withdraw(told):
        if told.row.slot == "posts/a@x#1":
            gone.unlink()
            stage.commit_under_way()

    told = stage.run(tell=withdraw, until=NOON + HOUR)

    assert [one.row.slot for one in told] == ["posts/a@x#1"]
    assert (stage.kinds("posts/b@x#1"), stage.texts()) == ([], ["A!"])


def test_a_lost_answer_without_its_channel_is_said(stage):
    """When the channel is gone nobody can look: the slot is told as waiting for a person, with what to do."""
    stage.folder.post("hello", "Hello!", channels="x")
    stage.folder.commit()
    stage.script({"fault": "hang up before"})
    stage.run(until=NOON)
    (stage.folder.path / "posts/hello.md").unlink()
    stage.folder.write("networks/channels.yaml", "channels: [{id: mastodon, network: mastodon}]\n")
    stage.folder.commit()

    (told,) = stage.run("two", until=NOON + HOUR)

    assert (told.row.state, told.row.reason) == (
        State.held, "its channel x is gone from networks/channels.yaml, so nobody can look or go on")
    assert "drumbeat resolve posts/hello@x#1" in told.row.next


def test_the_right_credentials_are_taken_up_at_once(stage):
    """After a wrong account was refused, the channel is opened anew at the next try."""
    stage.folder.post("first", "First!", at=NOON - HOUR)
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.run("one", until=NOON - HOUR)
    right, opened = stage.opened(), []
    network = publishers.load("mastodon")
    token = {field: SecretStr("rehearsal:@other") for field in network.needs}

    def connect(channel):
        opened.append(channel.id)
        wrong = network(Connection("@mill", token, stage.networks.address("mastodon")))
        return wrong if len(opened) == 1 else right(channel)

    stage.run("two", connect=connect)

    assert (stage.texts(), len(opened)) == (["First!", "Hello!"], 2)


def test_a_sending_record_of_which_nobody_knows_is_written_again(live, just_now, watched):
    """The archive stored it and its answer was lost: the same record is offered again, and the call is made once."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    store, lost = open_store(live.archive), threading.Event()
    create = store.create

    def lose_an_answer(key: str, body: bytes) -> bool:
        made = create(key, body)
        if key.endswith("/000002.json") and not lost.is_set():
            lost.set()
            raise Unanswered("the bucket did not answer", remedy="wait")
        return made

    store.create = lose_an_answer
    live.run(until=datetime.now(UTC), store=store)

    assert (lost.is_set(), live.kinds(HELLO), live.texts()) == (True, ["claim", "sending", "published"], ["Hello!"])


def test_a_credential_that_is_put_right_counts_at_once(stage):
    """Who connects an account anew after it was refused need not wait for the next plan, nor for the next shift."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    network = publishers.load("mastodon")
    token = {field: SecretStr("rehearsal:@mill") for field in network.needs}
    opened = []

    class Mute(network):
        def account_id(self):
            raise Unauthorized("403: This action is outside the authorized scopes")

    def connect(_):
        opened.append(Mute if len(opened) < 2 else network)
        return opened[-1](Connection("@mill", token, stage.networks.address("mastodon")))

    told = stage.run(connect=connect)

    assert [one.row.state for one in told] == [State.waiting, State.published]
    assert (opened, stage.texts()) == ([Mute, Mute, network], ["Hello!"])


def test_what_is_too_late_without_a_credential_is_missed(stage):
    """Nobody has to connect the account for that; the story says what kept it."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()

    def connect(_: Channel) -> Publisher:
        raise SettingsError("mastodon has no credentials.", "Run 'drumbeat connect mastodon'.")

    told = stage.run(connect=connect)

    assert [one.row.state for one in told] == [State.waiting, State.missed]
    assert "no credentials" in (told[-1].row.reason or "")
    assert stage.kinds(HELLO) == ["claim", "skipped"]
    assert stage.is_sound()
