"""What is wrong with the content, as a value: found all at once, never raised, printed the same everywhere."""
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from schemas.place import Place


class Severity(StrEnum):
    error = "error"
    warning = "warning"
    advice = "advice"


class Problem(NamedTuple):
    """One thing to put right: a stable code, the place, what is wrong, and what a person can do now."""

    code: str
    severity: Severity
    place: Place
    message: str
    remedy: str
    post: str | None = None      # canonical id of the post it stops, when it is about one post
    channel: str | None = None   # the only channel it concerns; None: all channels of the post
    run: str | None = None       # the only run of a repeating post it concerns; None: all runs
    gate: str = ""               # the gate it is a to-do of, while nothing depends on it yet
    acts: bool = False           # it keeps posts back for the strategy's sake: under the profile relaxed it only warns

    def concerns(self, channel: str, run: str) -> bool:
        """Whether it is about this slot of its post."""
        return self.channel in (None, channel) and self.run in (None, run)

    def as_dict(self) -> dict[str, Any]:
        """The object of `check --json`; `gate` only where it is a step of one."""
        made = {"code": self.code, "severity": self.severity.value, "file": self.place.file, "line": self.place.line,
                "column": self.place.column, "message": self.message, "remedy": self.remedy}
        return {**made, "gate": self.gate} if self.gate and self.severity is Severity.advice else made


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By file, line, column, code; the same problem once."""
    return sorted(set(problems), key=lambda p: (p.place, p.code, p.message))
