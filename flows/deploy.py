"""What Prefect runs for us and when, as data; and how it comes to a server without doing anything twice."""
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Literal, NamedTuple
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags, FlowRunFilter
from prefect.client.schemas.filters import FlowRunFilterDeploymentId as OfDeployment
from prefect.client.schemas.filters import FlowRunFilterState as InState
from prefect.client.schemas.filters import FlowRunFilterStateType as OfType
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import AutomationSort, DeploymentSort, FlowRunSort
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.callables import parameter_schema

from flows.automate import MARK, PREFIX
from flows.notify import PAGE

MOST_SHARDS = 64
SOON = timedelta(minutes=5)


class Deployment(NamedTuple):
    """One thing that Prefect runs. `crontab`: UTC. `when_full`: what becomes of a run above `at_once`.

    `at_once` None: any number. A limit is a lease that Prefect's server has to renew, or it ends the run: so a shift
    has none, and lives through an outage of the server. Any number of shifts may race; claims decide.
    """

    name: str
    entrypoint: str
    crontab: str
    description: str
    at_once: int | None = 1
    when_full: Literal["wait", "drop"] = "drop"
    parameters: Mapping[str, Any] = {}

    @property
    def tags(self) -> list[str]:
        return [MARK, f"{MARK}:{self.flow}"]

    @property
    def flow(self) -> str:
        return self.entrypoint.rpartition(".")[2]


def deployments(shards: int, *, publish: bool, look: bool) -> list[Deployment]:
    """All of ours. `publish` False: another process of this machine sends. `look`: `reconcile` opens accounts."""
    shifts = [Deployment(
        f"publish-{number}", "flows.publish.publish", "0 * * * *",
        "A shift: what is due goes out. Each lasts an hour and two minutes, so that the next one takes over.",
        at_once=None, parameters={"shard": f"{number}/{shards}"} if shards > 1 else {})
        for number in range(1, shards + 1)] if publish else []
    return [
        *shifts,
        Deployment("sync", "flows.sync.sync", "*/10 * * * *",
                   "What was pushed: accepted or rejected. A push starts it; the schedule is a net.",
                   when_full="wait"),
        Deployment("reconcile", "flows.reconcile.reconcile", "*/15 * * * *",
                   "Dead shifts are closed, what is overdue or silent is told, lost answers are looked up.",
                   parameters={} if look else {"look": False}),
        Deployment("audit", "flows.audit.audit", "17 4 * * *",
                   "Every chain of the archive, and the plan against it."),
    ]


async def apply_deployments(wanted: Sequence[Deployment], pool: str | None, client: PrefectClient) -> dict[str, UUID]:
    """The server has these and no other of ours; ids by name. What is so already, or paused by a person, stays so.

    `pool`: the work pool whose workers run them; None: a runner does.
    """
    there = {one.name: one for one in await ours(client)}
    made = {}
    for one in wanted:
        schema = schema_of(one)
        known = there.pop(one.name, None)
        made[one.name] = known.id if known else await _create(one, pool, schema, client)
        if known and not _is_same(known, one, pool, schema):
            await client.update_deployment(known.id, DeploymentUpdate(
                **_fields(one), work_pool_name=pool, schedules=[_schedule(one).model_dump(mode="json")],
                parameter_openapi_schema=schema))
    for left in there.values():
        await client.delete_deployment(left.id)
    return made


def schema_of(one: Deployment) -> dict[str, Any]:
    """What parameters a run of it may have, and no others: the server refuses the rest before it keeps them."""
    flow = getattr(import_module(one.entrypoint.rpartition(".")[0]), one.flow)
    return {**parameter_schema(flow.fn).model_dump(exclude_unset=True), "additionalProperties": False}


async def ours(client: PrefectClient) -> list[DeploymentResponse]:
    """The deployments on the server that we made."""
    marked = DeploymentFilter(tags=DeploymentFilterTags(all_=[MARK]))
    return list(await client.read_deployments(deployment_filter=marked, limit=200,
                                               sort=DeploymentSort.NAME_ASC))


async def ensure_pool(name: str, client: PrefectClient) -> None:
    """A work pool of processes, unless there is one of that name: that may be of any kind, and stays as it is."""
    from prefect.workers.process import ProcessWorker

    try:
        await client.read_work_pool(name)
    except ObjectNotFound:
        await client.create_work_pool(WorkPoolCreate(
            name=name, type="process", description="Drumbeat's shifts and checks, as processes of a worker.",
            base_job_template=ProcessWorker.get_default_base_job_template()))


