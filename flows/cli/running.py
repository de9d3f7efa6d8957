"""up and rehearsal: everything at once in one command, and the rehearsal networks alone."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.options import REHEARSAL, archive_of, settings_of, shared
from flows.cli.telling import When, say, tell_json
from flows.edges.clock import Clock, PretendClock, RealClock
from flows.edges.prefect_server import HOST, is_free
from schemas.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from publishers.rehearsal._twin import Twin

PREFECT_PORT = 4200
REHEARSAL_PORT = 4280
DAY_A_SECOND = 86_400.0


@contextmanager
def rehearsal_networks(folder: Path, clock: Clock) -> Iterator[str]:
    """The rehearsal networks in this process; gives their address."""
    from publishers.rehearsal._twin import Rehearsal

    with Rehearsal(_twins(folder, clock)) as running:
        yield running.url


@click.command("rehearsal", short_help="The rehearsal networks alone, until Ctrl-C.")
@click.option("--port", default=REHEARSAL_PORT, show_default=True, help="Where they listen on loopback.")
@click.option("--faults", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A fault script (JSON).")
@click.option("--clock-file", type=click.Path(path_type=Path), hidden=True)
@click.option("--with-parent", is_flag=True, hidden=True)
@shared(now=False)
def rehearsal_command(
    port: int, faults: Path | None, clock_file: Path | None, with_parent: bool, content: str | None, as_json: bool
) -> int:
    """Loopback doubles of every supported network; they keep what they get beside the content folder.

    \b
    Example: drumbeat rehearsal --port 4280
    """
    from publishers.rehearsal._twin import parse_faults, serve

    settings = settings_of(content)
    clock: Clock = PretendClock(clock_file) if clock_file else RealClock()
    made = _twins(settings.home / REHEARSAL / "networks", clock)
    try:
        script = parse_faults(faults.read_bytes()) if faults else ()
    except ValueError as error:
        raise UsageError(
            f"{faults}: {error}", "See publishers/README.md for the faults that can be scripted."
        ) from None
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()

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


@click.command("up", short_help="Everything: Prefect, the publisher and, with --rehearse, the networks.")
@click.option("--rehearse", is_flag=True, help="Play on rehearsal networks, with a clock that may run fast.")
@click.option(
    "--clock", "start", type=When(), help="Begin at this pretend time (UTC; default: the day of the next post)."
)
@click.option("--speed", type=click.FloatRange(min=1), help="Pretend seconds in a real one (default: a day a second).")
@click.option("--until", type=When(), help="Stop at this time (UTC).")
@click.option(
    "--port", default=PREFECT_PORT, show_default=True, help="Prefect's port; the rehearsal listens 80 above it."
)
@shared(archive=True, now=False)
def up_command(
    rehearse: bool,
    start: datetime | None,
    speed: float | None,
    until: datetime | None,
    port: int,
    content: str | None,
    archive: str | None,
    as_json: bool,
) -> int:
    """The whole service in one command. Ctrl-C stops all of it.

    \b
    Example: drumbeat up --rehearse --until "2027-04-20 00:00"
    """
    if not rehearse and (start is not None or speed is not None):
        raise UsageError(
            "--clock and --speed are pretend time, and real networks know only the real one.",
            "Add --rehearse, or leave them out.",
        )
    from flows.cli.supervising import Supervisor

    settings = settings_of(content)
    for number, what in ((port, "Prefect"), *([(port + 80, "the rehearsal")] if rehearse else [])):
        if not is_free(number):
            raise SettingsError(
                f"Port {number}, where {what} would listen, is taken by another program.",
                f"Stop it, or choose another: --port {port + 1}.",
            )
    where = archive_of(settings, archive, rehearse=rehearse)
    supervisor = Supervisor(
        settings,
        where.url,
        port,
        rehearse=rehearse,
        start=start,
        speed=speed or DAY_A_SECOND,
        until=until,
        quiet=as_json,
    )
    return supervisor.run(as_json)


def _twins(folder: Path, clock: Clock) -> "list[Twin]":
    """Every rehearsal network, with what it kept in `folder`. Raises SettingsError when nothing can be kept there."""
    from publishers.rehearsal import twins

    try:
        return [twin(clock.now, folder) for twin in twins().values()]
    except OSError as error:
        raise SettingsError(f"{error.filename or folder} cannot be used: {error.strerror}.",
                            "The rehearsal keeps its posts there: move what is in the way.") from None


def _end_with_parent() -> None:
    """Ends this process when the one that started it closes our input, or is gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
