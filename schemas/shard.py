"""Which accounts are one publisher's own, of several that share them."""
import hashlib
import re
from typing import NamedTuple

_WRITTEN = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


class Shard(NamedTuple):
    """Share `number` of `of`, counted from 1. Written `1/3`. Each channel is in one share, whatever the others are."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Raises ValueError when `text` is not a share."""
        match = _WRITTEN.fullmatch(text)
        if match is None or int(match[1]) > int(match[2]):
            raise ValueError(f'"{text}" is no share; write 1/3 for the first of three')
        return cls(int(match[1]), int(match[2]))

    def has(self, channel: str) -> bool:
        """Whether the channel with this id is in the share."""
        return int.from_bytes(hashlib.sha256(channel.encode()).digest()[:8], "big") % self.of == self.number - 1
