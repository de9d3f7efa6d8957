"""What nobody has to wait for to be told: slots that are overdue, pushes that do not arrive, channels that fell silent,
credentials that end.

The rules are pure. Run as a program (`python -m flows.alarm`) it tells which channels the rules name, as a JSON object.
"""
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from flows.planning.preparing import Prepared
from flows.planning.reporting import arrives_again, cut_off, is_overdue
from schemas.errors import DrumbeatError
from schemas.ledger import State
from schemas.outage import Outage
from schemas.problem import Problem

OLD = timedelta(days=2)
"""What is older is for the audit to name, once a day."""
CODES = {"MNT001": "channel.silent", "CON001": "credential.ending"}


class Named(NamedTuple):
    """A channel that a rule names. `event`: without its first word."""

    event: str
    channel: str
    message: str
    remedy: str


def overdue(slots: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Mapping[str, Any]]:
    """Of the slots of `status --json` those that are overdue, and came due in the last two days."""
    for slot in slots:
        at = datetime.fromisoformat(slot["at"]) if slot["at"] is not None else None
        if is_overdue(State(slot["state"]), at, now) and at is not None and now - at <= OLD:
            yield slot


class Arrival(NamedTuple):
    """Pushes to `branch` do not arrive, or do again. `reason`: what makes it another event."""

    event: str
    branch: str
    payload: Mapping[str, str]
    reason: str


def arrival(status: Mapping[str, Any]) -> Arrival | None:
    """What `status --json` says of pushes; None: nothing is amiss. An outage is told once, and once more when a
    publisher falls behind others by it."""
    if status["unreachable"] is not None:
        outage = Outage.read(status["unreachable"])
        what, remedy, *more = cut_off(outage, status["in_force"], "UTC")
        return Arrival("content.unreachable", outage.branch, {"reason": what, "next": " ".join([*more, remedy])},
                       f"{outage.since} {bool(outage.behind)}")
    if status["reachable"] is not None:
        outage = Outage.read(status["reachable"])
        return Arrival("content.reachable", outage.branch, {"reason": arrives_again(outage, "UTC")},
                       f"{outage.since}")
    return None


def changed(gates: Iterable[Mapping[str, Any]], before: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Of the gates of `gates --json`: those that were seen before in another state, which `was` then tells."""
    known = {(gate["gate"], gate["campaign"] or ""): gate["state"] for gate in before}
    for gate in gates:
        was = known.get((gate["gate"], gate["campaign"] or ""))
        if was is not None and was != gate["state"]:
            yield {**gate, "was": was}


def named(problems: Iterable[Problem], done: Prepared) -> Iterator[Named]:
    """The channels that are silent, or whose credential ends, by the rules that say so."""
    entry = next((one for one in done.content.entries if one.kind == "channels"), None)
    places = {} if entry is None else {
        entry.place("channels", number, "id"): one.id for number, one in enumerate(done.content.channels.channels)}
    for problem in problems:
        channel = problem.channel or places.get(problem.place)
        if problem.code in CODES and channel is not None:
            yield Named(CODES[problem.code], channel, problem.message, problem.remedy)


def look(now: datetime) -> list[Named]:
    """What the plan in force, the archive and the credentials of this machine say now. Raises DrumbeatError."""
    from flows.edges.ledger import Ledger
    from flows.edges.plans import last_good
    from flows.edges.settings import find
    from flows.edges.store import open_store
    from flows.foresee import foresee
    from flows.observe import is_rehearsal, planned

    settings = find(None)
    kind, _, rest = (settings.archive or "dir:.drumbeat/archive").partition(":")
    archive = f"dir:{settings.home / rest}" if kind == "dir" else f"{kind}:{rest}"
    if kind == "dir" and not (settings.home / rest).exists():
        return []                                                 # nothing was published yet: looking makes no folder
    store = open_store(archive)
    receipts = Ledger(store, worker="reader", now=lambda: now).all_receipts()
    sent = {slot: receipt.at for slot, receipt in receipts.items() if receipt.state is State.published}
    done = planned(settings, store, now, last_good(store), sent, rehearsal=is_rehearsal(store))
    return list(named((*done.problems, *foresee(done, settings, now, os.environ)), done))


def main() -> None:
    """Prints the channels that the rules name. Exit code as everywhere."""
    try:
        found = look(datetime.now(UTC))
    except DrumbeatError as error:
        sys.stderr.write(f"error: {error.what}\n  remedy: {error.remedy}\n")
        sys.exit(error.exit_code)
    sys.stdout.write(json.dumps({"channels": [one._asdict() for one in found]}) + "\n")


if __name__ == "__main__":
    main()
