"""The shift as Prefect shows it: a flow run, in it a task run for each slot that something became of, and a table.

Sending itself is a process of its own (`flows.send`); this flow run only follows it.
"""
import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from flows.follow import Line, follow, read_lines, told_by

_source: AsyncIterator[Line] | None = None


@flow(name="publish", flow_run_name="shift until {until}", retries=0, persist_result=False, log_prints=False)
async def publish(until: str) -> State[None]:
    """Follows one shift to its end. `until`: RFC 3339 UTC. Ends Completed with a table of what became of each slot."""
    get_run_logger().info("Following the shift until %s", until)
    lines = _source or told_by("publish", "--lines", "--until", until)
    return await follow(lines, table="shift", about=f"shift until {until}", nothing="Nothing was due.")


def main() -> None:
    """Follows the sender of the process that started us: waits for the server, shows all it has heard meanwhile."""
    from prefect.client.orchestration import get_client

    parent = int(os.environ.get("DRUMBEAT_PARENT") or os.getppid())     # it may be gone before we can ask

    async def watch() -> None:
        global _source
        _source = read_lines()
        client = get_client()
        async with client:
            while (await client.api_healthcheck()) is not None:
                if os.getppid() != parent:
                    return                                        # it is gone, and its server with it
                await asyncio.sleep(0.5)
        await publish(os.environ.get("DRUMBEAT_UNTIL") or (datetime.now(UTC) + timedelta(hours=1)).isoformat())

    asyncio.run(watch())


if __name__ == "__main__":
    main()
