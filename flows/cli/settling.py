"""resolve: a person says what became of a post that nobody else can know about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import click

import publishers
from flows.cli.options import archive_of, exists, person, settings_of, shared, time_of
from flows.cli.telling import say, tell, tell_json
from flows.cli.watching import meant
from flows.edges.ledger import Ledger, worker_id
from flows.edges.store import open_store
from flows.observe import is_rehearsal, planned
from flows.planning.deciding import by_evidence, may_send, wait_before_look_s
from flows.planning.folding import advance, fold
from flows.planning.sealing import ENDS, receipt_of
from publishers.base import Connection, Outgoing, Publisher
from schemas.content import Content
from schemas.errors import SettingsError, UsageError
from schemas.ledger import Entry, Kind, Lookup, PartReceipt, Pin, Repeat, Slot, Standing, State


@click.command("resolve", short_help="Say what became of a post that waits for a person.")
@click.argument("slot")
@click.option("--live", metavar="ADDRESS", help="It is there: its web address, or the network's own id.")
@click.option("--absent", is_flag=True, help="It is not there: it may be sent again.")
@click.option("--by", metavar="NAME", required=True, help="Who looked. Kept in the archive.")
@click.option("--reason", metavar="TEXT", default="", help="What you saw. Kept in the archive.")
@shared(archive=True)
def resolve_command(
    slot: str,
    live: str | None,
    absent: bool,
    by: str,
    reason: str,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Settles a slot that is held: you looked at the account, and say whether the post is there.

    \b
    Example: drumbeat resolve posts/sharpen-a-chisel@x#1 --absent --by "Wren" --reason "not on the timeline"
    """
    if (live is None) == (not absent):
        raise UsageError("say either --live ADDRESS or --absent.",
                         f"Look at the account first; 'drumbeat why {slot}' says where.")
    by, reason = person(by, "looked"), " ".join(reason.split())
    settings = settings_of(content)
    where = archive_of(settings, archive)
    if not exists(where.url):
        raise SettingsError(f"There is no archive at {where.url}.", "Name yours with --archive.")
    store = open_store(where.url)
    rehearsal = is_rehearsal(store)
    if now is not None and not rehearsal:
        raise UsageError("--now is pretend time, and this archive is real.", "Leave --now out.")
    now = time_of(settings, now, rehearsal=rehearsal)
    prepared = planned(settings, store, now, {})
    wanted = meant(slot, prepared)
    ledger = Ledger(store, worker=worker_id("resolve"), now=lambda: now)
    entries = list(ledger.read(wanted))
    standing = fold(wanted, entries)
    if standing.doubt and standing.kind is not Kind.held and _nobody_looks(prepared.content, ledger, standing, now):
        _append(ledger, wanted, entries, Kind.claim, {}, None, pin=standing.pin)
        why = f"the answer was lost, and its channel {wanted.channel} is gone: nobody can look by itself"
        _append(ledger, wanted, entries, Kind.held, {"reason": why, "class": "blind"}, standing.doubt.part)
        standing = fold(wanted, entries)
    _refuse_what_is_not_held(standing)
    assert standing.pin is not None
    assert standing.doubt is not None
    outgoing = Outgoing.model_validate_json(ledger.get_payload(standing.pin.payload))
    total, part = len(outgoing.parts), standing.doubt.part
    if by_evidence(standing, ledger.evidence(wanted), total=total) is not None:
        raise UsageError(f"{wanted} needs no decision any more: the answer itself has arrived, and the post is live.",
                         "To have it recorded: drumbeat reconcile")
    verdict: dict[str, Any] = {"verdict": "absent"}
    if live is not None:
        found = _receipt(outgoing, live, rehearsal=rehearsal)
        _refuse_what_is_another(ledger, standing, found, live)
        verdict = {"verdict": "live", "id": found.id} | ({"url": found.url} if found.url else {})
    verdict |= {"by": by} | ({"reason": reason} if reason else {})
    if not _append(ledger, wanted, entries, Kind.resolved, verdict, part):
        raise UsageError(f"something else was recorded for {wanted} just now.", f"Look again: drumbeat why {wanted}")
    standing = fold(wanted, entries)
    turn = may_send(standing, total=total, now=now, due=now, grace=timedelta(hours=1),
                    mine=True, claim_age_s=None, doubt_age_s=None, lookup=publishers.load(outgoing.network).lookup)
    if turn.step is not None:                                     # it was the last part: this is the receipt
        if not _append(ledger, wanted, entries, turn.step.kind, turn.step.detail, None):
            entries = list(ledger.read(wanted))                   # a publisher that runs was quicker
        standing = fold(wanted, entries)
        if standing.state in ENDS:
            ledger.mark_done(receipt_of(standing, entries))
    if as_json:
        tell_json({"slot": str(wanted), "state": standing.state.value, "url": next(iter(standing.urls), None)})
    else:
        tell(f"{wanted}  {standing.state.value if standing.state is State.published else verdict['verdict']}")
        say(_what_next(standing, entries, live is not None, total, now))
    return 0


