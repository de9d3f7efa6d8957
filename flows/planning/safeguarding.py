"""Lines about what must be in place for bad days: the crisis plan, the policies, and that people know them."""
from datetime import date
from typing import Literal

from flows.planning.witnessing import Ground, counted, listed
from schemas.crisis import CrisisPlan, CrisisRoles
from schemas.engagement import Policy
from schemas.gate import GateLine

_TOPICS = ("blogging", "texting", "messaging", "social")
_PLAN, _READY = "crisis/plan.yaml", "crisis plan ready"


def crisis_plan(ground: Ground) -> GateLine:
    """Approved, in date, rehearsed, and acknowledged by whoever has a role in it."""
    plan: CrisisPlan | None = ground.facts.content.entry("crisis plan")
    owner = (plan.owner if plan is not None else None) or ground.sponsor
    if plan is None:
        is_torn = _PLAN in ground.facts.content.unreadable
        return ground.line(
            "CRI001", _READY, f"{_PLAN} cannot be read" if is_torn else "there is none", codes=("CRI001",), exact=True,
            holds=False, owner=owner, remedy="Run 'drumbeat check', and mend what it says about the file." if is_torn
            else f"Write {_PLAN}: who decides, speaks, posts and listens, and what stops at which level.")
    steps = (_approved(plan, ground), _reviewed(plan, ground), _rehearsed(plan, ground), _known(plan, ground))
    return ground.line("CRI001", _READY, "; ".join(words for words, _ in steps), codes=("CRI001",),
                       holds=all(done for _, done in steps), exact=not all(done for _, done in steps), owner=owner,
                       remedy=f"Do what is missing, and write its day in {_PLAN}.")


def _approved(plan: CrisisPlan, ground: Ground) -> tuple[str, bool]:
    day = plan.approved.on if plan.approved is not None else None
    if day is None or plan.approved is None:
        return "not approved", False
    by = f" by {plan.approved.by}" if plan.approved.by else ""
    return (f"to be approved on {day}{by}", False) if day > ground.today else (f"approved on {day}{by}", True)


def _reviewed(plan: CrisisPlan, ground: Ground) -> tuple[str, bool]:
    if plan.review_by is None:
        return "no day is set for its review", False
    return (f"to be reviewed by {plan.review_by}", True) if plan.review_by >= ground.today else (
        f"its review was due on {plan.review_by}", False)


def _rehearsed(plan: CrisisPlan, ground: Ground) -> tuple[str, bool]:
    last = max((drill.date for drill in plan.rehearsed if drill.date is not None and drill.date <= ground.today),
               default=None)
    if last is None:
        return "not rehearsed yet", False
    days = (ground.today - last).days
    if days > ground.knob("rehearse_days", 365):
        return f"last rehearsed on {last}, {days} days ago", False
    return f"rehearsed on {last}", True


def _known(plan: CrisisPlan, ground: Ground) -> tuple[str, bool]:
    roles = plan.roles or CrisisRoles()
    people = set(roles.decides + roles.speaks + roles.posts + roles.listens)
    if not people:
        return "nobody has a role in it", False
    knows = ground.team.acknowledged.get(f"{plan.plan}@{plan.version}", {})
    read = sum(1 for person in people if person in knows and knows[person] <= ground.today)
    of = "all" if read == len(people) else f"{read} of the"
    return f"known to {of} {counted(len(people), 'person', 'people')} in it", read == len(people)


def policies(ground: Ground, key: Literal["LAUNCH-policies", "MAINTENANCE-policies"]) -> GateLine:
    """In date, and no topic left out."""
    known, coming = _policies(ground)
    late = [one for one in known if one.review_by is None or one.review_by < ground.today]
    covered = {topic for one in known for topic in one.covers}
    missing = [topic for topic in _TOPICS if topic not in covered]
    owner = next((one.owner for one in (*late, *known, *coming) if one.owner), None) or ground.sponsor
    parts = [_review(one, ground.today) for one in (late or known)]
    parts += [f"{versioned(one)} holds from {one.effective} on" for one in coming]
    parts += [f"nothing covers {listed(missing)} yet"] if missing else [f"covers {listed(_TOPICS)}"]
    if late:
        remedy = "Review it, and write the next day as review_by."
    elif not set(missing) - {topic for one in coming for topic in one.covers}:
        remedy = "Wait for that day, or let it hold earlier: effective."
    else:
        remedy = f"Write a policy in policies/ that covers {listed(missing)}, or add it to covers."
    return ground.line(key, "policies in date", "; ".join(parts), also=("PPL004",), holds=not late and not missing,
                       owner=owner, remedy=remedy)


def _review(policy: Policy, today: date) -> str:
    if policy.review_by is None:
        return f"no day is set for the review of {versioned(policy)}"
    if policy.review_by < today:
        return f"the review of {versioned(policy)} was due on {policy.review_by}"
    return f"{versioned(policy)} to be reviewed by {policy.review_by}"


def acknowledged(ground: Ground) -> GateLine:
    """By everyone who writes or answers, in the versions that are in force."""
    people = [person.id for person in ground.people("author", "responder")]
    versions = [versioned(one) for one in _policies(ground)[0]]
    unread = {person: [version for version in versions if not _knows(person, version, ground)] for person in people}
    missing = [f"{person} ({listed(lacks)})" for person, lacks in unread.items() if lacks]
    if not people or not versions:
        seen = "no policy is in force" if people else "nobody is author or responder"
    elif missing:
        seen = f"{len(people) - len(missing)} of {len(people)} authors and responders; still to read: {listed(missing)}"
    else:
        seen = f"{len(people)} of {len(people)} authors and responders know {listed(versions)}"
    return ground.line("LAUNCH-acknowledged", "policies known", seen, also=("PPL002",),
                       holds=bool(people and versions) and not missing,
                       owner=next((person for person, lacks in unread.items() if lacks), None) or ground.lead,
                       remedy="Read it, and write the day under acknowledged in people/team.yaml." if versions else
                       "Write a policy first, or wait for the one that is to come.")


def _knows(person: str, version: str, ground: Ground) -> bool:
    day = ground.team.acknowledged.get(version, {}).get(person)
    return day is not None and day <= ground.today


def _policies(ground: Ground) -> tuple[list[Policy], list[Policy]]:
    """Those in force today, and those to come."""
    every = [entry.value for entry in ground.facts.content.entries if isinstance(entry.value, Policy)]
    coming = [one for one in every if one.effective is not None and one.effective > ground.today]
    return [one for one in every if one not in coming], coming


def versioned(policy: Policy) -> str:
    """`social-media@2`, as people acknowledge it."""
    return f"{policy.policy}@{policy.version}" if policy.version is not None else policy.policy
