"""Posts become a plan: every slot gets an instant, or a reason why not. Pure: `now` is an argument.

Who chooses first: what says its own time, what follows another post, free slots for campaigns, then for other posts,
then series that take turns. A time once given stays as long as it may be had; only what cannot stay moves.
"""
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from flows.planning.filling import HORIZON_DAYS, Free, Week, week_of, week_with
from flows.planning.following import Followers
from flows.planning.placing import Places, field_of
from flows.planning.rotating import Member, rotate, rotations
from flows.planning.timing import instant
from flows.planning.wishing import Claim, Frame, Wish, absolute, wish
from schemas.content import Content, Resolved
from schemas.hold import Moved
from schemas.ledger import Slot
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Severity, in_order

_MINUTE = timedelta(minutes=1)
_FIRST_DAY, _LAST_DAY = date(1970, 1, 2), date(2999, 12, 30)      # counting on from them stays in the calendar


def schedule(content: Content, kept: Mapping[Slot, datetime], *, now: datetime,
             sent: Mapping[Slot, datetime | None] | None = None,
             taken: Mapping[str, Sequence[int]] | None = None,
             resumed: Mapping[Slot, Moved] | None = None) -> Plan:
    """The plan of `content`: by time, then channel, then post id.

    The order of the posts does not matter. `kept` are the times that an accepted plan gave: those of slots that look
    for a free time stay while they may be had. `sent`: what is published, and when it went out (None: at its time); it
    stays where it was, and what follows it counts from there. `taken`: times of posts that are not in `content`, by
    channel, sorted, in seconds since 1970; they stay. `resumed`: what resumes made of slots that were held; nobody is
    given such a new time, and the slot itself stays where it was. Never raises for content: what cannot be placed waits
    with a reason, or is a problem.
    """
    return _Scheduler(content, kept, sent or {}, taken or {}, resumed or {}, now).plan()


class Window(NamedTuple):
    """When a slot may go out: after `earliest`, up to `latest` (UTC). `ends`: what ends it, in the author's words."""

    earliest: datetime | None
    latest: datetime | None
    ends: str


class _Looking(NamedTuple):
    """A slot that needs a free time of a week."""

    post: Resolved
    claim: Claim
    week: Week
    window: Window


