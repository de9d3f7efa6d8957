"""What is known beyond the folder is gathered for the rules: of Git, of connection tests, of rehearsals.

What nobody can tell is None, with the reason in words: a rule that needs it is not evaluated, and never passes.
"""
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from flows.edges.history import Histories
from flows.edges.repository import Repository
from flows.edges.store import Store, open_store
from flows.edges.trials import dry_runs, recorded
from flows.planning.wishing import Frame, wish
from schemas.content import Content
from schemas.errors import ContentError, StoreError
from schemas.history import History
from schemas.ledger import Slot
from schemas.people import Team
from schemas.world import World

V = TypeVar("V")
REHEARSED = ".drumbeat/rehearsal/archive"
"""Where rehearsals keep what they published, below the home of the content folder."""
_NO_GIT = "the content lies in no Git repository"
_NO_INBOX = "the inbox is not read by this version"
_IN_A_REHEARSAL = {"inbox": "a rehearsal has no inbox", "trials": "a rehearsal opens no real connection",
                   "dry_runs": "this is a rehearsal itself"}


def knower(repository: Repository | None, commit: str | None, *, home: Path, store: Store | None = None,
           rehearsal: bool = False, working_tree: bool) -> Callable[[Content], World]:
    """Tells what is known of a content, as `commit` has it or as it lies in the working tree; see `Knower`."""
    one = Knower(repository, home=home, store=store, rehearsal=rehearsal)
    return lambda content: one.at(content, None if working_tree else commit)


class Knower:
    """Looks at what lies around one content folder. `store`: the rehearsal's archive; None: the one in its own place.

    `rehearsal`: nothing real is at stake; connections, inboxes and dry runs are not looked for then. Keeps what it
    read of Git, so one of them is enough for as long as a program runs.
    """

    def __init__(self, repository: Repository | None, *, home: Path, store: Store | None = None,
                 rehearsal: bool = False) -> None:
        self._repository, self._home, self._store, self._rehearsal = repository, home, store, rehearsal
        kept = home if (home / ".drumbeat").is_dir() else None    # who only looks makes no folder
        self._histories = Histories(repository, kept) if repository is not None else None

    def at(self, content: Content, commit: str | None, *, whole: bool = True) -> World:
        """What is known of `content` as `commit` has it; None: as it lies in the working tree.

        `whole` False: only of Git, for nothing else is asked for. Of the working tree Git knows what HEAD has: a file
        that differs from it has no history. Never raises for what is not there.
        """
        told = self._history(content, commit)
        history = told if isinstance(told, History) else None
        why = {"history": told} if isinstance(told, str) else {}
        if not whole:
            return World(history=history, rehearsal=self._rehearsal, why=why)
        if self._rehearsal:
            return World(history=history, rehearsal=True, why={**why, **_IN_A_REHEARSAL})
        runs = self._dry_runs(content)
        if isinstance(runs, str):
            why["dry_runs"] = runs
        trials = recorded(self._home) or None
        if trials is None:
            why["trials"] = "no connection test is recorded here"
        return World(history=history, trials=trials, dry_runs=None if isinstance(runs, str) else runs,
                     why={**why, "inbox": _NO_INBOX})

    def _history(self, content: Content, commit: str | None) -> History | str:
        if self._repository is None or self._histories is None:
            return _NO_GIT
        try:
            asked = commit if commit is not None else self._repository.head()
        except ContentError:
            return "nothing is committed yet"
        posts = (*(post.post for post in content.posts), *content.drafts)
        told = self._histories.at(asked, _addresses(content), [_path(content, post.file) for post in posts])
        if isinstance(told, str) or commit is not None:
            return told
        start = f"{self._repository.prefix}/" if self._repository.prefix else ""
        changed = frozenset(path.removeprefix(start) for path in self._repository.uncommitted())
        rewritten = {entry.id for entry in content.entries
                     if entry.kind == "strategy" and _path(content, entry.file) in changed}
        return told._replace(files=Without(told.files, changed), material=Without(told.material, rewritten))

    def _dry_runs(self, content: Content) -> Mapping[str, datetime] | str:
        store, archive = self._store, self._home / REHEARSED
        slots = _slots(content)
        if not slots or (store is None and not archive.exists()):
            return {}
        try:
            return dry_runs(store or open_store(f"dir:{archive}"), slots)
        except StoreError as error:
            return f"the rehearsal's archive does not answer: {error.what}"


class Without(Mapping[str, V]):
    """`inner` but for some keys."""

    def __init__(self, inner: Mapping[str, V], left_out: Collection[str]) -> None:
        self._inner, self._left_out = inner, left_out

    def __getitem__(self, key: str) -> V:
        if key in self._left_out:
            raise KeyError(key)
        return self._inner[key]

    def __contains__(self, key: object) -> bool:
        return key not in self._left_out and key in self._inner

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._inner if key not in self._left_out)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _addresses(content: Content) -> frozenset[str]:
    team = content.entry("team")
    return frozenset(address for person in team.people for address in person.git) if isinstance(team, Team) \
        else frozenset()


def _path(content: Content, file: str) -> str:
    return file.removeprefix(f"{content.root}/")


def _slots(content: Content) -> dict[str, set[Slot]]:
    """Every slot that the posts of each campaign ask for; what is withdrawn, or goes to no network, is left out."""
    frame = Frame(content.channels, content.timezone, {})
    found: dict[str, set[Slot]] = {}
    for post in content.posts:
        if post.post.campaign is not None and not post.post.head.withdraw:
            found.setdefault(post.post.campaign, set()).update(
                claim.slot for claim in wish(post, frame).claims if claim.channel.network in content.networks)
    return found
