"""What there is to tell of the past as of one commit, looked up in what is kept of Git when somebody asks.

What a merge brought is told as Git itself does: where a file is as one of the merged lines had it, that line tells its
past; the first, where several do. A file is followed where it was moved as it was.
"""
import logging
from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from flows.edges._commits import Commits, Row
from flows.edges._log import contents
from flows.edges._versions import TEXT_BYTES, Form, agreed, form_of
from schemas.errors import ContentError
from schemas.history import Edit, FileHistory

log = logging.getLogger(__name__)
A = TypeVar("A")
Aspect = Callable[[str], Hashable]
"""What is looked at in a version of a file, given by its blob; None: it cannot be read, and is passed over."""
_STRATEGIES = ("strategy.yaml", "strategies/*.yaml")


class Keeper(Protocol):
    """Who keeps what was read of Git."""

    def safely(self, ask: Callable[[Commits], A]) -> A:
        """What `ask` finds in what is kept; where that was lost and made anew, `ask` is asked again."""
        ...

    def read(self, kept: Commits, commit: str) -> str | None:
        """Everything that led to `commit` is kept; or why it cannot be, in words."""
        ...


class Found(NamedTuple):
    """Where something was done to a file. `via`: the merge by which it came into the first-parent line, if it did; one
    that only brought a line up to date is none.
    """

    row: Row
    via: int | None


