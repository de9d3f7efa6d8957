"""Git: the content folder at a commit, read as blobs and never checked out; or the working tree, for authors."""
import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from schemas.content import SourceFile
from schemas.errors import ContentError, SettingsError

TEXT_SUFFIXES = (".md", ".yaml", ".yml", ".csv")
TEXT_BYTES = 256_000
POINTER_BYTES = 200
"""A Git LFS pointer is shorter than this, and so is no real image."""
FILES = 50_000
DEPTH = 12
# Nothing a repository says may run code here: no hooks, filters, file-system monitor, external protocols.
_GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never",
        "-c", "core.attributesFile=/dev/null", "--no-optional-locks", "--literal-pathspecs")


class Repository:
    """A content folder inside a Git repository."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsError when `folder` is in no repository, or git is not there."""
        self.folder = folder.resolve()
        top = _git(self.folder, "rev-parse", "--show-toplevel")
        if top is None:
            raise SettingsError(f"{folder} is in no Git repository, and only what is committed is published.",
                                f"Run 'git init' beside it, then 'git add {folder.name}' and 'git commit'.")
        self.top = Path(top.decode().strip())
        self.prefix = self.folder.relative_to(self.top.resolve()).as_posix()

    def head(self) -> str:
        """The commit that HEAD names. Raises ContentError when nothing is committed yet."""
        found = _git(self.top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if found is None:
            raise ContentError("Nothing is committed yet, and only what is committed is published.",
                               f"Run 'git add {self.folder.name}' and 'git commit -m \"First posts\"'.")
        return found.decode().strip()

    def uncommitted(self) -> list[str]:
        """Paths of the content folder whose working copy differs from HEAD."""
        listing = _git(self.top, "status", "--porcelain", "-z", "--untracked-files=all", "--", self.prefix or ".") or b""
        return [entry[3:].decode("utf-8", "replace") for entry in listing.split(b"\0") if len(entry) > 3]

    def files(self, commit: str) -> Iterator[SourceFile]:
        """The content folder at `commit`. Text comes with its bytes; limits are judged before anything is read.

        Raises ContentError when the folder is not in that commit or holds too much.
        """
        tree = f"{commit}:{self.prefix}" if self.prefix not in ("", ".") else f"{commit}:"
        listing = _git(self.top, "ls-tree", "-r", "-z", "-l", "--full-tree", tree)
        if not listing:
            raise ContentError(f"{self.folder.name}/ holds no committed file.",
                               f"Run 'git add {self.folder.name}' and 'git commit', or name another folder with --content.")
        found = [_entry(line) for line in listing.split(b"\0") if line]
        _judge_size(len(found), max(file.path.count("/") for file in found), self.folder.name)
        wanted = [file for file in found if file.kind == "file" and _is_read(file.path, file.size)]
        bytes_of = self.blobs([file.blob for file in wanted])
        for file in found:
            yield file._replace(data=bytes_of.get(file.blob)) if _is_read(file.path, file.size) else file

    def blobs(self, names: list[str]) -> dict[str, bytes]:
        """The bytes of each blob, by name. Raises ContentError for one that is not there."""
        if not names:
            return {}
        asked = "".join(f"{name}\n" for name in dict.fromkeys(names)).encode()
        answer = _git(self.top, "cat-file", "--batch", stdin=asked) or b""
        found, at = {}, 0
        for name in dict.fromkeys(names):
            end = answer.index(b"\n", at)
            header = answer[at:end].split()
            if len(header) != 3 or header[1] != b"blob":
                raise ContentError(f"Git has no file {name}.", "Run 'git fsck', and fetch the repository again.")
            size = int(header[2])
            found[name] = answer[end + 1:end + 1 + size]
            at = end + 1 + size + 1
        return found


def working_tree(folder: Path) -> Iterator[SourceFile]:
    """The content folder as it lies on disk. Symbolic links are named, never followed. Raises ContentError."""
    if not folder.is_dir():
        raise ContentError(f"There is no folder {folder}.", "Run 'drumbeat init' to make one, or name yours with --content.")
    count = 0
    for path, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        here = Path(path)
        for name in [*[n for n in names if (here / n).is_symlink()], *sorted(files)]:
            if name.startswith("."):
                continue
            count += 1
            relative = (here / name).relative_to(folder).as_posix()
            _judge_size(count, relative.count("/"), folder.name)
            status = (here / name).lstat()
            if stat.S_ISLNK(status.st_mode):
                yield SourceFile(relative, "", 0, "symlink")
            elif stat.S_ISREG(status.st_mode):
                data = (here / name).read_bytes() if _is_read(relative, status.st_size) else None
                yield SourceFile(relative, _blob_name(data) if data is not None else "", status.st_size, "file", data)
    if not count:
        raise ContentError(f"{folder} holds no files.", "Run 'drumbeat init' to begin with a channel and a post.")


def _entry(line: bytes) -> SourceFile:
    about, _, path = line.partition(b"\t")
    mode, kind, blob, size = about.split()
    what: Literal["file", "symlink", "submodule"] = (
        "submodule" if kind == b"commit" else "symlink" if mode == b"120000" else "file")
    return SourceFile(path.decode("utf-8", "replace"), blob.decode(), 0 if size == b"-" else int(size), what)


def _is_read(path: str, size: int) -> bool:
    return (path.endswith(TEXT_SUFFIXES) and size <= TEXT_BYTES) or size <= POINTER_BYTES


def _judge_size(files: int, depth: int, name: str) -> None:
    if files > FILES:
        raise ContentError(f"{name}/ holds more than {FILES:,} files.", "Move what is no content out of it.")
    if depth > DEPTH:
        raise ContentError(f"{name}/ has folders deeper than {DEPTH}.", "Move what is no content out of it.")


def _blob_name(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _git(folder: Path, *words: str, stdin: bytes | None = None) -> bytes | None:
    """What git printed, or None when it refused. Raises SettingsError when there is no git."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = [*_GIT, "-c", "safe.directory=*", *words]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        if error.filename == "git":
            raise SettingsError("git is not installed, and content lives in Git.", "Install git.") from None
        raise ContentError(f"There is no folder {folder}.", "Name yours with --content.") from None
    return done.stdout if done.returncode == 0 else None


def inside_repository(folder: Path) -> bool:
    """Whether `folder` lies in a Git repository. Raises SettingsError when there is no git."""
    return _git(folder, "rev-parse", "--show-toplevel") is not None
