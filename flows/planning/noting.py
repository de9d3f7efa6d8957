"""What whoever watches a shift hears of beside slots: plans that come into force or not, and who stops what. Pure."""
from collections.abc import Iterable, Iterator
from datetime import datetime

from flows.planning.pausing import Paused, how_to_end
from schemas.errors import DrumbeatError
from schemas.hold import Hold
from schemas.report import Note


def accepted(commit: str, posts: int) -> Note:
    """A plan came into force."""
    return Note("accepted", f"plan accepted: commit {commit[:10]}, {posts} {'post' if posts == 1 else 'posts'}",
                about=commit)


def rejected(error: DrumbeatError, commit: str | None) -> Note:
    """A plan did not. `commit` None: not even which one is known."""
    of = f"commit {commit[:10]}, " if commit is not None else ""
    return Note("rejected", f"plan rejected: {of}{error.what} The last good plan stays in force.", error.remedy,
                commit or error.what)


def stopped(before: Paused, after: Paused) -> tuple[Note, ...]:
    """What people stopped and let go on since, the oldest first, also what did not last."""
    ended = {hold.number for hold, _ in before.ended}
    known = ended | {hold.number for hold in before.holds}
    told = [(hold.at, _held(hold)) for hold in (*after.holds, *(hold for hold, _ in after.ended))
            if hold.number not in known]
    told += _resumed((hold, at) for hold, at in after.ended if hold.number not in ended)
    return tuple(note for _, note in sorted(told, key=lambda pair: pair[0]))


def in_force(said: Paused) -> tuple[Note, ...]:
    """What is stopped now, for whoever begins to watch."""
    return stopped(Paused(ended=said.ended), said)


def _held(hold: Hold) -> Note:
    return Note("held", f"held: {hold.what}, by {hold.by}: {hold.reason}", f"{how_to_end(hold)}.", str(hold.number))


def _resumed(ended: Iterable[tuple[Hold, datetime]]) -> Iterator[tuple[datetime, Note]]:
    """One for each thing that goes on, however many held it."""
    last = {(hold.scope, hold.name, at): hold for hold, at in ended}
    for (_, _, at), hold in last.items():
        yield at, Note("resumed", f"goes on: {hold.what}, held by {hold.by}: {hold.reason}", about=str(hold.number))
