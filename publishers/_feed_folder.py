"""A feed in a folder of this machine: what a web server shows as it lies there.

An entry is written beside and hard-linked to its name, so that the first one stays and nobody sees half of it; feed
files are written beside and renamed.
"""
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from schemas.errors import PublishError, Unauthorized, Unavailable, Unconfirmed

_TEMP = ".tmp-"
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


class Folder:
    """A folder, which is made when the first thing is put there. Never raises Unconfirmed but from `create`."""

    def __init__(self, path: str) -> None:
        self._root = Path(path)

    @property
    def address(self) -> str:
        return f"dir:{self._root}"

    def create(self, name: str, body: bytes, type: str) -> bytes | None:  # noqa: ARG002
        """None when it is there now; else the bytes that were there before, and are still."""
        with _explained():
            final = self._below(name)
            temp = self._beside(final, body)
        try:
            os.link(temp, final)
        except FileExistsError:
            with _explained():
                return final.read_bytes()
        except OSError as error:
            raise _refusal(error) from None
        finally:
            with suppress(OSError):
                temp.unlink()
        try:
            _sync(final.parent)
        except OSError as error:
            raise Unconfirmed(f"the entry may or may not be on the disk: {error.strerror}") from None
        return None

    def begin_anew(self) -> None:
        """A disk has no deadline."""

    def put(self, name: str, body: bytes, type: str) -> None:  # noqa: ARG002
        with _explained():
            final = self._below(name)
            temp = self._beside(final, body)
            try:
                temp.replace(final)
            finally:
                temp.unlink(missing_ok=True)
            _sync(final.parent)

    def get(self, name: str) -> bytes | None:
        with _explained():
            try:
                return (self._root / name).read_bytes()
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> dict[str, datetime]:
        """What is in a folder, and since when."""
        with _explained():
            try:
                with os.scandir(self._root / folder) as found:
                    return {folder + one.name: _moment(one.stat()) for one in found
                            if one.is_file(follow_symlinks=False) and not one.name.startswith(_TEMP)}
            except FileNotFoundError:
                return {}

    def now(self) -> datetime:
        """By the clock that stamps the files there."""
        with _explained():
            temp = self._beside(self._below("now"), b"")
            try:
                return _moment(temp.stat())
            finally:
                temp.unlink(missing_ok=True)

    def _below(self, name: str) -> Path:
        final = self._root / name
        final.parent.mkdir(parents=True, exist_ok=True)
        return final

    def _beside(self, final: Path, body: bytes) -> Path:
        """A file beside `final` with `body`, on the disk, as readable as others that this user makes."""
        temp = final.parent / f"{_TEMP}{secrets.token_hex(16)}"
        try:
            with temp.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                temp.unlink()
            raise
        return temp


def _moment(stat: os.stat_result) -> datetime:
    return datetime.fromtimestamp(stat.st_mtime_ns // 1_000_000 / 1_000, UTC)


def _sync(folder: Path) -> None:
    """The names in `folder` would survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refusal(error) from None


def _refusal(error: OSError) -> PublishError:
    if error.errno in _CLOSED:
        return Unauthorized(f"the folder of the feed cannot be used: {error.strerror}; let this user write there, on a "
                            "disk with hard links")
    return Unavailable(f"the folder of the feed cannot be used: {error.strerror}")
