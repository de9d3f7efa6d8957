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

__all__ = ["CONNECT_TIMEOUT_S", "DRAFT", "REQUEST_TIMEOUT_S", "Authorizes", "Connection", "Drafts", "Fetches",
           "Found", "Identifies", "Limits", "Locates", "Option", "Outgoing", "OutgoingPart", "Prepares", "Prices",
           "Publisher", "Refreshes", "Sent", "Setup", "Verified", "Verifies", "Withdraws", "room"]

CONNECT_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 60.0
DRAFT = "draft"
"""The key of `Sent.handles` under which a part's draft is found; every other key names a file."""
_NO_NUMBERS = {"unit", "image_types", "image_ratio", "video_types", "video_seconds", "poll_seconds", "document_types",
               "needs_media", "mixes_media", "source", "read"}


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
    videos: int = 0                      # in one post
    video_bytes: int | None = None
    video_types: tuple[str, ...] = ()    # file name endings, as above
    video_seconds: tuple[float, float] | None = None    # at least, at most
    documents: int = 0                   # files of `document_types` in one post
    document_bytes: int | None = None
    document_types: tuple[str, ...] = ()
    needs_media: bool = False            # a post of words alone is refused
    mixes_media: bool = False            # pictures and videos may stand in one post
    title: int | None = None             # characters of a title; 0: the network has none
    hashtags: int | None = None          # in one post at most
    poll_options: int = 0                # answers of a poll at most; 0: no polls
    poll_option: int | None = None       # length of one answer, in characters
    poll_seconds: tuple[int, int] | None = None         # how long a poll may run: at least, at most
    parts: int | None = None             # posts in a thread; 1: no threads
    per_hour: int = 25                   # posts an account makes in an hour at most: our flood fuse, not the network's
    pace_s: float = 0.0                  # between two posts of an account at least, where the network wants it so
    source: str                          # where the numbers come from
    read: date                           # when they were read there

    def with_overrides(self, overrides: Mapping[str, int]) -> "Limits":
        """These limits with a channel's own numbers in place; names that are no number here are ignored."""
        numbers = type(self).model_fields.keys() - _NO_NUMBERS
        return self.model_copy(update={k: v for k, v in overrides.items() if k in numbers})


class Option(NamedTuple):
    """Something of a network's own that channels and posts may choose: `options:` in channels.yaml and front matter."""

    name: str
    means: str                           # one line for people
    values: tuple[str, ...] = ()         # the words it may be; for a flag "true" and "false"; empty: any text
    many: bool = False                   # a list of them


class Setup(NamedTuple):
    """What a person does once, before an account can be used. Every text is for people, one or two sentences."""

    app: str                             # which account, which app, where it is made
    fields: Mapping[str, str]            # each credential field (`needs` and `wants`): where it is found
    scopes: tuple[str, ...] = ()         # the permissions to ask for, as the network calls them
    expires: str = "Does not expire."    # how long the credential lives, and what ends it
    review: str = "None."                # what the network wants to see before it lets an app post in public
    costs: str = "Free."
    page: str = ""                       # address of the network's own documentation


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
    setup: ClassVar[Setup]
    options: ClassVar[tuple[Option, ...]]
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
class Fetches(Protocol):
    """A network that fetches media itself, from an address open to the world. Else as `Prepares`."""

    handles_live_s: ClassVar[float]
    handles_are_shared: ClassVar[bool]
    addresses_last: ClassVar[bool]       # readers see media at the address itself: it must answer for good

    def fetch(self, outgoing: Outgoing, part: int, address: Callable[[str], str]) -> dict[str, str]:
        """Handles for the media of one part. `address` gives a file's https address. Raises a PublishError."""
        ...


@runtime_checkable
class Drafts(Protocol):
    """A network where a part exists, unseen, before it is published: a draft, a container, an upload session.

    `publish` then publishes that very draft (`so_far.handles[DRAFT]`), and publishing it again changes nothing; so its
    `lookup` is `keyed`. The handle is recorded before the call, and every later attempt gets the same one and nothing
    else: neither `publish` nor `find` may need the handles of files.
    """

    handles_live_s: ClassVar[float]      # so long after it was made a draft can certainly be published

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """Make the draft of one part; the answer is its handle. Whatever it leaves behind is unseen.

        `so_far.handles` holds the media of the part. Raises a PublishError, never Unconfirmed.
        """
        ...


@runtime_checkable
class Locates(Protocol):
    """A network whose yes to a post does not say where people see it."""

    def locate(self, receipt: PartReceipt) -> str | None:
        """The web address of a post that is out; None: it has none. Reads only. Raises a PublishError."""
        ...


@runtime_checkable
class Withdraws(Protocol):
    """A network where a post can be taken back."""

    def withdraw(self, receipt: PartReceipt) -> None:
        """The post is gone; one that is not there any more counts as gone. Raises a PublishError."""
        ...


class Verified(NamedTuple):
    """What a harmless call says of the credentials."""

    account: str                         # as the network calls it, for people
    account_id: str | None = None
    scopes: tuple[str, ...] | None = None       # None: the network does not tell
    expires_at: datetime | None = None   # UTC; None: it does not tell, or never
    warnings: tuple[str, ...] = ()       # what is missing or too much, each with what to do
    lacks: tuple[str, ...] = ()          # permissions without which posts fail; each stands in a warning


@runtime_checkable
class Verifies(Protocol):
    """A network that tells what its credentials are good for."""

    def verify(self) -> Verified:
        """Reads only. Raises a PublishError, never Unconfirmed."""
        ...


@runtime_checkable
class Refreshes(Protocol):
    """A network whose credential dies young and can be renewed without a person."""

    refresh_ahead_s: ClassVar[float]     # renewed so long before its end

    def refresh(self) -> dict[str, str]:
        """Every credential field that is new, and `expires_at` (RFC 3339, UTC) if it is known; none is empty.

        May be a one-time exchange: it is never called twice at once for an account. Raises a PublishError.
        """
        ...


@runtime_checkable
class Authorizes(Protocol):
    """A network where a person says yes in a browser (OAuth). Only the app's own fields are set by then."""

    app_fields: ClassVar[tuple[str, ...]]       # the fields that must be there before

    def authorization(self, redirect: str, state: str, verifier: str) -> str:
        """The page to open. `verifier`: a PKCE code verifier (RFC 7636), for networks that use it. Pure."""
        ...

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:
        """The credential fields that the answer of that page buys, and `expires_at`. Raises a PublishError."""
        ...


@runtime_checkable
class Prices(Protocol):
    """A network that costs money by the post."""

    def price(self, outgoing: Outgoing) -> float:
        """What sending it costs, in USD, as documented. Pure."""
        ...


@runtime_checkable
class Identifies(Protocol):
    """A network that tells whose credentials these are."""

    def account_id(self) -> str:
        """The network's own id of the account: it stays when the name changes. Raises a PublishError."""
        ...
