"""What X is sent and what it would refuse: texts, options, polls and files as a message has them, and their price.

Thinking only. Sources: docs.x.com (counting characters, media best practices, pricing, changelog) and X's OpenAPI
description 2.168, read 2026-11-22.
"""
import re
from collections.abc import Iterable, Iterator
from typing import Any

from publishers._judging import (
    Piece,
    bad_media,
    bad_options,
    bad_poll,
    form_of,
    no_warning,
    option,
    problem,
    too_long,
)
from publishers._text import accidental_links, links, weighted_length
from publishers._x_files import CAPTIONS, GIF_BYTES, GIF_FRAMES, GIF_PIXELS, GIF_SIDES, moves, subtitle_of
from publishers.base import Limits, Option, Outgoing
from schemas.message import Media, Message
from schemas.problem import Problem, Severity

MOST_CASHTAGS = 1           # docs.x.com, changelog, read 2026-11-22
FEW_HASHTAGS = 2            # advice, not a limit
USUAL_TEXT = 280            # an account that may write more is a paying one, which may film for longer too
PAYING_SECONDS = (0.5, 7_500.0)         # 125 minutes; docs.x.com, media best practices, read 2026-11-22

# USD; docs.x.com/x-api/getting-started/pricing, read 2026-11-22: "Content: Create", "with URL", "Media metadata"
POST_USD, POST_WITH_LINK_USD, DESCRIPTION_USD = 0.015, 0.2, 0.005

OPTIONS = (
    Option("reply_settings", "Who may reply to the first post; without it everybody.",
           ("following", "mentionedUsers", "subscribers", "verified")),
    Option("made_with_ai", "Tells readers that a picture or video was made by a machine.", ("true", "false")),
    Option("paid_partnership", "Tells readers that somebody paid for the post.", ("true", "false")))

_PAID = ("ad", "gifted", "affiliate", "partner")
_FLAT, _LOW = 3.0, 32       # a video is at most three times as wide as high, or as high as wide; and its least side
_VIDEO_SIDES = (1_280, 1_024)
_SPACE = r"\x09-\x0D\x20\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_CASHTAG = re.compile(rf"(?:^|(?<=[{_SPACE}]))\$[a-z]{{1,6}}(?:[._][a-z]{{1,2}})?(?=$|[\W_])", re.IGNORECASE)
_HASHTAG = re.compile(r"(?<![\w&/])[#＃](?!https?://)\w*[^\W\d_]\w*")
_NEVER = re.compile("[\uFFFE\uFEFF\uFFFF\uD800-\uDFFF]")


def pieces(message: Message) -> tuple[Piece, ...]:
    """One for each part. X makes a card of a link in the first post, so that is where the card's link stands."""
    parts = tuple(Piece(part.kind, part.text, _once(part.media), part.place) for part in message.parts)
    if not parts or message.card is None or message.card in parts[0].text:
        return parts
    first = parts[0]
    text = f"{first.text}\n\n{message.card}" if first.text.strip() else message.card
    return (first._replace(text=text), *parts[1:])


