"""Pinterest in rehearsal: accounts with boards, pins that fetch their pictures, and what the API refuses of them.

It fetches each picture from the address it is given, as the real one does, but from this machine only.
Sources: github.com/pinterest/api-description, v5/openapi.yaml 5.28 (pins, boards, user_account, oauth/token, `Error`);
code 29 of Trial access: github.com/gitroomhq/postiz-app issue 1084; read 2026-11-22. Accounts whose name ends in
`trial` have Trial access; board 404 does not exist.
"""
import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Kept, Refusal, Twin

_TITLE, _DESCRIPTION, _ALT, _LINK, _CAROUSEL, _BYTES = 100, 800, 500, 2_048, (2, 5), 20_000_000
_SEEN_EVERYWHERE = ("127.0.0.1", "localhost", "::1")     # no rehearsal reaches out into the world
_PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
_BOARDS = (("549755885175", "Kettles"), ("549755885176", "Mills"))


class PinterestTwin(Twin):
    """Any number of accounts; whoever brings a token is one. A board with any other number is theirs too."""

    network: ClassVar[str] = "pinterest"
    title: ClassVar[str] = "Pinterest"
    accent: ClassVar[str] = "#bd081c"
    creates: ClassVar[tuple[str, ...]] = ("POST /v5/pins",)

    def routes(self) -> list[Route]:
        return [Route("/v5/pins", self._create, methods=["POST"]),
                Route("/v5/pins/{id}", self._delete, methods=["DELETE"]),
                Route("/v5/boards", self._boards),
                Route("/v5/boards/{board}/pins", self._pins),
                Route("/v5/boards/{board}/sections/{section}/pins", self._pins),
                Route("/v5/user_account", self._me),
                Route("/v5/oauth/token", self._token, methods=["POST"]),
                Route("/oauth/", self._say_yes)]

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        try:
            pin = json.loads(body)
        except ValueError:
            return ""
        names = ("board_id", "title", "description", "link")
        return "|".join(str(pin.get(name) or "") for name in names) if isinstance(pin, dict) else ""

    def _recall(self, kind: str, value: Any) -> None:
        if kind == "gone":
            self.posts.remove(self._by_id.pop(value))
        else:
            super()._recall(kind, value)

    def unauthorized(self) -> Refusal:
        return _no(401, 2, "Authentication failed.")

    def rate_limited(self, until: datetime) -> Refusal:
        refusal = _no(429, 8, "You have exceeded your rate limit. Try again later.")
        seconds = str(max(1, round((until - self.now()).total_seconds())))
        refusal.headers.update({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": seconds})
        return refusal

    def broken(self) -> Refusal:
        return _no(500, 0, "Something went wrong on our end. Sorry about that.")

    def overloaded(self, until: datetime | None) -> Refusal:
        refusal = _no(503, 0, "Service unavailable")
        refusal.headers.update(self._retry_after(until))
        return refusal

    # --- pins ---------------------------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        account, pin = self._account(request), await _body(request)
        if account.endswith("trial"):
            raise _no(403, 29, "Apps with Trial access may not create Pins in production https://api.pinterest.com - "
                               "use API Sandbox https://api-sandbox.pinterest.com instead.")
        self._board(str(pin.get("board_id") or ""))
        for name, most in (("title", _TITLE), ("description", _DESCRIPTION), ("alt_text", _ALT), ("link", _LINK)):
            said = pin.get(name)
            if said is not None and (not isinstance(said, str) or len(said) > most):
                raise _no(400, 1, f"Invalid request: {name!r} is too long (maximum {most} characters)")
        if (link := pin.get("link")) and urlsplit(link).scheme not in ("http", "https"):
            raise _no(400, 1, "Invalid request: 'link' is not a valid URL")
        pictures = [await self._fetched(address) for address in _addresses(pin.get("media_source"))]
        # nothing is awaited from here on: two calls at once do not meet
        media = [self.keep_media(data, name=name, mime=mime, account=account) for name, mime, data in pictures]
        self.describe_media(media[0], pin.get("alt_text") or "")
        kept = self.keep(account=account, text=pin.get("description") or pin.get("title") or "", media=media, extra={
            "board_id": pin["board_id"], "board_section_id": pin.get("board_section_id"), "link": pin.get("link"),
            "title": pin.get("title"), "description": pin.get("description")})
        return JSONResponse(self._as_json(kept), 201)

    async def _fetched(self, address: str) -> tuple[str, str, bytes]:
        if urlsplit(address).hostname not in _SEEN_EVERYWHERE:
            raise _no(400, 235, "Sorry! We could not fetch the image.")
        try:
            async with httpx.AsyncClient(timeout=20.0, trust_env=False) as client:
                answer = await client.get(address)
        except httpx.HTTPError:
            raise _no(400, 235, "Sorry! We could not fetch the image.") from None
        kind = next((mime for start, mime in _PICTURES.items() if answer.content.startswith(start)), None)
        if answer.status_code != 200 or kind is None or len(answer.content) > _BYTES or opened(answer.content) is None:
            raise _no(403, 236, "The Pin's image is too small, too large or is broken")
        return address.rpartition("/")[2], kind, answer.content

    async def _delete(self, request: Request) -> Response:
        account, kept = self._account(request), self.post(request.path_params["id"])
        if kept is None or kept.account != account:
            raise _no(404, 50, "Pin not found.")
        self._journal.write("gone", kept.id)
        self._recall("gone", kept.id)
        return Response(status_code=204)

    async def _pins(self, request: Request) -> Response:
        account, asked = self._account(request), request.query_params
        board, section = request.path_params["board"], request.path_params.get("section")
        self._board(board)
        mine = [post for post in reversed(self.posts) if post.account == account and post.extra["board_id"] == board
                and section in (None, post.extra["board_section_id"])]
        return JSONResponse(_page([self._as_json(post) for post in mine], asked))

    async def _boards(self, request: Request) -> Response:
        self._account(request)
        return JSONResponse(_page([{"id": id, "name": name, "privacy": "PUBLIC"} for id, name in _BOARDS],
                                  request.query_params))

    @staticmethod
    def _board(number: str) -> None:
        if not number.isdigit() or number == "404":
            raise _no(404, 40, "Board not found.") if number.isdigit() else _no(
                400, 1, f"Invalid request: {number!r} does not match '^\\\\d+$'")

    @staticmethod
    def _as_json(post: Kept) -> dict[str, Any]:
        media: dict[str, Any] = {"media_type": "image"}
        if len(post.media) > 1:
            media = {"media_type": "multiple_images", "items": [{"item_type": "image"} for _ in post.media]}
        return {"id": post.id, "created_at": post.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "link": post.extra["link"], "title": post.extra["title"], "description": post.extra["description"],
                "board_id": post.extra["board_id"], "board_section_id": post.extra["board_section_id"], "media": media}

    # --- accounts -----------------------------------------------------------------------------------------------------

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        number = int.from_bytes(hashlib.sha256(account.encode()).digest()[:7])
        return JSONResponse({"account_type": "BUSINESS", "id": str(number), "username": account.lstrip("@")})

    async def _say_yes(self, request: Request) -> Response:
        asked = request.query_params
        if asked.get("response_type") != "code" or "pins:write" not in asked.get("scope", "").split(","):
            raise _no(400, 1, "Invalid request")
        back = urlencode({"code": f"code:{asked['client_id']}", "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, secret = base64.b64decode(basic, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            user = secret = ""
        if scheme != "Basic" or not user or secret in ("", "expired"):
            raise _no(401, 2, "Authentication failed.")
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        bought = form.get("refresh_token", "")
        if form.get("grant_type") == "authorization_code":
            bought = form.get("code", "").replace("code:", "rehearsal:", 1)
        if not bought.startswith("rehearsal:"):
            raise _no(401, 2, "Authentication failed.")
        return JSONResponse({"response_type": form["grant_type"], "access_token": bought, "token_type": "bearer",
                             "expires_in": 2_592_000, "refresh_token": bought, "refresh_token_expires_in": 5_184_000,
                             "scope": "boards:read boards:write pins:read pins:write user_accounts:read"})

    def _account(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(token)


def _addresses(source: object) -> Sequence[str]:
    """Where the pictures of a pin are. Raises Refusal for a source that is not as documented."""
    given = source if isinstance(source, dict) else {}
    match given.get("source_type"):
        case "image_url":
            found = [given.get("url")]
        case "multiple_image_urls":
            items = given.get("items")
            found = [item.get("url") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
            if not _CAROUSEL[0] <= len(found) <= _CAROUSEL[1]:
                raise _no(400, 1, f"Invalid request: 'items' has {_CAROUSEL[0]} to {_CAROUSEL[1]} entries")
        case _:
            raise _no(400, 1, "Invalid request: 'media_source' is a required property")
    addresses = [address for address in found if isinstance(address, str) and address]
    if len(addresses) != len(found):
        raise _no(400, 1, "Invalid request: 'url' is a required property")
    return addresses


def _page(entries: Sequence[dict[str, Any]], asked: Mapping[str, str]) -> dict[str, Any]:
    size, start = max(1, min(int(asked.get("page_size", "25")), 250)), int(asked.get("bookmark") or 0)
    more = start + size < len(entries)
    return {"items": entries[start:start + size], "bookmark": str(start + size) if more else None}


def _no(status: int, code: int, message: str) -> Refusal:
    return Refusal(status, {"code": code, "message": message})


async def _body(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise _no(400, 1, "Invalid request: body is not JSON")
    return given


TWIN = PinterestTwin
