"""How a film gets to YouTube, unseen: a resumable upload in pieces; then its picture and its subtitles.

The address of an upload lets anyone send to it, without any token: it stands in no error and is kept nowhere.
Sources: developers.google.com/youtube/v3/guides/using_resumable_upload_protocol, docs/thumbnails/set,
docs/captions/insert, read 2026-11-22.
"""
import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

from publishers._http import Answer, converse
from publishers._youtube_answers import id_in, refusal
from publishers.base import Connection
from schemas.errors import Rejected, Unavailable

PIECE = 8_388_608                        # bytes; a multiple of 262,144, as documented
_TRIES = 3                               # pieces in a row that came to nothing
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)?googleapis\.com")
_RANGE = re.compile(r"bytes=0-([0-9]{1,15})")
_BOUNDARY = "drumbeat-2f6c1a5e9b7d4083"
API = "https://www.googleapis.com"


def uploaded(connection: Connection, video: dict[str, Any], data: bytes, *, notify: bool) -> str:
    """The id of a video that was sent whole; it stays as private as `video` says. Raises a PublishError."""
    if not data:
        raise Rejected("the video file is empty")
    opened = converse(connection, "POST", f"{connection.address or API}/upload/youtube/v3/videos", json=video,
                      params={"uploadType": "resumable", "part": ",".join(video),
                              "notifySubscribers": str(notify).lower()},
                      headers={**bearer(connection), "X-Upload-Content-Type": "video/*",
                               "X-Upload-Content-Length": str(len(data))}, repeatable=True)
    where = opened.headers.get("location", "")
    if not 200 <= opened.status < 300:
        raise refusal(opened, secrets(connection), Unavailable)
    if not _is_theirs(connection, where):
        raise Unavailable("YouTube opened an upload at an address that is not its own; nothing was sent there")
    return id_in(_sent(connection, where, data))


def set_thumbnail(connection: Connection, video: str, name: str, data: bytes) -> None:
    """The picture that stands for the video."""
    kind = "image/png" if name.lower().endswith(".png") else "image/jpeg"
    _post(connection, f"/upload/youtube/v3/thumbnails/set?videoId={quote(video, safe='')}&uploadType=media", data, kind)


def add_captions(connection: Connection, video: str, language: str, data: bytes) -> None:
    """Subtitles of the video in one language, without a name of their own."""
    about = json.dumps({"snippet": {"videoId": video, "language": language, "name": "", "isDraft": False}}).encode()
    lines = (f"--{_BOUNDARY}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n".encode(), about,
             f"\r\n--{_BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\r\n".encode(), data,
             f"\r\n--{_BOUNDARY}--\r\n".encode())
    if _BOUNDARY.encode() in data:
        raise Unavailable("the subtitles hold the very words that would end them")
    _post(connection, "/upload/youtube/v3/captions?part=snippet&uploadType=multipart", b"".join(lines),
          f"multipart/related; boundary={_BOUNDARY}")


def bearer(connection: Connection) -> dict[str, str]:
    return {"Authorization": f"Bearer {connection.secret('access_token')}"}


def secrets(connection: Connection) -> tuple[str, ...]:
    """What must stand in no error."""
    return tuple(value.get_secret_value() for name, value in connection.credentials.items()
                 if name in ("access_token", "refresh_token", "client_secret"))


def _sent(connection: Connection, where: str, data: bytes) -> Answer:
    """YouTube's answer to the last piece. After a piece that came to nothing it is asked how much it has.

    So an answer that was lost to the last piece leaves no second video behind.
    """
    done, misses, asks = 0, 0, False
    for _ in range(2 * len(data) // PIECE + 2 * _TRIES):
        piece = b"" if asks else data[done:done + PIECE]
        span = f"bytes */{len(data)}" if asks else f"bytes {done}-{done + len(piece) - 1}/{len(data)}"
        if misses >= _TRIES:
            break
        try:
            answer = converse(connection, "PUT", where, content=piece, repeatable=True,
                              headers={**bearer(connection), "Content-Range": span, "Content-Type": "video/*"})
        except Unavailable:
            misses, asks = misses + 1, True
            continue
        if 200 <= answer.status < 300:
            return answer
        if answer.status == 308:
            match = _RANGE.fullmatch(answer.headers.get("range", ""))
            has = min(int(match[1]) + 1 if match else 0, len(data))
            misses = 0 if has > done else misses + (not asks)
            done, asks = has, has == len(data)
        elif answer.status >= 500:
            misses, asks = misses + 1, True
        elif answer.status == 404:       # the address has expired: another one may do
            break
        else:
            raise refusal(answer, secrets(connection), Unavailable)
    raise Unavailable("the upload of the video broke off")


def _post(connection: Connection, path: str, data: bytes, kind: str) -> None:
    answer = converse(connection, "POST", (connection.address or API) + path, content=data, repeatable=True,
                      headers={**bearer(connection), "Content-Type": kind})
    if not 200 <= answer.status < 300:
        refused = refusal(answer, secrets(connection), Unavailable)
        # said of a video that has just come: github.com/tokland/youtube-upload/issues/269, read 2026-11-22
        raise Unavailable(refused.why) if answer.status == 404 else refused


def _is_theirs(connection: Connection, where: str) -> bool:
    if connection.address is not None:
        return where.startswith(f"{connection.address}/")
    parts = urlsplit(where)
    return parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None
