"""X in rehearsal, the files: pictures in one call, all else in pieces, and what is said about them.

Written from docs.x.com (media best practices, chunked upload) and X's OpenAPI description 2.168, read 2026-11-22.
"""
import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Refusal, Twin
from publishers.rehearsal._x_words import fields, forbidden, invalid, problem

_IMAGES, _ALT, _IMAGE_BYTES = 4, 1000, 5 * 1024 * 1024
_ID = re.compile(r"[0-9]{1,19}")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"RIFF")
_TYPES = {"tweet_video": ("video/mp4", "video/webm", "video/mp2t", "video/quicktime"), "tweet_gif": ("image/gif",),
          "tweet_image": ("image/jpeg", "image/png", "image/gif", "image/webp"), "subtitles": ("text/srt", "text/vtt")}
_MOST_BYTES = {"tweet_video": 8 * 1024 ** 3, "tweet_gif": 15 * 1024 * 1024, "tweet_image": _IMAGE_BYTES,
               "subtitles": 16 * 1024 ** 3}
_SEGMENTS, _SEGMENT_BYTES, _VIDEO_MINUTES = 1000, 5 * 1024 * 1024, 20
_LOOKS_WHILE_PROCESSING = 1


@dataclass
class Upload:
    """A file that arrives in pieces."""

    account: str
    category: str
    size: int
    pieces: dict[int, bytes] = field(default_factory=dict)


