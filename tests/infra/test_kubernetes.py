"""The manifests: valid by the schemas of Kubernetes, allowed by its restricted profile, complete among themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from flows.planning.deciding import Timing
from publishers.base import REQUEST_TIMEOUT_S

FOLDER = Path(__file__).parents[2] / "infra/kubernetes"
VERSIONS = ("1.31", "1.34", "1.37")
"""Of Kubernetes: an old one that still is in use, and the newest that the schemas know."""
NOBODY = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
Manifest = dict[str, Any]


def _all() -> Iterator[Manifest]:
    for file in yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]:
        yield from yaml.safe_load_all((FOLDER / file).read_text(encoding="utf-8"))


MANIFESTS = list(_all())
PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in MANIFESTS
        if one["kind"] in ("Deployment", "StatefulSet", "Job")}
OURS = sorted(set(PODS) - {"redis"})


def _one(kind: str, name: str) -> Manifest:
    return next(one for one in MANIFESTS if (one["kind"], one["metadata"]["name"]) == (kind, name))


def _container(name: str) -> Manifest:
    (one,) = PODS[name]["spec"]["containers"]
    found: Manifest = one
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_each_manifest_is_valid(manifest: Manifest, version: str) -> None:
    """By the schemas that Kubernetes publishes, strictly: a field that it does not know is an error."""
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_would_notice() -> None:
    """A misspelt field is an error: the test above can fail."""
    wrong = {**_one("StatefulSet", "publisher"), "spec": {**_one("StatefulSet", "publisher")["spec"], "replcas": 3}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_file_is_applied_but_the_example() -> None:
    """No manifest lies there unused; the example of secrets is not applied, and its values are empty."""
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    there = {file.name for file in FOLDER.glob("*.yaml")}

    assert there - set(listed) == {"kustomization.yaml", "secrets.example.yaml"}
    example = yaml.safe_load_all((FOLDER / "secrets.example.yaml").read_text(encoding="utf-8"))
    assert {value for one in example for value in one["stringData"].values()} == {""}


@pytest.mark.parametrize("name", sorted(PODS))
def test_every_pod_is_allowed_under_the_restricted_profile(name: str) -> None:
    """Not root, no way to become it, no capabilities, the default profile of system calls, a read-only root."""
    pod, container = PODS[name]["spec"], _container(name)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == NOBODY
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {kind for volume in pod.get("volumes", ()) for kind in volume} <= {"name", "emptyDir"}
    assert set(container["resources"]) == {"requests", "limits"}
    assert all(set(container["resources"][which]) == {"cpu", "memory"} for which in ("requests", "limits"))
    labels = _one("Namespace", "drumbeat")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", sorted(PODS))
def test_no_pod_may_ask_kubernetes_anything_or_hears_of_services(name: str) -> None:
    """No token; and none of the variables of services, which Prefect would take for settings of its own."""
    assert PODS[name]["spec"]["automountServiceAccountToken"] is False
    assert PODS[name]["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", OURS)
def test_what_is_written_has_a_place(name: str) -> None:
    """/tmp everywhere; /srv/drumbeat where content is: a volume that only this pod has."""
    mounts = {one["mountPath"]: one["name"] for one in _container(name)["volumeMounts"]}
    volumes = {one["name"] for one in PODS[name]["spec"]["volumes"]}
    if name == "publisher":
        (claim,) = _one("StatefulSet", "publisher")["spec"]["volumeClaimTemplates"]
        volumes.add(claim["metadata"]["name"])

    assert set(mounts) == ({"/tmp", "/srv/drumbeat"} if name in ("publisher", "web", "deployments") else {"/tmp"})
    assert set(mounts.values()) == volumes
    assert PODS[name]["spec"]["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


def test_what_runs_for_long_is_probed() -> None:
    """What answers is asked; what must go on while Prefect's server is away is not restarted for that."""
    probes = {name: {key for key in _container(name) if key.endswith("Probe")} for name in PODS}

    assert probes == {
        "redis": {"readinessProbe", "livenessProbe"}, "migrate": set(), "deployments": set(), "services": set(),
        "server": {"startupProbe", "readinessProbe", "livenessProbe"},
        "web": {"startupProbe", "readinessProbe", "livenessProbe"},
        "publisher": {"startupProbe", "readinessProbe"}}


