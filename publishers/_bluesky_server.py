"""The account's own Bluesky server: where it is, what is asked of it, and what its answers give."""
from typing import Any
from urllib.parse import urlsplit

from publishers._bluesky_answers import cid_in, did_in, home_in, is_absent, object_in, pass_in, refusal
from publishers._bluesky_once import COLLECTION, Reference, Settled
from publishers._http import Answer, converse
from publishers.base import Connection
from schemas.errors import PublishError, Rejected, Unauthorized, Unavailable

HOME = "https://bsky.social"             # where most accounts live
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECRETS = ("access_token", "refresh_token", "app_password")


class Server:
    """One account's server, and the credentials that are shown to it. A token goes nowhere but there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, body: dict[str, Any]) -> Answer:
        """The create call: once, and whatever came is the answer."""
        return converse(self._connection, "POST", self._url("com.atproto.repo.putRecord"), json=body,
                        headers=self._session())

    def session(self) -> Answer:
        """What the server says of the session: whose it is, and what time it is there."""
        return self._good(converse(self._connection, "GET", self._url("com.atproto.server.getSession"),
                                   headers=self._session(), repeatable=True))

    def did(self) -> str:
        """The lasting id of the account whose session this is."""
        return did_in(object_in(self.session()))

    def upload(self, data: bytes, kind: str) -> dict[str, Any]:
        """A file that nobody sees until a record names it."""
        answer = converse(self._connection, "POST", self._url("com.atproto.repo.uploadBlob"), content=data,
                          headers={**self._session(), "Content-Type": kind}, repeatable=True)
        return object_in(self._good(answer))

    def delete(self, did: str, key: str) -> None:
        """What is not there any more is deleted without a word: the server says yes."""
        body = {"repo": did, "collection": COLLECTION, "rkey": key}
        self._good(converse(self._connection, "POST", self._url("com.atproto.repo.deleteRecord"), json=body,
                            headers=self._session(), repeatable=True))

    def record(self, did: str, key: str) -> dict[str, Any] | None:
        """What stands under a key, with `value` and `cid`; None: nothing. Open to everybody: no token is sent."""
        asked = {"repo": did, "collection": COLLECTION, "rkey": key}
        answer = converse(self._connection, "GET", self._url("com.atproto.repo.getRecord"), params=asked,
                          repeatable=True)
        if is_absent(answer):
            return None
        standing = object_in(self._good(answer))
        if not isinstance(standing.get("value"), dict):
            raise Unavailable("the server named a post without saying what it says")
        return standing

    def reference(self, did: str, key: str) -> Reference:
        """A post of this account as an answer names it. Raises Rejected when it is gone."""
        standing = self.record(did, key)
        if standing is None:
            raise Rejected("the post that this one answers is not there any more; nothing was posted")
        return Reference(Settled(did, "").uri(key), cid_in(standing))

    def account_called(self, name: str) -> str | None:
        """The lasting id of the account of that name; None when nobody has it."""
        answer = converse(self._connection, "GET", self._url("com.atproto.identity.resolveHandle"),
                          params={"handle": name.lower()}, headers=self._session(), repeatable=True)
        if answer.status == 400 and isinstance(self.refusal(answer, Unavailable), Rejected):
            return None
        return did_in(object_in(self._good(answer)))

    def renewed(self) -> dict[str, str]:
        """A new session: by the old one's refresh token, else, when that is spent, by the app password."""
        if token := self.secret("refresh_token"):
            answer = self._begin("com.atproto.server.refreshSession", {"Authorization": f"Bearer {token}"})
            if 200 <= answer.status < 300:
                return self._fields(object_in(answer))
            if not isinstance(refused := self.refusal(answer, Unavailable), Unauthorized):
                raise refused
        identifier, password = self.secret("identifier").removeprefix("@"), self.secret("app_password")
        if not identifier or not password:
            raise Unauthorized("the session is over, and there is no app password to begin another", dead=True)
        said = {"identifier": identifier, "password": password}
        return self._fields(object_in(self._good(self._begin("com.atproto.server.createSession", {}, said))))

    def refusal(self, answer: Answer, in_doubt: type[PublishError]) -> PublishError:
        return refusal(answer, in_doubt, *map(self.secret, _SECRETS))

    def secret(self, field: str) -> str:
        """A credential; empty when it is not set."""
        given = self._connection.credentials.get(field)
        return given.get_secret_value() if given else ""

    def _begin(self, method: str, headers: dict[str, str], body: Any = None) -> Answer:
        return converse(self._connection, "POST", self._url(method), headers=headers, json=body, repeatable=True)

    def _good(self, answer: Answer) -> Answer:
        """The answer of a call that may be repeated. Raises for all but a 2xx, and never Unconfirmed."""
        if not 200 <= answer.status < 300:
            raise self.refusal(answer, Unavailable)
        return answer

    def _fields(self, session: dict[str, Any]) -> dict[str, str]:
        """The credential fields that a new session gives. Where the account lives is taken from its own document."""
        did_in(session)
        tokens = {"access_token": session.get("accessJwt"), "refresh_token": session.get("refreshJwt")}
        fields = {name: token for name, token in tokens.items() if isinstance(token, str) and token.strip()}
        if len(fields) != len(tokens):
            raise Unavailable("the server opened a session, but gave no tokens for it")
        if (expires := pass_in(fields["access_token"]).expires_at) is not None:
            fields["expires_at"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        home = home_in(session)
        if home and home != self._base and self._connection.address is None and _is_safe(home):
            fields["pds_url"] = home
        return fields

    def _session(self) -> dict[str, str]:
        if not (token := self.secret("access_token")):
            raise Unauthorized("there is no session yet: it is opened with the app password", dead=True)
        return {"Authorization": f"Bearer {token}"}

    @property
    def _base(self) -> str:
        return self._connection.address or self.secret("pds_url").rstrip("/") or HOME

    def _url(self, method: str) -> str:
        if not _is_safe(self._base):
            raise Unauthorized("pds_url must be the https address of the account's server; nothing was sent")
        return f"{self._base}/xrpc/{method}"


def _is_safe(address: str) -> bool:
    """Whether a token may go there: over TLS, or to this machine."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in _LOOPBACK)
    except ValueError:
        return False
