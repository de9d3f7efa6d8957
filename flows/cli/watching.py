"""status, why: what an operator asks. They start without Prefect and send nothing."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

import click

from flows.cli.options import archive_of, exists, settings_of, shared, time_of
from flows.cli.outcomes import next_lines, outcome_table
from flows.cli.telling import When, say, tell, tell_json
from flows.edges.plans import last_good
from flows.edges.settings import Settings
from flows.edges.store import Counted, Store, open_store
from flows.observe import (
    News,
    as_withdrawn,
    is_rehearsal,
    news,
    out_by_index,
    planned,
    read_standings,
    reader,
    sent_of,
    standings_of,
    stopped,
)
from flows.planning.folding import fold
from flows.planning.following import leaders
from flows.planning.narrating import story
from flows.planning.pausing import NOTHING_PAUSED, Paused
from flows.planning.pausing import why as why_held
from flows.planning.preparing import Prepared
from flows.planning.reporting import counts, cut_off, row, rows, when, withdrawn
from flows.planning.sealing import standing_of
from schemas.errors import UsageError
from schemas.ledger import Slot, Standing, State
from schemas.plan import Item, Waiting
from schemas.report import Row

cost_option = click.option("--cost", is_flag=True, help="Say at the end how many requests the archive had.")


class Window(NamedTuple):
    """A day or a month (UTC)."""

    on: date | str  # a day, or `2026-11`

    def holds(self, moment: datetime | None) -> bool:
        return moment is not None and f"{moment:%Y-%m-%d}".startswith(str(self.on))


class DayOrMonth(click.ParamType):  # type: ignore[type-arg]  # click is generic for the type checker only
    """`YYYY-MM-DD` or `YYYY-MM`, UTC."""

    name = "day or month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Window:
        text = str(value)
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
                return Window(f"{date.fromisoformat(f'{text}-01'):%Y-%m}")
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                return Window(date.fromisoformat(text))
        except ValueError:
            pass
        self.fail(f"'{text}' is no day and no month; write 2026-11-05 or 2026-11", param, ctx)


def rows_of(settings: Settings, archive: str, *, now: datetime, rehearsal: bool) -> list[Row]:
    """Every slot of the committed plan and of the archive."""
    store = open_store(archive) if exists(archive) else None
    said = stopped(store)
    return rows_from(settings, store, now, None, rehearsal=rehearsal, said=said)


def rows_from(settings: Settings, store: Store | None, now: datetime, on: Window | None, *,
              rehearsal: bool, said: Paused = NOTHING_PAUSED) -> list[Row]:
    """The same from a store that is open already (None: nobody made it yet); with `on`, those due then."""
    return table_from(settings, store, now, on, rehearsal=rehearsal, said=said).rows


class Table(NamedTuple):
    """Slots, and the zone of the strategy that they belong to."""

    rows: list[Row]
    zone: str


def table_from(settings: Settings, store: Store | None, now: datetime, on: Window | None, *,
               rehearsal: bool, said: Paused = NOTHING_PAUSED) -> Table:
    """The same, with the zone in which the strategy tells times."""
    kept = last_good(store) if store else {}
    if on is None:
        known = standings_of(store) if store else {}
        sent = sent_of(known) if store else None
        prepared = planned(settings, store, now, kept, sent, rehearsal=rehearsal, said=said)
        return Table(as_withdrawn(rows(prepared.plan, known, now=now), store), prepared.content.timezone)
    prepared = planned(settings, store, now, kept, rehearsal=rehearsal, said=said)
    if store is not None and _asks_for_receipts(one for one in prepared.plan.everything() if on.holds(one.at)):
        prepared = planned(settings, store, now, kept, out_by_index(store), rehearsal=rehearsal, said=said)
    plan, due = prepared.plan, {one.slot for one in prepared.plan.everything() if on.holds(one.at)}
    elsewhere = {one.slot for one in plan.everything()} - due
    standings: dict[Slot, Standing] = {}
    if store is not None:
        ledger = reader(store)
        standings = {
            slot: standing_of(receipt)
            for slot, receipt in ledger.receipts(on.on).items()
            if receipt.state is State.published or slot not in elsewhere  # else it got a new time
        }
        standings |= read_standings(ledger, sorted(due - standings.keys()))
    shown = due | standings.keys()
    plan = plan._replace(
        items=tuple(item for item in plan.items if item.slot in shown),
        waiting=tuple(waiting for waiting in plan.waiting if waiting.slot in shown),
    )
    return Table(as_withdrawn(rows(plan, standings, now=now), store), prepared.content.timezone)


def _asks_for_receipts(planned: Iterable[Item | Waiting]) -> bool:
    """Whether some of it may wait for what else is out: asks do, and campaigns."""
    return any(one.post.intent == "ask" or one.post.post.campaign is not None for one in planned)


@click.command("status", short_help="What went out, what did not, why, and what to do.")
@click.option("--since", type=When(), help="Only slots due since then (UTC).")
@click.option("--on", type=DayOrMonth(), help="Only slots due on that day or in that month (UTC); asks little.")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only slots in this state.")
@cost_option
@shared(archive=True)
def status_command(
    since: datetime | None,
    on: Window | None,
    state: str | None,
    cost: bool,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Every slot with its state: what went out, what did not, why, and what to do next.

    \b
    Example: drumbeat status --on 2026-11-05
    """
    settings = settings_of(content)
    where = archive_of(settings, archive)
    store = Counted(open_store(where.url)) if exists(where.url) else None
    at = time_of(settings, now, rehearsal=where.rehearsal)
    about = news(settings, store, at)
    table = table_from(settings, store, at, on, rehearsal=where.rehearsal or is_rehearsal(store), said=about.said)
    made = [
        r
        for r in table.rows
        if (state is None or r.state == state) and (since is None or (r.at is not None and r.at >= since))
    ]
    if as_json:
        tell_json({"slots": [r.as_dict() for r in made], "counts": counts(made), **about.as_dict()})
    else:
        for line in _first(about, table.zone):
            say(line)
        for line in outcome_table(made):
            tell(line)
        for said in next_lines(made):
            say(said)
        say(", ".join(f"{number} {name}" for name, number in counts(made).items()) + "." if made else "No slots.")
    if cost:
        say(str(store) if store is not None else "store: nobody made it yet, so it was not asked")
    return 0


