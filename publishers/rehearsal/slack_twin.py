"""Slack in rehearsal: one workspace, and for each app the channel that it was invited to.

Sources: docs.slack.dev/reference/methods (chat.postMessage, chat.delete, conversations.history, conversations.replies,
files.getUploadURLExternal, files.completeUploadExternal, files.info, auth.test), /reference/block-kit/blocks,
/apis/web-api/rate-limits, read 2026-11-22.
"""
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from publishers.rehearsal._twin import Kept, Refusal, Twin

_TEXT, _BLOCKS, _IN_BLOCKS, _ALT = 40_000, 50, 13_200, 2_000
_SCOPES = ("chat:write", "channels:history", "groups:history", "files:write", "files:read")
_LOOKS_WHILE_PROCESSING = 2              # how often a GIF has no kind yet when asked after
_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


class SlackTwin(Twin):
    """The bot of `rehearsal:@us` is in the channel `@us` and in no other.

    `scopes` is what every bot may do; None: they are not told.
    """

    network: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack"
    accent: ClassVar[str] = "#611f69"
    creates: ClassVar[tuple[str, ...]] = ("POST /api/chat.postMessage",)
    media_lives: ClassVar[timedelta] = timedelta(days=36_500)    # a file stays until somebody deletes it

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        super().__init__(now, folder)
        self.scopes: tuple[str, ...] | None = _SCOPES
        self._places: dict[str, tuple[str, str]] = {}            # file id -> account and name: named, not uploaded
        self._uploaded: dict[str, bytes] = {}
        self._looks: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        return [Route("/api/chat.postMessage", self._post_message, methods=["POST"]),
                Route("/api/chat.delete", self._delete, methods=["POST"]),
                Route("/api/conversations.history", self._history, methods=["GET", "POST"]),
                Route("/api/conversations.replies", self._history, methods=["GET", "POST"]),
                Route("/api/files.getUploadURLExternal", self._place, methods=["GET", "POST"]),
                Route("/upload/v1/{id}", self._upload, methods=["POST"]),
                Route("/api/files.completeUploadExternal", self._complete, methods=["POST"]),
                Route("/api/files.info", self._file, methods=["GET", "POST"]),
                Route("/api/auth.test", self._me, methods=["GET", "POST"])]

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """The key in a message's metadata, else its text."""
        try:
            return str(json.loads(body)["metadata"]["event_payload"]["key"])
        except (ValueError, KeyError, TypeError):
            return super().key_of(path, headers, body)

    def rate_limited(self, until: datetime) -> Refusal:
        return Refusal(429, {"ok": False, "error": "ratelimited"}, self._retry_after(until))

    def broken(self) -> Refusal:
        return Refusal(500, {"ok": False, "error": "internal_error"})

    def unauthorized(self) -> Refusal:
        return _refusal("token_revoked")

    def overloaded(self, until: datetime | None) -> Refusal:
        return Refusal(503, {"ok": False, "error": "service_unavailable"}, self._retry_after(until))

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "deleted":
                self.posts.remove(self._by_id.pop(value))
            case "named":                # the id of a file was given before its bytes came
                self.media[value["id"]] = self.media[value["kept"]]
                self._ids += 1
            case _:
                super()._recall(kind, value)

    async def _post_message(self, request: Request) -> Response:
        account = self._account(request)
        given = await _fields(request)
        self._admit(account, given)
        text, blocks = str(given.get("text") or ""), given.get("blocks") or []
        if not text.strip() and not blocks:
            raise _refusal("no_text")
        if len(text) > _TEXT:
            raise _refusal("msg_too_long")
        media = self._shown(blocks, account)
        parent = given.get("thread_ts")
        if parent and (post := self.post(str(parent))) is not None and post.account != account:
            raise _refusal("thread_not_found")
        ids = []
        for id, alt in media:
            there = self.media[id]
            copy = self.keep_media(self.bytes_of(there.sha256), name=there.name, mime=there.mime, account=account)
            self.describe_media(copy, alt)
            ids.append(copy)
        metadata = given.get("metadata") or {}
        kept = self.keep(account=account, text=unescape(text), parent=str(parent) if parent else None, media=ids,
                         id=self._next_ts(), extra={"metadata": metadata, "blocks": blocks})
        return JSONResponse({"ok": True, "channel": account, "ts": kept.id, "message": _as_json(kept)})

    def _shown(self, blocks: Sequence[Mapping[str, Any]], account: str) -> list[tuple[str, str]]:
        """Each picture's file and its alt text. Raises what Slack says of blocks that it does not take."""
        if len(blocks) > _BLOCKS:
            raise _refusal("invalid_blocks", f"no more than {_BLOCKS} items allowed [json-pointer:/blocks]")
        if sum(map(_letters, blocks)) > _IN_BLOCKS:
            raise _refusal("msg_blocks_too_long")
        found = []
        for number, block in enumerate(blocks):
            pointer = f"[json-pointer:/blocks/{number}"
            match block.get("type"):
                case "rich_text":
                    if not block.get("elements"):
                        raise _refusal("invalid_blocks", f"no fewer than 1 items allowed {pointer}/elements]")
                case "image":
                    alt, file = str(block.get("alt_text") or ""), str((block.get("slack_file") or {}).get("id") or "")
                    id = file.removeprefix("F")
                    if not alt:
                        raise _refusal("invalid_blocks", f"missing required field: alt_text {pointer}]")
                    if len(alt) > _ALT:
                        raise _refusal("invalid_blocks", f"must be less than 2001 characters {pointer}/alt_text]")
                    if not self.may_attach(id, account) or not self.media[id].mime or self._looks[id] > 0:
                        raise _refusal("invalid_blocks", f"invalid slack file {pointer}/slack_file]")
                    if self.media[id].mime not in _MAGIC.values():
                        raise _refusal("invalid_blocks", f"unsupported image type {pointer}/slack_file]")
                    found.append((id, alt))
                case other:
                    raise _refusal("invalid_blocks", f"unsupported type: {other} {pointer}/type]")
        return found

    async def _delete(self, request: Request) -> Response:
        account = self._account(request)
        given = await _fields(request)
        self._admit(account, given)
        kept = self.post(str(given.get("ts")))
        if kept is None:
            raise _refusal("message_not_found")
        if kept.account != account:
            raise _refusal("cant_delete_message")
        self._journal.write("deleted", kept.id)
        self._recall("deleted", kept.id)
        return JSONResponse({"ok": True, "channel": account, "ts": kept.id})

    async def _history(self, request: Request) -> Response:
        """The channel's own messages, newest first; or a thread with its first message, oldest first."""
        account = self._account(request)
        given = await _fields(request)
        self._admit(account, given)
        thread, oldest = given.get("ts"), float(given.get("oldest") or 0)
        found = [post for post in self.posts if post.account == account and float(post.id) > oldest
                 and (thread in (post.id, post.parent) if thread else post.parent is None)]
        found = found if thread else found[::-1]
        start, limit = int(given.get("cursor") or 0), min(int(given.get("limit") or 100), 999)
        more = start + limit < len(found)
        shown = [_as_json(post) for post in found[start:start + limit]]
        if str(given.get("include_all_metadata")).lower() != "true":
            shown = [{name: value for name, value in one.items() if name != "metadata"} for one in shown]
        return JSONResponse({"ok": True, "messages": shown, "has_more": more,
                             "response_metadata": {"next_cursor": str(start + limit) if more else ""}})

    async def _place(self, request: Request) -> Response:
        account = self._account(request)
        given = await _fields(request)
        if not given.get("filename") or not str(given.get("length") or "").isdecimal():
            raise _refusal("invalid_arguments")
        id = f"F{self.new_id()}"
        self._places[id] = (account, str(given["filename"]))
        there = f"{request.url.scheme}://{request.url.netloc}/{self.network}/upload/v1/{id}"
        return JSONResponse({"ok": True, "upload_url": there, "file_id": id})

    async def _upload(self, request: Request) -> Response:
        id, body = request.path_params["id"], await request.body()
        if id not in self._places:
            return PlainTextResponse("not found", 404)
        self._uploaded[id] = body
        return PlainTextResponse(f"OK - {len(body)}")

    async def _complete(self, request: Request) -> Response:
        account = self._account(request)
        files = (await _fields(request)).get("files") or []
        made = []
        for file in files:
            id = str(file.get("id"))
            if id not in self._uploaded or self._places[id][0] != account:
                raise _refusal("file_not_found")
            data = self._uploaded.pop(id)
            mime = next((kind for start, kind in _MAGIC.items() if data.startswith(start)), "application/octet-stream")
            kept = self.keep_media(data, name=self._places.pop(id)[1], mime=mime, account=account)
            self.media[id.removeprefix("F")] = self.media[kept]
            self._journal.write("named", {"id": id.removeprefix("F"), "kept": kept})
            if mime == "image/gif":
                self._looks[id.removeprefix("F")] = _LOOKS_WHILE_PROCESSING
            made.append({"id": id, "title": str(file.get("title") or "")})
        return JSONResponse({"ok": True, "files": made})

    async def _file(self, request: Request) -> Response:
        account = self._account(request)
        id = str((await _fields(request)).get("file")).removeprefix("F")
        if not self.may_attach(id, account):
            raise _refusal("file_not_found")
        mime = "" if self._looks[id] > 0 else self.media[id].mime
        self._looks[id] -= 1
        return JSONResponse({"ok": True, "file": {"id": f"F{id}", "mimetype": mime, "name": self.media[id].name}})

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        return JSONResponse({"ok": True, "team": "Rehearsal", "team_id": "T0REHEARSE", "user": account,
                             "user_id": "U0REHEARSE", "url": "https://rehearsal.slack.example/"},
                            headers={"X-OAuth-Scopes": ",".join(self.scopes)} if self.scopes is not None else None)

    def _next_ts(self) -> str:
        """Later than every one before: the second, and how many ids there were."""
        return f"{int(self.now().timestamp()):010d}.{int(self.new_id()) % 1_000_000:06d}"

    def _admit(self, account: str, given: Mapping[str, Any]) -> None:
        if str(given.get("channel") or "") != account:
            raise _refusal("channel_not_found")

    def _account(self, request: Request) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            raise _refusal("not_authed")
        if token == "expired":
            raise self.unauthorized()
        return self.account_of(token)


