"""What a process of ours tells, line by line, shown in Prefect: task runs for slots, and a table at the end.

It follows, it does not send: sending is a process of its own and waits for nobody. The ledger decides what happened;
Prefect may see it late, twice or never.
"""
import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
from prefect import get_run_logger, task
from prefect.artifacts import acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.states import Completed, Failed
from prefect.task_engine import run_task_async

from flows.announce import announce_slot
from flows.gather import MOST_PER_MINUTE, WRONG, Backlog, Ends, Line, Together
from flows.quote import cells, plain
from flows.reach import Server
from schemas.errors import SettingsError

AWAY_S = 600.0
"""So long the end of a shift waits for a server that does not answer, before it gives up showing the rest."""
_LOOK_S = 0.5
_TRIES = 3

_told: dict[str, Line | Together] = {}


@task(name="slot", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
async def show(name: str) -> State[None]:
    """One slot, as it ended. The parameter is the slot and nothing else; what it says comes from `_told`."""
    line: Any = _told[name]
    words = plain(line["url"] or line["reason"] or line["state"])
    get_run_logger().info(_in_words(line))
    if line["state"] in WRONG:
        todo = plain(line["next"] or f"drumbeat why {name}")
        return Failed(name=line["state"].capitalize(), message=f"{words} Next: {todo}")
    sent = line["sent_at"] or "not"
    return Completed(name=line["state"].capitalize(), message=f"{words} (due {line['at']}, sent {sent})")


@task(name="slots", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
async def show_together(name: str) -> State[None]:
    """Slots of one channel and minute that went well; each stands in the log."""
    group: Any = _told[name]
    logger = get_run_logger()
    for line in group.lines:
        logger.info(_in_words(line))
    if group.more:
        logger.warning("%d more were not kept: 'drumbeat status' lists them", group.more)
    wrong = group.state in WRONG
    return (Failed if wrong else Completed)(name=group.state.capitalize(), message=f"{group.count} slots")


async def follow(lines: AsyncIterator[Line], *, table: str, about: str, nothing: str) -> State[None]:
    """Shows each line as a task run; then a table under the key `table`, and how the flow run that asked has ended.

    Above DRUMBEAT_TASK_RUNS_PER_MINUTE what went well is shown by channel and minute. `nothing`: what the end says
    when there was no line.
    """
    backlog, ends, server, news = Backlog(per_minute()), Ends(), Server(), asyncio.Event()

    async def read() -> None:
        async for line in lines:
            ends.add(line)
            backlog.add(line, time.monotonic(), away=server.is_away)
            news.set()

    face: _Face | None = None
    reading = asyncio.create_task(read())
    reading.add_done_callback(lambda _: news.set())
    try:
        while True:
            if not await server.wait(_Patience(reading)):
                break
            news.clear()
            is_over = reading.done()
            if face is None and (one := backlog.take(time.monotonic(), at_once=is_over)) is not None:
                face = _Face(one)
            if face is not None:
                face = None if await face.show(server) else face
            elif is_over:
                break
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), _LOOK_S if len(backlog) else None)
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await server.close()
    return await _end(ends, table, about, nothing)


class _Face:
    """What one task run shows: a slot, or slots together. Shown again after a failure, it is the same task run."""

    def __init__(self, one: Line | Together) -> None:
        self._one, self._id, self._tries = one, uuid4(), 0
        self._lines = one.lines if isinstance(one, Together) else [one]
        self._name = one.name if isinstance(one, Together) else str(one["slot"])
        self._body: Any = show_together if isinstance(one, Together) else show

    async def show(self, server: Server) -> bool:
        """Whether it is shown now, with an event for each slot. A server that answers and refuses it is an error."""
        self._tries += 1
        _told[self._name] = self._one
        task_run = self._body.with_options(task_run_name=self._name, tags=self._tags())
        try:
            await run_task_async(task_run, self._id, parameters={"name": self._name}, return_type="state")
        except (ConcurrencySlotAcquisitionError, httpx.HTTPError, OSError):
            server.doubt()                                        # every task run with tags asks it for their limits
            if self._tries >= _TRIES and await server.answers():
                raise
            return False
        finally:
            _told.pop(self._name, None)
        for line in self._lines:
            announce_slot(line)
        return True

    def _tags(self) -> list[str]:
        found = {f"{kind}:{line[kind]}" for line in self._lines for kind in ("network", "channel", "campaign")
                 if line[kind]}
        if isinstance(self._one, Together) and self._lines and self._lines[0]["at"]:
            found.add(f"due:{self._lines[0]['at'][:16]}")
        return sorted(found)


async def _end(ends: Ends, table: str, about: str, nothing: str) -> State[None]:
    left_out = ends.count - len(ends.rows)
    more = f"; {left_out} more went well ('drumbeat status' lists them)" if left_out > 0 else ""
    await acreate_table_artifact(key=table, description=f"What became of each slot, {about}{more}",
                                 table=cells(ends.rows))
    seen = f"{ends.count} {'slot' if ends.count == 1 else 'slots'}, of which {ends.wrong} to look at."
    return Completed(message=seen if ends.count else nothing)


class _Patience:
    """A server that is away is waited for as long as the shift goes on, and then a while."""

    def __init__(self, reading: "asyncio.Task[None]") -> None:
        self._reading = reading
        self._since: float | None = None

    def __call__(self) -> bool:
        if not self._reading.done():
            return False
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since > AWAY_S


def _in_words(line: Line) -> str:
    return plain(f"{line['state']} {line['slot']} {line['url'] or line['reason'] or ''}".rstrip())


def per_minute() -> int:
    """The knob: how many task runs a minute what went well may cost. Raises SettingsError."""
    said = os.environ.get("DRUMBEAT_TASK_RUNS_PER_MINUTE") or str(MOST_PER_MINUTE)
    if not re.fullmatch(r"[0-9]{1,6}", said):
        raise SettingsError(f"DRUMBEAT_TASK_RUNS_PER_MINUTE is '{plain(said, 40)}', which is no number.",
                            "Write how many task runs a minute may be made, like 60.")
    return int(said)
