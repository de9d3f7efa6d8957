"""The names that figures go by, and what the figures say: the newest one, those between two days, the middle one.

A figure of one post (its source is a slot) is not one of its channel: the look-ups leave it out.
"""
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal, NamedTuple

from schemas.figure import Figure
from schemas.ledger import Slot

Level = Literal["output", "out-take", "outcome", "impact", "forecast"]
ALL = "all"
"""The channel of a figure that is of every channel together."""


class Metric(NamedTuple):
    """One name of the vocabulary. `low` and `high`: no value can be beyond; None: there is no such end.

    `is_count`: growth of it is told as so many times the base; else it is a rate, a share, a time or a rank. `best`:
    the value that nobody can better; None: there is none, as for counts. Where it is the low end, less is better.
    """

    name: str
    unit: str
    level: Level
    formula: str
    is_count: bool = True
    best: float | None = None
    low: float | None = 0
    high: float | None = None

    @property
    def less_is_better(self) -> bool:
        return self.best is not None and self.best == self.low

    @property
    def is_whole(self) -> bool:
        """Whether it comes in ones: nobody has half a follower."""
        return self.unit in ("count", "rank", "d")

    @property
    def in_words(self) -> str:
        """What its values are: `a share from 0 to 1`."""
        return _IN_WORDS.get(self.unit, self.unit)

    def takes(self, value: float) -> bool:
        """Whether it can be `value`."""
        if self.unit == "bool":
            return value in (0, 1)
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def meant_by(self, value: float) -> float | None:
        """The value of somebody who wrote a share as a percentage; None: it was something else."""
        is_share = self.high == 1 and self.unit != "bool"
        return value / 100 if is_share and not self.takes(value) and self.takes(value / 100) else None


_IN_WORDS = {"count": "a count", "%": "in %", "0–1": "a share from 0 to 1", "−1…1": "from -1 to 1", "h": "in hours",
             "d": "in days", "money": "an amount of money", "ratio": "a ratio", "rank": "a rank, and 1 is first",
             "bool": "1 or 0"}


def _count(name: str, level: Level, formula: str, unit: str = "count", low: float | None = 0) -> Metric:
    return Metric(name, unit, level, formula, low=low)


def _rate(name: str, level: Level, formula: str, unit: str, *, best: float | None, low: float | None = 0,
          high: float | None = None) -> Metric:
    return Metric(name, unit, level, formula, False, best, low, high)


METRICS: dict[str, Metric] = {metric.name: metric for metric in (
    _count("followers", "output", "accounts that follow"),
    _rate("follower_growth", "output", "(end - start) / start x 100, per period", "%", best=None, low=-100),
    _count("reach", "output", "accounts that saw it"),
    _count("impressions", "output", "times it was shown"),
    _count("non_follower_reach", "output", "accounts that saw it and do not follow"),
    _count("engagements", "out-take", "reactions + comments + shares + saves + link clicks"),
    _rate("engagement_rate", "out-take", "engagements / reach x 100", "%", best=100),
    _count("applause_rate", "out-take", "reactions / posts", "per post"),
    _count("conversation_rate", "out-take", "comments / posts", "per post"),
    _count("amplification_rate", "out-take", "shares / posts", "per post"),
    _rate("broadcast_share", "output", "posts that invite no reply and answer nobody / posts", "0–1", best=0, high=1),
    _count("give_ask_ratio", "output", "gives / asks", "ratio"),
    _rate("response_rate", "out-take", "questions answered in time / questions", "0–1", best=1, high=1),
    _rate("first_response_time", "out-take", "median time to the first reply, in working hours", "h", best=0),
    _rate("share_of_voice", "out-take", "own mentions / (own + competitors' mentions)", "0–1", best=1, high=1),
    _rate("net_sentiment", "out-take", "(positive - negative) / (positive + neutral + negative)", "−1…1", best=1,
          low=-1, high=1),
    _count("repeat_engagers", "out-take", "accounts with 3 engagements or more in 28 days"),
    _count("clicks", "out-take", "link clicks"),
    _rate("ctr", "out-take", "clicks / reach x 100", "%", best=100),
    _count("sessions", "out-take", "visits with utm_medium=social"),
    _rate("conversion_rate", "outcome", "conversions / sessions x 100", "%", best=100),
    _count("repeat_conversions", "outcome", "conversions by existing customers"),
    _count("value", "impact", "sum of the events' values", "money", low=None),
    _rate("cost", "impact", "money + hours x rate", "money", best=0),
    _rate("roi", "impact", "(value - cost) / cost x 100", "%", best=None, low=None),
    _rate("cost_per_conversion", "impact", "cost / conversions", "money", best=0),
    _count("ugc_count", "out-take", "posts by users that may be used again"),
    _count("ideas_from_crowd", "out-take", "ideas from the crowd or from customers"),
    _rate("keyword_position", "output", "rank in a search; 1 is first", "rank", best=1, low=1),
    _rate("page_indexed", "output", "whether a search engine has the page: 1 or 0", "bool", best=None, high=1),
    _rate("unfollow_rate", "output", "unfollows / followers x 100, per week", "%", best=0, high=100),
    _rate("silent_gap", "output", "days since the last activity", "d", best=0),
    _count("projection", "forecast",
           "sum over channels: median reach of the last 90 days x asks planned x ctr x conversion_rate"),
)}
"""By name. `conversions.<event>` is a family of its own: `metric` knows it."""

