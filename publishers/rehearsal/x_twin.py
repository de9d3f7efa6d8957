"""X in rehearsal: the few paths our adapter walks, and what X refuses on them.

Written from docs.x.com and its OpenAPI description 2.167, and for the words of refusals from answers quoted in public
reports, read 2026-11-22. What it does not know as X does: how long a repeated text is refused (here: a day), and in
which words a moving GIF is refused in a simple upload; it does not limit rates except by the fault script; polls,
quotes, edits and videos are refused as unknown. It counts text with the same code as the adapter: that this code counts
as X does is shown elsewhere, against twitter-text.

Words with a meaning: the access token "expired" is refused, "read-only" may not write, "no-credit" has run out.
"""
import base64
import binascii
import hashlib
import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import unquote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers._links import find_links
from publishers._text import nfc, weighted_length
from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Kept, Refusal, Twin

_TEXT, _IMAGES, _ALT, _IMAGE_BYTES = 280, 4, 1000, 5 * 1024 * 1024
_REPEAT = timedelta(days=1)
_KEYS = {"": {"text", "media", "reply", "reply_settings", "made_with_ai", "paid_partnership"},
         "media": {"media_ids", "tagged_user_ids"}, "reply": {"in_reply_to_tweet_id", "exclude_reply_user_ids"}}
_ID = re.compile(r"[0-9]{1,19}")
_CASHTAG = re.compile(r"(?:^|\s)\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")
_OAUTH = ("oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_timestamp", "oauth_token")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"RIFF")
_NOT_YOURS = ("Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by "
              "the author of the post you are replying to.")


