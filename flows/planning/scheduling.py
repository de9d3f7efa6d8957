"""Posts become a plan: every slot gets an instant, or a reason why not. Pure: `now` is an argument."""
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flows.planning.filling import HORIZON_DAYS, FreeSlots
from flows.planning.timing import FORMS, instant
from schemas.channel import Channel
from schemas.content import Content, Resolved
from schemas.ledger import Slot
from schemas.notation import in_our_time, span
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Problem, Severity, in_order

DEFAULT_GRACE = "2h"
_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[ T](?P<clock>\d{2}:\d{2})(?P<offset>\s?(?:Z|[+-]\d{2}:\d{2}))?", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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
        self.unreadable = {p.place.file.removeprefix(f"{content.root}/"): p for p in reversed(self.broken.get(None, []))
                           if p.place.file.removeprefix(f"{content.root}/") in content.unreadable}
        self.doubled = {p.channel: p for p in self.broken.get(None, []) if p.channel is not None}
        self.campaigns: dict[str, Any] = {e.file: e.value for e in content.entries if e.kind == "campaign"}
        self.free = FreeSlots({}, span(content.channels.min_gap))
        self.items: list[Item] = []
        self.waiting: list[Waiting] = []
        self.problems: list[Problem] = []

    def plan(self) -> Plan:
        later = []
        for post in sorted(self.content.posts, key=lambda p: p.id):
            if _times(post) > 1:
                self.wait(post, "more than one time is given")
            elif post.post.head.slot == "next" or not _times(post):
                later.append(post)
            else:
                self.place_fixed(post)
        placed = {item.slot: item.at for item in self.items}      # a slot that moved no longer takes its old time
        self.free = FreeSlots({**self.kept, **placed}, self.free.gap)
        for post in sorted(later, key=_turn):  # fixed times claim first, `slot: next` takes what is free
            self.place_next(post)
        return Plan(self.content.source, tuple(sorted(self.items, key=lambda i: i.key)),
                    tuple(sorted(self.waiting, key=lambda w: (w.slot.post, self.order[w.channel.id]))),
                    tuple(in_order(self.problems)))

    # --- one post -------------------------------------------------------------------------------------------------

    def place_fixed(self, post: Resolved) -> None:
        at = post.post.head.at
        if at is None:
            self.put_off(post)
            return
        for number, channel in enumerate(post.channels):
            if isinstance(at, dict):
                own = at.get(channel.id)
                written, offset, path = (
                    (own, 0, channel.id) if own is not None else (at.get("default"), number, "default")
                )
                if written is None:
                    self.problem(
                        "SYN002",
                        post,
                        "at",
                        f"at: no time for {channel.id}.",
                        "Add 'default:' or a time for it.",
                        channel=channel.id,
                    )
                    self.wait_on(post, channel, "it has no time for this channel")
                    continue
            else:
                written, offset, path = at, number, None
            moment = self.moment(post, channel, written, path, offset)
            if moment is not None:
                self.add(post, channel, moment)
        if isinstance(at, dict) and post.channels:
            for name in sorted(set(at) - {"default"} - {c.id for c in post.channels}):
                self.problem("REF001", post, f"at.{name}", f"at: the post does not go to a channel '{name[:60]}'.",
                             f"Its channels: {', '.join(c.id for c in post.channels)}.")

    def put_off(self, post: Resolved) -> None:
        """A time of a form that this version does not place yet, or of no form at all."""
        key = next(key for key in ("after", "every", "slot") if getattr(post.post.head, key) is not None)
        value = str(getattr(post.post.head, key))[:60]
        grammar, example = FORMS[key]
        if grammar.fullmatch(value) is None:
            self.wait(post, f"'{key}: {value}' is not a time")
            self.problem("SYN002", post, key, f"{key}: '{value}' is not a time.", f"Write it like '{key}: {example}'.")
        else:
            self.wait(post, f"'{key}: {value}' is not supported yet")
            self.problem(
                "SUP001",
                post,
                key,
                f"'{key}: {value}' is not supported yet: the post waits.",
                "Give it a fixed time ('at: YYYY-MM-DD HH:MM') if it must go out before that.",
                Severity.warning,
            )

    def moment(self, post: Resolved, channel: Channel, written: str, path: str | None, offset: int) -> datetime | None:
        """When `written` is on `channel`, `offset` staggers later; None, with a problem, when that is no time."""
        field, only = ("at", None) if path is None else (f"at.{path}", channel.id if path == channel.id else None)
        match = _TIME.fullmatch(written)
        if match is None:
            if _DATE.fullmatch(written):
                self.wait_on(post, channel, f"'at: {written}' without a time of day is not supported yet")
                self.problem(
                    "SUP001",
                    post,
                    field,
                    f"'at: {written}' without a time of day is not supported yet: the post waits.",
                    f"Add the time: at: {written} 09:30.",
                    Severity.warning,
                )
            else:
                self.problem(
                    "SYN002",
                    post,
                    field,
                    f"at: '{written[:60]}' is not a time.",
                    "Write it as YYYY-MM-DD HH:MM.",
                    channel=only,
                )
                self.wait_on(post, channel, f"'{written[:60]}' is not a time")
            return None
        try:
            local = in_our_time(datetime.fromisoformat(f"{match['day']}T{match['clock']}"))
            if match["offset"]:
                at = local.replace(
                    tzinfo=datetime.fromisoformat(f"{local.isoformat()}{match['offset'].strip()}").tzinfo
                ).astimezone(UTC)
            else:
                at = self.local(post, channel, local, field)
        except (ValueError, OverflowError):
            self.problem(
                "SYN002", post, field, f"at: there is no {written}.", "Write a day and a time that exist.", channel=only
            )
            self.wait_on(post, channel, f"there is no {written}")
            return None
        try:
            return in_our_time(at + offset * self.stagger)
        except (ValueError, OverflowError):
            self.problem("SYN002", post, field, f"at: with its stagger, {channel.id} would get it after the year 2999.",
                         "Shorten 'stagger' in networks/channels.yaml.", channel=channel.id)
            self.wait_on(post, channel, "its stagger is too long")
            return None

    def local(self, post: Resolved, channel: Channel, local: datetime, field: str) -> datetime:
        moment = instant(local, self.zone(post, channel))
        if moment.shifted:
            self.problem(
                "SCH006",
                post,
                field,
                f"{local:%Y-%m-%d %H:%M} {moment.shifted} ({self.zone(post, channel)}).",
                "Choose a time outside the clock change if that is not what you want.",
                Severity.warning,
            )
        return moment.at

    def place_next(self, post: Resolved) -> None:
        for channel in post.channels:
            if (at := self.kept.get(Slot(post.id, channel.id))) is not None and not self.moved_on(post, channel, at):
                self.add(post, channel, at)
            elif not channel.slots:
                self.problem("SCH008", post, "slot", f"{channel.id} has no slots, so 'slot: next' has no time there.",
                             "Give the post a time ('at: YYYY-MM-DD HH:MM'), or the channel slots: [\"tue 09:30\"].",
                             channel=channel.id)
                self.wait_on(post, channel, f"{channel.id} has no slots")
            elif (free := self.next_free(post, channel)) is None:
                self.wait_on(post, channel, f"no free slot on {channel.id} in the next {HORIZON_DAYS} days")
            elif self.add(post, channel, free):
                self.free.take(channel, free)

    def moved_on(self, post: Resolved, channel: Channel, at: datetime) -> bool:
        """Whether the author has since asked for a later time than the one to come that an earlier plan gave."""
        not_before = post.post.head.not_before
        return not_before is not None and self.now < at < self.absolute(not_before, post, channel)

    def next_free(self, post: Resolved, channel: Channel) -> datetime | None:
        not_before = post.post.head.not_before
        earliest = self.now if not_before is None else max(self.now, self.absolute(not_before, post, channel))
        return self.free.next(channel, self.zone(post, channel), earliest)

    # --- what every item gets ----------------------------------------------------------------------------------------

    def add(self, post: Resolved, channel: Channel, at: datetime) -> bool:
        """Puts the slot into the plan at `at`, or among those that wait. Whether it goes out."""
        slot = Slot(post.id, channel.id)
        if (why := self.why_not(post, channel)) is not None:
            self.waiting.append(Waiting(slot, post, channel, why, self.zone(post, channel), at))
            return False
        if (why := self.outside_window(post, channel, at)) is not None:
            self.waiting.append(Waiting(slot, post, channel, why, self.zone(post, channel), at))
            return False
        not_after = post.post.head.not_after
        latest = self.absolute(not_after, post, channel) if not_after is not None else None
        grace = span(post.grace or channel.grace or DEFAULT_GRACE)
        self.items.append(
            Item(slot, post, channel, at, self.zone(post, channel), self.stage(at, post), grace.total_seconds(), latest)
        )
        return True

    def outside_window(self, post: Resolved, channel: Channel, at: datetime) -> str | None:
        """SCH001: why a time does not lie between the post's `not_before` and `not_after`."""
        head = post.post.head
        if head.not_after is not None and at > self.absolute(head.not_after, post, channel):
            field, word, remedy = "not_after", "after", "Move the time earlier, or not_after later."
        elif head.not_before is not None and at < self.absolute(head.not_before, post, channel):
            field, word, remedy = "not_before", "before", "Move the time later, or not_before earlier."
        else:
            return None
        self.problem(
            "SCH001", post, field, f"on {channel.id} it would go out {word} its {field}.", remedy, channel=channel.id
        )
        return f"its time is {word} its {field}"

    def why_not(self, post: Resolved, channel: Channel) -> str | None:
        """Why a post with a time does not go out on a channel, in the author's words."""
        errors = [p for p in self.broken.get(post.id, []) if p.channel in (None, channel.id)]
        if errors:
            return f"{errors[0].place}: {errors[0].message} {errors[0].remedy}"
        if (lost := self.lost(post, channel)) is not None:
            return f"{lost.place}: {lost.message} {lost.remedy}"
        if channel.network not in self.content.networks:
            return f"{channel.network} is not supported yet"
        if post.post.head.hold:
            return f"held by its author: {post.post.head.hold}"
        if post.post.head.withdraw:
            return "its file says withdraw: true"
        return None

    def lost(self, post: Resolved, channel: Channel) -> Problem | None:
        """Why nobody knows where or how the post goes out: what it inherits cannot be read, or means two channels."""
        homes = [
            "strategy.yaml",
            f"campaigns/{post.post.campaign}/campaign.yaml",
            f"evergreen/{post.post.series}/series.yaml",
        ]
        homes += ["media/library.yaml"] if post.media else []
        homes += [path for path in self.content.unreadable if path.startswith("strategies/")]
        lost = [self.unreadable[path] for path in homes if path in self.unreadable]
        return lost[0] if lost else self.doubled.get(channel.id)

    def stage(self, at: datetime, post: Resolved) -> str:
        own = self.campaigns.get(f"{self.content.root}/campaigns/{post.post.campaign}/campaign.yaml")
        day = at.astimezone(ZoneInfo(self.content.timezone)).date()
        if own is not None and own.start and own.end and own.start <= day <= own.end:
            return "campaign"
        return "maintenance" if any(c.end and c.end < day for c in self.campaigns.values()) else "groundwork"

    def zone(self, post: Resolved, channel: Channel) -> str:
        return post.timezone or channel.timezone or self.content.timezone

    def absolute(self, moment: datetime, post: Resolved, channel: Channel) -> datetime:
        return moment.astimezone(UTC) if moment.tzinfo else instant(moment, self.zone(post, channel)).at

    def wait(self, post: Resolved, why: str) -> None:
        for channel in post.channels:
            self.wait_on(post, channel, why)

    def wait_on(self, post: Resolved, channel: Channel, why: str) -> None:
        self.waiting.append(Waiting(Slot(post.id, channel.id), post, channel, why, self.zone(post, channel)))

    def problem(self, code: str, post: Resolved, field: str, message: str, remedy: str,
                severity: Severity = Severity.error, channel: str | None = None) -> None:
        place = post.post.place(*field.split("."))
        self.problems.append(Problem(code, severity, place, message, remedy, post.id, channel))


def _times(post: Resolved) -> int:
    """How many times the post gives."""
    head = post.post.head
    return sum(value is not None for value in (head.at, head.slot, head.after, head.every))


def _turn(post: Resolved) -> tuple[int, str]:
    """Who chooses a free slot first: campaigns, then always-on posts, then series."""
    return (0 if post.post.campaign else 2 if post.post.series else 1), post.id
