"""What YouTube takes of a message: a film, its title, description, tags, and what is declared about it.

Sources: developers.google.com/youtube/v3/docs/videos (snippet.title, snippet.description, snippet.tags, status),
thumbnails/set, captions/insert, read 2026-11-22.
"""
from collections.abc import Iterator
from typing import Any

from publishers._judging import Piece, ending, form_of, joined, judged, no_title, no_warning, option, problem, several
from publishers._text import nfc, utf8_bytes
from publishers.base import Limits, Option
from schemas.message import Media, Message
from schemas.problem import Problem, Severity

CATEGORIES = {"film": "1", "autos": "2", "music": "10", "pets": "15", "sports": "17", "travel": "19", "gaming": "20",
              "people": "22", "comedy": "23", "entertainment": "24", "news": "25", "howto": "26", "education": "27",
              "science": "28", "nonprofits": "29"}       # videoCategories.list, those that take new videos
CAPTION_TYPES = ("srt", "vtt", "sbv", "ttml", "dfxp", "sub", "mpsub", "lrc", "rt", "sami", "smi", "scc", "stl", "cap")
CAPTION_BYTES, TAGS = 100_000_000, 500
OPTIONS = (
    Option("privacy", "who sees the video", ("public", "unlisted")),
    Option("category", "what kind of video it is", tuple(CATEGORIES)),
    Option("tags", "words to be found by, beside the hashtags", many=True),
    Option("made_for_kids", "whether it is made for children, as the law (COPPA) means it", ("true", "false")),
    Option("license", "under which licence others may use it", ("youtube", "creativeCommon")),
    Option("embeddable", "whether other sites may show it", ("true", "false")),
    Option("public_stats", "whether its counts are shown to everyone", ("true", "false")),
    Option("notify_subscribers", "whether subscribers are told of it", ("true", "false")),
)
_PAID = ("ad", "gifted", "affiliate", "partner")
_FLAGS = {"made_for_kids": "selfDeclaredMadeForKids", "embeddable": "embeddable", "public_stats": "publicStatsViewable"}


def post_of(message: Message) -> Piece:
    """The one video: the description is the text of all parts, with the card's link below it."""
    first = next((piece for piece in joined(message) if piece.kind == "post"),
                 Piece("post", "", (), message.place("")))
    return first._replace(text="\n\n".join(filter(None, (first.text.strip(), message.card)))) if message.card else first


def film_of(post: Piece, limits: Limits) -> Media | None:
    return next((one for one in post.media if form_of(one, limits) == "video"), None)


def files_of(post: Piece, limits: Limits) -> tuple[Media, ...]:
    """The film, then its picture, then its subtitles: the order in which they are uploaded."""
    film = film_of(post, limits)
    pictures = tuple(one for one in post.media if form_of(one, limits) == "image")
    if film is None:
        return pictures[:1]
    return (film, *pictures[:1], *((film.captions,) if film.captions else ()))


def tags_of(message: Message) -> tuple[str, ...]:
    """Hashtags and the option's words, each once."""
    return tuple(dict.fromkeys(filter(None, (word.strip() for word in (*message.hashtags,
                                                                        *several(message, "tags"))))))


def tags_length(tags: tuple[str, ...]) -> int:
    """Characters of a list of tags as documented: commas between them count, and two quotes around one with a space."""
    return sum(len(tag) + 2 * (" " in tag) for tag in tags) + max(len(tags) - 1, 0)


def video_of(message: Message, post: Piece, limits: Limits) -> dict[str, Any]:
    """The video resource as it is published: everything that can be set, since what is left out is taken away."""
    film = film_of(post, limits)
    tags = tags_of(message)
    language = {"defaultLanguage": message.language, "defaultAudioLanguage": message.language}
    status: dict[str, Any] = {"privacyStatus": option(message, "privacy", "public"),
                              "license": option(message, "license", "youtube")}
    status |= {field: option(message, name) == "true" for name, field in _FLAGS.items() if option(message, name)}
    if film is not None and film.ai is not None:
        status["containsSyntheticMedia"] = film.ai != "none"
    return {
        "snippet": {"title": (message.title or "").strip(), "description": post.text,
                    "categoryId": CATEGORIES.get(option(message, "category", "people"), "22"),
                    **({"tags": list(tags)} if tags else {}), **(language if message.language else {})},
        "status": status,
        **({"paidProductPlacementDetails": {"hasPaidProductPlacement": True}} if message.disclosure in _PAID else {})}


def plain(text: str) -> str:
    """Text as it is compared: letters may be composed anew and white space changed, no more."""
    return " ".join(nfc(text).split())


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why YouTube would refuse the message, and what of it nobody would see."""
    channel, post = message.slot.channel, post_of(message)
    yield from judged(message, (post,), limits, utf8_bytes, OPTIONS)
    yield from no_title(message)
    yield from no_warning(message)
    film = film_of(post, limits)
    if film is None:
        yield problem(message, "TXT006", post.place, f"{channel} takes videos, and the post has none.",
                      "Add a video under 'media:', or leave the channel out.")
    for name, text, where in (("title", message.title or "", message.place("title")),
                              ("description", post.text, post.place)):
        if "<" in text or ">" in text:
            yield problem(message, "TXT006", where, f"{channel} takes no '<' and no '>' in a {name}.",
                          "Write ‹ ›, an arrow, or words instead.")
    yield from _bad_tags(message)
    if film is not None:
        yield from _bad_captions(message, film)
    if not option(message, "made_for_kids"):
        yield problem(message, "SUP002", message.place("options.made_for_kids"),
                      f"Nothing says whether the video on {channel} is made for children, which YouTube has to know.",
                      "Set 'made_for_kids: false' or true under the channel's 'options:'.", Severity.warning)
    for part in message.parts:
        if part.kind == "comment":
            yield problem(message, "SUP002", part.place, f"The first comment does not go to {channel}.",
                          "Write it into the description, or comment by hand and pin it.", Severity.warning)


def _bad_tags(message: Message) -> Iterator[Problem]:
    channel, tags, where = message.slot.channel, tags_of(message), message.place("options.tags")
    if (counted := tags_length(tags)) > TAGS:
        yield problem(message, "TXT001", where, f"{counted}/{TAGS} characters of tags on {channel}.",
                      "Keep those that people search for.")
    for tag in tags:
        if any(letter in tag for letter in "<>,\""):
            yield problem(message, "TXT006", where, f"{channel} takes no < > , or \" in a tag: {tag}.",
                          "Write it without, or as two tags.")


def _bad_captions(message: Message, film: Media) -> Iterator[Problem]:
    channel = message.slot.channel
    if (captions := film.captions) is None:
        return
    if ending(captions.name) not in CAPTION_TYPES:
        yield problem(message, "TXT006", captions.place,
                      f"{channel} does not take .{ending(captions.name)} files as subtitles: {captions.file}.",
                      "Save them as .srt or .vtt.")
    if captions.size > CAPTION_BYTES:
        yield problem(message, "TXT001", captions.place, f"{captions.size:,}/{CAPTION_BYTES:,} bytes of subtitles on "
                      f"{channel}: {captions.file}.", "Subtitles are text: take out what is none.")
    if not message.language:
        yield problem(message, "TXT006", captions.place, f"{channel} must know the language of subtitles.",
                      "Add 'language: en', or whichever it is, to the post or its channel.")
