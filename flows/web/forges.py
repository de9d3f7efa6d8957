"""Whether a call is from the forge it says, and what it tells: decided on the raw bytes, before anything is parsed.

What each forge sends (all read 2026-11-22):
- GitHub: X-Hub-Signature-256 `sha256=<hex>`, HMAC-SHA256 of the body as sent, JSON or form; X-GitHub-Event `push` or
  `ping` (github/docs, webhooks/using-webhooks/validating-webhook-deliveries.md). X-GitHub-Delivery names the event, and
  a repeated delivery has it again (github/docs/issues/32822).
- Gitea: X-Gitea-Signature, bare hex, empty without a secret; beside it GitHub's and Gogs's headers with the same values
  (go-gitea/gitea, services/webhook/deliver.go). A form is signed by its field, not by its bytes: it is refused here.
- Forgejo: X-Forgejo-… beside all of Gitea's (forgejo.org/docs/latest/user/webhooks).
- GitLab: X-Gitlab-Token, the secret itself; X-Gitlab-Event `Push Hook`; Idempotency-Key, the same for every retry
  (gitlabhq/gitlabhq, app/services/web_hook_service.rb). With a signing token (`whsec_` and 32 bytes in base64) also
  Standard Webhooks: `webhook-signature: v1,<base64>` of `<webhook-id>.<webhook-timestamp>.<body>`
  (gitlab-org/gitlab merge requests 230944 and 231325; standard-webhooks, spec/standard-webhooks.md).
"""
import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs

SHORTEST_SECRET = 16
OLDEST_S = 300
"""A signed time may be so far from ours (standard-webhooks, "replay attacks")."""
_SIGNING = "whsec_"
_HEX = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DELIVERY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_FORM = "application/x-www-form-urlencoded"
Forge = Literal["GitHub", "Gitea", "Forgejo", "GitLab"]


_SIGNING_BODIES: tuple[tuple[Forge, str], ...] = (
    ("Forgejo", "x-forgejo"), ("Gitea", "x-gitea"), ("GitHub", "x-github"))
"""The more special first: each of them sends the headers of those after it as well."""


class Claim(NamedTuple):
    """Who a call says it is from and how it wants to prove it. `name` of the delivery: None where none is told."""

    forge: Forge
    way: Literal["body", "token", "standard"]   # what is proven: the body; nothing but the sender; body, name and time
    proofs: tuple[str, ...]
    event: str
    name: str | None
    sent: str = ""                              # `standard`: webhook-timestamp as written


class Push(NamedTuple):
    """What moved. `commit` None: the branch was deleted, or nobody says where it stands now."""

    ref: str
    commit: str | None
    is_deleted: bool = False


def claim(headers: Mapping[str, str], secrets: Sequence[str]) -> Claim | None:
    """What the headers (lower-case names) claim; None: nothing that could be proven, so the body need not be read."""
    for forge, prefix in _SIGNING_BODIES:
        if f"{prefix}-event" not in headers:
            continue
        said = headers.get(f"{prefix}-signature", "")
        if forge == "GitHub":
            begin, _, said = headers.get("x-hub-signature-256", "").partition("=")
            said = said if begin == "sha256" else ""
        if not _HEX.fullmatch(said):
            return None                         # and no other header makes up for it
        return Claim(forge, "body", (said,), headers[f"{prefix}-event"], _named(headers.get(f"{prefix}-delivery")))
    if "x-gitlab-event" in headers:
        return _gitlab(headers, secrets)
    return None


def _gitlab(headers: Mapping[str, str], secrets: Sequence[str]) -> Claim | None:
    event, signing = headers["x-gitlab-event"], any(secret.startswith(_SIGNING) for secret in secrets)
    if signing and "webhook-signature" in headers:
        proofs = tuple(said[3:] for said in headers["webhook-signature"].split() if said.startswith("v1,"))
        name, sent = _named(headers.get("webhook-id")), headers.get("webhook-timestamp", "")
        known = proofs and name is not None and re.fullmatch(r"[0-9]{1,12}", sent)
        return Claim("GitLab", "standard", proofs, event, name, sent) if known else None
    name = _named(headers.get("idempotency-key")) or _named(headers.get("x-gitlab-event-uuid"))
    token = headers.get("x-gitlab-token")
    return Claim("GitLab", "token", (token,), event, name) if token else None


def _named(said: str | None) -> str | None:
    """A name that can be kept and logged; anything else is as good as none."""
    return said if said is not None and _DELIVERY.fullmatch(said) else None


def is_proven(claimed: Claim, body: bytes, secrets: Sequence[str], *, now_s: float) -> bool:
    """Whether one of `secrets` stands behind the call. Takes as long for a wrong proof as for a right one."""
    if claimed.way == "standard" and abs(now_s - int(claimed.sent)) > OLDEST_S:
        return False
    right = False
    for expected in _expected(claimed, body, secrets):
        for proof in claimed.proofs:
            right |= hmac.compare_digest(proof.encode("latin-1", "replace"), expected)
    return right


def _expected(claimed: Claim, body: bytes, secrets: Sequence[str]) -> Iterator[bytes]:
    for secret in secrets:
        if claimed.way == "standard":
            if (key := signing_key(secret)) is not None:
                signed = f"{claimed.name}.{claimed.sent}.".encode() + body
                yield base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        elif signing_key(secret) is None:
            yield (secret.encode() if claimed.way == "token" else
                   hmac.digest(secret.encode(), body, hashlib.sha256).hex().encode())


def signing_key(secret: str) -> bytes | None:
    """The key in a signing token; None: the secret is none."""
    if not secret.startswith(_SIGNING):
        return None
    try:
        return base64.b64decode(secret.removeprefix(_SIGNING), validate=True)
    except (binascii.Error, ValueError):
        return None


def push(claimed: Claim, body: bytes, kind: str) -> Push | None:
    """What was pushed; None: it is another event. Only of a call that is proven. Raises ValueError for no such body."""
    if claimed.event.lower() not in ("push", "push hook", "system hook"):
        return None
    try:
        if kind.partition(";")[0].strip().lower() == _FORM:
            body = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10)["payload"][0].encode()
        said: Any = json.loads(body)
    except (KeyError, RecursionError):
        raise ValueError("no payload that can be read") from None
    if not isinstance(said, dict) or not isinstance(said.get("ref"), str):
        if claimed.event.lower() == "system hook":
            return None                         # of other things than pushes
        raise ValueError("no ref")
    if said.get("object_kind", "push") != "push":
        return None                             # GitLab calls a tag's push by another name
    after = said.get("after")
    moved = after if isinstance(after, str) and _COMMIT.fullmatch(after) else None
    deleted = said.get("deleted") is True or (moved is not None and set(moved) == {"0"})
    return Push(said["ref"], None if deleted else moved, deleted)
