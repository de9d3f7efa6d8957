"""Calls to Meta's networks that make containers: what is asked, and what each answer means.

Sources: developers.facebook.com/docs instagram-platform/…/reference/error-codes (June 2026), business-login,
refresh_access_token, threads/get-started and threads/troubleshooting; 4279009 and 2207052 also from public issue
threads. Read 2026-11-22.
"""
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from publishers._graph import QUOTED, understood
from publishers._http import Answer, converse, moment
from publishers._text import nfc
from publishers.base import Connection
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt

PAGE_SIZE = 50
MOST_PAGES = 40                          # 2,000 posts; a look that needs more is not complete
_FULL_DAY_WAIT = timedelta(hours=1)      # soon tries would be used up long before the day is over

_ID = re.compile(r"[0-9]{1,30}")
_QUERY = re.compile(r"(https?://[^\s?#]{0,500})[?#]\S*")
_REFUSALS = frozenset({400, 403, 404})
_SPENT = frozenset({2207042})            # the day's posts are used up
_LOCKED = frozenset({2207050, 2207051, 4279013})         # the account is restricted: a person must look
_FAILED_INSIDE = frozenset({2207001, 2207003, 2207020, 2207032, 2207052, 2207053, 2207082})
_NOT_READY = 2207027
_UNKNOWN = frozenset({2207006, 2207008, 4279009})        # said of what is not there, and of what is not there yet
_NO_OBJECT = (100, 33)
ADDRESS_TIMEOUT_S = 5.0
"""The post is out, and its record waits."""


class Unclear(Unconfirmed):
    """The network refuses a container in words that may mean that it was published before."""


class Gone(Rejected):
    """What was asked for is not there."""


class Told(NamedTuple):
    """An answer that is a yes. `at`: when, by the network's own clock; None: it did not say."""

    body: dict[str, Any]
    at: datetime | None


class Api(NamedTuple):
    """One of Meta's Graph hosts, on behalf of one account."""

    connection: Connection
    name: str                            # of the network, for people
    base: str                            # address with version, without a slash at its end

    @property
    def token(self) -> str:
        """Raises Unauthorized when there is none."""
        given = self.connection.credentials.get("access_token")
        if given is None or not given.get_secret_value():
            raise Unauthorized(f"there is no access token for this account of {self.name}; connect it first", dead=True)
        return given.get_secret_value()

    def ask(self, method: str, path: str, fields: Mapping[str, str], *, creating: bool = False,
            within: float | None = None, exactly: bool = False) -> Told:
        """One call. Raises a PublishError: Unconfirmed only if `creating`. `within`: seconds that it may take.

        `exactly`: Unclear and Gone are raised as such, for callers that know what to do then.
        """
        token = self.token
        connection = self.connection._replace(request_timeout_s=within) if within else self.connection
        sent = {**fields, "access_token": token}
        where = {"data": sent} if method == "POST" else {"params": sent}
        answer = converse(connection, method, f"{self.base}/{path}", repeatable=not creating, data=where.get("data"),
                          params=where.get("params"))
        if (secret := fields.get("client_secret")) and answer.status != 200:
            answer = answer._replace(body=answer.body.replace(secret, "[secret]"))
        try:
            return Told(read(answer, token, creating=creating), moment(answer.headers.get("date", "")))
        except (Unclear, Gone) as error:
            if exactly:
                raise
            why, kind = error.why, Unconfirmed if isinstance(error, Unclear) else Rejected
        raise kind(why)


class Entry(NamedTuple):
    """A post of the account, as a list shows it. `files` None: the list does not tell how many it has."""

    id: str
    text: str
    at: datetime
    url: str | None
    files: int | None
    parent: str | None
    author: str | None

    @property
    def receipt(self) -> PartReceipt:
        return PartReceipt(id=self.id, url=self.url)


def read(answer: Answer, token: str, *, creating: bool) -> dict[str, Any]:
    """The JSON object of a yes. Raises what a no means, without the query of any address that it quotes.

    The networks with containers have codes of their own beside those of the Graph API.
    """
    fault, now = _fault(answer.body), moment(answer.headers.get("date", ""))
    if fault is None:
        return understood(answer, token, creating=creating)
    code, subcode = fault.get("code"), fault.get("error_subcode")
    fault = {**fault, **{field: without_queries(fault[field]) for field in ("message", "error_user_msg")
                         if isinstance(fault.get(field), str)}}
    answer = answer._replace(body=json.dumps({"error": fault}))
    if answer.status not in _REFUSALS:
        return understood(answer, token, creating=creating)
    said = " ".join(str(fault.get("error_user_msg") or fault.get("message") or "no reason given").split())
    why = f"{said.replace(token, '[token]')[:QUOTED]} (code {code}, subcode {subcode})"
    if subcode in _SPENT:
        raise RateLimited(f"the account's posts of the day are used up: {why}", _again(now))
    if subcode in _LOCKED:
        raise Unauthorized(f"the account is restricted; sign in to its app and do what it asks: {why}")
    if subcode == _NOT_READY or subcode in _UNKNOWN or (creating and (code, subcode) == _NO_OBJECT):
        if creating:
            raise Unclear(f"the network does not publish the container: {why}")
        raise Unavailable(why) if subcode == _NOT_READY else Gone(why)
    if subcode in _FAILED_INSIDE:
        raise (Unconfirmed if creating else Unavailable)(f"the network failed inside: {why}")
    if (code, subcode) == _NO_OBJECT:
        raise Gone(why)
    return understood(answer, token, creating=creating)


