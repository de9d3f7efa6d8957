"""A flow run is named by what became of it: its name is given at its start, when nobody knows that yet."""
import httpx
from prefect import get_client, get_run_logger, runtime
from prefect.exceptions import PrefectHTTPStatusError


async def entitle(name: str) -> None:
    """The flow run that asks is called `name` in Prefect; where the server does not take it, only its log says so."""
    try:
        async with get_client() as client:
            await client.update_flow_run(runtime.flow_run.id, name=name)
    except (httpx.TransportError, PrefectHTTPStatusError) as error:   # no reason not to end as it should
        get_run_logger().warning("Prefect did not take the name '%s' (%s).", name, type(error).__name__)
