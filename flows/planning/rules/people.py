"""PPL: whoever writes, approves and answers is known, trained, and has somebody to stand in.

Who wrote and who agreed has a module of its own; the family is listed here.
"""
from collections.abc import Iterator
from datetime import date

from flows.planning.rules import signatures
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.signatures import is_here
from flows.planning.rules.wording import joined
from schemas.content import Entry
from schemas.engagement import Policy
from schemas.people import Role, Session, Team
from schemas.place import Place
from schemas.problem import Problem, Severity

_TRAINED: tuple[Role, ...] = ("author", "approver", "responder", "spokesperson")
_KEY_ROLES: tuple[Role, ...] = ("sponsor", "social_manager", "spokesperson")
_TOPICS = ("blogging", "texting", "messaging", "social")


def team_of(facts: Facts) -> tuple[Entry, Team] | None:
    """The team and the file it stands in; None: there is none that can be read."""
    return next(((entry, entry.value) for entry in facts.content.entries if isinstance(entry.value, Team)), None)


def has_read(team: Team, version: str, person: str, today: date) -> bool:
    """Whether somebody acknowledged a version of a policy, by today."""
    day = team.acknowledged.get(version, {}).get(person)
    return day is not None and day <= today


def _policies(facts: Facts) -> list[tuple[Entry, Policy]]:
    return [(entry, entry.value) for entry in facts.content.entries if isinstance(entry.value, Policy)]


def _is_in_force(policy: Policy, today: date) -> bool:
    return policy.effective is not None and policy.effective <= today


def _untrained(facts: Facts) -> Iterator[Problem]:
    """Somebody with a role to learn for, who has not learned it or has not read what is in force."""
    found, today = team_of(facts), facts.today()
    if found is None:
        return
    entry, team = found
    sessions = {session.id: session for session in team.sessions}
    versions = [f"{policy_entry.id}@{policy.version or 1}" for policy_entry, policy in _policies(facts)
                if _is_in_force(policy, today)]
    for number, person in enumerate(team.people):
        roles = [role for role in _TRAINED if role in person.roles]
        if not roles or not is_here(person, today):
            continue
        required = dict.fromkeys(name for role in roles for name in team.required_training.get(role, ()))
        training = [f"{name}{why}" for name in required
                    if (why := _lacks(sessions.get(name), person.id, today)) is not None]
        unread = [version for version in versions if not has_read(team, version, person.id, today)]
        if training or unread:
            due = [*training, *unread]
            remedy = [f"Train {person.id} and write it under attended:."] if training else []
            remedy += [f"Have {person.id} read it and write the day under acknowledged:."] if unread else []
            yield TRAINED.at(entry.place("people", number),
                             f"{person.id}: {joined(due)} {'is' if len(due) == 1 else 'are'} due.", " ".join(remedy))


def _lacks(session: Session | None, person: str, today: date) -> str | None:
    """What is wrong with the training of somebody, in brackets where there is more to say; None: nothing."""
    if session is None or person not in session.attended:
        return ""
    if session.date is None or session.date > today:
        return f" (held {f'only on {session.date}' if session.date else 'nobody knows when'})"
    return f" (expired on {session.expires})" if session.expires is not None and session.expires < today else None


def _uncovered(facts: Facts) -> Iterator[Problem]:
    """A policy whose review is late, a topic that none covers, a key role that one person alone holds."""
    today = facts.today()
    for entry, policy in _policies(facts):
        if policy.review_by is not None and policy.review_by < today:
            yield COVERED.at(entry.place("review_by"), f"{entry.id}: its review was due by {policy.review_by}.",
                             "Read it again, change what no longer holds, and write a new review_by:."
                             )._replace(gate="LAUNCH")
    yield from _uncovered_topics(facts)
    if (found := team_of(facts)) is not None:
        yield from _without_backup(*found, today)


def _uncovered_topics(facts: Facts) -> Iterator[Problem]:
    if any(path.startswith("policies/") for path in facts.content.unreadable):
        return                                                    # nobody knows what they cover
    policies = _policies(facts)
    covered = {topic for _, policy in policies if _is_in_force(policy, facts.today()) for topic in policy.covers}
    left = [topic for topic in _TOPICS if topic not in covered]
    if left:
        place = policies[0][0].place("covers") if policies else Place(f"{facts.content.root}/policies")
        them = "it" if len(left) == 1 else "them"
        yield COVERED.at(place, f"{joined(left)}: no policy in force covers {them}.", f"Add {them} to covers: of a "
                         "policy in policies/ whose effective: day has come.")._replace(gate="LAUNCH")


def _without_backup(entry: Entry, team: Team, today: date) -> Iterator[Problem]:
    """A holder names a backup who is here, or a second person has the role."""
    here = {person.id for person in team.people if is_here(person, today)}
    for role in _KEY_ROLES:
        holders = [(number, person) for number, person in enumerate(team.people)
                   if role in person.roles and person.id in here]
        if len(holders) > 1 or any(person.backup in here - {person.id} for _, person in holders):
            continue
        name = role.replace("_", " ")
        if not holders:
            yield COVERED.at(entry.place("people"), f"{name}: nobody has this role.",
                             f"Give it to somebody: roles: [{role}], and name a backup: beside it.")
            continue
        number, person = holders[0]
        yield COVERED.at(entry.place("people", number, "backup"), f"{name}: {person.id} has no backup.",
                         f"Write backup: at {person.id}, with the id of somebody active; or give a second person the "
                         f"role {role}.")


TRAINED = Rule(
    "PPL002", Severity.error, "FT", "An author, approver, responder or spokesperson lacks a required training, or has "
    "not acknowledged a policy in its current version.", "Train them, have them read the policy, and write both down.",
    all=_untrained, gate="SKILLS")
COVERED = Rule(
    "PPL004", Severity.warning, "FT", "The review of a policy is late; no policy in force covers blogging, texting, "
    "messaging or social; sponsor, social manager or spokesperson has no backup.",
    "Review the policy, cover the topic, or name a backup.", all=_uncovered, gate="SKILLS")
RULES: tuple[Rule, ...] = (signatures.KNOWN, TRAINED, signatures.APPROVED, COVERED)
