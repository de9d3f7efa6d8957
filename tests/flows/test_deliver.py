"""One slot through every fault: it goes out once, or it is said why not. Real loopback networks, a real archive."""
import hashlib
import io
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

import publishers
from flows.check import check_commit
from flows.edges.ledger import Ledger, worker_id
from flows.edges.media import cleaned
from flows.edges.repository import Repository
from flows.edges.store import open_store
from flows.tell import Told
from publishers.base import Connection
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal
from schemas.errors import StoreError
from schemas.ledger import Kind, Pin, Slot, State

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HELLO = "posts/hello@mastodon#1"


def calls(stage) -> list[tuple[str, int]]:
    return [(post["text"], post["calls"]) for post in stage.posts()]


def with_token(token: str, address: str):
    """Opens channels with `token` for every credential, at `address`."""
    def connect(channel):
        network = publishers.load(channel.network)
        return network(Connection("@mill", {field: SecretStr(token) for field in network.needs},
                                  f"{address}/{channel.network}"))
    return connect


# --- what goes out ----------------------------------------------------------------------------------------------------

def test_a_post_leaves_a_claim_a_sending_and_a_receipt(stage):
    """The ledger of a post that went out at once ends with a receipt that names what the network named."""
    stage.folder.post("hello", "Hello!")
    commit = stage.folder.commit()

    (told,) = stage.run()

    (post,) = stage.posts()
    standing = stage.standing(HELLO)
    assert stage.kinds(HELLO) == ["claim", "sending", "published"]
    assert [(part.id, part.url) for part in standing.parts] == [(post["id"], told.row.url)]
    assert (standing.pin.commit, standing.pin.account, told.row.url[:17]) == (commit, "@mill", "http://127.0.0.1:")
    assert stage.is_sound()


def test_a_thread_with_images_goes_out_in_order(stage, picture):
    """Each part hangs on the one before it; images go with the first, with their alt text."""
    stage.folder.write("media/left.png", picture(1))
    stage.folder.write("media/right.png", picture(2))
    media = 'media:\n  - {file: left.png, alt: "The left half"}\n  - {file: right.png, alt: "The right half"}\n'
    stage.folder.post("hello", "One.\n\n***\n\nTwo.\n\n***\n\nThree.", channels="mastodon, x", more=media)
    stage.folder.commit()

    stage.run()

    for network in ("mastodon", "x"):
        one, two, three = (post for post in stage.posts() if post["network"] == network)
        assert [post["text"] for post in (one, two, three)] == ["One.", "Two.", "Three."]
        assert [post["parent"] for post in (one, two, three)] == [None, one["id"], two["id"]]
        assert [media["alt"] for media in one["media"]] == ["The left half", "The right half"]
        assert (two["media"], three["media"]) == ([], [])
        assert [post["calls"] for post in (one, two, three)] == [1, 1, 1]
    assert stage.kinds(HELLO) == ["claim", "sending", "sent", "sending", "sent", "sending", "published"]
    assert stage.is_sound()


def test_a_first_comment_stands_under_the_post(stage):
    """A first comment is sent after its post, and is the post's child."""
    text = "What do you mend?\n\n## first comment on facebook\nI will begin: a chair."
    stage.folder.post("hello", text, channels="facebook")
    stage.folder.commit()

    stage.run()

    post, comment = stage.posts()
    assert (post["text"], post["parent"], comment["text"], comment["parent"]) == (
        "What do you mend?", None, "I will begin: a chair.", post["id"])


# --- what the network answers -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("channel", ["mastodon", "x", "facebook"])
def test_a_rate_limit_is_waited_for(stage, channel):
    """A network that asks to wait is asked again when it said, and has the post once."""
    stage.folder.post("hello", "Hello!", channels=channel)
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 600})

    told = stage.run()

    (post,) = stage.posts()
    assert [one.row.state for one in told] == [State.waiting, State.published]
    assert (post["text"], post["created_at"][11:16], post["calls"]) == ("Hello!", "12:10", 2)
    assert stage.kinds(f"posts/hello@{channel}#1") == ["claim", "sending", "notsent", "sending", "published"]


