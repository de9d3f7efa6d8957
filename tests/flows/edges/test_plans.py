"""The last good plan is kept in the archive, and the times it gave are found again."""
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from flows.edges.plans import accept, allowed_rewrites, good, good_commit, last_good, rejections
from flows.edges.store import Store, open_store
from flows.planning.preparing import prepare
from schemas.content import SourceFile
from schemas.errors import StoreError
from schemas.ledger import Slot
from schemas.plan import Plan

NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"dir:{tmp_path / 'archive'}")


def plan(commit: str, **posts: str) -> Plan:
    """The plan of a folder with one channel and these posts, by stem: their front matter."""
    files = {
        "networks/channels.yaml": 'channels: [{id: us, network: mastodon, handle: "@us@x.example", slots: ["tue '
                                  '08:45"]}]\n',
        **{f"posts/{stem}.md": f"---\n{front}\n---\nHi\n" for stem, front in posts.items()},
    }
    sources = [SourceFile(path, "0" * 40, len(text), "file", text.encode()) for path, text in files.items()]
    return prepare(sources, "content", commit, networks=("mastodon",), judge=lambda message: [], now=NOON).plan


def take(store: Store, made: Plan, *, now: datetime) -> None:
    accept(store, made.source, {one.slot: one.at for one in made.everything() if one.found and one.at}, now=now)


def bodies(store: Store) -> list[dict[str, object]]:
    return [json.loads(store.get(key) or b"") for key in sorted(store.list("v1/plan/good/"))]


def test_nothing_accepted_is_nothing_kept(store: Store) -> None:
    """An empty archive knows no times and no commit."""
    assert (last_good(store), good_commit(store)) == ({}, None)


def test_an_accepted_plan_is_found_again(store: Store) -> None:
    """Every time that was found comes back as it went in; what the content itself says is not kept beside it."""
    take(store, plan("c0ffee", a="at: 2027-07-01 09:00", b="slot: next", c="at: 2027-07-06"), now=NOON)

    assert last_good(store) == {
        Slot("posts/b", "us"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC),
        Slot("posts/c", "us"): datetime(2027, 7, 6, 8, 45, tzinfo=UTC),
    }
    assert (good_commit(store), bodies(store)) == ("c0ffee", [{
        "v": 1, "commit": "c0ffee", "at": "2027-01-04T12:00:00Z",
        "items": {"posts/b@us#1": "2027-01-05T08:45:00Z", "posts/c@us#1": "2027-07-06T08:45:00Z"}}])


def test_a_time_is_kept_while_its_post_is_broken(store: Store) -> None:
    """What waits for its author keeps the time it had, so that nobody else is given it."""
    take(store, plan("c1", a="slot: next\nhold: ask Wren"), now=NOON)

    assert last_good(store) == {Slot("posts/a", "us"): datetime(2027, 1, 5, 8, 45, tzinfo=UTC)}


def test_the_newest_plan_counts(store: Store) -> None:
    """Each accepted plan is a new object; the highest number is in force."""
    for hour in range(12):
        take(store, plan(f"c{hour}", a=f"at: 2027-07-{6 + 7 * (hour % 2):02}"), now=NOON + timedelta(hours=hour))

    assert (last_good(store), good_commit(store), len(bodies(store))) == (
        {Slot("posts/a", "us"): datetime(2027, 7, 13, 8, 45, tzinfo=UTC)}, "c11", 12)


def test_the_same_plan_is_kept_once(store: Store) -> None:
    """Accepting what is in force already writes nothing; another commit, or another time, is another plan."""
    for now in (NOON, NOON + timedelta(days=1)):
        take(store, plan("c1", a="at: 2027-07-06"), now=now)
    take(store, plan("c2", a="at: 2027-07-06"), now=NOON)
    take(store, plan("c2", a="at: 2027-07-13"), now=NOON)

    assert [body["commit"] for body in bodies(store)] == ["c1", "c2", "c2"]


def test_a_number_taken_by_a_rival_is_passed_over(store: Store) -> None:
    """Two publishers that accept at the same moment both keep their plan, under two numbers."""
    class Rival:
        """A store in which somebody else takes the next number between the look and the write."""

        def __init__(self) -> None:
            self.quick = True

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def create(self, key: str, body: bytes) -> bool:
            if self.quick:
                self.quick = False
                take(store, plan("theirs", a="at: 2027-07-01 09:00"), now=NOON)
            return store.create(key, body)

    take(Rival(), plan("ours", a="at: 2027-07-01 09:00"), now=NOON)  # type: ignore[arg-type]

    assert [body["commit"] for body in bodies(store)] == ["theirs", "ours"]


def test_times_given_once_stay_given(store: Store) -> None:
    """A plan made with the kept times gives slot: next the same instant again, whatever else was added since."""
    take(store, plan("c1", b="slot: next"), now=NOON)
    files = [
        SourceFile(path, "0" * 40, len(text), "file", text.encode())
        for path, text in {
            "networks/channels.yaml": 'channels: [{id: us, network: mastodon, handle: "@us@x.example", slots: ["tue '
                                      '08:45"]}]\n',
            "posts/a.md": "---\nslot: next\n---\nHi\n",
            "posts/b.md": "---\nslot: next\n---\nHi\n",
        }.items()
    ]

    again = prepare(
        files, "content", "c2", networks=("mastodon",), judge=lambda message: [], now=NOON, kept=last_good(store)
    ).plan

    assert {str(item.slot): item.at for item in again.items} == {
        "posts/b@us#1": datetime(2027, 1, 5, 8, 45, tzinfo=UTC),
        "posts/a@us#1": datetime(2027, 1, 12, 8, 45, tzinfo=UTC),
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"commit": "c", "at": "noon", "items": {}}', b'{"at": 1}'])
def test_a_damaged_record_is_said_by_its_name(tmp_path: Path, body: bytes) -> None:
    """Whoever reads it is told which one, and what to do."""
    store = open_store(f"dir:{tmp_path / 'archive'}")
    for key in ("v1/plan/good/000001.json", "v1/plan/rejected/none/c.json", "v1/plan/rewritten/000001-c.json"):
        store.create(key, body)

    for read in (good, rejections, partial(allowed_rewrites, force="c")):
        with pytest.raises(StoreError, match=r"v1/plan/[a-z]+/.* cannot be read"):
            read(store)
