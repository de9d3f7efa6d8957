"""MNT003: once a campaign has begun, people meet every week, those who decide among them, and do what they agreed."""
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from schemas.content import Entry
from schemas.engagement import CheckIn
from schemas.people import Team
from schemas.problem import Problem, Severity

_WEEK_NAME = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_FOLDER = "checkins/"
_WEEK = timedelta(weeks=1)
_WEEKS_WITHOUT_LEADS = 4
_OVERDUE = timedelta(days=7)
_QUOTED = 80


class _Held(NamedTuple):
    """A check-in that was held, and the Monday of the week that it is for."""

    monday: date
    entry: Entry
    value: CheckIn


def _check_ins(facts: Facts) -> Iterator[Problem]:
    """Judged are whole weeks that began on the first day of the first campaign or later.

    Where every channel is retired there is nothing to meet about; what was agreed is still to be done.
    """
    today = facts.today()
    begun = [(campaign.start, entry) for entry, campaign in facts.campaigns()
             if campaign.start is not None and campaign.start <= today]
    if not begun:
        return
    start, first = min(begun, key=lambda one: one[0])
    this_week = today - timedelta(days=today.weekday())
    weeks = [monday for number in range(1, _WEEKS_WITHOUT_LEADS + 1) if (monday := this_week - number * _WEEK) >= start]
    held, torn = list(_held(facts)), _torn(facts)
    if _is_anything_open(facts):
        yield from _missed(weeks[:2], {one.monday for one in held} | torn, first)
    if len(weeks) == _WEEKS_WITHOUT_LEADS and torn.isdisjoint(weeks):
        yield from _without_leads([one for one in held if one.monday in weeks], weeks, facts)
    yield from _overdue(held, today)


def _is_anything_open(facts: Facts) -> bool:
    """Whether there is a channel left to meet about; where none is written down there may be."""
    channels = facts.content.channels.channels
    return not channels or any(channel.status != "retired" for channel in channels)


def _held(facts: Facts) -> Iterator[_Held]:
    """A check-in is for the week that its file is named for, else for that of its date; none was held in the future."""
    today = facts.today()
    for entry in facts.content.entries:
        if isinstance(entry.value, CheckIn):
            day = entry.value.date
            monday = _monday(entry.id) or (day - timedelta(days=day.weekday()) if day is not None else None)
            if monday is not None and (day is None or day <= today):
                yield _Held(monday, entry, entry.value)


def _torn(facts: Facts) -> set[date]:
    """The weeks whose check-in is there and cannot be read."""
    names = (path.removeprefix(_FOLDER).removesuffix(".md") for path in facts.content.unreadable
             if path.startswith(_FOLDER))
    return {monday for name in names if (monday := _monday(name)) is not None}


def _monday(name: str) -> date | None:
    """The first day of the week that `2027-W10` names."""
    match = _WEEK_NAME.fullmatch(name)
    try:
        return date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        return None


def _name(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def _missed(weeks: list[date], known: set[date], first: Entry) -> Iterator[Problem]:
    """`weeks`: the last two, the newest first, as far as they are judged."""
    if not weeks or weeks[0] in known:
        return
    name = _name(weeks[0])
    is_second = len(weeks) == 2 and weeks[1] not in known
    said = f"No check-in in two weeks, {_name(weeks[1])} and {name}." if is_second else f"No check-in in week {name}."
    yield CHECKED_IN.at(first.place("start"), said,
                        f"Hold the weekly check-in, and write it down in {_FOLDER}{name}.md.",
                        severity=Severity.error if is_second else None)


def _without_leads(held: list[_Held], weeks: list[date], facts: Facts) -> Iterator[Problem]:
    """Neither a sponsor nor a social manager in four weeks of check-ins; told at the newest of them.

    A check-in that does not say who was there shows nobody.
    """
    leads = _leads(facts)
    if leads and held and not any(leads & set(one.value.present) for one in held):
        newest = max(held, key=lambda one: (one.monday, one.entry.file))
        yield CHECKED_IN.at(
            newest.entry.place("present"), f"Neither sponsor nor social manager ({joined(sorted(leads))}) was at a "
            f"check-in from {_name(weeks[-1])} to {_name(weeks[0])}.",
            "Choose an hour when one of them can come, and write under present: who was there.")


def _leads(facts: Facts) -> set[str]:
    """Who sponsors and who manages, as far as the files name them."""
    team = facts.content.entry("team")
    people = team.people if isinstance(team, Team) else ()
    found = {one.id for one in people if one.active and not {"sponsor", "social_manager"}.isdisjoint(one.roles)}
    sponsors = (strategy.sponsor.person for _, strategy in facts.strategies() if strategy.sponsor is not None)
    return found | {person for person in sponsors if person is not None}


def _overdue(held: Iterable[_Held], today: date) -> Iterator[Problem]:
    for _, entry, value in held:
        for number, action in enumerate(value.actions):
            is_done = action.done is not None and action.done <= today
            if action.due is not None and today - action.due > _OVERDUE and not is_done:
                whose = f" by {action.owner}" if action.owner else ""
                yield CHECKED_IN.at(
                    entry.place("actions", number, "due"), f"Overdue for {(today - action.due).days} days: "
                    f"'{action.text[:_QUOTED]}'{whose}.",
                    "Do it and write done: with the day, or agree on another due:.")


CHECKED_IN = Rule(
    "MNT003", Severity.warning, "FT", "Since the first campaign began: the last whole week has no check-in, as an "
    "error the last two; in four weeks of check-ins neither sponsor nor social manager was there; an action is overdue "
    "for more than 7 days.", "Hold the weekly check-in.", all=_check_ins)
RULES: tuple[Rule, ...] = (CHECKED_IN,)
