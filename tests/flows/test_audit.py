"""The daily look: nothing that was due is silent, what the index lacks comes back, and no damage is vouched for."""
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.check import check
from flows.edges._directory import DirectoryStore
from flows.edges.ledger import Ledger, verify
from flows.planning.folding import fold
from flows.planning.sealing import receipt_of
from flows.prove import mend, prove
from schemas.ledger import Entry, Kind, Pin, Slot, State

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
GRACE = timedelta(hours=2)
LATE = NOON + GRACE + timedelta(minutes=16)
SLOT = Slot("posts/hello", "mastodon")
LINE = "v1/done/2027/03/01/published/posts.hello~mastodon~1"
ENDS = (State.published, State.failed, State.missed, State.skipped)


@pytest.fixture
def store(tmp_path) -> DirectoryStore:
    return DirectoryStore(str(tmp_path / "archive"))


@pytest.fixture
def plan_of(content_folder):
    """The plan of a folder with a post `hello`, due at noon; other names are added on the same channel."""
    def make(*more: str):
        folder = content_folder()
        for name in ("hello", *more):
            folder.post(name, f"This is {name}.", at=NOON)
        return check(folder.path, now=NOON).plan
    return make


def write(store: DirectoryStore, *kinds: Kind, slot: Slot = SLOT, due: datetime = NOON, line: bool = True) -> None:
    """A ledger of these records; its line in the index if it has ended, unless told not to."""
    ledger = Ledger(store, worker="host/1/boot/run", now=lambda: due)
    entries: list[Entry] = []
    for kind in kinds:
        fields: dict = {}
        if kind is Kind.claim:
            payload = ledger.put_payload(b'{"parts":[{"text":"one"}]}')
            fields = {"pin": Pin(commit="c", blob="b", payload=payload, account="@c"),
                      "detail": {"due": due.isoformat()}}
        elif kind is Kind.sending:
            fields = {"part": 0, "attempt": 1}
        elif kind is Kind.published:
            fields = {"part": 0, "detail": {"parts": [{"id": str(slot)}]}}
        elif kind is Kind.skipped:
            fields = {"detail": {"reason": "missed"}}
        entries.append(ledger.append(slot, entries[-1] if entries else None, kind, **fields))
    standing = fold(slot, entries)
    if line and standing.state in ENDS:
        ledger.mark_done(receipt_of(standing, entries))


SENT = (Kind.claim, Kind.sending, Kind.published)


@pytest.mark.parametrize("kinds", [
    SENT, (Kind.claim, Kind.sending, Kind.failed), (Kind.claim, Kind.skipped), (Kind.claim, Kind.sending, Kind.held),
])
def test_slot_with_an_end_is_not_silent(store, plan_of, kinds):
    """Published, failed, missed and held are answers."""
    write(store, *kinds)

    assert prove(verify(store), plan_of(), now=LATE).findings == ()


@pytest.mark.parametrize(("kinds", "how"), [
    ((), "nothing was recorded for it"),
    ((Kind.claim,), "its last state is publishing"),
    ((Kind.claim, Kind.released), "its last state is waiting"),
    ((Kind.claim, Kind.sending), "its last state is publishing"),
    ((Kind.claim, Kind.sending, Kind.unknown), "nobody knows whether it arrived"),
    ((Kind.claim, Kind.sending, Kind.failed, Kind.reopened), "its last state is planned"),
])
def test_slot_without_an_end_is_named(store, plan_of, kinds, how):
    """A quarter of an hour after its grace a slot without an end is named: slot, file, time, how it stands, remedy."""
    write(store, *kinds)
    plan = plan_of()

    (finding,) = prove(verify(store), plan, now=LATE).findings

    assert finding.key == str(SLOT)
    assert finding.what.endswith(f"it was due Mon 2027-03-01 12:00 (UTC) and has no end: {how}")
    assert "content/posts/hello.md:2:1" in finding.what
    assert finding.remedy
    assert prove(verify(store), plan, now=LATE - timedelta(minutes=1)).findings == ()


def test_what_needs_a_person_is_told(store, plan_of):
    """Slots that are held or unknown are listed, whether they are findings or not."""
    write(store, Kind.claim, Kind.sending, Kind.held)
    write(store, Kind.claim, Kind.sending, Kind.unknown, slot=Slot("posts/other", "mastodon"))

    proof = prove(verify(store), plan_of("other"), now=LATE)

    assert proof.waits == (SLOT, Slot("posts/other", "mastodon"))
    assert [finding.key for finding in proof.findings] == ["posts/other@mastodon#1"]


