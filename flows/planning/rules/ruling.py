"""What a rule is, what it may look at, and what the content's own `rules.yaml` makes of what it found."""
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.tallying import Tally
from schemas.campaign import Campaign
from schemas.content import Content, Entry, Resolved
from schemas.gate import Gate
from schemas.ledger import Slot
from schemas.message import Message
from schemas.place import Place
from schemas.plan import Plan
from schemas.problem import Problem, Severity
from schemas.rulebook import Knob, Rulebook, Waiver
from schemas.strategy import Strategy
from schemas.world import NOTHING_KNOWN, World

Source = Literal["history", "ledger", "measures", "inbox", "trials", "gates"]
"""What a rule may need beyond files, plan and clock: Git, the archive, measures/*.csv, inboxes, connection tests."""

LACKING: Mapping[str, str] = {
    "history": "nobody looked into Git", "ledger": "no archive was named (--archive)",
    "measures": "there are no figures (measures/*.csv)", "inbox": "inboxes are not read by this version",
    "trials": "no connection test is recorded", "gates": "there are no gates"}
"""Why a source was not asked, where nobody says it better."""


def why_lacking(world: World, source: str) -> str:
    """Why nobody could ask a source, in words."""
    return world.why.get(source) or LACKING.get(source, "nobody could look")


FIXED = frozenset({"SYN001", "SYN007", "LGL005", "CRI002", "SYN008", "SYN009", "SYN011"})
"""Codes whose severity nobody changes and that nobody waives: domain, section 8, marked with a dagger; and our own that
keep a text from being another than the reviewer saw."""


class Facts(NamedTuple):
    """What rules judge. `messages`: what each channel gets, by slot; `sent`: what is published, and when it went out.

    `sent` None: nobody looked into the archive, so rules that need it are not evaluated. `fresh`: files that were never
    committed. `said`: what each channel said and will say. `unsure`: channels that said more than anybody knows here:
    only the archive tells which turns of a series are out. `gates`: empty until the other rules are judged.
    `launches`: what LAUNCH will be on the first day of campaigns to come, as things stand, by campaign; `endings`: and
    on the last day. `world`: what Git, inboxes and connection tests tell.
    """

    content: Content
    plan: Plan
    messages: Mapping[Slot, Message]
    now: datetime
    sent: Mapping[Slot, datetime | None] | None = None
    fresh: frozenset[str] = frozenset()
    said: Tally = MappingProxyType({})
    unsure: frozenset[str] = frozenset()
    gates: tuple[Gate, ...] = ()
    launches: Mapping[str, Gate] = MappingProxyType({})
    endings: Mapping[str, Gate] = MappingProxyType({})
    world: World = NOTHING_KNOWN

    def strategies(self) -> list[tuple[Entry, Strategy]]:
        """Every strategy with the file it stands in."""
        return [(entry, entry.value) for entry in self.content.entries if isinstance(entry.value, Strategy)]

    def campaigns(self) -> list[tuple[Entry, Campaign]]:
        """Every campaign with the file it stands in; the entry's id is that of its folder or its own."""
        return [(entry, entry.value) for entry in self.content.entries if isinstance(entry.value, Campaign)]

    def lacks(self, rule: "Rule") -> tuple[str, ...]:
        """Which of the sources that `rule` cannot do without nobody could ask."""
        return tuple(source for source in rule.wants if not self._knows(source))

    def _knows(self, source: Source) -> bool:
        match source:
            case "history":
                return self.world.history is not None
            case "ledger":
                return self.sent is not None
            case "measures":
                return self.content.figures is not None
            case "inbox":
                return self.world.inbox is not None
            case "trials":
                return bool(self.world.trials)
            case "gates":
                return bool(self.gates)

    def today(self) -> date:
        """The day it is, in the strategy's time zone."""
        return self.now.astimezone(ZoneInfo(self.content.timezone)).date()

    def knob(self, rule: "Rule", name: str) -> Any:
        """The value of one of the rule's knobs: of `rules.yaml` where it is of the right kind, else its default."""
        default = rule.knobs[name]
        value = self.content.rulebook().knobs.get(name, default)
        if isinstance(default, list | tuple):
            return (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else default
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (default, value))
        return value if numbers or type(value) is type(default) else default


