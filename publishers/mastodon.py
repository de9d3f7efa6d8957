"""Mastodon, and servers that speak its client API.

Sources: docs.joinmastodon.org methods/statuses, methods/media, methods/accounts, entities/Instance, api/rate-limits,
read 2026-11-22. A repeated `Idempotency-Key` gives the first post again for an hour; servers of other makers may not.
"""
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, NoReturn
from urllib.parse import urlsplit

from publishers._html import visible_text
from publishers._http import Answer, converse
from publishers._mastodon_text import length, plain, problems_of, texts
from publishers.base import Connection, Found, Limits, Outgoing, OutgoingPart, Sent
from schemas.errors import PaymentRequired, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
          "avif": "image/avif", "heic": "image/heic", "heif": "image/heif"}
_PAGES = 50                              # of 40 posts: how far back `find` reads
_PENDING = "processing:"                 # a handle that must be asked after before it is used
_LOCKED_OUT = re.compile(r"scope|login|disabled|suspended|approv|confirm", re.IGNORECASE)


READY_TIMEOUT_S = 2.0
"""Asking after four files must not use up the time in which the create call is to leave."""


class Mastodon:
    """One account. `base_url` is its server; `access_token` has the scopes read:accounts, read:statuses and write."""

    network: ClassVar[str] = "mastodon"
    needs: ClassVar[tuple[str, ...]] = ("access_token", "base_url")
    wants: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[Limits] = Limits(
        text=500, unit="characters", link_length=23, alt=1500, images=4, image_bytes=16_777_216,
        image_types=tuple(_TYPES), source="docs.joinmastodon.org/entities/Instance (defaults)", read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=2_700.0)
    handles_live_s: ClassVar[float] = 86_400.0
    handles_are_shared: ClassVar[bool] = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return length(text, self.limits.link_length)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

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
            id = _id(self._object(answer))
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
        if answer.status >= 500 or answer.status == 408:
            raise Unconfirmed(f"the server answered {answer.status}{self._said(answer)}")
        if not 200 <= answer.status < 300:
            self._refused(answer)
        try:
            return _receipt(json.loads(answer.body))
        except (ValueError, KeyError, TypeError):
            raise Unconfirmed(f"the server answered {answer.status}, but not with a post") from None

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        what, parent = outgoing.parts[part], so_far.parts[part - 1].id if part else None
        me = _id(self._object(self._ask("GET", "/api/v1/accounts/verify_credentials")))
        matches: list[PartReceipt] = []
        try:
            for status in self._recent(me):
                if status is None:
                    return Found(tuple(matches), complete=False)
                if datetime.fromisoformat(status["created_at"]) < since:
                    break
                if (plain(visible_text(status["content"])) == plain(what.text) and status["in_reply_to_id"] == parent
                        and len(status["media_attachments"]) == len(what.media)):
                    matches.append(_receipt(status))
        except (KeyError, TypeError, ValueError):
            raise Unavailable("the server listed posts in a form that is not Mastodon's") from None
        return Found(tuple(matches), complete=True)

    def _recent(self, me: str) -> Iterator[Any]:
        """The account's own posts, newest first; None at the end when there are more than are read."""
        page = {"limit": "40", "exclude_reblogs": "true"}
        for _ in range(_PAGES):
            statuses = self._json(self._ask("GET", f"/api/v1/accounts/{me}/statuses", params=page))
            if not statuses:
                return
            yield from statuses
            page = {**page, "max_id": str(statuses[-1]["id"])}
        yield None

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
        if answer.status >= 500 or answer.status == 408:
            raise Unavailable(f"the server answered {answer.status}{self._said(answer)}")
        if not 200 <= answer.status < 300:
            self._refused(answer)
        return answer

    def _url(self, path: str) -> str:
        base = self._connection.address or self._connection.secret("base_url").rstrip("/")
        parts = urlsplit(base)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Unauthorized("base_url must be the https address of the account's server; nothing was sent")
        return base + path

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._connection.secret('access_token')}"}

    def _refused(self, answer: Answer) -> NoReturn:
        """Raise what an answer that is neither 2xx nor 5xx means: in any case nothing was posted."""
        why = f"the server answered {answer.status}{self._said(answer)}"
        match answer.status:
            case 429:
                raise RateLimited(why, _until(answer.headers))
            case 402:
                raise PaymentRequired(why)
            case 401:
                raise Unauthorized(why)
            case 403 if _LOCKED_OUT.search(why):
                raise Unauthorized(why)
            case status if status < 400:
                raise Rejected(f"{why}, which is no answer to a post; is base_url the server's own address?")
        raise Rejected(why)

    def _said(self, answer: Answer) -> str:
        """`: ` and the server's own reason, if it gave one; never a token, never a whole body."""
        try:
            error = json.loads(answer.body)["error"]
        except (ValueError, KeyError, TypeError):
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
        except ValueError:
            raise Unavailable(f"the server answered {answer.status}, but not with JSON") from None


def _id(value: Mapping[str, Any]) -> str:
    if not isinstance(id := value.get("id"), str | int):
        raise Unavailable("the server gave no id")
    return str(id)


def _receipt(status: Mapping[str, Any]) -> PartReceipt:
    """Raises KeyError, TypeError or ValueError for what is no post. An address that is not http(s) is not kept."""
    id, url = status["id"], status.get("url")
    if not isinstance(id, str | int) or id == "":
        raise ValueError
    is_web = isinstance(url, str) and urlsplit(url).scheme in ("http", "https")
    return PartReceipt(id=str(id), url=url if is_web else None)


def _until(headers: Mapping[str, str]) -> datetime | None:
    """When a limit ends. Mastodon writes an ISO time, GoToSocial seconds since 1970; a proxy only says how long."""
    reset, wait = headers.get("x-ratelimit-reset", ""), headers.get("retry-after", "")
    try:
        if reset.replace(".", "", 1).isdecimal():
            return datetime.fromtimestamp(float(reset), UTC)
        if reset:
            at = datetime.fromisoformat(reset)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if wait.isdecimal():
            return parsedate_to_datetime(headers["date"]).astimezone(UTC) + timedelta(seconds=int(wait))
        return parsedate_to_datetime(wait).astimezone(UTC) if wait else None
    except (ValueError, KeyError, OverflowError, OSError):
        return None


PUBLISHER = Mastodon
