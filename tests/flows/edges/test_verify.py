"""Nobody can touch the archive without being found out: each object is flipped, dropped, added, and then named."""
import gzip
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.edges._directory import DirectoryStore
from flows.edges.ledger import Finding, Ledger, verify
from flows.edges.months import close_month
from flows.planning.folding import fold
from flows.planning.sealing import receipt_of
from schemas.errors import StoreError
from schemas.ledger import Entry, Kind, Pin, Receipt, Record, Slot, State, canonical

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLOSED = datetime(2026, 12, 4, 0, 0, tzinfo=UTC)
THREAD, REFUSED, LATE = Slot("spring-mend/launch", "mastodon"), Slot("posts/refused", "x"), Slot("posts/late", "x")
FOLDER = "v1/ledger/spring-mend.launch/mastodon/1"
LINE = "v1/done/2026/11/22/published/spring-mend.launch~mastodon~1"
FILE, MANIFEST = "v1/month/2026-11/000001.jsonl.gz", "v1/month/2026-11/000001.manifest.json"
LEDGERS = {THREAD: 5, REFUSED: 3, LATE: 2}
RECORDS = [f"v1/ledger/{slot.folder}/{seq:06d}.json" for slot, last in LEDGERS.items() for seq in range(1, last + 1)]
LAST = [f"v1/ledger/{slot.folder}/{last:06d}.json" for slot, last in LEDGERS.items()]


@pytest.fixture
def store(tmp_path) -> DirectoryStore:
    return DirectoryStore(str(tmp_path))


@pytest.fixture
def ledger(store) -> Ledger:
    return Ledger(store, worker="host/1/boot/run", now=lambda: NOON)


def write(ledger: Ledger, slot: Slot, *steps: tuple[Kind, dict], due: datetime = NOON,
          media: tuple[bytes, ...] = ()) -> tuple[Entry, ...]:
    """Records after those that there are, and a line in the index if the slot has ended with the last."""
    entries = list(ledger.read(slot))
    for kind, fields in steps:
        more = dict(fields)
        if kind is Kind.claim:
            payload = ledger.put_payload(b'{"parts":[{"text":"one"},{"text":"two"}]}')
            pin = Pin(commit="c", blob="b", media=tuple(map(ledger.put_media, media)), payload=payload, account="@c")
            more = {"pin": pin, "detail": {"due": due.isoformat()}, **fields}
        entries.append(ledger.append(slot, entries[-1] if entries else None, kind, **more))
    standing = fold(slot, entries)
    if standing.state in (State.published, State.failed, State.missed):
        ledger.mark_done(receipt_of(standing, entries))
    return tuple(entries)


PARTS = [{"id": "7", "url": "https://social.example/7"}, {"id": "8", "url": "https://social.example/8"}]
SENT = ((Kind.claim, {}), (Kind.sending, {"part": 0, "attempt": 1}), (Kind.sent, {"part": 0, "detail": PARTS[0]}),
        (Kind.sending, {"part": 1, "attempt": 1}), (Kind.published, {"part": 1, "detail": {"parts": PARTS}}))
FAILED = ((Kind.claim, {}), (Kind.sending, {"part": 0, "attempt": 1}), (Kind.failed, {"detail": {"reason": "no"}}))
MISSED = ((Kind.claim, {}), (Kind.skipped, {"detail": {"reason": "missed"}}))


@pytest.fixture
def receipts(ledger) -> list[Receipt]:
    """An archive of three slots that have ended, each with its line: a thread that went out, a refusal, a late one."""
    for slot, steps in ((THREAD, SENT), (REFUSED, FAILED), (LATE, MISSED)):
        write(ledger, slot, *steps, media=(b"\x89PNG",) if slot == THREAD else ())
    return list(ledger.all_receipts().values())


@pytest.fixture
def closed(store, receipts) -> str:
    """The same with its month closed: the key of the manifest."""
    key = close_month(store, "2026-11", receipts, now=CLOSED)
    assert key == MANIFEST
    return key