def _refusal(error: str, *details: str) -> Refusal:
    """Slack's no: HTTP 200, and the reason in the body."""
    more = {"errors": list(details), "response_metadata": {"messages": [f"[ERROR] {one}" for one in details]}}
    return Refusal(200, {"ok": False, "error": error, **(more if details else {})})


def _letters(block: Mapping[str, Any]) -> int:
    """How many letters a block shows."""
    own = len(str(block.get("text") or "")) if isinstance(block.get("text"), str) else 0
    return own + sum(_letters(one) for one in block.get("elements") or () if isinstance(one, dict))


def _as_json(post: Kept) -> dict[str, Any]:
    return {"type": "message", "ts": post.id, "text": post.text, "user": "U0REHEARSE", "bot_id": "B0REHEARSE",
            "blocks": post.extra["blocks"], "metadata": post.extra["metadata"],
            **({"thread_ts": post.parent} if post.parent else {})}


async def _fields(request: Request) -> dict[str, Any]:
    """The arguments, from JSON, from a form, or from the query."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        try:
            given = json.loads(await request.body())
        except ValueError:
            raise _refusal("invalid_json") from None
        return given if isinstance(given, dict) else {}
    if kind.startswith("application/x-www-form-urlencoded"):
        async with request.form() as form:
            return dict(form)
    return dict(request.query_params)


TWIN = SlackTwin
