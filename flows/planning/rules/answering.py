"""ENG: whoever writes to us gets an answer in time, critics stay, and nobody's name travels without a yes.

What waits too long is in `waiting`; who is there, and what posts invite, in `attending`. The family is listed here.
"""
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from flows.planning.rules.attending import TALKING_AT, UNATTENDED, named, of_kind
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.waiting import COMPLAINTS, PLAYBOOK, UNANSWERED, Desk, happened, listed, many, unsaid
from schemas.inbox import InboxItem
from schemas.place import Place
from schemas.problem import Problem, Severity

_LATELY = timedelta(days=28)
_MANY_QUESTIONS = 5
_REGULAR = 3
"""Messages in 28 days that make somebody a regular (domain reference, repeat_engagers)."""

# --- ENG005 -----------------------------------------------------------------------------------------------------------


def _silenced(facts: Facts) -> Iterator[Problem]:
    """Messages that were hidden for what is no house rule, and posts that take no comments."""
    for post in facts.content.posts:
        for name, options in post.post.head.options.items():
            if options.get("comments") == "closed":
                yield SILENCED.at(post.post.place("options", name, "comments"), "Nobody may comment on it.",
                                  "Criticism stays: leave comments open, and moderate by the house rules.", post.id)
    desk = Desk(facts)
    if desk.is_lost:
        return
    rules = desk.playbook.moderation
    house, never = (rules.remove_for, rules.never_remove_for) if rules else ((), ())
    by_reason: dict[str, list[InboxItem]] = {}
    for message in desk.messages:
        if message.removed_for is not None and (message.removed_for not in house or message.removed_for in never):
            by_reason.setdefault(message.removed_for, []).append(message)
    for reason, removed in sorted(by_reason.items()):
        was = "was" if len(removed) == 1 else "were"
        yield SILENCED.at(
            desk.place("moderation", "never_remove_for" if reason in never else "remove_for"),
            f"{many(removed, 'message')} {was} removed for '{reason}', which is "
            f"{'never a reason' if reason in never else 'no house rule'}: {listed(removed)}.",
            f"Criticism stays: restore {'it' if len(removed) == 1 else 'them'}"
            f"{'.' if reason in never else f', or write the house rule under remove_for in {PLAYBOOK}.'}")


# --- ENG006 -----------------------------------------------------------------------------------------------------------


class _Asked(NamedTuple):
    """What many ask: a topic, or where nobody sorted them, whatever it is on one channel."""

    topic: str
    channel: str


def _unspoken(facts: Facts) -> Iterator[Problem]:
    """Questions that come again and again and are not answered in public; regulars whom nobody thanked."""
    since = facts.now - _LATELY
    messages = [one for one in facts.world.inbox or () if since < one.at <= facts.now and one.removed_for is None]
    asked: dict[_Asked, list[InboxItem]] = {}
    for message in messages:
        if message.kind == "question":
            topic = " ".join(message.topic.lower().split())
            asked.setdefault(_Asked(topic, "" if topic else message.channel), []).append(message)
    answers = {post.id: frozenset(post.post.head.answers) for post in facts.content.posts if post.intent == "respond"}
    for about, questions in sorted(asked.items()):
        if len(questions) < _MANY_QUESTIONS or _is_answered(questions, answers, facts, since):
            continue
        what = f"about {about.topic}" if about.topic else f"on {about.channel}"
        yield UNSPOKEN.at(_home(questions, facts), f"{len(questions)} questions {what} in 28 days, and no post answers "
                          "them.", f"Answer {about.topic or 'the most common one'} in public: a post with 'intent: "
                          f"respond' and 'answers: [{', '.join(one.id for one in questions[:3])}]'.")
    yield from _regulars(facts, messages)


def _is_answered(questions: Sequence[InboxItem], answers: dict[str, frozenset[str]], facts: Facts,
                 since: datetime) -> bool:
    """Whether a post responds on one of their channels, lately or soon; one that says to whom, to one of them."""
    ids, until = {one.id for one in questions}, facts.now + _LATELY
    return any(said.intent == "respond" and since < said.at <= until
               and (not answers.get(said.slot.post) or not ids.isdisjoint(answers[said.slot.post]))
               for channel in {one.channel for one in questions} for said in facts.said.get(channel, ()))


