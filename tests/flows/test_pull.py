"""What is pushed to the branch is fetched and judged; whatever is wrong with it, the last good plan stays in force."""
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.edges.clock import PretendClock
from flows.edges.fetching import checked_url, shown
from flows.edges.holds import Holds
from flows.edges.nudge import nudge
from flows.edges.outages import LONG, clone_of, outage
from flows.edges.plans import accept, allow_rewrite, good, last_good, rejections
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.signatures import refusals
from flows.edges.store import Store, open_store
from flows.planning.vouching import Refusal
from flows.pull import AGAIN_S, ARCHIVE_S, POLL_S, Branch, Refused, remote_of, repository_of
from flows.send import Shift, Told
from schemas.errors import ContentError, SettingsError
from schemas.ledger import Slot, State

from .conftest import CHANNELS, NOON, PATIENCE_S, ContentFolder, Stage


class Club:
    """A bare repository that everybody pushes to, a writer's clone, and a publisher with an empty folder of its own."""

    def __init__(self, home: Path, stage: Stage) -> None:
        self.origin, self.stage = home / "origin.git", stage
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin)], check=True)
        self.writer = ContentFolder(home / "writer")
        self.writer.git("remote", "add", "origin", str(self.origin))
        self.home = home / "publisher"
        self.settings = Settings(self.home / "content", self.home, remote=str(self.origin))
        self.store: Store = open_store(stage.archive)
        self.elapsed = 0.0

    def push(self, *words: str) -> str:
        commit = self.writer.commit()
        self.writer.git("push", "--quiet", *words, "origin", "main")
        return commit

    def branch(self, **changes: object) -> Branch:
        settings = self.settings._replace(**changes)  # type: ignore[arg-type]
        repository = repository_of(settings)
        remote = remote_of(settings, repository)
        assert remote is not None
        return Branch(repository, self.store, remote, self.home, now=self.stage.clock.now, first_s=0.2,
                      require_signed=settings.require_signed, clone=clone_of("pub-1", self.home, settings.branch),
                      elapsed_s=lambda: self.elapsed)

    def shift(self, source: Branch | None = None, tell: Callable[[Told], None] = lambda _: None) -> Shift:
        source = source or self.branch()
        made = self.stage.shift(store=self.store)
        return Shift(Repository(self.settings.content), self.store, made.ledger, self.stage.clock,
                     connect=self.stage.opened(), tell=tell, source=source)

    def run(self, until: timedelta = timedelta(hours=3)) -> None:
        self.shift().run(NOON + until)


@pytest.fixture
def club(tmp_path: Path, stage: Stage) -> Club:
    made = Club(tmp_path, stage)
    made.writer.post("a", "Text a")
    made.push()
    return made


def test_what_is_pushed_goes_out(club: Club) -> None:
    club.run()
    assert club.stage.texts() == ["Text a"]


def test_a_running_shift_takes_a_push_when_it_is_nudged(club: Club, heard: Callable[..., None]) -> None:
    """Nothing is polled for a minute: the mark alone makes it look."""
    first, source = club.writer.git("rev-parse", "HEAD").strip(), club.branch()
    assert source.commit() == first
    assert not source.has_moved()
    club.writer.post("b", "Text b")
    second = club.push()
    assert not source.has_moved()                                 # nobody told it, and the minute is not over
    nudge(club.home)
    assert source.has_moved()
    assert source.commit() == second


def test_without_a_nudge_the_minute_does(club: Club) -> None:
    source = club.branch()
    source.commit()
    club.writer.post("b", "Text b")
    second = club.push()
    club.elapsed = POLL_S
    assert source.has_moved()
    assert source.commit() == second


def test_another_publishers_plan_is_taken_within_seconds(club: Club) -> None:
    """It heard of the push; we learn from the archive that it accepted the plan, and fetch what we lack."""
    source = club.branch()
    source.commit()
    club.run(timedelta(minutes=1))
    assert source.has_moved() is False
    club.writer.post("b", "Text b", at=NOON + timedelta(hours=2))
    second = club.push()
    club.run(timedelta(minutes=1))
    club.elapsed = ARCHIVE_S
    assert source.has_moved()
    assert source.commit() == second


