"""rehearsal: the rehearsal networks alone; and for as long as another command runs."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import REHEARSAL, settings_of, shared
from flows.cli.telling import say, tell_json
from flows.edges.children import when_parent_ends
from flows.edges.clock import Clock, PretendClock, RealClock, ShiftedClock
from flows.edges.prefect_server import HOST
from schemas.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from publishers.rehearsal._twin import Twin

REHEARSAL_PORT = 4280


@contextmanager
def rehearsal_networks(folder: Path, clock: Clock) -> Iterator[str]:
    """The rehearsal networks in this process; gives their address."""
    from publishers.rehearsal._twin import Rehearsal

    with Rehearsal(_twins(folder, clock)) as running:
        yield running.url


@click.command("rehearsal", short_help="The rehearsal networks alone, until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=REHEARSAL_PORT,
    show_default=True,
    help="Where they listen on loopback.",
)
@click.option("--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A fault script (JSON).")
@click.option("--clock-file", type=click.Path(path_type=Path), hidden=True)
@click.option("--with-parent", is_flag=True, hidden=True)
@shared()
def rehearsal_command(
    port: int, faults: Path | None, clock_file: Path | None, with_parent: bool, content: str | None,
    now: datetime | None, as_json: bool
) -> int:
    """Loopback doubles of every supported network; they keep what they get beside the content folder.

    A fault script is a JSON list. Each line names a fault: 401, 429, 503, 500 before effect, 500 after effect, hang up
    before, hang up after effect, stall, stall after effect, truncate, not JSON, slow, late effect. It may name a
    network, how many calls to let pass (after), how many to strike (times, seconds), and which (match).
    Publish to it with --now? Then give it the same --now: both must tell the same time.

    \b
    [{"network": "mastodon", "fault": "401", "after": 1}]

    \b
    Example: drumbeat rehearsal --port 4280
    """
    from publishers.rehearsal._twin import parse_faults, serve

    settings = settings_of(content)
    clock: Clock = PretendClock(clock_file) if clock_file else ShiftedClock(now) if now else RealClock()
    made = _twins(settings.home / REHEARSAL / "networks", clock)
    try:
        script = parse_faults(faults.read_bytes()) if faults else ()
    except ValueError as error:
        raise UsageError(
            f"{faults}: {error}", "See publishers/README.md for the faults that can be scripted."
        ) from None
    if with_parent:
        when_parent_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))

    def ready(url: str) -> None:
        addresses = {"url": url, **{twin.network: f"{url}/{twin.network}/" for twin in made}}
        if as_json:
            tell_json(addresses)
            sys.stdout.flush()
        else:
            for name, address in addresses.items():
                say(f"{'all' if name == 'url' else name}: {address}")

    serve(made, HOST, port, ready, script)
    return 0


def _twins(folder: Path, clock: Clock) -> "list[Twin]":
    """Every rehearsal network, with what it kept in `folder`. Raises SettingsError when nothing can be kept there."""
    from publishers.rehearsal import twins

    try:
        return [twin(clock.now, folder) for twin in twins().values()]
    except OSError as error:
        raise SettingsError(
            f"{error.filename or folder} cannot be used: {error.strerror}.",
            "The rehearsal keeps its posts there: move what is in the way.",
        ) from None
