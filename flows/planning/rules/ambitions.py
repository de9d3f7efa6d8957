"""GOL004, GOL005, GOL006: a goal may ask for more than there is, not for more than there can be."""
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Literal, NamedTuple

from flows.planning import measuring
from flows.planning.measuring import ALL, CONVERSIONS, Metric, about, shown
from flows.planning.rules.aims import Goal, campaigns_of, goals
from flows.planning.rules.ruling import Facts, Rule
from schemas.campaign import Campaign, CampaignGoal
from schemas.figure import Figure
from schemas.problem import Problem, Severity
from schemas.strategy import Baseline

_MONTH_DAYS = 365.25 / 12
_GROWTH_MOST, _GROWTH_WARNED = 0.25, 0.10        # a month, compounded
_GAP_MOST, _GAP_WARNED = 0.95, 0.80
_REACH_DAYS = 90
_DIGITS = 9                                      # 0.36 / 0.45 is 0.8, whatever floats say


class _Stretch(NamedTuple):
    """How far a goal goes. `amount`: times the base, growth a month (0.25 is 25%), or the part of the gap it closes.

    `months`: in which it grows; 0: that is not asked, or nobody knows.
    """

    kind: Literal["times", "growth", "gap"]
    amount: float
    base: float
    target: float
    metric: Metric
    months: float = 0

    @property
    def is_smallest(self) -> bool:
        """Whether it is one more, or one less, of what comes in ones: nobody can ask for less than that."""
        return self.metric.is_whole and abs(self.target - self.base) <= 1

    def bound(self, limit: float) -> float:
        """The target that just keeps `limit`, and is another one than the base."""
        if self.kind == "times":
            value = self.base * limit
        elif self.kind == "gap":
            value = self.base + ((self.metric.best or 0) - self.base) * limit
        elif self.metric.name == "followers":
            value = self.base * _grown(limit, self.months)
        else:
            value = (_grown(limit, self.months) - 1) * 100
        return _rounded(value, self.base, self.metric)

    def told(self) -> str:
        way = f"({shown(self.base)} to {shown(self.target)})"
        if self.kind == "times":
            return f"{about(self.amount)} times the base {way}"
        if self.kind == "growth":
            return f"{about(self.amount * 100)}% more followers each month {way}"
        best = shown(self.metric.best or 0)
        return f"{about(self.amount * 100)}% of the way from {shown(self.base)} to {best}, which nobody can better"

    def lowered(self, limit: float) -> str:
        """What to write instead."""
        value = shown(self.bound(limit))
        return f"Raise the target to {value} at least" if self.metric.less_is_better else (
            f"Lower the target to {value} at most")


class _Limits(NamedTuple):
    """How far goals may go, by the kind of their stretch."""

    times: float
    growth: float
    gap: float

    def passed(self, stretches: Iterable[_Stretch]) -> tuple[_Stretch, float] | None:
        """The stretch that goes too far, with its limit; of two the one that has to be cut more. None: all keep them.
        """
        found = [(one, limit) for one in stretches
                 if not one.is_smallest and round(one.amount, _DIGITS) > (limit := getattr(self, one.kind))]
        return min(found, key=lambda pair: abs(pair[0].bound(pair[1]) - pair[0].base), default=None)


def _too_far(facts: Facts) -> Iterator[Problem]:
    """A goal that the base cannot carry.

    A count is held against its base; one that starts at 0 is not judged. Followers may grow so much a month, from the
    end of the baseline to the due day; `follower_growth` in each period as long as its baseline. A rate may close so
    much of the gap to the best value there is: 0 or rank 1 where less is better. What has no best value (roi), is not
    judged, nor is whether a page is indexed, nor one more of what comes in ones, nor what GOL001 calls impossible.
    """
    limits = _Limits(facts.knob(TOO_FAR, "growth_max"), _GROWTH_MOST, _GAP_MOST)
    for one in goals(facts):
        if (passed := limits.passed(_stretches(one))) is not None:
            stretch, limit = passed
            yield TOO_FAR.at(one.place("target"), f"{one.id} asks for {stretch.told()}.",
                             f"{stretch.lowered(limit)}, or take it in steps{_longer(stretch)}.")


