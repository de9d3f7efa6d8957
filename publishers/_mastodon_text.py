"""What Mastodon counts, refuses and shows: the part of the adapter that needs no network."""
from collections.abc import Iterator

from publishers._mastodon_links import countable, without_servers
from publishers._text import graphemes_apart, nfc
from publishers.base import Limits
from schemas.message import Message, Part
from schemas.place import Place
from schemas.problem import Problem, Severity


def texts(message: Message) -> Iterator[tuple[Part, str]]:
    """Each part with the text that is sent. Mastodon has no field for a card: it makes one of a link in the text."""
    for number, part in enumerate(message.parts):
        lacks_card = number == 0 and message.card is not None and message.card not in part.text
        yield part, f"{part.text}\n\n{message.card}".strip() if lacks_card else part.text


def length(text: str, link_length: int | None) -> int:
    """Characters as the server counts them; a link counts `link_length`, `@user@server` as `@user`.

    A character is a grapheme cluster; where servers differ by the age of their Unicode tables, the longer count holds,
    so that none refuses what was checked here.
    """
    return graphemes_apart(countable(text, link_length))


def plain(text: str) -> str:
    """The form in which what was sent and what came back are the same: NFC, one space for any white space."""
    return " ".join(nfc(without_servers(text)).split())


def problems_of(message: Message, limits: Limits) -> Iterator[Problem]:
    """Every reason why a server with these limits would refuse the message."""
    channel = message.slot.channel
    for part, text in texts(message):
        counted = length(text, limits.link_length)
        most = limits.comment if part.kind == "comment" and limits.comment is not None else limits.text
        if most is not None and counted > most:
            yield _problem("TXT001", message, part.place, f"{counted}/{most} on {channel}.",
                           f"Add '## on {channel}' with a shorter text.")
        if not text.strip() and not part.media:
            yield _problem("TXT006", message, part.place, f"There is nothing to post on {channel}.",
                           "Write a text, or add a picture.")
        yield from _problems_of_media(message, part, limits)


def _problems_of_media(message: Message, part: Part, limits: Limits) -> Iterator[Problem]:
    channel = message.slot.channel
    if len(part.media) > limits.images:
        yield _problem("TXT006", message, part.media[limits.images].place,
                       f"{len(part.media)} pictures; {channel} takes {limits.images} in a post.",
                       f"Take {len(part.media) - limits.images} out, or move them to another part.")
    for media in part.media:
        ending = media.name.rsplit(".", 1)[-1].lower()
        if ending not in limits.image_types:
            yield _problem("TXT006", message, media.place, f"{channel} does not take {media.name}.",
                           f"Use one of: {', '.join(limits.image_types)}.")
        if media.size > limits.image_bytes:
            yield _problem("TXT006", message, media.place,
                           f"{media.name} has {media.size:,} bytes; {channel} takes {limits.image_bytes:,}.",
                           "Make the picture smaller.")
        if limits.alt is not None and media.alt is not None and len(media.alt) > limits.alt:
            yield _problem("TXT006", message, media.place,
                           f"{len(media.alt)} characters of alt text for {media.name}; {channel} takes {limits.alt}.",
                           "Say the same in fewer words.")


def _problem(code: str, message: Message, place: Place, what: str, remedy: str) -> Problem:
    return Problem(code, Severity.error, place, what, remedy, message.slot.post, message.slot.channel)
