"""Threads, through its own API: words, pictures, videos, polls, and threads of them.

Threads fetches pictures and videos itself, from an address that is open to the world.
Sources: developers.facebook.com/documentation/threads overview, posts, reference/{publishing,media-retrieval},
retrieve-and-manage-replies, troubleshooting, troubleshooting/debug-access-token, posts/delete-posts,
get-started/{get-access-tokens-and-permissions,long-lived-tokens}; read 2026-11-22. `auto_publish_text` is never
used: without a container nothing can be looked up.
"""
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from pydantic import SecretStr

from publishers._addresses import address_in
from publishers._container_calls import Api, Entry, Gone, bought, listed, permalink, plain, renewed, spent, within_quota
from publishers._containers import State, assembled, chosen, drafted, looked_up, made_ready, published, state_in
from publishers._judging import ending
from publishers._threads_text import OPTIONS, VIDEOS, body_of, length, pieces, problems_of
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
from schemas.errors import Rejected, Unauthorized, Unavailable
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

API_HOSTS = ("graph.threads.net", "graph.threads.com")   # both are documented; the field `api_host` chooses
_SCOPES = ("threads_basic", "threads_content_publish", "threads_manage_replies", "threads_read_replies",
           "threads_delete")
_TO_POST = _SCOPES[:2]
_ID = re.compile(r"[0-9]{1,30}")
_HOST = re.compile(r"(?:www\.)?threads\.(?:net|com)")
_FIELDS = "id,text,timestamp,permalink,media_type,children{id}"
_MUCH = 0.8                              # of the day's posts: worth a word


