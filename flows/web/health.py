"""Whether anything needs somebody now, in words that give nothing away: for monitors that know no token."""
from flows.planning.reporting import OVERDUE
from flows.web.lookout import Seen
from schemas.errors import StoreError

SLOW_S = 30.0
"""An archive that has not answered for so long does not answer."""


def ails(seen: Seen) -> tuple[str, ...]:
    """What is wrong; empty: nothing.

    Neither a rejected plan nor a remote that is away is: what is planned goes out, and people are told of both.
    """
    found = []
    if isinstance(seen.trouble, StoreError) or seen.looking_s > SLOW_S:
        found.append("The archive does not answer, or not as it should.")
    elif seen.trouble is not None:
        found.append("The plan or its settings cannot be read.")
    elif seen.snapshot is None:
        found.append("Nothing was looked at yet.")
    if seen.snapshot is not None and any(line.is_overdue(seen.snapshot.now) for line in seen.snapshot.lines):
        found.append(f"Something is due for more than {OVERDUE.seconds // 60} minutes, was not sent, "
                     "and nothing holds it.")
    return tuple(found)
