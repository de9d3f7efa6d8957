"""PNG and WebP: both are chunks behind a signature. Which are kept and which go; picture data is copied byte by byte.

Sources: PNG Third Edition (W3C, 2025-06-24), sections 5 and 11; WebP Container (RFC 9649, sections 2.3 to 2.8), read
2026-11-22.
"""
import struct
from collections.abc import Iterator

from flows.edges._headers import Header, Unreadable, few, orientation

# --- PNG --------------------------------------------------------------------------------------------------------------

_SIGNATURE = 8
_CRITICAL = {b"IHDR": 13, b"PLTE": 768, b"IDAT": 2 ** 31, b"IEND": 0}
_COLOURS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"iCCP": 4_000_000, b"cICP": 4}
_SHOWN = _COLOURS | {b"mDCV": 24, b"cLLI": 8, b"sBIT": 4, b"bKGD": 6, b"pHYs": 9, b"tRNS": 256,
                     b"acTL": 8, b"fcTL": 26, b"fdAT": 2 ** 31}
"""How long each chunk that changes what people see may be: what is longer hides something."""


def chunks_of_png(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk; the last is IEND. Raises Unreadable when the data breaks off."""
    at, name = _SIGNATURE, b""
    while name != b"IEND":
        if at + 12 > len(data):
            raise Unreadable
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data) or not name.isalpha():
            raise Unreadable
        yield name, at, end
        at = end


def png(head: bytes) -> Header:
    """What stands in the head's whole chunks. Raises struct.error without a whole IHDR."""
    width, height = struct.unpack_from(">II", head, 16)
    frames, turned = 1, 1
    try:
        for name, start, end in few(chunks_of_png(head)):
            if name == b"acTL":
                (frames,) = struct.unpack_from(">I", head, start + 8)
            elif name == b"eXIf":
                turned = orientation(head[start + 8:end - 4])
    except Unreadable:
        pass
    return Header(width, height, frames, orientation=turned)


def cleaned_png(data: bytes, colours_of: bytes | None = None) -> bytes:
    """The same picture without text, times, EXIF, and what nobody knows, and without its tail.

    `colours_of`: a PNG whose chunks about colour take the place of those in `data`. Raises Unreadable.
    """
    kept = [data[:_SIGNATURE]]
    for number, (name, start, end) in enumerate(few(chunks_of_png(data))):
        length = end - start - 12
        if (name == b"IHDR") != (number == 0) or length > _CRITICAL.get(name, length):
            raise Unreadable
        if name in _CRITICAL or (length <= _SHOWN.get(name, -1) and (colours_of is None or name not in _COLOURS)):
            kept.append(data[start:end])
        elif not name[0] & 0x20:                 # critical, and unknown: nothing can be made of the picture without it
            raise Unreadable
        if number == 0 and colours_of is not None:
            kept += _colours(colours_of)
    return b"".join(kept)


def _colours(data: bytes) -> Iterator[bytes]:
    """The chunks about colour, as far as `data` is whole."""
    try:
        for name, start, end in few(chunks_of_png(data)):
            if end - start - 12 <= _COLOURS.get(name, -1):
                yield data[start:end]
    except Unreadable:
        return


# --- WebP -------------------------------------------------------------------------------------------------------------

_FRAMES = (b"ALPH", b"VP8 ", b"VP8L")
_EXTENDED = (b"ICCP", b"ANIM", b"ANMF", *_FRAMES)
_PROFILE, _ALPHA, _ANIMATED = 0x20, 0x10, 0x02


def chunks_of_webp(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, and where its bytes begin and end, of each chunk between `at` and `end`. Raises Unreadable."""
    while at < end:
        if at + 8 > end:
            raise Unreadable
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > min(end, len(data)):
            raise Unreadable
        yield name, at + 8, at + 8 + length
        at += 8 + length + (length & 1)


def webp(head: bytes) -> Header:
    """What stands in the head's whole chunks. Raises struct.error where the head ends before the size."""
    first, body = head[12:16], 20
    frames: int | None = 1
    if first == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", head, body + 6))
        return Header(width, height, frames)
    if first == b"VP8L":
        (bits,) = struct.unpack_from("<xI", head, body)
        return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, frames)
    flags, w, h, high_w, high_h = 0, 0, 0, 0, 0
    if first != b"VP8X":
        return Header()
    flags, w, high_w, h, high_h = struct.unpack_from("<B3xHBHB", head, body)
    seen, turned, whole = 0, 1, True
    try:
        for name, start, end in few(chunks_of_webp(head, 12, 8 + int.from_bytes(head[4:8], "little"))):
            seen += name == b"ANMF"
            if name == b"EXIF":
                turned = orientation(head[start:end].removeprefix(b"Exif\0\0"))
    except Unreadable:
        whole = False
    if flags & _ANIMATED:
        frames = seen if whole or seen > 1 else None
    return Header((w | high_w << 16) + 1, (h | high_h << 16) + 1, frames, orientation=turned)


def cleaned_webp(data: bytes) -> bytes:
    """The same picture without EXIF, XMP and what nobody knows, and without its tail. Raises Unreadable."""
    end = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    found = list(few(chunks_of_webp(data, 12, end)))
    if not found:
        raise Unreadable
    name, start, last = found[0]
    if name in (b"VP8 ", b"VP8L"):
        return _riff([_chunk(name, data[start:last])])
    if name != b"VP8X" or last - start < 10:
        raise Unreadable
    flags = bytes([data[start] & (_PROFILE | _ALPHA | _ANIMATED), 0, 0, 0])
    kept = [_chunk(name, flags + data[start + 4:start + 10])]
    for name, start, last in found[1:]:
        if name == b"ANMF":
            inner = [_chunk(inside, data[first:past]) for inside, first, past in chunks_of_webp(data, start + 16, last)
                     if inside in _FRAMES]
            kept.append(_chunk(name, data[start:start + 16] + b"".join(inner)))
        elif name in _EXTENDED:
            kept.append(_chunk(name, data[start:last]))
    return _riff(kept)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def _riff(chunks: list[bytes]) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body
