"""ENG001 and ENG004: questions and complaints that have waited too long, by the playbook and its working hours."""
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from flows.planning.rules.attending import named, of_kind, on_call
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from flows.planning.timing import days_on, wall
from flows.planning.working import ALWAYS, Worked, working_hours
from schemas.engagement import Playbook
from schemas.inbox import InboxItem, MessageKind
from schemas.notation import span
from schemas.place import Place
from schemas.problem import Problem, Severity

PLAYBOOK = "engagement/playbook.yaml"
_FOLLOW_UP = timedelta(days=3)
_NAMED = 5


class Desk:
    """What the playbook says of answering, and which messages have waited too long by it.

    Hours that cannot be read count as round the clock: nobody waits longer for that.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.entry = of_kind(facts, "playbook")
        self.playbook: Playbook = facts.content.entry("playbook") or Playbook()
        self.is_lost = PLAYBOOK in facts.content.unreadable
        self.messages = [one for one in facts.world.inbox or () if one.at <= facts.now]
        self.hours = working_hours(self.playbook.working_hours) if self.playbook.working_hours else None
        self.worked = Worked(self.hours or ALWAYS, facts.content.timezone,
                             min((one.at for one in self.messages), default=facts.now), facts.now)

    def place(self, *path: str) -> Place:
        return self.entry.place(*path) if self.entry else Place(f"{self.facts.content.root}/{PLAYBOOK}")

    def sla(self, kind: MessageKind) -> str | None:
        """In which time a message of the kind is answered; None: nobody says."""
        written: str | None = getattr(self.playbook.sla, kind, None)
        return written

    def open(self, kind: MessageKind) -> list[InboxItem]:
        """Messages that nobody has answered, closed or removed, the oldest first."""
        return sorted((one for one in self.messages if one.kind == kind and one.removed_for is None
                       and not any(happened(at, self.facts) for at in (one.answered_at, one.closed_at))),
                      key=lambda one: one.at)

    def is_late(self, message: InboxItem, sla: str, times: int = 1) -> bool:
        """Whether it has waited longer than so many times `sla`, in working hours; months are calendar months."""
        return self.waited(message, sla, times) > timedelta(0)

    def waited(self, message: InboxItem, sla: str, times: int) -> timedelta:
        """How much longer it has waited than so many times `sla`; less than nothing: there is time left."""
        if sla.endswith("mo"):
            zone = wall(self.facts.content.timezone)
            try:
                day = days_on(message.at.astimezone(zone).date(), times * int(sla.removesuffix("mo")), "mo")
            except (ValueError, OverflowError):
                day = date.max                                    # more months than the calendar has
            return self.facts.today() - day
        return self.worked.between(message.at, self.facts.now) - times * span(sla)

    def who(self, kind: MessageKind) -> str | None:
        """Who is on call this week, else who gets such messages by the playbook."""
        person = on_call(self.facts) or self.playbook.routes.get(kind)
        return named(self.facts, person) if person else None


def happened(at: datetime | None, facts: Facts) -> bool:
    return at is not None and at <= facts.now


def listed(messages: Sequence[InboxItem]) -> str:
    """The first few ids, and how many more."""
    ids = [one.id for one in messages[:_NAMED]]
    return joined([*ids, f"{len(messages) - _NAMED} more"] if len(messages) > _NAMED else ids)


def many(messages: Sequence[InboxItem], what: str) -> str:
    return f"1 {what}" if len(messages) == 1 else f"{len(messages)} {what}s"


def unsaid(rule: Rule, desk: Desk, kind: MessageKind, example: str) -> Iterator[Problem]:
    """Messages wait, and nobody says how long they may: told once, and not as an answer in time."""
    waiting = desk.open(kind)
    if waiting and not desk.is_lost:
        wait = "waits" if len(waiting) == 1 else "wait"
        yield rule.at(desk.place("sla"), f"{many(waiting, kind)} {wait}, and nobody says how soon one is answered.",
                      f"Write 'sla: {{{kind}: {example}}}' in {PLAYBOOK}.", severity=Severity.warning)


# --- ENG001 -----------------------------------------------------------------------------------------------------------


def _unanswered(facts: Facts) -> Iterator[Problem]:
    """Questions past their time, channel by channel; as an error from three times their time on."""
    desk = Desk(facts)
    sla = desk.sla("question")
    if sla is None:
        yield from unsaid(UNANSWERED, desk, "question", "24h")
        return
    by_channel: dict[str, list[InboxItem]] = {}
    for message in desk.open("question"):
        if desk.is_late(message, sla):
            by_channel.setdefault(message.channel, []).append(message)
    who, of = desk.who("question"), " of working time" if desk.hours is not None else ""
    for channel, late in sorted(by_channel.items()):
        severe = any(desk.waited(one, sla, 3) >= timedelta(0) for one in late)
        wait = "waits" if len(late) == 1 else "wait"
        yield UNANSWERED.at(
            desk.place("sla", "question"), f"{many(late, 'question')} {wait} on {channel}, the oldest for "
            f"{_age(facts.now - late[0].at)}; an answer takes {sla}{of} at most.",
            f"{who} is on duty: answer {late[0].id} first." if who else
            f"Nobody is on duty: write who is under on_call in people/team.yaml, and answer {late[0].id} first.",
            severity=Severity.error if severe else None)


def _age(waited: timedelta) -> str:
    hours = int(waited / timedelta(hours=1))
    if hours < 1:
        return f"{int(waited / timedelta(minutes=1))} minutes"
    return f"{hours} hour{'' if hours == 1 else 's'}" if hours < 48 else f"{hours // 24} days"


# --- ENG004 -----------------------------------------------------------------------------------------------------------


def _complaints(facts: Facts) -> Iterator[Problem]:
    """Complaints past their time, and those closed three days ago that nobody came back to."""
    desk = Desk(facts)
    sla, who = desk.sla("complaint"), desk.who("complaint")
    if sla is None:
        yield from unsaid(COMPLAINTS, desk, "complaint", "4h")
    late = [one for one in desk.open("complaint") if sla is not None and desk.is_late(one, sla)]
    if late:
        wait = "waits" if len(late) == 1 else "wait"
        yield COMPLAINTS.at(desk.place("sla", "complaint"), f"{many(late, 'complaint')} {wait} longer than {sla}: "
                            f"{listed(late)}.", f"Follow up {late[0].id} first{f': {who} is on duty' if who else ''}.")
    left = sorted((one for one in desk.messages if one.kind == "complaint" and one.closed_at is not None
                   and one.removed_for is None and facts.now - one.closed_at > _FOLLOW_UP
                   and not happened(one.followed_up_at, facts)), key=lambda one: one.closed_at or one.at)
    if left:
        yield COMPLAINTS.at(desk.place("sla", "complaint"), f"{many(left, 'complaint')} closed more than 3 days ago "
                            f"without a follow-up: {listed(left)}.",
                            f"Follow up {left[0].id}: ask whether all is well now.")


UNANSWERED = Rule(
    "ENG001", Severity.warning, "DT",
    "A question is open longer than the playbook's sla, in working hours; as an error from three times that on.",
    "Answer it. Who is on duty stands under on_call in people/team.yaml, else under routes in the playbook.",
    all=_unanswered, wants=("inbox",))
COMPLAINTS = Rule(
    "ENG004", Severity.warning, "D",
    "A complaint is open longer than the playbook's sla, or was closed three days ago without a follow-up.",
    "Follow it up.", all=_complaints, wants=("inbox",))
