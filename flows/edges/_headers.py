"""What the first bytes of a file give away: its format, and the size of a picture. Nothing is decoded.

Sources, read 2026-11-22: EXIF 2.32 and TIFF 6.0 (directories), IANA's Matroska registry and libwebm's element ids
(RFC 9559), Microsoft's BITMAPINFOHEADER, RFC 8216 section 4.3.1.1 (playlists).
"""
import re
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

Piece = TypeVar("Piece")
MOST_PIECES = 100_000
IMAGES = ("jpeg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff")
VIDEOS = ("mp4", "mov", "webm")
PAPERS = ("pdf", "subtitles")
"""What goes with posts and is neither: documents that some networks show, the words of a film."""
_MAGIC = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"),
          (b"II*\0", "tiff"), (b"MM\0*", "tiff"), (b"%PDF-", "pdf"))
_HEIF = (b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif2")
_AVIF = (b"avif", b"avis")
_MP4 = re.compile(rb"iso[\x20-\x7e]|mp4[12v]|avc1|M4V[\x20-\x7e]|3g[\x20-\x7e]{2}|dash|MSNV|f4v\x20|mmp4|XAVC")
_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")       # older than `ftyp`
_BITMAPS = (12, 16, 40, 52, 56, 64, 108, 124)                             # sizes of the header of a BMP
_PLAYLISTS = (b"#extm3u", b"ffconcat", b"[playlist]", b"<mpd", b"<smil", b"<asx")
_SAID_FIRST = re.compile(rb"(?:\s|<\?[^>]*>|<!--.*?-->)*", re.DOTALL)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe|a\s|p>|div|img|meta|title)")
_TURNED = 0x0112                                                         # the tag of orientation


class Unreadable(Exception):
    """The bytes do not follow their format, or end too soon."""


def few(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces of a file, unless it has more than any honest one: each costs time. Raises Unreadable."""
    for number, piece in enumerate(pieces):
        if number >= MOST_PIECES:
            raise Unreadable
        yield piece


class Header(NamedTuple):
    """What a header says; None: it does not say so, or not here. Width and height as they are stored.

    `frames`: pictures of an animation; where the file goes on, as many as were seen, if that is more than one.
    `orientation`: how a viewer must turn what is stored (EXIF, 1 to 8; 1: not at all).
    """

    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration_s: float | None = None
    orientation: int = 1

    @property
    def shown(self) -> tuple[int | None, int | None]:
        """Width and height as people see them."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)
_SUBTITLES = re.compile(rb"WEBVTT[ \t\r\n]|\d{1,6}\s*?\n\d\d:\d\d:\d\d,\d{3} --> ")
"""WebVTT (w3.org/TR/webvtt1, section 4.1) and SubRip; read 2026-11-22."""


def kind_of(head: bytes) -> str:
    """The format by content: one of IMAGES or VIDEOS, pdf, subtitles, svg, html, playlist, or unknown."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and len(head) >= 18 and struct.unpack_from("<I", head, 14)[0] in _BITMAPS:
        return "bmp"
    if head[4:8] == b"ftyp":
        return _branded(head)
    if head[4:8] in _QUICKTIME and head[:2] == b"\0\0":
        return "mov"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm" if re.search(rb"\x42\x82.{1,8}?webm", head[:256], re.DOTALL) else "unknown"
    return _written(head)


def _branded(head: bytes) -> str:
    """By the brands of an ISO media file, which name what a reader must know."""
    end = min(int.from_bytes(head[:4]), len(head), 256)
    brands = [head[8:12], *(head[at:at + 4] for at in range(16, end - 3, 4))]
    if any(brand in _AVIF for brand in brands):
        return "avif"
    if any(brand in _HEIF for brand in brands):
        return "heic"
    if brands[0] == b"qt  ":
        return "mov"
    return "mp4" if _MP4.fullmatch(brands[0]) else "unknown"


def _written(head: bytes) -> str:
    """What the beginning of a text is: subtitles, svg, html, playlist, or unknown."""
    text = head[:8192]
    for mark, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if text.startswith(mark):
            text = text[len(mark):].decode(name, "replace").encode()
    if _SUBTITLES.match(text):
        return "subtitles"
    text = text.lower()
    text = text[_SAID_FIRST.match(text).end():]                           # type: ignore[union-attr]  # matches always
    if text.startswith(_PLAYLISTS):
        return "playlist"
    if not text.startswith(b"<"):
        return "unknown"
    if b"<svg" in text or b"www.w3.org/2000/svg" in text:
        return "svg"
    return "html" if _HTML.search(text) else "unknown"


def orientation(exif: bytes) -> int:
    """How EXIF says that a picture must be turned, 1 to 8; 1 where it says nothing that can be read."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        turned = dict(_directory(exif, order)).get(_TURNED, 1)
    except struct.error:
        return 1
    return turned if 1 <= turned <= 8 else 1


def _directory(data: bytes, order: str) -> list[tuple[int, int]]:
    """The numbers in the first directory of a TIFF, by tag."""
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    found = []
    for entry in range(at + 2, at + 2 + 12 * min(count, 512), 12):
        tag, kind, _ = struct.unpack_from(f"{order}HHI", data, entry)
        if kind in (3, 4):                                                # SHORT, LONG
            found.append((tag, struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, entry + 8)[0]))
    return found


def tiff(head: bytes) -> Header:
    """Raises struct.error where the directory lies behind the head: it often stands at the end of the file."""
    said = dict(_directory(head, "<" if head.startswith(b"II") else ">"))
    turned = said.get(_TURNED, 1)
    return Header(said.get(256), said.get(257), 1, orientation=turned if 1 <= turned <= 8 else 1)


def bmp(head: bytes) -> Header:
    if head[14] == 12:
        width, height = struct.unpack_from("<HH", head, 18)
    else:
        width, height = struct.unpack_from("<ii", head, 18)
    return Header(abs(width), abs(height), 1)


# --- WebM -------------------------------------------------------------------------------------------------------------

_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0
_SCALE, _DURATION, _WIDTH, _HEIGHT = 0x2AD7B1, 0x4489, 0xB0, 0xBA
MOST_ELEMENTS = 10_000
_INSIDE = (_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO)


def webm(head: bytes) -> Header:
    """Length and size of a WebM; each None where its element lies behind the head."""
    said: dict[int, bytes] = {}
    at = 0
    for _ in range(MOST_ELEMENTS):
        if at >= len(head):
            break
        name, at = _vint(head, at, keep_mark=True)
        size, at = _vint(head, at)
        if name in _INSIDE:                                               # its children follow at once
            continue
        said.setdefault(name, head[at:at + size])
        at += size
    width, height = (int.from_bytes(said[name][:8]) if name in said else None for name in (_WIDTH, _HEIGHT))
    scale, length = int.from_bytes(said.get(_SCALE, b"")[:8]) or 1_000_000, said.get(_DURATION, b"")
    if len(length) not in (4, 8):
        return Header(width, height)
    (ticks,) = struct.unpack(">f" if len(length) == 4 else ">d", length)
    seconds = ticks * scale / 1e9
    return Header(width, height, duration_s=seconds if 0 <= seconds < 1e9 else None)


def _vint(data: bytes, at: int, *, keep_mark: bool = False) -> tuple[int, int]:
    """A number of variable length, and where it ends; what is cut off counts as it stands."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    if first == 0:
        return 0, len(data)
    value = int.from_bytes(data[at:at + length])
    return (value if keep_mark else value & ((1 << 7 * length) - 1)), at + length
