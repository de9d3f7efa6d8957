"""The failure matrix of the publish protocol, row by row: real shifts, real networks on loopback, real archives.

Where a row says kill, SIGSTOP, disk full or several workers, these are processes. Each test names its row.
"""
import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import boto3
import pytest
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from pydantic import SecretStr
from werkzeug.serving import make_server

import publishers
from flows.check import check, check_commit
from flows.edges._s3 import S3Store
from flows.edges.clock import PretendClock
from flows.edges.ledger import Ledger, verify, worker_id
from flows.edges.repository import Repository
from flows.edges.store import Store, open_store
from flows.planning.deciding import TIMING, Timing
from flows.prove import prove
from flows.send import Shift
from flows.tell import Told
from publishers.base import REQUEST_TIMEOUT_S, Connection
from schemas.errors import SettingsError, StoreError
from schemas.ledger import Kind, Pin, Slot, State

ROWS = [
    "kill -9 before/after every record, before/after wire, after answer",
    "call: timeout before/after effect, reset before/after, 429, 500 before/after, 503, truncated, bad JSON, slow, "
    "late effect",
    "S3: response lost, 409, 412-own, 500-after, 503, hang",
    "S3 unreachable before the call",
    "S3 unreachable after the call",
    "disk full (local)",
    "2–3 workers on one slot; Prefect runs a task twice",
    "worker paused (SIGSTOP) past its lease inside `sending`",
    "wall clock ±2 h, DST gap and fold",
    "Prefect server down at due time; Git remote down; bad commit at HEAD; force-push",
    "post edited / deleted / moved between plan, claim, sending, published",
    "token expired mid-thread",
    "account points at another native id",
    "ledger object altered, removed or added",
]
PROMISES = "what operators are promised beside"
PROVED: dict[str, list[str]] = {}


def row(name: str) -> Callable[[Any], Any]:
    """Says which row of the matrix a test belongs to."""
    def note(test: Any) -> Any:
        assert name in (*ROWS, PROMISES), name
        PROVED.setdefault(name, []).append(test.__name__)
        return test
    return note


def test_every_row_has_a_test():
    """No row of the matrix is without a test."""
    assert [name for name in ROWS if not PROVED.get(name)] == []


NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE_S = 60.0
NETWORKS = {"mastodon": "mastodon", "x": "x", "facebook": "facebook_page"}
ENDS = (State.published, State.failed, State.skipped, State.missed, State.held)
SHORT = Timing(lease_s=1.0, send_window_s=1.0, request_timeout_s=0.3, quiet_s=0.2)
"""A lost answer is looked up a second and a half after its record."""
HELLO = "posts/hello@mastodon#1"
FENCED = "taken over slot="                 # what a publisher logs that lost the race for the next record


def hello(channel: str) -> str:
    return f"posts/hello@{channel}#1"


def opened(stage, *, token: str | None = None, timeout_s: float = REQUEST_TIMEOUT_S) -> Callable[[Any], Any]:
    """Opens channels at the rehearsal networks; `token` None: the right one."""
    def connect(channel: Any) -> Any:
        network, account = publishers.load(channel.network), channel.handle
        found = {field: SecretStr(account if field.endswith("_id") else token or f"rehearsal:{account}")
                 for field in network.needs}
        return network(Connection(account, found, stage.networks.address(channel.network), request_timeout_s=timeout_s))
    return connect


def run(stage, worker: str = "one", *, until: datetime | None = None, store: Store | None = None, connect: Any = None,
        tell: Callable[[Told], None] = lambda _: None, clock: Any = None, timing: Timing = TIMING,
        **more: Any) -> list[Told]:
    """What a whole shift tells; until a day after noon unless told."""
    told: list[Told] = []
    store, clock = store or open_store(stage.archive), clock or stage.clock
    if "/" not in worker:
        worker = f"{worker}/1/boot/test"
    stage.running = Shift(
        Repository(stage.folder.path), store, Ledger(store, worker=worker, now=clock.now), clock, timing=timing,
        connect=connect or stage.opened(clock),
        tell=lambda one: (told.append(one), tell(one))[0], **more)
    stage.running.run(until or NOON + timedelta(days=1))
    return told


def settle(live, *slots: str, worker: str = "two", **more: Any) -> list[Told]:
    """A shift by the real clock that ends once each slot has an end, or waits for a person."""
    waiting = {slot for slot in slots if live.standing(slot).state not in ENDS}

    def tell(one: Told) -> None:
        if one.row.state in ENDS:
            waiting.discard(one.row.slot)
        if not waiting:
            live.running.stop()

    told = run(live, worker, tell=tell, timing=more.pop("timing", SHORT),
               until=datetime.now(UTC) + timedelta(seconds=PATIENCE_S if waiting else 0), **more)
    assert not waiting, (waiting, told)
    return told


