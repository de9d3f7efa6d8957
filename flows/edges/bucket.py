"""How an archive's bucket is set up, as far as this role may read it. Nothing is changed, and nothing is tried out.

Sources: the Amazon S3 API reference, GetBucketVersioning, GetPublicAccessBlock, GetBucketPolicyStatus, GetBucketPolicy,
GetObjectLockConfiguration, GetBucketLifecycleConfiguration, read 2026-11-22.
"""
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flows.edges._s3 import client_of
from schemas.finding import Finding

TEMPLATE = "infra/archive.cfn.yaml"
_COLD = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Classes whose objects cannot be read at once; the others can."""
_NONE_IS_SET = frozenset({"NoSuchPublicAccessBlockConfiguration", "ObjectLockConfigurationNotFoundError",
                          "NoSuchLifecycleConfiguration", "NoSuchBucketPolicy"})


def settings_of(url: str) -> Iterator[Finding]:
    """What is wrong with the bucket of `s3://bucket/prefix`, and what could not be seen. Raises StoreError."""
    name, _, prefix = url.removeprefix("s3://").partition("/")
    client, unseen, well = client_of(url, 5.0, 8.0), list[str](), list[str]()
    records = f"{prefix.strip('/')}/v1/".lstrip("/")

    def told(what: str, ask: Callable[..., Any]) -> Mapping[str, Any] | None:
        """The answer, empty where nothing is set; None: it may not be seen, which is noted."""
        from botocore.exceptions import BotoCoreError, ClientError
        try:
            answer: Mapping[str, Any] = ask(Bucket=name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") in _NONE_IS_SET:
                return {}
            unseen.append(what)
            return None
        except BotoCoreError:
            unseen.append(what)
            return None
        return answer

    if (versions := told("versioning", client.get_bucket_versioning)) is not None:
        if versions.get("Status") == "Enabled":
            well.append("versions kept")
        else:
            yield Finding("warning", "The bucket keeps no versions: a record that is deleted is gone.",
                          f"Run: aws s3api put-bucket-versioning --bucket {name} --versioning-configuration "
                          "Status=Enabled")
    if (policy := told("public access", client.get_bucket_policy_status)) is not None and policy.get(
            "PolicyStatus", {}).get("IsPublic"):
        yield Finding("error", "The bucket is open to the world: anybody can read what will be published.",
                      f"Take the public statement out of its policy; see {TEMPLATE}.")
    if (block := told("public access block", client.get_public_access_block)) is not None:
        blocks = block.get("PublicAccessBlockConfiguration", {})
        if len(blocks) >= 4 and all(blocks.values()):
            well.append("public access blocked")
        else:
            yield Finding("warning", "The bucket does not block public access in all four ways.",
                          f"Run: aws s3api put-public-access-block --bucket {name} --public-access-block-configuration "
                          "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true")
    if (lock := told("object lock", client.get_object_lock_configuration)) is not None:
        if lock.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled":
            well.append("locked")
        else:
            yield Finding("advice", "The bucket has no object lock: who may delete can delete receipts.",
                          f"Make the archive with LockDays in {TEMPLATE}, if receipts have to last.")
    if (cycle := told("lifecycle rules", client.get_bucket_lifecycle_configuration)) is not None:
        touching = [rule for rule in cycle.get("Rules", ()) if _touches(rule, records)]
        for rule in touching:
            yield Finding("error", f"The lifecycle rule {rule.get('ID', 'without a name')} takes records away: a post "
                          "could go out twice once its record is gone.",
                          f"Limit the rule to another prefix than {records}, or take it away.")
        if not touching:
            well.append("no rule deletes records")
    if (said := told("policy", client.get_bucket_policy)) is not None:
        if "s3:if-none-match" in str(said.get("Policy", "")):
            well.append("overwriting denied")
        else:
            yield Finding("advice", "The bucket's policy lets a program that is not Drumbeat overwrite a record.",
                          f"Take the statement RecordsAreCreatedOnce over from {TEMPLATE}.")
    if unseen:
        yield Finding("advice", f"This role may not look at the bucket's {', '.join(unseen)}, and need not.",
                      f"Once, run this with a role that may, or compare the bucket with {TEMPLATE}. Whether the role "
                      "could delete records is not tried.")
    if well:
        yield Finding("ok", ", ".join(well))


def _touches(rule: Mapping[str, Any], records: str) -> bool:
    """Whether a lifecycle rule takes away current objects below `records`, or puts them where they cannot be read."""
    chosen = rule.get("Filter", {})
    both = chosen.get("And", {})
    if rule.get("Status") != "Enabled" or "Tag" in chosen or both.get("Tags"):        # our objects have no tags
        return False
    prefix = str(both.get("Prefix", chosen.get("Prefix", rule.get("Prefix", ""))))
    expires = {"Days", "Date"} & {*rule.get("Expiration", {})}
    cold = any(one.get("StorageClass") in _COLD for one in rule.get("Transitions", ()))
    return bool(expires or cold) and (prefix.startswith(records) or records.startswith(prefix))
