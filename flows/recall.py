"""What was published and has no file any more, known again by its file, its text or its name."""
from collections.abc import Iterable

from flows.edges.ledger import Ledger
from flows.edges.repository import Repository
from flows.planning.folding import fold
from flows.planning.reading import read
from flows.planning.renaming import Former, text_of_post
from schemas.content import SourceFile
from schemas.errors import ContentError, StoreError
from schemas.ledger import Slot


def formers(ledger: Ledger, repository: Repository | None, slots: Iterable[Slot]) -> dict[str, Former]:
    """What can be known of the posts of these slots: the file each was sent from, and its text while Git has that file.

    By post id; one slot a post is asked. A ledger or file that cannot be read leaves less to know.
    """
    blobs: dict[str, str | None] = {}
    for slot in slots:
        if blobs.get(slot.post) is None:
            try:
                standing = fold(slot, ledger.read(slot))
            except StoreError:
                continue                                          # `archive verify` names it; another slot may tell
            blobs[slot.post] = standing.pin.blob if standing.pin is not None else None
    return {id: Former(blob, _text(repository, blob)) for id, blob in blobs.items()}


def _text(repository: Repository | None, blob: str | None) -> str | None:
    if repository is None or blob is None:
        return None
    try:
        data = repository.blobs([blob])[blob]
    except ContentError:
        return None                                               # not this file: its name must do
    posts = read([SourceFile("posts/former.md", blob, len(data), "file", data)], "content").posts
    return text_of_post(posts[0]) if posts else None
