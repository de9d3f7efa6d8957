"""What every rehearsal network is made of: a subclass adds its own paths, its own refusals and its own words."""
import contextvars
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.routing import Route

from publishers.rehearsal._kept import Journal, Kept, KeptMedia

CALL: contextvars.ContextVar[str] = contextvars.ContextVar("CALL", default="")
"""What the create call being answered is counted by; set before a route handler runs."""

_FIRST_ID = 115_000_000_000_000_001      # too long for a float: nobody gets away with reading an id as a number
_TEXT_FIELDS = ("status", "text", "message", "commentary")


class Refusal(Exception):
    """The answer of a network that does not do what it is asked. Raised in a route handler."""

    def __init__(self, status: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


class Twin:
    """One network in rehearsal. Subclasses stand in `<network>_twin.py`, which names theirs as `TWIN`.

    Handlers are `async def` and never await between looking and keeping: so two calls at once cannot both be first.
    """

    network: ClassVar[str]
    title: ClassVar[str] = ""                # as people write the name; "" : the network's name with a capital
    accent: ClassVar[str] = "#57606a"        # colour on the timeline page
    creates: ClassVar[tuple[str, ...]]       # patterns for the whole of "METHOD path"; path without the mount prefix
    media_lives: ClassVar[timedelta] = timedelta(days=1)    # an upload that no post took is gone after that

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        """`now` gives aware UTC. In `folder` it keeps what it has in a sub-folder of its own; None: memory only."""
        self.now = now
        self.posts: list[Kept] = []          # oldest first
        self.media: dict[str, KeptMedia] = {}
        self.calls: Counter[str] = Counter()
        self._ids = 0
        self._by_id: dict[str, Kept] = {}
        self._journal = Journal(None if folder is None else folder / self.network)
        for kind, value in self._journal.entries():
            self._recall(kind, value)

    def routes(self) -> list[Route]:
        """The network's own paths."""
        raise NotImplementedError

    def rate_limited(self, until: datetime) -> Refusal:
        """How this network says "too many requests" (the fault "429")."""
        return Refusal(429, {"error": "Too many requests"}, self._retry_after(until))

    def broken(self) -> Refusal:
        """How this network says that something went wrong inside (the faults "500 …")."""
        return Refusal(500, {"error": "Internal server error"})

    def unauthorized(self) -> Refusal:
        """How this network says that the token is valid no more (the fault "401")."""
        return Refusal(401, {"error": "The access token is invalid"})

    def overloaded(self, until: datetime | None) -> Refusal:
        """How this network says that it does not even begin (the fault "503"); None: it does not say until when."""
        return Refusal(503, {"error": "Service unavailable"}, self._retry_after(until))

    def _retry_after(self, until: datetime | None) -> dict[str, str]:
        return {} if until is None else {"Retry-After": str(max(1, round((until - self.now()).total_seconds())))}

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002
        """What a create call is counted by: its idempotency key, else its text. Header names are lower case.

        `path` is for networks that name the account there.
        """
        if key := headers.get("idempotency-key"):
            return key
        kind = headers.get("content-type", "")
        fields: Mapping[str, Any] = {}
        if kind.startswith("application/json"):
            try:
                fields = json.loads(body)
            except ValueError:
                return ""
        elif kind.startswith("application/x-www-form-urlencoded"):
            fields = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        if not isinstance(fields, Mapping):
            return ""
        return next((str(fields[name]) for name in _TEXT_FIELDS if name in fields), "")

    @staticmethod
    def account_of(token: str) -> str:
        """Whose credential this is: `rehearsal:<account>` says so; any other gets a name that does not give it away."""
        named = token.removeprefix("rehearsal:")
        return named if named != token else f"account-{hashlib.sha256(token.encode()).hexdigest()[:8]}"

    def link(self, request: Request, id: str) -> str:
        """Where the timeline page shows a post."""
        return f"{request.url.scheme}://{request.url.netloc}/{self.network}/#{self.network}-{id}"

    def new_id(self) -> str:
        """An id never given before; later ones are greater."""
        self._ids += 1
        return str(_FIRST_ID + self._ids - 1)

    def keep_media(self, data: bytes, *, name: str, mime: str | None, account: str | None = None) -> str:
        """Keep an uploaded file; the answer is its id."""
        kept = KeptMedia(self.new_id(), self._journal.put(data), name, mime, size=len(data), account=account,
                         at=self.now().isoformat())
        self._journal.write("media", asdict(kept))
        self.media[kept.id] = kept
        return kept.id

    def may_attach(self, id: str, account: str) -> bool:
        """Whether the account uploaded such a file, and not longer ago than the network keeps it."""
        media = self.media.get(id)
        return (media is not None and media.account in (None, account)
                and (media.at is None or self.now() - datetime.fromisoformat(media.at) < self.media_lives))

    def describe_media(self, id: str, alt: str) -> None:
        """Give a file its alt text. Raises KeyError for an id that was never given."""
        self.media[id] = replace(self.media[id], alt=alt)
        self._journal.write("alt", {"id": id, "alt": alt})

    def bytes_of(self, sha256: str) -> bytes:
        """Raises KeyError for bytes that were never uploaded here."""
        if all(media.sha256 != sha256 for media in self.media.values()):
            raise KeyError(sha256)
        return self._journal.get(sha256)

    def keep(self, *, account: str, text: str, parent: str | None = None, media: Sequence[str] = (),
             url: str | None = None, extra: Mapping[str, Any] | None = None, id: str | None = None) -> Kept:
        """Make a post exist, now. `extra={"kind": "comment"}` marks a comment for the timeline page."""
        kept = Kept(self.network, account, id or self.new_id(), text, self.now(), parent, tuple(media), url,
                    dict(extra or {}), CALL.get() or text)
        self._journal.write("post", {**asdict(kept), "created_at": kept.created_at.isoformat()})
        self._have(kept)
        return kept

    def post(self, id: str) -> Kept | None:
        return self._by_id.get(id)

    def called(self, key: str) -> None:
        """Count one create call, whatever becomes of it."""
        self.calls[key] += 1
        self._journal.write("call", key, durable=False)

    def forget(self) -> None:
        self.posts.clear()
        self._by_id.clear()
        self.media.clear()
        self.calls.clear()
        self._journal.clear()

    def wait_until(self, seconds: float) -> datetime:
        """`seconds` from now, by the twin's clock."""
        return self.now() + timedelta(seconds=seconds)

    def _have(self, kept: Kept) -> None:
        self.posts.append(kept)
        self._by_id[kept.id] = kept

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "media":
                self.media[value["id"]] = KeptMedia(**value)
                self._ids += 1
            case "alt":
                self.media[value["id"]] = replace(self.media[value["id"]], alt=value["alt"])
            case "post":
                made = datetime.fromisoformat(value["created_at"])
                self._have(Kept(**{**value, "created_at": made, "media": tuple(value["media"])}))
                self._ids += 1
            case "call":
                self.calls[value] += 1
