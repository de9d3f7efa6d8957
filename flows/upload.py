"""Media goes up before its post: repeated freely, reused while a network still has it. Nobody sees an upload alone."""
import hashlib
import logging
import mimetypes
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flows.edges.clock import Clock
from flows.edges.ledger import Ledger
from flows.edges.media import cleaned
from flows.edges.repository import Repository
from publishers.base import DRAFT, Drafts, Fetches, Outgoing, Prepares, Publisher, Sent
from schemas.errors import PublishError, Rejected, StoreError, Unavailable
from schemas.ledger import Entry, Kind, PartReceipt, Upload
from schemas.message import Media, Message

log = logging.getLogger(__name__)
WORTH_KEEPING = 1_000_000
"""From so many bytes on, an upload is noted in the archive: to send a smaller file again costs less than the note."""
MARGIN = timedelta(minutes=10)
"""A handle that ends sooner is not used any more."""
LINK_LIVES_S = 7_200.0
"""So long a network may fetch a file from the address that it was given; it fetches at once, as a rule."""
Share = Callable[[str, bytes], str]
"""Puts bytes of a sha256 where a network can fetch them; gives the address."""


class Files:
    """The files of one slot's message as they are uploaded: cleaned, and named by the sha256 of what is then left.

    What a claim has once promised of a file stays, whatever would be made of it now: its bytes are in the archive. So
    another version of this program, or of its libraries, never sends other bytes than were promised.
    """

    def __init__(self, repository: Repository, ledger: Ledger, entries: Iterable[Entry]) -> None:
        self._repository, self._ledger = repository, ledger
        self._promised: dict[str, str] = {}                       # Git's name -> sha256, of what is in the archive
        for entry in entries:
            match entry.record.kind:
                case Kind.claim:
                    self._promised |= entry.record.detail.get("media", {})
                case Kind.reopened:                               # a new promise; the old bytes may be erased by now
                    self._promised.clear()
        self._sha256: dict[str, str] = {}
        self._data: dict[str, bytes] = {}
        self._unfit: dict[str, PublishError] = {}

    def named(self, message: Message) -> Message:
        """`message` with each file named by the sha256 of its bytes, as the archive keeps it."""
        self._make({file.blob: file.file for part in message.parts for media in part.media
                    for file in (media, media.captions) if file is not None})
        parts = tuple(part.model_copy(update={"media": tuple(map(self._renamed, part.media))})
                      for part in message.parts)
        return message.model_copy(update={"parts": parts})

    def _renamed(self, media: Media) -> Media:
        captions = self._renamed(media.captions) if media.captions is not None else None
        return media.model_copy(update={"blob": self._sha256[media.blob], "captions": captions})

    def keep(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Those of `wanted` that can be promised: all but what cannot be made ready. They are in the archive now."""
        for blob, sha256 in self._sha256.items():
            if blob not in self._promised and sha256 not in self._unfit:
                self._promised[blob] = self._ledger.put_media(self._data[sha256])
        return tuple(sha256 for sha256 in wanted if sha256 not in self._unfit)

    def promise(self) -> dict[str, Any]:
        """What a claim says of the files, so that whoever goes on with the slot sends the same."""
        media = {blob: self._promised[blob] for blob in self._sha256 or self._promised if blob in self._promised}
        return {"media": media} if media else {}

    def read(self, sha256: str) -> bytes:
        """Raises a PublishError for a file that cannot be made ready, StoreError when the archive does not have it."""
        if sha256 in self._unfit:
            raise self._unfit[sha256]
        if sha256 not in self._data:
            self._data[sha256] = self._ledger.get_media(sha256)
        return self._data[sha256]

    def _make(self, names: dict[str, str]) -> None:
        self._sha256 |= {blob: self._promised[blob] for blob in names if blob in self._promised}
        for blob, data in self._repository.blobs([blob for blob in names if blob not in self._sha256]).items():
            try:
                made = cleaned(data, names[blob])
            except PublishError as error:                         # said when it is its turn to be uploaded
                self._sha256[blob] = hashlib.sha256(data).hexdigest()
                self._unfit[self._sha256[blob]] = error
            else:
                self._sha256[blob] = hashlib.sha256(made).hexdigest()
                self._data[self._sha256[blob]] = made


class Job(NamedTuple):
    """The media of one part. `read` gives the bytes of a file by its sha256; `since`: older uploads do not count.

    `live`: the parts before it. `draft`: what an earlier attempt was about, which must be the same again; None: none.
    """

    channel: str
    outgoing: Outgoing
    part: int
    read: Callable[[str], bytes]
    since: datetime | None
    live: tuple[PartReceipt, ...] = ()
    draft: str | None = None

    @property
    def files(self) -> list[tuple[str, str]]:
        """sha256 and alt text of each file, in order."""
        piece = self.outgoing.parts[self.part]
        return list(zip(piece.media, piece.alts, strict=True))


class Uploads:
    """What one worker has uploaded. Safe to use from several threads, one account each.

    `share`: where networks that fetch media find it; None: in the archive, at addresses that are good for a while.
    """

    def __init__(self, ledger: Ledger, clock: Clock, share: Share | None = None) -> None:
        self._ledger, self._clock, self._share = ledger, clock, share
        self._known: dict[tuple[object, ...], Upload] = {}

    def handles(self, publisher: Publisher, job: Job) -> dict[str, str] | PublishError:
        """All that the create call needs: the network's handles by sha256, and that of its draft.

        Known handles if all can still be attached, else of a new upload. The draft of an earlier attempt, else a new
        one.
        """
        if job.draft is not None:
            return {DRAFT: job.draft}
        try:
            made = self._media(publisher, job)
            if isinstance(publisher, Drafts):
                made = {**made, DRAFT: publisher.draft(job.outgoing, job.part, Sent(job.live, made))}
        except PublishError as error:
            log.warning("not made ready slot=%s class=%s why=%s", job.outgoing.slot, type(error).__name__, error.why)
            return error
        except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK; what it left is unseen
            log.warning("not made ready slot=%s class=%s", job.outgoing.slot, type(error).__name__)
            return Unavailable(f"what comes before the post broke off with {type(error).__name__}")
        return made

    def _media(self, publisher: Publisher, job: Job) -> dict[str, str]:
        """Handles of the part's files. Raises a PublishError, also for a file that cannot be made ready."""
        if not job.files or not isinstance(publisher, Prepares | Fetches):
            return {}
        known = {sha256: self._find(publisher, job, sha256, alt) for sha256, alt in job.files}
        if all(known.values()):
            return {sha256: upload.handle for sha256, upload in known.items() if upload}
        if isinstance(publisher, Prepares):
            made = publisher.prepare(job.outgoing, job.part, job.read)
        else:
            lasts = publisher.addresses_last
            made = publisher.fetch(job.outgoing, job.part, lambda sha256: self._address(job, sha256, lasts))
        for sha256, alt in job.files:
            self._keep(publisher, job, sha256, alt, made[sha256])
        return made

    def _address(self, job: Job, sha256: str, lasts: bool) -> str:
        """Where the network may fetch a file, for a while or for good. Raises Rejected when there is no such place."""
        data = job.read(sha256)
        if self._share is not None:
            return self._share(sha256, data)
        piece = job.outgoing.parts[job.part]
        name = piece.names[piece.media.index(sha256)]
        if lasts:
            raise Rejected(f"{job.outgoing.network} shows {name} from the address that it is given, for as long as "
                           "people read: set media_url in drumbeat.toml to where the archive's v1/media/ is public")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        try:
            link = self._ledger.media_link(sha256, kind, LINK_LIVES_S)
        except StoreError as error:
            raise Unavailable(f"no address for {name}: {error.what}") from None
        if link is None:
            raise Rejected(f"{job.outgoing.network} fetches {name} from a public address, and an archive in a folder "
                           "has none: keep the archive on S3 (--archive s3://…), or set media_url in drumbeat.toml")
        return link

    def forget(self, publisher: Publisher, job: Job, *, used: bool) -> None:
        """After a call: what a post has taken, or what may be why it was refused, is uploaded anew next time."""
        if used and isinstance(publisher, Prepares | Fetches) and publisher.handles_are_shared:
            return
        for sha256, alt in job.files:
            self._known.pop(_key(publisher, job, sha256, alt), None)

    def _find(self, publisher: Prepares | Fetches, job: Job, sha256: str, alt: str) -> Upload | None:
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

    def _keep(self, publisher: Prepares | Fetches, job: Job, sha256: str, alt: str, handle: str) -> None:
        now = self._clock.now()
        upload = Upload(handle=handle, alt=alt, at=now, expires_at=now + timedelta(seconds=publisher.handles_live_s),
                        slot=str(job.outgoing.slot), part=job.part, shared=publisher.handles_are_shared)
        for key in [key for key, one in list(self._known.items()) if one.expires_at <= now]:
            self._known.pop(key, None)
        self._known[_key(publisher, job, sha256, alt)] = upload
        if len(job.read(sha256)) >= WORTH_KEEPING:
            try:
                self._ledger.put_handle(job.channel, sha256, upload)
            except StoreError as error:                           # it is uploaded again, should that be needed
                log.warning("left without a note of the upload slot=%s why=%s", job.outgoing.slot, error.what)


def _key(publisher: object, job: Job, sha256: str, alt: str) -> tuple[object, ...]:
    """What an upload was made for: one part of one slot, or any post of the account."""
    shared = isinstance(publisher, Prepares | Fetches) and publisher.handles_are_shared
    return (job.channel, job.outgoing.account, sha256, alt, *(() if shared else (job.outgoing.slot, job.part)))
