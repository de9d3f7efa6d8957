"""GOL: a goal says what is measured, from where, to where, by when and by whom; and afterwards what came of it.

Whether it can be reached is judged in a module of its own; the family is listed here.
"""
from collections.abc import Iterator
from datetime import date

from flows.planning import measuring
from flows.planning.measuring import ALL, shown
from flows.planning.rules import ambitions
from flows.planning.rules.aims import campaigns_of, goals, posts_are_known
from flows.planning.rules.ruling import Facts, Rule
from schemas.audience import Audience
from schemas.problem import Problem, Severity
from schemas.strategy import SocialGoal

_VANITY = frozenset(
    ("followers", "follower_growth", "reach", "non_follower_reach", "impressions", "applause_rate"))
_STAGES = ("awareness", "knowledge", "consideration", "conversion")
_CARRIED_BY = {
    "awareness": "a post with intent: inform", "knowledge": "a post with intent: give",
    "consideration": "a post with funnel: consideration, one that answers doubts",
    "conversion": "a goal with funnel: conversion, and an ask in a campaign for it"}


def _unmeasurable(facts: Facts) -> Iterator[Problem]:
    """A metric that nobody knows, nowhere to go, or a value that the metric cannot have: 90 for a share from 0 to 1."""
    for one in goals(facts):
        name, target = one.goal.metric, one.goal.target
        known = measuring.metric(name) if name else None
        cannot = f"{one.id} cannot be measured:"
        if not name:
            yield UNMEASURABLE.at(one.place(), f"{cannot} it names no metric.",
                                  "Add metric: with what is counted, for example response_rate or conversions.<event>.")
        elif known is None:
            close = measuring.closest(name)
            yield UNMEASURABLE.at(
                one.place("metric"), f"{cannot} no metric is called '{name}'.", f"Did you mean {close}?" if close else
                "Use a name of the vocabulary, for example response_rate or conversions.<event>.")
        base = one.goal.baseline.value if one.goal.baseline is not None else None
        for value, word, path in ((base, "baseline", ("baseline", "value")), (target, "target", ("target",))):
            if known is not None and value is not None and not known.takes(value):
                meant = known.meant_by(value)
                yield UNMEASURABLE.at(
                    one.place(*path), f"{cannot} {name} is {known.in_words}, and its {word} is {shown(value)}.",
                    f"Write {shown(meant)}, if that is meant." if meant is not None else
                    "Write a value that it can have.")
        if target is None:
            yield UNMEASURABLE.at(one.place(), f"{cannot} it has no target.", "Add target: with the value to reach.")
        elif target == base:
            yield UNMEASURABLE.at(one.place("target"), f"{cannot} it starts at {shown(target)}, and that is its "
                                  "target too.", "Write the value to reach.")


def _without_baseline(facts: Facts) -> Iterator[Problem]:
    """Where a goal starts: the value, from when to when, and who says so.

    It is measured before the goal is due; it may still be going on.
    """
    for one in goals(facts):
        base = one.goal.baseline
        missing = [name for name, held in (
            ("value", base and base.value), ("from", base and base.from_), ("to", base and base.to),
            ("source", base and (base.source or "").strip())) if held in (None, "")]
        if base is None:
            what = "nothing says where it is now"
        elif missing:
            what = f"its baseline has no {' and no '.join(missing)}"
        elif base.from_ and base.to and base.to < base.from_:
            what = f"its baseline ends on {base.to}, before it begins"
        elif base.to and one.goal.due and base.to >= one.goal.due:
            what = f"its baseline lasts until {base.to}, and the goal is due on {one.goal.due}"
        else:
            continue
        yield NO_BASELINE.at(one.place("baseline"), f"Measure the starting point of {one.id}: {what}.",
                             "Write baseline: {value: …, from: YYYY-MM-DD, to: YYYY-MM-DD, source: who counted}.")


def _without_date_or_owner(facts: Facts) -> Iterator[Problem]:
    """By when, inside the strategy, and who answers for it. A goal has room for one owner, so one is needed.

    Where the strategy ends before it starts, that is said once: no day is inside it.
    """
    for entry, strategy in facts.strategies():
        if strategy.social_goals and strategy.end is not None and strategy.end < strategy.start:
            yield NO_DATE.at(entry.place("end"), f"{strategy.strategy} ends on {strategy.end}, before it starts on "
                             f"{strategy.start}, so no goal can be due.", "Mend start or end.")
    for one in goals(facts):
        due, start, end = one.goal.due, one.strategy.start, one.strategy.end
        if due is None:
            yield NO_DATE.at(one.place(), f"{one.id} needs a date: nothing says by when.", "Add due: YYYY-MM-DD.")
        elif end is not None and end < start:
            pass
        elif due < start:
            yield NO_DATE.at(one.place("due"), f"{one.id} needs another date: {due} is before the strategy starts, on "
                             f"{start}.", f"Write a day from {start} on.")
        elif end is not None and due > end:
            yield NO_DATE.at(one.place("due"), f"{one.id} needs another date: {due} is after the strategy ends, on "
                             f"{end}.", f"Write a day up to {end}, or give the strategy more time.")
        if not one.goal.owner:
            yield NO_DATE.at(one.place(), f"{one.id} needs one owner: nobody is named.",
                             "Add owner: with the id of the person who answers for it.")


