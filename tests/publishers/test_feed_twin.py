"""The double of a feed's store speaks S3: tried with boto3 as it comes, without any code of ours."""
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.feed_twin import FeedTwin

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def running() -> Iterator[Rehearsal]:
    with Rehearsal([FeedTwin(lambda: NOON)]) as made:
        yield made


def client(running: Rehearsal, account: str = "us") -> Any:
    return boto3.Session(f"rehearsal%3A{account}" if account != "expired" else account, "secret",
                         region_name="eu-central-1").client(
        "s3", endpoint_url=running.address("feed"),
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))


def refused(call: Any, **what: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**what)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_an_object_comes_and_goes(running) -> None:
    """PUT, GET, HEAD, DELETE: bytes, type, size, date and tag are those of what was put."""
    s3 = client(running)
    tag = s3.put_object(Bucket="b", Key="x/ä b.bin", Body=b"\x00\xff", ContentType="image/png")["ETag"]

    got = s3.get_object(Bucket="b", Key="x/ä b.bin")
    assert (got["Body"].read(), got["ContentType"], got["ETag"], got["LastModified"]) == (
        b"\x00\xff", "image/png", tag, NOON)
    assert s3.head_object(Bucket="b", Key="x/ä b.bin")["ContentLength"] == 2
    s3.delete_object(Bucket="b", Key="x/ä b.bin")
    assert refused(s3.get_object, Bucket="b", Key="x/ä b.bin") == (404, "NoSuchKey")
    assert refused(s3.head_object, Bucket="b", Key="x/ä b.bin") == (404, "404")


def test_what_is_there_stays_where_that_is_asked_for(running) -> None:
    """`If-None-Match: *` on something: 412, and nothing changes; any other mark is not understood, as in S3."""
    s3 = client(running)
    s3.put_object(Bucket="b", Key="x", Body=b"1", IfNoneMatch="*")
    assert refused(s3.put_object, Bucket="b", Key="x", Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refused(s3.put_object, Bucket="b", Key="y", Body=b"2", IfNoneMatch='"tag"') == (501, "NotImplemented")
    assert s3.get_object(Bucket="b", Key="x")["Body"].read() == b"1"


def test_a_listing_has_pages_and_only_its_own(running) -> None:
    """In the order of bytes, by prefix, page after page; other buckets and other accounts are not in it."""
    s3 = client(running)
    names = ["a/1", "a/2 ü", "a/3&", "a/ä", "b/1"]
    for name in names:
        s3.put_object(Bucket="b", Key=name, Body=b"x")
    s3.put_object(Bucket="c", Key="a/0", Body=b"x")
    client(running, "them").put_object(Bucket="b", Key="a/00", Body=b"x")

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="b", Prefix="a/", PaginationConfig={"PageSize": 2})
    assert [[one["Key"] for one in page["Contents"]] for page in pages] == [["a/1", "a/2 ü"], ["a/3&", "a/ä"]]
    assert s3.list_objects_v2(Bucket="nothing")["KeyCount"] == 0
    assert refused(client(running, "expired").list_objects_v2, Bucket="b") == (403, "InvalidAccessKeyId")
