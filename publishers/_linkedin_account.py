"""Whose token it is, what its member may do for a page, and the list of an author's posts: reads that change nothing.

Sources: learn.microsoft.com/linkedin, pages consumer/integrations/self-serve/sign-in-with-linkedin-v2,
marketing/community-management/organizations/organization-access-control-by-role, posts-api; read 2026-11-22.
"""
import re
from typing import Any
from urllib.parse import quote

from publishers._answers import object_in
from publishers._linkedin_answers import elements
from publishers._linkedin_uploads import Ask
from publishers.base import Verified
from schemas.errors import Unauthorized, Unavailable

_FINDER = {"X-RestLi-Method": "FINDER"}
_POSTING_ROLES = {"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "CONTENT_ADMIN", "DIRECT_SPONSORED_CONTENT_POSTER"}


def posts_of(ask: Ask, author: str, start: int, count: int) -> list[dict[str, Any]]:
    """A page of the author's posts, those changed last first."""
    return elements(ask("GET", f"/rest/posts?q=author&author={quote(author, safe='')}&start={start}&count={count}"
                               "&sortBy=LAST_MODIFIED", headers=_FINDER))


def member(ask: Ask) -> dict[str, Any]:
    """The member whose token it is: `sub` is the last piece of their URN."""
    answer = ask("GET", "/v2/userinfo")
    body = object_in(answer.body) or {}
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(body.get("sub") or "")):
        raise Unavailable(f"LinkedIn answered {answer.status}, but did not say whose token this is")
    return body


def whose(ask: Ask, author: str) -> str:
    """The author, if the token is theirs, or may read the page's posts. One read."""
    if not author.startswith("urn:li:person:"):
        posts_of(ask, author, 0, 1)
        return author
    mine = f"urn:li:person:{member(ask)['sub']}"
    if author != mine:
        raise Unauthorized(f"the access token is that of {mine}, not of the author {author}")
    return author


def verified(ask: Ask, author: str) -> Verified:
    """Who the token is, and for a page whether its role there may post. LinkedIn tells neither scopes nor end."""
    whose(ask, author)
    if author.startswith("urn:li:person:"):
        return Verified(str(member(ask).get("name") or author), author, warnings=(
            "LinkedIn does not list a member's posts: after a lost answer a person has to look.",))
    try:
        roles = elements(ask("GET", "/rest/organizationAcls?q=roleAssignee&state=APPROVED&count=100", headers=_FINDER))
    except Unauthorized as error:
        if error.dead:
            raise
        return Verified(author, author, warnings=(
            "the token may not read roles; add the scope rw_organization_admin to have the role on the page checked.",))
    mine = {str(one.get("role")) for one in roles if author in (one.get("organization"), one.get("organizationTarget"))}
    return Verified(author, author, warnings=() if mine & _POSTING_ROLES else (
        f"the member who signed in has no role on {author} that may post: ask an admin of the page for the role of "
        "content admin.",))
