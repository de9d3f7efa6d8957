"""Two plans held against each other: what a change of the content does to what goes out, in a reviewer's words."""
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.masking import masked
from flows.planning.preparing import Prepared, reason
from flows.planning.renaming import advice, former, renamed
from schemas.ledger import Slot, Standing, State
from schemas.message import Media, Message
from schemas.plan import Item, Waiting
from schemas.post import Post
from schemas.problem import Severity

One = Item | Waiting
_OPEN = {
    State.missed: "it was missed, and this opens it again",
    State.failed: "it failed, and this opens it again",
    State.publishing: "it is under way, so this may come too late",
    State.unknown: "it may be out already, so this may come too late",
    State.held: "it waits for a person, who decides on what was tried",
}


class Difference(StrEnum):
    """What becomes of a slot; in the order in which a reviewer should see them."""

    id_changed = "id changed"
    already_sent = "already sent"
    cancelled = "cancelled"
    moved = "moved"
    new = "new"
    restored = "restored"
    text_changed = "text changed"


class Moment(NamedTuple):
    """A time (UTC) and the zone of the wall that people read it by."""

    at: datetime
    zone: str

    @property
    def local(self) -> datetime:
        return self.at.astimezone(ZoneInfo(self.zone))


class Change(NamedTuple):
    """One thing that becomes of one slot. `before` and `after` None: it has no time there. `why`: in plain words."""

    kind: Difference
    slot: Slot
    before: Moment | None
    after: Moment | None
    why: str = ""
    campaign: str | None = None


def compare(before: Prepared, after: Prepared, standings: Mapping[Slot, Standing]) -> tuple[Change, ...]:
    """What `after` changes of `before`, by kind, then post, then channel. `standings`: what the archive knows.

    A slot may be moved and get another text: then it is told twice. What goes out neither before nor after, and says
    nothing new, is not told.
    """
    comparison = _Comparison(before, after, standings)
    order = {channel.id: number for number, channel in enumerate(after.content.channels.channels)}
    kinds = list(Difference)
    return tuple(sorted(comparison.changes(), key=lambda change: (
        kinds.index(change.kind), change.slot.post, order.get(change.slot.channel, len(order)), change.slot)))


