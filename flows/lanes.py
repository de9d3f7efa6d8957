"""The accounts of one publisher: one call in flight each, and each opened before its first post is due."""
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

from publishers.base import Publisher
from schemas.channel import Channel
from schemas.errors import DrumbeatError, PublishError

log = logging.getLogger(__name__)
Job = TypeVar("Job")
Result = TypeVar("Result")
THREADS = 64
GETTING_READY = 8
"""So many accounts at once are opened ahead: a network that hangs holds up no post of another."""


class _Call(NamedTuple, Generic[Job, Result]):
    job: Job
    future: "Future[Result]"


class _Opening(NamedTuple):
    """An account that is opened ahead: `opened` ends with that, `asked` once it is known whose it is, or nobody says.
    """

    work: Callable[["Future[None]"], None]
    opened: "Future[None]"
    asked: "Future[None]"


class Lanes(Generic[Job, Result]):
    """Threads that call networks. `connect` opens a channel, `renew` with other credentials than were refused.

    `wake`: called, by any thread, when an account is free again. One thread hands out jobs and collects them.
    """

    def __init__(self, connect: Callable[[Channel], Publisher], renew: Callable[[Channel], Publisher],
                 wake: Callable[[], None]) -> None:
        self._connect, self._renew, self._wake = connect, renew, wake
        self._opened: dict[str, tuple[Channel, Publisher]] = {}
        self._calls: dict[str, _Call[Job, Result]] = {}
        self._getting_ready: dict[str, _Opening] = {}
        self._waiting: SimpleQueue[_Opening | None] = SimpleQueue()
        self._openers = 0

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="send")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A credential that is being renewed can be lost; who is only asked whose it is need not be waited for
        wait([one.opened for one in self._getting_ready.values() if not one.asked.cancel()])
        for _ in range(self._openers):
            self._waiting.put(None)
        self._pool.shutdown()

    @property
    def is_busy(self) -> bool:
        """Whether any job is under way."""
        return bool(self._calls)

    @property
    def jobs(self) -> list[Job]:
        """What is under way."""
        return [call.job for call in self._calls.values()]

    def is_free(self, channel: str) -> bool:
        """Whether nobody talks to the account; what only waits to be opened ahead waits no more."""
        ready = self._getting_ready.get(channel)
        return channel not in self._calls and (ready is None or ready.asked.done() or ready.asked.cancel())

    def hand_out(self, channel: Channel, job: Job, work: Callable[[], Result]) -> None:
        """Does `work` in a thread of its own."""
        future = self._pool.submit(work)
        self._calls[channel.id] = _Call(job, future)
        future.add_done_callback(lambda _: self._wake())

    def ended(self) -> Iterator[tuple[Job, "Future[Result]"]]:
        """Jobs that are over, each once."""
        for channel, call in list(self._calls.items()):
            if call.future.done():
                del self._calls[channel]
                yield call.job, call.future

    # --- accounts -----------------------------------------------------------------------------------------------------

    def open(self, channel: Channel) -> Publisher:
        """The adapter of the account, opened if need be. May take its time. Raises SettingsError."""
        known = self._opened.get(channel.id)
        if known is not None and known[0] == channel:
            return known[1]
        publisher = self._connect(channel)
        self._opened[channel.id] = (channel, publisher)
        return publisher

    def open_anew(self, channel: Channel) -> Publisher:
        """The account with other credentials than were refused, if there are any. Raises SettingsError."""
        publisher = self._renew(channel)
        self._opened[channel.id] = (channel, publisher)
        return publisher

    def close(self, channel: Channel) -> None:
        """It is opened anew next time, with the credentials of that time."""
        self._opened.pop(channel.id, None)

    def close_all(self) -> None:
        """A channel may have got another account."""
        self._opened = {}

    def get_ready(self, channel: Channel, identify: Callable[[Publisher], None], *,
                  unless: Callable[[], bool] = lambda: False) -> None:
        """Opens the account and asks whose it is, so that its next post need not wait for that. Says nothing.

        `unless`: asked just before, in the same thread, and once more before anybody is asked whose account it is.
        """
        if channel.id in self._opened or not self.is_free(channel.id):
            return

        def work(opened: "Future[None]") -> None:
            try:
                if not unless():
                    publisher = self.open(channel)
                    opened.set_result(None)
                    if not unless():
                        identify(publisher)
            except (DrumbeatError, PublishError) as error:        # the send asks again, and says so where people look
                log.info("not ready channel=%s why=%s", channel.id, error)
            except Exception:  # a fault of an adapter or its SDK: the send meets it, too
                log.exception("not ready channel=%s", channel.id)

        opening = self._getting_ready[channel.id] = _Opening(work, Future(), Future())
        opening.asked.add_done_callback(lambda _: self._wake())
        self._waiting.put(opening)
        if self._openers < GETTING_READY:
            threading.Thread(target=self._open_ahead, name=f"ready-{self._openers}", daemon=True).start()
            self._openers += 1

    def _open_ahead(self) -> None:
        """One thread of those that open accounts. A daemon: the process may end while a network hangs."""
        while (one := self._waiting.get()) is not None:
            if one.asked.set_running_or_notify_cancel():
                try:
                    one.work(one.opened)
                finally:
                    if not one.opened.done():                     # it was not opened
                        one.opened.set_result(None)
                    one.asked.set_result(None)
