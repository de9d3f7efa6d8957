"""What stands on Prefect's server by our doing, and what it then does by itself: data first, then a real server."""
import asyncio
import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import anyio
import httpx
import pytest
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, DoNothing, RunDeployment, SendNotification
from prefect.events.schemas.automations import AutomationCore, Posture
from prefect.server.utilities.user_templates import render_user_template_sync, validate_user_template
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.workers.process import ProcessWorker, ProcessWorkerResult

from flows.announce import ALONE, TOGETHER, TOLD
from flows.ask import without_credentials
from flows.automate import ALARMS, GONE, MARK, PREFIX, automations
from flows.close import SHIFT, ends_at
from flows.deploy import apply_deployments, deployments, ensure_pool
from flows.edges.prefect_server import HEARTBEAT_S, settings
from flows.publish import checked
from flows.serve import asked
from infra.sharing import SharingWorker
from schemas.errors import SettingsError, UsageError

PATIENCE_S = 60.0
IDS = {name: UUID(int=number) for number, name in enumerate(("publish-1", "sync", "reconcile", "audit"), 1)}
BLOCK = UUID(int=99)
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def by_name(blocks: tuple[UUID, ...] = ()) -> dict[str, AutomationCore]:
    return {one.name.removeprefix(PREFIX): one for one in automations(IDS, blocks)}


# --- deployments as data ----------------------------------------------------------------------------------------------


def test_what_is_deployed_for_workers():
    """A shift for each shard every hour, and what looks after them."""
    assert [(one.name, one.entrypoint, one.crontab, one.at_once, dict(one.parameters))
            for one in deployments(2, publish=True, look=True)] == [
        ("publish-1", "flows.publish.publish", "0 * * * *", None, {"shard": "1/2"}),
        ("publish-2", "flows.publish.publish", "0 * * * *", None, {"shard": "2/2"}),
        ("sync", "flows.sync.sync", "*/10 * * * *", 1, {}),
        ("reconcile", "flows.reconcile.reconcile", "*/15 * * * *", 1, {}),
        ("audit", "flows.audit.audit", "17 4 * * *", 1, {})]


def test_beside_a_sender_nothing_is_sent_or_looked_up():
    """Where `up` has its own sender, no shift is deployed, and reconcile opens no account."""
    assert [(one.name, dict(one.parameters)) for one in deployments(4, publish=False, look=False)] == [
        ("sync", {}), ("reconcile", {"look": False}), ("audit", {})]


def test_one_shift_hands_over_to_the_next():
    """A shift lasts longer than the schedule's hour; one whose hour is over when it is taken ends at once."""
    assert timedelta(hours=1) < SHIFT
    assert ends_at({}, NOON) == NOON + SHIFT
    assert ends_at({"until": "2027-03-01T14:00:00+01:00"}, NOON) == NOON + timedelta(hours=1)


@pytest.mark.parametrize("until", ["tomorrow", "2027-03-01T12:00:00", "<b>", "2027-13-01T00:00:00Z",
                                   "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-12:00"])
def test_a_time_that_is_none_is_refused(until):
    """No text can stand where a time belongs (threats, D4)."""
    with pytest.raises(UsageError, match="until is no time"):
        ends_at({"until": until}, NOON)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/2; rm", ""])
def test_a_shard_that_is_none_is_refused(shard):
    """Only a part of a whole is taken."""
    with pytest.raises(UsageError, match="shard is no part"):
        checked(shard)


def test_commands_that_open_no_account_get_no_credential():
    """Of our variables only settings are passed on."""
    environment = {"PATH": "/bin", "DRUMBEAT_ARCHIVE": "dir:a", "DRUMBEAT_X_API_SECRET": "s", "DRUMBEAT_NOTIFY": "s"}

    assert without_credentials(environment) == {"PATH": "/bin", "DRUMBEAT_ARCHIVE": "dir:a"}


@pytest.mark.parametrize(("name", "value", "words"), [
    ("DRUMBEAT_SHARDS", "0", "DRUMBEAT_SHARDS"), ("DRUMBEAT_SHARDS", "65", "DRUMBEAT_SHARDS"),
    ("DRUMBEAT_WORK_POOL", "a/b", "DRUMBEAT_WORK_POOL"), ("PREFECT_API_URL", "", "No Prefect server")])