def _first(about: News, zone: str) -> Iterable[str]:
    """What everybody should know before they read the table; times are of `zone`."""
    if (away := about.unreachable) is not None:
        since, remedy, *more = cut_off(away, about.in_force, zone)
        yield since
        yield f"  remedy: {remedy}"
        for line in more:
            yield f"  {line}"
    if (rejected := about.rejected) is not None:
        yield f"The plan of commit {rejected.commit[:10]} is rejected since {when(rejected.at, zone)}: {rejected.why}"
        yield f"  remedy: {rejected.remedy}"
        if about.in_force is not None:
            yield f"  The plan of commit {about.in_force[:10]} stays in force."
    for hold in about.said.holds:
        yield why_held(hold, zone)


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
    said = stopped(store)
    kept, rehearsal = last_good(store) if store else {}, where.rehearsal or is_rehearsal(store)
    prepared = planned(settings, store, at, kept, rehearsal=rehearsal, said=said)
    wanted = meant(slot, prepared)
    one = next((o for o in prepared.plan.everything() if o.slot == wanted), None)
    if store is not None and one is not None and _asks_for_receipts([one]):
        prepared = planned(settings, store, at, kept, out_by_index(store), rehearsal=rehearsal, said=said)
        one = next((o for o in prepared.plan.everything() if o.slot == wanted), None)
    if store is not None and one is not None and one.post.post.head.after is not None:   # it may have moved with it
        sent = sent_of(read_standings(reader(store), leaders(prepared.content.posts, one.post)))
        prepared = planned(settings, store, at, kept, sent, rehearsal=rehearsal, said=said)
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
    evidence = reader(store).evidence(wanted) if store and entries else ()
    for line in story(wanted, one, standing, entries, now=at, evidence=evidence):
        tell(f"  {line}")
    if store is not None and (taken := reader(store).withdrawals(wanted).get(wanted)) is not None:
        tell(f"  {withdrawn(taken)}")
    return 0


def meant(name: str, prepared: Prepared) -> Slot:
    """The slot that `name` is, or the only one of the post it names."""
    slots = [o.slot for o in prepared.plan.everything()]
    post, _, channel = name.partition("@")
    near = [
        slot
        for slot in slots
        if post in (slot.post, slot.post.rsplit("/", 1)[-1]) and channel.split("#")[0] in ("", slot.channel)
    ]
    try:
        exact = Slot.parse(name)
    except ValueError as error:
        if len(near) == 1:
            return near[0]
        raise UsageError(
            f"{error}.",
            f"Did you mean one of these? {', '.join(map(str, near))}" if near else "'drumbeat status' lists all slots.",
        ) from None
    same_run = [slot for slot in near if slot.run == exact.run]
    return same_run[0] if exact not in slots and len(same_run) == 1 else exact
