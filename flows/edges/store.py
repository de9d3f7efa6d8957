"""The archive's one primitive: an object is created once, and never changed after.

Two kinds keep the same promise: a directory (the default) and an S3 bucket. See exactly-once, section 4.
"""
import re
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from schemas.errors import SettingsError, StoreError

# A name is 1 to 80 characters; index keys join up to three of them with `~`.
_NAME = r"[a-z0-9_-][a-z0-9._-]{0,79}"
_KEY_PART = re.compile(rf"{_NAME}(~{_NAME}){{0,2}}")


class Unanswered(StoreError):
    """Nobody knows whether the object was created. Creating the same bytes at the same key again is safe."""


class Store(Protocol):
    """Objects under keys such as `v1/ledger/...`. Every method raises StoreError when the place does not answer."""

    @property
    def address(self) -> str:
        """What a person would type after `--archive`. Holds no secret."""
        ...

    def create(self, key: str, body: bytes) -> bool:
        """True: the object exists and holds exactly `body`. False: it holds something else, which stays.

        Raises Unanswered when the outcome is unknown, StoreError when nothing can be created.
        """
        ...

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None if there is no such object."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, in the order of the keys."""
        ...

    def age(self, key: str) -> float | None:
        """Seconds since the object was created, by the store's own clock; None if there is no such object."""
        ...

    def now(self) -> datetime:
        """The store's own clock, UTC."""
        ...

    def probe(self) -> None:
        """Returns if create-once holds here. Leaves one small object under `v1/probe/`."""
        ...


def open_store(url: str, *, wait: Callable[[float], None] = time.sleep) -> Store:
    """The store at `dir:PATH` or `s3://bucket/prefix`. Talks to nobody yet. Raises SettingsError for another address.

    S3: credentials, region and endpoint come from the usual AWS variables and files. `wait` pauses, in seconds.
    """
    kind, _, rest = url.partition(":")
    if kind == "dir" and rest:
        from flows.edges._directory import DirectoryStore
        return DirectoryStore(rest)
    if kind == "s3" and rest.startswith("//"):
        bucket, _, prefix = rest[2:].partition("/")
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", bucket):
            from flows.edges._s3 import S3Store
            return S3Store(bucket, prefix.strip("/"), wait=wait)
        # the address is not quoted: what stands before an @ in it would be a password
        raise SettingsError("the archive's address names no S3 bucket", remedy="write s3://bucket/prefix")
    raise SettingsError(f'"{kind}:" is no kind of archive', remedy="write dir:PATH or s3://bucket/prefix")


def checked_key(key: str) -> str:
    """`key` itself. Raises StoreError if it has a name that some store could not keep as it is."""
    for part in key.split("/"):
        if _KEY_PART.fullmatch(part) is None:
            raise StoreError(f'"{part}" cannot be a name in the archive (key "{key}")',
                             remedy="use 1 to 80 characters of a-z, 0-9, dot, dash and underscore, no dot in front")
    return key


def checked_prefix(prefix: str) -> str:
    """`prefix` itself; its last name may be unfinished. Raises StoreError as `checked_key` does."""
    folder, _, begun = prefix.rpartition("/")
    if folder:
        checked_key(folder)
    if begun:
        checked_key(begun.rstrip("~"))
    return prefix


def probe(store: Store) -> None:
    """Returns if a second create is refused and the first bytes stay. Raises StoreError if not (threats, E5)."""
    key = f"v1/probe/{secrets.token_hex(16)}"
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    if not store.create(key, first):
        raise StoreError(f"{store.address} said that a name never used before exists: {key}", remedy=_UNFIT)
    if store.create(key, second) or store.get(key) != first:
        raise StoreError(f"{store.address} let a second writer replace {key}: a post could go out twice",
                         remedy=_UNFIT)


_UNFIT = ("use a store with conditional writes (If-None-Match: *), such as Amazon S3 or a recent MinIO, "
          "or a directory on a local disk")
