"""What Facebook takes and refuses of a message: the part of the adapter that needs no network."""
from collections.abc import Iterator

from publishers._text import nfc
from publishers.base import Limits
from schemas.message import Media, Message
from schemas.place import Place
from schemas.problem import Problem, Severity

LONG_TEXT = 5_000           # characters; nothing documented, but readers see the first lines only


def text_of(message: Message) -> str:
    """The post's text: the parts of a thread one below the other, and the card's link when photos leave no card."""
    parts = [part.text for part in message.parts if part.kind == "post" and part.text.strip()]
    return "\n\n".join([*parts, message.card] if message.card and photos_of(message) else parts)


def photos_of(message: Message) -> tuple[Media, ...]:
    """Every photo of the post once: the same file in two parts of a thread is one photo of the joined post."""
    first: dict[str, Media] = {}
    for part in message.parts:
        if part.kind == "post":
            for media in part.media:
                first.setdefault(media.blob, media)
    return tuple(first.values())


def start_of(message: Message) -> Place:
    return message.parts[0].place if message.parts else Place(message.slot.post)


def problem(message: Message, code: str, place: Place, what: str, remedy: str,
            severity: Severity = Severity.error) -> Problem:
    return Problem(code, severity, place, what, remedy, message.slot.post, message.slot.channel)


def over(message: Message, place: Place, text: str, most: int | None,
         severity: Severity = Severity.error) -> list[Problem]:
    channel = message.slot.channel
    if most is None or len(text) <= most:
        return []
    return [problem(message, "TXT001", place, f"{len(text)}/{most} on {channel}.",
                    f"Add '## on {channel}' with a shorter text.", severity)]


def too_long(message: Message, text: str, most: int | None) -> list[Problem]:
    return (over(message, start_of(message), text, most)
            or over(message, start_of(message), text, LONG_TEXT, Severity.warning))


def bad_photos(message: Message, photos: tuple[Media, ...], limits: Limits) -> Iterator[Problem]:
    channel = message.slot.channel
    if (many := len(photos)) > limits.images:
        yield problem(message, "TXT001", photos[limits.images].place, f"{many}/{limits.images} images on {channel}.",
                      f"Leave {many - limits.images} out, or name other channels for them.")
    for photo in photos:
        ending = photo.name.rpartition(".")[2].lower()
        if ending not in limits.image_types:
            yield problem(message, "TXT006", photo.place,
                          f"Facebook takes no .{ending} file on {channel}: {photo.file}.",
                          f"Save it as one of {', '.join(limits.image_types)}.")
        if photo.size > limits.image_bytes:
            yield problem(message, "TXT001", photo.place,
                          f"{photo.size}/{limits.image_bytes} bytes on {channel}: {photo.file}.",
                          f"Save it smaller than {limits.image_bytes // 1_000_000} MB.")
        if limits.alt is not None and len(photo.alt or "") > limits.alt:
            yield problem(message, "TXT001", photo.place,
                          f"{len(photo.alt or '')}/{limits.alt} characters of alt text on {channel}: {photo.file}.",
                          f"Shorten its alt text by {len(photo.alt or '') - limits.alt}.")


def plain(text: str) -> str:
    """Text as it is compared: Facebook may compose letters anew and change white space, no more."""
    return " ".join(nfc(text).split())
