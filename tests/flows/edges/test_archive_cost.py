"""What a look at the archive costs: requests counted on the wire of an S3 server, with 200 slots."""
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from flows.cli.watching import DayOrMonth, rows_from, rows_of
from flows.edges.ledger import Ledger, verify
from flows.edges.settings import Settings
from flows.edges.store import Counted, Store, ahead, open_store
from flows.planning.folding import fold
from flows.planning.sealing import receipt_of
from flows.prove import mend
from schemas.ledger import Kind, Pin, Slot, State

FIRST = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
SLOTS, A_DAY = 200, 10


class Archive(NamedTuple):
    """200 slots, ten a day from 20 October: nine a day went out, one failed. October is closed."""

    url: str
    store: Store
    settings: Settings


def write(ledger: Ledger, number: int) -> None:
    slot, due = Slot(f"posts/post-{number}", "mastodon"), FIRST + timedelta(days=number // A_DAY)
    payload = ledger.put_payload(b'{"parts":[{"text":"one"}]}')
    claim = ledger.append(slot, None, Kind.claim, detail={"due": due.isoformat()},
                          pin=Pin(commit="c", blob="b", payload=payload, account="@club"))
    sending = ledger.append(slot, claim, Kind.sending, part=0, attempt=1)
    if number % A_DAY:
        end = ledger.append(slot, sending, Kind.published, part=0, detail={"parts": [{"id": str(number)}]})
    else:
        end = ledger.append(slot, sending, Kind.failed, part=0, detail={"reason": "too long"})
    entries = (claim, sending, end)
    ledger.mark_done(receipt_of(fold(slot, entries), entries))


@pytest.fixture(scope="module")
def archive(s3, tmp_path_factory) -> Archive:
    home = tmp_path_factory.mktemp("club")
    (home / "content/posts").mkdir(parents=True)
    (home / "content/networks").mkdir()
    (home / "content/strategy.yaml").write_text("strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n")
    (home / "content/networks/channels.yaml").write_text("channels:\n  - {id: mastodon, network: mastodon}\n")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment().items():
            patch.setenv(name, value)
        url = f"s3://{s3.bucket()}/club"
        store = open_store(url)
        ledger = Ledger(store, worker="host/1/boot/run", now=lambda: NOW)
        list(ahead(lambda number: write(ledger, number), range(SLOTS)))
        mended = mend(store, verify(store), now=NOW)
        assert (mended.lines, mended.manifests) == (0, ("v1/month/2026-10/000001.manifest.json",))
        yield Archive(url, store, Settings(home / "content", home))


def on_the_wire(s3, archive: Archive, on: str | None) -> tuple[Counter[str], Counter[str]]:
    """The states that `status` shows, and the requests that came over the wire: listings, and reads of each place."""
    s3.requests.clear()
    window = DayOrMonth().convert(on, None, None) if on else None
    rows = rows_from(archive.settings, open_store(archive.url), NOW, window, rehearsal=False)
    asked = Counter(
        "LIST" if "list-type" in path else f"{method} {path.split('/v1/')[1].split('/')[0]}"
        for method, path in s3.requests)
    return Counter(row.state.value for row in rows), asked


PLAN = {"LIST": 2}      # which times the last good plan gave, and what was taken back


def test_a_day_costs_listings_and_a_read_a_slot(s3, archive):
    """A day of ten slots: the plan, is the month closed, the lines of the day; one read each, one more if it failed."""
    states, asked = on_the_wire(s3, archive, "2026-11-03")

    assert states == {"published": 9, "failed": 1}
    assert asked == {"LIST": PLAN["LIST"] + 2, "GET done": 10, "GET ledger": 1}


def test_an_open_month_costs_the_same_a_slot(s3, archive):
    """The month that is not closed yet: two listings, and a read for each of its 80 slots, one more for what failed."""
    states, asked = on_the_wire(s3, archive, "2026-11")

    assert states == {"published": 72, "failed": 8}
    assert asked == {"LIST": PLAN["LIST"] + 2, "GET done": 80, "GET ledger": 8}


@pytest.mark.parametrize(("on", "shown"), [
    ("2026-10", {"published": 108, "failed": 12}),
    ("2026-10-25", {"published": 9, "failed": 1}),
])
def test_a_closed_month_costs_three_requests(s3, archive, on, shown):
    """A closed month, or a day of it: a listing, the manifest, the file, however many slots there are."""
    states, asked = on_the_wire(s3, archive, on)

    assert states == shown
    assert asked == {"LIST": PLAN["LIST"] + 1, "GET month": 2}


def test_everything_reads_no_ledger_that_has_ended(s3, archive):
    """Without a day: closed months from their files, open ones from their lines, and one listing of the ledgers."""
    states, asked = on_the_wire(s3, archive, None)

    assert states == {"published": 180, "failed": 20}
    assert asked == {"LIST": PLAN["LIST"] + 3, "GET month": 2, "GET done": 80}


def test_what_is_shown_is_what_the_ledgers_say(archive):
    """Rows made from the index are the rows that the ledgers would give."""
    ledger = Ledger(archive.store, worker="reader", now=lambda: NOW)
    truth = {str(slot): fold(slot, ledger.read(slot)) for slot in ledger.all_slots()}

    rows = rows_of(archive.settings, archive.url, now=NOW, rehearsal=False)

    assert {row.slot: (row.state, row.sent_at, row.url) for row in rows} == {
        slot: (one.state, one.published_at, one.urls[0] if one.urls else None) for slot, one in truth.items()}
    assert {row.reason for row in rows if row.state is State.failed} == {"too long"}


def test_the_count_is_what_goes_over_the_wire(s3, archive):
    """The numbers of `--cost` are the requests that the store got."""
    counted = Counted(archive.store)
    s3.requests.clear()

    verified = verify(counted)

    lists = sum("list-type" in path for _, path in s3.requests)
    assert not verified.findings
    assert (counted.lists, counted.reads, counted.writes) == (lists, len(s3.requests) - lists, 0)
    assert counted.reads == 200 * 3 + 200 + 1 + 2     # records, lines, the payload, manifest and file
