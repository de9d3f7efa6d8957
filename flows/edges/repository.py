"""Git: the content folder at a commit, read as blobs and never checked out; or the working tree, for authors."""
import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from schemas.content import SourceFile
from schemas.errors import ContentError, SettingsError

TEXT_SUFFIXES = (".md", ".yaml", ".yml", ".csv")
TEXT_BYTES = 256_000
POINTER_BYTES = 1024
"""A Git LFS pointer is shorter than this (git-lfs docs/spec.md, read 2026-11-22); so small a file is read whole."""
FILES = 50_000
DEPTH = 12
# Nothing a repository says may run code here: no hooks, filters, file-system monitor, no fetch of missing objects;
# and a commit is read as it was made: no replacements.
_GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.attributesFile=/dev/null",
        "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects")
_SURROUNDINGS = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
                 "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}


class Repository:
    """A content folder inside a Git repository."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsError when `folder` is in no repository, or git is not there."""
        self.folder = folder.resolve()
        top = _git(self.folder, "rev-parse", "--show-toplevel")
        if top is None:
            raise SettingsError(f"{folder} is in no Git repository, and only what is committed is published.",
                                f"Run 'git init' beside it, then 'git add {folder.name}' and 'git commit'.")
        self.top = Path(os.fsdecode(top.removesuffix(b"\n")))
        self.prefix = self.folder.relative_to(self.top.resolve()).as_posix()

    def head(self) -> str:
        """The commit that HEAD names. Raises ContentError when nothing is committed yet."""
        found = _git(self.top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if found is None:
            raise ContentError("Nothing is committed yet, and only what is committed is published.",
                               f"Run 'git add {self.folder.name}' and 'git commit -m \"First posts\"'.")
        return found.decode().strip()

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or came after it; False too when either is not here."""
        return _git(self.top, "merge-base", "--is-ancestor", ancestor, commit) is not None

    def uncommitted(self) -> list[str]:
        """Paths of the content folder whose working copy differs from HEAD."""
        listing = (
            _git(
                self.top,
                "status",
                "--porcelain",
                "-z",
                "--untracked-files=all",
                "--no-renames",
                "--ignore-submodules=all",
                "--",
                self.prefix or ".",
                emptied=self._filters(),
            )
            or b""
        )
        return [entry[3:].decode("utf-8", "replace") for entry in listing.split(b"\0") if len(entry) > 3]

    def _filters(self) -> list[str]:
        """The settings that name the repository's filters: `git status` would run them."""
        names = _git(self.top, "config", "--null", "--name-only", "--get-regexp", r"^filter\.") or b""
        return [os.fsdecode(name) for name in names.split(b"\0") if name]

    def files(self, commit: str) -> Iterator[SourceFile]:
        """The content folder at `commit`. Text comes with its bytes; limits are judged before anything is read.

        Raises ContentError when the folder is not in that commit or holds too much.
        """
        tree = f"{commit}:{self.prefix}" if self.prefix not in ("", ".") else f"{commit}:"
        listing = _git(self.top, "ls-tree", "-r", "-z", "-l", "--full-tree", tree)
        if not listing:
            raise ContentError(
                f"{self.folder.name}/ holds no committed file.",
                f"Run 'git add {self.folder.name}' and 'git commit', or name another folder with --content.",
            )
        found = [file for line in listing.split(b"\0") if line and not _is_hidden((file := _entry(line)).path)]
        _judge_size(len(found), max((file.path.count("/") for file in found), default=0), self.folder.name)
        wanted = [file for file in found if file.kind == "file" and _is_read(file.path, file.size)]
        bytes_of = self.blobs([file.blob for file in wanted])
        for file in found:
            yield file._replace(data=bytes_of.get(file.blob)) if _is_read(file.path, file.size) else file

    def blobs(self, names: list[str]) -> dict[str, bytes]:
        """The bytes of each blob, by name. Raises ContentError for one that is not there."""
        if not names:
            return {}
        asked = "".join(f"{name}\n" for name in dict.fromkeys(names)).encode()
        answer = _git(self.top, "cat-file", "--batch", stdin=asked)
        if answer is None:
            raise ContentError("Git cannot read its own objects.", "Run 'git fsck', and fetch the repository again.")
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
        raise ContentError(
            f"There is no folder {folder}.", "Run 'drumbeat init' to make one, or name yours with --content."
        )
    count = 0
    for path, names, files in os.walk(folder):
        here = Path(path)
        names[:] = sorted(name for name in names if not name.startswith("."))
        modules = [name for name in names if (here / name / ".git").exists()]
        names[:] = [name for name in names if name not in modules]
        for name in sorted(
            [*modules, *(n for n in names if (here / n).is_symlink()), *(n for n in files if not n.startswith("."))]
        ):
            count += 1
            relative = os.fsencode((here / name).relative_to(folder).as_posix()).decode("utf-8", "replace")
            _judge_size(count, relative.count("/"), folder.name)
            if name in modules:
                yield SourceFile(relative, "", 0, "submodule")
            elif (file := _on_disk(here / name, relative)) is not None:
                yield file
    if not count:
        raise ContentError(f"{folder} holds no files.", "Run 'drumbeat init' to begin with a channel and a post.")


def _on_disk(path: Path, relative: str) -> SourceFile | None:
    """The file at `path`; None for what is neither file nor link, or gone again (editors come and go)."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return SourceFile(relative, "", 0, "symlink")
        if not stat.S_ISREG(status.st_mode):
            return None
        try:
            data = path.read_bytes() if _is_read(relative, status.st_size) else None
        except PermissionError:
            raise ContentError(f"{path} cannot be read.", "Make it readable, or move it away.") from None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ContentError(
            f"{path} cannot be read: {error.strerror}.", "Let the person who runs this read it."
        ) from None
    return SourceFile(relative, _blob_name(data) if data is not None else "", status.st_size, "file", data)


def _is_hidden(path: str) -> bool:
    return path.startswith(".") or "/." in path


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


def _git(folder: Path, *words: str, stdin: bytes | None = None, emptied: Sequence[str] = ()) -> bytes | None:
    """What git printed, or None when it refused; the settings `emptied` have no value.

    Raises SettingsError when there is no git, ContentError when there is no such folder.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | _SURROUNDINGS
    environment["GIT_CONFIG_COUNT"] = str(len(emptied))           # not -c: a name may hold an equals sign
    for number, name in enumerate(emptied):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": ""}
    command = [*_GIT, "-c", "safe.directory=*", *words]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, check=False)
    except (FileNotFoundError, NotADirectoryError) as error:
        if error.filename == "git":
            raise SettingsError("git is not installed, and content lives in Git.", "Install git.") from None
        raise ContentError(f"There is no folder {folder}.", "Name yours with --content.") from None
    return done.stdout if done.returncode == 0 else None


def inside_repository(folder: Path) -> bool:
    """Whether `folder` lies in a Git repository. Raises SettingsError when there is no git."""
    return _git(folder, "rev-parse", "--show-toplevel") is not None
