"""Message: a post as one channel will get it. Rendered, labelled, counted by nobody yet."""
from typing import Literal

from pydantic import Field

from schemas.content import Probe
from schemas.ledger import Slot
from schemas.model import Value
from schemas.place import Place
from schemas.post import Setting


class Media(Value):
    """A file that goes with a part. `file` is its path in the content folder, `blob` what Git calls its bytes."""

    file: str
    blob: str
    size: int                    # bytes
    alt: str | None              # None: not described; "" : decorative
    place: Place                 # where the post names it
    probe: Probe | None = None   # what its header says; None: nobody looked
    captions: "Media | None" = None      # the subtitle file that goes with a video
    ai: Literal["none", "edited", "generated"] | None = None     # what a machine made of it; None: nobody said

    @property
    def name(self) -> str:
        return self.file.rsplit("/", 1)[-1]


class Part(Value):
    """One piece of a message: plain text as readers will see it, links whole, hashtags added."""

    kind: Literal["post", "comment"] = "post"      # comment: a first comment under the last post part
    text: str
    media: tuple[Media, ...] = ()
    place: Place                                   # the first line of its text
    markdown: str = ""                             # the same with its Markdown; label and link in it, hashtags not


class Poll(Value):
    """A question that readers answer by choosing. `lasts_s`: how long, in seconds."""

    options: tuple[str, ...]
    lasts_s: int
    place: Place


class Message(Value):
    """What one channel gets. `parts` in the order they go out; `card` is a link shown as a card and not in the text."""

    slot: Slot
    network: str
    account: str                 # the channel's handle
    parts: tuple[Part, ...]
    card: str | None = None
    language: str | None = None
    limits: dict[str, int] = Field(default_factory=dict)  # the channel's own limits; they win over the network's
    title: str | None = None
    warning: str | None = None   # what readers are told before they open it (a content warning)
    link: str | None = None      # the post's link wherever it is placed, with its UTM fields
    hashtags: tuple[str, ...] = ()       # the post's, without "#"; they stand in the text of the last part too
    poll: Poll | None = None
    disclosure: str | None = None        # the kind of a material connection: ad, gifted, affiliate, partner, employee
    options: dict[str, Setting] = Field(default_factory=dict)    # the post's own first, then the channel's
    places: dict[str, Place] = Field(default_factory=dict)       # of "title", "link", "poll", "warning", each option

    def place(self, name: str) -> Place:
        """Where `name` stands; else the first line of the text."""
        return self.places.get(name) or (self.parts[0].place if self.parts else Place(self.slot.post))
