"""Content becomes problems, messages and a plan. No Prefect, no network: safe in a pre-commit hook."""
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import publishers
from flows.edges.repository import Repository, working_tree
from flows.planning.preparing import Prepared, prepare
from schemas.errors import ContentError, SettingsError
from schemas.ledger import Slot


def check(folder: Path, *, now: datetime, kept: Mapping[Slot, datetime] | None = None,
          sent: Mapping[Slot, datetime | None] | None = None,
          published: frozenset[str] | None = None) -> Prepared:
    """What the working tree of `folder` means at `now`. Raises ContentError when there is nothing to check."""
    root = os.path.relpath(folder).replace(os.sep, "/")
    return prepare(working_tree(folder), root, "working tree", networks=publishers.available(), judge=publishers.judge,
                   now=now, kept=kept, sent=sent, published=published, fresh=_fresh(folder))


def _fresh(folder: Path) -> frozenset[str]:
    """The files of the folder that were never committed; none where nothing is committed at all, or there is no Git."""
    try:
        repository = Repository(folder)
        repository.head()
        return repository.fresh()
    except (SettingsError, ContentError):
        return frozenset()


def check_commit(repository: Repository, commit: str, *, now: datetime,
                 kept: Mapping[Slot, datetime] | None = None,
                 sent: Mapping[Slot, datetime | None] | None = None) -> Prepared:
    """What the content of `commit` means at `now`: what is published. Raises ContentError when it holds none."""
    return prepare(repository.files(commit), repository.folder.name, commit, networks=publishers.available(),
                   judge=publishers.judge, now=now, kept=kept, sent=sent)
