"""STRATEGY: what the whole organisation wants, what that asks of us, and who agreed to it. Tactics come last."""
from collections.abc import Iterator, Sequence

from flows.planning.rules.campaigns import either
from flows.planning.witnessing import Ground, counted, listed, number
from schemas.content import Entry
from schemas.gate import Gate, GateLine
from schemas.people import Person
from schemas.place import Place
from schemas.problem import Problem
from schemas.strategy import SocialGoal, Strategy

_PERCEPTION = ("current", "desired", "experience", "promise", "difference")


def strategy(ground: Ground, entry: Entry, value: Strategy) -> Gate:
    """The gate out of the second phase, of one strategy."""
    unread = ground.unread("STRATEGY-files", ["networks/channels.yaml", "people/team.yaml"])
    lines = [_sponsor(ground, value), _approved(ground, value), _mission(ground, value), _departments(ground, value),
             _perception(ground, value), *_goals(ground, entry, value), _tactics(ground, entry, value),
             _budget(ground, value), _channels(ground)]
    return Gate("STRATEGY", (*filter(None, (unread,)), *lines))


def no_strategy(ground: Ground) -> Gate:
    """What there is to say without any: one line."""
    paths = [path for path in ground.facts.content.unreadable if path.startswith(("strategy.yaml", "strategies/"))]
    line = ground.unread("STRATEGY-files", paths) or ground.line(
        "STRATEGY-files", "a strategy written", "there is no strategy.yaml", holds=False, owner=ground.sponsor,
        remedy="Write strategy.yaml: what you want for whom, and why; 'drumbeat init' shows the frame.")
    return Gate("STRATEGY", (line,))


def _sponsor(ground: Ground, value: Strategy) -> GateLine:
    id = value.sponsor.person if value.sponsor is not None else None
    person = next((one for one in ground.team.people if one.id == id), None)
    seen = f"{named(person)} is the sponsor" if person is not None else f"{id} is the sponsor" if id else (
        "nobody is the sponsor")
    return ground.line("STR001", "an executive sponsor", seen, codes=("STR001",), holds=id is not None, owner=id,
                       remedy="Name one under sponsor in strategy.yaml: somebody who decides about money.")


def named(person: Person) -> str:
    """`ilse (Ilse M.)`."""
    return f"{person.id} ({person.name})" if person.name else person.id


def _approved(ground: Ground, value: Strategy) -> GateLine:
    sponsor = value.sponsor
    history = ground.facts.world.history
    edit = history.material.get(value.strategy) if history is not None else None
    changed = f"; mission and goals last changed on {edit.at.date()}" if edit is not None else ""
    if sponsor is None or sponsor.approved is None:
        seen, holds = f"nobody has approved it{changed}", False
    elif sponsor.approved > ground.today:
        seen, holds = f"to be approved on {sponsor.approved}", False
    else:
        seen, holds = f"approved on {sponsor.approved}{changed}", True
    return ground.line("STR002", "approved as it stands", seen, codes=("STR002",), holds=holds, exact=bool(edit),
                       owner=ground.sponsor,
                       remedy="Show mission and goals to the sponsor; write the day of the yes as sponsor: approved.")


def _mission(ground: Ground, value: Strategy) -> GateLine:
    missing = [] if (value.mission or "").strip() else ["mission"]
    missing += [] if value.business_goals else ["business goal"]
    many = counted(len(value.business_goals), "business goal")
    seen = (f"no {either(missing)} is written" if missing else
            f"a mission and {many}: {listed(one.id for one in value.business_goals)}")
    return ground.line("STRATEGY-mission", "mission and business goals", seen, also=("STR003",), holds=not missing,
                       owner=ground.sponsor,
                       remedy="Write in a sentence what gets better for whom (mission), and what the house wants to "
                              "reach (business_goals).")


def _departments(ground: Ground, value: Strategy) -> GateLine:
    """A department needs a goal in one of the strategies, not in each."""
    exempt = ground.facts.content.rulebook().knobs.get("departments_exempt", ())
    heads = {one.id: one.head for one in ground.team.departments
             if one.id not in ((exempt,) if isinstance(exempt, str) else exempt if isinstance(exempt, tuple) else ())}
    served = {goal.department for _, one in ground.facts.strategies() for goal in one.department_goals}
    known = [goal.department for goal in value.department_goals if goal.department is not None]
    without = [id for id in heads if id not in served]
    if without:
        many = f"{len(heads) - len(without)} of {counted(len(heads), 'department')}"
        seen = f"{many} with a goal; none yet: {listed(without)}"
    elif known:
        seen = f"{counted(len(set(known)), 'department')} with a goal: {listed(dict.fromkeys(known))}"
    else:
        seen = "no department and no department goal is named"
    owner = next((heads[id] for id in without), None) or ground.sponsor
    remedy = (f"Ask {heads[without[0]] or 'its head'}, and write it under department_goals in strategy.yaml." if without
              else "List the departments in people/team.yaml, and a goal of each under department_goals.")
    return ground.line("STR003", "every department has a goal", seen, holds=bool(known) and not without, owner=owner,
                       remedy=remedy)