def _append(ledger: Ledger, slot: Slot, entries: list[Entry], kind: Kind, detail: dict[str, Any],
            part: int | None, pin: Pin | None = None) -> bool:
    """Whether the record is ours; False: another one stands in its place."""
    entry = ledger.draft(slot, entries[-1], kind, part=part, detail=detail, pin=pin)
    advance(fold(slot, entries), entry)                           # what no reader would accept is never written
    if not ledger.write(slot, entry):
        return False
    entries.append(entry)
    return True


def _nobody_looks(content: Content, ledger: Ledger, standing: Standing, now: datetime) -> bool:
    """Whether a lost call is over, and no publisher can look at its account: the channel is not in the content."""
    doubt, slot = standing.doubt, standing.slot
    if doubt is None or any(channel.id == slot.channel for channel in content.channels.channels):
        return False
    age_s = min(ledger.age(slot, doubt.seq) or 0.0, (now - doubt.since).total_seconds())
    return age_s > wait_before_look_s(doubt, Lookup(Repeat.blind))


def _refuse_what_is_not_held(standing: Standing) -> None:
    slot = standing.slot
    if standing.last is None:
        raise UsageError(f"Nothing was ever tried for {slot}.",
                         "'drumbeat status --state held' lists what waits for you.")
    if standing.kind is Kind.held:
        return
    if standing.doubt:
        raise UsageError(f"{slot} is not held yet: the account is looked at first, when the lost call is over.",
                         "A running publisher does it by itself; if none runs: drumbeat reconcile")
    if standing.state is State.published:
        raise UsageError(f"{slot} is published: {', '.join(standing.urls)}", "There is nothing to decide.")
    raise UsageError(f"{slot} is {standing.state.value}; nobody has to say whether it is there.",
                     f"See 'drumbeat why {slot}'.")


def _refuse_what_is_another(ledger: Ledger, standing: Standing, found: PartReceipt, said: str) -> None:
    """Raises UsageError when `found` is a post that the archive knows already, however old."""
    slot = standing.slot
    if found.id in {one.id for one in standing.parts}:
        raise UsageError(f"{said} is another part of {slot}.", "Look for the part that is missing, not for this one.")
    ended = ledger.all_receipts()
    known = {part.id: other for other, receipt in ended.items() if other.channel == slot.channel
             for part in receipt.parts}
    for other, _ in ledger.open_slots(ended.keys()):
        if other.channel == slot.channel and other != slot:
            known |= {part.id: other for part in fold(other, ledger.read(other)).parts}
    if (owner := known.get(found.id)) is not None and owner != slot:
        raise UsageError(f"{said} is {owner}.", "Look for the post that is missing, not for this one.")


def _receipt(outgoing: Outgoing, address: str, *, rehearsal: bool) -> PartReceipt:
    """The receipt of what stands at `address`. Of a bare id a rehearsal knows no address."""
    told = urlsplit(address)
    twin = f"{told.scheme}://{told.netloc}/{outgoing.network}" if rehearsal and told.netloc else None
    publisher: Publisher = publishers.load(outgoing.network)(Connection(outgoing.account, address=twin))
    try:
        found = publisher.receipt_of(address)
    except ValueError as error:
        raise UsageError(f"--live {address}: {error}.", "Open the post in a browser and copy its address.") from None
    return found.model_copy(update={"url": None}) if rehearsal and twin is None else found


def _what_next(standing: Standing, entries: Sequence[Entry], live: bool, total: int, now: datetime) -> str:
    if standing.state is State.published:
        return "Its receipt is written."
    rest = total - len(standing.parts)
    if live:
        return f"The publisher sends {'the last part' if rest == 1 else f'the other {rest} parts'}."
    if standing.parts:
        return "The publisher sends it, and what comes after it in the thread."
    terms = next((e.record.detail for e in reversed(entries) if "due" in e.record.detail), {})
    if terms and now > datetime.fromisoformat(terms["due"]) + timedelta(seconds=float(terms.get("grace_s", 0.0))):
        return ("It is too late to send it by itself: it becomes missed. Give the post a new time and commit, if it "
                "should still go out.")
    return "The publisher sends it, unless it is too late by then."
