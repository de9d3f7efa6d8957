"""What each post asks of the calendar, by itself: the times it fixes, or the kind of time it still needs."""
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from flows.planning.phrasing import EXAMPLES, Next, Relation, Weekly, recurrence, relation, slot_form
from flows.planning.timing import MOST_RUNS, instant, runs
from schemas.channel import Channel, ChannelsFile
from schemas.content import Resolved
from schemas.ledger import Slot
from schemas.notation import in_our_time, span
from schemas.problem import Problem, Severity

_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[ T](?P<clock>\d{2}:\d{2})(?P<offset>\s?(?:Z|[+-]\d{2}:\d{2}))?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
Form = Literal["fixed", "next", "weekly", "after", "turns", "none"]


class Claim(NamedTuple):
    """One slot that a post asks for. `at`: its time (UTC) is known; `day`: the first free slot of that day.

    Neither: it needs a free slot, or another post's time. `why`: what is written is no time for this channel.
    """

    slot: Slot
    channel: Channel
    stagger: timedelta
    at: datetime | None = None
    day: date | None = None
    turn: int = 0
    why: str | None = None


class Wish(NamedTuple):
    """What one post asks for. `problems`: what is wrong with the words it says it in."""

    post: Resolved
    form: Form
    claims: tuple[Claim, ...]
    problems: tuple[Problem, ...] = ()
    after: Relation | None = None
    weekly: Weekly | None = None
    not_until: date | None = None            # `slot: next after` this day


class Frame(NamedTuple):
    """What every post is seen in: the channels' file, the strategy's zone, and which channel staggers how much."""

    channels: ChannelsFile
    timezone: str
    taking_turns: Mapping[str, str]          # series folder → why its `slot:` is no time, or ""

    def zone(self, post: Resolved, channel: Channel) -> str:
        return post.timezone or channel.timezone or self.timezone

    def stagger(self, number: int) -> timedelta:
        return number * span(self.channels.stagger)


def absolute(moment: datetime, zone: str) -> datetime:
    """A time that an author wrote, as UTC; `zone` counts when it has no offset."""
    return moment.astimezone(UTC) if moment.tzinfo else instant(moment, zone).at


def wish(post: Resolved, frame: Frame) -> Wish:
    """What `post` asks for. Never raises for content."""
    return _Asking(post, frame).wish()


