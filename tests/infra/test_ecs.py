"""The services of ECS: valid for CloudFormation, no secret in the open, and slow enough to stop."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file

from flows.planning.deciding import Timing
from publishers.base import REQUEST_TIMEOUT_S

INFRA = Path(__file__).parents[2] / "infra"
SECRET = re.compile("PASSWORD|SECRET|TOKEN|AUTH|_KEY")


@pytest.fixture(scope="module")
def resources(ecs: Callable[..., Any]) -> dict[str, Any]:
    made: dict[str, Any] = ecs().resources
    return made


def _tasks(resources: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in resources.items() if name.endswith("Task")}


def _containers(resources: dict[str, Any]) -> dict[str, Any]:
    return {one["Name"]: one for task in _tasks(resources).values() for one in task["ContainerDefinitions"]}


def _secrets(task: dict[str, Any]) -> set[str]:
    return {secret["ValueFrom"].rsplit(":", 3)[0] for one in task["ContainerDefinitions"]
            for secret in one.get("Secrets", ())}


@pytest.mark.parametrize("template", ["archive.cfn.yaml", "ecs/drumbeat.cfn.yaml"])
def test_cfn_lint_finds_nothing(template: str) -> None:
    """Every resource and property is one that CloudFormation has, and has such a value."""
    assert [str(one) for one in lint_file(INFRA / template)] == []


def test_cfn_lint_would_notice(tmp_path: Path) -> None:
    """A property that a service does not have is found: the test above can fail."""
    text = (INFRA / "ecs/drumbeat.cfn.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("DesiredCount:", "DesierdCount:", 1), encoding="utf-8")

    assert any("DesierdCount" in str(one) for one in lint_file(wrong))


def test_every_container_is_locked_down(resources: dict[str, Any]) -> None:
    """A read-only root with what is written beside it, no capabilities, logs that are kept."""
    for name, one in _containers(resources).items():
        assert one["ReadonlyRootFilesystem"] is True, name
        assert one["LinuxParameters"] == {"Capabilities": {"Drop": ["ALL"]}}, name
        assert "User" not in one, name                              # the image's own, which is nobody
        assert one["Image"] == "registry.example.org/drumbeat@sha256:0", name
        assert one["LogConfiguration"]["LogDriver"] == "awslogs", name
        wanted = {"/tmp", "/srv/drumbeat"} if name in ("publisher", "web", "deployments") else {"/tmp"}
        assert {mount["ContainerPath"] for mount in one["MountPoints"]} == wanted, name


def test_secrets_come_from_secrets_manager_and_nowhere_else(resources: dict[str, Any]) -> None:
    """No variable in the open has a name like a secret; each secret is a field of one that a parameter names."""
    arns = {"arn:login", "arn:stores", "arn:web", "arn:git", "arn:networks"}
    for name, one in _containers(resources).items():
        assert not [env["Name"] for env in one["Environment"] if SECRET.search(env["Name"])], name
        for secret in one.get("Secrets", ()):
            arn, field, stage, version = secret["ValueFrom"].rsplit(":", 3)
            assert arn in arns, name
            assert field, name
            assert (stage, version) == ("", ""), name


def test_each_role_reads_the_secrets_of_its_tasks_and_no_other(resources: dict[str, Any]) -> None:
    """Neither the server nor the web can be made to show the accounts at networks (D1, E4)."""
    reads = {}
    for name in ("ServerExecution", "WebExecution", "PublisherExecution"):
        (policy,) = resources[name]["Policies"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == "secretsmanager:GetSecretValue"
        reads[f"arn:aws:iam::111122223333:role/{name}"] = set(statement["Resource"])
    used: dict[str, set[str]] = {}
    for task in _tasks(resources).values():
        used.setdefault(task["ExecutionRoleArn"], set()).update(_secrets(task))

    assert reads == used
    assert {name for name, task in _tasks(resources).items() if "arn:networks" in _secrets(task)} == {"PublisherTask"}


def test_only_who_needs_the_archive_has_a_role_for_it(resources: dict[str, Any]) -> None:
    """Publishers write, the web reads, and Prefect's server may nothing."""
    assert {name: task.get("TaskRoleArn") for name, task in _tasks(resources).items()} == {
        "ServerTask": None, "MigrateTask": None, "DeploymentsTask": None,
        "WebTask": "arn:aws:iam::111122223333:role/author", "PublisherTask": "arn:aws:iam::111122223333:role/worker"}


