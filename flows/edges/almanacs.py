"""Plans in short, kept beside the content: one file a plan, replaced whole. Losing it costs time and nothing else."""
import logging
import os
import zlib
from array import array
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from flows.edges.cache import make, program
from flows.planning.condensing import Almanac, Card, Frame, Line
from schemas.content import Probe, SourceFile

log = logging.getLogger(__name__)
SHARDS = 256
_MAGIC = b"drumbeat plan 1\n"
_SUM_BYTES = 4
_SETS = ("folders", "seekers", "turns", "unreadable")


class Cards(MutableMapping[str, Card]):
    """Cards by path, in shards that are read when something in them is asked for."""

    def __init__(self, shards: list[bytes] | None = None, count: int = 0) -> None:
        self._raw: list[bytes | None] = [*shards] if shards else [None] * SHARDS
        self._shards: list[dict[str, Any] | None] = [None] * SHARDS if shards else [{} for _ in range(SHARDS)]
        self._count = count

    def __getitem__(self, path: str) -> Card:
        blob, size, kind, id, follows, media, takes_turns, seeks, readable, intent, lines = self._of(path)[path]
        return Card(blob, size, kind, id, follows, tuple(media), takes_turns, seeks, readable, intent,
                    tuple(Line(*line) for line in lines))

    def __setitem__(self, path: str, card: Card) -> None:
        shard = self._of(path)
        self._count += path not in shard
        shard[path] = (*card[:-1], tuple(tuple(line) for line in card.lines))
        self._raw[_shard(path)] = None

    def __delitem__(self, path: str) -> None:
        del self._of(path)[path]
        self._count -= 1
        self._raw[_shard(path)] = None

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and path in self._of(path)

    def __iter__(self) -> Iterator[str]:
        for number in range(SHARDS):
            yield from self._load(number)

    def __len__(self) -> int:
        return self._count

    def _of(self, path: str) -> dict[str, Any]:
        return self._load(_shard(path))

    def _load(self, number: int) -> dict[str, Any]:
        shard = self._shards[number]
        if shard is None:
            shard = self._shards[number] = orjson.loads(self._raw[number] or b"{}")
        return shard

    def forget(self) -> None:
        """Keeps in memory only the bytes of shards that nothing was written to."""
        for number, shard in enumerate(self._shards):
            if shard is not None and self._raw[number] is None:
                self._raw[number] = orjson.dumps(shard)
        self._shards = [None] * SHARDS

    def raw(self) -> list[bytes]:
        """Every shard as it is kept; those that were not changed as they came."""
        return [raw if raw is not None else orjson.dumps(self._shards[number])
                for number, raw in enumerate(self._raw)]


def load(folder: Path, name: str) -> Almanac | None:
    """The plan kept under `name`; None when there is none of this program, or it cannot be relied on."""
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return None
    try:
        start = len(_MAGIC) + _SUM_BYTES
        if not data.startswith(_MAGIC) or _sum(data[start:]) != data[len(_MAGIC):start]:
            raise ValueError("it is torn")
        size = int.from_bytes(data[start:start + 8], "big")
        kept = orjson.loads(data[start + 8:start + 8 + size])
        if kept["made_by"] != program():
            return None
        shards, at = [], start + 8 + size
        for length in kept["sizes"]:
            shards.append(data[at:at + length])
            at += length
        files, names, compared = kept["frame"]
        frame = Frame({path: SourceFile(path, blob, size, kind, None, Probe(*probe) if probe else None)
                       for path, (blob, size, kind, probe) in files.items()}, tuple(names), tuple(compared))
        almanac = Almanac(kept["commit"], frame, Cards(shards, kept["count"]))
        almanac.taken = {channel: array("q", times) for channel, times in kept["taken"].items()}
        almanac.found, almanac.said = (
            {channel: [(at, path) for at, path in of_channel] for channel, of_channel in kept[name].items()}
            for name in ("found", "said"))
        almanac.paths, almanac.followers, almanac.media = kept["paths"], kept["followers"], kept["media"]
        for name in _SETS:
            setattr(almanac, name, set(kept[name]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("kept plan not used, it is made anew file=%s why=%s", folder / name, error)
        return None
    return almanac


def keep(folder: Path, name: str, almanac: Almanac) -> None:
    """Keeps the plan under `name`. A disk that is full or read-only is no reason to fail: it says so, and goes on."""
    cards = almanac.cards
    if not isinstance(cards, Cards):
        fresh = Cards()
        for path, card in cards.items():
            fresh[path] = card
        cards = fresh
    draft = folder / f"{name}.{os.getpid()}.tmp"
    try:
        shards = cards.raw()
        packed = orjson.dumps({
            "made_by": program(), "commit": almanac.commit, "frame": _frame(almanac.frame), "count": len(cards),
            "sizes": [len(raw) for raw in shards],
            "taken": {channel: times.tolist() for channel, times in almanac.taken.items()},
            **{name: getattr(almanac, name) for name in ("found", "said", "paths", "followers", "media")},
            **{name: sorted(getattr(almanac, name)) for name in _SETS}})
        data = b"".join([len(packed).to_bytes(8, "big"), packed, *shards])
        make(folder)
        with draft.open("wb") as out:
            out.write(_MAGIC + _sum(data))
            out.write(data)
        draft.replace(folder / name)
    except OSError as error:
        log.warning("plan not kept, the next start makes it anew file=%s why=%s", folder / name, error.strerror)
        with suppress(OSError):
            draft.unlink()


def _frame(frame: Frame) -> tuple[Any, ...]:
    files = {path: (file.blob, file.size, file.kind, tuple(file.probe) if file.probe is not None else None)
             for path, file in frame.files.items()}
    return files, frame.names, frame.compared      # plain tuples: orjson takes no other


def _shard(path: str) -> int:
    return zlib.crc32(path.encode("utf-8", "surrogatepass")) % SHARDS


def _sum(raw: bytes) -> bytes:
    return zlib.crc32(raw).to_bytes(_SUM_BYTES, "big")
