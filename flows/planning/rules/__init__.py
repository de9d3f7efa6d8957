"""The rules, one module per family. A family that is not here yet is "not evaluated", and said once."""

from flows.planning.indexing import Index
from flows.planning.reading import Read
from flows.planning.rules import references
from schemas.content import Resolved
from schemas.problem import Problem

NOT_EVALUATED = (
    "RUL",
    "STR",
    "DIS",
    "GOL",
    "CMP",
    "INT",
    "ENG",
    "SCH",
    "TXT",
    "ACC",
    "LGL",
    "LNK",
    "NET",
    "PPL",
    "CRI",
    "MNT",
    "MEA",
    "IDE",
)
"""Families of the rule book that no code judges yet. SYN is judged while reading."""


def evaluate(
    read: Read, index: Index, posts: tuple[Resolved, ...], root: str, published: frozenset[str] | None
) -> list[Problem]:
    """What every rule says. `published` is what the ledger knows; None: not looked at."""
    return [
        *references.resolve(read, index, root),
        *references.duplicates(index),
        *references.malformed(read),
        *references.cycles(read, index),
        *references.vanished(index, published, root),
        *references.unused(read, index, posts),
    ]
