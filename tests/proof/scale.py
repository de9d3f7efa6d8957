"""Several workers on a Prefect server with PostgreSQL, a thousand posts within a minute, and what people and fate do.

    python tests/proof/scale.py quiet|burst|kill|server|hold|roll [--archive dir|s3] [--workers N] [--json] [--keep]

Everything is real and runs as processes of its own: `fleet` starts and ends it, `happenings` plays the scenario,
`crowd` writes the posts and judges them afterwards by raw records and by what the networks hold. Times are those of the
networks: when a create call arrived. Exit 1 where a post was doubled or lost; 77 where there is no PostgreSQL. Bars of
lateness are printed beside the measures; `idle` says whether they count: whether others left this machine to us.
Whatever becomes of this process, `keeper` ends what it started and removes the folder.

`--archive s3`: the archive is a bucket of an S3 server on loopback: ministack where DRUMBEAT_REALSERVERS names the
folder of its start script, else moto.
"""
import argparse
import json
import signal
import sys
from collections.abc import Iterable, Sequence

from _postgres import why_not
from crowd import SPREAD_S
from fleet import Fleet
from happenings import SCENARIOS, hold
from machine import can_be_apart
from scene import Report, Run

P99_S = 1.0
HOLD_S = 2.0
NO_POSTGRES = 77


def table(report: Report) -> Iterable[str]:
    """The report for people."""
    yield (f"{report['scenario']}: {report['workers']} workers, archive in {report['archive']}, "
           f"load {report['load_before']} before, {report['load']} during; others took "
           f"{report['cores_of_others']} cores: bars {'count' if report['idle'] else 'do not count'}")
    for name, told in report.items():
        if isinstance(told, dict) and "p99" in told:
            bar = f"  bar of p99: {P99_S:.1f}" if name in ("lateness", "of_others", "lateness_before") else ""
            yield f"  {name:<24} " + "  ".join(f"{key} {value}" for key, value in told.items()) + bar
        elif isinstance(told, list):
            yield f"  {name:<24} {len(told)}" + "".join(f"\n    {one}" for one in told[:5])
        elif name not in ("scenario", "workers", "archive", "load", "load_before", "cores_of_others", "idle"):
            yield f"  {name:<24} {told}"
    if "last_call_after_return_s" in report:
        yield f"  bar: the last call {HOLD_S} s after the command's return at most"


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--archive", choices=("dir", "s3"), default="dir")
    parser.add_argument("--workers", type=int, default=0, help="default: 3 for kill, 2 for others")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and archive")
    parser.add_argument("--whole", action="store_true", help="hold: wait for every post, for ten minutes or more")
    parser.add_argument("--one-host", action="store_true", help="kill: publishers can tell that another's process died")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one scenario; the report goes to stdout, the progress to stderr."""
    asked = _parsed(arguments)
    if (reason := why_not()) is not None:
        sys.stderr.write(f"{reason}\n")
        return NO_POSTGRES
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))       # so that what was started is ended
    fleet = Fleet(s3=asked.archive == "s3")
    workers = asked.workers or (3 if asked.scenario == "kill" else 2)
    run = Run(fleet, workers, apart=asked.scenario == "kill" and not asked.one_host and can_be_apart(),
              spread_s=0.0 if asked.scenario == "burst" else SPREAD_S)
    run.report |= {"scenario": asked.scenario, "archive": fleet.shelf.kind}
    try:
        if asked.scenario == "hold":
            hold(run, whole=asked.whole)
        else:
            SCENARIOS[asked.scenario](run)
    finally:
        left = fleet.end(keep=asked.keep)
        if asked.keep:
            sys.stderr.write(f"kept: {fleet.home}\n")
    shown = list(table(run.report))
    if asked.json:
        sys.stdout.write(json.dumps(run.report | {"table": shown}) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in shown)
    return 1 if left or any(run.report[name] for name in ("duplicates", "lost", "wrong")) else 0


if __name__ == "__main__":
    sys.exit(main())
