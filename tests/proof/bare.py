"""The least that anything must do: the same posts through the bare adapters, a thread an account, nothing recorded.

    bare.py NETWORKS_URL PAYLOADS START < due.json

`PAYLOADS`: the folder with what went out, as the archive keeps it; each is sent once more, with a word changed, at its
second of `due.json` ({"c07-p13": seconds after START}). Prints how many calls failed.
"""
import json
import re
import secrets
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.connect import Connector
from flows.edges.clock import RealClock
from flows.edges.settings import Settings
from flows.edges.store import open_store
from publishers.base import Outgoing, Publisher, Sent
from schemas.channel import Channel
from schemas.errors import PublishError

AGAIN = "q9:"
_TOKEN = re.compile(r"\b(c\d+)q(p\d+)q0:")


def main() -> None:
    """Sends all, in time, then says what failed."""
    url, payloads, start = sys.argv[1], Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    due = {name: start + timedelta(seconds=seconds) for name, seconds in json.load(sys.stdin).items()}
    nowhere = payloads.parent
    connect = Connector(Settings(nowhere, nowhere), RealClock(), open_store(f"dir:{nowhere.parent}"), url,
                        hide=lambda _: None).connect
    lines = defaultdict[str, list[tuple[datetime, Outgoing]]](list)
    for path in payloads.glob("*.json"):
        raw = path.read_text(encoding="utf-8")
        match = _TOKEN.search(raw)
        if match and (name := f"{match[1]}-{match[2]}") in due:
            outgoing = Outgoing.model_validate_json(raw.replace("q0:", AGAIN))
            part = outgoing.parts[0].model_copy(update={"key": secrets.token_hex(12)})
            lines[match[1]].append((due[name], outgoing.model_copy(update={"parts": (part,)})))
    failed: list[str] = []
    threads = []
    for line in lines.values():
        line.sort(key=lambda one: one[0])
        first = line[0][1]
        publisher = connect(Channel(id=first.slot.channel, network=first.network, handle=first.account))
        threads.append(threading.Thread(target=_send, args=(publisher, line, failed.append)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps({"sent": sum(map(len, lines.values())), "failed": failed}) + "\n")


def _send(publisher: Publisher, line: list[tuple[datetime, Outgoing]], tell: Callable[[str], None]) -> None:
    """One account: one call at a time, each at its second or as soon as the one before is over."""
    pause = threading.Event()
    for at, outgoing in line:
        while (rest := (at - datetime.now(UTC)).total_seconds()) > 0:
            pause.wait(rest)
        try:
            publisher.publish(outgoing, 0, Sent())
        except PublishError as error:
            tell(f"{outgoing.slot}: {error.why}")


if __name__ == "__main__":
    main()
