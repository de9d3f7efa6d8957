"""LinkedIn: posts of a page or of a member, with a first comment, through the versioned Posts API.

Sources: learn.microsoft.com/linkedin/marketing/community-management/shares, pages posts-api, comments-api, and
learn.microsoft.com/linkedin/shared/authentication, read 2026-11-22. LinkedIn has no threads: parts become one text. A
repeat is refused (422) and often names a post; nothing proves that it is ours, so it is looked for instead of adopted.
"""
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import SecretStr

from publishers._answers import object_in
from publishers._http import Answer, converse
from publishers._judging import ending
from publishers._linkedin_account import member, posts_of, verified, whose
from publishers._linkedin_addresses import COMMENT_URN, receipt, urn_in
from publishers._linkedin_answers import (
    elements,
    judged_comment,
    judged_post,
    last_changed,
    made_comment,
    made_id,
    refusal,
)
from publishers._linkedin_facts import LIMITS, SETUP, VERSION
from publishers._linkedin_login import MEMBER_SCOPES, PAGE_SCOPES, page, tokens
from publishers._linkedin_text import (
    OPTIONS,
    length,
    pieces_of,
    problems_of,
    request_of,
    shown,
    shows_alt,
    with_files,
)
from publishers._linkedin_uploads import PENDING, is_ready, uploaded
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import PublishError, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

PAGE_SIZE = 100
MOST_PAGES = 20             # 2,000 posts or comments; a look that needs more is not complete

_API = "https://api.linkedin.com"
_AUTHOR = re.compile(r"urn:li:(?:person|organization):[A-Za-z0-9_-]{1,64}")
_ME = "me"                  # stands for the member's own URN until the sign-in tells it


