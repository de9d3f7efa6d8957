"""Who may look: with the page token anybody, without one this computer only. The hook has secrets of its own."""
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from flows.edges.credentials import given
from flows.edges.settings import Settings
from flows.web.forges import SHORTEST_SECRET, signing_key
from schemas.channel import Channel
from schemas.errors import SettingsError

COOKIE = "drumbeat"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
Page = Callable[[Request], Response]


class Keys(NamedTuple):
    """`hook`: any of them may sign a push; none: no push is taken. `page` None: only this computer sees the pages."""

    hook: tuple[str, ...] = ()
    page: str | None = None


def keys_of(settings: Settings, environment: Mapping[str, str] = os.environ) -> Keys:
    """DRUMBEAT_HOOK_SECRET and DRUMBEAT_WEB_TOKEN, else [HOOK] secret and [WEB] token of the credentials' file.

    Raises SettingsError for a file that others can read, and for a secret that could be guessed.
    """
    hook = tuple(_said("hook", "secret", settings, environment).split())
    page = _said("web", "token", settings, environment).strip() or None
    for name, secret in [*(("DRUMBEAT_HOOK_SECRET", one) for one in hook), ("DRUMBEAT_WEB_TOKEN", page)]:
        if secret is not None and len(secret) < SHORTEST_SECRET:
            raise SettingsError(f"{name} is shorter than {SHORTEST_SECRET} characters and could be guessed.",
                                "Make a long one: openssl rand -hex 32 (a space in it would part it into two)")
        if secret is not None and secret.startswith("whsec_") and name != "DRUMBEAT_WEB_TOKEN" and (
                len(signing_key(secret) or b"") < SHORTEST_SECRET):
            raise SettingsError(f"{name} begins like a signing token of GitLab and is none.",
                                "Copy it again from the webhook's settings: whsec_ and 44 characters.")
    if page is not None and not page.isascii():
        raise SettingsError("DRUMBEAT_WEB_TOKEN has characters that an address cannot hold.",
                            "Make a new one: openssl rand -hex 32")
    return Keys(hook, page)


def _said(connection: str, field: str, settings: Settings, environment: Mapping[str, str]) -> str:
    found = given(Channel(id=connection, network="none"), (field,), settings.credentials, environment)
    return found[field].get_secret_value() if field in found else ""


def refuse_open_door(host: str, keys: Keys, *, hook_only: bool) -> None:
    """Raises SettingsError when pages without a token would be seen by other computers."""
    if host not in _LOOPBACK and keys.page is None and not hook_only:
        raise SettingsError(f"Everybody who reaches {host} could read posts that are not out yet.",
                            "Set DRUMBEAT_WEB_TOKEN (make one: openssl rand -hex 32), or offer no pages: --hook-only.")


def guarded(page: Page, token: str | None) -> Page:
    """`page` for those who may see it; anybody else is told what is missing, and nothing more."""

    def answer(request: Request) -> Response:
        if token is None:
            return page(request) if _is_here(request) else PlainTextResponse(
                "Without DRUMBEAT_WEB_TOKEN these pages are for the computer they run on.\n", 403)
        if (said := request.query_params.get("token")) is not None and _same(said, token):
            return _remember(request, token)
        login = request.headers.get("authorization", "")
        if _same(login.removeprefix("Bearer "), token) or _same(request.cookies.get(COOKIE, ""), _pass(token)):
            return page(request)
        return PlainTextResponse("This page needs the token: add ?token=… to its address, or send it as "
                                 "'Authorization: Bearer …'.\n", 401, {"WWW-Authenticate": "Bearer"})

    return answer


def _is_here(request: Request) -> bool:
    """Whether a browser of this computer asks for this computer.

    Not so when another name leads here (DNS rebinding), or when a proxy passes strangers on.
    """
    try:
        asked_for = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return False
    return asked_for in _LOOPBACK and not any(name in request.headers for name in _FORWARDED)


def _remember(request: Request, token: str) -> Response:
    """To the same address without the token; a cookie that no script and no other site can use stands for it."""
    clean = request.url.remove_query_params("token")
    response = RedirectResponse(f"{clean.path}?{clean.query}" if clean.query else clean.path, 303)
    response.set_cookie(COOKIE, _pass(token), max_age=30 * 86_400, path="/", httponly=True, samesite="strict",
                        secure=request.url.scheme == "https")
    return response


def _pass(token: str) -> str:
    """What the cookie holds: it opens the pages and does not give the token away."""
    return hmac.digest(token.encode(), b"drumbeat pages", hashlib.sha256).hex()


def _same(said: str, known: str) -> bool:
    return hmac.compare_digest(said.encode("utf-8", "replace"), known.encode())
