"""What of this machine could stop posts: each finding provoked, and silence where nothing is wrong."""
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flows.edges import surroundings
from flows.edges.surroundings import LITTLE
from schemas.finding import Finding

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SERVER = ("prefect<3.10,>=3.8.8", "fastapi<0.155,>=0.139", "facebook-sdk==3.1.0", 'pytest>=9; extra == "dev"')


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """State and words of each; what is wrong always has a remedy."""
    every = list(findings)
    assert all(one.remedy for one in every if one.state in ("error", "warning", "advice"))
    return [(one.state, one.what) for one in every]


# --- packages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("versions", "said"), [
    ({"prefect": "3.8.8", "fastapi": "0.154.0", "facebook-sdk": "3.1.0"}, []),
    ({"prefect": "3.9.1", "fastapi": "0.139", "facebook-sdk": "3.1"}, []),
    ({"prefect": "3.8.7", "fastapi": "0.154.0", "facebook-sdk": "3.1.0"},
     [("error", "prefect 3.8.7 is installed, and <3.10,>=3.8.8 is asked for.")]),
    ({"prefect": "3.10.0", "fastapi": "0.154.0", "facebook-sdk": "3.1.0"},
     [("error", "prefect 3.10.0 is installed, and <3.10,>=3.8.8 is asked for.")]),
    ({"prefect": "3.8.8", "fastapi": "0.155.0", "facebook-sdk": "3.1.0"},
     [("error", "fastapi 0.155.0 is installed, and <0.155,>=0.139 is asked for; Prefect's server does not start with "
                "it.")]),
    ({"prefect": "3.8.8", "fastapi": "0.154.0", "facebook-sdk": "3.2.0"},
     [("warning", "facebook-sdk 3.2.0 is installed, and ==3.1.0 is asked for.")]),
    ({"fastapi": "0.154.0", "facebook-sdk": "3.1.0"}, [("error", "prefect is not installed.")]),
])
def test_what_is_installed_is_held_against_what_is_asked_for(
        versions: dict[str, str], said: list[tuple[str, str]]) -> None:
    """Missing, too old, too new; what only developers need is not asked for."""
    assert told(surroundings.packages(SERVER, versions.get)) == said


def test_this_installation_is_as_asked_for() -> None:
    """The suite runs with what the package's own list asks for."""
    assert surroundings.required()
    assert told(surroundings.packages(surroundings.required(), surroundings.installed)) == []


# --- disks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("free", "state"), [
    (99_999_999, "error"), (100_000_000, "warning"), (LITTLE - 1, "warning"), (LITTLE, "ok")])
def test_room_is_judged_by_what_is_free(free: int, state: str, tmp_path: Path) -> None:
    """Of the nearest folder that exists: the one asked about may be made later."""
    assert [one.state for one in surroundings.room(tmp_path / "a/b", lambda _: free)] == [state]
    assert not (tmp_path / "a").exists()


def test_a_disk_that_takes_nothing_is_told() -> None:
    """A folder where no file can be made, whoever asks."""
    ((state, what),) = told(surroundings.room(Path("/proc/self")))
    assert (state, what.startswith("Nothing can be written in /proc/self")) == ("error", True)


def test_a_network_file_system_is_known_by_what_is_mounted(tmp_path: Path) -> None:
    """The longest mount above a folder counts; a space in its name is written as octal."""
    far = tmp_path / "our share/archive"
    far.mkdir(parents=True)
    mounts = f"/dev/vda / ext4 rw 0 0\nnas:/x {tmp_path}/our\\040share nfs4 rw 0 0\nodd line\n"

    assert surroundings.far_disk(far / "not/yet", mounts) == "nfs4"
    assert surroundings.far_disk(tmp_path, mounts) is None
    assert surroundings.far_disk(tmp_path, "") is None


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_zone_that_nobody_knows_is_told() -> None:
    """With the zone's name, beside those that are known."""
    said = told(surroundings.zones({"Mars/Olympus", "../etc", "Europe/Dublin"}, NOW))

    assert [state for state, _ in said] == ["error", "error", "ok"]
    assert "Mars/Olympus" in said[1][1]
    assert said[2][1].startswith("Europe/Dublin by tzdata 20")