def soon(what: Callable[[], Any]) -> Any:
    """What `what` gives once it is true; what it looks at is in another thread or process and tells nobody."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)
    return found


def calls(stage) -> list[tuple[str, int]]:
    return [(post["text"], post["calls"]) for post in stage.posts()]


def receipts_are_true(stage, *slots: str) -> bool:
    """Every id that a ledger names is a post of its network, and no post is there twice."""
    there = {(post["network"], post["id"]) for post in stage.posts()}
    named = [(NETWORKS[slot.partition("@")[2].partition("#")[0]], part.id)
             for slot in slots for part in stage.standing(slot).parts]
    said = Counter((post["network"], post["text"]) for post in stage.posts())
    return set(named) <= there and len(set(named)) == len(named) and set(said.values()) <= {1}


def how(stage, slot: str) -> str | None:
    """How it became known that the last part is live."""
    return stage.standing(slot).last.record.detail.get("how")


# --- kill -9 ----------------------------------------------------------------------------------------------------------

DEATHS = {      # where the publisher dies: what is there, and what is not, when the network honours no key
    "before create 1/000001.json": State.published,
    "after create 1/000001.json": State.published,
    "before create 1/000002.json": State.published,
    "after create 1/000002.json": State.held,
    "before the wire": State.held,
    "during the call": State.published,
    "after the answer": State.published,
    "before create 1/000003.json": State.published,
    "after create 1/000003.json": State.published,
    "after create v1/done": State.published,
}


@row(ROWS[0])
@pytest.mark.parametrize("channel", ["x", "mastodon"])
def test_killed_anywhere(live, just_now, forge, channel):
    """Killed before or after any record or the call, a slot ends published, or held where nobody can know; once."""
    slots = {f"posts/{name.replace(' ', '-').replace('.', '-').replace('/', '-')}@{channel}#1": name
             for name in DEATHS}
    for slot, name in slots.items():
        live.folder.post(slot.split("/", 1)[1].split("@")[0], f"Died {name}", at=just_now, channels=channel)
    live.folder.commit()
    for slot, name in slots.items():
        if name == "during the call":
            live.script({"fault": "stall after effect"})
        worker = forge.work(live, slot=slot, points={name: "die"})
        if name == "during the call":
            soon(lambda: "Died during the call" in live.texts())
            worker.send(signal.SIGKILL)
        else:
            worker.wait_for(f"at {name}")
        worker.wait_until_gone()

    settle(live, *slots)
    again = run(live, "three", until=datetime.now(UTC), timing=SHORT)

    keyed = channel == "mastodon"
    ends = {name: State.published if keyed else end for name, end in DEATHS.items()}
    assert {name: live.standing(slot).state for slot, name in slots.items()} == ends
    assert sorted(live.texts()) == sorted(f"Died {name}" for name, end in ends.items() if end is State.published)
    assert {one.row.state for one in again} <= {State.held}
    assert receipts_are_true(live, *slots)
    assert live.is_sound()


# --- the call ---------------------------------------------------------------------------------------------------------

LOST = ["stall after effect", "hang up after effect", "500 after effect", "truncate", "not JSON"]
NOTHING = ["stall", "hang up before", "500 before effect", "503"]
ANSWERED = {"429": 2, "slow": 1}


def three_channels(stage, fault: str, **more: Any) -> Callable[[Any], Any]:
    """The same post on all three networks, each of which has the fault once. How to open them."""
    stage.folder.post("hello", "Hello!", channels="mastodon, x, facebook")
    stage.folder.commit()
    stage.script(*({"fault": fault, "network": network, **more} for network in NETWORKS.values()))
    return opened(stage, timeout_s=1.0 if fault.startswith("stall") else REQUEST_TIMEOUT_S)


@row(ROWS[1])
@pytest.mark.parametrize("fault", LOST)
def test_lost_answer_is_found_by_a_look(stage, fault):
    """The call had its effect and its answer was lost: found on the account, one call, on every network."""
    connect = three_channels(stage, fault)

    run(stage, connect=connect)

    assert [(stage.standing(slot).state, how(stage, slot)) for slot in map(hello, NETWORKS)] == [
        (State.published, "readback")] * 3
    assert calls(stage) == [("Hello!", 1)] * 3
    assert receipts_are_true(stage, *map(hello, NETWORKS))
    assert stage.is_sound()


@row(ROWS[1])
@pytest.mark.parametrize("fault", NOTHING)
def test_lost_request_is_repeated_only_with_a_key(stage, fault):
    """The call came to nothing and nobody said so: Mastodon gets the same key again, the others wait for a person."""
    connect = three_channels(stage, fault)

    run(stage, connect=connect)
    run(stage, "two", until=NOON + timedelta(days=2), connect=connect)

    assert {channel: stage.standing(hello(channel)).state for channel in NETWORKS} == {
        "mastodon": State.published, "x": State.held, "facebook": State.held}
    assert [(post["network"], post["calls"]) for post in stage.posts()] == [("mastodon", 2)]
    keys = [entry.record.key for entry in Ledger(open_store(stage.archive), worker="reader", now=stage.clock.now)
            .read(Slot.parse(HELLO)) if entry.record.kind is Kind.sending]
    assert keys == [stage.networks.twin("mastodon").posts[0].extra["key"]] * 2
    assert stage.is_sound()


@row(ROWS[1])
@pytest.mark.parametrize("fault", ANSWERED)
def test_whole_answer_is_taken_at_its_word(stage, fault):
    """A refusal before any work is waited for and repeated; an answer that comes slowly is an answer."""
    connect = three_channels(stage, fault, **({"retry_after": 60} if fault == "429" else {"seconds": 0.3}))

    run(stage, connect=connect)

    assert [(stage.standing(slot).state, how(stage, slot)) for slot in map(hello, NETWORKS)] == [
        (State.published, "answer")] * 3
    assert calls(stage) == [("Hello!", ANSWERED[fault])] * 3
    assert stage.is_sound()


@row(ROWS[1])
def test_effect_that_comes_late_is_waited_for(live, just_now):
    """A call that takes effect after its connection broke, and before a look, is found: one call on every network."""
    live.folder.post("hello", "Hello!", at=just_now, channels="mastodon, x, facebook")
    live.folder.commit()
    live.script(*({"fault": "late effect", "network": network, "seconds": 0.2} for network in NETWORKS.values()))

    settle(live, *map(hello, NETWORKS), worker="one")

    assert [how(live, slot) for slot in map(hello, NETWORKS)] == ["readback"] * 3
    assert calls(live) == [("Hello!", 1)] * 3


@row(ROWS[1])
def test_effect_that_comes_too_late_is_no_second_post(stage):
    """A call that takes effect even after the look makes no second post: held, found, or folded by its key."""
    connect = three_channels(stage, "late effect", seconds=2)

    run(stage, connect=connect, until=NOON + timedelta(minutes=30))     # Mastodon keeps a key for an hour
    soon(lambda: len(stage.posts()) >= 3 and stage.networks.twin("x").posts)
    run(stage, "two", until=NOON + timedelta(minutes=40), connect=connect)

    assert stage.texts() == ["Hello!"] * 3
    assert {stage.standing(slot).state for slot in map(hello, NETWORKS)} <= {State.published, State.held}
    assert stage.standing(HELLO).state is State.published
    assert receipts_are_true(stage, *map(hello, NETWORKS))


# --- the archive on S3 ------------------------------------------------------------------------------------------------

RECORDS = {"claim": "1/000001.json", "sending": "1/000002.json", "published": "1/000003.json"}
S3_FAULTS = ["response lost", "409", "412 for our own", "500 after", "503", "hang"]


def s3_store(stage) -> S3Store:
    """The stage's bucket, with no pauses between tries, and half a second's patience with one that hangs."""
    bucket, _, prefix = stage.archive.removeprefix("s3://").partition("/")
    return S3Store(bucket, prefix, wait=lambda _: None, read_timeout_s=0.5)


@pytest.fixture
def on_s3(bad_s3, monkeypatch) -> Callable[[Any], None]:
    """Gives a stage an archive in a bucket of its own."""
    for name, value in bad_s3.environment().items():
        monkeypatch.setenv(name, value)

    def move(stage: Any) -> None:
        stage.archive = f"s3://{bad_s3.bucket()}/club"
    return move


@row(ROWS[2])
@pytest.mark.parametrize("fault", S3_FAULTS)
def test_s3_record_is_there_once(stage, bad_s3, on_s3, fault):
    """Whatever S3 answers to our own records, each is there once, and nobody takes it for a rival's."""
    on_s3(stage)
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    bad_s3.faults = dict.fromkeys(RECORDS.values(), fault)

    told = run(stage, store=s3_store(stage), until=NOON + HOUR)

    assert bad_s3.faults == {}
    assert ([one.row.state for one in told], calls(stage)) == ([State.published], [("Hello!", 1)])
    assert stage.kinds(HELLO) == list(RECORDS)
    assert stage.is_sound()


@row(ROWS[2])
@pytest.mark.parametrize(("record", "fault"), [*zip([*RECORDS] * 2, ["409", "503"] * 3, strict=True)])
def test_s3_rivals_record_stands(stage, bad_s3, on_s3, watched, record, fault):
    """A rival's record at the same number is never taken for ours, whatever the answer to us was."""
    on_s3(stage)
    stage.folder.post("hello", "Hello!", channels="x")
    stage.folder.commit()
    key, rivals = f"v1/ledger/posts.hello/x/{RECORDS[record]}", s3_store(stage)

    def overtake(what: str, wanted: str) -> None:
        if (what, wanted) == ("create", key):
            slot = Slot.parse(hello("x"))
            ledger = Ledger(rivals, worker="rival/1/boot/test", now=stage.clock.now)
            standing = stage.standing(hello("x"))
            ledger.append(slot, standing.last, Kind.claim, pin=standing.pin or a_pin(stage))
            bad_s3.faults = {RECORDS[record]: fault}

    run(stage, store=watched(s3_store(stage), overtake), until=NOON)

    assert bad_s3.faults == {}
    assert stage.kinds(hello("x")) == [*[*RECORDS][:[*RECORDS].index(record)], "claim"]
    assert len(stage.posts()) == (record == "published")


def a_pin(stage) -> Pin:
    """What a rival would promise of the post as it is."""
    return Pin(commit=stage.folder.git("rev-parse", "HEAD").strip(), blob="b", payload="0" * 64, account="mill")


@row(ROWS[3])
def test_s3_away_before_the_call(stage, bad_s3, on_s3):
    """While the bucket is away nothing is sent and it is said; when it is back, the post goes out, by itself."""
    on_s3(stage)
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    bad_s3.away_from = "1/000001.json"
    sent_meanwhile = []

    def come_back(told: Told) -> None:
        sent_meanwhile.extend(stage.posts() if bad_s3.away else [])
        bad_s3.away = False

    told = run(stage, store=s3_store(stage), tell=come_back, until=NOON + HOUR)

    assert [(one.row.state, one.unable) for one in told] == [(State.waiting, True), (State.published, False)]
    assert told[0].row.reason.startswith(f"{stage.archive} does not ")
    assert (sent_meanwhile, calls(stage)) == ([], [("Hello!", 1)])
    assert stage.is_sound()


@row(ROWS[3])
def test_s3_away_at_the_start(stage, bad_s3, on_s3):
    """A shift that finds no bucket ends with its address and sends nothing; the next one goes on."""
    on_s3(stage)
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    bad_s3.away = True

    with pytest.raises(StoreError, match=f"{stage.archive} does not"):
        run(stage, store=s3_store(stage))
    assert stage.posts() == []

    bad_s3.away = False
    run(stage, store=s3_store(stage))
    assert calls(stage) == [("Hello!", 1)]


