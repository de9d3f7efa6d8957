"""How we answer, when we are quiet, what we agree each week, and what everybody has read."""
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.model import Authored
from schemas.notation import Day, Duration, Flag, Id, PersonRef, PillarRef, Ref
from schemas.post import ChannelRef

Topic = Literal["blogging", "texting", "messaging", "social", "house-rules", "privacy", "disclosure", "accessibility"]


def _all(value: object) -> object:
    return None if value == "all" else value


class Sla(Authored):
    """The time in which each kind of message gets an answer, in working hours."""

    question: Duration | None = None
    complaint: Duration | None = None
    crisis: Duration | None = None
    praise: Duration | None = None
    idea: Duration | None = None
    lead: Duration | None = None


class Moderation(Authored):
    """What is removed, what never is, and the policy that says so."""

    policy: Annotated[str, Ref("policy")] | None = None             # without a version: the one in force
    remove_for: tuple[str, ...] = ()
    never_remove_for: tuple[str, ...] = ()


class CrmHandoff(Authored):
    """Which messages go on to the CRM, and what goes with them."""

    when: str | None = None
    needs_consent: Flag = True
    fields: tuple[str, ...] = ()


class Playbook(Authored):
    """`content/engagement/playbook.yaml`. `routes` says who gets which kind of message."""

    sla: Sla | None = None
    working_hours: str | None = None
    routes: dict[str, PersonRef] = Field(default_factory=dict)
    moderation: Moderation | None = None
    ugc_request: str | None = None
    crm_handoff: CrmHandoff | None = None


class Blackout(Authored):
    """Days on which nothing goes out, or no ask; replies continue. `from` and `to` are both inside."""

    id: Id
    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None
    effect: Literal["hold", "hold-asks"] = "hold"
    channels: Annotated[tuple[ChannelRef, ...] | None, BeforeValidator(_all)] = None     # None, or written `all`: all
    reason: str | None = None


class Moment(Authored):
    """A day worth a post."""

    id: Id
    date: Day | None = None
    name: str | None = None
    pillar: PillarRef | None = None


class BlackoutsFile(Authored):
    """`content/calendar/blackouts.yaml`."""

    blackouts: tuple[Blackout, ...] = ()
    moments: tuple[Moment, ...] = ()


class Task(Authored):
    """Something agreed. `done`: the day it was."""

    text: str
    owner: PersonRef | None = None
    due: Day | None = None
    done: Day | None = None


class CheckIn(Authored):
    """Front matter of `content/checkins/<yyyy>-W<ww>.md`; the body holds the notes."""

    date: Day | None = None
    present: tuple[PersonRef, ...] = ()
    decisions: tuple[Task, ...] = ()
    actions: tuple[Task, ...] = ()
    suggestions: tuple[Annotated[str, Ref("idea")], ...] = ()


class Policy(Authored):
    """Front matter of `content/policies/<id>.md`; the body is the text people acknowledge, version by version."""

    policy: Id
    version: int | None = Field(default=None, ge=1)
    owner: PersonRef | None = None
    effective: Day | None = None
    review_by: Day | None = None
    covers: tuple[Topic, ...] = ()
