"""A channel is opened: its credentials found, renewed when they must be, and handed to the adapter of its network."""
import logging
import time
from collections.abc import Callable, Iterable

from pydantic import SecretStr

import publishers
from flows.edges.clock import Clock
from flows.edges.credentials import connection_of, credentials, is_secret
from flows.edges.settings import Settings
from flows.edges.store import Store
from flows.edges.tokens import Fields, Tokens, expiry, is_due
from publishers.base import Connection, Publisher, Refreshes
from schemas.channel import Channel
from schemas.errors import PublishError, RateLimited, SettingsError, StoreError, Unavailable

log = logging.getLogger(__name__)


class Connector:
    """How a shift opens a channel: at its network with real credentials, or at the rehearsal with none.

    `hide` is told every secret before it is used, so that none is ever printed.
    """

    def __init__(self, settings: Settings, clock: Clock, store: Store, rehearse_at: str | None, *,
                 hide: Callable[[Iterable[str]], None]) -> None:
        self._settings, self._clock, self._rehearse_at, self._hide = settings, clock, rehearse_at, hide
        self._tokens = Tokens(settings.home, store, time.sleep)
        self._opened: dict[str, Fields] = {}                      # what each connection was opened with last

    def connect(self, channel: Channel) -> Publisher:
        """Raises SettingsError."""
        return self._open(channel, refused=False)

    def renew(self, channel: Channel) -> Publisher:
        """After a refusal: with credentials that are renewed, or that somebody has put right. Raises SettingsError."""
        return self._open(channel, refused=True)

    def _open(self, channel: Channel, *, refused: bool) -> Publisher:
        network = publishers.load(channel.network)
        account = channel.handle or channel.id
        if self._rehearse_at is not None:
            address = f"{self._rehearse_at.rstrip('/')}/{channel.network}"
            return network(Connection(account, _pretended(network, account), address))
        if self._clock.pretend:
            raise SettingsError(
                f"{channel.id} is a real account, and this clock is pretend.", "Add --rehearse, or use the real time."
            )
        configured = credentials(channel, network.needs, network.wants, self._settings.credentials)
        name = connection_of(channel)
        fields: Fields = self._tokens.current(name, configured)
        self._conceal(fields)
        publisher = network(Connection(account, fields))
        if isinstance(publisher, Refreshes) and (
                refused or self._is_due(name, fields, publisher.refresh_ahead_s)):
            # what was refused is what we opened with: another worker may have renewed it since
            fields = self._renewed(channel, configured, self._opened.get(name, fields) if refused else fields, refused)
            self._conceal(fields)
            publisher = network(Connection(account, fields))
        self._opened[name] = fields
        return publisher

    def _is_due(self, connection: str, fields: Fields, ahead_s: float) -> bool:
        """Whether it is time to renew; not again so soon after it was tried in vain, while the old one lives."""
        now = self._clock.now()
        lives = not is_due(fields, 0.0, now)
        return is_due(fields, ahead_s, now) and not (lives and self._tokens.tried_lately(connection, now))

    def _conceal(self, fields: Fields) -> None:
        self._hide([value.get_secret_value() for field, value in fields.items() if is_secret(field)])

    def _renewed(self, channel: Channel, configured: Fields, dead: Fields, refused: bool) -> Fields:
        """What cannot be renewed stays as it is while it lives; else the channel cannot be used."""
        network, account = publishers.load(channel.network), channel.handle or channel.id

        def refresh(fields: Fields) -> dict[str, str]:
            publisher = network(Connection(account, fields))
            assert isinstance(publisher, Refreshes)
            try:
                return publisher.refresh()
            except PublishError:
                raise
            except Exception as error:  # noqa: BLE001 — a fault of an adapter or its SDK must not stop the others
                raise Unavailable(f"the adapter broke off with {type(error).__name__}") from None

        try:
            return self._tokens.renew(connection_of(channel), configured, dead, refresh)
        except (PublishError, StoreError) as error:
            why = error.why if isinstance(error, PublishError) else error.what
            ends = expiry(dead)
            away = isinstance(error, Unavailable | RateLimited | StoreError)
            if not (refused and away) and "access_token" in dead and (ends is None or ends > self._clock.now()):
                log.warning("credential not renewed channel=%s why=%s", channel.id, why)
                return dead
            raise SettingsError(f"The credential of {channel.id} has ended and cannot be renewed: {why}.",
                                f"Run 'drumbeat connect {channel.network} --channel {channel.id}'.") from None


def unconnected(channel: Channel) -> Publisher:
    """The adapter of a channel without any credential: it tells what would go out, and can send nothing."""
    return publishers.load(channel.network)(Connection(channel.handle or channel.id))


def _pretended(network: type[Publisher], account: str) -> dict[str, SecretStr]:
    """Credentials that a rehearsal network takes for those of `account`."""
    name = account.replace("/", "-")
    fields = (*network.needs, *(field for field in network.wants if field == "access_token"))
    return {field: SecretStr(name if field.endswith("_id") else f"rehearsal:{name}") for field in fields}
