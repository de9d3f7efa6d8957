"""Facebook Pages in rehearsal: feed, photos, comments and lists as the Graph API does them, with its own refusals.

Any access token will do, but two words: "expired" is refused with 400 and code 190, "revoked" with 401 and code 190.
A page exists as soon as it is named, by number or by name; ids hold its number either way. Sources: the Graph API
reference of Page Feed, Page Photos, Comment, Post, Debug-Token and User Accounts, "Handle Errors", "Manually Build a
Login Flow" and "Long-Lived Access Tokens", read 2026-11-22; the 63,206 characters are a customary number.
"""
import base64
import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers.rehearsal._facebook_login import BAD_TOKENS, Login, bad_token, fault, number_of
from publishers.rehearsal._twin import Kept, Refusal, Twin

TEXT_MAX, COMMENT_MAX, PHOTO_MAX_BYTES = 63_206, 8_000, 10_000_000
VERSIONS = range(19, 27)         # v19.0 to v26.0 answer
_PHOTOS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")


def _unknown(id: str) -> Refusal:
    return fault(100, f"Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing "
                       "permissions, or does not support this operation", subcode=33)


class FacebookPageTwin(Twin):
    """Pages, each with a timeline of its own. A photo uploaded unpublished shows nowhere until a post takes it.

    `login` is where a person says yes to an app.
    """

    network = "facebook_page"
    title = "Facebook"
    accent = "#1877f2"
    creates: ClassVar[tuple[str, ...]] = (r"POST /v[0-9.]+/[^/]+/feed", r"POST /v[0-9.]+/[^/]+/comments")

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        super().__init__(now, folder)
        self.login = Login()

    def routes(self) -> list[Route]:
        return [
            Route("/{version}/dialog/oauth", self._dialog),
            Route("/{version}/oauth/access_token", self._sold),
            Route("/{version}/debug_token", self._debugged),
            Route("/{version}/me/accounts", self._accounts),
            Route("/{page}/posts/{number}", self._shown),
            Route("/{version}/{page}/feed", self._feed, methods=["POST"]),
            Route("/{version}/{page}/photos", self._photo, methods=["POST"]),
            Route("/{version}/{post}/comments", self._comment, methods=["POST"]),
            Route("/{version}/{post}/comments", self._comments, methods=["GET"]),
            Route("/{version}/{page}/published_posts", self._published, methods=["GET"]),
            Route("/{version}/me", self._me, methods=["GET"]),
            Route("/{version}/{id}", self._object, methods=["GET", "DELETE"]),
        ]

    def rate_limited(self, until: datetime) -> Refusal:
        minutes = max(1, math.ceil((until - self.now()).total_seconds() / 60))      # the real header counts in minutes
        usage = {"type": "pages", "call_count": 100, "total_cputime": 40, "total_time": 40,
                 "estimated_time_to_regain_access": minutes}
        refusal = fault(32, "(#32) Page request limit reached", status=403)
        refusal.headers["X-Business-Use-Case-Usage"] = json.dumps({"1": [usage]})
        return refusal

    def broken(self) -> Refusal:
        return fault(1, "An unknown error occurred", status=500, is_transient=True)

    def unauthorized(self) -> Refusal:
        return bad_token("revoked")

    def overloaded(self, until: datetime | None) -> Refusal:
        refusal = fault(2, "Service temporarily unavailable", status=503, is_transient=True)
        refusal.headers.update(self._retry_after(until))
        return refusal

    async def _feed(self, request: Request) -> Response:
        async with request.form() as form:
            self._admit(request, form)
            account, message, link = _account(request), _word(form, "message"), _word(form, "link")
            photos = [_attached(str(form[name])) for name in sorted(form, key=_place) if _place(name) >= 0]
        if not (message or link or photos):
            raise fault(100, "(#100) You must provide a message, a link, or attached media")
        if len(message) > TEXT_MAX:
            raise fault(100, f"(#100) Param message must be at most {TEXT_MAX} characters long")
        if link and photos:
            raise fault(100, "(#100) A post takes either a link or attached media")
        if not all(self.may_attach(photo, number_of(account)) for photo in photos):
            raise fault(100, "(#100) Invalid parameter: attached_media names a photo that does not exist")
        latest = next((post for post in reversed(self.posts) if post.account == account and not post.parent), None)
        if message and latest is not None and latest.text == message:
            raise fault(506, "(#506) Duplicate status message", subcode=1455006,
                        error_user_title="Duplicate Status Update",
                        error_user_msg="This status update is identical to the last one you posted.")
        return JSONResponse({"id": self._posted(request, account, message, photos, link).id})

    async def _photo(self, request: Request) -> Response:
        async with request.form() as form:
            self._admit(request, form)
            source, alt = form.get("source"), _word(form, "alt_text_custom")
            if not isinstance(source, UploadFile):
                raise fault(324, "(#324) Requires upload file")
            data, name, mime = await source.read(), source.filename or "photo", source.content_type
            message, unpublished = _word(form, "message"), _word(form, "published") in ("false", "0")
        if not data.startswith(_PHOTOS):
            raise fault(324, "(#324) Missing or invalid image file", subcode=2069019)
        if len(data) > PHOTO_MAX_BYTES:
            raise fault(100, "Invalid parameter", subcode=1366046,
                        error_user_msg="Photos should be smaller than 10 MB and saved as JPG, PNG, GIF, BMP or TIFF.")
        photo = self.keep_media(data, name=name, mime=mime, account=number_of(_account(request)))
        if alt:
            self.describe_media(photo, alt)
        if unpublished:
            return JSONResponse({"id": photo})
        post = self._posted(request, _account(request), message, [photo], "")
        return JSONResponse({"id": photo, "post_id": post.id})

    async def _comment(self, request: Request) -> Response:
        async with request.form() as form:
            self._admit(request, form)
            message = _word(form, "message")
        post = self._existing(request.path_params["post"])
        if not message:
            raise fault(100, "(#100) The parameter message is required")
        if len(message) > COMMENT_MAX:
            raise fault(100, f"(#100) Param message must be at most {COMMENT_MAX} characters long")
        number, below = self.new_id(), post.id.rpartition("_")[2]
        made = self.keep(account=post.account, text=message, parent=post.id, id=f"{below}_{number}",
                         url=f"{post.url}?comment_id={number}", extra={"kind": "comment"})
        return JSONResponse({"id": made.id})

    async def _comments(self, request: Request) -> Response:
        self._admit(request)
        post = self._existing(request.path_params["post"])
        return self._page(request, [kept for kept in self.posts if kept.parent == post.id])

    async def _published(self, request: Request) -> Response:
        self._admit(request)
        since = float(request.query_params.get("since", 0))
        return self._page(request, [post for post in reversed(self.posts) if post.parent is None
                                    and post.account == _account(request)
                                    and post.created_at.timestamp() >= since])

    async def _object(self, request: Request) -> Response:
        self._admit(request)
        id = request.path_params["id"]
        if request.method == "DELETE":
            self._existing(id)
            self._journal.write("gone", id)
            self._recall("gone", id)
            return JSONResponse({"success": True})
        if photo := self.media.get(id):
            return JSONResponse({"id": id, "alt_text_custom": photo.alt})
        return JSONResponse(self._told(self._existing(id), request.query_params.get("fields", "")))

    async def _me(self, request: Request) -> Response:
        """The page whose token it is: the number of `rehearsal:<page>` is that page's."""
        self._admit(request)
        page = self.account_of(request.query_params["access_token"])
        known, asked = {"id": number_of(page), "name": page}, request.query_params.get("fields", "id,name").split(",")
        return JSONResponse({name: known[name] for name in known if name in ("id", *asked)})

    async def _debugged(self, request: Request) -> Response:
        self._admit(request)
        return self.login.debugged(request)

    async def _dialog(self, request: Request) -> Response:
        return self.login.dialog(request, self.new_id())

    async def _sold(self, request: Request) -> Response:
        return self.login.sold(request)

    async def _accounts(self, request: Request) -> Response:
        self._admit(request)
        return self.login.accounts(request)

    async def _shown(self, request: Request) -> Response:
        """The address of a post, as the adapter makes it: the timeline page, at that post."""
        number = request.path_params["number"]
        id = f"{number_of(_account(request))}_{number}"
        if comment := request.query_params.get("comment_id"):
            id = f"{number}_{comment}"
        if self.post(id) is None:
            return Response("This content isn't available at the moment.", 404, media_type="text/plain")
        return RedirectResponse(self.link(request, id), 302)

    def _recall(self, kind: str, value: Any) -> None:
        """Deleted posts take their comments with them."""
        if kind == "gone":
            for post in [post for post in self.posts if value in (post.id, post.parent)]:
                self.posts.remove(post)
                del self._by_id[post.id]
        else:
            super()._recall(kind, value)

    def _posted(self, request: Request, account: str, message: str, photos: Sequence[str], link: str) -> Kept:
        page, number = number_of(account), self.new_id()
        return self.keep(account=account, text=message, media=photos, id=f"{page}_{number}",
                         url=f"{request.base_url}{self.network}/{page}/posts/{number}",
                         extra={"link": link} if link else {})

    def _admit(self, request: Request, form: FormData | None = None) -> None:
        """Raises the network's refusal of a version that is gone, and of no token or a bad one."""
        version = re.fullmatch(r"v([0-9]{1,3})\.0", request.path_params["version"])
        if version is None or int(version[1]) not in VERSIONS:
            raise fault(2500, f"Unknown path components: /{request.path_params['version']}")
        token = _word(form, "access_token") if form is not None else ""
        token = token or request.query_params.get("access_token", "")
        if not token:
            raise fault(104, "An access token is required to request this resource.")
        if token in BAD_TOKENS:
            raise bad_token(token)

    def _existing(self, id: str) -> Kept:
        if (post := self.post(id)) is None:
            raise _unknown(id)
        return post

    def _page(self, request: Request, entries: Sequence[Kept]) -> Response:
        """One page of a list with the cursors and the absolute `next`, token and all, of the real one."""
        asked = dict(request.query_params)
        limit, start = min(int(asked.get("limit", 25)), 100), 0
        if after := asked.get("after"):
            last = base64.urlsafe_b64decode(after).decode()
            start = next((place + 1 for place, post in enumerate(entries) if post.id == last), len(entries))
        shown = entries[start:start + limit]
        body: dict[str, Any] = {"data": [self._told(post, asked.get("fields", "")) for post in shown]}
        if shown:
            ends = {name: base64.urlsafe_b64encode(post.id.encode()).decode()
                    for name, post in (("before", shown[0]), ("after", shown[-1]))}
            body["paging"] = {"cursors": ends}
            if start + limit < len(entries):
                query = urlencode(asked | {"after": ends["after"]})
                body["paging"]["next"] = f"{request.url.replace(query='')}?{query}"
        return JSONResponse(body)

    def _told(self, post: Kept, asked: str) -> dict[str, Any]:
        """The asked fields of a post or comment; what stands in braces is not looked at, all of it is given."""
        while "{" in asked and (plain := re.sub(r"\{[^{}]*\}", "", asked)) != asked:
            asked = plain
        photos = [{"media_type": "photo", "description": self.media[id].alt or "", "target": {"id": id}}
                  for id in post.media]
        shown = [{"media_type": "album", "subattachments": {"data": photos}}] if len(photos) > 1 else photos
        if link := post.extra.get("link"):
            shown = [{"media_type": "link", "url": link}]
        known: dict[str, Any] = {
            "id": post.id, "created_time": f"{post.created_at:%Y-%m-%dT%H:%M:%S}+0000", "permalink_url": post.url,
            "from": {"id": number_of(post.account), "name": post.account}, "is_published": True}
        known |= {"message": post.text} if post.text else {}
        known |= {"attachments": {"data": shown}} if shown else {}
        names = asked.split(",") if asked else ["created_time", "message"]
        return {name: known[name] for name in ("id", *names) if name in known}


def _account(request: Request) -> str:
    """The page in the path; rehearsal credentials are written `rehearsal:<account>`."""
    return str(request.path_params["page"]).removeprefix("rehearsal:")


def _word(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _place(name: str) -> int:
    """The number in `attached_media[3]`; -1 for the name of any other field."""
    match = re.fullmatch(r"attached_media\[([0-9]+)\]", name)
    return int(match[1]) if match else -1


def _attached(text: str) -> str:
    try:
        return str(json.loads(text)["media_fbid"])
    except (ValueError, KeyError, TypeError):
        raise fault(100, "(#100) Param attached_media must be an object with media_fbid") from None


TWIN = FacebookPageTwin
