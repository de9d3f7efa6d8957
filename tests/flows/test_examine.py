"""What would stop posts when they are due is found before: each finding provoked, at real stores, networks and Git."""
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import publishers
from flows import question, survey
from flows.check import check
from flows.edges.accounts import Bound, bind
from flows.edges.clock import RealClock
from flows.edges.holds import Holds
from flows.edges.plans import Rejection, accept, reject
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.edges.trials import Kept
from flows.examine import Case, Check, Outcome, examine, run
from flows.pull import repository_of
from publishers.base import Connection, Verified
from schemas.channel import Channel
from schemas.errors import SettingsError
from schemas.finding import Finding, is_well
from schemas.hold import Hold
from schemas.strategy import Crm
from schemas.world import Trial

CHANNELS = """\
channels:
  - {id: mastodon, network: mastodon, handle: "@mill"}
"""
NOW = datetime.now(UTC)
SECRET = "".join(("s3cret", "-", "token"))


def told(findings: Any) -> list[tuple[str, str]]:
    """State and words of each; what is wrong always has a remedy."""
    every = list(findings)
    assert all(one.remedy for one in every if one.state in ("error", "warning"))
    return [(one.state, one.what) for one in every]


def of(outcomes: list[Outcome], name: str) -> list[Finding]:
    return [finding for one in outcomes for finding in one.findings if finding.check == name]


def settings_at(folder: Any, **more: Any) -> Settings:
    return Settings(folder.path, folder.home, **more)


# --- running ----------------------------------------------------------------------------------------------------------


def test_checks_run_at_once_and_none_stops_another() -> None:
    """One breaks off, one is refused, one hangs: each is a finding of its own, and the good one is told."""
    together, for_ever = threading.Barrier(2, timeout=20), threading.Event()

    def good() -> list[Finding]:
        together.wait()
        return [Finding("ok", "well")]

    def broken() -> list[Finding]:
        together.wait()
        raise ZeroDivisionError("by nothing")

    def refused() -> list[Finding]:
        raise SettingsError("No way.", "Mend it.")

    def hanging() -> Iterator[Finding]:
        yield Finding("ok", "so far")
        for_ever.wait()

    found = run([Check("good", good), Check("broken", broken), Check("refused", refused), Check("hangs", hanging)], 1.0)
    for_ever.set()

    assert [one.findings for one in found] == [
        (Finding("ok", "well", check="good"),),
        (Finding("error", "This could not be looked at: ZeroDivisionError: by nothing",
                 "It is a fault of this program: please report these words.", "broken"),),
        (Finding("error", "No way.", "Mend it.", "refused"),),
        (Finding("ok", "so far", check="hangs"), Finding(
            "error", "No answer within 1 s.",
            "See whether the other side answers from this machine, and run this again.", "hangs"))]
    assert [one.hung for one in found] == [False, False, False, True]


def test_no_secret_is_told() -> None:
    """What looks like a credential is cut, whoever put it into words."""
    token = "ghp_" + "a1B2" * 9
    (one,) = run([Check("x", lambda: [Finding("error", f"no {token}", f"mend {token}")])])
    assert (one.findings[0].what, one.findings[0].remedy) == ("no ghp_…", "mend ghp_…")


def test_what_hangs_keeps_the_command_from_nothing(tmp_path: Path) -> None:
    """A check with threads and a process of its own that never end: the command ends all the same, and they with it."""
    script = """
import subprocess, sys, threading
from concurrent.futures import ThreadPoolExecutor
from flows.cli.doctoring import _ended
from flows.examine import Check, run
started = threading.Event()
def hang():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdin=subprocess.DEVNULL)
    print(child.pid, flush=True)
    started.set()
    ThreadPoolExecutor(1).submit(threading.Event().wait).result()
    yield
found = run([Check("hangs", hang)], 3.0)
assert started.is_set()
_ended(found, 3)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, check=False)

    assert (done.returncode, done.stderr) == (3, "")
    ends = time.monotonic() + 20
    while is_alive(int(done.stdout)):
        assert time.monotonic() < ends
        threading.Event().wait(0.05)


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that only waits to be counted does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# --- the archive ------------------------------------------------------------------------------------------------------


class LooseS3(ThreadingHTTPServer):
    """Keeps and lists objects as S3 does, by a clock of its own; it can be told to let everybody overwrite."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Loose)
        self.objects: dict[str, bytes] = {}
        self.honours_conditions, self.ahead = True, timedelta()


