"""doctor: what would stop posts when they are due, told before it does, each with what to do about it."""
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from urllib.parse import urlsplit

import click

from flows.cli.options import archive_of, settings_of, shared, time_of
from flows.cli.telling import hide, keep_a_log, many, say, tell, tell_json
from flows.connect import Connector
from flows.edges.clock import Clock, FixedClock, RealClock
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.edges.surroundings import end_children
from flows.examine import Case, Outcome, examine
from publishers.base import Publisher
from schemas.channel import Channel
from schemas.errors import UsageError
from schemas.finding import Finding, is_well

_WRONG = ("error", "warning", "advice")
_HOSTS = ("127.0.0.1", "localhost", "::1")


@click.command("doctor", short_help="Test everything that could fail when a post is due.")
@click.option("--offline", is_flag=True, help="Call nobody: look at this machine and what lies on it.")
@click.option("--rehearse-at", metavar="URL", help="Ask rehearsal networks (drumbeat rehearsal), not the real ones.")
@shared(archive=True, now=False)
def doctor_command(
    offline: bool, rehearse_at: str | None, content: str | None, archive: str | None, as_json: bool
) -> int:
    """Looks at this machine, the archive, Git, Prefect and every account; it posts nothing.

    What has to be put right comes first, with what to do about it. Exit codes: 0 nothing has to be, 3 something has.

    \b
    Example: drumbeat doctor --offline
    """
    if rehearse_at is not None and (offline or urlsplit(rehearse_at).hostname not in _HOSTS):
        raise UsageError("--rehearse-at calls networks, --offline calls nobody." if offline else
                         f"--rehearse-at {rehearse_at}: this is not on this computer.",
                         "Write the address that 'drumbeat rehearsal' prints, and leave --offline out.")
    keep_a_log()
    logging.getLogger("flows").setLevel(logging.ERROR)            # what is wrong is told once, as a finding
    settings = settings_of(content)
    where = archive_of(settings, archive, rehearse=rehearse_at is not None)
    clock: Clock = FixedClock(time_of(settings, None, rehearsal=True)) if rehearse_at else RealClock()
    secrets = set[str]()
    connect = None if offline else _connect(settings, clock, where.url, rehearse_at, secrets)
    found = examine(Case(settings, where.url, where.rehearsal, clock, connect, os.environ))
    findings = [_discreet(one, secrets) for outcome in found for one in outcome.findings]
    if as_json:
        tell_json({"ok": is_well(findings), "findings": [
            {"check": one.check, "state": one.state, "what": one.what, "remedy": one.remedy} for one in findings]})
    else:
        for line in lines(findings):
            tell(line)
        say(summary(findings))
    return _ended(found, 0 if is_well(findings) else 3)


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """What is wrong, the worst first, each with what to do; then the rest, a line for each."""
    every = list(findings)
    for state in _WRONG:
        for one in every:
            if one.state == state:
                yield f"{state}: {one.check}: {one.what}"
                if one.remedy is not None:
                    yield f"  fix: {one.remedy}"
    alike: dict[tuple[str, str | None], list[str]] = {}
    for one in every:
        if one.state == "skipped":
            alike.setdefault((one.what, one.remedy), []).append(one.check)
    for (what, remedy), checks in alike.items():
        yield f"skipped: {', '.join(checks)}: {what}"
        if remedy is not None:
            yield f"  fix: {remedy}"
    well = [one for one in every if one.state == "ok"]
    width = max((len(one.check) for one in well), default=0)
    for one in well:
        yield f"ok  {one.check:<{width}}  {one.what}"


def summary(findings: Iterable[Finding]) -> str:
    """How many of each, in one line."""
    states = [one.state for one in findings]
    said = [many(states.count(state), state) if state != "advice" else f"{states.count(state)} advice"
            for state in _WRONG if state in states]
    left = f"; {states.count('skipped')} not looked at" if "skipped" in states else ""
    return (", ".join(said) if said else "Nothing wrong was seen" if left else "Nothing is wrong") + f"{left}."


def _connect(settings: Settings, clock: Clock, archive: str, rehearse_at: str | None,
             secrets: set[str]) -> Callable[[Channel], Publisher]:
    """Opens channels as a publisher does; every secret it uses is hidden from the log and from what we print."""
    def concealed(values: Iterable[str]) -> None:
        taken = [value for value in values if value]
        hide(taken)
        secrets.update(taken)

    @cache
    def connector() -> Connector:
        return Connector(settings, clock, open_store(archive), rehearse_at, hide=concealed)

    return lambda channel: connector().connect(channel)


def _discreet(one: Finding, secrets: Iterable[str]) -> Finding:
    def without(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text
    return one._replace(what=without(one.what), remedy=without(one.remedy) if one.remedy is not None else None)


def _ended(found: Iterable[Outcome], code: int) -> int:
    """The exit code. Checks that hang would keep the program from ending, and so would what they started."""
    if any(one.hung for one in found):
        sys.stdout.flush()
        sys.stderr.flush()
        end_children(os.getpid())
        os._exit(code)
    return code
