"""MEA: figures are written down while they can still change something, and what they say is heard."""
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from flows.planning import measuring
from flows.planning.measuring import ALL, shown
from flows.planning.rules.aims import campaigns_of, goals
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.timing import wall
from schemas.figure import Figure
from schemas.ledger import Slot
from schemas.problem import Problem, Severity
from schemas.strategy import Discovery, Strategy

_WEEK = timedelta(days=7)
_BEFORE = timedelta(days=28)
_FALL = 0.15
_TIMES = 2
_TWO_PEOPLE = 1.5                        # 0.9% of 110 is one person, rounded
_DIGITS = 9                              # 0.4 - 0.15 is 0.25, whatever floats say


def _unheard(facts: Facts) -> Iterator[Problem]:
    yield from _stale(facts)
    yield from _sour(facts)
    yield from _leaving(facts)


def _stale(facts: Facts) -> Iterator[Problem]:
    """A goal without a figure for more than so many days, in the phase of execution or while a campaign runs.

    The days are counted from there on. A goal that is due no more or has its result needs none; nor is anybody blamed
    for figures in a file that cannot be read.
    """
    if any(path.startswith("measures/") for path in facts.content.unreadable):
        return
    today, most = facts.today(), facts.knob(UNHEARD, "stale_days")
    begins = {strategy.strategy: _begin(strategy, facts, today) for _, strategy in facts.strategies()}
    for one in goals(facts):
        name, begin = one.goal.metric or "", begins[one.strategy.strategy]
        is_over = one.goal.result is not None or (one.goal.due is not None and one.goal.due < today)
        if begin is None or is_over or measuring.metric(name) is None:
            continue
        last = measuring.latest(facts.content.figures, name, None, today)
        since = max(last.date, begin) if last is not None else begin
        if (today - since).days > most:
            newest = f"since {last.date}" if last is not None else "so far"
            yield UNHEARD.at(
                one.place("metric"), f"{name}: no figure {newest}, and {one.id} is judged by it.",
                f"Write one into measures/{today.year}.csv, as {today},{name},all,<value>,<who counted>.")


def _begin(strategy: Strategy, facts: Facts, today: date) -> date | None:
    """Since when figures are needed; None: they are not needed today."""
    spans = [(campaign.start, campaign.end) for _, campaign in campaigns_of(strategy, facts)]
    spans.append(strategy.phases.get("execution", (None, None)))
    return min((start for start, end in spans
                if start is not None and start <= today and (end is None or today <= end)), default=None)


def _sour(facts: Facts) -> Iterator[Problem]:
    """The tone of seven days, today the last of them, held against the one that discovery counted.

    Figures of all channels together go before those of single ones.
    """
    today, base = facts.today(), _reputation(facts)
    if base is None:
        return
    begin = today - _WEEK + timedelta(days=1)
    found = (measuring.series(facts.content.figures, "net_sentiment", ALL, begin, today)
             or measuring.series(facts.content.figures, "net_sentiment", None, begin, today))
    mean = _mean(found)
    if mean is not None and round(mean - base + _FALL, _DIGITS) < 0:
        yield UNHEARD.at(
            found[-1].place, f"net_sentiment: {mean:.2f} over the last 7 days, and {base:.2f} when discovery "
            "counted it.",
            "Read what people object to, answer it, and ask for nothing until you know.")


def _reputation(facts: Facts) -> float | None:
    """The net sentiment that discovery counted; None: it did not."""
    discovery = facts.content.entry("discovery")
    people = discovery.people if isinstance(discovery, Discovery) else None
    counts = people.reputation if people is not None else None
    if counts is None or counts.positive is None or counts.neutral is None or counts.negative is None:
        return None
    total = counts.positive + counts.neutral + counts.negative
    return (counts.positive - counts.negative) / total if total else None


