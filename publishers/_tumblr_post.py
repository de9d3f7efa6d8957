"""What a message says to Tumblr: one post of blocks, its pictures and tags, and what Tumblr refuses of it. Pure.

Sources: github.com/tumblr/docs, api.md (POST /posts; pictures of 10 MB) and npf-spec.md ("Post Content Limits", alt
text), read 2026-11-22. How many tags a post may have is documented nowhere: 30 is what its own editor takes.
"""
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from publishers._blogs import article
from publishers._judging import Piece, judged, no_warning, option, problem
from publishers._text import nfc
from publishers._tumblr_text import blocks_of, heading, links_in
from publishers.base import Limits, Option, OutgoingPart
from schemas.ledger import idempotency_key
from schemas.message import Media, Message
from schemas.problem import Problem

MOST_BLOCKS, MOST_LINKS, MOST_BYTES, TAG = 1_000, 100, 900_000, 140
TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}
LIMITS = Limits(
    text=None, unit="characters", alt=4_096, images=30, image_bytes=10_000_000, image_types=tuple(TYPES), parts=1,
    title=4_096, hashtags=30, source="github.com/tumblr/docs, api.md and npf-spec.md; 30 tags: its own editor",
    read=date(2026, 11, 22))
OPTIONS = (
    Option("slug", "the last piece of the post's address; else Tumblr makes one"),
    Option("source", "what the post names as its source; else the post's 'link:'"),
    Option("reblogs", "who may reblog the post", ("everyone", "noone")),
)
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def part_of(message: Message) -> OutgoingPart:
    """The whole message as one post. A picture is named by its place: `image-0` is the first of `media`."""
    said = article(message.model_copy(update={"card": None}))
    texts = (*heading(title_of(message)), *blocks_of(said.markdown))
    content: list[dict[str, Any]] = [text.as_json() for text in texts]
    content += [_picture(picture, number) for number, picture in enumerate(said.pictures)]
    if message.card:
        content.append({"type": "link", "url": message.card})
    request = {"content": content, "state": "published", "tags": ",".join(tags_of(message)),
               "source_url": option(message, "source", message.link or ""), "slug": option(message, "slug"),
               "interactability_reblog": option(message, "reblogs")}
    return OutgoingPart(
        kind="post", text="\n".join(text.text for text in texts),
        request={name: value for name, value in request.items() if value or name in ("content", "tags")},
        media=tuple(picture.blob for picture in said.pictures), names=tuple(one.name for one in said.pictures),
        alts=tuple(picture.alt or "" for picture in said.pictures), key=idempotency_key(message.slot, 0))


def _picture(picture: Media, number: int) -> dict[str, Any]:
    form = {"type": mime_of(picture.name), "identifier": f"image-{number}"}
    if picture.probe is not None and picture.probe.width and picture.probe.height:
        form |= {"width": picture.probe.width, "height": picture.probe.height}  # type: ignore[dict-item]
    return {"type": "image", "media": [form], **({"alt_text": picture.alt} if picture.alt else {})}


def with_uploaded(request: Mapping[str, Any], uploaded: Sequence[Any]) -> dict[str, Any]:
    """The request with what Tumblr says of each of its pictures, in their order, in place of their names."""
    pictures = iter(uploaded)
    content = [{**block, "media": next(pictures)} if block["type"] == "image" else block
               for block in request["content"]]
    return {**request, "content": content}


def mime_of(name: str) -> str:
    return TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def title_of(message: Message) -> str:
    return " ".join((message.title or "").split())


def tags_of(message: Message) -> tuple[str, ...]:
    """The hashtags. A comma would end one."""
    return tuple(tag.replace(",", " ").strip() for tag in message.hashtags)


def said_in(content: object) -> tuple[str, int]:
    """The text of a post's blocks as it is compared, and its number of pictures. Raises TypeError or AttributeError."""
    if not isinstance(content, list):
        raise TypeError
    texts = [str(block.get("text") or "") for block in content if block.get("type") == "text"]
    return plain("\n".join(texts)), sum(block.get("type") == "image" for block in content)


def plain(text: str) -> str:
    """Text as it is compared: letters may be composed anew and white space changed, no more."""
    return " ".join(nfc(text).split())


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why Tumblr would refuse the message."""
    said, channel = article(message), message.slot.channel
    content = part_of(message).request["content"]
    # signs of Markdown and nothing else are no text
    words = said.text if content else ""
    yield from judged(message, (Piece("post", words, said.pictures, said.place),), limits, len, OPTIONS)
    yield from no_warning(message)
    links = links_in(blocks_of(said.markdown))
    for counted, most, what in ((len(content), MOST_BLOCKS, "paragraphs, list items and pictures"),
                                (links, MOST_LINKS, "links"),
                                (len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")), MOST_BYTES,
                                 "bytes of text with its formatting")):
        if counted > most:
            yield problem(message, "TXT001", said.place, f"{counted:,}/{most:,} {what} on {channel}.",
                          f"Add '## on {channel}' with a shorter text.")
    for tag in tags_of(message):
        if len(tag) > TAG:
            yield problem(message, "TXT001", message.place("hashtags"),
                          f"{len(tag)}/{TAG} characters of a tag on {channel}: {tag[:40]}…", "Take a shorter one.")
    if (slug := option(message, "slug")) and not (_SLUG.fullmatch(slug) and len(slug) <= TAG):
        yield problem(message, "SUP003", message.place("options.slug"), f"'slug' cannot be {slug[:60]} on {channel}.",
                      "Write small letters, digits and single hyphens.")
    if (source := option(message, "source")) and not re.fullmatch(r"https?://[^\s<>\"]+", source):
        yield problem(message, "SUP003", message.place("options.source"),
                      f"'source' cannot be {source[:60]} on {channel}.", "Write a whole address, with https://.")
