"""What any network may refuse of a message, by its `Limits` and its options: said in the same words everywhere.

An adapter turns a message into pieces, as it will send them, and adds what only its network refuses.
"""
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from publishers._media import beyond
from publishers.base import Limits, Option
from schemas.message import Media, Message
from schemas.place import Place
from schemas.post import Setting
from schemas.problem import Problem, Severity

_VIDEOS = ("mp4", "m4v", "mov", "webm", "avi", "mkv", "mpeg", "mpg")
_DOCUMENTS = ("pdf", "ppt", "pptx", "doc", "docx")
_PLURAL = {"image": "images", "video": "videos", "document": "documents"}


class Piece(NamedTuple):
    """One create call to come: what it says, and the files that go with it, each once."""

    kind: str                            # "post" or "comment"
    text: str
    media: tuple[Media, ...]
    place: Place


def threaded(message: Message) -> tuple[Piece, ...]:
    """A piece for each part, for networks that have threads."""
    return tuple(Piece(part.kind, part.text, unique(part.media), part.place) for part in message.parts)


def joined(message: Message) -> tuple[Piece, ...]:
    """One piece for all posts, their texts one below the other and each file once; then the first comments."""
    posts = [part for part in message.parts if part.kind == "post"]
    comments = [Piece("comment", part.text, unique(part.media), part.place)
                for part in message.parts if part.kind == "comment"]
    if not posts:
        return tuple(comments)
    text = "\n\n".join(part.text for part in posts if part.text.strip())
    return (Piece("post", text, unique(media for part in posts for media in part.media), posts[0].place), *comments)


def unique(media: Iterable[Media]) -> tuple[Media, ...]:
    """Each file once, as it is first named."""
    first: dict[str, Media] = {}
    for one in media:
        first.setdefault(one.blob, one)
    return tuple(first.values())


def ending(name: str) -> str:
    """What follows the last dot of a file's name, in small letters."""
    return name.rpartition(".")[2].lower()


def form_of(media: Media, limits: Limits) -> str:
    """`image`, `video` or `document`, by the end of its name."""
    end = ending(media.name)
    if end in limits.video_types or (end in _VIDEOS and end not in limits.image_types):
        return "video"
    if end in limits.document_types or end in _DOCUMENTS:
        return "document"
    return "image"


def problem(message: Message, code: str, place: Place, what: str, remedy: str,
            severity: Severity = Severity.error) -> Problem:
    """A problem of this message on its channel."""
    return Problem(code, severity, place, what, remedy, message.slot.post, message.slot.channel)


def judged(message: Message, pieces: Sequence[Piece], limits: Limits, length: Callable[[str], int],
           options: Sequence[Option] = ()) -> Iterator[Problem]:
    """Every reason in `limits` why the network would refuse `pieces`, and every option it does not know."""
    channel = message.slot.channel
    if not any(piece.kind == "post" and (piece.text.strip() or piece.media) for piece in pieces):
        yield problem(message, "TXT006", pieces[0].place if pieces else message.place(""),
                      f"There is nothing to post on {channel}.", "Write a text, or add a picture.")
    for piece in pieces:
        yield from too_long(message, piece, limits, length)
        yield from bad_media(message, piece.media, limits)
        if piece.kind == "post" and limits.needs_media and not piece.media:
            yield problem(message, "TXT006", piece.place, f"{channel} takes no post without a picture or video.",
                          "Add one under 'media:', or leave this channel out.")
    yield from _bad_title(message, limits)
    yield from bad_hashtags(message, limits)
    yield from bad_poll(message, limits)
    yield from bad_options(message, options)


def too_long(message: Message, piece: Piece, limits: Limits, length: Callable[[str], int]) -> Iterator[Problem]:
    most = limits.comment if piece.kind == "comment" and limits.comment is not None else limits.text
    channel = message.slot.channel
    if most is not None and (counted := length(piece.text)) > most:
        where = f"'## first comment on {channel}'" if piece.kind == "comment" else f"'## on {channel}'"
        yield problem(message, "TXT001", piece.place, f"{counted}/{most} on {channel}.",
                      f"Add {where} with a shorter text.")


