"""Reddit: a text or a link in one subreddit, with a first comment, through the OAuth API.

Sources: www.reddit.com/dev/api; github.com/reddit-archive/reddit/wiki, pages OAuth2 and API; praw 8.0.3; the policy on
new apps: support.reddithelp.com/hc/articles/42728983564564; read 2026-11-22. Reddit has no threads: parts become one
text. It refuses a link that the subreddit has already, and takes the same text again and again. Pictures are refused:
the answer to one names no post (praw-dev/praw pull request 1591, issue 1980).
"""
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from publishers._addresses import Address, address_in
from publishers._answers import credentials_in, object_in
from publishers._http import Answer, converse
from publishers._reddit_answers import FULLNAME, SITE, judged, made, made_at, page_in, refusal
from publishers._reddit_text import LIMITS, OPTIONS, pieces_of, problems_of, request_of
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import PublishError, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

PAGE_SIZE = 100
MOST_PAGES = 10                          # a listing ends after about 1,000 entries: what is older cannot be read

_API = "https://oauth.reddit.com"
_SCOPES = ("identity", "submit", "edit", "history")
_HOST = re.compile(r"(?:(?:www|old|new|np|sh|m)\.)?reddit\.com")
_ID = re.compile(r"[0-9a-z]{1,13}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,30}")


