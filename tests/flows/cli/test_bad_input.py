"""Bad input: one clear line with place and remedy, the right exit code, nothing sent, and the other posts unharmed."""
import json
import os
import socket
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

NOON = "2027-03-01 12:00"
AT = datetime(2027, 3, 1, 12, tzinfo=UTC)
HEAD = "at: 2027-03-01 12:00\nchannels: [mastodon]\n"


def symlinked(folder, picture) -> None:
    folder.write("media/real.png", picture(1))
    (folder.path / "media/link.png").symlink_to("/etc/hostname")
    folder.write("posts/bad.md", f"---\n{HEAD}media: [link.png]\n---\nBad.\n")


def twice(folder, picture) -> None:
    for name in ("bad", "bad-too"):
        folder.write(f"posts/{name}.md", f"---\n{HEAD}id: the-one\n---\nBad {name}.\n")


# What is written -> where and what `check` says. Line and column count from 1.
CONTENT = {
    "not UTF-8": (lambda f, _: f.write("posts/bad.md", b"---\n" + HEAD.encode() + b"---\nCaf\xe9\n"),
                  "content/posts/bad.md:5:4", "UTF-8"),
    "front matter that never ends": (lambda f, _: f.write("posts/bad.md", f"---\n{HEAD}Bad.\n"),
                                     "content/posts/bad.md:1:1", "---"),
    "ten megabytes": (lambda f, _: f.write("posts/bad.md", f"---\n{HEAD}---\n" + "Bad. " * 2_000_000),
                      "content/posts/bad.md:1:1", "256,000"),
    "a path that leads out": (lambda f, _: f.write("posts/bad.md", f"---\n{HEAD}media: ../../etc/passwd\n---\nBad.\n"),
                              "content/posts/bad.md:4:1", "[../../etc/passwd]"),
    "a path that leads out, in a list": (
        lambda f, _: f.write("posts/bad.md", f"---\n{HEAD}media: [../../etc/passwd]\n---\nBad.\n"),
        "content/posts/bad.md:4:9", "leads out of the content folder"),
    "a symbolic link": (symlinked, "content/posts/bad.md:4:9", "symlink"),
    "an unknown channel": (
        lambda f, _: f.write("posts/bad.md", "---\nat: 2027-03-01 12:00\nchannels: [mastodn]\n---\nBad.\n"),
        "content/posts/bad.md:3:12", "mastodn"),
    "two posts with one id": (twice, "content/posts/bad.md:4:1", "content/posts/bad-too.md"),
    "a key nobody knows": (lambda f, _: f.write("posts/bad.md", f"---\n{HEAD}chanels: [x]\n---\nBad.\n"),
                           "content/posts/bad.md:4:1", "chanels"),
}


@pytest.mark.parametrize("what", CONTENT)
def test_a_bad_post_is_named_and_the_good_one_goes_out(content_folder, drumbeat, networks, picture, what):
    """`check` names file, line, column and remedy, exit 1; `publish` sends the good post, and nothing of the bad."""
    spoil, place, words = CONTENT[what]
    folder = content_folder()
    folder.post("good", "Good.", at=AT)
    spoil(folder, picture)
    folder.commit()

    checked = drumbeat("check", "--json", cwd=folder.home)
    published = drumbeat("publish", "--once", "--rehearse-at", networks.url, "--now", NOON, "--json", cwd=folder.home)

    errors = [p for p in checked.json["problems"] if p["severity"] == "error"]
    assert checked.code == 1
    assert place in [f"{p['file']}:{p['line']}:{p['column']}" for p in errors], errors
    assert any(words in f"{p['message']} {p['remedy']}" for p in errors), errors
    assert all(p["remedy"] and "\n" not in p["message"] + p["remedy"] for p in errors)
    assert published.code == 0, published.err
    assert [post["text"] for post in httpx.get(f"{networks.url}/_rehearsal/posts").json()] == ["Good."]


def test_a_problem_is_one_line_and_its_remedy(content_folder, drumbeat):
    """On a terminal a problem is a line that an editor can jump to, and a remedy below it; talk is on stderr."""
    folder = content_folder()
    folder.write("posts/bad.md", "---\nat: 2027-03-01 12:00\nchannels: [mastodn]\n---\nBad.\n")

    done = drumbeat("check", cwd=folder.home)

    assert done.code == 1
    assert done.out.splitlines()[:2] == [
        "content/posts/bad.md:3:12: error: channels: no channel 'mastodn'.  [REF001]", "  remedy: Closest: mastodon."]
    assert done.err.startswith("1 post: 1 error")


# --- no content -------------------------------------------------------------------------------------------------------

