"""CMP001 to CMP005: a campaign comes from a strategy, late enough to have a base, and with an end that is planned.

What the rules of campaigns share stands here too: which campaigns still matter, and what belongs to which.
"""
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from flows.planning.timing import days_on
from schemas.campaign import Campaign, Review
from schemas.content import Entry, Resolved
from schemas.problem import Problem, Severity
from schemas.strategy import Strategy

_LENGTH = re.compile(r"([1-9]\d{0,3})(h|d|w|mo)", re.ASCII)
_UNITS = {"h": "hour", "d": "day", "w": "week", "mo": "month"}
_A_YEAR = timedelta(days=365)
_MOST_DAYS = 36_500
_STRATEGIES = ("strategy.yaml", "strategies/")
Path = tuple[str | int, ...]


class Length(NamedTuple):
    """So many hours, days, weeks or calendar months."""

    number: int
    unit: str

    def after(self, day: date) -> date:
        """The day that is so much later; hours fill up a day."""
        if self.unit == "h":
            return day + timedelta(days=-(-self.number // 24))
        return days_on(day, self.number, self.unit)

    def __str__(self) -> str:
        return counted(self.number, _UNITS[self.unit])


def length(facts: Facts, rule: Rule, knob: str) -> Length:
    """What a knob such as `6mo` says; the default where it says no length."""
    match = _LENGTH.fullmatch(facts.knob(rule, knob)) or _LENGTH.fullmatch(str(rule.knobs[knob]))
    assert match is not None
    return Length(int(match[1]), match[2])


def days(facts: Facts, rule: Rule, knob: str) -> int:
    """What a knob that counts days says; the default where that is no number of days."""
    value, default = facts.knob(rule, knob), rule.knobs[knob]
    assert isinstance(default, int)
    return int(value) if 0 <= value <= _MOST_DAYS else default


def share(facts: Facts, rule: Rule, knob: str) -> float:
    """What a knob that is a part of a whole says; the default where that is none."""
    value, default = facts.knob(rule, knob), rule.knobs[knob]
    assert isinstance(default, float)
    return float(value) if 0 <= value <= 1 else default


def counted(number: int, word: str) -> str:
    """`1 day`, `3 days`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def either(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def running(facts: Facts) -> Iterator[tuple[Entry, Campaign]]:
    """The campaigns that are not over: with the others there is nothing left to prepare."""
    today = facts.today()
    return ((entry, campaign) for entry, campaign in facts.campaigns()
            if campaign.end is None or max(campaign.end, campaign.start or campaign.end) >= today)


def posts_of(facts: Facts) -> dict[str, list[Resolved]]:
    """The posts of each campaign, by its folder."""
    made: dict[str, list[Resolved]] = {}
    for post in facts.content.posts:
        if (campaign := post.post.campaign) is not None:
            made.setdefault(campaign, []).append(post)
    return made


def reviews_of(facts: Facts, folder: str) -> list[tuple[Entry, Review]]:
    """The reviews of a campaign that have been held, the oldest first."""
    today = facts.today()
    held = [(entry.value.date, entry, entry.value) for entry in facts.content.entries
            if isinstance(entry.value, Review) and entry.value.date is not None and entry.value.date <= today
            and entry.file.split("/")[-3] == folder]             # campaigns/<folder>/reviews/<file>
    return [(entry, review) for _, entry, review in sorted(held, key=lambda one: (one[0], one[1].file))]


def is_unread(facts: Facts, *paths: str) -> bool:
    """Whether a file at or below one of these paths could not be read: it has a problem of its own."""
    return any(path.startswith(paths) for path in facts.content.unreadable)


def day_of(at: datetime, facts: Facts) -> date:
    """The day of a moment, in the strategy's time zone."""
    return at.astimezone(ZoneInfo(facts.content.timezone)).date()


def parent(campaign: Campaign, facts: Facts) -> Strategy | None:
    """The strategy it comes from: the one it names, or the only one there is."""
    strategies = [strategy for _, strategy in facts.strategies()]
    if campaign.strategy is not None:
        return next((strategy for strategy in strategies if strategy.strategy == campaign.strategy), None)
    return strategies[0] if len(strategies) == 1 else None


def _too_soon(facts: Facts) -> Iterator[Problem]:
    """A campaign that starts before its strategy has had the time to build a base."""
    lead = length(facts, TOO_SOON, "lead")
    for entry, campaign in running(facts):
        strategy = parent(campaign, facts)
        if strategy is None or campaign.start is None:
            continue
        earliest = lead.after(strategy.start)
        if campaign.start < earliest:
            early = counted((earliest - campaign.start).days, "day")
            yield TOO_SOON.at(
                entry.place("start"),
                f"Starts {early} too early: the base needs {lead} from {strategy.start} on.",
                f"Start on {earliest} or later, or have the sponsor sign a waiver for CMP001 in rules.yaml.")


def _estranged(facts: Facts) -> Iterator[Problem]:
    """A campaign without a strategy, or with goals, audiences or channels that its strategy does not have.

    An audience is the strategy's when one of its social goals is about it, or a channel is for it. A channel is the
    strategy's unless only another strategy's tactics name it and it works for none of this one's goals.
    """
    for entry, campaign in running(facts):
        strategy = parent(campaign, facts)
        if strategy is None:
            yield from _orphaned(entry, campaign, facts)
            continue
        lacking = [key for key in ("goals", "audiences", "channels") if not getattr(campaign, key)]
        if lacking:
            yield ESTRANGED.at(
                entry.place(), f"The campaign takes no {either(lacking)} from the strategy.",
                f"Add {joined([f'{key}:' for key in lacking])} with those of {strategy.strategy} that it works for.")
        for path, kind, id in _strangers(campaign, strategy, facts):
            yield ESTRANGED.at(
                entry.place(*path), f"The {kind} {id} is not in the strategy ({strategy.strategy}).",
                f"{_HOME[kind]}, or take it out here.")


_HOME = {
    "goal": "Write it under social_goals: of the strategy first, and agree on it",
    "audience": "Name it in a social goal of the strategy, or in a channel (audiences:)",
    "channel": "Name it in a tactic of the strategy",
}


def _orphaned(entry: Entry, campaign: Campaign, facts: Facts) -> Iterator[Problem]:
    """A campaign of which nobody knows the strategy. A name that leads nowhere among others is REF001's."""
    names = [strategy.strategy for _, strategy in facts.strategies()]
    if is_unread(facts, *_STRATEGIES) or (names and campaign.strategy is not None):
        return
    if names:
        yield ESTRANGED.at(entry.place(), f"There are {len(names)} strategies, and the campaign does not say which one "
                           "it comes from.", f"Add strategy: with one of {either(sorted(names))}.")
    else:
        yield ESTRANGED.at(entry.place("strategy"), "There is no strategy that the campaign could come from.",
                           "Write strategy.yaml first: what a campaign wants, from whom and where, comes from there.")


def _strangers(campaign: Campaign, strategy: Strategy, facts: Facts) -> Iterator[tuple[Path, str, str]]:
    """What the campaign names and its strategy does not have: the field, what it is, its id."""
    goals = {goal.id for goal in strategy.social_goals}
    for number, aim in enumerate(campaign.goals):
        if aim.goal not in goals:
            yield ("goals", number, "goal"), "goal", aim.goal
    if is_unread(facts, "networks/channels.yaml"):
        return
    channels = facts.content.channels.channels
    audiences = {goal.audience for goal in strategy.social_goals}
    audiences |= {insight.split("/")[0] for goal in strategy.social_goals for insight in goal.insights}
    audiences |= {id for channel in channels for id in channel.audiences}
    for number, id in enumerate(campaign.audiences):
        if id not in audiences:
            yield ("audiences", number), "audience", id
    own, others = set[str](), set[str]()
    for _, each in facts.strategies():
        named = own if each.strategy == strategy.strategy else others
        named |= {id for tactic in each.tactics for id in tactic.channels or ()}
    own |= {channel.id for channel in channels if channel.id not in others or goals.intersection(channel.goals)}
    for number, id in enumerate(campaign.channels or ()):
        if id not in own:
            yield ("channels", number), "channel", id


def _rushed(facts: Facts) -> Iterator[Problem]:
    """A campaign that was written down shortly before it starts. One that was never committed is written down today."""
    notice, history = days(facts, RUSHED, "notice_days"), facts.world.history
    for entry, campaign in running(facts) if history is not None else ():
        if history is None or campaign.start is None:
            continue
        known = [history.entities.get(("campaign", id)) for id in (entry.folder, entry.id)]
        first = day_of(min(filter(None, known), default=facts.now), facts)
        ahead = (campaign.start - first).days
        if ahead < notice:
            said = f"{counted(ahead, 'day')} before it starts" if ahead > 0 else (
                "on the day it starts" if ahead == 0 else f"{counted(-ahead, 'day')} after its start")
            yield RUSHED.at(
                entry.place("start"), f"A rush: it was written down on {first}, {said}.",
                f"Consider groundwork only, or start on {first + timedelta(days=notice)} or later.")


def _endless(facts: Facts) -> Iterator[Problem]:
    """A campaign without its days, with an end before its start, or longer than a push can be."""
    most = days(facts, ENDLESS, "max_days")
    for entry, campaign in running(facts):
        start, end = campaign.start, campaign.end
        if start is None:
            yield ENDLESS.at(entry.place(), "The campaign has no first day.", "Add start: YYYY-MM-DD.")
        if end is None:
            yield ENDLESS.at(entry.place(), "The campaign has no end.",
                             "Add end: YYYY-MM-DD. What has no end is no campaign; its posts belong to posts/.")
        if start is None or end is None:
            continue
        lasts = (end - start).days + 1
        if lasts < 1:
            yield ENDLESS.at(entry.place("end"), f"The campaign ends on {end}, before it starts on {start}.",
                             "Turn the two days round, or correct one.")
        elif lasts > most:
            yield ENDLESS.at(
                entry.place("end"), f"The campaign lasts {lasts} days; more than {most} tire people.",
                f"End it on {start + timedelta(days=max(most, 1) - 1)}, or make two of it with a pause between them.",
                severity=Severity.warning)


def _dropped(facts: Facts) -> Iterator[Problem]:
    """A campaign after whose last day nobody has anything to do. It is judged until a year after its end."""
    least, since = days(facts, DROPPED, "after_days"), facts.today() - _A_YEAR
    for entry, campaign in facts.campaigns():
        end, maintenance = campaign.end, campaign.maintenance
        if end is not None and end < since:
            continue
        if maintenance is None:
            after = f"on {end + timedelta(days=1)}, the day after the end" if end is not None else "after its last day"
            yield DROPPED.at(entry.place(), f"Nobody has planned what happens {after}.",
                             "Add maintenance: with owner, until, cadence and hours.")
            continue
        lacking = [key for key in ("owner", "until", "cadence", "hours") if getattr(maintenance, key) is None]
        if lacking:
            yield DROPPED.at(entry.place("maintenance"), f"What happens after the end has no {either(lacking)}.",
                             f"Add {joined([f'{key}:' for key in lacking])} under maintenance:.")
        if maintenance.hours == 0:
            yield DROPPED.at(entry.place("maintenance", "hours"), "Nobody has an hour for what happens after the end.",
                             "Write how many hours it takes; answering and one post every four weeks take some.")
        if end is not None and maintenance.until is not None and maintenance.until < end + timedelta(days=least):
            yield DROPPED.at(
                entry.place("maintenance", "until"),
                f"Maintenance goes on until {maintenance.until}, less than {least} days after the end ({end}).",
                f"Set until: to {end + timedelta(days=least)} or later.")


TOO_SOON = Rule(
    "CMP001", Severity.error, "F", "A campaign starts less than six months after its strategy.",
    "Start later, or have the sponsor sign a waiver.", all=_too_soon, knobs={"lead": "6mo"})
ESTRANGED = Rule(
    "CMP002", Severity.error, "F", "A campaign has no strategy, or its goals, audiences or channels are missing or are "
    "none of the strategy's.", "Take them from the strategy, or put them into the strategy first.", all=_estranged)
RUSHED = Rule(
    "CMP003", Severity.warning, "G", "A campaign was written down less than 30 days before it starts.",
    "Consider groundwork only, or start later.", all=_rushed, knobs={"notice_days": 30}, wants=("history",))
ENDLESS = Rule(
    "CMP004", Severity.error, "F", "A campaign has no start or no end, or ends before it starts; as a warning: it "
    "lasts longer than 84 days.", "Give the campaign an end.", all=_endless, knobs={"max_days": 84})
DROPPED = Rule(
    "CMP005", Severity.error, "F", "A campaign has no maintenance, or one without owner, cadence or hours, or one that "
    "goes on for less than 90 days after the end.", "Add owner, until, cadence and hours under maintenance.",
    all=_dropped, knobs={"after_days": 90})
RULES: tuple[Rule, ...] = (TOO_SOON, ESTRANGED, RUSHED, ENDLESS, DROPPED)
