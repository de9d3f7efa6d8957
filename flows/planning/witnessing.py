"""What the lines of every gate share: whom to ask, what the rules found, what nobody can tell, and what is waived."""
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from flows.planning.masking import masked
from flows.planning.rules.ruling import FIXED, Facts, why_lacking
from flows.planning.rules.signatures import is_here
from flows.planning.tallying import Said
from flows.planning.timing import wall
from schemas.content import Resolved
from schemas.gate import GateLine, Light
from schemas.people import Person, Team
from schemas.problem import Problem, Severity
from schemas.rulebook import Waiver

_SHOWN = 4
_MOST = 36_500
"""No knob means more: a hundred years of days."""
_LOOK_BY_HAND = "Look by hand what it would say, and have the line waived in rules.yaml until somebody can tell."
_WAYS = {"history": "Commit the content folder with Git, and run this where its history is.",
         "ledger": "Name the archive with --archive.",
         "measures": "Write the figures into measures/<year>.csv, one a line: date,metric,channel,value,source."}
"""How somebody comes to know, by the source that is missing."""


class Given(NamedTuple):
    """The gives of one channel in order of time. `out`: how many of them are out; `first`: when the first of those was.
    """

    gives: Sequence[Said]
    out: int
    first: datetime | None


class Ground(NamedTuple):
    """What lines are made of. `found`: problems by code. `lacking`: rules that nobody could judge, and what they lack.

    `names`: the ids by which a waiver means these lines. `strangers`: files and folders of other strategies and
    campaigns, whose problems do not count here. `prefix`: stands before the evidence where it would be unclear whose.
    `posts`: by campaign folder; `unfinished`: how many more are drafts or cannot be read. `given`: by channel.
    `thanks`: what is out of the posts that are named as a campaign's thanks: by post id, the channels and when.
    """

    facts: Facts
    today: date
    team: Team
    found: Mapping[str, Sequence[Problem]]
    lacking: Mapping[str, tuple[str, ...]]
    waivers: tuple[Waiver, ...]
    posts: Mapping[str, Sequence[Resolved]]
    unfinished: Mapping[str, int]
    given: Mapping[str, Given]
    thanks: Mapping[str, Sequence[tuple[str, datetime]]]
    names: frozenset[str] = frozenset()
    strangers: tuple[str, ...] = ()
    prefix: str = ""

    def line(self, key: str, what: str, seen: str, *, codes: Sequence[str] = (), also: Sequence[str] = (),
             holds: bool | None = None, doubt: bool = False, good: str = "", exact: bool = False, remedy: str = "",
             owner: str | None = None, names: Sequence[str] = ()) -> GateLine:
        """One line: red when `holds` is False or a rule of `codes` found something, amber when nobody can tell.

        What a rule only warns of opens no line that holds by its own words.
        `also`: rules that are about it too, so that waivers for them count. `doubt`: `seen` says that nobody can tell.
        `good`: the evidence of a green line, where `seen` is too short for it. `exact`: `seen` says what is wrong, and
        is told instead of the rule's own words. `names`: more ids by which a waiver means this line.
        """
        problems = self.problems(*codes)
        if holds:
            problems = [problem for problem in problems if problem.severity is Severity.error]
        unknown = next((source for code in codes for source in self.lacking.get(code, ())), None)
        if problems or holds is False:
            state, words = Light.red, seen
            if problems and not exact:
                more = f"; {len(problems) - 1} more like it" if len(problems) > 1 else ""
                words = f"{problems[0].message.rstrip('.')}{more}"
            remedy = problems[0].remedy if problems else remedy
        elif doubt:
            state, words = Light.amber, seen
        elif unknown is not None:
            state, words = Light.amber, f"{seen}; {self.why(unknown)}".removeprefix("; ")
            remedy = _WAYS.get(unknown, _LOOK_BY_HAND)
        else:
            state, words, remedy = Light.green, good or seen, ""
        why = problems[0].message.rstrip(".").partition(": ")[2] if state is Light.red and problems and exact else ""
        waived = None if state is Light.green else self._waived((key, *codes, *also), names)
        return GateLine(state, key, what, masked(f"{self.prefix}{words}"), masked(remedy), owner, waived,
                        masked(why))

    def problems(self, *codes: str) -> list[Problem]:
        """What these rules found here, in their order."""
        return [problem for code in codes for problem in self.found.get(code, ())
                if not problem.place.file.startswith(self.strangers)]

    def why(self, source: str) -> str:
        """Why nobody could ask a source."""
        return why_lacking(self.facts.world, source)

    def unread(self, key: str, paths: Iterable[str]) -> GateLine | None:
        """A red line for files that cannot be read: nobody knows what they say. None: all can be."""
        lost = sorted(path for path in paths if path in self.facts.content.unreadable)
        if not lost:
            return None
        return self.line(key, "files can be read", f"{listed(lost)} cannot be read", holds=False,
                         remedy="Run 'drumbeat check', and mend what it says about the file.", owner=self.lead)

    def knob(self, name: str, default: float) -> float:
        """A number of rules.yaml that can be counted with; its default where there is none."""
        value = self.facts.content.rulebook().knobs.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return default
        return value if 0 <= value <= _MOST else default

    # --- people -------------------------------------------------------------------------------------------------------

    def people(self, *roles: str) -> list[Person]:
        """Those who have one of the roles and are here today; all of them when none is named."""
        return [person for person in self.team.people if is_here(person, self.today)
                and (not roles or any(role in person.roles for role in roles))]

    def holder(self, *roles: str) -> str | None:
        """Who has the first of these roles that anybody has."""
        return next((person.id for role in roles for person in self.people(role)), None)

    @property
    def sponsor(self) -> str | None:
        """Who answers for it all: the sponsor of the strategy, else whoever has the role."""
        strategies = [value for _, value in self.facts.strategies() if value.strategy in self.names]
        named = next((value.sponsor.person for value in strategies if value.sponsor and value.sponsor.person), None)
        return named or self.holder("sponsor")

    @property
    def lead(self) -> str | None:
        """Who does the work: the social manager, else a strategist, else the sponsor."""
        return self.holder("social_manager", "strategist") or self.sponsor

    def _waived(self, codes: Container[str], names: Container[str]) -> str | None:
        for waiver in self.waivers:
            where = waiver.where
            if waiver.rule in codes and waiver.rule not in FIXED and (
                    where is None or where in self.names or where in names):
                until = f"until {waiver.until}" if waiver.until else "without an end"
                return masked(f"{until} by {waiver.by or 'nobody'}: {waiver.reason or 'no reason given'}")
        return None


def midnight(day: date, facts: Facts) -> datetime:
    """When a day begins, in the strategy's time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=wall(facts.content.timezone))


def counted(number: int, word: str, words: str | None = None) -> str:
    """`1 goal`, `2 goals`."""
    return f"{number:,} {word if number == 1 else words or f'{word}s'}"


def listed(names: Iterable[str], most: int = _SHOWN) -> str:
    """`a, b and c`; of many the first few, and how many more."""
    known = list(names)
    if len(known) > most:
        return f"{', '.join(known[:most])} and {len(known) - most} more"
    return " and ".join(filter(None, (", ".join(known[:-1]), *known[-1:])))


def by_day(days: Mapping[str, date | None]) -> list[str]:
    """`2027-03-04 on mastodon and x`, day by day; names without a day are left out."""
    made: dict[date, list[str]] = {}
    for name, day in days.items():
        if day is not None:
            made.setdefault(day, []).append(name)
    return [f"{day} on {listed(made[day])}" for day in sorted(made)]


def number(value: float) -> str:
    """`60`, `0.91`, `4,200`."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.10g}"
