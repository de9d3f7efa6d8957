"""Instagram, for professional accounts, through the API with Instagram Login.

Instagram fetches pictures and videos itself, from an address that is open to the world; a post without one there is
none. It has no threads: the parts of a thread become one caption. What is published cannot be taken back here.
Sources: developers.facebook.com/docs/instagram-platform content-publishing, reference/ig-user/{media,media_publish,
content_publishing_limit}, ig-container, ig-media/comments, business-login, refresh_access_token; read 2026-11-22.
"""
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from pydantic import SecretStr

from publishers._addresses import address_in
from publishers._container_calls import (
    Api,
    Entry,
    Unclear,
    bought,
    id_in,
    listed,
    permalink,
    plain,
    renewed,
    spent,
    within_quota,
)
from publishers._containers import State, assembled, chosen, drafted, looked_up, made_ready, published, state_in
from publishers._instagram_text import OPTIONS, VIDEOS, alt_of, body_of, pieces, problems_of
from publishers._judging import ending
from publishers.base import (
    DRAFT,
    Connection,
    Found,
    Limits,
    Option,
    Outgoing,
    OutgoingPart,
    Sent,
    Setup,
    Verified,
)
from schemas.errors import Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

GRAPH_VERSION = "v25.0"                  # what the reference shows; the field `graph_version` replaces it
NO_CONTAINER = "comment"                 # what stands for the draft of a comment, which needs none
_SCOPES = ("instagram_business_basic", "instagram_business_content_publish", "instagram_business_manage_comments")
_ID = re.compile(r"[0-9]{1,30}")
_HOST = re.compile(r"(?:www\.)?instagram\.com")
_FIELDS = "id,caption,timestamp,permalink,media_type,children{id}"
_MUCH = 0.8                              # of the day's posts: worth a word


