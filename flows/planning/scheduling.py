"""Posts become a plan: every slot gets an instant, or a reason why not. Pure: `now` is an argument."""
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.channel import Channel
from schemas.content import Content, Resolved
from schemas.ledger import Slot
from schemas.notation import span
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Problem, Severity, in_order

DEFAULT_GRACE = "2h"
HORIZON_DAYS = 366
_TIME = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})[ T](?P<clock>\d{2}:\d{2})(?P<offset>\s?(?:Z|[+-]\d{2}:\d{2}))?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SLOT = re.compile(r"(?P<day>mon|tue|wed|thu|fri|sat|sun)\s+(?P<clock>\d{2}:\d{2})")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Moment(NamedTuple):
    """An instant (UTC) and, when a clock change moved or doubled it, what was written."""

    at: datetime
    shifted: str = ""


def instant(local: datetime, zone: str) -> Moment:
    """When `local` (naive) happens in `zone`. In a gap: the next valid minute. In a fold: the first of the two.

    Raises zoneinfo.ZoneInfoNotFoundError for a zone that does not exist.
    """
    tz = ZoneInfo(zone)
    early = local.replace(tzinfo=tz, fold=0)
    late = local.replace(tzinfo=tz, fold=1)
    if early.utcoffset() == late.utcoffset():
        return Moment(early.astimezone(UTC))
    back = early.astimezone(UTC).astimezone(tz).replace(tzinfo=None)
    if back == local:
        return Moment(early.astimezone(UTC), "happens twice that day; the first is used")
    # In a gap the two readings lie on either side of the change: the first valid minute is the change itself.
    low, high = sorted((early.astimezone(UTC), late.astimezone(UTC)))
    before = low.astimezone(tz).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == before else (low, middle)
    change = high.replace(second=0, microsecond=0)
    return Moment(change, f"does not exist that day; {change.astimezone(tz):%H:%M} is used")


def schedule(content: Content, kept: Mapping[Slot, datetime], *, now: datetime) -> Plan:
    """The plan of `content`: by time, then channel, then post id.

    The order of the posts does not matter. `kept` are the times an earlier plan gave to slots of `slot: next` (and what
    the ledger knows): they stay. Never raises for content: what cannot be placed waits with a reason, or is a problem.
    """
    return _Scheduler(content, kept, now).plan()


