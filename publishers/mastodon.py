"""Mastodon, and servers that speak its client API.

Sources: docs.joinmastodon.org methods/statuses, methods/media, methods/accounts, entities/Instance, api/rate-limits,
read 2026-11-22. A repeated `Idempotency-Key` gives the first post again for an hour; servers of other makers may not.
"""
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from publishers._addresses import address_in
from publishers._html import visible_text
from publishers._http import Answer, converse
from publishers._mastodon_answers import id_in, is_object, made_at, receipt_in, text_or_none, until
from publishers._mastodon_text import length, plain, problems_of, texts
from publishers._media import beyond
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup
from schemas.errors import (
    PaymentRequired,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
          "avif": "image/avif", "heic": "image/heic", "heif": "image/heif"}
_PAGES = 50                              # of 40 posts: how far back `find` reads
_PENDING = "processing:"                 # a handle that must be asked after before it is used
_ID = r"[0-9]{1,20}|[0-9A-HJKMNP-TV-Z]{26}|[0-9A-Za-z]{18}"      # Mastodon, GoToSocial, Pleroma
_POST_PATH = re.compile(rf"(?:web/|deck/)?@(?P<user>[^/@]+)/(?:statuses/)?(?P<id>{_ID})(?:/embed)?|"
                        rf"users/(?P<name>[^/@]+)/statuses/(?P<number>{_ID})|web/statuses/(?P<bare>{_ID})")
_REFUSALS = (400, 403, 404, 413, 422)
_LOCKED_OUT = re.compile(r"scope|login|disabled|suspended|approv|confirm", re.IGNORECASE)


READY_TIMEOUT_S = 2.0
"""Asking after four files must not use up the time in which the create call is to leave."""


