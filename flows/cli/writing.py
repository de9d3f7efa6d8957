"""init and new: the fewest lines that work."""

import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

import publishers
from flows.cli.options import settings_of, shared
from flows.cli.surveying import Seen, survey
from flows.cli.telling import When, many, say, tell
from flows.edges.repository import inside_repository
from flows.edges.settings import Settings
from flows.planning.rules.launches import FOR_ASKS
from flows.planning.timing import days_on
from schemas.errors import SettingsError, UsageError
from schemas.gate import Light
from schemas.notation import is_id
from schemas.people import Team
from schemas.strategy import Strategy


@click.command("init", short_help="A content folder with the fewest lines that work.")
@click.argument("folder", default="content", type=click.Path(path_type=Path))
@click.option(
    "--network",
    type=click.Choice(publishers.available()),
    default="mastodon",
    show_default=True,
    help="Of the first channel.",
)
@click.option(
    "--timezone", default="UTC", show_default=True, help="Of every time you write, for example Europe/Dublin."
)
def init_command(folder: Path, network: str, timezone: str) -> int:
    """Makes FOLDER (default: content) with a channel, a first post, and a repository around it if there is none.

    \b
    Example: drumbeat init content --network mastodon --timezone Europe/Dublin
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            f"{folder} is not empty.", 'Name another folder, or add a post to this one: drumbeat new post "Hello".'
        )
    today = date.today()  # noqa: DTZ011 — the writer's own calendar day
    channel = network.removesuffix("_page").replace("_", "-")
    files = {
        "strategy.yaml": f"strategy: ours-{today.year}\nstart: {today}\ntimezone: {timezone}\n",
        "people/team.yaml": _team(folder),
        "networks/channels.yaml": f"channels:\n  - id: {channel}\n    network: {network}\n    handle: our-account\n"
        '    slots: ["tue 09:30", "thu 12:30"]\n',
    }
    limits = publishers.load(network).limits
    if limits.needs_media:
        if not limits.videos:
            form, file = "a picture", "photo.jpg"
        elif limits.images <= 1:                                  # the one picture is the film's own
            form, file = "a film", "film.mp4"
        else:
            form, file = "a picture or a film", "photo.jpg"
        say(f"A post for {network} needs {form}: put it into {folder}/media, and above the text write "
            f"'media: [{{file: {file}, alt: What it shows}}]'.")
    else:
        title = "title: Hello\n" if limits.title else ""
        files["posts/hello.md"] = (f"---\nat: {today + timedelta(days=1)} 09:30\n{title}---\n"
                                   "Hello! We are new here. What would you like to read about?\n")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        tell(f"{folder}/{name}")
    home = folder.absolute().parent
    if not inside_repository(home):
        subprocess.run(["git", "init", "--quiet", str(home)], check=True)
        say(f"{home} is a Git repository now.")
    ignored = home / ".gitignore"
    if not ignored.exists():
        ignored.write_text(".drumbeat/\n", encoding="utf-8")
    git = "git" if home == Path.cwd() else f"git -C {home}"
    say("Next:")
    say(f"  drumbeat check --content {folder}")
    say(f'  {git} add {folder.name} .gitignore && {git} commit -m "First post"')
    say(f"  drumbeat up --rehearse --content {folder}")
    return 0


def _team(folder: Path) -> str:
    """The team of one: whoever Git says is at the keyboard."""
    home = next(parent for parent in folder.absolute().parents if parent.is_dir())
    told = {key: subprocess.run(["git", "-C", str(home), "config", f"user.{key}"], check=False, capture_output=True,
                                text=True).stdout.strip() for key in ("name", "email")}
    name = " ".join(word for word in re.sub(r"[^\w .'-]", " ", told["name"]).split())
    address = told["email"] if re.fullmatch(r"[\w.+-]+@[\w.-]+", told["email"]) else ""
    id = _id_of(name.split()[0] if name else "") or "me"
    more = (f'    name: "{name}"\n' if name else "") + (f"    git: [{address}]\n" if address else "")
    return f"people:\n  - id: {id}\n{more}"


def _id_of(text: str) -> str:
    """`text` as an id; "" when nothing of it can stand in one."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")
    return found if is_id(found) else ""


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
    shown = title.replace("\\", "\\\\").replace('"', '\\"')
    _write(settings.content / "ideas" / f"{_stem_of(title)}.md",
           f'---\ntitle: "{shown}"\nfrom: {source}\nfiled: {today}\nstatus: new\n---\n')
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
    people = [person.id for entry in content.entries if isinstance(entry.value, Team) for person in entry.value.people]
    audiences = [entry.id for entry in content.entries if entry.kind == "audience"]
    goals = [goal.id for entry in content.entries if isinstance(entry.value, Strategy)
             for goal in entry.value.social_goals]
    channels = [channel.id for channel in content.channels.channels if channel.status == "active"]
    end, owner = start + timedelta(weeks=6), next(iter(people), "me")
    aims = ", ".join(f"{{goal: {goal}}}" for goal in goals[:1])
    shown = title.replace("\\", "\\\\").replace('"', '\\"')
    return f"""campaign: {id}
title: "{shown}"
owner: {owner}
start: {start}
end: {end}
audiences: [{', '.join(audiences)}]
channels: [{', '.join(channels)}]
goals: [{aims}]                            # {{goal: ..., target: ...}}, of the strategy's social goals
learned: []                                # what groundwork taught: {{from: groundwork, text: ..., used: ...}}
risks: []                                  # what people may do with it: {{what: ..., answer: ...}}, three or more
# offer:                                   # needed before the first ask
#   text: ...
#   value_to_reader: ...
#   value_to_us: ...
#   url: https://...
#   event: ...                             # of the strategy's crm.events
#   validated: []                          # {{audience: ..., date: ..., by: ..., method: ..., finding: ...}}
#   reassess: []                           # days on which the offer is looked at again
maintenance: {{owner: {owner}, until: {end + timedelta(days=180)}, cadence: 1/4w}}   # after the end; add hours: ...
"""


def _settings(content: str | None) -> Settings:
    settings = settings_of(content)
    if not settings.content.is_dir():
        raise SettingsError(
            f"There is no folder {settings.content}.", "Run 'drumbeat init' first, or name yours with --content."
        )
    return settings


def _stem_of(title: str) -> str:
    """The file name that a title gives. Raises UsageError."""
    if stem := _id_of(title):
        return stem
    raise UsageError(f"No file name can be made of '{title}'.", "Give it a title with some letters a to z or digits.")


def _write(file: Path, text: str) -> None:
    """Writes a new file and says so. Raises UsageError when there is one already."""
    if file.exists():
        raise UsageError(f"{file} exists already.", "Choose another title, or edit that file.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    tell(str(file))
