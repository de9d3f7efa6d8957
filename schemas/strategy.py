"""Why anything is posted at all: the strategy funnel, and the findings it starts from.

What a complete entry needs but this one lacks is None or empty here; the rules of its family report it.
"""
from typing import Annotated, Literal

from pydantic import Field

from schemas.model import Authored
from schemas.notation import (
    AudienceRef,
    Cadence,
    Count,
    Day,
    Figure,
    Flag,
    Hours,
    Id,
    Money,
    PersonRef,
    PillarRef,
    Ref,
    Share,
    SocialGoalRef,
    Zone,
)
from schemas.post import ChannelRef, Funnel, Intent

Phase = Literal["discovery", "strategy", "skills", "execution", "maintenance"]


class Sponsor(Authored):
    """The executive who answers for the strategy."""

    person: PersonRef | None = None
    approved: Day | None = None


class BusinessGoal(Authored):
    id: Id
    text: str
    owner: PersonRef | None = None


class DepartmentGoal(Authored):
    id: Id
    text: str
    department: Annotated[str, Ref("department")] | None = None
    owner: PersonRef | None = None
    serves: tuple[Annotated[str, Ref("business_goal")], ...] = ()
    agreed: Day | None = None


class Perception(Authored):
    """How people see us, how they should, and what would make the difference."""

    current: str | None = None
    desired: str | None = None
    experience: str | None = None
    promise: str | None = None
    difference: str | None = None


class Baseline(Authored):
    """Where a goal's metric stood before: `value` in the metric's unit, over `from` to `to`, both days included."""

    value: Figure | None = None
    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None
    source: str | None = None


class SocialGoal(Authored):
    """One SMART goal. `metric` is a name of the metric vocabulary; `target` and `result` are in its unit."""

    id: Id
    text: str
    serves: tuple[Annotated[str, Ref("department_goal")], ...] = ()
    insights: tuple[Annotated[str, Ref("insight")], ...] = ()       # written audience/insight
    findings: tuple[Annotated[str, Ref("finding")], ...] = ()
    metric: str | None = None
    baseline: Baseline | None = None
    target: Figure | None = None
    due: Day | None = None
    owner: PersonRef | None = None
    agreed_by: tuple[PersonRef, ...] = ()
    audience: AudienceRef | None = None
    funnel: Funnel | None = None
    why_reachable: str | None = None
    result: Figure | None = None


class Tactic(Authored):
    """What is done for a goal. Comes last."""

    id: Id
    goals: tuple[SocialGoalRef, ...] = ()
    pillar: PillarRef | None = None
    channels: tuple[ChannelRef, ...] | None = None                  # None: nothing for its posts to inherit
    intent: Intent | None = None
    cadence: Cadence | None = None
    owner: PersonRef | None = None


class BudgetSplit(Authored):
    """How the budget divides over the stages; sums to 1."""

    groundwork: Share | None = None
    campaign: Share | None = None
    maintenance: Share | None = None


class Budget(Authored):
    """What the work costs. `hour_rate` is money for each hour; 0 leaves hours out of the cost."""

    currency: str | None = None
    money: Money | None = None
    hours: Hours | None = None
    hour_rate: Money = 0
    split: BudgetSplit | None = None


class CrmEvent(Authored):
    """An event on the sales path, and what one of them is worth."""

    stage: str | None = None
    value: Money | None = None


class Crm(Authored):
    """Where contacts become members or buyers. `connection` names the credentials."""

    system: str | None = None
    connection: str | None = None
    events: dict[str, CrmEvent] = Field(default_factory=dict)


class Strategy(Authored):
    """`content/strategy.yaml`; where there are several, `content/strategies/<id>.yaml`."""

    strategy: Id
    start: Day
    timezone: Zone
    title: str | None = None
    end: Day | None = None
    language: str | None = None
    own_domains: tuple[str, ...] = ()
    reviewed: Day | None = None
    sponsor: Sponsor | None = None
    mission: str | None = None
    business_goals: tuple[BusinessGoal, ...] = ()
    department_goals: tuple[DepartmentGoal, ...] = ()
    perception: Perception | None = None
    social_goals: tuple[SocialGoal, ...] = ()
    tactics: tuple[Tactic, ...] = ()
    budget: Budget | None = None
    phases: dict[Phase, tuple[Day, Day | None]] = Field(default_factory=dict)    # first, last; None: open
    crm: Crm | None = None


class Listening(Authored):
    """A search that someone reads."""

    id: Id
    query: str | None = None
    covers: tuple[Literal["brand", "product", "competitor", "campaign"], ...] = ()


class Mentions(Authored):
    """Counts of mentions by tone."""

    positive: Count | None = None
    neutral: Count | None = None
    negative: Count | None = None


class Reputation(Mentions):
    """Our own mentions, counted over `from` to `to`, both days included."""

    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None
    source: str | None = None


class People(Authored):
    reputation: Reputation | None = None


class Competitor(Authored):
    """Somebody people may go to instead. `channels`: networks in plain words. `leapfrog`: where we can do better."""

    id: Id
    name: str | None = None
    channels: tuple[str, ...] = ()
    doing: str | None = None
    reputation: Mentions | None = None
    leapfrog: str | None = None


class Keyword(Authored):
    """What people type when they look for us. `position`: our rank, 1 is first; None: not found, if it was measured."""

    term: str
    position: int | None = Field(default=None, ge=1)

    @property
    def measured(self) -> bool:
        """Somebody looked: `position` was written, be it a rank or null."""
        return "position" in self.model_fields_set


class Site(Authored):
    """How search engines find our pages. `titles_ok`: share of the pages with a good title."""

    indexed_pages: Count | None = None
    sitemap: Flag | None = None
    titles_ok: Share | None = None
    checked: Day | None = None


class Spiders(Authored):
    keywords: tuple[Keyword, ...] = ()
    site: Site | None = None


class Finding(Authored):
    """What discovery taught, in a sentence that a goal can cite."""

    id: Id
    text: str
    kind: Literal["people", "competition", "spiders"] | None = None


class Discovery(Authored):
    """`content/discovery.yaml`: people, competition and spiders, looked at before anything is planned."""

    checked: Day | None = None
    listening: tuple[Listening, ...] = ()
    people: People | None = None
    competition: tuple[Competitor, ...] = ()
    spiders: Spiders | None = None
    findings: tuple[Finding, ...] = ()
