"""What the ways to run Drumbeat say alike: settings that exist, the same for each, and deployments as in the code."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.settings.legacy import _get_settings_fields
from prefect.settings.models.root import Settings as PrefectSettings

from flows.deploy import deployments
from flows.edges import settings as ours
from flows.edges.prefect_server import settings as embedded
from publishers import available, load

PROJECT = Path(__file__).parents[2]
INFRA = PROJECT / "infra"
_REDIS = {"PREFECT_REDIS_MESSAGING_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL"}
"""Where prefect-redis 0.3.0 looks for Redis (RedisMessagingSettings, RedisWorkerCleanupQueueSettings); only the image
has it. Each is asked for by itself: without the second one the cleanup queue looks for a Redis on its own machine."""
_VARIABLE = re.compile(r"\b(?:DRUMBEAT|PREFECT)_[A-Z][A-Z0-9_]*[A-Z0-9]\b")
_BY_HAND = {"DRUMBEAT_REALSERVERS"}
"""Read by the tests and not by the product."""


def _known() -> set[str]:
    """Every variable that the code reads, and every one that the installed Prefect knows."""
    read = {found for folder in ("flows", "publishers") for file in (PROJECT / folder).rglob("*.py")
            for found in _VARIABLE.findall(file.read_text(encoding="utf-8"))}
    return (read | {f"DRUMBEAT_{key.upper()}" for key in ours._KEYS} | set(_get_settings_fields(PrefectSettings))
            | _REDIS) - _BY_HAND


def _is_a_credential(name: str) -> bool:
    """DRUMBEAT_<CONNECTION>_<FIELD>, of a field that some network asks for."""
    fields = {field.upper() for network in available() for field in (*load(network).needs, *load(network).wants)}
    return any(re.fullmatch(rf"DRUMBEAT_[A-Z0-9_]+_{field}", name) for field in fields)


def _named() -> list[tuple[str, str]]:
    """(file, variable), for every variable of ours or of Prefect below infra/, but for ci/: it reads its own."""
    found = set()
    for file in sorted(INFRA.rglob("*")):
        if file.is_file() and file.suffix != ".pyc" and INFRA / "ci" not in file.parents:
            text = file.read_text(encoding="utf-8")
            found |= {(str(file.relative_to(INFRA)), name) for name in _VARIABLE.findall(text)}
    return sorted(found)


def test_every_variable_is_one_that_somebody_reads() -> None:
    """A misspelt name would be set, and nobody would say that it does nothing."""
    known = _known()
    wrong = [(file, name) for file, name in _named() if name not in known and not _is_a_credential(name)]

    assert wrong == []


def test_a_misspelt_variable_would_be_found() -> None:
    """The test above can fail."""
    known = _known()

    for name in ("DRUMBEAT_ARCHVIE", "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCHSIZE", "DRUMBEAT_X_TOKN"):
        assert name not in known
        assert not _is_a_credential(name)
    assert _is_a_credential("DRUMBEAT_OUR_CLUB_ACCESS_TOKEN")


@pytest.fixture(scope="module")
def servers(ecs: Callable[..., Any]) -> dict[str, dict[str, str]]:
    """The plain settings of Prefect's API server, by the way that it is run."""
    compose = yaml.safe_load((INFRA / "compose.yaml").read_text(encoding="utf-8"))["services"]["server"]["environment"]
    lines = (INFRA / "kubernetes/prefect-server.env").read_text(encoding="utf-8").splitlines()
    container = ecs().resources["ServerTask"]["ContainerDefinitions"][0]
    return {"compose": compose, "kubernetes": dict(line.split("=", 1) for line in lines),
            "ecs": {one["Name"]: one["Value"] for one in container["Environment"]}}


@pytest.mark.parametrize("way", ["compose", "kubernetes", "ecs"])
def test_prefects_server_is_told_what_the_embedded_one_is(servers: dict[str, dict[str, str]], way: str,
                                                           tmp_path: Path) -> None:
    """The batches that make it five times as quick, short retention, no word to anybody outside."""
    wanted = {name: value for name, value in embedded(tmp_path, 4200).items()
              if "SERVICES" in name or "ANALYTICS" in name or "RETENTION" in name or name == "DO_NOT_TRACK"}
    assert len(wanted) >= 10

    assert {name: servers[way].get(name) for name in wanted} == wanted


@pytest.mark.parametrize("way", ["compose", "kubernetes", "ecs"])
def test_several_servers_share_what_they_must(servers: dict[str, dict[str, str]], way: str) -> None:
    """PostgreSQL, and Redis for messages, order, leases and the tasks of services; nobody migrates at its start."""
    wanted = {
        "PREFECT_SERVER_DATABASE_DRIVER": "postgresql+asyncpg",
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
        "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
    }

    assert {name: servers[way].get(name) for name in wanted} == wanted
    text = "".join(file.read_text(encoding="utf-8") for file in
                   {"compose": [INFRA / "compose.yaml"], "ecs": [INFRA / "ecs/drumbeat.cfn.yaml"],
                    "kubernetes": sorted((INFRA / "kubernetes").glob("server.yaml"))}[way])
    assert {"PREFECT_SERVER_DOCKET_URL", *_REDIS} <= set(_VARIABLE.findall(text))


