"""What a living process holds, read from /proc; and whether that grows from day to day."""
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """One look at a process. `rss_kb`: what it has in memory; `own_kb`: of that, what no file on disk backs."""

    rss_kb: int
    own_kb: int
    descriptors: int
    threads: int
    children: int


class Day(NamedTuple):
    """How things stood at the end of a day: in its last hours nothing is due."""

    day: int
    out: int                # slots that are published, since the beginning
    seconds: float          # real ones that the day took
    objects: int            # in the archive
    night: Sample
    most: Sample            # each figure's highest of the whole day


def look(pid: int) -> Sample | None:
    """None: the process is gone, or about to."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        children = sum(len((task / "children").read_text("ascii").split())
                       for task in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return None
    said = dict(line.split(":", 1) for line in lines)
    if "VmRSS" not in said:                                       # it has ended, and nobody has asked for its code
        return None
    return Sample(_kb(said["VmRSS"]), _kb(said["RssAnon"]), descriptors, int(said["Threads"]), children)


def _kb(text: str) -> int:
    return int(text.split()[0])


def least(samples: Sequence[Sample]) -> Sample:
    """Each figure's lowest: what is held while nothing is under way."""
    return Sample(*map(min, zip(*samples, strict=True)))


def most(samples: Sequence[Sample]) -> Sample:
    """Each figure's highest."""
    return Sample(*map(max, zip(*samples, strict=True)))


def slope(values: Sequence[float]) -> float:
    """By how much the values grow from one to the next, by least squares."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    above = sum((place - middle) * (value - mean) for place, value in enumerate(values))
    return above / sum((place - middle) ** 2 for place in range(len(values)))