@row(ROWS[4])
def test_s3_away_after_the_call(live, just_now, bad_s3, on_s3, heard):
    """What the network answered is offered to the bucket until it takes it; the post is not sent again."""
    on_s3(live)
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    bad_s3.away_from = "1/000003.json"
    back = threading.Thread(target=lambda: (heard.wait_for("the outcome is kept in memory"), bad_s3.come_back()))
    back.start()

    run(live, store=s3_store(live), until=datetime.now(UTC))
    back.join()

    assert (live.standing(HELLO).state, how(live, HELLO)) == (State.published, "answer")
    assert calls(live) == [("Hello!", 1)]
    assert live.is_sound()


@row(ROWS[4])
@pytest.mark.parametrize("channel", ["x"])
def test_s3_away_after_the_call_and_the_publisher_dies(live, just_now, bad_s3, on_s3, forge, channel):
    """An outcome that died with its publisher is found on the account."""
    on_s3(live)
    live.folder.post("hello", "Hello!", at=just_now, channels=channel)
    live.folder.commit()
    bad_s3.away_from = "1/000003.json"
    worker = forge.work(live, slot=hello(channel), points={}, environment=bad_s3.environment())
    worker.wait_for("the outcome is kept in memory")
    worker.send(signal.SIGKILL)
    worker.wait_until_gone()
    bad_s3.come_back()

    settle(live, hello(channel))

    assert (live.standing(hello(channel)).state, how(live, hello(channel))) == (State.published, "readback")
    assert calls(live) == [("Hello!", 1)]
    assert live.is_sound()


# --- the disk ---------------------------------------------------------------------------------------------------------

@row(ROWS[5])
@pytest.mark.parametrize("record", ["1/000001.json", "1/000002.json"])
def test_full_disk_before_the_call(live, just_now, forge, tmp_path, record):
    """A disk that takes 100 bytes more: no torn record, nothing sent, the reason told; with room, it goes out."""
    live.folder.post("hello", "Hello!", at=just_now, channels="x")
    live.folder.commit()
    worker = forge.work(live, slot=hello("x"), points={f"before create {record}": "fill the disk"})
    told = worker.wait_for("told")
    worker.wait_until_gone()

    assert "File too large lift the limit on file size" in told
    assert live.posts() == []
    assert not list((tmp_path / "archive/v1/ledger").glob(f"*/x/{record}"))
    assert live.is_sound()
    assert list((tmp_path / "archive").glob(".tmp-*")) == []
    left = tmp_path / "archive/.tmp-left-by-a-killed-writer"
    left.write_bytes(b"{")
    os.utime(left, (time.time() - 90_000, time.time() - 90_000))

    settle(live, hello("x"))

    assert calls(live) == [("Hello!", 1)]
    assert not left.exists()
    assert live.is_sound()


@row(ROWS[5])
def test_full_disk_after_the_call(live, just_now, forge, tmp_path):
    """A receipt that the disk does not take is no torn record; when its publisher dies of it, the post is found."""
    live.folder.post("hello", "Hello!", at=just_now, channels="x")
    live.folder.commit()
    worker = forge.work(live, slot=hello("x"), points={"before create 1/000003.json": "fill the disk"})
    worker.wait_for("the outcome is kept in memory")
    worker.send(signal.SIGKILL)
    worker.wait_until_gone()
    assert live.kinds(hello("x")) == ["claim", "sending"]

    settle(live, hello("x"))

    assert (live.standing(hello("x")).state, how(live, hello("x"))) == (State.published, "readback")
    assert calls(live) == [("Hello!", 1)]
    assert live.is_sound()


# --- several workers --------------------------------------------------------------------------------------------------

@row(ROWS[6])
def test_three_workers_claim_at_once(live, just_now, forge, gate):
    """Three processes that write the first claim at once: one publishes, the others are fenced and send nothing."""
    live.folder.post("hello", "Hello!", at=just_now, channels="x")
    live.folder.commit()
    workers = [forge.work(live, slot=hello("x"), points={"before create 1/000001.json": "meet"}, gate=gate)
               for _ in range(3)]

    said = all_go(workers, gate)

    assert calls(live) == [("Hello!", 1)]
    assert sum(line.startswith("told") and " published " in line for line in said) >= 1
    assert sum(FENCED in line for line in said) == 2
    assert live.kinds(hello("x")) == ["claim", "sending", "published"]
    assert live.is_sound()


@row(ROWS[6])
def test_take_over_at_the_moment_of_sending(live, just_now, forge, gate):
    """A holder about to write `sending` and two who take over at the same number: one goes on, and sends once."""
    live.folder.post("hello", "Hello!", at=just_now, channels="x")
    live.folder.commit()
    timing, workers = SHORT._replace(lease_s=0.3, send_window_s=PATIENCE_S), []
    for _ in range(3):
        workers.append(forge.work(live, slot=hello("x"), points={"before create 1/000002.json": "meet"}, gate=gate,
                                  timing=timing, stays_s=2.0))
        workers[-1].wait_for("at before create 1/000002.json")

    said = all_go(workers, gate)

    assert calls(live) == [("Hello!", 1)]
    assert sum(FENCED in line for line in said) >= 2
    assert live.kinds(hello("x"))[-2:] == ["sending", "published"]
    assert live.kinds(hello("x")).count("sending") == 1
    assert live.is_sound()


@pytest.fixture
def gate(tmp_path) -> Path:
    """A pipe that nobody has opened for writing."""
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def all_go(workers: list[Any], gate: Path) -> list[str]:
    """Lets all go on at once that wait at the gate, and waits for their end. What they said."""
    for worker in workers:
        worker.wait_for("at before create")
    with gate.open("w"):
        for worker in workers:
            worker.wait_until_gone()
    return [line for worker in workers for line in worker.lines]


@row(ROWS[6])
def test_two_publish_commands_at_once(live, just_now, drumbeat_at_once):
    """A task that Prefect runs twice is two `drumbeat publish`: between them they publish each slot once."""
    names = [f"post-{number}" for number in range(4)]
    for name in names:
        live.folder.post(name, f"This is {name}.", at=just_now, channels="mastodon, x")
    live.folder.commit()

    ended = drumbeat_at_once(live, ("publish", "--once", "--json"), ("publish", "--once", "--json"))

    assert sorted(calls(live)) == sorted([(f"This is {name}.", 1) for name in names] * 2)
    assert {code for code, _ in ended} <= {0}
    told = [one["slot"] for _, out in ended for one in json.loads(out)["outcomes"] if one["state"] == "published"]
    assert set(told) == {f"posts/{name}@{channel}#1" for name in names for channel in ("mastodon", "x")}


# --- a worker that sleeps ---------------------------------------------------------------------------------------------

@row(ROWS[7])
@pytest.mark.parametrize("channel", NETWORKS)
def test_stopped_between_the_record_and_the_wire(live, just_now, forge, channel):
    """Stopped before the first byte and woken after the take-over: no second post, and its answer settles the slot."""
    live.folder.post("hello", "Hello!", at=just_now, channels=channel)
    live.folder.commit()
    worker = forge.work(live, slot=hello(channel), points={"before the wire": "stop"}, stays_s=0.0)
    worker.wait_for("at before the wire")

    settle(live, hello(channel))
    keyed = channel == "mastodon"
    assert live.standing(hello(channel)).state is (State.published if keyed else State.held)
    worker.send(signal.SIGCONT)
    worker.wait_until_gone()

    assert len(live.posts()) == 1                                 # Mastodon folds the two calls by their key
    ledger = Ledger(open_store(live.archive), worker="reader", now=live.clock.now)
    assert [one.receipt.id for one in ledger.evidence(Slot.parse(hello(channel)))] == [live.posts()[0]["id"]]
    run(live, "three", until=datetime.now(UTC), timing=SHORT)
    assert live.standing(hello(channel)).state is State.published
    assert live.kinds(hello(channel))[-2:] == (["sending", "published"] if keyed else ["resolved", "published"])
    assert receipts_are_true(live, hello(channel))
    assert live.is_sound()


@row(ROWS[7])
@pytest.mark.parametrize("channel", NETWORKS)
def test_stopped_between_the_wire_and_the_answer(live, just_now, forge, channel):
    """Stopped while the network answers: whoever takes over finds the post; what the sleeper says is too late."""
    live.folder.post("hello", "Hello!", at=just_now, channels=channel)
    live.folder.commit()
    live.script({"fault": "slow", "seconds": 2.0})
    worker = forge.work(live, slot=hello(channel), points={})
    soon(live.posts)
    worker.send(signal.SIGSTOP)

    settle(live, hello(channel))
    assert (live.standing(hello(channel)).state, how(live, hello(channel))) == (State.published, "readback")
    worker.send(signal.SIGCONT)
    worker.wait_until_gone()

    worker.wait_for(FENCED + hello(channel))
    assert calls(live) == [("Hello!", 1)]
    assert live.kinds(hello(channel)) == ["claim", "sending", "claim", "published"]
    assert live.is_sound()


