"""One network in rehearsal and the ways to it: what the contract suite and the published descriptions play upon."""
import hashlib
from datetime import UTC, datetime
from typing import Any

import httpx
from contract_case import FILES, OURS, Case
from pydantic import SecretStr

import publishers
from publishers.base import DRAFT, Connection, Drafts, Fetches, Outgoing, Prepares, Publisher, Sent
from publishers.rehearsal._twin import Rehearsal, Twin
from schemas.ledger import PartReceipt
from schemas.message import Message

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Scene:
    """One network in rehearsal, and the ways to it."""

    def __init__(self, case: Case, running: Rehearsal, clock: Clock) -> None:
        self.case, self.running, self.clock = case, running, clock
        self.twin: Twin = running.twin(case.network)

    def publisher(self, account: str = OURS, credentials: Any = None, seconds: float = 20.0) -> Publisher:
        given = credentials or (self.case.credentials if account == OURS else self.case.strangers)
        secrets = {name: SecretStr(value) for name, value in given.items()}
        return publishers.load(self.case.network)(Connection(account, secrets, self.running.address(self.case.network),
                                                             connect_timeout_s=5.0, request_timeout_s=seconds))

    def address(self, blob: str) -> str:
        """Where the bytes of a file can be fetched."""
        there = f"{self.running.url}/_rehearsal/shared/{hashlib.sha256(FILES[blob]).hexdigest()}"
        httpx.put(there, content=FILES[blob]).raise_for_status()
        return there

    def readied(self, publisher: Publisher, outgoing: Outgoing, part: int, parts: tuple[PartReceipt, ...]) -> Sent:
        """All that comes before the create call of one part."""
        handles: dict[str, str] = {}
        if outgoing.parts[part].media and isinstance(publisher, Prepares):
            handles = publisher.prepare(outgoing, part, FILES.__getitem__)
        elif outgoing.parts[part].media and isinstance(publisher, Fetches):
            handles = publisher.fetch(outgoing, part, self.address)
        assert set(handles) == set(outgoing.parts[part].media) or not handles
        if isinstance(publisher, Drafts):
            handles = {**handles, DRAFT: publisher.draft(outgoing, part, Sent(parts, handles))}
        return Sent(parts, handles)

    def send(self, message: Message, publisher: Publisher | None = None) -> tuple[PartReceipt, ...]:
        """Every part, in order."""
        publisher = publisher or self.publisher()
        outgoing, parts = publisher.compose(message), tuple[PartReceipt, ...]()
        for number in range(len(outgoing.parts)):
            parts += (publisher.publish(outgoing, number, self.readied(publisher, outgoing, number, parts)),)
        return parts

    def faults(self, *script: dict[str, Any]) -> None:
        httpx.put(f"{self.running.url}/_rehearsal/faults", json=list(script)).raise_for_status()

    def calls(self) -> int:
        """Create calls that arrived, whatever became of them."""
        return sum(self.twin.calls.values())

    def held(self) -> list[dict[str, Any]]:
        posts: list[dict[str, Any]] = httpx.get(f"{self.running.url}/_rehearsal/posts").json()
        return posts
