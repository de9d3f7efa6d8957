"""Plan and ledger become what people read: one row a slot, and what to do next. Stories: `narrating`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flows.planning.folding import MISSED
from schemas.ledger import Kind, Record, Slot, Standing, State, Withdrawal
from schemas.outage import Outage
from schemas.place import Place
from schemas.plan import Item, Plan, Waiting
from schemas.report import Row

NEEDS_A_PERSON = frozenset({State.unknown, State.held})
NOT_PUBLISHED = frozenset({State.failed, State.missed})
SOON = timedelta(minutes=2)
"""A running publisher has tried by then what is due."""
OVERDUE, UNDER_WAY = timedelta(minutes=15), timedelta(hours=1)
"""So long after its time nothing was sent; and a thread of which some parts are out tries again for a while."""
NOT_TRIED = ("Either no publisher runs (drumbeat up), or one runs and keeps it back: credentials, or the wrong "
             "account. What it prints says which.")


def rows(plan: Plan, standings: Mapping[Slot, Standing], *, now: datetime) -> list[Row]:
    """Every slot of the plan and of the ledger, by time, then slot."""
    made = []
    for one in plan.everything():
        made.append(row(one, standings.get(one.slot), now=now))
    known = {item.slot for item in plan.items} | {waiting.slot for waiting in plan.waiting}
    for slot, standing in standings.items():
        if slot not in known and (standing.last or standing.reason):
            made.append(row_of_ledger(slot, standing))
    return sorted(made, key=lambda r: (r.at is None, r.at, r.slot))


def row(one: Item | Waiting, standing: Standing | None, *, now: datetime) -> Row:
    """One slot of the plan, with what the ledger knows of it."""
    slot, zone, file = str(one.slot), one.zone, str(said_in(one))
    told = standing is not None and standing.state is State.waiting and standing.nothing_sent
    if isinstance(one, Waiting) and told:                         # the plan knows best why it waits now
        return Row(slot, State.waiting, one.at, None, None, one.why, file, None, zone)
    if standing is not None and (standing.last or standing.reason) and standing.kind is not Kind.reopened:
        grace_s = one.grace_s if isinstance(one, Item) else None
        reason, advice = _reason(standing, zone, grace_s), next_step(standing, one.slot, one.channel.network)
        return Row(slot, standing.state, one.at, standing.published_at, _url(standing), reason, file, advice, zone)
    if isinstance(one, Waiting):
        return Row(slot, State.waiting, one.at, None, None, one.why, file, None, zone)
    if one.at + timedelta(seconds=one.grace_s) < now:
        return Row(slot, State.planned, one.at, None, None, "its time has passed and nothing was sent", file,
                   "Start the publisher: it will be marked missed, never sent late. Give it a new time to send it.",
                   zone)
    if one.at + SOON < now:
        return Row(slot, State.planned, one.at, None, None, "it is due, and nothing was tried yet", file, NOT_TRIED,
                   zone)
    return Row(slot, State.planned, one.at, None, None, one.note or None, file, None, zone)


def row_of_ledger(slot: Slot, standing: Standing) -> Row:
    """One slot that the plan does not hold: what the ledger knows of it."""
    reason = _reason(standing, "UTC") or "its file is gone from the content"
    return Row(str(slot), standing.state, None, standing.published_at, _url(standing), reason, None,
               next_step(standing, slot))


def counts(made: Iterable[Row]) -> dict[str, int]:
    """How many rows there are in each state, in the order of the states; states without a row are left out."""
    found = [r.state for r in made]
    return {state.value: found.count(state) for state in State if state in found}


def when(moment: datetime, zone: str) -> str:
    """`Thu 2027-03-04 09:30 (Europe/Dublin)`, with the seconds when they are not zero."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a %Y-%m-%d %H:%M}{local.strftime(':%S') if local.second else ''} ({zone})"


def is_overdue(state: State, at: datetime | None, now: datetime) -> bool:
    """Whether a slot is due for long, has no end, and nothing holds it. What waits, is held or unknown tells by itself.

    What `audit` calls silent is something else: its grace is over, too, so it cannot go out any more, and should have
    been marked as missed, whatever it waited for.
    """
    allowed = {State.planned: OVERDUE, State.publishing: UNDER_WAY}.get(state)
    return allowed is not None and at is not None and now - at >= allowed


def cut_off(outage: Outage, in_force: str | None, zone: str) -> list[str]:
    """Since when and why pushes do not arrive; what to do; by which plan it goes on."""
    many, machines = len(outage.machines) > 1, _listed(outage.machines)
    said = [f"{machines} {'get' if many else 'gets'} nothing of what is pushed to {outage.branch} since "
            f"{when(outage.since, zone)}: {outage.why}", outage.remedy]
    if outage.behind:
        said.append(f"{_listed(outage.behind)} {'go' if len(outage.behind) > 1 else 'goes'} on by an older plan than "
                    f"that of commit {(in_force or '')[:10]}, which another publisher took meanwhile: see that it gets "
                    "it, or stop it; the others then send its posts a minute late.")
    elif in_force is not None:
        said.append(f"The plan of commit {in_force[:10]} stays in force.")
    return said


def arrives_again(outage: Outage, zone: str) -> str:
    """`pub-1 gets what is pushed to main again; it did not from … to …`"""
    many = len(outage.machines) > 1
    return (f"{_listed(outage.machines)} {'get' if many else 'gets'} what is pushed to {outage.branch} again; nothing "
            f"came from {when(outage.since, zone)} to {when(outage.at, zone)}.")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def said_in(one: Item | Waiting) -> Place:
    """The line of the post that gives its time; the top of the file when it gives none."""
    post = one.post.post
    return next((post.places[key] for key in ("at", "slot", "after", "every") if key in post.places), Place(post.file))


