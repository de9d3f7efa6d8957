"""`python -m flows.web`: the web app as one process of `drumbeat up`. It prints its address, as JSON, when it answers.
"""
import argparse
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from flows.edges.children import when_parent_ends
from flows.edges.clock import PretendClock
from flows.edges.settings import find
from flows.web.listening import HOST, WEB_PORT, Web
from flows.web.looking import Looker
from schemas.errors import DrumbeatError


def main() -> int:
    """Serves until a signal, or until its input closes. Returns the exit code."""
    said = _arguments()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("flows").setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = find(said.content)
        archive = said.archive or settings.archive or "dir:.drumbeat/archive"
        if said.archive is None and archive.startswith("dir:"):
            archive = f"dir:{settings.home / archive[4:]}"
        clock = PretendClock(said.rehearsal_clock) if said.rehearsal_clock else None
        looker = Looker(settings, archive, clock.now if clock else lambda: datetime.now(UTC),
                        rehearsal=clock is not None)
        web = Web(settings, looker, host=said.host, port=said.port, hook_only=said.hook_only)
    except DrumbeatError as error:
        print(f"error: {error.what}\n  remedy: {error.remedy}", file=sys.stderr)
        return error.exit_code
    if said.with_parent:
        when_parent_ends(web.end)
    web.run(lambda url: print(json.dumps({"url": url}, indent=2), flush=True))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flows.web")
    parser.add_argument("--content")
    parser.add_argument("--archive", metavar="URL")
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=WEB_PORT)
    parser.add_argument("--hook-only", action="store_true")
    parser.add_argument("--rehearsal-clock", type=Path, metavar="FILE")
    parser.add_argument("--with-parent", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
