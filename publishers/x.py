"""X: posts, threads and first comments through API v2 and tweepy, in the name of the account (OAuth 1.0a).

Images go up first, with their alt text; a post names them by id. A thread is a chain of replies to oneself, and a first
comment a reply to the last post. X has no card field: a link that is to be shown as a card stands behind the text.
"""
import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from publishers._addresses import address_in
from publishers._media import beyond
from publishers._text import accidental_links, weighted_length
from publishers._x_answers import Doing, Entry, Page, entry, new_id, page, understood
from publishers.base import Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup
from schemas.errors import PublishError, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Media, Message, Part
from schemas.place import Place
from schemas.problem import Problem, Severity

MOST_CASHTAGS = 1           # docs.x.com, changelog, read 2026-11-22
FEW_HASHTAGS = 2            # advice, not a limit
PAGE_SIZE = 100
MOST_POSTS = 3_200          # what X shows of an account's past; a look that reaches it is not complete

_FIELDS = "created_at,note_tweet,entities,referenced_tweets,attachments"
_SPACE = r"\x09-\x0D\x20\x85\xA0\u1680\u180E\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_CASHTAG = re.compile(rf"(?:^|(?<=[{_SPACE}]))\$[a-z]{{1,6}}(?:[._][a-z]{{1,2}})?(?=$|[\W_])", re.IGNORECASE)
_HASHTAG = re.compile(r"(?<![\w&/])[#＃](?!https?://)\w*[^\W\d_]\w*")
_HOST = re.compile(r"(?:(?:www|mobile|m)\.)?(?:x|twitter)\.com")
_POST_ID = re.compile(r"[1-9][0-9]{0,18}")
_POST_PATH = re.compile(r"(?:i|i/web|\w{1,20})/status(?:es)?/([1-9][0-9]{0,18})(?:/.*)?", re.ASCII)
_NEVER = re.compile("[\uFFFE\uFEFF\uFFFF\uD800-\uDFFF]")


