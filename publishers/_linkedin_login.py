"""How a person signs in at LinkedIn, and how a token is renewed where LinkedIn allows that.

Source: learn.microsoft.com/linkedin/shared/authentication, pages authorization-code-flow and
programmatic-refresh-tokens, read 2026-11-22.
"""
from urllib.parse import quote, urlencode

from publishers._answers import credentials_in
from publishers._http import converse
from publishers._linkedin_answers import refusal
from publishers.base import Connection
from schemas.errors import Rejected, Unauthorized, Unavailable

PAGE_SCOPES = ("w_organization_social", "r_organization_social", "w_organization_social_feed",
               "r_organization_social_feed", "rw_organization_admin")         # …_feed: comments, since 2026
MEMBER_SCOPES = ("openid", "profile", "w_member_social")
_HOST = "https://www.linkedin.com"


def page(connection: Connection, redirect: str, state: str, scopes: tuple[str, ...]) -> str:
    """The page on which a person says yes."""
    query = urlencode({"response_type": "code", "client_id": connection.secret("client_id"), "redirect_uri": redirect,
                       "state": state, "scope": " ".join(scopes)}, quote_via=quote)
    return f"{connection.address or _HOST}/oauth/v2/authorization?{query}"


def tokens(connection: Connection, version: str, form: dict[str, str]) -> dict[str, str]:
    """The credential fields that a code or a refresh token buys. Raises a PublishError, never Unconfirmed."""
    asked = {**form, "client_id": connection.secret("client_id"), "client_secret": connection.secret("client_secret")}
    answer = converse(connection, "POST", f"{connection.address or _HOST}/oauth/v2/accessToken", data=asked,
                      repeatable=True)
    if 200 <= answer.status < 300:
        return credentials_in(answer, "LinkedIn")
    error = refusal(answer, tuple(asked.values()), version, Unavailable)
    if isinstance(error, Rejected):
        raise Unauthorized(f"{error.why}; someone has to sign in again")
    raise error
