"""Tumblr: a post of text, pictures and a link's card on a blog, as a draft first, then published.

Sources: github.com/tumblr/docs, api.md (OAuth2; POST, GET and PUT of posts; "genesis" ids; /user/info; /post/delete)
and npf-spec.md; its issues 58 and 93 (what GET says of a post may be PUT again) and 87 (PUT takes no files); read
2026-11-22. A draft gets another id when it is published, and names the old one as its genesis: so a draft is published
once, whoever asks how often, and is found again by that. Pictures go up with the draft.
"""
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import SecretStr

from publishers._addresses import address_in
from publishers._http import Answer, converse
from publishers._tumblr_account import API, ME, SETUP, SITE, blog_of, first_blog, id_in, page, tokens
from publishers._tumblr_answers import (
    POST_ID,
    Gone,
    id_of,
    made_at,
    made_id,
    pictures_in,
    posts_in,
    refusal,
    response_in,
)
from publishers._tumblr_post import LIMITS, OPTIONS, mime_of, part_of, plain, problems_of, said_in, with_uploaded
from publishers.base import DRAFT, Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import PublishError, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat
from schemas.message import Message
from schemas.problem import Problem

PAGE_SIZE = 20
MOST_PAGES = 25                          # 500 posts; a look that needs more is not complete

_BLOG = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}|(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,63}|t:[A-Za-z0-9_-]{1,64}")
_EVER = datetime.fromtimestamp(0, UTC)


