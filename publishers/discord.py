"""Discord: a channel of a server, through a bot.

The address of a webhook would do for posting, and is not supported: what came of a lost answer cannot be found out
there, while a bot's `nonce` makes a repeat harmless and a bot can read its channel.

Pictures: no documented call takes a file without making a message of it (the one that Discord's own apps use is not for
bots: discord/discord-api-docs pull request 5638, its maintainers' word of 2022-11-13). So they wait in a second channel
that nobody reads (`media_channel`), and the message shows them from there: an address of Discord's own files "without
any parameters" stays valid (docs.discord.com/developers/reference#signed-attachment-cdn-urls), until that message is
deleted.
Sources: docs.discord.com/developers/resources/message, /components/reference, /resources/poll, read 2026-11-22.
"""
import json
import mimetypes
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from publishers._addresses import address_in
from publishers._answers import value_in
from publishers._discord_answers import ID, UNKNOWN_MESSAGE, id_in, made_at, replied_to, understood
from publishers._discord_text import length, plain, problems_of, request_of, said, shown_in, with_addresses
from publishers._http import converse
from publishers._judging import judged
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_HOME = "https://discord.com"
_HOST = re.compile(r"(?:(?:www|ptb|canary)\.)?discord(?:app)?\.com")
_PAGE, _PAGES = 100, 50                  # messages in a page, and how many pages `find` reads at most


