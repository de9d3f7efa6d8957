"""LAUNCH: what has to be true before a campaign may begin, line by line."""
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from flows.planning.grounding import base, connections, dry_run, followers, regulars
from flows.planning.postponing import earliest, waiting_adds
from flows.planning.rules.campaigns import TOO_SOON, length
from flows.planning.safeguarding import acknowledged, crisis_plan, policies
from flows.planning.witnessing import Ground, counted, listed, number
from schemas.campaign import Campaign, Page, Validation
from schemas.channel import Channel
from schemas.content import Entry
from schemas.gate import Gate, GateLine, Light
from schemas.people import Session
from schemas.post import Post
from schemas.strategy import Strategy

_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month"}
_BRIEFED_BEFORE = timedelta(days=30)


class Push(NamedTuple):
    """One campaign, and what it belongs to. `folder` names it everywhere; `strategy` None: it has none."""

    entry: Entry
    value: Campaign
    strategy: Strategy | None

    @property
    def folder(self) -> str:
        return self.entry.folder

    def owner(self, ground: Ground) -> str | None:
        return self.value.owner or ground.lead


def launch(ground: Ground, push: Push, before: Sequence[Gate]) -> Gate:
    """The gate that a campaign starts through. `before`: DISCOVERY, SKILLS, and STRATEGY of its own strategy.

    A rehearsal is the dry run itself, so what only the real world can answer is left out of one.
    """
    real = not ground.facts.world.rehearsal
    channels = channels_of(ground, push.value)
    lines = [_gates_before(ground, before), _lead_time(ground, push)]
    if real:
        lines += [connections(ground, channels, push.strategy, push.owner(ground)),
                  dry_run(ground, (push.folder, push.entry.id), push.value, push.owner(ground))]
    lines += [crisis_plan(ground), policies(ground, "LAUNCH-policies"), acknowledged(ground), _briefing(ground, push)]
    if real:
        lines += [followers(ground, channels, push.strategy)]
    lines += [base(ground, channel) for channel in channels]
    if real:
        lines += [regulars(ground, channels)]
    lines += [_offer(ground, push), _pages(ground, push), _posts(ground, push), _after(ground, push)]
    first = earliest(ground, push.entry, push.value, push.strategy, channels)
    gate = Gate("LAUNCH", tuple(lines), push.folder, first)
    if gate.state is Light.green:
        return gate
    return gate._replace(waiting_adds=waiting_adds(ground, push.entry, push.value, channels))


def channels_of(ground: Ground, campaign: Campaign) -> list[Channel]:
    """The channels of a campaign, as channels.yaml orders them."""
    return [one for one in ground.facts.content.channels.channels if one.id in (campaign.channels or ())]


def _gates_before(ground: Ground, before: Sequence[Gate]) -> GateLine:
    states = {gate.state for gate in before}
    seen = ", ".join(f"{gate.gate} {gate.state.value}" for gate in before)
    open_ones = [gate.gate for gate in before if gate.state is not Light.green]
    remedy = f"Close the open lines of {listed(open_ones)}."
    return ground.line("LAUNCH-gates", "earlier gates green", seen, holds=Light.red not in states,
                       doubt=Light.amber in states, remedy=remedy,
                       owner=ground.sponsor)


def _lead_time(ground: Ground, push: Push) -> GateLine:
    if push.strategy is None or push.value.start is None:
        missing = "it has no first day" if push.value.start is None else "it has no strategy"
        return ground.line("CMP001", "six months of groundwork", missing, codes=("CMP001",), holds=False, exact=True,
                           owner=push.owner(ground), remedy="Write start and strategy in campaign.yaml.")
    ready = length(ground.facts, TOO_SOON, "lead").after(push.strategy.start)
    seen = f"groundwork since {push.strategy.start}, long enough on {ready}; the campaign starts on {push.value.start}"
    return ground.line("CMP001", "six months of groundwork", seen, codes=("CMP001",), holds=push.value.start >= ready,
                       exact=True, owner=push.owner(ground),
                       remedy=f"Let it start on {ready} or later.")