@row(ROWS[7])
def test_stopped_with_the_answer_in_hand(live, just_now, forge):
    """An answer that was read and not recorded is evidence, which a slot in doubt is settled by before any look."""
    live.folder.post("hello", "Hello!", at=just_now, channels="x")
    live.folder.commit()
    worker = forge.work(live, slot=hello("x"), points={"after the answer": "stop"})
    worker.wait_for("at after the answer")
    slow = SHORT._replace(quiet_s=600.0)

    run(live, "two", timing=slow, until=datetime.now(UTC) + timedelta(seconds=1.5),
        tell=lambda told: live.running.stop() if told.row.state is State.unknown else None)
    assert live.kinds(hello("x")) == ["claim", "sending", "claim"]
    worker.send(signal.SIGCONT)
    worker.wait_until_gone()
    settle(live, hello("x"), worker="three", timing=slow._replace(lease_s=0.1))

    assert (live.standing(hello("x")).state, how(live, hello("x"))) == (State.published, "evidence")
    assert calls(live) == [("Hello!", 1)]
    assert live.is_sound()


# --- clocks -----------------------------------------------------------------------------------------------------------

class Wrong:
    """The wall clock, `by` off; from the start, or once it is `set`."""

    pretend = False

    def __init__(self, by: timedelta, *, now: bool = True) -> None:
        self.by, self.off = by, now

    def now(self) -> datetime:
        return datetime.now(UTC) + (self.by if self.off else timedelta())

    def wait_until(self, moment: datetime, woken: threading.Event) -> bool:
        while (left_s := (moment - self.now()).total_seconds()) > 0:
            if woken.wait(min(left_s, 0.5)):
                return False
        return True


@row(ROWS[8])
@pytest.mark.parametrize("hours", [-2, 2])
def test_wrong_clock_at_the_start(live, just_now, hours):
    """A computer whose clock is two hours off refuses to publish, and says why."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()

    with pytest.raises(SettingsError, match="clock and the archive's differ by more than 30 s"):
        run(live, clock=Wrong(hours * HOUR), until=datetime.now(UTC) + 3 * HOUR)
    assert live.posts() == []


@row(ROWS[8])
@pytest.mark.parametrize("hours", [-2, 2])
def test_clock_that_jumps_later_on(live, just_now, watched, hours):
    """When the clock jumps under a running shift, another's lease still counts by the archive's clock."""
    live.folder.post("hello", "Hello!", at=just_now - 3 * HOUR, channels="x", more="grace: 12h\n")
    live.folder.commit()
    clock, slot = Wrong(hours * HOUR, now=False), Slot.parse(hello("x"))
    claimed = []

    def jump(what: str, key: str) -> None:
        if not claimed and what == "list" and key.startswith("v1/ledger/posts.hello"):
            ledger = Ledger(open_store(live.archive), worker="other/1/boot/test", now=live.clock.now)
            claimed.append(ledger.append(slot, None, Kind.claim, pin=a_pin(live)))
            clock.off = True

    run(live, "two", clock=clock, store=watched(open_store(live.archive), jump), timing=SHORT,
        until=datetime.now(UTC) + hours * HOUR + timedelta(seconds=PATIENCE_S),
        tell=lambda told: live.running.stop() if told.row.state is State.published else None)

    assert calls(live) == [("Hello!", 1)]
    assert live.kinds(hello("x")) == ["claim", "claim", "sending", "published"]
    born = [(Path(live.archive[4:]) / f"v1/ledger/posts.hello/x/1/00000{seq}.json").stat().st_mtime for seq in (1, 2)]
    assert born[1] - born[0] >= SHORT.lease_s - 0.05


CHANGES_OF_CLOCK = {     # what is written in Berlin, what becomes of it, what is said
    "a gap": ("2027-03-28 02:30", "2027-03-28T01:00", "2027-03-28 02:30 does not exist that day; 03:00 is used"),
    "a fold": ("2027-10-31 02:30", "2027-10-31T00:30", "2027-10-31 02:30 happens twice that day; the first is used")}


@row(ROWS[8])
@pytest.mark.parametrize("what", CHANGES_OF_CLOCK)
def test_hour_of_a_change_of_clock(stage, what):
    """A time in the hour that is left out or comes twice is warned of, with its line, and goes out once."""
    at, made, said = CHANGES_OF_CLOCK[what]
    stage.folder.write("strategy.yaml", "strategy: ours\nstart: 2026-01-01\ntimezone: Europe/Berlin\n")
    stage.folder.write("posts/hello.md", f"---\nat: {at}\nchannels: [mastodon]\n---\nHello!\n")
    stage.folder.commit()
    night = datetime.fromisoformat(f"{made}Z")
    stage.clock = PretendClock.begin(stage.clock.file, night - HOUR, 1e6)

    (problem,) = [p for p in check(stage.folder.path, now=stage.clock.now()).problems
                  if p.severity != "advice" and p.code != "SCH001"]
    run(stage, until=night + 2 * HOUR)
    run(stage, "two", until=night + 4 * HOUR)

    assert (problem.code, problem.place.line, problem.message.startswith(said)) == ("SCH006", 2, True)
    assert [(post["created_at"][:16], post["calls"]) for post in stage.posts()] == [(made, 1)]


# --- what is down -----------------------------------------------------------------------------------------------------

@row(ROWS[9])
def test_prefect_server_is_down(live, just_now, drumbeat_at_once):
    """The sender needs no Prefect: with its server gone, what is due goes out."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()

    ((code, _),) = drumbeat_at_once(live, ("publish", "--once"),
                                    environment={"PREFECT_API_URL": "http://127.0.0.1:9/api"})

    assert (code, calls(live)) == (0, [("Hello!", 1)])


