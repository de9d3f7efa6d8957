"""`drumbeat up`: the sample season from its first post to its last, and how it stops."""
import hashlib
import json
import re
import select
import signal
import socket
import sqlite3
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest

from flows.edges.prefect_server import is_free
from schemas.ledger import Slot

from ..conftest import CHANNELS

pytestmark = pytest.mark.slow
NETWORKS = {"facebook": "facebook_page"}        # of channels that are not called like their network


@pytest.fixture(scope="module")
def planned(season, drumbeat) -> list[dict]:
    """The slots that have a time up to the end of what is played, in order, as `plan` says."""
    (season.home / "none").mkdir()
    items = drumbeat("plan", "--json", "--archive", f"dir:{season.home}/none", "--now", "2026-11-05",
                     cwd=season.home).json["items"]
    return [item for item in items if item["state"] == "planned" and item["at"] < "2027-04-20"]


@pytest.fixture(scope="module")
def messages(season, drumbeat) -> dict[str, dict]:
    """What each slot should look like, as `preview` says."""
    return {message["slot"]: message for message in drumbeat("preview", "--json", cwd=season.home).json["messages"]}


@pytest.fixture(scope="module")
def receipts(season, records_of) -> dict[str, list[dict]]:
    """The parts that each slot's last record names."""
    records = records_of(f"dir:{season.home}/.drumbeat/rehearsal/archive")
    named = {}
    for folder, ledger in records.items():
        post, channel, run = folder.removeprefix("v1/ledger/").split("/")
        assert ledger[-1]["kind"] == "published"
        named[f"{post.replace('.', '/')}@{channel}#{run}"] = ledger[-1]["detail"]["parts"]
    return named


def test_the_season_ends_well(season, planned):
    """The example of the help text plays the whole season: exit 0, every slot that has a time is published."""
    assert season.done.code == 0, season.done.err
    assert f"{len(planned)} published" in season.done.err
    told = [line.split() for line in season.done.out.splitlines() if " published " in line]
    assert [words[0] for words in told] == [item["slot"] for item in planned]


def test_every_slot_is_on_its_timeline_once(season, planned, receipts, messages):
    """Each part of each slot exists on its network exactly once, with the text that `preview` shows."""
    assert set(receipts) == {item["slot"] for item in planned}
    held = {(post["network"], post["id"]): post for post in season.journal()}
    named = [(item["network"], part["id"]) for item in planned for part in receipts[item["slot"]]]
    assert sorted(named) == sorted(held)
    for item in planned:
        texts = [held[item["network"], part["id"]]["text"] for part in receipts[item["slot"]]]
        assert texts == [part["text"] for part in messages[item["slot"]]["parts"]]


def test_every_payload_is_the_one_that_preview_names(season, planned, messages, records_of):
    """Whatever the network and the media: the hash that the archive promises is the one that a reviewer saw."""
    records = records_of(f"dir:{season.home}/.drumbeat/rehearsal/archive")
    pins = sorted((folder, record["pin"]["payload"]) for folder, ledger in records.items() for record in ledger
                  if record["pin"])
    wanted = {Slot.parse(item["slot"]): messages[item["slot"]]["payload"] for item in planned}
    assert pins == sorted((f"v1/ledger/{slot.folder}", payload) for slot, payload in wanted.items())


def test_posts_stand_in_order_at_their_own_minute(season, planned, receipts):
    """On each timeline the slots follow one another as planned, each at the minute it was due."""
    made = {(post["network"], post["id"]): post["created_at"] for post in season.journal()}
    for network, items in groupby(sorted(planned, key=lambda item: item["network"]), key=lambda item: item["network"]):
        at = [(item["at"], made[network, receipts[item["slot"]][0]["id"]]) for item in items]
        assert [f"{datetime.fromisoformat(there):%Y-%m-%dT%H:%M}" for _, there in at] == [due[:16] for due, _ in at]
        assert [due for due, _ in at] == sorted(due for due, _ in at)
    order = [post["id"] for post in season.journal() if post["network"] == "x"]
    assert order == [part["id"] for item in planned if item["channel"] == "x" for part in receipts[item["slot"]]]