def test_a_setting_that_cannot_be_used_is_named(monkeypatch, name, value, words):
    """What is wrong is said before the server is asked."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=words):
        asked([])


# --- automations as data ----------------------------------------------------------------------------------------------


def test_a_shift_without_heartbeats_counts_as_crashed():
    """Three heartbeats missed, and a minute more, make a shift crashed; only shifts, and each by itself."""
    one = by_name()["a shift without a heartbeat has crashed"]

    assert timedelta(seconds=4 * HEARTBEAT_S) == GONE == one.trigger.within
    assert (one.trigger.posture, one.trigger.threshold, one.trigger.for_each) == (
        Posture.Proactive, 1, {"prefect.resource.id"})
    assert one.trigger.after == {"prefect.flow-run.heartbeat"}
    assert one.trigger.expect == {"prefect.flow-run.heartbeat", *(
        f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed"))}
    assert one.trigger.match_related.root == {"prefect.resource.role": "flow", "prefect.resource.name": "publish"}
    (action,) = one.actions
    assert isinstance(action, ChangeFlowRunState)
    assert action.state is StateType.CRASHED


def test_a_crashed_shift_is_followed_by_another():
    """Whoever says so, a crash of a deployed shift starts the same deployment again, and not at once."""
    one = by_name()["publish-1 goes on"]

    assert one.trigger.expect == {"prefect.flow-run.Crashed", "drumbeat.shift.stopped"}
    assert one.trigger.match_related.root == {"prefect.resource.id": f"prefect.deployment.{IDS['publish-1']}"}
    (action,) = one.actions
    assert isinstance(action, RunDeployment)
    assert (action.deployment_id, action.schedule_after, action.parameters) == (
        IDS["publish-1"], timedelta(seconds=30), None)


def test_words_go_out_once_for_a_thing_and_a_reason():
    """Every alarm about a slot, a plan or a channel is told once a day for each thing and reason."""
    for name, one in by_name((BLOCK,)).items():
        if not isinstance(one.actions[0], SendNotification):
            continue
        if name == "a shift crashed":
            assert one.trigger.for_each == {"related:deployment:prefect.resource.id"}
            continue
        assert one.trigger.for_each == {"prefect.resource.id", "drumbeat.reason"}
        if one.trigger.expect & {f"drumbeat.{event}" for event in (
                "post.failed", "post.held", "post.unknown", "post.missed", "post.overdue", "post.many", "plan.rejected",
                "channel.silent", "credential.ending", "content.unreachable", "content.reachable")}:
            assert one.trigger.within == timedelta(days=1), name
    heard = set().union(*(alarm.events for alarm in ALARMS))
    assert {"drumbeat.gate.changed", "drumbeat.channel.paused", "drumbeat.channel.resumed",
            "prefect.flow-run.Crashed"} <= heard


def test_without_addresses_prefect_only_notes():
    """The automations are there and do nothing, so that an address given later changes them and makes no others."""
    quiet, loud = by_name(), by_name((BLOCK,))

    assert quiet.keys() == loud.keys()
    assert [type(quiet[alarm.name].actions[0]) for alarm in ALARMS] == [DoNothing] * len(ALARMS)
    assert all(one.tags == [MARK] for one in loud.values())


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_words_hold_nothing_live(alarm):
    """However an event reads, a message is short and has no tag, mention or line of a stranger's (threats, F2)."""
    evil = "<!channel> <@U1> `x` @everyone @here\nApprove: yes " + "x" * 5_000
    payload = dict.fromkeys(("reason", "why", "next", "remedy", "commit", "state"), evil)
    event = SimpleNamespace(event=alarm.events[0], payload=payload,
                            resource=SimpleNamespace(name="posts/a@x#1\n<!here>", id="drumbeat.slot.posts/a@x#1"))
    (action,) = by_name((BLOCK,))[alarm.name].actions
    assert isinstance(action, SendNotification)
    validate_user_template(action.body)

    said = [render_user_template_sync(text, {"event": event}) for text in (action.subject, action.body)]

    assert not any(bad in text for text in said for bad in ("<", ">", "`", "@everyone", "@here"))
    assert len(said[0]) < 350
    assert len(said[1].splitlines()) == 3
    assert len(said[1]) < 1_200