def test_a6_a_rewritten_history_freezes_the_plan(club: Club) -> None:
    """Nothing of it goes out until a person takes it; then it does."""
    club.writer.post("a", "Text a", at=NOON + timedelta(hours=1))
    first = club.push()
    club.run(timedelta(minutes=1))
    club.writer.git("commit", "--quiet", "--amend", "--message", "Again")
    club.writer.post("evil", "Text of a thief", at=NOON + timedelta(minutes=30))
    second = club.push("--force")

    with pytest.raises(Refused, match="The history of main was rewritten") as refused:
        club.branch().commit()
    assert f"drumbeat sync --accept-rewrite {second[:12]}" in refused.value.remedy
    club.run()
    assert club.stage.texts() == ["Text a"]
    force = good(club.store)
    assert force is not None
    assert force.commit == first
    assert [one.commit for one in rejections(club.store)] == [second]

    allow_rewrite(club.store, second, by="Ilse", reason="a secret was in it", now=NOON)
    assert club.branch().commit() == second
    club.writer.post("b", "Text b")
    third = club.push()
    assert club.branch().commit() == third                        # what follows on it needs no word of its own


def test_a6_a_word_for_one_rewriting_is_none_for_the_next(club: Club) -> None:
    """A person took a rewritten history once; whoever rewrites what came after it needs a word of their own."""
    club.run(timedelta(minutes=-50))
    club.writer.git("commit", "--quiet", "--amend", "--message", "Again")
    club.writer.post("b", "Text b")
    second = club.push("--force")
    allow_rewrite(club.store, second, by="Ilse", reason="a secret was in it", now=NOON)
    club.run(timedelta(minutes=-40))
    club.writer.post("c", "Text c")
    third = club.push()
    club.run(timedelta(minutes=-30))
    force = good(club.store)
    assert force is not None
    assert force.commit == third

    club.writer.git("reset", "--quiet", "--hard", second)
    club.writer.post("evil", "Text of a thief")
    fourth = club.push("--force")
    with pytest.raises(Refused, match="was rewritten"):
        club.branch().commit()
    allow_rewrite(club.store, fourth, by="Ilse", reason="again", now=NOON)
    assert club.branch().commit() == fourth


def test_a6_a_branch_that_goes_back_is_a_rewritten_history(club: Club) -> None:
    first = club.writer.git("rev-parse", "HEAD").strip()
    club.writer.post("b", "Text b", at=NOON + timedelta(hours=1))
    club.push()
    club.run(timedelta(minutes=1))
    club.writer.git("reset", "--quiet", "--hard", first)
    club.writer.git("push", "--quiet", "--force", "origin", "main")

    with pytest.raises(Refused, match="was rewritten"):
        club.branch().commit()
    club.run()
    assert club.stage.texts() == ["Text a", "Text b"]


def test_a5_a_tag_named_like_the_branch_is_nothing(club: Club) -> None:
    first = club.writer.git("rev-parse", "HEAD").strip()
    club.writer.post("evil", "Text of a thief")
    second = club.writer.commit()
    club.writer.git("tag", "main", second)
    club.writer.git("push", "--quiet", "origin", "refs/tags/main:refs/tags/main",
                    f"{second}:refs/heads/refs/heads/main")
    assert club.branch().commit() == first
    club.run()
    assert club.stage.texts() == ["Text a"]


def test_a_rejected_plan_leaves_the_last_good_one_in_force(club: Club) -> None:
    club.run(timedelta(minutes=-30))
    club.writer.write("networks/channels.yaml", "channels: [\n")
    broken = club.push()
    club.run()

    assert club.stage.texts() == ["Text a"]
    [rejected] = rejections(club.store)
    assert (rejected.commit, rejected.why[:30]) == (broken, "content/networks/channels.yaml")
    club.writer.write("networks/channels.yaml", CHANNELS)
    mended = club.push()
    club.run()
    force = good(club.store)
    assert force is not None
    assert force.commit == mended
    assert rejections(club.store) == []


def test_a_rejection_is_told_for_as_long_as_its_plan_stays_in_force(club: Club) -> None:
    """The plan in force may find new times meanwhile, and be kept under another number: it is the same plan."""
    first = club.writer.git("rev-parse", "HEAD").strip()
    club.run(timedelta(minutes=-30))
    club.writer.write("networks/channels.yaml", "channels: [\n")
    broken = club.push()
    club.run(timedelta(minutes=-20))
    accept(club.store, first, {**last_good(club.store), Slot("posts/next", "mastodon"): NOON}, now=NOON)
    assert [one.commit for one in rejections(club.store)] == [broken]


