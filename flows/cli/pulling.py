"""sync: the newest commit is fetched, judged, and its plan accepted or rejected; nothing is sent."""
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import click

from flows.arrange import Agenda
from flows.check import check_commit
from flows.cli.options import archive_of, person, settings_of, shared, time_of
from flows.cli.telling import keep_a_log, many, say, tell, tell_json, tell_problem
from flows.edges.ledger import Ledger, worker_id
from flows.edges.plans import allow_rewrite, good, last_good
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import Store, open_store
from flows.know import Knower
from flows.observe import is_rehearsal, planned, sent_of, standings_of, stopped
from flows.planning.noting import reason_of
from flows.planning.preparing import Prepared
from flows.planning.reporting import row
from flows.pull import keep_rejected, repository_of, source_of
from flows.replan import Planner
from schemas.errors import ContentError, SettingsError, UsageError
from schemas.ledger import State
from schemas.problem import Severity, in_order
from schemas.report import Row, rfc3339

AHEAD = timedelta(days=7)
_LOOK_AT = "The log says why: look at 'remote' and 'branch' in drumbeat.toml, the network and DRUMBEAT_GIT_TOKEN."


@click.command("sync", short_help="Fetch, judge, accept or reject what was pushed.")
@click.option("--accept-rewrite", metavar="COMMIT", help="Take this commit although history was rewritten before it.")
@click.option("--by", metavar="NAME", help="Who takes it. Kept in the archive.")
@click.option("--reason", metavar="TEXT", default="", help="Why. Kept in the archive.")
@shared(archive=True)
def sync_command(
    accept_rewrite: str | None,
    by: str | None,
    reason: str,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Fetches the branch that is published (`remote`, `branch` in drumbeat.toml), and accepts its plan or says why not.

    A running publisher does the same by itself, every minute and with every push that it hears of. A plan that is
    rejected changes nothing: the last good one stays in force. Exit codes: 1 rejected, 3 a setting cannot be used.

    \b
    Example: drumbeat sync
    """
    keep_a_log()
    settings = settings_of(content)
    where = archive_of(settings, archive)
    at = time_of(settings, now, rehearsal=where.rehearsal)
    repository, store = repository_of(settings), open_store(where.url)
    rehearsal = where.rehearsal or is_rehearsal(store)
    if now is not None and not rehearsal:
        raise UsageError("--now is pretend time, and this archive is real.", "Leave it out.")
    if accept_rewrite is not None:
        _allow(accept_rewrite, by, reason, repository, store, settings, at)
    made = synced(settings, repository, store, at, rehearsal=rehearsal)
    if as_json:
        tell_json({**made.as_dict(), **outlook(settings, store, at, rehearsal=rehearsal)})
        return {"rejected": 1, "unreachable": 3}.get(made.state, 0)
    if made.state == "unreachable":
        raise SettingsError(made.why or "", made.remedy or "")
    for problem in made.problems:
        if problem["severity"] != "advice":
            tell_problem(problem)
    if made.state == "rejected":
        say(f"Rejected: commit {made.commit[:10]}: {made.why}")
        say(f"  remedy: {made.remedy}")
        stays = f"The plan of commit {made.in_force[:10]} stays in force." if made.in_force else "No plan is in force."
        say(stays)
        return 1
    numbers = made.counts
    tell(f"{'In force already' if made.state == 'unchanged' else 'Accepted'}: commit {made.commit[:10]}, "
         f"{many(numbers['posts'], 'post')}, {many(numbers['errors'], 'error')}, "
         f"{many(numbers['warnings'], 'warning')}.")
    return 0


class Synced(NamedTuple):
    """What became of the newest commit. `in_force`: whose plan is; None: none was ever accepted.

    `state`: accepted, unchanged, rejected, or unreachable: the remote did not answer, and `commit` is "".
    """

    state: str
    commit: str
    in_force: str | None
    why: str | None
    remedy: str | None
    problems: tuple[dict[str, Any], ...]
    counts: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The object of `sync --json`."""
        return {**self._asdict(), "problems": list(self.problems)}


def synced(settings: Settings, repository: Repository, store: Store, now: datetime, *, rehearsal: bool) -> Synced:
    """Brings the plan of the newest commit into force, if it may be. Raises SettingsError, StoreError."""
    before = good(store)
    source = source_of(settings, repository, store, lambda: now)
    if not source.fetch():
        force = before.commit if before is not None else None
        stays = f"The plan of commit {force[:10]} stays in force." if force is not None else "No plan is in force yet."
        return Synced("unreachable", "", force, f"The remote cannot be fetched, so nobody knows what is new. {stays}",
                      _LOOK_AT, *_told(None))
    known = Knower(repository, home=settings.home, rehearsal=rehearsal)
    planner = Planner(repository, settings.home / ".drumbeat/cache", store.address,
                      lambda content, commit, whole: known.at(content, commit, whole=whole))
    ended = Ledger(store, worker=worker_id("sync"), now=lambda: datetime.now(UTC)).terminal_slots()
    sent = dict.fromkeys((done.slot for done in ended if done.state is State.published), None)
    commit = ""
    try:
        commit = source.commit()
        Agenda(planner, store).take(commit, now=now, sent=sent)
    except ContentError as error:
        if commit:
            keep_rejected(store, commit, error, now)
        if not commit and settings.remote is None:
            raise
        last, tip = good(store), commit or source.tip or ""
        problems = _problems(settings, repository, tip, now, rehearsal=rehearsal) if commit else None
        return Synced("rejected", tip, last.commit if last else None, reason_of(error.what, tip), error.remedy,
                      *_told(problems))
    state = "unchanged" if before is not None and before.commit == commit else "accepted"
    told = _told(_problems(settings, repository, commit, now, rehearsal=rehearsal))
    return Synced(state, commit, commit, None, None, *told)


def outlook(settings: Settings, store: Store, now: datetime, *, rehearsal: bool) -> dict[str, Any]:
    """The seven days to come and the gates, by the plan in force: nothing where no plan ever was. Raises StoreError."""
    standings = standings_of(store)
    try:
        done = planned(settings, store, now, last_good(store), sent_of(standings), rehearsal=rehearsal,
                       said=stopped(store))
    except ContentError:
        return {"week": [], "gates": []}
    first = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    coming = [one for one in done.plan.everything() if one.at is not None and first <= one.at < first + AHEAD]
    return {"week": [_shown(row(one, standings.get(one.slot), now=now)) for one in coming],
            "gates": [gate.as_dict() for gate in done.gates]}


def _shown(one: Row) -> dict[str, Any]:
    assert one.at is not None
    return {"slot": one.slot, "at": rfc3339(one.at), "local": f"{one.at.astimezone(ZoneInfo(one.zone)):%Y-%m-%d %H:%M}",
            "zone": one.zone, "state": one.state.value, "why": one.reason}


def _problems(settings: Settings, repository: Repository, commit: str, now: datetime, *,
              rehearsal: bool) -> Prepared | None:
    try:
        return check_commit(repository, commit, now=now, home=settings.home, rehearsal=rehearsal)
    except ContentError:
        return None


def _told(prepared: Prepared | None) -> tuple[tuple[dict[str, Any], ...], dict[str, int]]:
    if prepared is None:
        return (), {"errors": 0, "warnings": 0, "advice": 0, "posts": 0}
    problems = in_order(prepared.problems)
    by_severity = Counter(problem.severity for problem in problems)
    counts = {"errors": by_severity[Severity.error], "warnings": by_severity[Severity.warning],
              "advice": by_severity[Severity.advice],
              "posts": len(prepared.content.posts) + len(prepared.content.drafts)}
    return tuple(problem.as_dict() for problem in problems), counts


def _allow(name: str, by: str | None, reason: str, repository: Repository, store: Store, settings: Settings,
           at: datetime) -> None:
    if settings.remote is None:
        raise UsageError("There is no remote, so nobody's history is judged.", "Leave --accept-rewrite out.")
    by = person(by or "", "takes it")
    source = source_of(settings, repository, store, lambda: at)
    if not source.fetch():
        raise SettingsError("The remote cannot be fetched, so the commit cannot be looked at.", _LOOK_AT)
    commit = repository.commit_of(name)
    allow_rewrite(store, commit, by=by, reason=" ".join(reason.split()), now=at)