def test_media_arrive_with_their_words(season, planned, receipts, messages):
    """Each image that `preview` names is on the timeline, byte for byte, with its alt text."""
    held = {(post["network"], post["id"]): post["media"] for post in season.journal()}
    with_media = 0
    for item in planned:
        message = messages[item["slot"]]
        expected = [(hashlib.sha256((season.home / "content" / media["file"]).read_bytes()).hexdigest(), media["alt"])
                    for media in message["media"]]
        there = [(media["sha256"], media["alt"]) for part in receipts[item["slot"]]
                 for media in held[item["network"], part["id"]]]
        assert there == expected
        with_media += bool(there)
    assert with_media >= 8


def test_threads_hang_together(season, receipts):
    """Each part of a thread is the child of the part before it; a first part is nobody's."""
    parents = {(post["network"], post["id"]): post["parent"] for post in season.journal()}
    threads = 0
    for slot, parts in receipts.items():
        channel = slot.partition("@")[2].partition("#")[0]
        network = NETWORKS.get(channel, channel)
        assert [parents[network, part["id"]] for part in parts] == [None, *(part["id"] for part in parts[:-1])]
        threads += len(parts) > 1
    assert threads >= 3


def test_the_archive_holds(season, drumbeat):
    """`archive verify` finds every chain, payload and file whole."""
    done = drumbeat("archive", "verify", "--json", cwd=season.home)

    assert (done.code, done.json["ok"], done.json["findings"]) == (0, True, [])
    assert done.json["slots"] > 20


def test_prefect_shows_the_shift(season, planned):
    """Prefect holds one Completed flow run with a task run per slot, named and tagged, and a table of them all."""
    database = sqlite3.connect(season.home / ".drumbeat/rehearsal/prefect/prefect.db")
    flows = database.execute("select id, name, state_type from flow_run").fetchall()
    tasks = database.execute("select name, state_type, state_name, tags, flow_run_id from task_run").fetchall()
    artifacts = database.execute("select key, type, data from artifact").fetchall()
    database.close()

    ((id, name, state),) = flows
    assert (name, state) == ("shift until 2027-04-20T00:00:00Z", "COMPLETED")
    assert sorted((task, kind, state) for task, kind, state, _, _ in tasks) == sorted(
        (item["slot"], "COMPLETED", "Published") for item in planned)
    assert {flow for *_, flow in tasks} == {id}
    tags = {task: set(json.loads(tags)) for task, _, _, tags, _ in tasks}
    assert tags["spring-mend/launch@x#1"] == {"channel:x", "network:x", "campaign:spring-mend"}
    ((key, kind, data),) = artifacts
    table = json.loads(json.loads(data))
    assert (key, kind, len(table)) == ("shift", "table", len(planned))
    assert {row["state"] for row in table} == {"published"}
    assert not (season.home / ".drumbeat/prefect").exists()         # what is real is shown there


def test_the_same_command_again_publishes_nothing(season, drumbeat, season_words, prefect_server, free_port):
    """Played a second time, the season finds everything out: nothing is sent twice."""
    before = season.journal()

    done = drumbeat(*season_words, "--speed", "2000000", "--port", str(free_port()), "--json", cwd=season.home,
                    env=prefect_server.environment)

    assert done.code == 0, done.err
    assert {slot["state"] for slot in done.json["slots"]} == {"published", "planned"}
    assert season.journal() == before
    assert json.loads(json.dumps(done.json["counts"])) == done.json["counts"]


def test_an_archive_on_s3_holds_the_same(season, drumbeat, season_words, prefect_server, free_port, s3, records_of,
                                         sample, monkeypatch):
    """The same season with its archive on S3 leaves the same records as in a directory."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    archive = f"s3://{s3.bucket()}/club/social"

    done = drumbeat(*season_words, "--speed", "2000000", "--port", str(free_port()), "--archive", archive, cwd=sample,
                    env=prefect_server.environment | s3.environment())

    def neutral(url: str) -> dict[str, list[dict]]:
        made = re.sub(r"http://127\.0\.0\.1:\d+", "http://rehearsal", json.dumps(records_of(url)))
        return {slot: [{**record, "worker": None} for record in ledger] for slot, ledger in json.loads(made).items()}

    assert done.code == 0, done.err
    assert neutral(archive) == neutral(f"dir:{season.home}/.drumbeat/rehearsal/archive")
    verified = drumbeat("archive", "verify", "--archive", archive, "--json", cwd=sample, env=s3.environment())
    assert (verified.code, verified.json["ok"]) == (0, True)


@pytest.fixture
def small(content_folder) -> Path:
    """One post."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=datetime(2027, 3, 1, 12, tzinfo=UTC))
    folder.commit()
    return folder.home


