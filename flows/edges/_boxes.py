"""Boxes: what MP4, MOV, HEIC and AVIF are made of. Notes are blanked where they stand, so that no offset moves.

Sources: Apple's QuickTime File Format (mvhd, tkhd, udta, free, wide); ISO/IEC 14496-12 and 23008-12 (meta, iloc, iinf,
ispe, irot, thmb) as libavif's read.c and GPAC's iloc_box_read take them; read 2026-11-22.
"""
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from flows.edges._headers import Header, Unreadable, few

_OUTER = (b"moov", b"trak", b"mdia", b"moof", b"traf", b"mvex", b"edts")
_NOTES = (b"udta", b"meta", b"uuid", b"free", b"skip", b"wide", b"xml ", b"bxml")
_OWN = (b"ftyp", b"styp", b"mdat", b"idat", b"sidx", b"ssix", b"mfra", b"prft")
_DATED = (b"mvhd", b"tkhd", b"mdhd")
_CODED = (b"hvc1", b"hev1", b"lhv1", b"av01", b"avc1", b"vvc1", b"evc1", b"jpeg", b"j2k1", b"grid", b"iovl", b"iden",
          b"tmap", b"unci", b"mski")
_DEEPEST = 8


class Box(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes | bytearray, start: int, end: int) -> Iterator[Box]:
    """The boxes that stand between `start` and `end`, the last of them perhaps longer than `data`.

    Raises Unreadable for what is none.
    """
    at = start
    while at < end:
        if at + 8 > min(end, len(data)):
            raise Unreadable
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            if body + 8 > len(data):
                raise Unreadable
            (size,), body = struct.unpack_from(">Q", data, body), body + 8
        elif size == 0:
            size = end - at
        if size < body - at:
            raise Unreadable
        yield Box(kind, at, body, at + size)
        at += size


def _children(data: bytes | bytearray, parent: Box) -> Iterator[Box]:
    """As many children of `parent` as the data holds."""
    try:
        yield from few(boxes(data, parent.body, parent.end))
    except Unreadable:
        return


def _inside(data: bytes, start: int, end: int, *path: bytes) -> Iterator[Box]:
    """The boxes at `path`; those of `meta` stand behind four bytes of version."""
    for box in _children(data, Box(b"", start, start, end)):
        if box.kind == path[0]:
            if len(path) == 1:
                yield box
            else:
                yield from _inside(data, box.body + 4 * (box.kind == b"meta"), box.end, *path[1:])


# --- headers ----------------------------------------------------------------------------------------------------------


def video(head: bytes, size: int) -> Header:
    """Length and size of an MP4 or MOV; None each where `moov` stands behind the head. Raises struct.error."""
    width = height = seconds = None
    for box in _inside(head, 0, size, b"moov", b"mvhd"):
        seconds = _seconds(head, box)
    for box in _inside(head, 0, size, b"moov", b"trak"):
        if any(head[b.body + 8:b.body + 12] == b"vide" for b in _inside(head, box.body, box.end, b"mdia", b"hdlr")):
            for shape in _inside(head, box.body, box.end, b"tkhd"):
                width, height = _shape(head, shape)
            break
    return Header(width, height, duration_s=seconds)


def _seconds(head: bytes, mvhd: Box) -> float | None:
    wide = head[mvhd.body:mvhd.body + 1] == b"\1"
    scale, length = struct.unpack_from(">IQ" if wide else ">II", head, mvhd.body + (20 if wide else 12))
    unknown = (0, 2 ** 64 - 1 if wide else 2 ** 32 - 1)              # a fragmented file says nothing here
    return length / scale if scale and length not in unknown else None


def _shape(head: bytes, tkhd: Box) -> tuple[int, int]:
    """Width and height as shown: by the track's matrix, which may turn it by a quarter."""
    at = tkhd.body + (52 if head[tkhd.body] == 1 else 40)
    a, _, _, _, d, _, _, _, _, width, height = struct.unpack_from(">9iII", head, at)
    size = (width >> 16, height >> 16)
    return size if a or d else (size[1], size[0])


def heif(head: bytes, size: int) -> Header:
    """Size of the picture: its largest part's, turned where the file says so. Raises struct.error."""
    sides, turned = [(0, 0)], False
    for box in _inside(head, 0, size, b"meta", b"iprp", b"ipco", b"ispe"):
        sides.append(struct.unpack_from(">II", head, box.body + 4))
    for box in _inside(head, 0, size, b"meta", b"iprp", b"ipco", b"irot"):
        turned = turned or bool(head[box.body] & 1)
    width, height = max(sides, key=lambda side: side[0] * side[1])
    if (width, height) == (0, 0):
        return Header()
    animated = head[8:12] in (b"avis", b"msf1", b"hevc", b"hevx")
    return Header(*((height, width) if turned else (width, height)), None if animated else 1)


# --- cleaning ---------------------------------------------------------------------------------------------------------


def cleaned_video(data: bytes) -> bytes:
    """The same film: places, titles, dates and whatever else notes say are blank. Raises Unreadable.

    A track of its own for such things (a telemetry of positions) stays: to take it out, all would have to be rewritten.
    """
    made = bytearray(data)
    for box in _outermost(made, b"moov"):
        if box.kind in _OUTER:
            _blank_notes(made, box, 1)
        elif box.kind not in _OWN:
            _blank(made, box)
    return bytes(made)


