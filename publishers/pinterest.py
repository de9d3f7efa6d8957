"""Pinterest: a pin with a picture, or with a carousel of two to five, on a board of the account.

Pinterest fetches pictures itself, from an address that is open to the world. Films would have to be uploaded as bytes,
so they are refused. Sources: github.com/pinterest/api-description, v5/openapi.yaml 5.28 (pins, boards, user_account,
oauth/token); developers.pinterest.com/docs, pages content/update, getting-started/set-up-authentication-and-
authorization, api-features/sandbox; read 2026-11-22. Pinterest makes a second pin of a repeated call.
"""
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from publishers._addresses import address_in
from publishers._answers import credentials_in, object_in
from publishers._http import Answer, converse
from publishers._pinterest_answers import NUMBER, judged, made_id, page_in, refusal
from publishers._pinterest_text import (
    LIMITS,
    OPTIONS,
    alt_of,
    pieces_of,
    problems_of,
    request_of,
    with_pictures,
)
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

PAGE_SIZE = 250
MOST_PAGES = 20                          # 5,000 pins of a board; a look that needs more is not complete

API_HOSTS = ("api.pinterest.com", "api-sandbox.pinterest.com")
_SITE = "https://www.pinterest.com"
_SCOPES = ("boards:read", "boards:write", "pins:read", "pins:write", "user_accounts:read")
_HOST = re.compile(r"(?:[a-z]{2,3}\.)?pinterest\.(?:com|com\.(?:au|mx)|co\.(?:uk|kr)|at|ca|ch|cl|de|dk|es|fr|ie|it|jp|"
                   r"nz|ph|pt|ru|se)")
_SHOWN = 20                              # boards that `verify` names


