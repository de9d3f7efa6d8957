"""new: files from the fewest lines that work, and files to fill in."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from flows.cli.options import settings_of, shared
from flows.cli.scaffolding import AUDIENCE, CAMPAIGN, CRISIS, DISCOVERY, INCIDENT, POLICY, STATEMENT
from flows.cli.surveying import Seen, survey
from flows.cli.telling import When, many, say, tell
from flows.edges.fetching import shown
from flows.edges.settings import Settings
from flows.planning.rules.launches import FOR_ASKS
from flows.planning.timing import days_on
from schemas.errors import SettingsError, UsageError
from schemas.gate import Light
from schemas.notation import is_id
from schemas.people import Team
from schemas.strategy import Strategy

_printed = click.option("--print", "shown", is_flag=True, help="Show the file instead of writing it.")


@click.group("new", short_help="A new file from the fewest lines that work.")
def new_command() -> None:
    """Starts a new file.

    \b
    Example: drumbeat new post "Sharpen a plane"
    """


@new_command.command("post")
@click.argument("title")
@click.option("--at", help="When it goes out (YYYY-MM-DD HH:MM); without it, in the next free slot.")
@click.option("--campaign", help="The campaign it belongs to.")
@shared(now=False, json=False)
def post_command(title: str, at: str | None, campaign: str | None, content: str | None) -> int:
    """A post named after TITLE: two lines of front matter, and the title as its first words.

    \b
    Example: drumbeat new post "Sharpen a plane" --at "2027-05-04 12:30"
    """
    settings = _settings(content)
    stem = _stem_of(title)
    if at is not None:
        try:
            datetime.strptime(at, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        except ValueError:
            raise UsageError(f"--at: '{at}' is not a time.", "Write it as YYYY-MM-DD HH:MM.") from None
    folder = settings.content / ("posts" if campaign is None else f"campaigns/{campaign}/posts")
    if campaign is not None and not is_id(campaign):
        raise UsageError(f"'{campaign}' cannot be a campaign.", "Name a folder of campaigns/, for example spring-mend.")
    if campaign is not None and not (settings.content / "campaigns" / campaign).is_dir():
        raise UsageError(
            f"There is no campaign '{campaign}'.", f"Campaigns are folders of {settings.content / 'campaigns'}."
        )
    _write(folder / f"{stem}.md", f"---\n{f'at: {at}' if at else 'slot: next'}\n---\n{title}\n")
    say(f"Write it, then: drumbeat check {folder / f'{stem}.md'}")
    return 0


@new_command.command("idea")
@click.argument("title")
@click.option("--from", "source", type=click.Choice(["team", "crowd", "customer", "listening", "competitor"]),
              default="team", show_default=True, help="Where it came from.")
@shared(now=False, json=False)
def idea_command(title: str, source: str, content: str | None) -> int:
    """An idea for the idea bank, named after TITLE.

    \b
    Example: drumbeat new idea "What was wrong with the kettle?" --from crowd
    """
    settings = _settings(content)
    today = date.today()  # noqa: DTZ011 — the writer's own calendar day
    _write(settings.content / "ideas" / f"{_stem_of(title)}.md",
           f'---\ntitle: "{_quoted(title)}"\nfrom: {source}\nfiled: {today}\nstatus: new\n---\n')
    return 0


@new_command.command("audience")
@click.argument("name")
@shared(now=False, json=False)
def audience_command(name: str, content: str | None) -> int:
    """Somebody you speak to: the file to fill in, with what belongs where.

    \b
    Example: drumbeat new audience "Renters in small flats"
    """
    return _begin(content, f"audiences/{_stem_of(name)}.yaml", AUDIENCE, id=_stem_of(name), title=_quoted(name))


@new_command.command("discovery")
@_printed
@shared(now=False, json=False)
def discovery_command(shown: bool, content: str | None) -> int:
    """What is said of you, who else there is, and whether people find you: the file to fill in.

    \b
    Example: drumbeat new discovery --print
    """
    return _begin(content, "discovery.yaml", DISCOVERY, shown=shown)


@new_command.command("policy")
@click.argument("name")
@shared(now=False, json=False)
def policy_command(name: str, content: str | None) -> int:
    """What everybody who speaks for you has read: the file to fill in.

    \b
    Example: drumbeat new policy "House rules"
    """
    return _begin(content, f"policies/{_stem_of(name)}.md", POLICY, id=_stem_of(name))


@new_command.command("crisis-plan")
@_printed
@shared(now=False, json=False)
def crisis_command(shown: bool, content: str | None) -> int:
    """Who acts when something goes wrong, how fast, and what they say first: two files to fill in.

    \b
    Example: drumbeat new crisis-plan --print
    """
    _begin(content, "crisis/plan.yaml", CRISIS, shown=shown)
    return _begin(content, "crisis/holding/first-words.md", STATEMENT, shown=shown)


@new_command.command("incident")
@click.argument("name")
@click.option("--level", required=True, help="Of crisis/plan.yaml; it says what stops meanwhile.")
@shared(now=False, json=False)
def incident_command(name: str, level: str, content: str | None) -> int:
    """Something went wrong: once it is committed, asks or everything wait on the channels, as the level says.

    \b
    Example: drumbeat new incident "Injury at the bench" --level issue
    """
    today = date.today()  # noqa: DTZ011 — the writer's own calendar day
    code = _begin(content, f"crisis/incidents/{today}-{_stem_of(name)}.yaml", INCIDENT, level=level)
    say("It holds from the commit on: git add and commit it now.")
    return code


def _begin(content: str | None, path: str, template: str, *, shown: bool = False, **known: str) -> int:
    """Writes a file to fill in, or only shows it. Raises UsageError when there is one already."""
    settings = _settings(content)
    seen, now = survey(content, None, None), datetime.now().astimezone()
    today = now.date()
    file = settings.content / path
    text = template.format(**{
        "today": today, "before": today - timedelta(days=91), "later": today + timedelta(days=365),
        "owner": _owner(seen, "sponsor"), "channels": ", ".join(_channels(seen)), "now": f"{now:%Y-%m-%d %H:%M}",
        **known})
    if shown:
        say(f"{file}:")
        for line in text.splitlines():
            tell(line)
        return 0
    _write(file, text)
    say(f"Fill it in, then: drumbeat check {file}")
    return 0


@new_command.command("campaign")
@click.argument("title")
@click.option("--start", type=When(), help="Its first day; without it, the earliest that the calendar allows.")
@click.option("--anyway", is_flag=True, help="Write it although the strategy is not ready for a campaign.")
@shared(json=False)
def campaign_command(
    title: str, start: datetime | None, anyway: bool, content: str | None, now: datetime | None
) -> int:
    """A campaign named after TITLE. First it says what a campaign still lacks; then it writes the file to fill in.

    \b
    Example: drumbeat new campaign "Autumn repairs" --start 2027-10-04
    """
    settings = _settings(content)
    id = _stem_of(title)
    file = settings.content / "campaigns" / id / "campaign.yaml"
    if file.exists():
        raise UsageError(f"{file} exists already.", "Choose another title, or edit that file.")
    seen = survey(content, None, now)
    today = seen.now.astimezone(ZoneInfo(seen.done.content.timezone)).date()
    earliest = _earliest(seen, today)
    missing = [(gate, line) for gate in seen.done.gates if gate.gate in FOR_ASKS
               for line in gate.lines if line.shut and line.state is Light.red]
    for gate in dict.fromkeys(gate for gate, _ in missing):
        lines = [line for of, line in missing if of is gate]
        say(f"{gate.gate}: {many(len(lines), 'step')} still to do.")
        for line in lines:
            say(f"  - {line.what}: {line.remedy or line.evidence}")
    say(f"A campaign can start on {earliest} at the earliest: six months of giving come before the first ask.")
    if any(gate.gate != "SKILLS" for gate, _ in missing) and not anyway:
        say("Nothing is written: with a campaign these steps become errors, and gives go out meanwhile. "
            f"'drumbeat new campaign \"{title}\" --anyway' writes it all the same.")
        return 1
    first = start.date() if start is not None else earliest
    if first < earliest and not anyway:
        say(f"Nothing is written: {first} is too early. Leave --start out, or say --anyway.")
        return 1
    _write(file, _campaign(seen, id, title, first))
    say(f"Fill it in, then: drumbeat check {file}")
    return 0


def _earliest(seen: Seen, today: date) -> date:
    """The first day that leaves every strategy its groundwork, and the campaign its notice."""
    starts = [entry.value.start for entry in seen.done.content.entries if isinstance(entry.value, Strategy)]
    return max([today + timedelta(days=30), *(days_on(day, 6, "mo") for day in starts[:1])])


def _campaign(seen: Seen, id: str, title: str, start: date) -> str:
    """The lines of a campaign that can be known already; the others as notes of what to write."""
    content = seen.done.content
    audiences = [entry.id for entry in content.entries if entry.kind == "audience"]
    goals = [goal.id for entry in content.entries if isinstance(entry.value, Strategy)
             for goal in entry.value.social_goals]
    end = start + timedelta(weeks=6)
    return CAMPAIGN.format(
        id=id, title=_quoted(title), owner=_owner(seen), start=start, end=end, until=end + timedelta(days=180),
        audiences=", ".join(audiences), channels=", ".join(_channels(seen)),
        goals=", ".join(f"{{goal: {goal}}}" for goal in goals[:1]))


def _channels(seen: Seen) -> list[str]:
    return [channel.id for channel in seen.done.content.channels.channels if channel.status == "active"]


def _owner(seen: Seen, *roles: str) -> str:
    """Whoever has one of `roles`, else the social manager, else the first of the team."""
    people = [person for entry in seen.done.content.entries if isinstance(entry.value, Team)
              for person in entry.value.people]
    wanted = (*roles, "social_manager")
    return next((person.id for role in wanted for person in people if role in person.roles),
                people[0].id if people else "me")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _settings(content: str | None) -> Settings:
    settings = settings_of(content)
    if settings.remote is not None and not any(settings.content.glob("*")):
        remote = shown(settings.remote)
        raise SettingsError(f"Nothing is written here: this publisher takes what is pushed to {remote}.",
                            f"Write in a clone of it, commit and push: git clone {remote}")
    if not settings.content.is_dir():
        raise SettingsError(
            f"There is no folder {settings.content}.", "Run 'drumbeat init' first, or name yours with --content."
        )
    return settings


def _stem_of(title: str) -> str:
    """The file name that a title gives. Raises UsageError."""
    if stem := id_of(title):
        return stem
    raise UsageError(f"No file name can be made of '{title}'.", "Give it a title with some letters a to z or digits.")


def _write(file: Path, text: str) -> None:
    """Writes a new file and says so. Raises UsageError when there is one already."""
    if file.exists():
        raise UsageError(f"{file} exists already.", "Choose another title, or edit that file.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    tell(str(file))


def id_of(text: str) -> str:
    """`text` as an id; "" when nothing of it can stand in one."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")
    return found if is_id(found) else ""
