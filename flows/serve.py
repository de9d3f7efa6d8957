"""Deployments, schedules and automations come to Prefect's server, and are run here: the last step of `drumbeat up`.

`python -m flows.serve --apply` brings them there for workers of a pool, and ends.
"""
import argparse
import asyncio
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runner import Runner

from flows.automate import automations
from flows.deploy import (
    MOST_SHARDS,
    apply_automations,
    apply_deployments,
    begin_shifts,
    deployments,
    ensure_pool,
    ours,
)
from flows.edges.children import when_parent_ends
from flows.edges.prefect_server import HEARTBEAT_S
from flows.notify import blocks
from flows.reach import is_passing
from schemas.errors import DrumbeatError, SettingsError

log = logging.getLogger("flows.serve")
POLL_S = 2.0
_END_S = 5.0
_LOGIN = "Set PREFECT_API_AUTH_STRING or PREFECT_API_KEY as the server asks for them."
_LOOK = "Look into the server's log; its version should be the same as here."
_AGAIN = "Do this again when it is there and less busy: what stands on it already stays as it is."
POOL = "drumbeat"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,60}")


@dataclass(frozen=True)
class Wish:
    """What was asked for. `publish` False: another process of this machine sends, and looks up lost answers."""

    apply: bool
    publish: bool
    notify: tuple[str, ...]
    shards: int
    pool: str


def main(words: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 3 a setting cannot be used or the server does not answer."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)
    try:
        wish = asked(sys.argv[1:] if words is None else words)
        os.environ.pop("DRUMBEAT_NOTIFY", None)                   # addresses hold secrets: no flow run needs them
        os.environ["PYTHONSAFEPATH"] = "1"                        # a module in the current folder is none of ours
        os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(HEARTBEAT_S))
        asyncio.run(_apply(wish) if wish.apply else _serve(wish))
    except PrefectHTTPStatusError as error:
        remedy = _LOGIN if error.response.status_code in (401, 403) else _AGAIN if is_passing(error) else _LOOK
        sys.stderr.write(f"error: Prefect's server answered {error.response.status_code} to {error.request.url.path}.\n"
                         f"  remedy: {remedy}\n")
        return SettingsError.exit_code
    except httpx.TransportError as error:
        sys.stderr.write(f"error: Prefect's server went away ({type(error).__name__}).\n  remedy: {_AGAIN}\n")
        return SettingsError.exit_code
    except DrumbeatError as error:
        sys.stderr.write(f"error: {error.what}\n  remedy: {error.remedy}\n")
        return error.exit_code
    return 0