def test_a_long_rate_limit_gives_the_slot_back(stage):
    """A wait of more than a quarter of an hour is not held on to: the slot is released, and taken up again then."""
    stage.folder.post("hello", "Hello!")
    stage.folder.post("other", "The other.", at=NOON + timedelta(minutes=5))
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 3000})

    stage.run()

    assert [(post["text"], post["created_at"][11:16]) for post in stage.posts()] == [
        ("The other.", "12:05"), ("Hello!", "13:05")]             # late by then, so it keeps its distance
    assert stage.kinds(HELLO) == ["claim", "sending", "notsent", "released", "claim", "released", "claim", "sending",
                                  "published"]


REFUSED = {"mastodon": "the server answered 401: The access token is invalid",
           "x": "X does not accept the connection's credentials (401): Unauthorized",
           "facebook": "the network does not accept the access token for this (code 190, subcode 463); it has expired, "
                       "was withdrawn, or lacks a permission"}


@pytest.mark.parametrize("channel", REFUSED)
def test_a_refused_credential_fails_in_the_networks_own_words(stage, channel):
    """An expired token ends the slot as failed, with the reason; the token itself is in no record."""
    stage.folder.post("hello", "Hello!", channels=channel)
    stage.folder.commit()

    (told,) = stage.run(connect=with_token("expired", stage.networks.url))

    assert (told.row.state, told.row.reason) == (State.failed, REFUSED[channel])
    assert stage.posts() == []
    assert stage.run("two") == []


DOUBTFUL = ["hang up after effect", "500 after effect", "truncate", "not JSON"]


@pytest.mark.parametrize("channel", ["mastodon", "x", "facebook"])
@pytest.mark.parametrize("fault", DOUBTFUL)
def test_a_lost_answer_is_looked_up(stage, fault, channel):
    """When the post exists and its answer is lost, it is found on the account and gets its receipt, after one call."""
    stage.folder.post("hello", "Hello!", channels=channel)
    stage.folder.commit()
    stage.script({"fault": fault})

    told = stage.run(until=NOON + HOUR)

    (post,) = stage.posts()
    assert [one.row.state for one in told] == [State.unknown, State.published]
    assert calls(stage) == [("Hello!", 1)]
    standing = stage.standing(f"posts/hello@{channel}#1")
    assert ([part.id for part in standing.parts], standing.last.record.detail["how"]) == ([post["id"]], "readback")
    assert stage.kinds(f"posts/hello@{channel}#1") == ["claim", "sending", "unknown", "claim", "published"]
    assert stage.is_sound()


@pytest.mark.parametrize("fault", ["500 before effect", "hang up before"])
def test_a_network_that_knows_our_key_is_asked_again(stage, fault):
    """Mastodon folds equal keys: what the account does not show is sent again with the same key, and is there once."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.script({"fault": fault})

    stage.run(until=NOON + HOUR)

    assert calls(stage) == [("Hello!", 2)]
    assert stage.kinds(HELLO) == ["claim", "sending", "unknown", "claim", "sending", "published"]
    assert stage.is_sound()


@pytest.mark.parametrize("channel", ["x", "facebook"])
@pytest.mark.parametrize("fault", ["500 before effect", "hang up before"])
def test_what_nobody_can_know_is_held(stage, fault, channel):
    """Where a repeat would be a second post, an absent post is a person's to judge: it is held, never sent again."""
    stage.folder.post("hello", "Hello!", channels=channel)
    stage.folder.commit()
    stage.script({"fault": fault})

    told = stage.run(until=NOON + HOUR)
    again = stage.run("two", until=NOON + 3 * HOUR)

    assert [one.row.state for one in told] == [State.unknown, State.held]
    assert ([one.row.state for one in again], stage.posts()) == ([State.held], [])      # said once by each shift
    assert stage.kinds(f"posts/hello@{channel}#1") == ["claim", "sending", "unknown", "claim", "held"]


