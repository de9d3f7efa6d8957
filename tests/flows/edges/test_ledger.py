"""A ledger is a chain that only one worker at a time can lengthen, and that tells when somebody meddled."""
import json
import logging
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from flows.edges._directory import DirectoryStore, sync_folder
from flows.edges.ledger import Done, Ledger, verify, worker_id
from flows.edges.store import Unanswered
from flows.planning.folding import fold
from schemas.errors import StoreError
from schemas.ledger import Entry, Kind, PartReceipt, Pin, Record, Slot, State, canonical, idempotency_key

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SLOT = Slot("spring-mend/launch", "mastodon")
FOLDER = "v1/ledger/spring-mend.launch/mastodon/1"
TWO_PARTS = b'{"parts":[{"text":"one"},{"text":"two"}]}'


@pytest.fixture
def store(tmp_path) -> DirectoryStore:
    return DirectoryStore(str(tmp_path))


@pytest.fixture
def ledger(store) -> Ledger:
    return Ledger(store, worker="host/1/boot/run", now=lambda: NOON)


@pytest.fixture
def rival(store) -> Ledger:
    return Ledger(store, worker="host/2/boot/run", now=lambda: NOON)


def pin_of(ledger: Ledger, payload: bytes = TWO_PARTS, media: tuple[bytes, ...] = ()) -> Pin:
    return Pin(commit="c0ffee", blob="b10b", media=tuple(ledger.put_media(one) for one in media),
               payload=ledger.put_payload(payload), account="@club")


def publish(ledger: Ledger, slot: Slot = SLOT, media: tuple[bytes, ...] = ()) -> list[Entry]:
    """A thread of two parts, sent without trouble."""
    entries: list[Entry] = []

    def add(kind: Kind, **fields) -> None:
        entry = ledger.append(slot, entries[-1] if entries else None, kind, **fields)
        assert entry is not None
        entries.append(entry)

    add(Kind.claim, pin=pin_of(ledger, media=media))
    add(Kind.sending, part=0, attempt=1, send_window_s=10, request_timeout_s=60)
    add(Kind.sent, part=0, detail={"id": "7", "url": "https://social.example/7", "how": "answer"})
    add(Kind.sending, part=1, attempt=1, send_window_s=10, request_timeout_s=60)
    add(Kind.published, part=1, detail={"parts": [{"id": "7", "url": "https://social.example/7"},
                                                  {"id": "8", "url": "https://social.example/8"}]})
    return entries


def test_what_was_appended_is_read_back(ledger):
    """The ledger read from the archive is the one that was written, record for record and byte for byte."""
    entries = publish(ledger)

    assert ledger.read(SLOT) == tuple(entries)
    assert fold(SLOT, ledger.read(SLOT)).state is State.published


def test_slot_without_records_reads_empty(ledger):
    """Nothing tried is no error."""
    assert ledger.read(SLOT) == ()


