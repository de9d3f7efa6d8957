"""Prefect is told of pushes off the request's path: a forge waits for nobody, and the newest push stands for all."""
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from flows.edges.prefect_events import emit

log = logging.getLogger(__name__)
PUSHED = "drumbeat.content.pushed"
Emit = Callable[[str, Mapping[str, str], Mapping[str, Any]], bool]


class Herald:
    """Tells one push at a time. What is pushed while it does is told next, as one."""

    def __init__(self, branch: str, emit: Emit = emit) -> None:
        self._branch, self._emit = branch, emit
        self._news: Mapping[str, Any] | None = None
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="herald", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tell(self, news: Mapping[str, Any]) -> None:
        """Returns at once. `news`: the event's payload."""
        with self._changed:
            self._news = news
            self._changed.notify_all()

    def end(self) -> None:
        """Once what is known is told."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        resource = {"prefect.resource.id": f"drumbeat.content.{self._branch}",
                    "prefect.resource.name": self._branch}
        while (news := self._next()) is not None:
            if self._emit(PUSHED, resource, news):
                log.info("Prefect was told of a push commit=%s", str(news["commit"])[:10])

    def _next(self) -> Mapping[str, Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._news is not None or self._over)
            news, self._news = self._news, None
            return news
