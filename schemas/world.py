"""What is known beyond the content folder and the plan: told by Git, the archive and the networks, passed in as values.

None means that nobody looked, or nobody can: a rule that needs it is not evaluated, and never passes.
"""
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from schemas.history import History
from schemas.inbox import InboxItem


class Trial(NamedTuple):
    """A test of a connection, of the archive or of the CRM: when it was (UTC), and why it failed; None: it passed."""

    at: datetime
    why: str | None = None


class World(NamedTuple):
    """`trials`: by channel id, "archive" and the CRM's connection name. `dry_runs`: when a rehearsal last played all of
    a campaign, by campaign id. `rehearsal`: nothing real is at stake, and what only the real world knows is not asked
    for. `why`: for what is None, the reason in words, by the field's name.
    """

    history: History | None = None
    inbox: tuple[InboxItem, ...] | None = None
    trials: Mapping[str, Trial] | None = None
    dry_runs: Mapping[str, datetime] | None = None
    rehearsal: bool = False
    why: Mapping[str, str] = {}


NOTHING_KNOWN = World()
