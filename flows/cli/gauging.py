"""gates: how far the strategy and each campaign are, with what shows it and whom to ask. It sends nothing."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import click

from flows.cli.choosing import chosen
from flows.cli.options import shared
from flows.cli.surveying import survey
from flows.cli.telling import clean, many, say, tell_json
from schemas.gate import Gate, GateLine, Light

_COLOURS = {Light.green: "green", Light.amber: "yellow", Light.red: "red"}


@click.command("gates", short_help="What is ready, what is missing before the next step, and whom to ask.")
@click.option("--campaign", metavar="ID", help="Only the gates of this campaign.")
@shared(archive=True)
def gates_command(
    campaign: str | None, content: str | None, archive: str | None, now: datetime | None, as_json: bool
) -> int:
    """The phase gates, line by line: what has to be true, what shows it, and what to do where it is not so.

    Green: it is so. Amber: nobody can tell, for data is missing. Red: it is not so. A line that is waived in rules.yaml
    does not keep its gate from being green.

    \b
    Example: drumbeat gates --campaign spring-mend --now "2027-03-17 09:00"
    """
    seen = survey(content, archive, now, in_earnest=True)
    folder = chosen(seen.done.content, None, None, None, campaign).campaign
    shown = [gate for gate in seen.done.gates if folder is None or gate.campaign == folder]
    if as_json:
        tell_json({"gates": [gate.as_dict() for gate in shown]})
    else:
        for line in told(shown):
            _tell(line)
    lights = Counter(gate.state for gate in shown)
    still_open = sum(1 for gate in shown for line in gate.lines if line.shut)
    say(f"{many(len(shown), 'gate')}: {', '.join(f'{lights[light]} {light.value}' for light in Light)}; "
        f"{many(still_open, 'line')} open.")
    lost = sorted(seen.done.content.unreadable)
    if lost:
        say(f"{', '.join(lost)} cannot be read: run 'drumbeat check'.")
    return 1 if lost else 0


class Part(NamedTuple):
    """Some words of a line, and the light that they stand for; None: they are only words."""

    words: str
    light: Light | None = None


def told(gates: Sequence[Gate]) -> Iterator[tuple[Part, ...]]:
    """Every gate as lines: its state, a line for each criterion, and under one that is open what to do."""
    for number, gate in enumerate(gates):
        if number:
            yield ()
        yield from _told(gate)


def _told(gate: Gate) -> Iterator[tuple[Part, ...]]:
    green = sum(1 for line in gate.lines if line.state is Light.green)
    waived = sum(1 for line in gate.lines if line.waived is not None)
    count = f"{green} of {many(len(gate.lines), 'line')} green" + (f", {waived} waived" if waived else "")
    yield Part(gate.name), Part(gate.state.value, gate.state), Part(count)
    width = max(len(line.what) for line in gate.lines)
    for line in gate.lines:
        yield from _told_line(line, width)
    if gate.earliest is not None:
        yield (Part(f"  By the calendar alone it may start on {gate.earliest} at the earliest."),)
    if gate.waiting_adds:
        yield (Part(f"  Four more weeks of groundwork would bring: {' '.join(gate.waiting_adds)}"),)


def _told_line(line: GateLine, width: int) -> Iterator[tuple[Part, ...]]:
    mark = Part("waived", Light.green) if line.waived is not None else Part(f"{line.state.value:<6}", line.state)
    yield Part(""), mark, Part(line.what.ljust(width)), Part(line.evidence)
    if line.waived is not None:
        yield (Part(f"          {line.state.value}, but waived {line.waived}"),)
    elif line.remedy:
        whom = f"Ask {line.owner}: " if line.owner and not line.remedy.startswith("Ask ") else ""
        yield (Part(f"          → {whom}{line.remedy}"),)


def _tell(line: tuple[Part, ...]) -> None:
    """One line of data, two spaces between its parts; colours only where people look, and never instead of words."""
    words = []
    for part in line:
        safe = clean(part.words).replace("\n", "\\n")
        words.append(safe if part.light is None or "NO_COLOR" in os.environ else
                     click.style(safe, fg=_COLOURS[part.light]))
    click.echo("  ".join(words).rstrip())
