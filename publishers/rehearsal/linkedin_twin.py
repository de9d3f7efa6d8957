"""LinkedIn in rehearsal: the Posts API with its uploads and comments, and what it refuses on those paths.

Sources: learn.microsoft.com/linkedin/marketing/community-management/shares, pages posts-api, little-text-format,
images-api, videos-api, documents-api, poll-post-api, comments-api, read 2026-11-22; the words of a refused repeat:
github.com/Arisamiga/Linkedin-RSS/issues/5; a text that is cut off: apoorvdarshan/crossposter, release v1.1.5.
"""
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers.rehearsal._linkedin_files import LinkedInFiles, body_of, milliseconds, no, slug
from publishers.rehearsal._little import read_little
from publishers.rehearsal._twin import Kept, Refusal

_TEXT, _COMMENT, _ALT, _IMAGES = 3_000, 1_250, 4_086, 20
_LONGEST_PAGE, _REPEATS = 100, timedelta(days=1)
_DURATIONS = ("ONE_DAY", "THREE_DAYS", "SEVEN_DAYS", "FOURTEEN_DAYS")
_VISIBILITIES = ("PUBLIC", "CONNECTIONS", "LOGGED_IN")


class LinkedInTwin(LinkedInFiles):
    """Every token is a member of the account's name, who is an administrator of the page of that name."""

    network: ClassVar[str] = "linkedin"
    title: ClassVar[str] = "LinkedIn"
    accent: ClassVar[str] = "#0a66c2"
    creates: ClassVar[tuple[str, ...]] = ("POST /rest/posts", r"POST /rest/socialActions/[^/]+/comments")

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "edited":
                old = self._by_id[value["id"]]
                new = replace(old, text=value["text"], extra={**old.extra, "little": value["little"], "edited": True,
                                                              "changed": value["at"]})
                self.posts[self.posts.index(old)] = self._by_id[old.id] = new
            case "deleted":
                self.posts.remove(self._by_id.pop(value))
            case _:
                super()._recall(kind, value)

    def routes(self) -> list[Route]:
        return [Route("/rest/posts", self._create, methods=["POST"]),
                Route("/rest/posts", self._list),
                Route("/rest/posts/{urn}", self._edit, methods=["POST"]),
                Route("/rest/posts/{urn}", self._delete, methods=["DELETE"]),
                Route("/rest/socialActions/{urn}/comments", self._comment, methods=["POST"]),
                Route("/rest/socialActions/{urn}/comments", self._comments),
                Route("/rest/socialActions/{urn}/comments/{id}", self._delete_comment, methods=["DELETE"]),
                Route("/rest/organizationAcls", self._roles),
                *self.upload_routes(),
                Route("/v2/userinfo", self._me),
                Route("/oauth/v2/authorization", self._say_yes),
                Route("/oauth/v2/accessToken", self._token, methods=["POST"])]

    # --- posts --------------------------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        account = self.account(request)
        given = await body_of(request)
        author = self.allowed(account, given.get("author"))
        if given.get("lifecycleState") != "PUBLISHED" or given.get("visibility") not in _VISIBILITIES:
            raise no(422, "lifecycleState and visibility are required", "MISSING_FIELD")
        if (given.get("distribution") or {}).get("feedDistribution") not in ("MAIN_FEED", "NONE"):
            raise no(422, "distribution/feedDistribution is required", "MISSING_FIELD")
        commentary = given.get("commentary")
        if not isinstance(commentary, str):
            raise no(422, "commentary is required", "MISSING_FIELD")
        text, parsed = read_little(commentary)
        content = given.get("content") or {}
        if not text.strip() and not content:
            raise no(422, "A post needs commentary or content", "MISSING_FIELD")
        if _units(text) > _TEXT:
            raise no(422, f"commentary text length ({_units(text)} characters) exceeded the maximum allowed ({_TEXT} "
                           "characters)", "FIELD_LENGTH_TOO_LONG")
        media, alts = self._content(content, account)
        bytes_ = [self.media[id].sha256 for id in media]
        for older in reversed(self.posts):
            if (older.extra.get("author") == author and older.extra.get("commentary") == commentary
                    and older.extra.get("bytes") == bytes_ and self.now() - older.created_at < _REPEATS):
                raise no(422, "com.linkedin.content.common.exception.BadRequestResponseException: Content is a "
                               f"duplicate of {older.id}", None, inputErrors="DUPLICATE_POST")
        for id, alt in alts.items():
            self.describe_media(id, alt)
        kind = "ugcPost" if content.get("poll") or any("video" in str(v) for v in content.values()) else "share"
        urn = f"urn:li:{kind}:{self.new_id()}"
        self.keep(account=account, text=text, media=media, id=urn, url=self.link(request, urn), extra={
            "author": author, "commentary": commentary, "little": parsed, "content": content, "bytes": bytes_,
            "visibility": given["visibility"], "title": (content.get("article") or content.get("media") or {}).get(
                "title")})
        return Response(status_code=201, headers={"x-restli-id": urn})

    def _content(self, content: Mapping[str, Any], account: str) -> tuple[list[str], dict[str, str]]:
        """The uploaded files of a post, and their alt texts."""
        if not content:
            return [], {}
        if len(content) != 1:
            raise no(422, "content is a union: one member", "INVALID_VALUE_FOR_FIELD")
        ((kind, value),) = content.items()
        if not isinstance(value, dict):
            raise no(422, f"content/{kind} is no record", "INVALID_VALUE_FOR_FIELD")
        match kind:
            case "media":
                files = [value]
            case "multiImage":
                files = value.get("images") or []
                if not 2 <= len(files) <= _IMAGES or any("image" not in str(one.get("id")) for one in files):
                    raise no(422, f"multiImage takes 2 to {_IMAGES} images", "INVALID_VALUE_FOR_FIELD")
            case "article":
                if not str(value.get("source", "")).startswith(("http://", "https://")) or not value.get("title"):
                    raise no(422, "article/source and article/title are required", "MISSING_FIELD")
                files = [{"id": value["thumbnail"]}] if "thumbnail" in value else []
            case "poll":
                _check_poll(value)
                files = []
            case _:
                raise no(422, f"content/{kind} is not known", "INVALID_VALUE_FOR_FIELD")
        media, alts = [], {}
        for one in files:
            id = str(one.get("id") or "").rpartition(":")[2]
            if not self.may_attach(id, account) or self.fault_of(id):
                raise no(422, "The media is not owned by the author, or is not ready", "INVALID_MEDIA")
            if len(alt := str(one.get("altText") or "")) > _ALT:
                raise no(422, f"altText is longer than {_ALT}", "FIELD_LENGTH_TOO_LONG")
            media.append(id)
            if alt:
                alts[id] = alt
        return media, alts

    async def _list(self, request: Request) -> Response:
        author = self.allowed(self.account(request), request.query_params.get("author"))
        if request.query_params.get("q") != "author" or request.headers.get("x-restli-method") != "FINDER":
            raise no(400, "Unknown finder", "ILLEGAL_ARGUMENT")
        if author.startswith("urn:li:person:"):
            raise no(403, "Not enough permissions to access: posts.FINDER-author", "ACCESS_DENIED")
        own = [post for post in self.posts if post.extra.get("author") == author]
        own.sort(key=lambda post: int(post.extra.get("changed") or milliseconds(post.created_at)), reverse=True)
        start, count = _page(request)
        return JSONResponse({"elements": [_post_as_json(post) for post in own[start:start + count]],
                             "paging": {"start": start, "count": count, "links": []}})

    async def _edit(self, request: Request) -> Response:
        kept = self._own_post(request)
        if request.headers.get("x-restli-method") != "PARTIAL_UPDATE":
            raise no(400, "Unknown method", "ILLEGAL_ARGUMENT")
        changed = ((await body_of(request)).get("patch") or {}).get("$set") or {}
        text, parsed = read_little(str(changed.get("commentary", "")))
        value = {"id": kept.id, "text": text, "little": parsed, "at": milliseconds(self.now())}
        self._journal.write("edited", value)
        self._recall("edited", value)
        return Response(status_code=204)

    async def _delete(self, request: Request) -> Response:
        account, urn = self.account(request), request.path_params["urn"]
        if (kept := self.post(urn)) is not None:
            if kept.account != account:
                raise no(403, "Not enough permissions to access: posts.DELETE", "ACCESS_DENIED")
            self._journal.write("deleted", urn)
            self._recall("deleted", urn)
        return Response(status_code=204)         # posts-api: deleted before is 204 too

    # --- comments -----------------------------------------------------------------------------------------------------

    async def _comment(self, request: Request) -> Response:
        account, post = self.account(request), self.post(request.path_params["urn"])
        given = await body_of(request)
        actor = self.allowed(account, given.get("actor"))
        if post is None:
            raise no(404, "The post does not exist", "NOT_FOUND")
        text = (given.get("message") or {}).get("text")
        if not isinstance(text, str) or not text.strip() or _units(text) > _COMMENT or given.get("object") != post.id:
            raise no(400, "message/text or object is not acceptable", "INVALID_VALUE_FOR_FIELD")
        number = self.new_id()
        urn = f"urn:li:comment:(urn:li:activity:{post.id.rpartition(':')[2]},{number})"
        kept = self.keep(account=account, text=text, parent=post.id, id=urn, url=self.link(request, urn),
                         extra={"kind": "comment", "actor": actor, "number": number})
        return JSONResponse(_comment_as_json(kept), 201, headers={"x-restli-id": number})

    async def _comments(self, request: Request) -> Response:
        self.account(request)
        under = [post for post in self.posts if post.parent == request.path_params["urn"]]
        start, count = _page(request)
        return JSONResponse({"elements": [_comment_as_json(post) for post in under[start:start + count]],
                             "paging": {"start": start, "count": count, "links": []}})

    async def _delete_comment(self, request: Request) -> Response:
        self.allowed(self.account(request), request.query_params.get("actor"))
        gone = [post.id for post in self.posts if post.extra.get("number") == request.path_params["id"]]
        if not gone:
            raise no(404, "The comment does not exist", "NOT_FOUND")
        self._journal.write("deleted", gone[0])
        self._recall("deleted", gone[0])
        return Response(status_code=204)

    # --- who ----------------------------------------------------------------------------------------------------------

    async def _me(self, request: Request) -> Response:
        account = self.account(request, versioned=False)
        return JSONResponse({"sub": slug(account), "name": account, "email_verified": True})

    async def _roles(self, request: Request) -> Response:
        page = f"urn:li:organization:{slug(account := self.account(request))}"
        return JSONResponse({"elements": [{"role": "ADMINISTRATOR", "organization": page, "state": "APPROVED",
                                           "roleAssignee": f"urn:li:person:{slug(account)}"}],
                             "paging": {"start": 0, "count": 100, "links": []}})

    async def _say_yes(self, request: Request) -> Response:
        """In a rehearsal everybody says yes, as the account that the app is named after."""
        asked = request.query_params
        query = urlencode({"code": f"rehearsal:{asked.get('client_id', '')}", "state": asked.get("state", "")})
        return RedirectResponse(f"{asked.get('redirect_uri', '')}?{query}", 302)

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(form[name]) for name in form}
        grant = given.get("refresh_token" if given.get("grant_type") == "refresh_token" else "code", "")
        if not given.get("client_id") or not given.get("client_secret") or grant in ("", "expired"):
            raise Refusal(400, {"error": "invalid_request", "error_description": "Unable to retrieve access token: "
                                "authorization code or refresh token not found or expired"})
        return JSONResponse({"access_token": f"rehearsal:{self.account_of(grant)}", "expires_in": 5_184_000,
                             "refresh_token": f"rehearsal:{self.account_of(grant)}",
                             "refresh_token_expires_in": 31_536_000, "scope": "w_organization_social"})

    def _own_post(self, request: Request) -> Kept:
        account, kept = self.account(request), self.post(request.path_params["urn"])
        if kept is None or kept.account != account:
            raise no(404, "The post does not exist", "NOT_FOUND")
        return kept


