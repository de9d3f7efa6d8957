"""Posts that go out so long after another one: they follow it when it moves, and wait while it waits."""
from collections.abc import Collection, Container, Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flows.planning.phrasing import Relation, relation
from flows.planning.placing import Places
from flows.planning.timing import days_on, instant
from flows.planning.wishing import Claim, Wish
from schemas.content import Content, Resolved
from schemas.ledger import Slot
from schemas.notation import in_our_time
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Problem, Severity


class Followers:
    """Who follows whom. `targets`: those who are followed. `slots_of`: the slots of each post, by id; posts of a series
    get theirs as they are placed.
    """

    def __init__(self, wishes: Iterable[Wish], content: Content, places: Places) -> None:
        self._places = places
        self._drafts = {name for post in content.drafts for name in (post.id, post.stem)}
        everyone = list(wishes)
        self.slots_of = {one.post.id: [claim.slot for claim in one.claims] for one in everyone}
        self._names = _names(self.slots_of, [*(post.id for post in content.drafts), *content.others])
        self._after: dict[str, list[Wish]] = {}
        self.targets: tuple[str, ...] = ()
        self._turning = {one.post.id for one in everyone if one.form == "turns"}
        self._waiting = [one for one in everyone if one.after is not None]
        for one in self._waiting:
            if one.after is not None and (target := self._names.get(one.after.post)) is not None:
                self._after.setdefault(target, []).append(one)
        self.targets = tuple(self._after)

    def follow(self, target: str) -> None:
        """Places what goes out after `target`, once all of it has its place, and what goes out after that."""
        ready = [target]
        while ready:
            id = ready.pop()
            if not self._after.get(id) or not self._is_placed(id):
                continue
            for one in self._after[id]:
                if not self._is_placed(one.post.id):
                    self._place(one, id)
                    ready.append(one.post.id)

    def leave(self) -> None:
        """Says of what was never reached why it waits."""
        for one in self._waiting:
            assert one.after is not None
            name = one.after.post
            target = self._names.get(name)
            for claim in one.claims:
                if claim.slot in self._places.placed:
                    continue
                if target is None and name in self._drafts:
                    self._unable(one, claim, name, f"{name} is a draft")
                elif target is None:
                    self._places.wait(one.post, claim, f"there is no post {name}")
                else:
                    self._places.wait(one.post, claim, f"it waits for {target}, and {target} waits for it")

    def _is_placed(self, id: str) -> bool:
        return all(slot in self._places.placed for slot in self.slots_of[id])

    def _place(self, one: Wish, target: str) -> None:
        assert one.after is not None
        for claim in one.claims:
            base, why = self._base(target, claim)
            if base is None:
                self._unable(one, claim, target, why)
                continue
            try:
                at = in_our_time(_after(base, one.after, self._places.frame.zone(one.post, claim.channel),
                                        claim.stagger))
            except (ValueError, OverflowError):
                self._unable(one, claim, target, "its time would be after the year 2999")
                continue
            if why and claim.slot not in self._places.sent:
                self._unable(one, claim, target, why, at)
            else:
                self._places.occupy(one.post, claim, at, found=False)

    def _base(self, target: str, claim: Claim) -> tuple[datetime | None, str]:
        """When `target` went or goes out on the channel, else first anywhere; and why it may not go out."""
        slots = self.slots_of[target]
        if any(slot.run != "1" for slot in slots) or target in self._turning:
            return None, f"{target} goes out again and again; name a post that goes out once"
        here = next((slot for slot in slots if slot.channel == claim.channel.id), None)
        placed = [(self._places.placed[slot], slot) for slot in ([here] if here else slots)]
        found = sorted((at, one.why if isinstance(one, Waiting) else "") for one, slot in placed
                       if (at := self._went(one, slot)) is not None)
        if not found:
            why = next((one.why for one, _ in placed if isinstance(one, Waiting)), "it goes nowhere")
            return None, f"{target} has no time: {why}"
        at, why = found[0]
        return at if here else at + claim.stagger, f"{target} waits: {why}" if why else ""

    def _went(self, one: Item | Waiting, slot: Slot) -> datetime | None:
        """When a slot went out, to the minute; its time until then."""
        at = self._places.sent.get(slot)
        return at.replace(second=0, microsecond=0) if at is not None else one.at

    def _unable(self, one: Wish, claim: Claim, target: str, why: str, at: datetime | None = None) -> None:
        """SCH004: the slot waits for its target. Said once: what keeps the post itself back comes first."""
        own = self._places.permit.why_not(one.post, claim.channel)
        self._places.wait(one.post, claim, own or f"it waits for {target}: {why}", at)
        if own is None:
            said = f"{one.post.id} waits on {claim.channel.id} for {target}: {why}."
            remedy = f"Mend {target}, or give this post a time of its own."
            self._places.problem("SCH004", one.post, "after", claim, said, remedy)


