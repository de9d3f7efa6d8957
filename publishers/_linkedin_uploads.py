"""How a file gets to LinkedIn: opened with one call, sent to an address of its own, closed for videos.

Sources: learn.microsoft.com/linkedin/marketing/community-management/shares, pages images-api, documents-api and
videos-api, read 2026-11-22.
"""
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from publishers._answers import object_in
from publishers._http import Answer, converse
from publishers._linkedin_answers import value_in
from publishers.base import Connection
from schemas.errors import Rejected, Unauthorized, Unavailable

PENDING = "processing:"                  # a handle that must be asked after before it is used
Ask = Callable[..., Answer]
_URN = re.compile(r"urn:li:(?:image|video|document|digitalmediaAsset):[A-Za-z0-9_-]{1,128}")
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.){0,4}(?:linkedin\.com|licdn\.com)")
_COLLECTIONS = {"image": "images", "video": "videos", "document": "documents"}


def uploaded(connection: Connection, ask: Ask, owner: str, form: str, data: bytes) -> str:
    """The handle of a file that was sent whole. Raises a PublishError, never Unconfirmed."""
    asked: dict[str, Any] = {"owner": owner}
    if form == "video":
        asked |= {"fileSizeBytes": len(data), "uploadCaptions": False, "uploadThumbnail": False}
    value = value_in(ask("POST", f"/rest/{_COLLECTIONS[form]}?action=initializeUpload",
                         json={"initializeUploadRequest": asked}))
    urn = str(value.get(form) or "")
    if not _URN.fullmatch(urn):
        raise Unavailable("LinkedIn opened an upload without naming it")
    if form == "video":
        _send_video(connection, ask, urn, value, data)
    else:
        _put(connection, str(value.get("uploadUrl") or ""), data)
    return urn if is_ready(ask, urn) else PENDING + urn


def is_ready(ask: Ask, urn: str) -> bool:
    """Whether the file can be shown. A member's token may write files and not read them: then it is taken for ready.

    Raises Rejected for a file that LinkedIn could not read.
    """
    collection = _COLLECTIONS.get(urn.split(":")[2], "images")
    try:
        answer = ask("GET", f"/rest/{collection}/{quote(urn, safe='')}")
    except Unauthorized as error:
        if error.dead:
            raise
        return True
    except Rejected as error:
        raise Unavailable(error.why) from None
    status = str((object_in(answer.body) or {}).get("status") or "")
    if status == "PROCESSING_FAILED":
        raise Rejected("LinkedIn could not read an uploaded file: it may be damaged, or of another kind than its name "
                       "says")
    return status == "AVAILABLE"


def _send_video(connection: Connection, ask: Ask, urn: str, value: dict[str, Any], data: bytes) -> None:
    """Piece by piece, as LinkedIn asks for them; then the tags that came back close the upload."""
    tags = []
    try:
        for piece in value["uploadInstructions"]:
            first, last = int(piece["firstByte"]), int(piece["lastByte"])
            answer = _put(connection, str(piece["uploadUrl"]), data[first:last + 1])
            tags.append(answer.headers["etag"].strip('"'))
    except (KeyError, TypeError, ValueError):
        raise Unavailable("LinkedIn did not say how to send a video") from None
    ask("POST", "/rest/videos?action=finalizeUpload", json={"finalizeUploadRequest": {
        "video": urn, "uploadToken": str(value.get("uploadToken") or ""), "uploadedPartIds": tags}})


def _put(connection: Connection, where: str, data: bytes) -> Answer:
    """Bytes to an address that LinkedIn gave, and to no other host. The address lets anyone in: it is never printed."""
    twin = connection.address
    parts = urlsplit(where)
    is_theirs = (where.startswith(f"{twin}/") if twin is not None
                 else parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None)
    if not is_theirs:
        raise Unavailable("LinkedIn named an address for an upload that is not its own; nothing was sent there")
    answer = converse(connection, "PUT", where, content=data, repeatable=True, headers={
        "Content-Type": "application/octet-stream",
        "Authorization": f"Bearer {connection.secret('access_token')}"})
    if not 200 <= answer.status < 300:
        if answer.status == 401:
            raise Unauthorized("LinkedIn refused the access token for an upload (401)", dead=True)
        raise Unavailable(f"LinkedIn answered {answer.status} to an upload")
    return answer
