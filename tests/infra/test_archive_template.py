"""The archive's template makes a bucket that Drumbeat accepts, private and for keeps, whatever is chosen."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from flows.edges.bucket import settings_of
from flows.edges.store import open_store

Archive = Callable[..., Any]
TEMPLATE = Path(__file__).parent.parent.parent / "infra/archive.cfn.yaml"


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


def _a_name() -> str:
    return f"archive-{uuid.uuid4().hex}"


def _made(**parameters: str) -> tuple[str, str]:
    """A new stack's bucket, and the address of its archive, once it stands."""
    cloud, name = boto3.client("cloudformation"), _a_name()
    cloud.create_stack(
        StackName=name,
        TemplateBody=TEMPLATE.read_text(encoding="utf-8"),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value}
                    for name, value in {"BucketName": name, **parameters}.items()],
    )
    outputs = cloud.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return name, next(one["OutputValue"] for one in outputs if one["OutputKey"] == "ArchiveUrl")


@pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy")  # moto makes no bucket policies
def test_the_stack_makes_an_archive_that_drumbeat_accepts(aws: str) -> None:
    """Deployed as it stands, the bucket passes the check that every publisher makes at its start."""
    bucket, url = _made()

    assert url == f"s3://{bucket}/season"
    open_store(url).probe()


def _set_up(cloud: Any) -> tuple[str, str]:
    """The bucket as the template describes it, property by property: moto's own stacks leave most of them out.

    The bucket's policy is not set: moto would take every denial for one that applies.
    """
    s3, said = boto3.client("s3"), cloud.stack.resources["Archive"]
    name = said["BucketName"]
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=said.get("ObjectLockEnabled", False),
                     CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=said["VersioningConfiguration"])
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=said["PublicAccessBlockConfiguration"])
    rules = [{"ID": one["Id"], "Filter": {"Prefix": ""}, **{key: one[key] for key in one if key != "Id"}}
             for one in said["LifecycleConfiguration"]["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if (lock := said.get("ObjectLockConfiguration")) is not None:
        days = int(lock["Rule"]["DefaultRetention"]["Days"])
        mode = lock["Rule"]["DefaultRetention"]["Mode"]
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={
            "ObjectLockEnabled": lock["ObjectLockEnabled"],
            "Rule": {"DefaultRetention": {"Mode": mode, "Days": days}}})
    return name, f"s3://{name}/season"


def test_with_a_lock_drumbeat_still_creates_and_nobody_deletes_a_version(aws: str, archive: Archive) -> None:
    """Every record is locked for the days that were chosen, without a word from Drumbeat."""
    bucket, url = _set_up(archive(BucketName=_a_name(), LockDays="400", LockMode="COMPLIANCE"))
    s3, store = boto3.client("s3"), open_store(url)

    store.probe()
    assert store.create("v1/kind", b"real\n")

    kept = s3.head_object(Bucket=bucket, Key="season/v1/kind")
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert kept["ObjectLockRetainUntilDate"] - kept["LastModified"] > timedelta(days=399)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="season/v1/kind", VersionId=kept["VersionId"])


def test_the_doctor_finds_nothing_wrong_with_the_bucket_of_the_template(aws: str, archive: Archive) -> None:
    """What `drumbeat doctor` looks at in a bucket, the template sets."""
    cloud = archive(BucketName=_a_name(), LockDays="400")
    bucket, url = _set_up(cloud)
    boto3.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(cloud.stack.policy("ArchivePolicy")))

    (finding,) = settings_of(url)

    assert finding.state == "ok"
    assert finding.what == "versions kept, public access blocked, locked, no rule deletes records, overwriting denied"


def test_the_bucket_is_private_and_no_lifecycle_rule_touches_a_record(archive: Archive) -> None:
    """All four public-access blocks, no ACLs, versions, encryption, and nothing ever expires (threats, E2, E7)."""
    bucket = archive().stack.resources["Archive"]

    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"] == {"ServerSideEncryptionConfiguration": [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    assert all(
        set(rule) == {"Id", "Status", "AbortIncompleteMultipartUpload"}
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    )
    assert not {"ObjectLockEnabled", "ObjectLockConfiguration", "LoggingConfiguration"} & set(bucket)


def test_the_bucket_and_its_key_outlive_the_stack(archive: Archive) -> None:
    """Deleting or replacing the stack deletes neither what was published nor what decrypts it."""
    said = archive().stack.said["Resources"]

    kept = {name for name, one in said.items()
            if one.get("DeletionPolicy") == one.get("UpdateReplacePolicy") == "Retain"}
    assert kept == {"Archive", "Key"}


def test_what_is_optional_is_set_when_it_is_asked_for(archive: Archive) -> None:
    """A key of one's own, and access logs in another bucket."""
    bucket = archive(OwnKey="yes", AccessLogBucket="millrace-logs").stack.resources["Archive"]

    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    assert bucket["LoggingConfiguration"] == {
        "DestinationBucketName": "millrace-logs", "LogFilePrefix": "millrace-archive/"}
