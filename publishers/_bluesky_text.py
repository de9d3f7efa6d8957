"""What Bluesky counts, refuses and shows: the part of the adapter that needs no network.

Sources: lexicons app.bsky.feed.post, app.bsky.embed.images, .external, .video and com.atproto.label.defs of 2026;
docs.bsky.app/docs/tutorials/video and /advanced-guides/moderation; read 2026-11-22.
"""
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from publishers._bluesky_facets import TAG_GRAPHEMES, Marked, long_tags, marked
from publishers._judging import Piece, ending, form_of, judged, option, problem, several, threaded
from publishers._text import graphemes_apart, utf8_bytes
from publishers.base import Limits, Option
from schemas.message import Media, Message
from schemas.problem import Problem, Severity

EMBED = "app.bsky.embed"
TEXT_BYTES = 3_000
THUMB_BYTES = 1_000_000
VIDEO_ALT = 1_000                        # graphemes
CAPTION_BYTES = 20_000
LANGUAGES = 3
LABELS = ("sexual", "nudity", "porn", "graphic-media")
OPTIONS = (
    Option("languages", "Languages of the post besides its own, three in all, such as en or pt-BR.", many=True),
    Option("labels", "What the pictures show, for readers who want to be asked before they see it.", LABELS, many=True),
    Option("links", "How addresses in the text are shown: whole, or short as in the app.", ("whole", "short")),
    Option("card_title", "Title of the link card; else the post's title, else the name of the site."),
    Option("card_text", "The words under the title of the link card."),
    Option("card_image", "true: the post's picture is shown on its link card and nowhere else.", ("true", "false")),
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")      # the lexicon's `language` is BCP 47


class Shown(NamedTuple):
    """One post as it will stand there. `files`: all that is uploaded, subtitles behind their video."""

    piece: Piece                         # its text as readers see it
    marked: Marked
    card: str | None                     # the address of its link card
    files: tuple[Media, ...]


def shown(message: Message) -> tuple[Shown, ...]:
    """Each part as a post of its own. A post holds pictures or a card, so a card beside pictures goes into the text."""
    made = []
    for number, piece in enumerate(threaded(message)):
        card = message.card if number == 0 and (not piece.media or _is_card_image(message)) else None
        text = piece.text
        if number == 0 and message.card and card is None and message.card not in text:
            text = f"{text}\n\n{message.card}".strip()
        seen = marked(text, option(message, "links") == "short")
        captions = tuple(media.captions for media in piece.media if media.captions is not None)
        made.append(Shown(piece._replace(text=seen.text), seen, card, (*piece.media, *captions)))
    return tuple(made)


def length(text: str) -> int:
    """Grapheme clusters; where servers differ by the age of their Unicode tables, the longer count holds."""
    return graphemes_apart(text)


def record(message: Message, post: Shown, limits: Limits) -> dict[str, Any]:
    """The record without what is known later: when it was made, whom it answers, the files, and who is mentioned."""
    languages, labels = languages_of(message), several(message, "labels")
    made: dict[str, Any] = {"$type": "app.bsky.feed.post", "text": post.piece.text}
    if facets := post.marked.facets():
        made["facets"] = facets
    if languages:
        made["langs"] = list(languages)
    if labels:
        made["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": label} for label in labels]}
    if embed := _embed(message, post, limits):
        made["embed"] = embed
    return made


def alts(post: Shown) -> tuple[str, ...]:
    """The words that go with each file: a card's picture and subtitles have none."""
    has = post.card is None
    return tuple((file.alt or "") if has and place < len(post.piece.media) else ""
                 for place, file in enumerate(post.files))


def languages_of(message: Message) -> tuple[str, ...]:
    """The post's own first, each once."""
    own = (message.language,) if message.language else ()
    return tuple(dict.fromkeys((*own, *several(message, "languages"))))


