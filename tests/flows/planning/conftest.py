"""A content folder as a dictionary: path in the folder → text, bytes or a whole SourceFile."""
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

import publishers
from flows.planning.preparing import Prepared, prepare
from schemas.content import SourceFile
from schemas.problem import Problem

Files = Mapping[str, str | bytes | SourceFile | None]
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
SMALL = {
    "strategy.yaml": "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\nown_domains: [ours.example]\n",
    "people/team.yaml": "people:\n  - id: wren\n",
    "networks/channels.yaml": 'channels:\n  - id: mastodon\n    network: mastodon\n    handle: "@us@social.example"\n'
                              '    slots: ["tue 08:45", "thu 12:30"]\n',
}
"""The smallest folder that publishes: a frame, a person, a channel."""


def source_files(files: Files) -> list[SourceFile]:
    """`files` over the smallest folder; None takes a file away."""
    made = []
    for path, held in {**SMALL, **files}.items():
        if isinstance(held, SourceFile):
            made.append(held)
        elif held is not None:
            data = held.encode() if isinstance(held, str) else held
            made.append(SourceFile(path, hashlib.sha1(data).hexdigest(), len(data), "file", data))
    return made


@pytest.fixture
def sources() -> Callable[[Files], list[SourceFile]]:
    return source_files


STRATEGIC = frozenset({"STR", "DIS", "GOL", "CMP", "GAT", "INT", "ENG", "NET", "PPL", "CRI", "MNT", "MEA", "IDE"})
"""Families that judge more than files, times, texts and networks: they have tests of their own."""


@pytest.fixture
def prepared() -> Callable[..., Prepared]:
    """Everything the folder means, with the real adapters for judges.

    Unless `strategic`, what strategy, campaigns and people lack is left out, and holds nothing.
    """

    def make(files: Files, *, strategic: bool = False, **more: Any) -> Prepared:
        options: dict[str, Any] = {"networks": publishers.available(), "judge": publishers.judge, "now": NOON, **more}
        if strategic:
            return prepare(source_files(files), "content", "working tree", **options)
        relaxed = source_files({"rules.yaml": "profile: relaxed\n", **files})
        made = prepare(relaxed, "content", "working tree", **options)
        return made._replace(problems=tuple(one for one in made.problems if one.code[:3] not in STRATEGIC))

    return make


@pytest.fixture
def told() -> Callable[[Iterable[Problem]], list[str]]:
    """Problems as one line each, advice left out unless asked for: place, severity, message, code, remedy."""

    def tell(problems: Iterable[Problem], advice: bool = False) -> list[str]:
        return [
            f"{p.place}: {p.severity.value}: {p.message} [{p.code}] {p.remedy}"
            for p in problems
            if advice or p.severity != "advice"
        ]

    return tell