def test_the_settings_are_taken_by_the_installed_prefect(servers: dict[str, dict[str, str]],
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value is of the kind that Prefect wants: it starts with them."""
    for name, value in servers["kubernetes"].items():
        monkeypatch.setenv(name, value)

    made = PrefectSettings()

    assert made.server.database.host == "postgres.example.org"
    assert made.server.services.task_run_recorder.flush_interval == 1
    assert made.server.events.messaging_broker == "prefect_redis.messaging"
    assert made.server.ui.api_url == "http://127.0.0.1:4200/api"


@pytest.mark.parametrize("file", ["compose.yaml", "kubernetes/prefect-client.env", "ecs/drumbeat.cfn.yaml"])
def test_a_shift_tells_that_it_lives_as_often_as_the_automations_expect(file: str, tmp_path: Path) -> None:
    """Else a shift that lives would count as crashed."""
    every = embedded(tmp_path, 4200)["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
    text = (INFRA / file).read_text(encoding="utf-8")

    assert re.findall(r"PREFECT_FLOWS_HEARTBEAT_FREQUENCY(?:=|: |, Value: )\"?(\d+)", text) == [every]


def test_a_publisher_takes_as_many_runs_everywhere() -> None:
    """Its shift and the next one, that of a dead machine, and a run of another kind: no template says otherwise."""
    said = {file: set(re.findall(r"--limit, \"(\d+)\"", (INFRA / file).read_text(encoding="utf-8")))
            for file in ("compose.yaml", "kubernetes/publishers.yaml", "ecs/drumbeat.cfn.yaml")}

    assert set(map(frozenset, said.values())) == {frozenset({"4"})}
    assert "`--limit 4`" in (INFRA / "README.md").read_text(encoding="utf-8")


def test_every_file_that_a_comment_names_is_there() -> None:
    """An operator who follows a comment finds the file, where only those that people make themselves may be missing."""
    made_by_hand = {"compose.env", "credentials.env", "web.env", "drumbeat-review.md", "drumbeat.toml", "channels.yaml"}
    there = {path.name for path in (*INFRA.rglob("*"), *PROJECT.glob("*"))}
    named = {(str(file.relative_to(INFRA)), name) for file in INFRA.rglob("*")
             if file.suffix in (".yaml", ".env", ".example") and INFRA / "ci" not in file.parents
             for line in file.read_text(encoding="utf-8").splitlines() if "#" in line
             for name in re.findall(r"\b[\w.-]+\.(?:env|yaml|md|toml)\b", line.partition("#")[2])}

    assert {(file, name) for file, name in named if name not in there | made_by_hand} == set()


def _prefect_yaml() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((INFRA / "prefect.yaml").read_text(encoding="utf-8"))
    return said


def test_prefect_yaml_says_what_the_code_says() -> None:
    """Name by name: entry point, schedule, parameters, tags, how many at once, and what becomes of one more."""
    wanted = {one.name: one for one in deployments(3, publish=True, look=True)}
    said = PrefectYamlModel.model_validate(_prefect_yaml())

    assert [one.name for one in said.deployments] == list(wanted)
    for one in said.deployments:
        ours_ = wanted[str(one.name)]
        (schedule,) = one.schedules or [None]
        assert (one.entrypoint, one.description, one.parameters, one.tags) == (
            ours_.entrypoint, ours_.description, dict(ours_.parameters), ours_.tags)
        assert (getattr(schedule, "cron", None), getattr(schedule, "timezone", None)) == (ours_.crontab, "UTC")
        limit: Any = one.concurrency_limit
        assert (limit and (limit.limit, limit.collision_strategy)) == (ours_.at_once and (
            ours_.at_once, {"wait": "ENQUEUE", "drop": "CANCEL_NEW"}[ours_.when_full]))
        assert one.enforce_parameter_schema is True
        assert one.work_pool is not None
        assert one.work_pool.name == "drumbeat"


def test_prefect_yaml_has_no_key_that_prefect_would_overlook() -> None:
    """Prefect ignores what it does not know: a misspelt key would do nothing."""
    from prefect.cli.deploy._models import ConcurrencyLimitSpec, DeploymentConfig, RawScheduleConfig, WorkPoolConfig

    said = _prefect_yaml()
    assert set(said) <= set(PrefectYamlModel.model_fields)
    for one in said["deployments"]:
        assert set(one) <= set(DeploymentConfig.model_fields)
        assert set(one.get("concurrency_limit", ())) <= set(ConcurrencyLimitSpec.model_fields)
        assert set(one["work_pool"]) <= set(WorkPoolConfig.model_fields)
        assert all(set(schedule) <= set(RawScheduleConfig.model_fields) for schedule in one["schedules"])


def test_the_code_is_in_the_image_so_nothing_is_pulled() -> None:
    """No build, push or pull step; every entry point is the name of a module, which needs no folder."""
    from prefect.flows import load_flow_from_entrypoint

    said = _prefect_yaml()

    assert (said["build"], said["push"], said["pull"]) == ([], [], [])
    for one in said["deployments"]:
        assert ":" not in one["entrypoint"]
        assert load_flow_from_entrypoint(one["entrypoint"]).name == one["entrypoint"].rpartition(".")[2]
