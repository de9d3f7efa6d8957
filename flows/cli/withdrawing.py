"""withdraw: a post that is out is taken back, where the network can do that."""

from datetime import UTC, datetime

import click

from flows.cli.options import archive_of, exists, person, settings_of, shared, time_of
from flows.cli.telling import hide, many, say, tell, tell_json
from flows.cli.watching import meant
from flows.connect import Connector
from flows.edges.clock import FixedClock, RealClock
from flows.edges.ledger import Ledger, worker_id
from flows.edges.store import open_store
from flows.observe import is_rehearsal, planned
from flows.planning.folding import fold
from flows.planning.reporting import withdrawn
from flows.withdraw import able, stopped, withdraw
from publishers.base import Identifies, Outgoing, Publisher
from schemas.channel import Channel
from schemas.errors import PublishError, SettingsError, StoreError, UsageError
from schemas.ledger import Pin, Standing, State


@click.command("withdraw", short_help="Take a post back that is out.")
@click.argument("slot")
@click.option("--by", metavar="NAME", required=True, help="Who takes it back. Kept in the archive.")
@click.option("--reason", metavar="TEXT", default="", help="Why. Kept in the archive.")
@click.option("--rehearse-at", metavar="URL", help="The rehearsal networks that hold it (drumbeat rehearsal).")
@shared(archive=True)
def withdraw_command(
    slot: str,
    by: str,
    reason: str,
    rehearse_at: str | None,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Deletes what went out for a slot, every part of it, and keeps who did it and why. It is never sent again.

    \b
    Example: drumbeat withdraw posts/sharpen-a-chisel@x#1 --by "Wren" --reason "wrong angle"
    """
    by, reason = person(by, "takes it back"), " ".join(reason.split())
    settings = settings_of(content)
    where = archive_of(settings, archive)
    if not exists(where.url):
        raise SettingsError(f"There is no archive at {where.url}.", "Name yours with --archive.")
    store = open_store(where.url)
    rehearsal = is_rehearsal(store)
    if rehearsal != (rehearse_at is not None):
        raise UsageError(
            "This archive holds a rehearsal." if rehearsal else "This archive is real.",
            "Say where the rehearsal runs: --rehearse-at URL." if rehearsal else "Leave --rehearse-at out.")
    at = time_of(settings, now, rehearsal=rehearsal)
    prepared = planned(settings, store, at, {})
    wanted = meant(slot, prepared)
    ledger = Ledger(store, worker=worker_id("withdraw"), now=lambda: at)
    entries = ledger.read(wanted)
    standing = fold(wanted, entries)
    if not standing.parts or standing.pin is None:
        raise UsageError(f"Nothing is out for {wanted}.", f"'drumbeat why {wanted}' tells its story.")
    if standing.state is State.held:
        raise UsageError(f"Nobody knows yet whether all of {wanted} is out.",
                         f"Say what you see first: drumbeat resolve {wanted} --live ADDRESS or --absent.")
    if standing.state is State.publishing or standing.doubt is not None:
        raise UsageError(f"{wanted} is under way.", "Wait until it has ended: 'drumbeat status' tells.")
    if (before := ledger.withdrawals(wanted).get(wanted)) is not None and not before.left:
        if as_json:
            tell_json(before.model_dump(mode="json"))
        else:
            tell(f"{wanted}: {withdrawn(before)}")
        return 0
    channel = next((one for one in prepared.content.channels.channels if one.id == wanted.channel), None)
    if channel is None:
        raise SettingsError(f"There is no channel {wanted.channel} any more.", "Delete the post there by hand.")
    clock = FixedClock(at) if rehearsal else RealClock()
    publisher = Connector(settings, clock, store, rehearse_at, hide=hide).connect(channel)
    _refuse_another_account(publisher, standing.pin, channel)
    withdrawer = able(publisher, standing)
    standing = stopped(ledger, entries, standing, by=by)
    done = withdraw(withdrawer, ledger, standing, kinds=_kinds(ledger, standing), by=by, reason=reason,
                    now=at.astimezone(UTC))
    if as_json:
        tell_json(done.model_dump(mode="json"))
    else:
        tell(f"{wanted}: {many(len(done.gone), 'part')} gone{f', {len(done.left)} left' if done.left else ''}")
        for one in done.left:
            say(f"still there: {one.url or one.id}: {done.why}")
    return 4 if done.left else 0


def _refuse_another_account(publisher: Publisher, pin: Pin, channel: Channel) -> None:
    """"Not there" counts as gone, so it must be the account that posted who says so."""
    if not isinstance(publisher, Identifies) or pin.account_id is None:
        return
    try:
        account_id = publisher.account_id()
    except PublishError as error:
        raise SettingsError(f"{channel.network} does not say whose account this is: {error.why}.",
                            "Try again later; nothing was taken back.") from None
    if account_id != pin.account_id:
        raise SettingsError(f"The post went out by another account of {channel.network}; nothing was taken back.",
                            "Put that account's credentials back, or delete the post there by hand.")


def _kinds(ledger: Ledger, standing: Standing) -> tuple[str, ...]:
    """Of each part that is out, "post" or "comment"; where the payload was erased, all count as posts."""
    assert standing.pin is not None
    try:
        outgoing = Outgoing.model_validate_json(ledger.get_payload(standing.pin.payload))
    except StoreError:
        return ("post",) * len(standing.parts)
    return tuple(part.kind for part in outgoing.parts)
