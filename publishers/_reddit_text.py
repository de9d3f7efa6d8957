"""What a message says to Reddit: which subreddit and kind of post, its Markdown, and what Reddit refuses of it. Pure.

Sources: www.reddit.com/dev/api, POST submit and comment; github.com/reddit-archive/reddit, r2/controllers/api.py and
r2/models/subreddit.py (40,000 and 10,000 characters, names of subreddits); text beside a link: r/modnews, "text now
available on all post types", and praw-dev/praw pull request 2067; read 2026-11-22.
"""
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from publishers._chat_blocks import added_hashtags
from publishers._judging import Piece, judged, no_title, option, problem, unique
from publishers._markup import markdown_of
from publishers._text import nfc
from publishers.base import Limits, Option
from schemas.message import Message, Part
from schemas.problem import Problem, Severity

FLAIR = 64                               # characters; r2/models/flair.py
LIMITS = Limits(
    text=40_000, unit="characters of Markdown", comment=10_000, images=0, image_bytes=0, image_types=(), parts=1,
    title=300, source="www.reddit.com/dev/api and github.com/reddit-archive/reddit, r2/controllers/api.py",
    read=date(2026, 11, 22))
OPTIONS = (
    Option("subreddit", "where it is posted, such as r/mills; your own profile is u/NAME. There is no default"),
    Option("kind", "a post of text, or of a link with text below it; else a link where the post shows one as a card",
           ("self", "link")),
    Option("flair_id", "the flair of the post, by the id that the subreddit's flair list shows"),
    Option("flair_text", "the words of that flair, where the subreddit lets authors write them"),
    Option("nsfw", "only for adults", ("true", "false")),
    Option("spoiler", "hidden until somebody taps it; a post with a 'warning:' is one anyway", ("true", "false")),
    Option("sendreplies", "whether the account's inbox gets the answers", ("true", "false")),
    Option("resubmit", "post a link though the subreddit has it already", ("true", "false")),
)
_SUBREDDIT = re.compile(r"/?r/(?P<sub>[A-Za-z0-9][A-Za-z0-9_]{1,20})/?|(?P<bare>[A-Za-z0-9][A-Za-z0-9_]{1,20})|"
                        r"/?(?:u|user)/(?P<user>[A-Za-z0-9_-]{3,20})/?|(?P<profile>u_[A-Za-z0-9_-]{3,20})")
_ADDRESS = re.compile(r"(https?://[^\s<>]+)", re.IGNORECASE)


def subreddit_of(message: Message) -> str:
    """The name that goes into `sr`; "" when none is given, or it is none. A profile is the subreddit `u_NAME`."""
    match = _SUBREDDIT.fullmatch(option(message, "subreddit").strip())
    if match is None:
        return ""
    return match["sub"] or match["profile"] or match["bare"] or f"u_{match['user']}"


def kind_of(message: Message) -> str:
    """`link` or `self`: what the option says, else a link when the post shows one as a card."""
    return option(message, "kind") or ("link" if message.card else "self")


def address_of(message: Message) -> str:
    """The address of a link post."""
    return message.card or message.link or ""


def pieces_of(message: Message) -> tuple[Piece, ...]:
    """One post, its parts one below the other, then its first comments; `text` is the Markdown that is sent."""
    posts = [part for part in message.parts if part.kind == "post"]
    words = [*filter(None, (_markdown(message, part) for part in posts))]
    if message.card and kind_of(message) == "self":
        words.append(message.card)
    place = posts[0].place if posts else message.place("")
    comments = (Piece("comment", _markdown(message, part), unique(part.media), part.place)
                for part in message.parts if part.kind == "comment")
    files = unique(media for part in posts for media in part.media)
    return (Piece("post", "\n\n".join(words), files, place), *comments)


