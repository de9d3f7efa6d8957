"""Plays a season: real publishers, shift after shift or one for all of it, while people write, hold and break."""
import json
import os
import queue
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from gauges import Day, Sample, least, look, most
from places import ask
from ports import free_port
from season import BROKEN, EDITED_AHEAD, FRAME, Note, Pause, Season

from flows.edges.children import Child, Children
from flows.edges.clock import PretendClock
from flows.edges.holds import Holds
from flows.edges.store import open_store
from schemas.hold import Hold, Moved
from schemas.ledger import Slot

LOOK_EVERY_S = 0.04
NIGHT = timedelta(hours=1, minutes=30)
DRAIN = timedelta(days=1)
"""So long after the last day a publisher goes on: what was held or put off gets its turn."""
STOP_S = 20.0
Line = dict[str, Any]


class Deed(NamedTuple):
    """Something that happens at a time of the season."""

    at: datetime
    what: Callable[[], None]


class Player:
    """One season in a folder of its own. `hear` gets each line that a publisher tells, and when its shift ends None.

    `shift_hours` 0: one publisher lives through it all. `leak`: what it is to leak, by `leaks`.
    """

    def __init__(self, season: Season, home: Path, *, shift_hours: float, day_s: float, leak: str = "",
                 hear: Callable[[Line | None], None] = lambda _: None,
                 tell: Callable[[Day], None] = lambda _: None) -> None:
        self.season, self.home, self.leak, self.hear, self.tell = season, home, leak, hear, tell
        self.notes = season.notes()
        self.content, self.archive = home / "content", home / "archive"
        self.shift_hours = shift_hours
        self.clock = PretendClock.begin(home / ".drumbeat/rehearsal/clock.json", season.begins, 86_400 / day_s)
        self.left_out: set[str] = set()                           # slots that a resume left out
        self.struck: Counter[str] = Counter()                     # faults that met a call
        self.commits = self.starts = 0
        self.days: list[Day] = []
        self.marks: list[tuple[datetime, datetime]] = []          # real, and of the season: the end of each day
        self._script: list[Any] = []
        self._out: set[str] = set()
        self._of_day: list[Sample] = []
        self._of_night: list[Sample] = []
        self._day_began = 0.0
        self._deeds = self._planned()
        self.url = ""

    def play(self) -> None:
        """Plays it to its end. Raises RuntimeError when a publisher ends badly."""
        self._git("init", "--quiet", "--initial-branch=main")
        self._write(FRAME)
        self._commit(range(self.season.ahead))
        logs = self.home / "logs"
        logs.mkdir()
        children = Children(logs)
        with self._networks(children) as self.url:
            self._day_began = time.monotonic()
            self.marks.append((datetime.now(UTC), self.season.begins))
            begins, ends = self.season.begins, self.season.ends + DRAIN
            hours = timedelta(hours=self.shift_hours) or ends - begins
            while begins < ends:
                begins = min(begins + hours, ends)
                self._shift(children, begins)
            self._count_faults()

    def posts(self) -> list[dict[str, Any]]:
        """What the networks held in the end."""
        return self._posts

    # --- processes ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _networks(self, children: Children) -> Iterator[str]:
        words = ["-m", "flows.cli", "rehearsal", "--port", str(free_port()), "--with-parent", "--json",
                 "--clock-file", str(self.clock.file), "--content", str(self.content)]
        child = children.start("rehearsal", words, listen=True)
        assert child.stdout is not None
        text = ""
        for line in child.stdout:
            text += line
            if line == "}\n":
                break
        try:
            url = str(json.loads(text)["url"])
            yield url
            self._posts: list[dict[str, Any]] = json.loads(ask(f"{url}/_rehearsal/posts"))
        finally:
            children.stop(within_s=STOP_S)

    def _shift(self, children: Children, until: datetime) -> None:
        """One publisher, from its start until it has ended at `until`."""
        program = [str(Path(__file__).with_name("leaks.py")), self.leak] if self.leak else ["-m", "flows.cli"]
        words = [*program, "publish", "--lines", "--content", str(self.content), "--archive", f"dir:{self.archive}",
                 "--until", until.isoformat(), "--rehearse-at", self.url, "--clock-file", str(self.clock.file)]
        self._do_what_is_due(self.clock.now())
        sender = children.start("sender", words, listen=True)
        self.starts += 1
        said: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(sender, said), daemon=True).start()
        while True:
            try:
                line = said.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                self._look_on(sender.pid)
                continue
            if line is None:
                break
            self._hear(line)
            self._look_on(sender.pid)
        if (code := sender.wait()) not in (0, 4, 5):
            raise RuntimeError(f"the publisher ended with {code}: {children.last_words('sender')}")
        self._close_days(self.clock.now())
        self.hear(None)

    def _hear(self, line: Line) -> None:
        if "note" in line:                                        # of a plan, or of who stopped something
            return
        if line["state"] == "published":
            self._out.add(line["slot"])
        self.hear(line)

    def _look_on(self, pid: int) -> None:
        now = self.clock.now()
        self._close_days(now)
        self._do_what_is_due(now)
        if (sample := look(pid)) is not None:
            self._of_day.append(sample)
            if now >= self._today() + timedelta(days=1) - NIGHT:
                self._of_night.append(sample)

    def _today(self) -> datetime:
        return self.season.begins + timedelta(days=len(self.days))

    def _close_days(self, now: datetime) -> None:
        """Notes how the day stood that is over. A night that nobody looked at is that of the last look."""
        while len(self.days) < self.season.days and now >= self._today() + timedelta(days=1) and self._of_day:
            night = least(self._of_night or self._of_day[-1:])
            objects = sum(len(files) for _, _, files in os.walk(self.archive))
            ended = time.monotonic()
            self.marks.append((datetime.now(UTC), self._today() + timedelta(days=1)))
            self.days.append(Day(len(self.days) + 1, len(self._out), ended - self._day_began, objects, night,
                                 most(self._of_day)))
            self._of_day, self._of_night, self._day_began = self._of_day[-1:], [], ended
            self.tell(self.days[-1])

    # --- what people and networks do ----------------------------------------------------------------------------------

    def _planned(self) -> list[Deed]:
        """All that will happen, the next one last."""
        deeds, begins = [], self.season.begins
        for day in range(self.season.days):
            midnight = begins + timedelta(days=day)
            deeds.append(Deed(midnight, lambda day=day: self._set_faults(day)))  # type: ignore[misc]
            if day:
                deeds.append(Deed(midnight, lambda day=day: self._work(day)))  # type: ignore[misc]
            if self.season.is_broken(day):
                deeds.append(Deed(midnight + timedelta(hours=12), self._break))
        deeds.append(Deed(self.season.ends, lambda: self._set_faults(None)))
        for pause in self.season.pauses():
            deeds.append(Deed(pause.begins, lambda pause=pause: self._hold(pause)))  # type: ignore[misc]
            deeds.append(Deed(pause.ends, lambda pause=pause: self._resume(pause)))  # type: ignore[misc]
        return sorted(deeds, key=lambda deed: deed.at, reverse=True)

    def _do_what_is_due(self, now: datetime) -> None:
        while self._deeds and self._deeds[-1].at <= now:
            self._deeds.pop().what()

    def _work(self, day: int) -> None:
        """The commit of a morning: what is to go out in some days, and what was thought of again meanwhile."""
        self._commit([day + self.season.ahead - 1], thought_of=day + EDITED_AHEAD)

    def _commit(self, written: Any, thought_of: int | None = None) -> None:
        self._write(FRAME)
        for note in self.notes:
            if note.day in written:
                self._write(note.files(last=False))
            elif note.day == thought_of and note.edited:
                self._write(note.files(last=True))
            elif note.day == thought_of and note.removed:
                (self.content / note.path).unlink()
        self._store("Work of a day")

    def _break(self) -> None:
        self._write(BROKEN)
        self._store("A slip")

    def _store(self, why: str) -> None:
        self._git("add", "--all", "content")
        self._git("commit", "--quiet", "--allow-empty", "--message", why)
        self.commits += 1

    def _write(self, files: Any) -> None:
        for path, text in files.items():
            file = self.content / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)

    def _git(self, *words: str) -> None:
        who = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c", "commit.gpgsign=false",
               "-c", "gc.auto=0")
        subprocess.run(["git", *who, *words], cwd=self.home, check=True, capture_output=True)

    def _set_faults(self, day: int | None) -> None:
        self._count_faults()
        self._script = self.season.faults(day) if day is not None else []
        ask(f"{self.url}/_rehearsal/faults", "PUT", self._script)

    def _count_faults(self) -> None:
        """Which lines of the script have met a call."""
        left = json.loads(ask(f"{self.url}/_rehearsal/faults"))
        untouched = [{**line, "times": line.get("times", 1)} for line in left]
        for line in self._script:
            said = {name: value for name, value in line.items() if not (name == "after" and not value)}
            if {**said, "times": said.get("times", 1)} not in untouched:
                self.struck[line["fault"]] += 1

    def _hold(self, pause: Pause) -> None:
        scope: Any = "channel" if pause.channel else "all"
        self._holds().add(Hold(number=0, kind="hold", scope=scope, name=pause.channel, by="Ilse", reason="an injury",
                               at=self.clock.now()))

    def _resume(self, pause: Pause) -> None:
        """Says of each slot that came due meanwhile what becomes of it, as `drumbeat resume` does."""
        scope: Any = "channel" if pause.channel else "all"
        began = max(one.at for one in self._holds().active() if (one.scope, one.name) == (scope, pause.channel))
        now, slots = self.clock.now(), dict[str, Moved]()
        for note, slot in self._due(began, now, pause.channel):
            match pause.late:
                case "send":
                    slots[slot] = Moved(was=note.at, at=now)
                case "skip":
                    slots[slot] = Moved(was=note.at, at=None)
                    self.left_out.add(slot)
                case _:
                    slots[slot] = Moved(was=note.at, at=now + timedelta(hours=1, minutes=10 * len(slots)))
        self._holds().add(Hold(number=0, kind="resume", scope=scope, name=pause.channel, by="Ilse", reason="", at=now,
                               late=pause.late if slots else None, slots=slots))  # type: ignore[arg-type]

    def _due(self, since: datetime, until: datetime, channel: str | None) -> list[tuple[Note, str]]:
        return [(note, slot) for note in self.notes if since <= note.at <= until and not note.removed
                for slot, its in note.slots.items() if channel in (None, its) and slot not in self._out]

    def _holds(self) -> Holds:
        return Holds(open_store(f"dir:{self.archive}"))


def records(archive: Path) -> dict[str, list[bytes]]:
    """The raw records of every slot, in order of their keys."""
    found: dict[str, list[bytes]] = {}
    for path in sorted((archive / "v1/ledger").rglob("*.json")):
        found.setdefault(str(Slot.from_folder(path.parent.relative_to(archive / "v1/ledger").as_posix())), []).append(
            path.read_bytes())
    return found


def _read(sender: Child, said: "queue.SimpleQueue[Line | None]") -> None:
    assert sender.stdout is not None
    for line in sender.stdout:
        said.put(json.loads(line))
    said.put(None)
