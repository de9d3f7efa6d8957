"""CMP010 to CMP016: a campaign meets people where they are, is ready in time, leaves room for others, and is closed."""
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from math import ceil

from flows.planning.rules import saturation
from flows.planning.rules.campaigns import (
    counted,
    day_of,
    either,
    is_unread,
    posts_of,
    reviews_of,
    running,
    share,
)
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.signatures import APPROVED
from flows.planning.rules.wording import joined
from schemas.audience import Audience
from schemas.campaign import Approval, Campaign, Influencer
from schemas.channel import Channel
from schemas.content import Entry, Resolved
from schemas.people import Session, Team
from schemas.problem import Problem, Severity

_WORD = re.compile(r"\w+(?:[.-]\w+)*")
_READY = timedelta(days=14)
_BRIEFING = timedelta(days=30)
_KNOWN = timedelta(days=30)
_LEAST_RISKS = 3
_THANKS, _RESULTS = timedelta(days=7), timedelta(days=14)
_ALSO = {"x": ("twitter",), "devto": ("dev.to",), "mail": ("newsletter", "email", "e-mail"), "feed": ("rss", "blog"),
         "wordpress": ("blog",), "ghost": ("blog",)}
"""What people call a network besides its name."""


def _elsewhere(facts: Facts) -> Iterator[Problem]:
    """An audience that gathers on none of the campaign's channels.

    `gathers_at` is in plain words: a channel is meant where its id or its network is among them.
    """
    audiences = {entry.id: entry for entry in facts.content.entries if isinstance(entry.value, Audience)}
    channels = {channel.id: channel for channel in facts.content.channels.channels}
    for entry, campaign in running(facts):
        meant = [channels[id] for id in campaign.channels or () if id in channels]
        for number, id in enumerate(campaign.audiences if meant else ()):
            audience = audiences.get(id)
            if audience is None or not isinstance(audience.value, Audience):
                continue
            place, gathers = entry.place("audiences", number), audience.value.gathers_at
            if not gathers:
                yield ELSEWHERE.at(place, f"Nobody has written down where {id} gather.",
                                   f"Add gathers_at: in {audience.file}: networks, groups, places.")
            elif not any(_is_among(channel, gathers) for channel in meant):
                names = either([channel.id for channel in meant])
                yield ELSEWHERE.at(place, f"{id} gather at {joined(gathers)}, not on {names}.",
                                   "Go where they are: add a channel there, or leave this audience out.")


def _is_among(channel: Channel, gathers: tuple[str, ...]) -> bool:
    """Whether people who gather there meet on the channel."""
    names = {channel.id, channel.network, channel.network.split("_")[0], *_ALSO.get(channel.network, ())}
    words = {word for text in gathers for word in (text.casefold(), *_WORD.findall(text.casefold()))}
    return not names.isdisjoint(words)


def _unready(facts: Facts) -> Iterator[Problem]:
    """From two weeks before the start on, too few posts that somebody approved; files that were due and are not there.

    Drafts and posts that cannot be read are not ready. Which files are missing is known from REF001.
    """
    today, least = facts.today(), share(facts, UNREADY, "ready_share")
    soon = [(entry, campaign, campaign.start) for entry, campaign in running(facts)
            if campaign.start is not None and campaign.start - _READY <= today <= campaign.start]
    finished, others = (posts_of(facts), _unfinished(facts)) if soon else ({}, Counter())
    for entry, campaign, start in soon:
        posts = finished.get(entry.folder, [])
        number = len(posts) + others[entry.folder]
        ready = sum(1 for post in posts if _is_approved(post, campaign, facts))
        if number == 0:
            yield UNREADY.at(entry.place("start"), f"There is no post yet, and it starts on {start}.",
                             f"Write its posts in campaigns/{entry.folder}/posts/ and have them approved.")
        elif ready / number < least:
            yield UNREADY.at(
                entry.place("start"), f"{ready} of {number} posts are ready, and it starts on {start}.",
                f"Finish {_missing(least, number, ready)} more and have them approved (approved_by:), or start later.")
    gone = {problem.place for problem in facts.content.problems if problem.code == "REF001"}
    for entry, campaign in running(facts):
        assets = campaign.assets
        if assets is None or assets.ready_by is None or assets.ready_by >= today:
            continue
        for at, name in enumerate(assets.needed):
            if entry.place("assets", "needed", at) in gone:
                yield UNREADY.at(entry.place("assets", "needed", at),
                                 f"{name} was to be ready by {assets.ready_by}, and is not there.",
                                 "Put the file into media/, or plan without it.")


def _is_approved(post: Resolved, campaign: Campaign, facts: Facts) -> bool:
    """Whether as many as the campaign asks for have approved the post; of those whom it names, if it names any."""
    approval = campaign.approval or Approval()
    need = approval.need if "need" in approval.model_fields_set else facts.knob(APPROVED, "need")
    return len({one for one in post.post.head.approved_by if not approval.from_ or one in approval.from_}) >= need


