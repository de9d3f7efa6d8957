"""What a message says to Pinterest: a pin on a board, its words, its pictures, and what Pinterest refuses of it. Pure.

Sources: github.com/pinterest/api-description, v5/openapi.yaml 5.28 (POST /pins: lengths, media sources, 2 to 5 items);
developers.pinterest.com/docs/content/update; read 2026-11-22. 20 MB a picture is Pinterest's word for its own page.
"""
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from publishers._judging import Piece, form_of, joined, judged, no_warning, option, problem
from publishers._text import nfc
from publishers.base import Limits, Option
from schemas.message import Media, Message
from schemas.problem import Problem, Severity

LINK = 2_048                             # characters of the address that a pin leads to
_RATIO_DIFFERS = 0.02
_NUMBER = re.compile(r"[0-9]{1,30}")
LIMITS = Limits(
    text=800, unit="characters", alt=500, images=5, image_bytes=20_000_000, image_types=("jpg", "jpeg", "png"),
    title=100, needs_media=True, parts=1,
    source="github.com/pinterest/api-description, v5/openapi.yaml; 20 MB: help.pinterest.com, 'Create a Pin'",
    read=date(2026, 11, 22))
OPTIONS = (
    Option("board", "the number of the board that it is pinned to ('drumbeat connect pinterest' shows it); no default"),
    Option("section", "the number of a section of that board"),
)


def pieces_of(message: Message) -> tuple[Piece, ...]:
    """One pin, the parts of the message one below the other; comments last, to be refused."""
    return joined(message) or (Piece("post", "", (), message.place("")),)


def request_of(message: Message, piece: Piece) -> dict[str, Any]:
    """The pin without its pictures."""
    said = {"board_id": option(message, "board"), "board_section_id": option(message, "section"),
            "title": " ".join((message.title or "").split()), "description": piece.text, "link": address_of(message),
            "alt_text": alt_of(piece.media)}
    return {name: value for name, value in said.items() if value}


def with_pictures(request: dict[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    """The pin with its pictures by their addresses: one, or a carousel."""
    if len(addresses) == 1:
        return {**request, "media_source": {"source_type": "image_url", "url": addresses[0]}}
    items = [{"url": address} for address in addresses]
    return {**request, "media_source": {"source_type": "multiple_image_urls", "items": items}}


def address_of(message: Message) -> str:
    """Where the pin leads."""
    return message.link or message.card or ""


def alt_of(pictures: Sequence[Media]) -> str:
    """A pin has one alt text: that of its picture, or those of a carousel's pictures in a row."""
    return "; ".join(words for one in pictures if (words := (one.alt or "").strip()))


def plain(text: object) -> str:
    """Text as it is compared: letters may be composed anew and white space changed; nothing is as good as ""."""
    return " ".join(nfc(text).split()) if isinstance(text, str) else ""


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why Pinterest would refuse the message, and what of it nobody would see."""
    channel, pieces = message.slot.channel, pieces_of(message)
    post = pieces[0]
    films = [one for one in post.media if form_of(one, limits) == "video"]
    pictures = tuple(one for one in post.media if one not in films)
    yield from judged(message, [piece._replace(media=pictures if piece is post else ()) for piece in pieces], limits,
                      len, OPTIONS)
    yield from no_warning(message)
    for film in films:
        yield problem(message, "TXT006", film.place,
                      f"Drumbeat does not upload films to Pinterest, only pictures: {film.file} ({channel}).",
                      f"Pin it in Pinterest's own editor; name the other channels: {{file: {film.name}, "
                      "channels: […]}.")
    for comment in pieces:
        if comment.kind == "comment":
            yield problem(message, "TXT006", comment.place, f"Pinterest lets no app write comments ({channel}).",
                          f"Leave the first comment out for {channel}, or add it to the text.")
    yield from _bad_board(message)
    yield from _bad_link(message)
    if limits.alt is not None and len(pictures) > 1 and len(together := alt_of(pictures)) > limits.alt:
        yield problem(message, "TXT001", pictures[0].place,
                      f"{len(together)}/{limits.alt} characters of alt text on {channel}, for all pictures of a "
                      "carousel together.", "Say it in fewer words.")
    yield from _uneven(message, pictures)


def _bad_board(message: Message) -> Iterator[Problem]:
    channel = message.slot.channel
    if not option(message, "board"):
        yield problem(message, "TXT006", message.place("options.board"),
                      f"{channel} does not say which board it pins to.",
                      "Add 'options: {board: \"NUMBER\"}' to the channel, or to the post.")
    for name in ("board", "section"):
        if (given := option(message, name)) and not _NUMBER.fullmatch(given):
            yield problem(message, "SUP003", message.place(f"options.{name}"),
                          f"'{name}' cannot be {given[:60]} on {channel}.", "Write its number, and nothing else.")


def _bad_link(message: Message) -> Iterator[Problem]:
    if not (link := address_of(message)):
        return
    if len(link) > LINK:
        yield problem(message, "TXT001", message.place("link"),
                      f"{len(link)}/{LINK} characters of link on {message.slot.channel}.", "Take a shorter address.")
    elif not re.fullmatch(r"https?://[^\s<>\"]+", link):
        yield problem(message, "TXT006", message.place("link"),
                      f"A pin on {message.slot.channel} leads to a whole address.", "Begin 'link:' with https://.")


def _uneven(message: Message, pictures: Sequence[Media]) -> Iterator[Problem]:
    ratios = [one.probe.width / one.probe.height for one in pictures
              if one.probe is not None and one.probe.width and one.probe.height]
    if len(ratios) > 1 and max(ratios) - min(ratios) > _RATIO_DIFFERS * max(ratios):
        yield problem(message, "SUP002", pictures[0].place,
                      f"The pictures of a carousel on {message.slot.channel} differ in shape: Pinterest cuts them to "
                      "that of the first.", "Give them the same width and height, 2:3 at best.", Severity.warning)