def test_a_channel_may_ask_for_the_repeat(stage, content_folder):
    """With on_unknown: retry what a complete look did not find is sent again, three times in all at most."""
    stage.folder.write("networks/channels.yaml", "stagger: 1m\nchannels:\n"
                       "  - {id: facebook, network: facebook_page, handle: mill, on_unknown: retry}\n")
    stage.folder.post("hello", "Hello!", channels="facebook")
    stage.folder.post("other", "The other.", channels="facebook", at=NOON + 2 * HOUR)
    stage.folder.commit()
    stage.script({"fault": "hang up before", "times": 1}, {"fault": "429", "times": 1, "retry_after": 60},
                 {"fault": "hang up before", "times": 1})

    stage.run(until=NOON + 6 * HOUR)

    assert calls(stage) == [("The other.", 1)]
    assert stage.kinds("posts/hello@facebook#1") == [
        "claim", "sending", "unknown", "claim", "sending", "notsent", "claim", "sending", "unknown", "claim", "held"]


def test_a_refused_connection_is_tried_again(stage, free_port):
    """A network that cannot be reached has got nothing: the post goes out when it can be, once."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    port = free_port()
    started: list[Rehearsal] = []

    def come_back(told: Told) -> None:
        if told.row.state is State.waiting and not started:
            started.append(Rehearsal([twin(stage.clock.now) for twin in twins().values()], port=port).__enter__())

    told = stage.run(connect=with_token("rehearsal:@mill", f"http://127.0.0.1:{port}"), tell=come_back)

    assert [one.row.state for one in told] == [State.waiting, State.published]
    (post,) = started[0].twin("mastodon").posts
    assert (post.text, post.created_at >= NOON + timedelta(seconds=15)) == ("Hello!", True)
    assert stage.kinds(HELLO) == ["claim", "released", "claim", "sending", "published"]
    started[0].stop()


def test_a_part_refused_in_mid_thread_names_what_is_live(stage):
    """When the second of two parts is refused, the slot has failed and says which part people see."""
    stage.folder.post("hello", "One.\n\n***\n\nTwo.", channels="x")
    stage.folder.post("same", "Two.", channels="x", at=NOON - timedelta(minutes=5))
    stage.folder.commit()

    stage.run(until=NOON + HOUR)

    # X refuses a repeated text and names no post: that is doubt about the second part; the post found is no reply.
    assert stage.texts() == ["Two.", "One."]
    standing = stage.standing("posts/hello@x#1")
    assert (standing.state, len(standing.parts)) == (State.held, 1)


@pytest.mark.parametrize("fault", ["500 before effect", "hang up before", "429", "stall"])
def test_an_upload_may_fail_and_is_made_again(stage, picture, fault):
    """Nobody sees an upload that no post takes, so it is repeated; the post goes out once, with its image."""
    stage.folder.write("media/left.png", picture(1))
    stage.folder.post("hello", "Hello!", more='media: [{file: left.png, alt: "The left half"}]\n')
    stage.folder.commit()
    stage.script({"fault": fault, "network": "mastodon", "match": "POST /api/v2/media", "retry_after": 60})
    network = publishers.load("mastodon")
    credentials = {field: SecretStr("rehearsal:@mill") for field in network.needs}

    stage.run(connect=lambda _: network(Connection("@mill", credentials, stage.networks.address("mastodon"), 5.0, 1.0)))

    (post,) = stage.posts()
    assert (post["calls"], [media["alt"] for media in post["media"]]) == (1, ["The left half"])
    assert stage.standing(HELLO).state is State.published


# --- the plan changes under way ---------------------------------------------------------------------------------------

AT = {"before the claim": ("list", "v1/ledger/posts.hello/mastodon/1/"),
      "while it is claimed": ("create", "v1/ledger/posts.hello/mastodon/1/000001.json")}


@pytest.fixture
def edit_at(stage, heard, watched):
    """Runs a shift in which `edit` is committed, and in force, at the moment that `when` names."""
    def run(when: str, edit) -> list[Told]:
        done = []

        def before(what: str, key: str) -> None:
            if (what, key) == AT[when] and not done:
                done.append(key)
                edit()
                heard.wait_for(f"plan accepted commit={stage.commit_under_way()[:10]}")

        return stage.run(store=watched(open_store(stage.archive), before))
    return run


@pytest.mark.parametrize("when", AT)
def test_an_edit_in_the_last_moment_goes_out(stage, edit_at, when):
    """A slot edited between plan and call goes out with the new text, once."""
    stage.folder.post("hello", "Hello wrld!")
    stage.folder.commit()

    edit_at(when, lambda: stage.folder.post("hello", "Hello world!"))

    assert calls(stage) == [("Hello world!", 1)]
    assert stage.is_sound()


@pytest.mark.parametrize("when", AT)
def test_another_picture_in_the_last_moment_goes_out(stage, edit_at, when, picture):
    """A picture replaced under the same name counts as an edit, though the post's own file is as it was."""
    stage.folder.write("media/left.png", picture(1))
    stage.folder.post("hello", "Hello!", more='media: [{file: left.png, alt: "The left half"}]\n')
    stage.folder.commit()

    edit_at(when, lambda: stage.folder.write("media/left.png", picture(2)))

    (post,) = stage.posts()
    media = open_store(stage.archive).get(f"v1/media/{post['media'][0]['sha256']}")
    assert (media, post["calls"]) == (picture(2), 1)


