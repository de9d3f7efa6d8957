"""Facebook Pages: feed posts, their photos and first comments, through facebook-sdk and the Graph API.

Facebook has no threads: the parts of a thread become one text. Photos are uploaded unpublished first, a single one too,
so that the create call is one small form whose answer is always the id of the post.

No videos. `/{page}/videos` and `/{page}/video_reels` say yes to a file that is yet to be processed: it may be refused
afterwards, or wait for ever as a draft (gitroomhq/postiz-app pull request 1740, July 2026); neither edge can be read
(reference of Page Videos and Page Video Reels), and what a repeated `upload_phase=finish` does is nowhere documented.
So a yes is no proof of a post, and a lost answer could never be looked up. Read 2026-11-22.
"""
import json
import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from publishers._facebook_account import SCOPES, next_in, page_in, verified
from publishers._facebook_addresses import HOME, Places, places_of
from publishers._facebook_calls import answered
from publishers._facebook_text import LIMITS, pieces_of, plain, problems_of, request_of
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

if TYPE_CHECKING:
    from publishers._http import Answer

GRAPH_VERSION = "v25.0"     # what the Pages API pages show; the connection's optional field `graph_version` replaces it
PAGE_SIZE = 25              # with attachments, larger pages make the Graph API answer "reduce the amount of data"
MOST_PAGES = 400            # 10,000 posts or comments; a look that needs more is not complete
_MOST_ACCOUNTS = 10         # lists of 100 pages that one person looks after

_POST_FIELDS = "id,message,created_time,permalink_url,attachments{media_type,subattachments.limit(100){media_type}}"
_COMMENT_FIELDS = "id,message,created_time,permalink_url,from"


