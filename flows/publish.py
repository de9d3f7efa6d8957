"""The shift as Prefect shows it: a flow run, in it a task run for each slot that something became of, and a table.

Sending itself is a process of its own (`flows.send`); this flow run only follows it.
"""
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
from prefect import flow, get_client, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Completed
from pydantic import StringConstraints

from flows.announce import announce
from flows.ask import Command, read_lines
from flows.close import WORKER, ends_at
from flows.edges.ledger import worker_id
from flows.follow import follow
from flows.gather import Line
from flows.reach import is_passing
from schemas.errors import UsageError
from schemas.report import rfc3339

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$"
_LOOK_S = 0.5
SHARD = r"^[1-9]\d{0,2}/[1-9]\d{0,2}$"
_source: AsyncIterator[Line] | None = None
_is_followed = False
"""Whether somebody began to read `_source`: lines that were read come no second time."""


def _name() -> str:
    asked: dict[str, Any] = runtime.flow_run.parameters or {}
    shard = f" {asked['shard']}" if asked.get("shard") else ""
    return f"shift{shard} until {asked.get('until') or rfc3339(ends_at(asked, _scheduled()))}"


@flow(name="publish", flow_run_name=_name, retries=0, persist_result=False, log_prints=False)
async def publish(
    until: Annotated[str, StringConstraints(pattern=TIME)] | None = None,
    shard: Annotated[str, StringConstraints(pattern=SHARD)] | None = None,
) -> State[None]:
    """Follows one shift to its end. Ends Completed with a table of what became of each slot.

    `until`: RFC 3339; by default an hour and two minutes after the run was scheduled, so that late ones of an outage
    do not pile up. `shard`: `2/4`, the second quarter of the accounts.
    """
    global _is_followed
    end = ends_at({"until": until}, _scheduled())
    said = until or rfc3339(end)
    get_run_logger().info("Following the shift until %s", said)
    await _sign()
    if _source is not None:
        _is_followed = True
        return await follow(_source, table="shift", about=f"shift until {said}", nothing="Nothing was due.")
    if until is None and end <= datetime.now(UTC):
        return Completed(message=f"Its hour was over ({said}) before a worker took it; a later shift sends it all.")
    command = Command("publish", "--lines", "--until", end.isoformat(), *checked(shard))
    state = await follow(command.lines(), table="shift", about=f"shift until {said}", nothing="Nothing was due.")
    return await _stopped(state) if command.was_stopped else state


def checked(shard: str | None) -> tuple[str, ...]:
    """The words of the command for `K/N`. Raises UsageError when there is no such part."""
    if shard is None:
        return ()
    part, _, of = shard.partition("/")
    if not (part.isdigit() and of.isdigit() and 1 <= int(part) <= int(of)):
        raise UsageError("shard is no part of a whole.", "Write it like 2/4: the second of four.")
    return ("--shard", shard)


def _scheduled() -> datetime:
    return runtime.flow_run.scheduled_start_time or datetime.now(UTC)


async def _sign() -> None:
    """Writes on the flow run which process follows it, so that `reconcile` can tell when that is gone."""
    try:
        async with get_client() as client:
            await client.update_flow_run_labels(runtime.flow_run.id, {WORKER: worker_id("follow")})
    except (httpx.TransportError, PrefectHTTPStatusError) as error:   # no reason not to publish: heartbeats tell, too
        get_run_logger().warning("Prefect does not know who follows this shift (%s).", type(error).__name__)


async def _stopped(state: State[None]) -> State[None]:
    """How a shift ended that was told to: by a person (Cancelled), or by its machine, and then another takes over."""
    try:
        async with get_client() as client:
            now = (await client.read_flow_run(runtime.flow_run.id)).state
    except (httpx.TransportError, PrefectHTTPStatusError):        # then it cannot tell that a person cancelled it
        now = None
    if now is not None and now.is_cancelling():
        return Cancelled(message=f"Cancelled. {state.message}")
    announce("shift.stopped", "shift", str(runtime.flow_run.id), {"message": state.message})
    return Completed(message=f"Told to stop before its time; another shift takes over. {state.message}")


def main() -> None:
    """Follows the sender of the process that started us: waits for the server, shows all it has heard meanwhile."""
    parent = int(os.environ.get("DRUMBEAT_PARENT") or os.getppid())     # it may be gone before we can ask
    try:
        asyncio.run(_follow_parent(parent))
    except PrefectHTTPStatusError as error:
        sys.exit(f"error: Prefect's server answered {error.response.status_code}: nothing of this shift is shown there."
                 "\n  remedy: Set PREFECT_API_AUTH_STRING or PREFECT_API_KEY as the server asks for them, or look into "
                 "its log.")
    except KeyboardInterrupt:
        sys.exit(130)


async def _follow_parent(parent: int) -> None:
    global _source
    _source = read_lines()
    until = os.environ.get("DRUMBEAT_UNTIL") or rfc3339(datetime.now(UTC) + timedelta(hours=1))
    while await _server_answers(parent):
        try:
            await publish(until)
        except (httpx.TransportError, PrefectHTTPStatusError, RuntimeError) as error:
            if _is_followed or not is_passing(error) or os.getppid() != parent:
                raise
            await asyncio.sleep(_LOOK_S)
        else:
            return


async def _server_answers(parent: int) -> bool:
    """Once it does; False when the process that started us is gone, and its server with it."""
    async with get_client() as client:
        while (await client.api_healthcheck()) is not None:
            if os.getppid() != parent:
                return False
            await asyncio.sleep(_LOOK_S)
    return True


if __name__ == "__main__":
    main()
