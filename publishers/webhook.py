"""Anything with an address: a signed JSON of the post is sent to a receiver of one's own (a site, Zapier, n8n, a bot).

The agreement is ours, and `_webhook_receiver.py` beside this file is a receiver that keeps it. Each request carries a
key that stays the same through every attempt, and a signature of key and body. There is no time in it: a clock would
make two attempts differ, and against a copy sent again a receiver has the key, which is signed.

A lost answer is not looked up and never sent again by itself: whether a receiver honours the key is its own affair, and
one word in a setting would be believed for every receiver. A person decides, and with such a receiver may say "again".
"""
import hashlib
import hmac
import json
import mimetypes
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from publishers._addresses import address_in
from publishers._http import converse
from publishers._judging import joined, judged
from publishers._webhook_answers import ID, receipt_in
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup
from schemas.errors import Unauthorized
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

SCHEMA = "drumbeat/post/1"
_SHORTEST_SECRET = 16                    # characters; what a person types is guessed


class Webhook:
    """One receiver: `url` is its address, `secret` what both ends know."""

    network: ClassVar[str] = "webhook"
    needs: ClassVar[tuple[str, ...]] = ("url", "secret")
    wants: ClassVar[tuple[str, ...]] = ()
    setup: ClassVar[Setup] = Setup(
        app="A program of yours that takes a POST with JSON at an https address on the Internet. A small one to begin "
            "with, in Python alone: publishers/_webhook_receiver.py; tools such as Zapier, Make and n8n have a trigger "
            "\"webhook\". It checks the header X-Signature, which is sha256= and the HMAC-SHA256, with the secret, of "
            "the header Idempotency-Key, a dot and the body's bytes; does nothing for a key that it knows; and answers "
            "200 with {\"id\": …, \"url\": …}, or with nothing. 429 and 503 with Retry-After mean later, 400 and 422 "
            "with {\"error\": …} mean no, 410 means never again.",
        fields={"url": "the receiver's address, such as https://toolshed.example/hooks/posts",
                "secret": "16 characters or more that you make up and tell the receiver: python -c \"import secrets; "
                          "print(secrets.token_urlsafe(32))\""})
    options: ClassVar[tuple[Option, ...]] = ()
    limits: ClassVar[Limits] = Limits(
        text=None, unit="characters", images=20, image_bytes=50_000_000,
        image_types=("jpg", "jpeg", "png", "gif", "webp", "avif", "heic", "heif", "tif", "tiff", "bmp"), videos=5,
        video_bytes=1_000_000_000, video_types=("mp4", "mov", "webm", "m4v"), documents=20, document_bytes=50_000_000,
        document_types=("pdf", "ppt", "pptx", "doc", "docx"), mixes_media=True, poll_options=20, parts=1,
        source="our own agreement: the receiver decides; the numbers only stop mistakes", read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.blind)
    handles_live_s: ClassVar[float] = 900.0      # an address is as old as whoever opened it wants: short, then
    handles_are_shared: ClassVar[bool] = True
    addresses_last: ClassVar[bool] = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        limits = self.limits.with_overrides(message.limits)
        return list(judged(message, joined(message), limits, self.length, self.options))

    def compose(self, message: Message) -> Outgoing:
        """The whole post as one event, a thread's parts joined and listed; each first comment as an event behind it."""
        pieces = joined(message)
        written = [part.markdown for part in message.parts if part.kind == "post" and part.markdown.strip()]
        comments = [part.markdown for part in message.parts if part.kind == "comment"]
        marked = ["\n\n".join(written), *comments] if len(pieces) > len(comments) else comments
        keys = [idempotency_key(message.slot, number) for number in range(len(pieces))]
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(
                kind=piece.kind, text=piece.text, key=key, media=tuple(media.blob for media in piece.media),
                alts=tuple(media.alt or "" for media in piece.media), names=tuple(media.name for media in piece.media),
                request={**_event(message, piece.kind, key), "text": piece.text, "markdown": markdown, "media": [
                    {"id": media.blob, "name": media.name, "alt": media.alt, "ai": media.ai,
                     "type": mimetypes.guess_type(media.name)[0] or "application/octet-stream"}
                    for media in piece.media]})
            for piece, markdown, key in zip(pieces, marked, keys, strict=True)))

    def fetch(self, outgoing: Outgoing, part: int, address: Callable[[str], str]) -> dict[str, str]:
        """The addresses themselves: the receiver fetches what it wants. Nothing is called."""
        return {blob: address(blob) for blob in outgoing.parts[part].media}

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what = outgoing.parts[part]
        media = [{**one, "url": so_far.handles[one["id"]]} for one in what.request["media"]]
        under = {"in_reply_to": so_far.parts[0].id} if part else {}
        body = json.dumps({**what.request, "media": media, **under}, sort_keys=True, separators=(",", ":"),
                          ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json", "Idempotency-Key": what.key, "X-Event-Id": what.key,
                   "X-Signature": self._signature(what.key, body)}
        if self._connection.address is not None:         # a rehearsal's: on this machine, where no other may lead
            answer = converse(self._connection, "POST", f"{self._connection.address}/hook", content=body,
                              headers=headers)
        else:
            from publishers._webhook_wire import post

            answer = post(self._connection, self._url(), headers, body)
        return receipt_in(answer, what.key, self._connection.secret("secret"), self._connection.secret("url"))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """Nothing: a receiver is told, and never asked."""
        return Found((), complete=False)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes the id that the receiver gave, or the event's."""
        words, twin = address.strip(), self._connection.address
        if ID.fullmatch(words):
            return PartReceipt(id=words, url=f"{twin}/#{self.network}-{words}" if twin else None)
        given = address_in(words)
        if twin and given is not None and ID.fullmatch(id := given.anchored(twin, self.network) or ""):
            return PartReceipt(id=id, url=f"{twin}/#{self.network}-{id}")
        raise ValueError("a receiver's post is named by its id, and not by an address: the id that the receiver "
                         "answered, or the Idempotency-Key that it got")

    def _signature(self, key: str, body: bytes) -> str:
        secret = self._connection.secret("secret")
        if len(secret) < _SHORTEST_SECRET and self._connection.address is None:
            raise Unauthorized(f"the secret is shorter than {_SHORTEST_SECRET} characters; nothing was sent")
        return "sha256=" + hmac.new(secret.encode(), key.encode() + b"." + body, hashlib.sha256).hexdigest()

    def _url(self) -> str:
        """Raises Unauthorized for an address that a post must not be sent to; what it is stays unsaid."""
        url = self._connection.secret("url")
        try:
            parts = urlsplit(url)
            is_fit = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        except ValueError:
            is_fit = False
        if not is_fit:
            raise Unauthorized("url must be an https address without a name and password in it; nothing was sent")
        return url


def _event(message: Message, kind: str, key: str) -> dict[str, Any]:
    """What is said of a post beside its text. A field without a value is null, and always there."""
    poll = message.poll
    return {"schema": SCHEMA, "event": key, "kind": kind, "slot": str(message.slot), "account": message.account,
            "title": message.title, "warning": message.warning, "link": message.link, "card": message.card,
            "language": message.language, "hashtags": list(message.hashtags), "disclosure": message.disclosure,
            "poll": {"options": list(poll.options), "lasts_s": poll.lasts_s} if poll and kind == "post" else None,
            "parts": [part.text for part in message.parts if part.kind == "post"] if kind == "post" else []}


PUBLISHER = Webhook
