"""How each time of a post came about: what is written, what the channel adds, which other post it counts from."""
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.timing import instant
from schemas.campaign import Series
from schemas.content import Content
from schemas.ledger import Slot
from schemas.plan import Item, Plan, Waiting
from schemas.post import Post


class Derived(NamedTuple):
    """The time of one slot. `at` None: it has none. `how`: where it comes from; `why`: what people should know of it.

    `waits`: it does not go out as things are, and `why` says what for.
    """

    slot: Slot
    at: datetime | None
    zone: str
    how: str
    why: str = ""
    waits: bool = False


def derive(content: Content, plan: Plan, post: Post, kept: Mapping[Slot, datetime]) -> tuple[Derived, ...]:
    """Every slot of `post`: channel after channel as in channels.yaml, its runs by time. `kept`: times given before."""
    mine = [one for one in plan.everything() if one.slot.post == post.id]
    order = {channel.id: number for number, channel in enumerate(content.channels.channels)}
    mine.sort(key=lambda one: (order[one.channel.id], one.at is None, one.at, one.slot.run))
    return tuple(_derived(one, _how(one, mine, content, plan), kept.get(one.slot)) for one in mine)


def _derived(one: Item | Waiting, how: str, given: datetime | None) -> Derived:
    if one.found and one.at is not None and given == one.at:
        how = f"{how}; it was given this time before, and keeps it"
    if isinstance(one, Waiting):
        return Derived(one.slot, one.at, one.zone, how, one.why, waits=True)
    return Derived(one.slot, one.at, one.zone, how, one.note)


def _how(one: Item | Waiting, mine: list[Item | Waiting], content: Content, plan: Plan) -> str:
    head, channel = one.post.post.head, one.channel
    if isinstance(head.at, dict):
        own = head.at.get(channel.id)
        if own is not None:
            return f"its own time, at.{channel.id}: {own}"
        return _written(one, head.at["default"], content) if "default" in head.at else "no time is given for it"
    if head.at is not None:
        return _written(one, head.at, content)
    if head.every is not None:
        return _run(one, mine, f"every {head.every}")
    if head.after is not None:
        return f"after {head.after}{_counted_from(one, head.after, content, plan)}"
    if head.slot is None and (series := _series(one.post.post, content)) is not None:
        return _run(one, mine, f"its turn in the series {one.post.post.series} (slot: {series.slot})")
    slots = ", ".join(channel.slots) or "none"
    if head.slot is None:
        return f"the next free slot of {channel.id} ({slots}), as nothing says when"
    if head.slot.startswith("next"):
        return f"the {head.slot.replace('next', 'next free slot', 1)} of {channel.id} ({slots})"
    return f"the next free {head.slot}{_staggered(one, content)}"


def _written(one: Item | Waiting, written: str, content: Content) -> str:
    """`at:`, and how much later than written the channel's turn is."""
    if len(written) == len("2027-03-02"):
        return f"the first free slot of {written} on {one.channel.id} ({', '.join(one.channel.slots) or 'none'})"
    base = _instant(written, one.zone)
    if base is None or one.at is None or one.at == base:
        return f"as written: {written}"
    return f"{written}{_staggered(one, content)}"


def _staggered(one: Item | Waiting, content: Content) -> str:
    """` + 2 × 20m, as channel 3 of 5`; nothing for the first one."""
    number = [channel.id for channel in one.post.channels].index(one.channel.id)
    if not number:
        return ""
    return f" + {number} × {content.channels.stagger}, as channel {number + 1} of {len(one.post.channels)}"


def _run(one: Item | Waiting, mine: Iterable[Item | Waiting], words: str) -> str:
    """Which run it is on its channel, and which of its texts goes out."""
    runs = [other.slot.run for other in mine if other.channel.id == one.channel.id]
    text = f", text {one.turn + 1}" if isinstance(one, Item) and one.turn else ""
    return words if one.slot.run == "1" else f"{words}: run {runs.index(one.slot.run) + 1} of {len(runs)}{text}"


def _counted_from(one: Item | Waiting, after: str, content: Content, plan: Plan) -> str:
    """The time that `after:` counts from: of the same channel, else the first one of the post it names."""
    name = after.partition("+")[0].strip()
    ids = {post.id for post in content.posts if name in (post.id, post.post.stem)}
    target = name if name in ids else next(iter(ids)) if len(ids) == 1 else None
    times = [(other.at, other) for other in plan.everything() if other.slot.post == target and other.at is not None]
    here = [pair for pair in times if pair[1].channel.id == one.channel.id] or times
    if not here:
        return ""
    at, first = min(here, key=lambda pair: pair[0])
    return f", counted from {first.slot} at {at.astimezone(ZoneInfo(one.zone)):%Y-%m-%d %H:%M}"


def _series(post: Post, content: Content) -> Series | None:
    folder = f"{content.root}/evergreen/{post.series}/"
    return next((e.value for e in content.entries if isinstance(e.value, Series) and e.file.startswith(folder)), None)


def _instant(written: str, zone: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written.replace(" ", "T", 1).replace(" ", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else instant(moment, zone).at
