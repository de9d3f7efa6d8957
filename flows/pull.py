"""Where commits come from: HEAD of the folder's own repository, or one branch of a remote that is fetched and judged.

Prefect has no part in it: a shift pulls by itself, every minute and whenever it is nudged.
"""
import logging
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from flows.edges.clock import elapsed_s
from flows.edges.fetching import FETCHED, TIMEOUT_S, Remote, checked_url, shown
from flows.edges.holds import Holds
from flows.edges.nudge import nudged_at
from flows.edges.outages import Absence, Clone, clone_of
from flows.edges.plans import Good, Rejection, allowed_rewrites, good, reject
from flows.edges.repository import Repository, made_for
from flows.edges.settings import Settings
from flows.edges.signatures import refusals
from flows.edges.store import Store
from flows.planning.noting import reason_of
from flows.planning.preparing import reason
from flows.planning.reading import read
from flows.planning.resolving import resolve
from flows.planning.vouching import Refusal, new_channels
from schemas.channel import Channel
from schemas.content import Content
from schemas.errors import ContentError, SettingsError, StoreError
from schemas.hold import Hold

log = logging.getLogger(__name__)
POLL_S, AGAIN_S = 60.0, 5.0
"""How often the remote is asked without a nudge; and how soon again when it did not answer."""
FIRST_S = 10.0
"""So long a start waits for the remote where the plan in force is here already: it can go by that one."""
ARCHIVE_S = 4.0
"""How often the archive is asked whether another publisher accepted a newer plan."""
_WITHOUT_THESE_NOTHING_HOLDS = ("networks/channels.yaml", "strategy.yaml", "calendar/blackouts.yaml")


class Refused(ContentError):
    """A commit of the remote is not taken, whatever its content says."""


class Source(Protocol):
    """Says which commit's plan is to be in force."""

    def commit(self) -> str:
        """The newest commit that is here and may be taken. Raises ContentError when there is none, or it is refused.

        Sending waits for the answer: only the first one may need a remote.
        """
        ...

    def has_moved(self) -> bool:
        """Whether `commit` may answer otherwise than before. Asked every second by one thread; may take its time."""
        ...

    def fetch(self) -> bool:
        """Whether the newest commits are here now; else the log says why."""
        ...

    @property
    def tip(self) -> str | None:
        """The newest commit that is known, taken or not."""
        ...


class Head:
    """What is committed here is published."""

    def __init__(self, repository: Repository) -> None:
        self._repository, self._seen = repository, ""

    def commit(self) -> str:
        return self._repository.head()

    def has_moved(self) -> bool:
        try:
            commit = self._repository.head()
        except ContentError:
            return False                                          # a branch being rewritten; the plan in force stays
        moved, self._seen = commit != self._seen, commit
        return moved

    def fetch(self) -> bool:
        return True

    @property
    def tip(self) -> str | None:
        return self._seen or None