@row(ROWS[9])
def test_git_remote_is_down(stage):
    """The sender reads the repository it stands in: a remote that does not answer holds nothing up."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.folder.git("remote", "add", "origin", "http://127.0.0.1:9/club.git")
    stage.folder.git("config", "branch.main.remote", "origin")
    stage.folder.git("config", "branch.main.merge", "refs/heads/main")

    run(stage)

    assert calls(stage) == [("Hello!", 1)]


@row(ROWS[9])
def test_bad_commit_at_head(stage, heard):
    """A commit that is no plan changes nothing: the last good plan goes on, in this shift and the next."""
    for hour, name in enumerate(("first", "second", "third")):
        stage.folder.post(name, f"The {name}.", at=NOON + hour * HOUR)
    stage.folder.commit()

    def spoil(told: Told) -> None:
        if told.row.slot.startswith("posts/first"):
            stage.folder.write("networks/channels.yaml", "channels: [\n")
            stage.commit_under_way()

    run(stage, tell=spoil, until=NOON + HOUR)
    run(stage, "two")

    assert calls(stage) == [("The first.", 1), ("The second.", 1), ("The third.", 1)]
    assert "stays in force" in heard.wait_for("plan rejected")


@row(ROWS[9])
@pytest.mark.parametrize("again", ["one", "two"])
def test_force_push_in_mid_thread(stage, again):
    """The second half of a thread is what was promised, though history was rewritten and the old commit is gone."""
    stage.folder.post("hello", "One.\n\n***\n\nTwo.")
    old = stage.folder.commit()
    stage.script({"fault": "429", "after": 1, "retry_after": 3000})
    run(stage, until=NOON)
    stage.folder.post("hello", "Eins.\n\n***\n\nZwei.")
    stage.folder.git("add", "--all", "content")
    stage.folder.git("commit", "--quiet", "--amend", "--message", "Another history")
    stage.folder.git("reflog", "expire", "--expire=now", "--all")
    stage.folder.git("gc", "--quiet", "--prune=now")
    with pytest.raises(subprocess.CalledProcessError):
        stage.folder.git("cat-file", "-e", old)

    run(stage, again)

    assert calls(stage) == [("One.", 1), ("Two.", 2)]
    assert stage.posts()[1]["parent"] == stage.posts()[0]["id"]
    assert stage.is_sound()


# --- what authors change ----------------------------------------------------------------------------------------------

CHANGES = ("edited", "deleted", "draft", "earlier", "later")


def five(stage, channel: str = "mastodon", more: str = "") -> None:
    """A post for each change, all due at noon."""
    for name in CHANGES:
        stage.folder.post(name, f"As it was, {name}.{more.format(name=name)}", channels=channel)
    stage.folder.commit()


def change(stage, name: str, channel: str = "mastodon", more: str = "") -> None:
    was = f"As it was, {name}.{more.format(name=name)}"
    match name:
        case "edited":
            stage.folder.post(name, f"As it is now.{more.format(name='now')}", channels=channel)
        case "deleted":
            (stage.folder.path / f"posts/{name}.md").unlink()
        case "draft":
            stage.folder.post(name, was, channels=channel, more="draft: true\n")
        case "earlier":
            stage.folder.post(name, was, channels=channel, at=NOON - HOUR / 2)
        case "later":
            stage.folder.post(name, was, channels=channel, at=NOON + 3 * HOUR)


def change_all(stage, *more: str) -> None:
    for name in CHANGES:
        change(stage, name, *more)
    stage.folder.commit()


class Became(NamedTuple):
    """What is there of a post, and its last records."""

    texts: list[str]
    kinds: list[str]


def became(stage, channel: str = "mastodon", last: int = 3) -> dict[str, Became]:
    """By the change; each text with the hour at which it was posted."""
    texts = {name: [f"{post['created_at'][11:13]}h {post['text']}" for post in stage.posts()
                    if name in post["text"] or (name == "edited" and "now" in post["text"])] for name in CHANGES}
    assert stage.is_sound()
    return {name: Became(texts[name], stage.kinds(f"posts/{name}@{channel}#1")[-last:]) for name in CHANGES}


SENT = ["claim", "sending", "published"]
WITHDRAWN = ["claim", "skipped"]


@row(ROWS[10])
def test_changed_while_planned(stage):
    """Before anything was recorded the plan in force counts, and nothing else."""
    five(stage)
    run(stage, until=NOON - HOUR / 2)
    change_all(stage)

    run(stage, "two")

    assert became(stage) == {
        "edited": Became(["12h As it is now."], SENT), "deleted": Became([], []), "draft": Became([], []),
        "earlier": Became(["11h As it was, earlier."], SENT), "later": Became(["15h As it was, later."], SENT)}


@row(ROWS[10])
def test_changed_while_claimed(stage, watched, gone_worker):
    """A slot claimed by a publisher that died: the text of now is pinned anew, what is gone is withdrawn."""
    five(stage)

    def refuse(what: str, key: str) -> None:
        if what == "create" and key.endswith("1/000002.json"):
            raise StoreError("the bucket is away", remedy="bring it back")

    run(stage, gone_worker, until=NOON, store=watched(open_store(stage.archive), refuse))
    change_all(stage)

    run(stage, "two")

    assert became(stage, last=4) == {
        "edited": Became(["12h As it is now."], ["claim", *SENT]), "deleted": Became([], ["claim", *WITHDRAWN]),
        "draft": Became([], ["claim", *WITHDRAWN]),
        "earlier": Became(["12h As it was, earlier."], ["claim", *SENT]),
        "later": Became(["15h As it was, later."], ["released", *SENT])}
    old, new = (entry.record.pin.payload for entry in ledger_of(stage, "posts/edited@mastodon#1")[:2])
    assert old != new


def ledger_of(stage, slot: str) -> Any:
    return Ledger(open_store(stage.archive), worker="reader", now=stage.clock.now).read(Slot.parse(slot))


@row(ROWS[10])
@pytest.mark.parametrize(("wait_s", "last"), [(60, "notsent"), (3000, "released")])
def test_changed_while_it_waits_for_the_network(stage, gone_worker, wait_s, last):
    """Refused before any work, then changed: the text of now, and what is gone is withdrawn, not sent."""
    five(stage)
    stage.script({"fault": "429", "retry_after": wait_s, "times": 5})
    run(stage, gone_worker, until=NOON)
    assert {tuple(became.kinds[-1:]) for became in became(stage).values()} == {(last,)}
    change_all(stage)

    run(stage, "two")

    found = became(stage)
    assert {name: one.kinds for name, one in found.items()} == {
        "edited": SENT, "deleted": [last, *WITHDRAWN], "draft": [last, *WITHDRAWN], "earlier": SENT, "later": SENT}
    assert {name: [text[4:] for text in one.texts] for name, one in found.items()} == {
        "edited": ["As it is now."], "deleted": [], "draft": [], "earlier": ["As it was, earlier."],
        "later": ["As it was, later."]}
    assert found["later"].texts[0].startswith("15h")


@row(ROWS[10])
def test_changed_during_the_call(stage, heard):
    """What is under way goes through as it was promised, and no change makes a second post."""
    five(stage)
    real = stage.opened()

    def connect(channel: Any) -> Any:
        adapter = real(channel)
        publish = adapter.publish

        def change_first(outgoing: Any, *words: Any) -> Any:
            change(stage, outgoing.slot.post.removeprefix("posts/"))
            heard.wait_for(f"plan accepted commit={stage.commit_under_way()[:10]}")
            return publish(outgoing, *words)

        adapter.publish = change_first
        return adapter

    run(stage, connect=connect)
    run(stage, "two", until=NOON + timedelta(days=2))

    assert became(stage) == {name: Became([f"12h As it was, {name}."], SENT) for name in CHANGES}
    assert {post["calls"] for post in stage.posts()} == {1}


@row(ROWS[10])
def test_changed_while_unknown_and_it_is_there(stage, gone_worker):
    """A lost answer is looked up by what was promised, whatever the file says by now: each has its receipt."""
    five(stage, "x")
    stage.script({"fault": "hang up after effect", "times": 5})
    run(stage, gone_worker, until=NOON)
    change_all(stage, "x")

    run(stage, "two")

    assert became(stage, "x") == {
        name: Became([f"12h As it was, {name}."], ["unknown", "claim", "published"]) for name in CHANGES}
    assert {post["calls"] for post in stage.posts()} == {1}


@row(ROWS[10])
def test_changed_while_unknown_and_it_is_not_there(stage, gone_worker):
    """Where a repeat would be a second post, no change makes one: each is held for a person."""
    five(stage, "x")
    stage.script({"fault": "hang up before", "times": 5})
    run(stage, gone_worker, until=NOON)
    change_all(stage, "x")

    run(stage, "two")

    assert became(stage, "x") == {name: Became([], ["unknown", "claim", "held"]) for name in CHANGES}


@row(ROWS[10])
def test_changed_while_unknown_where_a_key_is_honoured(stage, gone_worker):
    """What was promised may be sent again under its key; what its author took back or put off waits for a person."""
    five(stage)
    stage.script({"fault": "hang up before", "times": 5})
    run(stage, gone_worker, until=NOON)
    change_all(stage)

    run(stage, "two")

    sent = ["unknown", *SENT]
    assert became(stage, last=4) == {
        "edited": Became(["12h As it was, edited."], sent), "earlier": Became(["12h As it was, earlier."], sent),
        **{name: Became([], ["sending", "unknown", "claim", "held"]) for name in ("deleted", "draft", "later")}}


@row(ROWS[10])
def test_changed_when_one_part_is_live(stage, gone_worker):
    """A thread half out is finished as it was promised: edited, moved, or though its file is gone."""
    second = "\n\n***\n\nMore of {name}."
    five(stage, "mastodon", second)
    stage.script(*({"fault": "429", "after": number, "retry_after": 3000} for number in range(1, 6)))
    run(stage, gone_worker, until=NOON)
    assert sorted(stage.texts()) == sorted(f"As it was, {name}." for name in CHANGES)
    change_all(stage, "mastodon", second)

    run(stage, "two")

    assert became(stage, last=4) == {
        name: Became([f"12h As it was, {name}.", f"12h More of {name}."], ["released", *SENT]) for name in CHANGES}
    assert sorted(post["calls"] for post in stage.posts()) == [1] * 5 + [2] * 5


@row(ROWS[10])
def test_changed_once_published(stage):
    """What is published stays as it is, and nothing is sent again."""
    five(stage)
    run(stage, until=NOON)
    change_all(stage)

    assert run(stage, "two") == []
    assert became(stage) == {name: Became([f"12h As it was, {name}."], SENT) for name in CHANGES}
    assert {post["calls"] for post in stage.posts()} == {1}


@row(ROWS[10])
def test_changed_once_failed(stage):
    """What failed with nothing live is tried again if its text or time changed, and only then."""
    five(stage)
    stage.script({"fault": "401", "times": 10})
    run(stage, until=NOON)
    assert [one.kinds[-1] for one in became(stage).values()] == ["failed"] * len(CHANGES)
    assert run(stage, "unchanged", until=NOON) == []
    change_all(stage)

    run(stage, "two")

    found = became(stage, last=5)
    assert {name: one.kinds for name, one in found.items() if name in ("deleted", "draft")} == {
        name: ["claim", "sending", "notsent", "sending", "failed"] for name in ("deleted", "draft")}
    assert {name: one.kinds for name, one in found.items() if name not in ("deleted", "draft")} == {
        name: ["failed", "reopened", *SENT] for name in ("edited", "earlier", "later")}
    assert found["edited"].texts == ["12h As it is now."]
    assert found["later"].texts == ["15h As it was, later."]
    assert [text[4:] for text in found["earlier"].texts] == ["As it was, earlier."]


WRONG_LIMIT = "channels: [{id: mastodon, network: mastodon, handle: '@mill', limits: {text: 1000}}]\n"


@row(ROWS[10])
@pytest.mark.parametrize(("first", "shown"), [("One.", "One."), ("One, edited.", "One.")])
def test_failed_thread_goes_on_after_what_is_live(stage, first, shown):
    """A thread whose second part was refused goes on with the mended part; what is live is never sent again."""
    stage.folder.write("networks/channels.yaml", WRONG_LIMIT)       # the network takes 500
    stage.folder.post("hello", "One.\n\n***\n\n" + "long " * 150)
    stage.folder.commit()
    run(stage, until=NOON + HOUR)
    assert (stage.kinds(HELLO)[-1], stage.texts()) == ("failed", ["One."])
    assert run(stage, "unchanged", until=NOON + HOUR) == []

    stage.folder.post("hello", f"{first}\n\n***\n\nTwo.")
    stage.folder.commit()
    run(stage, "two")
    run(stage, "three", until=NOON + timedelta(days=2))

    assert calls(stage) == [(shown, 1), ("Two.", 2)]                # counted by key: the refused one and this
    assert stage.posts()[1]["parent"] == stage.posts()[0]["id"]
    assert stage.kinds(HELLO)[-4:] == ["reopened", *SENT]
    assert len(stage.standing(HELLO).parts) == 2
    assert stage.is_sound()


@pytest.fixture
def gone_worker() -> str:
    """A worker of this machine whose process has ended."""
    with subprocess.Popen(["true"]) as process:
        pass
    host, _, rest = worker_id().split("/", 2)
    return f"{host}/{process.pid}/{rest}"


# --- credentials ------------------------------------------------------------------------------------------------------

def counted(stage, opened_: list[str]) -> Callable[[Any], Any]:
    real = stage.opened()
    return lambda channel: (opened_.append(channel.id), real(channel))[1]


@row(ROWS[11])
@pytest.mark.parametrize("channel", NETWORKS)
def test_token_renewed_in_mid_thread(stage, channel):
    """A token that expired between two parts is read anew, once, and the thread goes on at once."""
    stage.folder.post("hello", thread(channel), channels=channel)
    stage.folder.commit()
    stage.script({"fault": "401", "after": 1})
    opened_: list[str] = []

    run(stage, connect=counted(stage, opened_))

    assert [text for text, _ in calls(stage)] == ["One.", "Two."]
    assert opened_ == [channel] * 2
    assert stage.kinds(hello(channel)) == ["claim", "sending", "sent", "sending", "notsent", "sending", "published"]
    assert stage.is_sound()


def thread(channel: str) -> str:
    """Two parts, as the network has them."""
    return "One.\n\n***\n\nTwo." if channel != "facebook" else "One.\n\n## first comment on facebook\nTwo."


@row(ROWS[11])
@pytest.mark.parametrize("channel", NETWORKS)
def test_token_that_stays_expired_in_mid_thread(stage, channel):
    """With the new token refused as well the slot is released; after a while the thread goes on at its second part."""
    stage.folder.post("hello", thread(channel), channels=channel)
    stage.folder.commit()
    stage.script({"fault": "401", "after": 1, "times": 2})
    opened_: list[str] = []

    told = run(stage, connect=counted(stage, opened_))

    assert told[-1].row.state is State.published
    assert stage.texts() == ["One.", "Two."]
    one, two = (datetime.fromisoformat(post["created_at"]) for post in stage.posts())
    assert timedelta(minutes=15) <= two - one <= timedelta(minutes=16)
    assert stage.kinds(hello(channel)) == ["claim", "sending", "sent", "sending", "notsent", "sending", "notsent",
                                           "released", "claim", "sending", "published"]
    assert stage.is_sound()


@row(ROWS[11])
@pytest.mark.parametrize("channel", NETWORKS)
def test_token_expired_with_nothing_live(stage, channel):
    """With no part live, a token refused twice is a failure that says so."""
    stage.folder.post("hello", thread(channel), channels=channel)
    stage.folder.commit()
    stage.script({"fault": "401", "times": 2})

    run(stage)

    standing = stage.standing(hello(channel))
    assert (standing.state, standing.last.record.detail["class"]) == (State.failed, "unauthorized")
    assert stage.kinds(hello(channel)) == ["claim", "sending", "notsent", "sending", "failed"]
    assert stage.posts() == []


@row(ROWS[12])
@pytest.mark.parametrize("channel", NETWORKS)
def test_credentials_of_another_account(stage, channel):
    """Credentials that open another account than before are refused before any claim, with both accounts named."""
    stage.folder.post("first", "The first.", channels=channel)
    stage.folder.post("hello", "Hello!", channels=channel, at=NOON + HOUR)
    stage.folder.commit()
    run(stage, until=NOON)
    bound = json.loads(open_store(stage.archive).get(f"v1/account/{channel}.json"))
    assert (bound["network"], bound["handle"]) == (NETWORKS[channel], "@mill" if channel == "mastodon" else "mill")

    told = run(stage, "two", until=NOON + HOUR, connect=opened(stage, token="rehearsal:somebody-else"))

    assert stage.texts() == ["The first."]
    assert stage.kinds(hello(channel)) == []
    ((state, unable, reason),) = {(one.row.state, one.unable, one.row.reason) for one in told}
    assert (state, unable) == (State.waiting, True)
    assert reason.startswith(f"{channel} was {bound['handle']} until now (account {bound['account_id']} of ")
    assert reason.endswith("a new account gets a channel of its own in networks/channels.yaml.")

    run(stage, "three")
    assert stage.texts() == ["The first.", "Hello!"]


# --- the archive is touched -------------------------------------------------------------------------------------------

def forged(archive: Path) -> str:
    """A record that nobody wrote, behind the last one and chained to it."""
    last = archive / "v1/ledger/posts.hello/mastodon/1/000003.json"
    seal = hashlib.sha256(last.read_bytes()).hexdigest()
    record = json.loads(last.read_bytes()) | {"seq": 4, "kind": "claim", "epoch": 2, "prev": seal}
    last.with_name("000004.json").write_text(json.dumps(record))
    return "000004.json"


def forged_clumsily(archive: Path) -> str:
    """The same, chained to nothing: the chain is broken there."""
    last = archive / "v1/ledger/posts.hello/mastodon/1/000003.json"
    last.with_name("000004.json").write_text(json.dumps(json.loads(last.read_bytes()) | {"seq": 4}))
    return "record 4"


def altered(number: int) -> Callable[[Path], str]:
    def alter(archive: Path) -> str:
        record = archive / f"v1/ledger/posts.hello/mastodon/1/00000{number}.json"
        record.write_bytes(record.read_bytes().replace(b'"epoch":1', b'"epoch": 1'))
        return f"00000{number}.json"
    return alter


def removed(number: int) -> Callable[[Path], str]:
    def remove(archive: Path) -> str:
        (archive / f"v1/ledger/posts.hello/mastodon/1/00000{number}.json").unlink()
        return f"00000{number}.json"
    return remove


def all_removed(archive: Path) -> str:
    for record in (archive / "v1/ledger/posts.hello/mastodon/1").iterdir():
        record.unlink()
    return "v1/ledger/posts.hello/mastodon/1/"


def copied(archive: Path) -> str:
    """Another slot's ledger under a new name."""
    ours, theirs = (archive / f"v1/ledger/posts.{name}/mastodon/1" for name in ("hello", "copied"))
    theirs.mkdir(parents=True)
    for record in ours.iterdir():
        (theirs / record.name).write_bytes(record.read_bytes())
    return "posts.copied"