def _check_poll(poll: Mapping[str, Any]) -> None:
    answers = [str(one.get("text", "")) for one in poll.get("options") or ()]
    if not 2 <= len(answers) <= 4 or not all(1 <= len(answer) <= 30 for answer in answers):
        raise no(422, "poll/options: 2 to 4, each of 1 to 30 characters", "INVALID_VALUE_FOR_FIELD")
    if not 1 <= len(str(poll.get("question") or "")) <= 140:
        raise no(422, "poll/question: 1 to 140 characters", "INVALID_VALUE_FOR_FIELD")
    if (poll.get("settings") or {}).get("duration") not in _DURATIONS:
        raise no(422, f"poll/settings/duration is one of {', '.join(_DURATIONS)}", "INVALID_VALUE_FOR_FIELD")


def _post_as_json(post: Kept) -> dict[str, Any]:
    made = milliseconds(post.created_at)
    return {"id": post.id, "author": post.extra["author"], "commentary": post.extra["little"], "createdAt": made,
            "publishedAt": made, "lastModifiedAt": post.extra.get("changed") or made, "lifecycleState": "PUBLISHED",
            "visibility": post.extra["visibility"], "isReshareDisabledByAuthor": False,
            "lifecycleStateInfo": {"isEditedByAuthor": bool(post.extra.get("edited"))},
            "distribution": {"feedDistribution": "MAIN_FEED", "thirdPartyDistributionChannels": []},
            **({"content": post.extra["content"]} if post.extra["content"] else {})}


def _comment_as_json(post: Kept) -> dict[str, Any]:
    stamp = {"actor": post.extra["actor"], "time": milliseconds(post.created_at)}
    return {"id": post.extra["number"], "commentUrn": post.id, "actor": post.extra["actor"], "created": stamp,
            "lastModified": stamp, "message": {"attributes": [], "text": post.text},
            "object": f"urn:li:activity:{str(post.parent).rpartition(':')[2]}"}


def _page(request: Request) -> tuple[int, int]:
    return (int(request.query_params.get("start", "0")),
            min(int(request.query_params.get("count", "10")), _LONGEST_PAGE))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


TWIN = LinkedInTwin
