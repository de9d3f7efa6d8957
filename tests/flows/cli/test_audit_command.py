"""audit, archive and status --on: their words, their exit codes, and what they cost."""
import re
import shutil
from datetime import UTC, datetime

import pytest

from flows.cli.auditing import _said_of
from flows.edges.ledger import Ledger, Verified
from flows.edges.store import open_store
from schemas.ledger import Kind, Slot

SLOT = "posts/sharpen-a-chisel@mastodon#1"
ARCHIVE = ".drumbeat/rehearsal/archive"
LAST = "v1/ledger/posts.sharpen-a-chisel/mastodon/1/000003.json"
LINE = "v1/done/2026/11/05/published/posts.sharpen-a-chisel~mastodon~1"
AT = ("--now", "2026-11-05 14:00")


@pytest.fixture(scope="module")
def first_day(tmp_path_factory, sample_copy, drumbeat):
    """The sample content after the day of its first post."""
    home = sample_copy(tmp_path_factory.mktemp("first-day") / "club")
    done = drumbeat("publish", "--once", "--rehearse", *AT, cwd=home)
    assert done.code == 0, done.err
    return home


@pytest.fixture
def played(first_day, tmp_path):
    """A copy that the test may damage."""
    return shutil.copytree(first_day, tmp_path / "played")


def damage(home) -> None:
    """The last record of a published post says another time."""
    record = home / ARCHIVE / LAST
    record.write_bytes(record.read_bytes().replace(b"2026-11-05T14", b"2026-11-05T13"))


def test_audit_of_a_good_day(drumbeat, first_day):
    """Nothing found: exit 0, and one sentence on what was looked at."""
    done = drumbeat("audit", "--json", *AT, cwd=first_day)
    said = drumbeat("audit", "--cost", *AT, cwd=first_day)

    assert done.code == 0, done.err
    assert done.json == {
        "ok": True, "findings": [], "slots": 5, "records": 15, "objects": done.json["objects"], "lines": 5,
        "manifests": 0, "erased": 0, "overdue": [], "waits": [], "lines_written": 0, "months_closed": []}
    assert (said.code, said.out) == (0, "")
    assert "5 slots, 15 records" in said.err
    assert re.search(r"^store: \d+ lists, \d+ reads, \d+ writes$", said.err, re.MULTILINE)


@pytest.mark.parametrize(("objects", "said"), [(0, "0 payloads and files"), (1, "1 payload or file"),
                                               (2, "2 payloads and files")])
def test_one_is_one(objects: int, said: str) -> None:
    done = Verified(1, 3, objects, 1, 0, 0, (), {}, frozenset())
    assert _said_of(done) == f"1 slot, 3 records, {said}, 1 line of the index, 0 closings of months: every chain holds"


def test_audit_closes_the_month_and_mends_the_index(drumbeat, played):
    """What the index lost is put back, and the month is closed once it is over: then nothing is left to do."""
    (played / ARCHIVE / LINE).unlink()
    later = ("--archive", f"dir:{played / ARCHIVE}", "--now", "2026-12-05")

    looked = drumbeat("audit", "--only-look", "--json", *later, cwd=played)
    done = drumbeat("audit", "--json", *later, cwd=played)
    again = drumbeat("audit", "--json", *later, cwd=played)

    assert [(one.json["lines_written"], one.json["months_closed"]) for one in (looked, done, again)] == [
        (0, []), (1, ["v1/month/2026-11/000001.manifest.json"]), (0, [])]
    assert (played / ARCHIVE / LINE).exists()


def test_audit_of_damage(drumbeat, played):
    """A touched last record: exit 3, with its key, what is wrong and what to do."""
    damage(played)

    done = drumbeat("audit", *AT, cwd=played)

    assert done.code == 3
    assert done.out.startswith(f"{LAST}: record 3 is not the one that {LINE} was made from")
    assert "  remedy: " in done.out


def test_audit_of_a_silent_slot(drumbeat, sample):
    """Nobody published: exit 4, with slot, file, time and what to do, though there is no archive at all."""
    done = drumbeat("audit", "--now", "2026-11-06", cwd=sample)

    assert done.code == 4
    assert f"{SLOT}: " in done.out
    assert "content/posts/sharpen-a-chisel.md:2:1: it was due Thu 2026-11-05 12:30 (Europe/Dublin)" in done.out
    assert "drumbeat up" in done.out
    assert "no archive yet" in done.err
    assert not (sample / ".drumbeat").exists()


