"""What a flood of calls runs into: names already seen, and so many calls a second, true and forged ones apart."""
import threading
from collections import OrderedDict
from collections.abc import Callable

KEPT = 10_000
"""So many names are remembered; the oldest go first."""


class Seen:
    """Which deliveries were taken. Safe for many threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._names, self._lock = most, OrderedDict[str, None](), threading.Lock()

    def take(self, *names: str) -> bool:
        """Whether none of `names` was taken before; then all of them are taken now."""
        with self._lock:
            if any(name in self._names for name in names):
                return False
            self._names.update(dict.fromkeys(names))
            while len(self._names) > self._most:
                self._names.popitem(last=False)
            return True

    def give_back(self, *names: str) -> None:
        """Nothing came of them: they may come again."""
        with self._lock:
            for name in names:
                self._names.pop(name, None)


class Bucket:
    """Holds `most` calls and fills by `a_second`. Safe for many threads."""

    def __init__(self, most: float, a_second: float, elapsed_s: Callable[[], float]) -> None:
        self._most, self._a_second, self._elapsed_s = most, a_second, elapsed_s
        self._left, self._at, self._lock = float(most), elapsed_s(), threading.Lock()

    def take(self) -> float:
        """Seconds until a call may be made; 0: it may be made now, and is counted."""
        with self._lock:
            now = self._elapsed_s()
            self._left = min(self._most, self._left + (now - self._at) * self._a_second)
            self._at = now
            if self._left < 1:
                return (1 - self._left) / self._a_second
            self._left -= 1
            return 0.0
