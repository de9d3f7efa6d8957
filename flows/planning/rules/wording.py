"""What a post says, text by text, for the rules that judge words: who gets each text, and where its letters stand."""
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from flows.planning.rules.ruling import Facts, Rule
from schemas.channel import Channel
from schemas.content import Resolved, ResolvedMedia
from schemas.place import Place
from schemas.plan import Item, Waiting
from schemas.post import Section


class Wording(NamedTuple):
    """One text of a post, Markdown as written, and the channels of the post that get it."""

    section: Section
    channels: tuple[Channel, ...]


class Piece(NamedTuple):
    """One part of a text, Markdown as written; `place` is that of its first line. `channel`: the only one it is for."""

    text: str
    begins: Place
    channel: str | None = None

    def place(self, at: int) -> Place:
        """Where character `at` stands in the file."""
        text = self.text
        first = text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1    # the line that `begins` is about
        if at < first:
            return self.begins
        return Place(self.begins.file, self.begins.line + text.count("\n", first, at), at - text.rfind("\n", 0, at))


def wordings(post: Resolved) -> Sequence[Wording]:
    """The texts of `post` in the order of its file, without those that no channel gets.

    A channel gets the last section that names it, else the last one for all, as in `composing`. An `## or` of a post
    that comes back goes to every channel.
    """
    sections, channels = post.post.sections, post.channels
    if not channels:
        return ()
    if len(sections) == 1 and not sections[0].channels:
        return (Wording(sections[0], channels),)
    common: dict[str, int] = {}
    own: dict[tuple[str, str], int] = {}
    for number, section in enumerate(sections):
        for name in section.channels:
            own[section.kind, name] = number
        if not section.channels:
            common[section.kind] = number
    gets: dict[int, list[Channel]] = {}
    for kind in ("text", "comment") if "comment" in common or own else ("text",):
        for channel in channels:
            at = own.get((kind, channel.id), common.get(kind))
            if at is not None:
                gets.setdefault(at, []).append(channel)
    if post.post.head.every is not None or post.post.series is not None:
        gets |= {number: list(channels) for number, section in enumerate(sections) if section.kind == "or"}
    return [Wording(sections[number], tuple(gets[number])) for number in sorted(gets)]


def pieces(post: Resolved) -> Iterator[Piece]:
    """Every part of every text of `post` that somebody gets, comments too."""
    for section, channels in wordings(post):
        channel = only(channels)
        for text, place in zip(section.parts, section.places, strict=True):
            yield Piece(text, place, channel)


def written(post: Resolved) -> Iterator[Piece]:
    """Every part of every text in the file of `post`, whether somebody gets it or not."""
    for section in post.post.sections:
        for text, place in zip(section.parts, section.places, strict=True):
            yield Piece(text, place)


def shown_on(media: ResolvedMedia, post: Resolved) -> Sequence[Channel]:
    """The channels of `post` that get the file."""
    return [channel for channel in post.channels if channel.id in media.channels] if media.channels else post.channels


def is_over(one: Item | Waiting, facts: Facts) -> bool:
    """Whether a slot went out, or is too late to go out: what is said of it then helps nobody."""
    if facts.sent is not None and one.slot in facts.sent:
        return True
    grace = timedelta(seconds=one.grace_s) if isinstance(one, Item) else timedelta(0)
    return one.at is not None and one.at + grace < facts.now


def each(channels: Sequence[Channel], post: Resolved) -> tuple[str | None, ...]:
    """What `Problem.channel` is of the errors about `channels`: None for all of the post's, else one id each."""
    return (None,) if len(channels) == len(post.channels) else tuple(channel.id for channel in channels)


def only(channels: Sequence[Channel]) -> str | None:
    """The id of the only channel there is; None when there are more: a warning is told once."""
    return channels[0].id if len(channels) == 1 else None


def on(channel: str | None) -> str:
    """`On x: `, or nothing where a problem is about every channel."""
    return "" if channel is None else f"On {channel}: "


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def setting(facts: Facts, rule: Rule, name: str) -> Any:
    """A knob of `rule` as the content has it, where that is a value of the right kind; else its default."""
    default, value = rule.knobs[name], facts.knob(rule, name)
    if isinstance(default, tuple):
        return (value,) if isinstance(value, str) else value if isinstance(value, tuple) else default
    return value if type(value) is type(default) else default
