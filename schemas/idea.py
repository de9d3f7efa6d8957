"""What somebody thought we could post, and what became of it."""
from typing import Annotated, Literal

from pydantic import Field

from schemas.model import Authored
from schemas.notation import Day, Ref
from schemas.post import ChannelRef

Points = Annotated[int, Field(ge=1, le=10)]


class IdeaSource(Authored):
    """Where it came from. `ref` is an inbox item's opaque id; `credit`: whether the person wants to be named."""

    channel: ChannelRef | None = None
    ref: str | None = None
    credit: Literal["yes", "no", "ask"] | None = None


class Score(Authored):
    """From 1 to 10 each."""

    impact: Points | None = None
    confidence: Points | None = None
    ease: Points | None = None

    @property
    def ice(self) -> float | None:
        """The mean of the three; None while one is missing."""
        if self.impact is None or self.confidence is None or self.ease is None:
            return None
        return (self.impact + self.confidence + self.ease) / 3


class Idea(Authored):
    """Front matter of `content/ideas/<id>.md`; the body is the idea."""

    title: str | None = None
    from_: Literal["crowd", "customer", "team", "listening", "competitor"] | None = Field(default=None, alias="from")
    filed: Day | None = None
    status: Literal["new", "shortlisted", "planned", "published", "declined"] | None = None
    source: IdeaSource | None = None
    tags: tuple[str, ...] = ()
    score: Score | None = None
    became: Annotated[str, Ref("post")] | None = None
    declined_why: str | None = None
