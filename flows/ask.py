"""`drumbeat` commands as processes of their own: what flow runs ask them, and how they are told to end."""
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from flows.gather import Line
from schemas.errors import DrumbeatError

LONGEST_LINE = 1_000_000
_SETTINGS = frozenset({
    "DRUMBEAT_CONTENT", "DRUMBEAT_ARCHIVE", "DRUMBEAT_CREDENTIALS", "DRUMBEAT_REMOTE", "DRUMBEAT_BRANCH",
    "DRUMBEAT_REQUIRE_SIGNED", "DRUMBEAT_MOST_PER_HOUR", "DRUMBEAT_MEDIA_URL"})


def without_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what opens an account at a network: of `DRUMBEAT_*` only settings stay."""
    return {name: value for name, value in environment.items()
            if not name.startswith("DRUMBEAT_") or name in _SETTINGS}


async def ask(*words: str, module: str = "flows.cli", needs_credentials: bool = False) -> dict[str, Any]:
    """The one JSON object that a command prints. Raises DrumbeatError when it prints none: its words are on stderr."""
    environment = dict(os.environ) if needs_credentials else without_credentials(os.environ)
    ours = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", module, *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        env=environment)
    try:
        said, _ = await ours.communicate()
    finally:
        if ours.returncode is None:
            with suppress(ProcessLookupError):
                ours.terminate()
    try:
        told = json.loads(said)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise DrumbeatError(f"'drumbeat {' '.join(words)}' ended with exit code {ours.returncode} and no answer.",
                            "Its own words are on stderr, above.")
    return told


class Command:
    """A command that tells line by line, and ends when its input closes. It may need credentials of networks.

    `was_stopped`: this process was told to end (SIGTERM) and passed that on.
    """

    def __init__(self, *words: str, fine: tuple[int, ...] = (0,)) -> None:
        self.words, self.fine = words, fine
        self.was_stopped = False
        self._ours: asyncio.subprocess.Process | None = None

    async def lines(self) -> AsyncIterator[Line]:
        """What it tells. Raises DrumbeatError if it ends badly. Who stops reading has it end, and waits for that."""
        ours = self._ours = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "flows.cli", *self.words, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE)
        assert ours.stdout is not None
        try:
            with self._until_told_to_stop():
                async for raw in ours.stdout:
                    yield json.loads(raw)
                code = await ours.wait()
        finally:
            self.stop()
            async for _ in ours.stdout:                           # a pipe that nobody reads would hold it up
                pass
            await ours.wait()
        if code not in self.fine:
            raise DrumbeatError(f"'drumbeat {self.words[0]}' ended with exit code {code}.",
                                "Its own words are on stderr, above.")

    def stop(self) -> None:
        """Closes its input: it ends after the calls that are out."""
        if self._ours is not None and self._ours.stdin is not None:
            self._ours.stdin.close()

    @contextmanager
    def _until_told_to_stop(self) -> Any:
        """While this holds, SIGTERM stops the command and nothing else: what it still tells is shown."""
        def told() -> None:
            self.was_stopped = True
            self.stop()

        before, loop = None, asyncio.get_running_loop()
        try:
            before = signal.getsignal(signal.SIGTERM)
            loop.add_signal_handler(signal.SIGTERM, told)
        except (ValueError, RuntimeError):                        # not the main thread: whoever started us stops us
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, before)


async def read_lines() -> AsyncIterator[Line]:
    """The lines that the process which started us passes on, until it closes our input."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for raw in reader:
        yield json.loads(raw)
