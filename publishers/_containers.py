"""Posts in two steps, as Meta's newer networks make them: a container that nobody sees, and then its publication.

What a repeated publication of one container answers is documented nowhere. So a refusal that may mean "it is out
already" is looked up: the container's own status says whether it was published.
Sources: developers.facebook.com/docs instagram-platform/…/reference/ig-container and threads/troubleshooting; read
2026-11-22.
"""
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from publishers._container_calls import Api, Entry, Gone, Told, Unclear, id_in, without_queries
from publishers._graph import QUOTED
from publishers.base import Found
from schemas.errors import PublishError, Rejected, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt

READY_TIMEOUT_S = 2.0
"""Asking whether a container is ready must not use up the time in which the create call is to leave."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""So far may the clocks of a network's own machines be apart."""

_HANDLE = re.compile(r"(?P<wait>processing:)?(?P<id>[0-9]{1,30})(?:@(?P<made>[0-9]{1,11}))?")
_TO_BLAME = ("2207001", "2207003", "2207020", "2207032", "2207052", "2207053", "2207082", "FAILED_DOWNLOADING_VIDEO",
             "UNKNOWN")


class Draft(NamedTuple):
    """A container as its handle tells it: `made` by the network's clock, `ready` when it needs no further question."""

    id: str
    made: datetime | None
    ready: bool

    @property
    def handle(self) -> str:
        made = "" if self.made is None else f"@{int(self.made.timestamp())}"
        return f"{'' if self.ready else 'processing:'}{self.id}{made}"

    @classmethod
    def of(cls, handle: str) -> "Draft":
        """Raises Rejected for what is no handle of a container."""
        if (match := _HANDLE.fullmatch(handle)) is None:
            raise Rejected("the draft on record is no container of this network; nothing was sent")
        made = datetime.fromtimestamp(int(match["made"]), UTC) if match["made"] else None
        return cls(match["id"], made, not match["wait"])


class State(NamedTuple):
    """`word`: IN_PROGRESS, FINISHED, PUBLISHED, ERROR or EXPIRED. `why`: the network's own words for an error."""

    word: str
    why: str = ""


Asks = Callable[[str, float | None], State]
"""The state of a container, asked for within so many seconds. Raises a PublishError, never Unconfirmed, or Gone."""
Lists = Callable[[datetime], Found]
"""The account's posts since a moment that say what was to be said. Raises a PublishError, never Unconfirmed."""


def state_in(body: Mapping[str, Any], word: str, why: str) -> State:
    """What a container's fields `word` and `why` say. Raises Unavailable when they say nothing that is known."""
    said = body.get(word)
    if said not in ("IN_PROGRESS", "FINISHED", "PUBLISHED", "ERROR", "EXPIRED"):
        raise Unavailable("the network does not say what became of the container")
    return State(said, " ".join(str(body.get(why) or "no reason given").split())[:QUOTED])


def failed(state: State) -> PublishError:
    """What it means that a container failed before anybody published it: Unavailable where another one may do."""
    if state.word == "EXPIRED":
        return Unavailable("the container was not published within a day and is gone; nothing was posted")
    if any(word in state.why for word in _TO_BLAME):
        return Unavailable(f"the network could not fetch or process a file: {without_queries(state.why)}")
    return Rejected(f"the network cannot use a file: {without_queries(state.why)}")


def drafted(told: Told, asks: Asks) -> Draft:
    """The container that `told` says was made, asked after once. Raises a PublishError for one that failed.

    A network does not always find at once what it has just made.
    """
    id = id_in(told.body, Unavailable)
    try:
        state = asks(id, None)
    except Gone:
        return Draft(id, told.at, ready=False)
    if state.word in ("ERROR", "EXPIRED"):
        raise failed(state)
    return Draft(id, told.at, state.word == "FINISHED")


def made_ready(handle: str, asks: Asks) -> str:
    """The id of a carousel's child. Raises Unavailable while the network works on it."""
    child = Draft.of(handle)
    if not child.ready:
        state = _seen(child.id, asks, None)
        if state.word == "IN_PROGRESS":
            raise Unavailable("the network is still processing a file; nothing was posted")
        if state.word != "FINISHED":
            raise failed(state)
    return child.id


def assembled(api: Api, edge: str, fields: Mapping[str, str], *, of_others: bool) -> Told:
    """The answer to the making of a container. Raises Unavailable when another one or a post that it names is unknown.

    A network does not always find at once what it has just made. `of_others`: it names such.
    """
    try:
        return api.ask("POST", edge, fields, exactly=True)
    except Gone as error:
        why, kind = error.why, Unavailable if of_others else Rejected
    raise kind(why)


def published(api: Api, edge: str, handle: str, asks: Asks, lists: Lists) -> PartReceipt:
    """The post that the container became: by one call, or, when it was published before, by looking for it.

    The address of the post is not asked for: a read that fails after the call must not hide that there is a post.
    """
    draft = Draft.of(handle)
    if not draft.ready:
        state = _seen(draft.id, asks, READY_TIMEOUT_S)
        if state.word == "PUBLISHED":
            return _published_before(draft, lists)
        if state.word == "IN_PROGRESS":
            raise Unavailable(f"{api.name} is still processing a file; nothing was posted")
        if state.word != "FINISHED":
            raise failed(state)
    try:
        told = api.ask("POST", edge, {"creation_id": draft.id}, creating=True, exactly=True)
        return PartReceipt(id=id_in(told.body, Unconfirmed))
    except Unclear as refusal:
        why = refusal.why
    try:
        state = asks(draft.id, None)
    except PublishError:
        raise Unconfirmed(why) from None
    if state.word == "PUBLISHED":
        return _published_before(draft, lists)
    if state.word == "IN_PROGRESS":      # said of a container that is being published, too
        raise Unconfirmed(why)
    if state.word == "FINISHED":
        raise Unavailable(f"{why}; it is not published")
    said = failed(state)
    raise type(said)(f"{why}; {said.why}")


def looked_up(handle: str | None, asks: Asks, lists: Lists, since: datetime) -> Found:
    """Whether the container was published, and as which post; without a container, what the account's list says."""
    if handle is None:
        return lists(since)
    try:
        state = asks(Draft.of(handle).id, None)
    except Gone:                         # a network forgets containers: then only what is found is certain
        return lists(since)._replace(complete=False)
    if state.word == "EXPIRED":          # nowhere said that one which was published never ages into this
        return lists(since)
    if state.word != "PUBLISHED":        # one that is in progress may be on its way out
        return Found((), state.word != "IN_PROGRESS")
    found = lists(since)
    return Found(found.matches, found.complete and bool(found.matches))


def chosen(entries: Iterator[Entry | None], fits: Callable[[Entry], bool]) -> Found:
    """Those that fit, each once; complete unless there may be more."""
    matches: dict[str, PartReceipt] = {}
    complete = True
    for entry in entries:
        if entry is None:
            complete = False
        elif fits(entry):
            matches[entry.id] = entry.receipt
    return Found(tuple(matches.values()), complete)


def _seen(container: str, asks: Asks, within: float | None) -> State:
    try:
        return asks(container, within)
    except Gone as error:
        why = error.why
    raise Unavailable(f"the network does not show the container: {why}")


def _published_before(draft: Draft, lists: Lists) -> PartReceipt:
    why = "the container was published before, but which post it became is not to be seen yet"
    if draft.made is None:
        raise Unconfirmed(why)
    try:
        matches = lists(draft.made - CLOCKS_DIFFER).matches
    except PublishError:
        raise Unconfirmed(why) from None
    if len(matches) != 1:
        raise Unconfirmed(why)
    return matches[0]