class _Loose(BaseHTTPRequestHandler):
    server: LooseS3

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = urllib.parse.unquote(self.path)
        if self.server.honours_conditions and key in self.server.objects:
            return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        self.server.objects[key] = body
        return self.answer(200, b"")

    def do_GET(self) -> None:
        if "list-type" in self.path:
            return self.answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        body = self.server.objects.get(urllib.parse.unquote(self.path))
        return self.answer(200, body) if body is not None else self.answer(
            404, b"<Error><Code>NoSuchKey</Code></Error>")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(datetime.now(UTC) + self.server.ahead, usegmt=True)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def loose(monkeypatch: pytest.MonkeyPatch) -> Iterator[LooseS3]:
    server = LooseS3()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name, value in {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_ACCESS_KEY_ID": "test",
                        "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1",
                        "AWS_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def archive_of(url: str, **more: Any) -> list[Finding]:
    (one,) = run([Check("archive", lambda: survey.archive(url, rehearsal=False, **more))])
    return list(one.findings)


def test_a_store_that_lets_others_overwrite_is_an_error(loose: LooseS3) -> None:
    """Threats, E5: it is tried, and the remedy names stores that keep their word."""
    assert told(archive_of("s3://bucket/club")) == [("ok", "s3://bucket/club creates once and reads back the same")]

    loose.honours_conditions = False
    (one,) = archive_of("s3://bucket/club")
    assert (one.state, "let a second writer replace" in one.what) == ("error", True)
    assert "conditional writes" in (one.remedy or "")


@pytest.mark.parametrize(("ahead", "state", "said"), [
    (0, "ok", "as the archive's"), (12, "warning", "behind the archive's"), (-12, "warning", "ahead of the archive's"),
    (45, "error", "no publisher starts"), (-7200, "error", "no publisher starts")])
def test_a_clock_that_is_off_is_told(ahead: int, state: str, said: str, loose: LooseS3) -> None:
    """Against the Date of the archive's answers; more than 30 s stop a publisher."""
    loose.ahead = timedelta(seconds=ahead)
    ((found, what),) = told(survey.clock(open_store("s3://bucket/club"), lambda: datetime.now(UTC)))
    assert (found, said in what) == (state, True)


@pytest.mark.parametrize("year", [1970, 2025, 2101])
def test_a_year_that_cannot_be_is_told(year: int) -> None:
    """Nobody has to be asked for that."""
    assert told(survey.clock(None, lambda: datetime(year, 1, 1, tzinfo=UTC))) == [
        ("error", f"This machine's clock says it is {year}.")]


def test_an_archive_that_is_not_there_is_tried_and_not_made(tmp_path: Path) -> None:
    """The disk is tried beside it: commands that only look must go on to say that there is none."""
    assert told(archive_of(f"dir:{tmp_path}/a/archive")) == [
        ("ok", f"dir:{tmp_path}/a/archive is not there yet; the disk takes it")]
    assert list(tmp_path.iterdir()) == []
    assert told(archive_of("dir:/proc/self/archive"))[0][0] == "error"


def test_an_archive_of_the_other_kind_or_on_a_far_disk_is_told(tmp_path: Path) -> None:
    """A rehearsal's archive takes no real post; a network's disk has another clock."""
    store = open_store(f"dir:{tmp_path}/archive")
    store.create("v1/kind", b"rehearsal\n")

    assert told(archive_of(store.address)) == [("error", f"{store.address} is the archive of a rehearsal.")]
    assert told(survey.archive(store.address, rehearsal=True, mounts=lambda: f"nas:/x {tmp_path} nfs4 rw 0 0"))[0] == (
        "warning", f"{tmp_path}/archive lies on a network file system (nfs4): its clock and its locks are another "
                   "machine's.")


# --- Git and the remote -----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(content_folder: Callable[..., Any]) -> Any:
    made = content_folder(channels=CHANNELS)
    made.post("hello", "Hello.", at=NOW + timedelta(days=2))
    made.commit()
    return made


def test_what_is_not_committed_is_not_published(folder: Any, tmp_path: Path) -> None:
    """No repository, nothing committed, changes: each is told."""
    assert told(survey.git(folder.path, remote=False))[0][0] == "ok"
    folder.post("more", "More.")
    assert told(survey.git(folder.path, remote=False))[0] == (
        "advice", "1 file of the content not committed, and so not published.")

    (tmp_path / "alone").mkdir()
    (one,) = run([Check("git", lambda: survey.git(tmp_path / "alone", remote=False))])
    assert "is in no Git repository" in one.findings[0].what
    folder.git("checkout", "--orphan", "new")
    (one,) = run([Check("git", lambda: survey.git(folder.path, remote=False))])
    assert (one.findings[-1].state, "Nothing is committed yet" in one.findings[-1].what) == ("error", True)


def test_a_shallow_clone_is_told(folder: Any, tmp_path: Path) -> None:
    """Rules that need history see none."""
    folder.post("more", "More.")
    folder.commit()
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{folder.home}", tmp_path / "clone"], check=True)
    assert told(survey.git(tmp_path / "clone/content", remote=False))[0][1].startswith("The clone is shallow")


def test_a_remote_is_asked_for_its_branch(folder: Any, tmp_path: Path) -> None:
    """It answers with the commit; a branch it has not, and an address where nothing is, are errors."""
    away = tmp_path / "away.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", folder.home, away], check=True)
    tip = folder.git("rev-parse", "HEAD").strip()

    assert told(survey.remote(settings_at(folder, remote=str(away)), call=True)) == [
        ("ok", f"{away} has main at {tip[:10]}")]
    assert told(survey.remote(settings_at(folder, remote=str(away)), call=False)) == [
        ("skipped", f"{away} was not called")]
    for wrong in (settings_at(folder, remote=str(away), branch="none"), settings_at(folder, remote="/nowhere/at/all"),
                  settings_at(folder, remote="ext::sh -c id")):
        (one,) = run([Check("remote", lambda wrong=wrong: survey.remote(wrong, call=True))])  # type: ignore[misc]
        assert [finding.state for finding in one.findings] == ["error"]


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("remote", ["there", "away"])
def test_a_publisher_that_never_fetched_is_told_what_to_run(folder: Any, tmp_path: Path, remote: str,
                                                           started: bool) -> None:
    """Before the first start, and after one that did not reach the remote: nobody is told to write content here."""
    home, address = tmp_path / "publisher", folder.home if remote == "there" else tmp_path / "nowhere.git"
    home.mkdir()
    settings = Settings(home / "content", home, remote=str(address))
    if started:
        repository_of(settings)

    found = examine(Case(settings, f"dir:{home}/archive", False, RealClock(), lambda channel: pytest.fail("no"), {}))

    skipped = Finding("skipped", "nothing was fetched from the remote yet",
                      "Run 'drumbeat sync', and this again: it fetches, or says why not.")
    assert of(found, "posts") == [skipped._replace(check="posts")]
    assert of(found, "plan") == [skipped._replace(check="plan")]
    assert [one.state for one in of(found, "remote")] == ["ok" if remote == "there" else "error"]
    assert not [one for outcome in found for one in outcome.findings if "drumbeat init" in (one.remedy or "")]