def test_records_are_chained_numbered_and_told_apart(ledger):
    """Each record names the sha256 of the bytes before it; seq counts from 1; every nonce is new."""
    entries = publish(ledger)

    assert [entry.record.prev for entry in entries] == [None, *(entry.seal for entry in entries[:-1])]
    assert [entry.record.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert len({entry.record.nonce for entry in entries}) == 5
    assert all(len(bytes.fromhex(entry.record.nonce)) == 16 for entry in entries)


def test_bytes_of_a_record_are_these(store):
    """The stored form is JSON with sorted keys and no spaces, at the key that the specification names."""
    ledger = Ledger(store, worker="host/1/boot/run", now=lambda: NOON, nonce=lambda: "00" * 16)
    pin = Pin(commit="c", blob="b", payload="p", account="@club")

    ledger.append(SLOT, None, Kind.claim, pin=pin, detail={"reason": "fällig"})

    assert store.get(f"{FOLDER}/000001.json") == (
        '{"at":"2026-11-22T12:00:00Z","attempt":null,"detail":{"reason":"fällig"},"epoch":1,"key":null,'
        '"kind":"claim","nonce":"00000000000000000000000000000000","part":null,'
        '"pin":{"account":"@club","blob":"b","commit":"c","media":[],"payload":"p"},"prev":null,'
        '"request_timeout_s":null,"send_window_s":null,"seq":1,"v":1,"worker":"host/1/boot/run"}').encode()


def test_half_a_character_from_a_network_stops_no_record(ledger):
    """A reason with half a surrogate pair is stored readable all the same."""
    entry = ledger.append(SLOT, None, Kind.claim, pin=pin_of(ledger), detail={"reason": "bad \ud83d text"})

    assert entry.record.detail == {"reason": "bad ? text"}
    assert ledger.read(SLOT) == (entry,)


def test_sending_carries_the_key_of_its_part(ledger):
    """The idempotency key depends on slot and part only: the same for a second attempt under another claim."""
    claim = ledger.append(SLOT, None, Kind.claim, pin=pin_of(ledger))
    first = ledger.append(SLOT, claim, Kind.sending, part=0, attempt=1)
    again = ledger.append(SLOT, first, Kind.claim, pin=claim.record.pin)
    second = ledger.append(SLOT, again, Kind.sending, part=0, attempt=2)

    assert first.record.key == second.record.key == idempotency_key(SLOT, 0)


def test_only_a_claim_raises_the_epoch(ledger):
    """The epoch counts claims."""
    claim = ledger.append(SLOT, None, Kind.claim, pin=pin_of(ledger))
    sending = ledger.append(SLOT, claim, Kind.sending, part=0, attempt=1)
    again = ledger.append(SLOT, sending, Kind.claim, pin=claim.record.pin)

    assert [entry.record.epoch for entry in (claim, sending, again)] == [1, 1, 2]


def test_worker_that_was_overtaken_is_fenced(ledger, rival):
    """Once a rival has taken the slot over, the old holder's next record is refused and leaves no trace."""
    claim = ledger.append(SLOT, None, Kind.claim, pin=pin_of(ledger))
    taken = rival.append(SLOT, claim, Kind.claim, pin=claim.record.pin)

    assert ledger.append(SLOT, claim, Kind.sending, part=0, attempt=1) is None

    assert ledger.read(SLOT) == (claim, taken)


def test_worker_does_not_take_its_own_older_record_for_a_new_one(ledger):
    """The same worker saying the same again at a seq that is taken is fenced: the nonce tells the two apart."""
    pin = pin_of(ledger)
    ledger.append(SLOT, None, Kind.claim, pin=pin)

    assert ledger.append(SLOT, None, Kind.claim, pin=pin) is None


def test_record_whose_storing_is_in_doubt_can_be_written_again(tmp_path):
    """The same draft is written again until the archive answers; it is stored once and is ours."""
    failures = [OSError(5, "Input/output error")]

    def sync(folder: Path) -> None:
        if folder.name == "1" and failures:
            raise failures.pop()
        sync_folder(folder)

    ledger = Ledger(DirectoryStore(str(tmp_path), sync=sync), worker="host/1/boot/run", now=lambda: NOON)
    entry = ledger.draft(SLOT, None, Kind.claim, pin=pin_of(ledger))
    with pytest.raises(Unanswered):
        ledger.write(SLOT, entry)

    assert ledger.write(SLOT, entry) is True
    assert ledger.read(SLOT) == (entry,)


def test_age_of_a_record_is_the_store_s(ledger, tmp_path):
    """The lease is reckoned from the object, not from what the record says about its time."""
    ledger.append(SLOT, None, Kind.claim, pin=pin_of(ledger))
    past = (tmp_path / FOLDER / "000001.json").stat().st_mtime - 500
    os.utime(tmp_path / FOLDER / "000001.json", (past, past))

    assert 500 <= ledger.age(SLOT, 1) < 560
    assert ledger.age(SLOT, 2) is None


def test_payload_and_media_are_kept_by_their_hash(ledger, store):
    """The same bytes are kept once, however often they are put, and come back as they were."""
    payload, media = ledger.put_payload(TWO_PARTS), ledger.put_media(b"\x89PNG")
    assert (ledger.put_payload(TWO_PARTS), ledger.put_media(b"\x89PNG")) == (payload, media)

    assert ledger.get_payload(payload) == TWO_PARTS
    assert ledger.get_media(media) == b"\x89PNG"
    assert list(store.list("")) == [f"v1/media/{media}", f"v1/payload/{payload}.json"]


def test_payload_that_is_not_what_its_name_says_is_refused(ledger, tmp_path):
    """What would be sent is what was promised: other bytes under the same name stop both reading and writing."""
    sha256 = ledger.put_payload(TWO_PARTS)
    (tmp_path / f"v1/payload/{sha256}.json").write_bytes(b'{"parts":[]}')

    for attempt in (lambda: ledger.get_payload(sha256), lambda: ledger.put_payload(TWO_PARTS)):
        with pytest.raises(StoreError, match="other bytes"):
            attempt()


def test_missing_payload_is_named(ledger):
    """A payload that is not there is an error with the key."""
    with pytest.raises(StoreError, match="v1/media/abc is not in the archive"):
        ledger.get_media("abc")


def test_evidence_of_a_fenced_worker_is_kept(ledger, rival, store):
    """What a fenced worker learned is found under the slot, with the id that the network gave."""
    told = ledger.write_evidence(SLOT, epoch=1, part=0, attempt=1, receipt=PartReceipt(id="7"), detail={"status": 200})
    absent = rival.write_evidence(SLOT, epoch=2, part=0, attempt=2, receipt=None)

    assert {one.nonce: one for one in rival.evidence(SLOT)} == {told.nonce: told, absent.nonce: absent}
    assert list(store.list("v1/evidence/")) == sorted(
        f"v1/evidence/spring-mend.launch/mastodon/1/{one.nonce}.json" for one in (told, absent))


def test_index_tells_what_ended_by_day(ledger, store):
    """What ended is listed by the day it was due, for all days or for one."""
    ledger.mark_done(SLOT, State.published, date(2026, 11, 22))
    ledger.mark_done(Slot("posts/hello", "x", "20261121"), State.missed, date(2026, 11, 21))
    ledger.mark_done(SLOT, State.published, date(2026, 11, 22))

    assert list(store.list("v1/done/")) == [
        "v1/done/2026/11/21/missed/posts.hello~x~20261121",
        "v1/done/2026/11/22/published/spring-mend.launch~mastodon~1",
    ]
    hello = Done(Slot("posts/hello", "x", "20261121"), State.missed, date(2026, 11, 21))
    launch = Done(SLOT, State.published, date(2026, 11, 22))
    assert list(ledger.terminal_slots()) == [hello, launch]
    assert list(ledger.terminal_slots(date(2026, 11, 22))) == [launch]


def test_stray_file_in_the_index_is_passed_over(ledger, store):
    """The index is rebuilt, not trusted: what nobody can read there stops nothing."""
    store.create("v1/done/notes", b"")
    store.create("v1/done/2026/11/22/published/no-slot", b"")

    assert list(ledger.terminal_slots()) == []


def test_index_that_cannot_be_written_costs_nothing(ledger, tmp_path, caplog):
    """Losing an index line is said in the log and stops no publishing."""
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/done").write_text("in the way")

    with caplog.at_level(logging.WARNING):
        ledger.mark_done(SLOT, State.published, date(2026, 11, 22))

    assert "spring-mend/launch@mastodon#1" in caplog.text


def test_only_an_end_is_indexed(ledger):
    """A slot that waits for a person has not ended."""
    with pytest.raises(ValueError, match="held"):
        ledger.mark_done(SLOT, State.held, date(2026, 11, 22))


def test_all_slots_are_listed_once(ledger):
    """Every slot with a ledger, each once."""
    slots = [SLOT, Slot("posts/hello", "x", "20261121"), Slot("posts/hello", "x", "20261122"), Slot("posts/a", "x-y")]
    for slot in slots:
        publish(ledger, slot)

    assert sorted(ledger.all_slots()) == sorted(slots)
    assert len(list(ledger.all_slots())) == 4


def test_worker_id_names_host_process_boot_and_run():
    """Four names with slashes between, the process's own number second."""
    names = worker_id("calm-otter").split("/")

    assert len(names) == 4
    assert (names[1], names[3]) == (str(os.getpid()), "calm-otter")
    assert all(names)


def test_sound_archive_has_no_findings(ledger, store):
    """Verify reads everything and finds nothing in an archive that nobody touched."""
    publish(ledger, media=(b"\x89PNG",))
    publish(ledger, Slot("posts/hello", "x"))

    assert verify(store) == (2, 10, 2, ())


def test_empty_archive_has_no_findings(store):
    """No archive yet is no finding."""
    assert verify(store) == (0, 0, 0, ())


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
def test_any_altered_byte_is_named(ledger, store, tmp_path, seq, where):
    """One byte changed in a record that others follow: verify names that record, reading refuses the slot."""
    publish(ledger)
    path = tmp_path / f"{FOLDER}/{seq:06d}.json"
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * where)] ^= 1
    path.write_bytes(raw)

    assert f"{FOLDER}/{seq:06d}.json" in {finding.key for finding in verify(store).findings}
    with pytest.raises(StoreError) as refused:
        ledger.read(SLOT)
    assert refused.value.remedy