def _ambitious(facts: Facts) -> Iterator[Problem]:
    """A goal that wants a reason; silent where it has one, and where it goes too far altogether."""
    most = _Limits(facts.knob(TOO_FAR, "growth_max"), _GROWTH_MOST, _GAP_MOST)
    limits = _Limits(facts.knob(AMBITIOUS, "growth_warn"), _GROWTH_WARNED, _GAP_WARNED)
    for one in goals(facts):
        stretches = () if (one.goal.why_reachable or "").strip() else _stretches(one)
        if (passed := limits.passed(stretches)) is not None and most.passed(stretches) is None:
            stretch, limit = passed
            yield AMBITIOUS.at(one.place("target"), f"{one.id} is ambitious: it asks for {stretch.told()}.",
                               f"Say in why_reachable what makes it reachable. Or: {stretch.lowered(limit)}.")


def _stretches(one: Goal) -> tuple[_Stretch, ...]:
    """How far a goal goes, in each way that can be told."""
    known = measuring.metric(one.goal.metric or "")
    base, target = one.goal.baseline, one.goal.target
    if known is None or base is None or base.value is None or target is None:
        return ()
    start, found = base.value, list[_Stretch]()
    if not known.takes(start) or not known.takes(target):
        return ()
    if known.is_count:
        if start > 0:
            found.append(_Stretch("times", target / start, start, target, known))
    elif known.best is not None and start != known.best:
        found.append(_Stretch("gap", (target - start) / (known.best - start), start, target, known))
    if known.name == "followers" and start > 0 and target > 0:
        months = _months(base.to, one.goal.due)
        found.append(_Stretch("growth", _monthly(target / start, months), start, target, known, months))
    if known.name == "follower_growth" and target > -100:
        months = _period(base)
        found.append(_Stretch("growth", _monthly(1 + target / 100, months), start, target, known, months))
    return tuple(found)


def _grown(growth: float, months: float) -> float:
    """Of 1, after so many months of growth; huge ones are cut."""
    return math.exp(min(math.log1p(growth) * months, 600))


def _monthly(ratio: float, months: float) -> float:
    """By how much something grows each month that grows to `ratio` in all of them; huge ones are cut. No months: 0."""
    return math.expm1(min(math.log(ratio) / months, 50)) if months > 0 and ratio > 0 else 0


def _months(start: date | None, end: date | None) -> float:
    """0 where a day is missing, or nothing lies between them."""
    return max((end - start).days, 0) / _MONTH_DAYS if start is not None and end is not None else 0


def _period(base: Baseline) -> float:
    """How many months a baseline is long, both days included."""
    return _months(base.from_, base.to + timedelta(days=1)) if base.to is not None else 0


def _rounded(value: float, base: float, metric: Metric) -> float:
    """`value` on the safe side of it: whole where the metric is or from 10 on, else hundredths; never the base itself.
    """
    up = metric.less_is_better
    if metric.is_whole:
        return min(math.ceil(round(value, _DIGITS)), base - 1) if up else max(
            math.floor(round(value, _DIGITS)), base + 1)
    for scale in (1 if abs(value) >= 10 else 100, 100, 10_000, 1_000_000):
        exact = round(value * scale, _DIGITS)
        rounded = (math.ceil(exact) if up else math.floor(exact)) / scale
        if (rounded < base) if up else (rounded > base):
            return rounded
    return value


def _longer(stretch: _Stretch) -> str:
    return ", or give it more time" if stretch.kind == "growth" else ""


def _beyond_projection(facts: Facts) -> Iterator[Problem]:
    """A campaign that wants more conversions than its base gives, as long as it is not over.

    Projected is, for each of its channels, the median reach of 90 days times the asks planned there, of which so many
    click (`ctr`) and so many of those convert (`conversion_rate`). A channel without reach of its own gets an equal
    part of that of all. Where a figure is missing, or the goal counts no conversions, nothing is projected.
    """
    factor, today, asks = facts.knob(PROJECTION, "projection_factor"), facts.today(), _asks(facts)
    brings = cache(_answers(facts, today))
    for _, strategy in facts.strategies():
        counted = {goal.id for goal in strategy.social_goals if (goal.metric or "").startswith(CONVERSIONS)}
        for entry, campaign in campaigns_of(strategy, facts):
            aims = [(number, aim) for number, aim in enumerate(campaign.goals) if aim.goal in counted]
            if not aims or (campaign.end is not None and campaign.end < today):
                continue
            of_channel = asks.get(entry.folder, Counter())
            projected = _projection(campaign, of_channel, brings)
            for number, aim in aims:
                if projected is not None and aim.target is not None and aim.target > round(factor * projected, _DIGITS):
                    yield PROJECTION.at(entry.place("goals", number, "target"), *_short(
                        aim, of_channel.total(), projected, factor))