def _home(questions: Sequence[InboxItem], facts: Facts) -> Place:
    """Where the channel stands that most of them came by."""
    most = Counter(one.channel for one in questions).most_common(1)[0][0]
    entry = of_kind(facts, "channels")
    number = next((number for number, one in enumerate(facts.content.channels.channels) if one.id == most), None)
    if entry is None or number is None:
        return Place(f"{facts.content.root}/networks/channels.yaml")
    return entry.place("channels", number, "id")


def _regulars(facts: Facts, messages: Sequence[InboxItem]) -> Iterator[Problem]:
    many = Counter(one.person for one in messages if one.person)
    known = {one.person for one in facts.world.inbox or () if happened(one.acknowledged_at, facts)}
    regulars = [person for person, number in many.items() if number >= _REGULAR and person not in known]
    if regulars:
        number = len(regulars)
        theirs = [one for one in messages if one.person in regulars]
        yield UNSPOKEN.at(_home(theirs, facts), f"{number} regular{'' if number == 1 else 's'} wrote {_REGULAR} times "
                          f"or more in 28 days and {'was' if number == 1 else 'were'} never thanked.",
                          f"Thank {'them' if number > 1 else 'this one'}: begin with {theirs[0].id}.")


# --- ENG007 -----------------------------------------------------------------------------------------------------------


def _leads(facts: Facts) -> Iterator[Problem]:
    """Leads in the CRM without a yes; as a warning, leads that wait to be handed over, where there is a CRM."""
    desk = Desk(facts)
    handoff = desk.playbook.crm_handoff
    leads = sorted((one for one in desk.messages if one.kind == "lead"), key=lambda one: one.at)
    needs = not desk.is_lost and (handoff is None or handoff.needs_consent)
    taken = [one for one in leads if needs and one.handed_over_at is not None
             and (one.consent_at is None or one.consent_at > one.handed_over_at)]
    if taken:
        were = "was" if len(taken) == 1 else "were"
        yield LEADS.at(desk.place("crm_handoff", "needs_consent"), f"{many(taken, 'lead')} {were} handed over without "
                       f"consent: {listed(taken)}.", "No consent, no CRM: delete what was handed over, and ask first.",
                       severity=Severity.error)
    if handoff is None and all(strategy.crm is None for _, strategy in facts.strategies()):
        return
    waiting = [one for one in leads if not any(happened(at, facts) for at in (one.handed_over_at, one.closed_at))
               and one.removed_for is None]
    sla = desk.sla("lead")
    if sla is None:
        yield from unsaid(LEADS, desk, "lead", "1d")
        return
    late = [one for one in waiting if desk.is_late(one, sla)]
    if late:
        wait, who = "waits" if len(late) == 1 else "wait", desk.playbook.routes.get("lead")
        yield LEADS.at(desk.place("sla", "lead"), f"{many(late, 'lead')} {wait} longer than {sla} for the CRM: "
                       f"{listed(late)}.", f"{f'{named(facts, who)}: hand' if who else 'Hand'} over {late[0].id} first"
                       f"{'' if late[0].consent_at else ', once there is consent'}.", severity=Severity.warning)


SILENCED = Rule(
    "ENG005", Severity.error, "D",
    "A message was hidden or deleted for a reason that is no house rule (remove_for), or a post takes no comments.",
    "Restore it, or give a house rule. Criticism stays.", all=_silenced, wants=("inbox",))
UNSPOKEN = Rule(
    "ENG006", Severity.warning, "D",
    "Five questions or more on a topic, or on a channel, in 28 days, and no post responds; or somebody wrote three "
    "times in 28 days and was never acknowledged.",
    "Answer in public, and thank the regulars.", all=_unspoken, wants=("inbox",))
LEADS = Rule(
    "ENG007", Severity.error, "D",
    "A lead was handed over to the CRM without consent; as a warning: one was not handed over within the playbook's "
    "sla.",
    "No consent, no CRM; with consent, hand it over.", all=_leads, wants=("inbox",))
RULES: tuple[Rule, ...] = (UNANSWERED, TALKING_AT, UNATTENDED, COMPLAINTS, SILENCED, UNSPOKEN, LEADS)
