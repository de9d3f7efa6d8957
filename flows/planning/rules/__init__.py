"""The rules, one module per family. A family that is not here yet is "not evaluated", and said once."""
from collections.abc import Iterator

from flows.planning.rules import access, legal, links, pictures, texts, times
from flows.planning.rules.ruling import Facts, Rule
from schemas.problem import Problem

RULES: tuple[Rule, ...] = (
    *times.RULES, *texts.RULES, *access.RULES, *legal.RULES, *links.RULES, *pictures.RULES)
"""Every rule that is judged once there is a plan. SYN is judged while reading, REF while resolving."""
NOT_EVALUATED = ("RUL", "STR", "DIS", "GOL", "CMP", "INT", "ENG", "NET", "PPL", "CRI", "MNT", "MEA", "IDE")
"""Families of the rule book that no code judges yet."""


def evaluate(facts: Facts) -> Iterator[Problem]:
    """What every rule says of the whole content, rule by rule."""
    for rule in RULES:
        if rule.all is not None:
            yield from rule.all(facts)
        if rule.post is not None:
            for post in facts.content.posts:
                yield from rule.post(post, facts)
