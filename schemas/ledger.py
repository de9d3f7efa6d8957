"""What was tried and what is known to exist: slots, records, receipts."""
import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from pydantic import Field

from schemas.model import Value

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
    account_id: str | None = None   # the network's own id of that account; None: the network tells none


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
    detail: dict[str, Any] = Field(default_factory=dict)


class Entry(NamedTuple):
    """A record and the very bytes that the archive keeps of it: the next record is chained to the bytes."""

    record: Record
    raw: bytes

    @property
    def seal(self) -> str:
        """sha256 of the bytes: `prev` of the next record, and of the last record the seal of the whole ledger."""
        return hashlib.sha256(self.raw).hexdigest()


class Evidence(Value):
    """What a worker learned after another one had taken the slot over. `receipt` None: the part is proven absent."""

    v: Literal[1] = 1
    nonce: str
    worker: str
    epoch: int                      # of the claim under which it sent
    at: datetime
    part: int
    attempt: int
    receipt: PartReceipt | None
    detail: dict[str, Any] = Field(default_factory=dict)


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
    withdrawn = "withdrawn"     # published, and taken back by a person: shown so, while the ledger stays as it is


class Receipt(Value):
    """How one slot ended: the body of its line in `v1/done/`, and a line of its month. Made from the ledger alone."""

    v: Literal[1] = 1
    slot: str
    state: State                    # published, failed, skipped or missed
    due: datetime                   # UTC, as the last claim has it
    at: datetime                    # of the last record
    parts: tuple[PartReceipt, ...]  # what is live
    reason: str | None
    failure: str | None = None      # of what failed: its class, such as "unauthorized"
    records: int                    # how long the ledger was then
    seal: str                       # sha256 of its last record's bytes


class Withdrawal(Value):
    """A post taken back by a person: who, why, and what became of each part. `left`: what is still there, and why."""

    v: Literal[1] = 1
    slot: str
    by: str
    reason: str
    at: datetime                    # UTC
    gone: tuple[PartReceipt, ...]
    left: tuple[PartReceipt, ...] = ()
    why: str | None = None


def canonical(value: Value) -> bytes:
    """The one way to write it as JSON: UTF-8, keys sorted, no spaces."""
    made = json.dumps(value.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False,
                      allow_nan=False)
    return made.encode("utf-8", "replace")      # half a surrogate pair from a network must not stop a receipt


class Repeat(StrEnum):
    """What a network makes of the same create call made twice (exactly-once, section 8)."""

    keyed = "K"         # honours our key: it answers with the first post again, for as long as the key lives
    refused = "D"       # refuses a repeat, without naming the first post
    plain = "R"         # makes a second post; the account's posts can be read back
    blind = "Z"         # makes a second post, and nothing can be read back


class Lookup(NamedTuple):
    """How a lost answer may be looked up at a network. An adapter declares it; times in seconds."""

    repeat: Repeat
    quiet_s: float = 120.0      # after its time-out a call may still take effect for so long
    key_lives_s: float = 0.0    # `keyed`: so long after the first try the key is certainly still known


class Found(NamedTuple):
    """What a look at the account says. `complete`: every post since the asked moment was read."""

    matches: tuple[PartReceipt, ...]
    complete: bool


class Doubt(NamedTuple):
    """A part that may or may not exist: its `sending` has no proven end. Ages come from the store, by `seq`."""

    part: int
    attempt: int                    # of the last `sending`
    seq: int                        # of the last `sending`
    epoch: int                      # of the claim under which the last `sending` was written
    first_seq: int                  # of the part's first `sending` ever: from then the network may know our key
    since: datetime                 # `at` of the first `sending` that is in doubt, UTC by its writer's clock
    send_window_s: float
    request_timeout_s: float


class Standing(NamedTuple):
    """Where one slot stands: what its ledger says, folded. Made by `flows.planning.folding`."""

    slot: Slot
    last: Entry | None = None               # None: nothing was ever recorded
    state: State = State.planned
    epoch: int = 0                          # counts claims
    worker: str | None = None               # who wrote the last claim
    claim_seq: int | None = None            # record of the last claim: its age is the age of the lease
    pin: Pin | None = None
    parts: tuple[PartReceipt, ...] = ()     # what is live, in part order
    doubt: Doubt | None = None
    attempts: Mapping[int, int] = {}        # part -> `sending` records since it was last known absent by a person
    first_sending: Mapping[int, int] = {}   # part -> seq of its first `sending`
    repeats: int = 0                        # `sending` records of the part under way that were written in doubt
    retry_at: datetime | None = None        # not before, UTC; None: whenever due
    reason: str | None = None               # why it is where it is
    claimed_at: datetime | None = None      # first claim
    published_at: datetime | None = None

    @property
    def kind(self) -> Kind | None:
        return self.last.record.kind if self.last else None

    @property
    def seq(self) -> int:
        return self.last.record.seq if self.last else 0

    @property
    def seal(self) -> str | None:
        """sha256 of the last record's bytes: stands for the whole ledger in the month's manifest."""
        return self.last.seal if self.last else None

    @property
    def changed_at(self) -> datetime | None:
        return self.last.record.at if self.last else None

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(part.url for part in self.parts if part.url)

    @property
    def nothing_sent(self) -> bool:
        """No part is live, and none can become so: every call made is proven to have done nothing."""
        return not self.parts and self.doubt is None


class Upload(Value):
    """A file on a network, uploaded but perhaps attached to nothing yet: the body of `v1/upload/…`. Times are UTC."""

    v: Literal[1] = 1
    handle: str                     # what the network calls it
    alt: str                        # the alt text that went with it; empty: none
    at: datetime
    expires_at: datetime            # until then it can be attached
    slot: str                       # for which it was made
    part: int
    shared: bool                    # whether other slots may attach it too
