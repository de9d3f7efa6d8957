"""Git's memory of the content folder: who wrote a file, who agreed to it, what was there first. Read once, then kept.

What is kept lies in `.drumbeat/cache`. Losing it costs time and nothing else: damage is thrown away without a word.
"""
import hashlib
import logging
import os
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from flows.edges import _git
from flows.edges._commits import Commits, is_damage, is_elsewhere, is_unwritable, throw_away
from flows.edges._log import Boundless, changed, is_shallow, logged
from flows.edges._past import Past
from flows.edges.repository import Repository
from schemas.history import FileHistory, History

log = logging.getLogger(__name__)
A = TypeVar("A")
K = TypeVar("K")
V = TypeVar("V")
VERSION = 2
"""Of the tables, and of what is read into them."""
MOST_TIPS = 64
"""So many commits that led to no other are kept; with more, somebody rewrites history, and most of it is rubble."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAILMAP_BYTES = 1_000_000
# Whatever the repository says, a signature is judged by the programs of this machine.
_VERIFIERS = ("-c", "gpg.program=gpg", "-c", "gpg.openpgp.program=gpg", "-c", "gpg.x509.program=gpgsm",
              "-c", "gpg.ssh.program=ssh-keygen")


class Histories:
    """The past of one content folder. What was read is kept below `home`; None, or no place there: in memory."""

    def __init__(self, repository: Repository, home: Path | None) -> None:
        self._repository, self._home = repository, home
        self._family = f"history-{_short(repository.prefix)}"
        self._stamp = ""
        self._file: Path | None = None
        self._kept: Commits | None = None
        self._look_up()

    def at(self, commit: str, addresses: frozenset[str], asked: Collection[str] = ()) -> History | str:
        """What there is to tell as of `commit`; or in words why nobody can tell.

        `addresses`: those the team commits with. `asked`: the posts that will be asked about, by path: what has to be
        read of Git for one of them is read for all of them at once. Raises SettingsError when there is no git.
        """
        self._look_up()
        why = self.safely(lambda kept: self.read(kept, commit))
        if why is not None:
            return why
        folder = f"{self._repository.folder.name}/"
        past = Past(self, self._repository.top, commit, frozenset(asked))
        if not past.is_by():
            return f"nothing of {folder} is committed"
        team = {address.strip().lower() for address in addresses}
        if not team:
            return "people/team.yaml names no address that anybody commits with (git:)"
        if not past.is_by(team):
            return f"no commit of {folder} is by an address of people/team.yaml (git:)"
        return History(Files(past), Lazy(past.entities), Lazy(past.material))

    def _look_up(self) -> None:
        """What is kept is what fits the .mailmap of now: a publisher runs for weeks."""
        stamp = f"{VERSION} {self._repository.prefix} {_mailmap(self._repository.top)}"
        if stamp != self._stamp:
            self._stamp, self._file, self._kept = stamp, None, None
            if self._home is not None:
                self._file = self._home / ".drumbeat/cache" / f"{self._family}-{_short(stamp)}.sqlite"

    def signer(self, commit: str) -> str | None:
        """Whose key signed the commit, as this machine knows keys; None: nobody's that it trusts.

        An OpenPGP key has to be trusted, an SSH key to stand in the file that `gpg.ssh.allowedSignersFile` names.
        """
        if not _COMMIT.fullmatch(commit):
            return None
        if (known := self.safely(lambda kept: kept.signer(commit))) is not None:
            return known
        printed = _git.output(self._repository.top, *_VERIFIERS, "log", "-1", "-s", "--no-show-signature", "--no-color",
                              "--encoding=UTF-8", "--format=%G?%x00%GS", commit, "--")
        verdict, _, name = (printed or b"").decode("utf-8", "replace").removesuffix("\n").partition("\0")
        signer = name if verdict == "G" and name else None
        if signer is not None:                                    # a key that is not known yet may become so
            self.safely(lambda kept: kept.keep_signer(commit, signer))
        return signer

    def read(self, kept: Commits, commit: str) -> str | None:
        """Everything that led to `commit` is kept; or why it cannot be, in words."""
        if not _COMMIT.fullmatch(commit):
            return f"{commit[:60]!r} is no commit"
        if kept.number(commit) is not None:
            return None
        known = kept.tips()
        if len(known) > MOST_TIPS:
            raise sqlite3.DatabaseError("history was rewritten too often")
        top, folder = self._repository.top, f"{self._repository.folder.name}/"
        commits = logged(top, commit, known)
        if not commits:
            return f"Git cannot list what led to commit {commit[:12]}"
        if any(not one.parents for one in commits) and is_shallow(top):
            return "this is a shallow clone, which leaves out the past; 'git fetch --unshallow' brings it"
        try:
            changes = changed(top, self._repository.prefix, commits)
        except Boundless:
            return f"more files of {folder} were changed than people can change"
        except OSError as error:
            return f"there is no room to list what was changed: {error.strerror}"
        if changes is None:
            return "Git cannot read its own objects; 'git fsck' tells more"
        kept.add(commits, changes)
        return None

    def safely(self, ask: Callable[[Commits], A]) -> A:
        """What `ask` finds in what is kept. What is damaged is made anew; what cannot be kept stays in memory."""
        for attempt in (1, 2, 3):
            try:
                if self._kept is None:
                    self._kept = self._opened()
                return ask(self._kept)
            except (sqlite3.Error, LookupError, ValueError) as error:
                if attempt == 3:
                    raise
                log.debug("what is kept of history is of no use file=%s why=%s", self._file, error)
                self._recover(error, again=attempt == 2)
        raise AssertionError

    def _opened(self) -> Commits:
        if self._file is not None and not os.path.exists(self._file):     # noqa: PTH110 — Path's own raises
            for old in self._file.parent.glob(f"{self._family}-*.sqlite"):
                if old != self._file:                             # somebody else may have made it just now
                    throw_away(old)                               # of an older version of us, or another .mailmap
        return Commits(self._file, self._stamp)

    def _recover(self, error: Exception, *, again: bool) -> None:
        old, file = self._kept, self._file
        self._kept = None
        if is_elsewhere(error) and not again:
            return                                                # the next attempt opens what lies there now
        if file is not None and is_damage(error):
            throw_away(file)
        if again or not is_damage(error):
            self._file = None
        if old is not None and file is not None and is_unwritable(error):
            try:
                self._kept = old.copied(self._stamp)
            except sqlite3.Error as other:
                log.debug("history is read anew why=%s", other)


class Files(Mapping[str, FileHistory]):
    """Files by path; each is looked up when somebody asks for it."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._found: dict[str, FileHistory | None] = {}

    def __getitem__(self, path: str) -> FileHistory:
        if path not in self._found:
            self._found[path] = self._past.file(path)
        found = self._found[path]
        if found is None:
            raise KeyError(path)
        return found

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._past.holds(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._past.paths())

    def __len__(self) -> int:
        return len(self._past.paths())


class Lazy(Mapping[K, V]):
    """A mapping that is made when somebody looks into it."""

    def __init__(self, make: Callable[[], dict[K, V]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> dict[K, V]:
        return self._make()

    def __getitem__(self, key: K) -> V:
        return self._made[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _short(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


def _mailmap(top: Path) -> str:
    """What tells one .mailmap from another; "" where there is none that Git would read."""
    file = top / ".mailmap"
    try:
        if file.is_symlink() or not file.is_file() or file.stat().st_size > _MAILMAP_BYTES:
            return ""
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