class Reddit:
    """One user. The access token lives a day at most; whoever opens the channel renews it."""

    network: ClassVar[str] = "reddit"
    needs: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")
    wants: ClassVar[tuple[str, ...]] = ("refresh_token", "username", "password", "access_token", "expires_at")
    setup: ClassVar[Setup] = Setup(
        app="An app of the account that posts: log in as it, open https://www.reddit.com/prefs/apps and choose 'create "
            "another app'. Take 'web app' and the redirect address that Drumbeat shows, then connect the account in a "
            "browser; or 'script' for an account whose password you give to Drumbeat. Each channel also needs "
            "'options: {subreddit: r/NAME}'. Text and links only: Reddit's answer to an uploaded picture does not name "
            "the post, so no picture could be posted exactly once.",
        fields={"client_id": "the letters under the app's name and 'web app' or 'personal use script'",
                "client_secret": "the line 'secret' of the app",
                "refresh_token": "filled in when the account is connected in a browser",
                "username": "only for a script app: the account's name, without u/",
                "password": "only for a script app: the account's password. It does not work with two-factor "
                            "authentication: take a web app then",
                "access_token": "filled in when it is renewed, once a day at least",
                "expires_at": "filled in with it"},
        scopes=_SCOPES,
        expires="The access token after an hour or a day, and is renewed by itself. The refresh token stays until the "
                "account takes the app's access back, at https://www.reddit.com/prefs/apps.",
        review="Since November 2025 Reddit wants to approve a new app before it gives it access: ask with the form in "
               "its Responsible Builder Policy, and say what you will post where. Apps made before go on. Commercial "
               "use needs an agreement. Read the rules of each subreddit: many allow no promotion, want a flair, or an "
               "account of some age.",
        costs="Free for up to 100 calls a minute.",
        page="https://support.reddithelp.com/hc/en-us/articles/42728983564564-Responsible-Builder-Policy")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = LIMITS
    lookup: ClassVar[Lookup] = Lookup(Repeat.plain)             # links are refused a second time, texts are not
    refresh_ahead_s: ClassVar[float] = 600.0
    app_fields: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- thinking -----------------------------------------------------------------------------------------------------

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=piece.kind, text=piece.text, request=request_of(message, piece),
                         media=tuple(media.blob for media in piece.media),
                         alts=tuple(media.alt or "" for media in piece.media),
                         names=tuple(media.name for media in piece.media), key=idempotency_key(message.slot, number))
            for number, piece in enumerate(pieces_of(message))))

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes …/comments/ID/…, of a comment too, redd.it/ID, the names t3_ID and t1_ID, and a post's bare id."""
        said, base = address.strip(), self._connection.address
        given = address_in(said)
        name = said
        if given is not None:
            name = (given.anchored(base, self.network) or "") if base else _named(given)
        elif _ID.fullmatch(said):
            name = f"t3_{said}"
        if not FULLNAME.fullmatch(name):
            raise ValueError("an address of a Reddit post looks like https://www.reddit.com/r/NAME/comments/1abc2de/…; "
                             "one with '/s/' in it is a short form: open it and copy what the browser shows then")
        if base:
            return PartReceipt(id=name, url=f"{base}/#{self.network}-{name}")
        below = "/".join(given.path) if given and given.host != "redd.it" else f"comments/{name[3:]}"
        return PartReceipt(id=name, url=f"{SITE}/{below}/" if given or name.startswith("t3_") else None)

    # --- talking ------------------------------------------------------------------------------------------------------

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what = outgoing.parts[part]
        if what.media:
            raise Rejected("Reddit's answer to a picture does not name the post; nothing was posted")
        form, path = dict(what.request), "/api/submit"
        if what.kind == "comment":
            form, path = {**form, "thing_id": so_far.parts[0].id}, "/api/comment"
        answer = converse(self._connection, "POST", self._base + path, data=form, headers=self._headers())
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unconfirmed)
        return made(answer, self._secrets())

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The account's posts since `since` in the subreddit, with the title, text and link; its comments likewise.

        One that was edited or removed since may have been this: it makes the look incomplete.
        """
        what, parent = outgoing.parts[part], so_far.parts[0].id if outgoing.parts[part].kind == "comment" else None
        earliest = since.replace(microsecond=0)
        matches: dict[str, PartReceipt] = {}
        complete = True
        try:
            for entries in self._listed("comments" if parent else "submitted", earliest):
                complete = complete and entries is not None
                for entry in entries or ():
                    receipt, can_tell = judged(entry, what, parent, earliest)
                    complete = complete and can_tell
                    if receipt is not None:
                        matches[receipt.id] = receipt
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("Reddit listed posts in a form that is not documented") from None
        return Found(tuple(matches.values()), complete)

    def withdraw(self, receipt: PartReceipt) -> None:
        """Deleted; Reddit says the same of one that is gone already. The answers of others stay."""
        answer = self._send("POST", "/api/del", data={"id": receipt.id})
        if not 200 <= answer.status < 300 and not (answer.status == 404 and object_in(answer.body) is not None):
            raise self._refusal(answer, Unavailable)

    def account_id(self) -> str:
        """Reddit's id of the user. Never raises Unconfirmed."""
        return str(self._me()["id"])

    def verify(self) -> Verified:
        """Who the token is. Reddit tells no scopes; a user that may not post says so here."""
        me, warnings = self._me(), list[str]()
        if me.get("is_suspended") is True:
            warnings.append("Reddit has suspended the account: it cannot post. Log in as it, and see why.")
        if me.get("has_verified_email") is False:
            warnings.append("The account has no confirmed e-mail address: many subreddits refuse its posts. Confirm "
                            "one under Settings → Account.")
        return Verified(f"u/{me['name']}", str(me["id"]), warnings=tuple(warnings))

    # --- signing in ---------------------------------------------------------------------------------------------------

    def authorization(self, redirect: str, state: str, verifier: str) -> str:  # noqa: ARG002 — Reddit knows no PKCE
        query = urlencode({"client_id": self._connection.secret("client_id"), "response_type": "code", "state": state,
                           "redirect_uri": redirect, "duration": "permanent", "scope": " ".join(_SCOPES)},
                          quote_via=quote)
        return f"{self._site}/api/v1/authorize?{query}"

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:  # noqa: ARG002
        return self._tokens({"grant_type": "authorization_code", "code": code.removesuffix("#_"),
                             "redirect_uri": redirect})

    def refresh(self) -> dict[str, str]:
        """A new access token, for the refresh token, or for the name and password of a script app's owner."""
        if renewal := self._field("refresh_token"):
            return self._tokens({"grant_type": "refresh_token", "refresh_token": renewal})
        if self._field("username") and self._field("password"):
            return self._tokens({"grant_type": "password", "username": self._field("username"),
                                 "password": self._field("password")})
        raise Unauthorized("there is neither a refresh token nor a username with a password: someone has to sign in",
                           dead=True)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _tokens(self, form: dict[str, str]) -> dict[str, str]:
        user, secret = self._connection.secret("client_id"), self._connection.secret("client_secret")
        basic = b64encode(f"{user}:{secret}".encode("utf-8", "replace")).decode()
        answer = converse(self._connection, "POST", f"{self._site}/api/v1/access_token", data=form, repeatable=True,
                          headers={"Authorization": f"Basic {basic}", "User-Agent": self._agent})
        if 200 <= answer.status < 300:
            return credentials_in(answer, "Reddit")
        error = refusal(answer, Unavailable, (*self._secrets(), *form.values(), basic))
        if isinstance(error, Rejected):
            is_over = "invalid_grant" in answer.body[:1_000]
            raise Unauthorized(f"{error.why}; someone has to sign in again", dead=is_over)
        if isinstance(error, Unauthorized):      # said of the app here, not of a token
            raise Unauthorized("Reddit does not know the app: compare client_id and client_secret with its page")
        raise error

    def _listed(self, what: str, earliest: datetime) -> Iterator[list[dict[str, Any]] | None]:
        """The account's posts or comments since `earliest`, newest first, by page; None when there may be more."""
        path = f"/user/{quote(str(self._me()['name']), safe='')}/{what}"
        asked = {"sort": "new", "limit": str(PAGE_SIZE), "raw_json": "1"}
        for _ in range(MOST_PAGES):
            entries, after = page_in(self._ask(path, asked))
            yield entries
            # one pinned to a profile stands first, however old: only a page that is old as a whole ends the list
            if after is None or (entries and all(made_at(entry) < earliest for entry in entries)):
                return
            asked = {**asked, "after": after}
        yield None

    def _me(self) -> dict[str, Any]:
        body = object_in(self._ask("/api/v1/me", {"raw_json": "1"}).body) or {}
        if not _ID.fullmatch(str(body.get("id") or "")) or not _NAME.fullmatch(str(body.get("name") or "")):
            raise Unavailable("Reddit did not say whose token this is")
        return body

    def _ask(self, path: str, params: dict[str, str]) -> Answer:
        """A read, answered with 2xx. Raises a PublishError that is never Unconfirmed."""
        answer = self._send("GET", path, params=params)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return answer

    def _send(self, method: str, path: str, **what: Any) -> Answer:
        return converse(self._connection, method, self._base + path, headers=self._headers(), repeatable=True, **what)

    def _headers(self) -> dict[str, str]:
        if not (token := self._field("access_token")):
            raise Unauthorized("there is no access token: it has to be renewed, or someone has to sign in", dead=True)
        return {"Authorization": f"Bearer {token}", "User-Agent": self._agent}

    @property
    def _agent(self) -> str:
        """As Reddit's rules for its API want it: platform, app, version and who is behind it."""
        names = (self._field("username"), self._connection.account.rpartition("/")[2].lstrip("@"))
        who = next((name for name in names if _NAME.fullmatch(name)), "unknown")
        return f"python:drumbeat:v1 (by /u/{who})"

    @property
    def _base(self) -> str:
        return self._connection.address or _API

    @property
    def _site(self) -> str:
        return self._connection.address or SITE

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        return refusal(answer, in_doubt, self._secrets())

    def _secrets(self) -> tuple[str, ...]:
        return tuple(self._field(name) for name in ("access_token", "refresh_token", "client_secret", "password"))

    def _field(self, name: str) -> str:
        given = self._connection.credentials.get(name)
        return given.get_secret_value() if given is not None else ""


def _named(given: Address) -> str:
    """The full name of what an address of Reddit shows; "" for none."""
    if given.host == "redd.it":
        return f"t3_{given.path[0]}" if len(given.path) == 1 else ""
    if not _HOST.fullmatch(given.host):
        return ""
    match given.path:
        case ("r" | "user" | "u", _, "comments", _, _, comment) | ("comments", _, _, comment):
            return f"t1_{comment}"
        case ("r" | "user" | "u", _, "comments", post, *_) | ("comments", post, *_):
            return f"t3_{post}"
    return ""


PUBLISHER = Reddit
