"""The Graph API's error objects in rehearsal, and how a person says yes there: dialog, tokens, the pages they run.

Sources: as `facebook_page_twin.py`.
"""
import base64
import hashlib
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from publishers.rehearsal._twin import Refusal

_SCOPES = ("pages_manage_posts", "pages_read_engagement", "pages_show_list", "pages_manage_engagement")
_SHORT, _LONG = "rehearsal-user-short:", "rehearsal-user-long:"     # tokens of a person, by the app that they are of
BAD_TOKENS = {"expired": (400, 463, "Session has expired on Sunday, 22-Nov-26 06:00:00 PST."),
              "revoked": (401, 460, "The session has been invalidated because the user changed their password.")}


def fault(code: int, message: str, *, status: int = 400, subcode: int | None = None, **more: object) -> Refusal:
    error: dict[str, object] = {"message": message, "type": "OAuthException", "code": code, **more}
    if subcode is not None:
        error["error_subcode"] = subcode
    return Refusal(status, {"error": error | {"fbtrace_id": "ArehearsalTRACE00000000"}})


def bad_token(word: str) -> Refusal:
    status, subcode, why = BAD_TOKENS[word]
    return fault(190, f"Error validating access token: {why}", status=status, subcode=subcode)


def number_of(account: str) -> str:
    """A page's number: its own, or for one that is called by name always the same."""
    return account if account.isdecimal() else str(int(hashlib.sha256(account.encode()).hexdigest()[:13], 16))


class Login:
    """Whoever says yes in a browser looks after the page called like the app's id; after `pages`, once there are any.

    `token` is what debugging a page's token says of it; None: nobody is told.
    """

    def __init__(self) -> None:
        self._codes: dict[str, tuple[str, str]] = {}     # for which app, and to which address it was given
        self.pages: list[dict[str, Any]] = []
        self.token: dict[str, Any] | None = {"type": "PAGE", "is_valid": True, "expires_at": 0,
                                             "scopes": list(_SCOPES)}

    def debugged(self, request: Request) -> Response:
        """What a token is good for; told to the app itself (id, a pipe, secret) and to the token's own page."""
        asking, asked = request.query_params["access_token"], request.query_params.get("input_token", "")
        if self.token is None or (asking != asked and "|" not in asking):
            raise fault(100, "(#100) You must provide an app access token, or a user access token that is an owner or "
                              "developer of the app")
        told: dict[str, Any] = {"app_id": asking.partition("|")[0], "application": "Rehearsal", **self.token}
        if asked in BAD_TOKENS:
            told |= {"is_valid": False, "error": {"code": 190, "message": BAD_TOKENS[asked][2]}}
        return JSONResponse({"data": told})

    def dialog(self, request: Request, id: str) -> Response:
        """Somebody says yes at once."""
        app, back = (request.query_params.get(name, "") for name in ("client_id", "redirect_uri"))
        if not app or not back:
            raise fault(101, "Missing client_id parameter.")
        code = f"rehearsed-code-{id}"
        self._codes[code] = app, back
        return RedirectResponse(f"{back}?{urlencode({'code': code, 'state': request.query_params.get('state', '')})}")

    def sold(self, request: Request) -> Response:
        """A short-lived user token for a code, a long-lived one for that."""
        given = request.query_params
        app = given.get("client_id", "")
        if not app or not given.get("client_secret"):
            raise fault(101, "Missing client_id parameter." if not app else "Missing client secret.")
        if given.get("grant_type") == "fb_exchange_token":
            if given.get("fb_exchange_token") != _SHORT + app:
                raise fault(190, "Invalid OAuth access token - Cannot parse access token")
            return JSONResponse({"access_token": _LONG + app, "token_type": "bearer", "expires_in": 5_183_944})
        if self._codes.pop(given.get("code", ""), None) != (app, given.get("redirect_uri")):
            raise fault(100, "Error validating verification code. Please make sure your redirect_uri is identical to "
                              "the one you used in the OAuth dialog request", subcode=36008)
        return JSONResponse({"access_token": _SHORT + app, "token_type": "bearer", "expires_in": 5_000})

    def accounts(self, request: Request) -> Response:
        """The pages that a person looks after, a page of the list at a time; tokens only of a long-lived one last."""
        token = request.query_params["access_token"]
        if not token.startswith((_SHORT, _LONG)):
            raise fault(190, "Invalid OAuth access token - Cannot parse access token")
        name = token.partition(":")[2]
        pages = self.pages or [{"id": number_of(name), "name": name, "access_token": f"rehearsal:{name}",
                                "tasks": ["ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT", "MANAGE"]}]
        limit = int(request.query_params.get("limit", 25))
        start = int(base64.urlsafe_b64decode(request.query_params.get("after", "")) or 0)
        body: dict[str, Any] = {"data": pages[start:start + limit]}
        if start + limit < len(pages):
            after = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
            body["paging"] = {"cursors": {"after": after}, "next": f"{request.url.replace(query='')}?after={after}"}
        return JSONResponse(body)
