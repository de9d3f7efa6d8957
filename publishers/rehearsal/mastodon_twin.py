"""A Mastodon server in rehearsal: the few paths our adapter walks, and what a server of version 4.4 refuses on them.

Sources: docs.joinmastodon.org methods/statuses, methods/media, entities/Status, entities/V1_Instance, and
mastodon/app/services/post_status_service.rb, read 2026-11-22.
"""
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from markupsafe import Markup, escape
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers._mastodon_text import length
from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Kept, Refusal, Twin

_CHARACTERS, _FILES, _ALT, _IMAGE_BYTES = 500, 4, 1500, 16_777_216
_PIXELS, _GIF_PIXELS = 33_177_600, 921_600      # app/models/concerns/attachmentable.rb
_KEY_LIVES = timedelta(hours=1)
_LOOKS_WHILE_PROCESSING = 2              # how often a GIF answers "still processing" when asked after
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif")
_URL = re.compile(r"https?://[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/[^\s<>\"]*[^\s<>\".,;:!?'’”\])])?", re.IGNORECASE)
_MARKS = re.compile(rf"(?P<url>{_URL.pattern})|(?<![\w/])#(?P<tag>\w+)|(?<![\w/=])@(?P<user>\w+)(?:@[\w.-]+\w)?",
                    re.IGNORECASE)
_LIMITS = {"statuses": {"max_characters": _CHARACTERS, "max_media_attachments": _FILES,
                        "characters_reserved_per_url": 23},
           "media_attachments": {"supported_mime_types": list(_IMAGES), "image_size_limit": _IMAGE_BYTES,
                                 "image_matrix_limit": _PIXELS, "description_limit": _ALT}}


