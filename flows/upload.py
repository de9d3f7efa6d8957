"""Media goes up before its post: repeated freely, reused while a network still has it. Nobody sees an upload alone."""
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from flows.edges.clock import Clock
from flows.edges.ledger import Ledger
from publishers.base import Outgoing, Prepares, Publisher
from schemas.errors import PublishError, StoreError, Unavailable
from schemas.ledger import Upload

log = logging.getLogger(__name__)
WORTH_KEEPING = 1_000_000
"""From so many bytes on, an upload is noted in the archive: to send a smaller file again costs less than the note."""
MARGIN = timedelta(minutes=10)
"""A handle that ends sooner is not used any more."""


class Job(NamedTuple):
    """The media of one part. `read` gives the bytes of a file by its sha256; `since`: older uploads do not count."""

    channel: str
    outgoing: Outgoing
    part: int
    read: Callable[[str], bytes]
    since: datetime | None

    @property
    def files(self) -> list[tuple[str, str]]:
        """sha256 and alt text of each file, in order."""
        piece = self.outgoing.parts[self.part]
        return list(zip(piece.media, piece.alts, strict=True))


class Uploads:
    """What one worker has uploaded. Safe to use from several threads, one account each."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._known: dict[tuple[object, ...], Upload] = {}

    def handles(self, publisher: Publisher, job: Job) -> dict[str, str] | PublishError:
        """The network's handles by sha256: known ones if all can still be attached, else of a new upload."""
        if not job.files or not isinstance(publisher, Prepares):
            return {}
        known = {sha256: self._find(publisher, job, sha256, alt) for sha256, alt in job.files}
        if all(known.values()):
            return {sha256: upload.handle for sha256, upload in known.items() if upload}
        slot = job.outgoing.slot
        try:
            made = publisher.prepare(job.outgoing, job.part, job.read)
        except PublishError as error:
            log.warning("media not uploaded slot=%s class=%s why=%s", slot, type(error).__name__, error.why)
            return error
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK; an upload alone shows nothing
            log.warning("media not uploaded slot=%s class=%s", slot, type(error).__name__)
            return Unavailable(f"the upload broke off with {type(error).__name__}")
        for sha256, alt in job.files:
            self._keep(publisher, job, sha256, alt, made[sha256])
        return made

    def forget(self, publisher: Publisher, job: Job, *, used: bool) -> None:
        """After a call: what a post has taken, or what may be why it was refused, is uploaded anew next time."""
        if used and isinstance(publisher, Prepares) and publisher.handles_are_shared:
            return
        for sha256, alt in job.files:
            self._known.pop(_key(publisher, job, sha256, alt), None)

    def _find(self, publisher: Prepares, job: Job, sha256: str, alt: str) -> Upload | None:
        soon = self._clock.now() + MARGIN
        if (kept := self._known.get(_key(publisher, job, sha256, alt))) is not None:
            return kept if kept.expires_at > soon else None
        if len(job.read(sha256)) < WORTH_KEEPING:
            return None
        mine = (str(job.outgoing.slot), job.part)
        return next((
            upload for upload in self._ledger.handles(job.channel, sha256)
            if upload.alt == alt and upload.expires_at > soon and (upload.shared or (upload.slot, upload.part) == mine)
            and (job.since is None or upload.at > job.since)), None)

    def _keep(self, publisher: Prepares, job: Job, sha256: str, alt: str, handle: str) -> None:
        now = self._clock.now()
        upload = Upload(handle=handle, alt=alt, at=now, expires_at=now + timedelta(seconds=publisher.handles_live_s),
                        slot=str(job.outgoing.slot), part=job.part, shared=publisher.handles_are_shared)
        self._known[_key(publisher, job, sha256, alt)] = upload
        if len(job.read(sha256)) >= WORTH_KEEPING:
            try:
                self._ledger.put_handle(job.channel, sha256, upload)
            except StoreError as error:                           # it is uploaded again, should that be needed
                log.warning("left without a note of the upload slot=%s why=%s", job.outgoing.slot, error.what)


def _key(publisher: object, job: Job, sha256: str, alt: str) -> tuple[object, ...]:
    """What an upload was made for: one part of one slot, or any post of the account."""
    shared = isinstance(publisher, Prepares) and publisher.handles_are_shared
    return (job.channel, job.outgoing.account, sha256, alt, *(() if shared else (job.outgoing.slot, job.part)))
