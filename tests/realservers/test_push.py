"""From `git push` to a timeline: git's own HTTP backend, its signed hook, our pages, the publisher, and Prefect.

Prints the seconds of each step.
"""
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.edges.plans import good, rejections
from flows.edges.store import open_store

from .conftest import Start

pytestmark = pytest.mark.realservers
PROJECT = Path(__file__).parents[2]
DRUMBEAT = str(Path(sys.executable).with_name("drumbeat"))
SECRET = "what-the-forge-and-the-hook-share"
PATIENCE_S = 120.0
_WHO = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c", "commit.gpgsign=false")
NOTE = "---\nat: {at:%Y-%m-%d %H:%M}\nchannels: [mastodon]\ntimezone: UTC\n---\n{text}\n"


def wait_for(what: str, found: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `found` gives once it gives something."""
    deadline = time.monotonic() + patience_s
    while not (got := found()):
        assert time.monotonic() < deadline, f"{what} did not come"
        select.select([], [], [], 0.02)
    return got


class Publisher:
    """A forge, rehearsal networks, and `drumbeat up` with the sample content, by the real clock."""

    def __init__(self, home: Path, forge: dict[str, Any], port: int) -> None:
        self.home, self.forge, self.port = home, forge, port
        self.writer, self.archive = home / "writer", f"dir:{home / 'publisher/.drumbeat/archive'}"
        self.log = home / "up.log"
        self.started: list[subprocess.Popen[str]] = []
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("DRUMBEAT_", "PREFECT_", "AWS_"))}
        self.environment = {**environment, "DRUMBEAT_HOOK_SECRET": SECRET, "DRUMBEAT_REMOTE": forge["clone_url"]}

    def git(self, *words: str, cwd: Path | None = None) -> str:
        return subprocess.run(["git", *_WHO, *words], cwd=cwd or self.writer, check=True, capture_output=True,
                              text=True).stdout.strip()

    def begin(self) -> None:
        self.git("clone", "--quiet", self.forge["clone_url"], str(self.writer), cwd=self.home)
        subprocess.run(["cp", "-r", str(PROJECT / "content"), str(self.writer / "content")], check=True)
        self.push("The season")
        networks = self._start("rehearsal", "--port", str(self.port + 80), "--json", out=subprocess.PIPE,
                               cwd=self.writer)
        assert networks.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += networks.stdout.readline()
        self.networks = json.loads(text)["url"]
        (self.home / "publisher").mkdir()
        self.environment["DRUMBEAT_REHEARSE_AT"] = self.networks
        self._start("up", "--port", str(self.port), "--content", "content", "--archive", self.archive,
                    cwd=self.home / "publisher")
        wait_for("the first plan", lambda: self.accepted() is not None)
        wait_for("the hook", lambda: self.answers(self.hook, 405))
        wait_for("Prefect's automations", lambda: _of_prefect(self, "/automations/filter", {}))
        Path(self.forge["webhook_url_file"]).write_text(self.hook)

    def _start(self, *words: str, cwd: Path, out: Any = None) -> subprocess.Popen[str]:
        with self.log.open("a") as log:
            made = subprocess.Popen([DRUMBEAT, *words], cwd=cwd, env=self.environment, text=True, stderr=log,
                                    stdout=out or log, stdin=subprocess.DEVNULL)
        self.started.append(made)
        return made

    def end(self) -> None:
        for one in reversed(self.started):
            one.send_signal(signal.SIGINT)
            one.wait(30)
            if one.stdout is not None:
                one.stdout.close()

    @property
    def hook(self) -> str:
        return f"http://127.0.0.1:{self.port + 81}/hook"

    def answers(self, address: str, status: int) -> bool:
        try:
            return httpx.get(address, timeout=10).status_code == status
        except httpx.TransportError:
            return False

    def push(self, message: str, *words: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", *words, "origin", "HEAD:refs/heads/main")
        return self.git("rev-parse", "HEAD")

    def accepted(self) -> str | None:
        force = good(open_store(self.archive)) if (self.home / "publisher/.drumbeat/archive").exists() else None
        return force.commit if force is not None else None

    def texts(self) -> list[str]:
        return [post["text"] for post in httpx.get(f"{self.networks}/_rehearsal/posts").json()]

    def deliveries(self) -> list[dict[str, Any]]:
        """What the forge sent, the oldest first."""
        files = sorted(Path(self.forge["deliveries"]).glob("*.json"), key=lambda file: file.stat().st_mtime)
        return [json.loads(file.read_text()) for file in files]

    def said(self, words: str) -> bool:
        """Whether the publisher's log has these words."""
        return words in (self.home / "publisher/.drumbeat/sender.log").read_text()


@pytest.fixture(scope="module")
def publisher(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    forge = start("git", WEBHOOK_SECRET=SECRET)
    made = Publisher(tmp_path_factory.mktemp("club"), forge, 28_700)
    try:
        made.begin()
        yield made
    finally:
        made.end()


def test_a_push_is_a_post_within_seconds(publisher: Publisher) -> None:
    """The bars: accepted within 5 s of the push, in force within 5 s more."""
    (publisher.writer / "content/posts/pushed.md").write_text(NOTE.format(
        at=datetime.now(UTC) - timedelta(minutes=1), text="Pushed a moment ago. What is on your bench?"))
    steps, began = list[tuple[str, float]](), time.monotonic()

    def step(name: str) -> None:
        steps.append((name, time.monotonic() - began))

    commit = publisher.push("A post")
    step("git push has returned, the forge has announced it")
    wait_for("the plan", lambda: publisher.accepted() == commit)
    step("the plan is accepted")
    wait_for("the plan in force", lambda: publisher.said(f"plan accepted commit={commit[:10]}"))
    step("the running shift goes by it")
    wait_for("the post", lambda: any(text.startswith("Pushed a moment ago") for text in publisher.texts()))
    step("the post is on the timeline")
    asked = {"occurred": {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()},
             "event": {"name": ["drumbeat.content.pushed"]}}
    wait_for("the event", lambda: _of_prefect(publisher, "/events/filter", {"filter": asked})["events"])
    step("Prefect knows of the push")
    wait_for("the flow run", lambda: any(
        run["state_type"] == "COMPLETED" for run in _of_prefect(
            publisher, "/flow_runs/filter", {"flows": {"name": {"any_": ["sync"]}}, "sort": "START_TIME_DESC"})))
    step("Prefect shows the sync")
    print()
    for name, seconds in steps:
        print(f"{seconds:7.2f} s  {name}")
    assert publisher.deliveries()[-1]["status"] in (200, 202)
    seconds_of = dict(steps)
    assert seconds_of["the plan is accepted"] - steps[0][1] < 5.0
    assert seconds_of["the running shift goes by it"] - seconds_of["the plan is accepted"] < 5.0


def _of_prefect(publisher: Publisher, path: str, asked: dict[str, Any]) -> Any:
    """What the embedded server answers; nothing while it does not."""
    try:
        answer = httpx.post(f"http://127.0.0.1:{publisher.port}/api{path}", json=asked, timeout=10)
    except httpx.TransportError:
        return {"events": []} if path.startswith("/events") else []
    return answer.json() if answer.status_code == 200 else {"events": []} if path.startswith("/events") else []


def test_forged_and_replayed_calls_change_nothing(publisher: Publisher) -> None:
    """Real deliveries, byte for byte: one changed, one without a signature, one again."""
    last, mark = publisher.deliveries()[-1], publisher.home / "publisher/.drumbeat/pushed"
    before = mark.stat().st_mtime_ns
    changed = last["body"].replace("refs/heads/main", "refs/heads/mail", 1)
    unsigned = {name: value for name, value in last["headers"].items() if "Signature" not in name}
    assert httpx.post(publisher.hook, content=changed, headers=last["headers"]).status_code == 401
    assert httpx.post(publisher.hook, content=last["body"], headers=unsigned).status_code == 401
    again = httpx.post(publisher.hook, content=last["body"], headers=last["headers"])
    assert again.status_code == 200, again.text
    assert mark.stat().st_mtime_ns == before


def test_a_broken_push_and_a_rewritten_history_change_nothing(publisher: Publisher) -> None:
    """The last good plan stays in force, the operator is told, and the next good push goes on."""
    stays, out = publisher.accepted(), len(publisher.texts())
    channels = publisher.writer / "content/networks/channels.yaml"
    whole = channels.read_text()
    channels.write_text("channels: [\n")
    broken = publisher.push("A slip")
    wait_for("the rejection", lambda: [one for one in rejections(open_store(publisher.archive))
                                       if one.commit == broken])
    status = subprocess.run([DRUMBEAT, "status", "--content", "content", "--archive", publisher.archive],
                            cwd=publisher.home / "publisher", env=publisher.environment, capture_output=True, text=True,
                            check=False)
    assert f"The plan of commit {broken[:10]} is rejected since" in status.stderr

    publisher.git("reset", "--quiet", "--hard", f"{broken}~2")
    (publisher.writer / "content/posts/thief.md").write_text(NOTE.format(
        at=datetime.now(UTC) - timedelta(minutes=1), text="Text of a thief. Who reads this?"))
    rewritten = publisher.push("Another past", "--force")
    wait_for("the refusal", lambda: [one for one in rejections(open_store(publisher.archive))
                                     if one.commit == rewritten])
    assert publisher.accepted() == stays
    assert len(publisher.texts()) == out

    publisher.git("reset", "--quiet", "--hard", broken)
    channels.write_text(whole)
    mended = publisher.push("Mended", "--force")
    wait_for("the mended plan", lambda: publisher.accepted() == mended)
    assert not any("thief" in text for text in publisher.texts())
