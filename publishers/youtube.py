"""YouTube: a film that is uploaded private, and then made public by one call that may be repeated.

Sources: developers.google.com/youtube/v3/docs/videos/{insert,update,list,delete}, playlistItems/list, channels/list,
determine_quota_cost, revision_history (to 2026-09-30), and developers.google.com/identity/protocols/oauth2; read
2026-11-22.
Whatever is left behind by an upload that no post took is a private video, which its owner sees in YouTube Studio.
"""
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from publishers._addresses import address_in
from publishers._answers import object_in
from publishers._http import Answer, converse
from publishers._judging import ending, option
from publishers._text import utf8_bytes
from publishers._youtube_answers import VIDEO_ID, at, items, published, refusal
from publishers._youtube_facts import LIMITS, SETUP
from publishers._youtube_login import ENOUGH, SCOPE, page, said_of, scopes_of, tokens
from publishers._youtube_text import CAPTION_TYPES, OPTIONS, files_of, plain, post_of, problems_of, video_of
from publishers._youtube_uploads import API, add_captions, bearer, secrets, set_thumbnail, uploaded
from publishers.base import DRAFT, Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import PublishError, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

MOST_PAGES = 20             # 1,000 videos; a look that needs more is not complete

_HOST = re.compile(r"(?:(?:www|m|music)\.)?youtube\.com")
_LIVES_S = 30 * 86_400.0    # a private video stays; somebody may tidy up in YouTube Studio
_SHOWN = ("public", "unlisted")


