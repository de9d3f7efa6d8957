"""Where in the content folder something stands, so that every message can point at it."""
from typing import NamedTuple


class Place(NamedTuple):
    """A spot in a file. `file` is relative to the content folder's parent; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
