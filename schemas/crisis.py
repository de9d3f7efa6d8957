"""Who acts when something goes wrong, how fast, what they say first, and what stops meanwhile."""
from typing import Annotated, Literal

from pydantic import Field

from schemas.model import Authored
from schemas.notation import Day, Duration, Id, LocalTime, PersonRef, Ref
from schemas.post import ChannelRef

StatementRef = Annotated[str, Ref("statement")]


class SignedOff(Authored):
    by: PersonRef | None = None
    on: Day | None = None


class Drill(Authored):
    """A rehearsal of the plan. `took`: from the alarm to the first public answer."""

    date: Day | None = None
    scenario: str | None = None
    took: Duration | None = None
    findings: tuple[str, ...] = ()


class CrisisRoles(Authored):
    """For each: the person, then the backup."""

    decides: tuple[PersonRef, ...] = ()
    speaks: tuple[PersonRef, ...] = ()
    posts: tuple[PersonRef, ...] = ()
    listens: tuple[PersonRef, ...] = ()


class Level(Authored):
    """How bad it is. `when` is for people to judge; `publishing` says what stops by itself."""

    id: Id
    when: str | None = None
    acknowledge: Duration | None = None
    update_every: Duration | None = None
    approve: PersonRef | None = None
    publishing: Literal["continue", "hold-asks", "hold-all"] | None = None
    statement: StatementRef | None = None


class CrisisPlan(Authored):
    """`content/crisis/plan.yaml`."""

    plan: Id
    version: int | None = Field(default=None, ge=1)
    owner: PersonRef | None = None
    approved: SignedOff | None = None
    review_by: Day | None = None
    rehearsed: tuple[Drill, ...] = ()
    roles: CrisisRoles | None = None
    levels: tuple[Level, ...] = ()
    stakeholders: tuple[str, ...] = ()


class Statement(Authored):
    """Front matter of `content/crisis/holding/<id>.md`; the body has a `{{field}}` for each word of `fill`."""

    statement: Id
    approved: SignedOff | None = None
    expires: Day | None = None
    fill: tuple[str, ...] = ()


class Update(Authored):
    """What we said in public, and when."""

    at: LocalTime | None = None
    post: Annotated[str, Ref("post")] | None = None


class Incident(Authored):
    """`content/crisis/incidents/<date>-<id>.yaml`. Holds the queue of its channels until it is closed.

    `level` is the id of a level of the crisis plan; `resume_by` is who said that posting may go on.
    """

    level: Id | None = None
    opened: LocalTime | None = None
    channels: tuple[ChannelRef, ...] | None = None                  # None: not written
    status: Literal["open", "monitoring", "closed"] | None = None
    updates: tuple[Update, ...] = ()
    closed: LocalTime | None = None
    resume_by: PersonRef | None = None
    after_action: str | None = None
