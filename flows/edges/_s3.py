"""The archive in an S3 bucket: a PUT that succeeds only where nothing is, and is repeated until that is certain.

Conditional writes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, read 2026-11-22.
boto3 is imported here only when a client is made: `drumbeat check` never pays for it.
"""
import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from flows.edges import store
from flows.edges.store import Unanswered
from schemas.errors import StoreError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)      # between tries of one request: eight tries, 11 s of waiting
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 20.0
_CONNECTIONS = 64                                   # one per sending thread, so that none waits for another
_AGAIN = {408, 409, 429, 500, 502, 503, 504}        # nothing decided, or nobody knows: the same bytes again


class Answer(Enum):
    """An answer that settles a request without giving an object."""

    exists = "exists"
    missing = "missing"


class S3Store:
    """A store in a bucket, below a prefix. `wait` pauses between tries, in seconds."""

    def __init__(self, bucket: str, prefix: str, *, wait: Callable[[float], None],
                 connect_timeout_s: float = CONNECT_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._wait = wait
        self._client = client_of(self.address, connect_timeout_s, read_timeout_s)

    @property
    def address(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def create(self, key: str, body: bytes) -> bool:
        name = self._name(key)
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        perhaps_created = False
        for pause in (*PAUSES_S, None):
            try:
                answer = self._try(key, lambda: self._client.put_object(
                    Bucket=self._bucket, Key=name, Body=body, IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum))
                if isinstance(answer, dict):
                    return True
                perhaps_created = True
                if answer is Answer.exists:
                    held = self.get(key)        # perhaps our own: the answer to an earlier try was lost
                    if held is not None:
                        return held == body
            except StoreError as error:
                if perhaps_created:             # refused now, but an earlier try may have arrived
                    raise Unanswered(error.what, error.remedy) from error
                raise
            if pause is not None:
                self._wait(pause)
        raise Unanswered(f"{self.address} does not say whether it holds {key}",
                         remedy="nothing is sent meanwhile; see if the bucket answers, then run it again")

    def get(self, key: str) -> bytes | None:
        name = self._name(key)
        answer = self._ask(key, lambda: _with_body(self._client.get_object(Bucket=self._bucket, Key=name)))
        return bytes(answer["Body"]) if isinstance(answer, dict) else None

    def list(self, prefix: str) -> Iterator[str]:
        begins = self._prefix + store.checked_prefix(prefix)
        after: dict[str, Any] = {}
        while True:
            page = self._page(prefix, begins, after)
            for found in page.get("Contents", ()):
                yield found["Key"].removeprefix(self._prefix)
            if not page.get("IsTruncated"):
                return
            after = {"ContinuationToken": page["NextContinuationToken"]}

    def age(self, key: str) -> float | None:
        name = self._name(key)
        answer = self._ask(key, lambda: self._client.head_object(Bucket=self._bucket, Key=name))
        if not isinstance(answer, dict):
            return None
        modified: datetime = answer["LastModified"]
        return (self._date(answer) - modified).total_seconds()

    def now(self) -> datetime:
        return self._date(self._page("its clock", self._prefix, {"MaxKeys": 1}))

    def link(self, key: str, kind: str, lives_s: float) -> str | None:
        from botocore.exceptions import BotoCoreError

        wanted = {"Bucket": self._bucket, "Key": self._name(key), "ResponseContentType": kind}
        try:
            made: str = self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=int(lives_s))
        except BotoCoreError as error:                            # no credentials: nothing is asked over the network
            raise _unusable(self.address, error) from error
        return made

    def probe(self) -> None:
        store.probe(self)

    def _name(self, key: str) -> str:
        return self._prefix + store.checked_key(key)

    def _page(self, about: str, begins: str, more: dict[str, Any]) -> dict[str, Any]:
        answer = self._ask(about, lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=begins, **more))
        if not isinstance(answer, dict):
            raise self._unfit(about, f"answered a listing with {answer.value}")
        return answer

    def _ask(self, key: str, call: Callable[[], Any]) -> dict[str, Any] | Answer:
        for pause in (*PAUSES_S, None):
            answer = self._try(key, call)
            if answer is not None:
                return answer
            if pause is not None:
                self._wait(pause)
        raise StoreError(f"{self.address} does not answer about {key}",
                         remedy="see if the bucket answers from this machine (aws s3 ls), then run it again")

    def _try(self, key: str, call: Callable[[], Any]) -> dict[str, Any] | Answer | None:
        """The answer, or None when the same request has to be made again."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            FlexibleChecksumError,
            HTTPClientError,
            IncompleteReadError,
        )
        from botocore.exceptions import ConnectionError as NotConnectedError
        from botocore.parsers import ResponseParserError
        try:
            answer: dict[str, Any] = call()
        except ClientError as error:
            verdict = judged(error)
            if verdict == "refused":
                raise self._refused(key, error) from error
            return None if verdict == "again" else verdict
        except (NotConnectedError, HTTPClientError, IncompleteReadError, FlexibleChecksumError, ResponseParserError):
            return None         # timeout, reset, no connection, half an answer: nobody knows
        except BotoCoreError as error:
            raise _unusable(self.address, error) from error
        return answer

    def _refused(self, key: str, error: "ClientError") -> StoreError:
        status, code = _status_and_code(error)
        what = f"{self.address} refused {key}: {status} {code}"
        if code.startswith("KMS"):
            return StoreError(what, remedy="let this role use the bucket's KMS key, and see that the key is enabled")
        if code == "RequestTimeTooSkewed":
            return StoreError(what, remedy="set this machine's clock (NTP)")
        if status == 404:
            return StoreError(what, remedy=f"create the bucket {self._bucket}, or name another with --archive")
        if code in ("ExpiredToken", "InvalidToken", "TokenRefreshRequired"):
            return StoreError(what, remedy="renew the AWS credentials (the session token is over), then run it again")
        if status in (401, 403):
            return StoreError(what, remedy="give this role s3:PutObject and s3:GetObject on the objects and "
                                           "s3:ListBucket on the bucket; see that its keys are valid")
        if status == 501:
            return self._unfit(key, "does not offer conditional writes")
        return StoreError(what, remedy="see what the code means in the S3 error list; nothing was sent")

    def _unfit(self, key: str, what: str) -> StoreError:
        return StoreError(f"{self.address} {what} ({key})", remedy="use Amazon S3, or a store that does as S3 does")

    def _date(self, answer: dict[str, Any]) -> datetime:
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            raise self._unfit("its clock", "tells no time (no Date in its answer)")
        return parsedate_to_datetime(date).astimezone(UTC)


def judged(error: "ClientError") -> Literal["again", "refused"] | Answer:
    """What an error answer of S3 means (exactly-once, section 4). `refused` is a matter of configuration."""
    status, code = _status_and_code(error)
    if status == 412:
        return Answer.exists
    if status in _AGAIN or code == "RequestTimeout":    # the latter comes with 400
        return "again"
    if status == 404 and code in ("NoSuchKey", "404"):  # an answer to HEAD has no body, so no better code
        return Answer.missing
    return "refused"


def _status_and_code(error: "ClientError") -> tuple[int, str]:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status, error.response.get("Error", {}).get("Code", "")


def _with_body(answer: Any) -> dict[str, Any]:
    """The answer with its body read, so that a connection lost half-way counts as no answer."""
    with closing(answer["Body"]) as stream:
        return {**answer, "Body": stream.read()}


def client_of(address: str, connect_timeout_s: float, read_timeout_s: float) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
    config = Config(
        # our own retry is the only one: a hidden second PUT would see its first as a rival's
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=connect_timeout_s, read_timeout=read_timeout_s, max_pool_connections=_CONNECTIONS,
        signature_version="s3v4",           # in addresses too: newer regions take no other
    )
    try:
        # botocore reads AWS_DEFAULT_REGION only; AWS's own machines set AWS_REGION
        return boto3.Session(region_name=os.environ.get("AWS_REGION")).client("s3", config=config)
    except (BotoCoreError, ValueError) as error:    # ValueError: an endpoint that is no address
        raise _unusable(address, error) from error


def _unusable(address: str, error: Exception) -> StoreError:
    return StoreError(f"{address} cannot be used from here: {type(error).__name__}",
                      remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; AWS_REGION; and for a "
                             "store that is not Amazon's AWS_ENDPOINT_URL")
