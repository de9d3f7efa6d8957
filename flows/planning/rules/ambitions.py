"""GOL004, GOL005, GOL006: a goal may ask for more than there is, not for more than there can be."""
import math
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

from flows.planning import measuring
from flows.planning.measuring import ALL, CONVERSIONS, Metric, shown
from flows.planning.rules.aims import Goal, campaigns_of, folder_of, goals
from flows.planning.rules.ruling import Facts, Rule
from schemas.campaign import Campaign
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

    def beyond(self, times: float, growth: float, gap: float) -> float | None:
        """The limit that it passes; None: it keeps them."""
        limit = {"times": times, "growth": growth, "gap": gap}[self.kind]
        return limit if round(self.amount, _DIGITS) > limit else None

    def told(self) -> str:
        way = f"({shown(self.base)} to {shown(self.target)})"
        if self.kind == "times":
            return f"{self.amount:.3g} times the base {way}"
        if self.kind == "growth":
            return f"{self.amount * 100:.3g}% more followers each month {way}"
        best = shown(self.metric.best or 0)
        return f"{self.amount * 100:.3g}% of the way from {shown(self.base)} to {best}, which nobody can better"

    def lowered(self, limit: float) -> str:
        """What to write instead: the target that just keeps the limit."""
        if self.kind == "times":
            value = self.base * limit
        elif self.kind == "gap":
            value = self.base + ((self.metric.best or 0) - self.base) * limit
        elif self.metric.name == "followers":
            value = self.base * _grown(limit, self.months)
        else:
            value = (_grown(limit, self.months) - 1) * 100
        if self.metric.less_is_better:
            return f"Raise the target to {_rounded(value, up=True)} at least"
        return f"Lower the target to {_rounded(value, up=False)} at most"


def _too_far(facts: Facts) -> Iterator[Problem]:
    """A goal that the base cannot carry.

    A count is held against its base; one that starts at 0 is not judged. Followers may grow so much a month, from the
    end of the baseline to the due day; `follower_growth` in each period as long as its baseline. A rate may close so
    much of the gap to the best value there is: 0 or rank 1 where less is better. What has no best value (roi), is not
    judged, nor is whether a page is indexed.
    """
    limits = facts.knob(TOO_FAR, "growth_max"), _GROWTH_MOST, _GAP_MOST
    for one in goals(facts):
        for stretch in _stretches(one):
            if (limit := stretch.beyond(*limits)) is not None:
                yield TOO_FAR.at(one.place("target"), f"{one.id} asks for {stretch.told()}.",
                                 f"{stretch.lowered(limit)}, or take it in steps{_longer(stretch)}.")
                break


def _ambitious(facts: Facts) -> Iterator[Problem]:
    """A goal that wants a reason; silent where it has one, and where it goes too far altogether."""
    most = facts.knob(TOO_FAR, "growth_max"), _GROWTH_MOST, _GAP_MOST
    limits = facts.knob(AMBITIOUS, "growth_warn"), _GROWTH_WARNED, _GAP_WARNED
    for one in goals(facts):
        stretches = () if (one.goal.why_reachable or "").strip() else _stretches(one)
        if any(stretch.beyond(*most) is not None for stretch in stretches):
            continue
        for stretch in stretches:
            if (limit := stretch.beyond(*limits)) is not None:
                yield AMBITIOUS.at(one.place("target"), f"{one.id} is ambitious: it asks for {stretch.told()}.",
                                   f"Say in why_reachable what makes it reachable. Or: {stretch.lowered(limit)}.")
                break


def _stretches(one: Goal) -> tuple[_Stretch, ...]:
    """How far a goal goes, in each way that can be told."""
    known = measuring.metric(one.goal.metric or "")
    base, target = one.goal.baseline, one.goal.target
    if known is None or base is None or base.value is None or target is None:
        return ()
    start, found = base.value, list[_Stretch]()
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


def _rounded(value: float, *, up: bool) -> str:
    """On the safe side: whole numbers from 10 on, else hundredths."""
    scale = 1 if abs(value) >= 10 else 100
    exact = round(value * scale, _DIGITS)
    return shown((math.ceil(exact) if up else math.floor(exact)) / scale)


def _longer(stretch: _Stretch) -> str:
    return ", or give it more time" if stretch.kind == "growth" else ""


def _beyond_projection(facts: Facts) -> Iterator[Problem]:
    """A campaign that wants more conversions than its base gives, as long as it is not over.

    Projected is, for each of its channels, the median reach of 90 days times the asks planned there, of which so many
    click (`ctr`) and so many of those convert (`conversion_rate`). A channel without reach of its own gets an equal
    part of that of all. Where a figure is missing, or the goal counts no conversions, nothing is projected.
    """
    factor, today, asks = facts.knob(PROJECTION, "projection_factor"), facts.today(), _asks(facts)
    for _, strategy in facts.strategies():
        counted = {goal.id for goal in strategy.social_goals if (goal.metric or "").startswith(CONVERSIONS)}
        for entry, campaign in campaigns_of(strategy, facts):
            aims = [(number, aim) for number, aim in enumerate(campaign.goals) if aim.goal in counted]
            if not aims or (campaign.end is not None and campaign.end < today):
                continue
            of_channel = asks.get(folder_of(entry), Counter())
            projected = _projection(campaign, of_channel, facts, today)
            for number, aim in aims:
                if projected is not None and aim.target is not None and aim.target > factor * projected:
                    many = of_channel.total()
                    yield PROJECTION.at(
                        entry.place("goals", number, "target"), f"The base projects {projected:.3g} for {aim.goal} "
                        f"from {many} planned {'ask' if many == 1 else 'asks'}; the target is {shown(aim.target)}.",
                        f"Lower the target to {_rounded(factor * projected, up=False)} at most, plan more asks, or let "
                        "reach and clicks grow first.")


def _asks(facts: Facts) -> dict[str, Counter[str]]:
    """How many asks each campaign has on each channel, by the name of its folder."""
    found: dict[str, Counter[str]] = {}
    for one in facts.plan.everything():
        if one.post.post.campaign and one.post.intent == "ask":
            found.setdefault(one.post.post.campaign, Counter())[one.channel.id] += 1
    return found


def _projection(campaign: Campaign, asks: Counter[str], facts: Facts, today: date) -> float | None:
    """How many conversions the base gives; None: a figure is missing."""
    channels = dict.fromkeys(campaign.channels if campaign.channels is not None else sorted(asks))
    parts = [_reach(channel, facts, today) for channel in channels]
    rates = [_rate(name, channel, facts, today) for channel in channels for name in ("ctr", "conversion_rate")]
    if not channels or None in (*parts, *rates):
        return None
    return sum(reach * asks[channel] * ctr * converting for channel, reach, ctr, converting
               in zip(channels, parts, rates[::2], rates[1::2], strict=True)
               if reach is not None and ctr is not None and converting is not None)


def _reach(channel: str, facts: Facts, today: date) -> float | None:
    figures, since = facts.content.figures, today - timedelta(days=_REACH_DAYS - 1)
    own = measuring.median(figures, "reach", channel, since, today)
    together = measuring.median(figures, "reach", ALL, since, today) if own is None else None
    active = sum(1 for one in facts.content.channels.channels if one.status == "active")
    return own if together is None else together / max(active, 1)


def _rate(name: str, channel: str, facts: Facts, today: date) -> float | None:
    """The newest figure in % as a part of 1: of the channel, else of all."""
    for where in (channel, ALL):
        if (found := measuring.latest(facts.content.figures, name, where, today)) is not None:
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
