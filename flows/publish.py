"""The shift as Prefect shows it: a flow run, in it a task run for each slot that something became of, and a table.

It follows, it does not send: sending is a process of its own (`flows.send`) and waits for nobody. The ledger decides
what happened; Prefect may see it late, twice or never.
"""
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from schemas.errors import DrumbeatError

Line = dict[str, Any]
_SHOWN_AS_FAILED = ("failed", "missed", "unknown", "held")


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
_source: Callable[[str], AsyncIterator[Line]] | None = None


@flow(name="publish", flow_run_name="shift until {until}", retries=0, persist_result=False, log_prints=False)
async def publish(until: str) -> State[None]:
    """Follows one shift to its end. `until`: RFC 3339 UTC. Ends Completed with a table of what became of each slot."""
    rows: list[Line] = []
    logger = get_run_logger()
    logger.info("Following the shift until %s", until)
    async for line in (_source or _spawned)(until):
        _told[line["slot"]] = line
        tags = [f"network:{line['network']}", f"channel:{line['channel']}"]
        if line["campaign"]:
            tags.append(f"campaign:{line['campaign']}")
        shown: Any = show.with_options(task_run_name=line["slot"], tags=tags)
        await shown(line["slot"], return_state=True)
        logger.info("%s %s %s", line["state"], line["slot"], line["url"] or line["reason"] or "")
        rows = [row for row in rows if row["slot"] != line["slot"]] + [line]
    await acreate_table_artifact(
        key="shift", description=f"What became of each slot, shift until {until}",
        table=[{name: row[name] for name in ("slot", "state", "reason", "url", "at", "sent_at")} for row in rows])
    wrong = sum(1 for row in rows if row["state"] in _SHOWN_AS_FAILED)
    seen = f"{len(rows)} {'slot' if len(rows) == 1 else 'slots'}, of which {wrong} to look at."
    return Completed(message=seen if rows else "Nothing was due.")


async def _spawned(until: str) -> AsyncIterator[Line]:
    """The lines of a sender that this flow run starts and ends: how a Prefect worker runs a shift."""
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "flows.cli", "publish", "--lines", "--until", until,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1_000_000)
    assert sender.stdout is not None
    async for raw in sender.stdout:
        yield json.loads(raw)
    if (code := await sender.wait()) != 0:
        raise DrumbeatError(f"the publisher ended with exit code {code}.", "Its own words are on stderr, above.")


async def _read(_: str) -> AsyncIterator[Line]:
    """The lines that the process which started us passes on, until it closes our input."""
    reader = asyncio.StreamReader(limit=1_000_000)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for raw in reader:
        yield json.loads(raw)


def main() -> None:
    """Follows the sender of the process that started us: waits for the server, shows all it has heard meanwhile."""
    from prefect.client.orchestration import get_client

    global _source
    _source = _read

    parent = int(os.environ.get("DRUMBEAT_PARENT") or os.getppid())     # it may be gone before we can ask

    async def follow() -> None:
        client = get_client()
        async with client:
            while (await client.api_healthcheck()) is not None:
                if os.getppid() != parent:
                    return                                        # it is gone, and its server with it
                await asyncio.sleep(0.5)
        await publish(os.environ.get("DRUMBEAT_UNTIL") or (datetime.now(UTC) + timedelta(hours=1)).isoformat())

    asyncio.run(follow())


if __name__ == "__main__":
    main()
