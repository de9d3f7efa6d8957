"""When a campaign may start by the calendar alone, and what four more weeks of groundwork would bring it."""
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from flows.planning.grounding import Base, base_of
from flows.planning.rules.campaigns import RUSHED, TOO_SOON, day_of, days, length
from flows.planning.witnessing import Ground, counted, listed, midnight
from schemas.campaign import Campaign
from schemas.channel import Channel
from schemas.content import Entry
from schemas.strategy import Strategy

_MORE = timedelta(weeks=4)
_MOST = 3


def earliest(ground: Ground, entry: Entry, campaign: Campaign, strategy: Strategy | None,
             channels: Sequence[Channel]) -> date | None:
    """The latest of: the base has had its time, asks unlock on each channel, pages can be found, notice was given.

    A channel of which the plan does not tell when it unlocks does not count. None: there is no strategy to count from.
    """
    if strategy is None:
        return None
    facts, found = ground.facts, timedelta(days=int(ground.knob("index_days", 28)))
    known = [length(facts, TOO_SOON, "lead").after(strategy.start)]
    known += [base.day for base in _bases(ground, entry, channels).values() if base.day is not None]
    known += [page.live + found for page in campaign.pages if page.live is not None]
    if facts.world.history is not None:
        written = [at for id in (entry.folder, entry.id)
                   if (at := facts.world.history.entities.get(("campaign", id))) is not None]
        notice = timedelta(days=days(facts, RUSHED, "notice_days"))
        known.append(day_of(min(written, default=facts.now), facts) + notice)
    return max(known)


def waiting_adds(ground: Ground, entry: Entry, campaign: Campaign, channels: Sequence[Channel]) -> tuple[str, ...]:
    """What the plan holds for the four weeks after its first day, were they groundwork; once it began: from today."""
    first = max(ground.today, campaign.start or ground.today)
    return tuple(_added(ground, entry, campaign, channels, first))[:_MOST]


def _added(ground: Ground, entry: Entry, campaign: Campaign, channels: Sequence[Channel],
           first: date) -> Iterator[str]:
    last, mine, more = first + _MORE, _own(ground, entry), dict[int, list[str]]()
    for channel in channels:
        gives = ground.given[channel.id].gives
        start, stop = (bisect_left(gives, midnight(day, ground.facts), key=lambda one: one.at) for day in (first, last))
        coming = sum(1 for one in gives[start:stop] if not one.is_out and one.slot.post not in mine)
        more.setdefault(coming, []).append(channel.id)
    if parts := [f"{counted(count, 'more give')} on {'each of ' if len(ids) > 1 else ''}{listed(ids)}"
                 for count, ids in more.items() if count]:
        yield f"{'; '.join(parts)}."
    for id, base in _bases(ground, entry, channels).items():
        if base.day is not None and first < base.day <= last:
            yield f"Asks unlock on {id} on {base.day}."
    found = timedelta(days=int(ground.knob("index_days", 28)))
    for page in campaign.pages:
        if page.live is not None and first < page.live + found <= last:
            yield f"{page.url or 'The page'} can be found by {page.live + found}."


def _bases(ground: Ground, entry: Entry, channels: Sequence[Channel]) -> dict[str, Base]:
    gives, since = int(ground.knob("unlock_gives", 6)), int(ground.knob("unlock_days", 90))
    mine = _own(ground, entry)
    return {channel.id: base_of(ground, channel.id, gives, since, mine) for channel in channels}


def _own(ground: Ground, entry: Entry) -> frozenset[str]:
    """The campaign's own posts: they come when it does, so waiting adds none of them."""
    folder = entry.folder
    return frozenset(post.id for post in ground.posts.get(folder, ()))