def _vanity(facts: Facts) -> Iterator[Problem]:
    """Only figures that flatter. Growth and non-followers' part of what flatters flatter too."""
    for entry, strategy in facts.strategies():
        names = {goal.metric for goal in strategy.social_goals if goal.metric}
        if names and names <= _VANITY:
            yield VANITY.at(entry.place("social_goals"), f"Only vanity figures: {', '.join(sorted(names))}.",
                            "Add a goal with an outcome, for example conversions.<event> or response_rate.")


def _gap_in_the_funnel(facts: Facts) -> Iterator[Problem]:
    """A stage that nothing carries people through, once for each strategy; and people who are here already, forgotten.

    A post counts for the strategy of its campaign or goal; one that has neither counts for all, and one that cannot be
    read may be for any stage. Who is here already needs a goal of loyalty that names the audience, or none.
    """
    strategies = facts.strategies()
    if not strategies:
        return
    carried = _funnels(facts)
    loyal = {goal.audience for _, strategy in strategies for goal in strategy.social_goals if goal.funnel == "loyalty"}
    for entry, strategy in strategies if posts_are_known(facts) else ():
        own = {_stage(goal.funnel) for goal in strategy.social_goals} | carried[strategy.strategy] | carried[None]
        for stage in _STAGES:
            if stage not in own:
                yield FUNNEL.at(entry.place("social_goals"), f"Nothing carries people through {stage}.",
                                f"Plan {_CARRIED_BY[stage]}.")
    if None in loyal or any(path.startswith(("strategy.yaml", "strategies/")) for path in facts.content.unreadable):
        return
    for entry in facts.content.entries:
        if isinstance(entry.value, Audience) and entry.value.existing and entry.id not in loyal:
            yield FUNNEL.at(entry.place("existing"), f"Nothing carries people through loyalty: {entry.id} know us, and "
                            "no goal is to keep them.", f"Add a goal with funnel: loyalty and audience: {entry.id}.")


def _funnels(facts: Facts) -> dict[str | None, set[str]]:
    """The stages that posts serve, by strategy; None: of posts that belong to no strategy."""
    of_goal = {one.id: one.strategy.strategy for one in goals(facts)}
    of_campaign = {entry.folder: strategy.strategy for _, strategy in facts.strategies()
                   for entry, _ in campaigns_of(strategy, facts)}
    found: dict[str | None, set[str]] = {None: set(), **{s.strategy: set() for _, s in facts.strategies()}}
    for post in facts.content.posts:
        found[of_campaign.get(post.post.campaign or "") or of_goal.get(post.goal or "")].add(post.funnel)
    return found


def _stage(funnel: str | None) -> str | None:
    return "conversion" if funnel == "purchase" else funnel


def _without_result(facts: Facts) -> Iterator[Problem]:
    """A day that has passed, and nobody wrote down what was reached."""
    today = facts.today()
    for one in goals(facts):
        if one.goal.due is not None and one.goal.due < today and one.goal.result is None:
            yield NO_RESULT.at(one.place("due"), f"Record the result of {one.id}: it was due on {one.goal.due}.",
                               f"Add result: with the value that was reached{_counted(one.goal, facts, today)}.")


def _counted(goal: SocialGoal, facts: Facts, today: date) -> str:
    """What figures say of it, in words."""
    found = measuring.latest(facts.content.figures, goal.metric or "", ALL, today)
    return f"; measures/ says {shown(found.value)} on {found.date}" if found is not None else ""


UNMEASURABLE = Rule("GOL001", Severity.error, "F", "A social goal has no target, a target that is its baseline, a "
                    "metric that is not in the vocabulary, or a target or baseline that the metric cannot have.",
                    "Name a metric of the vocabulary and the value to reach.", all=_unmeasurable, gate="STRATEGY")
NO_BASELINE = Rule("GOL002", Severity.error, "F", "The baseline of a social goal has no value, no source, or no period "
                   "that ends before the goal is due.",
                   "Measure the starting point: value, from, to and source.", all=_without_baseline, gate="STRATEGY")
NO_DATE = Rule("GOL003", Severity.error, "F", "A social goal has no due day, one outside the strategy, or no owner.",
               "Give the goal a date and one owner.", all=_without_date_or_owner, gate="STRATEGY")
VANITY = Rule("GOL007", Severity.warning, "F", "The metrics of all goals are followers, reach, impressions or "
              "applause.", "Add a goal with an outcome.", all=_vanity, gate="STRATEGY")
FUNNEL = Rule("GOL008", Severity.advice, "F", "No post and no goal is for awareness, knowledge, consideration or "
              "conversion; or an existing audience has no goal of loyalty.", "Plan a post or a goal for that stage.",
              all=_gap_in_the_funnel, gate="STRATEGY")
NO_RESULT = Rule("GOL009", Severity.warning, "T", "The due day of a goal has passed and its result is empty.",
                 "Record the result of the goal.", all=_without_result, gate="MAINTENANCE")
RULES: tuple[Rule, ...] = (UNMEASURABLE, NO_BASELINE, NO_DATE, *ambitions.RULES, VANITY, FUNNEL, NO_RESULT)
