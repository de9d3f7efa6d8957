"""What each channel said and will say, in order of time: who gave, who asked, who invited an answer."""
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.content import Resolved
from schemas.ledger import Slot
from schemas.plan import Plan


class Said(NamedTuple):
    """One slot that is out, or will be. `is_out`: the archive has its receipt, or nobody looked and its time is over.

    `invites`: it asks readers for an answer.
    """

    at: datetime
    slot: Slot
    intent: str
    is_out: bool
    invites: bool = False

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
        at = (sent or {}).get(item.slot) or item.at
        if out or at + timedelta(seconds=item.grace_s) >= now:
            said = Said(at, item.slot, item.post.intent, out, invites_reply(item.post))
            made.setdefault(item.channel.id, []).append(said)
    for of_channel in made.values():
        of_channel.sort()
    return made


def invites_reply(post: Resolved) -> bool:
    """Whether a post asks for an answer: as it says itself, else a question mark or a poll."""
    head = post.post.head
    if head.invites_reply is not None:
        return head.invites_reply
    return head.poll is not None or any("?" in part for section in post.post.sections for part in section.parts)


def up_to(said: Sequence[Said], moment: datetime, most: int) -> Iterable[Said]:
    """The last `most` sayings of a channel up to `moment`, the newest last."""
    known = [one for one in said if one.at <= moment]
    return known[-most:]


def joined(one: Tally, other: Tally) -> Tally:
    """What both say, in order of time."""
    if not other:
        return one
    return {channel: sorted([*one.get(channel, ()), *other.get(channel, ())]) for channel in {*one, *other}}
