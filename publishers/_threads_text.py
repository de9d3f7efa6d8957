"""What Threads counts, takes and refuses: the part of the adapter that needs no network.

Sources: developers.facebook.com/documentation/threads posts (April 2026), create-posts/polls, spoilers and
text-attachments (July 2026), reference/publishing; read 2026-11-22.
"""
import re
from collections.abc import Iterator
from string import ascii_lowercase
from typing import Any

from publishers._judging import Piece, form_of, judged, option, problem, threaded
from publishers._text import utf8_bytes
from publishers.base import Limits, Option
from schemas.message import Message
from schemas.problem import Problem, Severity

VIDEOS = ("mp4", "mov")
CAROUSEL = 20                            # files of one post
LINKS = 5                                # different ones in a post; more are THREADS_API__LINK_LIMIT_EXCEEDED
POLL_S = 86_400                          # how long a poll of the app runs; the API lets nobody choose
REPLY_CONTROLS = ("everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only")
OPTIONS = (
    Option("topic_tag", "the topic of the post, without '#': 1 to 50 characters, no '.' and no '&'"),
    Option("reply_control", "who may answer", REPLY_CONTROLS),
)

_TOPIC = re.compile(r"[^.&\n]{1,50}")
_HASHTAG = re.compile(r"(?<![\w&])#(?!\d+\b)\w+")
_LINK = re.compile(r"(?:https?://|(?<![\w@./-])www\.)[^\s<>\"]+", re.IGNORECASE)
_BEHIND_LINK = ".,;:!?)]}'\"’”…"
_FLAG = "[\U0001F1E6-\U0001F1FF]"
_FLAGS_IN_A_ROW = re.compile(f"(?:{_FLAG}{_FLAG})+(?={_FLAG})")


def length(text: str) -> int:
    """Characters, where an emoji counts as its bytes in UTF-8: 4 for 😀, 25 for a family of four.

    An emoji is a grapheme cluster with a pictograph, a flag letter or a keycap in it. What other characters count is
    not documented beyond "characters": one each.
    """
    if text.isascii():
        return len(text)
    import regex

    makes_emoji = frozenset(regex.findall(r"[\p{Extended_Pictographic}\p{Regional_Indicator}\u20E3]", text))
    if not makes_emoji:
        return len(text)

    # a row of flags is cut to its last one: `regex` looks back over a whole row at each of them
    rest = _FLAGS_IN_A_ROW.sub("", text)
    counted = 4 * (len(text) - len(rest)) + len(rest)
    for emoji in regex.finditer(r"\X", rest):
        cluster = emoji.group()
        if not makes_emoji.isdisjoint(cluster):
            counted += utf8_bytes(cluster) - len(cluster)
    return counted


def pieces(message: Message) -> tuple[Piece, ...]:
    """A post for each part, with what readers are warned of above its words.

    A card is an attachment of a post of words alone; elsewhere its link stands in the text.
    """
    made = []
    for number, piece in enumerate(threaded(message)):
        text = piece.text
        if number == 0 and message.card and not attachable(message, piece) and message.card not in text:
            text = f"{text}\n\n{message.card}".strip()
        if message.warning and piece.kind == "post" and text.strip():
            text = f"{message.warning}\n\n{text}"
        made.append(piece._replace(text=text))
    return tuple(made)


def attachable(message: Message, piece: Piece) -> bool:
    """Whether a link can be attached: to words alone. Nowhere is it said that a poll leaves room for it."""
    return not piece.media and message.poll is None


