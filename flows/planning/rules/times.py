"""SCH: room between posts, no big bang, repeats that vary, and no channel that falls silent."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flows.planning.phrasing import Recurrence, recurrence
from flows.planning.placing import field_of
from flows.planning.rules.ruling import Facts, Rule
from schemas.campaign import Series
from schemas.content import Resolved
from schemas.engagement import BlackoutsFile
from schemas.notation import span
from schemas.plan import Item
from schemas.problem import Problem, Severity


def _too_late(facts: Facts) -> Iterator[Problem]:
    """A new post whose time has passed already: it will not go out."""
    root = f"{facts.content.root}/"
    for item in facts.plan.items if facts.fresh else ():
        post = item.post
        if item.at + timedelta(seconds=item.grace_s) < facts.now and post.post.file.removeprefix(root) in facts.fresh:
            local = item.at.astimezone(ZoneInfo(item.zone))
            passed = f"{local:%Y-%m-%d %H:%M} on {item.channel.id} has passed; nothing is sent late."
            remedy = "Give it a time to come, or remove the line: it then takes a free slot."
            yield _said(TOO_LATE, item, passed, remedy)._replace(severity=Severity.warning)


def _closes_nothing(facts: Facts) -> Iterator[Problem]:
    """A blackout that has no days."""
    for entry in facts.content.entries:
        if not isinstance(entry.value, BlackoutsFile):
            continue
        for number, one in enumerate(entry.value.blackouts):
            if one.from_ is None or one.to is None:
                key = "from" if one.from_ is None else "to"
                why, remedy = f"it has no '{key}'", f"Add '{key}: YYYY-MM-DD'; both days are inside."
            elif one.to < one.from_:
                why, remedy = f"{one.to} is before {one.from_}", "Turn the days round."
            elif one.channels == ():
                why, remedy = "it names no channel", "Name some, or remove 'channels': without it it is for all."
            else:
                continue
            place = entry.place("blackouts", number)
            yield NOTHING_CLOSED.at(place, f"The blackout {one.id} closes nothing: {why}.", remedy)


def _crowded(facts: Facts) -> Iterator[Problem]:
    """Two posts of a channel closer than min_gap; more on a day than max_per_day. Said of the later ones."""
    gap = span(facts.content.channels.min_gap)
    minutes = round(gap.total_seconds() / 60)
    zones = {c.id: ZoneInfo(c.timezone or facts.content.timezone) for c in facts.content.channels.channels}
    before: dict[str, Item] = {}
    days: dict[tuple[str, object], int] = {}
    for item in facts.plan.items:  # in order of time
        channel = item.channel
        day = (channel.id, item.at.astimezone(zones[channel.id]).date())
        days[day] = number = days.get(day, 0) + 1
        earlier = before.get(channel.id)
        before[channel.id] = item
        if earlier is not None and item.at - earlier.at < gap:
            yield _said(
                CROWDED,
                item,
                f"Crowded on {channel.id}: {earlier.post.id} goes out at {_wall(earlier)}, less "
                f"than {minutes} minutes before.",
                "Move one of them, or let 'slot: next' find room.",
            )
        elif number > channel.max_per_day:
            yield _said(
                CROWDED,
                item,
                f"Crowded on {channel.id}: {_nth(number)} post on {item.at:%Y-%m-%d}, and "
                f"{channel.max_per_day} a day is its limit.",
                "Move it to another day, or raise max_per_day.",
            )


def _big_bang(facts: Facts) -> Iterator[Problem]:
    """One post on many channels within minutes."""
    least, minutes = facts.knob(BIG_BANG, "bang_channels"), facts.knob(BIG_BANG, "bang_minutes")
    together: dict[tuple[str, str], list[Item]] = {}
    for item in facts.plan.items:
        if len(item.post.channels) >= least:
            together.setdefault((item.post.id, item.slot.run), []).append(item)
    for items in together.values():
        for number, last in enumerate(items[least - 1 :]):
            first = items[number]
            if last.at - first.at <= timedelta(minutes=minutes):
                channels = ", ".join(item.channel.id for item in items[number : number + least])
                post = first.post
                yield BIG_BANG.at(
                    post.post.place(field_of(post)),
                    f"Big bang: it goes out on {channels} within {minutes} minutes.",
                    "Give it one time and let stagger work, or fewer channels.",
                    post.id,
                    run=None if first.slot.run == "1" else first.slot.run,
                )
                break


def _repeats(post: Resolved, facts: Facts) -> Iterator[Problem]:
    """A repeat that comes back too soon, or always says the same."""
    every = recurrence(post.post.head.every) if post.post.head.every else None
    if every is None or post.post.head.at or post.post.head.slot or post.post.head.after:
        return
    least = span(facts.knob(REPEATS, "repeat_min"))
    if _length(every) < least:
        yield REPEATS.at(
            post.post.place("every"),
            f"It comes back after {_length(every).days} days.",
            f"Let {least.days} days pass, or write posts of their own.",
            post.id,
            severity=Severity.warning,
        )
    if not any(section.kind == "or" for section in post.post.sections):
        yield REPEATS.at(
            post.post.place("every"),
            "It says the same each time.",
            "Give it a second wording under '## or'.",
            post.id,
            severity=Severity.warning,
        )


def _silent(facts: Facts) -> Iterator[Problem]:
    """An active channel that has begun to speak and has nothing planned for two weeks; a series without a turn."""
    horizon = timedelta(days=facts.knob(SILENT, "horizon_days"))
    times: dict[str, list[datetime]] = {}
    in_series: dict[str, list[datetime]] = {}
    for one in facts.plan.waiting:  # a network that is not supported yet is said once
        if one.at is not None and one.channel.network not in facts.content.networks:
            times.setdefault(one.channel.id, []).append(one.at)
    for item in facts.plan.items:
        times.setdefault(item.channel.id, []).append(item.at)
        if item.post.post.series and len(item.slot.run) == 8:
            in_series.setdefault(item.post.post.series, []).append(item.at)
    entry = next((e for e in facts.content.entries if e.kind == "channels"), None)
    ideas = ", ".join(e.id for e in facts.content.entries if e.kind == "idea" and _is_open(e.value))
    remedy = f"Plan a post for it. Ideas: {ideas}." if ideas else "Plan a post for it, or retire it."
    for number, channel in enumerate(facts.content.channels.channels):
        planned = sorted(times.get(channel.id, []))
        begun = bisect_right(planned, facts.now)
        if (
            entry is None
            or channel.status != "active"
            or not begun
            or (begun < len(planned) and planned[begun] - facts.now <= horizon)
        ):
            continue
        until = f"until {planned[begun]:%Y-%m-%d}" if begun < len(planned) else "from now on"
        yield SILENT.at(
            entry.place("channels", number, "id"), f"{channel.id} is empty {until}.", remedy, channel=channel.id
        )
    for series in facts.content.entries:
        if isinstance(series.value, Series) and series.value.slot is not None:
            turns = in_series.get(series.folder, [])
            to_come = bisect_right(turns, facts.now)
            if turns and (to_come == len(turns) or turns[to_come] - facts.now > horizon):
                until = f"until {turns[to_come]:%Y-%m-%d}" if to_come < len(turns) else "from now on"
                yield SILENT.at(
                    series.place("slot"),
                    f"The series {series.id} is dry {until}: all have had their turn.",
                    "Add a post to it, or shorten min_repeat.",
                )


NOTHING_CLOSED = Rule(
    "SCH009",
    Severity.error,
    "F",
    "A blackout closes nothing: a day is missing, they stand in the wrong order, or it names no channel.",
    "Give it 'from' and 'to'; both days are inside.",
    all=_closes_nothing,
)
TOO_LATE = Rule(
    "SCH001",
    Severity.error,
    "FGT",
    "A time cannot be kept: it lies in a blackout, outside the post's own window (not_before, not_after), or no free "
    "slot is left before the end; as a warning: it lies in the quiet hours, or has passed and the file was never "
    "committed. What is late by more than its grace (2h) is missed, never sent late.",
    "Take the free slot that the message names, or move the window.",
    all=_too_late,
)
CROWDED = Rule(
    "SCH002",
    Severity.warning,
    "F",
    "Two posts on a channel are closer than min_gap, or a day has more than max_per_day.",
    "Move one of them.",
    all=_crowded,
)
BIG_BANG = Rule(
    "SCH003",
    Severity.warning,
    "F",
    "One post goes out on three channels or more within five minutes.",
    "Give it one time and let stagger work.",
    all=_big_bang,
    knobs={"bang_channels": 3, "bang_minutes": 5},
)
REPEATS = Rule(
    "SCH005",
    Severity.error,
    "F",
    "A repeating post has no end; as a warning: it comes back within 28 days, or has one wording only.",
    "Give it an end and a second wording.",
    post=_repeats,
    knobs={"repeat_min": "28d"},
)
SILENT = Rule(
    "SCH007",
    Severity.warning,
    "FT",
    "An active channel that has begun to speak has nothing planned in the "
    "next 14 days, or a series has no turn in that time.",
    "Plan a post for it.",
    all=_silent,
    knobs={"horizon_days": 14},
)
RULES = (TOO_LATE, NOTHING_CLOSED, CROWDED, BIG_BANG, REPEATS, SILENT)


def _said(rule: Rule, item: Item, message: str, remedy: str) -> Problem:
    post = item.post
    return rule.at(
        post.post.place(field_of(post)),
        message,
        remedy,
        post.id,
        item.channel.id,
        None if item.slot.run == "1" else item.slot.run,
    )


def _wall(item: Item) -> str:
    return f"{item.at.astimezone(ZoneInfo(item.zone)):%H:%M}"


def _nth(number: int) -> str:
    return {2: "the second", 3: "the third", 4: "the fourth"}.get(number, f"the {number}th")


def _length(every: Recurrence) -> timedelta:
    """The least time between two runs."""
    return timedelta(days=every.number * {"d": 1, "w": 7, "mo": 28}[every.unit])


def _is_open(idea: object) -> bool:
    return getattr(idea, "status", None) in ("new", "shortlisted")
