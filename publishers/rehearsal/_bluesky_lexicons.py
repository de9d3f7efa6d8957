"""What the lexicons say a Bluesky post is, as a server judges a record before it takes it.

Sources: lexicons app.bsky.feed.post, app.bsky.embed.images, .external, .video, app.bsky.richtext.facet and
com.atproto.label.defs of 2026 (pictures: 2,000,000 bytes, older texts say 1,000,000); read 2026-11-22.
"""
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import regex

from publishers.rehearsal._twin import Refusal

POSTS = "app.bsky.feed.post"
_DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
_URI = re.compile(r"\w+:(?://)?[^\s/]\S*")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,20})?(?:Z|[+-]\d\d:\d\d)")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


class Named(NamedTuple):
    """A file as a record names it: the hash of its bytes, its kind, its size; and the words that go with it."""

    cid: str
    kind: str
    size: int
    alt: str | None


def invalid(why: str) -> Refusal:
    return Refusal(400, {"error": "InvalidRequest", "message": why})


def files_of(record: dict[str, Any]) -> list[Named]:
    """Every file that the record names. Raises a refusal for a record that is no post."""
    _text(record.get("text"), "text", 3_000, 300)
    if not isinstance(made := record.get("createdAt"), str) or not _DATETIME.fullmatch(made):
        raise _no("createdAt must be a datetime")
    for language in _list(record.get("langs", []), "langs", 3):
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            raise _no("langs must be well-formed BCP 47 language tags")
    for tag in _list(record.get("tags", []), "tags", 8):
        _text(tag, "tags", 640, 64)
    for facet in _list(record.get("facets", []), "facets", None):
        _judge_facet(facet)
    if "labels" in record:
        if _object(record["labels"], "labels").get("$type") != "com.atproto.label.defs#selfLabels":
            raise _no("labels is of no known type")
        for label in _list(record["labels"].get("values"), "labels/values", 10):
            _text(_object(label, "labels/values").get("val"), "labels/values/val", 128, None)
    for end in ("root", "parent") if "reply" in record else ():
        match _object(record["reply"], "reply").get(end):
            case {"uri": str(uri), "cid": str()} if uri.startswith("at://"):
                pass
            case _:
                raise _no(f"reply/{end} must be a strong reference")
    return list(_files(_object(record["embed"], "embed"))) if "embed" in record else []


def _files(embed: dict[str, Any]) -> Iterator[Named]:
    match embed.get("$type"):
        case "app.bsky.embed.images":
            for image in _list(embed.get("images"), "embed/images", 4):
                _text(_object(image, "embed/images").get("alt"), "embed/images/alt", None, None)
                _judge_ratio(image)
                yield _blob(image.get("image"), "embed/images/image", 2_000_000, "image/.+", image["alt"])
        case "app.bsky.embed.external":
            external = _object(embed.get("external"), "embed/external")
            if not isinstance(external.get("uri"), str) or not _URI.fullmatch(external["uri"]):
                raise _no("embed/external/uri must be a uri")
            for field in ("title", "description"):
                _text(external.get(field), f"embed/external/{field}", None, None)
            if "thumb" in external:
                yield _blob(external["thumb"], "embed/external/thumb", 1_000_000, "image/.+")
        case "app.bsky.embed.video":
            _judge_ratio(embed)
            if "alt" in embed:
                _text(embed["alt"], "embed/alt", 10_000, 1_000)
            yield _blob(embed.get("video"), "embed/video", 300_000_000, "video/mp4", embed.get("alt"))
            for caption in _list(embed.get("captions", []), "embed/captions", 20):
                if not _LANGUAGE.fullmatch(str(_object(caption, "embed/captions").get("lang"))):
                    raise _no("embed/captions/lang must be a language")
                yield _blob(caption.get("file"), "embed/captions/file", 20_000, "text/vtt")
        case _:
            raise _no("embed is of no known type")


def _blob(said: Any, where: str, most: int, kinds: str, alt: str | None = None) -> Named:
    match said:
        case {"$type": "blob", "ref": {"$link": str(link)}, "mimeType": str(kind), "size": int(size)}:
            pass
        case _:
            raise _no(f"{where} must be a blob")
    if not re.fullmatch(kinds, kind):
        raise _no(f"{where} has a mime type that is not accepted: {kind}")
    if size > most:
        raise _no(f"{where} is larger than {most} bytes: {size}")
    return Named(link, kind, size, alt)


def _judge_facet(facet: Any) -> None:
    match facet:
        case {"index": {"byteStart": int(start), "byteEnd": int(end)}, "features": [*features]} if 0 <= start <= end:
            pass
        case _:
            raise _no("facets must have an index and features")
    for feature in features:
        match feature:
            case {"$type": "app.bsky.richtext.facet#link", "uri": str(uri)} if _URI.fullmatch(uri):
                pass
            case {"$type": "app.bsky.richtext.facet#mention", "did": str(did)} if _DID.fullmatch(did):
                pass
            case {"$type": "app.bsky.richtext.facet#tag", "tag": str(tag)}:
                _text(tag, "facets/features/tag", 640, 64)
            case _:
                raise _no("facets/features is none of the known ones")


def _judge_ratio(media: dict[str, Any]) -> None:
    match media.get("aspectRatio"):
        case None:
            pass
        case {"width": int(width), "height": int(height)} if width >= 1 and height >= 1:
            pass
        case _:
            raise _no("aspectRatio must have a width and a height of 1 at least")


def _text(value: Any, where: str, most_bytes: int | None, most_graphemes: int | None) -> None:
    if not isinstance(value, str):
        raise _no(f"{where} must be a string")
    if most_bytes is not None and len(value.encode()) > most_bytes:
        raise _no(f"{where} must not be longer than {most_bytes} bytes")
    if most_graphemes is not None and len(regex.findall(r"\X", value)) > most_graphemes:
        raise _no(f"{where} must not be longer than {most_graphemes} graphemes")


def _list(value: Any, where: str, most: int | None) -> list[Any]:
    if not isinstance(value, list):
        raise _no(f"{where} must be an array")
    if most is not None and len(value) > most:
        raise _no(f"{where} must not have more than {most} elements")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _no(f"{where} must be an object")
    return value


def _no(why: str) -> Refusal:
    return invalid(f"Invalid {POSTS} record: Record/{why}")
