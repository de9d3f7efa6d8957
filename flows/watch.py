"""What a shift keeps an eye on while it sends: new commits, holds and resumes, and connections before a launch."""
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from flows.edges.clock import Clock, elapsed_s
from flows.edges.holds import Holds
from flows.edges.store import Store
from flows.edges.trials import ARCHIVE
from flows.planning.pausing import NOTHING_PAUSED, Paused
from flows.probe import probe, to_probe
from flows.pull import Source
from publishers.base import Publisher
from schemas.channel import Channel
from schemas.content import Content
from schemas.errors import DrumbeatError, StoreError
from schemas.world import Trial

log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
"""How often it is asked whether there is a new commit (real seconds)."""
HELD_S, FREE_S = 2.0, 5.0
"""How often it is asked who stopped what while something is held, and while nothing is (real seconds), so that whoever
looks on hears of it; each send asks for itself. A look is one LIST, on S3 0.005 $ a thousand (AWS, us-east-1): a
publisher pays 2.60 $ a month, 6.50 $ if something is held all the time."""
PROBE_S = 60.0
"""How often it is asked whether a campaign needs a connection tested."""


class Trials(Protocol):
    """Where the last test of each connection is kept."""

    def record(self, name: str, trial: Trial) -> None: ...

    def recorded(self) -> Mapping[str, Trial]: ...


class Watch:
    """Threads that look and never send. `commit_moved`, `holds_moved`: called when something is new."""

    def __init__(self, source: Source, holds: Holds, stopping: threading.Event, *,
                 commit_moved: Callable[[], None], holds_moved: Callable[[], None],
                 elapsed_s: Callable[[], float] = elapsed_s) -> None:
        self._source, self._holds, self._stopping = source, holds, stopping
        self._commit_moved, self._holds_moved = commit_moved, holds_moved
        self._again, self._elapsed_s, self._looked_at = threading.Event(), elapsed_s, elapsed_s()
        self._said: Paused | None = None
        self._said_of = threading.Lock()

    def begin(self) -> None:
        """Looks until the shift stops. Nothing else waits for the source: a remote may be away for long."""
        for name, look in (("commits", self._look_for_commits), ("archive", self._look_at_the_archive)):
            threading.Thread(target=self._look, args=(look,), name=name, daemon=True).start()

    def look_again(self) -> None:
        """Has the newest commit taken for a new one with the next look: the archive did not take it in."""
        self._again.set()

    def held(self, within_s: float) -> Paused:
        """What people have stopped, as the archive had it at most so long ago. Raises StoreError."""
        with self._said_of:                                       # one by one: nobody brings back what was before
            said = self._holds.now(within_s)
            moved, self._said = self._said is not None and said is not self._said, said
        if moved:
            self._holds_moved()
        return said

    @property
    def said(self) -> Paused:
        """What was known last; nobody is asked."""
        return self._said or NOTHING_PAUSED

    def _look(self, look: Callable[[], None]) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                look()
            except DrumbeatError as error:                        # later again; whatever is sent asks for itself
                log.error("look failed why=%s", error.what)
            except Exception:  # the top of its thread: a shift that looks no more would go on in silence
                log.exception("look broke off")

    def _look_for_commits(self) -> None:
        if self._source.has_moved():
            self._commit_moved()

    def _look_at_the_archive(self) -> None:
        if self._again.is_set():
            self._again.clear()
            self._commit_moved()
        wait = HELD_S if self._said is not None and self._said.holds else FREE_S
        if self._elapsed_s() - self._looked_at >= wait:
            self._looked_at = self._elapsed_s()
            self.held(wait)


def keep_probing(trials: Trials, store: Store, connect: Callable[[Channel], Publisher], clock: Clock,
                 content: Callable[[], Content | None], stopping: threading.Event) -> None:
    """Tries the connections that campaigns need, now and every few hours, until the shift stops."""
    while not stopping.is_set():
        now, known, thought_of = clock.now(), trials.recorded(), content()
        if thought_of is not None and (channels := to_probe(thought_of, known, now)):
            trials.record(ARCHIVE, Trial(now, _why_silent(store)))
            probe(channels, connect, clock.now, trials.record)
        if stopping.wait(PROBE_S):
            return


def _why_silent(store: Store) -> str | None:
    """Why the archive does not answer; None: it does."""
    try:
        store.now()
    except StoreError as error:
        return error.what
    return None
