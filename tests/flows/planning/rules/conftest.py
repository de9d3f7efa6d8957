"""What the rules of one family say of a folder, whether or not the others are asked too; and the sample content."""
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

import publishers
from flows.edges.repository import working_tree
from flows.planning.composing import compose
from flows.planning.preparing import Prepared
from flows.planning.reading import read
from flows.planning.resolving import resolve
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.scheduling import schedule
from flows.planning.tallying import tally
from schemas.content import SourceFile
from schemas.ledger import Slot
from schemas.plan import Item
from schemas.problem import Problem, in_order
from schemas.world import NOTHING_KNOWN, World

NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
SAMPLE = Path(__file__).parents[4] / "content"
Sources = Callable[[Mapping[str, str | bytes | None]], list[SourceFile]]


def facts_of(files: Iterable[SourceFile], now: datetime, sent: Mapping[Slot, datetime | None] | None = None,
             world: World = NOTHING_KNOWN) -> Facts:
    """What rules judge, before any of them has said a word."""
    content = resolve(read(files, "content"), "content", "working tree", publishers.available(), None)
    plan = schedule(content, {}, now=now, sent=sent)
    messages = {one.slot: compose(one.post, one.channel, content, one.slot, one.turn if isinstance(one, Item) else 0)
                for one in plan.everything()}
    return Facts(content, plan, messages, now, sent, said=tally(plan, sent, now), world=world)


def judge(rules: Iterable[Rule], facts: Facts) -> list[Problem]:
    found: list[Problem] = []
    for rule in rules:
        if facts.lacks(rule):
            continue
        if rule.all is not None:
            found += rule.all(facts)
        if rule.post is not None:
            for post in facts.content.posts:
                found += rule.post(post, facts)
    return in_order(found)


@pytest.fixture
def judged(sources: Sources) -> Callable[..., list[Problem]]:
    """The problems that some rules find in a folder, in order."""

    def of(rules: Iterable[Rule], files: Mapping[str, str | bytes | None], *, now: datetime = NOON,
           sent: Mapping[Slot, datetime | None] | None = None, world: World = NOTHING_KNOWN) -> list[Problem]:
        return judge(rules, facts_of(sources(files), now, sent, world))

    return of


@pytest.fixture(scope="session")
def sample() -> Facts:
    """The sample content of this repository on the day it is written for."""
    return facts_of(working_tree(SAMPLE), datetime(2027, 3, 17, 9, 0, tzinfo=UTC))


@pytest.fixture
def of_sample(sample: Facts) -> Callable[[Iterable[Rule]], list[Problem]]:
    """The problems that some rules find in the sample content."""
    return lambda rules: judge(rules, sample)


@pytest.fixture
def lines() -> Callable[[Iterable[Problem]], list[str]]:
    """Problems as a line each: place, severity, message, remedy, and what they stop."""

    def line(problem: Problem) -> str:
        channel = f" channel={problem.channel}" if problem.channel else ""
        run = f" run={problem.run}" if problem.run else ""
        return (f"{str(problem.place).removeprefix('content/')}: {problem.code} {problem.severity.value}: "
                f"{problem.message} {problem.remedy}{channel}{run}")

    return lambda problems: [line(problem) for problem in problems]


@pytest.fixture
def facts(sources: Sources) -> Callable[..., Facts]:
    """What rules judge of a folder."""

    def of(files: Mapping[str, str | bytes | None], *, now: datetime = NOON,
           sent: Mapping[Slot, datetime | None] | None = None, world: World = NOTHING_KNOWN) -> Facts:
        return facts_of(sources(files), now, sent, world)

    return of


@pytest.fixture
def said(request: pytest.FixtureRequest, prepared: Callable[..., Prepared],
         lines: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """What the rule of the test's marker says of a whole folder, a line each."""
    marker = request.node.get_closest_marker("rule")
    assert marker is not None
    return lambda files, **more: lines(one for one in prepared(files, **more).problems if one.code == marker.args[0])