def foreign(archive: Path) -> str:
    (archive / "v1/ledger/posts.hello/mastodon/1/notes.txt").write_text("who was here?")
    return "notes.txt"


MEDDLING = {"the first altered": altered(1), "the last altered": altered(3), "the first removed": removed(1),
            "one in the middle removed": removed(2), "the last removed": removed(3), "all removed": all_removed,
            "one added": forged, "one added, out of the chain": forged_clumsily,
            "a ledger copied": copied, "a file added": foreign}


@row(ROWS[13])
@pytest.mark.parametrize("what", MEDDLING)
def test_audit_names_what_was_touched(stage, tmp_path, what):
    """A ledger object that was altered, removed or added is named by the audit, which found nothing before."""
    stage.folder.post("hello", "Hello!")
    stage.folder.post("other", "Another.")
    stage.folder.commit()
    run(stage)
    plan = check_commit(stage.running.repository, stage.running.repository.head(), now=stage.clock.now()).plan
    assert prove(verify(open_store(stage.archive)), plan, now=stage.clock.now()).findings == ()

    named = MEDDLING[what](tmp_path / "archive")

    findings = prove(verify(open_store(stage.archive)), plan, now=stage.clock.now()).findings
    assert any(named in finding.key + finding.what for finding in findings), findings
    assert all(finding.remedy for finding in findings)


