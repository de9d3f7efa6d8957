"""X in rehearsal: the few paths our adapter walks, and what X refuses on them.

Written from docs.x.com and its OpenAPI description 2.168, and for the words of refusals, and for what is answered to
fields nobody knows (nothing at all), from answers quoted in public reports, read 2026-11-22. What it does not know as X
does: how long a repeated text is refused (here: a day), how long a video takes (here: until it was asked after once),
and in which words a file of the wrong kind is refused; it does not limit rates except by the fault script; quotes and
edits are refused as unknown. It counts text with the same code as the adapter: that this code counts as X does is
shown elsewhere, against twitter-text.

Words with a meaning: the access token "expired" is refused, "read-only" may not write, "no-credit" has run out.
"""
import base64
import binascii
import hashlib
import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers._links import find_links
from publishers._text import nfc, weighted_length
from publishers.rehearsal._twin import Kept, Refusal
from publishers.rehearsal._x_media import XMedia
from publishers.rehearsal._x_words import fields, forbidden, invalid, problem

_TEXT = 280
_REPEAT = timedelta(days=1)
_KEYS = {"": {"text", "media", "poll", "reply", "reply_settings", "made_with_ai", "paid_partnership"},
         "media": {"media_ids", "tagged_user_ids"}, "reply": {"in_reply_to_tweet_id", "exclude_reply_user_ids"},
         "poll": {"options", "duration_minutes", "reply_settings"}}
_REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
_FIELDS = {"post": {"attachments", "created_at", "entities", "note_post"},
           "tweet": {"attachments", "created_at", "entities", "note_tweet", "referenced_tweets"}}
_ID = re.compile(r"[0-9]{1,19}")
_CASHTAG = re.compile(r"(?:^|\s)\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")
_OAUTH = ("oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_timestamp", "oauth_token")
_NOT_YOURS = ("Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by "
              "the author of the post you are replying to.")


