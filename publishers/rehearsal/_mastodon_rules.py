"""What a rehearsed Mastodon server takes and refuses, and how it writes what it shows.

Sources: as `mastodon_twin.py`.
"""
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Refusal

CHARACTERS, FILES, ALT, _IMAGE_BYTES, _VIDEO_BYTES = 500, 4, 1500, 16_777_216, 103_809_024
_PIXELS, _GIF_PIXELS, _VIDEO_PIXELS = 33_177_600, 921_600, 8_294_400    # app/models/concerns/attachmentable.rb
_ANSWERS, _ANSWER, _POLL_SECONDS = 4, 50, (300, 2_629_746)
KEY_LIVES = timedelta(hours=1)
LOOKS_WHILE_PROCESSING = {"gifv": 2, "video": 1, "audio": 1}    # how often "still processing" is the answer
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif")
_VIDEOS = ("video/webm", "video/mp4", "video/quicktime", "video/ogg")
_SOUNDS = ("audio/wave", "audio/wav", "audio/x-wav", "audio/x-pn-wave", "audio/vnd.wave", "audio/ogg", "audio/vorbis",
           "audio/mpeg", "audio/mp3", "audio/webm", "audio/flac", "audio/aac", "audio/m4a", "audio/x-m4a", "audio/mp4",
           "audio/3gpp", "video/x-ms-asf")
FILLED = {"video": "📹", "gifv": "📹", "audio": "🎵", "image": "🖼"}
_URL = re.compile(r"https?://[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/[^\s<>\"]*[^\s<>\".,;:!?'’”\])])?", re.IGNORECASE)
MARKS = re.compile(rf"(?P<url>{_URL.pattern})|(?<![\w/])#(?P<tag>\w+)|(?<![\w/=])@(?P<user>\w+)(?:@[\w.-]+\w)?",
                   re.IGNORECASE)
LIMITS: dict[str, dict[str, Any]] = {
    "statuses": {"max_characters": CHARACTERS, "max_media_attachments": FILES, "characters_reserved_per_url": 23},
    "media_attachments": {"supported_mime_types": [*_IMAGES, *_VIDEOS, *_SOUNDS], "image_size_limit": _IMAGE_BYTES,
                          "image_matrix_limit": _PIXELS, "video_size_limit": _VIDEO_BYTES,
                          "video_frame_rate_limit": 120, "video_matrix_limit": _VIDEO_PIXELS,
                          "description_limit": ALT},
    "polls": {"max_options": _ANSWERS, "max_characters_per_option": _ANSWER, "min_expiration": _POLL_SECONDS[0],
              "max_expiration": _POLL_SECONDS[1]}}
SCOPES = ("read:accounts", "read:statuses", "write:statuses", "write:media")


def poll_in(given: Mapping[str, Any], account: str, media: Sequence[str], now: datetime) -> dict[str, Any] | None:
    """The poll of a post; None when it has none."""
    poll = given.get("poll")
    if not isinstance(poll, dict):
        return None
    if media:
        raise Refusal(422, {"error": f"Validation failed: Cannot attach more than {FILES} files"})
    options, seconds = [str(one) for one in poll.get("options") or ()], int(poll.get("expires_in") or 0)
    wrong = [said for is_wrong, said in (
        (len(options) < 2, "must have more than one item"),
        (len(options) > _ANSWERS, f"can't contain more than {_ANSWERS} items"),
        (any(len(one) > _ANSWER for one in options), f"can't be longer than {_ANSWER} characters each"),
        (len(set(options)) < len(options), "contain duplicate items")) if is_wrong]
    if wrong:
        raise Refusal(422, {"error": f"Validation failed: Poll options {wrong[0]}"})
    if not _POLL_SECONDS[0] <= seconds <= _POLL_SECONDS[1]:
        side = "soon" if seconds < _POLL_SECONDS[0] else "far into the future"
        raise Refusal(422, {"error": f"Validation failed: Expires at is too {side}"})
    return {"id": hashlib.sha256(f"{account}{options}".encode()).hexdigest()[:16], "expired": False,
            "expires_at": stamp(now + timedelta(seconds=seconds)), "multiple": bool(poll.get("multiple")),
            "hide_totals": bool(poll.get("hide_totals")), "votes_count": 0, "voters_count": 0, "emojis": [],
            "options": [{"title": one, "votes_count": 0} for one in options]}


def refuse_file(data: bytes, mime: str) -> None:
    if mime not in (*_IMAGES, *_VIDEOS, *_SOUNDS):
        raise Refusal(422, {"error": "Validation failed: File content type is invalid"})
    most = _IMAGE_BYTES if mime in _IMAGES else _VIDEO_BYTES
    if len(data) > most:
        raise Refusal(422, {"error": f"Validation failed: File file size must be less than {most >> 20} MB"})
    seen, most = opened(data), _GIF_PIXELS if mime == "image/gif" else _PIXELS
    if seen is not None and seen.width * seen.height > most:
        what = "GIF files" if mime == "image/gif" else "images"
        raise Refusal(422, {"error": f"{seen.width}x{seen.height} {what} are not supported"})


def form_of(mime: str) -> str:
    """`image`, `gifv`, `video` or `audio`."""
    if mime == "image/gif":
        return "gifv"
    return "image" if mime in _IMAGES else "audio" if mime in _SOUNDS else "video"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def content(text: str) -> str:
    """The HTML a server makes of a text: paragraphs, line breaks, links with their ends hidden, mentions, hashtags."""
    paragraphs = (Markup("<br />").join(_line(line) for line in paragraph.split("\n"))
                  for paragraph in re.split(r"\n{2,}", text) if paragraph)
    return "".join(Markup("<p>{}</p>").format(paragraph) for paragraph in paragraphs)


def _line(line: str) -> Markup:
    html, end = Markup(), 0
    for mark in MARKS.finditer(line):
        html += escape(line[end:mark.start()]) + _mark(mark)
        end = mark.end()
    return html + escape(line[end:])


def _mark(mark: re.Match[str]) -> Markup:
    if tag := mark["tag"]:
        return Markup('<a href="/tags/{}" class="mention hashtag" rel="tag">#<span>{}</span></a>').format(
            tag.lower(), tag)
    if user := mark["user"]:
        return Markup('<span class="h-card" translate="no"><a href="/@{}" class="u-url mention">@<span>{}</span></a>'
                      '</span>').format(mark[0][1:], user)
    _, scheme, rest = re.split(r"^(https?://(?:www\.)?)", mark["url"], flags=re.IGNORECASE)
    return Markup('<a href="{}" target="_blank" rel="nofollow noopener" translate="no">'
                  '<span class="invisible">{}</span><span class="{}">{}</span><span class="invisible">{}</span></a>'
                  ).format(mark["url"], scheme, "ellipsis" if len(rest) > 30 else "", rest[:30], rest[30:])
