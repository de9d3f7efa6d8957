"""How strict the rules are, what is excused until when, how long records live, and what is true of each media file."""
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from schemas.model import Authored
from schemas.notation import Day, Flag, PersonRef, Ref

_RETENTION = re.compile(r"([1-9]\d{0,3})(d|w|mo|y)")


def _retention(text: str) -> str:
    if not _RETENTION.fullmatch(text):
        raise ValueError("how long a record is kept looks like 90d, 26w, 6mo or 3y")
    return text


Retention = Annotated[str, AfterValidator(_retention)]
"""`90d` `26w` `6mo` `3y`: calendar months and years."""
Knob = int | float | str | tuple[str, ...]


class Waiver(Authored):
    """A dated exception to one rule. `where`: the id of what it excuses; None: everywhere."""

    rule: str
    where: str | None = None
    until: Day | None = None
    by: PersonRef | None = None
    reason: str | None = None


class Records(Authored):
    """How long each class of records is kept. `inbox` holds personal data and is never locked."""

    posts: Retention = "3y"
    approvals: Retention = "3y"
    metrics: Retention = "3y"
    media: Retention = "3y"
    inbox: Retention = "90d"
    lock: Literal["none", "governance", "compliance"] = "none"
    legal_hold: Flag = False


class Rulebook(Authored):
    """`content/rules.yaml`. `knobs` and `severity` change a rule's default; rules know their own knobs."""

    profile: Literal["relaxed", "guided", "strict"] = "guided"
    knobs: dict[str, Knob] = Field(default_factory=dict)
    severity: dict[str, Literal["off", "advice", "warning", "error"]] = Field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    records: Records = Field(default_factory=Records)


class Consent(Authored):
    """What the people in the picture agreed to. `ref`: where the form is kept, as an opaque id."""

    until: Day | None = None
    ref: str | None = None


class MediaItem(Authored):
    """Facts shared by every use of a file."""

    alt: str | None = None
    decorative: Flag = False
    credit: str | None = None
    licence: Literal["own", "partner", "ugc", "stock", "cc"] | None = None
    people: Literal["none", "adults-consented", "minors-consented", "crowd"] | None = None
    consent: Consent | None = None
    ai: Literal["none", "edited", "generated"] | None = None


class MediaLibrary(Authored):
    """`content/media/library.yaml`: what is true of each file, by its name as written in posts.

    The names are the keys at the top of the file; no field stands above them (pydantic's RootModel, made for this,
    costs 20 ms to import).
    """

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[Annotated[str, Ref("media")], MediaItem] = Field(init=False)

    @property
    def items(self) -> dict[str, MediaItem]:
        """What is known, by file name."""
        return self.__pydantic_extra__