@pytest.mark.parametrize("when", AT)
def test_a_removal_in_the_last_moment_holds(stage, edit_at, when):
    """A post removed between plan and call is not sent."""
    stage.folder.post("hello", "Hello!")
    stage.folder.post("other", "The other.", at=NOON + HOUR)
    stage.folder.commit()

    edit_at(when, lambda: (stage.folder.path / "posts/hello.md").unlink())

    assert calls(stage) == [("The other.", 1)]


@pytest.mark.parametrize("when", AT)
def test_a_move_in_the_last_moment_holds(stage, edit_at, when):
    """A post moved to later between plan and call goes out then, and not now."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()

    edit_at(when, lambda: stage.folder.post("hello", "Hello!", at=NOON + 3 * HOUR))

    (post,) = stage.posts()
    assert (post["text"], post["created_at"][11:16], post["calls"]) == ("Hello!", "15:00", 1)


# --- what is uploaded -------------------------------------------------------------------------------------------------

SECRET = "ghp_Plant3dPlant3dPlant3dPlant3dPlant3d"
PICTURED = 'media: [{file: bench.jpg, alt: "A bench"}]\n'


def photo(orientation: int = 1, size: tuple[int, int] = (48, 32)) -> bytes:
    """A JPEG as a phone makes it: where and how it was taken, a secret in three places, and a script behind it."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112], exif[0x010E] = orientation, SECRET
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    Image.radial_gradient("L").resize(size).convert("RGB").save(
        file, "JPEG", exif=exif, comment=SECRET, xmp=f"<x:xmpmeta>{SECRET}</x:xmpmeta>".encode())
    return file.getvalue() + b"<script>" + SECRET.encode()


def uploaded(stage) -> list[bytes]:
    """What the networks got, post after post."""
    return [stage.networks.twin(post["network"]).bytes_of(media["sha256"])
            for post in stage.posts() for media in post["media"]]


@pytest.mark.parametrize("channel", ["mastodon", "x", "facebook"])
def test_a_photo_goes_out_without_its_notes(stage, channel):
    """No position, no secret and no tail is uploaded or archived; the pin names what was, Git keeps the original."""
    original = photo()
    file = stage.folder.write("media/bench.jpg", original)
    stage.folder.post("hello", "Hello!", channels=channel, more=PICTURED)
    stage.folder.commit()

    stage.run()

    (sent,) = uploaded(stage)
    (sha256,) = stage.standing(f"posts/hello@{channel}#1").pin.media
    assert (SECRET.encode() in original, SECRET.encode() in sent, b"Exif" in sent, b"<script>" in sent) == (
        True, False, False, False)
    assert open_store(stage.archive).get(f"v1/media/{sha256}") == sent
    assert all(SECRET not in Path(place, name).read_bytes().decode("latin-1")
               for place, _, names in os.walk(stage.archive[4:]) for name in names)
    with Image.open(io.BytesIO(sent)) as one, Image.open(io.BytesIO(original)) as other:
        assert (dict(one.getexif()), one.tobytes()) == ({}, other.tobytes())
    blob = stage.folder.git("rev-parse", "HEAD:content/media/bench.jpg").strip()
    assert (file.read_bytes(), Repository(stage.folder.path).blobs([blob])) == (original, {blob: original})
    assert stage.is_sound()


