"""What a process of ours tells, line by line, shown in Prefect: task runs for slots, and a table at the end.

It follows, it does not send: sending is a process of its own and waits for nobody. The ledger decides what happened;
Prefect may see it late, twice or never.
"""
import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
from prefect import get_run_logger, runtime
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.loggers import task_run_logger
from prefect.states import Completed, Failed
from prefect.utilities.engine import emit_task_run_state_change_event

from flows.announce import announce_many, announce_slot
from flows.gather import MOST_PER_MINUTE, WRONG, Backlog, Bell, Ends, Line, Together
from flows.quote import cells, plain
from flows.reach import Server
from schemas.errors import SettingsError

AWAY_S = 600.0
"""So long the end of a shift waits for a server that does not answer, before it gives up showing the rest."""
_LOOK_S = 0.5


async def follow(lines: AsyncIterator[Line], *, table: str, about: str, nothing: str) -> State[None]:
    """Shows each line as a task run; then a table under the key `table`, and how the flow run that asked has ended.

    Above DRUMBEAT_TASK_RUNS_PER_MINUTE what went well is shown by channel and minute. `nothing`: what the end says
    when there was no line.
    """
    backlog, ends, bell, server, news = Backlog(per_minute()), Ends(), Bell(), Server(), asyncio.Event()

    async def read() -> None:
        async for line in lines:
            if "slot" in line:                                    # of plans and holds Prefect hears by their events
                ends.add(line)
                backlog.add(line, time.monotonic(), away=server.is_away)
                news.set()

    reading = asyncio.create_task(read())
    reading.add_done_callback(lambda _: news.set())
    try:
        while True:
            if not await server.wait(_Patience(reading)):
                break
            news.clear()
            is_over = reading.done()
            if (one := backlog.take(time.monotonic(), at_once=is_over)) is not None:
                _show(one, bell)
                await asyncio.sleep(0)                            # reading goes on meanwhile
            elif (many := bell.many(time.monotonic(), at_once=is_over)) is not None:
                announce_many(many)
            elif is_over:
                break
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), _LOOK_S if len(backlog) or bell.is_waiting else None)
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await server.close()
    return await _end(ends, table, about, nothing)


def _show(one: Line | Together, bell: Bell) -> None:
    """One task run, and an event for each slot in it: handed to Prefect's client, which sends them from its own thread.

    The task run is told as it ended and runs nothing. Running a task with tags asks the server for their limits first,
    one request each: with SQLite, beside its own writing, 0.4 s.
    """
    lines = one.lines if isinstance(one, Together) else [one]
    name = one.name if isinstance(one, Together) else one["slot"]
    state, now, id = _together(one) if isinstance(one, Together) else _alone(one), datetime.now(UTC), uuid4()
    run = TaskRun(id=id, name=name, flow_run_id=UUID(str(runtime.flow_run.id)), task_key="slot", dynamic_key=str(id),
                  tags=_tags(one, lines), state=state, start_time=now, end_time=now, run_count=1)
    emit_task_run_state_change_event(run, None, state)
    logger = task_run_logger(run)
    for line in lines:
        logger.log(logging.ERROR if line["state"] in WRONG else logging.INFO, "%s", _in_words(line))
        announce_slot(line, alone=line["state"] not in WRONG or bell.rings(
            line["slot"], line["state"], plain(line["reason"]), time.monotonic()))
    if isinstance(one, Together) and one.more:
        logger.warning("%s: %d more were not kept: 'drumbeat status' lists them", name, one.more)


def _alone(line: Line) -> State[None]:
    words = _why(line) or line["state"]
    if line["state"] in WRONG:
        return Failed(name=line["state"].capitalize(), message=f"{words} Next: {_next(line)}")
    sent = line["sent_at"] or "not"
    return Completed(name=line["state"].capitalize(), message=f"{words} (due {line['at']}, sent {sent})")


def _together(group: Together) -> State[None]:
    made = Failed if group.state in WRONG else Completed
    return made(name=group.state.capitalize(), message=f"{group.count} slots; each stands in the log")


def _tags(one: Line | Together, lines: list[Line]) -> list[str]:
    found = {f"{kind}:{line[kind]}" for line in lines for kind in ("network", "channel", "campaign") if line[kind]}
    if isinstance(one, Together) and lines and lines[0]["at"]:
        found.add(f"due:{lines[0]['at'][:16]}")
    return sorted(found)


async def _end(ends: Ends, table: str, about: str, nothing: str) -> State[None]:
    left_out = ends.count - len(ends.rows)
    more = f"; {left_out} more went well ('drumbeat status' lists them)" if left_out > 0 else ""
    try:
        await acreate_table_artifact(key=table, description=f"What became of each slot, {about}{more}",
                                     table=cells(ends.rows))
    except (httpx.TransportError, PrefectHTTPStatusError) as error:   # what was to be shown was shown slot by slot
        get_run_logger().warning("Prefect did not take the table (%s): 'drumbeat status' has it.", type(error).__name__)
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
    said = plain(f"{line['state']} {line['slot']} {_why(line)}".rstrip())
    return f"{said} Next: {_next(line)}" if line["state"] in WRONG else said


def _next(line: Line) -> str:
    return plain(line["next"] or f"drumbeat why {line['slot']}")


def _why(line: Line) -> str:
    """The reason of what went wrong, though a part of it may have an address; the address of what went well."""
    first, second = ("reason", "url") if line["state"] in WRONG else ("url", "reason")
    return plain(line[first] or line[second])


def per_minute() -> int:
    """The knob: how many task runs a minute what went well may cost. Raises SettingsError."""
    said = os.environ.get("DRUMBEAT_TASK_RUNS_PER_MINUTE") or str(MOST_PER_MINUTE)
    if not re.fullmatch(r"[0-9]{1,6}", said):
        raise SettingsError(f"DRUMBEAT_TASK_RUNS_PER_MINUTE is '{plain(said, 40)}', which is no number.",
                            "Write how many task runs a minute may be made, like 60.")
    return int(said)
