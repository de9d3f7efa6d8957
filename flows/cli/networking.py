"""networks: what is supported, with its limits, where they come from, what it costs, and how an account is set up."""

import re
import textwrap
from difflib import get_close_matches
from typing import Any

import click

import publishers
from flows.cli.telling import table, tell, tell_json
from publishers.base import Limits, Option, Publisher
from schemas.errors import UsageError
from schemas.ledger import Repeat

POWERS = {
    "drafts": "draft", "uploads": "prepare", "fetches media": "fetch", "withdraw": "withdraw", "verify": "verify",
    "renews its credential": "refresh", "connects in a browser": "authorization", "has a price": "price",
}
"""What an adapter can do beyond posting, in words, by the method that does it."""
_SAME = {"twitter": "x", "rss": "feed", "atom": "feed", "newsletter": "mail", "email": "mail", "smtp": "mail",
         "dev.to": "devto", "dev": "devto", "bsky": "bluesky", "ig": "instagram", "insta": "instagram"}
"""What people also call them."""
REPEATS = {
    Repeat.keyed: "A lost answer is settled by itself: the same call made again is the same post.",
    Repeat.refused: "A lost answer is looked up in the account; the network refuses the same post twice.",
    Repeat.plain: "A lost answer is looked up in the account; what is not found waits for a person.",
    Repeat.blind: "A lost answer waits for a person: nothing can be read back.",
}
"""What becomes of a call whose answer was lost."""


@click.command("networks", short_help="What is supported: limits with source and date, costs, set-up.")
@click.argument("network", required=False)
@click.option("--setup", is_flag=True, help="How accounts are set up, as the page publishers/SETUP.md.")
@click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
def networks_command(network: str | None, setup: bool, as_json: bool) -> int:
    """The networks that Drumbeat publishes to; of one that is named, all that is known.

    \b
    Example: drumbeat networks mastodon
    """
    if network is not None and network not in publishers.available():
        raise unknown(network)
    classes = [publishers.load(name) for name in ((network,) if network else publishers.available())]
    if as_json:
        tell_json({"networks": [_as_dict(made) for made in classes]})
    elif setup:
        for line in setup_page(classes):
            tell(line)
    elif network:
        for line in _described(classes[0]):
            tell(line)
    else:
        rows = [_row(made) for made in classes]
        for line in table(("network", "text", "threads", "images", "videos", "poll", "withdraw", "costs"), rows):
            tell(line)
        tell("")
        tell("Where the limits come from, and when that was read:")
        for c in classes:
            for line in textwrap.wrap(f"{c.network}, {c.limits.read}: {c.limits.source}", 110, initial_indent="  ",
                                      subsequent_indent="    ", break_long_words=False, break_on_hyphens=False):
                tell(line)
        tell("")
        tell("'drumbeat networks NETWORK' tells all of one; 'drumbeat connect NETWORK' sets an account up.")
    return 0


def unknown(network: str) -> UsageError:
    """No such network: what may have been meant, and what there is."""
    known = publishers.available()
    same = _SAME.get(network.lower(), network.lower())
    close = [name for name in known if name.split("_")[0] == same] or get_close_matches(same, known, 1, 0.7)
    meant = f"Did you mean {close[0]}? " if close else ""
    return UsageError(f"There is no network '{network}'.", f"{meant}There are: {', '.join(known)}.")


def powers(made: type[Publisher]) -> list[str]:
    return [name for name, method in POWERS.items() if hasattr(made, method)]


def _row(made: type[Publisher]) -> tuple[str, ...]:
    limits = made.limits
    return (made.network, _text(limits), "yes" if limits.parts != 1 else "joined", str(limits.images or "-"),
            str(limits.videos or "-"), str(limits.poll_options or "-"), "yes" if hasattr(made, "withdraw") else "-",
            re.split(r"[,;:.] |\.$", made.setup.costs)[0])


def _text(limits: Limits) -> str:
    return f"{limits.text:,} {limits.unit}" if limits.text is not None else "any length"


def _as_dict(made: type[Publisher]) -> dict[str, Any]:
    return {"network": made.network, "needs": list(made.needs), "wants": list(made.wants),
            **made.limits.model_dump(mode="json"), "repeat": made.lookup.repeat.value, "powers": powers(made),
            "options": [option._asdict() for option in made.options],
            "setup": {**made.setup._asdict(), "fields": dict(made.setup.fields)}}


