"""Who does the work, what they have learned, and who answers this week."""
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.model import Authored
from schemas.notation import Count, Day, Flag, Id, PersonRef, Ref, Week

Role = Literal["sponsor", "department_head", "strategist", "social_manager", "author", "approver", "responder",
               "spokesperson", "analyst"]
Group = Literal["marketing-pr", "customer-service", "executives", "everyone"]
Strength = Annotated[int, Field(ge=0, le=5)]


def _versioned(text: str) -> str:
    name, _, version = text.rpartition("@")
    if not name or not version.isdecimal():
        raise ValueError("a version of a policy looks like social-media@2")
    return text


class Department(Authored):
    id: Id
    head: PersonRef | None = None


class Strengths(Authored):
    """From 0, none, to 5, could teach it."""

    business: Strength | None = None
    digital: Strength | None = None


class External(Authored):
    """Someone from outside: until which day, and for which folders of the content."""

    until: Day | None = None
    scope: tuple[str, ...] = ()


class Person(Authored):
    """`git`: the addresses they commit with."""

    id: Id
    name: str | None = None
    roles: tuple[Role, ...] = ()
    executive: Flag = False
    strengths: Strengths | None = None
    git: tuple[str, ...] = ()
    backup: PersonRef | None = None
    external: External | None = None
    active: Flag = True


class Session(Authored):
    """A training or a briefing: who came, by name or only by number."""

    id: Id
    date: Day | None = None
    group: Group | None = None
    attended: tuple[PersonRef, ...] = ()
    headcount: Count | None = None
    expires: Day | None = None
    campaign: Annotated[str, Ref("campaign")] | None = None


PolicyVersion = Annotated[str, AfterValidator(_versioned), Ref("policy")]
"""`<policy>@<version>`; the crisis plan counts as a policy here."""


class Team(Authored):
    """`content/people/team.yaml`. `headcount` is everyone who works here, listed or not."""

    departments: tuple[Department, ...] = ()
    headcount: Count | None = None
    people: tuple[Person, ...] = ()
    required_training: dict[Role, tuple[Annotated[str, Ref("session")], ...]] = Field(default_factory=dict)
    sessions: tuple[Session, ...] = ()
    acknowledged: dict[PolicyVersion, dict[PersonRef, Day]] = Field(default_factory=dict)
    on_call: dict[Week, PersonRef] = Field(default_factory=dict)
