"""What each channel said and will say, in order of time: who gave, who asked, who invited an answer."""
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.content import Resolved
from schemas.ledger import Slot
from schemas.plan import Plan

_QUESTION = re.compile(r"\?(?![\w%&=/#])")
"""A question mark, and not the one of an address."""


class Said(NamedTuple):
    """One slot that is out, or will be. `is_out`: the archive has its receipt, or nobody looked and its time is over.

    `invites`: it asks readers for an answer. `missed`: it was due and did not go out.
    """

    at: datetime
    slot: Slot
    intent: str
    is_out: bool
    invites: bool = False
    missed: bool = False

    @property
    def gives(self) -> bool:
        return self.intent in ("give", "respond")


Tally = Mapping[str, Sequence[Said]]
"""By channel id; each in order of time. Gives are intents give and respond."""


def tally(plan: Plan, sent: Mapping[Slot, datetime | None] | None, now: datetime) -> dict[str, list[Said]]:
    """What `plan` says on each channel. What is too late to go out is not counted."""
    made: dict[str, list[Said]] = {}
    for item in plan.items:
        out = item.at <= now if sent is None else item.slot in sent
        at = (sent.get(item.slot) if sent else None) or item.at
        if out or at >= now or at + timedelta(seconds=item.grace_s) >= now:
            said = Said(at, item.slot, item.post.intent, out, invites_reply(item.post))
            made.setdefault(item.channel.id, []).append(said)
    for of_channel in made.values():
        of_channel.sort()
    return made


def as_of(tally: Tally, moment: datetime) -> dict[str, list[Said]]:
    """The tally of a plan, with no archive to look into, as it will be at a later `moment`."""
    made = {}
    for channel, said in tally.items():
        out = bisect_right(said, moment, key=lambda one: one.at)
        made[channel] = [*(one if one.is_out else one._replace(is_out=True) for one in said[:out]), *said[out:]]
    return made


def invites_reply(post: Resolved) -> bool:
    """Whether a post asks for an answer: as it says itself, else a question mark or a poll."""
    head = post.post.head
    if head.invites_reply is not None:
        return head.invites_reply
    return head.poll is not None or any(_asks_something(part) for one in post.post.sections for part in one.parts)


def _asks_something(text: str) -> bool:
    return ("?" in text and _QUESTION.search(text) is not None) or "؟" in text or "？" in text


def up_to(said: Sequence[Said], moment: datetime, most: int) -> Iterable[Said]:
    """The last `most` sayings of a channel up to `moment`, the newest last."""
    known = [one for one in said if one.at <= moment]
    return known[-most:]


def unsure(posts: Iterable[Resolved], sent: Mapping[Slot, datetime | None] | None) -> frozenset[str]:
    """Channels whose past only the archive knows, where nobody looked into it: series take turns on them."""
    return frozenset() if sent is not None else frozenset(
        channel.id for post in posts if post.post.series is not None for channel in post.channels)


def joined(one: Tally, other: Tally, *, rehearsal: bool) -> Tally:
    """What both say, in order of time. What was missed counts only in a rehearsal, which may begin in mid-season."""
    if not other:
        return one
    return {channel: sorted([*one.get(channel, ()), *(
                said._replace(is_out=said.is_out or said.missed) for said in other.get(channel, ())
                if rehearsal or not said.missed)])
            for channel in {*one, *other}}
