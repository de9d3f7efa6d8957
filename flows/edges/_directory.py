"""The archive in a directory: a temp file, hard-linked to its name. A reader never sees half a record.

Why a link: O_EXCL on the final name leaves torn records after kill -9, and rename overwrites a rival's record.
"""
import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from flows.edges import store
from flows.edges.store import Unanswered
from schemas.errors import StoreError

_DAY_S = 86_400.0
_TEMP = ".tmp-"
# what link(2) answers where hard links do not exist, or do not reach
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_REMEDIES = {
    errno.ENOSPC: "free some space there, then try again; nothing was lost",
    errno.EDQUOT: "free some space, or ask for a larger quota, then try again; nothing was lost",
    errno.EFBIG: "lift the limit on file size (ulimit -f), then try again; nothing was lost",
    errno.EACCES: "let this user write there, or name another folder with --archive dir:PATH",
    errno.EPERM: "let this user write there, or name another folder with --archive dir:PATH",
    errno.EROFS: "mount it writable, or name another folder with --archive dir:PATH",
    errno.ENOTDIR: "move the file that stands in the way, or name another folder with --archive dir:PATH",
    errno.EEXIST: "move the file that stands in the way, or name another folder with --archive dir:PATH",
    errno.EISDIR: "move the folder that stands in the way, or name another folder with --archive dir:PATH",
    errno.ENAMETOOLONG: "name a folder with a shorter path with --archive dir:PATH",
}


def sync_folder(folder: Path) -> None:
    """The names in `folder` would survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


MOST_SETTLED = 10_000
"""So many folders are remembered as known to be on disk: a publisher may run for months."""


class DirectoryStore:
    """A store in a folder, which is made when the first object is. `link`, `sync`: what the disk does, or a test."""

    def __init__(self, path: str, *, link: Callable[[Path, Path], None] = os.link,
                 sync: Callable[[Path], None] = sync_folder) -> None:
        self._root = Path(path).expanduser().absolute()      # the working folder may change later
        self._link = link
        self._sync = sync
        self._settled: set[Path] = set()      # folders known to be on disk, with all folders above them

    @property
    def address(self) -> str:
        return f"dir:{self._root}"

    def create(self, key: str, body: bytes) -> bool:
        final = self._path(key)
        with _explained(final):
            self._settle(final.parent)
            temp = self._write_temp(body)
        try:
            self._link(temp, final)
        except FileExistsError:
            return self._is_ours(final, body)
        except OSError as error:
            self._settled.clear()                    # its folder may be gone: the next try makes and syncs it anew
            if error.errno in _NO_LINKS or error.errno in _REMEDIES:
                raise _refusal(error, final, linking=True) from error
            raise _in_doubt(error, final) from error
        finally:
            with contextlib.suppress(OSError):       # left behind, it is swept a day later
                temp.unlink()
        self._make_durable(final)
        return True

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        with _explained(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

    def list(self, prefix: str) -> Iterator[str]:
        folder, _, _ = store.checked_prefix(prefix).rpartition("/")
        yield from self._walk(folder, prefix)

    def age(self, key: str) -> float | None:
        path = self._path(key)
        with _explained(path):
            try:
                born = path.stat().st_mtime_ns
            except (FileNotFoundError, NotADirectoryError):
                return None
            return (self._clock_ns() - born) / 1e9

    def now(self) -> datetime:
        with _explained(self._root):
            self._settle(self._root)
            return datetime.fromtimestamp(self._clock_ns() / 1e9, UTC)

    def link(self, key: str, kind: str, lives_s: float) -> str | None:  # noqa: ARG002
        return None

    def probe(self) -> None:
        store.probe(self)
        self.sweep()

    def sweep(self) -> int:
        """Removes temp files older than a day, left by killed writers; their number."""
        with _explained(self._root):
            self._settle(self._root)
            oldest = self._clock_ns() - int(_DAY_S * 1e9)
            old = [found for found in self._root.glob(f"{_TEMP}*") if _born(found, oldest) < oldest]
            for temp in old:
                temp.unlink(missing_ok=True)
            return len(old)

    def _path(self, key: str) -> Path:
        return self._root / store.checked_key(key)

    def _settle(self, folder: Path) -> None:
        """`folder` exists and would after a power cut, also if it was another process that made it just now."""
        if folder in self._settled:
            return
        if folder == self._root:
            missing = [p for p in (folder, *folder.parents) if not p.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for made in missing:
                self._sync(made.parent)
            with contextlib.suppress(PermissionError):  # a folder above need not be readable by us
                self._sync(folder.parent)
        else:
            self._settle(folder.parent)
            try:
                folder.mkdir(exist_ok=True)
            except FileNotFoundError:                   # somebody took away what was on disk: all is made anew
                self._settled.clear()
                self._settle(folder.parent)
                folder.mkdir(exist_ok=True)
            self._sync(folder.parent)
        if len(self._settled) > MOST_SETTLED:
            self._settled.clear()                       # they are synced once more
        self._settled.add(folder)

    def _write_temp(self, body: bytes) -> Path:
        """A temp file with `body`, on disk. All live in the root, so that one look finds those left behind."""
        temp = self._root / f"{_TEMP}{secrets.token_hex(16)}"
        try:
            with temp.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                temp.unlink()
            raise
        return temp

    def _is_ours(self, final: Path, body: bytes) -> bool:
        with _explained(final):
            if final.read_bytes() != body:
                return False
        self._make_durable(final)       # an earlier try may have failed exactly there
        return True

    def _make_durable(self, final: Path) -> None:
        try:
            self._sync(final.parent)
        except OSError as error:
            raise _in_doubt(error, final) from error

    def _clock_ns(self) -> int:
        """Now, by the clock that stamps the files (of a network file system: perhaps not this machine's)."""
        temp = self._write_temp(b"")
        try:
            return temp.stat().st_mtime_ns
        finally:
            temp.unlink(missing_ok=True)

    def _walk(self, folder: str, prefix: str) -> Iterator[str]:
        path = self._root / folder
        with _explained(path):
            try:
                with os.scandir(path) as found:
                    # a folder sorts as its keys do: with the slash
                    names = sorted(e.name + "/" if e.is_dir() else e.name for e in found if e.name[0] != ".")
            except (FileNotFoundError, NotADirectoryError):
                return
        for name in names:
            key = f"{folder}/{name}" if folder else name
            if not name.endswith("/"):
                if key.startswith(prefix):
                    yield key
            elif key.startswith(prefix) or prefix.startswith(key):
                yield from self._walk(key[:-1], prefix)


def _in_doubt(error: OSError, final: Path) -> Unanswered:
    return Unanswered(f"{final} may or may not be on disk: {error.strerror}",
                      remedy="look at that disk, then try again")


def _born(path: Path, otherwise: int) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return otherwise


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refusal(error, path, linking=False) from error


def _refusal(error: OSError, path: Path, *, linking: bool) -> StoreError:
    if linking and error.errno in _NO_LINKS:
        return StoreError(f"the file system of {path} has no hard links ({error.strerror}): two publishers could not "
                          "tell who was first", remedy="name a folder on a local disk with --archive dir:PATH")
    remedy = _REMEDIES.get(error.errno or 0, "look at that disk, or name another folder with --archive dir:PATH")
    named = Path(os.fsdecode(error.filename)) if error.filename else path
    place = named.parent if named.name.startswith(_TEMP) else named
    return StoreError(f"the archive cannot use {place}: {error.strerror or error}", remedy=remedy)
