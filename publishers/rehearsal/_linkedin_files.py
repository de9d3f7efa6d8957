"""What LinkedIn in rehearsal has beneath its posts: who a token is, the words of its refusals, uploaded files.

Sources: learn.microsoft.com/linkedin/marketing/community-management/shares, pages images-api, videos-api and
documents-api; learn.microsoft.com/linkedin/shared/api-guide/concepts/error-handling and versioning, read 2026-11-22.
"""
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Refusal, Twin

_PIXELS, _VIDEO_BYTES, _PIECE, _OLDEST = 36_152_320, (75_000, 500_000_000), 4_194_304, "202511"
_FRAMES = 250
_FORMS = {"images": "image", "videos": "video", "documents": "document"}


class LinkedInFiles(Twin):
    """Files that wait for a post, each under the number that its upload was opened with."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self._open: dict[str, dict[str, Any]] = {}       # uploads by number: who, what, the pieces so far
        super().__init__(*given, **more)

    def _recall(self, kind: str, value: Any) -> None:
        if kind != "numbered":
            super()._recall(kind, value)
            return
        self.media[value["to"]] = replace(self.media.pop(value["from"]), id=value["to"])
        self._ids += 1                   # the number was an id too

    def forget(self) -> None:
        super().forget()
        self._open.clear()

    def upload_routes(self) -> list[Route]:
        return [*(Route(f"/rest/{name}", self._action, methods=["POST"]) for name in _FORMS),
                *(Route(f"/rest/{name}/{{urn}}", self._state) for name in _FORMS),
                Route("/dms-uploads/{number}/{piece}", self._bytes, methods=["PUT"])]

    def unauthorized(self) -> Refusal:
        return no(401, "The token used in the request has expired", "EXPIRED_ACCESS_TOKEN")

    def rate_limited(self, until: datetime) -> Refusal:
        return no(429, "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is "
                        "reached.", "TOO_MANY_REQUESTS", headers=self._retry_after(until))

    def broken(self) -> Refusal:
        return no(500, "Internal Server Error", "INTERNAL_ERROR")

    def overloaded(self, until: datetime | None) -> Refusal:
        return no(503, "Service Unavailable", "SERVICE_UNAVAILABLE", headers=self._retry_after(until))

    # --- uploads ------------------------------------------------------------------------------------------------------

    async def _action(self, request: Request) -> Response:
        account, action = self.account(request), request.query_params.get("action")
        form = _FORMS[request.url.path.rpartition("/")[2]]
        given = await body_of(request)
        if action == "finalizeUpload" and form == "video":
            return self._finish(account, given.get("finalizeUploadRequest") or {})
        asked = given.get("initializeUploadRequest") or {}
        if action != "initializeUpload":
            raise no(400, "Unknown action", "ILLEGAL_ARGUMENT")
        self.allowed(account, asked.get("owner"))
        number = self.new_id()
        size = asked.get("fileSizeBytes") if form == "video" else 0
        if form == "video" and not (isinstance(size, int) and 0 < size <= _VIDEO_BYTES[1]):
            raise no(400, "fileSizeBytes is not acceptable", "INVALID_VALUE_FOR_FIELD")
        there = f"{request.url.scheme}://{request.url.netloc}/{self.network}/dms-uploads/{number}"
        self._open[number] = {"account": account, "form": form, "pieces": {}, "size": size}
        if form != "video":
            return JSONResponse({"value": {"uploadUrlExpiresAt": milliseconds(self.now()) + 86_400_000,
                                           "uploadUrl": f"{there}/0", form: f"urn:li:{form}:{number}"}})
        pieces = [{"uploadUrl": f"{there}/{n}", "firstByte": at, "lastByte": min(at + _PIECE, size or 0) - 1}
                  for n, at in enumerate(range(0, size or 0, _PIECE))]
        return JSONResponse({"value": {"uploadUrlsExpireAt": milliseconds(self.now()) + 86_400_000, "uploadToken": "",
                                       "video": f"urn:li:video:{number}", "uploadInstructions": pieces}})

    async def _bytes(self, request: Request) -> Response:
        number, piece = request.path_params["number"], request.path_params["piece"]
        account = self.account(request, versioned=False)
        upload = self._open.get(number)
        if upload is None or upload["account"] != account:
            raise no(403, "The upload is not known", "ACCESS_DENIED")
        data = await request.body()
        if upload["form"] == "video":
            upload["pieces"][f"piece-{piece}"] = data
            return Response(status_code=200, headers={"etag": f'"piece-{piece}"'})
        self._keep_upload(number, data)
        return Response(status_code=201)

    def _finish(self, account: str, asked: Mapping[str, Any]) -> Response:
        number = str(asked.get("video") or "").rpartition(":")[2]
        upload = self._open.get(number)
        pieces = [] if upload is None else [upload["pieces"].get(tag) for tag in asked.get("uploadedPartIds") or ()]
        if upload is None or upload["account"] != account or None in pieces:
            raise no(400, "A part is missing", "INVALID_VALUE_FOR_FIELD")
        data = b"".join(pieces)
        if len(data) != upload["size"]:
            raise no(400, "The parts are not the whole file", "INVALID_VALUE_FOR_FIELD")
        self._keep_upload(number, data)
        return Response(status_code=200)

    def _keep_upload(self, number: str, data: bytes) -> None:
        """The file under the number that its upload was opened with."""
        upload = self._open.pop(number)
        made = self.keep_media(data, name=upload["form"], mime=_mime(data), account=upload["account"])
        self._journal.write("numbered", {"from": made, "to": number})
        self.media[number] = replace(self.media.pop(made), id=number)   # as `_recall` does, without another id

    async def _state(self, request: Request) -> Response:
        account, urn = self.account(request), request.path_params["urn"]
        id = urn.rpartition(":")[2]
        if not self.may_attach(id, account):
            raise no(404, "The media does not exist", "NOT_FOUND")
        return JSONResponse({"id": urn, "status": "PROCESSING_FAILED" if self.fault_of(id) else "AVAILABLE",
                             "owner": f"urn:li:organization:{slug(account)}"})

    def fault_of(self, id: str) -> str:
        """Why a file cannot be shown; empty when it can."""
        media = self.media[id]
        data = self.bytes_of(media.sha256)
        if media.name == "video":
            return "" if media.mime == "video/mp4" and _VIDEO_BYTES[0] <= len(data) <= _VIDEO_BYTES[1] else "no video"
        if media.name == "document":
            return "" if media.mime in ("application/pdf", "application/zip", "application/msword") else "no document"
        seen = opened(data)
        if media.mime not in ("image/jpeg", "image/png", "image/gif") or seen is None:
            return "no image"
        if seen.moves and _frames(data) > _FRAMES:
            return "too many frames"
        return "" if seen.width * seen.height < _PIXELS else "too many pixels"

    # --- who ----------------------------------------------------------------------------------------------------------

    def account(self, request: Request, *, versioned: bool = True) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token in ("", "expired"):
            raise self.unauthorized()
        if versioned:
            version = request.headers.get("linkedin-version", "")
            if not version:
                raise no(400, "A version must be present. Please specify a version by adding the LinkedIn-Version "
                               "header.", "VERSION_MISSING")
            if not re.fullmatch(r"20\d{4}(?:\.\d\d)?", version) or version < _OLDEST:
                raise no(426, f"Requested version {version} is not active", "NONEXISTENT_VERSION")
            if request.headers.get("x-restli-protocol-version") != "2.0.0":
                raise no(400, "X-Restli-Protocol-Version 2.0.0 is required", "ILLEGAL_ARGUMENT")
        return self.account_of(token)

    @staticmethod
    def allowed(account: str, author: object) -> str:
        """Whoever the token may act for: its member and the page of the same name."""
        if author not in (f"urn:li:organization:{slug(account)}", f"urn:li:person:{slug(account)}"):
            raise no(403, "Not enough permissions to access: the author is not the member's own, nor a page of "
                           "theirs", "ACCESS_DENIED")
        return str(author)


def no(status: int, message: str, code: str | None, *, inputErrors: str | None = None,
        headers: Mapping[str, str] | None = None) -> Refusal:
    body: dict[str, Any] = {"message": message, "status": status}
    if code:
        body["code"] = code
    if inputErrors:
        body["errorDetails"] = {"inputErrors": [{"description": "Duplicate post is detected", "input": {},
                                                 "code": inputErrors}]}
    return Refusal(status, body, headers)


def slug(account: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", account)[:64]


def milliseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _frames(data: bytes) -> int:
    """How many frames an animation has."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return int(getattr(picture, "n_frames", 1))


def _mime(data: bytes) -> str:
    """What a file is, by its first bytes."""
    marks = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif", b"%PDF": "application/pdf",
             b"PK\x03\x04": "application/zip", b"\xd0\xcf\x11\xe0": "application/msword"}
    if data[4:8] == b"ftyp":
        return "video/mp4"
    return next((mime for mark, mime in marks.items() if data.startswith(mark)), "application/octet-stream")


async def body_of(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError:
        raise no(400, "The body is not JSON", "ILLEGAL_ARGUMENT") from None
    return given if isinstance(given, dict) else {}
