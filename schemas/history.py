"""What Git knows of the content folder, as facts: who wrote what, when it came first, who agreed. Times are UTC."""
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple


class Edit(NamedTuple):
    """One commit that changed something. `author`: an address in small letters. `signer`: whose key signed it, None: it
    is not signed, or nobody asked.
    """

    commit: str
    at: datetime
    author: str
    signer: str | None = None


class FileHistory(NamedTuple):
    """One file, as it is committed now.

    `first`: the commit that brought it. `last`: the last change of its text; for a post, of anything but who agreed,
    who answers for it, when it goes out and what it serves. `approved`: when `approved_by` got the names it has; None:
    it has none. `merged_by`: the addresses of those who merged the last change and had not written it. `changed`: the
    last change, where the text is another than the one that got these names; None: it is that one.
    """

    first: Edit
    last: Edit
    approved: Edit | None = None
    merged_by: tuple[str, ...] = ()
    changed: Edit | None = None


class History(NamedTuple):
    """The whole of it. A file that was never committed, or lies changed in the working tree, is not in `files`.

    `entities`: when an id was there first, by kind and id: `("social_goal", "new-members")`, also `tactic`, `channel`,
    `campaign`. `material`: the last change of mission, business_goals or social_goals, by strategy id.
    """

    files: Mapping[str, FileHistory]                       # by path in the content folder
    entities: Mapping[tuple[str, str], datetime]
    material: Mapping[str, Edit]
