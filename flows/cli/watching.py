"""status, why, archive: what an operator asks. They start without Prefect and send nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime

import click

from flows.check import check, check_commit
from flows.cli.options import Archive, archive_of, exists, settings_of, shared, time_of
from flows.cli.outcomes import outcome_table
from flows.cli.telling import When, say, tell, tell_json
from flows.edges.ledger import Ledger, verify
from flows.edges.plans import last_good
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import Store, open_store
from flows.planning.folding import fold
from flows.planning.preparing import Prepared
from flows.planning.reporting import counts, row, rows, story
from schemas.errors import ContentError, SettingsError, StoreError, UsageError
from schemas.ledger import Slot, Standing, State
from schemas.report import Row


def reader(store: Store) -> Ledger:
    """A ledger for looking only."""
    return Ledger(store, worker="reader", now=lambda: datetime.now(UTC))


def standings_of(store: Store) -> dict[Slot, Standing]:
    """Where every slot of the archive stands."""
    ledger = reader(store)
    found = {}
    for slot in ledger.all_slots():
        try:
            found[slot] = fold(slot, ledger.read(slot))
        except StoreError as error:                               # said for this slot; the others are shown as they are
            found[slot] = Standing(slot, state=State.held, reason=f"{error.what}; {error.remedy}")
    return found


def rows_of(settings: Settings, archive: str, *, now: datetime) -> list[Row]:
    """Every slot of the committed plan and of the archive."""
    store = open_store(archive) if exists(archive) else None
    prepared = _committed(settings, now, last_good(store) if store else {})
    return rows(prepared.plan, standings_of(store) if store else {}, now=now)


@click.command("status", short_help="What went out, what did not, why, and what to do.")
@click.option("--since", type=When(), help="Only slots due since then (UTC).")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only slots in this state.")
@shared(archive=True)
def status_command(
    since: datetime | None,
    state: str | None,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Every slot with its state: what went out, what did not, why, and what to do next.

    \b
    Example: drumbeat status --state published
    """
    settings = settings_of(content)
    where = archive_of(settings, archive)
    made = [
        r
        for r in rows_of(settings, where.url, now=time_of(settings, now, rehearsal=where.rehearsal))
        if (state is None or r.state == state) and (since is None or (r.at is not None and r.at >= since))
    ]
    if as_json:
        tell_json({"slots": [r.as_dict() for r in made], "counts": counts(made)})
        return 0
    for line in outcome_table(made):
        tell(line)
    for r in made:
        if r.next is not None:
            say(f"next for {r.slot}: {r.next}")
    say(", ".join(f"{number} {name}" for name, number in counts(made).items()) + "." if made else "No slots.")
    return 0


@click.command("why", short_help="One slot's whole story.")
@click.argument("slot")
@shared(archive=True)
def why_command(slot: str, content: str | None, archive: str | None, now: datetime | None, as_json: bool) -> int:
    """Everything known about one slot: its file and line, its time, every attempt, the network's answers.

    \b
    Example: drumbeat why posts/sharpen-a-chisel@mastodon#1
    """
    settings = settings_of(content)
    where = archive_of(settings, archive)
    at = time_of(settings, now, rehearsal=where.rehearsal)
    store = open_store(where.url) if exists(where.url) else None
    prepared = _committed(settings, at, last_good(store) if store else {})
    wanted = _meant(slot, prepared)
    one = next((o for o in prepared.plan.everything() if o.slot == wanted), None)
    entries = reader(store).read(wanted) if store else ()
    standing = fold(wanted, entries) if entries else None
    if one is None and standing is None:
        raise UsageError(f"No file and no record has a slot {wanted}.", "'drumbeat status' lists all of them.")
    if as_json:
        made = (
            row(one, standing, now=at).as_dict()
            if one
            else {"slot": str(wanted), "state": standing.state.value if standing else None}
        )
        tell_json({**made, "records": [entry.record.model_dump(mode="json") for entry in entries]})
        return 0
    tell(str(wanted))
    for line in story(wanted, one, standing, entries, now=at):
        tell(f"  {line}")
    return 0


@click.group("archive", short_help="The archive: verify it.")
def archive_command() -> None:
    """The archive of what happened.

    \b
    Example: drumbeat archive verify
    """


@archive_command.command("verify")
@shared(archive=True, now=False)
def verify_command(content: str | None, archive: str | None, as_json: bool) -> int:
    """Checks every chain of records, every payload and every media file of the archive.

    \b
    Example: drumbeat archive verify
    """
    settings = settings_of(content)
    where: Archive = archive_of(settings, archive)
    if not exists(where.url):
        raise SettingsError(
            f"There is no archive at {where.url}.", "It is made by the first publishing; or name yours with --archive."
        )
    done = verify(open_store(where.url))
    if as_json:
        tell_json(
            {
                "ok": not done.findings,
                "findings": [f._asdict() for f in done.findings],
                "slots": done.slots,
                "records": done.records,
                "objects": done.objects,
            }
        )
    else:
        for finding in done.findings:
            tell(f"{finding.key}: {finding.what}")
            tell(f"  remedy: {finding.remedy}")
        say(
            f"{where.url}: {done.slots} slots, {done.records} records, {done.objects} payloads and files: "
            f"{'every chain holds' if not done.findings else f'{len(done.findings)} findings'}."
        )
    return 3 if done.findings else 0


def _committed(settings: Settings, now: datetime, kept: Mapping[Slot, datetime]) -> Prepared:
    """The plan of HEAD; outside a repository, of the working tree."""
    try:
        repository = Repository(settings.content)
        return check_commit(repository, repository.head(), now=now, kept=kept)
    except (SettingsError, ContentError):
        return check(settings.content, now=now, kept=kept)


def _meant(name: str, prepared: Prepared) -> Slot:
    """The slot that `name` is, or the only one of the post it names."""
    try:
        return Slot.parse(name)
    except ValueError as error:
        slots = [o.slot for o in prepared.plan.everything()]
        post, _, channel = name.partition("@")
        near = [
            str(s)
            for s in slots
            if post in (s.post, s.post.rsplit("/", 1)[-1]) and channel.split("#")[0] in ("", s.channel)
        ]
        if len(near) == 1:
            return Slot.parse(near[0])
        raise UsageError(
            f"{error}.",
            f"Did you mean one of these? {', '.join(near)}" if near else "'drumbeat status' lists all slots.",
        ) from None
