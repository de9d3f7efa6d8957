"""What Discord counts, refuses and shows: the part of the adapter that needs no network."""
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from publishers._chat_blocks import blocks_of, visible_text_of, with_link
from publishers._chat_markup import discord_markdown
from publishers._judging import Piece, no_warning, option, problem, unique
from publishers._text import utf16_units
from publishers.base import Limits
from schemas.message import Message, Poll
from schemas.problem import Problem

QUESTION = 300                           # characters; docs.discord.com/developers/resources/poll
GALLERY = 10                             # files; docs.discord.com/developers/components/reference#media-gallery
_SUPPRESS_EMBEDS, _SUPPRESS_NOTIFICATIONS, _IS_COMPONENTS_V2 = 1 << 2, 1 << 12, 1 << 15
_TEXT_DISPLAY, _MEDIA_GALLERY = 10, 12
_HOUR_S = 3_600


class Said(NamedTuple):
    """A part as Discord gets it. `is_poll`: its words are the question of the message's poll."""

    piece: Piece                         # its text is Discord's Markdown: that is what Discord counts
    is_poll: bool


def length(text: str) -> int:
    """UTF-16 units: the documents say "characters" and no more, and whatever is meant by it, these are not fewer."""
    return utf16_units(text)


def said(message: Message) -> tuple[Said, ...]:
    """Each part in order. Discord makes a card of a link in the text, and of nothing else."""
    made = []
    for number, part in enumerate(message.parts):
        is_poll = number == 0 and message.poll is not None
        blocks = with_link(blocks_of(message, part), message.card if number == 0 else None)
        text = visible_text_of(blocks) if is_poll else discord_markdown(blocks)
        made.append(Said(Piece(part.kind, text, unique(part.media), part.place), is_poll))
    return tuple(made)


def request_of(message: Message, one: Said, key: str) -> dict[str, Any]:
    """The body of the create call, before the pictures' addresses and the message replied to.

    A picture with an alt text and without an upload in the same call is one of a gallery, among components; a message
    of components has no `content`.
    """
    flags = _SUPPRESS_NOTIFICATIONS if option(message, "silent") == "true" else 0
    flags |= _SUPPRESS_EMBEDS if option(message, "preview") == "none" else 0
    body: dict[str, Any] = {"allowed_mentions": {"parse": [], "replied_user": False}, "nonce": key,
                            "enforce_nonce": True}
    if one.is_poll and message.poll is not None:
        body["poll"] = _poll(one.piece.text, message.poll)
    elif not one.piece.media:
        body["content"] = one.piece.text
    else:
        flags |= _IS_COMPONENTS_V2
        words = [{"type": _TEXT_DISPLAY, "content": one.piece.text}] if one.piece.text else []
        items = [{"description": media.alt} if media.alt else {} for media in one.piece.media]
        body["components"] = [*words, {"type": _MEDIA_GALLERY, "items": items}]
    return body | ({"flags": flags} if flags else {})


def with_addresses(request: Mapping[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    """The body with each picture's address in its gallery."""
    if not addresses:
        return dict(request)
    *words, gallery = request["components"]
    items = [{"media": {"url": there}, **item} for item, there in zip(gallery["items"], addresses, strict=True)]
    return {**request, "components": [*words, {**gallery, "items": items}]}


def shown_in(message: Mapping[str, Any]) -> tuple[str, int]:
    """The text of a message that Discord lists, and how many pictures it shows."""
    components = [one for one in message.get("components") or () if isinstance(one, dict)]
    words = [str(message.get("content") or ""), *(str(one.get("content") or "") for one in components
                                                  if one.get("type") == _TEXT_DISPLAY)]
    if isinstance(poll := message.get("poll"), dict):
        words.append(str(poll["question"]["text"]))
    galleries = sum(len(one.get("items") or ()) for one in components if one.get("type") == _MEDIA_GALLERY)
    return plain("\n".join(word for word in words if word)), galleries or len(message.get("attachments") or ())


def plain(text: str) -> str:
    """The form in which what was sent and what came back are the same: one space for any white space."""
    return " ".join(text.split())


def problems_of(message: Message, parts: Sequence[Said], limits: Limits) -> Iterator[Problem]:
    """What only Discord refuses."""
    channel = message.slot.channel
    yield from no_warning(message)
    for one in parts:
        if len(files := one.piece.media) > GALLERY and max(limits.images, limits.videos) <= GALLERY:
            yield problem(message, "TXT001", files[GALLERY].place, f"{len(files)}/{GALLERY} files on {channel}.",
                          f"Take {len(files) - GALLERY} out, or name other channels for them.")
    if message.poll is not None and parts:
        question = parts[0].piece.text
        if not question:
            yield problem(message, "TXT006", message.poll.place, f"The poll on {channel} has no question.",
                          "Write it as the text of the post.")
        if length(question) > QUESTION:
            yield problem(message, "TXT001", parts[0].piece.place,
                          f"{length(question)}/{QUESTION} of a poll's question on {channel}; the whole text is the "
                          "question there.", f"Add '## on {channel}' with the question alone.")


def _poll(question: str, poll: Poll) -> dict[str, Any]:
    """Whole hours, the last one begun counts."""
    return {"question": {"text": question}, "answers": [{"poll_media": {"text": answer}} for answer in poll.options],
            "duration": -(-poll.lasts_s // _HOUR_S), "allow_multiselect": False}
