"""up: everything at once, in one command."""

from datetime import datetime

import click

from flows.cli.options import archive_of, settings_of, shared
from flows.cli.telling import When
from schemas.errors import UsageError

PREFECT_PORT = 4200
DAY_A_SECOND = 86_400.0


@click.command("up", short_help="Everything: Prefect, the publisher and, with --rehearse, the networks.")
@click.option("--rehearse", is_flag=True, help="Play on rehearsal networks, with a clock that may run fast.")
@click.option(
    "--clock", "start", type=When(), help="Begin at this pretend time (UTC; default: the day of the next post)."
)
@click.option("--speed", type=click.FloatRange(min=1), help="Pretend seconds in a real one (default: a day a second).")
@click.option("--until", type=When(), help="Stop at this time (UTC).")
@click.option(
    "--port",
    type=click.IntRange(1, 65_454),
    default=PREFECT_PORT,
    show_default=True,
    help="Prefect's port; the rehearsal listens 80 above it, the calendar page 81.",
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
