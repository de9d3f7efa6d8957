"""hold, resume: a person stops what goes out, and lets it go on again."""
import os
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, NamedTuple, get_args

import click

from flows.cli.options import PREFECT, REHEARSAL, archive_of, person, settings_of, shared, time_of
from flows.cli.telling import many, say, tell, tell_json
from flows.edges.clock import PretendClock
from flows.edges.holds import Holds
from flows.edges.ledger import Ledger, worker_id
from flows.edges.plans import last_good
from flows.edges.prefect_events import emit
from flows.edges.settings import Settings
from flows.edges.store import Store, ahead, open_store
from flows.observe import is_rehearsal, out_by_index, planned
from flows.planning.folding import fold
from flows.planning.pausing import NOTHING_PAUSED, Paused, how_to_end, settle, was_due
from flows.planning.preparing import Prepared
from flows.planning.reporting import when
from flows.planning.sealing import due_of
from schemas.campaign import Campaign
from schemas.errors import SettingsError, StoreError, UsageError
from schemas.hold import Hold, Late, Moved, Scope
from schemas.ledger import Slot, State
from schemas.plan import Item

_LONGEST_REASON = 500
_SHOWN = 10


def _what(function: Any) -> Any:
    """The options that say what is stopped."""
    for option in (
        click.option("--all", "everything", is_flag=True, help="Everything."),
        click.option("--campaign", metavar="ID", help="The posts of one campaign."),
        click.option("--channel", metavar="ID", help="One channel."),
        click.option("--by", metavar="NAME", required=True, help="Who says so. Kept in the archive."),
    ):
        function = option(function)
    return function


class _Desk(NamedTuple):
    """What both commands work on."""

    settings: Settings
    store: Store
    holds: Holds
    now: datetime
    rehearsal: bool
    scope: Scope
    name: str | None

    def plan(self, said: Paused = NOTHING_PAUSED) -> Prepared:
        """The plan in force, with the times that resumes gave in `said`; nothing in it is stopped."""
        return planned(self.settings, self.store, self.now, last_good(self.store), out_by_index(self.store),
                       rehearsal=self.rehearsal, said=said._replace(holds=()))


