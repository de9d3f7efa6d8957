"""Slack: a channel of a workspace, through an app's bot.

Incoming webhooks are not supported: they answer `ok` and no id, so nothing could be found again or withdrawn.
Sources: docs.slack.dev/reference/methods (chat.postMessage, chat.delete, conversations.history, conversations.replies,
files.getUploadURLExternal, files.completeUploadExternal, files.info, auth.test), /messaging/message-metadata,
/reference/block-kit/blocks/image-block, /messaging/working-with-files, read 2026-11-22.
"""
import mimetypes
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from publishers._addresses import address_in
from publishers._http import Answer, converse
from publishers._judging import judged
from publishers._slack_answers import TS, error_in, ts_in, understood
from publishers._slack_text import alt_of, key_in, problems_of, request_of, said, with_files
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_HOME = "https://slack.com"
_WORKSPACE = re.compile(r"[a-z0-9-]+(?:\.enterprise)?\.slack\.com")
_CHANNEL, _FILE = re.compile(r"[CGD][A-Z0-9]{8,}"), re.compile(r"F[A-Z0-9]{8,}")
_STAMP = re.compile(r"p([0-9]{10})([0-9]{6})")
_PENDING = "processing:"                 # a handle that must be asked after before it is used
_PAGE, _PAGES = 200, 50                  # messages in a page, and how many pages `find` reads at most
_SCOPES = ("chat:write", "channels:history", "groups:history", "files:write", "files:read")
_TO_POST = ("chat:write", "files:write", "files:read")       # whether it may look, only the channel itself tells


