"""Servers written by others, started on loopback by the scripts in the folder that DRUMBEAT_REALSERVERS names."""
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proof.ports import free_port

_SECOND = 10_000                                                   # so much higher some servers keep another port
Start = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """`start("mastodon", FRESH="1")` gives what the script prints once the server answers; stopped at the end."""
    folder = os.environ.get("DRUMBEAT_REALSERVERS")
    if not folder:
        pytest.skip("DRUMBEAT_REALSERVERS does not name the folder of start scripts")
    running: list[tuple[Path, str]] = []

    def begin(name: str, **settings: str) -> dict[str, Any]:
        script = Path(folder) / f"{name}.sh"
        if not script.exists():
            pytest.skip(f"{folder} has no {name}.sh")
        settings = {**os.environ, "PORT": str(free_port(_SECOND)), "FRESH": "1", **settings}
        installed = subprocess.run([script, "install"], env=settings, capture_output=True, text=True, check=False)
        if installed.returncode:
            pytest.skip(f"{name} cannot be installed here: {installed.stderr.strip()[-300:]}")
        # what it says while starting goes to our own stderr, which pytest shows when the test fails
        started = subprocess.run([script], env=settings, stdout=subprocess.PIPE, text=True, check=True)
        info: dict[str, Any] = json.loads(started.stdout)
        running.append((script, info["pidfile"]))
        return info

    yield begin
    for script, pidfile in reversed(running):
        subprocess.run([script, "stop", pidfile], check=True)