class Pinterest:
    """One account. The access token lives 30 days; whoever opens the channel renews it."""

    network: ClassVar[str] = "pinterest"
    needs: ClassVar[tuple[str, ...]] = ("access_token",)
    wants: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "refresh_token", "expires_at", "api_host")
    setup: ClassVar[Setup] = Setup(
        app="An app at https://developers.pinterest.com/apps, made with a business account (a personal one can be "
            "changed into one for nothing). Add the redirect address that Drumbeat shows to it, then connect the "
            "account in a browser. Each channel also needs 'options: {board: \"NUMBER\"}'. Pictures are fetched by "
            "Pinterest: the archive has to be one with public addresses (--archive s3://…). Films are not uploaded.",
        fields={"access_token": "filled in when the account is connected in a browser",
                "client_id": "the app's page → App ID",
                "client_secret": "the app's page → App secret key",
                "refresh_token": "filled in with the access token",
                "expires_at": "when the access token ends; filled in with it",
                "api_host": "api-sandbox.pinterest.com for trials that nobody else sees; else leave it out"},
        scopes=_SCOPES,
        expires="The access token after 30 days, and is renewed by itself. The refresh token lives 60 days and is "
                "replaced at each renewal: an account that rests for two months has to be connected anew. (Apps made "
                "before September 2025: a year, not replaced.)",
        review="A new app has Trial access: it can pin only into the sandbox (api_host: api-sandbox.pinterest.com), "
               "where nobody but you sees it. For pins in public ask for Standard access on the app's page, with a "
               "video that shows somebody connecting the account in a browser and a pin being made.",
        costs="Free.",
        page="https://developers.pinterest.com/docs/getting-started/connect-app/")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = LIMITS
    lookup: ClassVar[Lookup] = Lookup(Repeat.plain)
    handles_live_s: ClassVar[float] = 3_600.0                   # an address is the caller's, and has to answer so long
    handles_are_shared: ClassVar[bool] = False
    addresses_last: ClassVar[bool] = False
    refresh_ahead_s: ClassVar[float] = 7 * 86_400.0
    app_fields: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- thinking -----------------------------------------------------------------------------------------------------

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        parts = []
        for number, piece in enumerate(pieces_of(message)):
            alts = (alt_of(piece.media), *("" for _ in piece.media[1:])) if piece.media else ()
            parts.append(OutgoingPart(
                kind=piece.kind, text=piece.text, request=request_of(message, piece), alts=alts,
                media=tuple(media.blob for media in piece.media), names=tuple(media.name for media in piece.media),
                key=idempotency_key(message.slot, number)))
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(parts))

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes /pin/NUMBER/ of Pinterest in any country, and the bare number."""
        said, base = address.strip(), self._connection.address
        number = said if NUMBER.fullmatch(said) else ""
        if not number and (given := address_in(said)) is not None:
            if base:
                number = given.anchored(base, self.network) or ""
            elif _HOST.fullmatch(given.host) and given.path[:1] == ("pin",) and len(given.path) > 1:
                number = given.path[1].rpartition("--")[2]       # some addresses carry the title before the number
        if not NUMBER.fullmatch(number):
            raise ValueError("an address of a pin looks like https://www.pinterest.com/pin/813744226420795884/; of a "
                             "short one at pin.it take what the browser shows after opening it")
        return self._receipt(number)

    # --- talking ------------------------------------------------------------------------------------------------------

    def fetch(self, outgoing: Outgoing, part: int, address: Callable[[str], str]) -> dict[str, str]:
        """The handle of a picture is its address: Pinterest fetches it while it makes the pin."""
        handles = {blob: address(blob) for blob in outgoing.parts[part].media}
        if self._connection.address is None and any(urlsplit(one).scheme != "https" for one in handles.values()):
            raise Unavailable("Pinterest fetches pictures from an https address that is open to the world; set one up")
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what = outgoing.parts[part]
        if what.kind == "comment" or any(name.lower().endswith((".mp4", ".mov", ".m4v")) for name in what.names):
            raise Rejected("Drumbeat makes pins with pictures, no comments and no films; nothing was posted")
        addresses = [so_far.handles[blob] for blob in what.media]
        body = with_pictures(what.request, addresses) if addresses else what.request
        answer = converse(self._connection, "POST", self._url("/pins"), json=body, headers=self._headers())
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unconfirmed)
        return self._receipt(made_id(answer))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """The pins of the board since `since` with the same title, text, link and number of pictures.

        A board's owner puts its pins in any order, so all of them are read. One that was edited since may have been
        this: a pin with its title or its text makes the look incomplete.
        """
        what, earliest = outgoing.parts[part], since.replace(microsecond=0)
        matches: dict[str, PartReceipt] = {}
        complete = True
        try:
            for entries in self._pins(what.request):
                complete = complete and entries is not None
                for entry in entries or ():
                    id, can_tell = judged(entry, what, earliest)
                    complete = complete and can_tell
                    if id is not None:
                        matches[id] = self._receipt(id)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("Pinterest listed pins in a form that is not documented") from None
        return Found(tuple(matches.values()), complete)

    def withdraw(self, receipt: PartReceipt) -> None:
        """The pin is deleted; those that others saved of it stay."""
        answer = self._send("DELETE", f"/pins/{quote(receipt.id, safe='')}")
        if not (200 <= answer.status < 300 or (answer.status == 404 and object_in(answer.body) is not None)):
            raise self._refusal(answer, Unavailable)

    def account_id(self) -> str:
        """Pinterest's number of the account. Never raises Unconfirmed."""
        return str(self._me()["id"])

    def verify(self) -> Verified:
        """Whose token it is, and which boards there are."""
        me, warnings = self._me(), list[str]()
        if self._host == API_HOSTS[1]:
            warnings.append("api_host is the sandbox: nobody but you sees what is pinned there. Take the field out "
                            "once the app has Standard access.")
        try:
            boards, _ = page_in(self._ask("/boards", {"page_size": str(PAGE_SIZE)}))
        except RateLimited:
            raise
        except PublishError as error:
            warnings.append(f"The boards cannot be listed ({error.why}): connect the account anew and say yes to all.")
        else:
            names = ", ".join(f"{str(board.get('name'))[:40]} = {board.get('id')}" for board in boards[:_SHOWN])
            warnings.append(f"For 'options: {{board: …}}' the account has: {names}." if boards else
                            "The account has no board: make one at Pinterest before anything is pinned.")
        return Verified(f"@{me.get('username') or me['id']}", str(me["id"]), warnings=tuple(warnings))

    # --- signing in ---------------------------------------------------------------------------------------------------

    def authorization(self, redirect: str, state: str, verifier: str) -> str:  # noqa: ARG002 — no PKCE documented
        query = urlencode({"client_id": self._connection.secret("client_id"), "redirect_uri": redirect,
                           "response_type": "code", "scope": ",".join(_SCOPES), "state": state}, quote_via=quote)
        return f"{self._connection.address or _SITE}/oauth/?{query}"

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:  # noqa: ARG002
        return self._tokens({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect,
                             "continuous_refresh": "true"})

    def refresh(self) -> dict[str, str]:
        if not self._field("refresh_token"):
            raise Unauthorized("there is no refresh token: someone has to connect the account in a browser")
        return self._tokens({"grant_type": "refresh_token", "refresh_token": self._field("refresh_token")})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _tokens(self, form: dict[str, str]) -> dict[str, str]:
        user, secret = self._connection.secret("client_id"), self._connection.secret("client_secret")
        basic = b64encode(f"{user}:{secret}".encode("utf-8", "replace")).decode()
        answer = converse(self._connection, "POST", self._url("/oauth/token"), data=form, repeatable=True,
                          headers={"Authorization": f"Basic {basic}"})
        if 200 <= answer.status < 300:
            return credentials_in(answer, "Pinterest")
        error = refusal(answer, Unavailable, (*self._secrets(), *form.values(), basic))
        if isinstance(error, Rejected | Unauthorized):
            raise Unauthorized(f"{error.why.partition(';')[0]}; someone has to connect the account again, or the "
                               "app's ID and secret are wrong")
        raise error

    def _pins(self, request: dict[str, Any]) -> Iterator[list[dict[str, Any]] | None]:
        """The pins of the board, or of its section, by page; None at the end when there may be more."""
        section = request.get("board_section_id")
        inside = f"/sections/{quote(section, safe='')}" if section else ""
        path, asked = f"/boards/{quote(request['board_id'], safe='')}{inside}/pins", {"page_size": str(PAGE_SIZE)}
        for _ in range(MOST_PAGES):
            entries, bookmark = page_in(self._ask(path, asked))
            yield entries
            if bookmark is None:
                return
            asked = {**asked, "bookmark": bookmark}
        yield None

    def _me(self) -> dict[str, Any]:
        body = object_in(self._ask("/user_account", {}).body) or {}
        if not NUMBER.fullmatch(str(body.get("id") or "")):
            raise Unavailable("Pinterest did not say whose token this is")
        return body

    def _ask(self, path: str, params: dict[str, str]) -> Answer:
        """A read, answered with 2xx. Raises a PublishError that is never Unconfirmed."""
        answer = self._send("GET", path, params=params)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return answer

    def _send(self, method: str, path: str, **what: Any) -> Answer:
        return converse(self._connection, method, self._url(path), headers=self._headers(), repeatable=True, **what)

    def _receipt(self, number: str) -> PartReceipt:
        """A twin shows all posts on one page."""
        twin = self._connection.address
        return PartReceipt(id=number, url=f"{twin}/#{self.network}-{number}" if twin else f"{_SITE}/pin/{number}/")

    def _url(self, path: str) -> str:
        return f"{self._connection.address or f'https://{self._host}'}/v5{path}"

    @property
    def _host(self) -> str:
        host = self._field("api_host") or API_HOSTS[0]
        if self._connection.address is None and host not in API_HOSTS:
            raise Unauthorized(f"the credential field 'api_host' is one of {', '.join(API_HOSTS)}; nothing was sent")
        return host

    def _headers(self) -> dict[str, str]:
        if not (token := self._field("access_token")):
            raise Unauthorized("there is no access token: someone has to connect the account", dead=True)
        return {"Authorization": f"Bearer {token}"}

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        return refusal(answer, in_doubt, self._secrets())

    def _secrets(self) -> tuple[str, ...]:
        return tuple(self._field(name) for name in ("access_token", "refresh_token", "client_secret"))

    def _field(self, name: str) -> str:
        given = self._connection.credentials.get(name)
        return given.get_secret_value() if given is not None else ""


PUBLISHER = Pinterest
