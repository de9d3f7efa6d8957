"""What Facebook says of a page token and of the pages that a person looks after. Thinking only.

Sources: Graph API reference of Debug-Token, User Accounts and Page, "Long-Lived Access Tokens" and the overview of
the Pages API, read 2026-11-22.
"""
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from publishers.base import Verified
from schemas.errors import Unauthorized, Unavailable

SCOPES = ("pages_manage_posts", "pages_read_engagement", "pages_show_list", "pages_manage_engagement")
_FOR_COMMENTS = "pages_manage_engagement"
_HARMLESS = frozenset({"public_profile", "pages_read_user_content", "business_management", "publish_video"})
_MAY_POST = ("CREATE_CONTENT", "MANAGE", "FULL_CONTROL")     # pages of the newer kind write PROFILE_PLUS_ before them


def verified(me: Mapping[str, Any], token: Mapping[str, Any] | None, page: str | None) -> Verified:
    """What is known of the token. `token`: the data of `/debug_token`, None when Facebook does not tell; `page`: the
    number of the page that is to be posted on. Raises Unauthorized for a token that is none any more.
    """
    id, name = me.get("id"), me.get("name")
    if not isinstance(id, str) or not id:
        raise Unavailable("the network does not say whose token it is")
    warnings = []
    if page not in (None, id):
        warnings.append(f"The token is that of {name or 'another page'} ({id}), and page_id says {page}: copy the "
                        "access_token of that page from GET /me/accounts, or mend page_id.")
    if token is None:
        return Verified(str(name or id), id, warnings=tuple(warnings))
    if token.get("is_valid") is False:
        raise Unauthorized("the network says that the token is not valid any more", dead=True)
    if (kind := token.get("type")) not in (None, "PAGE"):
        warnings.append(f"It is a token of the kind {kind}, not a page's own: take the access_token of the page from "
                        "GET /me/accounts.")
    scopes = token.get("scopes")
    known = tuple(map(str, scopes)) if isinstance(scopes, list | tuple) else None
    if known is not None:
        warnings += _scope_warnings(known)
    ends = token.get("expires_at")
    expires_at = datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) and 0 < ends < 1 << 40 else None
    if expires_at is not None:
        warnings.append("The token was made from one that lives for hours only, so it ends too: exchange the user "
                        "token for a long-lived one first, and take the page's token from that.")
    return Verified(str(name or id), id, known, expires_at, tuple(warnings),
                    lacks=_lacking(known) if known is not None else ())


def _lacking(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """What no post goes out without."""
    return tuple(scope for scope in SCOPES if scope not in scopes and scope != _FOR_COMMENTS)


def _scope_warnings(scopes: tuple[str, ...]) -> Iterator[str]:
    if missing := _lacking(scopes):
        yield (f"The token lacks {', '.join(missing)}: log in to the app once more, say yes to them, and take the "
               "page's token anew.")
    if _FOR_COMMENTS not in scopes:
        yield f"The token lacks {_FOR_COMMENTS}: posts go out, first comments do not."
    if extra := [scope for scope in scopes if scope not in SCOPES and scope not in _HARMLESS]:
        yield (f"The token may do more than posting needs ({', '.join(extra)}): take those permissions from the app, "
               "or make a token without them.")


def next_in(answer: Mapping[str, Any]) -> str | None:
    """The cursor of the next page of a list; None at its end. The address in `next` has a token in it: never used."""
    paging = answer.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) and after else None


def page_in(pages: Sequence[Mapping[str, Any]], wanted: str) -> dict[str, str]:
    """The credential fields of the page called `wanted`, by number or name; of the only one where that is "".

    Raises Unauthorized, which names the pages that there are, or says that the person may not post there.
    """
    names = ", ".join(f"{page.get('name')} ({page.get('id')})" for page in pages[:20]) or "none"
    chosen = [page for page in pages if wanted in (page.get("id"), page.get("name"), page.get("username"))] if wanted \
        else list(pages)
    if len(chosen) != 1:
        raise Unauthorized(f"which page is it? The person who said yes looks after: {names}. Set page_id to the number "
                           "of one of them, and tick that page when Facebook asks which ones the app may use")
    page = chosen[0]
    tasks, token = page.get("tasks"), page.get("access_token")
    if isinstance(tasks, list) and not any(str(task).endswith(_MAY_POST) for task in tasks):
        raise Unauthorized(f"the person who said yes may not create content on {page.get('name')}: a person with full "
                           "control of the page must allow it (Page → Settings → Page access)")
    if not isinstance(token, str) or not token or not isinstance(page.get("id"), str):
        raise Unauthorized(f"the network gave no token of {page.get('name')}: say yes to all permissions, and tick "
                           "the page")
    return {"page_id": str(page["id"]), "page_access_token": token}
