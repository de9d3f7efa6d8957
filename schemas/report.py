"""What people are told: one row for each slot."""

from datetime import datetime
from typing import Any, Literal, NamedTuple

from schemas.ledger import State


class Row(NamedTuple):
    """One slot as `status` shows it. `at`: when it is due (UTC); None: it has no time. `next`: what to do."""

    slot: str
    state: State
    at: datetime | None
    sent_at: datetime | None
    url: str | None
    reason: str | None
    file: str | None
    next: str | None
    zone: str = "UTC"

    def as_dict(self) -> dict[str, Any]:
        """The object of `status --json`; times are RFC 3339 UTC."""
        return {
            "slot": self.slot,
            "state": self.state.value,
            "at": rfc3339(self.at),
            "sent_at": rfc3339(self.sent_at),
            "url": self.url,
            "reason": self.reason,
            "file": self.file,
            "next": self.next,
        }


def rfc3339(moment: datetime | None) -> str | None:
    """`2027-03-02T08:45:00Z`, whole seconds."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}Z"


class Note(NamedTuple):
    """What whoever watches a shift hears of beside slots: one line. `remedy`: what to do; None: nothing.

    `about`: the commit, or the number of the hold; the same of the same is told once, however often it is heard.
    """

    kind: Literal["accepted", "rejected", "held", "resumed"]
    text: str
    remedy: str | None = None
    about: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The object of a line of `publish --lines`; no other line has `note`."""
        return {"note": self.kind, "text": self.text, "remedy": self.remedy, "about": self.about}
