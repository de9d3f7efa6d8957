"""STR: the strategy is an executive's word and it is alive: a sponsor, a mission, a perception, a budget, a review.

What leads from there to posts (goals, tactics) and what looks copied have modules of their own; the family is listed
here.
"""
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from flows.planning.indexing import may_be_in
from flows.planning.rules import actions, copies, funnel
from flows.planning.rules.funnel import team_of
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from schemas.people import Team
from schemas.place import Place
from schemas.problem import Problem, Severity
from schemas.strategy import Budget, Perception, Strategy

_PERCEPTION = {
    "current": "how people see you now", "desired": "how they should see you",
    "experience": "what they will live through", "promise": "what you promise them",
    "difference": "what is different from others",
}
_OFF_BY = 0.001


def _sponsorless(facts: Facts) -> Iterator[Problem]:
    """Nobody who may decide answers for the strategy; where there is no strategy at all, that is said once."""
    if not facts.strategies() and not may_be_in("strategy", facts.content.unreadable):
        yield SPONSORED.at(Place(f"{facts.content.root}/strategy.yaml"), "There is no strategy, so nobody answers for "
                           "what is said here.", "Write strategy.yaml, and name an executive sponsor in it.")
    for entry, strategy in facts.strategies():
        id = strategy.sponsor.person if strategy.sponsor is not None else None
        place = entry.place("sponsor", "person")
        if id is None:
            yield SPONSORED.at(place, f"Nobody answers for {strategy.strategy}: it has no executive sponsor.",
                               "Name one under sponsor: {person: …, approved: YYYY-MM-DD}, somebody with the role "
                               "sponsor and executive: true in people/team.yaml.")
        elif not may_be_in("person", facts.content.unreadable):
            for message, remedy in _unfit(id, team_of(facts)):
                yield SPONSORED.at(place, message, remedy)


def _unfit(id: str, team: Team) -> Iterator[tuple[str, str]]:
    """Why the person cannot be the sponsor, and what to do."""
    person = next((one for one in team.people if one.id == id), None)
    if person is None:
        yield (f"The sponsor {id} is not in the team.",
               f"Add {id} to people/team.yaml with roles: [sponsor] and executive: true, or name an executive sponsor.")
    elif not person.active:
        yield f"The sponsor {id} is not active any more.", "Name another executive sponsor."
    elif "sponsor" not in person.roles or not person.executive:
        lacks = [what for what, lacking in (("the role sponsor", "sponsor" not in person.roles),
                                            ("executive: true", not person.executive)) if lacking]
        yield (f"The sponsor {id} lacks {joined(lacks)}.",
               f"Add it to {id} in people/team.yaml if it is so, or name an executive sponsor.")


def _approved_older(facts: Facts) -> Iterator[Problem]:
    """The sponsor's word is older than what it is about; a day still to come is no word yet.

    Days in the strategy's zone; an approval on the day of the change counts. Nothing is said of a strategy of which Git
    knows no mission and no goals: there is nothing to approve yet, or it lies uncommitted.
    """
    history = facts.world.history
    for entry, strategy in facts.strategies():
        changed = history.material.get(strategy.strategy) if history is not None else None
        sponsor = strategy.sponsor
        if changed is None or sponsor is None or sponsor.person is None:
            continue
        day = changed.at.astimezone(ZoneInfo(strategy.timezone)).date()
        if sponsor.approved is None:
            what = f"{sponsor.person} has not approved the text of {day}."
        elif sponsor.approved > facts.today():
            what = f"{sponsor.person} has not approved the text of {day}: {sponsor.approved} is still to come."
        elif sponsor.approved < day:
            what = (f"{sponsor.person} approved an older text on {sponsor.approved}: mission, business goals or social "
                    f"goals changed on {day}.")
        else:
            continue
        yield APPROVED.at(entry.place("sponsor", "approved"), what,
                          f"Ask {sponsor.person} {'again' if sponsor.approved else 'to read it'}, then write the day "
                          "under sponsor: approved.")


def _rootless(facts: Facts) -> Iterator[Problem]:
    """A strategy without a mission or business goals; a department that wants nothing of it.

    A department needs a goal in one of the strategies, not in each.
    """
    for entry, strategy in facts.strategies():
        if not _said(strategy.mission):
            yield ROOTED.at(entry.place("mission"), f"{strategy.strategy} has no mission.",
                            "Write under mission:, in a sentence, what gets better for whom.")
        if not strategy.business_goals:
            yield ROOTED.at(entry.place("business_goals"), f"{strategy.strategy} has no business goal.",
                            "Ask the sponsor what the whole house wants to reach, and write it under business_goals.")
    if facts.strategies() and not may_be_in("department_goal", facts.content.unreadable):
        yield from _wanting_nothing(facts)


