"""X: posts, threads, polls and first comments through API v2 and tweepy, in the name of the account (OAuth 1.0a).

Files go up first: pictures in one call with their alt text, videos and moving GIFs in pieces, subtitles behind their
video; a post names them by id. A thread is a chain of replies to oneself, and a first comment a reply to the last post.
X has no card field: a link that is to be shown as a card stands behind the text.
"""
import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from publishers._addresses import address_in
from publishers._http import Answer
from publishers._text import weighted_length
from publishers._x_answers import (
    Doing,
    Entry,
    Page,
    entry,
    is_deleted,
    is_missing,
    new_id,
    page,
    state,
    understood,
    username,
)
from publishers._x_calls import signed
from publishers._x_files import VIDEOS, Kind, is_subtitle, kind_of, segments, spoken
from publishers._x_text import OPTIONS, body_of, files_of, pieces, price, problems_of
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import RateLimited, Rejected, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

PAGE_SIZE = 100
MOST_POSTS = 3_200          # what X shows of an account's past; a look that reaches it is not complete
READY_TIMEOUT_S = 2.0       # asking after a video must not use up the time in which the create call is to leave

_PENDING = "processing:"    # a handle that must be asked after before it is used
_ASKED = {"post.fields": "created_at,note_post,entities,attachments", "expansions": "referenced_posts"}
_HOST = re.compile(r"(?:(?:www|mobile|m)\.)?(?:x|twitter)\.com")
_POST_ID = re.compile(r"[1-9][0-9]{0,18}")
_POST_PATH = re.compile(r"(?:i|i/web|\w{1,20})/status(?:es)?/([1-9][0-9]{0,18})(?:/.*)?", re.ASCII)
_READ_ONLY = "The app may only read: set 'Read and write' in the developer console, then make the access token anew."
_TOO_MUCH = "The app may read and send direct messages too: 'Read and write' is enough."


