"""Mastodon, and servers that speak its client API.

Sources: docs.joinmastodon.org methods/statuses, methods/media, methods/accounts, methods/apps, methods/oauth,
methods/instance, entities/Instance, api/rate-limits, read 2026-11-22. A repeated `Idempotency-Key` gives the first post
again for an hour; servers of other makers may not.
"""
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from publishers._addresses import address_in
from publishers._answers import value_in
from publishers._http import Answer, converse
from publishers._mastodon_answers import id_in, made_at, object_in, receipt_in, refusal, text_or_none
from publishers._mastodon_server import asked_for, domain_in, lacking, limit_warnings, scope_warnings, scopes_in
from publishers._mastodon_text import LIMITS, OPTIONS, length, mime_of, pieces_of, problems_of, request_of, says
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_PAGES = 50                              # of 40 posts: how far back `find` reads
_PENDING = "processing:"                 # a handle that must be asked after before it is used
_ID = r"[0-9]{1,20}|[0-9A-HJKMNP-TV-Z]{26}|[0-9A-Za-z]{18}"      # Mastodon, GoToSocial, Pleroma
_POST_PATH = re.compile(rf"(?:web/|deck/)?@(?P<user>[^/@]+)/(?:statuses/)?(?P<id>{_ID})(?:/embed)?|"
                        rf"users/(?P<name>[^/@]+)/statuses/(?P<number>{_ID})|web/statuses/(?P<bare>{_ID})")


READY_TIMEOUT_S = 2.0
"""Asking after four files must not use up the time in which the create call is to leave."""


