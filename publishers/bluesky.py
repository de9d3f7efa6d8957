"""Bluesky, on the account's own server (AT Protocol).

A post is a record that we put under a key of our own, with `swapRecord: null`: only where nothing stands. The same
record put again changes nothing and is answered with the same name; another one under that key is refused. So every
attempt must say the same to the letter: what is not known beforehand is settled once, in the draft, which is recorded
before the first attempt. Source: the reference server (@atproto/pds 0.4.217, putRecord.ts), docs.bsky.app, the lexicons
app.bsky.* and com.atproto.*, read 2026-11-22.
"""
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from publishers._addresses import address_in
from publishers._bluesky_answers import MAIN_PASSWORD, blob_in, did_in, object_in, pass_in
from publishers._bluesky_once import COLLECTION, RECORD_KEY, Settled, is_record_key, record_key
from publishers._bluesky_server import Server
from publishers._bluesky_text import OPTIONS, alts, length, problems_of, record, shape, shown, with_files
from publishers._http import moment
from publishers.base import DRAFT, Connection, Found, Limits, Option, Outgoing, OutgoingPart, Sent, Setup, Verified
from schemas.errors import Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Lookup, PartReceipt, Repeat, idempotency_key
from schemas.message import Message
from schemas.problem import Problem

_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif",
          "mp4": "video/mp4", "vtt": "text/vtt"}
_WHO = r"did:[a-z]+:[A-Za-z0-9._:%-]+|[A-Za-z0-9.-]+"
_POST_PATH = re.compile(rf"profile/(?P<who>{_WHO})/post/(?P<key>{RECORD_KEY})")
_AT_URI = re.compile(rf"at://(?P<who>{_WHO})/{re.escape(COLLECTION)}/(?P<key>{RECORD_KEY})")