def test_a_system_with_other_zones_is_told_from_the_day_on(tmp_path: Path) -> None:
    """Here Dublin keeps no summer time: the clocks differ from the last Sunday of March on."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe/Dublin").write_bytes(tz_of("Africa/Abidjan"))
    (tmp_path / "Europe/Paris").write_bytes(tz_of("Europe/Paris"))
    (tmp_path / "Europe/Oslo").write_bytes(b"no zone")

    said = told(surroundings.zones({"Europe/Dublin", "Europe/Paris", "Europe/Oslo", "UTC"}, NOW, tmp_path))

    assert [state for state, _ in said] == ["warning", "ok"]
    assert "about Europe/Dublin from 2027-03-28 on" in said[0][1]


def tz_of(name: str) -> bytes:
    """The pinned file of a zone."""
    import tzdata

    assert ZoneInfo(name)
    return (Path(tzdata.__file__).parent / "zoneinfo" / name).read_bytes()


@pytest.mark.parametrize(("theirs", "ahead"), [
    (NOW, 0.0), (NOW - timedelta(seconds=1), 0.0),                # whole seconds: it may be a second more
    (NOW + timedelta(seconds=40), -38.0), (NOW - timedelta(seconds=60), 59.0)])
def test_how_far_a_clock_is_off(theirs: datetime, ahead: float) -> None:
    """What the time that the answer took, and whole seconds, can explain is no difference."""
    times = iter([NOW, NOW + timedelta(seconds=2)])
    assert surroundings.skew(lambda: theirs, lambda: next(times)) == ahead


# --- files ------------------------------------------------------------------------------------------------------------


def test_inside_of_content_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder itself or below; beside it nothing is said."""
    (tmp_path / "content/posts").mkdir(parents=True)
    for folder, number in ((tmp_path, 0), (tmp_path / "content", 1), (tmp_path / "content/posts", 1)):
        monkeypatch.chdir(folder)
        assert len(told(surroundings.where_we_stand(tmp_path / "content"))) == number


def test_files_of_credentials_are_their_owners_alone(tmp_path: Path) -> None:
    """Read by others, no TOML, or gone: each is told with its path, and never what is in it."""
    file, tokens = tmp_path / "keys.toml", tmp_path / ".drumbeat/tokens"
    file.write_text('[X]\ntoken = "s3cret-token"\n')
    file.chmod(0o600)
    assert told(surroundings.credential_files(file, tmp_path)) == [("ok", f"{file}, which only its owner can read")]

    file.chmod(0o644)
    assert told(surroundings.credential_files(file, tmp_path)) == [("error", f"{file} can be read by others.")]
    file.chmod(0o600)
    file.write_text("[X\ns3cret-token")
    assert told(surroundings.credential_files(file, tmp_path)) == [("error", f"{file} is no TOML file.")]
    file.unlink()
    assert told(surroundings.credential_files(file, tmp_path)) == [
        ("error", f"{file} is not there, and the settings name it.")]

    tokens.mkdir(parents=True)
    (tokens / "work.json").write_text("{}")
    (tokens / "work.json").chmod(0o640)
    assert told(surroundings.credential_files(None, tmp_path)) == [
        ("error", f"{tokens / 'work.json'} can be read by others.")]


def test_what_git_would_carry_off_is_told(content_folder: Callable[..., Any]) -> None:
    """Ignored is well; merely there is a warning; committed is an error with what to do about it."""
    folder = content_folder()
    home, keys = folder.home, folder.home / "keys.toml"
    keys.write_text("")
    (home / ".drumbeat").mkdir()
    (home / ".drumbeat/x").write_text("x")
    (home / ".gitignore").write_text(".drumbeat/\nkeys.toml\n")
    assert told(surroundings.kept_out_of_git(home, keys)) == [("ok", ".drumbeat, keys.toml kept out of it")]

    (home / ".gitignore").unlink()
    assert told(surroundings.kept_out_of_git(home, keys)) == [
        ("warning", "Git does not ignore .drumbeat: 'git add .' would publish it."),
        ("warning", "Git does not ignore keys.toml: 'git add .' would publish it.")]

    folder.git("add", ".")
    assert [state for state, _ in told(surroundings.kept_out_of_git(home, keys))] == ["error", "error"]


def test_outside_of_git_nothing_is_carried_off(tmp_path: Path) -> None:
    """No repository, no finding; and a file elsewhere is none of the repository's."""
    assert told(surroundings.kept_out_of_git(tmp_path, None)) == []


def test_a_file_beside_the_repository_is_not_gits(content_folder: Callable[..., Any], tmp_path: Path) -> None:
    """Credentials that lie elsewhere on this machine."""
    (tmp_path / "keys.toml").write_text("")
    assert told(surroundings.kept_out_of_git(content_folder().home, tmp_path / "keys.toml")) == [
        ("ok", ".drumbeat kept out of it")]


def test_children_are_ended_and_nobody_else() -> None:
    """What a given process started, and no process of another's."""
    parent = subprocess.Popen([sys.executable, "-c", "import subprocess, sys; subprocess.Popen([sys.executable, '-c', "
                               "'import sys; sys.stdin.read()'], stdin=subprocess.PIPE); print(flush=True); "
                               "sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    bystander = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()

    ended = surroundings.end_children(parent.pid)

    assert len(ended) == 1
    assert (parent.poll(), bystander.poll()) == (None, None)
    assert os.getpid() not in ended
    for process in (parent, bystander):
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
    parent.stdout.close()
