"""publish: one shift, or what is due now, without a Prefect server; reconcile: a shift that only looks."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from flows.cli.options import REHEARSAL, archive_of, exists, settings_of, shared
from flows.cli.outcomes import exit_code, next_lines, outcome_table
from flows.cli.telling import When, hide, keep_a_log, many, say, tell, tell_json
from flows.connect import Connector
from flows.edges.children import when_parent_ends
from flows.edges.clock import Clock, FixedClock, PretendClock, RealClock
from flows.edges.ledger import Ledger, worker_id
from flows.edges.settings import Settings
from flows.edges.sharing import public_at, shared_at
from flows.edges.store import open_store
from flows.edges.trials import Kept
from flows.know import Knower
from flows.observe import is_rehearsal
from flows.planning.pacing import MOST_PER_HOUR
from flows.pull import repository_of, source_of
from flows.send import SHIFT, Shift
from flows.tell import Told
from schemas.errors import SettingsError, UsageError
from schemas.ledger import Slot, State
from schemas.report import Note, Row
from schemas.shard import Shard

_LATER = "A running publisher goes on by itself; if none runs, later again: drumbeat reconcile"


@click.command("publish", short_help="Send what is due, for an hour or once; needs no Prefect server.")
@click.option("--once", is_flag=True, help="Send what is due now, then end.")
@click.option("--slot", help="Only this slot, if it is due.")
@click.option("--until", type=When(), help="Stop at this time (UTC; default: in an hour).")
@click.option("--shard", metavar="K/N", help="The K-th of N publishers: others' accounts a minute late.")
@click.option("--rehearse", is_flag=True, help="Start rehearsal networks and send to them.")
@click.option("--rehearse-at", metavar="URL", envvar="DRUMBEAT_REHEARSE_AT",
              help="Send to rehearsal networks that run already (drumbeat rehearsal).")
@click.option("--clock-file", type=click.Path(path_type=Path), hidden=True)
@click.option("--lines", is_flag=True, hidden=True)
@shared(archive=True)
def publish_command(
    once: bool,
    slot: str | None,
    until: datetime | None,
    shard: str | None,
    rehearse: bool,
    rehearse_at: str | None,
    clock_file: Path | None,
    lines: bool,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Sends what is due of the committed content; without --once it goes on for an hour.

    \b
    Example: drumbeat publish --once --rehearse --now "2026-11-05 12:30"
    """
    if now is not None and not once:
        raise UsageError("--now stands still, so a shift by it would never end.", "Add --once.")
    rows, unable = play(
        settings_of(content), slot=slot, until=until, once=once, rehearse=rehearse, rehearse_at=rehearse_at,
        archive=archive, clock=_clock(now, clock_file, rehearsing=rehearse or rehearse_at is not None), lines=lines,
        shard=_shard(shard),
    )
    if as_json:
        tell_json({"outcomes": [{k: row.as_dict()[k] for k in ("slot", "state", "url", "reason")} for row in rows]})
    elif not lines:
        for line in outcome_table(rows):
            tell(line)
        for line in next_lines(rows):
            say(line)
    return exit_code(rows, unable=unable)


@click.command("reconcile", short_help="Look up what became of posts whose answer was lost.")
@click.option("--slot", help="Only this slot.")
@click.option("--rehearse", is_flag=True, help="Start rehearsal networks and look there.")
@click.option("--rehearse-at", metavar="URL", envvar="DRUMBEAT_REHEARSE_AT",
              help="Look at rehearsal networks that run already.")
