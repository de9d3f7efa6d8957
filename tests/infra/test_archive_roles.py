"""Who may do what in the archive: each policy of the template, judged request by request (threats, E2, E3, E4, E7)."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
RECORDS = {"account", "done", "evidence", "hold", "kind", "ledger", "month", "plan", "probe", "token", "upload",
           "withdrawn"}
"""What is created once and stays."""
ERASABLE = {"media", "payload"}
"""What may have to go: the ledger keeps its hash."""
SHOWN = {"done", "evidence", "hold", "kind", "ledger", "plan", "withdrawn"}
"""What the calendar page needs."""
ROLES = ("WorkerRole", "AuthorRole", "AuditorRole", "EraserRole")
EVERYBODY = (*ROLES, "Admin")
ONCE = {"s3_if__none__match": "*"}
ALLOWED = {
    "PublisherPolicy": {"s3:PutObject", "s3:GetObject", "s3:ListBucket"},
    "AuthorPolicy": {"s3:GetObject", "s3:ListBucket"},
    "AuditorPolicy": {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions"},
    "EraserPolicy": {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:ListBucket",
                     "s3:ListBucketVersions"},
}
"""The exact list, policy by policy: more is too much."""
DENIED = {
    "PublisherPolicy": {
        "s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObject",
        "s3:DeleteObjectVersion", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:PutObjectAcl",
        "s3:PutObjectLegalHold", "s3:PutObjectRetention", "s3:PutReplicationConfiguration"},
}
Archive = Callable[..., Any]


def _key(kind: str) -> str:
    return "season/v1/kind" if kind == "kind" else f"season/v1/{kind}/2027/03/hello@mastodon#1/000001.json"


def _actions(cloud: Any, policy: str, effect: str) -> set[str]:
    said = [one["Action"] for one in cloud.stack.policy(policy)["Statement"] if one["Effect"] == effect]
    return {action for one in said for action in (one if isinstance(one, list) else [one])}


def test_each_role_has_these_actions_and_no_other(archive: Archive) -> None:
    """The list above, action by action, and each role has its one policy and nothing inline (E4)."""
    cloud = archive()

    policies = [name for name in cloud.stack.resources if cloud.stack.kind(name) == "AWS::IAM::ManagedPolicy"]
    assert {name: _actions(cloud, name, "Allow") for name in policies} == ALLOWED
    assert {name: denied for name in policies if (denied := _actions(cloud, name, "Deny"))} == DENIED
    assert {role: cloud.stack.resources[role]["ManagedPolicyArns"] for role in ROLES} == {
        "WorkerRole": [cloud.stack.arn("PublisherPolicy")], "AuthorRole": [cloud.stack.arn("AuthorPolicy")],
        "AuditorRole": [cloud.stack.arn("AuditorPolicy")], "EraserRole": [cloud.stack.arn("EraserPolicy")]}
    assert all("Policies" not in cloud.stack.resources[role] for role in ROLES)


def test_every_kind_of_object_that_drumbeat_writes_is_known_here() -> None:
    """A new folder in the archive must be put among what stays or what may be erased."""
    written = {found for file in (PROJECT / "flows").rglob("*.py")
               for found in re.findall(r"[\"']v1/([a-z]+)(?:/|[\"'])", file.read_text(encoding="utf-8"))}

    assert written == RECORDS | ERASABLE


@pytest.mark.parametrize("kind", sorted(RECORDS))
@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_nobody_deletes_a_record(archive: Archive, kind: str, action: str) -> None:
    """Not even whoever may do everything in the account (E2)."""
    assert [role for role in EVERYBODY if archive().may(role, action, _key(kind))] == []


@pytest.mark.parametrize("kind", sorted(ERASABLE))
@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"])
def test_only_the_eraser_erases_what_may_have_to_go(archive: Archive, kind: str, action: str) -> None:
    """Personal data can go, by one role that people take with a second factor (E6)."""
    cloud = archive()

    assert [role for role in EVERYBODY if cloud.may(role, action, _key(kind))] == ["EraserRole"]
    (trust,) = cloud.stack.resources["EraserRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.mark.parametrize("kind", sorted(RECORDS | ERASABLE))
def test_an_object_is_created_under_a_condition_or_not_at_all(archive: Archive, kind: str) -> None:
    """A put without If-None-Match is denied to everybody; with it only the worker writes (E3)."""
    cloud = archive()

    assert [role for role in EVERYBODY if cloud.may(role, "s3:PutObject", _key(kind))] == []
    assert [role for role in ROLES if cloud.may(role, "s3:PutObject", _key(kind), **ONCE)] == ["WorkerRole"]


@pytest.mark.parametrize("key", ["season/v2/ledger/x", "season/other", "other/v1/ledger/x", "v1/ledger/x", "v1/kind"])
def test_the_worker_has_nothing_beside_its_own_prefix(archive: Archive, key: str) -> None:
    """Neither reading nor writing (E4)."""
    cloud = archive()

    assert not cloud.may("WorkerRole", "s3:GetObject", key)
    assert not cloud.may("WorkerRole", "s3:PutObject", key, **ONCE)


@pytest.mark.parametrize("role", ["WorkerRole", "AuthorRole", "AuditorRole"])
def test_a_list_is_of_the_archive_alone(archive: Archive, role: str) -> None:
    """Of the prefix, or of nothing named: S3 asks so before it tells that an object is missing (E4)."""
    cloud = archive()

    assert cloud.may(role, "s3:ListBucket", s3_prefix="season/v1/ledger/2027/")
    assert cloud.may(role, "s3:ListBucket", s3_prefix="season/")
    assert cloud.may(role, "s3:ListBucket")
    assert not cloud.may(role, "s3:ListBucket", s3_prefix="")
    assert not cloud.may(role, "s3:ListBucket", s3_prefix="other/v1/ledger/")


@pytest.mark.parametrize("action", sorted(DENIED["PublisherPolicy"] | {
    "s3:PutBucketAcl", "s3:PutEncryptionConfiguration", "s3:PutBucketLogging", "s3:GetObjectVersion",
    "s3:CreateBucket"}))
def test_the_worker_changes_nothing_about_the_bucket(archive: Archive, action: str) -> None:
    """Nor what keeps its records: no policy, no lock, no lifecycle, no versions (E2, E4)."""
    assert not archive().may("WorkerRole", action)
    assert not archive().may("WorkerRole", action, _key("ledger"))


def test_a_second_policy_on_the_worker_does_not_let_it_delete(archive: Archive) -> None:
    """Whoever gives the worker's role all of S3 as well still cannot make it take records away or open the bucket."""
    cloud = archive()
    everything = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    cloud.stack.resources["Everything"] = {"PolicyDocument": everything}
    cloud.stack.resources["WorkerRole"]["ManagedPolicyArns"].append(f"arn:aws:iam::{0:012}:policy/Everything")
    assert cloud.may("WorkerRole", "s3:GetBucketPolicy")            # the added policy counts

    wrong = [action for action in DENIED["PublisherPolicy"]
             if cloud.may("WorkerRole", action) or cloud.may("WorkerRole", action, _key("ledger"))]

    assert wrong == []


