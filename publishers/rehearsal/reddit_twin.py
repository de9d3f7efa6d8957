"""Reddit in rehearsal: subreddits with rules of their own, posts, comments, and refusals with status 200.

Sources: www.reddit.com/dev/api; github.com/reddit-archive/reddit, r2/lib/errors.py, r2/controllers/api.py (submit,
comment, del) and wiki pages OAuth2 and API; read 2026-11-22. The subreddits `linksonly`, `textonly`, `flaired`,
`closed`, `missing` and `slow` refuse what their names say; every other one takes everything.
"""
import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers.rehearsal._twin import Kept, Refusal, Twin

_TITLE, _TEXT, _COMMENT, _FLAIR = 300, 40_000, 10_000, 64
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SUBREDDIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,20}|u_[A-Za-z0-9_-]{3,20}")
_AGENT = re.compile(r"[^:\s]+:[^:\s]+:[^:\s]+ \(by /u/[A-Za-z0-9_-]+\)")
_WORDS = {
    "ALREADY_SUB": "that link has already been submitted", "NO_TEXT": "we need something here",
    "TOO_LONG": "this is too long (max: {})", "BAD_URL": "you should check that url", "NO_URL": "a url is required",
    "SUBREDDIT_NOEXIST": "that subreddit doesn't exist", "SUBREDDIT_REQUIRED": "you must specify a subreddit",
    "SUBREDDIT_NOTALLOWED": "you aren't allowed to post there.", "NO_SELFS": "that subreddit doesn't allow text posts",
    "NO_LINKS": "that subreddit only allows text posts", "INVALID_OPTION": "that option is not valid",
    "SUBMIT_VALIDATION_FLAIR_REQUIRED": "Your post must contain post flair.", "NO_THING_ID": "id not specified",
    "DELETED_LINK": "the link you are commenting on has been deleted",
    "RATELIMIT": "Looks like you've been doing that a lot. Take a break for 9 minutes before trying again."}