def test_who_slept_over_a_plan_takes_it_although_the_next_one_is_rejected(club: Club) -> None:
    """Another publisher accepted the second commit, and rejected the third; we hear of both at once."""
    source = club.branch()
    late = club.shift(source)
    late.run(NOON - timedelta(minutes=55))
    club.writer.post("a", "Text a, mended")
    second = club.push()
    club.run(timedelta(minutes=-50))
    club.writer.write("networks/channels.yaml", "channels: [\n")
    club.push()
    club.elapsed = POLL_S + 1
    assert source.has_moved()
    late.stopping.clear()
    late.commit_moved.set()
    assert late._load() is not None
    assert late.agenda.commit == second


def test_two_processes_of_one_clone_may_fetch_at_once(club: Club) -> None:
    """A push has the shift and `sync` fetch in the same moment."""
    repository = repository_of(club.settings)
    for number in range(5):
        club.writer.post("a", f"Text {number}")
        tip = club.push()
        remotes = [remote_of(club.settings, repository) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda remote: remote.fetch() if remote else "", remotes)) == [tip] * 4


def test_a_remote_that_is_away_stops_nothing(club: Club) -> None:
    club.run(timedelta(minutes=-30))
    shutil.move(club.origin, club.origin.with_name("away"))
    club.run()
    assert club.stage.texts() == ["Text a"]


class Silent:
    """A remote on loopback that takes every call and answers none."""

    def __init__(self) -> None:
        self._listener, self.calls = socket.create_server(("127.0.0.1", 0)), list[socket.socket]()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/content.git"
        self._more = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                call, _ = self._listener.accept()
            except OSError:
                return
            with self._more:
                self.calls.append(call)
                self._more.notify_all()

    def wait_for(self, number: int) -> socket.socket:
        """The call of that number, once somebody makes it."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.calls) >= number, PATIENCE_S)
            return self.calls[number - 1]

    def close(self) -> None:
        self._listener.close()
        for call in self.calls:
            call.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    made = Silent()
    yield made
    made.close()


def test_sending_waits_for_no_remote(club: Club, silent: Silent, tmp_path: Path) -> None:
    """A publisher hears that another one is ahead, and the remote hangs: what is due meanwhile goes out in its second.
    """
    club.run(timedelta(minutes=-30))
    club.stage.clock = PretendClock.begin(tmp_path / "slow.json", NOON - timedelta(seconds=4), 1)
    told = threading.Event()
    shift = club.shift(club.branch(remote=silent.url), tell=lambda _: told.set())
    running = threading.Thread(target=shift.run, args=(NOON + timedelta(hours=1),))
    running.start()
    try:
        silent.wait_for(1)                                        # the start, which went on without it
        club.writer.post("b", "Text b")
        accept(club.store, club.push(), {}, now=NOON)
        club.elapsed = ARCHIVE_S
        call = silent.wait_for(2)
        assert told.wait(PATIENCE_S)
        assert club.stage.texts() == ["Text a"]
        call.setblocking(False)
        assert call.recv(4096)
        with pytest.raises(BlockingIOError):                      # git waits still
            call.recv(4096)
    finally:
        shift.stop()
        silent.close()
        running.join(PATIENCE_S)


def test_a_start_goes_by_the_plan_in_force_when_the_remote_hangs(club: Club, silent: Silent) -> None:
    """Without a plan in force there is nothing to go by; a commit that is not here cannot be gone by."""
    club.run(timedelta(minutes=-30))
    force = good(club.store)
    assert force is not None

    assert club.branch(remote=silent.url).commit() == force.commit

    club.writer.post("b", "Text b")
    second = club.push()
    accept(club.store, second, {}, now=NOON)
    source = club.branch()
    shutil.move(club.origin, away := club.origin.with_name("away"))
    with pytest.raises(ContentError, match=f"that of commit {second[:10]}, which could not be fetched"):
        source.commit()
    assert not source.has_moved()
    shutil.move(away, club.origin)
    club.elapsed += AGAIN_S
    assert source.has_moved()
    assert source.commit() == second


def test_a_rewritten_history_is_refused_once_it_is_known_for_one(club: Club) -> None:
    """The archive names a commit that the branch lacks: until the next fetch another publisher may only be ahead."""
    source = club.branch()
    first = source.commit()
    club.writer.post("b", "Text b")
    second = club.push()
    club.writer.git("push", "--quiet", "--force", "origin", f"{first}:main")
    accept(club.store, second, {}, now=NOON)

    with pytest.raises(ContentError, match="could not be fetched"):
        source.commit()
    assert source.has_moved()
    with pytest.raises(Refused, match="was rewritten"):
        source.commit()
    assert not source.has_moved()


def test_a_fetch_that_takes_too_long_leaves_no_process(club: Club, silent: Silent) -> None:
    """git has a process of its own that talks to the remote: it is ended, too."""
    remote = remote_of(club.settings._replace(remote=silent.url), repository_of(club.settings))
    assert remote is not None

    with pytest.raises(ContentError, match="did not answer within"):
        remote.fetch(0.2)

    call = silent.wait_for(1)
    call.settimeout(PATIENCE_S)
    while call.recv(1024):                                        # ends when nobody holds the other end any more
        pass


def test_a_remote_that_is_away_for_long_is_told_to_who_looks_elsewhere(club: Club) -> None:
    """After a quarter of an hour the archive has it, with git's own words, until the remote answers again."""
    club.run(timedelta(minutes=-30))
    force, source, now = good(club.store), club.branch(), club.stage.clock.now()
    assert force is not None
    source.commit()
    shutil.move(club.origin, away := club.origin.with_name("away"))
    for seconds in (POLL_S, LONG.total_seconds() - 1):
        club.elapsed += seconds
        source.has_moved()
        assert outage(club.store, now, force.commit) is None
    club.elapsed += AGAIN_S
    source.has_moved()

    told = outage(club.store, now, force.commit)
    assert told is not None
    assert (told.branch, told.machines, told.behind, told.is_over) == ("main", ("pub-1",), (), False)
    assert told.why.startswith(f"{club.origin} cannot be fetched: ")

    shutil.move(away, club.origin)
    club.elapsed += AGAIN_S
    source.has_moved()
    assert outage(club.store, now, force.commit) == told._replace(is_over=True)


