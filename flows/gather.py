"""What waits to be shown in Prefect: slot by slot while that keeps up, else counted together. Pure; time is told to it.

What went wrong always stands alone. What went well is gathered by channel and minute when many come at once.
People are told of the first that go wrong, and of the others together.
"""
import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Line = dict[str, Any]
WRONG = frozenset({"failed", "missed", "unknown", "held"})
MOST_PER_MINUTE = 60
"""Above so many good outcomes a minute they are gathered; each task run costs the server about 10 ms of CPU."""
MOST_KEPT = 20_000
"""Lines that wait: about 10 MB. What comes on top of them is only counted."""
MOST_GROUPS = 1_000
_MINUTE_S = 60.0
_SETTLED_S, _LONGEST_S = 2.0, 10.0

MOST_ALONE = 10
"""So many bad ends people are told of one by one, in ten minutes; what comes on top is told together."""
_TOGETHER_S = 600.0
_MOST_REASONS = 100

Key = tuple[str, str, str]


@dataclass
class Together:
    """Slots of one channel, state and minute of due time. `more`: how many are counted and not kept."""

    channel: str
    minute: str
    state: str
    lines: list[Line] = field(default_factory=list)
    more: int = 0
    began: float = 0.0
    touched: float = 0.0

    @property
    def count(self) -> int:
        return len(self.lines) + self.more

    @property
    def name(self) -> str:
        """`mastodon 12:30: 37 slots`; what is not published says what it is."""
        said = "" if self.state == "published" else f" {self.state}"
        when = self.minute[-5:] or "later"
        return f"{self.channel} {when}: {self.count} {'slot' if self.count == 1 else 'slots'}{said}"


class Backlog:
    """Lines that came and are not shown yet. It never grows beyond what is kept; the rest it counts."""

    def __init__(self, most_per_minute: int = MOST_PER_MINUTE, most_kept: int = MOST_KEPT) -> None:
        self._most, self._room = most_per_minute, most_kept
        self._wrong: deque[Line] = deque()
        self._good: deque[Line] = deque()
        self._came: deque[float] = deque(maxlen=most_per_minute + 1)
        self._groups: dict[Key, Together] = {}

    def __len__(self) -> int:
        return len(self._wrong) + len(self._good) + sum(group.count for group in self._groups.values())

    def add(self, line: Line, now: float, *, away: bool = False) -> None:
        """Keeps one line. `now`: seconds of a clock that only goes forward. `away`: nobody can be shown it now."""
        if line["state"] in WRONG:
            if self._room > 0:
                self._room -= 1
                self._wrong.append(line)
            else:
                self._gather(line, now)
            return
        self._came.append(now)
        many = len(self._came) > self._most and now - self._came[0] < _MINUTE_S
        if away or many or len(self._good) >= self._most:
            self._gather(line, now)
        else:
            self._room -= 1
            self._good.append(line)

    def take(self, now: float, *, at_once: bool = False) -> Line | Together | None:
        """What to show next, what went wrong first; None: nothing yet. `at_once`: no more will come."""
        if self._wrong or self._good:
            self._room += 1
            return (self._wrong or self._good).popleft()
        for key, group in self._groups.items():
            if at_once or now - group.touched >= _SETTLED_S or now - group.began >= _LONGEST_S:
                del self._groups[key]
                self._room += len(group.lines)
                return group.lines[0] if group.count == 1 and group.lines else group
        return None

    def _gather(self, line: Line, now: float) -> None:
        key = (line["channel"], _minute(line), line["state"])
        if key not in self._groups and len(self._groups) >= MOST_GROUPS:
            key = (line["channel"], "", line["state"])
        group = self._groups.setdefault(key, Together(*key, began=now))
        group.touched = now
        if self._room > 0:
            self._room -= 1
            group.lines.append(line)
        else:
            group.more += 1


def _minute(line: Line) -> str:
    """`2027-03-01 12:30` in the zone of the slot; nothing for one without a time."""
    if not line["at"]:
        return ""
    at = datetime.fromisoformat(line["at"]).astimezone(UTC)
    return f"{at.astimezone(ZoneInfo(line['zone'])):%Y-%m-%d %H:%M}"


class Ends:
    """How each slot stood last: all that went wrong, some of what went well, and how many there were."""

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._rows: dict[str, Line] = {}
        self._states: dict[int, bool] = {}

    def add(self, line: Line) -> None:
        slot, is_wrong = line["slot"], line["state"] in WRONG
        self._states[hash(slot)] = is_wrong
        self._rows.pop(slot, None)
        if is_wrong or len(self._rows) < self._most:
            self._rows[slot] = {name: line[name] for name in ("slot", "state", "reason", "url", "at", "sent_at")}

    @property
    def rows(self) -> list[Line]:
        return list(self._rows.values())

    @property
    def count(self) -> int:
        return len(self._states)

    @property
    def wrong(self) -> int:
        return sum(self._states.values())


@dataclass(frozen=True)
class Many:
    """Bad ends that nobody was told of one by one. `name`: another one when anything else went wrong meanwhile."""

    states: Mapping[str, int]
    reason: str
    name: str

    @property
    def count(self) -> int:
        return sum(self.states.values())

    @property
    def words(self) -> str:
        """`970 failed, 20 held. The most frequent reason: the token was refused`"""
        said = ", ".join(f"{number} {state}" for state, number in self.states.items())
        return f"{said}. The most frequent reason: {self.reason}" if self.reason else f"{said}."


class Bell:
    """Whether people hear of a bad end by itself. A thousand at once are a few messages, not a thousand."""

    def __init__(self, most_alone: int = MOST_ALONE) -> None:
        self._alone: deque[float] = deque(maxlen=most_alone)
        self._states, self._reasons = Counter[str](), Counter[str]()
        self._seen = 0
        self._began = self._touched = 0.0
        self._told_at = float("-inf")

    @property
    def is_waiting(self) -> bool:
        return bool(self._states)

    def rings(self, slot: str, state: str, reason: str, now: float) -> bool:
        """Whether this one is told by itself; else it is counted for `many`."""
        self._seen ^= int.from_bytes(hashlib.sha256(f"{slot} {state}".encode()).digest()[:8])
        if len(self._alone) < (self._alone.maxlen or 0) or now - self._alone[0] >= _TOGETHER_S:
            self._alone.append(now)
            return True
        self._began = self._began if self._states else now
        self._touched = now
        self._states[state] += 1
        if reason in self._reasons or len(self._reasons) < _MOST_REASONS:
            self._reasons[reason] += 1
        return False

    def many(self, now: float, *, at_once: bool = False) -> Many | None:
        """What was counted, once no more of it comes, and not again for ten minutes; None: nothing to tell yet."""
        is_settled = now - self._touched >= _SETTLED_S or now - self._began >= _LONGEST_S
        if not self._states or not (at_once or (is_settled and now - self._told_at >= _TOGETHER_S)):
            return None
        (reason, _), = self._reasons.most_common(1)
        told = Many(dict(self._states.most_common()), reason, f"{self._seen:016x}")
        self._states, self._reasons, self._told_at = Counter(), Counter(), now
        return told
