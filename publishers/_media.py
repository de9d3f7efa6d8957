"""Whether a picture is as large and as wide as a network takes it: the same question at every one of them.

What is wrong with a file anywhere (`Probe.why`) is said once for its post, elsewhere.
"""
import math
from collections.abc import Iterable, Iterator

from publishers.base import Limits
from schemas.message import Media, Message
from schemas.problem import Problem, Severity


def beyond(message: Message, pictures: Iterable[Media], limits: Limits) -> Iterator[Problem]:
    """A problem for each number that a picture goes beyond, each file once; nothing where its header was not read."""
    for picture in {one.blob: one for one in pictures}.values():
        for what, remedy in _over(picture, limits):
            yield Problem("TXT001", Severity.error, picture.place, f"{what} on {message.slot.channel}: {picture.file}.",
                          remedy, message.slot.post, message.slot.channel)


def _over(picture: Media, limits: Limits) -> Iterator[tuple[str, str]]:
    """What is too much, and what to do about it."""
    probe = picture.probe
    if probe is None or not probe.width or not probe.height:
        return
    width, height = probe.width, probe.height
    pixels = limits.gif_pixels if probe.kind == "gif" and limits.gif_pixels is not None else limits.image_pixels
    if pixels is not None and width * height > pixels:
        yield (f"{width} × {height} is {width * height:,}/{pixels:,} pixels",
               _smaller(width, height, math.sqrt(pixels / (width * height))))
    if limits.image_side is not None and (longer := max(width, height)) > limits.image_side:
        yield f"{longer}/{limits.image_side} pixels on a side", _smaller(width, height, limits.image_side / longer)
    if limits.image_ratio is not None:
        least, most = limits.image_ratio
        if width / height < least:
            yield (f"{width} × {height} is too tall ({width / height:.2f}, at least {least:g})",
                   f"Make it at most {int(width / least)} px high, by cutting or with a border.")
        if width / height > most:
            yield (f"{width} × {height} is too wide ({width / height:.2f}, at most {most:g})",
                   f"Make it at most {int(height * most)} px wide, by cutting or with a border.")


def _smaller(width: int, height: int, scale: float) -> str:
    return f"Make it at most {max(int(width * scale), 1)} px wide and {max(int(height * scale), 1)} px high."
