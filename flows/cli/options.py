"""Options that many commands share, and what they open."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from flows.cli.telling import When, say
from flows.edges.settings import Settings, find
from schemas.errors import SettingsError, UsageError

F = TypeVar("F", bound=Callable[..., Any])
REHEARSAL = Path(".drumbeat/rehearsal")
"""Where a rehearsal keeps its archive, its networks and its clock: apart from everything real."""

_LONGEST_NAME = 80
PREFECT = Path(".drumbeat/prefect-address")
"""Where `up` keeps the address of the Prefect server that it started, while it runs."""


def shared(*, archive: bool = False, now: bool = True, json: bool = True) -> Callable[[F], F]:
    """Adds --content and, as asked, --archive, --now, --json."""

    def add(function: F) -> F:
        if json:
            function = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")(function)
        if now:
            function = click.option("--now", type=When(), help="Pretend it is this time (UTC).")(function)
        if archive:
            function = click.option("--archive", metavar="URL", help="dir:PATH or s3://bucket/prefix.")(function)
        return click.option(
            "--content", metavar="DIR", help="The content folder (default: the nearest content/ upwards)."
        )(function)

    return add


class Archive(NamedTuple):
    """Which archive a command looks at. `rehearsal`: it holds what rehearsal networks got, nothing real."""

    url: str
    rehearsal: bool


def archive_of(settings: Settings, given: str | None, *, rehearse: bool | None = None) -> Archive:
    """The archive named by the option, by the settings, or the default beside the content folder.

    `rehearse` None: the command only looks; it then shows the rehearsal's archive when there is no other yet.
    """
    if given is not None:
        if not given.startswith(("dir:", "s3://")):
            raise UsageError(f"--archive {given}: this is no archive.", "Write dir:PATH or s3://bucket/prefix.")
        if rehearse is None and not exists(given):
            raise SettingsError(f"There is no archive at {given}.", "Mend the address; publishing makes a new archive.")
        return Archive(given, bool(rehearse))
    rehearsal = Archive(f"dir:{settings.home / REHEARSAL / 'archive'}", True)
    if rehearse:
        return rehearsal
    if settings.archive is not None:
        return Archive(
            settings.archive
            if not settings.archive.startswith("dir:")
            else f"dir:{settings.home / settings.archive[4:]}",
            False,
        )
    own = settings.home / ".drumbeat/archive"
    if rehearse is None and not own.exists() and (settings.home / REHEARSAL / "archive").exists():
        say("Nothing was published for real yet; this is the rehearsal.")
        return rehearsal
    return Archive(f"dir:{own}", False)


def person(text: str, what: str) -> str:
    """The name under --by, on one line. `what`: what the person does, for whoever left it out. Raises UsageError."""
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(f"--by is the name of the person who {what}, {_LONGEST_NAME} characters at most.",
                         'Write for example --by "Wren".')
    return name


def time_of(settings: Settings, given: datetime | None, *, rehearsal: bool = False) -> datetime:
    """The time a command thinks by: the option, else the rehearsal's clock when it shows one, else now."""
    from flows.edges.clock import PretendClock

    if given is not None:
        return given
    clock = settings.home / REHEARSAL / "clock.json"
    return PretendClock(clock).now() if rehearsal and clock.exists() else datetime.now(UTC)


def settings_of(content: str | None) -> Settings:
    """The settings of the content folder that the option names, or of the nearest one."""
    return find(content)


def exists(url: str) -> bool:
    """Whether there is anything to look at; a directory that nobody made yet is an empty archive."""
    return not url.startswith("dir:") or Path(url[4:]).exists()
