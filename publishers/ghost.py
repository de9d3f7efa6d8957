"""Ghost: articles on a site of one's own or on Ghost(Pro), and their newsletter, through the Admin API.

A draft is published by naming the moment of its last change. A repeat changes nothing, and Ghost takes it although that
moment is over; where something else was changed meanwhile it answers 409, and the post is looked at.

A newsletter is exactly once too: Ghost mails when a post turns from unpublished to published, keeps one mail to a post,
and never makes a second (core/server/services/posts/post-email-handler.js of Ghost 6.65, read and tried 2026-11-22).
Sources: docs.ghost.org/admin-api, read 2026-11-22.
"""
import re
import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

from publishers._addresses import address_in
from publishers._blogs import Calls, base_of, object_in, own_slug, problems_of, unreadable
from publishers._ghost_answers import (
    OUT,
    file_in,
    id_in,
    is_collision,
    is_missing,
    many_in,
    meant,
    posts_in,
    receipt_in,
)
from publishers._ghost_text import NOTHING, OPTIONS, draft_of, mailing_of, own_problems, part_of
from publishers._ghost_token import token
from publishers._http import Answer, converse
from publishers.base import DRAFT, Connection, Found, Limits, Option, Outgoing, Sent, Setup, Verified
from schemas.errors import PublishError, Rejected, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat
from schemas.message import Message
from schemas.problem import Problem

T = TypeVar("T")
_ID = re.compile(r"[0-9a-f]{24}")
_EDITOR = re.compile(r"/(?:editor/post|posts/analytics)/([0-9a-f]{24})(?:/.*)?")
_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}
_VERSION = "v5.0"                        # of the API that we speak; Ghost 5 and 6 understand it