def test_signatures_that_nobody_can_give_are_told(folder: Any) -> None:
    """`require_signed` with nobody listed refuses every commit."""
    asked = settings_at(folder, remote=str(folder.home), require_signed=True)
    assert told(survey.remote(asked, call=False))[0][1].startswith("Signed commits are asked for, and "
                                                                  "content/people/allowed_signers names nobody")

    folder.write("people/allowed_signers", "wren ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP" + "A" * 42 + "\n")
    folder.commit()
    assert [state for state, _ in told(survey.remote(asked, call=False))] == ["skipped"]


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_first_commit_that_is_rejected_is_told(folder: Any, tmp_path: Path) -> None:
    """Without any plan in force, why there is none is the thing to know."""
    store, head = open_store(f"dir:{tmp_path}/archive"), folder.git("rev-parse", "HEAD").strip()

    reject(store, Rejection(head, NOW, "channels.yaml cannot be read.", "Mend line 3."))

    assert list(survey.in_force(store, folder.path, remote=False)) == [Finding(
        "error", f"Commit {head[:10]} is not published: channels.yaml cannot be read. No plan is in force.",
        "Mend line 3.")]


def test_a_rejected_commit_is_told_with_its_reason(folder: Any, tmp_path: Path) -> None:
    """The last good plan stays in force; what to do is what the rejection says."""
    store, head = open_store(f"dir:{tmp_path}/archive"), folder.git("rev-parse", "HEAD").strip()
    assert told(survey.in_force(store, folder.path, remote=False))[0][0] == "ok"

    accept(store, head, {}, now=NOW)
    assert told(survey.in_force(store, folder.path, remote=False)) == [
        ("ok", f"that of {head[:10]}, since {NOW:%Y-%m-%d %H:%M} UTC")]
    folder.write("notes.md", "more")
    newer = folder.commit()
    assert told(survey.in_force(store, folder.path, remote=False))[0] == (
        "advice", f"The plan of {head[:10]} is in force, and {newer[:10]} is there.")

    reject(store, Rejection(newer, NOW, "channels.yaml cannot be read.", "Mend line 3."))
    assert list(survey.in_force(store, folder.path, remote=False)) == [Finding(
        "error", f"Commit {newer[:10]} is not published: channels.yaml cannot be read. The plan of {head[:10]} stays "
                 "in force.", "Mend line 3.")]