class X:
    """One account. Its app needs the permission "Read and write" before the access token is made."""

    network: ClassVar[str] = "x"
    needs: ClassVar[tuple[str, ...]] = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    wants: ClassVar[tuple[str, ...]] = ()
    setup: ClassVar[Setup] = Setup(
        app="A developer account and an app of its own at developer.x.com, with 'Read and write' set before the access "
            "token is made.",
        fields={"consumer_key": "Keys and tokens → API key", "consumer_secret": "Keys and tokens → API key secret",
                "access_token": "Keys and tokens → Access token, of the account that posts",
                "access_token_secret": "Keys and tokens → Access token secret"},
        scopes=("Read and write",), expires="Does not expire, until it is revoked or made anew.",
        costs="By the post, more with a link: see docs.x.com/x-api/getting-started/pricing.",
        page="https://docs.x.com/x-api/getting-started/getting-access")
    options: ClassVar[tuple[Option, ...]] = ()
    limits: ClassVar[Limits] = Limits(
        text=280, unit="weighted characters", link_length=23, alt=1_000, images=4, image_bytes=5_000_000,
        image_types=("jpg", "jpeg", "png", "gif", "webp"),
        source="docs.x.com (counting characters, media best practices, OpenAPI 2.167); twitter-text config/v3.json",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.refused)           # 403 "duplicate content", which names no post
    handles_live_s: ClassVar[float] = 86_400.0                  # `expires_after_secs`: docs.x.com, read 2026-11-22
    handles_are_shared: ClassVar[bool] = True                   # by posts of the account that uploaded it

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def length(self, text: str) -> int:
        return weighted_length(text)

    def check(self, message: Message) -> list[Problem]:
        """Every reason why X would refuse the message; links nobody meant, and hashtags that cost readers."""
        limits = self.limits.with_overrides(message.limits)
        found: list[Problem] = []
        for index, part in enumerate(message.parts):
            text = _text(message, index)
            found += _bad_text(message, part, text, limits)
            found += _bad_images(message, part, limits)
        if not message.parts or message.parts[0].kind != "post":
            place = message.parts[0].place if message.parts else Place(message.slot.post)
            found.append(_problem(message, "TXT006", place, f"nothing to post on {message.slot.channel}.",
                                  "Write a text, or add an image."))
        return found

    def compose(self, message: Message) -> Outgoing:
        """One post for each part, comments too; media ids and the post replied to are known only when it is sent."""
        texts = [_text(message, index) for index in range(len(message.parts))]
        images = [_images(part) for part in message.parts]
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=part.kind, text=text, request={"text": text} if text.strip() else {},
                         media=tuple(m.blob for m in media), alts=tuple(m.alt or "" for m in media),
                         names=tuple(m.name for m in media), key=idempotency_key(message.slot, index))
            for index, (part, text, media) in enumerate(zip(message.parts, texts, images, strict=True))))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Media ids by `OutgoingPart.media`, each with its alt text. Nobody sees an image that no post names."""
        piece = outgoing.parts[part]
        handles: dict[str, str] = {}
        for media, alt in zip(piece.media, piece.alts, strict=True):
            body = {"media": base64.b64encode(read(media)).decode(), "media_category": "tweet_image"}
            handles[media] = new_id(self._talk("POST", "/2/media/upload", "preparing", json=body), Unavailable)
            if alt:
                described = {"id": handles[media], "metadata": {"alt_text": {"text": alt}}}
                self._talk("POST", "/2/media/metadata", "preparing", json=described)
        return handles

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        """One `POST /2/tweets`, once. Raises a PublishError."""
        piece = outgoing.parts[part]
        body = dict(piece.request)
        if piece.media:
            body["media"] = {"media_ids": [so_far.handles[media] for media in piece.media]}
        if (parent := _parent(outgoing, part, so_far)) is not None:
            body["reply"] = {"in_reply_to_tweet_id": parent}
        return self._receipt(new_id(self._talk("POST", "/2/tweets", "creating", json=body), Unconfirmed))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The account's posts since `since` with the same text, as many images, and the same post replied to.

        Of a post that was edited since, its first version counts; one that X does not show makes the look incomplete.
        """
        piece, parent = outgoing.parts[part], _parent(outgoing, part, so_far)
        earliest = since.astimezone(UTC).replace(microsecond=0)
        matches: dict[str, PartReceipt] = {}
        complete, more = True, True
        for entries in self._pages(earliest):
            complete = complete and not entries.errors
            for latest in entries.data:
                if (shown := self._first_version(latest)) is None:
                    complete = False
                elif (shown.parent == parent and len(shown.attachments.media_keys) == len(piece.media)
                      and (shown.created_at is None or shown.created_at >= earliest)
                      and not shown.is_of_another_kind(piece.text) and shown.says(piece.text)):
                    matches[shown.id] = self._receipt(shown.id)
            more = entries.meta.next_token is not None
        return Found(tuple(matches.values()), complete=complete and not more)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes /NAME/status/ID, /i/status/ID and /i/web/status/ID of x.com and twitter.com, and the bare number."""
        said, base = address.strip(), self.connection.address
        if _POST_ID.fullmatch(said):
            return self._receipt(said)
        if (given := address_in(said)) is not None:
            path = given.below(base) if base else given.path if _HOST.fullmatch(given.host) else None
            if path and (match := _POST_PATH.fullmatch("/".join(path))):
                return self._receipt(match[1])
            if base and _POST_ID.fullmatch(anchor := given.anchored(base, self.network) or ""):
                return self._receipt(anchor)
        raise ValueError(f"an address of X looks like {base or 'https://x.com'}/NAME/status/1234567890; "
                         "the number alone will do")

    def account_id(self) -> str:
        """The number of the account whose access token this is: `GET /2/users/me`. Never raises Unconfirmed."""
        return new_id(self._talk("GET", "/2/users/me", "reading"), Unavailable)

    def _first_version(self, latest: Entry) -> Entry | None:
        """The post as it was created; None when it was edited since and X does not show what it said before."""
        if latest.first == latest.id:
            return latest
        return entry(self._talk("GET", f"/2/tweets/{latest.first}", "reading", params={"tweet.fields": _FIELDS}))

    def _pages(self, earliest: datetime) -> Iterator[Page]:
        """The account's own posts, newest first, a page at a time; the last page says whether there would be more."""
        account = self.account_id()
        asked = {"max_results": str(PAGE_SIZE), "start_time": earliest.strftime("%Y-%m-%dT%H:%M:%SZ"),
                 "exclude": "retweets", "tweet.fields": _FIELDS}
        for _ in range(MOST_POSTS // PAGE_SIZE):
            entries = page(self._talk("GET", f"/2/users/{account}/tweets", "reading", params=asked))
            yield entries
            if entries.meta.next_token in (None, asked.get("pagination_token")):
                return
            asked["pagination_token"] = str(entries.meta.next_token)

    def _receipt(self, post: str) -> PartReceipt:
        return PartReceipt(id=post, url=f"{self.connection.address or 'https://x.com'}/i/status/{post}")

    def _talk(self, method: str, route: str, doing: Doing, params: Mapping[str, str] | None = None,
              json: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """X's yes to one call. Raises a PublishError: Unconfirmed only when creating."""
        import requests
        import tweepy

        from publishers._sdk import last_answer, session, told

        secrets = {name: self.connection.secret(name) for name in self.needs}
        doubt: PublishError | None = None
        with session(self.connection) as http:
            client = tweepy.Client(**secrets, return_type=requests.Response)
            client.session = http
            try:
                with told(http):
                    client.request(method, route, params=params, json=json, user_auth=True)
            except (tweepy.TweepyException, AttributeError, TypeError, ValueError, RecursionError):
                pass        # it raises for every refusal, and stumbles over odd ones: the answer itself is read below
            except Unconfirmed as error:
                if last_answer(http) is None:   # else tweepy stumbled over a whole answer, which is read below
                    doubt = error if doing == "creating" else Unavailable(error.why)
        if doubt is not None:               # outside `except`, so that nothing hangs on it
            raise doubt
        return understood(last_answer(http), secrets.values(), doing)


def _text(message: Message, index: int) -> str:
    """A part's text as it goes out: X makes a card of a link in the first post, so that is where the card's link is."""
    text = message.parts[index].text
    if index or message.card is None or message.card in text:
        return text
    return f"{text}\n\n{message.card}" if text.strip() else message.card


def _images(part: Part) -> tuple[Media, ...]:
    """The part's images, each once."""
    first: dict[str, Media] = {}
    for media in part.media:
        first.setdefault(media.blob, media)
    return tuple(first.values())


def _parent(outgoing: Outgoing, part: int, so_far: Sent) -> str | None:
    """The post that a part replies to: the last post before it. Comments do not hang on each other."""
    before = [index for index in range(part) if outgoing.parts[index].kind == "post"]
    return so_far.parts[before[-1]].id if before else None


def _problem(message: Message, code: str, place: Place, what: str, remedy: str,
             severity: Severity = Severity.error) -> Problem:
    return Problem(code, severity, place, what, remedy, message.slot.post, message.slot.channel)


def _bad_text(message: Message, part: Part, text: str, limits: Limits) -> Iterator[Problem]:
    channel = message.slot.channel
    most = limits.comment if part.kind == "comment" and limits.comment is not None else limits.text
    if not text.strip() and not part.media:
        yield _problem(message, "TXT006", part.place, f"X takes no empty post on {channel}.",
                       "Write a text, or add an image.")
    if most is not None and (length := weighted_length(text)) > most:
        yield _problem(message, "TXT001", part.place, f"{length}/{most} on {channel}.",
                       f"Add '## on {channel}' with a shorter text.")
    if len(cashtags := _CASHTAG.findall(text)) > MOST_CASHTAGS:
        yield _problem(message, "TXT006", part.place, f"X takes one cashtag on {channel}, not {', '.join(cashtags)}.",
                       f"Keep {cashtags[0]} and write the others without the dollar sign.")
    if odd := _NEVER.search(text):
        yield _problem(message, "TXT006", part.place, f"X takes no U+{ord(odd[0]):04X} on {channel}.",
                       "Delete the invisible character, or type the line anew.")
    for link in dict.fromkeys(accidental_links(text)):
        yield _problem(message, "TXT005", part.place, f"X makes a link of {link} on {channel}: it counts 23, and a "
                       "post with a link costs more.", f"Put a word joiner (U+2060) or a space before the dot of "
                       f"{link}, or write https:// if it is meant.", Severity.warning)
    if len(hashtags := _HASHTAG.findall(text)) > FEW_HASHTAGS:
        yield _problem(message, "TXT001", part.place, f"{len(hashtags)}/{FEW_HASHTAGS} hashtags on {channel}.",
                       f"Keep the {FEW_HASHTAGS} that people follow.", Severity.advice)


def _bad_images(message: Message, part: Part, limits: Limits) -> Iterator[Problem]:
    channel, images = message.slot.channel, _images(part)
    if (many := len(images)) > limits.images:
        yield _problem(message, "TXT001", images[limits.images].place, f"{many}/{limits.images} images on {channel}.",
                       f"Leave {many - limits.images} out, or give them to the next part of a thread.")
    for image in images:
        ending = image.name.rpartition(".")[2].lower()
        if ending not in limits.image_types:
            yield _problem(message, "TXT006", image.place, f"X takes no .{ending} file on {channel}: {image.file}.",
                           f"Save it as one of {', '.join(limits.image_types)}.")
        if image.size > limits.image_bytes:
            yield _problem(message, "TXT001", image.place,
                           f"{image.size}/{limits.image_bytes} bytes on {channel}: {image.file}.",
                           f"Save it smaller than {limits.image_bytes // 1_000_000} MB.")
        if limits.alt is not None and (length := len(image.alt or "")) > limits.alt:
            yield _problem(message, "TXT001", image.place,
                           f"{length}/{limits.alt} characters of alt text on {channel}: {image.file}.",
                           f"Shorten its alt text by {length - limits.alt}.")
        if image.probe is not None and image.probe.kind == "gif" and (image.probe.frames or 1) > 1:
            # docs.x.com/x-api/media, read 2026-11-22: simple upload is for images only, and knows no `tweet_gif`
            yield _problem(message, "TXT006", image.place, f"X takes no moving GIF on {channel}: {image.file}.",
                           "Save one picture of it as PNG, or name other channels for it.")
    yield from beyond(message, images, limits)


PUBLISHER = X
