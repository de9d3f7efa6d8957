"""Credentials, by connection: from variables, or from a file that only its owner can read."""
import contextlib
import json
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import SecretStr

from schemas.channel import Channel
from schemas.errors import SettingsError

_OPEN = ("_id", "_url", "_at", "_address", "_name", "version", "handle", "identifier", "host", "api_host", "user",
         "username", "destination", "title", "language", "author", "blog", "subreddit", "port", "security", "reply_to",
         "media_channel", "workspace")
"""How fields end that are no secret: addresses, names and numbers of accounts, words about them."""


def credentials(channel: Channel, needs: tuple[str, ...], wants: tuple[str, ...], file: Path | None,
                environment: Mapping[str, str] = os.environ) -> dict[str, SecretStr]:
    """The fields that `channel` needs, and those of `wants` that are set.

    Each is taken from `DRUMBEAT_<CONNECTION>_<FIELD>`, else from `file`.

    Raises SettingsError that names each missing field, and never a value.
    """
    found = given(channel, (*needs, *wants), file, environment)
    missing = [f"DRUMBEAT_{connection_of(channel)}_{field.upper()}" for field in needs if field not in found]
    if missing:
        raise SettingsError(
            f"{channel.id} has no credentials: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            "Set them, or try it without any account: add --rehearse.",
        )
    return found


def given(channel: Channel, fields: Iterable[str], file: Path | None,
          environment: Mapping[str, str] = os.environ) -> dict[str, SecretStr]:
    """Those of `fields` that are set for `channel`."""
    connection = connection_of(channel)
    kept = _file(file).get(connection, {}) if file is not None else {}
    found = {field: environment.get(f"DRUMBEAT_{connection}_{field.upper()}") or kept.get(field) for field in fields}
    return {field: SecretStr(str(value)) for field, value in found.items() if value}


def is_secret(field: str) -> bool:
    """Whether the value of a credential field may be shown to nobody."""
    return not field.endswith(_OPEN)


def connection_of(channel: Channel) -> str:
    """The name of the channel's credentials: its `connection`, else made from its id."""
    return (channel.connection or channel.id).upper().replace("-", "_")


def save(file: Path, connection: str, fields: Mapping[str, str]) -> None:
    """`file` holds the credentials of `connection`, readable by its owner only; what else stands in it stays.

    Raises SettingsError for a file that others can read, that is no TOML, or that cannot be written.
    """
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    if old:
        _file(file)                                               # who wrote it must not lose it to a slip of theirs
    rest = re.sub(rf"(?ms)^\[{re.escape(connection)}\][ \t]*\n.*?(?=^\[|\Z)", "", old)
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items())
    made = f"{rest.rstrip()}\n\n[{connection}]\n{lines}".lstrip()
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        keep_out_of_git(file.parent)
        handle, temporary = tempfile.mkstemp(dir=file.parent)      # readable by its owner only
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(made)
            new.flush()
            os.fsync(new.fileno())
        Path(temporary).replace(file)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise SettingsError(f"{file} cannot be written: {error.strerror}.",
                            "Make room or rights for it, or name another file: credentials = \"…\" in drumbeat.toml."
                            ) from error


def keep_out_of_git(folder: Path) -> None:
    """Git sees nothing of `.drumbeat`, whatever the project's own .gitignore says. Raises OSError."""
    ignored = folder / ".gitignore"
    if folder.name == ".drumbeat" and not ignored.exists():
        ignored.write_text("*\n", encoding="utf-8")


def _file(file: Path) -> dict[str, dict[str, str]]:
    try:
        mode = file.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(f"{file} can be read by others.", f"Run 'chmod 600 {file}'.")
        kept = tomllib.loads(file.read_text(encoding="utf-8"))
        return {name: fields for name, fields in kept.items() if isinstance(fields, dict)}
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be read: {error.strerror}.", "Set 'credentials' in drumbeat.toml to a file of yours."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SettingsError(
            f"{file} is no TOML file.", 'It holds a [CONNECTION] and lines like access_token = "…".'
        ) from None