class Ghost(Calls):
    """One site."""

    network: ClassVar[str] = "ghost"
    needs: ClassVar[tuple[str, ...]] = ("base_url", "admin_api_key")
    wants: ClassVar[tuple[str, ...]] = ()
    setup: ClassVar[Setup] = Setup(
        app="A custom integration, made by an administrator or the owner of the site: Ghost Admin → Settings → "
            "Advanced → Integrations → Add custom integration.",
        fields={"base_url": "API URL on the integration's page, such as https://blog.example or "
                            "https://blog.ghost.io",
                "admin_api_key": "Admin API Key on the same page: 24 letters and digits, a colon, 64 more. Not the "
                                 "Content API Key."},
        expires="Does not expire. Ends when it is regenerated, or the integration is deleted.",
        review="None.", costs="Free with Ghost of one's own; on Ghost(Pro) the plan must include custom integrations. "
                              "Mails of a newsletter count as the plan or the mail service counts them.",
        page="https://docs.ghost.org/admin-api#token-authentication")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = Limits(
        text=None, unit="characters", alt=191, images=50, image_bytes=5_000_000, image_types=tuple(_TYPES), parts=1,
        title=255, hashtags=50,
        source="Ghost 6.65, core/server/data/schema/schema.js (title, alt), core/shared/config/overrides.json (types); "
               "bytes are limited by the server in front of Ghost or by the plan, and 5 MB is a careful guess; 50 "
               "pictures and 50 tags are ours", read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=2_592_000.0)     # a draft stays until it is deleted
    handles_live_s: ClassVar[float] = 2_592_000.0       # Ghost never deletes an uploaded picture
    handles_are_shared: ClassVar[bool] = True           # a handle is an address; the alt text belongs to the post

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        limits = self.limits.with_overrides(message.limits)
        return [*problems_of(message, limits, self.length, self.options), *own_problems(message)]

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=(part_of(message),))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Each picture lies on the site; the handle is its address."""
        what, handles = outgoing.parts[part], dict[str, str]()
        for blob, name in zip(what.media, what.names, strict=True):
            kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
            answer = self._ask("POST", "/images/upload/", data={"purpose": "image"},
                               files={"file": (name, read(blob), kind)})
            handles[blob] = self._read(answer, file_in)
        return handles

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """Our post's id and the moment of its last change; found by its slug and brought up to date, or made.

        One that is out is left alone. Raises Rejected when a wanted slug belongs to another post, which Ghost would
        quietly make `slug-2`, and when there is no such newsletter: Ghost would publish, and then fail to mail.
        """
        what, slug = outgoing.parts[part], own_slug(outgoing, part)
        ours = self._by_slug(slug)
        if ours and ours[0]["status"] in OUT:
            return _handle(ours[0])
        if (wanted := what.request.get("slug")) and self._by_slug(wanted):
            raise Rejected(f"another post of the site has the slug '{wanted}' already: choose another one")
        if newsletter := what.request.get("newsletter"):
            self._insist_on(newsletter)
        body, where = draft_of(what, slug, so_far.handles), {"source": "html"}
        if ours:
            answer = self._ask("PUT", f"/posts/{id_in(ours[0])}/", params=where,
                               json={"posts": [{**NOTHING, **body, "updated_at": ours[0]["updated_at"]}]})
        else:
            answer = self._ask("POST", "/posts/", params=where, json={"posts": [body]})
        return self._read(answer, lambda answer: _handle(posts_in(answer)[0]))

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what = outgoing.parts[part]
        id, _, changed = so_far.handles[DRAFT].partition(" ")
        body = {"status": "published", "updated_at": changed,
                **({"slug": what.request["slug"]} if "slug" in what.request else {})}
        answer = converse(self._connection, "PUT", self._url(f"/posts/{id}/"), params=mailing_of(what) or None,
                          json={"posts": [body]}, headers=self._headers())
        if is_collision(answer):
            return self._after_collision(id)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unconfirmed)
        try:
            (post,) = posts_in(answer)
            if post["status"] == "published" and post["id"] == id:
                return receipt_in(post)
        except ValueError:
            pass                         # said below, out of reach of the chain of causes
        raise unreadable(answer, "the published post", Unconfirmed)

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """The post of the draft's id, else of our slug, if it is out. There is no other that could be ours.

        A wanted slug is nobody's mark: without the id, a post that has it may be ours or not.
        """
        id, wanted = so_far.handles.get(DRAFT, "").partition(" ")[0], outgoing.parts[part].request.get("slug")
        posts = self._one(id) if id else self._by_slug(own_slug(outgoing, part))
        found = tuple(receipt_in(post) for post in posts if post["status"] == "published")
        if found or id or not wanted:
            return Found(found, complete=True)
        return Found((), complete=not any(post["status"] in OUT for post in self._by_slug(wanted)))

    def withdraw(self, receipt: PartReceipt) -> None:
        """Deleted for good; a mail that went out is out."""
        answer = self._send("DELETE", f"/posts/{receipt.id}/", repeatable=True)
        if not 200 <= answer.status < 300 and not is_missing(answer):
            raise self._refusal(answer, Unavailable)

    def account_id(self) -> str:
        """The id of the site's free tier: each site has one, made with it, and it can be neither deleted nor moved.

        The site's own id is told to everybody, so that asking for it would not tell a dead key.
        """
        answer = self._ask("GET", "/tiers/", params={"filter": "type:free", "limit": "1"})
        return self._read(answer, lambda answer: id_in((many_in(answer, "tiers") or [{}])[0]))

    def verify(self) -> Verified:
        id = self.account_id()
        answer = self._ask("GET", "/site/")
        site = self._read(answer, lambda answer: object_in(answer).get("site"))
        title, version = (str(site.get(field) or "") for field in ("title", "version")) if isinstance(site, dict) else (
            "", "")
        old = version.partition(".")[0]
        warnings = (f"The site runs Ghost {version}; 5 or later is needed: update it.",) if old.isdigit() and int(
            old) < 5 else ()
        return Verified(title or id, id, warnings=warnings)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes the address of the editor, the article's link on the timeline, and the bare id."""
        given, twin = address_in(address), self._connection.address
        base = self._connection.credentials.get("base_url")
        id = address.strip() if given is None else ""
        if given is not None and twin is not None:
            id = given.anchored(twin, self.network) or ""
        elif given is not None and (given.below(base.get_secret_value()) if base else given.path) == ("ghost",):
            match = _EDITOR.fullmatch(given.fragment)
            id = match[1] if match else ""
        if not _ID.fullmatch(id):
            raise ValueError("a Ghost post is named by its id: open it in the editor, whose address ends in it "
                             "(…/ghost/#/editor/post/6b032197923dae2cc5c0aa64); the id alone will do")
        return PartReceipt(id=id, url=f"{twin}/#{self.network}-{id}" if twin else None)

    def _after_collision(self, id: str) -> PartReceipt:
        """The post is out already: this was a repeat, and somebody edited it since. Else our call did nothing."""
        try:
            posts = self._one(id)
        except PublishError as error:
            raise Unconfirmed(f"Ghost says that the post was changed meanwhile, and then {error.why}") from None
        if posts and posts[0]["status"] == "published":
            return receipt_in(posts[0])
        raise Rejected("somebody changed the draft in Ghost after it was made, so it was not published: publish it "
                       "there, or delete it there and have this post sent again")

    def _by_slug(self, slug: str) -> list[dict[str, Any]]:
        answer = self._ask("GET", "/posts/", params={"filter": f"slug:'{slug}'", "limit": "1"})
        return self._read(answer, posts_in)

    def _one(self, id: str) -> list[dict[str, Any]]:
        """The post of that id; nothing when there is none."""
        answer = self._send("GET", f"/posts/{id}/", repeatable=True)
        if is_missing(answer):
            return []
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return self._read(answer, posts_in)

    def _insist_on(self, newsletter: str) -> None:
        if not re.fullmatch(r"[\w-]{1,191}", newsletter):
            raise Rejected(f"'{newsletter[:60]}' is no slug of a newsletter")
        answer = self._ask("GET", "/newsletters/", params={"filter": f"slug:'{newsletter}'", "limit": "1"})
        listed = self._read(answer, lambda answer: many_in(answer, "newsletters"))
        if not any(one.get("status") == "active" for one in listed):
            raise Rejected(f"the site has no active newsletter '{newsletter}': see Settings → Email newsletter")

    @staticmethod
    def _read(answer: Answer, how: Callable[[Answer], T]) -> T:
        """What `how` makes of an answer; Unavailable where it is not what was asked for."""
        try:
            return how(answer)
        except (ValueError, IndexError):
            raise unreadable(answer, "what was asked for", Unavailable) from None

    def _url(self, path: str) -> str:
        return f"{base_of(self._connection, 'base_url')}/ghost/api/admin{path}"

    def _headers(self) -> dict[str, str]:
        # The one clock of this adapter. The token has to name its own minute, as a signature of OAuth 1 or of AWS does;
        # Ghost tells the time in no answer that could be had without a call before the create call. Nothing is decided
        # by it: a clock that is wrong makes a token that Ghost refuses, never another post.
        made = token(self._connection.secret("admin_api_key"), time.time(),
                     rehearsal=self._connection.address is not None)
        return {"Authorization": f"Ghost {made}", "Accept-Version": _VERSION}

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        key = self._connection.secret("admin_api_key")
        return meant(answer, in_doubt, key, key.partition(":")[2])


def _handle(post: dict[str, Any]) -> str:
    """The id of a draft and the moment of its last change, which publishing has to name."""
    return f"{id_in(post)} {post['updated_at']}"


PUBLISHER = Ghost
