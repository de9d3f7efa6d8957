"""The six phase gates: every criterion of each, what shows it, what to do where it is open, and whom to ask."""
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from flows.planning.closing import close
from flows.planning.discovering import discovery
from flows.planning.launching import Push, launch
from flows.planning.maintaining import maintenance
from flows.planning.qualifying import skills
from flows.planning.rules.campaigns import parent, posts_of, running
from flows.planning.rules.ruling import Facts
from flows.planning.rules.waivers import in_force
from flows.planning.strategizing import no_strategy, strategy
from flows.planning.witnessing import Given, Ground
from schemas.content import Content, Entry
from schemas.gate import Gate
from schemas.people import Team
from schemas.problem import Problem

_CAMPAIGN = "/campaign.yaml"


def gates(facts: Facts, raw: Sequence[Problem], not_evaluated: Mapping[str, tuple[str, ...]]) -> tuple[Gate, ...]:
    """DISCOVERY, STRATEGY (of each strategy), SKILLS, LAUNCH (of each campaign that is not over), EXECUTION (of each
    that has begun), MAINTENANCE.

    `raw`: what rules found, before severities and waivers. `not_evaluated`: rules that could not be judged, and which
    sources they lack.
    """
    ground = _ground(facts, raw, not_evaluated)
    found = discovery(ground)
    strategies = {entry.file: strategy(_of_strategy(ground, entry), entry, value)
                  for entry, value in facts.strategies()}
    known = skills(ground)
    pushes = [Push(entry, value, parent(value, facts)) for entry, value in facts.campaigns()]
    open_ones = {entry.file for entry, _ in running(facts)}
    files = {value.strategy: entry.file for entry, value in facts.strategies()}
    launches, closes = list[Gate](), list[Gate]()
    for push in pushes:
        near = _of_campaign(ground, push)
        if push.entry.file in open_ones:
            own = strategies.get(files.get(push.strategy.strategy, "")) if push.strategy is not None else None
            launches.append(launch(near, push, (found, *filter(None, (own,)), known)))
        if push.value.start is not None and push.value.start <= ground.today:
            closes.append(close(near, push))
    return (found, *(strategies.values() or (no_strategy(ground),)), known, *launches, *_unread(ground), *closes,
            maintenance(ground))


def _ground(facts: Facts, raw: Sequence[Problem], not_evaluated: Mapping[str, tuple[str, ...]]) -> Ground:
    found: dict[str, list[Problem]] = {}
    for problem in raw:
        found.setdefault(problem.code, []).append(problem)
    today, team = facts.today(), facts.content.entry("team")
    waivers = in_force(facts.content, today)
    return Ground(facts, today, team if isinstance(team, Team) else Team(), found, not_evaluated, waivers,
                  posts_of(facts), _unfinished(facts.content), _given(facts), _thanks(facts),
                  frozenset(value.strategy for _, value in facts.strategies()))


def _given(facts: Facts) -> dict[str, Given]:
    """Of the channels of campaigns that are not over."""
    made = {}
    for id in {id for _, campaign in running(facts) for id in campaign.channels or ()}:
        gives = [one for one in facts.said.get(id, ()) if one.gives]
        out = [one for one in gives if one.is_out and one.at <= facts.now]
        made[id] = Given(gives, len(out), out[0].at if out else None)
    return made


def _unfinished(content: Content) -> Counter[str]:
    """How many posts of each campaign folder are drafts or cannot be read."""
    made = Counter(post.campaign for post in content.drafts if post.campaign is not None)
    if broken := content.broken().keys() - {None}:
        known = {post.id for post in content.posts} | {post.id for post in content.drafts}
        made.update(id.split("/")[0] for id in broken if id is not None and id not in known)
    return made


def _thanks(facts: Facts) -> dict[str, list[tuple[str, datetime]]]:
    named = (one.maintenance.thanks for _, one in facts.campaigns() if one.maintenance is not None)
    names = {name.rsplit("/", 1)[-1] for name in named if name is not None}
    made: dict[str, list[tuple[str, datetime]]] = {}
    ends = tuple(names)
    for channel, said in facts.said.items() if names else ():
        for one in said:
            if one.is_out and one.slot.post.endswith(ends) and one.slot.post.rsplit("/", 1)[-1] in names:
                made.setdefault(one.slot.post, []).append((channel, one.at))
    return made


def _of_strategy(ground: Ground, entry: Entry) -> Ground:
    """What is about this strategy and no other."""
    strategies = ground.facts.strategies()
    others = tuple(other.file for other, _ in strategies if other.file != entry.file)
    return ground._replace(names=frozenset({entry.id}), strangers=others, prefix=f"{entry.id}: " if others else "")


def _of_campaign(ground: Ground, push: Push) -> Ground:
    """What is about this campaign and no other."""
    others = tuple(entry.file.removesuffix("campaign.yaml") for entry, _ in ground.facts.campaigns()
                   if entry.file != push.entry.file)
    names = {push.folder, push.entry.id, *((push.strategy.strategy,) if push.strategy is not None else ())}
    return ground._replace(names=frozenset(names), strangers=others)


def _unread(ground: Ground) -> list[Gate]:
    """LAUNCH of campaigns whose file nobody can read."""
    paths = sorted(path for path in ground.facts.content.unreadable
                   if path.startswith("campaigns/") and path.endswith(_CAMPAIGN))
    return [Gate("LAUNCH", tuple(filter(None, (ground.unread("LAUNCH-files", [path]),))), path.split("/")[1])
            for path in paths]