class Mastodon:
    """One account. `base_url` is its server; `access_token` has the scopes that `setup` names."""

    network: ClassVar[str] = "mastodon"
    needs: ClassVar[tuple[str, ...]] = ("access_token", "base_url")
    wants: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")
    setup: ClassVar[Setup] = Setup(
        app="An application on the account's own server: log in there, then Preferences → Development → New "
            "application. Give it a name, tick the four permissions below and no other, and submit.",
        fields={"base_url": "the server's address as your browser shows it, such as https://mastodon.example",
                "access_token": "click the application's name → Your access token",
                "client_id": "click the application's name → Client key; only to let somebody else say yes in a "
                             "browser instead of copying the access token: then add the address that Drumbeat shows "
                             "to the application's Redirect URIs",
                "client_secret": "the same page → Client secret; only together with client_id"},
        scopes=("read:accounts", "read:statuses", "write:statuses", "write:media"),
        expires="Does not expire. It ends when the application is deleted or its access is revoked under Preferences → "
                "Account → Authorized apps.",
        page="https://docs.joinmastodon.org/client/token/")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = LIMITS
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=2_700.0)    # three quarters of the documented hour
    handles_live_s: ClassVar[float] = 86_400.0                  # app/lib/vacuum/media_attachments_vacuum.rb: a day
    handles_are_shared: ClassVar[bool] = False                  # app/services/post_status_service.rb: attached once
    app_fields: ClassVar[tuple[str, ...]] = ("base_url", "client_id", "client_secret")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return length(text, self.limits.link_length)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=piece.kind, text=piece.text, request=request_of(message, number, piece.text),
                         media=tuple(media.blob for media in piece.media),
                         alts=tuple(media.alt or "" for media in piece.media),
                         names=tuple(media.name for media in piece.media), key=idempotency_key(message.slot, number))
            for number, piece in enumerate(pieces_of(message))))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Upload the media of one part.

        A file that the server still works on gets a handle too, which `publish` asks after: so waiting for a slow
        server never uploads anything twice.
        """
        what, handles = outgoing.parts[part], {}
        for blob, alt, name in zip(what.media, what.alts, what.names, strict=True):
            answer = self._ask("POST", "/api/v2/media", files={"file": (name, read(blob), mime_of(name))},
                               data={"description": alt} if alt else {})
            id = id_in(object_in(answer))
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
            return receipt_in(value_in(answer.body))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unconfirmed(f"the server answered {answer.status}, but not with a post") from None

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The account's own posts since `since` with the same text and warning, as many files, the same post answered.

        Of a post that was edited since, its first version counts; one that the server does not show makes the look
        incomplete. Boosts do not count.
        """
        what, parent = outgoing.parts[part], so_far.parts[part - 1].id if part else None
        earliest = since.replace(microsecond=0)
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
                    elif says(shown, what):
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
        return id_in(self._me())

    def withdraw(self, receipt: PartReceipt) -> None:
        """The post is deleted, with its pictures. 404 means gone, if nobody else may see the post either.

        A server says 404 of another account's post too, and shows it when it is asked for it.
        """
        path = f"/api/v1/statuses/{quote(receipt.id, safe='')}"
        answer = self._call("DELETE", path, params={"delete_media": "true"})     # known from 4.4 on, ignored before
        if 200 <= answer.status < 300:
            return
        if answer.status != 404 or not isinstance(value_in(answer.body), dict):
            raise self._refusal(answer, Unavailable)
        shown = self._call("GET", path)
        if 200 <= shown.status < 300:
            raise Rejected("the server shows the post, but it is not this account's to delete")
        if shown.status != 404:
            raise self._refusal(shown, Unavailable)

    def verify(self) -> Verified:
        """Whose token it is, what its application may do, and where the server is stricter than our numbers."""
        me, warnings, domain = self._me(), list[str](), ""
        if (scopes := self._scopes()) is not None:
            warnings += scope_warnings(scopes, self.setup.scopes)
        try:
            instance = self._instance()
            domain = domain_in(instance)
            warnings += limit_warnings(instance, self.limits)
        except RateLimited:
            raise
        except PublishError as error:
            warnings.append(f"The server does not tell its limits ({error.why}): compare them yourself.")
        name = str(me.get("acct") or me.get("username") or id_in(me))
        return Verified(f"@{name}@{domain}" if domain else f"@{name}", id_in(me), scopes, warnings=tuple(warnings),
                        lacks=lacking(scopes, self.setup.scopes) if scopes is not None else ())

    def authorization(self, redirect: str, state: str, verifier: str) -> str:
        """The server's page that asks. `redirect` must stand among the redirect URIs of the application."""
        client = self._connection.secret("client_id")
        return self._url(f"/oauth/authorize?{asked_for(client, redirect, state, verifier, self.setup.scopes)}")

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:
        """The access token; it does not expire. A code is good once: after a failure the page is opened again."""
        client = {name: self._connection.secret(name) for name in ("client_id", "client_secret")}
        answer = converse(self._connection, "POST", self._url("/oauth/token"), repeatable=True, data={
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier,
            **client})
        if not 200 <= answer.status < 300:
            error = refusal(answer, Unavailable, (code, verifier, client["client_secret"]))
            raise Unauthorized(error.why) if isinstance(error, Rejected) else error
        if not isinstance(token := object_in(answer).get("access_token"), str) or not token:
            raise Unavailable("the server said yes without an access token")
        return {"access_token": token}

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
            page = value_in(self._ask("GET", f"/api/v1/accounts/{me}/statuses", params=asked).body)
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
            versions = value_in(self._ask("GET", f"/api/v1/statuses/{id_in(status)}/history").body)
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
        answer = self._call(method, path, within=within, **what)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return answer

    def _call(self, method: str, path: str, *, within: float | None = None, **what: Any) -> Answer:
        """Whatever the server answers to a call that may be repeated freely."""
        connection = self._connection._replace(request_timeout_s=within) if within else self._connection
        return converse(connection, method, self._url(path), headers=self._headers(), repeatable=True, **what)

    def _me(self) -> dict[str, Any]:
        return object_in(self._ask("GET", "/api/v1/accounts/verify_credentials"))

    def _scopes(self) -> tuple[str, ...] | None:
        """None where the server does not tell; other servers have no such path."""
        answer = self._call("GET", "/api/v1/apps/verify_credentials")
        told = value_in(answer.body) if answer.status == 200 else None
        return scopes_in(told) if isinstance(told, dict) else None

    def _instance(self) -> dict[str, Any]:
        """The server's own description; the older form where the newer is not known."""
        answer = self._call("GET", "/api/v2/instance")
        if answer.status == 404:
            answer = self._ask("GET", "/api/v1/instance")
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return object_in(answer)

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
        return refusal(answer, in_doubt, (self._connection.secret("access_token"),))


PUBLISHER = Mastodon
