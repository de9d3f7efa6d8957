"""What a feed says of itself, and the addresses by which its items are known. Pure."""
import re
from urllib.parse import urlsplit

from publishers._addresses import address_in
from publishers._feed_entries import FOLDER, KEY, writable
from publishers._feed_files import About
from publishers.base import Connection
from schemas.errors import Unauthorized

_FILES = ("rss.xml", "atom.xml", "feed.json")
_WEB = re.compile(r"https?://[^\s/<>\"]+(/[^\s<>\"]*)?")


def about_of(connection: Connection) -> About:
    """What the feed says of itself. Raises Unauthorized for settings that no reader could use."""
    given = {name: writable(" ".join(value.get_secret_value().split()))
             for name, value in connection.credentials.items()}
    if (twin := connection.address) is not None:
        return About(given["title"].removeprefix("rehearsal:"), f"{twin}/", f"{twin}/files/", f"{twin}/files/")
    for name in ("site_url", "self_url", "base_url"):
        if name in given and not _WEB.fullmatch(given[name]):
            raise Unauthorized(f"{name} must be an address such as https://club.example/feeds/rss.xml; nothing was "
                               "written")
    if not urlsplit(given["self_url"]).path.strip("/"):
        raise Unauthorized("self_url must name the file, such as https://club.example/feeds/rss.xml; nothing was "
                           "written")
    base = given["self_url"].rpartition("/")[0] + "/"
    media = given["base_url"].rstrip("/") + "/" if given.get("base_url") else base
    return About(given["title"], given["site_url"], base, media, given.get("author"), given.get("language"))


def base_of(connection: Connection) -> str | None:
    """Where the feed files are open to the world, with a slash at the end; of a twin its address; else None."""
    if connection.address is not None:
        return connection.address
    given = connection.credentials.get("self_url")
    return given.get_secret_value().rpartition("/")[0] + "/" if given is not None else None


def key_in(connection: Connection, address: str) -> str:
    """The key of the item that a person named. Raises ValueError."""
    said = address.strip()
    if KEY.fullmatch(said):
        return said
    if (match := re.fullmatch(rf"tag:[^\s:]+,[0-9-]+:({KEY.pattern})", said)) is not None:
        return match[1]
    given = address_in(said)
    if given is not None and (base := base_of(connection)) is not None:
        if KEY.fullmatch(key := given.anchored(base, "feed") or ""):
            return key
        path = given.below(base)
    else:
        path = given.path[-2:] if given is not None else None
    if given is not None and path:
        if path[-1] in _FILES and KEY.fullmatch(given.fragment):
            return given.fragment
        entry = re.fullmatch(rf"{FOLDER}({KEY.pattern})\.json", "/".join(path))
        if entry is not None:
            return entry[1]
    raise ValueError("an item of a feed is named by its id there, such as tag:club.example,2026-11-22:"
                     "abcdefghijklmnopqrstuvwx; the last 24 letters alone will do")