def _perception(ground: Ground, value: Strategy) -> GateLine:
    missing = [name for name in _PERCEPTION if not (getattr(value.perception, name, None) or "").strip()]
    seen = f"not yet said: {listed(missing, 5)}" if missing else (
        "how people see us, how they should, and what is different")
    return ground.line("STR010", "perception described", seen, codes=("STR010",), holds=not missing,
                       exact=bool(missing), owner=ground.sponsor,
                       remedy="Write a sentence for each under perception in strategy.yaml.")


def _goals(ground: Ground, entry: Entry, value: Strategy) -> Iterator[GateLine]:
    goals = value.social_goals
    if not goals:
        yield ground.line("STRATEGY-goals", "social goals written", "there is none", holds=False, owner=ground.sponsor,
                          remedy="Write one under social_goals in strategy.yaml: from a department's goal, an insight "
                                 "and a finding, with a figure, a day and an owner.")
        return
    many, days = counted(len(goals), "goal"), sorted(goal.due for goal in goals if goal.due is not None)
    agreed = sorted({person for goal in goals for person in goal.agreed_by})

    def line(code: str, what: str, good: str, owner: str | None = None) -> GateLine:
        first = owner_of(ground.problems(code), entry, "social_goals", [goal.owner for goal in goals])
        return ground.line(code, what, many, codes=(code,), good=good, owner=owner or first or ground.sponsor)

    yield line("GOL001", "goals can be measured", f"{many}: {listed(goal.id for goal in goals)}")
    yield line("GOL002", "starting points measured", f"{many}, each with a starting point and where it is from")
    yield line("GOL003", "goals have day and owner", f"{many}, due {_span(days)}")
    yield line("GOL004", "goals within reach", "; ".join(filter(None, (_step(goal) for goal in goals[:3]))) or many)
    yield line("STR004", "goals have a reason", f"{many}, each from a department's goal, an insight and a finding")
    yield line("STR008", "goals agreed", f"{many}, agreed by {listed(agreed)}", ground.sponsor)


def _span(days: Sequence[object]) -> str:
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else "on no day"


def _step(goal: SocialGoal) -> str:
    start = goal.baseline.value if goal.baseline is not None else None
    if start is None or goal.target is None:
        return ""
    return f"{goal.id} from {number(start)} to {number(goal.target)}"


def _tactics(ground: Ground, entry: Entry, value: Strategy) -> GateLine:
    many = counted(len(value.tactics), "tactic")
    owner = owner_of(ground.problems("STR005"), entry, "tactics", [one.owner for one in value.tactics])
    return ground.line("STR005", "every tactic serves a goal", many if value.tactics else "no tactic is written",
                       codes=("STR005",), holds=bool(value.tactics), good=f"{many}, each for a goal",
                       owner=owner or ground.lead,
                       remedy="Write under tactics in strategy.yaml what is done for each goal.")


def _budget(ground: Ground, value: Strategy) -> GateLine:
    budget = value.budget
    parts = [] if budget is None else [
        f"{number(budget.money)} {budget.currency or ''}".strip() if budget.money else "",
        f"{number(budget.hours)} {'hour' if budget.hours == 1 else 'hours'}" if budget.hours else ""]
    seen = " and ".join(filter(None, parts)) or "neither money nor hours"
    return ground.line("STR011", "money and hours", seen, codes=("STR011",), holds=any(parts),
                       exact=not any(parts), owner=ground.sponsor,
                       remedy="Write money and hours under budget in strategy.yaml, and how they split.")


def _channels(ground: Ground) -> GateLine:
    channels = ground.facts.content.channels.channels
    used = [one for one in channels if one.status != "retired"]
    without = [one for one in used if not (one.audiences and one.goals and one.evidence)]
    entry = next((one for one in ground.facts.content.entries if one.kind == "channels"), None)
    problems = ground.problems("NET001")
    owner = owner_of(problems, entry, "channels", [one.owner for one in channels]) if entry is not None else None
    many, names = counted(len(used), "channel"), listed((one.id for one in used), 8)
    full = len(used) - len(without)
    seen = f"{full} of {many} with audience, goal and evidence" if used else "no channel is in use"
    return ground.line("NET001", "every channel has a reason", seen, codes=("NET001",),
                       holds=bool(used) and not without,
                       owner=owner or next((one.owner for one in without if one.owner), None) or ground.lead,
                       good=f"{many} with audience, goal and evidence: {names}",
                       remedy="Write in networks/channels.yaml whom each is for, for which goal, and what shows it.")


def owner_of(problems: Sequence[Problem], entry: Entry, key: str, owners: Sequence[str | None]) -> str | None:
    """Who owns what the first problem is about, of the list `key` in the file of `entry`."""
    first: Place | None = next((one.place for one in problems if one.place.file == entry.file), None)
    if first is None:
        return None
    before = [owner for number, owner in enumerate(owners) if entry.place(key, number) <= first]
    return before[-1] if before else None