@click.option("--lines", is_flag=True, hidden=True)
@shared(archive=True)
def reconcile_command(
    slot: str | None,
    rehearse: bool,
    rehearse_at: str | None,
    lines: bool,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Looks at the account for every post whose answer was lost, and says what is settled; it sends nothing.

    A running publisher does the same by itself. What nobody can know waits for you: see 'drumbeat resolve'.
    Exit codes: 5 something waits for you or is still unknown, 3 a setting or credential is missing.

    \b
    Example: drumbeat reconcile --rehearse
    """
    settings = settings_of(content)
    rehearsing = rehearse or rehearse_at is not None
    where = archive_of(settings, archive, rehearse=rehearsing or None)
    if not exists(where.url):
        if as_json:
            tell_json({"outcomes": []})
        say(f"Nothing is in doubt: {where.url} is not there yet.")
        return 0
    if not rehearsing and is_rehearsal(open_store(where.url)):    # so that what 'why' prints can be pasted
        rehearse = rehearsing = True
    if now is None and rehearsing:
        now = rehearsed_time(settings)
    rows, unable = play(
        settings, slot=slot, once=True, rehearse=rehearse, rehearse_at=rehearse_at, archive=where.url,
        clock=_clock(now, None, rehearsing=rehearsing), lines=lines, settle_only=True,
    )
    rows = [row._replace(next=_LATER) if row.state is State.unknown else row for row in rows]
    if as_json:
        tell_json({"outcomes": [{k: row.as_dict()[k] for k in ("slot", "state", "url", "reason", "next")}
                                for row in rows]})
    elif not lines:
        for line in outcome_table(rows):
            tell(line)
        for line in next_lines(rows):
            say(line)
        if not rows:
            say("Nothing is in doubt." if slot is None else f"{slot} is not in doubt.")
    return exit_code(rows, unable=unable)


def rehearsed_time(settings: Settings) -> datetime | None:
    """Where the clock of the rehearsal stands; None: it was never started."""
    clock = settings.home / REHEARSAL / "clock.json"
    return PretendClock(clock).now() if clock.exists() else None


def play(
    settings: Settings,
    *,
    slot: str | None,
    once: bool,
    rehearse: bool,
    rehearse_at: str | None,
    archive: str | None,
    clock: Clock,
    lines: bool,
    until: datetime | None = None,
    settle_only: bool = False,
    shard: Shard | None = None,
) -> tuple[list[Row], bool]:
    """Runs one shift. What became of each slot in the end, and whether settings or the archive kept one back."""
    only = _slot(slot)
    if rehearse_at is not None:
        _refuse_the_world(rehearse_at, rehearse=rehearse)
    url = archive_of(settings, archive, rehearse=rehearse or rehearse_at is not None).url
    keep_a_log()
    with _networks(settings, clock) if rehearse else nullcontext(rehearse_at) as address:
        done: list[Told] = []
        told, noted = (_line, _note_line) if lines else (done.append, lambda _: None)     # else the log has it
        shift = shift_of(settings, url, clock, address, told, only, settle_only=settle_only, shard=shard, note=noted)
        for name in (signal.SIGTERM, signal.SIGINT):  # in a thread: the one it interrupts may hold the lock
            signal.signal(name, lambda *_: threading.Thread(target=shift.stop).start())
        if lines:
            when_parent_ends(shift.stop)
        shift.run(clock.now() if once else until or clock.now() + SHIFT)
    if once and not settle_only and not done and not lines:
        _tell_what_waits(shift.agenda.held_back(clock.now()))
    last = {one.row.slot: one for one in done}                    # what became of each, in the end
    return [one.row for one in last.values()], any(one.unable for one in last.values())


def _tell_what_waits(held_back: list[tuple[Slot, str]]) -> None:
    """What was due and may not go out: else "nothing is due" were not the whole truth."""
    if not held_back:
        say("Nothing is due.")
    else:
        slot, why = held_back[0]
        more = f" and {many(len(held_back) - 1, 'slot')} more" if len(held_back) > 1 else ""
        say(f"{slot}{more} was due and waits: {why}")
        say("'drumbeat status --state waiting' shows what waits; only what is committed counts.")


def _refuse_the_world(rehearse_at: str, *, rehearse: bool) -> None:
    """A rehearsal never leaves this computer."""
    if rehearse:
        raise UsageError("--rehearse starts networks, --rehearse-at uses running ones.", "Leave one of them out.")
    told = urlsplit(rehearse_at)
    if told.scheme != "http" or told.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError(f"--rehearse-at {rehearse_at}: this is not on this computer.",
                         "Write the address that 'drumbeat rehearsal' prints, like http://127.0.0.1:4280.")


def _clock(now: datetime | None, clock_file: Path | None, *, rehearsing: bool) -> Clock:
    if now is not None and not rehearsing:
        raise UsageError(
            "--now is pretend time, and real networks know only the real one.", "Add --rehearse, or leave --now out."
        )
    return PretendClock(clock_file) if clock_file else FixedClock(now) if now else RealClock()


def shift_of(
    settings: Settings,
    archive: str,
    clock: Clock,
    rehearse_at: str | None,
    tell: Callable[[Told], None],
    only: Slot | None = None,
    *,
    settle_only: bool = False,
    shard: Shard | None = None,
    note: Callable[[Note], None] = lambda _: None,
) -> Shift:
    """A shift over the committed content. Raises SettingsError when repository or archive cannot be used."""
    repository = repository_of(settings)
    if not exists(archive):
        say(f"{archive} is a new archive: nothing counts as published in it yet.")
    store = open_store(archive)
    _refuse_the_wrong_archive(store, rehearse_at is not None)
    ledger = Ledger(store, worker=worker_id(), now=clock.now)
    connector = Connector(settings, clock, store, rehearse_at, hide=hide)
    known = Knower(repository, home=settings.home, rehearsal=rehearse_at is not None)
    return Shift(
        repository,
        store,
        ledger,
        clock,
        connect=connector.connect,
        renew=connector.renew,
        tell=tell,
        only=only,
        settle_only=settle_only,
        most_per_hour=settings.most_per_hour or MOST_PER_HOUR,
        home=settings.home / ".drumbeat/cache",
        trials=None if rehearse_at is not None else Kept(settings.home),
        source=source_of(settings, repository, store, clock.now),
        shard=shard,
        note=note,
        know=lambda content, commit, whole: known.at(content, commit, whole=whole),
        share=shared_at(rehearse_at) if rehearse_at else public_at(settings.media_url) if settings.media_url else None,
    )


def _refuse_the_wrong_archive(store: Any, rehearsal: bool) -> None:
    """A rehearsal's receipts never stand in an archive of real ones, nor the other way round."""
    kind = b"rehearsal\n" if rehearsal else b"real\n"
    if not store.create("v1/kind", kind):
        other = (store.get("v1/kind") or b"").decode().strip()
        raise SettingsError(
            f"{store.address} holds {other} receipts; this would be {'a rehearsal' if rehearsal else 'real'}.",
            "Name another archive with --archive.",
        )


def _networks(settings: Settings, clock: Clock) -> Any:
    """Rehearsal networks for as long as the command runs; what they hold is kept beside the rehearsal's archive."""
    from flows.cli.rehearsing import rehearsal_networks

    return rehearsal_networks(settings.home / REHEARSAL / "networks", clock)


def _slot(text: str | None) -> Slot | None:
    if text is None:
        return None
    try:
        return Slot.parse(text)
    except ValueError as error:
        raise UsageError(f"--slot: {error}.", "'drumbeat plan --json' lists all slots.") from None


def _shard(text: str | None) -> Shard | None:
    try:
        return Shard.parse(text) if text is not None else None
    except ValueError as error:
        raise UsageError(f"--shard: {error}.", "Leave it out where one publisher sends everything.") from None


def _line(told: Told) -> None:
    """One outcome as one line of JSON, for the process that started this one."""
    _write({**told.row.as_dict(), "zone": told.row.zone, "network": told.network, "channel": told.channel,
            "campaign": told.campaign, "unable": told.unable})


def _note_line(note: Note) -> None:
    """The same for what is about no slot."""
    _write(note.as_dict())


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
