"""A loopback double of a feed's store: as much of Amazon S3 as an object store needs, one store for each account.

Requests and answers as in docs.aws.amazon.com/AmazonS3/latest/API (PutObject, GetObject, HeadObject, DeleteObject,
ListObjectsV2, ErrorResponses) and userguide/conditional-writes.html; read 2026-11-22.
"""
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publishers.rehearsal._twin import Kept, Refusal, Twin

_ACCOUNT = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/[0-9]{8}/[a-z0-9-]+/s3/aws4_request")
_ITEM = re.compile(r"(?:.*/)?entries/(?P<key>[a-z2-7]{24})\.(?P<kind>json|gone)")
_PAGE = 1000
_TREE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Stored(NamedTuple):
    """An object: the sha256 of its bytes, what it is, since when."""

    sha256: str
    size: int
    type: str
    at: datetime


class FeedTwin(Twin):
    """Buckets come into being when something is put there. An item is a post of the account whose key signed it."""

    network: ClassVar[str] = "feed"
    title: ClassVar[str] = "Feed"
    accent: ClassVar[str] = "#ee802f"
    creates: ClassVar[tuple[str, ...]] = (r"PUT /[^/]+/(?:.*/)?entries/[a-z2-7]{24}\.json",)

    def __init__(self, *given: Any, **more: Any) -> None:
        self._objects: dict[tuple[str, str], Stored] = {}      # by account and "bucket/key"
        super().__init__(*given, **more)

    def routes(self) -> list[Route]:
        return [Route("/files/{key:path}", self._shown),
                Route("/{bucket}", self._list),
                Route("/{bucket}/{key:path}", self._put, methods=["PUT"]),
                Route("/{bucket}/{key:path}", self._get, methods=["GET", "HEAD"]),
                Route("/{bucket}/{key:path}", self._delete, methods=["DELETE"])]

    def unauthorized(self) -> Refusal:
        return _error(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")

    def rate_limited(self, until: datetime) -> Refusal:  # noqa: ARG002 — S3 does not say until when
        return _error(503, "SlowDown", "Please reduce your request rate.")

    def overloaded(self, until: datetime | None) -> Refusal:  # noqa: ARG002
        return _error(503, "ServiceUnavailable", "Service is unable to handle request.")

    def broken(self) -> Refusal:
        return _error(500, "InternalError", "We encountered an internal error. Please try again.")

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        return path.rpartition("/")[2].removesuffix(".json")

    def forget(self) -> None:
        self._objects.clear()
        super().forget()

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "object":
                self._objects[(value["account"], value["name"])] = Stored(
                    value["sha256"], value["size"], value["type"], datetime.fromisoformat(value["at"]))
            case "removed":
                self._objects.pop((value["account"], value["name"]), None)
            case "gone":
                self.posts[:] = [post for post in self.posts if [post.account, post.id] != value]
            case _:
                super()._recall(kind, value)

    async def _put(self, request: Request) -> Response:
        account, name = self._account(request), _name(request)
        data = await request.body()
        if request.headers.get("if-none-match") not in (None, "*"):
            raise _error(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
        if request.headers.get("if-none-match") and (account, name) in self._objects:
            raise _error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        kind = request.headers.get("content-type", "binary/octet-stream")
        self._store(account, name, data, kind)
        match = _ITEM.fullmatch(name)
        if match and (match["kind"] == "gone" or request.headers.get("if-none-match")):
            self._show(account, match["key"], match["kind"], data)
        return Response(headers={"ETag": _tag(data)})

    async def _get(self, request: Request) -> Response:
        account, name = self._account(request), _name(request)
        if (found := self._objects.get((account, name))) is None:
            raise _error(404, "NoSuchKey", "The specified key does not exist.")
        return self._answer(found)

    async def _delete(self, request: Request) -> Response:
        account, name = self._account(request), _name(request)
        if (account, name) in self._objects:
            value = {"account": account, "name": name}
            self._journal.write("removed", value)
            self._recall("removed", value)
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        account, bucket = self._account(request), request.path_params["bucket"]
        asked = request.query_params
        if asked.get("list-type") != "2":
            raise _error(501, "NotImplemented", "Only version 2 of the listing is offered here")
        prefix, after = asked.get("prefix", ""), asked.get("continuation-token", "")
        most = min(int(asked.get("max-keys", _PAGE)), _PAGE)
        # S3 orders by UTF-8 bytes
        names = sorted((name.partition("/")[2] for who, name in self._objects
                        if who == account and name.startswith(f"{bucket}/{prefix}")), key=str.encode)
        rest = [name for name in names if name.encode() > after.encode()]
        page = rest[:most]
        said = quote if asked.get("encoding-type") == "url" else escape
        contents = "".join(self._listed(account, bucket, name, said(name)) for name in page)
        more = len(rest) > len(page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more and page else ""
        coded = "<EncodingType>url</EncodingType>" if asked.get("encoding-type") == "url" else ""
        return _xml(f"<ListBucketResult {_TREE}><Name>{escape(bucket)}</Name><Prefix>{said(prefix)}</Prefix>"
                    f"<KeyCount>{len(page)}</KeyCount><MaxKeys>{most}</MaxKeys>{coded}"
                    f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{token}{contents}</ListBucketResult>")

    async def _shown(self, request: Request) -> Response:
        """What readers would fetch: the newest object of that name, whoever's it is."""
        ends = f"/{request.path_params['key']}"
        found = [stored for (_, name), stored in self._objects.items() if name.endswith(ends)]
        if not found:
            raise _error(404, "NoSuchKey", "The specified key does not exist.")
        return self._answer(max(found, key=lambda stored: stored.at))

    def _listed(self, account: str, bucket: str, name: str, said: str) -> str:
        found = self._objects[(account, f"{bucket}/{name}")]
        at = found.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return (f"<Contents><Key>{said}</Key><LastModified>{at}</LastModified><Size>{found.size}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>")

    def _answer(self, found: Stored) -> Response:
        data = self._journal.get(found.sha256)
        return Response(data, headers={"Content-Type": found.type, "ETag": _tag(data),
                                       "Last-Modified": format_datetime(found.at.astimezone(UTC), usegmt=True)})

    def _store(self, account: str, name: str, data: bytes, type: str) -> None:
        value = {"account": account, "name": name, "sha256": self._journal.put(data), "size": len(data), "type": type,
                 "at": self.now().isoformat()}
        self._journal.write("object", value)
        self._recall("object", value)

    def _show(self, account: str, key: str, kind: str, data: bytes) -> None:
        """The item, or its end, on the timeline."""
        if kind == "gone":
            self._journal.write("gone", [account, key])
            self._recall("gone", [account, key])
        elif all((post.account, post.id) != (account, key) for post in self.posts):
            self._keep_item(account, key, data)

    def _keep_item(self, account: str, key: str, data: bytes) -> Kept:
        entry = json.loads(data)
        media = []
        for one in entry.get("media", ()):
            file = one["path"].rpartition("/")[2]
            id = self.keep_media(self._bytes_of(account, one["path"]), name=file, mime=one["type"], account=account)
            if one["alt"]:
                self.describe_media(id, one["alt"])
            media.append(id)
        title = f"{entry['title']}\n\n" if entry.get("title") else ""
        return self.keep(account=account, text=title + entry["text"], media=media, url=entry.get("link"), id=key)

    def _bytes_of(self, account: str, path: str) -> bytes:
        found = next((stored for (who, name), stored in self._objects.items()
                      if who == account and name.endswith(f"/{path}")), None)
        return self._journal.get(found.sha256) if found is not None else b""

    def _account(self, request: Request) -> str:
        match = _ACCOUNT.match(request.headers.get("authorization", ""))
        token = unquote(match[1]) if match else ""
        if token in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(token)


def _name(request: Request) -> str:
    return f"{request.path_params['bucket']}/{request.path_params['key']}"


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _xml(text: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}', media_type="application/xml")


def _error(status: int, code: str, said: str) -> Refusal:
    body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{said}</Message>'
            "<RequestId>REHEARSAL</RequestId></Error>")
    return Refusal(status, body)


TWIN = FeedTwin