class RedditTwin(Twin):
    """Any number of users; whoever brings a token is one."""

    network: ClassVar[str] = "reddit"
    title: ClassVar[str] = "Reddit"
    accent: ClassVar[str] = "#ff4500"
    creates: ClassVar[tuple[str, ...]] = ("POST /api/submit", "POST /api/comment")

    def routes(self) -> list[Route]:
        return [Route("/api/submit", self._submit, methods=["POST"]),
                Route("/api/comment", self._comment, methods=["POST"]),
                Route("/api/del", self._delete, methods=["POST"]),
                Route("/api/v1/me", self._me),
                Route("/api/v1/authorize", self._say_yes),
                Route("/api/v1/access_token", self._token, methods=["POST"]),
                Route("/user/{name}/{what}", self._listing)]

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        return "|".join(form.get(name, "") for name in ("thing_id", "sr", "title", "text", "url"))

    def _recall(self, kind: str, value: Any) -> None:
        if kind == "gone":
            self.posts.remove(self._by_id.pop(value))
        else:
            super()._recall(kind, value)

    def unauthorized(self) -> Refusal:
        return Refusal(401, {"message": "Unauthorized", "error": 401}, {"WWW-Authenticate": 'Bearer realm="reddit", '
                                                                                            'error="invalid_token"'})

    def rate_limited(self, until: datetime) -> Refusal:
        seconds = str(max(1, round((until - self.now()).total_seconds())))
        return Refusal(429, {"message": "Too Many Requests", "error": 429}, {
            "X-Ratelimit-Used": "100", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": seconds})

    def broken(self) -> Refusal:
        return Refusal(500, {"message": "Internal Server Error", "error": 500})

    def overloaded(self, until: datetime | None) -> Refusal:
        return Refusal(503, {"message": "Service Unavailable", "error": 503}, self._retry_after(until))

    # --- posts --------------------------------------------------------------------------------------------------------

    async def _submit(self, request: Request) -> Response:
        account, form = self._account(request), await _form(request)
        sr, kind, title, text = (form.get(name, "") for name in ("sr", "kind", "title", "text"))
        url = form.get("url", "") if kind == "link" else ""
        wrong = self._wrong_place(sr, kind) or self._wrong_words(title, text) or self._wrong_rest(sr, form, url)
        if wrong:
            return _errors(*wrong)
        id = self._fullname("t3")
        post = self.keep(account=account, text=f"{title}\n\n{text or url}".strip(), id=id, extra={
            "sr": sr, "title": title, "selftext": text, "url": url, "nsfw": form.get("nsfw") == "true",
            "spoiler": form.get("spoiler") == "true", "flair_id": form.get("flair_id")})
        return _json({"url": self.link(request, post.id), "drafts_count": 0, "id": post.id[3:], "name": post.id})

    def _wrong_place(self, sr: str, kind: str) -> tuple[str, str] | None:
        name = sr.lower()
        if not sr:
            return "SUBREDDIT_REQUIRED", "sr"
        if not _SUBREDDIT.fullmatch(sr) or name == "missing":
            return "SUBREDDIT_NOEXIST", "sr"
        if name == "closed":
            return "SUBREDDIT_NOTALLOWED", "sr"
        if kind not in ("self", "link"):
            return "INVALID_OPTION", "kind"
        if name == "linksonly" and kind == "self":
            return "NO_SELFS", "sr"
        return ("NO_LINKS", "sr") if name == "textonly" and kind == "link" else None

    def _wrong_words(self, title: str, text: str) -> tuple[str, str] | None:
        if not title.strip():
            return "NO_TEXT", "title"
        if len(title) > _TITLE:
            return f"TOO_LONG {_TITLE}", "title"
        return (f"TOO_LONG {_TEXT}", "text") if len(text) > _TEXT else None

    def _wrong_rest(self, sr: str, form: Mapping[str, str], url: str) -> tuple[str, str] | None:
        if form["kind"] == "link" and not url:
            return "NO_URL", "url"
        if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
            return "BAD_URL", "url"
        if len(form.get("flair_text", "")) > _FLAIR:
            return f"TOO_LONG {_FLAIR}", "flair"
        if sr.lower() == "flaired" and not form.get("flair_id"):
            return "SUBMIT_VALIDATION_FLAIR_REQUIRED", "flair"
        if sr.lower() == "slow":
            return "RATELIMIT", "ratelimit"
        if url and form.get("resubmit") != "true" and any(
                (post.extra.get("sr", "").lower(), post.extra.get("url")) == (sr.lower(), url) for post in self.posts):
            return "ALREADY_SUB", "url"
        return None

    async def _comment(self, request: Request) -> Response:
        account, form = self._account(request), await _form(request)
        text, parent = form.get("text", ""), form.get("thing_id", "")
        if not text.strip():
            return _errors("NO_TEXT", "text")
        if len(text) > _COMMENT:
            return _errors(f"TOO_LONG {_COMMENT}", "text")
        if not parent:
            return _errors("NO_THING_ID", "parent")
        if self.post(parent) is None:
            return _errors("DELETED_LINK", "parent")
        made = self.keep(account=account, text=text, parent=parent, id=self._fullname("t1"), extra={"kind": "comment"})
        return _json({"things": [{"kind": "t1", "data": self._as_json(request, made)}]})

    async def _delete(self, request: Request) -> Response:
        account, form = self._account(request), await _form(request)
        kept = self.post(form.get("id", ""))
        if kept is not None and kept.account == account:
            self._journal.write("gone", kept.id)
            self._recall("gone", kept.id)
        return JSONResponse({})

    async def _listing(self, request: Request) -> Response:
        account, asked = self._account(request), request.query_params
        kind = {"submitted": "t3", "comments": "t1"}.get(request.path_params["what"])
        if request.path_params["name"] != _username(account) or kind is None:
            raise Refusal(404, {"message": "Not Found", "error": 404})
        mine = [post for post in reversed(self.posts) if post.account == account and post.id.startswith(kind)]
        ids = [post.id for post in mine]
        start = ids.index(asked["after"]) + 1 if asked.get("after") in ids else 0
        size = max(1, min(int(asked.get("limit", "25")), 100))
        page, after = mine[start:start + size], None
        if start + size < len(mine):
            after = page[-1].id
        return JSONResponse({"kind": "Listing", "data": {
            "after": after, "before": None, "dist": len(page),
            "children": [{"kind": kind, "data": self._as_json(request, post)} for post in page]}})

    def _as_json(self, request: Request, post: Kept) -> dict[str, Any]:
        common = {"id": post.id[3:], "name": post.id, "author": _username(post.account), "edited": False,
                  "created_utc": post.created_at.timestamp(), "permalink": self.link(request, post.id)}
        if post.id.startswith("t1"):
            return {**common, "body": post.text, "parent_id": post.parent, "link_id": post.parent}
        extra, shown = post.extra, self.link(request, post.id)
        return {**common, "title": extra["title"], "selftext": extra["selftext"], "is_self": not extra["url"],
                "subreddit": extra["sr"], "url": extra["url"] or shown, "over_18": extra["nsfw"],
                "spoiler": extra["spoiler"]}

    # --- users --------------------------------------------------------------------------------------------------------

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        return JSONResponse({"name": _username(account), "id": hashlib.sha256(account.encode()).hexdigest()[:8],
                             "is_suspended": account.endswith("suspended"),
                             "has_verified_email": not account.endswith("unverified"), "over_18": False})

    async def _say_yes(self, request: Request) -> Response:
        asked = request.query_params
        if asked.get("response_type") != "code" or asked.get("duration") != "permanent":
            raise Refusal(400, {"message": "Bad Request", "error": 400})
        back = urlencode({"state": asked["state"], "code": f"code:{asked['client_id']}"})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}#_", 302)

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        user, _, secret = base64.b64decode(basic).decode().partition(":") if scheme == "Basic" else ("", "", "")
        self._polite(request)
        if not user or secret in ("", "expired"):
            raise Refusal(401, {"message": "Unauthorized", "error": 401})
        match form.get("grant_type"):
            case "refresh_token":
                bought, renewal = form.get("refresh_token", ""), {}
            case "authorization_code":
                bought = form.get("code", "").replace("code:", "rehearsal:", 1)
                renewal = {"refresh_token": bought}
            case "password":
                if form.get("password") in (None, "", "expired"):
                    return JSONResponse({"error": "invalid_grant"})
                bought, renewal = form["password"], {}
            case _:
                return JSONResponse({"error": "unsupported_grant_type"})
        if not bought.startswith("rehearsal:"):
            raise Refusal(400, {"message": "Bad Request", "error": "invalid_grant"})
        return JSONResponse({"access_token": bought, "token_type": "bearer", "expires_in": 86_400,
                             "scope": "identity submit edit history", **renewal})

    def _account(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        self._polite(request)
        if scheme.lower() != "bearer" or token in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(token)

    @staticmethod
    def _polite(request: Request) -> None:
        """Reddit turns away calls whose User-Agent does not say who is calling."""
        if not _AGENT.fullmatch(request.headers.get("user-agent", "")):
            raise Refusal(429, {"message": "Too Many Requests", "error": 429})

    def _fullname(self, kind: str) -> str:
        number, letters = int(self.new_id()), ""
        while number:
            number, rest = divmod(number, 36)
            letters = _LETTERS[rest] + letters
        return f"{kind}_{letters}"


def _username(account: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", account.rpartition("/")[2].lstrip("@")) or "nobody"


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}


def _json(data: Mapping[str, Any]) -> Response:
    return JSONResponse({"json": {"errors": [], "data": dict(data)}})


def _errors(code: str, field: str) -> Response:
    """A refusal as Reddit writes it: status 200, and the code, the words and the field of each error."""
    name, _, most = code.partition(" ")
    more = {"ratelimit": 540.5} if name == "RATELIMIT" else {}
    return JSONResponse({"json": {"errors": [[name, _WORDS[name].format(most), field]], **more}})


TWIN = RedditTwin
