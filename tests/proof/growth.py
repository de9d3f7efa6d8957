"""How Prefect's database grows under a soak, by what, and what the settings that we ship make of it.

Prefect deletes by real time, and a season takes minutes. So its rows are aged: every time that the database holds is
moved back to when it would have been had the season been played by the real clock and ended now. Then Prefect's own
server is started on a copy of it, once with its own defaults and once with our settings, and lets its vacuum run.
"""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from playing import Line
from ports import free_port

from flows.edges.children import Child, Children
from flows.edges.prefect_server import settings as prefect_settings

PATIENCE_S = 480.0
_OURS = ("VACUUM", "EVENTS_RETENTION")      # what the settings hold about deleting
RUNS_OF_EACH = 10
SCHEDULED = {"sync()": ("flows.sync", 144), "reconcile(look=False)": ("flows.reconcile", 96)}
"""What `flows.deploy` has Prefect run while `drumbeat up` sends, and how often a day."""
BEATS_A_DAY = 1_440                         # of the shift that always runs, by `HEARTBEAT_S`
TIMES = {"flow_run": ("state_timestamp", "expected_start_time", "next_scheduled_start_time", "start_time", "end_time"),
         "flow_run_state": ("timestamp",), "task_run": ("state_timestamp", "expected_start_time", "start_time",
                                                        "end_time"),
         "task_run_state": ("timestamp",), "log": ("timestamp",), "artifact": (), "artifact_collection": (),
         "events": ("occurred", "received", "recorded"), "event_resources": ("occurred",)}


class Size(NamedTuple):
    """What a database takes. `used`: without pages that are free to be used again; `packed`: after VACUUM, in bytes."""

    file: int
    used: int
    packed: int
    rows: Mapping[str, int]
    bytes: Mapping[str, int]        # by table, with its indexes


class Prefect:
    """The embedded server as `drumbeat up` starts it, and a follower for each shift."""

    def __init__(self, home: Path) -> None:
        self.home, self.database = home, home / "prefect/prefect.db"
        (home / "prefect").mkdir()
        (home / "prefect-logs").mkdir()
        self.children = Children(home / "prefect-logs")
        self.environment = prefect_settings(home / "prefect", free_port())
        # so that each slot has its task run however many come in a minute of ours
        self.environment["DRUMBEAT_TASK_RUNS_PER_MINUTE"] = "999999"
        self._follower: Child | None = None

    def begin(self) -> None:
        start(self.children, self.environment)

    def hear(self, line: Line | None) -> None:
        """Passes a publisher's line on to its follower; None ends the shift, and waits until all of it is shown."""
        if self._follower is None:
            self._follower = self.children.start(
                "follower", ["-m", "flows.publish"], apart=True,
                environment={**self.environment, "DRUMBEAT_PARENT": str(os.getpid()),
                             "DRUMBEAT_UNTIL": (datetime.now(UTC) + timedelta(hours=1)).isoformat()})
        assert self._follower.stdin is not None
        if line is not None:
            self._follower.stdin.write(json.dumps(line) + "\n")
            self._follower.stdin.flush()
            return
        self._follower.stdin.close()
        if (code := self._follower.wait(PATIENCE_S)) != 0:
            raise RuntimeError(f"the follower ended with {code}: {self.children.last_words('follower')}")
        self._follower = None

    def run(self, flow: str, call: str, times: int, content: Path, archive: Path) -> None:
        """Runs a flow of ours so many times, as its deployment would. `call`: `sync()`."""
        program = (f"import asyncio\nfrom {flow} import {call.partition('(')[0]}\n"
                   f"for _ in range({times}):\n    asyncio.run({call})\n")
        environment = {**os.environ, **self.environment, "DRUMBEAT_CONTENT": str(content),
                       "DRUMBEAT_ARCHIVE": f"dir:{archive}"}
        with self.children.log(flow).open("a") as said:
            subprocess.run([sys.executable, "-P", "-c", program], env=environment, check=True, stdout=said, stderr=said,
                           cwd=self.home / "prefect-logs", timeout=PATIENCE_S)

    def settle(self) -> None:
        """Waits until the server has written all that it was told: it does so in batches."""
        wait_for(lambda before=[-1]: _still(self.database, before), every_s=3.0)

    def stop(self) -> None:
        self.children.stop(within_s=20.0)