@pytest.mark.parametrize("signals", [1, 3])
def test_ctrl_c_stops_everything(small, start, free_port, children, ended, signals):
    """Without --until it goes on until Ctrl-C, pressed once or in haste; ten seconds later no process is left."""
    running = start("up", "--rehearse", "--speed", "2000000", "--port", str(free_port()), cwd=small)
    running.wait_for(r"published posts/hello@mastodon#1")
    running.wait_for(r"The season is over")
    family = children(running.process.pid)

    for _ in range(signals - 1):
        running.process.send_signal(signal.SIGINT)
    done = running.end(signal.SIGINT, patience_s=10)

    assert done.code == 0, done.err
    assert len(family) >= 3
    assert ended(family, 0) == []
    assert "posts/hello@mastodon#1  published" in done.out


def test_the_terminal_hears_of_plans_and_holds(content_folder, start, drumbeat, prefect_server, free_port):
    """While it runs: what is held and that it goes on, a plan that is not taken and one that is; each in one line."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=datetime(2027, 3, 1, 12, tzinfo=UTC))
    folder.commit()
    drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-01 07:00", cwd=folder.home)
    drumbeat("hold", "--channel", "mastodon", "--by", "Ilse", "--reason", "a storm", "--now", "2027-03-01 07:30",
             cwd=folder.home)

    running = start("up", "--rehearse", "--speed", "60", "--clock", "2027-03-01 08:00", "--port", str(free_port()),
                    cwd=folder.home, env=prefect_server.environment)
    running.wait_for(r"^held: the channel mastodon, by Ilse: a storm\. 'drumbeat resume --channel mastodon --by NAME'")
    drumbeat("resume", "--channel", "mastodon", "--by", "Ilse", cwd=folder.home)
    running.wait_for(r"^goes on: the channel mastodon, by Ilse; held by Ilse: a storm")
    folder.write("networks/channels.yaml", "channels: [\n")
    broken = folder.commit()
    running.wait_for(rf"^plan rejected: commit {broken[:10]}, .*Run 'drumbeat check', mend it and commit\.")
    folder.write("networks/channels.yaml", CHANNELS)
    folder.post("again", "Again!", at=datetime(2027, 3, 1, 18, tzinfo=UTC))
    mended = folder.commit()
    running.wait_for(rf"^plan accepted: commit {mended[:10]}, 2 posts")
    done = running.end()

    assert done.code == 0, done.err
    notes = [line for line in done.err.splitlines() if re.match("plan |held: |goes on: ", line)]
    assert len(notes) == len(set(notes)) == 4
    assert "KeyError" not in "".join(log.read_text() for log in (folder.home / ".drumbeat/rehearsal").glob("*.log"))


def test_a_start_with_a_commit_that_is_no_plan_goes_by_the_last_good_one(content_folder, start, drumbeat,
                                                                          prefect_server, free_port):
    """It says so once, and counts what goes out: not what could be read of the commit that is not taken."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=datetime(2027, 3, 1, 12, tzinfo=UTC))
    folder.post("later", "Later!", at=datetime(2027, 3, 5, 12, tzinfo=UTC))
    good = folder.commit()
    drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-01 07:00", cwd=folder.home)
    folder.write("networks/channels.yaml", "channels: [\n")
    broken = folder.commit()

    running = start("up", "--rehearse", "--speed", "2000000", "--port", str(free_port()), cwd=folder.home,
                    env=prefect_server.environment)
    running.wait_for(r"published posts/later@mastodon#1")
    running.wait_for(r"The season is over on 2027-03-06")
    done = running.end()

    assert done.code == 0, done.err
    told = [line for line in done.err.splitlines() if re.search("commit [0-9a-f]{10}|remedy:|problem", line)]
    assert (re.sub(r", content/.*cannot be read.*?(?= The plan)", ", …", told[0]), *told[1:]) == (
        f"plan rejected: commit {broken[:10]}, … The plan of commit {good[:10]} stays in force.",
        "  remedy: Run 'drumbeat check', mend it and commit.",
        f"content/ at commit {good[:10]}: 2 posts, 2 slots with a time (a slot is one post on one channel), 0 waiting.")


