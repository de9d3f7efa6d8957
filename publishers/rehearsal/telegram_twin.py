"""The Bot API in rehearsal: each account is a channel whose bot is an administrator there.

Sources: core.telegram.org/bots/api (making requests, sendMessage, sendPhoto, sendMediaGroup, sendPoll, deleteMessage,
HTML style, sending files), read 2026-11-22; the words of its refusals are those of github.com/tdlib/telegram-bot-api.
"""
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._pictures import opened
from publishers.rehearsal._twin import Kept, Refusal, Twin

_TEXT, _CAPTION, _QUESTION, _ANSWER = 4_096, 1_024, 300, 100
_PHOTO_BYTES, _OTHER_BYTES = 5_000_000, 20_000_000       # of a file that Telegram fetches itself
_DELETABLE = timedelta(hours=48)
_FIRST = 115_000_000_000_000_000                         # ids of messages are small numbers, counted from 1
_TAGS = frozenset(("b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote",
                   "tg-spoiler", "span"))
_MAGIC = {"photo": (b"\xff\xd8\xff", b"\x89PNG"), "animation": (b"GIF8",), "document": (b"%PDF", b"PK\x03\x04")}


class TelegramTwin(Twin):
    """Any number of channels: the bot of `rehearsal:@us` is at home in `@us` and nowhere else."""

    network: ClassVar[str] = "telegram"
    title: ClassVar[str] = "Telegram"
    accent: ClassVar[str] = "#229ed9"
    creates: ClassVar[tuple[str, ...]] = (
        r"POST /bot[^/]+/send(?:Message|Photo|Video|Animation|Document|MediaGroup|Poll)",)

    def routes(self) -> list[Route]:
        return [Route("/bot{token}/sendMessage", self._message, methods=["POST"]),
                Route("/bot{token}/sendMediaGroup", self._album, methods=["POST"]),
                Route("/bot{token}/sendPoll", self._poll, methods=["POST"]),
                *(Route(f"/bot{{token}}/send{kind.capitalize()}", self._file, methods=["POST"], name=kind)
                  for kind in ("photo", "video", "animation", "document")),
                Route("/bot{token}/deleteMessage", self._delete, methods=["POST"]),
                Route("/bot{token}/deleteMessages", self._delete, methods=["POST"]),
                Route("/bot{token}/getMe", self._me, methods=["GET", "POST"]),
                Route("/bot{token}/getChat", self._chat, methods=["GET", "POST"]),
                Route("/bot{token}/getChatMember", self._member, methods=["GET", "POST"]),
                Route("/bot{token}/{method}", self._unknown, methods=["GET", "POST"])]

    def rate_limited(self, until: datetime) -> Refusal:
        seconds = max(1, round((until - self.now()).total_seconds()))
        return _refusal(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})

    def broken(self) -> Refusal:
        return _refusal(500, "Internal Server Error")

    def unauthorized(self) -> Refusal:
        return _refusal(401, "Unauthorized")

    def overloaded(self, until: datetime | None) -> Refusal:  # noqa: ARG002
        return _refusal(503, "Service Unavailable")

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "deleted":
                self.posts.remove(self._by_id.pop(value))
            case "post":
                super()._recall(kind, value)
                self._ids += value["id"].count(",")          # an album took a number for each of its files
            case _:
                super()._recall(kind, value)

    async def _message(self, request: Request) -> Response:
        account, given = await self._asked(request)
        text = _parsed(given, "text")
        if not text.strip():
            raise _refusal(400, "Bad Request: message text is empty")
        if _units(text) > _TEXT:
            raise _refusal(400, "Bad Request: message is too long")
        return self._made(account, given, text.strip(), [], {"preview": given.get("link_preview_options")})

    async def _poll(self, request: Request) -> Response:
        account, given = await self._asked(request)
        question = str(given.get("question") or "").strip()
        answers = [str(option.get("text") or "") for option in given.get("options") or ()]
        if not question:
            raise _refusal(400, "Bad Request: message text is empty")
        if _units(question) > _QUESTION:
            raise _refusal(400, "Bad Request: poll question length must not exceed 300")
        if len(answers) < 2:
            raise _refusal(400, "Bad Request: poll must have at least 2 option")
        if len(answers) > 12:
            raise _refusal(400, "Bad Request: poll can't have more than 12 options")
        if any(not answer or _units(answer) > _ANSWER for answer in answers):
            raise _refusal(400, "Bad Request: poll options length must not exceed 100")
        if given.get("is_anonymous") is False:
            raise _refusal(400, "Bad Request: non-anonymous polls can't be sent to channel chats")
        if not 5 <= int(given.get("open_period", 5)) <= 600:
            raise _refusal(400, "Bad Request: can't use such an open period")
        return self._made(account, given, question, [], {"poll": answers})

    async def _file(self, request: Request) -> Response:
        account, given = await self._asked(request)
        kind = request.url.path.rpartition("/send")[2].lower()
        data = await self._fetched(str(given.get(kind) or ""), kind)
        text = self._caption(given)
        return self._made(account, given, text, [self.keep_media(data, name=kind, mime=None, account=account)], {})

    async def _album(self, request: Request) -> Response:
        account, given = await self._asked(request)
        items = given.get("media") or []
        kinds = [str(item.get("type")) for item in items]
        if not 2 <= len(items) <= 10:
            raise _refusal(400, "Bad Request: can't send an album: wrong number of files")
        if "animation" in kinds or ("document" in kinds and set(kinds) != {"document"}):
            raise _refusal(400, "Bad Request: these kinds of files can't be mixed in an album")
        found = [await self._fetched(str(item.get("media") or ""), kind)
                 for item, kind in zip(items, kinds, strict=True)]
        text = self._caption(items[0])
        ids = [self.keep_media(data, name=kind, mime=None, account=account)
               for data, kind in zip(found, kinds, strict=True)]
        return self._made(account, given, text, ids, {})

    async def _delete(self, request: Request) -> Response:
        """One message: an error when it is not there. Several: those that are not there are skipped."""
        account, given = await self._asked(request)
        several = request.url.path.endswith("deleteMessages")
        wanted = list(given.get("message_ids") or ()) if several else [given.get("message_id") or 0]
        posts = [post for id in wanted if (post := self._holding(account, int(id))) is not None]
        if not posts and not several:
            raise _refusal(400, "Bad Request: message to delete not found")
        if any(self.now() - post.created_at >= _DELETABLE for post in posts):
            raise _refusal(400, "Bad Request: message can't be deleted for everyone" if several else
                           "Bad Request: message can't be deleted")
        for id in dict.fromkeys(post.id for post in posts):
            self._journal.write("deleted", id)
            self._recall("deleted", id)
        return JSONResponse({"ok": True, "result": True})

    async def _me(self, request: Request) -> Response:
        account = self._account(request)
        return JSONResponse({"ok": True, "result": {
            "id": _number(f"bot of {account}"), "is_bot": True, "first_name": "Rehearsal",
            "username": "rehearsal_bot"}})

    async def _chat(self, request: Request) -> Response:
        account, _ = await self._asked(request)
        return JSONResponse({"ok": True, "result": _chat(account)})

    async def _member(self, request: Request) -> Response:
        await self._asked(request)
        return JSONResponse({"ok": True, "result": {"status": "administrator", "can_post_messages": True,
                                                    "can_delete_messages": True}})

    async def _unknown(self, request: Request) -> Response:
        self._account(request)
        raise _refusal(404, "Not Found: method not found")

    def _made(self, account: str, given: Mapping[str, Any], text: str, media: list[str],
              extra: dict[str, Any]) -> Response:
        parent = None
        if reply := given.get("reply_parameters"):
            post = self._holding(account, int(reply.get("message_id") or 0))
            if post is None:
                raise _refusal(400, "Bad Request: message to be replied not found")
            parent = post.id
        numbers = [int(self.new_id()) - _FIRST for _ in range(max(1, len(media)))]
        kept = self.keep(account=account, text=text, parent=parent, media=media, id=",".join(map(str, numbers)),
                         extra={"silent": bool(given.get("disable_notification")),
                                **{name: value for name, value in extra.items() if value}})
        messages = [{"message_id": number, "date": int(kept.created_at.timestamp()), "chat": _chat(account),
                     **({"text": text} if not media else {})} for number in numbers]
        return JSONResponse({"ok": True, "result": messages if len(media) > 1 else messages[0]})

    def _holding(self, account: str, number: int) -> Kept | None:
        return next((post for post in self.posts if post.account == account
                     and str(number) in post.id.split(",")), None)

    def _caption(self, given: Mapping[str, Any]) -> str:
        text = _parsed(given, "caption").strip()
        if _units(text) > _CAPTION:
            raise _refusal(400, "Bad Request: message caption is too long")
        return text

    async def _fetched(self, address: str, kind: str) -> bytes:
        """The file at an address, as Telegram's servers get it, if it is of the kind that it is sent as."""
        import httpx

        if not address.startswith(("http://", "https://")):
            raise _refusal(400, "Bad Request: wrong file identifier/HTTP URL specified")
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
                answer = await client.get(address)
        except httpx.HTTPError:
            raise _refusal(400, "Bad Request: failed to get HTTP URL content") from None
        if answer.status_code != 200:
            raise _refusal(400, "Bad Request: failed to get HTTP URL content")
        data = answer.content
        if len(data) > (_PHOTO_BYTES if kind == "photo" else _OTHER_BYTES):
            raise _refusal(400, "Bad Request: failed to get HTTP URL content")
        if kind == "video":
            fits = data[4:8] == b"ftyp"
        else:
            fits = data.startswith(_MAGIC[kind])
        if not fits:
            raise _refusal(400, "Bad Request: wrong type of the web page content")
        seen = opened(data) if kind == "photo" else None
        if seen is not None and (seen.width + seen.height > 10_000
                                 or max(seen.width, seen.height) > 20 * min(seen.width, seen.height)):
            raise _refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        return data

    async def _asked(self, request: Request) -> tuple[str, Mapping[str, Any]]:
        """Whose channel it is, and what is asked; a chat where the bot is not is one that it cannot find."""
        account = self._account(request)
        given: Any = dict(request.query_params)
        if request.method == "POST":
            try:
                given = json.loads(await request.body())
            except ValueError:
                raise _refusal(400, "Bad Request: can't parse request") from None
        if not isinstance(given, dict) or str(given.get("chat_id") or "") not in (account, str(_chat(account)["id"])):
            raise _refusal(400, "Bad Request: chat not found")
        return account, given

    def _account(self, request: Request) -> str:
        token = str(request.path_params["token"])
        if token == "expired":
            raise self.unauthorized()
        return self.account_of(token)


