"""A person stops what goes out, and lets it go on again: both are kept, with who said it and why."""
from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.model import Value

Scope = Literal["all", "channel", "campaign"]
Late = Literal["send", "skip", "reschedule"]


class Moved(Value):
    """What becomes of a slot that was due meanwhile (UTC). `at` None: it is left out.

    It counts only while the plan has the slot at `was`: a time that somebody writes later wins.
    """

    was: datetime
    at: datetime | None


class Hold(Value):
    """One record of `v1/hold/`. `name`: the channel's or campaign's id; None where the scope is all.

    A resume ends every hold of the same scope and name. `late` and `slots`: what it makes of what was due meanwhile.
    """

    v: Literal[1] = 1
    number: int
    kind: Literal["hold", "resume"]
    scope: Scope
    name: str | None = None
    by: str
    reason: str
    at: datetime
    late: Late | None = None
    slots: dict[str, Moved] = Field(default_factory=dict)

    @property
    def what(self) -> str:
        """`everything`, `the channel mastodon`, `the campaign spring-mend`."""
        return "everything" if self.scope == "all" else f"the {self.scope} {self.name}"