class XTwin(XMedia):
    """X with any number of accounts: whoever brings a token is a member."""

    network: ClassVar[str] = "x"
    title: ClassVar[str] = "X"
    accent: ClassVar[str] = "#0f1419"
    creates: ClassVar[tuple[str, ...]] = ("POST /2/tweets",)

    def routes(self) -> list[Route]:
        return [Route("/2/tweets", self._create, methods=["POST"]),
                Route("/2/tweets/{id}", self._delete, methods=["DELETE"]),
                Route("/2/tweets/{id}", self._one),
                *self.media_routes(),
                Route("/2/users/me", self._me),
                Route("/2/users/{id}/tweets", self._posts_of),
                Route("/i/status/{id}", self._page_of)]

    def rate_limited(self, until: datetime) -> Refusal:
        reset = str(int(until.timestamp()))
        return Refusal(429, problem(429, "Too Many Requests", "Too Many Requests"), {
            "x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset})

    def broken(self) -> Refusal:
        return Refusal(503, problem(503, "Service Unavailable", "Service Unavailable"))

    def unauthorized(self) -> Refusal:
        return Refusal(401, problem(401, "Unauthorized", "Unauthorized"))

    def overloaded(self, until: datetime | None) -> Refusal:
        return Refusal(503, problem(503, "Service Unavailable", "Service Unavailable"), self._retry_after(until))

    async def _create(self, request: Request) -> Response:
        account = self.whose(request, writes=True)
        body = await fields(request)
        for name, value in {"": body, **{name: body[name] for name in _KEYS if name in body}}.items():
            if not isinstance(value, dict):
                raise invalid(f"$.{name}: must be an object", name)
            for key in value.keys() - _KEYS[name]:
                raise invalid(f"$.{name and name + '.'}{key}: is not defined in the schema and the schema does not "
                              "allow additional properties", key)
        for label in ("made_with_ai", "paid_partnership"):
            if not isinstance(body.get(label, False), bool):
                raise invalid(f"$.{label}: must be a boolean", label)
        if body.get("reply_settings", _REPLY_SETTINGS[0]) not in _REPLY_SETTINGS:
            raise invalid(f"$.reply_settings: does not have a value in the enumeration {list(_REPLY_SETTINGS)}",
                          "reply_settings")
        text, media, poll = body.get("text", ""), self.attached(body, account), _poll(body)
        if not isinstance(text, str):
            raise invalid("$.text: must be a string", "text")
        text = nfc(text)
        if not text.strip() and not media:
            raise invalid("$.text: is missing but it is required", "text")
        if len(_CASHTAG.findall(text)) > 1:
            raise invalid("Your post may hold no more than one cashtag.", "text")
        if weighted_length(text) > _TEXT:
            raise forbidden("Text too long.")
        parent = self._parent(body, account)
        if text.strip() and any(post.account == account and post.text == text and self.now() - post.created_at < _REPEAT
                                for post in reversed(self.posts)):
            raise forbidden("You are not allowed to create a Tweet with duplicate content.")
        extra = {name: body[name] for name in ("made_with_ai", "paid_partnership", "reply_settings") if name in body}
        kept = self.keep(account=account, text=text, parent=parent, media=media,
                         extra=extra | ({"poll": poll} if poll else {}))
        return JSONResponse({"data": {"id": kept.id, "text": _as_shown(kept)[0], "edit_history_post_ids": [kept.id]}},
                            201)

    def _parent(self, body: Mapping[str, Any], account: str) -> str | None:
        if "reply" not in body:
            return None
        id = body["reply"].get("in_reply_to_tweet_id")
        if not isinstance(id, str) or not _ID.fullmatch(id):
            raise invalid("$.reply.in_reply_to_tweet_id: must be a string of digits", "in_reply_to_tweet_id")
        post = self.post(id)
        if post is None or post.account != account:
            raise forbidden(_NOT_YOURS)
        return id

    async def _delete(self, request: Request) -> Response:
        account, post = self.whose(request, writes=True), self.post(request.path_params["id"])
        if post is not None and post.account != account:
            raise forbidden("You are not authorized to delete this Tweet.")
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

    async def _me(self, request: Request) -> Response:
        account = self.whose(request)
        token = re.search(r'oauth_token="([^"]*)"', request.headers.get("authorization", ""))
        may = "read" if token and unquote(token[1]) == "read-only" else "read-write"
        return JSONResponse({"data": {"id": _number(account), "name": account, "username": account.lstrip("@")}},
                            headers={"x-access-level": may})

    async def _posts_of(self, request: Request) -> Response:
        self.whose(request)
        asked = request.query_params
        size, offset = asked.get("max_results", "10"), asked.get("pagination_token", "0")
        if not (size.isdecimal() and 5 <= int(size) <= 100 and offset.isdecimal()):
            raise invalid("The `max_results` query parameter value is not between 5 and 100", "max_results")
        since = _moment(asked.get("start_time", "2006-03-21T00:00:00Z"))
        own = [post for post in reversed(self.posts)
               if _number(post.account) == request.path_params["id"] and post.created_at >= since]
        start, end = int(offset), int(offset) + int(size)
        shown = [_entry(post, asked) for post in own[start:end]]
        meta = {"result_count": len(shown)} | ({"next_token": str(end)} if end < len(own) else {})
        return JSONResponse({"meta": meta} | ({"data": shown} if shown else {}))

    async def _one(self, request: Request) -> Response:
        self.whose(request)
        id = request.path_params["id"]
        if (post := self.post(id)) is None:
            return JSONResponse({"errors": [{"value": id, "detail": f"Could not find tweet with id: [{id}].",
                                             "title": "Not Found Error", "resource_type": "tweet", "parameter": "id",
                                             "type": "https://api.twitter.com/2/problems/resource-not-found"}]})
        return JSONResponse({"data": _entry(post, request.query_params)})

    async def _page_of(self, request: Request) -> Response:
        if self.post(id := request.path_params["id"]) is None:
            raise Refusal(404, "this page does not exist")
        return RedirectResponse(self.link(request, id), 302)

    def whose(self, request: Request, *, writes: bool = False) -> str:
        """Whose request it is, by its OAuth 1.0a header. The signature's form is looked at, not its truth."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        given = {name: unquote(value) for name, value in re.findall(r'(oauth_\w+)="([^"]*)"', rest)}
        token = given.get("oauth_token", "")
        whole = scheme == "OAuth" and all(given.get(name) for name in _OAUTH)
        if not (whole and given.get("oauth_signature_method") == "HMAC-SHA1" and given["oauth_timestamp"].isdecimal()
                and _is_sha1(given["oauth_signature"]) and token != "expired"):
            raise self.unauthorized()
        if writes and token == "read-only":
            raise Refusal(403, problem(403, "Forbidden", "Your client app is not configured with the appropriate "
                                        "oauth1 app permissions for this endpoint.",
                                        "https://api.twitter.com/2/problems/oauth1-permissions"))
        if writes and token == "no-credit":
            raise Refusal(402, problem(402, "CreditsDepleted", "Your account does not have any credits to fulfill "
                                        "this request.", "https://api.twitter.com/2/problems/credits"))
        return self.account_of(token)


def _is_sha1(signature: str) -> bool:
    try:
        return len(base64.b64decode(signature, validate=True)) == hashlib.sha1(usedforsecurity=False).digest_size
    except binascii.Error:
        return False


def _moment(text: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        raise invalid("The `start_time` query parameter value is not a valid RFC3339 timestamp", "start_time")
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


def _entry(post: Kept, asked: Mapping[str, str]) -> dict[str, Any]:
    """A post in a read answer: id, text and history always, the rest when asked for, in the words of the question.

    Fields and expansions that it does not know are not refused, and not answered.
    """
    dialect = "post" if "post.fields" in asked else "tweet"
    fields = set(asked.get(f"{dialect}.fields", "").split(",")) & _FIELDS[dialect]
    text, urls = _as_shown(post)
    made = post.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    poll = {"poll_ids": [f"{int(post.id) + 1}"]} if post.extra.get("poll") else {}
    files = {"media_keys": [f"3_{id}" for id in post.media]} if post.media else {}
    rest: dict[str, Any] = {"created_at": made, "entities": {"urls": urls} if urls else None,
                            "attachments": {**files, **poll} or None}
    shown = {name: value for name, value in rest.items() if name in fields and value is not None}
    wants_parent = "referenced_tweets" in fields or "referenced_posts" in asked.get("expansions", "").split(",")
    if post.parent and wants_parent:
        shown[f"referenced_{dialect}s"] = [{"type": "replied_to", "id": post.parent}]
    return {"id": post.id, "text": text, f"edit_history_{dialect}_ids": [post.id], **shown}


def _poll(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The poll of a create call, as it is kept; refused as the description has it."""
    if "poll" not in body:
        return None
    options, minutes = body["poll"].get("options"), body["poll"].get("duration_minutes")
    if "media" in body:
        raise invalid("$.poll: a Post has a poll or media, not both", "poll")
    if not isinstance(options, list) or not 2 <= len(options) <= 4:
        raise invalid("$.poll.options: must have 2 to 4 items", "options")
    if not all(isinstance(answer, str) and 1 <= len(answer) <= 25 for answer in options):
        raise invalid("$.poll.options: must be 1 to 25 characters long", "options")
    if not isinstance(minutes, int) or not 5 <= minutes <= 10_080:
        raise invalid("$.poll.duration_minutes: must be between 5 and 10080", "duration_minutes")
    return {"options": options, "duration_minutes": minutes}


TWIN = XTwin
