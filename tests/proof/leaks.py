"""A publisher that keeps what it should give back: what the soak must catch to be believed.

    python leaks.py memory,descriptors,threads publish --lines …
"""
import os
import sys
import threading
from pathlib import Path
from typing import Any

from flows.cli import main
from flows.deliver import Courier

LEAKS = ("memory", "descriptors", "threads")
_KEPT_BYTES = 400_000           # for each delivery: as if its picture and its answer were never let go
_kept: list[Any] = []


def leaking(names: list[str]) -> None:
    """Every delivery leaves one thing of each of these kinds behind."""
    whole = Courier.deliver

    def deliver(self: Courier, *what: Any) -> Any:
        if "memory" in names:
            _kept.append(os.urandom(_KEPT_BYTES))
        if "descriptors" in names:
            _kept.append(Path(os.devnull).open())  # noqa: SIM115 — that is the point
        if "threads" in names:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        return whole(self, *what)

    Courier.deliver = deliver  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    leaking(sys.argv.pop(1).split(","))
    main()
