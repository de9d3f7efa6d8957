"""What a writer writes: front matter, and a body in sections."""
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SkipValidation

from schemas.model import Authored, Value
from schemas.notation import Address, Day, Duration, FixedSpan, Flag, Hashtag, LocalTime, Money, Ref, Zone
from schemas.place import Place, nearest

Intent = Literal["give", "respond", "inform", "ask"]
Funnel = Literal["awareness", "knowledge", "consideration", "conversion", "purchase", "loyalty", "advocacy"]
Setting = str | int | bool | tuple[str, ...]
ChannelRef = Annotated[str, Ref("channel")]


def _bare_file(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


class Utm(Authored):
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    content: str | None = None
    term: str | None = None
    id: str | None = None


class MediaUse(Authored):
    """A file in a post, with what is true of it here; the rest comes from `media/library.yaml`."""

    file: Annotated[str, Ref("media")]
    alt: str | None = None
    decorative: Flag = False
    captions: str | None = None
    transcript: str | None = None
    ai: Literal["none", "edited", "generated"] | None = None
    channels: tuple[ChannelRef, ...] = ()


class Poll(Authored):
    options: tuple[str, ...] = Field(min_length=2, max_length=4)
    for_: Duration | None = Field(default=None, alias="for")


class Ugc(Authored):
    creator: str | None = None
    permission: Literal["requested", "granted", "refused"] | None = None
    on: Day | None = None
    uses: tuple[Literal["organic", "paid", "print"], ...] = ()
    until: Day | None = None
    proof: str | None = None


class Disclosure(Authored):
    kind: Literal["ad", "gifted", "affiliate", "partner", "employee"] | None = None
    party: str | None = None
    label: str | None = None


class Promotion(Authored):
    money: Money | None = None
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None


class Head(Authored):
    """The front matter of a post. Every field may be left out; what is left out is inherited."""

    at: str | dict[str, str] | None = None          # read by `reading`, which knows its places
    slot: str | None = None
    after: str | None = None
    every: str | None = None
    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None
    runs: int | None = Field(default=None, ge=1)
    not_before: LocalTime | None = None
    not_after: LocalTime | None = None
    intent: Intent | None = None
    channels: tuple[ChannelRef, ...] | None = None
    tactic: Annotated[str, Ref("tactic")] | None = None
    goal: Annotated[str, Ref("social_goal")] | None = None
    funnel: Funnel | None = None
    audience: Annotated[str, Ref("audience")] | None = None
    pillar: Annotated[str, Ref("pillar")] | None = None
    origin: Literal["created", "curated", "ugc"] | None = None
    credit: str | None = None
    link: Address | None = None
    utm: Utm | None = None
    title: str | None = None
    warning: str | None = None
    options: dict[str, dict[str, Setting]] = Field(default_factory=dict)       # by channel, or by network
    media: tuple[Annotated[MediaUse, BeforeValidator(_bare_file)], ...] | None = None
    hashtags: tuple[Hashtag, ...] | None = None
    answers: tuple[str, ...] = ()
    idea: Annotated[str, Ref("idea")] | None = None
    invites_reply: Flag | None = None
    poll: Poll | None = None
    ugc: Ugc | None = None
    disclosure: Disclosure | None = None
    approved_by: tuple[Annotated[str, Ref("person")], ...] = ()
    author: Annotated[str, Ref("person")] | None = None
    promoted: Promotion | None = None
    draft: Flag = False
    hold: str | None = None
    withdraw: Flag = False
    timezone: Zone | None = None
    language: str | None = None
    id: str | None = None
    grace: FixedSpan | None = None


class Section(Value):
    """One stretch of the body. `channels` empty: for every channel that has none of its own."""

    kind: Literal["text", "or", "comment"]
    channels: tuple[str, ...] = ()
    parts: tuple[str, ...]                          # split at `***`; Markdown as written, notes and comments gone
    places: tuple[Place, ...]                       # the first line of each part


class Post(Value):
    """A post as it stands in its file. `id` is canonical: `posts/<stem>`, `<campaign>/<stem>`, `evergreen/<stem>`."""

    id: str
    file: str
    blob: str                                       # Git's name for the bytes it was read from
    head: Head
    sections: tuple[Section, ...]
    campaign: str | None = None                     # the campaign folder it stands in
    series: str | None = None                       # the evergreen series it stands in
    # by field path: "at", "media.0.file", "channels.2"; taken as it is, for it may be found only when asked for
    places: SkipValidation[Mapping[str, Place]] = Field(default_factory=dict)

    def place(self, *path: str | int) -> Place:
        """Where a field stands; the nearest one above it that was written, else the top of the file."""
        return nearest(self.places, path, self.file)

    @property
    def stem(self) -> str:
        return self.id.rsplit("/", 1)[-1]