# --- people -----------------------------------------------------------------------------------------------------------


def _briefing(ground: Ground, push: Push) -> GateLine:
    least = ground.knob("briefed_share", 0.8)
    heads = ground.team.headcount
    meant = [one for one in ground.team.sessions if one.group == "everyone" and one.date is not None
             and one.campaign in (push.folder, push.entry.id)]
    held = [one for one in meant if one.date is not None and one.date <= ground.today] or meant
    last = max(held, key=_came, default=None)
    if last is None or last.date is None:
        seen, holds = "no briefing of everyone is written down", False
    elif last.date > ground.today:
        seen, holds = f"to be briefed on {last.date}", False
    else:
        came, of = _came(last), f"of {heads} " if heads else ""
        seen = f"{came} {of}people on {last.date}"
        seen += "" if heads else ", and nobody wrote down how many work here (headcount)"
        seen += _away(last.date, push.value.start)
        holds = bool(heads) and came >= least * (heads or 0) and not _away(last.date, push.value.start)
    return ground.line("CMP012", "whole team briefed", seen, codes=("CMP012",), holds=holds, exact=True,
                       owner=push.owner(ground),
                       remedy=f"Brief everyone in the 30 days before the start, {least:.0%} of them at least, and "
                              f"write it under sessions in people/team.yaml with campaign: {push.folder}.")


def _came(session: Session) -> int:
    return session.headcount if session.headcount is not None else len(set(session.attended))


def _away(day: date, start: date | None) -> str:
    """What is wrong with the day of a briefing; "" for nothing."""
    if start is None or day > start:
        return ", after the start" if start is not None else ", and nobody knows when it starts"
    return f", {(start - day).days} days before the start" if day < start - _BRIEFED_BEFORE else ""


# --- what people will get ---------------------------------------------------------------------------------------------


def _offer(ground: Ground, push: Push) -> GateLine:
    campaign, offer = push.value, push.value.offer
    if offer is None:
        asks = any(post.intent == "ask" for post in ground.posts.get(push.folder, ()))
        return ground.line("CMP007", "offer tried out", "no offer is written" if asks else "it asks for nothing",
                           codes=("CMP007",), holds=not asks, exact=True, owner=push.owner(ground),
                           remedy="Write the offer in campaign.yaml, and ask each audience whether it is worth it.")
    done = {one.audience: one for one in offer.validated
            if one.audience is not None and one.date is not None and one.date <= ground.today}
    missing = [audience for audience in campaign.audiences if audience not in done]
    if missing or not campaign.audiences:
        seen = f"{len(done)} of {counted(len(campaign.audiences), 'audience')} asked"
        seen += f"; not yet: {listed(missing)}" if missing else ""
    else:
        seen = "; ".join(_asked(one) for one in done.values())
    owner = next((one.by for one in offer.validated if one.audience in missing and one.by), None)
    return ground.line("CMP007", "offer tried out", seen, codes=("CMP007",), exact=bool(missing),
                       holds=not missing and bool(campaign.audiences), owner=owner or push.owner(ground),
                       remedy=f"Ask {listed(missing) or 'an audience'} whether it is worth it to them, and write what "
                              "they said under offer: validated.")


def _asked(one: Validation) -> str:
    return f"{one.audience} asked on {one.date}" + (f" by {one.by}" if one.by else "")