def test_a_turned_photo_arrives_upright(stage):
    """What viewers turn by a note is turned before it goes out, once for all networks alike."""
    stage.folder.write("media/bench.jpg", photo(6))
    stage.folder.post("hello", "Hello!", channels="mastodon, x, facebook", more=PICTURED)
    stage.folder.commit()

    stage.run()

    sent = uploaded(stage)
    with Image.open(io.BytesIO(sent[0])) as one:
        assert (one.size, dict(one.getexif())) == ((32, 48), {})
    assert (len(sent), len(set(sent))) == (3, 1)


def test_what_was_promised_is_uploaded(stage):
    """A claim's bytes go out, whatever this version would make of the file: they come from the archive."""
    stage.folder.write("media/bench.jpg", photo(6))
    stage.folder.post("hello", "Hello!", more=PICTURED)
    commit = stage.folder.commit()
    before = io.BytesIO()
    Image.new("RGB", (32, 48), "teal").save(before, "JPEG")       # as another version may have turned it
    prepared = check_commit(Repository(stage.folder.path), commit, now=stage.clock.now())
    (item,), message = prepared.plan.items, prepared.messages[Slot.parse(HELLO)]
    (media,) = message.parts[0].media
    ledger = Ledger(open_store(stage.archive), worker="before/1/boot/test", now=stage.clock.now)
    sha256 = ledger.put_media(before.getvalue())
    named = media.model_copy(update={"blob": sha256})
    asked = message.model_copy(update={"parts": (message.parts[0].model_copy(update={"media": (named,)}),)})
    outgoing = publishers.load("mastodon")(Connection("@mill")).compose(asked)
    pin = Pin(commit=commit, blob=item.post.post.blob, media=(sha256,), account="@mill",
              payload=ledger.put_payload(outgoing.canonical()))
    due = {"due": item.at.isoformat(), "grace_s": item.grace_s, "not_after": None}
    claim = ledger.append(item.slot, None, Kind.claim, pin=pin, detail={**due, "media": {media.blob: sha256}})
    ledger.append(item.slot, claim, Kind.released, detail={"reason": "shut down"})

    stage.run()

    pins = [entry.record.pin for entry in ledger.read(item.slot) if entry.record.pin]
    assert uploaded(stage) == [before.getvalue()] != [cleaned(photo(6), "bench.jpg")]
    assert [(one.media, one.payload) for one in pins] == [(pin.media, pin.payload)] * 2
    assert stage.is_sound()


def test_a_second_attempt_uploads_the_same(stage, watched):
    """A slot that is taken up again sends the file that was promised, read from the archive; it is kept there once."""
    stage.folder.write("media/bench.jpg", photo(6))
    stage.folder.post("hello", "Hello!", more=PICTURED)
    stage.folder.commit()
    stage.script({"fault": "429", "network": "mastodon", "match": "POST /api/v2/media", "retry_after": 60})
    asked: list[tuple[str, str]] = []

    stage.run(store=watched(open_store(stage.archive), lambda *request: asked.append(request)))

    (sent,) = uploaded(stage)
    key = f"v1/media/{hashlib.sha256(sent).hexdigest()}"
    assert stage.kinds(HELLO) == ["claim", "released", "claim", "sending", "published"]
    assert [request for request in asked if "v1/media/" in request[1]] == [("create", key), ("get", key)]


def test_an_erased_photo_is_made_anew(stage):
    """What the archive has no more of a failed slot is no promise: when its text changes, its photo is made anew."""
    stage.folder.write("networks/channels.yaml", "channels: [{id: mastodon, network: mastodon, limits: {text: 1000}}]")
    stage.folder.write("media/bench.jpg", photo(6))
    stage.folder.post("hello", "long " * 150, more=PICTURED)
    stage.folder.commit()
    stage.run(until=NOON + HOUR)
    (sha256,) = stage.standing(HELLO).pin.media
    Path(stage.archive[4:], "v1/media", sha256).unlink()

    stage.folder.post("hello", "Hello!", more=PICTURED)
    stage.folder.commit()
    stage.run("two", until=NOON + HOUR)

    assert (stage.standing(HELLO).state, stage.texts()) == (State.published, ["Hello!"])
    assert uploaded(stage) == [open_store(stage.archive).get(f"v1/media/{sha256}")]
    assert stage.is_sound()


