"""What an article says to DEV: Markdown as it stands, tags without signs, and what DEV would read as a command. Pure.

Sources: forem/forem app/models/article.rb, app/models/tag.rb, app/controllers/concerns/api/articles_controller.rb,
app/services/markdown_processor, read 2026-11-22.
"""
import re
from collections.abc import Iterator, Mapping
from typing import Any

from publishers._blogs import article, note
from publishers._judging import option, problem
from publishers.base import Option, OutgoingPart
from schemas.ledger import idempotency_key
from schemas.message import Message
from schemas.problem import Problem

BODY_BYTES = 819_200                     # article.rb: validates :body_markdown, bytesize, maximum 800.kilobytes
MENTIONS = 7                             # Settings::RateLimit.mention_creation, as Forem comes
TAG = 30                                 # tag.rb: validate_name
OPTIONS = (
    Option("excerpt", "the description under the title in search engines; else the beginning of the text"),
    Option("canonical", "the address of the original, when the article appeared elsewhere first"),
    Option("series", "the name of the series that the article belongs to"),
    Option("organization", "the number of the organisation in whose name it appears"),
    Option("cover", "true: the first picture is the cover, which has no alt text on DEV; else it stands in the text",
           ("true", "false")),
    Option("ai", "how much a machine wrote, as DEV asks its writers", ("no_ai", "some_ai", "fully_autonomous")))
_CODE = re.compile(r"(~{3}|`{3}|`{2}|`)[\s\S]*?\1")      # what Forem takes for code, and shields from Liquid
_COMMAND = re.compile(r"\{%|\{\{")
_XSS = re.compile(r"src=[\"'](?:data|&)|data:text/html[,;]", re.IGNORECASE)      # markdown_processor/parser.rb
_MENTION = re.compile(r"(?<![\w/.@])@(\w{2,30})")
_LINE = re.compile(r"\A\s*-{3,}[ \t]*$", re.MULTILINE)
_DASHES = re.compile(r"\A(\s*)---")


def own_problems(message: Message) -> Iterator[Problem]:
    """What only DEV refuses, and what a writer may not think of.

    Everything outside of code is looked at as it stands: DEV reads commands before it reads Markdown.
    """
    said, channel = article(message), message.slot.channel
    words = _CODE.sub("", said.markdown)
    if _COMMAND.search(words):
        yield problem(message, "TXT006", said.place,
                      f"{channel} reads {{% … %}} and {{{{ … }}}} as commands of its own (Liquid).",
                      f"Put it between backticks, as code, or leave it out under '## on {channel}'.")
    if _XSS.search(words):
        yield problem(message, "TXT006", said.place, f"{channel} takes src=\"data…, src=\"&… and data:text/html for an "
                      "attack, and refuses the article.", "Put it between backticks, as code, or say it otherwise.")
    if (count := len({name.lower() for name in _MENTION.findall(words)})) > MENTIONS:
        yield problem(message, "TXT001", said.place, f"{count}/{MENTIONS} mentions on {channel}.",
                      f"Name {MENTIONS} people with their @, the others without.")
    for name, tag in zip(message.hashtags, map(_tag, message.hashtags), strict=True):
        if not 1 <= len(tag) <= TAG:
            yield problem(message, "TXT006", message.place("hashtags"), f"'#{name[:60]}' can be no tag on {channel}.",
                          f"Take letters and digits, {TAG} at most.")
    if (number := option(message, "organization")) and not (number.isascii() and number.isdigit()):
        yield problem(message, "SUP003", message.place("options.organization"),
                      f"'organization' cannot be {number[:60]} on {channel}.",
                      "Write the organisation's number; https://dev.to/api/organizations/NAME says it as 'id'.")
    if not option(message, "ai"):
        yield note(message, "options.ai", f"DEV wants to know of each article how much a machine wrote, and {channel} "
                   "does not say it.",
                   "Write 'ai: no_ai', 'some_ai' or 'fully_autonomous' under the options of the post or the channel.")
    if said.pictures:
        yield note(message, "media", f"{channel} shows pictures from the address where they lie, for as long as they "
                   "lie there.", "Keep the public folder of pictures for as long as the article is to be read.")
    if said.pictures and option(message, "cover") == "true" and said.pictures[0].alt:
        yield note(message, "options.cover", f"A cover has no alt text on {channel}: {said.pictures[0].file} goes out "
                   "without it.", "Leave 'cover' out, and the picture stands in the text with its alt text.")


