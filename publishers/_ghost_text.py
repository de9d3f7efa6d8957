"""What an article says to Ghost: its fields, and what becomes of them as a draft. Pure."""
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from publishers._blogs import article, note, too_many_words
from publishers._judging import option, problem
from publishers._markup import html
from publishers.base import Option, OutgoingPart
from schemas.ledger import idempotency_key
from schemas.message import Message
from schemas.problem import Problem

EXCERPT = 300                            # characters; schema of posts.custom_excerpt, Ghost 6.65, read 2026-11-22
TAG = 191                                # the same: tags.name
CAPTION = 2_000                          # ours: Ghost takes 65,535 and no theme shows so many
OPTIONS = (
    Option("slug", "the last piece of the article's address; else the post's name and ten letters"),
    Option("excerpt", f"a summary in plain text, shown in lists, {EXCERPT} characters at most"),
    Option("canonical", "the address of the original, when the article appeared elsewhere first"),
    Option("visibility", "who may read it; else as the site has it", ("public", "members", "paid")),
    Option("featured", "whether the theme gives it a place of honour", ("true", "false")),
    Option("caption", "what stands under the first picture"),
    Option("newsletter", "the slug of a newsletter that mails the article to its members when it is published, once; "
                         "a mail cannot be taken back"),
    Option("segment", "who of the newsletter's members gets the mail, as Ghost filters members: all, status:free, "
                      "status:-free, label:…; else all"))
NOTHING: dict[str, Any] = {"custom_excerpt": None, "canonical_url": None, "featured": False, "feature_image": None,
                           "feature_image_alt": None, "feature_image_caption": None}
"""What a draft that is written again says where an older edition said something, and this one does not."""
_ONLY_THE_CALL = ("newsletter", "email_segment")


def own_problems(message: Message) -> Iterator[Problem]:
    """What only Ghost refuses, and what a writer may not think of."""
    channel = message.slot.channel
    yield from too_many_words(message, "excerpt", EXCERPT)
    yield from too_many_words(message, "caption", CAPTION)
    for name in message.hashtags:
        if len(name) > TAG:
            yield problem(message, "TXT001", message.place("hashtags"),
                          f"{len(name)}/{TAG} characters of a hashtag on {channel}.", "Take a shorter one.")
    if option(message, "newsletter"):
        yield note(message, "options.newsletter",
                   f"{channel} mails this article to members, once: nobody can take a mail back or correct it.",
                   "Have it read before it is approved; take the option out if it is not to be mailed.")
    elif option(message, "segment"):
        yield problem(message, "SUP003", message.place("options.segment"),
                      f"'segment' says who gets a mail, and {channel} sends none for this article.",
                      "Add 'newsletter:' with the newsletter's slug, or take 'segment' out.")


def part_of(message: Message) -> OutgoingPart:
    """The whole message as one article: the fields of a post, and the two of the call that publishes it."""
    said = article(message)
    first = said.pictures[0] if said.pictures else None
    request: dict[str, Any] = {
        "title": " ".join((message.title or "").split()), "html": html(said.markdown), "status": "published",
        "slug": option(message, "slug"), "custom_excerpt": option(message, "excerpt"),
        "canonical_url": option(message, "canonical"), "visibility": option(message, "visibility"),
        "featured": option(message, "featured") == "true", "tags": list(message.hashtags),
        "feature_image_alt": (first.alt or "") if first else "",
        "feature_image_caption": escape(option(message, "caption"), quote=False) if first else "",
        "newsletter": option(message, "newsletter"),
        "email_segment": option(message, "segment", "all") if option(message, "newsletter") else ""}
    return OutgoingPart(
        kind="post", text=said.text, request={field: value for field, value in request.items() if value},
        media=tuple(picture.blob for picture in said.pictures), names=tuple(picture.name for picture in said.pictures),
        alts=tuple(picture.alt or "" for picture in said.pictures), key=idempotency_key(message.slot, 0))


def draft_of(part: OutgoingPart, slug: str, handles: Mapping[str, str]) -> dict[str, Any]:
    """The draft's fields: the first picture is the featured one, the others stand behind the text."""
    addresses = [handles[blob] for blob in part.media]
    figures = [f'<figure><img src="{escape(address)}" alt="{escape(alt)}"></figure>'
               for address, alt in zip(addresses, part.alts, strict=True)]
    fields = {field: value for field, value in part.request.items() if field not in _ONLY_THE_CALL}
    whole = "\n".join(filter(None, [part.request.get("html", ""), *figures[1:]]))
    picture = {"feature_image": addresses[0]} if addresses else {}
    return {"tags": [], **fields, **picture, "html": whole, "status": "draft", "slug": slug}


def mailing_of(part: OutgoingPart) -> dict[str, str]:
    """The fields of the address that publishes: they make Ghost send its mail, which it does once in a post's life."""
    return {field: str(part.request[field]) for field in _ONLY_THE_CALL if field in part.request}