def test_a_rejection_that_names_its_commit_is_not_told_twice(folder: Any, tmp_path: Path) -> None:
    store, head = open_store(f"dir:{tmp_path}/archive"), folder.git("rev-parse", "HEAD").strip()
    reject(store, Rejection(head, NOW, f"Commit {head[:10]}: it is not signed", "Sign it."))
    assert list(survey.in_force(store, folder.path, remote=False)) == [Finding(
        "error", f"Commit {head[:10]} is not published: it is not signed. No plan is in force.", "Sign it.")]


def test_holds_in_force_are_told(tmp_path: Path) -> None:
    """Who holds what, since when, why, and how it ends; what was resumed is not."""
    store = open_store(f"dir:{tmp_path}/archive")
    holds = Holds(store)
    holds.add(Hold(number=0, kind="hold", scope="all", by="Ilse", reason="the shop burns", at=NOW))
    holds.add(Hold(number=0, kind="hold", scope="channel", name="x", by="Ilse", reason="odd", at=NOW))
    holds.add(Hold(number=0, kind="resume", scope="channel", name="x", by="Ilse", reason="", at=NOW, late="skip"))

    (one,) = survey.holds(store)

    assert (one.state, one.what) == (
        "warning", f"Ilse holds everything since {NOW:%Y-%m-%d %H:%M} UTC: the shop burns")
    assert "drumbeat resume --all" in (one.remedy or "")
    assert told(survey.holds(None)) == [("ok", "none")]


def test_what_was_due_and_is_not_out_is_told(live: Any, just_now: datetime) -> None:
    """Nothing tried, refused, out, held by a person: each as `status` has it."""
    live.folder.write("networks/channels.yaml", CHANNELS)
    live.folder.post("hello", "Hello.", at=just_now)
    live.folder.commit()
    store = open_store(live.archive)

    def now_told() -> list[tuple[str, str]]:
        return told(survey.late(check(live.folder.path, now=datetime.now(UTC)), store, datetime.now(UTC)))

    ((state, what),) = now_told()
    assert (state, what.startswith("posts/hello@mastodon#1, due ")) == ("error", True)
    assert "nothing was tried yet" in what

    live.script({"network": "mastodon", "fault": "401", "times": 9})
    live.run(until=datetime.now(UTC) + timedelta(seconds=1))
    assert [(state, "is failed" in what) for state, what in now_told()] == [("warning", True)]

    live.folder.post("hello", "Hello again.", at=just_now)
    live.folder.commit()
    live.script()
    live.run(until=datetime.now(UTC) + timedelta(seconds=1))
    assert now_told() == [("ok", "nothing; 1 post went out in the last 24 hours")]

    live.folder.post("held", "Held.", at=just_now)
    Holds(store).add(Hold(number=0, kind="hold", scope="all", by="Ilse", reason="stop", at=just_now))
    assert [state for state, _ in now_told()] == ["advice"]


def test_errors_in_the_content_and_waiting_posts_are_told(folder: Any) -> None:
    """How many, the first with its place; and how the calendar goes on."""
    folder.post("long", "x" * 600, at=NOW + timedelta(hours=5))
    said = told(survey.posts(check(folder.path, now=NOW), NOW))

    assert [state for state, _ in said] == ["warning", "advice", "ok"]
    assert "1 error in the content" in said[0][1]
    assert "posts/long.md:" in said[0][1]
    assert said[1][1].startswith("1 post of the next 24 hours will wait; the first: posts/long@mastodon#1")
    assert said[2][1].startswith("1 post to come, the next ")


