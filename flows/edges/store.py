"""The archive's one primitive: an object is created once, and never changed after.

Two kinds keep the same promise: a directory (the default) and an S3 bucket. See exactly-once, section 4.
"""
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from schemas.errors import SettingsError, StoreError

A = TypeVar("A")
B = TypeVar("B")
PAGE = 1000         # keys in one answer to a listing, as S3 has it
AT_ONCE = 16        # requests that are out together when many are asked for
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

    def link(self, key: str, kind: str, lives_s: float) -> str | None:
        """An address at which anybody may read the object for so long, as media type `kind`; None: there is none."""
        ...

    def probe(self) -> None:
        """Returns if create-once holds here. Leaves one small object under `v1/probe/`."""
        ...


class Counted:
    """A store as it is, with a count of what it was asked. Repetitions after a fault are not counted.

    A listing counts once for each started thousand of keys that were taken from it, whatever kind of store it is.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._counting = threading.Lock()
        self.lists = self.reads = self.writes = 0

    def __str__(self) -> str:
        return f"store: {self.lists} lists, {self.reads} reads, {self.writes} writes"

    @property
    def address(self) -> str:
        return self._inner.address

    def create(self, key: str, body: bytes) -> bool:
        self._count(writes=1)
        return self._inner.create(key, body)

    def get(self, key: str) -> bytes | None:
        self._count(reads=1)
        return self._inner.get(key)

    def list(self, prefix: str) -> Iterator[str]:
        self._count(lists=1)
        for number, key in enumerate(self._inner.list(prefix)):
            if number and number % PAGE == 0:
                self._count(lists=1)
            yield key

    def age(self, key: str) -> float | None:
        self._count(reads=1)
        return self._inner.age(key)

    def now(self) -> datetime:
        self._count(lists=1)
        return self._inner.now()

    def link(self, key: str, kind: str, lives_s: float) -> str | None:
        return self._inner.link(key, kind, lives_s)

    def probe(self) -> None:
        probe(self)

    def _count(self, *, lists: int = 0, reads: int = 0, writes: int = 0) -> None:
        with self._counting:
            self.lists, self.reads, self.writes = self.lists + lists, self.reads + reads, self.writes + writes


def ahead(ask: Callable[[A], B], wanted: Iterable[A], *, at_once: int = AT_ONCE) -> Iterator[B]:
    """`ask` of each one wanted, in order, with so many out at a time: a far store answers one by one too slowly.

    Raises what `ask` raises, once its turn comes. `wanted` is read as it is needed.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="store")
    out: deque[Future[B]] = deque()
    try:
        for one in wanted:
            out.append(pool.submit(ask, one))
            if len(out) >= 4 * at_once:
                yield out.popleft().result()
        while out:
            yield out.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


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
