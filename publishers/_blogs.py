"""What blogs have in common: an article with a title, a draft that nobody sees, and a name by which it is found again.

Blogs have no threads and their comments belong to readers: all posts of a message are one article, and a first comment
stands at its end.
"""
import hashlib
import json
import re
from abc import ABC, abstractmethod
from base64 import b32encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from publishers._http import Answer, converse, retry_after
from publishers._judging import Piece, judged, no_title, no_warning, option, problem, unique
from publishers._markup import markdown_of
from publishers.base import Connection, Limits, Option, Outgoing
from schemas.errors import PaymentRequired, PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.message import Media, Message
from schemas.place import Place
from schemas.problem import Problem, Severity

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_LONGEST_SLUG = 150                      # WordPress cuts at 200 bytes, Ghost refuses more than 191 characters
_LONGEST_STEM = 100
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REFUSALS = (400, 403, 404, 405, 413, 415, 422)


class Article(NamedTuple):
    """A message as one article. `text` is what readers read, `markdown` what it is made of."""

    text: str
    markdown: str
    pictures: tuple[Media, ...]          # each once, in order
    place: Place


def article(message: Message) -> Article:
    """All parts one below the other, no hashtags in the Markdown, and a link that is shown as a card at the end."""
    card = [message.card] if message.card else []
    return Article(
        text="\n\n".join([*(part.text.strip() for part in message.parts if part.text.strip()), *card]),
        markdown="\n\n".join([*filter(None, map(_markdown, message.parts)), *(f"<{link}>" for link in card)]),
        pictures=unique(media for part in message.parts for media in part.media),
        place=message.parts[0].place if message.parts else message.place(""))


def _markdown(part: Any) -> str:
    """A part's Markdown; of a part without any its text, unless it is hashtags and nothing else."""
    if part.markdown.strip():
        return _closed(str(part.markdown).strip("\n"))
    return "" if all(word.startswith("#") for word in part.text.split()) else markdown_of(part.text)


def _closed(markdown: str) -> str:
    """The text with an end of the code that it begins and does not end: what is put behind it is no code.

    Source: spec.commonmark.org/0.31.2, 4.5, read 2026-11-22.
    """
    fence = ""
    for line in markdown.split("\n"):
        match = _FENCE.match(line)
        if match is None:
            continue
        if not fence:
            fence = match[1] if match[1][0] == "~" or "`" not in match[2] else ""
        elif match[1][0] == fence[0] and len(match[1]) >= len(fence) and not match[2].strip():
            fence = ""
    return f"{markdown}\n{fence}" if fence else markdown


def problems_of(message: Message, limits: Limits, length: Callable[[str], int],
                options: Sequence[Option], *, counts_markdown: bool = False) -> Iterator[Problem]:
    """What any blog refuses of a message, and a warning for what it cannot show."""
    said = article(message)
    text = said.markdown if counts_markdown else said.text
    yield from judged(message, (Piece("post", text, said.pictures, said.place),), limits, length, options)
    yield from no_title(message)
    yield from no_warning(message)
    if (slug := option(message, "slug")) and not (_SLUG.fullmatch(slug) and len(slug) <= _LONGEST_SLUG):
        yield problem(message, "SUP003", message.place("options.slug"),
                      f"'slug' cannot be {slug[:60]} on {message.slot.channel}.",
                      f"Write small letters, digits and single hyphens, {_LONGEST_SLUG} characters at most.")
    if (link := option(message, "canonical")) and not is_web(link):
        yield problem(message, "SUP003", message.place("options.canonical"),
                      f"'canonical' cannot be {link[:60]} on {message.slot.channel}.",
                      "Write the whole address, with https:// at its start.")


def too_many_words(message: Message, name: str, most: int) -> Iterator[Problem]:
    """For options that are texts of a certain length."""
    if (words := len(option(message, name))) > most:
        yield problem(message, "TXT001", message.place(f"options.{name}"),
                      f"{words}/{most} characters of '{name}' on {message.slot.channel}.",
                      f"Say it in {most} characters.")


