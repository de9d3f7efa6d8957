"""The web app as processes of its own: `drumbeat web` for people, `python -m flows.web` for `drumbeat up`."""
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from flows.cli.hosting import web_command
from flows.edges.nudge import nudged_at
from flows.web import listening
from schemas.errors import SettingsError

KEY = "k7Xw0mPq2Rt5Yv8Zb1Nc4Md6"
PATIENCE_S = 60.0


@pytest.fixture
def club(content_folder):
    folder = content_folder()
    folder.post("hello", "Hello.")
    folder.commit()
    return folder


@pytest.fixture
def spawn() -> Iterator[Any]:
    """Starts processes; what is left of them when the test ends is killed."""
    made: list[subprocess.Popen[str]] = []

    def start(*words: str, **environment: str) -> subprocess.Popen[str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("DRUMBEAT_", "PREFECT_"))}
        made.append(subprocess.Popen([sys.executable, "-P", *words], text=True, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**ours, **environment}))
        return made[-1]

    yield start
    for one in made:
        if one.poll() is None:
            one.kill()
        one.communicate()


def first_object(process: subprocess.Popen[str]) -> dict[str, str]:
    """The JSON object that a process prints once it answers."""
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], PATIENCE_S)[0], "it says nothing"
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        text += line
    made: dict[str, str] = json.loads(text)
    return made


@pytest.mark.slow
def test_the_process_of_up_answers_by_the_rehearsals_clock_and_ends_with_its_parent(club, spawn, tmp_path, stage):
    """It prints its address when it answers, shows the pretend time, and is gone when its input closes."""
    process = spawn("-m", "flows.web", "--content", str(club.path), "--archive", f"dir:{tmp_path / 'archive'}",
                    "--port", "0", "--rehearsal-clock", str(stage.clock.file), "--with-parent")
    url = first_object(process)["url"]

    said = httpx.get(f"{url}/status.json", timeout=PATIENCE_S).json()

    assert said["rehearsal"] is True
    assert said["now"] == f"{stage.clock.now():%Y-%m-%dT%H:%M:%S}Z"
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_drumbeat_web_answers_takes_a_push_and_ends_on_ctrl_c(club, spawn):
    """The command says where everything is; a push leaves its mark; Ctrl-C ends it. Prefect is not loaded."""
    script = ("import sys, flows.cli.hosting as hosting\nsys.argv = ['web']\n"
              "try: hosting.web_command.main(sys.argv_words, standalone_mode=False)\n"
              "finally: print([name for name in sys.modules if name.split('.')[0] == 'prefect'][:3], flush=True)")
    words = ["--content", str(club.path), "--port", "0", "--json"]
    process = spawn("-c", script.replace("sys.argv_words", repr(words)), DRUMBEAT_HOOK_SECRET=KEY)
    addresses = first_object(process)

    body = {"ref": "refs/heads/main", "after": "a" * 40}
    answer = httpx.post(addresses["hook"], json=body, headers={"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": KEY})
    page = httpx.get(addresses["calendar"], timeout=PATIENCE_S)

    assert (answer.status_code, nudged_at(club.home) > 0) == (202, True)
    assert "Hello." in page.text
    process.send_signal(signal.SIGINT)
    before = time.monotonic()
    out, err = process.communicate(timeout=PATIENCE_S)
    assert time.monotonic() - before < 10
    assert out == "[]\n"
    assert KEY not in err
    assert "push heard forge=GitLab branch=main commit=aaaaaaaaaa" in err


def test_a_taken_port_is_said_with_another_one(club, hosted):
    """Two web apps on one port: the second says so, and names a port to try."""
    first = hosted(club.home)
    port = int(first.url.rpartition(":")[2])

    with pytest.raises(SettingsError) as refused:
        web_command.main(["--content", str(club.path), "--port", str(port)], standalone_mode=False)

    assert refused.value.what == f"The web app cannot listen on port {port} of 127.0.0.1: Address already in use."
    assert refused.value.remedy.endswith(f"--port {port + 1}.")


def test_who_never_ends_a_request_keeps_no_connection(club, hosted, monkeypatch):
    """Heads that come byte by byte, or never, are hung up on, the second of a connection too; others are served."""
    monkeypatch.setattr(listening, "HEAD_S", 0.5)
    address = urlsplit(hosted(club.home).url)
    slow = [socket.create_connection((address.hostname, address.port), PATIENCE_S) for _ in range(3)]
    slow[0].sendall(b"GET /health HTTP/1.1\r\nX-")
    slow[1].sendall(b"GET /hook HTTP/1.1\r\nHost: x\r\n\r\nGET /hook HTTP/1.1\r\nX-")

    said = []
    for one in slow:
        with one, one.makefile("rb") as reading:
            said.append(reading.read())
    assert [words.count(b"HTTP/1.1 ") for words in said] == [0, 1, 0]
    assert httpx.get(f"{address.geturl()}/hook").status_code == 405


def test_the_command_refuses_pages_for_everybody(club, monkeypatch):
    """`drumbeat web --host 0.0.0.0` without a token ends with a remedy, before anything listens."""
    monkeypatch.delenv("DRUMBEAT_WEB_TOKEN", raising=False)

    with pytest.raises(SettingsError, match=r"Everybody who reaches 0\.0\.0\.0") as refused:
        web_command.main(["--content", str(club.path), "--port", "0", "--host", "0.0.0.0"], standalone_mode=False)

    assert "--hook-only" in refused.value.remedy


@pytest.mark.slow
def test_the_process_says_what_is_wrong_with_its_settings(club, spawn):
    """A setting that cannot be used ends it with exit code 3 and a remedy."""
    process = spawn("-m", "flows.web", "--content", str(club.path), "--port", "0", DRUMBEAT_HOOK_SECRET="short")

    _, err = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 3
    assert "DRUMBEAT_HOOK_SECRET is shorter than 16 characters" in err
    assert "remedy: Make a long one: openssl rand -hex 32" in err
