"""What the rehearsal networks hold, as a page people like to look at: newest first, threads together."""
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, Template
from markupsafe import Markup, escape
from starlette.responses import Response

from publishers._html import visible_text
from publishers.rehearsal._double import Twin
from publishers.rehearsal._kept import Kept, KeptMedia

_HEADERS = {"Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
                                       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_NEWEST = 100                                   # threads on one page
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]'’”]")
_MARKED_UP = re.compile(r"</(?:p|h[1-6]|ul|ol|figure|blockquote)>")
_UNSEEN = re.compile(r"(?m)^\[//\]: # \(.*\)$")
_GAPS = re.compile(r"\n{3,}")
_WORDS = ("blob", "captions", "subtitles")
_TAG = re.compile(r"(?<![\w&/])#\w+")


class Card(NamedTuple):
    """One post on the page. `place` of `of` is its place in its thread, counted from 1."""

    post: Kept
    media: tuple[KeptMedia, ...]
    calls: int               # as many as it took; posts of the same words share what was too much
    place: int
    of: int

    @property
    def is_comment(self) -> bool:
        return self.post.extra.get("kind") == "comment"

    @property
    def text(self) -> str:
        """What readers see: blogs keep HTML, and a line of our own that none of them shows."""
        text = visible_text(self.post.text) if _MARKED_UP.search(self.post.text) else self.post.text
        return _GAPS.sub("\n\n", _UNSEEN.sub("", text)).strip()

    @property
    def title(self) -> str | None:
        """The title, where it is not the first line of the text anyway."""
        title = self.post.extra.get("title")
        return title if isinstance(title, str) and title and not self.text.startswith(title) else None

    @property
    def warning(self) -> str | None:
        return self.post.extra.get("spoiler_text") or None

    @property
    def link(self) -> str | None:
        link = self.post.extra.get("link")
        return link if isinstance(link, str) and link and link not in self.text else None

    @property
    def answers(self) -> list[str]:
        """Of a poll, in whatever form the network keeps it."""
        return list(_words(self.post.extra.get("poll")))

    @property
    def shown(self) -> list[KeptMedia]:
        """The files that people see as such: subtitles are part of their film."""
        return [file for file in self.media if not file.name.endswith((".vtt", ".srt")) and file.name not in _WORDS]


class Thread(NamedTuple):
    """Cards that belong together, the first one leading."""

    twin: Twin
    cards: tuple[Card, ...]


def page(shown: Sequence[Twin], all_twins: Sequence[Twin]) -> Response:
    """The timeline of the `shown` networks."""
    found = sorted((thread for twin in shown for thread in threads(twin)),
                   key=lambda thread: thread.cards[0].post.created_at, reverse=True)
    only = shown[0].network if len(shown) == 1 and len(all_twins) > 1 else None
    counts = {twin.network: len(twin.posts) for twin in all_twins}
    html = _template().render(threads=found[:_NEWEST], earlier=len(found) - _NEWEST, twins=all_twins, counts=counts,
                              only=only, now=max((twin.now() for twin in shown), default=None))
    return Response(html, media_type="text/html", headers=_HEADERS)


def threads(twin: Twin) -> list[Thread]:
    """The posts of one network, newest thread first; a reply to something unknown here leads a thread of its own."""
    by_id = {post.id: post for post in twin.posts}
    replies: dict[str, list[Kept]] = {}
    for post in twin.posts:
        if post.parent in by_id and post.parent is not None:
            replies.setdefault(post.parent, []).append(post)
    roots = [post for post in twin.posts if post.parent not in by_id]
    same = Counter(post.call for post in twin.posts)
    return [Thread(twin, _cards(twin, _in_order(root, replies), same)) for root in reversed(roots)]


def image(twins: Iterable[Twin], network: str, sha256: str) -> Response:
    """The bytes of an uploaded picture; anything that is no picture comes as a plain download."""
    for twin in twins:
        if twin.network == network and any(media.sha256 == sha256 for media in twin.media.values()):
            data = twin.bytes_of(sha256)
            return Response(data, media_type=_picture_type(data) or "application/octet-stream", headers=_HEADERS)
    return Response("no such file", 404, _HEADERS, "text/plain")


def _in_order(root: Kept, replies: dict[str, list[Kept]]) -> list[Kept]:
    order, waiting = [], [root]
    while waiting:
        post = waiting.pop()
        order.append(post)
        waiting.extend(reversed(replies.get(post.id, [])))
    return order


def _cards(twin: Twin, posts: Sequence[Kept], same: Counter[str]) -> tuple[Card, ...]:
    """`same`: how many posts are counted by the same call. The same words on another day are another post."""
    parts = [post for post in posts if post.extra.get("kind") != "comment"]
    place = {post.id: number for number, post in enumerate(parts, start=1)}
    return tuple(Card(post, tuple(twin.media[id] for id in post.media), twin.calls[post.call] - same[post.call] + 1,
                      place.get(post.id, 0), len(parts)) for post in posts)


def _picture_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return next((mime for start, mime in _PICTURES if data.startswith(start)), None)


def _in_words(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    return f"{at:%A} {at.day} {at:%B %Y, %H:%M} UTC"


def _with_links(text: str) -> Markup:
    """`text` escaped, its http(s) links and hashtags marked up."""
    html, end = Markup(), 0
    for link in _LINK.finditer(text):
        html += _with_tags(text[end:link.start()])
        html += Markup('<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>').format(link[0])
        end = link.end()
    return html + _with_tags(text[end:])


def _with_tags(text: str) -> Markup:
    html, end = Markup(), 0
    for tag in _TAG.finditer(text):
        html += escape(text[end:tag.start()]) + Markup('<span class="tag">{}</span>').format(tag[0])
        end = tag.end()
    return html + escape(text[end:])


def _title(twin: Twin) -> str:
    return twin.title or twin.network.replace("_", " ").capitalize()


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    words: dict[str, Any] = {"in_words": _in_words, "with_links": _with_links, "title": _title,
                             "is_film": _is_film}
    environment.filters.update(words)
    return environment.from_string((files(__package__) / "timeline.html").read_text(encoding="utf-8"))


def _words(poll: Any) -> Iterator[str]:
    """Every answer in a poll: texts in lists, and what stands under "text" or "title" in objects in lists."""
    for value in poll.values() if isinstance(poll, Mapping) else poll if isinstance(poll, list | tuple) else ():
        if isinstance(value, list | tuple):
            for answer in value:
                if isinstance(answer, str):
                    yield answer
                elif isinstance(answer, Mapping):
                    inner: Any = answer.get("poll_media", answer)
                    said = (inner.get("text") or inner.get("title")) if isinstance(inner, Mapping) else None
                    yield from [said] if isinstance(said, str) else []


def _is_film(file: KeptMedia) -> bool:
    name = file.name.lower()
    return (file.mime or "").startswith("video/") or name.endswith((".mp4", ".mov", ".webm", ".m4v")) or (
        name in ("tweet_video", "video", "film"))
