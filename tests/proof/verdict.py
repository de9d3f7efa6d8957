"""What became of a season: each slot judged by raw records and what the networks hold, and the archive verified."""
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from judging import judge
from playing import records
from season import Note

from flows.edges.ledger import verify
from flows.edges.store import open_store


class Judged(NamedTuple):
    """`ends`: how many slots ended how. `wrong`: sentences; none is what is wanted."""

    slots: int
    ends: Mapping[str, int]
    wrong: tuple[str, ...]


def judged(notes: Sequence[Note], left_out: set[str], archive: Path, posts: Sequence[dict[str, Any]]) -> Judged:
    """Each slot once: published as it was last written, or left out because a person said so."""
    raw, ends, wrong = records(archive), Counter[str](), list[str]()
    by_token: dict[str, list[dict[str, Any]]] = {note.token: [] for note in notes}
    for post in posts:
        words = post["text"].partition("Tool night ")[2].partition("q")[0]
        if words not in by_token:
            wrong.append(f"{post['network']} holds what nobody wrote: {post['text'][:80]!r}")
        else:
            by_token[words].append(post)
    for note in notes:
        for slot, channel in note.slots.items():
            trial = note.trial(channel)
            own = [post for post in by_token[note.token] if post["network"] == trial.network]
            if note.removed:
                ends["removed before"] += 1
                wrong += [f"{slot} was removed, and is out: {post['id']}" for post in own]
                continue
            found = judge(trial, raw.get(slot, []), own)
            ends[found.end] += 1
            otherwise = _otherwise(note, slot, found.end, own, left_out)
            wrong += [f"{slot}: {what}" for what in (*found.violations, *otherwise)]
    wrong += [f"{finding.key} {finding.what}" for finding in verify(open_store(f"dir:{archive}")).findings]
    return Judged(sum(ends.values()), dict(ends), tuple(wrong))


def _otherwise(note: Note, slot: str, end: str, own: list[dict[str, Any]], left_out: set[str]) -> Iterator[str]:
    """What the judge of one slot cannot know: what a person wanted of it."""
    if end == "skipped" and slot not in left_out:
        yield "skipped, and nobody said so"
    if end == "failed":
        yield "failed, and no fault of the script refuses a post for good"
    heads = [post for post in own if f"{note.token}q0:" in post["text"]]
    if end == "published" and not any(note.edition(last=True) in post["text"] for post in heads):
        yield "it is out as it was before it was edited"
