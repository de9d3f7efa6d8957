"""What a row of the scale benchmark measures, in a process of its own: `scale.py ROW FOLDER [NUMBER]` prints JSON.

Seconds are those of the work: imports are paid before, in each row alike.
"""
import gc
import hashlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

import yaml_rs

import flows.check
import publishers
from flows.edges.repository import Repository, working_tree
from flows.planning.composing import compose
from flows.planning.preparing import prepare
from flows.planning.reading import read
from flows.planning.resolving import resolve
from flows.planning.rules import RULES, evaluate, found_by
from flows.planning.rules.ruling import Facts
from flows.planning.scheduling import schedule
from flows.planning.tallying import tally
from flows.replan import Planner
from schemas.content import SourceFile
from schemas.post import Head

NOW = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
HOSTILE_BYTES = 64_000


class Absent(Exception):
    """What a row would measure is not there; says why."""


# --- rows ----------------------------------------------------------------------------------------------------------


def baseline(folder: Path) -> float:
    """The least that anything must do: read the files, parse the front matter, check its types."""
    begun = time.perf_counter()
    for path, _, names in os.walk(folder):
        for name in names:
            data = Path(path, name).read_bytes() if name.endswith((".md", ".yaml")) else b""
            if name.endswith(".md"):
                front = data.decode().split("---\n", 2)[1]
                value = yaml_rs.loads(front, parse_datetime=False) if front.strip() else {}
                Head.model_validate({key: inner for key, inner in value.items() if not key.startswith("x-")})
    return time.perf_counter() - begun


def cold(folder: Path, processes: int = 1, times: int = 1) -> float:
    """The last of so many checks of the folder."""
    more: dict[str, Any] = {}
    if "processes" in signature(flows.check.check).parameters:
        more = {"processes": processes}
    elif processes > 1:
        raise Absent("flows.check.check has no parameter 'processes'")
    for _ in range(times):
        begun = time.perf_counter()
        flows.check.check(folder, now=NOW, **more)
        seconds = time.perf_counter() - begun
    return seconds


def cold_by_two(folder: Path) -> float:
    return cold(folder, processes=2)


def warm(folder: Path) -> float:
    """The second check in the same process."""
    return cold(folder, times=2)


def commit(folder: Path) -> float:
    """All of a commit, read from Git."""
    begun = time.perf_counter()
    repository = Repository(folder)
    flows.check.check_commit(repository, repository.head(), now=NOW)
    return time.perf_counter() - begun


def planning(folder: Path) -> float:
    """Only the placing of posts that were read and resolved before: the middle of three."""
    root, networks = folder.name, publishers.available()
    content = resolve(read(working_tree(folder), root), root, "working tree", networks, None)
    gc.collect()
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        schedule(content, {}, now=NOW)
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[1]


def stages(folder: Path) -> dict[str, float]:
    """Where the seconds of a check go."""
    root, networks = folder.name, publishers.available()
    marks = [time.perf_counter()]

    def mark(value: Any) -> Any:
        marks.append(time.perf_counter())
        return value

    files = mark(list(working_tree(folder)))
    found = mark(read(files, root))
    content = mark(resolve(found, root, "working tree", networks, None))
    plan = mark(schedule(content, {}, now=NOW))
    messages = mark({one.slot: compose(one.post, one.channel, content, one.slot, getattr(one, "turn", 0))
                     for one in plan.everything()})
    mark([publishers.judge(message) for message in messages.values()])
    mark(list(evaluate(Facts(content, plan, messages, NOW))))
    names = ("files", "reading", "resolving", "scheduling", "composing", "networks", "rules")
    return {name: later - sooner for name, sooner, later in zip(names, marks, marks[1:], strict=False)}


def rules(folder: Path) -> dict[str, Any]:
    """Seconds of the processor, without collecting garbage, as `drumbeat check` does: each rule once, a whole check,
    and the baseline. Of three runs in turn the middle one.
    """
    root, networks = folder.name, publishers.available()
    content = resolve(read(working_tree(folder), root), root, "working tree", networks, None)
    plan = schedule(content, {}, now=NOW)
    messages = {one.slot: compose(one.post, one.channel, content, one.slot, getattr(one, "turn", 0))
                for one in plan.everything()}
    facts = Facts(content, plan, messages, NOW, said=tally(plan, None, NOW))
    steps: dict[str, Callable[[], object]] = {
        "check": lambda: flows.check.check(folder, now=NOW), "baseline": lambda: baseline(folder)}
    judged = [rule for rule in RULES if not facts.lacks(rule)]
    steps |= {f"{number} {rule.code}": lambda rule=rule: list(found_by(rule, facts))   # type: ignore[misc]
              for number, rule in enumerate(judged)}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    gc.disable()
    for _ in range(3):
        for name, step in steps.items():
            begun = time.process_time()
            step()
            taken[name].append(time.process_time() - begun)
        gc.collect()
    gc.enable()
    seconds = {name: sorted(runs)[1] for name, runs in taken.items()}
    by_code: dict[str, float] = {}
    for number, rule in enumerate(judged):
        by_code[rule.code] = by_code.get(rule.code, 0) + seconds[f"{number} {rule.code}"]
    return {"rules": by_code, "check": seconds["check"], "baseline": seconds["baseline"]}


