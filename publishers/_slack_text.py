"""What Slack counts, refuses and shows: the part of the adapter that needs no network."""
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from publishers._chat_blocks import Block, blocks_of, visible_text_of, with_link
from publishers._chat_markup import slack_blocks
from publishers._judging import Piece, no_warning, option, unique
from schemas.message import Media, Message
from schemas.problem import Problem

EVENT = "drumbeat_part"
"""The kind of the metadata by which a message is found again; readers do not see it."""
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Said(NamedTuple):
    """A part as Slack gets it."""

    piece: Piece                         # its text is what readers see
    blocks: tuple[Block, ...]


def escaped(text: str) -> str:
    """The three signs that begin links and mentions in Slack's texts, as what they are.

    Source: docs.slack.dev/messaging/formatting-message-text#escaping, read 2026-11-22.
    """
    return re.sub("[&<>]", lambda sign: _ENTITIES[sign[0]], text)


def said(message: Message) -> tuple[Said, ...]:
    """Each part in order. Slack makes a card of a link in the text, and of nothing else."""
    made = []
    for number, part in enumerate(message.parts):
        blocks = with_link(blocks_of(message, part), message.card if number == 0 else None)
        made.append(Said(Piece(part.kind, visible_text_of(blocks), unique(part.media), part.place), blocks))
    return tuple(made)


def alt_of(media: Media) -> str:
    """Slack wants words for every picture; where there are none, it is the file's name."""
    return media.alt or media.name


def request_of(message: Message, one: Said, key: str) -> dict[str, Any]:
    """The body of the create call, before the channel, the pictures' ids and the thread.

    Rich text and not "mrkdwn": that has no sign for "this is a letter", so an author's `*` or `_` would vanish. `text`
    is what notifications and screen readers say; with `mrkdwn` off and `parse` none its three signs are all there is.
    """
    shows_cards = option(message, "preview") != "none"
    pictures = [{"type": "image", "alt_text": alt_of(media)} for media in one.piece.media]
    fallback = one.piece.text or "\n".join(map(alt_of, one.piece.media))
    return {"text": escaped(fallback), "mrkdwn": False, "parse": "none", "link_names": False,
            "blocks": [*slack_blocks(one.blocks), *pictures], "unfurl_links": shows_cards, "unfurl_media": shows_cards,
            "metadata": {"event_type": EVENT, "event_payload": {"key": key}}}


def with_files(request: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """The body with each picture's file in its block."""
    left = iter(ids)
    return {**request, "blocks": [{**block, "slack_file": {"id": next(left)}} if block["type"] == "image" else block
                                  for block in request["blocks"]]}


def key_in(message: Mapping[str, Any]) -> str | None:
    """The key that we wrote into a message's metadata; None for anybody else's message."""
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT:
        return None
    payload = metadata.get("event_payload")
    return str(payload.get("key")) if isinstance(payload, dict) else None


def problems_of(message: Message) -> Iterator[Problem]:
    """What only Slack refuses, and what it does not have."""
    yield from no_warning(message)
