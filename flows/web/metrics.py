"""What Prometheus asks for, in its text format (version 0.0.4, prometheus.io/docs/instrumenting/exposition_formats)."""
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from flows.web.looking import Snapshot
from flows.web.lookout import Seen
from schemas.errors import StoreError

KIND = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Mapping[str, str], float]


def exposition(seen: Seen, outcomes: Mapping[str, int]) -> str:
    """Every figure, with what it means."""
    return "".join(line + "\n" for line in _lines(seen, outcomes))


def _lines(seen: Seen, outcomes: Mapping[str, int]) -> Iterator[str]:
    yield from _family("drumbeat_archive_up", "gauge", "1 while the archive answers.",
                       [({}, 0.0 if isinstance(seen.trouble, StoreError) else 1.0)])
    yield from _family("drumbeat_hook_deliveries_total", "counter", "Calls of the hook, by what became of them.",
                       [({"outcome": outcome}, count) for outcome, count in sorted(outcomes.items())])
    if seen.snapshot is not None:
        yield from _of(seen.snapshot)
        yield from _family("drumbeat_look_age_seconds", "gauge", "Seconds since plan and archive were looked at.",
                           [({}, seen.age_s)])


def _of(snapshot: Snapshot) -> Iterator[str]:
    slots = Counter((line.row.state.value, line.slot.channel) for line in snapshot.lines)
    yield from _family("drumbeat_slots", "gauge", "Slots of the plan in force and of the archive.",
                       [({"state": state, "channel": channel}, n) for (state, channel), n in sorted(slots.items())])
    due = Counter({line.slot.channel: 0 for line in snapshot.lines})
    due.update(line.slot.channel for line in snapshot.lines if line.is_overdue(snapshot.now))
    yield from _family("drumbeat_slots_due_not_sent", "gauge",
                       "Slots that are due for 15 minutes (a thread under way: an hour), have no end, and nothing "
                       "holds them.",
                       [({"channel": channel}, n) for channel, n in sorted(due.items())])
    if snapshot.good is not None:
        yield from _family("drumbeat_plan_age_seconds", "gauge", "Seconds since the plan in force was accepted.",
                           [({}, max(0.0, (snapshot.now - snapshot.good.at).total_seconds()))])
    yield from _family("drumbeat_plan_rejected", "gauge", "1 while a newer commit than the plan in force is rejected.",
                       [({}, float(snapshot.news.rejected is not None))])
    away = snapshot.news.unreachable
    yield from _family("drumbeat_remote_unreachable", "gauge",
                       "Publishers that could not fetch what is pushed for 15 minutes or longer.",
                       [({}, float(len(away.machines)) if away is not None else 0.0)])
    yield from _family("drumbeat_holds_active", "gauge", "Holds in force.", [({}, len(snapshot.news.said.holds))])


def _family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        written = ",".join(f'{label}="{_escaped(said)}"' for label, said in labels.items())
        yield f"{name}{{{written}}} {value:.12g}" if written else f"{name} {value:.12g}"


def _escaped(said: str) -> str:
    return said.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
