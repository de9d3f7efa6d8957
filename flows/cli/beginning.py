"""init: a content folder with the fewest lines that work."""

import re
import shlex
import subprocess
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import click

import publishers
from flows.cli.telling import say, tell
from flows.cli.writing import id_of
from flows.edges.repository import inside_repository
from schemas.errors import UsageError


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
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = get_close_matches(timezone, available_timezones(), 1, 0.6)
        raise UsageError(f"--timezone {timezone}: there is no such time zone.",
                         f"Write a name of the IANA list, such as {close[0] if close else 'Europe/Dublin'}.") from None
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
    home = folder.absolute().parent.resolve()
    if not inside_repository(home):
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(home)], check=True)
        say(f"{home} is a Git repository now.")
    ignored = home / ".gitignore"
    if not ignored.exists():
        ignored.write_text(".drumbeat/\n", encoding="utf-8")
    git = "git" if home == Path.cwd() else f"git -C {shlex.quote(str(home))}"
    there, name = shlex.quote(str(folder)), shlex.quote(folder.absolute().name)
    say("Next:")
    say(f"  drumbeat check --content {there}")
    say(f'  {git} add {name} .gitignore && {git} commit -m "First post"')
    say(f"  drumbeat up --rehearse --content {there}")
    return 0


def _team(folder: Path) -> str:
    """The team of one: whoever Git says is at the keyboard."""
    home = next(parent for parent in folder.absolute().parents if parent.is_dir())
    told = {key: subprocess.run(["git", "-C", str(home), "config", f"user.{key}"], check=False, capture_output=True,
                                text=True).stdout.strip() for key in ("name", "email")}
    name = " ".join(word for word in re.sub(r"[^\w .'-]", " ", told["name"]).split())
    address = told["email"] if re.fullmatch(r"[\w.+-]+@[\w.-]+", told["email"]) else ""
    id = id_of(name.split()[0] if name else "") or "me"
    more = (f'    name: "{name}"\n' if name else "") + (f"    git: [{address}]\n" if address else "")
    return f"people:\n  - id: {id}\n{more}"