class Branch:
    """One branch of a remote. A commit counts when it follows from the plan in force (threats, A6) and, if asked for,
    when every commit on the way is signed by somebody known (A2, A3).

    Sending waits for `commit`, so that goes by what is here; whoever asks `has_moved` waits for the remote. `clone`:
    by whose name an outage is told.
    """

    def __init__(self, repository: Repository, store: Store, remote: Remote, home: Path, *,
                 now: Callable[[], datetime], require_signed: bool, clone: Clone, first_s: float = FIRST_S,
                 elapsed_s: Callable[[], float] = elapsed_s) -> None:
        self._repository, self._store, self._remote, self._home = repository, store, remote, home
        self._now, self._require_signed, self._elapsed_s, self._first_s = now, require_signed, elapsed_s, first_s
        self._absence = Absence(store, clone, now, elapsed_s)
        self._fetching = threading.Lock()
        self._next_fetch: float | None = None                     # by `elapsed_s`; None: nobody fetched yet
        self._asked_at = self._elapsed_s()
        self._nudged_at = nudged_at(home)
        self._tip: str | None = None
        self._good: Good | None = None
        self._fetched_for = 0                                     # the plan in force that was known before the fetch
        self._answered: tuple[Good | None, bool] = (None, False)  # by what `commit` said; whether we were behind it
        self._looked_over: tuple[str | None, str | None, list[Refusal] | ContentError] | None = None
        self._decided = threading.Event()                         # what nobody could judge before can be judged now

    def commit(self) -> str:
        force = self._in_force()
        if self._next_fetch is None:
            is_here = force is not None and self._repository.has(force.commit)
            self.fetch(self._first_s if is_here else TIMEOUT_S)
        is_behind = self._is_behind(force)
        tip, self._answered = self._tip, (force, is_behind)
        if is_behind and force is not None:
            self._next_fetch = self._elapsed_s()                  # not here, and not now: sending goes on meanwhile
            if self._repository.has(force.commit):
                return force.commit
            raise ContentError(f"The plan in force is that of commit {force.commit[:10]}, which could not be fetched "
                               f"from {shown(self._remote.url)} yet.", "The log says why; it is tried again soon.")
        if tip is None:
            raise ContentError(f"Nothing could be fetched from {shown(self._remote.url)} yet.",
                               "The log says why: look at 'remote' and 'branch' in drumbeat.toml, the network and "
                               "DRUMBEAT_GIT_TOKEN.")
        before = force.commit if force is not None else None
        if tip != before:
            self._judge(before, tip)
            self._hold_new_channels(before, tip)
        return tip

    @property
    def tip(self) -> str | None:
        return self._tip

    def fetch(self, within_s: float = TIMEOUT_S) -> bool:
        """Whether the branch was fetched; else what was fetched before stays."""
        with self._fetching:
            force = self._good or self._known_force()
            self._next_fetch, self._nudged_at = self._elapsed_s() + POLL_S, nudged_at(self._home)
            try:
                tip = self._remote.fetch(within_s)
            except (ContentError, SettingsError) as error:
                self._absence.failed(error.what, error.remedy)
                if isinstance(error, SettingsError):
                    raise
                log.error("not fetched why=%s", error.what)
                self._next_fetch = self._elapsed_s() + AGAIN_S
                return False
            self._look_over(force.commit if force is not None else None, tip)
            self._tip = tip
            self._fetched_for = force.number if force is not None else 0   # last: whoever sees it sees the new tip
            self._absence.reached()
            return True

    def has_moved(self) -> bool:
        tip, now = self._tip, self._elapsed_s()
        if now - self._asked_at >= ARCHIVE_S:
            self._asked_at, before = now, self._good
            if self._known_force() != before and self._is_behind(self._good):
                self._next_fetch = now                            # another publisher may only be ahead of what we have
        if self._next_fetch is None or now >= self._next_fetch or nudged_at(self._home) != self._nudged_at:
            try:
                self.fetch()
            finally:
                self._tell()
        if self._decided.is_set():
            self._decided.clear()
            return True
        return tip != self._tip or self._answers_otherwise()

    def _look_over(self, force: str | None, tip: str) -> None:
        """Judges signatures as soon as they are here, in the thread that fetched: sending must not wait for that."""
        if not self._require_signed or tip == force:
            return
        before = self._looked_over
        if before is not None and before[:2] == (force, tip) and not isinstance(before[2], ContentError):
            return
        try:
            found: list[Refusal] | ContentError = refusals(self._repository, force, tip, now=self._now())
        except ContentError as error:                             # a program is missing, or hangs: asked again
            found = error
        self._looked_over = (force, tip, found)
        if before is not None and before[:2] == (force, tip) and not isinstance(found, ContentError):
            self._decided.set()

    def _answers_otherwise(self) -> bool:
        """Whether `commit` would go by another plan in force than it did, or is not behind it any more."""
        force = self._good
        if force == self._answered[0] and not self._answered[1]:
            return False
        is_behind = self._is_behind(force)
        return (force, is_behind) != self._answered and (
            not is_behind or force is None or self._repository.has(force.commit))

    def _is_behind(self, force: Good | None) -> bool:
        """Whether what we have does not follow from the plan in force, and was fetched before that was known."""
        if force is None or self._fetched_for >= force.number:
            return False
        tip = self._tip
        return tip is None or (tip != force.commit and not self._repository.descends(tip, force.commit))

    def _in_force(self) -> Good | None:
        found = good(self._store, after=self._good.number if self._good is not None else None)
        if found is not None and (self._good is None or found.number > self._good.number):
            self._good = found
        return self._good

    def _known_force(self) -> Good | None:
        try:
            return self._in_force()
        except StoreError as error:                               # what is fetched is judged once the archive answers
            log.error("archive does not say which plan is in force why=%s", error.what)
            return self._good

    def _tell(self) -> None:
        """Has whoever looks told of a remote that is away for long. Coped with if the archive does not answer."""
        force = self._good.commit if self._good is not None else ""
        try:
            self._absence.tell(force if self._repository.has(force) else self._tip or "")
        except StoreError as error:                               # with the next fetch again
            log.error("outage of the remote not told why=%s", error.what)

    def _judge(self, force: str | None, tip: str) -> None:
        """Raises Refused, and keeps why, when `tip` may not follow on the plan of `force` (None: there is none yet)."""
        refused: Refused | None = None
        if force is not None and not self._repository.descends(tip, force) and not any(
                tip == one or self._repository.descends(tip, one) for one in allowed_rewrites(self._store, force)):
            refused = Refused(
                f"The history of {self._remote.branch} was rewritten: {tip[:10]} does not follow from "
                f"{force[:10]}, whose plan is in force.",
                f'If that is meant, say so: drumbeat sync --accept-rewrite {tip[:12]} --by "YOUR NAME"; else push the '
                "old history back.")
        elif self._require_signed and (found := self._unsigned(force, tip)):
            more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
            refused = Refused(f"Commit {found[0].commit[:10]}: {found[0].why}{more}", found[0].remedy)
        if refused is not None:
            keep_rejected(self._store, tip, refused, self._now())
            raise refused

    def _unsigned(self, force: str | None, tip: str) -> list[Refusal]:
        """What speaks against the signatures. Raises ContentError, and keeps why, where nobody can tell."""
        if self._looked_over is None or self._looked_over[:2] != (force, tip):
            self._look_over(force, tip)
        assert self._looked_over is not None
        found = self._looked_over[2]
        if isinstance(found, ContentError):
            keep_rejected(self._store, tip, found, self._now())
            raise found
        return found

    def _hold_new_channels(self, force: str | None, tip: str) -> None:
        """Where signatures count, a channel that came with a push speaks only once a person lets it (threats, A3)."""
        if not self._require_signed or force is None:
            return
        holds, now = Holds(self._store), self._now()
        held = {one.name for one in holds.active() if one.scope == "channel"}
        for channel in new_channels(self._channels(force), self._channels(tip)):
            if channel not in held:
                holds.add(Hold(number=0, kind="hold", scope="channel", name=channel, by="Drumbeat", at=now,
                               reason=f"it is new in commit {tip[:10]}, and nobody has let it speak yet"))

    def _channels(self, commit: str) -> tuple[Channel, ...]:
        root = self._repository.folder.name
        files = [file for file in self._repository.listing(commit) if file.path == "networks/channels.yaml"]
        return resolve(read(self._repository.reread(files), root), root, commit, (), None).channels.channels