def _leaving(facts: Facts) -> Iterator[Problem]:
    """A channel whose last week lost more than twice what the four weeks before lost on the mean; 0 counts as well.

    One person who leaves is no alarm, where followers were counted and the rate means no more than that.
    """
    today = facts.today()
    channels = dict.fromkeys(one.channel for one in facts.content.figures or () if one.metric == "unfollow_rate")
    for channel in channels:
        last = measuring.latest(facts.content.figures, "unfollow_rate", channel, today)
        if last is None or today - last.date >= _WEEK:
            continue
        before = _mean(measuring.series(facts.content.figures, "unfollow_rate", channel, last.date - _BEFORE,
                                        last.date - timedelta(days=1)))
        if before is not None and round(last.value - _TIMES * before, _DIGITS) > 0 and not _is_one(last, facts):
            where = "on all channels" if channel == ALL else f"on {channel}"
            yield UNHEARD.at(
                last.place, f"unfollow_rate: {shown(last.value)}% {where} in the week to {last.date}, and "
                f"{before:.3g}% a week in the 28 days before.",
                "Look at what you said that week; give more and ask less.", channel=None if channel == ALL else channel)


def _is_one(rate: Figure, facts: Facts) -> bool:
    """Whether a rate of those who left stands for one person, by the newest count of followers that it is about."""
    followers = measuring.latest(facts.content.figures, "followers", rate.channel, rate.date)
    return followers is not None and followers.value * rate.value / 100 < _TWO_PEOPLE


def _mean(figures: tuple[Figure, ...]) -> float | None:
    return sum(one.value for one in figures) / len(figures) if figures else None


class _Answer(NamedTuple):
    """The newest figures of one slot, by metric."""

    engagements: Figure | None = None
    amplification_rate: Figure | None = None


def _advert(facts: Facts) -> Iterator[Problem]:
    """A promoted post that nobody answered, or nobody shared, a week after it went out.

    Judged by figures whose source is its slot (`posts/a@mastodon#1`), `engagements` and `amplification_rate`, of the
    seventh day or later. A slot without such figures is not judged, nor by the one of them that is missing.
    """
    promoted = {post.id: post for post in facts.content.posts if post.post.head.promoted is not None}
    figures = [(slot, one) for one in facts.content.figures or () if (slot := measuring.slot_of(one)) is not None
               and slot.post in promoted and slot in (facts.sent or {})] if promoted else []
    days, today = _days(frozenset(slot for slot, _ in figures), facts), facts.today()
    found: dict[Slot, _Answer] = {}
    for slot, one in figures:                                                  # in order of time: the newest stays
        if slot in days and days[slot] + _WEEK <= one.date <= today and one.metric in _Answer._fields:
            found[slot] = found.get(slot, _Answer())._replace(**{one.metric: one})
    for slot, answer in found.items():
        if answer.engagements is not None and answer.engagements.value == 0:
            what = "nobody answered it"
        elif answer.amplification_rate is not None and answer.amplification_rate.value == 0:
            what = "nobody shared it"
        else:
            continue
        post = promoted[slot.post].post
        yield ADVERT.at(post.place("promoted"), f"An advert, not social: {what} on {slot.channel} in the week after "
                        f"{days[slot]}.", "Stop promoting it; pay for a post that people share by themselves.",
                        post.id, slot.channel, None if slot.run == "1" else slot.run)


def _days(slots: frozenset[Slot], facts: Facts) -> Mapping[Slot, date]:
    """The day on which each slot went out: by the archive, else by the plan."""
    sent = facts.sent or {}
    told = {slot: at for slot in slots if (at := sent.get(slot)) is not None}
    untold = slots - told.keys()
    planned = {item.slot: item.at for item in facts.plan.items if item.slot in untold} if untold else {}
    zone = wall(facts.content.timezone)
    return {slot: at.astimezone(zone).date() for slot, at in (planned | told).items()}


UNHEARD = Rule("MEA001", Severity.warning, "DT", "The metric of a goal has no figure for more than 14 days while a "
               "campaign or the phase of execution runs; net_sentiment of 7 days is more than 0.15 below the "
               "reputation that discovery counted; or a week's unfollow_rate is more than twice the mean of the 28 "
               "days before.",
               "Write the figure into measures/, or look at what it tells.", all=_unheard, knobs={"stale_days": 14},
               wants=("measures",), gate="MAINTENANCE")
ADVERT = Rule("MEA002", Severity.warning, "D", "A promoted post has no engagement or no share a week after it went "
              "out, by figures of engagements and amplification_rate in measures/ whose source is its slot, like "
              "posts/a@mastodon#1.", "Stop promoting it; pay for a post that people answer.", all=_advert,
              wants=("measures", "ledger"))
RULES: tuple[Rule, ...] = (UNHEARD, ADVERT)
