"""One account on one network, and why it exists."""
from typing import Annotated, Literal

from pydantic import Field

from schemas.model import Authored
from schemas.notation import DailyHours, Day, FixedSpan, Id, Ref, WeeklySlot, Zone


class Channel(Authored):
    """An account. `connection` names the credentials; a secret never stands in a file."""

    id: Id
    network: str
    handle: str | None = None
    connection: str | None = None
    owner: Annotated[str, Ref("person")] | None = None
    responders: tuple[Annotated[str, Ref("person")], ...] = ()
    audiences: tuple[Annotated[str, Ref("audience")], ...] = ()
    goals: tuple[Annotated[str, Ref("social_goal")], ...] = ()
    evidence: str | None = None
    norms: str | None = None
    slots: tuple[WeeklySlot, ...] = ()
    max_per_day: int = Field(default=3, ge=1)
    link_placement: Literal["body", "card", "first_comment", "bio"] = "body"
    limits: dict[str, int] = Field(default_factory=dict)
    options: dict[str, str | int | bool | tuple[str, ...]] = Field(default_factory=dict)   # the network's own
    monthly_budget: float | None = Field(default=None, gt=0)                             # USD, where posts cost money
    timezone: Zone | None = None
    language: str | None = None
    grace: FixedSpan | None = None
    on_unknown: Literal["hold", "retry"] = "hold"
    status: Literal["active", "listening", "retired"] = "active"
    closing_notice: str | None = None
    profile_checked: Day | None = None


class ChannelsFile(Authored):
    """`networks/channels.yaml`: the order of the channels is the order in which a post is staggered."""

    stagger: FixedSpan = "20m"
    quiet_hours: DailyHours = "21:00-07:30"
    min_gap: FixedSpan = "60m"
    channels: tuple[Channel, ...] = ()
