"""The plan in force and the archive become one snapshot: what went out, what did not, why, and what to do."""
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from flows.edges.clock import elapsed_s
from flows.edges.fetching import TIMEOUT_S
from flows.edges.plans import Good, good, last_good
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.observe import News, is_rehearsal, news, planned, reader, sent_of, standings_of
from flows.planning.composing import compose
from flows.planning.feeding import events, feed
from flows.planning.masking import masked
from flows.planning.preparing import Prepared
from flows.planning.reporting import is_overdue, row, row_of_ledger, withdrawn
from flows.pull import POLL_S, remote_of, repository_of
from schemas.errors import ContentError
from schemas.gate import Gate, Light
from schemas.ledger import Slot, Standing, State, Withdrawal
from schemas.plan import Item, Waiting
from schemas.problem import Severity
from schemas.report import Row

log = logging.getLogger(__name__)
FETCH_S = 20.0
"""So long a look waits for the remote, once something is here to be shown."""
_WORDS = 140
_SHOWN = "refs/drumbeat/shown"                                    # a publisher of this machine fetches by itself


class Line(NamedTuple):
    """One slot as people see it. `words`: how it begins; "" where no file has it any more."""

    row: Row
    slot: Slot
    network: str
    words: str

    def is_overdue(self, now: datetime) -> bool:
        return is_overdue(self.row.state, self.row.at, now)


class Snapshot(NamedTuple):
    """Everything the pages show. `now`: the time people read (pretend in a rehearsal); `read_at`: the real one.

    `commit`: whose plan this is. `news`: what is stopped, and what was not taken. `good`: the plan that a publisher
    accepted last; None: none did yet. `feed`: all of it as a calendar.
    """

    now: datetime
    read_at: datetime
    zone: str
    title: str
    commit: str
    lines: tuple[Line, ...]
    news: News
    good: Good | None
    gates: tuple[Gate, ...]
    errors: int
    feed: bytes
    is_rehearsal: bool


class Looker:
    """Reads one archive and one content folder, as often as it is asked."""

    def __init__(self, settings: Settings, archive: str, now: Callable[[], datetime], *, rehearsal: bool,
                 fetch_s: float = FETCH_S) -> None:
        self._settings, self._archive, self._now, self._rehearsal = settings, archive, now, rehearsal
        self._fetch_s = fetch_s
        self._fetched_at: float | None = None

    def look(self) -> Snapshot:
        """How things are. Raises StoreError, SettingsError, ContentError."""
        self._fetch()
        archive, now = self._archive, self._now()
        is_there = not archive.startswith("dir:") or Path(archive[4:]).exists()
        store = open_store(archive) if is_there else None       # a folder that nobody made yet is an empty archive
        rehearsal = self._rehearsal or is_rehearsal(store)
        standings = standings_of(store) if store is not None else {}
        told = news(self._settings, store, now)
        prepared = planned(self._settings, store, now, last_good(store) if store is not None else {},
                           sent_of(standings) if store is not None else None, rehearsal=rehearsal, said=told.said)
        taken = reader(store).withdrawals() if store is not None else {}
        title = getattr(prepared.content.entry("strategy"), "title", None) or "Posts"
        errors = sum(1 for problem in prepared.problems if problem.severity is Severity.error)
        calendar = feed(events(prepared.plan.everything(), prepared, standings, now=now), title, now=now)
        return Snapshot(now, datetime.now(UTC), prepared.content.timezone, title, prepared.content.source,
                        tuple(_lines(prepared, standings, taken, now)), told,
                        good(store) if store is not None else None, prepared.gates, errors, calendar, rehearsal)

    def _fetch(self) -> None:
        """With a remote, the commits that the archive speaks of: a machine of the pages' own has nobody else to fetch.
        """
        at = elapsed_s()
        if self._settings.remote is None or (self._fetched_at is not None and at - self._fetched_at < POLL_S):
            return
        self._fetched_at = at
        repository = repository_of(self._settings)
        remote = remote_of(self._settings, repository, into=_SHOWN)
        try:
            assert remote is not None
            remote.fetch(TIMEOUT_S if repository.named(_SHOWN) is None else self._fetch_s)
        except ContentError as error:                             # what was fetched before is shown
            log.warning("not fetched why=%s", error.what)


def _lines(prepared: Prepared, standings: Mapping[Slot, Standing], taken: Mapping[Slot, Withdrawal],
           now: datetime) -> list[Line]:
    """A line for every slot of the plan and of the ledger, by time, then slot."""
    networks = {channel.id: channel.network for channel in prepared.content.channels.channels}
    made, known = list[Line](), set[Slot]()
    for one in prepared.plan.everything():
        known.add(one.slot)
        made.append(Line(row(one, standings.get(one.slot), now=now), one.slot, one.channel.network,
                         _words(one, prepared)))
    for slot, standing in standings.items():
        if slot not in known and (standing.last or standing.reason):
            made.append(Line(row_of_ledger(slot, standing), slot, networks.get(slot.channel, slot.channel), ""))
    made = [line._replace(row=_taken_back(line.row, taken[line.slot])) if line.slot in taken else line for line in made]
    return sorted(made, key=lambda line: (line.row.at is None, line.row.at, line.slot))


def _taken_back(made: Row, taken: Withdrawal) -> Row:
    """What was taken back says so: the ledger knows only that it went out."""
    if taken.left:
        return made._replace(reason=withdrawn(taken), url=None)
    return made._replace(state=State.withdrawn, reason=withdrawn(taken), url=None, next=None)


def _words(one: Item | Waiting, prepared: Prepared) -> str:
    """The title, or how the text begins; what looks like a secret is cut."""
    title = one.post.post.head.title
    if title is None:
        message = prepared.messages.get(one.slot) or compose(one.post, one.channel, prepared.content)
        title = next((part.text for part in message.parts if part.text), "")
    words = " ".join(masked(title).split())
    if len(words) <= _WORDS:
        return words
    cut = words[:_WORDS].rpartition(" ")[0] or words[:_WORDS]
    return f"{cut.rstrip('.,;:!?')}…"


def shut(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """The gates that are not green."""
    return tuple(gate for gate in gates if gate.state is not Light.green)