def test_a_photo_that_breaks_off_fails_its_post_alone(stage):
    """What cannot be made ready is not sent: the slot fails with the file's name and a way out; others go out."""
    stage.folder.write("media/bench.jpg", photo()[:-300])
    stage.folder.post("hello", "Hello!", more=PICTURED)
    stage.folder.post("other", "The other.", at=NOON + HOUR)
    stage.folder.commit()

    stage.run(until=NOON + HOUR)

    standing = stage.standing(HELLO)
    assert (standing.state, stage.texts()) == (State.failed, ["The other."])
    assert standing.reason.startswith("media/bench.jpg is damaged")
    assert standing.reason.endswith("Save it again.")
    assert standing.pin.media == ()

    stage.folder.write("media/bench.jpg", photo())
    stage.folder.commit()
    stage.run("two", until=NOON + 2 * HOUR)

    assert (len(uploaded(stage)), stage.standing(HELLO).state) == (1, State.published)
    assert stage.is_sound()


# --- somebody dies ----------------------------------------------------------------------------------------------------

KILLED = r"""
import sys, threading
from datetime import UTC, datetime
from pathlib import Path
from flows.cli.telling import hide
from flows.connect import Connector
from flows.edges.clock import RealClock
from flows.edges.ledger import Ledger, worker_id
from flows.edges.media import cleaned
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.send import Shift

home, archive, url, last = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
store, clock, never = open_store(archive), RealClock(), threading.Event()
create = store.create

def stop_after(key, body):
    made = create(key, body)
    if key.endswith(last):
        print("reached", flush=True)
        never.wait()
    return made

store.create = stop_after
ledger = Ledger(store, worker=worker_id(), now=clock.now)
connect = Connector(Settings(home / "content", home), clock, store, url, hide=hide).connect
shift = Shift(Repository(home / "content"), store, ledger, clock, connect=connect, tell=lambda told: None)
shift.run(datetime.now(UTC))
"""


def kill_after(stage, record: str) -> None:
    """A publisher in a process of its own is killed with the record's name written, and nothing after it."""
    words = [sys.executable, "-P", "-c", KILLED, str(stage.home), stage.archive, stage.networks.url, record]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as publisher:
        assert publisher.stdout.readline() == "reached\n"
        os.kill(publisher.pid, signal.SIGKILL)


ENDS = {
    "000001.json": ("claimed", State.published, ["One.", "Two."]),
    "000002.json": ("sending the first part", State.unknown, []),
    "000003.json": ("one part live", State.published, ["One.", "Two."]),
    "000004.json": ("sending the second part", State.unknown, ["One."]),
    "000005.json": ("all live", State.published, ["One.", "Two."]),
}


@pytest.mark.parametrize("record", ENDS)
def test_a_killed_publisher_is_replaced(live, just_now, record):
    """After kill -9 the next shift takes over at once: what is proven goes on, what is in doubt is never sent again."""
    _, state, texts = ENDS[record]
    live.folder.post("hello", "One.\n\n***\n\nTwo.", at=just_now)
    live.folder.commit()
    kill_after(live, f"v1/ledger/posts.hello/mastodon/1/{record}")

    live.run("two", until=datetime.now(UTC))
    live.run("three", until=datetime.now(UTC))

    assert live.standing(HELLO).state is state
    assert calls(live) == [(text, 1) for text in texts]
    assert live.is_sound()


def test_the_rest_of_a_thread_comes_from_what_was_promised(live, just_now):
    """Once a part is live the rest is sent as it was claimed, whatever the file says by now."""
    live.folder.post("hello", "One.\n\n***\n\nTwo.", at=just_now)
    live.folder.commit()
    kill_after(live, "v1/ledger/posts.hello/mastodon/1/000003.json")
    live.folder.post("hello", "Uno.\n\n***\n\nDos.", at=just_now)
    live.folder.commit()

    live.run("two", until=datetime.now(UTC))

    assert calls(live) == [("One.", 1), ("Two.", 1)]
    assert live.is_sound()


