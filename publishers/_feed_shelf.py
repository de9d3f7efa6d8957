"""Where a feed lies, a folder or a bucket, and how its three files are made from what lies there."""
import re
from datetime import datetime
from typing import Protocol

from publishers._feed_entries import FOLDER, Entry, Listed, listed, place_of, read_entry
from publishers._feed_files import NEWEST, About, files
from publishers.base import Connection
from schemas.errors import Unauthorized, Unavailable

_ROUNDS = 10                             # how often others may write while the feed files are made
_READ = NEWEST + 10                      # entries that are read: the store may date them otherwise than they do


class Shelf(Protocol):
    """Where a feed lies. Never raises Unconfirmed but from `create`, which says None, or what was there before.

    `begin_anew`: the time that the connection allows begins now.
    """

    @property
    def address(self) -> str: ...
    def create(self, name: str, body: bytes, type: str) -> bytes | None: ...
    def put(self, name: str, body: bytes, type: str) -> None: ...
    def get(self, name: str) -> bytes | None: ...
    def names(self, folder: str) -> dict[str, datetime]: ...
    def now(self) -> datetime: ...
    def begin_anew(self) -> None: ...


def shelf_of(connection: Connection) -> Shelf:
    """Where the feed lies, with a deadline that begins now. Raises Unauthorized for a place that is none."""
    from publishers._feed_bucket import Bucket
    from publishers._feed_folder import Folder

    said = connection.secret("destination").strip()
    if connection.address is not None:
        # the double keeps the accounts apart by this key
        own = re.sub(r"[^a-z0-9-]", "-", said.removeprefix("rehearsal:").lower()).strip("-") or "feed"
        return Bucket(connection, "rehearsal", own, said)
    if said.startswith("dir:/"):
        return Folder(said.removeprefix("dir:"))
    if match := re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/+(.*?))?/*", said):
        return Bucket(connection, match[1], match[2] or "", None)
    raise Unauthorized("destination must be dir:/A/WHOLE/PATH or s3://BUCKET/PREFIX; nothing was written")


def make_files(about: About, shelf: Shelf) -> Listed:
    """The feed files hold what the entries say, and nothing came in between. Raises a PublishError.

    Whoever wrote a file from an older listing sees in the next one what it missed, and writes again: so however
    many publish at once, the last one to write has seen everything.
    """
    known: dict[str, Entry] = {}
    for _ in range(_ROUNDS):
        seen = listed(shelf.names(FOLDER))
        for key in seen.newest[:_READ]:
            if key not in known and (data := shelf.get(place_of(key))) is not None:
                entry = read_entry(data)
                if entry is not None and entry.key == key:
                    known[key] = entry
        for file in files(about, [known[key] for key in seen.newest[:_READ] if key in known]):
            if shelf.get(file.name) != file.body:
                shelf.put(file.name, file.body, file.type)
        if listed(shelf.names(FOLDER)) == seen:
            return seen
    raise Unavailable("others kept writing to the feed; its files are not certainly new")
