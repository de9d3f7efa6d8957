"""SKILLS: every role is held, has a deputy, and knows what it needs to know."""
from collections.abc import Iterator
from datetime import date

from flows.planning.rules.campaigns import either
from flows.planning.witnessing import Ground, counted, listed
from schemas.gate import Gate, GateLine
from schemas.people import Group, Person, Role, Session

_NEEDED: tuple[Role, ...] = ("sponsor", "social_manager", "author", "approver", "responder", "spokesperson")
_WITH_DEPUTY: tuple[Role, ...] = ("sponsor", "social_manager", "spokesperson")
_GROUPS: tuple[Group, ...] = ("marketing-pr", "customer-service", "executives", "everyone")
_SESSIONS = 2
_STRENGTH = 3
_TEAM = "people/team.yaml"


def skills(ground: Ground) -> Gate:
    """The gate out of the third phase. There is one team, whatever the number of strategies."""
    unread = ground.unread("SKILLS-files", [_TEAM])
    if unread is not None:
        return Gate("SKILLS", (unread,))
    return Gate("SKILLS", (_roles(ground), _deputies(ground), _training(ground), _sessions(ground), _strengths(ground)))


def _roles(ground: Ground) -> GateLine:
    missing = [words(role) for role in _NEEDED if not ground.people(role)]
    seen = f"nobody is {either(missing)}" if missing else f"all {len(_NEEDED)} roles are held"
    return ground.line("SKILLS-roles", "every role held", seen, holds=not missing, owner=ground.sponsor,
                       remedy=f"Give the role to somebody who can do it: roles in {_TEAM}.")


def _deputies(ground: Ground) -> GateLine:
    here = {person.id for person in ground.people()}
    without = [role for role in _WITH_DEPUTY if not _has_deputy(ground.people(role), here)]
    if without:
        seen = f"no backup: {listed(map(words, without))}"
    else:
        seen = "; ".join(f"{words(role)}: {_pair(ground.people(role), here)}" for role in _WITH_DEPUTY)
    owner = next((person.id for role in without for person in ground.people(role)), None) or ground.sponsor
    return ground.line("SKILLS-backups", "key roles have a backup", seen, also=("PPL004",), holds=not without,
                       owner=owner, remedy=f"Name a second person: backup in {_TEAM}, or give the role to two.")


def _has_deputy(holders: list[Person], here: set[str]) -> bool:
    return len(holders) > 1 or any(person.backup in here and person.backup != person.id for person in holders)


def _pair(holders: list[Person], here: set[str]) -> str:
    first = next((person for person in holders if person.backup in here), holders[0])
    second = first.backup if first.backup in here else next((one.id for one in holders if one is not first), None)
    return f"{first.id}, then {second}"


def _training(ground: Ground) -> GateLine:
    needed = [(person.id, session) for role, sessions in ground.team.required_training.items()
              for person in ground.people(role) for session in sessions]
    needed = list(dict.fromkeys(needed))
    lacking = [(person, session) for person, session in needed if not _is_trained(person, session, ground)]
    due: dict[str, list[str]] = {}
    for person, session in lacking:
        due.setdefault(session, []).append(person)
    if due:
        seen = "; ".join([f"{len(needed) - len(lacking)} of {len(needed)} trainings valid",
                          *(f"{session} is due for {listed(people)}" for session, people in due.items())])
    else:
        many = counted(len({person for person, _ in needed}), "person", "people")
        seen = f"{counted(len(needed), 'training')} valid, of {many}" if needed else "no role says which it needs"
    remedy = f"Hold the session, and write who came and until when it holds: sessions in {_TEAM}."
    return ground.line("SKILLS-training", "training valid", seen, also=("PPL002",), holds=not lacking,
                       doubt=not needed, owner=ground.lead,
                       remedy=remedy if needed else f"Write which role needs which: required_training in {_TEAM}.")


def _is_trained(person: str, session: str, ground: Ground) -> bool:
    return any(one.id == session and person in one.attended and _is_held(one, ground.today)
               and (one.expires is None or one.expires >= ground.today) for one in ground.team.sessions)


def _is_held(session: Session, today: date) -> bool:
    return session.date is not None and session.date <= today


def _sessions(ground: Ground) -> GateLine:
    held = [session for session in ground.team.sessions if _is_held(session, ground.today)]
    reached = {session.group for session in held}
    missing = [group for group in _GROUPS if group not in reached]
    parts = [f"{counted(len(held), 'session')} held"] if held else ["no session was held yet"]
    parts += [f"not reached: {listed(missing)}"] if missing else ["all four groups reached"]
    parts += _next(ground) if missing or len(held) < _SESSIONS else ()
    return ground.line("SKILLS-sessions", "sessions for all groups", "; ".join(parts), owner=ground.lead,
                       holds=len(held) >= _SESSIONS and not missing,
                       remedy=f"Hold sessions for {listed(missing or _GROUPS)}; write them down: sessions in {_TEAM}.")


def _next(ground: Ground) -> Iterator[str]:
    coming = sorted((one.date, one.id) for one in ground.team.sessions
                    if one.date is not None and one.date > ground.today)
    if coming:
        yield f"next: {coming[0][1]} on {coming[0][0]}"


def _strengths(ground: Ground) -> GateLine:
    leads = ground.people("sponsor", "social_manager")
    found = {field: [f"{person.id} ({level})" for person in leads if person.strengths is not None
                     and (level := getattr(person.strengths, field)) is not None and level >= _STRENGTH]
             for field in ("business", "digital")}
    missing = [field for field, names in found.items() if not names]
    seen = "; ".join(f"{field}: {listed(names)}" for field, names in found.items() if names)
    if missing:
        seen = "; ".join(filter(None, (seen, f"nobody strong in {either(missing)}")))
    return ground.line("SKILLS-strengths", "business and digital sense", seen, holds=not missing, owner=ground.sponsor,
                       remedy=f"Have somebody who knows it as sponsor or social manager; strengths in {_TEAM} are 0 to "
                              f"5, and {_STRENGTH} is enough.")


def words(role: str) -> str:
    """`social manager`."""
    return role.replace("_", " ")