def flipped(path: Path, at: int) -> None:
    """One bit of one byte is another."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def named(store: DirectoryStore) -> set[str]:
    findings = verify(store).findings
    assert all(isinstance(finding, Finding) and finding.what and finding.remedy for finding in findings)
    return {finding.key for finding in findings}


def after_each_flip(store: DirectoryStore, path: Path, check: Callable[[], None], step: int = 1) -> None:
    whole = path.read_bytes()
    for at in range(0, len(whole), step):
        flipped(path, at)
        check()
        path.write_bytes(whole)


def test_sound_archive_has_no_findings(store, closed):
    """Verify reads everything and finds nothing in an archive that nobody touched."""
    verified = verify(store)

    assert verified[:7] == (3, 10, 2, 3, 1, 0, ())
    assert {slot: seen.state for slot, seen in verified.seen.items()} == {
        THREAD: State.published, REFUSED: State.failed, LATE: State.missed}
    assert all(seen.sound and seen.indexed for seen in verified.seen.values())


def test_empty_archive_has_no_findings(store):
    """No archive yet is no finding."""
    assert verify(store)[:7] == (0, 0, 0, 0, 0, 0, ())


@pytest.mark.parametrize("key", RECORDS)
def test_any_flipped_byte_of_a_record_is_named(store, receipts, tmp_path, key):
    """Wherever one bit of a record is turned, also of the last one, also if it still reads well: its key is named."""
    def check() -> None:
        assert named(store) == {key}

    after_each_flip(store, tmp_path / key, check, step=5)


def test_any_flipped_byte_of_an_index_line_is_named(store, receipts, tmp_path):
    """Wherever one bit of a line of the index is turned, that line is named and no record."""
    def check() -> None:
        assert named(store) == {LINE}

    after_each_flip(store, tmp_path / LINE, check)


def test_any_flipped_byte_of_a_manifest_is_named(store, closed, tmp_path):
    """Wherever one bit of a month's manifest is turned, it is named, also if it still reads well."""
    def check() -> None:
        assert named(store) == {MANIFEST}

    after_each_flip(store, tmp_path / MANIFEST, check, step=3)


def test_any_flipped_byte_of_a_month_file_is_named(store, closed, tmp_path):
    """Wherever one bit of a month's file is turned, it is named."""
    def check() -> None:
        assert named(store) == {FILE}

    after_each_flip(store, tmp_path / FILE, check, step=7)


def test_refusing_to_read_a_ledger_that_was_touched(ledger, receipts, tmp_path):
    """A ledger with an altered record in the middle is not read at all: nothing is sent by it."""
    flipped(tmp_path / f"{FOLDER}/000002.json", 100)

    with pytest.raises(StoreError) as refused:
        ledger.read(THREAD)
    assert refused.value.remedy


@pytest.mark.parametrize("key", RECORDS)
def test_removed_record_is_named(store, receipts, tmp_path, key):
    """A record that is gone is named, also the last one."""
    (tmp_path / key).unlink()

    assert named(store) == {key}


def test_removed_ledger_is_named(store, receipts, tmp_path):
    """A ledger that is gone as a whole is named by its first record, with its length."""
    shutil.rmtree(tmp_path / FOLDER)

    assert [(f.key, f.what) for f in verify(store).findings] == [
        (f"{FOLDER}/000001.json", f"the whole ledger is gone, 5 records; {LINE} was made from it")]


@pytest.mark.parametrize("gone", ["last", "ledger"])
def test_closed_month_knows_what_the_index_has_lost(store, closed, tmp_path, gone):
    """When the line of the index is removed as well, the closed month still vouches for the ledger."""
    (tmp_path / LINE).unlink()
    if gone == "last":
        (tmp_path / f"{FOLDER}/000005.json").unlink()
        expected = f"{FOLDER}/000005.json"
    else:
        shutil.rmtree(tmp_path / FOLDER)
        expected = f"{FOLDER}/000001.json"

    assert named(store) == {expected}


@pytest.mark.parametrize("key", LAST)
def test_rewritten_last_record_is_named(store, receipts, tmp_path, key):
    """A whole, well-formed record put in place of the last one is found by the receipt that was made of the first."""
    record = Record.model_validate_json((tmp_path / key).read_bytes())
    (tmp_path / key).write_bytes(canonical(record.model_copy(update={"worker": "host/9/boot/other"})))

    assert named(store) == {key}


@pytest.mark.parametrize("name", ["000002b.json", "000000.json", "2.json", "1000000.json", "notes", "000006.json"])
def test_added_record_or_fork_is_named(store, receipts, tmp_path, name):
    """A copy of a record beside the others, or after the last, is named."""
    (tmp_path / FOLDER / name).write_bytes((tmp_path / FOLDER / "000002.json").read_bytes())

    assert named(store) == {f"{FOLDER}/{name}"}


def test_record_after_published_is_named(ledger, store, receipts):
    """Nothing may follow `published`: a well-chained record that does is named."""
    entries = ledger.read(THREAD)
    ledger.append(THREAD, entries[-1], Kind.claim, pin=entries[0].record.pin)

    assert [(f.key, f.what) for f in verify(store).findings] == [(f"{FOLDER}/000006.json", "claim after published")]


