"""What Instagram takes, refuses and does not show: the part of the adapter that needs no network."""
import re
from collections.abc import Iterator
from typing import Any

from publishers._judging import Piece, ending, form_of, joined, judged, no_warning, option, problem, several
from publishers.base import Limits, Option
from schemas.message import Media, Message
from schemas.problem import Problem, Severity

VIDEOS = ("mp4", "mov")
CAROUSEL = 10                            # files of one post; ig-user/media, read 2026-11-22
MENTIONS, COLLABORATORS = 20, 3          # the same
MODEST_HASHTAGS = 5                      # what the Help Center speaks of since December 2025; the API's number is 30
MODEST_COMMENT = 300                     # the rule of the API of 2014; today's reference gives none
STORY_SECONDS, STORY_BYTES = (3.0, 60.0), 100_000_000
OPTIONS = (
    Option("story", "publish it as a story, which is gone after a day", ("true", "false")),
    Option("share_to_feed", "show a reel in the profile's grid too, not only among reels", ("true", "false")),
    Option("collaborators", "up to three accounts that are asked to be co-authors", many=True),
    Option("location_id", "the number of a Facebook page that has a place: the post is tagged with it"),
    Option("thumb_offset", "which moment of a reel is its cover, in milliseconds from the start"),
)

_HASHTAG = re.compile(r"(?<![\w&])#\w+")
_MENTION = re.compile(r"(?<![\w@.])@[A-Za-z0-9_.]{1,30}")
_LINK = re.compile(r"https?://\S+|(?<![\w@./-])www\.\S+")
_NUMBER = re.compile(r"[0-9]{1,20}")


def pieces(message: Message) -> tuple[Piece, ...]:
    """One post, its words joined, and its first comments. A story has no words."""
    made = joined(message)
    return tuple(piece._replace(text="") if piece.kind == "post" and is_story(message) else piece for piece in made)


def is_story(message: Message) -> bool:
    return option(message, "story") == "true"


def alt_of(message: Message, media: Media) -> str:
    """What is said of a file to those who do not see it. Reels and stories take no such words."""
    return "" if is_story(message) or ending(media.name) in VIDEOS else media.alt or ""


def body_of(message: Message, piece: Piece, limits: Limits) -> dict[str, Any]:
    """The fields of the container, before its media; of a comment, those of the comment."""
    if piece.kind == "comment":
        return {"message": piece.text}
    if is_story(message):
        return {"media_type": "STORIES"}
    body: dict[str, Any] = {"caption": piece.text} if piece.text else {}
    if len(piece.media) > 1:
        body["media_type"] = "CAROUSEL"
    elif piece.media and form_of(piece.media[0], limits) == "video":
        body["media_type"] = "REELS"
        body |= {name: said for name in ("share_to_feed", "thumb_offset") if (said := option(message, name))}
    elif piece.media and (alt := alt_of(message, piece.media[0])):
        body["alt_text"] = alt
    if names := [name.strip().removeprefix("@") for name in several(message, "collaborators")]:
        body["collaborators"] = names
    if place := option(message, "location_id"):
        body["location_id"] = place
    return body


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why Instagram would refuse the message, and a warning for what readers would not get."""
    if is_story(message):
        limits = limits.model_copy(update={"image_ratio": None, "images": 1, "videos": 1, "mixes_media": False,
                                           "video_seconds": STORY_SECONDS, "video_bytes": STORY_BYTES})
    made = pieces(message)
    yield from judged(message, made, limits, len, OPTIONS)
    yield from no_warning(message)
    for piece in made:
        yield from _bad_words(message, piece, limits)
        if piece.kind == "comment":
            yield from _bad_comment(message, piece)
        elif len(piece.media) > CAROUSEL and max(_forms(piece, limits)) <= CAROUSEL:
            yield problem(message, "TXT001", piece.media[CAROUSEL].place,
                          f"{len(piece.media)}/{CAROUSEL} pictures and videos on {message.slot.channel}.",
                          f"Take {len(piece.media) - CAROUSEL} out, or name other channels for them.")
    yield from _bad_story(message)
    yield from _bad_options(message)
    if message.card:
        yield problem(message, "SUP002", message.place("link"),
                      f"Instagram shows no link cards: the link is left out on {message.slot.channel}.",
                      "Set 'link_placement: bio' for the channel, and put the link into its profile.",
                      Severity.warning)


def _forms(piece: Piece, limits: Limits) -> tuple[int, int]:
    videos = sum(form_of(one, limits) == "video" for one in piece.media)
    return len(piece.media) - videos, videos


def _bad_words(message: Message, piece: Piece, limits: Limits) -> Iterator[Problem]:
    """Too many hashtags or mentions, and links that nobody can follow."""
    channel = message.slot.channel
    tags, mentions = len(_HASHTAG.findall(piece.text)), len(_MENTION.findall(piece.text))
    if limits.hashtags is not None and tags > limits.hashtags >= len(message.hashtags):
        yield problem(message, "TXT001", piece.place, f"{tags}/{limits.hashtags} hashtags on {channel}.",
                      f"Keep the {limits.hashtags} that people search for.")
    elif tags > MODEST_HASHTAGS:
        yield problem(message, "TXT001", piece.place, f"{tags} hashtags on {channel}: Instagram counts on "
                      f"{MODEST_HASHTAGS} at most.", f"Keep the {MODEST_HASHTAGS} that people search for.",
                      Severity.warning)
    if mentions > MENTIONS:
        yield problem(message, "TXT001", piece.place, f"{mentions}/{MENTIONS} mentions on {channel}.",
                      f"Name at most {MENTIONS} accounts.")
    if _LINK.search(piece.text):
        yield problem(message, "SUP002", piece.place, f"Nobody can follow a link in a text on {channel}.",
                      "Set 'link_placement: bio' for the channel, and put the link into its profile.",
                      Severity.warning)


def _bad_comment(message: Message, piece: Piece) -> Iterator[Problem]:
    channel = message.slot.channel
    if is_story(message):
        yield problem(message, "TXT006", piece.place, f"A story takes no comment ({channel}).",
                      "Take the first comment out, or 'story: true'.")
    if piece.media or not piece.text.strip():
        yield problem(message, "TXT006", piece.place, f"A first comment on {channel} is text and nothing else.",
                      "Write its text, and move pictures into the post.")
    elif len(piece.text) > MODEST_COMMENT:
        yield problem(message, "TXT001", piece.place, f"{len(piece.text)} characters of comment on {channel}: more "
                      f"than {MODEST_COMMENT} may be refused when the post is out already.",
                      f"Shorten the comment to {MODEST_COMMENT} characters.", Severity.warning)


def _bad_story(message: Message) -> Iterator[Problem]:
    if is_story(message) and any(part.text.strip() for part in message.parts if part.kind == "post"):
        yield problem(message, "SUP002", message.parts[0].place,
                      f"A story shows its picture only: the text is left out on {message.slot.channel}.",
                      "Put the words into the picture.", Severity.warning)


def _bad_options(message: Message) -> Iterator[Problem]:
    channel = message.slot.channel
    if len(names := several(message, "collaborators")) > COLLABORATORS:
        yield problem(message, "SUP003", message.place("options.collaborators"),
                      f"{len(names)}/{COLLABORATORS} co-authors on {channel}.", f"Name at most {COLLABORATORS}.")
    for name in ("location_id", "thumb_offset"):
        if (said := option(message, name)) and not _NUMBER.fullmatch(said):
            yield problem(message, "SUP003", message.place(f"options.{name}"),
                          f"'{name}' is a number, and '{said}' is none ({channel}).", "Write digits only.")