class _Scheduler:
    def __init__(self, content: Content, kept: Mapping[Slot, datetime], now: datetime) -> None:
        self.content, self.kept, self.now = content, kept, now
        self.order = {channel.id: number for number, channel in enumerate(content.channels.channels)}
        self.stagger = span(content.channels.stagger)
        self.broken = content.broken()
        self.items: list[Item] = []
        self.waiting: list[Waiting] = []
        self.problems: list[Problem] = []

    def plan(self) -> Plan:
        later = []
        for post in sorted(self.content.posts, key=lambda p: p.id):
            if post.post.head.slot == "next" or not _has_time(post):
                later.append(post)
            else:
                self.place_fixed(post)
        for post in later:                                        # fixed times claim first, `slot: next` takes what is free
            self.place_next(post)
        return Plan(self.content.source, tuple(sorted(self.items, key=lambda i: i.key)),
                    tuple(sorted(self.waiting, key=lambda w: (w.slot.post, self.order[w.channel.id]))),
                    tuple(in_order(self.problems)))

    # --- one post -------------------------------------------------------------------------------------------------

    def place_fixed(self, post: Resolved) -> None:
        head = post.post.head
        if (form := _unsupported(post)) is not None:
            self.wait(post, f"'{form[0]}: {form[1]}' is not supported yet")
            self.problem("SUP001", post, form[0], f"'{form[0]}: {form[1]}' is not supported yet: the post waits.",
                         "Give it a fixed time ('at: YYYY-MM-DD HH:MM') if it must go out before that.", Severity.warning)
            return
        at = head.at
        assert at is not None
        for number, channel in enumerate(post.channels):
            if isinstance(at, dict):
                own = at.get(channel.id)
                written, offset, path = (own, 0, channel.id) if own is not None else (at.get("default"), number, "default")
                if written is None:
                    self.problem("SYN002", post, "at", f"at: no time for {channel.id}.", "Add 'default:' or a time for it.")
                    self.wait_on(post, channel, "it has no time for this channel")
                    continue
            else:
                written, offset, path = at, number, None
            moment = self.moment(post, channel, written, path)
            if moment is not None:
                self.add(post, channel, moment + offset * self.stagger)
        if isinstance(at, dict):
            for name in sorted(set(at) - {"default"} - {c.id for c in post.channels}):
                self.problem("REF001", post, f"at.{name}", f"at: the post does not go to a channel '{name}'.",
                             f"Its channels: {', '.join(c.id for c in post.channels)}.")

    def moment(self, post: Resolved, channel: Channel, written: str, path: str | None) -> datetime | None:
        field = "at" if path is None else f"at.{path}"
        match = _TIME.fullmatch(written)
        if match is None:
            if _DATE.fullmatch(written):
                self.wait_on(post, channel, f"'at: {written}' without a time of day is not supported yet")
                self.problem("SUP001", post, field, f"'at: {written}' without a time of day is not supported yet: the post waits.",
                             f"Add the time: at: {written} 09:30.", Severity.warning)
            else:
                self.problem("SYN002", post, field, f"at: '{written}' is not a time.", "Write it as YYYY-MM-DD HH:MM.")
                self.wait_on(post, channel, f"'{written}' is not a time")
            return None
        try:
            local = datetime.combine(date.fromisoformat(match["day"]), time.fromisoformat(match["clock"]))
        except ValueError:
            self.problem("SYN002", post, field, f"at: there is no {written}.", "Write a day and a time that exist.")
            self.wait_on(post, channel, f"there is no {written}")
            return None
        if match["offset"]:
            return datetime.fromisoformat(f"{local.isoformat()}{match['offset'].strip().replace('Z', '+00:00')}").astimezone(UTC)
        return self.local(post, channel, local, field)

    def local(self, post: Resolved, channel: Channel, local: datetime, field: str) -> datetime:
        moment = instant(local, self.zone(post, channel))
        if moment.shifted:
            self.problem("SCH006", post, field, f"{local:%Y-%m-%d %H:%M} {moment.shifted} ({self.zone(post, channel)}).",
                         "Choose a time outside the clock change if that is not what you want.", Severity.warning)
        return moment.at

    def place_next(self, post: Resolved) -> None:
        for channel in post.channels:
            slot = Slot(post.id, channel.id)
            if (at := self.kept.get(slot)) is not None:
                self.add(post, channel, at)
            elif not channel.slots:
                self.problem("SCH008", post, "slot", f"{channel.id} has no slots, so 'slot: next' has no time there.",
                             "Give the post a time ('at: YYYY-MM-DD HH:MM'), or the channel slots: [\"tue 09:30\"].")
                self.wait_on(post, channel, f"{channel.id} has no slots")
            elif (free := self.next_free(post, channel)) is None:
                self.wait_on(post, channel, f"no free slot on {channel.id} in the next {HORIZON_DAYS} days")
            else:
                self.add(post, channel, free)

    def next_free(self, post: Resolved, channel: Channel) -> datetime | None:
        zone = ZoneInfo(self.zone(post, channel))
        earliest = self.now
        if (not_before := post.post.head.not_before) is not None:
            earliest = max(earliest, self.absolute(not_before, post, channel))
        taken = [item.at for item in self.items if item.channel.id == channel.id]
        taken += [at for slot, at in self.kept.items() if slot.channel == channel.id]
        gap = span(self.content.channels.min_gap)
        today = earliest.astimezone(zone).date()
        clocks = sorted((_DAYS.index(m["day"]), time.fromisoformat(m["clock"])) for s in channel.slots if (m := _SLOT.fullmatch(s)))
        for ahead in range(HORIZON_DAYS):
            day = today + timedelta(days=ahead)
            for weekday, clock in clocks:
                if day.weekday() != weekday:
                    continue
                at = instant(datetime.combine(day, clock), zone.key).at
                same_day = sum(1 for other in taken if other.astimezone(zone).date() == day)
                if at > earliest and same_day < channel.max_per_day and all(abs(at - other) >= gap for other in taken):
                    return at
        return None

    # --- what every item gets ----------------------------------------------------------------------------------------

    def add(self, post: Resolved, channel: Channel, at: datetime) -> None:
        slot = Slot(post.id, channel.id)
        if (why := self.why_not(post, channel)) is not None:
            self.waiting.append(Waiting(slot, post, channel, why, self.zone(post, channel), at))
            return
        not_after = post.post.head.not_after
        latest = self.absolute(not_after, post, channel) if not_after is not None else None
        if latest is not None and at > latest:
            self.problem("SCH001", post, "not_after", f"on {channel.id} it would go out after its not_after.",
                         "Move the time earlier, or not_after later.")
            self.waiting.append(Waiting(slot, post, channel, "its time is after its not_after", self.zone(post, channel), at))
            return
        grace = span(post.grace or channel.grace or DEFAULT_GRACE)
        self.items.append(Item(slot, post, channel, at, self.zone(post, channel), self.stage(at, post), grace.total_seconds(), latest))

    def why_not(self, post: Resolved, channel: Channel) -> str | None:
        """Why a post with a time does not go out on a channel, in the author's words."""
        errors = [p for p in self.broken.get(post.id, []) if p.channel in (None, channel.id)]
        if errors:
            return f"{errors[0].place}: {errors[0].message} {errors[0].remedy}"
        if channel.network not in self.content.networks:
            return f"{channel.network} is not supported yet"
        if post.post.head.hold:
            return f"held by its author: {post.post.head.hold}"
        if post.post.head.withdraw:
            return "its file says withdraw: true"
        return None

    def stage(self, at: datetime, post: Resolved) -> str:
        campaigns: list[Any] = [e.value for e in self.content.entries if e.kind == "campaign"]
        own = self.content.entry("campaign", post.post.campaign) if post.post.campaign else None
        day = at.astimezone(ZoneInfo(self.content.timezone)).date()
        if own is not None and own.start and own.end and own.start <= day <= own.end:
            return "campaign"
        return "maintenance" if any(c.end and c.end < day for c in campaigns) else "groundwork"

    def zone(self, post: Resolved, channel: Channel) -> str:
        return post.timezone or channel.timezone or self.content.timezone

    def absolute(self, moment: datetime, post: Resolved, channel: Channel) -> datetime:
        return moment.astimezone(UTC) if moment.tzinfo else instant(moment, self.zone(post, channel)).at

    def wait(self, post: Resolved, why: str) -> None:
        for channel in post.channels:
            self.wait_on(post, channel, why)

    def wait_on(self, post: Resolved, channel: Channel, why: str) -> None:
        self.waiting.append(Waiting(Slot(post.id, channel.id), post, channel, why, self.zone(post, channel)))

    def problem(self, code: str, post: Resolved, field: str, message: str, remedy: str, severity: Severity = Severity.error) -> None:
        self.problems.append(Problem(code, severity, post.post.place(*field.split(".")), message, remedy, post.id))


def _has_time(post: Resolved) -> bool:
    head = post.post.head
    return any(value is not None for value in (head.at, head.slot, head.after, head.every))


def _unsupported(post: Resolved) -> tuple[str, str] | None:
    """The form of time that this version does not place yet, as (key, value)."""
    head = post.post.head
    for key in ("after", "every", "slot"):
        value = getattr(head, key)
        if value is not None:
            return key, str(value)
    return None
