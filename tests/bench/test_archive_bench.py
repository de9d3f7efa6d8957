"""What it takes to look at an archive of 10,000 slots in a directory. Prints a table; never fails for being slow."""
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flows.cli.watching import DayOrMonth, rows_from
from flows.edges._directory import DirectoryStore
from flows.edges.ledger import Ledger, verify
from flows.edges.settings import Settings
from flows.edges.store import Counted, open_store
from flows.planning.folding import fold
from flows.planning.sealing import receipt_of
from flows.prove import mend
from schemas.ledger import Entry, Kind, Pin, Slot

SLOTS = 10_000
FIRST = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
DAYS = 61
NOW = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)        # October can be closed, November not yet


def write(ledger: Ledger, number: int) -> None:
    """One in 20 was refused, one in 25 was missed, the rest went out; each with a text of its own."""
    slot = Slot(f"posts/post-{number}", ("mastodon", "x", "facebook")[number % 3])
    due = FIRST + timedelta(days=number % DAYS, seconds=number // DAYS * 60)
    payload = ledger.put_payload(b'{"parts":[{"text":"This is post %d"}]}' % number)
    pin = Pin(commit="c0ffee", blob="b10b", payload=payload, account="@club")
    entries: list[Entry] = []

    def add(kind: Kind, **fields) -> None:
        entries.append(ledger.append(slot, entries[-1] if entries else None, kind, **fields))

    add(Kind.claim, pin=pin, detail={"due": due.isoformat(), "grace_s": 7200.0, "not_after": None})
    if number % 25 == 0:
        add(Kind.skipped, detail={"reason": "missed"})
    else:
        add(Kind.sending, part=0, attempt=1, send_window_s=10, request_timeout_s=60)
        if number % 20 == 1:
            add(Kind.failed, part=0, detail={"reason": "the network refused it", "class": "rejected"})
        else:
            add(Kind.published, part=0, detail={"parts": [{"id": str(number), "url": f"https://x.example/{number}"}]})
    ledger.mark_done(receipt_of(fold(slot, entries), entries))


@pytest.mark.bench
def test_looking_at_ten_thousand_slots(tmp_path, capsys):
    """Prints seconds and store requests of verify, and of status for a day, an open month, a closed month, and all."""
    (tmp_path / "content/posts").mkdir(parents=True)
    (tmp_path / "content/networks").mkdir()
    (tmp_path / "content/strategy.yaml").write_text("strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n")
    (tmp_path / "content/networks/channels.yaml").write_text("channels:\n  - {id: mastodon, network: mastodon}\n")
    settings, url = Settings(tmp_path / "content", tmp_path), f"dir:{tmp_path / 'archive'}"
    quick = DirectoryStore(str(tmp_path / "archive"), sync=lambda _: None)      # only while it is built
    ledger = Ledger(quick, worker="host/1/boot/run", now=lambda: NOW)
    lines = ["what                           slots   seconds  requests"]

    def measure(name: str, look: Callable[[Counted], int]) -> None:
        store = Counted(open_store(url))
        begun = time.perf_counter()
        slots = look(store)
        lines.append(f"{name:<28} {slots:>7} {time.perf_counter() - begun:>9.2f}  {store}")

    def status(on: str | None) -> Callable[[Counted], int]:
        window = DayOrMonth().convert(on, None, None) if on else None
        return lambda store: len(rows_from(settings, store, NOW, window))

    begun = time.perf_counter()
    for number in range(SLOTS):
        write(ledger, number)
    lines.append(f"{'(building it)':<28} {SLOTS:>7} {time.perf_counter() - begun:>9.2f}")
    measure("closing October", lambda store: len(mend(store, verify(store), now=NOW).manifests))
    measure("archive verify", lambda store: verify(store).slots)
    measure("status --on 2026-11-05", status("2026-11-05"))
    measure("status --on 2026-11 (open)", status("2026-11"))
    measure("status --on 2026-10 (closed)", status("2026-10"))
    measure("status --on 2026-10-05", status("2026-10-05"))
    measure("status", status(None))
    with capsys.disabled():
        print("\n" + "\n".join(lines))

    verified = verify(open_store(url))
    assert verified.findings == ()
    assert Counter(seen.state.value for seen in verified.seen.values()) == {
        "missed": 400, "failed": 500, "published": 9100}