def test_a_remote_that_was_never_there(club: Club) -> None:
    shutil.rmtree(club.origin)
    with pytest.raises(ContentError, match="Nothing could be fetched from"):
        club.branch().commit()


@pytest.mark.parametrize("remote", [
    "--upload-pack=touch /tmp/x", "ext::sh -c touch% /tmp/x", "http://example.org/content.git", "git://example.org/x",
    "https://-oProxyCommand=x/y", "-oProxyCommand=x:y", "user@-host:path", "relative/path", "ftp://a/b",
    "host:-path", "https://", "ssh://-x/y", "https://example.org/a\nb"])
def test_a11_addresses_that_are_none(club: Club, remote: str) -> None:
    with pytest.raises(SettingsError, match="which Drumbeat does not fetch from"):
        checked_url(remote, repository_of(club.settings).top)


@pytest.mark.parametrize("remote", [
    "https://example.org/content.git", "ssh://git@example.org/content.git", "git@example.org:club/content.git",
    "http://127.0.0.1:8085/content.git", "/srv/content.git", "file:///srv/content.git"])
def test_addresses_that_are_some(club: Club, remote: str) -> None:
    assert checked_url(remote, repository_of(club.settings).top) == remote


def test_a_password_in_an_address_is_not_shown() -> None:
    assert shown("https://wren:secret@example.org/content.git") == "https://example.org/content.git"


def test_a_clones_own_settings_run_nothing(club: Club, tmp_path: Path) -> None:
    """A copied clone may name commands and other addresses: nothing of that counts."""
    repository, mark = repository_of(club.settings), tmp_path / "mark"
    for name, value in (("core.sshCommand", f"touch {mark}"), ("core.fsmonitor", f"touch {mark}"),
                        (f"remote.{club.origin}.uploadpack", f"touch {mark}; git-upload-pack"),
                        ("uploadpack.packObjectsHook", f"touch {mark}"), ("credential.helper", f"!touch {mark}")):
        subprocess.run(["git", "-C", str(repository.top), "config", name, value], check=True)
    assert club.branch().commit()
    assert not mark.exists()
    subprocess.run(["git", "-C", str(repository.top), "config", "url./elsewhere.insteadOf", str(club.origin)],
                   check=True)
    with pytest.raises(SettingsError, match="rewrite addresses"):
        club.branch().fetch()


# --- signatures -------------------------------------------------------------------------------------------------------


