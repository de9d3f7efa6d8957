"""What Prefect shows of a shift: a flow run, a task run per slot, a table. It follows, and holds nothing up."""
import json
import os
import select
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest

import publishers

pytestmark = pytest.mark.slow
PATIENCE_S = 120.0


@pytest.fixture(autouse=True)
def answering(prefect_server) -> None:
    """The server answers before a test begins, whichever is the first."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{prefect_server.environment['PREFECT_API_URL']}/health").is_success:
                return
        select.select([], [], [], 0.1)
    pytest.fail("Prefect's server does not answer")


def line(slot: str, state: str, **more: object) -> str:
    """One outcome as the sender passes it on."""
    row = {"slot": slot, "state": state, "at": "2027-03-01T12:00:00Z", "sent_at": None, "url": None, "reason": None,
           "file": "content/posts/hello.md:2:1", "next": None, "zone": "UTC", "network": "mastodon",
           "channel": "mastodon", "campaign": None, "unable": False}
    return json.dumps({**row, **more}) + "\n"


def follow(prefect_server, lines: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-m", "flows.publish"], input=lines, text=True, capture_output=True,
                          timeout=PATIENCE_S, check=False, cwd=prefect_server.database.parent,
                          env={**os.environ, **prefect_server.environment, **more})


def test_each_state_has_its_face(prefect_server):
    """What went well is a Completed task run, what needs a look a Failed one; the flow run itself is Completed."""
    states = {"published": "COMPLETED", "waiting": "COMPLETED", "skipped": "COMPLETED", "failed": "FAILED",
              "missed": "FAILED", "unknown": "FAILED", "held": "FAILED"}

    done = follow(prefect_server, "".join(line(f"posts/{state}@face#1", state) for state in states),
                  DRUMBEAT_UNTIL="2027-03-01T13:00:00Z")

    assert done.returncode == 0, done.stderr
    assert prefect_server.task_runs("posts/%@face#1", len(states)) == sorted(
        (f"posts/{state}@face#1", kind, state.capitalize()) for state, kind in states.items())
    with closing(sqlite3.connect(prefect_server.database)) as database:
        asked = "select state_type from flow_run where name = 'shift until 2027-03-01T13:00:00Z'"
        assert database.execute(asked).fetchall() == [("COMPLETED",)]


def test_a_slot_that_is_told_twice_ends_as_it_was_told_last(prefect_server):
    """A slot that waited and then went out stands in the table once, as published."""
    done = follow(prefect_server, line("posts/hello@twice#1", "waiting") + line("posts/hello@twice#1", "published"),
                  DRUMBEAT_UNTIL="2027-03-01T14:00:00Z")

    assert done.returncode == 0, done.stderr
    assert sorted(state for *_, state in prefect_server.task_runs("posts/hello@twice#1", 2)) == ["Published", "Waiting"]
    with closing(sqlite3.connect(prefect_server.database)) as database:
        tables = [json.loads(json.loads(data)) for (data,) in database.execute("select data from artifact")]
    (table,) = [table for table in tables if any(row["slot"] == "posts/hello@twice#1" for row in table)]
    assert [row["state"] for row in table] == ["published"]


def run_as_a_flow(prefect_server, home, until: datetime, **more: str) -> subprocess.CompletedProcess[str]:
    """The flow as a worker of Prefect runs it: by its entry point, in the folder of the content."""
    script = ("import asyncio\nfrom flows.publish import publish\n"
              f"print(asyncio.run(publish({until.isoformat()!r}, return_state=True)).type)")
    return subprocess.run([sys.executable, "-P", "-c", script], cwd=home, text=True, capture_output=True, check=False,
                          timeout=PATIENCE_S, env={**os.environ, **prefect_server.environment, **more})


def test_a_worker_of_prefect_runs_a_shift(live, just_now, prefect_server):
    """Called as a flow, a shift starts its own publisher, and Prefect shows what became of each slot."""
    live.folder.post("by-a-worker", "Hello!", at=just_now)
    live.folder.commit()

    done = run_as_a_flow(prefect_server, live.home, datetime.now(UTC) + timedelta(seconds=3),
                         DRUMBEAT_MASTODON_ACCESS_TOKEN="rehearsal:@mill",
                         DRUMBEAT_MASTODON_BASE_URL=live.networks.address("mastodon"))

    assert done.stdout == "StateType.COMPLETED\n", done.stderr
    assert [(post["text"], post["calls"]) for post in live.posts()] == [("Hello!", 1)]
    assert prefect_server.task_runs("posts/by-a-worker@mastodon#1", 1) == [
        ("posts/by-a-worker@mastodon#1", "COMPLETED", "Published")]


def test_a_shift_that_cannot_begin_has_failed(tmp_path, prefect_server):
    """A publisher that ends with an error is a Failed flow run, never one in which nothing was due."""
    done = run_as_a_flow(prefect_server, tmp_path, datetime.now(UTC))

    assert done.stdout == "StateType.FAILED\n", done.stderr
    assert "error: There is no folder" in done.stderr


def test_a_follower_ends_when_its_parent_is_gone(prefect_server):
    """A follower that still waits for a server which never comes ends when whoever started it is gone."""
    nowhere = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "DRUMBEAT_PARENT": "1"}

    done = follow(prefect_server, "", **nowhere)

    assert done.returncode == 0, done.stderr


# --- looking up, and the daily audit ----------------------------------------------------------------------------------

def run_flow(prefect_server, home, name: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`flows.<name>` as a worker of Prefect runs it, in the folder of the content: the state's type and message."""
    script = (f"import asyncio\nfrom flows.{name} import {name}\n"
              f"state = asyncio.run({name}(return_state=True))\nprint(state.type.value, state.message)")
    return subprocess.run([sys.executable, "-P", "-c", script], cwd=home, text=True, capture_output=True, check=False,
                          timeout=PATIENCE_S, env={**os.environ, **prefect_server.environment, **more})


