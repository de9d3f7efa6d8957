"""preview and plan: what a writer sees before, and what a reviewer asks. They send nothing."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

import publishers
from flows.check import check
from flows.cli.options import archive_of, exists, settings_of, shared, time_of
from flows.cli.telling import When, many, say, table, tell, tell_json, tell_problem
from flows.planning.masking import masked
from flows.planning.preparing import Prepared
from publishers.base import Connection, room
from schemas.errors import UsageError
from schemas.ledger import Slot, Standing
from schemas.message import Message
from schemas.plan import Item, Waiting
from schemas.problem import Severity
from schemas.report import rfc3339


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
    shown = [_shown(slot, one, done) for slot, one in sorted(wanted.items())]
    if as_json:
        tell_json({"messages": [{k: v for k, v in message.items() if k not in ("when", "why")} for message in shown]})
    elif page is not None:
        page.write_text(_page(shown, settings.content), encoding="utf-8")
        say(f"{many(len(shown), 'message')} written to {page}.")
    else:
        for message in shown:
            _tell_message(message)
    return 1 if any(p["severity"] == "error" for message in shown for p in message["problems"]) else 0


@click.command("plan", short_help="The calendar: what goes where and when, and what waits and why.")
@click.option("--from", "start", type=When(), help="From this day or time on, in the strategy's time zone.")
@click.option("--to", "end", type=When(), help="Up to this time, or to the end of this day.")
@shared(archive=True)
def plan_command(
    start: datetime | None,
    end: datetime | None,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """The calendar of the working tree, by day, in the posts' own time zone.

    \b
    Example: drumbeat plan --from 2027-03-01 --to 2027-03-31
    """
    from flows.cli.watching import standings_of
    from flows.edges.plans import last_good
    from flows.edges.store import open_store

    settings = settings_of(content)
    where = archive_of(settings, archive)
    store = open_store(where.url) if exists(where.url) else None
    standings, kept = (standings_of(store), last_good(store)) if store else ({}, {})
    done = check(settings.content, now=time_of(settings, now, rehearsal=where.rehearsal), kept=kept)
    first, last = _local(start, done.content.timezone), _local(end, done.content.timezone)
    if last is not None and (last.hour, last.minute) == (0, 0):
        last += timedelta(days=1)                                 # a day means all of it
    asked = first is not None or last is not None

    def is_meant(at: datetime | None) -> bool:
        return not asked if at is None else (first is None or at >= first) and (last is None or at < last)

    items = [item for item in done.plan.items if is_meant(item.at)]
    waiting = [one for one in done.plan.waiting if is_meant(one.at)]
    if as_json:
        tell_json(
            {"items": [*(_planned(one, standings) for one in items), *(_planned(one, standings) for one in waiting)]}
        )
        return 0
    day = ""
    for item in items:
        local = item.at.astimezone(ZoneInfo(item.zone))
        if (today := f"{local:%A %Y-%m-%d}") != day:
            tell(today)
            day = today
        state = standings[item.slot].state.value if item.slot in standings else "planned"
        tell(
            f"  {local:%H:%M} {local:%Z}  {state:<10} {item.post.id} → {item.channel.id}  "
            f"({item.post.intent}, {item.stage})"
        )
    if not items:
        say("Nothing is planned in that time." if asked else "Nothing is planned.")
    if waiting:
        say(f"{many(len(waiting), 'slot')} waiting:")
        for line in table(("slot", "why"), [(str(w.slot), w.why) for w in waiting]):
            tell(f"  {line}")
    errors = sum(1 for problem in done.problems if problem.severity == Severity.error)
    if errors:
        say(f"{many(errors, 'error')}: run 'drumbeat check'.")
    return 1 if errors else 0


def _local(written: datetime | None, zone: str) -> datetime | None:
    """A time of the command line, which is read as UTC, as the same reading of the clock in `zone`."""
    return written.replace(tzinfo=ZoneInfo(zone)) if written is not None else None


def _is(name: str, one: Item | Waiting) -> bool:
    post = one.post.post
    return name in (post.id, post.stem, post.file) or Path(name).absolute() == Path(post.file).absolute()


def _shown(slot: Slot, one: Item | Waiting, done: Prepared) -> dict[str, Any]:
    """One message as preview's JSON, with two fields more for the text form."""
    message = done.messages.get(slot)
    at = one.at
    zone = one.zone
    problems = [p.as_dict() for p in done.problems if p.post == slot.post and p.channel in (None, slot.channel)]
    return {
        "slot": str(slot),
        "channel": one.channel.id,
        "network": one.channel.network,
        "at": rfc3339(at),
        "local": f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else None,
        "zone": zone,
        "parts": _parts(message) if message else [],
        "media": [{"file": m.file, "alt": m.alt} for part in message.parts for m in part.media] if message else [],
        "link": one.post.link,
        "problems": problems,
        "why": one.why if isinstance(one, Waiting) else None,
    }


def _parts(message: Message) -> list[dict[str, Any]]:
    """The parts exactly as they will be sent."""
    publisher = publishers.load(message.network)(Connection(message.account))
    return [
        {
            "kind": part.kind,
            "text": masked(part.text),
            "length": publisher.length(part.text),
            "limit": room(publisher, message.limits, part.kind),
        }
        for part in publisher.compose(message).parts
    ]


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
    for problem in message["problems"]:
        tell(f"   {problem['severity']}: {problem['message']} {problem['remedy']}")
    tell("")


def _planned(one: Item | Waiting, standings: Mapping[Slot, Standing]) -> dict[str, Any]:
    item = one if isinstance(one, Item) else None
    state = standings[one.slot].state.value if one.slot in standings else "planned" if item else "waiting"
    return {
        "slot": str(one.slot),
        "post": one.post.id,
        "channel": one.channel.id,
        "network": one.channel.network,
        "at": rfc3339(one.at),
        "local": f"{one.at.astimezone(ZoneInfo(one.zone)):%Y-%m-%d %H:%M}" if one.at else None,
        "zone": one.zone,
        "intent": one.post.intent,
        "stage": item.stage if item else None,
        "campaign": one.post.post.campaign,
        "state": state,
        "why": one.why if isinstance(one, Waiting) else None,
    }
