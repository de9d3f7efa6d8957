"""Threads in rehearsal: profiles that publish containers, and what the API refuses of them.

It fetches each file from the address it is given, as the real one does, but from this machine only.
Sources: developers.facebook.com/documentation/threads posts, reference/publishing, create-posts/polls, spoilers and
text-attachments, troubleshooting, posts/delete-posts, get-started; error 4279009 from public issue threads; read
2026-11-22. What a second publication of a container answers is documented nowhere: here it is refused as not found.
"""
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._container_double import LIVES, ContainerTwin, fields, names
from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Kept, Refusal

_TEXT, _ALT, _LINKS, _SPOILERS, _ANSWER = 500, 1_000, 5, 10, 25
_CHILDREN = (2, 20)
_IMAGE_BYTES, _RATIO = 8 * 1024 * 1024, 10.0
_VIDEO_BYTES, _VIDEO_SECONDS = 1_000_000_000, 300.0
_TOKEN_LIVES_S = 5_184_000
_KINDS = ("TEXT", "IMAGE", "VIDEO", "CAROUSEL")
_REPLY_CONTROLS = ("everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only")
_ANSWERS = ("option_a", "option_b", "option_c", "option_d")
_SCOPES = ("threads_basic", "threads_content_publish", "threads_manage_replies", "threads_read_replies",
           "threads_delete")
_SEEN_EVERYWHERE = ("127.0.0.1", "localhost", "::1")     # no rehearsal reaches out into the world
_URL = re.compile(r"(?:https?://|(?<![\w./@-])www\.)[^\s<>\"]*[^\s<>\".,;:!?)\]}]", re.IGNORECASE)
_PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def _fault(code: int | str, message: str, *, status: int = 400, subcode: int | None = None, **more: object) -> Refusal:
    error: dict[str, object] = {"message": message, "type": "OAuthException", "code": code, **more}
    if subcode is not None:
        error["error_subcode"] = subcode
    return Refusal(status, {"error": error | {"fbtrace_id": "ArehearsalTRACE00000000"}})


def _wrong(what: str) -> Refusal:
    return _fault(100, f"(#100) {what}")


def _not_found(id: str) -> Refusal:
    return _fault(24, "The requested resource does not exist", subcode=4279009, error_user_title="Media Not Found",
                  error_user_msg=f"The media with id {id} cannot be found.", is_transient=False)


def _unfetched(address: str) -> Refusal:
    return _fault(9004, "Only photo or video can be accepted as media type.", subcode=2207052, is_transient=False,
                  error_user_title="Media download has failed.",
                  error_user_msg=f"The media could not be fetched from this URI: {address}.")