def request_of(message: Message, piece: Piece) -> dict[str, Any]:
    """The form of the create call, without the post that a comment stands under."""
    if piece.kind == "comment":
        return {"api_type": "json", "text": piece.text}
    kind = kind_of(message)
    form = {"api_type": "json", "kind": kind, "sr": subreddit_of(message), "title": title_of(message),
            "text": piece.text, "sendreplies": option(message, "sendreplies", "true"),
            "nsfw": option(message, "nsfw", "false"), "validate_on_submit": "true",
            "spoiler": "true" if message.warning else option(message, "spoiler", "false")}
    if kind == "link":
        form |= {"url": address_of(message), "resubmit": option(message, "resubmit", "false")}
    return form | {name: said for name in ("flair_id", "flair_text") if (said := option(message, name))}


def title_of(message: Message) -> str:
    return " ".join((message.title or "").split())


def plain(text: str) -> str:
    """Text as it is compared: letters may be composed anew and white space changed, no more."""
    return " ".join(nfc(text).split())


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why Reddit would refuse the message, and what of it nobody would see."""
    channel, pieces = message.slot.channel, pieces_of(message)
    is_link = kind_of(message) == "link"
    alone = address_of(message) if is_link else ""       # a link needs no text
    words = [piece._replace(media=(), text=piece.text or (alone if piece.kind == "post" else "")) for piece in pieces]
    yield from judged(message, words, limits, len, OPTIONS)
    yield from no_title(message)
    for piece in pieces:
        if piece.media:
            yield problem(message, "TXT006", piece.media[0].place,
                          f"Reddit's answer to an uploaded picture or film does not name the post, so a lost one could "
                          f"not be told from one that is there: {channel} takes no files ({piece.media[0].file}).",
                          f"Name the channels it is for: {{file: {piece.media[0].name}, channels: […]}}.")
        if piece.kind == "comment" and not piece.text.strip():
            yield problem(message, "TXT006", piece.place, f"A first comment on {channel} has words.", "Write its text.")
    yield from _bad_place(message)
    yield from _bad_link(message, is_link)
    if len(flair := option(message, "flair_text")) > FLAIR:
        yield problem(message, "TXT001", message.place("options.flair_text"),
                      f"{len(flair)}/{FLAIR} characters of flair on {channel}.", "Say it in fewer words.")
    if message.warning:
        yield problem(message, "SUP002", message.place("warning"),
                      f"{channel} shows no words before a post: it is marked as a spoiler, without "
                      f"'{message.warning[:60]}'.", "Put the words into 'title:' if readers there need them.",
                      Severity.warning)


def _bad_place(message: Message) -> Iterator[Problem]:
    given = option(message, "subreddit").strip()
    if not given:
        yield problem(message, "TXT006", message.place("options.subreddit"),
                      f"{message.slot.channel} does not say which subreddit it posts to.",
                      "Add 'options: {subreddit: r/NAME}' to the channel, or to the post.")
    elif not subreddit_of(message):
        yield problem(message, "SUP003", message.place("options.subreddit"),
                      f"'subreddit' cannot be {given[:60]} on {message.slot.channel}.",
                      "Write one name, such as r/mills, or u/NAME for your own profile.")


def _bad_link(message: Message, is_link: bool) -> Iterator[Problem]:
    if is_link and not re.fullmatch(r"https?://[^\s<>\"]{1,4000}", address_of(message)):
        yield problem(message, "TXT006", message.place("link"),
                      f"A link post on {message.slot.channel} needs a whole address.",
                      "Add 'link: https://…', or set 'kind: self' under 'options:'.")


def _markdown(message: Message, part: Part) -> str:
    """A part's Markdown with the hashtags that stand below it; at the start of a line `#` would make a heading."""
    if not part.markdown.strip():
        return "".join(piece if at % 2 else markdown_of(piece) for at, piece in enumerate(
            _ADDRESS.split(part.text.strip())))
    tags = added_hashtags(message, part).replace("_", "\\_").replace("#", "\\#")
    return "\n\n".join(filter(None, (part.markdown.strip("\n"), tags)))