def refused(done, code: int, *words: str) -> None:
    """One line of error and one of remedy, no trace, no data."""
    assert (done.code, done.out) == (code, ""), done
    error, remedy = [line for line in done.err.splitlines() if " INFO " not in line and " ERROR " not in line][-2:]
    assert error.startswith("error: ")
    assert remedy.startswith("  remedy: ")
    assert "Traceback" not in done.err
    for word in words:
        assert word in f"{error} {remedy}"


PUBLISH = ("publish", "--once", "--rehearse", "--now", NOON)
UP = ("up", "--rehearse", "--until", "2027-03-02")


@pytest.mark.parametrize("words", [PUBLISH, UP], ids=["publish", "up"])
class TestNoContent:
    """Nothing to work on: said in one line, with what to do."""

    def test_no_folder(self, drumbeat, tmp_path, words):
        """A folder without content is named."""
        refused(drumbeat(*words, cwd=tmp_path), 1, "content", "--content")

    def test_an_empty_folder(self, drumbeat, tmp_path, words):
        """An empty content folder in a repository with a commit holds nothing to publish."""
        (tmp_path / "content").mkdir()
        (tmp_path / "README").touch()
        git = ("git", "-c", "user.name=W", "-c", "user.email=w@x.example")
        for command in (("init", "--quiet"), ("add", "README"), ("commit", "--quiet", "-m", "Begin")):
            subprocess.run([*git, *command], cwd=tmp_path, check=True)
        refused(drumbeat(*words, cwd=tmp_path), 1, "content/ holds no committed file", "git add content")

    def test_no_repository(self, drumbeat, tmp_path, words):
        """Content outside a repository cannot be published."""
        (tmp_path / "content/posts").mkdir(parents=True)
        refused(drumbeat(*words, cwd=tmp_path), 3, "is in no Git repository", "git init")

    def test_nothing_committed(self, drumbeat, content_folder, words):
        """A repository without a commit says which commands make one."""
        folder = content_folder()
        folder.post("hello", "Hello!")
        refused(drumbeat(*words, cwd=folder.home), 1, "Nothing is committed yet", "git commit")
        assert not (folder.home / ".drumbeat/rehearsal/networks/mastodon/journal.jsonl").exists()


# --- settings ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def club(content_folder):
    folder = content_folder()
    folder.post("hello", "Hello!", at=AT)
    folder.commit()
    return folder


@pytest.mark.parametrize("words", [PUBLISH, UP], ids=["publish", "up"])
@pytest.mark.parametrize("in_the_way", [".drumbeat", ".drumbeat/rehearsal", ".drumbeat/rehearsal/archive"])
def test_an_archive_that_cannot_be_written(club, drumbeat, journal, free_port, words, in_the_way):
    """A file where the archive should be stops the command before anything is sent."""
    file = club.home / in_the_way
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("in the way")
    words = (*words, "--port", str(free_port())) if words[0] == "up" else words

    refused(drumbeat(*words, cwd=club.home), 3, str(file))
    if in_the_way.endswith("archive"):
        assert journal(club.home) == []


@pytest.mark.parametrize(("archive", "code"), [("ftp://somewhere", 2), ("archive", 2), ("s3://", 3), ("dir:", 3),
                                               ("s3://user:password@/x", 3)])
def test_a_bad_archive_address(club, drumbeat, journal, archive, code):
    """An address that is no archive is refused with the two forms that are; a password in it is not repeated."""
    done = drumbeat(*PUBLISH, "--archive", archive, cwd=club.home)

    refused(done, code, "s3://bucket/prefix")
    assert "password" not in done.err
    assert journal(club.home) == []


@pytest.mark.parametrize(("slot", "words"), [("hello", "is not a slot"), ("posts/hello@mastodon", "is not a slot"),
                                             ("../../x@mastodon#1", "is not a slot"),
                                             ("posts/foreign@mastodon#1", "is not in the plan"),
                                             ("posts/hello@x#1", "is not in the plan"),
                                             ("posts/hello@mastodon#2", "is not in the plan")])
def test_a_bad_slot(club, drumbeat, journal, slot, words):
    """A slot that is none, or that no plan holds, sends nothing (threats, D4)."""
    refused(drumbeat(*PUBLISH, "--slot", slot, cwd=club.home), 2, words, "drumbeat plan --json")
    assert journal(club.home) == []


def test_pretend_time_on_real_channels(club, drumbeat):
    """--now is refused where a real network would hear of it."""
    refused(drumbeat("publish", "--once", "--now", NOON, cwd=club.home), 2, "--now", "--rehearse")
    refused(drumbeat("publish", "--rehearse", "--now", NOON, cwd=club.home), 2, "never end", "--once")


