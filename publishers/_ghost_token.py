"""The token that Ghost's Admin API asks for: signed with the key of an integration, good for minutes. Pure.

Source: docs.ghost.org/admin-api, Token Authentication, read 2026-11-22.
"""
import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64encode

from schemas.errors import Unauthorized

LIVES_S = 240                            # Ghost takes five minutes at most; one is left to clocks that differ
_KEY = re.compile(r"(?P<id>[0-9a-f]{24}):(?P<secret>[0-9a-f]{64})")


def token(key: str, now: float, *, rehearsal: bool = False) -> str:
    """A token of the Admin API key `id:secret`, made at `now` (seconds since 1970).

    In a rehearsal any text is a key, and is its own id. Raises Unauthorized for what is no key.
    """
    match = _KEY.fullmatch(key.strip())
    if match is not None:
        id, secret = match["id"], bytes.fromhex(match["secret"])
    elif rehearsal:
        id, secret = key, key.encode("utf-8", "replace")
    else:
        raise Unauthorized("admin_api_key is not an Admin API key, which is 24 letters and digits, a colon and 64 "
                           "more; nothing was sent")
    head = _packed({"alg": "HS256", "kid": id, "typ": "JWT"})
    said = _packed({"aud": "/admin/", "exp": int(now) + LIVES_S, "iat": int(now)})
    return f"{head}.{said}.{_text(hmac.new(secret, f'{head}.{said}'.encode(), hashlib.sha256).digest())}"


def _packed(value: dict[str, object]) -> str:
    return _text(json.dumps(value, separators=(",", ":"), sort_keys=True).encode())


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
