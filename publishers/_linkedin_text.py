"""What LinkedIn makes of a text: its `little` format, how long it counts, and what of a message it takes.

Sources: learn.microsoft.com/linkedin/marketing/community-management/shares, pages little-text-format, posts-api,
multiimage-post-api, poll-post-api, read 2026-11-22.
"""
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from publishers._judging import Piece, form_of, joined, judged, no_warning, option, problem, several
from publishers._text import nfc, utf16_units
from publishers.base import Limits, Option
from schemas.message import Media, Message
from schemas.problem import Problem, Severity

POLL_LASTS = {86_400: "ONE_DAY", 259_200: "THREE_DAYS", 604_800: "SEVEN_DAYS", 1_209_600: "FOURTEEN_DAYS"}
POLL_QUESTION = 140                      # characters; the poll page of LinkedIn's own composer, nowhere in the API's
LEAST_VIDEO_BYTES = 75_000               # videos-api: 75 kB to 500 MB
GIF_FRAMES = 250                         # images-api
CARD_TITLE, CARD_DESCRIPTION = 400, 4_086                # characters; posts-api, article
OPTIONS = (
    Option("visibility", "who sees the post", ("public", "connections", "logged-in")),
    Option("reshares", "whether others may share the post on", ("true", "false")),
    Option("card_title", "title of the link's card; else the post's 'title:'"),
    Option("card_description", "the line under that title"),
    Option("card_picture", "show the post's one picture in the link's card, instead of by itself", ("true", "false")),
    Option("mentions", "who is meant by '@Name' in the text: Name=urn:li:organization:123", many=True),
    Option("poll_question", "what a poll asks; else the post's 'title:', else its first line"),
)
_VISIBILITY = {"public": "PUBLIC", "connections": "CONNECTIONS", "logged-in": "LOGGED_IN"}
_MENTION = re.compile(r"(?P<name>[^\]\\\n=]{1,100})=(?P<urn>urn:li:(?:person|organization):[A-Za-z0-9_-]{1,64})")
_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
# a link stays whole, so that no `#` of its own becomes a hashtag; every run is bounded, so no text takes n² steps
_MARKS = re.compile(
    r"(?P<link>https?://\S+)"
    r"|@\[(?P<name>[^\]\\\n]{1,100})\]\((?P<urn>urn:li:(?:person|organization):[A-Za-z0-9_-]{1,64})\)"
    r"|(?<![\w#])#(?P<tag>(?=\d{0,64}[^\W\d_])[^\W_]+)"
    r"|(?P<reserved>[\\|{}@\[\]()<>#*_~])")
_ELEMENTS = re.compile(
    r"\\(?P<escaped>.)"
    r"|@\[(?P<name>(?:\\.|[^\]\\]){1,300})\]\(urn:li:[A-Za-z]{1,32}:[A-Za-z0-9_-]{1,64}\)"
    r"|\{hashtag\|\\?#\|(?P<tag>(?:\\.|[^}\\|]){1,300})\}", re.DOTALL)


def little(text: str) -> str:
    """`text` in LinkedIn's format: each reserved character escaped once, mentions and hashtags left to be understood.

    A mention is `@[Name](urn:li:organization:123)`, a hashtag `#` and letters or digits, one letter at least, not in
    the middle of a word. An unescaped reserved character is no error there: the post is cut off at it.
    """
    return _MARKS.sub(_marked, text)


def seen(commentary: str) -> str:
    """What readers see of a text in LinkedIn's format, which is also how the API gives it back."""
    return _ELEMENTS.sub(_shown, commentary)


def length(text: str) -> int:
    """UTF-16 units of what readers see; nowhere documented, so the larger of the usual counts."""
    return utf16_units(shown(text))


def shown(text: str) -> str:
    """What readers see of an author's text: a mention is its name."""
    return _MARKS.sub(lambda mark: mark["name"] or mark[0], text)


def plain(text: str) -> str:
    """Text as it is compared: letters may be composed anew and white space changed, no more."""
    return " ".join(nfc(text).split())


