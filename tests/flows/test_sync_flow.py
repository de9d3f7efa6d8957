"""What Prefect shows of a push, and what `reconcile` puts straight: flow runs on a real server."""
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flows.deploy import deployments, schema_of

pytestmark = pytest.mark.slow
PATIENCE_S = 60.0
CAMPAIGN = """\
title: Spring
"""


def eventually(is_so: Callable[[], Any]) -> Any:
    """What `is_so` gives, once that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it never came to be"
        select.select([], [], [], 0.1)
    return found


@pytest.fixture(autouse=True)
def answering(prefect_server) -> None:
    """The server answers before a test begins, whichever is the first."""
    def healthy() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{prefect_server.environment['PREFECT_API_URL']}/health").is_success
        return False

    eventually(healthy)


def rows(prefect_server, sql: str, *values: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(prefect_server.database, timeout=PATIENCE_S)) as database:
        return database.execute(sql, values).fetchall()


def start(prefect_server, home, call: str, **more: str) -> subprocess.Popen[str]:
    """`flows.<name>.<name>(…)` as a worker of Prefect runs it, in the folder of the content; it prints its state."""
    name = call.partition("(")[0]
    script = (f"import asyncio\nfrom flows.{name} import {name}\n"
              f"state = asyncio.run({call})\nprint(state.type.value, state.name, state.message)")
    return subprocess.Popen([sys.executable, "-P", "-c", script], cwd=home, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env={**os.environ, **prefect_server.environment, **more})


def run(prefect_server, home, call: str, **more: str) -> str:
    with start(prefect_server, home, call, **more) as process:
        said, errors = process.communicate(timeout=PATIENCE_S)
    assert said, errors
    return said.rstrip("\n")


def events(prefect_server, name: str, resource: str = "%") -> list[dict[str, Any]]:
    """Payloads of the events of that name about that resource."""
    return [json.loads(payload) for (payload,) in rows(
        prefect_server, "select payload from events where event = ? and resource_id like ?", name, resource)]


def test_a_push_is_shown_once(live, prefect_server):
    """Accepted: Completed, a table of problems, the week, the gates, one event. Again: nothing new, and no event.

    A gate of another state than was shown before is told. Rejected: Failed, why, and the last good plan in force.
    The list of runs says by their names which commit was accepted or rejected, and which runs found nothing new.
    """
    soon = datetime.now(UTC) + timedelta(days=1)
    live.folder.post("hello", "Hello!", at=soon, more='"<b>`colour": red\n')
    live.folder.post("fine", "Fine.", at=soon)
    good = live.folder.commit()
    environment = {"DRUMBEAT_ARCHIVE": live.archive}

    seen = len(names(prefect_server))
    first = run(prefect_server, live.home, "sync(return_state=True)", **environment)
    second = run(prefect_server, live.home, "sync(return_state=True)", **environment)

    assert first == f"COMPLETED Completed The plan of commit {good[:12]} is in force."
    assert second == "COMPLETED Completed Nothing new."
    shown = {key: json.loads(json.loads(data)) for key, data in rows(
        prefect_server, "select key, data from artifact where key in ('plan', 'calendar', 'gates') order by created")}
    assert any("‹b›'colour" in row["what"] and row["severity"] == "error" for row in shown["plan"])
    assert not any(bad in json.dumps(shown, ensure_ascii=False) for bad in ("<b>", "`"))
    assert [row["slot"] for row in shown["calendar"]] == ["posts/fine@mastodon#1"]
    assert {row["gate"]: row["state"] for row in shown["gates"]}["STRATEGY"] == "red"
    eventually(lambda: events(prefect_server, "drumbeat.plan.accepted", f"drumbeat.plan.{good}"))

    put_gate(prefect_server, shown["gates"], "STRATEGY", "green")
    live.folder.write("networks/channels.yaml", "channels: [")
    bad = live.folder.commit()
    third = run(prefect_server, live.home, "sync(return_state=True)", **environment)
    fourth = run(prefect_server, live.home, "sync(return_state=True)", **environment)

    assert third.startswith(f"FAILED Rejected Commit {bad[:12]} was rejected: ")
    assert third.endswith(f"The plan of {good[:12]} stays in force.")
    assert fourth.startswith("COMPLETED Still rejected Commit")
    assert names(prefect_server)[seen:] == [
        f"sync {good[:10]} accepted", f"sync {good[:10]} nothing new",
        f"sync {bad[:10]} rejected", f"sync {bad[:10]} still rejected"]
    (gate,) = eventually(lambda: events(prefect_server, "drumbeat.gate.changed", "drumbeat.gate.STRATEGY"))
    assert (gate["was"], gate["state"]) == ("green", "red")
    (told,) = eventually(lambda: events(prefect_server, "drumbeat.plan.rejected", f"drumbeat.plan.{bad}"))
    assert (told["commit"], told["in_force"]) == (bad, good)
    assert told["why"]
    assert told["remedy"]
    assert len(events(prefect_server, "drumbeat.plan.accepted", f"drumbeat.plan.{good}")) == 1


def put_gate(prefect_server, gates: list[dict[str, Any]], name: str, state: str) -> None:
    """As if the gate had been seen in that state before."""
    table = [{**gate, "state": state} if gate["gate"] == name else gate for gate in gates]
    httpx.post(f"{prefect_server.environment['PREFECT_API_URL']}/artifacts/", json={
        "key": "gates", "type": "table", "data": json.dumps(table)}).raise_for_status()


def test_a_publisher_that_fetches_shows_the_plan_in_force(live, prefect_server, tmp_path):
    """Not what is checked out in its clone: an older commit there, or one that was rejected, changes no table."""
    soon = datetime.now(UTC) + timedelta(days=1)
    live.folder.post("old", "Old.", at=soon)
    live.folder.commit()
    clone = tmp_path / "clone"
    live.folder.git("clone", "--quiet", str(live.home), str(clone))
    live.folder.git("rm", "--quiet", "content/posts/old.md")
    live.folder.post("new", "New.", at=soon)
    live.folder.write("campaigns/spring/campaign.yaml", CAMPAIGN)
    good = live.folder.commit()
    environment = {"DRUMBEAT_ARCHIVE": live.archive, "DRUMBEAT_REMOTE": str(live.home)}

    assert run(prefect_server, clone, "sync(return_state=True)", **environment).endswith(f"{good[:12]} is in force.")
    accepted = tables(prefect_server)
    live.folder.write("networks/channels.yaml", "channels: [")
    live.folder.commit()
    assert run(prefect_server, clone, "sync(return_state=True)", **environment).startswith("FAILED Rejected")

    assert (clone / "content/posts/old.md").exists()
    assert [row["slot"] for row in accepted["calendar"]] == ["posts/new@mastodon#1"]
    assert "spring" in {row["campaign"] for row in accepted["gates"]}
    assert tables(prefect_server) == accepted


def test_a_remote_that_is_away_is_said_as_what_it_is(live, prefect_server, tmp_path):
    """Failed, in words of its own and with its own name; the week and the gates of the plan in force stay shown."""
    live.folder.post("fine", "Fine.", at=datetime.now(UTC) + timedelta(days=1))
    commit = live.folder.commit()
    clone, away = tmp_path / "clone", str(tmp_path / "away")
    live.folder.git("clone", "--quiet", str(live.home), str(clone))
    environment = {"DRUMBEAT_ARCHIVE": live.archive}
    assert run(prefect_server, clone, "sync(return_state=True)", **environment,
               DRUMBEAT_REMOTE=str(live.home)).startswith("COMPLETED")
    before = tables(prefect_server)

    said = run(prefect_server, clone, "sync(return_state=True)", **environment, DRUMBEAT_REMOTE=away)

    assert said == ("FAILED Unreachable The remote cannot be fetched, so nobody knows what is new. The plan of commit "
                    f"{commit[:10]} stays in force. The log says why: look at 'remote' and 'branch' in drumbeat.toml, "
                    "the network and DRUMBEAT_GIT_TOKEN.")
    assert names(prefect_server)[-1] == "sync remote unreachable"
    assert tables(prefect_server) == before


def tables(prefect_server) -> dict[str, list[dict[str, Any]]]:
    """The newest tables of the week and the gates."""
    return {key: json.loads(json.loads(data)) for key, data in rows(
        prefect_server, "select key, data from artifact where key in ('calendar', 'gates') order by created")}


def names(prefect_server) -> list[str]:
    """Of the runs of `sync` that no schedule made, the oldest first."""
    return [name for (name,) in rows(
        prefect_server, "select name from flow_run where deployment_id is null and flow_id in "
        "(select id from flow where name = 'sync') order by created")]


def test_without_content_sync_has_failed(tmp_path, prefect_server):
    """A command that has no answer is a Failed flow run, never one with nothing new."""
    assert run(prefect_server, tmp_path, "sync(return_state=True)").startswith("FAILED Failed")


@pytest.mark.parametrize("parameters", [{"until": "Buy now!"}, {"shard": "1/2; rm -rf"}, {"text": "Buy now!"}])
def test_parameters_carry_no_text(live, prefect_server, parameters):
    """The server itself refuses a run of a shift whose parameters are anything but a time and a shard (threats, D4)."""
    def post(path: str, body: dict[str, Any]) -> httpx.Response:
        def sent() -> httpx.Response | None:
            answer = httpx.post(f"{prefect_server.environment['PREFECT_API_URL']}{path}", json=body)
            return None if answer.status_code == 503 else answer    # its database is busy for a moment

        answer: httpx.Response = eventually(lambda: (said := sent()) is not None and [said])[0]
        return answer

    one = deployments(1, publish=True, look=True)[0]
    flow = post("/flows/", {"name": "publish"}).json()["id"]
    made = post("/deployments/", {
        "name": "schema", "flow_id": flow, "enforce_parameter_schema": True, "entrypoint": one.entrypoint,
        "parameter_openapi_schema": schema_of(one)}).json()["id"]

    refused = post(f"/deployments/{made}/create_flow_run", {"parameters": parameters})
    taken = post(f"/deployments/{made}/create_flow_run", {"parameters": {"until": "2027-03-01T12:00:00Z",
                                                                         "shard": "1/2"}})

    assert refused.is_client_error
    assert taken.is_success


def test_a_shift_that_is_told_to_stop_ends_well(live, prefect_server):
    """SIGTERM has the publisher end after its calls; the flow run is Completed, says why, and tells Prefect."""
    live.folder.post("later", "Later.", at=datetime.now(UTC) + timedelta(hours=2))
    live.folder.commit()
    end = (datetime.now(UTC) + timedelta(minutes=47)).isoformat()
    with start(prefect_server, live.home, f"publish({end!r}, return_state=True)",
               DRUMBEAT_ARCHIVE=live.archive) as shift:
        running = eventually(lambda: rows(prefect_server, "select id from flow_run where name = ? and state_name = "
                                          "'Running' and labels like '%drumbeat.worker%'", f"shift until {end}"))
        eventually(lambda: (live.home.parent / "archive/v1/plan/good").exists())
        shift.send_signal(signal.SIGTERM)
        said, errors = shift.communicate(timeout=PATIENCE_S)

    assert said == ("COMPLETED Completed Told to stop before its time; another shift takes over. "
                    "Nothing was due.\n"), errors
    eventually(lambda: events(prefect_server, "drumbeat.shift.stopped", f"drumbeat.shift.%{running[0][0][-12:]}"))


def test_a_killed_shift_is_closed_and_what_is_overdue_is_told(live, prefect_server):
    """A flow run whose process is gone becomes Crashed; a slot that is due, without an end or a reason, is told."""
    live.folder.post("forgotten", "Nobody sent this.", at=datetime.now(UTC) - timedelta(minutes=30))
    live.folder.commit()
    end = (datetime.now(UTC) + timedelta(minutes=48)).isoformat()
    nowhere = {"DRUMBEAT_ARCHIVE": live.archive}
    with start(prefect_server, live.home, f"publish({end!r}, return_state=True)", **nowhere) as shift:
        eventually(lambda: rows(prefect_server, "select 1 from flow_run where name = ? and state_name = 'Running' and "
                                "labels like '%drumbeat.worker%'", f"shift until {end}"))
        shift.kill()
        shift.communicate(timeout=PATIENCE_S)

    said = run(prefect_server, live.home, "reconcile(look=False, return_state=True)", **nowhere)

    assert said == "COMPLETED Completed Lost answers are looked up by the running shift."
    assert rows(prefect_server, "select state_name from flow_run where name = ?", f"shift until {end}") == [
        ("Crashed",)]
    (crashed,) = eventually(lambda: [one for one in events(prefect_server, "drumbeat.shift.crashed")
                                     if one["name"] == f"shift until {end}"])
    assert crashed["reason"] == "The process that followed it is gone; the archive has what it sent."
    (late,) = eventually(lambda: events(prefect_server, "drumbeat.post.overdue",
                                        "drumbeat.slot.posts/forgotten@mastodon#1"))
    assert (late["state"], late["slot"]) == ("planned", "posts/forgotten@mastodon#1")
