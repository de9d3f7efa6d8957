"""STR007, STR014: goals are acted on, and what is said follows from them."""
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from flows.planning.indexing import may_be_in
from flows.planning.rules.aims import campaigns_of, goals, posts_are_known
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from schemas.campaign import Campaign
from schemas.content import Resolved
from schemas.problem import Problem, Severity
from schemas.strategy import SocialGoal, Strategy, Tactic

_AHEAD = timedelta(days=28)
_MOST_NAMES = 3
_DAY_S = 86_400


def _idle(facts: Facts) -> Iterator[Problem]:
    """A goal without a tactic, and a tactic without a post around today, while something can be expected of it.

    Nothing can be before the execution begins (without phases: before the strategy does), after the end of the
    strategy, of goals that are over (due, or with a result), and of what belongs to campaigns while none of them runs:
    a tactic that asks, or has posts in campaigns only.
    """
    today, days = facts.today(), facts.knob(ACTED_ON, "tactic_idle_days")
    served = {goal for _, strategy in facts.strategies() for tactic in strategy.tactics for goal in tactic.goals}
    over = {one.id for one in goals(facts) if _is_over(one.goal, today)}
    busy = _busy(facts, days) if posts_are_known(facts) else None
    homes = _homes(facts)
    for entry, strategy in facts.strategies():
        if strategy.end is not None and strategy.end < today:
            continue
        for number, goal in enumerate(strategy.social_goals):
            if goal.id not in served | over and not may_be_in("tactic", facts.content.unreadable):
                yield ACTED_ON.at(entry.place("social_goals", number, "id"), f"{goal.id} has no action: no tactic "
                                  "serves it.", f"Add a tactic with goals: [{goal.id}], or drop the goal.")
        if busy is None or not _is_carried_out(strategy, today):
            continue
        campaigns = {entry.folder: campaign for entry, campaign in campaigns_of(strategy, facts)}
        for number, tactic in enumerate(strategy.tactics):
            if (tactic.id not in busy and not over.issuperset(tactic.goals)
                    and _is_expected(tactic, homes.get(tactic.id, set()), campaigns, today)):
                yield ACTED_ON.at(entry.place("tactics", number, "id"), f"{tactic.id} does nothing for "
                                  f"{joined(tactic.goals)}: no post in the last {days:g} days, and none planned in the "
                                  f"next {days:g}.", f"Plan a post with tactic: {tactic.id}, or drop the tactic.")


def _busy(facts: Facts, days: float) -> set[str]:
    """The tactics with a post that is out or planned, so many days around now."""
    return {post.tactic for at, post in _spoken(facts)
            if post.tactic is not None and abs((at - facts.now).total_seconds()) <= days * _DAY_S}


def _spoken(facts: Facts) -> Iterator[tuple[datetime, Resolved]]:
    """What is out, and what is planned, with its time.

    A network that is not supported yet, or an error in the post, keeps back what somebody did plan.
    """
    sent = None if facts.world.rehearsal else facts.sent
    for item in facts.plan.items:
        if sent is None:
            yield item.at, item.post
        elif item.slot in sent:
            yield sent[item.slot] or item.at, item.post
        elif item.at + timedelta(seconds=item.grace_s) >= facts.now:
            yield item.at, item.post
    broken = facts.content.broken()
    for one in facts.plan.waiting:
        is_planned = one.channel.network not in facts.content.networks or (
            one.post.id in broken and one.post.post.head.hold is None)
        if one.at is not None and one.at > facts.now and is_planned:
            yield one.at, one.post


def _homes(facts: Facts) -> dict[str, set[str | None]]:
    """By tactic: the folders of the campaigns that its posts stand in; None among them: also outside of campaigns."""
    homes: dict[str, set[str | None]] = {}
    for post in facts.content.posts:
        if post.tactic is not None:
            homes.setdefault(post.tactic, set()).add(post.post.campaign)
    return homes


def _is_carried_out(strategy: Strategy, today: date) -> bool:
    execution = strategy.phases.get("execution")
    if execution is None:
        return not strategy.phases and strategy.start <= today
    return execution[0] <= today


def _is_over(goal: SocialGoal, today: date) -> bool:
    return goal.result is not None or (goal.due is not None and goal.due < today)


def _is_expected(tactic: Tactic, homes: set[str | None], campaigns: Mapping[str, Campaign], today: date) -> bool:
    """Whether the tactic has work now: always where it works outside of campaigns, else while one of its own runs."""
    if None in homes or (not homes and tactic.intent != "ask"):
        return True
    its_own = [campaign for folder, campaign in campaigns.items() if folder in homes or (
        not homes and not {aim.goal for aim in campaign.goals}.isdisjoint(tactic.goals))]
    return any(campaign.start is not None and campaign.start <= today
               and (campaign.end is None or today <= campaign.end) for campaign in its_own)


def _goalless(facts: Facts) -> Iterator[Problem]:
    """Too many posts of the next 28 days serve no goal. Told once, at the first of them.

    Not of a folder that has no social goals yet: that is STR004's.
    """
    if (not any(strategy.social_goals for _, strategy in facts.strategies())
            or may_be_in("social_goal", facts.content.unreadable)):
        return
    posts = {post.id: post for at, post in _spoken(facts) if facts.now < at <= facts.now + _AHEAD}
    goalless = [post for post in posts.values() if post.goal is None]
    if goalless and len(goalless) / len(posts) > facts.knob(ON_TARGET, "goalless_max"):
        names = [post.id for post in goalless[:_MOST_NAMES]]
        if len(goalless) > _MOST_NAMES:
            names.append(f"{len(goalless) - _MOST_NAMES} more")
        yield ON_TARGET.at(goalless[0].post.place("goal"), f"{len(goalless)} of {len(posts)} posts in the next "
                           f"{_AHEAD.days} days {'serve' if len(goalless) > 1 else 'serves'} no goal: {joined(names)}.",
                           "Write goal or tactic in them, or leave them out.")


ACTED_ON = Rule("STR007", Severity.warning, "FT", "A social goal has no tactic, or a tactic has had no post for 56 "
                "days and none is planned in the next 56.", "Plan a post for it, or drop it.", all=_idle,
                knobs={"tactic_idle_days": 56}, gate="STRATEGY")
ON_TARGET = Rule("STR014", Severity.warning, "F", "More than a fifth of the posts planned in the next 28 days serve no "
                 "goal.", "Write goal or tactic in them.", all=_goalless, knobs={"goalless_max": 0.2}, gate="STRATEGY")
