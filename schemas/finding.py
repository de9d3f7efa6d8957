"""What an examination finds: one thing that was looked at, how it stands, and what a person can do about it."""
from collections.abc import Iterable
from typing import Literal, NamedTuple

Judgement = Literal["error", "warning", "advice", "skipped", "ok"]


class Finding(NamedTuple):
    """`remedy` None: nothing has to be done. `check`: what was looked at, in a word or two; "" until that is known."""

    state: Judgement
    what: str
    remedy: str | None = None
    check: str = ""


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing has to be put right."""
    return all(one.state != "error" for one in findings)
