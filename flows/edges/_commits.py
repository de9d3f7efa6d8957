"""Commits and their changes, kept in SQLite: what was read of Git once is not read again. Losing it loses nothing.

A commit never changes, so nothing here ever has to: what is new is added. Every first-parent line is cut into lanes: a
lane is a row of commits, each the first parent of the next, and it branches off one commit of an older lane. So the
last change of a file before a commit is found without walking from commit to commit.
"""
import json
import logging
import sqlite3
import threading
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from flows.edges._log import Change, Logged
from flows.edges.cache import make

log = logging.getLogger(__name__)
_PATIENCE_S = 5.0
_TOGETHER = 500
_AT_FAULT = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
             sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
"""What SQLite says when nothing is wrong with the file, but with the place it lies in, or with who else uses it."""
_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE lanes (lane INTEGER PRIMARY KEY, fork INTEGER, fork_lane INTEGER, tip INTEGER NOT NULL);
CREATE TABLE commits (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, parents TEXT NOT NULL, lane INTEGER NOT NULL,
                      at INTEGER NOT NULL, author TEXT NOT NULL, committer TEXT NOT NULL, changes INTEGER NOT NULL,
                      pulled INTEGER NOT NULL);
CREATE TABLE changes (path TEXT NOT NULL, n INTEGER NOT NULL, blob TEXT, source TEXT, PRIMARY KEY (path, n))
    WITHOUT ROWID;