def replan(folder: Path) -> float:
    """The plan of HEAD in a fresh process; a process before it planned an earlier commit (`planned`)."""
    begun = time.perf_counter()
    repository = Repository(folder)
    planner = Planner(repository, folder.parent / ".cache")
    taken = planner.take(repository.head(), now=NOW)
    seconds = time.perf_counter() - begun
    planner.keep()
    if taken.whole:
        raise Absent("nothing was kept: 'planned' has to run first")
    return seconds


def replan_resident(folder: Path) -> float:
    """The plan of HEAD in the process that planned HEAD~1."""
    repository = Repository(folder)
    planner = Planner(repository, folder.parent / ".cache")
    planner.take(repository.commit_of("HEAD~1"), now=NOW)
    gc.collect()
    begun = time.perf_counter()
    planner.take(repository.head(), now=NOW)
    return time.perf_counter() - begun


def planned(folder: Path) -> float:
    """The plan of HEAD with nothing kept, then kept."""
    shutil.rmtree(folder.parent / ".cache", ignore_errors=True)
    begun = time.perf_counter()
    repository = Repository(folder)
    planner = Planner(repository, folder.parent / ".cache")
    planner.take(repository.head(), now=NOW)
    planner.keep()
    return time.perf_counter() - begun


# --- hostile content -----------------------------------------------------------------------------------------------


UNITS = (
    "[", "]", "(", ")", "{", "}", "<", ">", "> ", "*", "**", "_", "__", "`", "~", "#", "##", "## ", "!", "![", "[a](",
    "](", "[a](http://b", "[a](http://b)", "<http://a", "</a", "<a ", "<!--", "-->", "<!--a-->", "&", "&a ", "*a ",
    "**a", "_a", "_a_", "*a*b", "***", "* ", "- ", "+ ", "1. ", "1", "1.", "12 ", "+1 555 ", "a", "a ", "aa", "A",
    "Ab", "ab1", "a.", "a.com", "a.com ", "a@", "a@b", "a@b.c", "a@b.co ", "@", "@a ", "#a", "#a ", "$A ", ":", ": ",
    "a: ", "?", "? ", "|", "\\", "\\*", "\"", "'", "%", "%41", "=", "-", "--", "---", "a-", ".", "..", "/", "//",
    "http://", "https://a.com/(", "www.", "{{", "{{a", "}}", "[name]", "TODO", "XX", "AKIA", "eyJ", "a=", "token=",
    "-----BEGIN ", "0123456789abcdef", " ", "\t", "\u00a0", "\r", "\u00e9", "e\u0301", "\u0300", "\u65e5", "\u65e5.",
    "\u3002", "\U0001f600", "\U0001f468\u200d", "\u200d", "\ufe0f", "\U0001f1e6", "\u05d0", "\u0627", "\u202e",
    "\u200b", "\ufeff", "\U000e0061", "\u2028", "\x00", "\x85", "\u0130",
)


