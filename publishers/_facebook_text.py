"""What Facebook takes and refuses of a message: the part of the adapter that needs no network."""
from collections.abc import Iterator
from datetime import date

from publishers._judging import Piece, form_of, joined, judged, no_warning, problem
from publishers._text import nfc
from publishers.base import Limits
from schemas.message import Message
from schemas.problem import Problem, Severity

LONG_TEXT = 5_000           # characters; nothing documented, but readers see the first lines only
LIMITS = Limits(
    text=60_000, unit="characters", comment=8_000, alt=1_000, images=10, image_bytes=10_000_000,
    image_types=("jpg", "jpeg", "bmp", "png", "gif", "tif", "tiff"), parts=1,
    source="developers.facebook.com/docs/graph-api/reference/page/photos (photos); text 63,206, comment 8,000 and "
           "10 photos are customary numbers, nowhere documented: 60,000 keeps a margin",
    read=date(2026, 11, 22))


def pieces_of(message: Message) -> list[Piece]:
    """The post, the parts of a thread one below the other, and then its comments.

    The card's link ends the text when photos leave no card.
    """
    pieces = list(joined(message))
    if not pieces or pieces[0].kind != "post":
        pieces.insert(0, Piece("post", "", (), message.place("")))
    if message.card and pieces[0].media:
        pieces[0] = pieces[0]._replace(text=f"{pieces[0].text}\n\n{message.card}".strip())
    return pieces


def request_of(message: Message, piece: Piece) -> dict[str, str]:
    """The form fields of one create call, as the Graph API documents them; a card is no field beside photos."""
    fields = {"message": piece.text} if piece.text else {}
    return fields | ({"link": message.card} if message.card and piece.kind == "post" and not piece.media else {})


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why Facebook would refuse the message, and a warning for a text nobody reads to its end."""
    channel = message.slot.channel
    post, *comments = pieces_of(message)
    films = [media for media in post.media if form_of(media, limits) == "video"]
    yield from (problem(message, "TXT006", film.place,
                        f"No video goes to {channel}: Facebook says yes to one before there is a post, and nobody can "
                        f"look whether it ever came: {film.file}.",
                        "Post it there by hand, or link to it; and name the channels that it is for: "
                        f"{{file: {film.name}, channels: […]}}.") for film in films)
    shown = post._replace(media=tuple(media for media in post.media if media not in films),
                          text=post.text or message.card or "")      # a link alone is a post
    yield from judged(message, [shown, *(comment._replace(media=()) for comment in comments)], limits, len)
    if LONG_TEXT < len(post.text) <= (limits.text or 0):
        yield problem(message, "TXT001", post.place, f"{len(post.text)}/{LONG_TEXT} on {channel}.",
                      f"Add '## on {channel}' with a shorter text.", Severity.warning)
    for comment in comments:
        if not comment.text.strip() or comment.media:
            yield problem(message, "TXT006", comment.place, f"A first comment on {channel} is text and nothing else.",
                          "Write its text, and move images into the post.")
    yield from no_warning(message)


def plain(text: str) -> str:
    """Text as it is compared: Facebook may compose letters anew and change white space, no more."""
    return " ".join(nfc(text).split())