def body_of(message: Message, index: int, piece: Piece) -> dict[str, Any]:
    """The body of a create call, before media ids and reply ids. A poll, and who may reply, go with the first post."""
    body: dict[str, Any] = {"text": piece.text} if piece.text.strip() else {}
    if index == 0 and message.poll is not None:
        body["poll"] = {"options": list(message.poll.options), "duration_minutes": -(-message.poll.lasts_s // 60)}
    if index == 0 and (who := option(message, "reply_settings")):
        body["reply_settings"] = who
    if option(message, "made_with_ai") == "true" or any(media.ai == "generated" for media in piece.media):
        body["made_with_ai"] = True
    if option(message, "paid_partnership") == "true" or message.disclosure in _PAID:
        body["paid_partnership"] = True      # in every post of a thread: each is shown on its own
    return body


def files_of(message: Message, piece: Piece, limits: Limits) -> tuple[tuple[str, str, str], ...]:
    """Blob, alt text and name of each file; the subtitles of a video behind it, their language in their name.

    X shows no alt text with a video (docs.x.com, media metadata: images and GIFs only, read 2026-11-22).
    """
    files: list[tuple[str, str, str]] = []
    for media in piece.media:
        is_video = form_of(media, limits) == "video"
        files.append((media.blob, "" if is_video else media.alt or "", media.name))
        if is_video and media.captions is not None:
            files.append((media.captions.blob, "", subtitle_of(media.captions.name, message.language)))
    return tuple(dict.fromkeys(files))


def price(outgoing: Outgoing) -> float:
    """What X takes for it, in USD. A bare name that X makes a link of is one that costs: in doubt it is billed so."""
    posts = sum(POST_WITH_LINK_USD if links(part.text) else POST_USD for part in outgoing.parts)
    return round(posts + DESCRIPTION_USD * sum(1 for part in outgoing.parts for alt in part.alts if alt), 3)


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why X would refuse the message; links nobody meant, and hashtags that cost readers."""
    parts = pieces(message)
    if not parts or parts[0].kind != "post":
        yield problem(message, "TXT006", parts[0].place if parts else message.place(""),
                      f"There is nothing to post on {message.slot.channel}.", "Write a text, or add a picture.")
    for piece in parts:
        if not piece.text.strip() and not piece.media:
            yield problem(message, "TXT006", piece.place, f"X takes no empty post on {message.slot.channel}.",
                          "Write a text, or add a picture.")
        yield from too_long(message, piece, limits, weighted_length)
        yield from _bad_words(message, piece)
        yield from _bad_files(message, piece, limits)
    yield from bad_poll(message, limits)
    yield from _bad_answers(message)
    yield from bad_options(message, OPTIONS)
    yield from no_warning(message)


def _once(media: Iterable[Media]) -> tuple[Media, ...]:
    """Each file as it was first named: what is said of it first counts."""
    first: dict[str, Media] = {}
    for one in media:
        first.setdefault(one.blob, one)
    return tuple(first.values())


def _bad_words(message: Message, piece: Piece) -> Iterator[Problem]:
    channel, text = message.slot.channel, piece.text
    if len(cashtags := _CASHTAG.findall(text)) > MOST_CASHTAGS:
        yield problem(message, "TXT006", piece.place, f"X takes one cashtag on {channel}, not {', '.join(cashtags)}.",
                      f"Keep {cashtags[0]} and write the others without the dollar sign.")
    if odd := _NEVER.search(text):
        yield problem(message, "TXT006", piece.place, f"X takes no U+{ord(odd[0]):04X} on {channel}.",
                      "Delete the invisible character, or type the line anew.")
    unmeant = tuple(dict.fromkeys(accidental_links(text)))
    costs = not set(links(text)) - set(unmeant)
    for link in unmeant:
        yield problem(message, "TXT005", piece.place, f"X makes a link of {link} on {channel}: it counts 23" + (
            f", and the post costs {POST_WITH_LINK_USD:.2f} USD, not {POST_USD:g}." if costs else "."),
            f"Put a word joiner (U+2060) or a space before the dot of {link}, or write https:// if it is meant.",
            Severity.warning)
    if len(hashtags := _HASHTAG.findall(text)) > FEW_HASHTAGS:
        yield problem(message, "TXT001", piece.place, f"{len(hashtags)}/{FEW_HASHTAGS} hashtags on {channel}.",
                      f"Keep the {FEW_HASHTAGS} that people follow.", Severity.advice)


def _bad_answers(message: Message) -> Iterator[Problem]:
    poll = message.poll
    if poll is not None and (len(poll.options) < 2 or not all(answer.strip() for answer in poll.options)):
        yield problem(message, "TXT006", poll.place, f"A poll on {message.slot.channel} has two answers at least, none "
                      "of them empty.", "Write another answer.")


def _bad_files(message: Message, piece: Piece, limits: Limits) -> Iterator[Problem]:
    moving = [media for media in piece.media if moves(media)]
    if limits.text is None or limits.text > USUAL_TEXT:
        limits = limits.model_copy(update={"video_seconds": PAYING_SECONDS})
    if len(piece.media) > 1 and moving:
        yield problem(message, "TXT006", moving[0].place,
                      f"X takes a moving GIF alone on {message.slot.channel}: {moving[0].file}.",
                      "Take the other files out, or split the post with '***' before it.")
    yield from bad_media(message, [media for media in piece.media if media not in moving], limits)
    yield from bad_media(message, moving[:1], limits.model_copy(
        update={"image_bytes": message.limits.get("image_bytes", GIF_BYTES)}))
    for media in moving:
        yield from _bad_gif(message, media)
    for media in piece.media:
        if form_of(media, limits) == "video":
            yield from _bad_video(message, media, paying=limits.video_seconds == PAYING_SECONDS)


def _bad_gif(message: Message, media: Media) -> Iterator[Problem]:
    """Within these numbers a moving GIF is likely to be taken; beyond them it may be."""
    probe, channel = media.probe, message.slot.channel
    assert probe is not None
    width, height, frames = probe.width or 0, probe.height or 0, probe.frames or 1
    if frames > GIF_FRAMES:
        yield problem(message, "TXT001", media.place, f"{frames}/{GIF_FRAMES} frames on {channel}: {media.file}.",
                      "Leave every second frame out, or save it as a video.", Severity.warning)
    if width > GIF_SIDES[0] or height > GIF_SIDES[1] or width * height * frames > GIF_PIXELS:
        yield problem(message, "TXT001", media.place,
                      f"{width} × {height} with {frames} frames is more than X is sure to take on {channel}: "
                      f"{media.file}.", f"Make it at most {GIF_SIDES[0]} × {GIF_SIDES[1]}, or save it as a video.",
                      Severity.warning)


def _bad_video(message: Message, media: Media, *, paying: bool) -> Iterator[Problem]:
    probe, channel = media.probe, message.slot.channel
    if media.captions is not None and media.captions.name.rpartition(".")[2].lower() not in CAPTIONS:
        yield problem(message, "TXT006", media.captions.place,
                      f"X takes no such subtitles on {channel}: {media.captions.file}.",
                      f"Save them as one of: {', '.join(CAPTIONS)}.")
    if probe is None or not probe.width or not probe.height:
        return
    long, short = max(probe.width, probe.height), min(probe.width, probe.height)
    if short < _LOW or long > _FLAT * short:
        yield problem(message, "TXT006", media.place,
                      f"X takes no video of {probe.width} × {probe.height} on {channel}: {media.file}.",
                      f"Cut it to at most {_FLAT:g} times as long as wide, {_LOW} pixels at least.")
    elif not paying and (long > _VIDEO_SIDES[0] or short > _VIDEO_SIDES[1]):
        yield problem(message, "TXT001", media.place,
                      f"{probe.width} × {probe.height} is more than the {_VIDEO_SIDES[0]} × {_VIDEO_SIDES[1]} that X "
                      f"documents for accounts that do not pay, on {channel}: {media.file}.",
                      "Save it in 720p, or set 'limits: {text: 25000}' if the account pays.", Severity.warning)
