"""YouTube in rehearsal: resumable uploads, private videos and how they become public, a channel's own list.

Sources: developers.google.com/youtube/v3/docs, pages errors, videos, videos/insert, videos/update, thumbnails/set,
captions/insert, playlistItems/list; guides/using_resumable_upload_protocol, read 2026-11-22.
"""
import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Refusal, Twin

_TITLE, _DESCRIPTION, _TAGS, _PICTURE_BYTES, _CAPTION_BYTES = 100, 5_000, 500, 50_000_000, 100_000_000
_MULTIPLE = 262_144
_CATEGORIES = ("1", "2", "10", "15", "17", "19", "20", "22", "23", "24", "25", "26", "27", "28", "29")
_PRIVACIES, _SEEN = ("private", "unlisted", "public"), ("unlisted", "public")
_SCOPE = "https://www.googleapis.com/auth/youtube.force-ssl"
_SPAN = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<total>\d+)")


class YouTubeTwin(Twin):
    """Every account has a channel. Videos of an account whose name ends in `unaudited` stay private.

    `scopes` is what every token may do; None: Google does not tell.
    """

    network: ClassVar[str] = "youtube"
    title: ClassVar[str] = "YouTube"
    accent: ClassVar[str] = "#ff0033"
    creates: ClassVar[tuple[str, ...]] = ("PUT /youtube/v3/videos",)

    def __init__(self, *given: Any, **more: Any) -> None:
        self._videos: dict[str, dict[str, Any]] = {}     # by id, in order of their coming, unseen ones too
        self._open: dict[str, dict[str, Any]] = {}       # uploads that are not whole yet
        self.scopes: tuple[str, ...] | None = (_SCOPE,)
        super().__init__(*given, **more)

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "video":
                self._videos[value["id"]] = value
            case "gone":
                self._videos.pop(value, None)
                if (kept := self._by_id.pop(value, None)) is not None:
                    self.posts.remove(kept)
            case _:
                super()._recall(kind, value)

    def forget(self) -> None:
        super().forget()
        self._videos.clear()
        self._open.clear()

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        try:
            given = json.loads(body)
        except ValueError:
            return ""
        return str(given.get("id") or "") if isinstance(given, dict) else ""

    def routes(self) -> list[Route]:
        return [Route("/upload/youtube/v3/videos", self._begin, methods=["POST"]),
                Route("/upload/youtube/v3/sessions/{session}", self._piece, methods=["PUT"]),
                Route("/upload/youtube/v3/thumbnails/set", self._picture, methods=["POST"]),
                Route("/upload/youtube/v3/captions", self._captions, methods=["POST"]),
                Route("/youtube/v3/videos", self._update, methods=["PUT"]),
                Route("/youtube/v3/videos", self._delete, methods=["DELETE"]),
                Route("/youtube/v3/videos", self._list),
                Route("/youtube/v3/channels", self._channels),
                Route("/youtube/v3/playlistItems", self._uploads),
                Route("/o/oauth2/v2/auth", self._say_yes),
                Route("/token", self._token, methods=["POST"]),
                Route("/tokeninfo", self._about_token, methods=["POST"])]

    def unauthorized(self) -> Refusal:
        return _no(401, "authError", "Invalid Credentials")

    def rate_limited(self, until: datetime) -> Refusal:
        return _no(429, "rateLimitExceeded", "Rate Limit Exceeded", self._retry_after(until))

    def broken(self) -> Refusal:
        return _no(500, "backendError", "Backend Error")

    def overloaded(self, until: datetime | None) -> Refusal:
        return _no(503, "backendError", "The service is currently unavailable.", self._retry_after(until))

    # --- uploads ------------------------------------------------------------------------------------------------------

    async def _begin(self, request: Request) -> Response:
        account, given = self._account(request), await _body(request)
        if request.query_params.get("uploadType") != "resumable":
            raise _no(400, "badRequest", "uploadType is resumable here")
        video = self._judged(request, given, {})
        size = request.headers.get("x-upload-content-length", "")
        if not size.isdigit() or not int(size):
            raise _no(400, "mediaBodyRequired", "The request does not include the video content.")
        session = self.new_id()
        self._open[session] = {"account": account, "video": video, "data": b"", "size": int(size)}
        there = f"{request.url.scheme}://{request.url.netloc}/{self.network}/upload/youtube/v3/sessions/{session}"
        return Response(status_code=200, headers={"location": f"{there}?uploadType=resumable&upload_id={session}"})

    async def _piece(self, request: Request) -> Response:
        session, span = request.path_params["session"], _SPAN.fullmatch(request.headers.get("content-range", ""))
        upload, data = self._open.get(session), await request.body()
        if upload is None:
            raise _no(404, "notFound", "The upload is not known.")
        if span is None or int(span["total"]) != upload["size"]:
            raise _no(400, "badRequest", "Content-Range does not fit")
        if "id" in upload:                               # whole before: the answer again
            return JSONResponse(self._as_json(upload["id"]))
        if span["first"] is not None:
            first, last = int(span["first"]), int(span["last"])
            is_last = last + 1 == upload["size"]
            if first != len(upload["data"]) or last - first + 1 != len(data) or (len(data) % _MULTIPLE and not is_last):
                raise _no(400, "badRequest", "This is not the piece that comes next")
            upload["data"] += data
        if len(upload["data"]) < upload["size"]:
            has = len(upload["data"])
            return Response(status_code=308, headers={"range": f"bytes=0-{has - 1}"} if has else {})
        upload["id"] = self._keep_video(upload)
        upload["data"] = b""
        return JSONResponse(self._as_json(upload["id"]))

    def _keep_video(self, upload: Mapping[str, Any]) -> str:
        film = self.keep_media(upload["data"], name="film", mime="video/mp4", account=upload["account"])
        id = base64.urlsafe_b64encode(hashlib.sha256(f"youtube {film}".encode()).digest()).decode()[:11]
        readable = upload["data"][4:8] == b"ftyp" or upload["data"][:4] == b"\x1a\x45\xdf\xa3"
        self._save({**upload["video"], "id": id, "account": upload["account"], "at": self.now().isoformat(),
                    "media": [film], "uploadStatus": "processed" if readable else "failed"})
        self._show(id)
        return id

    async def _picture(self, request: Request) -> Response:
        video = self._own(request, request.query_params.get("videoId"))
        data = await request.body()
        if not data or len(data) > _PICTURE_BYTES or opened(data) is None or data[:4] == b"RIFF":
            raise _no(400, "invalidImage", "The provided image content is invalid.")
        picture = self.keep_media(data, name="picture", mime="image/jpeg", account=video["account"])
        self._save({**video, "media": [*video["media"], picture]})
        return JSONResponse({"kind": "youtube#thumbnailSetResponse", "items": [{}]})

    async def _captions(self, request: Request) -> Response:
        account, body = self._account(request), await request.body()
        boundary = request.headers.get("content-type", "").partition("boundary=")[2].encode()
        parts = body.split(b"--" + boundary)[1:-1] if boundary else []
        if len(parts) != 2:
            raise _no(400, "contentRequired", "The request does not contain the caption track contents.")
        about, data = (part.split(b"\r\n\r\n", 1)[1][:-2] for part in parts)
        snippet = json.loads(about).get("snippet") or {}
        video = self._videos.get(str(snippet.get("videoId")))
        if video is None or video["account"] != account:
            raise _no(404, "videoNotFound", "The video identified by the videoId parameter could not be found.")
        if not snippet.get("language") or "name" not in snippet or not data or len(data) > _CAPTION_BYTES:
            raise _no(400, "invalidMetadata", "The request contains invalid metadata values.")
        if snippet["language"] in video.get("captions", ()):
            raise _no(409, "captionExists", "The specified video already has a caption track with the given language "
                                            "and name.")
        track = self.keep_media(data, name="captions", mime="text/plain", account=account)
        self._save({**video, "media": [*video["media"], track],
                    "captions": [*video.get("captions", ()), snippet["language"]]})
        return JSONResponse({"kind": "youtube#caption", "id": track, "snippet": snippet})

    # --- videos -------------------------------------------------------------------------------------------------------

    async def _update(self, request: Request) -> Response:
        self._account(request)
        given = await _body(request)
        video = self._own(request, given.get("id"))
        changed = {**video, **self._judged(request, given, video)}
        if video["account"].endswith("unaudited"):
            changed["status"] = {**changed["status"], "privacyStatus": "private"}
        self._save(changed)
        self._show(video["id"])
        return JSONResponse(self._as_json(video["id"]))

    def _judged(self, request: Request, given: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
        """The parts that are set. A part that is named is replaced whole; one that is not named stays."""
        named = request.query_params.get("part", "").split(",")
        if any(part not in ("snippet", "status", "paidProductPlacementDetails", "id") for part in named):
            raise _no(400, "unknownPart", "part has a value that is not known")
        made = {"snippet": old.get("snippet", {"title": "unknown", "categoryId": "22"}),
                "status": old.get("status", {"privacyStatus": "public"})}
        if "snippet" in named:
            made["snippet"] = snippet = dict(given.get("snippet") or {})
            title, description = str(snippet.get("title") or ""), str(snippet.get("description") or "")
            if not title.strip() or len(title) > _TITLE or re.search("[<>]", title):
                raise _no(400, "invalidTitle", "The request metadata specifies an invalid or empty video title.")
            if len(description.encode("utf-8", "surrogatepass")) > _DESCRIPTION or re.search("[<>]", description):
                raise _no(400, "invalidDescription", "The request metadata specifies an invalid video description.")
            if snippet.get("categoryId") not in _CATEGORIES:
                raise _no(400, "invalidCategoryId", "The snippet.categoryId property specifies an invalid category ID.")
            tags = [f'"{tag}"' if " " in tag else str(tag) for tag in snippet.get("tags") or ()]
            if len(",".join(tags)) > _TAGS or any(re.search("[<>]", tag) for tag in tags):
                raise _no(400, "invalidTags", "The request metadata specifies invalid video keywords.")
        if "status" in named:
            made["status"] = dict(given.get("status") or {})
            if made["status"].setdefault("privacyStatus", "public") not in _PRIVACIES:
                raise _no(400, "invalidVideoMetadata", "The request metadata is invalid.")
        return made

    def _show(self, id: str) -> None:
        """A video that can be seen is a post; the first time it is, that is its hour."""
        video = self._videos[id]
        kept = self.post(id)
        if video["status"]["privacyStatus"] in _SEEN and kept is None:
            self.keep(account=video["account"], text=video["snippet"].get("description", ""), media=video["media"],
                      id=id, extra={"title": video["snippet"]["title"]})
            self._save({**video, "seen": self.now().isoformat()})
        elif video["status"]["privacyStatus"] == "private" and kept is not None:
            self._journal.write("gone", id)
            self._recall("gone", id)
            self._save(video)
        elif kept is not None and kept.text != video["snippet"].get("description", ""):
            new = replace(kept, text=video["snippet"].get("description", ""))
            self.posts[self.posts.index(kept)] = self._by_id[id] = new

    async def _delete(self, request: Request) -> Response:
        video = self._own(request, request.query_params.get("id"))
        self._journal.write("gone", video["id"])
        self._recall("gone", video["id"])
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        account, id = self._account(request), str(request.query_params.get("id"))
        video = self._videos.get(id)
        is_seen = video is not None and (video["account"] == account or video["status"]["privacyStatus"] in _SEEN)
        return JSONResponse({"kind": "youtube#videoListResponse", "items": [self._as_json(id)] if is_seen else []})

    async def _channels(self, request: Request) -> Response:
        account = self._account(request)
        return JSONResponse({"kind": "youtube#channelListResponse", "items": [{
            "kind": "youtube#channel", "id": f"UC{_hash(account)}", "snippet": {"title": account},
            "status": {"longUploadsStatus": "allowed", "privacyStatus": "public"},
            "contentDetails": {"relatedPlaylists": {"uploads": f"UU{_hash(account)}"}}}]})

    async def _uploads(self, request: Request) -> Response:
        account, asked = self._account(request), request.query_params
        if asked.get("playlistId") != f"UU{_hash(account)}":
            raise _no(404, "playlistNotFound", "The playlist identified with the playlistId parameter cannot be found.")
        own = [video for video in reversed(self._videos.values()) if video["account"] == account]
        start, count = int(asked.get("pageToken") or 0), min(int(asked.get("maxResults") or 5), 50)
        more = {"nextPageToken": str(start + count)} if start + count < len(own) else {}
        return JSONResponse({"kind": "youtube#playlistItemListResponse", **more, "items": [{
            "kind": "youtube#playlistItem",
            "snippet": {"title": video["snippet"]["title"], "description": video["snippet"].get("description", ""),
                        "publishedAt": _stamp(video["at"])},
            "status": {"privacyStatus": video["status"]["privacyStatus"]},
            "contentDetails": {"videoId": video["id"], "videoPublishedAt": _stamp(video.get("seen") or video["at"])}}
            for video in own[start:start + count]]})

    # --- who ----------------------------------------------------------------------------------------------------------

    async def _say_yes(self, request: Request) -> Response:
        """In a rehearsal everybody says yes, as the account that the app is named after."""
        asked = request.query_params
        query = urlencode({"code": f"rehearsal:{asked.get('client_id', '')}", "state": asked.get("state", "")})
        return RedirectResponse(f"{asked.get('redirect_uri', '')}?{query}", 302)

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(form[name]) for name in form}
        is_first = given.get("grant_type") == "authorization_code"
        grant = given.get("code" if is_first else "refresh_token", "")
        if not given.get("client_id") or not given.get("client_secret") or grant in ("", "expired"):
            raise Refusal(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
        token = f"rehearsal:{self.account_of(grant)}"
        return JSONResponse({"access_token": token, "expires_in": 3_599, "scope": _SCOPE, "token_type": "Bearer",
                             **({"refresh_token": token} if is_first else {})})

    async def _about_token(self, request: Request) -> Response:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token in ("", "expired") or self.scopes is None:
            raise Refusal(400, {"error": "invalid_token", "error_description": "Invalid Value"})
        return JSONResponse({"scope": " ".join(self.scopes), "expires_in": "3599", "access_type": "offline"})

    def _account(self, request: Request) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(token)

    def _own(self, request: Request, id: object) -> dict[str, Any]:
        video = self._videos.get(str(id))
        if video is None or video["account"] != self._account(request):
            raise _no(404, "videoNotFound", "The video that you are trying to reach cannot be found.")
        return video

    def _save(self, video: dict[str, Any]) -> None:
        self._journal.write("video", video)
        self._recall("video", video)

    def _as_json(self, id: str) -> dict[str, Any]:
        video = self._videos[id]
        failed = {"failureReason": "invalidFile"} if video["uploadStatus"] == "failed" else {}
        return {"kind": "youtube#video", "id": id,
                "snippet": {**video["snippet"], "publishedAt": _stamp(video.get("seen") or video["at"])},
                "status": {**video["status"], "uploadStatus": video["uploadStatus"], **failed}}


def _no(status: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    return Refusal(status, {"error": {"code": status, "message": message, "errors": [
        {"message": message, "domain": "youtube", "reason": reason}]}}, headers)


def _hash(account: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(account.encode()).digest()).decode()[:22]


def _stamp(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _body(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError:
        raise _no(400, "parseError", "The body is not JSON") from None
    return given if isinstance(given, dict) else {}


TWIN = YouTubeTwin