class MastodonTwin(Twin):
    """One server with any number of accounts: whoever brings a token is a member."""

    network: ClassVar[str] = "mastodon"
    title: ClassVar[str] = "Mastodon"
    accent: ClassVar[str] = "#6364ff"
    creates: ClassVar[tuple[str, ...]] = ("POST /api/v1/statuses",)

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        super().__init__(now, folder)
        self._looks: Counter[str] = Counter()    # by media id: how often it says "processing" yet

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "edited":
                old = self._by_id[value["id"]]
                before = [*old.extra.get("before", ()), {"text": old.text, "at": old.extra.get("edited_at")}]
                new = replace(old, text=value["text"],
                              extra={**old.extra, "before": before, "edited_at": value["at"]})
                self.posts[self.posts.index(old)] = self._by_id[old.id] = new
            case "deleted":
                self.posts.remove(self._by_id.pop(value))
            case _:
                super()._recall(kind, value)

    def routes(self) -> list[Route]:
        return [Route("/api/v1/statuses", self._post_status, methods=["POST"]),
                Route("/api/v1/statuses/{id}", self._one_status),
                Route("/api/v1/statuses/{id}", self._edit, methods=["PUT"]),
                Route("/api/v1/statuses/{id}", self._delete, methods=["DELETE"]),
                Route("/api/v1/statuses/{id}/history", self._history),
                Route("/api/v2/media", self._post_media, methods=["POST"]),
                Route("/api/v1/media/{id}", self._one_media),
                Route("/api/v1/accounts/verify_credentials", self._me),
                Route("/api/v1/accounts/{id}/statuses", self._statuses),
                Route("/api/v1/instance", self._instance_1),
                Route("/api/v2/instance", self._instance_2)]

    def rate_limited(self, until: datetime) -> Refusal:
        reset = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return Refusal(429, {"error": "Too many requests"},
                       {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})

    def overloaded(self, until: datetime | None) -> Refusal:
        said = "There was a temporary problem serving your request, please try again"
        return Refusal(503, {"error": said}, self._retry_after(until))

    async def _post_status(self, request: Request) -> Response:
        account = self._account(request)
        given = await _fields(request)
        parent = given.get("in_reply_to_id")
        if parent and self.post(str(parent)) is None:
            raise Refusal(404, {"error": "The post you are trying to reply to does not appear to exist."})
        key = request.headers.get("idempotency-key")
        if key and (first := self._first_with(account, key)):
            return JSONResponse(self._as_json(request, first))
        text, media = str(given.get("status") or "").strip(), [str(id) for id in given.get("media_ids") or ()]
        self._refuse_media(media, account)
        if not text and not media:
            raise Refusal(422, {"error": "Validation failed: Text can't be blank"})
        if _length(text) > _CHARACTERS:
            raise Refusal(422, {"error": f"Validation failed: Text character limit of {_CHARACTERS} exceeded"})
        extra = {"key": key, "language": given.get("language"), "visibility": given.get("visibility") or "public"}
        kept = self.keep(account=account, text=text, parent=str(parent) if parent else None, media=media, extra=extra)
        return JSONResponse(self._as_json(request, kept))

    def _refuse_media(self, media: list[str], account: str) -> None:
        if len(media) > _FILES:
            raise Refusal(422, {"error": f"Validation failed: Cannot attach more than {_FILES} files"})
        attached = {id for post in self.posts for id in post.media} if media else set()
        for id in media:
            if not self.may_attach(id, account) or id in attached:
                raise Refusal(422, {"error": f"Media {id} not found or already attached to another post"})
            if self._is_processing(id):
                raise Refusal(422, {"error": "Cannot attach files that have not finished processing. "
                                             "Try again in a moment!"})

    def _first_with(self, account: str, key: str) -> Kept | None:
        for post in reversed(self.posts):
            if self.now() - post.created_at > _KEY_LIVES:
                return None
            if post.account == account and post.extra.get("key") == key:
                return post
        return None

    async def _post_media(self, request: Request) -> Response:
        account = self._account(request)
        async with request.form() as form:
            file, alt = form.get("file"), str(form.get("description") or "")
            if not isinstance(file, UploadFile):
                raise Refusal(422, {"error": "Validation failed: File can't be blank"})
            if len(alt) > _ALT:
                raise Refusal(422, {"error": "Validation failed: Description is too long "
                                             f"(maximum is {_ALT} characters)"})
            if file.content_type not in _IMAGES:
                raise Refusal(422, {"error": "Validation failed: File content type is invalid"})
            data = await file.read()
            if len(data) > _IMAGE_BYTES:
                raise Refusal(422, {"error": "Validation failed: File file size must be less than 16 MB"})
            seen, most = opened(data), _GIF_PIXELS if file.content_type == "image/gif" else _PIXELS
            if seen is not None and seen.width * seen.height > most:
                what = "GIF files" if file.content_type == "image/gif" else "images"
                raise Refusal(422, {"error": f"{seen.width}x{seen.height} {what} are not supported"})
            id = self.keep_media(data, name=file.filename or "file", mime=file.content_type, account=account)
        if alt:
            self.describe_media(id, alt)
        if file.content_type == "image/gif":            # turned into a video, which takes a while
            self._looks[id] = _LOOKS_WHILE_PROCESSING
        return JSONResponse(self._media_as_json(request, id), 202 if self._is_processing(id) else 200)

    async def _one_media(self, request: Request) -> Response:
        self._account(request)
        id = request.path_params["id"]
        if id not in self.media:
            raise Refusal(404, {"error": "Record not found"})
        answer = JSONResponse(self._media_as_json(request, id), 206 if self._is_processing(id) else 200)
        self._looks[id] -= 1
        return answer

    async def _me(self, request: Request) -> Response:
        return JSONResponse(self._account_as_json(request, self._account(request)))

    async def _one_status(self, request: Request) -> Response:
        if (kept := self.post(request.path_params["id"])) is None:
            raise Refusal(404, {"error": "Record not found"})
        return JSONResponse(self._as_json(request, kept))

    async def _edit(self, request: Request) -> Response:
        kept = self._own(request)
        text = str((await _fields(request)).get("status") or "").strip()
        if not text or _length(text) > _CHARACTERS:
            raise Refusal(422, {"error": "Validation failed: Text can't be blank" if not text else
                                f"Validation failed: Text character limit of {_CHARACTERS} exceeded"})
        value = {"id": kept.id, "text": text, "at": _stamp(self.now())}
        self._journal.write("edited", value)
        self._recall("edited", value)
        return JSONResponse(self._as_json(request, self._by_id[kept.id]))

    async def _delete(self, request: Request) -> Response:
        kept = self._own(request)
        self._journal.write("deleted", kept.id)
        self._recall("deleted", kept.id)
        return JSONResponse(self._as_json(request, kept) | {"text": kept.text})

    async def _history(self, request: Request) -> Response:
        """Every version, oldest first; media are not edited here."""
        if (kept := self.post(request.path_params["id"])) is None:
            raise Refusal(404, {"error": "Record not found"})
        now = {"text": kept.text, "at": kept.extra.get("edited_at")}
        return JSONResponse([
            {"content": content(version["text"]), "spoiler_text": "", "sensitive": False, "emojis": [],
             "created_at": version["at"] or _stamp(kept.created_at),
             "account": self._account_as_json(request, kept.account),
             "media_attachments": [self._media_as_json(request, id) for id in kept.media]}
            for version in (*kept.extra.get("before", ()), now)])

    def _own(self, request: Request) -> Kept:
        account, kept = self._account(request), self.post(request.path_params["id"])
        if kept is None or kept.account != account:
            raise Refusal(404, {"error": "Record not found"})
        return kept

    async def _statuses(self, request: Request) -> Response:
        limit = min(int(request.query_params.get("limit", "20")), 40)
        below = int(request.query_params.get("max_id", str(2 ** 63)))
        own = [post for post in reversed(self.posts)
               if _account_id(post.account) == request.path_params["id"] and int(post.id) < below]
        return JSONResponse([self._as_json(request, post) for post in own[:limit]])

    async def _instance_1(self, request: Request) -> Response:
        return JSONResponse({"uri": request.url.netloc, "title": "Rehearsal", "version": "4.4.0",
                             "configuration": _LIMITS})

    async def _instance_2(self, request: Request) -> Response:
        return JSONResponse({"domain": request.url.netloc, "title": "Rehearsal", "version": "4.4.0",
                             "api_versions": {"mastodon": 6}, "configuration": _LIMITS})

    def _account(self, request: Request) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token in ("", "expired"):
            raise Refusal(401, {"error": "The access token is invalid"})
        return self.account_of(token)

    def _is_processing(self, id: str) -> bool:
        return self._looks[id] > 0

    def _as_json(self, request: Request, post: Kept) -> dict[str, Any]:
        marks = list(_MARKS.finditer(post.text))
        return {
            "id": post.id, "created_at": _stamp(post.created_at), "in_reply_to_id": post.parent,
            "in_reply_to_account_id": None, "sensitive": False, "spoiler_text": "", "reblog": None,
            "visibility": post.extra["visibility"], "language": post.extra["language"],
            "uri": f"{request.url.scheme}://{request.url.netloc}/users/{post.account}/statuses/{post.id}",
            "url": self.link(request, post.id), "content": content(post.text), "edited_at": post.extra.get("edited_at"),
            "replies_count": sum(1 for other in self.posts if other.parent == post.id), "reblogs_count": 0,
            "favourites_count": 0, "account": self._account_as_json(request, post.account),
            "media_attachments": [self._media_as_json(request, id) for id in post.media],
            "mentions": [{"username": mark["user"], "acct": mark[0][1:]} for mark in marks if mark["user"]],
            "tags": [{"name": mark["tag"].lower()} for mark in marks if mark["tag"]],
            "emojis": [], "card": None, "poll": None}

    def _media_as_json(self, request: Request, id: str) -> dict[str, Any]:
        file = self.media[id]
        url = f"{request.url.scheme}://{request.url.netloc}/_rehearsal/media/{self.network}/{file.sha256}"
        return {"id": id, "type": "gifv" if file.mime == "image/gif" else "image",
                "url": None if self._is_processing(id) else url, "preview_url": url, "remote_url": None,
                "meta": {}, "description": file.alt, "blurhash": None}

    def _account_as_json(self, request: Request, account: str) -> dict[str, Any]:
        name = account.lstrip("@").partition("@")[0]
        return {"id": _account_id(account), "username": name, "acct": name, "display_name": account, "bot": False,
                "url": f"{request.url.scheme}://{request.url.netloc}/{self.network}/"}


