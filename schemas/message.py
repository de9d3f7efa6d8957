"""Message: a post as one channel will get it. Rendered, labelled, counted by nobody yet."""
from typing import Literal

from pydantic import Field

from schemas.content import Probe
from schemas.ledger import Slot
from schemas.model import Value
from schemas.place import Place


class Media(Value):
    """A file that goes with a part. `file` is its path in the content folder, `blob` what Git calls its bytes."""

    file: str
    blob: str
    size: int                    # bytes
    alt: str | None              # None: not described; "" : decorative
    place: Place                 # where the post names it
    probe: Probe | None = None   # what its header says; None: nobody looked

    @property
    def name(self) -> str:
        return self.file.rsplit("/", 1)[-1]


class Part(Value):
    """One piece of a message: plain text as readers will see it, links whole, hashtags added."""

    kind: Literal["post", "comment"] = "post"      # comment: a first comment under the last post part
    text: str
    media: tuple[Media, ...] = ()
    place: Place                                   # the first line of its text


class Message(Value):
    """What one channel gets. `parts` in the order they go out; `card` is a link shown as a card and not in the text."""

    slot: Slot
    network: str
    account: str                 # the channel's handle
    parts: tuple[Part, ...]
    card: str | None = None
    language: str | None = None
    limits: dict[str, int] = Field(default_factory=dict)  # the channel's own limits; they win over the network's