@row(ROWS[13])
def test_audit_command_names_it(live, just_now, tmp_path, drumbeat_at_once):
    """`drumbeat audit` ends with exit code 3 and the record's name."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    run(live, until=datetime.now(UTC))
    key = f"v1/ledger/posts.hello/mastodon/1/{altered(2)(tmp_path / 'archive')}"

    done = subprocess.run([sys.executable, "-P", "-m", "flows.cli", "audit", "--archive", live.archive], cwd=live.home,
                          text=True, capture_output=True, check=False)

    assert (done.returncode, done.stdout.startswith(key)) == (3, True), done


# --- what operators are promised beside -------------------------------------------------------------------------------

@row(PROMISES)
def test_no_backlog_drains_after_an_outage(stage):
    """After an outage what is too late is missed, and the rest keeps its distance, until it is too late as well."""
    for minutes in (170, 150, 110, 90, 60, 30, 5):
        stage.folder.post(f"late-{minutes:03}", f"Late by {minutes}.", at=NOON - HOUR - timedelta(minutes=minutes))
    stage.folder.commit()

    told = run(stage)

    made = {post["text"]: datetime.fromisoformat(post["created_at"]) for post in stage.posts()}
    assert {one.row.slot.split("@")[0][-3:] for one in told if one.row.state is State.missed} >= {"170", "150"}
    assert "Late by 110." in made
    moments = sorted(made.values())
    late = [moment for text, moment in made.items() if text != "Late by 5."]
    assert all(second - first >= HOUR for first, second in pairwise(sorted(late)))
    assert len(moments) < 5
    assert {stage.standing(f"posts/late-{minutes:03}@mastodon#1").state for minutes in (170, 150, 110, 90, 60, 30, 5)
            } <= {State.published, State.missed}


@row(PROMISES)
def test_flood_fuse_of_an_account(stage):
    """No more than `per_hour` posts go out on an account, also after a restart; why and until when is told."""
    stage.folder.write("networks/channels.yaml", "stagger: 1m\nmin_gap: 1m\nchannels:\n"
                       "  - {id: mastodon, network: mastodon, handle: '@mill', limits: {per_hour: 2}}\n"
                       "  - {id: x, network: x, handle: mill}\n")
    for minute in range(5):
        stage.folder.post(f"post-{minute}", f"Post {minute}.", at=NOON + timedelta(minutes=minute), channels="mastodon")
    stage.folder.post("elsewhere", "Elsewhere.", at=NOON + timedelta(minutes=3), channels="x")
    stage.folder.commit()

    run(stage, until=NOON + timedelta(minutes=2))
    told = run(stage, "two", until=NOON + timedelta(minutes=30))

    assert stage.texts() == ["Post 0.", "Post 1.", "Elsewhere."]
    reasons = {one.row.slot: one.row.reason for one in told if one.row.state is State.waiting}
    assert set(reasons) >= {"posts/post-3@mastodon#1", "posts/post-4@mastodon#1"}
    assert reasons["posts/post-4@mastodon#1"].startswith(
        "the flood fuse of mastodon has blown: 2 posts went out in the last hour, and it allows 2.")
    assert "'limits: {per_hour: …}' of mastodon" in reasons["posts/post-4@mastodon#1"]

    run(stage, "three", until=NOON + 3 * HOUR)
    made = sorted(post["created_at"][11:16] for post in stage.posts() if post["network"] == "mastodon")
    assert made[:4] == ["12:00", "12:01", "13:00", "13:01"]
    assert {post["calls"] for post in stage.posts()} == {1}


@row(PROMISES)
def test_flood_fuse_of_all_accounts(stage):
    """All accounts together make no more than `most_per_hour` posts in an hour, also after a restart."""
    for minute, channel in enumerate(("mastodon", "x", "facebook", "mastodon", "x")):
        stage.folder.post(f"post-{minute}", f"Post {minute}.", at=NOON + timedelta(minutes=minute), channels=channel)
    stage.folder.commit()

    run(stage, until=NOON + timedelta(minutes=1), most_per_hour=3)
    told = run(stage, "two", until=NOON + timedelta(minutes=30), most_per_hour=3)

    assert sorted(stage.texts()) == ["Post 0.", "Post 1.", "Post 2."]
    assert {one.row.reason.split(":")[0] for one in told if one.row.state is State.waiting} == {
        "the flood fuse of all accounts together has blown"}
    assert all("'most_per_hour' in drumbeat.toml" in one.row.reason for one in told if one.row.state is State.waiting)


@row(PROMISES)
@pytest.mark.parametrize(("found", "made"), [("hang up before", 1), ("hang up after effect", 1)])
def test_channel_that_asks_for_the_repeat(stage, found, made):
    """With on_unknown: retry, what a whole look does not find is sent again; what it finds is not."""
    stage.folder.write("networks/channels.yaml", "stagger: 1m\nchannels:\n"
                       "  - {id: facebook, network: facebook_page, handle: mill, on_unknown: retry}\n"
                       "  - {id: x, network: x, handle: mill, on_unknown: retry}\n")
    stage.folder.post("hello", "Hello!", channels="facebook, x")
    stage.folder.commit()
    stage.script(*({"fault": found, "network": network} for network in ("facebook_page", "x")))

    run(stage)

    assert stage.texts() == ["Hello!"] * 2
    assert {post["calls"] for post in stage.posts()} == {2 if found == "hang up before" else 1}
    assert {stage.standing(hello(channel)).state for channel in ("facebook", "x")} == {State.published}


# --- what the rows stand on -------------------------------------------------------------------------------------------

FORGE = r'''
"""Forks publishers: everything is imported once. A line of JSON on stdin makes one; what they say is on stdout."""
import json, logging, os, resource, signal, sys, threading
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import publishers
from pydantic import SecretStr
from flows.edges.clock import RealClock
from flows.edges.ledger import Ledger, worker_id
from flows.edges.repository import Repository
from flows.edges._s3 import S3Store
from flows.edges.store import open_store
from flows.planning.deciding import Timing
from flows.send import Shift
from publishers.base import Connection
from publishers._http import trust
from schemas.errors import DrumbeatError
from schemas.ledger import Slot

for name in ("mastodon", "x", "facebook_page"):
    publishers.load(name)
for name in ("boto3", "httpcore", "httpx"):
    import_module(name)
trust()


def work(spec):
    def say(words):
        os.write(1, f"{spec['name']}: {words}\n".encode())

    def reached(point):
        for wanted in list(spec["points"]):
            before, _, end = wanted.rpartition(" ")
            if point != wanted and not (point.startswith(before + " ") and (
                    point.endswith("/" + end) or point.startswith(wanted + "/"))):
                continue
            action = spec["points"].pop(wanted)
            say(f"at {wanted}")
            if action == "die":
                signal.pthread_kill(threading.get_ident(), signal.SIGKILL)
            elif action == "stop":
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)    # this thread stops first
            elif action == "meet":
                open(spec["gate"]).close()
            elif action == "fill the disk":
                resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))

    class Told(logging.Handler):
        def emit(self, record):
            say("log " + record.getMessage().replace("\n", " "))

    logger = logging.getLogger("flows")
    logger.handlers, logger.propagate = [Told()], False
    logger.setLevel(logging.INFO)

    archive = spec["archive"]
    if archive.startswith("s3://"):
        bucket, _, prefix = archive[5:].partition("/")
        store = S3Store(bucket, prefix, wait=lambda _: None, read_timeout_s=1.0)
    else:
        store = open_store(archive)
    create = store.create

    def creating(key, body):
        reached(f"before create {key}")
        made = create(key, body)
        reached(f"after create {key}")
        return made

    store.create = creating

    def connect(channel):
        network, account = publishers.load(channel.network), channel.handle

        class Watched(network):
            def publish(self, *what):
                reached("before the wire")
                receipt = super().publish(*what)
                reached("after the answer")
                return receipt

        found = {field: SecretStr(account if field.endswith("_id") else f"rehearsal:{account}")
                 for field in network.needs}
        return Watched(Connection(account, found, f"{spec['url']}/{channel.network}",
                                  request_timeout_s=spec["request_timeout_s"]))

    content, clock = Path(spec["home"]) / "content", RealClock()
    shift = Shift(Repository(content), store, Ledger(store, worker=worker_id(), now=clock.now), clock, connect=connect,
                  tell=lambda told: say(f"told {told.row.slot} {told.row.state.value} {told.row.reason or ''}"),
                  only=Slot.parse(spec["slot"]), timing=Timing(*spec["timing"]))
    try:
        shift.run(datetime.now(UTC) + timedelta(seconds=spec["stays_s"]))
    except DrumbeatError as error:
        say(f"gave up {error.what} {error.remedy}")
    say("ended")


signal.signal(signal.SIGCHLD, signal.SIG_IGN)               # nobody waits for them: they must not stay as zombies
for line in sys.stdin:
    spec = json.loads(line)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.update(spec["environment"])
        try:
            work(spec)
        except BaseException as error:
            os.write(1, f"{spec['name']}: broke {error!r}\n".encode())
        os._exit(0)
    os.write(1, f"{spec['name']}: pid {pid}\n".encode())
'''


class Worker:
    """A publisher that is a process of its own."""

    def __init__(self, forge: "Forge", name: str) -> None:
        self.forge, self.name = forge, name
        self._handle: int | None = None
        with suppress(ProcessLookupError):                  # it is gone already; the number may be another's by now
            self._handle = os.pidfd_open(int(self.wait_for("pid").split()[1]))

    @property
    def lines(self) -> list[str]:
        return [line.removeprefix(f"{self.name}: ") for line in list(self.forge.lines)
                if line.startswith(f"{self.name}: ")]

    def wait_for(self, words: str) -> str:
        """The first line with `words` in it, once it is there."""
        def found() -> str | None:
            return next((line for line in self.lines if words in line), None)
        with self.forge.more:
            line = self.forge.more.wait_for(found, PATIENCE_S)
        assert line, (words, self.lines)
        return line

    def wait_until_gone(self) -> None:
        if self._handle is not None:
            assert select.select([self._handle], [], [], PATIENCE_S)[0], self.lines
            os.close(self._handle)
            self._handle = None

    def send(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, what)


class Forge:
    """Starts publishers as processes, one slot each. `points` says what happens to one where: the first time only."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-P", "-c", FORGE], stdin=subprocess.PIPE, text=True,
                                         stdout=subprocess.PIPE)
        self.lines: list[str] = []
        self.more = threading.Condition()
        self._made: list[Worker] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self.more:
                self.lines.append(line.rstrip("\n"))
                self.more.notify_all()

    def work(self, live, *, slot: str, points: dict[str, str], timing: Timing = SHORT, stays_s: float = 0.0,
             request_timeout_s: float = REQUEST_TIMEOUT_S, environment: dict[str, str] | None = None,
             gate: Path | None = None) -> Worker:
        name = f"worker-{len(self._made)}"
        spec = {"name": name, "home": str(live.home), "archive": live.archive, "url": live.networks.url, "slot": slot,
                "points": points, "timing": list(timing), "stays_s": stays_s, "request_timeout_s": request_timeout_s,
                "environment": environment or {}, "gate": str(gate)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(spec) + "\n")
        self._process.stdin.flush()
        self._made.append(Worker(self, name))
        return self._made[-1]

    def end(self) -> None:
        for worker in self._made:
            worker.send(signal.SIGKILL)
            worker.wait_until_gone()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def a_forge() -> Iterator[Forge]:
    forge = Forge()
    yield forge
    forge.end()


