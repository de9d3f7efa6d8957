"""What a push changes in the plan: the posts it touches, those they push aside or lead, and nobody else.

The rule: everything that is written keeps its time. A time that was found for a post stays as long as it keeps its
distance and its day is not full; what must move takes the next free slot, and what follows it moves along. So the plan
made from the changes is the plan made from the whole, with the times of the plan before it kept.
"""
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.condensing import Almanac, Card, Line, condense
from flows.planning.preparing import Others, Prepared
from schemas.content import Content, Known, SourceFile
from schemas.hold import Moved
from schemas.ledger import Slot
from schemas.notation import span
from schemas.place import Place

REPEAT_S = 12 * 3600
"""So near each other two posts of X are compared word for word: the later one may have to wait (rule TXT003)."""


class Change(NamedTuple):
    """One post file as it is now; None: it is gone."""

    path: str
    file: SourceFile | None


class Replanned(NamedTuple):
    """What the changes and all they touch mean now. `cards` by path, None for files that are gone."""

    prepared: Prepared
    cards: Mapping[str, Card | None]


Look = Callable[[Iterable[str]], list[SourceFile]]
"""Gives the files at these paths, read."""
Think = Callable[[list[SourceFile], Mapping[Slot, datetime], Others], Prepared]
"""Prepares these posts, with the times that are kept and what is known of the others."""


def replan(almanac: Almanac, changes: Iterable[Change], look: Look, think: Think, *,
           moved: Iterable[str] = (), resumed: Mapping[Slot, Moved] | None = None, seek: bool = True) -> Replanned:
    """The plan of what `changes` touch. `almanac` stays as it is. `moved`: ids of posts that went out at other times.
    `resumed`: what resumes made of slots that were held; `think` knows it too, and is told where these slots are.
    `seek` False: who has no free slot, or takes turns, is only thought of where it is among the changes.
    """
    changed = {change.path: change.file for change in changes}
    touched = _Touched(almanac, set(changed))
    gone = {path for path, file in changed.items() if file is None}
    for id in moved:
        touched.lead(id)
    if seek:
        touched.add(almanac.seekers)
    if seek or not almanac.turns.isdisjoint(changed):
        touched.add(almanac.turns)
    files: dict[str, SourceFile] = {path: file for path, file in changed.items() if file is not None}
    while True:
        touched.close()
        files |= {file.path: file for file in look(sorted(touched.paths - files.keys() - gone))}
        mine = touched.paths | files.keys()
        kept = _kept(almanac, mine) | _elsewhere(almanac, mine, resumed or ())
        prepared = think(list(files.values()), kept, touched.others())
        cards = condense(prepared, files.values())
        before = len(touched.paths)
        touched.meet(prepared.content, cards)
        if len(touched.paths) == before:
            return Replanned(prepared, {**cards, **dict.fromkeys(gone)})


class _Touched:
    """The post files that must be thought of again."""

    def __init__(self, almanac: Almanac, paths: set[str]) -> None:
        self.almanac, self.paths = almanac, set(paths)
        self._closed: set[str] = set()
        self._names: set[str] = set()                             # what followers among them follow

    def add(self, paths: Iterable[str]) -> None:
        self.paths.update(paths)

    def close(self) -> None:
        """Adds who follows whom, in both directions, and who has the same id."""
        while self.paths - self._closed:
            for path in sorted(self.paths - self._closed):
                self._closed.add(path)
                card = self.almanac.cards.get(path)
                if card is not None:
                    self._near(card.id, card.follows)

    def lead(self, id: str) -> None:
        """Adds who goes out after a post, by its whole id or its stem."""
        for name in (id, id.rpartition("/")[2]):
            self.add(self.almanac.followers.get(name, ()))

    def _near(self, id: str, follows: str) -> None:
        self.lead(id)
        self.add(self.almanac.paths.get(id, ()))
        self._names.add(follows)
        if follows:
            self.add(self.almanac.meant_by(follows))

    def meet(self, content: Content, cards: Mapping[str, Card]) -> None:
        """Adds those whom new places touch: same ids, followers, found times too near, days that are full.

        A line that is what it was touches nobody.
        """
        gap = round(span(content.channels.min_gap).total_seconds())
        channels = {channel.id: channel for channel in content.channels.channels}
        for card in cards.values():
            self._near(card.id, card.follows)
        for path in sorted(self.paths):
            after = cards[path].lines if path in cards else ()
            for line in {*after} ^ {*self._before(path)}:
                if line.at is None or (channel := channels.get(line.channel)) is None:
                    continue
                found = self.almanac.found.get(line.channel, [])
                self.add(_between(found, line.at - gap + 1, line.at + gap))
                self.add(_between(self.almanac.said.get(line.channel, []), line.at - REPEAT_S, line.at + REPEAT_S))
                self._crowd(line.at, channel.id, channel.max_per_day, channel.timezone or content.timezone)

    def _before(self, path: str) -> tuple[Line, ...]:
        card = self.almanac.cards.get(path)
        return card.lines if card is not None else ()

    def _crowd(self, at: int, channel: str, most: int, zone: str) -> None:
        """Times that were found on a day that may be full."""
        local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        begin, end = (int((midnight + timedelta(hours=hours)).timestamp()) for hours in (-14, 40))
        taken = self.almanac.taken.get(channel, ())
        if bisect_right(taken, end) - bisect_left(taken, begin) >= most:
            self.add(_between(self.almanac.found.get(channel, []), begin, end))

    def others(self) -> Others:
        """What has to be known of everybody else: who is meant by a name that somebody says, and the times taken."""
        taken, copied = dict(self.almanac.taken), set[str]()
        for path in self.paths:
            for line in self._before(path):
                if line.at is not None and line.takes:
                    if line.channel not in copied:
                        copied.add(line.channel)
                        taken[line.channel] = taken[line.channel][:]
                    times = taken[line.channel]
                    times.pop(bisect_left(times, line.at))
        names = {*self._names, *self.almanac.frame.names}
        named = {path for name in names if name for path in self.almanac.meant_by(name)} - self.paths
        known = tuple(Known(self.almanac.cards[path].id, Place(path)) for path in sorted(named))
        return Others(known, taken)


def _between(times: Sequence[tuple[int, str]], begin: int, end: int) -> list[str]:
    """The files of those with a time from `begin` to before `end`."""
    return [path for _, path in times[bisect_left(times, (begin, "")):bisect_left(times, (end, ""))]]


def _kept(almanac: Almanac, paths: Iterable[str]) -> dict[Slot, datetime]:
    """The times that were found for these posts before."""
    return {card.slot(line): datetime.fromtimestamp(line.at, UTC) for path in paths
            if (card := almanac.cards.get(path)) is not None for line in card.lines
            if line.found and line.at is not None}


def _elsewhere(almanac: Almanac, mine: Collection[str], slots: Iterable[Slot]) -> dict[Slot, datetime]:
    """The times of those of `slots` whose posts are in other files than `mine`."""
    return {slot: datetime.fromtimestamp(line.at, UTC) for slot in slots for path in almanac.paths.get(slot.post, ())
            if path not in mine and (card := almanac.cards.get(path)) is not None for line in card.lines
            if line.at is not None and card.slot(line) == slot}
