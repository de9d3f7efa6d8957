"""What kind of file X is given, and in which pieces: picture, moving GIF, video or subtitles.

Thinking only; files come in as names and bytes. Sources: docs.x.com, media best practices and chunked upload, and X's
OpenAPI description 2.168 (`InitializeMediaUploadRequest`, `AppendMediaUploadRequest`), read 2026-11-22.
"""
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from schemas.message import Media

GIF_BYTES = 15_000_000
GIF_SIDES, GIF_FRAMES, GIF_PIXELS = (1_280, 1_080), 350, 300_000_000    # pixels: of all frames together
SEGMENT_BYTES = 4 * 1024 * 1024          # a segment is at most 5 MB, and there may be 1,000 of them
CAPTIONS = ("srt", "vtt")
VIDEOS = {"mp4": "video/mp4", "mov": "video/quicktime"}

_MAGIC = (b"GIF87a", b"GIF89a")
_LANGUAGE = re.compile(r"\.([a-z]{2})(?:[-_][A-Za-z0-9]+)*\.(?:srt|vtt)$", re.IGNORECASE)
_NAMES = {"AR": "العربية", "CS": "Čeština", "DA": "Dansk", "DE": "Deutsch", "EL": "Ελληνικά", "EN": "English",
          "ES": "Español", "FI": "Suomi", "FR": "Français", "HE": "עברית", "HI": "हिन्दी", "HU": "Magyar",
          "IT": "Italiano", "JA": "日本語", "KO": "한국어", "NL": "Nederlands", "NO": "Norsk", "PL": "Polski",
          "PT": "Português", "RO": "Română", "RU": "Русский", "SV": "Svenska", "TR": "Türkçe", "UK": "Українська",
          "ZH": "中文"}


class Kind(NamedTuple):
    """What X calls a file. `media_type` None: a picture, which goes up in one call that does not ask for it."""

    category: str
    media_type: str | None = None


def kind_of(name: str, data: bytes) -> Kind:
    """By the end of its name; whether a GIF moves, by its content."""
    end = name.rpartition(".")[2].lower()
    if end in VIDEOS:
        return Kind("tweet_video", VIDEOS[end])
    if end in CAPTIONS:
        return Kind("subtitles", f"text/{end}")
    return Kind("tweet_gif", "image/gif") if data.startswith(_MAGIC) and _has_two_frames(data) else Kind("tweet_image")


def moves(media: Media) -> bool:
    """Whether it is a GIF with more than one frame; not, where nobody looked."""
    return media.probe is not None and media.probe.kind == "gif" and (media.probe.frames or 1) > 1


def is_subtitle(name: str) -> bool:
    """Whether it goes with a video, and not into the post."""
    return name.rpartition(".")[2].lower() in CAPTIONS


def subtitle_of(name: str, language: str | None) -> str:
    """The name with its language in it (`talk.en.srt`): its own, else the message's; as it is where none is known."""
    stem, _, end = name.rpartition(".")
    code = re.match(r"[a-z]{2}(?![a-z])", language or "", re.IGNORECASE)
    return name if _LANGUAGE.search(name) or code is None else f"{stem}.{code[0].lower()}.{end}"


def spoken(name: str) -> dict[str, str]:
    """What X is told of the language of subtitles, by their name."""
    if (match := _LANGUAGE.search(name)) is None:
        return {}
    code = match[1].upper()
    return {"language_code": code, "display_name": _NAMES.get(code, code)}


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The file in pieces, each with its number; from 0, in order."""
    for index, start in enumerate(range(0, len(data), SEGMENT_BYTES)):
        yield index, data[start:start + SEGMENT_BYTES]


def _has_two_frames(data: bytes) -> bool:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return bool(getattr(picture, "is_animated", False))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, OSError, ValueError, SyntaxError):
        return False                     # X will say what is wrong with it
