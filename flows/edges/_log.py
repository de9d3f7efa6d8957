"""What Git lists of the past: commits with their authors, and what each changed in the content folder."""
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from flows.edges import _git
from flows.edges._trees import is_hidden

MOST_CHANGES = 2_000_000
"""A folder inside a folder inside a folder can list more files than there are bytes in the repository."""
_LATEST = 253_402_300_799                 # 9999-12-31T23:59:59Z: no time that people read is later
_REGULAR = b"100"
_PRINTED = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?)\0|:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) \w\0([^\0]+)\0")
_AT_ONCE = 1 << 20                        # bytes of a pipe
# As git pull and git merge write by themselves: "Merge branch 'main' of github.com:…", "Merge remote-tracking branch
# 'origin/main'", "Merge branch 'main' into spring". "Merge branch 'main' into 'main'" is a forge's, of a fork.
_PULLED = re.compile(r"Merge (?:remote-tracking )?branch '(?:[^/']+/)?(?P<main>main|master|trunk|develop)'"
                     r"(?! into '(?P=main)'$)|Merge branch '(?P<same>[^']+)' of .* into '?(?P=same)'?$")


class Logged(NamedTuple):
    """One commit. `at`: seconds since 1970, by its committer's clock. Addresses as .mailmap has them, small letters.

    `pulled`: it only brings a line up to date with the main one: who made it looked at nothing.
    """

    name: str
    parents: tuple[str, ...]
    at: int
    author: str
    committer: str
    pulled: bool = False


class Change(NamedTuple):
    """What a commit made of one path, held against its first parent. `blob` None: there is no such file any more.

    `source`: the path from which the very same file was moved here; None: it was not.
    """

    path: str
    blob: str | None
    source: str | None = None


class Boundless(Exception):
    """More changes than anybody made."""


def is_shallow(top: Path) -> bool:
    """Whether older commits were left where the repository was cloned from."""
    return _git.output(top, "rev-parse", "--is-shallow-repository") != b"false\n"


def logged(top: Path, tip: str, known: Iterable[str]) -> list[Logged] | None:
    """Every commit that led to `tip`, without those that led to one of `known`: parents before children.

    None: git cannot say. What is `known` need not be there any more.
    """
    printed = _git.output(top, "rev-list", "--topo-order", "--reverse", "--encoding=UTF-8", "--ignore-missing",
                          "--format=tformat:%P%x00%ct%x00%aE%x00%cE%x00%s", tip, *(f"^{name}" for name in known))
    if printed is None:
        return None
    lines = printed.decode("utf-8", "backslashreplace").split("\n")
    found = []
    for head, about in zip(lines[::2], lines[1::2], strict=False):
        parents, at, author, committer, subject = about.split("\0", 4)
        found.append(Logged(head.removeprefix("commit "), tuple(parents.split()), _seconds(at), _address(author),
                            _address(committer), _PULLED.match(subject) is not None))
    return found


def _address(text: str) -> str:
    """In small letters; "" for a commit that names nobody."""
    return "" if text in ("%aE", "%cE") else text.lower()


def _seconds(text: str) -> int:
    """A committer's time; what is no time is the beginning of 1970."""
    return min(int(text), _LATEST) if text.isascii() and text.isdigit() else 0


def changed(top: Path, prefix: str, commits: Sequence[Logged]) -> dict[str, list[Change]] | None:
    """What each of the commits changed below `prefix`, by its name; the paths begin behind it.

    None: git cannot say. Raises Boundless.
    """
    reader = _Reader(os.fsencode(f"{prefix}/") if prefix else b"")
    with TemporaryFile() as asked:
        asked.write("".join(f"{' '.join((one.name, *one.parents[:1]))}\n" for one in commits).encode())
        asked.seek(0)
        with _git._reading(top, "diff-tree", "--stdin", "-r", "-z", "--raw", "--root", "--no-renames", "--no-abbrev",
                           "--ignore-submodules=none", *(("--", prefix) if prefix else ()), stdin=asked) as (git, pipe):
            rest = b""
            while chunk := pipe.read(_AT_ONCE):
                rest = reader.read(rest + chunk)
            if git.wait() != 0 or rest:
                return None
    return reader.all()


class _Reader:
    """Takes what diff-tree prints, piece by piece."""

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self.found: dict[str, list[Change]] = {}
        self.number = 0
        self.commit = ""
        self.came: list[tuple[str, str]] = []
        self.gone: list[tuple[str, str]] = []

    def read(self, printed: bytes) -> bytes:
        """What is left of it: an entry that is not printed whole yet. Raises Boundless."""
        at = 0
        while (match := _PRINTED.match(printed, at)) is not None:
            at = match.end()
            if (name := match[1]) is not None:
                self.close()
                self.commit = name.decode()
            else:
                self.take(*match.groups()[1:])
        return printed[at:]

    def all(self) -> dict[str, list[Change]]:
        self.close()
        return self.found

    def take(self, old_mode: bytes, new_mode: bytes, old: bytes, new: bytes, raw: bytes) -> None:
        was, is_now = old_mode.startswith(_REGULAR), new_mode.startswith(_REGULAR)
        path = raw.removeprefix(self.prefix).decode("utf-8", "backslashreplace")
        if not (was or is_now) or (was and is_now and old == new) or is_hidden(path):
            return                                                # a link; or it may only be executed now
        self.number += 1
        if self.number > MOST_CHANGES:
            raise Boundless
        if was and is_now:
            self.found.setdefault(self.commit, []).append(Change(path, new.decode()))
        else:
            (self.came if is_now else self.gone).append((path, (new if is_now else old).decode()))

    def close(self) -> None:
        """Adds what came and went in one commit."""
        if self.came or self.gone:
            sources = _moved(self.came, self.gone)
            made = self.found.setdefault(self.commit, [])
            made += [Change(path, None) for path, _ in self.gone]
            made += [Change(path, blob, sources.get(path)) for path, blob in self.came]
            self.came, self.gone = [], []


def _moved(came: list[tuple[str, str]], gone: list[tuple[str, str]]) -> dict[str, str]:
    """From where each file came that went elsewhere with the same bytes: first by its name, then as they stand."""
    found: dict[str, str] = {}
    for key in (lambda path, blob: (blob, path.rsplit("/", 1)[-1])), (lambda _, blob: blob):
        free = defaultdict(list)
        taken = set(found.values())
        for path, blob in reversed(gone):
            if path not in taken:
                free[key(path, blob)].append(path)
        for path, blob in came:
            if path not in found and free.get(key(path, blob)):
                found[path] = free[key(path, blob)].pop()
    return found


def contents(top: Path, blobs: Iterable[str], most: int) -> Iterator[tuple[str, bytes | None]]:
    """Each blob with its bytes; None: it is not here, or is longer than `most`. Raises ContentError for broken ones."""
    asked = list(dict.fromkeys(blobs))
    if not asked:
        return
    printed = _git.output(top, "cat-file", "--batch-check", "--buffer", stdin="".join(f"{b}\n" for b in asked).encode())
    about = [line.split() for line in (printed or b"").decode("ascii", "replace").splitlines()]
    small = [one[0] for one in about if len(one) == 3 and one[1] == "blob" and int(one[2]) <= most]
    yield from zip(small, _git.objects(top, small), strict=True)
    yield from ((name, None) for name in set(asked).difference(small))