class Rule(NamedTuple):
    """One rule of the book. `needs`: F files, G Git history, D archive or figures, T the clock.

    `post` judges one post by itself; `all` judges what only the whole content shows. One of them is set.
    `wants`: sources without which it is not evaluated at all. `gate`: it is a to-do under that gate (advice) for as
    long as nothing depends on it: no ask, no campaign, and a profile that is not strict. `acts`: it keeps posts back
    for the strategy's sake, so under the profile relaxed it only warns. `due`: it is asked once more when a slot's hour
    has come, since the answer may change with the clock or the archive.
    """

    code: str
    severity: Severity
    needs: str
    fires: str                            # when it fires, in a writer's words
    remedy: str                           # what to do about it in general
    post: Callable[[Resolved, Facts], Iterator[Problem]] | None = None
    all: Callable[[Facts], Iterator[Problem]] | None = None
    knobs: Mapping[str, Knob] = {}
    wants: tuple[Source, ...] = ()
    gate: str = ""
    acts: bool = False
    due: bool = False

    def at(self, place: Place, message: str, remedy: str, post: str | None = None, channel: str | None = None,
           run: str | None = None, severity: Severity | None = None) -> Problem:
        """A problem that this rule found; `severity` where it is not the rule's own."""
        return Problem(
            self.code, severity or self.severity, place, message, remedy, post, channel, run, self.gate, self.acts)


class Homes(NamedTuple):
    """Where the things stand that a waiver may name. `files`: by id, a path from the content folder on. `root`: how
    that folder is called in messages; "": by one word.
    """

    root: str = ""
    files: Mapping[str, str] = MappingProxyType({})


NOWHERE = Homes()


class Terms(NamedTuple):
    """How strictly problems are taken today. `waivers`: those in force. `depends`: an ask or a campaign exists, so that
    what guards them is no to-do any more. `to_come`: the first campaign is still to come, and these problems, by code
    and place, will be there on its first day as things stand; the others heal by what is written. None: it has begun.
    """

    rulebook: Rulebook
    waivers: tuple[Waiver, ...]
    depends: bool
    to_come: frozenset[tuple[str, Place]] | None = None
    homes: Homes = NOWHERE


def settle(problems: Iterable[Problem], terms: Terms) -> list[Problem]:
    """The problems as profile, severities and waivers have it: what is off or waived today is left out."""
    made = []
    for problem in problems:
        severity = severity_of(problem, terms)
        if severity is None or (problem.code not in FIXED and any(
                excuses(waiver, problem, terms.homes) for waiver in terms.waivers)):
            continue
        made.append(problem if severity is problem.severity else problem._replace(severity=severity))
    return made


def severity_of(one: "Problem | Rule", terms: Terms) -> Severity | None:
    """What a rule, or what it found, is here, by `rules.yaml` or by the profile; None: it is off."""
    if one.code in FIXED:
        return one.severity
    said = terms.rulebook.severity.get(one.code)
    return None if said == "off" else Severity(said) if said is not None else _by_profile(one, terms)


def _by_profile(one: "Problem | Rule", terms: Terms) -> Severity:
    """A to-do while nothing depends on it, or while it will be done in time; under relaxed, strategy stops nothing."""
    profile = terms.rulebook.profile
    if one.gate and profile != "strict":
        heals = isinstance(one, Problem) and terms.to_come is not None and (one.code, one.place) not in terms.to_come
        if heals or not terms.depends:
            return Severity.advice
    if one.acts and profile == "relaxed" and one.severity is Severity.error:
        return Severity.warning
    return one.severity


def excuses(waiver: Waiver, problem: Problem, homes: Homes = NOWHERE) -> bool:
    """Whether a waiver is about the problem: its rule; and its post, channel, campaign, strategy, folder or file, or
    everything where it names nothing.
    """
    if waiver.rule != problem.code:
        return False
    return waiver.where is None or _is_there(waiver.where, problem, homes)


def _is_there(where: str, problem: Problem, homes: Homes) -> bool:
    """A word is a post's last part, a campaign, a series, a channel, a folder at the top, or a file without its ending;
    what has a slash is the whole id of a post, or a path from the content folder on. A folder within another needs its
    path: `posts` is the always-on posts, and not those of every campaign.
    """
    root = homes.root or problem.place.file.partition("/")[0]
    name, file, post = plain(where, root), problem.place.file.removeprefix(f"{root}/"), problem.post or ""
    if not name:
        return False
    if name in (post, problem.channel) or any(_is_at(file, home) for home in (name, homes.files.get(name, name))):
        return True
    if "/" in name:
        return bool(post) and f"campaigns/{post}".startswith(f"{name}/")
    return name in (post.partition("/")[0], post.rpartition("/")[2]) or file.startswith(
        (f"campaigns/{name}/", f"evergreen/{name}/")) or name == _stem(file)


def plain(where: str, root: str) -> str:
    """What a waiver names, from the content folder on: without slashes around it, and without the folder's own name."""
    return where.strip().removeprefix("./").removeprefix(f"{root}/").strip("/")


def _is_at(file: str, home: str) -> bool:
    """Whether a path is another one, with or without its ending, or below it."""
    return file == home or file.startswith(f"{home}/") or file.rpartition(".")[0] == home


def _stem(file: str) -> str:
    """The name of a file without its ending; "": one that every campaign, or every series, has."""
    name = file.rpartition("/")[2]
    return "" if name in ("campaign.yaml", "series.yaml") else name.rpartition(".")[0]
