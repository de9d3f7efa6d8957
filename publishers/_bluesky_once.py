"""What makes two sends of one part the same record: its key, and what was settled before the first send.

Sources: atproto.com/specs/tid and /specs/record-key; the reference server's putRecord.ts, transactor.ts and
common-web/src/tid.ts (@atproto/pds 0.4.217); read 2026-11-22.
"""
import hashlib
import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from schemas.ledger import Slot, idempotency_key

COLLECTION = "app.bsky.feed.post"
RECORD_KEY = r"[2-7a-j][2-7a-z]{12}"
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_FIRST_MICROSECOND = 1_672_531_200_000_000      # 2023-01-01
_MICROSECONDS = 63_158_400_000_000              # two years: every key lies in the past, and after the network began
_FIRST_CLOCK, _CLOCKS = 32, 992                 # 0 to 31 are those of the reference code: no key of its apps is ours


def record_key(slot: Slot, part: int) -> str:
    """The key under which part `part` stands: a valid TID, the same for every attempt, later parts behind earlier.

    A TID holds a moment, which may have any value and which nobody trusts: the feed goes by `createdAt`. Ours is no
    moment of anything. It is made of the slot's own key alone, without a clock, so that even an archive that forgot
    the first attempt cannot make a second post: the same slot has the same key, and one key has one record.
    """
    digest = hashlib.sha256(f"bluesky|{idempotency_key(slot, 0)}".encode()).digest()
    moment = _FIRST_MICROSECOND + int.from_bytes(digest[:8]) % _MICROSECONDS + part
    return _written(moment << 10 | _FIRST_CLOCK + int.from_bytes(digest[8:12]) % _CLOCKS)


def is_record_key(text: str) -> bool:
    return re.fullmatch(RECORD_KEY, text) is not None


class Reference(NamedTuple):
    """A post as an answer to it names it: where it stands, and what stood there."""

    uri: str
    cid: str


class Settled(NamedTuple):
    """What only the network knows of a part, asked once: its handle as a draft, so that every attempt says the same.

    `did` is the account's lasting id, `at` what the record says of its making, `mentions` the lasting ids of accounts
    by the name that the text calls them; of a part that answers another, `root` is the first post, `parent` the last.
    `files` are its uploads as a record names them, in JSON: a later attempt is given the draft and nothing beside it.
    """

    did: str
    at: str
    mentions: Mapping[str, str] = {}
    root: Reference | None = None
    parent: Reference | None = None
    files: tuple[str, ...] = ()

    def uri(self, key: str) -> str:
        return f"at://{self.did}/{COLLECTION}/{key}"

    def handle(self) -> str:
        return json.dumps(self._asdict(), separators=(",", ":"), sort_keys=True)

    @classmethod
    def of(cls, handle: str) -> "Settled":
        """Raises ValueError for a handle that was not made here."""
        try:
            said = json.loads(handle)
            root, parent = (Reference(*said[name]) if said[name] else None for name in ("root", "parent"))
            return cls(str(said["did"]), str(said["at"]), {**said["mentions"]}, root, parent, tuple(said["files"]))
        except (KeyError, TypeError, RecursionError):
            raise ValueError("this is no draft of a Bluesky post") from None


def _written(number: int) -> str:
    """64 bits in 13 characters that sort as the numbers do."""
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(12, -1, -1))
