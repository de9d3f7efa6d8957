"""What Mastodon counts, refuses and shows: the part of the adapter that needs no network.

Sources: mastodon/mastodon, app/validators/status_length_validator.rb, app/validators/poll_options_validator.rb,
app/services/post_status_service.rb, app/models/media_attachment.rb; docs.joinmastodon.org methods/statuses and
user/posting; read 2026-11-22.
"""
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from publishers._html import visible_text
from publishers._judging import Piece, ending, form_of, judged, option, problem, threaded
from publishers._mastodon_links import countable, without_servers
from publishers._text import graphemes_apart, nfc
from publishers.base import Limits, Option, OutgoingPart
from schemas.message import Message
from schemas.problem import Problem, Severity

IMAGES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
          "avif": "image/avif", "heic": "image/heic", "heif": "image/heif"}
FILMS = {"mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"}
SOUNDS = {"mp3": "audio/mpeg", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg", "wav": "audio/wav",
          "flac": "audio/flac", "aac": "audio/aac", "m4a": "audio/mp4", "3gp": "audio/3gpp", "wma": "video/x-ms-asf"}
LIMITS = Limits(
    text=500, unit="characters", link_length=23, alt=1500, images=4, image_bytes=16_777_216, image_types=tuple(IMAGES),
    image_pixels=33_177_600, gif_pixels=921_600, videos=1, video_bytes=103_809_024, video_types=(*FILMS, *SOUNDS),
    poll_options=4, poll_option=50, poll_seconds=(300, 2_592_000),      # servers take 10.5 h more; 30 days is a word
    source="docs.joinmastodon.org/entities/Instance and user/posting (defaults; a server may have others); GIF: "
           "app/models/concerns/attachmentable.rb",
    read=date(2026, 11, 22))
VIDEO_PIXELS = 8_294_400                 # MAX_VIDEO_MATRIX_LIMIT: no server can be set otherwise
_YES_OR_NO = ("true", "false")
OPTIONS = (
    # not "direct": that reaches the people who are mentioned and nobody else, which is a message and no post
    Option("visibility", "Who sees it: everybody; everybody, but in no public timeline; followers only.",
           ("public", "unlisted", "private")),
    Option("sensitive", "Hides the pictures until a reader asks for them.", _YES_OR_NO),
    Option("quotes", "Who may quote it (servers of version 4.5 and later).", ("public", "followers", "nobody")),
    Option("poll_multiple", "Readers may choose several answers of the poll.", _YES_OR_NO),
    Option("poll_hide_totals", "Votes are not shown before the poll has ended.", _YES_OR_NO),
)
_FILLED = ("📹", "🎵", "🖼", ".")          # what a server writes behind a warning when there is no text


def pieces_of(message: Message) -> list[Piece]:
    """A post for each part, each file once. There is no field for a card: a server makes one of a link in the text."""
    pieces = list(threaded(message))
    if pieces and message.card is not None and message.card not in pieces[0].text:
        pieces[0] = pieces[0]._replace(text=f"{pieces[0].text}\n\n{message.card}".strip())
    return pieces


def length(text: str, link_length: int | None, warning: str = "") -> int:
    """Characters as the server counts them; a link counts `link_length`, `@user@server` as `@user`.

    A warning counts too, letter by letter, its links as long as they are. A character is a grapheme cluster; where
    servers differ by the age of their Unicode tables, the longer count holds, so that none refuses what was checked.
    """
    return graphemes_apart(warning + countable(text, link_length))


def plain(text: str) -> str:
    """The form in which what was sent and what came back are the same: NFC, one space for any white space."""
    return " ".join(nfc(without_servers(text)).split())


def request_of(message: Message, number: int, text: str) -> dict[str, Any]:
    """What part `number` says to the server, before media ids and the post it answers."""
    chosen: dict[str, Any] = {"status": text, "visibility": option(message, "visibility", "public")}
    if message.language:
        chosen["language"] = message.language.split("-")[0]
    if message.warning:
        chosen["spoiler_text"] = message.warning
    if given := option(message, "sensitive"):
        chosen["sensitive"] = given == "true"
    if given := option(message, "quotes"):
        chosen["quote_approval_policy"] = given
    if message.poll is not None and number == 0:
        chosen["poll"] = {"options": list(message.poll.options), "expires_in": message.poll.lasts_s}
        for name, field in (("poll_multiple", "multiple"), ("poll_hide_totals", "hide_totals")):
            if given := option(message, name):
                chosen["poll"][field] = given == "true"
    return chosen


def says(status: Mapping[str, Any], part: OutgoingPart) -> bool:
    """Whether a post as the server shows it says what `part` says. Raises KeyError, TypeError for what is no post.

    A poll is not compared: servers write its answers anew, and one post too many in doubt does less harm than one
    too few.
    """
    shown, wanted = plain(visible_text(status["content"])), plain(part.text)
    warning, told = plain(str(part.request.get("spoiler_text", ""))), str(status.get("spoiler_text") or "")
    is_filled = bool(warning) and not wanted and shown in _FILLED
    return ((shown == wanted or is_filled) and warning in (plain(told), plain(visible_text(told)))
            and len(status["media_attachments"]) == len(part.media))


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why a server with these limits would refuse the message, and what it leaves out."""
    channel, warning = message.slot.channel, message.warning or ""
    pieces = pieces_of(message)
    yield from judged(message, pieces, limits, lambda text: length(text, limits.link_length, warning), OPTIONS)
    empty = [piece for piece in pieces if not (piece.text.strip() or piece.media)]
    for piece in empty if len(empty) < sum(piece.kind == "post" for piece in pieces) else ():
        yield problem(message, "TXT006", piece.place, f"A part of the thread on {channel} says nothing.",
                      "Write its text, or take the '***' above it out.")
    for piece in pieces:
        yield from _problems_of_films(message, piece, limits)
    if message.poll is not None and len(set(message.poll.options)) < len(message.poll.options):
        yield problem(message, "TXT006", message.poll.place, f"The poll offers the same answer twice on {channel}.",
                      "Change one of the two, or take it out.")


def _problems_of_films(message: Message, piece: Piece, limits: Limits) -> Iterator[Problem]:
    channel = message.slot.channel
    for media in piece.media:
        if form_of(media, limits) != "video":
            continue
        if media.probe is not None and (pixels := (media.probe.width or 0) * (media.probe.height or 0)) > VIDEO_PIXELS:
            yield problem(message, "TXT001", media.place,
                          f"{media.probe.width} × {media.probe.height} is {pixels:,}/{VIDEO_PIXELS:,} pixels of video "
                          f"on {channel}: {media.file}.", "Save it at most 3840 × 2160.")
        if media.captions is not None:
            yield problem(message, "SUP002", media.place,
                          f"{channel} takes no subtitles: {media.captions.name} is not sent.",
                          "Burn them into the picture there, or say in alt: what is spoken.", Severity.warning)


def mime_of(name: str) -> str:
    """What a file is, by the end of its name."""
    end = ending(name)
    return IMAGES.get(end) or FILMS.get(end) or SOUNDS.get(end) or "application/octet-stream"
