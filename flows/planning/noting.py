"""What whoever watches a shift hears of beside slots: plans that come into force or not, and who stops what. Pure."""
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from flows.planning.pausing import Ended, Paused, how_to_end
from schemas.errors import DrumbeatError
from schemas.hold import Hold
from schemas.report import Note


def accepted(commit: str, posts: int) -> Note:
    """A plan came into force."""
    return Note("accepted", f"plan accepted: commit {commit[:10]}, {posts} {'post' if posts == 1 else 'posts'}",
                about=commit)


def rejected(error: DrumbeatError, commit: str | None, in_force: str | None = None) -> Note:
    """A plan did not. `commit` None: not even which one is known. `in_force`: whose plan stays; None: nothing is said.
    """
    begin = "plan not taken: " if commit is None else f"plan rejected: commit {commit[:10]}, "
    words = begin + reason_of(error.what, commit)
    if in_force is not None and in_force[:10] not in error.what:
        words = f"{words.rstrip('.')}. The plan of commit {in_force[:10]} stays in force."
    return Note("rejected", words, error.remedy, commit or error.what)


def reason_of(what: str, commit: str | None) -> str:
    """What is wrong with a commit, for a line that names that commit already."""
    return what.removeprefix(f"Commit {commit[:10]}: ") if commit is not None else what


def stopped(before: Paused, after: Paused) -> tuple[Note, ...]:
    """What people stopped and let go on since, the oldest first, also what did not last."""
    ended = {one.hold.number for one in before.ended}
    known = ended | {hold.number for hold in before.holds}
    told = [(hold.at, _held(hold)) for hold in sorted((*after.holds, *(one.hold for one in after.ended)),
                                                      key=lambda hold: hold.number) if hold.number not in known]
    told += _resumed(one for one in after.ended if one.hold.number not in ended)
    return tuple(note for _, note in sorted(told, key=lambda pair: pair[0]))


def in_force(said: Paused) -> tuple[Note, ...]:
    """What is stopped now, for whoever begins to watch."""
    return stopped(Paused(ended=said.ended), said)


def _held(hold: Hold) -> Note:
    return Note("held", f"held: {hold.what}, by {hold.by}: {hold.reason}", f"{how_to_end(hold)}.", str(hold.number))


def _resumed(ended: Iterable[Ended]) -> Iterator[tuple[datetime, Note]]:
    """One for each word of a person that something goes on, with everybody who held it."""
    for resume, of in groupby(ended, key=lambda one: one.resume):
        said = [f"goes on: {resume.what}, by {resume.by}{f': {resume.reason}' if resume.reason else ''}",
                *(f"held by {one.hold.by}: {one.hold.reason}" for one in of)]
        yield resume.at, Note("resumed", "; ".join(part.rstrip(".") for part in said), about=str(resume.number))
