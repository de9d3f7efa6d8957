"""A loopback double of a mail server for submission: `GET /smtp` opens one, and what it takes is a post.

The mail is read as any mail program would: RFC 5322, RFC 2045-2047, RFC 8058; read 2026-11-22.
"""
import email
import email.policy
import re
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._smtp_twin import open_door
from publishers.rehearsal._twin import Refusal, Twin

_LONGEST_LINE = 998                      # RFC 5322, 2.1.1, without its end


class _Pictures(HTMLParser):
    """The alt text of each picture that a page shows, by the id of its bytes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.alts: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img" and (there := given.get("src") or "").startswith("cid:"):
            self.alts[f"<{there.removeprefix('cid:')}>"] = given.get("alt") or ""


class MailTwin(Twin):
    network: ClassVar[str] = "mail"
    title: ClassVar[str] = "Newsletter"
    accent: ClassVar[str] = "#8a5a00"
    creates: ClassVar[tuple[str, ...]] = ("POST /mails",)

    def routes(self) -> list[Route]:
        return [Route("/smtp", self._open),
                Route("/mails", self._take, methods=["POST"])]

    def rate_limited(self, until: datetime) -> Refusal:  # noqa: ARG002 — SMTP does not say until when
        return Refusal(429, "")

    def unauthorized(self) -> Refusal:
        return Refusal(401, "")

    def overloaded(self, until: datetime | None) -> Refusal:  # noqa: ARG002
        return Refusal(503, "")

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        match = re.search(rb"(?im)^message-id:\s*<([^>\s]+)>", body[:20_000])
        return match[1].decode("latin-1") if match else ""

    async def _open(self, request: Request) -> Response:
        mails = f"{request.url.scheme}://{request.url.netloc}/{self.network}/mails"
        return JSONResponse({"host": "127.0.0.1", "port": open_door(mails, self._account_with)})

    def _account_with(self, password: str) -> str | None:
        return None if password in ("", "expired") else self.account_of(password)

    async def _take(self, request: Request) -> Response:
        """What a server makes sure of before it says yes; the rest is the sender's business."""
        data = await request.body()
        account = bytes.fromhex(request.headers.get("x-account", "")).decode()
        if any(len(line) > _LONGEST_LINE for line in data.split(b"\r\n")) or b"\n" in data.replace(b"\r\n", b""):
            raise Refusal(422, "")
        mail = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        if mail.defects or any(len(mail.get_all(name, [])) != 1 for name in ("From", "Date", "Message-ID")):
            raise Refusal(422, "")
        self._keep_mail(account, mail)
        return JSONResponse({"queued": True})

    def _keep_mail(self, account: str, mail: EmailMessage) -> None:
        plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
        text = plain.get_content().replace("\r\n", "\n") if plain is not None else ""
        alts = _Pictures(page.get_content()).alts if page is not None else {}
        media = []
        for piece in mail.walk():
            if piece.is_multipart() or piece.get_filename() is None:
                continue
            body = piece.get_payload(decode=True)
            id = self.keep_media(body if isinstance(body, bytes) else b"", name=str(piece.get_filename()),
                                 mime=piece.get_content_type(), account=account)
            if alt := alts.get(str(piece["Content-ID"] or ""), str(piece["Content-Description"] or "")):
                self.describe_media(id, alt)
            media.append(id)
        # a server sends what it took twice twice, by whatever name
        self.keep(account=account, text=f"{mail['Subject'] or ''}\n\n{text}".strip(), media=media,
                  id=str(mail["Message-ID"]).strip("<> "),
                  extra={"headers": {name: str(value) for name, value in mail.items()}})


TWIN = MailTwin
