"""Credentials, by connection: from variables, or from a file that only its owner can read."""
import contextlib
import fcntl
import json
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
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
    if file is not None:
        _file(file)
    found = given(channel, (*needs, *wants), file, environment)
    missing = [f"DRUMBEAT_{connection_of(channel)}_{field.upper()}" for field in needs if field not in found]
    if missing:
        raise SettingsError(
            f"{channel.id} has no credentials: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            f"Run 'drumbeat connect {channel.network}', set them, or try it without any account: add --rehearse.",
        )
    return found


def given(channel: Channel, fields: Iterable[str], file: Path | None,
          environment: Mapping[str, str] = os.environ) -> dict[str, SecretStr]:
    """Those of `fields` that are set for `channel`; a file that is not there holds none."""
    connection = connection_of(channel)
    kept = _file(file).get(connection, {}) if file is not None and file.exists() else {}
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
    file = file.resolve()                                         # a link stays one
    with _alone(file):
        _replace(file, connection, fields)


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        keep_out_of_git(file.parent)
        lock = os.open(file.parent / f".{file.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(file, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _replace(file: Path, connection: str, fields: Mapping[str, str]) -> None:
    before = _file(file) if file.exists() else {}                 # who wrote it must not lose it to a slip of theirs
    old = file.read_text(encoding="utf-8") if before or file.exists() else ""
    rest = re.sub(rf'(?ms)^[ \t]*\[[ \t]*"?{re.escape(connection)}"?[ \t]*\][^\n]*(?:\n|\Z)'
                  r".*?(?=(?:^[ \t]*(?:#[^\n]*)?\n)*^[ \t]*\[|\Z)", "", old)
    lines = "".join(f"{name} = {_quoted(value)}\n" for name, value in fields.items())
    made = f"{rest.rstrip()}\n\n[{connection}]\n{lines}".lstrip()
    if _tables(made) != {**before, connection: dict(fields)}:     # written in a way that we do not understand
        raise SettingsError(f"{file} cannot be changed without losing something.",
                            f"Take [{connection}] out of it by hand, then try again.")
    try:
        write_privately(file, made)
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> SettingsError:
    return SettingsError(f"{file} cannot be written: {error.strerror}.",
                         'Make room or rights for it, or name another file: credentials = "…" in drumbeat.toml.')


def write_privately(file: Path, text: str) -> None:
    """`file` holds `text`, on disk, readable by its owner only; until then it holds what it held. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        Path(temporary).replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def keep_out_of_git(folder: Path) -> None:
    """Git sees nothing of `.drumbeat`, whatever the project's own .gitignore says. Raises OSError."""
    ours = next((one for one in (folder, *folder.parents) if one.name == ".drumbeat"), None)
    if ours is not None and not (ours / ".gitignore").exists():
        (ours / ".gitignore").write_text("*\n", encoding="utf-8")


def _quoted(value: str) -> str:
    """`value` as a basic string of TOML. JSON's is one, but for the halves of what lies beyond U+FFFF."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _tables(text: str) -> dict[str, dict[str, str]] | None:
    try:
        return {name: fields for name, fields in tomllib.loads(text).items() if isinstance(fields, dict)}
    except tomllib.TOMLDecodeError:
        return None


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
