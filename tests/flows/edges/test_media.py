"""Media: a header tells what a file is, and what is uploaded of it holds the picture and nothing else.

Pillow is the independent judge: the pictures are made and compared with it.
"""
import io
import os
import random
import resource
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageSequence, PngImagePlugin, TiffImagePlugin

from flows.edges import _turning
from flows.edges.media import HEAD_BYTES, cleaned, probe
from schemas.content import Probe
from schemas.errors import PublishError, Rejected

SECRET = "ghp_Plant3dPlant3dPlant3dPlant3dPlant3d"
XMP = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{SECRET}</x:xmpmeta>".encode()
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TAIL = b"<script>alert(1)</script>" + SECRET.encode()
ORIENTATION, GPS = 0x0112, 0x8825


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    """No two corners alike, so that a turned one is another picture."""
    across, down = Image.linear_gradient("L").rotate(90).resize(size), Image.linear_gradient("L").resize(size)
    made = Image.merge("RGB", (across, down, Image.radial_gradient("L").resize(size)))
    if mode == "I;16":
        made = Image.frombytes("I;16", size, struct.pack(f"<{size[0] * size[1]}H", *(
            n * 65_535 // (size[0] * size[1]) for n in range(size[0] * size[1]))))
    if mode == "RGBA":
        made.putalpha(across)
    return made if made.mode == mode else made.convert(mode)


def notes(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010E] = SECRET                        # ImageDescription
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 29: SECRET})
    return exif


def written(made: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    made.save(file, kind, **how)
    return file.getvalue()


def frames_of(data: bytes) -> list[Image.Image]:
    """Every picture of a file as people see it."""
    with Image.open(io.BytesIO(data)) as opened:
        return [ImageOps.exif_transpose(frame).copy() for frame in ImageSequence.Iterator(opened)]


def apart(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any pixel; of deep ones, whether there is any."""
    assert (one.size, one.mode) == (other.size, other.mode)
    if one.mode.startswith("I"):
        return 65_535 * (one.tobytes() != other.tobytes())
    one, other = (made.convert("RGBA") if made.mode in ("P", "PA", "1") else made for made in (one, other))
    bands = zip(one.split(), other.split(), strict=True)
    return max(int(ImageChops.difference(a, b).getextrema()[1]) for a, b in bands)


def text_chunks() -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET)
    text.add_text("Raw", SECRET, zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    text.add(b"prVt", SECRET.encode())
    return text


def animation(kind: str, **how: Any) -> bytes:
    shades = [Image.eval(picture("L"), lambda value, n=n: (value + n) % 256) for n in (60, 120, 180)]
    return written(picture("L"), kind, save_all=True, append_images=shades, duration=80, loop=3, **how)


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def blank_png(width: int, height: int) -> bytes:
    """A PNG of one colour, a bit a pixel: a few kB, however large."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", head) + _png_chunk(b"IDAT", rows) + _png_chunk(b"IEND", b"")


def box(kind: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def film(*, brand: bytes = b"isom", quarter: bool = False, moov_last: bool = False, notes: bytes = b"",
         media: bytes = b"M" * 64, wide: bool = False) -> bytes:
    """An MP4 or MOV of 640 × 360 and 12.5 s, by ISO/IEC 14496-12; it holds no playable track."""
    matrix = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000) if quarter else (
        0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    dates = struct.pack(">QQ" if wide else ">II", 3_800_000_000, 3_800_000_001)
    first = bytes([wide, 0, 0, 7]) + dates
    length = struct.pack(">IQ" if wide else ">II", 600, 7500)
    track = first + struct.pack(">II", 1, 0) + struct.pack(">Q" if wide else ">I", 7500) + bytes(16)
    moov = box(b"moov", box(b"mvhd", first, length, bytes(80)),
               box(b"trak", box(b"tkhd", track, struct.pack(">9i", *matrix), struct.pack(">II", 640 << 16, 360 << 16)),
                   box(b"mdia", box(b"mdhd", first, length, bytes(4)), box(b"hdlr", bytes(8) + b"vide" + bytes(13)))),
               notes)
    rest = [moov, box(b"mdat", media)]
    return box(b"ftyp", brand, bytes(4), brand) + b"".join(reversed(rest) if moov_last else rest)


def element(name: int, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return name.to_bytes((name.bit_length() + 7) // 8) + (1 << 56 | len(body)).to_bytes(8) + body


def webm() -> bytes:
    info = element(0x1549A966, element(0x2AD7B1, (1_000_000).to_bytes(3)), element(0x4489, struct.pack(">d", 7250.0)))
    size = element(0xE0, element(0xB0, (320).to_bytes(2)), element(0xBA, (240).to_bytes(2)))
    return element(0x1A45DFA3, element(0x4282, b"webm")) + element(
        0x18538067, info, element(0x1654AE6B, element(0xAE, size)), element(0x1F43B675, bytes(400)))


def judged(data: bytes, name: str) -> Probe:
    """The probe, as the repository asks for it: of the head alone."""
    return probe(data[:HEAD_BYTES], len(data), name)


# --- what a header says -----------------------------------------------------------------------------------------------

HEADERS = {
    "saw.jpg": (lambda: written(picture(), "JPEG"), Probe("jpeg", 48, 32, None, 1)),
    "saw.JPEG": (lambda: written(picture(), "JPEG", progressive=True), Probe("jpeg", 48, 32, None, 1)),
    "saw.png": (lambda: written(picture(), "PNG"), Probe("png", 48, 32, None, 1)),
    "moves.png": (lambda: animation("PNG"), Probe("png", 48, 32, None, 4)),
    "saw.gif": (lambda: written(picture("P"), "GIF"), Probe("gif", 48, 32, None, 1)),
    "moves.gif": (lambda: animation("GIF"), Probe("gif", 48, 32, None, 4)),
    "lossy.webp": (lambda: written(picture(), "WEBP"), Probe("webp", 48, 32, None, 1)),
    "lossless.webp": (lambda: written(picture(), "WEBP", lossless=True), Probe("webp", 48, 32, None, 1)),
    "noted.webp": (lambda: written(picture(), "WEBP", exif=notes()), Probe("webp", 48, 32, None, 1)),
    "moves.webp": (lambda: animation("WEBP"), Probe("webp", 48, 32, None, 4)),
    "saw.avif": (lambda: written(picture(), "AVIF"), Probe("avif", 48, 32, None, 1)),
    "saw.heic": (lambda: written(picture(), "AVIF").replace(b"avif", b"heic"), Probe("heic", 48, 32, None, 1)),
    "saw.bmp": (lambda: written(picture(), "BMP"), Probe("bmp", 48, 32, None, 1)),
    "saw.tif": (lambda: written(picture(), "TIFF"), Probe("tiff", 48, 32, None, 1)),
    "film.mp4": (film, Probe("mp4", 640, 360, 12.5)),
    "upright.mp4": (lambda: film(quarter=True), Probe("mp4", 360, 640, 12.5)),
    "long.mp4": (lambda: film(wide=True), Probe("mp4", 640, 360, 12.5)),
    "film.mov": (lambda: film(brand=b"qt  "), Probe("mov", 640, 360, 12.5)),
    "film.webm": (webm, Probe("webm", 320, 240, 7.25)),
}


@pytest.mark.parametrize("name", HEADERS)
def test_header_tells(name):
    """Format, size, frames and length are what the file's maker meant; nothing is wrong with it."""
    make, expected = HEADERS[name]

    assert judged(make(), name) == expected


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["saw.jpg", "saw.png", "saw.webp", "saw.tif", "saw.avif"])
def test_size_is_as_people_see_it(name, orientation):
    """A picture that viewers turn by a quarter has its width and height exchanged."""
    data = written(picture(), {"jpg": "JPEG", "tif": "TIFF"}.get(name[4:], name[4:].upper()), exif=notes(orientation))
    with Image.open(io.BytesIO(data)) as opened:
        expected = ImageOps.exif_transpose(opened).size

    assert judged(data, name)[1:3] == expected


def test_a_length_behind_the_head_is_unknown():
    """A film whose description stands at its end is sound; nobody looks so far."""
    assert judged(film(moov_last=True, media=bytes(HEAD_BYTES)), "film.mp4") == Probe("mp4")


def test_frames_of_a_long_animation_are_at_least_those_seen():
    """A GIF that goes on behind the head moves, if more than one frame was seen; with one, nobody knows."""
    noise = [Image.effect_noise((300, 300), 90 + n).convert("L") for n in range(8)]
    moves = written(noise[0], "GIF", save_all=True, append_images=noise[1:])
    still = written(Image.effect_noise((900, 900), 90).convert("L"), "GIF")

    assert (len(moves) > HEAD_BYTES, len(still) > HEAD_BYTES) == (True, True)
    assert 1 < (judged(moves, "a.gif").frames or 0) < 8
    assert judged(still, "a.gif") == Probe("gif", 900, 900)


def test_a_frame_beyond_its_screen_counts():
    """A GIF that calls itself small and holds a large frame is as large as the frame: viewers make it so."""
    data = bytearray(written(picture("P"), "GIF"))
    data[6:10] = struct.pack("<HH", 1, 1)

    assert judged(bytes(data), "a.gif")[1:3] == (48, 32)


SVG = b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
KNOWN = "no picture or film of a known kind"
WRONG = {
    "an SVG": ("saw.png", SVG, "svg", "saw.png is an SVG drawing, which may hold programs."),
    "an SVG of Windows": ("saw.svg", b"\xff\xfe" + "<svg/>".encode("utf-16-le"), "svg",
                          "saw.svg is an SVG drawing, which may hold programs."),
    "a web page": ("saw.jpg", b"\n <!DOCTYPE html><p>Saw", "html", "saw.jpg is a web page."),
    "a PDF": ("saw.png", b"%PDF-1.7\n", "pdf", "saw.png is a PDF document, whatever its name says."),
    "subtitles": ("saw.png", b"WEBVTT\n\n00:01.000 --> 00:02.000\nSaw\n", "subtitles",
                  "saw.png is a file of subtitles, whatever its name says."),
    "a playlist": ("film.mp4", b"#EXTM3U\n#EXT-X-VERSION:3\nhttp://169.254.169.254/\n", "playlist",
                   "film.mp4 is a playlist, which names files elsewhere."),
    "a list to join": ("film.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist",
                       "film.mp4 is a playlist, which names files elsewhere."),
    "a streaming description": ("film.mp4", b'<?xml version="1.0"?><MPD/>', "playlist",
                                "film.mp4 is a playlist, which names files elsewhere."),
    "a program": ("saw.png", b"#!/bin/sh\nrm -rf /\n", "unknown", f"saw.png is {KNOWN}."),
    "an archive": ("saw.png", b"PK\3\4" + bytes(40), "unknown", f"saw.png is {KNOWN}."),
    "sound": ("film.mp4", film(brand=b"M4A "), "unknown", f"film.mp4 is {KNOWN}."),
    "Matroska": ("film.webm", webm().replace(b"webm", b"matr"), "unknown", f"film.webm is {KNOWN}."),
    "nothing": ("saw.png", b"", "unknown", "saw.png is empty."),
    "another picture": ("saw.png", written(picture(), "JPEG"), "jpeg", "saw.png is a JPEG, whatever its name says."),
    "another film": ("film.mp4", film(brand=b"qt  "), "mov", "film.mp4 is a MOV, whatever its name says."),
    "no ending": ("saw", written(picture(), "PNG"), "png", "saw is a PNG, whatever its name says."),
    "half a header": ("saw.png", written(picture(), "PNG")[:20], "png",
                      "saw.png breaks off before it says how large it is."),
    "no pixels": ("saw.gif", b"GIF89a" + bytes(7) + b";", "gif", "saw.gif says that it is 0 × 0 pixels."),
}


@pytest.mark.parametrize(("name", "data"), [
    ("saw.pdf", b"%PDF-1.7\n"), ("saw.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nSaw\n"),
    ("saw.vtt", b"\xef\xbb\xbfWEBVTT - Saw\n"), ("saw.srt", b"1\r\n00:00:01,000 --> 00:00:02,000\r\nSaw\r\n"),
])
def test_documents_and_subtitles_go_as_they_are(name, data):
    """What some networks show beside pictures and films is taken for what it is, and its bytes are not touched."""
    assert probe(data, len(data), name).why is None
    assert cleaned(data, name) == data


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_picture_is_refused(what):
    """Content decides, not the name: what is wrong is said in a sentence, with something to do; nothing is uploaded."""
    name, data, kind, why = WRONG[what]

    seen = judged(data, name)

    assert (seen.kind, seen.why) == (kind, why)
    assert seen.remedy.endswith(".")
    with pytest.raises(Rejected) as refused:
        cleaned(data, name)
    assert refused.value.why == f"{why} {seen.remedy}"


@pytest.mark.parametrize(("width", "height", "most"), [
    (14_000, 14_000, "7071 × 7071"), (9_000, 9_000, "7071 × 7071"), (10_001, 10, "10000 × 9"),
    (20, 30_000, "6 × 10000")])
def test_a_decompression_bomb_is_never_decoded(width, height, most):
    """A few kB that would unfold to hundreds of megabytes are refused by their header; no process even starts."""
    data = blank_png(width, height)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    seen = judged(data, "bomb.png")
    with pytest.raises(Rejected, match=f"{width} × {height} pixels"):
        cleaned(data, "bomb.png")

    assert (len(data) < 40_000, seen.width, seen.height) == (True, width, height)
    assert seen.why == (f"bomb.png has {width} × {height} pixels; a picture may have 50 million in all, and 10,000 "
                        "on a side.")
    assert seen.remedy == f"Save it at most {most}."
    assert resource.getrusage(resource.RUSAGE_CHILDREN) == before


def test_the_largest_picture_passes():
    """Ten thousand pixels on a side and fifty million in all are not too many."""
    assert judged(blank_png(10_000, 5_000), "a.png").why is None


def test_an_animation_is_not_turned():
    """Nobody can say what a viewer makes of an animation with a note to turn it: the author does."""
    data = animation("WEBP", exif=notes(6))

    assert judged(data, "a.webp").why == "a.webp moves, and a note in it says to turn it."


HOSTILE = {
    "markers": ("a.jpg", b"\xff\xd8\xff" + b"\xff" * HEAD_BYTES),
    "segments": ("a.jpg", b"\xff\xd8" + b"\xff\xe3\0\2" * (HEAD_BYTES // 4)),
    "chunks": ("a.png", blank_png(8, 8)[:33] + _png_chunk(b"tEXt", b"") * (HEAD_BYTES // 12)),
    "sub-blocks": ("a.gif", b"GIF89a\5\0\5\0\0\0\0\x21\xfe" + b"\1\1" * (HEAD_BYTES // 2)),
    "extensions": ("a.gif", b"GIF89a\5\0\5\0\0\0\0" + b"\x21\xfe\0" * (HEAD_BYTES // 3)),
    "zeros": ("a.gif", b"GIF89a\5\0\5\0\0\0\0" + bytes(HEAD_BYTES)),
    "elements": ("a.webm", webm()[:40] + b"\xec\x80" * (HEAD_BYTES // 2)),
    "boxes": ("a.mp4", film()[:24] + struct.pack(">I4s", HEAD_BYTES, b"moov") + box(b"trak") * (HEAD_BYTES // 8)),
    "nested boxes": ("a.mp4", film()[:24] + b"".join(
        struct.pack(">I4s", 2 ** 31 - 1, b"moov") for _ in range(HEAD_BYTES // 8))),
    "frames": ("a.webp", written(picture(), "WEBP", exif=notes())[:30] + b"ANMF\0\0\0\0" * (HEAD_BYTES // 8)),
    "comments": ("a.png", b"<!--" * (HEAD_BYTES // 4)),
    "declarations": ("a.png", b"<?" * (HEAD_BYTES // 2)),
    "spaces": ("a.png", b" " * HEAD_BYTES),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_head_is_judged_quickly(what):
    """However a file is made to keep its reader busy, it is judged within a second (measured: 80 ms at most)."""
    name, data = HOSTILE[what]
    began = time.process_time()

    probe(data[:HEAD_BYTES], len(data) * 1000, name)

    assert time.process_time() - began < 1.0


def endings() -> st.SearchStrategy[str]:
    return st.sampled_from([name.replace("saw", "a") for name in HEADERS])


@given(data=st.binary(max_size=4096), size=st.integers(0, 10 ** 10), name=st.text(max_size=20) | endings())
@settings(max_examples=300)
def test_any_bytes_are_judged(data, size, name):
    """No bytes, no size and no name make the judge stumble."""
    assert isinstance(probe(data, max(size, len(data)), name), Probe)


@given(name=st.sampled_from(list(HEADERS)), chance=st.randoms(use_true_random=False), cut=st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_judged(name, chance, cut):
    """A real file with some bytes changed, or its end gone, is judged like any other."""
    data = damaged(HEADERS[name][0](), chance, cut=cut)

    assert isinstance(judged(data, name), Probe)


def damaged(data: bytes, chance: random.Random, *, cut: bool) -> bytes:
    made = bytearray(data[:chance.randrange(1, len(data))] if cut else data)
    for _ in range(chance.randrange(1, 6)):
        made[chance.randrange(len(made))] = chance.choice((0, 1, 0xFF, chance.randrange(256)))
    return bytes(made)


def test_import_brings_no_pillow():
    """Judging headers costs no import of Pillow, so that a check starts fast."""
    said = subprocess.run([sys.executable, "-c", "import sys, flows.edges.media; print([m for m in sys.modules if "
                           "m.partition('.')[0] == 'PIL'])"], capture_output=True, text=True, check=True).stdout

    assert said == "[]\n"


# --- what is uploaded -------------------------------------------------------------------------------------------------

COPIED = {
    "a.jpg": lambda: written(picture(), "JPEG", quality=88, exif=notes(), xmp=XMP, comment=SECRET, icc_profile=PROFILE),
    "progressive.jpg": lambda: written(picture(), "JPEG", progressive=True, exif=notes(), comment=SECRET),
    "grey.jpg": lambda: written(picture("L"), "JPEG", exif=notes(), dpi=(300, 300)),
    "restarts.jpg": lambda: written(picture(), "JPEG", restart_marker_blocks=2, exif=notes()),
    "print.jpg": lambda: written(picture("CMYK"), "JPEG", exif=notes(), xmp=XMP, comment=SECRET),
    "rgb.jpg": lambda: written(picture(), "JPEG", keep_rgb=True, comment=SECRET),
    "a.png": lambda: written(picture(), "PNG", exif=notes(), pnginfo=text_chunks(), icc_profile=PROFILE, dpi=(72, 72)),
    "clear.png": lambda: written(picture("RGBA"), "PNG", pnginfo=text_chunks()),
    "palette.png": lambda: written(picture("P"), "PNG", transparency=3, pnginfo=text_chunks()),
    "palettes.png": lambda: written(picture("P"), "PNG", transparency=bytes(range(0, 240, 3)), pnginfo=text_chunks()),
    "deep.png": lambda: written(picture("I;16"), "PNG", exif=notes(), pnginfo=text_chunks()),
    "bits.png": lambda: written(picture("1"), "PNG", transparency=1, pnginfo=text_chunks()),
    "moves.png": lambda: animation("PNG", pnginfo=text_chunks()),
    "a.webp": lambda: written(picture(), "WEBP", exif=notes(), xmp=XMP, icc_profile=PROFILE),
    "plain.webp": lambda: written(picture(), "WEBP"),
    "clear.webp": lambda: written(picture("RGBA"), "WEBP", exif=notes(), quality=70, alpha_quality=60),
    "lossless.webp": lambda: written(picture("RGBA"), "WEBP", lossless=True, exif=notes(), xmp=XMP),
    "moves.webp": lambda: animation("WEBP", xmp=XMP, icc_profile=PROFILE),
    "a.gif": lambda: written(picture("P"), "GIF", comment=SECRET, transparency=2),
    "moves.gif": lambda: animation("GIF", comment=SECRET, disposal=2),
    "a.avif": lambda: written(picture(), "AVIF", exif=notes(), xmp=XMP, icc_profile=PROFILE),
    "turned.avif": lambda: written(picture(), "AVIF", exif=notes(6), xmp=XMP),
    "clear.avif": lambda: written(picture("RGBA"), "AVIF", exif=notes(), xmp=XMP),
    "moves.avif": lambda: animation("AVIF", exif=notes(), xmp=XMP),
}


def info(data: bytes) -> dict[str, Any]:
    """What of a picture's own information must stay."""
    with Image.open(io.BytesIO(data)) as opened:
        kept = {name: opened.info.get(name) for name in ("transparency", "icc_profile", "loop", "gamma", "adobe")}
        return kept | {"frames": getattr(opened, "n_frames", 1)}


@pytest.mark.parametrize("tail", [b"", TAIL], ids=["", "with a tail"])
@pytest.mark.parametrize("name", COPIED)
def test_notes_go_and_the_picture_stays(name, tail):
    """No note, no position and no tail is left; every pixel of every frame, colours and loops are as they were."""
    data = COPIED[name]() + tail

    made = cleaned(data, name)

    assert SECRET.encode() not in made
    assert [word for word in (b"Exif\0\0", b"GPS", b"xmpmeta", b"<script>") if word in made] == []
    assert not Image.open(io.BytesIO(made)).getexif().get_ifd(GPS)
    assert [apart(a, b) for a, b in zip(frames_of(data), frames_of(made), strict=True)] == [0] * len(frames_of(data))
    assert info(made) == info(data)
    assert judged(made, name) == judged(data, name)
    assert cleaned(made, name) == made == cleaned(data, name)


REWRITTEN = {
    "a.jpg": (lambda **how: written(picture(), "JPEG", quality=88, icc_profile=PROFILE, **how), 8),
    "progressive.jpg": (lambda **how: written(picture(), "JPEG", quality=60, progressive=True, **how), 12),
    "sharp.jpg": (lambda **how: written(picture(), "JPEG", quality=97, subsampling=0, **how), 4),
    "grey.jpg": (lambda **how: written(picture("L"), "JPEG", **how), 6),
    "print.jpg": (lambda **how: written(picture("CMYK"), "JPEG", quality=90, **how), 8),
    "a.png": (lambda **how: written(picture(), "PNG", icc_profile=PROFILE, pnginfo=text_chunks(), **how), 0),
    "clear.png": (lambda **how: written(picture("RGBA"), "PNG", **how), 0),
    "palette.png": (lambda **how: written(picture("P"), "PNG", transparency=3, **how), 0),
    "deep.png": (lambda **how: written(picture("I;16"), "PNG", **how), 0),
    "bits.png": (lambda **how: written(picture("1"), "PNG", **how), 0),
    "lossless.webp": (lambda **how: written(picture("RGBA"), "WEBP", lossless=True, icc_profile=PROFILE, **how), 0),
    "lossy.webp": (lambda **how: written(picture(), "WEBP", quality=90, **how), 14),
    "a.tif": (lambda **how: written(picture(), "TIFF", compression="tiff_lzw", icc_profile=PROFILE, **how), 0),
}


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("name", REWRITTEN)
def test_a_turned_picture_is_uploaded_upright(name, orientation):
    """What viewers turn by a note is turned in its pixels, with its colours, at its own quality; the note is gone."""
    make, tolerance = REWRITTEN[name]
    data = make(exif=notes(orientation)) + TAIL

    made = cleaned(data, name)

    with Image.open(io.BytesIO(made)) as opened:
        assert (opened.getexif().get(ORIENTATION, 1), opened.mode) == (1, Image.open(io.BytesIO(data)).mode)
    assert apart(frames_of(data)[0], frames_of(made)[0]) <= tolerance
    assert info(made)["icc_profile"] == info(data)["icc_profile"]
    assert (SECRET.encode() in made, b"Exif\0\0" in made) == (False, False)
    assert cleaned(made, name) == made == cleaned(data, name)


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_a_turned_photo_keeps_its_quality(quality):
    """Turning a JPEG that fills whole blocks costs next to nothing: its own tables are used, turned with it."""
    noisy = Image.effect_noise((160, 128), 30).convert("RGB")
    data = written(Image.blend(noisy, picture(size=(160, 128)), 0.7), "JPEG", quality=quality, exif=notes(6))

    made = cleaned(data, "a.jpg")

    apart_by = ImageChops.difference(frames_of(data)[0].convert("L"), frames_of(made)[0].convert("L")).histogram()
    mean = sum(value * count for value, count in enumerate(apart_by)) / sum(apart_by)
    assert mean < 0.6
    assert abs(len(made) - len(data)) < 0.1 * len(data)


@pytest.mark.parametrize("name", ["a.bmp", "a.tif"])
def test_bitmaps_are_written_anew(name):
    """BMP and TIFF may hide notes anywhere: the pixels are copied into a new file, without loss."""
    how = {"a.bmp": {}, "a.tif": {"exif": notes(), "icc_profile": PROFILE, "tiffinfo": {315: SECRET, 700: XMP}}}[name]
    data = written(picture(), {"a.bmp": "BMP", "a.tif": "TIFF"}[name], **how) + TAIL

    made = cleaned(data, name)

    assert (SECRET.encode() in made, apart(frames_of(data)[0], frames_of(made)[0])) == (False, 0)
    assert info(made)["icc_profile"] == info(data)["icc_profile"]
    assert cleaned(made, name) == made
    with Image.open(io.BytesIO(made)) as opened:
        told = set(getattr(opened, "tag_v2", ()))
    assert told <= {256, 257, 258, 259, 262, 273, 277, 278, 279, 284, TiffImagePlugin.ICCPROFILE}


def test_colours_of_a_turned_png_stay():
    """How a PNG means its colours is written in chunks that Pillow does not write: they are carried over."""
    gamma = _png_chunk(b"gAMA", (45_455).to_bytes(4)) + _png_chunk(b"sRGB", b"\0") + _png_chunk(b"cICP", b"\1\x0d\0\1")
    plain = written(picture(), "PNG", exif=notes(8))
    data = plain[:33] + gamma + plain[33:]

    assert gamma in cleaned(data, "a.png")


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body


def test_what_hides_in_a_jpeg_goes():
    """Thumbnails, IPTC, Photoshop's blocks, further pictures and fake profiles are gone; the JFIF density stays."""
    data = written(picture(), "JPEG", dpi=(300, 300))
    small = written(picture(size=(8, 8)), "JPEG") + SECRET.encode()
    hidden = (segment(0xE0, b"JFXX\0\x10" + small) + segment(0xED, b"Photoshop 3.0\0" + SECRET.encode())
              + segment(0xE2, b"MPF\0" + SECRET.encode()) + segment(0xE2, b"ICC_PROFILE\0\1\1" + SECRET.encode())
              + segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET.encode()) + segment(0xEB, SECRET.encode()))

    made = cleaned(data[:20] + hidden + data[20:] + small, "a.jpg")

    assert made == data[:20] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\1") + data[20:]


def test_what_hides_in_a_png_goes():
    """A chunk that is longer than its meaning, or has none, is gone."""
    data = written(picture(), "PNG")
    hidden = _png_chunk(b"gAMA", SECRET.encode()) + _png_chunk(b"eXIf", SECRET.encode()) + _png_chunk(
        b"tIME", bytes(7)) + _png_chunk(b"caBX", SECRET.encode())

    assert cleaned(data[:33] + hidden + data[33:], "a.png") == data


def test_what_hides_in_a_gif_goes():
    """XMP, captions, and what stands behind the number of loops are gone."""
    data = animation("GIF")
    at = data.index(b"\x21\xff\x0bNETSCAPE2.0")
    loops = data[at:at + 19]
    hidden = (b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET.encode() + b"\0"
              + b"\x21\x01\x0c" + bytes(12) + bytes([len(SECRET)]) + SECRET.encode() + b"\0")
    more = loops[:-1] + bytes([len(SECRET)]) + SECRET.encode() + b"\0"

    assert cleaned(data[:at] + hidden + more + data[at + 19:], "a.gif") == data


def test_thumbnails_of_a_heic_go():
    """A thumbnail may show what was cut off: its bytes are blank and nobody finds it any more."""
    data = written(picture("RGBA"), "AVIF")
    shrunk = data.replace(b"auxl", b"thmb")      # the plane of transparency becomes a thumbnail, by the file's words
    assert shrunk != data

    made = cleaned(shrunk.replace(b"avif", b"heic"), "a.heic")

    assert (len(made), made.count(b"av01"), data.count(b"av01")) == (len(data), 1, 2)
    assert apart(frames_of(made.replace(b"heic", b"avif"))[0], frames_of(data)[0].convert("RGB")) == 0


@pytest.mark.parametrize("brand", [b"isom", b"qt  "])
def test_notes_of_a_film_are_blank(brand):
    """Places, titles and dates of a film are gone; nothing has moved, so that no table of it is wrong."""
    place = box(b"udta", box(b"\xa9xyz", f"+52.5200+013.4050/{SECRET}".encode()))
    keys = box(b"meta", box(b"hdlr", bytes(8) + b"mdta" + bytes(13)), box(b"ilst", SECRET.encode()))
    name = "a.mov" if brand == b"qt  " else "a.mp4"
    bare = film(brand=brand)
    data = film(brand=brand, notes=place + keys) + box(b"uuid", bytes(16) + XMP) + TAIL

    made = cleaned(data, name)

    assert (SECRET.encode() in made, len(data) - len(made)) == (False, len(TAIL))
    assert made.index(b"mdat") == data.index(b"mdat")
    assert judged(made, name) == judged(data, name)
    assert (3_800_000_000).to_bytes(4) in bare
    assert (3_800_000_000).to_bytes(4) not in made
    assert cleaned(made, name) == made


def test_what_cannot_be_cleaned_is_not_uploaded():
    """WebM keeps its notes in ways nobody takes apart here yet: it is refused rather than sent as it is."""
    with pytest.raises(Rejected, match=r"a\.webm is damaged, or of a kind that cannot be freed of its notes yet"):
        cleaned(webm(), "a.webm")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.avif", "a.tif", "a.bmp"])
def test_a_picture_that_breaks_off_is_refused(name):
    """Half a picture is not sent: the reason names the file, and what to do."""
    made = picture("P" if name == "a.gif" else "RGB", (480, 320))
    data = written(made, {"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper()))

    with pytest.raises(Rejected) as refused:
        cleaned(data[:len(data) * 2 // 3], name)

    assert refused.value.why.startswith(f"{name} ")
    assert refused.value.why.endswith("Save it again.")


def test_a_photo_without_its_end_is_refused():
    """Nobody can tell a forgotten end from a lost half: the author saves it again."""
    with pytest.raises(Rejected, match=r"a\.jpg is damaged \(image file is truncated"):
        cleaned(written(picture(), "JPEG")[:-2], "a.jpg")


def test_what_only_a_decoder_understands_is_written_anew():
    """A file that goes astray and can be decoded all the same comes out sound, without what led it astray."""
    data = written(picture(), "JPEG", icc_profile=PROFILE)

    tables = data.index(b"\xff\xc4")            # behind the size: what does not say its size is not decoded

    made = cleaned(data[:tables] + SECRET.encode() + data[tables:], "a.jpg")

    assert (apart(frames_of(made)[0], frames_of(data)[0]) <= 8, SECRET.encode() in made) == (True, False)
    assert info(made) == info(data)
    assert cleaned(made, "a.jpg") == made


@given(name=st.sampled_from([*COPIED, "turned.jpg", "a.tif"]), chance=st.randoms(use_true_random=False),
       cut=st.booleans())
@settings(max_examples=120, deadline=None)
def test_a_damaged_file_is_cleaned_or_refused(name, chance, cut):
    """Whatever is broken, there are clean bytes that stay as they are, or a reason; never anything else."""
    more = {"turned.jpg": lambda: written(picture(), "JPEG", exif=notes(6)),
            "a.tif": lambda: written(picture(), "TIFF", exif=notes(3))}
    data = damaged((COPIED | more)[name](), chance, cut=cut)
    outcome = or_why(data, name)

    assert name in outcome if isinstance(outcome, str) else cleaned(outcome, name) == outcome


def or_why(data: bytes, name: str) -> bytes | str:
    try:
        return cleaned(data, name)
    except PublishError as error:
        return error.why


# --- the process that decodes -----------------------------------------------------------------------------------------

PROGRAM = _turning.__file__


def alone(data: bytes, *words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-I", PROGRAM, *words], input=data, capture_output=True, check=False)
    return done.returncode, done.stderr.decode().strip()


def test_only_the_decoder_of_the_kind_is_asked():
    """What was judged to be one kind is never decoded as another."""
    assert alone(written(picture(), "TIFF"), "jpeg", "1", "50000000") == (_turning.REFUSED, "nothing can be decoded")


def test_a_bomb_is_an_error_even_there():
    """Should a header deceive the judge, the decoder's own count stops it: a warning is an error."""
    code, said = alone(blank_png(1_000, 1_001), "png", "1", "1000000")

    assert (code, "exceeds limit of 1000000 pixels" in said) == (_turning.REFUSED, True)


def test_memory_is_capped():
    """A decoder that wants more memory than it may have ends with a reason, and the machine lives on."""
    program = ("import resource, runpy, sys; made = runpy.run_path(sys.argv[4], run_name='capped')\n"
               "made['cap'](resource.RLIMIT_AS, 150_000_000)\n"
               "try: made['main'](sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))\n"
               "except MemoryError: sys.exit('stopped')")
    done = subprocess.run([sys.executable, "-I", "-c", program, "png", "6", "50000000", PROGRAM], check=False,
                          input=written(Image.new("RGBA", (4_000, 4_000)), "PNG"), capture_output=True)

    assert (done.returncode, done.stderr.decode().strip()) == (1, "stopped")


WATCHED = """
import sys
from pathlib import Path
from flows.edges.media import cleaned, probe
from schemas.errors import PublishError

seen = []
def watch(event, about):
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system")):
        seen.append((event, about[3] if event == "subprocess.Popen" else None))

data, name = Path(sys.argv[1]).read_bytes(), Path(sys.argv[1]).name
sys.addaudithook(watch)
probe(data, len(data), name)
try:
    cleaned(data, name)
except PublishError:
    pass
print(seen)
"""


def watched(file: Path) -> str:
    """Every process that is started, with its variables, and every socket, while a file is judged and cleaned."""
    environment = {**os.environ, "DRUMBEAT_X__ACCESS_TOKEN": SECRET}
    return subprocess.run([sys.executable, "-c", WATCHED, str(file)], capture_output=True, text=True, check=True,
                          env=environment).stdout.strip()


def test_the_decoder_gets_nothing_but_the_picture(tmp_path):
    """The one process that is started knows no credential: it has no variables at all."""
    file = tmp_path / "a.jpg"
    file.write_bytes(written(picture(), "JPEG", exif=notes(6)))

    assert watched(file) == "[('subprocess.Popen', {})]"


@pytest.mark.parametrize("name", ["film.mp4", "playlist.mp4", "film.webm", "drawing.png", "saw.jpg"])
def test_a_film_starts_no_process_and_no_connection(tmp_path, name):
    """Judging a film, a playlist or a drawing opens no socket and starts nothing; nor does copying a picture."""
    data = {"film.mp4": film(), "playlist.mp4": WRONG["a playlist"][1], "film.webm": webm(), "drawing.png": SVG,
            "saw.jpg": COPIED["a.jpg"]()}[name]
    (tmp_path / name).write_bytes(data)

    assert watched(tmp_path / name) == "[]"
