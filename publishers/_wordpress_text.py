"""What an article says to WordPress: its fields, which are HTML there, and what becomes of them as a draft. Pure."""
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from publishers._blogs import article, note
from publishers._judging import option, several
from publishers._markup import html
from publishers.base import Limits, OutgoingPart
from schemas.ledger import idempotency_key
from schemas.message import Message
from schemas.problem import Problem

UPLOAD_PHP_TAKES = 2_097_152             # php.net/manual/en/ini.core.php: upload_max_filesize, "2M" unless set
POST_PHP_TAKES = 8_388_608               # the same: post_max_size, "8M" unless set


def notes(message: Message, limits: Limits) -> Iterator[Problem]:
    """What goes out, but perhaps not as its writer thinks."""
    channel = message.slot.channel
    if option(message, "canonical"):
        yield note(message, "options.canonical",
                   f"WordPress keeps no canonical address of its own: {channel} goes out without it.",
                   "Set it in the site's SEO plugin, or name the original in the text.")
    for picture in article(message).pictures if "image_bytes" not in message.limits else ():
        if UPLOAD_PHP_TAKES < picture.size <= limits.image_bytes:
            yield note(message, "media",
                       f"{picture.size:,} bytes: {picture.file}. Many sites take uploads of {UPLOAD_PHP_TAKES:,} bytes "
                       "at most.",
                       f"Make it smaller, or set 'limits: {{image_bytes: …}}' of {channel} to what Media → Add New "
                       "says on the site.")


def part_of(message: Message) -> OutgoingPart:
    """The whole message as one article. Tags, categories and pictures stand in it by name, in a draft by number."""
    said = article(message)
    request: dict[str, Any] = {
        "content": shown(html(said.markdown)), "status": "publish", "slug": option(message, "slug"),
        "excerpt": escape(option(message, "excerpt"), quote=False), "comment_status": option(message, "comments"),
        "tags": list(message.hashtags), "categories": list(several(message, "categories")),
        "featured_media": {"caption": escape(option(message, "caption"), quote=False)} if said.pictures else None}
    title = {"title": escape(" ".join((message.title or "").split()), quote=False)}
    return OutgoingPart(
        kind="post", text=said.text, request=title | {field: value for field, value in request.items() if value},
        media=tuple(picture.blob for picture in said.pictures), names=tuple(picture.name for picture in said.pictures),
        alts=tuple(picture.alt or "" for picture in said.pictures), key=idempotency_key(message.slot, 0))


def draft_of(part: OutgoingPart, slug: str, handles: Mapping[str, str], tags: list[int],
             categories: list[int]) -> dict[str, Any]:
    """The draft's fields: the first picture is the featured one, the others stand behind the text."""
    files = [handles[blob].partition(" ") for blob in part.media]
    figures = [f'\n<figure class="wp-block-image"><img src="{shown(escape(address))}" alt="{shown(escape(alt))}" '
               f'class="wp-image-{id}" /></figure>'
               for (id, _, address), alt in zip(files, part.alts, strict=True)]
    body = {**part.request, "status": "draft", "slug": slug, "tags": tags,
            "content": part.request.get("content", "") + "".join(figures[1:]),
            "featured_media": int(files[0][0]) if files else 0}
    return body | {"categories": categories} if categories else body     # without any, the site's own default


def again_of(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that bring a draft up to date: what an older edition said, and this one does not, is emptied.

    Status and slug are as they are, and stay so: it may have gone out since it was found. WordPress gives a post
    without a category the site's own when it is published. `comment_status` has no word for "as the site has it".
    """
    return {"excerpt": "", "categories": [],
            **{field: value for field, value in draft.items() if field not in ("status", "slug")}}


def caption_of(part: OutgoingPart, number: int) -> str:
    """What stands under picture `number` of a part: only the first has a caption."""
    return str(part.request["featured_media"]["caption"]) if number == 0 else ""


def shown(content: str) -> str:
    """HTML whose square brackets are text: `[gallery]` would be a command to WordPress."""
    return content.replace("[", "&#91;").replace("]", "&#93;")
