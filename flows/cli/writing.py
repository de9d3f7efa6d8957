"""init and new: the fewest lines that work."""

import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

import publishers
from flows.cli.options import settings_of, shared
from flows.cli.telling import say, tell
from flows.edges.repository import inside_repository
from schemas.errors import SettingsError, UsageError
from schemas.notation import is_id


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
    settings = settings_of(content)
    if not settings.content.is_dir():
        raise SettingsError(
            f"There is no folder {settings.content}.", "Run 'drumbeat init' first, or name yours with --content."
        )
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-")
    if not is_id(stem):
        raise UsageError(
            f"No file name can be made of '{title}'.", "Give it a title with some letters a to z or digits."
        )
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
    file = folder / f"{stem}.md"
    if file.exists():
        raise UsageError(f"{file} exists already.", "Choose another title, or edit that file.")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\n{f'at: {at}' if at else 'slot: next'}\n---\n{title}\n", encoding="utf-8")
    tell(str(file))
    say(f"Write it, then: drumbeat check {file}")
    return 0
