"""One slot gets its place in the plan: its time, or the reason why it waits, and what is to be said of it."""
import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.filling import Free, Week, week_of
from flows.planning.permitting import Permit
from flows.planning.wishing import Claim, Frame, absolute
from schemas.content import Content, Resolved
from schemas.ledger import Slot
from schemas.notation import span
from schemas.plan import Item, Waiting
from schemas.problem import Problem, Severity

DEFAULT_GRACE = "2h"
_QUIET = "in the quiet hours ({})"
_QUIET_NOTE = re.compile(re.escape(_QUIET).replace(r"\{\}", "[^)]*") + "(; )?")


class _Advice(NamedTuple):
    """A problem whose remedy is a free slot that is known only when everything has its place."""

    problem: int
    week: Week
    after: datetime
    asks: bool


class Places:
    """What has its place so far. `sent`: what is published; it is judged no more."""

    def __init__(self, content: Content, free: Free, frame: Frame, sent: Mapping[Slot, datetime | None],
                 now: datetime) -> None:
        self.content, self.free, self.frame, self.sent, self.now = content, free, frame, sent, now
        self.permit = Permit(content)
        self.placed: dict[Slot, Item | Waiting] = {}
        self.problems: list[Problem] = []
        self._advice: list[_Advice] = []

    def put(self, post: Resolved, claim: Claim, at: datetime, *, found: bool = False) -> bool:
        """Puts the slot into the plan at `at`, or among those that wait. Whether it goes out.

        `found`: the time is a free slot, and not what is written.
        """
        channel, zone = claim.channel, self.frame.zone(post, claim.channel)
        note = ""
        if claim.slot not in self.sent:
            why = self.permit.why_not(post, channel) or self._outside_window(post, claim, at, zone) or (
                self._closed(post, claim, at, zone))
            if why is not None:
                self.wait(post, claim, why, at, found=found)
                return False
            note = self._quiet(post, claim, at, zone)
        not_after = post.post.head.not_after
        self.placed[claim.slot] = Item(
            claim.slot, post, channel, at, zone, self.permit.stage(at, post),
            span(post.grace or channel.grace or DEFAULT_GRACE).total_seconds(),
            absolute(not_after, zone) if not_after is not None else None, claim.turn, note, found)
        return True

    def occupy(self, post: Resolved, claim: Claim, at: datetime, *, found: bool = True) -> None:
        """The same; nobody else can then have the time."""
        if self.put(post, claim, at, found=found):
            self.free.take(claim.channel.id, at)

    def wait(self, post: Resolved, claim: Claim, why: str, at: datetime | None = None, *, found: bool = False) -> None:
        """Has the slot wait."""
        zone = self.frame.zone(post, claim.channel)
        self.placed[claim.slot] = Waiting(claim.slot, post, claim.channel, why, zone, at, found, claim.turn)

    def problem(self, code: str, post: Resolved, field: str, claim: Claim, message: str, remedy: str,
                severity: Severity = Severity.error) -> None:
        """Says what is wrong with one slot; `field` is where its author can mend it."""
        self.problems.append(Problem(code, severity, post.post.place(*field.split(".")), message, remedy, post.id,
                                     claim.channel.id, None if claim.slot.run == "1" else claim.slot.run))

    def advise(self, week: Week, after: datetime, *, asks: bool) -> None:
        """Has the last problem's remedy name the next free slot of `week` after that time, when all are known."""
        self._advice.append(_Advice(len(self.problems) - 1, week, max(after, self.now), asks))

    def advised(self) -> list[Problem]:
        """All problems, with the free slots that their remedies name."""
        made = list(self.problems)
        for number, week, after, asks in self._advice:
            free = self.free.find(week, after, asks=asks)
            if free is not None:
                made[number] = made[number]._replace(remedy=f"Next free slot: {self.words(free, week.zone)}.")
        return made

    def words(self, at: datetime, zone: str) -> str:
        """`2027-03-02 08:45`, on the wall of `zone`."""
        return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"

    def _outside_window(self, post: Resolved, claim: Claim, at: datetime, zone: str) -> str | None:
        """SCH001, SCH004: why a time lies outside the post's own window or the days of its campaign."""
        head = post.post.head
        if head.not_after is not None and at > absolute(head.not_after, zone):
            field, word, remedy = "not_after", "after", "Move the time earlier, or not_after later."
        elif head.not_before is not None and at < absolute(head.not_before, zone):
            field, word, remedy = "not_before", "before", "Move the time later, or not_before earlier."
        else:
            return self._outside_campaign(post, claim, at)
        self.problem("SCH001", post, field, claim, f"on {claim.channel.id} it would go out {word} its {field}.", remedy)
        return f"its time is {word} its {field}"

    def _outside_campaign(self, post: Resolved, claim: Claim, at: datetime) -> str | None:
        campaign = self.permit.campaign(post.post.campaign)
        if (campaign is None or campaign.start is None or campaign.end is None or self.permit.is_thanks(post)
                or self.permit.stage(at, post) == "campaign"):
            return None
        days = f"{campaign.start} to {campaign.end}"
        self.problem("SCH004", post, field_of(post), claim,
                     f"On {claim.channel.id} it would go out on {at:%Y-%m-%d}, outside its campaign ({days}).",
                     "Choose a day of the campaign, or move the file to posts/.")
        return f"its time is outside its campaign ({days})"

    def _closed(self, post: Resolved, claim: Claim, at: datetime, zone: str) -> str | None:
        """SCH001: why nothing goes out on that day."""
        channel, asks = claim.channel, post.intent == "ask"
        blackout = self.free.blackout(channel.id, at, asks=asks)
        if blackout is None:
            return None
        what = "asks wait" if blackout.effect == "hold-asks" else "nothing goes out"
        why = f"{what} in the blackout {blackout.id}" + (f" ({blackout.reason})" if blackout.reason else "")
        said = f"{self.words(at, zone)} on {channel.id}: {why}."
        if claim.slot.run != "1":                                 # nobody can move one run of many
            self.problem("SCH001", post, field_of(post), claim, said, "Nothing to do: this run is left out.",
                         Severity.warning)
        else:
            self.problem("SCH001", post, field_of(post), claim, said, "Choose another day.")
            self.advise(week_of(channel, zone), at, asks=asks)
        return why

    def _quiet(self, post: Resolved, claim: Claim, at: datetime, zone: str) -> str:
        """SCH001, a warning: what to say of a time at night; nothing by day."""
        channel = claim.channel
        if not self.free.is_quiet(channel.id, at):
            return ""
        hours = self.content.channels.quiet_hours
        self.problem("SCH001", post, field_of(post), claim,
                     f"{self.words(at, zone)} on {channel.id} is in the quiet hours ({hours}).",
                     "Choose a time outside them.", Severity.warning)
        self.advise(week_of(channel, zone), at, asks=post.intent == "ask")
        return _QUIET.format(hours)


def without_time(note: str) -> str:
    """An item's note without what is said there of its time: the item has got another one."""
    return _QUIET_NOTE.sub("", note)


def field_of(post: Resolved) -> str:
    """The key that gives the post its time."""
    head = post.post.head
    return next((key for key in ("at", "slot", "after", "every") if getattr(head, key) is not None), "slot")