def test_a_message_names_slot_reason_and_step():
    """An operator reads which slot, why, and what to do now."""
    (action,) = by_name((BLOCK,))["a post failed"].actions
    assert isinstance(action, SendNotification)
    event = SimpleNamespace(event="drumbeat.post.failed", payload={"reason": "too long", "next": "Shorten it."},
                            resource=SimpleNamespace(name="posts/a@x#1", id="drumbeat.slot.posts/a@x#1"))

    said = [render_user_template_sync(text, {"event": event}) for text in (action.subject, action.body)]

    assert said == ["Drumbeat. Failed: posts/a@x#1",
                    "too long\nShorten it.\nIts whole story: drumbeat why posts/a@x#1"]


# --- with a real server -----------------------------------------------------------------------------------------------


class Server:
    """Our embedded server in a folder of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.database = home, home / "prefect.db"
        self.environment = settings(home, port)
        with (home / "log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.edges.prefect_server"], stdin=subprocess.PIPE, stdout=log,
                stderr=log, cwd=home, env={**os.environ, **self.environment})
        eventually(self._is_healthy)

    def _is_healthy(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.environment['PREFECT_API_URL']}/health").is_success
        return False

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as database:
            return database.execute(sql).fetchall()

    def post(self, path: str, body: Any) -> Any:
        answer = self._call("POST", path, json=body)
        return answer.json() if answer.content else None

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        def sent() -> list[httpx.Response]:
            answer = httpx.request(method, f"{self.environment['PREFECT_API_URL']}{path}", **more)
            return [] if answer.status_code == 503 else [answer]    # its database is busy for a moment

        (answer,) = eventually(sent)
        assert isinstance(answer, httpx.Response)
        return answer.raise_for_status()

    def emit(self, event: str, id: str, payload: dict[str, Any], reason: str = "", told: str = ALONE) -> None:
        self.post("/events", [{
            "id": str(uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": event, "related": [],
            "resource": {"prefect.resource.id": id, "prefect.resource.name": id.split(".", 2)[2],
                         "drumbeat.reason": reason, TOLD: told}, "payload": payload}])

    def stands(self) -> dict[str, dict[str, str]]:
        """What of ours and others' is there: ids by name."""
        return {table: dict(self.rows(f"select name, id from {table}")) for table in (
            "deployment", "automation", "work_pool", "block_document")}


def eventually(is_so: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """What `is_so` gives, once that is something."""
    deadline = time.monotonic() + within_s
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it never came to be"
        select.select([], [], [], 0.1)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory, free_port) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("server"), free_port())
    yield one
    one.end()


def apply(server: Server, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-m", "flows.serve", "--apply", *words], text=True, check=False,
                          capture_output=True, cwd=server.home, timeout=PATIENCE_S,
                          env={**os.environ, **server.environment, **environment})


@pytest.mark.slow
def test_the_same_twice_changes_nothing_and_others_stay(server):
    """Applied again, everything has its ids; what we no longer want is gone; what others made is as it was.

    A shift is started at once, once.
    """
    foreign = {"name": f"{PREFIX}not ours", "actions": [{"type": "do-nothing"}], "tags": ["theirs"],
               "trigger": {"type": "event", "expect": ["x"], "posture": "Reactive", "threshold": 1, "within": 0}}
    server.post("/automations/", foreign)
    flow = server.post("/flows/", {"name": "publish"})["id"]
    server.post("/deployments/", {"name": "publish-9", "flow_id": flow, "tags": ["theirs"]})

    last_written = "select id, updated from automation union select id, updated from deployment_schedule order by 1"
    assert apply(server, DRUMBEAT_SHARDS="2", DRUMBEAT_NOTIFY="http://127.0.0.1:9/planted-hook-1").returncode == 0
    first, written = server.stands(), server.rows(last_written)
    assert apply(server, DRUMBEAT_SHARDS="2", DRUMBEAT_NOTIFY="http://127.0.0.1:9/planted-hook-1").returncode == 0
    second, written_again = server.stands(), server.rows(last_written)
    assert apply(server, DRUMBEAT_NOTIFY="json://127.0.0.1:9/planted-hook-2").returncode == 0
    third = server.stands()

    assert set(first["deployment"]) == {"publish-1", "publish-2", "publish-9", "sync", "reconcile", "audit"}
    assert first == second
    assert written == written_again
    assert set(third["deployment"]) == set(first["deployment"]) - {"publish-2"}
    assert third["deployment"].items() <= first["deployment"].items()
    assert set(first["automation"]) - set(third["automation"]) == {f"{PREFIX}publish-2 goes on"}
    assert third["automation"].items() <= first["automation"].items()
    assert f"{PREFIX}not ours" in third["automation"]
    assert len([name for name in third["block_document"] if name.startswith("drumbeat-")]) == 1
    started = server.rows("select count(*) from flow_run where auto_scheduled = 0 and name not like 'shift%'")
    assert started[0][0] <= 2
    eventually(lambda: server.rows("select 1 from flow_run where auto_scheduled = 1"))


