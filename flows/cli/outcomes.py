"""What became of slots, as a table and as an exit code: the same for every command."""
from flows.cli.telling import table
from flows.planning.reporting import NEEDS_A_PERSON, NOT_PUBLISHED, when
from schemas.report import Row


def outcome_table(rows: list[Row]) -> list[str]:
    """What went out where and when, and what did not and why."""
    if not rows:
        return []
    return table(("slot", "state", "due", "where, or why not"),
                 [(r.slot, r.state.value, when(r.at, r.zone) if r.at else "-", r.url or r.reason or "") for r in rows])


def exit_code(rows: list[Row], *, unable: bool = False) -> int:
    """5 when a person is needed, 4 when something was not published, 3 when settings or the archive keep it, else 0."""
    states = {row.state for row in rows}
    if states & NEEDS_A_PERSON:
        return 5
    if states & NOT_PUBLISHED:
        return 4
    return 3 if unable else 0
