"""RUL001: an exception to a rule is dated, reasoned, signed by somebody who may, and goes when nobody needs it."""
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import PurePosixPath

from flows.planning.rules.ruling import FIXED, Homes, Rule, excuses, plain
from flows.planning.rules.wording import joined
from schemas.campaign import Campaign
from schemas.content import Content, Entry
from schemas.people import Person, Team
from schemas.place import Place
from schemas.problem import Problem, Severity
from schemas.rulebook import Rulebook, Waiver
from schemas.strategy import Strategy

_GATE_LINE = re.compile(r"(?:DISCOVERY|STRATEGY|SKILLS|LAUNCH|EXECUTION|MAINTENANCE)-\S+")
_ONLY_END = frozenset(("RUL001", "REF003", "CON001", "CON002", "CMP006", "GAT001", "GAT002"))
"""Codes that may say nothing here while a waiver for them is needed: they are found elsewhere, by the archive alone, or
a gate keeps posts back before they are told."""
_WEIGHTY = frozenset({"STR", "DIS", "GOL", "CMP", "GAT", "INT", "ENG", "NET", "PPL", "CRI", "MNT", "MEA", "IDE"})
"""Families of which only a sponsor or an approver excuses anything, even where nobody has these roles yet."""
_SIGN = frozenset(("sponsor", "approver"))
_MANY = 500
"""Above so many names, only those that begin alike are compared."""


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
    where = _Where(content)
    for number, waiver in enumerate(content.rulebook().waivers):
        found = list(_of_paper(entry, number, waiver, content, known, today))
        silent = waiver.rule in known and waiver.rule not in {*lacking, *_ONLY_END} and "T" not in needs[waiver.rule]
        is_needed = any(excuses(waiver, problem, where.homes) for problem in fired.get(waiver.rule, ()))
        if not found:
            found = list(_of_place(entry, number, waiver, where, is_needed=is_needed))
        if not found and silent and not is_needed:
            found = [IDLE.at(entry.place("waivers", number), f"Waiver for {waiver.rule} can go: {waiver.rule} says "
                             f"nothing{f' about {waiver.where}' if waiver.where else ''} today.", "Remove it.")]
        made += found
    return tuple(made)


def in_force(content: Content, today: date) -> tuple[Waiver, ...]:
    """The waivers that count today."""
    return tuple(one for one in content.rulebook().waivers
                 if one.until is not None and one.until >= today and is_valid(one, content))


def is_valid(waiver: Waiver, content: Content) -> bool:
    """Whether it has a last day, and somebody signed it who may: a sponsor or an approver; where nobody has these
    roles, anybody for rules about files, times and texts, and nobody for those that guard asks and campaigns.
    """
    return waiver.until is not None and _is_signed(waiver, _signers(content))


def _is_signed(waiver: Waiver, signers: Sequence[str]) -> bool:
    if signers or waiver.rule[:3] in _WEIGHTY or _GATE_LINE.fullmatch(waiver.rule):
        return waiver.by in signers
    return waiver.by is not None


def homes(content: Content) -> Homes:
    """Where strategies, campaigns, and whatever else has a file of its own, stand by their ids."""
    files: dict[str, str] = {}
    for entry in content.entries:
        if isinstance(entry.value, Strategy | Campaign):
            path = entry.file.removeprefix(f"{content.root}/")
            files.setdefault(entry.id, path.removesuffix("/campaign.yaml"))
    for entry in content.entries:
        files.setdefault(entry.id, entry.file.removeprefix(f"{content.root}/"))
    return Homes(content.root, files)


