"""Prefect's worker of processes, that leaves a shift to a worker with fewer: so shifts spread evenly over machines.

Prefect's own takes as many of what is due as its limit allows, whoever else idles. Here a worker takes one shift each
time it looks, and one that has shifts looks on for a while first: whoever has fewer is there before it. When a machine
dies, nobody else is there, and those that are left take its shifts some seconds later. It is started as Prefect's
command: `python -m infra.sharing worker start …`.
"""
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.workers.process import ProcessWorker

from flows.automate import MARK
from flows.close import SHIFT, ends_at
from schemas.errors import UsageError

PATIENCE_S = 20.0
"""So long it looks on for each shift that it has: every worker looks once within 13 s (10 s, and a third more)."""
ENDING = SHIFT - timedelta(hours=1) + timedelta(minutes=1)
"""A shift that ends so soon does not count: the next one begins before it."""
_SHIFTS = f"{MARK}:publish"


def in_turn(waiting: Mapping[UUID, float], have: int, now_s: float, patience_s: float = PATIENCE_S) -> UUID | None:
    """Which shift to take, of those that wait and when each was first seen, by who has so many; None: none yet."""
    return next((id for id, seen_s in waiting.items() if now_s - seen_s >= have * patience_s), None)


def lasting(ends: Iterable[datetime], now: datetime) -> int:
    """How many of the shifts with these ends count: those that go on when the next ones have begun."""
    return sum(1 for end in ends if end - now > ENDING)


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Type 'SharingWorker'")    # it takes the place of Prefect's own, as it says

    class SharingWorker(ProcessWorker):
        """A `ProcessWorker`, and Prefect's command takes this one wherever it was asked for that."""

        type = "process"
        patience_s = PATIENCE_S

        def __init__(self, *words: Any, **named: Any) -> None:
            super().__init__(*words, **named)
            self._ends: dict[UUID, datetime] = {}                 # of the shifts that it took
            self._seen_s: dict[UUID, float] = {}                  # since when it sees those that wait
            self._running: set[UUID] = set()

        async def _submit_scheduled_flow_runs(self, flow_run_response: list[WorkerFlowRunResponse]) -> list[FlowRun]:
            now, now_s = datetime.now(UTC), time.monotonic()
            under_way = self._submitting_flow_run_ids | self._running
            self._ends = {id: end for id, end in self._ends.items() if id in under_way}
            shifts = {one.flow_run.id: _end(one.flow_run, now) for one in flow_run_response
                      if _SHIFTS in one.flow_run.tags}
            # those whose hour is over wait longest, as after an outage: they only say so, and come last
            waiting = sorted(shifts.keys() - under_way, key=lambda id: (shifts[id], id), reverse=True)
            self._seen_s = {id: self._seen_s.get(id, now_s) for id in waiting}
            taken = in_turn(self._seen_s, lasting(self._ends.values(), now), now_s, self.patience_s)
            if taken is not None:
                self._ends[taken] = shifts[taken]
            return await super()._submit_scheduled_flow_runs(
                [one for one in flow_run_response if one.flow_run.id not in shifts or one.flow_run.id == taken])

        async def run(self, flow_run: FlowRun, *words: Any, **named: Any) -> Any:
            self._running.add(flow_run.id)
            try:
                return await super().run(flow_run, *words, **named)
            finally:
                self._running.discard(flow_run.id)


def _end(run: FlowRun, now: datetime) -> datetime:
    """When the shift ends; one that asks for a time that is none ends at once."""
    begun = run.expected_start_time or now
    with suppress(UsageError):
        return ends_at(run.parameters, begun)
    return now


if __name__ == "__main__":
    from prefect.cli import app

    app()
