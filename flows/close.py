"""When a shift ends, and the flow runs of shifts that Prefect still shows as running though nobody follows any more."""
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed

from flows.announce import announce
from flows.edges.ledger import is_gone
from schemas.errors import UsageError

SHIFT = timedelta(hours=1, minutes=2)
"""Two minutes longer than the schedule's hour: the next shift takes over before this one ends."""
WORKER = "drumbeat.worker"
"""The label of a flow run that says which process follows."""
LATE = timedelta(minutes=10)


async def close_zombies(now: datetime) -> list[str]:
    """Closes each shift whose time passed ten minutes ago, or whose process is gone from this machine: their names."""
    running = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])))
    closed = []
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=["publish"])),
                                           flow_run_filter=running, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=200)
        for run, why in zombies(runs, now):
            await client.set_flow_run_state(run.id, Crashed(message=why), force=True)
            announce("shift.crashed", "shift", str(run.id), {"name": run.name, "reason": why})
            closed.append(f"{run.name}: {why}")
    return closed


def zombies(runs: Iterable[FlowRun], now: datetime) -> list[tuple[FlowRun, str]]:
    """Which of these running shifts are none, and why. Runs that no process of ours signed are not ours to judge."""
    found = []
    for run in runs:
        labels: Mapping[str, Any] = run.labels
        if WORKER not in labels:
            continue
        end = _end(run)
        if is_gone(str(labels[WORKER])):
            found.append((run, "The process that followed it is gone; the archive has what it sent."))
        elif end is not None and now > end + LATE:
            found.append((run, f"It should have ended {end:%Y-%m-%d %H:%M} UTC and never said so; the archive has what "
                               "it sent."))
    return found


def _end(run: FlowRun) -> datetime | None:
    begun = run.expected_start_time or run.start_time
    if begun is None:
        return None
    try:
        end = ends_at(run.parameters, begun)
    except UsageError:
        return None
    return end if end >= begun else None                          # a rehearsal's time says nothing about ours


def ends_at(asked: Mapping[str, Any], scheduled: datetime) -> datetime:
    """When a shift ends that was asked for so. Raises UsageError for a time that is none."""
    if not asked.get("until"):
        # Prefect's times are pendulum's, and lose their zone where one of the standard library's is added up with them
        return datetime.fromtimestamp(scheduled.timestamp(), UTC) + SHIFT
    try:
        end = datetime.fromisoformat(asked["until"])
        if end.tzinfo is not None:
            return end.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):                # the last: in UTC it is before the year 1, say
        pass
    raise UsageError("until is no time with a zone.", "Write it like 2027-03-01T13:00:00Z, or leave it out.")
