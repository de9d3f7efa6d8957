"""hold, resume and sync as a person types them, and what status, why and plan say of it."""
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..conftest import ContentFolder
from .conftest import DRUMBEAT, PATIENCE_S, environment

AT = ("--now", "2027-03-01 12:05")
LATER = ("--now", "2027-03-01 13:00")


@pytest.fixture
def club(content_folder: Callable[..., ContentFolder], drumbeat: Callable[..., Any]) -> ContentFolder:
    """Two posts, at noon and at half past twelve; a rehearsal has begun before them."""
    folder = content_folder()
    for name, at in (("early", "11:00"), ("a", "12:00"), ("b", "12:30")):
        folder.write(f"posts/{name}.md", f"---\nat: 2027-03-01 {at}\nchannels: [mastodon]\n---\nText {name}\n")
    folder.commit()
    done = drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-01 11:00", cwd=folder.home)
    assert done.code == 0, done.err
    return folder


@pytest.mark.parametrize(("words", "first"), [
    (("hold", "--all", "--by", "Ilse", "--reason", "an injury"), "Held: everything: an injury."),
    (("resume", "--all", "--by", "Ilse"), "It goes on: everything."),
])
def test_who_stops_something_never_waits_for_prefect(club: ContentFolder, drumbeat: Callable[..., Any],
                                                     words: tuple[str, ...], first: str) -> None:
    """That it is stopped, or goes on, is said before Prefect is told: its server may hang."""
    early = ("--now", "2027-03-01 11:30")
    if words[0] == "resume":
        drumbeat("hold", "--all", "--by", "Ilse", "--reason", "an injury", *early, cwd=club.home)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_S)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        with subprocess.Popen([DRUMBEAT, *words, *early], cwd=club.home, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment({"PREFECT_API_URL": address})) as stopping:
            assert stopping.stdout is not None
            assert stopping.stderr is not None
            said = stopping.stdout.readline()
            silent.accept()[0].close()                            # now Prefect's server is asked, and hangs up
            told = stopping.stderr.read()

    assert said.startswith(first)
    assert "Prefect was not told" in told
    assert "ReadTimeout" not in told
    assert stopping.returncode == 0


def test_hold_and_resume(club: ContentFolder, drumbeat: Callable[..., Any]) -> None:
    def run(*words: str) -> Any:
        return drumbeat(*words, cwd=club.home)

    held = run("hold", "--all", "--by", "Ilse", "--reason", "an injury at the bench", "--now", "2027-03-01 11:30")
    assert (held.code, held.out) == (
        0, "Held: everything: an injury at the bench. 'drumbeat resume --all --by NAME' lets it go on.\n")
    assert "Traceback" not in held.err

    sent = run("publish", "--once", "--rehearse", *AT)
    why = ("Ilse holds everything since Mon 2027-03-01 11:30 (UTC): an injury at the bench. 'drumbeat resume --all "
           "--by NAME' lets it go on")
    assert sent.code == 0, sent.err
    assert f"posts/a@mastodon#1  waiting  Mon 2027-03-01 12:00 (UTC)  {why}" in sent.out
    status = run("status", *AT)
    assert f"posts/a@mastodon#1      waiting    Mon 2027-03-01 12:00 (UTC)  {why}" in status.out
    assert "posts/early@mastodon#1  published" in status.out
    assert why in status.err
    assert run("status", "--json", *AT).json["holds"] == [{
        "what": "everything", "scope": "all", "name": None, "by": "Ilse", "reason": "an injury at the bench",
        "since": "2027-03-01T11:30:00Z"}]
    assert why in run("why", "posts/a@mastodon#1", *AT).out
    assert why in run("plan", *AT).out

    asked = run("resume", "--all", "--by", "Ilse", *LATER)
    assert asked.code == 2
    assert "2 slots came due while everything was held." in asked.err
    assert "posts/a@mastodon#1  was due Mon 2027-03-01 12:00 (UTC)" in asked.err
    assert "--late send (now), --late skip (never), or --late reschedule (the next free times)" in asked.err

    gone_on = run("resume", "--all", "--by", "Ilse", "--late", "reschedule", *LATER)
    assert gone_on.out == (
        "It goes on: everything.\n"
        "  posts/a@mastodon#1  was due Mon 2027-03-01 12:00 (UTC)  now Mon 2027-03-01 13:00 (UTC)\n"
        "  posts/b@mastodon#1  was due Mon 2027-03-01 12:30 (UTC)  now Mon 2027-03-01 14:00 (UTC)\n")
    sent = run("publish", "--once", "--rehearse", "--now", "2027-03-01 14:00")
    assert [line.split()[:2] for line in sent.out.splitlines()[1:]] == [
        ["posts/a@mastodon#1", "published"], ["posts/b@mastodon#1", "published"]]


