"""One slot's whole story, for whoever asks why: every step in plain words, and what to do next."""
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flows.planning.folding import MISSED, advance
from flows.planning.reporting import NOT_TRIED, SOON, for_a_person, next_step, said_in, too_late, verdict, when
from schemas.ledger import Entry, Evidence, Kind, Lookup, Record, Repeat, Slot, Standing, State
from schemas.plan import Item, Waiting

_QUIET_S = Lookup(Repeat.plain).quiet_s


def story(
    slot: Slot, one: Item | Waiting | None, standing: Standing | None, entries: Iterable[Entry], *, now: datetime,
    evidence: Iterable[Evidence] = ()
) -> list[str]:
    """Everything known about one slot, in plain words, oldest first, times local to the post."""
    zone, kept = one.zone if one is not None else "UTC", list(entries)
    network = one.channel.network if one is not None else None
    lines = []
    if one is not None:
        lines.append(
            f"{said_in(one)} says so; it goes to {one.channel.id} "
            f"({one.channel.network}, {one.channel.handle or 'no handle'})."
        )
        lines.append(f"Due {when(one.at, zone)}." if one.at is not None else f"It has no time yet. Its zone: {zone}."
                     if kept else "It has no time yet.")
        if isinstance(one, Waiting):
            lines.append(f"It waits: {one.why}")
    else:
        pins = [entry.record.pin for entry in kept if entry.record.pin is not None]
        lines.append("No file of the content has this slot now"
                     + (f"; commit {pins[-1].commit[:10]} had it. Times are UTC." if pins else "."))
    lines += _Telling(slot, kept, zone).lines(evidence)
    if standing is not None and standing.last is not None:
        lines.append(f"State: {standing.state.value}.")
        if (todo := _next_now(standing, slot, now, zone, network)) is not None:
            first, *commands = for_a_person(standing, slot) if standing.state is State.held else [todo]
            lines += [f"Next: {first}", *(f"  {command}" for command in commands)]
    elif isinstance(one, Item):
        lines.append("State: planned. Nothing was tried yet.")
        if one.at + timedelta(seconds=one.grace_s) < now:
            lines.append("Its time has passed: is the publisher running? (drumbeat up)")
        elif one.at + SOON < now:
            lines.append(f"Next: {NOT_TRIED}")
    return lines


def _next_now(standing: Standing, slot: Slot, now: datetime, zone: str, network: str | None) -> str | None:
    """The same for the story, which also says what happens by itself, and when."""
    match standing.state:
        case State.unknown if standing.doubt is not None:
            doubt = standing.doubt
            over = doubt.since + timedelta(seconds=doubt.send_window_s + doubt.request_timeout_s + _QUIET_S)
            if now < over:
                return (f"Wait. The call may still take effect until about {when(over, zone)}; after that a running "
                        "publisher looks at the account by itself, and so does 'drumbeat reconcile'. Nothing is sent "
                        "before it is known.")
            return ("A running publisher looks at the account by itself. If none runs: drumbeat reconcile")
        case State.waiting if standing.retry_at is not None and next_step(standing, slot, network) is None:
            return f"Nothing to do: it is tried again at {when(standing.retry_at, zone)}."
        case State.waiting if standing.kind is Kind.resolved and standing.parts:
            return "Nothing to do: the publisher goes on with the thread."
        case State.waiting if standing.kind is Kind.resolved:
            return "Nothing to do: the publisher sends it, unless it is too late by then."
        case State.publishing:
            return ("Nothing to do: a publisher has it. If none runs, start one (drumbeat up): it finds out first what "
                    "became of the last call.")
        case State.skipped:
            return "Nothing to do. To send it after all, commit its post with another text or time."
        case _:
            return next_step(standing, slot, network)


