"""A plan is kept in short between two starts: a push reads what it changed, and whatever becomes of the file, the plan
is right.
"""
import io
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.edges import almanacs
from flows.edges.repository import Repository
from flows.planning.condensing import Almanac
from flows.replan import Planner, Taken
from schemas.errors import ContentError
from schemas.ledger import Slot

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
SLOTS = ("channels:\n  - {id: mastodon, network: mastodon, handle: '@mill', slots: ['tue 09:00', 'thu 09:00']}\n"
         "  - {id: x, network: x, handle: mill}\n")


@pytest.fixture
def folder(content_folder):
    """Six posts, one of which needs a free slot and one follows another; one shows a picture."""
    made = content_folder("club", SLOTS)
    made.write("media/a.png", picture("teal"))
    for n in range(4):
        made.write(f"posts/p{n}.md", f"---\nat: 2027-03-0{n + 3} 12:00\n---\nText number {n}.\n")
    made.write("posts/next.md", "---\nchannels: [mastodon]\nmedia: [{file: a.png, alt: A drill on a bench}]\n"
                                          "---\nNext.\n")
    made.write("posts/then.md", "---\nafter: next + 1d\nchannels: [mastodon]\n---\nThen.\n")
    made.commit()
    return made


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(out, "PNG")
    return out.getvalue()


def cards(planner: Planner) -> dict[str, Any]:
    assert planner.almanac is not None
    return dict(sorted(planner.almanac.cards.items()))


def take(folder: Any, home: Path | None) -> tuple[Planner, Taken]:
    """A new start: the plan of what is committed."""
    repository = Repository(folder.path)
    planner = Planner(repository, home)
    taken = planner.take(repository.head(), now=NOON)
    planner.keep()
    return planner, taken


def anew(folder: Any) -> dict[str, Any]:
    return cards(take(folder, None)[0])


def test_a_new_start_reads_what_changed(folder, tmp_path):
    """After an edit, a new file, a removal and a picture in place of another the plan is that of the whole folder."""
    home = tmp_path / "cache"
    assert take(folder, home)[1].whole
    folder.write("posts/p1.md", "---\nat: 2027-03-02 09:20\n---\nAnother text, in the way of the free slot.\n")
    folder.write("posts/new.md", "---\nat: 2027-03-09 12:00\nchannels: [x]\n---\nNew.\n")
    (folder.path / "posts/p2.md").unlink()
    folder.write("media/a.png", picture("red"))
    folder.commit()

    planner, taken = take(folder, home)

    assert not taken.whole
    assert "posts/p3.md" not in taken.cards
    assert cards(planner) == anew(folder)
    assert not take(folder, home)[1].whole


def test_a_running_one_goes_from_commit_to_commit(folder):
    """Ten pushes one after the other, some with nothing in them for a plan, give ten plans of the whole."""
    repository = Repository(folder.path)
    planner = Planner(repository, None)
    planner.take(repository.head(), now=NOON)
    for n in range(10):
        folder.write(f"posts/p{n % 4}.md", f"---\nat: 2027-03-0{n % 5 + 2} 1{n}:00\n---\nEdition {n}.\n")
        if n % 3 == 0:
            folder.write("notes.txt", f"Nothing {n}.")
        folder.commit()

        taken = planner.take(repository.head(), now=NOON)

        assert not taken.whole
        assert cards(planner) == anew(folder)


def test_what_every_post_is_seen_in_changes_all(folder, tmp_path):
    """A push that changes channels, strategy or campaigns is thought of anew, whole."""
    home = tmp_path / "cache"
    take(folder, home)
    folder.write("networks/channels.yaml", "stagger: 5m\n" + SLOTS)
    folder.commit()

    planner, taken = take(folder, home)

    assert taken.whole
    assert cards(planner) == anew(folder)


def test_history_that_was_rewritten_is_read_whole(folder, tmp_path):
    """When the commit that was kept is gone, nothing can be compared with it."""
    home = tmp_path / "cache"
    take(folder, home)
    folder.git("checkout", "--quiet", "--orphan", "other")
    folder.git("commit", "--quiet", "-m", "Again")
    folder.git("branch", "-D", "main")
    folder.git("reflog", "expire", "--expire=now", "--all")
    folder.git("gc", "--quiet", "--prune=now")

    planner, taken = take(folder, home)

    assert taken.whole
    assert cards(planner) == anew(folder)