def test_what_is_left_out_says_so(club: ContentFolder, drumbeat: Callable[..., Any]) -> None:
    def run(*words: str) -> Any:
        return drumbeat(*words, cwd=club.home)

    run("hold", "--channel", "mastodon", "--by", "Ilse", "--reason", "hacked", "--now", "2027-03-01 11:30")
    run("resume", "--channel", "mastodon", "--by", "Ilse", "--late", "skip", *AT)
    sent = run("publish", "--once", "--rehearse", *AT)
    assert "posts/a@mastodon#1  skipped" in sent.out
    assert "it was due while it was held, and was left out when that was resumed" in run(
        "why", "posts/a@mastodon#1", *AT).out
    assert "posts/b@mastodon#1      planned" in run("status", *AT).out


@pytest.mark.parametrize(("words", "said"), [
    (("hold", "--by", "I", "--reason", "r"), "Say what: --all, --channel ID or --campaign ID."),
    (("hold", "--all", "--channel", "x", "--by", "I", "--reason", "r"), "Say what: --all, --channel ID"),
    (("hold", "--channel", "mastodno", "--by", "I", "--reason", "r"),
     "There is no channel mastodno.\n  remedy: There are: mastodon, x, facebook."),
    (("hold", "--all", "--by", " ", "--reason", "r"), "--by is the name of the person who stops it"),
    (("resume", "--all", "--by", "I"), "everything is not held.\n  remedy: Nothing is held."),
    (("sync", "--accept-rewrite", "HEAD", "--by", "I"), "There is no remote"),
])
def test_what_is_not_understood(club: ContentFolder, drumbeat: Callable[..., Any], words: tuple[str, ...],
                                said: str) -> None:
    done = drumbeat(*words, *AT, cwd=club.home)
    assert done.code == 2
    assert said in done.err


def test_sync_accepts_and_rejects(content_folder: Callable[..., ContentFolder], drumbeat: Callable[..., Any],
                                  tmp_path: Path) -> None:
    """Fetched into an empty folder; a broken plan leaves the last good one in force, and status shows that one."""
    writer, origin, home = content_folder("writer"), tmp_path / "origin.git", tmp_path / "publisher"
    home.mkdir()
    (home / "drumbeat.toml").write_text(f'remote = "{origin}"\n')
    writer.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    writer.git("remote", "add", "origin", str(origin))

    def push() -> str:
        commit = writer.commit()
        writer.git("push", "--quiet", "origin", "main")
        return commit

    def run(*words: str) -> Any:
        return drumbeat(*words, "--content", "content", cwd=home)

    writer.write("posts/a.md", "---\nat: 2030-03-01 12:00\nchannels: [mastodon]\n---\nText\n")
    first = push()
    accepted = run("sync")
    assert (accepted.code, accepted.out) == (0, f"Accepted: commit {first[:10]}, 1 post, 0 errors, 0 warnings.\n")
    assert run("sync").out.startswith("In force already")
    origin.rename(tmp_path / "away")
    away = run("sync")
    assert (away.code, away.out) == (3, "")
    assert (f"The remote cannot be fetched, so nobody knows what is new. The plan of commit {first[:10]} stays in "
            "force.") in away.err
    away = run("sync", "--json")
    assert (away.code, away.json["state"], away.json["commit"], away.json["in_force"]) == (3, "unreachable", "", first)
    (tmp_path / "away").rename(origin)

    writer.write("networks/channels.yaml", "channels: [\n")
    broken = push()
    rejected = run("sync", "--json")
    assert rejected.code == 1
    assert (rejected.json["state"], rejected.json["commit"], rejected.json["in_force"]) == ("rejected", broken, first)
    assert rejected.json["counts"]["errors"] >= 1
    assert "content/networks/channels.yaml" in {one["file"] for one in rejected.json["problems"]}
    told = run("status")
    assert "posts/a@mastodon#1  planned  Fri 2030-03-01 12:00 (UTC)" in told.out
    assert f"The plan of commit {broken[:10]} is rejected since" in told.err
    assert f"The plan of commit {first[:10]} stays in force." in told.err
    assert run("status", "--json").json["rejected"]["commit"] == broken


