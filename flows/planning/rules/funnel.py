"""STR: from a department's goal to a social goal to a tactic, in this order, and agreed by those whom it is for."""
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from flows.planning.indexing import may_be_in
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over, joined
from schemas.history import History
from schemas.people import Department, Team
from schemas.problem import Problem, Severity
from schemas.strategy import DepartmentGoal

_SOURCES = {"serves": "department goal", "insights": "insight", "findings": "finding"}


def team_of(facts: Facts) -> Team:
    """The people of the folder; nobody where it has no team yet."""
    team: Team | None = facts.content.entry("team")
    return team or Team()


def _without_source(facts: Facts) -> Iterator[Problem]:
    """A social goal that comes from nowhere; where there is none at all, that is said once for the strategy."""
    for entry, strategy in facts.strategies():
        if not strategy.social_goals:
            yield DERIVED.at(entry.place("social_goals"), f"{strategy.strategy} has no social goal.", "Take a "
                             "department goal, an insight and a finding; write what follows under social_goals.")
        for number, goal in enumerate(strategy.social_goals):
            lacks = [field for field in _SOURCES if not getattr(goal, field)]
            if lacks:
                yield DERIVED.at(entry.place("social_goals", number, lacks[0]),
                                 f"{goal.id} comes from {joined([f'no {_SOURCES[field]}' for field in lacks])}.",
                                 f"Write what it comes from under its {joined(lacks)}, or drop the goal.")


def _aimless(facts: Facts) -> Iterator[Problem]:
    """A tactic for no goal. A goal that is named and not there is REF001's."""
    for entry, strategy in facts.strategies():
        for number, tactic in enumerate(strategy.tactics):
            if not tactic.goals:
                yield PURPOSEFUL.at(entry.place("tactics", number, "goals"), f"{tactic.id} serves no goal.",
                                    "Start from the goal: write it under the tactic's goals, or drop the tactic.")


def _there_before(facts: Facts) -> Iterator[Problem]:
    """A tactic older than all of its goals; a post that is still to go out and older than its goal.

    What Git does not know of (a goal that lies uncommitted) is not judged. One commit that brings both is no order.
    """
    if (history := facts.world.history) is None:
        return
    for entry, strategy in facts.strategies():
        for number, tactic in enumerate(strategy.tactics):
            first = history.entities.get(("tactic", tactic.id))
            goals = [(at, goal) for goal in tactic.goals if (at := history.entities.get(("social_goal", goal)))]
            if first is not None and goals and len(goals) == len(tactic.goals) and first < min(goals)[0]:
                yield IN_ORDER.at(entry.place("tactics", number, "goals"), _before(
                    tactic.id, first, *min(goals), facts), f"Check that {tactic.id} still fits, or drop it.")
    yield from _posts_before(facts, history)


def _posts_before(facts: Facts, history: History) -> Iterator[Problem]:
    root = f"{facts.content.root}/"
    early = []
    for post in facts.content.posts:
        aim = history.entities.get(("social_goal", post.goal)) if post.goal is not None else None
        file = history.files.get(post.post.file.removeprefix(root)) if aim is not None else None
        if aim is not None and file is not None and file.first.at < aim:
            early.append((post, file.first.at, aim))
    to_come = {one.post.id for one in facts.plan.everything() if not is_over(one, facts)} if early else set()
    for post, first, aim in early:
        if post.id in to_come:
            yield IN_ORDER.at(post.post.place("goal" if post.post.head.goal else "tactic"),
                              _before(post.id, first, aim, post.goal or "", facts),
                              "Check that it still fits, or write the goal it serves under goal.", post.id)


def _before(id: str, first: datetime, aim: datetime, goal: str, facts: Facts) -> str:
    """Both days; with the time of day where they are one."""
    zone = ZoneInfo(facts.content.timezone)
    here, there = first.astimezone(zone), aim.astimezone(zone)
    form = "%Y-%m-%d" if here.date() != there.date() else "%Y-%m-%d %H:%M"
    return f"{id} was there ({here:{form}}) before its goal {goal} ({there:{form}})."


