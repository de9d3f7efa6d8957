"""Settings come from one small file beside the content; variables win; what is not understood is refused with a
remedy.
"""

from pathlib import Path

import pytest

from flows.edges.settings import Settings, find
from schemas.errors import SettingsError


def written(home: Path, text: str | bytes) -> Path:
    (home / "content/posts").mkdir(parents=True)
    (home / "drumbeat.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return home / "content"


def test_without_a_file_nothing_is_set(tmp_path: Path) -> None:
    """The folder named is taken as it is, its parent is home, and nothing else is assumed."""
    assert find(str(tmp_path / "content"), {}) == Settings(tmp_path / "content", tmp_path, None, None)


def test_the_file_beside_the_content_is_read(tmp_path: Path) -> None:
    """Paths of the file are relative to it; absolute ones stay."""
    content = written(tmp_path, 'archive = "s3://bucket/prefix"\ncredentials = "secrets/keys.toml"\n')

    assert find(str(content), {}) == Settings(content, tmp_path, "s3://bucket/prefix", tmp_path / "secrets/keys.toml")


def test_variables_win(tmp_path: Path) -> None:
    """DRUMBEAT_ARCHIVE and DRUMBEAT_CREDENTIALS replace what the file says; empty ones do not."""
    content = written(tmp_path, 'archive = "dir:a"\ncredentials = "a.toml"\n')

    assert find(str(content), {"DRUMBEAT_ARCHIVE": "dir:b", "DRUMBEAT_CREDENTIALS": "/b.toml"}) == Settings(
        content, tmp_path, "dir:b", Path("/b.toml")
    )
    assert find(str(content), {"DRUMBEAT_ARCHIVE": ""}).archive == "dir:a"


def test_the_flood_fuse_is_a_number_of_posts(tmp_path: Path) -> None:
    """most_per_hour is read as a number, and anything else is refused with an example."""
    content = written(tmp_path, 'most_per_hour = "300"\n')

    assert find(str(content), {}).most_per_hour == 300
    with pytest.raises(SettingsError) as stop:
        find(str(content), {"DRUMBEAT_MOST_PER_HOUR": "many"})
    assert (stop.value.what, stop.value.remedy) == (
        "most_per_hour is 'many', which is no number of posts.", 'Write for example most_per_hour = "200".')


@pytest.mark.parametrize("where", [".", "content", "content/posts", "content/posts/2027", "tools/deep"])
def test_the_nearest_content_upwards_is_found(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From anywhere inside the project, also from inside the content, the same folder is meant."""
    content = written(tmp_path, "")
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / where)

    assert find(None, {}) == Settings(content, tmp_path, None, None)


def test_nothing_found_names_the_place_it_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any content folder upwards, the one expected here is named, so that the message about it makes sense."""
    monkeypatch.chdir(tmp_path)

    assert find(None, {}).content == tmp_path / "content"


@pytest.mark.parametrize(
    ("text", "said", "remedy"),
    [
        ('arhcive = "x"\n', "{file}: arhcive is not known.", "Known: archive, credentials, most_per_hour, media_url, "
                      "remote, branch, require_signed."),
        ("archive = 5\n", "{file}: archive is not text.", 'Put it in quotes: archive = "…".'),
        ("archive = ['a']\n", "{file}: archive is not text.", 'Put it in quotes: archive = "…".'),
        (
            "archive = dir:x\n",
            "{file} cannot be read: ",
            'Mend it: it holds lines like archive = "dir:.drumbeat/archive".',
        ),
        (
            b'archive = "\xff"\n',
            "{file} cannot be read: ",
            'Mend it: it holds lines like archive = "dir:.drumbeat/archive".',
        ),
    ],
)
def test_what_is_not_understood_is_refused(text: str | bytes, said: str, remedy: str, tmp_path: Path) -> None:
    """A slip in the file is named with the file and a remedy; the exit code is that of settings."""
    content = written(tmp_path, text)

    with pytest.raises(SettingsError) as stop:
        find(str(content), {})

    assert stop.value.what.startswith(said.format(file=tmp_path / "drumbeat.toml"))
    assert (stop.value.remedy, stop.value.exit_code) == (remedy, 3)