class Mastodon:
    """One account. `base_url` is its server; `access_token` has the scopes read:accounts, read:statuses and write."""

    network: ClassVar[str] = "mastodon"
    needs: ClassVar[tuple[str, ...]] = ("access_token", "base_url")
    wants: ClassVar[tuple[str, ...]] = ()
    setup: ClassVar[Setup] = Setup(
        app="On the account's own server: Preferences → Development → New application.",
        fields={"base_url": "the server's address, such as https://mastodon.example",
                "access_token": "the application's page → Your access token"},
        scopes=("read:accounts", "read:statuses", "write:statuses", "write:media"),
        expires="Does not expire, until it is revoked.", page="https://docs.joinmastodon.org/client/token/")
    options: ClassVar[tuple[Option, ...]] = ()
    limits: ClassVar[Limits] = Limits(
        text=500, unit="characters", link_length=23, alt=1500, images=4, image_bytes=16_777_216,
        image_types=tuple(_TYPES), image_pixels=33_177_600, gif_pixels=921_600,
        source="docs.joinmastodon.org/entities/Instance (defaults); GIF: app/models/concerns/attachmentable.rb",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=2_700.0)    # three quarters of the documented hour
    handles_live_s: ClassVar[float] = 86_400.0                  # app/lib/vacuum/media_attachments_vacuum.rb: a day
    handles_are_shared: ClassVar[bool] = False                  # app/services/post_status_service.rb: attached once

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return length(text, self.limits.link_length)

    def check(self, message: Message) -> list[Problem]:
        limits = self.limits.with_overrides(message.limits)
        pictures = (media for part in message.parts for media in part.media)
        return [*problems_of(message, limits), *beyond(message, pictures, limits)]

    def compose(self, message: Message) -> Outgoing:
        language = {"language": message.language.split("-")[0]} if message.language else {}
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=part.kind, text=text, request={"status": text, "visibility": "public", **language},
                         media=tuple(media.blob for media in part.media),
                         alts=tuple(media.alt or "" for media in part.media),
                         names=tuple(media.name for media in part.media), key=idempotency_key(message.slot, number))
            for number, (part, text) in enumerate(texts(message))))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Upload the media of one part.

        A file that the server still works on gets a handle too, which `publish` asks after: so waiting for a slow
        server never uploads anything twice.
        """
        what, handles = outgoing.parts[part], {}
        for blob, alt, name in zip(what.media, what.alts, what.names, strict=True):
            kind = _TYPES.get(name.rsplit(".", 1)[-1].lower(), "application/octet-stream")
            answer = self._ask("POST", "/api/v2/media", files={"file": (name, read(blob), kind)},
                               data={"description": alt} if alt else {})
            id = id_in(self._object(answer))
            handles[blob] = id if answer.status == 200 or self._is_ready(id) else _PENDING + id
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what = outgoing.parts[part]
        body = dict(what.request)
        if what.media:
            body["media_ids"] = [self._ready(so_far.handles[blob]) for blob in what.media]
        if part:
            body["in_reply_to_id"] = so_far.parts[part - 1].id
        answer = converse(self._connection, "POST", self._url("/api/v1/statuses"), json=body,
                          headers={**self._headers(), "Idempotency-Key": what.key})
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unconfirmed)
        try:
            return receipt_in(json.loads(answer.body))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Unconfirmed(f"the server answered {answer.status}, but not with a post") from None

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The account's own posts since `since` with the same text, as many files, and the same post answered.

        Of a post that was edited since, its first version counts; one that the server does not show makes the look
        incomplete. Boosts do not count.
        """
        what, parent = outgoing.parts[part], so_far.parts[part - 1].id if part else None
        wanted, earliest = plain(what.text), since.replace(microsecond=0)
        matches: dict[str, PartReceipt] = {}
        complete = True
        try:
            for page in self._recent(self.account_id(), earliest):
                complete = complete and page is not None
                for status in page or ():
                    if (made_at(status) < earliest or status.get("reblog") is not None
                            or text_or_none(status["in_reply_to_id"]) != parent):
                        continue
                    shown = self._first_version(status)
                    if shown is None:
                        complete = False
                    elif (plain(visible_text(shown["content"])) == wanted
                          and len(shown["media_attachments"]) == len(what.media)):
                        receipt = receipt_in(status)
                        matches[receipt.id] = receipt
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("the server listed posts in a form that is not Mastodon's") from None
        return Found(tuple(matches.values()), complete)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes /@NAME/ID, /users/NAME/statuses/ID and /web/… of the account's server, and the bare id."""
        said, base = address.strip(), self._base
        if re.fullmatch(_ID, said):
            return self._pasted(said, None)
        if (given := address_in(said)) is not None:
            path = given.below(base) if base else given.path if given.host else None
            if path and (match := _POST_PATH.fullmatch("/".join(path))):
                user = match["user"] or match["name"]
                return self._pasted(match["id"] or match["number"] or match["bare"],
                                    f"{base or given.origin}/@{quote(user)}" if user else None)
            if base and re.fullmatch(_ID, anchor := given.anchored(base, self.network) or ""):
                return self._pasted(anchor, None)
        raise ValueError(f"an address of Mastodon looks like {base or 'https://SERVER'}/@NAME/123456789012345678, on "
                         "the account's own server; the number alone will do")

    def account_id(self) -> str:
        """The server's id of the account whose token this is. Never raises Unconfirmed."""
        return id_in(self._object(self._ask("GET", "/api/v1/accounts/verify_credentials")))

    def _pasted(self, id: str, profile: str | None) -> PartReceipt:
        """The receipt of post `id`, with its address when that is known. A twin shows all posts on one page."""
        if (twin := self._connection.address) is not None:
            return PartReceipt(id=id, url=f"{twin}/#{self.network}-{id}")
        return PartReceipt(id=id, url=f"{profile}/{id}" if profile else None)

    def _recent(self, me: str, earliest: datetime) -> Iterator[list[Any] | None]:
        """The account's posts since `earliest`, newest first, by page; None at the end when there may be more.

        Raises ValueError for what is no list. A page is read to its end: one post out of order hides no other.
        """
        asked = {"limit": "40", "exclude_reblogs": "true"}
        for _ in range(_PAGES):
            page = self._json(self._ask("GET", f"/api/v1/accounts/{me}/statuses", params=asked))
            if not isinstance(page, list):
                raise ValueError
            yield page
            if all(made_at(status) < earliest for status in page):
                return
            asked = {**asked, "max_id": str(page[-1]["id"])}
        yield None

    def _first_version(self, status: dict[str, Any]) -> dict[str, Any] | None:
        """The post as it was created; None when it was edited since and the server does not show its history."""
        if not status.get("edited_at"):
            return status
        try:
            versions = self._json(self._ask("GET", f"/api/v1/statuses/{id_in(status)}/history"))
        except Rejected:                 # 404: the server keeps no history
            return None
        return versions[0] if isinstance(versions, list) and versions and isinstance(versions[0], dict) else None

    def _is_ready(self, id: str) -> bool:
        return self._ask("GET", f"/api/v1/media/{id}", within=READY_TIMEOUT_S).status != 206

    def _ready(self, handle: str) -> str:
        """The media id of a handle. Raises Unavailable while the server works on the file."""
        id = handle.removeprefix(_PENDING)
        if handle != id and not self._is_ready(id):
            raise Unavailable("the server is still processing an uploaded file; nothing was posted")
        return id

    def _ask(self, method: str, path: str, *, within: float | None = None, **what: Any) -> Answer:
        """A call that may be repeated freely, answered with 2xx. Raises a PublishError that is never Unconfirmed.

        `within`: seconds it may take; None: as long as the connection allows.
        """
        connection = self._connection._replace(request_timeout_s=within) if within else self._connection
        answer = converse(connection, method, self._url(path), headers=self._headers(), repeatable=True, **what)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return answer

    @property
    def _base(self) -> str | None:
        """Where the account's server is, if that is known."""
        given = self._connection.credentials.get("base_url")
        return self._connection.address or (given.get_secret_value().rstrip("/") if given else None)

    def _url(self, path: str) -> str:
        base = self._connection.address or self._connection.secret("base_url").rstrip("/")
        parts = urlsplit(base)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Unauthorized("base_url must be the https address of the account's server; nothing was sent")
        return base + path

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._connection.secret('access_token')}"}

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        """What an answer that is no 2xx means.

        Only the server's own word, as JSON, is a refusal of the content: a page of HTML comes from something in
        between, which may have stopped the answer and not the post.
        """
        why = f"the server answered {answer.status}{self._said(answer)}"
        is_own = is_object(answer.body)
        match answer.status:
            case 429:
                return RateLimited(why, until(answer.headers))
            case 402:
                return PaymentRequired(why)
            case 401:
                return Unauthorized(why, dead=True)
            case 403 if is_own and _LOCKED_OUT.search(why):
                return Unauthorized(why)
            case status if status == 413 or (is_own and status in _REFUSALS):
                return Rejected(why)
            case status if 300 <= status < 400:
                return in_doubt(f"{why}, which is no answer to a post; is base_url the server's own address?")
        return in_doubt(why)

    def _said(self, answer: Answer) -> str:
        """`: ` and the server's own reason, if it gave one; never a token, never a whole body."""
        try:
            error = json.loads(answer.body)["error"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
        if not isinstance(error, str):
            return ""
        words = error.replace(self._connection.secret("access_token"), "…")
        return ": " + "".join(letter if letter.isprintable() else " " for letter in words)[:300]

    def _object(self, answer: Answer) -> dict[str, Any]:
        value = self._json(answer)
        if not isinstance(value, dict):
            raise Unavailable(f"the server answered {answer.status}, but not with what was asked for")
        return value

    def _json(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise Unavailable(f"the server answered {answer.status}, but not with JSON") from None


PUBLISHER = Mastodon