def hostile() -> Iterator[tuple[str, str, str]]:
    """Posts that try to be slow: an expression that makes the hostile text, then front matter and body."""
    for expression in (
        "'[' * 6000", "'{' * 6000", "'[{' * 3000", "'- ' * 3000", "'? ' * 3000", "'a: ' * 3000", "'a: [' * 1500",
        "'&a ' * 3000", "'*a ' * 3000", "'!a ' * 3000", "'!!str ' * 2000", "'<<: ' * 2000", "'a: |\\n' * 2000",
        "'\"' * 15000", "'\\'' * 15001", "'%' * 6000", "'# ' * 7000", "'-' * 15000", "':' * 15000", "' ' * 15000",
        "'\\n' * 15000", "'a: b\\n' * 3000", "'a, ' * 5000", "'a: \"' + '\\\\\\\\' * 7000",
        "'hashtags: [' + '#' * 15000",
        "'hashtags: [' + 'a, ' * 5000 + ']'", "'channels: [' + 'x, ' * 5000 + ']'", "'at: ' + '1' * 15000",
        "'after: ' + 'a' * 15000 + ' + 2d'", "'after: ' + 'a-' * 7000 + '+'", "'link: http://' + 'a.' * 7000",
        "'link: http://a.org/' + '(' * 15000", "'every: ' + '1' * 15000 + 'd'", "'id: ' + 'a-' * 7000",
        "'x-' * 7000 + ': 1'", "''.join(f'{chr(97 + n // 26)}{chr(97 + n % 26)}: 1\\n' for n in range(600))",
        "''.join(f'a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\\n' for n in range(1, 30))",
        "'a: &a [x, x, x, x, x, x, x, x, x]\\n' + ''.join(f'{chr(98 + n)}: &{chr(98 + n)} ["
        "' + ', '.join([f'*{chr(97 + n)}'] * 9) + ']\\n' for n in range(9))",
        "'title: ' + 'a: ' * 5000", "'\\n'.join(' ' * n + 'a:' for n in range(170))",
        "'\\n'.join(' ' * n + '- a' for n in range(170))", "'media:\\n' + '  - file: a.png\\n' * 900",
    ):
        yield f"front: {expression}", eval(expression), "Hello."
    for unit in UNITS:
        count = HOSTILE_BYTES // len(unit.encode())
        yield f"front: {unit!a} * {count}", unit * count, "Hello."
        yield f"front: 'hold: ' + {unit!a} * {15_000 // len(unit.encode())}", \
            "hold: " + unit * (15_000 // len(unit.encode())), "Hello."
        yield f"body: {unit!a} * {count}", "slot: next", unit * count
        lines = HOSTILE_BYTES // (len(unit.encode()) + 1)
        yield f"body: ({unit!a} + '\\n') * {lines}", "slot: next", f"{unit}\n" * lines
        yield f"body: 'a ' + {unit!a} * {count} + ' a'", "slot: next", f"a {unit * count} a"
    yield "body: '>' * 50000", "slot: next", ">" * 50_000
    yield "body: '[' * 6000", "slot: next", "[" * 6000


def fight(number: int) -> Iterator[dict[str, Any]]:
    """Each hostile post from `number` on, as one post among channels of all three networks: seconds of two roads."""
    frame = {
        "strategy.yaml": "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n",
        "networks/channels.yaml": "channels:\n" + "".join(
            f'  - {{id: {name.split("_")[0]}, network: {name}, handle: ours, slots: ["tue 09:00"]}}\n'
            for name in publishers.available()),
    }
    for name, front, body in list(hostile())[number:]:
        files = [SourceFile(path, hashlib.sha1(text.encode()).hexdigest(), len(text.encode()), "file", text.encode())
                 for path, text in {**frame, "posts/hostile.md": f"---\n{front}\n---\n{body}\n"}.items()]
        begun = time.perf_counter()
        read(files, "content")
        between = time.perf_counter()
        prepare(files, "content", "working tree", networks=publishers.available(), judge=publishers.judge, now=NOW)
        yield {"name": name, "reading": between - begun, "all": time.perf_counter() - between}


# --- the process ---------------------------------------------------------------------------------------------------


def written(folder: Path, count: int) -> float:
    """A folder with so many posts, committed."""
    import posts  # this file's neighbour

    begun = time.perf_counter()
    posts.written(folder, count, commit=True)
    return time.perf_counter() - begun


def pushed(folder: Path, seed: int) -> float:
    """A commit that changes ten posts."""
    import posts

    begun = time.perf_counter()
    posts.push(folder.parent, 10, seed)
    return time.perf_counter() - begun


def megabytes() -> float:
    """The most memory that this process, or one that it started and saw end, held at once.

    Not `ru_maxrss` of this process: Linux counts in what the process held that started this one.
    """
    status = Path("/proc/self/status")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if status.exists():
        own = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def main(row: str, folder: Path, *numbers: int) -> None:
    """Prints what `row` came to: seconds and megabytes, or why it could not be measured."""
    rows: dict[str, Callable[..., Any]] = {work.__name__: work for work in (
        baseline, cold, cold_by_two, warm, commit, planning, stages, rules, planned, replan, replan_resident, written,
        pushed)}
    if row == "fight":
        for told in fight(*numbers):
            print(json.dumps(told), flush=True)
        return
    try:
        print(json.dumps({"seconds": rows[row](folder, *numbers), "megabytes": megabytes()}))
    except Absent as why:
        print(json.dumps({"absent": str(why)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
