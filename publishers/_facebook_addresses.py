"""Where people see what a Facebook page posted, and what a pasted address of it says. Pure."""
import re
from typing import NamedTuple
from urllib.parse import quote

from publishers._addresses import Address, address_in
from publishers.base import Connection
from schemas.ledger import PartReceipt

HOME = "https://www.facebook.com"
_HOST = re.compile(r"(?:(?:www|m|mobile|mbasic|touch|web|business|[a-z]{2}-[a-z]{2})\.)?facebook\.com")
_NUMBER = re.compile(r"[1-9][0-9]{0,19}")
_PAIR = re.compile(r"([1-9][0-9]{0,19})_([1-9][0-9]{0,19})")


class Places(NamedTuple):
    """The addresses of one page. `page`: its number or name, "" if unknown; `rehearsal`: what replaces Facebook's."""

    page: str
    rehearsal: str | None
    network: str

    @property
    def home(self) -> str:
        return self.rehearsal or HOME

    @property
    def number(self) -> str | None:
        """The page's number, where it is known: a name stands for it nowhere but in addresses."""
        return self.page if _NUMBER.fullmatch(self.page) else None

    def url(self, made: str, post: str | None = None) -> str:
        """Where people see it: the post's address, for a comment with its number. A twin has the same paths."""
        page, _, number = (post or made).rpartition("_")
        there = f"{self.home}/{quote(page or self.page, safe='')}/posts/{number}"
        return there if post is None else f"{there}?comment_id={made.rpartition('_')[2]}"

    def receipt_of(self, said: str) -> PartReceipt:
        """Takes a post's address with numbers in it, that of a comment under it, and `PAGE_POST`. Raises ValueError."""
        if match := _PAIR.fullmatch(said):
            return self._pasted(match)
        if self.number and _NUMBER.fullmatch(said):
            return self._receipt(self.number, said)
        if (given := address_in(said)) is not None:
            if self.rehearsal:
                path = given.below(self.rehearsal)
                if anchor := _PAIR.fullmatch(given.anchored(self.rehearsal, self.network) or ""):
                    return self._pasted(anchor)
            else:
                path = given.path if _HOST.fullmatch(given.host) else None
            if path and (named := _post_in(path, given)):
                return self._named(*named)
        raise ValueError(
            f"an address of a Facebook post looks like {self.home}/PAGE/posts/1234567890, numbers only; addresses of "
            "photos and addresses with a pfbid do not tell the post's number: GET /PAGE/published_posts?fields=id,"
            "message in the Graph API Explorer does, as PAGE_POST")

    def _named(self, page: str, post: str, comment: str | None) -> PartReceipt:
        """The receipt of what an address names. Raises ValueError when it names another page, or none by number."""
        ours = self.number
        if not _NUMBER.fullmatch(page):
            if ours is None:
                raise ValueError(f'the address names the page "{page}" without its number, which is part of the '
                                 "post's id: write PAGE_POST, both as numbers (Page transparency shows the page's)")
            page = ours
        if ours not in (None, page):
            raise ValueError(f"the address is one of page {page}; the connection's page is {ours}")
        return self._receipt(page, post, comment)

    def _pasted(self, id: re.Match[str]) -> PartReceipt:
        """The receipt of a bare id: a post of the page, or a comment, whose first number is the post's."""
        first, second = id.groups()
        if self.number is None:
            return PartReceipt(id=id[0])
        return self._receipt(first, second) if first == self.number else self._receipt(self.number, first, second)

    def _receipt(self, page: str, post: str, comment: str | None = None) -> PartReceipt:
        above = None if comment is None else f"{page}_{post}"
        made = f"{post}_{comment}" if above else f"{page}_{post}"
        return PartReceipt(id=made, url=self.url(made, above))


def places_of(connection: Connection, network: str) -> Places:
    given = connection.credentials.get("page_id")
    return Places(given.get_secret_value() if given else "", connection.address, network)


def _post_in(path: tuple[str, ...], given: Address) -> tuple[str, str, str | None] | None:
    """The page, the post's number and the comment's that an address names; None when it is no post's address."""
    match path:
        case (page, "posts", number) | (page, "posts", _, number):
            pass
        case ("permalink.php" | "story.php",):
            page, number = given.query.get("id", ""), given.query.get("story_fbid", "")
        case (pair,) if (both := _PAIR.fullmatch(pair)):
            page, number = both.groups()
        case _:
            return None
    comment = given.query.get("comment_id")
    if not (page and _NUMBER.fullmatch(number) and (comment is None or _NUMBER.fullmatch(comment))
            and "reply_comment_id" not in given.query):
        return None
    return page, number, comment
