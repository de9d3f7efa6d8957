"""Instagram in rehearsal: accounts that publish containers, and what the API with Instagram Login refuses of them.

It fetches each file from the address it is given, as the real one does, but from this machine only.
Sources: developers.facebook.com/docs/instagram-platform content-publishing, reference/ig-user/{media,media_publish},
ig-container, error-codes, business-login; read 2026-11-22. What a second publication of a container answers is
documented nowhere: here it is refused as one that does not exist any more.
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

_CAPTION, _ALT, _HASHTAGS, _MENTIONS, _COLLABORATORS = 2_200, 1_000, 30, 20, 3
_CHILDREN = (2, 10)
_IMAGE_BYTES, _RATIO = 8 * 1024 * 1024, (4 / 5, 1.91)
_VIDEO_BYTES = {"REELS": 300_000_000, "VIDEO": 300_000_000, "STORIES": 100_000_000}
_VIDEO_SECONDS = {"REELS": (3.0, 900.0), "VIDEO": (3.0, 900.0), "STORIES": (3.0, 60.0)}
_TOKEN_LIVES_S = 5_184_000
_SEEN_EVERYWHERE = ("127.0.0.1", "localhost", "::1")     # no rehearsal reaches out into the world
_REFUSED = {2207004: (36000, "The image is too large to download. It should be less than 8 MiB."),
            2207005: (36001, "The image format is not supported. It should be in JPEG."),
            2207009: (36003, "The submitted image with an aspect ratio is not supported. It should be between 4:5 and "
                             "1.91:1."),
            2207010: (36004, "The caption was too long. It should have at most 2200 characters, 30 hashtags, 20 "
                             "tags."),
            2207008: (24, "The media builder does not exist or has been expired."),
            2207026: (352, "The video file you selected is in a format that we don't support."),
            2207027: (9007, "The media is not ready for publishing, please wait for a moment."),
            2207028: (100, "The post won't work as a carousel. It needs 2 to 10 photos or videos."),
            2207042: (9, "You reached maximum number of posts that is allowed to be published by Content Publishing "
                         "API."),
            2207052: (9004, "The media could not be fetched from this URI.")}


def fault(code: int, message: str, *, status: int = 400, subcode: int | None = None, **more: object) -> Refusal:
    error: dict[str, object] = {"message": message, "type": "OAuthException", "code": code, **more}
    if subcode is not None:
        error["error_subcode"] = subcode
    return Refusal(status, {"error": error | {"fbtrace_id": "ArehearsalTRACE00000000"}})


def _refused(subcode: int, why: str = "") -> Refusal:
    code, said = _REFUSED[subcode]
    return fault(code, said, subcode=subcode, is_transient=False, error_user_msg=f"{said} {why}".strip())


def _unknown(id: str) -> Refusal:
    return fault(100, f"Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing "
                      "permissions, or does not support this operation", subcode=33)


class InstagramTwin(ContainerTwin):
    """Professional accounts. A container shows nowhere until it is published; a story shows among stories only."""

    network: ClassVar[str] = "instagram"
    title: ClassVar[str] = "Instagram"
    accent: ClassVar[str] = "#c13584"
    creates: ClassVar[tuple[str, ...]] = (r"POST /v[0-9.]+/[^/]+/media_publish", r"POST /v[0-9.]+/[^/]+/comments")

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.quota = 100                 # the guide says 100, the reference 50
        super().__init__(now, folder)

    def routes(self) -> list[Route]:
        return [
            Route("/oauth/authorize", self._authorize),
            Route("/oauth/access_token", self._short_token, methods=["POST"]),
            Route("/access_token", self._long_token),
            Route("/refresh_access_token", self._refreshed),
            Route("/{version}/me", self._me),
            Route("/{version}/{user}/content_publishing_limit", self._limit),
            Route("/{version}/{user}/media", self._container, methods=["POST"]),
            Route("/{version}/{user}/media", self._feed),
            Route("/{version}/{user}/stories", self._feed),
            Route("/{version}/{user}/media_publish", self._publish, methods=["POST"]),
            Route("/{version}/{media}/comments", self._comment, methods=["POST"]),
            Route("/{version}/{media}/comments", self._comments),
            Route("/{version}/{id}", self._object),
        ]

    def rate_limited(self, until: datetime) -> Refusal:
        minutes = max(1, math.ceil((until - self.now()).total_seconds() / 60))      # the real header counts in minutes
        usage = {"type": "instagram", "call_count": 100, "total_cputime": 25, "total_time": 25,
                 "estimated_time_to_regain_access": minutes}
        refusal = fault(4, "(#4) Application request limit reached", status=403)
        refusal.headers["X-Business-Use-Case-Usage"] = json.dumps({"17841400008460056": [usage]})
        return refusal

    def broken(self) -> Refusal:
        return fault(1, "An unknown error occurred", status=500, is_transient=True)

    def unauthorized(self) -> Refusal:
        return fault(190, "Error validating access token: The session has been invalidated because the user changed "
                          "their password.", status=401, subcode=460)

    def overloaded(self, until: datetime | None) -> Refusal:
        refusal = fault(2, "Service temporarily unavailable", status=503, is_transient=True)
        refusal.headers.update(self._retry_after(until))
        return refusal

    async def _container(self, request: Request) -> Response:
        account, given = await self._asked(request)
        self._own(request, account)
        kind = given.get("media_type") or ("VIDEO" if given.get("video_url") else "IMAGE")
        is_item = given.get("is_carousel_item") == "true"
        if kind == "VIDEO" and not is_item:
            raise fault(100, "(#100) media_type VIDEO is not supported any more; use REELS", subcode=2207023)
        self._refuse_words(given)
        if kind == "CAROUSEL":
            media = self._children(given, account)
            made = self._made(account, kind, given, media)
        else:
            made = await self._with_file(account, "ITEM" if is_item else kind, kind, given)
        return JSONResponse({"id": made["id"]})

    def _refuse_words(self, given: Mapping[str, str]) -> None:
        caption = given.get("caption", "")
        if (len(caption) > _CAPTION or len(re.findall(r"(?<!\w)#\w+", caption)) > _HASHTAGS
                or len(re.findall(r"(?<![\w.])@[\w.]+", caption)) > _MENTIONS):
            raise _refused(2207010)
        if len(given.get("alt_text", "")) > _ALT:
            raise fault(100, f"(#100) Param alt_text must be at most {_ALT} characters long")
        if names := given.get("collaborators"):
            try:
                several = json.loads(names)
            except ValueError:
                several = None
            if not isinstance(several, list) or len(several) > _COLLABORATORS:
                raise fault(100, "(#100) Param collaborators must be an array of at most 3 usernames")

    def _children(self, given: Mapping[str, str], account: str) -> list[str]:
        ids = [id for id in given.get("children", "").split(",") if id]
        if not _CHILDREN[0] <= len(ids) <= _CHILDREN[1]:
            raise _refused(2207028)
        media = []
        for id in ids:
            child = self.containers.get(id)
            if child is None or child["account"] != account or child["kind"] != "ITEM":
                raise _refused(2207008)
            if self._status(child) != "FINISHED":
                raise _refused(2207027)
            media += child["media"]
        return media

    async def _with_file(self, account: str, kind: str, form: str, given: Mapping[str, str]) -> dict[str, Any]:
        """A container for one file, fetched now. What is wrong with a video shows when it is asked after."""
        video, image = given.get("video_url"), given.get("image_url")
        if not video and not image:
            raise fault(100, "(#100) The parameter image_url is required")
        if form == "REELS" and not video:
            raise fault(100, "(#100) The parameter video_url is required")
        data = await fetched(video or image or "")
        why = ""
        if video:
            why = "" if _is_good_video(data, form) else "Error: Media upload has failed with error code 2207026"
        else:
            _refuse_picture(data, is_story=form == "STORIES")
        id = self.keep_media(data, name=urlsplit(video or image or "").path.rpartition("/")[2] or "file",
                             mime="video/mp4" if video else "image/jpeg", account=account)
        if not video and given.get("alt_text"):
            self.describe_media(id, given["alt_text"])
        return self._made(account, kind, given, [id], looks=self.looks_at_video if video else 0, why=why)

    def _made(self, account: str, kind: str, given: Mapping[str, str], media: Sequence[str], *, looks: int = 0,
              why: str = "") -> dict[str, Any]:
        made: dict[str, Any] = {"id": self.new_id(), "account": account, "kind": kind,
                                "caption": given.get("caption", ""), "media": list(media), "looks": looks, "why": why,
                                "at": self.now().isoformat(), "published": False}
        self._journal.write("container", made)
        self.containers[made["id"]] = made
        return made

    async def _publish(self, request: Request) -> Response:
        account, given = await self._asked(request)
        self._own(request, account)
        made = self.containers.get(given.get("creation_id", ""))
        if made is None or made["account"] != account or made["kind"] == "ITEM":
            raise _refused(2207008)
        if (status := self._status(made)) != "FINISHED":
            raise _refused(2207027 if status == "IN_PROGRESS" else 2207008)
        if self._used(account) >= self.quota:
            raise _refused(2207042)
        is_story = made["kind"] == "STORIES"
        self._change(made["id"], published=True)
        kept = self.keep(account=account, text="" if is_story else made["caption"], media=made["media"],
                         extra={"form": made["kind"], "container": made["id"]})
        return JSONResponse({"id": kept.id})

    async def _comment(self, request: Request) -> Response:
        account, given = await self._asked(request)
        parent = self.post(request.path_params["media"])
        if parent is None or parent.parent is not None:
            raise _unknown(request.path_params["media"])
        if not given.get("message", "").strip():
            raise fault(100, "(#100) The parameter message is required")
        if len(given["message"]) > _CAPTION:
            raise fault(100, f"(#100) Param message must be at most {_CAPTION} characters long")
        made = self.keep(account=account, text=given["message"], parent=parent.id, extra={"kind": "comment"})
        return JSONResponse({"id": made.id})

    async def _feed(self, request: Request) -> Response:
        account, given = await self._asked(request)
        self._own(request, account)
        stories = request.url.path.endswith("/stories")
        return self._page(request, given, [post for post in reversed(self.posts) if post.account == account
                                           and post.parent is None and (post.extra["form"] == "STORIES") == stories])

    async def _comments(self, request: Request) -> Response:
        _, given = await self._asked(request)
        if (parent := self.post(request.path_params["media"])) is None:
            raise _unknown(request.path_params["media"])
        return self._page(request, given, [post for post in reversed(self.posts) if post.parent == parent.id])

    async def _object(self, request: Request) -> Response:
        account, given = await self._asked(request)
        id = request.path_params["id"]
        if (made := self.containers.get(id)) and made["account"] == account:
            status = self._status(made)
            if made["looks"] > 0:
                self._change(id, looks=made["looks"] - 1)
            said = {"id": id, "status_code": status, "status": made["why"] if status == "ERROR" else status.title()}
            return JSONResponse({name: said[name] for name in ("id", *names(given)) if name in said})
        if (kept := self.post(id)) is None:
            raise _unknown(id)
        return JSONResponse(self._told(request, kept, names(given)))

    async def _limit(self, request: Request) -> Response:
        account, _ = await self._asked(request)
        self._own(request, account)
        return JSONResponse({"data": [{"quota_usage": self._used(account),
                                       "config": {"quota_total": self.quota, "quota_duration": 86_400}}]})

    async def _me(self, request: Request) -> Response:
        account, given = await self._asked(request)
        known = {"id": number_of(account)[::-1], "user_id": number_of(account), "username": account.lstrip("@"),
                 "account_type": "BUSINESS"}
        return JSONResponse({name: known[name] for name in ("id", *names(given)) if name in known})

    async def _short_token(self, request: Request) -> Response:
        given = await fields(request)
        account, redirect = self.codes.pop(given.get("code", ""), ("", ""))
        if not account or redirect != given.get("redirect_uri") or not all(
                given.get(name) for name in ("client_id", "client_secret")) or given.get(
                "grant_type") != "authorization_code":
            raise Refusal(400, {"error_type": "OAuthException", "code": 400,
                                "error_message": "Matching code was not found or was already used"})
        return JSONResponse({"data": [{"access_token": f"short-{account}", "user_id": number_of(account)[::-1],
                                       "permissions": "instagram_business_basic,instagram_business_content_publish"}]})

    async def _long_token(self, request: Request) -> Response:
        given, token = request.query_params, request.query_params.get("access_token", "")
        if (given.get("grant_type") != "ig_exchange_token" or not given.get("client_secret")
                or not token.startswith("short-")):
            raise fault(452, "Session key invalid. This could be because the session key has an incorrect format, or "
                             "because the user has revoked this session")
        return JSONResponse({"access_token": f"rehearsal:{token.removeprefix('short-')}", "token_type": "bearer",
                             "expires_in": _TOKEN_LIVES_S})

    async def _refreshed(self, request: Request) -> Response:
        await self._asked(request)
        if request.query_params.get("grant_type") != "ig_refresh_token":
            raise fault(100, "(#100) Invalid parameter: grant_type")
        return JSONResponse({"access_token": request.query_params["access_token"], "token_type": "bearer",
                             "expires_in": _TOKEN_LIVES_S})

    async def _asked(self, request: Request) -> tuple[str, dict[str, str]]:
        """Whose call it is, and its fields. Raises the refusal of no token, of a bad one, and of an old version."""
        given = await fields(request)
        version = request.path_params.get("version", "v25.0")
        if not re.fullmatch(r"v(?:19|2[0-9])\.0", version):
            raise fault(2500, f"Unknown path components: /{version}")
        token = given.get("access_token", "")
        if not token or token.startswith("short-"):
            raise fault(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if token == "expired":
            raise fault(190, "Error validating access token: Session has expired on Sunday, 22-Nov-26 06:00:00 PST.",
                        subcode=463)
        return self.account_of(token), given

    def _own(self, request: Request, account: str) -> None:
        user = request.path_params["user"]
        if user not in ("me", account, account.replace("/", "-"), number_of(account)):
            raise _unknown(user)

    def _used(self, account: str) -> int:
        return sum(1 for post in self.posts if post.account == account and post.parent is None
                   and self.now() - post.created_at < LIVES)

    def _told(self, request: Request, post: Kept, names: Sequence[str]) -> dict[str, Any]:
        """The asked fields of a post or comment; those that are empty are left out, as the real one does."""
        files = [{"id": id} for id in post.media]
        form = post.extra.get("form")
        known: dict[str, Any] = {
            "id": post.id, "timestamp": f"{post.created_at:%Y-%m-%dT%H:%M:%S}+0000", "caption": post.text or None,
            "text": post.text, "permalink": self.link(request, post.id), "username": post.account.lstrip("@"),
            "media_type": "CAROUSEL_ALBUM" if form == "CAROUSEL" else self._kind(post),
            "children": {"data": files} if form == "CAROUSEL" else None}
        return {name: known[name] for name in ("id", *names) if known.get(name) is not None}

    def _kind(self, post: Kept) -> str:
        return "VIDEO" if any(self.media[id].mime == "video/mp4" for id in post.media) else "IMAGE"


def number_of(account: str) -> str:
    """An account's number: its own, or for one that is called by name always the same."""
    return account if account.isdecimal() else f"1784{int(hashlib.sha256(account.encode()).hexdigest()[:10], 16):013}"


