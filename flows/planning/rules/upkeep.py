"""MNT: after the big day somebody still speaks, meets, and keeps what was promised.

The weekly check-in has a module of its own; the family is listed here.
"""
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from flows.planning.rules import meetings
from flows.planning.rules.campaigns import days as days_of
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from flows.planning.timing import days_on, wall
from schemas.campaign import Campaign
from schemas.content import Entry
from schemas.notation import span
from schemas.problem import Problem, Severity

Moments = dict[str, list[tuple[datetime, str, str]]]
"""By channel, in order: when, which post, which run."""

_LONG = re.compile(r"([1-9]\d{0,4})(d|w|mo)", re.ASCII)
_ROUND = timedelta(days=28)
_QUOTED = 80


def _gone_quiet(facts: Facts) -> Iterator[Problem]:
    """An active channel that spoke once and has not for long. One that never did has nobody who waits for it."""
    entry = next((entry for entry in facts.content.entries if entry.kind == "channels"), None)
    if entry is None:
        return
    last, today = _last_words(facts), facts.today()
    long, longest = days_of(facts, QUIET, "gap_days"), days_of(facts, QUIET, "gap_max")
    lacks = "without a post" if facts.world.inbox is None else "without a post or an answer"
    for number, channel in enumerate(facts.content.channels.channels):
        if channel.status != "active" or channel.id not in last:
            continue
        since = last[channel.id].astimezone(wall(facts.content.timezone)).date()
        days = (today - since).days
        is_long = days > longest
        if is_long or days > long:
            yield QUIET.at(
                entry.place("channels", number, "id"), f"Quiet on {channel.id} since {since}: {days} days {lacks}.",
                "Plan a post for it soon; or retire it: status: retired, and a closing_notice that says where you are.",
                channel=channel.id, severity=Severity.error if is_long else None)


def _last_words(facts: Facts) -> dict[str, datetime]:
    """When each channel last spoke: by the archive, and by answers where the inbox is known.

    What went out at a time that the archive does not tell went out when it was planned.
    """
    sent = facts.sent or {}
    untold = {slot for slot, at in sent.items() if at is None}
    planned = {item.slot: item.at for item in facts.plan.items if item.slot in untold} if untold else {}
    last: dict[str, datetime] = {}
    for slot, told in sent.items():
        at = told or planned.get(slot)
        if at is not None and at <= facts.now and (slot.channel not in last or at > last[slot.channel]):
            last[slot.channel] = at
    for message in facts.world.inbox or ():
        at = message.answered_at
        if at is not None and at <= facts.now and message.channel in last and at > last[message.channel]:
            last[message.channel] = at
    return last


def _ends_in_silence(facts: Facts) -> Iterator[Problem]:
    """A channel of a campaign that says nothing in the days after the end; not told any more when they are over.

    Whatever goes out on it then counts, of the campaign or not; the thanks of the last day come before the end.
    """
    ends = [(entry, campaign, campaign.end, last) for entry, campaign in facts.campaigns()
            if campaign.end is not None and (last := _first_days(campaign.end, facts)) >= facts.today()]
    moments = _moments(facts) if ends else {}
    for entry, campaign, end, last in ends:
        first = end + timedelta(days=1)
        start, stop = _midnight(first, facts), _midnight(last + timedelta(days=1), facts)
        for number, channel in _channels(campaign, entry, facts):
            if not _between(moments.get(channel, ()), start, stop):
                place = entry.place("end") if number is None else entry.place("channels", number)
                yield SILENT_END.at(
                    place, f"{entry.id} would end in silence on {channel}: nothing is planned from {first} to {last}.",
                    "Plan a post for it in those days, in posts/ or evergreen/.", channel=channel)


def _first_days(end: date, facts: Facts) -> date:
    """The last of the days after `end` in which something must be said."""
    for text in (facts.knob(SILENT_END, "after_first"), SILENT_END.knobs["after_first"]):
        match = _LONG.fullmatch(str(text))
        try:
            last = days_on(end, int(match[1]), match[2]) if match is not None else date.max
        except (ValueError, OverflowError):
            continue
        if last.year < date.max.year:
            return last
    return end


def _channels(campaign: Campaign, entry: Entry, facts: Facts) -> list[tuple[int | None, str]]:
    """The active channels of a campaign, and their numbers in its list; without a list, those of its posts."""
    if campaign.channels is not None:
        active = {channel.id for channel in facts.content.channels.channels if channel.status == "active"}
        return [(number, channel) for number, channel in enumerate(campaign.channels) if channel in active]
    folder = entry.folder
    used = {channel.id for post in facts.content.posts if post.post.campaign == folder for channel in post.channels}
    return [(None, channel) for channel in sorted(used)]