def source_of(settings: Settings, repository: Repository, store: Store, now: Callable[[], datetime]) -> Source:
    """Where the publisher takes its commits from. Raises SettingsError for a remote that is no address."""
    remote = remote_of(settings, repository)
    if remote is None:
        return Head(repository)
    return Branch(repository, store, remote, settings.home, now=now, require_signed=settings.require_signed,
                  clone=clone_of(socket.gethostname(), settings.home, settings.branch))


def remote_of(settings: Settings, repository: Repository, into: str = FETCHED) -> Remote | None:
    """The branch that is published; None: what is committed here is. `into`: the name that its tip gets here."""
    if settings.remote is None:
        return None
    return Remote(repository.top, checked_url(settings.remote, repository.top), settings.branch, into=into)


def repository_of(settings: Settings) -> Repository:
    """The repository of the content folder; with a remote, an empty one is made where there is none yet."""
    if settings.remote is not None:
        made_for(settings.content)
    repository = Repository(settings.content)
    if repository.carries(settings.home / ".drumbeat"):
        raise SettingsError(".drumbeat/ is committed, and what lies there is believed: plans, credentials, settings.",
                            "Take it out: git rm -r --cached .drumbeat; put .drumbeat/ into .gitignore, and commit.")
    return repository


def approve(content: Content) -> None:
    """Raises ContentError when every post would mean something else than its author thinks."""
    for path in _WITHOUT_THESE_NOTHING_HOLDS:
        if path in content.unreadable:
            errors = [p for p in content.broken().get(None, []) if p.place.file == f"{content.root}/{path}"]
            raise ContentError(reason(errors[0]) if errors else f"{content.root}/{path} cannot be read.",
                               "Run 'drumbeat check', mend it and commit.")


def keep_rejected(store: Store, commit: str, error: ContentError, now: datetime) -> None:
    """Has whoever looks told why the plan of `commit` is not in force. Coped with if the archive does not answer."""
    try:
        reject(store, Rejection(commit, now, reason_of(error.what, commit), error.remedy))
    except StoreError as unable:
        log.error("rejection not kept commit=%s why=%s", commit[:10], unable.what)


def in_force(repository: Repository, store: Store | None, settings: Settings) -> str:
    """The commit whose plan is in force, for those who only look: what a running publisher goes by.

    HEAD where nothing was accepted yet, or where the commit is not in this clone. Raises ContentError.
    """
    if settings.remote is None:
        return repository.head()
    force = good(store) if store is not None else None
    if force is not None and repository.has(force.commit):
        return force.commit
    return repository.named(FETCHED) or repository.head()
