"""One snapshot for all who look, made in the background and only while somebody looks: an idle page costs nothing."""
import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from flows.edges.clock import elapsed_s
from flows.web.looking import Snapshot
from schemas.errors import DrumbeatError

log = logging.getLogger(__name__)
EVERY_S = 10.0
IDLE_S = 60.0
REST = 4.0
"""After each look so many times as long a pause as it took: a large plan is looked at less often."""
PATIENCE_S = 5.0


class Seen(NamedTuple):
    """The newest snapshot and how old it is; None: there was none yet. `trouble`: why there is no newer one."""

    snapshot: Snapshot | None
    age_s: float
    trouble: DrumbeatError | None
    looking_s: float = 0.0              # how long the look under way has taken; 0: none is
    cycle_s: float = EVERY_S            # from one look to the next, while somebody watches

    @property
    def is_stale(self) -> bool:
        return self.trouble is not None or self.age_s > max(3 * EVERY_S, 2 * self.cycle_s)


class Lookout:
    """Looks at most every ten seconds while somebody watches, and now and then for monitors, that always ask."""

    def __init__(self, look: Callable[[], Snapshot], *, elapsed_s: Callable[[], float] = elapsed_s) -> None:
        self._look, self._elapsed_s = look, elapsed_s
        self._changed = threading.Condition()
        self._snapshot: Snapshot | None = None
        self._trouble: DrumbeatError | None = None
        # by `elapsed_s`: when the last look began and the last that went well, when the next may, who asked for what
        self._made_at = self._tried_at = self._next_at = self._asked_at = self._wanted_since = float("-inf")
        self._cycle_s = EVERY_S
        self._began_at: float | None = None
        self._over = False
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """No further look. A look under way may go on for as long as it takes; nobody waits for it."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def seen(self, *, within_s: float = EVERY_S, patience_s: float = PATIENCE_S) -> Seen:
        """How things were at most `within_s` ago, if that can be known in so short a time; else the newest there is."""
        with self._changed:
            asked_at = self._elapsed_s()
            self._wanted_since = max(self._wanted_since, asked_at - within_s)
            if within_s <= EVERY_S:
                self._asked_at = asked_at
            self._changed.notify_all()
            if self._next_at <= asked_at + patience_s:
                self._changed.wait_for(lambda: self._over or self._tried_at >= asked_at - within_s, patience_s)
            now = self._elapsed_s()
            began = self._began_at
            return Seen(self._snapshot, now - self._made_at if self._snapshot else 0.0, self._trouble,
                        now - began if began is not None else 0.0, self._cycle_s)

    def _run(self) -> None:
        while self._wanted():
            snapshot, trouble = self._try()
            with self._changed:
                now, began = self._elapsed_s(), self._began_at or 0.0
                self._trouble, self._began_at, self._tried_at = trouble, None, began
                if snapshot is not None:
                    self._snapshot, self._made_at = snapshot, began
                self._next_at = max(began + EVERY_S, now + REST * (now - began))
                self._cycle_s = self._next_at - began
                self._changed.notify_all()

    def _wanted(self) -> bool:
        """Returns when it is time to look (True), or when it is over."""
        with self._changed:
            while not self._over:
                now = self._elapsed_s()
                is_wanted = now - self._asked_at <= IDLE_S or self._wanted_since > self._tried_at
                if is_wanted and now >= self._next_at:
                    self._began_at = now
                    return True
                self._changed.wait(self._next_at - now if is_wanted else None)
            return False

    def _try(self) -> tuple[Snapshot | None, DrumbeatError | None]:
        try:
            return self._look(), None
        except DrumbeatError as error:
            log.error("not looked why=%s remedy=%s", error.what, error.remedy)
            return None, error
        except Exception:                                         # the top of this thread: the pages stay
            log.exception("not looked, by a fault of ours")
            return None, DrumbeatError("What is going on could not be read, by a fault of this program.",
                                       "See the web app's log, and 'drumbeat status'.")