def pieces_of(message: Message, limits: Limits) -> tuple[Piece, ...]:
    """The post, with its card's link below the text where no card can be, then its first comments."""
    first, *rest = joined(message) or (Piece("post", "", (), message.place("")),)
    if first.kind == "post" and message.card and not has_card(message, first, limits):
        first = first._replace(text="\n\n".join(filter(None, (first.text.strip(), message.card))))
    return (first._replace(text=_mentioning(message, first.text)) if first.kind == "post" else first, *rest)


def has_card(message: Message, post: Piece, limits: Limits) -> bool:
    """Whether the link is shown as a card: a post holds one thing beside its text."""
    return bool(message.card) and message.poll is None and (not post.media or _is_card_picture(message, post, limits))


def request_of(message: Message, piece: Piece, limits: Limits) -> dict[str, Any]:
    """The body of a create call, without its author, the post commented on, and the names of uploaded files."""
    if piece.kind == "comment":          # plain text: mentions are attributes there, and nothing is escaped
        return {"message": {"text": piece.text}}
    content = _content(message, piece, limits)
    return {"commentary": little(piece.text),
            "visibility": _VISIBILITY.get(option(message, "visibility", "public"), "PUBLIC"),
            "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [],
                             "thirdPartyDistributionChannels": []},
            "lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": option(message, "reshares") == "false",
            **({"content": content} if content else {})}


def with_files(request: dict[str, Any], urns: Sequence[str]) -> dict[str, Any]:
    """The request with the uploaded files in their places."""
    content = request.get("content")
    if not urns or not isinstance(content, dict):
        return request
    if "multiImage" in content:
        images = [{**image, "id": urn} for image, urn in zip(content["multiImage"]["images"], urns, strict=True)]
        return {**request, "content": {"multiImage": {"images": images}}}
    name, field = ("article", "thumbnail") if "article" in content else ("media", "id")
    return {**request, "content": {name: {**content[name], field: urns[0]}}}


def card_title(message: Message) -> str:
    """Ours: LinkedIn reads no page. The host's name when nobody gave one."""
    given = option(message, "card_title") or (message.title or "").strip()
    return given or (urlsplit(message.card or "").hostname or "").removeprefix("www.")


