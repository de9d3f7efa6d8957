"""WordPress: articles on a site of one's own, through its REST API and an application password.

Sources: developer.wordpress.org/rest-api/reference (posts, media, tags, categories, users), read 2026-11-22; what they
do not say was tried on a WordPress site the same day.
"""
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

from publishers._addresses import address_in
from publishers._blogs import Calls, base_of, object_in, own_slug, problems_of, unreadable, value_in
from publishers._http import Answer, converse
from publishers._wordpress_answers import (
    GONE,
    LIVE,
    LOOKED_FOR,
    code_in,
    file_in,
    id_in,
    meant,
    objects_in,
    posts_in,
    receipt_in,
    term_named,
    term_that_exists,
)
from publishers._wordpress_text import POST_PHP_TAKES, again_of, caption_of, draft_of, notes, part_of
from publishers.base import DRAFT, Connection, Found, Limits, Option, Outgoing, Sent, Setup, Verified
from schemas.errors import PublishError, Rejected, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat
from schemas.message import Message
from schemas.problem import Problem

T = TypeVar("T")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_NEEDED = ("publish_posts", "edit_published_posts", "delete_published_posts", "upload_files")
_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}


class WordPress(Calls):
    """One user of one site."""

    network: ClassVar[str] = "wordpress"
    needs: ClassVar[tuple[str, ...]] = ("base_url", "username", "application_password")
    wants: ClassVar[tuple[str, ...]] = ()
    setup: ClassVar[Setup] = Setup(
        app="A user of the site with the role Author or higher (Editor, if posts have hashtags: only editors may add "
            "new tags). On the site: Users → Profile → Application Passwords → a name such as 'Drumbeat' → Add. The "
            "site needs https, and Settings → Permalinks must be anything but 'Plain'.",
        fields={"base_url": "the site's address, such as https://blog.example: Settings → General → WordPress Address",
                "username": "the name the user logs in with",
                "application_password": "the 24 letters that are shown once when the password is added; spaces may "
                                        "stay. Not the password the user logs in with."},
        expires="Does not expire. Ends when it is revoked in the profile, or the user is deleted.",
        review="None. A security plugin may have to be told to let the REST API and application passwords through.",
        costs="Free.", page="https://developer.wordpress.org/rest-api/using-the-rest-api/authentication/")
    options: ClassVar[tuple[Option, ...]] = (
        Option("slug", "the last piece of the article's address; else the post's name and ten letters"),
        Option("excerpt", "a summary in plain text, shown in lists"),
        Option("categories", "categories of the site, by name or slug; they must be there already", many=True),
        Option("caption", "what stands under the first picture, where the theme shows it"),
        Option("comments", "whether readers may comment; else as the site has it", ("open", "closed")),
        Option("canonical", "not kept by WordPress itself: see the warning"))
    limits: ClassVar[Limits] = Limits(
        text=None, unit="characters", images=50, image_bytes=POST_PHP_TAKES, image_types=tuple(_TYPES), parts=1,
        title=1_000, hashtags=50,
        source="developer.wordpress.org/rest-api/reference/posts names none; bytes: php.net/manual/en/ini.core.php, "
               "post_max_size unless set; 50 pictures, 50 tags and 1,000 characters of title are ours",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=2_592_000.0)     # a draft stays until it is deleted
    handles_live_s: ClassVar[float] = 2_592_000.0       # the media library keeps a file until somebody deletes it
    handles_are_shared: ClassVar[bool] = False          # the alt text belongs to the file there, not to the post

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def length(self, text: str) -> int:
        return len(text)

    def check(self, message: Message) -> list[Problem]:
        limits = self.limits.with_overrides(message.limits)
        return [*problems_of(message, limits, self.length, self.options), *notes(message, limits)]

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=(part_of(message),))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Each picture is in the media library, with its alt text; the handle is its number and its address."""
        what, handles = outgoing.parts[part], dict[str, str]()
        for number, (blob, alt, name) in enumerate(zip(what.media, what.alts, what.names, strict=True)):
            about = {"alt_text": alt, "caption": caption_of(what, number)}
            kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
            answer = self._ask("POST", "/media", data={field: words for field, words in about.items() if words},
                               files={"file": (name, read(blob), kind)})
            handles[blob] = self._read(answer, lambda answer=answer: file_in(object_in(answer)))  # type: ignore[misc]
        return handles

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """The number of our post: found by its slug and brought up to date, or made. One that is out is left alone.

        Raises Rejected when a wanted slug belongs to another post: WordPress would quietly make it `slug-2`.
        """
        what, slug = outgoing.parts[part], own_slug(outgoing, part)
        ours = self._by_slug(slug)
        out = next((post for post in ours if post["status"] in LIVE), None)
        if out is not None:
            return id_in(out)
        if (wanted := what.request.get("slug")) and any(post not in ours for post in self._by_slug(wanted)):
            raise Rejected(f"another post of the site has the slug '{wanted}' already: choose another one")
        body = draft_of(what, slug, so_far.handles, [self._tag(name) for name in what.request.get("tags", ())],
                        [self._category(name) for name in what.request.get("categories", ())])
        path, body = (f"/posts/{id_in(ours[0])}", again_of(body)) if ours else ("/posts", body)
        answer = self._ask("POST", path, json=body, params={"_fields": "id"})
        return self._read(answer, lambda: id_in(object_in(answer)))

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        wanted = outgoing.parts[part].request.get("slug")
        body = {"status": "publish", **({"slug": wanted} if wanted else {})}
        answer = converse(self._connection, "POST", self._url(f"/posts/{so_far.handles[DRAFT]}"), json=body,
                          params={"_fields": "id,status,link"}, headers=self._headers())
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unconfirmed)
        try:
            (post,) = posts_in([object_in(answer)])
            if post["status"] == "publish":
                return receipt_in(post)
        except ValueError:
            pass                         # said below, out of reach of the chain of causes
        raise unreadable(answer, "a published post", Unconfirmed)

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """The post of the draft's number, else of our slug, if it is out. There is no other that could be ours.

        A wanted slug is nobody's mark: without the number, a post that has it may be ours or not.
        """
        id, wanted = so_far.handles.get(DRAFT), outgoing.parts[part].request.get("slug")
        posts = self._by_slug(own_slug(outgoing, part)) if id is None else self._one(id)
        found = tuple(receipt_in(post) for post in posts if post["status"] == "publish")
        if found or id is not None or not wanted:
            return Found(found, complete=True)
        return Found((), complete=not any(post["status"] in LIVE for post in self._by_slug(wanted)))

    def withdraw(self, receipt: PartReceipt) -> None:
        """Moved to the trash, where the site's people can restore it for thirty days."""
        answer = self._send("DELETE", f"/posts/{receipt.id}", repeatable=True)
        if not 200 <= answer.status < 300 and code_in(answer) not in GONE:
            raise self._refusal(answer, Unavailable)

    def account_id(self) -> str:
        return self._me()[0]

    def verify(self) -> Verified:
        id, me = self._me()
        told = me.get("capabilities")
        able: dict[str, Any] = told if isinstance(told, dict) else {}
        missing = [power for power in _NEEDED if not able.get(power)]
        warnings = [f"The user may not {power.replace('_', ' ')}: give it the role Author or Editor, under Users on "
                    "the site." for power in missing]
        if not able.get("manage_categories"):
            warnings.append("The user may not add new tags: hashtags that the site does not have yet are refused. The "
                            "role Editor may add them.")
        if able.get("manage_options"):
            warnings.append("The user is an administrator of the site, which is more than publishing needs: a user "
                            "with the role Editor will do.")
        roles = me.get("roles")
        return Verified(str(me.get("name") or id), id, tuple(map(str, roles)) if isinstance(roles, list) else None,
                        warnings=tuple(warnings))

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes /?p=NUMBER, the address of the editor, the article's link on the timeline, and the bare number."""
        given, twin = address_in(address), self._connection.address
        number = address.strip() if given is None else given.query.get("p") or given.query.get("post") or ""
        if given is not None and twin is not None:
            number = given.anchored(twin, self.network) or ""
        elif given is not None and not self._is_own(given.below):
            number = ""
        if not _NUMBER.fullmatch(number):
            raise ValueError("a WordPress post is named by its number: open it in the editor, whose address says "
                             "post=123 (…/wp-admin/post.php?post=123&action=edit); the number alone will do")
        return PartReceipt(id=number, url=f"{twin}/#{self.network}-{number}" if twin else None)

    def _is_own(self, below: Callable[[str], tuple[str, ...] | None]) -> bool:
        """Whether an address is one of the site's that can name a post by its number."""
        base = self._connection.credentials.get("base_url")
        path = below(base.get_secret_value()) if base else None
        return path in ((), ("index.php",), ("wp-admin", "post.php"))

    def _me(self) -> tuple[str, dict[str, Any]]:
        answer = self._ask("GET", "/users/me", params={"context": "edit", "_fields": "id,name,roles,capabilities"})
        return self._read(answer, lambda: (id_in(object_in(answer)), object_in(answer)))

    def _by_slug(self, slug: str) -> list[dict[str, Any]]:
        """The posts of that slug in any status but the trash, oldest first."""
        answer = self._ask("GET", "/posts", params={"slug": slug, "status": LOOKED_FOR, "context": "edit",
                                                    "orderby": "id", "order": "asc", "_fields": "id,status,link"})
        return self._read(answer, lambda: posts_in(value_in(answer)))

    def _one(self, id: str) -> list[dict[str, Any]]:
        """The post of that number; nothing when there is none."""
        answer = self._send("GET", f"/posts/{id}", repeatable=True,
                            params={"context": "edit", "_fields": "id,status,link"})
        if code_in(answer) in GONE:
            return []
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return self._read(answer, lambda: posts_in([object_in(answer)]))

    def _tag(self, name: str) -> int:
        """The number of a tag, which is made when the site does not have it."""
        found = term_named(name, self._list("/tags", {"search": name, "per_page": "100", "_fields": "id,name,slug"}))
        if found is not None:
            return found
        answer = self._send("POST", "/tags", repeatable=True, json={"name": name}, params={"_fields": "id"})
        if (known := term_that_exists(answer)) is not None:
            return known
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, Unavailable)
        return self._read(answer, lambda: int(id_in(object_in(answer))))

    def _category(self, name: str) -> int:
        listed = [*self._list("/categories", {"search": name, "per_page": "100", "_fields": "id,name,slug"}),
                  *self._list("/categories", {"slug": name.lower(), "_fields": "id,name,slug"})]
        if (found := term_named(name, listed)) is None:
            raise Rejected(f"the site has no category '{name}': make it there, under Posts → Categories, or name "
                           "another one")
        return found

    def _list(self, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
        answer = self._ask("GET", path, params=params)
        return self._read(answer, lambda: objects_in(value_in(answer)))

    @staticmethod
    def _read(answer: Answer, how: Callable[[], T]) -> T:
        """What `how` makes of an answer; Unavailable where it is not what was asked for."""
        try:
            return how()
        except ValueError:
            raise unreadable(answer, "what was asked for", Unavailable) from None

    def _url(self, path: str) -> str:
        return f"{base_of(self._connection, 'base_url')}/wp-json/wp/v2{path}"

    def _headers(self) -> dict[str, str]:
        user, password = self._connection.secret("username"), self._connection.secret("application_password")
        return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode('utf-8', 'replace')).decode()}"}

    def _refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        return meant(answer, in_doubt, self._connection.secret("application_password"),
                     self._connection.secret("username"))


PUBLISHER = WordPress