def bad_media(message: Message, media: Sequence[Media], limits: Limits) -> Iterator[Problem]:
    """Too many files, of a wrong kind, too large, too long, or with too many words about them."""
    channel = message.slot.channel
    by_form: dict[str, list[Media]] = {"image": [], "video": [], "document": []}
    for one in media:
        by_form[form_of(one, limits)].append(one)
    most = {"image": limits.images, "video": limits.videos, "document": limits.documents}
    for form, files in by_form.items():
        if files and not most[form]:
            yield problem(message, "TXT006", files[0].place, f"{channel} takes no {_PLURAL[form]}: {files[0].file}.",
                          f"Name the channels it is for: {{file: {files[0].name}, channels: […]}}.")
        elif len(files) > most[form]:
            yield problem(message, "TXT001", files[most[form]].place,
                          f"{len(files)}/{most[form]} {_PLURAL[form]} on {channel}.",
                          f"Take {len(files) - most[form]} out, or name other channels for them.")
    forms = [form for form, files in by_form.items() if files and most[form]]
    if len(forms) > 1 and not limits.mixes_media:
        second = by_form[forms[1]][0]
        yield problem(message, "TXT006", second.place,
                      f"{channel} takes {_PLURAL[forms[0]]} or a {forms[1]}, not both in one post.",
                      f"Take one out, or split the post with '***' before {second.name}.")
    for one in media:
        form = form_of(one, limits)
        if most[form]:
            yield from _bad_file(message, one, form, limits)
    yield from beyond(message, by_form["image"] if limits.images else (), limits)


def _bad_file(message: Message, one: Media, form: str, limits: Limits) -> Iterator[Problem]:
    channel = message.slot.channel
    types = {"image": limits.image_types, "video": limits.video_types, "document": limits.document_types}[form]
    bytes_ = {"image": limits.image_bytes, "video": limits.video_bytes, "document": limits.document_bytes}[form]
    if ending(one.name) not in types:
        yield problem(message, "TXT006", one.place, f"{channel} does not take .{ending(one.name)} files: {one.file}.",
                      f"Save it as one of: {', '.join(types)}.")
    if bytes_ is not None and one.size > bytes_:
        yield problem(message, "TXT001", one.place, f"{one.size:,}/{bytes_:,} bytes on {channel}: {one.file}.",
                      f"Make the {form} smaller than {bytes_ / 1_000_000:g} MB.")
    if limits.alt is not None and (words := len(one.alt or "")) > limits.alt:
        yield problem(message, "TXT001", one.place,
                      f"{words}/{limits.alt} characters of alt text on {channel}: {one.file}.",
                      f"Say the same in {limits.alt} characters.")
    if form == "video" and limits.video_seconds and one.probe is not None and one.probe.duration_s is not None:
        least, longest = limits.video_seconds
        if not least <= one.probe.duration_s <= longest:
            beyond_it = f"{longest:g} s at most" if one.probe.duration_s > longest else f"{least:g} s at least"
            yield problem(message, "TXT001", one.place,
                          f"{one.probe.duration_s:.1f} s of video, {beyond_it} on {channel}: {one.file}.",
                          f"It may last from {least:g} to {longest:g} seconds.")


def _bad_title(message: Message, limits: Limits) -> Iterator[Problem]:
    if limits.title and len(message.title or "") > limits.title:
        yield problem(message, "TXT001", message.place("title"),
                      f"{len(message.title or '')}/{limits.title} characters of title on {message.slot.channel}.",
                      f"Shorten 'title:' to {limits.title} characters.")


def no_title(message: Message) -> Iterator[Problem]:
    """For networks that demand a title."""
    if not (message.title or "").strip():
        yield problem(message, "TXT006", message.place("title"), f"{message.slot.channel} wants a title.",
                      "Add 'title: …' above the text.")


