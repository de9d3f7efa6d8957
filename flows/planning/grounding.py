"""Lines of LAUNCH that only the world can answer: do the accounts answer, was it tried once, did groundwork pay."""
from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from flows.planning.measuring import ALL, latest, series
from flows.planning.rules.campaigns import day_of
from flows.planning.witnessing import Given, Ground, counted, listed, number
from schemas.campaign import Campaign
from schemas.channel import Channel
from schemas.figure import Figure
from schemas.gate import GateLine
from schemas.strategy import Strategy
from schemas.world import Trial

_A_DAY = timedelta(hours=24)
_ARCHIVE = "archive"
_FIGURES = "Write the figures into measures/<year>.csv"


class Base(NamedTuple):
    """What groundwork built on a channel. `day`: when it is enough, by what is out and planned; None: not in sight."""

    gives: int
    first: date | None
    days: int
    day: date | None


# --- does it work -----------------------------------------------------------------------------------------------------


def connections(ground: Ground, channels: Sequence[Channel], strategy: Strategy | None, owner: str | None) -> GateLine:
    """Every channel of the campaign, the archive and the CRM answered within a day."""
    ways = _ways(ground, channels, strategy)
    trials = ground.facts.world.trials
    groups: dict[str, list[str]] = {"failed": [], "older than a day": [], "never tested": [], "passed": []}
    for name in ways:
        groups[_how(name, trials or {}, ground.facts.now)].append(name)
    still_open = [name for group, names in groups.items() if group != "passed" for name in names]
    if not channels:
        seen = "the campaign names no channel"
    elif trials is None:
        seen = ground.why("trials")
    else:
        seen = "; ".join(f"{group}: {listed(_named(name, trials) for name in names)}"
                         for group, names in groups.items() if names)
    owners = {channel.id: channel.owner for channel in channels}
    first = still_open[0] if still_open else ""
    return ground.line("LAUNCH-connections", "connections tested", seen, also=("NET003",),
                       holds=bool(channels) and not groups["failed"], doubt=bool(still_open),
                       owner=owners.get(first) or owner,
                       remedy=ways[first] if channels and first else "List them under channels in campaign.yaml.")


def _ways(ground: Ground, channels: Sequence[Channel], strategy: Strategy | None) -> dict[str, str]:
    """What must answer, each with how to try it."""
    every = ground.facts.content.channels.channels
    ways = {}
    for one in channels:
        alone = sum(1 for other in every if other.network == one.network) == 1
        ways[one.id] = f"Run 'drumbeat connect {one.network}{'' if alone else f' --channel {one.id}'} --test'."
    ways[_ARCHIVE] = "Run 'drumbeat archive verify'."
    crm = strategy.crm if strategy is not None else None
    if crm is not None and crm.connection:
        field = f"DRUMBEAT_{crm.connection.upper().replace('-', '_')}_URL"
        ways[crm.connection] = f"Set {field} to an address of {crm.system or 'the CRM'} that answers, then run " \
                               "'drumbeat doctor'."
    return ways


def _how(name: str, trials: Mapping[str, Trial], now: datetime) -> str:
    trial = trials.get(name)
    if trial is None or trial.at > now:
        return "never tested"
    if trial.why is not None:
        return "failed"
    return "passed" if now - trial.at <= _A_DAY else "older than a day"


def _named(name: str, trials: Mapping[str, Trial]) -> str:
    trial = trials.get(name)
    return f"{name} ({trial.why.rstrip('.')})" if trial is not None and trial.why is not None else name


def dry_run(ground: Ground, names: Sequence[str], campaign: Campaign, owner: str | None) -> GateLine:
    """Somebody played the whole campaign once."""
    runs = ground.facts.world.dry_runs
    last = max((runs[name] for name in names if name in runs), default=None) if runs is not None else None
    if runs is None:
        seen = ground.facts.world.why.get("dry_runs", "no rehearsal is recorded")
    else:
        seen = f"rehearsed on {day_of(last, ground.facts)}" if last is not None else "nobody has rehearsed it yet"
    until = f' --until "{campaign.end + timedelta(days=1)} 00:00"' if campaign.end is not None else ""
    return ground.line("LAUNCH-rehearsal", "dry run played", seen, doubt=last is None, owner=owner,
                       remedy=f"Run 'drumbeat up --rehearse{until}'.")


# --- did groundwork pay -----------------------------------------------------------------------------------------------