class Slack:
    """One channel, by its `channel_id`; `bot_token` is of an app that was invited there."""

    network: ClassVar[str] = "slack"
    needs: ClassVar[tuple[str, ...]] = ("bot_token", "channel_id")
    wants: ClassVar[tuple[str, ...]] = ("workspace",)
    setup: ClassVar[Setup] = Setup(
        app="api.slack.com/apps → Create New App → From scratch. Under OAuth & Permissions add the bot token scopes "
            "below (leave token rotation off), then Install to Workspace. Last write /invite and the app's name in the "
            "channel.",
        fields={"bot_token": "OAuth & Permissions → Bot User OAuth Token; it begins with xoxb-",
                "channel_id": "click the channel's name; at the foot of what opens stands Channel ID, such as "
                              "C0123456789",
                "workspace": "the workspace's address, such as https://toolshed.slack.com; only for the addresses of "
                             "posts in reports"},
        scopes=_SCOPES,
        expires="Does not expire, until the app is removed from the workspace or the token is revoked.",
        review="None for an app of your own workspace; some workspaces want an owner's approval.",
        page="https://docs.slack.dev/quickstart")
    options: ClassVar[tuple[Option, ...]] = (
        Option("preview", "Whether links get a card.", ("none", "large")),)
    limits: ClassVar[Limits] = Limits(
        text=12_000, unit="characters", alt=2_000, images=10, image_bytes=10_000_000,
        image_types=("jpg", "jpeg", "png", "gif"), title=0, per_hour=25, pace_s=1.0,
        source="docs.slack.dev/reference/block-kit/blocks/image-block (types, 2,000), /apis/web-api/rate-limits (a "
               "message a second); blocks of about 13,200 characters are too long, by reports and not by documents, "
               "and the bytes of a picture in a block are nowhere said",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.plain)             # found by our own metadata
    handles_live_s: ClassVar[float] = 86_400.0                  # nowhere said; files stay until somebody deletes them
    handles_are_shared: ClassVar[bool] = True                   # a file may be shown in any number of messages

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        limits, pieces = self.limits.with_overrides(message.limits), [one.piece for one in said(message)]
        return [*judged(message, pieces, limits, self.length, self.options), *problems_of(message)]

    def compose(self, message: Message) -> Outgoing:
        keys = [idempotency_key(message.slot, number) for number in range(len(message.parts))]
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=one.piece.kind, text=one.piece.text, request=request_of(message, one, key),
                         media=tuple(media.blob for media in one.piece.media),
                         alts=tuple(map(alt_of, one.piece.media)),
                         names=tuple(media.name for media in one.piece.media), key=key)
            for one, key in zip(said(message), keys, strict=True)))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Upload each picture without a channel: "if not specified the file will be private".

        A file that Slack still works on gets a handle too, which `publish` asks after.
        """
        what, handles = outgoing.parts[part], {}
        for blob, name in zip(what.media, what.names, strict=True):
            data = read(blob)            # without `alt_txt`, whose length is limited otherwise: the block has the words
            place = self._ask("POST", "files.getUploadURLExternal", data={"filename": name, "length": str(len(data))})
            id, there = str(place.get("file_id")), str(place.get("upload_url"))
            if not _FILE.fullmatch(id) or not self._is_own(there):
                raise Unavailable("Slack named no place for an upload that is its own")
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            stored = converse(self._connection, "POST", there, content=data, headers={"Content-Type": kind},
                              repeatable=True)          # the address is secret enough: no token goes along
            if stored.status != 200:
                raise Unavailable(f"Slack answered {stored.status} to the bytes of a picture")
            self._ask("POST", "files.completeUploadExternal", json={"files": [{"id": id, "title": name}]})
            handles[blob] = id if self._is_ready(id) else _PENDING + id
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what = outgoing.parts[part]
        body = {"channel": self._channel, **with_files(what.request, [self._ready(so_far.handles[blob])
                                                                       for blob in what.media])}
        if part:
            body["thread_ts"] = so_far.parts[0].id
        answer = converse(self._connection, "POST", self._url("chat.postMessage"), json=body, headers=self._headers())
        try:
            return self._receipt(ts_in(understood(answer, self._token, creating=True)),
                                 so_far.parts[0].id if part else None)
        except ValueError:
            raise Unconfirmed(f"Slack answered {answer.status}, but not with a message") from None

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The messages since `since` that carry this part's key, whatever became of their text."""
        what, thread = outgoing.parts[part], so_far.parts[0].id if part else None
        matches, complete = dict[str, PartReceipt](), True
        try:
            for page in self._recent(since, thread):
                complete = complete and page is not None
                for message in page or ():
                    if key_in(message) == what.key:
                        receipt = self._receipt(ts_in(message), thread)
                        matches[receipt.id] = receipt
        except (AttributeError, TypeError, ValueError):
            raise Unavailable("Slack listed messages in a form that is not its own") from None
        return Found(tuple(matches.values()), complete)

    def withdraw(self, receipt: PartReceipt) -> None:
        """Delete the message; its pictures stay among the app's private files."""
        answer = self._send("chat.delete", json={"channel": self._channel, "ts": receipt.id})
        match error_in(answer):
            case "message_not_found":
                return
            case "cant_delete_message":
                raise Rejected("Slack does not let the app delete this message: it is not the app's own, or the "
                               "workspace forbids it. Delete it in Slack")
        understood(answer, self._token, creating=False)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes NAME.slack.com/archives/CHANNEL/p1234567890123456 and the bare 1234567890.123456."""
        words = address.strip()
        if TS.fullmatch(words):
            return self._receipt(words)
        if (given := address_in(words)) is not None:
            twin = self._connection.address
            if twin and TS.fullmatch(ts := given.anchored(twin, self.network) or ""):
                return self._receipt(ts)
            if (_WORKSPACE.fullmatch(given.host) and len(given.path) == 3 and given.path[0] == "archives"
                    and _CHANNEL.fullmatch(given.path[1]) and (stamp := _STAMP.fullmatch(given.path[2]))):
                known = self._connection.credentials.get("channel_id")
                if known is not None and known.get_secret_value() != given.path[1]:
                    raise ValueError(f"the address is one of channel {given.path[1]}, and not of the connection's")
                return PartReceipt(id=f"{stamp[1]}.{stamp[2]}", url=f"{given.origin}/{'/'.join(given.path)}")
        raise ValueError("an address of Slack looks like https://NAME.slack.com/archives/CHANNEL/p1234567890123456 "
                         "(the message's menu → Copy link); 1234567890.123456 alone will do")

    def account_id(self) -> str:
        """The workspace's id and the channel's. Never raises Unconfirmed."""
        if not isinstance(team := self._ask("GET", "auth.test").get("team_id"), str) or not team:
            raise Unavailable("Slack gave no id")
        return f"{team}/{self._channel}"

    def verify(self) -> Verified:
        """Which bot in which workspace, what it may do, and whether it is in the channel."""
        answer = self._send("auth.test", method="GET")
        me = understood(answer, self._token, creating=False)
        given = tuple(scope for scope in re.split(r"[,\s]+", answer.headers.get("x-oauth-scopes", "")) if scope)
        lacks = tuple(scope for scope in _TO_POST if given and scope not in given)
        warnings = list(_said_of(given, lacks))
        try:
            self._ask("GET", "conversations.history", params={"channel": self._channel, "limit": "1"})
        except Unauthorized as error:
            warnings.append(f"The channel cannot be read, so a lost answer could not be looked up. {error.why}.")
        return Verified(account=f"{me.get('user', 'a bot')} in {me.get('team', 'a workspace')}",
                        account_id=f"{me['team_id']}/{self._channel}" if me.get("team_id") else None,
                        scopes=given or None, warnings=tuple(warnings), lacks=lacks)

    def _recent(self, since: datetime, thread: str | None) -> Iterator[list[Any] | None]:
        """The channel's messages since `since`, or a thread's, by page; None at the end when there may be more.

        Raises ValueError for what is no list.
        """
        asked = {"channel": self._channel, "limit": str(_PAGE), "include_all_metadata": "true",
                 "oldest": f"{(since - timedelta(seconds=1)).timestamp():.6f}", **({"ts": thread} if thread else {})}
        for _ in range(_PAGES):
            body = self._ask("GET", "conversations.replies" if thread else "conversations.history", params=asked)
            if not isinstance(messages := body.get("messages"), list):
                raise ValueError
            yield messages
            if not body.get("has_more"):
                return
            asked = {**asked, "cursor": str((body.get("response_metadata") or {}).get("next_cursor") or "")}
            if not asked["cursor"]:
                break
        yield None

    def _receipt(self, ts: str, thread: str | None = None) -> PartReceipt:
        """With its address when the workspace's is known. A twin shows all messages on one page."""
        if (twin := self._connection.address) is not None:
            return PartReceipt(id=ts, url=f"{twin}/#{self.network}-{ts}")
        workspace, channel = (self._connection.credentials.get(name) for name in ("workspace", "channel_id"))
        there = urlsplit(workspace.get_secret_value()).hostname or "" if workspace else ""
        if channel is None or not _WORKSPACE.fullmatch(there):
            return PartReceipt(id=ts)
        number = channel.get_secret_value()
        below = f"?thread_ts={thread}&cid={number}" if thread else ""
        return PartReceipt(id=ts, url=f"https://{there}/archives/{number}/p{ts.replace('.', '')}{below}")

    def _is_own(self, url: str) -> bool:
        """Whether an upload goes to Slack, and nowhere else."""
        parts = urlsplit(url)
        if self._connection.address is not None:
            return url.startswith(f"{self._connection.address}/")
        return parts.scheme == "https" and (parts.hostname or "").endswith(".slack.com") and "@" not in parts.netloc

    def _is_ready(self, id: str) -> bool:
        """Whether Slack knows what kind of file it is; until then no message can show it."""
        file = self._ask("GET", "files.info", params={"file": id}).get("file")
        return isinstance(file, dict) and bool(file.get("mimetype"))

    def _ready(self, handle: str) -> str:
        id = handle.removeprefix(_PENDING)
        if handle != id and not self._is_ready(id):
            raise Unavailable("Slack is still processing an uploaded picture; nothing was posted")
        return id

    def _ask(self, method: str, name: str, **what: Any) -> dict[str, Any]:
        """The object of a call that may be repeated freely. Raises a PublishError that is never Unconfirmed."""
        return understood(self._send(name, method=method, **what), self._token, creating=False)

    def _send(self, name: str, *, method: str = "POST", **what: Any) -> Answer:
        return converse(self._connection, method, self._url(name), headers=self._headers(), repeatable=True, **what)

    @property
    def _channel(self) -> str:
        return self._connection.secret("channel_id")

    @property
    def _token(self) -> str:
        return self._connection.secret("bot_token")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _url(self, name: str) -> str:
        return f"{self._connection.address or _HOME}/api/{name}"


PUBLISHER = Slack


def _said_of(given: tuple[str, ...], lacks: tuple[str, ...]) -> Iterator[str]:
    """What an app may too little, too much, or does not tell (`x-oauth-scopes`), each with what to do."""
    if not given:
        yield f"Slack does not say what the app may do: see that OAuth & Permissions lists {', '.join(_SCOPES)}."
    if lacks:
        yield (f"The app lacks {', '.join(lacks)}: add {'it' if len(lacks) == 1 else 'them'} under OAuth & "
               "Permissions, then install the app again.")
    if extra := [scope for scope in given if scope not in _SCOPES]:
        yield (f"The app may do more than posting needs ({', '.join(extra)}): remove that under OAuth & Permissions, "
               "then install the app again.")