@pytest.mark.parametrize(("key", "what"), [
    ("v1/ledger/notes", "belongs to no slot"),
    ("v1/done/2026/11/22/published/notes", "is no line of the index"),
    ("v1/month/2026-11/notes", "belongs to no closed month"),
    ("v1/month/2026-11/000002.jsonl.gz", "is named by no manifest"),
    ("v1/month/2026-11/000003.manifest.json", "is not the manifest that was written there"),
    ("v1/evidence/posts.late/x/1/00.json", "is no evidence that can be read"),
    ("v1/media/notes", "holds other bytes than its name says"),
])
def test_stray_object_is_named(store, closed, tmp_path, key, what):
    """What was put where it does not belong is named."""
    (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / key).write_bytes(b"{}")

    assert any(finding.key == key and what in finding.what for finding in verify(store).findings)


def test_receipt_of_nobody_is_named(store, receipts, tmp_path):
    """A line that claims a post went out of which no ledger knows is named."""
    line = tmp_path / "v1/done/2026/11/22/published/posts.never~x~1"
    (published,) = (receipt for receipt in receipts if receipt.state is State.published)
    line.write_bytes(canonical(published.model_copy(update={"slot": "posts/never@x#1"})))

    assert named(store) == {"v1/ledger/posts.never/x/1/000001.json"}


def test_line_at_the_wrong_place_is_named(store, receipts, tmp_path):
    """A receipt filed under another day or state is named."""
    wrong = "v1/done/2026/11/23/published/spring-mend.launch~mastodon~1"
    (tmp_path / wrong).parent.mkdir(parents=True)
    (tmp_path / LINE).rename(tmp_path / wrong)

    assert named(store) == {wrong}


def test_ledger_moved_to_another_slot_is_named(store, receipts, tmp_path):
    """A whole ledger under another slot's name is found out by the idempotency keys, and is missed where it was."""
    (tmp_path / "v1/ledger/posts.hello/mastodon").mkdir(parents=True)
    (tmp_path / FOLDER).rename(tmp_path / "v1/ledger/posts.hello/mastodon/1")

    assert named(store) == {f"{FOLDER}/000001.json",
                            *(f"v1/ledger/posts.hello/mastodon/1/00000{seq}.json" for seq in (2, 3, 4, 5))}


def test_older_line_of_a_reopened_slot_is_no_finding(ledger, store, receipts):
    """What failed, was reopened and went out keeps its older line, which still fits the record it was made of."""
    write(ledger, REFUSED, (Kind.reopened, {}), *SENT)

    verified = verify(store)

    assert (verified.findings, verified.lines) == ((), 4)
    assert verified.seen[REFUSED].state is State.published


def test_second_end_under_the_same_key_is_no_finding(ledger, store, receipts):
    """A slot that failed again on the same day keeps the line of its first end."""
    write(ledger, REFUSED, (Kind.reopened, {}), *FAILED)

    verified = verify(store)

    assert (verified.findings, verified.lines, verified.seen[REFUSED].indexed) == ((), 3, True)


def test_receipt_with_too_few_ids_is_named(ledger, store):
    """`published` with one id for a message of two parts is a false receipt, found by looking into the payload."""
    write(ledger, THREAD, (Kind.claim, {}), (Kind.sending, {"part": 0, "attempt": 1}),
          (Kind.published, {"part": 0, "detail": {"parts": PARTS[:1]}}))

    assert [(f.key, f.what) for f in verify(store).findings] == [
        (f"{FOLDER}/000003.json", "published with 1 ids; its payload has 2 parts")]


def test_erased_payload_and_media_are_counted_not_named(store, closed, tmp_path):
    """Personal data that was erased leaves its hash: nothing is wrong, and it is told how much is gone."""
    shutil.rmtree(tmp_path / "v1/payload")
    shutil.rmtree(tmp_path / "v1/media")

    verified = verify(store)

    assert (verified.findings, verified.objects, verified.erased) == ((), 0, 2)


def test_swapped_media_and_payload_are_named(store, closed, tmp_path):
    """A payload or picture that is there with other bytes is named."""
    objects = [*store.list("v1/media/"), *store.list("v1/payload/")]
    for key in objects:
        flipped(tmp_path / key, 1)

    assert named(store) == set(objects)


def test_payload_that_is_still_needed_is_missed(ledger, store, tmp_path):
    """What a slot under way has promised must be there: without it the rest of a thread cannot go out."""
    write(ledger, THREAD, *SENT[:3])
    shutil.rmtree(tmp_path / "v1/payload")

    (finding,) = verify(store).findings

    assert finding.what == f"is missing; {FOLDER}/000001.json has not ended and needs it"