def cleaned_heif(data: bytes) -> bytes:
    """The same picture: items that are none (EXIF, XMP), thumbnails and notes are blank. Raises Unreadable."""
    made = bytearray(data)
    found = _outermost(made, b"meta")
    room = [(box.body, box.end) for box in found if box.kind == b"mdat"]
    for box in found:
        if box.kind == b"meta":
            _blank_items(made, box, room)
        elif box.kind in _OUTER:
            _blank_notes(made, box, 1)
        elif box.kind not in _OWN:
            _blank(made, box)
    return bytes(made)


def _outermost(data: bytearray, needed: bytes) -> list[Box]:
    """The boxes of the file itself; what follows them and is none is cut off.

    Raises Unreadable when one of them breaks off, or `needed` is not among them.
    """
    found: list[Box] = []
    with suppress(Unreadable):
        for box in few(boxes(data, 0, len(data))):
            found.append(box)
    if found and found[-1].end > len(data) and found.pop().kind in (*_OWN, *_OUTER, needed):
        raise Unreadable
    if needed not in (box.kind for box in found):
        raise Unreadable
    del data[found[-1].end:]
    return found


def _blank(data: bytearray, box: Box) -> None:
    data[box.start + 4:box.start + 8] = b"free"
    data[box.body:box.end] = bytes(box.end - box.body)


def _blank_notes(data: bytearray, outer: Box, depth: int) -> None:
    for box in few(boxes(data, outer.body, outer.end)):
        if box.end > outer.end or depth > _DEEPEST:
            raise Unreadable
        if box.kind in _NOTES:
            _blank(data, box)
        elif box.kind in _OUTER:
            _blank_notes(data, box, depth + 1)
        elif box.kind in _DATED and box.end - box.body >= 20:
            dates = 16 if data[box.body] == 1 else 8
            data[box.body + 4:box.body + 4 + dates] = bytes(dates)


def _blank_items(data: bytearray, meta: Box, room: list[tuple[int, int]]) -> None:
    """Blanks every item of `meta` that is no picture, or only the thumbnail of one; `room` is where items may lie."""
    parts = {box.kind: box for box in few(boxes(data, meta.body + 4, meta.end))}
    if any(box.end > meta.end for box in parts.values()):
        raise Unreadable
    room = [*room, *((box.body, box.end) for kind, box in parts.items() if kind == b"idat")]
    try:
        named = dict(_items(data, parts[b"iinf"]))
        small = set(_thumbnails(data, parts[b"iref"])) if b"iref" in parts else set()
        gone = {item for item, (kind, _) in named.items() if data[kind:kind + 4] not in _CODED or item in small}
        extents = dict(_extents(data, parts, gone))
    except (KeyError, struct.error, IndexError):
        raise Unreadable from None
    spans = [span for some in extents.values() for span in some]
    if any(all(first < start or last > end for start, end in room) for first, last in spans):
        raise Unreadable
    if sum(last - first for first, last in spans) > len(data):
        raise Unreadable                                     # the same bytes again and again
    for item, (kind, end) in named.items():
        data[kind + 4:end] = bytes(end - kind - 4)           # the item's name
        if item in gone:
            data[kind:kind + 4] = b"free"
            for first, last in extents.get(item, ()):
                data[first:last] = bytes(last - first)
    for box in parts.values():
        if box.kind in _NOTES:
            _blank(data, box)


def _items(data: bytearray, iinf: Box) -> Iterator[tuple[int, tuple[int, int]]]:
    """Each item's number, and where its kind stands and its entry ends."""
    first = iinf.body + (6 if data[iinf.body] == 0 else 8)
    for box in boxes(data, first, iinf.end):
        version = data[box.body]
        if box.kind != b"infe" or version not in (2, 3) or box.end > iinf.end:
            raise Unreadable
        (number,) = struct.unpack_from(">H" if version == 2 else ">I", data, box.body + 4)
        yield number, (box.body + (8 if version == 2 else 10), box.end)


def _thumbnails(data: bytearray, iref: Box) -> Iterator[int]:
    form = ">H" if data[iref.body] == 0 else ">I"
    for box in boxes(data, iref.body + 4, iref.end):
        if box.kind == b"thmb":
            yield struct.unpack_from(form, data, box.body)[0]


def _extents(data: bytearray, parts: dict[bytes, Box], wanted: set[int]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Where the bytes of the wanted items stand, by `iloc`."""
    iloc = parts[b"iloc"]
    version, sizes, more = data[iloc.body], data[iloc.body + 4], data[iloc.body + 5]
    offset_size, length_size, base_size, index_size = sizes >> 4, sizes & 15, more >> 4, more & 15 if version else 0
    at = iloc.body + 6
    wide = 4 if version == 2 else 2
    if not offset_size + length_size:
        raise Unreadable

    def number(size: int) -> int:
        nonlocal at
        if at + size > iloc.end:
            raise Unreadable
        at += size
        return int.from_bytes(data[at - size:at])

    for _ in range(number(wide)):
        item, method = number(wide), number(2) & 15 if version else 0
        elsewhere, base = number(2), number(base_size)
        spans = []
        for _ in range(number(2)):
            number(index_size)
            start, length = base + number(offset_size), number(length_size)
            start += parts[b"idat"].body if method == 1 and item in wanted else 0
            spans.append((start, start + length))
        if item in wanted:
            if method > 1 or elsewhere or any(start == end or end > len(data) for start, end in spans):
                raise Unreadable
            yield item, spans
