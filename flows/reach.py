"""Whether Prefect's server answers: asked before anything is shown, so that what cannot be shown is kept instead."""
import asyncio
import logging
import ssl
import time
from collections.abc import Callable

import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

log = logging.getLogger("prefect.flow_runs.follow")             # Prefect prints it; it reaches no server that is away
ASK_EVERY_S = 1.0
_PATIENCE_S = 3.0


def is_passing(error: Exception) -> bool:
    """Whether the server is away, or too busy for now; Prefect's client has tried some times already.

    At the start of a flow run the client says RuntimeError, and why behind it.
    """
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):
        return is_passing(error.__cause__)
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


class Server:
    """Prefect's server as one flow run sees it. `is_away`: it did not answer when it was asked last."""

    def __init__(self) -> None:
        settings = get_current_settings()
        self._address = f"{(settings.api.url or '').rstrip('/')}/health"
        trusted = ssl.create_default_context(cafile=settings.api.ssl_cert_file or None)
        self._client = httpx.AsyncClient(timeout=_PATIENCE_S, verify=trusted)
        self._asked_at = float("-inf")
        self.is_away = False

    async def answers(self) -> bool:
        """Asks at most once a second while it answers."""
        if not self.is_away and time.monotonic() - self._asked_at < ASK_EVERY_S:
            return True
        try:
            here = (await self._client.get(self._address)).is_success
        except (httpx.HTTPError, OSError):
            here = False
        self._asked_at = time.monotonic()
        if here == self.is_away:
            self.is_away = not here
            self._say(here)
        return here

    async def wait(self, give_up: Callable[[], bool]) -> bool:
        """Whether it answers in the end; it is asked every second until `give_up`."""
        while not await self.answers():
            if give_up():
                return False
            await asyncio.sleep(ASK_EVERY_S)
        return True

    async def close(self) -> None:
        await self._client.aclose()

    def _say(self, here: bool) -> None:
        if here:
            log.warning("Prefect's server answers again: what was kept is shown now.")
        else:
            log.warning("Prefect's server does not answer. Publishing goes on and the archive has it all; what goes "
                        "wrong is kept to be shown later, what goes well is gathered.")