class Discord:
    """One channel, by its `channel_id`."""

    network: ClassVar[str] = "discord"
    needs: ClassVar[tuple[str, ...]] = ("bot_token", "channel_id", "media_channel")
    wants: ClassVar[tuple[str, ...]] = ("guild_id",)
    setup: ClassVar[Setup] = Setup(
        app="discord.com/developers/applications → New Application → Bot. Then Installation → Guild Install with the "
            "scope bot and the permissions below, and open the install link to add the bot to your server. For "
            "pictures make a second channel that only the bot can see.",
        fields={"bot_token": "the application → Bot → Reset Token (it is shown once)",
                "channel_id": "Discord → Settings → Advanced → Developer Mode on; then right click on the channel → "
                              "Copy Channel ID",
                "media_channel": "the id of the second channel, where the bot leaves pictures that its posts show; "
                                 "nothing in it may be deleted",
                "guild_id": "right click on the server → Copy Server ID; only for the addresses of posts in reports"},
        scopes=("View Channels", "Send Messages", "Attach Files", "Embed Links", "Read Message History", "Create Polls",
                "Send Messages in Threads"),
        expires="Does not expire, until Reset Token is pressed or Discord finds the token published somewhere.",
        page="https://docs.discord.com/developers/quick-start/getting-started")
    options: ClassVar[tuple[Option, ...]] = (
        Option("silent", "Readers get no notification.", ("true", "false")),
        Option("preview", "Whether links get a card.", ("none", "large")))
    limits: ClassVar[Limits] = Limits(
        text=2_000, unit="characters", alt=1_024, images=10, image_bytes=10_485_760,
        image_types=("jpg", "jpeg", "png", "gif", "webp"), videos=10, video_bytes=10_485_760,
        video_types=("mp4", "webm", "mov"), mixes_media=True, title=0, poll_options=10, poll_option=55,
        poll_seconds=(3_600, 768 * 3_600), per_hour=25,
        source="docs.discord.com/developers/resources/message (2,000), /components/reference#media-gallery (10 files, "
               "1,024), /reference#uploading-files (10 MiB), /resources/poll", read=date(2026, 11, 22))
    # "checked for uniqueness in the past few minutes": a few are two at least, and three quarters of those are ours
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=90.0)
    handles_live_s: ClassVar[float] = 2_592_000.0               # as long as its message in `media_channel`; a month
    handles_are_shared: ClassVar[bool] = True                   # an address may stand in any number of messages

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return length(text)

    def check(self, message: Message) -> list[Problem]:
        limits, parts = self.limits.with_overrides(message.limits), said(message)
        pieces = [one.piece for one in parts]
        return [*judged(message, pieces, limits, self.length, self.options), *problems_of(message, parts, limits)]

    def compose(self, message: Message) -> Outgoing:
        keys = [idempotency_key(message.slot, number) for number in range(len(message.parts))]
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=one.piece.kind, text=one.piece.text, request=request_of(message, one, key),
                         media=tuple(media.blob for media in one.piece.media),
                         alts=tuple(media.alt or "" for media in one.piece.media),
                         names=tuple(media.name for media in one.piece.media), key=key)
            for one, key in zip(said(message), keys, strict=True)))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Leave each picture in the second channel; its handle is its address there, without what expires."""
        what, handles = outgoing.parts[part], {}
        store = self._connection.secret("media_channel")
        if store == self._connection.secret("channel_id"):
            raise Unauthorized("media_channel is the channel itself, where readers would see each picture twice; "
                               "make one that only the bot can see")
        for blob, name in zip(what.media, what.names, strict=True):
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            note = {"attachments": [{"id": 0, "filename": name}], "allowed_mentions": {"parse": []}}
            stored = self._ask("POST", f"/channels/{quote(store, safe='')}/messages",
                               data={"payload_json": json.dumps(note)}, files={"files[0]": (name, read(blob), kind)})
            try:
                handles[blob] = _lasting(str(stored["attachments"][0]["url"]))
            except (KeyError, IndexError, TypeError, ValueError):
                raise Unavailable("Discord took a picture without telling its address") from None
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what = outgoing.parts[part]
        body = with_addresses(what.request, [so_far.handles[blob] for blob in what.media])
        if part:
            body["message_reference"] = {"message_id": so_far.parts[part - 1].id}
        answer = converse(self._connection, "POST", self._url(f"/channels/{self._channel}/messages"), json=body,
                          headers=self._headers())
        try:
            return self._receipt(id_in(understood(answer, self._token, creating=True)))
        except ValueError:
            raise Unconfirmed(f"Discord answered {answer.status}, but not with a message") from None

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The bot's own messages since `since` with the same text, as many pictures, and the same message answered.

        Of a message that was edited since Discord does not show the first version: it makes the look incomplete.
        """
        what, parent = outgoing.parts[part], so_far.parts[part - 1].id if part else None
        wanted, matches, complete = (plain(what.text), len(what.media)), dict[str, PartReceipt](), True
        try:
            me = id_in(self._ask("GET", "/users/@me"))
            for page in self._recent(since):
                complete = complete and page is not None
                for message in page or ():
                    if (made_at(message) < since or message["author"]["id"] != me or replied_to(message) != parent
                            or message.get("type") not in (0, 19)):
                        continue
                    if shown_in(message) == wanted:
                        receipt = self._receipt(id_in(message))
                        matches[receipt.id] = receipt
                    elif message.get("edited_timestamp"):
                        complete = False
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unavailable("Discord listed messages in a form that is not its own") from None
        return Found(tuple(matches.values()), complete)

    def withdraw(self, receipt: PartReceipt) -> None:
        """Delete the message. The pictures stay in the second channel, where nobody reads."""
        answer = converse(self._connection, "DELETE",
                          self._url(f"/channels/{self._channel}/messages/{quote(receipt.id, safe='')}"),
                          headers=self._headers(), repeatable=True)
        own = value_in(answer.body)
        gone = answer.status == 404 and isinstance(own, dict) and own.get("code") == UNKNOWN_MESSAGE
        if answer.status != 204 and not gone:
            understood(answer, self._token, creating=False)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes discord.com/channels/SERVER/CHANNEL/NUMBER of the connection's own channel, and the number."""
        words = address.strip()
        if ID.fullmatch(words):
            return self._receipt(words)
        if (given := address_in(words)) is not None:
            twin = self._connection.address
            if twin and ID.fullmatch(id := given.anchored(twin, self.network) or ""):
                return self._receipt(id)
            if (_HOST.fullmatch(given.host) and len(given.path) == 4 and given.path[0] == "channels"
                    and all(ID.fullmatch(step) for step in given.path[1:])):
                known = self._connection.credentials.get("channel_id")
                if known is not None and known.get_secret_value() != given.path[2]:
                    raise ValueError(f"the address is one of channel {given.path[2]}, and not of the connection's")
                return PartReceipt(id=given.path[3], url=f"{_HOME}/{'/'.join(given.path)}")
        raise ValueError("an address of Discord looks like https://discord.com/channels/SERVER/CHANNEL/"
                         "1234567890123456789 (right click on the message → Copy Message Link); the number alone will "
                         "do")

    def account_id(self) -> str:
        """The channel's id; the token must be one that may see it. Never raises Unconfirmed."""
        return self._id("GET", f"/channels/{self._channel}")

    def verify(self) -> Verified:
        """Which bot, in which channel, and whether it can see the channel for pictures."""
        bot, channel = self._ask("GET", "/users/@me"), self._ask("GET", f"/channels/{self._channel}")
        warnings = []
        try:
            self._ask("GET", f"/channels/{quote(self._connection.secret('media_channel'), safe='')}")
        except Unauthorized:
            warnings.append("The bot cannot see media_channel: posts with pictures will be refused until it can.")
        try:
            name = f"#{channel.get('name') or 'a channel'}, by {bot.get('username') or 'a bot'}"
            return Verified(account=name, account_id=id_in(channel), warnings=tuple(warnings))
        except (AttributeError, ValueError):
            raise Unavailable("Discord answered, but not with a channel") from None

    def _recent(self, since: datetime) -> Iterator[list[Any] | None]:
        """The channel's messages since `since`, newest first, by page; None at the end when there may be more."""
        asked = {"limit": str(_PAGE)}
        for _ in range(_PAGES):
            page = self._ask("GET", f"/channels/{self._channel}/messages", params=asked)
            if not isinstance(page, list):
                raise ValueError
            yield page
            if len(page) < _PAGE or all(made_at(message) < since for message in page):
                return
            asked = {**asked, "before": id_in(page[-1])}
        yield None

    def _receipt(self, id: str) -> PartReceipt:
        """With its address when the server's id is known. A twin shows all messages on one page."""
        if (twin := self._connection.address) is not None:
            return PartReceipt(id=id, url=f"{twin}/#{self.network}-{id}")
        guild, channel = (self._connection.credentials.get(name) for name in ("guild_id", "channel_id"))
        return PartReceipt(id=id, url=f"{_HOME}/channels/{guild.get_secret_value()}/{channel.get_secret_value()}/{id}"
                           if guild and channel else None)

    def _id(self, method: str, path: str) -> str:
        try:
            return id_in(self._ask(method, path))
        except ValueError:
            raise Unavailable("Discord gave no id") from None

    def _ask(self, method: str, path: str, **what: Any) -> Any:
        """The JSON of a call that may be repeated freely. Raises a PublishError that is never Unconfirmed."""
        answer = converse(self._connection, method, self._url(path), headers=self._headers(), repeatable=True, **what)
        return understood(answer, self._token, creating=False)

    @property
    def _channel(self) -> str:
        return quote(self._connection.secret("channel_id"), safe="")

    @property
    def _token(self) -> str:
        return self._connection.secret("bot_token")

    def _headers(self) -> dict[str, str]:
        # a program that does not name itself like this may be blocked: docs.discord.com/developers/reference#user-agent
        return {"Authorization": f"Bot {self._token}", "User-Agent": "DiscordBot (drumbeat, 0.1)"}

    def _url(self, path: str) -> str:
        return f"{self._connection.address or _HOME}/api/v10{path}"


def _lasting(url: str) -> str:
    """An address of Discord's files without its signature, which expires. Raises ValueError for no address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


PUBLISHER = Discord
