"""A plan in short: what has to be known of each post so that a push costs what it changed, and not all there is."""
import hashlib
from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple

from flows.planning.indexing import references
from flows.planning.phrasing import relation
from flows.planning.preparing import Prepared
from schemas.content import Kind, SourceFile
from schemas.ledger import Slot
from schemas.message import Message
from schemas.plan import Item, Waiting
from schemas.post import Post


class Line(NamedTuple):
    """One slot. `at`: seconds since 1970, None: it has no time. `digest` tells one message from another."""

    channel: str
    run: str
    at: int | None
    goes: bool                   # else it waits, and `why` says why
    found: bool                  # the time is a free slot that was found for it
    takes: bool                  # nobody else is given the time
    grace_s: int
    digest: str
    why: str = ""


class Card(NamedTuple):
    """One post file. `follows`: the name it goes out after, "" none; `media`: the base names of its files."""

    blob: str
    size: int
    kind: Kind                   # of file: what is none is refused, whenever it is looked at
    id: str
    follows: str
    media: tuple[str, ...]
    takes_turns: bool
    seeks: bool                  # it looks for a free time and found none
    readable: bool
    intent: str                  # give, respond, inform, ask; "" where it cannot be told
    lines: tuple[Line, ...]

    def slot(self, line: Line) -> Slot:
        return Slot(self.id, line.channel, line.run)


class Frame(NamedTuple):
    """All files that are no posts, unread, by path. A plan in short holds as long as those that say something stay.

    `names`: posts that they name. `compared`: channels on which what is said twice within hours may have to wait.
    """

    files: Mapping[str, SourceFile]
    names: tuple[str, ...]
    compared: tuple[str, ...]


class Almanac:
    """The plan of one commit in short, and what helps to find in it. `cards` by path; it may load them as asked."""

    def __init__(self, commit: str, frame: Frame, cards: MutableMapping[str, Card]) -> None:
        self.commit, self.frame, self.cards = commit, frame, cards
        self.paths: dict[str, list[str]] = {}                     # post id → its files
        self.folders: set[str] = set()                            # what stands before the / in ids
        self.taken: dict[str, array[int]] = {}                    # channel → times that are taken, sorted
        self.found: dict[str, list[tuple[int, str]]] = {}         # channel → times that were found and their files
        self.said: dict[str, list[tuple[int, str]]] = {id: [] for id in frame.compared}   # the same for all times
        self.followers: dict[str, list[str]] = {}                 # name → files of the posts that go out after it
        self.media: dict[str, list[str]] = {}                     # base name → files of posts that use it
        self.seekers: set[str] = set()
        self.unreadable: set[str] = set()
        self.turns: set[str] = set()

    def fill(self, cards: Iterable[tuple[str, Card]]) -> None:
        """Takes in many cards at once."""
        times: dict[str, list[int]] = {}
        for path, card in cards:
            self._note(path, card)
            for line in card.lines:
                if line.at is not None and line.takes:
                    times.setdefault(line.channel, []).append(line.at)
                if line.at is not None and line.found:
                    self.found.setdefault(line.channel, []).append((line.at, path))
                if line.at is not None and line.channel in self.said:
                    self.said[line.channel].append((line.at, path))
            self.cards[path] = card
        for channel, seconds in times.items():
            self.taken[channel] = array("q", sorted([*self.taken.get(channel, ()), *seconds]))
        for of_channel in (*self.found.values(), *self.said.values()):
            of_channel.sort()

    def put(self, path: str, card: Card | None) -> None:
        """From now on `path` holds what `card` says; None: nothing."""
        old = self.cards.get(path)
        if old is not None:
            for line in old.lines:
                if line.at is not None and line.takes:
                    taken = self.taken[line.channel]
                    taken.pop(bisect_left(taken, line.at))
                if line.at is not None and line.found:
                    found = self.found[line.channel]
                    found.pop(bisect_left(found, (line.at, path)))
                if line.at is not None and line.channel in self.said:
                    said = self.said[line.channel]
                    said.pop(bisect_left(said, (line.at, path)))
            index = ((self.paths, old.id), (self.followers, old.follows), *((self.media, name) for name in old.media))
            for names, key in index:
                if key and path in names.get(key, ()):
                    names[key].remove(path)
                    if not names[key]:
                        del names[key]
            for paths in (self.seekers, self.turns, self.unreadable):
                paths.discard(path)
            del self.cards[path]
        if card is None:
            return
        self.cards[path] = card
        self._note(path, card)
        for line in card.lines:
            if line.at is not None and line.takes:
                insort(self.taken.setdefault(line.channel, array("q")), line.at)
            if line.at is not None and line.found:
                insort(self.found.setdefault(line.channel, []), (line.at, path))
            if line.at is not None and line.channel in self.said:
                insort(self.said[line.channel], (line.at, path))

    def _note(self, path: str, card: Card) -> None:
        self.paths.setdefault(card.id, []).append(path)
        self.folders.add(card.id.partition("/")[0])
        if card.follows:
            self.followers.setdefault(card.follows, []).append(path)
        for name in card.media:
            self.media.setdefault(name, []).append(path)
        if card.seeks:
            self.seekers.add(path)
        if card.takes_turns:
            self.turns.add(path)
        if not card.readable:
            self.unreadable.add(path)

    def meant_by(self, name: str) -> list[str]:
        """The files of the posts that `name` may mean: an id, or the stem of several."""
        if "/" in name:
            return self.paths.get(name, [])
        return [path for folder in self.folders for path in self.paths.get(f"{folder}/{name}", ())]


