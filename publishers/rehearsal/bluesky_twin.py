"""A Bluesky server (PDS) in rehearsal: the few methods our adapter calls, and what the reference server refuses there.

Sources: lexicons com.atproto.server.*, com.atproto.repo.*, com.atproto.identity.resolveHandle, app.bsky.feed.post,
app.bsky.embed.*, app.bsky.richtext.facet; the reference server's putRecord.ts, deleteRecord.ts, auth-verifier.ts and
blob/transactor.ts (@atproto/pds 0.4.217); read 2026-11-22.
"""
import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._bluesky_lexicons import POSTS, Named, files_of, invalid
from publishers.rehearsal._twin import Kept, KeptMedia, Refusal, Twin

_TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
_HANDLE = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BLOB_BYTES = 52_428_800                 # PDS_BLOB_UPLOAD_LIMIT of the distribution
_ACCESS_LIVES, _REFRESH_LIVES = timedelta(hours=2), timedelta(days=90)


class BlueskyTwin(Twin):
    """One server with any number of accounts: whoever brings a token is a member, named as the token says."""

    network: ClassVar[str] = "bluesky"
    title: ClassVar[str] = "Bluesky"
    accent: ClassVar[str] = "#1083fe"
    creates: ClassVar[tuple[str, ...]] = ("POST /xrpc/com.atproto.repo.putRecord",)
    media_lives: ClassVar[timedelta] = timedelta(hours=1)

    def routes(self) -> list[Route]:
        return [Route("/xrpc/com.atproto.server.createSession", self._create_session, methods=["POST"]),
                Route("/xrpc/com.atproto.server.refreshSession", self._refresh_session, methods=["POST"]),
                Route("/xrpc/com.atproto.server.getSession", self._get_session),
                Route("/xrpc/com.atproto.identity.resolveHandle", self._resolve_handle),
                Route("/xrpc/com.atproto.repo.uploadBlob", self._upload_blob, methods=["POST"]),
                Route("/xrpc/com.atproto.repo.putRecord", self._put_record, methods=["POST"]),
                Route("/xrpc/com.atproto.repo.deleteRecord", self._delete_record, methods=["POST"]),
                Route("/xrpc/com.atproto.repo.getRecord", self._get_record),
                Route("/xrpc/com.atproto.repo.listRecords", self._list_records)]

    def rate_limited(self, until: datetime) -> Refusal:
        headers = {"RateLimit-Limit": "3000", "RateLimit-Remaining": "0", "RateLimit-Policy": "3000;w=300",
                   "RateLimit-Reset": str(int(until.timestamp()))}
        return Refusal(429, {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}, headers)

    def broken(self) -> Refusal:
        return Refusal(500, {"error": "InternalServerError", "message": "Internal Server Error"})

    def unauthorized(self) -> Refusal:
        """A dead session is a 400 here, not a 401."""
        return Refusal(400, {"error": "ExpiredToken", "message": "Token has expired"})

    def overloaded(self, until: datetime | None) -> Refusal:
        said = {"error": "NotEnoughResources", "message": "Not Enough Resources"}
        return Refusal(503, said, self._retry_after(until))

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        try:
            said = json.loads(body)
            return f"{said['repo']}/{said['rkey']}"
        except (ValueError, KeyError, TypeError):
            return super().key_of(path, headers, body)

    def _recall(self, kind: str, value: Any) -> None:
        if kind == "deleted":
            self.posts.remove(self._standing(value["account"], value["key"]))     # type: ignore[arg-type]
            self._by_id.pop(value["key"], None)
        else:
            super()._recall(kind, value)

    # --- sessions ----------------------------------------------------------------------------------------------------

    async def _create_session(self, request: Request) -> Response:
        given = await _body(request)
        identifier, password = given.get("identifier"), given.get("password")
        if not isinstance(identifier, str) or not isinstance(password, str):
            raise invalid("Input/identifier must be a string")
        if password in ("", "expired"):
            raise Refusal(401, {"error": "AuthenticationRequired", "message": "Invalid identifier or password"})
        return JSONResponse(self._session_of(self.account_of(password)))

    async def _refresh_session(self, request: Request) -> Response:
        return JSONResponse(self._session_of(self._account(request, "com.atproto.refresh")))

    async def _get_session(self, request: Request) -> Response:
        account = self._account(request)
        return JSONResponse({"did": _did(account), "handle": _handle(account), "email": "us@example.org",
                             "emailConfirmed": True, "active": True})

    def _session_of(self, account: str) -> dict[str, Any]:
        return {"did": _did(account), "handle": _handle(account), "emailConfirmed": True, "active": True,
                "accessJwt": self._token(account, "com.atproto.appPass", _ACCESS_LIVES),
                "refreshJwt": self._token(account, "com.atproto.refresh", _REFRESH_LIVES)}

    def _token(self, account: str, scope: str, lives: timedelta) -> str:
        """A token as a server makes them, but that nobody signed: it says whose it is and how long it lives."""
        ends = int((self.now() + lives).timestamp())
        said = {"scope": scope, "sub": _did(account), "account": account, "exp": ends}
        return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
                        for part in ({"alg": "none"}, said, "rehearsal"))

    def _account(self, request: Request, scope: str = "") -> str:
        """Whose token came along. `rehearsal:<handle>` is good for everything."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            raise Refusal(401, {"error": "AuthMissing", "message": "Authentication Required"})
        if kind != "Bearer":
            raise Refusal(400, {"error": "InvalidToken", "message": f"Unsupported authorization type: {kind}"})
        if token == "expired":
            raise self.unauthorized()
        said = _said_by(token)
        if said is None:
            return self.account_of(token)
        if said["exp"] <= self.now().timestamp():
            raise self.unauthorized()
        if (said["scope"] == "com.atproto.refresh") != (scope == "com.atproto.refresh"):
            raise Refusal(400, {"error": "InvalidToken", "message": "Bad token scope"})
        return str(said["account"])

    async def _resolve_handle(self, request: Request) -> Response:
        """Every name that can be one is somebody's, but `nobody.…`."""
        handle = request.query_params.get("handle", "").lower()
        if not _HANDLE.fullmatch(handle):
            raise invalid("Error: Params must have the property \"handle\" of format handle")
        if handle.startswith("nobody."):
            raise invalid("Unable to resolve handle")
        return JSONResponse({"did": _did(handle)})

    # --- files -------------------------------------------------------------------------------------------------------

    async def _upload_blob(self, request: Request) -> Response:
        account, data = self._account(request), await request.body()
        if len(data) > _BLOB_BYTES:
            raise Refusal(413, {"error": "PayloadTooLarge", "message": "request entity too large"})
        kind = request.headers.get("content-type", "application/octet-stream")
        self.keep_media(data, name="blob", mime=kind, account=account)
        return JSONResponse({"blob": {"$type": "blob", "ref": {"$link": _raw_cid(hashlib.sha256(data).hexdigest())},
                                      "mimeType": kind, "size": len(data)}})

    def _stored(self, named: Named, account: str) -> KeptMedia:
        """The uploaded file that a record names."""
        for id, file in reversed(self.media.items()):
            if _raw_cid(file.sha256) == named.cid and (self.may_attach(id, account) or self._is_attached(id, account)):
                if file.mime != named.kind:
                    raise Refusal(400, {"error": "InvalidMimeType", "message": "Referenced Mimetype does not match"})
                if file.size != named.size:
                    raise Refusal(400, {"error": "InvalidSize", "message": "Referenced Size does not match"})
                return file
        raise Refusal(400, {"error": "BlobNotFound", "message": f"Could not find blob: {named.cid}"})

    def _is_attached(self, id: str, account: str) -> bool:
        return any(id in post.media for post in self.posts if post.account == account)

    def _described(self, file: KeptMedia, alt: str | None, account: str) -> str:
        """The file as one post shows it: the words belong to the post, the bytes to all."""
        id = self.keep_media(self.bytes_of(file.sha256), name=file.name, mime=file.mime, account=account)
        if alt:
            self.describe_media(id, alt)
        return id

    # --- records -----------------------------------------------------------------------------------------------------

    async def _put_record(self, request: Request) -> Response:
        account, given = self._account(request), await _body(request)
        self._refuse_strangers(given, account)
        key, record = given.get("rkey"), given.get("record")
        if not isinstance(record, dict):
            raise invalid("Input/record must be an object")
        if given.get("collection") != POSTS or record.get("$type") != POSTS:
            raise invalid(f"Invalid $type: expected {given.get('collection')}, got {record.get('$type')}")
        if not isinstance(key, str) or not _TID.fullmatch(key):
            raise invalid(f"Invalid record key for {POSTS}: {key}")
        files = [(self._stored(named, account), named.alt) for named in files_of(record)]
        cid, standing = _record_cid(record), self._standing(account, key)
        if standing is not None and standing.extra["cid"] == cid:
            return JSONResponse({"uri": _uri(account, key), "cid": cid, "validationStatus": "valid"})
        if "swapRecord" in given and given["swapRecord"] != (None if standing is None else standing.extra["cid"]):
            was = None if standing is None else standing.extra["cid"]
            raise Refusal(400, {"error": "InvalidSwap", "message": f"Record was at {was or 'null'}"})
        if standing is not None:
            self._forget_record(account, key)
        parent = str(record["reply"]["parent"]["uri"]).rpartition("/")[2] if "reply" in record else None
        self.keep(account=account, text=record["text"], parent=parent, id=key, extra={"cid": cid, "record": record},
                  media=[self._described(file, alt, account) for file, alt in files])
        return JSONResponse({"uri": _uri(account, key), "cid": cid, "validationStatus": "valid",
                             "commit": {"cid": _record_cid({"of": cid}), "rev": key}})

    async def _delete_record(self, request: Request) -> Response:
        account, given = self._account(request), await _body(request)
        self._refuse_strangers(given, account)
        if self._standing(account, str(given.get("rkey"))) is None:
            return JSONResponse({})
        self._forget_record(account, str(given["rkey"]))
        return JSONResponse({"commit": {"cid": _record_cid(given), "rev": given["rkey"]}})

    async def _get_record(self, request: Request) -> Response:
        asked = request.query_params
        for post in self.posts:
            if post.id == asked.get("rkey") and self._is(asked.get("repo"), post.account):
                return JSONResponse(self._shown(post))
        where = f"at://{asked.get('repo')}/{asked.get('collection')}/{asked.get('rkey')}"
        raise Refusal(400, {"error": "RecordNotFound", "message": f"Could not locate record: {where}"})

    async def _list_records(self, request: Request) -> Response:
        asked = request.query_params
        limit, below = int(asked.get("limit", "50")), asked.get("cursor", "~")
        own = sorted((post for post in self.posts if self._is(asked.get("repo"), post.account) and post.id < below),
                     key=lambda post: post.id, reverse=True)[:limit]
        return JSONResponse({"records": [self._shown(post) for post in own], **({"cursor": own[-1].id} if own else {})})

    def _refuse_strangers(self, given: dict[str, Any], account: str) -> None:
        if not self._is(given.get("repo"), account):
            raise Refusal(401, {"error": "AuthenticationRequired", "message": "Authentication Required"})

    @staticmethod
    def _is(repo: Any, account: str) -> bool:
        return repo in (_did(account), _handle(account))

    def _standing(self, account: str, key: str) -> Kept | None:
        return next((post for post in self.posts if (post.account, post.id) == (account, key)), None)

    def _forget_record(self, account: str, key: str) -> None:
        value = {"account": account, "key": key}
        self._journal.write("deleted", value)
        self._recall("deleted", value)

    @staticmethod
    def _shown(post: Kept) -> dict[str, Any]:
        return {"uri": _uri(post.account, post.id), "cid": post.extra["cid"], "value": post.extra["record"]}