def test_the_claim_of_a_living_publisher_is_respected(live, just_now):
    """While its holder may still be at work a slot is left alone."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    words = [sys.executable, "-P", "-c", KILLED, str(live.home), live.archive, live.networks.url, "1/000001.json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as publisher:
        try:
            assert publisher.stdout.readline() == "reached\n"
            told = live.run("two", until=datetime.now(UTC))
        finally:
            publisher.kill()

    assert (told, live.standing(HELLO).state, live.posts()) == ([], State.publishing, [])


def test_an_outcome_the_archive_does_not_take_is_kept_until_it_does(live, just_now, watched):
    """After the call the receipt is offered to the archive until it takes it; the post is not sent again."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    refusals = []

    def refuse(what: str, key: str) -> None:
        if (what, key) == ("create", "v1/ledger/posts.hello/mastodon/1/000003.json") and not refusals:
            refusals.append(key)
            raise StoreError("the bucket is away", remedy="bring it back")

    live.run(until=datetime.now(UTC), store=watched(open_store(live.archive), refuse))

    assert (len(refusals), live.standing(HELLO).state, calls(live)) == (1, State.published, [("Hello!", 1)])


def test_a_publisher_that_was_overtaken_leaves_its_answer_as_evidence(stage, watched):
    """Whoever learns that its slot was taken over during the call writes down what the network said, and stops."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()

    def overtake(what: str, key: str) -> None:
        if (what, key) == ("create", "v1/ledger/posts.hello/mastodon/1/000003.json"):
            standing = stage.standing(HELLO)
            rival = Ledger(open_store(stage.archive), worker=worker_id(), now=stage.clock.now)
            rival.append(standing.slot, standing.last, Kind.claim, pin=standing.pin)

    stage.run(until=NOON, store=watched(open_store(stage.archive), overtake))

    ledger = Ledger(open_store(stage.archive), worker="reader", now=stage.clock.now)
    (evidence,), (post,) = ledger.evidence(stage.standing(HELLO).slot), stage.posts()
    assert (evidence.receipt.id, stage.kinds(HELLO)) == (post["id"], ["claim", "sending", "claim"])


# --- cost -------------------------------------------------------------------------------------------------------------

COSTS = {
    "a post": ("Hello!", 0, (5, 2)),
    "a post with an image": ("Hello!", 1, (6, 2)),
    "a thread of four": ("One.\n\n***\n\nTwo.\n\n***\n\nThree.\n\n***\n\nFour.", 0, (11, 2)),
}


@pytest.mark.parametrize("what", COSTS)
def test_cost_in_store_requests(stage, s3, monkeypatch, picture, what):
    """A published part costs at most five writes and three reads on S3, counted on the wire; an image one write."""
    text, images, expected = COSTS[what]
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    stage.archive = f"s3://{s3.bucket()}/club"
    for number in range(images):
        stage.folder.write(f"media/{number}.png", picture(number))
    media = "".join(f'  - {{file: {number}.png, alt: "Number {number}"}}\n' for number in range(images))
    stage.folder.post("hello", text, more=f"media:\n{media}" if media else "")
    stage.folder.commit()
    before = len(s3.requests)

    stage.run()

    mine = [(method, path) for method, path in s3.requests[before:]
            if any(f"v1/{kind}/" in path or f"v1%2F{kind}%2F" in path for kind in ("ledger", "payload", "media"))
            or (method == "PUT" and "v1/done/" in path)]
    writes = sum(1 for method, _ in mine if method == "PUT")
    assert (writes, len(mine) - writes) == expected
    parts = text.count("***") + 1
    assert writes - images <= 5 * parts
    assert len(mine) - writes <= 3 * parts


def test_the_key_of_a_part_is_on_the_wire(stage):
    """Every try of a part carries the same idempotency key, which its record holds too."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.script({"fault": "429", "retry_after": 60})

    stage.run()

    ledger = Ledger(open_store(stage.archive), worker="reader", now=stage.clock.now)
    keys = {entry.record.key for entry in ledger.read(stage.standing(HELLO).slot) if entry.record.key}
    assert keys == {stage.networks.twin("mastodon").posts[0].extra["key"]}
    assert Path(stage.archive[4:]).is_dir()