class X:
    """One account. Its app needs the permission "Read and write" before the access token is made."""

    network: ClassVar[str] = "x"
    needs: ClassVar[tuple[str, ...]] = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    wants: ClassVar[tuple[str, ...]] = ()
    setup: ClassVar[Setup] = Setup(
        app="In the developer console (console.x.com), signed in as the account that posts: make an app, and under "
            "'User authentication settings' choose 'Read and write' before you make the access token. A token made "
            "before that stays read-only.",
        fields={"consumer_key": "the app's page → Keys and tokens → API key",
                "consumer_secret": "Keys and tokens → API key secret, shown once, when the key is made",
                "access_token": "Keys and tokens → Access token → Generate; it belongs to the account you are signed "
                                "in as",
                "access_token_secret": "shown once, together with the access token"},
        scopes=("Read and write",),
        expires="Does not expire; it ends when the account revokes the app or the token is made anew.",
        review="None for your own account, but the developer agreement asks what the app is for.",
        costs="Credits, bought beforehand in the console: 0.20 USD for a post with a link, 0.015 USD for one without, "
              "0.005 USD for each alt text; looking up a post costs a tenth of a cent, deleting one 0.01 USD.",
        page="https://docs.x.com/x-api/getting-started/getting-access")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = Limits(
        text=280, unit="weighted characters", link_length=23, alt=1_000, images=4, image_bytes=5_000_000,
        image_types=("jpg", "jpeg", "png", "gif", "webp"), videos=1, video_bytes=512_000_000,
        video_types=tuple(VIDEOS), video_seconds=(0.5, 1_200.0), poll_options=4, poll_option=25,
        poll_seconds=(300, 604_800),
        # X documents 512 MB for a video on one page and 8 GB on another; a file is held whole while it goes up
        source="docs.x.com (counting characters, media best practices and introduction, OpenAPI 2.168); twitter-text "
               "config/v3.json",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.refused)           # 403 "duplicate content", which names no post
    handles_live_s: ClassVar[float] = 86_400.0                  # `expires_after_secs`: docs.x.com, read 2026-11-22
    handles_are_shared: ClassVar[bool] = True                   # by posts of the account that uploaded it

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def length(self, text: str) -> int:
        return weighted_length(text)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        """One post for each part, comments too; media ids and the post replied to are known only when it is sent."""
        limits = self.limits.with_overrides(message.limits)
        parts = []
        for index, piece in enumerate(pieces(message)):
            files = files_of(message, piece, limits)
            parts.append(OutgoingPart(
                kind=piece.kind, text=piece.text, request=body_of(message, index, piece),
                media=tuple(blob for blob, _, _ in files), alts=tuple(alt for _, alt, _ in files),
                names=tuple(name for _, _, name in files), key=idempotency_key(message.slot, index)))
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(parts))

    def price(self, outgoing: Outgoing) -> float:
        return price(outgoing)

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Media ids by `OutgoingPart.media`, described. Nobody sees a file that no post names.

        A file that X still works on gets a handle too, which `publish` asks after: so waiting uploads nothing twice.
        """
        piece = outgoing.parts[part]
        handles: dict[str, str] = {}
        video = ""
        for media, alt, name in zip(piece.media, piece.alts, piece.names, strict=True):
            data = read(media)
            kind = kind_of(name, data)
            handles[media] = self._upload(kind, data) if kind.media_type else self._upload_picture(data)
            id = handles[media].removeprefix(_PENDING)
            if kind.category == "tweet_video":
                video = id
            if alt:
                self._talk("POST", "/2/media/metadata", "preparing",
                           json={"id": id, "metadata": {"alt_text": {"text": alt}}})
            if kind.category == "subtitles" and video:
                self._talk("POST", "/2/media/subtitles", "preparing", json={
                    "id": video, "media_category": "TweetVideo", "subtitles": {"id": id, **spoken(name)}})
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """One `POST /2/tweets`, once. Raises a PublishError."""
        piece = outgoing.parts[part]
        body = dict(piece.request)
        if attached := _attached(piece):
            body["media"] = {"media_ids": [self._ready(so_far.handles[media]) for media in attached]}
        if (parent := _parent(outgoing, part, so_far)) is not None:
            body["reply"] = {"in_reply_to_tweet_id": parent}
        return self._receipt(new_id(self._talk("POST", "/2/tweets", "creating", json=body), Unconfirmed))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The account's posts since `since` with the same text, as many files, and the same post replied to.

        Of a post that was edited since, its first version counts; one that X does not show makes the look incomplete.
        So does a post without its time: X answers 200 and leaves out what it does not understand of a question
        (reported of the live network, 2026-09-21), and a post without its parent and files cannot be judged.
        """
        piece, parent = outgoing.parts[part], _parent(outgoing, part, so_far)
        files, has_poll = len(_attached(piece)), "poll" in piece.request
        earliest = since.astimezone(UTC).replace(microsecond=0)
        matches: dict[str, PartReceipt] = {}
        complete, more = True, True
        for entries in self._pages(earliest):
            complete = complete and not entries.errors
            for latest in entries.data:
                if (shown := self._first_version(latest)) is None:
                    complete = False
                    continue
                complete = complete and shown.created_at is not None
                if (shown.parent == parent and len(shown.attachments.media_keys) == files
                        and bool(shown.attachments.poll_ids) == has_poll
                        and (shown.created_at is None or shown.created_at >= earliest)
                        and not shown.is_of_another_kind(piece.text) and shown.says(piece.text)):
                    matches[shown.id] = self._receipt(shown.id)
            more = entries.meta.next_token is not None
        return Found(tuple(matches.values()), complete=complete and not more)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes /NAME/status/ID, /i/status/ID and /i/web/status/ID of x.com and twitter.com, and the bare number."""
        said, base = address.strip(), self.connection.address
        if _POST_ID.fullmatch(said):
            return self._receipt(said)
        if (given := address_in(said)) is not None:
            path = given.below(base) if base else given.path if _HOST.fullmatch(given.host) else None
            if path and (match := _POST_PATH.fullmatch("/".join(path))):
                return self._receipt(match[1])
            if base and _POST_ID.fullmatch(anchor := given.anchored(base, self.network) or ""):
                return self._receipt(anchor)
        raise ValueError(f"an address of X looks like {base or 'https://x.com'}/NAME/status/1234567890; "
                         "the number alone will do")

    def account_id(self) -> str:
        """The number of the account whose access token this is: `GET /2/users/me`. Never raises Unconfirmed."""
        return new_id(self._talk("GET", "/2/users/me", "reading"), Unavailable)

    def verify(self) -> Verified:
        """Whose credentials these are, and what the app may do, which X says in a header of its own."""
        answer = self._send("GET", "/2/users/me", "reading")
        body = understood(answer, self._secrets().values(), "reading")
        may = answer.headers.get("x-access-level", "") if answer else ""
        name, id = username(body), new_id(body, Unavailable)
        warnings = (_READ_ONLY,) if may == "read" else (_TOO_MUCH,) if "directmessages" in may else ()
        return Verified(f"@{name}" if name else id, id, scopes=(may,) if may else None, warnings=warnings,
                        lacks=self.setup.scopes if may == "read" else ())

    def withdraw(self, receipt: PartReceipt) -> None:
        """The post is gone; what X says "not deleted" of is looked at before anybody believes it."""
        if not _POST_ID.fullmatch(receipt.id):
            raise Rejected("this is no id of a post of X; nothing was deleted")
        route = f"/2/tweets/{receipt.id}"
        if not is_deleted(self._talk("DELETE", route, "deleting")) and not is_missing(
                self._talk("GET", route, "reading")):
            raise Unavailable("X did not delete the post")

    def _first_version(self, latest: Entry) -> Entry | None:
        """The post as it was created; None when it was edited since and X does not show what it said before."""
        if latest.first == latest.id:
            return latest
        return entry(self._talk("GET", f"/2/tweets/{latest.first}", "reading", params=_ASKED))

    def _pages(self, earliest: datetime) -> Iterator[Page]:
        """The account's own posts, newest first, a page at a time; the last page says whether there would be more."""
        account = self.account_id()
        asked = {"max_results": str(PAGE_SIZE), "start_time": earliest.strftime("%Y-%m-%dT%H:%M:%SZ"),
                 "exclude": "retweets", **_ASKED}
        for _ in range(MOST_POSTS // PAGE_SIZE):
            entries = page(self._talk("GET", f"/2/users/{account}/tweets", "reading", params=asked))
            yield entries
            if entries.meta.next_token in (None, asked.get("pagination_token")):
                return
            asked["pagination_token"] = str(entries.meta.next_token)

    def _receipt(self, post: str) -> PartReceipt:
        return PartReceipt(id=post, url=f"{self.connection.address or 'https://x.com'}/i/status/{post}")

    def _upload_picture(self, data: bytes) -> str:
        body = {"media": base64.b64encode(data).decode(), "media_category": "tweet_image"}
        return new_id(self._talk("POST", "/2/media/upload", "preparing", json=body), Unavailable)

    def _upload(self, kind: Kind, data: bytes) -> str:
        """The handle of a file that goes up in pieces."""
        whole = {"media_category": kind.category, "media_type": kind.media_type, "total_bytes": len(data)}
        id = new_id(self._talk("POST", "/2/media/upload/initialize", "preparing", json=whole), Unavailable)
        for index, piece in segments(data):
            self._talk("POST", f"/2/media/upload/{id}/append", "appending",
                       json={"media": base64.b64encode(piece).decode(), "segment_index": index})
        body = self._talk("POST", f"/2/media/upload/{id}/finalize", "preparing")
        try:
            return id if _is_done(body) or self._is_ready(id) else _PENDING + id
        except (Unavailable, RateLimited):       # whatever hinders the question: what went up is not to go up again
            return _PENDING + id

    def _is_ready(self, id: str) -> bool:
        return _is_done(self._talk("GET", "/2/media/upload", "preparing", params={"command": "STATUS", "media_id": id},
                                   within=READY_TIMEOUT_S))

    def _ready(self, handle: str) -> str:
        """The media id of a handle. Raises Unavailable while X works on the file, Rejected when it gave up."""
        id = handle.removeprefix(_PENDING)
        if handle != id and not self._is_ready(id):
            raise Unavailable("X is still working on a video or GIF; nothing was posted")
        return id

    def _secrets(self) -> dict[str, str]:
        return {name: self.connection.secret(name) for name in self.needs}

    def _talk(self, method: str, route: str, doing: Doing, params: Mapping[str, str] | None = None,
              json: Mapping[str, Any] | None = None, within: float | None = None) -> dict[str, Any]:
        """X's yes to one call. Raises a PublishError: Unconfirmed only when creating."""
        return understood(self._send(method, route, doing, params, json, within), self._secrets().values(), doing)

    def _send(self, method: str, route: str, doing: Doing, params: Mapping[str, str] | None = None,
              json: Mapping[str, Any] | None = None, within: float | None = None) -> Answer | None:
        """X's answer to one call, whatever it says. `within`: seconds it may take; None: the connection's."""
        connection = self.connection._replace(request_timeout_s=within) if within else self.connection
        return signed(connection, self._secrets(), method, route, doing, params=params, json=json)


def _attached(piece: OutgoingPart) -> tuple[str, ...]:
    """The files that a post names; subtitles hang on their video."""
    return tuple(media for media, name in zip(piece.media, piece.names, strict=True) if not is_subtitle(name))


def _is_done(body: Mapping[str, Any]) -> bool:
    """Whether X is done with a file. Raises Rejected when it cannot use it."""
    if (said := state(body)) == "failed":
        raise Rejected("X could not use a video or GIF: save it anew, a video as MP4 with H.264 and AAC")
    return said == "succeeded"


def _parent(outgoing: Outgoing, part: int, so_far: Sent) -> str | None:
    """The post that a part replies to: the last post before it. Comments do not hang on each other."""
    before = [index for index in range(part) if outgoing.parts[index].kind == "post"]
    return so_far.parts[before[-1]].id if before else None


PUBLISHER = X