@pytest.fixture
def forge(a_forge) -> Forge:
    return a_forge


class BadS3:
    """Moto's S3 on loopback, with somebody in between. `faults`: what the next PUT of a record meets, by its end."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self.away = False
        self.away_from: str | None = None       # the PUT of this record does not arrive, nor does any request after it
        self._inner = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._asked, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull}

    def bucket(self) -> str:
        """A new bucket's name."""
        self._buckets = getattr(self, "_buckets", 0) + 1
        name, session = f"bad-{self._buckets}", boto3.Session("test", "test", region_name="us-east-1")
        session.client("s3", endpoint_url=self.url).create_bucket(Bucket=name)
        return name

    def come_back(self) -> None:
        self.away, self.away_from = False, None

    def end(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _asked(self, environ: dict[str, Any], start: Any) -> Any:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        end = "/".join(unquote(environ["PATH_INFO"]).split("/")[-2:])
        writes = environ["REQUEST_METHOD"] == "PUT"
        if writes and end == self.away_from:
            self.away, self.away_from = True, None
        if self.away:
            return self._hang_up(environ)
        fault = self.faults.pop(end, None) if writes else None
        if fault == "409":
            return self._say(start, "409 Conflict", "ConditionalRequestConflict")
        if fault == "503":
            return self._say(start, "503 Service Unavailable", "SlowDown")
        environ = {**environ, "wsgi.input": BytesIO(body)}
        if fault is None:
            return self._inner(environ, start)
        list(self._inner(environ, lambda *_: None))
        if fault == "412 for our own":
            return self._say(start, "412 Precondition Failed", "PreconditionFailed")
        if fault == "500 after":
            return self._say(start, "500 Internal Server Error", "InternalError")
        if fault == "hang":
            select.select([environ["werkzeug.socket"]], [], [], PATIENCE_S)     # readable once the client has left
        return self._hang_up(environ)

    def _hang_up(self, environ: dict[str, Any]) -> Any:
        with suppress(OSError):
            environ["werkzeug.socket"].shutdown(2)
        raise ConnectionAbortedError

    def _say(self, start: Any, status: str, code: str) -> list[bytes]:
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]


class Quiet(MotoRequestHandler):
    """Says nothing about requests, not even about those that break."""

    def log(self, *_: Any) -> None:
        """Said nothing."""

    def connection_dropped(self, *_: Any) -> None:
        """Nor here."""


@pytest.fixture(scope="module")
def a_bad_s3() -> Iterator[BadS3]:
    server = BadS3()
    yield server
    server.end()


@pytest.fixture
def bad_s3(a_bad_s3) -> Iterator[BadS3]:
    yield a_bad_s3
    a_bad_s3.faults = {}
    a_bad_s3.come_back()


@pytest.fixture
def drumbeat_at_once() -> Callable[..., list[tuple[int, str]]]:
    """Starts `drumbeat` commands together and waits for them: exit code and output of each."""
    def go(live: Any, *commands: tuple[str, ...], environment: dict[str, str] | None = None) -> list[tuple[int, str]]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DRUMBEAT_", "PREFECT_", "AWS_"))}
        at = ("--rehearse-at", live.networks.url, "--archive", live.archive)
        started = [subprocess.Popen([sys.executable, "-P", "-m", "flows.cli", *words, *at], cwd=live.home, text=True,
                                    env={**clean, **(environment or {})}, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) for words in commands]
        ended = []
        for process in started:
            out, _ = process.communicate(timeout=PATIENCE_S)
            ended.append((process.returncode, out))
        return ended
    return go
