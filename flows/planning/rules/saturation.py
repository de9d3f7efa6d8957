"""CMP014: while a campaign runs, a channel still has other things to say."""
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from flows.planning.rules.campaigns import day_of, share
from flows.planning.rules.ruling import Facts, Rule
from schemas.problem import Problem, Severity

_DAYS = 7
_LEAST_POSTS = 5


class _Window(NamedTuple):
    """Seven days of a channel: how many of all its posts are for a campaign, most of them for `folder`.

    `since` and `until`: the days of the first and the last of these posts.
    """

    first: date
    since: date
    until: date
    mine: int
    every: int
    folder: str

    @property
    def last(self) -> date:
        return self.first + timedelta(days=_DAYS - 1)

    @property
    def share(self) -> float:
        return self.mine / self.every


def _saturated(facts: Facts) -> Iterator[Problem]:
    """Seven days in a row on which most posts of a channel are for campaigns. An ISO week is seven such days too.

    Windows that overlap are one stretch, of which the fullest is told; what is over is not.
    """
    campaigns = {entry.folder: (entry, campaign) for entry, campaign in facts.campaigns()}
    concerned = {item.channel.id for item in facts.plan.items if item.post.post.campaign in campaigns}
    said: dict[str, dict[date, list[str | None]]] = {}
    for item in facts.plan.items if concerned else ():
        folder = item.post.post.campaign
        if item.channel.id in concerned:
            days = said.setdefault(item.channel.id, {})
            days.setdefault(day_of(item.at, facts), []).append(folder if folder in campaigns else None)
    for channel, days in said.items():
        for stretch in _stretches(_full(days, share(facts, SATURATED, "saturation"), facts.today())):
            worst = max(stretch, key=lambda window: window.share)
            entry, campaign = campaigns[worst.folder]
            named = campaign.channels or ()
            at = (named.index(channel),) if channel in named else ()
            yield SATURATED.at(
                entry.place("channels", *at),
                f"{channel} is all campaign: {worst.mine} of {worst.every} posts from {worst.since} to {worst.until}.",
                "Put something else between them, a tip or an answer, or spread them over more days.", channel=channel)


def _full(days: Mapping[date, Sequence[str | None]], limit: float, today: date) -> Iterator[_Window]:
    """The windows in which campaigns say too much, by day. Only one in which a campaign speaks can be such."""
    spoken = [day for day, folders in days.items() if any(folders)]
    for first in sorted({day - timedelta(days=back) for day in spoken for back in range(_DAYS)}):
        posted = [day for ahead in range(_DAYS) if (day := first + timedelta(days=ahead)) in days]
        folders = [one for day in posted for one in days[day]]
        mine = Counter(one for one in folders if one is not None)
        most = min(mine, key=lambda one: (-mine[one], one))
        window = _Window(first, posted[0], posted[-1], mine.total(), len(folders), most)
        if window.last >= today and window.every >= _LEAST_POSTS and window.share > limit:
            yield window


def _stretches(windows: Iterator[_Window]) -> list[list[_Window]]:
    """Windows that overlap, together."""
    made: list[list[_Window]] = []
    for window in windows:
        if made and window.first <= made[-1][-1].last:
            made[-1].append(window)
        else:
            made.append([window])
    return made


SATURATED = Rule(
    "CMP014", Severity.warning, "F", "More than 60% of a channel's posts in some 7 days, when there are 5 or more, are "
    "for campaigns.", "Put something else between them.", all=_saturated, knobs={"saturation": 0.6})
RULES: tuple[Rule, ...] = (SATURATED,)
