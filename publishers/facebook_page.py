"""Facebook Pages: feed posts, their photos and first comments, through facebook-sdk and the Graph API.

Facebook has no threads: the parts of a thread become one text. Photos are uploaded unpublished first, a single one too,
so that the create call is one small form whose answer is always the id of the post.
"""
import json
import mimetypes
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from datetime import date, datetime
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import quote

from publishers._addresses import Address, address_in
from publishers._facebook_text import bad_photos, over, photos_of, plain, problem, start_of, text_of, too_long
from publishers._media import beyond
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup
from schemas.errors import PublishError, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

GRAPH_VERSION = "v25.0"     # what the Pages API pages show; the connection's optional field `graph_version` replaces it
PAGE_SIZE = 25              # with attachments, larger pages make the Graph API answer "reduce the amount of data"
MOST_PAGES = 400            # 10,000 posts or comments; a look that needs more is not complete

_POST_FIELDS = "id,message,created_time,permalink_url,attachments{media_type,subattachments.limit(100){media_type}}"
_COMMENT_FIELDS = "id,message,created_time,permalink_url,from"
_HOST = re.compile(r"(?:(?:www|m|mobile|mbasic|touch|web|business|[a-z]{2}-[a-z]{2})\.)?facebook\.com")
_NUMBER = re.compile(r"[1-9][0-9]{0,19}")
_PAIR = re.compile(r"([1-9][0-9]{0,19})_([1-9][0-9]{0,19})")
_IMPORTING = Lock()


