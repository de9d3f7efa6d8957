"""A WordPress site in rehearsal: posts, media, tags and categories of its REST API, and what it refuses there.

Sources: developer.wordpress.org/rest-api/reference (posts, media, tags, categories, users); status codes, error codes
and words as a site of WordPress 6 gave them, read 2026-11-22.
"""
import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Refusal, Twin

_V2 = "/wp-json/wp/v2"
_STATUSES = ("publish", "future", "draft", "pending", "private")
_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_UPLOAD = 8_388_608                      # PHP's post_max_size, unless somebody sets it
_CATEGORIES = {1: "Uncategorized", 2: "News"}
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"')


class WordPressTwin(Twin):
    """A site for each account: whoever brings an application password is an editor there."""

    network: ClassVar[str] = "wordpress"
    title: ClassVar[str] = "WordPress"
    accent: ClassVar[str] = "#21759b"
    creates: ClassVar[tuple[str, ...]] = (rf"POST {_V2}/posts/\d+",)

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.drafts: dict[str, dict[str, Any]] = {}      # every post by its id, with its fields, seen or not
        self.tags: dict[str, dict[int, str]] = {}        # by account
        super().__init__(now, folder)

    def routes(self) -> list[Route]:
        return [Route(f"{_V2}/posts", self._posts),
                Route(f"{_V2}/posts", self._create, methods=["POST"]),
                Route(f"{_V2}/posts/{{id:int}}", self._read),
                Route(f"{_V2}/posts/{{id:int}}", self._update, methods=["POST"]),
                Route(f"{_V2}/posts/{{id:int}}", self._trash, methods=["DELETE"]),
                Route(f"{_V2}/media", self._upload, methods=["POST"]),
                Route(f"{_V2}/tags", self._find_tags),
                Route(f"{_V2}/tags", self._add_tag, methods=["POST"]),
                Route(f"{_V2}/categories", self._find_categories),
                Route(f"{_V2}/users/me", self._me)]

    def new_id(self) -> str:
        """A database counts its posts from 1."""
        return str(int(super().new_id()) - 115_000_000_000_000_000)

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        return f"post {path.rpartition('/')[2]}"

    def forget(self) -> None:
        super().forget()
        self.drafts.clear()
        self.tags.clear()

    def rate_limited(self, until: datetime) -> Refusal:
        """WordPress has no limit of its own; hosts answer like this."""
        return Refusal(429, "Too Many Requests", self._retry_after(until))

    def unauthorized(self) -> Refusal:
        return _refusal(401, "rest_not_logged_in", "You are not currently logged in.")

    def broken(self) -> Refusal:
        return _refusal(500, "internal_server_error", "<p>There has been a critical error on this website.</p>")

    def overloaded(self, until: datetime | None) -> Refusal:
        return Refusal(503, "Briefly unavailable for scheduled maintenance. Check back in a minute.",
                       self._retry_after(until))

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "draft":
                self._ids += value["id"] not in self.drafts
                self.drafts[value["id"]] = value
            case "tag":
                self.tags.setdefault(value["account"], {})[value["id"]] = value["name"]
            case "unseen":
                self.posts.remove(self._by_id.pop(value))
            case "post":
                super()._recall(kind, value)
                self._ids -= 1           # its number was the draft's
            case _:
                super()._recall(kind, value)

    def _note(self, kind: str, value: Any) -> None:
        self._journal.write(kind, value)
        self._recall(kind, value)

    async def _posts(self, request: Request) -> Response:
        asked = request.query_params
        statuses = asked.get("status", "publish").split(",")
        try:
            account = self._account(request)
        except Refusal:                  # a stranger, who may not ask for drafts
            detail = {"code": "rest_forbidden_status", "message": "Status is forbidden.", "data": {"status": 401}}
            raise Refusal(400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): status", "data": {
                "status": 400, "params": {"status": "Status is forbidden."}, "details": {"status": detail}}}) from None
        if not set(statuses) <= set(_STATUSES):
            raise _refusal(400, "rest_invalid_param", "Invalid parameter(s): status")
        found = [post for post in self.drafts.values() if post["account"] == account and post["status"] in statuses
                 and post["slug"] == asked.get("slug", post["slug"])]
        return JSONResponse([self._as_json(request, post) for post in found[:int(asked.get("per_page", "10"))]])

    async def _read(self, request: Request) -> Response:
        return JSONResponse(self._as_json(request, self._own(request)))

    async def _create(self, request: Request) -> Response:
        account, given = self._account(request), await _fields(request)
        fields = self._checked(account, {"status": "draft", "title": "", "content": "", "excerpt": "", "slug": "",
                                         "featured_media": 0, "tags": [], "categories": [1]} | given)
        if not any(str(fields[field]) for field in ("title", "content", "excerpt")):
            raise _refusal(400, "empty_content", "Content, title, and excerpt are empty.")
        post = {"id": self.new_id(), "account": account, "made": _stamp(self.now()), **fields}
        self._save(post)
        return JSONResponse(self._as_json(request, post), 201)

    async def _update(self, request: Request) -> Response:
        given = await _fields(request)
        post = self._own(request)
        self._save({**post, **self._checked(post["account"], given), "id": post["id"]})
        return JSONResponse(self._as_json(request, self.drafts[post["id"]]))

    async def _trash(self, request: Request) -> Response:
        post = self._own(request)
        if post["status"] == "trash":
            raise _refusal(410, "rest_already_trashed", "The post has already been deleted.")
        self._save({**post, "status": "trash", "slug": f"{post['slug']}__trashed"})
        return JSONResponse(self._as_json(request, self.drafts[post["id"]]))

    def _checked(self, account: str, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("status", "draft") not in (*_STATUSES, "trash"):
            raise _refusal(400, "rest_invalid_param", "Invalid parameter(s): status")
        if given.get("featured_media") and str(given["featured_media"]) not in self.media:
            raise _refusal(400, "rest_invalid_featured_media", "Invalid featured media ID.")
        for field, known in (("tags", self.tags.get(account, {})), ("categories", _CATEGORIES)):
            if not all(isinstance(id, int) for id in given.get(field, ())):
                raise _refusal(400, "rest_invalid_param", f"Invalid parameter(s): {field}")
            if field in given:
                given = {**given, field: [id for id in given[field] if id in known]}
        return given

    def _save(self, post: dict[str, Any]) -> None:
        """Keep a post's fields; it can be seen while its status is `publish`, and its slug is its own."""
        taken = {other["slug"] for other in self.drafts.values()
                 if other["account"] == post["account"] and other["id"] != post["id"]}
        wanted = slug = str(post["slug"])[:200]
        number = 2
        while slug and slug in taken:
            slug, number = f"{wanted}-{number}", number + 1
        post = {**post, "slug": slug.removesuffix("__trashed") if post["status"] == "publish" else slug}
        self._note("draft", post)
        is_seen, id = self.post(post["id"]) is not None, post["id"]
        if is_seen and post["status"] != "publish":
            self._note("unseen", id)
        elif not is_seen and post["status"] == "publish":
            self.keep(account=post["account"], text=f"{post['title']}\n\n{post['content']}", id=id,
                      media=self._pictures(post), extra={"slug": post["slug"]})

    def _pictures(self, post: dict[str, Any]) -> list[str]:
        """The files that readers see: the featured one, then those in the text."""
        first = [str(post["featured_media"])] if post["featured_media"] else []
        shown = {address.rpartition("/")[2] for address, _ in _IMAGE.findall(post["content"])}
        return first + [id for id in self.media if f"{id}-{self.media[id].name}" in shown]

    async def _upload(self, request: Request) -> Response:
        account = self._account(request)
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise _refusal(400, "rest_upload_no_data", "No data supplied.")
            data = await file.read()
            if len(data) > _UPLOAD:
                raise Refusal(413, "413 Request Entity Too Large")
            if file.content_type not in _TYPES or opened(data) is None:
                raise _refusal(500, "rest_upload_unknown_error",
                               "Sorry, you are not allowed to upload this file type.")
            id = self.keep_media(data, name=file.filename or "file", mime=file.content_type, account=account)
            self.describe_media(id, str(form.get("alt_text") or ""))
            caption = str(form.get("caption") or "")
        address = f"{request.url.scheme}://{request.url.netloc}/wp-content/uploads/{id}-{self.media[id].name}"
        return JSONResponse({"id": int(id), "source_url": address, "alt_text": self.media[id].alt,
                             "caption": {"raw": caption}, "media_type": "image"}, 201)

    async def _find_tags(self, request: Request) -> Response:
        account, asked = self._account(request), request.query_params.get("search", "").casefold()
        return JSONResponse([_term(id, name) for id, name in self.tags.get(account, {}).items()
                             if asked in name.casefold()])

    async def _add_tag(self, request: Request) -> Response:
        account, name = self._account(request), str((await _fields(request)).get("name") or "").strip()
        if not name:
            raise _refusal(400, "rest_missing_callback_param", "Missing parameter(s): name")
        known = self.tags.get(account, {})
        if (id := next((id for id, other in known.items() if other.casefold() == name.casefold()), None)) is not None:
            raise Refusal(400, {"code": "term_exists", "data": {"status": 400, "term_id": id},
                                "message": "A term with the name provided already exists in this taxonomy."})
        id = len(known) + 2
        self._note("tag", {"account": account, "id": id, "name": name})
        return JSONResponse(_term(id, name), 201)

    async def _find_categories(self, request: Request) -> Response:
        self._account(request)
        search, slug = request.query_params.get("search", ""), request.query_params.get("slug")
        return JSONResponse([_term(id, name) for id, name in _CATEGORIES.items()
                             if search.casefold() in name.casefold() and slug in (None, name.lower())])

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        able = ("publish_posts", "edit_published_posts", "delete_published_posts", "upload_files", "manage_categories")
        id = int.from_bytes(hashlib.sha256(account.encode()).digest()[:4])
        return JSONResponse({"id": id, "name": account, "slug": account.lstrip("@"), "roles": ["editor"],
                             "capabilities": dict.fromkeys(able, True)})

    def _account(self, request: Request) -> str:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            pair = base64.b64decode(given, validate=True).decode()
        except ValueError:
            pair = ""
        # a user's name has no colon anywhere else; in a rehearsal it is `rehearsal:<handle>`
        user, _, password = pair.removeprefix("rehearsal:").partition(":")
        if kind != "Basic" or not user or password in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(password if password.startswith("rehearsal:") else pair)

    def _own(self, request: Request) -> dict[str, Any]:
        account, post = self._account(request), self.drafts.get(str(request.path_params["id"]))
        if post is None or post["account"] != account:
            raise _refusal(404, "rest_post_invalid_id", "Invalid post ID.")
        return post

    def _as_json(self, request: Request, post: dict[str, Any]) -> dict[str, Any]:
        where = f"{request.url.scheme}://{request.url.netloc}"
        link = self.link(request, post["id"]) if post["status"] == "publish" else f"{where}/?p={post['id']}"
        return {"id": int(post["id"]), "status": post["status"], "slug": post["slug"], "link": link, "type": "post",
                "date_gmt": post["made"], "title": {"raw": post["title"]}, "content": {"raw": post["content"]},
                "excerpt": {"raw": post["excerpt"]}, "featured_media": post["featured_media"], "tags": post["tags"],
                "categories": post["categories"]}


def _refusal(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, {"code": code, "message": message, "data": {"status": status}})


def _term(id: int, name: str) -> dict[str, Any]:
    return {"id": id, "name": name.replace("&", "&amp;"), "slug": name.lower().replace(" ", "-")}


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


async def _fields(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError:
        raise _refusal(400, "rest_invalid_json", "Invalid JSON body passed.") from None
    return given if isinstance(given, dict) else {}


TWIN = WordPressTwin
