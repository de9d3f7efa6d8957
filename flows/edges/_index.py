"""Lines of `v1/done/`: what ended, by the day it was due. The key says what, its body is the receipt."""
import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from flows.edges.store import Store, ahead
from flows.planning.sealing import ENDS
from schemas.ledger import Receipt, Slot, State

DONE = "v1/done/"
_KEY = re.compile(rf"{DONE}(?P<day>[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}})/(?P<state>{'|'.join(ENDS)})/"
                  r"(?P<name>[^/~]+~[^/~]+~[^/~]+)")


class Done(NamedTuple):
    """What the key of a line says. An index only: a reopened slot keeps its older line."""

    slot: Slot
    state: State
    due: date


def done_key(receipt: Receipt) -> str:
    """Where the line of this receipt stands."""
    name = Slot.parse(receipt.slot).folder.replace("/", "~")
    return f"{DONE}{receipt.due:%Y/%m/%d}/{receipt.state}/{name}"


def split_done(key: str) -> Done | None:
    """What the key says, or None if it is no line of the index."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    slot = Slot.from_folder(match["name"].replace("~", "/"))
    try:
        due = date.fromisoformat(match["day"].replace("/", "-"))
    except ValueError:
        return None
    return Done(slot, State(match["state"]), due) if slot.folder.replace("/", "~") == match["name"] else None


def lines(store: Store, prefix: str = DONE) -> Iterator[tuple[str, Done]]:
    """Every line below `prefix` with its key; what else lies there says nothing here. Keys only: no body is read."""
    for key in store.list(prefix):
        done = split_done(key)
        if done is not None:
            yield key, done


def parsed(raw: bytes | None) -> Receipt | None:
    """The receipt, or None when these bytes are none."""
    try:
        receipt = Receipt.model_validate_json(raw or b"")
        Slot.parse(receipt.slot)
    except ValueError:              # pydantic's too
        return None
    return receipt


def with_bodies(store: Store, found: Iterator[tuple[str, Done]]) -> Iterator[tuple[str, Done, bytes | None]]:
    """Each line with its body, read several at a time, in order; None if it is gone since it was listed."""
    return ahead(lambda line: (*line, store.get(line[0])), found)