@click.command("hold", short_help="Stop what goes out: everything, a channel or a campaign.")
@_what
@click.option("--reason", metavar="TEXT", required=True, help="Why. Everybody who looks is told.")
@shared(archive=True)
def hold_command(
    everything: bool,
    campaign: str | None,
    channel: str | None,
    by: str,
    reason: str,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Stops sending, on every publisher of this archive, within two seconds: nothing begins that is not under way.

    What comes due meanwhile waits; 'drumbeat resume' asks what becomes of it.

    \b
    Example: drumbeat hold --all --by "Ilse" --reason "an injury at the bench"
    """
    by, reason = person(by, "stops it"), " ".join(reason.split())
    if not reason or len(reason) > _LONGEST_REASON:
        raise UsageError(f"--reason is 1 to {_LONGEST_REASON} characters.", "Say why: everybody who looks is told.")
    desk = _open(everything, campaign, channel, content, archive, now)
    _refuse_unknown(desk)
    made = desk.holds.add(Hold(number=0, kind="hold", scope=desk.scope, name=desk.name, by=by, reason=reason,
                               at=desk.now))
    if as_json:
        tell_json(made.model_dump(mode="json"))
    else:
        tell(f"Held: {made.what}: {reason.rstrip('.')}. {how_to_end(made)}.")
        say("What was under way already ends by itself; 'drumbeat status' shows what waits.")
    _announce("drumbeat.channel.paused", made, desk.settings)
    return 0


@click.command("resume", short_help="Let it go on, and say what becomes of what was due meanwhile.")
@_what
@click.option("--late", type=click.Choice(get_args(Late)),
              help="What was due meanwhile: send it now, leave it out (skip), or give it the next free times.")
@click.option("--reason", metavar="TEXT", default="", help="Why. Kept in the archive.")
@shared(archive=True)
def resume_command(
    everything: bool,
    campaign: str | None,
    channel: str | None,
    by: str,
    late: Late | None,
    reason: str,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Ends a hold. If something was due meanwhile, --late says what becomes of it; without --late nothing is resumed.

    Of the runs of a repeating post the last goes out; those before it are left out, as is what its not_after forbids.

    \b
    Example: drumbeat resume --all --by "Ilse" --late reschedule
    """
    by, reason = person(by, "lets it go on"), " ".join(reason.split())
    with _standing_clock(settings_of(content)):
        return _resume(_open(everything, campaign, channel, content, archive, now), by, reason, late, as_json)


def _resume(desk: _Desk, by: str, reason: str, late: Late | None, as_json: bool) -> int:
    said = desk.holds.now(within_s=0.0)
    ending = [one for one in said.holds if (one.scope, one.name) == (desk.scope, desk.name)]
    if not ending:
        raise UsageError(f"{_what_of(desk)} is not held.", _held_now(said.holds))
    prepared = desk.plan(said)
    plan = prepared.plan
    ledger = Ledger(desk.store, worker=worker_id("resume"), now=lambda: desk.now)
    out = {done.slot for done in ledger.terminal_slots() if done.state is State.published}
    due = was_due(plan, said, ending, out, now=desk.now)
    over = ahead(lambda item: _is_over(item, ledger), due)
    due = [item for item, is_over in zip(due, over, strict=True) if not is_over]
    if due and late is None:
        for line in _lines(due):
            say(line)
        raise UsageError(f"{many(len(due), 'slot')} came due while {_what_of(desk)} was held.",
                         "Say what becomes of them: --late send (now), --late skip (never), or --late reschedule (the "
                         "next free times).")
    slots = settle(late, due, plan, prepared.content, now=desk.now) if late is not None else {}
    made = desk.holds.add(Hold(number=0, kind="resume", scope=desk.scope, name=desk.name, by=by, reason=reason,
                               at=desk.now, late=late if due else None,
                               slots={str(slot): moved for slot, moved in slots.items()}))
    if as_json:
        tell_json(made.model_dump(mode="json"))
    else:
        tell(f"It goes on: {made.what}.")
        for line in _lines(due, slots):
            tell(line)
        for left in desk.holds.active():
            say(f"Still held: {left.what}, by {left.by}: {left.reason}")
    _announce("drumbeat.channel.resumed", made, desk.settings)
    return 0


def _standing_clock(settings: Settings) -> AbstractContextManager[None]:
    """A rehearsal's clock stands still meanwhile: it would be past the new times before a publisher hears of them."""
    file = settings.home / REHEARSAL / "clock.json"
    return PretendClock(file).stopped() if file.exists() else nullcontext()


def _open(everything: bool, campaign: str | None, channel: str | None, content: str | None, archive: str | None,
          now: datetime | None) -> _Desk:
    if [everything, campaign is not None, channel is not None].count(True) != 1:
        raise UsageError("Say what: --all, --channel ID or --campaign ID.",
                         "'drumbeat status' shows what is held already.")
    settings = settings_of(content)
    where = archive_of(settings, archive)
    store = open_store(where.url)
    rehearsal = where.rehearsal or is_rehearsal(store)
    if now is not None and not rehearsal:
        raise UsageError("--now is pretend time, and this archive is real.", "Leave it out.")
    at = time_of(settings, now, rehearsal=rehearsal)
    scope: Scope = "all" if everything else "channel" if channel is not None else "campaign"
    return _Desk(settings, store, Holds(store), at, rehearsal, scope, channel if channel is not None else campaign)


def _refuse_unknown(desk: _Desk) -> None:
    """A name with a slip of the pen would stop nothing. Where the content cannot be read, any name is taken."""
    if desk.scope == "all":
        return
    try:
        read = desk.plan().content
    except SettingsError:
        return
    known = [one.id for one in read.channels.channels] if desk.scope == "channel" else [
        entry.folder for entry in read.entries if isinstance(entry.value, Campaign)]
    if known and desk.name not in known:
        raise UsageError(f"There is no {desk.scope} {desk.name}.", f"There are: {', '.join(known)}.")


def _is_over(item: Item, ledger: Ledger) -> bool:
    """Whether it has an end, or is under way: nothing becomes of it any more. Another time opens an end again."""
    try:
        entries = ledger.read(item.slot)
        standing = fold(item.slot, entries)
    except StoreError:                                            # a damaged ledger: nothing is sent for it
        return True
    ended = standing.state in (State.failed, State.skipped, State.missed)
    return not standing.nothing_sent or (ended and due_of(entries) == item.at)


def _lines(due: list[Item], slots: dict[Slot, Moved] | None = None) -> Iterable[str]:
    for item in due[:_SHOWN]:
        moved = slots.get(item.slot) if slots is not None else None
        now = "" if moved is None else "  left out" if moved.at is None else f"  now {when(moved.at, item.zone)}"
        yield f"  {item.slot}  was due {when(item.at, item.zone)}{now}"
    if len(due) > _SHOWN:
        yield f"  and {len(due) - _SHOWN} more ('drumbeat status' shows all)"


def _what_of(desk: _Desk) -> str:
    return "everything" if desk.scope == "all" else f"the {desk.scope} {desk.name}"


def _held_now(holds: Iterable[Hold]) -> str:
    held = "; ".join(f"{one.what} (by {one.by})" for one in holds)
    return f"Held: {held}." if held else "Nothing is held."


def _announce(event: str, made: Hold, settings: Settings) -> None:
    """Prefect is told where there is one: that of PREFECT_API_URL, or that of `up` beside this content.

    Last of all: who stops something must not wait for a server that hangs to hear that it is stopped.
    """
    sys.stdout.flush()
    started = settings.home / PREFECT
    environment = dict(os.environ)
    if "PREFECT_API_URL" not in environment and started.exists():
        environment["PREFECT_API_URL"] = started.read_text(encoding="utf-8").strip()
    emit(event, {"prefect.resource.id": f"drumbeat.{made.scope}.{made.name or 'all'}",
                 "prefect.resource.name": made.what, "drumbeat.by": made.by},
         {"what": made.what, "by": made.by, "reason": made.reason}, environment=environment)
