"""A newsletter as bytes: plain text and HTML side by side, pictures in it with their alt text, files behind it.

Pure: the same words, files and date make the same bytes. Sources: RFC 5322, 2045-2047, 2392 (cid:), 2369 and 8058
(unsubscribing with one click), read 2026-11-22.
"""
import base64
import html
import re
from collections.abc import Mapping
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from typing import NamedTuple

from publishers._judging import ending
from publishers.base import OutgoingPart
from schemas.errors import Unavailable

IMAGES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
FILES = {"pdf": "application/pdf", "ics": "text/calendar"}
_DATA = re.compile(r"data:(?P<major>[a-z]+)/(?P<minor>[a-z0-9.+-]+);base64,(?P<body>[A-Za-z0-9+/]*={0,2})")


class Letterhead(NamedTuple):
    """What every mail of the newsletter says of itself. All but `name` is ASCII, without spaces."""

    sender: str
    name: str | None
    reply_to: str | None
    to: str | None                       # None: the recipients do not see each other
    unsubscribe_url: str


def message_id(what: OutgoingPart, sender: str) -> str:
    """The same for every attempt, without the brackets: what `Message-ID` names."""
    return f"{what.key}@{sender.rpartition('@')[2].lower()}"


def as_handle(data: bytes, name: str) -> str:
    """A file as one word, for a network where nothing can be put before."""
    kind = {**IMAGES, **FILES}.get(ending(name), "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def mail(what: OutgoingPart, head: Letterhead, handles: Mapping[str, str], sent_at: str) -> bytes:
    """The whole mail. `handles`: its files by name of their bytes, as `as_handle` made them."""
    said, id = what.request, message_id(what, head.sender)
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(display_name=head.name or "", addr_spec=head.sender)
    made["To"] = head.to or "undisclosed-recipients:;"
    if head.reply_to:
        made["Reply-To"] = head.reply_to
    _say(made, "Subject", said["subject"])
    files = list(zip(what.media, what.names, what.alts, strict=True))
    pictures = [file for file in files if ending(file[1]) in IMAGES]
    made.set_content(_plain(said["text"], files, head), cte="quoted-printable")
    made.add_alternative(_page(said, pictures, id, head), subtype="html", cte="quoted-printable")
    page = made.get_payload()[1]         # type: ignore[index]
    assert isinstance(page, MIMEPart)
    for number, (blob, name, alt) in enumerate(pictures):
        _attach(page, handles, blob, name, alt, f"<{number}.{id}>")
    for blob, name, alt in files:
        if ending(name) not in IMAGES:
            _attach(made, handles, blob, name, alt, None)
    if language := said.get("language"):         # late: what is said of the content moves with it into its part
        made["Content-Language"] = language
    for number, piece in enumerate(piece for piece in made.walk() if piece.is_multipart()):
        piece.set_boundary(f"=_{what.key}_{number}")    # "=_" stands in no line of quoted-printable or base64
    # by hand: the header writer of Python would put a long address into an encoded word, which no server reads
    lines = (f"Date: {sent_at}", f"Message-ID: <{id}>", f"List-Unsubscribe: <{head.unsubscribe_url}>",
             "List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii") + made.as_bytes()


def _attach(piece: MIMEPart, handles: Mapping[str, str], blob: str, name: str, alt: str, cid: str | None) -> None:
    match = _DATA.fullmatch(handles.get(blob, ""))
    if match is None:
        raise Unavailable("a file of the mail is not at hand; nothing was sent")
    data, plain = base64.b64decode(match["body"]), _plain_name(name)
    if cid is not None:
        piece.add_related(data, match["major"], match["minor"], disposition="inline", cid=cid, filename=plain)
    else:
        piece.add_attachment(data, match["major"], match["minor"], filename=plain)
    if alt:
        *_, last = piece.iter_parts()
        _say(last, "Content-Description", " ".join(alt.split()))


def _say(piece: MIMEPart, name: str, words: str) -> None:
    """A field of the head, read as it was written.

    Python's `email` takes what looks like an encoded word (RFC 2047) for one, line breaks in it and all, which would
    let a title add fields to the head: such words are encoded here, and stand as they are.
    """
    if "=?" in words:
        piece.set_raw(name, Header(words, "utf-8", header_name=name).encode(linesep="\n"))
    else:
        piece[name] = words


def _plain(text: str, files: list[tuple[str, str, str]], head: Letterhead) -> str:
    shown = "".join(f"\n\n[{alt}]" for _, _, alt in files if alt)
    return f"{text}{shown}\n\n-- \n{head.unsubscribe_url}\n"


def _page(said: Mapping[str, str], pictures: list[tuple[str, str, str]], id: str, head: Letterhead) -> str:
    language = f' lang="{html.escape(said["language"])}"' if said.get("language") else ""
    shown = "".join(f'<p><img src="cid:{number}.{html.escape(id)}" alt="{html.escape(alt)}" style="max-width:100%"></p>'
                    "\n" for number, (_, _, alt) in enumerate(pictures))
    there = html.escape(head.unsubscribe_url)
    return (f'<!doctype html>\n<html{language}>\n<head><meta charset="utf-8"><title>{html.escape(said["subject"])}'
            f"</title></head>\n<body>\n{said['html']}\n{shown}<hr>\n"
            f'<p><a href="{there}">{there}</a></p>\n</body>\n</html>\n')


def _plain_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[-100:] or "file"