def is_web(address: str) -> bool:
    """Whether it is a whole address of the web, that can stand in an attribute."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return (parts.scheme in ("http", "https") and bool(parts.hostname)
            and not any(letter.isspace() or letter in "<>\"'" or not letter.isprintable() for letter in address))


def mark_of(outgoing: Outgoing, part: int) -> str:
    """Ten letters and digits that no other slot, account or part has: what our draft is known by."""
    digest = hashlib.sha256(f"{outgoing.account}|{outgoing.parts[part].key}".encode("utf-8", "replace")).digest()
    return b32encode(digest).decode()[:10].lower()


def own_slug(outgoing: Outgoing, part: int) -> str:
    """The slug of our draft: the post's name and our mark, so that a retry finds it, and never a stranger's post."""
    stem = outgoing.slot.post.rpartition("/")[2][:_LONGEST_STEM].strip("-") or "post"
    return f"{stem}-{mark_of(outgoing, part)}"


def base_of(connection: Connection, field: str, default: str = "") -> str:
    """Where the blog is, without a slash at the end. Raises Unauthorized when credentials would go there in clear."""
    given = connection.credentials.get(field)
    base = (connection.address or (given.get_secret_value() if given else default)).rstrip("/")
    try:
        parts = urlsplit(base)
        host, scheme = parts.hostname, parts.scheme
    except ValueError:
        host, scheme = None, ""
    if not host or not (scheme == "https" or (scheme == "http" and host in _LOOPBACK)):
        raise Unauthorized(f"{field} must be the https address of the blog, such as https://blog.example; nothing was "
                           "sent")
    return base


def value_in(answer: Answer) -> Any:
    """What the body says. Raises ValueError for what is no JSON."""
    try:
        return json.loads(answer.body)
    except RecursionError:
        raise ValueError from None


def object_in(answer: Answer) -> dict[str, Any]:
    """Raises ValueError for what is no JSON object."""
    value = value_in(answer)
    if not isinstance(value, dict):
        raise ValueError
    return value


def said(text: object, *secrets: str) -> str:
    """`: ` and a server's own words, fit to print: no secret, no control character, 300 characters at most."""
    if not isinstance(text, str) or not text.strip():
        return ""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return ": " + "".join(letter if letter.isprintable() else " " for letter in text.strip())[:300]


def refusal(answer: Answer, why: str, in_doubt: type[PublishError], *, is_own: bool,
            locked_out: bool = False) -> PublishError:
    """What an answer that is no 2xx means. `is_own`: it is the blog's own word and not a page from something between.

    `locked_out`: its words say that the account may not do this.
    """
    match answer.status:
        case 429:
            return RateLimited(why, retry_after(answer.headers))
        case 402:
            return PaymentRequired(why)
        case 401:
            return Unauthorized(why, dead=True)
        case 400 | 403 if is_own and locked_out:
            return Unauthorized(why)
        case status if status == 413 or (is_own and status in _REFUSALS):
            return Rejected(why)
        case status if 300 <= status < 400:
            return in_doubt(f"{why}, a redirect; is the address in the credentials the blog's own, with https?")
    return in_doubt(why)


def unreadable(answer: Answer, what: str, in_doubt: type[Unavailable] | type[Unconfirmed]) -> PublishError:
    return in_doubt(f"the blog answered {answer.status}, but not with {what}")


def note(message: Message, name: str, what: str, remedy: str) -> Problem:
    """A warning: it goes out, but not as its writer may think."""
    return problem(message, "SUP002", message.place(name), what, remedy, Severity.warning)


class Calls(ABC):
    """How a blog is spoken to: what a subclass adds is its address, its headers and what its refusals mean."""

    _connection: Connection

    @abstractmethod
    def _url(self, path: str) -> str:
        """The address of one call. Raises Unauthorized for one that is not to be trusted."""

    @abstractmethod
    def _headers(self) -> dict[str, str]:
        """With the credential. Raises Unauthorized when there is none."""

    @abstractmethod
    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        """What an answer that is no 2xx means."""

    def _ask(self, method: str, path: str, **what: Any) -> Answer:
        """A call that may be repeated freely, answered with 2xx. Raises a PublishError that is never Unconfirmed."""
        answer = self._send(method, path, repeatable=True, **what)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return answer

    def _send(self, method: str, path: str, **what: Any) -> Answer:
        return converse(self._connection, method, self._url(path), headers=self._headers(), **what)