def condense(prepared: Prepared, files: Iterable[SourceFile]) -> dict[str, Card]:
    """The cards of `files`, posts all of them, as `prepared` has them, by path."""
    root = f"{prepared.content.root}/"
    posts: dict[str, Post] = {post.post.file.removeprefix(root): post.post for post in prepared.content.posts}
    posts |= {post.file.removeprefix(root): post for post in prepared.content.drafts}
    intents = {post.post.file.removeprefix(root): post.intent for post in prepared.content.posts}
    lines: dict[str, list[Line]] = {}
    for one in prepared.plan.everything():
        lines.setdefault(one.post.post.file.removeprefix(root), []).append(_line(one, prepared.messages.get(one.slot)))
    made = {}
    for file in files:
        post, of_post = posts.get(file.path), tuple(lines.get(file.path, ()))
        head = post.head if post is not None else None
        after = relation(head.after) if head is not None and head.after else None
        times = head is not None and (head.at, head.slot, head.after, head.every) != (None, None, None, None)
        made[file.path] = Card(
            file.blob, file.size, file.kind, prepared.ids[file.path], after.post if after else "",
            tuple(sorted({use.file.rsplit("/", 1)[-1] for use in (head.media or ())} if head else ())),
            post is not None and post.series is not None and not times,
            after is None and any(line.at is None for line in of_post),
            post is not None, intents.get(file.path, ""),
            of_post)
    return made


def frame_of(prepared: Prepared, files: Iterable[SourceFile]) -> Frame:
    """The files that are no posts, and the posts that they name."""
    names = {reference.id for entry in prepared.content.entries for reference in references(entry.value)
             if reference.kind == "post"}
    return Frame({file.path: file._replace(data=None) for file in files}, tuple(sorted(names)),
                 tuple(channel.id for channel in prepared.content.channels.channels if channel.network == "x"))


_WHERE: Any = {"places": True, "poll": {"place"}, "parts": {"__all__": {
    "place": True, "media": {"__all__": {"place": True, "captions": {"place"}}}}}}
"""What a message says of the lines it stands in: to move them changes nothing."""


def digest(message: Message | None) -> str:
    """Short for all that a message says; "" for none."""
    if message is None:
        return ""
    return hashlib.blake2b(message.model_dump_json(exclude=_WHERE).encode(
        "utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _line(one: Item | Waiting, message: Message | None) -> Line:
    at = int(one.at.timestamp()) if one.at is not None else None
    if isinstance(one, Item):
        return Line(one.channel.id, one.slot.run, at, True, one.found, True, int(one.grace_s), digest(message))
    return Line(one.channel.id, one.slot.run, at, False, one.found, one.stopped, 0, digest(message), one.why)
