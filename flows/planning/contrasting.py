"""Problems and gates of two sides held against each other: which problems are new, which gates stand otherwise."""
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.gate import Gate, GateLine, Light
from schemas.problem import Problem, Severity

Pair = tuple[GateLine | None, GateLine | None]
"""A line of a gate as it was and as it is; None: there was none, or is none."""
_ORDER = tuple(Severity)


class Found(NamedTuple):
    """A problem of the tree. `is_new`: the base has it not."""

    problem: Problem
    is_new: bool


class Swing(NamedTuple):
    """A gate that stands otherwise than before. None: there was no such gate, or there is none any more.

    `lines`: those that differ, each as it was and as it is.
    """

    name: str
    before: Light | None
    after: Light | None
    lines: tuple[Pair, ...]


def marked(before: Iterable[Problem], after: Iterable[Problem]) -> tuple[tuple[Found, ...], int]:
    """The problems of `after`, errors first, each new or not, and how many of `before` are gone.

    A problem is the same wherever in its file it stands: what is written above it moves it.
    """
    known = Counter(_same(problem) for problem in before)
    found = []
    for problem in sorted(after, key=lambda one: (_ORDER.index(one.severity), one.place, one.code)):
        found.append(Found(problem, known[_same(problem)] <= 0))
        known[_same(problem)] -= 1
    return tuple(found), sum(number for number in known.values() if number > 0)


def _same(problem: Problem) -> tuple[object, ...]:
    return problem._replace(place=problem.place._replace(line=1, column=1))


def swings(before: Sequence[Gate], after: Sequence[Gate]) -> tuple[Swing, ...]:
    """The gates whose state or lines differ, in their order; those that are no more at the end."""
    olds, news = ({gate.name: gate for gate in gates} for gates in (before, after))
    made = []
    for name in dict.fromkeys((*news, *olds)):
        old, new = olds.get(name), news.get(name)
        pairs = _pairs(old.lines if old else (), new.lines if new else ())
        if pairs or old is None or new is None or old.state is not new.state:
            made.append(Swing(name, old and old.state, new and new.state, pairs))
    return tuple(made)


def _pairs(before: Sequence[GateLine], after: Sequence[GateLine]) -> tuple[Pair, ...]:
    """Lines that differ. A rule may have several lines in a gate: the first is held against the first."""
    olds, news = _numbered(before), _numbered(after)
    pairs = ((olds.get(key), news.get(key)) for key in dict.fromkeys((*news, *olds)))
    return tuple((old, new) for old, new in pairs if old is None or new is None or
                 (old.state, old.waived, old.evidence) != (new.state, new.waived, new.evidence))


def _numbered(gate: Sequence[GateLine]) -> dict[tuple[str, int], GateLine]:
    often: Counter[str] = Counter()
    made = {}
    for line in gate:
        made[line.key, often[line.key]] = line
        often[line.key] += 1
    return made
