"""What a change of the content does to what goes out, told to a reviewer: a line for each post, and a count."""
from collections.abc import Iterable, Sequence
from datetime import datetime

from flows.planning.comparing import Change, Difference, Moment


def lines(changes: Sequence[Change], *, now: datetime) -> list[str]:
    """One line for each post and kind where its channels agree: what, where, when, why."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        shift = change.after.at - change.before.at if change.before and change.after else None
        key = change.kind, change.slot.post, change.why, shift, change.before is None, change.after is None
        groups.setdefault(key, []).append(change)
    return [_line(alike, now) for alike in groups.values()]


def summary(changes: Sequence[Change]) -> str:
    """How much changes, in one line."""
    if not changes:
        return "Nothing changes."
    told = ", ".join(f"{number} {kind}" for kind, number in counts(changes).items())
    return f"{told} (counted by post and channel); nothing else changes."


def counts(changes: Iterable[Change]) -> dict[str, int]:
    """How many slots there are of each kind; kinds without one are left out."""
    kinds = [change.kind for change in changes]
    return {kind.value: kinds.count(kind) for kind in Difference if kind in kinds}


def _line(alike: list[Change], now: datetime) -> str:
    first = alike[0]
    channels = ", ".join(dict.fromkeys(change.slot.channel for change in alike))
    runs = len({change.slot.run for change in alike})
    times = [_told(alike, now)] if first.before or first.after else []
    if runs > 1:
        times.append(f"{runs} runs")
    told = f": {', '.join(times)}" if times else ""
    return f"{first.kind.value}: {first.slot.post} on {channels}{told}{f'; {first.why}' if first.why else ''}"


def _told(alike: list[Change], now: datetime) -> str:
    """`Tue 2 Mar 08:45 → Wed 3 Mar 09:00 (Europe/Dublin)`: the first of them."""
    change = min(alike, key=lambda c: (c.after or c.before or Moment(now, "UTC")).at)
    moments = [moment for moment in (change.before, change.after) if moment is not None]
    if change.before is not None and change.before == change.after:
        moments = [change.before]
    years = {moment.local.year for moment in moments} | {now.year}
    words = " → ".join(_words(moment.local, with_year=len(years) > 1) for moment in moments)
    if change.after is None and change.before is not None:
        words = f"was {words}"
    several = len({c.after or c.before for c in alike}) > 1
    return f"{words} ({moments[-1].zone}){', the others after it' if several else ''}"


def _words(local: datetime, *, with_year: bool) -> str:
    return f"{local:%a} {local.day} {local:%b}{f' {local.year}' if with_year else ''} {local:%H:%M}"
