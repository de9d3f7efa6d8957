"""What every network adapter promises: two methods that think, two that talk.

No adapter sleeps, retries, reads a clock or keeps state between calls; SDK types and errors stay inside its file.
"""
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from pydantic import SecretStr

from schemas.ledger import Found, Lookup, PartReceipt, Slot
from schemas.message import Message
from schemas.model import Value
from schemas.problem import Problem

__all__ = ["CONNECT_TIMEOUT_S", "REQUEST_TIMEOUT_S", "Connection", "Found", "Identifies", "Limits", "Outgoing",
           "OutgoingPart", "Prepares", "Publisher", "Sent", "room"]

CONNECT_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 60.0
_NO_NUMBERS = {"unit", "image_types", "image_ratio", "source", "read"}


class Limits(Value):
    """What one network takes. `None`: no limit known. A channel's `limits:` overrides any of the numbers."""

    text: int | None
    unit: str                            # what `text` counts: "weighted characters", "characters", "graphemes"
    comment: int | None = None           # length of a first comment, same unit
    link_length: int | None = None       # what any link counts as; None: its own length
    alt: int | None = None               # characters of alt text
    images: int
    image_bytes: int
    image_types: tuple[str, ...]         # file name endings, lower case, without the dot
    image_pixels: int | None = None      # width × height at most
    image_side: int | None = None        # the longer side at most, in pixels
    image_ratio: tuple[float, float] | None = None      # width / height: at least, at most
    gif_pixels: int | None = None        # width × height of a GIF, where that is another number
    parts: int | None = None             # posts in a thread; 1: no threads
    per_hour: int = 25                   # posts an account makes in an hour at most: our flood fuse, not the network's
    pace_s: float = 0.0                  # between two posts of an account at least, where the network wants it so
    source: str                          # where the numbers come from
    read: date                           # when they were read there

    def with_overrides(self, overrides: Mapping[str, int]) -> "Limits":
        """These limits with a channel's own numbers in place; names that are no number here are ignored."""
        numbers = type(self).model_fields.keys() - _NO_NUMBERS
        return self.model_copy(update={k: v for k, v in overrides.items() if k in numbers})


class OutgoingPart(Value):
    """One create call as data. `request` is the body as the network documents it, before media ids and reply ids."""

    kind: str                            # "post" or "comment"
    text: str                            # the text inside `request`, for read-back
    request: dict[str, Any]
    media: tuple[str, ...] = ()          # sha256 or blob of each file, in order: the keys of `Sent.handles`
    alts: tuple[str, ...] = ()           # alt text for each of `media`, "" for none
    names: tuple[str, ...] = ()          # file name for each of `media`
    key: str                             # idempotency key


class Outgoing(Value):
    """Exactly what will be sent, in order. The rendered payload: kept in the archive, hashed into the claim."""

    slot: Slot
    network: str
    account: str
    parts: tuple[OutgoingPart, ...]

    def canonical(self) -> bytes:
        """The one way to write it as JSON: UTF-8, keys sorted, no spaces."""
        value = self.model_dump(mode="json")
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")

    def media(self) -> tuple[str, ...]:
        """Every file needed, once, in order of first use."""
        return tuple(dict.fromkeys(m for part in self.parts for m in part.media))


class Sent(NamedTuple):
    """What is live already, in part order, and the network's handles of uploaded media by `OutgoingPart.media`."""

    parts: tuple[PartReceipt, ...] = ()
    handles: Mapping[str, str] = {}


class Connection(NamedTuple):
    """How to reach one account: its credentials, and where. `address` replaces the network's own (rehearsal)."""

    account: str
    credentials: Mapping[str, SecretStr] = {}
    address: str | None = None           # "http://127.0.0.1:PORT", no trailing slash
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    request_timeout_s: float = REQUEST_TIMEOUT_S

    def secret(self, field: str) -> str:
        return self.credentials[field].get_secret_value()


@runtime_checkable
class Publisher(Protocol):
    """One account on one network."""

    network: ClassVar[str]               # the file's name and the word in channels.yaml
    needs: ClassVar[tuple[str, ...]]     # credential fields, lower case
    wants: ClassVar[tuple[str, ...]]     # fields that may be set beside them
    limits: ClassVar[Limits]
    lookup: ClassVar[Lookup]             # how a lost answer may be looked up

    def __init__(self, connection: Connection) -> None: ...

    def check(self, message: Message) -> list[Problem]:
        """Every reason why the network would refuse the message. Pure; needs no credential."""
        ...

    def length(self, text: str) -> int:
        """How long the network counts `text`, in `limits.unit`."""
        ...

    def compose(self, message: Message) -> Outgoing:
        """Exactly what will be sent. Pure; needs no credential."""
        ...

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """One create call, once. Raises a PublishError."""
        ...

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """Posts of the account since `since` (UTC) that say what part `part` says. Raises a PublishError."""
        ...


    def receipt_of(self, address: str) -> PartReceipt:
        """The receipt of a post that a person found at `address`: its web address, or the network's own id.

        Pure; needs no credential. Raises ValueError that says what such an address looks like.
        """
        ...


def room(publisher: Publisher, overrides: Mapping[str, int], kind: str) -> int | None:
    """How long a part of `kind` may be on a channel with these `limits:`, in `limits.unit`; None: any length."""
    limits = publisher.limits.with_overrides(overrides)
    return limits.comment if kind == "comment" and limits.comment is not None else limits.text


@runtime_checkable
class Prepares(Protocol):
    """A network that takes media before the post. May be repeated freely: an unattached upload is invisible."""

    handles_live_s: ClassVar[float]      # so long after its upload a file can certainly be attached
    handles_are_shared: ClassVar[bool]   # whether several posts may attach the same upload

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Handles for the media of one part, by `OutgoingPart.media`. `read` gives the bytes. Raises a PublishError."""
        ...


@runtime_checkable
class Identifies(Protocol):
    """A network that tells whose credentials these are."""

    def account_id(self) -> str:
        """The network's own id of the account: it stays when the name changes. Raises a PublishError."""
        ...
