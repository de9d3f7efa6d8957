"""Plan and ledger become what people read: one row a slot, and one slot's whole story."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.ledger import Entry, Kind, Slot, Standing, State
from schemas.place import Place
from schemas.plan import Item, Plan, Waiting
from schemas.report import Row

NEEDS_A_PERSON = frozenset({State.unknown, State.held})
NOT_PUBLISHED = frozenset({State.failed, State.missed})


def rows(plan: Plan, standings: Mapping[Slot, Standing], *, now: datetime) -> list[Row]:
    """Every slot of the plan and of the ledger, by time, then slot."""
    made = []
    for one in plan.everything():
        made.append(row(one, standings.get(one.slot), now=now))
    known = {item.slot for item in plan.items} | {waiting.slot for waiting in plan.waiting}
    for slot, standing in standings.items():
        if slot not in known and (standing.last or standing.reason):
            made.append(
                Row(
                    str(slot),
                    standing.state,
                    None,
                    standing.published_at,
                    _url(standing),
                    standing.reason or "its file is gone from the content",
                    None,
                    _next(standing, slot),
                )
            )
    return sorted(made, key=lambda r: (r.at is None, r.at, r.slot))


def row(one: Item | Waiting, standing: Standing | None, *, now: datetime) -> Row:
    """One slot of the plan, with what the ledger knows of it."""
    zone, file = one.zone, str(_said_in(one))
    if standing is not None and (standing.last or standing.reason) and standing.kind is not Kind.reopened:
        reason = standing.reason
        if standing.state is State.missed and isinstance(one, Item):
            reason = "it was later than its grace allows when the publisher looked; nothing is sent late by itself"
        if standing.retry_at is not None and standing.state is State.waiting:
            reason = f"{reason or 'not sent'}; the next try is at {standing.retry_at:%Y-%m-%d %H:%M:%S} UTC"
        return Row(
            str(one.slot),
            standing.state,
            one.at,
            standing.published_at,
            _url(standing),
            reason,
            file,
            _next(standing, one.slot),
            zone,
        )
    if isinstance(one, Waiting):
        return Row(str(one.slot), State.waiting, one.at, None, None, one.why, file, None, zone)
    if one.at + timedelta(seconds=one.grace_s) < now:
        return Row(
            str(one.slot),
            State.planned,
            one.at,
            None,
            None,
            "its time has passed and nothing was sent",
            file,
            "Start the publisher: it will be marked missed, never sent late. Give it a new time to send it.",
            zone,
        )
    return Row(str(one.slot), State.planned, one.at, None, None, None, file, None, zone)


def counts(made: Iterable[Row]) -> dict[str, int]:
    """How many rows there are in each state, in the order of the states; states without a row are left out."""
    found = [r.state for r in made]
    return {state.value: found.count(state) for state in State if state in found}


def story(
    slot: Slot, one: Item | Waiting | None, standing: Standing | None, entries: Iterable[Entry], *, now: datetime
) -> list[str]:
    """Everything known about one slot, in plain words, oldest first, times local to the post."""
    zone = one.zone if one is not None else "UTC"
    lines = []
    if one is not None:
        lines.append(
            f"{_said_in(one)} says so; it goes to {one.channel.id} "
            f"({one.channel.network}, {one.channel.handle or 'no handle'})."
        )
        lines.append(f"Due {when(one.at, zone)}." if one.at is not None else "It has no time yet.")
        if isinstance(one, Waiting):
            lines.append(f"It waits: {one.why}")
    else:
        lines.append("No file of the content has this slot now.")
    for entry in entries:
        lines.append(_told(entry, zone))
    if standing is not None and standing.last is not None:
        lines.append(f"State: {standing.state.value}.")
        if (todo := _next(standing, slot)) is not None:
            lines.append(f"Next: {todo}")
    elif isinstance(one, Item):
        lines.append("State: planned. Nothing was tried yet.")
        if one.at + timedelta(seconds=one.grace_s) < now:
            lines.append("Its time has passed: is the publisher running? (drumbeat up)")
    return lines


def when(moment: datetime, zone: str) -> str:
    """`Thu 2027-03-04 09:30 (Europe/Dublin)`, with the seconds when they are not zero."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a %Y-%m-%d %H:%M}{local.strftime(':%S') if local.second else ''} ({zone})"


def _said_in(one: Item | Waiting) -> Place:
    """The line of the post that gives its time; the top of the file when it gives none."""
    post = one.post.post
    return next((post.places[key] for key in ("at", "slot", "after", "every") if key in post.places), Place(post.file))


def _url(standing: Standing) -> str | None:
    return standing.urls[0] if standing.urls else None


def _next(standing: Standing, slot: Slot) -> str | None:
    match standing.state:
        case State.unknown:
            return f"Look at the account on {slot.channel}: is it there? Nothing is sent again until that is known."
        case State.held:
            return "A person decides; see the reason."
        case State.failed:
            if standing.parts:
                return f"{len(standing.parts)} of its parts are live already and stay; put up the rest by hand."
            return "Mend what the reason names, and commit the post with another text or time: then it is tried again."
        case State.missed:
            return "Give the post a new time if it should still go out."
        case _:
            return None


def _told(entry: Entry, zone: str) -> str:
    record, detail = entry.record, entry.record.detail
    at = when(record.at, zone)
    part = f" part {record.part + 1}" if record.part is not None else ""
    reason = f": {detail['reason']}" if detail.get("reason") else ""
    match record.kind:
        case Kind.claim:
            return f"{at}  taken by {record.worker}, pinned to commit {record.pin.commit[:10] if record.pin else '?'}"
        case Kind.sending:
            return f"{at}  sending{part}, try {record.attempt}"
        case Kind.sent:
            return f"{at} {part} is live: {detail.get('url') or detail.get('id')}"
        case Kind.published:
            return f"{at}  published: {', '.join(str(p.get('url') or p.get('id')) for p in detail.get('parts', []))}"
        case Kind.notsent:
            return f"{at} {part} was not sent{reason}"
        case Kind.unknown:
            return f"{at}  nobody knows whether{part} arrived{reason}"
        case _:
            return f"{at}  {record.kind.value}{part}{reason}"
