"""Credentials that die young: renewed by one worker at a time, and kept where only their owner can read them.

What a network gave replaces what a person configured, until the person configures something else. The archive holds who
renews when, and nothing of what is renewed: not even a hash of it.
"""
import hashlib
import json
import logging
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import SecretStr

from flows.edges.credentials import keep_out_of_git, write_privately
from schemas.errors import PublishError, SettingsError, Unavailable

if TYPE_CHECKING:
    from flows.edges.store import Store

log = logging.getLogger(__name__)
LEASE_S = 120.0
"""So long a worker may take to renew a credential; after that another one tries."""
TRY_AGAIN = timedelta(minutes=15)
PAUSE_S, PATIENCE_S = 0.2, 20.0
"""Between looks while another worker renews, and for so long in all: other channels wait meanwhile."""
EXPIRES = "expires_at"
Fields = Mapping[str, SecretStr]


class _Kept(NamedTuple):
    """What the file of a connection holds. `of`: a hash of what was configured when it was made."""

    number: int                          # of the lease under which it was renewed
    of: str
    fields: dict[str, str]
    tried: str = ""                      # when it was last asked for in vain, RFC 3339


_NOTHING = _Kept(0, "", {})


class Tokens:
    """The renewed credentials of one home. Safe for any number of processes that share home and archive.

    `wait` pauses for so many seconds while another worker renews.
    """

    def __init__(self, home: Path, store: "Store", wait: Callable[[float], object]) -> None:
        self._home, self._store, self._wait = home, store, wait

    def current(self, connection: str, configured: Fields) -> dict[str, SecretStr]:
        """The fields of a connection as they are now: configured, or what they were renewed to."""
        return renewed(self._home, connection, configured)

    def renew(self, connection: str, configured: Fields, dead: Fields,
              refresh: Callable[[Fields], Mapping[str, str]]) -> dict[str, SecretStr]:
        """The fields in place of `dead` ones: what `refresh` gives for them, asked once, by one worker.

        Who comes second gets what the first was given. Raises a PublishError of `refresh`, Unavailable when another
        worker renews and does not come to an end, SettingsError when nothing can be kept here, StoreError.
        """
        waited = 0.0
        while True:
            if not _same(now := self.current(connection, configured), dead):
                return now
            newest = max((int(key.rpartition("/")[2].removesuffix(".json"))
                          for key in self._store.list(f"v1/token/{_name(connection)}/")), default=0)
            if newest > _read(self._home, connection).number and not self._is_over(connection, newest):
                if waited >= PATIENCE_S:
                    raise Unavailable("another publisher is renewing the credential")
                waited += PAUSE_S
                self._wait(PAUSE_S)
                continue
            mine = json.dumps({"by": secrets.token_hex(16)}).encode()       # a store takes equal bytes for the same
            if self._store.create(_key(connection, newest + 1), mine):
                return self._renewed(connection, configured, dead, refresh, newest + 1)

    def _renewed(self, connection: str, configured: Fields, dead: Fields,
                 refresh: Callable[[Fields], Mapping[str, str]], number: int) -> dict[str, SecretStr]:
        """Under our lease. Whatever comes of it, the lease is over then: the file holds its number."""
        kept = _read(self._home, connection)
        if not _same(now := self.current(connection, configured), dead):     # renewed just before we had the lease
            _write(self._home, connection, kept._replace(number=number))
            return now
        _write(self._home, connection, kept)                      # a disk that takes nothing spends no one-time token
        now_text = self._store.now().isoformat()
        try:
            fresh = {name: value for name, value in refresh(dead).items() if name != EXPIRES or value}
            if not fresh or not all(value.strip() for value in fresh.values()):
                raise Unavailable("the network renewed the credential to nothing; the old one is kept")
        except PublishError:
            _write(self._home, connection, kept._replace(number=number, tried=now_text))
            raise
        if (now_kept := _read(self._home, connection)).number > number:      # we slept, and another one renewed
            log.warning("credential renewed too late connection=%s lease=%d", connection, number)
            return self.current(connection, configured)
        fields = {**(now_kept.fields if now_kept.of == _hash(configured, now_kept.fields) else {}), **fresh}
        _write(self._home, connection, _Kept(number, _hash(configured, fields), fields))
        log.info("credential renewed connection=%s fields=%s", connection, sorted(fresh))
        return self.current(connection, configured)

    def tried_lately(self, connection: str, now: datetime) -> bool:
        """Whether it was asked for in vain a short while ago: then not again, while the old one lives."""
        tried = _moment(_read(self._home, connection).tried)
        return tried is not None and timedelta(0) <= now - tried < TRY_AGAIN

    def _is_over(self, connection: str, number: int) -> bool:
        """Whether the holder of a lease took longer than it may: it died, or hangs."""
        age = self._store.age(_key(connection, number))
        return age is None or age > LEASE_S