def start(children: Children, environment: Mapping[str, str]) -> Child:
    """A server that answers."""
    child = children.start("prefect", ["-m", "flows.edges.prefect_server"], apart=True, environment=environment)
    wait_for(lambda: _answers(environment["PREFECT_API_URL"]), every_s=0.3)
    return child


def wait_for(condition: Callable[[], bool], *, every_s: float) -> None:
    """Raises TimeoutError when it does not come true."""
    deadline, tick = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("Prefect's server did not do in time what it was waited for")
        tick.wait(every_s)


def _answers(address: str) -> bool:
    import httpx
    try:
        return httpx.get(f"{address}/health", timeout=2.0).is_success
    except httpx.HTTPError:
        return False


def _still(database: Path, before: list[int]) -> bool:
    """Whether as many rows are there as at the last look."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        now = sum(opened.execute(f"select count(*) from {table}").fetchone()[0] for table in TIMES)
    known, before[0] = before[0], now
    return known == now


def measure(database: Path) -> Size:
    """The size of a database, also of one that a server has open: a copy of its pages is looked at."""
    copy = database.with_suffix(".copy")
    with closing(sqlite3.connect(database)) as opened, closing(sqlite3.connect(copy)) as looked_at:
        opened.backup(looked_at)
        file = copy.stat().st_size
        (page,), (pages,), (free,) = (looked_at.execute(f"pragma {name}").fetchone()
                                      for name in ("page_size", "page_count", "freelist_count"))
        rows = {table: looked_at.execute(f"select count(*) from {table}").fetchone()[0] for table in TIMES}
        by_table = dict(looked_at.execute(
            "select m.tbl_name, sum(s.pgsize) from dbstat s join sqlite_master m on m.name = s.name "
            "group by m.tbl_name").fetchall())
        looked_at.execute("vacuum")
    packed = copy.stat().st_size
    copy.unlink()
    return Size(file, page * (pages - free), packed, rows, {table: by_table.get(table, 0) for table in TIMES})


def age(database: Path, marks: Sequence[tuple[datetime, datetime]], now: datetime) -> None:
    """Moves every row back. `marks`: (real, of the season), in order; the last one becomes `now`. Order is kept."""
    real, played = zip(*marks, strict=True)

    def aged(text: str | None) -> str | None:
        if text is None:
            return None
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        place = min(max(bisect_right(real, at), 1), len(real) - 1)
        share = (at - real[place - 1]) / (real[place] - real[place - 1])
        return (now - (played[-1] - (played[place - 1] + share * (played[place] - played[place - 1])))).strftime(
            "%Y-%m-%d %H:%M:%S.%f")

    with closing(sqlite3.connect(database)) as opened:
        opened.create_function("aged", 1, aged, deterministic=True)
        for table, columns in TIMES.items():
            opened.execute(f"update {table} set " + ", ".join(f"{name} = aged({name})"
                                                              for name in (*columns, "created", "updated")))
        opened.commit()


def vacuumed(home: Path, database: Path, *, ours: bool) -> Size:
    """What a server makes of a copy of the database, with our settings or with Prefect's own about deleting."""
    home.mkdir()
    shutil.copy(database, home / "prefect.db")
    environment = prefect_settings(home, free_port())
    if not ours:
        environment = {name: value for name, value in environment.items() if not any(one in name for one in _OURS)}
    environment["PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS"] = "2"      # else an hour: when, not what
    logs = home / "logs"
    logs.mkdir()
    children = Children(logs)
    try:
        start(children, environment)
        wait_for(lambda: _is_clean(home / "prefect.db", environment), every_s=2.0)
        wait_for(lambda before=[-1]: _still(home / "prefect.db", before), every_s=8.0)
    finally:
        children.stop(within_s=20.0)
    return measure(home / "prefect.db")


