"""Content becomes problems, messages and a plan. No Prefect, no network: safe in a pre-commit hook."""
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import publishers
from flows.edges.repository import Repository, working_tree
from flows.know import knower
from flows.planning.preparing import Prepared, prepare
from schemas.errors import ContentError, SettingsError
from schemas.hold import Moved
from schemas.ledger import Slot


def check(folder: Path, *, now: datetime, kept: Mapping[Slot, datetime] | None = None,
          sent: Mapping[Slot, datetime | None] | None = None,
          published: frozenset[str] | None = None, resumed: Mapping[Slot, Moved] | None = None,
          home: Path | None = None, rehearsal: bool = False) -> Prepared:
    """What the working tree of `folder` means at `now`. Raises ContentError when there is nothing to check.

    `home`: where `.drumbeat` lies; with it Git's history and the connection tests are looked at too. `rehearsal`:
    `sent` is what rehearsal networks got.
    """
    root, repository = os.path.relpath(folder).replace(os.sep, "/"), _repository(folder)
    know = knower(repository, None, home=home, rehearsal=rehearsal, working_tree=True) if home is not None else None
    return prepare(working_tree(folder), root, "working tree", networks=publishers.available(), judge=publishers.judge,
                   now=now, kept=kept, sent=sent, published=published, resumed=resumed, know=know,
                   fresh=repository.fresh() if repository is not None else frozenset())


def _repository(folder: Path) -> Repository | None:
    """The repository around the folder; None: there is none, nothing is committed in it, or there is no Git."""
    try:
        repository = Repository(folder)
        repository.head()
    except (SettingsError, ContentError):
        return None
    return repository


def check_commit(repository: Repository, commit: str, *, now: datetime,
                 kept: Mapping[Slot, datetime] | None = None,
                 sent: Mapping[Slot, datetime | None] | None = None,
                 resumed: Mapping[Slot, Moved] | None = None,
                 home: Path | None = None, rehearsal: bool = False) -> Prepared:
    """What the content of `commit` means at `now`: what is published. Raises ContentError when it holds none."""
    know = knower(repository, commit, home=home, rehearsal=rehearsal, working_tree=False) if home is not None else None
    return prepare(repository.files(commit), repository.folder.name, commit, networks=publishers.available(),
                   judge=publishers.judge, now=now, kept=kept, sent=sent, resumed=resumed, know=know)
