"""How a person signs in at Google, how the token of an hour is renewed, and what Google says of one.

Sources: developers.google.com/identity/protocols/oauth2, pages native-app and scopes, read 2026-11-22; how a token is
asked about without writing it into an address: Google's own google-auth-library-nodejs, getTokenInfo, read 2026-11-23.
"""
import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from publishers._answers import credentials_in, object_in
from publishers._http import converse
from publishers._youtube_answers import login_refusal
from publishers.base import Connection
from schemas.errors import Unavailable

SCOPE = "https://www.googleapis.com/auth/youtube.force-ssl"      # the one that uploads, updates, subtitles and deletes
ENOUGH = frozenset((SCOPE, "https://www.googleapis.com/auth/youtube", "https://www.googleapis.com/auth/youtubepartner"))
_WITHIN = frozenset(f"https://www.googleapis.com/auth/{name}" for name in (
    "youtube.upload", "youtube.readonly", "userinfo.email", "userinfo.profile")) | {"openid", "email", "profile"}
_LOGIN, _TOKENS = "https://accounts.google.com", "https://oauth2.googleapis.com"


def page(connection: Connection, redirect: str, state: str, verifier: str) -> str:
    """The page on which a person says yes."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode({"client_id": connection.secret("client_id"), "redirect_uri": redirect, "response_type": "code",
                       "scope": SCOPE, "state": state, "access_type": "offline", "prompt": "consent",
                       "code_challenge": challenge, "code_challenge_method": "S256"}, quote_via=quote)
    return f"{connection.address or _LOGIN}/o/oauth2/v2/auth?{query}"


def tokens(connection: Connection, form: dict[str, str]) -> dict[str, str]:
    """The credential fields that a code or the refresh token buys. Raises a PublishError, never Unconfirmed."""
    asked = {**form, "client_id": connection.secret("client_id"), "client_secret": connection.secret("client_secret")}
    answer = converse(connection, "POST", f"{connection.address or _TOKENS}/token", data=asked, repeatable=True)
    if not 200 <= answer.status < 300:
        raise login_refusal(answer, tuple(value for name, value in asked.items() if name not in ("grant_type",
                                                                                                 "redirect_uri")))
    return credentials_in(answer, "Google")


def scopes_of(connection: Connection, token: str) -> tuple[str, ...] | None:
    """What the token may do; None when Google does not tell."""
    try:
        answer = converse(connection, "POST", f"{connection.address or _TOKENS}/tokeninfo", repeatable=True,
                          headers={"Authorization": f"Bearer {token}"})
    except Unavailable:
        return None
    said = (object_in(answer.body) or {}).get("scope") if 200 <= answer.status < 300 else None
    return tuple(said.split()) if isinstance(said, str) else None


def said_of(scopes: tuple[str, ...] | None) -> Iterator[str]:
    """What a token may too little, too much, or is not told, each with what to do."""
    if scopes is None:
        yield "Google did not say what the token may do: run this again later, or sign in again."
        return
    if not ENOUGH & {*scopes}:
        yield f"The token lacks {SCOPE}: sign in again, and leave the box ticked."
    if extra := [scope for scope in scopes if scope not in ENOUGH | _WITHIN]:
        yield (f"The token may do more than posting needs ({', '.join(extra)}): remove the app under "
               "myaccount.google.com/connections, then sign in again.")
