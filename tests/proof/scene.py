"""What every scenario has in common: all is brought up, due within one minute, waited for, and judged."""
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bare import AGAIN
from crowd import (
    ACCOUNTS,
    EACH,
    SPREAD_S,
    Crowd,
    Judged,
    crowd,
    judged,
    ledgers_of,
    now,
    published,
    share_of,
    spread,
)
from fleet import Fleet
from machine import Worker

from flows.edges.holds import Holds
from flows.edges.store import open_store
from schemas.hold import Hold, Moved

Report = dict[str, Any]
LEAD_S = float(os.environ.get("DRUMBEAT_SCALE_LEAD_S", "75"))
"""Between workers that poll and the minute in which all is due: shifts start in processes of their own."""
LONGEST_S = 900.0
IDLE_CORES = 0.3
"""Up to so much of what processes of others took, bars of lateness say something about what is tested."""


class Run:
    """One scenario: everything up, all due within `crowd.minute`, and the judgement."""

    def __init__(self, fleet: Fleet, workers: int, *, apart: bool = False, spread_s: float = SPREAD_S) -> None:
        self.fleet, self.number, self.apart, self.spread_s = fleet, workers, apart, spread_s
        self.loads: list[float] = []
        self.crowd: Crowd
        self.report: Report = {"workers": workers}
        self._sampling = threading.Event()
        self._cpu: dict[str, float] = {}
        self._machine = (0.0, 0.0)                                # seconds by the clock, and of all CPUs, at the minute
        self._asked = Counter[str]()

    def begin(self) -> list[Worker]:
        """Every shift has the plan, and the minute is still to come."""
        fleet, began = self.fleet, time.monotonic()
        fleet.start()
        for number in range(1, self.number + 1):
            fleet.start_worker(f"worker{number}", apart=self.apart)
        fleet.wait_for_workers(self.number)
        self.say(f"{self.number} workers poll after {time.monotonic() - began:.0f} s")
        minute = (now() + timedelta(seconds=LEAD_S + 59.999)).replace(second=0, microsecond=0)
        self.crowd = crowd(minute, spread_s=self.spread_s)
        fleet.push(self.crowd.files())
        self._move(self.crowd.moves())
        fleet.drumbeat("serve", "--apply", shards=self.number)
        workers = fleet.wait_for_shifts(self.number, time.monotonic() + (minute - now()).total_seconds() - 3.0)
        self.say(f"{self.number} shifts are ready {(minute - now()).total_seconds():.0f} s ahead: "
                  + ", ".join(f"{worker.name} has {' '.join(worker.senders().values())}" for worker in workers))
        self.report["ready_ahead_s"] = round((minute - now()).total_seconds())
        self.report["load_before"] = round(os.getloadavg()[0], 1)
        threading.Thread(target=self._sample, daemon=True).start()
        self.until(0.0)
        self._cpu, self._machine, self._asked = fleet.cpu_s(), (time.monotonic(), busy_s()), fleet.shelf.requests()
        return workers

    def _move(self, slots: Mapping[str, Mapping[str, str]]) -> None:
        """A record as a resume leaves it; it ends no hold."""
        os.environ.update(self.fleet.shelf.environment)
        store = open_store(self.fleet.shelf.address)
        Holds(store).add(Hold(number=0, kind="resume", scope="channel", name="none-of-ours", by="Wren", at=now(),
                              reason="", slots={slot: Moved.model_validate(moved) for slot, moved in slots.items()}))

    def until(self, seconds: float) -> None:
        """It is so many seconds after the minute began."""
        moment, pause = self.crowd.minute + timedelta(seconds=seconds), threading.Event()
        while (rest := (moment - now()).total_seconds()) > 0:
            pause.wait(rest)

    def until_one_is_under_way(self, shares: Sequence[int]) -> None:
        """Some publisher of these shares has just written that it begins a call."""
        coming = {piece: at for piece, at in self.crowd.due.items()
                  if at > now() and share_of(piece.channel, self.number) in shares}
        second = f"{min(coming, key=lambda piece: coming[piece]).folder}/000002.json"
        pause, last = threading.Event(), max(coming.values())
        while not self.fleet.shelf.keys(second) and now() < last:
            pause.wait(0.002)

    def finish(self, number: int = ACCOUNTS * EACH) -> list[dict[str, Any]]:
        """Waits until the networks hold so many posts and every ledger of them has its end; what they hold."""
        asked = Counter[str]()

        def over() -> bool:
            if len(self.fleet.posts()) < number:
                return False
            asked.update(self.fleet.shelf.requests() - self._asked if not asked else {})
            return published(self.fleet.shelf) >= number
        try:
            self.fleet.wait(over, f"not {number} posts", every_s=2.0, deadline=time.monotonic() + LONGEST_S)
        except TimeoutError as error:                             # the judge says what is missing
            self.say(str(error)[-3_000:])
        self._sampling.set()
        taken, (began, busy) = self.fleet.cpu_s(), self._machine
        spent = {kind: round(taken[kind] - self._cpu.get(kind, 0.0), 1) for kind in sorted(taken)}
        ours = {kind: seconds for kind, seconds in spent.items() if seconds >= 0}                     # not of another
        cores = (busy_s() - busy - sum(ours.values())) / (time.monotonic() - began)
        self.report |= {"cpu_s": ours, "cores_of_others": round(cores, 2), "idle": cores <= IDLE_CORES}
        if asked:
            self.report["requests_a_post"] = {kind: round(many / number, 2) for kind, many in sorted(asked.items())}
        self.report["load"] = round(sum(self.loads) / max(1, len(self.loads)), 1)
        return self.fleet.posts()

    def judge(self, posts: Sequence[dict[str, Any]], **more: Any) -> Judged:
        """What became of all, in the report too."""
        found = judged(ledgers_of(self.fleet.shelf), posts, self.crowd, **more)
        self.report |= found.told()
        return found

    def bare(self) -> None:
        """The same posts once more, through the adapters alone: the measure of what this machine can do now."""
        payloads = self._payloads()
        start, first = now() + timedelta(seconds=8), min(self.crowd.due.values())
        due = {piece.name: (at - first).total_seconds() for piece, at in self.crowd.due.items()}
        script = Path(__file__).with_name("bare.py")
        done = subprocess.run(
            [sys.executable, "-P", str(script), self.fleet.networks_url, str(payloads), start.isoformat()],
            input=json.dumps(due), text=True, capture_output=True, check=True)
        told = json.loads(done.stdout)
        came = {post["text"].split(AGAIN)[0].rpartition(" ")[2]: datetime.fromisoformat(post["created_at"])
                for post in self.fleet.posts() if AGAIN in post["text"]}
        wanted = {piece.token: start + timedelta(seconds=due[piece.name]) for piece in self.crowd.pieces}
        self.report |= {
            "bare": spread((at - wanted[token]).total_seconds() for token, at in came.items()),
            "bare_throughput": throughput([{"created_at": at.isoformat()} for at in came.values()], wanted.values()),
            "bare_failed": told["failed"]}

    def _payloads(self) -> Path:
        """A folder with what went out, as an archive in a folder has it."""
        folder, shelf = self.fleet.home / "bare", self.fleet.shelf
        for key, raw in shelf.read(shelf.keys("v1/payload/")).items():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(raw)
        return folder / "v1/payload"

    def prefect(self) -> Report:
        """What its server shows: shifts by state, and how many task runs."""
        shifts = self.fleet.ask("/flow_runs/filter", {"flows": {"name": {"any_": ["publish"]}}, "limit": 200})
        states = Counter(f"{one['parameters'].get('shard', '1/1')} {one['state_name']}" for one in shifts
                         if one["state_type"] != "SCHEDULED")
        return {"shifts": dict(states), "task_runs": self.fleet.ask("/task_runs/count", {}),
                "wrong": self.fleet.ask("/task_runs/count", {"task_runs": {"state": {"type": {"any_": ["FAILED"]}}}})}

    def settled(self) -> Report:
        """The same, once it has been the same for ten seconds, or has not been so for long."""
        seen: list[Report] = []

        def same() -> bool:
            seen.append(self.prefect())
            return len(seen) > 5 and all(one == seen[-1] for one in seen[-6:])

        try:
            self.fleet.wait(same, "what Prefect shows goes on changing", every_s=2.0)
        except TimeoutError as error:                             # posts are judged all the same
            self.say(str(error).partition("\n")[0])
        return seen[-1]

    def _sample(self) -> None:
        while not self._sampling.wait(2.0):
            self.loads.append(os.getloadavg()[0])

    def say(self, line: str) -> None:
        """A line of progress."""
        sys.stderr.write(f"{now():%H:%M:%S} load {os.getloadavg()[0]:.1f}  {line}\n")
        sys.stderr.flush()


def busy_s() -> float:
    """Seconds that all CPUs of this machine worked since it started, for whomever."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def throughput(posts: Sequence[dict[str, Any]], due: Iterable[datetime]) -> float:
    """Posts a second, from when the first was due until the last came."""
    last = max(datetime.fromisoformat(post["created_at"]) for post in posts)
    return round(len(posts) / (last - min(due)).total_seconds(), 2)