# --- accounts ---------------------------------------------------------------------------------------------------------

MASTODON = {"DRUMBEAT_MASTODON_ACCESS_TOKEN": SECRET, "DRUMBEAT_MASTODON_BASE_URL": "https://m.example"}


def mastodon(live: Any, channel: Channel, token: str = "rehearsal:@mill") -> Any:
    given = {"access_token": SecretStr(token), "base_url": SecretStr("https://m.example")}
    return publishers.load("mastodon")(Connection(channel.handle or "", given, live.networks.address("mastodon")))


def check_of(live: Any) -> Any:
    live.folder.home.mkdir(exist_ok=True)
    (live.folder.path / "posts").mkdir(parents=True, exist_ok=True)
    return check(live.folder.path, now=datetime.now(UTC))


def asked(live: Any, *, channels: str = CHANNELS, environment: dict[str, str] | None = None, call: bool = True,
          token: str = "rehearsal:@mill", settings: Settings | None = None, store: Any = None,
          connect: Any = None) -> list[Finding]:
    """What is found of the first channel, to which a post goes in 20 days."""
    live.folder.write("networks/channels.yaml", channels)
    channel = check_of(live).content.channels.channels[0]
    live.folder.post("hello", "Hello.", at=datetime.now(UTC) + timedelta(days=20), channels=channel.id)
    prepared = check_of(live)
    assert [item.channel.id for item in prepared.plan.items] == [channel.id]
    (one,) = run([Check("it", lambda: question.account(
        channel, prepared, settings or settings_at(live.folder), store=store or open_store(live.archive),
        connect=(connect or (lambda channel: mastodon(live, channel, token))) if call else None,
        now=datetime.now(UTC), rehearsal=False, environment=MASTODON if environment is None else environment))])
    assert SECRET not in str(one)
    return list(one.findings)


def test_an_account_that_answers_is_well(live: Any) -> None:
    """Who it is and what it may, and nothing is written: the archive binds at the first publishing only."""
    (one,) = asked(live)

    assert one.state == "ok"
    assert one.what.startswith("@mill@127.0.0.1:")
    assert "write:statuses" in one.what
    assert list(open_store(live.archive).list("v1/")) == []


def test_missing_credentials_are_named(live: Any) -> None:
    """By the variable to set, with the command that asks for them; nobody is called."""
    (one,) = asked(live, environment={})
    assert (one.state, one.what) == (
        "error", "DRUMBEAT_MASTODON_ACCESS_TOKEN, DRUMBEAT_MASTODON_BASE_URL are not set.")
    assert one.remedy == "Run 'drumbeat connect mastodon --channel mastodon'."


def test_a_file_that_cannot_be_used_is_told_once(live: Any, tmp_path: Path) -> None:
    """By the check of the file; of each account only that it was not tried."""
    file = tmp_path / "keys.toml"
    file.write_text("")
    file.chmod(0o644)
    assert told(asked(live, environment={}, settings=settings_at(live.folder, credentials=file))) == [
        ("skipped", "the file with the credentials cannot be used")]


def test_refused_credentials_are_an_error(live: Any) -> None:
    """A dead token, with what to do."""
    (one,) = asked(live, token="expired")
    assert (one.state, one.what.startswith("mastodon refuses the credentials: ")) == ("error", True)
    assert "drumbeat connect" in (one.remedy or "")


def test_a_network_that_is_away_or_asks_to_wait(live: Any) -> None:
    """Away is an error: posts would wait; a limit is a warning."""
    live.script({"network": "mastodon", "fault": "503", "match": ".*", "seconds": 60})
    assert [state for state, _ in told(asked(live))] == ["error"]
    live.script({"network": "mastodon", "fault": "429", "match": ".*", "seconds": 60})
    assert told(asked(live))[0][0] == "warning"


def test_another_account_than_the_archives_is_an_error(live: Any) -> None:
    """And so is an account that is another channel of the archive."""
    store = open_store(live.archive)
    bind(store, "mastodon", Bound(network="mastodon", handle="@mill-tools", account_id="999"))
    found = asked(live)
    assert [one.state for one in found] == ["error", "ok"]
    assert "the archive knows mastodon as @mill-tools (account 999): nothing would be sent." in found[0].what

    other = open_store(f"{live.archive}-2")
    id = mastodon(live, Channel(id="mastodon", network="mastodon", handle="@mill")).account_id()
    bind(other, "second", Bound(network="mastodon", handle="@mill", account_id=id))
    found = asked(live, store=other)
    assert "which is channel second" in found[0].what


