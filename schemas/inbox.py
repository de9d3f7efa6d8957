"""What people write to us, without a word of theirs: opaque ids, kinds and times."""
from datetime import datetime
from typing import Literal, NamedTuple

MessageKind = Literal["question", "complaint", "crisis", "praise", "idea", "lead", "mention"]


class InboxItem(NamedTuple):
    """One message. Times are UTC; None: it has not happened. `person`: a hashed id, never a name.

    `removed_for`: why we hid or deleted it, None: it stands. `consent_at`: the person agreed to be handed over to the
    CRM. `topic`: a word or two, given by whoever sorted it. `negative`: its tone.
    """

    id: str                                                # item-…
    channel: str
    kind: MessageKind
    at: datetime
    answered_at: datetime | None = None
    followed_up_at: datetime | None = None
    closed_at: datetime | None = None
    removed_for: str | None = None
    consent_at: datetime | None = None
    handed_over_at: datetime | None = None
    acknowledged_at: datetime | None = None
    topic: str = ""
    person: str = ""
    negative: bool = False