def _described(made: type[Publisher]) -> list[str]:
    """All that is known of a network, for people."""
    limits, setup = made.limits, made.setup
    lines = [f"{made.network}", "", *_numbers(limits), "",
             f"  source: {limits.source} (read {limits.read}); 'limits:' of a channel wins over each number", ""]
    lines += [f"  can: {', '.join(['post', *powers(made)])}", f"  {REPEATS[made.lookup.repeat]}",
              f"  costs: {setup.costs}"]
    if made.options:
        lines += ["", "  options (options: of a channel, or of a post under the channel's or the network's name):"]
        lines += [f"    {_option(option)}" for option in made.options]
    lines += ["", "  set-up (drumbeat connect " + made.network + "):", *(f"    {line}" for line in setup_lines(made))]
    return lines


def _numbers(limits: Limits) -> list[str]:
    threads = "none, parts are joined" if limits.parts == 1 else limits.parts or "any number"
    said: list[tuple[str, object]] = [
        ("text", _text(limits)),
        ("first comment", f"{limits.comment:,} {limits.unit}" if limits.comment else None),
        ("title", f"{limits.title} characters" if limits.title else None),
        ("a link counts", f"{limits.link_length} {limits.unit}" if limits.link_length else None),
        ("posts in a thread", threads),
        ("hashtags", limits.hashtags),
        ("images", f"{limits.images} of {_mb(limits.image_bytes)} ({', '.join(limits.image_types)})"
         if limits.images else "none"),
        ("alt text", f"{limits.alt:,} characters" if limits.alt else None),
        ("videos", _videos(limits)), ("documents", f"{limits.documents} ({', '.join(limits.document_types)})"
                                      if limits.documents else None),
        ("poll", f"{limits.poll_options} answers" if limits.poll_options else None),
        ("posts an hour", f"{limits.per_hour} at most, ours; 'limits: {{per_hour: …}}' changes it"),
    ]
    return [f"  {name + ':':19}{value}" for name, value in said if value is not None]


def _videos(limits: Limits) -> str:
    if not limits.videos:
        return "none"
    size = f" of {_mb(limits.video_bytes)}" if limits.video_bytes else ""
    length = "" if limits.video_seconds is None else f", {limits.video_seconds[0]:g} to {limits.video_seconds[1]:g} s"
    return f"{limits.videos}{size} ({', '.join(limits.video_types)}){length}"


def _mb(size: int) -> str:
    return f"{round(size / 1e6, 1):,g} MB"


def _option(option: Option) -> str:
    values = f" ({', '.join(option.values)})" if option.values else ""
    return f"{option.name}{values}: {option.means}"


def setup_lines(made: type[Publisher]) -> list[str]:
    """What a person does once for this network."""
    setup = made.setup
    lines = [setup.app]
    if setup.scopes:
        lines.append(f"Permissions: {', '.join(setup.scopes)}.")
    lines.append("Credentials:")
    lines += [f"  {name}{'' if name in made.needs else ' (may be left out)'}: {where}"
              for name, where in setup.fields.items()]
    lines += [f"Review: {setup.review}", f"Life: {setup.expires}"]
    return [*lines, f"See {setup.page}"] if setup.page else lines


def setup_page(classes: list[type[Publisher]]) -> list[str]:
    """The page `publishers/SETUP.md`: what a person does once for each network."""
    lines = ["# Setting accounts up", "",
             "Made by `drumbeat networks --setup`; a test keeps it equal to the adapters.",
             "`drumbeat connect NETWORK` asks for these, tries them with a harmless call and keeps them where only you "
             "can read them.",
             "A credential can also stand in a variable: `DRUMBEAT_<CONNECTION>_<FIELD>`, the connection being that of "
             "the channel in `networks/channels.yaml`."]
    for made in classes:
        setup = made.setup
        lines += ["", f"## {made.network}", "", setup.app, ""]
        lines += ["| field | where it is found |", "|---|---|"]
        lines += [f"| `{name}`{'' if name in made.needs else ' (may be left out)'} | {where} |".replace(" | |", " |")
                  for name, where in setup.fields.items()]
        scopes = f"- Permissions: {', '.join(f'`{scope}`' for scope in setup.scopes)}" if setup.scopes else None
        lines += ["", *([scopes] if scopes else []), f"- Review: {setup.review}", f"- Life: {setup.expires}",
                  f"- Costs: {setup.costs}", f"- {REPEATS[made.lookup.repeat]}",
                  f"- Limits: {made.limits.source} (read {made.limits.read})"]
        if setup.page:
            lines.append(f"- Documentation: {setup.page}")
        if made.options:
            lines += ["", "| option | may be | what it does |", "|---|---|---|"]
            lines += [f"| `{option.name}` | {', '.join(option.values) or ('texts' if option.many else 'a text')} | "
                      f"{option.means} |" for option in made.options]
    return lines
