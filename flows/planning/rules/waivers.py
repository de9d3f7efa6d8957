"""RUL001: an exception to a rule is dated, reasoned, signed by somebody who may, and goes when nobody needs it."""
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from difflib import get_close_matches

from flows.planning.rules.ruling import FIXED, Rule, excuses
from flows.planning.rules.wording import joined
from schemas.content import Content, Entry
from schemas.people import Person, Team
from schemas.place import Place
from schemas.problem import Problem, Severity
from schemas.rulebook import Rulebook, Waiver

_GATE_LINE = re.compile(r"(?:DISCOVERY|STRATEGY|SKILLS|LAUNCH|EXECUTION|MAINTENANCE)-\S+")
_ONLY_END = frozenset(("RUL001", "REF003", "CON001", "CON002", "CMP006", "GAT001", "GAT002"))
"""Codes that may say nothing here while a waiver for them is needed: they are found elsewhere, by the archive alone, or
a gate keeps posts back before they are told."""
_SIGN = frozenset(("sponsor", "approver"))


def idle_waivers(content: Content, raw: Sequence[Problem], today: date,
                 lacking: Collection[str], rules: Iterable[Rule]) -> tuple[Problem, ...]:
    """Waivers that are over, excuse nothing, or do not count. `raw`: every problem before any was waived.

    `lacking`: codes that nobody could judge today; a waiver for one of them may be needed. The same holds for a line
    of a gate, for a rule that asks the clock and may speak again tomorrow, and for one whose problems come from
    elsewhere: such a waiver only ends. `rules`: all there are.
    """
    needs: dict[str, str] = {}
    for rule in rules:
        needs[rule.code] = needs.get(rule.code, "") + rule.needs
    known = needs.keys()
    entry = next((entry for entry in content.entries if isinstance(entry.value, Rulebook)), None)
    if entry is None:
        return ()
    fired: dict[str, list[Problem]] = {}
    for problem in raw:
        fired.setdefault(problem.code, []).append(problem)
    made: list[Problem] = []
    for number, waiver in enumerate(content.rulebook().waivers):
        found = list(_of_paper(entry, number, waiver, content, known, today))
        silent = waiver.rule in known and waiver.rule not in {*lacking, *_ONLY_END} and "T" not in needs[waiver.rule]
        if not found and silent and not any(excuses(waiver, problem) for problem in fired.get(waiver.rule, ())):
            found = [IDLE.at(entry.place("waivers", number), f"Waiver for {waiver.rule} can go: {waiver.rule} says "
                             f"nothing{f' about {waiver.where}' if waiver.where else ''} today.", "Remove it.")]
        made += found
    return tuple(made)


def is_valid(waiver: Waiver, content: Content) -> bool:
    """Whether somebody signed it who may: a sponsor or an approver; where nobody has these roles, anybody."""
    return waiver.by is not None and (not (signers := _signers(content)) or waiver.by in signers)


def _signers(content: Content) -> list[str]:
    team = content.entry("team")
    people: tuple[Person, ...] = team.people if isinstance(team, Team) else ()
    return [person.id for person in people if not _SIGN.isdisjoint(person.roles)]


def _of_paper(entry: Entry, number: int, waiver: Waiver, content: Content, known: Collection[str],
              today: date) -> Iterator[Problem]:
    """What is wrong with a waiver by itself."""
    def place(field: str) -> Place:
        return entry.place("waivers", number, field)

    if waiver.rule not in known and not _GATE_LINE.fullmatch(waiver.rule):
        close = get_close_matches(waiver.rule.upper(), sorted(known), 1, 0.6)
        yield IDLE.at(place("rule"), f"There is no rule {waiver.rule}, so this waives nothing.",
                      f"Did you mean {close[0]}?" if close else "'drumbeat explain --all' lists the rules.")
    elif waiver.rule in FIXED:
        yield IDLE.at(place("rule"), f"Waiver for {waiver.rule} can go: nobody waives this rule.", "Remove it.")
    elif waiver.until is not None and waiver.until < today:
        yield IDLE.at(place("until"), f"Waiver for {waiver.rule} can go: it ended on {waiver.until}.",
                      "Remove it, or have it signed again with a later until:.")
    else:
        yield from _unsigned(waiver, place, content)


def _unsigned(waiver: Waiver, place: Callable[[str], Place], content: Content) -> Iterator[Problem]:
    lacks = [key for key in ("until", "by", "reason") if not getattr(waiver, key)]
    signers = _signers(content)
    names = " or ".join(signers)
    if lacks:
        counts = "" if is_valid(waiver, content) else ", and does not count"
        who = f"; {names} may sign" if "by" in lacks and names else ""
        yield IDLE.at(place(lacks[0]), f"Waiver for {waiver.rule} has no {joined(lacks)}{counts}.",
                      f"Add {joined([f'{key}:' for key in lacks])} to it{who}.")
    if waiver.by and not is_valid(waiver, content):
        yield IDLE.at(place("by"), f"Waiver for {waiver.rule} does not count: {waiver.by} is neither sponsor nor "
                      "approver.", f"Have {names} sign it, under by:.")


IDLE = Rule(
    "RUL001", Severity.warning, "FT", "A waiver has ended, its rule does not fire any more where it excuses, it lacks "
    "until, by or reason, or it is signed by nobody who may: the sponsor or an approver.",
    "Remove it, or have it signed.")
RULES: tuple[Rule, ...] = (IDLE,)
