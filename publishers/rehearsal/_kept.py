"""What a rehearsal network holds, and how it outlives a restart: a journal of JSON lines, and the media bytes."""
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class KeptMedia:
    """An uploaded file. `alt` None: never described; `account` None: anybody's; `at` None: it stays for ever."""

    id: str
    sha256: str
    name: str
    mime: str | None = None
    alt: str | None = None
    size: int = 0                # bytes
    account: str | None = None   # who uploaded it
    at: str | None = None        # when, ISO, by the twin's clock


@dataclass(frozen=True)
class Kept:
    """A post that exists. `call` is what its create calls are counted by; `extra` is the network's own business."""

    network: str
    account: str
    id: str
    text: str
    created_at: datetime         # UTC, by the twin's clock, which may be a pretend one
    parent: str | None = None
    media: tuple[str, ...] = ()  # ids of uploaded files
    url: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    call: str = ""


class Journal:
    """Where a twin writes what happens to it. Without a folder it remembers for as long as the process lives."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._bytes: dict[str, bytes] = {}
        if folder is not None:
            (folder / "media").mkdir(parents=True, exist_ok=True)

    def entries(self) -> Iterator[tuple[str, Any]]:
        """What was written, oldest first. A last line cut off by a kill is thrown away."""
        if self._folder is None or not (path := self._folder / "journal.jsonl").exists():
            return
        text = path.read_bytes()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            os.truncate(path, whole)
        for line in text[:whole].splitlines():
            ((kind, value),) = json.loads(line).items()
            yield kind, value

    def write(self, kind: str, value: Any, *, durable: bool = True) -> None:
        """Append one entry; when `durable`, it is on the disk before this returns."""
        if self._folder is None:
            return
        with (self._folder / "journal.jsonl").open("ab") as file:
            file.write(json.dumps({kind: value}, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            file.flush()
            if durable:
                os.fsync(file.fileno())

    def put(self, data: bytes) -> str:
        """Keep the bytes; the answer is their sha256, by which `get` gives them back."""
        sha256 = hashlib.sha256(data).hexdigest()
        if self._folder is None:
            self._bytes[sha256] = data
        elif not (path := self._folder / "media" / sha256).exists():
            draft = path.with_suffix(".part")
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        return sha256

    def get(self, sha256: str) -> bytes:
        return self._bytes[sha256] if self._folder is None else (self._folder / "media" / sha256).read_bytes()

    def clear(self) -> None:
        """Forget everything, on the disk too."""
        self._bytes.clear()
        if self._folder is not None:
            (self._folder / "journal.jsonl").unlink(missing_ok=True)
            for path in (self._folder / "media").iterdir():
                path.unlink()
