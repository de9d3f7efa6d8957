"""The archive, row by row: E1, E2, E5, E6, each with what a publisher does next: what is damaged is not sent again, the
good post of the same folder goes out.

`edges/test_verify.py` turns every bit, `edges/test_store_s3.py` has the conditions on the wire (E3), `infra/` the
roles and the bucket (E2 to E4, E7).
"""
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.edges.ledger import verify
from flows.edges.store import open_store
from flows.prove import mend, prove
from schemas.errors import StoreError
from schemas.ledger import Slot
from schemas.plan import Plan

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
OLD = Path("v1/ledger/posts.old/mastodon/1")
DONE = "v1/done/2027/03/01/published/posts.old~mastodon~1"


def flip_a_byte(archive: Path) -> None:
    file = archive / OLD / "000002.json"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def drop_a_record(archive: Path) -> None:
    (archive / OLD / "000002.json").unlink()


def fork(archive: Path) -> None:
    """Somebody's own end of the story: well-formed, chained to the record before, in place of the true one."""
    record = json.loads((archive / OLD / "000003.json").read_bytes())
    record["detail"]["parts"] = [{"id": "1", "url": "https://evil.example/1"}]
    (archive / OLD / "000003.json").write_bytes(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())


def branch(archive: Path) -> None:
    """A second story beside the first: one more record, chained to the first one."""
    shutil.copy(archive / OLD / "000002.json", archive / OLD / "000004.json")


def drop_the_end(archive: Path) -> None:
    (archive / OLD / "000003.json").unlink()


def drop_the_ledger(archive: Path) -> None:
    shutil.rmtree(archive / OLD)


ROWS: dict[str, tuple[Callable[[Path], None], str]] = {
    "E1 one byte flipped": (flip_a_byte, f"{OLD}/000002.json"),
    "E1 one record dropped": (drop_a_record, f"{OLD}/000002.json"),
    "E1 a fork": (fork, f"{OLD}/000003.json"),
    "E1 a branch": (branch, f"{OLD}/000004.json"),
    "E2 the end deleted": (drop_the_end, f"{OLD}/000003.json"),
    "E2 the ledger deleted": (drop_the_ledger, f"{OLD}/000001.json"),
}


@pytest.fixture
def played(stage) -> Path:
    """A folder of which one post went out; a good one is due an hour later. The folder of its archive."""
    stage.folder.post("old", "Old.")
    stage.folder.post("good", "Good.", at=NOON + timedelta(hours=1))
    stage.folder.commit()
    stage.run("first", until=NOON + timedelta(minutes=5))
    assert stage.texts() == ["Old."]
    assert stage.is_sound()
    return Path(stage.archive.removeprefix("dir:"))


@pytest.mark.parametrize("row", ROWS)
def test_whatever_was_touched_is_named_and_nothing_is_sent_twice(stage, played, row):
    """E1, E2: the audit names the record by key and number; a publisher that starts then sends the good post, and not
    the one whose record was touched: what the index says went out stays out.
    """
    damage, key = ROWS[row]
    damage(played)

    found = prove(verify(open_store(stage.archive)), Plan("", (), (), ()), now=NOON + timedelta(minutes=5)).findings

    assert key in [finding.key for finding in found]
    assert all(finding.what and finding.remedy for finding in found)
    stage.run("second")
    assert stage.texts() == ["Old.", "Good."]


def test_e2_a_slot_without_a_trace_is_named_by_its_month(stage, played):
    """E2: with the ledger and its line of the index deleted nothing tells that it went out, but the closed month, which
    names the first record; and it is too late to claim it anew.
    """
    later, store = datetime(2027, 4, 10, tzinfo=UTC), open_store(stage.archive)
    stage.run("second")
    assert mend(store, verify(store), now=later).manifests == ("v1/month/2027-03/000001.manifest.json",)
    drop_the_ledger(played)
    (played / DONE).unlink()

    found = {finding.key for finding in verify(store).findings}

    assert f"{OLD}/000001.json" in found
    stage.run("third", until=NOON + timedelta(days=2))
    assert stage.texts() == ["Old.", "Good."]


def test_e5_a_store_that_lets_a_second_writer_in_sends_nothing(stage, watched):
    """E5: a store that answers "created" to whoever comes second is refused before anything is sent; with one that
    keeps its promise the post goes out.
    """
    stage.folder.post("good", "Good.")
    stage.folder.commit()
    inner = open_store(stage.archive)

    class Careless(watched):  # type: ignore[misc, valid-type]
        """Overwrites, as a store does that ignores If-None-Match."""

        def create(self, key: str, body: bytes) -> bool:
            (Path(stage.archive.removeprefix("dir:")) / key).unlink(missing_ok=True)
            self.inner.create(key, body)
            return True

        def probe(self) -> None:
            type(self.inner).probe(self)

    with pytest.raises(StoreError, match="second"):
        stage.run("first", store=Careless(inner, lambda *_: None))

    assert stage.posts() == []
    stage.run("second")
    assert stage.texts() == ["Good."]


def test_e6_an_erased_payload_is_no_damage_and_stops_nothing(stage, played):
    """E6: what a post said may be erased once it is out: its hash stands, the audit says how much is gone, and the good
    post goes out.
    """
    pin = stage.standing("posts/old@mastodon#1").pin
    (played / f"v1/payload/{pin.payload}.json").unlink()

    verified = verify(open_store(stage.archive))

    assert verified.findings == ()
    assert verified.erased == 1
    assert verified.seen[Slot.parse("posts/old@mastodon#1")].sound
    stage.run("second")
    assert stage.texts() == ["Old.", "Good."]
