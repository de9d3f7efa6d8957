"""Where in the content folder something stands, so that every message can point at it."""
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """A spot in a file. `file` is relative to the content folder's parent; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def nearest(places: Mapping[str, Place], path: Iterable[str | int], file: str) -> Place:
    """Where the field at `path` stands: itself, else the nearest one above it that was written, else the file's top."""
    keys = [str(key) for key in path]
    while keys:
        if (found := places.get(".".join(keys))) is not None:
            return found
        keys.pop()
    return Place(file)