def body_of(message: Message, piece: Piece, number: int, limits: Limits) -> dict[str, Any]:
    """The fields of the container, before its media and the post that it answers."""
    body: dict[str, Any] = {"media_type": _media_type(piece, limits)}
    if piece.text:
        body["text"] = piece.text
    if len(piece.media) == 1 and piece.media[0].alt:
        body["alt_text"] = piece.media[0].alt
    if number == 0:
        body |= {name: said for name in ("topic_tag", "reply_control") if (said := option(message, name))}
        if "topic_tag" in body:
            body["topic_tag"] = body["topic_tag"].removeprefix("#")
        if message.card and attachable(message, piece):
            body["link_attachment"] = message.card
        if message.poll is not None:
            body["poll_attachment"] = {f"option_{letter}": answer for letter, answer
                                       in zip(ascii_lowercase, message.poll.options, strict=False)}
    if message.warning and piece.kind == "post":
        if piece.media:
            body["is_spoiler_media"] = "true"
        if hidden := _hidden(message.warning, piece.text):
            body["text_entities"] = [hidden]
    return body


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why Threads would refuse the message, and a warning for what readers would not get."""
    channel, made = message.slot.channel, pieces(message)
    yield from judged(message, made, limits, length, OPTIONS)
    for number, piece in enumerate(made):
        if not piece.text.strip() and not piece.media and any(one.text.strip() or one.media for one in made):
            yield problem(message, "TXT006", piece.place, f"Part {number + 1} is empty on {channel}.",
                          "Write its text, or take it out.")
        videos = sum(form_of(one, limits) == "video" for one in piece.media)
        if len(piece.media) > CAROUSEL and max(videos, len(piece.media) - videos) <= CAROUSEL:
            yield problem(message, "TXT001", piece.media[CAROUSEL].place,
                          f"{len(piece.media)}/{CAROUSEL} pictures and videos on {channel}.",
                          f"Take {len(piece.media) - CAROUSEL} out, or split the post with '***'.")
        card = message.card if number == 0 and message.card and attachable(message, piece) else None
        if (links := len(_links(piece.text) | ({card} if card else set()))) > LINKS:
            yield problem(message, "TXT001", piece.place, f"{links}/{LINKS} different links on {channel}.",
                          f"Keep {LINKS}, or split the post with '***'.")
        if len(set(_HASHTAG.findall(piece.text))) + bool(number == 0 and option(message, "topic_tag")) > 1:
            yield problem(message, "SUP002", piece.place, f"A post on {channel} has one topic: the other hashtags stay "
                          "plain words.", "Keep the one that people search for.",
                          Severity.warning)
        if message.warning and piece.kind == "post" and piece.text and not _hidden(message.warning, piece.text):
            yield problem(message, "SUP002", piece.place, f"The text stays readable under its warning on {channel}: "
                          "Threads does not say how it counts emoji in what it hides.",
                          f"Write '## on {channel}' without emoji.", Severity.warning)
    yield from _bad_topic(message)
    if message.poll is not None and message.poll.lasts_s != POLL_S:
        yield problem(message, "SUP002", message.poll.place, f"Every poll on {channel} runs for one day.",
                      "Write 'for: 1d', or leave the channel out.", Severity.warning)


def _media_type(piece: Piece, limits: Limits) -> str:
    if not piece.media:
        return "TEXT"
    if len(piece.media) > 1:
        return "CAROUSEL"
    return "VIDEO" if form_of(piece.media[0], limits) == "video" else "IMAGE"


def _hidden(warning: str, text: str) -> dict[str, Any] | None:
    """What stands below the warning, as a spoiler; None where the ways to count would differ, or nothing does.

    In what unit places are counted is nowhere said; without characters beyond U+FFFF letters and UTF-16 agree.
    """
    start = len(warning) + 2
    if len(text) <= start or any(letter > "\uffff" for letter in text):
        return None
    return {"entity_type": "SPOILER", "offset": start, "length": len(text) - start}


def _links(text: str) -> set[str]:
    return {link.rstrip(_BEHIND_LINK) for link in _LINK.findall(text)}


def _bad_topic(message: Message) -> Iterator[Problem]:
    topic = option(message, "topic_tag").removeprefix("#")
    if topic and not _TOPIC.fullmatch(topic):
        yield problem(message, "SUP003", message.place("options.topic_tag"),
                      f"'{topic}' cannot be a topic on {message.slot.channel}.",
                      "A topic has 1 to 50 characters, and neither '.' nor '&'.")