class _Where:
    """What a waiver can name here. All of it is looked at only where a waiver names something that excuses nothing."""

    def __init__(self, content: Content) -> None:
        self.homes, self._content = homes(content), content
        self._names: set[str] | None = None

    def named(self, where: str) -> str:
        return plain(where, self._content.root)

    def is_one(self, name: str) -> bool:
        """Whether something else than a post has the name."""
        return name in self.homes.files or any(name == one.id for one in self._content.channels.channels)

    def posts(self, name: str) -> list[str]:
        """The posts whose last part is `name`."""
        return sorted({id for id in self._ids() if id.endswith(f"/{name}")})

    def is_unknown(self, name: str) -> bool:
        """Whether nothing has the name, as far as all files can be read."""
        return not self._content.unreadable and name not in self.known()

    def known(self) -> set[str]:
        """Every name that there is."""
        if self._names is None:
            files = {file.removeprefix(f"{self._content.root}/") for file in (
                *(entry.file for entry in self._content.entries), *(post.post.file for post in self._content.posts),
                *(post.file for post in self._content.drafts), *self._content.unreadable,
                *(problem.place.file for problem in self._content.problems))}
            folders = {str(folder) for file in files for folder in PurePosixPath(file).parents}
            paths = {*files, *folders, *(file.rpartition(".")[0] for file in files)}
            ids = set(self._ids())
            self._names = {*self.homes.files, *paths, *(path.rpartition("/")[2] for path in paths), *ids,
                           *(id.rpartition("/")[2] for id in ids), *(id.partition("/")[0] for id in ids),
                           *(one.id for one in self._content.channels.channels)}
        return self._names

    def _ids(self) -> Iterator[str]:
        yield from (post.id for post in self._content.posts)
        yield from (post.id for post in self._content.drafts)
        yield from self._content.others
        yield from (problem.post for problem in self._content.problems if problem.post is not None)


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


def _of_place(entry: Entry, number: int, waiver: Waiver, where: _Where, *, is_needed: bool) -> Iterator[Problem]:
    """What is wrong with the place that a waiver names."""
    name, place = where.named(waiver.where or ""), entry.place("waivers", number, "where")
    if not name:
        if f"waivers.{number}.where" in entry.places:
            what = "nothing" if waiver.where is not None else "everything"
            yield IDLE.at(place, f"Waiver for {waiver.rule} has an empty where:, so it excuses {what}.",
                          "Write what it is for, or take where: out of it.")
    elif len(posts := where.posts(name) if "/" not in name and not where.is_one(name) else ()) > 1:
        yield IDLE.at(place, f"Waiver for {waiver.rule}: {name} is {joined(posts)}, and it excuses them all.",
                      "Write the whole id of the one that it is for.")
    elif not is_needed and where.is_unknown(name):
        known = where.known()
        alike = known if len(known) <= _MANY else {one for one in known if one[:2] == name[:2]}
        close = get_close_matches(name, sorted(alike), 1, 0.6)
        yield IDLE.at(place, f"Waiver for {waiver.rule}: nothing here is called {name}, so it excuses nothing.",
                      f"Did you mean {close[0]}?" if close else
                      "Name a post, a channel, a campaign, a strategy, a folder or a file.")


def _unsigned(waiver: Waiver, place: Callable[[str], Place], content: Content) -> Iterator[Problem]:
    lacks = [key for key in ("until", "by", "reason") if not getattr(waiver, key)]
    signers = _signers(content)
    names = " or ".join(signers)
    if lacks:
        counts = "" if is_valid(waiver, content) else ", and does not count"
        who = f"; {names} may sign" if "by" in lacks and names else ""
        yield IDLE.at(place(lacks[0]), f"Waiver for {waiver.rule} has no {joined(lacks)}{counts}.",
                      f"Add {joined([f'{key}:' for key in lacks])} to it{who}.")
    if waiver.by and not _is_signed(waiver, signers):
        yield IDLE.at(place("by"), f"Waiver for {waiver.rule} does not count: {waiver.by} is neither sponsor nor "
                      "approver.", f"Have {names} sign it, under by:." if names else
                      "Give somebody the role sponsor or approver in people/team.yaml, and have them sign it.")


IDLE = Rule(
    "RUL001", Severity.warning, "FT", "A waiver has ended, its rule does not fire any more where it excuses, what it "
    "names is not there or is several posts, it lacks until, by or reason, or it is signed by nobody who may: the "
    "sponsor or an approver.", "Remove it, have it signed, or name what it is for.")
RULES: tuple[Rule, ...] = (IDLE,)
