"""The gates of a folder of a few lines, and of the sample content with a few words of it changed."""
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

import publishers
from flows.edges.repository import working_tree
from flows.planning.composing import compose
from flows.planning.gating import gates
from flows.planning.reading import read
from flows.planning.resolving import resolve
from flows.planning.rules import evaluate
from flows.planning.rules.ruling import Facts
from flows.planning.scheduling import schedule
from flows.planning.tallying import tally
from schemas.content import SourceFile
from schemas.gate import Gate
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import NOTHING_KNOWN, World

SAMPLE = Path(__file__).parents[4] / "content"
Edits = Mapping[str, tuple[str, str] | list[tuple[str, str]] | str | None]
"""By path: what to replace by what, once or several times; a whole text; None: the file is not there."""


def facts_of(files: Iterable[SourceFile], day: str, sent: Mapping[Slot, datetime | None] | None = None,
             world: World = NOTHING_KNOWN) -> Facts:
    now = datetime.fromisoformat(f"{day} 09:00+00:00").astimezone(UTC)
    content = resolve(read(files, "content"), "content", "working tree", publishers.available(), None)
    plan = schedule(content, {}, now=now, sent=sent)
    messages = {one.slot: compose(one.post, one.channel, content, one.slot, one.turn) for one in plan.everything()}
    return Facts(content, plan, messages, now, sent, said=tally(plan, sent, now), world=world)


class Asked(NamedTuple):
    """What the rules found, by code, and which could not be judged."""

    found: Mapping[str, Sequence[Problem]]
    lacking: Mapping[str, tuple[str, ...]]


NOBODY_ASKED = Asked({}, {})


def ask(facts: Facts) -> Asked:
    """What the rules say of a folder."""
    judged, found = evaluate(facts), dict[str, list[Problem]]()
    for problem in judged.problems:
        found.setdefault(problem.code, []).append(problem)
    return Asked(found, judged.lacking)


def gates_of(facts: Facts, asked: Asked = NOBODY_ASKED) -> dict[str, Gate]:
    """Every gate by its name."""
    raw = [problem for problems in asked.found.values() for problem in problems]
    return {gate.name: gate for gate in gates(facts, raw, asked.lacking)}


def edited(edits: Edits) -> list[SourceFile]:
    files = {file.path: file for file in working_tree(SAMPLE)}
    for path, edit in edits.items():
        if edit is None:
            del files[path]
            continue
        text = edit if isinstance(edit, str) else (files[path].data or b"").decode()
        for old, new in [edit] if isinstance(edit, tuple) else edit if isinstance(edit, list) else ():
            assert old in text, f"{path} has no {old!r}"
            text = text.replace(old, new)
        files[path] = SourceFile(path, f"{abs(hash(text)):040x}", len(text), "file", text.encode())
    return list(files.values())


class Look(NamedTuple):
    """The gates of the sample content, and what the rules found in it."""

    gates: dict[str, Gate]
    asked: Asked


@pytest.fixture
def sample_gates() -> Callable[..., dict[str, Gate]]:
    """The gates of the sample content at 09:00 of a day, with some of its words changed; no rule is asked."""

    def of(day: str = "2027-03-17", edits: Edits | None = None, sent: Mapping[Slot, datetime | None] | None = None,
           world: World = NOTHING_KNOWN, problems: Sequence[Problem] = ()) -> dict[str, Gate]:
        found = {problem.code: [one for one in problems if one.code == problem.code] for problem in problems}
        return gates_of(facts_of(edited(edits or {}), day, sent, world), Asked(found, {}))

    return of


@pytest.fixture
def sample_look() -> Callable[..., Look]:
    """The same, after the rules were asked."""

    def of(day: str = "2027-03-17", edits: Edits | None = None, world: World = NOTHING_KNOWN) -> Look:
        facts = facts_of(edited(edits or {}), day, None, world)
        asked = ask(facts)
        return Look(gates_of(facts, asked), asked)

    return of


@pytest.fixture
def folder_gates(sources: Callable[[Mapping[str, str | None]], list[SourceFile]]) -> Callable[..., dict[str, Gate]]:
    """The gates of a folder of a few files, over the smallest one; no rule is asked."""

    def of(files: Mapping[str, str | None], day: str = "2027-03-17") -> dict[str, Gate]:
        return gates_of(facts_of(sources(files), day))

    return of


@pytest.fixture
def told_line() -> Callable[[Gate, str], tuple[str, str, str, str | None]]:
    """State, evidence, remedy and owner of the line with that key or that name."""

    def of(gate: Gate, name: str) -> tuple[str, str, str, str | None]:
        (line,) = [line for line in gate.lines if name in (line.key, line.what)]
        return line.state.value, line.evidence, line.remedy, line.owner

    return of