class Tumblr:
    """One blog of one account. The access token lives 42 minutes; whoever opens the channel renews it."""

    network: ClassVar[str] = "tumblr"
    needs: ClassVar[tuple[str, ...]] = ("access_token", "blog")
    wants: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "refresh_token", "expires_at")
    setup: ClassVar[Setup] = SETUP
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = LIMITS
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=2_592_000.0)     # a draft stays until it is deleted
    handles_live_s: ClassVar[float] = 3_600.0           # the draft that holds the pictures: somebody may delete it
    handles_are_shared: ClassVar[bool] = False          # a draft is published once
    refresh_ahead_s: ClassVar[float] = 900.0
    app_fields: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "blog")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- thinking -----------------------------------------------------------------------------------------------------

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=(part_of(message),))

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes www.tumblr.com/BLOG/ID, BLOG.tumblr.com/post/ID, of the account's own domain too, and the bare id."""
        said, base = address.strip(), self._connection.address
        id = said if POST_ID.fullmatch(said) else ""
        if not id and (given := address_in(said)) is not None:
            id = (given.anchored(base, self.network) or "") if base else id_in(given, self._field("blog"))
        if not POST_ID.fullmatch(id):
            raise ValueError("an address of a Tumblr post looks like https://www.tumblr.com/BLOG/123456789012345678; "
                             "the number alone will do")
        return self._receipt(id)

    # --- talking ------------------------------------------------------------------------------------------------------

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """The draft, with all pictures in it: Tumblr takes none without a post.

        A handle is the draft's id and the place of the picture in it: another version of the post may have them in
        another order.
        """
        what = outgoing.parts[part]
        files = {"json": ("", json.dumps(_as_draft(what), ensure_ascii=False).encode("utf-8", "replace"),
                          "application/json")}
        for number, (blob, name) in enumerate(zip(what.media, what.names, strict=True)):
            files[f"image-{number}"] = (name, read(blob), mime_of(name))
        id = made_id(self._ask("POST", "/posts", files=files), Unavailable)
        return {blob: f"{id}/{number}" for number, blob in enumerate(what.media)}

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """The draft that was made with the pictures, if it is still there; for a post without any a new one.

        The handle is its id, and behind it the places of the post's pictures in it.
        """
        what = outgoing.parts[part]
        if not what.media:
            return made_id(self._ask("POST", "/posts", json=_as_draft(what)), Unavailable)
        kept = [so_far.handles[blob].partition("/") for blob in what.media]
        if len({id for id, _, _ in kept}) != 1:
            raise Unavailable("the pictures are in several drafts; they have to be uploaded anew")
        id = kept[0][0]
        try:
            self._ask("GET", f"/posts/{id}")
        except Gone:
            pass                         # said below, out of reach of the chain of causes
        else:
            return f"{id}/{','.join(place for _, _, place in kept)}"
        raise Unavailable("the draft that held the pictures is gone; they have to be uploaded anew")

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """The draft's whole content once more, with the state that makes it seen; pictures as Tumblr names them."""
        what, (draft, _, places) = outgoing.parts[part], so_far.handles[DRAFT].partition("/")
        path, body = f"/posts/{quote(draft, safe='')}", dict(what.request)
        try:
            if what.media:
                body = with_uploaded(body, pictures_in(self._ask("GET", path), places))
            answer = converse(self._connection, "PUT", self._url(path), json=body, headers=self._headers())
            if not 200 <= answer.status < 300:
                raise self._refusal(answer, Unconfirmed)
        except Gone as error:
            why = error.why
        else:
            if response_in(answer).get("state") in (None, "published"):
                return self._receipt(made_id(answer, Unconfirmed))
            raise Unconfirmed(f"Tumblr answered {answer.status}, but not with a published post")
        return self._published_before(what, draft, why)

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """What became of the draft: still there, so not published; else the post that names it as its genesis."""
        what, draft = outgoing.parts[part], so_far.handles.get(DRAFT, "").partition("/")[0]
        if draft:
            try:
                shown = response_in(self._ask("GET", f"/posts/{quote(draft, safe='')}"))
            except Gone:
                pass
            else:
                if str(shown.get("id_string") or shown.get("id") or "") != draft:
                    raise Unavailable("Tumblr showed something else than the draft")
                return Found((self._receipt(draft),) if shown.get("state") == "published" else (), complete=True)
        return self._listed(what, draft, since.replace(microsecond=0))

    def withdraw(self, receipt: PartReceipt) -> None:
        """Deleted; also when the receipt names the draft that it was."""
        try:
            self._ask("POST", "/post/delete", json={"id": receipt.id})
        except Gone:
            for posts in self._posts():
                for post in posts or ():
                    if str(post.get("genesis_post_id") or "") == receipt.id:
                        self._ask("POST", "/post/delete", json={"id": id_of(post)})
                        return

    def account_id(self) -> str:
        """The blog's own id, which stays when its name changes. Never raises Unconfirmed."""
        blog = blog_of(self._user(), self._field("blog"))
        return str(blog.get("uuid") or blog.get("name"))

    def verify(self) -> Verified:
        """Whose token it is, and whether the blog is among its own."""
        user = self._user()
        blog = blog_of(user, self._field("blog"))
        warnings = () if blog.get("admin", True) is not False else (
            "The account is a member of the blog, not its admin: make it one under Blog settings → Members if posts "
            "are refused.",)
        return Verified(f"{blog.get('name')} ({user.get('name')})", str(blog.get("uuid") or blog.get("name")),
                        warnings=warnings)

    # --- signing in ---------------------------------------------------------------------------------------------------

    def authorization(self, redirect: str, state: str, verifier: str) -> str:  # noqa: ARG002 — no PKCE documented
        return page(self._connection, redirect, state)

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:  # noqa: ARG002
        """The tokens, and the name of the first blog in place of 'me'."""
        fields = tokens(self._connection, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect})
        if self._field("blog") not in ("", ME):
            return fields
        secrets = {**self._connection.credentials, "access_token": SecretStr(fields["access_token"])}
        return {**fields, "blog": first_blog(Tumblr(self._connection._replace(credentials=secrets))._user())}

    def refresh(self) -> dict[str, str]:
        """Both tokens new: the old refresh token is good no more."""
        if not self._field("refresh_token"):
            raise Unauthorized("there is no refresh token: someone has to connect the account in a browser", dead=True)
        return tokens(self._connection, {"grant_type": "refresh_token", "refresh_token": self._field("refresh_token")})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _published_before(self, what: OutgoingPart, draft: str, why: str) -> PartReceipt:
        """The post that a draft became, which is there no more. Raises Unconfirmed when it is not to be seen."""
        try:
            found = self._listed(what, draft, _EVER, only_genesis=True)
        except PublishError:
            found = Found((), complete=False)
        if len(found.matches) == 1:
            return found.matches[0]
        raise Unconfirmed(f"{why}: the draft was published before, or somebody deleted it")

    def _listed(self, what: OutgoingPart, draft: str, earliest: datetime, *,
                only_genesis: bool = False) -> Found:
        """The blog's posts that were the draft. One that does not say what it was is judged by its words."""
        matches: dict[str, PartReceipt] = {}
        complete = True
        try:
            for posts in self._posts(earliest):
                complete = complete and posts is not None
                for post in posts or ():
                    genesis = str(post.get("genesis_post_id") or "")
                    is_it = genesis == draft if draft and genesis else (
                        not only_genesis and made_at(post) >= earliest and not post.get("parent_post_url")
                        and said_in(post["content"]) == (plain(what.text), len(what.media)))
                    if is_it:
                        receipt = self._receipt(id_of(post))
                        matches[receipt.id] = receipt
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("Tumblr listed posts in a form that is not documented") from None
        return Found(tuple(matches.values()), complete)

    def _posts(self, earliest: datetime = _EVER) -> Iterator[list[dict[str, Any]] | None]:
        """The blog's posts, newest first, by page; None at the end when there may be more."""
        for number in range(MOST_PAGES):
            posts = posts_in(self._ask("GET", "/posts", params={
                "npf": "true", "limit": str(PAGE_SIZE), "offset": str(number * PAGE_SIZE)}))
            yield posts
            # a pinned post stands first, however old: only a page that is old as a whole ends the list
            if not posts or all(made_at(post) < earliest for post in posts):
                return
        yield None

    def _user(self) -> dict[str, Any]:
        user = response_in(self._get(f"{self._base}/v2/user/info")).get("user")
        if not isinstance(user, dict):
            raise Unavailable("Tumblr did not say whose token this is")
        return user

    def _ask(self, method: str, path: str, **what: Any) -> Answer:
        """A call about the blog that may be repeated freely, answered with 2xx. Never raises Unconfirmed."""
        return self._get(self._url(path), method, **what)

    def _get(self, url: str, method: str = "GET", **what: Any) -> Answer:
        answer = converse(self._connection, method, url, headers=self._headers(), repeatable=True, **what)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return answer

    def _receipt(self, id: str) -> PartReceipt:
        """A twin shows all posts on one page."""
        if (twin := self._connection.address) is not None:
            return PartReceipt(id=id, url=f"{twin}/#{self.network}-{id}")
        blog = self._field("blog").removesuffix(".tumblr.com")
        if not blog or blog == ME:
            return PartReceipt(id=id)
        return PartReceipt(id=id, url=f"https://{blog}/post/{id}" if "." in blog else f"{SITE}/{blog}/{id}")

    @property
    def _base(self) -> str:
        return self._connection.address or API

    def _url(self, path: str) -> str:
        blog = self._field("blog")
        if self._connection.address is None and (blog == ME or not _BLOG.fullmatch(blog)):
            raise Unauthorized("the credential field 'blog' is the blog's name, such as kettles of "
                               "https://kettles.tumblr.com; nothing was sent")
        return f"{self._base}/v2/blog/{quote(blog, safe='')}{path}"

    def _headers(self) -> dict[str, str]:
        if not (token := self._field("access_token")):
            raise Unauthorized("there is no access token: it has to be renewed, or someone has to sign in", dead=True)
        return {"Authorization": f"Bearer {token}"}

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        return refusal(answer, in_doubt, self._secrets())

    def _secrets(self) -> tuple[str, ...]:
        return tuple(self._field(name) for name in ("access_token", "refresh_token", "client_secret"))

    def _field(self, name: str) -> str:
        given = self._connection.credentials.get(name)
        return given.get_secret_value() if given is not None else ""


def _as_draft(what: OutgoingPart) -> dict[str, Any]:
    return {**what.request, "state": "draft"}


PUBLISHER = Tumblr
