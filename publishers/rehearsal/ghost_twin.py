"""A Ghost site in rehearsal: posts, pictures, newsletters and tiers of its Admin API, and what it refuses there.

Sources: docs.ghost.org/admin-api; status codes, types and words as Ghost 6.65 gave them, read 2026-11-22.
"""
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Refusal, Twin

_ADMIN = "/ghost/api/admin"
_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/svg+xml", "image/x-icon")
_LONGEST = {"title": 255, "slug": 191, "custom_excerpt": 300, "feature_image_alt": 191,
            "feature_image_caption": 65_535}
_FIELDS = {*_LONGEST, "html", "status", "tags", "canonical_url", "visibility", "featured", "feature_image",
           "updated_at", "published_at", "id"}
_STATUSES = ("draft", "published", "scheduled", "sent")
_MAILED = ("published", "sent")
_NEWSLETTERS = {"default-newsletter": "active", "old-letter": "archived"}
_SLUG = re.compile(r"slug:'([^']*)'")
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"')


class GhostTwin(Twin):
    """A site for each account: whoever brings a key that is signed with itself owns one."""

    network: ClassVar[str] = "ghost"
    title: ClassVar[str] = "Ghost"
    accent: ClassVar[str] = "#15171a"
    creates: ClassVar[tuple[str, ...]] = (rf"PUT {_ADMIN}/posts/[0-9a-f]+/",)

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.drafts: dict[str, dict[str, Any]] = {}      # every post by its id, with its fields, seen or not
        self.mails: list[dict[str, str]] = []            # each mailing of a newsletter: account, post, newsletter, whom
        super().__init__(now, folder)

    def routes(self) -> list[Route]:
        return [Route(f"{_ADMIN}/posts/", self._posts),
                Route(f"{_ADMIN}/posts/", self._create, methods=["POST"]),
                Route(f"{_ADMIN}/posts/{{id}}/", self._read),
                Route(f"{_ADMIN}/posts/{{id}}/", self._update, methods=["PUT"]),
                Route(f"{_ADMIN}/posts/{{id}}/", self._delete, methods=["DELETE"]),
                Route(f"{_ADMIN}/images/upload/", self._upload, methods=["POST"]),
                Route(f"{_ADMIN}/newsletters/", self._newsletters),
                Route(f"{_ADMIN}/tiers/", self._tiers),
                Route(f"{_ADMIN}/site/", self._site)]

    def new_id(self) -> str:
        """24 hexadecimal digits, as a database of documents counts."""
        return f"{int(super().new_id()):024x}"

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        return f"post {path.rstrip('/').rpartition('/')[2]}"

    def forget(self) -> None:
        super().forget()
        self.drafts.clear()
        self.mails.clear()

    def rate_limited(self, until: datetime) -> Refusal:
        return _refusal(429, "TooManyRequestsError", "Too many attempts.", headers=self._retry_after(until))

    def unauthorized(self) -> Refusal:
        return _refusal(401, "UnauthorizedError", "Invalid token: jwt expired", code="INVALID_JWT")

    def broken(self) -> Refusal:
        return _refusal(500, "InternalServerError", "Internal server error, cannot edit post.", code="UNEXPECTED_ERROR")

    def overloaded(self, until: datetime | None) -> Refusal:
        return _refusal(503, "MaintenanceError", "Site is currently undergoing maintenance, please wait a moment then "
                        "retry.", headers=self._retry_after(until))

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "draft":
                self._ids += value["id"] not in self.drafts
                self.drafts[value["id"]] = value
            case "deleted":
                self.drafts.pop(value)
                self._unsee(value)
            case "unseen":
                self._unsee(value)
            case "mail":
                self.mails.append(value)
            case "post":
                super()._recall(kind, value)
                self._ids -= 1           # its id was the draft's
            case _:
                super()._recall(kind, value)

    def _unsee(self, id: str) -> None:
        if (kept := self._by_id.pop(id, None)) is not None:
            self.posts.remove(kept)

    def _note(self, kind: str, value: Any) -> None:
        self._journal.write(kind, value)
        self._recall(kind, value)

    async def _posts(self, request: Request) -> Response:
        account, asked = self._account(request), _SLUG.fullmatch(request.query_params.get("filter", ""))
        found = [post for post in self.drafts.values()
                 if post["account"] == account and (asked is None or post["slug"] == asked[1])]
        return JSONResponse({"posts": [self._as_json(request, post) for post in found], "meta": {}})

    async def _read(self, request: Request) -> Response:
        return JSONResponse({"posts": [self._as_json(request, self._own(request, "read"))]})

    async def _create(self, request: Request) -> Response:
        account, given = self._account(request), await _fields(request)
        if "title" not in given:
            raise _refusal(422, "ValidationError", "Validation error, cannot save post.", "Validation failed for 0.")
        self._check(given)
        post = {"id": self.new_id(), "account": account, "updated_at": _stamp(self.now()), "slug": "untitled",
                "status": "draft", "html": "", "tags": [], "featured": False, **given}
        self._save(post, {})
        return JSONResponse({"posts": [self._as_json(request, self.drafts[post["id"]])]}, 201)

    async def _update(self, request: Request) -> Response:
        given = await _fields(request)
        post = self._own(request, "edit")
        if "updated_at" not in given:
            raise _refusal(422, "ValidationError", "Validation error, cannot edit post.", "Validation failed for 0.")
        self._check(given)
        changed = [field for field, value in given.items() if field != "updated_at" and post.get(field) != value]
        if changed and given["updated_at"] != post["updated_at"]:
            words = "Saving failed! Someone else is editing this post."
            raise _refusal(409, "UpdateCollisionError", words, words, code="UPDATE_COLLISION")
        if changed:
            later = max(self.now(), datetime.fromisoformat(post["updated_at"]) + timedelta(seconds=1))
            self._save({**post, **given, "updated_at": _stamp(later)}, dict(request.query_params))
        return JSONResponse({"posts": [self._as_json(request, self.drafts[post["id"]])]})

    async def _delete(self, request: Request) -> Response:
        self._note("deleted", self._own(request, "delete")["id"])
        return Response(status_code=204)

    def _check(self, given: dict[str, Any]) -> None:
        for field, most in _LONGEST.items():
            if len(str(given.get(field) or "")) > most:
                raise _refusal(422, "ValidationError", "Validation error, cannot save post.",
                               f"Value in [posts.{field}] exceeds maximum length of {most} characters.")
        tags = given.get("tags", [])
        if not all(isinstance(tag, str) and len(tag) <= 191 for tag in tags) or not given.keys() <= _FIELDS:
            raise _refusal(422, "ValidationError", "Validation error, cannot save post.", "Validation failed for 0.")
        if given.get("status", "draft") not in _STATUSES or given.get("visibility", "public") not in (
                "public", "members", "paid", "tiers"):
            raise _refusal(422, "ValidationError", "Validation error, cannot save post.", "Validation failed.")

    def _save(self, post: dict[str, Any], asked: dict[str, str]) -> None:
        """Keep a post's fields; it can be seen while it is published, and its slug is its own."""
        before = self.drafts.get(post["id"], {}).get("status")
        turns_live = post["status"] in _MAILED and before not in _MAILED
        newsletter = asked.get("newsletter") if turns_live else None
        if newsletter and newsletter not in _NEWSLETTERS:
            newsletter = ""
        taken = {other["slug"] for other in self.drafts.values()
                 if other["account"] == post["account"] and other["id"] != post["id"]}
        wanted = slug = post["slug"]
        number = 2
        while slug in taken:
            slug, number = f"{wanted}-{number}", number + 1
        post = {**post, "slug": slug}
        self._note("draft", post)
        if post["status"] != "published":
            if self.post(post["id"]) is not None:
                self._note("unseen", post["id"])
        elif self.post(post["id"]) is None:
            self.keep(account=post["account"], text=f"{post.get('title', '')}\n\n{post['html']}", id=post["id"],
                      media=self._pictures(post), extra={"slug": slug})
        if newsletter == "":             # published it is all the same
            raise _refusal(500, "EmailError", "Error sending email!", "The post does not have a newsletter relation")
        mailed = any(mail["post"] == post["id"] for mail in self.mails)
        if newsletter and not mailed:
            self._note("mail", {"account": post["account"], "post": post["id"], "newsletter": newsletter,
                                "segment": asked.get("email_segment", "all")})

    def _pictures(self, post: dict[str, Any]) -> list[str]:
        """The files that readers see, with the alt text they have here: the featured one, then those in the text."""
        shown = [(post["feature_image"], post.get("feature_image_alt") or "")] if post.get("feature_image") else []
        shown += [(unescape(address), unescape(alt)) for address, alt in _IMAGE.findall(post["html"])]
        found = []
        for address, alt in shown:
            id = address.rpartition("/")[2].partition("-")[0]
            if id in self.media:
                self.describe_media(id, alt)
                found.append(id)
        return found

    async def _upload(self, request: Request) -> Response:
        account = self._account(request)
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise _refusal(422, "ValidationError", "Please select an image.")
            data = await file.read()
            if file.content_type not in _TYPES or opened(data) is None:
                raise _refusal(415, "UnsupportedMediaTypeError", "Please select a valid image.")
            id = self.keep_media(data, name=file.filename or "file", mime=file.content_type, account=account)
            where = f"{request.url.scheme}://{request.url.netloc}/content/images/2026/11/{id}-{file.filename}"
            return JSONResponse({"images": [{"url": where, "ref": form.get("ref")}]}, 201)

    async def _newsletters(self, request: Request) -> Response:
        self._account(request)
        asked = _SLUG.fullmatch(request.query_params.get("filter", ""))
        return JSONResponse({"newsletters": [{"slug": slug, "status": status} for slug, status in _NEWSLETTERS.items()
                                             if asked is None or asked[1] == slug], "meta": {}})

    async def _tiers(self, request: Request) -> Response:
        id = hashlib.sha256(self._account(request).encode()).hexdigest()[:24]
        return JSONResponse({"tiers": [{"id": id, "name": "Free", "slug": "free", "type": "free"}], "meta": {}})

    async def _site(self, request: Request) -> Response:
        return JSONResponse({"site": {"title": "Rehearsal", "version": "6.65", "url": str(request.base_url)}})

    def _account(self, request: Request) -> str:
        """Whose token this is: signed with the key that it names, for this API, for five minutes at most."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind != "Ghost" or given.count(".") != 2:
            raise _refusal(401, "UnauthorizedError", "Authorization header format is \"Authorization: Ghost [token]\"",
                           code="INVALID_AUTH_HEADER")
        signed, _, signature = given.rpartition(".")
        try:
            head, said = (json.loads(_unpacked(piece)) for piece in signed.split("."))
            key, lives = str(head["kid"]), int(said["exp"]) - int(said["iat"])
            is_ours = head["alg"] == "HS256" and said["aud"] == "/admin/" and 0 < lives <= 300
        except (ValueError, KeyError, TypeError):
            raise _refusal(400, "BadRequestError", "Invalid token", code="INVALID_JWT") from None
        if not key.startswith("rehearsal:"):
            raise _refusal(401, "UnauthorizedError", "Unknown Admin API Key", code="UNKNOWN_ADMIN_API_KEY")
        good = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
        if not is_ours or not hmac.compare_digest(base64.urlsafe_b64encode(good).rstrip(b"=").decode(), signature):
            raise _refusal(401, "UnauthorizedError", "Invalid token: invalid signature", code="INVALID_JWT")
        return self.account_of(key)

    def _own(self, request: Request, doing: str) -> dict[str, Any]:
        account, post = self._account(request), self.drafts.get(request.path_params["id"])
        if post is None or post["account"] != account:
            raise _refusal(404, "NotFoundError", f"Resource not found error, cannot {doing} post.", "Post not found.")
        return post

    def _as_json(self, request: Request, post: dict[str, Any]) -> dict[str, Any]:
        where = f"{request.url.scheme}://{request.url.netloc}"
        is_out = post["status"] == "published"
        return {**{field: value for field, value in post.items() if field != "account"},
                "tags": [{"name": name} for name in post["tags"]],
                "url": self.link(request, post["id"]) if is_out else f"{where}/p/{post['id']}/"}


def _refusal(status: int, kind: str, message: str, context: str | None = None, code: str | None = None,
             headers: Mapping[str, str] | None = None) -> Refusal:
    error = {"message": message, "context": context, "type": kind, "details": None, "property": None, "help": None,
             "code": code, "id": "00000000-0000-0000-0000-000000000000", "ghostErrorCode": None}
    return Refusal(status, {"errors": [error]}, headers)


def _unpacked(piece: str) -> bytes:
    return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


def _stamp(moment: datetime) -> str:
    """To the second, as Ghost's database keeps it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


async def _fields(request: Request) -> dict[str, Any]:
    try:
        (given,) = json.loads(await request.body())["posts"]
    except (ValueError, KeyError, TypeError):
        raise _refusal(400, "BadRequestError", "No root key ('posts') provided.") from None
    if not isinstance(given, dict):
        raise _refusal(400, "BadRequestError", "No root key ('posts') provided.")
    return given


TWIN = GhostTwin
