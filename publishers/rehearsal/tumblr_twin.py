"""Tumblr in rehearsal: blogs with drafts and posts in the Neue Post Format, and what the API refuses of them.

Sources: github.com/tumblr/docs, api.md (response format, OAuth2, POST, GET and PUT of posts, error subcodes, "genesis"
ids) and npf-spec.md ("Post Content Limits", "Inline Formatting"), read 2026-11-22. A draft that is published gets
another id, and can be asked for by its first one no more.
"""
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Kept, Refusal, Twin

_TEXT, _ALT, _BLOCKS, _LINKS, _IMAGES, _LINK_BLOCKS, _BYTES = 4_096, 4_096, 1_000, 100, 30, 10, 1_000_000
_PICTURE_BYTES, _TOKEN_LIVES_S = 10_485_760, 2_520
_SUBTYPES = ("heading1", "heading2", "quirky", "quote", "indented", "chat", "ordered-list-item", "unordered-list-item")
_PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif",
             b"RIFF": "image/webp"}


class TumblrTwin(Twin):
    """Any number of accounts with one blog each, of the account's name."""

    network: ClassVar[str] = "tumblr"
    title: ClassVar[str] = "Tumblr"
    accent: ClassVar[str] = "#36465d"
    creates: ClassVar[tuple[str, ...]] = (r"PUT /v2/blog/[^/]+/posts/\d+",)

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.drafts: dict[str, dict[str, Any]] = {}
        self.spent: set[str] = set()     # refresh tokens that were used
        self._renewals = 0
        super().__init__(now, folder)

    def routes(self) -> list[Route]:
        return [Route("/v2/blog/{blog}/posts", self._create, methods=["POST"]),
                Route("/v2/blog/{blog}/posts", self._list),
                Route("/v2/blog/{blog}/posts/{id:int}", self._edit, methods=["PUT"]),
                Route("/v2/blog/{blog}/posts/{id:int}", self._read),
                Route("/v2/blog/{blog}/post/delete", self._delete, methods=["POST"]),
                Route("/v2/user/info", self._me),
                Route("/v2/oauth2/token", self._token, methods=["POST"]),
                Route("/oauth2/authorize", self._say_yes)]

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        return f"post {path.rpartition('/')[2]}"

    def forget(self) -> None:
        super().forget()
        self.drafts.clear()

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "draft":
                self._ids += value["id"] not in self.drafts
                self.drafts[value["id"]] = value
            case "gone":
                self.drafts.pop(value, None)
                if (kept := self._by_id.pop(value, None)) is not None:
                    self.posts.remove(kept)
            case _:
                super()._recall(kind, value)

    def _note(self, kind: str, value: Any) -> None:
        self._journal.write(kind, value)
        match kind:
            case "draft":
                self.drafts[value["id"]] = value
            case "gone":
                self._recall(kind, value)

    def unauthorized(self) -> Refusal:
        return _no(401, "Unauthorized", 1016)

    def rate_limited(self, until: datetime) -> Refusal:
        refusal = _no(429, "Limit Exceeded", 0)
        seconds = str(max(1, round((until - self.now()).total_seconds())))
        refusal.headers.update({"X-Ratelimit-Perhour-Limit": "1000", "X-Ratelimit-Perhour-Remaining": "0",
                                "X-Ratelimit-Perhour-Reset": seconds, "X-Ratelimit-Perday-Remaining": "4000",
                                "X-Ratelimit-Perday-Reset": "40000"})
        return refusal

    def broken(self) -> Refusal:
        return _no(500, "Internal Server Error", 8006)

    def overloaded(self, until: datetime | None) -> Refusal:
        refusal = _no(503, "Service Unavailable", 0)
        refusal.headers.update(self._retry_after(until))
        return refusal

    # --- posts --------------------------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        account = self._account(request)
        given, files = await _body(request)
        made = self._checked(account, given, files)
        if given.get("state", "published") == "published":
            return _yes({"id": self._keep(account, made, None).id, "state": "published"}, 201)
        if given["state"] != "draft":
            raise _bad("'state' is not one that a rehearsal has")
        draft = {**made, "id": self.new_id(), "account": account}
        self._note("draft", draft)
        return _yes({"id": draft["id"], "state": "draft"}, 201)

    async def _edit(self, request: Request) -> Response:
        account, id = self._account(request), str(request.path_params["id"])
        given, files = await _body(request)
        draft = self.drafts.get(id)
        if draft is None or draft["account"] != account:
            raise _gone()
        made = self._checked(account, given, files)
        if given.get("state", "published") != "published":
            self._note("draft", {**made, "id": id, "account": account})
            return _yes({"id": id, "state": "draft"})
        kept = self._keep(account, made, id)
        self._note("gone", id)
        return _yes({"id": kept.id, "state": "published"})

    def _keep(self, account: str, made: Mapping[str, Any], genesis: str | None) -> Kept:
        text = "\n".join(block["text"] for block in made["content"] if block["type"] == "text")
        media = [block["media"][0]["media_key"] for block in made["content"] if block["type"] == "image"]
        return self.keep(account=account, text=text, media=media, extra={**made, "genesis": genesis})

    def _checked(self, account: str, given: Mapping[str, Any],
                 files: Mapping[str, tuple[str, bytes]]) -> dict[str, Any]:
        """The fields of a post, its pictures kept. Raises Refusal before anything is kept."""
        content = given.get("content")
        if not isinstance(content, list) or not content:
            raise _bad("'content' must be an array")
        if len(content) > _BLOCKS or len(json.dumps(content, ensure_ascii=False).encode()) > _BYTES:
            raise _bad("The post is too large")
        for block in content:
            _check_block(block)
        for kind, most in (("image", _IMAGES), ("link", _LINK_BLOCKS)):
            if sum(block["type"] == kind for block in content) > most:
                raise _bad(f"Too many {kind} blocks")
        if sum(one["type"] == "link" for block in content for one in block.get("formatting", ())) > _LINKS:
            raise _bad("Too many links")
        for block in content:
            self._with_media(account, block, files, only_look=True)
        kept = [self._with_media(account, block, files) for block in content]
        names = ("tags", "source_url", "slug", "interactability_reblog")
        return {"content": kept, **{name: given[name] for name in names if name in given}}

    def _with_media(self, account: str, block: dict[str, Any], files: Mapping[str, tuple[str, bytes]], *,
                    only_look: bool = False) -> dict[str, Any]:
        if block["type"] != "image":
            return block
        (form, *_), alt = block["media"], block.get("alt_text", "")
        if (key := form.get("media_key")) is not None:
            if not self.may_attach(key, account):
                raise _bad("The media is not yours")
        else:
            if form.get("identifier") not in files:
                raise _bad("'identifier' names no part of the request")
            name, data = files[form["identifier"]]
            mime = next((mime for start, mime in _PICTURES.items() if data.startswith(start)), None)
            if mime is None or opened(data) is None or len(data) > _PICTURE_BYTES:
                raise _no(400, "The uploaded media is in a format that we cannot accept", 8005)
            if only_look:
                return block
            key = self.keep_media(data, name=name, mime=mime, account=account)
            form = {"media_key": key, "type": mime, "url": f"https://64.media.tumblr.com/{key}/s1280x1920.jpg",
                    **{side: form[side] for side in ("width", "height") if side in form}}
        if not only_look:
            self.describe_media(key, alt)
        return {**block, "media": [form]}

    async def _read(self, request: Request) -> Response:
        account, id = self._account(request), str(request.path_params["id"])
        if (draft := self.drafts.get(id)) is not None and draft["account"] == account:
            return _yes({"object_type": "post", "type": "blocks", "id": id, "state": "draft",
                         "content": draft["content"], "layout": []})
        if (kept := self.post(id)) is None or kept.account != account:
            raise _gone()
        return _yes({"object_type": "post", **self._as_json(kept)})

    async def _list(self, request: Request) -> Response:
        account, asked = self._account(request), request.query_params
        mine = [self._as_json(post) for post in reversed(self.posts) if post.account == account]
        size, start = min(int(asked.get("limit", "20")), 20), int(asked.get("offset", "0"))
        return _yes({"blog": self._blog(account), "posts": mine[start:start + size], "total_posts": len(mine)})

    async def _delete(self, request: Request) -> Response:
        account = self._account(request)
        given, _ = await _body(request)
        id = str(given.get("id", ""))
        kept = self.post(id)
        if (kept is None or kept.account != account) and self.drafts.get(id, {}).get("account") != account:
            raise _gone()
        self._note("gone", id)
        return _yes({"id": id})

    @staticmethod
    def _as_json(post: Kept) -> dict[str, Any]:
        made = {"type": "blocks", "id": int(post.id), "id_string": post.id, "state": "published",
                "timestamp": int(post.created_at.timestamp()), "tags": str(post.extra.get("tags", "")).split(","),
                "date": post.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S GMT"),
                "content": post.extra["content"], "layout": []}
        return {**made, "genesis_post_id": post.extra["genesis"]} if post.extra.get("genesis") else made

    # --- accounts -----------------------------------------------------------------------------------------------------

    async def _me(self, request: Request) -> Response:
        account = self._signed_in(request)
        return _yes({"user": {"name": account, "likes": 0, "following": 0, "blogs": [self._blog(account)]}})

    @staticmethod
    def _blog(account: str) -> dict[str, Any]:
        return {"name": account, "uuid": f"t:{hashlib.sha256(account.encode()).hexdigest()[:22]}", "primary": True,
                "admin": not account.endswith("member"), "url": f"https://{account.lstrip('@')}.tumblr.com/"}

    async def _say_yes(self, request: Request) -> Response:
        asked = request.query_params
        if asked.get("response_type") != "code" or not {"basic", "write"} <= set(asked.get("scope", "").split()):
            raise _no(400, "Bad Request", 0)
        back = urlencode({"code": f"code:{asked['client_id']}", "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}#_=_", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        bought = form.get("refresh_token", "")
        if form.get("grant_type") == "authorization_code":
            bought = form.get("code", "").replace("code:", "rehearsal:", 1)
        account = bought.partition("#")[0]
        if (form.get("client_secret") in (None, "", "expired") or not form.get("client_id")
                or not account.startswith("rehearsal:") or bought in self.spent):
            raise Refusal(401, {"error": "invalid_grant", "error_description": "The refresh token has expired"})
        self.spent.add(bought)
        self._renewals += 1
        return JSONResponse({"access_token": account, "expires_in": _TOKEN_LIVES_S, "id_token": False,
                             "refresh_token": f"{account}#{self._renewals}", "scope": "basic write offline_access",
                             "token_type": "bearer"})

    def _account(self, request: Request) -> str:
        """Whose token it is, on the blog of the same name."""
        account, blog = self._signed_in(request), request.path_params["blog"]
        if blog.removeprefix("rehearsal:").removesuffix(".tumblr.com") != account:
            raise _no(403, "You are not authorized to post to this blog", 0)
        return account

    def _signed_in(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(token)


def _check_block(block: object) -> None:
    if not isinstance(block, dict):
        raise _bad("A block must be an object")
    match block.get("type"):
        case "text":
            text = block.get("text")
            if not isinstance(text, str) or len(text) > _TEXT:
                raise _bad(f"'text' is a string of {_TEXT} characters at most")
            if block.get("subtype", "quote") not in _SUBTYPES or not 0 <= block.get("indent_level", 0) <= 7:
                raise _bad("'subtype' or 'indent_level' is invalid")
            _check_formatting(text, block.get("formatting", []))
        case "image":
            media = block.get("media")
            if not isinstance(media, list) or not media or len(block.get("alt_text", "")) > _ALT:
                raise _bad("'media' or 'alt_text' is invalid")
        case "link":
            if not re.match(r"https?://", str(block.get("url", ""))):
                raise _bad("'url' is invalid")
        case _:
            raise _bad("'type' is invalid")


def _check_formatting(text: str, formatting: Sequence[Mapping[str, Any]]) -> None:
    reached: dict[str, int] = {}
    for one in sorted(formatting, key=lambda one: (one["type"], one["start"])):
        if one["type"] not in ("bold", "italic", "strikethrough", "small", "link"):
            raise _bad("'formatting' has a type that is unknown")
        if not 0 <= one["start"] < one["end"] <= len(text) or one["start"] < reached.get(one["type"], 0):
            raise _bad("'formatting' has a range outside of the text, or two that overlap")
        if one["type"] == "link" and not re.match(r"https?://", str(one.get("url", ""))):
            raise _bad("'formatting' has a link without a url")
        reached[one["type"]] = one["end"]


async def _body(request: Request) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """The JSON of a request, and the files beside it."""
    files: dict[str, tuple[str, bytes]] = {}
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            for name, value in form.items():
                if isinstance(value, UploadFile):
                    files[name] = (value.filename or "", await value.read())
            said: Any = form.get("json")
    else:
        said = (await request.body()).decode("utf-8", "replace")
    try:
        given = json.loads(said)
    except (ValueError, TypeError):
        given = None
    if not isinstance(given, dict):
        raise _bad("The request is not JSON")
    return given, files


def _yes(response: Mapping[str, Any], status: int = 200) -> Response:
    word = {200: "OK", 201: "Created"}[status]
    return JSONResponse({"meta": {"status": status, "msg": word}, "response": dict(response)}, status)


def _no(status: int, title: str, code: int) -> Refusal:
    return Refusal(status, {"meta": {"status": status, "msg": title}, "response": [],
                            "errors": [{"title": title, "code": code}]})


def _bad(what: str) -> Refusal:
    return _no(400, what, 8001)


def _gone() -> Refusal:
    return _no(404, "Not Found", 0)


TWIN = TumblrTwin