class Bluesky:
    """One account. `access_token` is its session, which `refresh` begins with the app password and renews.

    Who may answer or quote a post is not set: that is a record of its own beside it (threadgate, postgate), so a second
    create call, and the network does not say what becomes of one that is there before its post.
    """

    network: ClassVar[str] = "bluesky"
    needs: ClassVar[tuple[str, ...]] = ("identifier", "app_password")
    wants: ClassVar[tuple[str, ...]] = ("access_token", "refresh_token", "pds_url", "expires_at")
    setup: ClassVar[Setup] = Setup(
        app="No app is needed, only an app password: in Bluesky, Settings → Privacy and Security → App Passwords → "
            "Add. Never use the account's own password here.",
        fields={"identifier": "the account's name, such as mill.bsky.social, without @",
                "app_password": "the four groups of letters that Bluesky shows once, when the app password is made",
                "access_token": "leave it out: Drumbeat logs in by itself",
                "refresh_token": "leave it out: Drumbeat logs in by itself",
                "pds_url": "only for an account that does not live at bsky.social: the https address of its server, "
                           "such as https://pds.example",
                "expires_at": "leave it out: Drumbeat notes here when its session ends"},
        expires="An app password lives until it is deleted on the page where it was made. A session lives about two "
                "hours and is renewed by itself.",
        review="None. To post video, the account's e-mail address must be confirmed: Settings → Account.",
        page="https://docs.bsky.app/docs/get-started")
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    limits: ClassVar[Limits] = Limits(
        text=300, unit="graphemes", alt=2_000, images=4, image_bytes=2_000_000,
        image_types=("jpg", "jpeg", "png", "webp", "gif"), videos=1, video_bytes=50_000_000, video_types=("mp4",),
        video_seconds=(0.0, 180.0),
        source="lexicons app.bsky.feed.post and app.bsky.embed.images (2,000,000 bytes; older servers 1,000,000); alt "
               "text: what the app takes (social-app, lib/constants.ts); video: 50 MB is what servers take as one file "
               "(bluesky-social/pds pull request 91), three minutes what the network announced in March 2025",
        read=date(2026, 11, 22))
    lookup: ClassVar[Lookup] = Lookup(Repeat.keyed, key_lives_s=315_360_000.0)      # a record keeps its key for ever
    handles_live_s: ClassVar[float] = 2_700.0       # atproto.com/specs/blob: servers keep an upload for an hour or more
    handles_are_shared: ClassVar[bool] = True       # a file is named by its hash; any number of records may name it
    refresh_ahead_s: ClassVar[float] = 900.0

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._server = Server(connection)

    def length(self, text: str) -> int:
        return length(text)

    def check(self, message: Message) -> list[Problem]:
        return list(problems_of(message, self.limits.with_overrides(message.limits)))

    def compose(self, message: Message) -> Outgoing:
        """What is put under which key. In `request`, a mention's `did` is the name that the text says."""
        limits = self.limits.with_overrides(message.limits)
        return Outgoing(slot=message.slot, network=self.network, account=message.account, parts=tuple(
            OutgoingPart(kind=post.piece.kind, text=post.piece.text, key=idempotency_key(message.slot, number),
                         request={"collection": COLLECTION, "rkey": record_key(message.slot, number),
                                  "swapRecord": None, "record": record(message, post, limits)},
                         media=tuple(file.blob for file in post.files), alts=alts(post),
                         names=tuple(file.name for file in post.files))
            for number, post in enumerate(shown(message))))

    def prepare(self, outgoing: Outgoing, part: int, read: Callable[[str], bytes]) -> dict[str, str]:
        """Upload the files of one part: pictures, a video, its subtitles. The handle is the file as a record names it.

        A video goes to the account's own server, as the documentation's simple method has it: it is prepared for
        players after the post is out, and until then, for some seconds, readers see an empty frame.
        """
        what, handles = outgoing.parts[part], {}
        for blob, name in zip(what.media, what.names, strict=True):
            kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
            handles[blob] = blob_in(self._server.upload(read(blob), kind))
        return handles

    def draft(self, outgoing: Outgoing, part: int, so_far: Sent) -> str:
        """Settle what only the network knows: whose account it is, the time, who is mentioned, what is answered, files.

        Nothing is left on the network by it. The time is the server's, to the second; the part's number is written
        behind it, so that a thread made within one second keeps its order.
        """
        answer = self._server.session()
        session, now = object_in(answer), moment(answer.headers.get("date", ""))
        did = did_in(session)
        if session.get("active") is False:
            raise Unauthorized(f"the account is not active ({session.get('status') or 'deactivated'})")
        if now is None:
            raise Unavailable("the server did not say what time it is; nothing was posted")
        root = self._server.reference(did, so_far.parts[0].id) if part else None
        parent = root if part == 1 else self._server.reference(did, so_far.parts[part - 1].id) if part else None
        at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{min(part, 999):03}Z"
        mentions = {}
        for name in _mentioned(outgoing.parts[part].request["record"]):
            if (found := self._server.account_called(name)) is not None:
                mentions[name] = found
        files = tuple(so_far.handles[blob] for blob in outgoing.parts[part].media)
        return Settled(did, at, mentions, root, parent, files).handle()

    def publish(self, outgoing: Outgoing, part: int, so_far: Sent) -> PartReceipt:
        what, settled = outgoing.parts[part], Settled.of(so_far.handles[DRAFT])
        body = {**what.request, "repo": settled.did, "record": _whole(what, settled)}
        answer = self._server.put(body)
        if not 200 <= answer.status < 300:
            raise self._server.refusal(answer, Unconfirmed)
        key = what.request["rkey"]
        try:
            uri = json.loads(answer.body)["uri"]
        except (ValueError, KeyError, TypeError, RecursionError):
            uri = None
        if uri != settled.uri(key):
            raise Unconfirmed(f"the server answered {answer.status}, but not with the post that was put there")
        return self._receipt(key, settled.did)

    def find(self, outgoing: Outgoing, part: int, since: datetime, so_far: Sent) -> Found:  # noqa: ARG002
        """What stands under the part's key, whenever it was put there: a post stands under no other.

        Something else than what was to be said makes the look incomplete: the key is taken, and not by this part.
        """
        what, handle = outgoing.parts[part], so_far.handles.get(DRAFT)
        did, key = Settled.of(handle).did if handle else self.account_id(), str(what.request["rkey"])
        standing = self._server.record(did, key)
        if standing is None:
            return Found((), complete=True)
        said, meant = standing["value"], what.request["record"]
        parent = Settled(did, "").uri(so_far.parts[part - 1].id) if part else None
        is_it = (said.get("text") == what.text and _answered(said) == parent
                 and shape(said.get("embed")) == shape(meant.get("embed")))
        return Found((self._receipt(key, did),), complete=True) if is_it else Found((), complete=False)

    def withdraw(self, receipt: PartReceipt) -> None:
        """Deletes the record; its answers, our own among them, stay."""
        self._server.delete(self.account_id(), receipt.id)

    def receipt_of(self, address: str) -> PartReceipt:
        """Takes https://bsky.app/profile/NAME/post/KEY, the at:// name of the post, and the bare key."""
        said, twin = address.strip(), self._connection.address
        if is_record_key(said):
            return self._receipt(said, None)
        if match := _AT_URI.fullmatch(said):
            return self._receipt(match["key"], match["who"])
        if (given := address_in(said)) is not None:
            if given.host in ("bsky.app", "www.bsky.app") and (match := _POST_PATH.fullmatch("/".join(given.path))):
                return self._receipt(match["key"], match["who"])
            if twin and is_record_key(anchor := given.anchored(twin, self.network) or ""):
                return self._receipt(anchor, None)
        raise ValueError("an address of Bluesky looks like https://bsky.app/profile/NAME/post/3kzqr7ab2cd2e; the last "
                         "thirteen letters alone will do")

    def account_id(self) -> str:
        """The account's DID, which stays when its name changes."""
        return self._server.did()

    def verify(self) -> Verified:
        session = object_in(self._server.session())
        token, warnings = pass_in(self._server.secret("access_token")), []
        if token.scope == MAIN_PASSWORD:
            warnings.append("This is the account's own password, which may change everything: make an app password in "
                            "Settings → Privacy and Security → App Passwords, and put that in its place.")
        if session.get("emailConfirmed") is False:
            warnings.append("The account's e-mail address is not confirmed: videos are refused until it is.")
        if session.get("active") is False:
            warnings.append("The account is not active: nothing can be posted until it is.")
        return Verified(str(session.get("handle") or did_in(session)), did_in(session),
                        (token.scope,) if token.scope else None, token.expires_at, tuple(warnings))

    def refresh(self) -> dict[str, str]:
        """A new session: by the old one's refresh token, else, when that is spent, by the app password.

        Asking twice is harmless: the reference server takes a used refresh token for two hours more, and logging in
        begins another session. So a lost answer is Unavailable.
        """
        return self._server.renewed()

    def _receipt(self, key: str, who: str | None) -> PartReceipt:
        """The receipt of the post under a key, with its address when the account is known. A twin shows one page."""
        if (twin := self._connection.address) is not None:
            return PartReceipt(id=key, url=f"{twin}/#{self.network}-{key}")
        return PartReceipt(id=key, url=f"https://bsky.app/profile/{who}/post/{key}" if who else None)