class _Scheduler:
    def __init__(self, content: Content, kept: Mapping[Slot, datetime], sent: Mapping[Slot, datetime | None],
                 taken: Mapping[str, Sequence[int]], resumed: Mapping[Slot, Moved], now: datetime) -> None:
        self.content, self.kept, self.sent, self.resumed, self.now = content, kept, sent, resumed, now
        self.order = {channel.id: number for number, channel in enumerate(content.channels.channels)}
        self.rotations = rotations(content)
        self.frame = Frame(content.channels, content.timezone, {r.folder: r.why for r in self.rotations})
        zones = {channel.id: channel.timezone or content.timezone for channel in content.channels.channels}
        calendar = content.entry("blackouts")
        self.free = Free(content.channels, zones, calendar.blackouts if calendar is not None else (), taken)
        self.places = Places(content, self.free, self.frame, sent, now)
        self.wishes = [wish(post, self.frame) for post in sorted(content.posts, key=lambda post: post.id)]
        self.followers = Followers(self.wishes, content, self.places)
        self.held: list[_Looking] = []                            # what looks for a free slot and may not go out

    def plan(self) -> Plan:
        for wished in self.wishes:
            self.places.problems += wished.problems
        self.place_fixed([one for one in self.wishes if one.form in ("fixed", "none")])
        self.spare()
        days = self.those_who_go(self.open_days())
        free = self.those_who_go(self.open_slots())
        left = [one for one in (*days, *free) if not self.keep(one)]
        self.follow()
        self.spare_resumed()
        self.settle(left)
        self.place_turns([one for one in self.wishes if one.form == "turns"])
        self.settle([one for one in self.held if not self.keep(one)])   # what waits takes no time from who goes out
        self.follow()
        self.followers.leave()
        placed = self.places.placed.values()
        return Plan(self.content.source, tuple(sorted((one for one in placed if isinstance(one, Item)), key=_key)),
                    tuple(sorted((one for one in placed if isinstance(one, Waiting)), key=self.waiting_key)),
                    tuple(in_order(self.places.advised())))

    def waiting_key(self, one: Waiting) -> tuple[str, int, str]:
        return one.slot.post, self.order[one.channel.id], one.slot.run

    # --- times that are written -----------------------------------------------------------------------------------

    def place_fixed(self, wishes: list[Wish]) -> None:
        """What says its own time. All of it is taken at once, so that no later claim is in its way."""
        taken: dict[str, list[datetime]] = {}
        for one in wishes:
            for claim in one.claims:
                if claim.why is not None:
                    self.places.wait(one.post, claim, claim.why)
                elif claim.at is not None and self.places.put(one.post, claim, claim.at):
                    taken.setdefault(claim.channel.id, []).append(claim.at)
        for channel, times in taken.items():
            self.free.fill(channel, times)
        self.follow()

    def open_days(self) -> list["_Looking"]:
        """What says only its day: it looks for the first free slot of that day."""
        looking = []
        for one in self.wishes:
            for claim in one.claims:
                if claim.day is not None:
                    zone = self.frame.zone(one.post, claim.channel)
                    begin, end = (_midnight(claim.day, zone, days) - _MINUTE for days in (0, 1))
                    looking.append(_Looking(one.post, claim, week_of(claim.channel, zone),
                                            Window(begin, end, f"the end of {claim.day}")))
        return sorted(looking, key=lambda one: (one.claim.day, one.post.id))

    # --- free slots -----------------------------------------------------------------------------------------------

    def open_slots(self) -> list["_Looking"]:
        """What takes a free slot: campaigns choose first, then always-on posts, then posts of series."""
        looking = []
        for one in sorted((one for one in self.wishes if one.form in ("next", "weekly")), key=self.turn):
            for claim in one.claims:
                zone = self.frame.zone(one.post, claim.channel)
                week = week_with(claim.channel, zone, one.weekly, claim.stagger) if one.weekly else week_of(
                    claim.channel, zone)
                looking.append(_Looking(one.post, claim, week, self.window(one, zone)))
        return looking

    def those_who_go(self, looking: list["_Looking"]) -> list["_Looking"]:
        """Those that go out; the others choose last."""
        held = [one for one in looking if self.places.permit.why_not(one.post, one.claim.channel) is not None]
        self.held += held
        waits = {one.claim.slot for one in held}
        return [one for one in looking if one.claim.slot not in waits] if waits else looking

    def settle(self, looking: list["_Looking"]) -> None:
        """Gives each of those who have no time yet a new one, in this order; whoever follows comes right after."""
        self.follow()
        for one in looking:
            self.place(one.post, one.claim, one.week, one.window)
            self.reserve(one.claim.slot)
            self.followers.follow(one.post.id)

    def reserve(self, slot: Slot) -> None:
        """What waits and chose last has its time to itself, like what goes out."""
        placed = self.places.placed[slot]
        if isinstance(placed, Waiting) and placed.found and placed.at is not None:
            self.free.take(slot.channel, placed.at)

    def follow(self) -> None:
        """Places everybody who follows a post that has its place."""
        for id in self.followers.targets:
            self.followers.follow(id)

    def spare(self) -> None:
        """Nobody is given the time of a post whose file cannot be read just now."""
        lost = self.content.broken().keys() - {one.post.id for one in self.wishes}
        if lost - {None}:
            for slot, at in self.kept.items():
                if slot.post in lost and slot.channel in self.order:
                    self.free.take(slot.channel, at)

    def spare_resumed(self) -> None:
        """Nobody is given the new time of a slot that was held, as long as the slot has the time it was moved from."""
        for slot, said in self.resumed.items():
            placed = self.places.placed.get(slot)
            was = placed.at if placed is not None else self.kept.get(slot)
            if said.at is not None and said.was == was and slot.channel in self.order:
                self.free.spare(slot.channel, said.at, said.was)

    def turn(self, one: Wish) -> tuple[int, datetime, str]:
        """Who chooses first: campaigns, then always-on posts, then series; then who wants to be early, then by id."""
        post = one.post.post
        first = self.window(one, self.content.timezone).earliest
        return 0 if post.campaign else 2 if post.series else 1, first or self.now, post.id

    def window(self, one: Wish, zone: str) -> Window:
        """When a slot may go out that has no time of its own: its own words, within the days of its campaign."""
        head, post = one.post.post.head, one.post.post
        starts, ends = [], []
        if head.not_before is not None:
            starts.append(absolute(head.not_before, zone) - _MINUTE)     # the very minute is inside
        if one.not_until is not None:
            starts.append(_midnight(one.not_until, zone) - _MINUTE)
        if head.not_after is not None:
            ends.append((absolute(head.not_after, zone), "its not_after"))
        campaign = self.places.permit.campaign(post.campaign)
        if campaign is not None and campaign.start is not None:
            starts.append(_midnight(campaign.start, zone, 0) - _MINUTE)
        if campaign is not None and campaign.end is not None and not self.places.permit.is_thanks(one.post):
            ends.append((_midnight(campaign.end, zone) - _MINUTE, "the end of its campaign"))
        latest, words = min(ends, default=(None, ""))
        return Window(max(starts, default=None), latest, words)

    def keep(self, one: "_Looking") -> bool:
        """Puts the slot where it was, when it is published or its time is given and may stay. Whether it did."""
        post, claim, week, window = one
        at = self.kept.get(claim.slot)
        if claim.slot in self.sent:
            at = at or self.sent[claim.slot]
            if at is not None:
                self.places.occupy(post, claim, at)
            return at is not None
        if at is None or (window.earliest is not None and at <= window.earliest):
            return False
        if at > self.now and (
            (window.latest is not None and at > window.latest) or not self.free.holds(week, at)
            or not self.free.fits(claim.channel.id, at, week.zone, asks=post.intent == "ask", given=True)
        ):
            return False
        self.places.occupy(post, claim, at)
        self.reserve(claim.slot)
        return True

    def place(self, post: Resolved, claim: Claim, week: Week, window: Window) -> None:
        """Puts the slot into a free time of `week`, or has it wait and says why."""
        channel = claim.channel
        if not week.times:
            what = "'slot: next'" if claim.day is None else "a day alone"
            self.places.problem("SCH008", post, field_of(post), claim,
                                f"{channel.id} has no slots, so {what} has no time there.",
                                "Give the post a time ('at: YYYY-MM-DD HH:MM'), or the channel slots: [\"tue 09:30\"].")
            self.places.wait(post, claim, f"{channel.id} has no slots")
            return
        asks = post.intent == "ask"
        earliest = self.now if window.earliest is None else max(self.now, window.earliest)
        at = self.free.find(week, earliest, asks=asks, latest=window.latest)
        if at is None and claim.day is not None and window.earliest is not None:     # a day that is gone keeps its time
            at = self.free.find(week, window.earliest, asks=asks, latest=window.latest)
        if at is not None:
            self.places.occupy(post, claim, at)
        elif window.latest is None:
            self.places.wait(post, claim, f"no free slot on {channel.id} in the next {HORIZON_DAYS} days")
        else:
            why = f"no slot of {channel.id} is free before {window.ends}"
            many = claim.slot.run != "1"
            self.places.problem(
                "SCH001", post, field_of(post), claim, f"{why[0].upper()}{why[1:]}.",
                "Nothing to do: this run is left out. A time ('at HH:MM') would place it." if many else
                "Give it a time of its own, or a later end.", Severity.warning if many else Severity.error)
            if claim.day is not None and not many:
                self.places.advise(week, window.latest, asks=asks)
            self.places.wait(post, claim, why)

    # --- series -----------------------------------------------------------------------------------------------------

    def place_turns(self, wishes: list[Wish]) -> None:
        """What takes turns: each time of the series' week goes to the member that was longest unseen."""
        of_series: dict[str, list[Wish]] = {}
        for one in wishes:
            of_series.setdefault(one.post.post.series or "", []).append(one)
        for series in self.rotations:
            members = []
            for one in of_series.get(series.folder, ()):
                channels = tuple((channel, self.frame.stagger(number), self.frame.zone(one.post, channel))
                                 for number, channel in enumerate(one.post.channels))
                if why := series.why or self.places.permit.why_held(one.post):
                    for channel, stagger, _ in channels:
                        self.places.wait(one.post, Claim(Slot(one.post.id, channel.id), channel, stagger), why)
                else:
                    members.append(Member(one.post, channels))
            for post, claim in rotate(series, members, self.free, self.kept, self.sent, self.now):
                assert claim.at is not None
                self.followers.slots_of[post.id].append(claim.slot)
                self.places.occupy(post, claim, claim.at)
            if series.problem is not None:
                self.places.problems.append(series.problem)


def _key(item: Item) -> tuple[datetime, str, str, str]:
    return item.at, item.slot.channel, item.slot.post, item.slot.run


def _midnight(day: date, zone: str, days: int = 1) -> datetime:
    """When the local day `days` after `day` begins."""
    near = min(max(day, _FIRST_DAY), _LAST_DAY)
    return instant(datetime.combine(near + timedelta(days=days), time()), zone).at