class _Comparison:
    def __init__(self, before: Prepared, after: Prepared, standings: Mapping[Slot, Standing]) -> None:
        self.before, self.after, self.standings = before, after, standings
        self.olds: dict[Slot, One] = {one.slot: one for one in before.plan.everything()}
        self.news: dict[Slot, One] = {one.slot: one for one in after.plan.everything()}
        self.goes_to = {(slot.post, slot.channel) for slot in self.news}
        self.posts = {post.id: post for post in _posts(after)}
        there = self.posts.keys() | {problem.post for problem in after.problems}     # some cannot be read any more
        gone = {post.id: former(post) for post in _posts(before) if post.id not in there}
        known = {post.id for post in _posts(before)}
        self.renamed = renamed(gone, [post for post in self.posts.values() if post.id not in known])

    def changes(self) -> list[Change]:
        made = []
        for slot, old in self.olds.items():
            post = self.renamed.get(slot.post)
            other = slot._replace(post=post.id) if post is not None else slot
            new = self.news.get(other)
            if post is not None and new is not None:
                made.append(self.id_changed(old, new, post))
            elif self.is_out(slot):
                made += self.already_sent(slot, old, new)
            else:
                made += self.of_both(old, new) if new is not None else [self.gone(old)]
        ids = {post.id: old for old, post in self.renamed.items()}
        for slot, new in self.news.items():
            former_slot = slot._replace(post=ids.get(slot.post, slot.post))
            if former_slot not in self.olds:
                made += self.already_sent(slot, None, new) if self.is_out(slot) else [self.new(new)]
        return made

    def is_out(self, slot: Slot) -> bool:
        return slot in self.standings and self.standings[slot].state is State.published

    # --- one slot ---------------------------------------------------------------------------------------------------

    def id_changed(self, old: One, new: One, post: Post) -> Change:
        if self.is_out(old.slot) and self.is_out(new.slot):
            why = f"it is out under both ids, {old.slot.post} and {post.id}"
        elif self.is_out(old.slot):
            danger = "it is another post, and waits" if isinstance(new, Item) else (
                f"it would publish again once it may (now it waits: {new.why})")
            why = f"it was sent as {old.slot.post}; as {post.id} {danger}. {advice(old.slot.post, post)}"
        else:
            why = f"it was {old.slot.post}, and nothing was sent under that id. {advice(old.slot.post, post)}"
            why += f" Now it waits: {new.why}" if isinstance(new, Waiting) else ""
        return self.change(Difference.id_changed, old, new, why)

    def already_sent(self, slot: Slot, old: One | None, new: One | None) -> list[Change]:
        """What was changed of something that is out, and has no effect."""
        if new is None and old is not None:
            what = f"{self.why_gone(slot)}; what is out stays there"
        elif old is None:
            what = "it stands here for the first time, and is out already"
        else:
            assert new is not None
            parts = (["its time"] if old.at != new.at and old.at and new.at else []) + self.differences(old, new)
            if not parts:
                return []
            what = f"{_listed(parts)} changed, which has no effect"
        return [self.change(Difference.already_sent, old, new, what)]

    def of_both(self, old: One, new: One) -> list[Change]:
        made = []
        note = _OPEN.get(self.standings[old.slot].state, "") if old.slot in self.standings else ""
        if isinstance(old, Item) and isinstance(new, Waiting):
            made.append(self.change(Difference.cancelled, old, new, new.why))
        elif isinstance(old, Waiting) and isinstance(new, Item):
            made.append(self.change(Difference.restored, old, new, _joined(f"it waited: {old.why}", note)))
        elif old.at is not None and new.at is not None and old.at != new.at:
            waits = f"it waits: {new.why}" if isinstance(new, Waiting) else ""
            made.append(self.change(Difference.moved, old, new, _joined(waits, note)))
        if parts := self.differences(old, new):
            made.append(self.change(Difference.text_changed, old, new, _joined(_listed(parts), note)))
        return made

    def gone(self, old: One) -> Change:
        waited = f"it waited: {old.why}" if isinstance(old, Waiting) else ""
        return self.change(Difference.cancelled, old, None, _joined(self.why_gone(old.slot), waited))

    def new(self, new: One) -> Change:
        return self.change(Difference.new, None, new, f"it waits: {new.why}" if isinstance(new, Waiting) else "")

    def change(self, kind: Difference, old: One | None, new: One | None, why: str) -> Change:
        one = new or old
        assert one is not None
        return Change(kind, one.slot, _moment(old), _moment(new), masked(why), one.post.post.campaign)

    # --- why --------------------------------------------------------------------------------------------------------

    def why_gone(self, slot: Slot) -> str:
        """Why the new content has no such slot."""
        post = self.posts.get(self.renamed[slot.post].id if slot.post in self.renamed else slot.post)
        if post is None:
            errors = [p for p in self.after.problems if p.post == slot.post and p.severity == Severity.error]
            return reason(errors[0]) if errors else "its file is gone"
        if post.head.draft:
            return "its file says draft: true"
        channel = next((c for c in self.after.content.channels.channels if c.id == slot.channel), None)
        if channel is None:
            return f"there is no channel {slot.channel} any more"
        if channel.status != "active":
            return f"{slot.channel} is {channel.status}"
        if (post.id, slot.channel) in self.goes_to:
            return "this run is no more"
        return f"it no longer goes to {slot.channel}"

    def differences(self, old: One, new: One) -> list[str]:
        """What people would see otherwise than before."""
        then, now = self.before.messages.get(old.slot), self.after.messages.get(new.slot)
        if then is None or now is None:
            return []
        found = {
            "the text": _texts(then) != _texts(now),
            "the pictures": not _same_media(then, now),
            "a description": [media.alt for media in _media(then)] != [media.alt for media in _media(now)],
            "the link": (old.post.link, then.card) != (new.post.link, now.card),
            "the language": then.language != now.language,
            f"the account ({then.account} → {now.account})": (then.network, then.account) != (now.network, now.account),
        }
        return [what for what, differs in found.items() if differs]


def _posts(prepared: Prepared) -> list[Post]:
    return [*(post.post for post in prepared.content.posts), *prepared.content.drafts]


def _moment(one: One | None) -> Moment | None:
    return Moment(one.at, one.zone) if one is not None and one.at is not None else None


def _texts(message: Message) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in message.parts]


def _media(message: Message) -> list[Media]:
    return [media for part in message.parts for media in part.media]


def _same_media(then: Message, now: Message) -> bool:
    """Whether the files are the same: by their bytes where both are known, else by name and size."""
    before, after = _media(then), _media(now)
    return len(before) == len(after) and all(
        old.file == new.file and old.size == new.size and (not old.blob or not new.blob or old.blob == new.blob)
        for old, new in zip(before, after, strict=True))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _joined(*pieces: str) -> str:
    return "; ".join(piece for piece in pieces if piece)