CREATE TABLE tips (n INTEGER PRIMARY KEY);
CREATE TABLE texts (form TEXT NOT NULL, blob TEXT NOT NULL, facts TEXT, PRIMARY KEY (form, blob)) WITHOUT ROWID;
CREATE TABLE signers (name TEXT PRIMARY KEY, signer TEXT NOT NULL) WITHOUT ROWID;
"""


class Kept(NamedTuple):
    """One commit. `n` is larger than that of its parents; `changes` says whether it changed the content folder."""

    n: int
    name: str
    parents: tuple[int, ...]
    lane: int
    at: int
    author: str
    committer: str
    changes: bool
    pulled: bool


class Row(NamedTuple):
    """One change of one path: what commit `n`, of lane `lane`, made of it."""

    path: str
    n: int
    lane: int
    blob: str | None
    source: str | None


class Commits:
    """What is kept in `file`; None: in memory. `stamp`: what the facts depend on beside Git's objects.

    Every method may raise sqlite3.Error; `is_damage` tells what to do then. May be used by several threads.
    """

    def __init__(self, file: Path | None, stamp: str) -> None:
        self._lock = threading.RLock()
        self._commits: dict[int, Kept] = {}
        self._forks: dict[int, tuple[int, int] | None] = {}
        self._database = _connected(file)
        weakref.finalize(self, self._database.close)
        self._prepare(stamp)

    def _prepare(self, stamp: str) -> None:
        """The tables are there, and what they hold was written by this version of us."""
        with suppress(sqlite3.OperationalError):                  # no such table
            if self._made_by() == stamp:
                return
        with self._writing():
            if self._one("SELECT name FROM sqlite_master") is None:
                for statement in _TABLES.split(";")[:-1]:
                    self._do(statement)
                self._do("INSERT INTO about VALUES ('made_by', ?)", (stamp,))
            elif self._made_by() != stamp:
                raise sqlite3.DatabaseError("written by somebody else")

    def _made_by(self) -> str | None:
        found = self._one("SELECT value FROM about WHERE key = 'made_by'")
        return found[0] if found else None

    def copied(self, stamp: str) -> "Commits":
        """The same in memory."""
        made = Commits(None, stamp)
        with self._lock, made._lock:
            self._database.backup(made._database)
        return made

    # --- what is known ----------------------------------------------------------------------------------------------

    def number(self, name: str) -> int | None:
        found = self._one("SELECT n FROM commits WHERE name = ?", (name,))
        return found[0] if found else None

    def tips(self) -> list[str]:
        """Names of commits that led to no other one that is known: all that is known led to them."""
        return [name for (name,) in self._all("SELECT name FROM commits JOIN tips USING (n) ORDER BY n DESC")]

    def commit(self, n: int) -> Kept:
        found = self._commits.get(n)
        if found is None:
            row = self._one("SELECT * FROM commits WHERE n = ?", (n,))
            if row is None:
                raise sqlite3.DatabaseError(f"no commit {n}")
            found = self._commits[n] = _kept(row)
        return found

    def line(self, n: int) -> Iterator[tuple[int, int]]:
        """The lanes of the first-parent line that ends with commit `n`, each with its last commit on that line."""
        lane, at = self.commit(n).lane, n
        while True:
            yield lane, at
            if lane not in self._forks:
                self._forks[lane] = self._one("SELECT fork, fork_lane FROM lanes WHERE lane = ?", (lane,))
            fork = self._forks[lane]
            if fork is None or (fork[0] or 0) >= at:
                raise sqlite3.DatabaseError(f"no lane {lane}")
            if fork[0] is None:
                return
            at, lane = fork

    def rows(self, path: str) -> list[Row]:
        """Every change of `path`, the newest first."""
        return _rows(self._all("SELECT path, n, lane, blob, source FROM changes LEFT JOIN commits USING (n) "
                               "WHERE path = ? ORDER BY n DESC", (path,)))

    def rows_like(self, pattern: str) -> list[Row]:
        """Every change of the paths that fit `pattern`, a GLOB of SQLite."""
        return _rows(self._all("SELECT path, n, lane, blob, source FROM changes LEFT JOIN commits USING (n) "
                               "WHERE path GLOB ?", (pattern,)))

    def paths(self) -> Iterator[str]:
        """Every path that ever was, in order."""
        yield from (path for (path,) in self._all("SELECT DISTINCT path FROM changes"))

    def ancestors(self, n: int) -> frozenset[int] | None:
        """The numbers of `n` and of all that led to it; None: everything that is known."""
        if self._one("SELECT value FROM about WHERE key = 'whole'") == (str(n),):
            return None
        found = {n}
        for number, parents in self._all("SELECT n, parents FROM commits WHERE n <= ? ORDER BY n DESC", (n,)):
            if number in found:
                found.update(map(int, parents.split()))
        return frozenset(found)

    def by(self, authors: Collection[str] | None = None) -> list[int]:
        """The numbers of commits that changed the folder: by one of the authors; None: by anybody."""
        whose = "" if authors is None else f"AND author IN ({', '.join('?' * len(authors))})"
        return [n for (n,) in self._all(f"SELECT n FROM commits WHERE changes {whose}", tuple(authors or ()))]

    # --- what is added ----------------------------------------------------------------------------------------------

    def add(self, logged: Sequence[Logged], changes: Mapping[str, Sequence[Change]]) -> None:
        """Keeps commits, parents before children, the last of them a tip. Those that somebody else kept are passed by.

        Raises KeyError when a parent is not known.
        """
        if not logged:
            return
        with self._writing():
            known = {one.name: n for one in logged if (n := self.number(one.name)) is not None}
            new = [one for one in logged if one.name not in known]
            if not new:
                return
            n = (self._one("SELECT max(n) FROM commits") or (None,))[0] or 0
            numbers, older = dict(known), set()
            for one in new:
                n += 1
                numbers[one.name] = n
                for parent in one.parents:
                    if parent not in numbers:
                        numbers[parent] = self._needed(parent)
                    older.add(numbers[parent])
            lanes = self._laned(new, numbers)
            self._many("INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (
                (numbers[one.name], one.name, " ".join(str(numbers[parent]) for parent in one.parents),
                 lanes[one.name], one.at, one.author, one.committer, one.name in changes, one.pulled) for one in new))
            rows = [(change.path, numbers[one.name], change.blob, change.source)
                    for one in new for change in changes.get(one.name, ())]
            rows.sort(key=lambda row: row[:2])                    # as they are kept: it takes a third of the time
            self._many("INSERT OR REPLACE INTO changes VALUES (?, ?, ?, ?)", rows)
            self._count_in(numbers[new[-1].name], older)

    def _needed(self, name: str) -> int:
        n = self.number(name)
        if n is None:
            raise KeyError(name)
        return n

    def _laned(self, new: Sequence[Logged], numbers: Mapping[str, int]) -> dict[str, int]:
        """The lane of each new commit: that of its first parent if it goes on there, else one of its own.

        Where two go on, it is the one on the first-parent line of the last: so the lines stay in few pieces.
        """
        by_name = {one.name: one for one in new}
        heir: dict[str, str] = {}
        at: Logged | None = new[-1]
        while at is not None and at.parents:
            heir[at.parents[0]] = at.name
            at = by_name.get(at.parents[0])
        tips: dict[int, int] = {}
        forks: list[tuple[int, int | None, int | None]] = []
        lanes: dict[str, int] = {}
        free = ((self._one("SELECT max(lane) FROM lanes") or (None,))[0] or 0) + 1
        for one in new:
            n = lane = None
            if one.parents:
                parent = one.parents[0]
                n, lane = numbers[parent], lanes.get(parent) or self.commit(numbers[parent]).lane
                if lane not in tips:
                    tips[lane] = (self._one("SELECT tip FROM lanes WHERE lane = ?", (lane,)) or (0,))[0]
                if tips[lane] == n and heir.get(parent, one.name) == one.name:
                    lanes[one.name], tips[lane] = lane, numbers[one.name]
                    continue
            lanes[one.name], tips[free] = free, numbers[one.name]
            forks.append((free, n, lane))
            free += 1
        self._many("INSERT INTO lanes VALUES (?, ?, ?, 0)", forks)
        self._many("UPDATE lanes SET tip = ? WHERE lane = ?", ((tip, lane) for lane, tip in tips.items()))
        return lanes

    def _count_in(self, tip: int, older: Iterable[int]) -> None:
        """`tip` is one, and everything among `older` is none any more; whether all that is known led to it."""
        self._many("DELETE FROM tips WHERE n = ?", ((n,) for n in older))
        self._do("INSERT OR IGNORE INTO tips VALUES (?)", (tip,))
        whole = self._one("SELECT count(*) FROM tips") == (1,)
        self._do("INSERT OR REPLACE INTO about VALUES ('whole', ?)", (str(tip) if whole else "",))

    # --- what was read of texts -------------------------------------------------------------------------------------

    def texts(self, form: str, blobs: Sequence[str]) -> dict[str, Any]:
        """What was read of versions, by blob; None: it could not be read."""
        found = {}
        for start in range(0, len(blobs), _TOGETHER):
            some = blobs[start:start + _TOGETHER]
            for blob, facts in self._all("SELECT blob, facts FROM texts WHERE form = ? AND blob IN "
                                         f"({', '.join('?' * len(some))})", (form, *some)):
                found[blob] = json.loads(facts) if facts else None
        return found

    def keep_texts(self, form: str, read: Mapping[str, Any]) -> None:
        with self._writing():
            self._many("INSERT OR REPLACE INTO texts VALUES (?, ?, ?)", sorted(
                (form, blob, json.dumps(facts) if facts is not None else "") for blob, facts in read.items()))

    def signer(self, name: str) -> str | None:
        """Who signed the commit, where that was found."""
        found = self._one("SELECT signer FROM signers WHERE name = ?", (name,))
        return found[0] if found else None

    def keep_signer(self, name: str, signer: str) -> None:
        with self._writing():
            self._do("INSERT OR REPLACE INTO signers VALUES (?, ?)", (name, signer))

    # --- SQLite -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: everything of it is kept, or nothing."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def _one(self, asked: str, values: Sequence[Any] = ()) -> Any:
        with self._lock, closing(self._database.execute(asked, values)) as cursor:
            return cursor.fetchone()

    def _all(self, asked: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, closing(self._database.execute(asked, values)) as cursor:
            return cursor.fetchall()

    def _do(self, asked: str, values: Sequence[Any] = ()) -> None:
        self._database.execute(asked, values).close()

    def _many(self, asked: str, rows: Iterable[Sequence[Any]]) -> None:
        self._database.executemany(asked, rows).close()


def _kept(row: Sequence[Any]) -> Kept:
    n, name, parents, lane, at, author, committer, changes, pulled = row
    return Kept(n, name, tuple(map(int, parents.split())), lane, at, author, committer, bool(changes), bool(pulled))


def _rows(found: Iterable[Sequence[Any]]) -> list[Row]:
    rows = [Row(*row) for row in found]
    if any(row.lane is None for row in rows):
        raise sqlite3.DatabaseError("a change of no commit")
    return rows


def _connected(file: Path | None) -> sqlite3.Connection:
    """Raises sqlite3.Error."""
    if file is not None:
        try:
            make(file.parent)
        except OSError as error:
            log.debug("no folder for history why=%s", error)      # then SQLite cannot open the file either
    return sqlite3.connect(":memory:" if file is None else file, timeout=_PATIENCE_S, isolation_level=None,
                           check_same_thread=False)


def is_damage(error: Exception) -> bool:
    """Whether the file is no good any more; else only its place is not, for now."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF not in _AT_FAULT


def is_elsewhere(error: Exception) -> bool:
    """Whether somebody else threw the file away, and perhaps made it anew, while we had it open."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED


def is_unwritable(error: Exception) -> bool:
    """Whether all that is wrong is that nothing more can be written there."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)


def throw_away(file: Path) -> None:
    """The file is gone, if it can be."""
    for name in (f"{file.name}-journal", file.name):
        with suppress(OSError):
            file.with_name(name).unlink()
