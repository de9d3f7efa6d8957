"""What is published and no file has any more: which file it has become, asked of the archive and of Git."""

from collections.abc import Iterable

from flows.cli.watching import reader
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import Store
from flows.planning.folding import fold
from flows.planning.preparing import Prepared
from flows.planning.reading import read
from flows.planning.renaming import Former, advice, renamed, text_of_post
from schemas.content import SourceFile
from schemas.errors import ContentError, SettingsError, StoreError


def recalled(settings: Settings, store: Store, done: Prepared, published: Iterable[str]) -> dict[str, str]:
    """For every published id that no file has: what to do, in words; by id."""
    posts = [*(post.post for post in done.content.posts), *done.content.drafts]
    there = {post.id for post in posts} | {problem.post for problem in done.problems}
    gone = sorted(id for id in published if id not in there)
    if not gone:
        return {}
    found = renamed(_formers(settings, store, gone), [post for post in posts if post.id not in set(published)])
    return {id: f"{found[id].file} looks like it, and as {found[id].id} it WOULD PUBLISH AGAIN. {advice(id, found[id])}"
            if id in found else
            f"Keep its id ('id: {id}') in the renamed file, or put the file back and set withdraw: true."
            for id in gone}


def _formers(settings: Settings, store: Store, ids: list[str]) -> dict[str, Former]:
    """What can be known of each: the file it was sent from, and its text while Git has that file."""
    ledger = reader(store)
    blobs: dict[str, str] = {}
    for slot in ledger.all_slots():
        if slot.post in ids and slot.post not in blobs:
            try:
                standing = fold(slot, ledger.read(slot))
            except StoreError:
                continue                                          # `archive verify` names it; another slot may tell
            if standing.pin is not None:
                blobs[slot.post] = standing.pin.blob
    texts = _texts(settings, blobs)
    return {id: Former(blobs.get(id), texts.get(id)) for id in ids}


def _texts(settings: Settings, blobs: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for id, blob in blobs.items():
        try:
            data = Repository(settings.content).blobs([blob])[blob]
        except (ContentError, SettingsError):
            continue                                              # no repository, or not this file: its name must do
        posts = read([SourceFile("posts/former.md", blob, len(data), "file", data)], "content").posts
        if posts:
            found[id] = text_of_post(posts[0])
    return found