class LinkedIn:
    """One page, or one member: `author` is its URN. Members cannot list their own posts, pages can."""

    network: ClassVar[str] = "linkedin"
    needs: ClassVar[tuple[str, ...]] = ("access_token", "author")
    wants: ClassVar[tuple[str, ...]] = ("version", "client_id", "client_secret", "refresh_token", "expires_at")
    setup: ClassVar[Setup] = SETUP
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = LIMITS
    lookup: ClassVar[Lookup] = Lookup(Repeat.refused)
    handles_live_s: ClassVar[float] = 86_400.0                  # nowhere documented
    handles_are_shared: ClassVar[bool] = False                  # nowhere said that two posts may show one upload
    refresh_ahead_s: ClassVar[float] = 7 * 86_400.0
    app_fields: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "author")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- thinking -----------------------------------------------------------------------------------------------------

    def length(self, text: str) -> int:
        return length(text)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        """One post, then its comments. Author and post commented on come with the call, as media and parents do."""
        limits = self.limits.with_overrides(message.limits)
        parts = []
        for number, piece in enumerate(pieces_of(message, limits)):
            alts = tuple((one.alt or "") if shows_alt(message, piece, one, limits) else "" for one in piece.media)
            parts.append(OutgoingPart(
                kind=piece.kind, text=shown(piece.text) if piece.kind == "post" else piece.text,
                request=request_of(message, piece, limits), media=tuple(one.blob for one in piece.media), alts=alts,
                names=tuple(one.name for one in piece.media), key=idempotency_key(message.slot, number)))
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(parts))

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes the URN of a post or comment, and addresses in which a share or ugcPost stands."""
        try:
            return receipt(urn_in(address.strip(), self._connection.address), self._connection.address)
        except ValueError:
            raise ValueError("an address of a LinkedIn post looks like https://www.linkedin.com/feed/update/"
                             "urn:li:share:7123456789012345678; one with 'activity' in it has another number: 'Embed "
                             "this post' in the post's menu shows the right one") from None

    # --- talking ------------------------------------------------------------------------------------------------------

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Upload the files of one part. Nobody sees them; LinkedIn goes on working on a large one."""
        what, author, handles = outgoing.parts[part], self._author(), {}
        for blob, name in zip(what.media, what.names, strict=True):
            handles[blob] = uploaded(self._connection, self._ask, author, self._form(name), read(blob))
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what, author = outgoing.parts[part], self._author()
        if what.kind == "comment":
            post = so_far.parts[0].id
            answer = self._create(f"/rest/socialActions/{quote(post, safe='')}/comments",
                                  {"actor": author, "object": post, **what.request}, names_another=True)
            return receipt(made_comment(answer, post), self._connection.address)
        urns = [self._ready(so_far.handles[blob]) for blob in what.media]
        answer = self._create("/rest/posts", {"author": author, **with_files(what.request, urns)})
        return receipt(made_id(answer), self._connection.address)

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The author's posts since `since`, or its comments under the post, with the same text and as many files.

        LinkedIn shows a member's posts to few apps: then nothing was found, and the look is not complete. One that was
        edited since may have been this: it makes the look incomplete too.
        """
        what, author = outgoing.parts[part], self._author()
        earliest, is_comment = since.replace(microsecond=0), what.kind == "comment"
        judged = judged_comment if is_comment else judged_post
        matches: dict[str, PartReceipt] = {}
        complete = True
        try:
            for entries in self._comments(so_far.parts[0].id) if is_comment else self._posts(author, earliest):
                complete = complete and entries is not None
                for entry in entries or ():
                    urn, can_tell = judged(entry, what, author, earliest)
                    complete = complete and can_tell
                    if urn is not None:
                        matches[urn] = receipt(urn, self._connection.address)
        except Unauthorized as error:
            if error.dead or author.startswith("urn:li:organization:"):
                raise
            return Found((), complete=False)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("LinkedIn listed posts in a form that is not documented") from None
        return Found(tuple(matches.values()), complete)

    def withdraw(self, receipt: PartReceipt) -> None:
        """A post that is gone already counts as gone: LinkedIn says 204 to that, or 404."""
        path = f"/rest/posts/{quote(receipt.id, safe='')}"
        if match := COMMENT_URN.fullmatch(receipt.id):
            path = (f"/rest/socialActions/{quote(match['object'], safe='')}/comments/{match['id']}"
                    f"?actor={quote(self._author(), safe='')}")
        answer = self._send("DELETE", path)
        if not (200 <= answer.status < 300 or (answer.status in (404, 410) and object_in(answer.body) is not None)):
            raise self._refusal(answer, Unavailable)

    def account_id(self) -> str:
        """The author's URN, once its token has shown that it may read for it. Never raises Unconfirmed."""
        return whose(self._ask, self._author())

    def verify(self) -> Verified:
        return verified(self._ask, self._author())

    # --- signing in ---------------------------------------------------------------------------------------------------

    def authorization(self, redirect: str, state: str, verifier: str) -> str:  # noqa: ARG002 — no PKCE for web apps
        """For a page the page's permissions are asked for, else a member's: an app that lacks some is refused all."""
        is_page = self._field("author") not in ("", _ME) and ":person:" not in self._field("author")
        return page(self._connection, redirect, state, PAGE_SCOPES if is_page else MEMBER_SCOPES)

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:  # noqa: ARG002
        """The token, and a member's URN in place of 'me'."""
        fields = tokens(self._connection, self._version(), {"grant_type": "authorization_code", "code": code,
                                                            "redirect_uri": redirect})
        if self._field("author") not in ("", _ME):
            return fields
        secret = {**self._connection.credentials, "access_token": SecretStr(fields["access_token"])}
        asks = LinkedIn(self._connection._replace(credentials=secret))._ask
        return {**fields, "author": f"urn:li:person:{member(asks)['sub']}"}

    def refresh(self) -> dict[str, str]:
        if not self._field("refresh_token"):
            raise Unauthorized("LinkedIn gave no refresh token for this app: someone has to sign in again, every 60 "
                               "days")
        return tokens(self._connection, self._version(), {"grant_type": "refresh_token",
                                                          "refresh_token": self._field("refresh_token")})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _posts(self, author: str, earliest: datetime) -> Iterator[list[dict[str, Any]] | None]:
        """The author's posts by page, those changed last first; None at the end when there may be more."""
        for number in range(MOST_PAGES):
            entries = posts_of(self._ask, author, number * PAGE_SIZE, PAGE_SIZE)
            yield entries
            # a page may be short, and all the same not the last one: only an empty one, or an old one, ends the list
            if not entries or all(last_changed(entry) < earliest for entry in entries):
                return
        yield None

    def _comments(self, post: str) -> Iterator[list[dict[str, Any]] | None]:
        """The comments under a post by page, in whatever order; None at the end when there may be more."""
        for number in range(MOST_PAGES):
            entries = elements(self._ask("GET", f"/rest/socialActions/{quote(post, safe='')}/comments"
                                                f"?start={number * PAGE_SIZE}&count={PAGE_SIZE}"))
            yield entries
            if not entries:
                return
        yield None

    def _ready(self, handle: str) -> str:
        """The URN of an upload. Raises Unavailable while LinkedIn works on it."""
        urn = handle.removeprefix(PENDING)
        if urn != handle and not is_ready(self._ask, urn):
            raise Unavailable("LinkedIn is still processing an uploaded file; nothing was posted")
        return urn

    def _create(self, path: str, body: dict[str, Any], *, names_another: bool = False) -> Answer:
        """The create call. `names_another`: it is about a post, which may be too young to be found: later it is."""
        answer = converse(self._connection, "POST", self._base + path, json=body, headers=self._headers())
        if 200 <= answer.status < 300:
            return answer
        refused = self._refusal(answer, Unconfirmed)
        if names_another and answer.status == 404 and isinstance(refused, Rejected):
            raise Unavailable(f"{refused.why}; there is no comment")
        raise refused

    def _ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, json: Any = None) -> Answer:
        """A call that may be repeated freely, answered with 2xx. Raises a PublishError that is never Unconfirmed."""
        answer = self._send(method, path, headers=headers, json=json)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return answer

    def _send(self, method: str, path: str, *, headers: dict[str, str] | None = None, json: Any = None) -> Answer:
        return converse(self._connection, method, self._base + path, json=json, repeatable=True,
                        headers={**self._headers(), **(headers or {})})

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        secrets = tuple(self._field(name) for name in ("access_token", "client_secret", "refresh_token"))
        error = refusal(answer, secrets, self._version(), in_doubt)
        # "duplicate" is said of create calls; to anything else it means nothing
        return Unavailable(error.why) if isinstance(error, Unconfirmed) and in_doubt is Unavailable else error

    @property
    def _base(self) -> str:
        return self._connection.address or _API

    def _headers(self) -> dict[str, str]:
        if not (token := self._field("access_token")):
            raise Unauthorized("there is no access token: someone has to sign in", dead=True)
        return {"Authorization": f"Bearer {token}", "LinkedIn-Version": self._version(),
                "X-Restli-Protocol-Version": "2.0.0"}

    def _version(self) -> str:
        version = self._field("version") or VERSION
        if version.startswith("rehearsal:"):
            return VERSION
        if not re.fullmatch(r"20[0-9]{4}(?:\.[0-9]{2})?", version):
            raise Unauthorized(f"the credential field 'version' must be a month such as {VERSION}")
        return version

    def _author(self) -> str:
        """The author's URN. In a rehearsal a handle is the page of that name."""
        said = self._field("author")
        if _AUTHOR.fullmatch(said):
            return said
        if self._connection.address is not None and said:
            return f"urn:li:organization:{re.sub('[^A-Za-z0-9_-]', '-', said.removeprefix('rehearsal:'))[:64]}"
        raise Unauthorized("the credential field 'author' must look like urn:li:organization:123 or urn:li:person:abc "
                           "(a sign-in puts that in place of 'me'); nothing was sent")

    def _form(self, name: str) -> str:
        """`image`, `video` or `document`, as the file's name ends."""
        end = ending(name)
        return ("video" if end in self.limits.video_types else
                "document" if end in self.limits.document_types else "image")

    def _field(self, name: str) -> str:
        given = self._connection.credentials.get(name)
        return given.get_secret_value() if given is not None else ""


PUBLISHER = LinkedIn
