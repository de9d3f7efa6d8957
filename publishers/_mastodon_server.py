"""What a Mastodon server says of itself and of a token, held against what the adapter goes by. Thinking only.

Sources: docs.joinmastodon.org entities/Instance, entities/V1_Instance, entities/Application, api/oauth-scopes,
read 2026-11-22. `scopes` of an application are told from version 4.3 on.
"""
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from publishers._mastodon_text import VIDEO_PIXELS
from publishers.base import Limits

_NUMBERS = (
    ("statuses", "max_characters", "text", "characters of text"),
    ("statuses", "max_media_attachments", "images", "pictures in a post"),
    ("media_attachments", "description_limit", "alt", "characters of alt text"),
    ("media_attachments", "image_size_limit", "image_bytes", "bytes of a picture"),
    ("media_attachments", "image_matrix_limit", "image_pixels", "pixels of a picture"),
    ("media_attachments", "video_size_limit", "video_bytes", "bytes of a video"),
    ("polls", "max_options", "poll_options", "answers of a poll"),
    ("polls", "max_characters_per_option", "poll_option", "characters of an answer"),
)
"""Where the server says it, our name for it in `limits:`, and what it is."""


def limit_warnings(instance: Mapping[str, Any], limits: Limits) -> Iterator[str]:
    """A sentence for each number of the server that is stricter than ours; a number that it does not tell is none."""
    for group, name, ours, what in _NUMBERS:
        theirs, mine = _number(instance, group, name), getattr(limits, ours)
        if theirs is not None and mine is not None and theirs < mine:
            yield (f"The server takes {theirs:,} {what}, fewer than the {mine:,} that are counted with: "
                   f"write {ours}: {theirs} under 'limits:' of the channel.")
    per_link = _number(instance, "statuses", "characters_reserved_per_url")
    if per_link is not None and limits.link_length is not None and per_link > limits.link_length:
        yield (f"The server counts a link as {per_link} characters, not as {limits.link_length}: write link_length: "
               f"{per_link} under 'limits:' of the channel.")
    pixels = _number(instance, "media_attachments", "video_matrix_limit")
    if pixels is not None and pixels < VIDEO_PIXELS:
        yield f"The server takes videos of {pixels:,} pixels at most (width × height): save them no larger."
    least, most = (_number(instance, "polls", name) for name in ("min_expiration", "max_expiration"))
    if limits.poll_seconds and ((least or 0) > limits.poll_seconds[0] or (most or limits.poll_seconds[1])
                                < limits.poll_seconds[1]):
        yield f"A poll on the server runs from {least} to {most} seconds: keep 'for:' of a poll within that."


def scopes_in(application: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The permissions of the application that the token belongs to; None where the server does not tell."""
    told = application.get("scopes")
    if isinstance(told, str):
        told = told.split()
    return tuple(told) if isinstance(told, list) and told and all(isinstance(one, str) for one in told) else None


def lacking(scopes: tuple[str, ...], needed: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `needed` that are not given. `write` holds `write:statuses` within it."""
    return tuple(scope for scope in needed if not {scope, scope.partition(":")[0]} & {*scopes})


def scope_warnings(scopes: tuple[str, ...], needed: tuple[str, ...]) -> Iterator[str]:
    """What is missing, and what is there without need."""
    if missing := lacking(scopes, needed):
        yield (f"The application lacks {', '.join(missing)}: tick them under Preferences → Development, then copy the "
               "access token anew.")
    if extra := [scope for scope in scopes if scope not in needed and scope != "profile"]:
        yield (f"The application may do more than posting needs ({', '.join(extra)}): {', '.join(needed)} are enough.")


def asked_for(client: str, redirect: str, state: str, verifier: str, scopes: tuple[str, ...]) -> str:
    """The query of the page where a person says yes. PKCE (RFC 7636) is checked from 4.3 on, ignored before."""
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return urlencode({"response_type": "code", "client_id": client, "redirect_uri": redirect,
                      "scope": " ".join(scopes), "state": state, "code_challenge": challenge,
                      "code_challenge_method": "S256"})


def domain_in(instance: Mapping[str, Any]) -> str:
    """The server's name in handles; "" where it does not tell."""
    told = instance.get("domain") or instance.get("uri") or ""
    return str(told).removeprefix("https://").strip("/")


def _number(instance: Mapping[str, Any], group: str, name: str) -> int | None:
    configuration = instance.get("configuration")
    numbers = configuration.get(group) if isinstance(configuration, dict) else None
    told = numbers.get(name) if isinstance(numbers, dict) else None
    return told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else None
