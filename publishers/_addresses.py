"""The web address that a person pastes to say which post it is, taken apart. Pure."""
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

_OWN_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """A web address in pieces."""

    origin: str                          # "https://x.com", "http://127.0.0.1:4280": lower case
    host: str                            # "x.com"; empty when a port of its own is named: no network's address has one
    path: tuple[str, ...]                # decoded, without empty pieces
    query: Mapping[str, str]
    fragment: str

    def below(self, base: str) -> tuple[str, ...] | None:
        """The rest of the path under `base`; None when the address stands elsewhere."""
        top = address_in(base)
        if top is None or self.origin != top.origin or self.path[:len(top.path)] != top.path:
            return None
        return self.path[len(top.path):]

    def anchored(self, base: str, network: str) -> str | None:
        """The id of the post that the address shows on the timeline of the rehearsal network at `base`."""
        mark = f"{network}-"
        return self.fragment.removeprefix(mark) if self.below(base) == () and self.fragment.startswith(mark) else None


def address_in(text: str) -> Address | None:
    """The pieces of a web address, with or without `https://`; None for anything else."""
    text = text.strip()
    if "://" not in text:
        first, slash, _ = text.partition("/")
        if not slash or "." not in first:
            return None
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
        query = dict(parse_qsl(parts.query))
    except ValueError:
        return None
    if parts.scheme not in _OWN_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    own = port in (None, _OWN_PORTS[parts.scheme])
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(f"{parts.scheme}://{name}" if own else f"{parts.scheme}://{name}:{port}",
                   parts.hostname if own else "", tuple(unquote(piece) for piece in parts.path.split("/") if piece),
                   query, parts.fragment)