def test_without_any_good_plan_nothing_is_started(content_folder, drumbeat, free_port):
    """The only commit is no plan: it says why, and neither that an older plan goes on nor that all went out."""
    folder = content_folder("broken")
    folder.write("networks/channels.yaml", "channels: [\n")
    folder.commit()

    done = drumbeat("up", "--rehearse", "--port", str(free_port()), cwd=folder.home)

    what, *remedy = done.err.splitlines()
    assert (done.code, done.out) == (1, "")
    assert what.startswith("error: content/networks/channels.yaml:2:1: cannot be read: ")
    assert remedy == ["  remedy: Run 'drumbeat check', mend it and commit."]
    assert not (folder.home / ".drumbeat/rehearsal").exists()


@pytest.mark.parametrize("when", ["before Prefect is up", "when Prefect is up"])
def test_children_end_with_a_killed_supervisor(small, start, free_port, children, ended, when):
    """After kill -9 of `up` its children notice, and end by themselves."""
    port = free_port()
    running = start("up", "--rehearse", "--speed", "2000000", "--port", str(port), cwd=small)
    running.wait_for(r"published posts/hello@mastodon#1")
    if when == "when Prefect is up":
        wait_for_port(port)
    family = children(running.process.pid)

    running.end(signal.SIGKILL)

    assert len(family) >= 3
    assert ended(family, 60) == []


def wait_for_port(port: int) -> None:
    """Returns when somebody listens, a minute from now at the latest."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        select.select([], [], [], 0.05)
    raise AssertionError("Prefect's server never came up")


@pytest.mark.parametrize(("distance", "whose"), [(0, "Prefect"), (80, "the rehearsal")])
def test_an_occupied_port_is_named(small, drumbeat, free_port, distance, whose):
    """A port that somebody else has stops the command at once, with its number and another to try, which is free with
    all that `up` takes above it.
    """
    port = free_port()
    with socket.socket() as other, socket.socket() as neighbour:
        other.bind(("127.0.0.1", port + distance))
        other.listen()
        if distance:
            with suppress(OSError):                               # taken by somebody else is as good
                neighbour.bind(("127.0.0.1", port + 100 + 81))
                neighbour.listen()
        done = drumbeat("up", "--rehearse", "--port", str(port), cwd=small)

    assert (done.code, done.out) == (3, "")
    proposed = re.search(r"--port (\d+)\.$", done.err)
    assert proposed, done.err
    assert done.err.splitlines() == [
        f"error: Port {port + distance}, where {whose} would listen, is taken by another program.",
        f"  remedy: Stop it, or choose another: --port {proposed[1]}."]
    more = int(proposed[1]) - port
    assert more > 100 or distance == 0
    assert more % 100 == 0
    assert all(is_free(int(proposed[1]) + above) for above in (0, 80, 81))


def test_pretend_time_is_for_rehearsals(small, drumbeat):
    """A clock that runs fast is refused where real networks would hear of it."""
    done = drumbeat("up", "--speed", "100", cwd=small)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --clock and --speed are pretend time")


def test_modules_in_the_current_folder_are_not_run(small, start, free_port):
    """Python files beside the content are none of ours: no child imports them, nor reads settings there."""
    for name in ("click", "prefect", "sitecustomize", "json", "flows"):
        (small / f"{name}.py").write_text(f"open('/proc/self/cwd/{name}.ran', 'w').close()\n")
    (small / ".env").write_text("PREFECT_LOGGING_LEVEL=DEBUG\nDRUMBEAT_ARCHIVE=dir:elsewhere\n")

    running = start("up", "--rehearse", "--speed", "2000000", "--port", str(free_port()), cwd=small)
    running.wait_for(r"published posts/hello@mastodon#1")
    running.wait_for(r"The season is over")
    running.end()

    assert list(small.rglob("*.ran")) == []
    assert not (small / "elsewhere").exists()
    logs = "".join(log.read_text() for log in (small / ".drumbeat/rehearsal").glob("*.log"))
    assert "Traceback" not in logs
