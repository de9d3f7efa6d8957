"""plan and calendar: when everything goes out, as a table, as what a change makes of it, as a feed. They send nothing.
"""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from flows.cli.choosing import Chosen, choosing, chosen
from flows.cli.options import shared
from flows.cli.surveying import Seen, published, survey
from flows.cli.telling import many, say, table, tell, tell_json
from flows.planning.comparing import Change, Moment, compare
from flows.planning.preparing import Prepared
from flows.planning.reporting import row
from flows.planning.reviewing import counts, lines, summary
from schemas.errors import SettingsError
from schemas.plan import Item, Waiting
from schemas.report import rfc3339


@click.command("plan", short_help="The calendar: what goes where and when, and what waits and why.")
@choosing
@click.option("--diff", "revision", metavar="REV", help="Only what the working tree changes of that commit.")
@shared(archive=True)
def plan_command(
    start: datetime | None,
    end: datetime | None,
    channel: str | None,
    campaign: str | None,
    revision: str | None,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """The calendar of the working tree by day: local time, zone, state, post, and why something waits.

    With --diff, what is new, moved, cancelled or worded otherwise than in commit REV, and what is sent already and so
    stays as it is. A post whose id changed is named with the line that keeps it from going out again.

    \b
    Example: drumbeat plan --from 2027-03-01 --to 2027-03-31
    """
    seen = survey(content, archive, now, revision)
    meant = chosen(seen.done.content, start, end, channel, campaign)
    if seen.before is not None:
        _tell_changes(seen, seen.before, meant, as_json)
    elif as_json:
        tell_json({"items": [_planned(one, seen) for one in seen.done.plan.everything() if meant.holds(one)]})
    else:
        _tell_plan(seen, meant)
    return _tell_errors(seen)


@click.command("calendar", short_help="The calendar as a feed for Google, Apple and Outlook.")
@click.option("--ics", "file", required=True, type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="The feed to write; - for standard output.")
@choosing
@shared(archive=True, json=False)
def calendar_command(
    file: str,
    start: datetime | None,
    end: datetime | None,
    channel: str | None,
    campaign: str | None,
    content: str | None,
    archive: str | None,
    now: datetime | None,
) -> int:
    """The calendar of the working tree as an iCalendar feed, all times in UTC; calendars read FILE by its address.

    What waits for something is tentative; what is cancelled is not there. The feed holds the words of posts that are
    not out yet: put it where only your own people can read it.

    \b
    Example: drumbeat calendar --ics mastodon.ics --channel mastodon
    """
    from flows.planning.feeding import events, feed

    seen = survey(content, archive, now)
    meant = chosen(seen.done.content, start, end, channel, campaign)
    shown = [one for one in seen.done.plan.everything() if meant.holds(one)]
    made = events(shown, seen.done, seen.standings, now=seen.now)
    strategy = seen.done.content.entry("strategy")
    name = ": ".join(word for word in (getattr(strategy, "title", None) or "Posts", campaign, channel) if word)
    data = feed(made, name, now=seen.now)
    if file == "-":
        sys.stdout.buffer.write(data)
    else:
        _replace(Path(file), data)
        say(f"{many(len(made), 'event')} written to {file}.")
    errors = seen.errors()
    if errors:
        say(f"{many(errors, 'error')} in the content: run 'drumbeat check'.")
    return 0


# --- the table --------------------------------------------------------------------------------------------------------


def _tell_plan(seen: Seen, meant: Chosen) -> None:
    shown = [one for one in seen.done.plan.everything() if meant.holds(one)]
    timed = sorted(((_local(one), one) for one in shown if one.at is not None),
                   key=lambda pair: (pair[0].date(), pair[1].at, pair[1].channel.id, pair[1].slot))
    rows = table([""] * 5, [_cells(local, one, seen) for local, one in timed])[1:]
    day = None
    for (local, _), line in zip(timed, rows, strict=True):
        if local.date() != day:
            day = local.date()
            tell(f"{local:%A %Y-%m-%d}")
        tell(f"  {line}")
    if not any(isinstance(one, Item) for _, one in timed):
        say("Nothing is planned in that time." if meant.is_timed else "Nothing is planned.")
    timeless = [one for one in shown if isinstance(one, Waiting) and one.at is None]
    if timeless:
        say(f"{many(len(timeless), 'slot')} waiting without a time:")
        alike: dict[tuple[str, str], list[str]] = {}
        for one in timeless:
            alike.setdefault((one.post.id, one.why), []).append(one.channel.id)
        for line in table(("post", "why"), [(f"{post} → {', '.join(dict.fromkeys(channels))}", why)
                                            for (post, why), channels in alike.items()])[1:]:
            tell(f"  {line}")


def _cells(local: datetime, one: Item | Waiting, seen: Seen) -> list[str]:
    state, why = _state(one, seen)
    stage = f", {one.stage}" if isinstance(one, Item) else ""
    return [f"{local:%H:%M} {local:%Z}", f"{state:<9}", f"{one.post.id} → {one.channel.id}",
            f"({one.post.intent}{stage})", why]


def _state(one: Item | Waiting, seen: Seen) -> tuple[str, str]:
    """The state that people read, and why."""
    told = row(one, seen.standings.get(one.slot), now=seen.now)
    return told.state.value, told.reason or (one.note if isinstance(one, Item) else "")


def _local(one: Item | Waiting) -> datetime:
    assert one.at is not None
    return one.at.astimezone(ZoneInfo(one.zone))


def _planned(one: Item | Waiting, seen: Seen) -> dict[str, Any]:
    state, why = _state(one, seen)
    return {
        "slot": str(one.slot),
        "post": one.post.id,
        "channel": one.channel.id,
        "network": one.channel.network,
        "at": rfc3339(one.at),
        "local": f"{_local(one):%Y-%m-%d %H:%M}" if one.at else None,
        "zone": one.zone,
        "intent": one.post.intent,
        "stage": one.stage if isinstance(one, Item) else None,
        "campaign": one.post.post.campaign,
        "state": state,
        "why": why or None,
    }


# --- the difference ---------------------------------------------------------------------------------------------------


def _tell_changes(seen: Seen, before: Prepared, meant: Chosen, as_json: bool) -> None:
    changes = [change for change in compare(before, seen.done, seen.standings) if meant.holds_change(change)]
    if as_json:
        tell_json({"changes": [changed(change) for change in changes], "counts": counts(changes)})
        return
    for line in lines(changes, now=seen.now):
        tell(line)
    say(summary(changes))


def changed(change: Change) -> dict[str, Any]:
    return {"kind": change.kind.value, "slot": str(change.slot), "post": change.slot.post,
            "channel": change.slot.channel, "before": _moment(change.before), "after": _moment(change.after),
            "why": change.why or None}


def _moment(moment: Moment | None) -> dict[str, str | None]:
    if moment is None:
        return {"at": None, "local": None}
    return {"at": rfc3339(moment.at), "local": f"{moment.local:%Y-%m-%d %H:%M}"}


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _tell_errors(seen: Seen) -> int:
    """Says what is published and no file has any more, and how many errors there are; the exit code."""
    from flows.cli.recalling import recalled

    told = recalled(seen.settings, seen.store, seen.done, published(seen.standings)) if seen.store else {}
    for id, words in told.items():
        say(f"{id} was published; no file has this id now. {words}")
    errors = seen.errors()
    if errors:
        say(f"{many(errors, 'error')}: run 'drumbeat check'.")
    return 1 if errors else 0


def _replace(file: Path, data: bytes) -> None:
    """`file` holds `data`, whole: whoever reads it meanwhile sees what it held before."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(data)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError(
            f"{file} cannot be written: {error.strerror}.", "Name a file in a folder that is yours to write."
        ) from None