class ThreadsTwin(ContainerTwin):
    """Profiles. A container shows nowhere until it is published.

    `scopes` is what every token may do; None: the profile is no tester of the app, so that is not told.
    """

    network: ClassVar[str] = "threads"
    title: ClassVar[str] = "Threads"
    accent: ClassVar[str] = "#101010"
    creates: ClassVar[tuple[str, ...]] = (r"POST /v1\.0/[^/]+/threads_publish",)

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.quota, self.reply_quota, self.delete_quota = 250, 1_000, 100
        self.deleted: list[datetime] = []
        self.scopes: tuple[str, ...] | None = _SCOPES
        super().__init__(now, folder)

    def routes(self) -> list[Route]:
        return [
            Route("/oauth/authorize", self._authorize),
            Route("/oauth/access_token", self._short_token, methods=["POST"]),
            Route("/access_token", self._long_token),
            Route("/refresh_access_token", self._refreshed),
            Route("/v1.0/me", self._me),
            Route("/v1.0/debug_token", self._debugged),
            Route("/v1.0/{user}/threads_publishing_limit", self._limit),
            Route("/v1.0/{user}/threads", self._container, methods=["POST"]),
            Route("/v1.0/{user}/threads", self._feed),
            Route("/v1.0/{user}/replies", self._feed),
            Route("/v1.0/{user}/threads_publish", self._publish, methods=["POST"]),
            Route("/v1.0/{id}", self._delete, methods=["DELETE"]),
            Route("/v1.0/{id}", self._object),
        ]

    def rate_limited(self, until: datetime) -> Refusal:
        minutes = max(1, math.ceil((until - self.now()).total_seconds() / 60))      # the real header counts in minutes
        usage = {"type": "threads", "call_count": 100, "total_cputime": 25, "total_time": 25,
                 "estimated_time_to_regain_access": minutes}
        refusal = _fault(4, "(#4) Application request limit reached", status=403)
        refusal.headers["X-Business-Use-Case-Usage"] = json.dumps({"1": [usage]})
        return refusal

    def broken(self) -> Refusal:
        return _fault(1, "An unknown error occurred", status=500, is_transient=True)

    def unauthorized(self) -> Refusal:
        return _fault(190, "Error validating access token: The session has been invalidated because the user changed "
                           "their password.", status=401, subcode=460)

    def overloaded(self, until: datetime | None) -> Refusal:
        refusal = _fault(2, "Service temporarily unavailable", status=503, is_transient=True)
        refusal.headers.update(self._retry_after(until))
        return refusal

    def forget(self) -> None:
        super().forget()
        self.deleted.clear()

    def _recall(self, kind: str, value: Any) -> None:
        if kind == "gone":
            self.posts.remove(self._by_id.pop(value["id"]))
            self.deleted.append(datetime.fromisoformat(value["at"]))
        else:
            super()._recall(kind, value)

    async def _container(self, request: Request) -> Response:
        account, given = await self._asked(request)
        self._own(request, account)
        kind, is_item = given.get("media_type", ""), given.get("is_carousel_item") == "true"
        if kind not in _KINDS or (is_item and kind not in ("IMAGE", "VIDEO")):
            raise _wrong(f"Param media_type must be one of {{{', '.join(_KINDS)}}}")
        _refuse_words(given, kind)
        if (parent := given.get("reply_to_id")) and self.post(parent) is None:
            raise _not_found(parent)
        if kind == "CAROUSEL":
            made = self._made(account, kind, given, self._children(given, account))
        elif kind == "TEXT":
            made = self._made(account, kind, given, ())
        else:
            made = await self._with_file(account, "ITEM" if is_item else kind, given)
        return JSONResponse({"id": made["id"]})

    def _children(self, given: Mapping[str, str], account: str) -> list[str]:
        ids = [id for id in given.get("children", "").split(",") if id]
        if not _CHILDREN[0] <= len(ids) <= _CHILDREN[1]:
            raise _wrong("Param children must have 2 to 20 containers")
        media = []
        for id in ids:
            child = self.containers.get(id)
            if child is None or child["account"] != account or child["kind"] != "ITEM" or self._status(
                    child) != "FINISHED":
                raise _not_found(id)
            media += child["media"]
        return media

    async def _with_file(self, account: str, kind: str, given: Mapping[str, str]) -> dict[str, Any]:
        """A container for one file, fetched now. What is wrong with a video shows when it is asked after."""
        is_video = given["media_type"] == "VIDEO"
        address = given.get("video_url" if is_video else "image_url")
        if not address:
            raise _wrong(f"The parameter {'video_url' if is_video else 'image_url'} is required")
        data = await _fetched(address)
        why, mime = _wrong_video(data) if is_video else "", "video/mp4"
        if not is_video:
            mime = _judged_picture(data)
        id = self.keep_media(data, name=urlsplit(address).path.rpartition("/")[2] or "file", mime=mime, account=account)
        if given.get("alt_text"):
            self.describe_media(id, given["alt_text"])
        return self._made(account, kind, given, [id], looks=self.looks_at_video if is_video else 0, why=why)

    def _made(self, account: str, kind: str, given: Mapping[str, str], media: Sequence[str], *, looks: int = 0,
              why: str = "") -> dict[str, Any]:
        kept = {name: given[name] for name in ("topic_tag", "reply_control", "link_attachment", "poll_attachment",
                                               "is_spoiler_media", "text_entities") if name in given}
        made: dict[str, Any] = {"id": self.new_id(), "account": account, "kind": kind, "text": given.get("text", ""),
                                "media": list(media), "parent": given.get("reply_to_id"), "kept": kept, "looks": looks,
                                "why": why, "at": self.now().isoformat(), "published": False}
        self._journal.write("container", made)
        self.containers[made["id"]] = made
        return made

    async def _publish(self, request: Request) -> Response:
        account, given = await self._asked(request)
        self._own(request, account)
        id = given.get("creation_id", "")
        made = self.containers.get(id)
        if made is None or made["account"] != account or made["kind"] == "ITEM" or self._status(made) != "FINISHED":
            raise _not_found(id)
        posts, replies = self._used(account)
        if (replies >= self.reply_quota) if made["parent"] else (posts >= self.quota):
            raise _fault(9, "You reached maximum number of posts that is allowed to be published by Content Publishing "
                            "API.", subcode=2207042)
        if made["parent"] and self.post(made["parent"]) is None:
            raise _not_found(made["parent"])
        self._change(id, published=True)
        kept = self.keep(account=account, text=made["text"], parent=made["parent"], media=made["media"],
                         extra={"form": made["kind"], "container": id, **made["kept"]})
        return JSONResponse({"id": kept.id})

    async def _feed(self, request: Request) -> Response:
        account, given = await self._asked(request)
        self._own(request, account)
        replies = request.url.path.endswith("/replies")
        return self._page(request, given, [post for post in reversed(self.posts) if post.account == account
                                           and (post.parent is not None) == replies])

    async def _object(self, request: Request) -> Response:
        account, given = await self._asked(request)
        id = request.path_params["id"]
        if (made := self.containers.get(id)) and made["account"] == account:
            status = self._status(made)
            if made["looks"] > 0:
                self._change(id, looks=made["looks"] - 1)
            said = {"id": id, "status": status, **({"error_message": made["why"]} if status == "ERROR" else {})}
            return JSONResponse({name: said[name] for name in ("id", *names(given)) if name in said})
        if (kept := self.post(id)) is None:
            raise _not_found(id)
        return JSONResponse(self._told(request, kept, names(given)))

    async def _delete(self, request: Request) -> Response:
        account, _ = await self._asked(request)
        id = request.path_params["id"]
        if (kept := self.post(id)) is None or kept.account != account:
            raise _not_found(id)
        if sum(1 for at in self.deleted if self.now() - at < LIVES) >= self.delete_quota:
            raise _fault(4, "(#4) Application request limit reached")
        value = {"id": id, "at": self.now().isoformat()}
        self._journal.write("gone", value)
        self._recall("gone", value)
        return JSONResponse({"success": True, "deleted_id": id})

    async def _limit(self, request: Request) -> Response:
        account, given = await self._asked(request)
        self._own(request, account)
        posts, replies = self._used(account)
        known = {"quota_usage": posts, "config": {"quota_total": self.quota, "quota_duration": 86_400},
                 "reply_quota_usage": replies,
                 "reply_config": {"quota_total": self.reply_quota, "quota_duration": 86_400}}
        return JSONResponse({"data": [{name: known[name] for name in names(given) if name in known}]})

    async def _me(self, request: Request) -> Response:
        account, given = await self._asked(request)
        known = {"id": number_of(account), "username": account.lstrip("@")}
        return JSONResponse({name: known[name] for name in ("id", *names(given)) if name in known})

    async def _debugged(self, request: Request) -> Response:
        account, _ = await self._asked(request)
        if self.scopes is None:
            raise _fault(10, "(#10) Application does not have permission for this action", status=403)
        ends = int(self.now().timestamp()) + _TOKEN_LIVES_S
        return JSONResponse({"data": {"type": "USER", "application": "Rehearsal", "is_valid": True,
                                      "expires_at": ends, "issued_at": int(self.now().timestamp()),
                                      "scopes": list(self.scopes), "user_id": number_of(account)}})

    async def _short_token(self, request: Request) -> Response:
        given = await fields(request)
        account, redirect = self.codes.pop(given.get("code", ""), ("", ""))
        if not account or redirect != given.get("redirect_uri") or not all(
                given.get(name) for name in ("client_id", "client_secret")) or given.get(
                "grant_type") != "authorization_code":
            raise Refusal(400, {"error_type": "OAuthException", "code": 400,
                                "error_message": "Matching code was not found or was already used"})
        return JSONResponse({"access_token": f"short-{account}", "user_id": int(number_of(account))})

    async def _long_token(self, request: Request) -> Response:
        given, token = request.query_params, request.query_params.get("access_token", "")
        if (given.get("grant_type") != "th_exchange_token" or not given.get("client_secret")
                or not token.startswith("short-")):
            raise _fault(452, "Session key invalid. This could be because the session key has an incorrect format, or "
                              "because the user has revoked this session")
        return JSONResponse({"access_token": f"rehearsal:{token.removeprefix('short-')}", "token_type": "bearer",
                             "expires_in": _TOKEN_LIVES_S})

    async def _refreshed(self, request: Request) -> Response:
        await self._asked(request)
        if request.query_params.get("grant_type") != "th_refresh_token":
            raise _wrong("Invalid parameter: grant_type")
        return JSONResponse({"access_token": request.query_params["access_token"], "token_type": "bearer",
                             "expires_in": _TOKEN_LIVES_S})

    async def _asked(self, request: Request) -> tuple[str, dict[str, str]]:
        """Whose call it is, and its fields. Raises the refusal of no token, and of a bad one."""
        given = await fields(request)
        token = given.get("access_token", "")
        if not token or token.startswith("short-"):
            raise _fault(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if token == "expired":
            raise _fault(190, "Error validating access token: Session has expired on Sunday, 22-Nov-26 06:00:00 PST.",
                         subcode=463)
        return self.account_of(token), given

    def _own(self, request: Request, account: str) -> None:
        user = request.path_params["user"]
        if user not in ("me", account, account.replace("/", "-"), number_of(account)):
            raise _fault(100, f"Unsupported request. Object with ID '{user}' does not exist, cannot be loaded due to "
                              "missing permissions, or does not support this operation", subcode=33)

    def _used(self, account: str) -> tuple[int, int]:
        """Posts and replies of the last 24 hours."""
        recent = [post for post in self.posts if post.account == account and self.now() - post.created_at < LIVES]
        replies = sum(post.parent is not None for post in recent)
        return len(recent) - replies, replies

    def _told(self, request: Request, post: Kept, names: Sequence[str]) -> dict[str, Any]:
        """The asked fields of a post; those that are empty are left out, as the real one does."""
        form = post.extra["form"]
        known: dict[str, Any] = {
            "id": post.id, "timestamp": f"{post.created_at:%Y-%m-%dT%H:%M:%S}+0000", "text": post.text or None,
            "permalink": self.link(request, post.id), "username": post.account.lstrip("@"),
            "media_product_type": "THREADS", "is_quote_post": False, "topic_tag": post.extra.get("topic_tag"),
            "link_attachment_url": post.extra.get("link_attachment"),
            "media_type": {"TEXT": "TEXT_POST", "CAROUSEL": "CAROUSEL_ALBUM"}.get(form, form),
            "children": {"data": [{"id": id} for id in post.media]} if form == "CAROUSEL" else None,
            "replied_to": {"id": post.parent} if post.parent else None}
        return {name: known[name] for name in ("id", *names) if known.get(name) is not None}


def number_of(account: str) -> str:
    """A profile's number: its own, or for one that is called by name always the same."""
    return account if account.isdecimal() else f"2{int(hashlib.sha256(account.encode()).hexdigest()[:12], 16):015}"


def counted(text: str) -> int:
    """Characters, with every emoji as its bytes in UTF-8."""
    import regex

    return sum(len(cluster.encode("utf-8", "surrogatepass") if regex.search(r"\p{Extended_Pictographic}|\p{RI}|\u20E3",
                                                                             cluster) else cluster)
               for cluster in regex.findall(r"\X", text))


def _refuse_words(given: Mapping[str, str], kind: str) -> None:
    text = given.get("text", "")
    if kind == "TEXT" and not text.strip():
        raise _wrong("The parameter text is required")
    if counted(text) > _TEXT:
        raise _wrong(f"Param text must be at most {_TEXT} characters long.")
    if len(given.get("alt_text", "")) > _ALT:
        raise _wrong(f"Param alt_text must be at most {_ALT} characters long.")
    attached = given.get("link_attachment")
    if attached and kind != "TEXT":
        raise _wrong("Param link_attachment is only for text-only posts")
    if len({*_URL.findall(text), *([attached] if attached else [])}) > _LINKS:
        raise _fault("THREADS_API__LINK_LIMIT_EXCEEDED", f"Posts can have at most {_LINKS} links.")
    if "topic_tag" in given and not re.fullmatch(r"[^.&]{1,50}", given["topic_tag"]):
        raise _wrong("Param topic_tag must have 1 to 50 characters, without periods and ampersands")
    if given.get("reply_control", "everyone") not in _REPLY_CONTROLS:
        raise _wrong(f"Param reply_control must be one of {{{', '.join(_REPLY_CONTROLS)}}}")
    if given.get("is_spoiler_media") == "true" and kind == "TEXT":
        raise _wrong("Param is_spoiler_media is only for posts with media")
    _refuse_poll(given, kind)
    _refuse_spoilers(given, text)


def _refuse_poll(given: Mapping[str, str], kind: str) -> None:
    if "poll_attachment" not in given:
        return
    poll = _json(given["poll_attachment"])
    if kind != "TEXT":
        raise _wrong("Polls can be attached to text-only posts only")
    if not isinstance(poll, dict) or not set(poll) <= set(_ANSWERS) or not {"option_a", "option_b"} <= set(poll) or any(
            not isinstance(answer, str) or not 1 <= len(answer) <= _ANSWER for answer in poll.values()):
        raise _wrong("Param poll_attachment must have 2 to 4 options of 1 to 25 characters")


def _refuse_spoilers(given: Mapping[str, str], text: str) -> None:
    if "text_entities" not in given:
        return
    entities = _json(given["text_entities"])
    if not isinstance(entities, list) or len(entities) > _SPOILERS or any(
            not isinstance(one, dict) or one.get("entity_type") not in ("SPOILER", "spoiler")
            or not isinstance(one.get("offset"), int) or not isinstance(one.get("length"), int) or one["offset"] < 0
            or one["length"] < 1 or one["offset"] + one["length"] > len(text) for one in entities):
        raise _wrong("Invalid parameter: text_entities")


async def _fetched(address: str) -> bytes:
    """The bytes at an address of this machine. Raises the network's refusal of one that it cannot fetch."""
    import httpx

    if urlsplit(address).hostname not in _SEEN_EVERYWHERE:
        raise _unfetched(address)
    try:
        async with httpx.AsyncClient(timeout=20.0, trust_env=False) as client:
            answer = await client.get(address)
    except httpx.HTTPError:
        raise _unfetched(address) from None
    if answer.status_code != 200:
        raise _unfetched(address)
    return answer.content


def _judged_picture(data: bytes) -> str:
    """Its type. Raises the network's refusal of a picture that it does not take."""
    seen = opened(data)
    mime = next((mime for start, mime in _PICTURES.items() if data.startswith(start)), None)
    if seen is None or mime is None:
        raise _fault(36001, "The image format is not supported.", subcode=2207005)
    if len(data) > _IMAGE_BYTES:
        raise _fault(36000, "The image size is too large.", subcode=2207004)
    if not 1 / _RATIO <= seen.width / seen.height <= _RATIO:
        raise _fault(36003, "The aspect ratio is not supported.", subcode=2207009)
    return mime


def _wrong_video(data: bytes) -> str:
    """What is wrong with a film of the MP4 kind, in the network's word; empty: nothing."""
    at = data.find(b"mvhd")
    if data[4:8] != b"ftyp" or at < 0 or len(data) < at + 36 or len(data) > _VIDEO_BYTES:
        return "FAILED_PROCESSING_VIDEO"
    scale, length = (at + 16, slice(at + 20, at + 24)) if data[at + 4] == 0 else (at + 24, slice(at + 28, at + 36))
    ticks = int.from_bytes(data[scale:scale + 4])
    return "" if ticks and 0 < int.from_bytes(data[length]) / ticks <= _VIDEO_SECONDS else "INVALID_DURATION"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None






TWIN = ThreadsTwin
