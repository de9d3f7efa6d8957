"""A newsletter, handed to a mail server: to the address of a list, or to a few people, as one mail.

RFC 5321 (SMTP), 6409 (submission), 8314 (TLS), 4954 (login), 1870 (SIZE), 8058 (one-click unsubscribe); read
2026-11-22. Nothing can be read back: a mail whose answer was lost is for a person to look for. Servers sign it (DKIM).
"""
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from email.utils import format_datetime, formatdate
from typing import TYPE_CHECKING, ClassVar

from publishers._addresses import address_in
from publishers._http import converse, moment
from publishers._judging import Piece, joined, judged, no_title, no_warning, problem
from publishers._mail_text import FILES, IMAGES, Letterhead, as_handle, mail, message_id
from publishers.base import (
    Connection,
    Found,
    Limits,
    Option,
    Outgoing,
    OutgoingPart,
    Sent,
    Setup,
    Verified,
)
from schemas.errors import Unauthorized, Unavailable
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

if TYPE_CHECKING:
    from publishers._smtp import Door

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}")
_ID = re.compile(r"<?(?P<id>[a-z2-7]{24}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,8})>?")
_RECIPIENTS = 100                        # RFC 5321, 4.5.3.1.8: so many every server takes in one go
_ALL_FILES = 7_000_000                   # bytes: ten million as base64, with room for the words
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NOBODY = "rehearsal.invalid"