async def _body(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError:
        raise invalid("Unexpected token in JSON") from None
    if not isinstance(given, dict):
        raise invalid("Input must be an object")
    return given


def _said_by(token: str) -> dict[str, Any] | None:
    """What a token of ours says; None for any other."""
    try:
        body = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return said if isinstance(said, dict) and {"scope", "account", "exp"} <= said.keys() else None
    except (IndexError, ValueError):
        return None


def _handle(account: str) -> str:
    name = re.sub(r"[^a-z0-9.-]", "-", account.lower().lstrip("@")).strip("-.") or "account"
    return name if "." in name else f"{name}.test"


def _did(account: str) -> str:
    digest = hashlib.sha256(_handle(account).encode()).digest()
    return f"did:plc:{base64.b32encode(digest)[:24].decode().lower()}"


def _uri(account: str, key: str) -> str:
    return f"at://{_did(account)}/{POSTS}/{key}"


def _raw_cid(sha256: str) -> str:
    """A file's name by its bytes: CIDv1, raw, SHA-256, base32."""
    return _cid(0x55, bytes.fromhex(sha256))


def _record_cid(value: Any) -> str:
    """A record's name by what it says. A server hashes DAG-CBOR; JSON with sorted keys tells records apart as well."""
    return _cid(0x71, hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest())


def _cid(codec: int, digest: bytes) -> str:
    return "b" + base64.b32encode(bytes((1, codec, 0x12, 0x20)) + digest).decode().lower().rstrip("=")


TWIN = BlueskyTwin