def test_every_damage_is_named_at_once(store, closed, tmp_path):
    """Damage in many places at once is named in each of them."""
    flipped(tmp_path / FILE, 30)
    flipped(tmp_path / f"v1/ledger/{REFUSED.folder}/000001.json", 30)
    (tmp_path / f"v1/ledger/{LATE.folder}/000002.json").unlink()
    (tmp_path / FOLDER / "extra").write_bytes(b"")
    flipped(tmp_path / LINE, 30)

    assert named(store) == {FILE, f"v1/ledger/{REFUSED.folder}/000001.json", f"v1/ledger/{LATE.folder}/000002.json",
                            f"{FOLDER}/extra", LINE}


# --- closed months ----------------------------------------------------------------------------------------------------


def test_month_file_holds_every_receipt(store, closed, receipts):
    """A closed month is its receipts, one a line, sorted, and the manifest names the file by its hash."""
    lines = gzip.decompress(store.get(FILE)).split(b"\n")
    manifest = json.loads(store.get(MANIFEST))

    assert lines == [*sorted(canonical(receipt) for receipt in receipts), b""]
    assert {k: v for k, v in manifest.items() if k not in ("files", "seal")} == {
        "v": 1, "month": "2026-11", "n": 1, "slots": 3, "prev": None, "at": "2026-12-04T00:00:00Z"}
    assert set(manifest["files"]) == {FILE}


@pytest.mark.parametrize("now", [NOON, CLOSED - timedelta(seconds=1)])
def test_month_stays_open_for_three_more_days(store, receipts, now):
    """Until three days after its last day a month is not closed."""
    assert close_month(store, "2026-11", receipts, now=now) is None
    assert list(store.list("v1/month/")) == []


def test_month_is_closed_once(store, closed, receipts):
    """Closing a month that says the same already writes nothing."""
    before = list(store.list("v1/"))

    assert close_month(store, "2026-11", reversed(receipts), now=CLOSED + timedelta(days=1)) is None
    assert list(store.list("v1/")) == before


def test_month_without_receipts_is_not_closed(store):
    """There is no file about nothing."""
    assert close_month(store, "2026-11", [], now=CLOSED) is None


def test_what_ended_late_closes_the_month_anew(ledger, store, closed):
    """A slot that ends after the closing leads to the next number, chained to the one before, and that is in force."""
    write(ledger, Slot("posts/resolved", "x"), *SENT)
    everything = [seen.receipt for seen in verify(store).seen.values()]
    assert len(ledger.receipts("2026-11")) == 3

    assert close_month(store, "2026-11", everything, now=CLOSED + timedelta(days=9)) == (
        "v1/month/2026-11/000002.manifest.json")

    assert len(ledger.receipts("2026-11")) == 4
    assert verify(store)[3:7] == (4, 2, 0, ())


def test_closing_that_was_cut_off_is_taken_up_again(store, closed, receipts, tmp_path):
    """A file without its manifest is named, and the same closing again makes it whole."""
    (tmp_path / MANIFEST).unlink()
    assert named(store) == {FILE}

    assert close_month(store, "2026-11", receipts, now=CLOSED) == MANIFEST
    assert named(store) == set()


@pytest.fixture
def three_months(ledger, store, closed) -> list[str]:
    """November, December and January, closed one after the other."""
    keys = [closed]
    for number, month in ((1, "2026-12"), (2, "2027-01")):
        write(ledger, Slot(f"posts/of-{number}", "x"), *SENT, due=NOON + timedelta(days=31 * number))
        received = list(ledger.receipts(month).values())
        keys.append(close_month(store, month, received, now=CLOSED + timedelta(days=31 * number)))
    return keys


def test_manifests_are_a_chain(store, three_months):
    """Each month's manifest names the one before."""
    assert verify(store)[4:7] == (3, 0, ())
    assert three_months == [f"v1/month/{month}/000001.manifest.json" for month in ("2026-11", "2026-12", "2027-01")]
    assert [json.loads(store.get(key))["prev"] is None for key in three_months] == [True, False, False]


def test_forged_manifest_is_named_by_its_successor(store, three_months, receipts, tmp_path):
    """A month closed anew in place of its first closing breaks the chain that the next month holds."""
    (tmp_path / MANIFEST).unlink()
    (tmp_path / FILE).unlink()
    assert named(store) == {three_months[1]}

    close_month(store, "2026-11", receipts, now=CLOSED + timedelta(hours=1))

    assert named(store) == {three_months[1]}


def test_damaged_month_is_read_from_its_days(ledger, store, closed, tmp_path, caplog):
    """Whoever asks for a month whose file was touched gets the same from the index, and the log says so."""
    whole = ledger.receipts("2026-11")
    flipped(tmp_path / FILE, 30)

    assert ledger.receipts("2026-11") == whole
    assert ledger.receipts(NOON.date()) == whole
    assert "cannot be relied on" in caplog.text