def test_slot_whose_file_is_gone_must_end_too(store, plan_of):
    """A day after it was due, a slot that no file names any more and that has not ended is named."""
    gone = Slot("posts/gone", "mastodon")
    write(store, *SENT)
    write(store, Kind.claim, Kind.released, slot=gone)

    assert prove(verify(store), plan_of(), now=NOON + timedelta(hours=23)).findings == ()
    (finding,) = prove(verify(store), plan_of(), now=NOON + timedelta(hours=25)).findings
    assert (finding.key, "no file of the content" in finding.what) == (str(gone), True)


def test_damaged_ledger_is_named_once(store, plan_of, tmp_path):
    """A slot whose ledger is damaged is a finding of the archive, not a silent one as well."""
    write(store, *SENT)
    (tmp_path / "archive/v1/ledger/posts.hello/mastodon/1/000003.json").unlink()

    proof = prove(verify(store), plan_of(), now=LATE)

    assert [finding.key for finding in proof.findings] == ["v1/ledger/posts.hello/mastodon/1/000003.json"]


def test_lost_lines_come_back_as_they_were(store):
    """The whole index can be lost: what is put back is the same, byte for byte."""
    write(store, *SENT)
    write(store, Kind.claim, Kind.skipped, slot=Slot("posts/late", "mastodon"))
    before = {key: store.get(key) for key in store.list("v1/done/")}
    shutil.rmtree(Path(store.address[4:]) / "v1/done")
    store = DirectoryStore(store.address[4:])

    mended = mend(store, verify(store), now=LATE)

    assert mended == (2, (), None)
    assert {key: store.get(key) for key in store.list("v1/done/")} == before
    assert mend(store, verify(store), now=LATE) == (0, (), None)


def test_damaged_ledger_gets_no_line(store, tmp_path):
    """What a damaged ledger seems to say is not written down anew."""
    write(store, *SENT, line=False)
    write(store, *SENT, slot=Slot("posts/whole", "mastodon"), line=False)
    path = tmp_path / "archive/v1/ledger/posts.hello/mastodon/1/000002.json"
    path.write_bytes(path.read_bytes().replace(b"host/1", b"host/2"))

    assert mend(store, verify(store), now=LATE).lines == 1
    assert list(store.list("v1/done/")) == ["v1/done/2027/03/01/published/posts.whole~mastodon~1"]


def test_past_months_are_closed_in_order(store):
    """Every month that is over is closed, the earliest first; the one under way is not."""
    for month in (1, 2, 3):
        write(store, *SENT, slot=Slot(f"posts/of-{month}", "mastodon"), due=datetime(2027, month, 5, 12, tzinfo=UTC))

    mended = mend(store, verify(store), now=LATE + timedelta(days=3))

    assert mended.manifests == tuple(f"v1/month/2027-0{month}/000001.manifest.json" for month in (1, 2))
    assert verify(store).findings == ()
    assert mend(store, verify(store), now=LATE + timedelta(days=4)) == (0, (), None)


def test_month_with_damage_is_not_closed(store, tmp_path):
    """A month in which one slot is damaged stays open; the others are closed."""
    for month in (1, 2):
        write(store, *SENT, slot=Slot(f"posts/of-{month}", "mastodon"), due=datetime(2027, month, 5, 12, tzinfo=UTC))
    (tmp_path / "archive/v1/ledger/posts.of-1/mastodon/1/000003.json").unlink()

    mended = mend(store, verify(store), now=LATE + timedelta(days=3))

    assert mended.manifests == ("v1/month/2027-02/000001.manifest.json",)


def test_damage_of_no_known_month_closes_nothing(store, tmp_path):
    """While nobody can tell to which month a damaged ledger belongs, no month is closed."""
    write(store, *SENT, due=NOON - timedelta(days=40))
    write(store, *SENT, slot=Slot("posts/other", "mastodon"), line=False)
    (tmp_path / "archive/v1/ledger/posts.other/mastodon/1/000001.json").write_bytes(b"{}")

    assert mend(store, verify(store), now=LATE).manifests == ()


def test_auditor_who_may_not_write_is_told(store, tmp_path):
    """Where nothing can be written the look is done all the same, and it is said why nothing was mended."""
    write(store, *SENT, line=False)
    (tmp_path / "archive/v1/done").write_text("in the way")

    mended = mend(store, verify(store), now=LATE)

    assert mended.lines == 0
    assert "v1/done" in mended.why
