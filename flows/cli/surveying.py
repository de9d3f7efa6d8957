"""What commands look at that only look: the working tree, and what the archive knows of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flows.check import check, check_commit
from flows.cli.options import archive_of, exists, settings_of, time_of
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import Store, open_store
from flows.planning.pausing import with_holds
from flows.planning.preparing import Prepared
from schemas.ledger import Slot, Standing, State
from schemas.problem import Severity


class Seen(NamedTuple):
    """The working tree at `now`. `before`: the commit that it is held against, if it is. `kept`: times given before.

    `store` None: nobody made an archive yet.
    """

    settings: Settings
    done: Prepared
    before: Prepared | None
    standings: Mapping[Slot, Standing]
    kept: Mapping[Slot, datetime]
    store: Store | None
    now: datetime

    def errors(self) -> int:
        """How many errors the content has."""
        return sum(1 for problem in self.done.problems if problem.severity == Severity.error)


def survey(content: str | None, archive: str | None, now: datetime | None, revision: str | None = None, *,
           in_earnest: bool = False) -> Seen:
    """What the options name. Raises SettingsError, StoreError, and ContentError when there is nothing to look at.

    `in_earnest`: a rehearsal is not looked at instead while nothing real exists.
    """
    from flows.edges.plans import last_good
    from flows.observe import is_rehearsal, planned, sent_of, standings_of, stopped

    settings = settings_of(content)
    where = archive_of(settings, archive, rehearse=False if in_earnest and archive is None else None)
    store = open_store(where.url) if exists(where.url) else None
    standings, kept = (standings_of(store), last_good(store)) if store else ({}, {})
    at = time_of(settings, now, rehearsal=where.rehearsal)
    known = None if store is None or where.rehearsal else frozenset(published(standings))
    sent = sent_of(standings) if store is not None else None
    rehearsal = where.rehearsal or is_rehearsal(store)
    said = stopped(store)
    about: dict[str, Any] = {"now": at, "sent": sent, "resumed": said.moved, "home": settings.home,
                             "rehearsal": rehearsal}
    before = None
    if revision is not None:
        repository = Repository(settings.content)
        before = check_commit(repository, repository.commit_of(revision), kept=kept, **about)
        # Free times that the commit found stay given, as an accepted plan's do: what did not change does not wander.
        kept = {one.slot: one.at for one in before.plan.everything() if one.found and one.at is not None} | kept
    if settings.remote is not None and not any(settings.content.glob("*")):      # nothing lies in a publisher's clone
        done = planned(settings, store, at, kept, sent, rehearsal=rehearsal, said=said)
    else:
        done = check(settings.content, kept=kept, published=known, **about)
        done = done._replace(plan=with_holds(done.plan, said))
    if before is not None:
        before = before._replace(plan=with_holds(before.plan, said))
    return Seen(settings, done, before, standings, kept, store, at)


def published(standings: Mapping[Slot, Standing]) -> set[str]:
    """Ids of posts of which something is out."""
    return {slot.post for slot, one in standings.items() if one.state is State.published or one.parts}
