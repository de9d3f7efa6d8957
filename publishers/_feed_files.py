"""The three feed files, made of entries: RSS 2.0, Atom, JSON Feed 1.1. Pure; the same entries give the same bytes.

Sources: rssboard.org/rss-specification and rss-profile, RFC 4287, jsonfeed.org/version/1.1; read 2026-11-22.
"""
import html
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple
from xml.etree import ElementTree as Xml

from publishers._feed_entries import Entry, Kept, stamp, writable

NEWEST = 50
"""Items in a feed at most."""
_ATOM, _CONTENT, _DC = "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/modules/content/", \
    "http://purl.org/dc/elements/1.1/"
_LONGEST_TITLE = 80                      # characters of a first line that must stand for a title
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)       # when a feed without items was last changed: the same every time


class About(NamedTuple):
    """What the feed says of itself. `base`: the address under which the destination is open to the world."""

    title: str
    site_url: str
    base: str
    media_base: str
    author: str | None = None
    language: str | None = None


class File(NamedTuple):
    name: str
    type: str
    body: bytes


def files(about: About, entries: Sequence[Entry]) -> tuple[File, ...]:
    """The newest `NEWEST` of `entries`, in the three forms; in whatever order they come."""
    newest = sorted(entries, key=lambda entry: (entry.date, entry.key), reverse=True)[:NEWEST]
    return (File("rss.xml", "application/rss+xml; charset=utf-8", _rss(about, newest)),
            File("atom.xml", "application/atom+xml; charset=utf-8", _atom(about, newest)),
            File("feed.json", "application/feed+json; charset=utf-8", _json(about, newest)))


def _rss(about: About, entries: Sequence[Entry]) -> bytes:
    rss = Xml.Element("rss", {"version": "2.0", "xmlns:atom": _ATOM, "xmlns:content": _CONTENT, "xmlns:dc": _DC})
    channel = Xml.SubElement(rss, "channel")
    _say(channel, "title", about.title)
    _say(channel, "link", about.site_url)
    _say(channel, "description", about.title)
    if about.language:
        _say(channel, "language", about.language)
    if entries:
        _say(channel, "lastBuildDate", _rfc822(entries[0].date))
    _say(channel, "generator", "Drumbeat")
    Xml.SubElement(channel, "atom:link", {"rel": "self", "type": "application/rss+xml", "href": f"{about.base}rss.xml"})
    for entry in entries:
        item = Xml.SubElement(channel, "item")
        if entry.title:
            _say(item, "title", entry.title)
        if entry.link:
            _say(item, "link", entry.link)
        # readers take a description for HTML: what was typed as "<b>" must stay what was typed
        _say(item, "description", html.escape(entry.text, quote=False).replace("\n", "<br/>\n"))
        if about.author:
            _say(item, "dc:creator", about.author)
        for tag in entry.tags:
            _say(item, "category", tag)
        if entry.media:                  # the RSS board's profile: several in one item confuse readers
            first = entry.media[0]
            Xml.SubElement(item, "enclosure", {"url": about.media_base + first.path, "length": str(first.size),
                                               "type": first.type})
        _say(item, "guid", entry.id).set("isPermaLink", "false")
        _say(item, "pubDate", _rfc822(entry.date))
        _say(item, "content:encoded", _shown(about, entry))
    return _written(rss)


def _atom(about: About, entries: Sequence[Entry]) -> bytes:
    feed = Xml.Element("feed", {"xmlns": _ATOM, **({"xml:lang": about.language} if about.language else {})})
    _say(feed, "id", f"{about.base}atom.xml")
    _say(feed, "title", about.title)
    _say(feed, "updated", stamp(entries[0].date if entries else _NEVER))
    _say(Xml.SubElement(feed, "author"), "name", about.author or about.title)
    Xml.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{about.base}atom.xml"})
    Xml.SubElement(feed, "link", {"rel": "alternate", "href": about.site_url})
    _say(feed, "generator", "Drumbeat")
    for entry in entries:
        one = Xml.SubElement(feed, "entry", {"xml:lang": entry.language} if entry.language else {})
        _say(one, "id", entry.id)
        _say(one, "title", entry.title or _first_words(entry.text) or about.title)
        _say(one, "published", stamp(entry.date))
        _say(one, "updated", stamp(entry.date))
        if entry.link:
            Xml.SubElement(one, "link", {"rel": "alternate", "href": entry.link})
        for tag in entry.tags:
            Xml.SubElement(one, "category", {"term": tag})
        for kept in entry.media:
            Xml.SubElement(one, "link", {
                "rel": "enclosure", "href": about.media_base + kept.path, "type": kept.type, "length": str(kept.size),
                **({"title": kept.alt} if kept.alt else {})})
        _say(one, "content", _shown(about, entry)).set("type", "html")
    return _written(feed)


def _json(about: About, entries: Sequence[Entry]) -> bytes:
    feed: dict[str, Any] = {"version": "https://jsonfeed.org/version/1.1", "title": about.title,
                            "home_page_url": about.site_url, "feed_url": f"{about.base}feed.json"}
    if about.author:
        feed["authors"] = [{"name": about.author}]
    if about.language:
        feed["language"] = about.language
    feed["items"] = [_item(about, entry) for entry in entries]
    return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"


def _item(about: About, entry: Entry) -> dict[str, Any]:
    # two attachments with one title would be two forms of one thing
    titles = [kept.alt for kept in entry.media]
    attachments = [{"url": about.media_base + kept.path, "mime_type": kept.type,
                    **({"title": kept.alt} if kept.alt and titles.count(kept.alt) == 1 else {}),
                    "size_in_bytes": kept.size} for kept in entry.media]
    optional = {"url": entry.link, "title": entry.title, "language": entry.language, "tags": list(entry.tags),
                "attachments": attachments}
    return {"id": entry.id, "content_html": _shown(about, entry), "content_text": entry.text,
            "date_published": stamp(entry.date), **{name: value for name, value in optional.items() if value}}


def _shown(about: About, entry: Entry) -> str:
    """The HTML of the text, and below it the files: pictures to see, others to open."""
    return "\n".join([entry.html, *(_figure(about, kept) for kept in entry.media)])


def _figure(about: About, kept: Kept) -> str:
    there, alt = html.escape(about.media_base + kept.path), html.escape(kept.alt)
    match kept.type.partition("/")[0]:
        case "image":
            return f'<p><img src="{there}" alt="{alt}"/></p>'
        case "video" | "audio" as form:
            return f'<p><{form} src="{there}" controls="controls"></{form}></p>'
    return f'<p><a href="{there}">{alt or html.escape(kept.path.rpartition("/")[2])}</a></p>'


def _first_words(text: str) -> str:
    line = text.strip().partition("\n")[0].strip()
    return line if len(line) <= _LONGEST_TITLE else line[:_LONGEST_TITLE - 1].rstrip() + "…"


def _say(parent: Xml.Element, name: str, text: str) -> Xml.Element:
    child = Xml.SubElement(parent, name)
    child.text = writable(text)
    return child


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _written(root: Xml.Element) -> bytes:
    for element in root.iter():
        for name, value in element.attrib.items():
            element.set(name, writable(value))
    Xml.indent(root, space=" ")
    text: str = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()