def with_files(embed: dict[str, Any], blobs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The embed of a record with its uploaded files, which come in the order of `Shown.files`."""
    if embed["$type"] == f"{EMBED}.images":
        images = [{**image, "image": blob} for image, blob in zip(embed["images"], blobs, strict=True)]
        return {**embed, "images": images}
    if embed["$type"] == f"{EMBED}.video":
        video, *subtitles = blobs
        captions = [{**said, "file": blob} for said, blob in zip(embed.get("captions", ()), subtitles, strict=True)]
        return {**embed, "video": video, **({"captions": captions} if captions else {})}
    return {**embed, "external": {**embed["external"], **({"thumb": blobs[0]} if blobs else {})}}


def shape(embed: Any) -> tuple[str, int]:
    """What an embed is, and of how many pictures: enough to tell one post from another."""
    if not isinstance(embed, dict):
        return "", 0
    images = embed.get("images")
    return str(embed.get("$type")), len(images) if isinstance(images, list) else 0


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why a server would refuse the message, or readers would not see it as it was meant."""
    posts = shown(message)
    yield from judged(message, [post.piece for post in posts], limits, length, OPTIONS)
    for post in posts:
        yield from _bad_text(message, post)
        yield from _bad_files(message, post, limits)
    yield from _bad_card(message, posts)
    yield from _bad_languages(message)
    if message.warning:
        yield problem(message, "SUP002", message.place("warning"),
                      f"{message.slot.channel} has no content warnings in words: the post goes out without it there.",
                      "Choose 'labels:' under the channel's options for what the pictures show, or begin "
                      f"'## on {message.slot.channel}' with the words.", Severity.warning)


def _embed(message: Message, post: Shown, limits: Limits) -> dict[str, Any] | None:
    if post.card is not None:
        title = option(message, "card_title") or message.title or urlsplit(post.card).hostname or post.card
        return {"$type": f"{EMBED}.external", "external": {"uri": post.card, "title": title,
                                                           "description": option(message, "card_text")}}
    media = post.piece.media
    if not media:
        return None
    if form_of(media[0], limits) == "video":
        language = message.language or "en"
        captions = [{"lang": language} for _ in post.files[len(media):]]
        return {"$type": f"{EMBED}.video", **({"alt": media[0].alt} if media[0].alt else {}), **_ratio(media[0]),
                **({"captions": captions} if captions else {})}
    return {"$type": f"{EMBED}.images", "images": [{"alt": one.alt or "", **_ratio(one)} for one in media]}


def _ratio(media: Media) -> dict[str, Any]:
    """Width and height, so that the app leaves room before the file has come; nothing where nobody looked."""
    probe = media.probe
    if probe is None or not probe.width or not probe.height:
        return {}
    return {"aspectRatio": {"width": probe.width, "height": probe.height}}


def _is_card_image(message: Message) -> bool:
    return option(message, "card_image") == "true"


def _bad_text(message: Message, post: Shown) -> Iterator[Problem]:
    channel, text = message.slot.channel, post.piece.text
    if (size := utf8_bytes(text)) > TEXT_BYTES:
        yield problem(message, "TXT001", post.piece.place, f"{size:,}/{TEXT_BYTES:,} bytes on {channel}.",
                      "Take out some emoji: one made of several can have 25 bytes and more.")
    if not text.strip() and not post.piece.media and any(part.text.strip() or part.media for part in message.parts):
        yield problem(message, "TXT006", post.piece.place, f"One post of the thread on {channel} would be empty.",
                      "Write a text there, or take one '***' out.")
    for tag in dict.fromkeys(long_tags(text)):
        yield problem(message, "SUP002", post.piece.place,
                      f"#{tag[:20]}… is no hashtag on {channel}: one has at most {TAG_GRAPHEMES} characters.",
                      "Shorten it.", Severity.warning)


def _bad_files(message: Message, post: Shown, limits: Limits) -> Iterator[Problem]:
    channel = message.slot.channel
    for media in post.piece.media:
        if form_of(media, limits) == "video":
            if (words := graphemes_apart(media.alt or "")) > VIDEO_ALT:
                yield problem(message, "TXT001", media.place,
                              f"{words}/{VIDEO_ALT} characters of alt text for a video on {channel}: {media.file}.",
                              f"Say the same in {VIDEO_ALT} characters.")
            if media.captions is not None:
                yield from _bad_captions(message, media.captions)
        elif media.probe is not None and (media.probe.frames or 1) > 1:
            yield problem(message, "SUP002", media.place, f"{media.file} moves, and {channel} may show it as a still.",
                          "Save it as an MP4 video.", Severity.warning)


def _bad_captions(message: Message, captions: Media) -> Iterator[Problem]:
    channel = message.slot.channel
    if ending(captions.name) != "vtt":
        yield problem(message, "TXT006", captions.place,
                      f"{channel} takes subtitles as WebVTT (.vtt) only: {captions.file}.", "Save them as .vtt.")
    if captions.size > CAPTION_BYTES:
        yield problem(message, "TXT001", captions.place,
                      f"{captions.size:,}/{CAPTION_BYTES:,} bytes of subtitles on {channel}: {captions.file}.",
                      "Shorten them, or cut the video.")
    if not message.language:
        yield problem(message, "SUP002", captions.place,
                      f"{channel} will say that the subtitles are English: the post names no language.",
                      "Add 'language: …' to the post.", Severity.warning)


def _bad_card(message: Message, posts: Sequence[Shown]) -> Iterator[Problem]:
    channel = message.slot.channel
    if not posts or posts[0].card is None:
        return
    media = posts[0].piece.media
    if len(media) > 1:
        yield problem(message, "TXT001", media[1].place, f"{len(media)}/1 pictures on the link card on {channel}.",
                      "Keep the one that the card is to show.")
    for one in media:
        if ending(one.name) == "mp4":
            yield problem(message, "TXT006", one.place, f"A link card on {channel} shows no video: {one.file}.",
                          "Take 'card_image' out, or name a picture.")
        elif one.size > THUMB_BYTES:
            yield problem(message, "TXT001", one.place,
                          f"{one.size:,}/{THUMB_BYTES:,} bytes of a link card's picture on {channel}: {one.file}.",
                          f"Make the image smaller than {THUMB_BYTES / 1_000_000:g} MB.")


def _bad_languages(message: Message) -> Iterator[Problem]:
    languages, place = languages_of(message), message.place("options.languages")
    if len(languages) > LANGUAGES:
        yield problem(message, "TXT001", place, f"{len(languages)}/{LANGUAGES} languages on {message.slot.channel}.",
                      "Keep those that the text is written in.")
    for language in languages:
        if not _LANGUAGE.fullmatch(language):
            yield problem(message, "SUP003", place, f"'{language}' is no language on {message.slot.channel}.",
                          "Write its code, such as en or pt-BR.")
