"""INT: gives come before asks, asks come seldom, and each leads somewhere. The whole family is listed here."""
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.hearing import asks_to_share
from flows.planning.measuring import ALL, series
from flows.planning.permitting import Permit
from flows.planning.placing import field_of
from flows.planning.rules.balances import GIVEN_FIRST, UNLOCKED
from flows.planning.rules.begging import ABOUT_US, HIDDEN_ASK, Languages
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import Piece, each, is_over, joined, only, wordings
from schemas.content import Resolved
from schemas.ledger import Slot
from schemas.notation import span
from schemas.place import Place
from schemas.plan import Item, Waiting
from schemas.problem import Problem, Severity

# --- INT001 -----------------------------------------------------------------------------------------------------------


class _Outside(NamedTuple):
    """One slot of an ask that is in no campaign. `first`: no campaign has ended before it."""

    run: str
    channel: str
    day: date
    first: bool


def _too_early(facts: Facts) -> Iterator[Problem]:
    """Asks in groundwork; as a warning, asks after a campaign and outside of all."""
    permit = Permit(facts.content)
    for post, slots in _asks(facts).items():
        asking = slots[0].post
        if not _is_ours_to_say(asking, permit):
            continue
        found = [_outside(one, permit, facts) for one in slots]
        early = [one for one in found if one is not None and one.first]
        idle = [one for one in found if one is not None and not one.first]
        if early:
            yield from _groundwork(asking, early, facts, whole=len(early) == len(found))
        if idle:
            day = min(one.day for one in idle)
            yield GIVES_ONLY.at(
                asking.post.place("intent"), f"It asks for something on {day}, outside of any campaign.",
                "Make it a give (intent: give), or move it into a campaign.", post, severity=Severity.warning)


def _asks(facts: Facts) -> dict[str, list[Item | Waiting]]:
    """By post: the slots of asks that have a time, and may still go out."""
    found: dict[str, list[Item | Waiting]] = {}
    for one in facts.plan.everything():
        if (one.post.intent == "ask" and one.at is not None and not one.post.post.head.withdraw
                and not is_over(one, facts)):
            found.setdefault(one.post.id, []).append(one)
    return found


def _is_ours_to_say(post: Resolved, permit: Permit) -> bool:
    """Whether nobody else says why the post is in no campaign: SCH004 does where its campaign has days, and whoever
    reads a campaign where it cannot be read.
    """
    if post.post.campaign is None:
        return True
    if f"campaigns/{post.post.campaign}/campaign.yaml" in permit.unreadable:
        return False
    campaign = permit.campaign(post.post.campaign)
    return campaign is None or campaign.start is None or campaign.end is None or permit.is_thanks(post)


def _outside(one: Item | Waiting, permit: Permit, facts: Facts) -> _Outside | None:
    assert one.at is not None
    stage = one.stage if isinstance(one, Item) else permit.stage(one.at, one.post)
    day = one.at.astimezone(ZoneInfo(facts.content.timezone)).date()
    lost = any(path.endswith("/campaign.yaml") for path in permit.unreadable)      # it may have ended before that
    if stage == "campaign" or (stage == "maintenance" and _is_campaigning(permit, day)):
        return None
    return _Outside(one.slot.run, one.channel.id, day, stage == "groundwork" and not lost)


def _is_campaigning(permit: Permit, day: date) -> bool:
    return any(campaign.start and campaign.end and campaign.start <= day <= campaign.end
               for campaign in permit.campaigns.values())


def _groundwork(post: Resolved, early: list[_Outside], facts: Facts, *, whole: bool) -> Iterator[Problem]:
    """One problem where it is about every slot, else one for each run, or each channel of it."""
    word = facts.knob(GIVES_ONLY, "ask_outside")
    severity = Severity(word) if word in ("error", "warning") else GIVES_ONLY.severity
    folder = post.post.campaign
    remedy = "Make it a give (intent: give), or move it into a campaign." if folder is None else (
        f"Make it a give (intent: give), or write start and end in campaigns/{folder}/campaign.yaml.")
    place, by_run = post.post.place("intent"), dict[str, list[_Outside]]()
    for one in early:
        by_run.setdefault("" if whole else one.run, []).append(one)
    for run, ones in by_run.items():
        channels = [channel for channel in post.channels if channel.id in {one.channel for one in ones}]
        message = f"Not yet: on {min(one.day for one in ones)} it asks for something, and groundwork asks for nothing."
        for channel in (None,) if whole else each(channels, post):
            yield GIVES_ONLY.at(place, message, remedy, post.id, channel, None if run in ("", "1") else run, severity)


# --- INT005 -----------------------------------------------------------------------------------------------------------


def _too_close(facts: Facts) -> Iterator[Problem]:
    """Asks of a channel within days of each other, told of the later one; and asks that lead nowhere."""
    yield from _crowded(facts)
    permit = Permit(facts.content)
    for slots in _asks(facts).values():
        yield from _aimless(slots[0].post, permit, facts)


