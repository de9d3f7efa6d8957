"""A ledger is a chain that only one worker at a time can lengthen, and that tells when somebody meddled."""
import json
import logging
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.edges._directory import DirectoryStore, sync_folder
from flows.edges.ledger import Done, Ledger, worker_id
from flows.edges.store import Counted, Unanswered
from flows.planning.folding import fold
from flows.planning.sealing import receipt_of
from schemas.errors import StoreError
from schemas.ledger import Entry, Kind, PartReceipt, Pin, Receipt, Slot, State, Upload, idempotency_key

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


def publish(ledger: Ledger, slot: Slot = SLOT, media: tuple[bytes, ...] = (), *, due: datetime | None = None,
            ids: tuple[str, ...] = ("7", "8"), until: int = 5) -> list[Entry]:
    """A thread of two parts, sent without trouble, up to record `until`."""
    entries: list[Entry] = []
    first, second = ({"id": one, "url": f"https://social.example/{one}"} for one in ids)

    def add(kind: Kind, **fields) -> None:
        if len(entries) < until:
            entry = ledger.append(slot, entries[-1] if entries else None, kind, **fields)
            assert entry is not None
            entries.append(entry)

    add(Kind.claim, pin=pin_of(ledger, media=media), detail={"due": due.isoformat()} if due else {})
    add(Kind.sending, part=0, attempt=1, send_window_s=10, request_timeout_s=60)
    add(Kind.sent, part=0, detail={**first, "how": "answer"})
    add(Kind.sending, part=1, attempt=1, send_window_s=10, request_timeout_s=60)
    add(Kind.published, part=1, detail={"parts": [first, second]})
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
        '"pin":{"account":"@club","account_id":null,"blob":"b","commit":"c","media":[],"payload":"p"},"prev":null,'
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

    later = Ledger(DirectoryStore(str(tmp_path)), worker="later", now=lambda: NOON)
    for attempt in (lambda: ledger.get_payload(sha256), lambda: later.put_payload(TWO_PARTS)):
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


def receipt(slot: Slot = SLOT, state: State = State.published, due: datetime = NOON, records: int = 5) -> Receipt:
    return Receipt(slot=str(slot), state=state, due=due, at=due, parts=(PartReceipt(id="7"),), reason=None,
                   records=records, seal="5" * 64)


def ended(ledger: Ledger, slot: Slot = SLOT, due: datetime = NOON, ids: tuple[str, ...] = ("7", "8")) -> Receipt:
    """A slot whose whole thread went out, with its line in the index."""
    entries = publish(ledger, slot, due=due, ids=ids)
    made = receipt_of(fold(slot, entries), entries)
    ledger.mark_done(made)
    return made


def failed(ledger: Ledger, slot: Slot, last: Entry | None = None, due: datetime = NOON) -> Entry:
    """A slot that the network refused, with its line in the index."""
    claim = ledger.append(slot, last, Kind.claim, pin=pin_of(ledger), detail={"due": due.isoformat()})
    sending = ledger.append(slot, claim, Kind.sending, part=0, attempt=1)
    end = ledger.append(slot, sending, Kind.failed, part=0, detail={"reason": "too long"})
    entries = ledger.read(slot)
    ledger.mark_done(receipt_of(fold(slot, entries), entries))
    return end


def test_index_tells_what_ended_by_day(ledger, store):
    """What ended is listed by the day it was due, for all days or for one, from the keys alone."""
    ledger.mark_done(receipt())
    ledger.mark_done(receipt(Slot("posts/hello", "x", "20261121"), State.missed, NOON - timedelta(days=1)))
    ledger.mark_done(receipt())

    assert list(store.list("v1/done/")) == [
        "v1/done/2026/11/21/missed/posts.hello~x~20261121",
        "v1/done/2026/11/22/published/spring-mend.launch~mastodon~1",
    ]
    hello = Done(Slot("posts/hello", "x", "20261121"), State.missed, date(2026, 11, 21))
    launch = Done(SLOT, State.published, date(2026, 11, 22))
    assert list(ledger.terminal_slots()) == [hello, launch]
    assert list(ledger.terminal_slots(date(2026, 11, 22))) == [launch]