@pytest.mark.parametrize(("scopes", "state", "said"), [
    (("read:accounts", "read:statuses", "write:statuses"), "error", "The application lacks write:media."),
    (("read", "write", "follow"), "warning", "The application may do more than posting needs (read, write, follow).")])
def test_permissions_are_held_against_what_posting_needs(
        scopes: tuple[str, ...], state: str, said: str, live: Any) -> None:
    """What is missing stops posts; what is too much is a risk (threats, D7)."""
    live.networks.twin("mastodon").scopes = scopes
    found = asked(live)
    assert (found[0].state, found[0].what) == (state, said)
    assert found[0].remedy


WORK = 'channels:\n  - {id: work, network: linkedin, handle: company/mill}\n'
LINKEDIN = {"DRUMBEAT_WORK_ACCESS_TOKEN": SECRET, "DRUMBEAT_WORK_AUTHOR": "urn:li:organization:1"}


@pytest.mark.parametrize(("days", "state"), [(-1, "error"), (10, "warning"), (30, "skipped")])
def test_a_token_that_ends_before_a_post_is_told(days: int, state: str, live: Any) -> None:
    """Over, or over before the post of the 20th day; by what is kept, without any call."""
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    (one,) = asked(live, call=False, channels=WORK, environment={**LINKEDIN, "DRUMBEAT_WORK_EXPIRES_AT": ends})
    assert one.state == state
    assert state == "skipped" or "one post is planned after it" in one.what


class Ending:
    """A network that says itself when a credential ends."""

    network = "linkedin"

    def verify(self) -> Verified:
        return Verified("the mill", "1", ("w_organization_social",), datetime.now(UTC) + timedelta(days=10))


def test_the_networks_own_word_about_the_end_counts(live: Any) -> None:
    """Also where nothing is kept about it; what it may do and until when is told beside."""
    found = asked(live, channels=WORK, environment=LINKEDIN, connect=lambda _: Ending())
    assert [one.state for one in found] == ["warning", "ok"]
    assert "The credential of work ends on" in found[0].what
    assert found[1].what.startswith("the mill; may w_organization_social; until 20")


def test_what_cannot_be_asked_is_said(live: Any) -> None:
    """A webhook answers no question."""
    hook = 'channels:\n  - {id: hook, network: webhook, handle: mill}\n'
    live.folder.write("networks/channels.yaml", hook)
    prepared = check(live.folder.path, now=datetime.now(UTC))
    (channel,) = prepared.content.channels.channels
    found = question.account(channel, prepared, settings_at(live.folder), store=None, connect=live.opened(),
                             now=datetime.now(UTC), rehearsal=True, environment={})
    assert told(found) == [("skipped", "webhook cannot be asked: whether it works shows when a post goes out")]


