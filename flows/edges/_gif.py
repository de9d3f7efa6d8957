"""GIF: its blocks, which are kept and which go. Picture data is copied byte by byte.

Sources: GIF89a specification (CompuServe, 1990), sections 15 to 27; Netscape's looping extension as written down at
vurdalakov.net/misc/gif; read 2026-11-22.
"""
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from flows.edges._headers import Header, Unreadable, few

_EXTENSION, _PICTURE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_ENDS = re.compile(rb"\0*")
_PROFILE = b"ICCRGBG1012"


class Block(NamedTuple):
    """A picture or an extension with all its data, from `start` to `end`."""

    kind: int
    start: int
    end: int


def _screen_end(data: bytes) -> int:
    """Where the first block begins: behind the screen's description and its colours."""
    if len(data) < 13:
        raise Unreadable
    return 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)


def blocks(data: bytes) -> Iterator[Block]:
    """Every block up to the trailer, or to the end of the data where the trailer was forgotten. Raises Unreadable."""
    at = _screen_end(data)
    while at < len(data) and (kind := data[at]) != _TRAILER:
        if kind == 0:                            # some writers leave an end too many
            at = _ENDS.match(data, at).end()     # type: ignore[union-attr]  # matches always
            continue
        if kind == _EXTENSION:
            inside = at + 2
        elif kind == _PICTURE and at + 10 < len(data):
            colours = data[at + 9]
            inside = at + 11 + (3 << (colours & 7) + 1 if colours & 0x80 else 0)
        else:
            raise Unreadable
        end = _past(data, inside)
        yield Block(kind, at, end)
        at = end


def _past(data: bytes, at: int) -> int:
    """Behind the sub-blocks that begin at `at`."""
    while at < len(data):
        length = data[at]
        at += 1 + length
        if not length:
            return at
    raise Unreadable


def header(head: bytes, size: int) -> Header:
    """Size and frames; a frame that is larger than the screen enlarges it, as viewers do. Raises struct.error."""
    width, height = struct.unpack_from("<HH", head, 6)
    frames, whole = 0, len(head) >= size
    try:
        for kind, start, _ in few(blocks(head)):
            if kind == _PICTURE:
                left, top, wide, high = struct.unpack_from("<HHHH", head, start + 1)
                width, height, frames = max(width, left + wide), max(height, top + high), frames + 1
    except Unreadable:
        whole = False
    return Header(width, height, frames if whole or frames > 1 else None)


def cleaned(data: bytes) -> bytes:
    """The same pictures without comments, captions, XMP and the like, and without a tail. Raises Unreadable."""
    start = _screen_end(data)
    kept = [data[:start]]
    found = list(few(blocks(data)))
    if all(block.kind != _PICTURE for block in found):
        raise Unreadable
    for kind, at, end in found:
        label = data[at + 1]
        if kind == _PICTURE or (label == _CONTROL and end - at == 8):
            kept.append(data[at:end])
        elif label == _APPLICATION and (name := data[at + 3:at + 14]) in _LOOPS and data[at + 14] == 3:
            kept.append(b"\x21\xff\x0b" + name + data[at + 14:at + 18] + b"\0")
        elif label == _APPLICATION and name == _PROFILE:
            kept.append(data[at:end])
    return b"".join([*kept, bytes([_TRAILER])])
