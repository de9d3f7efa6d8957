"""What has to be put straight, as Prefect shows it: lost answers looked up, dead shifts closed, silence told.

A running shift looks up lost answers by itself; this run needs none. It sends nothing.
"""
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.alarm import arrival, overdue
from flows.announce import announce, announce_many
from flows.ask import Command, ask
from flows.close import close_zombies
from flows.entitle import entitle
from flows.follow import follow
from flows.gather import Bell
from flows.quote import plain

_STILL_OPEN = 5                                                   # exit code: something waits for a person, or for time


@flow(name="reconcile", flow_run_name="reconcile", retries=0, persist_result=False, log_prints=False)
async def reconcile(look: bool = True) -> State[None]:
    """Closes shifts whose process is gone, tells what is overdue, cut off, silent or about to end, and looks up lost
    answers.

    `look`: one look at each account with a post whose answer was lost, and a task run for each; it needs credentials.
    """
    logger = get_run_logger()
    closed, told = await close_zombies(datetime.now(UTC)), await _tell(datetime.now(UTC))
    for said in closed:
        logger.warning("closed a shift that nobody follows: %s", said)
    for said in told:
        logger.warning(said)
    if closed or told:
        shifts = "shift" if len(closed) == 1 else "shifts"
        await entitle(f"reconcile {len(closed)} {shifts} closed, {len(told)} told")
    if not look:
        return Completed(message="Lost answers are looked up by the running shift.")
    command = Command("reconcile", "--lines", fine=(0, _STILL_OPEN))
    return await follow(command.lines(), table="reconcile", about="one look", nothing="Nothing was in doubt.")


async def _tell(now: datetime) -> list[str]:
    """An event for each slot that is overdue, for pushes that do not arrive, and for each channel with something the
    matter; what they say, in short."""
    told, bell = [], Bell()
    status = await ask("status", "--json")
    for slot in overdue(status["slots"], now):
        _overdue(slot, alone=bell.rings(slot["slot"], "overdue", plain(slot["reason"]), 0.0))
        told.append(f"overdue {slot['slot']}: {plain(slot['reason'])}")
    if (many := bell.many(0.0, at_once=True)) is not None:
        announce_many(many)
    if (pushes := arrival(status)) is not None:
        announce(pushes.event, "content", pushes.branch, pushes.payload, reason=pushes.reason)
        told.append(plain(pushes.payload["reason"]))
    for one in (await ask(module="flows.alarm", needs_credentials=True))["channels"]:
        announce(one["event"], "channel", one["channel"], {"reason": one["message"], "next": one["remedy"]},
                 reason=one["message"], related={"channel": one["channel"]})
        told.append(plain(one["message"]))
    return told


def _overdue(slot: Mapping[str, Any], *, alone: bool) -> None:
    channel = slot["slot"].rpartition("@")[2].partition("#")[0]
    announce("post.overdue", "slot", slot["slot"], {name: slot[name] for name in ("slot", "state", "reason", "at",
                                                                                  "next")},
             reason="overdue", related={"channel": channel}, alone=alone)
