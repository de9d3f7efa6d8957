"""Who we talk with and what about: audiences with what we know of them, and content pillars."""
from typing import Annotated

from schemas.model import Authored
from schemas.notation import AudienceRef, Count, Day, Flag, Id, Ref, Share


class Proof(Authored):
    """What somebody saw or counted, when, and where it is written down."""

    id: Id
    text: str
    date: Day | None = None
    source: str | None = None


class Insight(Authored):
    """What the evidence tells. `evidence` is an id of the same audience."""

    id: Id
    text: str
    evidence: Annotated[str, Ref("evidence")] | None = None


class Audience(Authored):
    """`content/audiences/<id>.yaml`. `size` counts people; `gathers_at` holds networks and places in plain words."""

    audience: Id
    name: str | None = None
    existing: Flag = False
    size: Count | None = None
    locale: str | None = None
    behaviours: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    motivations: tuple[str, ...] = ()
    expects: tuple[str, ...] = ()
    gathers_at: tuple[str, ...] = ()
    evidence: tuple[Proof, ...] = ()
    insights: tuple[Insight, ...] = ()


class Pillar(Authored):
    """A theme, and its planned share of the posts."""

    id: Id
    name: str | None = None
    share: Share | None = None
    audiences: tuple[AudienceRef, ...] = ()


class PillarsFile(Authored):
    """`content/pillars.yaml`."""

    pillars: tuple[Pillar, ...] = ()
