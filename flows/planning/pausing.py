"""What people have stopped, from their holds and resumes; and what becomes of what was due meanwhile. Pure."""
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from flows.planning.filling import Free
from flows.planning.placing import without_time
from flows.planning.reporting import when
from schemas.content import Content
from schemas.hold import Hold, Late, Moved
from schemas.ledger import Slot
from schemas.plan import Item, Plan, Waiting

_STEP = timedelta(minutes=5)
_LOOK_AHEAD = timedelta(days=366)


class Ended(NamedTuple):
    """A hold that is over, and the record that ended it: who said so, when, and why."""

    hold: Hold
    resume: Hold


class Paused(NamedTuple):
    """What is stopped now, the oldest first; what resumes made of single slots; and earlier holds, by their ends."""

    holds: tuple[Hold, ...] = ()
    moved: Mapping[Slot, Moved] = {}
    ended: tuple[Ended, ...] = ()

    def by(self, channel: str, campaign: str | None) -> Hold | None:
        """The hold that stops a slot of this channel and campaign; None: none does."""
        return next((one for one in self.holds if covers(one, channel, campaign)), None)

    def time(self, slot: Slot, at: datetime) -> datetime | None:
        """When a slot goes out that the plan has at `at`; None: it is left out."""
        said = self.moved.get(slot)
        return at if said is None or said.was != at else said.at


NOTHING_PAUSED = Paused()
LEFT_OUT = "it was due while it was held, and was left out when that was resumed"


def paused(records: Iterable[Hold]) -> Paused:
    """What all records together say, in whatever order they come; a slot moved twice is where it was moved last."""
    holds, moved, ended = list[Hold](), dict[Slot, Moved](), list[Ended]()
    for record in sorted(records, key=lambda one: one.number):
        if record.kind == "hold":
            holds.append(record)
            continue
        ended += [Ended(one, record) for one in holds if (one.scope, one.name) == (record.scope, record.name)]
        holds = [one for one in holds if (one.scope, one.name) != (record.scope, record.name)]
        for slot, said in record.slots.items():
            earlier = moved.get(Slot.parse(slot))
            was = earlier.was if earlier is not None and earlier.at == said.was else said.was
            moved[Slot.parse(slot)] = Moved(was=was, at=said.at)
    return Paused(tuple(holds), moved, tuple(ended))


def covers(hold: Hold, channel: str, campaign: str | None) -> bool:
    """Whether the hold stops a slot of this channel and campaign."""
    return hold.scope == "all" or hold.name == (channel if hold.scope == "channel" else campaign)


def why(hold: Hold, zone: str) -> str:
    """`Ilse holds everything since Thu 2027-03-04 09:30 (Europe/Dublin): the shop burns; …`."""
    return f"{hold.by} holds {hold.what} since {when(hold.at, zone)}: {hold.reason.rstrip('.')}. {how_to_end(hold)}"


def how_to_end(hold: Hold) -> str:
    """The command that lets it go on."""
    scope = "--all" if hold.scope == "all" else f"--{hold.scope} {hold.name}"
    return f"'drumbeat resume {scope} --by NAME' lets it go on"


def with_holds(plan: Plan, said: Paused, *, over: Collection[Slot] = ()) -> Plan:
    """`plan` as people and resumes have changed it: what is stopped waits, what was moved has its new time.

    `over`: slots that have ended, or are under way; they stay as they are.
    """
    if not said.holds and not said.moved:
        return plan
    items, waiting = list[Item](), list(plan.waiting)
    for item in plan.items:
        at = said.time(item.slot, item.at) if item.slot in said.moved else item.at
        hold = said.by(item.channel.id, item.post.post.campaign) if item.slot not in over else None
        if item.slot in over or (hold is None and at == item.at):
            items.append(item if at is None else item._replace(at=at))
        elif at is None:
            waiting.append(_waiting(item, LEFT_OUT))
        elif hold is not None:
            waiting.append(_waiting(item._replace(at=at), why(hold, item.zone)))
        else:
            note = f"moved from {when(item.at, item.zone)} when it was resumed"
            items.append(item._replace(at=at, note="; ".join(filter(None, (without_time(item.note), note)))))
    return plan._replace(items=tuple(sorted(items, key=lambda item: item.key)), waiting=tuple(waiting))


