"""Discord in rehearsal: each bot has a channel that people read, and one beside it where it keeps its pictures.

Sources: docs.discord.com/developers/resources/message, /resources/channel, /resources/poll, /components/reference,
/reference#uploading-files, /topics/rate-limits, /topics/opcodes-and-status-codes, read 2026-11-22.
"""
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._twin import Kept, Refusal, Twin

_CONTENT, _COMPONENTS, _NONCE, _ALT, _GALLERY, _FILE_BYTES = 2_000, 4_000, 25, 1_024, 10, 10_485_760
_QUESTION, _ANSWER, _ANSWERS, _LONGEST_H = 300, 55, 10, 768
_NONCE_LIVES = timedelta(minutes=3)      # "the past few minutes"
_IS_COMPONENTS_V2 = 1 << 15
_STORE = "rehearsal:"                    # how the id of the channel for pictures begins


class DiscordTwin(Twin):
    """One server: the channel of `rehearsal:@us` is `@us`, and the one for its pictures `rehearsal:@us`."""

    network: ClassVar[str] = "discord"
    title: ClassVar[str] = "Discord"
    accent: ClassVar[str] = "#5865f2"
    creates: ClassVar[tuple[str, ...]] = (rf"POST /api/v10/channels/(?!{_STORE})[^/]+/messages",)
    media_lives: ClassVar[timedelta] = timedelta(days=36_500)    # a file lives as long as its message

    def routes(self) -> list[Route]:
        return [Route("/api/v10/channels/{channel}/messages", self._create, methods=["POST"]),
                Route("/api/v10/channels/{channel}/messages", self._list),
                Route("/api/v10/channels/{channel}/messages/{id}", self._delete, methods=["DELETE"]),
                Route("/api/v10/channels/{channel}", self._channel_shown),
                Route("/api/v10/users/@me", self._me)]

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """A create call's nonce."""
        try:
            nonce = json.loads(body).get("nonce")
        except (ValueError, AttributeError):
            return super().key_of(path, headers, body)
        return str(nonce or "")

    def rate_limited(self, until: datetime) -> Refusal:
        seconds = max(1.0, (until - self.now()).total_seconds())
        return Refusal(429, {"message": "You are being rate limited.", "retry_after": seconds, "global": False},
                       {**self._retry_after(until), "X-RateLimit-Scope": "user"})

    def broken(self) -> Refusal:
        return Refusal(500, {"message": "500: Internal Server Error", "code": 0})

    def unauthorized(self) -> Refusal:
        return Refusal(401, {"message": "401: Unauthorized", "code": 0})

    def overloaded(self, until: datetime | None) -> Refusal:
        return Refusal(503, "upstream connect error or disconnect/reset before headers", self._retry_after(until))

    def _recall(self, kind: str, value: Any) -> None:
        if kind == "deleted":
            self.posts.remove(self._by_id.pop(value))
        else:
            super()._recall(kind, value)

    async def _create(self, request: Request) -> Response:
        account, channel = self._admitted(request)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            return await self._stored(request, account, channel)
        try:
            given = json.loads(await request.body())
        except ValueError:
            raise Refusal(400, {"message": "The request body contains invalid JSON.", "code": 50109}) from None
        nonce = str(given.get("nonce") or "")
        if len(nonce) > _NONCE:
            raise _invalid("nonce", f"Must be {_NONCE} or fewer in length.")
        if given.get("enforce_nonce") and nonce and (first := self._first_with(account, nonce)):
            return JSONResponse(self._as_json(first))
        parent = self._parent(given, account)
        text, media = self._words_and_media(given)
        files = []
        for id, alt in media:
            there = self.media[id]
            copy = self.keep_media(self.bytes_of(there.sha256), name=there.name, mime=there.mime, account=account)
            self.describe_media(copy, alt)
            files.append(copy)
        poll = given.get("poll")
        kept = self.keep(account=account, text=text, parent=parent, media=files, extra={
            "nonce": nonce, "flags": given.get("flags", 0), "pings": given.get("allowed_mentions"),
            **({"poll": poll} if poll else {})})
        return JSONResponse(self._as_json(kept))

    async def _stored(self, request: Request, account: str, channel: str) -> Response:
        """A message with a file. It is a post only where people read: never so in the channel for pictures."""
        if not channel.startswith(_STORE):
            raise Refusal(400, {"message": "The rehearsal takes files in the channel for pictures only", "code": 0})
        async with request.form() as form:
            file = form.get("files[0]")
            if not isinstance(file, UploadFile):
                raise Refusal(400, {"message": "Cannot send an empty message", "code": 50006})
            data = await file.read()
            if len(data) > _FILE_BYTES:
                raise Refusal(413, {"message": "Request entity too large", "code": 40005})
            id = self.keep_media(data, name=file.filename or "file", mime=file.content_type, account=account)
        url = f"{request.url.scheme}://{request.url.netloc}/{self.network}/attachments/{_number(channel)}/{id}/file"
        return JSONResponse({"id": self.new_id(), "channel_id": channel, "content": "", "attachments": [
            {"id": id, "filename": self.media[id].name, "size": len(data), "url": f"{url}?ex=1&is=2&hm=3"}]})

    def _words_and_media(self, given: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
        """The text and the pictures with their alt texts, as they will be shown."""
        content, components = str(given.get("content") or ""), given.get("components") or []
        if int(given.get("flags") or 0) & _IS_COMPONENTS_V2:
            if content or given.get("poll") or given.get("embeds"):
                raise _invalid("content", "The 'content' field cannot be used when using "
                                          "MessageFlags.IS_COMPONENTS_V2")
            texts = [str(one.get("content") or "") for one in components if one.get("type") == 10]
            if not components:
                raise Refusal(400, {"message": "Cannot send an empty message", "code": 50006})
            if sum(map(len, texts)) > _COMPONENTS:
                raise _invalid("components", f"Must be {_COMPONENTS} or fewer in length.")
            media = [self._item(item) for one in components if one.get("type") == 12 for item in _gallery(one)]
            return "\n".join(texts).strip(), media
        if poll := given.get("poll"):
            return _question(poll), []
        if not content.strip():
            raise Refusal(400, {"message": "Cannot send an empty message", "code": 50006})
        if len(content) > _CONTENT:
            raise _invalid("content", f"Must be {_CONTENT} or fewer in length.")
        return content.strip(), []

    def _item(self, item: Mapping[str, Any]) -> tuple[str, str]:
        url, alt = str((item.get("media") or {}).get("url") or ""), str(item.get("description") or "")
        if len(alt) > _ALT:
            raise _invalid("components.items.description", f"Must be {_ALT} or fewer in length.")
        id = url.split("/")[-2] if url.count("/") > 3 else ""
        if not url.startswith(("http://", "https://")) or id not in self.media:
            raise _invalid("components.items.media", "Could not resolve media")
        return id, alt

    async def _list(self, request: Request) -> Response:
        account, _ = self._admitted(request)
        limit = int(request.query_params.get("limit", "50"))
        if not 1 <= limit <= 100:
            raise _invalid("limit", "int value should be less than or equal to 100.")
        below = int(request.query_params.get("before", str(2 ** 63)))
        own = [post for post in reversed(self.posts) if post.account == account and int(post.id) < below]
        return JSONResponse([self._as_json(post) for post in own[:limit]])

    async def _delete(self, request: Request) -> Response:
        account, _ = self._admitted(request)
        kept = self.post(request.path_params["id"])
        if kept is None or kept.account != account:
            raise Refusal(404, {"message": "Unknown Message", "code": 10008})
        self._journal.write("deleted", kept.id)
        self._recall("deleted", kept.id)
        return Response(status_code=204)

    async def _channel_shown(self, request: Request) -> Response:
        account, channel = self._admitted(request)
        return JSONResponse({"id": _number(channel), "type": 0, "name": account.lstrip("@"), "guild_id": _number("")})

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        return JSONResponse({"id": _number(f"bot of {account}"), "username": account, "bot": True})

    def _admitted(self, request: Request) -> tuple[str, str]:
        """The bot's account and the channel of the path. Channels of others are not there for it."""
        account, channel = self._account(request), str(request.path_params["channel"])
        if channel.removeprefix(_STORE) != account:
            raise Refusal(404, {"message": "Unknown Channel", "code": 10003})
        return account, channel

    def _account(self, request: Request) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bot" or token in ("", "expired"):
            raise self.unauthorized()
        return self.account_of(token)

    def _parent(self, given: Mapping[str, Any], account: str) -> str | None:
        if not (reference := given.get("message_reference")):
            return None
        post = self.post(str(reference.get("message_id")))
        if post is None or post.account != account:
            raise _invalid("message_reference", "Unknown message")
        return post.id

    def _first_with(self, account: str, nonce: str) -> Kept | None:
        for post in reversed(self.posts):
            if self.now() - post.created_at > _NONCE_LIVES:
                return None
            if post.account == account and post.extra.get("nonce") == nonce:
                return post
        return None

    def _as_json(self, post: Kept) -> dict[str, Any]:
        components = bool(post.extra["flags"] & _IS_COMPONENTS_V2)
        poll = post.extra.get("poll")
        shown = [*([{"type": 10, "content": post.text}] if post.text else []),
                 {"type": 12, "items": [{"media": {"url": f"https://cdn.discordapp.com/attachments/1/{id}/file?ex=1"},
                                         "description": self.media[id].alt} for id in post.media]}]
        return {"id": post.id, "channel_id": _number(post.account), "type": 19 if post.parent else 0,
                "author": {"id": _number(f"bot of {post.account}"), "username": post.account, "bot": True},
                "content": "" if components or poll else post.text, "components": shown if components else [],
                "timestamp": post.created_at.astimezone(UTC).isoformat(), "edited_timestamp": None,
                "attachments": [], "embeds": [], "mentions": [], "flags": post.extra["flags"],
                **({"poll": poll} if poll else {}),
                **({"message_reference": {"type": 0, "message_id": post.parent}} if post.parent else {})}


def _gallery(component: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = component.get("items") or []
    if not 1 <= len(items) <= _GALLERY:
        raise _invalid("components.items", f"Must be between 1 and {_GALLERY} in length.")
    return list(items)


def _question(poll: Mapping[str, Any]) -> str:
    question = str((poll.get("question") or {}).get("text") or "").strip()
    answers = [str((answer.get("poll_media") or {}).get("text") or "") for answer in poll.get("answers") or ()]
    if not 1 <= len(question) <= _QUESTION:
        raise _invalid("poll.question.text", f"Must be between 1 and {_QUESTION} in length.")
    if not 1 <= len(answers) <= _ANSWERS:
        raise _invalid("poll.answers", f"Must be between 1 and {_ANSWERS} in length.")
    if any(not 1 <= len(answer) <= _ANSWER for answer in answers):
        raise _invalid("poll.answers.poll_media.text", f"Must be between 1 and {_ANSWER} in length.")
    if not 1 <= int(poll.get("duration", 24)) <= _LONGEST_H:
        raise _invalid("poll.duration", f"int value should be less than or equal to {_LONGEST_H}.")
    return question


def _invalid(field: str, message: str) -> Refusal:
    errors: dict[str, Any] = {"_errors": [{"code": "BASE_TYPE_BAD", "message": message}]}
    for step in reversed(field.split(".")):
        errors = {step: errors}
    return Refusal(400, {"message": "Invalid Form Body", "code": 50035, "errors": errors})


def _number(name: str) -> str:
    return str(10 ** 17 + int(hashlib.sha256(name.encode()).hexdigest()[:13], 16))


TWIN = DiscordTwin
