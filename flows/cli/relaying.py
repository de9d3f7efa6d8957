"""What a running publisher tells, line by line, as the terminal of `up` shows it."""
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flows.planning.reporting import when
from schemas.report import Note


class Relay:
    """Says one line for each outcome and each note. `unable`: slots kept back by a setting or the archive.

    Every shift begins by telling which plan is in force and what is held: what was told before is not told again.
    `by_month`: a line ahead of each month, for a clock that runs fast.
    """

    def __init__(self, say: Callable[[str], None], *, by_month: bool) -> None:
        self._say, self._by_month, self._month = say, by_month, ""
        self._plans: dict[str, str] = {}                          # accepted, rejected: which commit last
        self._holds: set[tuple[str, str]] = set()
        self._advice = ""
        self.unable: set[str] = set()

    def hear(self, line: dict[str, Any]) -> None:
        """One line of `publish --lines`."""
        if "note" not in line:
            self._tell(line)
            return
        note = Note(line["note"], line["text"], line["remedy"], line["about"])
        if self.learn(note):
            self._say(f"{note.text.rstrip('.')}. {note.remedy}" if note.remedy else note.text)

    def learn(self, note: Note) -> bool:
        """Whether this is news; from now on it is none."""
        if note.kind in ("held", "resumed"):
            is_news = (note.kind, note.about) not in self._holds
            self._holds.add((note.kind, note.about))
            return is_news
        before = self._plans.get(note.kind)
        if note.kind == "accepted" and before not in (None, note.about):      # then whatever is rejected is news again
            self._plans.clear()
        self._plans[note.kind] = note.about
        return before != note.about

    def _tell(self, line: dict[str, Any]) -> None:
        (self.unable.add if line["unable"] else self.unable.discard)(line["slot"])
        at = datetime.fromisoformat(line["at"]) if line["at"] else None
        if at is not None and self._by_month and (month := f"{at:%B %Y}") != self._month:
            self._month = month
            self._say(f"── {month}")
        due = when(at, line["zone"]) if at else "no time"
        went = line["state"] == "published"                       # of a thread half out the reason is what counts
        words = (line["url"] or line["reason"]) if went else (line["reason"] or line["url"])
        self._say(f"  {due}  {line['state']:<9} {line['slot']}  {words or ''}")
        self._advise(line)

    def _advise(self, line: dict[str, Any]) -> None:
        """What to do about it, where that is not what the line before said already."""
        alike = (line["next"] or "").replace(line["slot"], "SLOT")
        if alike and alike != self._advice:
            self._say(f"    next: {line['next']}")
        self._advice = alike
