"""CMP007 to CMP009: an offer that is worth it for those who are asked, and is looked at again before the next ask."""
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from flows.planning.placing import field_of
from flows.planning.rules.campaigns import day_of, is_unread, length, posts_of, reviews_of, running
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over, joined
from schemas.campaign import Campaign, Offer
from schemas.content import Entry, Resolved
from schemas.problem import Problem, Severity

_SAYS = {
    "text": "what it is",
    "value_to_reader": "what the reader gets out of it",
    "value_to_us": "what we get out of it",
    "url": "where people take it up",
    "event": "which event counts as a yes",
}
"""What the fields of an offer say, in words."""
_WORTH = "whether the offer is worth it"
_EARLY = timedelta(days=7)
"""So long before its day a review may be held."""
_SHOWN = 3


def _asks_of(facts: Facts) -> dict[str, list[Resolved]]:
    """The posts of each campaign that ask for something, by its folder."""
    asks = {folder: [post for post in posts if post.intent == "ask"] for folder, posts in posts_of(facts).items()}
    return {folder: posts for folder, posts in asks.items() if posts}


def _first_days(facts: Facts) -> dict[str, date]:
    """The day on which each ask of a campaign goes out first, by post id; what has no time, or missed it, is left out.
    """
    first: dict[str, datetime] = {}
    for one in facts.plan.everything():
        if (one.at is not None and one.post.intent == "ask" and one.post.post.campaign is not None
                and (facts.sent is None or one.slot in facts.sent or not is_over(one, facts))):
            first[one.post.id] = min(one.at, first.get(one.post.id, one.at))
    return {id: day_of(at, facts) for id, at in first.items()}


def _unproven(facts: Facts) -> Iterator[Problem]:
    """An offer that does not say what it is worth to whom, or is made to people whom nobody asked before.

    An ask that names no audience is for all of the campaign's. An audience to which no ask goes is not judged.
    """
    asks = _asks_of(facts)
    first = _first_days(facts) if asks else {}
    for entry, campaign in running(facts):
        of_campaign, offer = asks.get(entry.folder), campaign.offer
        if not of_campaign:
            continue
        if offer is None:
            yield UNPROVEN.at(entry.place(), "The campaign asks for something, and has no offer.",
                              f"Add offer: with {joined(list(_SAYS))}, and with validated: for each audience.")
            continue
        for key, says in _SAYS.items():
            if not getattr(offer, key):
                yield UNPROVEN.at(entry.place("offer", key), f"The offer does not say {says}.",
                                  f"Add {key}: under offer:.")
        yield from _unasked(entry, campaign, offer, of_campaign, first, facts.today())


def _unasked(entry: Entry, campaign: Campaign, offer: Offer, asks: list[Resolved],
             first: dict[str, date], today: date) -> Iterator[Problem]:
    """Audiences that were not asked before their first ask; and answers of which nobody knows how they came about."""
    named = {post.post.head.audience for post in asks}
    audiences = [*(campaign.audiences if None in named else ()), *sorted(named - {None}, key=str)]
    for audience in dict.fromkeys(filter(None, audiences)):
        asked = min((first[post.id] for post in asks
                     if post.post.head.audience in (None, audience) and post.id in first), default=None)
        validated = [(one.date, number) for number, one in enumerate(offer.validated)
                     if one.audience == audience and one.date is not None]
        if not validated:
            when = f" before {asked}" if asked is not None else ""
            yield UNPROVEN.at(
                entry.place("offer", "validated"), f"Nobody asked {audience}{when} {_WORTH}.",
                "Ask some of them first, and write it under offer: validated: (audience, date, by, method, finding).")
        elif asked is not None and min(validated)[0] > asked:
            day, number = min(validated)
            yield UNPROVEN.at(
                entry.place("offer", "validated", number, "date"),
                f"{audience}: asked {_WORTH} on {day}, after the first ask to them on {asked}.",
                f"Ask some of them before, or move the ask to {day} or later." if asked > today else
                "The ask is out: have the sponsor sign a waiver for CMP007 in rules.yaml, with the reason.")
        elif min(validated)[0] > today:
            day, number = min(validated)
            yield UNPROVEN.at(
                entry.place("offer", "validated", number, "date"), f"{audience}: to be asked {_WORTH} on {day}, which "
                "is still to come.", "Once they were asked, write down what they said; if the day changes, change it.",
                severity=Severity.advice)
    for number, one in enumerate(offer.validated):
        lacking = [key for key in ("audience", "date", "by", "method", "finding") if not getattr(one, key)]
        if lacking:
            yield UNPROVEN.at(
                entry.place("offer", "validated", number), f"What people said of the offer has no {joined(lacking)}.",
                f"Add {joined([f'{key}:' for key in lacking])}, so that others can see how it came about.",
                severity=Severity.warning)


