"""DEV in rehearsal: articles of the API of Forem, and what it refuses there.

Sources: developers.forem.com/api/v1; forem/forem app/models/article.rb (lengths, tags, the same title within five
minutes, canonical addresses), app/controllers/concerns/api/articles_controller.rb, config/initializers/rack_attack.rb
(calls in a while), read 2026-11-22.
"""
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._twin import Refusal, Twin

_BODY, _TITLE, _TAGS, _TAG = 800 * 1024, 128, 4, 30
_SAME_TITLE = timedelta(minutes=5)
_FIELDS = ("title", "body_markdown", "published", "series", "main_image", "canonical_url", "description", "tags",
           "organization_id", "ai_disclosure_level")
_IMAGE = re.compile(r"!\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((https?://[^()\s]+)\)")      # brackets in pairs, as Redcarpet
_FRONT_MATTER = re.compile(r"\A\s*---\s*\n(.*?)^---\s*$", re.DOTALL | re.MULTILINE)
_LIQUID = re.compile(r"\{%|\{\{")
_XSS = re.compile(r"src=[\"'](data|&)|data:text/html[,;]", re.IGNORECASE)
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


class DevToTwin(Twin):
    """One site with any number of accounts: whoever brings a key is a member."""

    network: ClassVar[str] = "devto"
    title: ClassVar[str] = "DEV"
    accent: ClassVar[str] = "#0a0a0a"
    creates: ClassVar[tuple[str, ...]] = (r"PUT /api/articles/\d+",)

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.drafts: dict[str, dict[str, Any]] = {}      # every article by its id, with its fields, seen or not
        super().__init__(now, folder)

    def routes(self) -> list[Route]:
        return [Route("/api/articles", self._create, methods=["POST"]),
                Route("/api/articles/me/{status}", self._mine),
                Route("/api/articles/{id:int}", self._read),
                Route("/api/articles/{id:int}", self._update, methods=["PUT"]),
                Route("/api/users/me", self._me)]

    def new_id(self) -> str:
        return str(int(super().new_id()) - 114_999_999_998_000_000)

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        return f"article {path.rpartition('/')[2]}"

    def forget(self) -> None:
        super().forget()
        self.drafts.clear()

    def rate_limited(self, until: datetime) -> Refusal:
        return Refusal(429, "Retry later\n", self._retry_after(until))

    def unauthorized(self) -> Refusal:
        return _refusal(401, "unauthorized")

    def broken(self) -> Refusal:
        return Refusal(500, {"status": 500, "error": "Internal Server Error"})

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "draft":
                self._ids += value["id"] not in self.drafts
                self.drafts[value["id"]] = value
            case "unseen":
                self.posts.remove(self._by_id.pop(value))
            case "post":
                super()._recall(kind, value)
                self._ids -= 1           # its id was the draft's
            case _:
                super()._recall(kind, value)

    def _note(self, kind: str, value: Any) -> None:
        self._journal.write(kind, value)
        self._recall(kind, value)

    async def _create(self, request: Request) -> Response:
        account, given = self._account(request), await _fields(request)
        pictures = await self._shown(given)
        for other in self.drafts.values():
            if (other["account"], other["title"]) == (account, given.get("title")) and (
                    self.now() - datetime.fromisoformat(other["created_at"]) < _SAME_TITLE):
                raise _refusal(422, "Title has already been used in the last five minutes")
        article = {"title": "", "body_markdown": "", "published": False, "tags": [], "canonical_url": None,
                   "published_at": None, **given, "id": self.new_id(), "account": account,
                   "created_at": self.now().isoformat()}
        self._check(article)
        self._save(article, pictures)
        return JSONResponse(self._as_json(request, self.drafts[article["id"]]), 201)

    async def _update(self, request: Request) -> Response:
        account, given = self._account(request), await _fields(request)
        before = self.drafts.get(str(request.path_params["id"]))
        if before is None or before["account"] != account:
            raise _refusal(404, "not found")
        article = {**before, **given}
        pictures = await self._shown(article)
        self._check(article)
        self._save(article, pictures)
        return JSONResponse(self._as_json(request, self.drafts[article["id"]]))

    def _check(self, article: dict[str, Any]) -> None:
        title, body, tags = article["title"].strip(), article["body_markdown"], article["tags"]
        if not title:
            raise _refusal(422, "Title can't be blank")
        if len(title) > _TITLE:
            raise _refusal(422, f"Title is too long (maximum is {_TITLE} characters for full_post)")
        if len(body.encode()) > _BODY:
            raise _refusal(422, "Body markdown is too long.")
        if _LIQUID.search(_CODE.sub("", body)):
            raise _refusal(422, "Liquid syntax error: Unknown tag")
        if _XSS.search(_CODE.sub("", body)):
            raise _refusal(422, "Invalid markdown detected")
        if len(tags) > _TAGS:
            raise _refusal(422, f"Tag list exceed the maximum of {_TAGS} tags")
        for tag in tags:
            if len(tag) > _TAG:
                raise _refusal(422, f"Tag \"{tag}\" is too long (maximum is {_TAG} characters)")
            if not tag.isalnum():
                raise _refusal(422, f"Tag \"{tag}\" contains non-alphanumeric characters")
        canonical = article["canonical_url"]
        if article["published"] and canonical and any(
                other["published"] and other["canonical_url"] == canonical and other["id"] != article["id"]
                for other in self.drafts.values()):
            raise _refusal(422, "Canonical url has already been taken. Email yo@dev.to for further details.")

    def _save(self, article: dict[str, Any], pictures: list[tuple[str, str, bytes]]) -> None:
        """Keep an article's fields; it can be seen while it is published. Front matter in the text wins over them."""
        if front := _FRONT_MATTER.match(article["body_markdown"]):
            article["published"] = "published: true" in front[1]
        if article["published"] and not article["published_at"]:
            article["published_at"] = _stamp(self.now())
        self._note("draft", article)
        is_seen = self.post(article["id"]) is not None
        if is_seen and not article["published"]:
            self._note("unseen", article["id"])
        elif article["published"] and not is_seen:
            media = []
            for alt, address, data in pictures:
                media.append(self.keep_media(data, name=address.rpartition("/")[2], mime=None,
                                             account=article["account"]))
                self.describe_media(media[-1], alt)
            self.keep(account=article["account"], text=f"{article['title']}\n\n{article['body_markdown']}",
                      id=article["id"], media=media, extra={"tags": article["tags"]})

    async def _shown(self, article: Mapping[str, Any]) -> list[tuple[str, str, bytes]]:
        """The pictures of an article that somebody can see, fetched from where they lie: alt text, address, bytes."""
        cover = [("", str(article["main_image"]))] if article.get("main_image") else []
        inside = _IMAGE.findall(str(article.get("body_markdown") or ""))
        if not article.get("published") or not (cover or inside):
            return []
        found = []
        async with httpx.AsyncClient(trust_env=False) as client:
            for alt, there in [*cover, *inside]:
                answer = await client.get(there)
                if answer.status_code == 200:
                    found.append((alt, there, answer.content))
        return found

    async def _read(self, request: Request) -> Response:
        article = self.drafts.get(str(request.path_params["id"]))
        if article is None or not article["published"]:
            raise _refusal(404, "not found")
        return JSONResponse(self._as_json(request, article))

    async def _mine(self, request: Request) -> Response:
        account, status, asked = self._account(request), request.path_params["status"], request.query_params
        found = [article for article in reversed(self.drafts.values()) if article["account"] == account
                 and (status == "all" or article["published"] == (status != "unpublished"))]
        found.sort(key=lambda article: article["published_at"] or "9", reverse=True)
        size = min(int(asked.get("per_page", "30")), 1000)
        start = (int(asked.get("page", "1")) - 1) * size
        return JSONResponse([self._as_json(request, article) for article in found[start:start + size]])

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        id = int.from_bytes(hashlib.sha256(account.encode()).digest()[:4])
        return JSONResponse({"type_of": "user", "id": id, "username": account.lstrip("@"), "name": account})

    def _account(self, request: Request) -> str:
        key = request.headers.get("api-key", "")
        if not request.headers.get("user-agent"):
            raise Refusal(403, "Forbidden Bots")
        if key in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(key)

    def _as_json(self, request: Request, article: dict[str, Any]) -> dict[str, Any]:
        where = f"{request.url.scheme}://{request.url.netloc}"
        user, id = article["account"].lstrip("@"), article["id"]
        out = self.link(request, id) if article["published"] else f"{where}/{user}/temp-slug-{id}"
        return {"type_of": "article", "id": int(id), "title": article["title"], "slug": f"slug-{id}", "url": out,
                "published": article["published"], "published_at": article["published_at"],
                "published_timestamp": article["published_at"] if article["published"] else "",
                "body_markdown": article["body_markdown"], "tag_list": article["tags"],
                "canonical_url": article["canonical_url"] or out, "user": {"username": user}}


def _refusal(status: int, error: str) -> Refusal:
    return Refusal(status, {"error": error, "status": status})


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _fields(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())["article"]
    except (ValueError, KeyError, TypeError):
        raise _refusal(400, "param is missing or the value is empty: article") from None
    if not isinstance(given, dict):
        raise _refusal(422, "article param must be a JSON object")
    return {field: value for field, value in given.items() if field in _FIELDS}


TWIN = DevToTwin
