"""What was tried and what is known to exist: slots, records, receipts."""
import base64
import hashlib
import re
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from schemas import Value

_SLOT = re.compile(r"(?P<post>[a-z0-9/-]+)@(?P<channel>[a-z0-9-]+)#(?P<run>[0-9]+)")


class Slot(NamedTuple):
    """One post on one channel, once. Written `<post id>@<channel>#<run>`; the post's revision is no part of it."""

    post: str
    channel: str
    run: str = "1"

    def __str__(self) -> str:
        return f"{self.post}@{self.channel}#{self.run}"

    @classmethod
    def parse(cls, text: str) -> "Slot":
        """Raises ValueError when `text` is not a slot."""
        match = _SLOT.fullmatch(text)
        if match is None:
            raise ValueError(f'"{text}" is not a slot; a slot looks like posts/hello@mastodon#1')
        return cls(match["post"], match["channel"], match["run"])

    @property
    def folder(self) -> str:
        """Its place in the archive: `<post>/<channel>/<run>`, the post's `/` written as `.`."""
        return f"{self.post.replace('/', '.')}/{self.channel}/{self.run}"

    @classmethod
    def from_folder(cls, folder: str) -> "Slot":
        """The slot of `<post>/<channel>/<run>`; ids hold no dot, so the first one was a `/`."""
        post, channel, run = folder.split("/")
        return cls(post.replace(".", "/"), channel, run)


def idempotency_key(slot: Slot, part: int) -> str:
    """24 characters, the same for every attempt and every revision of one part (fits Mastodon and Discord)."""
    digest = hashlib.sha256(f"{slot}|{part}".encode()).digest()
    return base64.b32encode(digest).decode()[:24].lower()


class Kind(StrEnum):
    """What one record says."""

    claim = "claim"
    released = "released"
    sending = "sending"
    notsent = "notsent"
    unknown = "unknown"
    sent = "sent"
    published = "published"
    failed = "failed"
    skipped = "skipped"
    held = "held"
    resolved = "resolved"
    reopened = "reopened"


class Pin(Value):
    """Exactly what a claim promised to send; after the first part is live it comes from here, not from Git."""

    commit: str
    blob: str
    media: tuple[str, ...] = ()     # sha256 of each file's bytes as uploaded, in order of first use
    payload: str                    # sha256 of the rendered payload, kept at v1/payload/<sha256>.json
    account: str                    # the channel's handle: which account of the network


class PartReceipt(Value):
    """The network's own word for one part: its id, and where people see it."""

    id: str
    url: str | None = None


class Record(Value):
    """One immutable object of a slot's ledger. `at` is UTC by the writer's clock; `prev` chains the ledger."""

    v: Literal[1] = 1
    seq: int
    kind: Kind
    nonce: str
    worker: str
    epoch: int
    prev: str | None
    at: datetime
    pin: Pin | None = None
    part: int | None = None
    attempt: int | None = None
    send_window_s: float | None = None
    request_timeout_s: float | None = None
    key: str | None = None
    detail: dict[str, Any] = {}


class State(StrEnum):
    """The words people read."""

    planned = "planned"
    waiting = "waiting"
    publishing = "publishing"
    published = "published"
    unknown = "unknown"
    held = "held"
    failed = "failed"
    missed = "missed"
    skipped = "skipped"