def _pages(ground: Ground, push: Push) -> GateLine:
    days = int(ground.knob("index_days", 28))
    campaign, today = push.value, ground.today
    wanted = campaign.offer.url if campaign.offer is not None else None
    pages = campaign.pages
    if not pages:
        return ground.line("LNK002", "landing pages found", f"{wanted} is not among the pages" if wanted else
                           "it has no page of its own", codes=("LNK002",), holds=not wanted,
                           owner=push.owner(ground), exact=True,
                           remedy="List it under pages in campaign.yaml: url, the day it went live (live), the day a "
                                  "search engine had it (indexed).")
    holds = all(_is_found(page, campaign.start, days, today) for page in pages)
    latest = f", by {campaign.start - timedelta(days=days)}" if campaign.start is not None else ""
    seen = "; ".join(_page(page, campaign.start, days, today) for page in pages)
    return ground.line("LNK002", "landing pages found", seen, codes=("LNK002",), holds=holds, exact=True,
                       owner=push.owner(ground),
                       remedy=f"Put it online {days} days before the start{latest}, and write live and indexed under "
                              "pages.")


def _is_found(page: Page, start: date | None, days: int, today: date) -> bool:
    if page.live is None or page.indexed is None or start is None:
        return False
    return page.live <= start - timedelta(days=days) and page.live <= today and page.indexed <= today


def _page(page: Page, start: date | None, days: int, today: date) -> str:
    live, found = page.live, page.indexed
    if live is None or live > today:
        return f"{page.url or 'a page'}: " + (f"to go live on {live}" if live is not None else "not live yet")
    is_found = found is not None and found <= today
    late = f", only {(start - live).days} days before the start" if start and (start - live).days < days else ""
    return f"{page.url or 'a page'}: live {live}{late}, " + (f"found {found}" if is_found else "not found yet")


def _posts(ground: Ground, push: Push) -> GateLine:
    share = ground.knob("ready_share", 0.6)
    approval = push.value.approval
    need = approval.need if approval is not None else int(ground.knob("need", 1))
    who = approval.from_ if approval is not None else ()
    mine = [post.post for post in ground.posts.get(push.folder, ())]
    ready = sum(1 for post in mine if _is_approved(post, need, who))
    many = len(mine) + ground.unfinished.get(push.folder, 0)
    seen = f"{ready} of {counted(many, 'post')} approved" if many else "no post is planned"
    return ground.line("CMP011", "posts ready", seen, codes=("CMP011",), holds=many > 0 and ready >= share * many,
                       owner=next(iter(who), None) or push.owner(ground),
                       remedy=f"Have {share:.0%} of them approved: approved_by in each post.")


def _is_approved(post: Post, need: int, who: Sequence[str]) -> bool:
    return len({person for person in post.head.approved_by if not who or person in who}) >= need


def _after(ground: Ground, push: Push) -> GateLine:
    upkeep = push.value.maintenance
    if upkeep is None:
        return ground.line("CMP005", "maintenance planned", "nothing is written", codes=("CMP005",), holds=False,
                           exact=True, owner=push.owner(ground),
                           remedy="Add maintenance to campaign.yaml: owner, until, cadence and hours.")
    missing = [name for name in ("owner", "until", "cadence", "hours") if getattr(upkeep, name) is None]
    parts = [upkeep.owner or "", f"{cadence(upkeep.cadence)}" if upkeep.cadence else "",
             f"{number(upkeep.hours)} hours" if upkeep.hours else "", f"until {upkeep.until}" if upkeep.until else ""]
    seen = ", ".join(filter(None, parts))
    if missing:
        seen = "; ".join(filter(None, (seen, f"not said: {listed(missing)}")))
    return ground.line("CMP005", "maintenance planned", seen, codes=("CMP005",), holds=not missing,
                       owner=upkeep.owner or push.owner(ground),
                       remedy=f"Add {listed(missing)} under maintenance in campaign.yaml.")


def cadence(written: str) -> str:
    """`1/4w` as `1 post every 4 weeks`."""
    often, _, within = written.partition("/")
    unit = within.lstrip("0123456789")
    count = int(within.removesuffix(unit))
    return f"{counted(int(often), 'post')} every {'' if count == 1 else f'{count} '}{_UNITS[unit]}{'s'[:count - 1]}"