@pytest.mark.slow
def test_what_two_made_at_the_same_time_is_told_once(server):
    """An automation that stands there twice would tell everything twice: one of the two goes, and stays gone."""
    assert apply(server).returncode == 0
    (one,) = [one for one in server.post("/automations/filter", {"limit": 200})
              if one["name"] == f"{PREFIX}a post failed"]
    server.post("/automations/", {name: one[name] for name in ("name", "description", "tags", "trigger", "actions")})

    assert apply(server).returncode == 0

    names = [one["name"] for one in server.post("/automations/filter", {"limit": 200})]
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_no_address_or_token_is_kept_in_the_clear(server):
    """Addresses of notifications are encrypted; no file of Prefect's holds them or a credential (threats, D1)."""
    done = apply(server, "--notify", "http://127.0.0.1:9/?token=planted-3", DRUMBEAT_X_API_SECRET="planted-4",
                 DRUMBEAT_NOTIFY="mailto://me:planted-5@mail.example")

    assert done.returncode == 0, done.stderr
    kept = b"".join(file.read_bytes() for file in server.home.rglob("*") if file.is_file())
    assert b"drumbeat-notify-1" in kept
    assert b"planted-" not in kept + (done.stdout + done.stderr).encode()


@pytest.mark.slow
@pytest.mark.parametrize(("address", "words"), [
    ("nowhere", "none that Prefect can send to"), ("slack-webhook/gone", "Prefect has none"),
    ("bogus://x", "none that Prefect can send to")])
def test_an_address_that_is_none_is_refused(server, address, words):
    """It is told without being printed: an address may hold a secret."""
    done = apply(server, DRUMBEAT_NOTIFY=address)

    assert done.returncode == 3
    assert words in done.stderr
    assert "remedy:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_serving_ends_when_it_is_told_to(server, name):
    """A signal ends it within seconds, with exit code 0 and no warning of Prefect's own handler."""
    apply(server, "--no-publish")
    for id in server.stands()["deployment"].values():                # of workers: those it would leave to them
        server.delete(f"/deployments/{id}")
    with subprocess.Popen([sys.executable, "-P", "-m", "flows.serve", "--no-publish"], stdin=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE, cwd=server.home,
                          env={**os.environ, **server.environment}) as serving:
        assert serving.stderr is not None
        said = ""
        while "serving sync, reconcile, audit" not in said:
            said += serving.stderr.readline()
        eventually(lambda: server.rows("select 1 from flow_run where state_name = 'Scheduled'"))
        serving.send_signal(getattr(signal, name))
        code, said = serving.wait(PATIENCE_S), said + serving.stderr.read()

    assert code == 0, said
    assert "Warning" not in said
    assert "Traceback" not in said


class Still(ProcessWorker):
    """Starts no process: what it took it has until it is over."""

    type = "still"

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self.over, self.ran = anyio.Event(), dict[UUID, UUID | None]()

    async def run(self, flow_run, configuration, task_status=None):
        assert task_status is not None
        self.ran[flow_run.id] = flow_run.deployment_id
        task_status.started(1)
        await self.over.wait()
        return ProcessWorkerResult(identifier="1", status_code=0)


class Sharing(SharingWorker, Still):
    type = "still and sharing"
    patience_s = 0.5


