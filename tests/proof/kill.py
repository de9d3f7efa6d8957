"""Kill publishers, cut networks and archives, and count: never twice, never lost, no false receipt.

    nox -s kill -- --trials 1000 [--seed N] [--store dir|s3|both] [--lanes N]
    nox -s kill -- --replay 7-13            one trial alone, with everything that is known about it
    nox -s kill -- --mutants 20 --trials 0  only what must be caught

A trial is one slot on one network and one archive: `trials` derives from its name what befalls it. `lane` forks real
publishers (`worker`) that end by SIGKILL at a point of their own or at any moment, or sleep through their lease, and
starts them again until the slot is at rest. `places` keeps the networks and the S3 server alive meanwhile. `judging`
compares raw records with what the networks hold. A mutant is a publisher with one rule of the protocol taken out: if
none of its trials goes wrong, the harness proves nothing. Exit 1 on any violation, and on a mutant that got away.
"""
import argparse
import json
import os
import selectors
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lane
import places
from judging import AT_REST
from trials import CLASSES, MUTANTS, SLEEPER, WHOLE, planned

Result = dict[str, Any]
_WIDTH = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the trials; the table goes to stdout, the progress to stderr."""
    asked = _parsed(arguments)
    began = time.monotonic()
    names = [f"{asked.seed}-{number}" for number in range(asked.trials)]
    names += [f"{asked.seed}-{number}-{mutant}" for number in range(asked.mutants) for mutant in MUTANTS]
    names += [f"{asked.seed}-0-{mutant}{WHOLE}" for mutant in MUTANTS if asked.mutants and mutant != SLEEPER]
    if asked.replay:
        names = [asked.replay]
    with tempfile.TemporaryDirectory(prefix="drumbeat-kill-") as home:
        results = run(names, Path(home), store=asked.store, lanes=min(asked.lanes, len(names) or 1),
                      tells=bool(asked.replay))
    report = summary(results, time.monotonic() - began) | {"store": asked.store}
    if asked.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in table(report))
        if report["stories"] and not asked.replay:
            folder = Path(tempfile.mkdtemp(prefix="drumbeat-kill-stories-"))
            for name, story in report["stories"].items():
                (folder / f"{name}.txt").write_text(story)
            sys.stdout.write(f"what is known about each: {folder}\n")
    for story in [result["story"] for result in results if asked.replay]:
        sys.stdout.write(story)
    return 1 if report["violations"] or any(not caught for caught, _ in report["mutants"].values()) else 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kill", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--mutants", type=int, default=None, help="trials of each mutant (default: as --trials needs)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--store", choices=("dir", "s3", "both"), default="both")
    parser.add_argument("--lanes", type=int, default=4 * (os.cpu_count() or 1), help="trials at a time")
    parser.add_argument("--replay", metavar="NAME", help="one trial, by its name")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.mutants is None:
        asked.mutants = max(3, min(20, asked.trials // 25))
    return asked


def run(names: Sequence[str], home: Path, *, store: str, lanes: int, tells: bool = False) -> list[Result]:
    """What every trial came to. Each lane takes the next name as soon as it is free."""
    needs_s3 = any(planned(name, store).store == "s3" for name in names)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
                   "AWS_CONFIG_FILE": os.devnull}
    s3_url = places.fork_server(places.s3)[0] if needs_s3 else None
    if s3_url:
        os.environ["AWS_ENDPOINT_URL"] = s3_url
    urls = places.fork_server(lambda: places.networks(lanes))
    started = [lane.fork(home / f"lane{number}", url, s3_url, store, tells=tells) for number, url in enumerate(urls)]
    waiting, results = list(reversed(names)), []
    progress = _Progress(len(names))
    with selectors.DefaultSelector() as ears:
        for orders, answers in started:
            ears.register(os.fdopen(answers), selectors.EVENT_READ, orders)
        while ears.get_map():
            for key, _ in ears.select():
                said: Any = key.fileobj
                line = said.readline()
                if not line:
                    raise SystemExit("a lane broke off; see above")
                if not (answer := json.loads(line)).get("ready"):
                    results.append(answer)
                    progress.show(answer)
                if waiting:
                    os.write(key.data, f"{waiting.pop()}\n".encode())
                else:
                    os.write(key.data, b"\n")
                    ears.unregister(said)
                    said.close()
    for _ in started:
        os.wait()
    progress.end()
    return results


class _Progress:
    """A bar on stderr, and a line for each trial that went wrong without being a mutant."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._wrong = total, 0, 0

    def show(self, result: Result) -> None:
        self._done += 1
        if result["violations"] and not _mutant(result):
            self._wrong += 1
            sys.stderr.write(f"\r{result['name']}: {'; '.join(result['violations'])}\n")
        if not sys.stderr.isatty():
            return
        filled = _WIDTH * self._done // self._total
        sys.stderr.write(f"\r[{'#' * filled}{'.' * (_WIDTH - filled)}] {self._done}/{self._total}, {self._wrong} wrong")
        sys.stderr.flush()

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def _mutant(result: Result) -> str | None:
    _, _, mutant = (*result["name"].split("-", 2), "", "")[:3]
    return None if not mutant or mutant.endswith(WHOLE) else mutant