def _wanting_nothing(facts: Facts) -> Iterator[Problem]:
    exempt = set(facts.knob(ROOTED, "departments_exempt"))
    with_goal = {goal.department for _, strategy in facts.strategies() for goal in strategy.department_goals}
    for entry in facts.content.entries:
        for number, one in enumerate(entry.value.departments if isinstance(entry.value, Team) else ()):
            if one.id not in with_goal | exempt:
                yield ROOTED.at(entry.place("departments", number, "id"), f"{one.id} has no goal.",
                                f"Ask {one.head or 'its head'}, and write it under department_goals of the strategy.")


def _unperceived(facts: Facts) -> Iterator[Problem]:
    """The gap between how people see us and how they should is not written down."""
    for entry, strategy in facts.strategies():
        perception = strategy.perception or Perception()
        lacks = [field for field in _PERCEPTION if not _said(getattr(perception, field))]
        if lacks:
            yield PERCEIVED.at(entry.place("perception", lacks[0]),
                               f"Nobody has said {joined([_PERCEPTION[field] for field in lacks])}.",
                               f"Write {joined(lacks)} under perception.")


def _free_of_cost(facts: Facts) -> Iterator[Problem]:
    """A budget of nothing, or one that is not wholly divided; without a split there is nothing to add up."""
    for entry, strategy in facts.strategies():
        budget = strategy.budget or Budget()
        if not budget.money and not budget.hours:
            yield PAID_FOR.at(entry.place("budget", "money"), "Social work is not free, and the budget has no money "
                              "and no hours.", "Enter money or hours under budget; hours of volunteers count.")
        if budget.split is not None:
            parts = [budget.split.groundwork or 0, budget.split.campaign or 0, budget.split.maintenance or 0]
            if abs(sum(parts) - 1) > _OFF_BY + 1e-9:
                yield PAID_FOR.at(entry.place("budget", "split"), f"The split of the budget adds up to {sum(parts):g}, "
                                  "not to 1.", "Change groundwork, campaign or maintenance until they add up to 1.")


def _unreviewed(facts: Facts) -> Iterator[Problem]:
    """Nobody has looked at the strategy for long: since its last review, or since it began.

    Only while it runs: before its start it is being written and a review is part of that, after its end its successor
    counts.
    """
    today = facts.today()
    for entry, strategy in facts.strategies():
        if strategy.end is not None and strategy.end < today:
            continue
        last = _last_look(strategy, today)
        days = (today - last).days
        if days > facts.knob(REVIEWED, "review_days"):
            what = (f"{strategy.strategy} was last reviewed on {last}" if last == strategy.reviewed
                    else f"{strategy.strategy} was not reviewed since it began on {last}")
            yield REVIEWED.at(entry.place("reviewed"), f"{what}, {days} days ago.", "Review the strategy: change what "
                              f"no longer holds, then write reviewed: {today}.")


def _last_look(strategy: Strategy, today: date) -> date:
    """The day of its review; of its start where there was none since, for a day still to come is none."""
    reviewed = strategy.reviewed
    return reviewed if reviewed is not None and strategy.start <= reviewed <= today else strategy.start


def _said(text: str | None) -> bool:
    return bool(text and text.strip())


SPONSORED = Rule("STR001", Severity.error, "F", "The strategy has no sponsor, or the person lacks the role sponsor "
                 "or executive: true.", "Name an executive sponsor.", all=_sponsorless, gate="STRATEGY")
APPROVED = Rule("STR002", Severity.error, "G", "The sponsor approved the strategy before the last change of its "
                "mission, business goals or social goals, or never.", "Ask the sponsor again.", all=_approved_older,
                wants=("history",), gate="STRATEGY")
ROOTED = Rule("STR003", Severity.error, "F", "The strategy has no mission or no business goal, or a department has no "
              "goal.", "Ask the head of the department, and write its goal under department_goals.", all=_rootless,
              knobs={"departments_exempt": ()}, gate="STRATEGY")
PERCEIVED = Rule("STR010", Severity.warning, "F", "The strategy does not say how people see you, how they should, and "
                 "what makes the difference.", "Say how people see you now, how they should, and what is different.",
                 all=_unperceived, gate="STRATEGY")
PAID_FOR = Rule("STR011", Severity.error, "F", "The budget has no money and no hours, or its split does not add up to "
                "1.", "Social work is not free: enter money or hours.", all=_free_of_cost, gate="STRATEGY")
REVIEWED = Rule("STR012", Severity.warning, "T", "The strategy was not reviewed for more than 90 days.",
                "Review the strategy, and write the day under reviewed.", all=_unreviewed, knobs={"review_days": 90},
                gate="MAINTENANCE")
RULES: tuple[Rule, ...] = (
    SPONSORED, APPROVED, ROOTED, funnel.DERIVED, funnel.PURPOSEFUL, funnel.IN_ORDER, actions.ACTED_ON, funnel.AGREED,
    funnel.SHARED, PERCEIVED, PAID_FOR, REVIEWED, copies.COPIED, actions.ON_TARGET)