def test_a_publisher_may_take_as_long_as_a_call_can(resources: dict[str, Any]) -> None:
    """It is killed only after every call in flight has ended; Fargate allows two minutes at most."""
    one = _containers(resources)["publisher"]

    assert REQUEST_TIMEOUT_S + Timing().send_window_s + 10 < one["StopTimeout"] <= 120
    assert one["EntryPoint"] == ["python", "-m", "infra.worker"]
    assert "HealthCheck" not in one


def test_a_rolling_restart_leaves_two_of_three_publishers(resources: dict[str, Any]) -> None:
    """And a deployment that does not come up is taken back."""
    services = {name: one for name, one in resources.items() if name.endswith("Service")}
    counts = {name: (one["DesiredCount"], one["DeploymentConfiguration"]["MinimumHealthyPercent"],
                     one["DeploymentConfiguration"]["MaximumPercent"]) for name, one in services.items()}

    assert counts == {"ServerService": (1, 100, 200), "WebService": (1, 100, 200), "PublisherService": ("3", 66, 150)}
    assert -(-3 * 66 // 100) == 2                                  # ECS rounds up what has to stay
    assert all(one["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
               for one in services.values())
    shards = [env["Value"] for env in _containers(resources)["deployments"]["Environment"]
              if env["Name"] == "DRUMBEAT_SHARDS"]
    assert shards == ["3"]


def test_any_number_of_publishers_can_be_replaced(ecs: Callable[..., Any]) -> None:
    """Of one or two as of many, a new one may come before an old one goes."""
    for number in (1, 2, 3, 4, 7, 64):
        about = ecs(Publishers=str(number)).resources["PublisherService"]["DeploymentConfiguration"]
        least = -(-number * about["MinimumHealthyPercent"] // 100)  # ECS rounds up what has to stay, down what may be
        most = number * about["MaximumPercent"] // 100

        assert 1 <= least <= number < most, number


def test_people_can_be_told_of_what_needs_them(ecs: Callable[..., Any]) -> None:
    """Addresses come from a secret, if one is named, and only the task that brings them to Prefect has them."""
    named, plain = ecs(NotifySecret="arn:notify").resources, ecs().resources
    has = {name for name, one in _containers(named).items()
           if any(secret["Name"] == "DRUMBEAT_NOTIFY" for secret in one.get("Secrets", ()))}

    assert has == {"deployments"}
    assert {"Name": "DRUMBEAT_NOTIFY", "ValueFrom": "arn:notify:addresses::"} in _containers(named)[
        "deployments"]["Secrets"]
    assert "arn:notify" in named["PublisherExecution"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"]
    assert "DRUMBEAT_NOTIFY" not in str(plain)
    assert "" not in plain["PublisherExecution"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"]


def test_nothing_runs_before_the_migration_was_run(ecs: Callable[..., Any]) -> None:
    """The stack is made with Running=no: every service has no task then."""
    resources = ecs(Running="no").resources

    assert {one["DesiredCount"] for name, one in resources.items() if name.endswith("Service")} == {0}


def test_nobody_reaches_a_task_but_who_has_to(resources: dict[str, Any]) -> None:
    """The server is open to publishers and the web, the web to the balancer, publishers to nobody; none is public."""
    doors = {name: {(one["FromPort"], one["ToPort"], one["SourceSecurityGroupId"].rpartition("/")[2])
                    for one in resources[name].get("SecurityGroupIngress", ())}
             for name in ("ServerGroup", "WebGroup", "PublisherGroup")}

    assert doors == {"ServerGroup": {(4200, 4200, "PublisherGroup"), (4200, 4200, "WebGroup")},
                     "WebGroup": {(4281, 4281, "sg-1")}, "PublisherGroup": set()}
    for name, one in resources.items():
        if name.endswith("Service"):
            assert one["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
            assert one["EnableExecuteCommand"] is False


def test_an_empty_login_stops_prefects_server(resources: dict[str, Any]) -> None:
    """Prefect takes an empty name and password for a login that anybody has; the shell refuses it first (D3)."""
    one = _containers(resources)["server"]

    assert one["EntryPoint"] == ["sh", "-c"]
    assert one["Command"][0].startswith(': "${PREFECT_SERVER_API_AUTH_STRING:?')