class Keys:
    """Two people with keys of their own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.files = {name: folder / name for name in ("ilse", "wren")}
        for name, file in self.files.items():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)], check=True)

    def allowed(self) -> str:
        return "".join(f"{name}@millrace.example {file.with_suffix('.pub').read_text()}"
                       for name, file in self.files.items())

    def sign(self, club: Club, name: str) -> str:
        """Everything that lies there, committed with a signature and pushed."""
        club.writer.git("add", "--all", "content")
        club.writer.git("-c", "gpg.format=ssh", "-c", f"user.signingkey={self.files[name]}", "commit", "--quiet", "-S",
                        "--message", f"By {name}")
        club.writer.git("push", "--quiet", "origin", "main")
        return club.writer.git("rev-parse", "HEAD").strip()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


def test_a2_a3_what_nobody_signed_is_not_taken_and_a_new_channel_waits_for_a_person(club: Club, keys: Keys) -> None:
    club.settings = club.settings._replace(require_signed=True)
    club.writer.write("people/allowed_signers", keys.allowed())
    first = keys.sign(club, "ilse")
    assert club.branch().commit() == first
    club.shift().run(NOON - timedelta(minutes=30))

    club.writer.post("evil", "Text of a thief")
    unsigned = club.push()
    with pytest.raises(Refused, match=f"Commit {unsigned[:10]}"):
        club.branch().commit()

    club.writer.git("reset", "--quiet", "--hard", first)
    club.writer.write("networks/channels.yaml", CHANNELS + "  - {id: second, network: mastodon, handle: '@other'}\n")
    club.writer.git("add", "--all", "content")
    club.writer.git("-c", "gpg.format=ssh", "-c", f"user.signingkey={keys.files['ilse']}", "commit", "--quiet", "-S",
                    "--message", "A channel")
    club.writer.git("push", "--quiet", "--force", "origin", "main")
    club.writer.post("b", "Text b", channels="second, mastodon")
    keys.sign(club, "wren")
    club.shift().run(NOON + timedelta(hours=2))

    assert sorted((post["account"], post["text"]) for post in club.stage.posts()) == [
        ("@mill", "Text a"), ("@mill", "Text b")]
    [hold] = Holds(club.store).active()
    assert (hold.scope, hold.name, hold.by) == ("channel", "second", "Drumbeat")
    assert club.stage.standing("posts/b@second#1").state is State.planned


def test_signatures_are_judged_by_whoever_fetched(club: Club, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push may bring thousands of signatures: the thread that sends finds them judged."""
    judged: list[str] = []

    def noted(*about: Any, **named: Any) -> list[Refusal]:
        judged.append(threading.current_thread().name)
        return refusals(*about, **named)

    monkeypatch.setattr("flows.pull.refusals", noted)
    club.settings = club.settings._replace(require_signed=True)
    club.writer.write("people/allowed_signers", keys.allowed())
    keys.sign(club, "ilse")
    source = club.branch()
    club.shift(source).run(NOON - timedelta(hours=1))
    club.writer.post("b", "Text b")
    second = keys.sign(club, "wren")
    nudge(club.home)
    with ThreadPoolExecutor(1, thread_name_prefix="watch") as watching:
        assert watching.submit(source.has_moved).result(PATIENCE_S)

    assert source.commit() == second
    assert [name.partition("_")[0] for name in judged] == ["MainThread", "watch"]


def test_signatures_that_nobody_could_judge_are_judged_again(
        club: Club, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is missing: why is kept for whoever looks; once it is there, the plan comes into force by itself."""
    missing = [ContentError("gpg is not installed.", "Install GnuPG.")]

    def sometimes(*about: Any, **named: Any) -> list[Refusal]:
        if missing:
            raise missing[0]
        return refusals(*about, **named)

    monkeypatch.setattr("flows.pull.refusals", sometimes)
    club.settings = club.settings._replace(require_signed=True)
    club.writer.write("people/allowed_signers", keys.allowed())
    first, source = keys.sign(club, "ilse"), club.branch()
    with pytest.raises(ContentError, match="gpg is not installed"):
        source.commit()
    assert [(one.commit, one.why) for one in rejections(club.store)] == [(first, "gpg is not installed.")]
    club.elapsed = POLL_S
    assert not source.has_moved()
    missing.clear()
    club.elapsed = 2 * POLL_S
    assert source.has_moved()
    assert source.commit() == first