def _stale(facts: Facts) -> Iterator[Problem]:
    """Asks of a campaign whose offer should have been looked at again by now; and a campaign that never plans to.

    A review of kind offer or mid counts, from a week before the day on. What is said of an ask that is out, or too
    late to go out, would help nobody. A review that cannot be read has a problem of its own. A rehearsal holds no ask
    back: it plays months in a minute, and nobody can review meanwhile.
    """
    asks, today, grace = _asks_of(facts), facts.today(), length(facts, STALE, "reassess_grace")
    waits: dict[str, date] = {}
    for entry, campaign in running(facts):
        folder = entry.folder
        reassess = campaign.offer.reassess if campaign.offer is not None else ()
        if folder not in asks:
            continue
        if not reassess:
            yield STALE.at(entry.place("offer", "reassess"),
                           "The campaign asks for something, and no day is set to look at its offer again.",
                           "Add reassess: under offer:, with a day after each ask but the last.")
        if is_unread(facts, f"campaigns/{folder}/reviews/"):
            continue
        held = [review.date for _, review in reviews_of(facts, folder)
                if review.kind in ("offer", "mid") and review.date is not None]
        missed = [day for day in reassess if grace.after(day) < today and not any(day - _EARLY <= on for on in held)]
        if missed:
            waits[folder] = min(missed)
    for item in facts.plan.items if waits and not facts.world.rehearsal else ():
        post = item.post
        day = waits.get(post.post.campaign or "")
        if day is None or post.intent != "ask" or day_of(item.at, facts) <= grace.after(day) or is_over(item, facts):
            continue
        yield STALE.at(
            post.post.place(field_of(post)),
            f"On {item.channel.id}, {day_of(item.at, facts)}: the offer was to be looked at again on {day}, and there "
            "is no review of it.",
            f"Re-assess it before asking again: write campaigns/{post.post.campaign}/reviews/{today}-offer.md with "
            "kind: offer and its date.", post.id, item.channel.id, None if item.slot.run == "1" else item.slot.run)


def _unchanged(facts: Facts) -> Iterator[Problem]:
    """Asks to come whose text is older than the review that wanted something else.

    The newest review of a campaign is what counts: one that says keep lets the asks be as they are. A file that lies
    changed and not committed is being changed, and is not told.
    """
    history, asks = facts.world.history, _asks_of(facts)
    if history is None or not asks:
        return
    wanted: dict[str, tuple[Entry, date, str]] = {}
    for entry, _ in running(facts):
        reviews = reviews_of(facts, entry.folder) if entry.folder in asks else []
        if reviews and reviews[-1][1].decision in ("change", "stop"):
            newest, review = reviews[-1]
            assert review.date is not None
            wanted[entry.folder] = newest, review.date, str(review.decision)
    if not wanted:
        return
    root, last = f"{facts.content.root}/", dict[str, datetime]()
    for one in facts.plan.everything():
        if one.at is not None and one.post.post.campaign in wanted and not is_over(one, facts):
            last[one.post.id] = max(one.at, last.get(one.post.id, one.at))
    for folder, (entry, day, decision) in wanted.items():
        kept = [post.id for post in asks[folder] if post.id in last and day_of(last[post.id], facts) > day
                and (file := history.files.get(post.post.file.removeprefix(root))) is not None
                and day_of(file.last.at, facts) < day]
        if kept:
            more = [f"{len(kept) - _SHOWN} more"] if len(kept) > _SHOWN else []
            remedy = ("Change their texts as the review says, or take them out." if decision == "change" else
                      "Take them out, or write a new review that says why to go on.")
            yield UNCHANGED.at(
                entry.place("decision"), f"The review of {day} said {decision}, and {joined([*kept[:_SHOWN], *more])} "
                f"{'is' if len(kept) == 1 else 'are'} as before.", remedy)


UNPROVEN = Rule(
    "CMP007", Severity.error, "F", "A campaign asks for something, and its offer does not say what it is worth to "
    "whom, or nobody asked an audience before its first ask; as a warning: an answer has no date, method or finding, "
    "or is of a day to come.",
    "Ask the audience first whether the offer is worth it.", all=_unproven)
STALE = Rule(
    "CMP008", Severity.error, "T", "The offer of a campaign was to be looked at again more than three days ago, and "
    "there is no review: later asks wait. Or no such day is set at all.", "Re-assess the offer before asking again.",
    all=_stale, knobs={"reassess_grace": "3d"}, acts=True, due=True)
UNCHANGED = Rule(
    "CMP009", Severity.warning, "G", "The last review of a campaign said change or stop, and asks to come are as they "
    "were before it.", "Change them as the review says, or take them out.", all=_unchanged, wants=("history",))
RULES: tuple[Rule, ...] = (UNPROVEN, STALE, UNCHANGED)