def test_rewritten_record_is_named(ledger, store, tmp_path):
    """A whole, well-formed record put in place of another is found by the one after it."""
    publish(ledger)
    path = tmp_path / f"{FOLDER}/000003.json"
    forged = Record.model_validate_json(path.read_bytes()).model_copy(
        update={"detail": {"id": "7", "url": "https://elsewhere.example/7", "how": "answer"}})
    path.write_bytes(canonical(forged))

    assert [(finding.key, finding.what) for finding in verify(store).findings] == [
        (f"{FOLDER}/000003.json", "record 3 is not the one that record 4 was chained to: one of the two was altered")]


@pytest.mark.parametrize("seq", [1, 2, 4])
def test_dropped_record_is_named(ledger, store, tmp_path, seq):
    """A record that is gone while later ones exist is named; what is left is counted."""
    publish(ledger)
    (tmp_path / f"{FOLDER}/{seq:06d}.json").unlink()

    verified = verify(store)

    assert [finding.key for finding in verified.findings] == [f"{FOLDER}/{seq:06d}.json"]
    assert (verified.slots, verified.records) == (1, 4)
    with pytest.raises(StoreError, match="missing"):
        ledger.read(SLOT)


@pytest.mark.parametrize("name", ["000002b.json", "000000.json", "2.json", "1000000.json", "notes"])
def test_fork_beside_a_record_is_named(ledger, store, tmp_path, name):
    """A file that is no record, put among the records, is named."""
    publish(ledger)
    (tmp_path / FOLDER / name).write_bytes((tmp_path / FOLDER / "000002.json").read_bytes())

    assert [finding.key for finding in verify(store).findings] == [f"{FOLDER}/{name}"]