class YouTube:
    """One channel. The access token is a new one every hour; whoever opens the channel renews it."""

    network: ClassVar[str] = "youtube"
    needs: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "refresh_token")
    wants: ClassVar[tuple[str, ...]] = ("access_token", "expires_at")
    setup: ClassVar[Setup] = SETUP
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = LIMITS
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=_LIVES_S)    # the id of the private video is the key
    handles_live_s: ClassVar[float] = _LIVES_S
    handles_are_shared: ClassVar[bool] = False
    refresh_ahead_s: ClassVar[float] = 1_500.0                  # a large film takes its time
    app_fields: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- thinking -----------------------------------------------------------------------------------------------------

    def length(self, text: str) -> int:
        return utf8_bytes(text)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        """One video. `request` is the video resource as it is published, and `notifySubscribers` of its upload."""
        limits = self.limits.with_overrides(message.limits)
        post = post_of(message)
        files = files_of(post, limits)
        request = {**video_of(message, post, limits),
                   "notifySubscribers": option(message, "notify_subscribers", "true") == "true"}
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=(OutgoingPart(
            kind="post", text=post.text, request=request, media=tuple(one.blob for one in files),
            alts=("",) * len(files), names=tuple(one.name for one in files), key=idempotency_key(message.slot, 0)),))

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes /watch?v=ID, /shorts/ID, /live/ID, /embed/ID, youtu.be/ID, the page of YouTube Studio, and the id."""
        said = address.strip()
        if VIDEO_ID.fullmatch(said):
            return PartReceipt(id=said, url=self._url(said))
        if (given := address_in(said)) is not None:
            base = self._connection.address
            named = given.anchored(base, self.network) if base else None
            if given.host == "youtu.be":
                named = given.path[0] if given.path else None
            elif _HOST.fullmatch(given.host) or given.host == "studio.youtube.com":
                match given.path:
                    case ("watch",):
                        named = given.query.get("v")
                    case ("shorts" | "live" | "embed" | "v" | "video", id, *_):
                        named = id
            if named and VIDEO_ID.fullmatch(named):
                return PartReceipt(id=named, url=self._url(named))
        raise ValueError("an address of a YouTube video looks like https://www.youtube.com/watch?v=dQw4w9WgXcQ; the "
                         "eleven characters alone will do")

    # --- talking ------------------------------------------------------------------------------------------------------

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Upload the film as a private video, then its picture and subtitles; the id stands for all of them.

        If those fail, the film is taken away again: the next attempt uploads another one.
        """
        what = outgoing.parts[part]
        if not what.media or ending(what.names[0]) not in self.limits.video_types:
            raise Rejected("YouTube takes videos, and there is none")
        self._token()
        draft = {"snippet": what.request["snippet"],
                 "status": {**what.request["status"], "privacyStatus": "private"}}
        id = uploaded(self._connection, draft, read(what.media[0]), notify=bool(what.request["notifySubscribers"]))
        try:
            for blob, name in zip(what.media[1:], what.names[1:], strict=True):
                if ending(name) in CAPTION_TYPES:
                    if not (language := what.request["snippet"].get("defaultLanguage")):
                        raise Rejected("YouTube must know the language of subtitles")
                    add_captions(self._connection, id, str(language), read(blob))
                else:
                    set_thumbnail(self._connection, id, name, read(blob))
        except PublishError:
            with suppress(PublishError):
                self._send("DELETE", f"/youtube/v3/videos?id={quote(id, safe='')}")
            raise
        return dict.fromkeys(what.media, id)

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """The private video that `prepare` made, if YouTube could take it. It may still be making smaller versions."""
        what = outgoing.parts[part]
        if not what.media:
            raise Rejected("YouTube takes videos, and there is none")
        id = so_far.handles[what.media[0]]
        video = self._video(id)
        if video is None:
            raise Unavailable("the private video that was uploaded is not to be seen: it has only just come, or "
                              "somebody removed it in YouTube Studio; sent again, the post uploads it anew")
        status = _status(video)
        if status.get("uploadStatus") in ("failed", "rejected", "deleted"):
            reason = status.get("failureReason") or status.get("rejectionReason") or "no reason given"
            raise Rejected(f"YouTube did not take the video: {str(reason)[:100]}")
        return id

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """The private video as it is to be seen, in one call; a repeat changes nothing."""
        request = outgoing.parts[part].request
        id, video = so_far.handles[DRAFT], {name: request[name] for name in request if name != "notifySubscribers"}
        self._token()
        answer = converse(self._connection, "PUT", f"{self._base}/youtube/v3/videos", json={"id": id, **video},
                          params={"part": ",".join(video)}, headers=bearer(self._connection))
        if not 200 <= answer.status < 300:
            raise refusal(answer, secrets(self._connection), Unconfirmed)
        published(answer, id, video["status"]["privacyStatus"])
        return PartReceipt(id=id, url=self._url(id))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The very draft, if it can be seen now; without one, the channel's videos of this title and description.

        Only a public video tells when it was published: of unlisted ones no look is complete.
        """
        what = outgoing.parts[part]
        snippet, wanted = what.request["snippet"], what.request["status"]["privacyStatus"]
        try:
            if (id := so_far.handles.get(DRAFT)) is not None:
                video = self._video(id)
                is_out = video is not None and _status(video).get("privacyStatus") in _SHOWN
                return Found((PartReceipt(id=id, url=self._url(id)),) if is_out else (), complete=True)
            matches: dict[str, PartReceipt] = {}
            complete = wanted == "public"
            for page in self._uploads():
                complete = complete and page is not None
                for entry in page or ():
                    about, seen = entry["snippet"], entry["status"]["privacyStatus"]
                    if (seen not in _SHOWN or plain(about["title"]) != plain(snippet["title"])
                            or plain(about["description"]) != plain(snippet["description"])):
                        continue
                    id, made = entry["contentDetails"]["videoId"], entry["contentDetails"].get("videoPublishedAt")
                    if seen == "public" and made is not None and at(made) < since.replace(microsecond=0):
                        continue
                    if not VIDEO_ID.fullmatch(id):
                        raise ValueError
                    matches[id] = PartReceipt(id=id, url=self._url(id))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("YouTube listed videos in a form that is not documented") from None
        return Found(tuple(matches.values()), complete)

    def withdraw(self, receipt: PartReceipt) -> None:
        answer = self._send("DELETE", f"/youtube/v3/videos?id={quote(receipt.id, safe='')}")
        if not (200 <= answer.status < 300 or (answer.status == 404 and object_in(answer.body) is not None)):
            raise refusal(answer, secrets(self._connection), Unavailable)

    def account_id(self) -> str:
        """The id of the channel whose token this is. Never raises Unconfirmed."""
        return str(self._channel("id")["id"])

    def verify(self) -> Verified:
        """The channel, what its token may do, and until when. Whether the project is audited nobody tells."""
        channel = self._channel("id,snippet,status")
        name = str((channel.get("snippet") or {}).get("title") or channel["id"])
        scopes = scopes_of(self._connection, self._token())
        warnings = list(said_of(scopes))
        if _status(channel).get("longUploadsStatus") not in (None, "allowed", "longUploadsUnspecified"):
            warnings.append("The channel takes videos of 15 minutes at most: confirm a phone number at "
                            "youtube.com/verify.")
        return Verified(name, str(channel["id"]), scopes, warnings=tuple(warnings),
                        lacks=(SCOPE,) if scopes is not None and not ENOUGH & {*scopes} else ())

    # --- signing in ---------------------------------------------------------------------------------------------------

    def authorization(self, redirect: str, state: str, verifier: str) -> str:
        return page(self._connection, redirect, state, verifier)

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:
        return tokens(self._connection, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect,
                                         "code_verifier": verifier})

    def refresh(self) -> dict[str, str]:
        """A new access token. The refresh token stays."""
        return tokens(self._connection, {"grant_type": "refresh_token",
                                         "refresh_token": self._connection.secret("refresh_token")})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _video(self, id: str) -> dict[str, Any] | None:
        found = items(self._ask(f"/youtube/v3/videos?part=status&id={quote(id, safe='')}"))
        return next((one for one in found if one.get("id") == id), None)

    def _uploads(self) -> Iterator[list[dict[str, Any]] | None]:
        """The channel's own videos by page, private ones too; None at the end when there may be more."""
        playlist = self._channel("contentDetails")["contentDetails"]["relatedPlaylists"]["uploads"]
        asked = ("/youtube/v3/playlistItems?part=snippet,status,contentDetails&maxResults=50"
                 f"&playlistId={quote(playlist, safe='')}")
        token = ""
        for _ in range(MOST_PAGES):
            answer = self._ask(asked + (f"&pageToken={quote(token, safe='')}" if token else ""))
            yield items(answer)
            token = str((object_in(answer.body) or {}).get("nextPageToken") or "")
            if not token:
                return
        yield None

    def _channel(self, part: str) -> dict[str, Any]:
        found = items(self._ask(f"/youtube/v3/channels?part={part}&mine=true"))
        if not found:
            raise Unauthorized("the Google account has no YouTube channel; sign in as the channel that is to post")
        if not isinstance(found[0].get("id"), str) or not found[0]["id"]:
            raise Unavailable("YouTube listed a channel without its id")
        return found[0]

    def _ask(self, path: str) -> Answer:
        """A read. Raises a PublishError that is never Unconfirmed."""
        answer = self._send("GET", path)
        if not 200 <= answer.status < 300:
            raise refusal(answer, secrets(self._connection), Unavailable)
        return answer

    def _send(self, method: str, path: str) -> Answer:
        self._token()
        return converse(self._connection, method, self._base + path, headers=bearer(self._connection), repeatable=True)

    def _token(self) -> str:
        given = self._connection.credentials.get("access_token")
        if given is None or not (token := given.get_secret_value()):
            raise Unauthorized("there is no access token: it has to be renewed, or someone has to sign in", dead=True)
        return token

    @property
    def _base(self) -> str:
        return self._connection.address or API

    def _url(self, id: str) -> str:
        """Where people see it. A twin shows all posts on one page."""
        twin = self._connection.address
        return f"{twin}/#{self.network}-{id}" if twin is not None else f"https://www.youtube.com/watch?v={id}"


def _status(resource: dict[str, Any]) -> dict[str, Any]:
    status = resource.get("status")
    return status if isinstance(status, dict) else {}


PUBLISHER = YouTube
