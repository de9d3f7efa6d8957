"""What lies around a folder is told as it is; what nobody can tell is None, with the reason in words."""
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import publishers
from flows.edges.ledger import Ledger
from flows.edges.repository import Repository, working_tree
from flows.edges.store import Counted, Store, open_store
from flows.edges.trials import dry_runs, record, recorded
from flows.know import REHEARSED, Knower, knower
from flows.planning.reading import read
from flows.planning.resolving import resolve
from schemas.content import Content
from schemas.errors import StoreError
from schemas.history import History
from schemas.ledger import Receipt, Slot, State
from schemas.world import Trial, World

SAMPLE = Path(__file__).parents[2] / "content"
NOON = datetime(2027, 3, 17, 12, 0, tzinfo=UTC)
ASK = "campaigns/spring-mend/posts/first-ask.md"
NO_INBOX = "the inbox is not read by this version"


def git(home: Path, *words: str, who: str = "wren@millracetools.example") -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    words = ("-c", "user.name=W", "-c", f"user.email={who}", "-c", "init.defaultBranch=main", *words)
    done = subprocess.run(["git", *words], cwd=home, env=environment, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The sample content, committed by one of its team; the folder that content/ lies in."""
    made = tmp_path / "club"
    shutil.copytree(SAMPLE, made / "content")
    git(made, "init", "-q")
    (made / ".gitignore").write_text(".drumbeat/\n")
    git(made, "add", "-A")
    git(made, "commit", "-q", "-m", "first")
    return made


def content_of(home: Path) -> Content:
    return resolve(read(working_tree(home / "content"), "content"), "content", "working tree", publishers.available(),
                   None)


def asked(home: Path, **words: object) -> World:
    asked = knower(Repository(home / "content"), None, home=home,
                   **{"working_tree": True, **words})             # type: ignore[arg-type]
    return asked(content_of(home))


def publish(store: Store, slot: Slot, state: State = State.published, due: datetime = NOON) -> None:
    receipt = Receipt(slot=str(slot), state=state, due=due, at=due, parts=(), reason=None, records=1, seal="5ea1")
    Ledger(store, worker="host/1/boot/run", now=lambda: NOON).mark_done(receipt)


def spring(home: Path) -> list[Slot]:
    """Every slot of the sample's campaign."""
    return [Slot(post.id, channel.id) for post in content_of(home).posts if post.post.campaign == "spring-mend"
            for channel in post.channels]


class Silent:
    """An archive that answers nothing."""

    def list(self, prefix: str) -> Iterator[str]:
        raise StoreError(f"nobody answers about {prefix}", "wait")


# --- Git --------------------------------------------------------------------------------------------------------------


def test_a_commit_is_told_with_its_history(home: Path) -> None:
    """Files by their path in the folder, ids, the strategy; the team's addresses come from its own file."""
    head = git(home, "rev-parse", "HEAD")
    (home / "content" / ASK).write_text("changed, and nobody asked about it")

    world = knower(Repository(home / "content"), head, home=home, working_tree=False)(content_of(home))

    assert isinstance(world.history, History)
    assert world.history.files[ASK].last.commit == head
    assert ("social_goal", "new-members") in world.history.entities
    assert set(world.history.material) == {"millrace-2027"}
    assert world.why == {"inbox": NO_INBOX, "trials": "no connection test is recorded here"}


def test_what_is_not_committed_has_no_history(home: Path) -> None:
    """A changed, a removed and a new file are left out, everything else stays; so is what a sponsor agrees to, if the
    strategy is being rewritten.
    """
    content = home / "content"
    (content / ASK).write_text((content / ASK).read_text() + "\n")
    (content / "posts/new.md").write_text("---\nslot: next\n---\nNew.\n")
    (content / "ideas/kettle-post-mortem.md").unlink()
    before = asked(home).history
    (content / "strategy.yaml").write_text((content / "strategy.yaml").read_text() + "\n")
    after = asked(home).history

    assert isinstance(before, History)
    assert isinstance(after, History)
    gone = {ASK, "posts/new.md", "ideas/kettle-post-mortem.md"}
    assert not gone & set(before.files)
    assert (ASK in before.files, before.files.get(ASK)) == (False, None)
    with pytest.raises(KeyError):
        before.files[ASK]
    assert len(before.files) == len(git(home, "ls-files", "content").splitlines()) - 2
    assert (set(before.material), set(after.material)) == ({"millrace-2027"}, set())
    assert after.entities == before.entities


@pytest.mark.parametrize("prefix", ["", "in/ner/"])
def test_the_folder_may_lie_deeper(tmp_path: Path, prefix: str) -> None:
    """Paths that Git tells from its top are those of the folder all the same."""
    place = tmp_path / "club" / prefix
    shutil.copytree(SAMPLE, place / "content")
    git(tmp_path / "club", "init", "-q")
    git(tmp_path / "club", "add", "-A")
    git(tmp_path / "club", "commit", "-q", "-m", "first")
    (place / "content/pillars.yaml").write_text("pillars: []\n")

    history = asked(place).history

    assert isinstance(history, History)
    assert ("pillars.yaml" in history.files, "strategy.yaml" in history.files) == (False, True)


def test_why_git_cannot_tell(home: Path, tmp_path: Path) -> None:
    """No repository, nothing committed, committed by strangers: each has its own words, and nothing else is lost."""
    nowhere = knower(None, None, home=home, working_tree=True)(content_of(home))
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    shutil.copytree(SAMPLE, tmp_path / "new/content")
    uncommitted = asked(tmp_path / "new")
    git(tmp_path / "new", "add", "-A")
    git(tmp_path / "new", "commit", "-q", "-m", "copied", who="somebody@else.example")
    strangers = asked(tmp_path / "new")
    (home / "content/people/team.yaml").unlink()
    nobody = asked(home)

    assert [world.history for world in (nowhere, uncommitted, strangers, nobody)] == [None] * 4
    assert [world.why["history"] for world in (nowhere, uncommitted, strangers, nobody)] == [
        "the content lies in no Git repository", "nothing is committed yet",
        "no commit of content/ is by an address of people/team.yaml (git:)",
        "people/team.yaml names no address that anybody commits with (git:)"]
    assert nowhere.trials is None


def test_one_knower_follows_the_commits(home: Path) -> None:
    """Asked again after another commit it tells of that one; a function may be handed on instead."""
    repository = Repository(home / "content")
    one, first = Knower(repository, home=home), git(home, "rev-parse", "HEAD")
    (home / "content" / ASK).write_text((home / "content" / ASK).read_text() + "More.\n")
    git(home, "commit", "-q", "-a", "-m", "more")
    second = git(home, "rev-parse", "HEAD")
    content = content_of(home)

    said = [one.at(content, commit).history for commit in (first, second, None)]
    handed = [knower(repository, first, home=home, working_tree=at_work)(content).history for at_work in (False, True)]

    found = [history.files[ASK].last.commit for history in (*said, *handed) if history is not None]
    assert found == [first, second, second, first, second]


# --- rehearsals -------------------------------------------------------------------------------------------------------


def test_a_rehearsal_asks_for_nothing_that_is_real(home: Path) -> None:
    """Connections and inboxes are not looked for; what Git tells, it tells."""
    record(home, "mastodon", Trial(NOON))

    world = asked(home, rehearsal=True)

    assert (world.rehearsal, world.trials, world.inbox, world.dry_runs) == (True, None, None, None)
    assert set(world.why) == {"trials", "inbox", "dry_runs"}
    assert world.history is not None


def test_a_campaign_was_rehearsed_when_all_of_it_went_out(home: Path) -> None:
    """Of every post on every channel; the moment is that of the archive's own clock, not the season's."""
    began = datetime.now(UTC)
    store = open_store(f"dir:{home / REHEARSED}")
    assert asked(home).dry_runs == {}
    *most, last = spring(home)
    for slot in most:
        publish(store, slot)
    publish(store, Slot("posts/other", "mastodon"))
    publish(store, last, State.missed)
    assert asked(home).dry_runs == {}

    publish(store, last, due=NOON + timedelta(days=40))
    runs = asked(home).dry_runs

    assert runs is not None
    assert set(runs) == {"spring-mend"}
    assert began - timedelta(seconds=5) <= runs["spring-mend"] <= datetime.now(UTC) + timedelta(seconds=5)
    assert asked(home, store=open_store(f"dir:{home / 'another'}")).dry_runs == {}


def test_a_look_for_rehearsals_is_cheap(tmp_path: Path) -> None:
    """One listing; ages are asked only of what was due on a campaign's last day; nothing is read."""
    inner = open_store(f"dir:{tmp_path}")
    slots = [Slot(f"spring/p{n}", "mastodon") for n in range(50)]
    for day, slot in enumerate(slots):
        publish(inner, slot, due=NOON + timedelta(days=day))
    store = Counted(inner)

    assert set(dry_runs(store, {"spring": slots, "empty": [], "other": [Slot("other/p", "x")]})) == {"spring"}
    assert (store.lists, store.reads, store.writes) == (2, 1, 0)


def test_a_rehearsal_archive_that_does_not_answer(home: Path) -> None:
    """The reason is told, in the words of the archive."""
    world = asked(home, store=Silent())

    assert (world.dry_runs, world.trials) == (None, None)
    assert world.why["dry_runs"] == "the rehearsal's archive does not answer: nobody answers about v1/done/"


def test_a_repeating_post_of_a_campaign_is_rehearsed_with_all_its_runs(home: Path) -> None:
    """Each run is a slot of its own; a post that is withdrawn, and a draft, need not go out."""
    posts = home / "content/campaigns/spring-mend/posts"
    (posts / "tip.md").write_text("---\nevery: 1w on friday at 10:00\nfrom: 2027-03-05\nruns: 2\nchannels: [mastodon]\n"
                                  "---\nOil it.\n")
    (posts / "gone.md").write_text("---\nat: 2027-03-05 10:00\nwithdraw: true\n---\nOil it.\n")
    (posts / "later.md").write_text("---\nat: 2027-03-05 10:00\ndraft: true\n---\nOil it.\n")
    store = open_store(f"dir:{home / REHEARSED}")
    new = {"spring-mend/tip", "spring-mend/gone", "spring-mend/later"}
    for slot in (*spring(home), Slot("spring-mend/tip", "mastodon", "20270305")):
        if slot.post not in new or slot.run != "1":
            publish(store, slot)
    before = asked(home).dry_runs
    publish(store, Slot("spring-mend/tip", "mastodon", "20270312"))

    assert before == {}
    assert set(asked(home).dry_runs or ()) == {"spring-mend"}


# --- trials -----------------------------------------------------------------------------------------------------------


def test_the_last_trial_of_each_is_kept(tmp_path: Path) -> None:
    """What passed and what failed, by name, whatever the name; of one tested twice the last."""
    record(tmp_path, "mastodon", Trial(NOON, "mastodon refuses these credentials."))
    record(tmp_path, "CRM/../x", Trial(NOON + timedelta(hours=1)))
    record(tmp_path, "mastodon", Trial(NOON.astimezone(tz=None) + timedelta(hours=2)))
    record(tmp_path, "archive", Trial(NOON, "no Wörd"))

    found = recorded(tmp_path)

    assert found == {"mastodon": Trial(NOON + timedelta(hours=2)), "CRM/../x": Trial(NOON + timedelta(hours=1)),
                     "archive": Trial(NOON, "no Wörd")}
    assert found["mastodon"].at.tzinfo is UTC
    folder = tmp_path / ".drumbeat/trials"
    assert sorted(file.name for file in folder.iterdir()) == ["CRM%2F..%2Fx.json", "archive.json", "mastodon.json"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o644}
    assert (tmp_path / ".drumbeat/.gitignore").read_text() == "*\n"


def test_a_secret_in_a_reason_is_not_kept(tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    record(tmp_path, "x", Trial(NOON, f"x says no to {secret}"))

    assert recorded(tmp_path)["x"].why == "x says no to ghp_…"
    assert secret not in (tmp_path / ".drumbeat/trials/x.json").read_text()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b'{"name": "x"}',
                                  b'{"name": "x", "at": "noon", "why": null}',
                                  b'{"name": "x", "at": "2027-03-17T12:00:00", "why": null}',
                                  b'{"name": "x", "at": "2027-03-17T12:00:00Z", "why": 3}',
                                  b'{"name": "x", "at": 5, "why": null}'])
