"""Credentials come from variables or from a file of their owner, are named when missing, and are never shown."""
from pathlib import Path

import pytest

from flows.edges.credentials import connection_of, credentials
from schemas.channel import Channel
from schemas.errors import SettingsError

TOKEN = "s3cret-token"
CHANNEL = Channel.model_validate({"id": "mastodon-main", "network": "mastodon", "connection": "Mill-Mastodon"})


def keys(tmp_path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    file = tmp_path / "keys.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(mode)
    return file


def test_the_connection_names_the_credentials() -> None:
    """The channel's own word, else its id, in capitals with underscores."""
    assert (connection_of(CHANNEL), connection_of(CHANNEL.model_copy(update={"connection": None}))) == (
        "MILL_MASTODON",
        "MASTODON_MAIN",
    )


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    """Each field is taken from its variable, else from the file; what is only wanted may be missing."""
    file = keys(tmp_path, '[MILL_MASTODON]\naccess_token = "from file"\nclient = "c"\n[OTHER]\nextra = "no"\n')

    found = credentials(
        CHANNEL, ("access_token", "client"), ("extra",), file, {"DRUMBEAT_MILL_MASTODON_ACCESS_TOKEN": TOKEN}
    )

    assert {field: secret.get_secret_value() for field, secret in found.items()} == {
        "access_token": TOKEN,
        "client": "c",
    }


def test_nothing_shows_a_secret() -> None:
    """Printing what was found shows stars."""
    found = credentials(CHANNEL, ("access_token",), (), None, {"DRUMBEAT_MILL_MASTODON_ACCESS_TOKEN": TOKEN})

    assert TOKEN not in f"{found} {found!r}"


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (("access_token",), "mastodon-main has no credentials: DRUMBEAT_MILL_MASTODON_ACCESS_TOKEN is not set."),
        (
            ("access_token", "server"),
            "mastodon-main has no credentials: DRUMBEAT_MILL_MASTODON_ACCESS_TOKEN, DRUMBEAT_MILL_MASTODON_SERVER "
            "are not set.",
        ),
    ],
)
def test_every_missing_field_is_named(needs: tuple[str, ...], said: str) -> None:
    """All at once, by the variable to set, with the way to try without."""
    with pytest.raises(SettingsError) as stop:
        credentials(
            CHANNEL, needs, (), None, {"DRUMBEAT_MILL_MASTODON_OTHER": TOKEN, "DRUMBEAT_MILL_MASTODON_SERVER": ""}
        )

    assert (stop.value.what, stop.value.remedy) == (
        said, "Run 'drumbeat connect mastodon', set them, or try it without any account: add --rehearse.")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    """Group and others must have no right at all; the remedy is the command."""
    file = keys(tmp_path, f'[MILL_MASTODON]\naccess_token = "{TOKEN}"\n', mode)

    with pytest.raises(SettingsError) as stop:
        credentials(CHANNEL, ("access_token",), (), file, {})

    assert (stop.value.what, stop.value.remedy) == (f"{file} can be read by others.", f"Run 'chmod 600 {file}'.")


@pytest.mark.parametrize(
    "text", [f"access_token: {TOKEN}\n", f'[MILL_MASTODON\naccess_token = "{TOKEN}"\n', b"\xff\xfe"]
)
def test_a_file_that_is_no_toml_is_refused_without_quoting_it(text: str | bytes, tmp_path: Path) -> None:
    """The message names the file and its form, never what stands in it."""
    file = keys(tmp_path, text)

    with pytest.raises(SettingsError) as stop:
        credentials(CHANNEL, ("access_token",), (), file, {})

    assert (stop.value.what, stop.value.__context__ is None or stop.value.__suppress_context__) == (
        f"{file} is no TOML file.",
        True,
    )
    assert TOKEN not in stop.value.what + stop.value.remedy


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A setting that names no file is told."""
    with pytest.raises(SettingsError) as stop:
        credentials(CHANNEL, ("access_token",), (), tmp_path / "none.toml", {})

    assert stop.value.what == f"{tmp_path / 'none.toml'} cannot be read: No such file or directory."


def test_lines_outside_of_a_connection_are_no_credentials(tmp_path: Path) -> None:
    """A key in place of a table, by whatever name, is passed over: the field is missing, and nothing is raised but
    that.
    """
    file = keys(tmp_path, f'MILL_MASTODON = "{TOKEN}"\n')

    with pytest.raises(SettingsError, match="DRUMBEAT_MILL_MASTODON_ACCESS_TOKEN is not set") as stop:
        credentials(CHANNEL, ("access_token",), (), file, {})

    assert TOKEN not in stop.value.what