def _account_id(account: str) -> str:
    return str(int.from_bytes(hashlib.sha256(account.encode()).digest()[:7]))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _length(text: str) -> int:
    return length(text, 23)


def content(text: str) -> str:
    """The HTML a server makes of a text: paragraphs, line breaks, links with their ends hidden, mentions, hashtags."""
    paragraphs = (Markup("<br />").join(_line(line) for line in paragraph.split("\n"))
                  for paragraph in re.split(r"\n{2,}", text) if paragraph)
    return "".join(Markup("<p>{}</p>").format(paragraph) for paragraph in paragraphs)


def _line(line: str) -> Markup:
    html, end = Markup(), 0
    for mark in _MARKS.finditer(line):
        html += escape(line[end:mark.start()]) + _mark(mark)
        end = mark.end()
    return html + escape(line[end:])


def _mark(mark: re.Match[str]) -> Markup:
    if tag := mark["tag"]:
        return Markup('<a href="/tags/{}" class="mention hashtag" rel="tag">#<span>{}</span></a>').format(
            tag.lower(), tag)
    if user := mark["user"]:
        return Markup('<span class="h-card" translate="no"><a href="/@{}" class="u-url mention">@<span>{}</span></a>'
                      '</span>').format(mark[0][1:], user)
    _, scheme, rest = re.split(r"^(https?://(?:www\.)?)", mark["url"], flags=re.IGNORECASE)
    return Markup('<a href="{}" target="_blank" rel="nofollow noopener" translate="no">'
                  '<span class="invisible">{}</span><span class="{}">{}</span><span class="invisible">{}</span></a>'
                  ).format(mark["url"], scheme, "ellipsis" if len(rest) > 30 else "", rest[:30], rest[30:])


async def _fields(request: Request) -> dict[str, Any]:
    """The parameters, from JSON or from a form, where lists are written `name[]`."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            given = json.loads(await request.body())
        except ValueError:
            raise Refusal(400, {"error": "Error occurred while parsing request parameters"}) from None
        return given if isinstance(given, dict) else {}
    async with request.form() as form:
        return {name.removesuffix("[]"): form.getlist(name) if name.endswith("[]") else form[name] for name in form}


TWIN = MastodonTwin