def test_a_publisher_that_could_not_fetch_yet(drumbeat: Callable[..., Any], tmp_path: Path) -> None:
    """A branch that is not there: every command says what is missing, and none that a folder has to be begun."""
    origin, home = tmp_path / "origin.git", tmp_path / "publisher"
    home.mkdir()
    (home / "drumbeat.toml").write_text(f'remote = "{origin}"\nbranch = "mian"\n')
    subprocess.run(["git", "init", "--quiet", "--bare", str(origin)], check=True)

    def run(*words: str) -> Any:
        return drumbeat(*words, "--content", "content", cwd=home)

    def look(*words: str) -> None:
        done = run(*words)
        assert f"error: Nothing was fetched from {origin} yet.\n  remedy: Run 'drumbeat sync'" in done.err
        assert "init" not in done.err

    look("status")
    fetched = run("sync")
    assert fetched.code == 3
    assert f"{origin} has no branch mian." in fetched.err
    assert "the plan in force stays" not in fetched.err
    assert "No plan is in force yet." in fetched.err
    assert "'remote' and 'branch' in drumbeat.toml" in fetched.err
    look("check")                                                 # now there is a repository, and nothing in it
    written = run("new", "post", "Hello")
    assert "init" not in written.err
    assert f"git clone {origin}" in written.err


def test_a_first_commit_that_nobody_signed(content_folder: Callable[..., ContentFolder], drumbeat: Callable[..., Any],
                                           tmp_path: Path) -> None:
    """The commit is named once; the remedy works where no plan was ever accepted."""
    writer, origin, home = content_folder("writer"), tmp_path / "origin.git", tmp_path / "publisher"
    home.mkdir()
    (home / "drumbeat.toml").write_text(f'remote = "{origin}"\nrequire_signed = "yes"\n')
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", tmp_path / "key"], check=True)
    writer.write("people/allowed_signers", f"wren {(tmp_path / 'key.pub').read_text()}")
    commit = writer.commit()
    writer.git("clone", "--quiet", "--bare", ".", str(origin))

    done = drumbeat("sync", "--content", "content", cwd=home)

    said = done.err.splitlines()
    assert done.code == 1
    assert f"Rejected: commit {commit[:10]}: it is not signed" in said
    assert said[-1] == "No plan is in force."
    assert "git commit --amend --no-edit -S" in said[-2]
    assert "last accepted commit" not in done.err


def test_a_broken_head_shows_the_plan_that_is_in_force(club: ContentFolder, drumbeat: Callable[..., Any]) -> None:
    """Without a remote, too: what a running publisher goes by, not what nobody can read."""
    club.write("networks/channels.yaml", "channels: [\n")
    club.commit()
    drumbeat("publish", "--once", "--rehearse", *AT, cwd=club.home)
    status = drumbeat("status", *AT, cwd=club.home)
    assert "posts/b@mastodon#1      planned    Mon 2027-03-01 12:30 (UTC)" in status.out
    assert "is rejected since Mon 2027-03-01 12:05 (UTC): content/networks/channels.yaml:2:" in status.err