def question_of(message: Message, post: Piece) -> str:
    given = option(message, "poll_question") or (message.title or "").strip()
    return given or next((line.strip() for line in post.text.splitlines() if line.strip()), "")


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why LinkedIn would refuse the message, and what of it nobody would see."""
    channel, pieces = message.slot.channel, pieces_of(message, limits)
    yield from judged(message, pieces, limits, length, OPTIONS)
    post = pieces[0]
    for comment in pieces:
        if comment.kind == "comment" and (comment.media or not comment.text.strip()):
            yield problem(message, "TXT006", comment.place, f"A first comment on {channel} is text and nothing else.",
                          "Write its text, and move the files into the post.")
    for one in post.media:
        form = form_of(one, limits)
        if form == "video" and one.size < LEAST_VIDEO_BYTES:
            yield problem(message, "TXT001", one.place, f"{one.size:,}/{LEAST_VIDEO_BYTES:,} bytes on {channel}, which "
                          f"takes no smaller video: {one.file}.", "Save it in a better quality.")
        if form == "image" and one.probe is not None and (frames := one.probe.frames or 1) > GIF_FRAMES:
            yield problem(message, "TXT001", one.place, f"{frames}/{GIF_FRAMES} frames on {channel}: {one.file}.",
                          "Shorten it, or save it as an MP4 video.")
        if form == "video" and one.captions is not None:
            yield problem(message, "SUP002", one.captions.place, f"Subtitles do not go to {channel} yet: "
                          f"{one.captions.file}.", "Upload them in LinkedIn's own editor, or burn them in.",
                          Severity.warning)
    for said in several(message, "mentions"):
        if not _MENTION.fullmatch(said):
            yield problem(message, "SUP003", message.place("options.mentions"),
                          f"'{said}' mentions nobody on {channel}.",
                          "Write Name=urn:li:organization:123, the name as LinkedIn shows it.")
    if post.kind == "post":
        yield from _bad_poll(message, post)
        yield from _bad_card(message, post, limits)
    yield from no_warning(message)


def _bad_poll(message: Message, post: Piece) -> Iterator[Problem]:
    if (poll := message.poll) is None:
        return
    channel, asked = message.slot.channel, question_of(message, post)
    if poll.lasts_s not in POLL_LASTS:
        yield problem(message, "TXT006", poll.place, f"A poll on {channel} runs 1, 3, 7 or 14 days.",
                      "Write 'for: 1d', 3d, 7d or 14d.")
    if not asked or len(asked) > POLL_QUESTION:
        yield problem(message, "TXT001", message.place("options.poll_question"),
                      f"{len(asked)}/{POLL_QUESTION} characters of a poll's question on {channel}.",
                      f"Set 'poll_question:' under 'options:', in {POLL_QUESTION} characters.")
    if len(poll.options) < 2:
        yield problem(message, "TXT006", poll.place, f"A poll on {channel} has two answers at least.", "Add another.")


def _bad_card(message: Message, post: Piece, limits: Limits) -> Iterator[Problem]:
    if not message.card:
        return
    channel = message.slot.channel
    if not has_card(message, post, limits):
        if option(message, "card_picture") == "true":
            yield problem(message, "TXT006", message.place("options.card_picture"),
                          f"The card on {channel} shows one picture, and the post has {len(post.media)} files.",
                          "Leave one picture, or take 'card_picture:' out.")
        return
    title, description = card_title(message), option(message, "card_description")
    for name, text, most in (("title", title, CARD_TITLE), ("description", description, CARD_DESCRIPTION)):
        if len(text) > most:
            yield problem(message, "TXT001", message.place(f"options.card_{name}"),
                          f"{len(text)}/{most} characters of a card's {name} on {channel}.", "Say it in fewer words.")
    if not (option(message, "card_title") or message.title):
        yield problem(message, "SUP002", message.place("link"),
                      f"The card on {channel} has no title but '{title}': LinkedIn does not read the page.",
                      "Add 'title:', or 'card_title:' under 'options:'.", Severity.warning)


def _content(message: Message, post: Piece, limits: Limits) -> dict[str, Any] | None:
    """The one thing beside the text, without the names of uploaded files; None for a post of words alone."""
    if message.poll is not None:
        return {"poll": {"question": question_of(message, post),
                         "options": [{"text": answer} for answer in message.poll.options],
                         "settings": {"duration": POLL_LASTS.get(message.poll.lasts_s, "")}}}
    if message.card and has_card(message, post, limits):
        description = option(message, "card_description")
        return {"article": {"source": message.card, "title": card_title(message),
                            **({"description": description} if description else {})}}
    if not post.media:
        return None
    if len(post.media) > 1:
        return {"multiImage": {"images": [{"altText": one.alt} if one.alt else {} for one in post.media]}}
    (one,) = post.media
    if form_of(one, limits) == "image":
        return {"media": {"altText": one.alt} if one.alt else {}}
    return {"media": {"title": (message.title or "").strip() or one.name.rpartition(".")[0]}}


def _is_card_picture(message: Message, post: Piece, limits: Limits) -> bool:
    return (option(message, "card_picture") == "true" and len(post.media) == 1
            and form_of(post.media[0], limits) == "image")


def shows_alt(message: Message, post: Piece, one: Media, limits: Limits) -> bool:
    """Whether the file's alt text can go along: only a picture has one, and not inside a card."""
    return form_of(one, limits) == "image" and not has_card(message, post, limits)


def _mentioning(message: Message, text: str) -> str:
    """`text` with each '@Name' of the option as a mention, longer names first."""
    urns = {match["name"]: match["urn"] for said in several(message, "mentions") if (match := _MENTION.fullmatch(said))}
    if not urns:
        return text
    names = "|".join(re.escape(name) for name in sorted(urns, key=len, reverse=True))
    return re.sub(rf"(?<!\w)@({names})(?!\w)", lambda match: f"@[{match[1]}]({urns[match[1]]})", text)


def _marked(mark: re.Match[str]) -> str:
    if mark["urn"]:
        return f"@[{_escaped(mark['name'])}]({mark['urn']})"
    if mark["tag"]:
        return mark[0]
    return _escaped(mark[0])


def _escaped(text: str) -> str:
    return _RESERVED.sub(lambda letter: f"\\{letter[0]}", text)


def _shown(element: re.Match[str]) -> str:
    if element["escaped"]:
        return element["escaped"]
    if element["tag"]:
        return f"#{seen(element['tag'])}"
    return seen(element["name"])