class XTwin(Twin):
    """X with any number of accounts: whoever brings a token is a member."""

    network: ClassVar[str] = "x"
    title: ClassVar[str] = "X"
    accent: ClassVar[str] = "#0f1419"
    creates: ClassVar[tuple[str, ...]] = ("POST /2/tweets",)

    def routes(self) -> list[Route]:
        return [Route("/2/tweets", self._create, methods=["POST"]),
                Route("/2/tweets/{id}", self._delete, methods=["DELETE"]),
                Route("/2/tweets/{id}", self._one),
                Route("/2/media/upload", self._upload, methods=["POST"]),
                Route("/2/media/metadata", self._describe, methods=["POST"]),
                Route("/2/users/me", self._me),
                Route("/2/users/{id}/tweets", self._posts_of),
                Route("/i/status/{id}", self._page_of)]

    def rate_limited(self, until: datetime) -> Refusal:
        reset = str(int(until.timestamp()))
        return Refusal(429, _problem(429, "Too Many Requests", "Too Many Requests"), {
            "x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset})

    def broken(self) -> Refusal:
        return Refusal(503, _problem(503, "Service Unavailable", "Service Unavailable"))

    def unauthorized(self) -> Refusal:
        return Refusal(401, _problem(401, "Unauthorized", "Unauthorized"))

    def overloaded(self, until: datetime | None) -> Refusal:
        return Refusal(503, _problem(503, "Service Unavailable", "Service Unavailable"), self._retry_after(until))

    async def _create(self, request: Request) -> Response:
        account = self._account(request, writes=True)
        body = await _fields(request)
        for name, value in (("", body), *((name, body[name]) for name in ("media", "reply") if name in body)):
            if not isinstance(value, dict):
                raise _invalid(f"$.{name}: must be an object", name)
            for key in value.keys() - _KEYS[name]:
                raise _invalid(f"$.{name and name + '.'}{key}: is not defined in the schema and the schema does not "
                               "allow additional properties", key)
        text, media = body.get("text", ""), self._media_ids(body, account)
        if not isinstance(text, str):
            raise _invalid("$.text: must be a string", "text")
        text = nfc(text)
        if not text.strip() and not media:
            raise _invalid("$.text: is missing but it is required", "text")
        if len(_CASHTAG.findall(text)) > 1:
            raise _invalid("Your post may hold no more than one cashtag.", "text")
        if weighted_length(text) > _TEXT:
            raise _forbidden("Text too long.")
        parent = self._parent(body, account)
        if text.strip() and any(post.account == account and post.text == text and self.now() - post.created_at < _REPEAT
                                for post in reversed(self.posts)):
            raise _forbidden("You are not allowed to create a Tweet with duplicate content.")
        kept = self.keep(account=account, text=text, parent=parent, media=media)
        return JSONResponse({"data": {"id": kept.id, "text": _as_shown(kept)[0], "edit_history_post_ids": [kept.id]}},
                            201)

    def _media_ids(self, body: Mapping[str, Any], account: str) -> list[str]:
        ids: Any = body.get("media", {}).get("media_ids", [])
        if "media" in body and (not isinstance(ids, list) or not 1 <= len(ids) <= _IMAGES):
            raise _invalid(f"$.media.media_ids: must have 1 to {_IMAGES} items", "media_ids")
        if not all(isinstance(id, str) and _ID.fullmatch(id) and self.may_attach(id, account) for id in ids):
            raise _invalid("Your media IDs are invalid.", "media_ids")
        return list(ids)

    def _parent(self, body: Mapping[str, Any], account: str) -> str | None:
        if "reply" not in body:
            return None
        id = body["reply"].get("in_reply_to_tweet_id")
        if not isinstance(id, str) or not _ID.fullmatch(id):
            raise _invalid("$.reply.in_reply_to_tweet_id: must be a string of digits", "in_reply_to_tweet_id")
        post = self.post(id)
        if post is None or post.account != account:
            raise _forbidden(_NOT_YOURS)
        return id

    async def _delete(self, request: Request) -> Response:
        account, post = self._account(request, writes=True), self.post(request.path_params["id"])
        if post is not None and post.account != account:
            raise _forbidden("You are not authorized to delete this Tweet.")
        if post is not None:
            self._lose(post.id)
            self._journal.write("deleted", post.id)
        return JSONResponse({"data": {"deleted": post is not None}})

    def _lose(self, id: str) -> None:
        self.posts.remove(self._by_id.pop(id))

    def _recall(self, kind: str, value: Any) -> None:
        if kind == "deleted":
            self._lose(value)
        else:
            super()._recall(kind, value)

    async def _upload(self, request: Request) -> Response:
        """One shot, for images: JSON with base64, or a form."""
        account = self._account(request, writes=True)
        name, mime = "image", None
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form() as form:
                given, category = form.get("media"), form.get("media_category")
                data = await given.read() if isinstance(given, UploadFile) else b""
                if isinstance(given, UploadFile):
                    name, mime = given.filename or name, given.content_type
        else:
            body = await _fields(request)
            category = body.get("media_category")
            try:
                data = base64.b64decode(body.get("media", ""), validate=True)
            except (binascii.Error, TypeError, ValueError):
                raise _invalid("$.media: is not base64", "media") from None
        if category != "tweet_image":
            raise _invalid(f"$.media_category: {category} is not a category for images of a post", "media_category")
        if len(data) > _IMAGE_BYTES:
            raise Refusal(413, _problem(413, "Request Entity Too Large", "The image is larger than 5 MB."))
        if not data.startswith(_PICTURES):
            raise _invalid("$.media: is no JPG, PNG, GIF or WEBP", "media")
        if data.startswith(b"GIF8") and (seen := opened(data)) is not None and seen.moves:
            raise _invalid("$.media: an animated GIF is no image; its category is tweet_gif", "media")
        id = self.keep_media(data, name=name, mime=mime, account=account)
        return JSONResponse({"data": {"id": id, "media_key": f"3_{id}", "size": len(data),
                                      "expires_after_secs": int(self.media_lives.total_seconds())}})

    async def _describe(self, request: Request) -> Response:
        self._account(request, writes=True)
        body = await _fields(request)
        try:
            id, alt = body["id"], body["metadata"]["alt_text"]["text"]
        except (KeyError, TypeError):
            raise _invalid("$.metadata.alt_text.text: is missing but it is required", "metadata") from None
        if not isinstance(alt, str) or len(alt) > _ALT:
            raise _invalid(f"$.metadata.alt_text.text: must be at most {_ALT} characters long", "text")
        if not isinstance(id, str) or id not in self.media:
            raise _invalid("Your media IDs are invalid.", "id")
        self.describe_media(id, alt)
        return JSONResponse({"data": {"id": id, "associated_metadata": {"alt_text": {"text": alt}}}})

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        return JSONResponse({"data": {"id": _number(account), "name": account, "username": account.lstrip("@")}})

    async def _posts_of(self, request: Request) -> Response:
        self._account(request)
        asked = request.query_params
        size, offset = asked.get("max_results", "10"), asked.get("pagination_token", "0")
        if not (size.isdecimal() and 5 <= int(size) <= 100 and offset.isdecimal()):
            raise _invalid("The `max_results` query parameter value is not between 5 and 100", "max_results")
        since = _moment(asked.get("start_time", "2006-03-21T00:00:00Z"))
        own = [post for post in reversed(self.posts)
               if _number(post.account) == request.path_params["id"] and post.created_at >= since]
        start, end = int(offset), int(offset) + int(size)
        shown = [_entry(post, asked.get("tweet.fields", "").split(",")) for post in own[start:end]]
        meta = {"result_count": len(shown)} | ({"next_token": str(end)} if end < len(own) else {})
        return JSONResponse({"meta": meta} | ({"data": shown} if shown else {}))

    async def _one(self, request: Request) -> Response:
        self._account(request)
        id = request.path_params["id"]
        if (post := self.post(id)) is None:
            return JSONResponse({"errors": [{"value": id, "detail": f"Could not find tweet with id: [{id}].",
                                             "title": "Not Found Error", "resource_type": "tweet", "parameter": "id",
                                             "type": "https://api.twitter.com/2/problems/resource-not-found"}]})
        return JSONResponse({"data": _entry(post, request.query_params.get("tweet.fields", "").split(","))})

    async def _page_of(self, request: Request) -> Response:
        if self.post(id := request.path_params["id"]) is None:
            raise Refusal(404, "this page does not exist")
        return RedirectResponse(self.link(request, id), 302)

    def _account(self, request: Request, *, writes: bool = False) -> str:
        """Whose request it is, by its OAuth 1.0a header. The signature's form is looked at, not its truth."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        given = {name: unquote(value) for name, value in re.findall(r'(oauth_\w+)="([^"]*)"', rest)}
        token = given.get("oauth_token", "")
        whole = scheme == "OAuth" and all(given.get(name) for name in _OAUTH)
        if not (whole and given.get("oauth_signature_method") == "HMAC-SHA1" and given["oauth_timestamp"].isdecimal()
                and _is_sha1(given["oauth_signature"]) and token != "expired"):
            raise self.unauthorized()
        if writes and token == "read-only":
            raise Refusal(403, _problem(403, "Forbidden", "Your client app is not configured with the appropriate "
                                        "oauth1 app permissions for this endpoint.",
                                        "https://api.twitter.com/2/problems/oauth1-permissions"))
        if writes and token == "no-credit":
            raise Refusal(402, _problem(402, "CreditsDepleted", "Your account does not have any credits to fulfill "
                                        "this request.", "https://api.twitter.com/2/problems/credits"))
        return self.account_of(token)


def _problem(status: int, title: str, detail: str, kind: str = "about:blank") -> dict[str, Any]:
    return {"detail": detail, "type": kind, "title": title, "status": status}


def _forbidden(detail: str) -> Refusal:
    return Refusal(403, _problem(403, "Forbidden", detail))


def _invalid(message: str, parameter: str) -> Refusal:
    return Refusal(400, {"errors": [{"parameters": {parameter: []}, "message": message}], "title": "Invalid Request",
                         "detail": "One or more parameters to your request was invalid.",
                         "type": "https://api.twitter.com/2/problems/invalid-request"})


async def _fields(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise _invalid("Requests with bodies must have content-type of application/json.", "") from None
    if not isinstance(body, dict):
        raise _invalid("$: must be an object", "")
    return body


def _is_sha1(signature: str) -> bool:
    try:
        return len(base64.b64decode(signature, validate=True)) == hashlib.sha1(usedforsecurity=False).digest_size
    except binascii.Error:
        return False


def _moment(text: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        raise _invalid("The `start_time` query parameter value is not a valid RFC3339 timestamp", "start_time")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def _number(account: str) -> str:
    """The account's native id."""
    return str(int(hashlib.sha256(account.encode()).hexdigest()[:15], 16))


def _as_shown(post: Kept) -> tuple[str, list[dict[str, Any]]]:
    """A post's text as X gives it back: links wrapped, three characters escaped, images as a link behind it."""
    pieces, urls, done = [], [], 0
    for place, link in enumerate(find_links(post.text)):
        short = f"https://t.co/{hashlib.sha256(f'{post.id}/{place}'.encode()).hexdigest()[:10]}"
        pieces += [html.escape(post.text[done:link.start], quote=False), short]
        urls.append({"url": short, "expanded_url": link.text if link.has_scheme else f"http://{link.text}"})
        done = link.end
    text = "".join([*pieces, html.escape(post.text[done:], quote=False)])
    if post.media:
        short = f"https://t.co/{hashlib.sha256(post.id.encode()).hexdigest()[:10]}"
        text = f"{text} {short}".lstrip()
        urls += [{"url": short, "expanded_url": f"https://x.com/i/status/{post.id}/photo/1", "media_key": f"3_{id}"}
                 for id in post.media]
    return text, urls


def _entry(post: Kept, fields: list[str]) -> dict[str, Any]:
    """A post in a read answer: id, text and history always, the rest when asked for."""
    text, urls = _as_shown(post)
    made = post.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    rest: dict[str, Any] = {"created_at": made}
    if urls:
        rest["entities"] = {"urls": urls}
    if post.parent:
        rest["referenced_tweets"] = [{"type": "replied_to", "id": post.parent}]
    if post.media:
        rest["attachments"] = {"media_keys": [f"3_{id}" for id in post.media]}
    return {"id": post.id, "text": text, "edit_history_tweet_ids": [post.id]} | {
        name: value for name, value in rest.items() if name in fields}


TWIN = XTwin
