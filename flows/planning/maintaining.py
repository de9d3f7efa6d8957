"""MAINTENANCE: once the big day is over somebody still meets, speaks, answers and looks ahead, week by week."""
from collections.abc import Iterator
from datetime import date, timedelta

from flows.planning.measuring import ALL, latest
from flows.planning.rules.campaigns import day_of
from flows.planning.safeguarding import crisis_plan, policies
from flows.planning.witnessing import Ground, by_day, counted, listed
from schemas.engagement import CheckIn, Task
from schemas.gate import Gate, GateLine

_ANSWERED = 0.9
_OVERDUE = timedelta(days=7)
_A_WEEK = timedelta(days=7)
_QUOTED = 60
_COUNT = "Write this week's response_rate (0.9: nine of ten) into measures/<year>.csv, channel all."


def maintenance(ground: Ground) -> Gate:
    """The gate that stays: one line until the first campaign is over or the phase has begun."""
    begins = _begins(ground)
    if begins is None or begins > ground.today:
        seen = f"it begins on {begins}" if begins is not None else "it begins when the first campaign is over"
        return Gate("MAINTENANCE", (ground.line(
            "MAINTENANCE-begun", "maintenance begun", seen, doubt=True,
            remedy="Nothing to do yet; what keeps it green is listed from then on."),))
    return Gate("MAINTENANCE", (
        _check_in(ground), _quiet(ground), _answers(ground), crisis_plan(ground),
        policies(ground, "MAINTENANCE-policies"), *_reviews(ground), _actions(ground)))


def _begins(ground: Ground) -> date | None:
    """The day after the first campaign, or the first of the phase, whichever comes first."""
    ends = [value.end + timedelta(days=1) for _, value in ground.facts.campaigns() if value.end is not None]
    phases = [value.phases["maintenance"][0] for _, value in ground.facts.strategies() if "maintenance" in value.phases]
    return min([*ends, *phases], default=None)


def _check_in(ground: Ground) -> GateLine:
    monday = ground.today - timedelta(days=ground.today.weekday()) - _A_WEEK
    year, week, _ = monday.isocalendar()
    name = f"{year}-W{week:02}"
    held = [value for id, value in _check_ins(ground) if id == name or (
        value.date is not None and monday <= value.date < monday + _A_WEEK)]
    present = sorted({person for one in held for person in one.present})
    if held:
        seen = f"week {name} has one" + (f", with {listed(present)}" if present else "")
    else:
        seen = f"week {name} has none"
    return ground.line("MAINTENANCE-checkin", "weekly check-in", seen, also=("MNT003",), holds=bool(held),
                       owner=ground.lead, remedy=f"Hold the weekly check-in, and write it down in checkins/{name}.md.")


def _check_ins(ground: Ground) -> Iterator[tuple[str, CheckIn]]:
    """Those that were held."""
    for entry in ground.facts.content.entries:
        if isinstance(entry.value, CheckIn) and (entry.value.date is None or entry.value.date <= ground.today):
            yield entry.id, entry.value


def _quiet(ground: Ground) -> GateLine:
    active = [one for one in ground.facts.content.channels.channels if one.status == "active"]
    last = {channel: day_of(said[-1].at, ground.facts) for channel, every in ground.facts.said.items()
            if (said := [one for one in every if one.is_out])}
    parts = by_day({one.id: last.get(one.id) for one in active})
    never = [one.id for one in active if one.id not in last]
    parts += [f"never on {listed(never)}"] if never else []
    seen = "; ".join(parts)
    problems = ground.problems("MNT001")
    named = {problem.channel for problem in problems}
    owner = next((one.owner for one in active if one.id in named), None)
    return ground.line("MNT001", "no channel falls silent", f"last heard {seen}" if seen else "no channel is active",
                       codes=("MNT001",), owner=owner or ground.lead)


def _answers(ground: Ground) -> GateLine:
    most = int(ground.knob("stale_days", 14))
    found = latest(ground.facts.content.figures, "response_rate", ALL, ground.today)
    playbook = ground.facts.content.entry("playbook")
    owner = (playbook.routes.get("question") if playbook is not None else None) or ground.lead
    if found is None:
        seen, holds, doubt = "nobody has counted how many questions were answered in time", True, True
    else:
        days = (ground.today - found.date).days
        seen = f"{found.value:.0%} answered in time, counted on {found.date}"
        holds, doubt = days > most or found.value >= _ANSWERED, days > most
        seen += f", {counted(days, 'day')} ago" if doubt else ""
    return ground.line("MAINTENANCE-answers", "questions answered in time", seen, holds=holds, doubt=doubt, owner=owner,
                       remedy=_COUNT if doubt else "Answer sooner, or have more people answer: nine of ten in time.")


def _reviews(ground: Ground) -> Iterator[GateLine]:
    most, several = int(ground.knob("review_days", 90)), len(ground.facts.strategies()) > 1
    for entry, value in ground.facts.strategies():
        day = value.reviewed
        days = (ground.today - day).days if day is not None else 0
        seen = f"reviewed on {day}, {counted(days, 'day')} ago" if day is not None else "never reviewed"
        if day is not None and days < 0:
            seen = f"to be reviewed on {day}"
        yield ground.line("STR012", "strategy reviewed", f"{entry.id}: {seen}" if several else seen, exact=True,
                          holds=day is not None and 0 <= days <= most, names=(entry.id,),
                          owner=(value.sponsor.person if value.sponsor is not None else None) or ground.sponsor,
                          remedy=f"Read it together, change what no longer holds, and write reviewed: {ground.today}.")


def _actions(ground: Ground) -> GateLine:
    actions = [one for _, value in _check_ins(ground) for one in value.actions]
    still_open = [one for one in actions if not (one.done is not None and one.done <= ground.today)]
    late = [one for one in still_open if one.due is not None and ground.today - one.due > _OVERDUE]
    late.sort(key=lambda one: one.due or date.max)
    if late:
        seen = f"{counted(len(late), 'action')} overdue: {_quoted(late[0])}"
    else:
        many = f"{len(still_open)} of {counted(len(actions), 'action')}"
        seen = f"{many} open, none overdue" if actions else "no action is open"
    return ground.line("MAINTENANCE-actions", "actions done", seen, also=("MNT003",), holds=not late,
                       owner=(late[0].owner if late else None) or ground.lead,
                       remedy="Do it and write the day as done, or agree on another due.")


def _quoted(task: Task) -> str:
    return f"'{task.text[:_QUOTED]}', due {task.due}"