def grown(prefect: Prefect, home: Path, marks: Sequence[tuple[datetime, datetime]], days: int,
          empty: Size) -> dict[str, Any]:
    """The season's share, that of the flows which Prefect runs on schedule, and what deleting leaves of it all."""
    prefect.settle()
    season = measure(prefect.database)
    scheduled, before = {}, season
    for call, (flow, _) in SCHEDULED.items():
        prefect.run(flow, call, RUNS_OF_EACH, home / "content", home / "archive")
        prefect.settle()
        after = measure(prefect.database)
        scheduled[call] = {part: (_share(after, part) - _share(before, part)) / RUNS_OF_EACH
                           for part in ("runs", "events")}
        before = after
    prefect.stop()
    ended = datetime.now(UTC)
    age(prefect.database, [*marks, (ended, marks[-1][1] + timedelta(minutes=10))], ended)
    kept = {"all 30 days kept": before} | {
        name: vacuumed(home / folder, prefect.database, ours=ours)
        for name, folder, ours in (("Prefect's defaults", "defaults", False), ("our settings", "ours", True))}
    return {"days": days, "season": season._asdict(), "empty": empty._asdict(), "scheduled": scheduled,
            "kept": {name: size._asdict() for name, size in kept.items()}}


def _share(size: Size, part: str) -> int:
    return sum(size.bytes[table] for table in TIMES if table.startswith("event") == (part == "events"))


def told(report: Mapping[str, Any]) -> Iterable[str]:
    """The same, for people."""
    season, empty, days = Size(**report["season"]), Size(**report["empty"]), report["days"]
    tasks = season.rows["task_run"] or 1
    yield (f"Prefect's database: {_mb(empty.file)} MB empty, {_mb(season.file)} MB after {days} days with {tasks} task "
           f"runs: {(season.used - empty.used) / tasks / 1024:.1f} kB a task run, "
           f"{(season.used - empty.used) / days / 2**20:.2f} MB a day")
    for table in sorted(TIMES, key=lambda table: -season.bytes[table]):
        if season.rows[table]:
            yield (f"  {table:<20} {season.rows[table]:7} rows  {_mb(season.bytes[table]):>7} MB  "
                   f"{season.bytes[table] / season.rows[table] / 1024:5.1f} kB each")
    for call, one in report["scheduled"].items():
        yield (f"  {call:<23} {one['runs'] / 1024:6.1f} kB a run, and {one['events'] / 1024:.1f} kB of events")
    runs, events = ((_share(season, part) - _share(empty, part)) / days
                    + sum(often * report["scheduled"][call][part] for call, (_, often) in SCHEDULED.items())
                    for part in ("runs", "events"))
    beat = _share(season, "events") / max(1, season.rows["events"])
    yield (f"  with what runs on schedule: {runs / 2**20:.1f} MB a day of runs, {events / 2**20:.1f} MB of events, and "
           f"{BEATS_A_DAY * beat / 2**20:.1f} MB of heartbeats")
    yield (f"  so after 30 days: {(30 * runs + 7 * (events + BEATS_A_DAY * beat)) / 2**20:.0f} MB and growing with "
           f"Prefect's defaults, {(14 * runs + 2 * events + BEATS_A_DAY / 12 * beat) / 2**20:.0f} MB and staying so "
           "with our settings (14 days of runs, 2 days of events, 2 hours of heartbeats)")
    yield "  deleted by a real server from a copy whose rows are as old as the season makes them:"
    for name, one in report["kept"].items():
        size = Size(**one)
        yield (f"    {name:<20} file {_mb(size.file):>6} MB, used {_mb(size.used):>6} MB, after VACUUM "
               f"{_mb(size.packed):>6} MB; {size.rows['flow_run']} flow runs, {size.rows['task_run']} task runs, "
               f"{size.rows['log']} logs, {size.rows['artifact']} artifacts, {size.rows['events']} events")


def _mb(size: float) -> str:
    return f"{size / 2**20:.1f}"


def _is_clean(database: Path, environment: Mapping[str, str]) -> bool:
    """Whether nothing is left that these settings want deleted; Prefect's own keep events for a week, and all runs."""
    days = int(environment.get("PREFECT_SERVER_EVENTS_RETENTION_PERIOD", "P7D").strip("PD"))
    asked = [("events", "occurred", 86_400 * days)]
    if "flow_runs" in environment.get("PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED", ""):
        asked.append(("flow_run", "end_time", int(environment["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"])))
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        left = [opened.execute(f"select count(*) from {table} where {column} < datetime('now', ?)",
                               (f"-{seconds + 60} seconds",)).fetchone() for table, column, seconds in asked]
    return all(one == (0,) for one in left)
