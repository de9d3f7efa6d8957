"""A process of its own that decodes one picture, turns it upright and writes it anew without its notes.

Runs alone (`python -I _turning.py KIND ORIENTATION MOST_PIXELS`): the picture comes in, the new one goes out; what is
wrong with it is said in one line of stderr. Decoders are C and the file is a stranger's, so memory and time are capped
before the first byte is read, and only the decoder of the kind that was found is asked.
"""
import io
import re
import resource
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:                # whoever imports this file for its numbers gets no Pillow
    from PIL.JpegImagePlugin import JpegImageFile

MOST_MEMORY = 2_000_000_000      # of address space: 50 megapixels with alpha are 200 MB, twice while they turn
REFUSED = 3                      # how it ends when the picture is at fault
MOST_SECONDS = 60                # of the processor
QUALITY = 95                     # of a WebP that lost quality before: its own number is not in the file


def main(kind: str, orientation: int, most_pixels: int) -> None:
    from PIL import Image, JpegImagePlugin

    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = most_pixels
    methods = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
               5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
               8: Image.Transpose.ROTATE_90}
    data = sys.stdin.buffer.read()
    with Image.open(io.BytesIO(data), formats=[kind.upper()]) as picture:
        picture.load()
        if kind == "tiff":                       # loading has turned it already, and says what is left to do
            orientation = picture.getexif().get(0x0112, 1)
        made = picture.transpose(methods[orientation]) if orientation in methods else picture.copy()
        made.info = {name: value for name, value in made.info.items() if name == "transparency"}
        how: dict[str, object] = {}
        if isinstance(picture, JpegImagePlugin.JpegImageFile):
            how = as_before(picture, across=orientation >= 5)
        elif kind == "webp":
            coded = re.search(b"VP8[ L]", data)
            how = {"lossless": coded is not None and coded[0] == b"VP8L", "quality": QUALITY, "exact": True}
        elif kind == "tiff":
            how = {"compression": "tiff_deflate"}
        if profile := picture.info.get("icc_profile"):
            how["icc_profile"] = profile
        written = io.BytesIO()
        made.save(written, kind.upper(), **how)
    sys.stdout.buffer.write(written.getvalue())


def as_before(picture: "JpegImageFile", *, across: bool) -> dict[str, object]:
    """The very tables that the JPEG was made with, so that it loses next to nothing; turned with it by a quarter."""
    from PIL import JpegImagePlugin

    tables = [list(table) for _, table in sorted(picture.quantization.items())]
    if across:
        tables = [[table[8 * column + row] for row in range(8) for column in range(8)] for table in tables]
    sampling = JpegImagePlugin.get_sampling(picture)
    return {"qtables": tables, "subsampling": 0 if sampling < 0 or (across and sampling == 1) else sampling,
            "progressive": bool(picture.info.get("progressive"))}


def cap(kind: int, most: int) -> None:
    """Some systems know a limit and do not keep it: the time the parent waits is the last one."""
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))


def refuse(why: str) -> None:
    sys.stderr.write(why)
    sys.exit(REFUSED)


if __name__ == "__main__":
    cap(resource.RLIMIT_AS, MOST_MEMORY)
    cap(resource.RLIMIT_CPU, MOST_SECONDS)
    cap(resource.RLIMIT_FSIZE, 0)
    cap(resource.RLIMIT_CORE, 0)
    try:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    except ImportError:                          # this machine's fault, not the picture's
        raise
    except MemoryError:
        refuse("it needs too much memory")
    except Exception as error:  # noqa: BLE001 — the top of a process: a decoder may raise anything
        said = " ".join(str(error).split())[:200]
        refuse("nothing can be decoded" if " object at 0x" in said or not said else said)