def _waiting(item: Item, reason: str) -> Waiting:
    return Waiting(item.slot, item.post, item.channel, reason, item.zone, item.at, item.found, item.turn)


def was_due(plan: Plan, said: Paused, ending: Iterable[Hold], over: Collection[Slot], *, now: datetime) -> list[Item]:
    """What came due while these holds, or others right before them, were in force and is stopped by no other, in its
    order."""
    ending = list(ending)
    others = said._replace(holds=tuple(one for one in said.holds if one not in ending))
    return [item._replace(at=at) for item in plan.items if item.slot not in over
            and (at := said.time(item.slot, item.at)) is not None and at <= now
            and (since := _stopped_since(item, said, ending)) is not None
            and since <= at + timedelta(seconds=item.grace_s)
            and others.by(item.channel.id, item.post.post.campaign) is None]


def _stopped_since(item: Item, said: Paused, ending: Iterable[Hold]) -> datetime | None:
    """Since when the item has been stopped without a break, by whichever hold; None: these do not stop it."""
    channel, campaign = item.channel.id, item.post.post.campaign
    since = min((one.at for one in ending if covers(one, channel, campaign)), default=None)
    for one in sorted(said.ended, key=lambda one: one.resume.at, reverse=True):
        if since is not None and one.resume.at >= since and covers(one.hold, channel, campaign):
            since = min(since, one.hold.at)
    return since


def settle(late: Late, due: list[Item], plan: Plan, content: Content, *, now: datetime) -> dict[Slot, Moved]:
    """What becomes of each slot that was due: `send` now, `skip`, or `reschedule` to the next times that are free.

    A new time keeps the channel's distances (`min_gap`, `max_per_day`), its quiet hours and the blackouts, and leaves
    alone what was found for posts that wait. Left out is whatever its `not_after` forbids by then, and of the runs of
    a post all but the last: readers want it once.
    """
    last = {(item.slot.post, item.channel.id): item.slot for item in due}
    goes = [item for item in due if late != "skip" and last[item.slot.post, item.channel.id] == item.slot
            and (item.not_after is None or now <= item.not_after)]
    times: dict[Slot, datetime] = dict.fromkeys((item.slot for item in goes), now)
    if late == "reschedule":
        moving = {item.slot for item in due}
        others = [(one.channel.id, one.at) for one in plan.everything() if one.slot not in moving
                  and one.at is not None and (isinstance(one, Item) or one.found)]
        times = dict(_new_times(goes, others, content, now))
    return {item.slot: Moved(was=item.at, at=times.get(item.slot)) for item in due}


def _new_times(due: list[Item], others: Iterable[tuple[str, datetime]], content: Content, now: datetime,
               ) -> Iterator[tuple[Slot, datetime]]:
    """The next free time of each; of some there is none. `others`: what is taken, by channel."""
    zones = {channel.id: channel.timezone or content.timezone for channel in content.channels.channels}
    calendar = content.entry("blackouts")
    taken: dict[str, list[int]] = {}
    for of, at in others:
        taken.setdefault(of, []).append(int(at.timestamp()))
    free = Free(content.channels, zones, calendar.blackouts if calendar is not None else (),
                {channel: sorted(times) for channel, times in taken.items()})
    first = (now + timedelta(seconds=59)).replace(second=0, microsecond=0)
    reached: dict[str, datetime] = {}
    for item in due:
        channel, at = item.channel.id, reached.get(item.channel.id, first)
        asks, end = item.post.intent == "ask", min(now + _LOOK_AHEAD, item.not_after or now + _LOOK_AHEAD)
        while at <= end and not free.fits(channel, at, zones[channel], asks=asks):
            at += _STEP if free.is_quiet(channel, at) else timedelta(minutes=1)
        if at <= end:
            free.take(channel, at)
            reached[channel] = at
            yield item.slot, at