class Mail:
    """One newsletter at one mail server."""

    network: ClassVar[str] = "mail"
    needs: ClassVar[tuple[str, ...]] = ("host", "user", "password", "from_address", "list_address", "unsubscribe_url")
    wants: ClassVar[tuple[str, ...]] = ("from_name", "port", "reply_to", "security")
    setup: ClassVar[Setup] = Setup(
        app="A mailbox that may send to your list: at your mail provider, or at a provider of newsletters that takes "
            "them by SMTP. For more than a few readers use a mailing list, or a provider that has one address for all.",
        fields={"host": "the provider's server for sending (submission), such as smtp.club.example",
                "user": "the name for logging in there, often the whole mail address",
                "password": "its password; with two-factor login an app password",
                "from_address": "the address that readers see as the sender; the login must be allowed to use it",
                "from_name": "the name that readers see",
                "list_address": "the address of the mailing list; or up to 100 addresses with commas between them, who "
                                "do not see each other",
                "unsubscribe_url": "an https address where one click ends the subscription, also when a mail program "
                                   "calls it by POST (RFC 8058). With several addresses it is the same for all of them",
                "reply_to": "where answers go, if not to from_address",
                "port": "587, if not set; 465 where the provider says SSL or TLS",
                "security": "starttls (port 587) or tls (port 465); none for a server on this machine alone"},
        expires="Does not expire, until the password is changed.",
        review="None; but large mail providers want SPF, DKIM and DMARC for the sender's domain, which are set at your "
               "domain's name server, and a way to unsubscribe.",
        costs="What the provider asks.", page="https://www.rfc-editor.org/rfc/rfc6409")
    options: ClassVar[tuple[Option, ...]] = ()
    limits: ClassVar[Limits] = Limits(
        text=100_000, unit="characters", alt=1_000, images=10, image_bytes=900_000, image_types=tuple(IMAGES),
        documents=5, document_bytes=900_000, document_types=tuple(FILES), mixes_media=True, title=200, parts=1,
        per_hour=5,
        source="our own numbers: RFC 5321 has none, and servers take ten million bytes or more in all",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.blind)
    # a file goes inside the mail, so its handle is the file itself; small ones are in no archive, and made anew
    handles_live_s: ClassVar[float] = 30 * 86_400.0
    handles_are_shared: ClassVar[bool] = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        limits = self.limits.with_overrides(message.limits)
        return [*judged(message, _pieces(message), limits, self.length, self.options), *no_title(message),
                *no_warning(message), *_too_heavy(message)]

    def compose(self, message: Message) -> Outgoing:
        from publishers._markup import html  # a parser; `drumbeat check` must not wait for it

        (piece,) = _pieces(message) or (Piece("post", "", (), message.place("")),)
        markdown = "\n\n".join(part.markdown for part in message.parts if part.markdown.strip())
        text, page = _clean(piece.text), html(_clean(markdown))
        if message.card:                 # a link that would be a card elsewhere: nobody shall miss it
            text, page = f"{text}\n\n{_clean(message.card)}", f"{page}\n{html(f'<{_clean(message.card)}>')}"
        request = {"subject": " ".join(_clean(message.title or "").split()), "text": text, "html": page}
        if message.language and re.fullmatch(r"[A-Za-z0-9-]{2,35}", message.language):
            request["language"] = message.language
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=(OutgoingPart(
            kind="post", text=text, request=request, media=tuple(media.blob for media in piece.media),
            alts=tuple(_clean(media.alt or "") for media in piece.media),
            names=tuple(media.name for media in piece.media), key=idempotency_key(message.slot, 0)),))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Nothing leaves: a mail server takes no file before its mail."""
        what = outgoing.parts[part]
        return {blob: as_handle(read(blob), name) for blob, name in zip(what.media, what.names, strict=True)}

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """The server took the mail for everybody, once."""
        from publishers._smtp import hand_over  # ssl and all; `drumbeat check` must not wait for it

        what, recipients, head = outgoing.parts[part], self._recipients(), self._letterhead()
        door, sent_at = self._door()
        hand_over(door, head.sender, recipients, mail(what, head, so_far.handles, sent_at),
                  connect_timeout_s=self._connection.connect_timeout_s, total_s=self._connection.request_timeout_s)
        return self._receipt(message_id(what, head.sender))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """Nobody can ask a mail server what it sent."""
        return Found((), complete=False)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes the mail's Message-ID, with or without its brackets."""
        said = address.strip()
        twin = self._connection.address
        if twin is not None and (given := address_in(said)) is not None:
            said = given.anchored(twin, self.network) or ""
        if (match := _ID.fullmatch(said)) is None:
            raise ValueError("a newsletter is named by the Message-ID in its source, such as "
                             "<abcdefghijklmnopqrstuvwx@club.example>")
        return self._receipt(match["id"])

    def verify(self) -> Verified:
        """Logs in, and sends nothing."""
        from publishers._smtp import knock

        head = self._letterhead()
        self._recipients()
        door, _ = self._door()
        knock(door, connect_timeout_s=self._connection.connect_timeout_s, total_s=self._connection.request_timeout_s)
        return Verified(head.sender)

    def _receipt(self, id: str) -> PartReceipt:
        twin = self._connection.address
        return PartReceipt(id=id, url=f"{twin}/#{self.network}-{id}" if twin is not None else None)

    def _door(self) -> "tuple[Door, str]":
        """The server, and the date of a mail that is handed over now: it decides nothing, and readers want one.

        RFC 5322, 3.6.1 demands it, and RFC 6409, 8.2 leaves it to the server whether to add one that is missing. No
        answer of a server tells the time, so the mail library stamps it, as others sign their requests.
        """
        from publishers._smtp import Door

        user, password = self._connection.secret("user"), self._connection.secret("password")
        if (twin := self._connection.address) is not None:
            answer = converse(self._connection, "GET", f"{twin}/smtp", repeatable=True)
            at = moment(answer.headers.get("date", ""))
            try:
                port = int(json.loads(answer.body)["port"])
            except (ValueError, KeyError, TypeError, RecursionError):
                raise Unavailable("the rehearsal does not say where its mail server listens") from None
            return Door("127.0.0.1", port, "none", user, password), format_datetime(at) if at else formatdate()
        given = {name: value.get_secret_value().strip() for name, value in self._connection.credentials.items()}
        port_said = given.get("port") or "587"
        if not re.fullmatch(r"[0-9]{1,5}", port_said) or not 0 < int(port_said) < 65_536:
            raise Unauthorized("port must be a number such as 587; nothing was sent")
        security = given.get("security") or ("tls" if port_said == "465" else "starttls")
        if security not in ("starttls", "tls", "none"):
            raise Unauthorized("security must be starttls or tls; nothing was sent")
        if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", given["host"]):
            raise Unauthorized("host must be the name of a server, such as smtp.club.example; nothing was sent")
        return Door(given["host"], int(port_said), security, user, password), formatdate()

    def _letterhead(self) -> Letterhead:
        """Raises Unauthorized for settings that would make no mail."""
        if self._connection.address is not None:
            name = re.sub(r"[^a-z0-9-]", "-", self._connection.account.lower()).strip("-") or "us"
            return Letterhead(f"{name}@{_NOBODY}", self._connection.account, None, f"readers@{_NOBODY}",
                              f"https://{_NOBODY}/unsubscribe")
        given = {name: value.get_secret_value().strip() for name, value in self._connection.credentials.items()}
        for name in ("from_address", "reply_to"):
            if given.get(name) and not _ADDRESS.fullmatch(given[name]):
                raise Unauthorized(f"{name} must be one mail address; nothing was sent")
        there = given["unsubscribe_url"]
        if not re.fullmatch(r"https://[!-;=?-~]{1,900}", there):
            raise Unauthorized("unsubscribe_url must be an https address; nothing was sent")
        recipients = self._recipients()
        name = " ".join(_clean(given.get("from_name", "")).split())
        return Letterhead(given["from_address"], name or None, given.get("reply_to") or None,
                          recipients[0] if len(recipients) == 1 else None, there)

    def _recipients(self) -> tuple[str, ...]:
        """Each once. Raises Unauthorized, which names none of them."""
        if self._connection.address is not None:
            return (f"readers@{_NOBODY}",)
        said = [one.strip() for one in self._connection.secret("list_address").split(",")]
        found = tuple(dict.fromkeys(one for one in said if one))
        if wrong := [number for number, one in enumerate(found, 1) if not _ADDRESS.fullmatch(one)]:
            raise Unauthorized(f"number {wrong[0]} in list_address is no mail address; nothing was sent")
        if not found or len(found) > _RECIPIENTS:
            raise Unauthorized(f"list_address holds {len(found)} addresses; one mail goes to 1 to {_RECIPIENTS}. For "
                               "more readers use a mailing list; nothing was sent")
        return found


def _pieces(message: Message) -> tuple[Piece, ...]:
    """All that the message says as one mail: it has neither threads nor comments, and a reader misses nothing."""
    return joined(message.model_copy(update={
        "parts": tuple(part.model_copy(update={"kind": "post"}) for part in message.parts)}))


def _too_heavy(message: Message) -> Iterator[Problem]:
    for piece in _pieces(message):
        total = sum(media.size for media in piece.media)
        if total > _ALL_FILES:
            yield problem(message, "TXT001", piece.media[0].place,
                          f"{total:,}/{_ALL_FILES:,} bytes of files on {message.slot.channel}.",
                          "Make them smaller, or put them on a page and link to it.")


def _clean(text: str) -> str:
    """The text with one kind of line end, and without control characters."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


PUBLISHER = Mail