def bad_hashtags(message: Message, limits: Limits) -> Iterator[Problem]:
    if limits.hashtags is not None and len(message.hashtags) > limits.hashtags:
        yield problem(message, "TXT001", message.place("hashtags"),
                      f"{len(message.hashtags)}/{limits.hashtags} hashtags on {message.slot.channel}.",
                      f"Keep the {limits.hashtags} that people search for.")


def bad_poll(message: Message, limits: Limits) -> Iterator[Problem]:
    """What is wrong with the poll; on a network without polls a warning: the post goes out without it."""
    if (poll := message.poll) is None:
        return
    channel = message.slot.channel
    if not limits.poll_options:
        yield problem(message, "SUP002", poll.place, f"{channel} has no polls: the post goes out without it there.",
                      f"Ask in the text under '## on {channel}', or leave the channel out.", Severity.warning)
        return
    if len(poll.options) > limits.poll_options:
        yield problem(message, "TXT001", poll.place,
                      f"{len(poll.options)}/{limits.poll_options} answers of a poll on {channel}.",
                      f"Offer {limits.poll_options}.")
    for answer in poll.options:
        if limits.poll_option is not None and len(answer) > limits.poll_option:
            yield problem(message, "TXT001", poll.place,
                          f"{len(answer)}/{limits.poll_option} characters of an answer on {channel}: {answer}",
                          "Say it in fewer words.")
    if limits.poll_seconds and not limits.poll_seconds[0] <= poll.lasts_s <= limits.poll_seconds[1]:
        least, longest = (_span(seconds) for seconds in limits.poll_seconds)
        yield problem(message, "TXT006", poll.place,
                      f"A poll on {channel} runs from {least} to {longest}, and this one {_span(poll.lasts_s)}.",
                      f"Write 'for:' with a time from {least} to {longest}.")
    if any(part.media for part in message.parts[:1]):
        yield problem(message, "TXT006", poll.place, f"{channel} takes a poll or pictures, not both in one post.",
                      "Take one of them out, or move the pictures behind '***'.")


def no_warning(message: Message) -> Iterator[Problem]:
    """For networks without content warnings."""
    if message.warning:
        yield problem(message, "SUP002", message.place("warning"),
                      f"{message.slot.channel} has no content warnings: the post goes out without it there.",
                      f"Begin '## on {message.slot.channel}' with it, or leave the channel out.", Severity.warning)


def bad_options(message: Message, options: Sequence[Option]) -> Iterator[Problem]:
    """Options that the network does not have, and words that they cannot be."""
    known = {option.name: option for option in options}
    for name, value in message.options.items():
        option = known.get(name)
        if option is None:
            names = ", ".join(known) or "none"
            yield problem(message, "SUP003", message.place(f"options.{name}"),
                          f"{message.network} has no option '{name}' ({message.slot.channel}).",
                          f"It has: {names}. See 'drumbeat networks {message.network}'.")
            continue
        given = value if isinstance(value, tuple) else (value,)
        wrong = [said for one in given if option.values and (said := _said(one)) not in option.values]
        if wrong or (isinstance(value, tuple) and not option.many):
            may_be = ", ".join(option.values) or "one text"
            yield problem(message, "SUP003", message.place(f"options.{name}"),
                          f"'{name}' cannot be {', '.join(wrong) or 'a list'} on {message.slot.channel}.",
                          f"It may be: {may_be}.")


def option(message: Message, name: str, default: str = "") -> str:
    """What an option is set to, as text (`true` and `false` for flags); the first of a list."""
    value = message.options.get(name, default)
    return _said(value[0] if isinstance(value, tuple) and value else value) if value != () else default


def several(message: Message, name: str) -> tuple[str, ...]:
    """What a list option is set to."""
    value = message.options.get(name, ())
    return tuple(map(_said, value)) if isinstance(value, tuple) else (_said(value),)


def _said(value: Setting) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _span(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