def _unfinished(facts: Facts) -> Counter[str]:
    """How many drafts and unreadable posts there are, by campaign folder."""
    made = Counter(draft.campaign for draft in facts.content.drafts if draft.campaign is not None)
    if broken := facts.content.broken().keys() - {None}:
        read = {post.id for post in facts.content.posts} | {draft.id for draft in facts.content.drafts}
        made.update(id.split("/")[0] for id in broken if id is not None and id not in read)
    return made


def _unbriefed(facts: Facts) -> Iterator[Problem]:
    """From 30 days before the start on, nobody told everybody who works here what is coming."""
    home = next((entry for entry in facts.content.entries if isinstance(entry.value, Team)), None)
    if home is None and is_unread(facts, "people/team.yaml"):
        return
    for entry, campaign in running(facts):
        if campaign.start is not None and facts.today() >= campaign.start - _BRIEFING:
            yield from _briefing(entry, campaign.start, home, facts)


def _briefing(entry: Entry, start: date, home: Entry | None, facts: Facts) -> Iterator[Problem]:
    """What is wrong with the briefing for one campaign: the fullest counts; one still to come is only mentioned."""
    team, least = home.value if home is not None else None, share(facts, UNBRIEFED, "briefed_share")
    briefings = [(one.date, number, one) for number, one in enumerate(team.sessions if isinstance(team, Team) else ())
                 if one.group == "everyone" and one.campaign in (entry.folder, entry.id)
                 and one.date is not None and start - _BRIEFING <= one.date <= start]
    first = min((on for on, _, _ in briefings), default=start)
    held = [(_came(one), number, one) for on, number, one in briefings if on <= facts.today()]
    if home is None or not isinstance(team, Team) or not briefings:
        yield UNBRIEFED.at(
            entry.place("start"), f"Nobody briefed everybody in the 30 days before the start on {start}.",
            "Brief the whole team before launch, and add it to sessions: in people/team.yaml, with group: everyone, "
            f"campaign: {entry.id} and headcount.")
    elif not held:
        yield UNBRIEFED.at(
            entry.place("start"), f"The briefing of everybody is still to come, on {first}.",
            "Write down in people/team.yaml who came, once it was held.", severity=Severity.warning)
    elif not team.headcount:
        yield UNBRIEFED.at(
            home.place("headcount"), "Nobody can tell whether the briefing reached everybody: how many work here is "
            "not written down.", "Add headcount: with the number of all of them.")
    else:
        came, number, session = max(held, key=lambda one: one[0])
        if came / team.headcount < least:
            yield UNBRIEFED.at(
                home.place("sessions", number, "headcount" if session.headcount is not None else "attended"),
                f"{came} of {team.headcount} people came to the briefing for {entry.id}.",
                f"Brief {_missing(least, team.headcount, came)} more before the launch on {start}.")


def _missing(least: float, number: int, there: int) -> int:
    """How many more it takes for `least` of all."""
    return ceil(least * number - 1e-9) - there


def _came(session: Session) -> int:
    return session.headcount if session.headcount is not None else len(set(session.attended))


def _unlearned(facts: Facts) -> Iterator[Problem]:
    """Too few thoughts on what people may do with it, or on what groundwork taught; thoughts that lead to nothing."""
    for entry, campaign in running(facts):
        number = len(campaign.risks)
        if number < _LEAST_RISKS:
            said = "Nobody has written down what people may do with it" if number == 0 else (
                f"{counted(number, 'thing')} that people may do with it {'is' if number == 1 else 'are'} written down")
            yield UNLEARNED.at(entry.place("risks"), f"{said}; {_LEAST_RISKS} are the least.",
                               "List under risks: what may happen, and the answer to each.")
        for at, risk in enumerate(campaign.risks):
            if not risk.answer:
                yield UNLEARNED.at(entry.place("risks", at), f"There is no answer yet to '{risk.what}'.",
                                   "Add answer: with what we do then.")
        if not campaign.learned:
            yield UNLEARNED.at(entry.place("learned"), "What groundwork taught is not written down.",
                               "List it under learned: what it was, and how it is used.")
        for at, lesson in enumerate(campaign.learned):
            if not lesson.used:
                yield UNLEARNED.at(entry.place("learned", at), f"What was learned is not used: '{lesson.text}'.",
                                   "Add used: with what the campaign makes of it.")


def _strangers(facts: Facts) -> Iterator[Problem]:
    """Somebody who is to help, whom we do not know yet, gave nothing, or does not label what they were given."""
    for entry, campaign in running(facts):
        for number, person in enumerate(campaign.influencers):
            for key, message, remedy in _wants(person, campaign):
                yield STRANGERS.at(entry.place("influencers", number, key), message, remedy)