def _caught(result: Result) -> bool:
    """Only posting twice counts, or for a store that loses records a receipt that is wrong: anybody can stand still."""
    wrong = ("duplicate", "false receipt") if _mutant(result) == "overwriting store" else ("duplicate",)
    return any(violation.startswith(wrong) for violation in result["violations"])


def summary(results: Iterable[Result], seconds: float) -> dict[str, Any]:
    """What happened, counted."""
    results = list(results)
    whole = [result for result in results if not _mutant(result)]
    said = [violation for result in whole for violation in result["violations"]]
    return {
        "trials": len(whole), "workers": sum(result["workers"] for result in whole), "seconds": round(seconds, 1),
        "kills": dict(Counter(point for result in whole for point in result["kills"]).most_common()),
        "stops": sum(result["stops"] for result in whole),
        "faults": dict(Counter(fault for result in whole for fault in result["faults"]).most_common()),
        "ends": {kind: {end: sum(result["end"] == end and CLASSES[result["network"]] == kind for result in whole)
                        for end in sorted({*AT_REST, *(result["end"] for result in whole)})}
                 for kind in CLASSES.values()},
        "held": dict(Counter(f"{CLASSES[result['network']]}: {result['reason']}" for result in whole
                             if result["end"] == "held").most_common()),
        "counts": {word: sum(one.startswith(word) for one in said)
                   for word in ("duplicate", "lost", "false receipt", "held wrongly", "a worker broke off")},
        "violations": {result["name"]: result["violations"] for result in whole if result["violations"]},
        "stories": {result["name"]: result["story"] for result in whole if result["violations"]},
        "mutants": {mutant: [sum(_caught(result) for result in results if _mutant(result) == mutant),
                             sum(_mutant(result) == mutant for result in results)]
                    for mutant in MUTANTS if any(_mutant(result) == mutant for result in results)},
        "slowest": sorted(((result["seconds"], result["name"]) for result in whole), reverse=True)[:3]}


def table(report: dict[str, Any]) -> Iterable[str]:
    """The report for people."""
    yield f"{report['trials']} trials, {report['workers']} publishers, {report['seconds']} s"
    yield f"{sum(report['kills'].values())} killed (SIGKILL), {report['stops']} stopped past their lease (SIGSTOP)"
    for point, times in sorted(report["kills"].items()):
        yield f"  {times:4} {point}"
    yield f"{sum(report['faults'].values())} faults struck, in so many trials"
    for fault, times in sorted(report["faults"].items()):
        yield f"  {times:4} {fault}"
    yield "ended as"
    for kind, ends in report["ends"].items():
        yield f"  class {kind}: " + ", ".join(f"{times} {end}" for end, times in ends.items() if times)
    for reason, times in report["held"].items():
        yield f"  {times:4} held, class {reason}"
    for word, times in report["counts"].items():
        yield f"{times:6} {word}"
    for name, violations in report["violations"].items():
        yield f"  {name}: {'; '.join(violations)}"
        yield f"    again: nox -s kill -- --store {report['store']} --replay {name}"
    yield "slowest: " + ", ".join(f"{name} {seconds:.0f} s" for seconds, name in report["slowest"])
    for mutant, (caught, trials) in report["mutants"].items():
        yield f"mutant: {MUTANTS[mutant][0]}: caught in {caught} of {trials}"


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
