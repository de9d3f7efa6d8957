"""What X's answers mean, and whether a post says what we would have said.

Thinking only: answers come in as values. Sources: docs.x.com (API v2: response codes, rate limits, posts, note tweets)
and its OpenAPI description 2.168, read 2026-11-22. X speaks two dialects, and answers in the one it was asked in:
`post.fields`, which the description has, and `tweet.fields`, which older pages have; both are understood here.
"""
import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from publishers._answers import object_in
from publishers._http import Answer, retry_after
from publishers._links import find_links
from publishers._text import nfc
from schemas.errors import (
    PaymentRequired,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)

Doing = Literal["creating", "preparing", "appending", "reading", "deleting"]
QUOTED = 200                             # characters of X's own words in an error

_REFUSALS = (400, 403, 404, 413, 422)
_NOT_ALLOWED = ("/oauth1-permissions", "/client-forbidden", "client-forbidden")
_SHORT = re.compile(r"https?://t\.co/\w+", re.IGNORECASE)
Id = Field(pattern=r"^[0-9]{1,19}$")     # a string: as a number it would not survive every reader


def _either(name: str, older: str, default: Any) -> Any:
    """A field under the name that X's description has for it, or under the older one."""
    return Field(default=default, validation_alias=AliasChoices(name, older))


class _Told(BaseModel):
    """Part of an answer; fields we did not ask for are left alone."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Url(_Told):
    """What a t.co link stands for. One with a `media_key` is the picture itself, which X writes behind the text."""

    url: str
    expanded_url: str | None = None
    media_key: str | None = None


class Entities(_Told):
    urls: tuple[Url, ...] = ()


class Note(_Told):
    """A long text; the post's own `text` is then cut."""

    text: str
    entities: Entities = Entities()


class Reference(_Told):
    type: str
    id: str


class Attachments(_Told):
    media_keys: tuple[str, ...] = ()
    poll_ids: tuple[str, ...] = ()


class Entry(_Told):
    """A post in a list."""

    id: str = Id
    text: str = ""
    created_at: AwareDatetime | None = None
    note: Note | None = _either("note_post", "note_tweet", None)
    entities: Entities = Entities()
    references: tuple[Reference, ...] = _either("referenced_posts", "referenced_tweets", ())
    attachments: Attachments = Attachments()
    versions: tuple[Annotated[str, Id], ...] = _either("edit_history_post_ids", "edit_history_tweet_ids", ())

    @property
    def first(self) -> str:
        """The id with which it was created: every edit gives a post a new one."""
        return next(iter(self.versions), self.id)          # oldest first

    def is_of_another_kind(self, text: str) -> bool:
        """Whether it is a repost, or a quote, which `text` cannot have become: X makes one only of a link."""
        kinds = {other.type for other in self.references}
        return "retweeted" in kinds or ("quoted" in kinds and not any(find_links(text)))

    @property
    def parent(self) -> str | None:
        return next((other.id for other in self.references if other.type == "replied_to"), None)

    def says(self, text: str) -> bool:
        """Whether its readers read `text`: links whole, entities undone, white space and letters in one form."""
        said = self.note or self
        shown = said.text
        for url in said.entities.urls:
            shown = shown.replace(url.url, "" if url.media_key else url.expanded_url or url.url)
        theirs, their_links = _skeleton(html.unescape(shown))
        ours, our_links = _skeleton(text)
        return theirs == ours and len(their_links) == len(our_links) and all(
            _SHORT.fullmatch(mine) or _bare(mine) == _bare(other)
            for mine, other in zip(their_links, our_links, strict=True))


class _Meta(_Told):
    next_token: str | None = None


class Page(_Told):
    """One page of an account's posts. `errors`: what X could not show of them."""

    data: tuple[Entry, ...] = ()
    meta: _Meta = _Meta()
    errors: tuple[Any, ...] = ()


class _Named(_Told):
    id: str = Id
    username: str | None = None


class _Processing(_Told):
    state: str | None = None


class _Upload(_Told):
    processing_info: _Processing = _Processing()


class _One(_Told):
    data: Entry


def understood(answer: Answer | None, secrets: Iterable[str], doing: Doing) -> dict[str, Any]:
    """The JSON object of a yes. Raises what a no means; what may have left a post is Unconfirmed when creating."""
    in_doubt = Unconfirmed if doing == "creating" else Unavailable
    if answer is None:
        raise in_doubt("X gave no answer.")
    body = object_in(answer.body)
    said = _said(body or {}, secrets)
    if answer.status == 404 and body is not None and doing == "deleting":
        return {"data": {"deleted": True}}
    if 200 <= answer.status < 300:
        if body is None and doing == "appending" and not answer.body.strip():
            return {}                    # a piece that arrived leaves nothing to say
        if body is None:
            raise in_doubt(f"X answered {answer.status} with something that is not its JSON.")
        if "data" not in body and body.get("errors") and doing not in ("reading", "deleting"):
            raise Rejected(f"X refused it: {said}")
        return body
    raise _refusal(answer, body, said, doing, in_doubt)


