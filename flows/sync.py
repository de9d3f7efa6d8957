"""What a push made of the plan, as Prefect shows it. Accepting and rejecting is done by a process of its own."""
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import Artifact as Artifacts
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import Artifact, State
from prefect.states import Completed, Failed

from flows.alarm import changed
from flows.announce import announce
from flows.ask import ask
from flows.entitle import entitle
from flows.quote import cells, plain

WEEK_EVERY = timedelta(hours=1)
MOST_ROWS = 500
Rows = list[dict[str, Any]]


@flow(name="sync", flow_run_name="sync", retries=0, persist_result=False, log_prints=False)
async def sync() -> State[None]:
    """Fetches what was pushed, and shows what became of it: the plan's problems, the week ahead, the gates.

    Ends Completed, or Failed with the name Rejected: then the last good plan stays in force. Each verdict is told once.
    Failed with the name Unreachable: the remote did not answer; `reconcile` tells people once that is long.
    """
    said = await ask("sync", "--json")
    if said["state"] == "unreachable":
        await _show_week(said.get("week") or [], news=False)
        await _show_gates(said.get("gates") or [])
        await entitle("sync remote unreachable")
        return Failed(name="Unreachable", message=f"{plain(said.get('why'))} {plain(said.get('remedy'))}")
    verdict, news = await _show_plan(said)
    await _show_week(said.get("week") or [], news=news)
    await _show_gates(said.get("gates") or [])
    commit, in_force = plain(said.get("commit"))[:12], plain(said.get("in_force"))[:12]
    became = verdict if news else "still rejected" if verdict == "rejected" else "nothing new"
    await entitle(f"sync {commit[:10]} {became}")
    if verdict == "rejected":
        words = f"Commit {commit} was rejected: {plain(said.get('why'))} {plain(said.get('remedy'))}".rstrip()
        words += f" The plan of {in_force} stays in force." if in_force else " No plan is in force."
        return Failed(name="Rejected", message=words) if news else Completed(name="Still rejected", message=words)
    return Completed(message=f"The plan of commit {commit} is in force." if news else "Nothing new.")


async def _show_plan(said: dict[str, Any]) -> tuple[str, bool]:
    """What became of the newest commit, and whether Prefect hears of it only now: a shift may have been quicker."""
    state, commit = said["state"], said.get("commit") or ""
    verdict = state if state != "unchanged" else "accepted" if commit == said.get("in_force") else "rejected"
    begin = f"Commit {plain(commit, 40)} was {verdict}."
    before = await _last("plan")
    if before is not None and (before.description or "").startswith(begin):
        return verdict, False
    problems: Rows = said.get("problems") or []
    order = ("error", "warning", "advice")
    rows = [{"severity": one["severity"], "code": one["code"], "where": f"{one['file']}:{one['line']}:{one['column']}",
             "what": one["message"], "do": one["remedy"]}
            for one in sorted(problems, key=lambda one: order.index(one["severity"]))]
    more = f" These are {MOST_ROWS} of {len(rows)}; 'drumbeat check' lists all." if len(rows) > MOST_ROWS else ""
    why = f" {plain(said.get('why'))} {plain(said.get('remedy'))}" if verdict == "rejected" else ""
    await acreate_table_artifact(key="plan", description=f"{begin}{why}{more}", table=cells(rows[:MOST_ROWS]))
    announce(f"plan.{verdict}", "plan", commit or "none",
             {name: said.get(name) for name in ("commit", "in_force", "why", "remedy", "counts")})
    return verdict, True


async def _show_week(week: Rows, *, news: bool) -> None:
    """A table of the week: with each new plan, and every hour. Prefect keeps each table twice, so not every time."""
    before = await _last("calendar")
    if not news and before is not None and before.created is not None and (
            datetime.now(UTC) - before.created < WEEK_EVERY):
        return
    rows = [{"when": one["local"], "zone": one["zone"], "slot": one["slot"], "state": one["state"],
             "why": one["why"]} for one in week]
    more = f"; the first {MOST_ROWS} of {len(rows)} slots" if len(rows) > MOST_ROWS else ""
    today = datetime.now(UTC).date()
    await acreate_table_artifact(key="calendar", description=f"The seven days from {today} (UTC){more}",
                                 table=cells(rows[:MOST_ROWS]))


async def _show_gates(gates: Rows) -> None:
    rows = [{"gate": one["gate"], "campaign": one.get("campaign") or "", "state": one["state"],
             "open": "; ".join(line["what"] for line in one["lines"]
                               if line["state"] != "green" and line["waived"] is None)} for one in gates]
    before = await _last("gates")
    known: Rows = json.loads(before.data) if before is not None and isinstance(before.data, str) else []
    for gate in changed(rows, known):
        name = ".".join(filter(None, (gate["gate"], gate["campaign"])))
        announce("gate.changed", "gate", name, gate, reason=f"{gate['was']} {gate['state']}",
                 related={"campaign": gate["campaign"]})
    if before is None or cells(rows) != known:
        await acreate_table_artifact(key="gates", description="Where each gate stands, and what is open",
                                     table=cells(rows))


async def _last(key: str) -> Artifact | None:
    """What was kept last under the key."""
    return await Artifacts.aget(key)