def test_record_added_after_the_end_is_named(ledger, store):
    """Nothing may follow `published`: a well-chained record that does is named."""
    entries = publish(ledger)
    ledger.append(SLOT, entries[-1], Kind.claim, pin=entries[0].record.pin)

    assert [(finding.key, finding.what) for finding in verify(store).findings] == [
        (f"{FOLDER}/000006.json", "claim after published")]


def test_unreadable_record_is_named(ledger, store, tmp_path):
    """A record that is no JSON is named, and so is nothing else."""
    publish(ledger)
    (tmp_path / FOLDER / "000005.json").write_bytes(b"\x00" * 200)

    assert [(finding.key, finding.what) for finding in verify(store).findings] == [
        (f"{FOLDER}/000005.json", "record 5 cannot be read")]


def test_record_of_another_slot_is_named(ledger, store, tmp_path):
    """A whole ledger copied to another slot is found out by the idempotency keys."""
    publish(ledger)
    other = tmp_path / "v1/ledger/posts.hello/mastodon"
    other.mkdir(parents=True)
    (tmp_path / FOLDER).rename(other / "1")

    assert {finding.key for finding in verify(store).findings} == {
        f"v1/ledger/posts.hello/mastodon/1/00000{seq}.json" for seq in (2, 3, 4, 5)}


def test_stray_file_below_the_ledgers_is_named(ledger, store, tmp_path):
    """What belongs to no slot is named."""
    publish(ledger)
    (tmp_path / "v1/ledger/README").write_text("hello")

    assert [finding.key for finding in verify(store).findings] == ["v1/ledger/README"]


def test_receipt_with_too_few_ids_is_named(ledger, store):
    """`published` with one id for a message of two parts is a false receipt, found by looking into the payload."""
    claim = ledger.append(SLOT, None, Kind.claim, pin=pin_of(ledger))
    sending = ledger.append(SLOT, claim, Kind.sending, part=0, attempt=1)
    ledger.append(SLOT, sending, Kind.published, part=0, detail={"parts": [{"id": "7", "url": None}]})

    assert [(finding.key, finding.what) for finding in verify(store).findings] == [
        (f"{FOLDER}/000003.json", "published with 1 ids; its payload has 2 parts")]


def test_lost_and_altered_objects_are_named(ledger, store, tmp_path):
    """A payload that is gone and a picture that was swapped are named, the one with the record that needs it."""
    entries = publish(ledger, media=(b"\x89PNG",))
    pin = entries[0].record.pin
    (tmp_path / f"v1/payload/{pin.payload}.json").unlink()
    (tmp_path / f"v1/media/{pin.media[0]}").write_bytes(b"another picture")

    assert [(finding.key, finding.what) for finding in verify(store).findings] == [
        (f"v1/media/{pin.media[0]}", "holds other bytes than its name says"),
        (f"v1/payload/{pin.payload}.json", f"is missing; {FOLDER}/000001.json needs it"),
    ]


def test_findings_come_with_a_remedy(ledger, store, tmp_path):
    """Whatever is found, a person is told what to do."""
    publish(ledger)
    for name in ("000001.json", "000003.json"):
        (tmp_path / FOLDER / name).write_bytes(b"{}")
    (tmp_path / FOLDER / "extra").write_bytes(b"")

    findings = verify(store).findings

    assert len(findings) >= 3
    assert all(finding.remedy for finding in findings)


def test_record_from_a_later_version_is_not_guessed_at(ledger, tmp_path, store):
    """A record with fields we do not know is unreadable, not half understood."""
    publish(ledger)
    path = tmp_path / FOLDER / "000005.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "v": 2}))

    with pytest.raises(StoreError, match="cannot be read"):
        ledger.read(SLOT)
