"""Facebook Pages: feed posts, their photos and first comments, through facebook-sdk and the Graph API.

Facebook has no threads: the parts of a thread become one text. Photos are uploaded unpublished first, a single one too,
so that the create call is one small form whose answer is always the id of the post.
"""
import json
import mimetypes
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import quote

from publishers.base import Connection, Found, Limits, Outgoing, OutgoingPart, Sent
from schemas.errors import PublishError, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Media, Message
from schemas.place import Place
from schemas.problem import Problem, Severity

GRAPH_VERSION = "v25.0"     # what the Pages API pages show; the connection's optional field `graph_version` replaces it
LONG_TEXT = 5_000           # characters; nothing documented, but readers see the first lines only
PAGE_SIZE = 25              # with attachments, larger pages make the Graph API answer "reduce the amount of data"
MOST_PAGES = 400            # 10,000 posts or comments; a look that needs more is not complete

_POST_FIELDS = "id,message,created_time,permalink_url,attachments{media_type,subattachments.limit(100){media_type}}"
_COMMENT_FIELDS = "id,message,created_time,permalink_url,from"
_IMPORTING = Lock()


class FacebookPage:
    """One Facebook Page.

    Its token needs pages_manage_posts, pages_read_engagement, and for comments pages_manage_engagement.
    """

    network: ClassVar[str] = "facebook_page"
    needs: ClassVar[tuple[str, ...]] = ("page_id", "page_access_token")
    wants: ClassVar[tuple[str, ...]] = ("graph_version",)       # may be given; GRAPH_VERSION otherwise
    limits: ClassVar[Limits] = Limits(
        text=60_000, unit="characters", comment=8_000, alt=1_000, images=10, image_bytes=10_000_000,
        image_types=("jpg", "jpeg", "bmp", "png", "gif", "tif", "tiff"), parts=1,
        source="developers.facebook.com/docs/graph-api/reference/page/photos (photos); text 63,206, comment 8,000 and "
               "10 photos are customary numbers, nowhere documented: 60,000 keeps a margin",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.plain)
    handles_live_s: ClassVar[float] = 86_400.0
    handles_are_shared: ClassVar[bool] = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def check(self, message: Message) -> list[Problem]:
        """Every reason why Facebook would refuse the message, and a warning for a text nobody reads to its end."""
        limits = self.limits.with_overrides(message.limits)
        text, photos = _text(message), _photos(message)
        found = [*_too_long(message, text, limits.text), *_bad_photos(message, photos, limits)]
        if not (text or photos or message.card):
            found.append(_problem(message, "TXT006", _start(message), f"nothing to post on {message.slot.channel}.",
                                  "Write a text, or add an image."))
        for part in message.parts:
            if part.kind != "comment":
                continue
            found += _over(message, part.place, part.text, limits.comment)
            if not part.text.strip() or part.media:
                found.append(_problem(message, "TXT006", part.place, "a first comment on Facebook is text and nothing "
                                      "else.", "Write its text, and move images into the post."))
        return found

    def length(self, text: str) -> int:
        return len(text)

    def compose(self, message: Message) -> Outgoing:
        """One feed post, then its comments, each with the form fields the Graph API documents."""
        text, photos = _text(message), _photos(message)
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
        """The page's posts since `since`, or its comments under the post, with the same text and as many photos."""
        from publishers._graph import listing

        piece = outgoing.parts[part]
        post = so_far.parts[0].id if piece.kind == "comment" else None
        page_number = post.rpartition("_")[0] if post else None     # `page_id` may be the page's name
        asked = {"limit": str(PAGE_SIZE)} | (
            {"fields": _COMMENT_FIELDS, "filter": "toplevel"} if post else
            {"fields": _POST_FIELDS, "since": str(int(since.timestamp()) - 1)})
        wanted, earliest = _plain(piece.text), since.replace(microsecond=0)
        matches: list[PartReceipt] = []
        for _ in range(MOST_PAGES):
            page = listing(self._talk("get_connections", post or self._page, "comments" if post else "published_posts",
                                      fields=asked))
            matches += [PartReceipt(id=entry.id, url=entry.permalink_url or self._url(entry.id, post))
                        for entry in page.data
                        if _plain(entry.message) == wanted and entry.photos == len(piece.media)
                        and entry.created_time >= earliest
                        and (entry.author is None or page_number in (None, "", entry.author.id))]
            if page.paging.next is None:
                return Found(tuple(matches), complete=True)
            if page.paging.cursors.after in (None, asked.get("after")):
                break
            asked["after"] = str(page.paging.cursors.after)
        return Found(tuple(matches), complete=False)

    @property
    def _page(self) -> str:
        return quote(self.connection.secret("page_id"), safe="")    # it stands in paths; a real one is digits

    def _url(self, made: str, post: str | None = None) -> str:
        """Where people see it: the post's address, for a comment with its number. A twin has the same paths."""
        home = f"{self.connection.address or 'https://www.facebook.com'}/{self._page}/posts"
        number = made.rpartition("_")[2]
        return f"{home}/{number}" if post is None else f"{home}/{post.rpartition('_')[2]}?comment_id={number}"

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