def _url(standing: Standing) -> str | None:
    return standing.urls[0] if standing.urls else None


def _reason(standing: Standing, zone: str, grace_s: float | None = None) -> str | None:
    """Why the slot is where it is, for a line of a table. `grace_s`: None where the plan does not say."""
    reason, record = standing.reason, standing.last.record if standing.last else None
    if standing.state is State.missed:
        kept = _kept_back_by(standing)
        return too_late(grace_s) + (f"; before that: {kept}" if kept else "")
    if standing.state is State.unknown:
        return f"nobody knows whether it arrived: {reason}" if reason else "nobody knows whether it arrived"
    if standing.state is State.waiting and standing.retry_at is not None:
        return f"{reason or 'not sent'}; the next try is at {when(standing.retry_at, zone)}"
    if standing.state is State.waiting and record is not None and record.kind is Kind.resolved:
        return f"{verdict(record, '')}; the publisher goes on with it"
    if standing.state is State.publishing and standing.parts:
        return f"{_parts(len(standing.parts))} live, the rest follows"
    return reason


def next_step(standing: Standing, slot: Slot, network: str | None = None) -> str | None:
    """What somebody should do about the slot; None: nothing. `network`: of its channel, where that is known."""
    match standing.state:
        case State.unknown:
            return ("Wait: some minutes after the call a running publisher looks at the account by itself, and so does "
                    "'drumbeat reconcile'. Nothing is sent before it is known.")
        case State.held:
            return "  ".join(for_a_person(standing, slot)) or None
        case State.failed:
            return _after_failure(standing, network)
        case State.missed:
            return "Give the post a new time and commit, if it should still go out."
        case State.waiting if _class(standing) == "unauthorized":
            rest = "the rest of the thread" if standing.parts else "it"
            return f"{_renew(slot.channel, network)}: {rest} goes out with the next try."
        case _:
            return None


def for_a_person(standing: Standing, slot: Slot) -> list[str]:
    """What to look at, then a command for each answer, to be pasted; empty for a ledger that cannot be read."""
    if standing.last is None or standing.pin is None:
        return []
    candidates = standing.last.record.detail.get("candidates") or ()
    found = [str(one.get("url") or one.get("id")) for one in candidates]
    it = f"part {len(standing.parts) + 1}" if standing.parts else "the post"
    by = '--by "YOUR NAME"'
    look = f"Look at {', '.join(found)}: which is {it}?" if found else (
        f"Look at the account {standing.pin.account} on {slot.channel}: is {it} there?")
    live = [f'This one: drumbeat resolve {slot} --live "{address}" {by}' for address in found] or [
        f"It is: drumbeat resolve {slot} --live ADDRESS {by}"]
    return [look, *live, f"{'None of them' if found else 'It is not'}: drumbeat resolve {slot} --absent {by}"]


def _class(standing: Standing) -> object:
    return standing.last.record.detail.get("class") if standing.last else None


def _after_failure(standing: Standing, network: str | None) -> str:
    kind = _class(standing)
    if standing.parts:
        count = len(standing.parts)
        return (f"{_parts(count)} live already and {'stays' if count == 1 else 'stay'}. Mend what the reason names, "
                "change the other parts or the time, and commit: the thread then goes on after what is live.")
    if kind == "unauthorized":
        return (f"{_renew(standing.slot.channel, network)}; then give the post a new time and commit: it is tried "
                "again.")
    if kind == "payment-required":
        return "Put the account's plan or credit right; then give the post a new time and commit: it is tried again."
    if kind == "rate-limited":
        return "Give the post a later time and commit: then it is tried again."
    return ("Mend what the reason names (renew a credential that was refused), then give the post another text or a "
            "new time and commit: it is tried again.")


def _renew(channel: str, network: str | None) -> str:
    """The command that asks for new credentials, on every network; some refuse what only their own pages can mend."""
    return (f"Renew the credentials of {channel} (drumbeat connect {network or 'NETWORK'} --channel {channel}), or do "
            "what the reason names")


def withdrawn(taken: Withdrawal) -> str:
    """Who took a post back, when and why, and what of it is left."""
    reason = f": {taken.reason}" if taken.reason else ""
    left = f"; {_parts(len(taken.left))} still there ({taken.why})" if taken.left else ""
    return f"withdrawn by {taken.by} on {taken.at:%Y-%m-%d %H:%M} UTC{reason}{left}"


def _parts(count: int) -> str:
    return "1 part is" if count == 1 else f"{count} parts are"


def verdict(record: Record, part: str) -> str:
    """`Wren says that it is live: URL`."""
    detail = record.detail
    it = part or "it"
    said = f"{it} is live: {detail.get('url') or detail.get('id')}" if detail.get("verdict") == "live" else (
        f"{it} is not there")
    return f"{detail.get('by', 'somebody')} says that {said}"


def _kept_back_by(standing: Standing) -> str | None:
    """What had kept a slot until it was missed: from its ledger, or from its receipt."""
    told = standing.last.record.detail.get("last_reason") if standing.last else None
    said = told or standing.reason
    return said if isinstance(said, str) and said != MISSED else None


def too_late(grace_s: object) -> str:
    hours = f"more than {grace_s / 3600:g} h" if isinstance(grace_s, int | float) else "too far"
    return f"it was {hours} past its time before it could go out; nothing is sent late by itself"
