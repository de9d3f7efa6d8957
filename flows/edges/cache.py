"""The last answer of a pure command, for as long as nothing it was made from has changed. Losing it loses nothing."""

import hashlib
import json
import logging
import os
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
READ_BYTES = 256_000
MANY = 5_000
"""Of so many files only those are read whose times do not tell yet: what was written just now."""
SETTLED_NS = 3_000_000_000
_CODE = ("flows/planning", "flows/check.py", "flows/foresee.py", "flows/edges", "schemas", "publishers")


def fingerprint(folder: Path, *more: str) -> str:
    """What an answer about `folder` depends on: its files (text by content, the rest by size and time), the program.

    A folder that cannot be read whole gives a fingerprint that fits nothing kept.
    """
    digest = hashlib.sha256(json.dumps(more).encode())
    try:
        _take_in(digest, folder)
    except OSError:
        return secrets.token_hex(32)
    return digest.hexdigest()


def committed(folder: Path) -> str:
    """What tells one state of the repository around `folder` from another: when something was last committed."""
    for home in (folder.resolve(), *folder.resolve().parents):
        if (git := home / ".git").exists():
            marks = [mark.stat().st_mtime_ns for mark in (git / "logs/HEAD", git / "HEAD") if mark.exists()]
            return f"{git} {marks}"
    return ""


def accounts(home: Path, credentials: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """What tells one state of the credentials from another: files by time and mode, variables by what they say."""
    files = [*([credentials] if credentials else []), *sorted((home / ".drumbeat/tokens").glob("*.json"))]
    marks = [(str(file), seen.st_mtime_ns, seen.st_ctime_ns, seen.st_mode)
             for file in files if file.exists() for seen in (file.stat(),)]
    said = sorted(f"{name}={value}" for name, value in environment.items() if name.startswith("DRUMBEAT_"))
    return hashlib.sha256(json.dumps([marks, said]).encode("utf-8", "surrogatepass")).hexdigest()


def trials(home: Path) -> str:
    """What tells one state of the connection tests from another: when each was."""
    files = sorted((home / ".drumbeat/trials").glob("*.json"))
    return json.dumps([(file.name, file.stat().st_mtime_ns) for file in files])


def program() -> str:
    """Which program thinks here: another text of it may come to another answer."""
    here, digest = Path(__file__).parent.parent.parent, hashlib.sha256()
    for part in _CODE:
        for path, status in _files(here / part):
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _take_in(digest: Any, folder: Path) -> None:
    digest.update(program().encode())
    found = list(_files(folder))
    trusted_ns = time.time_ns() - SETTLED_NS if len(found) > MANY else 0
    for path, status in found:
        digest.update(f"{path}\0{status.st_mode}\0{status.st_size}\0".encode("utf-8", "surrogateescape"))
        is_text = path.endswith((".md", ".yaml", ".yml", ".csv")) and stat.S_ISREG(status.st_mode)
        if is_text and status.st_size <= READ_BYTES and max(status.st_mtime_ns, status.st_ctime_ns) > trusted_ns:
            digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
        else:
            digest.update(f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}".encode())


def kept(home: Path, name: str, key: str) -> Any:
    """The answer kept under `name` if it was made for `key`; None otherwise, or when it cannot be read."""
    try:
        answer = json.loads((home / f"{name}.json").read_bytes())
        return answer["answer"] if answer["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there, torn, or another version's: work it out again


def keep(home: Path, name: str, key: str, answer: Any) -> None:
    """Keeps `answer`, replaced whole. A disk that is full or read-only is no reason to fail: it is not kept then."""
    try:
        make(home)
        draft = home / f"{name}.{os.getpid()}.tmp"
        draft.write_text(json.dumps({"key": key, "answer": answer}))
        draft.replace(home / f"{name}.json")
    except OSError as error:
        log.debug("answer not kept why=%s", error)


def make(home: Path) -> None:
    """The folder is there, and Git keeps nothing of it. Raises OSError."""
    home.mkdir(parents=True, exist_ok=True)
    ignore = home.parent / ".gitignore"
    if home.parent.name == ".drumbeat" and not ignore.exists():
        ignore.write_text("*\n")


def _files(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below `path` (or `path` itself) with its status, in one order; what begins with a dot is left out."""
    if path.is_file():
        yield str(path), path.stat()
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith((".", "__pycache__")))
        for inner in (Path(folder) / name for name in sorted([*files, *names])):
            status = inner.lstat()
            if not inner.name.startswith(".") and not stat.S_ISDIR(status.st_mode):
                yield str(inner), status
