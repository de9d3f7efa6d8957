"""What stands in the answers of a WordPress site. Thinking only: answers come in as values.

Sources: developer.wordpress.org/rest-api, reference/posts, reference/media, reference/tags; the words and numbers were
seen at WordPress 6.1.9 on 2026-11-22.
"""
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

from publishers._blogs import is_web, object_in, refusal, said
from publishers._http import Answer
from schemas.errors import PublishError, Rejected, Unauthorized
from schemas.ledger import PartReceipt

LOOKED_FOR = "publish,future,draft,pending,private"      # every status of a post that is not in the trash
LIVE = ("publish", "private", "future")  # somebody gave it away already: nothing about it is ours to change
GONE = ("rest_post_invalid_id", "rest_already_trashed")
_LOCKED_OUT = re.compile(r"rest_(?:cannot|forbidden|not_logged_in|user_cannot|disabled)|"
                         r"incorrect_password|invalid_(?:username|email)|application_passwords?_")


def code_in(answer: Answer) -> str:
    """The site's own word for what went wrong; "" when it is not the site that speaks."""
    try:
        code = object_in(answer).get("code")
    except ValueError:
        return ""
    return code if isinstance(code, str) else ""


def meant(answer: Answer, in_doubt: type[PublishError], *secrets: str) -> PublishError:
    """What an answer that is no 2xx means.

    A file that the site does not take is refused with status 500 and a code of its own: nothing was kept of it, and a
    person has to look at the file, or at the folder that it should go to.
    """
    code = code_in(answer)
    message = object_in(answer).get("message") if code else None
    why = f"the site answered {answer.status}{said(code, *secrets)}{said(message, *secrets)}"
    if answer.status == 400 and _forbidden_status(answer) is not None:
        return Unauthorized(f"{why}: the user name or the password is wrong, or the user may not see drafts",
                            dead=_forbidden_status(answer) == 401)
    if answer.status == 500 and code.startswith("rest_upload_"):
        return Rejected(why)
    return refusal(answer, why, in_doubt, is_own=bool(code), locked_out=bool(_LOCKED_OUT.match(code)))


def _forbidden_status(answer: Answer) -> int | None:
    """The status inside "drafts are not for you", which comes in a 400; None for any other answer.

    Who gives a wrong password and asks for drafts is taken for a stranger, and told that the parameter is wrong.
    """
    try:
        detail = object_in(answer)["data"]["details"]["status"]
        return int(detail["data"]["status"]) if detail["code"] == "rest_forbidden_status" else None
    except (KeyError, TypeError, ValueError):
        return None


def id_in(value: Mapping[str, Any]) -> str:
    """Raises ValueError for what has no id."""
    id = value.get("id")
    if not isinstance(id, int) or isinstance(id, bool) or id < 1:
        raise ValueError
    return str(id)


def objects_in(value: object) -> list[dict[str, Any]]:
    """Raises ValueError for what is no list of objects."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError
    return value


def posts_in(value: object) -> list[dict[str, Any]]:
    """Posts that have a number and a status. Raises ValueError for anything else."""
    for post in (posts := objects_in(value)):
        id_in(post)
        if not isinstance(post.get("status"), str):
            raise ValueError
    return posts


def file_in(value: Mapping[str, Any]) -> str:
    """The number and the address of a file in the media library, with a space between. Raises ValueError."""
    address = value.get("source_url")
    if not isinstance(address, str) or not is_web(address):
        raise ValueError
    return f"{id_in(value)} {address}"


def receipt_in(post: Mapping[str, Any]) -> PartReceipt:
    """Raises ValueError for what is no post. An address that is not http(s) is not kept."""
    link = post.get("link")
    return PartReceipt(id=id_in(post), url=link if isinstance(link, str) and is_web(link) else None)


def term_named(name: str, terms: Sequence[Mapping[str, Any]]) -> int | None:
    """The id of the term that is called `name`, or has it as its slug; capitals make no difference."""
    wanted = name.casefold()
    for field in ("name", "slug"):
        for term in terms:
            if unescape(str(term.get(field, ""))).casefold() == wanted and isinstance(term.get("id"), int):
                return int(term["id"])
    return None


def term_that_exists(answer: Answer) -> int | None:
    """The id in "a term with this name exists already"; None for any other answer."""
    if answer.status != 400 or code_in(answer) != "term_exists":
        return None
    data = object_in(answer).get("data")
    id = data.get("term_id") if isinstance(data, dict) else None
    return id if isinstance(id, int) else None