def id_in(body: Mapping[str, Any], otherwise: type[PublishError]) -> str:
    """The id of what was made. Raises `otherwise` when there is none."""
    made = body.get("id")
    if not isinstance(made, str) or not _ID.fullmatch(made):
        raise otherwise("the network said yes without naming an id")
    return made


def listed(api: Api, path: str, fields: str, text: str, earliest: datetime) -> Iterator[Entry | None]:
    """The entries of a list since `earliest`, newest first; None at the end when there may be more.

    `text`: the field that holds the words. A page is read to its end: one entry out of order hides no other. Raises
    Unavailable for what is no such list.
    """
    asked = {"fields": fields, "limit": str(PAGE_SIZE)}
    for _ in range(MOST_PAGES):
        body = api.ask("GET", path, asked).body
        try:
            entries = [_entry(item, text) for item in body["data"]]
            paging = body.get("paging") or {}
            is_last, after = not paging.get("next"), (paging.get("cursors") or {}).get("after")
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable(f"{api.name} listed posts in a form that cannot be read") from None
        yield from (entry for entry in entries if entry.at >= earliest)
        if is_last or (entries and all(entry.at < earliest for entry in entries)):
            return
        if not after:                    # there is more, and nobody says where
            break
        asked = {**asked, "after": str(after)}
    yield None


def spent(body: Mapping[str, Any], usage: str, config: str) -> tuple[int, int] | None:
    """How many of how many posts the account has made in a day, of a `…_publishing_limit`; None: it does not tell."""
    try:
        (told, *_) = body["data"]
        used, most = told[usage], told[config]["quota_total"]
    except (KeyError, TypeError, ValueError):
        return None
    return (used, most) if type(used) is int and type(most) is int and most > 0 else None


def permalink(api: Api, id: str) -> str | None:
    """Where people see a post. Asked behind the call that made it, so not for long. Raises a PublishError."""
    url = api.ask("GET", quote(id, safe=""), {"fields": "permalink"}, within=ADDRESS_TIMEOUT_S).body.get("permalink")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None


def within_quota(api: Api, told: Told, usage: str = "quota_usage", config: str = "config") -> None:
    """Raises RateLimited when the day's posts are used up; the network does not tell until when."""
    if (counted := spent(told.body, usage, config)) is not None and counted[0] >= counted[1]:
        raise RateLimited(f"{counted[0]} of the {counted[1]} posts that {api.name} takes in 24 hours are made",
                          _again(told.at))


def renewed(api: Api, path: str, fields: Mapping[str, str]) -> dict[str, str]:
    """A long-lived token as `access_token`, and `expires_at` when the network tells. `fields` say how it is asked."""
    told = api.ask("GET", path, fields)
    token, lives_s = told.body.get("access_token"), told.body.get("expires_in")
    if not isinstance(token, str) or not token.strip():
        raise Unavailable(f"{api.name} gave no access token")
    if told.at is None or not isinstance(lives_s, int) or not 0 < lives_s < 10 ** 9:
        return {"access_token": token}
    return {"access_token": token, "expires_at": (told.at + timedelta(seconds=lives_s)).strftime("%Y-%m-%dT%H:%M:%SZ")}


def bought(connection: Connection, url: str, form: Mapping[str, str]) -> str:
    """The short-lived token that an authorization code buys. A code is good for one try, within an hour."""
    answer = converse(connection, "POST", url, data=form, repeatable=True)
    try:
        body = json.loads(answer.body)
        given = body["data"][0] if isinstance(body.get("data"), list) else body
        token = given["access_token"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError):
        token = None
    if isinstance(token, str) and token and answer.status == 200:
        return token
    if 400 <= answer.status < 500:       # their words may quote the code or the app's secret, so they are left out
        raise Unauthorized("the code was not accepted: it is used up, older than an hour, or was made for another "
                           "redirect address or app; ask for a new one")
    raise Unavailable(f"the code could not be exchanged (HTTP {answer.status})")


def plain(text: str) -> str:
    """Text as it is compared: letters composed, white space as one space, topics without their sign."""
    return " ".join(nfc(text).replace("#", "").split())


def _entry(item: Mapping[str, Any], text: str) -> Entry:
    """Raises ValueError, KeyError, TypeError or AttributeError for what is no post."""
    at = datetime.fromisoformat(item["timestamp"])
    if at.tzinfo is None or not isinstance(item["id"], str):
        raise ValueError
    kind, children = item.get("media_type"), (item.get("children") or {}).get("data")
    files: int | None = {"TEXT_POST": 0, "IMAGE": 1, "VIDEO": 1}.get(str(kind))
    if isinstance(children, list):
        files = len(children)
    url, parent = item.get("permalink"), item.get("replied_to") or {}
    return Entry(item["id"], str(item.get(text) or ""), at, url if isinstance(url, str) else None, files,
                 parent.get("id"), item.get("username"))


def _fault(body: str) -> dict[str, Any] | None:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return error if isinstance(error, dict) else None


def _again(now: datetime | None) -> datetime | None:
    """When to ask again after a full day: each post counts for 24 hours, so room comes at any hour."""
    return now + _FULL_DAY_WAIT if now is not None else None


def without_queries(text: str) -> str:
    """An address that is signed carries its signature in the query."""
    return _QUERY.sub(r"\1", text[:2_000])
