"""What a team sets once: `drumbeat.toml` beside the content folder; `DRUMBEAT_*` variables win."""
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from schemas.errors import SettingsError

FILE = "drumbeat.toml"
CREDENTIALS = ".drumbeat/credentials.toml"
"""Where `drumbeat connect` keeps credentials when the settings name no file."""
_KEYS = ("archive", "credentials", "most_per_hour", "media_url", "remote", "branch", "require_signed")
_BRANCH = re.compile(r"(?!/|.*(?://|\.\.|/\.|@\{|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]*(?<![/.])")
"""What Git takes for the name of a branch (git-check-ref-format, read 2026-11-22)."""


class Settings(NamedTuple):
    """`home`: the folder that holds the content folder, drumbeat.toml and .drumbeat/."""

    content: Path
    home: Path
    archive: str | None = None           # None: not set anywhere
    credentials: Path | None = None      # a file that only its owner can read; it need not be there yet
    most_per_hour: int | None = None     # posts of all accounts together: the flood fuse
    media_url: str | None = None         # where the archive's v1/media/ is open to the world; no slash at its end
    remote: str | None = None            # where commits are fetched from; None: HEAD of the folder's repository counts
    branch: str = "main"                 # the one branch of it that is published
    require_signed: bool = False         # commits of the remote count only with a known signature


def find(content: str | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings for `content`, or for the nearest folder `content/` upwards. Raises SettingsError."""
    content = content or environment.get("DRUMBEAT_CONTENT")
    folder = Path(content) if content else _nearest(Path.cwd())
    home = folder.absolute().parent
    file = home / FILE
    said: dict[str, object] = {}
    if file.is_file():
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise SettingsError(
                f"{file} cannot be read: {error}.", 'Mend it: it holds lines like archive = "dir:.drumbeat/archive".'
            ) from None
        for key, value in said.items():
            if key not in _KEYS:
                raise SettingsError(f"{file}: {key} is not known.", f"Known: {', '.join(_KEYS)}.")
            if not isinstance(value, str):
                raise SettingsError(f"{file}: {key} is not text.", f"Put it in quotes: {key} = \"…\".")
    values = {key: environment.get(f"DRUMBEAT_{key.upper()}") or said.get(key) for key in _KEYS}
    credentials, most = values["credentials"], values["most_per_hour"]
    if most is not None and not re.fullmatch(r"[1-9][0-9]{0,5}", str(most)):
        raise SettingsError(f"most_per_hour is {most!r}, which is no number of posts.",
                            'Write for example most_per_hour = "200".')
    public = str(values["media_url"] or "").rstrip("/")
    if public and not public.startswith("https://"):
        raise SettingsError(f"media_url is '{public}', which is no https address.",
                            "Write the address under which the archive's v1/media/ can be read.")
    branch = str(values["branch"] or "main")
    if not _BRANCH.fullmatch(branch) or branch.startswith("refs/"):
        raise SettingsError(f"branch is '{branch}', which is no name of a branch.",
                            'Write for example branch = "main".')
    signed = str(values["require_signed"] or "no")
    if signed not in ("yes", "no"):
        raise SettingsError(f"require_signed is '{signed}', which is neither yes nor no.",
                            'Write require_signed = "yes", or leave it out.')
    if signed == "yes" and not values["remote"]:
        raise SettingsError("require_signed is yes, and there is no remote: what is committed here is published.",
                            'Name the repository that everybody pushes to: remote = "https://…".')
    return Settings(folder, home, str(values["archive"]) if values["archive"] else None,
                    home / str(credentials) if credentials else _own_file(home),
                    int(str(most)) if most else None, public or None,
                    str(values["remote"]) if values["remote"] else None, branch, signed == "yes")


def _own_file(home: Path) -> Path | None:
    """The file that `drumbeat connect` makes, once it is there."""
    file = home / CREDENTIALS
    return file if file.exists() else None


def _nearest(start: Path) -> Path:
    for folder in (start, *start.parents):
        if folder.name == "content" and (folder / "posts").is_dir():
            return folder
        if (folder / "content").is_dir():
            return folder / "content"
    return start / "content"
