"""DEV (dev.to), and other sites of Forem: articles in Markdown.

DEV chooses the slug and takes no key, so a draft is known by a line in it that nobody sees. Publishing a draft twice is
publishing it once.
Sources: developers.forem.com/api/v1; forem/forem app/controllers/concerns/api/articles_controller.rb and
app/models/article.rb, read 2026-11-22.
"""
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

from publishers._addresses import address_in
from publishers._blogs import Calls, base_of, is_web, mark_of, object_in, problems_of, unreadable
from publishers._devto_answers import articles_in, id_in, is_missing, meant, published_at, receipt_in
from publishers._devto_text import BODY_BYTES, OPTIONS, again_of, draft_of, mark_line, own_problems, part_of
from publishers._http import Answer, converse
from publishers._text import utf8_bytes
from publishers.base import DRAFT, Connection, Found, Limits, Option, Outgoing, Sent, Setup, Verified
from schemas.errors import PublishError, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat
from schemas.message import Message
from schemas.problem import Problem

T = TypeVar("T")
HOME = "https://dev.to"
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_PAGE, _PAGES = 30, 100                  # articles come with their whole text: larger pages may be too large to read


class DevTo(Calls):
    """One account. `base_url` is another Forem site."""

    network: ClassVar[str] = "devto"
    needs: ClassVar[tuple[str, ...]] = ("api_key",)
    wants: ClassVar[tuple[str, ...]] = ("base_url",)
    setup: ClassVar[Setup] = Setup(
        app="The DEV account itself: dev.to → Settings → Extensions → DEV Community API Keys → a description such as "
            "'Drumbeat' → Generate API Key.",
        fields={"api_key": "the key that appears under the description; it may do all that the account may do",
                "base_url": "only for another site made with Forem: its address, such as https://forem.example"},
        expires="Does not expire. Ends when it is revoked on the same page.",
        review="None. A young account may publish one article in five minutes.", costs="Free.",
        page="https://developers.forem.com/api/v1")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = Limits(
        text=BODY_BYTES, unit="bytes of Markdown", images=50, image_bytes=25_000_000, pace_s=2.0,
        image_types=("jpg", "jpeg", "png", "gif", "webp"), parts=1, title=128, hashtags=4,
        source="forem/forem app/models/article.rb (text, title, tags) and config/initializers/rack_attack.rb (a write "
               "a second); pictures lie elsewhere, so that no number of theirs is documented: 50 and 25 MB are ours",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=2_592_000.0)     # a draft stays until it is deleted
    handles_live_s: ClassVar[float] = 600.0             # a handle is an address that we were given for now
    handles_are_shared: ClassVar[bool] = False
    addresses_last: ClassVar[bool] = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return utf8_bytes(text)

    def check(self, message: Message) -> list[Problem]:
        limits = self.limits.with_overrides(message.limits)
        return [*problems_of(message, limits, self.length, self.options, counts_markdown=True), *own_problems(message)]

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=(part_of(message),))

    def fetch(self, outgoing: Outgoing, part: int, address: Callable[[str], str]) -> dict[str, str]:
        """The address of each picture: DEV fetches it whenever somebody reads. Raises Unavailable for any other."""
        handles = {blob: address(blob) for blob in outgoing.parts[part].media}
        if not all(is_web(there) and not set("()") & set(there) for there in handles.values()):
            raise Unavailable("a picture has no address that can stand in Markdown; nothing was sent")
        return handles

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """The id of our draft: found by its mark and brought up to date, or made. One that is out is left alone."""
        mark = mark_of(outgoing, part)
        body = {"article": draft_of(outgoing.parts[part], mark, so_far.handles)}
        if (out := self._marked("published", mark, pages=1)) is not None:
            return id_in(out)
        if (ours := self._marked("unpublished", mark, pages=_PAGES)) is not None:
            again = {"article": again_of(body["article"])}
            answer = self._ask("PUT", f"/articles/{id_in(ours)}", json=again)
        else:
            answer = self._ask("POST", "/articles", json=body)
        return self._read(answer, lambda answer: id_in(object_in(answer)))

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        id, asked = so_far.handles[DRAFT], outgoing.parts[part].request
        body = {"published": True, **{field: asked[field] for field in ("ai_disclosure_level",) if field in asked}}
        answer = converse(self._connection, "PUT", self._url(f"/articles/{id}"), json={"article": body},
                          headers=self._headers())
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unconfirmed)
        try:
            article = object_in(answer)
            if id_in(article) == id and article.get("published_timestamp", article.get("published_at")):
                return receipt_in(article)
        except ValueError:
            pass                         # said below, out of reach of the chain of causes
        raise unreadable(answer, "the published article", Unconfirmed)

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The article of the draft's id, else with our mark, if it is out. There is no other that could be ours."""
        id, line = so_far.handles.get(DRAFT), mark_line(mark_of(outgoing, part))
        for page in self._mine("published", _PAGES):
            if page is None:
                return Found((), complete=False)
            for article in page:
                if id_in(article) == id or (id is None and line in str(article.get("body_markdown"))):
                    return Found((receipt_in(article),), complete=True)
            try:
                if page and max(map(published_at, page)) < since:
                    break
            except ValueError:
                continue                 # an article that does not say when: the next page tells
        return Found((), complete=True)

    def withdraw(self, receipt: PartReceipt) -> None:
        """A draft again, which only the account sees: DEV deletes nothing for its interface."""
        answer = self._send("PUT", f"/articles/{receipt.id}", repeatable=True, json={"article": {"published": False}})
        if not 200 <= answer.status < 300 and not is_missing(answer):
            raise self._refusal(answer, Unavailable)

    def account_id(self) -> str:
        return self._me()[0]

    def verify(self) -> Verified:
        id, me = self._me()
        return Verified(str(me.get("username") or id), id)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes /api/articles/NUMBER, the article's link on the timeline, and the bare number."""
        given, twin = address_in(address), self._connection.address
        other = self._connection.credentials.get("base_url")
        number = address.strip() if given is None else ""
        if given is not None and twin is not None:
            number = given.anchored(twin, self.network) or ""
        elif given is not None:
            path = given.below(other.get_secret_value() if other else HOME) or ()
            number = path[2] if len(path) == 3 and path[:2] == ("api", "articles") else ""
            if len(path) == 2 and path[0] != "api":
                raise ValueError("the address of an article does not hold its number: open "
                                 f"{given.origin}/api/articles/{'/'.join(path)} and take the number behind \"id\"")
        if not _NUMBER.fullmatch(number):
            raise ValueError("an article of DEV is named by its number, which https://dev.to/api/articles/NAME/TITLE "
                             "says as \"id\"; the number alone will do")
        return PartReceipt(id=number, url=f"{twin}/#{self.network}-{number}" if twin else None)

    def _marked(self, status: str, mark: str, pages: int) -> dict[str, Any] | None:
        """The account's article with our mark. Raises Unavailable when there are more than can be read."""
        line = mark_line(mark)
        for page in self._mine(status, pages):
            if page is None:
                if pages == 1:
                    return None
                raise Unavailable(f"the account has more than {_PAGE * _PAGES} drafts: delete old ones")
            for article in page:
                if line in str(article.get("body_markdown")):
                    return article
        return None

    def _mine(self, status: str, pages: int) -> Iterator[list[dict[str, Any]] | None]:
        """The account's articles, newest first, by page; None at the end when there may be more."""
        for number in range(1, pages + 1):
            answer = self._ask("GET", f"/articles/me/{status}", params={"page": str(number), "per_page": str(_PAGE)})
            page = self._read(answer, articles_in)
            yield page
            if len(page) < _PAGE:
                return
        yield None

    def _me(self) -> tuple[str, dict[str, Any]]:
        return self._read(self._ask("GET", "/users/me"), lambda answer: (id_in(object_in(answer)), object_in(answer)))

    @staticmethod
    def _read(answer: Answer, how: Callable[[Answer], T]) -> T:
        """What `how` makes of an answer; Unavailable where it is not what was asked for."""
        try:
            return how(answer)
        except ValueError:
            raise unreadable(answer, "what was asked for", Unavailable) from None

    def _url(self, path: str) -> str:
        return f"{base_of(self._connection, 'base_url', HOME)}/api{path}"

    def _headers(self) -> dict[str, str]:
        # without that Accept it is the old interface that answers
        return {"api-key": self._connection.secret("api_key"), "Accept": "application/vnd.forem.api-v1+json"}

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        return meant(answer, in_doubt, self._connection.secret("api_key"))


PUBLISHER = DevTo