@pytest.mark.slow
def test_shifts_spread_evenly_over_workers_and_outlive_one(server):
    """Three shifts, three workers that may take four each: one each, whoever looks first.

    Of a worker that is gone another takes the shift over; what is no shift is taken at once.
    """
    async def shifts(client: PrefectClient, *names: str) -> None:
        for name in names:
            await client.create_flow_run_from_deployment(made[name])

    async def looks(one: Sharing) -> list[str]:
        """What it took by this look."""
        before = set(one.ran)
        taken = {run.id for run in await one.get_and_submit_flow_runs()}
        with anyio.fail_after(PATIENCE_S):
            while not taken <= one.ran.keys():
                await anyio.sleep(0.02)
        return sorted(names[id] for run, id in one.ran.items() if run not in before and id is not None)

    async def spread() -> None:
        nonlocal made, names
        async with get_client() as client, AsyncExitStack() as stack:
            await ensure_pool("spread", client)
            made = await apply_deployments(deployments(3, publish=True, look=True), "spread", client)
            names = {id: name for name, id in made.items()}
            one, two, three = [await stack.enter_async_context(Sharing("spread", name=name, limit=4))
                               for name in ("one", "two", "three")]
            for worker in (one, two, three):
                await worker.sync_with_backend()

            await shifts(client, "publish-1", "publish-2", "publish-3", "audit")
            first = await looks(one)
            assert first[0] == "audit"
            assert sorted([*first[1:], *await looks(two), *await looks(three)]) == [
                "publish-1", "publish-2", "publish-3"]
            assert (len(one.ran), len(two.ran), len(three.ran)) == (2, 1, 1)

            three.over.set()
            (lost,) = (names[id] for id in three.ran.values() if id is not None)
            await shifts(client, lost)
            assert await looks(one) == []
            with anyio.fail_after(PATIENCE_S):
                while not (taken := await looks(one)):
                    await anyio.sleep(0.1)
            assert taken == [lost]
            for worker in (one, two):
                worker.over.set()

    made: dict[str, UUID] = {}
    names: dict[UUID, str] = {}
    with temporary_settings({PREFECT_API_URL: server.environment["PREFECT_API_URL"],
                             PREFECT_LOGGING_TO_API_ENABLED: False}):
        asyncio.run(spread())


