"""The compose file: valid by the specification, closed to the outside, and slow enough to stop."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from flows.planning.deciding import Timing
from publishers.base import REQUEST_TIMEOUT_S

INFRA = Path(__file__).parents[2] / "infra"
FILE = INFRA / "compose.yaml"
SPECIFICATION = Path(__file__).parent / "compose-spec.json"
"""The schema of compose-spec.io as the package check-jsonschema 0.37 ships it; Apache License 2.0."""
PUBLISHERS = ("publisher-1", "publisher-2", "publisher-3")


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """The file, with its anchors and merges worked out."""
    made: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return made


@pytest.fixture(scope="module")
def services(said: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = said["services"]
    return made


def test_the_file_is_valid_by_the_specification(said: dict[str, Any]) -> None:
    """Nothing misspelt, nothing of the wrong kind."""
    schema = json.loads(SPECIFICATION.read_text(encoding="utf-8"))

    assert [error.message for error in Draft202012Validator(schema).iter_errors(said)] == []


def test_the_schema_would_notice(said: dict[str, Any]) -> None:
    """A misspelt key in a service is an error of the schema: the test above can fail."""
    schema = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    wrong = {**said, "services": {"web": {**said["services"]["web"], "read_onyl": True}}}

    assert not Draft202012Validator(schema).is_valid(wrong)


def test_docker_reads_it_as_well(tmp_path: Path) -> None:
    """Where Docker's own command is there, it works the file out with the example's values filled in."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no docker compose here")
    filled = re.sub(r"(?m)^([A-Z_]+)=$", r"\1=filled", (INFRA / "compose.env.example").read_text(encoding="utf-8"))
    shutil.copy(FILE, tmp_path / "compose.yaml")
    for name, text in (("credentials.env", ""), ("compose.env", filled)):
        (tmp_path / name).write_text(text, encoding="utf-8")

    ran = subprocess.run([docker, "compose", "--env-file", "compose.env", "config", "--quiet"],
                         cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr


def test_every_service_is_locked_down(services: dict[str, Any]) -> None:
    """A read-only root, no capabilities, no new privileges, limits, nobody is root."""
    for name, one in services.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert "cap_add" not in one, name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert set(one["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert one.get("user", "10001") not in ("root", "0"), name
        assert not one.get("privileged"), name
        assert "network_mode" not in one, name
        assert not any(str(volume).startswith(("/", ".", "~")) for volume in one.get("volumes", ())), name


def test_ports_are_open_on_this_machine_only(services: dict[str, Any]) -> None:
    """Prefect's pages and the web listen on loopback; a proxy with TLS lets others in (threats, D3)."""
    assert {name: one["ports"] for name, one in services.items() if "ports" in one} == {
        "server": ["127.0.0.1:4200:4200"], "web": ["127.0.0.1:4281:4281"]}


def test_the_stores_are_reached_by_prefects_servers_alone(said: dict[str, Any], services: dict[str, Any]) -> None:
    """PostgreSQL and Redis are on a network without a way out, and neither publishers nor the web are on it."""
    assert said["networks"]["store"] == {"internal": True}
    assert {name for name, one in services.items() if "store" in one["networks"]} == {
        "postgres", "redis", "migrate", "server", "services"}
    assert all(services[name]["networks"] == ["store"] for name in ("postgres", "redis"))


def test_only_publishers_get_the_accounts_at_networks(services: dict[str, Any]) -> None:
    """Neither Prefect's servers nor the web see a credential (threats, D1, D2)."""
    assert {name for name, one in services.items()
            if any(file["path"] == "credentials.env" for file in one.get("env_file", ()))} == set(PUBLISHERS)


def test_no_secret_stands_in_the_file(services: dict[str, Any]) -> None:
    """Each comes from compose.env, which Git ignores, and a missing one stops the start with a message."""
    secret = re.compile("PASSWORD|SECRET|TOKEN|AUTH")
    for name, one in services.items():
        for key, value in one.get("environment", {}).items():
            if secret.search(key):
                assert re.fullmatch(r"\$\{[A-Z_]+(:[?-][^}]*)?\}", str(value)), f"{name}: {key}"
    text = FILE.read_text(encoding="utf-8")
    for key in ("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_SERVER_DATABASE_PASSWORD",
                "REDIS_PASSWORD", "DRUMBEAT_HOOK_SECRET", "DRUMBEAT_WEB_TOKEN"):
        assert f"${{{key}:?" in text, f"{key} may be empty"
    ignored = subprocess.run(["git", "check-ignore", "infra/compose.env", "infra/credentials.env", "infra/web.env"],
                             cwd=INFRA.parent, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == ["infra/compose.env", "infra/credentials.env", "infra/web.env"]


def test_everything_that_has_to_be_said_stands_in_the_example() -> None:
    """compose.env.example names every variable that the file asks for without a value of its own."""
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", FILE.read_text(encoding="utf-8")))
    example = set(re.findall(r"(?m)^([A-Z_]+)=", (INFRA / "compose.env.example").read_text(encoding="utf-8")))

    assert asked <= example


@pytest.mark.parametrize("name", PUBLISHERS)
def test_a_publisher_may_take_as_long_as_a_call_can(services: dict[str, Any], name: str) -> None:
    """It is killed only after every call in flight has ended and its window is over."""
    one = services[name]

    assert float(one["stop_grace_period"].removesuffix("s")) > REQUEST_TIMEOUT_S + Timing().send_window_s + 10
    assert one["entrypoint"] == ["python", "-m", "infra.worker"]
    assert one["restart"] == "unless-stopped"


def test_publishers_keep_a_folder_each(services: dict[str, Any]) -> None:
    """Two publishers never share a clone, and nobody else sees what lies beside it: credentials that were renewed."""
    kept = [volume for name in PUBLISHERS for volume in services[name]["volumes"]]
    others = [volume for name, one in services.items() if name not in PUBLISHERS for volume in one.get("volumes", ())]

    assert len(set(kept)) == len(kept) == len(PUBLISHERS)
    assert not set(kept) & set(others)
    assert services["web"]["volumes"] == ["web:/srv/drumbeat"]
    assert services["deployments"]["environment"]["DRUMBEAT_SHARDS"] == str(len(PUBLISHERS))


def test_what_has_to_be_there_first_is_waited_for(services: dict[str, Any]) -> None:
    """The database, then its migration, then the server, then deployments, then publishers."""
    waits = {name: {other: about["condition"] for other, about in one.get("depends_on", {}).items()}
             for name, one in services.items()}

    healthy, done = "service_healthy", "service_completed_successfully"
    assert waits == {
        "postgres": {}, "redis": {}, "migrate": {"postgres": healthy},
        "server": {"migrate": done, "redis": healthy}, "services": {"migrate": done, "redis": healthy},
        "deployments": {"server": healthy}, "web": {"server": healthy},
        **{name: {"server": healthy, "deployments": done} for name in PUBLISHERS}}
    assert all("healthcheck" in services[name] for name in ("postgres", "redis", "server", "web", *PUBLISHERS))


def test_images_of_others_are_of_one_major_version(services: dict[str, Any]) -> None:
    """PostgreSQL 15 or newer, named by its major version: a new one needs a dump, and does not come by itself."""
    postgres = re.fullmatch(r"docker\.io/library/postgres:(\d+)-bookworm", services["postgres"]["image"])

    assert postgres is not None
    assert int(postgres[1]) >= 15
    assert re.fullmatch(r"docker\.io/library/redis:\d+\.\d+-bookworm", services["redis"]["image"])
    assert {one["image"] for name, one in services.items() if name not in ("postgres", "redis")} == {
        "${IMAGE:-drumbeat:0.1.0}"}


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
def test_redis_gets_its_password_from_its_surroundings(services: dict[str, Any]) -> None:
    """The password is in no command line that `ps` of the host would show before Redis starts."""
    command = services["redis"]["command"]

    assert command[:2] == ["sh", "-c"]
    assert '--requirepass "$$REDISCLI_AUTH"' in command[2]
    assert services["redis"]["environment"] == {"REDISCLI_AUTH": "${REDIS_PASSWORD}"}
