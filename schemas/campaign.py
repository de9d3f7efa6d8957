"""A dated push that a strategy asks for, what was learned on the way, and series that take turns."""
from typing import Annotated, Literal

from pydantic import Field

from schemas.model import Authored
from schemas.notation import (
    AudienceRef,
    Cadence,
    Count,
    Day,
    Duration,
    Figure,
    Hours,
    Id,
    Money,
    PersonRef,
    Ref,
    SocialGoalRef,
)
from schemas.post import ChannelRef, Head


class CampaignGoal(Authored):
    """A social goal the campaign works for; `target` in the unit of the goal's metric."""

    goal: SocialGoalRef
    target: Figure | None = None


class Learned(Authored):
    """What we found out before the campaign, and how it is used."""

    text: str
    from_: Literal["groundwork", "listening", "review", "idea"] | None = Field(default=None, alias="from")
    used: str | None = None


class Validation(Authored):
    """Somebody asked an audience whether the offer is worth it."""

    audience: AudienceRef | None = None
    date: Day | None = None
    by: PersonRef | None = None
    method: str | None = None
    finding: str | None = None


class Offer(Authored):
    """The exchange. `event` is one of the strategy's `crm.events`."""

    text: str | None = None
    value_to_reader: str | None = None
    value_to_us: str | None = None
    url: str | None = None
    event: str | None = None
    validated: tuple[Validation, ...] = ()
    reassess: tuple[Day, ...] = ()


class Page(Authored):
    """A landing page: the day it went live, and the day a search engine had it."""

    url: str | None = None
    live: Day | None = None
    indexed: Day | None = None
    keywords: tuple[str, ...] = ()


class Assets(Authored):
    needed: tuple[Annotated[str, Ref("media")], ...] = ()
    ready_by: Day | None = None


class Influencer(Authored):
    """Somebody who helps: known since when, what they gave, and on which terms."""

    handle: str | None = None
    kind: Literal["influencer", "partner", "employee", "customer"] | None = None
    since: Day | None = None
    gave: str | None = None
    terms: Literal["none", "gifted", "paid"] | None = None
    disclosure: str | None = None


class Risk(Authored):
    """What people may do with the campaign, and what we do then."""

    what: str
    answer: str | None = None


class Commitment(Authored):
    """A public promise. `done`: the day it was kept."""

    text: str
    due: Day | None = None
    owner: PersonRef | None = None
    done: Day | None = None


class Maintenance(Authored):
    """What goes on after the last day."""

    owner: PersonRef | None = None
    until: Day | None = None
    cadence: Cadence | None = None
    hours: Hours | None = None
    money: Money | None = None
    thanks: Annotated[str, Ref("post")] | None = None


class Approval(Authored):
    """How many of whom must agree to each of its posts."""

    need: Count = 1
    from_: tuple[PersonRef, ...] = Field(default=(), alias="from")


class CampaignBudget(Authored):
    """Its share of the strategy's budget. None: by the strategy's split."""

    money: Money | None = None
    hours: Hours | None = None


class Campaign(Authored):
    """`content/campaigns/<id>/campaign.yaml`. What a complete one needs but this one lacks is None or empty."""

    campaign: Id | None = None                                      # None: the folder's name
    title: str | None = None
    owner: PersonRef | None = None
    team: tuple[PersonRef, ...] = ()
    strategy: Annotated[str, Ref("strategy")] | None = None         # None: the only one there is
    start: Day | None = None
    end: Day | None = None
    audiences: tuple[AudienceRef, ...] = ()
    channels: tuple[ChannelRef, ...] | None = None                  # None: nothing for its posts to inherit
    goals: tuple[CampaignGoal, ...] = ()
    learned: tuple[Learned, ...] = ()
    offer: Offer | None = None
    pages: tuple[Page, ...] = ()
    assets: Assets | None = None
    influencers: tuple[Influencer, ...] = ()
    risks: tuple[Risk, ...] = ()
    competition_terms: str | None = None
    defaults: Head | None = None
    commitments: tuple[Commitment, ...] = ()
    maintenance: Maintenance | None = None
    approval: Approval | None = None
    budget: CampaignBudget | None = None


class Evidence(Authored):
    """Figures a review looked at: counts of asks, clicks, conversions and replies; `net_sentiment` from -1 to 1."""

    asks: Count | None = None
    clicks: Count | None = None
    conversions: Count | None = None
    target_to_date: Figure | None = None
    net_sentiment: Annotated[float, Field(ge=-1, le=1)] | None = None
    replies_read: Count | None = None


class Review(Authored):
    """Front matter of `content/campaigns/<id>/reviews/<date>-<kind>.md`; the body holds the reasoning."""

    kind: Literal["offer", "mid", "final"] | None = None
    date: Day | None = None
    by: PersonRef | None = None
    agreed_by: tuple[PersonRef, ...] = ()
    decision: Literal["keep", "change", "stop"] | None = None
    evidence: Evidence | None = None
    change: str | None = None                                       # what changes; needed unless the decision is keep


class Series(Authored):
    """`content/evergreen/<series>/series.yaml`: posts that take turns in one slot; the longest unseen is next."""

    series: Id | None = None                                        # None: the folder's name
    slot: str | None = None
    channels: tuple[ChannelRef, ...] | None = None                  # None: nothing for its posts to inherit
    min_repeat: Duration = "12w"
    order: Literal["oldest"] = "oldest"
    defaults: Head | None = None