def test_line_of_the_index_is_the_receipt(ledger, store):
    """The body of a line says how the slot ended, in these bytes, and anybody who has the ledger makes them again."""
    made = ended(ledger)
    entries = ledger.read(SLOT)

    assert store.get("v1/done/2026/11/22/published/spring-mend.launch~mastodon~1") == (
        '{"at":"2026-11-22T12:00:00Z","due":"2026-11-22T12:00:00Z","failure":null,'
        '"parts":[{"id":"7","url":"https://social.example/7"},{"id":"8","url":"https://social.example/8"}],'
        f'"reason":null,"records":5,"seal":"{entries[-1].seal}","slot":"spring-mend/launch@mastodon#1",'
        '"state":"published","v":1}').encode()
    assert receipt_of(fold(SLOT, entries), entries) == made


def test_receipt_names_the_last_time_that_was_claimed(ledger):
    """What failed, got a new time and ended again is due at the new time; without any time, when it ended."""
    end = failed(ledger, SLOT, due=NOON)
    reopened = ledger.append(SLOT, end, Kind.reopened)
    failed(ledger, SLOT, reopened, due=NOON + timedelta(days=3))
    entries = ledger.read(SLOT)
    assert receipt_of(fold(SLOT, entries), entries).due == NOON + timedelta(days=3)

    other = Slot("posts/hello", "x")
    entries = publish(ledger, other)
    assert receipt_of(fold(other, entries), entries).due == entries[-1].record.at


def test_what_has_not_ended_has_no_receipt(ledger):
    """A slot that is under way is never put into the index."""
    entries = [ledger.append(SLOT, None, Kind.claim, pin=pin_of(ledger))]

    with pytest.raises(ValueError, match="no end"):
        receipt_of(fold(SLOT, entries), entries)


def test_receipts_of_a_day_and_of_a_month(ledger):
    """Who asks for a day or a month is told how each slot due then ended."""
    first = ended(ledger, SLOT, NOON)
    second = ended(ledger, Slot("posts/hello", "x"), NOON + timedelta(days=2))
    ended(ledger, Slot("posts/later", "x"), NOON + timedelta(days=20))

    assert ledger.receipts(NOON.date()) == {SLOT: first}
    assert ledger.receipts("2026-11") == {SLOT: first, Slot("posts/hello", "x"): second}
    assert ledger.receipts(date(2026, 11, 1)) == {}
    assert len(ledger.all_receipts()) == 3


def test_slot_that_ended_twice_is_told_once(ledger):
    """Of several lines of one slot the one of the longest ledger counts."""
    reopened = ledger.append(SLOT, failed(ledger, SLOT), Kind.reopened)
    claim = ledger.append(SLOT, reopened, Kind.claim, pin=pin_of(ledger, b'{"parts":[{"text":"one"}]}'),
                          detail={"due": NOON.isoformat()})
    sending = ledger.append(SLOT, claim, Kind.sending, part=0, attempt=1)
    ledger.append(SLOT, sending, Kind.published, part=0, detail={"parts": [{"id": "9"}]})
    entries = ledger.read(SLOT)
    ledger.mark_done(receipt_of(fold(SLOT, entries), entries))

    assert len(list(ledger.terminal_slots())) == 2
    assert [one.state for one in ledger.receipts(NOON.date()).values()] == [State.published]
    assert [one.state for one in ledger.all_receipts().values()] == [State.published]


def test_reopened_slot_has_not_ended(ledger):
    """A line whose ledger went on since is not told as an end."""
    ledger.append(SLOT, failed(ledger, SLOT), Kind.reopened)

    assert ledger.receipts(NOON.date()) == {}


def test_stray_file_in_the_index_is_passed_over(ledger, store):
    """The index is rebuilt, not trusted: what nobody can read there stops nothing."""
    store.create("v1/done/notes", b"")
    store.create("v1/done/2026/11/22/published/no-slot", b"")
    store.create("v1/done/2026/13/45/published/a.b~x~1", b"")
    store.create("v1/done/2026/11/22/published/posts.hello~x~1", b"")

    assert [done.slot for done in ledger.terminal_slots()] == [Slot("posts/hello", "x")]
    assert ledger.receipts(NOON.date()) == {}


def test_index_that_cannot_be_written_costs_nothing(ledger, tmp_path, caplog):
    """Losing an index line is said in the log and stops no publishing."""
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1/done").write_text("in the way")

    with caplog.at_level(logging.WARNING):
        ledger.mark_done(receipt())

    assert "spring-mend/launch@mastodon#1" in caplog.text


def test_only_an_end_is_indexed(ledger):
    """A slot that waits for a person has not ended."""
    with pytest.raises(ValueError, match="held"):
        ledger.mark_done(receipt(state=State.held))


