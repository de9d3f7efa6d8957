"""The whole thought at once: files become content, a plan, and the message of every slot. Pure."""
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.composing import compose
from flows.planning.following import left_behind
from flows.planning.gating import gates
from flows.planning.holding import hold
from flows.planning.masking import masked, without_secrets
from flows.planning.reading import read
from flows.planning.resolving import resolve
from flows.planning.rules import RULES, Judged, evaluate, found_by, launches
from flows.planning.rules.book import BOOK
from flows.planning.rules.ruling import Facts, Terms, settle
from flows.planning.rules.waivers import homes, idle_waivers, in_force
from flows.planning.scheduling import schedule
from flows.planning.tallying import Said, Tally, as_of, joined, tally, unsure
from schemas.campaign import Campaign
from schemas.content import Content, Known, SourceFile
from schemas.gate import Gate
from schemas.hold import Moved
from schemas.ledger import Slot
from schemas.message import Message
from schemas.place import Place
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Problem, Severity, in_order
from schemas.world import NOTHING_KNOWN, World

Judge = Callable[[Message], list[Problem]]
"""What a network says of a message, before anything is sent."""
Know = Callable[[Content], World]
"""Looks for what is known beyond the folder, given whom and what the folder names."""


FOR_LAUNCH = frozenset({
    "DIS001", "DIS002", "DIS003", "STR001", "STR002", "STR004", "STR005", "STR008", "STR010", "STR011", "GOL001",
    "GOL002", "GOL003", "GOL004", "NET001", "CMP001", "CMP005", "CMP007", "CMP011", "CMP012", "LNK002", "CRI001"})
"""The rules that a line of LAUNCH, or of a gate before it, looks at."""
_IN_GATES = frozenset({"STR", "DIS", "GOL", "CMP", "ENG", "NET", "PPL", "CRI", "LNK", "MEA"})
_STEPS = frozenset(rule.code for rule in RULES if rule.gate and rule.code[:3] in _IN_GATES)
"""The rules of these families that are steps of a gate: only of them it matters whether they heal in time."""


class Others(NamedTuple):
    """Posts that are not looked at: who they are (as far as anybody asks), and the times they take.

    `taken`: by channel, sorted, in seconds since 1970. `said`: what they say on each channel, where that is asked for.
    """

    ids: tuple[Known, ...] = ()
    taken: Mapping[str, Sequence[int]] = {}
    said: Mapping[str, Sequence[Said]] = {}


NOBODY_ELSE = Others()


class Prepared(NamedTuple):
    """What the folder means now. `plan` holds only what may go out; what may not waits there with its reason."""

    content: Content
    plan: Plan
    messages: dict[Slot, Message]
    problems: tuple[Problem, ...]
    ids: Mapping[str, str]                       # of every post file, by its path in the folder; unreadable ones too
    gates: tuple[Gate, ...] = ()                 # none where only some posts are looked at
    lacking: Mapping[str, tuple[str, ...]] = {}  # rules that could not be judged: the sources that nobody could ask
    world: World = NOTHING_KNOWN


def prepare(
    files: Iterable[SourceFile],
    root: str,
    source: str,
    *,
    networks: tuple[str, ...],
    judge: Judge,
    now: datetime,
    kept: Mapping[Slot, datetime] | None = None,
    sent: Mapping[Slot, datetime | None] | None = None,
    published: frozenset[str] | None = None,
    resumed: Mapping[Slot, Moved] | None = None,
    others: Others = NOBODY_ELSE,
    fresh: frozenset[str] = frozenset(),
    know: Know | None = None,
    due: bool = True,
) -> Prepared:
    """Reads, resolves, schedules, composes and judges; never raises for content.

    `kept`: times that accepted plans gave. `sent`: what is published, and when; None when nobody looked. `published`:
    ids that the ledger knows, None when nobody looked. `resumed`: what resumes made of slots that were held. `others`:
    posts that exist and are not among `files`. `fresh`: files that were never committed. `know`: what Git, the archive
    and the networks tell. `due` False: what the hour decides is left out, for a plan that lasts: gates, the balance of
    gives and asks.
    """
    made = read(files, root)
    ids = {known.place.file.removeprefix(f"{root}/"): known.id for known in made.ids}
    made = made._replace(ids=(*made.ids, *others.ids))
    content = resolve(made, root, source, networks, published)._replace(others=tuple(one.id for one in others.ids))
    world = know(content) if know is not None else NOTHING_KNOWN
    facts = Facts(content, Plan(source, (), (), ()), {}, now, sent, fresh, world=world)
    terms, raw = terms_of(content, facts.today()), content.problems
    content = content._replace(problems=tuple(settle(raw, terms)))
    plan = schedule(content, kept or {}, now=now, sent=sent, taken=others.taken, resumed=resumed)
    messages: dict[Slot, Message] = {}
    problems: list[Problem] = list(plan.problems)
    for one in plan.everything():
        message = compose(one.post, one.channel, content, one.slot, one.turn)
        messages[one.slot] = message
        if one.channel.network in networks:
            has_something = any(part.text or part.media for part in message.parts)
            problems += judge(message) if has_something else _silent(one)
    said = joined(tally(plan, None if world.rehearsal else sent, now), others.said, rehearsal=world.rehearsal)
    facts = facts._replace(content=content, plan=plan, messages=messages, said=said,
                           unsure=unsure(content.posts, sent))
    if due and others is NOBODY_ELSE:
        facts, there = _to_come(facts)
        terms = terms._replace(to_come=there)
    judged, facts = _judged(facts, [*raw, *problems], due=due)
    problems += judged.problems
    problems += idle_waivers(content, (*raw, *problems), facts.today(), judged.lacking.keys(),
                             (*RULES, *BOOK)) if due else ()
    problems = settle(problems, terms)
    plan = _stopped(plan, problems, sent or {})
    if due:
        plan = hold(plan, facts, terms, sent or {})
    plan, behind = left_behind(plan, content.posts,
                               [*(post.id for post in content.drafts), *content.others], sent or {})
    problems += behind
    plan = plan._replace(waiting=tuple(one._replace(why=masked(one.why)) for one in plan.waiting))
    messages = {slot: message for slot, message in messages.items() if message.network in networks}
    return Prepared(content, plan, messages, tuple(in_order((*content.problems, *without_secrets(problems)))), ids,
                    facts.gates, judged.lacking, world)


