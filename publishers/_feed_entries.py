"""What a feed keeps of one item: an entry, written once as JSON, and never again.

The three feed files are made of entries alone; so whatever happens to them, they can be made anew, byte for byte.
"""
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from schemas.model import Value

KEY = re.compile(r"[a-z2-7]{24}")        # what `idempotency_key` makes
FOLDER = "entries/"
TAKEN_BACK = b"taken back\n"
"""What stands in the place of an item that was withdrawn: the folder may be open to the world, words and all."""
_ENTRY = re.compile(rf"{FOLDER}(?P<key>{KEY.pattern})\.(?P<kind>json|gone)")
_MEDIA = re.compile(r"media/[0-9a-f]{64}\.[a-z0-9]{1,8}")
# XML 1.0 (fifth edition), section 2.2: Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-…];
# read 2026-11-22. A carriage return would come back as a line end, so it is made one before.
_UNWRITABLE = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Kept(Value):
    """One file that goes with an item. `path` is its name below the destination."""

    path: str
    type: str
    size: int                            # bytes
    alt: str = ""


class Entry(Value):
    """One item as it was published. `id` and `date` stay what they were on the first day."""

    v: int = 1
    key: str
    id: str
    date: datetime                       # UTC
    title: str | None = None
    text: str
    html: str
    link: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    media: tuple[Kept, ...] = ()

    def written(self) -> bytes:
        """The one way to write it."""
        value = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"



class Listed(NamedTuple):
    """What stands in the folder of entries: keys, newest first as the store dates them, without those taken back."""

    newest: tuple[str, ...]
    gone: frozenset[str]


def entry_of(request: Mapping[str, Any], key: str, id: str, date: datetime, media: Sequence[Kept]) -> Entry:
    return Entry(key=key, id=id, date=date, media=tuple(media), **request)


def read_entry(data: bytes) -> Entry | None:
    """The entry that these bytes are; None for anything else."""
    try:
        entry = Entry.model_validate_json(data)
    except ValueError:
        return None
    media = all(_MEDIA.fullmatch(one.path) for one in entry.media)
    aware = entry.date.tzinfo is not None
    return entry if media and aware and KEY.fullmatch(entry.key) else None


def listed(names: Mapping[str, datetime]) -> Listed:
    """What the names in a store mean, with the moments at which they were written; others than ours do not count."""
    found: dict[str, datetime] = {}
    gone: set[str] = set()
    for name, at in names.items():
        if match := _ENTRY.fullmatch(name):
            if match["kind"] == "gone":
                gone.add(match["key"])
            else:
                found[match["key"]] = at
    alive = [key for key in found if key not in gone]
    return Listed(tuple(sorted(sorted(alive), key=found.__getitem__, reverse=True)), frozenset(gone))


def place_of(key: str) -> str:
    return f"{FOLDER}{key}.json"


def mark_of(key: str) -> str:
    """Where it says that an item was taken back."""
    return f"{FOLDER}{key}.gone"


def identity(site_url: str, date: datetime, key: str) -> str:
    """The name of an item for ever, as a `tag:` address (RFC 4151, read 2026-11-22): no other feed can have it."""
    host = re.sub(r"^https?://|[/:?#].*$", "", site_url.lower()) or "localhost"
    return f"tag:{host},{date:%Y-%m-%d}:{key}"


def stamp(moment: datetime) -> str:
    """RFC 3339, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def writable(text: str) -> str:
    """The text with the line ends of this program, and without what XML 1.0 cannot hold."""
    return _UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
