"""What goes out becomes a calendar feed that Google, Apple and Outlook read: iCalendar text, UTC, nothing injected.

What they need, besides RFC 5545 (all read 2026-11-22):
- UID and DTSTAMP in every event, CRLF, folds at 75 octets: else Google or Outlook drop events (ical.studio/help).
- No fold between a backslash and what it escapes: Google drops such an event (github.com/collective/icalendar/
  issues/1501). The package icalendar, up to 7.3, also writes `C:\\New` as a line break; so the lines are written here.
- SEQUENCE and LAST-MODIFIED that grow: Google keeps the old time of an event that changed without them
  (OpenACalendar-Web-Core/issues/176, ical-generator/pull/71, gatherpress/issues/2058 on github.com).
- X-WR-CALNAME: the only name that Google shows (collective/icalendar/issues/918); Outlook takes it too, up to 255
  characters (MS-OXCICAL 2.1.3.1.1.17). NAME is its successor (RFC 7986, 5.1).
- REFRESH-INTERVAL (RFC 7986, 5.7) and X-PUBLISHED-TTL (MS-OXCICAL 2.1.3.1.1.15): how often to ask. Apple and Google
  follow their own clocks.
- A UID of at most 202 bytes (Outlook, MS-STANOICAL 2.1.10) that names no host or user (RFC 7986, 5.3).
- A description of at most about 8,192 characters (Google, as support.nylas.com tells).
"""
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from flows.planning.composing import compose
from flows.planning.masking import masked
from flows.planning.preparing import Prepared
from flows.planning.reporting import row, when
from schemas.ledger import Slot, Standing, State
from schemas.message import Message
from schemas.plan import Item, Waiting

LENGTH = timedelta(minutes=15)
"""How long an event is shown; a post itself takes no time."""
_OCTETS, _NAME, _SUMMARY, _DESCRIPTION = 75, 255, 60, 8000
_SURE = frozenset({State.planned, State.publishing, State.published})
_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# What no calendar text may hold (RFC 5545, 3.1), and what turns text around or is no character at all.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_UNIT = re.compile(r"\\?.", re.DOTALL)                            # a character, with the backslash that escapes it


class Event(NamedTuple):
    """One entry of the calendar. `at` is UTC; `is_sure`: it goes out or is out; else it waits, or did not go out."""

    uid: str
    at: datetime
    summary: str
    description: str
    channel: str
    is_sure: bool = True
    url: str | None = None


def events(
    shown: Iterable[Item | Waiting], prepared: Prepared, standings: Mapping[Slot, Standing], *, now: datetime
) -> tuple[Event, ...]:
    """An event for everything of the plan in `prepared` that has a time, by time; what has none is left out."""
    made = []
    for one in shown:
        if one.at is not None:                                    # a network that is not supported yet has no message
            message = prepared.messages.get(one.slot) or compose(one.post, one.channel, prepared.content)
            made.append(_event(one, one.at, message, standings.get(one.slot), now))
    return tuple(sorted(made, key=lambda event: (event.at, event.uid)))


def feed(made: Iterable[Event], name: str, *, now: datetime) -> bytes:
    """The calendar `name` with these events, as a file. The same events and the same `now` give the same bytes."""
    stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    # Nobody here knows when an event changed last. Saying "now" is what makes calendars look at it again.
    sequence = int(now.timestamp()) // 60
    called = _text(" ".join(_clean(name).split())[:_NAME])
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Drumbeat//drumbeat calendar//EN", "CALSCALE:GREGORIAN",
             "METHOD:PUBLISH", f"NAME:{called}", f"X-WR-CALNAME:{called}", "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
             "X-PUBLISHED-TTL:PT1H"]
    for event in made:
        end = event.at + LENGTH
        lines += ["BEGIN:VEVENT", f"UID:{_text(event.uid)}", f"DTSTAMP:{stamp}", f"LAST-MODIFIED:{stamp}",
                  f"SEQUENCE:{sequence}", f"DTSTART:{event.at:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}",
                  f"SUMMARY:{_text(event.summary)}", f"DESCRIPTION:{_text(event.description)}",
                  f"CATEGORIES:{_text(event.channel)}", f"STATUS:{'CONFIRMED' if event.is_sure else 'TENTATIVE'}",
                  "TRANSP:TRANSPARENT", *([f"URL:{event.url}"] if event.url else []), "END:VEVENT"]
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"]).encode()


def _event(one: Item | Waiting, at: datetime, message: Message, standing: Standing | None,
           now: datetime) -> Event:
    told = row(one, standing, now=now)
    parts = [masked(part.text) for part in message.parts]
    why = told.reason or (one.note if isinstance(one, Item) else "")
    about = [f"State: {told.state.value}", *([f"Why: {why}"] if why else []), f"When: {when(at, one.zone)}",
             *([f"Sent: {when(told.sent_at, one.zone)}"] if told.sent_at else []), f"Slot: {one.slot}",
             f"File: {one.post.post.file}"]
    text, rest = "\n\n".join(part for part in parts if part), "\n".join(about)
    if len(text) + len(rest) > _DESCRIPTION:
        text = f"{text[:_DESCRIPTION - len(rest)].rstrip()}…"
    return Event(_uid(one), at, f"{one.channel.id}: {_first_words(text) or one.post.post.stem}",
                 "\n\n".join(piece for piece in (text, rest) if piece), one.channel.id, told.state in _SURE,
                 _address(told.url))


def _uid(one: Item | Waiting) -> str:
    """The slot's own name, and eight digits for the account: two organisations may have a post of the same name."""
    account = hashlib.sha256(f"{one.channel.network}\0{one.channel.handle or ''}".encode()).hexdigest()[:8]
    return f"{one.slot.folder.replace('/', '~')}~{account}@drumbeat"


def _first_words(text: str) -> str:
    words = " ".join(_clean(text).split())
    if len(words) <= _SUMMARY:
        return words
    cut = words[: _SUMMARY + 1].rpartition(" ")[0] or words[:_SUMMARY]
    return f"{cut}…"


def _address(url: str | None) -> str | None:
    """`url` when it can stand in a line of its own: a web address without spaces and control characters."""
    return url if url is not None and re.fullmatch(r"https?://[!-~]+", url) else None


def _clean(text: str) -> str:
    """`text` with one kind of line break and without what nobody sees."""
    return _UNSEEN.sub("", _BREAK.sub("\n", text)).replace("\t", " ")


def _text(value: str) -> str:
    """`value` as TEXT (RFC 5545, 3.3.11): whatever it holds, it stays one value of one property."""
    escaped = _clean(value).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> str:
    """`line` in pieces of at most 75 octets, each but the first after a space (RFC 5545, 3.1)."""
    if line.isascii() and len(line) <= _OCTETS:
        return line
    pieces, octets = [""], 0
    for unit in _UNIT.findall(line):
        width = len(unit.encode())
        if octets + width > _OCTETS:
            pieces.append("")
            octets = 1
        pieces[-1] += unit
        octets += width
    return "\r\n ".join(pieces)
