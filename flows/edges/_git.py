"""git as a process in which nothing that a repository says runs code, reaches a network or changes what is read."""
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from schemas.errors import ContentError, SettingsError

# No hooks, file-system monitor or attributes of this computer; a commit is read as it was made, without replacements.
# A folder that looks like a bare repository is content, and never taken for the repository itself: one can be
# committed inside another (git-config, safe.bareRepository, read 2026-11-22).
GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.attributesFile=/dev/null",
        "-c", "safe.directory=*", "-c", "safe.bareRepository=explicit",
        "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects")
# Settings of the system and the user do not count; no protocol is allowed, so that a missing object is not fetched
# (`remote.*.uploadpack` names a command); no grafted history.
_SURROUNDINGS = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1",
                 "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1",
                 "GIT_GRAFT_FILE": os.devnull, "LC_ALL": "C"}
_AT_ONCE = 1 << 20
"""Bytes that are read of a pipe at once; and the largest object that is read whole where only its beginning is asked
for: to end git and start it again takes as long as to read so much."""


def output(folder: Path, *words: str, stdin: bytes | None = None, emptied: Sequence[str] = ()) -> bytes | None:
    """What git printed, or None when it refused; the settings `emptied` have no value.

    Raises SettingsError when there is no git, ContentError when there is no such folder.
    """
    asked = subprocess.DEVNULL if stdin is None else subprocess.PIPE
    with _begin(folder, words, asked, emptied) as git:
        printed, _ = git.communicate(stdin)
    return printed if git.returncode == 0 else None


def output_within(folder: Path, most: int, *words: str) -> bytes | None:
    """The same, but git is ended when it has printed more than `most` bytes: what it gave is longer than that then."""
    printed = bytearray()
    with _reading(folder, *words) as (git, pipe):
        while chunk := pipe.read(_AT_ONCE):
            printed += chunk
            if len(printed) > most:
                return bytes(printed)
        return bytes(printed) if git.wait() == 0 else None


def objects(folder: Path, names: Sequence[str], kind: str = "blob") -> Iterator[bytes]:
    """The bytes of each object, in the order asked for, read one by one from one process.

    Raises ContentError at the first that is not there, is broken, or is of another kind.
    """
    if not names:
        return
    with TemporaryFile() as asked:            # not a pipe: nobody would read the answers while it is filled
        asked.write("".join(f"{name}\n" for name in names).encode())
        asked.seek(0)
        with _reading(folder, "cat-file", "--batch", "--buffer", stdin=asked) as (_, pipe):
            for name in names:
                found, *about = pipe.readline().decode("ascii", "replace").split() or [""]
                size = int(about[1]) if len(about) == 2 and found == name and about[0] == kind else -1
                data = pipe.read(size) if size >= 0 else b""
                if len(data) != size or pipe.read(1) != b"\n":
                    raise ContentError(f"Git has no file {name}." if about else "Git cannot read its own objects.",
                                       "Run 'git fsck', and fetch the repository again.")
                yield data


def beginnings(folder: Path, blobs: Sequence[tuple[str, int]], most: int) -> Iterator[bytes]:
    """The first `most` bytes of each blob, given by name and size, in the order asked for; large ones are not read on.

    Raises ContentError as `objects` does.
    """
    whole = objects(folder, [name for name, size in blobs if size <= _AT_ONCE])
    for name, size in blobs:
        if size <= _AT_ONCE:
            yield next(whole)[:most]
            continue
        with _reading(folder, "cat-file", "blob", name) as (_, pipe):
            head = pipe.read(most)
        if len(head) < min(most, size):
            raise ContentError(f"Git has no file {name}.", "Run 'git fsck', and fetch the repository again.")
        yield head


@contextmanager
def _reading(folder: Path, *words: str, stdin: IO[bytes] | int = subprocess.DEVNULL,
             ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """git under way and what it prints; gone afterwards, however much of it was read."""
    with _begin(folder, words, stdin) as git:
        assert git.stdout is not None
        try:
            yield git, git.stdout
        finally:
            git.kill()


def surroundings() -> dict[str, str]:
    """The environment of every git: what ours says of Git does not count."""
    return {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | _SURROUNDINGS


def _begin(folder: Path, words: Sequence[str], stdin: IO[bytes] | int,
           emptied: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    environment = surroundings()
    environment["GIT_CONFIG_COUNT"] = str(len(emptied))           # not -c: a name may hold an equals sign
    for number, name in enumerate(emptied):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": ""}
    try:
        return subprocess.Popen([*GIT, *words], cwd=folder, env=environment, stdin=stdin, bufsize=_AT_ONCE,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except (FileNotFoundError, NotADirectoryError) as error:
        if error.filename == "git":
            raise SettingsError("git is not installed, and content lives in Git.", "Install git.") from None
        raise ContentError(f"There is no folder {folder}.", "Name yours with --content.") from None
