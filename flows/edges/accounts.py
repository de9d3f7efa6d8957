"""Which account of a network each channel is: said once, by the first publishing, and kept in the archive."""
import json

from pydantic import ValidationError

from flows.edges.store import Store
from schemas.errors import SettingsError, StoreError
from schemas.model import Value

_ACCOUNTS = "v1/account/"


class Bound(Value):
    """A channel and the network's own id of its account, which stays when the name changes."""

    network: str
    handle: str
    account_id: str


def bind(store: Store, channel: str, wanted: Bound) -> Bound:
    """The account that `channel` is bound to: `wanted` if it was bound to none.

    Raises SettingsError when another channel is bound to the account that is wanted, and StoreError.
    """
    key = f"{_ACCOUNTS}{channel}.json"
    body = json.dumps(wanted.model_dump(), sort_keys=True, separators=(",", ":")).encode()
    kept = store.get(key)
    if kept is None:
        _refuse_a_second_channel(store, channel, wanted)
        if store.create(key, body):
            return wanted
        kept = store.get(key)                                     # a rival was first
    return _read(key, kept)


def _refuse_a_second_channel(store: Store, channel: str, wanted: Bound) -> None:
    """Two channels on one account could each take the other's post for its own."""
    for key in store.list(_ACCOUNTS):
        bound = _read(key, store.get(key))
        if (bound.network, bound.account_id) == (wanted.network, wanted.account_id):
            other = key.removeprefix(_ACCOUNTS).removesuffix(".json")
            raise SettingsError(
                f"{channel} opens account {wanted.account_id} of {wanted.network}, which is channel {other} "
                f"({bound.handle}) in this archive; nothing is sent.",
                f"One account is one channel: use {other} in networks/channels.yaml, or give {channel} the credentials "
                "of its own account.")


def _read(key: str, kept: bytes | None) -> Bound:
    try:
        return Bound.model_validate_json(kept or b"")
    except ValidationError as error:
        raise StoreError(f"{key} cannot be read", remedy="restore it from a copy, or move it away") from error
