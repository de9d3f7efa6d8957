"""The rules, one module per family. SYN is judged while reading, REF while resolving; networks judge what they take."""
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

from flows.planning.rules import (
    access,
    accounts,
    answering,
    asking,
    campaigns,
    crises,
    discovery,
    figures,
    goals,
    ideas,
    launches,
    legal,
    links,
    offers,
    people,
    pictures,
    preparations,
    strategy,
    texts,
    times,
    upkeep,
    waivers,
)
from flows.planning.rules.ruling import Facts, Rule
from schemas.problem import Problem

RULES: tuple[Rule, ...] = (
    *waivers.RULES, *strategy.RULES, *discovery.RULES, *goals.RULES, *campaigns.RULES, *launches.RULES, *offers.RULES,
    *preparations.RULES, *asking.RULES, *answering.RULES, *times.RULES, *texts.RULES, *access.RULES, *legal.RULES,
    *links.RULES, *pictures.RULES, *accounts.RULES, *people.RULES, *crises.RULES, *upkeep.RULES, *figures.RULES,
    *ideas.RULES)
"""Every rule that is judged once there is a plan."""


class Judged(NamedTuple):
    """What was found, and which rules had nothing to look at: by code, the sources that nobody could ask."""

    problems: tuple[Problem, ...]
    lacking: Mapping[str, tuple[str, ...]]


def evaluate(facts: Facts, *, due: bool = True, codes: Container[str] | None = None) -> Judged:
    """What every rule says of the whole content, rule by rule. `due` False: without those that the hour decides.

    `codes`: the only ones asked; None: all.
    """
    problems, lacking = list[Problem](), dict[str, tuple[str, ...]]()
    for rule in RULES:
        if (rule.due and not due) or (codes is not None and rule.code not in codes):
            continue
        if lacks := facts.lacks(rule):
            lacking[rule.code] = lacks
        else:
            problems += found_by(rule, facts)
    return Judged(tuple(problems), lacking)


def found_by(rule: Rule, facts: Facts) -> Iterator[Problem]:
    """What one rule says."""
    if rule.all is not None:
        yield from rule.all(facts)
    if rule.post is not None:
        for post in facts.content.posts:
            yield from rule.post(post, facts)
