"""What the supervisor of `up` does by itself, without its children."""
from pathlib import Path
from typing import Any

from flows.cli.relaying import Relay
from flows.cli.supervising import Handover
from flows.edges.holds import Holds
from flows.edges.store import open_store
from schemas.hold import Hold

from ..conftest import NOON


def test_what_ends_between_two_shifts_is_told(tmp_path: Path) -> None:
    """No sender looked when it went on: the next shift says so, once; what was over before `up` began is history."""
    said = list[str]()
    archive = f"dir:{tmp_path}"
    handover, holds = Handover(archive, Relay(said.append, by_month=False)), Holds(open_store(archive))

    def add(kind: Any, by: str, reason: str = "") -> None:
        holds.add(Hold(number=0, kind=kind, scope="all", by=by, reason=reason, at=NOON))

    add("hold", "Wren", "long ago")
    add("resume", "Wren")
    add("hold", "Ilse", "a storm")
    handover.tell()                                               # the first shift: its sender says what is held
    add("resume", "Ann")
    handover.tell()
    handover.tell()

    assert said == ["goes on: everything, by Ann; held by Ilse: a storm"]