def test_what_was_missed_and_got_a_time_under_the_hold_is_asked_about(club: ContentFolder,
                                                                      drumbeat: Callable[..., Any]) -> None:
    """It ended once; its new time came while it was held, so it is due like the others."""
    def run(*words: str) -> Any:
        return drumbeat(*words, cwd=club.home)

    run("publish", "--once", "--rehearse", "--now", "2027-03-01 14:30")
    assert "posts/a@mastodon#1      missed" in run("status", "--now", "2027-03-01 14:30").out
    run("hold", "--all", "--by", "Ilse", "--reason", "a storm", "--now", "2027-03-01 15:00")
    club.write("posts/a.md", "---\nat: 2027-03-01 16:00\nchannels: [mastodon]\n---\nText a\n")
    club.commit()
    much_later = ("--now", "2027-03-01 20:00")
    run("publish", "--once", "--rehearse", *much_later)
    assert "posts/a@mastodon#1  was due Mon 2027-03-01 16:00" in run("resume", "--all", "--by", "I", *much_later).err
    run("resume", "--all", "--by", "Ilse", "--late", "send", *much_later)
    sent = run("publish", "--once", "--rehearse", *much_later)
    assert "posts/a@mastodon#1  published" in sent.out


def test_a_second_resume_keeps_its_distance_from_what_the_first_one_moved(club: ContentFolder,
                                                                          drumbeat: Callable[..., Any]) -> None:
    def run(*words: str) -> Any:
        return drumbeat(*words, cwd=club.home)

    club.write("posts/c.md", "---\nat: 2027-03-01 12:45\nchannels: [mastodon]\n---\nText c\n")
    club.commit()
    for held, resumed in (("11:30", "12:40"), ("12:41", "12:50")):
        run("hold", "--all", "--by", "Ilse", "--reason", "a storm", "--now", f"2027-03-01 {held}")
        done = run("resume", "--all", "--by", "Ilse", "--late", "reschedule", "--now", f"2027-03-01 {resumed}")
        assert done.code == 0, done.err
    # since the first resume a stands at 13:45, an hour from where c was
    assert done.out.splitlines()[1:] == [
        "  posts/c@mastodon#1  was due Mon 2027-03-01 12:45 (UTC)  now Mon 2027-03-01 14:45 (UTC)"]


def test_a_queue_leaves_alone_the_times_that_a_resume_gave(club: ContentFolder, drumbeat: Callable[..., Any]) -> None:
    """`plan` of what nobody committed yet, the publisher that takes it, and `status` of what it took, all say the same.
    """
    def run(*words: str) -> Any:
        done = drumbeat(*words, cwd=club.home)
        assert done.code == 0, done.err
        return done

    club.write("networks/channels.yaml", "min_gap: 1h\nchannels:\n"
               "  - {id: mastodon, network: mastodon, handle: '@mill', max_per_day: 9, "
               "slots: ['mon 13:00', 'mon 14:30', 'mon 16:00']}\n")
    club.commit()
    run("publish", "--once", "--rehearse", "--now", "2027-03-01 11:05")
    run("hold", "--all", "--by", "Ilse", "--reason", "a storm", "--now", "2027-03-01 11:30")
    moved = run("resume", "--all", "--by", "Ilse", "--late", "reschedule", "--now", "2027-03-01 12:50").out
    assert "posts/b@mastodon#1  was due Mon 2027-03-01 12:30 (UTC)  now Mon 2027-03-01 13:50 (UTC)" in moved
    club.write("posts/new.md", "---\nslot: next\nchannels: [mastodon]\n---\nText new\n")

    new = "posts/new@mastodon#1"
    at = {"slot": new, "at": "2027-03-01T16:00:00Z"}              # 13:00 is near 12:50 and 13:50, 14:30 near 13:50

    def told(command: str, of: str) -> dict[str, Any]:
        found = run(command, "--json", "--now", "2027-03-01 12:55").json[of]
        return next({name: one[name] for name in at} for one in found if one["slot"] == new)

    assert told("plan", "items") == at
    club.commit()
    assert told("status", "slots") == at
    run("sync", "--now", "2027-03-01 12:55")
    assert told("status", "slots") == at
    for until, slots in (("13:55", ["posts/a@mastodon#1", "posts/b@mastodon#1"]), ("16:00", [new])):
        sent = run("publish", "--once", "--rehearse", "--now", f"2027-03-01 {until}").out
        assert [line.split()[0] for line in sent.splitlines() if "published" in line] == slots