class _Asking:
    def __init__(self, post: Resolved, frame: Frame) -> None:
        self.post, self.frame = post, frame
        self.problems: list[Problem] = []

    def wish(self) -> Wish:
        head = self.post.post.head
        times = [key for key in ("at", "slot", "after", "every") if getattr(head, key) is not None]
        if len(times) > 1:
            return self.made("none", self.each(why="more than one time is given"))
        lost = [name for name, value in (("from", head.from_), ("until", head.until), ("runs", head.runs))
                if value is not None and head.every is None]
        for name in lost:
            self.problem("SCH005", name, f"'{name}' belongs to 'every'; here it does nothing.",
                         "Remove it, or write how often: every: 4w on friday at 17:15.", Severity.warning)
        if head.at is not None:
            return self.made("fixed", tuple(self.fixed(head.at)))
        if head.every is not None:
            return self.repeating(head.every)
        if head.after is not None:
            if (found := relation(head.after)) is None:
                return self.unread("after", head.after)
            return self.made("after", self.each())._replace(after=found)
        if not times and self.post.post.series in self.frame.taking_turns:
            return self.made("turns", ())
        return self.free(head.slot or "next")

    def made(self, form: Form, claims: tuple[Claim, ...]) -> Wish:
        return Wish(self.post, form, claims, tuple(self.problems))

    def each(self, why: str | None = None) -> tuple[Claim, ...]:
        """One claim for each channel, its time still open."""
        return tuple(Claim(Slot(self.post.id, channel.id), channel, self.frame.stagger(number), why=why)
                     for number, channel in enumerate(self.post.channels))

    def unread(self, key: str, value: str) -> Wish:
        shown = value[:60]
        more = ", 'slot: next' or 'slot: next after 2027-04-19'" if key == "slot" else ""
        remedy = f"Write it like '{key}: {EXAMPLES[key]}'{more}."
        self.problem("SYN002", key, f"{key}: '{shown}' is not a time.", remedy)
        return self.made("none", self.each(why=f"'{key}: {shown}' is not a time"))

    # --- slot: next, next after, weekday ----------------------------------------------------------------------------

    def free(self, written: str) -> Wish:
        try:
            form = slot_form(written)
            if isinstance(form, Next) and form.after is not None:
                in_our_time(datetime.combine(form.after, datetime.min.time()))
        except ValueError:
            form = None
        if form is None:
            return self.unread("slot", written)
        if isinstance(form, Weekly):
            return self.made("weekly", self.each())._replace(weekly=form)
        return self.made("next", self.each())._replace(not_until=form.after)

    # --- every ------------------------------------------------------------------------------------------------------

    def repeating(self, written: str) -> Wish:
        head = self.post.post.head
        every = recurrence(written)
        if every is None:
            return self.unread("every", written)
        if head.from_ is None:
            self.problem("SYN002", "every", "every: nothing says when it begins.",
                         "Add 'from: YYYY-MM-DD', its first day.")
            return self.made("none", self.each(why="nothing says when it begins (from)"))
        if head.until is None and head.runs is None:
            self.problem("SCH005", "every", "It would go on for ever.",
                         "Add 'until: YYYY-MM-DD', or 'runs:' with how many times.")
            return self.made("none", self.each(why="it has no end (until or runs)"))
        days = runs(every, head.from_, head.until, head.runs)
        if not days:
            self.problem("SCH005", "until",
                         f"It ends before its first run: nothing lies from {head.from_} to {head.until}.",
                         "Move 'until' later, or 'from' earlier.")
            return self.made("none", self.each(why="it ends before its first run"))
        if len(days) > MOST_RUNS:
            self.problem("SCH005", "every", f"It would go out more than {MOST_RUNS} times.",
                         "Give it an earlier 'until', or fewer 'runs'.")
            return self.made("none", self.each(why=f"it would go out more than {MOST_RUNS} times"))
        claims = []
        for turn, day in enumerate(days):
            for number, channel in enumerate(self.post.channels):
                slot, stagger = Slot(self.post.id, channel.id, f"{day:%Y%m%d}"), self.frame.stagger(number)
                if every.clock is None:
                    claims.append(Claim(slot, channel, stagger, day=day, turn=turn))
                    continue
                try:
                    local = datetime.combine(day, every.clock)
                    at = in_our_time(self.local(channel, local, "every", slot.run) + stagger)
                    claims.append(Claim(slot, channel, stagger, at, turn=turn))
                except (ValueError, OverflowError):
                    claims.append(Claim(slot, channel, stagger, turn=turn, why=f"there is no such time on {day}"))
        return self.made("fixed", tuple(claims))

    # --- at ---------------------------------------------------------------------------------------------------------

    def fixed(self, at: str | dict[str, str]) -> Iterator[Claim]:
        for number, channel in enumerate(self.post.channels):
            open_claim = Claim(Slot(self.post.id, channel.id), channel, self.frame.stagger(number))
            if not isinstance(at, dict):
                yield self.at(open_claim, at, None)
            elif channel.id in at:
                yield self.at(open_claim._replace(stagger=timedelta()), at[channel.id], channel.id)
            elif "default" in at:
                yield self.at(open_claim, at["default"], "default")
            else:
                self.problem("SYN002", "at", f"at: no time for {channel.id}.", "Add 'default:' or a time for it.",
                             channel=channel.id)
                yield open_claim._replace(why="it has no time for this channel")
        if isinstance(at, dict) and self.post.channels:
            known = {channel.id for channel in self.post.channels}
            for name in sorted(set(at) - {"default"} - known):
                self.problem("REF001", f"at.{name}", f"at: the post does not go to a channel '{name[:60]}'.",
                             f"Its channels: {', '.join(channel.id for channel in self.post.channels)}.")

    def at(self, claim: Claim, written: str, path: str | None) -> Claim:
        """`claim` with the time that is written for its channel; with a problem and a reason when that is no time."""
        channel = claim.channel
        field, only = ("at", None) if path is None else (f"at.{path}", channel.id if path == channel.id else None)
        match = _TIME.fullmatch(written)
        try:
            if match is None and _DATE.fullmatch(written):
                day = date.fromisoformat(written)
                in_our_time(datetime.combine(day, datetime.min.time()))
                return claim._replace(day=day)
            if match is None:
                self.problem("SYN002", field, f"at: '{written[:60]}' is not a time.", "Write it as YYYY-MM-DD HH:MM.",
                             channel=only)
                return claim._replace(why=f"'{written[:60]}' is not a time")
            local = in_our_time(datetime.fromisoformat(f"{match['day']}T{match['clock']}"))
            if match["offset"]:
                with_offset = datetime.fromisoformat(f"{local.isoformat()}{match['offset'].strip()}")
                at = with_offset.astimezone(UTC)
            else:
                at = self.local(channel, local, field)
        except (ValueError, OverflowError):
            self.problem("SYN002", field, f"at: there is no {written}.", "Write a day and a time that exist.",
                         channel=only)
            return claim._replace(why=f"there is no {written}")
        try:
            return claim._replace(at=in_our_time(at + claim.stagger))
        except (ValueError, OverflowError):
            self.problem("SYN002", field, f"at: with its stagger, {channel.id} would get it after the year 2999.",
                         "Shorten 'stagger' in networks/channels.yaml.", channel=channel.id)
            return claim._replace(why="its stagger is too long")

    def local(self, channel: Channel, local: datetime, field: str, run: str | None = None) -> datetime:
        """When `local` is on the wall; SCH006 when the clocks change then."""
        zone = self.frame.zone(self.post, channel)
        moment = instant(local, zone)
        if moment.shifted:
            self.problem("SCH006", field, f"{local:%Y-%m-%d %H:%M} {moment.shifted} ({zone}).",
                         "Choose a time outside the clock change if that is not what you want.", Severity.warning,
                         run=run)
        return moment.at

    def problem(self, code: str, field: str, message: str, remedy: str, severity: Severity = Severity.error,
                channel: str | None = None, run: str | None = None) -> None:
        place = self.post.post.place(*field.split("."))
        self.problems.append(Problem(code, severity, place, message, remedy, self.post.id, channel, run))