def _wants(person: Influencer, campaign: Campaign) -> Iterator[tuple[str, str, str]]:
    """Field, message and remedy of what is wrong with one of them."""
    who = person.handle or "somebody without a handle"
    latest = campaign.start - _KNOWN if campaign.start is not None else None
    if person.since is None:
        yield "since", f"Since when we know {who} is not written down.", "Add since: with the day you first spoke."
    elif latest is not None and person.since > latest:
        yield ("since", f"We know {who} since {person.since}, less than 30 days before the start.",
               f"Know them before you ask: leave them out, or start on {person.since + _KNOWN} or later.")
    if not person.gave:
        yield "gave", f"What we gave {who} is not written down.", "Give first, then ask; add gave: with what it was."
    if person.terms is None:
        yield "terms", f"The terms with {who} are not written down.", "Add terms: none, gifted or paid."
    elif person.terms != "none" and not person.disclosure:
        gets = "is paid" if person.terms == "paid" else "is given something"
        yield ("disclosure", f"{who} {gets}, and nothing says how they label it.",
               "Add disclosure: with the label, such as Ad, and have them begin with it.")


def _unclosed(facts: Facts) -> Iterator[Problem]:
    """A campaign that is over, and nobody looked back, or thanked people.

    Whether the thanks went out is known from the archive; where nobody looked into it, from the plan.
    """
    today = facts.today()
    ended = [(entry, campaign, campaign.end) for entry, campaign in facts.campaigns()
             if campaign.end is not None and campaign.end + _THANKS < today]
    said = _Said(facts) if ended else None
    for entry, campaign, end in ended:
        folder, name = entry.folder, campaign.title or entry.id
        if not is_unread(facts, f"campaigns/{folder}/reviews/") and today > end + _RESULTS and not any(
                review.kind == "final" for _, review in reviews_of(facts, folder)):
            yield UNCLOSED.at(
                entry.place("end"), f"{name} ended on {end}, and there is no final review of it.",
                f"Write campaigns/{folder}/reviews/{today}-final.md with kind: final, its date, and what came of each "
                "goal.")
        why = _unthanked(entry, campaign, end + _THANKS, said) if said is not None else None
        if why is not None:
            yield UNCLOSED.at(entry.place("maintenance", "thanks"), f"{name} ended on {end}, and {why}.",
                              "Thank people now: publish a post that does, and name it as thanks: under maintenance:.")


class _Said:
    """Which posts there are, by id and by the last part of it; which went out, and when each goes out first.

    `out` None: nobody looked into the archive.
    """

    def __init__(self, facts: Facts) -> None:
        self.ids = {post.id for post in facts.content.posts}
        self.named: dict[str, set[str]] = {}
        for post in facts.content.posts:
            self.named.setdefault(post.post.stem, set()).add(post.id)
        self.broken = {id for id in facts.content.broken() if id is not None} - self.ids
        self.out = {slot.post for slot in facts.sent} if facts.sent is not None else None
        self.first: dict[str, date] = {}
        for item in facts.plan.items:                             # in order of time
            if item.post.id not in self.first:
                self.first[item.post.id] = day_of(item.at, facts)


def _unthanked(entry: Entry, campaign: Campaign, latest: date, said: _Said) -> str | None:
    """Why nobody is thanked; None: they are."""
    name = campaign.maintenance.thanks if campaign.maintenance is not None else None
    if name is None:
        return "no post that thanks people is named"
    wanted = {name, f"{entry.folder}/{name}"}
    mine = wanted & said.ids or said.named.get(name) or wanted
    if said.out is not None:
        return None if mine & said.out else f"{name} is not published"
    if mine & said.broken:
        return None                                               # it cannot be read, and has a problem of its own
    planned = [said.first[id] for id in mine if id in said.first]
    if not planned:
        return f"{name} does not go out"
    return None if min(planned) <= latest else f"{name} goes out only on {min(planned)}"


ELSEWHERE = Rule(
    "CMP010", Severity.warning, "F", "An audience of a campaign gathers on none of its channels.",
    "Add a channel where they are, or leave the audience out.", all=_elsewhere)
UNREADY = Rule(
    "CMP011", Severity.warning, "FT", "Fourteen days before a campaign starts, less than 60% of its posts are "
    "approved; or a file that it needs is not there on its day.", "Finish the posts and have them approved.",
    all=_unready, knobs={"ready_share": 0.6})
UNBRIEFED = Rule(
    "CMP012", Severity.error, "FT", "In the 30 days before a campaign starts, nobody briefed everyone, or less than "
    "80% of them came; as a warning: the briefing is planned and still to come.", "Brief the whole team before launch.",
    all=_unbriefed, knobs={"briefed_share": 0.8})
UNLEARNED = Rule(
    "CMP013", Severity.warning, "F", "A campaign names less than three things that people may do with it, or nothing "
    "that groundwork taught; or one of them has no answer or is not used.",
    "List what people may do with it, and what groundwork taught.", all=_unlearned)
STRANGERS = Rule(
    "CMP015", Severity.error, "F", "Somebody who is to help is known for less than 30 days before the start, got "
    "nothing from us, or is paid or given something without a label.", "Know them before you ask, and label it.",
    all=_strangers)
UNCLOSED = Rule(
    "CMP016", Severity.warning, "T", "A campaign ended more than 14 days ago without a final review, or more than 7 "
    "days ago without its thanks.", "Write down the results, and thank people.", all=_unclosed)
RULES: tuple[Rule, ...] = (ELSEWHERE, UNREADY, UNBRIEFED, UNLEARNED, *saturation.RULES, STRANGERS, UNCLOSED)
