"""A Mastodon server in rehearsal: the few paths our adapter walks, and what a server of version 4.5 refuses on them.

Sources: docs.joinmastodon.org methods/statuses, methods/media, methods/apps, methods/oauth, entities/Status,
entities/Poll, entities/Instance, and of mastodon/mastodon app/services/post_status_service.rb,
app/validators/poll_options_validator.rb, app/validators/poll_expiration_validator.rb, app/models/media_attachment.rb,
config/locales/en.yml, read 2026-11-22.
"""
import hashlib
import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from publishers._mastodon_text import length
from publishers.rehearsal._mastodon_rules import (
    ALT,
    CHARACTERS,
    FILES,
    FILLED,
    KEY_LIVES,
    LIMITS,
    LOOKS_WHILE_PROCESSING,
    MARKS,
    SCOPES,
    content,
    form_of,
    poll_in,
    refuse_file,
    stamp,
)
from publishers.rehearsal._twin import Kept, Refusal, Twin


class MastodonTwin(Twin):
    """One server with any number of accounts: whoever brings a token is a member.

    `scopes` is what every application may do; None: the server is too old to tell.
    """

    network: ClassVar[str] = "mastodon"
    title: ClassVar[str] = "Mastodon"
    accent: ClassVar[str] = "#6364ff"
    creates: ClassVar[tuple[str, ...]] = ("POST /api/v1/statuses",)

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        super().__init__(now, folder)
        self._looks: Counter[str] = Counter()    # by media id: how often it says "processing" yet
        self._codes: dict[str, dict[str, str]] = {}      # what was asked for when each code was given
        self.scopes: tuple[str, ...] | None = SCOPES
        self.configuration: dict[str, dict[str, Any]] = {group: dict(numbers) for group, numbers in LIMITS.items()}

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
                Route("/api/v1/apps/verify_credentials", self._application),
                Route("/oauth/authorize", self._authorize),
                Route("/oauth/token", self._token, methods=["POST"]),
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
        media = [str(id) for id in given.get("media_ids") or ()]
        text, warning = str(given.get("status") or "").strip(), str(given.get("spoiler_text") or "").strip()
        poll = poll_in(given, account, media, self.now())
        self._refuse_media(media, account)
        if warning and not text:
            text = FILLED[self._form(media[0])] if media else "."
        if not text and not media:
            raise Refusal(422, {"error": "Validation failed: Text can't be blank"})
        if length(text, 23, warning) > CHARACTERS:
            raise Refusal(422, {"error": f"Validation failed: Text character limit of {CHARACTERS} exceeded"})
        visibility = given.get("visibility") or "public"
        for value, known, name in ((visibility, ("public", "unlisted", "private", "direct"), "visibility"),
                                   (given.get("quote_approval_policy") or "public",
                                    ("public", "followers", "nobody"), "quote_approval_policy")):
            if value not in known:
                raise Refusal(422, {"error": f"'{value}' is not a valid {name}"})
        extra = {"key": key, "language": given.get("language"), "visibility": visibility, "spoiler_text": warning,
                 "sensitive": bool(given.get("sensitive")) or bool(warning), "poll": poll,
                 "quote_approval_policy": given.get("quote_approval_policy")}
        kept = self.keep(account=account, text=text, parent=str(parent) if parent else None, media=media, extra=extra)
        return JSONResponse(self._as_json(request, kept))

    def _refuse_media(self, media: list[str], account: str) -> None:
        if len(media) > FILES:
            raise Refusal(422, {"error": f"Validation failed: Cannot attach more than {FILES} files"})
        attached = {id for post in self.posts for id in post.media} if media else set()
        for id in media:
            if not self.may_attach(id, account) or id in attached:
                raise Refusal(422, {"error": f"Media {id} not found or already attached to another post"})
        if len(media) > 1 and any(self._form(id) in ("video", "audio") for id in media):
            raise Refusal(422, {"error": "Cannot attach a video to a post that already contains images"})
        if any(self._is_processing(id) for id in media):
            raise Refusal(422, {"error": "Cannot attach files that have not finished processing. "
                                         "Try again in a moment!"})

    def _first_with(self, account: str, key: str) -> Kept | None:
        for post in reversed(self.posts):
            if self.now() - post.created_at > KEY_LIVES:
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
            if len(alt) > ALT:
                raise Refusal(422, {"error": "Validation failed: Description is too long "
                                             f"(maximum is {ALT} characters)"})
            data, mime = await file.read(), file.content_type or ""
            refuse_file(data, mime)
            id = self.keep_media(data, name=file.filename or "file", mime=mime, account=account)
        if alt:
            self.describe_media(id, alt)
        self._looks[id] = LOOKS_WHILE_PROCESSING.get(self._form(id), 0)     # turned into another form, by and by
        return JSONResponse(self._media_as_json(request, id), 202 if self._is_processing(id) else 200)

    def _form(self, id: str) -> str:
        return form_of(self.media[id].mime or "")

    async def _application(self, request: Request) -> Response:
        """The application that a token belongs to."""
        self._account(request)
        told: dict[str, Any] = {"id": "1", "name": "Rehearsal", "website": None, "redirect_uris": []}
        return JSONResponse(told if self.scopes is None else told | {"scopes": list(self.scopes)})

    async def _authorize(self, request: Request) -> Response:
        """The page that asks; in rehearsal somebody says yes at once, for the account that `client_id` names."""
        asked = dict(request.query_params)
        if asked.get("response_type") != "code" or not asked.get("client_id") or not asked.get("redirect_uri"):
            raise Refusal(400, {"error": "invalid_request", "error_description": "Missing required parameter"})
        code = f"rehearsed-code-{self.new_id()}"
        self._codes[code] = asked
        back = urlencode({"code": code} | ({"state": asked["state"]} if "state" in asked else {}))
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        given = await _fields(request)
        asked = self._codes.pop(str(given.get("code")), None)
        proof = urlsafe_b64encode(hashlib.sha256(str(given.get("code_verifier", "")).encode()).digest()).decode()
        if asked is None or given.get("redirect_uri") != asked["redirect_uri"] or (
                asked.get("code_challenge", proof.rstrip("=")) != proof.rstrip("=")):
            raise Refusal(400, {"error": "invalid_grant", "error_description":
                                "The provided authorization grant is invalid, expired, revoked, does not match the "
                                "redirection URI used in the authorization request, or was issued to another client."})
        if given.get("client_id") != asked["client_id"] or not given.get("client_secret"):
            raise Refusal(401, {"error": "invalid_client", "error_description": "Client authentication failed due to "
                                "unknown client, no client authentication included, or unsupported authentication "
                                "method."})
        return JSONResponse({"access_token": f"rehearsal:{asked['client_id']}", "token_type": "Bearer",
                             "scope": asked.get("scope", "read"), "created_at": int(self.now().timestamp())})

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
        if not text or length(text, 23, kept.extra.get("spoiler_text", "")) > CHARACTERS:
            raise Refusal(422, {"error": "Validation failed: Text can't be blank" if not text else
                                f"Validation failed: Text character limit of {CHARACTERS} exceeded"})
        value = {"id": kept.id, "text": text, "at": stamp(self.now())}
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
            {"content": content(version["text"]), "spoiler_text": kept.extra.get("spoiler_text", ""),
             "sensitive": kept.extra.get("sensitive", False), "emojis": [],
             "created_at": version["at"] or stamp(kept.created_at),
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
        return JSONResponse({"uri": request.url.netloc, "title": "Rehearsal", "version": "4.5.0",
                             "configuration": self.configuration})

    async def _instance_2(self, request: Request) -> Response:
        return JSONResponse({"domain": request.url.netloc, "title": "Rehearsal", "version": "4.5.0",
                             "api_versions": {"mastodon": 7}, "configuration": self.configuration})

    def _account(self, request: Request) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token in ("", "expired"):
            raise Refusal(401, {"error": "The access token is invalid"})
        return self.account_of(token)

    def _is_processing(self, id: str) -> bool:
        return self._looks[id] > 0

    def _as_json(self, request: Request, post: Kept) -> dict[str, Any]:
        marks = list(MARKS.finditer(post.text))
        return {
            "id": post.id, "created_at": stamp(post.created_at), "in_reply_to_id": post.parent,
            "in_reply_to_account_id": None, "sensitive": post.extra.get("sensitive", False),
            "spoiler_text": post.extra.get("spoiler_text", ""), "reblog": None,
            "visibility": post.extra["visibility"], "language": post.extra["language"],
            "uri": f"{request.url.scheme}://{request.url.netloc}/users/{post.account}/statuses/{post.id}",
            "url": self.link(request, post.id), "content": content(post.text), "edited_at": post.extra.get("edited_at"),
            "replies_count": sum(1 for other in self.posts if other.parent == post.id), "reblogs_count": 0,
            "favourites_count": 0, "account": self._account_as_json(request, post.account),
            "media_attachments": [self._media_as_json(request, id) for id in post.media],
            "mentions": [{"username": mark["user"], "acct": mark[0][1:]} for mark in marks if mark["user"]],
            "tags": [{"name": mark["tag"].lower()} for mark in marks if mark["tag"]],
            "emojis": [], "card": None, "poll": post.extra.get("poll")}

    def _media_as_json(self, request: Request, id: str) -> dict[str, Any]:
        file = self.media[id]
        url = f"{request.url.scheme}://{request.url.netloc}/_rehearsal/media/{self.network}/{file.sha256}"
        return {"id": id, "type": self._form(id), "url": None if self._is_processing(id) else url,
                "preview_url": url, "remote_url": None, "meta": {}, "description": file.alt, "blurhash": None}

    def _account_as_json(self, request: Request, account: str) -> dict[str, Any]:
        name = account.lstrip("@").partition("@")[0]
        return {"id": _account_id(account), "username": name, "acct": name, "display_name": account, "bot": False,
                "url": f"{request.url.scheme}://{request.url.netloc}/{self.network}/"}


def _account_id(account: str) -> str:
    return str(int.from_bytes(hashlib.sha256(account.encode()).digest()[:7]))


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