def test_auditors_and_authors_read_and_authors_see_no_text(archive: Archive) -> None:
    """The auditor reads all, old versions too; the author what the calendar shows; neither writes (E4)."""
    cloud = archive()

    reads = {role: {kind for kind in RECORDS | ERASABLE if cloud.may(role, "s3:GetObject", _key(kind))}
             for role in ("AuthorRole", "AuditorRole")}

    assert reads == {"AuthorRole": SHOWN, "AuditorRole": RECORDS | ERASABLE}
    assert cloud.may("AuditorRole", "s3:GetObjectVersion", _key("ledger"))
    assert not cloud.may("AuthorRole", "s3:GetObjectVersion", _key("ledger"))


@pytest.mark.parametrize("role", EVERYBODY)
def test_nothing_goes_without_tls(archive: Archive, role: str) -> None:
    """Whoever asks, whatever for (E7)."""
    cloud = archive()

    for action, key, context in (("s3:ListBucket", None, {}), ("s3:GetObject", _key("done"), {}),
                                 ("s3:PutObject", _key("done"), ONCE)):
        assert not cloud.may(role, action, key, aws_SecureTransport="false", **context)


def test_the_key_is_for_the_roles_and_only_through_s3(archive: Archive) -> None:
    """The worker encrypts and decrypts, the readers decrypt, nobody else does, the account's administrators neither."""
    cloud, through = archive(OwnKey="yes"), {"kms_ViaService": "s3.eu-west-1.amazonaws.com"}

    may = {action: [role for role in EVERYBODY if cloud.may_use_key(role, action, **through)]
           for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant", "kms:PutKeyPolicy")}

    assert may == {"kms:Decrypt": ["WorkerRole", "AuthorRole", "AuditorRole"], "kms:GenerateDataKey": ["WorkerRole"],
                   "kms:CreateGrant": [], "kms:PutKeyPolicy": ["Admin"]}
    assert not any(cloud.may_use_key(role, "kms:Decrypt") for role in EVERYBODY)


def test_no_role_can_be_taken_by_another_account(archive: Archive) -> None:
    """Services that act for others say for which account; people are of this one."""
    resources = archive().stack.resources

    for role in ROLES:
        for one in resources[role]["AssumeRolePolicyDocument"]["Statement"]:
            who = one["Principal"]
            assert who in ({"Service": "ecs-tasks.amazonaws.com"}, {"Service": "pods.eks.amazonaws.com"},
                           {"AWS": "arn:aws:iam::111122223333:root"})
            if who == {"Service": "ecs-tasks.amazonaws.com"}:
                assert one["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


@pytest.mark.slow
def test_a_publisher_a_page_and_an_audit_live_with_what_they_may(obedient: Any, club: Path) -> None:
    """A post goes out, is shown and is verified on an S3 that obeys the policies: none of the three asks for more."""
    def drumbeat(role: str, *words: str) -> str:
        ran = subprocess.run([sys.executable, "-P", "-m", "flows.cli", *words, "--content", str(club), "--archive",
                              obedient.archive], env={**os.environ, **obedient.environment(role)}, capture_output=True,
                             text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    sent = drumbeat("WorkerRole", "publish", "--once", "--rehearse", "--now", "2027-03-01 12:30")
    shown = drumbeat("AuthorRole", "status", "--json")
    found = drumbeat("AuditorRole", "archive", "verify")

    assert "published" in sent
    assert '"state": "published"' in shown
    assert obedient.refused == [], found


@pytest.mark.slow
def test_who_may_not_write_publishes_nothing(obedient: Any, club: Path) -> None:
    """With the auditor's role a publisher stops before anything is sent, and says what is missing (E4)."""
    ran = subprocess.run([sys.executable, "-P", "-m", "flows.cli", "publish", "--once", "--rehearse", "--now",
                          "2027-03-01 12:30", "--content", str(club), "--archive", obedient.archive],
                         env={**os.environ, **obedient.environment("AuditorRole")}, capture_output=True, text=True,
                         timeout=60, check=False)

    assert ran.returncode == 3
    assert "give this role s3:PutObject" in ran.stderr
    assert "published" not in ran.stdout