def kept(prefect_server, key: str) -> list[list[dict]]:
    """The tables under a key, oldest first."""
    with closing(sqlite3.connect(prefect_server.database)) as database:
        asked = "select data from artifact where key = ? order by created"
        return [json.loads(json.loads(data)) for (data,) in database.execute(asked, (key,))]


def flow_states(prefect_server, name: str) -> list[str]:
    with closing(sqlite3.connect(prefect_server.database)) as database:
        # runs that a schedule made belong to others who use the same server
        asked = ("select state_type from flow_run where deployment_id is null and flow_id in "
                 "(select id from flow where name = ?) order by created")
        return [state for (state,) in database.execute(asked, (name,))]


def in_doubt(live, at: datetime) -> dict[str, str]:
    """Two posts on X whose answers were lost, one of them there; the settings to look them up with."""
    live.folder.post("arrived", "It arrived.", at=at, channels="x")
    live.folder.post("lost", "It was lost.", at=at, channels="x")
    live.folder.commit()
    live.script({"fault": "hang up after effect"}, {"fault": "hang up before"})
    live.run("host-of-before", until=datetime.now(UTC))
    return {"DRUMBEAT_ARCHIVE": live.archive}


def test_reconcile_shows_each_slot_it_looked_at(live, just_now, prefect_server):
    """A run of `reconcile` is a flow run with a task run for each slot in doubt and a table; it sends nothing."""
    environment = in_doubt(live, just_now)
    before = [(post["text"], post["calls"]) for post in live.posts()]

    done = run_flow(prefect_server, live.home, "reconcile", **environment, **credentials_of_x(live))

    assert done.stdout == "COMPLETED 2 slots, of which 2 to look at.\n", done.stderr
    slots = ["posts/arrived@x#1", "posts/lost@x#1"]
    for slot in slots:                      # others use the same server
        assert prefect_server.task_runs(slot, 1) == [(slot, "FAILED", "Unknown")]
    (table,) = kept(prefect_server, "reconcile")
    assert [(line["slot"], line["state"]) for line in table] == [(slot, "unknown") for slot in slots]
    assert flow_states(prefect_server, "reconcile")[-1] == "COMPLETED"
    assert [(post["text"], post["calls"]) for post in live.posts()] == before


def credentials_of_x(live) -> dict[str, str]:
    return {f"DRUMBEAT_X_{field.upper()}": "rehearsal:mill" for field in publishers.load("x").needs}


def test_audit_of_a_good_archive_is_completed(live, just_now, prefect_server):
    """A run of `audit` that finds nothing is a Completed flow run with an empty table."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    live.run(until=datetime.now(UTC))

    done = run_flow(prefect_server, live.home, "audit", DRUMBEAT_ARCHIVE=live.archive)

    assert done.stdout == "COMPLETED Every chain holds, and all that was due has an end.\n", done.stderr
    assert kept(prefect_server, "audit")[-1] == []
    assert flow_states(prefect_server, "audit")[-1] == "COMPLETED"


def test_audit_with_findings_is_failed(live, just_now, prefect_server, tmp_path):
    """A touched record and a slot without an end: a Failed flow run, with a table of what is wrong and what to do."""
    live.folder.post("hello", "Hello!", at=just_now)
    live.folder.commit()
    live.run(until=datetime.now(UTC))
    key = "v1/ledger/posts.hello/mastodon/1/000002.json"
    record = tmp_path / "archive" / key
    record.write_bytes(record.read_bytes().replace(b'"attempt":1', b'"attempt":2'))
    live.folder.post("forgotten", "Nobody sent this.", at=just_now - timedelta(days=1))
    live.folder.commit()

    done = run_flow(prefect_server, live.home, "audit", DRUMBEAT_ARCHIVE=live.archive)

    found = kept(prefect_server, "audit")[-1]
    assert done.stdout == f"FAILED {len(found)} findings; the table says what to do about each.\n", done.stderr
    assert {key, "posts/forgotten@mastodon#1"} <= {finding["key"] for finding in found}
    assert all(finding["what"] and finding["remedy"] for finding in found)
    assert flow_states(prefect_server, "audit")[-1] == "FAILED"


def test_an_audit_that_cannot_begin_has_failed(tmp_path, prefect_server):
    """Without content the flow run is Failed, never one that found nothing."""
    done = run_flow(prefect_server, tmp_path, "audit")

    assert done.stdout.startswith("FAILED"), done.stderr
    assert "There is no folder" in done.stderr
