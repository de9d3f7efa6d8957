"""JPEG: its segments, which are kept and which go. The picture's own data is copied byte by byte.

Sources: ITU-T T.81 Annex B (markers), T.871 (JFIF), ICC.1 Annex B.4 (profiles), Adobe's Technical Note 5116 (APP14);
what else stands in such segments: ozhiker.com/electronics/pjmt/jpeg_info/app_segments.html; read 2026-11-22.
"""
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from flows.edges._headers import Header, Unreadable, few, orientation

_EOI, _SOS = 0xD9, 0xDA
_ALONE = range(0xD0, 0xD9)                                            # restarts and beginnings, which have no length
_JFIF, _EXIF, _PROFILE, _ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}            # frame headers
_PICTURE = _SIZES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF}   # and tables, scans, restart intervals
_NOTES = frozenset(range(0xE0, 0xF0)) | {0xFE}
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ICC = b"ICC_PROFILE\0"


class Segment(NamedTuple):
    """`start` is its marker's first byte, `body` what stands behind its length; both with a scan's data, to `end`."""

    marker: int
    start: int
    body: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Every segment up to the end of the picture. Raises Unreadable when the data breaks off or goes astray."""
    at = 2
    while True:
        match = _MARKER.match(data, at)
        if match is None:
            raise Unreadable
        marker, behind = match[1][0], match.end()
        if marker == _EOI:
            return
        if len(data) < behind + 2 or marker < 0xC0 or marker in _ALONE:
            raise Unreadable
        end = behind + int.from_bytes(data[behind:behind + 2])
        if end < behind + 2 or end > len(data):
            raise Unreadable
        if marker == _SOS:
            following = _AFTER_SCAN.search(data, end)
            if following is None:
                raise Unreadable
            end = following.start()
        yield Segment(marker, at, behind + 2, end)
        at = end


def header(head: bytes) -> Header:
    """What stands before the first scan."""
    size, turned = (None, None), 1
    try:
        for marker, _, body, end in few(segments(head)):
            if marker in _SIZES and size == (None, None):
                size = struct.unpack_from(">xHH", head, body)[::-1]
            elif marker == _EXIF and head[body:body + 6] == b"Exif\0\0" and turned == 1:
                turned = orientation(head[body + 6:end])
            elif marker == _SOS:
                break
    except Unreadable:
        pass                                     # the head ends before the header does
    return Header(*size, 1, orientation=turned)


def cleaned(data: bytes) -> bytes:
    """The same picture without its notes and its tail; what says how its colours are meant stays.

    Raises Unreadable.
    """
    found = list(few(segments(data)))
    profile = _has_profile(data, found)
    kept, seen = [data[:2]], set()
    for segment in found:
        marker, start, body, end = segment
        if marker in _PICTURE:
            kept.append(data[start:end])
        elif marker == _JFIF and data[body:body + 5] == b"JFIF\0" and marker not in seen:
            kept.append(b"\xff\xe0\0\x10" + data[body:body + 12].ljust(12, b"\0") + b"\0\0")     # without its thumbnail
            seen.add(marker)
        elif marker == _ADOBE and data[body:body + 5] == b"Adobe" and end >= body + 12 and marker not in seen:
            kept.append(b"\xff\xee\0\x0e" + data[body:body + 12])
            seen.add(marker)
        elif marker == _PROFILE and profile and data[body:body + 12] == _ICC:
            kept.append(data[start:end])
        elif marker not in _NOTES:
            raise Unreadable
    return b"".join([*kept, b"\xff\xd9"])


def _has_profile(data: bytes, found: list[Segment]) -> bool:
    """Whether the segments that call themselves a colour profile are one."""
    parts = [data[s.body + 12:s.end] for s in found if s.marker == _PROFILE and data[s.body:s.body + 12] == _ICC]
    parts.sort()                                 # each begins with its number
    profile = b"".join(part[2:] for part in parts)
    return profile[36:40] == b"acsp" and int.from_bytes(profile[:4]) == len(profile)
