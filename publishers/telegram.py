"""Telegram: a channel or a group, through a bot.

Telegram fetches pictures itself, from an address (at most 5 MB a photo, 20 MB for anything else): an upload of bytes
without a message that people see does not exist there. A bot cannot read what it wrote before, and a call repeated is a
second message: so a lost answer is looked up by a person.
Source: core.telegram.org/bots/api (sendMessage, sendPhoto, sendMediaGroup, sendPoll, deleteMessage, "Sending files",
"Formatting options"), read 2026-11-22.
"""
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from publishers._addresses import Address, address_in
from publishers._answers import object_in
from publishers._http import Answer, converse
from publishers._judging import judged
from publishers._telegram_answers import GONE, STAYS, address_in_result, ids_in, understood
from publishers._telegram_text import field_of, length, method_of, problems_of, request_of, said
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_HOME = "https://api.telegram.org"
_HOSTS = ("t.me", "telegram.me", "telegram.dog")
_IDS = re.compile(r"[1-9][0-9]{0,15}(?:,[1-9][0-9]{0,15}){0,9}")
_ONE = re.compile(r"[1-9][0-9]{0,15}")
_NAME = re.compile(r"\w{4,32}", re.ASCII)


class Telegram:
    """One channel or group, by its `chat_id`; `bot_token` is of a bot that may post there."""

    network: ClassVar[str] = "telegram"
    needs: ClassVar[tuple[str, ...]] = ("bot_token", "chat_id")
    wants: ClassVar[tuple[str, ...]] = ("topic_id",)
    setup: ClassVar[Setup] = Setup(
        app="A bot: write /newbot to @BotFather in Telegram and follow him. Then open the channel → Administrators → "
            "Add administrator, choose the bot and let it post and delete messages.",
        fields={"bot_token": "what @BotFather answered to /newbot, such as 110201543:AAHdqTc…; /token shows it again",
                "chat_id": "the channel's public name with @, such as @toolshed; for a private one its number, such as "
                           "-1001234567890: copy the link of any message, t.me/c/1234567890/5, and write -100 before "
                           "the first number",
                "topic_id": "only for a group with topics: the number after the group in the link of the topic"},
        scopes=("Post messages", "Delete messages"),
        expires="Does not expire, until /revoke is sent to @BotFather.",
        page="https://core.telegram.org/bots/tutorial")
    options: ClassVar[tuple[Option, ...]] = (
        Option("silent", "Readers get no sound.", ("true", "false")),
        Option("preview", "How large the card of a link is, or that there is none.", ("none", "small", "large")),
        Option("preview_above", "The card stands above the text.", ("true", "false")),
        Option("protect", "Readers cannot forward or save it.", ("true", "false")))
    limits: ClassVar[Limits] = Limits(
        text=4_096, unit="UTF-16 units", images=10, image_bytes=5_000_000, image_types=("jpg", "jpeg", "png", "gif"),
        image_ratio=(0.05, 20.0), videos=10, video_bytes=20_000_000, video_types=("mp4",), documents=10,
        document_bytes=20_000_000, document_types=("pdf", "zip"), mixes_media=True, title=0, poll_options=10,
        poll_option=100, per_hour=25, pace_s=3.0,
        source="core.telegram.org/bots/api (a file by address: 5 MB a photo, 20 MB others; answers of a poll were 10 "
               "before they were 12), core.telegram.org/bots/faq (20 messages a minute in a group)",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.blind)
    handles_live_s: ClassVar[float] = 900.0      # an address is as old as whoever opened it wants: short, then
    handles_are_shared: ClassVar[bool] = True    # an address may be fetched as often as one likes
    addresses_last: ClassVar[bool] = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return length(text)

    def check(self, message: Message) -> list[Problem]:
        limits, parts = self.limits.with_overrides(message.limits), said(message)
        pieces = [one.piece for one in parts]
        return [*judged(message, pieces, limits, self.length, self.options), *problems_of(message, parts, limits)]

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=one.piece.kind, text=one.piece.text, request=request_of(message, one, number),
                         media=tuple(media.blob for media in one.piece.media),
                         alts=("",) * len(one.piece.media),      # Telegram has no alt text
                         names=tuple(media.name for media in one.piece.media),
                         key=idempotency_key(message.slot, number))
            for number, one in enumerate(said(message))))

    def fetch(self, outgoing: Outgoing, part: int, address: Callable[[str], str]) -> dict[str, str]:
        """The addresses themselves: Telegram fetches them while it makes the message. Nothing is called."""
        return {blob: address(blob) for blob in outgoing.parts[part].media}

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """One message, or one album. An album's id is the numbers of all its messages, the first one first."""
        what = outgoing.parts[part]
        body: dict[str, Any] = {"chat_id": self._connection.secret("chat_id"), **what.request}
        if "topic_id" in self._connection.credentials:
            topic = self._connection.secret("topic_id")
            if not _ONE.fullmatch(topic):
                raise Unauthorized("topic_id is not a number; nothing was sent")
            body["message_thread_id"] = int(topic)
        addresses = [so_far.handles[blob] for blob in what.media]
        if len(addresses) == 1:
            body[field_of(what.names[0])] = addresses[0]
        elif addresses:
            body["media"] = [{**one, "media": there} for one, there in zip(body["media"], addresses, strict=True)]
        if part:
            body["reply_parameters"] = {"message_id": int(so_far.parts[part - 1].id.split(",")[0])}
        answer = converse(self._connection, "POST", self._url(method_of(what.request, what.names)), json=body)
        result = understood(answer, self._token, creating=True)
        try:
            ids = ids_in(result)
        except ValueError:
            raise Unconfirmed(f"Telegram answered {answer.status}, but not with a message") from None
        id = ",".join(ids)
        return PartReceipt(id=id, url=self._rehearsed(id) or address_in_result(result))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """Nothing: the Bot API shows a bot no message that it wrote before."""
        return Found((), complete=False)

    def withdraw(self, receipt: PartReceipt) -> None:
        """Delete it; Telegram lets a bot do that for 48 hours. Raises Rejected when it is older."""
        numbers = [int(number) for number in receipt.id.split(",")]
        body: dict[str, Any] = {"chat_id": self._connection.secret("chat_id")}
        if len(numbers) == 1:
            answer = self._send("deleteMessage", {**body, "message_id": numbers[0]})
        else:
            answer = self._send("deleteMessages", {**body, "message_ids": numbers})
        description = str((object_in(answer.body) or {}).get("description"))
        if answer.status == 400 and GONE.search(description):
            return
        if answer.status == 400 and STAYS.search(description):
            raise Rejected("Telegram does not let the bot delete this message: it is older than 48 hours, or the bot "
                           "may not delete messages. Delete it in the app")
        understood(answer, self._token, creating=False)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes t.me/NAME/NUMBER, t.me/c/CHAT/NUMBER and the number; numbers of an album with commas between them."""
        words = address.strip()
        if _IDS.fullmatch(words):
            return PartReceipt(id=words, url=self._rehearsed(words) or self._shown(words.split(",")[0]))
        if (given := address_in(words)) is not None:
            twin = self._connection.address
            if twin and _IDS.fullmatch(id := given.anchored(twin, self.network) or ""):
                return PartReceipt(id=id, url=self._rehearsed(id))
            if given.host in _HOSTS and (found := self._in_address(given)):
                return found
        raise ValueError("an address of Telegram looks like https://t.me/CHANNEL/123 (hold the message → Copy link), "
                         "in the connection's own channel; the number alone will do")

    def account_id(self) -> str:
        """The chat's number, which stays when its name changes. Never raises Unconfirmed."""
        return self._number(self._ask("getChat", chat_id=self._connection.secret("chat_id")))

    def verify(self) -> Verified:
        """Who the bot is, which chat it is, and whether the bot may post and delete there."""
        bot, chat_id = self._ask("getMe"), self._connection.secret("chat_id")
        chat = self._ask("getChat", chat_id=chat_id)
        member = self._ask("getChatMember", chat_id=chat_id, user_id=self._number(bot))
        warnings = []
        if member.get("status") not in ("creator", "administrator") and chat.get("type") == "channel":
            warnings.append("The bot is no administrator of the channel: open the channel → Administrators → Add.")
        elif member.get("can_post_messages") is False:
            warnings.append("The bot may not post: open the channel → Administrators → the bot → Post messages.")
        if member.get("can_delete_messages") is False:
            warnings.append("The bot may not delete messages: posts cannot be withdrawn until it may.")
        name = str(chat.get("title") or chat.get("username") or chat_id)
        return Verified(account=f"{name}, by @{bot.get('username', 'a bot')}", account_id=self._number(chat),
                        warnings=tuple(warnings))

    def _in_address(self, given: Address) -> PartReceipt | None:
        """Raises ValueError for an address of another chat than the connection's."""
        path = given.path[1:] if given.path[:1] == ("s",) else given.path
        known = self._connection.credentials.get("chat_id")
        ours = known.get_secret_value().lower() if known else None
        if path[:1] == ("c",) and len(path) in (3, 4) and all(_ONE.fullmatch(step) for step in path[1:]):
            theirs = f"-100{path[1]}"
            shown = f"https://t.me/c/{path[1]}/{path[-1]}"
            same = ours is None or ours.startswith("@") or ours == theirs
        elif len(path) in (2, 3) and _NAME.fullmatch(path[0]) and all(_ONE.fullmatch(step) for step in path[1:]):
            theirs = f"@{path[0]}"
            shown = f"https://t.me/{path[0]}/{path[-1]}"
            same = ours is None or not ours.startswith("@") or ours == theirs.lower()
        else:
            return None
        if not same:
            raise ValueError(f"the address is one of {theirs}, and not of the connection's chat")
        return PartReceipt(id=path[-1], url=shown)

    def _shown(self, number: str) -> str | None:
        known = self._connection.credentials.get("chat_id")
        chat = known.get_secret_value() if known else ""
        if chat.startswith("@") and _NAME.fullmatch(chat[1:]):
            return f"https://t.me/{chat[1:]}/{number}"
        return f"https://t.me/c/{chat[4:]}/{number}" if re.fullmatch(r"-100[0-9]+", chat) else None

    def _rehearsed(self, id: str) -> str | None:
        """Where a twin shows it: all on one page."""
        return f"{self._connection.address}/#{self.network}-{id}" if self._connection.address else None

    def _number(self, value: dict[str, Any]) -> str:
        if not isinstance(id := value.get("id"), int) or isinstance(id, bool):
            raise Unavailable("Telegram gave no id")
        return str(id)

    def _ask(self, method: str, **params: str) -> dict[str, Any]:
        answer = converse(self._connection, "GET", self._url(method), params=params or None, repeatable=True)
        result = understood(answer, self._token, creating=False)
        if not isinstance(result, dict):
            raise Unavailable(f"Telegram answered {answer.status}, but not with what was asked for")
        return result

    def _send(self, method: str, body: dict[str, Any]) -> Answer:
        return converse(self._connection, "POST", self._url(method), json=body, repeatable=True)

    @property
    def _token(self) -> str:
        return self._connection.secret("bot_token")

    def _url(self, method: str) -> str:
        """The token stands in the path: so no address of Telegram may ever be part of an error."""
        if not self._token.strip():
            raise Unauthorized("there is no bot token; get one from @BotFather", dead=True)
        return f"{self._connection.address or _HOME}/bot{quote(self._token, safe=':')}/{method}"


PUBLISHER = Telegram