def part_of(message: Message) -> OutgoingPart:
    """The whole message as one article."""
    said = article(message)
    number = option(message, "organization")
    request: dict[str, Any] = {
        "title": " ".join((message.title or "").split()), "body_markdown": _without_front_matter(said.markdown),
        "published": True, "tags": list(dict.fromkeys(filter(None, map(_tag, message.hashtags)))),
        "description": option(message, "excerpt"), "canonical_url": option(message, "canonical"),
        "series": option(message, "series"),
        "organization_id": int(number) if number.isascii() and number.isdigit() else None,
        "ai_disclosure_level": option(message, "ai"),
        "cover": option(message, "cover") == "true" and bool(said.pictures)}
    return OutgoingPart(
        kind="post", text=said.text, request={field: value for field, value in request.items() if value},
        media=tuple(picture.blob for picture in said.pictures), names=tuple(picture.name for picture in said.pictures),
        alts=tuple(picture.alt or "" for picture in said.pictures), key=idempotency_key(message.slot, 0))


def draft_of(part: OutgoingPart, mark: str, handles: Mapping[str, str]) -> dict[str, Any]:
    """The draft's fields: pictures behind the text, and at the end a line that nobody sees, by which it is known again.

    The line is a link definition that no link uses: Markdown's way to write something down that is not shown. Nothing
    else of an article can hold a mark: DEV makes the slug.
    """
    fields = {field: value for field, value in part.request.items() if field != "cover"}
    pictures = [(handles[blob], alt) for blob, alt in zip(part.media, part.alts, strict=True)]
    cover = {"main_image": pictures.pop(0)[0]} if part.request.get("cover") and pictures else {}
    body = "\n\n".join(filter(None, [part.request.get("body_markdown", ""),
                                     *(f"![{_alt(alt)}]({address})" for address, alt in pictures), mark_line(mark)]))
    return {"tags": [], **fields, **cover, "body_markdown": body, "published": False}


def again_of(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that bring a draft up to date: what an older edition said, and this one does not, is emptied.

    Nothing is said of `published`: it may have gone out since it was found. An organisation cannot be taken out again
    (forem/forem app/controllers/concerns/api/articles_controller.rb, article_params, read 2026-11-22).
    """
    return {"description": "", "canonical_url": None, "series": None, "main_image": None,
            **{field: value for field, value in draft.items() if field != "published"}}


def mark_line(mark: str) -> str:
    return f"[//]: # (drumbeat {mark})"


def _alt(text: str) -> str:
    """Alt text between `![` and `]`: on one line, nothing in it closes it, and nothing in it is a command.

    DEV's Markdown (Redcarpet, tried with 3.5.1 on 2026-11-22) shows a backslash before a bracket, and takes brackets
    that come in pairs; others become round ones.
    """
    words, depth = " ".join(text.split()).replace("{%", "{ %").replace("{{", "{ {"), 0
    for sign in words:
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if depth < 0:
            break
    if depth == 0 and "\\" not in words:
        return words
    return words.translate({ord("["): "(", ord("]"): ")"})


def _tag(name: str) -> str:
    """A hashtag as DEV writes one: letters and digits, small."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _without_front_matter(markdown: str) -> str:
    """The text, with nothing at its start that DEV would take for front matter: that would win over all our fields."""
    return _DASHES.sub(r"\1\\---", _LINE.sub("***", markdown))