@pytest.fixture
def due(content_folder):
    """A post that is due by the real clock, for a real channel."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=datetime.now(UTC) - timedelta(minutes=5))
    folder.commit()
    return folder


def test_missing_credentials(due, drumbeat):
    """Exit 3, and the names of the variables to set; the slot stays planned."""
    done = drumbeat("publish", "--once", "--json", cwd=due.home)

    (outcome,) = done.json["outcomes"]
    assert (done.code, outcome["state"]) == (3, "waiting")
    assert "DRUMBEAT_MASTODON_ACCESS_TOKEN, DRUMBEAT_MASTODON_BASE_URL are not set" in outcome["reason"]
    assert drumbeat("status", "--json", cwd=due.home).json["counts"] == {"planned": 1}


def test_a_credentials_file_that_others_can_read(due, drumbeat, networks):
    """A file of secrets that others can read is not used, and the command that mends it is named (threats, D5)."""
    keys = due.home / "keys.toml"
    keys.write_text(f'[MASTODON]\naccess_token = "rehearsal:@mill"\nbase_url = "{networks.address("mastodon")}"\n')
    keys.chmod(0o644)
    (due.home / "drumbeat.toml").write_text('credentials = "keys.toml"\n')

    done = drumbeat("publish", "--once", "--json", cwd=due.home)
    keys.chmod(0o600)
    mended = drumbeat("publish", "--once", "--json", cwd=due.home)

    assert done.code == 3
    assert done.json["outcomes"][0]["reason"] == f"{keys} can be read by others. Run 'chmod 600 {keys}'."
    assert (mended.code, mended.json["outcomes"][0]["state"]) == (0, "published")
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert [post["text"] for post in httpx.get(f"{networks.url}/_rehearsal/posts").json()] == ["Hello!"]


@pytest.mark.parametrize("text", ["archive = [", "archive = 3\ncolour = 'red'\n", "\xff"])
def test_settings_that_cannot_be_read(club, drumbeat, text):
    """A drumbeat.toml that is none, or says what nobody knows, is named."""
    (club.home / "drumbeat.toml").write_bytes(text.encode("latin-1"))

    refused(drumbeat(*PUBLISH, cwd=club.home), 3, "drumbeat.toml")


@pytest.mark.parametrize("words", [("dance",), ("publish", "--fast"), ("publish", "--until", "tomorrow"),
                                   ("up", "--port", "many"), ("up", "--speed", "0"), ("preview", "nobody"),
                                   ("why", "nobody"), ("check", "nothing.md"), ("status", "--state", "lost"),
                                   ("rehearsal", "--faults", "nowhere.json"), ("archive", "burn"), ("new", "song")])
def test_usage(club, drumbeat, words):
    """A command, an option or a name that does not exist: exit 2, nothing on stdout."""
    done = drumbeat(*words, cwd=club.home)

    assert (done.code, done.out) == (2, "")
    assert "rror: " in done.err
    assert "Traceback" not in done.err


def test_a_bad_fault_script(club, drumbeat, tmp_path):
    """A fault that no rehearsal can play is named by its place in the script."""
    (tmp_path / "faults.json").write_text(json.dumps([{"fault": "catch fire"}]))

    refused(drumbeat("rehearsal", "--faults", str(tmp_path / "faults.json"), cwd=club.home), 2, "faults.json: 0.fault")


def test_an_occupied_rehearsal_port(club, drumbeat):
    """A rehearsal cannot listen where somebody else does."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused(drumbeat("rehearsal", "--port", str(port), cwd=club.home), 3, str(port), "--port")


def test_no_archive_to_verify(club, drumbeat):
    """An archive that nobody made yet is not called whole."""
    refused(drumbeat("archive", "verify", cwd=club.home), 3, "There is no archive")


def test_a_damaged_archive_is_named(club, drumbeat):
    """A record that somebody changed is found by `archive verify`, with its key: exit 3."""
    assert drumbeat(*PUBLISH, cwd=club.home).code == 0
    record = club.home / ".drumbeat/rehearsal/archive/v1/ledger/posts.hello/mastodon/1/000002.json"
    record.write_bytes(record.read_bytes().replace(b'"attempt":1', b'"attempt":2'))

    done = drumbeat("archive", "verify", "--json", cwd=club.home)

    assert (done.code, done.json["ok"]) == (3, False)
    assert "v1/ledger/posts.hello/mastodon/1/000002.json" in [finding["key"] for finding in done.json["findings"]]


def test_control_characters_cannot_steer_a_terminal(club, drumbeat):
    """What content says is shown with its control characters written out (threats, F5)."""
    club.write("posts/bad.md", '---\nat: "\\e]0;owned\\a"\nchannels: [mastodon]\n---\nBad.\n')

    done = drumbeat("check", cwd=club.home)

    assert done.code == 1
    assert not any(ord(letter) < 32 and letter != "\n" for letter in done.out + done.err)


def test_a_closed_pipe_is_no_error(club, drumbeat):
    """`drumbeat status | head -1` ends quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([Path(sys.executable).with_name("drumbeat"), "status"], cwd=club.home, stdout=writer,
                          stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