class _Telling:
    """The records of one slot as lines of its story."""

    def __init__(self, slot: Slot, entries: Sequence[Entry], zone: str) -> None:
        self.slot, self.entries, self.zone = slot, entries, zone
        records = [entry.record for entry in entries]
        self.thread = any((r.part or 0) > 0 or r.kind is Kind.sent or len(r.detail.get("parts", ())) > 1
                          for r in records)
        self.before = [Standing(slot)]
        for entry in entries[:-1]:
            self.before.append(advance(self.before[-1], entry))

    def lines(self, evidence: Iterable[Evidence]) -> list[str]:
        """One line for each record, looks in vain as one line together; late words where they were learned."""
        told: list[tuple[int, str]] = []
        looks: list[Record] = []
        for number, entry in enumerate(self.entries):
            record = entry.record
            if record.kind is Kind.claim and self.before[number].doubt and self.before[number].kind is Kind.claim:
                looks.append(record)
                continue
            told += self._more_looks(number, looks)
            looks = []
            if (line := self._told(record, self.before[number])) is not None:
                told.append((number, f"{self._at(record.at)}  {line}"))
        told += self._more_looks(len(self.entries), looks)
        told += [(self._place(said), f"{self._at(said.at)}  {self._late_word(said)}") for said in evidence]
        return [line for _, line in sorted(told, key=lambda pair: pair[0])]

    def _more_looks(self, number: int, looks: Sequence[Record]) -> list[tuple[int, str]]:
        if not looks:
            return []
        times = "once more" if len(looks) == 1 else f"{len(looks)} times more"
        last = looks[-1]
        return [(number - 1, f"{self._at(last.at)}  looked for {times}, last by {_who(last.worker)}")]

    def _told(self, record: Record, before: Standing) -> str | None:
        detail = record.detail
        reason = f": {detail['reason']}" if detail.get("reason") else ""
        again = f"; it is tried again at {_moment(detail['retry_at'], self.zone)}" if detail.get("retry_at") else ""
        it = self._part(record, before)
        match record.kind:
            case Kind.claim:
                return self._claimed(record, before)
            case Kind.sending:
                looked = {"absent": " again, since a full look at the account did not find it",
                          "evidence": " again, since its sender said that nothing had left"}
                return f"sending{it and f' {it}'}{looked.get(str(detail.get('looked')), '')}, try {record.attempt}"
            case Kind.sent:
                return f"{it or 'it'} is live: {detail.get('url') or detail.get('id')}{_how(detail, before)}"
            case Kind.published:
                parts = ", ".join(str(p.get("url") or p.get("id")) for p in detail.get("parts", []))
                return f"published: {parts}{_how(detail, before)}"
            case Kind.notsent:
                return f"{it and f'{it} '}not sent{reason}{again}"
            case Kind.released if before.kind is Kind.notsent and detail.get("retry_at"):
                return None                                       # the line before says the same
            case Kind.released:
                return f"{'kept' if detail.get('class') == 'kept-back' else 'put'} back{reason}{again}"
            case Kind.unknown:
                return f"nobody knows whether {it or 'it'} arrived{reason}"
            case Kind.held:
                there = ", ".join(str(one.get("url") or one.get("id")) for one in detail.get("candidates", ()))
                return f"{it and f'{it} '}waits for a person{reason}{f'; it may be {there}' if there else ''}"
            case Kind.resolved:
                return f"{verdict(record, it)}{reason}"
            case Kind.reopened:
                return f"open again: its post has changed (commit {str(detail.get('commit', '?'))[:10]})"
            case Kind.skipped if detail.get("reason") == MISSED:
                last = detail.get("last_reason")
                return f"missed: {too_late(detail.get('grace_s'))}{f'; before that: {last}' if last else ''}"
            case Kind.skipped:
                return f"not sent{reason}"
            case _:
                return f"{it and f'{it} '}{record.kind.value}{reason}"

    def _claimed(self, record: Record, before: Standing) -> str:
        who, reason = _who(record.worker), record.detail.get("reason")
        if before.doubt:
            return f"looked for by {who}{f': {reason}' if reason else ''}"
        pin = record.pin if record.pin != before.pin else None
        has = f", as commit {pin.commit[:10]} has it, payload {pin.payload[:10]}" if pin else ""
        again = " again" if before.last is not None else ""
        signer = record.detail.get("who", "unverified")
        signed = f", signed by {signer}" if has and signer != "unverified" else ""
        return f"taken{again} by {who}{has}{signed}{f': {reason}' if reason else ''}"

    def _part(self, record: Record, before: Standing) -> str:
        """`part 2` of a thread; empty for a single post."""
        about = record.part if record.part is not None else len(before.parts) if record.kind is Kind.failed else None
        return f"part {about + 1}" if self.thread and about is not None else ""

    def _place(self, said: Evidence) -> int:
        """After the record by which another publisher took the slot, and after all that was recorded before it."""
        records = [entry.record for entry in self.entries]
        taken = next((n for n, r in enumerate(records) if r.epoch > said.epoch), len(records))
        return max([taken, *(n for n, r in enumerate(records) if r.at <= said.at)])

    def _late_word(self, said: Evidence) -> str:
        """What a sender learned when another publisher had the slot already."""
        what = f"it is live: {said.receipt.url or said.receipt.id}" if said.receipt else "nothing was sent"
        reason = f" ({said.detail['reason']})" if said.detail.get("reason") else ""
        return f"the answer came late to {_who(said.worker)}: {what}{reason}"

    def _at(self, moment: datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(self.zone)):%a %Y-%m-%d %H:%M:%S}"


def _how(detail: Mapping[str, Any], before: Standing) -> str:
    match detail.get("how"):
        case "readback":
            return ", found on the account"
        case "evidence":
            return ", as the answer says that came late"
        case "resolved" if before.last is not None:
            return f", as {before.last.record.detail.get('by', 'a person')} said"
        case _:
            return ""


def _who(worker: str) -> str:
    """`host, process 4711` of a worker's whole name."""
    host, _, rest = worker.partition("/")
    return f"{host}, process {rest.partition('/')[0]}" if rest else host


def _moment(text: object, zone: str) -> str:
    try:
        return when(datetime.fromisoformat(str(text)), zone)
    except (ValueError, TypeError):
        return str(text)
