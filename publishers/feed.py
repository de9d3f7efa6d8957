"""Feeds that readers subscribe to: rss.xml, atom.xml and feed.json, in a folder or in an S3 bucket.

Publishing an item creates one object, `entries/<key>.json`, where nothing was: that is the create call, and the store
keeps its key for ever. The feed files are then made anew from the entries, as often as need be, with the same bytes.
"""
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import ClassVar

from publishers._feed_about import about_of, base_of, key_in
from publishers._feed_entries import (
    KEY,
    TAKEN_BACK,
    Entry,
    Kept,
    entry_of,
    identity,
    mark_of,
    place_of,
    read_entry,
    stamp,
    writable,
)
from publishers._feed_files import About
from publishers._feed_shelf import make_files, shelf_of
from publishers._judging import Piece, ending, joined, judged, no_warning
from publishers.base import (
    DRAFT,
    Connection,
    Found,
    Limits,
    Option,
    Outgoing,
    OutgoingPart,
    Sent,
    Setup,
    Verified,
)
from schemas.errors import PublishError, Rejected, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_IMAGES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
           "avif": "image/avif"}
_VIDEOS = {"mp4": "video/mp4", "m4v": "video/x-m4v", "webm": "video/webm", "mov": "video/quicktime"}
_OTHERS = {"mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg", "pdf": "application/pdf"}
_TYPES = {**_IMAGES, **_VIDEOS, **_OTHERS}
_HANDLE = re.compile(r"(?P<path>media/[0-9a-f]{64}\.[a-z0-9]{1,8}) (?P<size>[0-9]{1,12})")
_BETWEEN = "; "                          # what stands between the words of a draft
_NEVER_AGAIN = "this item was taken back once, and stays so; give the post a new id to say it again"