def _moments(facts: Facts) -> Moments:
    """What went out or is planned. What waits for a network that is not supported yet is planned all the same."""
    found: Moments = {channel: [(said.at, said.slot.post, said.slot.run) for said in of_channel]
                      for channel, of_channel in facts.said.items()}
    more = [(at, slot) for slot, at in (facts.sent or {}).items() if at is not None]
    more += [(one.at, one.slot) for one in facts.plan.waiting
             if one.at is not None and one.channel.network not in facts.content.networks]
    for at, slot in more:
        found.setdefault(slot.channel, []).append((at, slot.post, slot.run))
    for of_channel in found.values():
        of_channel.sort()
    return found


def _between(of_channel: Sequence[tuple[datetime, str, str]], start: datetime, stop: datetime) -> set[tuple[str, str]]:
    """The posts and runs from `start` up to `stop`."""
    first, last = bisect_left(of_channel, (start, "", "")), bisect_left(of_channel, (stop, "", ""))
    return {(post, run) for _, post, run in of_channel[first:last]}


def _midnight(day: date, facts: Facts) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=wall(facts.content.timezone))


def _promises(facts: Facts) -> Iterator[Problem]:
    """What a campaign promised for the time after it, and does not do; what it promised in public, and did not do."""
    today = facts.today()
    yield from _too_seldom(facts)
    for entry, campaign in facts.campaigns():
        for number, promise in enumerate(campaign.commitments):
            is_done = promise.done is not None and promise.done <= today
            if promise.due is not None and promise.due < today and not is_done:
                whose = f" by {promise.owner}" if promise.owner else ""
                yield PROMISED.at(
                    entry.place("commitments", number, "due"), f"Promised{whose} for {promise.due}, and not done: "
                    f"'{promise.text[:_QUOTED]}'.", "Keep it, tell people, and write done: with the day.")


def _too_seldom(facts: Facts) -> Iterator[Problem]:
    """Fewer posts than the cadence says, in the last 28 days, or in the time it names where that is longer.

    Judged from the first such time after the end, until `until`. A post counts once, however many channels have it.
    """
    moments: Moments | None = None
    for entry, campaign, cadence, start, needed in _cadences(facts):
        names = [channel for _, channel in _channels(campaign, entry, facts)]
        moments = _moments(facts) if moments is None else moments
        begin, end = _midnight(start, facts), facts.now + timedelta(microseconds=1)
        said = len(set().union(*(_between(moments.get(channel, ()), begin, end) for channel in names)))
        if names and said < needed:
            yield PROMISED.at(
                entry.place("maintenance", "cadence"), f"Promised {cadence} after {entry.id}: {said} of {needed} "
                f"{'post' if needed == 1 else 'posts'} went out since {start}.",
                f"Plan the next one for {joined(names)}, or promise less under maintenance: cadence.")


def _cadences(facts: Facts) -> Iterator[tuple[Entry, Campaign, str, date, int]]:
    """The campaigns whose cadence can be judged: from which day on how many posts should have gone out by today."""
    today = facts.today()
    for entry, campaign in facts.campaigns():
        upkeep, end = campaign.maintenance, campaign.end
        if upkeep is None or upkeep.cadence is None or end is None:
            continue
        start, needed = _due_since(upkeep.cadence, today)
        if start > end and needed and (upkeep.until is None or today <= upkeep.until):
            yield entry, campaign, upkeep.cadence, start, needed


def _due_since(cadence: str, today: date) -> tuple[date, int]:
    often, _, within = cadence.partition("/")
    try:
        if within.endswith("mo"):
            return days_on(today, -int(within.removesuffix("mo")), "mo"), int(often)
        length = span(within)
        return (today - length, int(often)) if length >= _ROUND else (today - _ROUND, int(often) * _ROUND // length)
    except (ValueError, OverflowError):                           # more years than the calendar has
        return date.min, int(often)


QUIET = Rule("MNT001", Severity.warning, "DT", "An active channel that has spoken before has not for more than 14 "
             "days; as an error: for more than 30.", "Plan a post for it, or retire it.", all=_gone_quiet,
             knobs={"gap_days": 14, "gap_max": 30}, wants=("ledger",))
SILENT_END = Rule("MNT002", Severity.error, "F", "Nothing is planned on a channel of a campaign in the 10 days after "
                  "its end.", "Plan what comes after the campaign.", all=_ends_in_silence,
                  knobs={"after_first": "10d"})
PROMISED = Rule("MNT004", Severity.warning, "FDT", "After a campaign less goes out in 28 days than its maintenance "
                "cadence says, or a commitment is past its day and not done.", "Keep what was promised.", all=_promises)
RULES: tuple[Rule, ...] = (QUIET, SILENT_END, *meetings.RULES, PROMISED)
