"""The calendar page: one look tells what went out, what did not, why, and what to do. Nothing on it can run."""
import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from flows.planning.pausing import why
from flows.planning.reporting import cut_off
from flows.web.looking import Line, Snapshot, shut
from flows.web.lookout import Seen
from schemas.ledger import State

BACK, DAYS = 3, 14
MOST_LINES, MOST_NEEDS = 400, 30
_NEEDS = (State.held, State.unknown, State.failed, State.missed)
_OLD = timedelta(days=14)
_WEB = re.compile(r"https?://[!-~]+")


class Need(NamedTuple):
    """Something that somebody has to do, about one post on `channels`. `steps`: what to do, one by one."""

    line: Line
    due: str
    steps: tuple[str, ...]
    channels: tuple[str, ...]


class Day(NamedTuple):
    """`name`: `Today`, or the day of the week. `lines`: the time by the strategy's clock, and what goes out then."""

    on: date
    name: str
    lines: tuple[tuple[str, Line], ...]


def calendar(seen: Seen, start: date | None) -> str:
    """The page, from the day `start` on, or from some days ago."""
    pages = _pages()
    if seen.snapshot is None:
        return pages.get_template("calendar.html").render(seen=seen, snapshot=None, style=style())
    snapshot, rejected = seen.snapshot, seen.snapshot.news.rejected
    zone, away = ZoneInfo(snapshot.zone), snapshot.news.unreachable
    today = snapshot.now.astimezone(zone).date()
    first = start if start is not None else today - timedelta(days=BACK)
    days, left_out = _days(snapshot, first, today, zone)
    needs = _needs(snapshot)
    ahead = [line for line in snapshot.lines if line.row.at is not None and line.row.at > snapshot.now
             and line.row.state is State.planned]
    said: dict[str, Any] = {
        "rejected": rejected, "needs": needs[:MOST_NEEDS], "more_needs": max(0, len(needs) - MOST_NEEDS),
        "days": days, "today": today, "left_out": left_out, "timeless": _alike(snapshot.lines),
        "away": cut_off(away, snapshot.news.in_force, snapshot.zone) if away is not None else [],
        "holds": [why(hold, snapshot.zone) for hold in snapshot.news.said.holds],
        "gates": [(gate, [line for line in gate.lines if line.shut]) for gate in shut(snapshot.gates)],
        "kept_back": _kept_back(snapshot), "counts": _counts(snapshot.lines), "next": ahead[0] if ahead else None,
        "next_words": _short(ahead[0].words) if ahead else "",
        "next_at": _moment(ahead[0].row.at, snapshot.zone) if ahead else "", "first": first,
        "last": first + timedelta(days=DAYS - 1), "earlier": first - timedelta(days=DAYS),
        "later": first + timedelta(days=DAYS), "is_now": start is None,
        "now": _moment(snapshot.now, snapshot.zone), "good_at": _moment(
            snapshot.good.at if snapshot.good else None, snapshot.zone),
        "rejected_at": _moment(rejected.at if rejected is not None else None, snapshot.zone),
        "out_today": sum(1 for line in snapshot.lines if line.row.state is State.published
                         and line.row.sent_at is not None and line.row.sent_at.astimezone(zone).date() == today),
    }
    return pages.get_template("calendar.html").render(seen=seen, snapshot=snapshot, style=style(), **said)


def policy() -> str:
    """The page's Content-Security-Policy: its own style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'")


@cache
def style() -> str:
    """The style sheet, which stands in the page."""
    return (files("flows.web") / "templates" / "calendar.css").read_text(encoding="utf-8")


@cache
def _pages() -> Environment:
    pages = Environment(loader=PackageLoader("flows.web", "templates"), autoescape=True, undefined=StrictUndefined,
                        trim_blocks=True, lstrip_blocks=True)
    pages.filters["web_address"] = lambda url: url if url is not None and _WEB.fullmatch(url) else None
    return pages


def _days(snapshot: Snapshot, first: date, today: date, zone: ZoneInfo) -> tuple[list[Day], int]:
    """The days that have something, and today; and how many lines there was no room for."""
    found: dict[date, list[tuple[str, Line]]] = {today: []} if first <= today < first + timedelta(days=DAYS) else {}
    shown = left_out = 0
    for line in snapshot.lines:
        at = line.row.sent_at if line.row.at is None else line.row.at
        if at is None or not first <= (local := at.astimezone(zone)).date() < first + timedelta(days=DAYS):
            continue
        if shown == MOST_LINES:
            left_out += 1
            continue
        shown += 1
        found.setdefault(local.date(), []).append((f"{local:%H:%M}", line))
    return [Day(on, _name(on, today), tuple(found[on])) for on in sorted(found)], left_out


def _name(on: date, today: date) -> str:
    near = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}.get((on - today).days)
    return f"{near}, {on:%A}" if near else f"{on:%A}"


def _needs(snapshot: Snapshot) -> list[Need]:
    """What needs somebody, by the time it was due; the same of one post on many channels is said once."""
    found: dict[tuple[object, ...], list[Line]] = {}
    for line in snapshot.lines:
        if _needs_somebody(line, snapshot.now):
            alike = (line.slot.post, line.slot.run, line.row.state, line.row.reason, _steps(line))
            found.setdefault(alike, []).append(line)
    return [Need(lines[0], _moment(lines[0].row.at, snapshot.zone), _steps(lines[0]),
                 tuple(line.slot.channel for line in lines)) for lines in found.values()]


def _needs_somebody(line: Line, now: datetime) -> bool:
    if line.is_overdue(now):
        return True
    old = line.row.at is not None and line.row.at < now - _OLD and line.row.state in (State.failed, State.missed)
    return (line.row.state in _NEEDS and not old) or (line.row.state is State.waiting and line.row.next is not None)


def _steps(line: Line) -> tuple[str, ...]:
    told = line.row.next or "Look at what the publisher prints: drumbeat why " + line.row.slot
    return tuple(step for step in told.split("  ") if step)


def _alike(lines: Iterable[Line]) -> list[tuple[str, str, list[str]]]:
    """What waits without a time: a post, why, and its channels."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if line.row.at is None and line.row.sent_at is None and line.row.state is State.waiting:
            found.setdefault((line.words or line.slot.post, line.row.reason or ""), []).append(line.slot.channel)
    return [(words, reason, list(dict.fromkeys(channels))) for (words, reason), channels in found.items()]


def _kept_back(snapshot: Snapshot) -> int:
    """How many posts to come wait for something."""
    return sum(1 for line in snapshot.lines if line.row.state is State.waiting)


def _counts(lines: Sequence[Line]) -> list[tuple[str, int]]:
    states = [line.row.state for line in lines]
    return [(state.value, states.count(state)) for state in State if state in states]


def _short(words: str) -> str:
    """How a post begins, for a sentence."""
    return words if len(words) <= 60 else f"{words[:60].rpartition(' ')[0].rstrip('.,;:!?')}…"


def _moment(at: datetime | None, zone: str) -> str:
    """`Thu 4 March, 09:30`; "" for none."""
    if at is None:
        return ""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%B %Y, %H:%M}"
