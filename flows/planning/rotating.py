"""Series: posts that take turns in one weekly time; who was longest unseen is next, and nobody comes back too soon."""
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.filling import HORIZON_DAYS, Free, week_with
from flows.planning.phrasing import Weekly, weekly
from flows.planning.timing import days_on, instant
from flows.planning.wishing import Claim, absolute
from schemas.campaign import Series
from schemas.channel import Channel
from schemas.content import Content, Resolved
from schemas.ledger import Slot
from schemas.problem import Problem, Severity

SETTLED = timedelta(days=28)
"""Turns given for so soon stay; those after it are given anew, so that a new member gets its turn."""


class Rotation(NamedTuple):
    """One series. `why`: its slot is no time (with `problem`), so its members wait; "" when all is well."""

    folder: str
    slot: Weekly | None
    min_repeat: str
    timezone: str
    why: str = ""
    problem: Problem | None = None


class Member(NamedTuple):
    """One post of a series, with its channels: each with its stagger and the zone of its wall."""

    post: Resolved
    channels: tuple[tuple[Channel, timedelta, str], ...]


def rotations(content: Content) -> list[Rotation]:
    """The series of the content, by folder."""
    found = []
    for entry in content.entries:
        if not isinstance(entry.value, Series):
            continue
        folder, series = entry.folder, entry.value
        slot = weekly(series.slot) if series.slot is not None else None
        if slot is None:
            written = f"slot: '{series.slot[:60]}' is no time in the week" if series.slot else "the series has no slot"
            problem = Problem("SYN002", Severity.error, entry.place("slot"), f"{written}, so its posts have no turn.",
                              "Write it like 'slot: fri 17:15'.")
            found.append(Rotation(folder, None, series.min_repeat, content.timezone, written, problem))
        else:
            found.append(Rotation(folder, slot, series.min_repeat, content.timezone))
    return sorted(found, key=lambda rotation: rotation.folder)


def rotate(series: Rotation, members: Sequence[Member], free: Free, kept: Mapping[Slot, datetime],
           sent: Mapping[Slot, datetime | None], now: datetime) -> Iterator[tuple[Resolved, Claim]]:
    """The turns of a series, past ones as they were given, then a year of new ones, in order of their days.

    Each claim is free when it is given; whoever takes it must say so to `free` before the next is asked for. A channel
    on which a turn's time is not free goes without. Turns of the next four weeks that an earlier plan gave stay.
    """
    if series.slot is None:
        return
    seen: dict[str, date] = {}
    given = _given(series.slot, members, kept, sent)
    today = now.astimezone(ZoneInfo(series.timezone)).date()
    begin = today - timedelta(days=2)                             # a wall far west of ours may have that day to come
    first = begin + timedelta(days=(series.slot.weekday - begin.weekday()) % 7)
    walls = {(channel.id, stagger, zone): (channel, stagger, zone)
             for member in members for channel, stagger, zone in member.channels}.values()
    to_come = {day for week in range(HORIZON_DAYS // 7 + 1) if (day := first + timedelta(weeks=week)) >= today
               or any(_at(series.slot, channel, day, stagger, zone) > now for channel, stagger, zone in walls)}
    for day in sorted({*given, *to_come}):
        settled = [(member, claim) for member, claim in given.get(day, ())
                   if claim.slot in sent or (claim.at is not None and claim.at <= now)]
        for member, claim in settled:
            yield member.post, claim
            seen[member.post.id] = day
        if day not in to_come:
            continue
        done = {claim.slot for _, claim in settled}
        if settled:                                               # out on one channel: the others follow
            candidates = [settled[0][0]]
        else:
            before = {member.post.id for member, _ in given.get(day, ())} if day - today <= SETTLED else set()
            candidates = sorted((m for m in members if _rested(seen.get(m.post.id), series.min_repeat, day)),
                                key=lambda m: (m.post.id not in before, seen.get(m.post.id, date.min), m.post.id))
        for member in candidates:
            turns = [claim for claim in _turn(series.slot, member, day, free, now) if claim.slot not in done]
            for claim in turns:
                yield member.post, claim
            if turns or done:
                seen[member.post.id] = day
                break


def _at(slot: Weekly, channel: Channel, day: date, stagger: timedelta, zone: str) -> datetime:
    """The time of the turn of `day` on a channel."""
    week = week_with(channel, zone, slot, stagger)
    return week.at(week.first(day))[0]


def _rested(last: date | None, min_repeat: str, day: date) -> bool:
    """Whether a member that was seen `last` may come back on `day`."""
    if last is None:
        return True
    try:
        return last < day and days_on(last, *_span(min_repeat)) <= day
    except (ValueError, OverflowError):
        return False                                              # longer than any calendar


def _turn(slot: Weekly, member: Member, day: date, free: Free, now: datetime) -> Iterator[Claim]:
    """The claims of one turn: one for each channel on which its time is to come and free."""
    head = member.post.post.head
    for channel, stagger, zone in member.channels:
        at = _at(slot, channel, day, stagger, zone)
        early = head.not_before is not None and at < absolute(head.not_before, zone)
        late = head.not_after is not None and at > absolute(head.not_after, zone)
        if at > now and not early and not late and (
                free.fits(channel.id, at, zone, asks=member.post.intent == "ask")):
            yield Claim(Slot(member.post.id, channel.id, f"{day:%Y%m%d}"), channel, stagger, at)


def _given(weekly: Weekly, members: Sequence[Member], kept: Mapping[Slot, datetime],
           sent: Mapping[Slot, datetime | None]) -> dict[date, list[tuple[Member, Claim]]]:
    """Turns that earlier plans gave, by day."""
    mine = {member.post.id: member for member in members}
    found: dict[date, list[tuple[Member, Claim]]] = {}
    for slot in sorted(slot for slot in {*kept, *sent} if slot.post in mine):
        member, at, day = mine[slot.post], kept.get(slot) or sent.get(slot), _day(slot.run)
        for channel, stagger, zone in member.channels:
            if channel.id == slot.channel and day is not None and at is None:     # out, and nobody knows any more when
                at = instant(datetime.combine(day, weekly.clock), zone).at + stagger
            if channel.id == slot.channel and at is not None and day is not None:
                found.setdefault(day, []).append((member, Claim(slot, channel, stagger, at)))
    return found


def _day(run: str) -> date | None:
    """The day that a run is named by: `20270312`."""
    try:
        return datetime.strptime(run, "%Y%m%d").date() if len(run) == 8 else None  # noqa: DTZ007 — a day has no zone
    except ValueError:
        return None


def _span(duration: str) -> tuple[int, str]:
    """`12w` as (12, "w"); hours and minutes count as whole days."""
    unit = "mo" if duration.endswith("mo") else duration[-1]
    count = int(duration.removesuffix(unit))
    return (count, unit) if unit in ("d", "w", "mo") else (1, "d")

