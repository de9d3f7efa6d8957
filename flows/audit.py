"""The daily audit, as Prefect shows it: a table of findings; Failed when the archive or the plan has any."""
from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.ask import ask
from flows.entitle import entitle
from flows.quote import cells
from schemas.errors import DrumbeatError


@flow(name="audit", flow_run_name="audit", retries=0, persist_result=False, log_prints=False)
async def audit() -> State[None]:
    """Every chain, every manifest, and the plan against the archive; then missing index lines and closed months."""
    told = await ask("audit", "--json")
    try:
        found = told["findings"] + [{"key": slot, "what": "waits for a person", "remedy": f"drumbeat why {slot}"}
                                    for slot in told["waits"]]
    except (KeyError, TypeError):
        raise DrumbeatError("'drumbeat audit' gave no findings.", "Its own words are on stderr, above.") from None
    await acreate_table_artifact(key="audit", table=cells(found), description="What the audit found")
    findings = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
    await entitle(f"audit {findings}" if found or not told["ok"] else "audit nothing found")
    if found or not told["ok"]:
        return Failed(message=f"{findings}; the table says what to do about each.")
    return Completed(message="Every chain holds, and all that was due has an end.")
