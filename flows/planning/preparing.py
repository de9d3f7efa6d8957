"""The whole thought at once: files become content, a plan, and the message of every slot. Pure."""
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from flows.planning.composing import compose
from flows.planning.masking import masked, without_secrets
from flows.planning.reading import read
from flows.planning.resolving import resolve
from flows.planning.scheduling import schedule
from schemas.content import Content, SourceFile
from schemas.ledger import Slot
from schemas.message import Message
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Problem, Severity, in_order

Judge = Callable[[Message], list[Problem]]
"""What a network says of a message, before anything is sent."""


class Prepared(NamedTuple):
    """What the folder means now. `plan` holds only what may go out; what may not waits there with its reason."""

    content: Content
    plan: Plan
    messages: dict[Slot, Message]
    problems: tuple[Problem, ...]


def prepare(
    files: Iterable[SourceFile],
    root: str,
    source: str,
    *,
    networks: tuple[str, ...],
    judge: Judge,
    now: datetime,
    kept: Mapping[Slot, datetime] | None = None,
    published: frozenset[str] | None = None,
) -> Prepared:
    """Reads, resolves, schedules, composes and judges; never raises for content.

    `kept`: times that earlier plans gave. `published`: ids that the ledger knows, None when nobody looked.
    """
    content = resolve(read(files, root), root, source, networks, published)
    plan = schedule(content, kept or {}, now=now)
    messages: dict[Slot, Message] = {}
    problems: list[Problem] = []
    for one in plan.everything():
        if one.channel.network not in networks:
            continue
        message = compose(one.post, one.channel, content)
        messages[one.slot] = message
        problems += _silent(message, one) or judge(message)
    errors: dict[str | None, list[Problem]] = {}
    for problem in (*plan.problems, *problems):
        if problem.severity == Severity.error:
            errors.setdefault(problem.post, []).append(problem)
    stops = {item.slot: stop for item in plan.items
             if (stop := next((p for p in errors.get(item.post.id, ()) if p.channel in (None, item.channel.id)), None))}
    items = tuple(item for item in plan.items if item.slot not in stops)
    waiting = tuple(Waiting(item.slot, item.post, item.channel, reason(stops[item.slot]), item.zone, item.at)
                    for item in plan.items if item.slot in stops)
    waiting = tuple(one._replace(why=masked(one.why)) for one in plan.waiting + waiting)
    return Prepared(content, plan._replace(items=items, waiting=waiting), messages,
                    tuple(in_order((*content.problems, *without_secrets((*plan.problems, *problems))))))


def reason(problem: Problem) -> str:
    """A problem in one line, as the reason why a slot waits."""
    return f"{problem.place}: {problem.message} {problem.remedy}"


def _silent(message: Message, one: Item | Waiting) -> list[Problem]:
    """SYN004: a channel for which the post has no text."""
    if any(part.text or part.media for part in message.parts):
        return []
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