def terms_of(content: Content, today: date) -> Terms:
    """How strictly the content's own rules take problems today."""
    depends = any(isinstance(entry.value, Campaign) for entry in content.entries) or any(
        post.intent == "ask" for post in content.posts)
    return Terms(content.rulebook(), in_force(content, today), depends, homes=homes(content))


def _judged(facts: Facts, raw: Sequence[Problem], *, due: bool) -> tuple[Judged, Facts]:
    """What the rules say, and then what they say of the gates that follow from it."""
    judged = evaluate(facts, due=due)
    if not due:
        return judged, facts
    facts = facts._replace(gates=gates(facts, (*raw, *judged.problems), judged.lacking))
    more = [problem for rule in launches.RULES for problem in found_by(rule, facts)]
    codes = {rule.code for rule in launches.RULES}
    lacking = {code: lacks for code, lacks in judged.lacking.items() if code not in codes}
    return Judged((*judged.problems, *more), lacking), facts


def _to_come(facts: Facts) -> tuple[Facts, frozenset[tuple[str, Place]] | None]:
    """`facts` with the LAUNCH gates as they will be if nobody does anything but what is written: of campaigns to come
    on the first day, of all that are not over on the last; and which steps of gates will be open on the first day of
    the next campaign, None where something has begun.

    What only the real world can tell is left out.
    """
    today, campaigns = facts.today(), {entry.folder: campaign for entry, campaign in facts.campaigns()}
    later = {name: one.start for name, one in campaigns.items() if one.start is not None and one.start > today}
    undated = {name for name, one in campaigns.items() if one.start is None}     # they have not begun
    asks_now = any(post.intent == "ask" and post.post.campaign not in later and post.post.campaign not in undated
                   for post in facts.content.posts) if later else True
    begun = asks_now or any(one.start is not None and one.start <= today for one in campaigns.values())
    last = {name: one.end for name, one in campaigns.items()
            if one.start is not None and one.end is not None and one.end > max(today, one.start)}
    launches, endings = dict[str, Gate](), dict[str, Gate]()
    first: frozenset[tuple[str, Place]] | None = None
    said: Tally = tally(facts.plan, None, facts.now)
    world = facts.world._replace(rehearsal=True, trials=None, dry_runs=None)
    for day in sorted({*later.values(), *last.values()}):
        then = datetime.combine(day, time(12), ZoneInfo(facts.content.timezone)).astimezone(UTC)
        said = as_of(said, then)
        there = facts._replace(now=then, sent=None, said=said, world=world)
        judged = evaluate(there, codes=FOR_LAUNCH if begun or first is not None else FOR_LAUNCH | _STEPS)
        for gate in gates(there, judged.problems, judged.lacking):
            if gate.gate == "LAUNCH" and gate.campaign is not None:
                launches |= {gate.campaign: gate} if later.get(gate.campaign) == day else {}
                endings |= {gate.campaign: gate} if last.get(gate.campaign) == day else {}
        if first is None and not begun:
            first = frozenset((problem.code, problem.place) for problem in judged.problems)
    return facts._replace(launches=launches, endings=endings), first


def _stopped(plan: Plan, problems: Iterable[Problem], sent: Container[Slot]) -> Plan:
    """`plan` where every item that an error is about waits for it to be mended; what is `sent` waits for nothing."""
    errors: dict[str | None, list[Problem]] = {}
    for problem in problems:
        if problem.severity == Severity.error and problem.post is not None:
            errors.setdefault(problem.post, []).append(problem)
    if not errors:
        return plan
    items, waiting = [], list(plan.waiting)
    for item in plan.items:
        stop = next((p for p in errors.get(item.post.id, ()) if p.concerns(item.channel.id, item.slot.run)), None)
        if stop is None or item.slot in sent:
            items.append(item)
        else:
            waiting.append(Waiting(
                item.slot, item.post, item.channel, reason(stop), item.zone, item.at, item.found, item.turn,
                stopped=True))
    return plan._replace(items=tuple(items), waiting=tuple(waiting))


def reason(problem: Problem) -> str:
    """A problem in one line, as the reason why a slot waits."""
    return f"{problem.place}: {problem.message} {problem.remedy}"


def _silent(one: Item | Waiting) -> list[Problem]:
    """SYN004: a channel for which the post has no text."""
    if not one.post.post.sections:
        return []  # said once for the whole post already
    return [
        Problem(
            "SYN004",
            Severity.error,
            one.post.post.place("channels"),
            f"Nothing to publish on {one.channel.id}.",
            f"Write a text for all channels, or add '## on {one.channel.id}'.",
            one.post.id,
            one.channel.id,
        )
    ]