def _text(message: Message) -> str:
    """The post's text: the parts of a thread one below the other, and the card's link when photos leave no card."""
    parts = [part.text for part in message.parts if part.kind == "post" and part.text.strip()]
    return "\n\n".join([*parts, message.card] if message.card and _photos(message) else parts)


def _photos(message: Message) -> tuple[Media, ...]:
    """Every photo of the post once: the same file in two parts of a thread is one photo of the joined post."""
    first: dict[str, Media] = {}
    for part in message.parts:
        if part.kind == "post":
            for media in part.media:
                first.setdefault(media.blob, media)
    return tuple(first.values())


def _start(message: Message) -> Place:
    return message.parts[0].place if message.parts else Place(message.slot.post)


def _problem(message: Message, code: str, place: Place, what: str, remedy: str,
             severity: Severity = Severity.error) -> Problem:
    return Problem(code, severity, place, what, remedy, message.slot.post, message.slot.channel)


def _over(message: Message, place: Place, text: str, most: int | None, severity: Severity = Severity.error,
          ) -> list[Problem]:
    channel = message.slot.channel
    if most is None or len(text) <= most:
        return []
    return [_problem(message, "TXT001", place, f"{len(text)}/{most} on {channel}.",
                     f"Add '## on {channel}' with a shorter text.", severity)]


def _too_long(message: Message, text: str, most: int | None) -> list[Problem]:
    return (_over(message, _start(message), text, most)
            or _over(message, _start(message), text, LONG_TEXT, Severity.warning))


def _bad_photos(message: Message, photos: tuple[Media, ...], limits: Limits) -> Iterator[Problem]:
    channel = message.slot.channel
    if (many := len(photos)) > limits.images:
        yield _problem(message, "TXT001", photos[limits.images].place, f"{many}/{limits.images} images on {channel}.",
                       f"Leave {many - limits.images} out, or name other channels for them.")
    for photo in photos:
        ending = photo.name.rpartition(".")[2].lower()
        if ending not in limits.image_types:
            yield _problem(message, "TXT006", photo.place,
                           f"Facebook takes no .{ending} file on {channel}: {photo.file}.",
                           f"Save it as one of {', '.join(limits.image_types)}.")
        if photo.size > limits.image_bytes:
            yield _problem(message, "TXT001", photo.place,
                           f"{photo.size}/{limits.image_bytes} bytes on {channel}: {photo.file}.",
                           f"Save it smaller than {limits.image_bytes // 1_000_000} MB.")
        if limits.alt is not None and len(photo.alt or "") > limits.alt:
            yield _problem(message, "TXT001", photo.place,
                           f"{len(photo.alt or '')}/{limits.alt} characters of alt text on {channel}: {photo.file}.",
                           f"Shorten its alt text by {len(photo.alt or '') - limits.alt}.")


def _plain(text: str) -> str:
    """Text as it is compared: Facebook may compose letters anew and change white space, no more."""
    return " ".join(unicodedata.normalize("NFC", text).split())


PUBLISHER = FacebookPage