def followers(ground: Ground, channels: Sequence[Channel], strategy: Strategy | None) -> GateLine:
    """More people follow each channel than when groundwork began."""
    ends = {channel.id: _ends(ground, channel.id, strategy) for channel in channels}
    grew = {id: pair for id, pair in ends.items() if pair is not None}
    unknown = [id for id in ends if id not in grew]
    fell = [id for id, (first, last) in grew.items() if last.value <= first.value]
    parts = [f"{id} from {number(first.value)} to {number(last.value)}" for id, (first, last) in grew.items()]
    parts += [f"counted less than twice: {listed(unknown)}"] if unknown else []
    worst = next(iter([*fell, *unknown]), None)
    remedy = (f"Find out why people do not come to {worst}, and give more of what they want first." if fell else
              f"{_FIGURES}: followers of {listed(unknown)}, when groundwork began and today.")
    return ground.line("LAUNCH-followers", "followers grew", "; ".join(parts) or "no channel", holds=not fell,
                       doubt=bool(unknown) or not channels, remedy=remedy,
                       owner=next((one.owner for one in channels if one.id == worst), None) or ground.lead)


def _ends(ground: Ground, channel: str, strategy: Strategy | None) -> tuple[Figure, Figure] | None:
    """The count when groundwork began (the last one before, else the first one since) and the newest one."""
    figures, today = ground.facts.content.figures, ground.today
    start = strategy.start if strategy is not None else date.min
    first = latest(figures, "followers", channel, start) or next(
        iter(series(figures, "followers", channel, start, today)), None)
    last = latest(figures, "followers", channel, today)
    return (first, last) if first is not None and last is not None and first.date < last.date else None


def base(ground: Ground, channel: Channel) -> GateLine:
    """Enough was given on a channel, for long enough."""
    gives, days = int(ground.knob("unlock_gives", 6)), int(ground.knob("unlock_days", 90))
    has = base_of(ground, channel.id, gives, days)
    lacks = [f"{counted(gives - has.gives, 'more give')}"] if has.gives < gives else []
    lacks += [f"{counted(days - has.days, 'more day')}"] if has.days < days else []
    if has.first is None:
        seen = "nothing was given there yet"
    elif lacks:
        seen = f"{has.gives} of {gives} gives, {has.days} of {days} days since the first, on {has.first}"
    else:
        seen = f"{counted(has.gives, 'give')} since {has.first}, {counted(has.days, 'day')}"
    if ground.facts.sent is None and not ground.facts.world.rehearsal:
        seen += ", by the plan alone"
    if channel.id in ground.facts.unsure:
        seen += "; series take turns there, and only the archive knows which went out"
    when = f" By the plan, that is so on {has.day}." if has.day is not None else (
        " By the plan, that is not in sight: plan more gives." if lacks else "")
    return ground.line("LAUNCH-base", f"base on {channel.id}", seen, also=("INT003",),
                       holds=None if channel.id in ground.facts.unsure else not lacks,
                       doubt=bool(lacks) and channel.id in ground.facts.unsure,
                       owner=channel.owner or ground.lead, names=(channel.id,),
                       remedy=f"Wait for {listed(lacks)}.{when}")


def base_of(ground: Ground, channel: str, gives: int, days: int, without: Container[str] = ()) -> Base:
    """`without`: posts that do not count unless they are out, for they only come when the campaign does."""
    has = ground.given.get(channel, Given((), 0, None))
    first = day_of(has.first, ground.facts) if has.first is not None else None
    since = (ground.today - first).days if first is not None else 0
    counts = (one for one in has.gives if one.is_out or one.slot.post not in without)
    needed = [day_of(one.at, ground.facts) for one in islice(counts, max(gives, 1))]
    if len(needed) < max(gives, 1):
        return Base(has.out, first, since, None)
    return Base(has.out, first, since, max(needed[0] + timedelta(days=days), needed[-1]))


def regulars(ground: Ground, channels: Sequence[Channel]) -> GateLine:
    """Some people come back."""
    names = [channel.id for channel in channels] + [ALL]
    found = [one for name in names
             if (one := latest(ground.facts.content.figures, "repeat_engagers", name, ground.today)) is not None]
    best = max(found, key=lambda one: one.value, default=None)
    seen = "nobody has counted them" if best is None else (
        f"{counted(int(best.value), 'person comes', 'people come')} back, {best.date}"
        + ("" if best.channel == ALL else f", on {best.channel}"))
    remedy = (f"{_FIGURES} as repeat_engagers: accounts that reacted three times in 28 days." if best is None else
              "Answer and thank people until some of them come back.")
    return ground.line("LAUNCH-regulars", "people come back", seen, holds=best is None or best.value > 0,
                       doubt=best is None, owner=ground.lead, remedy=remedy)