def test_ids_that_a_channel_s_slots_hold(ledger):
    """Ids of slots due from two days before to one day after, and of those that are under way; other channels' not."""
    def on(days: int, name: str, channel: str = "mastodon") -> Slot:
        slot = Slot(f"posts/{name}", channel)
        ended(ledger, slot, NOON + timedelta(days=days), ids=(f"{name}-1", f"{name}-2"))
        return slot

    on(-3, "too-early")
    early, late = on(-2, "early"), on(1, "late")
    on(2, "too-late")
    on(0, "elsewhere", "x")
    under_way = Slot("posts/half", "mastodon")
    publish(ledger, under_way, until=3)

    assert ledger.receipts_of("mastodon", NOON, NOON, also=[under_way, Slot("posts/not-begun", "mastodon")]) == {
        "early-1": early, "early-2": early, "late-1": late, "late-2": late, "7": under_way}


def test_ids_are_read_from_the_ledger_where_the_line_says_nothing(ledger, store, tmp_path):
    """A line that cannot be read, or whose slot was reopened, leads to the ledger; a damaged ledger is an error."""
    ended(ledger)
    line = tmp_path / "v1/done/2026/11/22/published/spring-mend.launch~mastodon~1"
    line.write_bytes(b"")
    assert set(ledger.receipts_of("mastodon", NOON, NOON)) == {"7", "8"}

    (tmp_path / FOLDER / "000002.json").write_bytes(b"{}")
    with pytest.raises(StoreError, match="cannot be relied on"):
        ledger.receipts_of("mastodon", NOON, NOON)


def test_open_slots_come_from_one_listing(ledger, store):
    """What has a ledger and has not ended, with the number of its records, at the price of a listing."""
    ended(ledger)
    half = Slot("posts/half", "mastodon")
    publish(ledger, half, until=3)
    counted = Counted(store)

    reading = Ledger(counted, worker="reader", now=lambda: NOON)
    assert list(reading.open_slots({SLOT})) == [(half, 3)]
    assert str(counted) == "store: 1 lists, 0 reads, 0 writes"


def test_uploads_are_kept_newest_first(ledger, rival, store):
    """What a network calls a file is kept for each channel and file, the newest first, whoever uploaded it."""
    def upload(handle: str) -> Upload:
        return Upload(handle=handle, alt="A drill", at=NOON, expires_at=NOON + timedelta(hours=1), slot=str(SLOT),
                      part=0, shared=False)

    sha256 = ledger.put_media(b"\x89PNG")
    assert [ledger.put_handle("mastodon", sha256, upload("m1")), rival.put_handle("mastodon", sha256, upload("m2"))
            ] == [1, 2]
    store.create(f"v1/upload/mastodon/{sha256}/000003.json", b"torn")

    assert [one.handle for one in ledger.handles("mastodon", sha256)] == ["m2", "m1"]
    assert ledger.handles("x", sha256) == ()
    assert json.loads(store.get(f"v1/upload/mastodon/{sha256}/000001.json")) == {
        "v": 1, "handle": "m1", "alt": "A drill", "at": "2026-11-22T12:00:00Z", "expires_at": "2026-11-22T13:00:00Z",
        "slot": "spring-mend/launch@mastodon#1", "part": 0, "shared": False}


def test_all_slots_are_listed_once(ledger):
    """Every slot with a ledger, each once."""
    slots = [SLOT, Slot("posts/hello", "x", "20261121"), Slot("posts/hello", "x", "20261122"), Slot("posts/a", "x-y")]
    for slot in slots:
        publish(ledger, slot)

    assert sorted(ledger.all_slots()) == sorted(slots)
    assert len(list(ledger.all_slots())) == 4


def test_worker_id_names_host_process_boot_and_run():
    """Four names with slashes between, the process's own number second."""
    names = worker_id().split("/")

    assert len(names) == 4
    assert names[1] == str(os.getpid())
    assert all(names)


def test_run_of_a_worker_is_new_for_each_process(tmp_path):
    """Two processes never share a worker id, also when one has got the other's number; one process has one."""
    script = "from flows.edges.ledger import worker_id as me; print(me().rpartition('/')[2], me() == me())"
    said = {subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
            for _ in range(2)}

    assert len(said) == 2
    assert all(re.fullmatch(r"send-[0-9a-f]{8} True\n", line) for line in said)


def test_record_from_a_later_version_is_not_guessed_at(ledger, tmp_path, store):
    """A record with fields we do not know is unreadable, not half understood."""
    publish(ledger)
    path = tmp_path / FOLDER / "000005.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "v": 2}))

    with pytest.raises(StoreError, match="cannot be read"):
        ledger.read(SLOT)