def asked(words: Sequence[str]) -> Wish:
    """The words of the command, and DRUMBEAT_NOTIFY, DRUMBEAT_SHARDS, DRUMBEAT_WORK_POOL. Raises SettingsError."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve", description=__doc__)
    parser.add_argument("--apply", action="store_true", help="bring all to the server for workers, and end")
    parser.add_argument("--no-publish", dest="publish", action="store_false", help="another process here sends")
    parser.add_argument("--notify", action="append", default=[], metavar="URL")
    said = parser.parse_args(words)
    shards = os.environ.get("DRUMBEAT_SHARDS") or "1"
    if not re.fullmatch(r"[1-9][0-9]?", shards) or int(shards) > MOST_SHARDS:
        raise SettingsError(f"DRUMBEAT_SHARDS is no number from 1 to {MOST_SHARDS}.",
                            "Write how many publishers share the accounts, like 4.")
    pool = os.environ.get("DRUMBEAT_WORK_POOL") or POOL
    if not _NAME.fullmatch(pool):
        raise SettingsError("DRUMBEAT_WORK_POOL is no name of a work pool.", "Write letters, digits and dashes.")
    if not os.environ.get("PREFECT_API_URL"):
        raise SettingsError("No Prefect server is named.",
                            "Set PREFECT_API_URL, like http://127.0.0.1:4200/api; 'drumbeat up' starts one.")
    notify = [*said.notify, *(os.environ.get("DRUMBEAT_NOTIFY") or "").split()]
    return Wish(said.apply, said.publish, tuple(dict.fromkeys(notify)), int(shards), pool)


async def _apply(wish: Wish) -> None:
    async with get_client() as client:
        if (error := await client.api_healthcheck()) is not None:
            raise SettingsError(f"Prefect's server does not answer ({type(error).__name__}).",
                                "Start it, or mend PREFECT_API_URL.")
        await ensure_pool(wish.pool, client)
        made = await _bring(wish, wish.pool, client)
        started = await begin_shifts(made, client) if wish.publish else []
    log.info("%d deployments stand on the server for workers of the pool %s; started now: %s. "
             "A worker: prefect worker start --pool %s; where there are several, 'python -m infra.worker'.",
             len(made), wish.pool, ", ".join(started) or "none", wish.pool)


async def _bring(wish: Wish, pool: str | None, client: PrefectClient) -> dict[str, UUID]:
    """Deployments, blocks and automations as they should be; ids of the deployments by name."""
    wanted = deployments(wish.shards, publish=wish.publish, look=wish.publish)
    made = await apply_deployments(wanted, pool, client)
    told = await blocks(wish.notify, client)
    await apply_automations(automations(made, told), client)
    return made


@dataclass(frozen=True)
class _Applied:
    """A deployment that stands on the server already, as a runner takes it: it asks for no more than this."""

    id: UUID
    name: str
    storage: None = None

    async def aapply(self) -> UUID:
        return self.id


class _Runner(Runner):
    """Ends when we say so: its own handler of SIGTERM replaces ours, and leaves tasks behind that nobody awaits."""

    def handle_sigterm(self, *_: Any) -> None:
        """Nothing here: the loop hears every signal that it was asked to handle, whoever else does."""


async def _serve(wish: Wish) -> None:
    """Until the parent ends, SIGTERM or Ctrl-C. A server that goes away is waited for; what it missed is late, not
    lost.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    when_parent_ends(lambda: loop.call_soon_threadsafe(stop.set))
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    serving, stopping = asyncio.create_task(_keep_serving(wish, stop)), asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.wait({serving}, timeout=_END_S)
    serving.cancel()                                              # the server may hold an answer back for a minute
    with suppress(asyncio.CancelledError):
        await serving


async def _keep_serving(wish: Wish, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if await _answers(stop):
            try:
                await _run(wish, stop)
            except (httpx.TransportError, PrefectHTTPStatusError) as error:
                if not is_passing(error):
                    raise
                _gone(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), POLL_S)


async def _answers(stop: asyncio.Event) -> bool:
    async with get_client() as client:
        while not stop.is_set():
            if await client.api_healthcheck() is None:
                return True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.5)
    return False


async def _run(wish: Wish, stop: asyncio.Event) -> None:
    """Serves until `stop`, or until the server has been away for some time."""
    async with get_client() as client:
        theirs = [one.name for one in await ours(client) if one.work_pool_name is not None]
        if theirs:
            log.warning("Workers run %s already ('serve --apply' said so); nothing is run here.", ", ".join(theirs))
            await stop.wait()
            return
        made = await _bring(wish, None, client)
        if wish.publish:
            await begin_shifts(made, client)
    runner = _Runner(name="drumbeat", query_seconds=POLL_S, limit=len(made) + 2, pause_on_shutdown=False)
    for name, id in made.items():
        await runner.aadd_deployment(_Applied(id, name))  # type: ignore[arg-type]  # it asks for no more
    serving = asyncio.create_task(runner.start())
    stopping = asyncio.create_task(stop.wait())
    log.info("serving %s", ", ".join(made))
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            with suppress(RuntimeError):                          # it never came to begin
                await runner.astop()
            await asyncio.wait({serving})
        elif (error := serving.exception()) is not None:
            _gone(error)
    finally:
        stopping.cancel()
        serving.cancel()


def _gone(error: BaseException) -> None:
    log.warning("Prefect's server went away (%s); it is waited for.", type(error).__name__)


if __name__ == "__main__":
    sys.exit(main())