def test_times_that_another_plan_gave_count(folder, tmp_path):
    """Kept times that are not those of the plan in short make it think of everything again, and hold."""
    home = tmp_path / "cache"
    take(folder, home)
    repository = Repository(folder.path)
    kept = {Slot("posts/next", "mastodon"): datetime(2027, 3, 16, 9, tzinfo=UTC)}

    taken = Planner(repository, home).take(repository.head(), now=NOON, kept=kept)

    assert taken.whole
    assert [item.at for item in taken.prepared.plan.items if item.slot in kept] == list(kept.values())


def damaged(file: Path, how: str) -> None:
    data = file.read_bytes()
    file.write_bytes({"torn": data[:len(data) // 2], "empty": b"", "other": b"x" * 100,
                      "flipped": data[:300] + bytes([data[300] ^ 1]) + data[301:],
                      "flipped at the end": data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]}[how])


@pytest.mark.parametrize("how", ["torn", "empty", "other", "flipped", "flipped at the end"])
def test_a_damaged_file_is_made_anew(folder, tmp_path, how, caplog):
    """Whatever happened to the kept plan, it is not believed: the next start says so and thinks of everything."""
    home = tmp_path / "cache"
    take(folder, home)
    (file,) = home.iterdir()
    damaged(file, how)
    folder.write("posts/p1.md", "---\nat: 2027-03-04 15:00\n---\nEdited.\n")
    folder.commit()

    with caplog.at_level(logging.WARNING):
        planner, _ = take(folder, home)

    assert cards(planner) == anew(folder)
    assert ["made anew" in record.message for record in caplog.records] == [True]
    assert not take(folder, home)[1].whole


def test_a_disk_that_takes_nothing_is_no_reason_to_stop(folder, tmp_path, caplog):
    """The plan is made, the log says that it was not kept, and why."""
    home = tmp_path / "a file in the way"
    home.write_text("")

    with caplog.at_level(logging.WARNING):
        planner, _ = take(folder, home)

    assert cards(planner) == anew(folder)
    assert [record.message.split(" file=")[0] for record in caplog.records] == [
        "plan not kept, the next start makes it anew"]


def test_a_full_disk_leaves_the_kept_plan_as_it_was(folder, tmp_path, caplog):
    """A write that fails half-way (ENOSPC, on the kernel's own full device) leaves no torn file behind."""
    home = tmp_path / "cache"
    planner, _ = take(folder, home)
    (file,) = home.iterdir()
    before = file.read_bytes()
    (home / f"full.{os.getpid()}.tmp").symlink_to("/dev/full")
    assert planner.almanac is not None

    with caplog.at_level(logging.WARNING):
        almanacs.keep(home, "full", planner.almanac)

    assert "No space left" in caplog.records[0].message
    assert [(kept.name, kept.read_bytes() == before) for kept in home.iterdir()] == [(file.name, True)]


def test_two_at_the_same_time_leave_one_whole_plan(folder, tmp_path):
    """Whoever writes last is kept, whole; the other goes on with its own."""
    home = tmp_path / "cache"
    first, _ = take(folder, home)
    folder.write("posts/p1.md", "---\nat: 2027-03-04 15:00\n---\nEdited.\n")
    commit = folder.commit()
    second, _ = take(folder, home)

    first.take(commit, now=NOON)
    first.keep()
    kept = almanacs.load(home, next(home.iterdir()).name)

    assert isinstance(kept, Almanac)
    assert dict(kept.cards) == cards(first) == cards(second) == anew(folder)


def test_what_is_refused_leaves_the_plan_in_force(folder):
    """When the content is not approved, the planner stands where it stood."""
    repository = Repository(folder.path)
    planner = Planner(repository, None)
    planner.take(repository.head(), now=NOON)
    before = cards(planner)
    folder.write("strategy.yaml", "strategy: [")

    def refuse(content: Any) -> None:
        if content.unreadable:
            raise ContentError("it cannot be read", "Mend it.")

    commit = folder.commit()
    with pytest.raises(ContentError):
        planner.take(commit, now=NOON, approve=refuse)

    assert (cards(planner), planner.almanac and planner.almanac.commit != commit) == (before, True)


def test_details_are_those_of_the_whole(folder):
    """All about a slot, looked up alone, is what the whole folder says: time, text, grace, turn."""
    repository = Repository(folder.path)
    planner = Planner(repository, None)
    whole = planner.take(repository.head(), now=NOON).prepared

    for item in whole.plan.items:
        made = planner.details([item.slot], now=NOON)
        assert item in made.plan.items
        assert made.messages[item.slot] == whole.messages[item.slot]
