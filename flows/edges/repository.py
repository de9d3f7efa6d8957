"""Git: the content folder at a commit, read as blobs and never checked out; or the working tree, for authors."""
import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import NamedTuple

from flows.edges import _git
from flows.edges._contents import (
    MEDIA_BYTES,
    MEDIA_SUFFIXES,
    POINTER_BYTES,
    TEXT_BYTES,
    TEXT_SUFFIXES,
    beginning,
    filled,
    is_media,
    is_read,
    judged,
)
from flows.edges._trees import (
    MISNAMED,
    SUBMODULE,
    SYMLINK,
    differing,
    irregular,
    is_hidden,
    is_misnamed,
    listed,
    refused,
    source_file,
)
from flows.edges.fetching import unfetched
from schemas.content import Probe, SourceFile
from schemas.errors import ContentError, SettingsError

FILES = 250_000
"""The program is measured with 100,000 posts: room for them, for a picture with each, and for everything else."""
DEPTH = 12
LISTING_BYTES = 40_000_000
"""A longer list has more than FILES files, or names that nobody reads. It may be far longer than the repository is
large: ten folders that each hold the next one ten times make ten thousand million files."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RESOLVED = re.compile(rb"([0-9a-f]{40,64}) commit \d+\n")
_SPELLED_OUT = re.compile(
    r"([0-9a-f]{40}|[0-9a-f]{64}|@|[A-Z_]*HEAD)(?=[~^@{]|$)|(refs|heads|tags|remotes)/"
)  # what means one thing only, or is where Git itself looks first
_LONGEST_REVISION = 200

__all__ = ["MEDIA_BYTES", "MEDIA_SUFFIXES", "POINTER_BYTES", "TEXT_BYTES", "TEXT_SUFFIXES", "Change", "Repository",
           "UnknownRevision", "inside_repository", "made_for", "working_tree"]


class Change(NamedTuple):
    """A path of the content folder that another commit has otherwise. `file` is what it has; None: it is gone."""

    path: str
    file: SourceFile | None


class UnknownRevision(ContentError):
    """A commit was named that is none: a word of the command was wrong, not the content."""

    exit_code = 2


class Repository:
    """A content folder inside a Git repository."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsError when `folder` is in no repository, or git is not there."""
        self.folder = folder.resolve()
        top = _top(self.folder)
        if top is None:
            raise SettingsError(f"{folder} is in no Git repository, and only what is committed is published.",
                                f"Run 'git init' beside it, then 'git add {folder.name}' and 'git commit'.")
        self.top = top
        self.prefix = "" if self.folder == top else self.folder.relative_to(top).as_posix()
        self._regular: set[str] = set()       # trees whose every entry is known to be as Git makes them
        self._small: set[str] = set()         # content folders that are known to hold no more than FILES files

    def head(self) -> str:
        """The commit that HEAD names. Raises ContentError when nothing is committed yet."""
        found = _git.output(self.top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if found is None:
            raise unfetched(self.folder) or ContentError(
                "Nothing is committed yet, and only what is committed is published.",
                f"Run 'git add {self.folder.name}' and 'git commit -m \"First posts\"'.")
        return found.decode().strip()

    def named(self, ref: str) -> str | None:
        """The commit that a full name such as refs/heads/main means; None: there is none."""
        found = _git.output(self.top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return found.decode().strip() if found is not None and ref.startswith("refs/") else None

    def has(self, commit: str) -> bool:
        """Whether the commit is in this clone."""
        return _COMMIT.fullmatch(commit) is not None and _git.output(
            self.top, "cat-file", "-e", f"{commit}^{{commit}}") is not None

    def commit_of(self, rev: str) -> str:
        """The commit that a person means by `rev`: a branch, a tag, a hash, `HEAD~1`, `origin/main`.

        A branch goes before a tag of its name; a whole hash is that commit. Raises UnknownRevision.
        """
        exact = _SPELLED_OUT.match(rev) is not None
        if 0 < len(rev) <= _LONGEST_REVISION and rev.isprintable() and rev[0] not in "-^" and ":" not in rev:
            # Asked on standard input, where nothing can be taken for an option.
            asked = "".join(f"{name}^{{commit}}\n" for name in ([rev] if exact else [f"refs/heads/{rev}", rev]))
            answers = _git.output(self.top, "cat-file", "--batch-check", stdin=asked.encode()) or b""
            for answer in answers.splitlines(keepends=True):
                if found := _RESOLVED.fullmatch(answer):
                    return found[1].decode()
        shown = rev[:60] + ("…" if len(rev) > 60 else "")
        raise UnknownRevision(f"There is no commit {shown!r}.",
                              "Name a branch, a tag or a commit that 'git log --oneline --all' shows, or HEAD~1.")

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether `commit` is `ancestor` or came after it; False too when either is not here."""
        if not (_COMMIT.fullmatch(commit) and _COMMIT.fullmatch(ancestor)):
            return False
        return _git.output(self.top, "merge-base", "--is-ancestor", ancestor, commit) is not None

    def carries(self, place: Path) -> bool:
        """Whether Git keeps something at `place`: then everybody who clones the repository is handed it."""
        place = place.resolve()
        return place.is_relative_to(self.top) and bool(
            _git.output(self.top, "ls-files", "-z", "--", place.relative_to(self.top).as_posix()))

    def uncommitted(self) -> list[str]:
        """Paths of the content folder whose working copy differs from HEAD."""
        return [path for _, path in self._status()]

    def fresh(self) -> frozenset[str]:
        """Paths in the content folder that HEAD does not hold: nothing of them was ever published under their name."""
        start = f"{self.prefix}/" if self.prefix not in ("", ".") else ""
        return frozenset(path.removeprefix(start) for state, path in self._status() if state in ("??", "A ", "AM"))

    def _status(self) -> list[tuple[str, str]]:
        listing = _git.output(self.top, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames",
                              "--ignore-submodules=all", "--", self.prefix or ".", emptied=self._filters()) or b""
        return [(entry[:2].decode(), entry[3:].decode("utf-8", "replace"))
                for entry in listing.split(b"\0") if len(entry) > 3]

    def _filters(self) -> list[str]:
        """The settings that name the repository's filters: `git status` would run them."""
        names = _git.output(self.top, "config", "--null", "--name-only", "--get-regexp", r"^filter\.") or b""
        return [os.fsdecode(name) for name in names.split(b"\0") if name]

    def files(self, commit: str, probes: MutableMapping[str, Probe] | None = None) -> Iterator[SourceFile]:
        """The content folder at `commit`: text with its bytes, media with what their headers say.

        Limits are judged before anything is read. `probes` is what is known of sound media by `<blob>:<ending>`, and
        takes up what is found. Raises ContentError when the folder is not in that commit or holds too much.
        """
        return filled(self.top, self.listing(commit), probes)

    def listing(self, commit: str) -> list[SourceFile]:
        """The same files, and nothing of them read."""
        trees = self._trees(commit)
        printed: bytes | None = b""
        if trees:
            if not self._is_small(trees[0]):                      # known long before Git has told all their sizes
                _judge_size(FILES + 1, 0, self.folder.name)
            printed = _git.output(self.top, "ls-tree", "-r", "-t", "-z", "-l", "--full-tree", trees[0])
        if printed == b"" or (printed is None and _git.output(self.top, "cat-file", "-t", trees[0]) == b"blob\n"):
            raise ContentError(
                f"{self.folder.name}/ holds no committed file.",
                f"Run 'git add {self.folder.name}' and 'git commit', or name another folder with --content.",
            )
        if printed is None or (entries := listed(printed)) is None:
            raise ContentError("Git cannot read its own objects.", "Run 'git fsck', and fetch the repository again.")
        found, folders = entries
        _judge_size(len(found), max((file.path.count("/") for file in found), default=0), self.folder.name)
        wrong = self._irregular({"": trees[0], **folders})
        return [refused(file, wrong) for file in found] if wrong else found

    def reread(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """Files of a listing with what is read of them, wherever they were listed. Raises ContentError."""
        return list(filled(self.top, files, None))

    def changed(self, old: str, new: str, probes: MutableMapping[str, Probe] | None = None) -> list[Change] | None:
        """What makes `files(old)` into `files(new)`, in order of paths, each once.

        None when that cannot be told, and `files(new)` has to be read: a commit or its folder is not here, as in a
        shallow clone or after history was rewritten, it holds too much, or a folder is not as Git makes them. Raises
        ContentError for folders that are too deep.
        """
        trees = self._trees(old, new)
        if not trees or not all(map(self._is_small, trees)):      # git would keep all differences before it prints one
            return None
        printed = _git.output_within(self.top, 2 * LISTING_BYTES, "diff-tree", "-r", "-t", "-z", "--raw",
                                     "--no-renames", "--no-abbrev", "--ignore-submodules=none", *trees)
        if printed is None or len(printed) > 2 * LISTING_BYTES:
            return None
        found = differing(printed)
        often = Counter([*(path for path, _, _ in found.new), *found.gone])
        if max(often.values(), default=1) > 1 or self._irregular({name: name for name in (*trees, *found.trees)}):
            return None
        sizes = self._sizes([blob for _, kind, blob in found.new if kind != SUBMODULE])
        if sizes is None:
            return None
        files = [source_file(path, kind, blob, sizes.get(blob, 0)) for path, kind, blob in found.new]
        _judge_size(0, max((file.path.count("/") for file in files), default=0), self.folder.name)
        changes = [*(Change(file.path, file) for file in filled(self.top, files, probes)),
                   *(Change(path, None) for path in found.gone)]
        return sorted(changes, key=lambda change: change.path)

    def blobs(self, names: list[str]) -> dict[str, bytes]:
        """The bytes of each blob, by name. Raises ContentError for one that is not there."""
        asked = list(dict.fromkeys(names))
        return dict(zip(asked, _git.objects(self.top, asked), strict=True))

    def _trees(self, *commits: str) -> list[str]:
        """Git's names of the content folder at each commit; none when one of them has it not."""
        if not all(_COMMIT.fullmatch(commit) for commit in commits):
            return []
        found = _git.output(self.top, "rev-parse", *(f"{commit}:{self.prefix}" for commit in commits))
        return (found or b"").decode().split()

    def _irregular(self, trees: Mapping[str, str]) -> dict[str, str]:
        """The paths in `trees` (path: name) that Git would not have written, with their kind."""
        unseen = list(dict.fromkeys(tree for tree in trees.values() if tree not in self._regular))
        found = {tree: wrong for tree, data in zip(unseen, _git.objects(self.top, unseen, "tree"), strict=True)
                 if (wrong := irregular(data, len(tree) // 2))}
        self._regular |= set(unseen) - set(found)
        return {f"{path}/{name}".removeprefix("/"): kind
                for path, tree in trees.items() for name, kind in found.get(tree, {}).items()}

    def _sizes(self, blobs: Sequence[str]) -> dict[str, int] | None:
        """The size of each blob by name, without reading one; None when one is not here."""
        asked = "".join(f"{name}\n" for name in dict.fromkeys(blobs)).encode()
        lines = (_git.output(self.top, "cat-file", "--batch-check", "--buffer", stdin=asked) or b"").decode()
        found = [line.split() for line in lines.splitlines()]
        if [kind for _, kind, *_ in found] != ["blob"] * len(set(blobs)):
            return None
        return {name: int(size) for name, _, size in found}

    def _is_small(self, tree: str) -> bool:
        """Whether `tree` holds no more than FILES files, and not very many hidden ones."""
        if tree not in self._small:
            names = _git.output_within(self.top, LISTING_BYTES, "ls-tree", "-r", "-z", "--name-only", tree) or b""
            entries = names.count(b"\0")
            if len(names) > LISTING_BYTES or entries > 4 * FILES or (entries > FILES and sum(
                    not is_hidden(name) for name in names.decode("utf-8", "replace").split("\0") if name) > FILES):
                return False
            self._small.add(tree)
        return True


def working_tree(folder: Path) -> Iterator[SourceFile]:
    """The content folder as it lies on disk. Symbolic links are named, never followed. Raises ContentError."""
    if not folder.is_dir():
        raise unfetched(folder) or ContentError(
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
            relative = os.fsencode((here / name).relative_to(folder).as_posix()).decode("utf-8", "backslashreplace")
            _judge_size(count, relative.count("/"), folder.name)
            if name in modules:
                yield source_file(relative, SUBMODULE, "", 0)
            elif (file := _on_disk(here / name, relative)) is not None:
                yield file
    if not count:
        raise unfetched(folder) or ContentError(f"{folder} holds no files.",
                                                "Run 'drumbeat init' to begin with a channel and a post.")


def _on_disk(path: Path, relative: str) -> SourceFile | None:
    """The file at `path`; None for what is neither file nor link, or gone again (editors come and go)."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return source_file(relative, SYMLINK, "", 0)
        if not stat.S_ISREG(status.st_mode):
            return None
        file = source_file(relative, MISNAMED if is_misnamed(relative) else "file", "", status.st_size)
        try:
            if is_read(file):
                data = path.read_bytes()
                file = file._replace(blob=_blob_name(data), data=data)
            return judged(file, file.data or beginning(path, file.size)) if is_media(file) else file
        except PermissionError:
            raise ContentError(f"{path} cannot be read.", "Make it readable, or move it away.") from None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ContentError(
            f"{path} cannot be read: {error.strerror}.", "Let the person who runs this read it."
        ) from None


def _judge_size(files: int, depth: int, name: str) -> None:
    if files > FILES:
        raise ContentError(f"{name}/ holds more than {FILES:,} files.", "Move what is no content out of it.")
    if depth > DEPTH:
        raise ContentError(f"{name}/ has folders deeper than {DEPTH}.", "Move what is no content out of it.")


def _blob_name(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _top(folder: Path) -> Path | None:
    """The working tree that `folder` lies in; None when it is in none. Raises SettingsError when there is no git."""
    for start in (folder, folder.parent):     # a folder may look like a repository of its own, and be refused as one
        found = _git.output(start, "rev-parse", "--show-toplevel")
        if found is not None:
            top = Path(os.fsdecode(found.removesuffix(b"\n"))).resolve()
            return top if folder.is_relative_to(top) else None    # core.worktree may name any folder
    return None


def made_for(folder: Path) -> None:
    """There is a repository for a content folder at its top: an empty one if nobody made one. Raises SettingsError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _top(folder.resolve()) is None:
            _git.output(folder.parent, "init", "--quiet", "--initial-branch=main", ".")
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}.",
                            "Name a place that the publisher may write to: --content, or DRUMBEAT_CONTENT.") from None


def inside_repository(folder: Path) -> bool:
    """Whether `folder` lies in a Git repository. Raises SettingsError when there is no git."""
    return _top(folder.resolve()) is not None
