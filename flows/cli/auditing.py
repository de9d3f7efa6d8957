"""audit, archive: whether what is kept still holds. They start without Prefect and send nothing."""

from collections.abc import Iterable
from datetime import datetime

import click

from flows.cli.options import archive_of, exists, settings_of, shared, time_of
from flows.cli.telling import many, say, tell, tell_json
from flows.cli.watching import cost_option
from flows.edges.holds import Holds
from flows.edges.ledger import Finding, Verified, verify
from flows.edges.plans import last_good
from flows.edges.store import Counted, checked_prefix, open_store
from flows.observe import is_rehearsal, planned
from flows.prove import Mended, Proof, mend, prove
from schemas.errors import SettingsError, StoreError, UsageError
from schemas.ledger import State


@click.command("audit", short_help="Whether all that was due has an end, and the archive holds.")
@click.option("--only-look", is_flag=True, help="Write nothing: no index lines, no closed months.")
@cost_option
@shared(archive=True)
def audit_command(
    only_look: bool,
    cost: bool,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Verifies the archive, and that every post past its time went out, failed, was missed, or is held for a person.

    Then it puts back what the index of the archive lacks, and closes months that are over. Run it once a day.
    Exit codes: 3 the archive is damaged, 5 a person is needed, 4 something is overdue without an end.

    \b
    Example: drumbeat audit --now "2026-11-05 14:00"
    """
    settings = settings_of(content)
    where = archive_of(settings, archive)
    at = time_of(settings, now, rehearsal=where.rehearsal)
    store = Counted(open_store(where.url))  # looking makes no folder
    if not only_look:
        _refuse_to_write_by_pretend_time(store, now)
    verified = verify(store)
    out = {slot: seen.receipt.at for slot, seen in verified.seen.items()
           if seen.receipt is not None and seen.receipt.state is State.published}
    prepared = planned(settings, store if exists(where.url) else None, at, last_good(store), out,
                       rehearsal=where.rehearsal or is_rehearsal(store), said=Holds(store).now())
    proof = prove(verified, prepared.plan, now=at)
    mended = Mended(0, ()) if only_look or not exists(where.url) else mend(store, proof.verified, now=at)
    if as_json:
        tell_json({**_as_json(proof), "lines_written": mended.lines, "months_closed": list(mended.manifests)})
    else:
        _tell_findings(proof.findings)
        for slot in proof.waits:
            say(f"{slot} waits for a person: drumbeat why {slot}")
        say(f"{where.url}: {_said_of(proof.verified)}." if exists(where.url) else f"{where.url}: no archive yet.")
        say(f"{many(len(proof.silent), 'slot')} overdue without an end.")
        if mended.lines or mended.manifests:
            say(f"Put back {many(mended.lines, 'line')} of the index; closed {many(len(mended.manifests), 'month')}.")
    if mended.why is not None:
        say(f"The index was not mended: {mended.why}")
    if cost:
        say(str(store))
    return _exit_code(proof)


def _refuse_to_write_by_pretend_time(store: Counted, now: datetime | None) -> None:
    if now is not None and store.get("v1/kind") == b"real\n":
        raise UsageError("--now is pretend time, and months of a real archive would be closed by it.",
                         "Leave --now out; 'drumbeat audit --only-look' writes nothing.")


@click.group("archive", short_help="The archive: verify, look, mend its index.")
def archive_command() -> None:
    """The archive of what happened.

    \b
    Example: drumbeat archive verify
    """


@archive_command.command("verify")
@cost_option
@shared(archive=True, now=False)
def verify_command(cost: bool, content: str | None, archive: str | None, as_json: bool) -> int:
    """Checks every record, receipt, payload and media file of the archive against what vouches for it.

    \b
    Example: drumbeat archive verify
    """
    store = _opened(content, archive)
    done = verify(store)
    if as_json:
        tell_json(_verified_json(done))
    else:
        _tell_findings(done.findings)
        say(f"{store.address}: {_said_of(done)}.")
    if cost:
        say(str(store))
    return 3 if done.findings else 0


@archive_command.command("rebuild-index")
@shared(archive=True)
def rebuild_command(content: str | None, archive: str | None, now: datetime | None, as_json: bool) -> int:
    """Writes the index lines and closed months that the archive lacks, from its ledgers.

    A slot whose ledger is damaged gets none, and neither does its month: they are named.

    \b
    Example: drumbeat archive rebuild-index
    """
    store = _opened(content, archive)
    settings = settings_of(content)
    _refuse_to_write_by_pretend_time(store, now)
    at = time_of(settings, now, rehearsal=archive_of(settings, archive).rehearsal)
    done = verify(store, objects=False)
    mended = mend(store, done, now=at)
    if mended.why is not None:
        raise SettingsError(f"The index was not mended: {mended.why}", "Use credentials that may write there.")
    if as_json:
        tell_json({**_verified_json(done), "lines_written": mended.lines, "months_closed": list(mended.manifests)})
    else:
        _tell_findings(done.findings)
        say(f"{store.address}: put back {many(mended.lines, 'line')}; closed {many(len(mended.manifests), 'month')}.")
    return 3 if done.findings else 0


@archive_command.command("ls")
@click.argument("prefix", default="")
@shared(archive=True, now=False)
def ls_command(prefix: str, content: str | None, archive: str | None, as_json: bool) -> int:
    """The keys of the archive that begin with PREFIX; all of them without one.

    \b
    Example: drumbeat archive ls v1/done/
    """
    try:
        checked_prefix(prefix)
    except StoreError as error:
        raise UsageError(f"No key begins so: {error.what}.", "Begin with v1/, as in v1/done/2026/11/.") from None
    keys = _opened(content, archive).list(prefix)
    if as_json:
        tell_json({"keys": list(keys)})
        return 0
    for key in keys:
        tell(key)
    return 0


def _opened(content: str | None, archive: str | None) -> Counted:
    """The archive that the command is about. Raises SettingsError when nobody made it yet."""
    where = archive_of(settings_of(content), archive)
    if not exists(where.url):
        raise SettingsError(
            f"There is no archive at {where.url}.", "It is made by the first publishing; or name yours with --archive."
        )
    return Counted(open_store(where.url))


def _tell_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        tell(f"{finding.key}: {finding.what}")
        tell(f"  remedy: {finding.remedy}")


def _said_of(done: Verified) -> str:
    """What was looked at, in one sentence."""
    erased = f"; {many(done.erased, 'payload or media file')} erased, the hashes stand" if done.erased else ""
    objects = "1 payload or file" if done.objects == 1 else f"{done.objects} payloads and files"
    holds = f"{many(len(done.findings), 'finding')}" if done.findings else "every chain holds"
    return (f"{many(done.slots, 'slot')}, {many(done.records, 'record')}, {objects}, "
            f"{many(done.lines, 'line')} of the index, {many(done.manifests, 'closing')} of months: {holds}{erased}")


def _verified_json(done: Verified) -> dict[str, object]:
    return {
        "ok": not done.findings,
        "findings": [finding._asdict() for finding in done.findings],
        "slots": done.slots,
        "records": done.records,
        "objects": done.objects,
        "lines": done.lines,
        "manifests": done.manifests,
        "erased": done.erased,
    }


def _as_json(proof: Proof) -> dict[str, object]:
    return {
        **_verified_json(proof.verified),
        "ok": not proof.findings,
        "findings": [finding._asdict() for finding in proof.findings],
        "overdue": [finding.key for finding in proof.silent],
        "waits": [str(slot) for slot in proof.waits],
    }


def _exit_code(proof: Proof) -> int:
    if proof.verified.findings:
        return 3
    if proof.waits:
        return 5
    return 4 if proof.silent else 0