def _disagreed(facts: Facts) -> Iterator[Problem]:
    """A goal that its sponsor, or the head of a department it serves, has not agreed to.

    Nobody can ask a head who is not named or has left, so the department is named instead, or the office of the
    sponsor; what one agreed to before leaving counts.
    """
    if may_be_in("person", facts.content.unreadable):
        return
    team = team_of(facts)
    departments = {one.id: one for one in team.departments}
    left = {person.id for person in team.people if not person.active}
    aims = {goal.id: goal for _, strategy in facts.strategies() for goal in strategy.department_goals}
    for entry, strategy in facts.strategies():
        sponsor = strategy.sponsor.person if strategy.sponsor is not None else None
        for number, goal in enumerate(strategy.social_goals):
            asked = [] if sponsor is None or sponsor in goal.agreed_by else [
                f"the sponsor ({sponsor} is not active any more)" if sponsor in left else sponsor]
            for aim in (aims[id] for id in goal.serves if id in aims):
                asked += _head(aim, departments, left, goal.agreed_by)
            if asked:
                names = joined(list(dict.fromkeys(asked)))
                yield AGREED.at(entry.place("social_goals", number, "agreed_by"), f"{goal.id} needs the agreement of "
                                f"{names}.", "Talk it over with them, and write who agrees under agreed_by.")


def _head(aim: DepartmentGoal, departments: dict[str, Department], left: set[str],
          agreed: tuple[str, ...]) -> list[str]:
    """Who has to agree for a department goal and has not; a department that is not there is REF001's."""
    if aim.department is None:
        return [f"the department of {aim.id} (nobody has said which it is)"]
    department = departments.get(aim.department)
    if department is None or department.head in agreed:
        return []
    if department.head is None:
        return [f"the head of {department.id} (nobody is named)"]
    if department.head in left:
        return [f"the head of {department.id} ({department.head} is not active any more)"]
    return [department.head]


def _one_department(facts: Facts) -> Iterator[Problem]:
    """A strategy that too few heads of departments agree to. The social manager's own department does not count.

    A small house cannot bring in more departments than it has: then all of them are enough.
    """
    if may_be_in("person", facts.content.unreadable):
        return
    team = team_of(facts)
    managers = {person.id for person in team.people if "social_manager" in person.roles}
    left = {person.id for person in team.people if not person.active}
    others = [one for one in team.departments if one.head is None or one.head not in managers]
    needed = min(facts.knob(SHARED, "min_departments"), len(others))
    for entry, strategy in facts.strategies():
        agreed = {id for goal in strategy.social_goals for id in goal.agreed_by}
        join = [one for one in others if one.head in agreed]
        place = entry.place("social_goals")
        if not strategy.social_goals:
            continue
        if not team.departments:
            yield SHARED.at(place, f"Nobody can tell whether {strategy.strategy} is one department's work: the team "
                            "has no departments.", "List them with their heads in people/team.yaml, and ask the heads.")
        elif len(join) < needed:
            who = joined(list(dict.fromkeys(one.head for one in join if one.head is not None)))
            missing = [one.head if one.head is not None and one.head not in left else f"the head of {one.id}"
                       for one in others if one not in join]
            yield SHARED.at(place, f"{strategy.strategy} is one department's work: of the heads of other departments "
                            f"{f'only {who} agrees' if join else 'none agrees'} to a goal, and {needed:g} should.",
                            f"Bring in {joined(list(dict.fromkeys(missing)))}: ask what would help them, and write who "
                            "agrees under agreed_by.")


DERIVED = Rule("STR004", Severity.error, "F", "There is no social goal, or one lacks a department goal, an insight or "
               "a finding that it comes from.", "Write them under the goal's serves, insights and findings.",
               all=_without_source, gate="STRATEGY")
PURPOSEFUL = Rule("STR005", Severity.error, "F", "A tactic serves no social goal.", "Start from the goal.",
                  all=_aimless, gate="STRATEGY")
IN_ORDER = Rule("STR006", Severity.warning, "G", "A tactic, or a post still to go out, was committed before the goal "
                "that it serves.", "Check that it still fits.", all=_there_before, wants=("history",), gate="STRATEGY")
AGREED = Rule("STR008", Severity.error, "F", "The sponsor, or the head of a department that a goal serves, has not "
              "agreed to the goal.", "Talk it over with them, and write who agrees under agreed_by.", all=_disagreed,
              gate="STRATEGY")
SHARED = Rule("STR009", Severity.warning, "F", "Fewer than two heads of departments agree to any goal; the social "
              "manager's own department does not count.", "Bring in the heads of other departments.",
              all=_one_department, knobs={"min_departments": 2}, gate="STRATEGY")