def test_a_damaged_trial_never_was(tmp_path: Path, data: bytes) -> None:
    """A file that says nothing certain is no test that passed; the others stand."""
    record(tmp_path, "mastodon", Trial(NOON))
    (tmp_path / ".drumbeat/trials/x.json").write_bytes(data)

    assert recorded(tmp_path) == {"mastodon": Trial(NOON)}


def test_nothing_was_tried(tmp_path: Path) -> None:
    assert recorded(tmp_path) == {}


def test_a_trial_that_cannot_be_kept(tmp_path: Path, heard: Any) -> None:
    """A disk that takes nothing stops nobody: it is said, and the test was never made."""
    (tmp_path / ".drumbeat").write_text("a file in its place")

    record(tmp_path, "mastodon", Trial(NOON))

    assert recorded(tmp_path) == {}
    assert heard.lines == ["test not kept name=mastodon why=Not a directory"]


def test_the_file_of_a_trial_is_plain(tmp_path: Path) -> None:
    """One line of JSON that a person can read."""
    record(tmp_path, "mastodon", Trial(NOON, "no"))

    assert json.loads((tmp_path / ".drumbeat/trials/mastodon.json").read_text()) == {
        "name": "mastodon", "at": "2027-03-17T12:00:00+00:00", "why": "no"}
