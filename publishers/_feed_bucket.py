"""A feed in an S3 bucket. boto3 finds credentials and signs; what leaves, leaves once, by our own wire.

Conditional writes: docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (412: it is there already;
409: nothing was decided, try again). Error codes: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
Both read 2026-11-22.
"""
import base64
import hashlib
import io
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote, urlsplit

from publishers._http import converse, moment
from publishers.base import Connection
from schemas.errors import PublishError, RateLimited, Unauthorized, Unavailable, Unconfirmed

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SLOWER = {"SlowDown", "RequestLimitExceeded", "BandwidthLimitExceeded", "TooManyRequests"}
_DEAD = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired",
         "AccountProblem", "InvalidSecurity", "NotSignedUp"}
_SETTINGS = {"NoSuchBucket", "AccessDenied", "AllAccessDisabled", "PermanentRedirect", "Redirect", "NotImplemented",
             "AuthorizationHeaderMalformed", "RequestTimeTooSkewed", "InvalidBucketName", "InvalidBucketState",
             "KMS.DisabledException", "KMS.NotFoundException", "KMS.AccessDeniedException"}
_PROOF = {"put_object": "ETag", "get_object": "ETag", "list_objects_v2": "Name"}    # what no yes of S3 lacks


class Bucket:
    """A bucket, below a prefix. All its calls together take no longer than the connection allows one.

    Never raises Unconfirmed but from `create`.
    """

    def __init__(self, connection: Connection, name: str, prefix: str, pretend: str | None) -> None:
        """`pretend`: the key by which the rehearsal network at `connection.address` knows the account."""
        self._connection, self._name = connection, name
        self._prefix = f"{prefix}/" if prefix else ""
        self._pretend = pretend
        self._is_create = False
        self.begin_anew()

    @property
    def address(self) -> str:
        return f"s3://{self._name}/{self._prefix}".rstrip("/")

    def create(self, name: str, body: bytes, type: str) -> bytes | None:
        """None when it is there now; else the bytes that were there before, and are still."""
        self._is_create = True
        try:
            answer = self._put(name, body, type, IfNoneMatch="*")
        finally:
            self._is_create = False
        if answer is not None:
            return None
        before = self.get(name)
        if before is None:               # 412, and yet nothing there: whoever removed it meanwhile knows more than we
            raise Unavailable("the entry was there, and was taken away in the same moment")
        return before

    def begin_anew(self) -> None:
        self._ends = time.monotonic() + self._connection.request_timeout_s

    def put(self, name: str, body: bytes, type: str) -> None:
        if self._put(name, body, type) is None:      # no store says "not there" to what it shall keep
            raise Unavailable("the store of the feed did not take a file")

    def get(self, name: str) -> bytes | None:
        answer = self._call("get_object", Key=self._prefix + name)
        return None if answer is None else bytes(answer["Body"].read())

    def names(self, folder: str) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        for page in self._pages(self._prefix + folder):
            for one in page.get("Contents", ()):
                found[one["Key"].removeprefix(self._prefix)] = one["LastModified"].astimezone(UTC)
        return found

    def now(self) -> datetime:
        """By the store's clock."""
        answer = self._call("list_objects_v2", Prefix=self._prefix, MaxKeys=1)
        headers = answer["ResponseMetadata"]["HTTPHeaders"] if answer is not None else {}
        if (at := moment(headers.get("date", ""))) is None:
            raise Unavailable("the store of the feed does not tell the time")
        return at

    def _put(self, name: str, body: bytes, type: str, **more: str) -> dict[str, Any] | None:
        # a checksum of our own; else botocore sends a body in chunks with one behind it, which not every store knows
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return self._call("put_object", Key=self._prefix + name, Body=body, ContentType=type, ChecksumSHA256=checksum,
                          **more)

    def _pages(self, prefix: str) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=prefix, **more)
            if page is None or (page.get("IsTruncated") and not page.get("NextContinuationToken")):
                raise Unavailable("the store of the feed gave a listing without an end")
            yield page
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _call(self, operation: str, **what: Any) -> dict[str, Any] | None:
        """The answer; None for "not there" (404) and "there already" (412)."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
        from botocore.parsers import ResponseParserError

        doubt = Unconfirmed if self._is_create else Unavailable
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self._name, **what)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = error.response.get("Error", {}).get("Code", "")
            if status == 412 or (status == 404 and code in ("NoSuchKey", "404", "")):
                return None
            refused = _meaning(status, code, doubt)
        except (NoCredentialsError, PartialCredentialsError):
            refused = Unauthorized("no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                                   "AWS_PROFILE, or give this machine a role", dead=True)
        except ResponseParserError:
            refused = doubt("the store of the feed answered in a form that is not S3's")
        except BotoCoreError as error:   # the wire is ours and raises ours: this is about what stands before it
            refused = Unauthorized(f"the store of the feed cannot be used from here: {type(error).__name__}")
        else:
            if answer.get(_PROOF[operation]):
                return answer
            refused = doubt("the store of the feed answered in a form that is not S3's")    # or something in between
        raise refused                    # out here, without the chain of causes: those may quote what was sent

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        connection, pretend = self._connection, self._pretend
        config = Config(retries={"total_max_attempts": 1, "mode": "standard"},
                        response_checksum_validation="when_required",    # the wire sees to it that answers are whole
                        s3={"addressing_style": "path"} if pretend else None)
        region = "us-east-1" if pretend else os.environ.get("AWS_REGION")   # botocore reads AWS_DEFAULT_REGION only
        try:
            session = boto3.Session(quote(pretend, safe="") if pretend else None, "rehearsal" if pretend else None,
                                    region_name=region)
            client = session.client("s3", config=config, endpoint_url=connection.address if pretend else None)
        except (BotoCoreError, ValueError) as error:
            raise Unauthorized(f"the store of the feed cannot be used from here: {type(error).__name__}; set "
                               "AWS_REGION, and AWS_ENDPOINT_URL for a store that is not Amazon's") from None
        client.meta.events.register_first("before-send.s3", self._send)
        self.begin_anew()                # making a client takes half a second, and is no part of a call
        return client

    def _send(self, request: Any, **_: Any) -> Any:
        """botocore's own wire is not used: it has a time-out for each read and none for the call."""
        from botocore.awsrequest import AWSResponse

        url = urlsplit(request.url)
        if url.scheme != "https" and url.hostname not in _LOOPBACK:
            raise Unauthorized("the store of the feed must be reached by https; nothing was sent")
        if (left := self._ends - time.monotonic()) <= 0:
            raise Unavailable("the store of the feed took too long; nothing more was sent")
        headers = {name: value.decode("latin-1") if isinstance(value, bytes) else str(value)
                   for name, value in request.headers.items()
                   if name.lower() not in ("user-agent", "expect", "content-length", "connection", "host")}
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        answer = converse(self._connection._replace(request_timeout_s=left), request.method, request.url,
                          headers=headers, content=bytes(body) if request.method == "PUT" else None,
                          repeatable=not self._is_create)
        if 300 <= answer.status < 400:   # botocore would follow it
            raise (Unconfirmed if self._is_create else Unavailable)(
                f"the store of the feed answered {answer.status}: see that AWS_REGION is the bucket's")
        # all that is read here is text: what is none comes out with another length, and is nothing of ours
        got = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return AWSResponse(request.url, answer.status, cast("Any", got), _Body(answer.body.encode()))


class _Body(io.BytesIO):
    """A body that was read already, as botocore wants to read it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


def _meaning(status: int, code: str, doubt: type[PublishError]) -> PublishError:
    """What an error of S3 means for the call. `doubt`: for what proves nothing."""
    why = f"the store of the feed answered {status}{f' {code}' if code.isprintable() and len(code) < 60 else ''}"
    if code in _SLOWER or status == 429:
        return RateLimited(why)
    if code in _DEAD or status == 401:
        return Unauthorized(why, dead=True)
    if code in _SETTINGS:
        return Unauthorized(f"{why}: see the bucket's name, its region, and that s3:PutObject, s3:GetObject and "
                            "s3:ListBucket are allowed")
    if status == 409 and code == "ConditionalRequestConflict":       # documented: nothing was decided
        return Unavailable(why)
    return doubt(why)
