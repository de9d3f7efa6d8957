"""What Telegram counts, refuses and shows: the part of the adapter that needs no network."""
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from publishers._chat_blocks import blocks_of, with_link
from publishers._chat_markup import Marked, telegram_html
from publishers._judging import Piece, ending, no_warning, option, problem, unique
from publishers._text import utf16_units
from publishers.base import Limits
from schemas.message import Message
from schemas.problem import Problem, Severity

CAPTION = 1_024                          # UTF-16 units after parsing; core.telegram.org/bots/api#sendphoto
QUESTION = 300                           # characters; core.telegram.org/bots/api#sendpoll
ALBUM = 10                               # files; core.telegram.org/bots/api#sendmediagroup
SIDES = 10_000                           # width and height of a photo together; core.telegram.org/bots/api#sendphoto
_PERIOD_S = (5, 600)                     # of a poll that ends by itself; core.telegram.org/bots/api#sendpoll
_FIELDS = {"mp4": "video", "gif": "animation", "pdf": "document", "zip": "document"}


class Said(NamedTuple):
    """A part as Telegram gets it. `is_poll`: its words are the question of the message's poll."""

    piece: Piece                         # its text is what readers see: that is what Telegram counts
    markup: str
    is_poll: bool


def length(text: str) -> int:
    """UTF-16 units, as Telegram counts what is left when tags and entities are taken out."""
    return utf16_units(text)


def field_of(name: str) -> str:
    """Which of Telegram's kinds a file is: `photo`, `video`, `animation` or `document`."""
    return _FIELDS.get(ending(name), "photo")


def said(message: Message) -> tuple[Said, ...]:
    """Each part in order. A card needs no room in a text of its own; under pictures there are no cards, only links."""
    made = []
    for number, part in enumerate(message.parts):
        media, is_poll = unique(part.media), number == 0 and message.poll is not None
        blocks = blocks_of(message, part)
        if number == 0 and (media or is_poll):
            blocks = with_link(blocks, message.card)
        marked = telegram_html(blocks) if blocks else Marked("", "")
        if number == 0 and message.card and not marked.markup and not media:
            marked = telegram_html(with_link((), message.card))
        made.append(Said(Piece(part.kind, marked.visible, media, part.place), marked.markup, is_poll))
    return tuple(made)


def request_of(message: Message, one: Said, number: int) -> dict[str, Any]:
    """The body of the create call, before the chat, the files' addresses and the message replied to."""
    flags = {field: True for name, field in (("silent", "disable_notification"), ("protect", "protect_content"))
             if option(message, name) == "true"}
    names = [media.name for media in one.piece.media]
    if one.is_poll and message.poll is not None:
        ends_itself = _PERIOD_S[0] <= message.poll.lasts_s <= _PERIOD_S[1]
        period = {"open_period": message.poll.lasts_s} if ends_itself else {}
        return {"question": one.piece.text, "options": [{"text": answer} for answer in message.poll.options],
                "is_anonymous": True, **period, **flags}
    if not names:
        return {"text": one.markup, "parse_mode": "HTML", "link_preview_options": _preview(message, number), **flags}
    caption = {"caption": one.markup, "parse_mode": "HTML"} if one.markup else {}
    if len(names) == 1:
        return {**caption, **flags}
    return {"media": [{"type": field_of(name), **(caption if place == 0 else {})} for place, name in enumerate(names)],
            **flags}


def method_of(request: dict[str, Any], names: Sequence[str]) -> str:
    """Which method makes this message."""
    if "question" in request:
        return "sendPoll"
    if not names:
        return "sendMessage"
    return "sendMediaGroup" if len(names) > 1 else f"send{field_of(names[0]).capitalize()}"


def problems_of(message: Message, parts: Sequence[Said], limits: Limits) -> Iterator[Problem]:
    """What only Telegram refuses."""
    channel = message.slot.channel
    yield from no_warning(message)
    for one in parts:
        piece, kinds = one.piece, [field_of(media.name) for media in one.piece.media]
        most = min(CAPTION, limits.text) if limits.text is not None else CAPTION
        if piece.kind == "comment":
            yield problem(message, "SUP002", piece.place, f"{channel} has no first comments.",
                          "Name the channels that have them ('## first comment on …'); for the link, set "
                          "'link_placement: body' for this channel in networks/channels.yaml.")
        if piece.media and (counted := length(piece.text)) > most:
            yield problem(message, "TXT001", piece.place, f"{counted}/{most} under pictures on {channel}.",
                          f"Add '## on {channel}' with a shorter text, or take the pictures out.")
        if len(kinds) > ALBUM:
            yield problem(message, "TXT001", piece.media[ALBUM].place, f"{len(kinds)}/{ALBUM} files on {channel}.",
                          f"Take {len(kinds) - ALBUM} out, or name other channels for them.")
        alone = [media for media, kind in zip(piece.media, kinds, strict=True) if kind == "animation"]
        if alone and len(kinds) > 1:
            yield problem(message, "TXT006", alone[0].place, f"{channel} takes a GIF alone only: {alone[0].file}.",
                          f"Take the others out, or split the post with '***' before {alone[0].name}.")
        if "document" in kinds and set(kinds) != {"document"}:
            first = piece.media[kinds.index("document")]
            yield problem(message, "TXT006", first.place, f"{channel} takes documents or pictures in one post, "
                          f"not both: {first.file}.", f"Split the post with '***' before {first.name}.")
        for media in piece.media:
            probe = media.probe
            if (field_of(media.name) == "photo" and probe is not None and probe.width and probe.height
                    and probe.width + probe.height > SIDES):
                yield problem(message, "TXT001", media.place, f"{probe.width} + {probe.height}/{SIDES} pixels of width "
                              f"and height together on {channel}: {media.file}.", "Make it smaller.")
    yield from _poll_problems(message, parts)


def _poll_problems(message: Message, parts: Sequence[Said]) -> Iterator[Problem]:
    if (poll := message.poll) is None or not parts:
        return
    question, channel = parts[0].piece.text, message.slot.channel
    if not question:
        yield problem(message, "TXT006", poll.place, f"The poll on {channel} has no question.",
                      "Write it as the text of the post.")
    if length(question) > QUESTION:
        yield problem(message, "TXT001", parts[0].piece.place,
                      f"{length(question)}/{QUESTION} of a poll's question on {channel}; the whole text is the "
                      "question there.", f"Add '## on {channel}' with the question alone.")
    if len(poll.options) < 2:
        yield problem(message, "TXT006", poll.place, f"A poll on {channel} needs two answers.", "Add another one.")
    if not _PERIOD_S[0] <= poll.lasts_s <= _PERIOD_S[1]:
        yield problem(message, "SUP002", poll.place, f"A poll on {channel} ends by itself after five seconds to ten "
                      "minutes, or not at all: this one stays open.",
                      "Close it in the app: hold the poll → Stop poll.", Severity.warning)


def _preview(message: Message, number: int) -> dict[str, Any]:
    """The card under a text: of the card's link, else of the first link that Telegram finds."""
    wanted = option(message, "preview")
    if wanted == "none":
        return {"is_disabled": True}
    size = {"small": {"prefer_small_media": True}, "large": {"prefer_large_media": True}}.get(wanted, {})
    above = {"show_above_text": True} if option(message, "preview_above") == "true" else {}
    url = {"url": message.card} if number == 0 and message.card else {}
    return {**url, **size, **above}