class Threads:
    """One profile. `user_id` is its number, `access_token` lives 60 days and is renewed before."""

    network: ClassVar[str] = "threads"
    needs: ClassVar[tuple[str, ...]] = ("access_token", "user_id")
    wants: ClassVar[tuple[str, ...]] = ("expires_at", "app_id", "app_secret", "api_host")
    setup: ClassVar[Setup] = Setup(
        app="An app at developers.facebook.com with the use case Threads API, and the profile as a tester of it: App "
            "roles → Roles → Threads testers; the profile says yes under Settings → Account → Website permissions.",
        fields={"access_token": "filled in when the account is connected in a browser; by hand: the use case's "
                                "settings → User token generator, which gives one for 60 days",
                "user_id": "filled in with it; by hand: the id that GET /v1.0/me shows",
                "expires_at": "when the token ends, such as 2027-01-21T12:00:00Z; filled in when it is renewed",
                "app_id": "App settings → Basic → Threads app ID, which is not the app's own ID",
                "app_secret": "App settings → Basic → Threads app secret",
                "api_host": "graph.threads.net or graph.threads.com; only if another than the first is wanted"},
        scopes=_SCOPES,
        expires="After 60 days, and is renewed after 30; dies with a password change or when the app is removed.",
        review="None for profiles that are testers of the app; App Review for any other.",
        page="https://developers.facebook.com/docs/threads/get-started")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = Limits(
        text=500, unit="characters, an emoji as its bytes", alt=1_000, images=20, image_bytes=8_000_000,
        image_types=("jpg", "jpeg", "png"), image_ratio=(0.1, 10.0), videos=20, video_bytes=1_000_000_000,
        video_types=VIDEOS, video_seconds=(0.1, 300.0), mixes_media=True, title=0, poll_options=4, poll_option=25,
        source="developers.facebook.com/documentation/threads/posts and create-posts/polls", read=date(2026, 11, 22))
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
        return length(text)

    def compose(self, message: Message) -> Outgoing:
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=piece.kind, text=piece.text, request=body_of(message, piece, number, self.limits),
                         media=tuple(media.blob for media in piece.media),
                         alts=tuple(media.alt or "" for media in piece.media),
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
            fields = {"is_carousel_item": "true", "media_type": "VIDEO" if _is_video(name) else "IMAGE",
                      **_source(name, addresses[blob]), **({"alt_text": alt} if alt else {})}
            handles[blob] = drafted(self._api().ask("POST", f"{self._me}/threads", fields), self._state).handle
        return handles

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """The container of one post or reply, while the day's are not used up."""
        what, api, reply = outgoing.parts[part], self._api(), "reply_" if part else ""
        usage, config = f"{reply}quota_usage", f"{reply}config"
        limit = api.ask("GET", f"{self._me}/threads_publishing_limit", {"fields": f"{usage},{config}"})
        within_quota(api, limit, usage, config)
        fields = {name: said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
                  for name, said in what.request.items()}
        if part:
            fields["reply_to_id"] = so_far.parts[part - 1].id
        if len(what.media) > 1:
            fields["children"] = ",".join(made_ready(so_far.handles[blob], self._state) for blob in what.media)
        elif what.media:
            fields |= _source(what.names[0], so_far.handles[what.media[0]])
        told = assembled(api, f"{self._me}/threads", fields, of_others="children" in fields or part > 0)
        return drafted(told, self._state).handle

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        return published(self._api(), f"{self._me}/threads_publish", so_far.handles[DRAFT], self._state,
                         lambda since: self._posts(outgoing, part, since, so_far))

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """What became of the container."""
        return looked_up(so_far.handles.get(DRAFT), self._state,
                         lambda since: self._posts(outgoing, part, since, so_far), since.replace(microsecond=0))

    def locate(self, receipt: PartReceipt) -> str | None:
        return permalink(self._api(), receipt.id)

    def withdraw(self, receipt: PartReceipt) -> None:
        """Raises RateLimited after a hundred of a day."""
        try:
            told = self._api().ask("DELETE", quote(receipt.id, safe=""), {}, exactly=True)
        except Gone:
            return
        if told.body.get("success") is not True:
            raise Rejected("Threads does not say that the post is deleted; look at it in the app")

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes the bare id. The address of a post holds a short code, which says nothing of the id."""
        said = address.strip()
        if _ID.fullmatch(said):
            return PartReceipt(id=said)
        twin, given = self._connection.address, address_in(said)
        if given is not None and twin and _ID.fullmatch(anchor := given.anchored(twin, self.network) or ""):
            return PartReceipt(id=anchor, url=f"{twin}/#{self.network}-{anchor}")
        if given is not None and _HOST.fullmatch(given.host) and {"post", "t"} & {*given.path[:-1]}:
            raise ValueError("the address of a post on Threads does not tell its id: give the number that "
                             "GET /me/threads?fields=id,permalink shows beside this address, such as 18005555555555555")
        raise ValueError("a post on Threads is named by the number that GET /me/threads?fields=id,permalink shows, "
                         "such as 18005555555555555")

    def account_id(self) -> str:
        """The profile's number, from `GET /me`. Never raises Unconfirmed."""
        return self._who()[0]

    def verify(self) -> Verified:
        (number, name), api = self._who(), self._api()
        warnings = []
        ours = self._connection.secret("user_id")
        if _ID.fullmatch(ours) and ours != number:
            warnings.append(f"user_id is not the number of the token's profile, which is {number}.")
        limit = api.ask("GET", f"{self._me}/threads_publishing_limit", {"fields": "quota_usage,config"}).body
        if (counted := spent(limit, "quota_usage", "config")) and counted[0] >= counted[1] * _MUCH:
            warnings.append(f"{counted[0]} of the {counted[1]} posts that a profile may make in 24 hours are made.")
        scopes, ends = self._granted()
        return Verified(name or number, number, scopes, ends, (*warnings, *_said_of(scopes)),
                        lacks=tuple(scope for scope in _TO_POST if scopes is not None and scope not in scopes))

    def refresh(self) -> dict[str, str]:
        """A token for another 60 days. Threads renews one that is a day old at least and has not ended."""
        return renewed(self._api(rooted=True), "refresh_access_token", {"grant_type": "th_refresh_token"})

    def authorization(self, redirect: str, state: str, verifier: str) -> str:  # noqa: ARG002
        """Threads knows no PKCE: `verifier` is not used."""
        asked = {"client_id": self._connection.secret("app_id"), "redirect_uri": redirect, "response_type": "code",
                 "scope": ",".join(_SCOPES), "state": state}
        return f"{self._connection.address or 'https://threads.net'}/oauth/authorize?{urlencode(asked)}"

    def exchange(self, code: str, redirect: str, verifier: str) -> dict[str, str]:  # noqa: ARG002
        """The token of an hour that the code buys, changed at once for one of 60 days, and whose it is."""
        app = {"client_id": self._connection.secret("app_id"), "client_secret": self._connection.secret("app_secret")}
        form = {**app, "grant_type": "authorization_code", "redirect_uri": redirect, "code": code.removesuffix("#_")}
        token = bought(self._connection, f"{self._root}/oauth/access_token", form)
        fields = renewed(self._with(token)._api(rooted=True), "access_token",
                         {"grant_type": "th_exchange_token", "client_secret": app["client_secret"]})
        return {**fields, "user_id": self._with(fields["access_token"]).account_id()}

    def _posts(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:
        """The profile's posts since then with the text and as many files; its replies have a list of their own."""
        what, parent = outgoing.parts[part], so_far.parts[part - 1].id if part else None

        def fits(entry: Entry) -> bool:
            return (plain(entry.text) == plain(what.text) and entry.files in (None, len(what.media))
                    and entry.parent == parent)

        path, fields = (f"{self._me}/replies", f"{_FIELDS},replied_to") if part else (f"{self._me}/threads", _FIELDS)
        return chosen(listed(self._api(), path, fields, "text", since), fits)

    def _state(self, container: str, within: float | None) -> State:
        body = self._api().ask("GET", quote(container, safe=""), {"fields": "status,error_message"}, within=within,
                               exactly=True).body
        return state_in(body, "status", "error_message")

    def _who(self) -> tuple[str, str]:
        body = self._api().ask("GET", "me", {"fields": "id,username"}).body
        if not isinstance(number := body.get("id"), str | int) or not _ID.fullmatch(str(number)):
            raise Unavailable("Threads does not say whose token this is")
        return str(number), str(body.get("username") or "")

    def _granted(self) -> tuple[tuple[str, ...] | None, datetime | None]:
        """What the token may do and when it ends; only a tester of the app is told that.

        The token stands in the address, as in every other GET: Threads documents no other place for it.
        """
        api = self._api()
        try:
            told = api.ask("GET", "debug_token", {"input_token": api.token}).body.get("data")
        except (Rejected, Unauthorized) as error:                 # it was good for who it is just before
            if isinstance(error, Unauthorized) and error.dead:
                raise
            return None, None
        scopes, ends = (told.get("scopes"), told.get("expires_at")) if isinstance(told, dict) else (None, None)
        return (tuple(map(str, scopes)) if isinstance(scopes, list) else None,
                datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) and 0 < ends < 10 ** 11 else None)

    def _open(self, address: str) -> str:
        if self._connection.address is None and urlsplit(address).scheme != "https":
            raise Unavailable("Threads fetches files from an https address that is open to the world; set one up")
        return address

    def _with(self, token: str) -> "Threads":
        return Threads(self._connection._replace(
            credentials={**self._connection.credentials, "access_token": SecretStr(token)}))

    @property
    def _me(self) -> str:
        return quote(self._connection.secret("user_id"), safe="")   # it stands in paths; a real one is digits

    @property
    def _root(self) -> str:
        if self._connection.address is not None:
            return self._connection.address
        given = self._connection.credentials.get("api_host")
        if (host := given.get_secret_value() if given else API_HOSTS[0]) not in API_HOSTS:
            raise Unauthorized(f"the connection's api_host must be {' or '.join(API_HOSTS)}")
        return f"https://{host}"

    def _api(self, *, rooted: bool = False) -> Api:
        """`rooted`: for the calls about tokens, which have no version."""
        return Api(self._connection, "Threads", self._root if rooted else f"{self._root}/v1.0")


def _is_video(name: str) -> bool:
    return ending(name) in VIDEOS


def _source(name: str, address: str) -> dict[str, Any]:
    return {"video_url" if _is_video(name) else "image_url": address}


PUBLISHER = Threads


def _said_of(scopes: tuple[str, ...] | None) -> Iterator[str]:
    """What a token may too little, too much, or is not told, each with what to do."""
    if scopes is None:
        yield ("Threads does not say what the token may do, which it does to testers of the app: make the profile one "
               "(App roles → Roles → Threads testers).")
        return
    missing = [scope for scope in _SCOPES if scope not in scopes]
    if fatal := [scope for scope in missing if scope in _TO_POST]:
        yield f"The token lacks {', '.join(fatal)}: connect the account anew, and say yes to all."
    if rest := [scope for scope in missing if scope not in _TO_POST]:
        yield (f"The token lacks {', '.join(rest)}; posts go out, but threads may stay half out, or nothing can be "
               "taken back: connect the account anew, and say yes to all.")
    if extra := [scope for scope in scopes if scope not in _SCOPES]:
        yield (f"The token may do more than posting needs ({', '.join(extra)}): take that from the app's use case, "
               "then connect the account anew.")