async def fetched(address: str) -> bytes:
    """The bytes at an address of this machine. Raises the network's refusal of one that it cannot fetch."""
    import httpx

    if urlsplit(address).hostname not in _SEEN_EVERYWHERE:
        raise _refused(2207052, address)
    try:
        async with httpx.AsyncClient(timeout=20.0, trust_env=False) as client:
            answer = await client.get(address)
    except httpx.HTTPError:
        raise _refused(2207052, address) from None
    if answer.status_code != 200:
        raise _refused(2207052, address)
    return answer.content


def seconds_of(data: bytes) -> float | None:
    """How long a film of the MP4 kind lasts, by its header; None for what is none."""
    at = data.find(b"mvhd")
    if data[4:8] != b"ftyp" or at < 0 or len(data) < at + 32 or data[at + 4] not in (0, 1):
        return None
    scale, length = (at + 16, slice(at + 20, at + 24)) if data[at + 4] == 0 else (at + 24, slice(at + 28, at + 36))
    ticks = int.from_bytes(data[scale:scale + 4])
    return int.from_bytes(data[length]) / ticks if ticks else None


def _is_good_video(data: bytes, form: str) -> bool:
    seconds = seconds_of(data)
    least, longest = _VIDEO_SECONDS[form]
    return seconds is not None and least <= seconds <= longest and len(data) <= _VIDEO_BYTES[form]


def _refuse_picture(data: bytes, *, is_story: bool) -> None:
    seen = opened(data)
    if seen is None or not data.startswith(b"\xff\xd8\xff"):
        raise _refused(2207005)
    if len(data) > _IMAGE_BYTES:
        raise _refused(2207004)
    if not is_story and not _RATIO[0] <= seen.width / seen.height <= _RATIO[1]:
        raise _refused(2207009)






TWIN = InstagramTwin
