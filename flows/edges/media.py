"""Media files: what their header says, and the bytes that are uploaded of them. Git keeps them as they were made."""
import math
import signal
import struct
import subprocess
import sys

from flows.edges import _boxes, _chunks, _gif, _headers, _jpeg, _turning
from flows.edges._headers import IMAGES, PAPERS, VIDEOS, Header, Unreadable
from schemas.content import Probe
from schemas.errors import Rejected, Unavailable

HEAD_BYTES = 262_144
"""So much of a file is enough to judge it; the rest is read when it is sent."""
MOST_PIXELS = 50_000_000
MOST_SIDE = 10_000
"""A picture of a few kB may unfold to hundreds of megapixels: what is larger than this is never decoded."""
_PATIENCE_S = 90.0
_REWRITTEN = ("jpeg", "png", "webp", "bmp", "tiff")
_DAMAGED = "{} is damaged, or of a kind that cannot be freed of its notes yet. Save it again."
_ENDINGS = {"jpeg": ("jpg", "jpeg"), "png": ("png", "apng"), "gif": ("gif",), "webp": ("webp",), "avif": ("avif",),
            "heic": ("heic", "heif"), "bmp": ("bmp",), "tiff": ("tif", "tiff"), "mp4": ("mp4", "m4v"),
            "mov": ("mov", "qt"), "webm": ("webm",), "pdf": ("pdf",), "subtitles": ("vtt", "srt")}
_WORDS = {"svg": "an SVG drawing, which may hold programs", "html": "a web page", "pdf": "a PDF document",
          "subtitles": "a file of subtitles",
          "playlist": "a playlist, which names files elsewhere", "unknown": "no picture or film of a known kind",
          "avif": "an AVIF", "mp4": "an MP4", "mov": "a MOV"}
_TO_DO = {"svg": "Export it as PNG.", "html": "Save the picture itself, not the page around it.",
          "playlist": "Put the film itself into the folder."}


def probe(head: bytes, size: int, name: str) -> Probe:
    """What a file is by its first HEAD_BYTES and its size: by content, whatever its name says. Never raises.

    `why` is one sentence that begins with the name.
    """
    kind = _headers.kind_of(head) if size else "unknown"
    header = _header(kind, head, size)
    width, height = header.shown
    why, remedy = _fault(kind, header, size, len(head), name) or (None, "")
    return Probe(kind, width, height, header.duration_s, header.frames, why, remedy)


def cleaned(data: bytes, name: str) -> bytes:
    """The bytes to upload: the same picture, upright, with its colour profile, and nothing else.

    No EXIF, XMP, IPTC, comment, thumbnail, position, nor anything behind the picture's end. Same in, same out; what is
    clean stays as it is. Chunks are dropped and pixels copied; only what must be turned, or does not follow its format
    to the end, is decoded and written anew, by a process of its own. Documents and subtitles stay as they are. Raises
    Rejected for what cannot be made ready, Unavailable when this machine is at fault.
    """
    seen = probe(data, len(data), name)
    if seen.why is not None:
        raise Rejected(f"{seen.why} {seen.remedy}")
    try:
        made = _without_notes(seen.kind, data, name)
    except Unreadable:
        raise Rejected(_DAMAGED.format(name)) from None
    if probe(made, len(made), name) != seen:
        raise Rejected(_DAMAGED.format(name))
    return made


def _without_notes(kind: str, data: bytes, name: str) -> bytes:
    """Raises Unreadable, and what a process for it raises."""
    if kind in PAPERS:
        return data
    turned = _header(kind, data, len(data)).orientation
    try:
        if turned == 1:
            return _stripped(kind, data)
    except Unreadable:
        pass                                                 # decoders may still make sense of it
    if kind not in _REWRITTEN:
        raise Unreadable
    made = _written_anew(kind, data, turned, name)
    match kind:
        case "png":
            return _chunks.cleaned_png(made, colours_of=data)
        case "bmp" | "tiff":
            return made                                      # our own process writes no notes into them
    return _stripped(kind, made)


