"""What is published and no file has any more: which file it has become, asked of the archive and of Git."""

from collections.abc import Iterable

from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import Store
from flows.observe import reader
from flows.planning.preparing import Prepared
from flows.planning.renaming import Former, advice, renamed
from flows.recall import formers
from schemas.errors import SettingsError


def recalled(settings: Settings, store: Store, done: Prepared, published: Iterable[str]) -> dict[str, str]:
    """For every published id that no file has: what to do, in words; by id."""
    posts = [*(post.post for post in done.content.posts), *done.content.drafts]
    there = {post.id for post in posts} | {problem.post for problem in done.problems}
    gone = sorted(id for id in published if id not in there)
    if not gone:
        return {}
    ledger = reader(store)
    slots = [slot for slot in ledger.all_slots() if slot.post in set(gone)]
    known = dict.fromkeys(gone, Former()) | formers(ledger, _repository(settings), slots)
    found = renamed(known, [post for post in posts if post.id not in set(published)])
    return {id: f"{found[id].file} looks like it, and as {found[id].id} it is another post, and waits. "
                f"{advice(id, found[id])}"
            if id in found else
            f"Keep its id ('id: {id}') in the renamed file, or put the file back and set withdraw: true."
            for id in gone}


def _repository(settings: Settings) -> Repository | None:
    try:
        return Repository(settings.content)
    except SettingsError:
        return None
