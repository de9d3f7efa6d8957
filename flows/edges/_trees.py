"""What Git lists becomes files; what no author's Git would have written is told apart (threats A9, A10)."""
import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from flows.planning.spotting import hidden
from schemas.content import SourceFile

PATH_BYTES = 500
SYMLINK, SUBMODULE, MISNAMED = "symlink", "submodule", "misnamed file"
ODD, TWICE = "file of a mode that Git does not make", "file that its folder holds twice"
"""Kinds of what is no file to read: `SourceFile.kind`, in the words of a message."""
_MODES = {"100644": "file", "100755": "file", "120000": SYMLINK, "160000": SUBMODULE}

_LISTED = re.compile(r"(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([^\0]+)\0")
_CHANGED = re.compile(r":(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) \w+\0([^\0]+)\0")
_FOLDER, _NOTHING = "040000", "000000"


class Listed(NamedTuple):
    """What `git ls-tree -r -t -z -l` lists: files without bytes, hidden ones left out; and folders, by path."""

    files: list[SourceFile]
    trees: dict[str, str]


class Differing(NamedTuple):
    """What `git diff-tree -r -t -z --raw` prints.

    `new`: path, kind and blob of what is new or otherwise. `gone`: paths. `trees`: every folder compared, old and new.
    """

    new: list[tuple[str, str, str]]
    gone: list[str]
    trees: set[str]


def listed(printed: bytes) -> Listed | None:
    """Files come in Git's order, a name in another encoding with its bytes as `\\xe9`; None: objects are missing."""
    files: list[SourceFile] = []
    trees: dict[str, str] = {}
    lines = _LISTED.findall(_text(printed))
    if len(lines) != printed.count(b"\0"):        # `BAD` is the size of what Git has not got
        return None
    for mode, what, blob, size, path in lines:
        if what == "tree":
            trees[path] = blob
        elif not is_hidden(path):
            files.append(source_file(path, kind_of(mode, path), blob, 0 if size == "-" else int(size)))
    return Listed(files, trees)


def differing(printed: bytes) -> Differing:
    """Hidden files are left out, as in `listed`."""
    new, gone, trees = [], [], set()
    for old_mode, new_mode, old, blob, path in _CHANGED.findall(_text(printed)):
        trees |= {name for mode, name in ((old_mode, old), (new_mode, blob)) if mode == _FOLDER}
        if is_hidden(path):
            continue
        if new_mode not in (_NOTHING, _FOLDER):
            if blob != old or kind_of(new_mode, path) != kind_of(old_mode, path):     # else it may only be executed now
                new.append((path, kind_of(new_mode, path), blob))
        elif old_mode not in (_NOTHING, _FOLDER):
            gone.append(path)
    return Differing(new, gone, trees)


def source_file(path: str, kind: str, blob: str, size: int) -> SourceFile:
    """A file of which nothing was read."""
    return SourceFile._make((path, blob, size, kind, None, None))


def kind_of(mode: str, path: str) -> str:
    kind = _MODES.get(mode, ODD)
    return MISNAMED if kind == "file" and is_misnamed(path) else kind


def irregular(tree: bytes, width: int) -> dict[str, str]:
    """The names of a raw tree that Git would not have put there, with their kind; `width`: bytes of an object's name.

    Git itself shows 100664 as 100644 and 060000 as a submodule (tree-walk.c, canon_mode), and takes a name that
    stands twice for two files.
    """
    entry = _ENTRIES[width]
    names = entry.names.findall(tree)
    if entry.regular.fullmatch(tree) and len(set(names)) == len(names):
        return {}
    often = Counter(names)
    found = {_text(name): TWICE for name in names if often[name] > 1}
    found |= {_text(name): MISNAMED for name in names if b"/" in name}
    return found | {_text(name): ODD for mode, name in entry.pairs.findall(tree) if not _REGULAR.fullmatch(mode)}


def refused(file: SourceFile, wrong: Mapping[str, str]) -> SourceFile:
    """`file`, or what it is instead when its own path or that of a folder around it is among those that are wrong."""
    steps = file.path.split("/")
    kind = next((wrong[path] for n in range(len(steps)) if (path := "/".join(steps[:n + 1])) in wrong), None)
    return source_file(file.path, kind, file.blob, file.size) if kind else file


def is_hidden(path: str) -> bool:
    """Whether a name begins with a dot: that is content nowhere. (`..` is no name at all.)"""
    return (path.startswith(".") or "/." in path) and _NO_NAMES.isdisjoint(path.split("/"))


def is_misnamed(path: str) -> bool:
    """Whether a path could mislead: it leads elsewhere, hides something from readers, or is longer than 500 bytes."""
    return (
        "\\" in path
        or not _NO_NAMES.isdisjoint(path.split("/"))
        or (len(path) * 4 > PATH_BYTES and len(path.encode()) > PATH_BYTES)
        or (not path.isprintable() and (any(letter < " " for letter in path) or any(hidden(path))))
    )


_NO_NAMES = frozenset({"", ".", ".."})
_REGULAR = re.compile(rb"0?(?:100644|100755|120000|160000|40000)")


class _Entry:
    """How the entries of a raw tree look, for names of objects of so many bytes (SHA-1 has 20, SHA-256 32)."""

    def __init__(self, width: int) -> None:
        self.regular = re.compile(rb"(?:%s [^\0/]++\0.{%d})*+" % (_REGULAR.pattern, width), re.DOTALL)
        self.names = re.compile(rb"[0-7]+ ([^\0]+)\0.{%d}" % width, re.DOTALL)
        self.pairs = re.compile(rb"([0-7]+) ([^\0]+)\0.{%d}" % width, re.DOTALL)


_ENTRIES = {width: _Entry(width) for width in (20, 32)}


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