class Past:
    """`led`: the numbers of the commits that led to `commit`, itself included; None: all that are kept.

    `asked`: posts that will be asked about; what has to be read of Git for one of them is read for all at once.
    """

    def __init__(self, keeper: Keeper, top: Path, commit: str, asked: frozenset[str]) -> None:
        self._keeper, self._top, self._commit, self._asked = keeper, top, commit, asked
        self._facts: dict[str, dict[str, Any]] = {}               # form → blob → what that version says
        self._kept: Commits | None = None
        self._n = 0
        self._led: frozenset[int] | None = None
        self._rows: dict[str, list[Row]] = {}

    def paths(self) -> list[str]:
        """Every file that there is, in order."""
        return self._ask(lambda: [path for path in self._commits.paths() if self._version(self._n, path)])

    def holds(self, path: str) -> bool:
        return self._ask(lambda: self._version(self._n, path) is not None)

    def file(self, path: str) -> FileHistory | None:
        """None: there is no such file."""
        return self._ask(lambda: self._file(path))

    def entities(self) -> dict[tuple[str, str], datetime]:
        """When each id was there first, by kind and id; those too that are gone."""
        return self._ask(self._entities)

    def material(self) -> dict[str, Edit]:
        """The last change of what a sponsor agrees to, by strategy id."""
        return self._ask(self._material)

    def is_by(self, authors: Collection[str] | None = None) -> bool:
        """Whether one of the authors changed the folder; None: whether anybody did."""
        return self._ask(lambda: any(self._has_led(n) for n in self._commits.by(authors)))

    def _ask(self, ask: Callable[[], A]) -> A:
        def again(kept: Commits) -> A:
            if kept is not self._kept:
                self._take(kept)
            return ask()
        return self._keeper.safely(again)

    def _take(self, kept: Commits) -> None:
        """From now on `kept` is asked; it has numbers of its own."""
        why = self._keeper.read(kept, self._commit)
        n = kept.number(self._commit)
        if n is None:
            raise ContentError(f"Git does not tell any more what it told before: {why}.", "Run 'git fsck'.")
        self._kept, self._n, self._led, self._rows = kept, n, kept.ancestors(n), {}

    @property
    def _commits(self) -> Commits:
        assert self._kept is not None
        return self._kept

    # --- one file ---------------------------------------------------------------------------------------------------

    def _file(self, path: str) -> FileHistory | None:
        now = self._version(self._n, path)
        if now is None or now.blob is None:
            return None
        first = self._origin(path, bool)
        form = form_of(path)
        said = self._versions(form, path) if form is not None and form.name == "post" else {}
        if said.get(now.blob) is None:                            # no post, or one that nobody can read
            return self._told(first, self._origin(path, lambda blob: blob), None)

        def rest(blob: str) -> Hashable:
            return said[blob]["rest"] if said.get(blob) else None

        def names(blob: str) -> Hashable:
            return tuple(agreed(said[blob])) if said.get(blob) else None

        last = self._origin(path, rest)
        if not names(now.blob):
            return self._told(first, last, None)
        approved = self._origin(path, names)
        both = self._origin(path, lambda blob: (names(blob), rest(blob)) if said.get(blob) else None)
        if both.row.n not in (approved.row.n, last.row.n):
            last = both          # a merge joined the names with another text than the one they were put under
        told = self._told(first, last, approved)
        # not by their times: two clocks may differ, and a text may be put back as it was
        return told._replace(changed=told.last) if rest(approved.row.blob or "") != rest(now.blob) else told

    def _told(self, first: Found, last: Found, approved: Found | None) -> FileHistory:
        author = self._commits.commit(last.row.n).author
        merge = self._commits.commit(last.via) if last.via is not None else None
        mergers = dict.fromkeys((merge.author, merge.committer)) if merge is not None else {}
        return FileHistory(self._edit(first), self._edit(last), self._edit(approved) if approved is not None else None,
                           tuple(address for address in mergers if address != author))

    def _edit(self, found: Found) -> Edit:
        one = self._commits.commit(found.row.n)
        return Edit(one.name, _time(one.at), one.author)

    def _origin(self, path: str, aspect: Aspect) -> Found:
        """Where the file got the aspect it has now. Raises LookupError where that can be said of no version."""
        here, via = self._version(self._n, path, aspect), None
        if here is None:
            raise LookupError(path)
        value = aspect(here.blob or "")
        while (step := self._before(here, aspect, value)) is not None:
            number, older = step
            if number and via is None and not self._commits.commit(here.n).pulled:
                via = here.n
            here = older
        return Found(here, via)

    def _before(self, here: Row, aspect: Aspect, value: Hashable) -> tuple[int, Row] | None:
        """The version from which `here` has the aspect, and of which parent that is; None: `here` gave it itself."""
        for number, parent in enumerate(self._commits.commit(here.n).parents):
            older = self._version(parent, here.path, aspect)
            if older is None and number == 0 and here.source is not None:
                older = self._version(parent, here.source, aspect)
            if older is not None and aspect(older.blob or "") == value:
                return number, older
        return None

    def _version(self, n: int, path: str, aspect: Aspect | None = None) -> Row | None:
        """The last change of `path` on the first-parent line of `n`; None: there is no such file then."""
        rows = self._rows_of(path)
        if not rows:
            return None
        for lane, top in self._commits.line(n):
            for at in range(bisect_left(rows, -top, key=lambda row: -row.n), len(rows)):
                row = rows[at]
                if row.lane != lane:
                    continue
                if row.blob is None:
                    return None
                if aspect is None or aspect(row.blob) is not None:
                    return row
        return None

    def _rows_of(self, path: str) -> list[Row]:
        found = self._rows.get(path)
        if found is None:
            found = self._rows[path] = self._commits.rows(path)
        return found

    # --- what versions say ------------------------------------------------------------------------------------------

    def _versions(self, form: Form, path: str) -> dict[str, Any]:
        """By blob what every version of the file says, and of files moved to its path; others are among them."""
        known = self._facts.setdefault(form.name, {})
        blobs = self._blobs([path])
        if not blobs <= known.keys():
            if path in self._asked:
                blobs |= self._blobs(self._asked)
            self._learn(form, known, sorted(blobs - known.keys()))
        return known

    def _learn(self, form: Form, known: dict[str, Any], blobs: list[str]) -> None:
        found = self._commits.texts(form.name, blobs)
        read: dict[str, Any] = {}
        try:
            for blob, data in contents(self._top, (blob for blob in blobs if blob not in found), TEXT_BYTES):
                read[blob] = form.read(data) if data is not None else None
        except ContentError as error:
            log.warning("older versions cannot be read why=%s", error.what)
        if read:
            self._commits.keep_texts(form.name, read)
        known.update({**dict.fromkeys(blobs), **found, **read})

    def _blobs(self, paths: Iterable[str]) -> set[str]:
        """Every version that files of these paths ever had, here or where they were moved from."""
        found: set[str] = set()
        asked, seen = list(paths), set()
        while asked:
            path = asked.pop()
            if path not in seen:
                seen.add(path)
                rows = self._rows_of(path)
                found |= {row.blob for row in rows if row.blob is not None}
                asked += [row.source for row in rows if row.source is not None]
        return found

    def _entities(self) -> dict[tuple[str, str], datetime]:
        found: dict[tuple[str, str], int] = {}
        for row in self._led_by("campaigns/*/campaign.yaml"):
            _earliest(found, ("campaign", row.path.split("/")[1]), self._commits.commit(row.n).at)
        for pattern in (*_STRATEGIES, "networks/channels.yaml"):
            for row in self._led_by(pattern):
                said = self._said(row)
                for kind, ids in (said["ids"] if said is not None else {}).items():
                    for id in ids:
                        _earliest(found, (kind, id), self._commits.commit(row.n).at)
        return {key: _time(at) for key, at in found.items()}

    def _material(self) -> dict[str, Edit]:
        found: dict[str, Edit] = {}
        for path in dict.fromkeys(row.path for pattern in _STRATEGIES for row in self._led_by(pattern)):
            form = form_of(path)
            assert form is not None
            said = self._versions(form, path)

            def material(blob: str, said: dict[str, Any] = said) -> Hashable:
                return said[blob]["material"] if said.get(blob) else None

            now = self._version(self._n, path, material)
            if now is not None:
                id = said[now.blob or ""]["strategy"] or path.rsplit("/", 1)[-1].removesuffix(".yaml")
                found[id] = self._edit(self._origin(path, material))
        return found

    def _led_by(self, pattern: str) -> list[Row]:
        """The changes of paths that fit, by commits that led here; without removals."""
        return [row for row in self._commits.rows_like(pattern) if row.blob is not None
                and row.path.count("/") == pattern.count("/") and self._has_led(row.n)]

    def _has_led(self, n: int) -> bool:
        """Whether commit `n` led here; what somebody else has read since did not."""
        return n <= self._n and (self._led is None or n in self._led)

    def _said(self, row: Row) -> dict[str, Any] | None:
        form = form_of(row.path)
        said: dict[str, Any] | None = self._versions(form, row.path).get(row.blob or "") if form is not None else None
        return said


def _earliest(found: dict[tuple[str, str], int], key: tuple[str, str], at: int) -> None:
    found[key] = min(at, found.get(key, at))


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