def test_a_publisher_may_take_as_long_as_a_call_can_and_only_one_goes_at_a_time() -> None:
    """A rolling restart waits for calls in flight, and leaves two of three publishers standing."""
    one = _one("StatefulSet", "publisher")["spec"]

    assert PODS["publisher"]["spec"]["terminationGracePeriodSeconds"] > REQUEST_TIMEOUT_S + Timing().send_window_s + 10
    assert "lifecycle" not in _container("publisher")
    assert _container("publisher")["command"] == ["python", "-m", "infra.worker"]
    assert one["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    assert _one("PodDisruptionBudget", "publisher")["spec"]["maxUnavailable"] == 1
    shards = next(env["value"] for env in _container("deployments")["env"] if env["name"] == "DRUMBEAT_SHARDS")
    assert int(shards) == one["replicas"] == 3


def test_what_a_publisher_renewed_outlives_it() -> None:
    """A refresh token that serves once lies on the volume: fewer publishers for a night do not lose it."""
    one = _one("StatefulSet", "publisher")["spec"]

    assert one["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_nobody_reaches_a_pod_but_who_has_to() -> None:
    """All is closed; Prefect's server is open to publishers, the web and the job, Redis to Prefect's servers (D3)."""
    assert _one("NetworkPolicy", "nobody")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    doors = {}
    for name in ("server", "redis"):
        spec = _one("NetworkPolicy", name)["spec"]
        ((rule,), where) = spec["ingress"], spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        ((who,), (port,)) = rule["from"], rule["ports"]
        ((said,), about) = who["podSelector"]["matchExpressions"], set(who)
        assert about == {"podSelector"}                            # pods of this namespace
        assert (said["key"], said["operator"]) == ("app.kubernetes.io/component", "In")
        doors[where] = (port["port"], set(said["values"]))
    assert doors == {"server": (4200, {"publisher", "web", "deployments"}),
                     "redis": (6379, {"server", "services", "migrate"})}
    components = {template["metadata"]["labels"]["app.kubernetes.io/component"] for template in PODS.values()}
    assert {who for _, allowed in doors.values() for who in allowed} <= components
    kinds = {one["spec"].get("type", "ClusterIP") for one in MANIFESTS if one["kind"] == "Service"}
    assert kinds == {"ClusterIP"}


def test_the_ingress_shows_the_hook_and_the_pages_and_no_figures() -> None:
    """Every path is one that the web answers, word for word; /metrics and /health stay inside; TLS is there."""
    from flows.web.app import app
    from flows.web.doors import Keys

    ingress = _one("Ingress", "web")["spec"]
    paths = {one["path"]: one["pathType"] for rule in ingress["rules"] for one in rule["http"]["paths"]}
    answered = {getattr(route, "path", "") for route in app(None, None, Keys(page="x")).routes}  # type: ignore[arg-type]

    assert set(paths.values()) == {"Exact"}
    assert set(paths) == answered - {"/metrics", "/health"}
    assert {host for one in ingress["tls"] for host in one["hosts"]} == {rule["host"] for rule in ingress["rules"]}


@pytest.mark.parametrize("name", sorted(PODS))
def test_every_setting_and_secret_that_a_pod_names_is_there(name: str) -> None:
    """Each config map is generated, each secret is in the example with that key; only `notify` may be missing."""
    made = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))["configMapGenerator"]
    maps = {one["name"] for one in made}
    assert all((FOLDER / file).exists() for one in made for file in one["envs"])
    secrets = {one["metadata"]["name"]: set(one["stringData"])
               for one in yaml.safe_load_all((FOLDER / "secrets.example.yaml").read_text(encoding="utf-8"))}

    for source in _container(name).get("envFrom", ()):
        assert source.get("configMapRef", {}).get("name", "content") in maps
        assert source.get("secretRef", {}).get("name", "web") in secrets
    for env in _container(name).get("env", ()):
        if (key := env.get("valueFrom", {}).get("secretKeyRef")) and not key.get("optional"):
            assert key["key"] in secrets[key["name"]]


def test_accounts_at_networks_reach_publishers_alone() -> None:
    """The secret with the credentials is named by the publisher and by nobody else (D1, D2)."""
    assert [name for name in PODS if "'name': 'publisher'}" in str(_container(name).get("envFrom"))] == ["publisher"]


def test_the_first_step_is_all_that_the_migration_needs() -> None:
    """What has the label `drumbeat/step: first` is enough to migrate; the servers are not among it."""
    first = {(one["kind"], one["metadata"]["name"]) for one in MANIFESTS
             if one["metadata"].get("labels", {}).get("drumbeat/step") == "first"}

    assert {("Namespace", "drumbeat"), ("Job", "migrate"), ("ServiceAccount", "prefect"), ("Deployment", "redis"),
            ("Service", "redis")} <= first
    assert not {kind for kind, _ in first} & {"StatefulSet", "Ingress"}
    assert not {("Deployment", "server"), ("Deployment", "services"), ("Deployment", "web")} & first
    made = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))["configMapGenerator"]
    assert [one["name"] for one in made if one.get("options")] == ["prefect-server"]
    assert _container("migrate")["envFrom"] == [{"configMapRef": {"name": "prefect-server"}}]


def test_an_empty_login_stops_prefects_server() -> None:
    """Prefect takes an empty name and password for a login that anybody has; the shell refuses it first (D3)."""
    command = _container("server")["command"]

    assert command[:2] == ["sh", "-c"]
    assert command[2].startswith(': "${PREFECT_SERVER_API_AUTH_STRING:?')
