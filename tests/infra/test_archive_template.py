"""The archive's template makes a bucket that Drumbeat accepts, and gives nobody more than it needs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from flows.edges.store import open_store

TEMPLATE = Path(__file__).parent.parent.parent / "infra/archive.cfn.yaml"


class _Short(yaml.SafeLoader):
    """Reads CloudFormation's short forms: `!Ref x` is {"Ref": x}, `!GetAtt a.b` is {"Fn::GetAtt": a.b}."""


def _short(loader: Any, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Short.add_multi_constructor("!", _short)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader=_Short)["Resources"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An AWS of our own on loopback, named by the usual variables."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    yield os.environ["AWS_ENDPOINT_URL"]
    server.stop()


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy")  # moto makes no bucket policies
def test_the_stack_makes_an_archive_that_drumbeat_accepts(aws: str) -> None:
    """Deployed as it stands, the bucket passes the check that every publisher makes at its start."""
    cloud = boto3.client("cloudformation")
    cloud.create_stack(
        StackName="archive",
        TemplateBody=TEMPLATE.read_text(encoding="utf-8"),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "BucketName", "ParameterValue": "millrace-archive"}],
    )

    open_store("s3://millrace-archive/season").probe()


def test_nobody_may_delete_and_the_auditor_may_not_write(resources: dict[str, Any]) -> None:
    """The exact actions of both roles: put, get and list for the publisher, get and list for the auditor."""

    def actions(name: str) -> set[str]:
        allowed: set[str] = set()
        for statement in resources[name]["Properties"]["PolicyDocument"]["Statement"]:
            action = statement["Action"]
            allowed |= {action} if isinstance(action, str) else set(action)
        return allowed

    assert actions("PublisherPolicy") == {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}
    assert actions("AuditorPolicy") == {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions"}


def test_the_bucket_is_private_and_no_lifecycle_rule_touches_a_record(resources: dict[str, Any]) -> None:
    """All four public-access blocks, TLS only, records only with If-None-Match, and nothing ever expires."""
    bucket = resources["Archive"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert all(
        set(rule) == {"Id", "Status", "AbortIncompleteMultipartUpload"}
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    )
    denied = {s["Sid"]: s["Condition"] for s in resources["ArchivePolicy"]["Properties"]["PolicyDocument"]["Statement"]}
    assert denied == {
        "OnlyOverTls": {"Bool": {"aws:SecureTransport": "false"}},
        "RecordsAreCreatedOnce": {"Null": {"s3:if-none-match": "true"}},
    }