def new_id(body: Mapping[str, Any], otherwise: type[PublishError]) -> str:
    """The id that an answer names. Raises `otherwise` when it names none."""
    try:
        return _Named.model_validate(body.get("data")).id
    except ValidationError:
        pass                             # what it says quotes the answer
    raise otherwise("X said yes without naming an id.")


def username(body: Mapping[str, Any]) -> str | None:
    """The name of the account that an answer names, without its @."""
    try:
        return _Named.model_validate(body.get("data")).username
    except ValidationError:
        return None


def state(body: Mapping[str, Any]) -> str:
    """What X says of a file it works on: `pending`, `in_progress`, `succeeded`, `failed`; without a word it is done."""
    try:
        return _Upload.model_validate(body.get("data")).processing_info.state or "succeeded"
    except ValidationError:
        pass
    raise Unavailable("X said nothing that can be read of a file it works on.")


def is_deleted(body: Mapping[str, Any]) -> bool:
    """Whether the answer to a deletion says that the post is gone."""
    data = body.get("data")
    return isinstance(data, dict) and data.get("deleted") is True


def is_missing(body: Mapping[str, Any]) -> bool:
    """Whether an answer that should show a post says that there is none."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return "data" not in body and isinstance(first, dict) and (
        str(first.get("type", "")).endswith("/resource-not-found") or first.get("title") == "Not Found Error")


def page(body: Mapping[str, Any]) -> Page:
    """One page of a list. Raises Unavailable when it is not one: a look may be repeated."""
    try:
        return Page.model_validate(body)
    except ValidationError as error:
        places = ", ".join(".".join(str(step) for step in fault["loc"])
                           for fault in error.errors(include_url=False, include_context=False, include_input=False)[:3])
    raise Unavailable(f"X's list of posts cannot be read: {places}.")


def entry(body: Mapping[str, Any]) -> Entry | None:
    """The post that an answer shows; None when it shows none."""
    try:
        return _One.model_validate(body).data
    except ValidationError:
        return None


def _refusal(answer: Answer, body: dict[str, Any] | None, said: str, doing: Doing,
             in_doubt: type[PublishError]) -> PublishError:
    kind = str((body or {}).get("type", ""))
    if answer.status == 429:
        return RateLimited(f"X asks to wait: {said}", _reset(answer.headers))
    if answer.status == 401 or (answer.status == 403 and kind.endswith(_NOT_ALLOWED)):
        return Unauthorized(f"X does not accept the connection's credentials ({answer.status}): {said}",
                            dead=answer.status == 401)
    if answer.status == 402:
        return PaymentRequired(f"the X account has no credit or plan for this: {said}")
    if answer.status == 403 and doing == "creating" and "duplicate content" in said.lower():
        return Unconfirmed("X already has this text and names no post: it must be looked up.")
    if doing == "reading":
        return Unavailable(f"X did not show what was asked for ({answer.status}): {said}")
    # a refusal without X's own JSON came from something in between, except that nothing takes what is too large
    if answer.status in _REFUSALS and (body is not None or answer.status == 413):
        return Rejected(f"X refused it ({answer.status}): {said}")
    return in_doubt(f"X answered {answer.status}: {said}")


def _reset(headers: Mapping[str, str]) -> datetime | None:
    """When X listens again, UTC. With calls remaining, what ran out is a cap that only `Retry-After` may date."""
    reset, ends = headers.get("x-rate-limit-reset", ""), [retry_after(headers)]
    if headers.get("x-rate-limit-remaining", "0") == "0" and re.fullmatch(r"[0-9]{1,10}", reset):
        ends.append(datetime.fromtimestamp(int(reset), UTC))
    return max((end for end in ends if end is not None), default=None)


def _said(body: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """X's own words on one line, without any credential."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    told = (body.get("detail"), first.get("detail"), first.get("message"), body.get("title"))
    words = next((" ".join(word.split()) for word in told if isinstance(word, str) and word.strip()), "no reason given")
    general = body.get("detail")
    if isinstance(general, str) and isinstance(first.get("message"), str):      # the general one only says "see errors"
        words = " ".join(first["message"].split())
    for secret in secrets:
        for form in {secret, quote(secret, safe="")} - {""}:
            words = words.replace(form, "[secret]")
    return "".join(c if c.isprintable() else " " for c in words)[:QUOTED]


def _skeleton(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with a mark in place of each link, in NFC, white space collapsed; and the links."""
    text = nfc(text).replace("\r\n", "\n")
    pieces, links, done = [], [], 0
    for link in find_links(text):
        pieces.append(text[done:link.start])
        links.append(link.text)
        done = link.end
    return " ".join("\uFFFC".join([*pieces, text[done:]]).split()), tuple(links)


def _bare(link: str) -> str:
    """A link as X may give it back: with a scheme it did not have, with a slash behind a bare host."""
    name, slash, path = re.sub(r"^https?://", "", link, flags=re.IGNORECASE).partition("/")
    return name.lower() + (slash + path).rstrip("/")
