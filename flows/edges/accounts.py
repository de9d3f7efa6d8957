"""Which account of a network each channel is: said once, by the first publishing, and kept in the archive."""
import json

from pydantic import ValidationError

from flows.edges.store import Store
from schemas.errors import StoreError
from schemas.model import Value


class Bound(Value):
    """A channel and the network's own id of its account, which stays when the name changes."""

    network: str
    handle: str
    account_id: str


def bind(store: Store, channel: str, wanted: Bound) -> Bound:
    """The account that `channel` is bound to: `wanted` if it was bound to none. Raises StoreError."""
    key = f"v1/account/{channel}.json"
    body = json.dumps(wanted.model_dump(), sort_keys=True, separators=(",", ":")).encode()
    kept = store.get(key)
    if kept is None:
        if store.create(key, body):
            return wanted
        kept = store.get(key)                                     # a rival was first
    try:
        return Bound.model_validate_json(kept or b"")
    except ValidationError as error:
        raise StoreError(f"{key} cannot be read", remedy="restore it from a copy, or move it away") from error
