"""preview: each post as its networks will show it. It sends nothing."""

import base64
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

import publishers
from flows.check import check
from flows.cli.options import settings_of, shared, time_of
from flows.cli.telling import many, say, tell, tell_json, tell_problem
from flows.edges.media import cleaned
from flows.planning.masking import masked
from flows.planning.preparing import Prepared
from publishers.base import Connection, Prices, room
from schemas.errors import PublishError, UsageError
from schemas.ledger import Slot
from schemas.message import Media, Message
from schemas.plan import Item, Waiting
from schemas.report import rfc3339

_UNREADY = "a file of it cannot be made ready"


@click.command("preview", short_help="Each variant as its network will show it.")
@click.argument("posts", nargs=-1)
@click.option("--channel", help="Only this channel.")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page instead of text.")
@shared()
def preview_command(
    posts: tuple[str, ...],
    channel: str | None,
    page: Path | None,
    content: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Each variant of the posts named (id, bare name or file; all when none is named) as its network will show it.

    The payload is the sha256 of all that is sent, files too: 'drumbeat why' names the same one once it is under way.
    It is that of the files as they lie here; what has errors is not sent and has none, and what was under way before a
    change keeps its own.

    \b
    Example: drumbeat preview launch --channel mastodon
    """
    settings = settings_of(content)
    done = check(settings.content, now=time_of(settings, now))
    slots: dict[Slot, Item | Waiting] = {one.slot: one for one in done.plan.everything()}
    wanted = {
        slot: one
        for slot, one in slots.items()
        if (not posts or any(_is(post, one) for post in posts)) and (channel is None or one.channel.id == channel)
    }
    for post in posts:
        if not any(_is(post, one) for one in slots.values()):
            problems = [
                p
                for p in done.problems
                if p.place.file.endswith(post) or (p.post or "").endswith(post.removesuffix(".md"))
            ]
            if problems:
                for problem in problems:
                    tell_problem(problem.as_dict())
                return 1
            raise UsageError(
                f"There is no post '{post}'.",
                "Name it by its id, its file, or its bare name; 'drumbeat plan' lists all.",
            )
    if channel is not None and not wanted:
        known = ", ".join(sorted({one.channel.id for one in slots.values()}))
        raise UsageError(
            f"Nothing goes to a channel '{channel}'.", f"Channels that get these posts: {known or 'none'}."
        )
    shown = [_pinned(variant(slot, one, done), done.messages.get(slot), settings.content)
             for slot, one in sorted(wanted.items())]
    if as_json:
        tell_json({"messages": [{k: v for k, v in message.items() if k not in ("when", "why")} for message in shown]})
    elif page is not None:
        page.write_text(_page(shown, settings.content), encoding="utf-8")
        say(f"{many(len(shown), 'message')} written to {page}.")
    else:
        for message in shown:
            _tell_message(message)
    return 1 if any(map(_has_errors, shown)) else 0


def _has_errors(shown: dict[str, Any]) -> bool:
    return any(problem["severity"] == "error" for problem in shown["problems"])


def _is(name: str, one: Item | Waiting) -> bool:
    post = one.post.post
    return name in (post.id, post.stem, post.file) or Path(name).absolute() == Path(post.file).absolute()


def variant(slot: Slot, one: Item | Waiting, done: Prepared) -> dict[str, Any]:
    """One message as preview's JSON, with two fields more for the text form."""
    message = done.messages.get(slot)
    at = one.at
    zone = one.zone
    problems = [p.as_dict() for p in done.problems if p.post == slot.post and p.concerns(slot.channel, slot.run)]
    return {
        "slot": str(slot),
        "channel": one.channel.id,
        "network": one.channel.network,
        "at": rfc3339(at),
        "local": f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else None,
        "zone": zone,
        "parts": [],
        "media": [{"file": m.file, "alt": m.alt} for part in message.parts for m in part.media] if message else [],
        "link": one.post.link,
        "title": None,
        "card": None,
        "warning": message.warning if message else None,
        "poll": list(message.poll.options) if message and message.poll else None,
        "cost_usd": None,
        "problems": problems,
        "why": one.why if isinstance(one, Waiting) else None,
        **(_composed(message) if message else {}),
    }


def _composed(message: Message) -> dict[str, Any]:
    """What only the network's adapter knows: the parts exactly as they will be sent, its title, its card, the price.

    `card`: the link that is shown as a card, where it does not stand in the text. `cost_usd`: None without prices.
    """
    publisher = publishers.load(message.network)(Connection(message.account))
    outgoing = publisher.compose(message)
    in_text = message.card is not None and any(message.card in part.text for part in outgoing.parts)
    return {
        "parts": [
            {
                "kind": part.kind,
                "text": masked(part.text),
                "length": publisher.length(part.text),
                "limit": room(publisher, message.limits, part.kind),
            }
            for part in outgoing.parts
        ],
        "title": message.title if publisher.limits.title else None,
        "card": None if in_text else message.card,
        "cost_usd": round(publisher.price(outgoing), 4) if isinstance(publisher, Prices) else None,
    }


def _pinned(shown: dict[str, Any], message: Message | None, folder: Path) -> dict[str, Any]:
    return {**shown, "payload": None if message is None or _has_errors(shown) else payload(message, folder)}


def payload(message: Message, folder: Path) -> str | None:
    """The sha256 that a claim will name: of all that is sent, its files as they are uploaded. Needs no credential.

    None: a file cannot be made ready.
    """
    try:
        parts = tuple(part.model_copy(update={"media": tuple(_named(media, folder) for media in part.media)})
                      for part in message.parts)
    except (PublishError, OSError):
        return None
    publisher = publishers.load(message.network)(Connection(message.account))
    outgoing = publisher.compose(message.model_copy(update={"parts": parts}))
    return hashlib.sha256(outgoing.canonical()).hexdigest()


def _named(media: Media, folder: Path) -> Media:
    """A file by the hash of the bytes that are uploaded of it. Raises PublishError, OSError."""
    made = cleaned((folder / media.file).read_bytes(), media.file)
    captions = _named(media.captions, folder) if media.captions is not None else None
    return media.model_copy(update={"blob": hashlib.sha256(made).hexdigest(), "captions": captions})


def _page(shown: list[dict[str, Any]], folder: Path) -> str:
    """The messages as one page that needs nothing else: images are in it, and nothing on it can run."""
    from jinja2 import Environment, PackageLoader

    pages = Environment(loader=PackageLoader("flows.cli", "."), autoescape=True)
    messages = [
        {**message, "media": [{**m, "data": _data(folder / m["file"])} for m in message["media"]]} for message in shown
    ]
    return pages.get_template("preview.html").render(messages=messages)


def _data(file: Path) -> str | None:
    """The image as a data address; None for what a browser would not show as one."""
    kind = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".gif": "gif", ".webp": "webp"}.get(file.suffix.lower())
    if kind is None or file.is_symlink() or not file.is_file():
        return None
    return f"data:image/{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def _tell_message(message: dict[str, Any]) -> None:
    at = f"{message['local']} {message['zone']} ({message['at']})" if message["at"] else "no time yet"
    tell(f"── {message['slot']}  {message['network']}  {at}")
    if message["why"]:
        tell(f"   waits: {message['why']}")
    for name, words in (("title", "title"), ("warning", "readers are warned first")):
        if message[name]:
            tell(f"   {words}: {message[name]}")
    for number, part in enumerate(message["parts"], 1):
        limit = f"{part['length']}/{part['limit']}" if part["limit"] else str(part["length"])
        name = (
            "first comment" if part["kind"] == "comment" else f"part {number}" if len(message["parts"]) > 1 else "text"
        )
        tell(f"   {name}, {limit}:")
        for line in part["text"].split("\n"):
            tell(f"   │ {line}")
    for media in message["media"]:
        tell(
            f"   ▣ {media['file']}: {'no description' if media['alt'] is None else media['alt'] or 'decorative'}"
        )
    if message["poll"]:
        tell(f"   poll: {' / '.join(message['poll'])}")
    if message["card"]:
        tell(f"   link card: {message['card']}")
    if message["cost_usd"]:
        tell(f"   costs {message['cost_usd']:g} USD")
    if message["payload"]:
        tell(f"   payload {message['payload'][:10]}: the hash of all that is sent; 'drumbeat why' names it later")
    elif message["parts"]:
        tell(f"   no payload: {'what has errors is not sent' if _has_errors(message) else _UNREADY}")
    for problem in message["problems"]:
        tell(f"   {problem['severity']}: {problem['message']} {problem['remedy']}")
    tell("")