async def begin_shifts(made: Mapping[str, UUID], client: PrefectClient) -> list[str]:
    """Starts each shift of which none runs or is about to: the first hour is not waited for. The names started."""
    started = []
    for name, id in made.items():
        if not name.startswith("publish-"):
            continue
        running = FlowRunFilter(deployment_id=OfDeployment(any_=[id]), state=InState(type=OfType(any_=[
            StateType.RUNNING, StateType.PENDING, StateType.SCHEDULED])))
        runs = await client.read_flow_runs(flow_run_filter=running, limit=200,
                                           sort=FlowRunSort.EXPECTED_START_TIME_ASC)
        soon = datetime.now(UTC) + SOON
        if not any(run.expected_start_time is not None and run.expected_start_time <= soon for run in runs):
            await client.create_flow_run_from_deployment(id)
            started.append(name)
    return started


async def apply_automations(wanted: Sequence[AutomationCore], client: PrefectClient) -> None:
    """The server has these and no other of ours: by name, prefix and tag. What a person switched off stays off.

    Two who do this at the same time may make one twice, which would tell everything twice: each then leaves the same.
    """
    there = await _ours_once(client)
    made = False
    for one in wanted:
        known = there.pop(one.name, None)
        if known is None:
            await client.create_automation(one)
            made = True
        elif _plainly(known) != _plainly(one):
            await client.update_automation(known.id, one.model_copy(update={"enabled": known.enabled}))
    for left in there.values():
        await _delete(left, client)
    if made:
        await _ours_once(client)


async def _ours_once(client: PrefectClient) -> dict[str, Automation]:
    """Our automations by name; of those with one name one stays, for everybody the same."""
    found: dict[str, Automation] = {}
    for one in sorted(await _automations(client), key=lambda one: one.id):
        if one.name.startswith(PREFIX) and MARK in one.tags and found.setdefault(one.name, one) is not one:
            await _delete(one, client)
    return found


async def _delete(one: Automation, client: PrefectClient) -> None:
    try:
        await client.delete_automation(one.id)
    except PrefectHTTPStatusError as error:
        if error.response.status_code != 404:                     # somebody else was quicker
            raise


async def _automations(client: PrefectClient) -> list[Automation]:
    found: list[Automation] = []
    while page := await client.read_automations(sort=AutomationSort.NAME_ASC, offset=len(found), limit=PAGE):
        found += page
    return found


async def _create(one: Deployment, pool: str | None, schema: dict[str, Any], client: PrefectClient) -> UUID:
    return await client.create_deployment(
        flow_id=await client.create_flow_from_name(one.flow), work_pool_name=pool, schedules=[_schedule(one)],
        name=one.name, parameter_openapi_schema=schema, **_fields(one))


def _fields(one: Deployment) -> dict[str, Any]:
    strategy = ConcurrencyLimitStrategy.ENQUEUE if one.when_full == "wait" else ConcurrencyLimitStrategy.CANCEL_NEW
    return {"description": one.description, "entrypoint": one.entrypoint, "parameters": dict(one.parameters),
            "tags": one.tags, "concurrency_limit": one.at_once, "enforce_parameter_schema": True, "job_variables": {},
            "concurrency_options": ConcurrencyOptions(collision_strategy=strategy) if one.at_once is not None else None}


def _schedule(one: Deployment) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(schedule=CronSchedule(cron=one.crontab, timezone="UTC"), active=True)


def _is_same(known: DeploymentResponse, one: Deployment, pool: str | None, schema: dict[str, Any]) -> bool:
    wanted = _fields(one)
    limit = known.global_concurrency_limit.limit if known.global_concurrency_limit else None
    schedules = [(getattr(each.schedule, "cron", None), getattr(each.schedule, "timezone", None), each.active)
                 for each in known.schedules]
    return (
        all(getattr(known, name) == wanted[name] for name in ("description", "entrypoint", "parameters", "tags",
                                                              "enforce_parameter_schema", "job_variables"))
        and limit == one.at_once and known.concurrency_options == wanted["concurrency_options"]
        and known.work_pool_name == pool and known.parameter_openapi_schema == schema
        and schedules == [(one.crontab, "UTC", True)])


def _plainly(one: AutomationCore) -> dict[str, Any]:
    """What of an automation is ours to say; sets in order."""
    plain = AutomationCore.model_validate(one.model_dump())
    said = plain.model_dump(mode="json", exclude={"owner_resource", "enabled"})
    for name in ("after", "expect", "for_each"):
        said["trigger"][name] = sorted(said["trigger"][name])
    return said