class Feed:
    """One feed in its three forms."""

    network: ClassVar[str] = "feed"
    needs: ClassVar[tuple[str, ...]] = ("destination", "site_url", "self_url", "title")
    wants: ClassVar[tuple[str, ...]] = ("author", "base_url", "language")
    setup: ClassVar[Setup] = Setup(
        app="No account: a folder that your web server shows, or an S3 bucket behind it. Link the feed from your site: "
            '<link rel="alternate" type="application/atom+xml" href="…/atom.xml">.',
        fields={"destination": "where the files go: dir:/var/www/feeds, or s3://BUCKET/PREFIX (then with AWS "
                               "credentials where boto3 looks for them: AWS_PROFILE, AWS_ACCESS_KEY_ID, a role)",
                "site_url": "the address of the site that the feed belongs to, such as https://club.example/",
                "self_url": "the address at which rss.xml of that destination is open to the world",
                "title": "the name of the feed, as readers see it",
                "author": "who writes it; the title, if not set",
                "base_url": "the address of the destination's folder, if pictures are shown from another one than "
                            "rss.xml",
                "language": "of the whole feed, such as en or de-AT"},
        scopes=("s3:PutObject", "s3:GetObject", "s3:ListBucket"),
        expires="Does not expire; AWS credentials may.", costs="Free; a bucket costs what its provider asks.",
        page="https://www.rssboard.org/rss-specification")
    options: ClassVar[tuple[Option, ...]] = ()
    limits: ClassVar[Limits] = Limits(
        text=100_000, unit="characters", alt=2_000, images=20, image_bytes=20_000_000, image_types=tuple(_IMAGES),
        videos=4, video_bytes=100_000_000, video_types=tuple(_VIDEOS),
        documents=4, document_bytes=100_000_000, document_types=tuple(_OTHERS), mixes_media=True,
        title=300, parts=1,
        source="our own numbers: neither rssboard.org/rss-specification, RFC 4287 nor jsonfeed.org/version/1.1 has any",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, quiet_s=60.0, key_lives_s=10 * 365 * 86_400.0)
    handles_live_s: ClassVar[float] = 30 * 86_400.0             # we never remove one; somebody's lifecycle rule may
    handles_are_shared: ClassVar[bool] = True                   # a file is named by what is in it

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        limits = self.limits.with_overrides(message.limits)
        return [*judged(message, _pieces(message), limits, self.length, self.options), *no_warning(message)]

    def compose(self, message: Message) -> Outgoing:
        from publishers._markup import html  # a parser; `drumbeat check` must not wait for it

        (piece,) = _pieces(message) or (Piece("post", "", (), message.place("")),)
        markdown = "\n\n".join(part.markdown for part in message.parts if part.markdown.strip())
        text = writable(piece.text)
        said = {"title": " ".join(writable(message.title or "").split()), "link": writable(message.link or ""),
                "language": message.language or "", "tags": [writable(tag) for tag in message.hashtags]}
        request = {"text": text, "html": writable(html(markdown)),
                   **{name: value for name, value in said.items() if value}}
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=(OutgoingPart(
            kind="post", text=text, request=request, media=tuple(media.blob for media in piece.media),
            alts=tuple(writable(media.alt or "") for media in piece.media),
            names=tuple(media.name for media in piece.media), key=idempotency_key(message.slot, 0)),))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Put the files beside the feed, each named by its own sha256."""
        import hashlib

        shelf, what, handles = shelf_of(self._connection), outgoing.parts[part], {}
        for blob, name in zip(what.media, what.names, strict=True):
            data, end = read(blob), ending(name)
            if end not in _TYPES:
                raise Rejected(f"no feed reader knows what a .{end[:8]} file is")
            path = f"media/{hashlib.sha256(data).hexdigest()}.{end}"
            shelf.begin_anew()           # each file may take as long as one call
            shelf.put(path, data, _TYPES[end])
            handles[blob] = f"{path} {len(data)}"
        return handles

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """The item's date, by the store's clock, and its files.

        It is recorded, so that every later attempt, which gets nothing else, writes the same bytes.
        """
        about_of(self._connection)
        files = [so_far.handles[blob] for blob in outgoing.parts[part].media]
        return _BETWEEN.join([stamp(shelf_of(self._connection).now()), *files])

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """The entry is there, once, and the feed files show it.

        Raises Unconfirmed when the entry is there and the feed files may be old: `find` then makes them anew.
        """
        about, what, shelf = about_of(self._connection), outgoing.parts[part], shelf_of(self._connection)
        entry = _entry(what, so_far.handles[DRAFT], about)
        before = shelf.create(place_of(what.key), entry.written(), "application/json")
        if before == TAKEN_BACK:
            raise Rejected(_NEVER_AGAIN)
        if before is not None and not _says(read_entry(before), what, entry.media):
            raise Rejected(f"{place_of(what.key)} says something else already: nothing was changed")
        shelf.begin_anew()
        try:
            seen = make_files(about, shelf)
        except PublishError as error:
            why = f"the item is kept, but the feed files may not show it yet: {error.why}"
        else:
            if what.key in seen.gone:
                raise Rejected(_NEVER_AGAIN)
            return self._receipt(what.key)
        raise Unconfirmed(why)

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """The entry, if it is there and not taken back; by then the feed files show it. Never raises Unconfirmed."""
        about, what, shelf = about_of(self._connection), outgoing.parts[part], shelf_of(self._connection)
        data = shelf.get(place_of(what.key))
        drafted = _entry(what, so_far.handles[DRAFT], about).media if DRAFT in so_far.handles else None
        if data is None or not _says(read_entry(data), what, drafted):
            return Found((), complete=True)
        seen = make_files(about, shelf)
        return Found(() if what.key in seen.gone else (self._receipt(what.key),), complete=True)

    def withdraw(self, receipt: PartReceipt) -> None:
        """The feed files show it no more, and its words are gone; its name stays taken.

        Files beside it stay, because another item may show them.
        """
        if not KEY.fullmatch(receipt.id):
            raise Rejected("this is no item of a feed")
        about, shelf = about_of(self._connection), shelf_of(self._connection)
        if shelf.get(place_of(receipt.id)) is not None:
            shelf.put(mark_of(receipt.id), TAKEN_BACK, "text/plain")
            make_files(about, shelf)
            shelf.put(place_of(receipt.id), TAKEN_BACK, "text/plain")

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes the id of an item as the feed has it, the address of its entry, and the bare key."""
        return self._receipt(key_in(self._connection, address))

    def account_id(self) -> str:
        """Where the feed lies. Never raises Unconfirmed."""
        shelf = shelf_of(self._connection)
        shelf.now()
        return shelf.address

    def verify(self) -> Verified:
        about, shelf = about_of(self._connection), shelf_of(self._connection)
        shown = shelf.get("rss.xml") is not None
        shelf.now()
        return Verified(about.title, shelf.address, warnings=() if shown else (
            f"no feed is there yet: it comes with the first item, at {about.base}rss.xml",))

    def _receipt(self, key: str) -> PartReceipt:
        if (twin := self._connection.address) is not None:
            return PartReceipt(id=key, url=f"{twin}/#{self.network}-{key}")
        base = base_of(self._connection)
        return PartReceipt(id=key, url=f"{base}rss.xml#{key}" if base else None)


def _pieces(message: Message) -> tuple[Piece, ...]:
    """All that the message says as one item: a feed has neither threads nor comments, and a reader misses nothing."""
    return joined(message.model_copy(update={
        "parts": tuple(part.model_copy(update={"kind": "post"}) for part in message.parts)}))


def _entry(what: OutgoingPart, draft: str, about: About) -> Entry:
    """The item that a draft is about. Raises Unavailable for a draft that does not name its files."""
    written_at, *files = draft.split(_BETWEEN)
    at = datetime.fromisoformat(written_at).astimezone(UTC)
    found = [match for match in map(_HANDLE.fullmatch, files) if match is not None]
    if len(found) != len(what.media):
        raise Unavailable("a file of the item is not beside the feed; nothing was written")
    media = [Kept(path=match["path"], type=_TYPES[ending(match["path"])], size=int(match["size"]), alt=alt)
             for match, alt in zip(found, what.alts, strict=True)]
    return entry_of(what.request, what.key, identity(about.site_url, at, what.key), at, media)


def _says(entry: Entry | None, what: OutgoingPart, media: Sequence[Kept] | None) -> bool:
    """Whether an entry is this part, with these files if they are known. When it was written is no part of it."""
    if entry is None:
        return False
    wanted = entry_of(what.request, what.key, entry.id, entry.date, entry.media if media is None else media)
    return entry == wanted and tuple(kept.alt for kept in entry.media) == what.alts


PUBLISHER = Feed