def test_a_server_that_is_not_there_is_said(tmp_path):
    """No traceback, and what to do."""
    done = subprocess.run([sys.executable, "-P", "-m", "flows.serve", "--apply"], text=True, capture_output=True,
                          check=False, cwd=tmp_path, timeout=PATIENCE_S,
                          env={**os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api"})

    assert done.returncode == 3
    assert done.stderr.startswith("error: Prefect's server does not answer")


class Hook(BaseHTTPRequestHandler):
    """Somebody's webhook: keeps what it gets."""

    heard: list[dict[str, str]]

    def do_POST(self) -> None:
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    heard: list[dict[str, str]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Ours", (Hook,), {"heard": heard})) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/hook", heard
        listening.shutdown()
        thread.join()


@pytest.fixture
def served(live, just_now, hook, tmp_path, free_port) -> Iterator[Server]:
    """A server of its own, and `serve` as one machine runs it: a club with a post that is due."""
    live.folder.post("hello", "Planted words of a post.", at=just_now)
    live.folder.commit()
    home = tmp_path / "prefect"
    home.mkdir()
    one = Server(home, free_port())
    environment = {**os.environ, **one.environment, "DRUMBEAT_CONTENT": str(live.folder.path),
                   "DRUMBEAT_ARCHIVE": live.archive, "DRUMBEAT_NOTIFY": hook[0],
                   "DRUMBEAT_MASTODON_ACCESS_TOKEN": "rehearsal:@mill",
                   "DRUMBEAT_MASTODON_BASE_URL": live.networks.address("mastodon")}
    with (home / "serve.log").open("w") as log:
        serving = subprocess.Popen([sys.executable, "-P", "-m", "flows.serve"], stdin=subprocess.PIPE, stdout=log,
                                   stderr=log, cwd=home, env=environment)
    yield one
    assert serving.stdin is not None
    serving.stdin.close()
    code = serving.wait(PATIENCE_S)
    one.end()
    assert code == 0, (home / "serve.log").read_text()


@pytest.mark.slow
def test_a_served_club(served, live, hook):
    """One machine, no hand: a shift publishes, a push starts sync, a failure reaches a webhook once for each reason.

    What looks like a template in a reason is words; of many failures one message tells.
    A shift that is killed is shown as crashed, told, and followed by another. Nothing secret is kept.
    """
    def states(flow: str) -> list[str]:
        return [state for (state,) in served.rows(
            "select state_name from flow_run where flow_id = (select id from flow where name = "
            f"'{flow}') and auto_scheduled = 0 order by created")]

    eventually(lambda: served.rows("select 1 from task_run where name = 'posts/hello@mastodon#1' "
                                   "and state_name = 'Published'"))
    assert [post["calls"] for post in live.posts()] == [1]

    served.emit("drumbeat.content.pushed", "drumbeat.content.main", {"commit": "1" * 40})
    eventually(lambda: states("sync") == ["Completed"])
    assert {"plan", "calendar", "gates"} <= {key for (key,) in served.rows("select key from artifact")}

    for reason in ("one", "one", "two"):
        served.emit("drumbeat.post.failed", "drumbeat.slot.posts/bad@x#1", {"reason": f"<b>{reason}"}, reason)
    eventually(lambda: len(hook[1]) >= 2)
    assert [(one["subject"], one["body"].splitlines()[0]) for one in hook[1]] == [
        ("Drumbeat. Failed: posts/bad@x#1", "‹b›one"), ("Drumbeat. Failed: posts/bad@x#1", "‹b›two")]

    server_words = "{{ address }} {{ event }} {{ prefect.blocks.secret.x }} {% for x in range(9) %}{{ x }}{% endfor %}"
    served.emit("drumbeat.post.held", "drumbeat.slot.posts/evil@x#1", {"reason": server_words}, "evil")
    served.emit("drumbeat.post.held", "drumbeat.slot.posts/one-of-many@x#1", {"reason": "x"}, "x", TOGETHER)
    served.emit("drumbeat.post.many", "drumbeat.slots.many", {"count": "990", "reason": "990 failed."}, "y")
    eventually(lambda: len(hook[1]) >= 4)
    assert [(one["subject"], one["body"].splitlines()[0]) for one in hook[1][2:]] == [
        ("Drumbeat. Waits for a person: posts/evil@x#1", server_words),
        ("Drumbeat. 990 more posts to look at", "990 failed.")]

    (labels,) = served.rows("select labels from flow_run where state_name = 'Running' and name like 'shift until%'")
    os.kill(int(json.loads(labels[0])["drumbeat.worker"].split("/")[1]), signal.SIGKILL)
    eventually(lambda: states("publish")[0] == "Crashed")
    eventually(lambda: any(one["subject"].startswith("Drumbeat. Crashed: shift until") for one in hook[1]))
    eventually(lambda: states("publish")[1:] == ["Running"])
    assert [post["calls"] for post in live.posts()] == [1]

    kept = b"".join(file.read_bytes() for file in served.home.rglob("*") if file.is_file())
    for secret in (b"rehearsal:@mill", hook[0].encode(), b"Planted words"):
        assert secret not in kept


# --- the command ------------------------------------------------------------------------------------------------------


def command(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("DRUMBEAT_", "PREFECT_"))}
    return subprocess.run([sys.executable, "-P", "-m", "flows.cli", "serve", *words], cwd=home, text=True, check=False,
                          capture_output=True, timeout=PATIENCE_S, env={**plain, **environment})


def test_the_command_needs_a_server(content_folder):
    """Without an address it says which setting to set, and starts nothing."""
    folder = content_folder()

    done = command(folder.home, "--apply")

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: No Prefect server is named.")


def test_the_command_refuses_what_is_no_address(content_folder):
    """An address with a space or a control character in it is none."""
    folder = content_folder()

    done = command(folder.home, "--apply", "--notify", "a b", PREFECT_API_URL="http://127.0.0.1:9/api")

    assert done.returncode == 2
    assert done.stderr.startswith("error: --notify: that is no address.")


def test_the_command_gives_a_server_that_hangs_up_soon(content_folder):
    """One that takes calls and answers none is refused within seconds; Prefect's client alone would ask for minutes."""
    folder = content_folder()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api"

        done = command(folder.home, "--apply", PREFECT_API_URL=address)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == ("error: Prefect's server does not answer (ReadTimeout).\n"
                           "  remedy: Start it, or mend PREFECT_API_URL.\n")


@pytest.mark.slow
def test_the_command_brings_all_to_the_server(server, content_folder):
    """`drumbeat serve --apply` does what its process does, from the folder of the content."""
    folder = content_folder()

    done = command(folder.home, "--apply", **server.environment)

    assert done.returncode == 0, done.stderr
    assert "4 deployments stand on the server" in done.stderr
