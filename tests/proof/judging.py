"""The judge: raw records and what the networks hold, against what the trial wanted. Nothing of our folding is used."""
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from trials import CLASSES, Trial, Unit

AT_REST = ("published", "failed", "skipped", "held")
_BEFORE = timedelta(seconds=0.3)


class Verdict(NamedTuple):
    """`end`: the last record's kind, "nothing" when there is none. Each violation is a sentence."""

    end: str
    reason: str
    duplicates: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    held_wrongly: tuple[str, ...] = ()

    @property
    def violations(self) -> tuple[str, ...]:
        return (*(f"duplicate: {what}" for what in self.duplicates), *(f"lost: {what}" for what in self.lost),
                *(f"false receipt: {what}" for what in self.false),
                *(f"held wrongly: {what}" for what in self.held_wrongly))


def at_rest(raw: Sequence[bytes]) -> str | None:
    """How the slot ended, if it has."""
    kind = json.loads(raw[-1])["kind"] if raw else None
    return kind if kind in AT_REST else None


def judge(trial: Trial, raw: Sequence[bytes], posts: Sequence[dict[str, Any]]) -> Verdict:
    """What became of the slot. `posts`: everything that the networks hold."""
    records = [json.loads(one) for one in raw]
    last = records[-1] if records else {"kind": "nothing", "detail": {}}
    own = [post for post in posts if post["network"] == trial.network and post["account"] == trial.handle]
    units = trial.units()
    live = [[post for post in own if any(word in post["text"] for word in unit.words)] for unit in units]
    detail, reason = last["detail"], str(last["detail"].get("reason") or "")
    return Verdict(
        last["kind"], reason,
        duplicates=tuple(f"part {number + 1} exists {len(found)} times" for number, found in enumerate(live)
                         if len(found) > 1),
        lost=tuple(_lost(last, live, detail)),
        false=(*_chain(raw, records), *_foreign(own, units), *_sent(records, own),
               *_receipt(last["kind"], detail, units, live, own)),
        held_wrongly=tuple(_held_wrongly(trial, records, live)) if last["kind"] == "held" else ())


def _lost(last: dict[str, Any], live: list[list[Any]], detail: dict[str, Any]) -> list[str]:
    if last["kind"] not in AT_REST:
        return [f"it ended as {last['kind']} ({detail.get('reason')})"]
    if last["kind"] in ("failed", "skipped"):
        listed = {part["id"] for part in detail.get("parts_live", ())}
        return [f"{last['kind']}, but {post['id']} is live and not listed"
                for found in live for post in found if post["id"] not in listed]
    return []


def _chain(raw: Sequence[bytes], records: list[dict[str, Any]]) -> list[str]:
    found = []
    for number, record in enumerate(records):
        prev = hashlib.sha256(raw[number - 1]).hexdigest() if number else None
        if (record["seq"], record["prev"]) != (number + 1, prev):
            found.append(f"record {number + 1} is not chained to the one before it")
    return found


def _foreign(own: list[dict[str, Any]], units: Sequence[Unit]) -> list[str]:
    words = [word for unit in units for word in unit.words]
    return [f"{post['id']} says what nobody wrote: {post['text']!r}" for post in own
            if not any(word in post["text"] for word in words)]


def _sent(records: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[str]:
    there = {post["id"] for post in own}
    return [f"`sent` names {record['detail'].get('id')}, which is not there" for record in records
            if record["kind"] == "sent" and record["detail"].get("id") not in there]


def _receipt(kind: str, detail: dict[str, Any], units: Sequence[Unit], live: list[list[Any]],
             own: list[dict[str, Any]]) -> list[str]:
    """Every id that the last record names is there once, at its place, whole."""
    if kind == "published":
        named = [part["id"] for part in detail["parts"]]
        if len(named) != len(units):
            return [f"published names {len(named)} ids for {len(units)} parts"]
    elif kind == "failed":
        named = [part["id"] for part in detail.get("parts_live", ())]
    else:
        return []
    found = []
    for number, (id, unit) in enumerate(zip(named, units, strict=False)):
        post = next((post for post in live[number] if post["id"] == id), None)
        if post is None or sum(other["id"] == id for other in own) != 1:
            found.append(f"{kind} names {id} as part {number + 1}, which is not there")
            continue
        if not all(word in post["text"] for word in unit.words):
            found.append(f"part {number + 1} is not whole: {post['text']!r}")
        if post["parent"] != (None if unit.parent is None else named[unit.parent]):
            found.append(f"part {number + 1} stands under {post['parent']}")
        if len(post["media"]) != unit.images:
            found.append(f"part {number + 1} has {len(post['media'])} images, not {unit.images}")
    return found


def _held_wrongly(trial: Trial, records: list[dict[str, Any]], live: list[list[Any]]) -> list[str]:
    """`held` is for what cannot be known: it says what to look at, and a key or one match would have told."""
    last = records[-1]
    if not str(last["detail"].get("reason") or "").strip():
        return ["without a reason"]
    part = sum(record["kind"] == "sent" for record in records)
    if CLASSES[trial.network] == "K":
        return [f"the network honours our key, which still lives: {last['detail']['reason']}"]
    when = datetime.fromisoformat(last["at"]) - _BEFORE
    if len(live[part]) == 1 and datetime.fromisoformat(live[part][0]["created_at"]) < when and not trial.stops:
        return [f"part {part + 1} was there once, to be found: {last['detail']['reason']}"]
    return []