class Aged:
    """A store whose objects are so old."""

    def __init__(self, inner: Any, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def age(self, key: str) -> float:
        return self._seconds


def test_a_credential_that_another_machine_renewed_is_left_alone(
        live: Any, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its one-time token is spent there: to try the old one could end the new one. A renewal under way is none yet."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    store, more = open_store(f"s3://{s3.bucket()}/a"), {**MASTODON, "DRUMBEAT_OURS_REFRESH_TOKEN": SECRET}
    more |= {"DRUMBEAT_OURS_ACCESS_TOKEN": SECRET, "DRUMBEAT_OURS_AUTHOR": "urn:li:person:1"}
    work = 'channels:\n  - {id: ours, network: linkedin, handle: mill}\n'
    store.create("v1/token/ours/000003.json", b"{}")

    (one,) = asked(live, channels=work, environment=more, store=Aged(store, 500))
    assert (one.state, "renewed by another machine" in one.what) == ("error", True)
    assert told(asked(live, channels=work, environment=more, store=Aged(store, 5), call=False))[0][0] == "skipped"

    kept = live.folder.home / ".drumbeat/tokens/ours.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"number": 3, "of": "", "fields": {}}))
    kept.chmod(0o600)
    assert told(asked(live, channels=work, environment=more, store=Aged(store, 500), call=False))[0][0] == "skipped"


def test_credentials_that_one_machine_renews_are_named(live: Any) -> None:
    """Where the archive is for many machines: one line for all of them."""
    channels = [Channel(id="work", network="linkedin"), Channel(id="mastodon", network="mastodon")]
    found = question.one_machine(channels, settings_at(live.folder), {"DRUMBEAT_WORK_REFRESH_TOKEN": SECRET})
    assert [(one.state, one.what) for one in found] == [
        ("advice", "work: the credential is renewed on this machine, and no other knows.")]
    assert list(question.one_machine(channels, settings_at(live.folder), MASTODON)) == []


# --- the CRM ----------------------------------------------------------------------------------------------------------


class _Crm(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        right = self.headers.get("Authorization") == f"Bearer {SECRET}"
        self.send_response({"/open": 200, "/moved": 302}.get(self.path, 200 if right else 401))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def desk() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Crm)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("fields", "state", "said"), [
    ({}, "warning", "DRUMBEAT_CRM_URL is not set"),
    ({"URL": "{}/open"}, "ok", "membership-db answers"),
    ({"URL": "{}/members", "TOKEN": SECRET}, "ok", "membership-db answers"),
    ({"URL": "{}/members", "TOKEN": "old"}, "error", "membership-db refuses the token (HTTP 401)."),
    ({"URL": "{}/moved"}, "error", "membership-db answers HTTP 302."),
    ({"URL": "http://127.0.0.1:9/"}, "error", "membership-db does not answer: ConnectError."),
    ({"URL": "http://crm.example/"}, "error", "DRUMBEAT_CRM_URL is no https address."),
])
def test_the_crm_is_asked_where_its_connection_says(
        fields: dict[str, str], state: str, said: str, folder: Any, desk: str) -> None:
    """With its token; what it refuses, where it has moved to, and that nobody is there, are told apart."""
    environment = {f"DRUMBEAT_CRM_{name}": value.format(desk) for name, value in fields.items()}
    ((found, what),) = told(question.crm(Crm(system="membership-db", connection="CRM"), settings_at(folder),
                                         environment))
    assert (found, what.startswith(said), SECRET in what) == (state, True, False)


# --- all of it --------------------------------------------------------------------------------------------------------


def case_of(live: Any, environment: dict[str, str], *, call: bool = True) -> Case:
    return Case(settings_at(live.folder), live.archive, False, RealClock(),
                (lambda channel: mastodon(live, channel)) if call else None, environment)


def test_what_was_tried_is_kept_for_the_gates(
        live: Any, desk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection, the archive and the CRM under the names that LAUNCH asks for; nothing without a call."""
    for name, value in {**MASTODON, "DRUMBEAT_CRM_URL": f"{desk}/open"}.items():
        monkeypatch.setenv(name, value)
    live.folder.write("networks/channels.yaml", CHANNELS + "  - {id: other, network: x}\n")
    live.folder.write("strategy.yaml", "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n"
                                       "crm: {system: db, connection: CRM}\n")
    live.folder.post("hello", "Hello.", at=datetime.now(UTC) + timedelta(days=20))
    live.folder.commit()
    kept = Kept(live.folder.home)

    examine(case_of(live, dict(os.environ), call=False))
    assert kept.recorded() == {}

    found = examine(case_of(live, dict(os.environ)))
    assert not is_well(of(found, "channel other"))                # has no credentials, and never had: not tried
    assert is_well(of(found, "channel mastodon"))
    assert {name: trial.why for name, trial in kept.recorded().items()} == {
        "mastodon": None, "archive": None, "CRM": None}

    kept.record("other", Trial(NOW))
    examine(case_of(live, dict(os.environ)))
    assert "are not set" in (kept.recorded()["other"].why or "")
    again = examine(case_of(live, dict(os.environ)))
    assert is_well(of(again, "posts"))                            # the failed test is told once, of the channel
    assert not is_well(of(again, "channel other"))


def test_content_that_cannot_be_read_stops_no_other_check(live: Any) -> None:
    """Accounts are not known then; all else is told."""
    live.folder.git("checkout", "--orphan", "new")
    for file in live.folder.path.rglob("*.yaml"):
        file.unlink()
    found = examine(case_of(live, {}))

    assert [one.state for one in of(found, "posts")] == ["error"]
    assert [one.state for one in of(found, "disk")] == ["ok"]
    assert of(found, "archive")