def left_behind(plan: Plan, posts: Iterable[Resolved], others: Collection[str],
                sent: Container[Slot]) -> tuple[Plan, list[Problem]]:
    """`plan` where whoever follows a post that an error keeps back waits too, and what is to be said of it (SCH004)."""
    if not any(one.stopped for one in plan.waiting):
        return plan, []
    everyone = list(posts)
    names = _names({post.id: None for post in everyone}, others)
    target = {post.id: names.get(said.post) for post in everyone
              if post.post.head.after is not None and (said := relation(post.post.head.after)) is not None}
    stopped = {one.slot for one in plan.waiting if one.stopped}
    items, waiting, problems = list(plan.items), list(plan.waiting), list[Problem]()
    while behind := [item for item in items if item.slot not in sent and target.get(item.post.id) is not None
                     and Slot(str(target[item.post.id]), item.channel.id) in stopped]:
        for item in behind:
            leader = target[item.post.id]
            why = f"{leader} is kept back by an error"
            waiting.append(Waiting(item.slot, item.post, item.channel, f"it waits for {leader}: {why}", item.zone,
                                   item.at, item.found, item.turn, stopped=True))
            problems.append(Problem(
                "SCH004", Severity.error, item.post.post.place("after"),
                f"{item.post.id} waits on {item.channel.id} for {leader}: {why}.",
                f"Mend {leader}, or give this post a time of its own.", item.post.id, item.channel.id))
        gone = {item.slot for item in behind}
        stopped |= gone
        items = [item for item in items if item.slot not in gone]
    return plan._replace(items=tuple(items), waiting=tuple(waiting)), problems


def leaders(posts: Iterable[Resolved], follower: Resolved) -> list[Slot]:
    """The slots that `follower` goes out after, and those that these go out after, and so on."""
    everyone = list(posts)
    names = _names({post.id: None for post in everyone}, ())
    by_id, found, id = {post.id: post for post in everyone}, list[str](), follower.id
    while (after := by_id[id].post.head.after) is not None and (said := relation(after)) is not None:
        target = names.get(said.post)
        if target is None or target in found:
            break
        found.append(target)
        id = target
    return [Slot(target, channel.id) for target in found for channel in by_id[target].channels]


def _after(base: datetime, relation: Relation, zone: str, stagger: timedelta) -> datetime:
    """So long after `base`. Minutes and hours are those of the world; days, weeks and months those of the wall."""
    wall = ZoneInfo(zone)
    if relation.unit in ("m", "h"):
        at = base + relation.number * timedelta(**{{"m": "minutes", "h": "hours"}[relation.unit]: 1})
        if relation.clock is None:
            return at
        local = at.astimezone(wall)
        day = local.date() + timedelta(days=local.time() > relation.clock)
        return instant(datetime.combine(day, relation.clock), zone).at + stagger
    local = base.astimezone(wall)
    day = days_on(local.date(), relation.number, relation.unit)
    if relation.clock is None:
        return instant(datetime.combine(day, local.time()), zone).at
    return instant(datetime.combine(day, relation.clock), zone).at + stagger


def _names(ids: Mapping[str, object], drafts: Collection[str]) -> dict[str, str]:
    """Every name that means one post that is planned: its id, or a stem that no other post has."""
    stems: dict[str, list[str]] = {}
    for id in {*ids, *drafts}:
        stems.setdefault(id.rsplit("/", 1)[-1], []).append(id)
    unique = {stem: owners[0] for stem, owners in stems.items() if len(owners) == 1 and owners[0] in ids}
    return unique | {id: id for id in ids}