class FacebookPage:
    """One Facebook Page. Its token needs the permissions that `setup` names, the last of them for comments only."""

    network: ClassVar[str] = "facebook_page"
    needs: ClassVar[tuple[str, ...]] = ("page_id", "page_access_token")
    wants: ClassVar[tuple[str, ...]] = ("graph_version", "app_id", "app_secret")
    setup: ClassVar[Setup] = Setup(
        app="An app at developers.facebook.com → My Apps → Create app, with the use case \"Manage everything on your "
            "Page\". Under Facebook Login → Settings, put the address that Drumbeat shows into Valid OAuth Redirect "
            "URIs. Say yes as a person who may create content on the page.",
        fields={"page_id": "the page's number: Page → About → Page transparency",
                "page_access_token": "saying yes in a browser fetches it; by hand: GET /me/accounts with the "
                                     "long-lived user token → access_token of the page",
                "graph_version": "such as v25.0; only if another one is wanted",
                "app_id": "the app's dashboard → App settings → Basic → App ID; to say yes in a browser, and to learn "
                          "what the token may do",
                "app_secret": "the same page → App secret; only together with app_id"},
        scopes=SCOPES,
        expires="A page token made from a long-lived user token does not expire. It dies with a password change, a "
                "lost role on the page, or when the app is removed; 90 days after the person last used the app, "
                "Facebook may stop giving the app data until that person says yes again.",
        review="None for pages of people who have a role in the app; App Review for any other page.",
        page="https://developers.facebook.com/docs/pages-api")
    options: ClassVar[tuple[Option, ...]] = ()
    limits: ClassVar[Limits] = LIMITS
    lookup: ClassVar[Lookup] = Lookup(Repeat.plain)             # code 506 is said of the latest post only
    handles_live_s: ClassVar[float] = 86_400.0                  # unpublished photos; customary, nowhere documented
    handles_are_shared: ClassVar[bool] = False                  # nowhere said that two posts may take one photo
    app_fields: ClassVar[tuple[str, ...]] = ("app_id", "app_secret")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def length(self, text: str) -> int:
        return len(text)

    def compose(self, message: Message) -> Outgoing:
        """One feed post, then its comments, each with the form fields the Graph API documents."""
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=piece.kind, text=piece.text, request=request_of(message, piece),
                         media=tuple(media.blob for media in piece.media),
                         alts=tuple(media.alt or "" for media in piece.media),
                         names=tuple(media.name for media in piece.media), key=idempotency_key(message.slot, number))
            for number, piece in enumerate(pieces_of(message))))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Photo ids by `OutgoingPart.media`. Unpublished: nobody sees them, and Facebook drops what no post takes."""
        piece = outgoing.parts[part]
        handles: dict[str, str] = {}
        for media, alt, name in zip(piece.media, piece.alts, piece.names, strict=True):
            source = (name, read(media), mimetypes.guess_type(name)[0] or "application/octet-stream")
            fields = {"album_path": f"{self._page}/photos", "published": "false"}   # the SDK sends False as "False"
            answer = self._talk("put_photo", source, fields=fields | ({"alt_text_custom": alt} if alt else {}))
            handles[media] = self._id(answer, Unavailable)
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """One POST to `/{page}/feed` or `/{post}/comments`, once. Raises a PublishError.

        The address is made from the id. `fields=permalink_url` would bring Facebook's own, but a look that fails after
        the write answers with an error code too, and no error code may ever stand for a post that exists.
        """
        piece = outgoing.parts[part]
        post = so_far.parts[0].id if piece.kind == "comment" else None
        photos = {f"attached_media[{n}]": json.dumps({"media_fbid": so_far.handles[media]})
                  for n, media in enumerate(piece.media)}       # the SDK would send a list as one key again and again
        answer = self._talk("put_object", post or self._page, "comments" if post else "feed", creating=True,
                            fields=piece.request | photos)
        made = self._id(answer, Unconfirmed)
        return PartReceipt(id=made, url=self._places.url(made, post))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The page's posts since `since`, or its comments under the post, with the same text and as many photos.

        Facebook tells no edits: a post whose text a person changed since is not found. A comment with the same text
        whose author the token may not see makes the look incomplete: it may be a reader's.
        """
        from publishers._graph import listing

        piece = outgoing.parts[part]
        post = so_far.parts[0].id if piece.kind == "comment" else None
        asked = {"limit": str(PAGE_SIZE)} | (
            {"fields": _COMMENT_FIELDS, "filter": "toplevel"} if post else
            {"fields": _POST_FIELDS, "since": str(int(since.timestamp()) - 1)})
        wanted, earliest = plain(piece.text), since.replace(microsecond=0)
        matches: dict[str, PartReceipt] = {}
        complete = True
        for _ in range(MOST_PAGES):
            page = listing(self._talk("get_connections", post or self._page, "comments" if post else "published_posts",
                                      fields=asked))
            for entry in page.data:
                says_it = plain(entry.message) == wanted and entry.photos == len(piece.media)
                if not says_it or entry.created_time < earliest:
                    continue
                is_ours = self._wrote(entry.author.id if entry.author else None, post)
                complete = complete and is_ours is not None
                if is_ours:
                    matches[entry.id] = PartReceipt(id=entry.id, url=entry.permalink_url
                                                    or self._places.url(entry.id, post))
            if page.paging.next is None:
                return Found(tuple(matches.values()), complete)
            if page.paging.cursors.after in (None, asked.get("after")):
                break
            asked["after"] = str(page.paging.cursors.after)
        return Found(tuple(matches.values()), complete=False)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes a post's address with numbers in it, that of a comment under it, and `PAGE_POST`.

        A page's name stands for its number only where the connection's `page_id` is that number.
        """
        return self._places.receipt_of(address.strip())

    def account_id(self) -> str:
        """The number of the page whose token this is: `GET /me?fields=id`. Never raises Unconfirmed."""
        return self._id(self._talk("get_object", "me", fields={"fields": "id"}), Unavailable)

    def withdraw(self, receipt: PartReceipt) -> None:
        """The post is deleted, with its comments.

        Facebook has one answer for what is gone and for what a token may not see. It counts as gone only when the token
        sees the page's other posts.
        """
        from publishers._graph import is_gone, understood

        id = quote(receipt.id, safe="")
        answer = self._answered("delete_object", id)
        if not is_gone(answer):
            if understood(answer, "", creating=False, secrets=self._secrets()).get("success") is not True:
                raise Unavailable("the network did not say that the post was deleted")
            return
        if not is_gone(self._answered("get_object", id, fields={"fields": "id"})):
            raise Rejected("the network does not delete the post, and still shows it: delete it by hand")
        self._talk("get_connections", self._page, "published_posts", fields={"fields": "id", "limit": "1"})

    def verify(self) -> Verified:
        """Whose token it is, what it may do, until when; without app_id and app_secret Facebook may not tell all."""
        me, told = self._talk("get_object", "me", fields={"fields": "id,name"}), None
        page_token = self.connection.secret("page_access_token")
        asking = "|".join(self._app()) or page_token      # joined so they are the app's own token
        try:
            told = self._talk("get_object", "debug_token", fields={"input_token": page_token}, token=asking).get("data")
        except RateLimited:
            raise
        except PublishError:
            pass                        # documented for the app and its developers only: whose token it is, is known
        return verified(me, told if isinstance(told, dict) else None, self._places.number)

    def authorization(self, redirect: str, state: str, verifier: str) -> str:  # noqa: ARG002
        """Facebook's login dialog. PKCE is not documented for it: the app's secret proves who asks."""
        asked = {"client_id": self.connection.secret("app_id"), "redirect_uri": redirect, "state": state,
                 "response_type": "code", "scope": ",".join(self.setup.scopes)}
        return f"{self.connection.address or HOME}/{self._version()}/dialog/oauth?{urlencode(asked)}"

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:  # noqa: ARG002
        """The page's own token, made from a long-lived user token, which is not kept: so it does not expire.

        `page_id` says which page; where the person looks after one page only, it may be missing.
        """
        app = {"client_id": self.connection.secret("app_id"), "client_secret": self.connection.secret("app_secret")}
        short = self._bought(app | {"code": code, "redirect_uri": redirect})
        long = self._bought(app | {"grant_type": "fb_exchange_token", "fb_exchange_token": short})
        pages: list[Mapping[str, Any]] = []
        asked = {"fields": "id,name,username,access_token,tasks", "limit": "100"}
        for _ in range(_MOST_ACCOUNTS):
            answer = self._talk("get_connections", "me", "accounts", fields=asked, token=long)
            listed = answer.get("data")
            pages += [page for page in listed if isinstance(page, dict)] if isinstance(listed, list) else []
            after = next_in(answer)
            if after in (None, asked.get("after")):
                break
            asked["after"] = str(after)
        return page_in(pages, self._places.page)

    def _bought(self, fields: Mapping[str, str]) -> str:
        """The token that a code or another token buys. A refusal is one of the credential."""
        secrets = [fields[name] for name in ("client_secret", "code", "fb_exchange_token") if name in fields]
        try:
            answer = self._talk("get_object", "oauth/access_token", fields=fields, token="", secrets=secrets)
        except Rejected as error:
            why = error.why
        else:
            if isinstance(token := answer.get("access_token"), str) and token:
                return token
            raise Unavailable("the network said yes without an access token")
        raise Unauthorized(why)

    def _app(self) -> tuple[str, ...]:
        """The app's id and its secret; nothing where they are not both set."""
        given = [self.connection.credentials.get(name) for name in self.app_fields]
        return tuple(one.get_secret_value() for one in given if one) if all(given) else ()

    def _secrets(self) -> list[str]:
        """What no error may quote."""
        return [self.connection.secret(name) for name in ("page_access_token", "app_secret")
                if name in self.connection.credentials]

    def _wrote(self, author: str | None, post: str | None) -> bool | None:
        """Whether the page itself wrote it; None: nobody can tell. Posts are listed by author, comments are not."""
        if post is None:
            return True
        page = post.rpartition("_")[0] or self._places.number   # `page_id` may be the page's name
        return author == page if author and page else None

    @property
    def _places(self) -> Places:
        return places_of(self.connection, self.network)

    @property
    def _page(self) -> str:
        return quote(self.connection.secret("page_id"), safe="")    # it stands in paths; a real one is digits

    def _id(self, answer: dict[str, Any], otherwise: type[PublishError]) -> str:
        if not isinstance(made := answer.get("id"), str) or not made:
            raise otherwise("the network said yes without naming an id")
        return made

    def _talk(self, call: str, *where: object, fields: Mapping[str, str], creating: bool = False,
              token: str | None = None, secrets: Sequence[str] = ()) -> dict[str, Any]:
        """What the Graph API answered to one call of the SDK. Raises a PublishError: Unconfirmed only if `creating`.

        `token`: another than the page's; "" for none.
        """
        from publishers._graph import understood

        answer = self._answered(call, *where, fields=fields, creating=creating, token=token)
        return understood(answer, token or "", creating=creating, secrets=[*secrets, *self._secrets()])

    def _answered(self, call: str, *where: object, fields: Mapping[str, str] | None = None, creating: bool = False,
                  token: str | None = None) -> "Answer | None":
        """The answer to one call of the SDK, whatever it says."""
        known = self.connection.secret("page_access_token") if token is None else token
        return answered(self.connection, known, self._version(), call, *where, fields=fields or {}, creating=creating)

    def _version(self) -> str:
        given = self.connection.credentials.get("graph_version")
        version = given.get_secret_value() if given else GRAPH_VERSION
        if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,2}", version):
            raise Unauthorized(f"the connection's graph_version must look like {GRAPH_VERSION}")
        return version


PUBLISHER = FacebookPage