def _short(aim: CampaignGoal, asks: int, projected: float, factor: float) -> tuple[str, str]:
    """What the base does not give, and what to do."""
    target, most = shown(aim.target or 0), math.floor(round(factor * projected, _DIGITS))
    lower = f"Lower the target to {most} at most, p" if most > 0 else "P"
    if not asks:
        return (f"No ask is planned, so the base projects nothing for {aim.goal}; the target is {target}.",
                "Plan asks in the campaign, or drop its target.")
    return (f"The base projects {about(projected)} for {aim.goal} from {asks} planned {'ask' if asks == 1 else 'asks'};"
            f" the target is {target}.",
            f"{lower}lan more asks, or let reach and clicks grow first.")


def _asks(facts: Facts) -> dict[str, Counter[str]]:
    """How many asks each campaign has on each channel, by the name of its folder."""
    found: dict[str, Counter[str]] = {}
    for one in facts.plan.everything():
        if one.post.post.campaign and one.post.intent == "ask":
            found.setdefault(one.post.post.campaign, Counter())[one.channel.id] += 1
    return found


def _projection(campaign: Campaign, asks: Counter[str], brings: Callable[[str], float | None]) -> float | None:
    """How many conversions the base gives; None: a figure is missing. Channels without asks need none, if others ask.
    """
    channels = dict.fromkeys(campaign.channels if campaign.channels is not None else sorted(asks))
    parts = [(asks[channel], brings(channel)) for channel in channels if asks[channel] or not asks]
    known = [many * each for many, each in parts if each is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _answers(facts: Facts, today: date) -> Callable[[str], float | None]:
    """How many conversions one ask brings on a channel; None: a figure is missing."""
    figures = [one for one in facts.content.figures or () if one.metric in ("reach", "ctr", "conversion_rate")]
    active = sum(1 for one in facts.content.channels.channels if one.status == "active")

    def brings(channel: str) -> float | None:
        reach = _reach(figures, channel, active, today)
        clicking, converting = (_rate(figures, name, channel, today) for name in ("ctr", "conversion_rate"))
        return None if reach is None or clicking is None or converting is None else reach * clicking * converting

    return brings


def _reach(figures: Sequence[Figure], channel: str, active: int, today: date) -> float | None:
    since = today - timedelta(days=_REACH_DAYS - 1)
    own = measuring.median(figures, "reach", channel, since, today)
    together = measuring.median(figures, "reach", ALL, since, today) if own is None else None
    return own if together is None else together / max(active, 1)


def _rate(figures: Sequence[Figure], name: str, channel: str, today: date) -> float | None:
    """The newest figure in % as a part of 1: of the channel, else of all."""
    for where in (channel, ALL):
        if (found := measuring.latest(figures, name, where, today)) is not None:
            return found.value / 100
    return None


TOO_FAR = Rule("GOL004", Severity.error, "F", "A goal asks for more than three times its base, for followers to grow "
               "by more than 25% a month, or for a rate to close more than 95% of the gap to the best there is.",
               "Lower the target, or lengthen the way.", all=_too_far, knobs={"growth_max": 3}, gate="STRATEGY")
AMBITIOUS = Rule("GOL005", Severity.warning, "F", "A goal asks for more than 1.5 times its base, for followers to grow "
                 "by more than 10% a month, or for a rate to close more than 80% of the gap to the best there is, and "
                 "why_reachable is empty.", "Say why it is reachable, or lower it.", all=_ambitious,
                 knobs={"growth_warn": 1.5}, gate="STRATEGY")
PROJECTION = Rule("GOL006", Severity.warning, "D", "A campaign wants more than twice the conversions that its base "
                  "projects: median reach of 90 days x planned asks x ctr x conversion_rate, over its channels.",
                  "Lower the target, plan more asks, or grow the base first.", all=_beyond_projection,
                  knobs={"projection_factor": 2}, wants=("measures",))
RULES: tuple[Rule, ...] = (TOO_FAR, AMBITIOUS, PROJECTION)