def _crowded(facts: Facts) -> Iterator[Problem]:
    gap = _gap(facts)
    asked = {channel: [(one.at, one.slot) for one in said if one.intent == "ask"]
             for channel, said in facts.said.items()}
    close: dict[tuple[Slot, str], tuple[Item, datetime, list[str]]] = {}
    for item in facts.plan.items:
        if item.post.intent != "ask" or is_over(item, facts):
            continue
        before = asked.get(item.channel.id, [])
        number = bisect_left(before, (item.at, item.slot))
        if number and item.at - before[number - 1][0] < gap:
            at, slot = before[number - 1]
            close.setdefault((item.slot._replace(channel=""), slot.post), (item, at, []))[2].append(item.channel.id)
    for (_, earlier), (item, at, channels) in close.items():
        zone, post = ZoneInfo(item.zone), item.post
        what = "its own run" if earlier == post.id else earlier
        yield SELDOM.at(post.post.place(field_of(post)), f"Too close to {what} of {at.astimezone(zone):%Y-%m-%d}: "
                        f"{joined(channels)} would ask twice within {_days(gap)}.",
                        f"Move it to {(at + gap).astimezone(zone):%Y-%m-%d %H:%M} or later.", post.id,
                        run=None if item.slot.run == "1" else item.slot.run)


def _aimless(post: Resolved, permit: Permit, facts: Facts) -> Iterator[Problem]:
    """An ask that serves no goal, or that nobody could count: its campaign's offer names no event."""
    folder = post.post.campaign
    if folder is not None and f"campaigns/{folder}/campaign.yaml" in permit.unreadable:
        return
    if post.goal is None and not (permit.strategies or "strategy.yaml" in permit.unreadable):
        known = [goal.id for _, strategy in facts.strategies() for goal in strategy.social_goals]
        yield SELDOM.at(post.post.place("goal"), "It asks for something, and serves no goal.",
                        f"Write 'goal:' with one of {', '.join(known)}." if known else
                        "Write social_goals in strategy.yaml, then 'goal:' with the id of one here.", post.id,
                        severity=Severity.error)
    campaign = permit.campaign(folder)
    if campaign is not None and not (campaign.offer is not None and campaign.offer.event):
        yield SELDOM.at(post.post.place("intent"), "It asks for something, and nobody can count who does it: the offer "
                        f"of {folder} names no event.",
                        f"Write 'event:' under offer in campaigns/{folder}/campaign.yaml, one of crm: events of the "
                        "strategy.", post.id, severity=Severity.error)


def _gap(facts: Facts) -> timedelta:
    """The knob, where it is a time of fixed length; else its default."""
    try:
        return span(facts.knob(SELDOM, "ask_gap"))
    except ValueError:
        return span(str(SELDOM.knobs["ask_gap"]))


def _days(gap: timedelta) -> str:
    if gap < timedelta(days=2):
        return f"{gap / timedelta(hours=1):g} hours"
    return f"{gap / timedelta(days=1):g} days"


# --- INT006 -----------------------------------------------------------------------------------------------------------


def _share_unearned(facts: Facts) -> Iterator[Problem]:
    """An ask to share on channels where no figure shows that anybody shared anything in groundwork."""
    languages = Languages(facts)
    starts = {entry.folder: campaign.start for entry, campaign in facts.campaigns() if campaign.start}
    for slots in _asks(facts).values():
        post = slots[0].post
        until = starts.get(post.post.campaign or "") or min(starts.values(), default=facts.today())
        for wording in wordings(post):
            place, phrase = next(_wishes(wording.section.parts, wording.section.places,
                                         languages.of(post, wording.channels)), (None, ""))
            lacking = [one for one in wording.channels if not _is_shared(facts, one.id, until)] if place else []
            if place is not None and lacking:
                yield EARNED.at(place, f"'{phrase}': no figure shows that anybody shared a post on "
                                f"{joined([one.id for one in lacking])} before {until}.",
                                "Earn it first: leave it out, or enter amplification_rate in measures/*.csv.", post.id,
                                only(lacking))


def _wishes(parts: Sequence[str], places: Sequence[Place], languages: tuple[str, ...]) -> Iterator[tuple[Place, str]]:
    for text, place in zip(parts, places, strict=True):
        if (heard := asks_to_share(text, languages)) is not None:
            yield Piece(text, place).place(heard.at), heard.phrase


def _is_shared(facts: Facts, channel: str, until: date) -> bool:
    last = until - timedelta(days=1)
    return any(figure.value > 0 for of in (channel, ALL)
               for figure in series(facts.content.figures, "amplification_rate", of, date.min, last))


GIVES_ONLY = Rule(
    "INT001", Severity.error, "F",
    "A post asks for something while there is only groundwork: no campaign of its own is running, and none has ended; "
    "as a warning: after a campaign, on a day that is in none. The knob says what the first is: error or warning.",
    "Make it a give, or move it into a campaign.", all=_too_early, knobs={"ask_outside": "error"}, acts=True)
SELDOM = Rule(
    "INT005", Severity.warning, "F",
    "Two asks on a channel are less than five days apart; as an error: an ask serves no goal, or its campaign's offer "
    "has no event by which its answers are counted.",
    "Move the later ask; give it a goal, and the offer an event.", all=_too_close, knobs={"ask_gap": "5d"}, acts=True)
EARNED = Rule(
    "INT006", Severity.warning, "D",
    "An ask wants to be shared, and no figure (amplification_rate) shows that anybody shared anything on that channel "
    "before its campaign began.",
    "Earn it first, or enter the figure in measures/*.csv.", all=_share_unearned, wants=("measures",))
RULES: tuple[Rule, ...] = (GIVES_ONLY, GIVEN_FIRST, UNLOCKED, HIDDEN_ASK, SELDOM, EARNED, ABOUT_US)
