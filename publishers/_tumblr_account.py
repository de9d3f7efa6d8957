"""Whose blog it is at Tumblr, how a person signs in there, and the addresses of its posts.

Source: github.com/tumblr/docs, api.md ("OAuth2 Authorization", "Blog Identifiers", /user/info), read 2026-11-22.
"""
from typing import Any
from urllib.parse import quote, urlencode

from publishers._addresses import Address, address_in
from publishers._answers import credentials_in
from publishers._http import converse
from publishers._tumblr_answers import refusal
from publishers.base import Connection, Setup
from schemas.errors import Rejected, Unauthorized, Unavailable

API = "https://api.tumblr.com"
SITE = "https://www.tumblr.com"
SCOPES = ("basic", "write", "offline_access")
ME = "me"                                # stands for the account's first blog until the sign-in tells its name
SETUP = Setup(
    app="An application at https://www.tumblr.com/oauth/apps, registered by the account that owns the blog: a "
        "name, a website, and as 'OAuth2 redirect URL' the address that Drumbeat shows. Then connect the account "
        "in a browser. Films are not uploaded.",
    fields={"access_token": "filled in when the account is connected in a browser",
            "blog": "the blog's name as in https://NAME.tumblr.com, or 'me' for the account's first blog: the "
                    "sign-in puts its name there",
            "client_id": "the application's page → OAuth Consumer Key",
            "client_secret": "the application's page → Show secret key → OAuth Consumer Secret",
            "refresh_token": "filled in with the access token; it is good once, so let one Drumbeat have it",
            "expires_at": "when the access token ends; filled in with it"},
    scopes=SCOPES,
    expires="The access token after 42 minutes, and is renewed by itself; each time the refresh token is replaced. "
            "Ends when the account takes the access back under Settings → Apps.",
    review="None for up to 1,000 calls an hour and 5,000 a day. A blog takes 250 posts and 250 pictures a day.",
    costs="Free.",
    page="https://github.com/tumblr/docs/blob/master/api.md#oauth2-authorization")


def page(connection: Connection, redirect: str, state: str) -> str:
    """The page on which a person says yes."""
    query = urlencode({"client_id": connection.secret("client_id"), "response_type": "code", "scope": " ".join(SCOPES),
                       "state": state, "redirect_uri": redirect}, quote_via=quote)
    return f"{connection.address or SITE}/oauth2/authorize?{query}"


def tokens(connection: Connection, form: dict[str, str]) -> dict[str, str]:
    """The credential fields that a code or a refresh token buys. Raises a PublishError, never Unconfirmed."""
    asked = {**form, "client_id": connection.secret("client_id"), "client_secret": connection.secret("client_secret")}
    answer = converse(connection, "POST", f"{connection.address or API}/v2/oauth2/token", data=asked, repeatable=True)
    if 200 <= answer.status < 300:
        return credentials_in(answer, "Tumblr")
    error = refusal(answer, Unavailable, (*asked.values(), *(quote(one, safe="") for one in asked.values())))
    if isinstance(error, Rejected | Unauthorized):
        raise Unauthorized(f"{error.why.partition(';')[0]}; someone has to connect the account again")
    raise error


def first_blog(user: dict[str, Any]) -> str:
    """The name of an account's first blog. Raises Unauthorized when it has none."""
    blogs = _blogs(user)
    first = next((blog for blog in blogs if blog.get("primary") is True), blogs[0] if blogs else {})
    if not isinstance(name := first.get("name"), str) or not name:
        raise Unauthorized("the account has no blog: make one at Tumblr, then connect it again")
    return name


def blog_of(user: dict[str, Any], wanted: str) -> dict[str, Any]:
    """What Tumblr says of the blog. Raises Unauthorized when it is not one of the account's."""
    wanted = wanted.removeprefix("rehearsal:").lower().removesuffix(".tumblr.com")
    for blog in _blogs(user):
        given = address_in(str(blog.get("url") or ""))
        if wanted in (str(blog.get("name")).lower(), str(blog.get("uuid")).lower(), given.host if given else None):
            return blog
    raise Unauthorized(f"the account of the token has no blog '{wanted}': correct the credential field 'blog', or "
                       "connect the account that owns it")


def _blogs(user: dict[str, Any]) -> list[dict[str, Any]]:
    blogs = user.get("blogs")
    return [blog for blog in blogs if isinstance(blog, dict)] if isinstance(blogs, list) else []


def id_in(given: Address, blog: str) -> str:
    """The id that an address of Tumblr, or of the blog's own domain, names; "" for none."""
    if given.host in ("www.tumblr.com", "tumblr.com"):
        path = given.path[2:] if given.path[:2] == ("blog", "view") else given.path
        return path[1] if len(path) > 1 else ""
    if given.host.endswith(".tumblr.com") or (given.host and given.host == blog.lower()):
        return next(iter(given.path[1:] if given.path[:1] == ("post",) else given.path), "")
    return ""
