"""A publisher that keeps what it should give back: what the soak must catch to be believed.

    python leaks.py memory,descriptors,threads publish --lines …
"""
import os
import sys
import threading
from pathlib import Path
from typing import Any

from flows.cli import main
from flows.courier import Ended
from flows.deliver import Delivery

LEAKS = ("memory", "descriptors", "threads")
_KEPT_BYTES = 400_000           # for each delivery: as if its picture and its answer were never let go
_kept: list[Any] = []


def leaking(names: list[str]) -> None:
    """Every delivery leaves one thing of each of these kinds behind."""
    whole = Delivery.run

    def run(self: Delivery) -> Ended:
        if "memory" in names:
            _kept.append(os.urandom(_KEPT_BYTES))
        if "descriptors" in names:
            _kept.append(Path(os.devnull).open())  # noqa: SIM115 — that is the point
        if "threads" in names:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        return whole(self)

    Delivery.run = run  # type: ignore[method-assign]


if __name__ == "__main__":
    leaking(sys.argv.pop(1).split(","))
    main()
