"""How a bucket is set up: what would lose or show records is told, what may not be looked at is no error."""
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from flows.edges import bucket

ALL_FOUR = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
ONCE = {"Version": "2012-10-17", "Statement": [{
    "Sid": "RecordsAreCreatedOnce", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::NAME/*v1/*", "Condition": {"Null": {"s3:if-none-match": "true"}}}]}


@pytest.fixture
def client(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return boto3.Session("test", "test", region_name="us-east-1").client("s3", endpoint_url=s3.url)


@pytest.fixture
def good(s3: Any, client: Any) -> str:
    """A bucket as the template makes it, with a lock."""
    name: str = s3.bucket()
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=ALL_FOUR)
    client.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    client.put_bucket_policy(Bucket=name, Policy=json.dumps(ONCE).replace("NAME", name))
    return name


def told(name: str, prefix: str = "season") -> list[tuple[str, str]]:
    every = list(bucket.settings_of(f"s3://{name}/{prefix}"))
    assert all(one.remedy for one in every if one.state != "ok")
    return [(one.state, one.what) for one in every]


def test_a_bucket_as_the_template_makes_it_is_well(good: str) -> None:
    """One line says what it does."""
    assert told(good) == [("ok", "versions kept, public access blocked, locked, no rule deletes records, overwriting "
                                 "denied")]


def test_a_bare_bucket_is_told_all_that_it_lacks(s3: Any, client: Any) -> None:
    """Versions and public access are warnings; lock and policy are advice."""
    assert told(s3.bucket()) == [
        ("warning", "The bucket keeps no versions: a record that is deleted is gone."),
        ("warning", "The bucket does not block public access in all four ways."),
        ("advice", "The bucket has no object lock: who may delete can delete receipts."),
        ("advice", "The bucket's policy lets a program that is not Drumbeat overwrite a record."),
        ("ok", "no rule deletes records")]


@pytest.mark.parametrize(("rule", "touches"), [
    ({"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}, True),
    ({"Filter": {"Prefix": "season/v1/ledger/"}, "Expiration": {"Days": 30}}, True),
    ({"Filter": {"Prefix": "season"}, "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}, True),
    ({"Filter": {"Prefix": "season"}, "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]}, False),
    ({"Filter": {"Prefix": "other/"}, "Expiration": {"Days": 30}}, False),
    ({"Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Expiration": {"Days": 30}}, False),
    ({"Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}, False),
    ({"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}, "Status": "Disabled"}, False),
])
def test_a_lifecycle_rule_that_takes_records_away_is_an_error(
        rule: dict[str, Any], touches: bool, good: str, client: Any) -> None:
    """By its prefix and what it does; rules for other prefixes, for tags, or that are off, touch nothing."""
    client.put_bucket_lifecycle_configuration(Bucket=good, LifecycleConfiguration={
        "Rules": [{"ID": "tidy", "Status": "Enabled", **rule}]})

    errors = [what for state, what in told(good) if state == "error"]

    assert [what.startswith("The lifecycle rule tidy takes records away") for what in errors] == [True] * touches


class _Refusing(BaseHTTPRequestHandler):
    """Tells whether a bucket called `open` is public, and nothing else."""

    def do_GET(self) -> None:
        tells = self.path.startswith("/open?policyStatus")
        body = b"<PolicyStatus><IsPublic>true</IsPublic></PolicyStatus>" if tells else (
            b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        self.send_response(200 if tells else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def refusing(client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_a_role_may_not_see_is_one_piece_of_advice(refusing: None) -> None:
    """A publisher's role may do none of it, and that is no error."""
    (one,) = list(bucket.settings_of("s3://bucket"))

    assert one.state == "advice"
    assert one.what == ("This role may not look at the bucket's versioning, public access, public access block, object "
                        "lock, lifecycle rules, policy, and need not.")


def test_a_bucket_that_is_open_to_the_world_is_an_error(refusing: None) -> None:
    """By S3's own word about its policy, whatever else may not be seen."""
    first, second = list(bucket.settings_of("s3://open"))

    assert (first.state, first.what) == (
        "error", "The bucket is open to the world: anybody can read what will be published.")
    assert (second.state, "public access," in second.what) == ("advice", False)
