"""What a run of `scale` started is gone after it, however the run ended."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
HARNESS = Path(__file__).with_name("scale.py")
PATIENCE_S = 60.0
NO_POSTGRES = 77
HOW = (signal.SIGTERM, signal.SIGKILL)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for all that runs write, which other users may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="drumbeat-keeper-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def test_nothing_is_left_of_a_run_that_is_killed(place: Path) -> None:
    """No process, no cluster, no S3 server, no folder: whether it was told to end, or killed while it started all."""
    runs = {how: _started(place / how.name, "s3" if how == signal.SIGKILL else "dir") for how in HOW}
    for how, run in runs.items():
        until(partial(_is_up, run, place / how.name))
        if run.poll() == NO_POSTGRES:
            pytest.skip("no PostgreSQL")
        assert (run.poll(), _runs(place / how.name, "bin/postgres")) == (None, True)
        assert _runs(place / how.name, "moto.server") == (how == signal.SIGKILL)

    for how, run in runs.items():
        os.killpg(run.pid, how)                 # as a terminal does, and who is out of patience

    for how, run in runs.items():
        assert run.wait(PATIENCE_S) == (143 if how == signal.SIGTERM else -how)
        until(partial(_is_clean, place / how.name))


def _started(folder: Path, archive: str) -> "subprocess.Popen[bytes]":
    """A run in a process group of its own, which makes all its folders in `folder`; S3 is moto's."""
    folder.mkdir(mode=0o711)
    environment = {name: value for name, value in os.environ.items() if name != "DRUMBEAT_REALSERVERS"}
    return subprocess.Popen([sys.executable, str(HARNESS), "quiet", "--archive", archive], start_new_session=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env={**environment, "TMPDIR": str(folder)})


def _of(folder: Path) -> list[str]:
    """The words of every process that was started for `folder`."""
    found, wanted = [], str(folder).encode()
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit():
                words = (process / "cmdline").read_bytes()
                if wanted in words or b"TMPDIR=" + wanted in (process / "environ").read_bytes().split(b"\0"):
                    found.append(words.replace(b"\0", b" ").decode())
    return found


def _is_up(run: "subprocess.Popen[bytes]", folder: Path) -> bool:
    return run.poll() is not None or _runs(folder, "flows.edges.prefect_server")


def _is_clean(folder: Path) -> bool:
    return not any(folder.iterdir()) and not _of(folder)


def _runs(folder: Path, word: str) -> bool:
    return any(word in words for words in _of(folder))


def until(is_so: Callable[[], object]) -> None:
    """It is so. Fails when it has not become so for long."""
    ends, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not is_so():
        assert time.monotonic() < ends
        pause.wait(0.05)
