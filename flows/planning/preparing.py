"""The whole thought at once: files become content, a plan, and the message of every slot. Pure."""
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from flows.planning.composing import compose
from flows.planning.following import left_behind
from flows.planning.masking import masked, without_secrets
from flows.planning.reading import read
from flows.planning.resolving import resolve
from flows.planning.rules import evaluate
from flows.planning.rules.ruling import Facts, settle
from flows.planning.scheduling import schedule
from schemas.content import Content, Known, SourceFile
from schemas.ledger import Slot
from schemas.message import Message
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Problem, Severity, in_order

Judge = Callable[[Message], list[Problem]]
"""What a network says of a message, before anything is sent."""


class Others(NamedTuple):
    """Posts that are not looked at: who they are (as far as anybody asks), and the times they take.

    `taken`: by channel, sorted, in seconds since 1970.
    """

    ids: tuple[Known, ...] = ()
    taken: Mapping[str, Sequence[int]] = {}


NOBODY_ELSE = Others()


class Prepared(NamedTuple):
    """What the folder means now. `plan` holds only what may go out; what may not waits there with its reason."""

    content: Content
    plan: Plan
    messages: dict[Slot, Message]
    problems: tuple[Problem, ...]
    ids: Mapping[str, str]                       # of every post file, by its path in the folder; unreadable ones too


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
    others: Others = NOBODY_ELSE,
    fresh: frozenset[str] = frozenset(),
) -> Prepared:
    """Reads, resolves, schedules, composes and judges; never raises for content.

    `kept`: times that accepted plans gave. `sent`: what is published, and when; None when nobody looked. `published`:
    ids that the ledger knows, None when nobody looked. `others`: posts that exist and are not among `files`.
    `fresh`: files that were never committed.
    """
    made = read(files, root)
    ids = {known.place.file.removeprefix(f"{root}/"): known.id for known in made.ids}
    made = made._replace(ids=(*made.ids, *others.ids))
    content = resolve(made, root, source, networks, published)._replace(others=tuple(one.id for one in others.ids))
    rulebook, today = content.rulebook(), Facts(content, Plan(source, (), (), ()), {}, now).today()
    content = content._replace(problems=tuple(settle(content.problems, rulebook, today)))
    plan = schedule(content, kept or {}, now=now, sent=sent, taken=others.taken)
    messages: dict[Slot, Message] = {}
    problems: list[Problem] = []
    for one in plan.everything():
        message = compose(one.post, one.channel, content, one.slot, one.turn)
        messages[one.slot] = message
        if one.channel.network in networks:
            has_something = any(part.text or part.media for part in message.parts)
            problems += judge(message) if has_something else _silent(one)
    problems = [*plan.problems, *problems]
    problems += evaluate(Facts(content, plan, messages, now, sent, fresh))
    problems = settle(problems, rulebook, today)
    plan, behind = left_behind(_stopped(plan, problems, sent or {}), content.posts,
                               [*(post.id for post in content.drafts), *content.others], sent or {})
    problems += behind
    plan = plan._replace(waiting=tuple(one._replace(why=masked(one.why)) for one in plan.waiting))
    messages = {slot: message for slot, message in messages.items() if message.network in networks}
    return Prepared(content, plan, messages, tuple(in_order((*content.problems, *without_secrets(problems)))), ids)


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
