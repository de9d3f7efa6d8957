"""Tests of connections, of the archive and of rehearsed campaigns: what came out, kept so that a gate can ask later."""
import json
import logging
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from flows.edges._index import lines
from flows.edges.cache import make
from flows.edges.store import Store
from flows.planning.masking import masked
from schemas.ledger import Slot, State
from schemas.world import Trial

log = logging.getLogger(__name__)
ARCHIVE = "archive"
"""The name under which tests of the archive are kept."""
_FOLDER = ".drumbeat/trials"


def record(home: Path, name: str, trial: Trial) -> None:
    """The last test of `name` is `trial`, replaced whole. Coped with if it cannot be kept: then nobody knows of it."""
    folder = home / _FOLDER
    file = folder / f"{quote(name, safe='')}.json"
    draft = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    said = {"name": name, "at": trial.at.astimezone(UTC).isoformat(),
            "why": masked(trial.why) if trial.why is not None else None}
    try:
        make(folder)
        draft.write_text(json.dumps(said, ensure_ascii=False) + "\n", encoding="utf-8", errors="replace")
        draft.chmod(0o644)
        draft.replace(file)
    except OSError as error:
        log.warning("test not kept name=%s why=%s", name, error.strerror)
        with suppress(OSError):
            draft.unlink()


def recorded(home: Path) -> dict[str, Trial]:
    """The last test of everything that was tested. What cannot be read was never tested."""
    found: dict[str, Trial] = {}
    with suppress(OSError):
        for file in sorted((home / _FOLDER).glob("*.json")):
            try:
                said = json.loads(file.read_bytes())
                at, why = datetime.fromisoformat(said["at"]), said["why"]
                if at.tzinfo is None or not isinstance(why, str | None):
                    raise ValueError("no time, or no reason")
                found[str(said["name"])] = Trial(at.astimezone(UTC), why)
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("a kept test cannot be read file=%s why=%s", file, error)
    return found


class Kept(NamedTuple):
    """Both for one home."""

    home: Path

    def record(self, name: str, trial: Trial) -> None:
        record(self.home, name, trial)

    def recorded(self) -> dict[str, Trial]:
        return recorded(self.home)


class _Line(NamedTuple):
    due: date
    key: str


def dry_runs(store: Store, slots: Mapping[str, Collection[Slot]]) -> dict[str, datetime]:
    """When all slots of a campaign had gone out in a rehearsal, by campaign; those are left out of which one has not.

    `store` is the rehearsal's archive. By its own clock, UTC: a rehearsal's pretend clock says when the posts are
    planned for, not when somebody watched. One listing, and the ages of what was due on a campaign's last day. Raises
    StoreError.
    """
    wanted = {slot for of_campaign in slots.values() for slot in of_campaign}
    out = {done.slot: _Line(done.due, key) for key, done in lines(store)
           if done.state is State.published and done.slot in wanted}
    found: dict[str, datetime] = {}
    for campaign, of_campaign in slots.items():
        if not of_campaign or not all(slot in out for slot in of_campaign):
            continue
        last_day = max(out[slot].due for slot in of_campaign)
        ages = [store.age(out[slot].key) for slot in of_campaign if out[slot].due == last_day]
        newest = min((age for age in ages if age is not None), default=None)
        if newest is not None:
            found[campaign] = store.now() - timedelta(seconds=newest)
    return found