def _answered(said: dict[str, Any]) -> str | None:
    """Which post a record answers; None: none."""
    match said.get("reply"):
        case {"parent": {"uri": str(uri)}}:
            return uri
    return None


def _mentioned(made: dict[str, Any]) -> tuple[str, ...]:
    """The names of accounts in the marks of a record, each once."""
    return tuple(dict.fromkeys(feature["did"] for facet in made.get("facets", ())
                               for feature in facet["features"] if "did" in feature))


def _whole(what: OutgoingPart, settled: Settled) -> dict[str, Any]:
    """The record with all that compose could not know. A mention of nobody loses its mark."""
    made = {**what.request["record"], "createdAt": settled.at}
    facets = []
    for facet in made.pop("facets", ()):
        (feature,) = facet["features"]
        if "did" not in feature:
            facets.append(facet)
        elif feature["did"] in settled.mentions:
            facets.append({**facet, "features": [{**feature, "did": settled.mentions[feature["did"]]}]})
    if facets:
        made["facets"] = facets
    if "embed" in made:
        made["embed"] = with_files(made["embed"], list(map(json.loads, settled.files)))
    if settled.root is not None and settled.parent is not None:
        made["reply"] = {"root": settled.root._asdict(), "parent": settled.parent._asdict()}
    return made


PUBLISHER = Bluesky
