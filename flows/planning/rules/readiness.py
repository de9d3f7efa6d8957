"""CRI001: when the worst happens there is a plan, known to those who act, and a first sentence that may be said."""
import re
from collections.abc import Iterator
from datetime import date

from flows.planning.rules.people import has_read, team_of
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.signatures import is_here
from flows.planning.rules.wording import joined
from schemas.content import Entry
from schemas.crisis import CrisisPlan, SignedOff, Statement
from schemas.place import Place
from schemas.problem import Problem, Severity

_PLAN = "crisis/plan.yaml"
_STATEMENTS = "crisis/holding/"
_FIELD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def _unready(facts: Facts) -> Iterator[Problem]:
    """Each reason by itself. A level that does not say what may go on holds all, so it needs a statement too."""
    if _PLAN in facts.content.unreadable:
        return
    entry = next((entry for entry in facts.content.entries if isinstance(entry.value, CrisisPlan)), None)
    if entry is None or not isinstance(entry.value, CrisisPlan):
        yield _not_ready(Place(f"{facts.content.root}/{_PLAN}"), "there is none",
                         f"Write {_PLAN}: levels, who decides, speaks, posts and listens; and have it approved.")
        return
    plan, today = entry.value, facts.today()
    if (why := _unsigned(plan.approved, today)) is not None:
        yield _not_ready(entry.place("approved"), why, "Have it approved, and write approved: {by: …, on: …}.")
    if plan.review_by is None or plan.review_by < today:
        why = "no day is given for its review" if plan.review_by is None else f"its review was due by {plan.review_by}"
        yield _not_ready(entry.place("review_by"), why, "Go through it again, and write a new review_by:.")
    yield from _unrehearsed(entry, plan, facts)
    yield from _unknown_to(entry, plan, facts)
    yield from _speechless(entry, plan, facts)


def _not_ready(place: Place, why: str, remedy: str) -> Problem:
    return READY.at(place, f"The crisis plan is not ready: {why}.", remedy)


def _unsigned(approved: SignedOff | None, today: date) -> str | None:
    """Why something is not approved."""
    if approved is None or approved.by is None:
        return "nobody has approved it"
    if approved.on is None:
        return f"{approved.by} approved it, and nothing says when"
    return f"it will be approved only on {approved.on}" if approved.on > today else None


def _unrehearsed(entry: Entry, plan: CrisisPlan, facts: Facts) -> Iterator[Problem]:
    today, days = facts.today(), facts.knob(READY, "rehearse_days")
    last = max((drill.date for drill in plan.rehearsed if drill.date is not None and drill.date <= today), default=None)
    if last is None or (today - last).days > days:
        why = f"the last rehearsal was on {last}, {(today - last).days} days ago" if last else "it was never rehearsed"
        yield _not_ready(entry.place("rehearsed"), why, "Play a scenario through with everybody in it, and write it "
                         "under rehearsed:.")


def _unknown_to(entry: Entry, plan: CrisisPlan, facts: Facts) -> Iterator[Problem]:
    """Those with a part in it who have not read this version; who is not with us any more is not asked."""
    if "people/team.yaml" in facts.content.unreadable:
        return
    roles = plan.roles
    parts = (*roles.decides, *roles.speaks, *roles.posts, *roles.listens) if roles is not None else ()
    if not parts:
        yield _not_ready(entry.place("roles"), "nobody has a part in it",
                         "Write roles: who decides, speaks, posts and listens; the person, then the backup.")
        return
    found, today = team_of(facts), facts.today()
    version = f"{entry.id}@{plan.version or 1}"
    gone = {person.id for person in found[1].people if not is_here(person, today)} if found is not None else set()
    unread = [person for person in dict.fromkeys(parts)
              if person not in gone and (found is None or not has_read(found[1], version, person, today))]
    if unread:
        place = found[0].place("acknowledged", version) if found is not None else entry.place("roles")
        yield _not_ready(place, f"{joined(unread)} {'has' if len(unread) == 1 else 'have'} not acknowledged {version}",
                         f"Have them read it, and write the day under acknowledged: {version}.")


def _speechless(entry: Entry, plan: CrisisPlan, facts: Facts) -> Iterator[Problem]:
    """Levels that hold all posts and have no statement that may be used; each statement is told of once."""
    statements = {one.id: (one, one.value) for one in facts.content.entries if isinstance(one.value, Statement)}
    is_known = not any(path.startswith(_STATEMENTS) for path in facts.content.unreadable)
    used: dict[str, None] = {}
    if not plan.levels:
        yield _not_ready(entry.place("levels"), "it has no levels",
                         "Write levels: for each, when it is one, how fast you answer, and what waits: publishing:.")
    for number, level in enumerate(plan.levels):
        if level.publishing in ("continue", "hold-asks"):
            continue
        if level.statement in statements:
            used[level.statement] = None
        elif level.statement is None or is_known:
            why = f"'{level.statement}' is no statement" if level.statement else "it has no statement"
            yield _not_ready(entry.place("levels", number, "statement"), f"level {level.id} holds all posts, and {why}",
                             f"Write what is said first in {_STATEMENTS}<name>.md, have it approved, and name it under "
                             "statement:.")
    for name in used:
        yield from _unusable(*statements[name], facts.today())


def _unusable(entry: Entry, statement: Statement, today: date) -> Iterator[Problem]:
    """What keeps a statement from being said."""
    def bad(field: str, why: str, remedy: str) -> Problem:
        return _not_ready(entry.place(field), f"statement {entry.id}: {why}", remedy)

    if (why := _unsigned(statement.approved, today)) is not None:
        yield bad("approved", why, "Have it approved, and write approved: {by: …, on: …}.")
    if statement.expires is None or statement.expires < today:
        why = "nothing says until when it holds" if statement.expires is None else f"it expired on {statement.expires}"
        yield bad("expires", why, "Read it again, have it approved anew, and write expires:.")
    if not entry.body.strip():
        yield bad("fill", "it has no text", "Write the sentences below the front matter.")
        return
    blanks = list(dict.fromkeys(_FIELD.findall(entry.body)))
    lost = [field for field in blanks if field not in statement.fill]
    idle = [field for field in statement.fill if field not in blanks]
    if lost:
        yield bad("fill", f"its text has {joined([f'{{{{{field}}}}}' for field in lost])}, and fill: does not",
                  f"Add {joined(lost)} to fill:, or take it out of the text.")
    if idle:
        yield bad("fill", f"fill: has {joined(idle)}, and its text does not",
                  f"Write {joined([f'{{{{{field}}}}}' for field in idle])} where it belongs, or take it out of fill:.")


READY = Rule(
    "CRI001", Severity.error, "FT", "There is no crisis plan; or it is not approved, past its review, not rehearsed "
    "for 365 days, not acknowledged by those with a part in it, has no levels, or a level that holds all posts has no "
    "statement that is approved, in date and complete.",
    "Have the plan approved, reviewed, rehearsed and read, and write what is said first.", all=_unready,
    knobs={"rehearse_days": 365}, gate="LAUNCH")