class XMedia(Twin):
    """The part of X that takes files."""

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.subtitles: dict[str, dict[str, str]] = {}       # by the id of the video
        self._open: dict[str, Upload] = {}
        self._looks: Counter[str] = Counter()    # by media id: how often it says "in_progress" yet
        super().__init__(now, folder)

    def media_routes(self) -> list[Route]:
        return [Route("/2/media/upload", self._upload, methods=["POST"]),
                Route("/2/media/upload", self._status),
                Route("/2/media/upload/initialize", self._initialize, methods=["POST"]),
                Route("/2/media/upload/{id}/append", self._append, methods=["POST"]),
                Route("/2/media/upload/{id}/finalize", self._finalize, methods=["POST"]),
                Route("/2/media/metadata", self._describe, methods=["POST"]),
                Route("/2/media/subtitles", self._subtitle, methods=["POST"])]

    def whose(self, request: Request, *, writes: bool = False) -> str:
        """Whose request it is. Raises Refusal."""
        raise NotImplementedError

    def forget(self) -> None:
        super().forget()
        for held in (self.subtitles, self._open, self._looks):
            held.clear()

    def _recall(self, kind: str, value: Any) -> None:
        if kind == "subtitles":
            self.subtitles[value["id"]] = value["subtitles"]
        else:
            super()._recall(kind, value)

    def attached(self, body: Mapping[str, Any], account: str) -> list[str]:
        """The files that a post names, in order. Raises Refusal."""
        ids: Any = body.get("media", {}).get("media_ids", [])
        if "media" in body and (not isinstance(ids, list) or not 1 <= len(ids) <= _IMAGES):
            raise invalid(f"$.media.media_ids: must have 1 to {_IMAGES} items", "media_ids")
        if not all(isinstance(id, str) and _ID.fullmatch(id) and self.may_attach(id, account) for id in ids):
            raise invalid("Your media IDs are invalid.", "media_ids")
        kinds = [self._category(id) for id in ids]
        if "subtitles" in kinds or any(id in self._open or self._state(id) != "succeeded" for id in ids):
            raise invalid("Your media IDs are invalid.", "media_ids")
        if len(kinds) > 1 and set(kinds) != {"tweet_image"}:
            raise invalid("$.media.media_ids: up to 4 photos, 1 animated GIF or 1 video", "media_ids")
        for id in ids:
            if seconds_of(self._journal.get(self.media[id].sha256)) > _VIDEO_MINUTES * 60:
                raise forbidden(f"This user is not allowed to post a video longer than {_VIDEO_MINUTES} minutes.")
        return list(ids)

    def _category(self, id: str) -> str:
        mime = self.media[id].mime or ""
        if mime.startswith("text/"):
            return "subtitles"
        return "tweet_video" if mime.startswith("video/") else "tweet_gif" if mime == "image/gif" else "tweet_image"

    def _state(self, id: str) -> str:
        """How far X is with a file. What is no film, or does not move, fails."""
        data, kind = self._journal.get(self.media[id].sha256), self._category(id)
        if self._looks[id] > 0:
            return "in_progress"
        seen = opened(data) if kind == "tweet_gif" else None
        is_bad = (kind == "tweet_video" and b"moov" not in data) or (kind == "tweet_gif" and not (seen and seen.moves))
        return "failed" if is_bad else "succeeded"

    async def _upload(self, request: Request) -> Response:
        """One shot, for images: JSON with base64, or a form."""
        account = self.whose(request, writes=True)
        name, mime = "image", None
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form() as form:
                given, category = form.get("media"), form.get("media_category")
                data = await given.read() if isinstance(given, UploadFile) else b""
                if isinstance(given, UploadFile):
                    name, mime = given.filename or name, given.content_type
        else:
            body = await fields(request)
            category = body.get("media_category")
            try:
                data = base64.b64decode(body.get("media", ""), validate=True)
            except (binascii.Error, TypeError, ValueError):
                raise invalid("$.media: is not base64", "media") from None
        if category != "tweet_image":
            raise invalid(f"$.media_category: {category} is not a category for images of a post", "media_category")
        if len(data) > _IMAGE_BYTES:
            raise Refusal(413, problem(413, "Request Entity Too Large", "The image is larger than 5 MB."))
        if not data.startswith(_PICTURES):
            raise invalid("$.media: is no JPG, PNG, GIF or WEBP", "media")
        if data.startswith(b"GIF8") and (seen := opened(data)) is not None and seen.moves:
            raise invalid("$.media: an animated GIF is no image; its category is tweet_gif", "media")
        id = self.keep_media(data, name=name, mime=None if mime == "image/gif" else mime, account=account)
        return JSONResponse({"data": {"id": id, "media_key": f"3_{id}", "size": len(data),
                                      "expires_after_secs": int(self.media_lives.total_seconds())}})

    async def _initialize(self, request: Request) -> Response:
        account, body = self.whose(request, writes=True), await fields(request)
        for key in body.keys() - {"additional_owners", "media_category", "media_type", "shared", "total_bytes"}:
            raise invalid(f"$.{key}: is not defined in the schema and the schema does not allow additional properties",
                           key)
        kind, mime, size = body.get("media_category"), body.get("media_type"), body.get("total_bytes")
        if kind not in _TYPES or mime not in _TYPES[kind]:
            raise invalid(f"$.media_type: {mime} is not a type of {kind}", "media_type")
        if not isinstance(size, int) or not 0 < size <= _MOST_BYTES[kind]:
            raise invalid(f"$.total_bytes: {size} is not between 1 and {_MOST_BYTES[kind]}", "total_bytes")
        id = self.keep_media(b"", name=kind, mime=mime, account=account)
        self._open[id] = Upload(account, kind, size)
        return JSONResponse({"data": {"id": id, "media_key": f"13_{id}", "expires_after_secs": 1_295_999}})

    async def _append(self, request: Request) -> Response:
        upload, body = self._arriving(request), await fields(request)
        index = body.get("segment_index")
        if not isinstance(index, int) or not 0 <= index < _SEGMENTS:
            raise invalid(f"$.segment_index: must be between 0 and {_SEGMENTS - 1}", "segment_index")
        try:
            piece = base64.b64decode(body.get("media", ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise invalid("$.media: is not base64", "media") from None
        if len(piece) > _SEGMENT_BYTES:
            raise Refusal(413, problem(413, "Request Entity Too Large", "The segment is larger than 5 MB."))
        upload.pieces[index] = piece
        return JSONResponse({"data": {"expires_at": int((self.now() + timedelta(days=15)).timestamp())}})

    async def _finalize(self, request: Request) -> Response:
        upload, id = self._arriving(request), request.path_params["id"]
        data = b"".join(upload.pieces[index] for index in sorted(upload.pieces))
        if sorted(upload.pieces) != list(range(len(upload.pieces))) or len(data) != upload.size:
            raise invalid(f"Segments do not add up to provided total file size {upload.size}.", "total_bytes")
        del self._open[id]
        self.media[id] = replace(self.media[id], sha256=self._journal.put(data), size=len(data))
        self._journal.write("media", asdict(self.media[id]))
        told = {"id": id, "media_key": f"13_{id}", "size": len(data), "expires_after_secs": 86_400}
        if upload.category in ("tweet_video", "tweet_gif"):
            self._looks[id] = _LOOKS_WHILE_PROCESSING
            told["processing_info"] = {"state": "pending", "check_after_secs": 1}
        return JSONResponse({"data": told})

    async def _status(self, request: Request) -> Response:
        account, id = self.whose(request), request.query_params.get("media_id", "")
        if not self.may_attach(id, account) or id in self._open:
            raise Refusal(404, problem(404, "Not Found", f"Could not find media with id: [{id}]."))
        state = self._state(id)
        self._looks[id] -= 1
        more = {"in_progress": {"check_after_secs": 1, "progress_percent": 40}, "succeeded": {"progress_percent": 100}}
        return JSONResponse({"data": {"id": id, "media_key": f"13_{id}", "processing_info": {
            "state": state, **more.get(state, {})}}})

    def _arriving(self, request: Request) -> Upload:
        account, upload = self.whose(request, writes=True), self._open.get(request.path_params["id"])
        if upload is None or upload.account != account:
            raise invalid("Your media IDs are invalid.", "id")
        return upload

    async def _subtitle(self, request: Request) -> Response:
        account, body = self.whose(request, writes=True), await fields(request)
        track, id = body.get("subtitles", {}), body.get("id")
        if not isinstance(track, dict) or track.keys() - {"display_name", "id", "language_code"}:
            raise invalid("$.subtitles: is not a subtitle track", "subtitles")
        if body.get("media_category") != "TweetVideo":
            raise invalid("$.media_category: does not have a value in the enumeration", "media_category")
        if not re.fullmatch("[A-Z]{2}", track.get("language_code", "EN")):
            raise invalid("$.subtitles.language_code: does not match the regex pattern ^[A-Z]{2}$", "language_code")
        for given, kind in ((id, "tweet_video"), (track.get("id"), "subtitles")):
            if not isinstance(given, str) or not self.may_attach(given, account) or self._category(given) != kind:
                raise invalid("Your media IDs are invalid.", "id")
        value = {"id": id, "subtitles": track}
        self._journal.write("subtitles", value)
        self._recall("subtitles", value)
        return JSONResponse({"data": {"id": id, "media_category": "TweetVideo", "associated_subtitles": [track]}})

    async def _describe(self, request: Request) -> Response:
        self.whose(request, writes=True)
        body = await fields(request)
        try:
            id, alt = body["id"], body["metadata"]["alt_text"]["text"]
        except (KeyError, TypeError):
            raise invalid("$.metadata.alt_text.text: is missing but it is required", "metadata") from None
        if not isinstance(alt, str) or len(alt) > _ALT:
            raise invalid(f"$.metadata.alt_text.text: must be at most {_ALT} characters long", "text")
        if not isinstance(id, str) or id not in self.media or self._category(id) not in ("tweet_image", "tweet_gif"):
            raise invalid("Your media IDs are invalid.", "id")      # "for images and GIFs only"
        self.describe_media(id, alt)
        return JSONResponse({"data": {"id": id, "associated_metadata": {"alt_text": {"text": alt}}}})


def seconds_of(data: bytes) -> float:
    """How long a film runs, by the head of its MP4; 0 for anything else."""
    at = data.find(b"mvhd")
    if at < 0 or len(data) < at + 24:
        return 0.0
    scale, length = (int.from_bytes(data[start:start + 4]) for start in (at + 16, at + 20))
    return length / scale if scale else 0.0
