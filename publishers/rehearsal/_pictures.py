"""What a network sees when it opens an uploaded picture: its header, as Pillow reads it, not the code that sent it."""
import io
from typing import NamedTuple

_FAR_TOO_LARGE = 100_000


class Picture(NamedTuple):
    """Sizes in pixels. `moves`: it has more than one frame."""

    width: int
    height: int
    moves: bool


def opened(data: bytes) -> Picture | None:
    """The picture, or None for what cannot be opened. Of a decompression bomb Pillow does not tell the size."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return Picture(*picture.size, bool(getattr(picture, "is_animated", False)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Picture(_FAR_TOO_LARGE, _FAR_TOO_LARGE, False)
    except (OSError, ValueError, SyntaxError):
        return None
