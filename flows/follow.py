"""What a process of ours tells, line by line, shown in Prefect: a task run for each slot, and a table at the end.

It follows, it does not send: sending is a process of its own and waits for nobody. The ledger decides what happened;
Prefect may see it late, twice or never.
"""
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from schemas.errors import DrumbeatError

Line = dict[str, Any]
_SHOWN_AS_FAILED = ("failed", "missed", "unknown", "held")
_LONGEST_LINE = 1_000_000


@task(name="slot", retries=0, persist_result=False, cache_policy=NO_CACHE, log_prints=False)
async def show(slot: str) -> State[None]:
    """One slot, as it ended. The parameter is the slot and nothing else; what it says comes from `_told`."""
    line = _told[slot]
    words = line["url"] or line["reason"] or line["state"]
    if line["state"] in _SHOWN_AS_FAILED:
        todo = line["next"] or f"drumbeat why {slot}"
        return Failed(name=line["state"].capitalize(), message=f"{words} Next: {todo}")
    sent = line["sent_at"] or "not"
    return Completed(name=line["state"].capitalize(), message=f"{words} (due {line['at']}, sent {sent})")


_told: dict[str, Line] = {}


async def follow(lines: AsyncIterator[Line], *, table: str, about: str, nothing: str) -> State[None]:
    """Shows each line as a task run; then a table under the key `table`, and how the flow run that asked has ended.

    `nothing`: what the end says when there was no line.
    """
    rows: list[Line] = []
    logger = get_run_logger()
    async for line in lines:
        _told[line["slot"]] = line
        tags = [f"network:{line['network']}", f"channel:{line['channel']}"]
        if line["campaign"]:
            tags.append(f"campaign:{line['campaign']}")
        shown: Any = show.with_options(task_run_name=line["slot"], tags=tags)
        await shown(line["slot"], return_state=True)
        logger.info("%s %s %s", line["state"], line["slot"], line["url"] or line["reason"] or "")
        rows = [row for row in rows if row["slot"] != line["slot"]] + [line]
    await acreate_table_artifact(
        key=table, description=f"What became of each slot, {about}",
        table=[{name: row[name] for name in ("slot", "state", "reason", "url", "at", "sent_at")} for row in rows])
    wrong = sum(1 for row in rows if row["state"] in _SHOWN_AS_FAILED)
    seen = f"{len(rows)} {'slot' if len(rows) == 1 else 'slots'}, of which {wrong} to look at."
    return Completed(message=seen if rows else nothing)


async def told_by(*words: str, fine: tuple[int, ...] = (0,)) -> AsyncIterator[Line]:
    """The lines of a `drumbeat` command that this flow run starts and ends. Raises DrumbeatError if it ends badly."""
    ours = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "flows.cli", *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE)
    assert ours.stdout is not None
    async for raw in ours.stdout:
        yield json.loads(raw)
    if (code := await ours.wait()) not in fine:
        raise DrumbeatError(f"'drumbeat {words[0]}' ended with exit code {code}.",
                            "Its own words are on stderr, above.")


async def read_lines() -> AsyncIterator[Line]:
    """The lines that the process which started us passes on, until it closes our input."""
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for raw in reader:
        yield json.loads(raw)