def _header(kind: str, head: bytes, size: int) -> Header:
    """Empty where the head ends too soon."""
    try:
        match kind:
            case "jpeg":
                return _jpeg.header(head)
            case "png":
                return _chunks.png(head)
            case "gif":
                return _gif.header(head, size)
            case "webp":
                return _chunks.webp(head)
            case "avif" | "heic":
                return _boxes.heif(head, size)
            case "bmp":
                return _headers.bmp(head)
            case "tiff":
                return _headers.tiff(head)
            case "mp4" | "mov":
                return _boxes.video(head, size)
            case "webm":
                return _headers.webm(head)
    except (struct.error, IndexError, Unreadable):
        pass
    return Header()


def _fault(kind: str, header: Header, size: int, seen: int, name: str) -> tuple[str, str] | None:
    """What is wrong with the file, and what to do; None: nothing. `seen`: how many bytes were looked at."""
    if not size:
        return f"{name} is empty.", "Save it again."
    if kind not in (*IMAGES, *VIDEOS, *PAPERS):
        return f"{name} is {_WORDS[kind]}.", _TO_DO.get(kind, "Save it as PNG, JPG, GIF, WebP or MP4.")
    stem, _, ending = name.rpartition(".")
    if ending.lower() not in _ENDINGS[kind]:
        right = f"{stem or name}.{_ENDINGS[kind][0]}"
        return (f"{name} is {_WORDS.get(kind, f'a {kind.upper()}')}, whatever its name says.",
                f"Rename it to {right}, in the posts that use it too.")
    if kind in (*VIDEOS, *PAPERS):
        return None
    width, height = header.shown
    if width is None or height is None:
        return (f"{name} breaks off before it says how large it is.", "Save it again.") if seen >= size else None
    if not width or not height:
        return f"{name} says that it is {width} × {height} pixels.", "Save it again."
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        scale = min(MOST_SIDE / max(width, height), math.sqrt(MOST_PIXELS / (width * height)))
        return (f"{name} has {width} × {height} pixels; a picture may have {MOST_PIXELS // 1_000_000} million in all, "
                f"and {MOST_SIDE:,} on a side.",
                f"Save it at most {max(int(width * scale), 1)} × {max(int(height * scale), 1)}.")
    if header.orientation != 1 and header.frames != 1:
        return f"{name} moves, and a note in it says to turn it.", "Save it the right way up."
    return None


def _stripped(kind: str, data: bytes) -> bytes:
    """Without notes, the picture as it was. Raises Unreadable, for kinds that cannot be taken apart too."""
    match kind:
        case "jpeg":
            return _jpeg.cleaned(data)
        case "png":
            return _chunks.cleaned_png(data)
        case "gif":
            return _gif.cleaned(data)
        case "webp":
            return _chunks.cleaned_webp(data)
        case "avif" | "heic":
            return _boxes.cleaned_heif(data)
        case "mp4" | "mov":
            return _boxes.cleaned_video(data)
    raise Unreadable


def _written_anew(kind: str, data: bytes, orientation: int, name: str) -> bytes:
    """The picture decoded, turned upright and written again, by a process of its own that gets nothing else."""
    words = [sys.executable, "-I", _turning.__file__, kind, str(orientation), str(MOST_PIXELS)]
    try:
        done = subprocess.run(words, input=data, capture_output=True, timeout=_PATIENCE_S, check=False, env={},
                              start_new_session=True)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{name} was not made ready in {_PATIENCE_S:.0f} s; is this machine very busy?") from None
    except OSError as error:
        raise Unavailable(f"{name} was not made ready: no process could be started ({error.strerror})") from None
    if done.returncode == _turning.REFUSED or (done.returncode < 0 and done.returncode != -signal.SIGKILL):
        why = done.stderr.decode("utf-8", "replace") if done.returncode > 0 else "its decoder broke down"
        raise Rejected(f"{name} is damaged ({why}). Save it again.")
    if done.returncode:
        raise Unavailable(f"{name} was not made ready: its process ended with {done.returncode}")
    return done.stdout