def test_audit_of_what_waits_for_a_person(drumbeat, played):
    """A slot whose last answer nobody knows: exit 5, and it is named."""
    slot, store = Slot("posts/doubtful", "mastodon"), open_store(f"dir:{played / ARCHIVE}")
    ledger = Ledger(store, worker="host/1/boot/run", now=lambda: datetime(2026, 11, 5, 13, tzinfo=UTC))
    claim = ledger.read(Slot.parse(SLOT))[0].record
    entry = ledger.append(slot, None, Kind.claim, pin=claim.pin, detail=claim.detail)
    entry = ledger.append(slot, entry, Kind.sending, part=0, attempt=1)
    ledger.append(slot, entry, Kind.unknown, part=0, detail={"reason": "no answer"})

    done = drumbeat("audit", *AT, cwd=played)

    assert done.code == 5
    assert f"{slot} waits for a person: drumbeat why {slot}" in done.err


def test_status_of_a_day_and_of_a_month(drumbeat, first_day):
    """--on shows what was due on a day or in a month, as status without it does, for fewer requests."""
    whole = drumbeat("status", "--json", *AT, cwd=first_day).json["slots"]
    day = drumbeat("status", "--on", "2026-11-05", "--json", "--cost", *AT, cwd=first_day)
    month = drumbeat("status", "--on", "2026-11", "--json", *AT, cwd=first_day)
    other = drumbeat("status", "--on", "2027-03-02", "--json", *AT, cwd=first_day)

    assert day.json["slots"] == [slot for slot in whole if (slot["at"] or "").startswith("2026-11-05")]
    assert month.json["slots"] == [slot for slot in whole if (slot["at"] or "").startswith("2026-11")]
    assert other.json["slots"] == [slot for slot in whole if (slot["at"] or "").startswith("2027-03-02")]
    assert day.json["counts"] == {"published": 5}
    # lists: the last good plan and whose it is, what was rejected, outages of today, what is held, the month, the day,
    # the ledger of each that waits; reads: the plan twice, a line each
    assert "store: 8 lists, 7 reads, 0 writes" in day.err


@pytest.mark.parametrize("word", ["2026-13", "2026-02-30", "november", "2026", "2026-11-5"])
def test_a_day_that_is_none(drumbeat, first_day, word):
    """--on says how a day and a month are written: exit 2."""
    done = drumbeat("status", "--on", word, cwd=first_day)

    assert done.code == 2
    assert "write 2026-11-05 or 2026-11" in done.err


def test_ls_lists_keys(drumbeat, first_day):
    """archive ls: the keys below a prefix, one a line; a prefix that no key can have is refused with exit 2."""
    done = drumbeat("archive", "ls", "v1/done/", cwd=first_day)
    whole = drumbeat("archive", "ls", "--json", cwd=first_day)
    wrong = drumbeat("archive", "ls", "v1/Done/", cwd=first_day)

    assert (done.code, len(done.out.splitlines())) == (0, 5)
    assert LINE in done.out.splitlines()
    assert set(done.out.splitlines()) < set(whole.json["keys"])
    assert (wrong.code, wrong.out) == (2, "")
    assert "v1/done" in wrong.err


def test_rebuild_index(drumbeat, played):
    """archive rebuild-index: lost lines come back; of a damaged ledger none, and it is named with exit 3."""
    shutil.rmtree(played / ARCHIVE / "v1/done")
    done = drumbeat("archive", "rebuild-index", *AT, cwd=played)
    assert (done.code, "put back 5 lines" in done.err) == (0, True)

    (played / ARCHIVE / LINE).unlink()
    record = played / ARCHIVE / LAST.replace("000003", "000002")
    record.write_bytes(record.read_bytes().replace(b'"attempt":1', b'"attempt":2'))
    done = drumbeat("archive", "rebuild-index", *AT, cwd=played)

    assert done.code == 3
    assert LAST.replace("000003", "000002") in done.out
    assert not (played / ARCHIVE / LINE).exists()


def test_erased_files_are_told(drumbeat, played):
    """archive verify: payloads that were erased on purpose are counted, and nothing is wrong."""
    shutil.rmtree(played / ARCHIVE / "v1/payload")

    done = drumbeat("archive", "verify", cwd=played)

    assert (done.code, done.out) == (0, "")
    assert re.search(r"every chain holds; \d payload or media files? erased, the hashes stand", done.err)
