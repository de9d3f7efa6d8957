"""The plan in force and what became of it, for everybody who only looks: the command line and the pages."""
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flows.check import check, check_commit
from flows.edges.fetching import FETCHED
from flows.edges.holds import Holds
from flows.edges.ledger import Ledger
from flows.edges.outages import outage
from flows.edges.plans import Rejection, good, rejections
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import Store, ahead
from flows.planning.folding import fold
from flows.planning.pausing import NOTHING_PAUSED, Paused, with_holds
from flows.planning.preparing import Prepared
from flows.planning.reporting import withdrawn
from flows.planning.sealing import standing_of
from flows.pull import approve, in_force
from schemas.errors import ContentError, SettingsError, StoreError
from schemas.ledger import Slot, Standing, State, Withdrawal
from schemas.outage import Outage
from schemas.report import Row, rfc3339


def planned(settings: Settings, store: Store | None, now: datetime, kept: Mapping[Slot, datetime],
            sent: Mapping[Slot, datetime | None] | None = None, *, rehearsal: bool = False,
            said: Paused = NOTHING_PAUSED) -> Prepared:
    """The plan that a running publisher goes by; outside a repository, that of the working tree.

    `said`: what people stopped waits in it, and what resumes moved has its new time, which nobody else is given.
    """
    about: dict[str, Any] = {"now": now, "kept": kept, "sent": sent, "resumed": said.moved, "home": settings.home,
                             "rehearsal": rehearsal}
    try:
        repository = Repository(settings.content)
        made = check_commit(repository, in_force(repository, store, settings), **about)
        try:
            approve(made.content)
        except ContentError:
            force = good(store) if store is not None else None
            if force is not None and force.commit != made.content.source and repository.has(force.commit):
                made = check_commit(repository, force.commit, **about)
    except (SettingsError, ContentError):
        made = check(settings.content, **about)
    return made._replace(plan=with_holds(made.plan, said))


def stopped(store: Store | None) -> Paused:
    """What people stopped; nothing where nobody made an archive yet. Raises StoreError."""
    return Holds(store).now() if store is not None else NOTHING_PAUSED


class News(NamedTuple):
    """What everybody should know before they read on. `rejected`: the newest commit's plan is not in force, and why.

    `outage`: what is pushed does not arrive, or does again since a while ago.
    """

    said: Paused = NOTHING_PAUSED
    rejected: Rejection | None = None
    in_force: str | None = None
    outage: Outage | None = None

    @property
    def unreachable(self) -> Outage | None:
        """The outage that lasts; None: none does."""
        return self.outage if self.outage is not None and not self.outage.is_over else None

    def as_dict(self) -> dict[str, Any]:
        """What `status --json` has beside the slots."""
        rejected = None
        if self.rejected is not None:
            rejected = {**self.rejected._asdict(), "at": rfc3339(self.rejected.at)}
        holds = [{"what": one.what, "scope": one.scope, "name": one.name, "by": one.by, "reason": one.reason,
                  "since": rfc3339(one.at)} for one in self.said.holds]
        told = self.outage.as_dict() if self.outage is not None else None
        unreachable, reachable = (told, None) if self.unreachable is not None else (None, told)
        return {"holds": holds, "rejected": rejected, "in_force": self.in_force, "unreachable": unreachable,
                "reachable": reachable}


def news(settings: Settings, store: Store | None, now: datetime) -> News:
    """What is stopped, whether the newest commit was rejected, and whether pushes arrive. Raises StoreError."""
    if store is None:
        return News()
    force, tip = good(store), None
    try:
        repository = Repository(settings.content)
        tip = repository.named(FETCHED) if settings.remote is not None else repository.head()
    except (SettingsError, ContentError):
        pass                                                      # looked at from elsewhere: the newest one counts
    found = [one for one in rejections(store, force) if tip is None or one.commit == tip]
    commit = force.commit if force is not None else None
    return News(stopped(store), found[-1] if found else None, commit, outage(store, now, commit))


def sent_of(standings: Mapping[Slot, Standing]) -> dict[Slot, datetime | None]:
    """What is published, and when it went out."""
    return {slot: one.published_at for slot, one in standings.items() if one.state is State.published}


def is_rehearsal(store: Store | None) -> bool:
    """Whether the archive holds what rehearsal networks got, wherever it lies."""
    return store is not None and store.get("v1/kind") == b"rehearsal\n"


def reader(store: Store) -> Ledger:
    """A ledger for looking only."""
    return Ledger(store, worker="reader", now=lambda: datetime.now(UTC))


def standings_of(store: Store) -> dict[Slot, Standing]:
    """Where every slot of the archive stands: what ended as its receipt tells, the rest from the ledgers."""
    ledger = reader(store)
    ended = ledger.all_receipts()
    final = {slot for slot, receipt in ended.items() if receipt.state is State.published}
    left = [
        slot
        for slot, records in ledger.open_slots(final)
        if slot not in ended or ended[slot].records != records  # more records: it was reopened
    ]
    found = {slot: standing_of(receipt) for slot, receipt in ended.items()}
    return found | read_standings(ledger, left)


def out_by_index(store: Store) -> dict[Slot, datetime | None]:
    """What is published, by the index alone; when it went out, nobody asked."""
    return {done.slot: None for done in reader(store).terminal_slots() if done.state is State.published}


def as_withdrawn(made: list[Row], store: Store | None) -> list[Row]:
    """With what was taken back said of it: the ledger knows only that it went out."""
    taken = {str(slot): one for slot, one in reader(store).withdrawals().items()} if store is not None else {}
    return [_taken_back(r, taken[r.slot]) if r.slot in taken else r for r in made]


def _taken_back(made: Row, taken: Withdrawal) -> Row:
    state = made.state if taken.left else State.withdrawn
    return made._replace(state=state, reason=withdrawn(taken), url=None, next=None if not taken.left else made.next)


def read_standings(ledger: Ledger, slots: Iterable[Slot]) -> dict[Slot, Standing]:
    """Where these slots stand, from their ledgers."""

    def read(slot: Slot) -> tuple[Slot, Standing]:
        try:
            return slot, fold(slot, ledger.read(slot))
        except StoreError as error:  # said for this slot; the others are shown as they are
            return slot, Standing(slot, state=State.held, reason=f"{error.what}; {error.remedy}")

    return dict(ahead(read, slots))
