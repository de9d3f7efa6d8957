"""Credentials, by connection: from variables, or from a file that only its owner can read."""
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from schemas.channel import Channel
from schemas.errors import SettingsError


def credentials(channel: Channel, needs: tuple[str, ...], wants: tuple[str, ...], file: Path | None,
                environment: Mapping[str, str] = os.environ) -> dict[str, SecretStr]:
    """The fields that `channel` needs, and those of `wants` that are set.

    Each is taken from `DRUMBEAT_<CONNECTION>_<FIELD>`, else from `file`.

    Raises SettingsError that names each missing field, and never a value.
    """
    connection = connection_of(channel)
    kept = _file(file).get(connection, {}) if file is not None else {}
    found, missing = {}, []
    for field in (*needs, *wants):
        value = environment.get(f"DRUMBEAT_{connection}_{field.upper()}") or kept.get(field)
        if value:
            found[field] = SecretStr(str(value))
        elif field in needs:
            missing.append(f"DRUMBEAT_{connection}_{field.upper()}")
    if missing:
        raise SettingsError(
            f"{channel.id} has no credentials: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            "Set them, or try it without any account: add --rehearse.",
        )
    return found


def connection_of(channel: Channel) -> str:
    """The name of the channel's credentials: its `connection`, else made from its id."""
    return (channel.connection or channel.id).upper().replace("-", "_")


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