def renewed(home: Path, connection: str, configured: Fields) -> dict[str, SecretStr]:
    """What is configured, with the fields that were renewed since. Raises SettingsError for a file that is no good."""
    kept = _read(home, connection)
    fresh = kept.fields if kept.of == _hash(configured, kept.fields) else {}
    return {**configured, **{name: SecretStr(value) for name, value in fresh.items()}}


def forget(home: Path, connection: str) -> None:
    """A person has set the connection up anew: what it was renewed to counts no more. Raises SettingsError."""
    if (kept := _read(home, connection)).fields:
        _write(home, connection, _Kept(kept.number, "", {}))


def is_due(fields: Fields, ahead_s: float, now: datetime) -> bool:
    """Whether a credential wants renewing: it ends within `ahead_s`, or there is none yet. `now`: UTC."""
    if "access_token" not in fields:
        return True
    ends = expiry(fields)
    return ends is not None and ends - timedelta(seconds=ahead_s) <= now


def expiry(fields: Fields) -> datetime | None:
    """When a credential ends, UTC; None: never, or nobody knows."""
    said = fields.get(EXPIRES)
    return _moment(said.get_secret_value()) if said is not None else None


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _same(one: Fields, other: Fields) -> bool:
    return {k: v.get_secret_value() for k, v in one.items()} == {k: v.get_secret_value() for k, v in other.items()}


def _hash(configured: Fields, renewed: Iterable[str]) -> str:
    """Of what a person configured in the place of renewed fields: another field beside them changes nothing."""
    said = json.dumps({name: configured[name].get_secret_value() for name in renewed if name in configured},
                      sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _key(connection: str, number: int) -> str:
    return f"v1/token/{_name(connection)}/{number:06d}.json"


def _name(connection: str) -> str:
    return connection.lower()


def _path(home: Path, connection: str) -> Path:
    return home / ".drumbeat/tokens" / f"{_name(connection)}.json"


def _read(home: Path, connection: str) -> _Kept:
    path = _path(home, connection)
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"{path} can be read by others.", f"Run 'chmod 600 {path}'.")
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return _Kept(int(said["number"]), str(said["of"]), {str(k): str(v) for k, v in said["fields"].items()},
                     str(said.get("tried", "")))
    except FileNotFoundError:
        return _NOTHING
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f"{path} cannot be read.",
                            "Move it away, and run 'drumbeat connect' for its network again.") from None


def _write(home: Path, connection: str, kept: _Kept) -> None:
    """Replaces the file whole: what was renewed is on disk before anybody uses it."""
    path = _path(home, connection)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keep_out_of_git(path.parent.parent)
        write_privately(path, json.dumps(kept._asdict()))
    except OSError as error:
        raise SettingsError(f"A renewed credential cannot be kept in {path}: {error.strerror}.",
                            "Make room, or make the folder writable; then run 'drumbeat connect' for its network."
                            ) from error