class FacebookPage:
    """One Facebook Page.

    Its token needs pages_manage_posts, pages_read_engagement, and for comments pages_manage_engagement.
    """

    network: ClassVar[str] = "facebook_page"
    needs: ClassVar[tuple[str, ...]] = ("page_id", "page_access_token")
    wants: ClassVar[tuple[str, ...]] = ("graph_version",)       # may be given; GRAPH_VERSION otherwise
    setup: ClassVar[Setup] = Setup(
        app="An app at developers.facebook.com; a page token made from a long-lived user token of someone who may "
            "create content on the page.",
        fields={"page_id": "the page's number: Page → About → Page transparency",
                "page_access_token": "GET /me/accounts with the long-lived user token → access_token",
                "graph_version": "such as v25.0; only if another one is wanted"},
        scopes=("pages_manage_posts", "pages_read_engagement", "pages_show_list"),
        expires="Dies with a password change or a lost role on the page.",
        review="None for pages of people who have a role in the app; App Review for any other page.",
        page="https://developers.facebook.com/docs/pages-api")
    options: ClassVar[tuple[Option, ...]] = ()
    limits: ClassVar[Limits] = Limits(
        text=60_000, unit="characters", comment=8_000, alt=1_000, images=10, image_bytes=10_000_000,
        image_types=("jpg", "jpeg", "bmp", "png", "gif", "tif", "tiff"), parts=1,
        source="developers.facebook.com/docs/graph-api/reference/page/photos (photos); text 63,206, comment 8,000 and "
               "10 photos are customary numbers, nowhere documented: 60,000 keeps a margin",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.plain)             # code 506 is said of the latest post only
    handles_live_s: ClassVar[float] = 86_400.0                  # unpublished photos; customary, nowhere documented
    handles_are_shared: ClassVar[bool] = False                  # nowhere said that two posts may take one photo

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def check(self, message: Message) -> list[Problem]:
        """Every reason why Facebook would refuse the message, and a warning for a text nobody reads to its end."""
        limits = self.limits.with_overrides(message.limits)
        text, photos = text_of(message), photos_of(message)
        found = [*too_long(message, text, limits.text), *bad_photos(message, photos, limits),
                 *beyond(message, photos, limits)]
        if not (text or photos or message.card):
            found.append(problem(message, "TXT006", start_of(message), f"nothing to post on {message.slot.channel}.",
                                 "Write a text, or add an image."))
        for part in message.parts:
            if part.kind != "comment":
                continue
            found += over(message, part.place, part.text, limits.comment)
            if not part.text.strip() or part.media:
                found.append(problem(message, "TXT006", part.place, "a first comment on Facebook is text and nothing "
                                     "else.", "Write its text, and move images into the post."))
        return found

    def length(self, text: str) -> int:
        return len(text)

    def compose(self, message: Message) -> Outgoing:
        """One feed post, then its comments, each with the form fields the Graph API documents."""
        text, photos = text_of(message), photos_of(message)
        card = None if photos else message.card
        bodies = [("post", text, {k: v for k, v in (("message", text), ("link", card)) if v}, photos)]
        bodies += [("comment", part.text, {"message": part.text}, ())
                   for part in message.parts if part.kind == "comment"]
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=kind, text=said, request=request, media=tuple(m.blob for m in media),
                         alts=tuple(m.alt or "" for m in media), names=tuple(m.name for m in media),
                         key=idempotency_key(message.slot, index))
            for index, (kind, said, request, media) in enumerate(bodies)))

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
        return PartReceipt(id=made, url=self._url(made, post))

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
                    matches[entry.id] = PartReceipt(id=entry.id, url=entry.permalink_url or self._url(entry.id, post))
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
        said, page = address.strip(), self._page_number
        if match := _PAIR.fullmatch(said):
            return self._pasted(match)
        if page and _NUMBER.fullmatch(said):
            return self._receipt(page, said)
        if (given := address_in(said)) is not None:
            if self.connection.address:
                path = given.below(self.connection.address)
                if anchor := _PAIR.fullmatch(given.anchored(self.connection.address, self.network) or ""):
                    return self._pasted(anchor)
            else:
                path = given.path if _HOST.fullmatch(given.host) else None
            if path and (named := _post_in(path, given)):
                return self._named(*named)
        raise ValueError(
            f"an address of a Facebook post looks like {self._home}/PAGE/posts/1234567890, numbers only; addresses of "
            "photos and addresses with a pfbid do not tell the post's number: GET /PAGE/published_posts?fields=id,"
            "message in the Graph API Explorer does, as PAGE_POST")

    def account_id(self) -> str:
        """The number of the page whose token this is: `GET /me?fields=id`. Never raises Unconfirmed."""
        return self._id(self._talk("get_object", "me", fields={"fields": "id"}), Unavailable)

    def _wrote(self, author: str | None, post: str | None) -> bool | None:
        """Whether the page itself wrote it; None: nobody can tell. Posts are listed by author, comments are not."""
        if post is None:
            return True
        page = post.rpartition("_")[0] or self._page_number     # `page_id` may be the page's name
        return author == page if author and page else None

    def _named(self, page: str, post: str, comment: str | None) -> PartReceipt:
        """The receipt of what an address names. Raises ValueError when it names another page, or none by number."""
        ours = self._page_number
        if not _NUMBER.fullmatch(page):
            if ours is None:
                raise ValueError(f'the address names the page "{page}" without its number, which is part of the '
                                 "post's id: write PAGE_POST, both as numbers (Page transparency shows the page's)")
            page = ours
        if ours not in (None, page):
            raise ValueError(f"the address is one of page {page}; the connection's page is {ours}")
        return self._receipt(page, post, comment)

    def _pasted(self, id: re.Match[str]) -> PartReceipt:
        """The receipt of a bare id: a post of the page, or a comment, whose first number is the post's."""
        first, second = id.groups()
        if self._page_number is None:
            return PartReceipt(id=id[0])
        return self._receipt(first, second) if first == self._page_number else self._receipt(
            self._page_number, first, second)

    def _receipt(self, page: str, post: str, comment: str | None = None) -> PartReceipt:
        above = None if comment is None else f"{page}_{post}"
        made = f"{post}_{comment}" if above else f"{page}_{post}"
        return PartReceipt(id=made, url=self._url(made, above))

    @property
    def _page_number(self) -> str | None:
        """The connection's `page_id`, if it is known and a number."""
        given = self.connection.credentials.get("page_id")
        number = given.get_secret_value() if given else ""
        return number if _NUMBER.fullmatch(number) else None

    @property
    def _home(self) -> str:
        return self.connection.address or "https://www.facebook.com"

    @property
    def _page(self) -> str:
        return quote(self.connection.secret("page_id"), safe="")    # it stands in paths; a real one is digits

    def _url(self, made: str, post: str | None = None) -> str:
        """Where people see it: the post's address, for a comment with its number. A twin has the same paths."""
        page, _, number = (post or made).rpartition("_")
        there = f"{self._home}/{quote(page, safe='') or self._page}/posts/{number}"
        return there if post is None else f"{there}?comment_id={made.rpartition('_')[2]}"

    def _id(self, answer: dict[str, Any], otherwise: type[PublishError]) -> str:
        if not isinstance(made := answer.get("id"), str) or not made:
            raise otherwise("the network said yes without naming an id")
        return made

    def _talk(self, call: str, *where: object, fields: Mapping[str, str], creating: bool = False) -> dict[str, Any]:
        """What the Graph API answered to one call of the SDK. Raises a PublishError: Unconfirmed only if `creating`."""
        from publishers._graph import understood
        from publishers._sdk import last_answer, session, told

        facebook, unreadable = _sdk()
        token = self.connection.secret("page_access_token")
        doubt: PublishError | None = None
        with session(self.connection) as http:
            graph = facebook.GraphAPI(access_token=token, session=http)
            graph.version = self._version()     # its constructor refuses every version after 3.1
            try:
                with told(http):
                    getattr(graph, call)(*where, **fields)
            except unreadable:
                pass    # the SDK never looks at the status, and its texts hold tokens: the answer itself is read below
            except Unconfirmed as error:
                if last_answer(http) is None:   # else the SDK stumbled over a whole answer, and our own reading counts
                    doubt = error if creating else Unavailable(error.why)
        if doubt is not None:                   # outside `except`, so that nothing hangs on it
            raise doubt
        return understood(last_answer(http), token, creating=creating)

    def _version(self) -> str:
        given = self.connection.credentials.get("graph_version")
        version = given.get_secret_value() if given else GRAPH_VERSION
        if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,2}", version):
            raise Unauthorized(f"the connection's graph_version must look like {GRAPH_VERSION}")
        return version


def _sdk() -> tuple[Any, tuple[type[Exception], ...]]:
    """facebook-sdk, and what its calls raise when they do not understand an answer."""
    import requests

    with _IMPORTING:            # `catch_warnings` is process-wide: two threads would restore each other's filters
        if "facebook" in sys.modules:
            import facebook
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")     # a "\d" in a plain string; under -W error it would not compile
                import facebook
    return facebook, (facebook.GraphAPIError, requests.JSONDecodeError, KeyError, RecursionError)


def _post_in(path: tuple[str, ...], given: Address) -> tuple[str, str, str | None] | None:
    """The page, the post's number and the comment's that an address names; None when it is no post's address."""
    match path:
        case (page, "posts", number) | (page, "posts", _, number):
            pass
        case ("permalink.php" | "story.php",):
            page, number = given.query.get("id", ""), given.query.get("story_fbid", "")
        case (pair,) if (both := _PAIR.fullmatch(pair)):
            page, number = both.groups()
        case _:
            return None
    comment = given.query.get("comment_id")
    if not (page and _NUMBER.fullmatch(number) and (comment is None or _NUMBER.fullmatch(comment))
            and "reply_comment_id" not in given.query):
        return None
    return page, number, comment


PUBLISHER = FacebookPage
