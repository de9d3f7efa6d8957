"""How many posts an account makes, and how close together: the flood fuse, and the distance of what is late. Pure."""
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

HOUR = timedelta(hours=1)
LATE = timedelta(minutes=15)
"""What is later than this comes from an outage: such posts keep the channel's `min_gap`, so that no backlog drains."""
MOST_PER_HOUR = 200
"""Posts of all accounts together in an hour, unless `most_per_hour` in drumbeat.toml says otherwise."""


class Brake(NamedTuple):
    """Why a post that is due does not go out yet, and when to look again (UTC)."""

    until: datetime
    why: str


def blown(name: str, sent: Iterable[datetime], limit: int, *, now: datetime, setting: str) -> Brake | None:
    """The fuse: None while one more post within the hour is within `limit`. `sent`: when the others went out."""
    recent = sorted(moment for moment in sent if moment > now - HOUR)
    if len(recent) < limit:
        return None
    until = recent[len(recent) - limit] + HOUR if limit else now + HOUR
    posts = f"{len(recent)} {'post' if len(recent) == 1 else 'posts'}"
    return Brake(until, f"the flood fuse of {name} has blown: {posts} went out in the last hour, and it allows "
                        f"{limit}. See why so many are due at once. If they are meant, raise {setting}; "
                        "else they go on one by one, and what is too late by then is missed")


def too_close(name: str, sent: Iterable[datetime], *, now: datetime, due: datetime, pace_s: float,
              min_gap: timedelta) -> Brake | None:
    """None when the account's last post is far enough away: `pace_s` always, `min_gap` for what an outage made late."""
    last = max(sent, default=None)
    late = now - due > LATE
    until = last + max(timedelta(seconds=pace_s), min_gap if late else timedelta()) if last else now
    if until <= now:
        return None
    distance = (f"it is late, and what is late on {name} keeps its distance from other posts (min_gap)" if late
                else f"{name} takes a post every {pace_s:g} seconds")
    return Brake(until, distance)