class Instagram:
    """One professional account. `user_id` is its number, `access_token` lives 60 days and is renewed before."""

    network: ClassVar[str] = "instagram"
    needs: ClassVar[tuple[str, ...]] = ("access_token", "user_id")
    wants: ClassVar[tuple[str, ...]] = ("expires_at", "app_id", "app_secret", "graph_version")
    setup: ClassVar[Setup] = Setup(
        app="A professional account (business or creator): Instagram → Settings → Account type. And an app at "
            "developers.facebook.com with the product Instagram → API setup with Instagram login.",
        fields={"access_token": "filled in when the account is connected in a browser; by hand: the app's dashboard → "
                                "API setup with Instagram login → Generate token, which is good for 60 days",
                "user_id": "filled in with it; by hand: it stands beside the token, 17 digits that begin "
                           "with 1784",
                "expires_at": "when the token ends, such as 2027-01-21T12:00:00Z; filled in when it is renewed",
                "app_id": "the app's dashboard → API setup with Instagram login → Instagram app ID",
                "app_secret": "beside it: Instagram app secret",
                "graph_version": "such as v25.0; only if another one is wanted"},
        scopes=_SCOPES,
        expires="After 60 days, and is renewed after 30; dies with a password change or when the app is removed.",
        review="None for accounts that have a role in the app (Roles → Instagram testers); App Review for any other.",
        page="https://developers.facebook.com/docs/instagram-platform/content-publishing")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = Limits(
        text=2_200, unit="characters", comment=2_200, alt=1_000, images=10, image_bytes=8_000_000,
        image_types=("jpg", "jpeg"), image_ratio=(0.8, 1.91), videos=10, video_bytes=300_000_000, video_types=VIDEOS,
        video_seconds=(3.0, 900.0), needs_media=True, mixes_media=True, title=0, hashtags=30, parts=1,
        source="developers.facebook.com/docs/instagram-platform/…/ig-user/media; comment: the app's own number, "
               "nowhere documented for the API",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=64_800.0)   # three quarters of a container's day
    handles_live_s: ClassVar[float] = 3_600.0                   # a container lives a day; an address is the caller's
    handles_are_shared: ClassVar[bool] = False                  # nowhere said that two carousels may take one child
    addresses_last: ClassVar[bool] = False
    refresh_ahead_s: ClassVar[float] = 2_592_000.0              # 30 of 60 days: a token may be renewed after its first
    app_fields: ClassVar[tuple[str, ...]] = ("app_id", "app_secret")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def length(self, text: str) -> int:
        return len(text)                 # the unit is not documented: code points

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=piece.kind, text=piece.text, request=body_of(message, piece, self.limits),
                         media=tuple(media.blob for media in piece.media),
                         alts=tuple(alt_of(message, media) for media in piece.media),
                         names=tuple(media.name for media in piece.media), key=idempotency_key(message.slot, number))
            for number, piece in enumerate(pieces(message))))

    def fetch(self, outgoing: Outgoing, part: int, address: Callable[[str], str]) -> dict[str, str]:
        """A container for each file of a carousel. The one file of any other post goes into the post's own container:
        its handle is its address, which has to answer for as long as a handle lives.
        """
        what = outgoing.parts[part]
        addresses = {blob: self._open(address(blob)) for blob in what.media}
        if len(what.media) == 1:
            return addresses
        handles = {}
        for blob, alt, name in zip(what.media, what.alts, what.names, strict=True):
            fields = {"is_carousel_item": "true", **_source(name, addresses[blob])}
            fields |= {"media_type": "VIDEO"} if _is_video(name) else {"alt_text": alt} if alt else {}
            handles[blob] = drafted(self._api().ask("POST", f"{self._me}/media", fields), self._state).handle
        return handles

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """The post's container, while the day's posts are not used up. A comment needs none."""
        what, api = outgoing.parts[part], self._api()
        if what.kind == "comment":
            return NO_CONTAINER
        within_quota(api, api.ask("GET", f"{self._me}/content_publishing_limit", {"fields": "quota_usage,config"}))
        fields = {name: said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
                  for name, said in what.request.items()}
        if len(what.media) > 1:
            fields["children"] = ",".join(made_ready(so_far.handles[blob], self._state) for blob in what.media)
        elif what.media:
            fields |= _source(what.names[0], so_far.handles[what.media[0]])
        told = assembled(api, f"{self._me}/media", fields, of_others="children" in fields)
        return drafted(told, self._state).handle

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what, api = outgoing.parts[part], self._api()
        if what.kind == "comment":
            return self._commented(api, so_far.parts[0].id, what)
        return published(api, f"{self._me}/media_publish", so_far.handles[DRAFT], self._state,
                         lambda since: self._posts(what, since))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """What became of the container. A comment that is not to be seen may still come, for Instagram may hide it:
        so a look for one is complete only when it is found.
        """
        what, earliest = outgoing.parts[part], since.replace(microsecond=0)
        if what.kind == "comment":
            path, name = f"{quote(so_far.parts[0].id, safe='')}/comments", self._who()["username"]
            found = chosen(listed(self._api(), path, "id,text,timestamp,username", "text", earliest),
                           lambda entry: plain(entry.text) == plain(what.text) and entry.author == name)
            return Found(found.matches, found.complete and bool(found.matches))
        return looked_up(so_far.handles.get(DRAFT), self._state, lambda since: self._posts(what, since), earliest)

    def locate(self, receipt: PartReceipt) -> str | None:
        return permalink(self._api(), receipt.id)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes the bare id. The address of a post holds a short code, which says nothing of the id."""
        said = address.strip()
        if _ID.fullmatch(said):
            return PartReceipt(id=said)
        twin, given = self._connection.address, address_in(said)
        if given is not None and twin and _ID.fullmatch(anchor := given.anchored(twin, self.network) or ""):
            return PartReceipt(id=anchor, url=f"{twin}/#{self.network}-{anchor}")
        if given is not None and _HOST.fullmatch(given.host) and given.path[-2:-1] in (("p",), ("reel",), ("tv",)):
            raise ValueError("the address of an Instagram post does not tell its id: give the number that GET /me/media"
                             "?fields=id,permalink shows beside this address, such as 17895695668004550")
        raise ValueError("a post on Instagram is named by the number that GET /me/media?fields=id,permalink shows, "
                         "such as 17895695668004550")

    def account_id(self) -> str:
        """The account's number, from `GET /me`. Never raises Unconfirmed."""
        return self._who()["user_id"]

    def verify(self) -> Verified:
        who, api = self._who(), self._api()
        limit = api.ask("GET", f"{self._me}/content_publishing_limit", {"fields": "quota_usage,config"}).body
        warnings = []
        if who["account_type"].upper() == "PERSONAL":
            warnings.append("This is no professional account: Instagram → Settings → Account type.")
        ours = self._connection.secret("user_id")
        if _ID.fullmatch(ours) and ours != who["user_id"]:
            warnings.append(f"user_id is not the number of the token's account, which is {who['user_id']}.")
        if (counted := spent(limit, "quota_usage", "config")) and counted[0] >= counted[1] * _MUCH:
            warnings.append(f"{counted[0]} of the {counted[1]} posts that an account may make in 24 hours are made.")
        return Verified(who["username"] or who["user_id"], who["user_id"], warnings=tuple(warnings))

    def refresh(self) -> dict[str, str]:
        """A token for another 60 days. Instagram renews one that is a day old at least and has not ended."""
        return renewed(self._api(rooted=True), "refresh_access_token", {"grant_type": "ig_refresh_token"})

    def authorization(self, redirect: str, state: str, verifier: str) -> str:  # noqa: ARG002
        """Instagram knows no PKCE: `verifier` is not used."""
        asked = {"client_id": self._connection.secret("app_id"), "redirect_uri": redirect, "response_type": "code",
                 "scope": ",".join(_SCOPES), "state": state}
        return f"{self._connection.address or 'https://www.instagram.com'}/oauth/authorize?{urlencode(asked)}"

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:  # noqa: ARG002
        """The token of an hour that the code buys, changed at once for one of 60 days, and whose it is."""
        app = {"client_id": self._connection.secret("app_id"), "client_secret": self._connection.secret("app_secret")}
        form = {**app, "grant_type": "authorization_code", "redirect_uri": redirect, "code": code.removesuffix("#_")}
        token = bought(self._connection, f"{self._connection.address or 'https://api.instagram.com'}/oauth/access_token",
                       form)
        fields = renewed(self._with(token)._api(rooted=True), "access_token",
                         {"grant_type": "ig_exchange_token", "client_secret": app["client_secret"]})
        return {**fields, "user_id": self._with(fields["access_token"]).account_id()}

    def _commented(self, api: Api, post: str, what: OutgoingPart) -> PartReceipt:
        """The comment, made by one call. A post that has just come out may not be found yet: then there is none."""
        try:
            told = api.ask("POST", f"{quote(post, safe='')}/comments", what.request, creating=True, exactly=True)
            return PartReceipt(id=id_in(told.body, Unconfirmed))
        except Unclear as refusal:
            why = refusal.why
        raise Unavailable(f"{why}; there is no comment")

    def _posts(self, what: OutgoingPart, since: datetime) -> Found:
        """The account's posts since then with the caption and as many files. Stories have a list of their own, and no
        caption in it.
        """
        def fits(entry: Entry) -> bool:
            return plain(entry.text) == plain(what.text) and entry.files in (None, len(what.media))

        edge = "stories" if what.request.get("media_type") == "STORIES" else "media"
        return chosen(listed(self._api(), f"{self._me}/{edge}", _FIELDS, "caption", since), fits)

    def _state(self, container: str, within: float | None) -> State:
        body = self._api().ask("GET", quote(container, safe=""), {"fields": "status_code,status"}, within=within,
                               exactly=True).body
        return state_in(body, "status_code", "status")

    def _who(self) -> dict[str, str]:
        body = self._api().ask("GET", "me", {"fields": "user_id,username,account_type"}).body
        if not isinstance(number := body.get("user_id"), str | int) or not _ID.fullmatch(str(number)):
            raise Unavailable("Instagram does not say whose token this is")
        return {"user_id": str(number), "username": str(body.get("username") or ""),
                "account_type": str(body.get("account_type") or "")}

    def _open(self, address: str) -> str:
        if self._connection.address is None and urlsplit(address).scheme != "https":
            raise Unavailable("Instagram fetches files from an https address that is open to the world; set one up")
        return address

    def _with(self, token: str) -> "Instagram":
        return Instagram(self._connection._replace(
            credentials={**self._connection.credentials, "access_token": SecretStr(token)}))

    @property
    def _me(self) -> str:
        return quote(self._connection.secret("user_id"), safe="")   # it stands in paths; a real one is digits

    def _api(self, *, rooted: bool = False) -> Api:
        """`rooted`: for the calls about tokens, which have no version."""
        given = self._connection.credentials.get("graph_version")
        version = given.get_secret_value() if given and not self._connection.address else GRAPH_VERSION
        if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,2}", version):
            raise Unauthorized(f"the connection's graph_version must look like {GRAPH_VERSION}")
        root = self._connection.address or "https://graph.instagram.com"
        return Api(self._connection, "Instagram", root if rooted else f"{root}/{version}")


def _is_video(name: str) -> bool:
    return ending(name) in VIDEOS


def _source(name: str, address: str) -> dict[str, Any]:
    return {"video_url" if _is_video(name) else "image_url": address}


PUBLISHER = Instagram
