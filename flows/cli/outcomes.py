"""What became of slots, as a table, as next steps and as an exit code: the same for every command."""
from collections.abc import Iterable

from flows.cli.telling import many, table
from flows.planning.reporting import NEEDS_A_PERSON, NOT_PUBLISHED, when
from schemas.ledger import State
from schemas.report import Row

_URGENT = (State.held, State.unknown, State.failed, State.missed)


def outcome_table(rows: list[Row]) -> list[str]:
    """What went out where and when, and what did not and why."""
    if not rows:
        return []
    return table(("slot", "state", "due", "where, or why not"),
                 [(r.slot, r.state.value, when(r.at, r.zone) if r.at else "-", _where(r)) for r in rows])


def _where(row: Row) -> str:
    if row.reason is None or (row.state is State.published and row.url is not None):
        return row.url or ""
    return f"{row.reason.rstrip('.')}; live already: {row.url}" if row.url else row.reason


def next_lines(rows: Iterable[Row]) -> list[str]:
    """What to do next, what waits for a person first; what is the same for many slots of a state is said once."""
    groups: dict[tuple[State, str], list[Row]] = {}
    for row in rows:
        if row.next is not None:
            groups.setdefault((row.state, row.next.replace(row.slot, "SLOT")), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: _rank(group[0][0]))
    return [f"next for {alike[0].slot}: {alike[0].next}" if len(alike) == 1 else
            f"next for {many(len(alike), f'{state.value} slot')}: {advice}" for (state, advice), alike in ordered]


def _rank(state: State) -> int:
    return _URGENT.index(state) if state in _URGENT else len(_URGENT)


def exit_code(rows: list[Row], *, unable: bool = False) -> int:
    """5 when a person is needed or an outcome is open, 4 when something was not published and needs a hand for it,
    3 when settings or the archive keep it, else 0.
    """
    states = {row.state for row in rows}
    if states & NEEDS_A_PERSON:
        return 5
    if states & NOT_PUBLISHED or any(row.state is State.waiting and row.next for row in rows):
        return 4
    return 3 if unable else 0