def _refusal(status: int, description: str, parameters: Mapping[str, Any] | None = None) -> Refusal:
    more = {"parameters": dict(parameters)} if parameters else {}
    return Refusal(status, {"ok": False, "error_code": status, "description": description, **more})


def _chat(account: str) -> dict[str, Any]:
    return {"id": -1_000_000_000_000 - _number(account), "type": "channel", "title": account,
            "username": account.lstrip("@")}


def _number(account: str) -> int:
    return int(hashlib.sha256(account.encode()).hexdigest()[:8], 16)


def _units(text: str) -> int:
    return len(text.encode("utf-16-be", "surrogatepass")) // 2


def _parsed(given: Mapping[str, Any], name: str) -> str:
    """The text that is left when tags and entities are taken out, which is what Telegram counts and shows."""
    text = str(given.get(name) or "")
    if given.get("parse_mode") != "HTML":
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.open:
        raise _refusal(400, f"Bad Request: can't parse entities: can't find end tag corresponding to start tag "
                            f"\"{reader.open[-1]}\"")
    return "".join(reader.words)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise _refusal(400, f"Bad Request: can't parse entities: unsupported start tag \"{tag}\"")
        if tag == "span" and ("class", "tg-spoiler") not in attrs:
            raise _refusal(400, "Bad Request: can't parse entities: tag \"span\" must have class \"tg-spoiler\"")
        if tag == "blockquote" and tag in self.open:
            raise _refusal(400, "Bad Request: can't parse entities: nested blockquotes are not allowed")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise _refusal(400, f"Bad Request: can't parse entities: unexpected end tag \"{tag}\"")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


TWIN = TelegramTwin