CONVERSIONS = "conversions."
"""How the names of conversions begin; an event follows."""
_FAMILY = re.compile(r"conversions\.\S+")


def metric(name: str) -> Metric | None:
    """The metric of that name; None: the vocabulary has none."""
    if _FAMILY.fullmatch(name):
        return _count(name, "outcome", f"{name.removeprefix(CONVERSIONS)} events that came by social links")
    return METRICS.get(name)


def closest(name: str) -> str | None:
    """The name of the vocabulary that somebody who wrote `name` may have meant."""
    word = name.strip().lower().replace(" ", "_").replace("-", "_")
    family, dot, event = name.strip().partition(".")
    if get_close_matches(family.lower(), ["conversions"], 1, 0.8 if dot else 0.95):
        return f"{CONVERSIONS}{event}" if dot and metric(f"{CONVERSIONS}{event}") else f"{CONVERSIONS}<event>"
    return next(iter(get_close_matches(word, METRICS, 1, 0.6)), None)


def latest(figures: Iterable[Figure] | None, metric: str, channel: str | None, until: date) -> Figure | None:
    """The newest figure of `metric` up to the day `until`, itself included; of one day the last that was written.

    `channel`: an id, or "all" for figures of every channel together; None: whichever.
    """
    return max(_of(figures, metric, channel, date.min, until), key=lambda one: (one.date, one.place), default=None)


def series(figures: Iterable[Figure] | None, metric: str, channel: str | None, since: date,
           until: date) -> tuple[Figure, ...]:
    """The figures of `metric` from day to day, both included, in order of time. `channel` as for `latest`."""
    return tuple(sorted(_of(figures, metric, channel, since, until), key=lambda one: (one.date, one.place)))


def median(figures: Iterable[Figure] | None, metric: str, channel: str, since: date, until: date) -> float | None:
    """The middle value between two days, both included; None: there is no figure."""
    values = sorted(one.value for one in series(figures, metric, channel, since, until))
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2 if values else None


def shown(value: float) -> str:
    """A value as people write it: 1234, 0.91; only what nobody counts to is written with a power of ten."""
    if 1e10 <= abs(value) < 1e21:
        return f"{value:.0f}"
    return f"{Decimal(f'{value:.10g}'):f}" if 1e-12 < abs(value) < 1e-4 else f"{value:.10g}"


def about(value: float) -> str:
    """A value in three digits: 3.17, 0.824, 1760."""
    return shown(float(f"{value:.3g}"))


def slot_of(figure: Figure) -> Slot | None:
    """The slot that a figure is about, by its source; None: it is about a channel."""
    if "#" not in figure.source:
        return None
    try:
        return Slot.parse(figure.source)
    except ValueError:
        return None


def _of(figures: Iterable[Figure] | None, metric: str, channel: str | None, since: date,
        until: date) -> Iterator[Figure]:
    for figure in figures or ():
        if (figure.metric == metric and channel in (None, figure.channel) and since <= figure.date <= until
                and slot_of(figure) is None):
            yield figure
